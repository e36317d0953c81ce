//! The automaton of a pattern, built as far as threads get: continuations in, states out.
//!
//! A *continuation* is what is left of the pattern behind a step: a stack of frames (the rest of a sequence, a loop with its count, the
//! parts of a PERMUTE still to come). Continuations are interned, so what is left is one number and equal rests are equal numbers; counts
//! stop growing where a greater one changes nothing, so unbounded loops have finitely many. [`Automaton::expand`] turns a continuation into
//! the ordered list of ways on, as the closure of empty moves does in a Thompson automaton: every way that takes an event, waits, or is done.
//!
//! Two things differ from the textbook. An iteration of a loop that takes no event ends the loop (else `(A*)*` would never end), but below
//! the minimum it counts. And negations are no states: `!B` passes a watch on to every way behind it.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::nodes::{Node, NodeId, Nodes};
use super::state::{Abreast, Deadline, Reach, State, Watch, Way, WayKind};
use super::variables::VariableSet;
use crate::data::Duration;
use crate::data::{Saved, StateError, StateReader, StateWriter};
use crate::spec::{Arrow, LateCheck, PatternNode, PatternSpec, VariableId, Within};

/// The number of a continuation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ContinuationId(u32);

/// Continuations are numbered as they are met: in another program they may be met in another order.
impl Saved for ContinuationId {
    fn save(&self, to: &mut StateWriter) {
        to.put(&self.0);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        from.translated().map(Self)
    }
}

