//! What a thread remembers of its history for the terms still to be checked: a few events and accumulators, never the whole way back.
//!
//! Each slot that a term reads asks for a register: the last few events of some variables, the first few, or an accumulator. Taking an event
//! gives a new row of registers and leaves the old one as it was, for the threads that share it. Two threads at one state whose live
//! registers are equal can never be told apart by a later term, which is what lets them be merged.

use std::sync::Arc;

use super::event::Event;
use super::variables::VariableSet;
use crate::data::Value;
use crate::expr::{Accumulator, EvalContext, Expr, Row, SlotId};
use crate::spec::{AggregateCall, NavigationBase, PatternSpec, SlotKind, VariableId};

/// An event with the variable that took it.
#[derive(Debug, Clone)]
pub(crate) struct Taking {
    pub(crate) event: Arc<Event>,
    pub(crate) variable: VariableId,
}

crate::saved!(Taking { event, variable });

impl PartialEq for Taking {
    /// Events of one partition are the same when their numbers are.
    fn eq(&self, other: &Self) -> bool {
        self.event.index == other.event.index && self.variable == other.variable
    }
}

/// One register of a thread.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Register {
    /// The latest first, or the earliest first, at most as many as the register is deep.
    Events(Arc<[Taking]>),
    /// An aggregate so far.
    Accumulator(Box<Accumulator>),
}

crate::saved!(enum Register { 0 => Events(events), 1 => Accumulator(accumulator) });

/// What a register is for.
#[derive(Debug, Clone, PartialEq)]
enum Purpose {
    Latest { variables: VariableSet, depth: usize },
    Earliest { variables: VariableSet, depth: usize },
    LatestInLoop { variable: VariableId, depth: usize },
    Accumulate { variables: VariableSet, slot: usize },
}

/// Which registers the terms of a pattern need.
#[derive(Debug)]
pub(crate) struct RegisterPlan {
    purposes: Vec<Purpose>,
    /// The register that a slot reads.
    by_slot: Vec<Option<usize>>,
    /// For each variable, the registers that the terms checked when it takes an event read.
    by_variable: Vec<Vec<usize>>,
}

impl RegisterPlan {
    /// The registers for these terms, each with the variable at which it is checked.
    pub(crate) fn new<'e>(spec: &PatternSpec, terms: impl Iterator<Item = (VariableId, &'e Expr)>) -> Self {
        let mut plan =
            Self { purposes: Vec::new(), by_slot: vec![None; spec.slots.len()], by_variable: vec![Vec::new(); spec.variables.len()] };
        for (variable, term) in terms {
            for slot in term.slots() {
                plan.need(spec, variable, slot.0 as usize);
            }
        }
        plan
    }

    fn need(&mut self, spec: &PatternSpec, at: VariableId, slot: usize) {
        let purpose = match &spec.slots[slot].kind {
            SlotKind::Column { variables, base, .. } | SlotKind::Classifier { variables, base, .. } => {
                let variables = variables.iter().copied().collect();
                match *base {
                    NavigationBase::Last(n) => Purpose::Latest { variables, depth: n as usize + 1 },
                    NavigationBase::First(n) => Purpose::Earliest { variables, depth: n as usize + 1 },
                }
            }
            SlotKind::PreviousInLoop { variable, back, .. } => Purpose::LatestInLoop { variable: *variable, depth: *back as usize + 1 },
            SlotKind::Aggregate { variables, .. } => Purpose::Accumulate { variables: variables.iter().copied().collect(), slot },
            SlotKind::AggregateOverSlots { variables, call, .. } => {
                for inner in call.args.iter().chain(&call.filter).flat_map(Expr::slots) {
                    self.need(spec, at, inner.0 as usize);
                }
                Purpose::Accumulate { variables: variables.iter().copied().collect(), slot }
            }
            SlotKind::Event(_)
            | SlotKind::Events(_)
            | SlotKind::MatchNumber
            | SlotKind::StartTime
            | SlotKind::EndTime
            | SlotKind::CurrentRow(_)
            | SlotKind::WaitingStep => return,
        };
        let register = self.register_for(purpose);
        self.by_slot[slot] = Some(register);
        let read = &mut self.by_variable[at.0 as usize];
        if !read.contains(&register) {
            read.push(register);
        }
    }

    /// A register for this purpose: one that serves it already, made deeper where need be, or a new one.
    fn register_for(&mut self, purpose: Purpose) -> usize {
        use Purpose::{Earliest, Latest, LatestInLoop};
        for (index, there) in self.purposes.iter_mut().enumerate() {
            match (there, &purpose) {
                (Latest { variables: a, depth }, Latest { variables: b, depth: d })
                | (Earliest { variables: a, depth }, Earliest { variables: b, depth: d })
                    if a == b =>
                {
                    *depth = (*depth).max(*d);
                    return index;
                }
                (LatestInLoop { variable: a, depth }, LatestInLoop { variable: b, depth: d }) if a == b => {
                    *depth = (*depth).max(*d);
                    return index;
                }
                (there, purpose) if there == purpose => return index,
                _ => {}
            }
        }
        self.purposes.push(purpose);
        self.purposes.len() - 1
    }

    /// The register that a slot reads.
    pub(crate) fn of_slot(&self, slot: SlotId) -> Option<usize> {
        self.by_slot[slot.0 as usize]
    }

    /// The register of a loop variable's own last events.
    pub(crate) fn latest_in_loop(&self, of: VariableId) -> Option<usize> {
        self.purposes.iter().position(|p| matches!(p, Purpose::LatestInLoop { variable, .. } if *variable == of))
    }

    /// The registers that terms at this variable read.
    pub(crate) fn read_at(&self, variable: VariableId) -> &[usize] {
        &self.by_variable[variable.0 as usize]
    }

    /// The registers before any event.
    pub(crate) fn initial(&self, spec: &PatternSpec) -> Arc<[Register]> {
        let empty: Arc<[Taking]> = Arc::new([]);
        let register = |purpose: &Purpose| match purpose {
            Purpose::Latest { .. } | Purpose::Earliest { .. } | Purpose::LatestInLoop { .. } => Register::Events(empty.clone()),
            Purpose::Accumulate { slot, .. } => Register::Accumulator(Box::new(accumulator_of(aggregate_call(spec, *slot)))),
        };
        self.purposes.iter().map(register).collect()
    }

    /// The registers after `taken`. `view` reads slots as they are with it.
    pub(crate) fn after(&self, before: &Arc<[Register]>, taken: &Taking, first_in_loop: bool, at: &TakingAt<'_>) -> Arc<[Register]> {
        if !self.purposes.iter().any(|p| p.concerns(taken.variable)) {
            return before.clone();
        }
        let step = |(purpose, register): (&Purpose, &Register)| {
            if !purpose.concerns(taken.variable) {
                return register.clone();
            }
            match (purpose, register) {
                (Purpose::Latest { depth, .. }, Register::Events(events)) => Register::Events(pushed_front(events, taken, *depth)),
                (Purpose::LatestInLoop { depth, .. }, Register::Events(events)) => {
                    let run: &[Taking] = if first_in_loop { &[] } else { events };
                    Register::Events(pushed_front(run, taken, *depth))
                }
                (Purpose::Earliest { depth, .. }, Register::Events(events)) if events.len() < *depth => {
                    Register::Events(events.iter().chain([taken]).cloned().collect())
                }
                (Purpose::Earliest { .. }, Register::Events(events)) => Register::Events(events.clone()),
                (Purpose::Accumulate { slot, .. }, Register::Accumulator(accumulator)) => {
                    let mut accumulator = accumulator.clone();
                    at.accumulate(*slot, &mut accumulator);
                    Register::Accumulator(accumulator)
                }
                (Purpose::Latest { .. } | Purpose::Earliest { .. } | Purpose::LatestInLoop { .. }, Register::Accumulator(_))
                | (Purpose::Accumulate { .. }, Register::Events(_)) => unreachable!("a register is what its purpose made it"),
            }
        };
        self.purposes.iter().zip(before.iter()).map(step).collect()
    }
}

