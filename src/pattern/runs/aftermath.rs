//! What a match does to the runs beside it: CONSUME, SKIP, RUNS LATEST, and the bound on their number.

use crate::data::{Over, Place};
use crate::pattern::state::{Deadline, State, WayKind};
use crate::pattern::thread::{Entry, Match, Thread};
use crate::spec::{AfterMatch, Runs, VariableId};

use super::{Decision, Partition, Run, Tools};

impl Partition {
    /// CONSUME: threads that have taken an event of the match end, in whichever run, and what that makes certain comes out.
    pub(super) fn consume(&mut self, by: usize, found: &Match, tools: &mut Tools<'_>) {
        if tools.matcher.spec().after_match != AfterMatch::Consume {
            return;
        }
        self.cut(by, found, tools);
        // What was cut may have stood before a finished match of its start.
        for at in 0..self.runs.len() {
            if at != by && self.runs[at].decided.is_none() && matches!(self.runs[at].entries.first(), Some(Entry::Finished(_))) {
                let next = self.settle(at, Vec::new(), tools);
                if let Some(next) = next {
                    return self.consume(at, &next, tools);
                }
            }
        }
    }

    /// CONSUME: threads that have taken an event of the match end.
    pub(super) fn cut(&mut self, by: usize, found: &Match, tools: &Tools<'_>) {
        if tools.matcher.spec().after_match != AfterMatch::Consume {
            return;
        }
        let events: Vec<u64> = found.history.iter_back().map(|l| l.taking.event.index).collect();
        for (_, run) in self.runs.iter_mut().enumerate().filter(|(i, r)| *i != by && r.decided.is_none()) {
            let free = |entry: &Entry| {
                let history = match entry {
                    Entry::Live(thread) => &thread.history,
                    Entry::Finished(found) => &found.history,
                };
                !events.iter().any(|index| history.contains(*index))
            };
            run.entries.retain(free);
            self.touched.push(run.start);
            if run.entries.is_empty() {
                run.decided = Some(Decision::Nothing);
            }
        }
    }

    /// RUNS LATEST: of unfinished threads with the same rest of the pattern, the one with the latest events stays.
    pub(super) fn keep_latest(&mut self) {
        let mut best: hashbrown::HashMap<State, (usize, usize), ahash::RandomState> =
            hashbrown::HashMap::with_hasher(ahash::RandomState::with_seeds(5, 6, 7, 8));
        let mut drop: Vec<(usize, usize)> = Vec::new();
        for (r, run) in self.runs.iter().enumerate() {
            for (e, entry) in run.entries.iter().enumerate() {
                let Entry::Live(thread) = entry else { continue };
                let (other_run, other) = *best.entry(thread.state.shape()).or_insert((r, e));
                if (other_run, other) == (r, e) {
                    continue;
                }
                let Entry::Live(first) = &self.runs[other_run].entries[other] else { unreachable!("only live threads are compared") };
                if is_later(thread, first) {
                    drop.push((other_run, other));
                    best.insert(thread.state.shape(), (r, e));
                } else {
                    drop.push((r, e));
                }
            }
        }
        drop.sort_unstable_by(|a, b| b.cmp(a));
        for (run, entry) in drop {
            self.runs[run].entries.remove(entry);
            self.touched.push(self.runs[run].start);
            if self.runs[run].entries.is_empty() {
                self.runs[run].decided.get_or_insert(Decision::Nothing);
            }
        }
    }

    /// RUNS n ON OVERFLOW: with more undecided runs the oldest are given up, or the statement ends.
    pub(super) fn keep_count(&mut self, clause: Runs, tools: &mut Tools<'_>) {
        let (Runs::DropOldest(most) | Runs::OrEnd(most)) = clause else { return };
        let open = self.runs.iter().filter(|run| run.decided.is_none()).count() as u64;
        let over = open.saturating_sub(most);
        if over > 0 && matches!(clause, Runs::OrEnd(_)) {
            let limit = usize::try_from(most).unwrap_or(usize::MAX);
            Over { what: "unfinished runs of one key, as RUNS says", limit, is_of_run: false }.end();
        }
        *tools.dropped += over;
        let oldest = self.runs.iter_mut().filter(|run| run.decided.is_none());
        for run in oldest.take(usize::try_from(over).unwrap_or(usize::MAX)) {
            run.entries.clear();
            run.decided = Some(Decision::Nothing);
            self.touched.push(run.start);
        }
    }

    /// A match with SKIP comes out, and drops the starts that it covers.
    pub(super) fn skip(&mut self, start: Place, found: Match, clause: &AfterMatch, tools: &mut Tools<'_>) {
        let places = |of: &[VariableId]| -> Vec<Place> {
            found.history.iter_back().filter(|l| of.contains(&l.taking.variable)).map(|l| l.taking.event.place).collect()
        };
        let last = found.history.last().map_or(start, |l| l.taking.event.place);
        let target = match clause {
            AfterMatch::SkipPastLast => {
                self.runs.retain(|r| r.start > last);
                None
            }
            AfterMatch::SkipToLastEvent => Some(last),
            AfterMatch::SkipToFirst(of) => Some(places(of).last().copied().unwrap_or(start)),
            AfterMatch::SkipToLast(of) => Some(places(of).first().copied().unwrap_or(start)),
            AfterMatch::SkipToNext | AfterMatch::Everything | AfterMatch::Restart | AfterMatch::Consume => None,
        };
        if let Some(target) = target {
            let is_variable = matches!(clause, AfterMatch::SkipToFirst(_) | AfterMatch::SkipToLast(_));
            *tools.skips_failed += u64::from(target == start && is_variable);
            self.runs.retain(|r| r.start >= target);
        }
        self.emit(start, found, tools);
    }

    /// Drops the oldest runs, and of a single run the least preferred threads, where there are too many; each is counted.
    pub(super) fn keep_to_bounds(&mut self, tools: &mut Tools<'_>) {
        let count = |run: &mut Run| {
            run.counted = run.entries.len();
            run.counted
        };
        self.threads = self.runs.iter_mut().map(count).sum();
        while self.threads > tools.bounds.threads && self.runs.len() > 1 {
            self.threads -= self.runs.pop_front().map_or(0, |r| r.counted);
            *tools.dropped += 1;
        }
        let over = self.threads.saturating_sub(tools.bounds.threads);
        if let (Some(run), true) = (self.runs.front_mut(), over > 0) {
            *tools.dropped += over as u64;
            run.entries.truncate(tools.bounds.threads);
            run.counted = run.entries.len();
            self.threads = run.counted;
        }
    }
}

/// Whether the events of a thread are later than another's, compared from the last back.
fn is_later(a: &Thread, b: &Thread) -> bool {
    fn places(thread: &Thread) -> impl Iterator<Item = Place> {
        thread.history.iter_back().map(|l| l.taking.event.place)
    }
    places(a).gt(places(b))
}

impl State {
    /// The state without the times it waits for and the events that are held against it.
    fn shape(&self) -> State {
        let mut state = self.clone();
        for way in &mut state.ways {
            way.hits = Box::default();
            match &mut way.kind {
                WayKind::Wait { deadline, .. } => *deadline = Deadline::WithinEnd,
                WayKind::Both(abreast) => abreast.operands.iter_mut().for_each(|o| *o = std::sync::Arc::new(o.shape())),
                WayKind::Take { .. } | WayKind::Accept | WayKind::AcceptAtEnd => {}
            }
        }
        state
    }
}
