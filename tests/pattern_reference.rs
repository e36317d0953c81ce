//! FROM PATTERN: the engine against the reference, on random queries over random streams.
//! In: seeds (`BETIDE_PAIRS` says how many; `BETIDE_SEED` runs one). Out: the same matches, in the order that the language page fixes.
//! A failure prints the seed, the program and the smallest input that still fails.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use serde_json::Value as Json;
use support::cases;
use support::engine::{self, Failure, Feed};
use support::program::Program;
use support::random::{self, Pair};
use support::reference::{self, Row};

/// The reference's rows for a pair.
fn expected(pair: &Pair) -> Vec<Row> {
    let program = Program::parse(&pair.program).unwrap_or_else(|why| panic!("{why}\n{}", pair.program));
    let events = cases::events(&program.streams, &pair.input).unwrap();
    reference::run_keyed(&program, &events)
}

/// How the engine differs from the reference; nothing where they agree.
fn difference(pair: &Pair) -> Option<String> {
    let expected = expected(pair);
    let lines: Vec<String> = pair.input.iter().map(Json::to_string).collect();
    let output = match engine::run(&pair.program, &lines, Feed::Whole(None)) {
        Ok(output) => output,
        Err(Failure::Refused(why)) if engine::not_yet(&why) => return None,
        Err(why) => return Some(format!("{why:?}")),
    };
    let found: Vec<Json> = output.rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
    let show = |rows: &[Json]| rows.iter().map(|r| format!("      {r}\n")).collect::<String>();
    let rows: Vec<Json> = expected.iter().map(|row| row.row.clone()).collect();
    let agree = rows.len() == found.len() && {
        let mut rest = found.as_slice();
        // Rows of one moment and one start may stand in any order among themselves.
        expected.chunk_by(|a, b| a.moment == b.moment && a.first == b.first).all(|group| {
            let (own, after) = rest.split_at(group.len());
            rest = after;
            cases::same_bag(&group.iter().map(|g| g.row.clone()).collect::<Vec<_>>(), own)
        })
    };
    let order = if cases::same_bag(&rows, &found) { " (only the order differs)" } else { "" };
    (!agree).then(|| format!("  reference{order}\n{}  engine\n{}", show(&rows), show(&found)))
}

fn report(seed: u64, pair: &Pair) -> String {
    let smallest = random::shrink(pair, |p| difference(p).is_some());
    let input: String = smallest.input.iter().map(|e| format!("    {e}\n")).collect();
    let how = difference(&smallest).unwrap();
    format!("seed {seed}\n{}  input\n{input}{how}", &smallest.program[random::sources("").len()..])
}

#[test]
fn engine_and_reference_agree_on_random_queries() {
    let seeds = random::seeds(2000);
    let (mut wrong, mut count) = (vec![], 0);
    for seed in seeds {
        let pair = random::pair(seed);
        if difference(&pair).is_some() {
            count += 1;
            if wrong.len() < 40 {
                wrong.push(report(seed, &pair));
            }
        }
    }
    assert!(count == 0, "{count} pairs differ\n{}", wrong.join("\n"));
}

#[test]
fn the_reference_finds_enough_matches_for_the_comparison_to_mean_something() {
    let found = (0..300).filter(|seed| !expected(&random::pair(*seed)).is_empty()).count();
    assert!(found >= 120, "only {found} of 300 random queries match anything");
}
