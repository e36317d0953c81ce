//! A program text with its name.

/// A program text and the name to show for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    text: String,
}

impl Source {
    /// A text under a name (a file's path, or something like `<query>`).
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// The name to show.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line of a byte, from 1.
    pub fn line_of(&self, byte: u32) -> usize {
        let end = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
        self.line_ends(0, end) + 1
    }

    /// The same of many bytes: where they rise, the text is gone through once.
    pub fn lines_of(&self, bytes: impl IntoIterator<Item = u32>) -> impl Iterator<Item = usize> {
        let (mut at, mut line) = (0, 1);
        bytes.into_iter().map(move |byte| {
            let to = usize::try_from(byte).unwrap_or(usize::MAX).min(self.text.len());
            line = if to < at { self.line_ends(0, to) + 1 } else { line + self.line_ends(at, to) };
            at = to;
            line
        })
    }

    fn line_ends(&self, begin: usize, end: usize) -> usize {
        self.text.as_bytes()[begin..end].iter().filter(|byte| **byte == b'\n').count()
    }
}
