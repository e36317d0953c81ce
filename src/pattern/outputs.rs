//! Finished matches to output rows.
//!
//! The whole history is laid out once: for each set of variables that a slot names, the positions of its events. A navigation is then an
//! index, at any row of the match; a running aggregate is computed once for all rows.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::event::Event;
use super::registers::{EventRow, accumulator_of, update};
use super::rows::{Decided, KeptRows};
use super::runs::{Emitted, Having};
use super::state::State;
use super::terms::RowsByNumber;
use super::thread::{Link, Match};
use crate::data::{Place, Timestamp, Value};
use crate::expr::{EvalContext, Expr, ExprKind, Row, SlotId};
use crate::spec::{AggregateCall, NavigationBase, PatternSpec, RowOutput, SlotKind, VariableId};

/// A row that comes out.
#[derive(Debug)]
pub(crate) struct OutputRow {
    pub(crate) port: usize,
    pub(crate) values: Vec<Value<'static>>,
    pub(crate) place: Place,
    /// Where its match begins: rows that are certain at one moment come out in that order.
    pub(crate) start: Place,
}

/// Turns matches into rows.
#[derive(Debug)]
pub(crate) struct Outputs {
    spec: Arc<PatternSpec>,
    context: EvalContext,
}

impl Outputs {
    pub(crate) fn new(spec: Arc<PatternSpec>) -> Self {
        Self { spec, context: EvalContext::new() }
    }

    /// Counts the NULLs that outputs had to make up.
    pub(crate) fn context(&self) -> &EvalContext {
        &self.context
    }

    /// The row of a match of FROM PATTERN, or of a run that timed out.
    pub(crate) fn of_run(&self, emitted: &Emitted) -> OutputRow {
        match emitted {
            Emitted::Match { start, found } => {
                let laid = Laid::new(&self.spec, &self.context, found.history.iter_back(), Ends { start: *start, end: found.end });
                OutputRow { port: 0, values: self.values(&laid.at(laid.last())), place: found.end, start: *start }
            }
            Emitted::Timeout { start, thread, end } => {
                let mut laid = Laid::new(&self.spec, &self.context, thread.history.iter_back(), Ends { start: *start, end: *end });
                laid.waiting = awaited(&self.spec, &thread.state);
                let waiting = laid.waiting.map_or(Value::Null, Value::string).into_owned();
                let mut values = self.values(&laid.at(laid.last()));
                values.push(waiting);
                OutputRow { port: 1, values, place: *end, start: *start }
            }
        }
    }

    /// The rows of a decided start of MATCH_RECOGNIZE; `None` where they look at a row that has not come yet.
    pub(crate) fn of_start(&self, decided: &Decided, rows: &KeptRows, ended: bool) -> Option<Vec<OutputRow>> {
        let own = &decided.row;
        let Some(found) = &decided.found else {
            let values = self.spec.outputs.iter().map(|output| self.own_column(output, own)).collect();
            return Some(vec![OutputRow { port: 0, values, place: own.place, start: own.place }]);
        };
        let mut laid = Laid::new(&self.spec, &self.context, found.history.iter_back(), Ends { start: own.place, end: found.end });
        laid.number = decided.number;
        laid.rows = Some(rows);
        laid.own = Some(own);
        let row = |at: usize, place| OutputRow { port: 0, values: self.values(&laid.at(Some(at))), place, start: own.place };
        let found = match (self.spec.rows, laid.last()) {
            (RowOutput::OnePerMatch, Some(last)) => vec![row(last, laid.steps[last].taking.event.place)],
            (RowOutput::AllRows { .. }, Some(_)) => {
                let shown = laid.steps.iter().enumerate().filter(|(_, step)| !step.excluded);
                shown.map(|(at, step)| row(at, step.taking.event.place)).collect()
            }
            (RowOutput::OnePerMatch | RowOutput::AllRows { show_empty: true, .. }, None) => {
                vec![OutputRow { port: 0, values: self.values(&laid.at(None)), place: own.place, start: own.place }]
            }
            (RowOutput::AllRows { show_empty: false, .. }, None) => Vec::new(),
        };
        (ended || !laid.looked_ahead.get()).then_some(found)
    }

    /// The last row of a match, to be asked for the slots that HAVING and the outputs read.
    pub(crate) fn ask<T>(&self, start: Place, found: &Match, ask: impl FnOnce(&dyn Row, &EvalContext) -> T) -> T {
        let laid = Laid::new(&self.spec, &self.context, found.history.iter_back(), Ends { start, end: found.end });
        ask(&laid.at(laid.last()), &self.context)
    }

