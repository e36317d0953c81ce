//! The runs of one partition of FROM PATTERN: one for each start, in the order of the starts.
//!
//! Each event goes to every run, and may start a new one; time ends runs. Which matches come out, and what they take from others, is
//! AFTER MATCH. Section 6, "Formally", rules 4 to 7.

use std::collections::VecDeque;

mod aftermath;
mod bounds;
mod ends;

pub(crate) use self::bounds::Bounds;

use crate::data::{Duration, Phase, Place, Timestamp};
use crate::pattern::automaton::{Automaton, Origin};
use crate::pattern::event::Candidate;
use crate::pattern::state::{Interest, State, WayKind};
use crate::pattern::step::{Now, Taking};
use crate::pattern::terms::{Before, Surroundings};
use crate::pattern::thread::{Entry, Match, Matcher, Stepped, Thread, push_split, without_accept};
use crate::pattern::variables::VariableSet;
use crate::spec::{AfterMatch, Mode, Runs, Within};

/// What a partition lets out.
#[derive(Debug)]
pub(crate) enum Emitted {
    Match {
        start: Place,
        found: Match,
    },
    /// A run that WITHIN ended: its most preferred thread.
    Timeout {
        start: Place,
        thread: Thread,
        end: Place,
    },
}

impl Emitted {
    fn start(&self) -> Place {
        match self {
            Self::Match { start, .. } | Self::Timeout { start, .. } => *start,
        }
    }
}

/// Decides whether a finished match is one (HAVING).
pub(crate) trait Having {
    fn accepts(&self, start: Place, found: &Match) -> bool;
}

/// The runs of one partition.
#[derive(Debug, Default)]
pub(crate) struct Partition {
    /// In the order of their starts.
    runs: VecDeque<Run>,
    /// Events so far.
    events: u64,
    before: Before,
    /// Matches so far, where they are limited.
    emitted: u64,
    /// Starts of runs that have changed since the partition was last tidied.
    touched: Vec<Place>,
    /// Threads of all runs, as they were then.
    threads: usize,
}

/// All threads of one start.
#[derive(Debug)]
struct Run {
    start: Place,
    /// The number of its first event.
    index: u64,
    entries: Vec<Entry>,
    /// Which events can change it.
    interest: Interest,
    /// What it gives, once that is certain (SKIP: an earlier start may still be undecided).
    decided: Option<Decision>,
    /// A match of it has come out.
    has_matched: bool,
    /// The deadline that has been asked for.
    scheduled: Option<Timestamp>,
    /// Its threads among `Partition::threads`.
    counted: usize,
}

#[derive(Debug)]
enum Decision {
    Match(Match),
    Nothing,
}

crate::saved!(Partition { runs, events, before, emitted, touched, threads });
crate::saved!(Run { start, index, entries, interest, decided, has_matched, scheduled, counted });
crate::saved!(enum Decision { 0 => Match(found), 1 => Nothing });

/// What a partition asks for: a call at the end of this time, for the run of this start.
pub(crate) type Alarm = (Timestamp, Place);

/// Everything that handling an event needs beside the partition.
pub(crate) struct Tools<'t> {
    pub(crate) matcher: &'t mut Matcher,
    pub(crate) having: &'t dyn Having,
    pub(crate) bounds: Bounds,
    /// What comes out, in order.
    pub(crate) out: &'t mut Vec<Emitted>,
    pub(crate) alarms: &'t mut Vec<Alarm>,
    /// Runs and threads given up at a bound.
    pub(crate) dropped: &'t mut u64,
    /// SKIP TO a variable that could not go anywhere.
    pub(crate) skips_failed: &'t mut u64,
}

impl Partition {
    /// Starts of the runs that are still there.
    pub(crate) fn has_run(&self, start: Place) -> bool {
        self.runs.binary_search_by_key(&start, |r| r.start).is_ok()
    }

