//! Aggregates without a window: each row gives its group's aggregates over all rows so far, at its own place.
//!
//! Groups are kept for ever: that is their state class. START_TIME is the group's first event, END_TIME the row's own.

use super::contents::{Bounds, Contents, Recipe, Stand};
use crate::data::{Inbox, StateError, StateReader, StateWriter, Timestamp};
use crate::operators::groups::Groups;
use crate::operators::turns::{Turn, turns};
use crate::operators::{Held, Operator, Outbox, Plain};
use crate::spec::WindowSpec;

/// Running aggregates.
#[derive(Debug)]
pub struct RunningWindow {
    recipe: Recipe,
    groups: Groups<(Timestamp, Contents)>,
}

impl RunningWindow {
    /// Keys and aggregates are the spec's.
    pub fn new(spec: &WindowSpec) -> Self {
        Self { recipe: Recipe::new(spec), groups: Groups::new() }
    }
}

impl Operator for RunningWindow {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let incoming = self.recipe.incoming(&inbox.inputs[0]);
        for turn in turns(inbox) {
            let Turn::Row { row, place, moment, .. } = turn else { continue };
            let id = self.groups.find_or(incoming.key(row), || (place.time(), self.recipe.empty()));
            incoming.add_to(&mut self.groups.of(id).1, row, place);
            let (key, (start, contents)) = self.groups.get(id).expect("the group was found");
            self.recipe.put_out(key, contents, Bounds { start: *start, end: place.time(), is_final: true }, Stand { place, moment }, out);
        }
    }

    fn takes_plain(&self) -> Plain {
        Plain::Always
    }

    fn keys(&self) -> usize {
        self.groups.len()
    }

    fn held(&self) -> Held {
        let bytes = self.groups.iter().map(|(_, c)| c.held().1).sum::<usize>() + self.groups.bytes();
        Held { keys: self.groups.len(), rows: 0, bytes, dropped: 0 }
    }

    fn take_nulls(&mut self) -> u64 {
        self.recipe.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        self.groups.save(to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.recipe.introduce(from);
        self.groups.load(from, |group| group).map(drop)
    }
}
