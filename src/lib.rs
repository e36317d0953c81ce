//! betide: complex event processing. A program in SQL with patterns goes in, then events; rows come out, exact and in event-time order.
//!
//! ```
//! use betide::{Engine, Options};
//!
//! let program = "
//!     CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at DELAY 5 seconds;
//!
//!     CREATE STREAM CardTesting AS
//!     SELECT hit.card, COUNT(probe) AS probes, hit.amount
//!     FROM PATTERN (Payment probe{3,} -> Payment hit)
//!     PARTITION BY card
//!     WHERE probe.amount < 2 AND hit.amount > 500
//!     WITHIN 10 minutes;";
//! let mut engine = Engine::with_options(program, &Options::default())?;
//!
//! for (amount, second) in [(0.5, 10), (1.0, 12), (1.5, 11), (912.5, 14)] {
//!     let line = format!("{{\"card\":\"4929-1\",\"amount\":{amount},\"at\":\"2026-03-01T10:04:{second}Z\"}}\n");
//!     engine.push_json(line.as_bytes())?;
//! }
//! engine.finish()?;
//!
//! let rows = engine.take_rows();
//! assert_eq!(rows.len(), 1);
//! assert_eq!(rows[0].to_json(), r#"{"stream":"CardTesting","card":"4929-1","probes":3,"amount":912.5}"#);
//! # Ok::<(), betide::Error>(())
//! ```
//!
//! | to | there is |
//! |---|---|
//! | compile a program | [`Engine::compile`], [`Engine::with_options`] with [`Options`]; its mistakes are [`Diagnostics`], shown by [`text::render`] |
//! | feed it | [`Engine::push_json`], [`push_value`](Engine::push_value), [`push_row`](Engine::push_row), [`push_csv`](Engine::push_csv), [`push_batch`](Engine::push_batch); [`Engine::finish`] ends the input |
//! | move time | [`Engine::advance_watermark`], [`tick`](Engine::tick); a [`Clock`] of your own in the options |
//! | take rows | [`Engine::rows`] as your own type, [`take_rows`](Engine::take_rows), [`write_rows`](Engine::write_rows), [`take_batches`](Engine::take_batches) |
//! | look at tables | [`Engine::table`] |
//! | bring functions | [`Options::register_fn`], [`Options::register`] with a [`ScalarFunction`], [`Options::register_aggregate`] with an [`AggregateFunction`] |
//! | change statements while it runs | [`Engine::add`], [`drop_statement`](Engine::drop_statement), [`replace`](Engine::replace), [`statements`](Engine::statements) |
//! | save and go on | [`Engine::snapshot`], [`restore`](Engine::restore), [`resume`](Engine::resume) |
//! | know what happens | [`Engine::stats`], [`take_bad_events`](Engine::take_bad_events), [`ended`](Engine::ended), [`explain`](Engine::explain), [`picture`](Engine::picture) |
//!
//! The modules in the order in which they use each other. A program: [`text`] → [`syntax`] → [`semantics`] → [`plan`]. Events: [`data`],
//! [`expr`], [`spec`], [`pattern`], [`operators`]. Bytes: [`codec`], [`connect`]. Both meet in [`runtime`], and [`engine`] is the face.
//! What users need is named at the top of the crate, in [`engine`], [`text`] (diagnostics) and [`data`] (values and types).
#![doc = "\n"]
#![doc = include_str!("../ARCHITECTURE.md")]

pub mod analysis;
pub mod assist;
#[doc(hidden)]
pub mod codec;
#[doc(hidden)]
pub mod connect;
pub mod data;
pub mod engine;
#[doc(hidden)]
pub mod expr;
pub mod infer;
#[doc(hidden)]
pub mod operators;
#[doc(hidden)]
pub mod pattern;
#[doc(hidden)]
pub mod plan;
#[doc(hidden)]
pub mod runtime;
#[doc(hidden)]
pub mod semantics;
#[doc(hidden)]
pub mod spec;
#[doc(hidden)]
pub mod syntax;
pub mod text;
pub mod why;

pub use codec::{BadCause, BadEvent};
pub use data::{DataType, Duration, KeyRange, Schema, StateError, Timestamp, Value};
#[cfg(feature = "tokio")]
pub use engine::RowStream;
pub use engine::{
    Analysis, ChangeError, DataError, EndCause, EndedStatement, EndedStats, Engine, Error, Inquiry, Lines, OperatorStats, Options,
    OutputRow, PictureLanguage, RunningStatement, SharedStats, SourceStats, SourceStream, StatementId, Stats, StepCount, TableRow,
    TableView,
};
pub use expr::{AggregateFunction, AggregateState, RegisteredAggregate, ScalarFunction, TypeError};
pub use runtime::{Clock, Limits, ManualClock, Restored, SnapshotError, SystemClock, record_panics, resident_bytes};
pub use text::Diagnostics;
