//! The unfinished matches of one partition as numbers: how many stand at each state, with WITHIN sliding over their starts.
//!
//! What an event does is linear: whoever stands before a step that it fits stands behind that step too. So no match is stored. Starts expire
//! in their order, and numbers cannot be taken back (a loop doubles them), so WITHIN is a queue of two stacks, as for sliding aggregates:
//!
//! - the *back* has the sum over all starts behind a point of time, the split, and the log of what happened since it;
//! - the *front* has, for each start before the split that is left, the sum over it and all later ones of the front as they stood at the
//!   split; and `over`, the ways from each state at the split to each state now.
//!
//! When the last start of the front is over, the log is read backwards and its starts become the front. So each event is handled twice,
//! however many matches there are and however long WITHIN is; without WITHIN there is nothing but the sums of the back.

use super::lanes::{Cells, Given, Lanes};
use crate::data::{Saved, StateError, StateReader, StateWriter};
use crate::spec::VariableId;

/// What an event does that fits a given set of variables.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Matches begin: the state behind their first step.
    pub(super) starts: Vec<(usize, VariableId)>,
    /// Those at a state take it, and stand at another too.
    pub(super) steps: Vec<(usize, usize, VariableId)>,
    /// Those at a state are finished by it.
    pub(super) ends: Vec<(usize, VariableId)>,
    /// Matches that begin and are finished with it.
    pub(super) alone: Vec<VariableId>,
}

/// All that counters of one pattern have in common.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) lanes: Lanes,
    /// How many states can go on.
    pub(super) states: usize,
    /// For each set of variables, what an event does that fits it.
    pub(super) moves: Vec<Moves>,
    /// Whether starts expire.
    pub(super) expires: bool,
    pub(super) scratch: Scratch,
}

/// Cells to reckon in.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    many: Cells,
    one: Cells,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Counters {
    back: Cells,
    log: Vec<Logged>,
    /// What the events of the log gave the traits, where there are any.
    given: Vec<Option<i128>>,
    /// The oldest start of the log, and how many there are.
    first: Option<i64>,
    starts: usize,
    /// The times of the starts of the front, the oldest last, and the sums from each of them on.
    front: Vec<i64>,
    sums: Cells,
    /// By state at the split and state now; empty where the front is.
    over: Cells,
}

#[derive(Debug, Clone, Copy)]
struct Logged {
    time: i64,
    moves: u32,
}

crate::saved!(Counters { back, log, given, first, starts, front, sums, over });

/// Kinds of events are numbered as they are met: in another run they may be met in another order.
impl Saved for Logged {
    fn save(&self, to: &mut StateWriter) {
        to.put(&self.time);
        to.put(&self.moves);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        Ok(Self { time: from.take()?, moves: from.translated()? })
    }
}

impl Counters {
    pub(super) fn new(frame: &Frame) -> Self {
        let none = || frame.lanes.none(0);
        Self {
            back: frame.lanes.none(frame.states),
            log: Vec::new(),
            given: Vec::new(),
            first: None,
            starts: 0,
            front: Vec::new(),
            sums: none(),
            over: none(),
        }
    }

    /// Forgets starts before this time.
    #[inline]
    pub(super) fn expire(&mut self, frame: &mut Frame, earliest: i64) {
        if self.front.last().is_some_and(|time| *time < earliest) {
            let left = self.front.iter().rposition(|time| *time >= earliest).map_or(0, |at| at + 1);
            self.front.truncate(left);
            self.sums.truncate(left * frame.states, &frame.lanes);
            if self.front.is_empty() {
                self.over = frame.lanes.none(0);
            }
        }
        if self.front.is_empty() && self.first.is_some_and(|first| first < earliest) {
            self.turn_over(frame, earliest);
        }
    }

    /// The log becomes the front.
    #[cold]
    fn turn_over(&mut self, frame: &mut Frame, earliest: i64) {
        let (states, traits) = (frame.states, frame.lanes.traits());
        let mut over = frame.lanes.none(states * states);
        set_identity(frame, &mut over);
        let mut sum = frame.lanes.none(states);
        let mut step = frame.lanes.none(1);
        for (at, logged) in self.log.iter().enumerate().rev() {
            if logged.time < earliest {
                break;
            }
            let given = &self.given[at * traits..(at + 1) * traits];
            let moves = &frame.moves[logged.moves as usize];
            for &(to, variable) in &moves.starts {
                frame.lanes.set_one(&mut step, 0);
                frame.lanes.take(&mut step, 0, variable, given);
                (0..states).for_each(|now| frame.lanes.then((&step, 0), (&over, to * states + now), &mut sum, now));
            }
            if !moves.starts.is_empty() {
                self.front.push(logged.time);
                self.sums.extend(&sum);
            }
            let many = &mut frame.scratch.many;
            frame.lanes.reset(many, moves.steps.len() * states);
            for (number, &(_, to, variable)) in moves.steps.iter().enumerate() {
                frame.lanes.set_one(&mut step, 0);
                frame.lanes.take(&mut step, 0, variable, given);
                for now in 0..states {
                    frame.lanes.then((&step, 0), (&over, to * states + now), many, number * states + now);
                }
            }
            for (number, &(from, ..)) in moves.steps.iter().enumerate() {
                (0..states).for_each(|now| frame.lanes.add(many, number * states + now, &mut over, from * states + now));
            }
        }
        // The starts of the front were found from the newest to the oldest: the oldest is the last.
        self.log.clear();
        self.given.clear();
        (self.first, self.starts) = (None, 0);
        self.back.clear();
        if !self.front.is_empty() {
            set_identity(frame, &mut over);
            self.over = over;
        }
    }

