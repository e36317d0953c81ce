//! A running program: the operator graph assembled into live operators and driven round by round; the only place with a clock.

mod clock;
mod decoders;
mod error;
mod frontier;
mod limits;
mod lines;
mod merge;
mod pipeline;

mod metrics;
mod parallel;
mod running;
mod selective;

mod assemble;
mod tables;
mod view;
mod visits;

mod snapshot;

pub use assemble::{AssembleOptions, assemble, column_spec};
pub use clock::{Clock, ManualClock, SystemClock};
pub use decoders::chunks_under_way;
pub use error::RunError;
pub use limits::Limits;
pub use metrics::{OperatorMetrics, RunMetrics, SourceMetrics};
pub use pipeline::{Counts, Departures, Pipeline};
pub use running::{RunOptions, Running};
pub use snapshot::{Passport, Restored, SnapshotError, load as load_snapshot, load_parts, save as save_snapshot, save_range};
pub use tables::{TableError, TableSource, Tables};
pub use view::View;
