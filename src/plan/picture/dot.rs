//! A picture in the language of Graphviz.

use std::fmt::Write;

use super::{Arrow, Picture, Shape, Shown, wrapped};

pub(super) fn write(picture: &Picture) -> String {
    let mut out = String::from("digraph betide {\n  rankdir=TB;\n  node [fontname=\"Helvetica\", fontsize=11, shape=box];\n");
    picture.boxes.iter().for_each(|shown| node(&mut out, "  ", shown));
    picture.arrows.iter().for_each(|arrow| edge(&mut out, "  ", arrow));
    for group in &picture.groups {
        let _ = writeln!(out, "  subgraph cluster_{} {{\n    label={};", group.id, quoted(&group.title));
        group.boxes.iter().for_each(|shown| node(&mut out, "    ", shown));
        group.arrows.iter().for_each(|arrow| edge(&mut out, "    ", arrow));
        out += "  }\n";
    }
    out + "}\n"
}

fn node(out: &mut String, indent: &str, shown: &Shown) {
    let shape = match shown.shape {
        Shape::Source => ", shape=cylinder",
        Shape::Operator => "",
        Shape::Output => ", shape=note",
        Shape::Step => ", shape=ellipse",
        Shape::Point => ", shape=plaintext",
    };
    let lines = shown.lines.iter().chain(&shown.figures).flat_map(|line| wrapped(line, 60));
    let label: Vec<String> = std::iter::once(shown.title.clone()).chain(lines).collect();
    let _ = writeln!(out, "{indent}{} [label={}{shape}];", shown.id, quoted(&label.join("\n")));
}

fn edge(out: &mut String, indent: &str, arrow: &Arrow) {
    let mut marks = Vec::new();
    if !arrow.label.is_empty() {
        marks.push(format!("label={}", quoted(&arrow.label)));
    }
    if arrow.forbids {
        marks.push("style=dashed".to_owned());
    }
    let marks = if marks.is_empty() { String::new() } else { format!(" [{}]", marks.join(", ")) };
    let _ = writeln!(out, "{indent}{} -> {}{marks};", arrow.from, arrow.to);
}

/// A text of Graphviz: in quotes, lines ended by `\n`.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
