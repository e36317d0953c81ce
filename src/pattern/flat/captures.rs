//! What a thread remembers: a place for each event (or count) that a later term or an output can read, and no history beside it.
//!
//! A thread is a record of words: its state, the event that it took last, and these places. Which places a step fills is known when the
//! pattern is compiled.

use super::table::NONE;
use crate::spec::VariableId;

/// Words of a record before its places: the state, the last event.
const HEADER: usize = 2;

/// What a place is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The latest events of some variables, the last first.
    Latest,
    /// The earliest, the first first.
    Earliest,
    /// The latest events of one variable in this run of its loop.
    LatestInLoop,
    /// How many events.
    Count,
}

#[derive(Debug)]
struct Capture {
    /// As bits.
    variables: u64,
    kind: Kind,
    depth: usize,
    /// Where its places begin in a record.
    at: usize,
}

/// The places of a record.
#[derive(Debug, Default)]
pub(super) struct Captures {
    all: Vec<Capture>,
    /// Words a record.
    width: usize,
}

/// What taking an event does to a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Update {
    Latest { at: usize, depth: usize },
    Earliest { at: usize, depth: usize },
    FirstInLoop { at: usize, depth: usize },
    Count { at: usize },
}

/// Variables as bits.
pub(super) fn bits(variables: &[VariableId]) -> u64 {
    variables.iter().fold(0, |bits, variable| bits | 1 << variable.0)
}

impl Captures {
    /// Asks for places, so many deep; none where that is 0.
    pub(super) fn need(&mut self, variables: u64, kind: Kind, depth: usize) {
        match self.all.iter_mut().find(|c| c.variables == variables && c.kind == kind) {
            Some(there) => there.depth = there.depth.max(depth),
            None if depth > 0 => self.all.push(Capture { variables, kind, depth, at: 0 }),
            None => {}
        }
    }

    /// Gives each its place, once all have been asked for.
    pub(super) fn lay_out(&mut self) {
        self.width = HEADER;
        for capture in &mut self.all {
            capture.at = self.width;
            self.width += capture.depth;
        }
    }

    /// Words a record.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Where the places for this begin, if there are any.
    pub(super) fn at(&self, variables: u64, kind: Kind) -> Option<usize> {
        self.all.iter().find(|c| c.variables == variables && c.kind == kind).map(|c| c.at)
    }

    /// What a place is for, if it is the first of its kind.
    pub(super) fn kept_at(&self, at: usize) -> Option<(u64, Kind)> {
        self.all.iter().find(|c| c.at == at).map(|c| (c.variables, c.kind))
    }

    /// The places of this, one by one.
    pub(super) fn places(&self, variables: u64, kind: Kind) -> std::ops::Range<usize> {
        self.all.iter().find(|c| c.variables == variables && c.kind == kind).map_or(0..0, |c| c.at..c.at + c.depth)
    }

    /// A record that remembers nothing.
    pub(super) fn initial(&self) -> Box<[u32]> {
        let mut record = vec![NONE; self.width];
        self.all.iter().filter(|c| c.kind == Kind::Count).for_each(|c| record[c.at] = 0);
        record.into()
    }

    /// Places that keep the first event that comes; nothing where a place is anything but the last or the first event of some variables.
    pub(super) fn simple(&self) -> Option<Vec<usize>> {
        let is_simple = self.all.iter().all(|c| c.depth == 1 && c.kind != Kind::Count);
        is_simple.then(|| self.all.iter().filter(|c| c.kind == Kind::Earliest).map(|c| c.at).collect())
    }

    /// Whether anything remembers that a variable took an event.
    pub(super) fn remembers(&self, variable: u32) -> bool {
        self.all.iter().any(|c| c.variables >> variable & 1 == 1)
    }

    /// What happens when a variable takes an event: places where it stands then, and what else changes.
    pub(super) fn updates(&self, variable: u32, first_in_loop: bool) -> (Box<[usize]>, Box<[Update]>) {
        let (mut sets, mut others) = (Vec::new(), Vec::new());
        for &Capture { kind, at, depth, .. } in self.all.iter().filter(|c| c.variables >> variable & 1 == 1) {
            match kind {
                Kind::Latest | Kind::LatestInLoop if depth == 1 => sets.push(at),
                Kind::LatestInLoop if first_in_loop => others.push(Update::FirstInLoop { at, depth }),
                Kind::Latest | Kind::LatestInLoop => others.push(Update::Latest { at, depth }),
                Kind::Earliest => others.push(Update::Earliest { at, depth }),
                Kind::Count => others.push(Update::Count { at }),
            }
        }
        (sets.into(), others.into())
    }
}

impl Update {
    /// Writes an event into a record.
    #[inline]
    pub(super) fn apply(self, record: &mut [u32], event: u32) {
        match self {
            Self::Latest { at, depth } => {
                record.copy_within(at..at + depth - 1, at + 1);
                record[at] = event;
            }
            Self::Earliest { at, depth } => {
                if let Some(free) = record[at..at + depth].iter_mut().find(|place| **place == NONE) {
                    *free = event;
                }
            }
            Self::FirstInLoop { at, depth } => {
                record[at..at + depth].fill(NONE);
                record[at] = event;
            }
            Self::Count { at } => record[at] = record[at].saturating_add(1),
        }
    }

    /// Writes an event into a record of events that came behind it; not for the places of a loop that begins with it.
    #[inline]
    pub(super) fn apply_before(self, record: &mut [u32], event: u32) {
        match self {
            Self::Latest { at, depth } => Self::Earliest { at, depth }.apply(record, event),
            Self::Earliest { at, depth } => Self::Latest { at, depth }.apply(record, event),
            Self::FirstInLoop { .. } | Self::Count { .. } => self.apply(record, event),
        }
    }
}
