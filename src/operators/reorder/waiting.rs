//! The keys of events that wait, in sorted runs.
//!
//! New keys gather unsorted; a cut that takes anything sorts them (input in order costs one comparison a key), takes what lies before the
//! cut off the front of every run, and keeps the rest as a new run. A run at most half as long as the one before it is kept
//! apart, else both are merged: there are never more than logarithmically many, and a key is moved that often at most.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;

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

/// A row that waits, ordered by (time, tie-breaker, arrival); the rows of one event follow each other by stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Key {
    /// Where the row is to stand.
    pub(super) time: Timestamp,
    pub(super) ties: Ties,
    /// The number of the event.
    pub(super) number: u64,
    pub(super) stream: u16,
    /// Whether the row goes to the late ones.
    pub(super) is_late: bool,
    pub(super) row: u32,
    pub(super) segment: u64,
}

impl Key {
    #[inline]
    fn order(&self, other: &Self) -> Ordering {
        self.time.cmp(&other.time).then_with(|| self.order_at_one_time(other))
    }

    fn order_at_one_time(&self, other: &Self) -> Ordering {
        self.ties.order(&other.ties).then_with(|| self.number.cmp(&other.number)).then_with(|| self.stream.cmp(&other.stream))
    }

    /// Whether both are rows of one event that stand at one place.
    pub(super) fn is_same_event(&self, other: &Self) -> bool {
        self.number == other.number && self.time == other.time
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
    fn takes(self, key: Timestamp) -> bool {
        match self {
            Self::Before(time) => key < time,
            Self::UpTo(time) => key <= time,
        }
    }
}

/// The keys that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    fresh: Vec<Key>,
    /// Times and positions of the fresh keys, each in one number: they sort many times faster than the keys.
    packed: Vec<u64>,
    /// Room to sort them in.
    scattered: Vec<u64>,
    buckets: Vec<u32>,
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

    #[inline]
    pub(super) fn push(&mut self, key: Key) {
        self.least = Some(self.least.map_or(key.time, |least| least.min(key.time)));
        self.fresh.push(key);
        self.len += 1;
    }

    /// Bytes that a cut takes for a while, beside what the keys take already.
    pub(super) fn wants(&self, cut: Cut) -> usize {
        const SORTING: usize = 2 * size_of::<u64>() + 2 * size_of::<u32>();
        let from_runs: usize = self.runs.iter().map(|run| run.partition_point(|key| cut.takes(key.time))).sum();
        // New keys move at most once: to what is taken, or to a run.
        self.fresh.len() * (SORTING + size_of::<Key>()) + from_runs * size_of::<Key>()
    }

    /// All keys in order. They stay.
    pub(super) fn in_order(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = self.runs.iter().flatten().chain(&self.fresh).cloned().collect();
        keys.sort_by(Key::order);
        keys
    }

    /// Whether the cut may take anything.
    pub(super) fn may_give(&self, cut: Cut) -> bool {
        self.least.is_some_and(|time| cut.takes(time))
    }

    /// Appends what the cut takes to `out`, in order.
    pub(super) fn cut(&mut self, cut: Cut, out: &mut Vec<Key>) {
        if !self.may_give(cut) {
            return;
        }
        let begin = out.len();
        self.sort_fresh();
        let taken = self.sequence.partition_point(|&at| cut.takes(self.fresh[at as usize].time));
        out.reserve(taken + self.runs.iter().map(|run| run.partition_point(|key| cut.takes(key.time))).sum::<usize>());
        let (fresh, sequence) = (&mut self.fresh, &self.sequence);
        let mut next = sequence.iter().map(|&at| std::mem::take(&mut fresh[at as usize]));
        let mut runs = self.runs.iter_mut().filter_map(|run| {
            let taken = run.partition_point(|key| cut.takes(key.time));
            (taken > 0).then(|| run.drain(..taken))
        });
        match (runs.next(), runs.next()) {
            (None, _) => out.extend(next.by_ref().take(taken)),
            (Some(run), None) => merge(run, next.by_ref().take(taken), out),
            (Some(first), Some(second)) => {
                out.extend(first);
                out.extend(second);
                runs.for_each(|run| out.extend(run));
                out.extend(next.by_ref().take(taken));
                // The pieces are sorted; the sort finds that and merges them.
                out[begin..].sort_by(Key::order);
            }
        }
        let rest: VecDeque<Key> = next.collect();
        self.fresh.clear();
        self.runs.retain(|run| !run.is_empty());
        self.keep(rest);
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
        if self.fresh.is_sorted_by(|a, b| a.order(b).is_le()) {
            self.sequence.extend((0u32..).take(self.fresh.len()));
            return;
        }
        if !self.pack() {
            let fresh = &self.fresh;
            self.sequence.extend((0u32..).take(fresh.len()));
            self.sequence.sort_by(|&a, &b| fresh[a as usize].order(&fresh[b as usize]));
            return;
        }
        let fresh = &self.fresh;
        for of_one_time in self.sequence.chunk_by_mut(|&a, &b| fresh[a as usize].time == fresh[b as usize].time) {
            if of_one_time.len() > 1 {
                of_one_time.sort_by(|&a, &b| fresh[a as usize].order_at_one_time(&fresh[b as usize]));
            }
        }
    }

