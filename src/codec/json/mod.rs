//! JSON lines: one object a line in, one object a row out.

mod decode;
mod encode;

pub use decode::JsonDecoder;
pub use encode::{RowWriter, write_string, write_value};
