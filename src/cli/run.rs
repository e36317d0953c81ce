//! `betide run`: events in, rows out.

use std::io::{self, BufWriter, IsTerminal, Stdout, Write};

use betide::codec::BadEvent;
use betide::connect::DeadLetters;
use betide::{DataError, Engine, Error, Options};

use super::flags::RunFlags;
use super::inputs::{Inputs, Message};
use super::summary::{self, Elapsed};
use super::{Failure, INTERRUPTED, program, tell};

/// Bad events told on standard error where there is no dead-letter file.
const BAD_EVENTS_TOLD: u64 = 10;

/// Runs a program over its inputs.
pub(crate) fn run(flags: &RunFlags) -> Result<u8, Failure> {
    let elapsed = Elapsed::start();
    let (file, inputs) = match (&flags.text.query, flags.paths.split_first()) {
        (Some(_), _) => (None, &flags.paths[..]),
        (None, Some((file, inputs))) => (Some(file.as_str()), inputs),
        (None, None) => (None, &[][..]),
    };
    let options = Options { strict: flags.strict, max_line: flags.max_line, batch_size: flags.batch_size, ..Options::default() };
    let mut engine = program::compile(file, &flags.text, options)?;
    if engine.outputs().next().is_none() {
        return Err(Failure::usage("the program has no query, so no row can come out"));
    }
    engine.reload_tables()?;
    let inputs = if inputs.is_empty() { vec!["-".to_owned()] } else { inputs.to_vec() };
    if inputs.iter().any(|i| i == "-") && io::stdin().is_terminal() {
        tell("betide: reading events from the terminal, one JSON object a line; Ctrl-D ends");
    }
    let dead_letters = flags.dead_letters.as_deref().map(|path| DeadLetters::create(&path.to_string_lossy())).transpose()?;
    let inputs = Inputs::open(inputs)?;
    let out = BufWriter::with_capacity(1 << 16, io::stdout());
    let mut run = Run { engine, out, dead_letters, input: String::new(), is_strict: flags.strict, told: 0 };
    let code = run.to_the_end(&inputs);
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
        Err(Stop::Failed(failure)) => {
            // Nobody reads hints about a run that failed; the counters are told where they were asked for.
            if flags.stats {
                summary::tell(&run.engine.stats(), &elapsed, true);
            }
            Err(failure)
        }
    }
}

/// A run under way.
struct Run {
    engine: Engine,
    out: BufWriter<Stdout>,
    dead_letters: Option<DeadLetters>,
    /// The name of the current input.
    input: String,
    /// The first bad event is the end, and told as such.
    is_strict: bool,
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
    /// Runs until the inputs end, and writes all rows. Where it fails, the rows that were certain before are written too: what comes out
    /// does not depend on how much was read in one go.
    fn to_the_end(&mut self, inputs: &Inputs) -> Result<u8, Stop> {
        let done = self.drive(inputs);
        if let Err(Stop::Failed(_)) = &done {
            let _ = self.write().and_then(|()| self.flush());
        }
        done
    }

    fn drive(&mut self, inputs: &Inputs) -> Result<u8, Stop> {
        let code = loop {
            let mut closed = None;
            let message = inputs.next(|| {
                closed = self.flush().err();
                Ok(())
            })?;
            if let Some(stop) = closed {
                return Err(stop);
            }
            self.reload_changed_tables();
            match message {
                Message::Begins(name) => self.input = name,
                Message::Bytes(bytes) => self.engine.push_json(&bytes).map_err(|error| self.failure(error))?,
                Message::Ends => self.engine.end_input().map_err(|error| self.failure(error))?,
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

    /// A table whose file has changed is loaded again; where that fails, it stays as it was, and the run goes on.
    fn reload_changed_tables(&mut self) {
        if self.engine.tables_have_changed() {
            match self.engine.reload_tables() {
                Ok(()) => tell("betide: the tables have been loaded again"),
                Err(error) => tell(&format!("betide: the tables stay as they were: {error}")),
            }
        }
    }

    /// An error of the engine, with the name of the input where that is to blame.
    fn failure(&self, error: Error) -> Failure {
        match error {
            Error::Data(DataError::BadEvent(bad)) => Failure { code: 65, message: format!("betide: {}", told(&self.input, &bad)) },
            other => other.into(),
        }
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
            if self.is_strict {
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
