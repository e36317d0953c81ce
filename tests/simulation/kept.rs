//! Runs whose state is kept, as `betide run --state` keeps it: the disk crashes at any operation, or operations fail. After the last run both
//! files, of rows and of bad events, are those of a run that was left alone.

use betide::Engine;
use betide::connect::storage::{Crash, Storage};
use betide::connect::{Durable, DurableError};
use betide::data::{StateReader, StateWriter};

use super::disk::Shared;
use super::scenario::{Fed, Scenario, calm};
use super::{Told, accounted, same};
use crate::support::random::Random;

/// Something that reads bytes and writes to two files, and whose state is bytes.
pub trait Work {
    fn read(&mut self, bytes: &[u8]) -> [Vec<u8>; 2];
    fn end(&mut self) -> [Vec<u8>; 2];
    fn save(&mut self) -> Vec<u8>;
}

pub const FILES: [&str; 2] = ["out/rows", "out/bad"];
pub const FOLDER: &str = "state/of/a/run";

/// One run: from the last checkpoint to the end of the input, or to a crash or an error.
pub fn run<W: Work>(disk: &Shared, input: &[u8], random: &mut Random, make: &impl Fn(Option<&[u8]>) -> W) -> Result<(), DurableError> {
    let (mut durable, found) = Durable::open(disk.clone(), FOLDER, &FILES.map(str::to_owned))?;
    let (mut at, mut work) = match &found.state {
        None => (0, make(None)),
        Some(state) => {
            let mut reader = StateReader::new(state);
            let at: usize = reader.take().unwrap();
            let bytes: Vec<u8> = reader.take().unwrap();
            (at, make(Some(&bytes)))
        }
    };
    let done = go_on(&mut durable, &mut at, &mut work, input, random);
    if done.is_err() && random.chance(30) {
        // A caller that does not give up is not led astray: nothing can be done with it any more.
        assert!(durable.append(0, b"more").is_err() && commit(&mut durable, &mut work, at).is_err() && durable.sync().is_err());
    }
    done
}

fn commit<W: Work>(durable: &mut Durable<Shared>, work: &mut W, at: usize) -> Result<(), DurableError> {
    let mut writer = StateWriter::default();
    writer.put(&at);
    writer.put(&work.save());
    durable.commit(writer.finish())
}

fn append(durable: &mut Durable<Shared>, texts: [Vec<u8>; 2]) -> Result<(), DurableError> {
    let mut filled = texts.iter().enumerate().filter(|(_, text)| !text.is_empty());
    filled.try_for_each(|(file, text)| durable.append(file, text))
}

fn go_on<W: Work>(
    durable: &mut Durable<Shared>,
    at: &mut usize,
    work: &mut W,
    input: &[u8],
    random: &mut Random,
) -> Result<(), DurableError> {
    while *at < input.len() {
        let chunk = &input[*at..input.len().min(*at + 1 + random.below(input.len().max(6) / 6))];
        *at += chunk.len();
        append(durable, work.read(chunk))?;
        if random.chance(40) {
            commit(durable, work, *at)?;
        }
    }
    commit(durable, work, *at)?;
    append(durable, work.end())?;
    durable.sync()
}

/// Runs until a run comes to its end, crashing on the way. Gives how many crashes there were, or how the files differ.
pub fn crash<W: Work>(
    seed: u64,
    input: &[u8],
    expected: &[Vec<u8>; 2],
    make: &impl Fn(Option<&[u8]>) -> W,
    told: &mut Told,
) -> Result<(), String> {
    let random = &mut Random::new(seed);
    let disk = Shared::new(seed);
    let mut crashes = 0;
    loop {
        let at = random.chance(if crashes < 4 { 90 } else { 30 }).then(|| random.below(60) as u64);
        disk.will_crash(Crash { at, seed: random.next() });
        told.runs += 1;
        let done = run(&disk, input, random, make);
        if !disk.has_crashed() {
            done.map_err(|error| format!("after {crashes} crashes: {error}"))?;
            break;
        }
        if done.is_ok() {
            return Err("a disk that has stopped is not noticed".to_owned());
        }
        crashes += 1;
        disk.start_again();
        if random.chance(10) && damage_the_newest(&disk, random) {
            told.count("damaged checkpoint");
        }
    }
    told.crashes += crashes;
    compare(&disk, expected)
}

fn compare(disk: &Shared, expected: &[Vec<u8>; 2]) -> Result<(), String> {
    FILES.iter().zip(expected).try_for_each(|(file, expected)| same(file, &disk.read(file).unwrap(), expected))
}

