//! Bytes and batches: lines of JSON, and records of comma-separated values, become columns of the source streams, rows become lines of JSON, columns become Arrow arrays and back.
//!
//! What comes in is described by [`SourceSpec`]s, one a source stream; what goes out is [`Decoded`]. A line that does not fit is a
//! [`BadEvent`] with its number and cause, never a failure: at every moment, lines = events of some stream + bad + unrouted + blank.

mod csv;
mod decoded;
mod format;
mod portion;
mod source;
mod table;

pub mod arrow;
#[cfg(feature = "arrow-files")]
pub mod arrow_lines;
pub mod json;

pub use csv::{CsvDecoder, Records};
pub use decoded::{BadCause, BadEvent, ChunkStart, Decoded, Limits, SourceRows};
pub use format::Format;
pub use portion::{KnownTexts, Portion};
pub use source::{ColumnSpec, Condition, Predicate, Route, SourceSpec, TimeFormat};
pub use table::{BadTable, ReadRow, TableSpec, read_csv, read_json_lines, value_of_text};
