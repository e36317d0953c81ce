//! Diagnostics as caret text, in rustc's look.

use super::{Diagnostics, Source};

/// The diagnostics as text with carets, ready for a terminal; `colour` adds escape codes.
pub fn render(diagnostics: &Diagnostics, source: &Source, colour: bool) -> String {
    let _ = (diagnostics, source, colour);
    String::new()
}
