//! A picture in the language of Mermaid.

use std::fmt::Write;

use super::{Arrow, Picture, Shape, Shown, wrapped};

pub(super) fn write(picture: &Picture) -> String {
    let mut out = String::from("flowchart TB\n");
    picture.boxes.iter().for_each(|shown| node(&mut out, "  ", shown));
    picture.arrows.iter().for_each(|arrow| edge(&mut out, "  ", arrow));
    for group in &picture.groups {
        let _ = writeln!(out, "  subgraph {}[{}]", group.id, quoted(&group.title));
        group.boxes.iter().for_each(|shown| node(&mut out, "    ", shown));
        group.arrows.iter().for_each(|arrow| edge(&mut out, "    ", arrow));
        out += "  end\n";
    }
    out
}

fn node(out: &mut String, indent: &str, shown: &Shown) {
    let (open, close) = match shown.shape {
        Shape::Source => ("[(", ")]"),
        Shape::Operator => ("[", "]"),
        Shape::Output => (">", "]"),
        Shape::Step => ("([", "])"),
        Shape::Point => ("((", "))"),
    };
    let lines = shown.lines.iter().chain(&shown.figures).flat_map(|line| wrapped(line, 60));
    let label: Vec<String> = std::iter::once(shown.title.clone()).chain(lines).collect();
    let _ = writeln!(out, "{indent}{}{open}{}{close}", shown.id, quoted(&label.join("\n")));
}

fn edge(out: &mut String, indent: &str, arrow: &Arrow) {
    let line = if arrow.forbids { "-.->" } else { "-->" };
    let label = if arrow.label.is_empty() { String::new() } else { format!("|{}|", quoted(&arrow.label)) };
    let _ = writeln!(out, "{indent}{} {line}{label} {}", arrow.from, arrow.to);
}

/// A text of Mermaid: in quotes, signs that mean something as entities, lines ended by `<br/>`.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("#quot;"),
            '#' => out.push_str("#35;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '`' => out.push_str("#96;"),
            '\n' => out.push_str("<br/>"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}
