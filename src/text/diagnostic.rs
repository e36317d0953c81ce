//! What is wrong with a program, where, and how to mend it.

use std::fmt;

use super::Span;

/// The stable name of a kind of mistake, like `E0203`. Each stage of the compile leg lists its codes in its `codes.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub &'static str);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Whether the program can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The program does not compile.
    Error,
    /// The program runs, but perhaps not as meant.
    Warning,
}

/// A range of the text and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Which characters.
    pub span: Span,
    /// What of them.
    pub text: String,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind of mistake.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What was found and what was expected, in one sentence.
    pub message: String,
    /// The place of the mistake.
    pub primary: Label,
    /// Other places that explain it.
    pub related: Vec<Label>,
    /// How to mend it, a line each.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error of this code at this place; the label under the caret is empty until [`Diagnostic::label`].
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            primary: Label { span, text: String::new() },
            related: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A warning of this code at this place.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// What to write under the caret.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Another place that explains the mistake.
    #[must_use]
    pub fn related(mut self, span: Span, text: impl Into<String>) -> Self {
        self.related.push(Label { span, text: text.into() });
        self
    }

    /// A way to mend it.
    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }

    /// "did you mean", where there is a name near enough.
    #[must_use]
    pub fn did_you_mean(self, candidates: &[&str]) -> Self {
        let quoted: Vec<String> = candidates.iter().map(|c| format!("`{c}`")).collect();
        match quoted.as_slice() {
            [] => self,
            [one] => self.hint(format!("did you mean {one}?")),
            [first @ .., last] => self.hint(format!("did you mean {} or {last}?", first.join(", "))),
        }
    }
}

/// All mistakes of a program, in the order of the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
}

/// Each in a line, with what would mend it; [`render`](crate::text::render) shows them in the text.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, diagnostic) in self.all.iter().enumerate() {
            let kind = if diagnostic.severity == Severity::Error { "error" } else { "warning" };
            let line = if number > 0 { "\n" } else { "" };
            write!(f, "{line}{kind}[{}]: {}", diagnostic.code.0, diagnostic.message)?;
            if !diagnostic.hints.is_empty() {
                write!(f, " ({})", diagnostic.hints.join("; "))?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.all.push(diagnostic);
    }

    /// Adds all of another list.
    pub fn extend(&mut self, others: Diagnostics) {
        self.all.extend(others.all);
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.all.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// In the order of the text, errors of one place before warnings.
    pub fn sort(&mut self) {
        self.all.sort_by_key(|d| (d.primary.span, d.severity));
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.all.iter()
    }
}
