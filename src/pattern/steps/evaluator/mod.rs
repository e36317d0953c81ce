//! The face of the evaluator by step lists: what an event does to a partition, and the rows that come out.
//!
//! An event is offered to the steps that it fits, the last first, so that no match takes it twice. At each, the matches that wait there are
//! asked; those that it fits wait at the next step from then on, or are finished. A match that has begun is thus one record in one list
//! (with `->>`, one for each way so far), whatever else is under way.

mod skip;

use std::ops::Range;
use std::sync::Arc;

use crate::data::{ColumnBuilder, EventBatch, Place, StateError, StateReader, StateWriter, Timestamp};
use crate::expr::EvalContext;
use crate::pattern::event::{Candidate, Event, RowOf};
use crate::pattern::steps::batch::Offers;
use crate::pattern::steps::endings::{Ended, Ending, Endings};
use crate::pattern::steps::log::{Keeps, Log};
use crate::pattern::steps::partition::StepPartition;
use crate::pattern::steps::plan::{Earlier, Plan};
use crate::pattern::steps::rows::{Finished, RowWriter};
use crate::pattern::steps::view::{Events, InBatch, View};
use crate::pattern::steps::waiting::{Compared, Fitting, Question, Record, Shape};
use crate::pattern::steps::word::Bounds;
use crate::pattern::terms::Terms;
use crate::spec::{AfterMatch, Arrow, PatternSpec, VariableId, Within};

/// Evaluates one sequence of single steps, for any number of partitions.
#[derive(Debug)]
pub(crate) struct StepEvaluator {
    plan: Plan,
    /// Of each list: that of the matches that wait at step 1, at step 2, …
    shapes: Vec<Shape>,
    terms: Terms,
    writer: RowWriter,
    offers: Offers,
    /// The events that the first step has taken, the second, … The last one's are kept only where matches wait for their turn.
    logs: Vec<Log>,
    /// Where the events that the first step takes are in its log beforehand, all of the rows to come: by row, their numbers there.
    begun: Vec<u32>,
    /// The matches that are finished and not written.
    endings: Endings,
    /// How many of them the event at hand has finished.
    finished_count: usize,
    /// Matches whose turn it is, with their starts.
    ready: Vec<(Place, Box<[u32]>)>,
    scratch: Scratch,
    /// With so many events in the logs, those that nobody needs are looked for.
    collect_at: usize,
    most: usize,
    dropped: u64,
    /// The steps that take the very next event or none, as bits.
    strict: u64,
}

/// Memory that is used again for each event.
#[derive(Debug, Default)]
struct Scratch {
    bounds: Vec<Bounds>,
    found: Vec<u64>,
    events: Vec<u32>,
    rows: Vec<u32>,
    places: Vec<Place>,
    compared: Compared,
    /// Counts NULLs that are made up beforehand, and so not yet.
    beforehand: EvalContext,
}

/// An event that arrives at a partition.
#[derive(Debug)]
pub(crate) struct Arrival<'a> {
    /// Its rows, one an input that it belongs to.
    pub(crate) rows: &'a [RowOf<'a>],
    /// Where it stands.
    pub(crate) place: Place,
    /// When it is certain.
    pub(crate) moment: Place,
    /// The steps that one of the rows fits, as bits.
    pub(crate) fits: u64,
}

impl<'a> Arrival<'a> {
    fn row(&self, input: usize) -> &RowOf<'a> {
        self.rows.iter().find(|row| row.input == input).expect("an event fits steps of its inputs")
    }

    /// As the end of matches, of which there are so many then.
    fn ending(&self, plan: &Plan, until: usize) -> Ending {
        let event = plan.keeps_events().then(|| self.event());
        let row = self.row(plan.steps[plan.last()].input).row;
        Ending { place: self.place, moment: self.moment, row, until, event }
    }

    /// The event by itself, copied out of its batches.
    fn event(&self) -> Arc<Event> {
        Candidate::of_rows(self.place, 0, self.rows).event().clone()
    }

    fn in_batch(&self, step: usize, input: usize) -> InBatch<'a> {
        let row = self.row(input);
        InBatch { step, batch: row.batch, row: row.row, time: self.place.time() }
    }
}

