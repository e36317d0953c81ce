//! The unfinished matches of a partition that wait at one step: records of words, side by side in one vector.
//!
//! A record is the time of the match's first event, the numbers of its events in their logs, and the words that the step's terms compare
//! with a candidate. While they are few, all are compared with each candidate, in memory order. Many are found by an index over their words
//! ([`Index`]); records then keep their places, and places that become free are used again.

use std::cmp::Ordering;

use super::index::{Finder, Index};
use super::word::Bounds;
use crate::data::{Saved, StateError, StateReader, StateWriter};

/// From so many records on an index pays.
pub(super) const INDEXED_FROM: usize = 256;

/// A list that has a record at all has room for so many.
const FIRST: usize = 4;

/// How the records of a list are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    /// How many events each has taken.
    pub(super) events: usize,
    /// How many words its step's terms compare.
    pub(super) words: usize,
    /// How an index may find them when there are many records.
    finders: Vec<Finder>,
    first_word: usize,
    stride: usize,
}

/// Words of a record: its start, flags and event numbers two a word, then what is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a>(pub(super) &'a [u64]);

/// A match that has taken one event more than another record has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behind<'a> {
    before: Record<'a>,
    event: u32,
}

/// The terms of the record's step are evaluated as they are written.
const AS_WRITTEN: u64 = 1;
/// A word that is compared is NULL, and counts none: no candidate fits.
const NEVER: u64 = 2;
/// There is no record here.
const FREE: u64 = 4;
/// Of the word with the flags, the number of the first event.
const EVENT: u64 = (u32::MAX as u64) << 32;
/// The new place of a record that goes.
const GONE: u32 = u32::MAX;

/// The records that wait at one step.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    words: Vec<u64>,
    /// Places with or without a record.
    places: usize,
    /// When there are more places, those that are over are looked for; 0 stands for [`INDEXED_FROM`].
    sweep_at: u32,
    index: Option<Box<Indexed>>,
    /// As it was saved, there was an index.
    was_indexed: bool,
}

#[derive(Debug)]
struct Indexed {
    index: Index,
    /// Places without a record.
    free: Vec<u32>,
    /// Records that the index does not find: whose terms are evaluated as they are written.
    apart: Vec<u32>,
}

/// What becomes of a record that a candidate fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fitting {
    /// It waits on (`->>`).
    Stays,
    /// It has taken the candidate.
    Goes,
}

/// A candidate as the records are asked about it.
#[derive(Debug)]
pub(super) struct Question<'a> {
    /// Which words fit it, one a word of the shape; nothing where a side of the candidate is NULL.
    pub(super) bounds: Option<&'a [Bounds]>,
    /// Records that started before this time are over.
    pub(super) earliest: i64,
    pub(super) fitting: Fitting,
}

impl Shape {
    pub(super) fn new(events: usize, words: usize, finders: Vec<Finder>) -> Self {
        let first_word = 1 + (1 + events).div_ceil(2);
        Self { events, words, finders, first_word, stride: first_word + words }
    }

    /// How many words a record has.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Writes a record behind others.
    #[inline]
    fn append(&self, to: &mut Vec<u64>, Behind { before, event }: Behind<'_>, compared: &Compared) {
        if to.capacity() == 0 {
            to.reserve_exact(FIRST * self.stride);
        }
        to.reserve(self.stride);
        let (word, shift) = position(self.events - 1);
        let (first, is_half) = (word == 1, shift == 0);
        let event = u64::from(event) << shift;
        to.push(before.0[0]);
        to.push(before.0[1] & EVENT | compared.flags | if first { event } else { 0 });
        before.0[2..word.max(2)].iter().for_each(|word| to.push(*word));
        if !first {
            to.push(if is_half { event } else { before.0[word] | event });
        }
        compared.words.iter().for_each(|word| to.push(word.cast_unsigned()));
    }

    /// What terms compare of a record.
    fn compared<'r>(&self, record: Record<'r>) -> &'r [u64] {
        &record.0[self.first_word..]
    }

    /// The words that an index finds records by, of these side by side, with their places.
    fn found_by_index<'w>(&self, words: &'w [u64]) -> impl Iterator<Item = (&'w [u64], u32)> {
        let records = words.chunks_exact(self.stride).map(Record).zip(0u32..);
        records.filter(|(record, _)| record.is_found_by_index()).map(|(record, place)| (self.compared(record), place))
    }

    #[inline]
    fn fits(&self, record: &[u64], bounds: &[Bounds]) -> bool {
        let words = &record[self.first_word..];
        words.iter().zip(bounds).all(|(word, bounds)| bounds.hold(word.cast_signed()))
    }
}

