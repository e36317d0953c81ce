//! Columns of lists whose items are words of eight bytes, as Arrow lays them out: all items one behind the other, and where each list ends.
//!
//! Only who puts out very many lists makes them so ([`super::ColumnBuilder::push_word_list`]); any other column of lists is of values.

use std::sync::Arc;

use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};

use super::validity::packed;
use super::{Column, ColumnBuilder, DataType, Value};

/// A column of lists.
#[derive(Debug, Clone)]
pub struct ListColumn {
    item: DataType,
    offsets: OffsetBuffer<i32>,
    items: Arc<Column>,
    nulls: Option<NullBuffer>,
}

impl ListColumn {
    /// How many lists there are.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the items.
    pub fn item(&self) -> &DataType {
        &self.item
    }

    /// Where lists begin and end.
    pub fn offsets(&self) -> &OffsetBuffer<i32> {
        &self.offsets
    }

    /// The items of all lists.
    pub fn items(&self) -> &Column {
        &self.items
    }

    /// Which lists are NULL.
    pub fn nulls(&self) -> Option<&NullBuffer> {
        self.nulls.as_ref()
    }

    /// Whether a list is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// A list, or NULL.
    pub fn value(&self, row: usize) -> Value<'static> {
        if self.is_null(row) {
            return Value::Null;
        }
        let at = |row: usize| usize::try_from(self.offsets[row]).expect("offsets are not negative");
        Value::List((at(row)..at(row + 1)).map(|item| self.items.value(item).into_owned()).collect())
    }
}

/// Builds a [`ListColumn`].
#[derive(Debug)]
pub(super) struct ListBuilder {
    item: DataType,
    items: Box<ColumnBuilder>,
    offsets: Vec<i32>,
    valid: Vec<bool>,
}

impl ListBuilder {
    /// Of lists of INT, TIMESTAMP, DURATION or FLOAT.
    pub(super) fn new(item: &DataType) -> Self {
        Self { item: item.clone(), items: Box::new(ColumnBuilder::new(item, 0)), offsets: vec![0], valid: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.valid.len()
    }

    /// Appends a list of words, each with whether it is no NULL; of none NULL.
    #[inline]
    pub(super) fn push_words(&mut self, words: &[(i64, bool)]) {
        self.items.push_flagged(words);
        self.end(!words.is_empty());
    }

    /// Appends a list or NULL.
    pub(super) fn push(&mut self, value: &Value<'_>) {
        if let Value::List(items) = value {
            items.iter().for_each(|item| self.items.push(item.borrowed()));
        }
        self.end(!value.is_null());
    }

    #[inline]
    fn end(&mut self, is_valid: bool) {
        let end = i32::try_from(self.items.len()).expect("a batch has fewer than 2^31 items of lists");
        self.offsets.push(end);
        self.valid.push(is_valid);
    }

    /// Appends rows that stand in the column already.
    pub(super) fn repeat_rows(&mut self, rows: std::ops::Range<usize>) {
        let at = |row: usize| usize::try_from(self.offsets[row]).expect("offsets are not negative");
        let (first, end) = (at(rows.start), at(rows.end));
        let shift = i32::try_from(self.items.len() - first).expect("a batch has fewer than 2^31 items of lists");
        self.items.repeat_rows(first..end);
        assert!(i32::try_from(self.items.len()).is_ok(), "a batch has fewer than 2^31 items of lists");
        let own = self.offsets.len();
        self.offsets.extend_from_within(rows.start + 1..=rows.end);
        // It has been asserted that the last of them fits.
        self.offsets[own..].iter_mut().for_each(|offset| *offset = offset.wrapping_add(shift));
        self.valid.extend_from_within(rows);
    }

    /// Appends, for each of these rows, a list of these words and then the items of the row but the first `left_out`; NULL where that is none.
    pub(super) fn repeat_behind(&mut self, rows: std::ops::Range<usize>, left_out: usize, words: &[(i64, bool)]) {
        let at = |offset: i32| usize::try_from(offset).expect("offsets are not negative");
        for row in rows {
            let items = at(self.offsets[row]) + left_out..at(self.offsets[row + 1]);
            let is_valid = !words.is_empty() || !items.is_empty();
            self.items.push_before(words, items);
            self.end(is_valid);
        }
    }

    pub(super) fn finish(&mut self) -> ListColumn {
        let offsets = std::mem::replace(&mut self.offsets, vec![0]);
        let valid = std::mem::take(&mut self.valid);
        ListColumn {
            item: self.item.clone(),
            offsets: OffsetBuffer::new(ScalarBuffer::from(offsets)),
            items: Arc::new(self.items.finish()),
            nulls: valid.contains(&false).then(|| NullBuffer::new(packed(&valid))),
        }
    }
}
