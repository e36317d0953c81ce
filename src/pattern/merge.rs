//! Of the threads of one start, those that can do nothing that an earlier one cannot are dropped.
//!
//! Two threads are one when they stand at equal states, wait for the same verdicts, and agree in all registers that a term still to be checked
//! can read. Threads are found by a fingerprint of just that, so a start with many different threads costs one look each and not one for
//! each pair; what the fingerprint leaves out is compared.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use super::registers::Register;
use super::state::State;
use super::thread::{Entry, Matcher, Thread};
use crate::data::{Key, Value};
use crate::expr::Accumulator;
use crate::spec::{Mode, VariableKind};

/// The threads that stand at one state.
#[derive(Debug)]
struct AtState {
    /// The registers that can still be read from here.
    live: Vec<usize>,
    /// Places among the kept, by fingerprint.
    by_fingerprint: hashbrown::HashMap<u64, Vec<usize>, ahash::RandomState>,
}

/// A fixed seed: nothing may differ from run to run.
fn hasher() -> ahash::RandomState {
    ahash::RandomState::with_seeds(1, 2, 3, 4)
}

impl Matcher {
    /// Merges the threads of one start (not where every way to match is wanted).
    ///
    /// `histories`: whether it matters which events a thread has taken (for CONSUME it does).
    pub(crate) fn merge(&self, entries: &mut Vec<Entry>, histories: bool, mode: Mode) {
        if entries.len() < 2 || mode == Mode::AllMatches {
            return;
        }
        let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
        let mut by_state: hashbrown::HashMap<Arc<State>, AtState, ahash::RandomState> = hashbrown::HashMap::with_hasher(hasher());
        for entry in entries.drain(..) {
            if let Entry::Live(thread) = &entry {
                let here = by_state.entry(thread.state.clone()).or_insert_with(|| self.at_state(&thread.state));
                let same = here.by_fingerprint.entry(fingerprint(thread, &here.live)).or_default();
                let is_equal = |&index: &usize| {
                    let Entry::Live(first) = &kept[index] else { return false };
                    are_equal(first, thread, &here.live) && (!histories || first.history.equals(&thread.history))
                };
                if same.iter().any(is_equal) {
                    continue;
                }
                same.push(kept.len());
            }
            kept.push(entry);
        }
        *entries = kept;
    }

    fn at_state(&self, state: &State) -> AtState {
        if self.has_no_registers() {
            return AtState { live: Vec::new(), by_fingerprint: hashbrown::HashMap::with_hasher(hasher()) };
        }
        let reachable = self.automaton.reachable(state);
        let variables = (0..).map(crate::spec::VariableId).zip(&self.spec().variables);
        // Events of negated variables, and those that end loops, are looked at without being taken.
        let read = variables.filter(|(id, variable)| variable.kind != VariableKind::Step || reachable.contains(*id));
        let mut live: Vec<usize> = read.flat_map(|(id, _)| self.terms.plan.read_at(id)).copied().collect();
        live.sort_unstable();
        live.dedup();
        AtState { live, by_fingerprint: hashbrown::HashMap::with_hasher(hasher()) }
    }
}

/// Whether two threads at equal states can never be told apart by a term that is still to be checked.
fn are_equal(a: &Thread, b: &Thread, live: &[usize]) -> bool {
    a.undecided == b.undecided && (Arc::ptr_eq(&a.registers, &b.registers) || live.iter().all(|&r| a.registers[r] == b.registers[r]))
}

/// Equal for threads that are equal.
fn fingerprint(thread: &Thread, live: &[usize]) -> u64 {
    if live.is_empty() && thread.undecided.is_empty() {
        return 0;
    }
    let mut hash = hasher().build_hasher();
    thread.undecided.iter().for_each(|undecided| undecided.event.index.hash(&mut hash));
    for &register in live {
        match &thread.registers[register] {
            Register::Events(events) => events.iter().for_each(|taking| (taking.event.index, taking.variable).hash(&mut hash)),
            Register::Accumulator(accumulator) => of_accumulator(accumulator).hash(&mut hash),
        }
    }
    hash.finish()
}

/// What tells most accumulators apart, without going through all that they hold.
fn of_accumulator(accumulator: &Accumulator) -> u64 {
    match accumulator {
        Accumulator::CountRows(count) | Accumulator::CountValues(count) => *count,
        Accumulator::List(items) => items.len() as u64,
        Accumulator::Sum(_)
        | Accumulator::Avg(_)
        | Accumulator::Extreme(..)
        | Accumulator::First(_)
        | Accumulator::Last(_)
        | Accumulator::Spread(..)
        | Accumulator::Arg(..)
        | Accumulator::Bool(..) => of_value(accumulator.value()),
        Accumulator::Quantile(_) | Accumulator::Distinct(_) | Accumulator::Custom(_) => 0,
    }
}

fn of_value(value: Value<'_>) -> u64 {
    match value {
        Value::Int(value) => value.cast_unsigned(),
        // Zero has two signs, and they are equal.
        Value::Float(value) => (value + 0.0).to_bits(),
        other => Key::encode(std::iter::once(other)).hash64(),
    }
}
