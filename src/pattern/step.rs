//! One step of a thread: what becomes of a state when an event comes, or when a time is over.
//!
//! This is section 6, "Formally", rules 1 to 3 of the language, for one thread. `&` is a way whose operands are states themselves: each is
//! stepped by the same function, and an event goes to the first operand that it fits.

use std::sync::Arc;

use super::automaton::{Automaton, ContinuationId};
use super::state::{Abreast, Behind, Deadline, Reach, State, Undecided, Watch, Way, WayKind};
use super::terms::Probe;
use crate::data::Timestamp;
use crate::spec::{Arrow, VariableId};

/// What a step may do with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taking {
    /// Take it; ways that do not are gone then.
    One,
    /// Each way goes its own way.
    All,
    /// It is not for this state: it only passes by.
    Nothing,
}

/// A way that took the event, or whose time is over.
#[derive(Debug)]
pub(crate) struct Next {
    /// `None`: a time was over.
    pub(crate) taken: Option<TakenFor>,
    /// Without ways where the event was taken in vain: the thread ends.
    pub(crate) state: Arc<State>,
    /// What was behind the way, as [`Way`] has it: negations, events of theirs that are still to be decided on, and rounds that are over.
    pub(crate) watches: Box<[Watch]>,
    pub(crate) hits: Box<[Undecided]>,
    pub(crate) forgets: Box<[VariableId]>,
}

impl Next {
    pub(crate) fn behind(&self) -> Behind<'_> {
        Behind { watches: &self.watches, hits: &self.hits, forgets: &self.forgets }
    }
}

/// What an event was taken for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TakenFor {
    pub(crate) variable: VariableId,
    pub(crate) first_in_loop: bool,
    pub(crate) excluded: bool,
}

/// What is left of the state for a thread that goes on without the event.
#[derive(Debug, Clone)]
pub(crate) enum Kept {
    All,
    Some(Arc<State>),
    Nothing,
}

/// What becomes of a state.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// In the order of preference.
    pub(crate) taken: Vec<Next>,
    pub(crate) kept: Kept,
    /// Before which of `taken` a way stands of which it is not known yet whether it takes the event (its terms look at rows to come).
    pub(crate) unknown_before: Option<usize>,
}

/// When things happen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) time: Timestamp,
    /// Start of the match + WITHIN, at the end of time where there is none.
    pub(crate) within_end: Timestamp,
}

/// Steps a state over an event.
pub(crate) fn step(automaton: &mut Automaton, state: &Arc<State>, probe: &mut Probe<'_>, taking: Taking, now: Now) -> Outcome {
    let mut left = Left::new(&state.ways);
    let mut taken = Vec::new();
    let mut unknown_before = None;
    for (index, way) in state.ways.iter().enumerate() {
        if way.untils.iter().any(|until| probe.ends_loop(*until)) {
            left.drop_way(index);
            continue;
        }
        match &way.kind {
            WayKind::Accept => {}
            // A row follows, so this was not the end.
            WayKind::AcceptAtEnd => left.drop_way(index),
            WayKind::Take { variable, next, first_in_loop, excluded } => {
                let takes = taking != Taking::Nothing && probe.fits(*variable, *first_in_loop) && probe.is_allowed(*variable, way.behind());
                if probe.is_unknown.take() {
                    unknown_before.get_or_insert(taken.len());
                }
                if takes {
                    let for_ = TakenFor { variable: *variable, first_in_loop: *first_in_loop, excluded: *excluded };
                    let state = reached(automaton, *next, &[], now);
                    let (watches, hits, forgets) = (way.watches.clone(), way.hits.clone(), way.forgets.clone());
                    taken.push(Next { taken: Some(for_), state, watches, hits, forgets });
                }
                left.pass(index, way, stays(way, takes, taking), probe);
            }
            WayKind::Wait { .. } => left.pass(index, way, true, probe),
            WayKind::Both(abreast) => {
                let before = taken.len();
                let kept = step_abreast(automaton, way, abreast, probe, taking, now, &mut taken);
                let takes = taken.len() > before;
                let stays = !abreast.untouched || stays(way, takes, taking);
                match kept {
                    Some(operands) if stays => left.pass_abreast(index, way, abreast, operands, takes, probe),
                    Some(_) | None => left.drop_way(index),
                }
            }
        }
    }
    Outcome { taken, kept: left.kept(automaton), unknown_before }
}

