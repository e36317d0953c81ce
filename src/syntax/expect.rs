//! A failure of the parser to a diagnostic in words of the language.
//!
//! What the parser would have taken comes in as [`Expected`]; the token that it found instead is read from the text here. Special
//! cases go first, each with its own sentence; the general one says what was expected and found.

use crate::text::{Diagnostic, Span, nearest};

use super::codes;
use super::parse_grammar::offset;

/// Something that the parser would have taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Expected {
    /// Punctuation, as written.
    Sign(&'static str),
    /// A keyword in capitals.
    Word(String),
    /// A name.
    Name,
    /// A kind of thing, in words.
    Thing(&'static str),
    /// One of many keywords: what they are together, and each.
    OneOf(&'static str, &'static [&'static str]),
    /// An operator that could go on with the expression.
    Operator,
    /// The end of the statement.
    End,
    /// Always possible and never worth telling.
    Untold,
}

/// Where the parser stopped and what it would have taken.
pub(super) struct Failure<'t> {
    /// The text of the file, comments blanked.
    pub(super) text: &'t str,
    /// The first byte of the token that did not fit.
    pub(super) at: usize,
    /// Where the statement begins.
    pub(super) start: usize,
    /// Where the statement ends.
    pub(super) end: usize,
    /// The innermost bracket that is not closed.
    pub(super) unclosed: Option<Span>,
    /// What would have fitted.
    pub(super) expected: Vec<Expected>,
}

/// The words that begin a statement.
const STATEMENT_WORDS: [&str; 5] = ["SELECT", "CREATE", "INSERT", "SET", "WITH"];

impl Failure<'_> {
    /// Where the next statement begins, if all that is wrong is a missing `;`.
    pub(super) fn missing_semicolon(&self) -> Option<usize> {
        let found = self.found();
        let begins = match found.to_ascii_uppercase().as_str() {
            "SELECT" | "CREATE" | "INSERT" => true,
            "SET" => self.text[self.at + 3..self.end].trim_start().starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"'),
            _ => false,
        };
        (begins && self.at > self.start && self.expected.contains(&Expected::End)).then_some(self.at)
    }

    /// The diagnostic.
    pub(super) fn diagnostic(mut self) -> Diagnostic {
        self.expected.sort();
        self.expected.dedup();
        let found = self.found();
        let span = self.found_span(found);
        if self.missing_semicolon().is_some() {
            let message = format!("expected `;` before `{found}`");
            return Diagnostic::error(codes::MISSING_SEMICOLON, span, message)
                .label("a new statement begins here")
                .hint("end the statement before it with `;`");
        }
        if let Some(special) = self.special(found, span) {
            return special;
        }
        let list = self.expected_list();
        let message = format!("expected {list}, found {}", self.found_words(found));
        let diagnostic = Diagnostic::error(codes::UNEXPECTED, span, message).label(format!("expected {list}"));
        match self.hint(found) {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        }
    }

    /// The token at the failure: a word, a text in quotes, a sign; empty at the statement's end.
    fn found(&self) -> &str {
        token(&self.text[self.at..self.end])
    }

    fn found_span(&self, found: &str) -> Span {
        if !found.is_empty() {
            return Span::new(offset(self.at), offset(self.at + found.len()));
        }
        // At the end the caret stands on the `;`, or behind the last visible character.
        if self.end < self.text.len() {
            return Span::new(offset(self.end), offset(self.end + 1));
        }
        let last = self.text[..self.end].trim_end().len();
        Span::new(offset(last), offset(last))
    }

    fn found_words(&self, found: &str) -> String {
        match found {
            "" if self.end < self.text.len() => "`;`".to_owned(),
            "" => "the end of the file".to_owned(),
            _ if codes::is_reserved(found) => format!("the keyword `{}`", found.to_ascii_uppercase()),
            _ if found.starts_with('\'') => "a string".to_owned(),
            _ => format!("`{}`", shortened(found)),
        }
    }

    /// The mistakes with a sentence of their own.
    fn special(&self, found: &str, span: Span) -> Option<Diagnostic> {
        let first = found.chars().next();
        if let Some(unclosed) = self.unclosed_bracket(found, span) {
            return Some(unclosed);
        }
        let wants_sign = |sign: &str| self.expected.iter().any(|e| matches!(e, Expected::Sign(s) if *s == sign));
        if matches!(found, ")" | "]" | "}") && !wants_sign(found) && self.expected.contains(&Expected::End) {
            let message = format!("this `{found}` closes nothing");
            let open = match found {
                ")" => '(',
                "]" => '[',
                _ => '{',
            };
            let closes = Diagnostic::error(codes::UNCLOSED, span, message).label(format!("expected {}", self.expected_list()));
            return Some(closes.hint(format!("take it away, or open it with `{open}`")));
        }
        if let Some(c) = first.filter(|c| !c.is_ascii() && !is_word_start(*c) || matches!(c, '\\' | '#' | '@' | '`' | '~')) {
            let hint = match c {
                '“' | '”' | '„' | '‘' | '’' | '`' => Some("strings stand in `'`, names with odd characters in `\"`"),
                '→' | '⇒' => Some("write `->`"),
                '≤' | '≥' | '≠' => Some("write `<=`, `>=` or `<>`"),
                '#' => Some("a comment begins with `--`"),
                '–' | '−' => Some("write `-`"),
                _ => None,
            };
            let strange = Diagnostic::error(codes::STRANGE_CHARACTER, span, format!("the character `{c}` has no meaning here"));
            return Some(hint.into_iter().fold(strange, Diagnostic::hint));
        }
        let first = self.bare_pattern().or_else(|| self.unknown_unit(found, span)).or_else(|| self.reserved(found, span));
        first.or_else(|| self.misspelt(found, span))
    }

    /// A bracket or CASE that is open where the statement ends or its next clause begins.
    fn unclosed_bracket(&self, found: &str, span: Span) -> Option<Diagnostic> {
        let open = self.unclosed?;
        let what = &self.text[open.start as usize..open.end as usize];
        let close = match what {
            "(" => ")",
            "[" => "]",
            "{" => "}",
            _ => "END",
        };
        let would_close = self.expected.iter().any(|e| match e {
            Expected::Sign(sign) => *sign == close,
            Expected::Word(word) => word == close,
            Expected::Name | Expected::Thing(_) | Expected::OneOf(..) | Expected::Operator | Expected::End | Expected::Untold => false,
        });
        let begins_clause = CLAUSE_WORDS.iter().any(|word| found.eq_ignore_ascii_case(word));
        if !(found.is_empty() || begins_clause && would_close) {
            return None;
        }
        let message = format!("expected {}, found {}", self.expected_list(), self.found_words(found));
        Some(
            Diagnostic::error(codes::UNCLOSED, span, message)
                .label(if found.is_empty() { "the statement ends here" } else { "a clause begins here" })
                .related(open, format!("this `{what}` is not closed"))
                .hint(format!("close it with `{close}`")),
        )
    }

    /// A word right behind a number.
    fn unknown_unit(&self, found: &str, span: Span) -> Option<Diagnostic> {
        let before = self.text[self.start..self.at].trim_end();
        let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_' || c == '.').len();
        let number = &before[before.len() - digits..];
        let is_number = number.starts_with(|c: char| c.is_ascii_digit())
            && !before[..before.len() - digits].ends_with(|c: char| is_word_start(c) || c == '$' || c == '"');
        // `x > 1 B AS …` lacks a comma.
        let is_named = token(self.text[self.at + found.len()..self.end].trim_start()).eq_ignore_ascii_case("AS");
        let is_word = found.starts_with(is_word_start) && !codes::is_reserved(found) && !self.wants(found);
        if is_number && is_word && !is_unit(found) && !is_named {
            return Some(no_unit(found, span));
        }
        // `10x`: the number itself is not a number.
        let digits = found.bytes().take_while(|b| b.is_ascii_digit() || *b == b'_' || *b == b'.').count();
        let unit = &found[digits..];
        if digits > 0 && unit.starts_with(is_word_start) && !is_unit(unit) {
            return Some(no_unit(unit, Span::new(span.start + offset(digits), span.end)));
        }
        None
    }

    /// Whether this very word would have fitted.
    fn wants(&self, found: &str) -> bool {
        self.expected_words().any(|word| word.eq_ignore_ascii_case(found))
    }

    fn expected_words(&self) -> impl Iterator<Item = &str> {
        self.expected.iter().flat_map(|expected| match expected {
            Expected::Word(word) => std::slice::from_ref(word).iter().map(String::as_str).collect::<Vec<_>>(),
            Expected::OneOf(_, words) => words.to_vec(),
            Expected::Sign(_) | Expected::Name | Expected::Thing(_) | Expected::Operator | Expected::End | Expected::Untold => Vec::new(),
        })
    }

    /// A reserved word where a name is expected.
    fn reserved(&self, found: &str, span: Span) -> Option<Diagnostic> {
        let wants_name = self.expected.iter().any(|e| matches!(e, Expected::Name | Expected::Thing("an expression")));
        if !codes::is_reserved(found) || !wants_name || !self.reserved_is_a_name(found) {
            return None;
        }
        let message = format!("`{found}` is a reserved word");
        let reserved = Diagnostic::error(codes::RESERVED, span, message).label(format!("expected {}", self.expected_list()));
        Some(reserved.hint(format!("quote it to use it as a name: `\"{found}\"`")))
    }

    /// Whether what follows the word looks as if the word were meant as a name.
    fn reserved_is_a_name(&self, found: &str) -> bool {
        let rest = self.text[self.at + found.len()..self.end].trim_start();
        let next = token(rest);
        let only_name = !self.expected.iter().any(|e| matches!(e, Expected::Thing(_)));
        let is_joint = matches!(next, "" | "," | ")" | "." | "=" | "<" | ">" | "<=" | ">=" | "<>" | "!=" | "+" | "-" | "*" | "/" | "%");
        is_joint
            || next.eq_ignore_ascii_case("AS")
            || only_name
            || codes::is_reserved(next) && !codes::is_reserved(found)
            || ["FROM", "IS", "IN", "LIKE", "BETWEEN", "AND", "OR"].iter().any(|word| next.eq_ignore_ascii_case(word))
    }

    /// A word near to a keyword that would have fitted.
    fn misspelt(&self, found: &str, span: Span) -> Option<Diagnostic> {
        if found.starts_with(is_word_start) {
            let operators = if self.expected.contains(&Expected::Operator) { OPERATOR_WORDS } else { &[] };
            let words = self.expected_words().chain(operators.iter().copied());
            let candidates = nearest(&found.to_ascii_uppercase(), words);
            if !candidates.is_empty() {
                let list = self.expected_list();
                let message = format!("expected {list}, found `{}`", shortened(found));
                return Some(Diagnostic::error(codes::MISSPELT, span, message).did_you_mean(&candidates));
            }
        }
        self.misspelt_before(found)
    }

    /// A misspelt keyword that was taken as a name: `FROM s WHRE a > 1` and `FROM PATERN (` fail behind it.
    fn misspelt_before(&self, found: &str) -> Option<Diagnostic> {
        let (start, word) = self.previous_word()?;
        if !self.expected.contains(&Expected::End) || codes::is_reserved(word) {
            return None;
        }
        let after_from = self.text[self.start..start].trim_end().to_ascii_uppercase().ends_with("FROM");
        let (words, read_as) = match (after_from, found) {
            (true, "(") => (&["PATTERN"][..], "a stream"),
            (true, _) => return None,
            (false, _) => (&CLAUSE_WORDS[..], "an alias"),
        };
        let candidates = nearest(&word.to_ascii_uppercase(), words.iter().copied());
        if candidates.is_empty() {
            return None;
        }
        let span = Span::new(offset(start), offset(start + word.len()));
        let message = format!("`{word}` is read as {read_as} here, and {} cannot follow it", self.found_words(found));
        Some(Diagnostic::error(codes::MISSPELT, span, message).did_you_mean(&candidates))
    }

    /// The word before the failure.
    fn previous_word(&self) -> Option<(usize, &str)> {
        let before = self.text[self.start..self.at].trim_end();
        let word = &before[before.trim_end_matches(is_word_char).len()..];
        word.starts_with(is_word_start).then(|| (self.start + before.len() - word.len(), word))
    }

    /// Whether something goes without saying, because something more telling is expected too.
    fn goes_without_saying(&self, expected: &Expected) -> bool {
        let also = |other: &Expected| self.expected.contains(other);
        match expected {
            Expected::Sign("(") | Expected::Thing("a unit of time") => also(&Expected::Operator),
            Expected::Sign("[") => self.expected.len() > 1,
            Expected::Sign("*") => also(&Expected::Name) || also(&Expected::Thing("an expression")),
            // AND alone is that of BETWEEN; beside OR it is one more operator.
            Expected::Word(word) if word == "OR" => true,
            Expected::Word(word) if word == "AND" => also(&Expected::Word("OR".to_owned())),
            Expected::Word(word) if word == "ALL" => also(&Expected::Thing("an expression")),
            Expected::Word(word) if word == "MATCH_RECOGNIZE" || word == "FROM" => {
                self.expected.iter().any(|e| matches!(e, Expected::OneOf("a join", _)))
            }
            Expected::Word(word) if word == "PATTERN" => also(&Expected::Thing("a stream")),
            Expected::Sign(_) | Expected::Word(_) | Expected::Name | Expected::Thing(_) | Expected::OneOf(..) => false,
            Expected::Operator | Expected::End | Expected::Untold => false,
        }
    }

    /// "`,`, `FROM` or the end of the statement", at most six.
    fn expected_list(&self) -> String {
        let told = |expected: &Expected| match expected {
            Expected::Sign(sign) => Some(format!("`{sign}`")),
            Expected::Word(word) => Some(format!("`{word}`")),
            Expected::Name => Some("a name".to_owned()),
            Expected::Thing(thing) | Expected::OneOf(thing, _) => Some((*thing).to_owned()),
            Expected::End => Some("`;`".to_owned()),
            Expected::Operator | Expected::Untold => None,
        };
        let mut list: Vec<String> = self.expected.iter().filter(|e| !self.goes_without_saying(e)).filter_map(told).collect();
        if self.expected.contains(&Expected::Operator) && list.len() < 4 {
            list.insert(0, "an operator".to_owned());
        }
        list.dedup();
        list.truncate(6);
        match list.as_slice() {
            [] => "something else".to_owned(),
            [one] => one.clone(),
            [first @ .., last] => format!("{} or {last}", first.join(", ")),
        }
    }
}

/// The operators that are words.
const OPERATOR_WORDS: &[&str] = &["AND", "OR", "IS", "IN", "LIKE", "ILIKE", "BETWEEN", "NOT"];

/// A word behind a number that is no unit.
fn no_unit(word: &str, span: Span) -> Diagnostic {
    let unknown = Diagnostic::error(codes::UNKNOWN_UNIT, span, format!("`{word}` is no unit of time"));
    let unknown = unknown.did_you_mean(&nearest(word, UNITS)).hint("the units are `ns us ms s m h d w` and their English names");
    let calendar = ["month", "months", "quarter", "quarters", "year", "years"].iter().any(|unit| word.eq_ignore_ascii_case(unit));
    if calendar { unknown.hint("it has no fixed length: count it in days, such as `30 days`") } else { unknown }
}

/// Whether the word is a unit of time.
fn is_unit(word: &str) -> bool {
    UNITS.iter().chain(&["ns", "us", "ms", "s", "m", "h", "d", "w"]).any(|unit| word.eq_ignore_ascii_case(unit))
}

/// The units that a misspelt one may have been meant to be.
const UNITS: [&str; 16] = [
    "nanoseconds",
    "microseconds",
    "milliseconds",
    "seconds",
    "minutes",
    "hours",
    "days",
    "weeks",
    "nanosecond",
    "microsecond",
    "millisecond",
    "second",
    "minute",
    "hour",
    "day",
    "week",
];

/// The words that begin a clause of a query.
pub(super) const CLAUSE_WORDS: [&str; 25] = [
    "FROM",
    "WHERE",
    "WINDOW",
    "GROUP",
    "HAVING",
    "PARTITION",
    "WITHIN",
    "AFTER",
    "RUNS",
    "KEYS",
    "TIMEOUT",
    "SUPPRESS",
    "EMIT",
    "ORDER",
    "LIMIT",
    "JOIN",
    "LEFT",
    "RIGHT",
    "FULL",
    "SEMI",
    "ANTI",
    "ASOF",
    "ON",
    "TOLERANCE",
    "MATCH_RECOGNIZE",
];

/// The words that begin a statement, for a misspelt one.
pub(super) const fn statement_words() -> &'static [&'static str] {
    &STATEMENT_WORDS
}

