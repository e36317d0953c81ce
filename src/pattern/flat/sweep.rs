//! One event goes over the runs of a partition, in order. They are written where they lay, or before; until one needs more room than there
//! is: from there on they stand aside.
//!
//! A run that goes the way of the one before it follows that one from then on, and is not stepped itself (`sharing`); runs that follow one
//! that becomes several threads, or a match, are on their own again.

use super::Tools;
use super::log::Log;
use super::machine::{Alone, FINISHED, Machine, Offered, Stepped};
use super::runs::{Interest, Run, settle};
use super::sharing::catch_up;
use super::table::NONE;

/// See the module.
pub(super) struct Sweep<'s, 't> {
    pub(super) machine: &'s Machine,
    pub(super) log: &'s Log,
    pub(super) event: u32,
    pub(super) fits: u64,
    pub(super) runs: &'s mut [Run],
    pub(super) threads: &'s mut Vec<u32>,
    /// The run that is looked at, and where its records begin: in `threads`, or among those that stand aside.
    pub(super) at: usize,
    pub(super) from: usize,
    /// How many runs have been kept, and where the records of the next one go.
    pub(super) kept: usize,
    pub(super) to: usize,
    pub(super) is_aside: bool,
    /// The last run kept that may be followed, and where its record stands.
    pub(super) leader: Option<(usize, usize)>,
    pub(super) interest: Interest,
    pub(super) is_taken: bool,
    pub(super) tools: &'s mut Tools<'t>,
}

impl Sweep<'_, '_> {
    /// Steps the runs that the event concerns. Gives how many are left, what they wait for, and whether one took the event.
    pub(super) fn go(mut self) -> (usize, Interest, bool) {
        self.pass_over();
        let (machine, log, width) = (self.machine, self.log, self.machine.width());
        let row = log.row(&machine.layout, self.event);
        let mut offered = Offered { log, event: self.event, row, fits: self.fits, start: self.event, match_number: 0 };
        while let Some(&run) = self.runs.get(self.at) {
            offered.start = run.start;
            if !run.interest.is_in(self.fits) {
                self.keep(&run);
            } else if run.threads == 1 && machine.has_few_ways && !self.is_aside {
                match machine.step_alone(&mut self.threads[self.from..self.from + width], &offered) {
                    Alone::Gone => self.drop(&run),
                    Alone::Stays(is_taken) => self.keep_stepped(run, is_taken),
                    Alone::Spreads(ways) => self.spread(&run, ways, &offered),
                }
            } else if run.followers > 0 {
                self.part(&run);
            } else if self.is_aside {
                self.step_aside(run, &offered);
            } else {
                let Tools { scratch: out, .. } = &mut *self.tools;
                out.clear();
                let records = &self.threads[self.from..self.from + run.threads as usize * width];
                self.is_taken |= step_records(machine, records, &offered, out);
                self.write(run);
            }
        }
        self.threads.truncate(self.to);
        (self.kept, self.interest, self.is_taken)
    }

    /// What stands before the first run that the event concerns stays where it is.
    fn pass_over(&mut self) {
        while let Some(run) = self.runs.get(self.at)
            && !run.interest.is_in(self.fits)
        {
            self.interest = self.interest.and(run.interest);
            self.at += 1 + run.followers as usize;
            self.from += self.len(run);
        }
        (self.kept, self.to) = (self.at, self.from);
    }

    /// Words of a run and of those that follow it.
    #[inline]
    fn len(&self, run: &Run) -> usize {
        (run.threads as usize + run.followers as usize) * self.machine.width()
    }

    /// A run stays as it is, with those that follow it.
    #[inline]
    fn keep(&mut self, run: &Run) {
        let (led, len) = (1 + run.followers as usize, self.len(run));
        self.interest = self.interest.and(run.interest);
        self.leader = (run.threads == 1 && !run.is_decided && !self.is_aside).then_some((self.kept, self.to));
        if self.is_aside {
            self.threads.extend_from_slice(&self.tools.scratch[self.from..self.from + len]);
        } else if self.to != self.from {
            self.threads.copy_within(self.from..self.from + len, self.to);
        }
        if self.kept != self.at {
            self.runs.copy_within(self.at..self.at + led, self.kept);
        }
        (self.at, self.from) = (self.at + led, self.from + len);
        (self.kept, self.to) = (self.kept + led, self.to + len);
    }

