//! Flat threads: patterns whose automaton is a small table and whose threads remember a fixed number of events. Events in, rows out.
//!
//! The threads are those of the general evaluator, with the same rules; what differs is how they lie in memory and what they look at.
//! A thread is a record of 32-bit words (`captures`): its state, its last event, and the events that a later term or an output can still
//! read. The states are numbered beforehand (`table`). Events are rows of words in a log of their partition (`log`). Terms over numbers and
//! times are compiled to operations on words ([`crate::expr::WordTerm`]); what an event does to one thread is in `machine`. `runs` keeps the
//! threads of a partition of FROM PATTERN, an event goes over them in `sweep`, and those that go one way are one (`sharing`); `rows` keeps
//! those of MATCH_RECOGNIZE. `results` writes matches, a column at a time.
//!
//! Where every event of a match follows the one before at once, and terms read these two at most, a partition of FROM PATTERN is one of
//! `streaks`: what an event means there is a symbol (`neighbours`), the automaton over symbols is determinised (`determined`), and no thread
//! remembers anything.
//!
//! Which patterns that is: `spec::choice`. Everything here is plain data: numbers that name events, states and places.
//!
//! Memory: a thread takes `8 + 4 × (events that it remembers)` bytes, an event `40 + 8 × (columns read)` and its text (of MATCH_RECOGNIZE 16
//! more), a run 48 bytes (in `streaks` a start less than one: it is a bit of its group), a partition about 300; vectors may have twice the room that they need (`tests/flat_threads.rs`). No step allocates,
//! but where a vector of a partition grows.

mod captures;
mod compare;
mod compile;
mod determined;
mod layout;
mod log;
mod machine;
mod neighbours;
mod results;
mod rows;
mod runs;
mod sharing;
mod streaks;
mod sweep;
mod table;

use std::sync::Arc;

pub(crate) use self::log::{Arriving, Stretch};
pub(crate) use self::results::Found;

use self::log::Log;
use self::machine::Machine;
use self::results::Results;
use self::rows::{Passing, RowPartition};
use self::runs::RunPartition;
use self::streaks::Streaks;
use crate::data::{ColumnBuilder, EventBatch, Place, StateError, StateReader, StateWriter, Timestamp, Value};
use crate::pattern::automaton::Origin;
use crate::pattern::event::RowOf;
use crate::spec::{Mode, PatternSpec, Within};

/// Evaluates one pattern, for any number of partitions.
#[derive(Debug)]
pub(crate) struct FlatEvaluator {
    machine: Machine,
    results: Results,
    passing: Passing,
    /// Starts are kept in groups ([`Streaks`]).
    is_strict: bool,
    /// Where it is known that other events change nothing, wherever they come: variables of those that may, as bits.
    heeds: Option<u64>,
    /// Threads of a partition (of MATCH_RECOGNIZE: of a start) at most.
    threads_max: usize,
    found: Vec<Found>,
    scratch: Vec<u32>,
    dropped: u64,
    skips_failed: u64,
}

/// What the evaluator keeps for a partition.
#[derive(Debug)]
pub(crate) enum FlatPartition {
    /// FROM PATTERN
    Runs(RunPartitionState),
    /// MATCH_RECOGNIZE
    Rows(RowPartitionState),
    /// FROM PATTERN, every step right behind the one before
    Streaks(StreakPartitionState),
}

/// See [`FlatPartition`].
#[derive(Debug)]
pub(crate) struct StreakPartitionState(Streaks);

/// See [`FlatPartition`].
#[derive(Debug)]
pub(crate) struct RunPartitionState(RunPartition);

/// See [`FlatPartition`].
#[derive(Debug)]
pub(crate) struct RowPartitionState(RowPartition);

