//! The automaton as a table: all its states, numbered, with their ways; equal rests of the pattern are one state.
//!
//! A state here never accepts: where a step can be the last one, its way says so ([`Way::finishes`]), and leads on to what is preferred to
//! being done, if anything is. States that can never be told apart are one (partition refinement), so that a loop over a step without
//! conditions is a way from a state to itself.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::pattern::automaton::{Automaton, Origin};
use crate::pattern::state::{State, WayKind};
use crate::spec::{Arrow, Mode, PatternSpec, SlotKind};

/// No state, no event.
pub(super) const NONE: u32 = u32::MAX;

/// A way on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Way {
    /// The variable that takes the event.
    pub(super) variable: u32,
    /// It is the first of this run of its loop.
    pub(super) first_in_loop: bool,
    /// Where a thread stands that would rather go on than be done; [`NONE`]: nowhere.
    pub(super) next: u32,
    /// The pattern may be done with this step.
    pub(super) finishes: bool,
    /// It leads back to where it comes from, and any event fits it and leaves no trace.
    pub(super) waits: bool,
}

/// A state.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The most preferred first.
    pub(super) ways: Box<[Way]>,
    /// What is left when an event fits no way; [`NONE`]: nothing.
    pub(super) kept: u32,
    /// Variables of the ways, as bits.
    pub(super) takes: u64,
    /// An event that fits no way changes the state.
    pub(super) is_strict: bool,
    /// One of its ways waits.
    pub(super) waits: bool,
    /// Variables of the other ways, as bits.
    pub(super) leaves_by: u64,
    /// Variables that can take an event from here on, as bits.
    pub(super) reaches: u64,
}

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    /// The start at the first row of a partition, and anywhere else.
    starts: [u32; 2],
}

impl Table {
    /// The table of a pattern. `leaves_no_trace` says of each variable whether any event fits it and nothing remembers that it was taken.
    pub(super) fn new(spec: &PatternSpec, automaton: &mut Automaton, leaves_no_trace: &[bool]) -> Self {
        let mut building = Building { automaton, ids: HashMap::with_hasher(hasher()), states: Vec::new(), tells_first: tells_first(spec) };
        let starts = [Origin::FirstRow, Origin::LaterRow].map(|origin| {
            let ways = building.automaton.start(origin).ways.iter().filter(|way| way.kind != WayKind::Accept).cloned().collect();
            building.number(State { ways })
        });
        let mut rows = Vec::new();
        while rows.len() < building.states.len() {
            rows.push(building.row(rows.len(), spec.mode));
        }
        let (rows, starts) = refined(rows, starts);
        let mut table = Self { rows, starts };
        table.note(leaves_no_trace);
        table
    }

    pub(super) fn row(&self, state: u32) -> &Row {
        &self.rows[state as usize]
    }

    /// The state before the first step; [`NONE`] where nothing can start there.
    pub(super) fn start(&self, origin: Origin) -> u32 {
        self.starts[origin as usize]
    }

    /// Whether a thread that has taken an event can be in a state.
    pub(super) fn is_reached(&self, state: u32) -> bool {
        self.rows.iter().any(|row| row.ways.iter().any(|way| way.next == state))
    }

    /// Fills in what follows from ways.
    fn note(&mut self, leaves_no_trace: &[bool]) {
        for id in 0..self.rows.len() {
            let is_wait = |way: &Way| way.next as usize == id && !way.finishes && leaves_no_trace[way.variable as usize];
            let row = &mut self.rows[id];
            row.ways.iter_mut().for_each(|way| way.waits = is_wait(way));
            row.takes = row.ways.iter().fold(0, |bits, way| bits | 1 << way.variable);
            row.is_strict = row.kept as usize != id;
            row.waits = row.ways.iter().any(|way| way.waits);
            row.leaves_by = row.ways.iter().filter(|way| !way.waits).fold(0, |bits, way| bits | 1 << way.variable);
            row.reaches = row.takes;
        }
        loop {
            let mut changed = false;
            for id in 0..self.rows.len() {
                let row = &self.rows[id];
                let behind = row.ways.iter().map(|way| way.next).chain([row.kept]).filter(|next| *next != NONE);
                let reaches = behind.fold(row.reaches, |bits, next| bits | self.row(next).reaches);
                changed |= reaches != row.reaches;
                self.rows[id].reaches = reaches;
            }
            if !changed {
                return;
            }
        }
    }
}

