//! Which expressions can never make up a NULL: it then does not matter how often they are evaluated.

use super::functions::{FloatOp, Kernel};
use super::tree::{Expr, ExprKind};
use crate::data::{DataType, Value};

impl Expr {
    /// Whether evaluation makes up no NULL whatever the row, and gives the same each time. Rather too cautious than too bold: what is not
    /// known to be so is not.
    pub fn is_total(&self) -> bool {
        let is_total_here = match &self.kind {
            ExprKind::Literal(_)
            | ExprKind::Slot(_)
            | ExprKind::Compare(_)
            | ExprKind::And
            | ExprKind::Or
            | ExprKind::Not
            | ExprKind::IsNull
            | ExprKind::IsBool(_)
            | ExprKind::In(_)
            | ExprKind::Between
            | ExprKind::Case
            | ExprKind::Coalesce
            | ExprKind::Field(_) => true,
            ExprKind::Cast => matches!((self.args[0].data_type(), &self.data_type), (DataType::Int, DataType::Float)),
            ExprKind::Call(call) => match call.kernel {
                Kernel::Float(FloatOp::Add | FloatOp::Sub | FloatOp::Mul) => true,
                Kernel::Float(FloatOp::Div | FloatOp::Rem) => matches!(self.args[1].as_literal(), Some(Value::Float(by)) if *by != 0.0),
                Kernel::Int(_) | Kernel::Values(_) => false,
            },
            ExprKind::Custom(_) => false,
        };
        is_total_here && self.args.iter().all(Expr::is_total)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::SlotId;
    use crate::expr::functions::lookup;

    #[test]
    fn what_can_overflow_or_divide_by_zero_is_not_total() {
        let slot = |data_type| Expr::slot(SlotId(0), data_type);
        let call = |name: &str, a: Expr, b: Expr| Expr::call(lookup(name).unwrap(), vec![a, b]).unwrap();
        let float = |value| Expr::literal(Value::Float(value));
        let int = |value| Expr::literal(Value::Int(value));
        assert!(call("*", slot(DataType::Float), float(4.0)).is_total());
        assert!(call("*", slot(DataType::Int), float(4.0)).is_total(), "an INT as FLOAT never fails");
        assert!(call("/", slot(DataType::Float), float(4.0)).is_total());
        assert!(!call("/", slot(DataType::Float), float(0.0)).is_total());
        assert!(!call("/", float(1.0), slot(DataType::Float)).is_total());
        assert!(!call("+", slot(DataType::Int), int(1)).is_total());
        assert!(!call("-", slot(DataType::Timestamp), slot(DataType::Timestamp)).is_total());
        assert!(!Expr::cast(slot(DataType::String), &DataType::Int).unwrap().is_total());
    }
}
