//! An aggregate of your own in a program: about how many different texts there are, in 256 bytes (HyperLogLog).
//! `cargo run --example custom_aggregate`

use std::error::Error;
use std::io::{Write, stdout};

use betide::{AggregateFunction, AggregateState, DataType, Engine, Options, StateError, TypeError, Value};

/// `ABOUT_DISTINCT(text)`
#[derive(Debug)]
struct AboutDistinct;

/// For each of 256 classes of hashes, the longest run of leading zeros seen, plus one.
#[derive(Debug, Clone, PartialEq)]
struct Longest(Box<[u8; 256]>);

impl AggregateFunction for AboutDistinct {
    type State = Longest;

    fn name(&self) -> &str {
        "ABOUT_DISTINCT"
    }

    fn resolve(&self, found: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
        match found {
            [_] => Ok((vec![DataType::String], DataType::Int)),
            _ => Err(TypeError::new(self.name(), found.to_vec(), "1 argument")),
        }
    }

    fn start(&self, _: &[DataType]) -> Longest {
        Longest(Box::new([0; 256]))
    }
}

impl AggregateState for Longest {
    fn update(&mut self, args: &[Value<'_>]) {
        let [Value::String(text)] = args else { return };
        // FNV, and a mixer behind it: the same on every machine, as a snapshot may move.
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        let hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        let [class, ..] = hash.to_be_bytes();
        let run = (hash << 8).leading_zeros().min(56) as u8 + 1;
        let longest = &mut self.0[usize::from(class)];
        *longest = run.max(*longest);
    }

    fn merge(&mut self, later: &Self) {
        self.0.iter_mut().zip(later.0.iter()).for_each(|(own, other)| *own = (*own).max(*other));
    }

    fn finish(&self) -> Value<'static> {
        let inverse: f64 = self.0.iter().map(|&run| 0.5_f64.powi(i32::from(run))).sum();
        let estimate = 0.718_4 * 256.0 * 256.0 / inverse;
        let empty = self.0.iter().filter(|run| **run == 0).count();
        // Few values leave classes empty, and how many says more.
        let few = estimate < 640.0 && empty > 0;
        Value::Int(if few { 256.0 * (256.0 / empty as f64).ln() } else { estimate }.round() as i64)
    }

    fn save(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    fn load(&mut self, saved: &[u8]) -> Result<(), StateError> {
        *self.0 = saved.try_into().map_err(|_| StateError::new("not 256 classes"))?;
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.0.len()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::default();
    options.register_aggregate(AboutDistinct)?;
    let program = "
        CREATE STREAM Visit (user STRING, at TIMESTAMP(s)) TIMESTAMP BY at;
        SELECT ABOUT_DISTINCT(user) AS about, COUNT(DISTINCT user) AS users, START_TIME FROM Visit
        WINDOW HOPPING 2 minutes EVERY 1 minute HAVING ABOUT_DISTINCT(user) > 100;";
    let mut engine = Engine::with_options(program, &options)?;
    let visit = |second: u64| format!("{{\"user\":\"user {}\",\"at\":{}}}\n", (second * second) % 4001, second / 10);
    engine.push_json((0..1200).map(visit).collect::<String>().as_bytes())?;
    // The state of the aggregate is part of a snapshot; who goes on from it has to register the aggregate too.
    let snapshot = engine.snapshot()?;
    let (mut engine, _) = Engine::resume(&options, &snapshot)?;
    engine.push_json((1200..1800).map(visit).collect::<String>().as_bytes())?;
    engine.finish()?;
    engine.write_rows(&mut stdout())?;
    stdout().flush()?;
    Ok(())
}
