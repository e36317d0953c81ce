//! What a thread may do next: the pattern unrolled by hand, as section 6 of the language page says it.
//! In: a place in a pattern (a continuation of frames). Out: the ordered list of next steps, each with its arrow and the negations
//! that watch it. A continuation is plain data, so two threads can be asked whether what remains is the same.

use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;

use super::program::{Arrow, Kind, Node, Until};

/// Data that does not count when two remaining patterns are compared.
#[derive(Clone)]
pub struct Hidden<T>(pub T);

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// What comes after the step at hand.
pub type Cont = Option<Rc<Frame>>;

/// One frame of a continuation.
#[derive(Debug)]
pub enum Frame {
    /// Element `next` of the sequence comes next.
    Sequence { node: Rc<Node>, next: usize, after: Cont },
    /// Pass number `count` of the loop ends here; it began when the history had `mark` events.
    Loop { node: Rc<Node>, count: u64, mark: Hidden<usize>, after: Cont },
}

/// A negation that watches an arrow.
#[derive(Debug, Clone)]
pub struct Watch {
    /// The negated step.
    pub not: usize,
    /// Only the first event after is watched (`A , !B`).
    pub once: bool,
    /// That event has come: nothing more can stand in the way, though a later step may still decide on it.
    pub passed: bool,
    /// At the front: how far back it looks (`FOR`), nothing: as far as WITHIN.
    pub back: Option<i64>,
    /// Where it stands: what comes after it, and the time of the wait that it began behind, if it did.
    pub since: Hidden<(Cont, Option<i64>)>,
}

/// How a step is reached.
#[derive(Debug, Clone)]
pub struct Arrival {
    pub arrow: Arrow,
    pub watch: Vec<Watch>,
    /// Nothing has been taken yet.
    pub front: bool,
    /// The negations stand last in what has been gone through.
    pub trailing: bool,
}

/// One way on.
#[derive(Debug, Clone)]
pub enum Choice {
    /// Take an event for a step. `until` are the ends of the loops that this step would go on with.
    Step { step: usize, arrow: Arrow, watch: Vec<Watch>, until: Vec<Hidden<Rc<Node>>>, after: Cont },
    /// `!B FOR d`: nothing of B up to the deadline. Negations before it go on watching until an event is taken.
    Wait { not: usize, watch: Vec<Watch>, began: Hidden<Option<i64>>, deadline: Hidden<i64>, after: Cont },
    /// A trailing `!B`: nothing of these until WITHIN is over.
    Absence { watch: Vec<Watch> },
    /// `&`: a list of choices for each operand; `touched` says which have moved, `begun` whether one has taken an event.
    Both { node: Rc<Node>, operands: Vec<Vec<Choice>>, touched: Vec<bool>, begun: bool, arrival: Arrival, after: Cont },
    /// The pattern (in an operand of `&`: the operand) may end here.
    Finish,
}

/// What unrolling needs to know of the thread.
#[derive(Debug, Clone, Copy)]
pub struct Here {
    /// How many events have been taken.
    pub taken: usize,
    /// The time from which a `FOR` counts.
    pub now: i64,
    /// A wait was over just now.
    pub waited: bool,
    /// Every way on its own (all matches).
    pub all: bool,
}

impl Here {
    /// The ways to begin with `node`.
    pub fn enter(&self, node: &Rc<Node>, arrival: &Arrival, after: &Cont) -> Vec<Choice> {
        match &node.kind {
            Kind::Step(step) => {
                vec![Choice::Step { step: *step, arrow: arrival.arrow, watch: arrival.watch.clone(), until: vec![], after: after.clone() }]
            }
            Kind::Not(not, Some(length)) => vec![self.wait(*not, *length, arrival.watch.clone(), after)],
            Kind::Not(_, None) => panic!("a negation without FOR stands in a sequence"),
            Kind::Sequence(..) => self.sequence(node, 0, arrival.clone(), after),
            Kind::Either(parts) => parts.iter().flat_map(|part| self.enter(part, arrival, after)).collect(),
            Kind::Both(parts) => {
                // At the front no step comes before the group from which the time of a wait could count: it looks back, and is done.
                let looks_back = |part: &Rc<Node>| match part.kind {
                    Kind::Not(not, Some(length)) if arrival.front => {
                        Some(Watch { not, once: false, passed: false, back: Some(length), since: self.since(after) })
                    }
                    _ => None,
                };
                let mut arrival = arrival.clone();
                arrival.watch.extend(parts.iter().filter_map(looks_back));
                let begin = |part: &Rc<Node>| match looks_back(part) {
                    Some(_) => vec![Choice::Finish],
                    None => self.enter(part, &arrival, &None),
                };
                let mut operands: Vec<Vec<Choice>> = parts.iter().map(begin).collect();
                // What is forbidden before the group is forbidden for its first event, and a wait takes none.
                operands.iter_mut().flatten().for_each(|choice| {
                    if let Choice::Wait { watch, .. } = choice {
                        watch.clear();
                    }
                });
                let touched = parts.iter().map(|part| looks_back(part).is_some()).collect();
                self.both(node, operands, (touched, false), &arrival, after)
            }
            Kind::Repeat { body, min, max, reluctant, until, .. } => {
                let again = if *max == Some(0) {
                    vec![]
                } else {
                    let frame = Frame::Loop { node: node.clone(), count: 1, mark: Hidden(self.taken), after: after.clone() };
                    guard(self.enter(body, arrival, &Some(Rc::new(frame))), node, until.as_ref())
                };
                let out = if *min == 0 { self.advance(after, arrival.clone()) } else { vec![] };
                in_order(*reluctant, again, out)
            }
        }
    }

