//! Rows to a pipe, which cannot take them back: its reader is slow, takes a few bytes at a time, and goes away in the middle of a row; or the
//! run is killed. Whoever reads leaves out what he has, by the ids, and has in the end every row once and in order.

use std::collections::BTreeMap;
use std::io::{self, Write};

use betide::connect::{Durable, DurableError};
use betide::data::{StateReader, StateWriter};
use betide::{Error, Options};

use super::disk::Shared;
use super::scenario::{Fed, Scenario, calm};
use super::{Told, accounted, same};
use crate::support::random::Random;

/// What is between the run and its reader.
struct Pipe<'r> {
    random: &'r mut Random,
    /// The reader goes away behind so many bytes.
    closes_at: Option<usize>,
    got: Vec<u8>,
    slow: u64,
    is_closed: bool,
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.random.chance(10) {
            self.slow += 1;
            return Err(io::ErrorKind::Interrupted.into());
        }
        let room = self.closes_at.map_or(bytes.len(), |end| end.saturating_sub(self.got.len()));
        if room == 0 {
            self.is_closed = true;
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = room.min(if self.random.chance(50) { 1 + self.random.below(30) } else { bytes.len() }).min(bytes.len());
        self.slow += u64::from(count < bytes.len());
        self.got.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whoever reads: rows by their ids, in the order in which they first came.
#[derive(Default)]
struct Reader {
    rows: Vec<u8>,
    known: BTreeMap<String, String>,
    again: u64,
}

impl Reader {
    /// What one run has written; a row without its end is none.
    fn read(&mut self, bytes: &[u8]) -> Result<(), String> {
        let text = String::from_utf8_lossy(bytes);
        for row in text.split_inclusive('\n').filter(|row| row.ends_with('\n')) {
            let json: serde_json::Value = serde_json::from_str(row).map_err(|error| format!("{row}: {error}"))?;
            let id = json["$id"].as_str().ok_or_else(|| format!("a row without an id: {row}"))?.to_owned();
            match self.known.get(&id) {
                Some(before) if before == row => self.again += 1,
                Some(before) => return Err(format!("one id for two rows:\n{before}{row}")),
                None => {
                    self.rows.extend(row.bytes());
                    self.known.insert(id, row.to_owned());
                }
            }
        }
        Ok(())
    }
}

fn with_ids(options: &mut Options) {
    options.ids = true;
}

pub fn interfere(scenario: &Scenario, random: &mut Random, told: &mut Told) -> Result<(), String> {
    let (expected, stats) = calm(scenario, with_ids).map_err(|error| error.to_string())?;
    (told.rows, told.events) = (stats.rows, stats.events);
    let disk = Shared::new(random.next());
    let mut reader = Reader::default();
    for attempt in 0.. {
        let is_calm = attempt > 8;
        let closes_at = (!is_calm && random.chance(70)).then(|| random.below(expected[0].len() + 20));
        let stops = !is_calm && random.chance(30);
        told.runs += 1;
        let choices = &mut Random::new(random.next());
        let mut pipe = Pipe { random: choices, closes_at, got: Vec::new(), slow: 0, is_closed: false };
        let end = run(scenario, &disk, random, stops, &mut pipe)?;
        let (got, is_closed) = (std::mem::take(&mut pipe.got), pipe.is_closed);
        *told.faults.entry("slow output").or_default() += pipe.slow;
        reader.read(&got)?;
        match end {
            End::Closed if is_closed => told.count("closed output"),
            End::Closed => return Err("the run says that its output is closed, and it is not".to_owned()),
            End::Stopped => told.count("stopped"),
            End::Whole => break,
        }
    }
    *told.faults.entry("rows that came again").or_default() += reader.again;
    same("rows", &reader.rows, &expected[0])
}

enum End {
    Whole,
    Closed,
    Stopped,
}

/// One run, from the last checkpoint on. Rows are out before a checkpoint says so.
fn run(scenario: &Scenario, disk: &Shared, random: &mut Random, stops: bool, pipe: &mut Pipe<'_>) -> Result<End, String> {
    let in_words = |error: DurableError| error.to_string();
    let (mut durable, found) = Durable::open(disk.clone(), "state", &[]).map_err(in_words)?;
    let taken_up = found.state.map(|state| {
        let mut reader = StateReader::new(&state);
        let at: usize = reader.take().unwrap();
        (at, reader.take::<Vec<u8>>().unwrap())
    });
    let fed = Fed::new(scenario, taken_up.as_ref().map(|(at, snapshot)| (*at, snapshot.as_slice())), with_ids);
    let failed = |error: Error| error.to_string();
    let mut fed = fed.map_err(failed)?;
    let input = scenario.input();
    let stops_at = if stops { random.below(input.len() + 1) } else { usize::MAX };
    while fed.at < input.len() {
        if fed.at >= stops_at {
            return Ok(End::Stopped);
        }
        let end = input.len().min(fed.at + 1 + random.below(input.len().max(6) / 6));
        fed.push(&input[fed.at..end]).map_err(failed)?;
        accounted(&fed.engine.stats())?;
        if fed.engine.write_rows(pipe).is_err() {
            return Ok(End::Closed);
        }
        if random.chance(30) {
            commit(&mut durable, &mut fed)?;
        }
    }
    commit(&mut durable, &mut fed)?;
    fed.engine.finish().map_err(failed)?;
    accounted(&fed.engine.stats())?;
    Ok(if fed.engine.write_rows(pipe).is_err() { End::Closed } else { End::Whole })
}

fn commit(durable: &mut Durable<Shared>, fed: &mut Fed) -> Result<(), String> {
    let mut writer = StateWriter::default();
    writer.put(&fed.at);
    writer.put(&fed.engine.snapshot().map_err(|error| error.to_string())?);
    durable.commit(writer.finish()).map_err(|error| error.to_string())
}
