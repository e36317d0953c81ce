//! Any bytes as a snapshot: as they are, or with a head that is right for them, as somebody would make one who wants to be believed. They are
//! refused as a snapshot is, or give an engine that goes on: never a panic, never memory for what a length only claims.

use std::sync::{Arc, OnceLock};

use betide::{Engine, Error, ManualClock, Options, Timestamp};
use sha2::{Digest, Sha256};

use super::mutate;
use crate::support::random::Random;

const SOURCES: &str = "CREATE STREAM A (k STRING, n INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at DELAY 1 second;\n\
    CREATE STREAM B (k STRING, n INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;\n";

/// A statement for each kind of operator that keeps something, in programs of one or two.
const STATEMENTS: [&str; 17] = [
    "SELECT x.n AS x, y.n AS y FROM PATTERN (A x -> B y) WHERE y.n > x.n PARTITION BY k WITHIN 30 seconds;",
    "SELECT x.n AS x, y.n AS y, z.n AS z FROM PATTERN (A x ->> B y ->> A z) WHERE y.n > 3 PARTITION BY k WITHIN 20 seconds;",
    "SELECT COUNT(x.n) AS xs, y.n AS y FROM PATTERN (A x+ -> B y) PARTITION BY k WITHIN 20 seconds AFTER MATCH SKIP PAST LAST EVENT;",
    "SELECT x.n AS x FROM PATTERN (A x -> !B y) PARTITION BY k WITHIN 10 seconds;",
    "SELECT ALL MATCHES ARRAY_AGG(x.n) AS x, y.n AS y FROM PATTERN (A x+ -> !B w -> (B y | A z)) WHERE x.n > PREV(x.n) AND w.x < z.x WITHIN 9 seconds;",
    "SELECT n, m FROM A MATCH_RECOGNIZE (PARTITION BY k ORDER BY at MEASURES LAST(n) AS n, COUNT(*) AS m PATTERN (U V+ W?) DEFINE V AS V.n >= PREV(V.n), W AS W.x > 2);",
    "SELECT k, SUM(n) AS n, COUNT(*) AS c, AVG(x) AS a FROM A WINDOW HOPPING 20s EVERY 10s GROUP BY k;",
    "SELECT k, COUNT(DISTINCT n) AS d, MEDIAN(x) AS m, MIN(x) AS l FROM A WINDOW SLIDING 15s GROUP BY k;",
    "SELECT k, COUNT(*) AS c FROM B WINDOW SESSION 5s GROUP BY k EMIT EVERY 2s;",
    "SELECT n, x FROM A WINDOW TUMBLING 5s ORDER BY n DESC LIMIT 2;",
    "SELECT LAST(n) AS n, ARRAY_AGG(x) AS xs FROM A WINDOW LAST 4 ROWS;",
    "SELECT a.k, a.n AS a, b.n AS b FROM A AS a FULL JOIN B AS b ON a.k = b.k WITHIN 10 seconds;",
    "SELECT a.k, a.n AS a, b.n AS b FROM A a LEFT ASOF JOIN B b ON a.k = b.k TOLERANCE 10s;",
    "SELECT k, n FROM A SUPPRESS BY k FOR 5 seconds; SELECT n FROM B LIMIT 7;",
    "CREATE TABLE Newest AS SELECT k, LAST(n) AS n FROM B GROUP BY k; SELECT a.n, t.n AS newest FROM A a LEFT JOIN Newest t ON a.k = t.k;",
    "SELECT COUNT(*) AS c FROM PATTERN (A x ->> B y+ ANY ->> A z) WITHIN 8 seconds;",
    "SELECT s.n AS s, LAST(d.n) AS d, e.n AS e FROM PATTERN (A s , A d+ STRICT , A w? , A e) WHERE d.n <= PREV(d.n) AND FIRST(d.n) < s.n AND e.n >= 3 \
     PARTITION BY k WITHIN 30 seconds AFTER MATCH SKIP PAST LAST EVENT;",
];

fn program(number: u8) -> String {
    let count = STATEMENTS.len();
    let (first, second) = (usize::from(number) % count, usize::from(number) / count % 4);
    let second = if second == 0 { "" } else { STATEMENTS[(first + second * 3) % count] };
    format!("{SOURCES}{}\n{second}", STATEMENTS[first])
}

fn options() -> Options {
    Options { clock: Arc::new(ManualClock::new(Timestamp(1_772_366_400_000_000_000))), ..Options::default() }
}

