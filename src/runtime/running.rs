//! A running program: bytes, batches and time in; rows, bad events and counters out.
//!
//! At every moment: events that came in = processed + late + unrouted + bad. An event of several streams is late where all of its rows were.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::clock::Clock;
use super::decoders::Decoders;
use super::departures::Departures;
use super::ended::Ended;
use super::error::RunError;
use super::fault::{Panic, guarded};
use super::limits::Limits;
use super::lines::{Lines, Piece, Start, Taken};
use super::metrics::{OperatorMetrics, RunMetrics, SourceMetrics};
use super::pipeline::Pipeline;
use super::profile::{Profile, Profiled};
use super::shards::Workers;
use super::tables::{TableSource, Tables};
use super::view::View;
use crate::codec::json::JsonDecoder;
use crate::codec::{BadCause, BadEvent, ChunkStart, CsvDecoder, Decoded};
use crate::data::{Arrivals, Column, Duration, Place, Timestamp};
use crate::operators::{Released, Reorder, StepTaken, Watch, WatchOrder};

/// Batches of fewer lines are cut before they are decoded.
const FEW_LINES: usize = 1024;

/// How a program is run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How many lines are handled in one go.
    pub batch_size: usize,
    /// How many bytes a line may have.
    pub max_line: usize,
    /// The first bad event ends the run.
    pub strict: bool,
    /// How many threads decode lines of JSON, and run operators that can be cut by their keys.
    pub threads: usize,
    /// Fewer rows than these are not handed over to other threads.
    pub hand_over_from: usize,
    /// The caps.
    pub limits: Limits,
    /// The arrival clock.
    pub clock: Arc<dyn Clock>,
}

/// A running program.
#[derive(Debug)]
pub struct Running {
    pub(super) options: RunOptions,
    pub(super) workers: Workers,
    pub(super) intake: Intake,
    pub(super) pipeline: Pipeline,
    pub(super) tables: Tables,
    pub(super) lines: Lines,
    /// Nothing where lines are decoded where they come.
    pub(super) decoders: Option<Box<Decoders>>,
    pub(super) departures: VecDeque<Departures>,
    pub(super) rows_out: u64,
    /// Of each output, how many rows have been taken.
    pub(super) taken: Vec<u64>,
    pub(super) forced: u64,
    pub(super) is_finished: bool,
    /// After an error that leaves no sound state every call gives it again.
    pub(super) failed: Option<RunError>,
    /// Who is shown what goes to the operators, where somebody asks.
    pub(super) watch: Option<Box<dyn WatchOrder>>,
}

/// Everything in front of the operators.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) decoder: JsonDecoder,
    pub(super) csv: CsvDecoder,
    pub(super) decoded: Decoded,
    pub(super) reorder: Reorder,
    pub(super) bad: VecDeque<BadEvent>,
    pub(super) bad_counts: BTreeMap<BadCause, u64>,
    pub(super) bad_not_kept: u64,
    pub(super) values_pushed: u64,
}

impl Running {
    /// A program that has had no event. `decoders` are others of the same streams, where lines are decoded on several threads.
    pub(super) fn new(
        decoder: JsonDecoder,
        decoders: Option<Decoders>,
        reorder: Reorder,
        pipeline: Pipeline,
        tables: Tables,
        (options, workers): (RunOptions, Workers),
    ) -> Self {
        let intake = Intake {
            decoded: decoder.decoded(),
            csv: CsvDecoder::new(super::assemble::line_limits(&options)),
            decoder,
            reorder,
            bad: VecDeque::new(),
            bad_counts: BTreeMap::new(),
            bad_not_kept: 0,
            values_pushed: 0,
        };
        let lines = Lines::new(options.max_line);
        let taken = vec![0; pipeline.exits()];
        Self {
            options,
            workers,
            intake,
            pipeline,
            tables,
            lines,
            decoders: decoders.map(Box::new),
            departures: VecDeque::new(),
            rows_out: 0,
            taken,
            forced: 0,
            is_finished: false,
            failed: None,
            watch: None,
        }
    }

    /// Lets whoever asks put operators in the places of those that are there. To be asked for before the first event.
    pub fn watch(&mut self, operators: &mut dyn Watch) {
        self.pipeline.watch(operators);
    }

