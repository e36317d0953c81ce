//! MATCH_RECOGNIZE: the engine against the reference, on random queries over random streams.
//! In: seeds (`BETIDE_PAIRS` says how many; `BETIDE_SEED` runs one). Out: the same rows, in order; over partitions, as a bag.
//! A failure prints the seed, the program and the smallest input that still fails.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use serde_json::json;
use support::agree_patterns::{difference_of_rows, expected_rows};
use support::random::Pair;
use support::{random, random_rows};

#[test]
fn engine_and_reference_agree_on_random_row_patterns() {
    let seeds = random::seeds(1500);
    let wrong: Vec<u64> = seeds.filter(|seed| difference_of_rows(&random_rows::pair(*seed)).is_some()).collect();
    let report = |seed: &u64| {
        let smallest = random::shrink(&random_rows::pair(*seed), |p| difference_of_rows(p).is_some());
        let input: String = smallest.input.iter().map(|e| format!("    {e}\n")).collect();
        format!("seed {seed}\n{}\n  input\n{input}    {}", smallest.program, difference_of_rows(&smallest).unwrap())
    };
    assert!(wrong.is_empty(), "{} pairs differ\n{}", wrong.len(), wrong.iter().take(10).map(report).collect::<Vec<_>>().join("\n"));
}

#[test]
fn the_reference_finds_enough_matches_for_the_comparison_to_mean_something() {
    let rows: Vec<usize> = (0..200).filter_map(|seed| expected_rows(&random_rows::pair(seed))).map(|(rows, _)| rows.len()).collect();
    let found = rows.iter().filter(|n| **n > 0).count();
    assert!(rows.len() > 180 && found >= 120, "{found} of {} random queries give rows", rows.len());
}

/// The order of preference of SQL:2016: an empty pass may stand before others as long as passes are owed, and is the last one otherwise.
#[test]
fn an_empty_pass_counts_where_passes_are_owed() {
    let cases = [
        // Nothing, then two rows of B; with one pass owed, nothing would have been all.
        ("((A | B B)??){2} $", 2, json!(["B", "B"])),
        ("((A | B B)??){1,3} $", 2, json!(["A", "A"])),
        // The last pass that is owed ends the loop where it is empty, and goes on where it is not.
        ("((A | B B)??){3} $", 2, json!(["B", "B"])),
        ("((A | B B B)??){2,} $", 3, json!(["A", "A", "A"])),
        ("((A | B B B)??){2} $", 3, json!(["B", "B", "B"])),
        ("((A | B B | C)?){2} D $", 2, json!(["A", "D"])),
        ("(() | A | B B){2,3} $", 2, json!(["A", "A"])),
        ("(((A | B B)??){2}){2} $", 3, json!(["A", "B", "B"])),
    ];
    for (pattern, length, expected) in cases {
        let program = format!(
            "CREATE STREAM Ev (id INT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT m FROM Ev MATCH_RECOGNIZE (ORDER BY at MEASURES ARRAY_AGG(CLASSIFIER()) AS m PATTERN ({pattern}));"
        );
        let input = (1..=length).map(|id| json!({"type": "Ev", "id": id, "at": id * 1000})).collect();
        let pair = Pair { program, input };
        assert_eq!(expected_rows(&pair).unwrap().0, [json!({"m": expected})], "{pattern}");
        assert_eq!(difference_of_rows(&pair), None, "{pattern}");
    }
}
