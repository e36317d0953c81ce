//! Rows that came in order: chunks wait whole, a queue a stream, and go as they came, without a look at each.
//!
//! Each stream by itself is mostly in order: files that were sorted, batches of one producer. Then the order of all is a merge of sorted
//! queues, of which only positions come; columns go out as they came in. As soon as anything comes that would not stand at the end of its
//! queue, all that waits is moved to where single rows wait (`Waiting`), until that has run empty.

use std::collections::VecDeque;

use super::buckets::Sorter;
use super::waiting::Cut;
use crate::data::{Column, Place, Schema, Timestamp};

/// Chunks of fewer rows are not worth a place of their own.
const FEW: usize = 16;

/// The rows that wait in queues.
#[derive(Debug, Default)]
pub(super) struct Queues {
    streams: Vec<VecDeque<Part>>,
    len: usize,
    sorter: Sorter,
    /// Of the rows of a cut, stream by stream: times and numbers, their order, and the how manieth event each is.
    times: Vec<Timestamp>,
    numbers: Vec<u64>,
    sequence: Vec<u32>,
    ranks: Vec<u32>,
}

/// Rows of one stream, sorted by time; their numbers rise.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) times: Vec<Timestamp>,
    pub(super) numbers: Vec<u64>,
    pub(super) columns: Vec<Column>,
}

/// Rows of one stream that go, with their places.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) places: Vec<Place>,
    parts: Vec<Part>,
}

impl Queues {
    /// Of so many streams.
    pub(super) fn new(streams: usize) -> Self {
        Self { streams: (0..streams).map(|_| VecDeque::new()).collect(), len: 0, ..Self::default() }
    }

    /// How many rows wait here.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether rows of these times may stand behind those of this stream that wait.
    pub(super) fn takes(&self, stream: usize, times: &[Timestamp]) -> bool {
        let last = self.streams[stream].back().and_then(|part| part.times.last());
        times.len() >= FEW && last.is_none_or(|last| *last <= times[0]) && times.is_sorted()
    }

    /// Appends rows that [`Queues::takes`].
    pub(super) fn push(&mut self, stream: usize, part: Part) {
        if !part.times.is_empty() {
            self.len += part.times.len();
            self.streams[stream].push_back(part);
        }
    }

    /// Whether the cut may take anything.
    pub(super) fn may_give(&self, cut: Cut) -> bool {
        self.streams.iter().filter_map(VecDeque::front).any(|part| cut.takes(part.times[0]))
    }

    /// Bytes that a cut takes for a while.
    pub(super) fn wants(&self) -> usize {
        self.len * (size_of::<Timestamp>() + size_of::<u64>() + size_of::<Place>() + Sorter::BYTES + 2 * size_of::<u32>())
    }

    /// Takes what the cut takes, of each stream, and gives places to it from behind this position on.
    pub(super) fn cut(&mut self, cut: Cut, position: &mut u64) -> Vec<Taken> {
        let mut gone: Vec<Taken> = self.streams.iter_mut().map(|queue| Taken { places: Vec::new(), parts: take(queue, cut) }).collect();
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
        self.streams.iter_mut().enumerate().flat_map(|(stream, queue)| queue.drain(..).map(move |part| (stream, part))).collect()
    }
}

/// Takes what the cut takes off the front of a queue.
fn take(queue: &mut VecDeque<Part>, cut: Cut) -> Vec<Part> {
    let mut taken = Vec::new();
    while let Some(part) = queue.front_mut() {
        let rows = part.times.partition_point(|time| cut.takes(*time));
        if rows == part.times.len() {
            taken.extend(queue.pop_front());
            continue;
        }
        if rows > 0 {
            taken.push(part.split_off_front(rows));
        }
        break;
    }
    taken
}

impl Part {
    fn split_off_front(&mut self, rows: usize) -> Self {
        let all = self.times.len();
        let times = self.times.split_off(rows);
        let numbers = self.numbers.split_off(rows);
        let front = self.columns.iter().map(|column| column.slice(0..rows)).collect();
        self.columns.iter_mut().for_each(|column| *column = column.slice(rows..all));
        Self { times: std::mem::replace(&mut self.times, times), numbers: std::mem::replace(&mut self.numbers, numbers), columns: front }
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
