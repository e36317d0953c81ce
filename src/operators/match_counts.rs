//! Aggregates over the matches of a pattern, by window, without the matches: events in, the rows of the windows out.
//!
//! What an event finishes is one sum over all its matches; it goes to the partition's sum of the slice of time that the event lies in, and
//! from there to the windows when the slice is over. So an event costs the same however many matches it finishes, and windows see one part a
//! partition and slice. Parts go in the order in which their partitions finished their first match, as the matches themselves would.

use std::sync::Arc;

use super::partitions::Partitions;
use super::window::HoppingWindow;
use super::{Held, Operator, Outbox, Plain};
use crate::data::{Entry, Inbox, Place, StateError, StateReader, StateWriter, Value};
use crate::pattern::{CountEvaluator, CountPartition, Masks, RowOf, Totals};
use crate::spec::CountSpec;

/// Counts matches. The columns of its port are those of the window.
#[derive(Debug)]
pub struct MatchCounts {
    spec: Arc<CountSpec>,
    evaluator: CountEvaluator,
    partitions: Partitions<Counted>,
    window: HoppingWindow,
    slice: Slice,
    /// What the events of an inbox do and where they stand; empty between inboxes.
    moves: Vec<u32>,
    places: Vec<Place>,
}

/// The slice of now.
#[derive(Debug)]
struct Slice {
    /// What it has come to, by partition, in the order of their first matches.
    parts: Vec<Part>,
    /// Tells its parts from those of earlier slices.
    number: u64,
    /// Where the next slice starts.
    until: i64,
    /// The first time at which it is over or a window closes.
    wake: i64,
}

#[derive(Debug)]
struct Counted {
    counters: CountPartition,
    /// The slice in which it had its last part, and which that is.
    part: (u64, usize),
}

#[derive(Debug)]
struct Part {
    key: Vec<Value<'static>>,
    totals: Totals,
}

crate::saved!(Counted { counters, part });
crate::saved!(Part { key, totals });

impl MatchCounts {
    /// A partition holds at most so many events, where WITHIN makes it hold any; beyond it the oldest starts are dropped and counted.
    pub fn new(spec: CountSpec, events_max: usize) -> Self {
        let spec = Arc::new(spec);
        Self {
            evaluator: CountEvaluator::new(spec.clone(), events_max),
            partitions: Partitions::new(&spec.pattern),
            window: HoppingWindow::of_matches(&spec),
            slice: Slice { parts: Vec::new(), number: 1, until: i64::MIN, wake: i64::MAX },
            moves: Vec::new(),
            places: Vec::new(),
            spec,
        }
    }

