//! The face of the evaluator by rank columns: which rows are of interest, what an event does to a partition, and the rows that it gives.
//!
//! Where every output is a plain column (or the start or end time), only those columns are kept and rows are written a column at a time.
//! Otherwise, and with HAVING, whole events are kept and each match goes through the outputs of the general evaluator.

use std::sync::Arc;

use super::event::{Candidate, RowOf};
use super::outputs::Outputs;
use super::ranks::{Arriving, Found, RankColumns, Sources};
use super::registers::Taking;
use super::runs::{Emitted, Having};
use super::terms::Terms;
use super::thread::{History, Match};
use crate::data::{ColumnBuilder, EventBatch, Place};
use crate::spec::{AfterMatch, NavigationBase, PatternSpec, SlotKind, VariableId, Within};

/// Evaluates one sequence, for any number of partitions.
#[derive(Debug)]
pub(crate) struct RankEvaluator {
    terms: Terms,
    steps: Vec<VariableId>,
    /// For each input, the steps that take its events, the last first.
    steps_of: Vec<Vec<usize>>,
    output: Output,
    found: Found,
    most: usize,
    dropped: u64,
}

#[derive(Debug)]
enum Output {
    Columns(Sources),
    Matches(Outputs, Sources),
}

/// What the evaluator keeps for a partition.
#[derive(Debug)]
pub(crate) struct RankPartition {
    columns: RankColumns,
    /// Events so far.
    events: u64,
}

crate::saved!(RankPartition { columns, events });

/// For each row of an input, the steps that it fits, as bits; without words, for the one row that is asked for.
#[derive(Debug, Default)]
pub(crate) struct Fits {
    words: usize,
    bits: Vec<u64>,
}

impl Fits {
    /// Whether the row fits any step.
    #[inline]
    pub(crate) fn any(&self, row: usize) -> bool {
        self.bits[row * self.words..][..self.words.max(1)].iter().any(|word| *word != 0)
    }

    /// Whether the row fits a step.
    #[inline]
    pub(crate) fn holds(&self, row: usize, step: usize) -> bool {
        self.bits[row * self.words + step / 64] >> (step % 64) & 1 == 1
    }
}

impl RankEvaluator {
    /// Of a sequence of these steps. A partition holds at most so many events; beyond it the oldest starts are dropped and counted.
    pub(crate) fn new(spec: Arc<PatternSpec>, steps: Vec<VariableId>, most: usize) -> Self {
        let input_of = |step: &VariableId| spec.variables[step.0 as usize].input;
        let of_input = |input| (0..steps.len()).rev().filter(|&step| input_of(&steps[step]) == input).collect();
        let steps_of = (0..spec.inputs.len()).map(of_input).collect();
        let output = match column_outputs(&spec, &steps) {
            Some(sources) => Output::Columns(sources),
            None => Output::Matches(Outputs::new(spec.clone()), Sources::new(steps.len())),
        };
        Self { terms: Terms::new(spec), steps, steps_of, output, found: Found::default(), most, dropped: 0 }
    }

    /// Counts what was dropped before the state was taken in.
    pub(crate) fn add_dropped(&mut self, dropped: u64) {
        self.dropped += dropped;
    }

    /// A partition that has seen nothing.
    pub(crate) fn partition(&self) -> RankPartition {
        RankPartition { columns: RankColumns::new(self.steps.len()), events: 0 }
    }

    /// For each input, which rows fit which steps.
    pub(crate) fn fits(&self, inputs: &[EventBatch]) -> Vec<Fits> {
        let words = self.steps.len().div_ceil(64);
        let mut fits: Vec<Fits> = inputs.iter().map(|batch| Fits { words, bits: vec![0; batch.len() * words] }).collect();
        for (input, (batch, fits)) in inputs.iter().zip(&mut fits).enumerate().filter(|(_, (batch, _))| !batch.is_empty()) {
            for &step in &self.steps_of[input] {
                self.fit(step, batch, fits);
            }
        }
        fits
    }

    /// For one row, of which it is known which variables (as bits) it fits.
    pub(crate) fn fits_of(&self, variables: u64) -> Fits {
        let bits = self.steps.iter().enumerate().fold(0, |bits, (step, variable)| bits | (variables >> variable.0 & 1) << step);
        Fits { words: 0, bits: vec![bits] }
    }

    fn fit(&self, step: usize, batch: &EventBatch, fits: &mut Fits) {
        let (word, bit) = (step / 64, 1 << (step % 64));
        let words = fits.words;
        match self.terms.unary_of(self.steps[step]) {
            [] => fits.bits.iter_mut().skip(word).step_by(words).for_each(|bits| *bits |= bit),
            [term] => {
                for row in term.select(batch, &self.terms.context) {
                    fits.bits[row as usize * words + word] |= bit;
                }
            }
            terms => {
                let mut held = vec![0; batch.len()];
                for term in terms {
                    term.select(batch, &self.terms.context).into_iter().for_each(|row| held[row as usize] += 1);
                }
                let all = held.iter().enumerate().filter(|(_, held)| **held == terms.len());
                all.for_each(|(row, _)| fits.bits[row * words + word] |= bit);
            }
        }
    }