    /// The ways on where an element has ended; `carried` are the negations that still watch, if nothing was taken meanwhile.
    pub fn advance(&self, after: &Cont, carried: Arrival) -> Vec<Choice> {
        let Some(frame) = after else {
            return if !carried.trailing || carried.front { vec![Choice::Finish] } else { vec![Choice::Absence { watch: carried.watch }] };
        };
        match &**frame {
            Frame::Sequence { node, next, after } => {
                let Kind::Sequence(elements, arrows) = &node.kind else { unreachable!("a sequence frame") };
                if *next == elements.len() {
                    return self.advance(after, carried);
                }
                self.sequence(node, *next, Arrival { arrow: arrows[next - 1], trailing: false, ..carried }, after)
            }
            Frame::Loop { node, count, mark, after } => {
                let Kind::Repeat { body, min, max, reluctant, inside, until } = &node.kind else { unreachable!("a loop frame") };
                if self.taken == mark.0 {
                    // A pass without an event counts, and ends the loop unless passes are still owed. What it counts in all matches is not said.
                    if self.all || count >= min {
                        return self.advance(after, carried);
                    }
                    let frame = Frame::Loop { node: node.clone(), count: count + 1, mark: Hidden(self.taken), after: after.clone() };
                    return guard(self.enter(body, &carried, &Some(Rc::new(frame))), node, until.as_ref());
                }
                let again = if max.is_some_and(|max| *count >= max) {
                    vec![]
                } else {
                    let frame = Frame::Loop { node: node.clone(), count: count + 1, mark: Hidden(self.taken), after: after.clone() };
                    let arrival = Arrival { arrow: *inside, watch: vec![], front: false, trailing: false };
                    guard(self.enter(body, &arrival, &Some(Rc::new(frame))), node, until.as_ref())
                };
                let out = if count >= min { self.advance(after, carried) } else { vec![] };
                in_order(*reluctant, again, out)
            }
        }
    }

    fn sequence(&self, node: &Rc<Node>, mut at: usize, mut arrival: Arrival, after: &Cont) -> Vec<Choice> {
        let Kind::Sequence(elements, arrows) = &node.kind else { unreachable!("a sequence") };
        loop {
            match &elements[at].kind {
                Kind::Not(not, None) => {
                    let once = arrival.arrow == Arrow::Strict;
                    arrival.watch.push(Watch { not: *not, once, passed: false, back: None, since: self.since(after) });
                }
                Kind::Not(not, length) if arrival.front => {
                    arrival.watch.push(Watch { not: *not, once: false, passed: false, back: *length, since: self.since(after) });
                }
                Kind::Not(not, Some(length)) => {
                    let rest = Frame::Sequence { node: node.clone(), next: at + 1, after: after.clone() };
                    return vec![self.wait(*not, *length, arrival.watch, &Some(Rc::new(rest)))];
                }
                _ => {
                    let rest = Frame::Sequence { node: node.clone(), next: at + 1, after: after.clone() };
                    return self.enter(&elements[at], &arrival, &Some(Rc::new(rest)));
                }
            }
            at += 1;
            if at == elements.len() {
                return self.advance(after, Arrival { trailing: true, ..arrival });
            }
            arrival.arrow = arrows[at - 1];
        }
    }

    fn wait(&self, not: usize, length: i64, watch: Vec<Watch>, after: &Cont) -> Choice {
        let began = Hidden(self.waited.then_some(self.now));
        Choice::Wait { not, watch, began, deadline: Hidden(self.now.saturating_add(length)), after: after.clone() }
    }

    fn since(&self, after: &Cont) -> Hidden<(Cont, Option<i64>)> {
        Hidden((after.clone(), self.waited.then_some(self.now)))
    }

