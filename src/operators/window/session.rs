//! `SESSION gap [MAX d]`: the rows of a group that follow each other by at most `gap`, at most `d` from first to last.
//!
//! A session's row stands at its last event, but is certain only when no row can belong to it any more: after the events that are `gap`
//! later (or `d` after its first, if that is sooner). So this operator holds rows back, and tells the least last event of its open sessions.
//! Sessions that close at one moment come in the order of their last events. START_TIME and END_TIME are the first and the last event.

use std::collections::{BTreeSet, VecDeque};

use super::contents::{Bounds, Contents, Incoming, Recipe, Stand};
use super::early::Early;
use crate::data::{Duration, Inbox, Phase, Place, StateError, StateReader, StateWriter, Timestamp};
use crate::operators::groups::Groups;
use crate::operators::memory::fit_queue;
use crate::operators::turns::{Holds, Turn, fired, turns};
use crate::operators::{Held, Operator, Outbox, Plain};
use crate::spec::WindowSpec;

/// Windows between gaps.
#[derive(Debug)]
pub struct SessionWindow {
    recipe: Recipe,
    gap: Duration,
    max: Option<Duration>,
    groups: Groups<Session>,
    /// One entry a session: a place at or before its deadline, the number of a row of it, its group.
    timers: BTreeSet<(Place, u64, u32)>,
    /// Place, number and group of rows in order; those that are not the last of their session are stale.
    last_rows: VecDeque<(Place, u64, u32)>,
    holds: Holds,
    early: Early,
    /// Rows so far: numbers them.
    taken: u64,
}

#[derive(Debug)]
struct Session {
    /// The numbers of its first and last row.
    first: u64,
    last: u64,
    start: Timestamp,
    /// Where its last row stands.
    end: Place,
    contents: Contents,
}

crate::saved!(Session { first, last, start, end, contents });

impl Session {
    fn bounds(&self, is_final: bool) -> Bounds {
        Bounds { start: self.start, end: self.end.time(), is_final }
    }
}

impl SessionWindow {
    /// Keys and aggregates are the spec's.
    pub fn new(spec: &WindowSpec, gap: Duration, max: Option<Duration>) -> Self {
        Self {
            recipe: Recipe::new(spec),
            gap,
            max,
            groups: Groups::new(),
            timers: BTreeSet::new(),
            last_rows: VecDeque::new(),
            holds: Holds::new(),
            early: Early::new(spec.emit_every),
            taken: 0,
        }
    }

    fn deadline(&self, session: &Session) -> Place {
        let by_gap = session.end.time().saturating_add(self.gap);
        let by_max = self.max.map_or(Timestamp::MAX, |max| session.start.saturating_add(max));
        Place::bound(by_gap.min(by_max), Phase::After)
    }

    fn take(&mut self, incoming: &Incoming<'_>, row: usize, place: Place) {
        let number = self.taken;
        self.taken += 1;
        let fresh = || Session { first: number, last: number, start: place.time(), end: place, contents: self.recipe.empty() };
        let id = self.groups.find_or(incoming.key(row), fresh);
        // Timers that stand before the row have fired: if there is a session, the row belongs to it.
        let session = self.groups.of(id);
        session.last = number;
        session.end = place;
        incoming.add_to(&mut session.contents, row, place);
        if session.first == number {
            let (_, session) = self.groups.get(id).expect("it was just made");
            self.timers.insert((self.deadline(session), number, id));
        }
        self.last_rows.push_back((place, number, id));
        self.early.touch(id, place.time());
    }

    /// The least place of what is still to come for the open sessions.
    fn least_held(&mut self) -> Place {
        let groups = &self.groups;
        let is_last = |&(_, number, id): &(Place, u64, u32)| groups.get(id).is_some_and(|(_, s)| s.last == number);
        while self.last_rows.front().is_some_and(|entry| !is_last(entry)) {
            self.last_rows.pop_front();
        }
        if self.last_rows.len() > 2 * groups.len() + 16 {
            self.last_rows.retain(is_last);
        }
        fit_queue(&mut self.last_rows);
        self.last_rows.front().map_or(Place::MAX, |&(place, ..)| place)
    }

    fn fire(&mut self, limit: Place, floor: Place, out: &mut Outbox) {
        loop {
            let early = self.early.place().filter(|&p| p < limit);
            match self.timers.first().copied().filter(|&(p, ..)| Place::behind(p.time()) < limit) {
                Some(timer) if early.is_none_or(|e| timer.0 <= e) => self.close(timer, floor, out),
                _ => match early {
                    Some(place) => self.put_out_early(place, fired(place, floor), out),
                    None => return,
                },
            }
        }
    }

