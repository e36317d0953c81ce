//! Event-time order: events come in as they arrive, and go out in the total order once the watermark has passed them.
//!
//! Everything is decided event by event in the order of arrival, so that no result depends on how the input was cut into chunks. The
//! *frontier* is the program's watermark: the least over the streams that are read and live, and it never goes back. An event before its own
//! stream's watermark or before the frontier is late. What lies before the frontier goes out, by (time, tie-breaker, arrival); where no
//! stream has tie-breakers, what lies at the frontier goes out too, because a later arrival of that time stands behind it anyway.
//!
//! Positions count the events that go out, from 1; rows of one event in several streams have one place.

mod store;
mod waiting;

mod saved;

use std::sync::Arc;

use self::store::Store;
use self::waiting::{Cut, Key, Ties, Waiting};
use crate::data::{Arrivals, Column, Duration, EventBatch, Place, Schema, Timestamp};

/// How time passes in one source stream.
#[derive(Debug, Clone)]
pub struct StreamTiming {
    /// Its columns.
    pub schema: Arc<Schema>,
    /// How far out of order its events may arrive.
    pub delay: Duration,
    /// A stream silent for longer than this (by the arrival clock) does not hold the watermark back.
    pub idle_after: Option<Duration>,
    /// An event further than this ahead of the arrival clock is bad. (The JSON decoder refuses it before, with its line; this is for rows
    /// that come another way.)
    pub ahead: Option<Duration>,
    /// The tie-breaker columns.
    pub ties: Vec<usize>,
    /// Whether some statement reads the stream. One that nobody reads does not hold the watermark back, and its events only count.
    pub is_read: bool,
    /// Whether late events are wanted as rows; else they only count.
    pub keeps_late: bool,
}

impl StreamTiming {
    /// In-order events without tie-breakers, of a stream that some statement reads.
    pub fn new(schema: Arc<Schema>) -> Self {
        Self { schema, delay: Duration(0), idle_after: None, ahead: None, ties: Vec::new(), is_read: true, keeps_late: false }
    }
}

/// What the order lets go.
#[derive(Debug, Clone)]
pub struct Released {
    /// The rows of each stream, in order; their places compare over all streams.
    pub batches: Vec<EventBatch>,
    /// Late rows of each stream, in the same order: a late row stands at its own time, or where the frontier was when it came, whichever is
    /// later. So its place may lie behind its event-time column.
    pub late: Vec<EventBatch>,
    /// Events of each stream that were too far ahead of the arrival clock, in order of arrival.
    pub ahead: Vec<Arrivals>,
    /// Every row still to come stands at or behind this place.
    pub watermark: Place,
    /// How many rows had to go before the watermark had passed them, because the buffer was full.
    pub forced: u64,
}

/// Counters and state of one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StreamStats {
    /// Events that arrived, late ones and those ahead of the clock among them.
    pub events: u64,
    /// Late events.
    pub late: u64,
    /// Events too far ahead of the arrival clock.
    pub ahead: u64,
    /// The largest event time so far, of events that were neither.
    pub max_time: Option<Timestamp>,
    /// That less the delay.
    pub watermark: Option<Timestamp>,
    /// When it last had an event, by the arrival clock.
    pub seen: Option<Timestamp>,
    /// When its watermark last moved, by the arrival clock.
    pub moved: Option<Timestamp>,
    /// Rows that wait, late ones among them.
    pub held: u64,
    /// Whether the stream is idle.
    pub is_idle: bool,
}

/// One stream, live.
#[derive(Debug)]
struct Stream {
    timing: StreamTiming,
    stats: StreamStats,
    store: Store,
    ahead: Arrivals,
}

/// Rows of a stream that go: where they are stored, and where they stand.
#[derive(Debug, Clone, Default)]
struct Going {
    rows: Vec<(u64, u32)>,
    places: Vec<Place>,
}

impl Going {
    fn reserve(&mut self, rows: usize) {
        self.rows.reserve(rows);
        self.places.reserve(rows);
    }

    fn push(&mut self, row: (u64, u32), place: Place) {
        self.rows.push(row);
        self.places.push(place);
    }
}

/// What becomes of a row that arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    OnTime,
    Late,
    Ahead,
}

/// Holds events until the watermark has passed them.
#[derive(Debug)]
pub struct Reorder {
    streams: Vec<Stream>,
    has_ties: bool,
    max_held: usize,
    waiting: Waiting,
    /// Keys that may go, in order.
    ready: Vec<Key>,
    frontier: Timestamp,
    /// The stream whose watermark the frontier is, while it holds others back.
    holder: Option<usize>,
    clock: Option<Timestamp>,
    /// When the clock was first told.
    started: Option<Timestamp>,
    position: u64,
    forced: u64,
    late_events: u64,
    is_finished: bool,
}

