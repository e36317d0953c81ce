//! The rows of a group in a window that moves with each row: totals as in [`Fifo`], each row a part, and beside them the tallies.
//!
//! A tally answers COUNT(DISTINCT x), whose sets would be too large for totals: it knows how often each value is in the queue, and forgets
//! a value when its last row goes. So counting distinct values costs O(1) a row too.

use std::collections::VecDeque;

use super::contents::{Bounds, Incoming, Recipe, Stand};
use super::fifo::Fifo;
use crate::data::{KeyBuffer, KeyRef, KeyTable, Place, Timestamp, Value};
use crate::operators::Outbox;

/// Rows in order, with the aggregates over all of them.
#[derive(Debug)]
pub(super) struct RowQueue {
    parts: Fifo,
    /// One a call that is tallied.
    tallies: Vec<Tally>,
}

/// How often each value is in the queue.
#[derive(Debug, Default)]
pub(super) struct Tally {
    table: KeyTable,
    /// By the number of the value.
    counts: Vec<usize>,
    /// The value of each row, `None` where it does not count.
    values: VecDeque<Option<u32>>,
    buffer: KeyBuffer,
}

impl RowQueue {
    /// A queue of no rows.
    pub(super) fn new(recipe: &Recipe) -> Self {
        Self { parts: Fifo::default(), tallies: (0..recipe.tallied()).map(|_| Tally::default()).collect() }
    }

    /// Appends a row.
    pub(super) fn push(&mut self, recipe: &Recipe, incoming: &Incoming<'_>, row: usize, place: Place) {
        incoming.add_to(self.parts.push(recipe, place.time().0, 0), row, place);
        for (tally, value) in self.tallies.iter_mut().zip(incoming.tallied(row)) {
            tally.push(value);
        }
    }

    /// Drops the oldest row.
    pub(super) fn pop(&mut self, recipe: &Recipe) {
        self.parts.pop(recipe);
        self.tallies.iter_mut().for_each(Tally::pop);
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// When the oldest row happened.
    pub(super) fn start(&self) -> Option<Timestamp> {
        self.parts.oldest().map(|(time, _)| Timestamp(time))
    }

    /// Puts out the aggregates over all rows.
    pub(super) fn put_out(&self, recipe: &Recipe, key: KeyRef<'_>, bounds: Bounds, stand: Stand, out: &mut Outbox) {
        recipe.put_out_with(key, &self.parts.total(recipe), &self.tallies, bounds, stand, out);
    }

    /// About how many bytes are held.
    pub(super) fn bytes(&self) -> usize {
        self.parts.held().1 + self.tallies.iter().map(Tally::bytes).sum::<usize>()
    }
}

impl Tally {
    fn push(&mut self, value: Value<'_>) {
        if value.is_null() {
            self.values.push_back(None);
            return;
        }
        let id = self.table.intern(self.buffer.encode(std::iter::once(value)));
        self.counts.resize(self.counts.len().max(id as usize + 1), 0);
        self.counts[id as usize] += 1;
        self.values.push_back(Some(id));
    }

    fn pop(&mut self) {
        let Some(Some(id)) = self.values.pop_front() else { return };
        let count = &mut self.counts[id as usize];
        *count -= 1;
        if *count == 0 {
            self.table.remove(id);
            self.table.fit(&mut self.counts);
        }
    }

    /// How many different values there are.
    pub(super) fn count(&self) -> Value<'static> {
        Value::Int(i64::try_from(self.table.len()).expect("a count fits 64 bits"))
    }

    fn bytes(&self) -> usize {
        self.table.bytes() + self.counts.capacity() * size_of::<usize>() + self.values.capacity() * size_of::<Option<u32>>()
    }
}
