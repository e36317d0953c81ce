//! What each stage costs on one core: `cargo bench`, or `cargo bench -- window` for one. How it is measured, and what it does not say,
//! stands in benches/README.md.
//!
//! In: events that are made here, the same in every run. Each benchmark counts its rows before it is timed: a fast wrong answer fails.

mod decode;
mod end_to_end;
mod events;
mod many_rules;
mod operators;
mod parse;
mod rules;

use criterion::Criterion;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    parse::bench(&mut criterion);
    decode::bench(&mut criterion);
    operators::bench(&mut criterion);
    end_to_end::bench(&mut criterion);
    many_rules::bench(&mut criterion);
    criterion.final_summary();
}