    /// The runs that are undecided: start, number of the first event, threads.
    pub(crate) fn live(&self) -> impl Iterator<Item = (Place, u64, &[Entry])> {
        self.runs.iter().filter(|run| run.decided.is_none()).map(|run| (run.start, run.index, run.entries.as_slice()))
    }

    /// The events that a `!B` at the start may look back at.
    pub(crate) fn before(&self) -> &Before {
        &self.before
    }

    /// The start of the oldest run.
    pub(crate) fn oldest_start(&self) -> Option<Place> {
        self.runs.front().map(|r| r.start)
    }

    /// The start of the newest run.
    pub(crate) fn newest_start(&self) -> Option<Place> {
        self.runs.back().map(|r| r.start)
    }

    /// The number that the next event gets.
    pub(crate) fn next_index(&self) -> u64 {
        self.events
    }

    /// When the last event that a `!B` at the start looks back at was.
    pub(crate) fn newest_looked_at(&self) -> Option<Timestamp> {
        self.before.events.iter().filter_map(|(_, events)| events.back()).map(|e| e.time()).max()
    }

    /// Runs, and bytes of all of them, about, where a thread takes so many: threads share most of their histories.
    pub(crate) fn size_in_bytes(&self, a_thread: usize) -> (usize, usize) {
        let before: usize = self.before.events.iter().flat_map(|(_, events)| events).map(|e| e.bytes()).sum();
        let spare: usize = self.runs.iter().map(|run| (run.entries.capacity() - run.entries.len()) * size_of::<Entry>()).sum();
        let hits = self.bytes_of_hits();
        (self.runs.len(), before + self.runs.capacity() * size_of::<Run>() + spare + self.threads * a_thread + hits)
    }

    /// What threads hold because a later step decides on it; events that several of them hold are there once.
    fn bytes_of_hits(&self) -> usize {
        let mut events: Vec<(u64, usize)> = Vec::new();
        let mut bytes = 0;
        for entry in self.runs.iter().flat_map(|run| &run.entries) {
            if let Entry::Live(thread) = entry {
                bytes += thread.state.bytes_of_hits(&mut events);
            }
        }
        events.sort_unstable();
        events.dedup();
        bytes + events.iter().map(|(_, bytes)| bytes).sum::<usize>()
    }

    /// Whether nothing of the partition is worth keeping.
    pub(crate) fn is_forgettable(&self) -> bool {
        self.runs.is_empty() && self.emitted == 0 && self.before.events.iter().all(|(_, events)| events.is_empty())
    }

    /// Handles the next event of the partition.
    pub(crate) fn event(&mut self, event: &Candidate<'_>, fits: &VariableSet, tools: &mut Tools<'_>) {
        let spec = tools.matcher.spec().clone();
        if spec.limit_per_partition.is_some_and(|limit| self.emitted >= limit) {
            return;
        }
        self.events += 1;
        let is_open = |run: &&Run| run.decided.is_none();
        let may_start = match spec.runs {
            Runs::All | Runs::Latest | Runs::DropOldest(_) | Runs::OrEnd(_) => true,
            Runs::Count(n) => (self.runs.iter().filter(is_open).count() as u64) < n,
        };
        let emitted_before = tools.out.len();
        let mut consumed = false;
        let mut changed = false;
        let marks = fits.marks();
        for at in 0..self.runs.len() {
            let run = &self.runs[at];
            if run.decided.is_some() {
                continue;
            }
            let fills = spec.after_match == AfterMatch::Consume
                && matches!(spec.within, Some(Within::Events(n)) if event.index - run.index + 1 == n);
            let (start, is_interested) = (run.start, run.interest.is_in(marks));
            changed |= is_interested;
            if is_interested && let Some(found) = self.step_run(at, event, fits, consumed, tools) {
                consumed |= found.history.contains(event.index);
                self.consume(at, &found, tools);
            }
            // What it takes with its last event no later start can take.
            if fills && let Some(found) = self.fill_run(start, event.place, tools) {
                (changed, consumed) = (true, consumed || found.history.contains(event.index));
            }
        }
        if may_start && !consumed {
            changed |= self.start(event, fits, tools);
        }
        self.remember(event, fits, tools.matcher);
        if let Some(Within::Events(n)) = spec.within {
            let full: Vec<Place> = self.runs.iter().take_while(|r| event.index - r.index + 1 >= n).map(|r| r.start).collect();
            changed |= !full.is_empty();
            full.into_iter().for_each(|start| drop(self.fill_run(start, event.place, tools)));
            tools.out[emitted_before..].sort_by_key(Emitted::start);
        }
        if !changed {
            return;
        }
        if spec.after_match == AfterMatch::Restart && tools.out.len() > emitted_before {
            self.runs.clear();
        }
        if spec.runs == Runs::Latest {
            self.keep_latest();
        }
        self.keep_count(spec.runs, tools);
        self.tidy(tools);
    }

