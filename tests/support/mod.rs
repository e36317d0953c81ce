//! What the tests of behaviour share: the reference evaluators, readers of cases, random programs and streams.
//! Nothing here looks at the engine's insides; `engine.rs` and `cuts.rs` speak to the engine, by its public face.
#![allow(dead_code, reason = "each test crate uses its own part")]
#![allow(clippy::unwrap_used, reason = "a broken test case should stop the test")]
#![allow(unreachable_pub, reason = "support code is private to each test crate")]

pub mod aftermath;
pub mod agree_patterns;
pub mod agree_windows;
pub mod any_patterns;
pub mod arrivals;
pub mod cases;
pub mod choices;
pub mod cuts;
pub mod engine;
pub mod expr;
pub mod joins;
pub mod market;
pub mod mixed;
pub mod mr_program;
pub mod mr_reference;
pub mod own_aggregates;
pub mod program;
pub mod random;
pub mod random_rows;
pub mod reading;
pub mod reference;
pub mod terms;
pub mod windows;
