//! Rows that wait by the chunk, a queue a stream, as long as none is late and not many more wait than come at once.
//!
//! A stream by itself is often in order: files that were sorted, batches of one producer. Then its chunks go as they came, without a look at
//! each row. What is out of order by less than a few chunks is put in order when some of it may go: all that waits of the stream, at once, into
//! one part, a column at a time. The order of several streams is a merge of such queues, of which only positions come. Anything else is
//! moved to where rows wait one by one (`Waiting`).

use std::collections::VecDeque;
use std::sync::Arc;

use super::buckets::Sorter;
use super::waiting::Cut;
use crate::data::{Column, Place, Schema, Timestamp};

/// Chunks of fewer rows are not worth a place of their own.
const FEW: usize = 16;
/// Rows that come out of order wait here while no more than so many times as many wait already: each cut may look at all of them.
const MOST: usize = 2;
/// Where fewer than one in so many rows of a chunk are wanted they are copied, so that the others do not stay.
const SPARSE: usize = 4;

/// The rows that wait in queues.
#[derive(Debug, Default)]
pub(super) struct Queues {
    streams: Vec<Queue>,
    len: usize,
    sorter: Sorter,
    /// Of the rows of a cut, stream by stream: times and numbers, their order, and the how manieth event each is.
    times: Vec<Timestamp>,
    numbers: Vec<u64>,
    sequence: Vec<u32>,
    ranks: Vec<u32>,
}

/// The rows of one stream that wait; of one time, in the order in which they came.
#[derive(Debug)]
struct Queue {
    schema: Arc<Schema>,
    parts: VecDeque<Part>,
    len: usize,
    /// Whether they are in the order of their times.
    is_sorted: bool,
    /// Where they are not, the least time; of no meaning else.
    least: Timestamp,
}

/// Rows of one stream, in the order in which they came, or in that of their times; those of one time as they came.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) times: Vec<Timestamp>,
    pub(super) numbers: Vec<u64>,
    pub(super) columns: Vec<Column>,
    /// Those that are wanted, where not all are.
    pub(super) wanted: Option<Vec<u32>>,
}

/// Rows of one stream that go, with their places.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) places: Vec<Place>,
    parts: Vec<Part>,
}

