//! A bound that is reached in the midst of an operator's work ends the work at once, however deep it is in it.
//!
//! The operator is unwound, not panicking: no hook is called, nothing is told here. Whoever calls operators catches it (`runtime::fault`), ends
//! the statement, or the run, and says which bound it was.

use std::fmt;

/// A bound that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// What there is too much of: `rows of one event`.
    pub what: String,
    /// How much of it there may be.
    pub limit: usize,
}

impl Over {
    /// Ends what the operator is doing.
    pub fn end(self) -> ! {
        std::panic::resume_unwind(Box::new(self))
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: more than {}", self.what, self.limit)
    }
}
