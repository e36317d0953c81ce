//! `SELECT`: computes columns; each row keeps its place and moment.

use std::sync::Arc;

use crate::data::{EventBatch, Schema};
use crate::expr::{EvalContext, Expr};
use crate::operators::Transform;
use crate::operators::evaluate::columns;

/// Computes one column an expression.
#[derive(Debug)]
pub struct Project {
    exprs: Vec<Expr>,
    schema: Arc<Schema>,
    context: EvalContext,
}

impl Project {
    /// One expression a field of `schema`, over the columns of the input.
    pub fn new(exprs: Vec<Expr>, schema: Arc<Schema>) -> Self {
        assert_eq!(exprs.len(), schema.len(), "one expression a field");
        Self { exprs, schema, context: EvalContext::new() }
    }
}

impl Transform for Project {
    fn apply(&mut self, batch: &EventBatch) -> EventBatch {
        batch.with_columns(self.schema.clone(), columns(&self.exprs, batch, &self.context))
    }

    fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Value;
    use crate::operators::test_support::{int, int_schema, ints, slot};

    #[test]
    fn columns_are_computed_and_places_stay() {
        let mut project = Project::new(vec![slot(1), int(7)], int_schema(2));
        let batch = ints(&[(1, vec![10, 11]), (2, vec![20, 21])]);
        let out = project.apply(&batch);
        assert_eq!((out.value(0, 1), out.value(1, 0)), (Value::Int(21), Value::Int(7)));
        assert_eq!(out.places(), batch.places());
    }
}
