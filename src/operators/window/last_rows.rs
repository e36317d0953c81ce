//! `LAST n ROWS`: each row gives its group's aggregates over the last n rows up to and with it, at its own place.
//!
//! Each row stands in its group's queue ([`RowQueue`]). Groups are kept for ever, with at most n rows each. START_TIME is the first of those
//! rows, END_TIME the row itself.

use super::contents::{Bounds, Recipe, Stand};
use super::row_queue::RowQueue;
use crate::data::{Inbox, StateError, StateReader, StateWriter};
use crate::operators::groups::Groups;
use crate::operators::turns::{Turn, turns};
use crate::operators::{Held, Operator, Outbox, Plain};
use crate::spec::WindowSpec;

/// Aggregates over the last rows of a group.
#[derive(Debug)]
pub struct LastRowsWindow {
    recipe: Recipe,
    count: usize,
    groups: Groups<RowQueue>,
}

impl LastRowsWindow {
    /// Keys and aggregates are the spec's.
    pub fn new(spec: &WindowSpec, count: u64) -> Self {
        // More rows than memory can hold are never reached.
        let count = usize::try_from(count.max(1)).unwrap_or(usize::MAX);
        Self { recipe: Recipe::for_row_queue(spec), count, groups: Groups::new() }
    }
}

impl Operator for LastRowsWindow {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let incoming = self.recipe.incoming(&inbox.inputs[0]);
        for turn in turns(inbox) {
            let Turn::Row { row, place, moment, .. } = turn else { continue };
            let id = self.groups.find_or(incoming.key(row), || RowQueue::new(&self.recipe));
            let queue = self.groups.of(id);
            if queue.len() == self.count {
                queue.pop(&self.recipe);
            }
            queue.push(&self.recipe, &incoming, row, place);
            let (key, queue) = self.groups.get(id).expect("the group was found");
            let start = queue.start().expect("the row is in it");
            let bounds = Bounds { start, end: place.time(), is_final: true };
            queue.put_out(&self.recipe, key, bounds, Stand { place, moment }, out);
        }
    }

    fn takes_plain(&self) -> Plain {
        Plain::Always
    }

    fn keys(&self) -> usize {
        self.groups.len()
    }

    fn held(&self) -> Held {
        let rows = self.groups.iter().map(RowQueue::len).sum();
        let bytes = self.groups.iter().map(RowQueue::bytes).sum::<usize>() + self.groups.bytes();
        Held { keys: self.groups.len(), rows, bytes, dropped: 0 }
    }

    fn take_nulls(&mut self) -> u64 {
        self.recipe.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        self.groups.save(to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.recipe.introduce(from);
        self.groups.load(from, |queue| queue).map(drop)
    }
}
