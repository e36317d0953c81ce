//! betide: complex event processing.

pub mod codec;
pub mod connect;
pub mod data;
pub mod expr;
pub mod operators;
pub mod plan;
pub mod runtime;
pub mod semantics {
    //! The typed program.
    mod typed;
    pub use typed::{Input, OrderKey, Output, Program, Query, Route, SourceColumn, SourceStream, Stage, Statement, StreamDef, StreamId};
}
pub mod spec;
pub mod syntax;
pub mod text;
