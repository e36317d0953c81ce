//! Statements that are added to a running program, and dropped from it, without touching the others.
//!
//! What the program is to be is found from what it is, or by compiling its text anew (`next`); what both programs have goes on
//! (`runtime::exchange`). What leaves, and which statement comes before which, was decided when a statement came and stays so.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use super::compile;
use super::next::{Base, Matched, Next, is_ended};
use super::rows::Output;
use super::{ChangeError, Engine, Error};
use crate::plan::{OperatorGraph, Outputs, fingerprints, streams_of};
use crate::runtime::{Exchange, Origin, exchange};
use crate::semantics::{self, Program, StreamId};
use crate::syntax::ast::StatementKind;
use crate::syntax::{cuts, parse};
use crate::text::{Diagnostic, Diagnostics, Label, Source, Span};

/// The number of a statement of an engine, from 1: it never changes, and no other statement gets it. Rows that are certain at one moment
/// leave in the order of these numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatementId(u64);

impl fmt::Display for StatementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A statement of a program as it runs now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunningStatement<'e> {
    /// Its number.
    pub id: StatementId,
    /// The stream or view that it makes, or that its rows go to; an unnamed output has none.
    pub stream: Option<&'e str>,
    /// How it is written, with the comments before it.
    pub text: &'e str,
}

/// What is known of the statements beyond their text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Changing {
    /// By statement of the program, its number: they rise.
    ids: Vec<u64>,
    /// The number of the next one.
    next: u64,
    /// The streams that leave.
    pub(super) leaving: BTreeSet<String>,
    /// A statement may be written behind the text as it is; false as well where none ever will be.
    is_ended: bool,
}

impl Changing {
    /// Of a program that is compiled from the beginning.
    pub(super) fn new(text: &str, program: &Program, graph: &OperatorGraph, is_open: bool) -> Self {
        let count = program.statements.len() as u64;
        let leaving = graph.outputs().iter().filter_map(|output| output.name.as_deref().map(str::to_owned)).collect();
        Self { ids: (1..=count).collect(), next: count + 1, leaving, is_ended: is_open && is_ended(text) }
    }

    /// What a snapshot says of them.
    pub(super) fn origin(&self, text: &str) -> Origin {
        Origin { text: text.to_owned(), statements: self.ids.clone(), next: self.next, leaving: self.leaving.clone() }
    }

    /// As a snapshot says.
    pub(super) fn follow(&mut self, origin: &Origin) {
        if origin.statements.len() == self.ids.len() {
            self.ids.clone_from(&origin.statements);
            self.next = origin.next;
        }
    }
}

