//! In which form events are written.

/// A form of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// One JSON object a line.
    #[default]
    JsonLines,
    /// Comma-separated values (or semicolons, tabs, bars) behind a header line.
    Csv,
}

impl Format {
    /// The form that a file's name tells; lines of JSON where it tells none.
    pub fn of_name(name: &str) -> Self {
        let lower = name.to_ascii_lowercase();
        let plain = [".gz", ".zst"].iter().find_map(|packed| lower.strip_suffix(packed)).unwrap_or(&lower);
        if [".csv", ".tsv"].iter().any(|end| plain.ends_with(end)) { Self::Csv } else { Self::JsonLines }
    }
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn names_tell_the_form() {
        for name in ["a.csv", "A.CSV.gz", "x/y.tsv.zst", "b.csv.zst"] {
            assert_eq!(Format::of_name(name), Format::Csv, "{name}");
        }
        for name in ["a.jsonl", "csv", "a.csv.jsonl", "standard input", "a.gz"] {
            assert_eq!(Format::of_name(name), Format::JsonLines, "{name}");
        }
    }
}
