//! How long the command line takes from an event to its row: `cargo build --release && cargo run --release --example latency [BINARY] [EVENTS]`.
//! In: nothing; it makes so many events (default 20,000). Out: percentiles of the time from writing a line into a pipe to reading its row from
//! another, one event at a time, and the time from the start of the process to its first row (the least of twenty starts).
//!
//! The same is done with `cat` in place of betide: what the machine takes to wake two processes. Who is not asleep when an event comes, as betide
//! is not while they come this soon, can be faster.
//!
//! The program is a filter and a projection over an event-time stream without delay, so a row is certain with its event. The times are those
//! of a whole round: two pipes, betide and this process, both woken each time. Nothing is asserted of them.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a program for the console that measures time")]

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PROGRAM: &str = "CREATE STREAM Tick (symbol STRING, price FLOAT, volume INT, ts TIMESTAMP) TIMESTAMP BY ts;
    SELECT symbol, price * volume AS notional, ts FROM Tick WHERE price > 0;";
const STARTS: u64 = 20;
/// Events before the first one that is measured.
const WARM_UP: usize = 200;

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let binary = args.next().unwrap_or_else(|| "target/release/betide".to_owned());
    let events: u64 = args.next().map_or(Ok(20_000), |text| text.parse())?;
    let mut first = Duration::MAX;
    for _ in 0..STARTS {
        let begin = Instant::now();
        let mut run = Run::start(&binary)?;
        run.round(0)?;
        first = first.min(begin.elapsed());
        run.end()?;
    }
    println!("start to first row: {first:.1?}");
    tell("pipe to row", &rounds(Run::start(&binary)?, events)?);
    // Where there is no `cat` there is nothing to compare with.
    if let Ok(run) = Run::of(Command::new("cat")) {
        tell("through `cat`", &rounds(run, events)?);
    }
    Ok(())
}

/// So many rounds, in order of their times.
fn rounds(mut run: Run, events: u64) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for number in 0..events {
        let begin = Instant::now();
        run.round(number)?;
        times.push(begin.elapsed());
    }
    run.end()?;
    let mut times = times.split_off(WARM_UP.min(times.len()));
    times.sort_unstable();
    Ok(times)
}

fn tell(what: &str, times: &[Duration]) {
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
        if let Some(time) = times.get((times.len() as f64 * share) as usize) {
            println!("{what}, {name}: {time:.1?}");
        }
    }
}

/// betide at work, or `cat`, with both ends of its pipes.
struct Run {
    process: Child,
    input: std::process::ChildStdin,
    output: BufReader<std::process::ChildStdout>,
    row: String,
}

impl Run {
    fn start(binary: &str) -> Result<Self> {
        let mut command = Command::new(binary);
        command.args(["run", "-q", PROGRAM, "-"]);
        Self::of(command).map_err(|error| format!("cannot start {binary}: {error}").into())
    }

    fn of(mut command: Command) -> Result<Self> {
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let input = process.stdin.take().ok_or("no pipe into betide")?;
        let output = BufReader::new(process.stdout.take().ok_or("no pipe out of betide")?);
        Ok(Self { process, input, output, row: String::new() })
    }

    /// One event in, its row out.
    fn round(&mut self, number: u64) -> Result<()> {
        let ts = 1_700_000_000_000 + number;
        let line = format!("{{\"symbol\":\"S{:03}\",\"price\":221.50,\"volume\":{number},\"ts\":{ts}}}\n", number % 200);
        self.input.write_all(line.as_bytes())?;
        self.row.clear();
        self.output.read_line(&mut self.row)?;
        if self.row.contains(&format!("\"S{:03}\"", number % 200)) {
            Ok(())
        } else {
            Err(format!("{:?} is not the row of {line:?}", self.row).into())
        }
    }

    fn end(self) -> Result<()> {
        let Self { mut process, input, output, .. } = self;
        drop((input, output));
        process.wait()?;
        Ok(())
    }
}
