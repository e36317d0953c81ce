//! What can go wrong for the user of the library, in four kinds that are never mixed.

use std::fmt;

use crate::codec::BadEvent;
use crate::runtime::{RunError, SnapshotError, TableError};
use crate::text::{Diagnostics, Source, render};

/// Why something could not be done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The program is wrong. `Display` shows what and where.
    Query {
        /// What is wrong with it.
        diagnostics: Diagnostics,
        /// Its text; empty where only [`Engine::compile`](crate::Engine::compile) has seen it.
        source: Source,
    },
    /// The data is wrong, or too much for a cap.
    Data(DataError),
    /// The outside failed.
    Io {
        /// What was being done.
        doing: String,
        /// How it failed.
        error: std::io::Error,
    },
    /// A snapshot cannot be taken up.
    Snapshot(SnapshotError),
    /// The statements of a running program cannot be changed so. Nothing has been changed.
    Change(ChangeError),
    /// We are wrong. Please report it.
    Bug(String),
}

/// Why the statements of a running program cannot be changed so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeError {
    /// The engine was not compiled for it.
    NotOpen,
    /// What is added declares something that all statements have in common: what, and in which line.
    Declares(&'static str, usize),
    /// There is nothing to add in the text.
    Nothing,
    /// There is no such statement, or no statement makes a stream of this name.
    Unknown(String),
    /// A stream of statements that are to go is read by others.
    IsRead {
        /// The stream.
        stream: String,
        /// Who reads it.
        readers: Vec<String>,
    },
    /// Rows are to be added to a stream that others read.
    Feeds {
        /// The stream.
        stream: String,
        /// Who reads it.
        readers: Vec<String>,
    },
    /// A statement that is to stay would do something else: which.
    Alters(String),
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpen => f.write_str(
                "the program was compiled to stay as it is: set `Options::open` where statements are to be added and dropped while it runs",
            ),
            Self::Declares(what, line) => write!(
                f,
                "line {line} declares a {what}, and all statements have those in common: declare it in the program that the engine is compiled from"
            ),
            Self::Nothing => f.write_str("there is no statement in the text"),
            Self::Unknown(what) => write!(f, "there is no {what}"),
            Self::IsRead { stream, readers } => {
                write!(f, "the stream `{stream}` is read by {}: drop what reads it first, or with it", readers.join(", "))
            }
            Self::Feeds { stream, readers } => write!(
                f,
                "the stream `{stream}` is read by {}, which more rows would change: give the new statement a stream of its own",
                readers.join(", ")
            ),
            Self::Alters(name) => write!(
                f,
                "{name} would do something else (its columns or what it reads would become others), and what stays has to stay as it is"
            ),
        }
    }
}

impl std::error::Error for ChangeError {}

/// Without the text: what [`Engine::compile`](crate::Engine::compile) tells can be passed on by `?`.
impl From<Diagnostics> for Error {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Query { diagnostics, source: Source::new("<query>", "") }
    }
}

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        Self::Change(error)
    }
}

/// What is wrong with data.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum DataError {
    /// The first bad event of a strict run.
    BadEvent(BadEvent),
    /// A cap was reached whose policy is to stop: what is full, and the cap.
    Full(String, usize),
    /// There is no source stream of this name.
    UnknownStream(String),
    /// A batch does not fit its stream.
    Misfit(String),
    /// A value could not be turned into JSON, or a row into a value.
    Value(String),
    /// What is in the file of a reference table is no such table: which, and what is wrong, with file, line and column.
    Table(String),
    /// Something was pushed after the end of input.
    Finished,
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadEvent(bad) => write!(f, "line {}: {} ({})", bad.line, bad.detail, bad.cause),
            Self::Full(what, limit) => write!(f, "too many {what}: the limit is {limit}"),
            Self::UnknownStream(name) => write!(f, "no source stream `{name}`"),
            Self::Misfit(what) | Self::Value(what) | Self::Table(what) => f.write_str(what),
            Self::Finished => f.write_str("nothing can be pushed after the end of input"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query { diagnostics, source } if source.text().is_empty() => diagnostics.fmt(f),
            Self::Query { diagnostics, source } => f.write_str(&render(diagnostics, source, false)),
            Self::Data(error) => error.fmt(f),
            Self::Io { doing, error } => write!(f, "{doing}: {error}"),
            Self::Snapshot(error) => error.fmt(f),
            Self::Change(error) => error.fmt(f),
            Self::Bug(what) => write!(f, "this is a defect of betide, please report it: {what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Query { .. } | Self::Data(_) | Self::Snapshot(_) | Self::Change(_) | Self::Bug(_) => None,
        }
    }
}

impl std::error::Error for DataError {}

impl From<RunError> for Error {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Full { what, limit } => Self::Data(DataError::Full(what, limit)),
            RunError::Bad(bad) => Self::Data(DataError::BadEvent(*bad)),
            RunError::Table(TableError::Outside { table, error }) => {
                Self::Io { doing: format!("loading the table `{table}`"), error: std::io::Error::other(error) }
            }
            RunError::Table(error @ TableError::Wrong { .. }) => Self::Data(DataError::Table(error.to_string())),
            RunError::Finished => Self::Data(DataError::Finished),
            RunError::Bug(what) => Self::Bug(what),
        }
    }
}

impl From<SnapshotError> for Error {
    fn from(error: SnapshotError) -> Self {
        Self::Snapshot(error)
    }
}

impl From<DataError> for Error {
    fn from(error: DataError) -> Self {
        Self::Data(error)
    }
}
