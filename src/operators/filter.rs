//! `WHERE`, `HAVING`: keeps the rows for which a condition is true.

use crate::data::EventBatch;
use crate::expr::{EvalContext, Expr};
use crate::operators::Transform;

/// Keeps the rows for which a condition over their columns is true.
#[derive(Debug)]
pub struct Filter {
    condition: Expr,
    context: EvalContext,
}

impl Filter {
    /// Keeps the rows for which `condition` is true.
    pub fn new(condition: Expr) -> Self {
        Self { condition, context: EvalContext::new() }
    }
}

impl Transform for Filter {
    fn apply(&mut self, batch: &EventBatch) -> EventBatch {
        let rows = self.condition.select(batch, &self.context);
        if rows.len() == batch.len() { batch.clone() } else { batch.gather(&rows) }
    }

    fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::CompareOp;
    use crate::operators::test_support::{int, ints, rows_of, slot};

    #[test]
    fn true_rows_stay() {
        let mut filter = Filter::new(Expr::compare(CompareOp::Greater, slot(0), int(1)).unwrap());
        let batch = ints(&[(1, vec![1]), (2, vec![2]), (3, vec![3])]);
        let kept = filter.apply(&batch);
        assert_eq!(rows_of(&kept), rows_of(&batch)[1..]);
        assert_eq!(kept.places()[0], batch.places()[1]);
        assert!(filter.apply(&ints(&[(4, vec![0])])).is_empty());
    }
}
