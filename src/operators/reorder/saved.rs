//! The event-time order as state: what belongs to all streams, and of each stream its counters and the rows that wait.
//!
//! A stream's part is of that stream alone, so that a program with other streams beside it can take it in.

use super::waiting::{Key, Ties};
use super::{Reorder, StreamStats};
use crate::data::{StateError, StateReader, StateWriter, Timestamp};

crate::saved!(StreamStats { events, late, ahead, max_time, watermark, seen, moved, held, is_idle });

/// A row that waits, but for its values.
struct Waits {
    time: Timestamp,
    ties: Ties,
    number: u64,
    is_late: bool,
}

crate::saved!(Waits { time, ties, number, is_late });

impl Reorder {
    /// Writes what belongs to all streams.
    pub fn save(&self, to: &mut StateWriter) {
        to.put(&self.frontier);
        to.put(&(self.clock, self.started));
        to.put(&(self.position, self.forced, self.late_events));
        to.put(&self.is_finished);
    }

    /// Takes it in.
    pub fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.frontier = from.take()?;
        (self.clock, self.started) = from.take()?;
        (self.position, self.forced, self.late_events) = from.take()?;
        self.is_finished = from.take()?;
        Ok(())
    }

    /// Writes the counters of a stream and its rows that wait, in order.
    pub fn save_stream(&mut self, index: usize, to: &mut StateWriter) {
        let keys: Vec<Key> = self.waiting.in_order().into_iter().filter(|key| usize::from(key.stream) == index).collect();
        let rows: Vec<(u64, u32)> = keys.iter().map(|key| (key.segment, key.row)).collect();
        let stream = &mut self.streams[index];
        to.put(&stream.stats);
        let columns = if rows.is_empty() { Vec::new() } else { stream.store.gather(&stream.timing.schema, &rows) };
        to.number(keys.len() as u64);
        for Key { time, ties, number, is_late, .. } in keys {
            to.put(&Waits { time, ties, number, is_late });
        }
        to.columns(&columns, rows.len());
    }

    /// Takes them in.
    pub fn load_stream(&mut self, index: usize, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let stream = &mut self.streams[index];
        stream.stats = from.take()?;
        let waits: Vec<Waits> = from.list()?;
        if waits.is_empty() {
            from.number()?;
            return Ok(());
        }
        let (columns, rows) = from.columns(&stream.timing.schema)?;
        if rows != waits.len() || stream.stats.held != rows as u64 {
            return Err(StateError::new("rows that wait of another number than their places"));
        }
        let (segment, first) = stream.store.address_of_next(rows);
        stream.store.add(&stream.timing.schema, columns, vec![true; rows]);
        let number = u16::try_from(index).map_err(|_| StateError::new("a stream of too high a number"))?;
        for (row, Waits { time, ties, number: event, is_late }) in (first..).zip(waits) {
            self.waiting.push(Key { time, ties, number: event, stream: number, is_late, row, segment });
        }
        Ok(())
    }

    /// After all parts have been taken in: streams that are new may hold the watermark back.
    pub fn loaded(&mut self) {
        if !self.is_finished {
            self.move_frontier();
        }
    }
}
