//! Whose turn it is (SKIP): the starts of a partition, in order, each until it is decided and all before it are.

use std::collections::VecDeque;

use crate::data::Place;

/// For so many starts room is kept when there are none.
const FEW: usize = 16;

/// The starts of a partition that have not had their turn.
#[derive(Debug, Default)]
pub(super) struct Turns(VecDeque<Turn>);

/// A start.
#[derive(Debug)]
pub(super) struct Turn {
    /// The number of its event in the log of the first step.
    pub(super) event: u32,
    pub(super) start: Place,
    pub(super) state: TurnState,
}

crate::saved!(Turns(turns));
crate::saved!(Turn { event, start, state });
crate::saved!(enum TurnState { 0 => Open(waiting), 1 => Matched(events), 2 => Over });

/// What has become of a start.
#[derive(Debug)]
pub(super) enum TurnState {
    /// So many unfinished matches of it wait.
    Open(u32),
    /// It has a match: the number of its event of each step, in that step's log.
    Matched(Box<[u32]>),
    /// It has none.
    Over,
}

impl Turns {
    pub(super) fn begin(&mut self, event: u32, start: Place) {
        self.0.push_back(Turn { event, start, state: TurnState::Open(1) });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The room of an empty queue, for another one, unless it is much.
    pub(super) fn into_room(self) -> Self {
        if self.0.capacity() <= FEW { self } else { Self::default() }
    }

    /// Reads the first start.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        self.0.front().map_or(0, |turn| u64::from(turn.event))
    }

    /// Whether the first start has been decided.
    #[inline]
    pub(super) fn is_decided(&self) -> bool {
        self.0.front().is_some_and(|turn| !matches!(turn.state, TurnState::Open(_)))
    }

    pub(super) fn front(&self) -> Option<&Turn> {
        self.0.front()
    }

    pub(super) fn has(&self, start: Place) -> bool {
        self.0.binary_search_by_key(&start, |turn| turn.start).is_ok()
    }

    fn of_event(&mut self, event: u32) -> Option<&mut Turn> {
        let at = self.0.binary_search_by_key(&event, |turn| turn.event).ok()?;
        self.0.get_mut(at)
    }

    /// Another match of a start waits.
    pub(super) fn more(&mut self, event: u32) {
        if let Some(Turn { state: TurnState::Open(count), .. }) = self.of_event(event) {
            *count += 1;
        }
    }

    /// One match of a start waits no longer.
    pub(super) fn less(&mut self, event: u32) {
        if let Some(turn) = self.of_event(event)
            && let TurnState::Open(count) = &mut turn.state
        {
            *count -= 1;
            if *count == 0 {
                turn.state = TurnState::Over;
            }
        }
    }

    /// A start has its match. Gives whether it was open until now.
    pub(super) fn matched(&mut self, event: u32, events: &[u32]) -> bool {
        match self.of_event(event) {
            Some(turn) if matches!(turn.state, TurnState::Open(_)) => {
                turn.state = TurnState::Matched(events.into());
                true
            }
            Some(_) | None => false,
        }
    }

    /// A start's time is over.
    pub(super) fn expire(&mut self, start: Place) {
        if let Ok(at) = self.0.binary_search_by_key(&start, |turn| turn.start)
            && matches!(self.0[at].state, TurnState::Open(_))
        {
            self.0[at].state = TurnState::Over;
        }
    }

    /// The input is over: what is open has no match.
    pub(super) fn end(&mut self) {
        for turn in self.0.iter_mut().filter(|turn| matches!(turn.state, TurnState::Open(_))) {
            turn.state = TurnState::Over;
        }
    }

    /// The next match whose turn it is; starts without one are passed over.
    pub(super) fn next_match(&mut self) -> Option<(Place, Box<[u32]>)> {
        while self.is_decided() {
            if let Some(Turn { start, state: TurnState::Matched(events), .. }) = self.0.pop_front() {
                return Some((start, events));
            }
        }
        None
    }

    /// Drops the starts at the front for which this holds.
    pub(super) fn skip_while(&mut self, holds: impl Fn(Place) -> bool) {
        while self.0.front().is_some_and(|turn| holds(turn.start)) {
            self.0.pop_front();
        }
    }

    /// Drops the starts at the front for whose events this holds.
    pub(super) fn skip_while_event(&mut self, holds: impl Fn(u32) -> bool) {
        while self.0.front().is_some_and(|turn| holds(turn.event)) {
            self.0.pop_front();
        }
    }

    /// Every event that is still needed: its step, and its number there.
    pub(super) fn events(&self) -> impl Iterator<Item = (usize, u32)> {
        self.0.iter().flat_map(|turn| {
            let matched = match &turn.state {
                TurnState::Matched(events) => &**events,
                TurnState::Open(_) | TurnState::Over => &[],
            };
            std::iter::once((0, turn.event)).chain(matched.iter().copied().enumerate())
        })
    }

    /// Gives the events other numbers.
    pub(super) fn renumber(&mut self, mut number: impl FnMut(usize, u32) -> u32) {
        for turn in &mut self.0 {
            turn.event = number(0, turn.event);
            if let TurnState::Matched(events) = &mut turn.state {
                events.iter_mut().enumerate().for_each(|(step, event)| *event = number(step, *event));
            }
        }
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        let matched = |turn: &Turn| if let TurnState::Matched(events) = &turn.state { events.len() * 4 } else { 0 };
        self.0.capacity() * size_of::<Turn>() + self.0.iter().map(matched).sum::<usize>()
    }
}
