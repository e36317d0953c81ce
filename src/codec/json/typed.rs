//! The cells of one event to typed columns, without a [`Value`] between them where the type is a common one.
//!
//! What is to be read for which column is laid down once a stream. An event is staged for all of its streams first and pushed only when all of
//! it fits, so a column never has to give anything back. What does not fit plainly stages nothing: the strict path says what is wrong
//! with it, or finds that nothing is.

use super::aside::{Aside, have_escapes};
use super::block::{Block, Picked};
use super::convert::convert;
use super::scan::{Cell, Found, Reading};
use crate::codec::{SourceRows, SourceSpec, TimeFormat};
use crate::data::{DataType, TextWord, TimeUnit, Timestamp, Value};

/// How the columns of a stream are read.
#[derive(Debug)]
pub(super) struct Layout {
    columns: Vec<Column>,
    time: Option<usize>,
    /// What there is to do for an event whose values are all plain; nothing where a column takes none that is.
    plain: Option<Plain>,
}

/// Values that are plain need no look at each.
#[derive(Debug)]
struct Plain {
    /// The bits of the slots; of those that may be NULL, and of those that are NULL where they are missing.
    slots: u64,
    nullable: u64,
    optional: u64,
    times: Vec<Time>,
    /// The columns that are needed.
    pushes: Vec<Push>,
}

/// A time that is needed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Time {
    pub(super) slot: usize,
    /// Nanoseconds of one.
    pub(super) unit: i64,
    /// The largest of which 64 bits hold the nanoseconds.
    pub(super) limit: u64,
}

impl Time {
    /// Whether 64 bits hold the nanoseconds of all of these rows.
    pub(super) fn fits_all(&self, block: &Block, rows: usize) -> bool {
        let most = block.column(self.slot)[..rows].iter().fold(0, |most, word| word.cast_signed().unsigned_abs().max(most));
        most <= self.limit
    }
}

#[derive(Debug)]
struct Push {
    column: usize,
    slot: usize,
    /// What the word is multiplied with; zero for a text.
    unit: i64,
}

#[derive(Debug)]
struct Column {
    slot: usize,
    kind: Kind,
    is_needed: bool,
    not_null: bool,
}

/// What a column takes at once; all else goes by the text.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Int,
    Float,
    Text,
    /// Times, as texts or integers of so many nanoseconds.
    Time(i64),
    Other,
}

/// A value that fits its column. Texts stay where they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// NULL
    Null,
    /// Not needed, and so NULL: the column is filled up at the end.
    Unneeded,
    /// `INT`, `TIMESTAMP`, the bits of a `FLOAT`.
    Word,
    /// `BOOL`: 0 or 1.
    Bool,
    /// The content of a string.
    Text,
    /// Any other type, or a value that was not plain: its number among the values.
    Value,
}

/// The values of one event for all of its streams, one behind the other.
#[derive(Debug, Default)]
pub(super) struct Staged<'line> {
    marks: Vec<(Mark, i64)>,
    values: Vec<Value<'line>>,
}

impl Staged<'_> {
    /// Nothing is staged any more.
    pub(super) fn clear(&mut self) {
        self.marks.clear();
        self.values.clear();
    }
}

impl Kind {
    fn of(data_type: &DataType, format: &TimeFormat) -> Self {
        match (data_type, format) {
            (DataType::Int, _) => Self::Int,
            (DataType::Float, _) => Self::Float,
            (DataType::String, _) => Self::Text,
            (DataType::Timestamp, TimeFormat::Rfc3339) => Self::Time(TimeUnit::Milli.nanos()),
            (DataType::Timestamp, TimeFormat::Epoch(unit)) => Self::Time(unit.nanos()),
            _ => Self::Other,
        }
    }

    fn reading(self) -> Reading {
        match self {
            Self::Int | Self::Time(_) => Reading::Integer,
            Self::Float => Reading::Float,
            Self::Text | Self::Other => Reading::Text,
        }
    }
}

