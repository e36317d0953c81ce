//! betide: complex event processing.

pub mod codec;
pub mod connect;
pub mod data;
#[path = "operators/reorder.rs"]
pub mod reorder;
pub mod runtime;
pub mod syntax;
pub mod text;