    /// An event that has rows in several inputs; each key's partition gets the rows that have it.
    fn rows(&mut self, rows: &[RowOf<'_>], masks: &[Masks], place: Place) {
        let mask_of = |row: &RowOf<'_>| masks[row.input][row.row];
        let all = self.evaluator.moves_of(rows.iter().fold(0, |mask, row| mask | mask_of(row)));
        let may_begin = self.evaluator.begins(all);
        let ids: Vec<Option<u32>> = rows.iter().map(|row| self.partition_of(row, may_begin)).collect();
        for (first, id) in ids.iter().enumerate() {
            let Some(id) = id.filter(|id| !ids[..first].contains(&Some(*id))) else { continue };
            let of_key: Vec<RowOf<'_>> = rows.iter().zip(&ids).filter(|(_, of)| **of == Some(id)).map(|(row, _)| *row).collect();
            let moves = self.evaluator.moves_of(of_key.iter().fold(0, |mask, row| mask | mask_of(row)));
            self.event(id, moves, &of_key, place);
        }
    }

    #[inline]
    fn row(&mut self, row: &RowOf<'_>, mask: u64, place: Place) {
        let moves = self.evaluator.moves_of(mask);
        if moves == 0 {
            return;
        }
        // Without a start there is nothing that another step could follow.
        let may_begin = self.evaluator.begins(moves);
        if let Some(id) = self.partition_of(row, may_begin) {
            self.event(id, moves, std::slice::from_ref(row), place);
        }
    }

    #[inline]
    fn partition_of(&mut self, row: &RowOf<'_>, may_begin: bool) -> Option<u32> {
        let evaluator = &self.evaluator;
        self.partitions.find(row, may_begin.then_some(|| Counted { counters: evaluator.partition(), part: (0, 0) }))
    }

    /// An event of one partition.
    #[inline]
    fn event(&mut self, id: u32, moves: u32, rows: &[RowOf<'_>], place: Place) {
        let Some(counted) = self.partitions.get_mut(id) else { return };
        if let Some(found) = self.evaluator.event(&mut counted.counters, moves, rows, place)
            && self.slice.is_new(counted, found, place, &mut self.window)
        {
            let key = if self.spec.keys.is_empty() { Vec::new() } else { self.partitions.key(id) };
            self.slice.parts.push(Part { key: self.spec.keys.iter().map(|&at| key[at].clone()).collect(), totals: found.clone() });
        }
        self.partitions.drop_if(id, |counted| counted.counters.is_empty());
    }

    /// Whether all events are of one partition that holds bare numbers, and none stands behind a step of the watermark: then they need not be
    /// looked at one by one. Notes what they do and where they stand.
    fn are_alike(&mut self, inbox: &Inbox, masks: &[Masks]) -> bool {
        if self.partitions.are_keyed() || !self.evaluator.counts_alone() {
            return false;
        }
        if let (true, [masks]) = (inbox.is_plain, masks) {
            self.evaluator.moves_of_all(masks, &mut self.moves);
            return true;
        }
        if let Some(rows) = inbox.entries.rows() {
            let inputs: Vec<(&[u64], &[Place])> =
                masks.iter().zip(&inbox.inputs).map(|(masks, batch)| (&**masks, &**batch.places())).collect();
            for &(input, row) in rows {
                let (masks, places) = inputs[input as usize];
                self.moves.push(self.evaluator.moves_of(masks[row as usize]));
                self.places.push(places[row as usize]);
            }
            return true;
        }
        let (mut last, mut mask) = (None, 0);
        for entry in &inbox.entries {
            let Entry::Row { input, row, place, floor: Place::MIN, .. } = *entry else {
                self.moves.clear();
                self.places.clear();
                return false;
            };
            let own = masks[usize::from(input)][row as usize];
            if last == Some(place) && place.is_source() {
                mask |= own;
                self.moves.pop();
                self.places.pop();
            } else {
                mask = own;
            }
            last = Some(place);
            self.moves.push(self.evaluator.moves_of(mask));
            self.places.push(place);
        }
        true
    }

    /// The events of an inbox that are all alike.
    fn run(&mut self, places: &[Place], out: &mut Outbox) {
        let mut at = 0;
        while at < places.len() {
            if self.partitions.alone().is_none() {
                // Without a start there is nothing that another step could follow.
                let Some(skipped) = self.moves[at..].iter().position(|&moves| self.evaluator.begins(moves)) else { break };
                at += skipped;
                let evaluator = &self.evaluator;
                self.partitions.begin(0, places[at].time(), Some(|| Counted { counters: evaluator.partition(), part: (0, 0) }));
            }
            self.pass(places[at], Place::MIN, out);
            let Some(counted) = self.partitions.alone() else { break };
            let CountPartition::Plain(counters) = &mut counted.counters else { break };
            // The first match of a slice begins it; those behind it are of that slice until it is over.
            let begins_slice = places[at].time().0 >= self.slice.until;
            let (taken, found) = self.evaluator.run(counters, (&self.moves[at..], &places[at..]), self.slice.wake, begins_slice);
            at += taken;
            if let Some(found) = found {
                if self.slice.is_new(counted, found, places[at - 1], &mut self.window) {
                    self.slice.parts.push(Part { key: Vec::new(), totals: found.clone() });
                }
                self.partitions.drop_if(0, |counted| counted.counters.is_empty());
            }
        }
    }

    /// Time has come to this place.
    #[inline]
    fn pass(&mut self, place: Place, floor: Place, out: &mut Outbox) {
        if place.time().0 >= self.slice.wake {
            self.wake(place, floor, out);
        }
    }

    /// Time has come to the watermark of an inbox.
    fn pass_all(&mut self, inbox: &Inbox, out: &mut Outbox) {
        self.pass(inbox.watermark, inbox.floor, out);
        let evaluator = &mut self.evaluator;
        self.partitions.visit(inbox.watermark.time(), |counted| evaluator.expire(&mut counted.counters, inbox.watermark));
    }

    #[cold]
    fn wake(&mut self, place: Place, floor: Place, out: &mut Outbox) {
        for part in self.slice.parts.drain(..) {
            self.window.add_totals(part.key.iter().map(Value::borrowed), &part.totals);
        }
        self.slice.number += 1;
        self.window.pass(place, floor, out);
        self.slice.until = i64::MIN;
        self.slice.wake = self.window.next_closing().map_or(i64::MAX, |closing| closing.time().0);
    }
}

impl Slice {
    /// Adds what an event finishes to the part of its partition. Whether there is none: the next part is to be that then.
    #[inline]
    fn is_new(&mut self, counted: &mut Counted, found: &Totals, place: Place, window: &mut HoppingWindow) -> bool {
        let time = place.time().0;
        if time >= self.until {
            self.until = window.slice_until(time);
            self.wake = self.wake.min(self.until);
        }
        let is_new = counted.part.0 != self.number;
        if is_new {
            counted.part = (self.number, self.parts.len());
        } else {
            window.merge_totals(&mut self.parts[counted.part.1].totals, found);
        }
        is_new
    }
}

impl Operator for MatchCounts {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let masks = if inbox.is_empty() { Vec::new() } else { self.evaluator.masks(&inbox.inputs) };
        self.partitions.turn_to(&inbox.inputs);
        if !inbox.is_empty() && self.are_alike(inbox, &masks) {
            let places = std::mem::take(&mut self.places);
            self.run(if inbox.is_plain { inbox.inputs[0].places() } else { &places }, out);
            self.places = places;
            self.places.clear();
            self.moves.clear();
            return self.pass_all(inbox, out);
        }
        if let (true, [batch]) = (inbox.is_plain, inbox.inputs.as_slice()) {
            for (row, &place) in batch.places().iter().enumerate() {
                self.pass(place, Place::MIN, out);
                self.row(&RowOf { input: 0, batch, row }, masks[0][row], place);
            }
        }
        let mut group: Vec<RowOf<'_>> = Vec::new();
        let mut entries = inbox.entries.iter().peekable();
        while let Some(entry) = entries.next() {
            let Entry::Row { input, row, place, floor, .. } = *entry else { continue };
            self.pass(place, floor, out);
            let (input, row) = (usize::from(input), row as usize);
            let goes_on = matches!(entries.peek(), Some(Entry::Row { place: next, .. }) if *next == place && place.is_source());
            if !goes_on && group.is_empty() {
                self.row(&RowOf { input, batch: &inbox.inputs[input], row }, masks[input][row], place);
                continue;
            }
            group.push(RowOf { input, batch: &inbox.inputs[input], row });
            if !goes_on {
                self.rows(&std::mem::take(&mut group), &masks, place);
            }
        }
        self.pass_all(inbox, out);
    }

    fn takes_plain(&self) -> Plain {
        Plain::Always
    }

    fn keys(&self) -> usize {
        self.partitions.len().max(self.window.keys())
    }

    fn forget_idle(&mut self, at: Place) {
        let evaluator = &mut self.evaluator;
        self.partitions.forget_all(|counted| evaluator.expire(&mut counted.counters, at));
        self.window.forget_idle(at);
    }

    fn held(&self) -> Held {
        let sizes = self.partitions.iter().map(|counted| counted.counters.size());
        let (rows, bytes) = sizes.fold((0, 0), |(rows, bytes), (r, b)| (rows + r, bytes + b));
        let parts: usize = self.slice.parts.iter().map(|part| size_of::<Part>() + part.totals.bytes()).sum();
        let window = self.window.held();
        Held {
            keys: self.partitions.iter().count().max(window.keys),
            rows,
            bytes: bytes + parts + self.partitions.bytes() + window.bytes,
            dropped: self.evaluator.dropped(),
        }
    }

    fn save(&self, to: &mut StateWriter) {
        self.evaluator.save(to);
        self.partitions.save(to);
        // The parts of the slice of now belong to no one partition; whoever has what belongs to no key has them.
        if to.range().has_unkeyed() {
            to.put(&self.slice.parts);
        } else {
            to.put(&Vec::<Part>::new());
        }
        to.put(&(self.slice.number, self.slice.until, self.slice.wake));
        self.window.save(to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.evaluator.load(from)?;
        let evaluator = &self.evaluator;
        let is_right = |counted: Counted| {
            let takes = evaluator.takes(&counted.counters);
            takes.then_some(counted).ok_or_else(|| StateError::new("counters of another pattern"))
        };
        self.partitions.load(from, is_right)?;
        let before = self.slice.parts.len();
        self.slice.parts.extend(from.take::<Vec<Part>>()?);
        (self.slice.number, self.slice.until, self.slice.wake) = from.take()?;
        let slice = self.slice.number;
        let is_there = |counted: &Counted| counted.part.0 != slice || counted.part.1 < self.slice.parts.len();
        if before > 0 || !self.partitions.iter().all(is_there) {
            return Err(StateError::new("parts of a slice that are not there"));
        }
        self.window.load(from)
    }

    fn take_nulls(&mut self) -> u64 {
        self.partitions.take_nulls() + self.evaluator.take_nulls() + self.window.take_nulls()
    }
}
