//! The law of calls, read once for all operators: an inbox becomes turns, and what is held back is told when it changes.

use crate::data::{Entry, EventBatch, Inbox, Place};
use crate::operators::Outbox;

/// One thing that an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Timers that stand before `limit` fire, in their order; each at the moment that [`fired`] says.
    Time {
        /// The place up to which time has passed.
        limit: Place,
        /// The least moment of what fires.
        floor: Place,
    },
    /// A row is taken.
    Row {
        /// Which input.
        input: usize,
        /// Which row of its batch.
        row: usize,
        /// Where it stands.
        place: Place,
        /// When it became certain.
        moment: Place,
    },
}

/// The turns of an inbox, in order.
pub(super) fn turns(inbox: &Inbox) -> impl Iterator<Item = Turn> + '_ {
    let last = Turn::Time { limit: inbox.watermark, floor: inbox.floor };
    let alone = inbox.inputs.first().filter(|_| inbox.is_plain).map(|batch| (batch, 0));
    Turns { entries: inbox.entries.iter(), alone, row: None, last: Some(last) }
}

/// Two turns a row, one a step of the watermark, and a last one. (By hand: the chained adaptors cost as much as a simple operator.)
struct Turns<'i> {
    entries: std::slice::Iter<'i, Entry>,
    /// The batch of a plain inbox, and the next row of it.
    alone: Option<(&'i EventBatch, usize)>,
    row: Option<Turn>,
    last: Option<Turn>,
}

impl Turns<'_> {
    fn take(&mut self, input: usize, row: usize, place: Place, moment: Place, floor: Place) -> Turn {
        self.row = Some(Turn::Row { input, row, place, moment });
        Turn::Time { limit: place, floor }
    }
}

impl Iterator for Turns<'_> {
    type Item = Turn;

    #[inline]
    fn next(&mut self) -> Option<Turn> {
        if let Some(row) = self.row.take() {
            return Some(row);
        }
        if let Some((batch, row)) = self.alone
            && let Some(&place) = batch.places().get(row)
        {
            self.alone = Some((batch, row + 1));
            return Some(self.take(0, row, place, batch.moments()[row], Place::MIN));
        }
        match self.entries.next() {
            Some(&Entry::Row { input, row, place, moment, floor }) => {
                Some(self.take(usize::from(input), row as usize, place, moment, floor))
            }
            Some(&Entry::Watermark(step)) => Some(Turn::Time { limit: step.watermark, floor: step.moment }),
            None => self.last.take(),
        }
    }
}

/// When a timer that stands at `timer` was certain.
pub(super) fn fired(timer: Place, floor: Place) -> Place {
    timer.max(floor)
}

/// Tells what an operator holds back: the least place of a row that it may still put out for what it has taken already.
#[derive(Debug)]
pub(super) struct Holds {
    told: Place,
}

crate::saved!(Holds { told });

impl Holds {
    /// Nothing is held.
    pub(super) fn new() -> Self {
        Self { told: Place::MAX }
    }

    /// What both hold back.
    pub(super) fn and(self, other: Self) -> Self {
        Self { told: self.told.min(other.told) }
    }

    /// What was last told.
    pub(super) fn told(&self) -> Place {
        self.told
    }

    /// Takes for told what is held back now: of a state that was cut by keys, each part has what all parts had told together.
    pub(super) fn settle(&mut self, least: Place) {
        self.told = least;
    }

    /// From `moment` on `least` is the least place held back, [`Place::MAX`] where nothing is.
    pub(super) fn tell(&mut self, least: Place, moment: Place, out: &mut Outbox) {
        out.hold_back(&mut self.told, least, moment);
    }
}
