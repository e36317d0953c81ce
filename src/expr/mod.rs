//! Typed expressions: built with their types checked, evaluated over a batch or for one row, with equal results.
//!
//! An expression reads slots and nothing else; what a slot is, the caller says. Evaluation never fails: what has no value (division by zero,
//! overflow, a cast that does not fit) is NULL and counted in the [`EvalContext`]. Functions and aggregates are defined once, in a table each.

mod error;
mod tree;

mod build;
mod cast;
mod context;
mod display;
mod fold;
mod keyset;
mod needle;
mod text;
mod total;

mod batch;
mod eval;
mod words;

pub mod aggregates;
pub mod functions;

pub use aggregates::{Accumulator, Aggregate, AggregateFunction, AggregateState, AnyAggregate, RegisteredAggregate};
pub use context::EvalContext;
pub use error::TypeError;
pub use eval::{BatchRow, Row};
pub use functions::{Function, ScalarFunction};
pub use keyset::KeySet;
pub use needle::Needle;
pub use tree::{Call, CompareOp, Expr, ExprKind, SlotId};
pub(crate) use words::{WordTerm, Words, scaled_slot, word_of};
