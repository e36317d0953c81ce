//! The input cut anywhere, in batches of any size, saved and taken up again, rows taken at any moment: the same bytes, the same counters.

use betide::{Engine, Options, Stats};

use super::scenario::{Fed, Scenario, calm};
use super::{Told, accounted, same};
use crate::support::random::Random;

pub fn interfere(scenario: &Scenario, random: &mut Random, told: &mut Told) -> Result<(), String> {
    let (expected, stats) = calm(scenario, |_| {}).map_err(|error| error.to_string())?;
    told.runs += 1;
    for _ in 0..3 {
        let change = |options: &mut Options| draw(options, random);
        let fed = Fed::new(scenario, None, change).map_err(|error| error.to_string())?;
        let (found, found_stats) = cut_up(scenario, random, fed, told)?;
        told.runs += 1;
        told.rows += found_stats.rows;
        told.events += found_stats.events;
        same("rows", &found[0], &expected[0])?;
        same("bad events", &found[1], &expected[1])?;
        let (found, expected) = (comparable(found_stats), comparable(stats.clone()));
        if found != expected {
            return Err(format!("counters: {found:?}\ninstead of {expected:?}"));
        }
    }
    Ok(())
}

/// What may not be seen in any row: how many events go in one go, how many threads there are, and a bound of memory that nobody comes to, for
/// which rounds are made smaller.
fn draw(options: &mut Options, random: &mut Random) {
    options.batch_size = 1 + random.below(60);
    options.threads = 1 + random.below(3);
    options.limits.memory = random.chance(30).then_some(1 << 40);
}

/// How much memory is held depends on how it was come by, and how the work was shared out may be told.
fn comparable(mut stats: Stats) -> Stats {
    stats.memory = None;
    stats.threads = 1;
    stats.operators.iter_mut().for_each(|operator| (operator.bytes, operator.shards) = (0, 1));
    stats.shared = None;
    stats
}

fn cut_up(scenario: &Scenario, random: &mut Random, mut fed: Fed, told: &mut Told) -> Result<([Vec<u8>; 2], Stats), String> {
    let input = scenario.input();
    let mut found = [Vec::new(), Vec::new()];
    let longest = 1 + random.below(input.len().max(8) / 4);
    while fed.at < input.len() {
        let end = input.len().min(fed.at + 1 + random.below(longest));
        fed.push(&input[fed.at..end]).map_err(|error| error.to_string())?;
        told.count("cuts of the input");
        accounted(&fed.engine.stats())?;
        if random.chance(30) {
            found.iter_mut().zip(fed.written()).for_each(|(all, more)| all.extend(more));
        }
        if random.chance(20) {
            fed = taken_up(scenario, random, &mut fed.engine, fed.at)?;
            told.count("restored from a snapshot");
        }
    }
    fed.engine.finish().map_err(|error| error.to_string())?;
    accounted(&fed.engine.stats())?;
    found.iter_mut().zip(fed.written()).for_each(|(all, more)| all.extend(more));
    Ok((found, fed.engine.stats()))
}

fn taken_up(scenario: &Scenario, random: &mut Random, engine: &mut Engine, at: usize) -> Result<Fed, String> {
    let snapshot = engine.snapshot().map_err(|error| error.to_string())?;
    let change = |options: &mut Options| draw(options, random);
    let mut fed = Fed::new(scenario, Some((at, &snapshot)), change).map_err(|error| error.to_string())?;
    let again = fed.engine.snapshot().map_err(|error| error.to_string())?;
    // Several threads write keys in an order of their own.
    if engine.stats().threads == 1 && fed.engine.stats().threads == 1 {
        same("what was restored, saved again", &again, &snapshot)?;
    }
    Ok(fed)
}
