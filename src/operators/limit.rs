//! `LIMIT n`: the first n rows that come out, in the order in which they come out; nothing after them.

use crate::data::{EventBatch, StateError, StateReader, StateWriter};
use crate::operators::Transform;

/// Ends a query after so many rows.
#[derive(Debug)]
pub struct Limit {
    left: u64,
}

impl Limit {
    /// Lets `limit` rows pass.
    pub fn new(limit: u64) -> Self {
        Self { left: limit }
    }
}

impl Transform for Limit {
    fn apply(&mut self, batch: &EventBatch) -> EventBatch {
        let rows = u64::try_from(batch.len()).expect("a count fits 64 bits");
        if rows <= self.left {
            self.left -= rows;
            return batch.clone();
        }
        let first: Vec<u32> = (0u32..).take(usize::try_from(self.left).expect("fewer than the rows of a batch")).collect();
        self.left = 0;
        batch.gather(&first)
    }

    fn is_done(&self) -> bool {
        self.left == 0
    }

    fn save(&self, to: &mut StateWriter) {
        to.put(&self.left);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.left = from.take()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::test_support::{ints, rows_of};

    #[test]
    fn the_first_rows_pass_and_then_it_is_done() {
        let mut limit = Limit::new(3);
        let batch = ints(&[(1, vec![10]), (2, vec![20])]);
        assert_eq!(rows_of(&limit.apply(&batch)).len(), 2);
        assert!(!limit.is_done());
        assert_eq!(rows_of(&limit.apply(&batch)), rows_of(&batch)[..1]);
        assert!(limit.is_done());
        assert!(limit.apply(&batch).is_empty());
        assert!(Limit::new(0).is_done());
    }
}
