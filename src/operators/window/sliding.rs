//! `SLIDING d`: each row gives its group's aggregates over the rows from `d` before it, inclusive, up to and with it, at its own place.
//!
//! Each row stands in its group's queue ([`RowQueue`]); one list of all rows in order says which part is the next to go, so that groups
//! that get no more rows are forgotten too. START_TIME is the row's time less `d`, END_TIME its time.

use std::collections::VecDeque;

use super::contents::{Bounds, Recipe, Stand};
use super::row_queue::RowQueue;
use crate::data::{Duration, Inbox, Place, StateError, StateReader, StateWriter, Timestamp};
use crate::operators::groups::Groups;
use crate::operators::memory::fit_queue;
use crate::operators::turns::{Turn, turns};
use crate::operators::{Held, Operator, Outbox, Plain};
use crate::spec::WindowSpec;

/// Aggregates over a length of time before each event.
#[derive(Debug)]
pub struct SlidingWindow {
    recipe: Recipe,
    size: Duration,
    groups: Groups<RowQueue>,
    /// Time and group of every row that is held, in order.
    rows: VecDeque<(Timestamp, u32)>,
}

impl SlidingWindow {
    /// Keys and aggregates are the spec's.
    pub fn new(spec: &WindowSpec, size: Duration) -> Self {
        Self { recipe: Recipe::for_row_queue(spec), size, groups: Groups::new(), rows: VecDeque::new() }
    }

    /// Forgets the rows that no row at or behind `limit` can reach.
    fn expire(&mut self, limit: Place) {
        let least = limit.time().saturating_sub(self.size);
        while let Some(&(time, id)) = self.rows.front()
            && time < least
        {
            self.rows.pop_front();
            fit_queue(&mut self.rows);
            let queue = self.groups.of(id);
            queue.pop(&self.recipe);
            if queue.is_empty() {
                self.groups.remove(id);
            }
        }
    }
}

impl Operator for SlidingWindow {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let incoming = self.recipe.incoming(&inbox.inputs[0]);
        for turn in turns(inbox) {
            match turn {
                Turn::Time { limit, .. } => self.expire(limit),
                Turn::Row { row, place, moment, .. } => {
                    let time = place.time();
                    let id = self.groups.find_or(incoming.key(row), || RowQueue::new(&self.recipe));
                    self.groups.of(id).push(&self.recipe, &incoming, row, place);
                    self.rows.push_back((time, id));
                    let bounds = Bounds { start: time.saturating_sub(self.size), end: time, is_final: true };
                    let (key, queue) = self.groups.get(id).expect("the group was found");
                    queue.put_out(&self.recipe, key, bounds, Stand { place, moment }, out);
                }
            }
        }
    }

    fn takes_plain(&self) -> Plain {
        Plain::Always
    }

    fn keys(&self) -> usize {
        self.groups.len()
    }

    fn held(&self) -> Held {
        let bytes = self.groups.iter().map(RowQueue::bytes).sum::<usize>() + self.groups.bytes();
        Held { keys: self.groups.len(), rows: self.rows.len(), bytes, dropped: 0 }
    }

    fn take_nulls(&mut self) -> u64 {
        self.recipe.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        let kept = self.groups.save(to);
        to.put(&self.rows.iter().filter(|(_, id)| kept.has(*id)).copied().collect::<Vec<_>>());
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.recipe.introduce(from);
        let ids = self.groups.load(from, |queue| queue)?;
        for (time, id) in from.take::<Vec<(Timestamp, u32)>>()? {
            self.rows.push_back((time, ids.get(id)?));
        }
        self.rows.make_contiguous().sort_by_key(|(time, _)| *time);
        Ok(())
    }
}
