//! One source stream, live: how its time passes, what it has counted, and where its rows wait.

use super::store::Store;
use super::waiting::Ties;
use super::{StreamStats, StreamTiming};
use crate::data::{Arrivals, Column, Duration, EventBatch, Place, Timestamp};
use crate::expr::EvalContext;

/// What becomes of a row that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    OnTime,
    Late,
    Ahead,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) timing: StreamTiming,
    pub(super) stats: StreamStats,
    pub(super) store: Store,
    ahead: Arrivals,
    /// Events in time that nobody wants, since the last release.
    unwanted: u64,
    /// A batch of no rows, to be copied.
    nothing: EventBatch,
    context: EvalContext,
}

/// Rows of one stream that have just arrived.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) stream: u16,
    pub(super) arrived: Arrivals,
    /// The columns that are stored, where they are not those that arrived: of wanted rows alone.
    packed: Option<Vec<Column>>,
    /// Under which number each row is stored, `UNWANTED` where it is not; where nothing is said, under its own.
    stored_as: Option<Vec<u32>>,
    /// Which of the rows that are stored wait.
    waits: Vec<bool>,
    /// Where the first of them will be stored.
    segment: u64,
    first: u32,
    ahead: Vec<u32>,
}

const UNWANTED: u32 = u32::MAX;

impl Chunk {
    /// Lets a row wait, unless nobody wants it; gives where it will be stored.
    #[inline]
    pub(super) fn wait(&mut self, row: usize) -> Option<(u64, u32)> {
        let at = match &self.stored_as {
            None => u32::try_from(row).expect("a batch has fewer than 2^32 rows"),
            Some(stored_as) => stored_as[row],
        };
        if at == UNWANTED {
            return None;
        }
        self.waits[at as usize] = true;
        Some((self.segment, self.first + at))
    }

    /// Notes a row that is ahead of the clock.
    pub(super) fn set_aside(&mut self, row: usize) {
        self.ahead.push(u32::try_from(row).expect("a batch has fewer than 2^32 rows"));
    }
}

impl Stream {
    pub(super) fn new(timing: StreamTiming) -> Self {
        Self {
            nothing: EventBatch::empty(timing.schema.clone()),
            timing,
            stats: StreamStats::default(),
            store: Store::default(),
            ahead: Arrivals::default(),
            unwanted: 0,
            context: EvalContext::new(),
        }
    }

    /// Looks which of the rows that have arrived somebody wants.
    pub(super) fn receive(&mut self, stream: u16, arrived: Arrivals) -> Chunk {
        let rows = arrived.len();
        let (mut packed, mut stored_as, mut stored) = (None, None, rows);
        if let Some(wanted) = &self.timing.wanted {
            let wanted = wanted.select_rows(&arrived.columns, rows, &self.context);
            debug_assert_eq!(self.context.nulls(), 0, "the planner asks for conditions that make up no NULLs");
            if wanted.len() < rows {
                let mut numbers = vec![UNWANTED; rows];
                // Where most are wanted the columns stay as they are: copying them would cost more than the room of the others.
                let is_worth_packing = wanted.len() < rows - rows / 4;
                for (number, &row) in (0u32..).zip(&wanted) {
                    numbers[row as usize] = if is_worth_packing { number } else { row };
                }
                if is_worth_packing {
                    packed = Some(arrived.columns.iter().map(|column| column.gather(&wanted)).collect());
                    stored = wanted.len();
                }
                stored_as = Some(numbers);
            }
        }
        let (segment, first) = self.store.address_of_next(stored);
        Chunk { stream, arrived, packed, stored_as, waits: vec![false; stored], segment, first, ahead: Vec::new() }
    }

