//! The events that one step has taken: their places, and of them what terms and outputs will still read, by column.
//!
//! Events are numbered from 0 in the order in which they came. Nothing goes by itself: now and then the evaluator says which of them are
//! still needed, and those get new numbers in the same order.

use std::sync::Arc;

use super::word::WordKind;
use crate::data::{Column, ColumnBuilder, DataType, Place, StateError, StateReader, StateWriter, Value};
use crate::pattern::event::Event;

/// Events of one step.
#[derive(Debug, Default)]
pub(super) struct Log {
    places: Vec<Place>,
    columns: Vec<Kept>,
    /// The rows of the last events, of which nothing is kept yet but their places.
    unread: Vec<u32>,
    /// Whole events, where outputs need them.
    events: Vec<Arc<Event>>,
}

/// Values of one column.
#[derive(Debug)]
enum Kept {
    /// Eight bytes each; and which are no NULLs, once one is.
    Words {
        words: Vec<i64>,
        valid: Option<Vec<bool>>,
        data_type: DataType,
    },
    /// What terms compare: words of this kind.
    Keys {
        words: Vec<i64>,
        valid: Option<Vec<bool>>,
        kind: WordKind,
    },
    /// Texts behind each other, with the end of each; and which are no NULLs, once one is.
    Text {
        text: String,
        ends: Vec<usize>,
        valid: Option<Vec<bool>>,
    },
    Values(Vec<Value<'static>>),
}

/// What a column keeps.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Keeps {
    /// Values of this type.
    Values(DataType),
    /// Words to compare with.
    Keys(WordKind),
}

impl Log {
    pub(super) fn new(keeps: &[Keeps]) -> Self {
        Self { places: Vec::new(), columns: keeps.iter().map(Kept::new).collect(), ..Self::default() }
    }

