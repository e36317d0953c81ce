//! [`Counters`](super::counters::Counters) where nothing is asked but how many matches there are: the same two stacks, of bare numbers.
//!
//! All vectors of a partition lie in one array, a number a state: first that of the back, then, for each state at the split, the ways from
//! there to each state now. What an event does is then a list of additions in that array, made once for each kind of event, with those left
//! out that can only add 0. Additions stand in an order in which each reads what none before it has written, and read backwards that holds
//! for the turned-over log too; where there is no such order (an event that goes round a loop of groups in one go) numbers are read first.
//!
//! Numbers have 64 bits and stay at `u64::MAX` when they get there. That loses nothing: a count comes out as an INT or, where it is more than
//! one holds, as NULL, and sums and products of numbers without sign that are held at an end are the true ones held at that end.

use super::counters::Moves;
use crate::data::{Place, Saved, StateError, StateReader, StateWriter};

/// An addition: from where, to where.
type Addition = (u32, u32);

/// What all partitions have in common.
#[derive(Debug, Default)]
pub(super) struct PlainFrame {
    states: usize,
    expires: bool,
    /// For each kind of event.
    kinds: Vec<Kind>,
    scratch: Scratch,
    /// State by state: whether there is a way from the first to the second.
    reaches: Vec<bool>,
}

/// Room that is used again.
#[derive(Debug, Default)]
struct Scratch {
    read: Vec<u64>,
    over: Vec<u64>,
    sum: Vec<u64>,
}