/// The first token of a text that begins without blanks.
pub(super) fn token(text: &str) -> &str {
    let Some(first) = text.chars().next() else { return "" };
    if is_word_char(first) {
        let mut length = text.find(|c| !is_word_char(c)).unwrap_or(text.len());
        // A number's fraction belongs to it.
        if first.is_ascii_digit() && text[length..].starts_with('.') && text[length + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            length += 1 + text[length + 1..].find(|c| !is_word_char(c)).unwrap_or(text.len() - length - 1);
        }
        return &text[..length];
    }
    if first == '\'' || first == '"' {
        return text[1..].find(first).map_or(text, |length| &text[..length + 2]);
    }
    if first == '$' {
        return &text[..1 + text[1..].find(|c| !is_word_char(c)).unwrap_or(text.len() - 1)];
    }
    let several = ["->>", "=>", "->", "&&", "||", "==", "<>", "<=", ">=", "!=", "{-", "-}", ":=", "::"];
    several.iter().find(|sign| text.starts_with(**sign)).map_or(&text[..first.len_utf8()], |sign| &text[..sign.len()])
}

pub(super) fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A token short enough for a sentence.
fn shortened(token: &str) -> String {
    if token.chars().count() <= 40 { token.to_owned() } else { token.chars().take(37).chain("...".chars()).collect() }
}
