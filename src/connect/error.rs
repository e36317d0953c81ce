//! What goes wrong outside: the cause, and what was being done when it came.

use std::fmt;
use std::io;
use std::sync::Arc;

/// A failure of the world outside, with what was being done.
#[derive(Debug, Clone)]
pub enum ConnectError {
    /// An input could not be opened.
    Open {
        /// Its name.
        input: Arc<str>,
        /// Why.
        source: Arc<io::Error>,
    },
    /// Reading an input failed.
    Read {
        /// Its name.
        input: Arc<str>,
        /// How many bytes of it had been read.
        offset: u64,
        /// Why.
        source: Arc<io::Error>,
    },
    /// The dead-letter file could not be made.
    CreateDeadLetters {
        /// Its path.
        path: Arc<str>,
        /// Why.
        source: Arc<io::Error>,
    },
    /// Writing a dead letter failed.
    WriteDeadLetter {
        /// The file's path.
        path: Arc<str>,
        /// Why.
        source: Arc<io::Error>,
    },
}

impl ConnectError {
    fn cause(&self) -> Option<&Arc<io::Error>> {
        match self {
            Self::Open { source, .. }
            | Self::Read { source, .. }
            | Self::CreateDeadLetters { source, .. }
            | Self::WriteDeadLetter { source, .. } => Some(source),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { input, source } => write!(f, "cannot open {input}: {source}"),
            Self::Read { input, offset, source } => write!(f, "cannot read {input} after {offset} bytes: {source}"),
            Self::CreateDeadLetters { path, source } => write!(f, "cannot create the dead-letter file {path}: {source}"),
            Self::WriteDeadLetter { path, source } => write!(f, "cannot write to the dead-letter file {path}: {source}"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause().map(|source| &**source as _)
    }
}
