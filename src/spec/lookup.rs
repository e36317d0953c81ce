//! Joins with a table: rows of a stream meet the rows of reference data, or of a view.

use super::JoinKind;
use crate::expr::Expr;

/// A join of a stream (input 0) with a table.
///
/// Its output columns are the stream's and then the table's; for semi and anti joins the stream's alone. Each row stands where it stood.
#[derive(Debug, Clone)]
pub struct LookupSpec {
    /// Inner, left, semi or anti.
    pub kind: JoinKind,
    /// Equalities of ON: the sides over the stream's columns.
    pub left_keys: Vec<Expr>,
    /// Their sides over the table's columns, of the same types.
    pub right_keys: Vec<Expr>,
    /// What else ON asks, over the stream's and the table's columns in a row.
    pub residual: Option<Expr>,
    /// How many columns the table has.
    pub width: usize,
}

impl LookupSpec {
    /// Whether the table's columns come out too.
    pub fn gives_pairs(&self) -> bool {
        match self.kind {
            JoinKind::Semi | JoinKind::Anti => false,
            JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full | JoinKind::AsOf | JoinKind::LeftAsOf => true,
        }
    }
}