    fn close(&mut self, timer: (Place, u64, u32), floor: Place, out: &mut Outbox) {
        self.timers.remove(&timer);
        let (key, session) = self.groups.get(timer.2).expect("a session has one timer");
        let actual = (self.deadline(session), session.last, timer.2);
        if actual != timer {
            self.timers.insert(actual);
            return;
        }
        let moment = fired(timer.0, floor);
        self.recipe.put_out(key, &session.contents, session.bounds(true), Stand { place: session.end, moment }, out);
        self.groups.remove(timer.2);
        let least = self.least_held();
        self.holds.tell(least, moment, out);
    }

    /// Rows of several parts of the state have been numbered apart, and sessions that close at one moment go by the numbers of their last
    /// rows. Numbers are small again then.
    fn number_in_order(&mut self) {
        let mut firsts: Vec<u64> = self.groups.iter().map(|session| session.first).collect();
        firsts.sort_unstable();
        for session in self.groups.iter_mut() {
            session.first = firsts.partition_point(|first| *first < session.first) as u64;
        }
        self.taken = self.last_rows.len().max(firsts.len()) as u64;
        for ((_, number, id), now) in self.last_rows.iter_mut().zip(0..) {
            if self.groups.get(*id).is_some_and(|(_, session)| session.last == *number) {
                self.groups.of(*id).last = now;
            }
            *number = now;
        }
        let timers = std::mem::take(&mut self.timers).into_iter();
        let actual = |(_, _, id)| self.groups.get(id).map(|(_, session)| (self.deadline(session), session.last, id));
        self.timers = timers.filter_map(actual).collect();
    }

    fn put_out_early(&mut self, place: Place, moment: Place, out: &mut Outbox) {
        let due = self.early.take();
        let mut due: Vec<_> = due.into_iter().filter_map(|id| self.groups.get(id)).collect();
        due.sort_unstable_by_key(|(_, session)| session.first);
        for (key, session) in due {
            self.recipe.put_out(key, &session.contents, session.bounds(false), Stand { place, moment }, out);
        }
    }
}

impl Operator for SessionWindow {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let incoming = self.recipe.incoming(&inbox.inputs[0]);
        for turn in turns(inbox) {
            match turn {
                Turn::Time { limit, floor } => self.fire(limit, floor, out),
                Turn::Row { row, place, moment, .. } => {
                    self.take(&incoming, row, place);
                    let least = self.least_held();
                    self.holds.tell(least, moment, out);
                }
            }
        }
    }

    fn takes_plain(&self) -> Plain {
        Plain::Always
    }

    fn keys(&self) -> usize {
        self.groups.len()
    }

    fn held(&self) -> Held {
        let (rows, bytes) = self.groups.iter().map(|s| s.contents.held()).fold((0, 0), |(r, b), (s, c)| (r + s, b + c));
        let timers = self.timers.len() * size_of::<(Place, u64, u32)>() * 2 + self.last_rows.capacity() * size_of::<(Place, u64, u32)>();
        Held { keys: self.groups.len(), rows, bytes: bytes + timers + self.groups.bytes(), dropped: 0 }
    }

    fn lags(&self) -> bool {
        true
    }

    fn held_from(&self) -> Place {
        self.holds.told()
    }

    fn take_nulls(&mut self) -> u64 {
        self.recipe.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        let kept = self.groups.save(to);
        let is_kept = |entry: &&(Place, u64, u32)| kept.has(entry.2);
        to.put(&self.timers.iter().filter(is_kept).copied().collect::<Vec<_>>());
        to.put(&self.last_rows.iter().filter(is_kept).copied().collect::<Vec<_>>());
        to.put(&self.holds);
        to.put(&self.taken);
        self.early.save(&kept, to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let before = self.taken;
        let behind = |number: u64| number.saturating_add(before);
        self.recipe.introduce(from);
        let ids = self.groups.load(from, |session| Session { first: behind(session.first), last: behind(session.last), ..session })?;
        for (place, number, id) in from.take::<Vec<(Place, u64, u32)>>()? {
            self.timers.insert((place, behind(number), ids.get(id)?));
        }
        for (place, number, id) in from.take::<Vec<(Place, u64, u32)>>()? {
            self.last_rows.push_back((place, behind(number), ids.get(id)?));
        }
        self.last_rows.make_contiguous().sort_unstable();
        self.holds = from.take()?;
        self.taken = behind(from.take()?);
        if before > 0 {
            self.number_in_order();
        }
        let least = self.least_held();
        self.holds.settle(least);
        self.early.load(&ids, from)
    }
}