    /// Whether rows of this verdict wait as rows, if somebody wants them.
    #[inline]
    pub(super) fn waits(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::OnTime => self.timing.is_read,
            Verdict::Late => self.timing.keeps_late,
            Verdict::Ahead => false,
        }
    }

    /// What a row of this time is that arrives now, by the stream's own watermark and by the frontier.
    #[inline]
    pub(super) fn judge(&self, time: Timestamp, frontier: Timestamp, clock: Timestamp) -> Verdict {
        if self.timing.ahead.is_some_and(|limit| time > clock.saturating_add(limit)) {
            return Verdict::Ahead;
        }
        let is_behind_its_own = self.stats.watermark.is_some_and(|watermark| time < watermark);
        // Nothing of a stream that nobody reads has been released, so the frontier says nothing about it.
        if is_behind_its_own || (self.timing.is_read && time < frontier) { Verdict::Late } else { Verdict::OnTime }
    }

    pub(super) fn ties(&self, arrivals: &Arrivals, row: usize) -> Ties {
        if self.timing.ties.is_empty() {
            return Ties::None;
        }
        Ties::of(self.timing.ties.iter().map(|&column| arrivals.columns[column].value(row).into_owned()).collect())
    }

    /// Counts a row; says whether the stream's watermark has moved.
    #[inline]
    pub(super) fn note(&mut self, verdict: Verdict, time: Timestamp, clock: Timestamp) -> bool {
        self.stats.events += 1;
        self.note_seen(clock);
        match verdict {
            Verdict::Ahead => self.stats.ahead += 1,
            Verdict::Late => self.stats.late += 1,
            Verdict::OnTime => return self.note_time(time, clock),
        }
        false
    }

    /// There were events at this time of the clock.
    pub(super) fn note_seen(&mut self, clock: Timestamp) {
        self.stats.seen = Some(self.stats.seen.map_or(clock, |before| before.max(clock)));
        self.stats.is_idle = false;
    }

    /// An event of this time was in time; says whether the stream's watermark has moved.
    #[inline]
    pub(super) fn note_time(&mut self, time: Timestamp, clock: Timestamp) -> bool {
        if self.stats.max_time.is_some_and(|before| time <= before) {
            return false;
        }
        let before = self.stats.watermark;
        self.stats.moved = Some(clock);
        self.stats.max_time = Some(time);
        let waits_for_the_end = self.timing.delay == Duration::MAX;
        self.stats.watermark = Some(if waits_for_the_end { Timestamp::MIN } else { time.saturating_sub(self.timing.delay) });
        self.stats.watermark != before
    }

    /// So many events were in time that nobody wants.
    pub(super) fn pass_over(&mut self, events: u64) {
        self.unwanted += events;
    }

    /// Stores the columns of what waits, and sets aside what is ahead of the clock.
    pub(super) fn store(&mut self, chunk: Chunk) {
        if !chunk.ahead.is_empty() {
            self.keep_ahead(&chunk.arrived, &chunk.ahead);
        }
        self.store.add(&self.timing.schema, chunk.packed.unwrap_or(chunk.arrived.columns), chunk.waits);
    }

    fn keep_ahead(&mut self, arrived: &Arrivals, rows: &[u32]) {
        let fields = self.timing.schema.fields();
        let columns = fields.iter().zip(&arrived.columns).enumerate().map(|(index, (field, column))| {
            let earlier = self.ahead.columns.get(index).cloned().unwrap_or_else(|| Column::nulls(&field.data_type, 0));
            let before = (0..earlier.len()).map(|row| earlier.value(row));
            Column::from_values(&field.data_type, before.chain(rows.iter().map(|&row| column.value(row as usize))))
        });
        let columns = columns.collect();
        self.ahead.columns = columns;
        self.ahead.times.extend(rows.iter().map(|&row| arrived.times[row as usize]));
        self.ahead.numbers.extend(rows.iter().map(|&row| arrived.numbers[row as usize]));
    }

    /// Whether something is to be told that is no row in order.
    pub(super) fn has_news(&self) -> bool {
        self.unwanted > 0 || !self.ahead.is_empty()
    }

    /// Takes what was ahead of the clock, and how many events nobody wanted, since the last call.
    pub(super) fn take_rest(&mut self) -> (Arrivals, u64) {
        (std::mem::take(&mut self.ahead), std::mem::take(&mut self.unwanted))
    }

    /// Takes these rows out, with their places.
    pub(super) fn let_go(&mut self, rows: &[(u64, u32)], places: Vec<Place>) -> EventBatch {
        if rows.is_empty() {
            return self.nothing.clone();
        }
        let columns = self.store.gather(&self.timing.schema, rows);
        self.store.remove(rows);
        self.stats.held -= rows.len() as u64;
        EventBatch::new(self.timing.schema.clone(), columns, places.into())
    }

    /// How many rows are stored, waiting or not.
    #[cfg(test)]
    pub(super) fn stored(&self) -> usize {
        self.store.stored()
    }
}
