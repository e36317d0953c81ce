//! `betide explain`: the operator graph as text.

use betide::Options;

use super::flags::ProgramFlags;
use super::{Failure, print, program};

/// Compiles the program and prints how it will run.
pub(crate) fn explain(flags: &ProgramFlags) -> Result<u8, Failure> {
    let engine = program::compile(flags.file.as_deref(), &flags.text, Options::default())?;
    print(&engine.explain())?;
    Ok(0)
}
