//! The rows of one partition of MATCH_RECOGNIZE, and the one start that is being decided.
//!
//! The rules are those of `rows` beside this folder. A start that has failed leaves behind, at each row that it has stepped over, which states
//! led nowhere from there, where that depends on the rows alone; the starts behind it do not go that way again. So `A+ B` costs a step a row
//! though every A is a start.
//! A row at which nothing can start while no start is undecided is not kept, and where
//! every state waits, neither is a row that fits only what leaves no trace: `A X*? B` is then, row by row, as cheap as its A and B are rare.

use super::Tools;
use super::log::{Arriving, Log};
use super::machine::{FINISHED, Machine, Offered, Stepped};
use super::table::NONE;
use crate::data::{Place, Timestamp};
use crate::pattern::automaton::Origin;
use crate::spec::{AfterMatch, SlotKind, Within};

/// Which rows of a pattern need not be looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passing {
    /// Variables that change something when they take a row, as bits.
    counts: u64,
    /// Rows that fit none of these need not be kept.
    drops: bool,
    /// The partition may be forgotten when nothing is undecided.
    forgets: bool,
}

/// The rows and the undecided start of a partition.
#[derive(Debug)]
pub(super) struct RowPartition {
    pub(super) log: Log,
    /// The number of the next row to be tried as a start.
    next_start: u32,
    run: Option<Run>,
    /// The threads of the start, as records.
    threads: Vec<u32>,
    matches: u64,
    /// Its first row has been tried as a start.
    is_begun: bool,
    /// No more rows will come.
    is_ended: bool,
}

/// The start that is being looked at.
#[derive(Debug, Clone, Copy)]
struct Run {
    start: u32,
    /// The next row to step over.
    cursor: u32,
    /// All threads wait, and these variables would change one of them.
    wants: u64,
    waits: bool,
    /// WITHIN has ended it, with rows behind that it could have taken otherwise.
    is_cut_off: bool,
}

crate::saved!(RowPartition { log, next_start, run, threads, matches, is_begun, is_ended });
crate::saved!(Run { start, cursor, wants, waits, is_cut_off });

impl Passing {
    pub(super) fn new(machine: &Machine) -> Self {
        let starts = [Origin::FirstRow, Origin::LaterRow].map(|origin| machine.table.start(origin));
        let is_start = |id: usize| starts.contains(&u32::try_from(id).expect("the planner bounds the states"));
        let rows = machine.table.rows.iter().enumerate();
        let is_passed = |id: usize| is_start(id) && !machine.table.is_reached(u32::try_from(id).expect("the planner bounds the states"));
        let all_wait = rows.clone().all(|(id, row)| row.waits || is_passed(id));
        // A start is never passed by: what it takes, it takes first.
        let counts = rows.fold(0, |bits, (id, row)| bits | if is_start(id) { row.takes } else { row.leaves_by });
        let looks_beside = machine.back > 0 || matches!(machine.spec.within, Some(Within::Events(_)));
        let numbers = machine.spec.slots.iter().any(|slot| matches!(slot.kind, SlotKind::MatchNumber));
        let has_first_row = starts[0] != starts[1];
        Self { counts, drops: all_wait && !looks_beside && !has_first_row, forgets: machine.back == 0 && !numbers && !has_first_row }
    }

    pub(super) fn forgets(self) -> bool {
        self.forgets
    }

    /// The variables of rows that may change anything, where others need not be kept.
    pub(super) fn heeds(self) -> Option<u64> {
        self.drops.then_some(self.counts)
    }
}

impl RowPartition {
    pub(super) fn new(log: Log) -> Self {
        let next_start = log.first();
        Self { log, next_start, run: None, threads: Vec::new(), matches: 0, is_begun: false, is_ended: false }
    }

    /// The place of the start that is undecided.
    pub(super) fn undecided_start(&self, machine: &Machine) -> Option<Place> {
        self.run.map(|run| self.log.place(&machine.layout, run.start))
    }

    /// See [`super::FlatEvaluator::touch`].
    pub(super) fn touch(&self, depth: usize) -> usize {
        match depth {
            0 => self.log.len() ^ self.threads.len() ^ self.next_start as usize ^ usize::from(self.is_begun),
            _ => self.log.touch() ^ self.threads.last().map_or(0, |&at| at as usize),
        }
    }

    /// Whether nothing of the partition is worth keeping.
    pub(super) fn is_forgettable(&self, passing: Passing) -> bool {
        self.run.is_none() && passing.forgets
    }

