//! The runs of one partition of FROM PATTERN: one for each start, in the order of the starts; their threads behind each other as records.
//!
//! The rules are those of `runs` beside this folder (section 6 of the language page, "Formally"). An event that no state of the partition
//! takes or is ended by is not looked at; what stands before the first run that it concerns stays where it is.

use std::collections::VecDeque;

use super::Tools;
use super::log::{Arriving, Log};
use super::machine::{Alone, FINISHED, Machine, Offered, Stepped};
use super::results::{Found, Results};
use super::table::NONE;
use crate::data::{Phase, Place, Timestamp};
use crate::pattern::automaton::Origin;
use crate::spec::{AfterMatch, Runs, Within};

/// The runs of a partition.
#[derive(Debug)]
pub(super) struct RunPartition {
    pub(super) log: Log,
    /// In the order of their starts.
    runs: VecDeque<Run>,
    /// Their threads, as records, from `gone` words on.
    threads: Vec<u32>,
    gone: usize,
    /// Events so far, where WITHIN counts them.
    events: u64,
    /// What any of the runs waits for.
    interest: Interest,
}

/// All threads of one start.
#[derive(Debug, Clone, Copy)]
struct Run {
    /// Its first event.
    start: u32,
    /// The number of that event in the partition, where WITHIN counts them.
    index: u64,
    /// How many records.
    threads: u32,
    /// It has its match, which waits for its turn (SKIP).
    is_decided: bool,
    interest: Interest,
}

/// Which events can change threads.
#[derive(Debug, Clone, Copy, Default)]
struct Interest {
    /// Those that fit one of these variables.
    takes: u64,
    /// Any.
    any: bool,
}

crate::saved!(RunPartition { log, runs, threads, gone, events, interest });
crate::saved!(Run { start, index, threads, is_decided, interest });
crate::saved!(Interest { takes, any });

impl Interest {
    fn is_in(self, fits: u64) -> bool {
        self.any || self.takes & fits != 0
    }

    fn and(self, other: Self) -> Self {
        Self { takes: self.takes | other.takes, any: self.any || other.any }
    }

    /// Of threads, as records.
    fn of(machine: &Machine, records: &[u32]) -> Self {
        if records.len() == machine.width() && records[0] != FINISHED {
            return Self::of_state(machine, records[0]);
        }
        let live = records.chunks_exact(machine.width()).filter(|record| record[0] != FINISHED);
        live.fold(Self::default(), |interest, record| interest.and(Self::of_state(machine, record[0])))
    }

    #[inline]
    fn of_state(machine: &Machine, state: u32) -> Self {
        let row = machine.table.row(state);
        Self { takes: row.takes, any: row.is_strict }
    }
}

impl RunPartition {
    pub(super) fn new(log: Log) -> Self {
        Self { log, runs: VecDeque::new(), threads: Vec::new(), gone: 0, events: 0, interest: Interest::default() }
    }

    /// The start of the oldest run.
    pub(super) fn oldest_start(&self, machine: &Machine) -> Option<Place> {
        self.runs.front().map(|run| self.log.place(&machine.layout, run.start))
    }

