//! The event-time order as state: what belongs to all streams, and of each stream its counters and the rows that wait.
//!
//! A stream's part is of that stream alone, so that a program with other streams beside it can take it in.

use super::waiting::{Key, Row, Ties};
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
        let counted = if to.range().has_unkeyed() { (self.forced, self.late_events) } else { (0, 0) };
        to.put(&(self.position, counted.0, counted.1));
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
        self.leave_queues();
        let keys: Vec<Key> = self.waiting.in_order().into_iter().filter(|key| usize::from(key.row.stream) == index).collect();
        let rows: Vec<(u64, u32)> = keys.iter().map(|key| (key.row.segment, key.row.row)).collect();
        let stream = &mut self.streams[index];
        let counted = if to.range().has_unkeyed() { stream.stats } else { StreamStats { events: 0, late: 0, ahead: 0, ..stream.stats } };
        to.put(&counted);
        let columns = if rows.is_empty() { Vec::new() } else { stream.store.gather(&stream.timing.schema, &rows) };
        to.number(keys.len() as u64);
        for Key { time, ties, row: Row { number, is_late, .. } } in keys {
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
        let stream = u16::try_from(index).map_err(|_| StateError::new("a stream of too high a number"))?;
        for (row, Waits { time, ties, number, is_late }) in (first..).zip(waits) {
            self.waiting.push(Key { time, ties, row: Row { number, stream, is_late, row, segment } });
        }
        Ok(())
    }

    /// Takes in what belongs to all streams of another order, which stands at the same watermark.
    pub fn add(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let mut other = Self::new(Vec::new(), self.max_held);
        other.load(from)?;
        if other.frontier != self.frontier || other.is_finished != self.is_finished {
            return Err(StateError::new("the parts stand at different watermarks: advance them to one before they are saved"));
        }
        self.clock = self.clock.max(other.clock);
        self.started = self.started.into_iter().chain(other.started).min();
        self.position = self.position.max(other.position);
        self.forced += other.forced;
        self.late_events += other.late_events;
        Ok(())
    }

    /// Takes in the counters of a stream in another order, in which nothing waits.
    pub fn add_stream(&mut self, index: usize, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let other: StreamStats = from.take()?;
        let (waits, rows) = (from.number()?, from.number()?);
        if waits > 0 || rows > 0 {
            return Err(StateError::new("events that wait cannot be put beside others"));
        }
        let stats = &mut self.streams[index].stats;
        stats.events += other.events;
        stats.late += other.late;
        stats.ahead += other.ahead;
        stats.max_time = stats.max_time.max(other.max_time);
        stats.watermark = stats.watermark.max(other.watermark);
        stats.seen = stats.seen.max(other.seen);
        stats.moved = stats.moved.max(other.moved);
        stats.is_idle &= other.is_idle;
        Ok(())
    }

    /// After all parts have been taken in: streams that are new may hold the watermark back.
    pub fn loaded(&mut self) {
        if !self.is_finished {
            self.move_frontier();
        }
    }
}
