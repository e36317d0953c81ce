//! The first look at a program: where its statements end, what is a comment, and how deep brackets nest.
//!
//! The whole text comes in; out come the pieces between the `;`, and the text with every comment and line end blanked byte for byte, so that
//! offsets stay. What makes the grammar recurse (brackets, CASE … END, the `<` of types) is counted here, before anything recurses over it.

use crate::text::{Diagnostic, Span};

use super::codes;
use super::parse_grammar::offset;

/// How deep brackets, and the tree of an expression or pattern, may nest.
pub(super) const DEPTH_MAX: u32 = 128;

/// The text between two `;`.
#[derive(Debug)]
pub(super) struct Piece {
    /// First byte.
    pub(super) start: usize,
    /// One behind the last byte: its `;`, or the end of the file.
    pub(super) end: usize,
    /// The innermost bracket that the piece does not close.
    pub(super) unclosed: Option<Span>,
    /// Why it cannot be parsed at all.
    pub(super) broken: Option<Diagnostic>,
}

/// What the look found.
#[derive(Debug)]
pub(super) struct Scan {
    /// The program, comments and line ends outside of quotes blanked.
    pub(super) text: String,
    /// Its statements, without the empty ones.
    pub(super) pieces: Vec<Piece>,
}

/// Cuts a program into statements.
pub(super) fn scan(text: &str) -> Scan {
    let mut scanner = Scanner { text, at: 0, start: 0, blanked: String::with_capacity(text.len()), copied: 0, ..Scanner::default() };
    while scanner.at < text.len() {
        scanner.step();
    }
    scanner.cut();
    scanner.blanked.push_str(&text[scanner.copied..]);
    Scan { text: scanner.blanked, pieces: scanner.pieces }
}

/// What the last word or sign was, as far as `LIST <` needs it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Before {
    #[default]
    Other,
    /// A word, `AS`, or the `<` of a type: a type may follow.
    MayPrecedeType,
    /// `LIST` or `STRUCT` where a type may stand.
    TypeWithArguments,
}

#[derive(Debug, Default)]
struct Scanner<'t> {
    text: &'t str,
    at: usize,
    start: usize,
    /// The text so far, comments blanked, up to `copied`.
    blanked: String,
    copied: usize,
    pieces: Vec<Piece>,
    /// Brackets that are open: `(`, `[`, `{`, `<` of a type, `c` for CASE.
    open: Vec<(u8, Span)>,
    before: Before,
    /// Something that is no blank has been seen in this piece.
    is_used: bool,
    /// A text in quotes that runs over the end of a line: a candidate for a forgotten quote.
    long_quote: Option<Span>,
    broken: Option<Diagnostic>,
}

