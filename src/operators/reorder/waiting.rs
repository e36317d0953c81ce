//! The keys of events that wait, in sorted runs.
//!
//! New keys gather unsorted; a cut that takes anything sorts them (input in order costs one comparison a key), takes what lies before the
//! cut off the front of every run, and keeps the rest as a new run. A run at most half as long as the one before it is kept
//! apart, else both are merged: there are never more than logarithmically many, and a key is moved that often at most.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

use super::buckets::Sorter;
use crate::data::{Timestamp, Value};

/// The values of an event's tie-breaker columns.
#[derive(Debug, Clone, Default)]
pub(super) enum Ties {
    /// There are none, or all are NULL.
    #[default]
    None,
    /// One `INT`, as almost always.
    Int(i64),
    /// Anything else. (Behind one word, because there is one of these a row.)
    Many(Arc<Vec<Value<'static>>>),
}

impl Ties {
    pub(super) fn of(values: Vec<Value<'static>>) -> Self {
        match values.as_slice() {
            values if values.iter().all(Value::is_null) => Self::None,
            [Value::Int(value)] => Self::Int(*value),
            _ => Self::Many(Arc::new(values)),
        }
    }

    /// NULLs come first, and a missing value counts as one.
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::None, Self::None) => Ordering::Equal,
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (a, b) => {
                let (one, two) = ([a.single()], [b.single()]);
                let (a, b) = (a.all().unwrap_or(&one), b.all().unwrap_or(&two));
                let at = |of: &[Value<'static>], i: usize| of.get(i).cloned().unwrap_or_default();
                (0..a.len().max(b.len())).map(|i| at(a, i).total_cmp(&at(b, i))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
            }
        }
    }

    fn all(&self) -> Option<&[Value<'static>]> {
        match self {
            Self::Many(values) => Some(values),
            Self::None | Self::Int(_) => None,
        }
    }

    fn single(&self) -> Value<'static> {
        match self {
            Self::Int(value) => Value::Int(*value),
            Self::None | Self::Many(_) => Value::Null,
        }
    }
}

crate::saved!(enum Ties { 0 => None, 1 => Int(value), 2 => Many(values) });

/// A row that waits: of which event it is, and where it is stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// The number of the event.
    pub(super) number: u64,
    pub(super) segment: u64,
    pub(super) row: u32,
    pub(super) stream: u16,
    /// Whether the row goes to the late ones.
    pub(super) is_late: bool,
}

/// A row that waits, ordered by (time, tie-breaker, arrival); the rows of one event follow each other by stream.
#[derive(Debug, Clone)]
pub(super) struct Key {
    /// Where the row is to stand.
    pub(super) time: Timestamp,
    pub(super) ties: Ties,
    pub(super) row: Row,
}

impl Key {
    #[inline]
    fn order(&self, other: &Self) -> Ordering {
        self.time.cmp(&other.time).then_with(|| self.order_at_one_time(other))
    }

    fn order_at_one_time(&self, other: &Self) -> Ordering {
        self.ties.order(&other.ties).then_with(|| self.row.order(&other.row))
    }

    #[inline]
    fn going(&self) -> Goes {
        Goes { time: self.time, row: self.row }
    }
}

impl Row {
    #[inline]
    fn order(&self, other: &Self) -> Ordering {
        self.number.cmp(&other.number).then_with(|| self.stream.cmp(&other.stream))
    }
}

/// A row that may go, and where it is to stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goes {
    pub(super) time: Timestamp,
    pub(super) row: Row,
}

impl Goes {
    /// Whether both are rows of one event that stand at one place.
    #[inline]
    pub(super) fn is_same_event(&self, other: &Self) -> bool {
        self.row.number == other.row.number && self.time == other.time
    }
}

/// Keys that have not been sorted, in parts: times are looked at most.
#[derive(Debug, Default)]
struct Fresh {
    times: Vec<Timestamp>,
    rows: Vec<Row>,
    /// Empty while there are none at all.
    ties: Vec<Ties>,
}

impl Fresh {
    #[inline]
    fn goes(&self, at: u32) -> Goes {
        Goes { time: self.times[at as usize], row: self.rows[at as usize] }
    }

    fn key(&self, at: u32) -> Key {
        let Goes { time, row } = self.goes(at);
        Key { time, ties: self.ties.get(at as usize).cloned().unwrap_or_default(), row }
    }

    fn order_at_one_time(&self, a: u32, b: u32) -> Ordering {
        let ties = match (self.ties.get(a as usize), self.ties.get(b as usize)) {
            (Some(a), Some(b)) => a.order(b),
            _ => Ordering::Equal,
        };
        ties.then_with(|| self.rows[a as usize].order(&self.rows[b as usize]))
    }

