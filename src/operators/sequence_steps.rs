//! Sequences that step lists evaluate: only rows that fit a step are looked at, and of those only what has a start is kept.
//!
//! A partition goes when all that it holds is over. It is looked at once in each WITHIN, in turn, so that keys that never come again cost
//! nothing for ever. Where matches wait for their turn (SKIP), all starts stand in one queue: the time of each is over in that order, and the
//! first of them is what the operator holds back.

use std::collections::VecDeque;
use std::sync::Arc;

use super::codes::Codes;
use super::memory::fit_queue;
use super::{Held, Operator, Outbox};
use crate::data::{Column, Entry, EventBatch, Inbox, KeyBuffer, KeyTable, Phase, Place, StateError, StateReader, StateWriter, Timestamp};
use crate::expr::{BatchRow, EvalContext};
use crate::pattern::{Arrival, RowOf, StepEvaluator, StepPartition};
use crate::spec::{Arrow, PatternSpec, VariableId};

/// For so many rows at once it is read beforehand what they will look at, where there are more than a few partitions.
const AHEAD: usize = 32;
const FEW: usize = 512;

/// Matches a sequence of single steps.
#[derive(Debug)]
pub struct StepSequence {
    spec: Arc<PatternSpec>,
    evaluator: StepEvaluator,
    /// Whether there are keys.
    is_keyed: bool,
    keys: KeyTable,
    key: KeyBuffer,
    /// The column of an input that is its key, where the key is one column.
    key_columns: Vec<Option<usize>>,
    /// Of such a column, what is known of its codes.
    codes: Vec<Codes>,
    /// By the number of the key.
    partitions: Vec<Option<StepPartition>>,
    /// When to look whether a partition is over: each partition stands here once, if there is a WITHIN.
    visits: VecDeque<(Timestamp, u32)>,
    /// Starts in order, where they are decided in turn; some have been decided.
    starts: VecDeque<(Place, u32)>,
    /// The most partitions at one time since the events that nobody needs were dropped.
    most_partitions: usize,
    /// The least place held back, as last said.
    held_from: Place,
    /// It may be another by now.
    may_hold_less: bool,
    /// The partitions of the rows that come next, with the steps that the rows fit: kept for its memory alone.
    ahead: Vec<(u32, u64)>,
    context: EvalContext,
}

impl StepSequence {
    /// The operator of a sequence of these steps. At most so many unfinished matches wait in a partition; beyond it the oldest are dropped
    /// and counted.
    pub fn new(spec: impl Into<Arc<PatternSpec>>, steps: &[(VariableId, Arrow)], most: usize) -> Self {
        let spec = spec.into();
        Self {
            evaluator: StepEvaluator::new(spec.clone(), steps, most),
            is_keyed: spec.partition.by_input.iter().any(|exprs| !exprs.is_empty()),
            keys: KeyTable::new(),
            key: KeyBuffer::new(),
            key_columns: (0..spec.inputs.len()).map(|input| key_column(&spec, input)).collect(),
            codes: spec.inputs.iter().map(|_| Codes::default()).collect(),
            partitions: Vec::new(),
            visits: VecDeque::new(),
            starts: VecDeque::new(),
            most_partitions: 0,
            held_from: Place::MAX,
            may_hold_less: false,
            ahead: Vec::new(),
            context: EvalContext::new(),
            spec,
        }
    }

