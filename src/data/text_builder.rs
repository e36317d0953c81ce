//! Texts of a column in the making: codes while they can be, else the texts themselves.
//!
//! There are codes where an interner gives them, or where all rows come from columns of one dictionary. As soon as a text has no code, what
//! stands there already becomes plain text, and the column with it; the next column may have codes again.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, StringBuilder};
use arrow_array::{StringArray, UInt32Array};

use super::validity::Validity;
use super::{CodeMap, CodedText, Column, Dictionary, Interner, TextWord};

#[derive(Debug)]
pub(super) struct TextBuilder {
    rows: Rows,
    interner: Option<Box<Interner>>,
}

#[derive(Debug)]
enum Rows {
    Plain(StringBuilder),
    Coded(Codes),
}

#[derive(Debug)]
struct Codes {
    codes: Vec<u32>,
    validity: Validity,
    dictionary: Arc<Dictionary>,
}

impl Codes {
    fn new(dictionary: Arc<Dictionary>, capacity: usize) -> Self {
        Self { codes: Vec::with_capacity(capacity), validity: Validity::default(), dictionary }
    }

    #[inline]
    fn push(&mut self, code: u32) {
        self.validity.push(self.codes.len(), true);
        self.codes.push(code);
    }

    #[inline]
    fn push_times(&mut self, code: u32, times: usize) {
        self.validity.push_times(self.codes.len(), true, times);
        self.codes.extend(std::iter::repeat_n(code, times));
    }

    fn push_nulls(&mut self, times: usize) {
        self.validity.push_times(self.codes.len(), false, times);
        self.codes.resize(self.codes.len() + times, 0);
    }

    fn finish(&mut self) -> CodedText {
        let codes = UInt32Array::new(std::mem::take(&mut self.codes).into(), self.validity.finish());
        CodedText::new(codes, self.dictionary.clone())
    }
}

impl TextBuilder {
    pub(super) fn new(capacity: usize) -> Self {
        Self { rows: Rows::Plain(StringBuilder::with_capacity(capacity, 0)), interner: None }
    }

    /// One that gives texts codes itself.
    pub(super) fn interning() -> Self {
        let interner = Interner::new();
        Self { rows: Rows::Coded(Codes::new(interner.dictionary().clone(), 0)), interner: Some(Box::new(interner)) }
    }

