//! Crashes at any operation of the disk: what had not been synced is there in parts, or not. In: a simulated disk, a program that writes as
//! it reads (a small one of this file, thousands of times; the engine, less often), random chunks, checkpoints and crashes, each from one
//! seed. Out: after the last run both files are, to the byte, those of a run that was left alone.
//!
//! `BETIDE_CRASHES=1000000 cargo test --release --test crashes -- --nocapture` is the long version; `BETIDE_CRASH_SEED` begins elsewhere.
#![allow(clippy::print_stdout, reason = "how many crashes there were is told")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

mod simulation;
mod support;

use betide::{Engine, Options};
use simulation::Told;
use simulation::kept::{Work, crash};
use support::random::Random;

/// A sum of all bytes so far; some of them write it out.
#[derive(Default)]
struct Sum(u64);

impl Work for Sum {
    fn read(&mut self, bytes: &[u8]) -> [Vec<u8>; 2] {
        let mut out = [Vec::new(), Vec::new()];
        for &byte in bytes {
            self.0 = self.0.wrapping_mul(31).wrapping_add(u64::from(byte));
            if byte % 3 == 0 {
                out[0].extend(format!("{}\n", self.0).into_bytes());
            }
            if byte % 7 == 0 {
                out[1].extend(format!("bad {byte}\n").into_bytes());
            }
        }
        out
    }
    fn end(&mut self) -> [Vec<u8>; 2] {
        [format!("end {}\n", self.0).into_bytes(), Vec::new()]
    }
    fn save(&mut self) -> Vec<u8> {
        self.0.to_le_bytes().to_vec()
    }
}

const PROGRAM: &str = "CREATE STREAM E (k STRING, n INT, at TIMESTAMP) TIMESTAMP BY at DELAY 2 seconds;
CREATE STREAM Pairs AS SELECT a.n AS a, b.n AS b FROM PATTERN (E a -> E b) WHERE b.n > a.n PARTITION BY k WITHIN 20 seconds;
CREATE STREAM Sums AS SELECT k, SUM(n) AS n FROM E WINDOW TUMBLING 5s GROUP BY k;";

struct Program(Engine);

impl Program {
    fn new(state: Option<&[u8]>) -> Self {
        Self(match state {
            Some(state) => Engine::restore(PROGRAM, &Options::default(), state).unwrap().0,
            None => Engine::with_options(PROGRAM, &Options::default()).unwrap(),
        })
    }
    fn written(&mut self) -> [Vec<u8>; 2] {
        let mut rows = Vec::new();
        self.0.write_rows(&mut rows).unwrap();
        let bad = self.0.take_bad_events().iter().map(|bad| format!("{} {}\n", bad.line, bad.cause)).collect::<String>();
        [rows, bad.into_bytes()]
    }
}

impl Work for Program {
    fn read(&mut self, bytes: &[u8]) -> [Vec<u8>; 2] {
        self.0.push_json(bytes).unwrap();
        self.written()
    }
    fn end(&mut self) -> [Vec<u8>; 2] {
        self.0.finish().unwrap();
        self.written()
    }
    fn save(&mut self) -> Vec<u8> {
        self.0.snapshot().unwrap()
    }
}

fn alone<W: Work>(input: &[u8], mut work: W) -> [Vec<u8>; 2] {
    let mut written = work.read(input);
    let end = work.end();
    written.iter_mut().zip(end).for_each(|(all, end)| all.extend(end));
    written
}

#[test]
fn nothing_is_lost_and_nothing_stands_twice_wherever_the_machine_stops() {
    let wanted = std::env::var("BETIDE_CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(10_000_u64);
    let make = |state: Option<&[u8]>| Sum(state.map_or(0, |state| u64::from_le_bytes(state.try_into().unwrap())));
    let first = std::env::var("BETIDE_CRASH_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(0_u64);
    let (mut told, mut seed) = (Told::default(), first);
    while told.crashes < wanted {
        let input: Vec<u8> = (0..200 + Random::new(seed).below(200)).map(|i| (i * i + seed as usize) as u8).collect();
        crash(seed, &input, &alone(&input, make(None)), &make, &mut told).unwrap_or_else(|how| panic!("seed {seed}: {how}"));
        seed += 1;
    }
    println!("{} crashes in {} rounds of the small program: 0 lost, 0 twice, 0 bytes that differ", told.crashes, seed - first);
}

#[test]
fn the_engine_goes_on_wherever_the_machine_stops() {
    let wanted = std::env::var("BETIDE_CRASHES").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000_u64) / 100;
    let mut random = Random::new(5);
    let mut input = String::new();
    for n in 0..60_i64 {
        let at = 1_772_366_400_000_i64 + n * 700 - random.below(1500) as i64;
        input.push_str(&format!("{{\"type\":\"E\",\"k\":\"k{}\",\"n\":{},\"at\":{at}}}\n", random.below(3), random.below(9)));
        if n % 17 == 0 {
            input.push_str("{\"type\":\n");
        }
    }
    let expected = alone(input.as_bytes(), Program::new(None));
    assert!(expected[0].len() > 1000 && !expected[1].is_empty());
    let (mut told, mut seed) = (Told::default(), 0);
    while told.crashes < wanted {
        crash(seed, input.as_bytes(), &expected, &Program::new, &mut told).unwrap_or_else(|how| panic!("seed {seed}: {how}"));
        seed += 1;
    }
    println!("{} crashes in {seed} rounds of the engine: 0 lost, 0 twice, 0 bytes that differ", told.crashes);
}
