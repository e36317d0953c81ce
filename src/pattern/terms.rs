//! The terms of a pattern, and whether they hold for a candidate.
//!
//! A term that reads the candidate alone is *unary*: it is evaluated over whole batches beforehand, and here its verdict is one bit. The
//! others see the candidate as already taken, with the registers of the thread behind it.

use std::cell::Cell;
use std::sync::Arc;

use super::event::{Candidate, Event};
use super::registers::{Register, RegisterPlan, Taking, TakingAt};
use super::state::{Behind, Reach, Undecided, Watch};
use super::variables::VariableSet;
use crate::data::{Duration, EventBatch, Place, Timestamp, Value};
use crate::expr::{EvalContext, Expr, Row, SlotId};
use crate::spec::{NavigationBase, PatternSpec, SlotKind, VariableId, Within, is_unary};

/// The terms of a pattern, sorted by when they are checked.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) spec: Arc<PatternSpec>,
    pub(crate) plan: RegisterPlan,
    /// For each variable, its unary terms over the columns of its input.
    unary: Vec<Vec<Expr>>,
    /// For each variable, the rest of its terms.
    correlated: Vec<Vec<Expr>>,
    /// For each of those, how many rows it looks ahead.
    ahead: Vec<Vec<u64>>,
    /// For each variable, whether it is a negated one that a later variable decides on.
    waits: Vec<bool>,
    pub(crate) context: EvalContext,
}

impl Terms {
    pub(crate) fn new(spec: Arc<PatternSpec>) -> Self {
        let ids = || (0..).map(VariableId);
        let mut unary = Vec::new();
        let mut correlated: Vec<Vec<Expr>> = Vec::new();
        for (id, variable) in ids().zip(&spec.variables) {
            let (alone, rest): (Vec<&Expr>, Vec<&Expr>) = variable.checks.iter().partition(|term| is_unary(&spec, id, term));
            unary.push(alone.into_iter().map(|term| over_columns(&spec, term)).collect());
            correlated.push(rest.into_iter().cloned().collect());
        }
        let at_variables = ids().zip(&spec.variables).zip(&correlated);
        let terms = at_variables.flat_map(|((id, variable), rest)| rest.iter().chain(&variable.checks_after_first).map(move |t| (id, t)));
        let plan = RegisterPlan::new(&spec, terms.chain(spec.late_checks.iter().map(|late| (late.at, &late.condition))));
        let waits = ids().take(spec.variables.len()).map(|id| spec.late_checks.iter().any(|l| l.negated == id)).collect();
        let ahead = correlated.iter().map(|terms| terms.iter().map(|term| rows_ahead(&spec, term)).collect()).collect();
        Self { plan, unary, correlated, ahead, waits, context: EvalContext::new(), spec }
    }

    /// For each variable, the rows of its input's batch for which its unary terms hold.
    pub(crate) fn masks(&self, inputs: &[EventBatch]) -> Vec<Vec<bool>> {
        let mask = |(variable, terms): (&crate::spec::VariableSpec, &Vec<Expr>)| {
            let batch = &inputs[variable.input];
            let mut mask = vec![true; batch.len()];
            for term in terms {
                let mut holds = vec![false; batch.len()];
                for row in term.select(batch, &self.context) {
                    holds[row as usize] = true;
                }
                mask.iter_mut().zip(holds).for_each(|(m, h)| *m &= h);
            }
            mask
        };
        self.spec.variables.iter().zip(&self.unary).map(mask).collect()
    }

    /// The unary terms of a variable, over the columns of its input.
    pub(crate) fn unary_of(&self, variable: VariableId) -> &[Expr] {
        &self.unary[variable.0 as usize]
    }

    /// The terms of a variable that read more than the candidate.
    pub(crate) fn correlated_of(&self, variable: VariableId) -> &[Expr] {
        &self.correlated[variable.0 as usize]
    }

    pub(crate) fn input_of(&self, variable: VariableId) -> usize {
        self.spec.variables[variable.0 as usize].input
    }

    /// Whether nothing but the candidate itself decides about this variable.
    pub(crate) fn is_only_unary(&self, variable: VariableId) -> bool {
        self.correlated[variable.0 as usize].is_empty() && !self.waits[variable.0 as usize]
    }