    /// Measures from now on what each operator costs, by the arrival clock.
    pub fn profile(&mut self) {
        self.pipeline.profile = Some(Box::new(Profile::new(self.options.clock.clone(), self.pipeline.stages.len())));
    }

    /// What each operator has cost, if that is measured.
    pub fn profiled(&self) -> Option<&Profiled> {
        self.pipeline.profile.as_ref().map(|profile| profile.so_far())
    }

    /// Shows all that goes to the operators, and what is late. To be asked for before the first event.
    pub fn show(&mut self, to: Box<dyn WatchOrder>) {
        self.intake.reorder.show_all();
        self.watch = Some(to);
    }

    /// How many events have been read, whatever they were; and how many of them had a stream.
    pub fn read(&self) -> (u64, u64) {
        (self.intake.decoded.events, self.intake.decoded.next_number)
    }

    /// Takes bytes of JSON lines, cut anywhere.
    pub fn push_bytes(&mut self, chunk: &[u8]) -> Result<(), RunError> {
        self.check_sound()?;
        if let Some(mut decoders) = self.decoders.take() {
            let pushed = self.push_apart(&mut decoders, chunk);
            if pushed.is_err() {
                decoders.forget();
            }
            self.decoders = Some(decoders);
            return pushed;
        }
        let mut lines = std::mem::replace(&mut self.lines, Lines::new(0));
        let taken = lines.push(chunk, &mut |start, piece| self.take_piece(start, &piece));
        self.lines = lines;
        taken
    }

    /// The end of one input of several: its last line may lack an end, and the next one counts its lines from 1.
    pub fn end_input(&mut self) -> Result<(), RunError> {
        self.check_open()?;
        let mut lines = std::mem::replace(&mut self.lines, Lines::new(0));
        let taken = lines.finish(&mut |start, piece| self.take_piece(start, &piece));
        self.lines = lines;
        if !self.intake.csv.has_begun() {
            return taken;
        }
        let clock = self.look_at_clock();
        self.intake.csv.finish(self.intake.decoder.specs(), clock, &mut self.intake.decoded);
        taken.and(self.take_decoded(clock))
    }

    /// Takes bytes of comma-separated values, cut anywhere; the first record after the beginning, or after [`Running::end_input`], is a header.
    pub fn push_csv(&mut self, mut chunk: &[u8]) -> Result<(), RunError> {
        self.check_open()?;
        let most = if self.options.strict { 1 } else { self.options.batch_size };
        while !chunk.is_empty() {
            let clock = self.look_at_clock();
            let used = self.intake.csv.decode(self.intake.decoder.specs(), chunk, most, clock, &mut self.intake.decoded);
            chunk = &chunk[used..];
            self.take_decoded(clock)?;
        }
        Ok(())
    }

    /// The header line of the comma-separated values at hand.
    pub fn csv_header(&self) -> Option<&[u8]> {
        self.intake.csv.header()
    }

    /// Takes one event as JSON text; it does not touch an unfinished line.
    pub fn push_value(&mut self, json: &[u8]) -> Result<(), RunError> {
        self.check_open()?;
        self.intake.values_pushed += 1;
        let start = Start { line: self.intake.values_pushed, offset: 0 };
        self.take_whole(start, json)
    }

    /// Takes rows of one source; `times` are their event times, or the arrival clock's where there are none.
    pub fn push_columns(
        &mut self,
        source: usize,
        columns: Vec<Column>,
        times: Option<Vec<Timestamp>>,
        rows: usize,
    ) -> Result<(), RunError> {
        self.check_open()?;
        let clock = self.look_at_clock();
        let times = times.unwrap_or_else(|| vec![clock; rows]);
        let first = self.intake.decoded.next_number;
        self.intake.decoded.next_number += rows as u64;
        self.intake.decoded.events += rows as u64;
        let numbers = (first..first + rows as u64).collect();
        self.intake.reorder.push_to(source, Arrivals { columns, times, numbers }, clock);
        self.release()
    }

