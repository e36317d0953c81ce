//! Joins bounded in time.

use crate::data::Duration;
use crate::expr::Expr;

/// Which rows a join gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JoinKind {
    /// Pairs.
    Inner,
    /// Pairs, and left rows without partner.
    Left,
    /// Pairs, and right rows without partner.
    Right,
    /// Pairs, and rows of either side without partner.
    Full,
    /// Left rows with a partner, once each.
    Semi,
    /// Left rows without one.
    Anti,
    /// Left rows with the latest right row at or before them.
    AsOf,
    /// The same, with NULLs where there is none.
    LeftAsOf,
}

/// A join of two inputs (0: left, 1: right) by equal keys and nearness in time.
///
/// Its output columns are the left's and then the right's; for semi and anti joins the left's alone.
#[derive(Debug, Clone)]
pub struct JoinSpec {
    /// Which rows come out.
    pub kind: JoinKind,
    /// Equalities of ON: the left sides, over the left's columns.
    pub left_keys: Vec<Expr>,
    /// Their right sides, over the right's columns, of the same types.
    pub right_keys: Vec<Expr>,
    /// The right row lies at most so long before the left one. For as-of joins: TOLERANCE (the longest duration where there is none).
    pub before: Duration,
    /// The right row lies at most so long after the left one. For as-of joins: zero.
    pub after: Duration,
    /// What else ON asks, over left and right columns in a row.
    pub residual: Option<Expr>,
}