    /// An event: its rows in the inputs that it belongs to. Rows of one event mostly have one key; where they differ, each key's partition
    /// gets the rows that have it.
    fn event(&mut self, rows: &[RowOf<'_>], place: Place, moment: Place, out: &mut Outbox) {
        let fits = rows.iter().fold(0, |fits, row| fits | self.evaluator.fits(row.input, row.row));
        let may_begin = fits & 1 == 1;
        if let [row] = rows {
            if let Some(id) = self.partition_of(row, may_begin) {
                self.event_of_key(id, rows, fits, (place, moment), out);
            }
            return;
        }
        let ids: Vec<Option<u32>> = rows.iter().map(|row| self.partition_of(row, may_begin)).collect();
        for (first, id) in ids.iter().enumerate() {
            let Some(id) = id.filter(|id| !ids[..first].contains(&Some(*id))) else { continue };
            let of_key: Vec<RowOf<'_>> = rows.iter().zip(&ids).filter(|(_, of)| **of == Some(id)).map(|(row, _)| *row).collect();
            let fits = of_key.iter().fold(0, |fits, row| fits | self.evaluator.fits(row.input, row.row));
            self.event_of_key(id, &of_key, fits, (place, moment), out);
        }
    }

    fn event_of_key(&mut self, id: u32, rows: &[RowOf<'_>], fits: u64, (place, moment): (Place, Place), out: &mut Outbox) {
        let Some(partition) = &mut self.partitions[id as usize] else { return };
        let arrival = Arrival { rows, place, fits };
        self.evaluator.event(partition, &arrival);
        let finished = self.evaluator.finished_count();
        if finished > 0 {
            let evaluator = &self.evaluator;
            out.rows(0, place, moment, |builders| {
                evaluator.write_finished(&arrival, builders);
                finished
            });
        }
        if self.evaluator.lags() {
            // What is held back is the first start, so only what happens to that one, or a first one, changes it.
            self.may_hold_less |= self.starts.front().is_none_or(|(_, first)| *first == id);
            if fits & 1 == 1 {
                self.starts.push_back((place, id));
            }
            self.put_out(moment, out);
        }
        self.drop_empty(id);
    }

    /// The number of the partition of a row, if it has one or may begin one.
    fn partition_of(&mut self, row: &RowOf<'_>, may_begin: bool) -> Option<u32> {
        let id = if self.is_keyed { self.key_of(row, may_begin)? } else { 0 };
        let index = id as usize;
        if self.partitions.len() <= index {
            self.partitions.resize_with(index + 1, || None);
        }
        if self.partitions[index].is_none() {
            if !may_begin {
                return None;
            }
            self.partitions[index] = Some(self.evaluator.partition());
            self.visits.extend(self.evaluator.end_of(row.batch.time(row.row)).map(|time| (time, id)));
        }
        Some(id)
    }

    /// The number of the key of a row. One that comes as a code is looked up once a text.
    fn key_of(&mut self, row: &RowOf<'_>, may_begin: bool) -> Option<u32> {
        let code = match self.key_columns[row.input].map(|column| &row.batch.columns()[column]) {
            Some(Column::Coded(texts)) if !texts.is_null(row.row) => texts.codes().value(row.row),
            Some(Column::Coded(_)) | None => return self.look_up(row, may_begin),
            Some(_) => {
                // What is the key of nothing yet may become a key behind the codes' back.
                self.codes[row.input] = Codes::default();
                return self.look_up(row, may_begin);
            }
        };
        let known = &self.codes[row.input];
        // Where keys come from several inputs, another one may have made a key of what was none.
        if known.has_no_group(code) && !may_begin && self.codes.len() == 1 {
            return None;
        }
        if let Some(id) = known.group(code) {
            return Some(id);
        }
        let id = self.look_up(row, may_begin);
        match id {
            Some(id) => self.codes[row.input].note(code, id),
            None => self.codes[row.input].note_none(code),
        }
        id
    }

    /// Reads what the next rows will look at, all rows at each depth before the next: partitions lie anywhere in memory, and to wait for many
    /// of them at once takes little longer than to wait for one.
    fn touch(&mut self, entries: &[Entry], inbox: &Inbox) {
        self.ahead.clear();
        for entry in entries {
            let Entry::Row { input, row, .. } = *entry else { continue };
            let (input, row) = (usize::from(input), row as usize);
            let fits = self.evaluator.fits(input, row);
            if fits != 0
                && let Some(Column::Coded(texts)) = self.key_columns[input].map(|column| &inbox.inputs[input].columns()[column])
                && let Some(id) = self.codes[input].group(texts.codes().value(row))
            {
                self.ahead.push((id, fits));
            }
        }
        let partition = |id: u32| self.partitions.get(id as usize).and_then(Option::as_ref);
        for depth in 0..3 {
            let touched = self.ahead.iter().filter_map(|&(id, fits)| Some(partition(id)?.touch(depth, fits)));
            std::hint::black_box(touched.fold(0usize, usize::wrapping_add));
        }
    }

    fn look_up(&mut self, row: &RowOf<'_>, may_begin: bool) -> Option<u32> {
        let exprs = self.spec.partition.by_input.get(row.input).map_or(&[][..], |e| e);
        let view = BatchRow { batch: row.batch, row: row.row };
        let mut has_null = false;
        let values = exprs.iter().map(|expr| expr.eval(&view, &self.context)).inspect(|value| has_null |= value.is_null());
        let key = self.key.encode(values);
        if self.spec.partition.null_takes_no_part && has_null {
            return None;
        }
        if may_begin { Some(self.keys.intern(key)) } else { self.keys.get(key) }
    }

    /// From now on codes are those of these batches.
    fn turn_to(&mut self, inputs: &[EventBatch]) {
        for ((batch, column), codes) in inputs.iter().zip(&self.key_columns).zip(&mut self.codes) {
            if let Some(column) = column
                && let Column::Coded(texts) = &batch.columns()[*column]
            {
                codes.turn_to(texts.dictionary());
            }
        }
    }

    /// Puts out the matches whose turn it is.
    fn put_out(&mut self, moment: Place, out: &mut Outbox) {
        if !self.evaluator.is_any_ready() {
            return;
        }
        self.evaluator.let_ready_go(|start, place, write| {
            out.turn(start);
            out.rows(0, place, moment, |builders| {
                write(builders);
                1
            });
        });
        out.end_turn();
    }

    /// Lets times be over that end before this place, where matches wait for their turn. What one time makes certain in several partitions
    /// comes out in the order of the starts.
    fn pass_time(&mut self, until: Place, floor: Place, out: &mut Outbox) {
        while let Some(time) = self.starts.front().and_then(|(start, _)| self.evaluator.end_of(start.time())) {
            if Place::behind(time) >= until {
                return;
            }
            let over = Place::bound(time, Phase::After);
            while let Some(&(start, id)) = self.starts.front()
                && self.evaluator.end_of(start.time()) == Some(time)
            {
                self.starts.pop_front();
                let Some(partition) = self.partitions.get_mut(id as usize).and_then(Option::as_mut) else { continue };
                if partition.has_turn(start) {
                    self.evaluator.expire(partition, start);
                }
            }
            let moment = over.max(floor);
            self.put_out(moment, out);
            self.report(moment, out);
        }
    }

    /// Says what is held back.
    fn report(&mut self, moment: Place, out: &mut Outbox) {
        let least = self.least_held();
        out.hold_back(&mut self.held_from, least, moment);
    }

    /// The first start that has not had its turn.
    fn least_held(&mut self) -> Place {
        let has_turn = |&(start, id): &(Place, u32)| {
            self.partitions.get(id as usize).and_then(Option::as_ref).is_some_and(|partition| partition.has_turn(start))
        };
        while self.starts.front().is_some_and(|first| !has_turn(first)) {
            self.starts.pop_front();
        }
        self.starts.front().map_or(Place::MAX, |(start, _)| *start)
    }

    /// Without WITHIN nothing is over by time alone, and an empty partition goes at once.
    fn drop_empty(&mut self, id: u32) {
        if self.spec.within.is_none() && self.partitions[id as usize].as_ref().is_some_and(StepPartition::is_empty) {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: u32) {
        self.partitions[id as usize] = None;
        if self.is_keyed {
            self.keys.remove(id);
            self.keys.fit(&mut self.partitions);
            for codes in &mut self.codes {
                codes.forget(id);
                codes.fit(self.partitions.len());
            }
        }
    }

    /// Looks at the partitions whose turn it is, and now and then for events that nobody needs.
    fn visit(&mut self, watermark: Place) {
        let earliest = self.evaluator.earliest(watermark);
        while let Some(&(time, id)) = self.visits.front()
            && time < watermark.time()
        {
            self.visits.pop_front();
            fit_queue(&mut self.visits);
            let Some(partition) = self.partitions.get_mut(id as usize).and_then(Option::as_mut) else { continue };
            self.evaluator.purge(partition, earliest);
            if partition.is_empty() {
                self.forget(id);
            } else {
                self.visits.extend(self.evaluator.end_of(watermark.time()).map(|time| (time, id)));
            }
        }
        // Where most partitions have gone, their events have too.
        self.most_partitions = self.most_partitions.max(self.partitions.len());
        if self.evaluator.should_collect(self.partitions.len()) || self.most_partitions > 64 + 4 * self.partitions.len() {
            self.evaluator.collect(self.partitions.iter_mut().flatten(), earliest);
            self.most_partitions = self.partitions.len();
        }
    }

    /// The input is over: matches that waited come out, in the order of their starts.
    fn end(&mut self, out: &mut Outbox) {
        let ids = (0u32..).zip(&self.partitions);
        let mut open: Vec<(Place, u32)> = ids.filter_map(|(id, p)| Some((p.as_ref()?.first_turn()?, id))).collect();
        open.sort_unstable();
        for (_, id) in open {
            if let Some(partition) = &mut self.partitions[id as usize] {
                self.evaluator.end(partition);
            }
        }
        self.put_out(Place::MAX, out);
        self.report(Place::MAX, out);
    }
}

impl StepSequence {
    /// The rows and watermarks of an inbox, whose batches have been looked at.
    fn take(&mut self, inbox: &Inbox, out: &mut Outbox) {
        if !inbox.entries.is_empty() {
            self.turn_to(&inbox.inputs);
        }
        let is_worth_touching = self.is_keyed && self.partitions.len() > FEW;
        let rows = inbox.entries.iter().filter_map(|entry| match *entry {
            Entry::Row { input, row, place, .. } => Some((usize::from(input), row, place)),
            Entry::Watermark(_) => None,
        });
        // PERF: where each row is of another partition, that is waited for, and a second look at all rows costs more than it saves.
        self.evaluator.begin(&inbox.inputs, rows.take(if is_worth_touching { 0 } else { usize::MAX }));
        let (looks_at_all, lags) = (self.evaluator.looks_at_all(), self.evaluator.lags());
        let mut rows: Vec<RowOf<'_>> = Vec::new();
        for (number, entry) in inbox.entries.iter().enumerate() {
            if is_worth_touching && number.is_multiple_of(AHEAD) {
                self.touch(&inbox.entries[number..inbox.entries.len().min(number + AHEAD)], inbox);
            }
            let Entry::Row { input, row, place, moment, floor } = *entry else {
                if let (Entry::Watermark(step), true) = (entry, lags) {
                    self.pass_time(step.watermark, step.moment, out);
                }
                continue;
            };
            let next = inbox.entries.get(number + 1);
            let goes_on = matches!(next, Some(Entry::Row { place: next, .. }) if *next == place && place.is_source());
            let matters = looks_at_all || self.evaluator.fits(input.into(), row as usize) != 0;
            if matters {
                rows.push(RowOf { input: input.into(), batch: &inbox.inputs[usize::from(input)], row: row as usize });
            }
            if goes_on {
                continue;
            }
            if lags {
                self.pass_time(place, floor, out);
            }
            if !rows.is_empty() {
                self.event(&rows, place, moment, out);
                rows.clear();
            }
            if std::mem::take(&mut self.may_hold_less) {
                self.report(moment, out);
            }
        }
        if lags {
            self.pass_time(inbox.watermark, inbox.floor, out);
            if inbox.watermark == Place::MAX {
                self.end(out);
            }
        }
        self.visit(inbox.watermark);
    }
}

impl Operator for StepSequence {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        if !inbox.entries.is_empty() {
            self.evaluator.look_at(&inbox.inputs);
        }
        self.take(inbox, out);
    }

    fn advance_given(&mut self, inbox: &Inbox, fits: &[u64], out: &mut Outbox) {
        let row_of = |(entry, fits): (&Entry, &u64)| match entry {
            Entry::Row { input, row, .. } => Some((usize::from(*input), *row, *fits)),
            Entry::Watermark(_) => None,
        };
        self.evaluator.take(&inbox.inputs, inbox.entries.iter().zip(fits).filter_map(row_of));
        self.take(inbox, out);
    }

    fn wakes_at(&self) -> Place {
        let turn = self.starts.front().and_then(|(start, _)| self.evaluator.end_of(start.time()));
        let visit = self.visits.front().map(|(time, _)| *time);
        turn.into_iter().chain(visit).min().map_or(Place::MAX, |time| Place::bound(time, Phase::After))
    }

    fn held_from(&self) -> Place {
        self.held_from
    }

    fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls() + self.evaluator.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        self.evaluator.save(to);
        let kept = to.keys(&self.keys);
        let has_unkeyed = to.range().has_unkeyed();
        let is_kept = |id: u32| if self.is_keyed { kept.has(id) } else { has_unkeyed };
        let partitions = (0u32..).zip(&self.partitions).filter(|(id, partition)| partition.is_some() && is_kept(*id));
        let partitions: Vec<(u32, &StepPartition)> = partitions.filter_map(|(id, partition)| Some((id, partition.as_ref()?))).collect();
        to.number(partitions.len() as u64);
        for (id, partition) in partitions {
            to.put(&id);
            to.put(partition);
        }
        to.put(&self.visits.iter().copied().filter(|(_, id)| is_kept(*id)).collect::<Vec<_>>());
        to.put(&self.starts.iter().copied().filter(|(_, id)| is_kept(*id)).collect::<Vec<_>>());
        to.put(&self.held_from);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let before = self.evaluator.load(from)?;
        let ids = from.keys(&mut self.keys)?;
        let is_keyed = self.is_keyed;
        let now = |written: u32| if is_keyed { ids.get(written) } else { Ok(0) };
        self.partitions.resize_with(self.keys.capacity().max(usize::from(!is_keyed)), || None);
        for _ in 0..from.length()? {
            let id = now(from.take()?)?;
            let mut partition: StepPartition = from.take()?;
            self.evaluator.move_behind(&mut partition, &before)?;
            self.partitions[id as usize] = Some(partition);
        }
        for (time, id) in from.take::<Vec<(Timestamp, u32)>>()? {
            self.visits.push_back((time, now(id)?));
        }
        self.visits.make_contiguous().sort_by_key(|(time, _)| *time);
        for (place, id) in from.take::<Vec<(Place, u32)>>()? {
            self.starts.push_back((place, now(id)?));
        }
        self.starts.make_contiguous().sort_by_key(|(place, _)| *place);
        let _: Place = from.take()?;
        // Each part has the events of all.
        if before.iter().any(|events| *events > 0) {
            self.evaluator.collect(self.partitions.iter_mut().flatten(), i64::MIN);
        }
        // Of a state that was cut by keys, each part has what all parts had told together.
        self.held_from = self.least_held();
        Ok(())
    }

    fn keys(&self) -> usize {
        if self.is_keyed { self.keys.len() } else { self.partitions.iter().flatten().count() }
    }

    fn forget_idle(&mut self, at: Place) {
        let earliest = self.evaluator.earliest(at);
        for (time, id) in std::mem::take(&mut self.visits) {
            let Some(partition) = self.partitions.get_mut(id as usize).and_then(Option::as_mut) else { continue };
            self.evaluator.purge(partition, earliest);
            if partition.is_empty() {
                self.forget(id);
            } else {
                self.visits.push_back((time, id));
            }
        }
    }

    fn held(&self) -> Held {
        let sizes = self.partitions.iter().flatten().map(StepPartition::size);
        let (rows, bytes) = sizes.fold((0, 0), |(rows, bytes), (r, b)| (rows + r, bytes + b));
        let queues = self.visits.capacity() * size_of::<(Timestamp, u32)>() + self.starts.capacity() * size_of::<(Place, u32)>();
        let places = self.partitions.capacity() * size_of::<Option<StepPartition>>();
        let keys = self.partitions.iter().flatten().count();
        let places = places + self.codes.iter().map(Codes::bytes).sum::<usize>();
        let bytes = bytes + self.evaluator.bytes() + self.keys.bytes() + queues + places;
        Held { keys, rows, bytes, dropped: self.evaluator.dropped() }
    }
}

/// The column that is the key of an input, where the key is one column.
fn key_column(spec: &PatternSpec, input: usize) -> Option<usize> {
    match spec.partition.by_input.get(input)?.as_slice() {
        [key] => key.as_slot().map(|slot| slot.0 as usize),
        _ => None,
    }
}
