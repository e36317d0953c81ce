//! The face of the pattern evaluator: partitions in, rows and alarms out.

use std::sync::Arc;

use super::event::{Candidate, RowOf};
use super::outputs::{OutputRow, Outputs};
use super::rows::{Reach, RowPartition, RowTools};
use super::runs::{Alarm, Bounds, Emitted, Partition, Tools};
use super::thread::Matcher;
use super::variables::VariableSet;
use crate::data::{Allowance, EventBatch, Place, StateError, StateReader, StateWriter, Timestamp};
use crate::expr::aggregates::bring_calls;
use crate::spec::{Mode, PatternSpec, VariableId};

/// Evaluates one pattern, for any number of partitions.
#[derive(Debug)]
pub(crate) struct Evaluator {
    matcher: Matcher,
    outputs: Outputs,
    reach: Reach,
    bounds: Bounds,
    rows: Vec<OutputRow>,
    alarms: Vec<Alarm>,
    dropped: u64,
    skips_failed: u64,
}

/// What the evaluator keeps for a partition.
#[derive(Debug)]
pub(crate) enum PartitionState {
    /// FROM PATTERN
    Runs(Partition),
    /// MATCH_RECOGNIZE
    Rows {
        partition: RowPartition,
        /// The start that an alarm has been asked for.
        scheduled: Option<Place>,
    },
}

crate::saved!(enum PartitionState { 0 => Runs(partition), 1 => Rows { partition, scheduled } });

/// An event whose rows lie in batches, with the verdicts of the unary terms on them.
#[derive(Debug)]
pub(crate) struct FromBatches<'a> {
    pub(crate) rows: &'a [RowOf<'a>],
    pub(crate) verdicts: Verdicts<'a>,
    pub(crate) place: Place,
}

/// For which variables the unary terms hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verdicts<'a> {
    /// For each variable, by the row of its input.
    Masks(&'a [Vec<bool>]),
    /// For the event, the variables as bits.
    Fits(u64),
}

impl Evaluator {
    pub(crate) fn new(spec: Arc<PatternSpec>, bounds: Bounds) -> Self {
        let matcher = Matcher::new(spec.clone());
        let reach = Reach::new(&matcher);
        Self { matcher, outputs: Outputs::new(spec), reach, bounds, rows: Vec::new(), alarms: Vec::new(), dropped: 0, skips_failed: 0 }
    }

    /// What the process may take from now on.
    pub(crate) fn allow(&mut self, allowance: Allowance) {
        self.bounds.allowance = allowance;
    }

    /// Writes what partitions have in common: the continuations that their threads name, and what was dropped.
    pub(crate) fn save(&self, to: &mut StateWriter) {
        self.matcher.automaton.save(to);
        to.once(self.dropped);
        to.once(self.skips_failed);
    }

