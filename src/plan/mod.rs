//! Typed program to operator graph: lowered, simplified by the rules, its state bounded or warned of, and explained.

mod columns;
mod estimate;
mod explain;
mod fingerprint;
mod graph;
mod keyed;
mod lower;
mod notes;
pub mod picture;
mod plainly;
mod rules;
mod shards;
mod share;
mod state;
mod thinned;
mod words;

pub(crate) use columns::in_words;
pub use estimate::{Estimate, Load, estimate};
pub use explain::explain;
pub(crate) use explain::{edge_text, explain_with, kind_text, of_node, of_source};
pub use fingerprint::{Fingerprint, Fingerprints, fingerprints, fingerprints_behind};
pub use graph::{Edge, LookupTable, Node, NodeId, OperatorGraph, OperatorSpec, OutputNode, Sharing, SourceId, SourceNode, TableNode};
pub use keyed::statements_without_key;
pub use lower::{Outputs, streams_of};
pub(crate) use notes::{NodeNotes, Notes};
pub(crate) use plainly::plainly;
pub use shards::{Cut, Threads};
pub use state::{Growth, StateClass, class_of};
pub(crate) use thinned::{Dropped, Thinned, without};
pub(crate) use words::term_in_words;

/// How sources are read is said by the typed program; the graph carries it on.
pub use crate::semantics::{Route, SourceColumn, SourceStream, TableFile, TableFormat};

use crate::semantics::Program;
use crate::spec::choose;
use crate::text::{Code, Diagnostic, Diagnostics, Severity, Span, nearest};
use lower::LowerError;

/// `--output` names a stream that does not exist.
const UNKNOWN_OUTPUT: Code = Code("E0501");
/// Streams that are made of each other (the checker tells it where it stands).
const CYCLE: Code = Code("E0502");
/// State that grows for ever.
const UNBOUNDED_STATE: Code = Code("E0503");

/// All codes of this stage, in order.
pub const CODES: &[Code] = &[UNKNOWN_OUTPUT, CYCLE, UNBOUNDED_STATE];

/// What each of them means.
pub const CODE_MEANINGS: &[(Code, &str)] = &[
    (UNKNOWN_OUTPUT, "A stream that --output names and the program does not have."),
    (CYCLE, "Streams of the program are made of each other."),
    (
        UNBOUNDED_STATE,
        "State that grows for ever: a warning where the input ends some day, an error for input that never ends. WITHIN, a window, or \
         RUNS LATEST bounds it.",
    ),
];

/// What is known of the run when it is planned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanOptions {
    /// Which streams leave.
    pub outputs: Outputs,
    /// The input never ends: state without bound is an error then, not a warning.
    pub endless: bool,
    /// Patterns are run by the general evaluator, whatever faster one there is.
    pub general_evaluators: bool,
    /// Statements may be added and dropped later: none is planned with an eye to what others read of it, and all events are kept whole.
    pub open: bool,
}

/// The operator graph of a program, and warnings.
pub fn plan(program: &Program, options: &PlanOptions) -> Result<(OperatorGraph, Diagnostics), Diagnostics> {
    let graph = lower::lower(program, &options.outputs, options.open).map_err(|error| refusal(&error, program))?;
    planned(graph, 0, options)
}

/// The operator graph of a program whose statements before this one have a graph, to which statements may be added; and warnings of the
/// others, which feed no stream of those. It is what [`plan`] makes of the whole.
pub fn plan_behind(
    before: &OperatorGraph,
    program: &Program,
    first: usize,
    options: &PlanOptions,
) -> Result<(OperatorGraph, Diagnostics), Diagnostics> {
    let graph = lower::lower_behind(before.clone(), program, first, &options.outputs).map_err(|error| refusal(&error, program))?;
    planned(graph, before.nodes().len(), options)
}

/// The nodes from this one on are simplified and warned of.
fn planned(mut graph: OperatorGraph, from: usize, options: &PlanOptions) -> Result<(OperatorGraph, Diagnostics), Diagnostics> {
    rules::apply(&mut graph, from, options.general_evaluators);
    if !options.general_evaluators {
        choose_evaluators(&mut graph, from);
        share::apply(&mut graph, from);
    }
    let mut told = Diagnostics::default();
    for node in &graph.nodes()[from..] {
        if let StateClass::Unbounded(growth) = class_of(node) {
            let severity = if options.endless { Severity::Error } else { Severity::Warning };
            unbounded(growth, node.span, severity).into_iter().for_each(|diagnostic| told.push(diagnostic));
        }
    }
    told.sort();
    if told.has_errors() { Err(told) } else { Ok((graph, told)) }
}

/// Says for each pattern what runs it; ordered threads do, until a faster evaluator is known to be exact for it.
fn choose_evaluators(graph: &mut OperatorGraph, from: usize) {
    for node in graph.nodes_mut(from) {
        if let OperatorSpec::Pattern { spec, evaluator, .. } = &mut node.spec {
            *evaluator = choose(spec);
        }
    }
}

/// What is told of state that grows for ever. Of patterns the checker has told it already, where they stand.
fn unbounded(growth: Growth, span: Span, severity: Severity) -> Option<Diagnostic> {
    let (message, hint) = match growth {
        Growth::Pattern => return None,
        Growth::Aggregate => ("this aggregate keeps every value for ever", "add `WINDOW …`, or use an aggregate that needs only a number"),
        Growth::Join => ("this join keeps rows for ever", "add `WITHIN …`: how far apart in time partners may lie"),
    };
    let diagnostic = match severity {
        Severity::Error => Diagnostic::error(UNBOUNDED_STATE, span, format!("{message}, and the input never ends")),
        Severity::Warning => Diagnostic::warning(UNBOUNDED_STATE, span, message),
    };
    Some(diagnostic.hint(hint))
}

fn refusal(error: &LowerError, program: &Program) -> Diagnostics {
    let mut told = Diagnostics::default();
    told.push(match error {
        LowerError::Cycle => Diagnostic::error(CYCLE, Span::default(), "streams of this program are made of each other"),
        LowerError::UnknownOutput(name) => {
            let known = nearest(name, program.streams.iter().filter(|s| s.table.is_none()).map(|s| &*s.name));
            let diagnostic =
                Diagnostic::error(UNKNOWN_OUTPUT, Span::default(), format!("no stream `{name}` to write")).did_you_mean(&known);
            let all: Vec<&str> = program.streams.iter().map(|s| &*s.name).collect();
            if diagnostic.hints.is_empty() && !all.is_empty() {
                diagnostic.hint(format!("there are: {}", all.join(", ")))
            } else {
                diagnostic
            }
        }
    });
    told
}
