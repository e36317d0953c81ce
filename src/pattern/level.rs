//! The events that reached one step of a sequence: entries in the order in which they came, and the columns that are read of them.
//!
//! Entries are numbered from 0 for ever; those at the front go, and their room is reused once it is half of all.

use std::ops::Range;
use std::sync::Arc;

use super::event::Event;
use crate::data::{Column, ColumnBuilder, DataType, Value};

/// Entries of one step.
#[derive(Debug, Default)]
pub(super) struct Level {
    entries: Vec<Entry>,
    columns: Vec<Kept>,
    events: Vec<Arc<Event>>,
    /// The number of `entries[0]`.
    base: u64,
    /// How many of `entries`, at the front, are gone.
    gone: usize,
}

/// An event that reached a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Event time, in nanoseconds.
    pub(super) time: i64,
    /// The number of the latest start that has a way here.
    pub(super) start: u64,
    /// How many entries of the step before stood there when it came.
    pub(super) rank: u64,
    /// How many entries of the step behind stood there when it came.
    pub(super) next: u64,
}

/// Values of one column.
#[derive(Debug)]
enum Kept {
    /// Eight bytes each; and which are no NULLs, once one is.
    Words(Vec<i64>, Option<Vec<bool>>),
    Values(Vec<Value<'static>>),
}

crate::saved!(Level { entries, columns, events, base, gone });
crate::saved!(Entry { time, start, rank, next });
crate::saved!(enum Kept { 0 => Words(words, valid), 1 => Values(values) });

/// The event of a step that arrives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arriving<'a> {
    /// Event time, in nanoseconds.
    pub(crate) time: i64,
    /// The columns of its input's batch, and its row there.
    pub(crate) columns: &'a [Column],
    pub(crate) row: usize,
    /// The event itself, where whole events are kept.
    pub(crate) event: Option<&'a Arc<Event>>,
}

impl Level {
    /// The number of the first entry that is left.
    #[inline]
    pub(super) fn first(&self) -> u64 {
        self.base + self.gone as u64
    }