impl Purpose {
    fn concerns(&self, taken: VariableId) -> bool {
        match self {
            Self::Latest { variables, .. } | Self::Earliest { variables, .. } | Self::Accumulate { variables, .. } => {
                variables.contains(taken)
            }
            Self::LatestInLoop { variable, .. } => *variable == taken,
        }
    }
}

fn pushed_front(events: &[Taking], taken: &Taking, depth: usize) -> Arc<[Taking]> {
    std::iter::once(taken).chain(events).take(depth).cloned().collect()
}

/// The aggregate that a slot stands for.
pub(crate) fn aggregate_call(spec: &PatternSpec, slot: usize) -> &AggregateCall {
    spec.slots[slot].kind.aggregate().expect("the slot is an aggregate")
}

/// An empty accumulator of an aggregate.
pub(crate) fn accumulator_of(call: &AggregateCall) -> Accumulator {
    let types: Vec<_> = call.args.iter().map(|a| a.data_type().clone()).collect();
    Accumulator::of(&call.function, &types, call.distinct)
}

/// Taking an event, as accumulators see it.
pub(crate) struct TakingAt<'a> {
    pub(crate) spec: &'a PatternSpec,
    pub(crate) event: &'a Event,
    pub(crate) variable: VariableId,
    /// Reads the slots of the pattern as they are with the event taken.
    pub(crate) slots: &'a dyn Row,
    pub(crate) context: &'a EvalContext,
}

impl TakingAt<'_> {
    /// Adds the event to the accumulator of a slot.
    pub(crate) fn accumulate(&self, slot: usize, accumulator: &mut Accumulator) {
        match &self.spec.slots[slot].kind {
            SlotKind::Aggregate { call, .. } => {
                let row = EventRow { event: self.event, input: self.spec.variables[self.variable.0 as usize].input };
                update(call, accumulator, &row, self.event, self.context);
            }
            SlotKind::AggregateOverSlots { call, .. } => update(call, accumulator, self.slots, self.event, self.context),
            _ => unreachable!("the slot is an aggregate"),
        }
    }
}

/// Adds one row to an accumulator, if the aggregate's FILTER lets it in.
pub(crate) fn update(call: &AggregateCall, accumulator: &mut Accumulator, row: &dyn Row, event: &Event, context: &EvalContext) {
    if call.filter.as_ref().is_some_and(|filter| !filter.eval(row, context).is_true()) {
        return;
    }
    let args: Vec<Value<'_>> = call.args.iter().map(|a| a.eval(row, context)).collect();
    accumulator.update(&args, event.place);
}

/// A row of an event: its slots are the columns of one input.
pub(crate) struct EventRow<'a> {
    pub(crate) event: &'a Event,
    pub(crate) input: usize,
}

impl Row for EventRow<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        self.event.value(self.input, slot.0 as usize)
    }
}
