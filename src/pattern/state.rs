//! Where a thread stands: the ordered list of ways on, from the most preferred to the least.
//!
//! A state *is* its ways. What it has lost (a strict arrow passed over, a negation hit) is simply no longer in it, so two threads at equal
//! states can go on in equal ways.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::automaton::ContinuationId;
use super::event::Event;
use super::nodes::NodeId;
use super::variables::mark_of;
use crate::data::{Duration, Timestamp};
use crate::spec::{Arrow, VariableId};

/// The ways on, most preferred first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) ways: Vec<Way>,
}

/// One way on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    pub(crate) kind: WayKind,
    /// How the next event must follow.
    pub(crate) arrow: Arrow,
    /// Negations on that arrow.
    pub(crate) watches: Box<[Watch]>,
    /// What ends the loops that this way is part of.
    pub(crate) untils: Box<[VariableId]>,
    /// Events since the arrow began that one of its negations forbids if a later variable says so. They are this way's alone: where the
    /// thread takes another way (a loop goes on, say), nothing has begun that they could stand in.
    pub(crate) hits: Box<[Undecided]>,
    /// Negations of which a round ends with this way: a loop that holds both the negation and what decides on it begins anew.
    pub(crate) forgets: Box<[VariableId]>,
}

/// An event between that a later variable decides on.
#[derive(Debug, Clone)]
pub(crate) struct Undecided {
    pub(crate) negated: VariableId,
    pub(crate) event: Arc<Event>,
}

impl PartialEq for Undecided {
    /// Events of one partition are the same when their numbers are.
    fn eq(&self, other: &Self) -> bool {
        self.negated == other.negated && self.event.index == other.event.index
    }
}

impl Eq for Undecided {}

impl Hash for Undecided {
    fn hash<H: Hasher>(&self, to: &mut H) {
        (self.negated, self.event.index).hash(to);
    }
}

/// What lies behind a way that takes an event, as far as late terms ask for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Behind<'a> {
    pub(crate) watches: &'a [Watch],
    pub(crate) hits: &'a [Undecided],
    pub(crate) forgets: &'a [VariableId],
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum WayKind {
    /// Take an event for a variable.
    Take { variable: VariableId, next: ContinuationId, first_in_loop: bool, excluded: bool },
    /// Wait until a time is over; `carried` watches go on after it.
    Wait { deadline: Deadline, next: ContinuationId, carried: Box<[Watch]> },
    /// Several patterns side by side.
    Both(Box<Abreast>),
    /// The pattern is done.
    Accept,
    /// The pattern is done if no row of the partition follows.
    AcceptAtEnd,
}

/// The operands of a `&`, each where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Abreast {
    pub(crate) node: NodeId,
    /// An operand that may be done has [`WayKind::Accept`] among its ways.
    pub(crate) operands: Vec<Arc<State>>,
    /// No event has been taken: the first follows by the way's own arrow.
    pub(crate) untouched: bool,
    pub(crate) rest: ContinuationId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Deadline {
    /// So long after the state is reached.
    After(Duration),
    /// When WITHIN is over.
    WithinEnd,
    /// At this time, its events included.
    At(Timestamp),
}

/// A negation that watches an arrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Watch {
    pub(crate) variable: VariableId,
    pub(crate) reach: Reach,
    /// The pattern ends with it: where nothing is taken behind it, it lasts until WITHIN is over.
    pub(crate) trailing: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// Every event from here to the next step.
    Between,
    /// Only the very next event.
    NextEvent,
    /// Every event before the first step: back for so long, or back for WITHIN and without it to the beginning.
    Before(Option<Duration>),
}

crate::saved!(State { ways });
crate::saved!(Way { kind, arrow, watches, untils, hits, forgets });
crate::saved!(Undecided { negated, event });
crate::saved!(Abreast { node, operands, untouched, rest });
crate::saved!(Watch { variable, reach, trailing });
crate::saved!(enum WayKind {
    0 => Take { variable, next, first_in_loop, excluded },
    1 => Wait { deadline, next, carried },
    2 => Both(abreast),
    3 => Accept,
    4 => AcceptAtEnd,
});
crate::saved!(enum Deadline { 0 => After(duration), 1 => WithinEnd, 2 => At(time) });
crate::saved!(enum Reach { 0 => Between, 1 => NextEvent, 2 => Before(back) });

/// Which events can change a state: others pass it by without a look at it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Interest {
    /// Variables, as [`super::variables::VariableSet::marks`] has them.
    marks: u64,
    /// Any event can: it may be the one that must follow, or must not.
    any: bool,
}

crate::saved!(Interest { marks, any });

impl Interest {
    /// Whether an event can change the state that fits the unary terms of these variables.
    pub(crate) fn is_in(self, marks: u64) -> bool {
        self.any || self.marks & marks != 0
    }

    /// The events that can change this state, or what was there before.
    #[must_use]
    pub(crate) fn with(self, state: &State) -> Self {
        state.ways.iter().fold(self, |mut interest, way| {
            let watched = way.watches.iter().map(|w| w.variable).chain(way.untils.iter().copied());
            interest.marks |= watched.fold(0, |marks, variable| marks | mark_of(variable));
            interest.any |= way.watches.iter().any(|w| w.reach == Reach::NextEvent);
            match &way.kind {
                WayKind::Take { variable, .. } => {
                    interest.marks |= mark_of(*variable);
                    interest.any |= way.arrow == Arrow::Strict;
                }
                WayKind::Both(abreast) => {
                    interest.any |= abreast.untouched && way.arrow == Arrow::Strict;
                    interest = abreast.operands.iter().fold(interest, |interest, operand| interest.with(operand));
                }
                WayKind::AcceptAtEnd => interest.any = true,
                WayKind::Wait { .. } | WayKind::Accept => {}
            }
            interest
        })
    }
}

