//! Tumbling and hopping windows `[start, end)`: each gives its groups just before the events of its end, in the order of their first rows
//! in that window.
//!
//! Starts and ends of all windows cut time into slices; the rows of a slice are in the same windows. A row goes to its group's part for the
//! slice that it lies in, and to nothing else, however many windows overlap. When a window closes, each group's queue of parts ([`Fifo`])
//! gives its total, and the parts that lie in no later window go.
//!
//! Rows of one slice that come in one batch go together: groups are found for all of them, and then each aggregate is one loop.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use super::alignment::Alignment;
use super::contents::{Bounds, Contents, Incoming, Recipe, Stand};
use super::early::Early;
use super::fifo::Fifo;
use super::slots::Slots;
use crate::data::{Duration, Inbox, Place, StateError, StateReader, StateWriter, Value};
use crate::operators::groups::Groups;
use crate::operators::memory::fit_queue;
use crate::operators::turns::{Turn, fired, turns};
use crate::operators::{Held, Operator, Outbox, Plain};
use crate::pattern::Totals;
use crate::spec::{CountSpec, WindowKind, WindowSpec};

/// Aligned windows.
#[derive(Debug)]
pub struct HoppingWindow {
    recipe: Recipe,
    alignment: Alignment,
    groups: Groups<Fifo>,
    /// All groups by their first row that still counts.
    order: BTreeMap<u64, u32>,
    /// The slices that have rows, by the time of their first row.
    slices: VecDeque<i64>,
    /// The slice that rows go to now.
    current: Slice,
    /// The first window that has not closed.
    next: i64,
    /// The window that closes next, of those that have rows, and where.
    due: Option<(i64, Place)>,
    early: Early,
    /// Early rows of all groups, not only of those that changed.
    is_ranked: bool,
    /// Rows so far: numbers them.
    taken: u64,
    slots: Slots,
}

/// A stretch of time in which rows belong to the same windows.
#[derive(Debug, Clone, Copy)]
struct Slice {
    /// The time of its first row.
    time: i64,
    /// Where the next one starts.
    until: i64,
    /// Whether there is a window over it (not so between windows that lie apart).
    is_inside: bool,
}

crate::saved!(Slice { time, until, is_inside });

impl HoppingWindow {
    /// Keys and aggregates are the spec's; for the rest see [`crate::spec::WindowKind::Hopping`].
    pub fn new(spec: &WindowSpec, size: Duration, every: Duration, offset: Duration, zone: Option<chrono_tz::Tz>) -> Self {
        Self {
            recipe: Recipe::new(spec),
            alignment: Alignment::new(size, every, offset, zone),
            groups: Groups::new(),
            order: BTreeMap::new(),
            slices: VecDeque::new(),
            current: Slice { time: i64::MIN, until: i64::MIN, is_inside: false },
            next: i64::MIN,
            due: None,
            early: Early::new(spec.emit_every),
            is_ranked: spec.is_ranked,
            taken: 0,
            slots: Slots::default(),
        }
    }

    /// Windows over the matches of a pattern, which come as totals ([`Self::add_totals`]).
    pub(in crate::operators) fn of_matches(spec: &CountSpec) -> Self {
        let WindowKind::Hopping { size, every, offset, zone } = spec.window.kind else {
            unreachable!("the planner counts matches by aligned windows alone")
        };
        Self { recipe: Recipe::of_matches(spec), ..Self::new(&spec.window, size, every, offset, zone) }
    }

    /// Begins the slice that a time behind the slice of now lies in. Gives where it ends.
    pub(in crate::operators) fn slice_until(&mut self, time: i64) -> i64 {
        if time >= self.current.until {
            self.enter_slice(time);
        }
        self.current.until
    }

