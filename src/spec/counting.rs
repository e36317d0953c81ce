//! What is asked of the matches of a pattern where they need not be listed: how many there are, and sums and extremes of their columns.

use std::sync::Arc;

use super::pattern::{PatternSpec, VariableId};
use super::window::WindowSpec;
use crate::data::{DataType, Schema};

/// An aggregate over the matches of a pattern, by window, without the matches.
#[derive(Debug, Clone)]
pub struct CountSpec {
    /// The pattern; its outputs are not looked at.
    pub pattern: PatternSpec,
    /// The window that the matches come to, by the time of their last events. Its keys and arguments read columns of the matches.
    pub window: WindowSpec,
    /// Names and types of those columns.
    pub columns: Arc<Schema>,
    /// For each key of the window, which key of the partition it is.
    pub keys: Vec<usize>,
    /// What is known of each match.
    pub traits: Vec<MatchTrait>,
    /// For each aggregate of the window, what of the matches it is.
    pub calls: Vec<MatchCall>,
}

/// Something about a match that aggregates are over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchTrait {
    /// `v.x`: the column of the last event of a variable; NULL where it took none.
    Column {
        /// Which variable.
        variable: VariableId,
        /// Column of its input: INT, DURATION, TIMESTAMP or DECIMAL.
        column: usize,
        /// Its type.
        data_type: DataType,
    },
    /// `COUNT(v)`: how many events a variable took.
    Events(VariableId),
}

/// An aggregate; numbers are those of [`CountSpec::traits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchCall {
    /// `COUNT(*)`
    Matches,
    /// `COUNT(x)`
    Values(usize),
    /// `SUM(x)`
    Sum(usize),
    /// `AVG(x)`
    Avg(usize),
    /// `MIN(x)`
    Min(usize),
    /// `MAX(x)`
    Max(usize),
}
