//! Each start of a pattern on its own, as if no other match were there: FROM PATTERN by the runs of a partition without AFTER MATCH and the
//! like, MATCH_RECOGNIZE by threads from each row on.

use crate::data::{Allowance, Place, Timestamp};
use crate::pattern::automaton::Origin;
use crate::pattern::event::{Candidate, Event};
use crate::pattern::outputs::Outputs;
use crate::pattern::rows::KeptRows;
use crate::pattern::runs::{Alarm, Bounds, Emitted, Partition, Tools};
use crate::pattern::state::WayKind;
use crate::pattern::step::{Now, Taking};
use crate::pattern::terms::{Before, Surroundings};
use crate::pattern::thread::{Entry, Match, Matcher, push_split};
use crate::pattern::variables::VariableSet;
use crate::spec::{Mode, PatternSpec, SlotKind, Within};
use std::sync::Arc;

/// The automaton and what else all partitions share.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) matcher: Matcher,
    pub(super) outputs: Outputs,
    pub(super) bounds: Bounds,
    pub(super) dropped: u64,
    pub(super) skips_failed: u64,
}

impl Side {
    pub(super) fn new(spec: Arc<PatternSpec>, threads: usize) -> Self {
        let bounds = Bounds { threads, allowance: Allowance::default() };
        Self { matcher: Matcher::new(spec.clone()), outputs: Outputs::new(spec), bounds, dropped: 0, skips_failed: 0 }
    }

    /// Lets the runs of a partition do something; gives what comes out of them.
    pub(super) fn on_runs(&mut self, alarms: &mut Vec<Alarm>, act: impl FnOnce(&mut Tools<'_>)) -> Vec<Emitted> {
        let mut out = Vec::new();
        act(&mut Tools {
            matcher: &mut self.matcher,
            having: &self.outputs,
            bounds: self.bounds,
            out: &mut out,
            alarms,
            dropped: &mut self.dropped,
            skips_failed: &mut self.skips_failed,
        });
        out
    }
}

/// A start that is undecided.
pub(super) struct Live {
    pub(super) start: Place,
    pub(super) index: u64,
    pub(super) entries: Vec<Entry>,
}

/// The starts of one partition, each on its own.
#[derive(Debug)]
pub(super) enum Alone {
    Runs(Partition),
    Rows(RowStarts),
}

/// Starts of MATCH_RECOGNIZE.
#[derive(Debug, Default)]
pub(super) struct RowStarts {
    kept: KeptRows,
    /// The next row to step over.
    cursor: u64,
    /// How many rows terms look ahead, and back.
    ahead: u64,
    back: u64,
    open: Vec<RowStart>,
    ended: bool,
    before: Before,
}

#[derive(Debug)]
struct RowStart {
    index: u64,
    start: Place,
    entries: Vec<Entry>,
}

impl Alone {
    pub(super) fn new(spec: &PatternSpec) -> Self {
        match spec.mode {
            Mode::OnePerStart | Mode::AllMatches => Self::Runs(Partition::default()),
            Mode::Rows => {
                let reach = |sign: i64| {
                    let of_slots = spec.slots.iter().map(|slot| match &slot.kind {
                        SlotKind::Column { physical, .. } | SlotKind::Classifier { physical, .. } => physical.saturating_mul(sign),
                        _ => 0,
                    });
                    u64::try_from(of_slots.max().unwrap_or(0)).unwrap_or(0)
                };
                Self::Rows(RowStarts { ahead: reach(1), back: reach(-1), ..RowStarts::default() })
            }
        }
    }

    /// The number that the next event gets.
    pub(super) fn next_index(&self) -> u64 {
        match self {
            Self::Runs(runs) => runs.next_index(),
            Self::Rows(rows) => rows.kept.end(),
        }
    }

    /// Takes an event to be stepped over as soon as the rows that terms look at are there.
    pub(super) fn arrive(&mut self, event: &Arc<Event>, fits: &VariableSet) {
        if let Self::Rows(rows) = self {
            rows.kept.push(event.clone(), fits.clone());
        }
    }

    /// The next row that can be stepped over.
    pub(super) fn next_ready(&self) -> Option<(Arc<Event>, VariableSet)> {
        match self {
            Self::Rows(rows) if rows.ended || rows.cursor + rows.ahead < rows.kept.end() => rows.kept.get(rows.cursor).cloned(),
            Self::Rows(_) | Self::Runs(_) => None,
        }
    }

    /// The starts that are undecided.
    pub(super) fn live(&self) -> Vec<Live> {
        match self {
            Self::Runs(runs) => runs.live().map(|(start, index, entries)| Live { start, index, entries: entries.to_vec() }).collect(),
            Self::Rows(rows) => {
                rows.open.iter().map(|open| Live { start: open.start, index: open.index, entries: open.entries.clone() }).collect()
            }
        }
    }

    /// What stands around a thread of this start.
    pub(super) fn around(&self, start: Option<Place>) -> Surroundings<'_> {
        match self {
            Self::Runs(runs) => Surroundings { start, match_number: 0, rows: None, rows_ahead: 0, before: runs.before() },
            Self::Rows(rows) => rows.around(start),
        }
    }