/// By the earliest step first.
fn put_in_order<M: Ord>(matches: &mut [M]) {
    // PERF: mostly they are.
    if !matches.is_sorted() {
        matches.sort_unstable();
    }
}

/// The fewest events in the logs at which those that nobody needs are looked for.
const COLLECTED_FROM: usize = 64;
/// They are looked for again with so many times as many as were needed.
const AT_TIMES: usize = 3;

impl StepEvaluator {
    /// Of a sequence of these steps. At most so many unfinished matches wait in a partition; beyond it the oldest are dropped and counted.
    pub(crate) fn new(spec: Arc<PatternSpec>, steps: &[(VariableId, Arrow)], most: usize) -> Self {
        let terms = Terms::new(spec.clone());
        let plan = Plan::new(spec, steps);
        let shape = |at: usize| {
            let step = &plan.steps[at];
            // What follows at once or never is soon gone: it is never many.
            let finders = if step.arrow == Arrow::Strict { Vec::new() } else { step.terms.finders.clone() };
            Shape::new(at, step.terms.words.len(), finders)
        };
        Self {
            shapes: (1..plan.steps.len()).map(shape).collect(),
            writer: RowWriter::new(&plan),
            offers: Offers::new(&plan, |step| terms.unary_of(plan.steps[step].variable)),
            logs: plan
                .steps
                .iter()
                .map(|step| Log::new(&step.keeps.iter().map(|(keeps, _)| keeps.clone()).collect::<Vec<Keeps>>()))
                .collect(),
            begun: Vec::new(),
            endings: Endings::default(),
            finished_count: 0,
            ready: Vec::new(),
            scratch: Scratch::default(),
            collect_at: COLLECTED_FROM,
            most,
            dropped: 0,
            strict: (1..plan.steps.len()).filter(|step| plan.steps[*step].arrow == Arrow::Strict).fold(0, |steps, step| steps | 1 << step),
            terms,
            plan,
        }
    }

    /// Writes the events of all partitions, and what was dropped.
    pub(crate) fn save(&self, to: &mut StateWriter) {
        self.logs.iter().for_each(|log| log.save(to));
        to.put(&self.collect_at);
        to.once(self.dropped);
    }

    /// Takes them in, before partitions. Gives how many events of each step there were before: those that are new are numbered behind them.
    pub(crate) fn load(&mut self, from: &mut StateReader<'_>) -> Result<Vec<u32>, StateError> {
        let number = |log: &Log| u32::try_from(log.len()).map_err(|_| StateError::new("too many events"));
        let before = self.logs.iter().map(number).collect::<Result<Vec<u32>, _>>()?;
        for log in &mut self.logs {
            log.load(from)?;
            number(log)?;
        }
        let (collect_at, dropped): (usize, u64) = from.take()?;
        self.collect_at = self.collect_at.max(collect_at);
        self.dropped += dropped;
        Ok(before)
    }

    /// Numbers the events of a partition behind so many that there were before.
    pub(crate) fn move_behind(&self, partition: &mut StepPartition, before: &[u32]) -> Result<(), StateError> {
        partition.settle(&self.shapes, |step, event| event.saturating_add(before.get(step).copied().unwrap_or(0)))
    }

    /// A partition that has seen nothing.
    pub(crate) fn partition(&self) -> StepPartition {
        StepPartition::new(self.shapes.len())
    }

    /// Looks at the batches whose rows arrive next.
    pub(crate) fn look_at(&mut self, inputs: &[EventBatch]) {
        self.offers.look_at(&self.plan, inputs, &self.terms.context);
    }

