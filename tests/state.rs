//! `betide run --state` from outside: killed at any moment, over inputs that grow, with damaged checkpoints and files that are not the same.
//!
//! `BETIDE_KILLS=200 cargo test --test state -- --nocapture` kills more often.
#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "how many runs were killed is told")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

mod support;

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use support::random::Random;

const PROGRAM: &str = "CREATE STREAM E (id STRING, k STRING, n INT, at TIMESTAMP) TIMESTAMP BY at DELAY 1 second;
CREATE STREAM Pairs AS SELECT a.id AS a, b.id AS b FROM PATTERN (E a -> E b) WHERE b.n > a.n PARTITION BY k WITHIN 1 minute;
CREATE STREAM Sums AS SELECT k, COUNT(*) AS c, SUM(n) AS s FROM E WINDOW TUMBLING 10s GROUP BY k;
";

/// A folder of its own for a test, with the program in it.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("betide-state-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("p.tide"), PROGRAM).unwrap();
    folder
}

fn events(count: i64, seed: u64) -> String {
    let mut random = Random::new(seed);
    let mut text = String::new();
    for n in 0..count {
        let at = 1_772_366_400_000_i64 + n * 30 - random.below(900) as i64;
        let (key, value) = (random.below(40), random.below(10));
        text.push_str(&format!("{{\"type\":\"E\",\"id\":\"e{n}\",\"k\":\"k{key}\",\"n\":{value},\"at\":{at}}}\n"));
        if n % 997 == 0 {
            text.push_str("{\"type\":\"E\",\n");
        }
    }
    text
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_betide"));
    command.current_dir(folder).arg("run").arg("p.tide").args(args).stdin(Stdio::null());
    command
}

fn betide(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().unwrap()
}

/// The run has ended well; what it told.
fn told(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    told
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

const KEPT: [&str; 8] = ["--state", "kept", "--checkpoint-every", "500", "--output-file", "rows.jsonl", "--dead-letters", "bad.jsonl"];

fn kept<'a>(inputs: &[&'a str]) -> Vec<&'a str> {
    inputs.iter().copied().chain(KEPT).collect()
}