    fn clear(&mut self) {
        self.times.clear();
        self.rows.clear();
        self.ties.clear();
    }
}

/// How far to let keys go.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// Those before this time.
    Before(Timestamp),
    /// Those up to and with this time.
    UpTo(Timestamp),
}

impl Cut {
    pub(super) fn takes(self, key: Timestamp) -> bool {
        match self {
            Self::Before(time) => key < time,
            Self::UpTo(time) => key <= time,
        }
    }
}

/// The keys that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    fresh: Fresh,
    sorter: Sorter,
    /// The positions of the fresh keys in order.
    sequence: Vec<u32>,
    /// Sorted, none empty, each less than half as long as the one before (but for what cuts have taken).
    runs: Vec<VecDeque<Key>>,
    /// No key has an earlier time.
    least: Option<Timestamp>,
    len: usize,
}

impl Waiting {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, key: Key) {
        let Key { time, ties, row } = key;
        if !matches!(ties, Ties::None) || !self.fresh.ties.is_empty() {
            self.fresh.ties.resize(self.fresh.times.len(), Ties::None);
            self.fresh.ties.push(ties);
        }
        self.extend(std::iter::once(time), std::iter::once(row));
    }

    /// Appends rows without tie-breakers: their times, and as many rows.
    #[inline]
    pub(super) fn extend(&mut self, times: impl ExactSizeIterator<Item = Timestamp> + Clone, rows: impl ExactSizeIterator<Item = Row>) {
        debug_assert_eq!(times.len(), rows.len(), "one time a row");
        self.len += times.len();
        if let Some(least) = times.clone().map(|time| time.0).min() {
            self.least = Some(self.least.map_or(Timestamp(least), |before| before.min(Timestamp(least))));
        }
        self.fresh.times.extend(times);
        self.fresh.rows.extend(rows);
        if !self.fresh.ties.is_empty() {
            self.fresh.ties.resize(self.fresh.times.len(), Ties::None);
        }
    }

    /// Bytes that a cut takes for a while, beside what the keys take already.
    pub(super) fn wants(&self, cut: Cut) -> usize {
        const SORTING: usize = Sorter::BYTES + size_of::<u32>();
        let from_runs: usize = self.runs.iter().map(|run| run.partition_point(|key| cut.takes(key.time))).sum();
        // New keys move at most once: to what is taken, or to a run.
        self.fresh.times.len() * (SORTING + size_of::<Key>()) + from_runs * size_of::<Key>()
    }

    /// All keys in order. They stay.
    pub(super) fn in_order(&self) -> Vec<Key> {
        let fresh = (0..).take(self.fresh.times.len()).map(|at| self.fresh.key(at));
        let mut keys: Vec<Key> = self.runs.iter().flatten().cloned().chain(fresh).collect();
        keys.sort_by(Key::order);
        keys
    }

    /// Takes all keys, in order.
    pub(super) fn take_all(&mut self) -> Vec<Key> {
        let keys = self.in_order();
        self.fresh.clear();
        self.runs.clear();
        (self.least, self.len) = (None, 0);
        keys
    }

    /// Whether the cut may take anything.
    pub(super) fn may_give(&self, cut: Cut) -> bool {
        self.least.is_some_and(|time| cut.takes(time))
    }

    /// Appends what the cut takes to `out`, in order.
    pub(super) fn cut(&mut self, cut: Cut, out: &mut Vec<Goes>) {
        if !self.may_give(cut) {
            return;
        }
        let begin = out.len();
        self.sort_fresh();
        let fresh = &self.fresh;
        let taken = self.sequence.partition_point(|&at| cut.takes(fresh.times[at as usize]));
        let (now, later) = self.sequence.split_at(taken);
        out.reserve(taken + self.runs.iter().map(|run| run.partition_point(|key| cut.takes(key.time))).sum::<usize>());
        let later: VecDeque<Key> = later.iter().map(|&at| fresh.key(at)).collect();
        let mut runs = self.runs.iter_mut().filter_map(|run| {
            let taken = run.partition_point(|key| cut.takes(key.time));
            (taken > 0).then(|| run.drain(..taken))
        });
        match (runs.next(), runs.next()) {
            (None, _) => out.extend(now.iter().map(|&at| fresh.goes(at))),
            (Some(run), None) => merge(run, now, fresh, out),
            (Some(first), Some(second)) => {
                let of_runs = first.chain(second).chain(runs.flatten());
                let mut keys: Vec<Key> = of_runs.chain(now.iter().map(|&at| fresh.key(at))).collect();
                // The pieces are sorted; the sort finds that and merges them.
                keys.sort_by(Key::order);
                out.extend(keys.iter().map(Key::going));
            }
        }
        self.fresh.clear();
        self.runs.retain(|run| !run.is_empty());
        self.keep(later);
        self.len -= out.len() - begin;
        self.least = self.runs.iter().filter_map(VecDeque::front).map(|key| key.time).min();
    }

    /// The time of the first key in order.
    pub(super) fn first_time(&self) -> Option<Timestamp> {
        self.least
    }

    /// Finds the order of the fresh keys: by time and arrival, then what is of one time by all of its order.
    fn sort_fresh(&mut self) {
        self.sequence.clear();
        let count = u32::try_from(self.fresh.times.len()).expect("fewer than 2^32 keys wait");
        if self.fresh.times.is_sorted() {
            self.sequence.extend(0..count);
        } else if !self.sorter.sort(self.fresh.times.iter().map(|time| time.0), &mut self.sequence) {
            self.sequence.extend(0..count);
            self.sequence.sort_by_key(|&at| self.fresh.times[at as usize]);
        }
        // At one time the order of arrival is that of the rows as they came, but where there are ties or rows of several streams.
        let fresh = &self.fresh;
        if fresh.ties.is_empty() && fresh.rows.is_sorted_by(|a, b| a.number < b.number) {
            return;
        }
        for of_one_time in self.sequence.chunk_by_mut(|&a, &b| fresh.times[a as usize] == fresh.times[b as usize]) {
            if of_one_time.len() > 1 {
                of_one_time.sort_by(|&a, &b| fresh.order_at_one_time(a, b));
            }
        }
    }

    /// Makes these sorted keys a run.
    fn keep(&mut self, mut keys: VecDeque<Key>) {
        let Some(first) = keys.front() else { return };
        match self.runs.last_mut() {
            Some(run) if run.back().is_some_and(|last| last.order(first).is_lt()) => run.append(&mut keys),
            _ => self.runs.push(keys),
        }
        while let [.., longer, last] = self.runs.as_mut_slice()
            && longer.len() <= 2 * last.len()
        {
            longer.append(last);
            longer.make_contiguous().sort_by(Key::order);
            self.runs.pop();
        }
    }
}