/// What the terms of a step will compare with candidates for one match.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) words: Vec<i64>,
    flags: u64,
}

impl Compared {
    pub(super) fn clear(&mut self) {
        self.words.clear();
        self.flags = 0;
    }

    /// A word, or NULL.
    pub(super) fn push(&mut self, word: Option<i64>) {
        if word.is_none() {
            self.flags |= NEVER;
        }
        self.words.push(word.unwrap_or(0));
    }

    /// Working it out has made up a NULL.
    pub(super) fn evaluate_as_written(&mut self) {
        self.flags |= AS_WRITTEN;
    }
}

/// Where a record has the number of its event of a step: in which word, and how far up.
#[inline]
fn position(step: usize) -> (usize, usize) {
    let half = step + 1;
    (1 + half / 2, 32 * (half % 2))
}

impl<'a> Record<'a> {
    /// When the match began.
    pub(super) fn start(self) -> i64 {
        self.0[0].cast_signed()
    }

    /// The number of its event of a step, in the log of that step.
    #[inline]
    pub(super) fn event(self, step: usize) -> u32 {
        let (word, shift) = position(step);
        ((self.0[word] >> shift) & u64::from(u32::MAX)) as u32
    }

    /// The numbers of so many of its events.
    pub(super) fn events(self, count: usize) -> impl Iterator<Item = u32> + use<'a> {
        (0..count).map(move |step| self.event(step))
    }

    /// Appends these to others.
    #[inline]
    pub(super) fn append_events(self, count: usize, to: &mut Vec<u32>) {
        if count <= 2 {
            // PERF: what most sequences have.
            to.push(self.event(0));
            to.extend((count == 2).then(|| self.event(1)));
            return;
        }
        to.extend(self.events(count));
    }

    /// The same match with one event more.
    pub(super) fn behind(self, event: u32) -> Behind<'a> {
        Behind { before: self, event }
    }

    /// Whether the terms of its step are evaluated as they are written.
    pub(super) fn is_as_written(self) -> bool {
        self.0[1] & AS_WRITTEN != 0
    }

    /// How the events of two records of one shape compare: the earliest step first.
    #[inline]
    pub(super) fn cmp_events(self, other: Self, shape: &Shape) -> Ordering {
        let events = |record: Self| (record.0[1] >> 32, record.0[2..shape.first_word].iter().map(|word| word.rotate_left(32)));
        let ((own, more), (others, others_more)) = (events(self), events(other));
        own.cmp(&others).then_with(|| more.cmp(others_more))
    }

    fn is_found_by_index(self) -> bool {
        is_compared(self.0)
    }

    fn has(self, flag: u64) -> bool {
        self.0[1] & flag != 0
    }
}

