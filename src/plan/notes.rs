//! What else is to be said of the parts of a graph where it is explained or drawn: what a run has measured.

use crate::spec::VariableId;

/// Lines for the parts of a graph, by their numbers. Where there is nothing for a part, nothing is said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    /// For each source.
    pub(crate) sources: Vec<Vec<String>>,
    /// For each node.
    pub(crate) nodes: Vec<NodeNotes>,
    /// For each output.
    pub(crate) outputs: Vec<Vec<String>>,
    /// Behind everything.
    pub(crate) end: Vec<String>,
}

/// Lines for a node.
#[derive(Debug, Clone, Default)]
pub(crate) struct NodeNotes {
    /// In the text.
    pub(crate) lines: Vec<String>,
    /// In its box of a picture, where there is less room.
    pub(crate) brief: Vec<String>,
    /// In the boxes of a pattern's steps, by variable.
    pub(crate) steps: Vec<Vec<String>>,
}

impl Notes {
    pub(super) fn source(&self, index: usize) -> &[String] {
        self.sources.get(index).map_or(&[], Vec::as_slice)
    }

    pub(super) fn node(&self, index: usize) -> Option<&NodeNotes> {
        self.nodes.get(index)
    }

    pub(super) fn output(&self, index: usize) -> &[String] {
        self.outputs.get(index).map_or(&[], Vec::as_slice)
    }
}

impl NodeNotes {
    pub(super) fn step(&self, variable: VariableId) -> &[String] {
        self.steps.get(variable.0 as usize).map_or(&[], Vec::as_slice)
    }
}
