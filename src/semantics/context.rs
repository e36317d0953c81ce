//! What every part of the checker shares: the list of mistakes, the parameters, and the streams and `WITH` names in view.
//!
//! A mistake is told once, where it is found; what depends on it gets [`Reported`] and stays silent. So a misspelt name gives one message,
//! however often the stream or column that it should have made is used.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::codes;
use super::options::CheckOptions;
use super::refusal::listed;
use super::typed::{Query, StreamId};
use crate::data::Schema;
use crate::expr::Expr;
use crate::expr::aggregates::CustomAggregate;
use crate::syntax::ast::Name;
use crate::text::{Diagnostic, Diagnostics, Span, nearest};

/// The proof that a mistake has been told (here or where it was made).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reported(());

/// Something that reads rows: what FROM and the steps of a pattern name.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// Where its rows come from.
    pub(crate) query: Query,
    /// The columns that are known to hold the row's own event time.
    pub(crate) time_columns: Vec<usize>,
}

/// What is known of a name that stands for a stream.
#[derive(Debug, Clone)]
enum Known {
    /// Its columns, and which of them hold the event time.
    Stream(StreamId, Arc<Schema>, Vec<usize>),
    /// A name of WITH.
    Query(Box<Relation>),
    /// A table and its columns.
    Table(StreamId, Arc<Schema>),
    /// Defined, but wrongly.
    Poisoned,
}

/// The value of a parameter.
#[derive(Debug, Clone)]
pub(crate) enum Parameter {
    /// Its value as a literal.
    Known(Expr),
    /// Given, but wrongly.
    Poisoned,
}

/// The shared state of a check.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// What was asked of the checker.
    pub(crate) options: &'a CheckOptions,
    diagnostics: Diagnostics,
    parameters: BTreeMap<String, Parameter>,
    streams: BTreeMap<String, Known>,
    with: Vec<(String, Known)>,
    written: Vec<(Expr, Span)>,
    own_calls: Vec<Arc<CustomAggregate>>,
}

impl Reported {
    /// For a mistake that has been told elsewhere, as by a stage before.
    pub(crate) fn elsewhere() -> Self {
        Self(())
    }
}

impl Relation {
    /// A query whose rows have no column that is known to be their event time.
    pub(crate) fn timeless(query: Query) -> Self {
        Self { query, time_columns: Vec::new() }
    }

    /// Its columns.
    pub(crate) fn schema(&self) -> &Arc<Schema> {
        &self.query.schema
    }
}

impl<'a> Context<'a> {
    /// Nothing known yet.
    pub(crate) fn new(options: &'a CheckOptions) -> Self {
        let (diagnostics, parameters, streams) = (Diagnostics::default(), BTreeMap::new(), BTreeMap::new());
        Self { options, diagnostics, parameters, streams, with: Vec::new(), written: Vec::new(), own_calls: Vec::new() }
    }

    /// Tells an error.
    pub(crate) fn error(&mut self, diagnostic: Diagnostic) -> Reported {
        self.diagnostics.push(diagnostic);
        Reported(())
    }

    /// Tries something; what it tells is forgotten.
    pub(crate) fn silently<T>(&mut self, try_: impl FnOnce(&mut Self) -> T) -> T {
        let (told, parameters) = (std::mem::take(&mut self.diagnostics), self.parameters.clone());
        let result = try_(self);
        (self.diagnostics, self.parameters) = (told, parameters);
        result
    }

    /// Keeps where an expression is written, if that was asked for.
    pub(crate) fn note_place(&mut self, expr: &Expr, span: Span) {
        if self.options.keeps_places {
            self.written.push((expr.clone(), span));
        }
    }

    /// Every expression that was noted, in the order of the text.
    pub(crate) fn take_written(&mut self) -> Vec<(Expr, Span)> {
        let mut written = std::mem::take(&mut self.written);
        written.sort_by_key(|(_, span)| span.start);
        written
    }

    /// A call of an aggregate of the user's own; equal ones are one, and so their states are of one call.
    pub(crate) fn own_call(&mut self, call: CustomAggregate) -> Arc<CustomAggregate> {
        if let Some(known) = self.own_calls.iter().find(|known| ***known == call) {
            return known.clone();
        }
        let call = Arc::new(call);
        self.own_calls.push(call.clone());
        call
    }

