//! A program with what it has done with some events: as text, as JSON and in pictures.

use super::figures::Figures;
use super::{json, text};
use crate::plan::{OperatorGraph, explain_with, picture};

/// A program, and what was measured of it.
#[derive(Debug, Clone)]
pub struct Analyzed {
    graph: OperatorGraph,
    figures: Figures,
}

impl Analyzed {
    pub(crate) fn new(graph: OperatorGraph, figures: Figures) -> Self {
        Self { graph, figures }
    }

    /// What was measured.
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Without times and bytes, which differ from run to run and from machine to machine.
    #[must_use]
    pub fn without_times(self) -> Self {
        Self { figures: self.figures.without_times(), ..self }
    }

    /// What `explain` says, with the figures below each operator.
    pub fn to_text(&self) -> String {
        explain_with(&self.graph, &text::notes(&self.graph, &self.figures))
    }

    /// The same as JSON.
    pub fn to_json(&self) -> String {
        json(&self.graph, Some(&self.figures))
    }

    /// The operators in the language of Graphviz, with figures in the boxes.
    pub(crate) fn to_dot(&self) -> String {
        picture::dot_with(&self.graph, &text::notes(&self.graph, &self.figures))
    }

    /// The operators drawn as SVG, with figures in the boxes.
    pub(crate) fn to_svg(&self) -> String {
        picture::svg_with(&self.graph, &text::notes(&self.graph, &self.figures))
    }

    /// The operators in the language of Mermaid, with figures in the boxes.
    pub(crate) fn to_mermaid(&self) -> String {
        picture::mermaid_with(&self.graph, &text::notes(&self.graph, &self.figures))
    }
}