    /// The ways on of `&`, given those of its operands; none where an operand has no way on.
    pub fn both(
        &self,
        node: &Rc<Node>,
        operands: Vec<Vec<Choice>>,
        (touched, begun): (Vec<bool>, bool),
        arrival: &Arrival,
        after: &Cont,
    ) -> Vec<Choice> {
        if !self.all {
            return self.one_both(node, operands, (touched, begun), arrival, after);
        }
        // Every way on its own: each combination of one choice an operand.
        let mut combinations: Vec<Vec<Vec<Choice>>> = vec![vec![]];
        for choices in &operands {
            let longer = combinations.iter().flat_map(|c| choices.iter().map(move |one| [c.clone(), vec![vec![one.clone()]]].concat()));
            combinations = longer.collect();
        }
        combinations.into_iter().flat_map(|c| self.one_both(node, c, (touched.clone(), begun), arrival, after)).collect()
    }

    fn one_both(
        &self,
        node: &Rc<Node>,
        operands: Vec<Vec<Choice>>,
        (touched, begun): (Vec<bool>, bool),
        arrival: &Arrival,
        after: &Cont,
    ) -> Vec<Choice> {
        if operands.iter().any(Vec::is_empty) {
            return vec![];
        }
        let done = operands.iter().all(|choices| choices.iter().any(|c| matches!(c, Choice::Finish)));
        let over = operands.iter().all(|choices| choices.iter().all(|c| matches!(c, Choice::Finish)));
        let reluctant = operands.iter().all(|choices| matches!(choices[0], Choice::Finish));
        let on = Choice::Both { node: node.clone(), operands, touched, begun, arrival: arrival.clone(), after: after.clone() };
        let on = if over { vec![] } else { vec![on] };
        let carried = if !begun { arrival.clone() } else { Arrival { watch: vec![], front: false, trailing: false, ..arrival.clone() } };
        let out = if done { self.advance(after, carried) } else { vec![] };
        in_order(reluctant, on, out)
    }
}

/// What is left of an operand's choices when the first event of its group has been taken: what watched the arrow before the group is over.
pub fn behind_arrival(choices: &[Choice], arrival: &Arrival) -> Vec<Choice> {
    let rest = |watch: &[Watch]| watch.iter().filter(|w| !arrival.watch.iter().any(|before| before.not == w.not)).cloned().collect();
    let one = |choice: &Choice| {
        let mut choice = choice.clone();
        match &mut choice {
            Choice::Step { watch, .. } | Choice::Wait { watch, .. } | Choice::Absence { watch } => *watch = rest(watch),
            Choice::Both { operands, .. } => operands.iter_mut().for_each(|operand| *operand = behind_arrival(operand, arrival)),
            Choice::Finish => {}
        }
        choice
    };
    choices.iter().map(one).collect()
}

/// The list in which each step stands once: what differs only in what was left out on the way to it is one way on.
pub fn each_once(choices: Vec<Choice>) -> Vec<Choice> {
    if choices.len() < 2 {
        return choices;
    }
    let step_of = |choice: &Choice| match choice {
        Choice::Step { step, .. } | Choice::Wait { not: step, .. } => Some(*step),
        Choice::Absence { .. } | Choice::Both { .. } | Choice::Finish => None,
    };
    let steps: BTreeSet<Option<usize>> = choices.iter().map(step_of).collect();
    if steps.len() == choices.len() {
        return choices;
    }
    let mut seen = BTreeSet::new();
    choices.into_iter().filter(|choice| seen.insert(format!("{choice:?}"))).collect()
}

/// Whether what is left holds no round that is over: of each loop around it that holds the step too, the step stands in the same pass.
pub fn in_same_rounds(of: &Cont, step: usize, step_after: &Cont) -> bool {
    frames(of).all(|frame| {
        let Frame::Loop { node, .. } = &**frame else { return true };
        let mut own = frames(step_after).filter(|other| matches!(&***other, Frame::Loop { node: theirs, .. } if theirs.id == node.id));
        !holds(node, step) || own.all(|other| Rc::ptr_eq(other, frame))
    })
}

fn frames(cont: &Cont) -> impl Iterator<Item = &Rc<Frame>> {
    std::iter::successors(cont.as_ref(), |frame| match &***frame {
        Frame::Sequence { after, .. } | Frame::Loop { after, .. } => after.as_ref(),
    })
}

fn holds(node: &Node, step: usize) -> bool {
    match &node.kind {
        Kind::Step(own) | Kind::Not(own, _) => *own == step,
        Kind::Sequence(parts, _) | Kind::Either(parts) | Kind::Both(parts) => parts.iter().any(|part| holds(part, step)),
        Kind::Repeat { body, .. } => holds(body, step),
    }
}

fn in_order(reluctant: bool, again: Vec<Choice>, out: Vec<Choice>) -> Vec<Choice> {
    if reluctant { [out, again].concat() } else { [again, out].concat() }
}

/// Marks the steps that would go on with a loop by what ends it.
fn guard(mut choices: Vec<Choice>, node: &Rc<Node>, until: Option<&Until>) -> Vec<Choice> {
    if until.is_some() {
        for choice in &mut choices {
            if let Choice::Step { until, .. } = choice {
                until.push(Hidden(node.clone()));
            }
        }
    }
    choices
}
