//! What is told of tests: a line each, what is wrong with its line in the file, and JUnit's XML for machines.

use std::fmt::Write;

/// What became of one test.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) file: String,
    pub(super) name: String,
    /// What is wrong: a line of the file, and what of it.
    pub(super) failures: Vec<(usize, String)>,
}

/// All outcomes as JUnit's XML.
pub(super) fn junit(outcomes: &[Outcome]) -> String {
    let failed = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
    let mut xml = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"{}\" failures=\"{failed}\">\n", outcomes.len());
    for suite in outcomes.chunk_by(|a, b| a.file == b.file) {
        let failed = suite.iter().filter(|outcome| !outcome.failures.is_empty()).count();
        let name = escaped(&suite[0].file);
        let _ = writeln!(xml, "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{failed}\">", suite.len());
        for outcome in suite {
            let _ = write!(xml, "    <testcase classname=\"{name}\" name=\"{}\"", escaped(&outcome.name));
            if outcome.failures.is_empty() {
                xml.push_str("/>\n");
                continue;
            }
            xml.push_str(">\n");
            for (line, what) in &outcome.failures {
                let first = what.lines().next().unwrap_or_default();
                let place = format!("{}:{line}", outcome.file);
                let _ = writeln!(xml, "      <failure message=\"{}\">{}</failure>", escaped(first), escaped(&format!("{place}: {what}")));
            }
            xml.push_str("    </testcase>\n");
        }
        xml.push_str("  </testsuite>\n");
    }
    xml + "</testsuites>\n"
}

/// A text inside of XML, where some signs cannot stand at all.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_holds_any_text() {
        let outcome = |name: &str, failures| Outcome { file: "a.test".to_owned(), name: name.to_owned(), failures };
        let xml = junit(&[outcome("well", Vec::new()), outcome("<\"&\u{1}>", vec![(3, "a < b\nc".to_owned())])]);
        assert!(xml.contains("<testsuites tests=\"2\" failures=\"1\">"), "{xml}");
        assert!(xml.contains("name=\"&lt;&quot;&amp;\\u{1}&gt;\">"), "{xml}");
        assert!(xml.contains("<failure message=\"a &lt; b\">a.test:3: a &lt; b\nc</failure>"), "{xml}");
    }
}