    /// The time `alarm.0` is over.
    pub(crate) fn time_over(&mut self, (time, start): Alarm, tools: &mut Tools<'_>) {
        let restarts = tools.matcher.spec().after_match == AfterMatch::Restart;
        // RESTART lets out all that one moment makes certain before it drops the rest, so all runs that wait for this time are looked at.
        let waits = |run: &&Run| run.scheduled == Some(time) && (restarts || run.start == start);
        let due: Vec<Place> = self.runs.iter().filter(waits).map(|run| run.start).collect();
        if !due.contains(&start) {
            return;
        }
        let emitted_before = tools.out.len();
        for start in due {
            let Some(at) = self.run_at(start) else { continue };
            self.runs[at].scheduled = None;
            self.touched.push(start);
            let within_end = within_end(tools.matcher, start.time());
            self.fire_run(start, Now { time, within_end }, tools);
            if within_end <= time {
                self.end_run(start, Place::bound(time, Phase::After), tools);
            }
        }
        if restarts && tools.out.len() > emitted_before {
            self.runs.retain(|r| r.start.time() > time);
        }
        if tools.matcher.spec().runs == Runs::Latest {
            // What a wait has been over for may have the same rest as another.
            self.keep_latest();
        }
        self.tidy(tools);
    }

    /// Steps the run at an index. Gives the match that came out of it, where others must be told (CONSUME).
    fn step_run(&mut self, at: usize, event: &Candidate<'_>, fits: &VariableSet, consumed: bool, tools: &mut Tools<'_>) -> Option<Match> {
        let run = &mut self.runs[at];
        let mode = tools.matcher.spec().mode;
        let now = Now { time: event.time(), within_end: within_end(tools.matcher, run.start.time()) };
        let around = Surroundings { start: Some(run.start), match_number: 0, rows: None, rows_ahead: 0, before: &self.before };
        let is_full = matches!(tools.matcher.spec().within, Some(Within::Events(n)) if event.index - run.index >= n);
        let taking = match (consumed || is_full, mode) {
            (true, _) => Taking::Nothing,
            (false, Mode::AllMatches) => Taking::All,
            (false, Mode::OnePerStart | Mode::Rows) => Taking::One,
        };
        let mut next = Vec::with_capacity(run.entries.len());
        let mut finished = Vec::new();
        for entry in std::mem::take(&mut run.entries) {
            let thread = match entry {
                Entry::Live(thread) => thread,
                Entry::Finished(_) => {
                    next.push(entry);
                    break;
                }
            };
            let stepped = tools.matcher.step(&thread, event, fits, around, (taking, now));
            let before = next.len() + finished.len();
            if place(mode, &mut tools.matcher.automaton, stepped, &mut next, &mut finished) {
                break;
            }
            tools.bounds.look(before, next.len() + finished.len());
        }
        run.entries = next;
        self.settle(at, finished, tools)
    }

