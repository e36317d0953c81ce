//! Rows that leave in a round, in the order in which they do.

use std::sync::Arc;

use crate::data::{EventBatch, Schema, StateError, StateReader, StateWriter};

/// Rows that leave, in order.
#[derive(Debug, Clone, Default)]
pub struct Departures {
    /// Batches with the number of their output.
    pub batches: Vec<(usize, EventBatch)>,
    /// The rows in order: index in `batches`, row. A single batch is in order by itself, and none is written down for it.
    pub(super) order: Vec<(u32, u32)>,
}

impl Departures {
    /// Gives outputs other numbers.
    pub(super) fn renumber(&mut self, now: impl Fn(usize) -> usize) {
        self.batches.iter_mut().for_each(|(output, _)| *output = now(*output));
    }

    /// Writes them, each batch with the number of its output.
    pub(super) fn save(&self, to: &mut StateWriter) {
        to.number(self.batches.len() as u64);
        for (output, rows) in &self.batches {
            to.put(output);
            let mut batch = StateWriter::default();
            batch.batch(rows);
            to.blob(&batch.finish());
        }
        to.put(&self.order);
    }

    /// Reads them: `output` says the number of an output now and its columns, where it is still there. Rows of others are gone.
    pub(super) fn load(from: &mut StateReader<'_>, output: impl Fn(usize) -> Option<(usize, Arc<Schema>)>) -> Result<Self, StateError> {
        let mut batches: Vec<(usize, EventBatch)> = Vec::new();
        let mut kept: Vec<Option<u32>> = Vec::new();
        for _ in 0..from.length()? {
            let now = output(from.take()?);
            let mut rows = from.part()?;
            kept.push(now.as_ref().and_then(|_| u32::try_from(batches.len()).ok()));
            if let Some((number, schema)) = now {
                batches.push((number, rows.batch(&schema)?));
                rows.end()?;
            }
        }
        let order: Vec<(u32, u32)> = from.take()?;
        let kept = |(batch, row): (u32, u32)| Some((kept.get(batch as usize).copied().flatten()?, row));
        let order: Vec<(u32, u32)> = order.into_iter().filter_map(kept).collect();
        let is_there = |&(batch, row): &(u32, u32)| (row as usize) < batches[batch as usize].1.len();
        if !order.iter().all(is_there) {
            return Err(StateError::new("the order of rows that are not there"));
        }
        // A single batch has no order of its own.
        let order = if batches.len() < 2 { Vec::new() } else { order };
        Ok(Self { batches, order })
    }

    /// The rows in order: index in `batches`, row.
    pub fn order(&self) -> impl Iterator<Item = (usize, usize)> {
        let alone = match self.batches.as_slice() {
            [(_, rows)] => rows.len(),
            _ => 0,
        };
        (0..alone).map(|row| (0, row)).chain(self.order.iter().map(|&(batch, row)| (batch as usize, row as usize)))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.batches.iter().map(|(_, rows)| rows.len()).sum()
    }

    /// Whether no row leaves.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}
