//! Matches to columns, where all that comes out are words of single events, lists of them, and counts: a row is a few words behind others.
//!
//! What is known with the first event is written when the walk leaves it, and what is known with the last when all is done: both so many
//! times at once. And matches that begin with a later entry of a kind are, but for that entry, the end of those that begin with an earlier
//! one: where the first entry gives nothing else, their rows are repeated as they stand. Behind the first entry, see [`Tails`].

use std::ops::Range;

use super::columns::WayColumns;
use super::listing::Visitor;
use super::plan::{At, Given, Kinds, Moves, Sources, What};
use super::row_of;
use super::tails::Tails;
use crate::data::{ColumnBuilder, Place};
use crate::pattern::event::RowOf;
use crate::pattern::terms::Terms;
use crate::spec::VariableId;

/// What is kept from event to event, so that its memory is.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// For each output, the values of the events taken for its variable so far, with what is no NULL.
    taken: Vec<Vec<(i64, bool)>>,
    /// For each output that is of one event on the way, the words of the rows.
    words: Vec<Words>,
    /// For each kind, the rows of the first entry that matches began with.
    blocks: Vec<Block>,
    tails: Tails,
}

/// The rows of the matches that begin with one entry.
#[derive(Debug, Default)]
struct Block {
    /// For each second entry, its event and the first row of it.
    begins: Vec<(u64, usize)>,
    /// The first row of what has no second entry.
    direct: usize,
    /// Behind the last row; 0 where there is no block.
    end: usize,
}

#[derive(Debug, Default)]
struct Words {
    words: Vec<i64>,
    valid: Vec<bool>,
    has_nulls: bool,
}

/// Writes the matches that one event finishes.
#[derive(Debug)]
pub(super) struct Writer<'w> {
    kept: &'w mut Rows,
    kinds: &'w Kinds,
    columns: &'w WayColumns,
    sources: &'w Sources,
    /// The rows of the event.
    event: &'w [RowOf<'w>],
    time: i64,
    terms: &'w Terms,
    out: &'w mut [ColumnBuilder],
    /// The variable that the event is taken for, where there is one.
    last: Option<VariableId>,
    /// The first entry, and the rows before those that begin with it.
    first: Option<(usize, u64, usize)>,
    /// The rows that had been put out before.
    base: usize,
    rows: usize,
}

impl<'w> Writer<'w> {
    pub(super) fn new(
        kept: &'w mut Rows,
        (kinds, columns, sources): (&'w Kinds, &'w WayColumns, &'w Sources),
        (event, place, moves): (&'w [RowOf<'w>], Place, &Moves),
        terms: &'w Terms,
        out: &'w mut [ColumnBuilder],
    ) -> Self {
        kept.taken.resize_with(sources.given.len(), Vec::new);
        kept.words.resize_with(sources.given.len(), Words::default);
        kept.blocks.resize_with(kinds.all.len(), Block::default);
        kept.blocks.iter_mut().for_each(|block| block.end = 0);
        if sources.are_joined {
            kept.tails.begin(columns, sources.on_the_way.len());
        }
        let base = out.first().map_or(0, ColumnBuilder::len);
        Self { kept, kinds, columns, sources, event, time: place.time().0, terms, out, last: moves.last, first: None, base, rows: 0 }
    }

    /// A match that the event begins and ends, for this variable.
    pub(super) fn alone(&mut self, variable: VariableId) {
        self.row(variable);
        for (at, given) in self.sources.given.iter().enumerate() {
            if given.at == At::First {
                let (word, is_valid) = self.of_event(given, variable);
                self.out[at].push_word_times(word, is_valid, 1);
            }
        }
    }

    /// Writes what is known with the event. Gives how many rows there are.
    pub(super) fn end(self) -> usize {
        for (at, given) in self.sources.given.iter().enumerate() {
            if let (At::Last, Some(variable)) = (given.at, self.last) {
                let (word, is_valid) = self.of_event(given, variable);
                self.out[at].push_word_times(word, is_valid, self.rows);
            }
            let words = &mut self.kept.words[at];
            if !words.words.is_empty() {
                self.out[at].push_words(&words.words, words.has_nulls.then_some(&words.valid));
                words.clear();
            }
        }
        self.rows
    }

