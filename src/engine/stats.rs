//! The counters of a run as plain data, ready to be printed or sent elsewhere. At every moment
//! `events = processed + late + unrouted + bad`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::data::Timestamp;
use crate::runtime::RunMetrics;

/// Counters of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Events that came in.
    pub events: u64,
    /// Those that some stream took in time.
    pub processed: u64,
    /// Those behind the watermark of all of their streams.
    pub late: u64,
    /// Those of no stream.
    pub unrouted: u64,
    /// Those that are no good.
    pub bad: u64,
    /// The same by cause.
    pub bad_by_cause: BTreeMap<String, u64>,
    /// Bad ones beyond the cap of what is kept for the caller; they are only counted.
    pub bad_not_kept: u64,
    /// Rows that left.
    pub rows: u64,
    /// Events that went on before the watermark had passed them, because too many waited.
    pub forced: u64,
    /// NULLs that expressions had to make up: division by zero, overflow, failed casts.
    pub eval_nulls: u64,
    /// The program's watermark, as RFC 3339 text; nothing before the first event and at the end of time.
    pub watermark: Option<String>,
    /// The source stream that holds it back.
    pub held_back_by: Option<String>,
    /// Since when, by the arrival clock: when that stream's watermark last moved, or when the run began.
    pub held_back_since: Option<String>,
    /// Two values of the type field, where the program takes every event whatever its type.
    pub several_types: Option<(String, String)>,
    /// How many threads decode lines and run operators, where there is more than one.
    #[serde(skip_serializing_if = "is_one")]
    pub threads: u64,
    /// Each source stream, in the order of the text.
    pub sources: Vec<SourceStats>,
    /// Each operator, in the order of `explain`.
    pub operators: Vec<OperatorStats>,
    /// What the operators that share one look at each event have in common, where some do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedStats>,
    /// Bytes that the process may have, and the most that it was seen to have, where that is bounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<(u64, u64)>,
    /// Statements that have ended before the input, where some have ([`crate::Engine::ended`]).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ended: Vec<EndedStats>,
}

/// A statement that has ended before the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct EndedStats {
    /// Its stream; an unnamed output has none.
    pub statement: Option<String>,
    /// The line on which it begins.
    pub line: usize,
    /// The operator of it that ended, as in `explain`.
    pub operator: String,
    /// Why, in a few words.
    pub why: String,
    /// How many events had come in.
    pub events: u64,
}

/// What operators of many statements have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SharedStats {
    /// Distinct things that are looked up in an event or evaluated for it.
    pub terms: u64,
    /// Conditions of operators that are made of them.
    pub conditions: u64,
    /// Operators that may have something under way, counted at each key.
    pub waiting: u64,
    /// Bytes that all this takes, about.
    pub bytes: u64,
}

/// Counters of a source stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SourceStats {
    /// Its name.
    pub name: String,
    /// Events that arrived, late ones among them.
    pub events: u64,
    /// Late ones.
    pub late: u64,
    /// Events that wait for the watermark.
    pub waiting: u64,
    /// Its watermark.
    pub watermark: Option<String>,
    /// The largest event time so far.
    pub max_time: Option<String>,
    /// How far its watermark lies behind the arrival clock, in milliseconds.
    pub lag_ms: Option<i64>,
    /// How far its watermark lies behind that of the stream that is furthest, in milliseconds.
    pub behind_ms: Option<i64>,
    /// When its last event arrived, by the arrival clock.
    pub last_arrival: Option<String>,
    /// Whether it is idle, and so holds nothing back.
    pub idle: bool,
}

/// Counters of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OperatorStats {
    /// Its number and kind, as in `explain`.
    pub name: String,
    /// Rows that came to it.
    pub rows_in: u64,
    /// Rows that it gave.
    pub rows_out: u64,
    /// Keys that it holds.
    pub keys: u64,
    /// Rows, events or runs that it holds.
    pub held: u64,
    /// Bytes that it holds, about.
    pub bytes: u64,
    /// What it had to give up at a bound.
    pub dropped: u64,
    /// NULLs that its expressions had to make up.
    pub eval_nulls: u64,
    /// How many of its kind share its keys, where it is more than one.
    #[serde(skip_serializing_if = "is_one")]
    pub shards: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_one(number: &u64) -> bool {
    *number == 1
}

impl From<RunMetrics> for Stats {
    fn from(metrics: RunMetrics) -> Self {
        let furthest = metrics.sources.iter().filter_map(|source| source.stats.watermark).max();
        let sources = metrics.sources.iter().map(|source| SourceStats {
            lag_ms: distance_ms(metrics.clock, source.stats.watermark),
            behind_ms: distance_ms(furthest, source.stats.watermark),
            last_arrival: source.stats.seen.and_then(text_of),
            name: source.name.to_string(),
            events: source.stats.events,
            late: source.stats.late,
            waiting: source.stats.held,
            watermark: source.stats.watermark.and_then(text_of),
            max_time: source.stats.max_time.and_then(text_of),
            idle: source.stats.is_idle,
        });
        let operators = metrics.operators.iter().map(|operator| OperatorStats {
            name: operator.name.clone(),
            rows_in: operator.counts.rows_in,
            rows_out: operator.counts.rows_out,
            keys: operator.held.keys as u64,
            held: operator.held.rows as u64,
            bytes: operator.held.bytes as u64,
            dropped: operator.held.dropped,
            eval_nulls: operator.counts.eval_nulls,
            shards: operator.shards as u64,
        });
        Self {
            events: metrics.events,
            processed: metrics.processed(),
            late: metrics.late,
            unrouted: metrics.unrouted,
            bad: metrics.bad_events(),
            bad_by_cause: metrics.bad.iter().map(|(cause, count)| (cause.code().to_owned(), *count)).collect(),
            bad_not_kept: metrics.bad_not_kept,
            rows: metrics.rows_out,
            forced: metrics.forced,
            eval_nulls: metrics.eval_nulls,
            watermark: text_of(metrics.watermark),
            held_back_by: metrics.held_back_by.as_deref().map(str::to_owned),
            held_back_since: metrics.held_back_since.and_then(text_of),
            several_types: metrics.several_types.clone(),
            threads: metrics.threads as u64,
            sources: sources.collect(),
            operators: operators.collect(),
            shared: metrics.shared.map(|shared| SharedStats {
                terms: shared.atoms as u64,
                conditions: shared.conditions as u64,
                waiting: shared.waiting as u64,
                bytes: shared.bytes as u64,
            }),
            memory: metrics.memory.map(|(limit, most)| (limit as u64, most as u64)),
            ended: Vec::new(),
        }
    }
}

/// From `earlier` to `later`, where both are known.
fn distance_ms(later: Option<Timestamp>, earlier: Option<Timestamp>) -> Option<i64> {
    Some(later?.since(earlier?).0 / 1_000_000)
}

/// Neither end of time has a text.
fn text_of(time: Timestamp) -> Option<String> {
    (time != Timestamp::MIN && time != Timestamp::MAX).then(|| time.to_string())
}
