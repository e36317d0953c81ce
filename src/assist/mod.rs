//! Help while a program is written: what is wrong with a text, what a word in it means, where it is defined, and what could stand next.
//!
//! In: the text of a program, whole or half-written. Out: plain answers with places in bytes; editors and protocols are the caller's business.
//! What a word means is read from the tree, so it needs a statement that parses; what could stand next is read from the words around the
//! place, because a program in which something is missing does not parse. Statements that are wrong do not spoil the others.

mod complete;
mod describe;
mod mentions;
mod words;

pub use complete::{Kind, Suggestion};
pub use describe::Description;

use crate::data::Schema;
use crate::engine::Engine;
use crate::semantics::{CheckOptions, Program, StreamDef, check};
use crate::syntax::ast::File;
use crate::syntax::parse;
use crate::text::{Diagnostics, Source, Span};
use mentions::Mention;

/// A text that has been looked at.
///
/// ```
/// use betide::assist::Analysis;
///
/// let text = "CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at;
/// SELECT p.card FROM PATTERN (Payment p -> Payment q) PARTITION BY card WITHIN 5m;";
/// let analysis = Analysis::new(text);
/// assert!(analysis.diagnostics().is_empty());
///
/// let card = text.find("p.card").unwrap() + 2;
/// assert!(analysis.describe(card).unwrap().markdown.contains("card STRING"));
/// let definition = analysis.definition(card).unwrap();
/// assert_eq!(&text[definition.start as usize..definition.end as usize], "card");
///
/// let suggestions = analysis.complete(card);
/// assert_eq!(suggestions.iter().map(|s| s.label.as_str()).collect::<Vec<_>>(), ["card", "amount", "at"]);
/// ```
#[derive(Debug)]
pub struct Analysis {
    source: Source,
    file: File,
    program: Program,
    diagnostics: Diagnostics,
    mentions: Vec<Mention>,
}

/// A definition of the program, for an outline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The stream's, table's or parameter's name; a query without one is called `SELECT`.
    pub name: String,
    /// The whole statement.
    pub statement: Span,
    /// The name in it, or its first word.
    pub selection: Span,
}

impl Analysis {
    /// Looks at a program. Parameters without a default are mistakes here.
    pub fn new(text: &str) -> Self {
        let source = Source::new("program", text);
        let (file, _) = parse(&source);
        let (program, _) = check(&file, &CheckOptions::default());
        let diagnostics = match Engine::compile(text) {
            Ok(engine) => engine.warnings().clone(),
            Err(mistakes) => mistakes,
        };
        let mut analysis = Self { source, file, program, diagnostics, mentions: Vec::new() };
        analysis.mentions = mentions::of(&analysis);
        analysis
    }

    /// All mistakes and warnings, in the order of the text.
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// What the word at this byte means; nothing where it means nothing.
    pub fn describe(&self, at: usize) -> Option<Description> {
        describe::describe(self, at)
    }

    /// Where the name at this byte is defined: its stream, column, step or parameter.
    pub fn definition(&self, at: usize) -> Option<Span> {
        self.mention(at).and_then(|mention| mention.defined)
    }

    /// What could stand at this byte; a word that has been begun there counts.
    pub fn complete(&self, at: usize) -> Vec<Suggestion> {
        complete::complete(self, at)
    }

    /// What the program defines, in order.
    pub fn symbols(&self) -> Vec<Symbol> {
        self.file.statements.iter().map(mentions::symbol).collect()
    }

    /// The text that was looked at.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    fn mention(&self, at: usize) -> Option<&Mention> {
        self.mentions.iter().find(|mention| mention.span.start as usize <= at && at <= mention.span.end as usize)
    }

    fn stream(&self, name: &str) -> Option<&StreamDef> {
        self.program.streams.iter().find(|stream| *stream.name == *name)
    }

    fn schema(&self, stream: &str) -> Option<&Schema> {
        self.stream(stream).map(|stream| &*stream.schema)
    }
}

#[cfg(test)]
mod tests;