    /// As `look_at`, where it is known which variables the rows to come fit: input, row, and the variables as bits. Rows of one input come
    /// in order.
    pub(crate) fn take(&mut self, inputs: &[EventBatch], rows: impl Iterator<Item = (usize, u32, u64)>) {
        let Self { offers, plan, terms, .. } = self;
        let steps = |variables: u64| {
            let fits = plan.steps.iter().enumerate().filter(|(_, step)| variables >> step.variable.0 & 1 == 1);
            fits.fold(0, |bits, (number, _)| bits | 1 << number)
        };
        offers.take(plan, inputs, rows.map(|(input, row, variables)| (input, row, steps(variables))), &terms.context);
    }

    /// Puts the events that the first step takes of these rows, which are all that come before the next look and in order, into its log: at
    /// once, a column at a time. What is given row by row is left.
    pub(crate) fn begin(&mut self, inputs: &[EventBatch], rows: impl Iterator<Item = (usize, u32, Place)>) {
        self.begun.clear();
        if self.offers.is_given() || self.shapes.is_empty() || self.plan.keeps_events() {
            return;
        }
        let first = &self.plan.steps[0];
        let (batch, Scratch { rows: taken, places, .. }) = (&inputs[first.input], &mut self.scratch);
        taken.clear();
        places.clear();
        for (input, row, place) in rows {
            if input == first.input && self.offers.fits(input, row as usize) & 1 == 1 {
                taken.push(row);
                places.push(place);
            }
        }
        if taken.is_empty() {
            return;
        }
        let columns = first.keeps.iter().map(|(_, side)| self.offers.column(0, *side, batch));
        let number = self.logs[0].extend(places, columns, taken);
        self.begun.resize(batch.len(), u32::MAX);
        for (row, number) in taken.iter().zip(number..) {
            self.begun[*row as usize] = number;
        }
    }

    /// The steps that a row fits, as far as it alone says, as bits.
    #[inline]
    pub(crate) fn fits(&self, input: usize, row: usize) -> u64 {
        self.offers.fits(input, row)
    }

    /// The steps that each row of the only input fits, as far as it alone says, as bits; its batch has been looked at.
    pub(crate) fn all_fits(&self) -> &[u64] {
        self.offers.all_fits(0)
    }

    /// Whether a row that fits no step matters: a match that waits for the very next event then ends.
    pub(crate) fn looks_at_all(&self) -> bool {
        self.strict != 0
    }

    /// Whether matches wait for their turn, so that rows may be certain later than they stand.
    pub(crate) fn lags(&self) -> bool {
        self.plan.in_turn
    }

    /// The earliest time at which a start is not over when this place is reached, in nanoseconds.
    pub(crate) fn earliest(&self, place: Place) -> i64 {
        let Some(Within::Time(span)) = self.plan.spec.within else { return i64::MIN };
        place.time().0.checked_sub(span.0).unwrap_or(i64::MIN)
    }

    /// When a match that starts at this time is over at the latest.
    pub(crate) fn end_of(&self, start: Timestamp) -> Option<Timestamp> {
        match self.plan.spec.within {
            Some(Within::Time(span)) => Some(start.saturating_add(span)),
            Some(Within::Events(_)) | None => None,
        }
    }

    /// Whether an event that fits these steps (as bits) does anything to a partition.
    #[inline]
    pub(crate) fn concerns(&self, partition: &StepPartition, fits: u64) -> bool {
        let waits = partition.waits();
        fits & 1 == 1 || waits != 0 && (waits & (fits | self.strict) != 0 || partition.has_more_than(self.most))
    }

    /// Reads what of a partition an event that fits these steps (as bits) will look at. Gives something that depends on it.
    #[inline]
    pub(crate) fn touch(&self, partition: &StepPartition, fits: u64) -> u64 {
        partition.touch(fits | self.strict)
    }