/// How the value of each slot is to be read: as the first column that needs it wants it. Others go by its text.
pub(super) fn readings<'s>(specs: impl IntoIterator<Item = (&'s SourceSpec, &'s Vec<usize>)>, slots: usize) -> Vec<Reading> {
    let mut readings = vec![None; slots];
    for (spec, columns) in specs {
        for ((&slot, column), field) in columns.iter().zip(&spec.columns).zip(spec.schema.fields()) {
            readings[slot].get_or_insert(Kind::of(&field.data_type, &column.time_format).reading());
        }
    }
    readings.into_iter().map(Option::unwrap_or_default).collect()
}

impl Layout {
    /// The layout of a stream whose columns have these slots, which are read so.
    pub(super) fn new(spec: &SourceSpec, slots: &[usize], readings: &[Reading]) -> Self {
        let columns = spec.columns.iter().zip(spec.schema.fields()).zip(slots).enumerate();
        let columns = columns.map(|(index, ((column, field), &slot))| {
            let kind = match Kind::of(&field.data_type, &column.time_format) {
                kind @ (Kind::Int | Kind::Float | Kind::Time(_)) if kind.reading() != readings[slot] => Kind::Other,
                kind => kind,
            };
            Column { slot, kind, is_needed: spec.needed[index], not_null: column.not_null }
        });
        let columns: Vec<Column> = columns.collect();
        let plain = Plain::of(spec, &columns, readings);
        Self { columns, time: spec.time, plain }
    }

    /// The time of an event whose values are all plain, as the bits of the slots say; none where one is not, or its time does not do.
    #[inline]
    pub(super) fn plain_time(&self, spec: &SourceSpec, cells: &[Cell], slots: u64, clock: Timestamp) -> Option<Timestamp> {
        let plain = self.plain.as_ref()?;
        let fits = |time: &Time| cells[time.slot].word.unsigned_abs() <= time.limit;
        if plain.slots & !slots != 0 || !plain.times.iter().all(fits) {
            return None;
        }
        let Some(index) = self.time else { return Some(clock) };
        let column = &self.columns[index];
        let Kind::Time(unit) = column.kind else { return None };
        let time = Timestamp(cells[column.slot].word * unit);
        if spec.ahead.is_some_and(|limit| time > clock.saturating_add(limit)) { None } else { Some(time) }
    }

    /// The slots that an event has to have whose values are all plain, all that it may have, and the times among them; none where it never is.
    pub(super) fn plain_needs(&self) -> Option<(u64, u64, &[Time])> {
        self.plain.as_ref().map(|plain| (plain.slots & !plain.optional, plain.slots, plain.times.as_slice()))
    }

    /// The slots whose values may be NULL, for all that this stream has against it.
    pub(super) fn plain_nullable(&self) -> u64 {
        self.plain.as_ref().map_or(u64::MAX, |plain| plain.nullable)
    }

    /// The event time of an event whose values are all plain; none where that is the clock's.
    pub(super) fn plain_event_time(&self) -> Option<Time> {
        let slot = self.columns[self.time?].slot;
        self.plain.as_ref()?.times.iter().find(|time| time.slot == slot).copied()
    }

    /// Pushes rows of a block whose values are all plain.
    pub(super) fn push_block(
        &self,
        text: &str,
        block: &Block,
        picked: Picked<'_>,
        clock: Timestamp,
        aside: &mut Aside,
        rows: &mut SourceRows,
    ) {
        match picked {
            Picked::First(count) => {
                let words = |slot| block.column(slot)[..count].iter().copied();
                self.push_words(text, block, (words, |slot| (0..count).map(move |row| block.is_null(slot, row))), clock, aside, rows);
            }
            Picked::These(these) => {
                let words = |slot| these.iter().map(move |&(row, _)| block.get(slot, row as usize));
                let nulls = |slot| these.iter().map(move |&(row, _)| block.is_null(slot, row as usize));
                self.push_words(text, block, (words, nulls), clock, aside, rows);
            }
        }
    }