    /// The steps that take events of an input, the last first: handled so, an event never follows itself.
    #[inline]
    pub(crate) fn steps_of(&self, input: usize) -> &[usize] {
        &self.steps_of[input]
    }

    /// Whether a match that comes out ends all that has begun.
    #[inline]
    pub(crate) fn restarts(&self) -> bool {
        self.terms.spec.after_match == AfterMatch::Restart
    }

    /// The earliest time at which a start is not over when this place is reached, in nanoseconds.
    #[inline]
    pub(crate) fn earliest(&self, place: Place) -> i64 {
        let Some(Within::Time(span)) = self.terms.spec.within else { return i64::MIN };
        place.time().0.checked_sub(span.0).unwrap_or(i64::MIN)
    }

    /// Whether the event of a step has a start.
    #[inline]
    pub(crate) fn is_reached(&self, partition: &RankPartition, step: usize, earliest: i64) -> bool {
        partition.columns.is_reached(step, earliest)
    }

    /// Whether what takes a step finishes matches.
    #[inline]
    pub(crate) fn is_last(&self, step: usize) -> bool {
        step + 1 == self.steps.len()
    }

    /// An event that fits a step before the last, and is reached.
    #[inline]
    pub(crate) fn keep(&mut self, partition: &mut RankPartition, step: usize, row: &RowOf<'_>, place: Place, earliest: i64) {
        partition.events += 1;
        let whole;
        let (sources, event) = match &self.output {
            Output::Columns(sources) => (sources, None),
            Output::Matches(_, sources) => {
                whole = Candidate::of_rows(place, partition.events, std::slice::from_ref(row));
                (sources, Some(whole.event()))
            }
        };
        let arriving = Arriving { time: place.time().0, columns: row.batch.columns(), row: row.row, event };
        self.dropped += partition.columns.keep(step, sources, &arriving, earliest, self.most);
    }

    /// An event that fits the last step, and is reached. Appends the rows of the matches that it finishes, and gives how many there are.
    pub(crate) fn finish(
        &mut self,
        partition: &mut RankPartition,
        (row, place): (&RowOf<'_>, Place),
        earliest: i64,
        out: &mut [ColumnBuilder],
    ) -> usize {
        partition.events += 1;
        partition.columns.find(earliest, &mut self.found);
        match &self.output {
            Output::Columns(sources) => {
                let arriving = Arriving { time: place.time().0, columns: row.batch.columns(), row: row.row, event: None };
                partition.columns.write(&mut self.found, &arriving, sources, out)
            }
            Output::Matches(outputs, _) => {
                let last = Candidate::of_rows(place, partition.events, std::slice::from_ref(row));
                self.write_matches(partition, outputs, &last, out)
            }
        }
    }

    fn write_matches(&self, partition: &RankPartition, outputs: &Outputs, last: &Candidate<'_>, out: &mut [ColumnBuilder]) -> usize {
        let mut rows = 0;
        partition.columns.for_each(&self.found, |events| {
            let taken = events.iter().chain([last.event()]).zip(&self.steps);
            let history = taken.fold(History::default(), |history, (event, &variable)| {
                history.with(Taking { event: event.clone(), variable }, true, false)
            });
            let start = events.first().map_or(last.place, |first| first.place);
            let found = Match { history, end: last.place };
            if outputs.accepts(start, &found) {
                let row = outputs.of_run(&Emitted::Match { start, found });
                out.iter_mut().zip(row.values).for_each(|(builder, value)| builder.push(value));
                rows += 1;
            }
        });
        rows
    }

    /// How many NULLs its expressions had to make up since the last call.
    pub(crate) fn take_nulls(&self) -> u64 {
        let of_outputs = match &self.output {
            Output::Columns(_) => 0,
            Output::Matches(outputs, _) => outputs.context().take_nulls(),
        };
        self.terms.context.take_nulls() + of_outputs
    }

    /// Events given up at the bound so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }
}

impl RankPartition {
    /// Forgets what cannot be part of a match any more.
    pub(crate) fn expire(&mut self, earliest: i64) {
        self.columns.expire(earliest);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.columns.clear();
    }

    /// Whether nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Events and bytes, about.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.columns.rows(), size_of::<Self>() + self.columns.bytes())
    }
}

/// Where the outputs come from, if all are plain.
fn column_outputs(spec: &PatternSpec, steps: &[VariableId]) -> Option<Sources> {
    if spec.having.is_some() {
        return None;
    }
    let mut sources = Sources::new(steps.len());
    for (output, expr) in spec.outputs.iter().enumerate() {
        let slot = &spec.slots[expr.as_slot()?.0 as usize];
        match &slot.kind {
            SlotKind::Column { variables, column, base: NavigationBase::Last(0) | NavigationBase::First(0), physical: 0, .. } => {
                let [variable] = variables.as_slice() else { return None };
                let step = steps.iter().position(|step| step == variable)?;
                let input = spec.variables[variable.0 as usize].input;
                let data_type = spec.inputs[input].fields()[*column].data_type.clone();
                sources.add(output, step, Some((*column, data_type)));
            }
            SlotKind::StartTime => sources.add(output, 0, None),
            SlotKind::EndTime => sources.add(output, steps.len() - 1, None),
            _ => return None,
        }
    }
    Some(sources)
}
