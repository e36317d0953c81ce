//! Where bytes come from and go to: inputs cut into chunks of whole lines, and the dead-letter file for lines that were no good.

mod dead_letters;
mod durable;
mod error;
mod input;
mod lines;
pub mod storage;
mod table;
#[cfg(feature = "cli")]
mod zstd;

pub use dead_letters::DeadLetters;
pub use durable::{Durable, DurableError, Found};
pub use error::ConnectError;
pub use input::{Input, Progress};
pub use lines::{Chunk, LineReader, Piece};
pub use table::{FileStamp, TableFileFormat, read_table};

#[cfg(test)]
#[cfg(feature = "cli")]
mod tests;
