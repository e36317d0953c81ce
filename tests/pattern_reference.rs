//! FROM PATTERN: the engine against the reference, on random queries over random streams.
//! In: seeds (`BETIDE_PAIRS` says how many; `BETIDE_SEED` runs one). Out: the same matches, in the order that the language page fixes.
//! A failure prints the seed, the program and the smallest input that still fails.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use std::ops::Range;

use serde_json::json;
use support::agree_patterns::{difference, expected};
use support::random::{self, Pair, Random};

fn report(seed: u64, pair: &Pair) -> String {
    let smallest = random::shrink(pair, |p| difference(p).is_some());
    let input: String = smallest.input.iter().map(|e| format!("    {e}\n")).collect();
    let how = difference(&smallest).unwrap();
    format!("seed {seed}\n{}  input\n{input}{how}", &smallest.program[random::sources("").len()..])
}

#[test]
fn engine_and_reference_agree_on_random_queries() {
    agree(random::seeds(2000), random::pair);
}

#[test]
fn engine_and_reference_agree_on_what_negations_forbid() {
    agree(random::seeds(1500), |seed| random::negations_of(&mut Random::new(seed)));
}

fn agree(seeds: Range<u64>, make: impl Fn(u64) -> Pair) {
    let (mut wrong, mut count) = (vec![], 0);
    for seed in seeds {
        let pair = make(seed);
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
    let found = (0..300).filter(|seed| !expected(&random::negations_of(&mut Random::new(*seed))).is_empty()).count();
    assert!(found >= 100, "only {found} of 300 random queries with negations match anything");
}

#[test]
fn an_empty_pass_counts_where_passes_are_owed() {
    let (loops, last) = ("((A a | (A b , A c))??){2}", "A[id = 3] d");
    let stream = "CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at;";
    let program = format!("{stream}\nSELECT COUNT(a) AS a, b.id AS b, c.id AS c FROM PATTERN ({loops} , {last}) WITHIN 10s;");
    let input = (1..=3).map(|id| json!({"type": "A", "id": id, "at": id * 1000})).collect();
    let pair = Pair { program, input };
    assert_eq!(expected(&pair)[0].row, json!({"a": 0, "b": 1, "c": 2}), "nothing, and then the second branch");
    assert_eq!(difference(&pair), None);
}
