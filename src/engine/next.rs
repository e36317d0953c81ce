//! What a running program is to become: planned from the running one alone where statements are added that are right by themselves, else
//! from the whole text.
//!
//! A statement that is added costs what it costs to read, check and plan that one statement, and a look at the lists of streams, nodes and
//! outputs. The result is that of compiling the whole text: statements of a program to which some may be added are planned each for itself, and
//! those that feed a stream which is there, or are wrong, are left to the compiler of the whole.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::changes::{name_of, name_of_statement, readers};
use super::compile::{self, Planned};
use super::{ChangeError, Engine};
use crate::plan::{Edge, Fingerprint, Fingerprints, OperatorGraph, OperatorSpec, Outputs, fingerprints_behind, plan_behind};
use crate::semantics::{Program, check_behind};
use crate::syntax::{cuts, parse_behind};

/// What a running program is to become.
pub(super) struct Next {
    pub(super) planned: Planned,
    pub(super) after: Fingerprints,
    pub(super) matched: Matched,
    /// The streams that leave.
    pub(super) leaving: BTreeSet<String>,
}

/// Whether a statement may be written behind a text as it is.
pub(super) fn is_ended(text: &str) -> bool {
    cuts(text).last().is_none_or(|last| text[..last.end].ends_with(';'))
}

impl Engine {
    /// The running program with statements behind it that begin so far into its text; nothing where that asks for a look at the whole.
    pub(super) fn behind(&self, added: &str, first: usize) -> Option<Next> {
        let file = parse_behind(added, first)?;
        let (found, warnings) = check_behind(&self.program, &file, &compile::check_options(&self.options))?;
        let kept = self.program.statements.len();
        let mut program = Program { written: Vec::new(), ..self.program.clone() };
        program.streams.extend(found.streams);
        program.statements.extend(found.statements);
        let leaving = self.leaving_behind(&program);
        let outputs = Outputs::Chosen(leaving.clone(), self.options.outputs.is_empty());
        let (graph, told) = plan_behind(&self.graph, &program, kept, &compile::plan_options(&self.options, outputs)).ok()?;
        let (after, outputs) = fingerprints_behind(&self.fingerprints, &self.graph, &graph);
        let nodes = (0..graph.nodes().len()).map(|node| Some(node).filter(|node| *node < self.graph.nodes().len())).collect();
        let mut all = self.warnings.clone();
        all.extend(warnings);
        all.extend(told);
        all.sort();
        Some(Next { planned: Planned { program, graph, warnings: all }, after, matched: Matched { nodes, outputs }, leaving })
    }

    /// The streams that leave: those that did, and those of the new statements that nobody reads.
    fn leaving_behind(&self, program: &Program) -> BTreeSet<String> {
        let kept = self.program.statements.len();
        let mut leaving = self.changing.leaving.clone();
        for stream in program.statements[kept..].iter().flat_map(|statement| statement.feeds()) {
            let name = name_of(program, stream);
            let is_table = program.streams[stream.0 as usize].table.is_some();
            if !is_table && readers(program, name, kept..program.statements.len()).is_empty() {
                leaving.insert(name.to_owned());
            }
        }
        leaving
    }
}

/// What of the running program goes on in the new one.
pub(super) struct Matched {
    /// By node of the new program.
    pub(super) nodes: Vec<Option<usize>>,
    /// By output of the running program.
    pub(super) outputs: Vec<Option<usize>>,
}

/// A statement (none of what no statement makes) and what one of its parts does.
type Part = (Option<usize>, Fingerprint);

impl Matched {
    /// Finds the parts of the statements that stay, which are the first of the new program; or says which of them would not be the same.
    pub(super) fn find(engine: &Engine, planned: &Planned, after: &Fingerprints, kept: &[usize]) -> Result<Self, ChangeError> {
        let (before, graph) = (&engine.graph, &planned.graph);
        let was = |statement: usize| kept.get(statement).copied();
        let alters = |statement: usize| ChangeError::Alters(name_of_statement(&planned.program, statement));

        let old = before.nodes().iter().zip(&engine.fingerprints.nodes).map(|(node, &of)| (Some(node.statement), of));
        let new = graph.nodes().iter().zip(&after.nodes).map(|(node, &of)| Some((Some(was(node.statement)?), of)));
        let nodes = in_turn(old, new);
        for (number, node) in graph.nodes().iter().enumerate() {
            // A stream that nobody reads may have got another union.
            let is_free_union = matches!(node.spec, OperatorSpec::Union) && !is_read(graph, number);
            if nodes[number].is_none() && was(node.statement).is_some() && !is_free_union {
                return Err(alters(node.statement));
            }
        }

        let of_output =
            |edge: Edge, statement: Option<usize>| if matches!(edge, Edge::Node(..)) { statement.map(Some) } else { Some(None) };
        let old: Vec<Option<Part>> = before
            .outputs()
            .iter()
            .zip(&engine.fingerprints.outputs)
            .map(|(output, &of)| Some((of_output(output.edge, Some(output.statement).filter(|s| kept.contains(s)))?, of)))
            .collect();
        let new = graph.outputs().iter().zip(&after.outputs).map(|(output, &of)| (of_output(output.edge, was(output.statement)), of));
        let new: Vec<(Option<Option<usize>>, Fingerprint)> = new.collect();
        let outputs = in_turn(new.iter().map(|&(statement, of)| (statement.unwrap_or(Some(usize::MAX)), of)), old.iter().copied());
        for (number, output) in before.outputs().iter().enumerate() {
            if old[number].is_some() && outputs[number].is_none() {
                let name =
                    output.name.as_ref().map_or_else(|| name_of_statement(&engine.program, output.statement), |name| format!("`{name}`"));
                return Err(ChangeError::Alters(name));
            }
        }
        Ok(Self { nodes, outputs })
    }
}

fn is_read(graph: &OperatorGraph, node: usize) -> bool {
    let is_it = |edge: Edge| matches!(edge, Edge::Node(id, _) if id.0 as usize == node);
    graph.nodes().iter().flat_map(|other| &other.inputs).any(|&edge| is_it(edge)) || graph.outputs().iter().any(|output| is_it(output.edge))
}

/// For each of `of`, the same one among the others; of several that are equal the first is the first, and so on.
fn in_turn(among: impl Iterator<Item = Part>, of: impl IntoIterator<Item = Option<Part>>) -> Vec<Option<usize>> {
    let mut places: BTreeMap<Part, VecDeque<usize>> = BTreeMap::new();
    among.enumerate().for_each(|(place, part)| places.entry(part).or_default().push_back(place));
    of.into_iter().map(|part| places.get_mut(&part?)?.pop_front()).collect()
}
