//! `betide check`: compiles, and says what is wrong.

use betide::Options;

use super::flags::CheckFlags;
use super::{Failure, program, tell};

/// Compiles the program; its mistakes and warnings go to standard error.
pub(crate) fn check(flags: &CheckFlags) -> Result<u8, Failure> {
    let engine =
        program::compile(flags.program.file.as_deref(), &flags.program.text, Options { endless: flags.endless, ..Options::default() })?;
    let warnings = engine.warnings().iter().count();
    let with = match warnings {
        0 => String::new(),
        1 => " (1 warning)".to_owned(),
        n => format!(" ({n} warnings)"),
    };
    tell(&format!("{}: ok{with}", engine.source().name()));
    Ok(0)
}
