//! What is worked out for whole batches: which steps each row fits as far as the row alone says, and the sides of terms that are computed.

use arrow_buffer::BooleanBuffer;

use super::marks::{Marks, text_column};
use super::plan::{Plan, Side};
use crate::data::{Column, DataType, EventBatch, Schema};
use crate::expr::{EvalContext, Expr};

/// The batches at hand.
#[derive(Debug)]
pub(super) struct Offers {
    /// The unary terms, each once.
    unary: Vec<Unary>,
    /// Of each step, which of them it has.
    of_step: Vec<Vec<usize>>,
    /// Of each input, its steps, as bits.
    steps: Vec<u64>,
    /// Of each input, those terms that a look at a text answers.
    marks: Vec<Option<Marks>>,
    /// Of each input, for each row the steps that it fits, as bits.
    fits: Vec<Vec<u64>>,
    /// The same for single rows, in order, where that is told instead.
    given: Vec<Vec<(u32, u64)>>,
    is_given: bool,
    /// Of each step, its computed sides for all rows of its input.
    sides: Vec<Vec<Column>>,
}

#[derive(Debug)]
struct Unary {
    input: usize,
    term: Expr,
    /// How many steps have it: each counts the NULLs that it makes up.
    steps: u64,
    /// It is one of the marks of its input.
    is_marked: bool,
    /// Of the batch at hand, where it had to be asked.
    truth: Option<BooleanBuffer>,
}

impl Offers {
    /// Of the steps of a plan with these unary terms, each over the columns of its input.
    pub(super) fn new<'t>(plan: &Plan, unary_of: impl Fn(usize) -> &'t [Expr]) -> Self {
        let mut unary: Vec<Unary> = Vec::new();
        let mut of_step = Vec::new();
        for (number, step) in plan.steps.iter().enumerate() {
            let mut own = Vec::new();
            for term in unary_of(number) {
                let known = unary.iter().position(|unary| unary.input == step.input && unary.term == *term);
                let at = known.unwrap_or_else(|| {
                    unary.push(Unary { input: step.input, term: term.clone(), steps: 0, is_marked: false, truth: None });
                    unary.len() - 1
                });
                unary[at].steps += 1;
                own.push(at);
            }
            of_step.push(own);
        }
        let inputs = plan.spec.inputs.len();
        let steps_of = |input: usize| plan.steps.iter().enumerate().filter(move |(_, step)| step.input == input);
        let marks = (0..inputs).map(|input| marks(&plan.spec.inputs[input], input, &mut unary, &of_step)).collect();
        Self {
            steps: (0..inputs).map(|input| steps_of(input).fold(0, |bits, (number, _)| bits | 1 << number)).collect(),
            marks,
            unary,
            of_step,
            fits: vec![Vec::new(); inputs],
            given: vec![Vec::new(); inputs],
            is_given: false,
            sides: vec![Vec::new(); plan.steps.len()],
        }
    }

    /// Looks at the batches of all inputs.
    pub(super) fn look_at(&mut self, plan: &Plan, inputs: &[EventBatch], context: &EvalContext) {
        self.is_given = false;
        for (input, batch) in inputs.iter().enumerate() {
            let (fits, steps) = (&mut self.fits[input], self.steps[input]);
            fits.clear();
            let are_marked = self.marks[input].as_mut().is_some_and(|marks| marks.put(&batch.columns()[marks.column], steps, fits));
            fits.resize(batch.len(), steps);
            for unary in self.unary.iter_mut().filter(|unary| unary.input == input) {
                unary.truth = if unary.is_marked && are_marked { None } else { unary.truth(batch, context) };
            }
        }
        for (number, step) in plan.steps.iter().enumerate() {
            let batch = &inputs[step.input];
            if batch.is_empty() {
                continue;
            }
            let truths = self.of_step[number].iter().filter_map(|&term| self.unary[term].truth.clone());
            if let Some(truth) = truths.reduce(|all, term| &all & &term) {
                forbid(number, &truth, &mut self.fits[step.input]);
            }
            self.sides[number].clear();
            self.sides[number].extend(step.sides.iter().map(|side| side.eval_batch(batch, context)));
        }
    }

    /// Takes what is known of single rows: input, row, and the steps that it fits, as bits. Rows of one input come in order.
    pub(super) fn take(
        &mut self,
        plan: &Plan,
        inputs: &[EventBatch],
        rows: impl Iterator<Item = (usize, u32, u64)>,
        context: &EvalContext,
    ) {
        self.is_given = true;
        self.given.iter_mut().for_each(Vec::clear);
        rows.for_each(|(input, row, steps)| self.given[input].push((row, steps)));
        for (number, step) in plan.steps.iter().enumerate().filter(|(_, step)| !step.sides.is_empty()) {
            let batch = &inputs[step.input];
            self.sides[number].clear();
            self.sides[number].extend(step.sides.iter().map(|side| side.eval_batch(batch, context)));
        }
    }

    /// The steps that a row fits, as far as it alone says, as bits.
    #[inline]
    pub(super) fn fits(&self, input: usize, row: usize) -> u64 {
        if !self.is_given {
            return self.fits[input][row];
        }
        let rows = &self.given[input];
        rows.binary_search_by_key(&row, |(row, _)| *row as usize).map_or(0, |at| rows[at].1)
    }

    /// The same for all rows of an input, where they have been looked at.
    pub(super) fn all_fits(&self, input: usize) -> &[u64] {
        &self.fits[input]
    }

    /// Whether what single rows fit was told.
    pub(super) fn is_given(&self) -> bool {
        self.is_given
    }

    /// The column of a side of a step.
    #[inline]
    pub(super) fn column<'c>(&'c self, step: usize, side: Side, batch: &'c EventBatch) -> &'c Column {
        match side {
            Side::Column(column) => &batch.columns()[column],
            Side::Computed(computed) => &self.sides[step][computed],
        }
    }
}

