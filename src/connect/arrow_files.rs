//! Parquet files, Arrow IPC files and streams as inputs: their rows are read as lines of JSON.
//!
//! A batch is read at a time, and written a few rows at a time. The libraries are made for files that are whole: where one of them gives up in
//! a panic over a damaged file, that is an error of reading like others.

use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_ipc::reader::{FileReader, StreamReader};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::codec::arrow_lines::write_lines;

/// Rows of a Parquet file that are read at once.
const BATCH_ROWS: usize = 4096;
/// Rows that are written at once.
const LINES: usize = 512;

type Batches = Box<dyn Iterator<Item = io::Result<RecordBatch>> + Send>;

/// The rows of a file, as lines.
pub(super) struct ArrowLines {
    batches: Batches,
    batch: Option<RecordBatch>,
    /// Rows of the batch that have been written.
    written: usize,
    text: io::Cursor<Vec<u8>>,
}

impl ArrowLines {
    /// Those of a Parquet file.
    pub(super) fn parquet(file: File) -> io::Result<Self> {
        Self::begin(|| {
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(io::Error::other)?;
            let reader = builder.with_batch_size(BATCH_ROWS).build().map_err(io::Error::other)?;
            Ok(Box::new(reader.map(|batch| batch.map_err(io::Error::other))))
        })
    }

    /// Those of an Arrow IPC file.
    pub(super) fn ipc_file(file: File) -> io::Result<Self> {
        Self::begin(|| {
            let reader = FileReader::try_new_buffered(file, None).map_err(io::Error::other)?;
            Ok(Box::new(reader.map(|batch| batch.map_err(io::Error::other))))
        })
    }

    /// Those of an Arrow IPC stream.
    pub(super) fn ipc_stream(bytes: Box<dyn Read + Send>) -> io::Result<Self> {
        Self::begin(|| {
            let reader = StreamReader::try_new_buffered(bytes, None).map_err(io::Error::other)?;
            Ok(Box::new(reader.map(|batch| batch.map_err(io::Error::other))))
        })
    }

    fn begin(open: impl FnOnce() -> io::Result<Batches>) -> io::Result<Self> {
        let batches = caught(open)?;
        Ok(Self { batches, batch: None, written: 0, text: io::Cursor::new(Vec::new()) })
    }

    /// Writes the next rows; says whether there were any.
    fn next_lines(&mut self) -> io::Result<bool> {
        while self.batch.as_ref().is_none_or(|batch| self.written == batch.num_rows()) {
            match caught(|| self.batches.next().transpose())? {
                None => return Ok(false),
                Some(batch) => (self.batch, self.written) = (Some(batch), 0),
            }
        }
        let Some(batch) = &self.batch else { return Ok(false) };
        let rows = LINES.min(batch.num_rows() - self.written);
        let part = batch.slice(self.written, rows);
        self.written += rows;
        let mut text = std::mem::take(self.text.get_mut());
        text.clear();
        write_lines(&part, &mut text);
        self.text = io::Cursor::new(text);
        Ok(true)
    }
}

/// What the library says, also where it gives up.
fn caught<T>(what: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(what))
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::InvalidData, "the file is damaged, and its reader gave up")))
}

impl Read for ArrowLines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let given = self.text.read(buffer)?;
            if given > 0 || buffer.is_empty() || !self.next_lines()? {
                return Ok(given);
            }
        }
    }
}
