//! The file of a table: read as a whole, and looked at for changes.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::{ConnectError, Input};
use crate::codec::{BadTable, ReadRow, TableSpec, read_csv, read_json_lines};

/// How the file of a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFileFormat {
    /// Comma-separated values with a header line.
    Csv,
    /// An object a line.
    JsonLines,
}

/// How a file looks from outside; when this differs, what is in it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStamp {
    length: u64,
    /// When it was written, in nanoseconds since 1970; 0 where the file system does not say.
    written: u128,
}

impl FileStamp {
    /// Of the file as it is now; nothing where there is none to look at.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        let written = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Some(Self { length: metadata.len(), written: written.map_or(0, |since| since.as_nanos()) })
    }
}

/// Reads the rows of a table. The outer error: the file cannot be read; the inner: what is in it is no table of this kind.
pub fn read_table(path: &str, format: TableFileFormat, spec: &TableSpec) -> Result<Result<Vec<ReadRow>, BadTable>, ConnectError> {
    let mut input = Input::open(path)?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|source| ConnectError::Read {
        input: path.into(),
        offset: bytes.len() as u64,
        source: Arc::new(source),
    })?;
    Ok(match format {
        TableFileFormat::Csv => read_csv(&bytes, spec),
        TableFileFormat::JsonLines => read_json_lines(&bytes, spec),
    })
}
