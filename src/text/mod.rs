//! The text of a program and pointing into it. Knows nothing of the language.

mod diagnostic;
mod number;
mod render;
mod source;
mod span;
mod suggest;

pub use diagnostic::{Code, Diagnostic, Diagnostics, Label, Severity};
pub use number::grouped;
pub use render::render;
pub use source::Source;
pub use span::{Span, Spanned};
pub use suggest::nearest;