    /// Adds totals of matches that lie in the slice of now.
    pub(in crate::operators) fn add_totals<'v>(&mut self, key: impl Iterator<Item = Value<'v>>, totals: &Totals) {
        if !self.current.is_inside {
            return;
        }
        let id = self.groups.find_or(key, Fifo::default);
        let queue = self.groups.of(id);
        if queue.is_empty() {
            self.order.insert(self.taken, id);
        }
        let contents = match queue.newest() {
            Some(part) if part.time == self.current.time => &mut part.contents,
            _ => queue.push(&self.recipe, self.current.time, self.taken),
        };
        self.recipe.merge_totals(contents, totals);
        self.taken += 1;
    }

    /// Takes the totals of later matches into those of earlier ones.
    pub(in crate::operators) fn merge_totals(&self, totals: &mut Totals, later: &Totals) {
        self.recipe.reader().merge(totals, later);
    }

    /// Time comes to a place: windows that end before it close.
    pub(in crate::operators) fn pass(&mut self, limit: Place, floor: Place, out: &mut Outbox) {
        self.fire(limit, floor, out);
    }

    /// Where the next window closes, of those that have matches.
    pub(in crate::operators) fn next_closing(&self) -> Option<Place> {
        self.due.map(|(_, place)| place)
    }

    /// The rows of a batch, where nothing comes out early.
    fn take_all(&mut self, incoming: &Incoming<'_>, places: &[Place], out: &mut Outbox) {
        let mut row = 0;
        while let Some(&place) = places.get(row) {
            self.fire(place, Place::MIN, out);
            let time = place.time().0;
            if time >= self.current.until {
                self.enter_slice(time);
            }
            // No window ends within a slice, so nothing fires before its last row has been taken. At the end of time no slice ends behind its row.
            let end = row + places[row..].partition_point(|place| place.time().0 < self.current.until).max(1);
            if self.current.is_inside {
                self.take_slice(incoming, row..end);
            }
            row = end;
        }
    }

    /// Rows that lie in the current slice.
    fn take_slice(&mut self, incoming: &Incoming<'_>, rows: Range<usize>) {
        self.groups.find_all(incoming.keys(), rows.clone(), Fifo::default, &mut self.slots.groups);
        self.slots.number(self.groups.capacity());
        let mut contents: Vec<Contents> = Vec::with_capacity(self.slots.touched.len());
        for &(id, first) in &self.slots.touched {
            let number = self.taken + u64::from(first);
            let queue = self.groups.of(id);
            if queue.is_empty() {
                self.order.insert(number, id);
            }
            contents.push(std::mem::take(match queue.newest() {
                Some(part) if part.time == self.current.time => &mut part.contents,
                _ => queue.push(&self.recipe, self.current.time, number),
            }));
        }
        incoming.add_all(&mut contents, &self.slots.slots, rows.clone());
        for (&(id, _), contents) in self.slots.touched.iter().zip(contents) {
            self.groups.of(id).newest().expect("the part was there").contents = contents;
        }
        self.taken += rows.len() as u64;
    }

    fn take(&mut self, incoming: &Incoming<'_>, row: usize, place: Place) {
        let time = place.time().0;
        if time >= self.current.until {
            self.enter_slice(time);
        }
        if !self.current.is_inside {
            return;
        }
        let id = self.groups.find_or(incoming.key(row), Fifo::default);
        let queue = self.groups.of(id);
        let is_new = queue.is_empty();
        match queue.newest() {
            Some(part) if part.time == self.current.time => incoming.add_to(&mut part.contents, row, place),
            _ => incoming.add_to(queue.push(&self.recipe, self.current.time, self.taken), row, place),
        }
        if is_new {
            self.order.insert(self.taken, id);
        }
        self.taken += 1;
        self.early.touch(id, place.time());
    }

    fn enter_slice(&mut self, time: i64) {
        let (first, last) = (self.alignment.first_open(time), self.alignment.last_start(time));
        let until = self.alignment.start(last.saturating_add(1)).min(self.alignment.end(first)).0;
        let is_inside = first <= last;
        self.current = Slice { time, until, is_inside };
        if is_inside && self.slices.back() != Some(&time) {
            self.slices.push_back(time);
            if self.due.is_none() {
                self.find_due();
            }
        }
    }

    /// Finds the window that closes next, and forgets slices that are in no open window.
    fn find_due(&mut self) {
        self.due = None;
        while let Some(&slice) = self.slices.front() {
            let window = self.alignment.first_open(slice).max(self.next);
            if window <= self.alignment.last_start(slice) {
                self.due = Some((window, self.alignment.closing(window)));
                return;
            }
            self.slices.pop_front();
            fit_queue(&mut self.slices);
        }
    }

    fn fire(&mut self, limit: Place, floor: Place, out: &mut Outbox) {
        loop {
            let early = self.early.place().filter(|&p| p < limit);
            match self.due.filter(|&(_, p)| p < limit) {
                Some((window, place)) if early.is_none_or(|e| place <= e) => self.close(window, place, fired(place, floor), out),
                _ => match early {
                    Some(place) => self.put_out_early(place, fired(place, floor), out),
                    None => return,
                },
            }
        }
    }

    fn close(&mut self, window: i64, place: Place, moment: Place, out: &mut Outbox) {
        let bounds = Bounds { start: self.alignment.start(window), end: self.alignment.end(window), is_final: true };
        for &id in self.order.values() {
            let (key, queue) = self.groups.get(id).expect("groups in order are there");
            self.recipe.put_out(key, &queue.total(&self.recipe), bounds, Stand { place, moment }, out);
        }
        match window.checked_add(1) {
            Some(next) => self.next = next,
            // No window comes behind the last one that has a number.
            None => self.slices.clear(),
        }
        self.find_due();
        self.expire();
    }

    /// Forgets the parts that lie before the first slice that still counts.
    fn expire(&mut self) {
        let least = self.slices.front().copied();
        let is_over = |time: i64| least.is_none_or(|least| time < least);
        while let Some((&first, &id)) = self.order.first_key_value() {
            let queue = self.groups.of(id);
            if queue.oldest().is_some_and(|(time, _)| !is_over(time)) {
                return;
            }
            self.order.remove(&first);
            while queue.oldest().is_some_and(|(time, _)| is_over(time)) {
                queue.pop(&self.recipe);
            }
            match queue.oldest() {
                Some((_, first)) => {
                    self.order.insert(first, id);
                }
                None => self.groups.remove(id),
            }
        }
    }

    fn put_out_early(&mut self, place: Place, moment: Place, out: &mut Outbox) {
        let first_open = self.alignment.first_open(place.time().0).max(self.next);
        let mut rows = Vec::new();
        let changed = self.early.take();
        // Each open window that has rows has a new one, because the slice of now is in all of them.
        let due = if self.is_ranked { self.order.values().copied().collect() } else { changed };
        for id in due {
            let Some((key, queue)) = self.groups.get(id) else { continue };
            let newest = queue.latest().expect("a group has a part");
            let windows = (first_open..=self.alignment.last_start(newest)).rev();
            let totals = queue.totals_since(&self.recipe, windows.clone().map(|window| self.alignment.start(window).0));
            let found = windows.zip(totals).filter_map(|(window, total)| total.map(|(first, contents)| (window, first, key, contents)));
            rows.extend(found);
        }
        rows.sort_unstable_by_key(|&(window, first, ..)| (window, first));
        for (window, _, key, contents) in rows {
            let bounds = Bounds { start: self.alignment.start(window), end: self.alignment.end(window), is_final: false };
            self.recipe.put_out(key, &contents, bounds, Stand { place, moment }, out);
        }
    }
}

