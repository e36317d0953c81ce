//! Diagnostics as caret text, in rustc's look.
//!
//! Diagnostics and the text they point into come in, one block of lines for each goes out, blocks parted by an empty line. Ranges are
//! cut to whole characters inside the text first, so that no range, however wrong, can stop the telling.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Severity, Source, Span};

/// The diagnostics as text with carets, ready for a terminal; `colour` adds escape codes.
pub fn render(diagnostics: &Diagnostics, source: &Source, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let blocks: Vec<String> = diagnostics.iter().map(|diagnostic| block(diagnostic, source, &renderer)).collect();
    blocks.join("\n")
}

/// One diagnostic.
fn block(diagnostic: &Diagnostic, source: &Source, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    if diagnostic.primary.span == Span::default() && diagnostic.primary.text.is_empty() && diagnostic.related.is_empty() {
        return placeless(diagnostic, level, renderer);
    }
    // Only the lines from the first to the last label are handed over: a long program costs no more than a short one.
    let spans = || std::iter::once(&diagnostic.primary).chain(&diagnostic.related).map(|label| label.span);
    let window = Window::around(source.text(), spans());
    let primary = AnnotationKind::Primary.span(window.range(diagnostic.primary.span)).label(text(&diagnostic.primary.text));
    let related = diagnostic.related.iter().map(|label| AnnotationKind::Context.span(window.range(label.span)).label(text(&label.text)));
    let snippet = Snippet::source(window.text).line_start(window.line).path(source.name()).annotation(primary).annotations(related);
    let group: Group<'_> = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.0).element(snippet);
    let group = diagnostic.hints.iter().fold(group, |group, hint| group.element(Level::HELP.message(hint.as_str())));
    ended(renderer.render(&[group]))
}

/// One that is about nothing in the text, like a value from outside: its first byte would be a wrong place.
fn placeless(diagnostic: &Diagnostic, level: Level<'_>, renderer: &Renderer) -> String {
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code.0);
    let group = diagnostic.hints.iter().fold(Group::with_title(title), |group, hint| group.element(Level::HELP.message(hint.as_str())));
    ended(renderer.render(&[group]))
}

/// With the end of its last line.
fn ended(block: String) -> String {
    if block.ends_with('\n') { block } else { block + "\n" }
}

/// A label's text, if it says anything.
fn text(label: &str) -> Option<&str> {
    (!label.is_empty()).then_some(label)
}

/// The whole lines that some ranges touch.
struct Window<'t> {
    text: &'t str,
    start: usize,
    line: usize,
}

impl<'t> Window<'t> {
    fn around(text: &'t str, spans: impl Iterator<Item = Span>) -> Self {
        let (mut first, mut last) = (text.len(), 0);
        for span in spans {
            first = first.min(floor(text, span.start as usize));
            last = last.max(floor(text, span.end as usize));
        }
        let last = last.max(first);
        let start = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[last..].find('\n').map_or(text.len(), |newline| last + newline);
        // The end of a line in CRLF is no character to show.
        let end = start + text[start..end].strip_suffix('\r').map_or(end - start, str::len);
        let line = text[..start].bytes().filter(|byte| *byte == b'\n').count() + 1;
        Self { text: &text[start..end], start, line }
    }

    /// A range of the file as a range of the lines, in whole characters.
    fn range(&self, span: Span) -> std::ops::Range<usize> {
        let inside = |byte: u32| floor(self.text, (byte as usize).saturating_sub(self.start));
        let (start, end) = (inside(span.start), inside(span.end));
        start..end.max(start)
    }
}

/// The nearest character border at or before this byte.
fn floor(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::text::{Code, Diagnostic, Diagnostics, Source, Span};

    fn rendered(text: &str, diagnostic: Diagnostic) -> String {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(diagnostic);
        render(&diagnostics, &Source::new("q.tide", text), false)
    }

    fn error(start: u32, end: u32) -> Diagnostic {
        Diagnostic::error(Code("E0999"), Span::new(start, end), "no such thing")
    }

    #[test]
    fn labels_other_places_and_hints() {
        let diagnostic = error(15, 20).label("not here").related(Span::new(7, 8), "but this is").hint("did you mean `b`?").hint("or `c`?");
        let expected = "\
error[E0999]: no such thing
 --> q.tide:2:7
  |
1 | SELECT a
  |        - but this is
2 | WHERE amout > 1
  |       ^^^^^ not here
  |
  = help: did you mean `b`?
  = help: or `c`?
";
        assert_eq!(rendered("SELECT a\nWHERE amout > 1\nFROM S", diagnostic), expected);
    }

    #[test]
    fn the_end_of_the_file_and_behind_it() {
        let behind = "error[E0999]: no such thing\n --> q.tide:2:1\n  |\n2 |\n  | ^ x\n";
        assert_eq!(rendered("SELECT a\n", error(9, 9).label("x")), behind);
        assert_eq!(rendered("SELECT a\n", error(70, 90).label("x")), behind);
        let at_line_end = "error[E0999]: no such thing\n --> q.tide:1:9\n  |\n1 | SELECT a\n  |         ^ x\n";
        assert_eq!(rendered("SELECT a", error(8, 8).label("x")), at_line_end);
        assert!(rendered("", error(0, 0).label("x")).starts_with("error[E0999]: no such thing\n --> q.tide:1:1\n"));
    }

    #[test]
    fn carets_stand_under_wide_characters_and_behind_tabs() {
        let text = "'größe 漢字' x\r\n\ty ==\r\n";
        let wide = "error[E0999]: no such thing\n --> q.tide:1:12\n  |\n1 | 'größe 漢字' x\n  |              ^\n";
        assert_eq!(rendered(text, error(17, 18)), wide);
        let tab = "error[E0999]: no such thing\n --> q.tide:2:4\n  |\n2 |     y ==\n  |       ^^\n";
        assert_eq!(rendered(text, error(23, 25)), tab);
        // A range that cuts a character is widened to its border.
        assert!(rendered(text, error(10, 11)).contains("q.tide:1:8"));
    }

    #[test]
    fn several_in_order_and_colour_on_demand() {
        let mut diagnostics = Diagnostics::default();
        diagnostics.push(error(0, 1));
        diagnostics.push(Diagnostic::warning(Code("W0001"), Span::new(2, 3), "odd"));
        let source = Source::new("q.tide", "a b");
        let plain = render(&diagnostics, &source, false);
        let two = "error[E0999]: no such thing\n --> q.tide:1:1\n  |\n1 | a b\n  | ^\n\n\
                   warning[W0001]: odd\n --> q.tide:1:3\n  |\n1 | a b\n  |   ^\n";
        assert_eq!(plain, two);
        assert!(!plain.contains('\u{1b}') && render(&diagnostics, &source, true).contains('\u{1b}'));
    }
}