    /// What the event gives, taken for a variable.
    fn of_event(&self, given: &Given, taken_for: VariableId) -> (i64, bool) {
        match (given.variable, given.read) {
            (Some(variable), _) if variable != taken_for => (0, false),
            (Some(variable), Some(read)) => {
                let column = self.sources.reads[variable.0 as usize][read];
                let row = row_of(self.event, self.terms.input_of(variable));
                row.batch.columns()[column].word(row.row).map_or((0, false), |word| (word, true))
            }
            (Some(_), None) => (0, true),
            (None, _) => (self.time, true),
        }
    }

    /// What the entry gives.
    #[inline]
    fn of_entry(&self, given: &Given, kind: usize, entry: u64) -> (i64, bool) {
        let of = self.kinds.all[kind].variable;
        let entries = &self.columns.entries[kind];
        match (given.variable, given.read) {
            (Some(variable), _) if variable != of => (0, false),
            (_, Some(read)) => entries.word(entry, read, self.sources.reads[of.0 as usize].len()),
            (Some(_), None) => (0, true),
            (None, _) => (entries.time(entry), true),
        }
    }

    fn row(&mut self, last: VariableId) {
        self.rows += 1;
        let sources = self.sources;
        for &at in &sources.on_the_way {
            self.on_the_way(at, &sources.given[at], last);
        }
        if self.last.is_none() {
            for (at, given) in sources.given.iter().enumerate().filter(|(_, given)| given.at == At::Last) {
                let (word, is_valid) = self.of_event(given, last);
                self.out[at].push_word_times(word, is_valid, 1);
            }
        }
    }

    /// Writes what is known with the first entry, of so many rows.
    fn write_first(&mut self, kind: usize, entry: u64, rows: usize) {
        for (at, given) in self.sources.given.iter().enumerate().filter(|(_, given)| given.at == At::First) {
            let (word, is_valid) = self.of_entry(given, kind, entry);
            self.out[at].push_word_times(word, is_valid, rows);
        }
    }

    #[inline]
    fn on_the_way(&mut self, at: usize, given: &Given, last: VariableId) {
        let is_last = given.variable == Some(last);
        if is_last {
            let value = self.of_event(given, last);
            self.kept.taken[at].push(value);
        }
        let taken = &self.kept.taken[at];
        match given.what {
            What::First => self.kept.words[at].push(taken.first().copied()),
            What::Last => self.kept.words[at].push(taken.last().copied()),
            What::Count => self.kept.words[at].push(Some((i64::try_from(taken.len()).unwrap_or(i64::MAX), true))),
            What::List => self.out[at].push_word_list(taken),
        }
        if is_last {
            self.kept.taken[at].pop();
        }
    }
}

impl Words {
    fn repeat(&mut self, rows: Range<usize>) {
        self.words.extend_from_within(rows.clone());
        self.valid.extend_from_within(rows);
    }

    #[inline]
    fn push(&mut self, word: Option<(i64, bool)>) {
        let (word, is_valid) = word.unwrap_or((0, false));
        self.words.push(word);
        self.valid.push(is_valid);
        self.has_nulls |= !is_valid;
    }

    fn push_times(&mut self, word: Option<(i64, bool)>, times: usize) {
        let (word, is_valid) = word.unwrap_or((0, false));
        self.words.resize(self.words.len() + times, word);
        self.valid.resize(self.valid.len() + times, is_valid);
        self.has_nulls |= !is_valid && times > 0;
    }

    /// Repeats counts that are this much larger now.
    fn repeat_counts(&mut self, rows: Range<usize>, more: i64) {
        let own = self.words.len();
        self.repeat(rows);
        self.words[own..].iter_mut().for_each(|count| *count = count.saturating_add(more));
    }

    fn clear(&mut self) {
        self.words.clear();
        self.valid.clear();
        self.has_nulls = false;
    }
}

