//! JSON lines: one object a line in, one object a row out.
//!
//! In: `projection` picks the texts of the values that are needed out of an object, `convert` makes them values of
//! their columns (`number` exactly), and `decode` routes the events and keeps the books. Most lines never get there: on the fast path (`fast`)
//! `scan` reads what is plainly good from its tokens (`token`, eight bytes at a time by `swar`), and `typed` makes columns of it; where
//! lines go on as lines before went, `stretch` takes them by the block (`template` those that are all alike, `lockstep` many of them side
//! by side). `lanes` looks at sixteen bytes in one register. Out: `encode`, of many rows `lines`, with numbers by `numeral`.

mod number;
mod numeral;
mod swar;
mod token;

mod aside;
mod block;
mod convert;
mod kinds;
mod lanes;
mod lockstep;
mod projection;
mod scan;
mod sprint;
mod stretch;
mod template;
mod typed;

mod decode;
mod encode;
mod fast;
mod lines;

pub(in crate::codec) use convert::convert;
pub use decode::JsonDecoder;
pub use encode::{RowWriter, write_string, write_value};
pub use lines::{BatchWriter, Text};

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;
