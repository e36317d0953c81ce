//! Where bytes come from and go to: inputs cut into chunks of whole lines, and the dead-letter file for lines that were no good, which can be read
//! back, and put back.

#[cfg(feature = "arrow-files")]
mod arrow_files;
mod dead_letters;
mod durable;
mod error;
mod input;
mod letters;
mod lines;
mod mended;
pub mod storage;
mod table;
#[cfg(feature = "cli")]
mod zstd;

pub use dead_letters::DeadLetters;
pub use durable::{Durable, DurableError, Found};
pub use error::ConnectError;
pub use input::{Input, Progress};
pub use letters::{Letter, Letters, NumberedLetter};
pub use lines::{Chunk, LineReader, Piece};
pub use mended::{Mended, Placed, one_line};
pub use table::{FileStamp, TableFileFormat, read_table};

#[cfg(test)]
#[cfg(feature = "cli")]
mod tests;
