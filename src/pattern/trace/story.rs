//! What is told of a run that came to nothing: how far it got, what it waited for, and the likeliest reason why that did not come.
//!
//! Reasons are weighed: what ended the run for certain comes first, then an event that would have fitted but for one thing (lost on the way,
//! too late, before its time), then the event with the fewest false terms, then events of other keys. Stories are ordered by how far their
//! runs got, then by the weight of their reasons. Of many runs that one event stopped for one reason, the first stands for all.

use std::sync::Arc;

use super::look::{Depth, FalseTerm};
use crate::data::{Duration, Place, Timestamp, Value};
use crate::pattern::event::Event;
use crate::spec::VariableId;

/// Why a run came to nothing.
#[derive(Debug, Clone)]
pub(crate) enum Cause {
    /// An event came that missed these terms.
    False {
        variable: VariableId,
        event: Arc<Event>,
        terms: Vec<FalseTerm>,
        /// It had to be the very next event.
        is_next: bool,
    },
    /// An event that would have fitted came when WITHIN was over.
    TooLate { variable: VariableId, event: Arc<Event>, by: TooLateBy },
    /// An event that would have fitted has another key.
    OtherKey { variable: VariableId, event: Arc<Event>, key: Arc<[Value<'static>]> },
    /// An event that would have fitted came before the step in front of it.
    TooEarly { variable: VariableId, event: Arc<Event> },
    /// An event that must not come came.
    Negated { negated: VariableId, event: Arc<Event> },
    /// An UNTIL ended the loop too soon.
    Ended { until: VariableId, event: Arc<Event> },
    /// Another event came between.
    NotNext { variable: VariableId, event: Arc<Event> },
    /// An event that would have fitted was late.
    Late { variable: VariableId, event: Arc<Event>, time: Timestamp, by: Duration },
    /// It would have matched, but another match has its events, or its turn.
    TakenAway { by: Option<Emission> },
    /// It would have matched, but a run that began before was undecided when it would have begun (RUNS).
    NoRoom { by: Option<Place> },
    /// It would have matched, but HAVING is false.
    Having { terms: Vec<FalseTerm> },
    /// A bound on the runs was reached, and it was given up.
    Budget,
    /// Too many runs were under way: this one was not followed to its end.
    NotFollowed,
    /// WITHIN was over, and nothing came near.
    Expired { variable: Option<VariableId> },
    /// The input ended before anything came near.
    InputEnded { variable: Option<VariableId> },
}

/// By how much an event missed WITHIN.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TooLateBy {
    Time(Duration),
    Events(u64),
}

/// A match that came out.
#[derive(Debug, Clone)]
pub(crate) struct Emission {
    pub(crate) partition: u32,
    pub(crate) start: Place,
    pub(crate) end: Place,
    /// Places of its events, the last first; of long ones the last.
    pub(crate) events: Vec<Place>,
}

/// A reason with its weight: smaller is likelier.
#[derive(Debug, Clone)]
pub(crate) struct Clue {
    pub(crate) cause: Cause,
    weight: u32,
    distance: f64,
}

impl Clue {
    /// What ended the run for certain.
    pub(crate) fn certain(cause: Cause) -> Self {
        let distance = match &cause {
            Cause::False { terms, .. } => terms.iter().map(|term| term.distance).sum(),
            _ => 0.0,
        };
        Self { weight: 0, distance, cause }
    }

    /// An event that missed some terms.
    pub(crate) fn missed(variable: VariableId, event: Arc<Event>, terms: Vec<FalseTerm>) -> Self {
        let count = u32::try_from(terms.len()).unwrap_or(u32::MAX);
        let distance = terms.iter().map(|term| term.distance).sum();
        Self {
            weight: count.saturating_mul(20).saturating_add(10),
            distance,
            cause: Cause::False { variable, event, terms, is_next: false },
        }
    }

    pub(crate) fn late(cause: Cause) -> Self {
        Self { weight: 10, distance: 0.0, cause }
    }

    /// An event that fitted at the wrong time; `is_near`: no further away than WITHIN is long.
    pub(crate) fn at_wrong_time(cause: Cause, is_near: bool, how_far: f64) -> Self {
        let weight = match (&cause, is_near) {
            (Cause::TooLate { .. }, true) => 20,
            (_, true) => 22,
            (Cause::TooLate { .. }, false) => 40,
            (_, false) => 48,
        };
        Self { weight, distance: how_far, cause }
    }

    pub(crate) fn other_key(cause: Cause) -> Self {
        Self { weight: 45, distance: 0.0, cause }
    }

