//! Which events a pattern looks at: those for which the unary terms of one of its variables hold, where nothing else can change it.
//!
//! In: a pattern. Out: for each variable the terms that an event alone decides, which variables can take an event while nothing is under way,
//! and how long something can be. With that a dispatcher may leave out all other events: a pattern that has this cannot tell. Patterns for
//! which an event counts that fits nothing (contiguity, WITHIN n EVENTS, rows of MATCH_RECOGNIZE) have none.

use super::choice::is_unary;
use super::pattern::{Arrow, Mode, PatternNode, PatternSpec, SlotKind, VariableId, Within};
use crate::data::Duration;
use crate::expr::{Expr, SlotId};

/// The most variables of a pattern that has this: each is a bit.
const VARIABLES_MAX: usize = 64;

/// Which events a pattern looks at.
#[derive(Debug, Clone)]
pub struct Attention {
    /// One a variable, in their order.
    pub wanted: Vec<Wanted>,
    /// The variables, as bits, for which an event may count while nothing is under way in its partition.
    pub opening: u64,
    /// How long after such an event something can be under way; nothing where it may be for ever.
    pub within: Option<Duration>,
}

/// The events that a variable may take.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Of which input.
    pub input: usize,
    /// Terms over the columns of that input, all of which hold.
    pub terms: Vec<Expr>,
}

/// What a pattern looks at; nothing where it looks at every event.
pub fn attention(spec: &PatternSpec) -> Option<Attention> {
    let within = match spec.within {
        Some(Within::Time(within)) => Some(within),
        None => None,
        Some(Within::Events(_)) => return None,
    };
    // A key that makes up NULLs counts them for every event.
    let keys_are_total = spec.partition.by_input.iter().flatten().all(Expr::is_total);
    let is_plain = spec.mode != Mode::Rows && spec.tie_order.is_empty() && spec.variables.len() <= VARIABLES_MAX && keys_are_total;
    if !is_plain || !skips_what_does_not_fit(&spec.root) {
        return None;
    }
    let ids = (0..).map(VariableId);
    let wanted = ids.zip(&spec.variables).map(|(id, variable)| Wanted { input: variable.input, terms: unary_terms(spec, id) });
    let wanted: Vec<Wanted> = wanted.collect();
    let opening = match within {
        Some(_) => first_of(&spec.root).variables,
        None => u64::MAX,
    };
    Some(Attention { wanted, opening, within })
}

/// The terms of a variable that the event alone decides, over the columns of its input.
fn unary_terms(spec: &PatternSpec, variable: VariableId) -> Vec<Expr> {
    let over_columns = |slot: SlotId| match &spec.slots[slot.0 as usize].kind {
        SlotKind::Column { column, .. } => SlotId(u32::try_from(*column).expect("a stream has fewer than 2^32 columns")),
        _ => unreachable!("a unary term reads columns"),
    };
    let checks = spec.variables[variable.0 as usize].checks.iter();
    checks.filter(|term| is_unary(spec, variable, term)).map(|term| term.map_slots(&over_columns)).collect()
}

/// Whether an event that fits no variable changes nothing: no step has to be the very next one.
fn skips_what_does_not_fit(node: &PatternNode) -> bool {
    match node {
        PatternNode::Step(_) | PatternNode::Not(_) | PatternNode::NotFor(..) | PatternNode::Empty => true,
        PatternNode::Sequence(elements) => {
            let arrows = elements.iter().skip(1).all(|element| element.arrow != Arrow::Strict);
            arrows && elements.iter().all(|element| skips_what_does_not_fit(&element.node))
        }
        PatternNode::Either(parts) | PatternNode::Both(parts) => parts.iter().all(skips_what_does_not_fit),
        PatternNode::Repeat { inner, inside, .. } => *inside != Arrow::Strict && skips_what_does_not_fit(inner),
        PatternNode::PartitionStart | PatternNode::PartitionEnd | PatternNode::Permute(_) | PatternNode::Exclude(_) => false,
    }
}

/// Variables for which an event may count before anything is under way, rather too many than too few.
#[derive(Debug, Clone, Copy)]
struct First {
    variables: u64,
    /// What comes behind may be first too.
    is_optional: bool,
}

fn first_of(node: &PatternNode) -> First {
    let one = |variable: &VariableId, is_optional| First { variables: 1 << variable.0, is_optional };
    match node {
        PatternNode::Step(variable) => one(variable, false),
        PatternNode::Not(variable) | PatternNode::NotFor(variable, _) => one(variable, true),
        PatternNode::Sequence(elements) => {
            let mut first = First { variables: 0, is_optional: true };
            for element in elements {
                let here = first_of(&element.node);
                first.variables |= here.variables;
                if !here.is_optional {
                    return First { is_optional: false, ..first };
                }
            }
            first
        }
        PatternNode::Either(parts) | PatternNode::Both(parts) | PatternNode::Permute(parts) => {
            let parts = parts.iter().map(first_of);
            parts.fold(First { variables: 0, is_optional: parts_are_optional(node) }, |all, part| First {
                variables: all.variables | part.variables,
                is_optional: all.is_optional || part.is_optional,
            })
        }
        PatternNode::Repeat { inner, min, until, .. } => {
            let inner = first_of(inner);
            let until = until.map_or(0, |until| 1 << until.0);
            First { variables: inner.variables | until, is_optional: *min == 0 || inner.is_optional }
        }
        PatternNode::Exclude(inner) => first_of(inner),
        PatternNode::Empty | PatternNode::PartitionStart | PatternNode::PartitionEnd => First { variables: 0, is_optional: true },
    }
}

/// A choice of nothing is no step.
fn parts_are_optional(node: &PatternNode) -> bool {
    matches!(node, PatternNode::Either(parts) | PatternNode::Both(parts) | PatternNode::Permute(parts) if parts.is_empty())
}
