//! `betide dead-letters`: what became of bad events is looked at, and done over.

mod place;
mod replay;
mod show;

use betide::BadCause;
use betide::connect::Letter;
use betide::text::nearest;

use super::flags::LetterCommand;
use super::summary::grouped;
use super::{Failure, tell};

/// Lines that are no letters and are told one by one.
const UNREAD_TOLD: u64 = 10;

/// Shows a dead-letter file, or replays it.
pub(crate) fn dead_letters(command: &LetterCommand) -> Result<u8, Failure> {
    match command {
        LetterCommand::Show(flags) => show::show(flags),
        LetterCommand::Replay(flags) => replay::replay(flags),
    }
}

/// The causes that are asked for; none means all.
#[derive(Debug, Clone)]
struct Causes(Vec<String>);

impl Causes {
    fn new(codes: &[String]) -> Result<Self, Failure> {
        let known = BadCause::ALL.map(BadCause::code);
        match codes.iter().find(|code| !known.contains(&code.as_str())) {
            None => Ok(Self(codes.to_vec())),
            Some(code) => {
                let near = nearest(code, known).first().map_or(String::new(), |near| format!(": did you mean `{near}`?"));
                Err(Failure::usage(format!("`{code}` is no cause{near}\n  There are {}", known.join(", "))))
            }
        }
    }

    fn wants(&self, letter: &Letter) -> bool {
        self.0.is_empty() || self.0.contains(&letter.cause)
    }
}

/// Lines of a dead-letter file that are none: the first are told, all are counted.
#[derive(Debug, Default)]
struct Unread {
    lines: u64,
}

impl Unread {
    fn add(&mut self, file: &str, line: u64, why: &str) {
        self.lines += 1;
        if self.lines <= UNREAD_TOLD {
            tell(&format!("betide: {file}, line {line}: no dead letter: {why}"));
        }
    }

    /// The exit code: what cannot be read is lost to whoever goes by this file.
    fn code(&self, file: &str) -> u8 {
        if self.lines > UNREAD_TOLD {
            tell(&format!("betide: {file}: {} lines are no dead letters", grouped(self.lines)));
        }
        if self.lines > 0 { 65 } else { 0 }
    }
}

/// `1 letter`, `2 letters`
fn letters(count: u64) -> String {
    format!("{} letter{}", grouped(count), if count == 1 { "" } else { "s" })
}
