//! The whole program: parameters, who defines which stream, in which order statements can be checked, and what each stream's columns are.
//!
//! Statements may use streams that are defined further down, so they are checked in the order of what feeds what; streams that are made of
//! each other are refused with the path. A statement that fails leaves its stream known but without columns, so that nothing else complains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::codes;
use super::context::{Context, Relation, Reported};
use super::feeds;
use super::literal;
use super::options::CheckOptions;
use super::query;
use super::reads;
use super::source;
use super::table::{self, CreateTable};
use super::typed::{Output, Program, SourceStream, Statement, StreamDef, StreamId, Table};
use super::view;
use crate::data::Schema;
use crate::syntax::ast::{self, CreateSource, File, Name, StatementKind};
use crate::text::{Diagnostic, Diagnostics, Span, nearest};

/// The typed program of a tree, and all its mistakes. The program is whole only where none of them is an error.
pub fn check(file: &File, options: &CheckOptions) -> (Program, Diagnostics) {
    let mut cx = Context::new(options);
    set_parameters(&mut cx, file);
    let mut program = Definitions::of(&mut cx, file, 0);
    program.check_sources(&mut cx);
    program.check_tables(&mut cx);
    program.check_queries(&mut cx);
    warn_of_unused_parameters(&mut cx);
    let is_whole = program.queries.iter().all(|q| matches!(q.checked, Some(Ok(_))));
    let (written, parameters) = (cx.take_written(), cx.take_parameters());
    let diagnostics = cx.into_diagnostics();
    debug_assert!(is_whole || diagnostics.has_errors(), "what fails has been told");
    (Program { written, parameters, ..program.finish() }, diagnostics)
}

/// Checks statements that are to stand behind those of a program: gives what they add to it, and what there is to warn of.
///
/// Only of statements that are right by themselves and leave everything as it is that the program has. For all others there is nothing, and
/// the whole is to be checked ([`check`]): for what is wrong, and because rows that are added to a stream of the program may widen its columns.
pub fn check_behind(program: &Program, added: &File, options: &CheckOptions) -> Option<(Program, Diagnostics)> {
    let mut cx = Context::new(options);
    program.parameters.iter().for_each(|(name, value)| cx.define_parameter(name, value.clone()));
    let mut definitions = Definitions::of(&mut cx, added, program.streams.len());
    let known = |name: &str| program.streams.iter().position(|stream| *stream.name == *name);
    let is_apart = definitions.by_name.keys().all(|name| known(name).is_none());
    let are_queries = definitions.queries.len() == added.statements.len();
    if !is_apart || !are_queries {
        return None;
    }
    for name in definitions.queries.iter().flat_map(|query| reads::names(query.tree)) {
        let Some(index) = known(name) else { continue };
        let stream = &program.streams[index];
        match &stream.table {
            Some(_) => cx.define_table(name, id(index), stream.schema.clone()),
            None => cx.define_stream(name, id(index), Some((stream.schema.clone(), stream.times.clone()))),
        }
    }
    definitions.check_queries(&mut cx);
    let diagnostics = cx.into_diagnostics();
    (!diagnostics.has_errors()).then(|| (definitions.finish(), diagnostics))
}

fn set_parameters(cx: &mut Context<'_>, file: &File) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for statement in &file.statements {
        let StatementKind::Set { name, value } = &statement.kind else { continue };
        if let Some(first) = seen.insert(&name.node, name.span) {
            let diagnostic = Diagnostic::error(codes::DEFINED_TWICE, name.span, format!("the parameter `${}` is set twice", name.node));
            cx.error(diagnostic.related(first, "first here"));
            continue;
        }
        literal::set(cx, name, value);
    }
}

