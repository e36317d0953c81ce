//! betide: complex event processing.

pub mod codec;
pub mod connect;
pub mod data;
pub mod expr;
#[path = "operators/reorder.rs"]
pub mod reorder;
pub mod operators;
pub mod runtime;
pub mod syntax;
pub mod text;
