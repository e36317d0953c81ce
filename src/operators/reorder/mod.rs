//! Event-time order: events come in as they arrive, and go out in the total order once the watermark has passed them.
//!
//! Everything is decided event by event in the order of arrival, so that no result depends on how the input was cut into chunks. The
//! *frontier* is the program's watermark: the least over the streams that are read and live, and it never goes back. An event before its own
//! stream's watermark or before the frontier is late. What lies before the frontier goes out, by (time, tie-breaker, arrival); where no
//! stream has tie-breakers, what lies at the frontier goes out too, because a later arrival of that time stands behind it anyway.
//!
//! Positions count the events that go out, from 1; rows of one event in several streams have one place.

mod arrive;
mod buckets;
mod queues;
mod store;
mod stream;
mod waiting;

mod saved;

use std::ops::Range;
use std::sync::Arc;

use self::queues::{Part, Queues};
use self::stream::Stream;
use self::waiting::{Cut, Goes, Key, Row, Waiting};
use crate::data::{Arrivals, Duration, EventBatch, Place, Places, Schema, Timestamp};
use crate::expr::Expr;

/// How time passes in one source stream.
#[derive(Debug, Clone)]
pub struct StreamTiming {
    /// Its columns.
    pub schema: Arc<Schema>,
    /// How far out of order its events may arrive; with the longest delay there is, as far as they like: all wait for the end of input.
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
    /// A condition over the columns that makes up no NULLs: nobody wants an event of which it is not true. Such an event counts and moves
    /// the watermark like any other, and goes no further. (Of late events it says nothing: those are wanted for being late.)
    pub wanted: Option<Expr>,
}