    /// How many events there are.
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Appends an event: a row of these columns, one for each column that is kept. Gives its number.
    pub(super) fn push<'c>(
        &mut self,
        place: Place,
        columns: impl Iterator<Item = &'c Column>,
        row: usize,
        event: Option<&Arc<Event>>,
    ) -> u32 {
        let id = u32::try_from(self.places.len()).expect("fewer than 2^32 events are kept");
        self.places.push(place);
        for (kept, column) in self.columns.iter_mut().zip(columns) {
            kept.push(column, row);
        }
        self.events.extend(event.cloned());
        id
    }

    /// Appends an event of which nothing is asked before [`Self::read`]. Gives its number.
    #[inline]
    pub(super) fn push_unread(&mut self, place: Place, row: usize) -> u32 {
        let id = u32::try_from(self.places.len()).expect("fewer than 2^32 events are kept");
        self.places.push(place);
        self.unread.push(u32::try_from(row).expect("a batch has less than 2^32 rows"));
        id
    }

    /// Reads what is to be kept of such events, a column at a time.
    pub(super) fn read<'c>(&mut self, columns: impl Iterator<Item = &'c Column>) {
        if !self.unread.is_empty() {
            self.columns.iter_mut().zip(columns).for_each(|(kept, column)| kept.extend(column, &self.unread));
            self.unread.clear();
        }
    }

    /// Appends events: these rows of these columns, and where they stand. Gives the number of the first.
    pub(super) fn extend<'c>(&mut self, places: &[Place], columns: impl Iterator<Item = &'c Column>, rows: &[u32]) -> u32 {
        let first = self.places.len();
        u32::try_from(first + places.len()).expect("fewer than 2^32 events are kept");
        self.places.extend_from_slice(places);
        for (kept, column) in self.columns.iter_mut().zip(columns) {
            kept.extend(column, rows);
        }
        first as u32
    }

    pub(super) fn place(&self, id: u32) -> Place {
        self.places[id as usize]
    }

    pub(super) fn event(&self, id: u32) -> &Arc<Event> {
        &self.events[id as usize]
    }

    /// The value of a column.
    pub(super) fn value(&self, column: usize, id: u32) -> Value<'_> {
        let at = id as usize;
        match &self.columns[column] {
            Kept::Words { words, valid, data_type } if is_valid(valid, at) => value_of_word(words[at], data_type),
            Kept::Text { text, ends, valid } if is_valid(valid, at) => Value::string(text_at(text, ends, at)),
            Kept::Values(values) => values[at].borrowed(),
            Kept::Words { .. } | Kept::Text { .. } | Kept::Keys { .. } => Value::Null,
        }
    }

    /// The word that terms compare with; nothing where the value is NULL.
    #[inline]
    pub(super) fn key(&self, column: usize, id: u32) -> Option<i64> {
        match &self.columns[column] {
            Kept::Keys { words, valid, .. } => is_valid(valid, id as usize).then(|| words[id as usize]),
            Kept::Words { .. } | Kept::Text { .. } | Kept::Values(_) => unreachable!("the column keeps words to compare with"),
        }
    }

    /// Appends the values that a column has in these events to the output.
    pub(super) fn write(&self, column: usize, ids: impl ExactSizeIterator<Item = u32>, out: &mut ColumnBuilder) {
        let mut one = |id: u32| match &self.columns[column] {
            Kept::Words { words, valid, .. } => out.push_word_times(words[id as usize], is_valid(valid, id as usize), 1),
            Kept::Text { text, ends, valid } if is_valid(valid, id as usize) => out.push_text(text_at(text, ends, id as usize)),
            Kept::Values(values) => out.push_times(&values[id as usize], 1),
            Kept::Text { .. } | Kept::Keys { .. } => out.push(Value::Null),
        };
        match &self.columns[column] {
            Kept::Words { words, valid: None, .. } => out.extend_words(ids.map(|id| words[id as usize])),
            _ => ids.for_each(&mut one),
        }
    }

    /// Appends the times of these events to the output.
    pub(super) fn write_times(&self, ids: impl ExactSizeIterator<Item = u32>, out: &mut ColumnBuilder) {
        out.extend_words(ids.map(|id| self.places[id as usize].time().0));
    }

    /// Keeps those events for which `is_needed` says so. Gives the new number of each old one (of one that goes, any).
    pub(super) fn keep(&mut self, is_needed: &[bool]) -> Vec<u32> {
        let mut next = 0;
        let numbers = is_needed.iter().map(|&needed| {
            let number = next;
            next += u32::from(needed);
            number
        });
        let numbers: Vec<u32> = numbers.collect();
        retain(&mut self.places, is_needed);
        self.columns.iter_mut().for_each(|kept| kept.keep(is_needed));
        if !self.events.is_empty() {
            retain(&mut self.events, is_needed);
        }
        numbers
    }

    /// Writes all events.
    pub(super) fn save(&self, to: &mut StateWriter) {
        to.put(&self.places);
        for kept in &self.columns {
            match kept {
                Kept::Words { words, valid, .. } | Kept::Keys { words, valid, .. } => {
                    to.put(words);
                    to.put(valid);
                }
                Kept::Text { text, ends, valid } => {
                    to.put(text);
                    to.put(ends);
                    to.put(valid);
                }
                Kept::Values(values) => to.put(values),
            }
        }
        to.put(&self.events);
    }

    /// Takes events in, behind those that are there.
    pub(super) fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let places: Vec<Place> = from.take()?;
        let more = places.len();
        for kept in &mut self.columns {
            kept.load(from, self.places.len(), more)?;
        }
        let events: Vec<Arc<Event>> = from.take()?;
        if !events.is_empty() && events.len() != more {
            return Err(StateError::new("events of another number than their places"));
        }
        self.events.extend(events);
        self.places.extend(places);
        Ok(())
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(Kept::bytes).sum();
        let events: usize = self.events.iter().map(|event| event.bytes()).sum();
        self.places.capacity() * size_of::<Place>() + columns + events
    }
}

#[inline]
fn is_valid(valid: &Option<Vec<bool>>, at: usize) -> bool {
    valid.as_ref().is_none_or(|valid| valid[at])
}

fn text_at<'t>(text: &'t str, ends: &[usize], at: usize) -> &'t str {
    &text[at.checked_sub(1).map_or(0, |before| ends[before])..ends[at]]
}

fn value_of_word(word: i64, data_type: &DataType) -> Value<'static> {
    match data_type {
        DataType::Float => Value::Float(f64::from_bits(word.cast_unsigned())),
        DataType::Timestamp => Value::Timestamp(crate::data::Timestamp(word)),
        DataType::Duration => Value::Duration(crate::data::Duration(word)),
        _ => Value::Int(word),
    }
}

