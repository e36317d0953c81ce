//! JSON lines: one object a line in, one object a row out.
//!
//! In: `lines` cuts a chunk, `projection` picks the texts of the values that are needed out of an object, `convert` makes them values of
//! their columns (`number` exactly), and `decode` routes the events and keeps the books. Out: `encode`.

mod number;

mod convert;
mod projection;

mod decode;
mod encode;

pub(in crate::codec) use convert::convert;
pub use decode::JsonDecoder;
pub use encode::{RowWriter, write_string, write_value};

#[cfg(test)]
mod tests;