    /// A run goes, with those that follow it.
    #[inline]
    fn drop(&mut self, run: &Run) {
        self.at += 1 + run.followers as usize;
        self.from += self.len(run);
    }

    /// A run has been stepped and is one thread still: it may follow the one before it.
    #[inline]
    fn keep_stepped(&mut self, mut run: Run, is_taken: bool) {
        self.is_taken |= is_taken;
        let (machine, width) = (self.machine, self.machine.width());
        run.interest = Interest::of_state(machine, self.threads[self.from]);
        let before = self.leader.filter(|_| is_taken && run.followers == 0);
        let record = |at: usize| &self.threads[at..at + width];
        let followed = before.filter(|(_, leads)| machine.sharing.are_alike(record(*leads), record(self.from)));
        if let Some((leader, _)) = followed {
            self.runs[leader].followers += 1;
            run.since = self.event;
        }
        self.runs[self.at] = run;
        self.keep(&run);
        self.leader = followed.or(self.leader);
    }

    /// A run of one thread becomes several, or a match, and so does each that follows it.
    fn spread(&mut self, run: &Run, ways: u64, offered: &Offered<'_>) {
        self.is_taken = true;
        self.part(run);
        for _ in 0..=run.followers {
            let run = self.runs[self.at];
            if self.is_aside {
                self.step_aside(run, &Offered { start: run.start, ..*offered });
                continue;
            }
            let out = &mut *self.tools.scratch;
            out.clear();
            self.machine.spread(&self.threads[self.from..self.from + self.machine.width()], ways, self.event, out);
            self.write(run);
        }
    }

    /// A run is what stands in `scratch` from now on, which goes where it lay if there is room.
    fn write(&mut self, mut run: Run) {
        let (machine, behind) = (self.machine, self.from + self.len(&run));
        let Tools { scratch: out, results, found, .. } = &mut *self.tools;
        machine.merge(out, 0);
        (self.at, self.from) = (self.at + 1, behind);
        if !settle(machine, &mut run, self.log, out, 0, results, found) {
            return;
        }
        if self.to + out.len() <= behind {
            self.threads[self.to..self.to + out.len()].copy_from_slice(out);
            self.to += out.len();
        } else {
            let own = out.len();
            out.extend_from_slice(&self.threads[behind..]);
            self.threads.truncate(self.to);
            self.threads.extend_from_slice(&out[..own]);
            (self.to, self.from, self.is_aside) = (self.threads.len(), own, true);
        }
        self.note(run);
    }

    /// Steps a run that stands aside.
    fn step_aside(&mut self, mut run: Run, offered: &Offered<'_>) {
        let (machine, end, behind) = (self.machine, self.threads.len(), self.from + self.len(&run));
        let Tools { scratch: aside, results, found, .. } = &mut *self.tools;
        self.is_taken |= step_records(machine, &aside[self.from..behind], offered, self.threads);
        machine.merge(self.threads, end);
        (self.at, self.from) = (self.at + 1, behind);
        if settle(machine, &mut run, self.log, self.threads, end, results, found) {
            self.to = self.threads.len();
            self.note(run);
        }
    }

    /// A run has been written down.
    fn note(&mut self, run: Run) {
        self.leader = None;
        self.interest = self.interest.and(run.interest);
        self.runs[self.kept] = run;
        self.kept += 1;
    }

    /// Those that follow a run are on their own from now on.
    fn part(&mut self, run: &Run) {
        let width = self.machine.width();
        let records = if self.is_aside { &mut *self.tools.scratch } else { &mut *self.threads };
        let (leader, rest) = records[self.from..].split_at_mut(width);
        for (nth, thread) in rest.chunks_exact_mut(width).take(run.followers as usize).enumerate() {
            let follower = &mut self.runs[self.at + 1 + nth];
            catch_up(self.log, thread, follower.since, leader);
            (follower.since, follower.interest) = (NONE, run.interest);
        }
        self.runs[self.at].followers = 0;
    }
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