    /// Takes it in, before any partition.
    pub(crate) fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let calls = self.matcher.spec().slots.iter().filter_map(|slot| slot.kind.aggregate()?.function.as_custom().cloned());
        bring_calls(from, calls);
        self.matcher.automaton.load(from)?;
        let (dropped, skips_failed): (u64, u64) = from.take()?;
        self.dropped += dropped;
        self.skips_failed += skips_failed;
        Ok(())
    }

    /// A partition that has seen nothing.
    pub(crate) fn partition(&self) -> PartitionState {
        match self.matcher.spec().mode {
            Mode::OnePerStart | Mode::AllMatches => PartitionState::Runs(Partition::default()),
            Mode::Rows => PartitionState::Rows { partition: RowPartition::default(), scheduled: None },
        }
    }

    /// For each variable, the rows for which its unary terms hold.
    pub(crate) fn masks(&self, inputs: &[EventBatch]) -> Vec<Vec<bool>> {
        self.matcher.terms.masks(inputs)
    }

    /// The next event of a partition.
    pub(crate) fn event(&mut self, partition: &mut PartitionState, event: &FromBatches<'_>) {
        let fits = self.fits(event);
        match partition {
            PartitionState::Runs(partition) => {
                let candidate = Candidate::of_rows(event.place, partition.next_index(), event.rows);
                self.on_runs(partition, |partition, tools| partition.event(&candidate, &fits, tools));
                let forgotten = partition.forgotten_at(&self.matcher);
                self.alarms.extend(forgotten.map(|time| (time, event.place)));
            }
            PartitionState::Rows { partition, scheduled } => {
                let candidate = Candidate::of_rows(event.place, partition.next_number(), event.rows);
                let row = candidate.event().clone();
                self.on_rows(partition, scheduled, |partition, tools| partition.row(row, fits, tools));
            }
        }
    }

    /// A time that a partition asked for is over.
    pub(crate) fn time_over(&mut self, partition: &mut PartitionState, alarm: Alarm) {
        match partition {
            PartitionState::Runs(partition) => {
                self.on_runs(partition, |partition, tools| partition.time_over(alarm, tools));
                partition.forget(alarm.0, &self.matcher);
            }
            PartitionState::Rows { partition, scheduled } => {
                if partition.undecided_start() == Some(alarm.1) {
                    self.on_rows(partition, scheduled, |partition, tools| partition.time_over(alarm.0, tools));
                }
            }
        }
    }

    /// The input is over.
    pub(crate) fn end(&mut self, partition: &mut PartitionState) {
        match partition {
            PartitionState::Runs(partition) => self.on_runs(partition, |partition, tools| partition.end(tools)),
            PartitionState::Rows { partition, scheduled } => self.on_rows(partition, scheduled, |partition, tools| partition.end(tools)),
        }
    }

    /// Whether a partition can be made anew when its key comes again.
    pub(crate) fn is_forgettable(&self, partition: &PartitionState) -> bool {
        match partition {
            PartitionState::Runs(partition) => partition.is_forgettable(),
            PartitionState::Rows { partition, .. } => partition.is_forgettable(&self.matcher, self.reach),
        }
    }

    /// The rows that have come out since the last call.
    pub(crate) fn take_rows(&mut self) -> Vec<OutputRow> {
        std::mem::take(&mut self.rows)
    }

    /// The alarms that have been asked for since the last call.
    pub(crate) fn take_alarms(&mut self) -> Vec<Alarm> {
        std::mem::take(&mut self.alarms)
    }

    /// How many NULLs its expressions had to make up since the last call.
    pub(crate) fn take_nulls(&self) -> u64 {
        self.matcher.terms.context.take_nulls() + self.outputs.context().take_nulls()
    }

    /// Rows or runs of a partition, and bytes, about.
    pub(crate) fn size(&self, partition: &PartitionState) -> (usize, usize) {
        let a_thread = self.matcher.bytes_a_thread();
        match partition {
            PartitionState::Runs(partition) => partition.size_in_bytes(a_thread),
            PartitionState::Rows { partition, .. } => {
                let (rows, threads) = partition.size();
                (rows, partition.kept.bytes() + threads * a_thread)
            }
        }
    }

    /// How often each variable of the pattern has taken an event, in any run, finished or not.
    pub(crate) fn taken(&self) -> &[u64] {
        &self.matcher.taken
    }

    /// How often that was its first in a row.
    pub(crate) fn reached(&self) -> &[u64] {
        &self.matcher.reached
    }

    /// A partition is given up at a bound.
    pub(crate) fn count_dropped(&mut self) {
        self.dropped += 1;
    }

    /// Runs, threads and partitions given up at a bound so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The variables whose unary terms hold for an event.
    fn fits(&self, event: &FromBatches<'_>) -> VariableSet {
        let masks = match event.verdicts {
            Verdicts::Masks(masks) => masks,
            Verdicts::Fits(bits) => return VariableSet::of_bits(bits),
        };
        let numbered = (0..).map(VariableId).zip(masks);
        let holds = |(variable, mask): &(VariableId, &Vec<bool>)| {
            let input = self.matcher.terms.input_of(*variable);
            event.rows.iter().any(|row| row.input == input && mask[row.row])
        };
        numbered.filter(holds).map(|(variable, _)| variable).collect()
    }

    fn on_runs(&mut self, partition: &mut Partition, act: impl FnOnce(&mut Partition, &mut Tools<'_>)) {
        let mut emitted: Vec<Emitted> = Vec::new();
        let mut tools = Tools {
            matcher: &mut self.matcher,
            having: &self.outputs,
            bounds: self.bounds,
            out: &mut emitted,
            alarms: &mut self.alarms,
            dropped: &mut self.dropped,
            skips_failed: &mut self.skips_failed,
        };
        act(partition, &mut tools);
        for e in emitted {
            self.rows.push(self.outputs.of_run(&e));
            self.bounds.look(self.rows.len() - 1, self.rows.len());
        }
    }

    fn on_rows(
        &mut self,
        partition: &mut RowPartition,
        scheduled: &mut Option<Place>,
        act: impl FnOnce(&mut RowPartition, &mut RowTools<'_>),
    ) {
        let Self { matcher, outputs, reach, bounds, rows, alarms, dropped, skips_failed } = self;
        let mut tools = RowTools {
            matcher,
            reach: *reach,
            bounds: *bounds,
            dropped,
            skips_failed,
            on_decided: &mut |decided, kept, ended| {
                let found = outputs.of_start(decided, kept, ended);
                let is_known = found.is_some();
                rows.extend(found.into_iter().flatten());
                is_known
            },
        };
        act(partition, &mut tools);
        let deadline = partition.deadline(matcher);
        if let Some((time, start)) = deadline.filter(|(_, start)| *scheduled != Some(*start)) {
            *scheduled = Some(start);
            alarms.push((time, start));
        }
    }
}

impl PartitionState {
    /// The earliest start that is undecided.
    pub(crate) fn oldest_start(&self) -> Option<Place> {
        match self {
            Self::Runs(partition) => partition.oldest_start(),
            Self::Rows { partition, .. } => partition.undecided_start(),
        }
    }

    /// The start that was begun last and is undecided.
    pub(crate) fn newest_start(&self) -> Option<Place> {
        match self {
            Self::Runs(partition) => partition.newest_start(),
            Self::Rows { partition, .. } => partition.undecided_start(),
        }
    }

    /// Whether this start is still undecided.
    pub(crate) fn is_undecided(&self, start: Place) -> bool {
        match self {
            Self::Runs(partition) => partition.has_run(start),
            Self::Rows { partition, .. } => partition.undecided_start() == Some(start),
        }
    }
}

impl Partition {
    /// When what a `!B` at the start looks back at is out of reach.
    fn forgotten_at(&self, matcher: &Matcher) -> Option<Timestamp> {
        let reach = matcher.looks_back.iter().map(|(_, reach)| *reach).try_fold(None, |most, reach| {
            let reach = reach?;
            Some(Some(most.map_or(reach, |m: crate::data::Duration| m.max(reach))))
        })??;
        self.newest_looked_at().map(|time| time.saturating_add(reach))
    }
}
