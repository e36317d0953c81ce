//! What a text must contain for a condition on it to be true: conditions of many rules can then be looked for in a text all at once.

use super::functions::Prepared;
use super::tree::{Expr, ExprKind, SlotId};
use crate::data::Value;

/// A text that stands in every text of a column for which a condition is true.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Needle {
    /// The column.
    pub slot: SlotId,
    /// What stands in its text, never empty.
    pub text: String,
    /// It stands in the text in lower case.
    pub folded: bool,
}

impl Expr {
    /// The needle of `LIKE`, `ILIKE`, `CONTAINS`, `STARTS_WITH` and `ENDS_WITH` of a column with a constant.
    pub fn needle(&self) -> Option<Needle> {
        let ExprKind::Call(call) = &self.kind else { return None };
        let slot = self.args.first()?.as_slot()?;
        let (text, folded) = match (call.function.name, &call.prepared) {
            ("LIKE" | "ILIKE", Prepared::Like(pattern)) => pattern.longest_piece()?,
            ("CONTAINS" | "STARTS_WITH" | "ENDS_WITH", _) => match self.args.get(1)?.as_literal()? {
                Value::String(text) => (text.to_string(), false),
                _ => return None,
            },
            _ => return None,
        };
        (!text.is_empty()).then_some(Needle { slot, text, folded })
    }
}

#[cfg(test)]
mod tests {
    use crate::data::{DataType, Value};
    use crate::expr::functions::lookup;
    use crate::expr::{Expr, SlotId};

    #[test]
    fn the_longest_literal_piece_is_looked_for() {
        let column = || Expr::slot(SlotId(3), DataType::String);
        let text = |text: &'static str| Expr::literal(Value::string(text));
        let like = |pattern, fold| Expr::like(column(), text(pattern), None, fold).unwrap().needle();
        let found = |pattern, fold| like(pattern, fold).map(|needle| (needle.text, needle.folded));
        assert_eq!(found("%a%long_er%", false), Some(("long".to_owned(), false)));
        assert_eq!(found("%\\Cmd.EXE", true), Some(("\\cmd.exe".to_owned(), true)));
        assert_eq!(found("%__%", false), None);
        let ends = Expr::call(lookup("ENDS_WITH").unwrap(), vec![column(), text("x")]).unwrap();
        assert_eq!(ends.needle().map(|needle| (needle.slot, needle.text)), Some((SlotId(3), "x".to_owned())));
        let of_data = Expr::call(lookup("CONTAINS").unwrap(), vec![column(), column()]).unwrap();
        assert_eq!(of_data.needle(), None);
    }
}