    /// Lets a time be over for a run.
    fn fire_run(&mut self, start: Place, now: Now, tools: &mut Tools<'_>) {
        let mode = tools.matcher.spec().mode;
        // A wait may end in another that is over too.
        while let Some(at) = self.run_at(start) {
            let run = &mut self.runs[at];
            if run.decided.is_some() || run.deadline().is_none_or(|d| d > now.time) {
                return;
            }
            let mut next = Vec::with_capacity(run.entries.len());
            let mut finished = Vec::new();
            for entry in std::mem::take(&mut run.entries) {
                let thread = match entry {
                    Entry::Live(thread) => thread,
                    Entry::Finished(_) => {
                        next.push(entry);
                        break;
                    }
                };
                if thread.state.deadline().is_none_or(|d| d > now.time) {
                    next.push(Entry::Live(thread));
                    continue;
                }
                let stepped = tools.matcher.fire(&thread, now);
                if place(mode, &mut tools.matcher.automaton, stepped, &mut next, &mut finished) {
                    break;
                }
            }
            if matches!(tools.matcher.spec().within, Some(Within::Events(n)) if self.events - run.index >= n) {
                next.retain(ends::only_waits);
            }
            run.entries = next;
            if let Some(found) = self.settle(at, finished, tools) {
                self.consume(at, &found, tools);
            }
        }
    }

    /// Starts a run at an event that can start one. Gives whether there is a new run.
    fn start(&mut self, event: &Candidate<'_>, fits: &VariableSet, tools: &mut Tools<'_>) -> bool {
        let mode = tools.matcher.spec().mode;
        let now = Now { time: event.time(), within_end: within_end(tools.matcher, event.time()) };
        let around = Surroundings { start: None, match_number: 0, rows: None, rows_ahead: 0, before: &self.before };
        let initial = tools.matcher.automaton.start(Origin::LaterRow).clone();
        if !initial.may_take_any(fits) {
            return false;
        }
        let thread = tools.matcher.thread(initial, event.place);
        let taking = if mode == Mode::AllMatches { Taking::All } else { Taking::One };
        let stepped = tools.matcher.step(&thread, event, fits, around, (taking, now));
        let mut entries = Vec::new();
        let mut finished = Vec::new();
        place(mode, &mut tools.matcher.automaton, Stepped { kept: None, ..stepped }, &mut entries, &mut finished);
        if entries.is_empty() && finished.is_empty() {
            return false;
        }
        self.runs.push_back(Run {
            start: event.place,
            index: event.index,
            entries,
            interest: Interest::default(),
            decided: None,
            has_matched: false,
            scheduled: None,
            counted: 0,
        });
        let at = self.runs.len() - 1;
        if let Some(found) = self.settle(at, finished, tools) {
            self.consume(at, &found, tools);
        }
        true
    }

    /// Looks at what a step has done to a run: lets out what is certain.
    fn settle(&mut self, at: usize, finished: Vec<Match>, tools: &mut Tools<'_>) -> Option<Match> {
        let spec = tools.matcher.spec().clone();
        let start = self.runs[at].start;
        self.touched.push(start);
        let consumes = spec.after_match == AfterMatch::Consume;
        tools.matcher.merge(&mut self.runs[at].entries, consumes, spec.mode);
        for found in finished.into_iter().filter(|found| tools.having.accepts(start, found)) {
            self.runs[at].has_matched = true;
            if consumes || spec.after_match.is_skip() {
                self.runs[at].entries.clear();
                return self.decide(at, Decision::Match(found), tools);
            }
            self.emit(start, found, tools);
        }
        let run = &mut self.runs[at];
        if let Some(Entry::Finished(found)) = run.entries.first() {
            let decision = if tools.having.accepts(start, found) { Decision::Match(found.clone()) } else { Decision::Nothing };
            run.entries.clear();
            return self.decide(at, decision, tools);
        }
        if run.entries.is_empty() {
            run.decided = Some(Decision::Nothing);
        }
        run.interest = run.entries.iter().fold(Interest::default(), |interest, entry| match entry {
            Entry::Live(thread) => interest.with(&thread.state),
            Entry::Finished(_) => interest,
        });
        None
    }