    pub(super) fn reserve(&mut self, rows: usize) {
        match &mut self.rows {
            Rows::Plain(texts) if texts.len() == 0 => *texts = StringBuilder::with_capacity(rows, 0),
            Rows::Plain(_) => {}
            Rows::Coded(codes) => codes.codes.reserve(rows),
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.rows {
            Rows::Plain(texts) => texts.len(),
            Rows::Coded(codes) => codes.codes.len(),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, text: &str) {
        if let (Rows::Coded(codes), Some(interner)) = (&mut self.rows, &mut self.interner)
            && let Some(code) = interner.intern(text)
        {
            return codes.push(code);
        }
        self.plain().append_value(text);
    }

    /// Appends texts that are words each; `whole` is what places are in.
    pub(super) fn push_words(&mut self, whole: &str, words: impl ExactSizeIterator<Item = TextWord> + Clone) {
        /// No code: a dictionary has fewer texts.
        const UNKNOWN: u32 = u32::MAX;
        let mut done = 0;
        if let (Rows::Coded(codes), Some(interner)) = (&mut self.rows, &mut self.interner) {
            let before = codes.codes.len();
            codes.codes.extend(words.clone().map(|word| interner.known(word, whole).unwrap_or(UNKNOWN)));
            let found = &mut codes.codes[before..];
            let known = found.iter().fold(0usize, |count, &code| count.wrapping_add(usize::from(code != UNKNOWN)));
            interner.count_asked(known);
            done = words.len();
            if known < done {
                // Those that are new, or are not found at once.
                let mut unknown = found.iter_mut().zip(words.clone()).enumerate().filter(|(_, (code, _))| **code == UNKNOWN);
                let without = unknown.find_map(|(at, (code, word))| match interner.intern_word(word, whole) {
                    Some(found) => {
                        *code = found;
                        None
                    }
                    None => Some(at),
                });
                done = without.unwrap_or(done);
            }
            codes.codes.truncate(before + done);
            codes.validity.push_times(before, true, done);
        }
        if done < words.len() {
            let plain = self.plain();
            words.skip(done).for_each(|word| word.with(whole, |text| plain.append_value(text)));
        }
    }

    pub(super) fn push_times(&mut self, text: &str, times: usize) {
        (0..times).for_each(|_| self.push(text));
    }

    pub(super) fn push_nulls(&mut self, times: usize) {
        match &mut self.rows {
            Rows::Plain(texts) => (0..times).for_each(|_| texts.append_null()),
            Rows::Coded(codes) => codes.push_nulls(times),
        }
    }

    /// Appends a row of codes so many times; an empty builder takes to their dictionary.
    #[inline]
    pub(super) fn push_coded(&mut self, column: &CodedText, row: usize, times: usize) {
        if self.interner.is_none()
            && self.len() == 0
            && !matches!(&self.rows, Rows::Coded(own) if Arc::ptr_eq(&own.dictionary, column.dictionary()))
        {
            self.rows = Rows::Coded(Codes::new(column.dictionary().clone(), 0));
        }
        if column.is_null(row) {
            return self.push_nulls(times);
        }
        match &mut self.rows {
            Rows::Coded(own) if Arc::ptr_eq(&own.dictionary, column.dictionary()) => own.push_times(column.codes().value(row), times),
            _ => self.push_times(column.value(row), times),
        }
    }

    pub(super) fn repeat_rows(&mut self, rows: Range<usize>) {
        match &mut self.rows {
            Rows::Plain(texts) => repeat_plain(texts, rows),
            Rows::Coded(codes) => {
                codes.codes.extend_from_within(rows.clone());
                codes.validity.repeat_rows(rows);
            }
        }
    }

    /// The rows as plain texts, from here on.
    #[cold]
    fn plain(&mut self) -> &mut StringBuilder {
        if let Rows::Coded(codes) = &mut self.rows {
            let coded = codes.finish();
            let mut texts = StringBuilder::with_capacity(coded.len(), 0);
            (0..coded.len()).for_each(|row| texts.append_option((!coded.is_null(row)).then(|| coded.value(row))));
            self.rows = Rows::Plain(texts);
        }
        match &mut self.rows {
            Rows::Plain(texts) => texts,
            Rows::Coded(_) => unreachable!("they have just become plain"),
        }
    }

    pub(super) fn finish(&mut self) -> Column {
        let column = match &mut self.rows {
            Rows::Plain(texts) => Column::String(texts.finish()),
            Rows::Coded(codes) => Column::Coded(codes.finish()),
        };
        self.renew();
        column
    }

    /// Between two columns: where the dictionary is full, another takes its place.
    fn renew(&mut self) {
        if let Some(interner) = &mut self.interner {
            interner.renew();
            self.rows = match interner.is_useful() {
                true => Rows::Coded(Codes::new(interner.dictionary().clone(), 0)),
                false => Rows::Plain(StringBuilder::new()),
            };
        }
    }

    /// Texts in the codes of another builder as a column of this one, which is between two columns.
    pub(super) fn adopt(&mut self, texts: &CodedText, map: &mut CodeMap) -> Column {
        debug_assert_eq!(self.len(), 0, "between two columns");
        let interner = self.interner.as_mut().filter(|interner| interner.is_useful());
        let coded = interner.and_then(|interner| map.translate(texts, interner));
        self.renew();
        coded.map_or_else(|| Column::String(texts.to_strings()), Column::Coded)
    }

    pub(super) fn finish_plain(&mut self) -> StringArray {
        self.plain().finish()
    }
}

fn repeat_plain(b: &mut StringBuilder, rows: Range<usize>) {
    let at = |offset: i32| usize::try_from(offset).expect("offsets are not negative");
    let validity = b.validity_slice().map(<[u8]>::to_vec);
    let offsets = b.offsets_slice()[rows.start..=rows.end].to_vec();
    let first = at(offsets[0]);
    let text = b.values_slice()[first..at(offsets[rows.len()])].to_vec();
    let text = String::from_utf8(text).expect("rows of text begin and end between characters");
    for (row, ends) in rows.zip(offsets.windows(2)) {
        let is_valid = validity.as_ref().is_none_or(|bits| bits[row / 8] >> (row % 8) & 1 == 1);
        b.append_option(is_valid.then(|| &text[at(ends[0]) - first..at(ends[1]) - first]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ColumnBuilder, DataType, Value};

    fn texts_of(column: &Column) -> Vec<Option<String>> {
        let text = |row| match column.value(row) {
            Value::String(text) => Some(text.into_owned()),
            _ => None,
        };
        (0..column.len()).map(text).collect()
    }

    fn some(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| Some((*text).to_owned()).filter(|text| text != "-")).collect()
    }

    #[test]
    fn an_interning_builder_keeps_its_dictionary_from_column_to_column() {
        let mut builder = ColumnBuilder::interning(&DataType::String);
        let mut dictionaries = Vec::new();
        for _ in 0..2 {
            for text in ["a", "b", "-", "a"] {
                builder.push(if text == "-" { Value::Null } else { Value::string(text) });
            }
            builder.repeat_rows(1..3);
            let column = builder.finish();
            assert_eq!(texts_of(&column), some(&["a", "b", "-", "a", "b", "-"]));
            let Column::Coded(coded) = column else { panic!("texts repeat") };
            dictionaries.push(coded.dictionary().id());
        }
        assert_eq!(dictionaries[0], dictionaries[1]);
    }

    #[test]
    fn texts_without_codes_make_the_column_plain() {
        let mut builder = ColumnBuilder::interning(&DataType::String);
        let count = 10_000;
        builder.push(Value::Null);
        (0..count).for_each(|n| builder.push_text(&n.to_string()));
        for _ in 0..2 {
            let column = builder.finish();
            assert!(matches!(column, Column::String(_)));
            assert!((1..column.len()).all(|row| column.value(row) == Value::string((row - 1).to_string())));
            assert!(column.is_null(0));
            builder.push(Value::Null);
            builder.push_text("0");
        }
    }

    #[test]
    fn rows_of_one_dictionary_keep_their_codes() {
        let mut source = ColumnBuilder::interning(&DataType::String);
        let mut other = ColumnBuilder::interning(&DataType::String);
        for text in ["a", "b"] {
            source.push_text(text);
            other.push_text(text);
        }
        source.push(Value::Null);
        let (source, other) = (source.finish(), other.finish());
        let mut builder = ColumnBuilder::new(&DataType::String, 0);
        for round in 0..2 {
            [2, 1, 0, 1].iter().for_each(|&row| builder.push_from(&source, row));
            builder.repeat_rows(0..2);
            let column = builder.finish();
            assert!(matches!(column, Column::Coded(_)), "round {round}");
            assert_eq!(texts_of(&column), some(&["-", "b", "a", "b", "-", "b"]));
        }
        builder.push_from(&source, 0);
        builder.push_from(&other, 1);
        builder.push_text("c");
        builder.push_from(&source, 2);
        let column = builder.finish();
        assert!(matches!(column, Column::String(_)));
        assert_eq!(texts_of(&column), some(&["a", "b", "c", "-"]));
        builder.push_from(&other, 0);
        assert!(matches!(builder.finish(), Column::Coded(_)));
    }
}