    /// Nothing came near.
    pub(crate) fn nothing(cause: Cause) -> Self {
        Self { weight: 1_000, distance: 0.0, cause }
    }

    /// Whether nothing better is known than that nothing came near.
    pub(crate) fn is_nothing(&self) -> bool {
        self.weight >= 1_000
    }

    /// A reason that is known from elsewhere, with the weight of its kind.
    pub(crate) fn weighing(&mut self, weight: u32) {
        (self.weight, self.distance) = (weight, 0.0);
    }

    /// How heavy it weighs against what others know.
    pub(crate) fn weight(&self) -> u32 {
        self.weight
    }

    /// Whether it is likelier than another.
    pub(crate) fn is_before(&self, other: &Self) -> bool {
        (self.weight, self.distance) < (other.weight, other.distance)
    }
}

/// A run that came to nothing.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) key: Arc<[Value<'static>]>,
    pub(crate) start: Place,
    pub(crate) depth: Depth,
    /// What it took, the first first; of long ones the first and the last.
    pub(crate) taken: Vec<(VariableId, Arc<Event>)>,
    /// How many events stand between the first and the last that are there.
    pub(crate) left_out: usize,
    pub(crate) awaited: Vec<VariableId>,
    pub(crate) clue: Clue,
    /// Runs that the same event stopped for the same reason.
    pub(crate) others: u64,
}

/// The stories that are kept: those that got furthest.
#[derive(Debug)]
pub(crate) struct Stories {
    kept: Vec<Story>,
    most: usize,
    /// Runs that came to nothing, all of them.
    pub(crate) runs: u64,
    /// Stories that were let go for better ones.
    pub(crate) let_go: u64,
}

impl Stories {
    pub(crate) fn new(most: usize) -> Self {
        Self { kept: Vec::new(), most: most.max(1), runs: 0, let_go: 0 }
    }

    /// Takes a story in, if it is among the best.
    pub(crate) fn add(&mut self, story: Story) {
        self.runs += 1;
        if let Some(same) = self.kept.iter_mut().find(|kept| tells_the_same(kept, &story)) {
            let others = same.others + 1;
            if is_before(&story, same) {
                *same = story;
            }
            same.others = others;
            return;
        }
        self.kept.push(story);
        if self.kept.len() > self.most.saturating_mul(2) {
            self.keep_best();
        }
    }

    fn keep_best(&mut self) {
        self.kept.sort_by(order);
        if self.kept.len() > self.most {
            self.let_go += (self.kept.len() - self.most) as u64;
            self.kept.truncate(self.most);
        }
    }

    /// The best, the closest miss first.
    pub(crate) fn finish(mut self) -> (Vec<Story>, u64, u64) {
        self.keep_best();
        (self.kept, self.runs, self.let_go)
    }
}

/// The closest miss first.
pub(crate) fn order(a: &Story, b: &Story) -> std::cmp::Ordering {
    // In a loop that has not enough yet, each event is a step.
    let depth = |story: &Story| {
        let depth = &story.depth;
        (depth.variables, depth.waits_for_next, if depth.waits_for_next { 0 } else { depth.events })
    };
    depth(b)
        .cmp(&depth(a))
        .then_with(|| a.clue.weight.cmp(&b.clue.weight))
        .then_with(|| a.clue.distance.total_cmp(&b.clue.distance))
        .then_with(|| b.depth.events.cmp(&a.depth.events))
        .then_with(|| a.start.cmp(&b.start))
}

fn is_before(a: &Story, b: &Story) -> bool {
    order(a, b).is_lt()
}

/// Whether one event stopped both runs for one reason.
fn tells_the_same(a: &Story, b: &Story) -> bool {
    let place = |story: &Story| match &story.clue.cause {
        Cause::False { event, .. }
        | Cause::TooLate { event, .. }
        | Cause::OtherKey { event, .. }
        | Cause::TooEarly { event, .. }
        | Cause::Negated { event, .. }
        | Cause::Ended { event, .. }
        | Cause::NotNext { event, .. }
        | Cause::Late { event, .. } => Some(event.place),
        Cause::TakenAway { by } => by.as_ref().map(|by| by.start),
        Cause::NoRoom { by } => *by,
        Cause::Having { .. } | Cause::Budget | Cause::NotFollowed | Cause::Expired { .. } | Cause::InputEnded { .. } => None,
    };
    std::mem::discriminant(&a.clue.cause) == std::mem::discriminant(&b.clue.cause)
        && place(a) == place(b)
        && a.awaited == b.awaited
        && a.key.len() == b.key.len()
        && a.key.iter().zip(b.key.iter()).all(|(a, b)| a.total_cmp(b).is_eq() && a.is_null() == b.is_null())
}
