//! How much a partition may come to hold, and when that is looked at.

use crate::data::Allowance;
use crate::pattern::thread::Entry;

/// Bounds of a partition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Threads of all runs together; beyond it the oldest runs are dropped, and of a single run the least preferred threads.
    pub(crate) threads: usize,
    /// What the process may take.
    pub(crate) allowance: Allowance,
}

/// Memory is looked at each time that so many threads have been made: one event can fork them all.
const LOOK_EVERY: usize = 1024;

impl Bounds {
    /// Ends the work if the process has more memory than it may, now that a list that is being made has so many threads more.
    #[inline]
    pub(crate) fn look(&self, before: usize, now: usize) {
        if self.allowance.memory.is_some() && before / LOOK_EVERY != now / LOOK_EVERY {
            // A list that is full is moved to one of twice its length.
            self.allowance.check_memory(now * size_of::<Entry>());
        }
    }
}
