//! Columns of a block that are not all plain words: some values are NULL, or texts have escapes, which are taken out here.

use crate::data::{ColumnBuilder, TextWord, Value};

/// Room to work in.
#[derive(Debug, Default)]
pub(super) struct Aside {
    /// Texts without their escapes, one behind the other.
    text: String,
    /// Where they stand in it, those that have not been pushed yet.
    words: Vec<TextWord>,
    flagged: Vec<(i64, bool)>,
}

/// Whether any of these texts has escapes.
#[inline]
pub(super) fn have_escapes(words: impl Iterator<Item = TextWord>) -> bool {
    words.fold(false, |any, word| any | word.with_escapes().is_some())
}

impl Aside {
    /// Appends texts to a column; `whole` is what places are in.
    pub(super) fn push_texts(
        &mut self,
        whole: &str,
        words: impl Iterator<Item = TextWord>,
        nulls: impl Iterator<Item = bool>,
        to: &mut ColumnBuilder,
    ) {
        self.text.clear();
        let mut run = 0;
        for (word, is_null) in words.zip(nulls) {
            if is_null {
                self.flush(to);
                run += 1;
                continue;
            }
            if run > 0 {
                to.push_times(&Value::Null, run);
                run = 0;
            }
            let word = match (word.with_escapes(), word.elsewhere()) {
                (Some((begin, length)), _) => self.put(|text| unescape(&whole[begin..begin + length], text)),
                (None, Some((begin, length))) => self.put(|text| text.push_str(&whole[begin..begin + length])),
                (None, None) => word,
            };
            self.words.push(word);
        }
        self.flush(to);
        to.push_times(&Value::Null, run);
    }

    /// Appends words to a column.
    pub(super) fn push_words(&mut self, words: impl Iterator<Item = i64>, nulls: impl Iterator<Item = bool>, to: &mut ColumnBuilder) {
        self.flagged.clear();
        self.flagged.extend(words.zip(nulls).map(|(word, is_null)| (word, !is_null)));
        to.push_flagged(&self.flagged);
    }

    /// The word of a text that is put behind the others.
    fn put(&mut self, write: impl FnOnce(&mut String)) -> TextWord {
        let begin = self.text.len();
        write(&mut self.text);
        // A text has one word, and a short one is that.
        let text = &self.text[begin..];
        TextWord::of(text.as_bytes()).unwrap_or_else(|| TextWord::place(begin, text.len()))
    }

    fn flush(&mut self, to: &mut ColumnBuilder) {
        if self.words.is_empty() {
            return;
        }
        // Texts are looked at through a window, also the last one.
        self.text.push_str("                ");
        to.push_texts(&self.text, self.words.iter().copied());
        self.words.clear();
    }
}

/// Appends a text without its escapes, each of which is of one character.
fn unescape(text: &str, to: &mut String) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        to.push_str(&rest[..at]);
        to.push(match rest.as_bytes()[at + 1] {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            itself => char::from(itself),
        });
        rest = &rest[at + 2..];
    }
    to.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DataType;

    #[test]
    fn texts_come_without_their_escapes() {
        let whole = r#"C:\\Windows\\x.exe|a\"\/\b\f\n\r\t\\|\\|plain and long enough|gr\nü"#;
        let (mut words, mut expected, mut begin) = (Vec::new(), Vec::new(), 0);
        for part in whole.split('|') {
            let (text, is_escaped): (String, _) = (serde_json::from_str(&format!("\"{part}\"")).unwrap(), part.contains('\\'));
            let place = if is_escaped { TextWord::escaped } else { TextWord::place };
            words.extend([place(begin, part.len()), TextWord::short(0, 0)]);
            expected.extend([Value::string(text), Value::Null]);
            begin += part.len() + 1;
        }
        for type_of in [ColumnBuilder::interning, |data_type: &DataType| ColumnBuilder::new(data_type, 0)] {
            let mut builder = type_of(&DataType::String);
            let mut aside = Aside::default();
            assert!(have_escapes(words.iter().copied()));
            for _ in 0..2 {
                let nulls = (0..words.len()).map(|row| row % 2 == 1);
                aside.push_texts(whole, words.iter().copied(), nulls, &mut builder);
            }
            let column = builder.finish();
            assert_eq!(column.len(), 2 * expected.len());
            for row in 0..column.len() {
                assert_eq!(column.value(row), expected[row % expected.len()], "{row}");
            }
        }
    }
}