    /// The number that the next entry gets.
    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.base + self.entries.len() as u64
    }

    /// How many entries are left.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.gone
    }

    #[inline]
    pub(super) fn last(&self) -> Option<&Entry> {
        if self.len() == 0 { None } else { self.entries.last() }
    }

    #[inline]
    pub(super) fn entry(&self, number: u64) -> &Entry {
        &self.entries[self.index(number)]
    }

    pub(super) fn event(&self, number: u64) -> &Arc<Event> {
        &self.events[self.index(number)]
    }

    /// Entries with these numbers.
    pub(super) fn of(&self, numbers: &Range<u64>) -> &[Entry] {
        &self.entries[self.indexes(numbers)]
    }

    fn index(&self, number: u64) -> usize {
        as_index(number - self.base)
    }

    fn indexes(&self, numbers: &Range<u64>) -> Range<usize> {
        self.index(numbers.start)..self.index(numbers.end)
    }

    /// Appends an entry, with the values of these columns of its input.
    #[inline]
    pub(super) fn push(&mut self, entry: Entry, reads: &[(usize, DataType)], event: &Arriving<'_>) {
        if self.columns.len() < reads.len() {
            self.columns = reads.iter().map(|(_, data_type)| Kept::new(data_type)).collect();
        }
        for (kept, (column, _)) in self.columns.iter_mut().zip(reads) {
            kept.push(&event.columns[*column], event.row);
        }
        if let Some(event) = event.event {
            self.events.push(event.clone());
        }
        self.entries.push(entry);
    }

    /// Lets entries at the front go for which this holds.
    #[inline]
    pub(super) fn forget_while(&mut self, is_dead: impl Fn(&Entry) -> bool) {
        let dead = self.entries[self.gone..].iter().take_while(|entry| is_dead(entry)).count();
        if dead > 0 {
            self.forget(dead);
        }
    }

    /// Lets so many entries at the front go.
    pub(super) fn forget(&mut self, count: usize) {
        self.gone += count;
        if self.gone * 2 < self.entries.len() || (self.gone < 16 && self.gone < self.entries.len()) {
            return;
        }
        let gone = std::mem::take(&mut self.gone);
        self.base += gone as u64;
        self.entries.drain(..gone);
        self.columns.iter_mut().for_each(|kept| kept.drop_front(gone));
        if !self.events.is_empty() {
            self.events.drain(..gone);
        }
    }

    /// Lets all entries go. Numbers go on.
    pub(super) fn clear(&mut self) {
        self.base = self.end();
        self.gone = 0;
        self.entries.clear();
        self.columns.iter_mut().for_each(Kept::clear);
        self.events.clear();
    }

    /// Appends the values that a column has in these entries, or (no column) their times.
    pub(super) fn write(&self, numbers: &Range<u64>, column: Option<usize>, out: &mut ColumnBuilder) {
        let indexes = self.indexes(numbers);
        match column.map(|column| &self.columns[column]) {
            Some(Kept::Words(words, valid)) => out.push_words(&words[indexes.clone()], valid.as_ref().map(|valid| &valid[indexes])),
            Some(Kept::Values(values)) => values[indexes].iter().for_each(|value| out.push(value.borrowed())),
            None => self.entries[indexes].iter().for_each(|entry| out.push_word_times(entry.time, true, 1)),
        }
    }

    /// Appends the value that a column has in an entry, or its time, so many times.
    pub(super) fn write_times(&self, number: u64, column: Option<usize>, times: usize, out: &mut ColumnBuilder) {
        let index = self.index(number);
        match column.map(|column| &self.columns[column]) {
            Some(Kept::Words(words, valid)) => {
                out.push_word_times(words[index], valid.as_ref().is_none_or(|valid| valid[index]), times);
            }
            Some(Kept::Values(values)) => out.push_times(&values[index], times),
            None => out.push_word_times(self.entries[index].time, true, times),
        }
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(Kept::bytes).sum();
        let events: usize = self.events.iter().map(|event| event.bytes()).sum();
        self.entries.capacity() * size_of::<Entry>() + columns + events + self.columns.capacity() * size_of::<Kept>()
    }
}

impl Kept {
    fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Int | DataType::Timestamp | DataType::Duration | DataType::Float => Self::Words(Vec::new(), None),
            DataType::Null
            | DataType::Bool
            | DataType::Decimal { .. }
            | DataType::String
            | DataType::List(_)
            | DataType::Struct(_)
            | DataType::Json => Self::Values(Vec::new()),
        }
    }

    #[inline]
    fn push(&mut self, column: &Column, row: usize) {
        match self {
            Self::Words(words, valid) => {
                let word = column.word(row);
                if word.is_none() && valid.is_none() {
                    *valid = Some(vec![true; words.len()]);
                }
                if let Some(valid) = valid {
                    valid.push(word.is_some());
                }
                words.push(word.unwrap_or(0));
            }
            Self::Values(values) => values.push(column.value(row).into_owned()),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Words(words, valid) => {
                words.clear();
                *valid = None;
            }
            Self::Values(values) => values.clear(),
        }
    }

    fn drop_front(&mut self, count: usize) {
        match self {
            Self::Words(words, valid) => {
                words.drain(..count);
                if let Some(flags) = valid {
                    flags.drain(..count);
                    if !flags.contains(&false) {
                        *valid = None;
                    }
                }
            }
            Self::Values(values) => {
                values.drain(..count);
            }
        }
    }

    fn bytes(&self) -> usize {
        let text = |value: &Value<'_>| match value {
            Value::String(text) | Value::Json(text) => text.len(),
            Value::List(items) | Value::Struct(items) => items.len() * size_of::<Value<'_>>(),
            _ => 0,
        };
        match self {
            Self::Words(words, valid) => words.capacity() * 8 + valid.as_ref().map_or(0, Vec::capacity),
            Self::Values(values) => values.capacity() * size_of::<Value<'_>>() + values.iter().map(text).sum::<usize>(),
        }
    }
}

/// A count of things in memory as an index.
pub(super) fn as_index(number: u64) -> usize {
    usize::try_from(number).expect("what is in memory has an index")
}
