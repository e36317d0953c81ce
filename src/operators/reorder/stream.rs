//! One source stream, live: how its time passes, what it has counted, and where its rows wait.

use std::ops::Range;

use super::queues::{Part, Taken};
use super::store::{Store, row_number};
use super::waiting::{Row, Ties, Waiting};
use super::{StreamStats, StreamTiming};
use crate::data::{Arrivals, Column, Duration, EventBatch, Places, Timestamp};
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
    /// The rows that somebody wants, where not all are.
    wanted: Option<Vec<u32>>,
    /// The columns of those alone, where they are stored so.
    packed: Option<Vec<Column>>,
    /// Which of the rows that are stored wait.
    waits: Vec<bool>,
    /// Where the first of them will be stored.
    segment: u64,
    first: u32,
    ahead: Vec<u32>,
}

impl Chunk {
    /// Lets a row wait, unless nobody wants it; gives where it will be stored.
    pub(super) fn wait(&mut self, row: usize) -> Option<(u64, u32)> {
        let row = row_number(row);
        let at = match &self.wanted {
            None => row,
            Some(wanted) => {
                let number = wanted.binary_search(&row).ok()?;
                if self.packed.is_some() { row_number(number) } else { row }
            }
        };
        self.waits[at as usize] = true;
        Some((self.segment, self.first + at))
    }

    /// Lets those of these rows that somebody wants wait, all of them in time; says how many.
    pub(super) fn wait_all(&mut self, rows: Range<usize>, waiting: &mut Waiting) -> usize {
        let Self { stream, segment, first, .. } = *self;
        let Arrivals { times, numbers, .. } = &self.arrived;
        let stored = |number: u64, at: u32| Row { number, segment, row: first.wrapping_add(at), stream, is_late: false };
        let Some(wanted) = &self.wanted else {
            self.waits[rows.clone()].fill(true);
            let at = (rows.start as u32)..(rows.end as u32);
            let numbers = numbers[rows.clone()].iter().zip(at);
            waiting.extend(times[rows.clone()].iter().copied(), numbers.map(|(&number, at)| stored(number, at)));
            return rows.len();
        };
        let begin = wanted.partition_point(|&row| (row as usize) < rows.start);
        let end = wanted.partition_point(|&row| (row as usize) < rows.end);
        let these = wanted[begin..end].iter();
        let their_times = these.clone().map(|&row| times[row as usize]);
        if self.packed.is_some() {
            self.waits[begin..end].fill(true);
            let packed = these.zip(begin as u32..end as u32);
            waiting.extend(their_times, packed.map(|(&row, at)| stored(numbers[row as usize], at)));
        } else {
            these.clone().for_each(|&row| self.waits[row as usize] = true);
            waiting.extend(their_times, these.map(|&row| stored(numbers[row as usize], row)));
        }
        end - begin
    }

    /// As it waits with others.
    pub(super) fn into_part(self) -> Part {
        let Self { arrived: Arrivals { columns, times, numbers }, wanted, .. } = self;
        Part { times, numbers, columns, wanted }
    }

    /// Notes a row that is ahead of the clock.
    pub(super) fn set_aside(&mut self, row: usize) {
        self.ahead.push(row_number(row));
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
        let wanted = self.timing.wanted.as_ref().map(|wanted| wanted.select_rows(&arrived.columns, rows, &self.context));
        debug_assert_eq!(self.context.nulls(), 0, "the planner asks for conditions that make up no NULLs");
        let wanted = wanted.filter(|wanted| wanted.len() < rows);
        // Every row that is stored has a number of this size.
        row_number(rows);
        Chunk { stream, arrived, wanted, packed: None, waits: Vec::new(), segment: 0, first: 0, ahead: Vec::new() }
    }

    /// Settles where the rows of a chunk will be stored that wait one by one.
    pub(super) fn make_room(&self, chunk: &mut Chunk) {
        let rows = chunk.arrived.len();
        // Where most are wanted the columns stay as they are: copying them would cost more than the room of the others.
        let packs = chunk.wanted.as_ref().filter(|wanted| wanted.len() < rows - rows / 4);
        chunk.packed = packs.map(|wanted| chunk.arrived.columns.iter().map(|column| column.gather(wanted)).collect());
        let stored = packs.map_or(rows, Vec::len);
        chunk.waits = vec![false; stored];
        (chunk.segment, chunk.first) = self.store.address_of_next(stored);
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

    /// How many of the first of these rows are in time, whatever comes of other streams between them: no frontier goes beyond the watermark
    /// of a stream that is live, but for what it is already.
    pub(super) fn in_time(&self, times: &[Timestamp], frontier: Timestamp, clock: Timestamp) -> usize {
        let last = self.timing.ahead.map_or(Timestamp::MAX, |limit| clock.saturating_add(limit));
        let floor = if self.timing.is_read { frontier } else { Timestamp::MIN };
        let mut watermark = self.stats.watermark.map_or(floor, |watermark| watermark.max(floor));
        let delay = self.timing.delay;
        // Of times in order none is behind what those before it come to.
        if let [first, .., until] = times
            && *first >= watermark
            && *until <= last
            && delay >= Duration(0)
            && times.is_sorted()
        {
            return times.len();
        }
        let is_out = |&time: &Timestamp| {
            let is_out = time < watermark || time > last;
            if delay != Duration::MAX {
                watermark = watermark.max(time.saturating_sub(delay));
            }
            is_out
        };
        times.iter().position(is_out).unwrap_or(times.len())
    }

    /// Counts rows that are in time.
    pub(super) fn note_in_time(&mut self, times: &[Timestamp], clock: Timestamp) {
        self.stats.events += times.len() as u64;
        if let Some(&last) = times.iter().max() {
            self.note_time(last, clock);
        }
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
    pub(super) fn let_go(&mut self, rows: &[(u64, u32)], places: Places) -> EventBatch {
        if rows.is_empty() {
            return self.nothing();
        }
        let columns = self.store.take(&self.timing.schema, rows);
        self.stats.held -= rows.len() as u64;
        EventBatch::new(self.timing.schema.clone(), columns, places)
    }

    /// The same of rows that waited in a queue.
    pub(super) fn let_go_queued(&mut self, mut gone: Taken) -> EventBatch {
        let places = std::mem::take(&mut gone.places);
        if places.is_empty() {
            return self.nothing();
        }
        self.stats.held -= places.len() as u64;
        EventBatch::new(self.timing.schema.clone(), gone.into_columns(&self.timing.schema), places.into())
    }

    /// Takes these rows out of the store; they go on waiting.
    pub(super) fn take_stored(&mut self, rows: &[(u64, u32)]) -> Vec<Column> {
        self.store.take(&self.timing.schema, rows)
    }

    /// No rows.
    pub(super) fn nothing(&self) -> EventBatch {
        self.nothing.clone()
    }

    /// Stores rows that all wait already; gives where the first of them is stored.
    pub(super) fn keep(&mut self, columns: Vec<Column>, rows: usize) -> (u64, u32) {
        let address = self.store.address_of_next(rows);
        self.store.add(&self.timing.schema, columns, vec![true; rows]);
        address
    }

    /// How many rows are stored, waiting or not.
    #[cfg(test)]
    pub(super) fn stored(&self) -> usize {
        self.store.stored()
    }
}