    fn values(&self, at: &LaidAt<'_>) -> Vec<Value<'static>> {
        self.spec.outputs.iter().map(|output| output.eval(at, &self.context).into_owned()).collect()
    }

    /// In a row of no match only the input's own columns have values.
    fn own_column(&self, output: &Expr, own: &Event) -> Value<'static> {
        let ExprKind::Slot(slot) = output.kind() else { return Value::Null };
        match &self.spec.slots[slot.0 as usize].kind {
            SlotKind::CurrentRow(column) => own.value(0, *column).into_owned(),
            _ => Value::Null,
        }
    }
}

impl Having for Outputs {
    fn accepts(&self, start: Place, found: &Match) -> bool {
        let Some(having) = &self.spec.having else { return true };
        let laid = Laid::new(&self.spec, &self.context, found.history.iter_back(), Ends { start, end: found.end });
        having.eval(&laid.at(laid.last()), &self.context).is_true()
    }
}

/// The name of what a state waits for.
fn awaited<'s>(spec: &'s PatternSpec, state: &State) -> Option<&'s str> {
    state.awaited().map(|variable| &*spec.variables[variable.0 as usize].name)
}

#[derive(Debug, Clone, Copy)]
struct Ends {
    start: Place,
    end: Place,
}

/// A match laid out from its first event to its last.
#[derive(Debug)]
struct Laid<'m> {
    spec: &'m PatternSpec,
    context: &'m EvalContext,
    steps: Vec<&'m Link>,
    /// For each slot that names variables, the positions of their events (made when first asked for).
    positions: RefCell<Vec<Option<Arc<[u32]>>>>,
    /// For each aggregate slot, its value after each position of its variables' events, from none on.
    aggregates: RefCell<Vec<Option<Arc<[Value<'static>]>>>>,
    ends: Ends,
    number: u64,
    rows: Option<&'m KeptRows>,
    own: Option<&'m Event>,
    /// A navigation has looked behind the last row that is there.
    looked_ahead: Cell<bool>,
    waiting: Option<&'m str>,
}

impl<'m> Laid<'m> {
    fn new(spec: &'m PatternSpec, context: &'m EvalContext, back: impl Iterator<Item = &'m Link>, ends: Ends) -> Self {
        let mut steps: Vec<&Link> = back.collect();
        steps.reverse();
        let slots = spec.slots.len();
        Self {
            spec,
            context,
            steps,
            positions: RefCell::new(vec![None; slots]),
            aggregates: RefCell::new(vec![None; slots]),
            ends,
            number: 0,
            rows: None,
            own: None,
            looked_ahead: Cell::new(false),
            waiting: None,
        }
    }

    fn last(&self) -> Option<usize> {
        self.steps.len().checked_sub(1)
    }

    fn at(&self, position: Option<usize>) -> LaidAt<'_> {
        LaidAt { laid: self, position }
    }

    fn positions(&self, slot: SlotId, variables: &[VariableId]) -> Arc<[u32]> {
        let mut all = self.positions.borrow_mut();
        let positions = all[slot.0 as usize].get_or_insert_with(|| {
            let of = self.steps.iter().enumerate().filter(|(_, step)| variables.contains(&step.taking.variable));
            of.map(|(i, _)| u32::try_from(i).expect("a match has fewer than 2^32 events")).collect()
        });
        positions.clone()
    }

    /// The aggregate after the first `count` of its variables' events.
    fn aggregate(&self, slot: SlotId, variables: &[VariableId], call: &AggregateCall, count: usize) -> Value<'static> {
        if let Some(values) = &self.aggregates.borrow()[slot.0 as usize] {
            return values[count].clone();
        }
        let positions = self.positions(slot, variables);
        let mut accumulator = accumulator_of(call);
        let mut values = vec![accumulator.value()];
        let every = !matches!(self.spec.rows, RowOutput::OnePerMatch);
        for (nth, &position) in positions.iter().enumerate() {
            self.add(slot, call, position as usize, &mut accumulator);
            values.push(if every || nth + 1 == positions.len() { accumulator.value() } else { Value::Null });
        }
        let value = values[count].clone();
        self.aggregates.borrow_mut()[slot.0 as usize] = Some(values.into());
        value
    }

    fn add(&self, slot: SlotId, call: &AggregateCall, position: usize, accumulator: &mut crate::expr::Accumulator) {
        let link = self.steps[position];
        let event = &link.taking.event;
        if matches!(self.spec.slots[slot.0 as usize].kind, SlotKind::AggregateOverSlots { .. }) {
            update(call, accumulator, &self.at(Some(position)), event, self.context);
        } else {
            let input = self.spec.variables[link.taking.variable.0 as usize].input;
            update(call, accumulator, &EventRow { event, input }, event, self.context);
        }
    }

    fn struct_of(&self, link: &Link) -> Value<'static> {
        let input = self.spec.variables[link.taking.variable.0 as usize].input;
        link.taking.event.row(input).map_or(Value::Null, |row| Value::Struct(row.into()))
    }
}

