//! Whether an expression can fail: make up a NULL, which is counted, or ask the user's own code.
//!
//! One that cannot may be evaluated earlier, for more rows, or twice, and nobody can tell.

use super::functions::{FloatOp, Kernel, Prepared};
use super::tree::{Call, Expr, ExprKind};
use crate::data::DataType;

impl Expr {
    /// Whether the expression never makes up a NULL, whatever the row, and calls no function of the user's. What is not known to be so is not.
    pub fn is_total(&self) -> bool {
        let is_total = match &self.kind {
            ExprKind::Literal(_)
            | ExprKind::Slot(_)
            | ExprKind::Compare(_)
            | ExprKind::And
            | ExprKind::Or
            | ExprKind::Not
            | ExprKind::IsNull
            | ExprKind::IsDistinct
            | ExprKind::IsBool(_)
            | ExprKind::In(_)
            | ExprKind::Between
            | ExprKind::Case
            | ExprKind::Coalesce
            | ExprKind::Field(_) => true,
            ExprKind::Cast => matches!((&self.args[0].data_type, &self.data_type), (DataType::Int, DataType::Float) | (DataType::Null, _)),
            ExprKind::Call(call) => is_total_call(call, &self.args),
            ExprKind::Custom(_) => false,
        };
        is_total && self.args.iter().all(Self::is_total)
    }
}

fn is_total_call(call: &Call, args: &[Expr]) -> bool {
    let is_float_magnitude = call.function.name == "ABS" && args.iter().all(|arg| arg.data_type == DataType::Float);
    match call.kernel {
        // Too large a FLOAT is an infinity.
        Kernel::Float(FloatOp::Add | FloatOp::Sub | FloatOp::Mul) => true,
        Kernel::Float(FloatOp::Div | FloatOp::Rem) | Kernel::Int(_) => false,
        // A pattern that is constant has been understood already; of these the others always have a value.
        Kernel::Values(_) => {
            const ALWAYS: [&str; 6] = ["CONTAINS", "STARTS_WITH", "ENDS_WITH", "LOWER", "UPPER", "LENGTH"];
            matches!(call.prepared, Prepared::Like(_)) || ALWAYS.contains(&call.function.name) || is_float_magnitude
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{DataType, Value};
    use crate::expr::functions::lookup;
    use crate::expr::{CompareOp, Expr, SlotId};

    #[test]
    fn what_can_fail_is_not_total() {
        let float = || Expr::slot(SlotId(0), DataType::Float);
        let int = || Expr::slot(SlotId(1), DataType::Int);
        let call = |name: &str, args: Vec<Expr>| Expr::call(lookup(name).unwrap(), args).unwrap();
        let above = |e: Expr| Expr::compare(CompareOp::Greater, e, Expr::literal(Value::Float(1.0))).unwrap();
        let text = || Expr::slot(SlotId(2), DataType::String);
        let like = |pattern: Expr| Expr::like(text(), pattern, None, false).unwrap();
        assert!(above(float()).is_total() && above(int()).is_total());
        assert!(above(call("*", vec![float(), int()])).is_total());
        assert!(!above(call("/", vec![float(), float()])).is_total());
        assert!(!above(call("+", vec![int(), int()])).is_total());
        assert!(above(call("ABS", vec![float()])).is_total() && !above(call("ABS", vec![int()])).is_total());
        assert!(!above(Expr::cast(text(), &DataType::Float).unwrap()).is_total());
        assert!(like(Expr::literal(Value::string("a%"))).is_total() && !like(text()).is_total());
        assert!(!Expr::and(vec![above(float()), above(call("/", vec![int(), int()]))]).unwrap().is_total());
    }
}