    /// See [`super::FlatEvaluator::touch`].
    pub(super) fn touch(&self, depth: usize) -> usize {
        match depth {
            0 => self.log.len() ^ self.runs.len() ^ self.threads.len() ^ self.gone,
            _ => {
                self.log.touch() ^ self.runs.front().map_or(0, |run| run.start as usize) ^ self.threads.last().map_or(0, |&at| at as usize)
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Runs, and bytes, about.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.runs.len(), self.log.bytes() + self.runs.capacity() * size_of::<Run>() + self.threads.capacity() * 4)
    }

    /// Handles the next event. Gives whether it was of any use.
    pub(super) fn event(&mut self, event: &Arriving<'_>, tools: &mut Tools<'_>) -> bool {
        let machine = tools.machine;
        let counts = matches!(machine.spec.within, Some(Within::Events(_)));
        let index = self.events;
        self.events += u64::from(counts);
        let start = machine.table.start(Origin::LaterRow);
        let may_start = start != NONE && machine.table.row(start).takes & event.fits != 0 && self.has_room(machine);
        let concerns = self.interest.is_in(event.fits);
        if !concerns && !may_start && !counts {
            return false;
        }
        let found_before = tools.found.len();
        let runs_before = self.runs.len();
        let mut is_taken = false;
        if concerns || may_start {
            let candidate = self.log.push(&machine.layout, event);
            if concerns {
                is_taken |= self.step_runs(candidate, event.fits, tools);
            }
            if may_start {
                is_taken |= self.begin(candidate, event.fits, index, tools);
            }
            if !is_taken {
                self.log.pop(&machine.layout);
            }
        }
        if let Some(Within::Events(n)) = machine.spec.within {
            self.end_full_runs(n, index, event.place, tools);
            tools.found[found_before..].sort_by_key(|found| found.start);
        }
        if machine.spec.after_match == AfterMatch::Restart && tools.found.len() > found_before {
            self.clear();
        }
        if machine.spec.after_match.is_skip() {
            self.let_out_in_turn(tools);
        }
        if self.runs.len() > runs_before || self.count(machine) > tools.threads_max {
            self.keep_to_bounds(tools);
        }
        true
    }

    /// RUNS n: whether one more run may start.
    fn has_room(&self, machine: &Machine) -> bool {
        match machine.spec.runs {
            Runs::All | Runs::Latest | Runs::DropOldest(_) | Runs::OrEnd(_) => true,
            Runs::Count(n) => (self.runs.iter().filter(|run| !run.is_decided).count() as u64) < n,
        }
    }

    /// Steps the runs that an event concerns. Gives whether any took it.
    fn step_runs(&mut self, candidate: u32, fits: u64, tools: &mut Tools<'_>) -> bool {
        let machine = tools.machine;
        let width = machine.width();
        let Self { log, runs, threads, .. } = self;
        let (out, row) = (&mut *tools.scratch, log.row(&machine.layout, candidate));
        let mut interest = Interest::default();
        let mut first = 0;
        let mut from = self.gone;
        while let Some(run) = runs.get(first)
            && !run.interest.is_in(fits)
        {
            interest = interest.and(run.interest);
            from += run.threads as usize * width;
            first += 1;
        }
        // Runs are written where they lay, or before: until one needs more room than there is, from where on they stand aside, in `out`.
        let (mut to, mut kept, mut is_taken, mut aside) = (from, first, false, None);
        for at in first..runs.len() {
            let mut run = runs[at];
            let records = from..from + run.threads as usize * width;
            from = records.end;
            let offered = Offered { log, event: candidate, row, fits, start: run.start, match_number: 0 };
            if let Some(begin) = aside {
                let (end, records) = (threads.len(), begin..begin + records.len());
                aside = Some(records.end);
                if run.interest.is_in(fits) {
                    is_taken |= step_records(machine, &out[records], &offered, threads);
                    machine.merge(threads, end);
                    if !settle(machine, &mut run, log, threads, end, tools.results, tools.found) {
                        continue;
                    }
                } else {
                    threads.extend_from_slice(&out[records]);
                }
                to = threads.len();
            } else if !run.interest.is_in(fits) {
                let len = records.len();
                if to != records.start {
                    threads.copy_within(records, to);
                }
                to += len;
            } else {
                out.clear();
                let is_alone = records.len() == width && machine.table.row(threads[records.start]).has_few_ways;
                let stepped = if is_alone { machine.step_alone(&mut threads[records.clone()], &offered) } else { Alone::Spreads(0) };
                match stepped {
                    Alone::Gone => continue,
                    Alone::Stays(takes) => {
                        is_taken |= takes;
                        run.interest = Interest::of(machine, &threads[records.clone()]);
                        if to != records.start {
                            threads.copy_within(records, to);
                        }
                        to += width;
                    }
                    Alone::Spreads(takes) => {
                        if is_alone {
                            machine.spread(&threads[records.clone()], takes, candidate, out);
                            is_taken = true;
                        } else {
                            is_taken |= step_records(machine, &threads[records], &offered, out);
                        }
                        machine.merge(out, 0);
                        if !settle(machine, &mut run, log, out, 0, tools.results, tools.found) {
                            continue;
                        }
                        if to + out.len() <= from {
                            threads[to..to + out.len()].copy_from_slice(out);
                            to += out.len();
                        } else {
                            let own = out.len();
                            out.extend_from_slice(&threads[from..]);
                            threads.truncate(to);
                            threads.extend_from_slice(&out[..own]);
                            (to, aside) = (threads.len(), Some(own));
                        }
                    }
                }
            }
            interest = interest.and(run.interest);
            runs[kept] = run;
            kept += 1;
        }
        runs.truncate(kept);
        threads.truncate(to);
        self.interest = interest;
        is_taken
    }

    /// Starts a run at an event that may be the first of a match. Gives whether it took it.
    fn begin(&mut self, candidate: u32, fits: u64, index: u64, tools: &mut Tools<'_>) -> bool {
        let machine = tools.machine;
        let offered = Offered { log: &self.log, event: candidate, row: self.log.row(&machine.layout, candidate), fits, start: candidate, match_number: 0 };
        let begin = self.threads.len();
        if machine.step(machine.initial(Origin::LaterRow), &offered, &mut self.threads) == Stepped::Passed {
            return false;
        }
        machine.merge(&mut self.threads, begin);
        let mut run = Run { start: candidate, index, threads: 0, is_decided: false, interest: Interest::default() };
        if settle(machine, &mut run, &self.log, &mut self.threads, begin, tools.results, tools.found) {
            self.interest = self.interest.and(run.interest);
            self.runs.push_back(run);
        }
        true
    }

    /// The time `time` is over for the oldest run: WITHIN ends it, and with RESTART all that end at this time.
    pub(super) fn time_over(&mut self, time: Timestamp, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        let restarts = machine.spec.after_match == AfterMatch::Restart;
        let found_before = tools.found.len();
        let end = Place::bound(time, Phase::After);
        let mut is_first = true;
        while let Some(run) = self.runs.front()
            && (is_first || restarts && self.deadline(machine, run) == Some(time))
        {
            is_first = false;
            self.end_front_run(end, tools);
        }
        if restarts && tools.found.len() > found_before {
            while let Some(run) = self.runs.front()
                && self.log.time(&machine.layout, run.start) <= time
            {
                self.drop_front(machine);
            }
        }
        if machine.spec.after_match.is_skip() {
            self.let_out_in_turn(tools);
        }
    }

    /// The input is over: what is finished comes out.
    pub(super) fn end(&mut self, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        let found_before = tools.found.len();
        let is_skip = machine.spec.after_match.is_skip();
        while !self.runs.is_empty() {
            self.end_front_run(Place::MAX, tools);
            if is_skip {
                self.let_out_in_turn(tools);
            }
        }
        if !matches!(machine.spec.within, Some(Within::Time(_))) {
            // Without WITHIN nothing has timed out: there was no time.
            let mut at = 0;
            tools.found.retain(|found| {
                at += 1;
                at <= found_before || found.port == 0
            });
        }
    }

    fn deadline(&self, machine: &Machine, run: &Run) -> Option<Timestamp> {
        match machine.spec.within {
            Some(Within::Time(span)) => Some(self.log.time(&machine.layout, run.start).saturating_add(span)),
            Some(Within::Events(_)) | None => None,
        }
    }

    /// WITHIN, or the end of the input, ends the oldest run, which with SKIP may then be decided and stay.
    fn end_front_run(&mut self, end: Place, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        let Some(run) = self.runs.front_mut() else { return };
        if run.is_decided {
            return;
        }
        let width = machine.width();
        let records = &mut self.threads[self.gone..self.gone + run.threads as usize * width];
        let Some(at) = records.chunks_exact(width).position(|record| record[0] == FINISHED) else {
            if machine.spec.timeout.is_some() {
                tools.found.push(tools.results.timed_out(machine, &self.log, run.start, &records[..width], end));
            }
            return self.drop_front(machine);
        };
        records.copy_within(at * width..(at + 1) * width, 0);
        let found = tools.results.found(machine, &self.log, run.start, &records[..width]);
        let is_match = tools.results.accepts(machine, &self.log, &found);
        if !is_match || !machine.spec.after_match.is_skip() {
            tools.found.extend(is_match.then_some(found));
            return self.drop_front(machine);
        }
        // What stood behind the match stays in the way until the run goes: it is put behind the match as if it were the same.
        run.is_decided = true;
        run.interest = Interest::default();
    }

    /// `WITHIN n EVENTS`: runs that n events have come for end.
    fn end_full_runs(&mut self, n: u64, index: u64, end: Place, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        if !machine.spec.after_match.is_skip() {
            while self.runs.front().is_some_and(|run| index - run.index + 1 >= n) {
                self.end_front_run(end, tools);
            }
            return;
        }
        while self.runs.front().is_some_and(|run| !run.is_decided && index - run.index + 1 >= n) {
            self.end_front_run(end, tools);
            self.let_out_in_turn(tools);
        }
    }

    /// SKIP: decided matches come out as long as no earlier start is undecided, and drop the starts that they cover.
    fn let_out_in_turn(&mut self, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        while let Some(&run) = self.runs.front()
            && run.is_decided
        {
            let record = &self.threads[self.gone..self.gone + machine.width()];
            let (last, place) = (record[1], machine.skip_to.map(|at| record[at]));
            tools.found.push(tools.results.found(machine, &self.log, run.start, record));
            self.drop_front(machine);
            let target = match &machine.spec.after_match {
                AfterMatch::SkipPastLast => Some(self.log.index(last) + 1),
                AfterMatch::SkipToLastEvent => Some(self.log.index(last)),
                AfterMatch::SkipToFirst(_) | AfterMatch::SkipToLast(_) => {
                    let target = place.filter(|event| *event != NONE).unwrap_or(run.start);
                    *tools.skips_failed += u64::from(target == run.start);
                    Some(self.log.index(target))
                }
                AfterMatch::SkipToNext | AfterMatch::Everything | AfterMatch::Restart | AfterMatch::Consume => None,
            };
            let is_covered = |run: &Run| target.is_some_and(|target| self.log.index(run.start) < target);
            let covered = self.runs.iter().take_while(|run| is_covered(run)).count();
            (0..covered).for_each(|_| self.drop_front(machine));
        }
    }

    fn drop_front(&mut self, machine: &Machine) {
        if let Some(run) = self.runs.pop_front() {
            self.gone += run.threads as usize * machine.width();
        }
        if self.runs.is_empty() {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.runs.clear();
        self.threads.clear();
        self.gone = 0;
        self.interest = Interest::default();
    }

    fn count(&self, machine: &Machine) -> usize {
        (self.threads.len() - self.gone) / machine.width()
    }

    /// Drops the oldest runs, and of a single run the least preferred threads, where there are too many; each is counted.
    fn keep_to_bounds(&mut self, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        while self.count(machine) > tools.threads_max && self.runs.len() > 1 {
            self.drop_front(machine);
            *tools.dropped += 1;
        }
        let over = self.count(machine).saturating_sub(tools.threads_max);
        if let (Some(run), true) = (self.runs.front_mut(), over > 0) {
            *tools.dropped += over as u64;
            run.threads = u32::try_from(tools.threads_max).unwrap_or(u32::MAX);
            self.threads.truncate(self.gone + tools.threads_max * machine.width());
        }
    }

    /// Lets go what nothing holds any more, once what was found has been written.
    pub(super) fn tidy(&mut self, machine: &Machine) {
        match self.runs.front() {
            None => self.log.clear(),
            Some(run) => self.log.forget_before(&machine.layout, run.start),
        }
        if self.gone > 64 && self.gone * 2 > self.threads.len() {
            self.threads.drain(..self.gone);
            self.gone = 0;
        }
        if self.threads.capacity() > 256 + 4 * self.threads.len() {
            self.threads.shrink_to(2 * self.threads.len());
        }
        if self.runs.capacity() > 16 + 4 * self.runs.len() {
            self.runs.shrink_to(2 * self.runs.len());
        }
    }
}

/// The variables of events that may change anything, where others break no contiguity and are not counted.
pub(super) fn heeds(machine: &Machine) -> Option<u64> {
    let start = machine.table.start(Origin::LaterRow);
    let mut behind = machine.table.rows.iter().enumerate().filter(|(id, _)| *id != start as usize || machine.table.is_reached(start));
    let counts = matches!(machine.spec.within, Some(Within::Events(_)));
    let is_patient = !counts && !behind.any(|(_, row)| row.is_strict);
    is_patient.then(|| machine.table.rows.iter().fold(0, |bits, row| bits | row.takes))
}

/// Offers an event to the threads of a run, in order. Gives whether one took it.
fn step_records(machine: &Machine, records: &[u32], offered: &Offered<'_>, out: &mut Vec<u32>) -> bool {
    let mut is_taken = false;
    for record in records.chunks_exact(machine.width()) {
        if record[0] == FINISHED {
            out.extend_from_slice(record);
            break;
        }
        match machine.step(record, offered, out) {
            Stepped::Finished => return true,
            Stepped::Taken => is_taken = true,
            Stepped::Passed => {
                let kept = machine.table.row(record[0]).kept;
                if kept != NONE {
                    let begin = out.len();
                    out.extend_from_slice(record);
                    out[begin] = kept;
                }
            }
        }
    }
    is_taken
}

/// Looks at what an event has made of a run, whose records stand from `begin` on: a match comes out, or waits for its turn. Gives whether
/// anything is left of the run.
fn settle(
    machine: &Machine,
    run: &mut Run,
    log: &Log,
    records: &mut Vec<u32>,
    begin: usize,
    results: &Results,
    found: &mut Vec<Found>,
) -> bool {
    if records.len() == begin {
        return false;
    }
    let width = machine.width();
    if records[begin] == FINISHED {
        records.truncate(begin + width);
        let record = &records[begin..];
        let is_match = !results.has_having() || results.accepts(machine, log, &results.found(machine, log, run.start, record));
        if is_match && machine.spec.after_match.is_skip() {
            (run.is_decided, run.threads, run.interest) = (true, 1, Interest::default());
            return true;
        }
        if is_match {
            found.push(results.found(machine, log, run.start, record));
        }
        records.truncate(begin);
        return false;
    }
    run.threads = u32::try_from((records.len() - begin) / width).expect("threads of a run are bounded");
    run.interest = Interest::of(machine, &records[begin..]);
    true
}
