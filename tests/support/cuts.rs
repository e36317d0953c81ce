//! A program over lines of JSON that come in cuts, each no longer than some events, by the evaluators of choice.
//! In: a program, its input, the size of a batch. Out: the rows as text, and what the engine says of how it made them.

use betide::Error;
use betide::engine::{Engine, OperatorStats, Options};

/// What came out of a run.
#[derive(Debug)]
pub struct Ran {
    /// The rows as lines of JSON, and the NULLs that were made up.
    pub found: (String, u64),
    /// What `explain` says of the program.
    pub plan: String,
    pub operators: Vec<OperatorStats>,
}

impl Ran {
    pub fn rows(&self) -> u64 {
        self.found.0.lines().count() as u64
    }
}

/// Runs a program in batches of `cut` events, on bytes cut anywhere; by the general evaluators, or by those that the planner chooses.
/// An error where the program is refused.
pub fn try_run(program: &str, lines: &str, cut: usize, general: bool) -> Result<Ran, Error> {
    let options = Options { general_evaluators: general, batch_size: cut, ..Options::default() };
    let mut engine = Engine::with_options(program, &options)?;
    let plan = engine.explain();
    let mut out = Vec::new();
    // About as many bytes as so many events have, and a number that no line's length divides.
    for chunk in lines.as_bytes().chunks(cut * 61) {
        engine.push_json(chunk).unwrap();
        engine.write_rows(&mut out).unwrap();
    }
    engine.finish().unwrap();
    engine.write_rows(&mut out).unwrap();
    let stats = engine.stats();
    Ok(Ran { found: (String::from_utf8(out).unwrap(), stats.eval_nulls), plan, operators: stats.operators })
}

/// As `try_run`, for a program that must compile.
pub fn run(program: &str, lines: &str, cut: usize, general: bool) -> Ran {
    try_run(program, lines, cut, general).unwrap_or_else(|why| panic!("{why}\n{program}"))
}
