//! A program to its canonical layout: what is written stays, where it stands is decided here.
//!
//! The formatter does not print a tree: it moves the words of the text, so comments stay where they are and names, literals and durations
//! are as somebody wrote them. `tokens` cuts a statement into words and asks the grammar what each one is; `order` puts the clauses of a
//! query in canonical order; `layout` decides what stands on one line. A list or query that was written on one line stays on one, if it
//! fits; all else breaks at its clauses. What comes out is parsed again: it has to be the same program, or nothing is said.

mod layout;
mod order;
mod tokens;

use crate::text::{Diagnostics, Source};

use super::ast::File;
use super::parse::parse;
use super::print::print;
use super::scan::scan;

/// Why a program has no canonical layout.
#[derive(Debug)]
pub enum FormatError {
    /// It cannot be parsed.
    Wrong(Diagnostics),
    /// What came out was another program: a defect, told instead of written.
    Changed,
}

/// The program in canonical layout. One that cannot be parsed has none; its mistakes are told.
pub fn format(source: &Source) -> Result<String, FormatError> {
    let (file, told) = parse(source);
    if told.has_errors() {
        return Err(FormatError::Wrong(told));
    }
    let formatted = laid_out(source.text(), true);
    if means_the_same(source, &file, &formatted) {
        return Ok(formatted);
    }
    // Where clauses read otherwise in another order, they stay in theirs.
    let formatted = laid_out(source.text(), false);
    if means_the_same(source, &file, &formatted) { Ok(formatted) } else { Err(FormatError::Changed) }
}

fn means_the_same(source: &Source, file: &File, formatted: &str) -> bool {
    let other = Source::new(source.name(), formatted);
    let (again, told) = parse(&other);
    !told.has_errors() && print(file, source) == print(&again, &other)
}

fn laid_out(text: &str, in_order: bool) -> String {
    let mut out = String::new();
    let mut end = 0;
    let scanned = scan(text);
    for piece in scanned.pieces {
        // A comment behind the statement before belongs to that, and has been put out.
        let start = piece.start.max(end);
        let head = start + leading(&text[start..piece.end]);
        put_between(&text[end..start], &text[start..head], &mut out);
        // Comments behind the last word are no part of the statement, whether its semicolon stands before or behind them.
        let behind = (piece.start + scanned.text[piece.start..piece.end].trim_end().len()).max(head);
        let (laid_out, mut comments) = statement(text, head, behind, in_order);
        let (others, tail) = trailing_comments(text, behind);
        comments.extend(others.iter().map(|comment| comment.trim_end().to_owned()));
        out.push_str(&laid_out);
        let before = if fit_on_a_line(&comments) { ' ' } else { '\n' };
        for comment in comments {
            out.push(before);
            out.push_str(&comment);
        }
        out.push('\n');
        end = tail;
    }
    put_between(&text[end..], "", &mut out);
    let kept = out.trim_end();
    if kept.is_empty() { String::new() } else { format!("{kept}\n") }
}

/// How long the blanks and comments at the beginning are.
fn leading(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let blanks = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len();
        match tokens::comment_length(&rest[blanks..]) {
            0 => return at + blanks,
            length => at += blanks + length,
        }
    }
}

/// The comments on the same line as what stands before them, and where they end; where there are none, `from`.
fn trailing_comments(text: &str, from: usize) -> (Vec<&str>, usize) {
    let line = text[from..].split('\n').next().unwrap_or_default();
    let (mut comments, mut at, mut end) = (Vec::new(), 0, 0);
    loop {
        at += line[at..].len() - line[at..].trim_start_matches(|c: char| c.is_whitespace() || c == ';').len();
        if at == line.len() {
            return (comments, from + end);
        }
        let length = tokens::comment_length(&text[from + at..]);
        // Those that more stands behind, or that go on on another line, belong to that.
        if length == 0 || at + length > line.len() {
            return (Vec::new(), from);
        }
        comments.push(&line[at..at + length]);
        at += length;
        end = at;
    }
}

/// Comments between statements, on lines of their own; of several empty lines one stays.
fn put_between(between: &str, leading: &str, out: &mut String) {
    let all = format!("{between}{leading}");
    let mut rest = all.trim_start_matches([';', '\u{feff}']);
    let mut is_first = true;
    loop {
        let text = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ';' || c == '\u{feff}');
        let newlines = rest[..rest.len() - text.len()].matches('\n').count();
        if !out.is_empty() && newlines >= if is_first && out.ends_with('\n') { 2 } else { 1 } + usize::from(!is_first) {
            out.push('\n');
        }
        let length = tokens::comment_length(text);
        if length == 0 {
            return;
        }
        out.push_str(text[..length].trim_end());
        out.push('\n');
        rest = &text[length..];
        is_first = false;
    }
}

/// A statement with its semicolon, and the comments that the order of its clauses has put last.
fn statement(text: &str, start: usize, end: usize, in_order: bool) -> (String, Vec<String>) {
    let mut tokens = tokens::read(text, start, end);
    if in_order {
        order::put_in_order(&mut tokens);
    }
    let comments = tokens::end_statement(&mut tokens);
    (layout::lay_out(&tokens), comments)
}

/// Whether comments can stand one behind the other: they end on the line on which they begin, and nothing follows one that a line end ends.
fn fit_on_a_line(comments: &[String]) -> bool {
    let has_line = |comment: &String| comment.starts_with("--");
    !comments.iter().any(|comment| comment.contains('\n')) && !comments.iter().rev().skip(1).any(has_line)
}

#[cfg(test)]
mod tests;
