//! A running program: the operator graph assembled into live operators and driven round by round; the only place with a clock.

mod clock;
mod decoders;
mod departures;
mod ended;
mod error;
mod fault;
mod frontier;
mod keeper;
mod keys;
mod ledger;
mod limits;
mod lines;
mod merge;
mod pipeline;
mod profile;
#[cfg(test)]
mod tests;

mod memory;
mod metrics;
mod parallel;
mod running;
mod selective;

mod assemble;
mod by_position;
mod shards;
mod tables;
mod view;
mod visits;
mod watched;

mod exchange;
mod snapshot;

pub use assemble::{AssembleOptions, assemble, column_spec};
pub use clock::{Clock, ManualClock, SystemClock};
pub use decoders::chunks_under_way;
pub use departures::Departures;
pub use ended::{Cause, Ended};
pub use error::RunError;
pub use exchange::{Exchange, exchange};
pub use fault::{Panic, guarded, record_panics};
pub use limits::Limits;
pub use memory::resident_bytes;
pub use metrics::{OperatorMetrics, RunMetrics, SourceMetrics};
pub use pipeline::{Counts, Pipeline};
pub use profile::{Cost, Profiled};
pub use running::{RunOptions, Running};
pub use snapshot::{Origin, Passport, Restored, SnapshotError};
pub use snapshot::{load as load_snapshot, load_parts, origin as snapshot_origin, save as save_snapshot, save_range};
pub use tables::{TableError, TableSource, Tables};
pub use view::View;
