//! Crashes at any operation of the disk: what had not been synced is there in parts, or not. In: a simulated disk, a program that writes as
//! it reads (a small one of this file, thousands of times; the engine, less often), random chunks, checkpoints and crashes, each from one
//! seed. Out: after the last run both files are, to the byte, those of a run that was left alone.
//!
//! `BETIDE_CRASHES=1000000 cargo test --release --test crashes -- --nocapture` is the long version; `BETIDE_CRASH_SEED` begins elsewhere.
#![allow(clippy::print_stdout, reason = "how many crashes there were is told")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

mod support;

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use betide::connect::storage::{Crash, Simulated, Storage};
use betide::connect::{Durable, DurableError};
use betide::data::{StateReader, StateWriter};
use betide::{Engine, Options};
use support::random::Random;

/// One disk for all runs of a seed: a run that fails leaves it behind.
#[derive(Debug, Clone)]
struct Shared(Rc<RefCell<Simulated>>);

impl Storage for Shared {
    fn make_folder(&mut self, folder: &str) -> io::Result<()> {
        self.0.borrow_mut().make_folder(folder)
    }
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        self.0.borrow().list(folder)
    }
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.0.borrow().read(path)
    }
    fn read_at(&self, path: &str, offset: u64, count: usize) -> io::Result<Vec<u8>> {
        self.0.borrow().read_at(path, offset, count)
    }
    fn length(&self, path: &str) -> io::Result<Option<u64>> {
        self.0.borrow().length(path)
    }
    fn write(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().write(path, bytes)
    }
    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().append(path, bytes)
    }
    fn truncate(&mut self, path: &str, length: u64) -> io::Result<()> {
        self.0.borrow_mut().truncate(path, length)
    }
    fn sync(&mut self, path: &str) -> io::Result<()> {
        self.0.borrow_mut().sync(path)
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.0.borrow_mut().rename(from, to)
    }
    fn remove(&mut self, path: &str) -> io::Result<()> {
        self.0.borrow_mut().remove(path)
    }
    fn sync_folder(&mut self, folder: &str) -> io::Result<()> {
        self.0.borrow_mut().sync_folder(folder)
    }
}

/// Something that reads bytes and writes to two files, and whose state is bytes.
trait Work {
    fn read(&mut self, bytes: &[u8]) -> [Vec<u8>; 2];
    fn end(&mut self) -> [Vec<u8>; 2];
    fn save(&mut self) -> Vec<u8>;
}

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

const FILES: [&str; 2] = ["out/rows", "out/bad"];

/// One run: from the last checkpoint to the end of the input, or to a crash.
fn run<W: Work>(disk: &Shared, input: &[u8], random: &mut Random, make: &impl Fn(Option<&[u8]>) -> W) -> Result<(), DurableError> {
    let (mut durable, found) = Durable::open(disk.clone(), "state/of/a/run", &FILES.map(str::to_owned))?;
    let (mut at, mut work) = match &found.state {
        None => (0, make(None)),
        Some(state) => {
            let mut reader = StateReader::new(state);
            let at: usize = reader.take().unwrap();
            let bytes: Vec<u8> = reader.take().unwrap();
            (at, make(Some(&bytes)))
        }
    };
    let commit = |durable: &mut Durable<Shared>, work: &mut W, at: usize| {
        let mut writer = StateWriter::default();
        writer.put(&at);
        writer.put(&work.save());
        durable.commit(writer.finish())
    };
    let append = |durable: &mut Durable<Shared>, texts: [Vec<u8>; 2]| {
        let mut filled = texts.iter().enumerate().filter(|(_, text)| !text.is_empty());
        filled.try_for_each(|(file, text)| durable.append(file, text))
    };
    while at < input.len() {
        let chunk = &input[at..input.len().min(at + 1 + random.below(input.len() / 6))];
        at += chunk.len();
        append(&mut durable, work.read(chunk))?;
        if random.chance(40) {
            commit(&mut durable, &mut work, at)?;
        }
    }
    commit(&mut durable, &mut work, at)?;
    append(&mut durable, work.end())?;
    durable.sync()
}

/// Runs until a run comes to its end, crashing on the way. Gives how many crashes there were.
fn crash<W: Work>(seed: u64, input: &[u8], expected: &[Vec<u8>; 2], make: &impl Fn(Option<&[u8]>) -> W) -> u64 {
    let random = &mut Random::new(seed);
    let disk = Shared(Rc::new(RefCell::new(Simulated::new())));
    let mut crashes = 0;
    loop {
        let at = random.chance(if crashes < 4 { 90 } else { 30 }).then(|| random.below(60) as u64);
        let before = disk.0.borrow().clone();
        *disk.0.borrow_mut() = before.crashing(Crash { at, seed: random.next() });
        let done = run(&disk, input, random, make);
        if !disk.0.borrow().has_crashed() {
            done.unwrap_or_else(|error| panic!("seed {seed}, after {crashes} crashes: {error}"));
            break;
        }
        assert!(done.is_err(), "seed {seed}: a disk that has stopped is noticed");
        crashes += 1;
        let after = disk.0.borrow().clone().after_the_crash();
        *disk.0.borrow_mut() = after;
        if random.chance(10) {
            damage_the_newest(&disk, random);
        }
    }
    for (file, expected) in FILES.iter().zip(expected) {
        let found = disk.read(file).unwrap();
        assert!(found == *expected, "seed {seed}: {file} after {crashes} crashes\n{}", String::from_utf8_lossy(&found));
    }
    crashes
}

/// A bit of the newest checkpoint has turned over, where there is one before it.
fn damage_the_newest(disk: &Shared, random: &mut Random) {
    let names: Vec<String> = disk.list("state/of/a/run").unwrap().into_iter().filter(|name| name.starts_with("checkpoint-")).collect();
    if let [.., _, newest] = names.as_slice() {
        let path = format!("state/of/a/run/{newest}");
        let mut bytes = disk.read(&path).unwrap();
        if !bytes.is_empty() {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
            let mut disk = disk.clone();
            disk.write(&path, &bytes).unwrap();
            disk.sync(&path).unwrap();
        }
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
    let (mut crashes, mut seed) = (0, first);
    while crashes < wanted {
        let input: Vec<u8> = (0..200 + Random::new(seed).below(200)).map(|i| (i * i + seed as usize) as u8).collect();
        crashes += crash(seed, &input, &alone(&input, make(None)), &make);
        seed += 1;
    }
    println!("{crashes} crashes in {} runs of the small program: 0 lost, 0 twice, 0 bytes that differ", seed - first);
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
    let (mut crashes, mut seed) = (0, 0);
    while crashes < wanted {
        crashes += crash(seed, input.as_bytes(), &expected, &Program::new);
        seed += 1;
    }
    println!("{crashes} crashes in {seed} runs of the engine: 0 lost, 0 twice, 0 bytes that differ");
}
