//! The command line, one file a subcommand, through the public API of the library alone.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | done (also when whoever read the output closed it) |
//! | 1 | a test fails (`betide test`), or a file is not laid out (`betide fmt --check`) |
//! | 2 | the program does not compile, or the command line is wrong |
//! | 65 | bad data with `--strict`, lines of a dead-letter file that are none, or a bound that stops the run, or a statement of it |
//! | 70 | a defect of betide; where it ended one statement, the others have gone on |
//! | 74 | something outside failed: a file, the output |
//! | 130 | interrupted; what was read has been finished, unless a second Ctrl-C ended that too |

#[cfg(feature = "arrow-files")]
mod arrow_output;
mod bounds;
mod check;
mod dead_letters;
mod doc;
mod durable;
mod explain;
mod flags;
mod fmt;
mod infer;
mod inputs;
mod lsp;
mod output;
mod program;
mod progress;
mod run;
mod sample;
mod summary;
mod terminal;
mod test;
mod wakeful;
mod watch;
mod why;
mod writer;

use std::ffi::OsString;
use std::io::Write;

use betide::connect::ConnectError;
use betide::text::render;
use betide::{DataError, Error, Options};
use clap::{CommandFactory, Parser};
use flags::{Command, Flags};

/// Runs the command line of these arguments, the first of which is the program's own name, and gives the exit code. `more` is what a program
/// that embeds the command line adds to the options, as functions of its own; `betide` adds nothing.
pub(crate) fn main(arguments: impl IntoIterator<Item = OsString>, more: fn(&mut Options)) -> u8 {
    betide::record_panics();
    program::add_to_options(more);
    let flags = Flags::parse_from(arguments);
    let done = match &flags.command {
        Command::Run(run) => run::run(run),
        Command::Infer(flags) => infer::infer(flags),
        Command::Fmt(flags) => fmt::fmt(flags),
        Command::Doc(flags) => doc::doc(flags),
        Command::Watch(flags) => watch::watch(flags),
        Command::Completions(flags) => completions(flags),
        Command::Test(flags) => test::test(flags),
        Command::Check(program) => check::check(program),
        Command::Explain(program) => explain::explain(program),
        Command::Why(flags) => why::why(flags),
        Command::DeadLetters(command) => dead_letters::dead_letters(command),
        Command::Lsp => lsp::lsp(),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            tell(&failure.message);
            failure.code
        }
    }
}

/// What a shell needs to complete the words of a command line.
fn completions(flags: &flags::CompletionFlags) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut Flags::command(), "betide", &mut script);
    print(&String::from_utf8_lossy(&script)).map(|()| 0)
}

/// The run was interrupted.
const INTERRUPTED: u8 = 130;
/// We are wrong.
const DEFECT: u8 = 70;

/// Why a command ended early: what to say on standard error, and the exit code.
#[derive(Debug)]
struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Something outside failed.
    fn outside(message: impl std::fmt::Display) -> Self {
        Self { code: 74, message: format!("betide: {message}") }
    }

    /// The command line is wrong.
    fn usage(message: impl std::fmt::Display) -> Self {
        Self { code: 2, message: format!("betide: {message}") }
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Self::outside(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Query { diagnostics, source } => {
                Self { code: 2, message: render(&diagnostics, &source, terminal::has_colour(&std::io::stderr())).trim_end().to_owned() }
            }
            Error::Data(error) => Self { code: data_code(&error), message: format!("betide: {error}") },
            Error::Io { .. } => Self::outside(error),
            Error::Snapshot(_) => Self { code: 65, message: format!("betide: {error}") },
            _ => Self { code: DEFECT, message: format!("betide: {error}") },
        }
    }
}

fn data_code(_: &DataError) -> u8 {
    65
}

/// One message on standard error. When that is closed there is nobody left to tell.
fn tell(message: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "{message}");
}

/// A text on standard output. A closed one is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::outside(format!("cannot write the output: {error}"))),
        Ok(()) | Err(_) => Ok(()),
    }
}
