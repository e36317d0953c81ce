//! A program to its tree and its mistakes: statement by statement, so that one mistake does not hide the next.

use pest::Parser as _;
use pest::error::{ErrorVariant, InputLocation};

use crate::text::{Diagnostic, Diagnostics, Source, Span};

use super::ast::{File, Statement};
use super::codes;
use super::expect::Failure;
use super::parse_grammar::{Grammar, Reader, Rule, expected, offset};
use super::scan::{Piece, scan};

/// How often one text without `;` is taken apart: each failure costs pest a copy of the line.
const SPLITS_MAX: u32 = 50;

/// The tree of a program, and all that is wrong with its form. A statement that cannot be read is left out of the tree, and told.
pub fn parse(source: &Source) -> (File, Diagnostics) {
    let mut file = File::default();
    let mut diagnostics = Diagnostics::default();
    if u32::try_from(source.text().len()).is_err() {
        diagnostics.push(Diagnostic::error(codes::TOO_LONG, Span::default(), "this program is 4 GiB or longer"));
        return (file, diagnostics);
    }
    let scan = scan(source.text());
    for mut piece in scan.pieces {
        match piece.broken.take() {
            Some(broken) => diagnostics.push(broken),
            None => parse_piece(&scan.text, &piece, &mut file.statements, &mut diagnostics),
        }
    }
    diagnostics.sort();
    (file, diagnostics)
}

/// The tree of statements that stand behind others, their places counted from `before` on, where all of them can be read.
pub fn parse_behind(text: &str, before: usize) -> Option<File> {
    let scan = scan(text);
    u32::try_from(before + text.len()).ok()?;
    let (mut file, mut told) = (File::default(), Diagnostics::default());
    for piece in scan.pieces {
        let is_read = piece.broken.is_none() && read(&scan.text, piece.start..piece.end, before, &mut file.statements, &mut told).is_ok();
        if !is_read || !told.is_empty() {
            return None;
        }
    }
    Some(file)
}

/// The statements of a text as they are written: each with the comments before it, and its `;`.
pub fn cuts(text: &str) -> Vec<std::ops::Range<usize>> {
    let pieces = scan(text).pieces.into_iter();
    pieces.map(|piece| piece.start..text.len().min(piece.end + usize::from(text[piece.end..].starts_with(';')))).collect()
}

/// Parses what stands between two `;`: one statement, or several where a `;` is missing.
fn parse_piece(text: &str, piece: &Piece, statements: &mut Vec<Statement>, diagnostics: &mut Diagnostics) {
    let mut start = piece.start;
    for count in 1.. {
        let failure = match read(text, start..piece.end, 0, statements, diagnostics) {
            Ok(()) => return,
            Err(error) => failure(text, start, piece, &error),
        };
        let Some(failure) = failure else {
            diagnostics.push(codes::too_deep(Span::new(offset(start), offset(piece.end))));
            return;
        };
        let next = failure.missing_semicolon().filter(|_| count < SPLITS_MAX);
        let diagnostic = failure.diagnostic();
        let Some(next) = next else {
            diagnostics.push(if count < SPLITS_MAX { diagnostic } else { diagnostic.hint("what follows up to the next `;` was not read") });
            return;
        };
        diagnostics.push(diagnostic);
        // The statement before the missing `;` is whole, for the parser would have taken its end here.
        if read(text, start..next, 0, statements, diagnostics).is_err() {
            return;
        }
        start = next;
    }
}

/// Parses one statement of a text that has so many bytes before it.
fn read(
    text: &str,
    place: std::ops::Range<usize>,
    before: usize,
    statements: &mut Vec<Statement>,
    diagnostics: &mut Diagnostics,
) -> Result<(), Box<pest::error::Error<Rule>>> {
    let mut reader = Reader::new(offset(before + place.start));
    let mut pairs = Grammar::parse(Rule::statement, &text[place]).map_err(Box::new)?;
    let pair = pairs.next().expect("a match of a rule has a pair");
    // An error here means that the reader has told why the statement is left out.
    statements.extend(reader.statement(&pair).ok());
    diagnostics.extend(reader.diagnostics);
    Ok(())
}

/// Where and why pest stopped; nothing if it ran out of stack.
fn failure<'t>(text: &'t str, start: usize, piece: &Piece, error: &pest::error::Error<Rule>) -> Option<Failure<'t>> {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => start + at,
    };
    let positives = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives,
        ErrorVariant::CustomError { .. } => return None,
    };
    let mut expected: Vec<_> = positives.iter().map(|rule| expected(*rule)).collect();
    expected.sort();
    Some(Failure { text, at, start, end: piece.end, unclosed: piece.unclosed, expected })
}