    /// The next event of a partition. The matches that it finishes wait to be written.
    pub(crate) fn event(&mut self, partition: &mut StepPartition, arrival: &Arrival<'_>) {
        let earliest = self.earliest(arrival.place);
        self.finished_count = 0;
        // What goes on waits at a step that has had the event already.
        let mut steps = partition.waits() & (arrival.fits | self.strict);
        while steps != 0 {
            let step = steps.ilog2() as usize;
            steps ^= 1 << step;
            if arrival.fits >> step & 1 == 1 {
                self.offer(partition, step, arrival, earliest);
            }
            if self.strict >> step & 1 == 1 {
                partition.lose(&self.shapes, step, self.plan.in_turn);
            }
        }
        if arrival.fits & 1 == 1 {
            self.start(partition, arrival, earliest);
        }
        if self.plan.in_turn && partition.turns.is_decided() {
            self.let_out(partition);
        }
        if self.finished_count > 0 {
            self.endings.push(arrival.ending(&self.plan, self.endings.len() + self.finished_count));
            if self.plan.spec.after_match == AfterMatch::Restart {
                partition.clear(&self.shapes);
            }
        }
        if partition.has_more_than(self.most) {
            self.dropped += partition.give_up(&self.shapes, earliest, self.most);
        }
    }

