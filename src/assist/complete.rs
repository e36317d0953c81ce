//! What could stand at a place: streams where a stream is read, columns behind a variable's dot, otherwise columns, variables, functions and
//! the words of the language. Read from the words around the place, so that a half-written statement is no hindrance.

use std::collections::BTreeSet;

use super::Analysis;
use super::words::{Word, statement_around};
use crate::expr::{aggregates, functions};
use crate::syntax::keywords;

/// Something that could stand at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The word to write.
    pub label: String,
    /// What it is.
    pub kind: Kind,
    /// Its type, declaration or signature; empty where there is none.
    pub detail: String,
}

/// What a suggestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A stream or table.
    Stream,
    /// A column.
    Column,
    /// A step of the pattern or an alias.
    Variable,
    /// A function or aggregate.
    Function,
    /// A parameter.
    Parameter,
    /// A word of the language.
    Keyword,
}

/// Behind these words and signs a stream is named.
const BEFORE_A_STREAM: [&str; 9] = ["FROM", "JOIN", "INTO", "->", "->>", "!", "&", "|", "UNTIL"];

pub(super) fn complete(analysis: &Analysis, at: usize) -> Vec<Suggestion> {
    let (words, is_blank) = statement_around(analysis.text(), at);
    if is_blank {
        return Vec::new();
    }
    let keywords = keywords();
    let members = members(analysis, &words, keywords);
    // The word that has been begun is no context for itself.
    let before: Vec<Word<'_>> = words.iter().copied().filter(|word| word.end() < at || word.end() == at && !word.is_name()).collect();
    let begun = words.iter().find(|word| word.start < at && at <= word.end() && word.text.starts_with('$'));
    match before.as_slice() {
        _ if begun.is_some() => parameters(analysis),
        [.., qualifier, dot] if dot.text == "." && qualifier.is_name() => columns_of(analysis, &members, qualifier.name()),
        [.., last] if last.text == "$" => parameters(analysis),
        [.., last] if is_before_a_stream(&before, last) => streams(analysis),
        _ => anything(analysis, &members, keywords),
    }
}

fn is_before_a_stream(before: &[Word<'_>], last: &Word<'_>) -> bool {
    let in_pattern = || {
        let opened = before.iter().rposition(|word| word.is("PATTERN"));
        opened.is_some_and(|opened| depth(&before[opened..]) > 0)
    };
    BEFORE_A_STREAM.iter().any(|word| last.is(word)) && (!matches!(last.text, "!" | "&" | "|") || in_pattern())
        || matches!(last.text, "(" | ",") && in_pattern() && !before.iter().any(|word| word.is("MATCH_RECOGNIZE"))
}

fn depth(words: &[Word<'_>]) -> usize {
    let opened = words.iter().filter(|word| word.text == "(").count();
    opened.saturating_sub(words.iter().filter(|word| word.text == ")").count())
}

/// The streams that a statement names, under the names that it gives them: `Payment p`, `Payment[…] AS p`, `Payment`.
fn members(analysis: &Analysis, words: &[Word<'_>], keywords: &[String]) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let is_qualified = index > 0 && words[index - 1].text == ".";
        if is_qualified || !word.is_name() || analysis.stream(word.name()).is_none() {
            continue;
        }
        let behind = &words[index + 1..];
        let behind = match behind.first() {
            Some(open) if open.text == "[" => behind.iter().position(|word| word.text == "]").map_or(&[][..], |close| &behind[close + 1..]),
            _ => behind,
        };
        let behind = &behind[usize::from(behind.first().is_some_and(|word| word.is("AS")))..];
        let alias = behind.first().filter(|word| word.is_name() && !keywords.iter().any(|keyword| word.is(keyword)));
        let name = alias.map_or_else(|| word.name(), |alias| alias.name()).to_owned();
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, word.name().to_owned()));
        }
    }
    found
}

fn streams(analysis: &Analysis) -> Vec<Suggestion> {
    let of = |stream: &crate::semantics::StreamDef| {
        let columns: Vec<&str> = stream.schema.fields().iter().map(|field| &*field.name).collect();
        Suggestion { label: stream.name.to_string(), kind: Kind::Stream, detail: format!("({})", columns.join(", ")) }
    };
    analysis.program.streams.iter().map(of).collect()
}

fn columns_of(analysis: &Analysis, members: &[(String, String)], variable: &str) -> Vec<Suggestion> {
    let stream = members.iter().find(|(name, _)| name == variable).map_or(variable, |(_, stream)| stream);
    let fields = analysis.schema(stream).into_iter().flat_map(|schema| schema.fields());
    fields.map(|field| Suggestion { label: field.name.to_string(), kind: Kind::Column, detail: field.data_type.to_string() }).collect()
}

fn parameters(analysis: &Analysis) -> Vec<Suggestion> {
    let names = analysis.symbols().into_iter().filter(|symbol| symbol.name.starts_with('$'));
    names.map(|symbol| Suggestion { label: symbol.name, kind: Kind::Parameter, detail: String::new() }).collect()
}

fn anything(analysis: &Analysis, members: &[(String, String)], keywords: &[String]) -> Vec<Suggestion> {
    let mut found: Vec<Suggestion> = Vec::new();
    let mut known: BTreeSet<(Kind, String)> = BTreeSet::new();
    let mut add = |suggestion: Suggestion| {
        if known.insert((suggestion.kind, suggestion.label.clone())) {
            found.push(suggestion);
        }
    };
    for (name, stream) in members {
        columns_of(analysis, members, name).into_iter().for_each(&mut add);
        add(Suggestion { label: name.clone(), kind: Kind::Variable, detail: stream.clone() });
    }
    let named = functions::all().filter(|function| function.name.starts_with(char::is_alphabetic));
    let signatures = aggregates::all().map(|a| (a.name, a.signature)).chain(named.map(|f| (f.name, f.signature)));
    signatures.for_each(|(name, signature)| {
        add(Suggestion { label: name.to_owned(), kind: Kind::Function, detail: signature.to_owned() });
    });
    let words = keywords.iter().map(|word| Suggestion { label: word.clone(), kind: Kind::Keyword, detail: String::new() });
    words.for_each(&mut add);
    found
}