impl Engine {
    /// The statements of the program as it is now, in their order. Declarations are not among them.
    pub fn statements(&self) -> impl Iterator<Item = RunningStatement<'_>> {
        let places = places(self.source.text(), &self.program);
        self.program.statements.iter().zip(&self.changing.ids).zip(places).map(|((statement, &id), place)| RunningStatement {
            id: StatementId(id),
            stream: statement.output_stream().map(|stream| name_of(&self.program, stream)),
            text: self.source.text()[place].trim(),
        })
    }

    /// Adds statements to the running program, behind those that it has; gives their numbers. The others are not touched: their rows are the
    /// same, byte for byte, as if nothing had been added. For an engine that was compiled with [`crate::Options::open`].
    ///
    /// A new statement sees the events that stand at or behind the watermark, as it is at this call: those that wait for it as well as those
    /// still to be pushed, and none of those that the watermark has passed. Of a derived stream it sees the rows that come out from now on
    /// (in some of them earlier events may have had a part), and in a view the rows that are there now.
    ///
    /// The text may have queries: `CREATE STREAM … AS`, `CREATE TABLE … AS`, `INSERT INTO`, `SELECT`. Sources, reference tables and
    /// parameters are declared when the engine is compiled. Rows may be inserted into a stream that is there already where no statement reads
    /// it. A new stream leaves if no statement reads it; one that has left before goes on to leave, whoever comes to read it.
    ///
    /// On an error nothing has changed. Nothing is pushed meanwhile. Only the text that is added is read, checked and planned; where it has
    /// mistakes, or adds rows to a stream that is there, the whole program is.
    ///
    /// # Errors
    /// Mistakes in the text, with their places; what the engine cannot do while it runs ([`ChangeError`]); and an engine that has failed, or
    /// whose input is over.
    ///
    /// ```
    /// use betide::{Engine, Options};
    ///
    /// let declared = "CREATE STREAM Payment (card STRING, amount FLOAT);";
    /// let mut engine = Engine::with_options(declared, &Options { open: true, ..Options::default() })?;
    /// engine.push_json(b"{\"card\":\"a\",\"amount\":900}\n")?;
    /// let added = engine.add("CREATE STREAM Large AS SELECT card FROM Payment WHERE amount > 500;")?;
    /// engine.push_json(b"{\"card\":\"b\",\"amount\":800}\n")?;
    /// engine.drop_statement(added[0])?;
    /// engine.push_json(b"{\"card\":\"c\",\"amount\":700}\n")?;
    /// engine.finish()?;
    /// let rows: Vec<String> = engine.take_rows().iter().map(|row| row.to_json()).collect();
    /// assert_eq!(rows, [r#"{"stream":"Large","card":"b"}"#]);
    /// # Ok::<(), betide::Error>(())
    /// ```
    pub fn add(&mut self, text: &str) -> Result<Vec<StatementId>, Error> {
        if cuts(text).is_empty() {
            self.check_open()?;
            return Err(ChangeError::Nothing.into());
        }
        self.replace(&[], text)
    }

    /// Drops a statement and what it holds. Rows of it that are certain can still be taken; those that are not do not come any more, and none
    /// is made up to close what was open. The others are not touched. A statement whose stream others read is refused, with their names.
    ///
    /// Names that no statement makes any more may be used again. For an example see [`Engine::add`].
    ///
    /// # Errors
    /// [`ChangeError`]: no such statement, or one that others read; and an engine that has failed, or whose input is over.
    pub fn drop_statement(&mut self, statement: StatementId) -> Result<(), Error> {
        self.replace(&[statement], "").map(drop)
    }

    /// Drops the statements whose rows go to this stream, or the one that makes this view: see [`Engine::drop_statement`].
    ///
    /// # Errors
    /// The same, where no statement makes such a stream.
    pub fn drop_stream(&mut self, name: &str) -> Result<(), Error> {
        self.check_open()?;
        let found: Vec<StatementId> = self.statements().filter(|statement| statement.stream == Some(name)).map(|s| s.id).collect();
        if found.is_empty() {
            return Err(ChangeError::Unknown(format!("statement that makes a stream `{name}`")).into());
        }
        self.replace(&found, "").map(drop)
    }

    /// Drops statements and adds others in their place, both or neither: see [`Engine::add`] and [`Engine::drop_statement`]. A new statement
    /// begins anew, whatever it is called, and stands behind all others.
    ///
    /// # Errors
    /// Those of both; nothing has changed then.
    ///
    /// ```
    /// use betide::{Engine, Options};
    ///
    /// let program = "CREATE STREAM Reading (site STRING, heat FLOAT); CREATE STREAM Hot AS SELECT site FROM Reading WHERE heat > 30;";
    /// let mut engine = Engine::with_options(program, &Options { open: true, ..Options::default() })?;
    /// let hot = engine.statements().next().map(|statement| statement.id).into_iter().collect::<Vec<_>>();
    /// engine.replace(&hot, "CREATE STREAM Hot AS SELECT site, heat FROM Reading WHERE heat > 40;")?;
    /// assert!(engine.source().text().contains("heat > 40") && !engine.source().text().contains("heat > 30"));
    /// # Ok::<(), betide::Error>(())
    /// ```
    pub fn replace(&mut self, statements: &[StatementId], text: &str) -> Result<Vec<StatementId>, Error> {
        self.check_open()?;
        self.check_declares(text)?;
        let dropped = self.positions(statements)?;
        let before = &self.program.statements;
        let kept: Vec<usize> = (0..before.len()).filter(|statement| !dropped.contains(statement)).collect();
        check_readers(&self.program, &dropped, &kept)?;

        let cut = self.places_of(&dropped);
        let (source, first) = self.text_without(&cut, text);
        let base = if cut.is_empty() { Some(Base::of(self)) } else { Base::without(self, &dropped, &cut) };
        let Next { planned, after, matched, leaving } = match base.and_then(|base| base.with(text, first, &self.options)) {
            Some(next) => next,
            None => self.anew(&source, first, text, &kept)?,
        };

        let change = Exchange { after: &planned.graph, nodes: &matched.nodes, outputs: &matched.outputs };
        let retired = self.running.guarded(|running| running.catch_up().and_then(|()| exchange(running, change)))?;
        let outputs = planned.graph.outputs().iter().zip(&after.outputs).map(|(output, &of)| Output::new(output, Some(of)));
        let retired = retired.iter().map(|&output| self.outputs[output].known_as(self.fingerprint_of(output)));
        self.outputs = outputs.chain(retired).collect();
        let added = planned.program.statements.len() - kept.len();
        let new = self.changing.next..self.changing.next + added as u64;
        let ids = kept.iter().map(|&statement| self.changing.ids[statement]).chain(new.clone()).collect();
        let is_ended = if dropped.is_empty() { is_ended(text) } else { is_ended(source.text()) };
        self.changing = Changing { ids, next: new.end, leaving, is_ended };
        self.source = source;
        self.program = planned.program;
        self.graph = planned.graph;
        self.warnings = planned.warnings;
        self.fingerprints = OnceLock::from(after);
        Ok(new.map(StatementId).collect())
    }

    /// Compiles the whole program, the first statements of which are those that stay.
    fn anew(&self, source: &Source, first: usize, text: &str, kept: &[usize]) -> Result<Next, Error> {
        let mut leaves = BTreeSet::new();
        let outputs = |program: &Program| {
            leaves = leaving(&self.changing.leaving, &self.program, program, kept.len());
            Outputs::Chosen(leaves.clone(), self.options.outputs.is_empty())
        };
        let planned = compile::planned(source, &self.options, outputs).map_err(|told| in_added_text(told, source, first, text))?;
        check_feeds(&planned.program, &self.program, kept.len())?;
        let after = fingerprints(&planned.graph, &self.options.type_field);
        let matched = Matched::find(self, &planned, &after, kept)?;
        Ok(Next { planned, after, matched, leaving: leaves })
    }

    fn check_open(&self) -> Result<(), ChangeError> {
        if self.options.open { Ok(()) } else { Err(ChangeError::NotOpen) }
    }

    /// Whether the text can be read, and has statements alone that belong to nobody else.
    fn check_declares(&self, text: &str) -> Result<(), Error> {
        let source = Source::new(self.options.name.clone(), text);
        let (file, diagnostics) = parse(&source);
        if diagnostics.has_errors() {
            return Err(Error::Query { diagnostics, source });
        }
        for statement in &file.statements {
            let what = match &statement.kind {
                StatementKind::Set { .. } => "parameter",
                StatementKind::CreateSource(_) => "source stream",
                StatementKind::CreateTable { .. } => "reference table",
                StatementKind::CreateStream { .. }
                | StatementKind::CreateView { .. }
                | StatementKind::Insert { .. }
                | StatementKind::Query(_) => continue,
            };
            return Err(ChangeError::Declares(what, source.line_of(statement.span.start)).into());
        }
        Ok(())
    }

    /// Which statements of the program these are.
    fn positions(&self, statements: &[StatementId]) -> Result<BTreeSet<usize>, ChangeError> {
        let position =
            |id: &StatementId| self.changing.ids.binary_search(&id.0).map_err(|_| ChangeError::Unknown(format!("statement {id}")));
        statements.iter().map(position).collect()
    }

    /// Where these statements stand in the text.
    fn places_of(&self, statements: &BTreeSet<usize>) -> Vec<Range<usize>> {
        if statements.is_empty() {
            return Vec::new();
        }
        let places = places(self.source.text(), &self.program).into_iter().enumerate();
        places.filter(|(number, _)| statements.contains(number)).map(|(_, place)| place).collect()
    }

    /// The text of the program without these places and with others behind; and where these begin.
    fn text_without(&self, cut: &[Range<usize>], added: &str) -> (Source, usize) {
        let before = self.source.text();
        let mut text = String::with_capacity(before.len() + added.len() + 3);
        let mut end = 0;
        for place in cut {
            text.push_str(&before[end..place.start]);
            end = place.end;
        }
        text.push_str(&before[end..]);
        if !added.trim().is_empty() {
            let is_ended = if cut.is_empty() { self.changing.is_ended } else { is_ended(&text) };
            text.push_str(if is_ended { "\n" } else { "\n;\n" });
        }
        let first = text.len();
        text.push_str(added);
        (Source::new(self.source.name(), text), first)
    }
}