    /// Counts rows that came as columns and are no good.
    pub fn push_bad(&mut self, bad: Vec<BadEvent>) -> Result<(), RunError> {
        self.check_open()?;
        let first = bad.first().cloned();
        self.intake.decoded.events += bad.len() as u64;
        bad.into_iter().for_each(|bad| self.intake.keep_bad(bad, &self.options));
        match first {
            Some(bad) if self.options.strict => Err(RunError::Bad(Box::new(bad))),
            _ => Ok(()),
        }
    }

    /// Moves the watermark to at least this time.
    pub fn advance_watermark(&mut self, to: Timestamp) -> Result<(), RunError> {
        self.check_open()?;
        self.intake.reorder.advance_watermark(to);
        self.release()
    }

    /// Looks at the clock without an event: silent streams may become idle.
    pub fn tick(&mut self) -> Result<(), RunError> {
        self.check_open()?;
        let clock = self.look_at_clock();
        self.intake.reorder.advance_clock(clock);
        self.release()
    }

    /// For so long (by the arrival clock) nothing could be read: silent streams do not become idle for that.
    pub fn excuse(&mut self, pause: Duration) {
        match &mut self.decoders {
            Some(decoders) if !decoders.is_idle() => decoders.excuse(pause),
            _ => self.intake.reorder.excuse(pause),
        }
    }

    /// The end of all input. Calling it again changes nothing.
    pub fn finish(&mut self) -> Result<(), RunError> {
        if self.is_finished {
            return Ok(());
        }
        self.end_input()?;
        self.check_memory(self.intake.reorder.wants_at_end())?;
        self.is_finished = true;
        if let Some(events) = self.pipeline.ledger.next_round() {
            self.intake.reorder.let_go(events);
        }
        let released = self.intake.reorder.finish();
        self.depart(released)?;
        self.release()
    }