    /// Whether a variable of these may still decide on an event of a negated one.
    pub(crate) fn may_decide(&self, negated: VariableId, reachable: &VariableSet) -> bool {
        self.spec.late_checks.iter().any(|late| late.negated == negated && reachable.contains(late.at))
    }

    /// Whether a later variable decides whether events of a negated one are forbidden.
    fn waits_for_later(&self, negated: VariableId) -> bool {
        self.waits[negated.0 as usize]
    }
}

/// How many rows behind the candidate a term looks at.
fn rows_ahead(spec: &PatternSpec, term: &Expr) -> u64 {
    let of_slot = |slot: SlotId| match &spec.slots[slot.0 as usize].kind {
        SlotKind::Column { physical, .. } | SlotKind::Classifier { physical, .. } => u64::try_from(*physical).unwrap_or(0),
        SlotKind::AggregateOverSlots { call, .. } => call.args.iter().map(|arg| rows_ahead(spec, arg)).max().unwrap_or(0),
        _ => 0,
    };
    term.slots().into_iter().map(of_slot).max().unwrap_or(0)
}

/// A unary term with its slots turned into columns.
pub(crate) fn over_columns(spec: &PatternSpec, term: &Expr) -> Expr {
    term.map_slots(&|slot| match &spec.slots[slot.0 as usize].kind {
        SlotKind::Column { column, .. } => SlotId(u32::try_from(*column).expect("a stream has fewer than 2^32 columns")),
        _ => unreachable!("a unary term reads columns"),
    })
}

/// What stands around a thread: its start, its partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// Where the match starts; `None` while the candidate is the start.
    pub(crate) start: Option<Place>,
    pub(crate) match_number: u64,
    /// Rows of the partition by number, for PREV and NEXT of MATCH_RECOGNIZE.
    pub(crate) rows: Option<&'a dyn RowsByNumber>,
    /// How many rows behind the candidate are there, or as good as there: behind the end of the partition all are known to be none.
    pub(crate) rows_ahead: u64,
    /// Events of negated variables that stand before the first step.
    pub(crate) before: &'a Before,
}

/// Rows of a partition that are still kept.
pub(crate) trait RowsByNumber: std::fmt::Debug {
    /// The row of this number.
    fn row(&self, index: u64) -> Option<&Arc<Event>>;
}

/// Events that a `!B` at the start of a pattern looks back at, in order.
#[derive(Debug, Default)]
pub(crate) struct Before {
    pub(crate) events: Vec<(VariableId, std::collections::VecDeque<Arc<Event>>)>,
}

crate::saved!(Before { events });

/// The slots of the pattern, with a candidate taken (or, for a negated variable, looked at).
pub(crate) struct View<'a> {
    pub(crate) terms: &'a Terms,
    pub(crate) registers: &'a [Register],
    pub(crate) candidate: &'a Candidate<'a>,
    pub(crate) variable: VariableId,
    pub(crate) first_in_loop: bool,
    /// The event between that a late term looks at.
    pub(crate) between: Option<&'a Undecided>,
    pub(crate) around: Surroundings<'a>,
}

