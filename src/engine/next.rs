//! What a running program is to become: planned from the running one where statements are dropped, and added that are right by themselves; else
//! from the whole text.
//!
//! A statement that is added costs what it costs to read, check and plan that one statement, and a look at the lists of streams, nodes and
//! outputs; and one that is dropped costs that look. The result is that of compiling the whole text: statements of a program to which some may
//! be added are planned each for itself, and those that feed a stream of others, or are wrong, are left to the compiler of the whole.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use super::changes::{name_of, name_of_statement, readers};
use super::compile::{self, Planned};
use super::{ChangeError, Engine, Options};
use crate::plan::{
    Dropped, Edge, Fingerprint, Fingerprints, OperatorGraph, OperatorSpec, Outputs, Thinned, fingerprints_behind, plan_behind, without,
};
use crate::semantics::{Output, Program, Statement, StreamDef, StreamId, check_behind};
use crate::syntax::{cuts, parse_behind};
use crate::text::{Diagnostics, Label, Span};

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

/// A running program that others are added to: as it is, or without statements that are dropped.
pub(super) struct Base {
    program: Program,
    graph: OperatorGraph,
    fingerprints: Fingerprints,
    warnings: Diagnostics,
    leaving: BTreeSet<String>,
    /// By node, which one of the running program it is.
    nodes: Vec<usize>,
    /// By output of the running program, which of these it is.
    outputs: Vec<Option<usize>>,
}

impl Base {
    /// The running program as it is.
    pub(super) fn of(engine: &Engine) -> Self {
        Self {
            program: engine.program.clone(),
            graph: engine.graph.clone(),
            fingerprints: engine.fingerprints().clone(),
            warnings: engine.warnings.clone(),
            leaving: engine.changing.leaving.clone(),
            nodes: (0..engine.graph.nodes().len()).collect(),
            outputs: (0..engine.graph.outputs().len()).map(Some).collect(),
        }
    }

    /// The running program without statements that nobody else reads, of which the text is cut so; nothing where others feed their streams.
    pub(super) fn without(engine: &Engine, statements: &BTreeSet<usize>, cut: &[Range<usize>]) -> Option<Self> {
        let before = &engine.program;
        let fed = |is_dropped: bool| {
            let of = before.statements.iter().enumerate().filter(move |(number, _)| statements.contains(number) == is_dropped);
            of.flat_map(|(_, statement)| statement.feeds()).collect::<BTreeSet<StreamId>>()
        };
        let gone = fed(true);
        if !gone.is_disjoint(&fed(false)) {
            return None;
        }
        let mut next = 0;
        let numbered = (0u32..).zip(&before.streams).map(|(id, _)| {
            let stays = !gone.contains(&StreamId(id));
            next += u32::from(stays);
            stays.then(|| StreamId(next - 1))
        });
        let numbers: Vec<Option<StreamId>> = numbered.collect();
        let stream = |id: StreamId| numbers[id.0 as usize];
        let cut: Vec<Range<u32>> = cut.iter().map(|cut| Some(offset(cut.start)?..offset(cut.end)?)).collect::<Option<_>>()?;
        let shifted = |span: Span| {
            let by: u32 = cut.iter().filter(|cut| cut.end <= span.start).map(|cut| cut.end - cut.start).sum();
            Span::new(span.start - by, span.end - by)
        };
        let dropped = Dropped { statements, stream: &stream, span: &shifted };
        let Thinned { graph, fingerprints, nodes, outputs } = without(&engine.graph, engine.fingerprints(), &dropped);
        let is_cut = |label: &Label| label.span != Span::default() && cut.iter().any(|cut| cut.contains(&label.span.start));
        let mut warnings = Diagnostics::default();
        for warning in engine.warnings.iter().filter(|warning| !is_cut(&warning.primary)) {
            let mut warning = warning.clone();
            if warning.related.iter().any(is_cut) {
                return None;
            }
            std::iter::once(&mut warning.primary).chain(&mut warning.related).for_each(|label| label.span = shifted(label.span));
            warnings.push(warning);
        }
        let program = thinned_program(before, &dropped);
        let there: BTreeSet<&str> = program.streams.iter().map(|stream| &*stream.name).collect();
        let leaving = engine.changing.leaving.iter().filter(|name| there.contains(name.as_str())).cloned().collect();
        Some(Self { program, graph, fingerprints, warnings, leaving, nodes, outputs })
    }

    /// With statements behind it that begin so far into its text; nothing where that asks for a look at the whole.
    pub(super) fn with(self, added: &str, first: usize, options: &Options) -> Option<Next> {
        let file = parse_behind(added, first)?;
        let (found, told) = check_behind(&self.program, &file, &compile::check_options(options))?;
        let Self { mut program, graph: before, fingerprints, mut warnings, mut leaving, nodes, outputs } = self;
        warnings.extend(told);
        let kept = program.statements.len();
        program.streams.extend(found.streams);
        program.statements.extend(found.statements);
        leave_behind(&mut leaving, &program, kept);
        let chosen = Outputs::Chosen(leaving.clone(), options.outputs.is_empty());
        let (graph, told) = plan_behind(&before, &program, kept, &compile::plan_options(options, chosen)).ok()?;
        warnings.extend(told);
        warnings.sort();
        let (after, now) = fingerprints_behind(&fingerprints, &before, &graph);
        let nodes = (0..graph.nodes().len()).map(|node| nodes.get(node).copied()).collect();
        let outputs = outputs.into_iter().map(|output| now[output?]).collect();
        Some(Next { planned: Planned { program, graph, warnings }, after, matched: Matched { nodes, outputs }, leaving })
    }
}

/// The streams of the statements from this one on that nobody reads leave, too.
fn leave_behind(leaving: &mut BTreeSet<String>, program: &Program, kept: usize) {
    for stream in program.statements[kept..].iter().flat_map(|statement| statement.feeds()) {
        let name = name_of(program, stream);
        let is_table = program.streams[stream.0 as usize].table.is_some();
        if !is_table && readers(program, name, kept..program.statements.len()).is_empty() {
            leaving.insert(name.to_owned());
        }
    }
}

fn thinned_program(before: &Program, dropped: &Dropped<'_>) -> Program {
    let stays = |id: StreamId| (dropped.stream)(id).unwrap_or(id);
    let stream = |(id, stream): (u32, &StreamDef)| {
        (dropped.stream)(StreamId(id))?;
        let mut stream = stream.clone();
        stream.span = (dropped.span)(stream.span);
        if let Some(source) = &mut stream.source {
            source.late_into = source.late_into.map(stays);
        }
        Some(stream)
    };
    let statement = |(number, statement): (usize, &Arc<Statement>)| {
        if dropped.statements.contains(&number) {
            return None;
        }
        let mut statement = Statement::clone(statement);
        statement.span = (dropped.span)(statement.span);
        statement.timeout_into = statement.timeout_into.map(stays);
        if let Output::Stream(stream) = statement.output {
            statement.output = Output::Stream(stays(stream));
        }
        statement.query.renumber_streams(&stays);
        Some(Arc::new(statement))
    };
    Program {
        streams: (0u32..).zip(&before.streams).filter_map(stream).collect(),
        statements: before.statements.iter().enumerate().filter_map(statement).collect(),
        parameters: before.parameters.clone(),
        written: Vec::new(),
    }
}

fn offset(byte: usize) -> Option<u32> {
    u32::try_from(byte).ok()
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

        let old = before.nodes().iter().zip(&engine.fingerprints().nodes).map(|(node, &of)| (Some(node.statement), of));
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
            .zip(&engine.fingerprints().outputs)
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