fn warn_of_unused_parameters(cx: &mut Context<'_>) {
    let known: Vec<String> = cx.parameter_names().map(str::to_owned).collect();
    let options = cx.options;
    for name in options.parameters.keys().filter(|name| !known.contains(name)) {
        let diagnostic = Diagnostic::warning(codes::UNUSED_PARAMETER, Span::default(), format!("the program has no parameter `${name}`"));
        let near: Vec<String> = nearest(name, known.iter().map(String::as_str)).iter().map(|name| format!("${name}")).collect();
        cx.warn(diagnostic.did_you_mean(&near.iter().map(String::as_str).collect::<Vec<_>>()));
    }
}

/// A name and everything that defines it.
#[derive(Debug)]
struct Definition<'f> {
    name: &'f Name,
    kind: Kind<'f>,
    /// The queries that feed it, by their number among the queries.
    feeders: Vec<Feeder>,
    schema: Option<Arc<Schema>>,
    source: Option<SourceStream>,
    table: Option<Table>,
    /// The columns that hold the event time.
    times: Vec<usize>,
    /// Defined twice: what its columns are meant to be is not known.
    is_doubtful: bool,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind<'f> {
    Source(&'f CreateSource),
    /// Late events of a source.
    Late,
    Derived,
    /// Created by INSERT INTO or TIMEOUT INTO alone.
    Fed,
    /// Read from a file.
    Table(CreateTable<'f>),
    /// Kept up to date by a query.
    View,
}

/// A query that feeds a stream, and by which door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Feeder {
    query: usize,
    is_timeout: bool,
}

/// A query of the program.
#[derive(Debug)]
struct Queried<'f> {
    tree: &'f ast::Query,
    output: Option<usize>,
    timeout: Option<usize>,
    span: Span,
    /// Its definition was refused, but the query is checked all the same.
    is_refused: bool,
    checked: Option<Result<Relation, Reported>>,
}

/// All names and queries of a program.
#[derive(Debug)]
struct Definitions<'f> {
    /// How many streams there are before them.
    before: usize,
    streams: Vec<Definition<'f>>,
    by_name: BTreeMap<&'f str, usize>,
    /// The stream of late events, by the number of its source.
    late: BTreeMap<usize, usize>,
    queries: Vec<Queried<'f>>,
}

impl<'f> Definitions<'f> {
    fn of(cx: &mut Context<'_>, file: &'f File, before: usize) -> Self {
        let mut all = Self { before, streams: Vec::new(), by_name: BTreeMap::new(), late: BTreeMap::new(), queries: Vec::new() };
        // All definitions first, so that what feeds a stream may stand before it.
        let defined: Vec<Option<usize>> = file.statements.iter().map(|statement| all.definition(cx, statement)).collect();
        for (statement, defined) in file.statements.iter().zip(defined) {
            all.feeder(cx, statement, defined);
        }
        for (i, definition) in all.streams.iter().enumerate() {
            cx.define_stream(&definition.name.node, all.id(i), None);
        }
        all
    }

    /// Defines what a statement creates.
    fn definition(&mut self, cx: &mut Context<'_>, statement: &'f ast::Statement) -> Option<usize> {
        match &statement.kind {
            StatementKind::CreateSource(create) => {
                let source = self.define(cx, &create.name, Kind::Source(create));
                if let (Some(late), Some(source)) = (&create.late_into, source) {
                    let late = self.define(cx, late, Kind::Late);
                    self.late.extend(late.map(|late| (source, late)));
                }
                source
            }
            StatementKind::CreateStream { name, .. } => self.define(cx, name, Kind::Derived),
            StatementKind::CreateTable { name, columns, time_by, options } => {
                self.define(cx, name, Kind::Table(CreateTable { name, columns, time_by: time_by.as_deref(), options }))
            }
            StatementKind::CreateView { name, .. } => self.define(cx, name, Kind::View),
            StatementKind::Set { .. } | StatementKind::Insert { .. } | StatementKind::Query(_) => None,
        }
    }

