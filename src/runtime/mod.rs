//! A running program: the operator graph assembled into live operators and driven round by round; the only place with a clock.

mod clock;
mod error;
mod frontier;
mod limits;
mod merge;
mod pipeline;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::RunError;
pub use limits::Limits;
pub use pipeline::{Departures, Pipeline};