impl Queues {
    /// Of streams with these columns.
    pub(super) fn new<'s>(schemas: impl Iterator<Item = &'s Arc<Schema>>) -> Self {
        Self { streams: schemas.map(|schema| Queue::new(schema.clone())).collect(), ..Self::default() }
    }

    /// How many rows wait here.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether rows of these times may wait with those of this stream.
    pub(super) fn takes(&self, stream: usize, times: &[Timestamp]) -> bool {
        let queue = &self.streams[stream];
        let are_few = queue.len <= MOST * times.len() && u32::try_from(SPARSE * queue.len + times.len()).is_ok();
        times.len() >= FEW && (are_few || queue.goes_on(times))
    }

    /// Appends rows that [`Queues::takes`].
    pub(super) fn push(&mut self, stream: usize, part: Part) {
        self.len += part.len();
        self.streams[stream].push(part);
    }

    /// Whether the cut may take anything.
    pub(super) fn may_give(&self, cut: Cut) -> bool {
        self.streams.iter().filter_map(Queue::least).any(|least| cut.takes(least))
    }

    /// Bytes that a cut takes for a while.
    pub(super) fn wants(&self) -> usize {
        const SORTED: usize = size_of::<Timestamp>() + size_of::<u64>() + size_of::<u32>();
        let to_sort = self.streams.iter().filter(|queue| !queue.is_sorted).map(|queue| queue.len * SORTED).sum::<usize>();
        self.len * (SORTED + size_of::<Place>() + Sorter::BYTES + size_of::<u32>()) + to_sort
    }

    /// Takes what the cut takes, of each stream, and gives places to it from behind this position on.
    pub(super) fn cut(&mut self, cut: Cut, position: &mut u64) -> Vec<Taken> {
        let Self { streams, sorter, .. } = self;
        let mut gone: Vec<Taken> = streams.iter_mut().map(|queue| Taken { places: Vec::new(), parts: queue.take(cut, sorter) }).collect();
        self.len -= gone.iter().map(Taken::len).sum::<usize>();
        let mut having_rows = gone.iter_mut().filter(|of_stream| !of_stream.parts.is_empty());
        match (having_rows.next(), having_rows.next()) {
            (Some(alone), None) => alone.take_places(position),
            (Some(_), Some(_)) => self.merge(&mut gone, position),
            (None, _) => {}
        }
        gone
    }

    fn merge(&mut self, gone: &mut [Taken], position: &mut u64) {
        self.times.clear();
        self.numbers.clear();
        for part in gone.iter().flat_map(|of_stream| &of_stream.parts) {
            self.times.extend_from_slice(&part.times);
            self.numbers.extend_from_slice(&part.numbers);
        }
        self.sort();
        let before = *position;
        *position += u64::from(self.rank());
        let mut ranks = self.ranks.iter();
        for of_stream in gone {
            of_stream.places.reserve(of_stream.len());
            for part in &of_stream.parts {
                let place = |(time, rank): (&Timestamp, &u32)| Place::event(*time, before + u64::from(*rank));
                of_stream.places.extend(part.times.iter().zip(ranks.as_slice()).map(place));
                ranks = ranks.as_slice()[part.times.len()..].iter();
            }
        }
    }

    /// Finds the order of these rows by time and number; of one event the first stream's row stays the first.
    fn sort(&mut self) {
        let Self { times, numbers, sorter, sequence, .. } = self;
        let key = |at: u32| (times[at as usize], numbers[at as usize], at);
        sequence.clear();
        if !sorter.sort(times.iter().map(|time| time.0), sequence) {
            // Sorted pieces are found and merged.
            sequence.extend((0..).take(times.len()));
            sequence.sort_by_key(|&at| key(at));
            return;
        }
        let are_of_one_time = |&a: &u32, &b: &u32| times[a as usize] == times[b as usize];
        for of_one_time in sequence.chunk_by_mut(are_of_one_time).filter(|of_one_time| of_one_time.len() > 1) {
            of_one_time.sort_by_key(|&at| key(at));
        }
    }

    /// Says of each row the how manieth event it is, from 1. Gives how many there are.
    fn rank(&mut self) -> u32 {
        self.ranks.clear();
        self.ranks.resize(self.times.len(), 0);
        // No event has the last number of all.
        let (mut rank, mut before) = (0_u32, (Timestamp::MIN, u64::MAX));
        for &at in &self.sequence {
            let event = (self.times[at as usize], self.numbers[at as usize]);
            rank += u32::from(event != before);
            before = event;
            self.ranks[at as usize] = rank;
        }
        rank
    }

    /// Takes all that waits, stream by stream.
    pub(super) fn take_all(&mut self) -> Vec<(usize, Part)> {
        self.len = 0;
        self.streams.iter_mut().enumerate().flat_map(|(stream, queue)| queue.take_all().map(move |part| (stream, part))).collect()
    }
}

impl Queue {
    fn new(schema: Arc<Schema>) -> Self {
        Self { schema, parts: VecDeque::new(), len: 0, is_sorted: true, least: Timestamp::MAX }
    }

    /// Whether rows of these times may stand behind those that wait.
    fn goes_on(&self, times: &[Timestamp]) -> bool {
        let last = self.parts.back().and_then(|part| part.times.last());
        self.is_sorted && last.is_none_or(|last| *last <= times[0]) && times.is_sorted()
    }

    fn push(&mut self, part: Part) {
        if part.len() == 0 {
            return;
        }
        if !self.goes_on(&part.times) {
            let least = part.times.iter().fold(i64::MAX, |least, time| least.min(time.0));
            self.least = self.least().map_or(Timestamp(least), |before| before.min(Timestamp(least)));
            self.is_sorted = false;
        }
        self.len += part.len();
        self.parts.push_back(if self.is_sorted || part.len() * SPARSE < part.times.len() { part.of_wanted() } else { part });
    }

    fn least(&self) -> Option<Timestamp> {
        let first = self.parts.front()?;
        Some(if self.is_sorted { first.times[0] } else { self.least })
    }

    /// Takes what the cut takes off the front.
    fn take(&mut self, cut: Cut, sorter: &mut Sorter) -> Vec<Part> {
        let mut taken = Vec::new();
        if !self.least().is_some_and(|least| cut.takes(least)) {
            return taken;
        }
        self.sort(sorter);
        while let Some(part) = self.parts.front_mut() {
            let rows = part.times.partition_point(|time| cut.takes(*time));
            self.len -= rows;
            if rows == part.times.len() {
                taken.extend(self.parts.pop_front());
                continue;
            }
            if rows > 0 {
                taken.push(part.split_off_front(rows));
            }
            break;
        }
        taken
    }