impl ContinuationId {
    /// Nothing is left.
    pub(crate) const END: ContinuationId = ContinuationId(0);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Frame {
    End,
    /// The elements of a sequence from this one on.
    Then {
        sequence: NodeId,
        next: u32,
    },
    /// So many iterations of a loop are done.
    Loop {
        repeat: NodeId,
        count: u64,
    },
    /// The parts of a PERMUTE that are still to come, as bits.
    Permute {
        node: NodeId,
        left: u64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Continuation {
    frame: Frame,
    rest: ContinuationId,
}

crate::saved!(enum Frame {
    0 => End,
    1 => Then { sequence, next },
    2 => Loop { repeat, count },
    3 => Permute { node, left },
});

/// Where the first step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// At the first row of its partition.
    FirstRow,
    /// Anywhere else.
    LaterRow,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Automaton {
    nodes: Nodes,
    continuations: Vec<Continuation>,
    numbers: HashMap<Continuation, ContinuationId, ahash::RandomState>,
    states: HashMap<(ContinuationId, Box<[Watch]>), Arc<State>, ahash::RandomState>,
    /// What steps have left of states: most threads stand at one of a few.
    left: HashSet<Arc<State>, ahash::RandomState>,
    starts: [Arc<State>; 2],
    /// Loops that hold a negation and all that decides on its events: each of their iterations is a round of its own.
    rounds: Vec<(NodeId, VariableId)>,
}

/// Beyond so many, states that steps leave are each their own.
const SHARED_MAX: usize = 4096;

/// A fixed seed: nothing may differ from run to run.
fn hasher() -> ahash::RandomState {
    ahash::RandomState::with_seeds(11, 13, 17, 19)
}

impl Automaton {
    /// The automaton of a pattern in which no term on a negated variable names a later one.
    pub(crate) fn new(tree: &PatternNode) -> Self {
        Self::with_late(tree, &[])
    }

    /// The automaton of a pattern.
    pub(crate) fn of(spec: &PatternSpec) -> Self {
        Self::with_late(&spec.root, &spec.late_checks)
    }

    fn with_late(tree: &PatternNode, late: &[LateCheck]) -> Self {
        let empty = Arc::new(State { ways: Vec::new() });
        let mut automaton = Self {
            nodes: Nodes::new(tree),
            continuations: vec![Continuation { frame: Frame::End, rest: ContinuationId::END }],
            numbers: HashMap::with_hasher(hasher()),
            states: HashMap::with_hasher(hasher()),
            left: HashSet::with_hasher(hasher()),
            starts: [empty.clone(), empty],
            rounds: Vec::new(),
        };
        automaton.rounds = automaton.nodes.rounds(late);
        let root = automaton.nodes.root();
        automaton.starts = [Origin::FirstRow, Origin::LaterRow].map(|origin| {
            let mut walk = Walk::new(Some(origin));
            automaton.walk(root, walk.begin(), ContinuationId::END, &mut walk);
            Arc::new(State { ways: walk.ways })
        });
        automaton
    }

    /// Writes which continuation each number stands for.
    pub(crate) fn save(&self, to: &mut StateWriter) {
        to.number(self.continuations.len() as u64);
        for Continuation { frame, rest } in &self.continuations {
            to.put(frame);
            to.put(&rest.0);
        }
    }

    /// Takes it in: numbers that are read from now on stand for the same.
    pub(crate) fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let mut now: Vec<u32> = Vec::new();
        for _ in 0..from.length()? {
            let (frame, rest): (Frame, u32) = from.take()?;
            if now.is_empty() {
                // The first is the end, and its rest is itself.
                now.push(ContinuationId::END.0);
                continue;
            }
            let rest = now.get(rest as usize).ok_or_else(|| StateError::new("a continuation that has no rest"))?;
            let id = self.number(frame, ContinuationId(*rest));
            now.push(id.0);
        }
        from.translate(now);
        Ok(())
    }

    /// The ways to start a match.
    pub(crate) fn start(&self, origin: Origin) -> &Arc<State> {
        &self.starts[origin as usize]
    }

    /// The ways on behind a step or a wait. Deadlines are still open.
    pub(crate) fn expand(&mut self, from: ContinuationId, carried: &[Watch]) -> Arc<State> {
        if let Some(state) = self.states.get(&(from, carried.into())) {
            return state.clone();
        }
        let mut walk = Walk::new(None);
        let here = Here { watches: carried.to_vec(), ..walk.begin() };
        self.resume(from, here, &mut walk);
        let state = Arc::new(State { ways: walk.ways });
        self.states.insert((from, carried.into()), state.clone());
        state
    }

    /// A state of these ways, which threads that come to the same share. One that waits for a time of its own, or that events are held
    /// against, is no other's.
    pub(crate) fn share(&mut self, ways: Vec<Way>) -> Arc<State> {
        let state = State { ways };
        if state.deadline().is_some() || state.has_hits() {
            return Arc::new(state);
        }
        if let Some(known) = self.left.get(&state) {
            return known.clone();
        }
        let state = Arc::new(state);
        if self.left.len() < SHARED_MAX {
            self.left.insert(state.clone());
        }
        state
    }

    /// The state in which operands stand side by side, and, if all may be done, the ways behind them.
    ///
    /// As long as an operand would rather go on than be done, going on is preferred to leaving.
    pub(crate) fn abreast(&mut self, node: NodeId, operands: Vec<Arc<State>>, rest: ContinuationId) -> State {
        self.abreast_behind(node, operands, rest, &[])
    }

    /// The same, where these negations watch on behind the operands.
    pub(crate) fn abreast_behind(&mut self, node: NodeId, operands: Vec<Arc<State>>, rest: ContinuationId, carried: &[Watch]) -> State {
        let complete = operands.iter().all(|o| o.accept().is_some());
        let leave_first = operands.iter().all(|o| o.accepts_first());
        let can_go_on = operands.iter().any(|o| o.ways.iter().any(|w| w.kind != WayKind::Accept));
        let Node::Both { untils, .. } = self.nodes.get(node) else { unreachable!("operands belong to a `&`") };
        let untils = untils.clone();
        let mut ways = Vec::new();
        let leave = if complete { self.expand(rest, carried).ways.clone() } else { Vec::new() };
        let go_on = can_go_on.then(|| Way {
            kind: WayKind::Both(Box::new(Abreast { node, operands, untouched: false, rest })),
            arrow: Arrow::Next,
            watches: Box::default(),
            untils,
            hits: Box::default(),
            forgets: Box::default(),
        });
        if leave_first {
            ways.extend(leave);
            ways.extend(go_on);
        } else {
            ways.extend(go_on);
            ways.extend(leave);
        }
        State { ways }
    }

    /// The negated variables that the first step looks back for, each with the longest time that it looks back (`None`: for ever).
    pub(crate) fn looks_back(&self, spec: &PatternSpec) -> Vec<(VariableId, Option<Duration>)> {
        let within = match spec.within {
            Some(Within::Time(duration)) => Some(duration),
            Some(Within::Events(_)) | None => None,
        };
        let mut found: Vec<(VariableId, Option<Duration>)> = Vec::new();
        self.starts.iter().for_each(|start| collect_looks_back(start, within, &mut found));
        found
    }

    /// The variables that can still take an event from a state on.
    pub(crate) fn reachable(&self, state: &State) -> VariableSet {
        let mut reached = VariableSet::default();
        let mut seen = HashSet::with_hasher(hasher());
        self.reach_state(state, &mut reached, &mut seen);
        reached
    }

    fn reach_state(&self, state: &State, reached: &mut VariableSet, seen: &mut HashSet<ContinuationId, ahash::RandomState>) {
        for way in &state.ways {
            match &way.kind {
                WayKind::Take { variable, next, .. } => {
                    reached.insert(*variable);
                    self.reach(*next, reached, seen);
                }
                WayKind::Wait { next, .. } => self.reach(*next, reached, seen),
                WayKind::Both(abreast) => {
                    abreast.operands.iter().for_each(|o| self.reach_state(o, reached, seen));
                    self.reach(abreast.rest, reached, seen);
                }
                WayKind::Accept | WayKind::AcceptAtEnd => {}
            }
        }
    }

    fn reach(&self, mut from: ContinuationId, reached: &mut VariableSet, seen: &mut HashSet<ContinuationId, ahash::RandomState>) {
        while from != ContinuationId::END && seen.insert(from) {
            let Continuation { frame, rest } = self.continuations[from.0 as usize];
            match frame {
                Frame::End => {}
                Frame::Then { sequence, next } => {
                    let Node::Sequence(elements) = self.nodes.get(sequence) else { unreachable!("the frame is of a sequence") };
                    elements[next as usize..].iter().for_each(|(_, element)| reached.extend(self.nodes.steps_in(*element)));
                }
                Frame::Loop { repeat: node, .. } | Frame::Permute { node, .. } => reached.extend(self.nodes.steps_in(node)),
            }
            from = rest;
        }
    }

    fn number(&mut self, frame: Frame, rest: ContinuationId) -> ContinuationId {
        let continuation = Continuation { frame, rest };
        if let Some(id) = self.numbers.get(&continuation) {
            return *id;
        }
        let id = ContinuationId(u32::try_from(self.continuations.len()).expect("fewer than 2^32 continuations"));
        self.continuations.push(continuation);
        self.numbers.insert(continuation, id);
        id
    }

    /// Everything that a node can begin with, then what follows it.
    fn walk(&mut self, id: NodeId, here: Here, rest: ContinuationId, walk: &mut Walk) {
        match self.nodes.get(id) {
            Node::Step { variable, excluded, untils, innermost_loop } => {
                let (variable, excluded, untils, innermost_loop) = (*variable, *excluded, untils.clone(), *innermost_loop);
                let first_in_loop = innermost_loop.is_none_or(|repeat| self.is_first_iteration(repeat, rest));
                let forgets = self.forgotten_by(&here);
                walk.add(here, WayKind::Take { variable, next: rest, first_in_loop, excluded }, untils, forgets);
            }
            Node::Sequence(elements) => {
                let (first, len) = (elements[0].1, elements.len());
                // Arrow::Strict before a first `!B` in the middle of a pattern is the arrow that leads here.
                let rest = if len > 1 { self.number(Frame::Then { sequence: id, next: 1 }, rest) } else { rest };
                self.walk(first, here, rest, walk);
            }
            Node::Either(branches) => {
                for branch in branches.clone() {
                    self.walk(branch, here.clone(), rest, walk);
                }
            }
            Node::Both { operands, untils } => {
                let (operands, untils) = (operands.clone(), untils.clone());
                self.walk_both(id, &operands, untils, here, rest, walk);
            }
            Node::Repeat { .. } => self.iterate(id, 0, here, rest, walk),
            Node::Not { variable, trailing } => {
                let watch = Watch { variable: *variable, reach: here.reach(walk.origin.is_some()), trailing: *trailing };
                self.resume(rest, here.watched(watch), walk);
            }
            Node::NotFor { variable, duration, untils } => {
                let (variable, duration, untils) = (*variable, *duration, untils.clone());
                if walk.origin.is_some() {
                    let watch = Watch { variable, reach: Reach::Before(Some(duration)), trailing: false };
                    return self.resume(rest, here.watched(watch), walk);
                }
                let carried = here.watches.clone().into();
                let mut here = here.watched(Watch { variable, reach: Reach::Between, trailing: false });
                here.arrow = Arrow::Next;
                let forgets = self.forgotten_by(&here);
                walk.add(here, WayKind::Wait { deadline: Deadline::After(duration), next: rest, carried }, untils, forgets);
            }
            Node::Empty => self.resume(rest, here, walk),
            Node::PartitionStart => {
                if walk.origin == Some(Origin::FirstRow) {
                    self.resume(rest, here, walk);
                }
            }
            Node::PartitionEnd => self.resume(rest, Here { at_end: true, ..here }, walk),
            Node::Permute(parts) => {
                let left = if parts.len() == 64 { u64::MAX } else { (1 << parts.len()) - 1 };
                self.permute(id, left, here, rest, walk);
            }
        }
    }

    /// What follows when what stands before this continuation is done.
    fn resume(&mut self, at: ContinuationId, here: Here, walk: &mut Walk) {
        if !walk.first_visit(at, &here, self.fresh_loops(at, &here)) {
            return;
        }
        let Continuation { frame, rest } = self.continuations[at.0 as usize];
        match frame {
            Frame::End => walk.finish(here),
            Frame::Then { sequence, next } => {
                let Node::Sequence(elements) = self.nodes.get(sequence) else { unreachable!("the frame is of a sequence") };
                let (arrow, element) = elements[next as usize];
                let more = (next as usize) + 1 < elements.len();
                let rest = if more { self.number(Frame::Then { sequence, next: next + 1 }, rest) } else { rest };
                self.walk(element, Here { arrow, ..here }, rest, walk);
            }
            Frame::Loop { repeat, count } => {
                let Node::Repeat { min, inside, .. } = self.nodes.get(repeat) else { unreachable!("the frame is of a loop") };
                let (min, inside) = (*min, *inside);
                if !here.fresh.contains(&at) {
                    return self.iterate(repeat, count, Here { arrow: inside, ..here }, rest, walk);
                }
                // LIMIT: empty iterations are counted out one by one up to 64 below the minimum; beyond that the minimum counts as reached,
                // which can only change the order among ways that differ in where their empty iterations lie.
                if count < min && min - count <= 64 { self.iterate(repeat, count, here, rest, walk) } else { self.resume(rest, here, walk) }
            }
            Frame::Permute { node, left } => self.permute(node, left, here, rest, walk),
        }
    }

    /// One more iteration of a loop, or what follows it, in the order of preference.
    fn iterate(&mut self, repeat: NodeId, count: u64, here: Here, rest: ContinuationId, walk: &mut Walk) {
        let Node::Repeat { inner, min, max, greedy, .. } = self.nodes.get(repeat) else { unreachable!("only loops are iterated") };
        let (inner, min, max, greedy) = (*inner, *min, *max, *greedy);
        let more = max.is_none_or(|max| count < max);
        let done = count >= min;
        if done && !greedy {
            self.resume(rest, here.clone(), walk);
        }
        if more {
            // A count at which nothing changes any more stays: without a maximum, the minimum (and 2, which tells the first iteration).
            let next = if max.is_some() { count + 1 } else { (count + 1).min(min.max(2)) };
            let after = self.number(Frame::Loop { repeat, count: next }, rest);
            let mut inside = here.clone();
            inside.fresh.push(after);
            // What watches since the round before, and nothing of that round will decide on, forbids nothing.
            inside.watches.retain(|watch| !self.rounds.contains(&(repeat, watch.variable)));
            self.walk(inner, inside, after, walk);
        }
        if done && greedy {
            self.resume(rest, here, walk);
        }
    }

    fn permute(&mut self, node: NodeId, left: u64, here: Here, rest: ContinuationId, walk: &mut Walk) {
        let Node::Permute(parts) = self.nodes.get(node) else { unreachable!("only PERMUTE is permuted") };
        let parts = parts.clone();
        if left == 0 {
            return self.resume(rest, here, walk);
        }
        for (index, part) in parts.into_iter().enumerate().filter(|(i, _)| left >> i & 1 == 1) {
            let after = self.number(Frame::Permute { node, left: left & !(1 << index) }, rest);
            self.walk(part, here.clone(), after, walk);
        }
    }

    /// `&`: each operand begins at its own start, and all of them wait for the first event as the group does.
    fn walk_both(&mut self, node: NodeId, all: &[NodeId], untils: Box<[VariableId]>, here: Here, rest: ContinuationId, walk: &mut Walk) {
        let mut here = here;
        let mut operands = Vec::new();
        for &operand in all {
            if let (Some(_), Node::NotFor { variable, duration, .. }) = (walk.origin, self.nodes.get(operand)) {
                // At the start of the pattern there is no step that the time could count from: it looks back from the first event.
                here = here.watched(Watch { variable: *variable, reach: Reach::Before(Some(*duration)), trailing: false });
                continue;
            }
            let mut inner = Walk::new(walk.origin);
            self.walk(operand, Here { arrow: Arrow::Next, ..inner.begin() }, ContinuationId::END, &mut inner);
            operands.push(Arc::new(State { ways: inner.ways }));
        }
        let can_skip = operands.iter().all(|o| o.accept().is_some());
        let skip_first = operands.iter().all(|o| o.accepts_first());
        let kind = WayKind::Both(Box::new(Abreast { node, operands, untouched: true, rest }));
        if can_skip && skip_first {
            self.resume(rest, here.clone(), walk);
        }
        let forgets = self.forgotten_by(&here);
        walk.add(here.clone(), kind, untils, forgets);
        if can_skip && !skip_first {
            self.resume(rest, here, walk);
        }
    }

    /// Whether a step with this rest stands in the first iteration of the loop.
    fn is_first_iteration(&self, repeat: NodeId, mut rest: ContinuationId) -> bool {
        while rest != ContinuationId::END {
            let continuation = self.continuations[rest.0 as usize];
            if let Frame::Loop { repeat: found, count } = continuation.frame
                && found == repeat
            {
                return count == 1;
            }
            rest = continuation.rest;
        }
        true
    }

    /// The negated variables of which a round begins anew here.
    fn forgotten_by(&self, here: &Here) -> Box<[VariableId]> {
        let begins = |of: NodeId| {
            here.fresh.iter().any(|at| matches!(self.continuations[at.0 as usize].frame, Frame::Loop { repeat, .. } if repeat == of))
        };
        let mut forgotten: Vec<VariableId> =
            self.rounds.iter().filter(|(repeat, _)| begins(*repeat)).map(|(_, negated)| *negated).collect();
        forgotten.sort_unstable();
        forgotten.dedup();
        forgotten.into()
    }

    /// Which loops below this continuation are in an iteration that has taken no event.
    fn fresh_loops(&self, mut at: ContinuationId, here: &Here) -> Vec<ContinuationId> {
        let mut fresh = Vec::new();
        while at != ContinuationId::END {
            if here.fresh.contains(&at) {
                fresh.push(at);
            }
            at = self.continuations[at.0 as usize].rest;
        }
        fresh
    }
}

fn collect_looks_back(state: &State, within: Option<Duration>, found: &mut Vec<(VariableId, Option<Duration>)>) {
    for way in &state.ways {
        for watch in &way.watches {
            let Reach::Before(back) = watch.reach else { continue };
            let back = back.or(within);
            match found.iter_mut().find(|(v, _)| *v == watch.variable) {
                Some((_, longest)) => *longest = longest.zip(back).map(|(a, b)| a.max(b)),
                None => found.push((watch.variable, back)),
            }
        }
        if let WayKind::Both(abreast) = &way.kind {
            abreast.operands.iter().for_each(|o| collect_looks_back(o, within, found));
        }
    }
}

/// How things stand at a point of the closure.
#[derive(Debug, Clone)]
struct Here {
    arrow: Arrow,
    watches: Vec<Watch>,
    /// Loops whose current iteration has taken no event.
    fresh: Vec<ContinuationId>,
    /// Behind `$`.
    at_end: bool,
}

impl Here {
    fn watched(mut self, watch: Watch) -> Self {
        if !self.watches.contains(&watch) {
            self.watches.push(watch);
        }
        self
    }

    fn reach(&self, at_start: bool) -> Reach {
        match self.arrow {
            _ if at_start => Reach::Before(None),
            Arrow::Strict => Reach::NextEvent,
            Arrow::Next | Arrow::Any => Reach::Between,
        }
    }
}

/// Where a closure has been: continuation, watches, behind `$`, and the fresh loops below it.
type Visit = (ContinuationId, Vec<Watch>, bool, Vec<ContinuationId>);

/// One closure under way.
#[derive(Debug)]
struct Walk {
    /// Set while no step of the pattern has been taken.
    origin: Option<Origin>,
    ways: Vec<Way>,
    /// A second visit would only find the same ways again, less preferred.
    visited: HashSet<Visit, ahash::RandomState>,
}

impl Walk {
    fn new(origin: Option<Origin>) -> Self {
        Self { origin, ways: Vec::new(), visited: HashSet::with_hasher(hasher()) }
    }

    fn begin(&self) -> Here {
        Here { arrow: Arrow::Next, watches: Vec::new(), fresh: Vec::new(), at_end: false }
    }

    fn first_visit(&mut self, at: ContinuationId, here: &Here, fresh: Vec<ContinuationId>) -> bool {
        self.visited.insert((at, here.watches.clone(), here.at_end, fresh))
    }

    fn add(&mut self, here: Here, kind: WayKind, untils: Box<[VariableId]>, forgets: Box<[VariableId]>) {
        // Behind `$` nothing can be taken.
        if here.at_end {
            return;
        }
        let way = Way { kind, arrow: here.arrow, watches: here.watches.into(), untils, hits: Box::default(), forgets };
        if !self.ways.contains(&way) {
            self.ways.push(way);
        }
    }

    fn finish(&mut self, here: Here) {
        // What was left out before a `!B` at the end leaves its own negations on the way to that end.
        let watching: Vec<Watch> = here.watches.iter().copied().filter(|w| !matches!(w.reach, Reach::Before(_))).collect();
        let (kind, watches) = match (here.at_end, watching.iter().any(|w| w.trailing)) {
            (true, _) => (WayKind::AcceptAtEnd, Box::default()),
            (false, false) => (WayKind::Accept, Box::default()),
            (false, true) => {
                let wait = WayKind::Wait { deadline: Deadline::WithinEnd, next: ContinuationId::END, carried: Box::default() };
                (wait, watching.into())
            }
        };
        let (untils, hits, forgets) = Default::default();
        let way = Way { kind, arrow: Arrow::Next, watches, untils, hits, forgets };
        if !self.ways.contains(&way) {
            self.ways.push(way);
        }
    }
}
