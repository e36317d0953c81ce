//! Statements that have ended while others go on: what is told of them.

use std::fmt;

use super::Engine;
use super::stats::EndedStats;
use crate::data::Timestamp;
use crate::runtime::Cause;

/// Why a statement has ended before the input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndCause {
    /// An operator of it panicked: a defect of betide, or of a function of your own.
    Panic {
        /// What the panic says.
        message: String,
        /// File, line and column; known where [`crate::record_panics`] has been called before.
        location: Option<String>,
    },
    /// An operator of it broke a law of the engine: a defect of betide.
    Broken(String),
    /// A bound was reached that ends the statement: which.
    Full(String),
    /// It reads a statement that has ended: which.
    Reads(String),
}

/// A statement that has ended before the input. It gives no more rows; what it held is freed. Statements that do not read it go on, to the
/// same bytes as without it. In a snapshot it stays ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndedStatement {
    /// Its stream; an unnamed output has none.
    pub name: Option<String>,
    /// Its number among the statements of the program that give rows, from 1.
    pub number: usize,
    /// The line of the program on which it begins.
    pub line: usize,
    /// The operator that ended it, or that reads what has ended: number and kind, as in `explain`.
    pub operator: String,
    /// Why it has ended.
    pub cause: EndCause,
    /// How many events had come in.
    pub events: u64,
    /// The event times between which it happened: of the first and the last event that were handled in one go.
    pub between: Option<(Timestamp, Timestamp)>,
}

impl EndCause {
    /// Whether betide, or a function of the user's, is wrong; else a bound was reached, or another statement is to blame.
    pub fn is_defect(&self) -> bool {
        matches!(self, Self::Panic { .. } | Self::Broken(_))
    }
}

impl fmt::Display for EndCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panic { message, .. } => write!(f, "a panic: {message}"),
            Self::Broken(what) => write!(f, "a broken law: {what}"),
            Self::Full(what) => write!(f, "a bound: {what}"),
            Self::Reads(name) => write!(f, "it reads {name}, which has ended"),
        }
    }
}

impl EndedStatement {
    /// The name, or what an unnamed statement is called.
    pub fn title(&self) -> String {
        title(self.name.as_deref(), self.number)
    }

    pub(super) fn stats(&self) -> EndedStats {
        let Self { name, line, operator, cause, events, .. } = self;
        EndedStats { statement: name.clone(), line: *line, operator: operator.clone(), why: cause.to_string(), events: *events }
    }
}

pub(super) fn title(name: Option<&str>, number: usize) -> String {
    name.map_or_else(|| format!("the unnamed statement {number}"), |name| format!("`{name}`"))
}

/// What is told of it, in one block: what happened, where, when, and how to have it happen again.
impl fmt::Display for EndedStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, operator, cause, events, between, .. } = self;
        let title = self.title();
        let end = format!("{title} (line {line}) has ended after {events} events, and the statements that do not read it go on");
        let (message, location) = match cause {
            EndCause::Reads(_) => return write!(f, "{title} (line {line}) has ended: {cause}"),
            EndCause::Full(_) => return write!(f, "{end}\n  {cause} (operator {operator})"),
            EndCause::Panic { message, location } => (message, location.as_deref()),
            EndCause::Broken(what) => (what, None),
        };
        writeln!(f, "{end}\n  this is a defect of betide, or of a function of your own: please report it")?;
        writeln!(f, "  what: {message}")?;
        let place = location.map_or_else(String::new, |place| format!(", {place}"));
        writeln!(f, "  where: operator {operator}, betide {}{place}", env!("CARGO_PKG_VERSION"))?;
        if let Some((first, last)) = between {
            writeln!(f, "  when: in the events from {first} to {last}")?;
        }
        let alone = self.name.as_ref().map_or_else(String::new, |name| format!(" and --output {name}"));
        write!(f, "  again: run the program over the first {events} events with --batch-size 1{alone}")
    }
}

impl Engine {
    /// The statements that have ended before the input, in the order of their ends: because an operator of theirs panicked, because a bound
    /// of theirs was reached, or because they read what such a statement makes.
    ///
    /// ```
    /// use betide::{DataType, Engine, Options, Value};
    ///
    /// let mut options = Options::default();
    /// options.register_fn("HALF", &[DataType::Int], DataType::Int, |args| match &args[0] {
    ///     Value::Int(7) => panic!("seven has no half"),
    ///     Value::Int(n) => Value::Int(n / 2),
    ///     _ => Value::Null,
    /// })?;
    /// let program = "CREATE STREAM N (n INT); CREATE STREAM Half AS SELECT HALF(n) AS half FROM N; CREATE STREAM Same AS SELECT n FROM N;";
    /// let mut engine = Engine::with_options(program, &options)?;
    /// engine.push_json(b"{\"n\":7}\n{\"n\":8}\n")?;
    /// engine.finish()?;
    /// assert_eq!(engine.ended()[0].name.as_deref(), Some("Half"));
    /// assert_eq!(engine.take_rows().len(), 2);
    /// # Ok::<(), betide::Error>(())
    /// ```
    pub fn ended(&self) -> Vec<EndedStatement> {
        let ended = self.running.ended();
        if ended.is_empty() {
            return Vec::new();
        }
        let names: Vec<Option<String>> = self.statement_names().collect();
        let statement_of = |operator: usize| self.running.operator(operator).0.unwrap_or_default();
        let name_of = |operator: usize| names.get(statement_of(operator)).cloned().flatten();
        let told = ended.iter().map(|ended| {
            let statement = statement_of(ended.operator);
            let cause = match &ended.cause {
                Cause::Panic(panic) => EndCause::Panic { message: panic.message.clone(), location: panic.location.clone() },
                Cause::Broken(what) => EndCause::Broken(what.clone()),
                Cause::Full(what) => EndCause::Full(what.clone()),
                Cause::Reads(read) => EndCause::Reads(title(name_of(*read).as_deref(), statement_of(*read) + 1)),
            };
            EndedStatement {
                name: name_of(ended.operator),
                number: statement + 1,
                line: self.program.statements.get(statement).map_or(1, |found| self.source.line_of(found.span.start)),
                operator: self.running.operator(ended.operator).1.to_owned(),
                cause,
                events: ended.events,
                between: ended.between,
            }
        });
        told.collect()
    }

    /// Whether every statement has ended before the input, so that nothing can come out any more.
    pub fn is_over(&self) -> bool {
        self.running.is_over()
    }

    /// Whether all rows that can come out have come, whatever is pushed: every query has given the rows of its `LIMIT`.
    ///
    /// ```
    /// # use betide::Engine;
    /// let mut engine = Engine::compile("CREATE STREAM A (x INT); SELECT x FROM A LIMIT 1;")?;
    /// assert!(!engine.is_done());
    /// engine.push_json(b"{\"x\":1}\n")?;
    /// assert!(engine.is_done());
    /// # Ok::<(), betide::Error>(())
    /// ```
    pub fn is_done(&self) -> bool {
        self.running.is_done()
    }
}
