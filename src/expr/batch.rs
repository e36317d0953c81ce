//! Evaluation over a batch: columns in, a column out, equal to evaluation row by row.

use super::EvalContext;
use super::eval::BatchRow;
use super::tree::Expr;
use crate::data::{Column, ColumnBuilder, EventBatch};

impl Expr {
    /// The values for all rows of a batch; slot i is column i.
    pub fn eval_batch(&self, batch: &EventBatch, ctx: &EvalContext) -> Column {
        let mut builder = ColumnBuilder::new(self.data_type(), batch.len());
        for row in 0..batch.len() {
            builder.push(self.eval(&BatchRow { batch, row }, ctx));
        }
        builder.finish()
    }

    /// The rows of a batch for which the condition is TRUE.
    pub fn select(&self, batch: &EventBatch, ctx: &EvalContext) -> Vec<u32> {
        (0u32..).take(batch.len()).filter(|&row| self.eval(&BatchRow { batch, row: row as usize }, ctx).is_true()).collect()
    }
}