#[derive(Debug, Default)]
struct Kind {
    /// States behind a first step.
    starts: Vec<u32>,
    /// Of all vectors, and of the back alone.
    additions: Vec<Addition>,
    of_back: usize,
    /// Of the ways from each state to each, when time is read backwards.
    backwards: Vec<Addition>,
    is_ordered: bool,
    /// Whether it starts matches or leads them on, and whether it finishes any.
    changes: bool,
    finishes: bool,
    /// States whose matches are finished; and of the front: which of its sums times which numbers these are.
    ends: Vec<u32>,
    products: Vec<(u32, u32)>,
    alone: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct PlainCounters {
    now: Vec<u64>,
    /// The kinds of the events since the split.
    log: Vec<u32>,
    /// The times of the starts among them.
    starts: Vec<i64>,
    /// The times of the starts of the front, the oldest last, and the sums from each of them on, a number a state.
    front: Vec<i64>,
    sums: Vec<u64>,
}

impl Saved for PlainCounters {
    fn save(&self, to: &mut StateWriter) {
        let Self { now, log, starts, front, sums } = self;
        to.put(&now.iter().copied().map(widened).collect::<Vec<u128>>());
        to.put(log);
        to.put(starts);
        to.put(front);
        to.put(&sums.iter().copied().map(widened).collect::<Vec<u128>>());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let now = from.take::<Vec<u128>>()?.into_iter().map(narrowed).collect();
        // Kinds of events are numbered as they are met.
        let log = (0..from.length()?).map(|_| from.translated()).collect::<Result<_, _>>()?;
        let (starts, front) = (from.take()?, from.take()?);
        let sums = from.take::<Vec<u128>>()?.into_iter().map(narrowed).collect();
        Ok(Self { now, log, starts, front, sums })
    }
}

/// A number as it is written: of 128 bits, as [`Counters`](super::counters::Counters) have it.
fn widened(number: u64) -> u128 {
    if number == u64::MAX { u128::MAX } else { u128::from(number) }
}

fn narrowed(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl PlainFrame {
    /// Of so many states; `steps` are all moves that there can be from one to another.
    pub(super) fn new(states: usize, expires: bool, steps: &[(usize, usize)]) -> Self {
        let mut reaches = vec![false; states * states];
        (0..states).for_each(|state| reaches[state * states + state] = true);
        for _ in 0..states {
            for &(from, to) in steps {
                (0..states).for_each(|first| reaches[first * states + to] |= reaches[first * states + from]);
            }
        }
        Self { states, expires, kinds: vec![Kind::default()], scratch: Scratch::default(), reaches }
    }

    /// The next kind of event.
    pub(super) fn add(&mut self, moves: &Moves) {
        let states = self.states;
        let mut steps: Vec<(usize, usize)> = moves.steps.iter().map(|&(from, to, _)| (from, to)).collect();
        let is_ordered = put_in_order(&mut steps);
        let at = |index: usize| u32::try_from(index).expect("a pattern has at most 64 states");
        let of_back = steps.iter().map(|&(from, to)| (at(from), at(to)));
        let of_back_count = steps.len();
        let over = (0..states).flat_map(|split| steps.iter().map(move |&(from, to)| (split, from, to)));
        let over = over.filter(|&(split, from, _)| self.reaches[split * states + from]);
        let over = over.map(|(split, from, to)| (at((split + 1) * states + from), at((split + 1) * states + to)));
        let backwards = steps.iter().rev().flat_map(|&(from, to)| (0..states).map(move |last| (from, to, last)));
        let backwards = backwards.filter(|&(_, to, last)| self.reaches[to * states + last]);
        let backwards = backwards.map(|(from, to, last)| (at(to * states + last), at(from * states + last))).collect();
        let ends = moves.ends.iter().map(|&(from, _)| from);
        let products = ends.clone().flat_map(|from| (0..states).map(move |split| (split, from)));
        let products = products.filter(|&(split, from)| self.reaches[split * states + from]);
        let products = products.map(|(split, from)| (at(split), at((split + 1) * states + from))).collect();
        self.kinds.push(Kind {
            starts: moves.starts.iter().map(|&(to, _)| at(to)).collect(),
            additions: of_back.chain(over).collect(),
            of_back: of_back_count,
            backwards,
            is_ordered,
            changes: !moves.starts.is_empty() || !moves.steps.is_empty(),
            finishes: !moves.ends.is_empty() || !moves.alone.is_empty(),
            ends: ends.map(at).collect(),
            products,
            alone: moves.alone.len() as u64,
        });
    }
}

/// Puts moves in an order in which none reads a state that one before it has written; false where there is none.
fn put_in_order(steps: &mut Vec<(usize, usize)>) -> bool {
    let mut ordered = Vec::with_capacity(steps.len());
    let mut left = std::mem::take(steps);
    while !left.is_empty() {
        // One that writes what no other still has to read.
        let is_free = |&at: &usize| left.iter().enumerate().all(|(other, &(from, _))| other == at || from != left[at].1);
        let Some(next) = (0..left.len()).find(is_free) else {
            ordered.append(&mut left);
            *steps = ordered;
            return false;
        };
        ordered.push(left.remove(next));
    }
    *steps = ordered;
    true
}

/// Which events are taken in one go: the first that there is, and those behind it while this holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    /// They stand before this time.
    pub(super) until: i64,
    /// None before them has finished matches.
    pub(super) ends_with_match: bool,
    /// Starts further back than this are over.
    pub(super) within: Option<i64>,
    /// At most so many events are held.
    pub(super) most: usize,
}

/// What a stretch of events has come to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ran {
    /// How many events were taken.
    pub(super) events: usize,
    /// How many matches they finish.
    pub(super) matches: u64,
    /// How many starts were given up at the bound.
    pub(super) dropped: u64,
}

impl PlainCounters {
    /// Whether they can be of such a frame: what a snapshot says may be made up.
    pub(super) fn are_of(&self, frame: &PlainFrame) -> bool {
        let numbers = room(frame.states + frame.states * frame.states);
        (self.now.is_empty() || self.now.len() == numbers) && self.sums.len() == self.front.len() * frame.states
    }

    /// Forgets starts before this time.
    #[inline]
    pub(super) fn expire(&mut self, frame: &mut PlainFrame, earliest: i64) {
        while self.front.last().is_some_and(|time| *time < earliest) {
            self.front.pop();
            self.sums.truncate(self.front.len() * frame.states);
        }
        if self.front.is_empty() && self.starts.first().is_some_and(|first| *first < earliest) {
            self.turn_over(frame, earliest);
        }
    }

