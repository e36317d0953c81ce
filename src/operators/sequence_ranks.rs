//! Sequences that rank columns evaluate: only rows that fit a step are looked at, and of those only what has a start is kept.
//!
//! A partition goes when all that it holds is over. It is looked at once in each WITHIN, in turn, so that keys that never come again cost
//! nothing for ever.

use std::collections::VecDeque;
use std::sync::Arc;

use super::{Held, Operator, Outbox};
use crate::data::{Entry, Inbox, KeyBuffer, KeyTable, Phase, Place, StateError, StateReader, StateWriter, Timestamp, Value};
use crate::expr::{EvalContext, Row, SlotId};
use crate::pattern::{Fits, RankEvaluator, RankPartition, RowOf};
use crate::spec::{PatternSpec, VariableId, Within};

/// Matches a sequence of `->>` with unary terms.
#[derive(Debug)]
pub struct RankSequence {
    spec: Arc<PatternSpec>,
    evaluator: RankEvaluator,
    /// Whether there are keys.
    is_keyed: bool,
    keys: KeyTable,
    key: KeyBuffer,
    /// By the number of the key.
    partitions: Vec<Option<RankPartition>>,
    /// When to look whether a partition is over: each partition stands here once, if there is a WITHIN.
    visits: VecDeque<(Timestamp, u32)>,
    context: EvalContext,
}

impl RankSequence {
    /// The operator of a sequence of these steps. A partition holds at most `events_max` events; beyond it the oldest are dropped and counted.
    pub fn new(spec: impl Into<Arc<PatternSpec>>, steps: Vec<VariableId>, events_max: usize) -> Self {
        let spec = spec.into();
        Self {
            evaluator: RankEvaluator::new(spec.clone(), steps, events_max),
            is_keyed: spec.partition.by_input.iter().any(|exprs| !exprs.is_empty()),
            keys: KeyTable::new(),
            key: KeyBuffer::new(),
            partitions: Vec::new(),
            visits: VecDeque::new(),
            context: EvalContext::new(),
            spec,
        }
    }

    /// A row that is an event by itself.
    fn row(&mut self, row: &RowOf<'_>, fits: &Fits, place: Place, moment: Place, out: &mut Outbox) {
        let Some(id) = self.partition_of(row, fits) else { return };
        for at in 0..self.evaluator.steps_of(row.input).len() {
            let step = self.evaluator.steps_of(row.input)[at];
            if fits.holds(row.row, step) && self.step(id, step, row, (place, moment), out) {
                break;
            }
        }
        self.drop_empty(id);
    }

    /// An event that has rows in several inputs; each row goes to the partition of its own key.
    fn rows(&mut self, rows: &[RowOf<'_>], fits: &[Fits], place: Place, moment: Place, out: &mut Outbox) {
        let ids: Vec<Option<u32>> = rows.iter().map(|row| self.partition_of(row, &fits[row.input])).collect();
        let of_row = |(row, id): (usize, &Option<u32>)| {
            let steps = self.evaluator.steps_of(rows[row].input).iter().filter(|step| fits[rows[row].input].holds(rows[row].row, **step));
            id.map(|id| steps.map(move |&step| (step, row, id)).collect::<Vec<_>>())
        };
        let mut steps: Vec<(usize, usize, u32)> = ids.iter().enumerate().filter_map(of_row).flatten().collect();
        steps.sort_by_key(|&(step, ..)| std::cmp::Reverse(step));
        let mut restarted = None;
        for (step, row, id) in steps {
            if restarted != Some(id) && self.step(id, step, &rows[row], (place, moment), out) {
                restarted = Some(id);
            }
        }
        ids.into_iter().flatten().for_each(|id| self.drop_empty(id));
    }

    /// An event of a partition takes a step, if it is reached. Gives whether the partition begins anew for it.
    fn step(&mut self, id: u32, step: usize, row: &RowOf<'_>, (place, moment): (Place, Place), out: &mut Outbox) -> bool {
        let earliest = self.evaluator.earliest(place);
        let Some(partition) = self.partitions[id as usize].as_mut() else { return false };
        if !self.evaluator.is_reached(partition, step, earliest) {
            return false;
        }
        let evaluator = &mut self.evaluator;
        if !evaluator.is_last(step) {
            evaluator.keep(partition, step, row, place, earliest);
            return false;
        }
        let rows = out.rows(0, place, moment, |builders| evaluator.finish(partition, (row, place), earliest, builders));
        let restarts = rows > 0 && evaluator.restarts();
        if restarts {
            partition.clear();
        }
        restarts
    }

    /// The number of the partition of a row, if it has one or may begin one.
    fn partition_of(&mut self, row: &RowOf<'_>, fits: &Fits) -> Option<u32> {
        if !fits.any(row.row) {
            return None;
        }
        // Without a start there is nothing that another step could follow.
        let may_begin = fits.holds(row.row, 0);
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
            self.visits.extend(self.next_visit(row.batch.time(row.row)).map(|time| (time, id)));
        }
        Some(id)
    }

