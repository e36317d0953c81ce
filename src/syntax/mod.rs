//! Text to tree. pest is named only here; nothing here knows what a name means.

pub mod ast;
