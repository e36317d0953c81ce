//! What a decoder knows of a source stream: its columns, where each is found in an event, and which events are its own.

use std::fmt;
use std::sync::Arc;

use crate::data::{Duration, Schema, TimeUnit, Value};

/// A source stream as the decoder sees it.
#[derive(Debug)]
pub struct SourceSpec {
    /// The stream's name.
    pub name: Arc<str>,
    /// Names and types of its columns.
    pub schema: Arc<Schema>,
    /// Where each column is found and what it takes; one a field of the schema.
    pub columns: Vec<ColumnSpec>,
    /// The column of the event time (a `TIMESTAMP`). Without one, time is the time of arrival.
    pub time: Option<usize>,
    /// Which columns any statement reads, the tie-breaker columns and those of a [`Route::When`] among them. The others are NULL in what is
    /// decoded; their values are checked like all others.
    pub needed: Vec<bool>,
    /// An event further than this ahead of the arrival clock is bad.
    pub ahead: Option<Duration>,
    /// Which events belong to the stream.
    pub route: Route,
}

impl SourceSpec {
    /// A stream that takes every event, needs all of its columns and finds each under its own name.
    pub fn new(name: impl Into<Arc<str>>, schema: Arc<Schema>) -> Self {
        let columns = schema.fields().iter().map(|f| ColumnSpec::named(&f.name)).collect();
        let needed = vec![true; schema.len()];
        Self { name: name.into(), schema, columns, time: None, needed, ahead: None, route: Route::All }
    }
}

/// Where a column is found in an event, and what it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnSpec {
    /// The keys that lead to the value, from the outside in.
    pub path: Vec<String>,
    /// How texts and numbers are read as `TIMESTAMP`.
    pub time_format: TimeFormat,
    /// Whether a missing value makes the event bad.
    pub not_null: bool,
    /// What stands in for a missing key (an explicit `null` stays NULL). Of the column's type.
    pub default: Option<Value<'static>>,
}

impl ColumnSpec {
    /// A column under a key of its own name, which may be missing.
    pub fn named(name: &str) -> Self {
        Self { path: vec![name.to_owned()], time_format: TimeFormat::default(), not_null: false, default: None }
    }
}

/// How a `TIMESTAMP` column reads its values.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TimeFormat {
    /// An RFC 3339 text, or integer epoch milliseconds.
    #[default]
    Rfc3339,
    /// An RFC 3339 text, or integers of this unit since 1970.
    Epoch(TimeUnit),
    /// A text of this `strftime` form; numbers do not fit.
    Custom(String),
}

/// Whether a condition holds for the values of the columns of a row, and how many NULLs it had to make up for that.
pub type Predicate = Box<dyn Fn(&[Value<'_>]) -> (bool, u64) + Send>;

/// A condition over the values of a row.
pub struct Condition {
    /// The columns that it looks at; others may be NULL when it is asked.
    pub reads: Vec<usize>,
    /// What it says.
    pub holds: Predicate,
}

/// Which events belong to a stream.
pub enum Route {
    /// Every event.
    All,
    /// Those whose field has this text.
    Type {
        /// The keys that lead to the field.
        field: Vec<String>,
        /// What it has to be.
        value: String,
    },
    /// Those for which the condition holds. A value that does not fit its column counts as NULL there; if the condition holds
    /// nevertheless, the event is a bad one.
    When(Condition),
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("reads", &self.reads).finish_non_exhaustive()
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("All"),
            Self::Type { field, value } => f.debug_struct("Type").field("field", field).field("value", value).finish(),
            Self::When(_) => f.write_str("When(..)"),
        }
    }
}
