//! Codes of one dictionary as codes of another: what several decoders have given codes to, each on its own, comes under one dictionary again.
//!
//! A code is looked up once and remembered. Codes are asked for in the order of the rows, so the other dictionary gets its texts in the order
//! in which a single decoder would have given them, whichever decoder had which rows.

use arrow_array::UInt32Array;

use super::{CodedText, Interner};

/// What is known of the codes of a dictionary. Its bound is that of a dictionary.
#[derive(Debug, Default)]
pub struct CodeMap {
    /// The dictionaries, by their ids: from, to.
    between: Option<(u64, u64)>,
    codes: Vec<u32>,
}

impl CodeMap {
    /// The same texts in codes of this interner; nothing where one has no code there.
    pub(super) fn translate(&mut self, texts: &CodedText, to: &mut Interner) -> Option<CodedText> {
        let between = Some((texts.dictionary().id(), to.dictionary().id()));
        if self.between != between {
            self.between = between;
            self.codes.clear();
        }
        to.count_asked(texts.len());
        let mut translated = Vec::with_capacity(texts.len());
        for (row, &code) in texts.codes().values().iter().enumerate() {
            let at = code as usize;
            if at >= self.codes.len() && !texts.is_null(row) {
                for code in (0..=code).skip(self.codes.len()) {
                    self.codes.push(to.intern(texts.dictionary().text(code))?);
                }
            }
            // Of a NULL the code means nothing.
            translated.push(self.codes.get(at).copied().unwrap_or(0));
        }
        let codes = UInt32Array::new(translated.into(), texts.nulls().cloned());
        Some(CodedText::new(codes, to.dictionary().clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Column, ColumnBuilder, DataType, MAX_DICTIONARY_ENTRIES, Value};

    fn column(builder: &mut ColumnBuilder, texts: &[&str]) -> Column {
        for text in texts {
            builder.push(if *text == "-" { Value::Null } else { Value::string(*text) });
        }
        builder.finish()
    }

    fn codes(column: &Column) -> (u64, Vec<u32>) {
        let Column::Coded(texts) = column else { panic!("it has codes") };
        (texts.dictionary().id(), texts.codes().values().to_vec())
    }

    #[test]
    fn columns_of_several_builders_come_under_one_dictionary_in_the_order_of_their_rows() {
        let mut workers = [ColumnBuilder::interning(&DataType::String), ColumnBuilder::interning(&DataType::String)];
        let mut whole = ColumnBuilder::interning(&DataType::String);
        let mut alone = ColumnBuilder::interning(&DataType::String);
        let mut maps = [CodeMap::default(), CodeMap::default()];
        let rows: [&[&str]; 5] = [&["-", "a", "b", "a"], &["c", "b", "-"], &["c", "d", "a"], &["-", "-"], &["e", "d", "c", "b", "a"]];
        // The second worker is ahead of what is taken from it.
        let made: Vec<Column> = rows.iter().enumerate().map(|(at, texts)| column(&mut workers[at % 2], texts)).collect();
        let mut dictionaries = Vec::new();
        for (at, (texts, made)) in rows.iter().zip(made).enumerate() {
            let taken = whole.adopt(made, &mut maps[at % 2]);
            let expected = column(&mut alone, texts);
            let found: Vec<Value<'_>> = (0..taken.len()).map(|row| taken.value(row)).collect();
            assert_eq!(found, (0..expected.len()).map(|row| expected.value(row)).collect::<Vec<_>>());
            let (dictionary, codes_taken) = codes(&taken);
            let valid = |codes: Vec<u32>| codes.into_iter().enumerate().filter(|(row, _)| !taken.is_null(*row)).collect::<Vec<_>>();
            assert_eq!(valid(codes_taken), valid(codes(&expected).1), "rows {at}");
            dictionaries.push(dictionary);
        }
        dictionaries.dedup();
        assert_eq!(dictionaries.len(), 1);
    }

    #[test]
    fn where_the_dictionary_is_full_the_texts_are_plain_and_another_begins() {
        let mut whole = ColumnBuilder::interning(&DataType::String);
        let mut map = CodeMap::default();
        let mut twice = |from: usize, rows: usize| {
            let mut worker = ColumnBuilder::interning(&DataType::String);
            (from..from + rows).for_each(|n| (0..2).for_each(|_| worker.push_text(&n.to_string())));
            whole.adopt(worker.finish(), &mut map)
        };
        assert!(matches!(twice(0, MAX_DICTIONARY_ENTRIES), Column::Coded(_)));
        let over = twice(MAX_DICTIONARY_ENTRIES - 1, 2);
        assert!(matches!(over, Column::String(_)));
        assert_eq!(over.value(3), Value::string(MAX_DICTIONARY_ENTRIES.to_string()));
        assert!(matches!(twice(7, 3), Column::Coded(_)));
    }
}