impl Visitor for Writer<'_> {
    #[inline]
    fn enter(&mut self, depth: usize, kind: usize, entry: u64) {
        let sources = self.sources;
        match depth {
            0 => {
                self.first = Some((kind, entry, self.rows));
                self.kept.blocks[kind].begins.clear();
                self.kept.blocks[kind].direct = usize::MAX;
            }
            1 => {
                if let Some((first, ..)) = self.first {
                    let event = self.columns.entries[kind].event(entry);
                    self.kept.blocks[first].begins.push((event, self.rows));
                }
            }
            _ => {}
        }
        if depth > 0 && self.has_tail(kind) {
            let Rows { tails, taken, .. } = &mut *self.kept;
            tails.open(kind, entry, self.rows, sources.on_the_way.iter().map(|&at| taken[at].len()));
        }
        for &at in &sources.of_kind[kind] {
            let value = self.of_entry(&sources.given[at], kind, entry);
            self.kept.taken[at].push(value);
        }
    }

    #[inline]
    fn leave(&mut self, depth: usize, kind: usize, entry: u64) {
        for &at in &self.sources.of_kind[kind] {
            self.kept.taken[at].pop();
        }
        if depth > 0 {
            if self.has_tail(kind) {
                self.kept.tails.close(kind, entry, self.rows);
            }
            return;
        }
        let Some((.., before)) = self.first.take() else { return };
        self.write_first(kind, entry, self.rows - before);
        let block = &mut self.kept.blocks[kind];
        block.direct = block.direct.min(self.rows);
        block.end = self.rows;
    }

    #[inline]
    fn finish(&mut self, depth: usize, last: VariableId) {
        if let (1, Some((kind, ..))) = (depth, self.first) {
            let block = &mut self.kept.blocks[kind];
            block.direct = block.direct.min(self.rows);
        }
        self.row(last);
    }

    #[inline]
    fn repeat(&mut self, depth: usize, kind: usize, entry: u64) -> bool {
        if depth == 0 { self.repeat_first(kind, entry) } else { self.repeat_tail(depth, kind, entry) }
    }
}

impl Writer<'_> {
    /// Whether the rows behind entries of a kind are copied: several ways may lead to it, and something follows it.
    #[inline]
    fn has_tail(&self, kind: usize) -> bool {
        self.sources.are_joined && self.kinds.all[kind].goes_on() > 0
    }

    /// Copies the rows of matches that began with an earlier entry of this kind and went on behind this one.
    fn repeat_first(&mut self, kind: usize, entry: u64) -> bool {
        let (sources, block) = (self.sources, &self.kept.blocks[kind]);
        if block.end == 0 || !sources.of_kind[kind].is_empty() {
            return false;
        }
        let event = self.columns.entries[kind].event(entry);
        let behind = block.begins.partition_point(|(second, _)| *second <= event);
        let rows = block.begins.get(behind).map_or(block.direct, |(_, row)| *row)..block.end;
        for &at in &sources.on_the_way {
            if sources.given[at].what == What::List {
                self.out[at].repeat_rows(self.base + rows.start..self.base + rows.end);
            } else {
                self.kept.words[at].repeat(rows.clone());
            }
        }
        self.repeat_last(rows.clone());
        self.write_first(kind, entry, rows.len());
        true
    }

    /// Copies the rows of matches that went on with this entry on another way.
    fn repeat_tail(&mut self, depth: usize, kind: usize, entry: u64) -> bool {
        if !self.has_tail(kind) {
            return false;
        }
        let sources = self.sources;
        let Rows { tails, taken, words, blocks } = &mut *self.kept;
        let Some((rows, before)) = tails.find(kind, entry) else { return false };
        for (&at, &before) in sources.on_the_way.iter().zip(before) {
            let (taken, words) = (&taken[at], &mut words[at]);
            match sources.given[at].what {
                What::List => self.out[at].repeat_lists(self.base + rows.start..self.base + rows.end, before, taken),
                What::Count => words.repeat_counts(rows.clone(), taken.len() as i64 - before as i64),
                // Of a variable that is taken once at most, what one way has of it the other has not.
                What::First | What::Last => match (taken.first(), before) {
                    (Some(&value), _) => words.push_times(Some(value), rows.len()),
                    (None, 0) => words.repeat(rows.clone()),
                    (None, _) => words.push_times(None, rows.len()),
                },
            }
        }
        if let (1, Some((first, ..))) = (depth, self.first) {
            let event = self.columns.entries[kind].event(entry);
            blocks[first].begins.push((event, self.rows));
        }
        self.repeat_last(rows);
        true
    }

    /// Copies what is of the last event alone, where it is not the same in all rows; then the rows are there.
    fn repeat_last(&mut self, rows: Range<usize>) {
        if self.last.is_none() {
            for (at, _) in self.sources.given.iter().enumerate().filter(|(_, given)| given.at == At::Last) {
                self.out[at].repeat_rows(self.base + rows.start..self.base + rows.end);
            }
        }
        self.rows += rows.len();
    }
}