impl HoppingWindow {
    /// Rows of several parts of the state have been numbered apart. The numbers have to rise with time: what is over is looked for in their
    /// order.
    fn number_in_time(&mut self) {
        let mut firsts: Vec<(i64, u64)> = self.groups.iter_mut().flat_map(Fifo::firsts).map(|(time, first)| (time, *first)).collect();
        firsts.sort_unstable();
        for (time, first) in self.groups.iter_mut().flat_map(Fifo::firsts) {
            let at = firsts.binary_search(&(time, *first)).expect("every part is among them");
            *first = at as u64;
        }
        self.taken = firsts.len() as u64;
        let groups: Vec<u32> = self.order.values().copied().collect();
        self.order = groups.into_iter().filter_map(|id| Some((self.groups.get(id)?.1.oldest()?.1, id))).collect();
    }
}

impl Operator for HoppingWindow {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let incoming = self.recipe.incoming(&inbox.inputs[0]);
        if inbox.is_plain && !self.early.is_asked() {
            self.take_all(&incoming, inbox.inputs[0].places(), out);
            return self.fire(inbox.watermark, inbox.floor, out);
        }
        for turn in turns(inbox) {
            match turn {
                Turn::Time { limit, floor } => self.fire(limit, floor, out),
                Turn::Row { row, place, .. } => self.take(&incoming, row, place),
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
        let (rows, bytes) = self.groups.iter().map(Fifo::held).fold((0, 0), |(r, b), (s, c)| (r + s, b + c));
        // A tree keeps its entries in nodes that are two thirds full at least, on the whole.
        let order = self.order.len() * size_of::<(u64, u32)>() * 3 / 2;
        Held { keys: self.groups.len(), rows, bytes: bytes + order + self.groups.bytes() + self.slots.bytes(), dropped: 0 }
    }

    fn take_nulls(&mut self) -> u64 {
        self.recipe.take_nulls()
    }

    fn save(&self, to: &mut StateWriter) {
        let kept = self.groups.save(to);
        let order: Vec<(u64, u32)> = self.order.iter().map(|(&first, &id)| (first, id)).filter(|(_, id)| kept.has(*id)).collect();
        to.put(&order);
        to.put(&self.slices);
        to.put(&self.current);
        to.put(&(self.next, self.taken));
        self.early.save(&kept, to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        // Rows of this part stand behind those of parts before it.
        let before = self.taken;
        self.recipe.introduce(from);
        let ids = self.groups.load(from, |queue| queue.behind(before))?;
        for (first, id) in from.take::<Vec<(u64, u32)>>()? {
            self.order.insert(first.saturating_add(before), ids.get(id)?);
        }
        self.slices.extend(from.take::<Vec<i64>>()?);
        self.slices.make_contiguous().sort_unstable();
        let current: Slice = from.take()?;
        if current.time >= self.current.time {
            self.current = current;
        }
        let (next, taken): (i64, u64) = from.take()?;
        self.next = self.next.max(next);
        self.taken = before.saturating_add(taken);
        if before > 0 {
            self.number_in_time();
        }
        self.early.load(&ids, from)?;
        self.find_due();
        Ok(())
    }
}
