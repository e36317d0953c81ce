//! Values, events and terms as they are said: by the words of the program, with the line that an event came from.

use super::answer::{Event, Term};
use super::lines::Lines;
use crate::data::{Schema, Value};
use crate::expr::{Expr, ExprKind};
use crate::pattern::trace::FalseTerm;
use crate::plan::OperatorGraph;
use crate::semantics::Program as Checked;
pub(super) use crate::text::grouped;
use crate::text::{Source, Span};

/// A program, as its answers speak of it.
#[derive(Debug)]
pub(crate) struct Program<'p> {
    pub(crate) graph: &'p OperatorGraph,
    pub(crate) checked: &'p Checked,
    pub(crate) source: &'p Source,
    /// The path of the field that tells types.
    pub(crate) type_field: &'p [String],
}

impl Program<'_> {
    /// Where a term is written, inside a statement.
    fn place_of(&self, term: &Expr, statement: Span) -> Option<Span> {
        // They stand in the order of the text.
        let written = &self.checked.written;
        let first = written.partition_point(|(_, span)| span.start < statement.start);
        let inside =
            || written[first..].iter().take_while(|(_, span)| span.start < statement.end).filter(|(_, span)| span.end <= statement.end);
        let find = |term: &Expr| inside().find(|(expr, _)| expr == term).map(|(_, span)| *span);
        // A term that waits for the last of several variables stands behind guards; and parts may have been folded since.
        let unguarded = || match term.kind() {
            ExprKind::Or => term.args().last().and_then(find),
            _ => None,
        };
        let folded = || inside().find(|(expr, _)| expr.fold() == *term).map(|(_, span)| *span);
        find(term).or_else(unguarded).or_else(folded)
    }

    /// A term as it is written in a statement, on one line, where that is known.
    pub(crate) fn written(&self, term: &Expr, statement: Span) -> Option<String> {
        self.place_of(term, statement).and_then(|span| self.text(span)).map(one_line)
    }

    /// A term as it is written; `words` says it otherwise where that is not known.
    pub(super) fn term(&self, found: &FalseTerm, statement: Span, words: &dyn Fn(&Expr) -> String) -> Term {
        let span = self.place_of(&found.term, statement);
        let text = span.and_then(|span| self.text(span)).map(one_line).unwrap_or_else(|| words(&found.term));
        let values = found.values.iter().map(|(expr, value)| (words(expr), literal(value)));
        Term {
            text,
            line: span.map(|span| self.source.line_of(span.start)),
            span: span.map(|span| (span.start, span.end)),
            values: values.collect(),
            true_for: None,
        }
    }

    fn text(&self, span: Span) -> Option<&str> {
        let byte = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        self.source.text().get(byte(span.start)..byte(span.end))
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A value as the language writes it.
pub(super) fn literal(value: &Value<'_>) -> String {
    match value {
        Value::Timestamp(time) => time.to_string(),
        Value::Duration(span) => span.to_string(),
        other => Expr::literal(other.borrowed().into_owned()).to_string(),
    }
}

/// A value as it is written where its type is known: texts without quotes.
pub(super) fn text_of(value: &Value<'_>) -> String {
    match value {
        Value::String(text) | Value::Json(text) => text.to_string(),
        other => literal(other),
    }
}

/// These columns of a row, by name.
pub(super) fn columns(schema: &Schema, shown: &[usize], value: impl Fn(usize) -> Value<'static>) -> Vec<(String, String)> {
    shown.iter().map(|column| (schema.fields()[*column].name.to_string(), literal(&value(*column)))).collect()
}

/// An event at a place.
pub(super) fn event(lines: &Lines, place: crate::data::Place, stream: &str, values: Vec<(String, String)>) -> Event {
    let line = if place.is_source() { lines.at(place.position()) } else { None };
    let (input, line) = match line {
        Some(line) => {
            let (input, line) = lines.of_input(line);
            (input.map(str::to_owned), Some(line))
        }
        None => (None, None),
    };
    Event { input, line, time: place.time().to_string(), stream: stream.to_owned(), values }
}

/// `line 12`, with the input where there are several; `the row of …` for one that is derived.
pub(super) fn where_is(event: &Event) -> String {
    match (&event.input, event.line) {
        (Some(input), Some(line)) => format!("{input}:{line}"),
        (None, Some(line)) => format!("line {line}"),
        (_, None) => format!("the row of {}", event.time),
    }
}

/// `1 run`, `2 runs`
pub(super) fn counted(count: u64, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {several}", grouped(count)) }
}
