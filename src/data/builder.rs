//! Columns in the making: value by value, a slice at a time, or by repeating rows that stand in the column already.
//!
//! INT, TIMESTAMP, DURATION and FLOAT are all words of eight bytes and one vector, so that rows in bulk are copied as memory. NULLs are noted
//! beside the values, from the first NULL on.

use std::ops::Range;

use arrow_array::{BooleanArray, Decimal128Array, Float64Array, Int64Array};
use arrow_buffer::{Buffer, ScalarBuffer};

use super::lists::ListBuilder;
use super::text_builder::TextBuilder;
use super::validity::{Validity, packed};
use super::{CodeMap, Column, DataType, Over, TextWord, Value};

/// Builds a [`Column`].
#[derive(Debug)]
pub struct ColumnBuilder {
    data_type: DataType,
    values: Building,
    validity: Validity,
    /// More rows than this are over a bound.
    most: Most,
}

/// How many rows a builder may come to have, and what is over if it has more.
#[derive(Debug, Clone)]
struct Most {
    rows: usize,
    over: Option<Over>,
}

#[derive(Debug)]
enum Building {
    Null(usize),
    Bool(Vec<bool>),
    /// INT, TIMESTAMP, DURATION; the bits of FLOAT.
    Words(Vec<i64>),
    Decimal(Vec<i128>, u8),
    /// Knows its NULLs itself.
    Text(TextBuilder),
    /// Holds its NULLs as values.
    Nested(Vec<Value<'static>>),
    /// Lists of words; knows its NULLs itself.
    Lists(ListBuilder),
}

impl ColumnBuilder {
    /// An empty builder with room for `capacity` rows.
    pub fn new(data_type: &DataType, capacity: usize) -> Self {
        let values = match data_type {
            DataType::Null => Building::Null(0),
            DataType::Bool => Building::Bool(Vec::with_capacity(capacity)),
            DataType::Int | DataType::Timestamp | DataType::Duration | DataType::Float => Building::Words(Vec::with_capacity(capacity)),
            DataType::Decimal { scale, .. } => Building::Decimal(Vec::with_capacity(capacity), *scale),
            DataType::String | DataType::Json => Building::Text(TextBuilder::new(capacity)),
            DataType::List(_) | DataType::Struct(_) => Building::Nested(Vec::with_capacity(capacity)),
        };
        Self { data_type: data_type.clone(), values, validity: Validity::default(), most: Most { rows: usize::MAX, over: None } }
    }

    /// More rows than so many end the operator's work with what is over then: what gives many rows at once is checked as it does.
    pub fn at_most(&mut self, rows: usize, over: &Over) {
        self.most = Most { rows, over: Some(over.clone()) };
    }

    #[inline]
    fn check(&self, more: usize) {
        if self.len() + more > self.most.rows {
            self.end();
        }
    }

    #[cold]
    fn end(&self) {
        if let Some(over) = &self.most.over {
            over.clone().end();
        }
    }

    /// An empty builder of columns whose texts are likely to repeat: a `STRING` column of it has codes while they do, and all columns that
    /// it finishes share a dictionary. Any other type is as in [`Self::new`].
    pub fn interning(data_type: &DataType) -> Self {
        let mut builder = Self::new(data_type, 0);
        if *data_type == DataType::String {
            builder.values = Building::Text(TextBuilder::interning());
        }
        builder
    }

    /// Makes room for so many rows more.
    pub fn reserve(&mut self, rows: usize) {
        match &mut self.values {
            Building::Null(_) => {}
            Building::Bool(values) => values.reserve(rows),
            Building::Words(words) => words.reserve(rows),
            Building::Decimal(values, _) => values.reserve(rows),
            Building::Nested(values) => values.reserve(rows),
            Building::Lists(_) => {}
            Building::Text(b) => b.reserve(rows),
        }
    }

    /// How many rows have been pushed.
    pub fn len(&self) -> usize {
        match &self.values {
            Building::Null(len) => *len,
            Building::Bool(values) => values.len(),
            Building::Words(values) => values.len(),
            Building::Decimal(values, _) => values.len(),
            Building::Text(b) => b.len(),
            Building::Nested(values) => values.len(),
            Building::Lists(b) => b.len(),
        }
    }

    /// The type of the column.
    pub fn data_type(&self) -> &DataType {
        &self.data_type
    }

    /// Whether nothing has been pushed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a value of the column's type, or NULL.
    ///
    /// A value of another type is a defect of the caller (the checker has inserted every cast) and panics.
    pub fn push(&mut self, value: Value<'_>) {
        self.push_times(&value, 1);
    }

