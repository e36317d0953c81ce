//! Simulation for as long as wanted: `cargo run --release --example simulate -- --seeds 10000`.
//!
//! In: how many seeds, from which on, and perhaps one kind (`--only`) instead of a kind a seed. Out: runs, crashes and faults by kind; a
//! mismatch with its seed, the smallest program and input that were found for it, and how to run it again; exit code 1 then. It is an example
//! and not a second program, so that nobody who installs betide gets it.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods, reason = "it is a command, and tells how long it took")]

#[path = "../tests/simulation/mod.rs"]
mod simulation;
#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use simulation::{KINDS, Told, kind_of, run};

const USAGE: &str = "simulate --seeds N [--from S] [--only cuts|crashes|errors|outputs|limits|parts]";

struct Wanted {
    seeds: u64,
    from: u64,
    only: Option<&'static str>,
}

fn wanted() -> Result<Wanted, String> {
    let mut wanted = Wanted { seeds: 100, from: 0, only: None };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or(format!("{arg} takes a value: {USAGE}"))?;
        let number = || value.replace('_', "").parse().map_err(|_| format!("{arg} takes a number, not `{value}`"));
        match arg.as_str() {
            "--seeds" => wanted.seeds = number()?,
            "--from" => wanted.from = number()?,
            "--only" => {
                let kind = KINDS.iter().map(|(name, _)| *name).find(|name| *name == value);
                wanted.only = Some(kind.ok_or(format!("`{value}` is no kind: {USAGE}"))?);
            }
            _ => return Err(format!("`{arg}` is no option: {USAGE}")),
        }
    }
    Ok(wanted)
}

fn main() -> ExitCode {
    let wanted = match wanted() {
        Ok(wanted) => wanted,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    // A panic is a mismatch, and told as one.
    std::panic::set_hook(Box::new(|_| {}));
    let begin = Instant::now();
    let mut of_kinds: BTreeMap<&str, Told> = BTreeMap::new();
    let mut mismatches = 0;
    for seed in wanted.from..wanted.from.saturating_add(wanted.seeds) {
        let kind = wanted.only.unwrap_or_else(|| kind_of(seed));
        match run(seed, kind) {
            Ok(told) => of_kinds.entry(kind).or_default().add(&told),
            Err(how) => {
                mismatches += 1;
                println!("seed {seed}: {how}\nagain: cargo run --release --example simulate -- --only {kind} --from {seed} --seeds 1\n");
            }
        }
    }
    for (kind, told) in &of_kinds {
        let faults: Vec<String> = told.faults.iter().map(|(what, count)| format!("{count} {what}")).collect();
        let faults = if faults.is_empty() { String::new() } else { format!(": {}", faults.join(", ")) };
        println!("{kind:8} {} runs, {} crashes, {} rows of {} events{faults}", told.runs, told.crashes, told.rows, told.events);
    }
    let mut all = Told::default();
    of_kinds.values().for_each(|told| all.add(told));
    println!(
        "{} seeds, {} runs, {} crashes, {} faults, {mismatches} mismatches, {:.0} s",
        wanted.seeds,
        all.runs,
        all.crashes,
        all.faults.values().sum::<u64>(),
        begin.elapsed().as_secs_f64()
    );
    if mismatches == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
