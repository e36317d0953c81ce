//! `SUPPRESS BY keys FOR d`: after a row, further rows of the same key are held back for d (its end included), and counted; the next one
//! that comes out has their number in the last column.
//!
//! A key that has held nothing back is forgotten when its time is over. One that has must be kept until its next row comes: that is the row
//! which tells the number.

use std::collections::VecDeque;

use crate::data::{Duration, EventBatch, Inbox, KeyBuffer, KeyTable, Place, StateError, StateReader, StateWriter, Timestamp, Value};
use crate::expr::{EvalContext, Expr};
use crate::operators::evaluate::{columns, values_of};
use crate::operators::memory::fit_queue;
use crate::operators::turns::{Turn, turns};
use crate::operators::{Held, Operator, Outbox, Plain};

/// Holds rows back for a while after one like them.
#[derive(Debug)]
pub struct Suppress {
    keys: Vec<Expr>,
    duration: Duration,
    table: KeyTable,
    buffer: KeyBuffer,
    /// By the number of the key.
    seen: Vec<Seen>,
    /// When each row passed, and its key, in order.
    passed: VecDeque<(Timestamp, u32)>,
    context: EvalContext,
}

#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    passed: Timestamp,
    suppressed: i64,
}

crate::saved!(Seen { passed, suppressed });

impl Suppress {
    /// Holds rows of equal `keys` (over the columns of the input) back for `duration`. The output has the input's columns and then an INT.
    pub fn new(keys: Vec<Expr>, duration: Duration) -> Self {
        let (table, buffer) = (KeyTable::new(), KeyBuffer::new());
        Self { keys, duration, table, buffer, seen: Vec::new(), passed: VecDeque::new(), context: EvalContext::new() }
    }

    /// How many rows were held back since the last one that passed, if this one passes.
    fn pass<'v>(&mut self, key: impl Iterator<Item = Value<'v>>, time: Timestamp) -> Option<i64> {
        let (id, is_new) = self.table.insert(self.buffer.encode(key));
        if self.seen.len() <= id as usize {
            self.seen.resize(id as usize + 1, Seen::default());
        }
        let seen = &mut self.seen[id as usize];
        if !is_new && time <= seen.passed.saturating_add(self.duration) {
            seen.suppressed += 1;
            return None;
        }
        let suppressed = if is_new { 0 } else { seen.suppressed };
        *seen = Seen { passed: time, suppressed: 0 };
        self.passed.push_back((time, id));
        Some(suppressed)
    }

    fn expire(&mut self, limit: Place) {
        while let Some(&(passed, id)) = self.passed.front()
            && passed.saturating_add(self.duration) < limit.time()
        {
            self.passed.pop_front();
            fit_queue(&mut self.passed);
            // A key that is gone already may have been the last of its numbers.
            if self.seen.get(id as usize).is_some_and(|seen| seen.passed == passed && seen.suppressed == 0) {
                self.table.remove(id);
                self.table.fit(&mut self.seen);
            }
        }
    }

    fn put_out(batch: &EventBatch, row: usize, suppressed: i64, place: Place, moment: Place, out: &mut Outbox) {
        out.row(0, values_of(batch.columns(), row).chain([Value::Int(suppressed)]), place, moment);
    }
}

impl Operator for Suppress {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let batch = &inbox.inputs[0];
        let keys = columns(&self.keys, batch, &self.context);
        for turn in turns(inbox) {
            match turn {
                Turn::Time { limit, .. } => self.expire(limit),
                Turn::Row { row, place, moment, .. } => {
                    if let Some(suppressed) = self.pass(values_of(&keys, row), place.time()) {
                        Self::put_out(batch, row, suppressed, place, moment, out);
                    }
                }
            }
        }
    }

    fn takes_plain(&self) -> Plain {
        Plain::Always
    }

    fn keys(&self) -> usize {
        self.table.len()
    }

    fn held(&self) -> Held {
        let bytes = self.table.bytes() + self.seen.capacity() * size_of::<Seen>() + self.passed.capacity() * size_of::<(Timestamp, u32)>();
        Held { keys: self.table.len(), rows: 0, bytes, dropped: 0 }
    }

    fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        let kept = to.keys(&self.table);
        kept.ids().for_each(|id| to.put(&self.seen[id as usize]));
        // A number may stand for a key that is gone, and nothing comes of it then.
        let passed: Vec<(Timestamp, u32)> = self.passed.iter().copied().filter(|(_, id)| kept.has(*id)).collect();
        to.put(&passed);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let ids = from.keys(&mut self.table)?;
        self.seen.resize(self.table.capacity(), Seen::default());
        for (_, id) in ids.pairs() {
            self.seen[id as usize] = from.take()?;
        }
        let passed: Vec<(Timestamp, u32)> = from.take()?;
        for (time, written) in passed {
            self.passed.push_back((time, ids.get(written)?));
        }
        // Of several parts, each is in order.
        self.passed.make_contiguous().sort_by_key(|(time, _)| *time);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::test_support::{InputRow, OutputRow, Random, feed, int_schema, random_rows, run, slot};

    fn expected(rows: &[InputRow], duration: i64) -> Vec<OutputRow> {
        let mut out = Vec::new();
        let mut last: Vec<(Option<i64>, i64, i64)> = Vec::new();
        for row in rows {
            let found = last.iter_mut().find(|l| l.0 == row.values[0]);
            let suppressed = match found {
                Some((_, passed, count)) if row.time() <= *passed + duration => {
                    *count += 1;
                    continue;
                }
                Some((_, passed, count)) => {
                    *passed = row.time();
                    std::mem::take(count)
                }
                None => {
                    last.push((row.values[0], row.time(), 0));
                    0
                }
            };
            let values = row.values.iter().map(|v| v.map_or(Value::Null, Value::Int)).chain([Value::Int(suppressed)]).collect();
            out.push(OutputRow { values, place: row.place.derived_by(7), moment: row.place });
        }
        out
    }

    #[test]
    fn the_first_row_passes_and_tells_what_was_held_back_before_it() {
        for duration in [0, 3, 20] {
            for seed in 0..40 {
                let rows = random_rows(&mut Random::new(seed), 60, 1, 4, 2, 3);
                let found = run(|| Box::new(Suppress::new(vec![slot(0)], Duration(duration))), &int_schema(3), 1, &rows, seed);
                assert_eq!(found, expected(&rows, duration), "seed {seed}");
            }
        }
    }

    #[test]
    fn keys_that_have_nothing_to_tell_are_forgotten() {
        let row = |time: i64, key: i64| InputRow {
            input: 0,
            place: Place::event(Timestamp(time), u64::try_from(time + 1).unwrap()),
            values: vec![Some(key), None],
        };
        let mut operator = Suppress::new(vec![slot(0)], Duration(5));
        let rows: Vec<InputRow> = (0..100).map(|i| row(i, i)).collect();
        feed(&mut operator, &int_schema(3), 1, &rows, Place::start_of(Timestamp(100)));
        assert!(operator.held().keys <= 6, "{:?}", operator.held());
        feed(&mut operator, &int_schema(3), 1, &[row(200, 1), row(201, 1), row(202, 2)], Place::start_of(Timestamp(300)));
        assert_eq!(operator.held().keys, 1, "one has held a row back");
    }
}
