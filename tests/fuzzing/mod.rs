//! Fuzzing: what is thrown at the program's surfaces, and what must hold whatever it is.
//!
//! A target is a plain function of bytes that panics where something is wrong. Its inputs are made of a corpus (files that are here anyway,
//! some of `tests/fuzzing/corpus`, and what generators say) by mutations that know the structure of the target. Which input has which number
//! is fixed: an execution is told again by its target and number. `tests/fuzz.rs` runs the corpus, all cases that were ever found and some
//! mutations; `examples/fuzz.rs` runs as many as wanted.
#![allow(dead_code, reason = "the test and the example use their own parts")]
#![allow(clippy::unwrap_used, reason = "a broken case should stop the run")]
#![allow(unreachable_pub, reason = "support code is private to each crate")]

pub mod events;
pub mod mutate;
pub mod program;
pub mod reference;
pub mod snapshot;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use crate::support::random::Random;

/// Something to throw bytes at.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    /// Panics where something is wrong.
    pub run: fn(&[u8]),
    /// What mutations begin with, beside the files of the folders.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Something new of what there is.
    pub mutate: fn(&mut Random, &[Vec<u8>]) -> Vec<u8>,
}

pub const TARGETS: [Target; 4] = [
    Target { name: "program", run: program::run, seeds: program::seeds, mutate: program::mutate },
    Target { name: "events", run: events::run, seeds: events::seeds, mutate: events::mutate },
    Target { name: "snapshot", run: snapshot::run, seeds: snapshot::seeds, mutate: snapshot::mutate },
    Target { name: "reference", run: reference::run, seeds: reference::seeds, mutate: mutate::bytes_of_one },
];

/// The files of a folder of a target, in order: `corpus`, or `found` for cases that were defects once.
pub fn files(folder: &str, target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzzing").join(folder).join(target);
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())).collect()
}

/// All that mutations of a target begin with.
pub fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let files = ["corpus", "found"].into_iter().flat_map(|folder| files(folder, target.name));
    (target.seeds)().into_iter().chain(files.map(|(_, bytes)| bytes)).collect()
}

/// The input of a number.
pub fn input(target: &Target, corpus: &[Vec<u8>], number: u64) -> Vec<u8> {
    (target.mutate)(&mut Random::new(number), corpus)
}

/// What is wrong with an input; nothing where all is well.
pub fn wrong(target: &Target, input: &[u8]) -> Option<String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    outcome.err().map(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_else(|| "a panic without words".to_owned())
    })
}

/// A smaller input with which something is wrong too, by cutting pieces out while there is time.
pub fn smaller(target: &Target, input: &[u8], mut tries: usize) -> Vec<u8> {
    let mut best = input.to_vec();
    let mut piece = best.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at + piece <= best.len() && tries > 0 {
            tries -= 1;
            let shorter = [&best[..at], &best[at + piece..]].concat();
            if wrong(target, &shorter).is_some() { best = shorter } else { at += piece }
        }
        piece /= 2;
    }
    best
}