impl Waiting {
    /// Whether no record waits. (Of a list that has become empty, no place is kept.)
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.places == 0
    }

    /// How many places there are, with a record or without.
    #[inline]
    pub(super) fn places(&self) -> usize {
        self.places
    }

    /// How many records wait (some may be over).
    pub(super) fn len(&self) -> usize {
        self.places - self.index.as_ref().map_or(0, |indexed| indexed.free.len())
    }

    /// Reads the first record and the last.
    #[inline]
    pub(super) fn touch(&self) -> u64 {
        self.words.first().copied().unwrap_or(0) ^ self.words.last().copied().unwrap_or(0)
    }

    fn record(&self, shape: &Shape, place: usize) -> Record<'_> {
        Record(&self.words[place * shape.stride..(place + 1) * shape.stride])
    }

    /// Adds a record.
    #[inline]
    pub(super) fn push(&mut self, shape: &Shape, behind: Behind<'_>, compared: &Compared, earliest: i64) {
        if self.places >= INDEXED_FROM.max(self.sweep_at as usize) {
            self.sweep(shape, earliest);
        }
        if self.index.is_some() {
            return self.push_indexed(shape, behind, compared);
        }
        shape.append(&mut self.words, behind, compared);
        self.places += 1;
    }

    fn push_indexed(&mut self, shape: &Shape, behind: Behind<'_>, compared: &Compared) {
        let Some(indexed) = &mut self.index else { return };
        let end = self.words.len();
        shape.append(&mut self.words, behind, compared);
        let place = match indexed.free.pop() {
            Some(free) => {
                self.words.copy_within(end.., free as usize * shape.stride);
                self.words.truncate(end);
                free
            }
            None => {
                self.places += 1;
                u32::try_from(self.places - 1).expect("fewer than 2^32 matches wait")
            }
        };
        indexed.add(shape, Record(&self.words[place as usize * shape.stride..][..shape.stride]), place);
    }

    /// Forgets what is over, puts the rest side by side, and makes an index if there are still many.
    fn sweep(&mut self, shape: &Shape, earliest: i64) {
        self.keep_indexed(shape, true, |record| record.start() >= earliest);
    }

    fn make_index(&mut self, shape: &Shape) {
        let records = self.words.chunks_exact(shape.stride).map(Record).zip(0u32..);
        let apart = records.filter(|(record, _)| record.is_as_written()).map(|(_, place)| place).collect();
        let index = Index::new(&shape.finders, shape.found_by_index(&self.words), self.places);
        self.index = index.map(|index| Box::new(Indexed { index, free: Vec::new(), apart }));
    }

    /// Keeps the records for which this holds, side by side, and tells the index, if they are still many; `makes_one` where there is none.
    fn keep_indexed(&mut self, shape: &Shape, makes_one: bool, holds: impl FnMut(Record<'_>) -> bool) {
        let was = self.index.take();
        let mut numbers = vec![GONE; if was.is_some() { self.places } else { 0 }];
        self.keep_telling(shape, holds, |from, to| {
            if let Some(number) = numbers.get_mut(from) {
                *number = u32::try_from(to).unwrap_or(GONE);
            }
        });
        if self.places < INDEXED_FROM / 2 {
            return;
        }
        let Some(mut indexed) = was else {
            if makes_one {
                self.make_index(shape);
            }
            return;
        };
        let number = |place: u32| Some(numbers[place as usize]).filter(|number| *number != GONE);
        indexed.index.renumber(number, shape.found_by_index(&self.words), self.places);
        indexed.free.clear();
        indexed.apart = indexed.apart.iter().copied().filter_map(number).collect();
        self.index = Some(indexed);
    }

    /// Keeps the records for which this holds, side by side. Tells of each from which place to which it goes.
    fn keep_telling(&mut self, shape: &Shape, mut holds: impl FnMut(Record<'_>) -> bool, mut tell: impl FnMut(usize, usize)) {
        let mut kept = 0;
        for place in 0..self.places {
            let record = self.record(shape, place);
            if !record.has(FREE) && holds(record) {
                self.move_to(shape, place, kept);
                tell(place, kept);
                kept += 1;
            }
        }
        self.shorten(shape, kept);
        // PERF: the distance to the next sweep doubles, so that each record pays for a constant number of them. Indexes are made for as many.
        self.sweep_at = u32::try_from(2 * kept).unwrap_or(u32::MAX);
    }

    /// Keeps the records for which this holds.
    pub(super) fn keep_some(&mut self, shape: &Shape, holds: impl FnMut(Record<'_>) -> bool) {
        if self.index.is_none() {
            self.keep_telling(shape, holds, |_, _| ());
        } else {
            self.keep_indexed(shape, false, holds);
        }
    }

    #[inline]
    fn move_to(&mut self, shape: &Shape, from: usize, to: usize) {
        if from != to {
            self.words.copy_within(from * shape.stride..(from + 1) * shape.stride, to * shape.stride);
        }
    }

    fn shorten(&mut self, shape: &Shape, kept: usize) {
        self.places = kept;
        self.words.truncate(kept * shape.stride);
        if self.words.capacity() > 64 + 4 * self.words.len() {
            self.words.shrink_to(2 * self.words.len());
        }
    }

    /// Behind [`Saved::load`].
    pub(super) fn settle(&mut self, shape: &Shape) -> Result<(), StateError> {
        if self.places.checked_mul(shape.stride) != Some(self.words.len()) {
            return Err(StateError::new("unfinished matches of another length"));
        }
        if std::mem::take(&mut self.was_indexed) {
            self.make_index(shape);
        }
        Ok(())
    }

    /// The room of an empty list, for another one.
    pub(super) fn into_room(self) -> Self {
        debug_assert!(self.is_empty(), "nothing waits");
        Self { words: self.words, ..Self::default() }
    }

    /// Forgets all records.
    pub(super) fn clear(&mut self, shape: &Shape) {
        self.index = None;
        self.shorten(shape, 0);
    }

    /// Every record that is there.
    pub(super) fn records(&self, shape: &Shape) -> impl Iterator<Item = Record<'_>> {
        self.words.chunks_exact(shape.stride).map(Record).filter(|record| !record.has(FREE))
    }

    /// Gives the events of all records other numbers.
    pub(super) fn renumber(&mut self, shape: &Shape, mut number: impl FnMut(usize, u32) -> u32) {
        for record in self.words.chunks_exact_mut(shape.stride) {
            if record[1] & FREE != 0 {
                continue;
            }
            for step in 0..shape.events {
                let (word, shift) = position(step);
                let new = number(step, Record(record).event(step));
                record[word] = record[word] & !(u64::from(u32::MAX) << shift) | u64::from(new) << shift;
            }
        }
    }

    /// Asks all records about a candidate: `is_met` decides where the words fit, `found` is told of each that fits.
    #[inline]
    pub(super) fn ask(
        &mut self,
        shape: &Shape,
        question: &Question<'_>,
        is_met: impl FnMut(Record<'_>) -> bool,
        found: impl FnMut(Record<'_>),
    ) {
        if self.index.is_some() {
            self.ask_index(shape, question, is_met, found);
        } else {
            self.ask_all(shape, question, is_met, found);
        }
    }

    #[inline]
    fn ask_all(
        &mut self,
        shape: &Shape,
        question: &Question<'_>,
        mut is_met: impl FnMut(Record<'_>) -> bool,
        mut found: impl FnMut(Record<'_>),
    ) {
        let goes = question.fitting == Fitting::Goes;
        // PERF: one comparison is what most steps have.
        let alone = match question.bounds {
            Some([bounds]) => Some(*bounds),
            _ => None,
        };
        let (mut kept, mut at) = (0, 0);
        for place in 0..self.places {
            let record = &self.words[at..][..shape.stride];
            at += shape.stride;
            let is_over = record[0].cast_signed() < question.earliest;
            let do_words_fit = match alone {
                Some(bounds) if is_compared(record) => bounds.hold(record[shape.first_word].cast_signed()),
                _ => does_fit(shape, record, question.bounds),
            };
            let fits = do_words_fit && !is_over && is_met(Record(record));
            if fits {
                found(Record(record));
            }
            if !(is_over || fits && goes) {
                self.move_to(shape, place, kept);
                kept += 1;
            }
        }
        if kept < self.places {
            self.shorten(shape, kept);
        }
    }

    fn ask_index(
        &mut self,
        shape: &Shape,
        question: &Question<'_>,
        mut is_met: impl FnMut(Record<'_>) -> bool,
        mut found: impl FnMut(Record<'_>),
    ) {
        let Some(indexed) = &mut self.index else { return };
        let words = &mut self.words;
        let mut goes = |place: u32| {
            let record = &mut words[place as usize * shape.stride..][..shape.stride];
            let is_over = record[0].cast_signed() < question.earliest;
            let fits = !is_over && does_fit(shape, record, question.bounds) && is_met(Record(record));
            if fits {
                found(Record(record));
            }
            let goes = is_over || fits && question.fitting == Fitting::Goes;
            if goes {
                record[1] |= FREE;
            }
            goes
        };
        let Indexed { index, free, apart, .. } = &mut **indexed;
        if let Some(bounds) = question.bounds {
            index.take(bounds, &mut goes, free);
        }
        apart.retain(|&place| {
            let goes = goes(place);
            free.extend(goes.then_some(place));
            !goes
        });
        if self.places == free.len() {
            return self.clear(shape);
        }
        if shape.finders.len() > 1 && index.is_in_vain(self.places) {
            index.try_all(&shape.finders, || shape.found_by_index(words), self.places);
        }
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        let index =
            self.index.as_ref().map_or(0, |i| size_of::<Indexed>() + i.index.bytes() + (i.free.capacity() + i.apart.capacity()) * 4);
        self.words.capacity() * 8 + index
    }
}

/// Whether the words of a record let its other terms be asked.
#[inline]
fn does_fit(shape: &Shape, record: &[u64], bounds: Option<&[Bounds]>) -> bool {
    if is_compared(record) {
        return bounds.is_some_and(|bounds| shape.fits(record, bounds));
    }
    record[1] & (AS_WRITTEN | FREE) == AS_WRITTEN
}

/// Whether words alone decide about a record.
#[inline]
fn is_compared(record: &[u64]) -> bool {
    record[1] & (AS_WRITTEN | NEVER | FREE) == 0
}

impl Indexed {
    fn add(&mut self, shape: &Shape, record: Record<'_>, place: u32) {
        if record.is_as_written() {
            self.apart.push(place);
        } else if !record.has(NEVER) {
            self.index.insert(shape.compared(record), place);
        }
    }
}

/// What is saved are the records and whether there was an index: it is made anew.
impl Saved for Waiting {
    fn save(&self, to: &mut StateWriter) {
        let stride = self.words.len().checked_div(self.places).unwrap_or(0).max(2);
        let records = self.words.chunks_exact(stride).filter(|record| !Record(record).has(FREE));
        to.put(&records.flatten().copied().collect::<Vec<u64>>());
        to.put(&self.len());
        to.put(&self.sweep_at);
        to.put(&self.index.is_some());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let (words, places) = from.take()?;
        let (sweep_at, was_indexed) = from.take()?;
        Ok(Self { words, places, sweep_at, index: None, was_indexed })
    }
}