impl Reorder {
    /// How many rows wait at most, unless told otherwise.
    pub const MAX_HELD: usize = 4_000_000;

    /// An order over these streams. When more than `max_held` rows wait, the oldest go although the watermark has not passed them.
    pub fn new(streams: Vec<StreamTiming>, max_held: usize) -> Self {
        assert!(streams.len() <= usize::from(u16::MAX), "a program has fewer than 65,536 source streams");
        let has_ties = streams.iter().any(|timing| !timing.ties.is_empty());
        let streams = streams.into_iter().map(Stream::new).collect::<Vec<_>>();
        let mut order = Self {
            streams,
            has_ties,
            max_held: max_held.max(1),
            waiting: Waiting::default(),
            ready: Vec::new(),
            frontier: Timestamp::MIN,
            holder: None,
            clock: None,
            started: None,
            position: 0,
            forced: 0,
            late_events: 0,
            is_finished: false,
        };
        order.move_frontier();
        order
    }

    /// Takes what has arrived at this time of the arrival clock: one [`Arrivals`] a stream.
    ///
    /// The clock should stand still while nothing can be read (a full output pipe, a debugger), else streams look idle that are not.
    pub fn push(&mut self, arrivals: Vec<Arrivals>, clock: Timestamp) {
        assert_eq!(arrivals.len(), self.streams.len(), "one Arrivals a stream");
        self.advance_clock(clock);
        let rows = in_order_of_arrival(&arrivals);
        let mut verdicts: Vec<Vec<Verdict>> = arrivals.iter().map(|a| vec![Verdict::OnTime; a.len()]).collect();
        for event in rows.chunk_by(|a, b| a.0 == b.0) {
            for &(_, stream, row) in event {
                let (stream, row) = (usize::from(stream), row as usize);
                verdicts[stream][row] = self.judge(stream, arrivals[stream].times[row], clock);
            }
            self.hold(event, &arrivals, &verdicts);
            self.note(event, &arrivals, &verdicts, clock);
            self.keep_within_bound();
        }
        for ((stream, arrived), verdicts) in self.streams.iter_mut().zip(arrivals).zip(&verdicts) {
            stream.store(arrived, verdicts);
        }
    }

    /// Lets the arrival clock go on without events: streams may become idle.
    pub fn advance_clock(&mut self, clock: Timestamp) {
        let clock = self.clock.map_or(clock, |before| before.max(clock));
        self.clock = Some(clock);
        let started = *self.started.get_or_insert(clock);
        let mut has_changed = false;
        for stream in &mut self.streams {
            let Some(limit) = stream.timing.idle_after else { continue };
            let is_idle = clock.since(stream.stats.seen.unwrap_or(started)) > limit;
            if is_idle && !stream.stats.is_idle {
                stream.stats.is_idle = true;
                has_changed = true;
            }
        }
        if has_changed {
            self.move_frontier();
        }
    }

    /// For so long nothing could be read, though there may have been events: streams were not silent then.
    pub fn excuse(&mut self, pause: Duration) {
        self.started = self.started.map(|time| time.saturating_add(pause));
        for stream in &mut self.streams {
            stream.stats.seen = stream.stats.seen.map(|time| time.saturating_add(pause));
        }
    }

    /// Moves the frontier to at least this time, from outside. Events before it are late from then on.
    pub fn advance_watermark(&mut self, time: Timestamp) {
        self.frontier = self.frontier.max(time);
    }

    /// What has become certain since the last call.
    pub fn release(&mut self) -> Released {
        self.waiting.cut(self.cut(), &mut self.ready);
        let watermark = |order: &Self| match order.frontier {
            _ if order.is_finished => Place::MAX,
            Timestamp::MIN => Place::MIN,
            frontier => Place::event(frontier, order.position + 1),
        };
        let mut keys = std::mem::take(&mut self.ready);
        let places = self.places_of(&keys);
        let mut on_time: Vec<Going> = self.streams.iter().map(|_| Going::default()).collect();
        let mut belated = on_time.clone();
        if let Some(going) = on_time.first_mut() {
            going.reserve(keys.len());
        }
        for (key, place) in keys.iter().zip(places) {
            let going = if key.is_late { &mut belated } else { &mut on_time };
            going[usize::from(key.stream)].push((key.segment, key.row), place);
        }
        keys.clear();
        self.ready = keys;
        let (mut batches, mut late, mut ahead) = (Vec::new(), Vec::new(), Vec::new());
        for ((stream, on_time), belated) in self.streams.iter_mut().zip(on_time).zip(belated) {
            batches.push(stream.let_go(on_time));
            late.push(stream.let_go(belated));
            ahead.push(std::mem::take(&mut stream.ahead));
        }
        Released { batches, late, ahead, watermark: watermark(self), forced: std::mem::take(&mut self.forced) }
    }