/// Some events for both streams, the last without its end.
fn events(seed: u64, count: usize, from: i64) -> String {
    let random = &mut Random::new(seed);
    let mut text = String::new();
    for n in 0..count as i64 {
        let at = 1_772_366_400_000 + (from + n) * 700 - random.below(1200) as i64;
        let (stream, key) = (["A", "B", "A"][random.below(3)], random.below(3));
        let (value, x) = (random.below(7), random.below(50) as f64 / 10.0);
        text.push_str(&format!("{{\"type\":\"{stream}\",\"k\":\"k{key}\",\"n\":{value},\"x\":{x},\"at\":{at}}}\n"));
    }
    text
}

pub fn run(input: &[u8]) {
    let [number, kind, bytes @ ..] = input else { return };
    let program = program(*number);
    let is_forged = kind % 2 == 1;
    let bytes = if is_forged { sealed(bytes) } else { bytes.to_vec() };
    match Engine::restore(&program, &options(), &bytes) {
        Ok((mut engine, _)) => {
            assert!(is_forged || is_whole(&bytes), "damaged bytes are taken");
            goes_on(&mut engine);
        }
        Err(Error::Snapshot(error)) => assert!(!error.to_string().is_empty()),
        Err(other) => panic!("a snapshot is refused as something else: {other}"),
    }
}

/// An engine of a snapshot takes events and comes to its end, or says why not. The state may say anything, so what it gives is not judged.
fn goes_on(engine: &mut Engine) {
    let more = events(7, 6, 20);
    let done = engine.push_json(more.as_bytes()).and_then(|()| engine.snapshot().map(drop)).and_then(|()| engine.finish());
    let stats = engine.stats();
    if let Err(error) = done {
        assert!(!error.to_string().is_empty());
        return;
    }
    let _ = (engine.take_rows(), engine.take_bad_events(), stats);
}

const HEAD: usize = 52;

fn is_whole(bytes: &[u8]) -> bool {
    bytes.len() >= HEAD && sealed(bytes) == bytes
}

/// The same with the length and the digest of its body.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.len() < HEAD {
        return bytes;
    }
    let length = ((bytes.len() - HEAD) as u64).to_le_bytes();
    bytes[12..20].copy_from_slice(&length);
    let digest: [u8; 32] = Sha256::new().chain_update(&bytes[..20]).chain_update(&bytes[HEAD..]).finalize().into();
    bytes[20..HEAD].copy_from_slice(&digest);
    bytes
}

/// Snapshots of all programs, early and late, made by this very build: the format may change with any version.
pub fn seeds() -> Vec<Vec<u8>> {
    static SEEDS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    let make = || {
        let mut seeds = Vec::new();
        for number in (0..64_u8).step_by(3) {
            for count in [3, 18] {
                let mut engine = Engine::with_options(&program(number), &options()).unwrap();
                let text = events(u64::from(number), count, 0);
                engine.push_json(&text.as_bytes()[..text.len() - 9]).unwrap();
                if number % 3 == 0 {
                    engine.push_json(b"\"\n{\"type\":\n{\"ty").unwrap();
                }
                let snapshot = engine.snapshot().unwrap();
                seeds.push([&[number, 1], snapshot.as_slice()].concat());
            }
        }
        seeds
    };
    SEEDS.get_or_init(make).clone()
}

pub fn mutate(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    if input.len() <= HEAD + 3 {
        return mutate::bytes_of_one(random, corpus);
    }
    // One of eight as it is, guarded by the digest of what it was.
    input[1] = u8::from(!random.chance(12));
    for _ in 0..1 + random.below(3) {
        let begin = 2 + HEAD;
        let mut body = input.split_off(begin.min(input.len()));
        if body.is_empty() {
            break;
        }
        let at = random.below(body.len());
        match random.below(8) {
            // Numbers in as few bytes as they take: a large one, the largest, one too large.
            0 => drop(body.splice(at..=at, [0xff, 0xff, 0xff, 0xff, 0x0f])),
            1 => drop(body.splice(at..=at, [0xff; 9].into_iter().chain([1]))),
            2 => body[at] ^= 1,
            3 => body[at] = body[at].wrapping_add(1),
            // Eight bytes at once: times, hashes, floats.
            4 if at + 8 <= body.len() => {
                let extreme = [i64::MIN, i64::MAX, -1, 0, 1 << 62, f64::NAN.to_bits() as i64][random.below(6)];
                body[at..at + 8].copy_from_slice(&extreme.to_le_bytes());
            }
            _ => mutate::bytes(random, &mut body, corpus),
        }
        input.extend(body);
    }
    if random.chance(2) {
        let at = random.below(input.len());
        input[at] ^= 1 << random.below(8);
    }
    input
}
