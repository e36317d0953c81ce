//! The words of a text, without comments and strings: enough to see what stands around a place in a program that does not parse.

/// A word or a sign, by its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'t> {
    pub(super) text: &'t str,
    pub(super) start: usize,
}

impl Word<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub(super) fn is(&self, keyword: &str) -> bool {
        self.text.eq_ignore_ascii_case(keyword)
    }

    pub(super) fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"')
    }

    /// A name without its quotes.
    pub(super) fn name(&self) -> &str {
        self.text.trim_matches('"')
    }
}

/// The words of the statement around a byte, and whether that byte stands in a comment or string.
pub(super) fn statement_around(text: &str, at: usize) -> (Vec<Word<'_>>, bool) {
    let mut words = Vec::new();
    let mut position = 0;
    while position < text.len() {
        let rest = &text[position..];
        let length = token_length(rest);
        let is_inside = position < at && at < position + length;
        let is_blank = rest.starts_with("--") || rest.starts_with("/*") || rest.starts_with('\'');
        if is_blank && (is_inside || position < at && at == position + length && rest.starts_with("--")) {
            return (words, true);
        }
        if rest.starts_with(';') {
            if position >= at {
                break;
            }
            words.clear();
        } else if !is_blank && !rest.starts_with(char::is_whitespace) {
            words.push(Word { text: &rest[..length], start: position });
        }
        position += length;
    }
    (words, false)
}

/// How long the first token is: at least one character, so that every text has an end.
fn token_length(rest: &str) -> usize {
    let first = rest.chars().next().map_or(1, char::len_utf8);
    let until = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |found| from + found + end.len());
    let while_true = |holds: fn(char) -> bool| rest.find(|c| !holds(c)).unwrap_or(rest.len());
    match rest.as_bytes()[0] {
        b'-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
        b'/' if rest.starts_with("/*") => until("*/", 2),
        b'\'' => until("'", 1),
        b'"' => until("\"", 1),
        b'-' if rest.starts_with("->>") => 3,
        b'-' if rest.starts_with("->") => 2,
        b'$' => 1 + rest[1..].find(|c| !is_word_char(c)).unwrap_or(rest.len() - 1),
        byte if byte.is_ascii_whitespace() => while_true(char::is_whitespace),
        _ if rest.starts_with(is_word_char) => while_true(is_word_char),
        _ => first,
    }
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
