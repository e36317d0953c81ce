//! Threads: a history, a state, and what the terms still need to know of the way here.

use std::cell::Cell;
use std::sync::Arc;

use super::automaton::Automaton;
use super::event::Candidate;
use super::registers::{Register, Taking};
use super::state::{State, Undecided, WayKind};
use super::step::{self, Kept, Next, Now};
use super::terms::{Probe, Surroundings, Terms};
use super::variables::VariableSet;
use crate::data::{Duration, Phase, Place, Saved, StateError, StateReader, StateWriter};
use crate::expr::Accumulator;
use crate::spec::{PatternSpec, VariableId};

/// A history that still has ways on.
#[derive(Debug, Clone)]
pub(crate) struct Thread {
    pub(crate) state: Arc<State>,
    pub(crate) history: History,
    pub(crate) registers: Arc<[Register]>,
    /// Events between that a later variable decides on, of negations that lie behind. Those of the arrow at hand are with the ways.
    pub(crate) undecided: Arc<[Undecided]>,
    /// Where the thread stands: at its last event, or at the time that was over since.
    pub(crate) end: Place,
}

crate::saved!(Thread { state, history, registers, undecided, end });
crate::saved!(Match { history, end });
crate::saved!(enum Entry { 0 => Live(thread), 1 => Finished(found) });

/// The events that a thread has taken, the last first; threads share what they have in common.
#[derive(Debug, Clone, Default)]
pub(crate) struct History(Option<Arc<Link>>);

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) taking: Taking,
    pub(crate) first_in_loop: bool,
    pub(crate) excluded: bool,
    before: History,
}

impl Drop for Link {
    /// Links are let go one by one: a history may be longer than the stack is deep.
    fn drop(&mut self) {
        let mut next = self.before.0.take();
        while let Some(mut link) = next.and_then(Arc::into_inner) {
            next = link.before.0.take();
        }
    }
}

impl History {
    /// The links from the last event back.
    pub(crate) fn iter_back(&self) -> impl Iterator<Item = &Link> {
        std::iter::successors(self.0.as_deref(), |link| link.before.0.as_deref())
    }

    pub(crate) fn last(&self) -> Option<&Link> {
        self.0.as_deref()
    }

    /// Whether one of the events has this number.
    pub(crate) fn contains(&self, index: u64) -> bool {
        self.iter_back().take_while(|l| l.taking.event.index >= index).any(|l| l.taking.event.index == index)
    }

    /// The same events for the same variables.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        if let (Some(mine), Some(theirs)) = (&self.0, &other.0)
            && Arc::ptr_eq(mine, theirs)
        {
            return true;
        }
        self.iter_back().map(|l| &l.taking).eq(other.iter_back().map(|l| &l.taking))
    }

    pub(crate) fn with(&self, taking: Taking, first_in_loop: bool, excluded: bool) -> Self {
        Self(Some(Arc::new(Link { taking, first_in_loop, excluded, before: self.clone() })))
    }
}

/// The links that are new behind one that is known, from the earliest on: a history may be longer than the stack is deep.
impl Saved for History {
    fn save(&self, to: &mut StateWriter) {
        let address = |link: &Arc<Link>| Arc::as_ptr(link).addr();
        let mut new: Vec<&Arc<Link>> = Vec::new();
        let mut at = self.0.as_ref();
        while let Some(link) = at.filter(|link| to.number_of(address(link)).is_none()) {
            new.push(link);
            at = link.before.0.as_ref();
        }
        to.put(&at.and_then(|link| to.number_of(address(link))));
        to.number(new.len() as u64);
        for link in new.into_iter().rev() {
            to.known(address(link));
            to.put(&link.taking);
            to.put(&(link.first_in_loop, link.excluded));
        }
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let known: Option<u64> = from.take()?;
        let mut history = Self(known.map(|number| from.shared_before(number)).transpose()?);
        for _ in 0..from.length()? {
            let Err(slot) = from.known::<Link>()? else { return Err(StateError::new("a link that is not new")) };
            let taking = from.take()?;
            let (first_in_loop, excluded) = from.take()?;
            let link = Arc::new(Link { taking, first_in_loop, excluded, before: history });
            from.share(slot, link.clone())?;
            history = Self(Some(link));
        }
        Ok(history)
    }
}

