//! Constant folding: what reads no slot is worked out once, by the evaluator itself, so that folding cannot mean anything else.

use super::eval::NoRow;
use super::tree::{Expr, ExprKind};
use super::{EvalContext, SlotId};
use crate::data::Value;

impl Expr {
    /// The same expression with its constant parts worked out. A part that makes up a NULL (`1 / 0`) stays, so that each row counts it.
    #[must_use]
    pub fn fold(&self) -> Expr {
        if matches!(self.kind, ExprKind::Literal(_) | ExprKind::Slot(_)) {
            return self.clone();
        }
        let args: Vec<Expr> = self.args.iter().map(Expr::fold).collect();
        let folded = Expr { kind: self.kind.clone(), args, data_type: self.data_type.clone() };
        if folded.args.iter().all(|arg| arg.as_literal().is_some()) && !matches!(folded.kind, ExprKind::Custom(_)) {
            let ctx = EvalContext::new();
            let value = folded.eval(&NoRow, &ctx).into_owned();
            return if ctx.nulls() == 0 { Expr::typed_literal(value, folded.data_type) } else { folded };
        }
        match folded.kind {
            ExprKind::And => folded.without_neutral(true),
            ExprKind::Or => folded.without_neutral(false),
            _ => folded,
        }
    }

    /// AND without TRUE, OR without FALSE; and nothing is evaluated behind the constant that decides.
    fn without_neutral(mut self, neutral: bool) -> Expr {
        if let Some(decided) = self.args.iter().position(|arg| arg.as_literal() == Some(&Value::Bool(!neutral))) {
            self.args.truncate(decided + 1);
        }
        self.args.retain(|arg| arg.as_literal() != Some(&Value::Bool(neutral)));
        match self.args.len() {
            0 => Expr::literal(Value::Bool(neutral)),
            1 => self.args.remove(0),
            _ => self,
        }
    }

    /// The value of an expression that reads no slot.
    pub fn constant_value(&self, ctx: &EvalContext) -> Option<Value<'static>> {
        self.slots().is_empty().then(|| self.eval(&NoRow, ctx).into_owned())
    }
}

impl super::Row for NoRow {
    fn slot(&self, _: SlotId) -> Value<'_> {
        Value::Null
    }
}