/// An event that a navigation found.
enum Found<'a> {
    Candidate,
    Taken(&'a Taking),
    Between(&'a Undecided),
}

impl<'a> View<'a> {
    fn find(&self, slot: SlotId, variables: &[VariableId], base: NavigationBase) -> Option<Found<'_>> {
        if let Some(between) = self.between
            && variables.contains(&between.negated)
        {
            return Some(Found::Between(between));
        }
        let register = self.terms.plan.of_slot(slot).map(|r| &self.registers[r]);
        let kept: &[Taking] = match register {
            Some(Register::Events(events)) => events,
            Some(Register::Accumulator(_)) | None => &[],
        };
        let takes = variables.contains(&self.variable);
        match base {
            NavigationBase::Last(0) if takes => Some(Found::Candidate),
            NavigationBase::Last(n) => kept.get(n as usize - usize::from(takes)).map(Found::Taken),
            NavigationBase::First(n) => match kept.get(n as usize) {
                Some(taking) => Some(Found::Taken(taking)),
                None => (takes && kept.len() == n as usize).then_some(Found::Candidate),
            },
        }
    }

    fn number_of(&self, found: &Found<'_>) -> u64 {
        match found {
            Found::Candidate => self.candidate.index,
            Found::Taken(taking) => taking.event.index,
            Found::Between(between) => between.event.index,
        }
    }

    fn column(&self, found: Option<Found<'_>>, variables: &[VariableId], column: usize, physical: i64) -> Value<'_> {
        let Some(found) = found else { return Value::Null };
        let input = self.terms.input_of(variables[0]);
        if physical != 0 {
            let number = self.number_of(&found).checked_add_signed(physical);
            let row = number.and_then(|n| self.around.rows.and_then(|rows| rows.row(n)));
            return row.map_or(Value::Null, |event| event.value(input, column));
        }
        match found {
            Found::Candidate => self.candidate.value(input, column),
            // The registers and the event between outlive the view, the enum that names them does not.
            Found::Taken(taking) => taking.event.value(input, column).into_owned(),
            Found::Between(between) => between.event.value(input, column).into_owned(),
        }
    }

    fn previous_in_loop(&self, slot: SlotId, variable: VariableId, column: usize, back: u32) -> Value<'_> {
        let Some(Register::Events(run)) = self.terms.plan.of_slot(slot).map(|r| &self.registers[r]) else { return Value::Null };
        let input = self.terms.input_of(variable);
        if self.variable != variable {
            return run.get(back as usize).map_or(Value::Null, |t| t.event.value(input, column));
        }
        if self.first_in_loop {
            return Value::Null;
        }
        run.get(back as usize - 1).map_or(Value::Null, |t| t.event.value(input, column))
    }

    fn aggregate(&self, slot: SlotId, variables: &[VariableId]) -> Value<'_> {
        let Some(Register::Accumulator(accumulator)) = self.terms.plan.of_slot(slot).map(|r| &self.registers[r]) else {
            unreachable!("an aggregate in a term has a register");
        };
        if !variables.contains(&self.variable) {
            return accumulator.value();
        }
        let mut accumulator = (**accumulator).clone();
        self.taking(|at| at.accumulate(slot.0 as usize, &mut accumulator));
        accumulator.value()
    }

    /// Hands out the candidate as taken.
    pub(crate) fn taking<T>(&self, with: impl FnOnce(&TakingAt<'_>) -> T) -> T {
        with(&TakingAt {
            spec: &self.terms.spec,
            event: self.candidate.event(),
            variable: self.variable,
            slots: self,
            context: &self.terms.context,
        })
    }

    /// CLASSIFIER(): known for rows of the match up to the candidate. Rows of MATCH_RECOGNIZE follow each other, so the register that holds
    /// the last rows of all variables knows the row so many back.
    fn classifier(&self, slot: SlotId, variables: &[VariableId], base: NavigationBase, physical: i64) -> Value<'_> {
        let Some(found) = self.find(slot, variables, base) else { return Value::Null };
        let named = |variable: VariableId| Value::string(&*self.terms.spec.variables[variable.0 as usize].name);
        match (&found, physical) {
            (Found::Candidate, 0) => named(self.variable),
            (Found::Taken(taking), 0) => named(taking.variable),
            (Found::Between(between), 0) => named(between.negated),
            _ => {
                let Some(number) = self.number_of(&found).checked_add_signed(physical) else { return Value::Null };
                if number == self.candidate.index {
                    return named(self.variable);
                }
                let registers = self.registers.iter().filter_map(|r| match r {
                    Register::Events(events) => Some(events),
                    Register::Accumulator(_) => None,
                });
                let mut takings = registers.flat_map(|events| events.iter());
                takings.find(|t| t.event.index == number).map_or(Value::Null, |t| named(t.variable))
            }
        }
    }
}