/// Lets a time be over: the ways that wait for it go on.
pub(crate) fn fire(automaton: &mut Automaton, state: &Arc<State>, now: Now) -> Outcome {
    let mut left = Left::new(&state.ways);
    let mut taken = Vec::new();
    for (index, way) in state.ways.iter().enumerate() {
        match &way.kind {
            WayKind::Wait { deadline: Deadline::At(time), next, carried } if *time <= now.time => {
                // What has watched up to now has seen what it will see; what was there before the wait watches on.
                let watches_on = |hit: &Undecided| carried.iter().any(|watch| watch.variable == hit.negated);
                let (on, over): (Vec<_>, Vec<_>) = way.hits.iter().cloned().partition(watches_on);
                let state = reached(automaton, *next, carried, now).with_hits(&on);
                taken.push(Next { taken: None, state, watches: Box::default(), hits: over.into(), forgets: way.forgets.clone() });
                left.drop_way(index);
            }
            WayKind::Both(abreast) => {
                let due = abreast.operands.iter().position(|o| o.deadline().is_some_and(|d| d <= now.time));
                let Some(due) = due else { continue };
                left.drop_way(index);
                for next in fire(automaton, &abreast.operands[due], now).taken {
                    let mut operands = abreast.operands.clone();
                    operands[due] = next.state.clone();
                    let state = if abreast.untouched {
                        still_untouched(automaton, way, abreast, operands, now)
                    } else {
                        side_by_side(automaton, abreast, operands, now)
                    };
                    taken.push(Next { state, ..next });
                }
            }
            WayKind::Wait { .. } | WayKind::Take { .. } | WayKind::Accept | WayKind::AcceptAtEnd => {}
        }
    }
    Outcome { taken, kept: left.kept(automaton), unknown_before: None }
}

/// The ways behind a step, with their deadlines counted from now.
fn reached(automaton: &mut Automaton, next: ContinuationId, carried: &[Watch], now: Now) -> Arc<State> {
    automaton.expand(next, carried).fixed(now.time, now.within_end)
}

fn side_by_side(automaton: &mut Automaton, abreast: &Abreast, operands: Vec<Arc<State>>, now: Now) -> Arc<State> {
    let state = Arc::new(automaton.abreast(abreast.node, operands, abreast.rest));
    state.fixed(now.time, now.within_end)
}

/// The same where no event has been taken yet: what is before the group is before what comes first in it, or, where its times alone complete
/// it, before what comes behind it.
fn still_untouched(automaton: &mut Automaton, way: &Way, abreast: &Abreast, operands: Vec<Arc<State>>, now: Now) -> Arc<State> {
    let carried: Vec<Watch> = way.watches.iter().copied().filter(|watch| !matches!(watch.reach, Reach::Before(_))).collect();
    let state = automaton.abreast_behind(abreast.node, operands, abreast.rest, &carried);
    let with_before = |on: &Way| match &on.kind {
        WayKind::Both(abreast) if !abreast.untouched => {
            let kind = WayKind::Both(Box::new(Abreast { untouched: true, ..(**abreast).clone() }));
            Way { kind, arrow: way.arrow, watches: way.watches.clone(), hits: way.hits.clone(), forgets: way.forgets.clone(), ..on.clone() }
        }
        _ => {
            let own = way.hits.iter().filter(|hit| on.watches.iter().any(|watch| watch.variable == hit.negated));
            Way { hits: own.cloned().collect(), ..on.clone() }
        }
    };
    let state = Arc::new(State { ways: state.ways.iter().map(with_before).collect() });
    state.fixed(now.time, now.within_end)
}

/// Whether a way is still there behind the event, but for negations.
fn stays(way: &Way, takes: bool, taking: Taking) -> bool {
    if takes { taking == Taking::All && way.arrow == Arrow::Any } else { way.arrow != Arrow::Strict }
}