    fn key_of(&mut self, row: &RowOf<'_>, may_begin: bool) -> Option<u32> {
        let exprs = self.spec.partition.by_input.get(row.input).map_or(&[][..], |e| e);
        let view = BatchRow(row);
        let mut has_null = false;
        let values = exprs.iter().map(|expr| expr.eval(&view, &self.context)).inspect(|value| has_null |= value.is_null());
        let key = self.key.encode(values);
        if self.spec.partition.null_takes_no_part && has_null {
            return None;
        }
        if may_begin { Some(self.keys.intern(key)) } else { self.keys.get(key) }
    }

    fn next_visit(&self, now: Timestamp) -> Option<Timestamp> {
        match self.spec.within {
            Some(Within::Time(span)) => Some(now.saturating_add(span)),
            Some(Within::Events(_)) | None => None,
        }
    }

    /// Without WITHIN nothing is over by time alone, and an empty partition goes at once.
    fn drop_empty(&mut self, id: u32) {
        if self.spec.within.is_none() && self.partitions[id as usize].as_ref().is_some_and(RankPartition::is_empty) {
            self.forget(id);
        }
    }

    fn forget(&mut self, id: u32) {
        self.partitions[id as usize] = None;
        if self.is_keyed {
            self.keys.remove(id);
        }
    }

    /// Looks at the partitions whose turn it is.
    fn visit(&mut self, watermark: Place) {
        let earliest = self.evaluator.earliest(watermark);
        while let Some(&(time, id)) = self.visits.front()
            && time < watermark.time()
        {
            self.visits.pop_front();
            let Some(partition) = self.partitions[id as usize].as_mut() else { continue };
            partition.expire(earliest);
            if partition.is_empty() {
                self.forget(id);
            } else {
                self.visits.extend(self.next_visit(watermark.time()).map(|time| (time, id)));
            }
        }
    }
}