    /// Takes a statement's query, and what it feeds.
    fn feeder(&mut self, cx: &mut Context<'_>, statement: &'f ast::Statement, defined: Option<usize>) {
        match &statement.kind {
            StatementKind::Set { .. } | StatementKind::CreateSource(_) | StatementKind::CreateTable { .. } => {}
            StatementKind::CreateStream { query, .. } | StatementKind::CreateView { query, .. } => {
                self.query(cx, query, defined, statement.span, defined.is_none());
            }
            StatementKind::Insert { into, query } => {
                let output = self.feed(cx, into);
                self.query(cx, query, output, statement.span, output.is_none());
            }
            StatementKind::Query(query) => self.query(cx, query, None, statement.span, false),
        }
    }

    /// A name that is defined here; one that is defined already is an error.
    fn define(&mut self, cx: &mut Context<'_>, name: &'f Name, kind: Kind<'f>) -> Option<usize> {
        match self.by_name.get(name.node.as_str()).copied() {
            None => Some(self.push(name, kind)),
            Some(index) => {
                let diagnostic = Diagnostic::error(codes::DEFINED_TWICE, name.span, format!("`{}` is defined twice", name.node));
                let diagnostic = diagnostic.related(self.streams[index].name.span, "first here");
                self.streams[index].is_doubtful = true;
                cx.error(if kind == Kind::Derived { diagnostic.hint("to add to a stream, write INSERT INTO") } else { diagnostic });
                None
            }
        }
    }

    /// A name that rows are added to, which may define it.
    fn feed(&mut self, cx: &mut Context<'_>, name: &'f Name) -> Option<usize> {
        let Some(index) = self.by_name.get(name.node.as_str()).copied() else { return Some(self.push(name, Kind::Fed)) };
        match self.streams[index].kind {
            Kind::Derived | Kind::Fed => Some(index),
            Kind::Table(_) | Kind::View => {
                let text = format!("`{}` is a table; rows are added to streams", name.node);
                let hint = "to keep several streams in one table, add them to a stream first: CREATE TABLE … AS SELECT … FROM that stream";
                cx.error(Diagnostic::error(codes::TABLE_AS_STREAM, name.span, text).hint(hint));
                None
            }
            Kind::Source(_) | Kind::Late => {
                let name_of_all = format!("All{}", name.node);
                let instead = format!(
                    "add to a stream that has its rows: CREATE STREAM {name_of_all} AS SELECT * FROM {}; INSERT INTO {name_of_all} SELECT …",
                    name.node
                );
                cx.not_supported(name.span, "adding rows to a stream that is read from outside", instead);
                None
            }
        }
    }

    fn push(&mut self, name: &'f Name, kind: Kind<'f>) -> usize {
        let index = self.streams.len();
        self.streams.push(Definition {
            name,
            kind,
            feeders: Vec::new(),
            schema: None,
            source: None,
            table: None,
            times: Vec::new(),
            is_doubtful: false,
        });
        self.by_name.insert(&name.node, index);
        index
    }

    fn query(&mut self, cx: &mut Context<'_>, tree: &'f ast::Query, output: Option<usize>, span: Span, is_refused: bool) {
        let query = self.queries.len();
        let timeout = tree.timeout_into.as_ref().and_then(|name| self.feed(cx, name));
        for (stream, is_timeout) in [(output, false), (timeout, true)] {
            if let Some(stream) = stream {
                self.streams[stream].feeders.push(Feeder { query, is_timeout });
            }
        }
        let is_refused = is_refused || tree.timeout_into.is_some() && timeout.is_none();
        self.queries.push(Queried { tree, output, timeout, span, is_refused, checked: None });
    }

    fn check_sources(&mut self, cx: &mut Context<'_>) {
        let sources = self.streams.iter().filter(|d| matches!(d.kind, Kind::Source(_))).count();
        for i in 0..self.streams.len() {
            let Kind::Source(create) = self.streams[i].kind else { continue };
            let late = self.late.get(&i).copied();
            let Ok(checked) = source::source(cx, create, sources == 1, late.map(|late| self.id(late))) else { continue };
            let times: Vec<usize> = checked.source.time_column.into_iter().collect();
            for stream in late.into_iter().chain([i]).filter(|stream| !self.streams[*stream].is_doubtful).collect::<Vec<_>>() {
                self.streams[stream].schema = Some(checked.schema.clone());
                self.streams[stream].times.clone_from(&times);
                cx.define_stream(&self.streams[stream].name.node, self.id(stream), Some((checked.schema.clone(), times.clone())));
            }
            self.streams[i].source = Some(checked.source);
        }
    }

