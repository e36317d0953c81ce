//! What a sequence of single steps needs of its events: pattern spec in, the plan of the step lists out.
//!
//! A term of a step is worked out beforehand as far as it goes. `candidate op earlier`, where one side reads the candidate alone and the
//! other earlier steps alone, becomes a [`WordTerm`]: when a match begins to wait at the step, the earlier side is computed and stored with
//! it as one word; a candidate is then compared with a word. All else is a residual term, evaluated as it is written. Every NULL that the
//! general evaluator would count is counted: a word term never makes up one, and a waiting match whose earlier side did has all terms of the
//! step evaluated as they are written, for each candidate.

use std::sync::Arc;

use super::index::Finder;
use super::log::Keeps;
use super::word::WordKind;
use crate::data::DataType;
use crate::expr::{CompareOp, Expr, SlotId};
use crate::pattern::terms::over_columns;
use crate::spec::{AfterMatch, Arrow, ComparedTerm, Comparison, PatternSpec, SlotKind, VariableId, column_of_step, compared_terms};

/// The plan of a sequence.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) spec: Arc<PatternSpec>,
    pub(super) steps: Vec<Step>,
    /// Of each slot that is one, the column of a step.
    pub(super) columns: Vec<Option<StepColumn>>,
    pub(super) outputs: OutputPlan,
    /// Matches wait for their turn (SKIP).
    pub(super) in_turn: bool,
    /// Of the events that later steps take, nothing is read as long as they lie in their batch but what the very next step compares.
    pub(super) reads_later: bool,
}

/// A step of the sequence.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) variable: VariableId,
    pub(super) input: usize,
    /// The arrow before it.
    pub(super) arrow: Arrow,
    /// The terms that name earlier steps.
    pub(super) terms: StepTerms,
    /// Expressions over the columns of its input that are evaluated a batch at a time: see [`Side`].
    pub(super) sides: Vec<Expr>,
    /// What its log keeps of an event, and where it is read.
    pub(super) keeps: Vec<(Keeps, Side)>,
}

/// The terms of a step.
#[derive(Debug, Default)]
pub(super) struct StepTerms {
    pub(super) words: Vec<WordTerm>,
    /// Evaluated where all words fit, in this order.
    pub(super) residual: Vec<Expr>,
    /// All terms as they are written.
    pub(super) all: Vec<Expr>,
    /// How many waiting matches may be found at once.
    pub(super) finders: Vec<Finder>,
}

/// `candidate op earlier`.
#[derive(Debug)]
pub(super) struct WordTerm {
    pub(super) op: CompareOp,
    pub(super) kind: WordKind,
    pub(super) candidate: Side,
    pub(super) earlier: Earlier,
}

/// Values that are there for every row of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// A column of the input.
    Column(usize),
    /// One of the step's `sides`.
    Computed(usize),
}

/// The earlier side of a word term.
#[derive(Debug)]
pub(super) enum Earlier {
    /// Of one step, and total: a column of its log.
    Logged { step: usize, column: usize },
    /// Computed when a match begins to wait.
    Computed(Expr),
}

/// A column of the event of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StepColumn {
    pub(super) step: usize,
    /// Of its input.
    pub(super) column: usize,
    /// In its log; nothing where it is not kept.
    pub(super) kept: Option<usize>,
}

/// How a match becomes a row.
#[derive(Debug)]
pub(super) enum OutputPlan {
    /// Every slot that an output (or HAVING) reads is one of these.
    Columns(Vec<Output>),
    /// Through the outputs of the general evaluator, over whole events.
    WholeEvents,
}

/// An output column.
#[derive(Debug)]
pub(super) enum Output {
    Column(StepColumn),
    Start,
    End,
    Computed(Expr),
}

impl Plan {
    pub(super) fn new(spec: Arc<PatternSpec>, steps: &[(VariableId, Arrow)]) -> Self {
        let mut planning = Planning::new(&spec, steps);
        for at in 1..steps.len() {
            planning.plan_terms(at);
        }
        let outputs = planning.plan_outputs();
        let in_turn = spec.after_match.is_skip();
        debug_assert!(spec.after_match != AfterMatch::Consume, "the planner leaves CONSUME to threads");
        let Planning { steps, columns, .. } = planning;
        let is_of_the_last =
            |at: usize, word: &WordTerm| matches!(word.earlier, Earlier::Logged { step, .. } if step == 0 || step + 1 == at);
        let compares_the_last = |(at, step): (usize, &Step)| step.terms.words.iter().all(|word| is_of_the_last(at, word));
        let are_words = steps.iter().all(|step| step.terms.residual.is_empty());
        let reads_later = are_words
            && steps.iter().enumerate().all(compares_the_last)
            && !in_turn
            && spec.having.is_none()
            && matches!(outputs, OutputPlan::Columns(_));
        Self { spec, steps, columns, outputs, in_turn, reads_later }
    }

