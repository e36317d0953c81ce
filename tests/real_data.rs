//! The programs in `queries/` over the real files in full, where these are there: `../shared/data` beside the repository.
//!
//! Every number and hash was found by the script in `tests/real_data/` that has the name of the program: plain loops over the sorted
//! events, which share nothing with the engine. `python3 tests/real_data/NAME.py` prints them again; with `--rows` it prints the rows.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]
#![allow(clippy::print_stderr, reason = "a test that skips says so")]

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use betide::{Engine, Options, Stats};
use sha2::{Digest, Sha256};

/// What is found independently: the stream, how many events are of the program's source streams, how many rows there are, and the hash of
/// all rows in their order as the engine writes them.
type Found = (&'static str, u64, u64, &'static str);

const SSHD_EVENTS: u64 = 2_000;
const SSHD: &[(&str, Found)] = &[
    ("ssh_brute_force", ("BruteForce", 522, 96, "b14a1bcdaa50ea637398bd9dfc5b6c7480a0cb18349b6a61ba1d7b2365f1fc69")),
    ("ssh_failures_by_window", ("Worst", 522, 13, "feaa951023e4ef5bbd8e0d541f283f5653fa0e91b8669881e6318c5a041da87d")),
    ("ssh_guessed_password", ("GuessedPassword", 523, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")),
    ("ssh_no_login", ("NoLogin", 1_025, 10, "e292ac149c2622f8fb4319192dd0fc6f709dc80ad5c80c3b7870a520345692db")),
];

/// The program of which `queries/` has no like: the file has one accepted password, and nobody failed three times for its user.
const FAILED_THEN_ACCEPTED: &str = "
    CREATE STREAM Failed (ip STRING, at TIMESTAMP) TIMESTAMP BY at DELAY 10 seconds;
    CREATE STREAM Accepted (user STRING, at TIMESTAMP) TIMESTAMP BY at DELAY 10 seconds;
    CREATE STREAM FailedThenAccepted AS
    SELECT FIRST(failure.ip) AS first_ip, COUNT(failure) AS failures, login.user, login.at
    FROM PATTERN (Failed failure{3,} -> Accepted login) WITHIN 1 hour;";

/// `python3 tests/real_data/ssh_guessed_password.py`, its second line.
const FAILED_THEN_ACCEPTED_FOUND: Found =
    ("FailedThenAccepted", 523, 136, "dbd8f3797f04cc3aa3420711ac48c37eae232176f557c56a2c5c052073f3c5e1");

#[cfg(feature = "cli")]
const WINDOWS_EVENTS: u64 = 37_814;
#[cfg(feature = "cli")]
const WINDOWS: &[(&str, Found)] = &[
    ("windows_event_counts", ("EventCounts", 37_814, 155, "c691e232215605c2e2782638e9c821a465a1b298ce346843d3e0118f6c088c20")),
    ("windows_memory_access", ("MemoryAccess", 16_805, 61, "73b39666f340870c59079d94a2f1871071fb5a84e9c36534bd911985d2bf923f")),
    ("windows_process_network", ("ProcessNetwork", 262, 14, "d8fc203f6d67f7e62d6303cc45bbf78310cc482733eab1f14894cdba91bb5987")),
    ("windows_registry_after_start", ("RegistryAfterStart", 7_389, 30, "5b3127aea5ff95cc5d70c2bc2fc055d2c4085c46c0024813d6045f36ea3cc9d9")),
    ("windows_unsigned_network", ("UnsignedNetwork", 5_024, 1, "040a3707503984931aef98a37ce5053c6a5e9285c4a9e1d06c5d32e4d9989ca2")),
];

/// A real file, or nothing and a word about it.
fn real(name: &str) -> Option<File> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    let file = File::open(&path).ok();
    if file.is_none() {
        eprintln!("skipped: {} is not there", path.display());
    }
    file
}

fn program(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries").join(name).with_extension("tide");
    fs::read_to_string(path).unwrap()
}

/// Reads the input piece by piece and takes rows as they become certain. Gives the rows and the counters.
fn run(name: &str, text: &str, mut input: impl Read) -> (Vec<u8>, Stats) {
    let options = Options { name: name.to_owned(), ..Options::default() };
    let mut engine = Engine::with_options(text, &options).unwrap_or_else(|error| panic!("{error}"));
    let (mut rows, mut piece) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let read = input.read(&mut piece).unwrap();
        if read == 0 {
            break;
        }
        engine.push_json(&piece[..read]).unwrap();
        engine.write_rows(&mut rows).unwrap();
        account(name, &engine.stats());
    }
    engine.finish().unwrap();
    engine.write_rows(&mut rows).unwrap();
    (rows, engine.stats())
}

fn account(name: &str, stats: &Stats) {
    assert_eq!(stats.events, stats.processed + stats.late + stats.unrouted + stats.bad, "{name}");
}

fn check(name: &str, text: &str, input: impl Read, events: u64, (stream, processed, count, hash): Found) -> Stats {
    let (rows, stats) = run(name, text, input);
    account(name, &stats);
    assert_eq!((stats.events, stats.processed, stats.bad), (events, processed, 0), "{name}");
    assert_eq!((stats.rows, stats.eval_nulls), (count, 0), "{name}");
    // What the end of input leaves behind is freed, and nothing was given up on the way.
    assert!(stats.operators.iter().all(|o| o.keys == 0 && o.held == 0 && o.dropped == 0), "{name}: {:?}", stats.operators);
    let text = String::from_utf8(rows).unwrap();
    assert!(text.lines().all(|row| row.starts_with(&format!("{{\"stream\":\"{stream}\","))), "{name}");
    let found: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(found, hash, "{name}: first row {:?}, last row {:?}", text.lines().next(), text.lines().last());
    stats
}

#[test]
fn sshd_events() {
    for (name, found) in SSHD {
        let Some(file) = real("openssh.jsonl") else { return };
        let stats = check(name, &program(name), file, SSHD_EVENTS, *found);
        assert_eq!(stats.late, 0, "{name}");
    }
}

#[test]
fn failures_of_anybody_then_a_login() {
    let Some(file) = real("openssh.jsonl") else { return };
    let stats = check("failed then accepted", FAILED_THEN_ACCEPTED, file, SSHD_EVENTS, FAILED_THEN_ACCEPTED_FOUND);
    assert_eq!(stats.late, 0);
}

#[cfg(feature = "cli")]
#[test]
fn windows_events_most_of_them_out_of_order() {
    for (name, found) in WINDOWS {
        let Some(file) = real("windows-lateral-movement.jsonl.gz") else { return };
        let stats = check(name, &program(name), flate2::read::MultiGzDecoder::new(file), WINDOWS_EVENTS, *found);
        assert_eq!(stats.late, 0, "{name}");
    }
}

/// With a delay too short for the file most events are late: counted, and of no influence.
#[cfg(feature = "cli")]
#[test]
fn windows_events_with_too_short_a_delay() {
    // `python3 tests/real_data/windows_late.py`
    let found: Found = ("EventCounts", 17_503, 130, "fe726f4605c602538108ebe12943534be93cda58c6fa3a60590b250d210b0f40");
    let Some(file) = real("windows-lateral-movement.jsonl.gz") else { return };
    let text = program("windows_event_counts").replace("DELAY 3 minutes", "DELAY 1 minute");
    let stats = check("short delay", &text, flate2::read::MultiGzDecoder::new(file), WINDOWS_EVENTS, found);
    assert_eq!(stats.late, WINDOWS_EVENTS - 17_503);
}