    /// Finds the order of the fresh keys by time and arrival; not where times lie so far apart that they do not pack.
    fn pack(&mut self) -> bool {
        let times = || self.fresh.iter().map(|key| key.time.0);
        let (Some(first), Some(last)) = (times().min(), times().max()) else { return true };
        let bits = usize::BITS - self.fresh.len().leading_zeros();
        if last.abs_diff(first).leading_zeros() < bits {
            return false;
        }
        self.packed.clear();
        self.packed.extend(times().zip(0u64..).map(|(time, at)| time.abs_diff(first) << bits | at));
        sort_by_buckets(&mut self.packed, &mut self.scattered, &mut self.buckets);
        let mask = (1 << bits) - 1;
        self.sequence.extend(self.packed.iter().map(|packed| u32::try_from(packed & mask).expect("fewer than 2^32 keys wait")));
        true
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

/// Sorts numbers that are spread rather evenly, as times are: into about as many buckets as there are numbers, by the high bits, and what is
/// left by insertion. Where they are not spread so, by comparison.
fn sort_by_buckets(numbers: &mut Vec<u64>, scattered: &mut Vec<u64>, ends: &mut Vec<u32>) {
    const FEW: usize = 64;
    const FULL: u32 = 16;
    let most = numbers.iter().copied().max().unwrap_or(0);
    if numbers.len() < FEW || u32::try_from(numbers.len()).is_err() {
        return numbers.sort_unstable();
    }
    let bits = numbers.len().next_power_of_two().trailing_zeros();
    let shift = (u64::BITS - most.leading_zeros()).saturating_sub(bits);
    ends.clear();
    ends.resize(1 << bits, 0);
    for number in &*numbers {
        ends[(number >> shift) as usize] += 1;
    }
    if ends.iter().any(|&count| count > FULL) {
        return numbers.sort_unstable();
    }
    let mut begin = 0;
    for bucket in ends.iter_mut() {
        begin += std::mem::replace(bucket, begin);
    }
    scattered.clear();
    scattered.resize(numbers.len(), 0);
    for &number in &*numbers {
        let place = &mut ends[(number >> shift) as usize];
        scattered[*place as usize] = number;
        *place += 1;
    }
    for at in 1..scattered.len() {
        let number = scattered[at];
        let mut to = at;
        while to > 0 && scattered[to - 1] > number {
            scattered[to] = scattered[to - 1];
            to -= 1;
        }
        scattered[to] = number;
    }
    std::mem::swap(numbers, scattered);
}

/// Appends two sorted stretches in order. They mostly overlap only where they begin: what is left of one when the other ends is copied.
fn merge(a: impl Iterator<Item = Key>, b: impl Iterator<Item = Key>, out: &mut Vec<Key>) {
    let mut b = b.peekable();
    for key in a {
        while let Some(earlier) = b.next_if(|other| other.order(&key).is_lt()) {
            out.push(earlier);
        }
        out.push(key);
    }
    out.extend(b);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(time: i64, number: u64) -> Key {
        Key { time: Timestamp(time), ties: Ties::None, number, stream: 0, is_late: false, row: 0, segment: 0 }
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
        assert_eq!(out.iter().map(|k| (k.time.0, k.number)).collect::<Vec<_>>(), all);
    }

    #[test]
    fn buckets_sort_as_comparisons_do() {
        let mut state = 11u64;
        let (mut scattered, mut buckets) = (Vec::new(), Vec::new());
        for round in 0..400u32 {
            let mut numbers: Vec<u64> = (0..round * 3)
                .map(|at| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    // Spread evenly, in a heap at one end, or nearly in order.
                    match round % 4 {
                        0 => state >> (round % 60),
                        1 => (state >> 60) << (round % 60) | u64::from(at),
                        2 => u64::from(at) * 1000 + (state >> 48),
                        _ => u64::MAX - (state >> 40),
                    }
                })
                .collect();
            let mut wanted = numbers.clone();
            wanted.sort_unstable();
            sort_by_buckets(&mut numbers, &mut scattered, &mut buckets);
            assert_eq!(numbers, wanted, "round {round}");
        }
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
