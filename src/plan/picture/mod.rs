//! The operator graph as a picture: boxes and arrows, and inside each pattern the steps and the ways between them; as DOT, as Mermaid or drawn
//! as SVG.
//!
//! In: an operator graph. Out: text that Graphviz, Mermaid or a browser draws, the same for the same program. What a box says is what `explain` says.

mod dot;
mod layout;
mod measure;
mod mermaid;
mod steps;
mod svg;

use super::explain;
use super::graph::{Edge, OperatorGraph, OperatorSpec};
use super::notes::Notes;
use crate::spec::PatternSpec;

/// The graph in the language of Graphviz.
pub fn dot(graph: &OperatorGraph) -> String {
    dot_with(graph, &Notes::default())
}

/// The same, with what else is to be said of its parts.
pub(crate) fn dot_with(graph: &OperatorGraph, notes: &Notes) -> String {
    dot::write(&Picture::of(graph, notes))
}

/// The graph in the language of Mermaid.
pub fn mermaid(graph: &OperatorGraph) -> String {
    mermaid_with(graph, &Notes::default())
}

/// The same, with what else is to be said of its parts.
pub(crate) fn mermaid_with(graph: &OperatorGraph, notes: &Notes) -> String {
    mermaid::write(&Picture::of(graph, notes))
}

/// The graph drawn as SVG.
pub fn svg(graph: &OperatorGraph) -> String {
    svg_with(graph, &Notes::default())
}

/// The same, with what else is to be said of its parts.
pub(crate) fn svg_with(graph: &OperatorGraph, notes: &Notes) -> String {
    svg::write(&Picture::of(graph, notes))
}

/// What is drawn.
#[derive(Debug, Default)]
struct Picture {
    boxes: Vec<Shown>,
    arrows: Vec<Arrow>,
    /// The inside of patterns.
    groups: Vec<Group>,
    /// What is said of the whole.
    caption: Vec<String>,
}

/// A box of the graph.
#[derive(Debug)]
struct Shown {
    /// Unique, and a name in both languages.
    id: String,
    title: String,
    lines: Vec<String>,
    /// What was measured.
    figures: Vec<String>,
    shape: Shape,
}

/// What a box is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Source,
    Operator,
    Output,
    Step,
    /// Where a pattern begins or ends.
    Point,
}

/// From one box to another.
#[derive(Debug)]
struct Arrow {
    from: String,
    to: String,
    label: String,
    /// Something that must not come.
    forbids: bool,
}

/// The steps of one pattern.
#[derive(Debug)]
struct Group {
    id: String,
    title: String,
    boxes: Vec<Shown>,
    arrows: Vec<Arrow>,
}

impl Picture {
    fn of(graph: &OperatorGraph, notes: &Notes) -> Self {
        let mut picture = Self { caption: notes.end.clone(), ..Self::default() };
        for (index, source) in graph.sources().iter().enumerate().filter(|(_, source)| source.is_read) {
            let (lines, figures) = (explain::of_source(source), notes.source(index).to_vec());
            picture.boxes.push(Shown { id: format!("s{index}"), title: source.name.to_string(), lines, figures, shape: Shape::Source });
        }
        for (index, node) in graph.nodes().iter().enumerate() {
            let title = format!("{} {}", index + 1, explain::kind_text(&node.spec));
            let of_node = notes.node(index);
            let (lines, figures) = (explain::of_node(graph, node), of_node.map_or_else(Vec::new, |notes| notes.brief.clone()));
            picture.boxes.push(Shown { id: format!("n{index}"), title, lines, figures, shape: Shape::Operator });
            for &edge in &node.inputs {
                picture.arrow(edge, format!("n{index}"));
            }
            if let Some(pattern) = pattern_of(&node.spec) {
                picture.groups.push(steps::group(&format!("p{index}"), &format!("steps of {}", index + 1), pattern, of_node));
            }
        }
        for (index, output) in graph.outputs().iter().enumerate() {
            let title = output.name.as_deref().map_or_else(|| format!("statement {}", output.statement + 1), str::to_owned);
            let figures = notes.output(index).to_vec();
            picture.boxes.push(Shown { id: format!("o{index}"), title, lines: Vec::new(), figures, shape: Shape::Output });
            picture.arrow(output.edge, format!("o{index}"));
        }
        picture
    }

    fn arrow(&mut self, from: Edge, to: String) {
        let (from, label) = match from {
            Edge::Source(id) => (format!("s{}", id.0), ""),
            Edge::Late(id) => (format!("s{}", id.0), "late"),
            Edge::Node(id, 0) => (format!("n{}", id.0), ""),
            Edge::Node(id, _) => (format!("n{}", id.0), "timeouts"),
        };
        self.arrows.push(Arrow { from, to, label: label.to_owned(), forbids: false });
    }
}

fn pattern_of(spec: &OperatorSpec) -> Option<&PatternSpec> {
    match spec {
        OperatorSpec::Pattern { spec, .. } => Some(spec),
        OperatorSpec::CountMatches { spec, .. } => Some(&spec.pattern),
        OperatorSpec::Filter(_)
        | OperatorSpec::Project(_)
        | OperatorSpec::Window(_)
        | OperatorSpec::Join(_)
        | OperatorSpec::TopOfWindow { .. }
        | OperatorSpec::Limit(_)
        | OperatorSpec::Until(_)
        | OperatorSpec::Suppress { .. }
        | OperatorSpec::Union
        | OperatorSpec::Lookup { .. }
        | OperatorSpec::View { .. } => None,
    }
}

/// A sentence in lines of about so many characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
