//! `--format arrow`: rows as an Arrow IPC stream, a batch whenever some have become certain.

use std::io::{self, Write};

use arrow_ipc::writer::StreamWriter;
use betide::Engine;
use betide::codec::arrow::arrow_schema;

use super::Failure;

/// The stream of the only output. It has its schema even if no row comes.
pub(crate) struct ArrowOutput {
    writer: StreamWriter<Vec<u8>>,
}

impl ArrowOutput {
    /// A stream of the columns of the only output.
    pub(crate) fn new(engine: &Engine, is_terminal: bool) -> Result<Self, Failure> {
        if is_terminal {
            return Err(Failure::usage("Arrow is for programs, and this is a terminal: send it to a file or a pipe"));
        }
        let schema = engine.output_schemas().next().map(|(_, schema)| arrow_schema(schema));
        let schema = schema.ok_or_else(|| Failure::usage("the program has no query, so no row can come out"))?;
        let writer = StreamWriter::try_new(Vec::new(), &schema).map_err(Failure::outside)?;
        Ok(Self { writer })
    }

    /// Writes the rows that have become certain, and says whether there were any. (The stream ends where the file does; a mark of its end
    /// is not asked for.)
    pub(crate) fn write(&mut self, engine: &mut Engine, to: &mut impl Write) -> io::Result<bool> {
        let mut has_written = false;
        for (_, batch) in engine.take_batches() {
            self.writer.write(&batch).map_err(io::Error::other)?;
            has_written = true;
        }
        let bytes = self.writer.get_mut();
        to.write_all(bytes)?;
        bytes.clear();
        Ok(has_written)
    }
}