/// Everything that handling an event needs beside the partition.
struct Tools<'t> {
    machine: &'t Machine,
    results: &'t Results,
    threads_max: usize,
    /// What comes out.
    found: &'t mut Vec<Found>,
    /// Threads in the making.
    scratch: &'t mut Vec<u32>,
    /// Runs and threads given up at the bound.
    dropped: &'t mut u64,
    /// SKIP TO a variable that could not go anywhere.
    skips_failed: &'t mut u64,
}

crate::saved!(enum FlatPartition { 0 => Runs(partition), 1 => Rows(partition), 2 => Streaks(partition) });
crate::saved!(StreakPartitionState(partition));
crate::saved!(RunPartitionState(partition));
crate::saved!(RowPartitionState(partition));

/// Where starts in one state are stepped together: how many states there are.
pub(crate) fn states_of_starts(spec: &Arc<PatternSpec>, threads_max: usize) -> Option<usize> {
    let machine = Machine::new(spec.clone());
    machine.strict_within(threads_max).map(|strict| strict.determined.len())
}

impl FlatEvaluator {
    pub(crate) fn new(spec: Arc<PatternSpec>, threads_max: usize) -> Self {
        let machine = Machine::new(spec.clone());
        let results = Results::new(&spec, &machine);
        let passing = Passing::new(&machine);
        let is_strict = machine.strict_within(threads_max).is_some();
        let heeds = match spec.mode {
            Mode::Rows => passing.heeds(),
            Mode::OnePerStart | Mode::AllMatches => runs::heeds(&machine),
        };
        Self {
            machine,
            results,
            passing,
            is_strict,
            heeds,
            threads_max,
            found: Vec::new(),
            scratch: Vec::new(),
            dropped: 0,
            skips_failed: 0,
        }
    }

    /// For each row of each input, the variables whose unary terms hold, as bits.
    pub(crate) fn fits(&self, inputs: &[EventBatch]) -> Vec<Vec<u64>> {
        self.machine.fits(inputs)
    }

    /// Whether any event may change something in some partition.
    pub(crate) fn heeds_all(&self) -> bool {
        self.heeds.is_none()
    }

    /// Whether an event that fits these variables may change anything in some partition.
    #[inline]
    pub(crate) fn heeds(&self, fits: u64) -> bool {
        self.heeds.is_none_or(|variables| variables & fits != 0)
    }

    /// Whether an event that fits these variables can be of interest to a partition that has seen nothing.
    pub(crate) fn can_start(&self, fits: u64) -> bool {
        let can = |origin| {
            let start = self.machine.table.start(origin);
            start != table::NONE && self.machine.table.row(start).takes & fits != 0
        };
        can(Origin::FirstRow) || can(Origin::LaterRow) || !self.forgets()
    }

    /// Whether a partition without an undecided start is as good as new.
    fn forgets(&self) -> bool {
        match self.machine.spec.mode {
            Mode::Rows => self.passing.forgets(),
            Mode::OnePerStart | Mode::AllMatches => true,
        }
    }

    /// A partition of this key that has seen nothing.
    pub(crate) fn partition(&self, key: Box<[Value<'static>]>) -> FlatPartition {
        let log = Log::new(key);
        match self.machine.spec.mode {
            _ if self.is_strict => FlatPartition::Streaks(StreakPartitionState(Streaks::new(log))),
            Mode::OnePerStart | Mode::AllMatches => FlatPartition::Runs(RunPartitionState(RunPartition::new(log))),
            Mode::Rows => FlatPartition::Rows(RowPartitionState(RowPartition::new(log))),
        }
    }

    /// Writes what partitions have in common: what was dropped.
    pub(crate) fn save(&self, to: &mut StateWriter) {
        to.once(self.dropped);
        to.once(self.skips_failed);
    }

    /// Takes it in.
    pub(crate) fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let (dropped, skips_failed): (u64, u64) = from.take()?;
        self.dropped += dropped;
        self.skips_failed += skips_failed;
        Ok(())
    }