/// The slots at one row of a match (`None`: an empty match).
struct LaidAt<'l> {
    laid: &'l Laid<'l>,
    position: Option<usize>,
}

impl LaidAt<'_> {
    /// How many events of the variables count: up to this row, or of the whole match.
    fn count(&self, positions: &[u32], is_final: bool) -> usize {
        match self.position {
            _ if is_final => positions.len(),
            Some(at) => positions.partition_point(|&p| p as usize <= at),
            None => 0,
        }
    }

    fn navigate(&self, slot: SlotId, variables: &[VariableId], base: NavigationBase, is_final: bool) -> Option<usize> {
        let positions = self.laid.positions(slot, variables);
        let count = self.count(&positions, is_final);
        let index = match base {
            NavigationBase::First(n) => Some(n as usize).filter(|n| *n < count),
            NavigationBase::Last(n) => count.checked_sub(1 + n as usize),
        };
        index.map(|i| positions[i] as usize)
    }

    fn column(&self, at: usize, column: usize, physical: i64) -> Value<'_> {
        let link = self.laid.steps[at];
        let input = self.laid.spec.variables[link.taking.variable.0 as usize].input;
        if physical == 0 {
            return link.taking.event.value(input, column);
        }
        let number = link.taking.event.index.checked_add_signed(physical);
        let row = number.and_then(|n| self.laid.rows.and_then(|rows| rows.row(n)));
        if physical > 0 && row.is_none() {
            self.laid.looked_ahead.set(true);
        }
        row.map_or(Value::Null, |event| event.value(input, column))
    }

    fn classifier(&self, at: usize, physical: i64) -> Value<'_> {
        let number = self.laid.steps[at].taking.event.index.checked_add_signed(physical);
        let first = self.laid.steps[0].taking.event.index;
        let step = number.and_then(|n| n.checked_sub(first)).and_then(|n| self.laid.steps.get(usize::try_from(n).ok()?));
        step.map_or(Value::Null, |s| Value::string(&*self.laid.spec.variables[s.taking.variable.0 as usize].name))
    }

    fn previous_in_loop(&self, slot: SlotId, variable: VariableId, column: usize, back: u32) -> Value<'_> {
        let positions = self.laid.positions(slot, &[variable]);
        let count = self.count(&positions, false);
        let run = positions[..count].iter().rposition(|&p| self.laid.steps[p as usize].first_in_loop).unwrap_or(0);
        match count.checked_sub(1 + back as usize) {
            Some(index) if index >= run => self.column(positions[index] as usize, column, 0),
            Some(_) | None => Value::Null,
        }
    }
}

impl Row for LaidAt<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        let laid = self.laid;
        match &laid.spec.slots[slot.0 as usize].kind {
            SlotKind::Column { variables, column, base, physical, is_final } => {
                let found = self.navigate(slot, variables, *base, *is_final);
                found.map_or(Value::Null, |at| self.column(at, *column, *physical))
            }
            SlotKind::Classifier { variables, base, physical, is_final } => {
                let found = self.navigate(slot, variables, *base, *is_final);
                found.map_or(Value::Null, |at| self.classifier(at, *physical))
            }
            SlotKind::PreviousInLoop { variable, column, back } => self.previous_in_loop(slot, *variable, *column, *back),
            SlotKind::Aggregate { variables, call, is_final } | SlotKind::AggregateOverSlots { variables, call, is_final } => {
                let count = self.count(&laid.positions(slot, variables), *is_final);
                laid.aggregate(slot, variables, call, count)
            }
            SlotKind::Event(variable) => {
                let positions = laid.positions(slot, &[*variable]);
                positions.last().map_or(Value::Null, |&p| laid.struct_of(laid.steps[p as usize]))
            }
            SlotKind::Events(variable) => {
                let positions = laid.positions(slot, &[*variable]);
                Value::List(positions.iter().map(|&p| laid.struct_of(laid.steps[p as usize])).collect())
            }
            SlotKind::MatchNumber => Value::Int(i64::try_from(laid.number).unwrap_or(i64::MAX)),
            SlotKind::StartTime => Value::Timestamp(laid.ends.start.time()),
            SlotKind::EndTime => Value::Timestamp(end_time(laid)),
            SlotKind::CurrentRow(column) => match (self.position, laid.own) {
                (Some(at), _) => laid.steps[at].taking.event.value(0, *column),
                (None, Some(own)) => own.value(0, *column),
                (None, None) => Value::Null,
            },
            SlotKind::WaitingStep => laid.waiting.map_or(Value::Null, Value::string),
        }
    }
}

fn end_time(laid: &Laid<'_>) -> Timestamp {
    laid.ends.end.time()
}