    /// The log becomes the front.
    fn turn_over(&mut self, frame: &mut PlainFrame, earliest: i64) {
        let states = frame.states;
        let PlainFrame { kinds, scratch: Scratch { read, over, sum }, .. } = frame;
        over.clear();
        append_identity(over, states);
        over.resize(room(states * states), 0);
        sum.clear();
        sum.resize(states, 0);
        for &kind in self.log.iter().rev() {
            let kind = &kinds[kind as usize];
            if !kind.starts.is_empty() {
                let Some(time) = self.starts.pop().filter(|time| *time >= earliest) else { break };
                for &to in &kind.starts {
                    for (sum, ways) in sum.iter_mut().zip(&over[to as usize * states..]) {
                        *sum = sum.saturating_add(*ways);
                    }
                }
                self.front.push(time);
                self.sums.extend_from_slice(sum);
            }
            add(&kind.backwards, kind.is_ordered, over, read);
        }
        self.log.clear();
        self.starts.clear();
        self.begin(states);
    }

    /// All vectors are those of no event.
    fn begin(&mut self, states: usize) {
        self.now.clear();
        self.now.resize(states, 0);
        append_identity(&mut self.now, states);
        self.now.resize(room(self.now.len()), 0);
    }

    /// Takes a stretch of events of these kinds and places.
    pub(super) fn run(&mut self, frame: &mut PlainFrame, (kinds, places): (&[u32], &[Place]), stretch: Stretch) -> Ran {
        let kinds = &kinds[..places.len().min(kinds.len())];
        let places = &places[..kinds.len()];
        let mut ran = Ran { events: kinds.len(), ..Ran::default() };
        let (mut deadline, mut matches) = (i64::MIN, 0_u64);
        self.begin_unless_begun(frame.states);
        for number in 0..kinds.len() {
            let (kind, time) = (kinds[number], places[number].time().0);
            if time >= deadline {
                if number > 0 && time >= stretch.until {
                    ran.events = number;
                    break;
                }
                self.expire(frame, stretch.within.and_then(|within| time.checked_sub(within)).unwrap_or(i64::MIN));
                deadline = self.deadline(stretch);
            }
            let of = &frame.kinds[kind as usize];
            let mut is_last = false;
            if of.finishes {
                let found = self.finished(of, frame.states);
                matches = matches.saturating_add(found);
                is_last = found > 0 && stretch.ends_with_match;
            }
            if of.changes {
                self.change(of, frame.expires, &mut frame.scratch.read, kind, time);
                if self.starts.len() == 1 {
                    deadline = self.deadline(stretch);
                }
            }
            if self.events() > stretch.most {
                ran.dropped += self.keep_within(frame, stretch.most);
                self.begin_unless_begun(frame.states);
                deadline = self.deadline(stretch);
            }
            if is_last {
                ran.events = number + 1;
                break;
            }
        }
        ran.matches = matches;
        ran
    }

    /// The first time at which the oldest start is over or the stretch ends.
    #[inline(never)]
    fn deadline(&self, stretch: Stretch) -> i64 {
        let oldest = self.front.last().or(self.starts.first());
        let is_over = |(oldest, within): (&i64, i64)| oldest.saturating_add(within).saturating_add(1);
        stretch.until.min(oldest.zip(stretch.within).map_or(i64::MAX, is_over))
    }

    /// An event. Gives how many matches it finishes.
    #[inline]
    pub(super) fn event(&mut self, frame: &mut PlainFrame, kind: u32, time: i64) -> u64 {
        let of = &frame.kinds[kind as usize];
        self.begin_unless_begun(frame.states);
        let found = self.finished(of, frame.states);
        if of.changes {
            self.change(of, frame.expires, &mut frame.scratch.read, kind, time);
        }
        found
    }

    /// What an event does that starts matches or leads them on.
    #[inline(always)]
    fn change(&mut self, of: &Kind, expires: bool, read: &mut Vec<u64>, kind: u32, time: i64) {
        let additions = if self.front.is_empty() { &of.additions[..of.of_back] } else { &of.additions };
        add(additions, of.is_ordered, &mut self.now, read);
        if !of.starts.is_empty() {
            for &to in &of.starts {
                self.now[to as usize] = self.now[to as usize].saturating_add(1);
            }
            if expires || self.starts.is_empty() {
                self.starts.push(time);
            }
        }
        // What leads on matters to the starts before it alone.
        if expires && !self.starts.is_empty() {
            self.log.push(kind);
        }
    }