    /// The run at an index is decided. A match comes out now, or, with SKIP, when all earlier starts are decided.
    fn decide(&mut self, at: usize, decision: Decision, tools: &mut Tools<'_>) -> Option<Match> {
        let after_match = &tools.matcher.spec().after_match;
        let run = &mut self.runs[at];
        run.has_matched |= matches!(decision, Decision::Match(_));
        let Decision::Match(found) = decision else {
            run.decided = Some(Decision::Nothing);
            return None;
        };
        if after_match.is_skip() {
            run.decided = Some(Decision::Match(found));
            return None;
        }
        let told = (*after_match == AfterMatch::Consume).then(|| found.clone());
        run.decided = Some(Decision::Nothing);
        let start = run.start;
        self.emit(start, found, tools);
        told
    }

    /// Remembers an event that a `!B` at the start of the pattern may look back at.
    fn remember(&mut self, event: &Candidate<'_>, fits: &VariableSet, matcher: &Matcher) {
        for (variable, reach) in &matcher.looks_back {
            if !fits.contains(*variable) {
                continue;
            }
            let slot = match self.before.events.iter().position(|(v, _)| v == variable) {
                Some(slot) => slot,
                None => {
                    self.before.events.push((*variable, VecDeque::new()));
                    self.before.events.len() - 1
                }
            };
            let events = &mut self.before.events[slot].1;
            if matcher.terms.is_only_unary(*variable) {
                // Only the latest can matter: an earlier one is further away.
                events.clear();
            }
            events.push_back(event.event().clone());
            forget_before(events, *reach, event.time());
        }
    }

    /// Drops what a `!B` at the start can no longer look back at, now that this time is over.
    pub(crate) fn forget(&mut self, over: Timestamp, matcher: &Matcher) {
        for (variable, events) in &mut self.before.events {
            let reach = matcher.looks_back.iter().find(|(v, _)| v == variable).and_then(|(_, reach)| *reach);
            forget_before(events, reach, Timestamp(over.0.saturating_add(1)));
        }
    }

    /// Lets out what waits for its turn, removes what is over, keeps to the bounds, and asks for alarms. Only runs that were touched are
    /// looked at, unless some of them are over.
    fn tidy(&mut self, tools: &mut Tools<'_>) {
        let spec = tools.matcher.spec().clone();
        let touched = std::mem::take(&mut self.touched);
        let runs_before = self.runs.len();
        if spec.after_match.is_skip() {
            self.let_out_in_turn(&spec.after_match, tools);
        } else if touched.iter().filter_map(|start| self.run_at(*start)).any(|at| self.runs[at].decided.is_some()) {
            self.runs.retain(|run| run.decided.is_none());
        }
        if spec.limit_per_partition.is_some_and(|limit| self.emitted >= limit) {
            self.runs.clear();
        }
        for at in touched.iter().filter_map(|start| self.run_at(*start)).collect::<Vec<_>>() {
            let run = &mut self.runs[at];
            self.threads = self.threads - run.counted + run.entries.len();
            run.counted = run.entries.len();
        }
        if self.runs.len() != runs_before || self.threads > tools.bounds.threads {
            self.keep_to_bounds(tools);
        }
        let bounded = matches!(spec.within, Some(Within::Time(_)));
        for at in touched.iter().filter_map(|start| self.run_at(*start)).collect::<Vec<_>>() {
            let run = &mut self.runs[at];
            let within = bounded.then(|| within_end(tools.matcher, run.start.time()));
            let next = [run.deadline(), within].into_iter().flatten().min();
            if next != run.scheduled && run.decided.is_none() {
                run.scheduled = next;
                tools.alarms.extend(next.map(|time| (time, run.start)));
            }
        }
    }

