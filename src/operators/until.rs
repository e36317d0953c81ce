//! Rows of a query's second way out (`TIMEOUT INTO`), until `LIMIT` has ended the query: what is certain later than its last row does not
//! come out.

use crate::data::{EventBatch, Place, StateError, StateReader, StateWriter};
use crate::operators::Transform;

/// Lets rows pass until so many others have come.
#[derive(Debug)]
pub struct Until {
    left: u64,
    /// When the last of the others was certain.
    closed: Place,
}

impl Until {
    /// Lets rows pass until `rows` others have come.
    pub fn new(rows: u64) -> Self {
        Self { left: rows, closed: if rows == 0 { Place::MIN } else { Place::MAX } }
    }
}

impl Transform for Until {
    fn look(&mut self, beside: &EventBatch) {
        let rows = beside.len() as u64;
        if self.left > 0
            && rows >= self.left
            && let Some(last) = usize::try_from(self.left - 1).ok().and_then(|row| beside.moments().get(row))
        {
            self.closed = *last;
        }
        self.left = self.left.saturating_sub(rows);
    }

    fn apply(&mut self, batch: &EventBatch) -> EventBatch {
        let first = batch.moments().partition_point(|moment| *moment <= self.closed && self.closed != Place::MIN);
        batch.slice(0..first)
    }

    fn is_done(&self) -> bool {
        self.left == 0
    }

    fn save(&self, to: &mut StateWriter) {
        to.put(&(self.left, self.closed));
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        (self.left, self.closed) = from.take()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::test_support::{ints, rows_of};

    #[test]
    fn rows_pass_until_the_last_of_the_others_was_certain() {
        let mut until = Until::new(2);
        until.look(&ints(&[(3, vec![1])]));
        assert_eq!(rows_of(&until.apply(&ints(&[(1, vec![10]), (4, vec![20])]))).len(), 2);
        until.look(&ints(&[(6, vec![1])]));
        assert_eq!(rows_of(&until.apply(&ints(&[(5, vec![10]), (7, vec![20])]))).len(), 1);
        until.look(&ints(&[]));
        assert!(until.apply(&ints(&[(8, vec![10])])).is_empty() && until.is_done());
        assert!(Until::new(0).apply(&ints(&[(1, vec![10])])).is_empty());
    }
}
