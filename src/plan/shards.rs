//! Which operators may run as several of the same kind, each with the keys whose hash falls to it, and by which columns rows are dealt out.
//!
//! What comes out must be what one operator gives, in the same order. Rows of one moment are put in that order again by where they stand, or
//! by the start whose turn it was; so no two rows of several keys may stand at one place: an operator is cut only where it reads source
//! events as they are (filtered and projected), each by one input.

use std::sync::Arc;

use super::graph::{Edge, Node, OperatorGraph, OperatorSpec};
use super::notes::{NodeNotes, Notes};
use crate::expr::Expr;
use crate::semantics::Route;
use crate::spec::WindowKind;

/// For each input the columns that its rows are dealt out by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Column numbers, by input; as many for each, and of the same types.
    pub columns: Vec<Vec<usize>>,
}

/// On how many threads a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threads {
    /// How many there are.
    pub number: usize,
    /// Whether the memory of a statement is bounded: how many bytes it holds by its own account depends on how many shards there are, and must
    /// not decide when it ends.
    pub is_statement_bounded: bool,
}

impl Threads {
    /// How an operator is cut by its keys, one part a thread, where it is.
    pub fn cut(self, graph: &OperatorGraph, node: &Node) -> Option<Cut> {
        self.cut_or_why(graph, node)?.ok()
    }

    fn cut_or_why(self, graph: &OperatorGraph, node: &Node) -> Option<Result<Cut, &'static str>> {
        if self.number < 2 {
            return None;
        }
        let cut = cut_of(graph, node)?;
        Some(if self.is_statement_bounded { cut.and(Err("the memory of statements is bounded")) } else { cut })
    }

    /// The same in words, for all operators.
    pub(crate) fn notes(self, graph: &OperatorGraph) -> Notes {
        let of_node = |node: &Arc<Node>| NodeNotes { lines: self.text(graph, node).into_iter().collect(), ..NodeNotes::default() };
        Notes { nodes: graph.nodes().iter().map(of_node).collect(), ..Notes::default() }
    }

    /// The same in words; nothing where there is one thread, and for operators without state.
    fn text(self, graph: &OperatorGraph, node: &Node) -> Option<String> {
        Some(match self.cut_or_why(graph, node)? {
            Err(why) => format!("on one thread: {why}"),
            Ok(Cut { columns }) => {
                let fields = |&edge: &Edge| graph.schema(edge).fields();
                let name = |(edge, columns): (&Edge, &Vec<usize>)| {
                    columns.iter().map(|&column| fields(edge)[column].name.to_string()).collect::<Vec<_>>().join(", ")
                };
                let mut keys: Vec<String> = node.inputs.iter().zip(&columns).map(name).collect();
                keys.dedup();
                let keys = keys.iter().map(|key| format!("({key})")).collect::<Vec<_>>().join(" and ");
                format!("on {} threads: each has the keys {keys} whose hash falls to it", self.number)
            }
        })
    }
}

/// How an operator is cut by its keys; where it is not, why. Nothing for operators that have no state to be cut.
fn cut_of(graph: &OperatorGraph, node: &Node) -> Option<Result<Cut, &'static str>> {
    let keys = match &node.spec {
        OperatorSpec::Pattern { spec, .. } => {
            if !spec.tie_order.is_empty() {
                return Some(Err("its ORDER BY orders rows of all keys"));
            }
            if spec.drops_keys_beyond().is_some() {
                return Some(Err("its KEYS are those of all threads"));
            }
            spec.partition.by_input.clone()
        }
        OperatorSpec::Join(spec) => vec![spec.left_keys.clone(), spec.right_keys.clone()],
        OperatorSpec::Suppress { keys, .. } => vec![keys.clone()],
        OperatorSpec::Window(spec) => {
            if spec.emit_every.is_some() {
                return Some(Err("its early rows are in the order of all keys"));
            }
            match spec.kind {
                WindowKind::Hopping { .. } => return Some(Err("its windows close for all keys at once")),
                WindowKind::Running
                | WindowKind::Sliding(_)
                | WindowKind::Session { .. }
                | WindowKind::Rows(_)
                | WindowKind::LastRows(_) => vec![spec.keys.clone()],
            }
        }
        OperatorSpec::CountMatches { .. } => return Some(Err("it counts the matches of all keys side by side")),
        OperatorSpec::Lookup { .. } | OperatorSpec::View { .. } => return Some(Err("its table is one for all keys")),
        OperatorSpec::Filter(_)
        | OperatorSpec::Project(_)
        | OperatorSpec::TopOfWindow { .. }
        | OperatorSpec::Limit(_)
        | OperatorSpec::Until(_)
        | OperatorSpec::Union => return None,
    };
    if node.sharing.is_some() {
        return Some(Err("it shares its look at each event with others"));
    }
    Some(by_columns(&keys).and_then(|columns| if reads_events(graph, &node.inputs) { Ok(Cut { columns }) } else { Err(NOT_EVENTS) }))
}

const NOT_EVENTS: &str = "it does not read source events, each by one input";

fn by_columns(keys: &[Vec<Expr>]) -> Result<Vec<Vec<usize>>, &'static str> {
    if keys.is_empty() || keys.iter().any(Vec::is_empty) {
        return Err("it has no key");
    }
    let column = |key: &Expr| key.as_slot().map(|slot| slot.0 as usize);
    let of_input = |keys: &Vec<Expr>| keys.iter().map(column).collect::<Option<Vec<usize>>>();
    keys.iter().map(of_input).collect::<Option<_>>().ok_or("its key is computed")
}

/// Whether these inputs have source events as they are, and no event comes by two of them.
fn reads_events(graph: &OperatorGraph, inputs: &[Edge]) -> bool {
    let Some(sources) = inputs.iter().map(|&edge| source_of(graph, edge)).collect::<Option<Vec<usize>>>() else { return false };
    let type_of = |source: usize| match &graph.sources()[source].read_as.route {
        Route::Type { field, value } => Some((field, value)),
        Route::All | Route::When(_) => None,
    };
    let are_apart = |a: usize, b: usize| match (type_of(a), type_of(b)) {
        (Some((field, value)), Some((other_field, other))) => field == other_field && value != other,
        _ => false,
    };
    sources.iter().enumerate().all(|(number, &source)| sources[..number].iter().all(|&other| are_apart(source, other)))
}

/// The source whose events an edge has, each at most once and where it stands.
fn source_of(graph: &OperatorGraph, mut edge: Edge) -> Option<usize> {
    loop {
        match edge {
            Edge::Source(id) => return Some(id.0 as usize),
            Edge::Late(_) => return None,
            Edge::Node(id, _) => {
                let node = &graph.nodes()[id.0 as usize];
                match node.spec {
                    OperatorSpec::Filter(_) | OperatorSpec::Project(_) | OperatorSpec::Limit(_) => edge = *node.inputs.first()?,
                    _ => return None,
                }
            }
        }
    }
}
