//! The `betide` binary.
fn main() {}
