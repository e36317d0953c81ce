//! Fuzzing in the normal run: the corpus, every case that was a defect once, and some thousand mutations of each target.
//!
//! `BETIDE_FUZZ=100000 cargo test --release --test fuzz` mutates more; `.ci/fuzz-long` does so for hours. A failure says how to run it again.
#![allow(clippy::print_stdout, reason = "how much was tried is told")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

mod fuzzing;
mod support;

use fuzzing::{TARGETS, Target, corpus, files, input, smaller, wrong};

/// How many mutations of each target the normal run tries, where the environment does not say.
const NORMAL: [(&str, u64); 4] = [("program", 150), ("events", 2000), ("snapshot", 200), ("reference", 100)];

fn target(name: &str) -> (&'static Target, u64) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let normal = NORMAL.iter().find(|(of, _)| *of == name).unwrap().1;
    (target, std::env::var("BETIDE_FUZZ").ok().and_then(|text| text.parse().ok()).unwrap_or(normal))
}

fn fuzz(name: &str) {
    let (target, count) = target(name);
    let mut tried = 0;
    for folder in ["corpus", "found"] {
        for (file, bytes) in files(folder, name) {
            let how = wrong(target, &bytes);
            assert!(how.is_none(), "tests/fuzzing/{folder}/{name}/{file}: {}", how.unwrap());
            tried += 1;
        }
    }
    let corpus = corpus(target);
    // The mutations below begin with all of them.
    for (number, bytes) in corpus.iter().enumerate().step_by(4) {
        let how = wrong(target, bytes);
        assert!(how.is_none(), "seed {number} of {name}: {}", how.unwrap());
    }
    for number in 0..count {
        let bytes = input(target, &corpus, number);
        if let Some(how) = wrong(target, &bytes) {
            let smaller = smaller(target, &bytes, 300);
            let again = format!("cargo run --release --example fuzz -- {name} --from {number} --executions 1");
            panic!("{name} {number}: {how}\n{}\nagain: {again}", String::from_utf8_lossy(&smaller));
        }
    }
    println!("{name}: {tried} files, {} seeds, {count} mutations", corpus.len());
}

#[test]
fn any_text_is_compiled_or_refused() {
    fuzz("program");
}

#[test]
fn any_bytes_are_events_or_bad() {
    fuzz("events");
}

#[test]
fn any_bytes_are_a_snapshot_or_refused() {
    fuzz("snapshot");
}

#[test]
fn any_choices_give_what_the_reference_gives() {
    fuzz("reference");
}