    /// An event that fits a set of variables. What it finishes is added to `found`, one cell.
    #[inline]
    pub(super) fn event(&mut self, frame: &mut Frame, moves: u32, (time, given): (i64, &Given), found: &mut Cells) {
        let Frame { lanes, moves: all, scratch: Scratch { one, .. }, .. } = frame;
        let of = &all[moves as usize];
        for &variable in &of.alone {
            lanes.reset(one, 1);
            lanes.set_one(one, 0);
            lanes.take(one, 0, variable, given);
            lanes.add(one, 0, found, 0);
        }
        let (is_start, is_step) = (!of.starts.is_empty(), !of.steps.is_empty());
        if !of.ends.is_empty() {
            self.finish(frame, moves, given, found);
        }
        if is_step {
            if !self.front.is_empty() {
                (0..frame.states).for_each(|at_split| step(frame, moves, given, &mut self.over, at_split * frame.states));
            }
            if self.starts > 0 {
                step(frame, moves, given, &mut self.back, 0);
            }
        }
        if is_start {
            self.start(frame, moves, given);
            self.first.get_or_insert(time);
            self.starts += 1;
        }
        if frame.expires && (is_start || (is_step && self.starts > 0)) {
            self.log.push(Logged { time, moves });
            self.given.extend_from_slice(given);
        }
    }

    fn start(&mut self, frame: &mut Frame, moves: u32, given: &Given) {
        let Frame { lanes, moves: all, scratch: Scratch { one, .. }, .. } = frame;
        for &(to, variable) in &all[moves as usize].starts {
            lanes.reset(one, 1);
            lanes.set_one(one, 0);
            lanes.take(one, 0, variable, given);
            lanes.add(one, 0, &mut self.back, to);
        }
    }

    fn finish(&mut self, frame: &mut Frame, moves: u32, given: &Given, found: &mut Cells) {
        let Frame { lanes, moves: all, scratch: Scratch { one: ways, .. }, states, .. } = frame;
        let states = *states;
        for &(from, variable) in &all[moves as usize].ends {
            lanes.reset(ways, 1);
            lanes.add(&self.back, from, ways, 0);
            if let Some(oldest) = self.front.len().checked_sub(1) {
                for at_split in 0..states {
                    lanes.then((&self.sums, oldest * states + at_split), (&self.over, at_split * states + from), ways, 0);
                }
            }
            lanes.take(ways, 0, variable, given);
            lanes.add(ways, 0, found, 0);
        }
    }

    /// Gives up the oldest starts until no more than so many events are held. Gives how many starts that were.
    pub(super) fn keep_within(&mut self, frame: &mut Frame, most: usize) -> u64 {
        let mut dropped = 0;
        while self.events() > most.max(1) {
            let before = self.front.len() + self.starts;
            // The time behind the oldest start is the earliest that stays.
            let Some(oldest) = self.front.last().copied().or(self.first) else { break };
            self.expire(frame, oldest.saturating_add(1));
            let left = self.front.len() + self.starts;
            if left == before {
                self.clear(frame);
                return dropped + before as u64;
            }
            dropped += (before - left) as u64;
        }
        dropped
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self, frame: &Frame) {
        *self = Self::new(frame);
    }

    /// Whether nothing is kept.
    pub(super) fn is_empty(&self) -> bool {
        self.starts == 0 && self.front.is_empty()
    }

    /// How many events are held.
    pub(super) fn events(&self) -> usize {
        self.log.len() + self.front.len()
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        let vectors = self.log.capacity() * size_of::<Logged>() + self.given.capacity() * size_of::<Option<i128>>();
        vectors + self.front.capacity() * 8 + self.back.bytes() + self.sums.bytes() + self.over.bytes()
    }
}

/// The ways from each state to itself that take nothing.
fn set_identity(frame: &Frame, over: &mut Cells) {
    over.clear();
    (0..frame.states).for_each(|state| frame.lanes.set_one(over, state * frame.states + state));
}

/// The moves of an event, in a run of cells, one a state, that begins at `from`. All of them see the cells as they were.
#[inline]
fn step(frame: &mut Frame, moves: u32, given: &Given, cells: &mut Cells, begin: usize) {
    let Frame { lanes, moves: all, scratch: Scratch { many, .. }, .. } = frame;
    let steps = &all[moves as usize].steps;
    lanes.reset(many, steps.len());
    for (number, &(from, _, variable)) in steps.iter().enumerate() {
        lanes.add(cells, begin + from, many, number);
        lanes.take(many, number, variable, given);
    }
    for (number, &(_, to, _)) in steps.iter().enumerate() {
        lanes.add(many, number, cells, begin + to);
    }
}