    /// Appends a value of the column's type, or NULL, so many times.
    pub fn push_times(&mut self, value: &Value<'_>, times: usize) {
        self.check(times);
        let len = self.len();
        let new_len = len + times;
        match (&mut self.values, value) {
            (Building::Null(len), _) => return *len = new_len,
            (Building::Bool(b), Value::Bool(v)) => b.resize(new_len, *v),
            (Building::Decimal(b, scale), Value::Decimal(v)) => {
                let mut v = *v;
                v.rescale(u32::from(*scale));
                b.resize(new_len, v.mantissa());
            }
            (Building::Text(b), Value::String(v) | Value::Json(v)) => return b.push_times(v, times),
            (Building::Lists(b), value @ (Value::Null | Value::List(_))) => return (0..times).for_each(|_| b.push(value)),
            (Building::Nested(values), value @ (Value::Null | Value::List(_) | Value::Struct(_))) => {
                return values.resize(new_len, value.borrowed().into_owned());
            }
            (Building::Bool(b), Value::Null) => b.resize(new_len, false),
            (Building::Words(b), Value::Null) => b.resize(new_len, 0),
            (Building::Decimal(b, _), Value::Null) => b.resize(new_len, 0),
            (Building::Text(b), Value::Null) => return b.push_nulls(times),
            (Building::Words(b), value) => match word_of(&self.data_type, value) {
                Some(word) => b.resize(new_len, word),
                None => panic!("a value of the column's type {}, not {value:?}", self.data_type),
            },
            (_, value) => panic!("a value of the column's type {}, not {value:?}", self.data_type),
        }
        self.validity.push_times(len, !value.is_null(), times);
    }

    /// Appends the value of a row of a column of this type; codes stay codes where all that is appended has one dictionary.
    #[inline]
    pub fn push_from(&mut self, column: &Column, row: usize) {
        match (&mut self.values, column) {
            (Building::Text(b), Column::Coded(texts)) => b.push_coded(texts, row, 1),
            _ => self.push(column.value(row)),
        }
    }

    /// The same, so many times.
    pub fn push_from_times(&mut self, column: &Column, row: usize, times: usize) {
        self.check(times);
        match (&mut self.values, column) {
            (Building::Text(b), Column::Coded(texts)) => b.push_coded(texts, row, times),
            (Building::Words(_), _) if is_of(&self.data_type, column) => {
                let word = column.word(row);
                self.push_word_times(word.unwrap_or(0), word.is_some(), times);
            }
            _ => self.push_times(&column.value(row), times),
        }
    }

    /// Appends NULLs until there are so many rows.
    pub fn fill_with_nulls(&mut self, rows: usize) {
        self.push_times(&Value::Null, rows.saturating_sub(self.len()));
    }

    /// Appends a value of an `INT` column, the nanoseconds of a `TIMESTAMP` or `DURATION` one, or the bits of a `FLOAT` one.
    #[inline]
    pub fn push_word(&mut self, word: i64) {
        match &mut self.values {
            Building::Words(words) => {
                self.validity.push(words.len(), true);
                words.push(word);
            }
            _ => panic!("a value of the column's type {}, not the word {word}", self.data_type),
        }
    }

    /// The same, or NULL, where a bound is looked to.
    #[inline]
    pub fn push_word_or_null(&mut self, word: Option<i64>) {
        self.check(1);
        match &mut self.values {
            Building::Words(words) => {
                self.validity.push(words.len(), word.is_some());
                words.push(word.unwrap_or(0));
            }
            _ => panic!("a value of the column's type {}, not the word {word:?}", self.data_type),
        }
    }

    /// Appends a value of a `STRING` or `JSON` column.
    #[inline]
    pub fn push_text(&mut self, text: &str) {
        match &mut self.values {
            Building::Text(b) => b.push(text),
            _ => panic!("a value of the column's type {}, not the text {text:?}", self.data_type),
        }
    }

    /// Appends texts to a `STRING` or `JSON` column, each as a word; `whole` is what places are in.
    pub fn push_texts(&mut self, whole: &str, words: impl ExactSizeIterator<Item = TextWord> + Clone) {
        match &mut self.values {
            Building::Text(b) => b.push_words(whole, words),
            _ => panic!("values of the column's type {}, not texts", self.data_type),
        }
    }

    /// Appends values as [`Self::push_word`] does.
    pub fn extend_words(&mut self, words: impl ExactSizeIterator<Item = i64>) {
        self.check(words.len());
        match &mut self.values {
            Building::Words(own) => {
                self.validity.push_times(own.len(), true, words.len());
                own.extend(words);
            }
            _ => panic!("values of the column's type {}, not words", self.data_type),
        }
    }

