//! Fuzzing for as long as wanted: `cargo run --release --example fuzz -- all --executions 10000000`.
//!
//! In: a target (or `all`), how many executions, from which number, on how many threads. Out: progress on standard error, what was found in
//! `target/fuzz-found`, and a line a target on standard output; exit code 1 where something was found. An input depends on its number alone,
//! so that a run may be cut up, and a process that died is told again: `--log` says each number before it is tried.
#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

#[path = "../tests/fuzzing/mod.rs"]
mod fuzzing;
#[path = "../tests/support/mod.rs"]
mod support;

use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fuzzing::{TARGETS, Target, corpus, input, smaller, wrong};

/// An execution that takes longer is told: nothing hangs, but something may take far too long.
const SLOW: Duration = Duration::from_secs(2);
/// How many executions a thread takes at once.
const STRETCH: u64 = 256;
/// So many found cases are kept of a target.
const KEPT: u64 = 20;

struct Wanted {
    target: String,
    from: u64,
    executions: u64,
    threads: usize,
    log: bool,
}

fn wanted() -> Result<Wanted, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut wanted = Wanted { target: "all".to_owned(), from: 0, executions: 100_000, threads: cores, log: false };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut number = || args.next().and_then(|text| text.replace('_', "").parse().ok()).ok_or(format!("{arg} takes a number"));
        match arg.as_str() {
            "--from" => wanted.from = number()?,
            "--executions" => wanted.executions = number()?,
            "--threads" => wanted.threads = usize::try_from(number()?).map_err(|error| error.to_string())?.max(1),
            "--log" => wanted.log = true,
            name if name == "all" || TARGETS.iter().any(|target| target.name == name) => wanted.target = name.to_owned(),
            other => {
                return Err(format!(
                    "`{other}` is no target and no option: fuzz [all|program|events|snapshot|reference] [--executions N] [--from N] [--threads N] [--log]"
                ));
            }
        }
    }
    Ok(wanted)
}

fn main() -> ExitCode {
    let wanted = match wanted() {
        Ok(wanted) => wanted,
        Err(why) => {
            eprintln!("fuzz: {why}");
            return ExitCode::from(2);
        }
    };
    // A panic is what is looked for: it is told once, with its case.
    std::panic::set_hook(Box::new(|_| {}));
    let mut found = 0;
    for target in TARGETS.iter().filter(|target| wanted.target == "all" || wanted.target == target.name) {
        found += fuzz(target, &wanted);
    }
    if found == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a target; gives how many inputs were found with which something is wrong.
fn fuzz(target: &Target, wanted: &Wanted) -> u64 {
    let corpus = corpus(target);
    let (next, done, found, slow) = (AtomicU64::new(wanted.from), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let end = wanted.from + wanted.executions;
    let begin = Instant::now();
    let work = || {
        loop {
            let from = next.fetch_add(STRETCH, Ordering::Relaxed);
            if from >= end {
                return;
            }
            for number in from..end.min(from + STRETCH) {
                if wanted.log {
                    let _ = writeln!(io::stderr(), "{} {number}", target.name);
                }
                let bytes = input(target, &corpus, number);
                let since = Instant::now();
                if let Some(how) = wrong(target, &bytes) {
                    let before = found.fetch_add(1, Ordering::Relaxed);
                    if before < KEPT {
                        keep(target, number, &bytes, &how);
                    }
                }
                if since.elapsed() > SLOW {
                    slow.fetch_add(1, Ordering::Relaxed);
                    eprintln!("{} {number}: took {:.1} s", target.name, since.elapsed().as_secs_f64());
                }
            }
            let before = done.fetch_add(STRETCH.min(end - from), Ordering::Relaxed);
            if before / 100_000 != (before + STRETCH) / 100_000 {
                let each = begin.elapsed().as_secs_f64() / (before + STRETCH) as f64;
                eprintln!(
                    "{}: {} executions, {:.0} a second, {} found",
                    target.name,
                    before + STRETCH,
                    1.0 / each,
                    found.load(Ordering::Relaxed)
                );
            }
        }
    };
    std::thread::scope(|scope| {
        for number in 0..wanted.threads {
            // Programs nest: as much stack as the main thread of a process has.
            let thread = std::thread::Builder::new().name(format!("fuzz {number}")).stack_size(8 << 20);
            if let Err(error) = thread.spawn_scoped(scope, work) {
                eprintln!("fuzz: no thread: {error}");
            }
        }
    });
    let (found, slow) = (found.load(Ordering::Relaxed), slow.load(Ordering::Relaxed));
    println!(
        "{}: {} executions from {}, {} inputs to begin with, {found} wrong, {slow} slow, {:.0} s",
        target.name,
        done.load(Ordering::Relaxed),
        wanted.from,
        corpus.len(),
        begin.elapsed().as_secs_f64()
    );
    found
}

/// Writes a case down, made smaller, and tells it.
fn keep(target: &Target, number: u64, bytes: &[u8], how: &str) {
    let smaller = smaller(target, bytes, 2000);
    let how = wrong(target, &smaller).unwrap_or_else(|| how.to_owned());
    let folder = format!("target/fuzz-found/{}", target.name);
    let path = format!("{folder}/{number}");
    let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, &smaller));
    let kept = kept.map_or_else(|error| format!("not kept: {error}"), |()| path);
    eprintln!("{} {number}: {how}\n  {kept}, {} bytes; again: --from {number} --executions 1", target.name, smaller.len());
}
