//! Hostile input: what a broken producer, an editor, a cut cable or a joker may send. Each case comes by standard input, as a file and as a
//! gzip file, in a plain run, one with dead letters and one with `--strict`. What has to become of it is written down beside each case.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

#[path = "hostile/cases.rs"]
mod cases;
#[path = "support/command.rs"]
mod command;

use cases::{Case, SMALLEST};
use command::{Ended, Folder, gzip};
use serde_json::Value as Json;

/// How a case comes in: the arguments and what is on standard input.
fn ways<'c>(case: &'c Case, folder: &Folder) -> [(&'static str, &'static str, &'c [u8]); 3] {
    // What is packed already is the same in all three.
    let packed = if case.is_packed { case.bytes.clone() } else { gzip(&case.bytes) };
    folder.put("e.jsonl", &case.bytes).put("e.jsonl.gz", packed);
    [("-", "standard input", &case.bytes), ("e.jsonl", "e.jsonl", b""), ("e.jsonl.gz", "e.jsonl.gz", b"")]
}

fn ids(ended: &Ended) -> Vec<i64> {
    ended.lines().iter().map(|row| serde_json::from_str::<Json>(row).unwrap()["id"].as_i64().unwrap()).collect()
}

/// Each bad line has one letter, which has the line as it stands in the input.
fn check_letters(case: &Case, source: &str, letters: &str) {
    let letters: Vec<Json> = letters.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(u64, &str)> = letters.iter().map(|l| (l["line"].as_u64().unwrap(), l["cause"].as_str().unwrap())).collect();
    assert_eq!(told, case.bad, "{}: letters", case.name);
    for letter in &letters {
        assert_eq!(letter["source"], source, "{}", case.name);
        if case.is_packed {
            continue;
        }
        let offset = usize::try_from(letter["offset"].as_u64().unwrap()).unwrap();
        let (before, here) = case.bytes.split_at(offset);
        let line = before.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        assert_eq!(Some(line), letter["line"].as_u64(), "{}: the offset is in the line", case.name);
        let whole = here.split(|byte| *byte == b'\n').next().unwrap();
        let whole = whole.strip_suffix(b"\r").unwrap_or(whole);
        match (letter["event"].as_str(), letter["base64"].as_str()) {
            (Some(text), None) if letter["cause"] == "line_too_long" => assert!(whole.starts_with(text.as_bytes()), "{}", case.name),
            (Some(text), None) => assert_eq!(text.as_bytes(), whole, "{}", case.name),
            (None, Some(_)) => assert!(std::str::from_utf8(whole).is_err(), "{}", case.name),
            other => panic!("{}: {other:?}", case.name),
        }
    }
}

fn check(case: &Case, folder: &Folder) {
    folder.put("q.tide", case.program);
    for (input, source, stdin) in ways(case, folder) {
        let told = |ended: &Ended| format!("{} by {source}: {}", case.name, ended.err);
        let plain = folder.betide(&["run", "q.tide", input, "--stats"], stdin);
        assert_eq!((plain.code, ids(&plain)), (case.code, case.rows.clone()), "{}", told(&plain));
        let events = case.rows.len() + case.bad.len() + case.late + case.unrouted;
        let counted = format!("read {events} · late {} · bad {} · unrouted {} · ", case.late, case.bad.len(), case.unrouted);
        assert!(plain.err.contains(&counted), "{counted}: {}", told(&plain));
        for (line, cause) in case.bad.iter().take(10) {
            assert!(plain.err.contains(&format!("betide: {source}, line {line}: bad event ({cause}): ")), "{}", told(&plain));
        }
        assert_eq!(plain.err.matches("bad event (").count(), case.bad.len().min(10), "{}", told(&plain));

        let kept = folder.betide(&["run", "q.tide", input, "--dead-letters", "bad.jsonl"], stdin);
        assert_eq!((kept.code, &kept.out), (case.code, &plain.out), "{}", told(&kept));
        assert!(!kept.err.contains("bad event"), "{}", told(&kept));
        check_letters(case, source, &folder.read("bad.jsonl"));

        let strict = folder.betide(&["run", "q.tide", input, "--strict"], stdin);
        let Some((line, cause)) = case.bad.first() else {
            assert_eq!((strict.code, &strict.out), (case.code, &plain.out), "{}", told(&strict));
            continue;
        };
        assert_eq!((strict.code, ids(&strict)), (65, case.rows[..case.before].to_vec()), "{}", told(&strict));
        assert!(strict.err.starts_with(&format!("betide: {source}, line {line}: bad event ({cause}): ")), "{}", told(&strict));
        assert_eq!(strict.err.lines().count(), 1, "{}", told(&strict));
    }
}

fn check_all(family: &str, cases: &[Case]) {
    let folder = Folder::new("hostile", family);
    for case in cases {
        check(case, &folder);
    }
}

#[test]
fn there_are_as_many_cases_as_promised() {
    let all = [cases::files(), cases::no_json(), cases::misfits(), cases::odd(), cases::typed(), cases::packed()].concat();
    assert!(all.len() >= SMALLEST, "{}", all.len());
    let mut names: Vec<&str> = all.iter().map(|case| case.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all.len(), "no case has the name of another");
}

#[test]
fn files_of_odd_shape() {
    check_all("files", &cases::files());
}

#[test]
fn lines_that_are_no_json() {
    check_all("no-json", &cases::no_json());
}

#[test]
fn lines_that_do_not_fit() {
    check_all("misfits", &cases::misfits());
}

#[test]
fn lines_that_look_wrong_and_are_not() {
    check_all("odd", &cases::odd());
}

#[test]
fn types_that_are_odd() {
    check_all("typed", &cases::typed());
}

#[test]
fn packed_files_that_are_odd_cut_or_damaged() {
    check_all("packed", &cases::packed());
}
