//! The law of calls, read once for all operators: an inbox becomes turns, and what is held back is told when it changes.

use crate::data::{Entry, Inbox, Place, WatermarkStep};
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
    let of_entry = |entry: &Entry| match *entry {
        Entry::Row { input, row, place, moment, floor } => {
            let row = Turn::Row { input: usize::from(input), row: row as usize, place, moment };
            [Some(Turn::Time { limit: place, floor }), Some(row)]
        }
        Entry::Watermark(step) => [Some(Turn::Time { limit: step.watermark, floor: step.moment }), None],
    };
    inbox.entries.iter().flat_map(of_entry).flatten().chain(std::iter::once(last))
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

impl Holds {
    /// Nothing is held.
    pub(super) fn new() -> Self {
        Self { told: Place::MAX }
    }

    /// From `moment` on `least` is the least place held back, [`Place::MAX`] where nothing is.
    pub(super) fn tell(&mut self, least: Place, moment: Place, out: &mut Outbox) {
        if least != self.told {
            self.told = least;
            out.watermark(0, WatermarkStep { moment, watermark: least });
        }
    }
}
