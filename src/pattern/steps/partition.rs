//! What the evaluator by step lists keeps for a partition: a list for each step that something can wait at, and whose turn it is.

use std::ops::{Deref, DerefMut};

use super::turns::Turns;
use super::waiting::{Behind, Compared, Question, Record, Shape, Waiting};
use crate::data::{Saved, StateError, StateReader, StateWriter};

/// A partition.
#[derive(Debug)]
pub(crate) struct StepPartition {
    /// Of the matches that wait at step 1, at step 2, …
    lists: Lists,
    /// The steps that something waits at, as bits: what most events look at.
    waits: u64,
    /// Where matches wait for their turn.
    pub(super) turns: Turns,
}

/// The lists of a partition. Of short sequences they lie in the partition itself, so that there is one thing less to wait for.
#[derive(Debug)]
enum Lists {
    One([Waiting; 1]),
    Two([Waiting; 2]),
    Many(Box<[Waiting]>),
}

impl Saved for StepPartition {
    fn save(&self, to: &mut StateWriter) {
        to.put(&self.lists);
        to.put(&self.turns);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let (lists, turns): (Lists, Turns) = (from.take()?, from.take()?);
        Ok(Self { waits: lists.waits(), lists, turns })
    }
}

impl Deref for Lists {
    type Target = [Waiting];

    #[inline]
    fn deref(&self) -> &[Waiting] {
        match self {
            Self::One(lists) => lists,
            Self::Two(lists) => lists,
            Self::Many(lists) => lists,
        }
    }
}

impl DerefMut for Lists {
    #[inline]
    fn deref_mut(&mut self) -> &mut [Waiting] {
        match self {
            Self::One(lists) => lists,
            Self::Two(lists) => lists,
            Self::Many(lists) => lists,
        }
    }
}

impl From<Vec<Waiting>> for Lists {
    fn from(lists: Vec<Waiting>) -> Self {
        let lists = match <[Waiting; 1]>::try_from(lists) {
            Ok(one) => return Self::One(one),
            Err(lists) => lists,
        };
        <[Waiting; 2]>::try_from(lists).map_or_else(|lists| Self::Many(lists.into()), Self::Two)
    }
}

impl Lists {
    /// The steps whose lists are not empty, as bits.
    #[inline]
    fn waits(&self) -> u64 {
        let waits = |list: &Waiting| u64::from(!list.is_empty());
        match self {
            Self::One([first]) => waits(first) << 1,
            Self::Two([first, second]) => waits(first) << 1 | waits(second) << 2,
            Self::Many(lists) => lists.iter().rev().fold(0, |steps, list| steps << 1 | waits(list)) << 1,
        }
    }
}

impl Saved for Lists {
    fn save(&self, to: &mut StateWriter) {
        to.list(self.iter());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.list().map(Vec::into)
    }
}

impl StepPartition {
    /// With so many lists.
    pub(super) fn new(lists: usize) -> Self {
        let lists = match lists {
            1 => Lists::One(Default::default()),
            2 => Lists::Two(Default::default()),
            _ => Lists::Many((0..lists).map(|_| Waiting::default()).collect()),
        };
        Self { lists, waits: 0, turns: Turns::default() }
    }

