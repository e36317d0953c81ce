//! What can go wrong for the user of the library, in four kinds that are never mixed.

use std::fmt;

use crate::codec::BadEvent;
use crate::runtime::{RunError, SnapshotError, TableError};
use crate::text::{Diagnostics, Source, render};

/// Why something could not be done.
#[derive(Debug)]
pub enum Error {
    /// The program is wrong. `Display` shows what and where.
    Query {
        /// What is wrong with it.
        diagnostics: Diagnostics,
        /// Its text.
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
    /// We are wrong. Please report it.
    Bug(String),
}

/// What is wrong with data.
#[derive(Debug, Clone, PartialEq)]
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
            Self::Query { diagnostics, source } => f.write_str(&render(diagnostics, source, false)),
            Self::Data(error) => error.fmt(f),
            Self::Io { doing, error } => write!(f, "{doing}: {error}"),
            Self::Snapshot(error) => error.fmt(f),
            Self::Bug(what) => write!(f, "this is a defect of betide, please report it: {what}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Query { .. } | Self::Data(_) | Self::Snapshot(_) | Self::Bug(_) => None,
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