impl Row for View<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        match &self.terms.spec.slots[slot.0 as usize].kind {
            SlotKind::Column { variables, column, base, physical, .. } => {
                self.column(self.find(slot, variables, *base), variables, *column, *physical)
            }
            SlotKind::PreviousInLoop { variable, column, back } => self.previous_in_loop(slot, *variable, *column, *back),
            SlotKind::Aggregate { variables, .. } | SlotKind::AggregateOverSlots { variables, .. } => self.aggregate(slot, variables),
            SlotKind::Classifier { variables, base, physical, .. } => self.classifier(slot, variables, *base, *physical),
            SlotKind::MatchNumber => Value::Int(i64::try_from(self.around.match_number).unwrap_or(i64::MAX)),
            SlotKind::StartTime => Value::Timestamp(self.around.start.map_or(self.candidate.time(), Place::time)),
            SlotKind::EndTime => Value::Timestamp(self.candidate.time()),
            SlotKind::CurrentRow(column) => self.candidate.value(0, *column),
            SlotKind::Event(_) | SlotKind::Events(_) | SlotKind::WaitingStep => Value::Null,
        }
    }
}

/// Asks the terms about one candidate, for one thread.
pub(crate) struct Probe<'a> {
    pub(crate) terms: &'a Terms,
    pub(crate) candidate: &'a Candidate<'a>,
    /// The variables whose unary terms hold for the candidate, and whose input it belongs to.
    pub(crate) fits: &'a VariableSet,
    pub(crate) registers: &'a [Register],
    pub(crate) undecided: &'a [Undecided],
    pub(crate) around: Surroundings<'a>,
    /// Negated variables whose events so far no longer count: a round of a loop around this way begins anew.
    pub(crate) forgotten: Vec<VariableId>,
    /// A term looked at a row that has not come yet, so its verdict is open.
    pub(crate) is_unknown: Cell<bool>,
}