    /// Whether nothing is kept.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waits == 0 && self.turns.is_empty()
    }

    /// Another one, that takes over the room of this one, of which nothing is left.
    pub(crate) fn into_room(self) -> Self {
        let lists = match self.lists {
            Lists::One(lists) => Lists::One(lists.map(Waiting::into_room)),
            Lists::Two(lists) => Lists::Two(lists.map(Waiting::into_room)),
            Lists::Many(lists) => Lists::Many(lists.into_iter().map(Waiting::into_room).collect()),
        };
        Self { lists, waits: 0, turns: self.turns.into_room() }
    }

    /// Reads what of its lists and turns an event that fits these steps (as bits) will look at. Gives something that depends on it.
    #[inline]
    pub(crate) fn touch(&self, fits: u64) -> u64 {
        let mut steps = self.waits & fits;
        let mut touched = if steps == 0 { 0 } else { self.turns.touch() };
        while steps != 0 {
            touched ^= self.lists[steps.trailing_zeros() as usize - 1].touch();
            steps &= steps - 1;
        }
        touched
    }

    /// The steps that something waits at, as bits.
    #[inline]
    pub(crate) fn waits(&self) -> u64 {
        debug_assert_eq!(self.waits, self.lists.waits(), "noted where lists change");
        self.waits
    }

    /// Matches come to wait at a step, all with the same to be compared; what started before `earliest` is over.
    #[inline]
    pub(super) fn push<'r>(
        &mut self,
        shapes: &[Shape],
        step: usize,
        matches: impl Iterator<Item = Behind<'r>>,
        compared: &Compared,
        earliest: i64,
    ) {
        let (list, shape) = (&mut self.lists[step - 1], &shapes[step - 1]);
        for behind in matches {
            list.push(shape, behind, compared, earliest);
        }
        self.waits |= 1 << step;
    }

    /// Asks the records that wait at a step, see [`Waiting::ask`].
    #[inline]
    pub(super) fn ask(
        &mut self,
        shapes: &[Shape],
        step: usize,
        question: &Question<'_>,
        is_met: impl FnMut(Record<'_>) -> bool,
        found: impl FnMut(Record<'_>),
    ) {
        let list = &mut self.lists[step - 1];
        list.ask(&shapes[step - 1], question, is_met, found);
        if list.is_empty() {
            self.waits &= !(1 << step);
        }
    }

    /// Behind loading: gives the events other numbers.
    pub(super) fn settle(&mut self, shapes: &[Shape], number: impl FnMut(usize, u32) -> u32) -> Result<(), StateError> {
        if self.lists.len() != shapes.len() {
            return Err(StateError::new("a sequence of another length"));
        }
        self.lists.iter_mut().zip(shapes).try_for_each(|(list, shape)| list.settle(shape))?;
        self.renumber(shapes, number);
        Ok(())
    }

    /// How many records wait.
    pub(super) fn waiting(&self) -> usize {
        self.lists.iter().map(Waiting::len).sum()
    }

    /// Whether more than so many wait.
    #[inline]
    pub(super) fn has_more_than(&self, most: usize) -> bool {
        // PERF: places are counted at once.
        self.lists.iter().map(Waiting::places).sum::<usize>() > most && self.waiting() > most
    }

    /// Whether a start has not had its turn.
    pub(crate) fn has_turn(&self, start: crate::data::Place) -> bool {
        self.turns.has(start)
    }

    /// The first start that has not had its turn.
    pub(crate) fn first_turn(&self) -> Option<crate::data::Place> {
        self.turns.front().map(|turn| turn.start)
    }

    /// The event has come that those that wait at this step had to take.
    pub(super) fn lose(&mut self, shapes: &[Shape], step: usize, in_turn: bool) {
        let (list, shape) = (&mut self.lists[step - 1], &shapes[step - 1]);
        if list.is_empty() {
            return;
        }
        if in_turn {
            list.records(shape).for_each(|record| self.turns.less(record.event(0)));
        }
        list.clear(shape);
        self.waits &= !(1 << step);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self, shapes: &[Shape]) {
        self.clear_lists(shapes);
        self.turns = Turns::default();
    }

    fn clear_lists(&mut self, shapes: &[Shape]) {
        self.lists.iter_mut().zip(shapes).for_each(|(list, shape)| list.clear(shape));
        self.waits = 0;
    }

    /// Keeps the records for which this holds.
    pub(super) fn keep(&mut self, shapes: &[Shape], mut holds: impl FnMut(Record<'_>) -> bool) {
        for (list, shape) in self.lists.iter_mut().zip(shapes) {
            if list.records(shape).any(|record| !holds(record)) {
                list.keep_some(shape, &mut holds);
            }
        }
        self.waits = self.lists.waits();
    }

    /// Forgets what waits of starts before the first that has not had its turn.
    pub(super) fn forget_skipped(&mut self, shapes: &[Shape]) {
        match self.turns.front().map(|turn| turn.event) {
            Some(first) => self.keep(shapes, |record| record.event(0) >= first),
            None => self.clear_lists(shapes),
        }
    }

    /// Forgets what is over, and if more than `most` records are left, the oldest starts until there are no more. Of a single start the
    /// ways that are preferred least go. Gives how many starts (of a single one: ways) went.
    pub(super) fn give_up(&mut self, shapes: &[Shape], earliest: i64, most: usize) -> u64 {
        self.keep(shapes, |record| record.start() >= earliest);
        if self.waiting() <= most {
            return 0;
        }
        let mut starts: Vec<u32> =
            self.lists.iter().zip(shapes).flat_map(|(list, shape)| list.records(shape)).map(|r| r.event(0)).collect();
        let over = starts.len() - most.max(1);
        let newest = starts.iter().copied().max().unwrap_or_default();
        // Starts go whole: up to that of the last record that has to go, but never the newest.
        let last = *starts.select_nth_unstable(over - 1).1;
        let first = newest.min(last.saturating_add(1));
        starts.retain(|start| *start < first);
        starts.sort_unstable();
        starts.dedup();
        self.keep(shapes, |record| record.event(0) >= first);
        self.turns.skip_while_event(|event| event < first);
        let ways = if self.waiting() > most { self.keep_ways(shapes, most) } else { 0 };
        (starts.len() + ways) as u64
    }

    /// Of a single start with too many ways, keeps those that are furthest: the lists of later steps first, and of each what came first.
    fn keep_ways(&mut self, shapes: &[Shape], most: usize) -> usize {
        let mut room = most.max(1);
        let mut dropped = 0;
        for (list, shape) in self.lists.iter_mut().zip(shapes).rev() {
            let len = list.len();
            // In the order in which ways came: by the last event first.
            let way = |record: Record<'_>| record.events(shape.events).collect::<Vec<u32>>().into_iter().rev().collect::<Vec<u32>>();
            let mut ways: Vec<Vec<u32>> = list.records(shape).map(way).collect();
            ways.sort_unstable();
            let last = room.checked_sub(1).and_then(|last| ways.get(last.min(len.saturating_sub(1))));
            list.keep_some(shape, |record| last.is_some_and(|last| way(record) <= *last));
            dropped += len - list.len();
            room -= list.len();
        }
        self.waits = self.lists.waits();
        dropped
    }

    /// Forgets what is over, and tells of every event that is still needed: its step, and its number there.
    pub(super) fn keep_needed(&mut self, shapes: &[Shape], earliest: i64, mut needed: impl FnMut(usize, u32)) {
        for (list, shape) in self.lists.iter_mut().zip(shapes) {
            let mut is_any_over = false;
            for record in list.records(shape) {
                if record.start() < earliest {
                    is_any_over = true;
                } else {
                    record.events(shape.events).enumerate().for_each(|(step, event)| needed(step, event));
                }
            }
            if is_any_over {
                list.keep_some(shape, |record| record.start() >= earliest);
            }
        }
        self.waits = self.lists.waits();
        self.turns.events().for_each(|(step, event)| needed(step, event));
    }

    /// Gives the events other numbers.
    pub(super) fn renumber(&mut self, shapes: &[Shape], mut number: impl FnMut(usize, u32) -> u32) {
        for (list, shape) in self.lists.iter_mut().zip(shapes) {
            list.renumber(shape, &mut number);
        }
        self.turns.renumber(number);
    }

    /// Unfinished matches, and bytes, about.
    pub(crate) fn size(&self) -> (usize, usize) {
        let apart = if let Lists::Many(lists) = &self.lists { size_of_val(&**lists) } else { 0 };
        let lists: usize = self.lists.iter().map(Waiting::bytes).sum();
        (self.waiting(), size_of::<Self>() + apart + lists + self.turns.bytes())
    }
}
