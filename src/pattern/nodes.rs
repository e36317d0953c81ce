//! The pattern tree laid flat: one numbered node each, with what its place in the tree says of it.
//!
//! A step learns from its ancestors what ends the loops around it, which loop is its innermost, and whether its rows are excluded from the
//! output, so that the automaton need not carry any of that along.

use super::variables::VariableSet;
use crate::data::Duration;
use crate::spec::{Arrow, FollowUp, LateCheck, PatternNode, VariableId};

/// The number of a node in [`Nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeId(u32);

crate::saved!(NodeId(number));

/// A node of the flat tree.
#[derive(Debug)]
pub(crate) enum Node {
    Step {
        variable: VariableId,
        excluded: bool,
        untils: Box<[VariableId]>,
        innermost_loop: Option<NodeId>,
    },
    Sequence(Vec<(Arrow, NodeId)>),
    Either(Vec<NodeId>),
    Both {
        operands: Vec<NodeId>,
        untils: Box<[VariableId]>,
    },
    Repeat {
        inner: NodeId,
        min: u64,
        max: Option<u64>,
        greedy: bool,
        inside: Arrow,
    },
    /// `trailing`: nothing is written behind it.
    Not {
        variable: VariableId,
        trailing: bool,
    },
    NotFor {
        variable: VariableId,
        duration: Duration,
        untils: Box<[VariableId]>,
    },
    Empty,
    PartitionStart,
    PartitionEnd,
    Permute(Vec<NodeId>),
}

/// All nodes of a pattern.
#[derive(Debug)]
pub(crate) struct Nodes {
    all: Vec<Node>,
    /// For each node, the variables that take events inside it.
    steps: Vec<VariableSet>,
    /// The loops around each place at which a variable stands.
    loops: Vec<(VariableId, Vec<NodeId>)>,
    root: NodeId,
}

impl Nodes {
    pub(crate) fn new(tree: &PatternNode) -> Self {
        let mut nodes = Self { all: Vec::new(), steps: Vec::new(), loops: Vec::new(), root: NodeId(0) };
        nodes.root = nodes.lay(tree, &mut Around::default());
        nodes
    }

    /// The variables that take events inside a node.
    pub(crate) fn steps_in(&self, id: NodeId) -> &VariableSet {
        &self.steps[id.0 as usize]
    }

    pub(crate) fn root(&self) -> NodeId {
        self.root
    }

    pub(crate) fn get(&self, id: NodeId) -> &Node {
        &self.all[id.0 as usize]
    }

    /// Each loop with each negated variable in it, where all variables that decide on its events stand in the loop too.
    pub(crate) fn rounds(&self, late: &[LateCheck]) -> Vec<(NodeId, VariableId)> {
        let around = |of: VariableId| self.loops.iter().filter(move |(variable, _)| *variable == of).flat_map(|(_, loops)| loops);
        let mut rounds: Vec<(NodeId, VariableId)> = Vec::new();
        for negated in late.iter().map(|check| check.negated) {
            let deciding = || late.iter().filter(|check| check.negated == negated).map(|check| check.at);
            let held = around(negated).filter(|repeat| deciding().all(|at| around(at).any(|other| other == *repeat)));
            rounds.extend(held.map(|repeat| (*repeat, negated)));
        }
        rounds
    }

    fn lay(&mut self, tree: &PatternNode, around: &mut Around) -> NodeId {
        if let PatternNode::Step(variable) | PatternNode::Not(variable) | PatternNode::NotFor(variable, _) = tree {
            self.loops.push((*variable, around.loops.clone()));
        }
        let node = match tree {
            PatternNode::Step(variable) => Node::Step {
                variable: *variable,
                excluded: around.excluded,
                untils: around.untils.clone().into(),
                innermost_loop: around.innermost_loop,
            },
            PatternNode::Sequence(elements) => {
                let (followed, last) = (around.followed, elements.len() - 1);
                let mut lay = |(index, element): (usize, &FollowUp)| {
                    around.followed = followed || index < last;
                    (element.arrow, self.lay(&element.node, around))
                };
                Node::Sequence(elements.iter().enumerate().map(&mut lay).collect())
            }
            PatternNode::Either(branches) => Node::Either(branches.iter().map(|b| self.lay(b, around)).collect()),
            PatternNode::Both(operands) => {
                Node::Both { operands: operands.iter().map(|o| self.lay(o, around)).collect(), untils: around.untils.clone().into() }
            }
            PatternNode::Repeat { inner, min, max, greedy, inside, until } => {
                return self.lay_loop(inner, Loop { min: *min, max: *max, greedy: *greedy, inside: *inside, until: *until }, around);
            }
            PatternNode::Not(variable) => Node::Not { variable: *variable, trailing: !around.followed },
            PatternNode::NotFor(variable, duration) => {
                Node::NotFor { variable: *variable, duration: *duration, untils: around.untils.clone().into() }
            }
            PatternNode::Empty => Node::Empty,
            PatternNode::PartitionStart => Node::PartitionStart,
            PatternNode::PartitionEnd => Node::PartitionEnd,
            PatternNode::Permute(parts) => Node::Permute(parts.iter().map(|p| self.lay(p, around)).collect()),
            PatternNode::Exclude(inner) => {
                let before = std::mem::replace(&mut around.excluded, true);
                let id = self.lay(inner, around);
                around.excluded = before;
                return id;
            }
        };
        self.add(node)
    }

    /// The loop's own number is needed by the steps inside it, so it is given before them.
    fn lay_loop(&mut self, inner: &PatternNode, of: Loop, around: &mut Around) -> NodeId {
        let id = self.add(Node::Empty);
        let outer = around.innermost_loop.replace(id);
        around.untils.extend(of.until);
        around.loops.push(id);
        let inner = self.lay(inner, around);
        if of.until.is_some() {
            around.untils.pop();
        }
        around.innermost_loop = outer;
        around.loops.pop();
        self.steps[id.0 as usize] = self.steps[inner.0 as usize].clone();
        self.all[id.0 as usize] = Node::Repeat { inner, min: of.min, max: of.max, greedy: of.greedy, inside: of.inside };
        id
    }

    fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.all.len()).expect("a pattern has fewer than 2^32 nodes"));
        let mut steps = VariableSet::default();
        match &node {
            Node::Step { variable, .. } => steps.insert(*variable),
            Node::Sequence(elements) => elements.iter().for_each(|(_, e)| steps.extend(self.steps_in(*e))),
            Node::Either(parts) | Node::Permute(parts) | Node::Both { operands: parts, .. } => {
                parts.iter().for_each(|p| steps.extend(self.steps_in(*p)));
            }
            // A loop's are known when its inside has been laid.
            Node::Repeat { .. } | Node::Not { .. } | Node::NotFor { .. } | Node::Empty | Node::PartitionStart | Node::PartitionEnd => {}
        }
        self.all.push(node);
        self.steps.push(steps);
        id
    }
}

/// What stands around a node.
#[derive(Debug, Default)]
struct Around {
    excluded: bool,
    /// Something is written behind it.
    followed: bool,
    untils: Vec<VariableId>,
    innermost_loop: Option<NodeId>,
    loops: Vec<NodeId>,
}

#[derive(Debug)]
struct Loop {
    min: u64,
    max: Option<u64>,
    greedy: bool,
    inside: Arrow,
    until: Option<VariableId>,
}
