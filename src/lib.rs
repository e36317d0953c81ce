//! betide: complex event processing.

pub mod codec;
pub mod connect;
pub mod data;
pub mod engine;
pub mod expr;
pub mod operators;
pub mod pattern;
pub mod plan;
pub mod runtime;
pub mod semantics;
pub mod spec;
pub mod syntax;
pub mod text;

pub use engine::{DataError, Engine, Error, Options, OutputRow, Stats};