    fn check_tables(&mut self, cx: &mut Context<'_>) {
        let before = self.before;
        for (i, definition) in self.streams.iter_mut().enumerate() {
            let Kind::Table(create) = definition.kind else { continue };
            let Ok((schema, table)) = table::table(cx, create) else { continue };
            if !definition.is_doubtful {
                cx.define_table(&definition.name.node, id(before + i), schema.clone());
            }
            (definition.schema, definition.table) = (Some(schema), Some(table));
        }
    }

    /// Checks the queries, each after all that feed it.
    fn check_queries(&mut self, cx: &mut Context<'_>) {
        let reads: Vec<Vec<usize>> = self.queries.iter().map(|q| self.streams_read(q.tree)).collect();
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); self.streams.len()];
        for (query, streams) in reads.iter().enumerate() {
            streams.iter().for_each(|stream| readers[*stream].push(query));
        }
        let mut open_feeders: Vec<usize> = self.streams.iter().map(|d| d.feeders.len()).collect();
        let mut open_streams: Vec<usize> = reads.iter().map(|streams| streams.iter().filter(|s| open_feeders[**s] > 0).count()).collect();
        let mut ready: BTreeSet<usize> = (0..self.queries.len()).filter(|q| open_streams[*q] == 0).collect();
        let mut open: BTreeSet<usize> = (0..self.queries.len()).collect();
        loop {
            let query = match ready.pop_first() {
                Some(query) => {
                    self.check_query(cx, query);
                    query
                }
                None if open.is_empty() => break,
                None => self.refuse_cycle(cx, &reads, &open),
            };
            open.remove(&query);
            let fed: BTreeSet<usize> = self.queries[query].output.into_iter().chain(self.queries[query].timeout).collect();
            for stream in fed {
                let through = self.streams[stream].feeders.iter().filter(|f| f.query == query).count();
                open_feeders[stream] -= through;
                if open_feeders[stream] > 0 {
                    continue;
                }
                self.settle(cx, stream);
                for reader in &readers[stream] {
                    open_streams[*reader] -= 1;
                    if open_streams[*reader] == 0 && open.contains(reader) {
                        ready.insert(*reader);
                    }
                }
            }
        }
    }

    fn streams_read(&self, tree: &ast::Query) -> Vec<usize> {
        let names = reads::names(tree);
        names.into_iter().filter_map(|name| self.by_name.get(name).copied()).collect()
    }

    fn check_query(&mut self, cx: &mut Context<'_>, index: usize) {
        let queried = &mut self.queries[index];
        let mut relation = query::statement(cx, queried.tree);
        if let Some(output) = queried.output.filter(|&output| self.streams[output].kind == Kind::View) {
            let checked = relation.and_then(|relation| view::view(cx, queried.tree, relation));
            relation = checked.map(|(relation, key)| {
                self.streams[output].table = Some(Table { key, file: None });
                relation
            });
        }
        queried.checked = Some(if queried.is_refused { Err(Reported::elsewhere()) } else { relation });
    }

    /// Finds a circle among the queries that are left, tells it, and gives up one of its queries.
    fn refuse_cycle(&mut self, cx: &mut Context<'_>, reads: &[Vec<usize>], open: &BTreeSet<usize>) -> usize {
        let feeder_of = |query: usize| {
            let streams = reads[query].iter();
            streams.flat_map(|s| self.streams[*s].feeders.iter().map(move |f| (*s, f.query))).find(|(_, feeder)| open.contains(feeder))
        };
        let start = *open.first().expect("the caller has seen that some are left");
        let mut path: Vec<(usize, usize)> = Vec::new();
        let mut at = start;
        let mut seen_at: BTreeMap<usize, usize> = BTreeMap::new();
        while !seen_at.contains_key(&at) {
            seen_at.insert(at, path.len());
            let (stream, feeder) = feeder_of(at).expect("a query that is left waits for one that is left");
            path.push((at, stream));
            at = feeder;
        }
        // Each query of the circle reads the stream beside it, which the next one feeds: backwards it reads as the rows flow.
        let circle = &path[seen_at[&at]..];
        let names: Vec<&str> = circle.iter().rev().map(|(_, stream)| self.streams[*stream].name.node.as_str()).collect();
        let shown = format!("{} -> {}", names.join(" -> "), names[0]);
        let (query, stream) = *circle.iter().min_by_key(|(query, _)| *query).expect("a circle has a query");
        let span = reads::first_place(self.queries[query].tree, &self.streams[stream].name.node).unwrap_or(self.queries[query].span);
        let diagnostic = Diagnostic::error(codes::CYCLE, span, format!("streams cannot be made of themselves: {shown}"));
        cx.error(diagnostic.hint("a row would have to be there before what it is computed from; break the circle"));
        self.queries[query].checked = Some(Err(Reported::elsewhere()));
        query
    }

    /// Works out the columns of a stream, when all that feeds it has been checked.
    fn settle(&mut self, cx: &mut Context<'_>, stream: usize) {
        let feeders = self.streams[stream].feeders.clone();
        let mut doors = Vec::with_capacity(feeders.len());
        for feeder in &feeders {
            let queried = &self.queries[feeder.query];
            let Some(Ok(relation)) = &queried.checked else { return };
            let schema = if feeder.is_timeout { query::timeout_schema(&relation.query) } else { Some(relation.schema().clone()) };
            let Some(schema) = schema else { return };
            let times = if feeder.is_timeout { Vec::new() } else { relation.time_columns.clone() };
            doors.push(feeds::Door { schema, times, is_fixed: feeder.is_timeout, span: queried.tree.select_span });
        }
        let Ok((schema, times)) = feeds::agree(cx, &self.streams[stream].name.node, &doors) else { return };
        for feeder in feeders.iter().filter(|f| !f.is_timeout) {
            if let Some(Ok(relation)) = &mut self.queries[feeder.query].checked {
                feeds::widen(&mut relation.query, &schema);
            }
        }
        if self.streams[stream].kind == Kind::View {
            if !self.streams[stream].is_doubtful {
                cx.define_table(&self.streams[stream].name.node, self.id(stream), schema.clone());
            }
        } else if !self.streams[stream].is_doubtful {
            cx.define_stream(&self.streams[stream].name.node, self.id(stream), Some((schema.clone(), times.clone())));
        }
        self.streams[stream].times = times;
        self.streams[stream].schema = Some(schema);
    }

    /// The number of a stream in the program.
    fn id(&self, stream: usize) -> StreamId {
        id(self.before + stream)
    }

    fn finish(self) -> Program {
        let before = self.before;
        let id = |stream: usize| id(before + stream);
        let streams = self.streams.into_iter().map(|d| StreamDef {
            name: d.name.node.as_str().into(),
            schema: d.schema.unwrap_or_default(),
            source: d.source,
            table: d.table,
            times: d.times,
            span: d.name.span,
        });
        let statements = self.queries.into_iter().filter_map(|q| match q.checked {
            Some(Ok(relation)) => Some(Arc::new(Statement {
                output: q.output.map_or(Output::Unnamed, |s| Output::Stream(id(s))),
                timeout_into: q.timeout.map(id),
                query: relation.query,
                span: q.span,
            })),
            Some(Err(Reported { .. })) | None => None,
        });
        Program { streams: streams.collect(), statements: statements.collect(), ..Program::default() }
    }
}

fn id(index: usize) -> StreamId {
    StreamId(u32::try_from(index).expect("a program text holds fewer than 2^32 streams"))
}
