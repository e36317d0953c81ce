//! How runs end that no event ends: by WITHIN, and with the input.

use super::{Decision, Emitted, Partition, Tools};
use crate::data::Place;
use crate::pattern::thread::{Entry, Match};
use crate::spec::Within;

impl Partition {
    /// The input is over: what is finished comes out.
    pub(crate) fn end(&mut self, tools: &mut Tools<'_>) {
        let starts: Vec<Place> = self.runs.iter().map(|r| r.start).collect();
        for start in starts {
            // All end at this moment: one that a match frees does not come before an earlier one.
            if let Some((at, found)) = self.end_alone(start, Place::MAX, tools) {
                self.cut(at, &found, tools);
            }
        }
        if !matches!(tools.matcher.spec().within, Some(Within::Time(_))) {
            // Without WITHIN nothing has timed out: there was no time.
            tools.out.retain(|emitted| matches!(emitted, Emitted::Match { .. }));
        }
        self.tidy(tools);
    }

    /// A run has seen as many events as WITHIN allows: it takes no more, but what waits for time alone goes on. Gives the match that came out
    /// of it, where others must be told (CONSUME); they have been.
    pub(super) fn fill_run(&mut self, start: Place, end: Place, tools: &mut Tools<'_>) -> Option<Match> {
        let at = self.run_at(start)?;
        let run = &mut self.runs[at];
        if run.deadline().is_none() {
            return self.end_run(start, end, tools);
        }
        run.entries.retain(only_waits);
        let found = self.settle(at, Vec::new(), tools)?;
        self.consume(at, &found, tools);
        Some(found)
    }

    /// WITHIN ends a run: what is finished comes out, the rest is gone. Gives what [`Self::fill_run`] does.
    pub(super) fn end_run(&mut self, start: Place, end: Place, tools: &mut Tools<'_>) -> Option<Match> {
        let (at, found) = self.end_alone(start, end, tools)?;
        self.consume(at, &found, tools);
        Some(found)
    }

    /// The same, of which the others have not been told. Gives which run it is, too.
    fn end_alone(&mut self, start: Place, end: Place, tools: &mut Tools<'_>) -> Option<(usize, Match)> {
        let at = self.run_at(start)?;
        self.touched.push(start);
        let run = &mut self.runs[at];
        if run.decided.is_some() {
            return None;
        }
        let first_live = run.entries.iter().find_map(|e| if let Entry::Live(thread) = e { Some(thread.clone()) } else { None });
        run.entries.retain(|entry| matches!(entry, Entry::Finished(_)));
        run.entries.truncate(1);
        let has_finished = run.has_matched || !run.entries.is_empty();
        if let (false, Some(thread), true) = (has_finished, first_live, tools.matcher.spec().timeout.is_some()) {
            tools.out.push(Emitted::Timeout { start, thread, end });
        }
        let found = self.settle(at, Vec::new(), tools);
        self.runs[at].decided.get_or_insert(Decision::Nothing);
        found.map(|found| (at, found))
    }
}

/// Whether it can be a match without another event.
pub(super) fn only_waits(entry: &Entry) -> bool {
    match entry {
        Entry::Live(thread) => thread.state.deadline().is_some(),
        Entry::Finished(_) => true,
    }
}