    /// Whether the end of input has been told.
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Does something to the program. Where that panics outside of all operators, no statement alone is to blame: nothing can go on.
    pub fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, RunError>) -> Result<T, RunError> {
        guarded(|| work(self)).unwrap_or_else(|payload| {
            let error = RunError::Bug(format!("a panic: {}", Panic::of(&*payload)));
            self.failed = Some(error.clone());
            Err(error)
        })
    }

    /// The statements that have ended while others go on, in the order of their ends.
    pub fn ended(&self) -> &[Ended] {
        self.pipeline.ended()
    }

    /// The statement of an operator, and what `stats` calls the operator.
    pub fn operator(&self, operator: usize) -> (Option<usize>, &str) {
        (self.pipeline.statement_of(operator), self.pipeline.name_of(operator))
    }

    /// Whether all statements have ended before the input.
    pub fn is_over(&self) -> bool {
        self.pipeline.is_over()
    }

    /// Whether all outputs have reached their LIMITs.
    pub fn is_done(&self) -> bool {
        self.pipeline.is_done()
    }

    /// The rows that have become certain since the last call, in order.
    pub fn take_departures(&mut self) -> VecDeque<Departures> {
        for (output, rows) in self.departures.iter().flat_map(|gone| &gone.batches) {
            self.taken[*output] += rows.len() as u64;
        }
        std::mem::take(&mut self.departures)
    }

    /// Of each output, how many rows have been taken so far.
    pub fn taken(&self) -> &[u64] {
        &self.taken
    }

    /// The bad events since the last call; beyond a cap they are only counted.
    pub fn take_bad(&mut self) -> VecDeque<BadEvent> {
        std::mem::take(&mut self.intake.bad)
    }

    /// For each pattern, by the number of its node: its steps, and how often each took an event; where that is counted.
    pub fn steps_taken(&self) -> impl Iterator<Item = (usize, Vec<StepTaken>)> {
        self.pipeline.steps_taken()
    }

    /// All counters.
    pub fn metrics(&self) -> RunMetrics {
        let specs = self.intake.decoder.specs();
        let streams = self.intake.reorder.stats();
        let operators = self.pipeline.report();
        let operators = operators.map(|(name, counts, held, shards)| OperatorMetrics { name: name.to_owned(), counts, held, shards });
        let operators: Vec<OperatorMetrics> = operators.collect();
        RunMetrics {
            events: self.intake.decoded.events,
            late: self.intake.reorder.late_events(),
            unrouted: self.intake.decoded.unrouted,
            bad: self.intake.bad_counts.iter().map(|(cause, count)| (*cause, *count)).collect(),
            bad_not_kept: self.intake.bad_not_kept,
            rows_out: self.rows_out,
            forced: self.forced,
            eval_nulls: self.intake.decoded.eval_nulls + operators.iter().map(|o| o.counts.eval_nulls).sum::<u64>(),
            watermark: self.intake.reorder.frontier(),
            held_back_by: self.intake.reorder.held_back_by().map(|source| specs[source].name.clone()),
            held_back_since: self.intake.reorder.held_back_since(),
            clock: self.intake.reorder.clock(),
            several_types: self.intake.decoder.several_types().map(|(a, b)| (a.to_owned(), b.to_owned())),
            sources: specs.iter().zip(streams).map(|(spec, stats)| SourceMetrics { name: spec.name.clone(), stats }).collect(),
            operators,
            threads: self.options.threads,
            shared: self.pipeline.shared(),
            memory: self.pipeline.memory(),
        }
    }

    /// The time of arrival: a clock that goes back stands still, else events without a time of their own would be late.
    pub(super) fn look_at_clock(&self) -> Timestamp {
        let now = self.options.clock.now();
        self.intake.reorder.clock().map_or(now, |before| before.max(now))
    }

    /// Loads the reference tables again: what comes from now on is looked up in the new loads. Where a file is no good, all stay as they are.
    pub fn reload_tables(&mut self) -> Result<(), RunError> {
        self.catch_up()?;
        self.tables.load().map_err(RunError::Table)
    }

    /// Whether the file of a table looks different from when it was read last.
    pub fn tables_have_changed(&self) -> bool {
        self.tables.have_changed()
    }

    /// The reference tables.
    pub fn tables(&self) -> &[TableSource] {
        self.tables.sources()
    }

    /// The views, and the place as of which they show their rows.
    pub fn views(&self) -> (impl Iterator<Item = &View>, Place) {
        (self.pipeline.views(), self.pipeline.shown())
    }

    /// Whether something may be pushed; what is pushed finds the tables loaded, and what was pushed before taken up.
    fn check_open(&mut self) -> Result<(), RunError> {
        self.check_sound()?;
        self.catch_up()
    }

    fn check_sound(&mut self) -> Result<(), RunError> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None if self.is_finished => Err(RunError::Finished),
            None => self.tables.load_once().map_err(RunError::Table),
        }
    }

    /// Takes lines in one batch.
    pub(super) fn take_whole(&mut self, start: Start, lines: &[u8]) -> Result<(), RunError> {
        let clock = self.look_at_clock();
        self.take_lines(ChunkStart { line: start.line, offset: start.offset, clock }, lines)
    }

    /// Takes the first lines of a piece, as many as go in one batch.
    pub(super) fn take_piece(&mut self, start: Start, piece: &Piece<'_>) -> Result<Taken, RunError> {
        let clock = self.look_at_clock();
        let taken = self.intake.decode(start, piece, &self.options, clock);
        // The event of a line that came in pieces goes on with those of the lines behind it, where there may be many.
        let is_apart = self.options.strict || self.options.batch_size < FEW_LINES || !matches!(piece, Piece::Seam(_));
        if is_apart {
            self.take_decoded(clock)?;
        }
        Ok(taken)
    }

    /// Takes whole lines that came at this time of the arrival clock.
    pub(super) fn take_lines(&mut self, start: ChunkStart, lines: &[u8]) -> Result<(), RunError> {
        self.intake.decoder.decode(lines, start, &mut self.intake.decoded);
        self.take_decoded(start.clock)
    }

    /// What has been decoded goes on: rows toward the operators, bad events to where they are kept.
    fn take_decoded(&mut self, clock: Timestamp) -> Result<(), RunError> {
        let arrivals = self.intake.decoded.take_rows();
        self.take_arrivals(arrivals, clock)
    }

    /// Rows that have been decoded, with the bad events among them.
    pub(super) fn take_arrivals(&mut self, arrivals: Vec<Arrivals>, clock: Timestamp) -> Result<(), RunError> {
        let bad = self.intake.settle_bad(&self.options);
        let rows = arrivals.iter().map(|of_source| of_source.times.len()).sum();
        self.check_memory(self.intake.reorder.wants(rows))?;
        self.intake.reorder.push(arrivals, clock);
        self.release()?;
        match bad {
            Some(bad) if self.options.strict => Err(RunError::Bad(Box::new(bad))),
            _ => Ok(()),
        }
    }

    fn release(&mut self) -> Result<(), RunError> {
        // Events that wait are memory that no operator knows of.
        self.check_memory(self.intake.reorder.wants(0))?;
        while self.intake.reorder.has_news() {
            if let Some(events) = self.pipeline.ledger.next_round() {
                self.intake.reorder.let_go(events);
            }
            let released = self.intake.reorder.release();
            self.depart(released)?;
        }
        Ok(())
    }

    fn check_memory(&mut self, wanted: usize) -> Result<(), RunError> {
        self.pipeline.check_memory(wanted).inspect_err(|error| self.failed = Some(error.clone()))
    }

    fn depart(&mut self, released: Released) -> Result<(), RunError> {
        self.forced += released.forced;
        self.intake.count_ahead(&released.ahead, &self.options);
        if let Some(watch) = &mut self.watch {
            watch.released(&released, self.intake.reorder.take_noted());
        }
        let gone = if self.intake.reorder.position() >= Place::POSITION_MAX - u64::from(u32::MAX) {
            Err(RunError::Full { what: "events of one run".to_owned(), limit: usize::MAX >> 22 })
        } else {
            self.pipeline.advance(released, self.intake.decoded.events)
        };
        let departures = gone.inspect_err(|error| self.failed = Some(error.clone()))?;
        self.rows_out += departures.len() as u64;
        if !departures.is_empty() {
            self.departures.push_back(departures);
        }
        Ok(())
    }
}