/// What a step has made of a thread.
#[derive(Debug)]
pub(crate) struct Stepped {
    /// The threads that took the event, in the order of preference.
    pub(crate) taken: Vec<Thread>,
    /// What is left of the thread for going on without it.
    pub(crate) kept: Option<Thread>,
    /// Before which of `taken` a thread may stand of which the rows to come will tell.
    pub(crate) unknown_before: Option<usize>,
}

/// A finished match.
#[derive(Debug, Clone)]
pub(crate) struct Match {
    pub(crate) history: History,
    /// Its last event, or the time that made it certain.
    pub(crate) end: Place,
}

/// What has become of one way to match, in the order of preference of its start.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Live(Thread),
    Finished(Match),
}

/// The automaton of a pattern with its terms: all that threads have in common.
#[derive(Debug)]
pub(crate) struct Matcher {
    pub(crate) automaton: Automaton,
    pub(crate) terms: Terms,
    initial_registers: Arc<[Register]>,
    /// Negated variables that stand at the start of the pattern, and how far back they look at most (`None`: for ever).
    pub(crate) looks_back: Vec<(VariableId, Option<Duration>)>,
    /// How often each variable has taken an event, in any thread.
    pub(crate) taken: Vec<u64>,
    /// How often that was its first in a row.
    pub(crate) reached: Vec<u64>,
}

impl Matcher {
    /// Bytes that a thread takes, about: its entry, the link of its last event, and registers of its own.
    pub(crate) fn bytes_a_thread(&self) -> usize {
        const COUNTS: usize = 2 * size_of::<usize>();
        let registers = self.initial_registers.len();
        let own = if registers == 0 { 0 } else { COUNTS + registers * (size_of::<Register>() + size_of::<Accumulator>()) };
        size_of::<Entry>() + COUNTS + size_of::<Link>() + own
    }

    pub(crate) fn new(spec: Arc<PatternSpec>) -> Self {
        let automaton = Automaton::of(&spec);
        let terms = Terms::new(spec.clone());
        let initial_registers = terms.plan.initial(&spec);
        let looks_back = automaton.looks_back(&spec);
        let taken = vec![0; spec.variables.len()];
        let reached = taken.clone();
        Self { automaton, terms, initial_registers, looks_back, taken, reached }
    }

    pub(crate) fn spec(&self) -> &Arc<PatternSpec> {
        &self.terms.spec
    }

    /// Whether no term looks at what was taken before.
    pub(crate) fn has_no_registers(&self) -> bool {
        self.initial_registers.is_empty()
    }

    /// A thread that has taken nothing.
    pub(crate) fn thread(&self, state: Arc<State>, at: Place) -> Thread {
        Thread { state, history: History::default(), registers: self.initial_registers.clone(), undecided: Arc::new([]), end: at }
    }

    /// Steps a thread over an event: the threads that took it, in order, and what is left of the thread for going on without it.
    pub(crate) fn step(
        &mut self,
        thread: &Thread,
        event: &Candidate<'_>,
        fits: &VariableSet,
        around: Surroundings<'_>,
        (taking, now): (step::Taking, Now),
    ) -> Stepped {
        let mut probe = Probe {
            terms: &self.terms,
            candidate: event,
            fits,
            registers: &thread.registers,
            undecided: &thread.undecided,
            around,
            forgotten: Vec::new(),
            is_unknown: Cell::new(false),
        };
        let outcome = step::step(&mut self.automaton, &thread.state, &mut probe, taking, now);
        for next in &outcome.taken {
            if let Some(for_) = &next.taken {
                self.taken[for_.variable.0 as usize] += 1;
                self.reached[for_.variable.0 as usize] += u64::from(for_.first_in_loop);
            }
        }
        let automaton = &self.automaton;
        let taken = outcome.taken.into_iter().map(|next| took(thread, next, &probe, automaton)).collect();
        Stepped { taken, kept: kept(thread, outcome.kept), unknown_before: outcome.unknown_before }
    }