    fn run_at(&self, start: Place) -> Option<usize> {
        self.runs.binary_search_by_key(&start, |r| r.start).ok()
    }

    /// SKIP: decided matches come out as long as no earlier start is undecided.
    fn let_out_in_turn(&mut self, clause: &AfterMatch, tools: &mut Tools<'_>) {
        while let Some(run) = self.runs.pop_front() {
            match run.decided {
                None => {
                    self.runs.push_front(run);
                    break;
                }
                Some(Decision::Nothing) => {}
                Some(Decision::Match(found)) => self.skip(run.start, found, clause, tools),
            }
        }
    }

    /// A match comes out, unless the partition has had its number of them.
    fn emit(&mut self, start: Place, found: Match, tools: &mut Tools<'_>) {
        let Some(limit) = tools.matcher.spec().limit_per_partition else {
            return tools.out.push(Emitted::Match { start, found });
        };
        if self.emitted < limit {
            self.emitted += 1;
            tools.out.push(Emitted::Match { start, found });
        }
    }
}

impl Run {
    fn deadline(&self) -> Option<Timestamp> {
        let of_entry = |entry: &Entry| if let Entry::Live(thread) = entry { thread.state.deadline() } else { None };
        self.entries.iter().filter_map(of_entry).min()
    }
}

/// Puts the threads that a step has made into the run, in their order. Gives whether what comes behind is cut off by a finished match.
fn place(
    mode: Mode,
    automaton: &mut Automaton,
    Stepped { taken, kept, .. }: Stepped,
    entries: &mut Vec<Entry>,
    finished: &mut Vec<Match>,
) -> bool {
    let is_taken = !taken.is_empty();
    // Taking the event may have left a thread nowhere to go.
    let mut living = taken.into_iter().filter(|thread| !thread.state.ways.is_empty());
    if mode == Mode::AllMatches {
        for thread in living {
            if thread.state.accept().is_none() {
                entries.push(Entry::Live(thread));
                continue;
            }
            finished.push(Match { history: thread.history.clone(), end: thread.end });
            entries.extend(without_accept(automaton, thread).map(Entry::Live));
        }
        entries.extend(kept.map(Entry::Live));
        return false;
    }
    if !is_taken {
        entries.extend(kept.map(Entry::Live));
        return false;
    }
    living.any(|thread| push_split(automaton, entries, thread))
}

fn within_end(matcher: &Matcher, start: Timestamp) -> Timestamp {
    match matcher.spec().within {
        Some(Within::Time(duration)) => start.saturating_add(duration),
        Some(Within::Events(_)) | None => Timestamp::MAX,
    }
}

fn forget_before(events: &mut VecDeque<std::sync::Arc<crate::pattern::event::Event>>, reach: Option<Duration>, now: Timestamp) {
    let Some(reach) = reach else { return };
    let earliest = now.saturating_sub(reach);
    while events.front().is_some_and(|e| e.time() < earliest) {
        events.pop_front();
    }
}

impl AfterMatch {
    /// Whether a start gives one match, decided in the order of the starts.
    pub(crate) fn is_skip(&self) -> bool {
        match self {
            Self::SkipPastLast | Self::SkipToLastEvent | Self::SkipToNext | Self::SkipToFirst(_) | Self::SkipToLast(_) => true,
            Self::Everything | Self::Restart | Self::Consume => false,
        }
    }
}

impl State {
    /// Whether the candidate fits the unary terms of any variable that the state can take.
    fn may_take_any(&self, fits: &VariableSet) -> bool {
        self.ways.iter().any(|way| match &way.kind {
            WayKind::Take { variable, .. } => fits.contains(*variable),
            WayKind::Both(abreast) => abreast.operands.iter().any(|o| o.may_take_any(fits)),
            WayKind::Wait { .. } | WayKind::Accept | WayKind::AcceptAtEnd => false,
        })
    }
}
