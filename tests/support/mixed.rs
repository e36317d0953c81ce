//! Programs of everything: a pattern in every second one, a window and a join of every kind, over sources with a DELAY of four seconds.

use super::random::{self, Random};
use super::{joins, windows};

/// The program of a seed; tests with salts of their own see others.
pub fn program(seed: u64, salt: u64) -> String {
    let pattern = match seed % 4 {
        0 => random::pair(seed).program,
        2 => random::negations_of(&mut Random::new(seed)).program,
        _ => random::sources(""),
    };
    let random = &mut Random::new(seed ^ salt);
    let of_window = match seed % 5 {
        0 => windows::rows_pair(random, &[]),
        1 => windows::top_pair(random, &[]),
        _ => windows::window_pair(random, &[]),
    };
    let of_join = match seed % 4 {
        0 => joins::as_of_pair(random, &[]),
        1 => joins::chain_pair(random, &[]),
        _ => joins::join_pair(random, &[]),
    };
    let body = &pattern[random::sources("").len()..];
    format!("{}{body}{}\n{}\n", random::sources(" DELAY 4 seconds"), of_window.0, of_join.0)
}
