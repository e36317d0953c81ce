//! The typed program: no unresolved name is left, every expression reads numbered slots, and spans are kept for later diagnostics.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::Parameter;
use crate::data::{DataType, Duration, Schema, TimeUnit, Value};
use crate::expr::Expr;
use crate::spec::{JoinSpec, LookupSpec, PatternSpec, WindowSpec};
use crate::text::Span;

pub use crate::spec::OrderKey;

/// The number of a stream in [`Program::streams`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

/// A program that has been checked.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// All streams, source and derived, and all tables, in the order of their first definition.
    pub streams: Vec<StreamDef>,
    /// The queries, in the order of the text.
    pub statements: Vec<Arc<Statement>>,
    /// The values of its parameters.
    pub(crate) parameters: BTreeMap<String, Parameter>,
    /// Every expression and where it is written, in the order of the text, where that was asked for ([`super::CheckOptions::keeps_places`]).
    pub written: Vec<(Expr, Span)>,
}

/// A stream.
#[derive(Debug, Clone)]
pub struct StreamDef {
    /// Its name.
    pub name: Arc<str>,
    /// Its columns.
    pub schema: Arc<Schema>,
    /// How it is read, where it is a source; `None` where statements make it.
    pub source: Option<SourceStream>,
    /// What makes it a table, where it is one: no stream then.
    pub table: Option<Table>,
    /// The columns that hold its event time.
    pub times: Vec<usize>,
    /// Where it is defined.
    pub span: Span,
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// The columns of the key, in order. At one time no two rows have the same values in them; without any, a view has one row, and the
    /// rows of a file are not told apart.
    pub key: Vec<usize>,
    /// The file that it is read from; none of a view, which a statement makes.
    pub file: Option<TableFile>,
}

/// The file of a table.
#[derive(Debug, Clone)]
pub struct TableFile {
    /// Where it is.
    pub path: String,
    /// How it is written.
    pub format: TableFormat,
    /// For each column: name in the file, time format, NOT NULL, default.
    pub columns: Vec<SourceColumn>,
    /// From when on a row holds; without, all rows hold always.
    pub time_column: Option<usize>,
}

/// How the file of a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values, with a header line.
    Csv,
    /// An object a line.
    JsonLines,
}

/// How a source stream is read.
#[derive(Debug, Clone)]
pub struct SourceStream {
    /// For each column: path in the event, time format, NOT NULL, default.
    pub columns: Vec<SourceColumn>,
    /// Index of the event-time column; `None`: arrival time.
    pub time_column: Option<usize>,
    /// Indexes of the tie-breaker columns.
    pub tie_columns: Vec<usize>,
    /// DELAY
    pub delay: Duration,
    /// IDLE AFTER
    pub idle_after: Option<Duration>,
    /// LATE INTO
    pub late_into: Option<StreamId>,
    /// AHEAD
    pub ahead: Option<Duration>,
    /// Which events are this stream's.
    pub route: Route,
}

/// Which events are a stream's.
#[derive(Debug, Clone)]
pub enum Route {
    /// Those whose field at this path (`None`: the run's type field, by default `type`) has this text.
    Type {
        /// The path, or the run's default.
        field: Option<Vec<String>>,
        /// The text.
        value: String,
    },
    /// All.
    All,
    /// Those for which the condition over the stream's columns holds.
    When(Expr),
}

/// How a column of a source stream is read.
#[derive(Debug, Clone)]
pub struct SourceColumn {
    /// The path of the value in the event.
    pub path: Vec<String>,
    /// Unit of integer times.
    pub unit: TimeUnit,
    /// Format of time texts, where it is not RFC 3339.
    pub format: Option<String>,
    /// A missing value makes the event bad.
    pub not_null: bool,
    /// Stands for a missing value.
    pub default: Option<Value<'static>>,
}

/// A query and where its rows go.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Where its rows go.
    pub output: Output,
    /// TIMEOUT INTO: where the timeout rows go.
    pub timeout_into: Option<StreamId>,
    /// What it computes.
    pub query: Query,
    /// Where it stands.
    pub span: Span,
}

impl Statement {
    /// The stream or view that its rows go to.
    pub fn output_stream(&self) -> Option<StreamId> {
        match self.output {
            Output::Stream(stream) => Some(stream),
            Output::Unnamed => None,
        }
    }