    /// Tells a warning.
    pub(crate) fn warn(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Tells that something is part of the language, but not of this engine yet.
    pub(crate) fn not_supported(&mut self, span: Span, what: &str, instead: String) -> Reported {
        self.error(Diagnostic::error(codes::NOT_SUPPORTED, span, format!("{what} is not supported yet")).hint(instead))
    }

    /// All that has been told, in the order of the text.
    pub(crate) fn into_diagnostics(mut self) -> Diagnostics {
        self.diagnostics.sort();
        self.diagnostics
    }

    /// Gives a parameter its value.
    pub(crate) fn define_parameter(&mut self, name: &str, value: Parameter) {
        self.parameters.insert(name.to_owned(), value);
    }

    /// All parameters.
    pub(crate) fn take_parameters(&mut self) -> BTreeMap<String, Parameter> {
        std::mem::take(&mut self.parameters)
    }

    /// The parameter of this name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters.get(name)
    }

    /// The names of all parameters.
    pub(crate) fn parameter_names(&self) -> impl Iterator<Item = &str> {
        self.parameters.keys().map(String::as_str)
    }

    /// Makes a stream known; without a schema it is known to be wrong.
    pub(crate) fn define_stream(&mut self, name: &str, id: StreamId, schema: Option<(Arc<Schema>, Vec<usize>)>) {
        let known = schema.map_or(Known::Poisoned, |(schema, times)| Known::Stream(id, schema, times));
        self.streams.insert(name.to_owned(), known);
    }

    /// Makes a table known.
    pub(crate) fn define_table(&mut self, name: &str, id: StreamId, schema: Arc<Schema>) {
        self.streams.insert(name.to_owned(), Known::Table(id, schema));
    }

    /// The table of this name, where it stands for one.
    pub(crate) fn table(&self, name: &Name) -> Option<(StreamId, Arc<Schema>)> {
        match self.known(name) {
            Some(Known::Table(id, schema)) => Some((*id, schema.clone())),
            Some(Known::Stream(..) | Known::Query(_) | Known::Poisoned) | None => None,
        }
    }

    /// Makes a name of WITH known until [`Context::leave_with`].
    pub(crate) fn enter_with(&mut self, name: &str, relation: Result<Relation, Reported>) {
        let known = relation.map_or(Known::Poisoned, |relation| Known::Query(Box::new(relation)));
        self.with.push((name.to_owned(), known));
    }

    /// How many names of WITH are in view.
    pub(crate) fn with_depth(&self) -> usize {
        self.with.len()
    }

    /// Forgets the names of WITH that came after this depth.
    pub(crate) fn leave_with(&mut self, depth: usize) {
        self.with.truncate(depth);
    }

    /// What a name in FROM or in a pattern stands for.
    pub(crate) fn relation(&mut self, name: &Name) -> Result<Relation, Reported> {
        match self.known(name) {
            Some(Known::Stream(id, schema, times)) => {
                Ok(Relation { query: Query::of_stream(*id, schema.clone()), time_columns: times.clone() })
            }
            Some(Known::Query(relation)) => Ok((**relation).clone()),
            Some(Known::Table(..)) => Err(super::table::refuse_as_stream(self, name)),
            Some(Known::Poisoned) => Err(Reported(())),
            None => Err(self.unknown_stream(name)),
        }
    }

    fn known(&self, name: &Name) -> Option<&Known> {
        let with = self.with.iter().rev().find(|(known, _)| *known == name.node).map(|(_, known)| known);
        with.or_else(|| self.streams.get(&name.node))
    }

    fn unknown_stream(&mut self, name: &Name) -> Reported {
        // Beyond so many names, hints would cost more than they help.
        const MOST_COMPARED: usize = 1_000;
        let names: Vec<&str> = self.with.iter().map(|(name, _)| name).chain(self.streams.keys()).map(String::as_str).collect();
        let mut diagnostic = Diagnostic::error(codes::UNKNOWN_STREAM, name.span, format!("unknown stream `{}`", name.node))
            .did_you_mean(&nearest(&name.node, names.iter().copied().take(MOST_COMPARED)));
        if diagnostic.hints.is_empty() {
            diagnostic = match names.as_slice() {
                [] => diagnostic.hint(format!("define it: CREATE STREAM {} (…)", name.node)),
                names => diagnostic.hint(format!("there are: {}", listed(names))),
            };
        }
        self.error(diagnostic)
    }
}
