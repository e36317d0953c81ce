//! Why a running program has to stop.

use std::fmt;

use super::tables::TableError;
use crate::codec::BadEvent;

/// Why a running program has to stop.
#[derive(Debug, Clone)]
pub enum RunError {
    /// A cap was reached whose policy is to stop.
    Full {
        /// What is full.
        what: String,
        /// The cap.
        limit: usize,
    },
    /// A bad event in a run that is strict.
    Bad(Box<BadEvent>),
    /// A reference table cannot be loaded.
    Table(TableError),
    /// Something was pushed after the end of input.
    Finished,
    /// We are wrong.
    Bug(String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { what, limit } => write!(f, "{what}: more than {limit}"),
            Self::Bad(bad) => write!(f, "line {}: {} ({})", bad.line, bad.detail, bad.cause),
            Self::Table(error) => error.fmt(f),
            Self::Finished => f.write_str("the end of input has been told before"),
            Self::Bug(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for RunError {}
