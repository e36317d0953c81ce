//! The rows of a group in a window that moves with each row: totals as in [`Fifo`], each row a part, and beside them the tallies.
//!
//! A tally answers what would be too large for totals. That of COUNT(DISTINCT x) knows how often each value is in the queue, and forgets a
//! value when its last row goes: O(1) a row. That of MEDIAN and QUANTILE keeps the values sorted: O(log n) a row.

use std::collections::VecDeque;

use super::contents::{Bounds, Incoming, Recipe, Stand};
use super::fifo::Fifo;
use crate::data::{KeyBuffer, KeyRef, KeyTable, Place, Saved, StateError, StateReader, StateWriter, Timestamp, Value};
use crate::expr::aggregates::{AggregateKind, MovingQuantile};
use crate::operators::Outbox;
use crate::spec::AggregateCall;

/// Rows in order, with the aggregates over all of them.
#[derive(Debug)]
pub(super) struct RowQueue {
    parts: Fifo,
    /// One a call that is tallied.
    tallies: Vec<Tally>,
}

/// What is kept of the values of one call beside the totals.
#[derive(Debug)]
pub(super) enum Tally {
    /// COUNT(DISTINCT x)
    Distinct(Different),
    /// MEDIAN, QUANTILE
    Quantile(MovingQuantile),
}

/// How often each value is in the queue.
#[derive(Debug, Default)]
pub(super) struct Different {
    table: KeyTable,
    /// By the number of the value.
    counts: Vec<usize>,
    /// The value of each row, `None` where it does not count.
    values: VecDeque<Option<u32>>,
    buffer: KeyBuffer,
}

crate::saved!(RowQueue { parts, tallies });
crate::saved!(enum Tally { 0 => Distinct(different), 1 => Quantile(quantile) });

impl Saved for Different {
    fn save(&self, to: &mut StateWriter) {
        to.put(&self.table);
        to.put(&self.counts);
        to.put(&self.values);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        Ok(Self { table: from.take()?, counts: from.take()?, values: from.take()?, buffer: KeyBuffer::new() })
    }
}

impl RowQueue {
    /// A queue of no rows.
    pub(super) fn new(recipe: &Recipe) -> Self {
        Self { parts: Fifo::default(), tallies: recipe.tallies() }
    }

    /// Appends a row.
    pub(super) fn push(&mut self, recipe: &Recipe, incoming: &Incoming<'_>, row: usize, place: Place) {
        incoming.add_to(self.parts.push(recipe, place.time().0, 0), row, place);
        for (tally, value) in self.tallies.iter_mut().zip(incoming.tallied(row)) {
            tally.push(&value);
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
    /// The tally of a call that has one.
    pub(super) fn of(call: &AggregateCall) -> Option<Self> {
        let share = match call.function.kind()? {
            AggregateKind::Count if call.distinct => return Some(Self::Distinct(Different::default())),
            AggregateKind::Median if !call.distinct => 0.5,
            AggregateKind::Quantile if !call.distinct => share(call)?,
            _ => return None,
        };
        MovingQuantile::new(call.args[0].data_type(), share).map(Self::Quantile)
    }

    fn push(&mut self, value: &Value<'_>) {
        match self {
            Self::Distinct(different) => different.push(value),
            Self::Quantile(quantile) => quantile.push(value),
        }
    }

    fn pop(&mut self) {
        match self {
            Self::Distinct(different) => different.pop(),
            Self::Quantile(quantile) => quantile.pop(),
        }
    }

    /// The value of the call over the rows that are there.
    pub(super) fn value(&self) -> Value<'static> {
        match self {
            Self::Distinct(different) => different.count(),
            Self::Quantile(quantile) => quantile.value(),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Distinct(different) => different.bytes(),
            Self::Quantile(quantile) => quantile.bytes(),
        }
    }
}

/// The share of a QUANTILE, if it is the same for all rows.
fn share(call: &AggregateCall) -> Option<f64> {
    match call.args[1].as_literal()? {
        Value::Float(share) => Some(*share),
        Value::Int(0) => Some(0.0),
        Value::Int(1) => Some(1.0),
        Value::Decimal(share) => share.to_string().parse().ok(),
        _ => None,
    }
}

impl Different {
    fn push(&mut self, value: &Value<'_>) {
        if value.is_null() {
            self.values.push_back(None);
            return;
        }
        let id = self.table.intern(self.buffer.encode(std::iter::once(value.borrowed())));
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
    fn count(&self) -> Value<'static> {
        Value::Int(i64::try_from(self.table.len()).expect("a count fits 64 bits"))
    }

    fn bytes(&self) -> usize {
        self.table.bytes() + self.counts.capacity() * size_of::<usize>() + self.values.capacity() * size_of::<Option<u32>>()
    }
}