    /// The end of input: everything goes out and the watermark stands at the end of time.
    pub fn finish(&mut self) -> Released {
        self.frontier = Timestamp::MAX;
        self.holder = None;
        self.is_finished = true;
        self.release()
    }

    /// Counters and state of each stream.
    pub fn stats(&self) -> Vec<StreamStats> {
        self.streams.iter().map(|stream| stream.stats).collect()
    }

    /// The program's watermark.
    pub fn frontier(&self) -> Timestamp {
        self.frontier
    }

    /// The live stream whose watermark (or whose silence since the beginning) is what the program's watermark waits for.
    pub fn held_back_by(&self) -> Option<usize> {
        self.holder
    }

    /// Since when it does, by the arrival clock: when its watermark last moved, or when the clock was first told.
    pub fn held_back_since(&self) -> Option<Timestamp> {
        self.streams[self.holder?].stats.moved.or(self.started)
    }

    /// The largest time of the arrival clock that was told.
    pub fn clock(&self) -> Option<Timestamp> {
        self.clock
    }

    /// How many events were late for all of their streams. (An event that is late for one of two counts for the other.)
    pub fn late_events(&self) -> u64 {
        self.late_events
    }

    /// How many events have gone out so far: the position of the last one. The caller stops before [`Place::POSITION_MAX`].
    pub fn position(&self) -> u64 {
        self.position
    }

    fn judge(&self, stream: usize, time: Timestamp, clock: Timestamp) -> Verdict {
        let stream = &self.streams[stream];
        if stream.timing.ahead.is_some_and(|limit| time > clock.saturating_add(limit)) {
            return Verdict::Ahead;
        }
        let is_behind_its_own = stream.stats.watermark.is_some_and(|watermark| time < watermark);
        // Nothing of a stream that nobody reads has been released, so the frontier says nothing about it.
        if is_behind_its_own || (stream.timing.is_read && time < self.frontier) { Verdict::Late } else { Verdict::OnTime }
    }

    /// Lets the rows of one event wait where they are to stand.
    fn hold(&mut self, event: &[(u64, u16, u32)], arrivals: &[Arrivals], verdicts: &[Vec<Verdict>]) {
        let mut standing: Vec<(Timestamp, Ties)> = Vec::new();
        for &(number, stream, row) in event {
            let (index, at) = (usize::from(stream), row as usize);
            let verdict = verdicts[index][at];
            let own_time = arrivals[index].times[at];
            if !self.streams[index].waits(verdict) {
                continue;
            }
            let time = if verdict == Verdict::Late { own_time.max(self.frontier) } else { own_time };
            let (segment, first) = self.streams[index].store.address_of_next(arrivals[index].len());
            let is_late = verdict == Verdict::Late;
            if !self.has_ties {
                self.waiting.push(Key { time, ties: Ties::None, number, stream, is_late, row: first + row, segment });
                continue;
            }
            // At one time an event stands at one place, so the tie-breaker of its first stream there holds for all of them.
            let ties = match standing.iter().find(|(there, _)| *there == time) {
                Some((_, ties)) => ties.clone(),
                None => self.streams[index].ties(&arrivals[index], at),
            };
            standing.push((time, ties.clone()));
            self.waiting.push(Key { time, ties, number, stream, is_late, row: first + row, segment });
        }
    }

    /// Counts the rows of one event, and moves its streams' watermarks.
    fn note(&mut self, event: &[(u64, u16, u32)], arrivals: &[Arrivals], verdicts: &[Vec<Verdict>], clock: Timestamp) {
        let mut may_move = self.holder.is_none();
        let is_late = |&(_, stream, row): &(u64, u16, u32)| verdicts[usize::from(stream)][row as usize] == Verdict::Late;
        self.late_events += u64::from(event.iter().all(is_late));
        for &(_, stream, row) in event {
            let (index, row) = (usize::from(stream), row as usize);
            let verdict = verdicts[index][row];
            let was_idle = self.streams[index].stats.is_idle;
            let has_moved = self.streams[index].note(verdict, arrivals[index].times[row], clock);
            may_move |= was_idle || (has_moved && self.holder == Some(index));
        }
        if may_move {
            self.move_frontier();
        }
    }

    /// The frontier is the least watermark of the streams that are read and live, where it is not further already. With none of them live
    /// nothing is held back by anyone: then it is the largest watermark of all.
    fn move_frontier(&mut self) {
        let read = || self.streams.iter().enumerate().filter(|(_, stream)| stream.timing.is_read);
        let live = read().filter(|(_, stream)| !stream.stats.is_idle);
        self.holder = live.min_by_key(|(_, stream)| stream.stats.watermark).map(|(index, _)| index);
        let watermark = match self.holder {
            Some(holder) => self.streams[holder].stats.watermark,
            None => read().filter_map(|(_, stream)| stream.stats.watermark).max(),
        };
        self.frontier = self.frontier.max(watermark.unwrap_or(Timestamp::MIN));
    }