/// Steps the operands of a `&`. Gives the operands as they stand for a thread that goes on without the event taken here; `None` where one
/// of them can no longer be done.
fn step_abreast(
    automaton: &mut Automaton,
    way: &Way,
    abreast: &Abreast,
    probe: &mut Probe<'_>,
    taking: Taking,
    now: Now,
    taken: &mut Vec<Next>,
) -> Option<Vec<Arc<State>>> {
    let mut taker = None;
    let mut outcomes = Vec::with_capacity(abreast.operands.len());
    for (index, operand) in abreast.operands.iter().enumerate() {
        let offered = if taker.is_none() { taking } else { Taking::Nothing };
        let known = probe.forgotten.len();
        probe.forgotten.extend_from_slice(&way.forgets);
        let mut outcome = step(automaton, operand, probe, offered, now);
        if abreast.untouched {
            // What is forbidden before the group is forbidden for whichever operand is first.
            outcome.taken.retain(|next| next.taken.is_none_or(|taken| probe.is_allowed(taken.variable, way.behind())));
        }
        probe.forgotten.truncate(known);
        if taker.is_none() && !outcome.taken.is_empty() {
            taker = Some(index);
        }
        outcomes.push(outcome);
    }
    let after = |outcome: &Outcome, operand: &Arc<State>| match &outcome.kept {
        Kept::All => Some(operand.clone()),
        Kept::Some(state) => Some(state.clone()),
        Kept::Nothing => None,
    };
    let kept: Vec<Option<Arc<State>>> = outcomes.iter().zip(&abreast.operands).map(|(o, s)| after(o, s)).collect();
    if let Some(taker) = taker {
        for next in std::mem::take(&mut outcomes[taker].taken) {
            let own = Some(next.state.clone()).filter(|state| !state.ways.is_empty());
            let operand = |(index, kept): (usize, &Option<Arc<State>>)| if index == taker { own.clone() } else { kept.clone() };
            // Where the event breaks an operand beside, it has been taken all the same, and the thread has nowhere to go.
            let state = match kept.iter().enumerate().map(operand).collect() {
                Some(operands) => side_by_side(automaton, abreast, operands, now),
                None => automaton.share(Vec::new()),
            };
            let next = if abreast.untouched { behind_both(way, next) } else { next };
            taken.push(Next { state, ..next });
        }
        if abreast.untouched {
            // Every later way through the group starts as this one did; but a time that the event has broken is broken for all.
            let is_broken = |index: usize| index != taker && kept[index].is_none() && abreast.operands[index].deadline().is_some();
            return (0..kept.len()).all(|index| !is_broken(index)).then(|| abreast.operands.clone());
        }
    }
    kept.into_iter().collect()
}

/// The first to go on of a `&` has behind it what the group has.
fn behind_both(way: &Way, next: Next) -> Next {
    Next {
        watches: [&*way.watches, &*next.watches].concat().into(),
        hits: [&*way.hits, &*next.hits].concat().into(),
        forgets: [&*way.forgets, &*next.forgets].concat().into(),
        ..next
    }
}

/// The ways that are left behind an event, made anew only where something has changed.
struct Left<'w> {
    ways: &'w [Way],
    changed: Option<Vec<Option<Way>>>,
}

impl<'w> Left<'w> {
    fn new(ways: &'w [Way]) -> Self {
        Self { ways, changed: None }
    }

    fn set(&mut self, index: usize, way: Option<Way>) {
        let ways = self.ways;
        self.changed.get_or_insert_with(|| ways.iter().cloned().map(Some).collect())[index] = way;
    }

    fn drop_way(&mut self, index: usize) {
        self.set(index, None);
    }

    /// The event passes by a way, which stays if nothing forbids it.
    fn pass(&mut self, index: usize, way: &Way, stays: bool, probe: &Probe<'_>) {
        let mut to_decide = Vec::new();
        if !stays || probe.hits(&way.watches, &mut to_decide) {
            self.drop_way(index);
        } else if !to_decide.is_empty() || way.watches.iter().any(|w| w.reach == Reach::NextEvent) {
            let mut left = without_next_event(way);
            let new = to_decide.into_iter().map(|negated| Undecided { negated, event: probe.candidate.event().clone() });
            left.hits = left.hits.into_iter().chain(new).collect();
            self.set(index, Some(left));
        }
    }

    fn pass_abreast(&mut self, index: usize, way: &Way, abreast: &Abreast, operands: Vec<Arc<State>>, takes: bool, probe: &Probe<'_>) {
        self.pass(index, way, true, probe);
        let unchanged = operands.iter().zip(&abreast.operands).all(|(a, b)| Arc::ptr_eq(a, b));
        if unchanged || takes && abreast.untouched {
            return;
        }
        let passed = self.changed.as_ref().map_or_else(|| Some(way.clone()), |ways| ways[index].clone());
        if let Some(way) = passed {
            let kind = WayKind::Both(Box::new(Abreast { operands, ..abreast.clone() }));
            self.set(index, Some(Way { kind, ..way }));
        }
    }

    fn kept(self, automaton: &mut Automaton) -> Kept {
        let Some(ways) = self.changed else { return Kept::All };
        let ways: Vec<Way> = ways.into_iter().flatten().collect();
        if ways.is_empty() { Kept::Nothing } else { Kept::Some(automaton.share(ways)) }
    }
}

fn without_next_event(way: &Way) -> Way {
    let goes_on = |watches: &[Watch]| watches.iter().copied().filter(|w| w.reach != Reach::NextEvent).collect();
    let mut left = Way { watches: goes_on(&way.watches), ..way.clone() };
    if let WayKind::Wait { carried, .. } = &mut left.kind {
        *carried = goes_on(carried);
    }
    left
}
