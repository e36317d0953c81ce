//! The operators: one file each, behind two small traits. They see rows in the total order and know nothing of queries or connectors.
//!
//! The law of calls: the rows of one operator's inboxes never go back in place, no row lies before the watermark of an inbox before, and the
//! last inbox has the watermark [`Place::MAX`](crate::data::Place::MAX). What comes out depends on rows and watermarks alone, not on how they were cut into inboxes.

mod codes;
mod dispatch;
mod evaluate;
mod filter;
mod groups;
pub mod join;
mod limit;
mod lookup;
mod match_counts;
mod memory;
mod outbox;
mod partitions;
mod project;
pub mod reorder;
mod sequence;
mod sequence_flat;
mod sequence_ranks;
mod sequence_steps;
mod sequence_ways;
mod suppress;
mod table;
#[cfg(test)]
mod test_support;
mod top_of_window;
mod turns;
mod until;
mod watch;
pub mod window;

pub use dispatch::{Delivery, Dispatch, DispatchSize, Reader};
pub use filter::Filter;
pub use limit::Limit;
pub use lookup::{Lookup, ViewLookup};
pub use match_counts::MatchCounts;
pub use outbox::{Outbox, Port};
pub use project::Project;
pub use reorder::{Released, Reorder, StreamStats, StreamTiming};
pub use sequence::Sequence;
pub use sequence_flat::FlatSequence;
pub use sequence_ranks::RankSequence;
pub use sequence_steps::StepSequence;
pub use sequence_ways::WaySequence;
pub use suppress::Suppress;
pub use table::{DuplicateKey, NewestRows, SharedTable, TableContents, TableRow};
pub use top_of_window::TopOfWindow;
pub use until::Until;
pub use watch::{Watch, WatchOrder};

use std::fmt;
use std::sync::Arc;

use crate::data::{EventBatch, Inbox, Place, StateError, StateReader, StateWriter};

/// An operator without memory of rows: each batch gives a batch (filter, project).
pub trait Transform: Send + fmt::Debug {
    /// The batch that these rows give; places and moments stay with their rows.
    fn apply(&mut self, batch: &EventBatch) -> EventBatch;

    /// Looks at the rows of a further input in each round, before those that pass.
    fn look(&mut self, _beside: &EventBatch) {}

    /// Whether nothing can come out any more, whatever goes in (`LIMIT`): who feeds it may stop.
    fn is_done(&self) -> bool {
        false
    }

    /// How many NULLs its expressions had to make up since the last call (division by zero, overflow, failed casts).
    fn take_nulls(&mut self) -> u64 {
        0
    }

    /// Writes what it has counted ([`Limit`]): see [`Operator::save`].
    fn save(&self, _to: &mut StateWriter) {}

    /// Takes it in: see [`Operator::load`].
    fn load(&mut self, _from: &mut StateReader<'_>) -> Result<(), StateError> {
        Ok(())
    }
}

/// An operator with state.
pub trait Operator: Send + fmt::Debug {
    /// Takes rows in order, then the watermark, and gives what has become certain.
    ///
    /// A timer at place T fires before the first row or watermark that stands behind T. Its rows have the moment T, or, where the entry
    /// that let it fire says a later `floor`, that one.
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox);

    /// As `advance`, where rows that cannot change anything were left out: for each entry of the inbox `fits` says, as bits, for which
    /// variables of the pattern its terms on single events hold. Only operators of patterns are asked.
    fn advance_given(&mut self, inbox: &Inbox, fits: &[u64], out: &mut Outbox) {
        debug_assert_eq!(inbox.entries.len(), fits.len(), "one set of variables an entry");
        self.advance(inbox, out);
    }

    /// Without rows it need not be called for a watermark up to this place: nothing happens before.
    fn wakes_at(&self) -> Place {
        Place::MIN
    }

    /// Which plain inboxes it takes ([`Inbox::is_plain`]); where it does not, every entry is written down.
    fn takes_plain(&self) -> Plain {
        Plain::Never
    }

    /// How much it holds now.
    fn held(&self) -> Held;

    /// How many keys it holds now, found without a walk over them.
    fn keys(&self) -> usize {
        self.held().keys
    }

    /// Forgets the keys of which nothing is left at this place, where it would do so later; behind it [`Self::keys`] depends on rows and
    /// times alone, not on how they were cut into inboxes.
    fn forget_idle(&mut self, _at: Place) {}

    /// How many operators it consists of, each with a part of the keys.
    fn shards(&self) -> usize {
        1
    }

    /// The steps of a pattern and how often each took an event, where the operator counts that: it costs speed, and so only the general
    /// evaluator does.
    fn steps_taken(&self) -> Vec<StepTaken> {
        Vec::new()
    }

    /// Whether rows may be certain later than they stand. Such an operator tells what it holds back ([`Outbox::watermark`]).
    fn lags(&self) -> bool {
        false
    }

    /// The least place that it holds back, as it was last told; [`Place::MAX`] where nothing is.
    fn held_from(&self) -> Place {
        Place::MAX
    }

    /// How many NULLs its expressions had to make up since the last call (division by zero, overflow, failed casts).
    fn take_nulls(&mut self) -> u64 {
        0
    }

    /// Writes all that the rest of the run depends on, between two inboxes; of what belongs to keys that of the keys that are asked for
    /// ([`StateWriter::keys`]). What follows from the spec is not state, nor is what is empty between inboxes.
    fn save(&self, to: &mut StateWriter);

    /// Takes in what an operator of the same spec has saved. It is fresh, and takes in all of what was saved; or it has taken in the state of
    /// other keys, and these come to them.
    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError>;
}

/// Which plain inboxes an operator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plain {
    /// None.
    Never,
    /// Those in which each row stands at a place of its own, also where several were derived at one place.
    Apart,
    /// All.
    Always,
}

/// How often a step of a pattern took an event, in any run, finished or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepTaken {
    /// The step.
    pub name: Arc<str>,
    /// How often it took an event.
    pub taken: u64,
    /// How often that was its first in a row: so often a run has come to it.
    pub reached: u64,
}

/// How much an operator holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Keys, groups or partitions.
    pub keys: usize,
    /// Rows, events or runs.
    pub rows: usize,
    /// Bytes, about.
    pub bytes: usize,
    /// What had to be given up at a bound so far (each is told).
    pub dropped: u64,
}