impl Operator for RankSequence {
    fn advance_given(&mut self, inbox: &Inbox, fits: &[u64], out: &mut Outbox) {
        let mut rows: Vec<(RowOf<'_>, Fits)> = Vec::new();
        for (index, (entry, variables)) in inbox.entries.iter().zip(fits).enumerate() {
            let Entry::Row { input, row, place, moment, .. } = *entry else { continue };
            let row = RowOf { input: input.into(), batch: &inbox.inputs[usize::from(input)], row: row as usize };
            rows.push((row, self.evaluator.fits_of(*variables)));
            let next = inbox.entries.get(index + 1);
            if matches!(next, Some(Entry::Row { place: next, .. }) if *next == place && place.is_source()) {
                continue;
            }
            if let [(row, fits)] = rows.as_slice() {
                self.row(row, fits, place, moment, out);
            } else {
                let mut fits: Vec<Fits> = inbox.inputs.iter().map(|_| Fits::default()).collect();
                let group: Vec<RowOf<'_>> = rows.iter().map(|(row, _)| *row).collect();
                rows.drain(..).for_each(|(row, of_row)| fits[row.input] = of_row);
                self.rows(&group, &fits, place, moment, out);
            }
            rows.clear();
        }
        self.visit(inbox.watermark);
    }

    /// Only what is over is forgotten then.
    fn wakes_at(&self) -> Place {
        self.visits.front().map_or(Place::MAX, |(time, _)| Place::bound(*time, Phase::After))
    }

    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let fits = if inbox.entries.is_empty() { Vec::new() } else { self.evaluator.fits(&inbox.inputs) };
        let mut group: Vec<RowOf<'_>> = Vec::new();
        let mut entries = inbox.entries.iter().peekable();
        while let Some(entry) = entries.next() {
            let Entry::Row { input, row, place, moment, .. } = *entry else { continue };
            let row = RowOf { input: input.into(), batch: &inbox.inputs[usize::from(input)], row: row as usize };
            let goes_on = matches!(entries.peek(), Some(Entry::Row { place: next, .. }) if *next == place && place.is_source());
            if goes_on || !group.is_empty() {
                group.push(row);
                if !goes_on {
                    self.rows(&group, &fits, place, moment, out);
                    group.clear();
                }
            } else {
                self.row(&row, &fits[row.input], place, moment, out);
            }
        }
        self.visit(inbox.watermark);
    }

    fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls() + self.evaluator.take_nulls()
    }

    fn keys(&self) -> usize {
        if self.is_keyed { self.keys.len() } else { self.partitions.iter().flatten().count() }
    }

    fn forget_idle(&mut self, at: Place) {
        let earliest = self.evaluator.earliest(at);
        for (time, id) in std::mem::take(&mut self.visits) {
            let Some(partition) = self.partitions.get_mut(id as usize).and_then(Option::as_mut) else { continue };
            partition.expire(earliest);
            if partition.is_empty() {
                self.forget(id);
            } else {
                self.visits.push_back((time, id));
            }
        }
    }

    fn held(&self) -> Held {
        let sizes = self.partitions.iter().flatten().map(RankPartition::size);
        let (rows, bytes) = sizes.fold((0, 0), |(rows, bytes), (r, b)| (rows + r, bytes + b));
        let visits = self.visits.capacity() * size_of::<(Timestamp, u32)>();
        let keys = self.partitions.iter().flatten().count();
        Held { keys, rows, bytes: bytes + self.keys.bytes() + visits, dropped: self.evaluator.dropped() }
    }

    fn save(&self, to: &mut StateWriter) {
        to.once(self.evaluator.dropped());
        let kept = to.keys(&self.keys);
        if self.is_keyed {
            kept.ids().for_each(|id| to.put(self.partitions.get(id as usize).unwrap_or(&None)));
        } else if to.range().has_unkeyed() {
            to.put(self.partitions.first().unwrap_or(&None));
        } else {
            to.put(&None::<RankPartition>);
        }
        let is_kept = |id: u32| if self.is_keyed { kept.has(id) } else { to.range().has_unkeyed() };
        let visits: Vec<(Timestamp, u32)> = self.visits.iter().copied().filter(|(_, id)| is_kept(*id)).collect();
        to.put(&visits);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.evaluator.add_dropped(from.take()?);
        let ids = from.keys(&mut self.keys)?;
        self.partitions.resize_with(self.keys.capacity().max(usize::from(!self.is_keyed)), || None);
        if self.is_keyed {
            for (_, id) in ids.pairs() {
                self.partitions[id as usize] = from.take()?;
            }
        } else {
            let only: Option<RankPartition> = from.take()?;
            self.partitions[0] = only.or(self.partitions[0].take());
        }
        for (time, written) in from.take::<Vec<(Timestamp, u32)>>()? {
            self.visits.push_back((time, if self.is_keyed { ids.get(written)? } else { 0 }));
        }
        self.visits.make_contiguous().sort_by_key(|(time, _)| *time);
        Ok(())
    }
}

/// The columns of a row.
struct BatchRow<'a>(&'a RowOf<'a>);

impl Row for BatchRow<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        self.0.batch.value(slot.0 as usize, self.0.row)
    }
}
