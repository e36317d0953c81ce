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
//! The modules in the order in which they use each other. A program: [`text`] → [`syntax`] → [`semantics`] → [`plan`]. Events: [`data`],
//! [`expr`], [`spec`], [`pattern`], [`operators`]. Bytes: [`codec`], [`connect`]. Both meet in [`runtime`], and [`engine`] is the face.
//! What users need is named at the top of the crate, in [`engine`], [`text`] (diagnostics) and [`data`] (values and types).
#![doc = "\n"]
#![doc = include_str!("../ARCHITECTURE.md")]

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

pub use codec::{BadCause, BadEvent};
pub use data::{DataType, Duration, KeyRange, Schema, Timestamp, Value};
pub use engine::{
    ChangeError, DataError, EndCause, EndedStatement, Engine, Error, Options, OutputRow, RunningStatement, StatementId, Stats, TableRow,
    TableView,
};
pub use expr::{ScalarFunction, TypeError};
pub use runtime::{Clock, Limits, ManualClock, Restored, SnapshotError, SystemClock, record_panics};
pub use text::Diagnostics;
