//! `EMIT EVERY d`: which groups have got rows since the early rows before, and when the next early rows are due.
//!
//! A row at time t makes its group due just before the events of the first multiple of d behind t. Nothing is due while no group has got
//! a row, so that early rows are never more than rows.

use crate::data::{Duration, Ids, Kept, Phase, Place, StateError, StateReader, StateWriter, Timestamp};

/// The groups that are due.
#[derive(Debug)]
pub(super) struct Early {
    every: Option<i64>,
    due: Option<i64>,
    groups: Vec<u32>,
}

impl Early {
    /// Early rows each `every`, or none at all.
    pub(super) fn new(every: Option<Duration>) -> Self {
        Self { every: every.map(|d| d.0.max(1)), due: None, groups: Vec::new() }
    }

    /// Whether there are early rows at all.
    pub(super) fn is_asked(&self) -> bool {
        self.every.is_some()
    }

    /// A group has got a row. A group may be told more than once.
    pub(super) fn touch(&mut self, group: u32, time: Timestamp) {
        let Some(every) = self.every else { return };
        if self.due.is_none() {
            self.due = time.0.div_euclid(every).checked_add(1).and_then(|k| k.checked_mul(every));
        }
        if self.due.is_some() {
            self.groups.push(group);
        }
    }

    /// Where the next early rows stand.
    pub(super) fn place(&self) -> Option<Place> {
        self.due.map(|time| Place::bound(Timestamp(time), Phase::Before))
    }

    /// Writes when the next early rows are due, and for which of the groups that are kept.
    pub(super) fn save(&self, kept: &Kept, to: &mut StateWriter) {
        to.put(&self.due);
        to.put(&self.groups.iter().copied().filter(|id| kept.has(*id)).collect::<Vec<u32>>());
    }

    /// Takes it in, for groups that have these numbers now.
    pub(super) fn load(&mut self, ids: &Ids, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let (due, groups): (Option<i64>, Vec<u32>) = from.take()?;
        self.due = self.due.into_iter().chain(due).min();
        for id in groups {
            self.groups.push(ids.get(id)?);
        }
        Ok(())
    }

    /// The groups that are due, each once; the next rows make them due again.
    pub(super) fn take(&mut self) -> Vec<u32> {
        self.due = None;
        let mut groups = std::mem::take(&mut self.groups);
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}
