//! Sequences that rank columns evaluate: only rows that fit a step are looked at, and of those only what has a start is kept.

use std::sync::Arc;

use super::partitions::Partitions;
use super::{Held, Operator, Outbox, Plain};
use crate::data::{Entry, Inbox, Phase, Place, StateError, StateReader, StateWriter};
use crate::pattern::{Fits, RankEvaluator, RankPartition, RowOf};
use crate::spec::{PatternSpec, VariableId};

/// Matches a sequence of `->>` with unary terms.
#[derive(Debug)]
pub struct RankSequence {
    evaluator: RankEvaluator,
    partitions: Partitions<RankPartition>,
}

impl RankSequence {
    /// The operator of a sequence of these steps. A partition holds at most `events_max` events; beyond it the oldest are dropped and counted.
    pub fn new(spec: impl Into<Arc<PatternSpec>>, steps: Vec<VariableId>, events_max: usize) -> Self {
        let spec = spec.into();
        Self { partitions: Partitions::new(&spec), evaluator: RankEvaluator::new(spec, steps, events_max) }
    }

    /// A row that is an event by itself.
    #[inline]
    fn row(&mut self, row: &RowOf<'_>, fits: &Fits, place: Place, moment: Place, out: &mut Outbox) {
        let Some(id) = self.partition_of(row, fits) else { return };
        for at in 0..self.evaluator.steps_of(row.input).len() {
            let step = self.evaluator.steps_of(row.input)[at];
            if fits.holds(row.row, step) && self.step(id, step, row, (place, moment), out) {
                break;
            }
        }
        self.partitions.drop_if(id, RankPartition::is_empty);
    }

    /// Rows that are events by themselves, where all are of one partition. Most may be of no use to it: that is found out first.
    fn rows_alone(&mut self, inbox: &Inbox, fits: &[Fits], rows: impl Iterator<Item = (usize, usize)>, out: &mut Outbox) {
        let inputs: Vec<(&[Place], &[Place])> = inbox.inputs.iter().map(|batch| (&**batch.places(), &**batch.moments())).collect();
        for (input, row) in rows {
            let (fits, place, moment) = (&fits[input], inputs[input].0[row], inputs[input].1[row]);
            let of_row = RowOf { input, batch: &inbox.inputs[input], row };
            if self.partitions.alone().is_none() {
                self.row(&of_row, fits, place, moment, out);
                continue;
            }
            let earliest = self.evaluator.earliest(place);
            for at in 0..self.evaluator.steps_of(input).len() {
                let step = self.evaluator.steps_of(input)[at];
                let is_reached = |partition: &mut RankPartition| self.evaluator.is_reached(partition, step, earliest);
                if fits.holds(row, step)
                    && self.partitions.alone().is_some_and(is_reached)
                    && self.step(0, step, &of_row, (place, moment), out)
                {
                    break;
                }
            }
            self.partitions.drop_if(0, RankPartition::is_empty);
        }
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
        ids.into_iter().flatten().for_each(|id| self.partitions.drop_if(id, RankPartition::is_empty));
    }

    /// An event of a partition takes a step, if it is reached. Gives whether the partition begins anew for it.
    #[inline]
    fn step(&mut self, id: u32, step: usize, row: &RowOf<'_>, (place, moment): (Place, Place), out: &mut Outbox) -> bool {
        let earliest = self.evaluator.earliest(place);
        let Some(partition) = self.partitions.get_mut(id) else { return false };
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
    #[inline]
    fn partition_of(&mut self, row: &RowOf<'_>, fits: &Fits) -> Option<u32> {
        if !fits.any(row.row) {
            return None;
        }
        // Without a start there is nothing that another step could follow.
        let evaluator = &self.evaluator;
        self.partitions.find(row, fits.holds(row.row, 0).then_some(|| evaluator.partition()))
    }

    /// Looks at the partitions whose turn it is.
    fn visit(&mut self, watermark: Place) {
        let earliest = self.evaluator.earliest(watermark);
        self.partitions.visit(watermark.time(), |partition| {
            partition.expire(earliest);
            partition.is_empty()
        });
    }
}

impl Operator for RankSequence {
    fn advance_given(&mut self, inbox: &Inbox, fits: &[u64], out: &mut Outbox) {
        self.partitions.turn_to(&inbox.inputs);
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
        self.partitions.next_visit().map_or(Place::MAX, |time| Place::bound(time, Phase::After))
    }

    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let fits = if inbox.is_empty() { Vec::new() } else { self.evaluator.fits(&inbox.inputs) };
        self.partitions.turn_to(&inbox.inputs);
        if let (Some(batch), false) = (inbox.plain(), self.partitions.are_keyed()) {
            self.rows_alone(inbox, &fits, (0..batch.len()).map(|row| (0, row)), out);
            return self.visit(inbox.watermark);
        }
        if let (Some(rows), false) = (inbox.entries.rows(), self.partitions.are_keyed()) {
            self.rows_alone(inbox, &fits, rows.iter().map(|&(input, row)| (input as usize, row as usize)), out);
            return self.visit(inbox.watermark);
        }
        if let (Some(batch), [fits]) = (inbox.plain(), fits.as_slice()) {
            for (row, (&place, &moment)) in batch.places().iter().zip(batch.moments().iter()).enumerate() {
                self.row(&RowOf { input: 0, batch, row }, fits, place, moment, out);
            }
        }
        if let Some(rows) = inbox.entries.rows() {
            let inputs: Vec<(&[Place], &[Place])> = inbox.inputs.iter().map(|batch| (&**batch.places(), &**batch.moments())).collect();
            for &(input, row) in rows {
                let (input, row) = (input as usize, row as usize);
                let (place, moment) = (inputs[input].0[row], inputs[input].1[row]);
                self.row(&RowOf { input, batch: &inbox.inputs[input], row }, &fits[input], place, moment, out);
            }
            return self.visit(inbox.watermark);
        }
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

    fn takes_plain(&self) -> Plain {
        Plain::Apart
    }

    fn take_nulls(&mut self) -> u64 {
        self.partitions.take_nulls() + self.evaluator.take_nulls()
    }

    fn keys(&self) -> usize {
        self.partitions.len()
    }

    fn forget_idle(&mut self, at: Place) {
        let earliest = self.evaluator.earliest(at);
        self.partitions.forget_all(|partition| {
            partition.expire(earliest);
            partition.is_empty()
        });
    }

    fn held(&self) -> Held {
        let sizes = self.partitions.iter().map(RankPartition::size);
        let (rows, bytes) = sizes.fold((0, 0), |(rows, bytes), (r, b)| (rows + r, bytes + b));
        Held { keys: self.partitions.iter().count(), rows, bytes: bytes + self.partitions.bytes(), dropped: self.evaluator.dropped() }
    }

    fn save(&self, to: &mut StateWriter) {
        to.once(self.evaluator.dropped());
        self.partitions.save(to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.evaluator.add_dropped(from.take()?);
        self.partitions.load(from, Ok).map(|_| ())
    }
}
