//! Terms of a pattern as text: slots by the names that a user would write.

use super::Said;
use crate::expr::{Expr, SlotId};
use crate::spec::{AggregateCall, NavigationBase, SlotKind, VariableId, VariableKind};

impl Said<'_> {
    /// A term; columns of `own` stand bare.
    pub(super) fn term(&self, term: &Expr, own: Option<VariableId>) -> String {
        term.to_text(&|slot: SlotId| self.slot(slot, own))
    }

    /// The terms of a variable, AND-ed, with late ones of a negated variable; nothing where there are none.
    pub(super) fn terms_of(&self, id: VariableId) -> Option<String> {
        let variable = self.variable(id);
        let late = self.spec.late_checks.iter().filter(|late| late.negated == id).map(|late| &late.condition);
        let terms: Vec<&Expr> = variable.checks.iter().chain(late).collect();
        let alone = terms.len() == 1;
        let text: Vec<String> = terms.into_iter().map(|term| self.one_of(term, id, alone)).collect();
        (!text.is_empty()).then(|| text.join(" AND "))
    }

    fn one_of(&self, term: &Expr, own: VariableId, alone: bool) -> String {
        let text = self.term(term, Some(own));
        let is_or = matches!(term.kind(), crate::expr::ExprKind::Or);
        if is_or && !alone { format!("({text})") } else { text }
    }

    fn slot(&self, slot: SlotId, own: Option<VariableId>) -> String {
        match &self.spec.slots[slot.0 as usize].kind {
            SlotKind::Column { variables, column, base, physical, is_final } => {
                let column = self.column(variables, *column, own);
                let text = match *base {
                    NavigationBase::Last(0) => column,
                    NavigationBase::Last(n) => format!("LAST({column}, {n})"),
                    NavigationBase::First(0) => format!("FIRST({column})"),
                    NavigationBase::First(n) => format!("FIRST({column}, {n})"),
                };
                let text = if *is_final { format!("FINAL {text}") } else { text };
                stepped(&text, *physical)
            }
            SlotKind::PreviousInLoop { variable, column, back: 1 } => format!("PREV({})", self.column(&[*variable], *column, own)),
            SlotKind::PreviousInLoop { variable, column, back } => format!("PREV({}, {back})", self.column(&[*variable], *column, own)),
            SlotKind::Aggregate { variables, call, .. } => self.aggregate(variables, call),
            SlotKind::AggregateOverSlots { call, .. } => {
                let args: Vec<String> = call.args.iter().map(|arg| self.term(arg, own)).collect();
                format!("{}({})", call.function.name(), args.join(", "))
            }
            SlotKind::Event(variable) | SlotKind::Events(variable) => self.variable(*variable).name.to_string(),
            SlotKind::Classifier { variables, physical, .. } => {
                stepped(&format!("CLASSIFIER({})", self.of(variables).unwrap_or_default()), *physical)
            }
            SlotKind::MatchNumber => "MATCH_NUMBER()".to_owned(),
            SlotKind::StartTime => "START_TIME".to_owned(),
            SlotKind::EndTime => "END_TIME".to_owned(),
            SlotKind::CurrentRow(column) => self.spec.inputs[0].fields()[*column].name.to_string(),
            SlotKind::WaitingStep => "step".to_owned(),
        }
    }

    fn column(&self, variables: &[VariableId], column: usize, own: Option<VariableId>) -> String {
        let input = self.variable(variables[0]).input;
        let name = &self.spec.inputs[input].fields()[column].name;
        match self.of(variables) {
            Some(_) if own == Some(variables[0]) && variables.len() == 1 => name.to_string(),
            Some(of) => format!("{of}.{name}"),
            None => name.to_string(),
        }
    }

    /// What stands for several variables; nothing for all of them.
    fn of(&self, variables: &[VariableId]) -> Option<String> {
        let steps = self.spec.variables.iter().filter(|v| v.kind == VariableKind::Step).count();
        match variables {
            [one] => Some(self.variable(*one).name.to_string()),
            several if several.len() >= steps => None,
            several => {
                let names: Vec<&str> = several.iter().map(|v| &*self.variable(*v).name).collect();
                Some(format!("({})", names.join(", ")))
            }
        }
    }

    fn aggregate(&self, variables: &[VariableId], call: &AggregateCall) -> String {
        let input = self.variable(variables[0]).input;
        let of = self.of(variables);
        let column = |slot: SlotId| {
            let name = &self.spec.inputs[input].fields()[slot.0 as usize].name;
            of.as_ref().map_or_else(|| name.to_string(), |of| format!("{of}.{name}"))
        };
        let args: Vec<String> = call.args.iter().map(|arg| arg.to_text(&column)).collect();
        let args = if args.is_empty() { of.clone().unwrap_or_else(|| "*".to_owned()) } else { args.join(", ") };
        let distinct = if call.distinct { "DISTINCT " } else { "" };
        let filter = call.filter.as_ref().map_or_else(String::new, |f| format!(" FILTER (WHERE {})", f.to_text(&column)));
        format!("{}({distinct}{args}){filter}", call.function.name())
    }
}

fn stepped(text: &str, physical: i64) -> String {
    match physical {
        0 => text.to_owned(),
        1 => format!("NEXT({text})"),
        -1 => format!("PREV({text})"),
        n if n > 0 => format!("NEXT({text}, {n})"),
        n => format!("PREV({text}, {})", n.unsigned_abs()),
    }
}
