//! Simulation in the normal run: some seeds of each kind. `cargo run --release --example simulate -- --seeds 10000` runs more.
#![allow(clippy::print_stdout, reason = "what happened is told")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

mod simulation;
mod support;

use simulation::{KINDS, Told, run};

/// How many seeds of a kind the normal run has; `BETIDE_SEEDS` says otherwise.
fn seeds() -> u64 {
    std::env::var("BETIDE_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6)
}

fn simulate(kind: &str, least: &[&str]) {
    let mut told = Told::default();
    for seed in 0..seeds() {
        match run(seed, kind) {
            Ok(of_seed) => told.add(&of_seed),
            Err(how) => {
                panic!("seed {seed}: {how}\nagain: cargo run --release --example simulate -- --only {kind} --from {seed} --seeds 1")
            }
        }
    }
    println!("{kind}: {} runs, {} crashes, {} rows of {} events, {:?}", told.runs, told.crashes, told.rows, told.events, told.faults);
    assert!(told.rows > 100, "the scenarios say something");
    for fault in least {
        assert!(told.faults.get(fault).is_some_and(|count| *count > 0), "{fault} has happened: {:?}", told.faults);
    }
    assert!(kind != "crashes" || told.crashes > 20);
}

#[test]
fn every_kind_is_simulated_here() {
    assert_eq!(KINDS.map(|(name, _)| name), ["cuts", "crashes", "errors", "outputs", "limits", "parts"]);
}

#[test]
fn cuts_change_nothing() {
    simulate("cuts", &["cuts of the input", "restored from a snapshot"]);
}

#[test]
fn crashes_change_nothing() {
    simulate("crashes", &[]);
}

#[test]
fn errors_of_the_disk_are_told_and_change_nothing() {
    simulate("errors", &["append", "sync", "full disk"]);
}

#[test]
fn slow_and_closed_outputs_lose_nothing() {
    simulate("outputs", &["slow output", "closed output", "rows that came again"]);
}

#[test]
fn bounds_are_kept_and_told() {
    simulate("limits", &[]);
}

#[test]
fn state_in_parts_is_the_same_state() {
    simulate("parts", &["parts of the keys"]);
}
