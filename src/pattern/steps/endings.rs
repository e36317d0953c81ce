//! Matches that are finished and not yet written: their rows come out together, a column at a time.

use std::ops::Range;
use std::sync::Arc;

use super::plan::Plan;
use super::view::InBatch;
use crate::data::{EventBatch, Place};
use crate::pattern::event::Event;

/// The finished matches of several events, in order.
#[derive(Debug, Default)]
pub(super) struct Endings {
    /// The numbers of the events of each match but the last, match behind match.
    pub(super) events: Vec<u32>,
    ends: Vec<Ending>,
}

/// An event that has finished matches. It lies in its batch still.
#[derive(Debug)]
pub(super) struct Ending {
    pub(super) place: Place,
    pub(super) moment: Place,
    /// Its row in the batch of the last step.
    pub(super) row: usize,
    /// How many matches there are up to here.
    pub(super) until: usize,
    /// The whole event, where whole events are kept.
    pub(super) event: Option<Arc<Event>>,
}

/// Finished matches by the events that end them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended<'a> {
    pub(super) ends: &'a [Ending],
    pub(super) batch: &'a EventBatch,
    pub(super) step: usize,
    /// How many matches there are before the first of these.
    before: usize,
}

impl<'a> Ended<'a> {
    /// Of a plan, with the batch of its last step.
    pub(super) fn new(plan: &Plan, ends: &'a [Ending], batch: &'a EventBatch, before: usize) -> Self {
        Self { ends, batch, step: plan.last(), before }
    }

    /// Each event, with the numbers of its matches among these.
    pub(super) fn each(self) -> impl Iterator<Item = (&'a Ending, Range<usize>)> {
        self.ends.iter().scan(self.before, move |before, end| {
            let from = std::mem::replace(before, end.until);
            Some((end, from - self.before..end.until - self.before))
        })
    }

    /// How many matches there are.
    pub(super) fn count(self) -> usize {
        self.ends.last().map_or(0, |end| end.until - self.before)
    }

    pub(super) fn in_batch(self, end: &Ending) -> InBatch<'a> {
        InBatch { step: self.step, batch: self.batch, row: end.row, time: end.place.time() }
    }
}

impl Endings {
    /// How many matches there are.
    pub(super) fn len(&self) -> usize {
        self.ends.last().map_or(0, |end| end.until)
    }

    /// Adds an event that has finished matches.
    pub(super) fn push(&mut self, end: Ending) {
        self.ends.push(end);
    }

    /// Of each event its place and moment, and how many matches it has finished.
    pub(super) fn stands(&self) -> impl ExactSizeIterator<Item = (Place, Place, usize)> + Clone {
        let before = |number: usize| self.before(number);
        self.ends.iter().enumerate().map(move |(number, end)| (end.place, end.moment, end.until - before(number)))
    }

    /// How many matches there are before those of an event.
    fn before(&self, number: usize) -> usize {
        number.checked_sub(1).map_or(0, |last| self.ends[last].until)
    }

    /// The matches of some of the events, and the numbers of their events.
    pub(super) fn part<'a>(&'a self, plan: &Plan, events: Range<usize>, batch: &'a EventBatch) -> (Ended<'a>, &'a [u32]) {
        let (width, before) = (plan.last(), self.before(events.start));
        let until = self.before(events.end);
        (Ended::new(plan, &self.ends[events], batch, before), &self.events[before * width..until * width])
    }

    pub(super) fn clear(&mut self) {
        self.events.clear();
        self.ends.clear();
    }
}