    /// Rows, and bytes, about.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.log.len(), self.log.bytes() + self.threads.capacity() * 4)
    }

    /// A row comes. Gives whether it was of any use.
    pub(super) fn row(&mut self, event: &Arriving<'_>, tools: &mut Tools<'_>) -> bool {
        let machine = tools.machine;
        let may_be_unseen = self.run.is_none() && machine.back == 0;
        if may_be_unseen && !self.can_start(machine, event.fits) {
            self.is_begun = true;
            return false;
        }
        self.log.push(&machine.layout, event);
        self.decide_starts(None, tools);
        true
    }

    /// A time is over: the undecided start can take no row behind it.
    pub(super) fn time_over(&mut self, time: Timestamp, tools: &mut Tools<'_>) {
        self.decide_starts(Some(time), tools);
    }

    /// The input is over.
    pub(super) fn end(&mut self, tools: &mut Tools<'_>) {
        self.is_ended = true;
        self.decide_starts(Some(Timestamp::MAX), tools);
    }

    fn origin(&self) -> Origin {
        if self.is_begun { Origin::LaterRow } else { Origin::FirstRow }
    }

    fn can_start(&self, machine: &Machine, fits: u64) -> bool {
        let start = machine.table.start(self.origin());
        start != NONE && machine.table.row(start).takes & fits != 0
    }

    /// Decides starts in order, as far as the rows allow.
    fn decide_starts(&mut self, over: Option<Timestamp>, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        while let Some(mut run) = self.run.take().or_else(|| self.begin(machine)) {
            if !self.step_rows(&mut run, tools) && !self.decide_without_rows(&mut run, over, machine) {
                self.run = Some(run);
                break;
            }
            let led_nowhere = self.threads.is_empty() && !run.is_cut_off;
            self.log.clear_marks(&machine.layout, (run.start, run.cursor), led_nowhere);
            self.finish(run.start, tools);
        }
    }

    /// The next start at which something can start, if its row is there.
    fn begin(&mut self, machine: &Machine) -> Option<Run> {
        let end = self.log.next();
        while self.next_start != end {
            let start = self.next_start;
            if self.can_start(machine, self.log.fits(&machine.layout, start)) {
                self.threads.clear();
                self.threads.extend_from_slice(machine.initial(self.origin()));
                return Some(Run { start, cursor: start, wants: 0, waits: false, is_cut_off: false });
            }
            self.next_start = self.behind(start);
            self.is_begun = true;
        }
        None
    }

    /// The number behind a row's.
    fn behind(&self, row: u32) -> u32 {
        self.log.beside(row, 1).unwrap_or_else(|| self.log.next())
    }

    /// Steps the threads over the rows that are there. Gives whether the start is decided.
    fn step_rows(&mut self, run: &mut Run, tools: &mut Tools<'_>) -> bool {
        let (machine, layout) = (tools.machine, &tools.machine.layout);
        let end = self.log.next();
        let start_time = self.log.time(layout, run.start);
        while run.cursor != end {
            let row = run.cursor;
            let fits = self.log.fits(layout, row);
            let is_in = match machine.spec.within {
                Some(Within::Time(span)) => self.log.time(layout, row) <= start_time.saturating_add(span),
                Some(Within::Events(n)) => ((self.log.index(row) - self.log.index(run.start)) as u64) < n,
                None => true,
            };
            if !is_in {
                self.expire(machine);
                run.is_cut_off = true;
                return true;
            }
            run.cursor = self.behind(row);
            if run.waits && fits & run.wants == 0 {
                continue;
            }
            let offered = Offered {
                log: &self.log,
                event: row,
                row: self.log.row(layout, row),
                fits,
                start: run.start,
                match_number: self.matches + 1,
            };
            let is_changed = step_row(machine, &self.threads, &offered, tools.scratch);
            if !is_changed && machine.bare == 0 {
                continue;
            }
            if !is_changed {
                tools.scratch.extend_from_slice(&self.threads);
            }
            machine.merge(tools.scratch, 0);
            self.mark(machine, row, tools.scratch);
            let over = (tools.scratch.len() / machine.width()).saturating_sub(tools.threads_max);
            if over > 0 {
                *tools.dropped += over as u64;
                tools.scratch.truncate(tools.threads_max * machine.width());
                run.is_cut_off = true;
            }
            self.threads.clear();
            self.threads.extend_from_slice(tools.scratch);
            if self.threads.first().is_none_or(|state| *state == FINISHED) {
                return true;
            }
            run.look(machine, &self.threads);
        }
        false
    }

    /// Drops the threads behind a row of which an earlier start has shown that they lead nowhere, and notes the others.
    fn mark(&mut self, machine: &Machine, row: u32, threads: &mut Vec<u32>) {
        if machine.bare == 0 {
            return;
        }
        let (width, dead) = (machine.width(), self.log.dead(&machine.layout, row) & machine.bare);
        let bit = |state: u32| if state < 64 { 1 << state & machine.bare } else { 0 };
        let mut kept = 0;
        let mut states = 0;
        for at in (0..threads.len()).step_by(width) {
            let state = bit(threads[at]);
            if dead & state == 0 {
                states |= state;
                threads.copy_within(at..at + width, kept);
                kept += width;
            }
        }
        threads.truncate(kept);
        self.log.mark(&machine.layout, row, states);
    }

    /// Decides a start for which no further row can count: WITHIN is over, or the input is. Gives whether it did.
    fn decide_without_rows(&mut self, run: &mut Run, over: Option<Timestamp>, machine: &Machine) -> bool {
        let layout = &machine.layout;
        let is_full = match machine.spec.within {
            Some(Within::Time(span)) => over.is_some_and(|over| self.log.time(layout, run.start).saturating_add(span) <= over),
            Some(Within::Events(n)) => (self.log.len_from(run.start) as u64) >= n,
            None => false,
        };
        if is_full || self.is_ended {
            self.expire(machine);
            // At the end of the input no start has rows to come.
            run.is_cut_off |= !self.is_ended;
        }
        is_full || self.is_ended
    }

    /// No further row can be taken: what is finished stays.
    fn expire(&mut self, machine: &Machine) {
        let width = machine.width();
        let finished = self.threads.chunks_exact(width).position(|record| record[0] == FINISHED);
        match finished {
            Some(at) => {
                self.threads.copy_within(at * width..(at + 1) * width, 0);
                self.threads.truncate(width);
            }
            None => self.threads.clear(),
        }
    }

    /// A start is decided: lets its row out and finds the next start.
    fn finish(&mut self, start: u32, tools: &mut Tools<'_>) {
        let machine = tools.machine;
        self.is_begun = true;
        self.next_start = self.behind(start);
        let Some(record) = self.threads.get(..machine.width()) else { return };
        self.matches += 1;
        let mut found = tools.results.found(machine, &self.log, start, record);
        found.number = self.matches;
        tools.found.push(found);
        let target = match &machine.spec.after_match {
            AfterMatch::SkipPastLast => self.behind(record[1]),
            AfterMatch::SkipToLastEvent => self.skip_to(start, Some(record[1]), tools.skips_failed),
            AfterMatch::SkipToFirst(_) | AfterMatch::SkipToLast(_) => {
                let place = machine.skip_to.map(|at| record[at]).filter(|event| *event != NONE);
                self.skip_to(start, place, tools.skips_failed)
            }
            AfterMatch::SkipToNext | AfterMatch::Everything | AfterMatch::Restart | AfterMatch::Consume => self.next_start,
        };
        self.next_start = target;
    }

    fn skip_to(&self, start: u32, target: Option<u32>, skips_failed: &mut u64) -> u32 {
        match target {
            Some(target) if target != start => target,
            Some(_) | None => {
                *skips_failed += 1;
                self.next_start
            }
        }
    }

    /// Lets go the rows that nothing can reach any more, once what was found has been written.
    pub(super) fn tidy(&mut self, machine: &Machine) {
        let layout = &machine.layout;
        let from = self.run.map_or(self.next_start, |run| run.start);
        if from == self.log.first() {
            return;
        }
        if machine.back == 0 {
            return self.log.forget_before(layout, from);
        }
        let keep = i64::try_from(machine.back).unwrap_or(i64::MAX);
        if let Some(event) = self.log.beside(from, -keep) {
            self.log.forget_before(layout, event);
        }
    }
}

impl Run {
    /// What the threads wait for.
    fn look(&mut self, machine: &Machine, threads: &[u32]) {
        (self.waits, self.wants) = (true, 0);
        for record in threads.chunks_exact(machine.width()).filter(|record| record[0] != FINISHED) {
            let row = machine.table.row(record[0]);
            self.waits &= row.waits;
            self.wants |= row.leaves_by;
        }
    }
}

/// Offers a row to the threads of a start, in order. Gives whether any is another than it was; what they become stands in `out` then.
fn step_row(machine: &Machine, threads: &[u32], offered: &Offered<'_>, out: &mut Vec<u32>) -> bool {
    out.clear();
    let mut is_changed = false;
    for (nth, record) in threads.chunks_exact(machine.width()).enumerate() {
        let is_finished = record[0] == FINISHED;
        if is_finished || machine.waits_on(record, offered) {
            out.extend_from_slice(if is_changed { record } else { &[] });
        } else {
            if !is_changed {
                out.extend_from_slice(&threads[..nth * machine.width()]);
                is_changed = true;
            }
            if machine.step(record, offered, out) == Stepped::Finished {
                break;
            }
        }
        if is_finished {
            break;
        }
    }
    is_changed
}
