//! Why a running program has to stop.

use std::fmt;

/// Why a running program has to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunError {
    /// A cap was reached whose policy is to stop.
    Full {
        /// What is full.
        what: String,
        /// The cap.
        limit: usize,
    },
    /// We are wrong.
    Bug(String),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { what, limit } => write!(f, "{what}: more than {limit}"),
            Self::Bug(what) => write!(f, "{what}"),
        }
    }
}

impl std::error::Error for RunError {}