impl<'a> Probe<'a> {
    pub(crate) fn view(&self, variable: VariableId, first_in_loop: bool) -> View<'_> {
        View {
            terms: self.terms,
            registers: self.registers,
            candidate: self.candidate,
            variable,
            first_in_loop,
            between: None,
            around: self.around,
        }
    }

    /// Whether the candidate can be taken for a variable.
    pub(crate) fn fits(&self, variable: VariableId, first_in_loop: bool) -> bool {
        if !self.meets(variable, first_in_loop) {
            return false;
        }
        let late = &self.terms.spec.variables[variable.0 as usize].checks_after_first;
        if !late.is_empty() && !first_in_loop && self.has_previous(variable) {
            let view = self.view(variable, first_in_loop);
            if !late.iter().all(|term| term.eval(&view, &self.terms.context).is_true()) {
                return false;
            }
        }
        true
    }

    /// Whether the variable has taken an event in this run of its loop.
    fn has_previous(&self, variable: VariableId) -> bool {
        let register = self.terms.plan.latest_in_loop(variable).map(|register| &self.registers[register]);
        !matches!(register, Some(Register::Events(events)) if events.is_empty())
    }

    /// Whether the candidate meets the terms of a variable.
    fn meets(&self, variable: VariableId, first_in_loop: bool) -> bool {
        if !self.fits.contains(variable) {
            return false;
        }
        let terms = &self.terms.correlated[variable.0 as usize];
        if terms.is_empty() {
            return true;
        }
        let view = self.view(variable, first_in_loop);
        let holds = |term: &Expr| term.eval(&view, &self.terms.context).is_true();
        let ahead = &self.terms.ahead[variable.0 as usize];
        if self.around.rows_ahead >= ahead.iter().copied().max().unwrap_or(0) {
            return terms.iter().all(holds);
        }
        // A term that looks further ahead than rows are there is open, unless another one is false.
        let known = terms.iter().zip(ahead).filter(|(_, ahead)| **ahead <= self.around.rows_ahead);
        if known.into_iter().all(|(term, _)| holds(term)) {
            self.is_unknown.set(true);
        }
        false
    }

    /// The events of negations that are undecided once the variable has taken the candidate, with those that lie behind the way;
    /// `None` where one of them forbids it. A loop variable decides again with each event that it takes.
    pub(crate) fn still_undecided(&self, variable: VariableId, behind: Behind<'_>) -> Option<Vec<Undecided>> {
        let before = self.undecided_before(behind.watches);
        let is_over = |event: &&Undecided| behind.forgets.contains(&event.negated) || self.forgotten.contains(&event.negated);
        let earlier = self.undecided.iter().filter(|event| !is_over(event));
        let mut left = Vec::new();
        for event in earlier.chain(behind.hits).chain(&before) {
            let mut late = self.terms.spec.late_checks.iter().filter(|late| late.negated == event.negated);
            let view = View { between: Some(event), ..self.view(variable, false) };
            let forbids = |late: &crate::spec::LateCheck| late.condition.eval(&view, &self.terms.context).is_true();
            if late.clone().any(|late| late.at == variable && forbids(late)) {
                return None;
            }
            if late.any(|late| late.at != variable || self.terms.spec.variables[variable.0 as usize].looped) {
                left.push(event.clone());
            }
        }
        Some(left)
    }

    /// Whether the candidate ends the loops of this UNTIL.
    pub(crate) fn ends_loop(&self, until: VariableId) -> bool {
        self.meets(until, false)
    }

    /// Whether the candidate, which is not taken, hits one of the negations. One that a later variable decides on is noted instead.
    pub(crate) fn hits(&self, watches: &[Watch], to_decide: &mut Vec<VariableId>) -> bool {
        for watch in watches.iter().filter(|w| !matches!(w.reach, Reach::Before(_))) {
            if !self.meets(watch.variable, false) {
                continue;
            }
            if !self.terms.waits_for_later(watch.variable) {
                return true;
            }
            if !to_decide.contains(&watch.variable) {
                to_decide.push(watch.variable);
            }
        }
        false
    }

    /// Whether no event before, or between, forbids the variable to take the candidate.
    pub(crate) fn is_allowed(&self, variable: VariableId, behind: Behind<'_>) -> bool {
        let forbids = |watch: &Watch| match watch.reach {
            Reach::Before(back) => !self.terms.waits_for_later(watch.variable) && self.found_before(watch.variable, back).next().is_some(),
            Reach::Between | Reach::NextEvent => false,
        };
        !behind.watches.iter().any(forbids) && self.still_undecided(variable, behind).is_some()
    }

    /// The events before the candidate that are to be decided on later.
    fn undecided_before(&self, watches: &[Watch]) -> Vec<Undecided> {
        let mut undecided = Vec::new();
        for watch in watches {
            let Reach::Before(back) = watch.reach else { continue };
            if self.terms.waits_for_later(watch.variable) {
                undecided.extend(
                    self.found_before(watch.variable, back).map(|event| Undecided { negated: watch.variable, event: event.clone() }),
                );
            }
        }
        undecided
    }

    /// The events of a negated variable that stand before the candidate, at most so long.
    fn found_before(&self, negated: VariableId, back: Option<Duration>) -> impl Iterator<Item = &'a Arc<Event>> {
        let terms = self.terms;
        let (within, first_index) = match terms.spec.within {
            Some(Within::Time(duration)) => (Some(duration), 0),
            // FOR says how far back; without it a match of n events has n - 1 of them before its first.
            Some(Within::Events(n)) if back.is_none() => (None, (self.candidate.index + 1).saturating_sub(n)),
            Some(Within::Events(_)) | None => (None, 0),
        };
        let earliest = back.or(within).map_or(Timestamp::MIN, |d| self.candidate.time().saturating_sub(d));
        let (candidate, registers, around, fits) = (self.candidate.place, self.registers, self.around, self.fits);
        let of_variable = around.before.events.iter().filter(move |(v, _)| *v == negated);
        let events = of_variable.flat_map(|(_, events)| events.iter().rev());
        events.take_while(move |e| e.time() >= earliest && e.index >= first_index).filter(move |event| {
            if event.place >= candidate {
                return false;
            }
            let looked_at = Candidate::of_event((*event).clone());
            let probe = Probe {
                terms,
                candidate: &looked_at,
                fits,
                registers,
                undecided: &[],
                around,
                forgotten: Vec::new(),
                is_unknown: Cell::new(false),
            };
            let view = probe.view(negated, false);
            terms.correlated[negated.0 as usize].iter().all(|term| term.eval(&view, &terms.context).is_true())
        })
    }
}
