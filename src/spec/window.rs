//! Windows and aggregates.

use crate::data::{DataType, Duration};
use crate::expr::{AnyAggregate, Expr};

/// One aggregate of a query.
#[derive(Debug, Clone)]
pub struct AggregateCall {
    /// Which.
    pub function: AnyAggregate,
    /// Over the columns of the input. Empty for `COUNT(*)`.
    pub args: Vec<Expr>,
    /// `DISTINCT`
    pub distinct: bool,
    /// `FILTER (WHERE …)`, over the columns of the input.
    pub filter: Option<Expr>,
    /// The type of its result.
    pub data_type: DataType,
}

/// A window with its groups.
///
/// With [`WindowOutput::Aggregates`] its output columns are: the keys, the aggregates, start, end (TIMESTAMP), final (BOOL).
/// With [`WindowOutput::Rows`]: the input's columns, start, end, final.
#[derive(Debug, Clone)]
pub struct WindowSpec {
    /// Which window.
    pub kind: WindowKind,
    /// GROUP BY, over the columns of the input.
    pub keys: Vec<Expr>,
    /// What comes out.
    pub output: WindowOutput,
    /// `EMIT EVERY d`: early rows, with FALSE in the column `final`.
    pub emit_every: Option<Duration>,
    /// The rows of a window are ranked behind it (`ORDER BY … LIMIT n`): early rows are then of all its groups, not only of those that changed.
    pub is_ranked: bool,
}

/// What a window gives.
#[derive(Debug, Clone)]
pub enum WindowOutput {
    /// One row a group (or, for windows that move with each event, one an event).
    Aggregates(Vec<AggregateCall>),
    /// Its rows, when it closes.
    Rows,
}

/// Kinds of windows.
#[derive(Debug, Clone, PartialEq)]
pub enum WindowKind {
    /// No window: a running aggregate, one row an event.
    Running,
    /// Fixed and aligned: starts at `offset + k * every`, lasts `size`. Tumbling where both are equal.
    Hopping {
        /// Length.
        size: Duration,
        /// Distance of the starts.
        every: Duration,
        /// Shift of the alignment.
        offset: Duration,
        /// The calendar that days and longer are aligned to, instead of the epoch in UTC.
        zone: Option<chrono_tz::Tz>,
    },
    /// For each event, the rows of its group from so long before it, inclusive, up to and with it.
    Sliding(Duration),
    /// Closed by a gap of more than `gap`, or by lasting `max`.
    Session {
        /// Longest gap inside.
        gap: Duration,
        /// Longest session.
        max: Option<Duration>,
    },
    /// Each so many rows of a group.
    Rows(u64),
    /// For each event, the last so many rows of its group, up to and with it.
    LastRows(u64),
}

/// One key of ORDER BY.
#[derive(Debug, Clone)]
pub struct OrderKey {
    /// What to order by, over the columns so far.
    pub expr: Expr,
    /// `DESC`
    pub descending: bool,
    /// NULLs before all else.
    pub nulls_first: bool,
}