/// A fixed seed: nothing may differ from run to run.
fn hasher() -> ahash::RandomState {
    ahash::RandomState::with_seeds(31, 37, 41, 43)
}

/// For each variable, whether anything asks if an event is the first of its loop.
fn tells_first(spec: &PatternSpec) -> Vec<bool> {
    let mut tells: Vec<bool> = spec.variables.iter().map(|variable| !variable.checks_after_first.is_empty()).collect();
    for slot in &spec.slots {
        if let SlotKind::PreviousInLoop { variable, .. } = &slot.kind {
            tells[variable.0 as usize] = true;
        }
    }
    tells
}

struct Building<'a> {
    automaton: &'a mut Automaton,
    ids: HashMap<State, u32, ahash::RandomState>,
    states: Vec<Arc<State>>,
    tells_first: Vec<bool>,
}

impl Building<'_> {
    fn number(&mut self, state: State) -> u32 {
        if state.ways.is_empty() {
            return NONE;
        }
        if let Some(&id) = self.ids.get(&state) {
            return id;
        }
        let id = u32::try_from(self.states.len()).expect("the planner bounds the states");
        self.states.push(Arc::new(state.clone()));
        self.ids.insert(state, id);
        id
    }

    fn row(&mut self, id: usize, mode: Mode) -> Row {
        let state = self.states[id].clone();
        let mut ways = Vec::with_capacity(state.ways.len());
        for way in &state.ways {
            let WayKind::Take { variable, next, first_in_loop, .. } = &way.kind else {
                unreachable!("the planner gives only patterns of plain steps")
            };
            let reached = self.automaton.expand(*next, &[]);
            let accept = reached.accept();
            let preferred = &reached.ways[..accept.unwrap_or(reached.ways.len())];
            let next = self.number(State { ways: preferred.to_vec() });
            let first_in_loop = *first_in_loop && self.tells_first[variable.0 as usize];
            ways.push(Way { variable: variable.0, first_in_loop, next, finishes: accept.is_some(), waits: false });
        }
        let stay = state.ways.iter().filter(|way| way.arrow != Arrow::Strict).cloned().collect();
        let kept = if mode == Mode::Rows { NONE } else { self.number(State { ways: stay }) };
        Row { ways: ways.into(), kept, takes: 0, is_strict: false, waits: false, leaves_by: 0, reaches: 0 }
    }
}

/// The same automaton with states as one that can never be told apart.
fn refined(rows: Vec<Row>, starts: [u32; 2]) -> (Vec<Row>, [u32; 2]) {
    let mut classes = vec![0u32; rows.len()];
    let mut count = 1;
    loop {
        let class = |id: u32| if id == NONE { NONE } else { classes[id as usize] };
        let mut ids: HashMap<(Vec<Way>, u32, u32), u32, ahash::RandomState> = HashMap::with_hasher(hasher());
        let mut next = Vec::with_capacity(rows.len());
        for (id, row) in rows.iter().enumerate() {
            let ways = row.ways.iter().map(|way| Way { next: class(way.next), ..way.clone() }).collect();
            let number = u32::try_from(ids.len()).expect("no more classes than states");
            next.push(*ids.entry((ways, class(row.kept), classes[id])).or_insert(number));
        }
        let found = ids.len();
        classes = next;
        if found == count {
            break;
        }
        count = found;
    }
    let class = |id: u32| if id == NONE { NONE } else { classes[id as usize] };
    let mut merged: Vec<Option<Row>> = vec![None; count];
    for (id, row) in rows.iter().enumerate() {
        merged[classes[id] as usize].get_or_insert_with(|| {
            let ways = row.ways.iter().map(|way| Way { next: class(way.next), ..way.clone() }).collect();
            Row { ways, kept: class(row.kept), ..row.clone() }
        });
    }
    (merged.into_iter().flatten().collect(), starts.map(class))
}