    /// Appends values of an `INT`, `TIMESTAMP` or `DURATION` column, or the bits of a `FLOAT` one; `valid` says which are no NULLs, where
    /// not all are.
    #[inline]
    pub fn push_words(&mut self, words: &[i64], valid: Option<&[bool]>) {
        self.check(words.len());
        match &mut self.values {
            Building::Words(own) => {
                self.validity.extend(own.len(), valid, words.len());
                own.extend_from_slice(words);
            }
            _ => panic!("values of the column's type {}, not words", self.data_type),
        }
    }

    /// Appends one word (see [`Self::push_words`]) so many times.
    #[inline]
    pub fn push_word_times(&mut self, word: i64, is_valid: bool, times: usize) {
        self.check(times);
        match &mut self.values {
            Building::Words(own) => {
                self.validity.push_times(own.len(), is_valid, times);
                own.resize(own.len() + times, word);
            }
            _ => panic!("a value of the column's type {}, not a word", self.data_type),
        }
    }

    /// Appends words, each with whether it is no NULL.
    #[inline]
    pub fn push_flagged(&mut self, words: &[(i64, bool)]) {
        match &mut self.values {
            Building::Words(own) => {
                if words.iter().all(|(_, is_valid)| *is_valid) {
                    self.validity.push_times(own.len(), true, words.len());
                } else {
                    words.iter().zip(own.len()..).for_each(|((_, is_valid), len)| self.validity.push(len, *is_valid));
                }
                own.extend(words.iter().map(|(word, _)| word));
            }
            _ => panic!("values of the column's type {}, not words", self.data_type),
        }
    }

    /// Appends a list of words, each with whether it is no NULL, to a column of such lists; NULL for none of them.
    #[inline]
    pub fn push_word_list(&mut self, words: &[(i64, bool)]) {
        if let (Building::Nested(values), DataType::List(item)) = (&self.values, &self.data_type) {
            let mut lists = ListBuilder::new(item);
            values.iter().for_each(|value| lists.push(value));
            self.values = Building::Lists(lists);
        }
        match &mut self.values {
            Building::Lists(b) => b.push_words(words),
            _ => panic!("values of the column's type {}, not a list of words", self.data_type),
        }
    }

    /// Appends words, each with whether it is no NULL, and then words that stand in the column already.
    #[inline]
    pub(super) fn push_before(&mut self, words: &[(i64, bool)], rows: Range<usize>) {
        self.push_flagged(words);
        match &mut self.values {
            Building::Words(own) => own.extend_from_within(rows.clone()),
            _ => panic!("values of the column's type {}, not words", self.data_type),
        }
        self.validity.repeat_rows(rows);
    }

    /// Appends, for each of these rows of a column of lists of words, a list of these words and then of what the row has but for its first items,
    /// as many as are left out.
    pub fn repeat_lists(&mut self, rows: Range<usize>, left_out: usize, words: &[(i64, bool)]) {
        self.check(rows.len());
        match &mut self.values {
            Building::Lists(b) => b.repeat_behind(rows, left_out, words),
            _ => panic!("values of the column's type {}, not a list of words", self.data_type),
        }
    }

    /// Appends rows that stand in the column already.
    #[inline]
    pub fn repeat_rows(&mut self, rows: Range<usize>) {
        self.check(rows.len());
        match &mut self.values {
            Building::Null(len) => *len += rows.len(),
            Building::Words(words) => words.extend_from_within(rows.clone()),
            Building::Bool(values) => values.extend_from_within(rows.clone()),
            Building::Decimal(values, _) => values.extend_from_within(rows.clone()),
            Building::Nested(values) => values.extend_from_within(rows.clone()),
            Building::Lists(b) => return b.repeat_rows(rows),
            Building::Text(b) => return b.repeat_rows(rows),
        }
        self.validity.repeat_rows(rows);
    }

    /// A column that another builder has finished, as if this one had, which is empty: with its codes. `map` is of that builder.
    pub fn adopt(&mut self, column: Column, map: &mut CodeMap) -> Column {
        match (&mut self.values, column) {
            (Building::Text(b), Column::Coded(texts)) => b.adopt(&texts, map),
            (_, column) => column,
        }
    }