impl Scanner<'_> {
    /// Goes behind the next token.
    fn step(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        let Some(&first) = rest.first() else { return };
        match first {
            b'-' if rest.starts_with(b"--") => {
                let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                self.blank(length);
            }
            b'/' if rest.starts_with(b"/*") => self.block_comment(),
            b'\'' | b'"' => self.quoted(first),
            b';' => {
                self.cut();
                self.at += 1;
                self.start = self.at;
            }
            b' ' => self.at += 1,
            // One blank for all: the grammar asks for blanks wherever a token ends.
            b'\t' | b'\r' | b'\n' => self.blank(1),
            _ if is_word_byte(first) => self.word(),
            _ => self.sign(first),
        }
    }

    /// Replaces so many bytes by blanks.
    fn blank(&mut self, length: usize) {
        self.blanked.push_str(&self.text[self.copied..self.at]);
        self.blanked.extend(std::iter::repeat_n(' ', length));
        self.at += length;
        self.copied = self.at;
    }

    fn block_comment(&mut self) {
        match self.text[self.at + 2..].find("*/") {
            Some(length) => self.blank(length + 4),
            None => {
                let span = Span::new(offset(self.at), offset(self.at + 2));
                let message = "this comment is not closed";
                self.broken = Some(Diagnostic::error(codes::OPEN_COMMENT, span, message).label("opened here").hint("end it with `*/`"));
                self.blank(self.text.len() - self.at);
            }
        }
    }

    /// A text in quotes; a doubled quote inside reads as two texts, which is as good here.
    fn quoted(&mut self, quote: u8) {
        let rest = &self.text.as_bytes()[self.at + 1..];
        self.is_used = true;
        self.before = if quote == b'"' { Before::MayPrecedeType } else { Before::Other };
        let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let Some(length) = memchr::memchr(quote, rest) else {
            let line_end = self.at + 1 + self.text[self.at + 1..][..line].trim_end().len();
            let span = Span::new(offset(self.at), offset(line_end));
            let message = if quote == b'"' { "this quoted name is not closed" } else { "this string is not closed" };
            let mut open = Diagnostic::error(codes::OPEN_STRING, span, message).label("opened here");
            if let Some(long) = self.long_quote {
                open = open.related(long, "or is the closing quote of this one missing?");
            }
            self.broken = Some(open.hint(format!("end it with `{}`", char::from(quote))));
            // Where the line ends in `;`, the next one most likely begins a statement; else all the rest is given up.
            self.at = if self.text[..line_end].ends_with(';') { line_end - 1 } else { self.text.len() };
            return;
        };
        if length > line {
            self.long_quote = Some(Span::new(offset(self.at), offset(self.at + 1 + self.text[self.at + 1..][..line].trim_end().len())));
        }
        self.at += length + 2;
    }

    fn word(&mut self) {
        let bytes = self.text.as_bytes();
        let length = bytes[self.at..].iter().take_while(|b| is_word_byte(**b)).count();
        let word = &self.text[self.at..self.at + length];
        let span = Span::new(offset(self.at), offset(self.at + length));
        let is_parameter = self.at > 0 && bytes[self.at - 1] == b'$';
        self.at += length;
        self.is_used = true;
        let is = |keyword: &str| !is_parameter && word.eq_ignore_ascii_case(keyword);
        if is("CASE") {
            self.push(b'c', span);
        } else if is("END") && self.open.last().is_some_and(|(kind, _)| *kind == b'c') {
            self.open.pop();
        }
        self.before = match self.before {
            Before::MayPrecedeType if is("LIST") || is("STRUCT") => Before::TypeWithArguments,
            _ if is("AS") => Before::MayPrecedeType,
            _ if codes::is_reserved(word) => Before::Other,
            _ => Before::MayPrecedeType,
        };
    }

    fn sign(&mut self, sign: u8) {
        // A sign may be a character of several bytes; only whole characters are stepped over.
        let length = self.text[self.at..].chars().next().map_or(1, char::len_utf8);
        let span = Span::new(offset(self.at), offset(self.at + length));
        self.at += length;
        self.is_used = true;
        let was = std::mem::take(&mut self.before);
        match sign {
            b'(' | b'[' | b'{' => self.push(sign, span),
            b'<' if was == Before::TypeWithArguments => {
                self.push(sign, span);
                self.before = Before::MayPrecedeType;
            }
            b')' => self.pop(b'('),
            b']' => self.pop(b'['),
            b'}' => self.pop(b'{'),
            b'>' if self.open.last().is_some_and(|(kind, _)| *kind == b'<') => self.pop(b'<'),
            _ => {}
        }
    }

    fn push(&mut self, kind: u8, span: Span) {
        if self.open.len() < DEPTH_MAX as usize {
            self.open.push((kind, span));
        } else if self.broken.is_none() {
            self.broken = Some(codes::too_deep(span));
        }
    }

    /// Closes the nearest bracket of this kind, and with it what is open inside.
    fn pop(&mut self, kind: u8) {
        if let Some(index) = self.open.iter().rposition(|(open, _)| *open == kind) {
            self.open.truncate(index);
        }
    }

    /// Ends the piece here.
    fn cut(&mut self) {
        let unclosed = self.open.iter().rev().find(|(kind, _)| *kind != b'<').map(|(_, span)| *span);
        let broken = self.broken.take();
        if self.is_used || broken.is_some() {
            self.pieces.push(Piece { start: self.start, end: self.at, unclosed, broken });
        }
        self.open.clear();
        self.before = Before::Other;
        self.is_used = false;
        self.long_quote = None;
    }
}

/// Letters, digits, `_`, and all of other alphabets: near enough to tell CASE from `lower_case`.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}