    /// Puts all rows in order, into one part. Of one time they stay in the order in which they came.
    fn sort(&mut self, sorter: &mut Sorter) {
        if std::mem::replace(&mut self.is_sorted, true) {
            return;
        }
        let parts = self.parts.make_contiguous();
        let mut times = Vec::with_capacity(self.len);
        // Where a row stands in the parts laid end to end.
        let mut at: Vec<u32> = Vec::with_capacity(self.len);
        let mut first = 0u32;
        for part in &*parts {
            match &part.wanted {
                None => {
                    times.extend_from_slice(&part.times);
                    at.extend((first..).take(part.times.len()));
                }
                Some(wanted) => {
                    times.extend(wanted.iter().map(|&row| part.times[row as usize]));
                    at.extend(wanted.iter().map(|&row| first.wrapping_add(row)));
                }
            }
            // No more are taken than go into a number of this size.
            first = first.wrapping_add(part.times.len() as u32);
        }
        sorter.sort_rows(&mut times, &mut at);
        let mut numbers = Vec::with_capacity(first as usize);
        parts.iter().for_each(|part| numbers.extend_from_slice(&part.numbers));
        let numbers = at.iter().map(|&at| numbers[at as usize]).collect();
        let columns = self.schema.fields().iter().enumerate().map(|(index, field)| {
            let columns: Vec<&Column> = parts.iter().map(|part| &part.columns[index]).collect();
            Column::gather_chained(&field.data_type, &columns, &at)
        });
        let columns = columns.collect();
        self.parts.clear();
        self.parts.push_back(Part { times, numbers, columns, wanted: None });
    }

    fn take_all(&mut self) -> impl Iterator<Item = Part> {
        (self.len, self.is_sorted) = (0, true);
        self.parts.drain(..).map(Part::of_wanted)
    }
}

impl Part {
    /// How many rows of it are wanted.
    pub(super) fn len(&self) -> usize {
        self.wanted.as_ref().map_or(self.times.len(), Vec::len)
    }

    /// Those alone.
    fn of_wanted(self) -> Self {
        let Some(wanted) = self.wanted else { return self };
        Self {
            times: wanted.iter().map(|&row| self.times[row as usize]).collect(),
            numbers: wanted.iter().map(|&row| self.numbers[row as usize]).collect(),
            columns: self.columns.iter().map(|column| column.gather(&wanted)).collect(),
            wanted: None,
        }
    }

    fn split_off_front(&mut self, rows: usize) -> Self {
        let all = self.times.len();
        let times = self.times.split_off(rows);
        let numbers = self.numbers.split_off(rows);
        let front = self.columns.iter().map(|column| column.slice(0..rows)).collect();
        self.columns.iter_mut().for_each(|column| *column = column.slice(rows..all));
        let (times, numbers) = (std::mem::replace(&mut self.times, times), std::mem::replace(&mut self.numbers, numbers));
        Self { times, numbers, columns: front, wanted: None }
    }
}

impl Taken {
    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.times.len()).sum()
    }

    fn take_places(&mut self, position: &mut u64) {
        self.places.reserve(self.len());
        for part in &self.parts {
            let place = |(time, position): (&Timestamp, u64)| Place::event(*time, position);
            self.places.extend(part.times.iter().zip(*position + 1..).map(place));
            *position += part.times.len() as u64;
        }
    }

    /// The columns of all rows.
    pub(super) fn into_columns(mut self, schema: &Schema) -> Vec<Column> {
        if let [alone] = self.parts.as_mut_slice() {
            return std::mem::take(&mut alone.columns);
        }
        let rows = |(part, of): (u32, &Part)| (0u32..).take(of.times.len()).map(move |row| (part, row));
        let at: Vec<(u32, u32)> = (0u32..).zip(&self.parts).flat_map(rows).collect();
        let columns = schema.fields().iter().enumerate().map(|(index, field)| {
            let parts: Vec<&Column> = self.parts.iter().map(|part| &part.columns[index]).collect();
            Column::interleave(&field.data_type, &parts, &at)
        });
        columns.collect()
    }
}