/// Keeps the items that are needed, and gives memory back when few are left.
fn retain<T>(items: &mut Vec<T>, is_needed: &[bool]) {
    let mut needed = is_needed.iter();
    items.retain(|_| *needed.next().expect("one word for each event"));
    if items.capacity() > 64 + 4 * items.len() {
        items.shrink_to(2 * items.len());
    }
}

impl Kept {
    fn new(keeps: &Keeps) -> Self {
        match keeps {
            Keeps::Keys(kind) => Self::Keys { words: Vec::new(), valid: None, kind: *kind },
            Keeps::Values(data_type) => match data_type {
                DataType::Int | DataType::Timestamp | DataType::Duration | DataType::Float => {
                    Self::Words { words: Vec::new(), valid: None, data_type: data_type.clone() }
                }
                DataType::String => Self::Text { text: String::new(), ends: Vec::new(), valid: None },
                DataType::Null | DataType::Bool | DataType::Decimal { .. } | DataType::List(_) | DataType::Struct(_) | DataType::Json => {
                    Self::Values(Vec::new())
                }
            },
        }
    }

    /// Takes so many values in, behind those that are there.
    fn load(&mut self, from: &mut StateReader<'_>, len: usize, more: usize) -> Result<(), StateError> {
        let (found, flags) = match self {
            Self::Words { words, valid, .. } | Self::Keys { words, valid, .. } => {
                let new: Vec<i64> = from.take()?;
                words.extend(&new);
                (new.len(), Some(valid))
            }
            Self::Text { text, ends, valid } => {
                let (new, new_ends): (String, Vec<usize>) = from.take()?;
                let are_ends = new_ends.is_sorted() && new_ends.iter().all(|&end| new.is_char_boundary(end));
                if !are_ends || new_ends.last().copied().unwrap_or(0) != new.len() {
                    return Err(StateError::new("texts that end elsewhere"));
                }
                ends.extend(new_ends.iter().map(|end| end + text.len()));
                text.push_str(&new);
                (new_ends.len(), Some(valid))
            }
            Self::Values(values) => {
                let new: Vec<Value<'static>> = from.take()?;
                let count = new.len();
                values.extend(new);
                (count, None)
            }
        };
        if let Some(valid) = flags {
            let new: Option<Vec<bool>> = from.take()?;
            if new.as_ref().is_some_and(|new| new.len() != more) {
                return Err(StateError::new("flags of another number than values"));
            }
            if valid.is_some() || new.is_some() {
                let mut flags = valid.take().unwrap_or_else(|| vec![true; len]);
                flags.extend(new.unwrap_or_else(|| vec![true; more]));
                *valid = Some(flags);
            }
        }
        if found == more { Ok(()) } else { Err(StateError::new("values of another number than places")) }
    }

    #[inline]
    fn push(&mut self, column: &Column, row: usize) {
        match self {
            Self::Words { words, valid, .. } => push_word(words, valid, column.word(row)),
            Self::Keys { words, valid, kind } => push_word(words, valid, kind.of_row(column, row)),
            Self::Text { text, ends, valid } => {
                let is_text = match column.value(row) {
                    Value::String(value) => {
                        text.push_str(&value);
                        true
                    }
                    _ => false,
                };
                note(valid, ends.len(), is_text);
                ends.push(text.len());
            }
            Self::Values(values) => values.push(column.value(row).into_owned()),
        }
    }

    fn extend(&mut self, column: &Column, rows: &[u32]) {
        match (&mut *self, column.words()) {
            (Self::Words { words, valid: None, .. }, Some(from)) => words.extend(rows.iter().map(|row| from[*row as usize])),
            (Self::Keys { words, valid: None, kind }, Some(from)) => words.extend(rows.iter().map(|row| kind.of_word(from[*row as usize]))),
            _ => rows.iter().for_each(|row| self.push(column, *row as usize)),
        }
    }