    /// The column; the builder is empty afterwards.
    pub fn finish(&mut self) -> Column {
        let nulls = self.validity.finish();
        match &mut self.values {
            Building::Null(len) => Column::Null(std::mem::take(len)),
            Building::Bool(values) => Column::Bool(BooleanArray::new(packed(&std::mem::take(values)), nulls)),
            Building::Words(words) => {
                let words = std::mem::take(words);
                match self.data_type {
                    DataType::Timestamp => Column::Timestamp(Int64Array::new(words.into(), nulls)),
                    DataType::Duration => Column::Duration(Int64Array::new(words.into(), nulls)),
                    DataType::Float => {
                        let rows = words.len();
                        Column::Float(Float64Array::new(ScalarBuffer::new(Buffer::from_vec(words), 0, rows), nulls))
                    }
                    _ => Column::Int(Int64Array::new(words.into(), nulls)),
                }
            }
            Building::Decimal(values, scale) => {
                let DataType::Decimal { precision, .. } = self.data_type else { unreachable!("the builder was made for decimals") };
                let scale = i8::try_from(*scale).expect("the scale is at most 28");
                let array = Decimal128Array::new(std::mem::take(values).into(), nulls);
                Column::Decimal(array.with_data_type(arrow_schema::DataType::Decimal128(precision, scale)))
            }
            Building::Text(b) if self.data_type == DataType::Json => Column::Json(b.finish_plain()),
            Building::Text(b) => b.finish(),
            Building::Lists(b) => Column::Lists(b.finish()),
            Building::Nested(values) => Column::Nested(self.data_type.clone(), std::mem::take(values).into()),
        }
    }
}

/// Whether a column of words has this type.
#[inline]
fn is_of(data_type: &DataType, column: &Column) -> bool {
    matches!(
        (data_type, column),
        (DataType::Int, Column::Int(_))
            | (DataType::Float, Column::Float(_))
            | (DataType::Timestamp, Column::Timestamp(_))
            | (DataType::Duration, Column::Duration(_))
    )
}

/// The word that a value of a column of this type is.
fn word_of(data_type: &DataType, value: &Value<'_>) -> Option<i64> {
    match (data_type, value) {
        (DataType::Float, Value::Float(v)) => Some(v.to_bits().cast_signed()),
        (DataType::Float, _) => None,
        (_, Value::Int(v)) => Some(*v),
        (_, Value::Timestamp(v)) => Some(v.0),
        (_, Value::Duration(v)) => Some(v.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Duration, Timestamp};

    #[test]
    fn rows_repeated_are_the_rows_that_stood_there() {
        let cents = DataType::Decimal { precision: 5, scale: 2 };
        let cases: Vec<(DataType, [Value<'static>; 3])> = vec![
            (DataType::Null, [Value::Null, Value::Null, Value::Null]),
            (DataType::Bool, [Value::Bool(true), Value::Null, Value::Bool(false)]),
            (DataType::Int, [1, 2, 3].map(Value::Int)),
            (DataType::Float, [Value::Float(-0.0), Value::Null, Value::Float(2.5)]),
            (DataType::Timestamp, [Value::Timestamp(Timestamp(7)), Value::Null, Value::Null]),
            (DataType::Duration, [1, 2, 3].map(|n| Value::Duration(Duration(n)))),
            (DataType::String, [Value::string("ä"), Value::Null, Value::string("")]),
            (DataType::Json, ["1", "[]", "{}"].map(|text| Value::Json(text.into()))),
            (cents, [Value::Decimal("1.5".parse().unwrap()), Value::Null, Value::Decimal("2.25".parse().unwrap())]),
            (DataType::List(std::sync::Arc::new(DataType::Int)), [Value::List(vec![Value::Int(1)].into()), Value::Null, Value::Null]),
        ];
        for (data_type, [a, b, c]) in cases {
            let mut builder = ColumnBuilder::new(&data_type, 0);
            builder.push_times(&a, 2);
            builder.push(b.clone());
            builder.repeat_rows(1..3);
            builder.push(c.clone());
            builder.repeat_rows(4..6);
            assert_eq!(builder.len(), 8);
            let column = builder.finish();
            let found: Vec<Value<'_>> = (0..column.len()).map(|row| column.value(row)).collect();
            assert_eq!(found, [a.clone(), a.clone(), b.clone(), a, b.clone(), c.clone(), b, c], "{data_type}");
            assert!(builder.is_empty() && builder.finish().is_empty());
        }
    }

    #[test]
    fn words_come_in_slices_with_their_nulls() {
        let mut builder = ColumnBuilder::new(&DataType::Float, 0);
        let bits = |v: f64| v.to_bits().cast_signed();
        builder.push_words(&[bits(1.5), bits(2.5)], None);
        builder.push_words(&[bits(3.5), 0], Some(&[true, false]));
        builder.push_word_times(bits(4.5), true, 2);
        builder.push_word(bits(5.5));
        let column = builder.finish();
        let found: Vec<Value<'_>> = (0..column.len()).map(|row| column.value(row)).collect();
        let float = Value::Float;
        assert_eq!(found, [float(1.5), float(2.5), float(3.5), Value::Null, float(4.5), float(4.5), float(5.5)]);
    }
}
