//! The automaton of a pattern of which every step follows by `->>`: a small table, made once.
//!
//! Where every way on stays open whatever is taken, what a thread can do next depends on nothing but the state that it stands at. So the
//! states that [`Automaton`] finds are all that there is to know of a pattern, and two states that go on alike are one. The ways of a state
//! stand in the order of preference, and a way that is there twice is two ways: both finish matches.

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::automaton::{Automaton, ContinuationId, Origin};
use super::state::{State, WayKind};
use crate::spec::{PatternNode, VariableId};

/// The number of the state in which nothing has been taken.
pub(super) const START: usize = 0;

/// The states of a pattern.
#[derive(Debug)]
pub(super) struct Net {
    states: Vec<NetState>,
}

/// A state: what can be taken next.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct NetState {
    /// In the order of preference.
    pub(super) ways: Vec<NetWay>,
    /// Whether the pattern may be done here.
    pub(super) accepts: bool,
}

/// A way on: an event taken for a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NetWay {
    pub(super) variable: VariableId,
    /// The state behind it.
    pub(super) to: usize,
}

impl Net {
    /// The net of a pattern that [`crate::spec::follows_by_any`] is true of.
    pub(super) fn new(tree: &PatternNode) -> Self {
        let mut automaton = Automaton::new(tree);
        let mut numbers: HashMap<ContinuationId, usize, ahash::RandomState> =
            HashMap::with_hasher(ahash::RandomState::with_seeds(19, 23, 29, 31));
        let mut open: VecDeque<ContinuationId> = VecDeque::new();
        let mut number_of = |next: ContinuationId, open: &mut VecDeque<ContinuationId>| {
            let fresh = numbers.len() + 1;
            *numbers.entry(next).or_insert_with(|| {
                open.push_back(next);
                fresh
            })
        };
        let start = automaton.start(Origin::LaterRow).clone();
        // An empty match is none.
        let mut states = vec![NetState { accepts: false, ..state_of(&start, &mut |next| number_of(next, &mut open)) }];
        while let Some(next) = open.pop_front() {
            let state = automaton.expand(next, &[]);
            states.push(state_of(&state, &mut |next| number_of(next, &mut open)));
        }
        Self { states: without_doubles(&states) }
    }

    pub(super) fn states(&self) -> &[NetState] {
        &self.states
    }
}

fn state_of(state: &State, number_of: &mut impl FnMut(ContinuationId) -> usize) -> NetState {
    let mut found = NetState { ways: Vec::new(), accepts: false };
    for way in &state.ways {
        match &way.kind {
            WayKind::Take { variable, next, .. } => found.ways.push(NetWay { variable: *variable, to: number_of(*next) }),
            WayKind::Accept => found.accepts = true,
            WayKind::Wait { .. } | WayKind::Both(_) | WayKind::AcceptAtEnd => {
                unreachable!("the pattern has only steps that follow by `->>`")
            }
        }
    }
    found
}

/// States that go on alike are one (Moore's refinement); the start stays apart, for it is never reached again.
fn without_doubles(states: &[NetState]) -> Vec<NetState> {
    let mut class_of: Vec<usize> = states.iter().enumerate().map(|(number, _)| usize::from(number != START)).collect();
    let mut classes = 0;
    loop {
        let mut known: HashMap<(bool, NetState), usize, ahash::RandomState> =
            HashMap::with_hasher(ahash::RandomState::with_seeds(37, 41, 43, 47));
        let refined: Vec<usize> = states
            .iter()
            .enumerate()
            .map(|(number, state)| {
                let ways = state.ways.iter().map(|way| NetWay { to: class_of[way.to], ..*way }).collect();
                let fresh = known.len();
                *known.entry((number == START, NetState { ways, accepts: state.accepts })).or_insert(fresh)
            })
            .collect();
        let has_settled = known.len() == classes;
        classes = known.len();
        class_of = refined;
        if has_settled {
            break;
        }
    }
    let first_of = |class: usize| class_of.iter().position(|of| *of == class).expect("a class has a state");
    let renumbered = |state: &NetState| NetState {
        ways: state.ways.iter().map(|way| NetWay { to: class_of[way.to], ..*way }).collect(),
        accepts: state.accepts,
    };
    (0..classes).map(|class| renumbered(&states[first_of(class)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Arrow, FollowUp};

    fn step(variable: u32) -> PatternNode {
        PatternNode::Step(VariableId(variable))
    }

    fn any(node: PatternNode) -> FollowUp {
        FollowUp { arrow: Arrow::Any, node }
    }

    fn looped(inner: PatternNode, min: u64, max: Option<u64>) -> PatternNode {
        PatternNode::Repeat { inner: Box::new(inner), min, max, greedy: true, inside: Arrow::Any, until: None }
    }

    fn shape(node: &PatternNode) -> Vec<(Vec<(u32, usize)>, bool)> {
        let ways = |state: &NetState| state.ways.iter().map(|way| (way.variable.0, way.to)).collect();
        Net::new(node).states().iter().map(|state| (ways(state), state.accepts)).collect()
    }

    #[test]
    fn a_loop_is_one_state_however_its_iterations_are_counted() {
        let pattern = PatternNode::Sequence(vec![any(step(0)), any(looped(step(1), 1, None)), any(step(2))]);
        let expected = vec![(vec![(0, 1)], false), (vec![(1, 2)], false), (vec![(1, 2), (2, 3)], false), (vec![], true)];
        assert_eq!(shape(&pattern), expected);
    }

    #[test]
    fn equal_ways_stay_two_ways() {
        // Either branch is an A behind which nothing is left, but for the order: `A (A)?` and `A A?` finish the same events twice.
        let optional = looped(step(0), 0, Some(1));
        let branch = || PatternNode::Sequence(vec![any(step(0)), any(optional.clone())]);
        let found = shape(&PatternNode::Either(vec![branch(), branch()]));
        assert_eq!(found[START].0.len(), 2, "{found:?}");
    }
}