    /// Offers an event to the matches that wait at a step.
    fn offer(&mut self, partition: &mut StepPartition, step: usize, arrival: &Arrival<'_>, earliest: i64) {
        let Self { plan, shapes, terms, offers, logs, scratch: Scratch { bounds, found, .. }, endings, .. } = self;
        let planned = &plan.steps[step];
        let candidate = arrival.in_batch(step, planned.input);
        bounds.clear();
        for word in &planned.terms.words {
            let column = offers.column(step, word.candidate, candidate.batch);
            let Some(value) = word.kind.of_row(column, candidate.row) else { break };
            bounds.push(Bounds::of(word.op, value));
        }
        let bounds = (bounds.len() == planned.terms.words.len()).then_some(&**bounds);
        let fitting = if planned.arrow == Arrow::Any { Fitting::Stays } else { Fitting::Goes };
        let question = Question { bounds, earliest, fitting };
        let is_met = |record: Record<'_>| {
            let left = if record.is_as_written() { &planned.terms.all } else { &planned.terms.residual };
            left.is_empty() || {
                let view = View { plan, logs, events: Events::Record(record), candidate: Some(candidate) };
                left.iter().all(|term| term.is_true(&view, &terms.context))
            }
        };
        if step == plan.last() && !plan.in_turn {
            let from = endings.events.len();
            partition.ask(shapes, step, &question, is_met, |record| record.append_events(step, &mut endings.events));
            return self.finish(from, arrival);
        }
        found.clear();
        partition.ask(shapes, step, &question, is_met, |record| found.extend_from_slice(record.0));
        if found.is_empty() {
            return;
        }
        if step == plan.last() {
            self.finish_in_turn(partition, arrival, fitting);
        } else {
            self.go_on(partition, step, arrival, fitting, earliest);
        }
    }

    /// The matches that were found wait at the next step.
    fn go_on(&mut self, partition: &mut StepPartition, step: usize, arrival: &Arrival<'_>, fitting: Fitting, earliest: i64) {
        let event = self.log(step, arrival);
        let found = std::mem::take(&mut self.scratch.found);
        let stride = self.shapes[step - 1].stride();
        let records = || found.chunks_exact(stride).map(Record);
        if self.plan.in_turn && fitting == Fitting::Stays {
            records().for_each(|record| partition.turns.more(record.event(0)));
        }
        for record in records() {
            self.scratch.events.clear();
            record.append_events(step, &mut self.scratch.events);
            self.scratch.events.push(event);
            if self.compare(step + 1, step, arrival) {
                // What the event alone says is the same for all of them.
                let matches = records().map(|record| record.behind(event));
                partition.push(&self.shapes, step + 1, matches, &self.scratch.compared, earliest);
                break;
            }
            partition.push(&self.shapes, step + 1, std::iter::once(record.behind(event)), &self.scratch.compared, earliest);
        }
        self.scratch.found = found;
    }

    /// Works out what the terms of a step compare of the match of the events in `scratch.events`, of which the last, of this step, has just
    /// arrived. Gives whether they compare that one alone.
    fn compare(&mut self, step: usize, last: usize, arrival: &Arrival<'_>) -> bool {
        let Self { plan, logs, scratch, offers, .. } = self;
        let Scratch { events, compared, beforehand, .. } = scratch;
        compared.clear();
        let mut is_last_alone = true;
        for word in &plan.steps[step].terms.words {
            match &word.earlier {
                Earlier::Logged { step, column } if *step == last && last > 0 && plan.reads_later => {
                    let (row, side) = (arrival.row(plan.steps[last].input), plan.steps[last].keeps[*column].1);
                    compared.push(word.kind.of_row(offers.column(last, side, row.batch), row.row));
                }
                Earlier::Logged { step, column } => {
                    compared.push(logs[*step].key(*column, events[*step]));
                    is_last_alone &= *step == last;
                }
                Earlier::Computed(expr) => {
                    let view = View { plan, logs, events: Events::Numbers(events), candidate: None };
                    compared.push(word.kind.of_value(&expr.eval(&view, beforehand)));
                    if beforehand.take_nulls() > 0 {
                        compared.evaluate_as_written();
                    }
                    is_last_alone = false;
                }
            }
        }
        is_last_alone
    }

    /// The event begins a match.
    fn start(&mut self, partition: &mut StepPartition, arrival: &Arrival<'_>, earliest: i64) {
        if self.shapes.is_empty() {
            return self.start_and_finish(partition, arrival);
        }
        let event = match self.begun.get(arrival.row(self.plan.steps[0].input).row) {
            Some(event) => *event,
            None => self.log(0, arrival),
        };
        self.scratch.events.clear();
        self.scratch.events.push(event);
        if self.plan.in_turn {
            partition.turns.begin(event, arrival.place);
        }
        self.compare(1, 0, arrival);
        let began = [arrival.place.time().0.cast_unsigned(), 0];
        partition.push(&self.shapes, 1, std::iter::once(Record(&began).behind(event)), &self.scratch.compared, earliest);
    }

    /// A match of one event.
    fn start_and_finish(&mut self, partition: &mut StepPartition, arrival: &Arrival<'_>) {
        if !self.is_accepted(&[], arrival) {
            return;
        }
        if self.plan.in_turn {
            let event = self.log(0, arrival);
            partition.turns.begin(event, arrival.place);
            partition.turns.matched(event, &[event]);
        } else {
            self.finished_count += 1;
        }
    }

    /// The matches that stand in `endings` from there on are finished: they are put in order, and asked whether they are matches (HAVING).
    fn finish(&mut self, from: usize, arrival: &Arrival<'_>) {
        let width = self.plan.last();
        let events = &mut self.endings.events[from..];
        self.finished_count = events.len() / width;
        match width {
            1 => put_in_order(events.as_chunks_mut::<1>().0),
            2 => put_in_order(events.as_chunks_mut::<2>().0),
            3 => put_in_order(events.as_chunks_mut::<3>().0),
            _ => {
                let mut matches: Vec<&[u32]> = events.chunks_exact(width).collect();
                put_in_order(&mut matches);
                let matches = matches.concat();
                events.copy_from_slice(&matches);
            }
        }
        if self.plan.spec.having.is_some() && self.finished_count > 0 {
            let found = self.endings.events.split_off(from);
            let accepted = found.chunks_exact(width).filter(|events| self.is_accepted(events, arrival)).flatten().copied();
            let accepted: Vec<u32> = accepted.collect();
            self.finished_count = accepted.len() / width;
            self.endings.events.extend(accepted);
        }
    }

    /// Whether HAVING lets through the match of these events and the one at hand.
    fn is_accepted(&self, events: &[u32], arrival: &Arrival<'_>) -> bool {
        if self.plan.spec.having.is_none() {
            return true;
        }
        let end = arrival.ending(&self.plan, 1);
        let batch = arrival.row(self.plan.steps[self.plan.last()].input).batch;
        let last = Some(Ended::new(&self.plan, std::slice::from_ref(&end), batch, 0));
        let found = Finished { events, count: 1, width: self.plan.last(), last };
        self.writer.accepts(&self.plan, &self.logs, found, &self.terms.context)
    }

    /// Puts an event into the log of a step.
    fn log(&mut self, step: usize, arrival: &Arrival<'_>) -> u32 {
        let planned = &self.plan.steps[step];
        let row = arrival.row(planned.input);
        if step > 0 && self.plan.reads_later {
            return self.logs[step].push_unread(arrival.place, row.row);
        }
        let event = self.plan.keeps_events().then(|| arrival.event());
        let columns = planned.keeps.iter().map(|(_, side)| self.offers.column(step, *side, row.batch));
        self.logs[step].push(arrival.place, columns, row.row, event.as_ref())
    }

    /// Reads what is still to be kept of events that lie in these batches.
    pub(crate) fn read_events(&mut self, inputs: &[EventBatch]) {
        if self.plan.reads_later {
            for (number, (step, log)) in self.plan.steps.iter().zip(&mut self.logs).enumerate() {
                log.read(step.keeps.iter().map(|(_, side)| self.offers.column(number, *side, &inputs[step.input])));
            }
        }
    }

    /// How many finished matches are to be written.
    pub(crate) fn unwritten(&self) -> usize {
        self.endings.len()
    }

    /// Of each event that has finished some of them its place and moment, and how many those are.
    pub(crate) fn unwritten_of_events(&self) -> impl ExactSizeIterator<Item = (Place, Place, usize)> + Clone {
        self.endings.stands()
    }

    /// Appends the rows of those that some of the events have finished, which lie in these batches.
    pub(crate) fn write(&self, events: Range<usize>, inputs: &[EventBatch], out: &mut [ColumnBuilder]) {
        let last = self.plan.last();
        let (ended, numbers) = self.endings.part(&self.plan, events, &inputs[self.plan.steps[last].input]);
        let found = Finished { events: numbers, count: ended.count(), width: last, last: Some(ended) };
        self.writer.write(&self.plan, &self.logs, found, out, &self.terms.context);
    }

    /// All of them have been written.
    pub(crate) fn forget_written(&mut self) {
        self.endings.clear();
    }

    /// Forgets what of a partition is over.
    pub(crate) fn purge(&self, partition: &mut StepPartition, earliest: i64) {
        partition.keep(&self.shapes, |record| record.start() >= earliest);
    }

    /// Whether it is worth looking for events that nobody needs: each event pays for a constant number of events and partitions.
    pub(crate) fn should_collect(&self, partitions: usize) -> bool {
        self.logs.iter().map(Log::len).sum::<usize>() >= self.collect_at.max(partitions)
    }

    /// Drops the events that no match of these partitions (which are all) needs.
    pub(crate) fn collect<'p>(&mut self, partitions: impl Iterator<Item = &'p mut StepPartition>, earliest: i64) {
        let mut needed: Vec<Vec<bool>> = self.logs.iter().map(|log| vec![false; log.len()]).collect();
        let mut kept: Vec<&mut StepPartition> = Vec::new();
        for partition in partitions.filter(|partition| !partition.is_empty()) {
            partition.keep_needed(&self.shapes, earliest, |step, event| needed[step][event as usize] = true);
            kept.push(partition);
        }
        let numbers: Vec<Vec<u32>> = self.logs.iter_mut().zip(&needed).map(|(log, needed)| log.keep(needed)).collect();
        for partition in kept {
            partition.renumber(&self.shapes, |step, event| numbers[step][event as usize]);
        }
        // The next look is at so many times as many, so that each event pays for a constant number of them.
        self.collect_at = COLLECTED_FROM.max(AT_TIMES * self.logs.iter().map(Log::len).sum::<usize>());
    }

    /// How many NULLs its expressions had to make up since the last call.
    pub(crate) fn take_nulls(&self) -> u64 {
        self.terms.context.take_nulls() + self.writer.take_nulls()
    }

    /// Matches given up at the bound so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes of the events that are kept, about.
    pub(crate) fn bytes(&self) -> usize {
        self.logs.iter().map(Log::bytes).sum()
    }
}
