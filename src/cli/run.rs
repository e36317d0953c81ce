//! `betide run`: events in, rows out.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use betide::codec::BadEvent;
use betide::connect::DeadLetters;
use betide::{Engine, Options};

use super::flags::RunFlags;
use super::inputs::{Inputs, Message};
use super::summary::{self, Elapsed};
use super::{Failure, INTERRUPTED, program, tell};

/// Bad events told on standard error where there is no dead-letter file.
const BAD_EVENTS_TOLD: u64 = 10;

/// Runs a program over its inputs.
pub(super) fn run(flags: &RunFlags) -> Result<u8, Failure> {
    let elapsed = Elapsed::start();
    let (file, inputs) = match (&flags.text.query, flags.paths.split_first()) {
        (Some(_), _) => (None, &flags.paths[..]),
        (None, Some((file, inputs))) => (Some(file.as_str()), inputs),
        (None, None) => (None, &[][..]),
    };
    let options = Options { strict: flags.strict, max_line: flags.max_line, batch_size: flags.batch_size, ..Options::default() };
    let engine = program::compile(file, &flags.text, options)?;
    let inputs = if inputs.is_empty() { vec!["-".to_owned()] } else { inputs.to_vec() };
    if inputs.iter().any(|i| i == "-") && io::stdin().is_terminal() {
        tell("betide: reading events from the terminal, one JSON object a line; Ctrl-D ends");
    }
    let dead_letters = flags.dead_letters.as_deref().map(|path| DeadLetters::create(&path.to_string_lossy())).transpose()?;
    let mut run = Run { engine, out: BufWriter::with_capacity(1 << 16, io::stdout()), dead_letters, input: String::new(), told: 0 };
    let code = run.to_the_end(&Inputs::open(inputs)?);
    run.settle_bad_events()?;
    if let Some(dead_letters) = &mut run.dead_letters {
        dead_letters.flush()?;
    }
    match code {
        Ok(code) => {
            summary::tell(&run.engine.stats(), &elapsed, flags.stats);
            Ok(code)
        }
        Err(Stop::OutputClosed) => Ok(0),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

/// A run under way.
struct Run {
    engine: Engine,
    out: BufWriter<Stdout>,
    dead_letters: Option<DeadLetters>,
    /// The name of the current input.
    input: String,
    /// Bad events told so far.
    told: u64,
}

/// Why a run ends before its input does.
enum Stop {
    /// Whoever read the output has had enough.
    OutputClosed,
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Run {
    fn to_the_end(&mut self, inputs: &Inputs) -> Result<u8, Stop> {
        let code = loop {
            let mut closed = None;
            let message = inputs.next(|| {
                closed = self.flush().err();
                Ok(())
            })?;
            if let Some(stop) = closed {
                return Err(stop);
            }
            match message {
                Message::Begins(name) => self.input = name,
                Message::Bytes(bytes) => self.engine.push_json(&bytes)?,
                Message::Ends => self.engine.end_input()?,
                Message::Done => break 0,
                Message::Interrupted => break INTERRUPTED,
                Message::Failed(why) => return Err(Failure::outside(why).into()),
            }
            self.settle_bad_events()?;
            self.write()?;
        };
        self.engine.finish()?;
        self.write()?;
        self.flush()?;
        Ok(code)
    }

    fn write(&mut self) -> Result<(), Stop> {
        let written = self.engine.write_rows(&mut self.out);
        written.map(|_| ()).map_err(output_failed)
    }

    fn flush(&mut self) -> Result<(), Stop> {
        self.out.flush().map_err(output_failed)
    }

    /// Bad events go to the dead-letter file; without one, the first few are told.
    fn settle_bad_events(&mut self) -> Result<(), Failure> {
        for bad in self.engine.take_bad_events() {
            if let Some(dead_letters) = &mut self.dead_letters {
                dead_letters.write(&self.input, &bad)?;
                continue;
            }
            self.told += 1;
            if self.told <= BAD_EVENTS_TOLD {
                tell(&format!("betide: {}", told(&self.input, &bad)));
            }
            if self.told == BAD_EVENTS_TOLD {
                tell("betide: further bad events are only counted; --dead-letters PATH keeps them all");
            }
        }
        Ok(())
    }
}

fn told(input: &str, bad: &BadEvent) -> String {
    format!("{input}, line {}: bad event ({}): {}", bad.line, bad.cause, bad.detail)
}

fn output_failed(error: io::Error) -> Stop {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Stop::OutputClosed;
    }
    Stop::Failed(Failure::outside(format!("cannot write the output: {error}")))
}
