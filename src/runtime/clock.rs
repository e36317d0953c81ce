//! The only wall clock of the crate, behind a trait, so that tests and embedders can give time by hand.
//!
//! Results never depend on it, but for what the language says of arrival: events without a time of their own, `IDLE AFTER` and `AHEAD`.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::data::Timestamp;

/// Tells what time it is where events arrive.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now. A clock may stand still or go back; the engine takes the largest it has seen.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that may read the time of day")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
        Timestamp(i64::try_from(since).unwrap_or(i64::MAX))
    }
}

/// A clock that stands where it is put. Clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct ManualClock {
    now: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that shows this time.
    pub fn new(now: Timestamp) -> Self {
        Self { now: Arc::new(AtomicI64::new(now.0)) }
    }

    /// Puts it to this time.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.0, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, ManualClock};
    use crate::data::Timestamp;

    #[test]
    fn clones_of_a_manual_clock_show_one_time() {
        let clock = ManualClock::new(Timestamp(5));
        let other = clock.clone();
        clock.set(Timestamp(9));
        assert_eq!(other.now(), Timestamp(9));
    }
}