    /// The last step.
    pub(super) fn last(&self) -> usize {
        self.steps.len() - 1
    }

    /// The step that a variable is.
    pub(super) fn step_of(&self, variable: VariableId) -> Option<usize> {
        self.steps.iter().position(|step| step.variable == variable)
    }

    /// Whether whole events are kept.
    pub(super) fn keeps_events(&self) -> bool {
        matches!(self.outputs, OutputPlan::WholeEvents)
    }
}

struct Planning<'s> {
    spec: &'s PatternSpec,
    steps: Vec<Step>,
    columns: Vec<Option<StepColumn>>,
}

impl<'s> Planning<'s> {
    fn new(spec: &'s PatternSpec, steps: &[(VariableId, Arrow)]) -> Self {
        let step = |&(variable, arrow): &(VariableId, Arrow)| {
            let input = spec.variables[variable.0 as usize].input;
            Step { variable, input, arrow, terms: StepTerms::default(), sides: Vec::new(), keeps: Vec::new() }
        };
        let column = |slot: usize| {
            let (variable, column) = column_of_step(spec, slot)?;
            let step = steps.iter().position(|(step, _)| *step == variable)?;
            Some(StepColumn { step, column, kept: None })
        };
        Self { spec, steps: steps.iter().map(step).collect(), columns: (0..spec.slots.len()).map(column).collect() }
    }

    fn plan_terms(&mut self, at: usize) {
        let steps: Vec<VariableId> = self.steps.iter().map(|step| step.variable).collect();
        let mut terms = StepTerms::default();
        let mut needs_all = false;
        for ComparedTerm { term, comparisons, is_all } in compared_terms(self.spec, &steps, at) {
            let is_left = !is_all || comparisons.iter().any(|comparison| comparison.kind == WordKind::TextHash);
            terms.residual.extend(is_left.then(|| term.clone()));
            terms.all.push(term);
            for comparison in comparisons {
                let word = self.word_term(at, comparison);
                needs_all |= matches!(&word.earlier, Earlier::Computed(expr) if !expr.is_total());
                terms.words.push(word);
            }
        }
        let read = if needs_all { terms.all.iter().collect::<Vec<_>>() } else { terms.residual.iter().collect() };
        read.into_iter().flat_map(Expr::slots).for_each(|slot| self.keep_before(slot, at));
        terms.finders = finders(&terms.words);
        self.steps[at].terms = terms;
    }

    fn word_term(&mut self, at: usize, comparison: Comparison) -> WordTerm {
        let Comparison { op, kind, candidate, earlier } = comparison;
        let candidate = self.side(at, &candidate);
        let steps: Vec<usize> = earlier.slots().iter().filter_map(|slot| self.column(*slot)).map(|c| c.step).collect();
        let earlier = match steps.as_slice() {
            [first, rest @ ..] if rest.iter().all(|step| step == first) && earlier.is_total() => {
                let side = self.side(*first, &earlier);
                Earlier::Logged { step: *first, column: self.keep(*first, Keeps::Keys(kind), side) }
            }
            _ => {
                earlier.slots().into_iter().for_each(|slot| self.keep_before(slot, at));
                Earlier::Computed(earlier)
            }
        };
        WordTerm { op, kind, candidate, earlier }
    }

    fn column(&self, slot: SlotId) -> Option<StepColumn> {
        self.columns[slot.0 as usize]
    }

    /// An expression over columns of a step's event, for every row of a batch.
    fn side(&mut self, step: usize, expr: &Expr) -> Side {
        let over_input = over_columns(self.spec, expr);
        if let Some(column) = over_input.as_slot() {
            return Side::Column(column.0 as usize);
        }
        let sides = &mut self.steps[step].sides;
        Side::Computed(position_or_push(sides, over_input))
    }

    fn keep(&mut self, step: usize, keeps: Keeps, side: Side) -> usize {
        position_or_push(&mut self.steps[step].keeps, (keeps, side))
    }

