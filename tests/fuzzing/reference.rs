//! A program and its events by the choices of a tape of bytes: the engine gives what a naive evaluator gives.

use crate::support::agree_windows::{Make, judge};
use crate::support::random::Random;
use crate::support::{agree_patterns, joins, random, random_rows, windows};

/// Windows and joins with the streams that they read.
const LOOPS: [(Make, &[&str]); 6] = [
    (windows::window_pair, &["A"]),
    (windows::rows_pair, &["A"]),
    (windows::top_pair, &["A"]),
    (joins::join_pair, &["A", "B"]),
    (joins::as_of_pair, &["A", "B"]),
    (joins::chain_pair, &["A", "B", "C"]),
];

pub fn run(input: &[u8]) {
    let (kind, tape) = input.split_first().unwrap_or((&0, &[]));
    let random = &mut Random::of_bytes(tape);
    let (what, how) = match kind % 12 {
        kind @ 0..=3 => {
            let pair = if kind == 3 { random::negations_of(random) } else { random::pair_of(random) };
            (agree_patterns::difference(&pair), pair)
        }
        4..=5 => {
            let pair = random_rows::pair_of(random);
            (agree_patterns::difference_of_rows(&pair), pair)
        }
        kind => {
            let (make, read) = LOOPS[usize::from(kind) - 6];
            let (how, ..) = judge(make, read, random);
            assert!(how.is_none(), "{}", how.unwrap_or_default());
            return;
        }
    };
    if let Some(difference) = what {
        let input: Vec<String> = how.input.iter().map(|event| format!("    {event}")).collect();
        panic!("{}\n  input\n{}\n{difference}", how.program, input.join("\n"));
    }
}

/// Tapes for each kind.
pub fn seeds() -> Vec<Vec<u8>> {
    let tape = |seed: u64| {
        let random = &mut Random::new(seed);
        let length = 40 + random.below(160);
        let mut tape = vec![seed as u8];
        tape.extend((0..length).map(|_| random.next() as u8));
        tape
    };
    (0..240).map(tape).collect()
}
