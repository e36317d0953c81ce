//! betide: complex event processing.

pub mod data;
pub mod syntax;
pub mod text;