impl State {
    /// Index of the accepting way.
    pub(crate) fn accept(&self) -> Option<usize> {
        self.ways.iter().position(|w| w.kind == WayKind::Accept)
    }

    /// Whether the most preferred way is to be done.
    pub(crate) fn accepts_first(&self) -> bool {
        self.ways.first().is_some_and(|w| w.kind == WayKind::Accept)
    }

    /// The earliest time that a way waits for.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.ways.iter().filter_map(Way::deadline).min()
    }

    /// Whether deadlines have to be fixed when the state is reached.
    pub(crate) fn has_open_deadline(&self) -> bool {
        self.ways.iter().any(Way::has_open_deadline)
    }

    /// The same ways with their deadlines fixed.
    pub(crate) fn fixed(self: &Arc<Self>, now: Timestamp, within_end: Timestamp) -> Arc<Self> {
        if !self.has_open_deadline() {
            return self.clone();
        }
        Arc::new(State { ways: self.ways.iter().map(|w| w.fixed(now, within_end)).collect() })
    }

    /// Whether a way holds events that are this thread's alone.
    pub(crate) fn has_hits(&self) -> bool {
        self.ways.iter().any(|way| {
            let inside = matches!(&way.kind, WayKind::Both(abreast) if abreast.operands.iter().any(|operand| operand.has_hits()));
            inside || !way.hits.is_empty()
        })
    }

    /// What a state with such events takes beyond those that all threads share, but for the events, which are listed with what each takes.
    pub(crate) fn bytes_of_hits(&self, events: &mut Vec<(u64, usize)>) -> usize {
        if !self.has_hits() {
            return 0;
        }
        let of_way = |way: &Way| {
            events.extend(way.hits.iter().map(|hit| (hit.event.index, hit.event.bytes())));
            let inside: usize = match &way.kind {
                WayKind::Both(abreast) => abreast.operands.iter().map(|operand| operand.bytes_of_hits(events)).sum(),
                WayKind::Take { .. } | WayKind::Wait { .. } | WayKind::Accept | WayKind::AcceptAtEnd => 0,
            };
            size_of::<Way>() + size_of_val(&*way.hits) + inside
        };
        self.ways.iter().map(of_way).sum()
    }

    /// The same ways, those that a negation watches with its events so far.
    pub(crate) fn with_hits(self: Arc<Self>, hits: &[Undecided]) -> Arc<Self> {
        if hits.is_empty() {
            return self;
        }
        let noted = |way: &Way| {
            let own = hits.iter().filter(|hit| way.watches.iter().any(|watch| watch.variable == hit.negated));
            Way { hits: own.cloned().collect(), ..way.clone() }
        };
        Arc::new(State { ways: self.ways.iter().map(noted).collect() })
    }

    /// The first variable that the state can take: what it waits for.
    pub(crate) fn awaited(&self) -> Option<VariableId> {
        self.ways.iter().find_map(|way| match &way.kind {
            WayKind::Take { variable, .. } => Some(*variable),
            WayKind::Wait { .. } => way.watches.last().map(|w| w.variable),
            WayKind::Both(abreast) => {
                abreast.operands.iter().filter(|o| o.accept().is_none()).chain(&abreast.operands).find_map(|o| o.awaited())
            }
            WayKind::Accept | WayKind::AcceptAtEnd => None,
        })
    }
}

impl Way {
    /// What is asked about when it takes an event.
    pub(crate) fn behind(&self) -> Behind<'_> {
        Behind { watches: &self.watches, hits: &self.hits, forgets: &self.forgets }
    }

    fn deadline(&self) -> Option<Timestamp> {
        match &self.kind {
            WayKind::Wait { deadline: Deadline::At(time), .. } => Some(*time),
            WayKind::Both(abreast) => abreast.operands.iter().filter_map(|o| o.deadline()).min(),
            WayKind::Wait { .. } | WayKind::Take { .. } | WayKind::Accept | WayKind::AcceptAtEnd => None,
        }
    }

    fn has_open_deadline(&self) -> bool {
        match &self.kind {
            WayKind::Wait { deadline, .. } => !matches!(deadline, Deadline::At(_)),
            WayKind::Both(abreast) => abreast.operands.iter().any(|o| o.has_open_deadline()),
            WayKind::Take { .. } | WayKind::Accept | WayKind::AcceptAtEnd => false,
        }
    }

    fn fixed(&self, now: Timestamp, within_end: Timestamp) -> Self {
        let mut way = self.clone();
        match &mut way.kind {
            WayKind::Wait { deadline, .. } => match *deadline {
                Deadline::After(duration) => *deadline = Deadline::At(now.saturating_add(duration)),
                Deadline::WithinEnd => *deadline = Deadline::At(within_end),
                Deadline::At(_) => {}
            },
            WayKind::Both(abreast) => {
                for operand in &mut abreast.operands {
                    *operand = operand.fixed(now, within_end);
                }
            }
            WayKind::Take { .. } | WayKind::Accept | WayKind::AcceptAtEnd => {}
        }
        way
    }
}
