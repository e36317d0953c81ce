//! What a running program has counted: plain numbers. Events that came in = processed + late + unrouted + bad, at every moment.

use std::sync::Arc;

use super::pipeline::Counts;
use crate::codec::BadCause;
use crate::data::Timestamp;
use crate::operators::{DispatchSize, Held, StreamStats};

/// Counters of a running program.
#[derive(Debug, Clone)]
pub struct RunMetrics {
    /// Events that came in.
    pub events: u64,
    /// Late ones.
    pub late: u64,
    /// Those of no stream.
    pub unrouted: u64,
    /// Bad ones by cause.
    pub bad: Vec<(BadCause, u64)>,
    /// Bad ones that were not kept for the caller, because too many were not taken.
    pub bad_not_kept: u64,
    /// Rows that left.
    pub rows_out: u64,
    /// Events that went before the watermark had passed them, because too many waited.
    pub forced: u64,
    /// NULLs that expressions had to make up.
    pub eval_nulls: u64,
    /// The program's watermark.
    pub watermark: Timestamp,
    /// The source that holds it back.
    pub held_back_by: Option<Arc<str>>,
    /// Since when, by the arrival clock.
    pub held_back_since: Option<Timestamp>,
    /// What the arrival clock showed when it was last looked at.
    pub clock: Option<Timestamp>,
    /// Two values of the `type` field that the program does not look at.
    pub several_types: Option<(String, String)>,
    /// Each source.
    pub sources: Vec<SourceMetrics>,
    /// How many threads may work.
    pub threads: usize,
    /// Each operator.
    pub operators: Vec<OperatorMetrics>,
    /// What the operators that share one look at each event have in common; nothing where none do.
    pub shared: Option<DispatchSize>,
    /// The bound of memory and the most that was seen, where there is one.
    pub memory: Option<(usize, usize)>,
}

/// Counters of a source.
#[derive(Debug, Clone)]
pub struct SourceMetrics {
    /// Its name.
    pub name: Arc<str>,
    /// What it counted.
    pub stats: StreamStats,
}

/// Counters of an operator.
#[derive(Debug, Clone)]
pub struct OperatorMetrics {
    /// Its number and kind.
    pub name: String,
    /// Rows and NULLs.
    pub counts: Counts,
    /// What it holds.
    pub held: Held,
    /// How many of its kind share its keys.
    pub shards: usize,
}

impl RunMetrics {
    /// Bad events of all causes.
    pub fn bad_events(&self) -> u64 {
        self.bad.iter().map(|(_, count)| count).sum()
    }

    /// Whether no more events were late, unrouted or bad than came in.
    pub(super) fn is_accounted(&self) -> bool {
        let others = self.bad.iter().map(|(_, count)| *count).chain([self.unrouted]);
        others.into_iter().try_fold(self.late, u64::checked_add).is_some_and(|sum| sum <= self.events)
    }

    /// Events that were neither late nor unrouted nor bad.
    pub fn processed(&self) -> u64 {
        self.events - self.late - self.unrouted - self.bad_events()
    }
}