    /// The streams that it feeds: with its rows, and with those of its timeouts.
    pub fn feeds(&self) -> impl Iterator<Item = StreamId> + use<> {
        self.output_stream().into_iter().chain(self.timeout_into)
    }
}

/// Where the rows of a statement go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// An unnamed output.
    Unnamed,
    /// A stream; of a view the table, to whose columns a last one (BOOL) is added: whether the row's key has a row now.
    Stream(StreamId),
}

/// A query: an input, and stages that its rows go through.
#[derive(Debug, Clone)]
pub struct Query {
    /// Where rows come from.
    pub input: Input,
    /// What happens to them, in order.
    pub stages: Vec<Stage>,
    /// The columns that come out.
    pub schema: Arc<Schema>,
}

/// Where the rows of a query come from.
#[derive(Debug, Clone)]
pub enum Input {
    /// A stream: its columns.
    Stream(StreamId),
    /// A query: its output columns.
    Query(Box<Query>),
    /// A join of two queries: columns as [`JoinSpec`] says.
    Join {
        /// Left side.
        left: Box<Query>,
        /// Right side.
        right: Box<Query>,
        /// How they are joined.
        spec: Box<JoinSpec>,
    },
    /// A join of a query with a table: columns as [`LookupSpec`] says.
    Lookup {
        /// The stream's side.
        left: Box<Query>,
        /// The table.
        table: StreamId,
        /// How they are joined.
        spec: Box<LookupSpec>,
    },
    /// A pattern over queries (one an input of the spec): the spec's output columns.
    Pattern {
        /// What it reads.
        inputs: Vec<Query>,
        /// What it looks for.
        spec: Arc<PatternSpec>,
        /// The names of the inputs, for explanations.
        names: Vec<Arc<str>>,
    },
}

/// One thing that happens to rows.
#[derive(Debug, Clone)]
pub enum Stage {
    /// Keeps the rows for which the condition is true.
    Filter(Expr),
    /// Computes columns.
    Project {
        /// One a field.
        exprs: Vec<Expr>,
        /// Their names and types.
        schema: Arc<Schema>,
    },
    /// Groups and aggregates; its output columns are said at [`WindowSpec`].
    Window(Box<WindowSpec>),
    /// Orders the rows of each window (those that close together, with one start and end), and keeps the first so many of each.
    /// Start and end are the columns of these indexes.
    TopOfWindow {
        /// What to order by.
        order: Vec<OrderKey>,
        /// How many stay.
        limit: Option<u64>,
        /// Columns of the window's start and end.
        bounds: (usize, usize),
    },
    /// Ends the query after so many rows.
    Limit(u64),
    /// SUPPRESS BY keys FOR duration; adds the column `suppressed` (INT) at the end.
    Suppress {
        /// Over the columns so far.
        keys: Vec<Expr>,
        /// How long.
        duration: Duration,
    },
}

impl SourceColumn {
    /// A column read from the field of its own name.
    pub fn named(name: &str) -> Self {
        Self { path: vec![name.to_owned()], unit: TimeUnit::Milli, format: None, not_null: false, default: None }
    }
}

impl Query {
    /// The rows of a stream as they are.
    pub fn of_stream(stream: StreamId, schema: Arc<Schema>) -> Self {
        Self { input: Input::Stream(stream), stages: Vec::new(), schema }
    }

    /// Gives the streams that it reads other numbers.
    pub(crate) fn renumber_streams(&mut self, number: &dyn Fn(StreamId) -> StreamId) {
        let mut open = vec![self];
        while let Some(query) = open.pop() {
            match &mut query.input {
                Input::Stream(stream) => *stream = number(*stream),
                Input::Query(inner) => open.push(inner),
                Input::Join { left, right, .. } => open.extend([&mut **left, &mut **right]),
                Input::Lookup { left, table, .. } => {
                    *table = number(*table);
                    open.push(left);
                }
                Input::Pattern { inputs, .. } => open.extend(inputs),
            }
        }
    }

    /// The types of the columns that come out.
    pub fn types(&self) -> impl Iterator<Item = &DataType> {
        self.schema.fields().iter().map(|f| &f.data_type)
    }
}
