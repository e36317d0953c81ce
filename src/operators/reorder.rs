//! Event-time order.
use std::sync::Arc;

use crate::data::{Arrivals, Duration, EventBatch, Place, Schema, Timestamp};

/// How time passes in one source stream.
#[derive(Debug, Clone)]
pub struct StreamTiming {
    /// Its columns.
    pub schema: Arc<Schema>,
    /// How far out of order its events may arrive.
    pub delay: Duration,
    /// A stream silent for longer than this (by the arrival clock) does not hold the watermark back.
    pub idle_after: Option<Duration>,
    /// An event further than this ahead of the arrival clock is bad.
    pub ahead: Option<Duration>,
    /// The tie-breaker columns.
    pub ties: Vec<usize>,
    /// Whether some statement reads the stream; one that nobody reads does not hold the watermark back.
    pub is_read: bool,
}

impl StreamTiming {
    /// In-order events without tie-breakers, of a stream that some statement reads.
    pub fn new(schema: Arc<Schema>) -> Self {
        Self { schema, delay: Duration(0), idle_after: None, ahead: None, ties: Vec::new(), is_read: true }
    }
}

/// What the order lets go.
#[derive(Debug, Clone)]
pub struct Released {
    /// The rows of each stream, each batch in order; places compare over all of them.
    pub batches: Vec<EventBatch>,
    /// Late events of each stream, in order of arrival (their places have position 0).
    pub late: Vec<EventBatch>,
    /// Events of each stream that were too far ahead of the arrival clock, in order of arrival (likewise).
    pub ahead: Vec<EventBatch>,
    /// Every row still to come stands at or behind this place.
    pub watermark: Place,
    /// How many of the rows were let go before the watermark had passed them, because the buffer was full.
    pub forced: u64,
}

/// Counters and state of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamStats {
    /// Events that arrived, late ones and those ahead of the clock among them.
    pub events: u64,
    /// Late events.
    pub late: u64,
    /// Events too far ahead of the arrival clock.
    pub ahead: u64,
    /// The largest event time so far.
    pub max_time: Option<Timestamp>,
    /// That less the delay.
    pub watermark: Option<Timestamp>,
    /// Events that wait.
    pub held: u64,
    /// Whether the stream is idle.
    pub is_idle: bool,
}

/// Holds events until the watermark has passed them.
#[derive(Debug)]
pub struct Reorder {
    streams: Vec<StreamTiming>,
}

impl Reorder {
    /// How many events wait at most, unless told otherwise.
    pub const MAX_HELD: usize = 4_000_000;

    /// An order over these streams, of at most `max_held` waiting events.
    pub fn new(streams: Vec<StreamTiming>, max_held: usize) -> Self {
        let _ = max_held;
        Self { streams }
    }

    /// Takes what has arrived at this time of the arrival clock: one [`Arrivals`] a stream.
    pub fn push(&mut self, arrivals: Vec<Arrivals>, clock: Timestamp) {
        let _ = (arrivals, clock);
    }

    /// Lets time pass without events: streams may become idle.
    pub fn advance_clock(&mut self, clock: Timestamp) {
        let _ = clock;
    }

    /// Moves the watermark from outside to at least this time.
    pub fn advance_watermark(&mut self, time: Timestamp) {
        let _ = time;
    }

    /// What has become certain since the last call.
    pub fn release(&mut self) -> Released {
        self.finish()
    }

    /// The end of input: everything comes out and the watermark stands at the end of time.
    pub fn finish(&mut self) -> Released {
        let empty = || self.streams.iter().map(|s| EventBatch::empty(s.schema.clone())).collect::<Vec<_>>();
        Released { batches: empty(), late: empty(), ahead: empty(), watermark: Place::MAX, forced: 0 }
    }

    /// Counters and state of each stream.
    pub fn stats(&self) -> Vec<StreamStats> {
        Vec::new()
    }

    /// The stream whose watermark is the program's, where it is one that holds others back.
    pub fn held_back_by(&self) -> Option<usize> {
        None
    }
}