/// Where each statement of a program stands in its text, with the comments before it and its `;`.
fn places(text: &str, program: &Program) -> Vec<Range<usize>> {
    let cuts = cuts(text);
    let place = |statement: &semantics::Statement| {
        let start = usize::try_from(statement.span.start).unwrap_or(usize::MAX);
        let next = cuts.partition_point(|cut| cut.end <= start);
        cuts.get(next).cloned().unwrap_or(text.len()..text.len())
    };
    program.statements.iter().map(|statement| place(statement)).collect()
}

pub(super) fn name_of(program: &Program, stream: StreamId) -> &str {
    &program.streams[stream.0 as usize].name
}

pub(super) fn name_of_statement(program: &Program, statement: usize) -> String {
    match program.statements[statement].output_stream() {
        Some(stream) => format!("`{}`", name_of(program, stream)),
        None => format!("the unnamed statement {}", statement + 1),
    }
}

/// The statements among these that read a stream.
pub(super) fn readers(program: &Program, stream: &str, among: impl Iterator<Item = usize>) -> Vec<String> {
    let reads = |&statement: &usize| streams_of(&program.statements[statement].query).iter().any(|&read| name_of(program, read) == stream);
    among.filter(reads).map(|statement| name_of_statement(program, statement)).collect()
}