    /// Steps all starts over an event, and begins the one at it. Gives the matches that are certain.
    pub(super) fn step(
        &mut self,
        event: &Candidate<'_>,
        fits: &VariableSet,
        side: &mut Side,
        alarms: &mut Vec<Alarm>,
    ) -> Vec<(Place, Match)> {
        match self {
            Self::Runs(runs) => matches_of(side.on_runs(alarms, |tools| runs.event(event, fits, tools))),
            Self::Rows(rows) => rows.step(event, fits, side),
        }
    }

    /// A time is over.
    pub(super) fn time_over(&mut self, alarm: Alarm, side: &mut Side, alarms: &mut Vec<Alarm>) -> Vec<(Place, Match)> {
        match self {
            Self::Runs(runs) => {
                let out = side.on_runs(alarms, |tools| runs.time_over(alarm, tools));
                runs.forget(alarm.0, &side.matcher);
                matches_of(out)
            }
            Self::Rows(_) => Vec::new(),
        }
    }

    /// No event will come any more. Rows that wait for others may be stepped over then.
    pub(super) fn no_more(&mut self) {
        if let Self::Rows(rows) = self {
            rows.ended = true;
        }
    }

    /// The end of input.
    pub(super) fn end(&mut self, side: &mut Side) -> Vec<(Place, Match)> {
        match self {
            Self::Runs(runs) => matches_of(side.on_runs(&mut Vec::new(), |tools| runs.end(tools))),
            Self::Rows(rows) => rows.end(),
        }
    }
}

fn matches_of(out: Vec<Emitted>) -> Vec<(Place, Match)> {
    let found = out.into_iter().filter_map(|emitted| match emitted {
        Emitted::Match { start, found } => Some((start, found)),
        Emitted::Timeout { .. } => None,
    });
    found.collect()
}

impl RowStarts {
    fn around(&self, start: Option<Place>) -> Surroundings<'_> {
        let rows_ahead = if self.ended { u64::MAX } else { self.kept.end().saturating_sub(1 + self.cursor) };
        Surroundings { start, match_number: 1, rows: Some(&self.kept), rows_ahead, before: &self.before }
    }

    fn step(&mut self, row: &Candidate<'_>, fits: &VariableSet, side: &mut Side) -> Vec<(Place, Match)> {
        let origin = if row.index == 0 { Origin::FirstRow } else { Origin::LaterRow };
        let state = side.matcher.automaton.start(origin).clone();
        let mut entries = Vec::new();
        if !state.ways.is_empty() {
            let thread = side.matcher.thread(state, row.place);
            push_split(&mut side.matcher.automaton, &mut entries, thread);
        }
        let mut open = std::mem::take(&mut self.open);
        open.push(RowStart { index: row.index, start: row.place, entries });
        let mut found = Vec::new();
        for mut at in open {
            self.step_start(&mut at, row, fits, side);
            match at.entries.first() {
                Some(Entry::Live(_)) => self.open.push(at),
                Some(Entry::Finished(finished)) => found.push((at.start, finished.clone())),
                None => {}
            }
        }
        // The oldest are given up where there are too many.
        let most = side.bounds.threads.max(1);
        if self.open.len() > most {
            side.dropped += (self.open.len() - most) as u64;
            self.open.drain(..self.open.len() - most);
        }
        self.cursor = row.index + 1;
        let first = self.open.first().map_or(self.cursor, |open| open.index);
        self.kept.forget_before(first.min(self.cursor).saturating_sub(self.back));
        found
    }

    fn step_start(&self, at: &mut RowStart, row: &Candidate<'_>, fits: &VariableSet, side: &mut Side) {
        let (is_in, within_end) = match side.matcher.spec().within {
            Some(Within::Time(duration)) => {
                let end = at.start.time().saturating_add(duration);
                (row.time() <= end, end)
            }
            Some(Within::Events(n)) => (row.index - at.index < n, Timestamp::MAX),
            None => (true, Timestamp::MAX),
        };
        if !is_in {
            at.entries.retain(|entry| matches!(entry, Entry::Finished(_)));
            return;
        }
        let now = Now { time: row.time(), within_end };
        let mut next = Vec::with_capacity(at.entries.len());
        for entry in &at.entries {
            let Entry::Live(thread) = entry else {
                next.push(entry.clone());
                break;
            };
            let stepped = side.matcher.step(thread, row, fits, self.around(Some(at.start)), (Taking::One, now));
            if stepped.taken.into_iter().any(|thread| push_split(&mut side.matcher.automaton, &mut next, thread)) {
                break;
            }
        }
        side.matcher.merge(&mut next, false, Mode::Rows);
        next.truncate(side.bounds.threads.max(1));
        at.entries = next;
    }

    fn end(&mut self) -> Vec<(Place, Match)> {
        let finished = |entry: Entry| match entry {
            Entry::Finished(found) => Some(found),
            Entry::Live(thread) => {
                let accepts = thread.state.ways.iter().any(|way| way.kind == WayKind::AcceptAtEnd);
                accepts.then(|| Match { history: thread.history.clone(), end: thread.end })
            }
        };
        let open = std::mem::take(&mut self.open).into_iter();
        open.filter_map(|at| Some((at.start, at.entries.into_iter().find_map(finished)?))).collect()
    }
}