    fn keep(&mut self, is_needed: &[bool]) {
        match self {
            Self::Words { words, valid, .. } | Self::Keys { words, valid, .. } => {
                retain(words, is_needed);
                keep_valid(valid, is_needed);
            }
            Self::Text { text, ends, valid } => {
                let mut kept = String::new();
                let mut kept_ends = Vec::new();
                for at in (0..ends.len()).filter(|&at| is_needed[at]) {
                    kept.push_str(text_at(text, ends, at));
                    kept_ends.push(kept.len());
                }
                (*text, *ends) = (kept, kept_ends);
                keep_valid(valid, is_needed);
            }
            Self::Values(values) => retain(values, is_needed),
        }
    }

    fn bytes(&self) -> usize {
        let flags = |valid: &Option<Vec<bool>>| valid.as_ref().map_or(0, Vec::capacity);
        match self {
            Self::Words { words, valid, .. } | Self::Keys { words, valid, .. } => words.capacity() * 8 + flags(valid),
            Self::Text { text, ends, valid } => text.capacity() + ends.capacity() * size_of::<usize>() + flags(valid),
            Self::Values(values) => {
                let nested = |value: &Value<'_>| match value {
                    Value::Json(text) => text.len(),
                    Value::List(items) | Value::Struct(items) => items.len() * size_of::<Value<'_>>(),
                    _ => 0,
                };
                values.capacity() * size_of::<Value<'_>>() + values.iter().map(nested).sum::<usize>()
            }
        }
    }
}

#[inline]
fn push_word(words: &mut Vec<i64>, valid: &mut Option<Vec<bool>>, word: Option<i64>) {
    note(valid, words.len(), word.is_some());
    words.push(word.unwrap_or(0));
}

/// Notes whether one value more, behind `len` others, is no NULL.
#[inline]
fn note(valid: &mut Option<Vec<bool>>, len: usize, is_valid: bool) {
    match valid {
        Some(flags) => flags.push(is_valid),
        None if is_valid => {}
        None => {
            let mut flags = vec![true; len];
            flags.push(false);
            *valid = Some(flags);
        }
    }
}

fn keep_valid(valid: &mut Option<Vec<bool>>, is_needed: &[bool]) {
    if let Some(flags) = valid {
        retain(flags, is_needed);
        if !flags.contains(&false) {
            *valid = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Timestamp;

    #[test]
    fn what_is_needed_keeps_its_values_under_new_numbers() {
        let keeps = [
            Keeps::Values(DataType::String),
            Keeps::Values(DataType::Float),
            Keeps::Keys(WordKind::Integer),
            Keeps::Values(DataType::Bool),
        ];
        let text = Column::from_values(&DataType::String, ["a", "", "cc", "d"].map(Value::string).into_iter().chain([Value::Null]));
        let floats =
            Column::from_values(&DataType::Float, [1.0, 2.0].map(Value::Float).into_iter().chain([Value::Null, Value::Null, Value::Null]));
        let keys = Column::from_values(&DataType::Int, [Value::Int(7), Value::Null, Value::Int(9), Value::Int(10), Value::Int(11)]);
        let flags = Column::from_values(&DataType::Bool, [true, false, true, false, true].map(Value::Bool));
        let columns = [&text, &floats, &keys, &flags];
        let mut log = Log::new(&keeps);
        for row in 0..5 {
            let place = Place::event(Timestamp(row as i64), 1 + row as u64);
            assert_eq!(log.push(place, columns.into_iter(), row, None) as usize, row);
        }
        let values = |log: &Log, id: u32| {
            (0..4)
                .map(|c| if c == 2 { log.key(2, id).map_or(Value::Null, Value::Int) } else { log.value(c, id).into_owned() })
                .collect::<Vec<_>>()
        };
        let before: Vec<Vec<Value<'static>>> = (0..5).map(|id| values(&log, id)).collect();
        assert_eq!(before[2], [Value::string("cc"), Value::Null, Value::Int(9), Value::Bool(true)]);
        let bytes = log.bytes();
        let numbers = log.keep(&[false, true, false, true, true]);
        assert_eq!([numbers[1], numbers[3], numbers[4]], [0, 1, 2]);
        assert_eq!(log.len(), 3);
        for (old, new) in [(1, 0), (3, 1), (4, 2)] {
            assert_eq!(values(&log, new), before[old]);
            assert_eq!(log.place(new).time(), Timestamp(old as i64));
        }
        assert!(log.bytes() <= bytes);
    }
}