/// Statements that stay read nothing that is dropped.
fn check_readers(program: &Program, dropped: &BTreeSet<usize>, kept: &[usize]) -> Result<(), ChangeError> {
    for stream in dropped.iter().flat_map(|&statement| program.statements[statement].feeds()) {
        let stream = name_of(program, stream);
        let readers = readers(program, stream, kept.iter().copied());
        if !readers.is_empty() {
            return Err(ChangeError::IsRead { stream: stream.to_owned(), readers });
        }
    }
    Ok(())
}

/// Statements behind the first `kept`, which are new, feed no stream from before that those read.
fn check_feeds(program: &Program, before: &Program, kept: usize) -> Result<(), ChangeError> {
    for stream in program.statements[kept..].iter().flat_map(|statement| statement.feeds()) {
        let stream = name_of(program, stream);
        let readers = readers(program, stream, 0..kept);
        if !readers.is_empty() && before.streams.iter().any(|known| &*known.name == stream) {
            return Err(ChangeError::Feeds { stream: stream.to_owned(), readers });
        }
    }
    Ok(())
}

/// The streams that leave: those that did, and of those that only the new statements make (behind the first `kept`) the ones that nobody reads.
fn leaving(before: &BTreeSet<String>, old: &Program, program: &Program, kept: usize) -> BTreeSet<String> {
    let there: BTreeSet<&str> = program.streams.iter().map(|stream| &*stream.name).collect();
    let is_old = |name: &str| old.streams.iter().any(|stream| &*stream.name == name);
    let stays =
        |name: &str| program.statements[..kept].iter().flat_map(|statement| statement.feeds()).any(|fed| name_of(program, fed) == name);
    let mut leaving: BTreeSet<String> = before.iter().filter(|name| there.contains(name.as_str())).cloned().collect();
    for stream in program.statements[kept..].iter().flat_map(|statement| statement.feeds()) {
        let definition = &program.streams[stream.0 as usize];
        let name = &*definition.name;
        if definition.table.is_some() || is_old(name) && (stays(name) || definition.source.is_some()) {
            continue;
        }
        if readers(program, name, 0..program.statements.len()).is_empty() {
            leaving.insert(name.to_owned());
        } else {
            leaving.remove(name);
        }
    }
    leaving
}

/// Diagnostics as the one sees them who wrote the added text, where they are about that alone.
fn in_added_text(told: Diagnostics, source: &Source, first: usize, added: &str) -> Error {
    let whole = || Error::Query { diagnostics: told.clone(), source: source.clone() };
    let Ok(first) = u32::try_from(first) else { return whole() };
    let is_inside = |label: &Label| label.span.start >= first;
    if !told.iter().all(|diagnostic| is_inside(&diagnostic.primary) && diagnostic.related.iter().all(is_inside)) {
        return whole();
    }
    let shift = |label: &mut Label| label.span = Span::new(label.span.start - first, label.span.end.max(first) - first);
    let mut diagnostics = Diagnostics::default();
    for diagnostic in told.iter() {
        let mut diagnostic: Diagnostic = diagnostic.clone();
        shift(&mut diagnostic.primary);
        diagnostic.related.iter_mut().for_each(shift);
        diagnostics.push(diagnostic);
    }
    Error::Query { diagnostics, source: Source::new(source.name(), added) }
}