    #[inline(always)]
    fn begin_unless_begun(&mut self, states: usize) {
        if self.now.is_empty() {
            self.begin(states);
        }
    }

    #[inline(always)]
    fn finished(&self, kind: &Kind, states: usize) -> u64 {
        let mut found = kind.alone;
        for &from in &kind.ends {
            found = found.saturating_add(self.now[from as usize]);
        }
        if let Some(oldest) = self.sums.len().checked_sub(states) {
            let oldest = &self.sums[oldest..];
            for &(split, ways) in &kind.products {
                found = found.saturating_add(oldest[split as usize].saturating_mul(self.now[ways as usize]));
            }
        }
        found
    }

    /// Gives up the oldest starts until no more than so many events are held. Gives how many starts that were.
    pub(super) fn keep_within(&mut self, frame: &mut PlainFrame, most: usize) -> u64 {
        let mut dropped = 0;
        while self.events() > most.max(1) {
            let before = self.front.len() + self.starts.len();
            let Some(oldest) = self.front.last().or(self.starts.first()).copied() else { break };
            self.expire(frame, oldest.saturating_add(1));
            let left = self.front.len() + self.starts.len();
            if left == before {
                self.clear();
                return dropped + before as u64;
            }
            dropped += (before - left) as u64;
        }
        dropped
    }

    pub(super) fn clear(&mut self) {
        self.now.clear();
        self.log.clear();
        self.starts.clear();
        self.front.clear();
        self.sums.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.starts.is_empty() && self.front.is_empty()
    }

    pub(super) fn events(&self) -> usize {
        self.log.len() + self.front.len()
    }

    pub(super) fn bytes(&self) -> usize {
        (self.now.capacity() + self.sums.capacity()) * size_of::<u64>()
            + self.log.capacity() * 4
            + (self.starts.capacity() + self.front.capacity()) * 8
    }
}

fn append_identity(over: &mut Vec<u64>, states: usize) {
    let from = over.len();
    over.resize(from + states * states, 0);
    (0..states).for_each(|state| over[from + state * states + state] = 1);
}

/// So many numbers have room for a power of two, where they are few: then it need not be checked that an addition lies within them.
fn room(numbers: usize) -> usize {
    if numbers <= 32 { numbers.next_power_of_two().max(8) } else { numbers }
}

#[inline(always)]
fn add(additions: &[Addition], is_ordered: bool, numbers: &mut [u64], scratch: &mut Vec<u64>) {
    match <&mut [u64; 8]>::try_from(&mut *numbers) {
        Ok(numbers) if is_ordered => add_within(additions, numbers),
        _ => add_to_many(additions, is_ordered, numbers, scratch),
    }
}

#[inline(never)]
fn add_to_many(additions: &[Addition], is_ordered: bool, numbers: &mut [u64], scratch: &mut Vec<u64>) {
    if !is_ordered {
        add_read_before(additions, numbers, scratch);
    } else if let Ok(numbers) = <&mut [u64; 16]>::try_from(&mut *numbers) {
        add_within(additions, numbers);
    } else if let Ok(numbers) = <&mut [u64; 32]>::try_from(&mut *numbers) {
        add_within(additions, numbers);
    } else {
        for &(from, to) in additions {
            numbers[to as usize] = numbers[to as usize].saturating_add(numbers[from as usize]);
        }
    }
}

#[inline(always)]
fn add_within<const N: usize>(additions: &[Addition], numbers: &mut [u64; N]) {
    for &(from, to) in additions {
        let (from, to) = (from as usize % N, to as usize % N);
        numbers[to] = numbers[to].saturating_add(numbers[from]);
    }
}

fn add_read_before(additions: &[Addition], numbers: &mut [u64], scratch: &mut Vec<u64>) {
    scratch.clear();
    scratch.extend(additions.iter().map(|&(from, _)| numbers[from as usize]));
    for (more, &(_, to)) in scratch.iter().zip(additions) {
        numbers[to as usize] = numbers[to as usize].saturating_add(*more);
    }
}