/// The same run in one go.
fn whole(folder: &Path, inputs: &[&str]) -> (String, String) {
    let files = ["--output-file", "whole.jsonl", "--dead-letters", "whole.bad.jsonl"];
    told(&betide(folder, &[inputs, &files].concat()));
    (read(folder, "whole.jsonl"), read(folder, "whole.bad.jsonl"))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn killed_at_any_moment_the_next_run_goes_on() {
    let wanted: u64 = std::env::var("BETIDE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let folder = folder("kill");
    let text = events(30_000, 1);
    fs::write(folder.join("e.jsonl"), &text).unwrap();
    fs::write(folder.join("e.jsonl.gz"), gzip(text.as_bytes())).unwrap();
    let (rows, _) = whole(&folder, &["e.jsonl"]);
    assert!(rows.lines().count() > 10_000);
    let mut random = Random::new(7);
    let (mut kills, mut rounds) = (0, 0);
    while kills < wanted {
        let input = ["e.jsonl", "e.jsonl.gz", "-"][rounds % 3];
        let _ = fs::remove_dir_all(folder.join("kept"));
        let mut longest = 300;
        loop {
            let mut command = command(&folder, &kept(&[input]));
            if input == "-" {
                command.stdin(File::open(folder.join("e.jsonl")).unwrap());
            }
            let mut child = command.stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(random.below(longest) as u64));
            // Each run gets a little further, so that the last one comes to its end.
            longest += 200;
            child.kill().unwrap();
            let status = child.wait().unwrap();
            if status.signal() != Some(9) {
                assert!(status.success(), "{status}");
                break;
            }
            kills += 1;
        }
        assert!(read(&folder, "rows.jsonl") == rows, "round {rounds}, {input}, after {kills} kills");
        assert_eq!(read(&folder, "bad.jsonl").lines().count(), read(&folder, "whole.bad.jsonl").lines().count());
        rounds += 1;
    }
    println!("{kills} runs killed in {rounds} rounds: the rows are the same to the byte");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn inputs_may_grow_and_more_may_come() {
    let folder = folder("grow");
    let text = events(6000, 2);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // The first run ends in the middle of a line.
    let first = lines[..2000].concat();
    fs::write(folder.join("a.jsonl"), &first[..first.len() - 20]).unwrap();
    told(&betide(&folder, &kept(&["a.jsonl"])));
    fs::write(folder.join("a.jsonl"), lines[..3000].concat()).unwrap();
    let said = told(&betide(&folder, &kept(&["a.jsonl"])));
    assert!(said.contains("behind the last checkpoint are taken back") && said.contains("going on from"), "{said}");
    fs::write(folder.join("b.jsonl"), lines[3000..].concat()).unwrap();
    told(&betide(&folder, &kept(&["a.jsonl", "b.jsonl"])));
    let (rows, bad) = whole(&folder, &["a.jsonl", "b.jsonl"]);
    assert!(read(&folder, "rows.jsonl") == rows);
    assert_eq!(read(&folder, "bad.jsonl"), bad);
    // The first input has had its end.
    fs::write(folder.join("a.jsonl"), lines[..3001].concat()).unwrap();
    let refused = betide(&folder, &kept(&["a.jsonl", "b.jsonl"]));
    assert_eq!(refused.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("has changed since"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_not_the_same_is_refused() {
    let folder = folder("refuse");
    let text = events(3000, 3);
    fs::write(folder.join("e.jsonl"), &text).unwrap();
    told(&betide(&folder, &kept(&["e.jsonl"])));
    let refused = |args: &[&str]| {
        let output = betide(&folder, args);
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = refused(&kept(&["other.jsonl"]));
    assert!(said.contains("input 1 was e.jsonl in the last run with kept, and other.jsonl now"), "{said}");
    let said = refused(&["e.jsonl", "--state", "kept", "--output-file", "elsewhere.jsonl", "--dead-letters", "bad.jsonl"]);
    assert!(said.contains("the last run with kept did not write to elsewhere.jsonl"), "{said}");
    fs::write(folder.join("e.jsonl"), text.replace("e2990", "x2990")).unwrap();
    let said = refused(&kept(&["e.jsonl"]));
    assert!(said.contains("e.jsonl: there is something else before byte"), "{said}");
    fs::write(folder.join("e.jsonl"), &text[..1000]).unwrap();
    let said = refused(&kept(&["e.jsonl"]));
    assert!(said.contains("e.jsonl: there are fewer bytes before byte"), "{said}");
    fs::write(folder.join("e.jsonl"), &text).unwrap();
    fs::write(folder.join("p.tide"), PROGRAM.replace("WITHIN 1 minute", "WITHIN 2 minutes")).unwrap();
    let said = refused(&kept(&["e.jsonl"]));
    assert!(said.contains("`Pairs` does something else") && said.contains("remove kept to begin anew"), "{said}");
    fs::write(folder.join("p.tide"), PROGRAM).unwrap();
    fs::write(folder.join("rows.jsonl"), "").unwrap();
    let said = refused(&kept(&["e.jsonl"]));
    assert!(said.contains("rows.jsonl has 0 bytes, and"), "{said}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_one_before_it_is_taken() {
    let folder = folder("damage");
    fs::write(folder.join("e.jsonl"), events(3000, 4)).unwrap();
    told(&betide(&folder, &kept(&["e.jsonl"])));
    let (rows, _) = whole(&folder, &["e.jsonl"]);
    let mut checkpoints: Vec<PathBuf> = fs::read_dir(folder.join("kept")).unwrap().map(|entry| entry.unwrap().path()).collect();
    checkpoints.sort();
    assert_eq!(checkpoints.len(), 2);
    let mut bytes = fs::read(&checkpoints[1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&checkpoints[1], bytes).unwrap();
    let said = told(&betide(&folder, &kept(&["e.jsonl"])));
    assert!(said.contains("is damaged") && said.contains("the one before it is taken"), "{said}");
    assert!(read(&folder, "rows.jsonl") == rows);
    for entry in fs::read_dir(folder.join("kept")).unwrap() {
        fs::write(entry.unwrap().path(), b"nothing").unwrap();
    }
    let output = betide(&folder, &kept(&["e.jsonl"]));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no checkpoint in kept is whole"));
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn ids_are_the_same_in_every_run() {
    let folder = folder("ids");
    let text = events(3000, 5);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    fs::write(folder.join("e.jsonl"), &text).unwrap();
    let all = betide(&folder, &["e.jsonl", "--ids"]);
    let all = String::from_utf8(all.stdout).unwrap();
    let mut ids: Vec<String> = all.lines().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap()["$id"].to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all.lines().count(), "each row has its own");
    // Two runs to standard output: rows that only the end made certain may come twice, with the ids of their numbers.
    fs::write(folder.join("e.jsonl"), lines[..1500].concat()).unwrap();
    let state = ["e.jsonl", "--ids", "--state", "kept", "--checkpoint-every", "200"];
    let first = String::from_utf8(betide(&folder, &state).stdout).unwrap();
    let again = betide(&folder, &state);
    assert!(again.stdout.is_empty() && told(&again).contains("nothing new has come"), "the end is told once");
    fs::write(folder.join("e.jsonl"), &text).unwrap();
    let second = String::from_utf8(betide(&folder, &state).stdout).unwrap();
    let whole: Vec<&str> = all.lines().collect();
    assert!(second.lines().count() < whole.len() && whole.ends_with(&second.lines().collect::<Vec<_>>()), "the second goes on");
    let before = whole.len() - second.lines().count();
    assert_eq!(first.lines().take(before).collect::<Vec<_>>(), whole[..before]);
    fs::remove_dir_all(folder).unwrap();
}
