//! `ORDER BY … [LIMIT n]` behind a window: sorts the rows of each window that closes, and keeps the first so many.
//!
//! Rows that close together have one moment and come out of their window in one batch (a timer's rows are never cut), so that each batch
//! can be sorted on its own. Those of one start and end are one window: windows keep the order of their first rows, and rows that compare
//! equal keep theirs. All rows keep their places.

use std::cmp::Ordering;

use crate::data::{Column, EventBatch, Key, Place};
use crate::expr::{EvalContext, Expr};
use crate::operators::Transform;
use crate::operators::evaluate::{columns, values_of};
use crate::spec::OrderKey;

/// Sorts the rows of each window.
#[derive(Debug)]
pub struct TopOfWindow {
    exprs: Vec<Expr>,
    order: Vec<OrderKey>,
    limit: Option<usize>,
    bounds: (usize, usize),
    context: EvalContext,
}

impl TopOfWindow {
    /// Orders by `order`, keeps `limit` rows of each window; `bounds` are the columns of its start and end.
    pub fn new(order: Vec<OrderKey>, limit: Option<u64>, bounds: (usize, usize)) -> Self {
        let exprs = order.iter().map(|key| key.expr.clone()).collect();
        // A limit beyond memory is none.
        let limit = limit.and_then(|n| usize::try_from(n).ok());
        Self { exprs, order, limit, bounds, context: EvalContext::new() }
    }

    fn compare(&self, keys: &[Column], a: u32, b: u32) -> Ordering {
        let of_key = |(key, column): (&OrderKey, &Column)| {
            let (a, b) = (column.value(a as usize), column.value(b as usize));
            match (a.is_null(), b.is_null()) {
                (true, true) => Ordering::Equal,
                (false, false) if key.descending => b.total_cmp(&a),
                (false, false) => a.total_cmp(&b),
                (is_null, _) if is_null == key.nulls_first => Ordering::Less,
                _ => Ordering::Greater,
            }
        };
        self.order.iter().zip(keys).map(of_key).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// The rows of one moment, cut into windows in the order of their first rows.
    fn windows(&self, batch: &EventBatch, rows: std::ops::Range<u32>) -> Vec<Vec<u32>> {
        let bounds = [batch.columns()[self.bounds.0].clone(), batch.columns()[self.bounds.1].clone()];
        let mut table = crate::data::KeyTable::new();
        let mut windows: Vec<Vec<u32>> = Vec::new();
        for row in rows {
            let window = table.intern(Key::encode(values_of(&bounds, row as usize)).as_ref()) as usize;
            if window == windows.len() {
                windows.push(Vec::new());
            }
            windows[window].push(row);
        }
        windows
    }
}

impl Transform for TopOfWindow {
    fn apply(&mut self, batch: &EventBatch) -> EventBatch {
        let keys = columns(&self.exprs, batch, &self.context);
        let mut kept = Vec::with_capacity(batch.len());
        let mut moments: &[Place] = batch.moments();
        let mut first = 0;
        while let Some(moment) = moments.first() {
            let count = moments.partition_point(|m| m <= moment);
            let next = first + u32::try_from(count).expect("rows of a batch have 32-bit numbers");
            for mut window in self.windows(batch, first..next) {
                window.sort_by(|&a, &b| self.compare(&keys, a, b));
                window.truncate(self.limit.unwrap_or(usize::MAX));
                kept.extend(window);
            }
            (first, moments) = (next, &moments[count..]);
        }
        batch.gather(&kept)
    }

    fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Value;
    use crate::operators::test_support::{ints, slot};

    fn values(batch: &EventBatch, column: usize) -> Vec<Option<i64>> {
        let value = |row| match batch.value(column, row) {
            Value::Int(v) => Some(v),
            _ => None,
        };
        (0..batch.len()).map(value).collect()
    }

    /// Columns: start, end, what to order by, number. Rows of one time are of one moment here.
    fn closing(rows: &[(i64, i64, Option<i64>)]) -> EventBatch {
        let numbered = rows.iter().enumerate();
        let rows: Vec<_> =
            numbered.map(|(i, &(time, start, by))| (time, vec![Some(start), Some(time), by, Some(i64::try_from(i).unwrap())])).collect();
        let batch = crate::operators::test_support::nullable_ints(&rows);
        let places: crate::data::Places = batch.places().iter().map(|p| Place::start_of(p.time())).collect();
        EventBatch::new(batch.schema().clone(), batch.columns().to_vec(), places)
    }

    fn top(limit: Option<u64>, descending: bool, nulls_first: bool) -> TopOfWindow {
        TopOfWindow::new(vec![OrderKey { expr: slot(2), descending, nulls_first }], limit, (0, 1))
    }

    #[test]
    fn each_window_is_sorted_on_its_own() {
        let batch =
            closing(&[(5, 0, Some(3)), (5, 0, Some(9)), (5, 1, Some(8)), (5, 0, None), (5, 1, Some(1)), (6, 0, Some(4)), (6, 0, Some(3))]);
        assert_eq!(values(&top(None, false, false).apply(&batch), 3), [0, 1, 3, 4, 2, 6, 5].map(Some));
        assert_eq!(values(&top(None, true, true).apply(&batch), 3), [3, 1, 0, 2, 4, 5, 6].map(Some));
        assert_eq!(values(&top(Some(1), true, false).apply(&batch), 3), [1, 2, 5].map(Some));
    }

    #[test]
    fn equal_rows_keep_their_order() {
        let batch = closing(&[(5, 0, Some(1)), (5, 0, Some(1)), (5, 0, Some(0)), (5, 0, Some(1))]);
        assert_eq!(values(&top(Some(3), false, false).apply(&batch), 3), [2, 0, 1].map(Some));
        assert!(top(None, false, false).apply(&ints(&[])).is_empty());
    }
}