impl StreamTiming {
    /// In-order events without tie-breakers, of a stream that some statement reads.
    pub fn new(schema: Arc<Schema>) -> Self {
        Self { schema, delay: Duration(0), idle_after: None, ahead: None, ties: Vec::new(), is_read: true, keeps_late: false, wanted: None }
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
    /// Events of each stream that came in time and that nobody wants, since the last release.
    pub unwanted: Vec<u64>,
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

/// Holds events until the watermark has passed them.
#[derive(Debug)]
pub struct Reorder {
    streams: Vec<Stream>,
    has_ties: bool,
    max_held: usize,
    /// Rows wait here, or in `waiting`, or among the `ready`: never here and there.
    queues: Queues,
    waiting: Waiting,
    /// Rows that may go, in order.
    ready: Vec<Goes>,
    /// How many of them have gone: no more go at once than may.
    gone: usize,
    most_at_once: usize,
    frontier: Timestamp,
    /// The stream whose watermark the frontier is, while it holds others back.
    holder: Option<usize>,
    clock: Option<Timestamp>,
    /// When the clock was first told.
    started: Option<Timestamp>,
    position: u64,
    /// The watermark of the last release.
    told: Place,
    forced: u64,
    late_events: u64,
    is_finished: bool,
    /// The arrival numbers of the events that have gone out since they were last taken, where somebody asks for them.
    noted: Option<Vec<u64>>,
}

impl Reorder {
    /// How many rows wait at most, unless told otherwise.
    pub const MAX_HELD: usize = 4_000_000;

    /// An order over these streams. When more than `max_held` rows wait, the oldest go although the watermark has not passed them.
    pub fn new(streams: Vec<StreamTiming>, max_held: usize) -> Self {
        assert!(streams.len() <= usize::from(u16::MAX), "a program has fewer than 65,536 source streams");
        debug_assert!(streams.iter().all(|timing| timing.wanted.is_none() || !timing.keeps_late), "late events are wanted all");
        let has_ties = streams.iter().any(|timing| !timing.ties.is_empty());
        let streams = streams.into_iter().map(Stream::new).collect::<Vec<_>>();
        let queues = Queues::new(streams.iter().map(|stream| &stream.timing.schema));
        let mut order = Self {
            streams,
            has_ties,
            max_held: max_held.max(1),
            queues,
            waiting: Waiting::default(),
            ready: Vec::new(),
            gone: 0,
            most_at_once: usize::MAX,
            frontier: Timestamp::MIN,
            holder: None,
            clock: None,
            started: None,
            position: 0,
            told: Place::MIN,
            forced: 0,
            late_events: 0,
            is_finished: false,
            noted: None,
        };
        order.move_frontier();
        order
    }

    /// The same, of which no more than so many rows go in one release: the rest is news.
    #[must_use]
    pub fn letting_go(self, most_at_once: usize) -> Self {
        Self { most_at_once: most_at_once.max(1), ..self }
    }

    /// From now on no more than so many rows go in one release.
    pub fn let_go(&mut self, most_at_once: usize) {
        self.most_at_once = most_at_once.max(1);
        if !self.may_queue() {
            self.leave_queues();
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

    /// Whether anything has become certain since the last release.
    pub fn has_news(&self) -> bool {
        self.forced > 0
            || !self.ready.is_empty()
            || self.waiting.may_give(self.cut())
            || self.queues.may_give(self.cut())
            || self.watermark() != self.told
            || self.streams.iter().any(Stream::has_news)
    }

    /// Bytes that the next release takes for a while to put in order what waits; or, with so many rows more, that keeping to the bound does.
    pub fn wants(&self, more: usize) -> usize {
        let cut = self.cut();
        let is_due = self.waiting.may_give(cut) || self.queues.may_give(cut) || self.held().saturating_add(more) > self.max_held;
        if is_due { self.waiting.wants(cut) + self.queues.wants() } else { 0 }
    }

    /// The same for the end of input.
    pub fn wants_at_end(&self) -> usize {
        self.waiting.wants(Cut::UpTo(Timestamp::MAX)) + self.queues.wants()
    }

    /// What has become certain since the last call.
    pub fn release(&mut self) -> Released {
        let (batches, late) = if self.queues.is_empty() { self.let_go_waiting() } else { self.let_go_queued() };
        self.told = self.watermark();
        let (ahead, unwanted) = self.streams.iter_mut().map(Stream::take_rest).unzip();
        Released { batches, late, ahead, watermark: self.told, unwanted, forced: std::mem::take(&mut self.forced) }
    }

    /// The rows of each stream that go now, and the late ones.
    fn let_go_waiting(&mut self) -> (Vec<EventBatch>, Vec<EventBatch>) {
        self.waiting.cut(self.cut(), &mut self.ready);
        let going = self.going();
        let is_simple = self.noted.is_none() && matches!(self.streams.as_slice(), [alone] if !alone.timing.keeps_late);
        let (on_time, belated) =
            if is_simple { (vec![self.go_alone(going.clone())], vec![Gone::default()]) } else { self.go(going.clone()) };
        self.gone = going.end;
        if self.gone == self.ready.len() {
            self.ready.clear();
            self.gone = 0;
        }
        let let_go = |(stream, (rows, places)): (&mut Stream, Gone)| stream.let_go(&rows, places);
        let batches = self.streams.iter_mut().zip(on_time).map(let_go).collect();
        (batches, self.streams.iter_mut().zip(belated).map(let_go).collect())
    }

    /// The same of rows that wait in queues, of which none is late.
    fn let_go_queued(&mut self) -> (Vec<EventBatch>, Vec<EventBatch>) {
        let gone = self.queues.cut(self.cut(), &mut self.position);
        let batches = self.streams.iter_mut().zip(gone).map(|(stream, gone)| stream.let_go_queued(gone)).collect();
        (batches, self.streams.iter().map(Stream::nothing).collect())
    }

    /// Whether rows may wait by the chunk.
    fn may_queue(&self) -> bool {
        !self.has_ties && self.noted.is_none() && self.most_at_once == usize::MAX && self.ready.is_empty()
    }

    /// Moves what waits one by one back into queues, if it is no more than these rows and none is late. Whether none waits one by one now.
    fn return_to_queues(&mut self, most: usize) -> bool {
        if self.waiting.len() == 0 {
            return true;
        }
        if self.waiting.len() > most || self.streams.iter().any(|stream| stream.timing.keeps_late) {
            return false;
        }
        let mut of_streams: Vec<Vec<Key>> = self.streams.iter().map(|_| Vec::new()).collect();
        self.waiting.take_all().into_iter().for_each(|key| of_streams[usize::from(key.row.stream)].push(key));
        for (index, keys) in of_streams.into_iter().enumerate().filter(|(_, keys)| !keys.is_empty()) {
            let rows: Vec<(u64, u32)> = keys.iter().map(|key| (key.row.segment, key.row.row)).collect();
            let columns = self.streams[index].take_stored(&rows);
            let (times, numbers) = keys.iter().map(|key| (key.time, key.row.number)).unzip();
            self.queues.push(index, Part { times, numbers, columns, wanted: None });
        }
        true
    }

    /// Moves what waits in queues to where rows wait one by one.
    fn leave_queues(&mut self) {
        for (stream, Part { times, numbers, columns, .. }) in self.queues.take_all() {
            let (segment, first) = self.streams[stream].keep(columns, times.len());
            let stream = u16::try_from(stream).expect("a program has fewer than 65,536 source streams");
            let row = |row: usize| Row { number: numbers[row], segment, row: first + row as u32, stream, is_late: false };
            self.waiting.extend(times.iter().copied(), (0..times.len()).map(row));
        }
    }

    /// How many rows wait.
    fn held(&self) -> usize {
        self.waiting.len() + self.queues.len()
    }

    /// The rows of each stream that go, in time and late, with their places; their events are counted.
    fn go(&mut self, going: Range<usize>) -> (Vec<Gone>, Vec<Gone>) {
        let mut on_time: Vec<Going> = self.streams.iter().map(|_| Going::default()).collect();
        let mut belated: Vec<Going> = on_time.clone();
        let mut before: Option<&Goes> = None;
        for goes in &self.ready[going] {
            if !before.is_some_and(|before| before.is_same_event(goes)) {
                self.position += 1;
                if let Some(noted) = &mut self.noted {
                    noted.push(goes.row.number);
                }
            }
            let going = if goes.row.is_late { &mut belated } else { &mut on_time };
            going[usize::from(goes.row.stream)].push((goes.row.segment, goes.row.row), Place::event(goes.time, self.position));
            before = Some(goes);
        }
        let gone = |going: Vec<Going>| going.into_iter().map(|going| (going.rows, going.places.into())).collect();
        (gone(on_time), gone(belated))
    }

    /// The same of one stream that has no late rows: each row is an event of its own.
    fn go_alone(&mut self, going: Range<usize>) -> Gone {
        let first = self.position + 1;
        self.position += going.len() as u64;
        let going = &self.ready[going];
        let places = going.iter().zip(first..).map(|(goes, position)| Place::event(goes.time, position));
        (going.iter().map(|goes| (goes.row.segment, goes.row.row)).collect(), places.collect())
    }

    /// Every row still to come stands at or behind this place.
    fn watermark(&self) -> Place {
        // Rows of `ready` before this have gone; those behind stand at their own times.
        if self.gone > 0 {
            return Place::event(self.ready[self.gone].time, self.position + 1);
        }
        match self.frontier {
            _ if self.is_finished => Place::MAX,
            Timestamp::MIN => Place::MIN,
            frontier => Place::event(frontier, self.position + 1),
        }
    }

    /// The end of input: everything goes out and the watermark stands at the end of time.
    pub fn finish(&mut self) -> Released {
        self.frontier = Timestamp::MAX;
        self.holder = None;
        self.is_finished = true;
        self.release()
    }

    /// Lets everything be seen: events that nobody wants go out all the same, late ones come as rows, and [`Reorder::take_noted`] tells
    /// which event stands at which position. To be asked for before the first event.
    pub fn show_all(&mut self) {
        self.noted = Some(Vec::new());
        for stream in &mut self.streams {
            stream.timing.wanted = None;
            stream.timing.keeps_late = true;
        }
    }

    /// The arrival numbers of the events that have gone out since the last call, by position.
    pub fn take_noted(&mut self) -> Vec<u64> {
        self.noted.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Which of the rows that may go do so now: all rows of one event at once.
    fn going(&self) -> Range<usize> {
        let mut end = self.gone.saturating_add(self.most_at_once).min(self.ready.len());
        while end > 0 && end < self.ready.len() && self.ready[end - 1].is_same_event(&self.ready[end]) {
            end += 1;
        }
        self.gone..end
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
}

/// Rows of a stream that go: where they are stored, and where they stand.
#[derive(Debug, Clone, Default)]
struct Going {
    rows: Vec<(u64, u32)>,
    places: Vec<Place>,
}

/// The same, to be taken out.
type Gone = (Vec<(u64, u32)>, Places);

impl Going {
    fn push(&mut self, row: (u64, u32), place: Place) {
        self.rows.push(row);
        self.places.push(place);
    }
}

#[cfg(test)]
mod tests;
