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
        // A byte can count those of so many others, sixteen at a time: a program of many statements is asked for the line of each.
        let parts = self.text.as_bytes()[begin..end].chunks(usize::from(u8::MAX));
        parts.map(|part| usize::from(part.iter().fold(0u8, |count, byte| count.wrapping_add(u8::from(*byte == b'\n'))))).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_however_many_there_are() {
        let text: String = (0..1_000).map(|line| format!("{}\n", "x".repeat(line % 3))).collect();
        let source = Source::new("a", text.clone());
        let bytes: Vec<u32> = (0..=text.len() as u32 + 1).collect();
        let expected = |byte: &u32| 1 + text.bytes().take(*byte as usize).filter(|byte| *byte == b'\n').count();
        assert!(bytes.iter().all(|byte| source.line_of(*byte) == expected(byte)));
        assert!(source.lines_of(bytes.iter().copied()).eq(bytes.iter().map(expected)));
    }
}