/// Appends a sorted run and fresh keys in order. They mostly overlap only where they begin: what is left of one when the other ends is copied.
fn merge(run: impl Iterator<Item = Key>, mut now: &[u32], fresh: &Fresh, out: &mut Vec<Goes>) {
    for key in run {
        while let Some((&at, rest)) = now.split_first()
            && fresh.key(at).order(&key).is_lt()
        {
            out.push(fresh.goes(at));
            now = rest;
        }
        out.push(key.going());
    }
    out.extend(now.iter().map(|&at| fresh.goes(at)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(time: i64, number: u64) -> Key {
        Key { time: Timestamp(time), ties: Ties::None, row: Row { number, stream: 0, is_late: false, row: 0, segment: 0 } }
    }

    #[test]
    fn cuts_take_what_lies_before_them_in_order() {
        let mut waiting = Waiting::default();
        let mut state = 7u64;
        let mut all = Vec::new();
        let mut out = Vec::new();
        for number in 0..5000u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let time = i64::try_from(number / 3 + (state >> 33) % 100).unwrap();
            all.push((time, number));
            waiting.push(key(time, number));
            if number % 37 == 0 {
                waiting.cut(Cut::Before(Timestamp(i64::try_from(number / 3).unwrap())), &mut out);
                assert!(waiting.runs.len() <= 20, "runs stay few");
                assert!(waiting.first_time().is_none_or(|t| t.0 >= i64::try_from(number / 3).unwrap()));
            }
        }
        waiting.cut(Cut::UpTo(Timestamp::MAX), &mut out);
        assert_eq!(waiting.len(), 0);
        all.sort_unstable();
        assert_eq!(out.iter().map(|goes| (goes.time.0, goes.row.number)).collect::<Vec<_>>(), all);
    }

    #[test]
    fn ties_of_several_kinds_have_one_order() {
        let many = |values: &[Value<'static>]| Ties::of(values.to_vec());
        let sorted = [
            Ties::None,
            many(&[Value::Null, Value::Int(1)]),
            many(&[Value::Int(1)]),
            many(&[Value::Int(1), Value::Int(0)]),
            many(&[Value::Int(2)]),
            many(&[Value::string("a")]),
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(a.order(b), i.cmp(&j), "{a:?} and {b:?}");
            }
        }
    }
}
