//! The table of slots that the expressions of a pattern read. Equal slots are one, so that an aggregate that is named twice is kept once.

use crate::data::{DataType, Value};
use crate::expr::{Aggregate, CompareOp, Expr, SlotId, TypeError};
use crate::spec::{AggregateCall, Slot, SlotKind, VariableId};

/// The slots of a pattern so far.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    all: Vec<Slot>,
}

impl Slots {
    /// The expression that reads this slot, which is added if it is new.
    pub(crate) fn read(&mut self, kind: SlotKind, data_type: DataType) -> Expr {
        let known = self.all.iter().position(|slot| same(&slot.kind, &kind));
        let index = known.unwrap_or(self.all.len());
        if known.is_none() {
            self.all.push(Slot { kind, data_type: data_type.clone() });
        }
        Expr::slot(SlotId(u32::try_from(index).expect("a program has fewer than 2^32 slots")), data_type)
    }

    /// `COUNT(*)` over the events of these variables.
    pub(crate) fn count(&mut self, variables: Vec<VariableId>, count: &'static Aggregate) -> Expr {
        let call = AggregateCall { function: count.into(), args: Vec::new(), distinct: false, filter: None, data_type: DataType::Int };
        self.read(SlotKind::Aggregate { variables, call, is_final: false }, DataType::Int)
    }

    /// `COUNT(v) op other`
    pub(crate) fn compare_count(
        &mut self,
        variable: VariableId,
        count: &'static Aggregate,
        op: CompareOp,
        other: Expr,
    ) -> Result<Expr, TypeError> {
        let taken = self.count(vec![variable], count);
        Expr::compare(op, taken, other)
    }

    /// The table.
    pub(crate) fn into_table(self) -> Vec<Slot> {
        self.all
    }
}

/// The number 0 as a constant.
pub(crate) fn zero() -> Expr {
    Expr::literal(Value::Int(0))
}

/// Whether two slots always read the same.
fn same(one: &SlotKind, other: &SlotKind) -> bool {
    use SlotKind as S;
    match (one, other) {
        (
            S::Column { variables, column, base, physical, is_final },
            S::Column { variables: variables2, column: column2, base: base2, physical: physical2, is_final: final2 },
        ) => variables == variables2 && column == column2 && base == base2 && physical == physical2 && is_final == final2,
        (S::PreviousInLoop { variable, column, back }, S::PreviousInLoop { variable: variable2, column: column2, back: back2 }) => {
            variable == variable2 && column == column2 && back == back2
        }
        (S::Aggregate { variables, call, is_final }, S::Aggregate { variables: variables2, call: call2, is_final: final2 })
        | (
            S::AggregateOverSlots { variables, call, is_final },
            S::AggregateOverSlots { variables: variables2, call: call2, is_final: final2 },
        ) => variables == variables2 && is_final == final2 && same_call(call, call2),
        (
            S::Classifier { variables, base, physical, is_final },
            S::Classifier { variables: variables2, base: base2, physical: physical2, is_final: final2 },
        ) => variables == variables2 && base == base2 && physical == physical2 && is_final == final2,
        (S::Event(variable), S::Event(variable2)) | (S::Events(variable), S::Events(variable2)) => variable == variable2,
        (S::CurrentRow(column), S::CurrentRow(column2)) => column == column2,
        (S::MatchNumber, S::MatchNumber) | (S::StartTime, S::StartTime) | (S::EndTime, S::EndTime) | (S::WaitingStep, S::WaitingStep) => {
            true
        }
        _ => false,
    }
}

fn same_call(one: &AggregateCall, other: &AggregateCall) -> bool {
    one.function == other.function && one.args == other.args && one.distinct == other.distinct && one.filter == other.filter
}