    fn cut(&self) -> Cut {
        if self.has_ties && !self.is_finished { Cut::Before(self.frontier) } else { Cut::UpTo(self.frontier) }
    }

    /// Lets the oldest rows go while more wait than may. All rows of one time go together, so that tie-breakers keep their meaning.
    fn keep_within_bound(&mut self) {
        if self.waiting.len() <= self.max_held {
            return;
        }
        self.waiting.cut(self.cut(), &mut self.ready);
        while self.waiting.len() > self.max_held {
            let Some(oldest) = self.waiting.first_time() else { return };
            let before = self.ready.len();
            self.waiting.cut(Cut::UpTo(oldest), &mut self.ready);
            self.forced += (self.ready.len() - before) as u64;
            let passed = if self.has_ties { Timestamp(oldest.0.saturating_add(1)) } else { oldest };
            self.frontier = self.frontier.max(passed);
        }
    }

    /// Numbers the events that go.
    fn places_of(&mut self, keys: &[Key]) -> Vec<Place> {
        let mut places = Vec::with_capacity(keys.len());
        let mut before: Option<&Key> = None;
        for key in keys {
            if !before.is_some_and(|before| before.is_same_event(key)) {
                self.position += 1;
            }
            places.push(Place::event(key.time, self.position));
            before = Some(key);
        }
        places
    }
}

impl Stream {
    fn new(timing: StreamTiming) -> Self {
        Self { timing, stats: StreamStats::default(), store: Store::default(), ahead: Arrivals::default() }
    }

    /// Whether a row of this verdict waits as a row.
    fn waits(&self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::OnTime => self.timing.is_read,
            Verdict::Late => self.timing.keeps_late,
            Verdict::Ahead => false,
        }
    }

    fn ties(&self, arrivals: &Arrivals, row: usize) -> Ties {
        if self.timing.ties.is_empty() {
            return Ties::None;
        }
        Ties::of(self.timing.ties.iter().map(|&column| arrivals.columns[column].value(row).into_owned()).collect())
    }

    /// Counts a row; says whether the stream's watermark has moved.
    fn note(&mut self, verdict: Verdict, time: Timestamp, clock: Timestamp) -> bool {
        let before = self.stats.watermark;
        self.stats.events += 1;
        self.stats.seen = Some(self.stats.seen.map_or(clock, |before| before.max(clock)));
        self.stats.is_idle = false;
        match verdict {
            Verdict::Ahead => self.stats.ahead += 1,
            Verdict::Late => self.stats.late += 1,
            Verdict::OnTime => {
                let max_time = self.stats.max_time.map_or(time, |before| before.max(time));
                if self.stats.max_time != Some(max_time) {
                    self.stats.moved = Some(clock);
                }
                self.stats.max_time = Some(max_time);
                self.stats.watermark = Some(max_time.saturating_sub(self.timing.delay));
            }
        }
        self.stats.held += u64::from(self.waits(verdict));
        self.stats.watermark != before
    }

    /// Stores the columns of what waits, and sets aside what is ahead of the clock.
    fn store(&mut self, arrived: Arrivals, verdicts: &[Verdict]) {
        if verdicts.contains(&Verdict::Ahead) {
            let rows: Vec<u32> = (0u32..).zip(verdicts).filter(|(_, v)| **v == Verdict::Ahead).map(|(row, _)| row).collect();
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
        let waits = verdicts.iter().map(|&verdict| self.waits(verdict)).collect();
        self.store.add(&self.timing.schema, arrived.columns, waits);
    }

    fn let_go(&mut self, Going { rows, places }: Going) -> EventBatch {
        let schema = self.timing.schema.clone();
        if rows.is_empty() {
            return EventBatch::empty(schema);
        }
        let columns = self.store.gather(&schema, &rows);
        self.store.remove(&rows);
        self.stats.held -= rows.len() as u64;
        EventBatch::new(schema, columns, places.into())
    }
}

/// The rows of all streams as (event number, stream, row), in order of arrival.
fn in_order_of_arrival(arrivals: &[Arrivals]) -> Vec<(u64, u16, u32)> {
    let mut rows = Vec::with_capacity(arrivals.iter().map(Arrivals::len).sum());
    for (stream, arrived) in (0u16..).zip(arrivals) {
        debug_assert!(arrived.numbers.is_sorted_by(|a, b| a < b), "arrival numbers rise");
        rows.extend(arrived.numbers.iter().zip(0u32..).map(|(&number, row)| (number, stream, row)));
    }
    // Each stream's rows are a run already, and the stable sort merges runs.
    rows.sort();
    rows
}

#[cfg(test)]
mod tests;
