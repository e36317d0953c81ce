//! The `betide` binary: runs the command line and turns its end into an exit code.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(cli::main(std::env::args_os(), |_| {}))
}
