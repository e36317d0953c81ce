//! Bounds that are too small for the scenario: what is dropped or forced is counted and the same however the input is cut; where the policy
//! is to stop, the run says so, what it has written by then is right, and one with larger bounds goes on from its last snapshot.

use betide::{DataError, Error, Limits, Options};

use super::scenario::{Fed, Scenario, calm};
use super::{Told, accounted, same};
use crate::support::random::Random;

/// Small bounds, of one kind or of several.
fn small(random: &mut Random) -> Limits {
    let mut limits = Limits::default();
    match random.below(6) {
        0 => limits.waiting_events = 1 + random.below(12),
        1 => limits.waiting_rows = 1 + random.below(12),
        2 => limits.pattern_threads = 1 + random.below(8),
        3 => limits.pattern_events = 1 + random.below(8),
        4 => limits.kept_bad_events = random.below(4),
        _ => {
            limits.waiting_events = 5 + random.below(20);
            limits.pattern_threads = 2 + random.below(20);
            limits.pattern_events = 2 + random.below(20);
        }
    }
    limits
}

pub fn interfere(scenario: &Scenario, random: &mut Random, told: &mut Told) -> Result<(), String> {
    let limits = small(random);
    let with_limits = |options: &mut Options| options.limits = limits;
    let expected = match calm(scenario, with_limits) {
        Ok((rows, stats)) => {
            let dropped: u64 = stats.operators.iter().map(|operator| operator.dropped).sum();
            for (what, count) in [("runs and events dropped at a bound", dropped), ("events forced out at a bound", stats.forced)] {
                *told.faults.entry(what).or_default() += count;
            }
            *told.faults.entry("bad events not kept").or_default() += stats.bad_not_kept;
            Some(rows)
        }
        Err(Error::Data(DataError::Full(..))) => None,
        Err(other) => return Err(format!("a bound is told as something else: {other}")),
    };
    let (unlimited, stats) = calm(scenario, |_| {}).map_err(|error| error.to_string())?;
    (told.rows, told.events) = (stats.rows, stats.events);
    for _ in 0..2 {
        told.runs += 1;
        let ends_full = cut_up(scenario, random, limits, expected.as_ref(), &unlimited, told)?;
        if ends_full && expected.is_some() && limits.waiting_rows == Limits::default().waiting_rows {
            return Err("a run with the same bounds ends with an error when its input is cut".to_owned());
        }
    }
    Ok(())
}

/// A run over pieces. Whether it has ended at a bound; then it is gone on with without bounds.
fn cut_up(
    scenario: &Scenario,
    random: &mut Random,
    limits: Limits,
    expected: Option<&[Vec<u8>; 2]>,
    unlimited: &[Vec<u8>; 2],
    told: &mut Told,
) -> Result<bool, String> {
    let batch = 1 + random.below(50);
    let with_limits = move |options: &mut Options| (options.limits, options.batch_size) = (limits, batch);
    let mut fed = Fed::new(scenario, None, with_limits).map_err(|error| error.to_string())?;
    let input = scenario.input();
    let mut rows = Vec::new();
    let mut last: Option<(usize, Vec<u8>, usize)> = None;
    let mut end_of_input = false;
    let why = loop {
        let done = if fed.at < input.len() {
            let end = input.len().min(fed.at + 1 + random.below(input.len().max(6) / 6));
            fed.push(&input[fed.at..end])
        } else {
            end_of_input = true;
            fed.engine.finish()
        };
        accounted(&fed.engine.stats())?;
        rows.extend(fed.written()[0].iter());
        if let Err(error) = done {
            break Some(error);
        }
        if end_of_input {
            break None;
        }
        if random.chance(40) {
            let snapshot = fed.engine.snapshot().map_err(|error| error.to_string())?;
            last = Some((fed.at, snapshot, rows.len()));
        }
    };
    let Some(why) = why else {
        // Which rows wait at once depends on batches, and so does whether their bound is reached.
        return expected.map_or(Ok(false), |expected| same("rows at a bound", &rows, &expected[0]).map(|()| false));
    };
    if !matches!(why, Error::Data(DataError::Full(..))) {
        return Err(format!("a bound is told as something else: {why}"));
    }
    told.count("ended at a bound");
    if fed.engine.snapshot().is_ok() || fed.engine.push_json(b"{}\n").is_ok() {
        return Err("a run that has ended at a bound goes on".to_owned());
    }
    if !unlimited[0].starts_with(&rows) {
        same("rows up to a bound", &rows, &unlimited[0][..rows.len().min(unlimited[0].len())])?;
    }
    // The next run, with room.
    let (at, snapshot, length) = last.map_or((0, None, 0), |(at, snapshot, length)| (at, Some(snapshot), length));
    let taken_up = snapshot.as_deref().map(|snapshot| (at, snapshot));
    let mut fed = Fed::new(scenario, taken_up, |_| {}).map_err(|error| error.to_string())?;
    rows.truncate(length);
    fed.push(&input[at..]).and_then(|()| fed.engine.finish()).map_err(|error| error.to_string())?;
    rows.extend(fed.written()[0].iter());
    same("rows behind a bound", &rows, &unlimited[0])?;
    Ok(true)
}
