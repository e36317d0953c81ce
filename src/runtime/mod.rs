//! A running program: the operator graph assembled into live operators and driven round by round; the only place with a clock.

mod clock;
mod frontier;
mod merge;

pub use clock::{Clock, ManualClock, SystemClock};
