//! betide: complex event processing.

pub mod codec;
pub mod connect;
pub mod data;
pub mod expr;
pub mod operators;
#[path = "operators/reorder.rs"]
pub mod reorder;
pub mod runtime;
pub mod syntax;
pub mod text;
