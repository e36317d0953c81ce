//! Columns to Arrow arrays and back.