/// A step takes only rows for which this is true.
fn forbid(step: usize, truth: &BooleanBuffer, fits: &mut [u64]) {
    for (fits, bits) in fits.chunks_mut(64).zip(truth.bit_chunks().iter_padded()) {
        for (row, fits) in fits.iter_mut().enumerate() {
            *fits &= !((!bits >> row & 1) << step);
        }
    }
}

/// The terms over that column of texts of an input which most of its terms read alone.
fn marks(schema: &Schema, input: usize, unary: &mut [Unary], of_step: &[Vec<usize>]) -> Option<Marks> {
    let is_text = |column: usize| schema.fields()[column].data_type == DataType::String;
    let column_of = |unary: &Unary| if unary.input == input { text_column(&unary.term, is_text) } else { None };
    let columns: Vec<usize> = unary.iter().filter_map(column_of).collect();
    let column = *columns.iter().max_by_key(|column| columns.iter().filter(|other| other == column).count())?;
    unary.iter_mut().for_each(|unary| unary.is_marked |= column_of(unary) == Some(column));
    let steps_with =
        |term: usize| of_step.iter().enumerate().filter(|(_, own)| own.contains(&term)).fold(0, |bits, (step, _)| bits | 1 << step);
    let marked = unary.iter().enumerate().filter(|(_, unary)| unary.input == input && unary.is_marked);
    Some(Marks::new(column, marked.map(|(number, unary)| (unary.term.clone(), steps_with(number))).collect()))
}

impl Unary {
    /// For which rows the term is true; nothing where there are none.
    fn truth(&self, batch: &EventBatch, context: &EvalContext) -> Option<BooleanBuffer> {
        if batch.is_empty() {
            return None;
        }
        let before = context.nulls();
        let truth = self.term.truth(batch, context);
        context.count_nulls((context.nulls() - before) * (self.steps - 1));
        Some(truth)
    }
}