/// A bit of the newest checkpoint has turned over, where there is one before it.
fn damage_the_newest(disk: &Shared, random: &mut Random) -> bool {
    let names: Vec<String> = disk.list(FOLDER).unwrap().into_iter().filter(|name| name.starts_with("checkpoint-")).collect();
    let [.., _, newest] = names.as_slice() else { return false };
    let path = format!("{FOLDER}/{newest}");
    let mut bytes = disk.read(&path).unwrap();
    if !bytes.is_empty() {
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        let mut disk = disk.clone();
        disk.write(&path, &bytes).unwrap();
        disk.sync(&path).unwrap();
    }
    true
}

/// A scenario's engine at work.
struct Engaged(Fed);

impl Engaged {
    fn new(scenario: &Scenario, state: Option<&[u8]>) -> Engaged {
        let fed = match state {
            None => Fed::new(scenario, None, |_| {}),
            Some(state) => {
                let mut reader = StateReader::new(state);
                let at: usize = reader.take().unwrap();
                let snapshot: Vec<u8> = reader.take().unwrap();
                Fed::new(scenario, Some((at, &snapshot)), |_| {})
            }
        };
        Engaged(fed.unwrap_or_else(|error| panic!("a checkpoint is refused: {error}")))
    }

    fn engine(&mut self) -> &mut Engine {
        &mut self.0.engine
    }
}

impl Work for Engaged {
    fn read(&mut self, bytes: &[u8]) -> [Vec<u8>; 2] {
        self.0.push(bytes).unwrap_or_else(|error| panic!("{error}"));
        accounted(&self.0.engine.stats()).unwrap_or_else(|how| panic!("{how}"));
        self.0.written()
    }

    fn end(&mut self) -> [Vec<u8>; 2] {
        self.engine().finish().unwrap_or_else(|error| panic!("{error}"));
        accounted(&self.0.engine.stats()).unwrap_or_else(|how| panic!("{how}"));
        self.0.written()
    }

    fn save(&mut self) -> Vec<u8> {
        let mut writer = StateWriter::default();
        writer.put(&self.0.at);
        writer.put(&self.engine().snapshot().unwrap_or_else(|error| panic!("{error}")));
        writer.finish()
    }
}

/// Crashes after any write: what had not been synced is torn, out of order, or gone.
pub fn crashes(scenario: &Scenario, random: &mut Random, told: &mut Told) -> Result<(), String> {
    let (expected, stats) = calm(scenario, |_| {}).map_err(|error| error.to_string())?;
    (told.rows, told.events) = (stats.rows, stats.events);
    let input = scenario.input();
    (0..3).try_for_each(|_| crash(random.next(), &input, &expected, &|state| Engaged::new(scenario, state), told))
}

/// Operations that fail, a disk that is full, and crashes among them.
pub fn errors(scenario: &Scenario, random: &mut Random, told: &mut Told) -> Result<(), String> {
    let (expected, stats) = calm(scenario, |_| {}).map_err(|error| error.to_string())?;
    (told.rows, told.events) = (stats.rows, stats.events);
    let disk = Shared::new(random.next());
    let input = scenario.input();
    for attempt in 0.. {
        // Fewer and fewer, so that a run comes to its end.
        let rate = if attempt < 12 { 10 + random.below(60) } else { 0 };
        let room = (attempt < 12 && random.chance(40)).then(|| random.below(6000));
        let crash_at = (attempt < 12 && random.chance(20)).then(|| random.below(60) as u64);
        disk.will_fail(rate, room);
        disk.will_crash(Crash { at: crash_at, seed: random.next() });
        told.runs += 1;
        let done = run(&disk, &input, random, &|state| Engaged::new(scenario, state));
        let failed = disk.failed();
        let has_failed = !failed.is_empty() || disk.has_crashed();
        failed.into_iter().for_each(|(what, count)| *told.faults.entry(what).or_default() += count);
        disk.will_fail(0, None);
        match done {
            Ok(()) if has_failed => return Err("something has failed, and the run says that all is well".to_owned()),
            Ok(()) => break,
            Err(error @ DurableError::Unlike(_)) => return Err(format!("an error of the disk is told as something else: {error}")),
            Err(error) if !has_failed => return Err(format!("an error though nothing failed: {error}")),
            Err(DurableError::Io { .. }) => {}
        }
        // The machine may also be cut off afterwards: what a failed sync gave up is gone then.
        if disk.has_crashed() || random.chance(30) {
            told.crashes += 1;
            disk.start_again();
        }
    }
    compare(&disk, &expected)
}
