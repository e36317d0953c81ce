//! A bound that is reached in the midst of an operator's work ends the work at once, however deep it is in it.
//!
//! The operator is unwound, not panicking: no hook is called, nothing is told here. Whoever calls operators catches it (`runtime::fault`), ends
//! the statement, or the run, and says which bound it was.

use std::fmt;

/// A bound that was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// What there is too much of: `rows of one event`.
    pub what: &'static str,
    /// How much of it there may be.
    pub limit: usize,
    /// Whether it is a bound of the whole run, not of one statement.
    pub is_of_run: bool,
}

impl Over {
    /// Ends what the operator is doing.
    pub fn end(self) -> ! {
        std::panic::resume_unwind(Box::new(self))
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "more than {} {}", self.limit, self.what)
    }
}

/// How much an operator may give and hold: rows of one event (or one moment), keys, and memory that the process may take while it gives.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    /// Rows of one moment.
    pub rows: usize,
    /// Keys that it may hold behind a row.
    pub keys: usize,
    /// Bytes that the process may have in memory.
    pub memory: Option<usize>,
    /// How many it has, where the system says.
    pub resident: fn() -> Option<usize>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { rows: usize::MAX, keys: usize::MAX, memory: None, resident: || None }
    }
}

impl Allowance {
    /// What is over where one moment has more rows than it may.
    pub fn too_many_rows(&self) -> Over {
        Over { what: "rows of one event", limit: self.rows, is_of_run: false }
    }

    /// How many bytes are left, where that is bounded and known.
    pub fn room(&self) -> Option<usize> {
        let memory = self.memory?;
        (self.resident)().map(|resident| memory.saturating_sub(resident))
    }

    /// Ends the work if more bytes are wanted than are left.
    pub fn check_memory(&self, wanted: usize) {
        if let (Some(limit), Some(room)) = (self.memory, self.room())
            && wanted >= room
        {
            Over { what: "bytes of memory", limit, is_of_run: true }.end();
        }
    }
}
