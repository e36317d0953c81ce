//! Simulation: a seed is a run. It makes a program, events, how they arrive and are cut, and what goes wrong on the way; a run in which
//! nothing goes wrong says what has to come out, to the byte.
//!
//! `tests/simulate.rs` runs some seeds, `examples/simulate.rs` as many as wanted. `tests/crashes.rs` uses the same disk and the same run.
#![allow(dead_code, reason = "each crate uses its own part")]
#![allow(clippy::unwrap_used, reason = "a broken case should stop the run")]
#![allow(unreachable_pub, reason = "support code is private to each crate")]

pub mod cuts;
pub mod disk;
pub mod kept;
pub mod keyed;
pub mod limits;
pub mod pipe;
pub mod scenario;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use betide::Stats;

use crate::support::random::Random;
use scenario::Scenario;

/// What happened in a run that was interfered with.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Runs of a program, from a beginning or a checkpoint to an end of any kind.
    pub runs: u64,
    pub crashes: u64,
    pub rows: u64,
    pub events: u64,
    /// Of each kind, how many.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Told {
    pub fn count(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub fn add(&mut self, other: &Told) {
        self.runs += other.runs;
        self.crashes += other.crashes;
        self.rows += other.rows;
        self.events += other.events;
        for (fault, count) in &other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
    }
}

/// How a scenario is interfered with; what is wrong is an error in words.
type Interfere = fn(&Scenario, &mut Random, &mut Told) -> Result<(), String>;

/// The kinds of interference.
pub const KINDS: [(&str, Interfere); 6] = [
    ("cuts", cuts::interfere),
    ("crashes", kept::crashes),
    ("errors", kept::errors),
    ("outputs", pipe::interfere),
    ("limits", limits::interfere),
    ("parts", keyed::interfere),
];

/// The kind of a seed.
pub fn kind_of(seed: u64) -> &'static str {
    KINDS[(seed % KINDS.len() as u64) as usize].0
}

/// Runs a seed: what happened, or what is wrong. A panic anywhere is wrong.
pub fn run(seed: u64, kind: &str) -> Result<Told, String> {
    let interfere = KINDS.iter().find(|(name, _)| *name == kind).unwrap().1;
    let whole = || {
        let scenario = Scenario::new(seed, kind == "parts");
        run_scenario(&scenario, seed, interfere).map_err(|how| {
            let smallest = smallest(&scenario, |smaller| is_wrong(smaller, seed, interfere));
            let how = catch_unwind(AssertUnwindSafe(|| run_scenario(&smallest, seed, interfere).err())).ok().flatten().unwrap_or(how);
            format!("{how}\n{smallest}")
        })
    };
    catch_unwind(AssertUnwindSafe(whole)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default();
        let scenario = Scenario::new(seed, kind == "parts");
        let smallest = smallest(&scenario, |smaller| is_wrong(smaller, seed, interfere));
        Err(format!("a panic: {text}\n{smallest}"))
    })
}

fn run_scenario(scenario: &Scenario, seed: u64, interfere: Interfere) -> Result<Told, String> {
    let mut told = Told::default();
    interfere(scenario, &mut Random::new(seed ^ 0x51_3a_7e), &mut told)?;
    Ok(told)
}

fn is_wrong(scenario: &Scenario, seed: u64, interfere: Interfere) -> bool {
    !matches!(catch_unwind(AssertUnwindSafe(|| run_scenario(scenario, seed, interfere))), Ok(Ok(_)))
}

/// The scenario with as few statements and lines as still go wrong: what goes wrong where may change with them, which is well.
fn smallest(scenario: &Scenario, is_wrong: impl Fn(&Scenario) -> bool) -> Scenario {
    let mut best = scenario.clone();
    let mut tries = 400;
    loop {
        let before = tries;
        let smaller = best.smaller().into_iter().find(|smaller| {
            tries -= usize::from(tries > 0);
            tries > 0 && is_wrong(smaller)
        });
        match smaller {
            Some(smaller) if before > 0 => best = smaller,
            _ => return best,
        }
    }
}

/// At every moment all events are accounted for.
pub fn accounted(stats: &Stats) -> Result<(), String> {
    let sum = stats.processed + stats.late + stats.unrouted + stats.bad;
    if stats.events == sum { Ok(()) } else { Err(format!("{} events, and {sum} accounted for: {stats:?}", stats.events)) }
}

/// Where two outputs part.
pub fn same(what: &str, found: &[u8], expected: &[u8]) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let at = found.iter().zip(expected).take_while(|(a, b)| a == b).count();
    let shown = |bytes: &[u8]| String::from_utf8_lossy(&bytes[at.saturating_sub(60)..bytes.len().min(at + 200)]).into_owned();
    let lengths = format!("{} bytes instead of {}", found.len(), expected.len());
    Err(format!("{what}: {lengths}, from byte {at} on\n--- expected\n{}\n--- found\n{}", shown(expected), shown(found)))
}