    fn push_words<W: ExactSizeIterator<Item = u64> + Clone, N: Iterator<Item = bool>>(
        &self,
        text: &str,
        block: &Block,
        (words, nulls): (impl Fn(usize) -> W, impl Fn(usize) -> N),
        clock: Timestamp,
        aside: &mut Aside,
        rows: &mut SourceRows,
    ) {
        // That a time's nanoseconds fit was looked at before.
        let times = |slot: usize, unit: i64| words(slot).map(move |word| word.cast_signed().wrapping_mul(unit));
        for push in self.plain.iter().flat_map(|plain| &plain.pushes) {
            let builder = &mut rows.columns[push.column];
            let has_nulls = block.has_nulls(push.slot);
            let texts = || words(push.slot).map(TextWord::from_bits);
            match push.unit {
                0 if has_nulls || have_escapes(texts()) => aside.push_texts(text, texts(), nulls(push.slot), builder),
                unit if has_nulls => aside.push_words(times(push.slot, unit), nulls(push.slot), builder),
                0 => builder.push_texts(text, texts()),
                1 => builder.extend_words(words(push.slot).map(u64::cast_signed)),
                unit => builder.extend_words(times(push.slot, unit)),
            }
        }
        match self.plain_event_time() {
            Some(time) => rows.times.extend(times(time.slot, time.unit).map(Timestamp)),
            None => rows.times.extend(words(0).map(|_| clock)),
        }
    }

    /// Pushes the values of an event that are all plain.
    #[inline]
    pub(super) fn push_plain(&self, text: &str, cells: &[Cell], rows: &mut SourceRows) {
        for push in self.plain.iter().flat_map(|plain| &plain.pushes) {
            let (cell, builder) = (&cells[push.slot], &mut rows.columns[push.column]);
            match push.unit {
                0 => builder.push_text(cell.content(text)),
                unit => builder.push_word(cell.word * unit),
            }
        }
    }

    /// Stages an event for this stream and gives its time; without a time column that is `clock`. `None`: it does not plainly fit.
    #[inline]
    pub(super) fn stage<'line>(
        &self,
        spec: &'line SourceSpec,
        text: &'line str,
        cells: &[Cell],
        clock: Timestamp,
        staged: &mut Staged<'line>,
    ) -> Option<Timestamp> {
        let begin = staged.marks.len();
        for (index, column) in self.columns.iter().enumerate() {
            let cell = &cells[column.slot];
            let (mut mark, word) = match (column.kind, cell.found) {
                (Kind::Int | Kind::Float, Found::Number) => (Mark::Word, cell.word),
                (Kind::Text, Found::Text) => (Mark::Text, 0),
                (Kind::Time(unit), Found::Number) => (Mark::Word, cell.word.checked_mul(unit)?),
                (Kind::Time(_), Found::Text) => (Mark::Word, Timestamp::parse(cell.content(text).trim())?.0),
                _ => column.read(cell, text, spec, index, &mut staged.values)?,
            };
            if !column.is_needed && self.time != Some(index) {
                // It had to fit, and nobody reads it.
                mark = Mark::Unneeded;
            }
            staged.marks.push((mark, word));
        }
        let Some(index) = self.time else { return Some(clock) };
        let at = &mut staged.marks[begin + index];
        let time = match *at {
            (Mark::Word, nanos) => Timestamp(nanos),
            (Mark::Value, number) => match staged.values[usize::try_from(number).ok()?] {
                Value::Timestamp(time) => time,
                _ => return None,
            },
            _ => return None,
        };
        if !self.columns[index].is_needed {
            at.0 = Mark::Unneeded;
        }
        if spec.ahead.is_some_and(|limit| time > clock.saturating_add(limit)) {
            return None;
        }
        Some(time)
    }

    /// Lays the values that a condition reads into a row that is NULL elsewhere; what does not fit is NULL too.
    pub(super) fn fill<'line>(
        &self,
        row: &mut Vec<Value<'line>>,
        reads: &[usize],
        spec: &'line SourceSpec,
        text: &'line str,
        cells: &[Cell],
    ) {
        row.clear();
        row.resize(self.columns.len(), Value::Null);
        for &index in reads {
            let column = &self.columns[index];
            let cell = &cells[column.slot];
            row[index] = match (column.kind, cell.found) {
                (Kind::Int, Found::Number) => Value::Int(cell.word),
                (Kind::Text, Found::Text) => Value::string(cell.content(text)),
                _ => column.value(cell, text, spec, index).unwrap_or_default(),
            };
        }
    }

    /// Pushes the values of an event of this stream, which were staged from the `first` mark on; gives the mark behind them.
    #[inline]
    pub(super) fn push(&self, text: &str, cells: &[Cell], staged: &Staged<'_>, first: usize, rows: &mut SourceRows) -> usize {
        let behind = first + self.columns.len();
        for ((column, builder), &(mark, word)) in self.columns.iter().zip(&mut rows.columns).zip(&staged.marks[first..behind]) {
            match mark {
                Mark::Word => builder.push_word(word),
                Mark::Text => builder.push_text(cells[column.slot].content(text)),
                Mark::Unneeded => {}
                Mark::Null => builder.push(Value::Null),
                Mark::Bool => builder.push(Value::Bool(word != 0)),
                Mark::Value => builder.push(staged.values[usize::try_from(word).expect("a number among the values")].borrowed()),
            }
        }
        behind
    }
}