    /// Reads a partition.
    pub(crate) fn load_partition(&self, from: &mut StateReader<'_>) -> Result<FlatPartition, StateError> {
        let mut partition: FlatPartition = from.take()?;
        let layout = &self.machine.layout;
        match (&mut partition, self.machine.spec.mode) {
            (FlatPartition::Streaks(partition), _) if self.is_strict => {
                partition.0.log.move_places(layout, from)?;
                partition.0.check(&self.machine)?;
            }
            (FlatPartition::Runs(partition), Mode::OnePerStart | Mode::AllMatches) => partition.0.log.move_places(layout, from)?,
            (FlatPartition::Rows(partition), Mode::Rows) => partition.0.log.move_places(layout, from)?,
            _ => return Err(StateError::new("a partition of another kind of pattern")),
        }
        Ok(partition)
    }

    fn with_tools<T>(&mut self, act: impl FnOnce(&mut Tools<'_>) -> T) -> T {
        let Self { machine, results, threads_max, found, scratch, dropped, skips_failed, .. } = self;
        act(&mut Tools { machine, results, threads_max: *threads_max, found, scratch, dropped, skips_failed })
    }

    /// Of each kept column of words, all its words in these inputs, where none is NULL.
    pub(crate) fn words_of<'a>(&self, inputs: &'a [EventBatch]) -> Vec<Option<&'a [i64]>> {
        self.machine.layout.words_of(inputs)
    }

    /// The next event of a partition. Gives whether the partition had any use for it.
    pub(crate) fn event(&mut self, partition: &mut FlatPartition, event: &Arriving<'_>) -> bool {
        self.with_tools(|tools| match partition {
            FlatPartition::Runs(partition) => partition.0.event(event, tools),
            FlatPartition::Rows(partition) => partition.0.row(event, tools),
            FlatPartition::Streaks(partition) => partition.0.event(event, tools),
        })
    }

    /// Whether it may be given the events of a partition together ([`Self::events`]).
    pub(crate) fn takes_several(&self) -> bool {
        self.is_strict
    }

    /// The next events of a partition, which are these rows. Behind each `after` is told which row it was, how much has been found by then
    /// in all, and the first start that is undecided. The partition is not tidied in between.
    pub(crate) fn events(
        &mut self,
        partition: &mut FlatPartition,
        stretch: &Stretch<'_>,
        mut rows: &[u32],
        mut after: impl FnMut(u32, usize, Option<Place>),
    ) {
        while let Some(&first) = rows.first() {
            let done = match partition {
                FlatPartition::Streaks(streaks) => self.with_tools(|tools| streaks.0.events(stretch, rows, tools, &mut after)),
                FlatPartition::Runs(_) | FlatPartition::Rows(_) => {
                    let (row, place, fits) = (first as usize, stretch.places[first as usize], stretch.fits[first as usize]);
                    let of_row = [RowOf { input: 0, batch: stretch.batch, row }];
                    self.event(partition, &Arriving { rows: &of_row, words: stretch.words, place, fits });
                    after(first, self.found.len(), self.oldest_start(partition));
                    1
                }
            };
            rows = &rows[done..];
            self.lengthen(partition);
        }
    }

    /// Where matches get long, a partition goes on by runs.
    #[inline]
    fn lengthen(&self, partition: &mut FlatPartition) {
        if let FlatPartition::Streaks(streaks) = partition
            && streaks.0.is_long()
            && let Some(strict) = &self.machine.strict
        {
            let streaks = std::mem::replace(&mut streaks.0, Streaks::new(Log::default()));
            *partition = FlatPartition::Runs(RunPartitionState(streaks.into_runs(&self.machine, strict)));
        }
    }

    /// Reads what an event will look at: of the partition itself, or of what it holds. Gives something that depends on it.
    #[inline]
    pub(crate) fn touch(partition: &FlatPartition, depth: usize) -> usize {
        match partition {
            FlatPartition::Runs(partition) => partition.0.touch(depth),
            FlatPartition::Rows(partition) => partition.0.touch(depth),
            FlatPartition::Streaks(partition) => partition.0.touch(depth),
        }
    }

    /// A time that the oldest start of a partition waited for is over.
    pub(crate) fn time_over(&mut self, partition: &mut FlatPartition, time: Timestamp) {
        self.with_tools(|tools| match partition {
            FlatPartition::Runs(partition) => partition.0.time_over(time, tools),
            FlatPartition::Rows(partition) => partition.0.time_over(time, tools),
            FlatPartition::Streaks(partition) => partition.0.time_over(tools),
        });
    }

    /// The input is over.
    pub(crate) fn end(&mut self, partition: &mut FlatPartition) {
        self.with_tools(|tools| match partition {
            FlatPartition::Runs(partition) => partition.0.end(tools),
            FlatPartition::Rows(partition) => partition.0.end(tools),
            FlatPartition::Streaks(partition) => partition.0.end(tools),
        });
    }

    /// What has been found since the last call. It has to be written before its partition is tidied.
    pub(crate) fn found(&mut self) -> &mut Vec<Found> {
        &mut self.found
    }

    /// Appends the row of something found in a partition, an output column a builder.
    pub(crate) fn write(&self, partition: &FlatPartition, found: &Found, builders: &mut [ColumnBuilder]) {
        let log = match partition {
            FlatPartition::Runs(partition) => &partition.0.log,
            FlatPartition::Rows(partition) => &partition.0.log,
            FlatPartition::Streaks(partition) => &partition.0.log,
        };
        self.results.write(&self.machine, log, found, builders);
    }

    /// Lets go what a partition does not need any more. Gives whether nothing is undecided in it, and it can be made anew when its key
    /// comes again.
    #[inline]
    pub(crate) fn tidy(&self, partition: &mut FlatPartition) -> bool {
        match partition {
            FlatPartition::Runs(runs) => {
                runs.0.tidy(&self.machine);
                let is_empty = runs.0.is_empty();
                if is_empty && self.is_strict {
                    let log = std::mem::take(&mut runs.0.log);
                    *partition = FlatPartition::Streaks(StreakPartitionState(Streaks::new(log)));
                }
                is_empty
            }
            FlatPartition::Rows(partition) => {
                partition.0.tidy(&self.machine);
                partition.0.is_forgettable(self.passing)
            }
            FlatPartition::Streaks(streaks) => {
                streaks.0.tidy(&self.machine);
                let is_empty = streaks.0.is_empty();
                self.lengthen(partition);
                is_empty
            }
        }
    }

    /// The earliest start of a partition that is undecided.
    pub(crate) fn oldest_start(&self, partition: &FlatPartition) -> Option<Place> {
        match partition {
            FlatPartition::Runs(partition) => partition.0.oldest_start(&self.machine),
            FlatPartition::Rows(partition) => partition.0.undecided_start(&self.machine),
            FlatPartition::Streaks(partition) => partition.0.oldest_start(&self.machine),
        }
    }

    /// When WITHIN is over for a start.
    pub(crate) fn deadline(&self, start: Place) -> Option<Timestamp> {
        match self.machine.spec.within {
            Some(Within::Time(span)) => Some(start.time().saturating_add(span)),
            Some(Within::Events(_)) | None => None,
        }
    }

    /// Runs or rows, and bytes, about.
    pub(crate) fn size(&self, partition: &FlatPartition) -> (usize, usize) {
        match partition {
            FlatPartition::Runs(partition) => partition.0.size(),
            FlatPartition::Rows(partition) => partition.0.size(),
            FlatPartition::Streaks(partition) => partition.0.size(),
        }
    }

    /// How many NULLs its expressions had to make up since the last call.
    pub(crate) fn take_nulls(&self) -> u64 {
        self.machine.terms.context.take_nulls() + self.results.context().take_nulls()
    }

    /// Runs and threads given up at a bound so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}
