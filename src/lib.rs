//! betide: complex event processing.

pub mod codec;
pub mod connect;
pub mod data;
pub mod expr;
pub mod operators;
pub mod runtime;
pub mod syntax;
pub mod text;