impl Intake {
    fn decode(&mut self, start: Start, piece: &Piece<'_>, options: &RunOptions, clock: Timestamp) -> Taken {
        // In strict mode nothing behind the first bad line may have an effect.
        let most = if options.strict { 1 } else { options.batch_size.max(1) };
        match piece {
            Piece::Lines(bytes) | Piece::Seam(bytes) => {
                let start = ChunkStart { line: start.line, offset: start.offset, clock };
                // The decoder looks at all that it is given: of few lines it is given no more than those.
                let bytes = if most < FEW_LINES { &bytes[..Taken::most_of(bytes, most).bytes] } else { bytes };
                let (lines, bytes) = self.decoder.decode_some(bytes, most, start, &mut self.decoded);
                Taken { lines, bytes }
            }
            Piece::TooLong { length, head } => {
                let limits = super::assemble::line_limits(options);
                self.decoded.add_bad(BadEvent::too_long(start.line, start.offset, *length, head.to_vec(), limits));
                Taken { lines: 1, bytes: 0 }
            }
        }
    }

    /// Keeps what was bad in what has been decoded; gives the first of it back.
    fn settle_bad(&mut self, options: &RunOptions) -> Option<BadEvent> {
        let bad = std::mem::take(&mut self.decoded.bad);
        let first = bad.first().cloned();
        for bad in bad {
            self.keep_bad(bad, options);
        }
        first
    }

    fn keep_bad(&mut self, bad: BadEvent, options: &RunOptions) {
        *self.bad_counts.entry(bad.cause).or_default() += 1;
        if self.bad.len() < options.limits.kept_bad_events {
            self.bad.push_back(bad);
        } else {
            self.bad_not_kept += 1;
        }
    }

    /// Rows that came as columns and lie too far ahead of the arrival clock (the decoder refuses lines of that kind itself).
    fn count_ahead(&mut self, ahead: &[Arrivals], options: &RunOptions) {
        for (source, arrivals) in ahead.iter().enumerate() {
            for (time, number) in arrivals.times.iter().zip(&arrivals.numbers) {
                let name = &self.decoder.specs()[source].name;
                let detail = format!("event {number} of {name}, pushed as a row, has the time {time}, too far ahead of the arrival clock");
                let bad = BadEvent { line: *number, offset: 0, cause: BadCause::AheadOfClock, detail, bytes: Vec::new() };
                self.keep_bad(bad, options);
            }
        }
    }
}