impl Plain {
    fn of(spec: &SourceSpec, columns: &[Column], readings: &[Reading]) -> Option<Self> {
        let mut plain = Self { slots: 0, nullable: u64::MAX, optional: u64::MAX, times: Vec::new(), pushes: Vec::new() };
        for (index, column) in columns.iter().enumerate() {
            let unit = match column.kind {
                Kind::Int | Kind::Float => 1,
                Kind::Time(unit) => unit,
                Kind::Text => 0,
                Kind::Other => return None,
            };
            if column.slot >= 64 || column.kind.reading() != readings[column.slot] {
                return None;
            }
            let bit = 1 << column.slot;
            plain.slots |= bit;
            // Events without a time are bad.
            let is_required = column.not_null || spec.time == Some(index);
            plain.nullable &= if is_required { !bit } else { u64::MAX };
            plain.optional &= if is_required || spec.columns[index].default.is_some() { !bit } else { u64::MAX };
            if let Kind::Time(unit) = column.kind {
                plain.times.push(Time { slot: column.slot, unit, limit: i64::MAX.unsigned_abs() / unit.unsigned_abs() });
            }
            if column.is_needed {
                plain.pushes.push(Push { column: index, slot: column.slot, unit });
            }
        }
        Some(plain)
    }
}

impl Column {
    /// What is not there, NULL, or no plain value of a common type.
    fn read<'line>(
        &self,
        cell: &Cell,
        text: &'line str,
        spec: &'line SourceSpec,
        index: usize,
        values: &mut Vec<Value<'line>>,
    ) -> Option<(Mark, i64)> {
        let value = self.value(cell, text, spec, index)?;
        if value.is_null() {
            return (!self.not_null).then_some((Mark::Null, 0));
        }
        if let Value::Bool(value) = value {
            return Some((Mark::Bool, i64::from(value)));
        }
        values.push(value);
        Some((Mark::Value, i64::try_from(values.len() - 1).ok()?))
    }

    /// The value for the column, with its default; none where it does not fit.
    fn value<'line>(&self, cell: &Cell, text: &'line str, spec: &'line SourceSpec, index: usize) -> Option<Value<'line>> {
        let column = &spec.columns[index];
        match cell.found {
            Found::Missing => Some(column.default.as_ref().map_or(Value::Null, Value::borrowed)),
            Found::Null => Some(Value::Null),
            Found::Number | Found::Text | Found::Other => {
                convert(&text[cell.begin..cell.end], &spec.schema.fields()[index].data_type, &column.time_format).ok()
            }
        }
    }
}