    /// Lets a time be over for a thread.
    pub(crate) fn fire(&mut self, thread: &Thread, now: Now) -> Stepped {
        let outcome = step::fire(&mut self.automaton, &thread.state, now);
        let end = thread.end.max(Place::bound(now.time, Phase::After));
        let waited = |next: Next| {
            let held = thread.undecided.iter().filter(|event| !next.forgets.contains(&event.negated));
            let all: Vec<Undecided> = held.chain(&next.hits).cloned().collect();
            let undecided = still_of_use(all, &next.state, &self.terms, &self.automaton);
            Thread { undecided: shared(&thread.undecided, undecided), state: next.state, end, ..thread.clone() }
        };
        Stepped { taken: outcome.taken.into_iter().map(waited).collect(), kept: kept(thread, outcome.kept), unknown_before: None }
    }
}

/// Those of the events that a variable which can still be reached decides on.
fn still_of_use(mut undecided: Vec<Undecided>, state: &State, terms: &Terms, automaton: &Automaton) -> Vec<Undecided> {
    if !undecided.is_empty() {
        let reachable = automaton.reachable(state);
        undecided.retain(|event| terms.may_decide(event.negated, &reachable));
    }
    undecided
}

/// `now` as threads hold it: what has stayed empty is shared.
fn shared(before: &Arc<[Undecided]>, now: Vec<Undecided>) -> Arc<[Undecided]> {
    if now.is_empty() && before.is_empty() { before.clone() } else { now.into() }
}

/// The thread after taking the candidate.
fn took(thread: &Thread, next: Next, probe: &Probe<'_>, automaton: &Automaton) -> Thread {
    let Some(for_) = next.taken else { unreachable!("an event is taken for a variable") };
    let taking = Taking { event: probe.candidate.event().clone(), variable: for_.variable };
    let view = probe.view(for_.variable, for_.first_in_loop);
    let registers = view.taking(|at| probe.terms.plan.after(&thread.registers, &taking, for_.first_in_loop, at));
    let undecided = probe.still_undecided(for_.variable, next.behind()).expect("a way that is forbidden has not taken the event");
    let undecided = still_of_use(undecided, &next.state, probe.terms, automaton);
    Thread {
        state: next.state,
        history: thread.history.with(taking, for_.first_in_loop, for_.excluded),
        registers,
        undecided: shared(&thread.undecided, undecided),
        end: probe.candidate.place,
    }
}

fn kept(thread: &Thread, kept: Kept) -> Option<Thread> {
    match kept {
        Kept::All => Some(thread.clone()),
        Kept::Some(state) => Some(Thread { state, ..thread.clone() }),
        Kept::Nothing => None,
    }
}

/// Puts the threads of a start behind each other, in order, and cuts what is less preferred than a finished match.
///
/// A state that accepts among other ways is two entries: the ways before, which could do better, and the match. Gives whether what comes
/// behind is cut off.
pub(crate) fn push_split(automaton: &mut Automaton, entries: &mut Vec<Entry>, thread: Thread) -> bool {
    let Some(accept) = thread.state.accept() else {
        entries.push(Entry::Live(thread));
        return false;
    };
    let finished = Match { history: thread.history.clone(), end: thread.end };
    if accept > 0 {
        let state = automaton.share(thread.state.ways[..accept].to_vec());
        entries.push(Entry::Live(Thread { state, ..thread }));
    }
    entries.push(Entry::Finished(finished));
    true
}

/// The thread without the accepting way, where other ways are left.
pub(crate) fn without_accept(automaton: &mut Automaton, thread: Thread) -> Option<Thread> {
    let ways: Vec<_> = thread.state.ways.iter().filter(|w| w.kind != WayKind::Accept).cloned().collect();
    (!ways.is_empty()).then(|| Thread { state: automaton.share(ways), ..thread })
}
