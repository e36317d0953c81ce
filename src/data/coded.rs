//! A column of texts as codes into a dictionary: rows move as four bytes each, and what is known of a code is known of all its rows.

use std::sync::Arc;

use arrow_array::{Array, StringArray, UInt32Array};
use arrow_buffer::{NullBuffer, OffsetBuffer};

use super::Dictionary;

/// Texts by their codes. The code of a NULL means nothing.
#[derive(Debug, Clone)]
pub struct CodedText {
    codes: UInt32Array,
    dictionary: Arc<Dictionary>,
}

impl CodedText {
    /// Codes that this dictionary gave.
    pub fn new(codes: UInt32Array, dictionary: Arc<Dictionary>) -> Self {
        Self { codes, dictionary }
    }

    /// The codes, with the NULLs.
    pub fn codes(&self) -> &UInt32Array {
        &self.codes
    }

    /// What the codes mean.
    pub fn dictionary(&self) -> &Arc<Dictionary> {
        &self.dictionary
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Which rows have a text; nothing where all have.
    pub fn nulls(&self) -> Option<&NullBuffer> {
        self.codes.nulls()
    }

    /// Whether the row is NULL.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.codes.is_null(row)
    }

    /// The text of a row that is not NULL.
    #[inline]
    pub fn value(&self, row: usize) -> &str {
        self.dictionary.text(self.codes.value(row))
    }

    /// Whether the codes of both mean the same texts.
    pub fn shares_dictionary(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.dictionary, &other.dictionary)
    }

    /// The same rows as plain texts.
    pub fn to_strings(&self) -> StringArray {
        let text = |row: usize| if self.is_null(row) { "" } else { self.value(row) };
        let rows = 0..self.len();
        let offsets = OffsetBuffer::<i32>::from_lengths(rows.clone().map(|row| text(row).len()));
        let mut bytes = Vec::with_capacity(offsets[self.len()].unsigned_abs() as usize);
        rows.for_each(|row| bytes.extend_from_slice(text(row).as_bytes()));
        StringArray::new(offsets, bytes.into(), self.nulls().cloned())
    }
}