    /// Keeps the column of a slot, if it is of a step before this one.
    fn keep_before(&mut self, slot: SlotId, at: usize) {
        let Some(StepColumn { step, column, .. }) = self.column(slot).filter(|column| column.step < at) else { return };
        let data_type = self.spec.inputs[self.steps[step].input].fields()[column].data_type.clone();
        let kept = self.keep(step, Keeps::Values(data_type), Side::Column(column));
        for known in self.columns.iter_mut().flatten().filter(|known| known.step == step && known.column == column) {
            known.kept = Some(kept);
        }
    }

    fn plan_outputs(&mut self) -> OutputPlan {
        let spec = self.spec;
        let is_known = |slot: &SlotId| {
            self.column(*slot).is_some() || matches!(spec.slots[slot.0 as usize].kind, SlotKind::StartTime | SlotKind::EndTime)
        };
        let exprs = || spec.outputs.iter().chain(&spec.having);
        if !exprs().all(|expr| expr.slots().iter().all(is_known)) {
            return OutputPlan::WholeEvents;
        }
        // The last event is at hand, but where a match may have to wait.
        let end = if spec.after_match.is_skip() { self.steps.len() } else { self.steps.len() - 1 };
        let of_key = |planning: &Self, expr: &Expr| {
            let column = expr.as_slot().and_then(|slot| planning.column(slot))?;
            planning.in_the_last(column)
        };
        let apart = spec.outputs.iter().filter(|expr| of_key(self, expr).is_none()).chain(&spec.having);
        let slots: Vec<SlotId> = apart.flat_map(Expr::slots).collect();
        slots.into_iter().for_each(|slot| self.keep_before(slot, end));
        let mut outputs = Vec::with_capacity(spec.outputs.len());
        for expr in &spec.outputs {
            outputs.push(match (of_key(self, expr), expr.as_slot()) {
                (Some(mut column), _) => {
                    if column.step < end {
                        let data_type = expr.data_type().clone();
                        column.kept = Some(self.keep(column.step, Keeps::Values(data_type), Side::Column(column.column)));
                    }
                    Output::Column(column)
                }
                (None, None) => Output::Computed(expr.clone()),
                (None, Some(slot)) => match (self.column(slot), &spec.slots[slot.0 as usize].kind) {
                    (Some(column), _) => Output::Column(column),
                    (None, SlotKind::StartTime) => Output::Start,
                    (None, _) => Output::End,
                },
            });
        }
        OutputPlan::Columns(outputs)
    }

    /// The column of the last step that is equal to this one because both are the same part of the partition's key: so nothing need be kept.
    fn in_the_last(&self, column: StepColumn) -> Option<StepColumn> {
        let last = self.steps.len() - 1;
        let key_of = |step: usize| self.spec.partition.by_input.get(self.steps[step].input);
        let type_of = |step: usize, column: usize| &self.spec.inputs[self.steps[step].input].fields()[column].data_type;
        let is_part = |expr: &Expr| expr.as_slot().is_some_and(|slot| slot.0 as usize == column.column);
        let part = key_of(column.step)?.iter().position(is_part)?;
        let own = key_of(last)?.get(part)?.as_slot()?.0 as usize;
        let data_type = type_of(column.step, column.column);
        // Equal keys of other types may be written in several ways (-0.0, 1.50).
        let is_one = matches!(data_type, DataType::String | DataType::Int | DataType::Timestamp | DataType::Duration | DataType::Bool);
        (is_one && column.step < last && type_of(last, own) == data_type).then_some(StepColumn { step: last, column: own, kept: None })
    }
}

fn position_or_push<T: PartialEq>(items: &mut Vec<T>, item: T) -> usize {
    items.iter().position(|known| *known == item).unwrap_or_else(|| {
        items.push(item);
        items.len() - 1
    })
}

/// The ways to find waiting matches by these terms.
fn finders(words: &[WordTerm]) -> Vec<Finder> {
    let sides: Vec<(Side, WordKind)> = words.iter().map(|word| (word.candidate, word.kind)).collect();
    let number = |at: usize| sides.iter().position(|side| *side == sides[at]).unwrap_or(at);
    let words: Vec<(CompareOp, usize)> = words.iter().enumerate().map(|(at, word)| (word.op, number(at))).collect();
    Finder::all(&words)
}
