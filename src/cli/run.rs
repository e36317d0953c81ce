//! `betide run`: events in, rows out.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use betide::codec::{BadEvent, Format};
use betide::connect::{DeadLetters, Input};
use betide::{DataError, Engine, Error, Options};

use super::durable::State;
use super::flags::{OutputFormat, RunFlags};
use super::inputs::{CHUNK, Inputs, Message};
use super::output::{Output, Target};
use super::progress::Progress;
use super::sample;
use super::summary::{self, Elapsed};
use super::{DEFECT, Failure, INTERRUPTED, program, tell, why};

/// Bad events told on standard error where there is no dead-letter file.
const BAD_EVENTS_TOLD: u64 = 10;

/// How long the input pauses before it is told that rows wait.
const PAUSE: Duration = Duration::from_secs(3);
/// How often the clock is looked at while the input pauses.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Something else to be done with the inputs before they are read.
pub(crate) type Prepare<'p> = &'p mut dyn FnMut(Vec<Input>) -> Result<Vec<Input>, Failure>;

/// Runs a program over its inputs.
pub(crate) fn run(flags: &RunFlags) -> Result<u8, Failure> {
    run_prepared(flags, &[], &mut Ok)
}

/// The program's file and the inputs of a command line.
pub(crate) fn split_paths(flags: &RunFlags) -> (Option<&str>, &[String]) {
    match (&flags.text.query, flags.paths.split_first()) {
        (Some(_), _) => (None, &flags.paths[..]),
        (None, Some((file, inputs))) => (Some(file.as_str()), inputs),
        (None, None) => (None, &[][..]),
    }
}

/// How the program of a command line is run.
pub(crate) fn options(flags: &RunFlags) -> Options {
    let mut options = Options {
        strict: flags.strict,
        max_line: flags.max_line,
        batch_size: flags.batch_size,
        ids: flags.ids,
        threads: flags.threads,
        ..Options::default()
    };
    // They are taken after each chunk, so that none is lost where every line is bad: the shortest has a byte and its end.
    options.limits.kept_bad_events = (CHUNK / 2 + 2) * options.chunks_under_way();
    flags.bounds.apply(&mut options.limits);
    options
}

/// The same with the inputs prepared in some way, for which these other files are read.
pub(crate) fn run_prepared(flags: &RunFlags, also_read: &[&str], prepare: Prepare<'_>) -> Result<u8, Failure> {
    let elapsed = Elapsed::start();
    let (file, inputs) = split_paths(flags);
    let options = options(flags);
    refuse_combinations(flags)?;
    let inputs = if inputs.is_empty() { vec!["-".to_owned()] } else { inputs.to_vec() };
    if inputs.iter().any(|i| i == "-") && io::stdin().is_terminal() {
        tell("betide: reading events from the terminal, one JSON object a line; Ctrl-D ends");
    }
    let paths = inputs;
    let mut opened = None;
    // Streams that are declared by their first events would be declared otherwise by others: a kept state has to know them.
    let mut engine = if flags.text.query.is_some() && flags.state.is_none() {
        let (engine, inputs) = compile_by_sample(flags, options, open(&paths, flags)?)?;
        opened = Some(inputs);
        engine
    } else {
        program::compile(file, &flags.text, options)?
    };
    if engine.outputs().next().is_none() {
        return Err(Failure::usage("the program has no query, so no row can come out"));
    }
    engine.reload_tables()?;
    flags.bounds.refuse_too_little()?;
    refuse_overwriting(flags, file.into_iter().chain(paths.iter().map(String::as_str)).chain(also_read.iter().copied()))?;
    let mut state = None;
    if let Some(folder) = &flags.state {
        let (kept, inputs) = State::open(&folder.to_string_lossy(), flags, &mut engine, &paths)?;
        let format = flags.input_format.map(Format::from);
        opened = Some(inputs.into_iter().map(|input| if let Some(format) = format { input.with_format(format) } else { input }).collect());
        state = Some(kept);
    }
    // Inputs first: where one is missing, the dead letters of the last run are still there.
    let target = match (&flags.output_file, &state) {
        (None, _) => Target::Stdout,
        (Some(_), Some(state)) => Target::Gathered { has_begun: !state.is_output_empty() },
        (Some(path), None) => Target::File(path),
    };
    let out = Output::new(target, flags.format, &engine)?;
    let inputs = prepare(opened.map_or_else(|| open(&paths, flags), Ok)?)?;
    let progress = Progress::new(&inputs);
    let mut inputs = Inputs::start(inputs)?;
    let dead_letters = flags.dead_letters.as_deref().filter(|_| state.is_none());
    let dead_letters = dead_letters.map(|path| DeadLetters::create(&path.to_string_lossy())).transpose()?;
    let mut run = Run {
        engine,
        out,
        progress,
        dead_letters,
        state,
        input: String::new(),
        format: Format::default(),
        header: None,
        is_strict: flags.strict,
        wants_all: flags.strict || flags.state.is_some() || flags.dead_letters.is_some() || !also_read.is_empty(),
        told: 0,
        ended: 0,
        has_told_pause: false,
        waited_for: None,
    };
    let code = run.run_to_the_end(&mut inputs);
    let closed = run.close();
    // What failed first is the reason: with a full disk the files cannot be closed either.
    if !matches!(code, Err(Stop::Failed(_))) {
        closed?;
    }
    match code {
        Ok(code) => {
            let reason = || {
                // Inputs that were prepared are not the files.
                let is_as_read = also_read.is_empty() && flags.state.is_none();
                let (_, options) = program::read(file, &flags.text, Options { max_line: flags.max_line, ..Options::default() }).ok()?;
                let text = run.engine.source().text();
                if is_as_read { why::likeliest(text, &options, &paths, flags.input_format.map(Format::from)) } else { None }
            };
            summary::tell(&run.engine.stats(), run.waited_for.as_deref(), &elapsed, flags.stats, &reason);
            Ok(run.code_of_ended().unwrap_or(code))
        }
        Err(Stop::OutputClosed) => Ok(run.code_of_ended().unwrap_or(0)),
        Err(Stop::Failed(failure)) => {
            // Nobody reads hints about a run that failed; the counters are told where they were asked for.
            if flags.stats {
                summary::tell(&run.engine.stats(), None, &elapsed, true, &|| None);
            }
            Err(failure)
        }
    }
}

/// Opens all inputs: what cannot be opened is told before anything is read.
fn open(paths: &[String], flags: &RunFlags) -> Result<Vec<Input>, Failure> {
    let inputs = paths.iter().map(|path| Input::open(path)).collect::<Result<Vec<_>, _>>()?;
    let format = flags.input_format.map(Format::from);
    Ok(inputs.into_iter().map(|input| if let Some(format) = format { input.with_format(format) } else { input }).collect())
}

/// Compiles the query of a command line; streams that it does not declare are declared by their first events. Where it does not compile
/// with the columns that it names, what is told of it is told with all of them.
fn compile_by_sample(flags: &RunFlags, options: Options, inputs: Vec<Input>) -> Result<(Engine, Vec<Input>), Failure> {
    let (declared, inputs) = sample::declare(&flags.text, &flags.sample, inputs)?;
    let mut text = flags.text.clone();
    let streams = std::mem::take(&mut text.stream);
    text.stream = [&streams[..], &declared.needed].concat();
    let compiled = program::compile(None, &text, options.clone()).or_else(|failure| {
        if declared.whole.is_empty() {
            return Err(failure);
        }
        text.stream = [&streams[..], &declared.whole].concat();
        program::compile(None, &text, options)
    });
    let engine = compiled?;
    declared.tell();
    Ok((engine, inputs))
}

/// What cannot be done together.
fn refuse_combinations(flags: &RunFlags) -> Result<(), Failure> {
    let is_table = matches!(flags.format, Some(OutputFormat::Table));
    if flags.ids && flags.format.is_some_and(|format| !matches!(format, OutputFormat::Jsonl)) {
        return Err(Failure::usage("--ids are written into lines of JSON: --format jsonl"));
    }
    if matches!(flags.format, Some(OutputFormat::Arrow)) && flags.state.is_some() {
        return Err(Failure::usage("an Arrow stream cannot be gone on with: --state takes --format jsonl or csv"));
    }
    if is_table && (flags.state.is_some() || flags.output_file.is_some()) {
        return Err(Failure::usage("a table is for eyes: --state and --output-file take --format jsonl or csv"));
    }
    if flags.state.is_some() && flags.output_file.is_some() && flags.output_file == flags.dead_letters {
        return Err(Failure::usage("--output-file and --dead-letters are one file"));
    }
    Ok(())
}

/// A file is emptied, or cut off, before anything is written: it must not be what is read.
pub(crate) fn refuse_overwriting<'p>(flags: &RunFlags, read: impl Iterator<Item = &'p str> + Clone) -> Result<(), Failure> {
    for (flag, written) in [("--dead-letters", &flags.dead_letters), ("--output-file", &flags.output_file)] {
        let Some(target) = written.as_ref().and_then(|path| path.canonicalize().ok()) else { continue };
        if let Some(path) = read.clone().find(|path| Path::new(path).canonicalize().is_ok_and(|read| read == target)) {
            return Err(Failure::usage(format!("{flag} would overwrite {path}, which is read")));
        }
    }
    Ok(())
}

/// A run under way.
struct Run {
    engine: Engine,
    out: Output,
    progress: Progress,
    dead_letters: Option<DeadLetters>,
    /// Where the run stands, if that is kept.
    state: Option<State>,
    /// The name of the current input.
    input: String,
    format: Format,
    /// Its header, where it has one.
    header: Option<Vec<u8>>,
    /// The first bad event is the end, and told as such.
    is_strict: bool,
    /// All of the input is asked for, whatever becomes of its rows: it is kept where the run stands, or what is bad in it.
    wants_all: bool,
    /// Bad events told so far.
    told: u64,
    /// Statements of which it was told that they have ended.
    ended: usize,
    /// Whether it was told that rows wait while the input pauses.
    has_told_pause: bool,
    /// What held rows back until the end of input, if a stream without events did.
    waited_for: Option<String>,
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
    fn run_to_the_end(&mut self, inputs: &mut Inputs) -> Result<u8, Stop> {
        let done = self.drive(inputs);
        if let Err(Stop::Failed(_)) = &done {
            // Where the engine is what failed, nothing is under way any more.
            let _ = self.catch_up();
            let _ = self.write().and_then(|()| self.flush());
        }
        done
    }

    fn drive(&mut self, inputs: &mut Inputs) -> Result<u8, Stop> {
        let code = loop {
            let message = match inputs.at_once() {
                Some(message) => message,
                None => self.wait(inputs)?,
            };
            self.reload_changed_tables();
            match message {
                Message::Begins(name, format) => {
                    (self.input, self.format, self.header) = (name, format, None);
                    self.state.iter_mut().for_each(State::begins);
                }
                Message::Bytes(chunk) => {
                    let pushed = match self.format {
                        Format::JsonLines => self.engine.push_json(chunk.bytes()),
                        Format::Csv => self.engine.push_csv(chunk.bytes()),
                    };
                    if self.header.is_none() {
                        self.header = self.engine.csv_header().map(<[u8]>::to_vec);
                    }
                    pushed.map_err(|error| self.failure(error))?;
                    self.state.iter_mut().for_each(|state| state.read(chunk.bytes()));
                    inputs.give_back(chunk);
                }
                // Of a run that is kept the last input may grow: its end is the end of the run, and no sooner.
                Message::Ends if self.state.as_ref().is_some_and(State::is_last) => {}
                Message::Ends => self.engine.end_input().map_err(|error| self.failure(error))?,
                Message::Done => break 0,
                Message::Interrupted => break INTERRUPTED,
                Message::Failed(why) => return Err(Failure::outside(why).into()),
            }
            self.settle_bad_events()?;
            self.write()?;
            self.tell_ended()?;
            if self.has_all() {
                self.flush()?;
                return Ok(0);
            }
            if self.progress.is_due() && !self.out.is_seen() {
                self.progress.show(self.engine.events());
            }
            if self.state.as_ref().is_some_and(|state| state.is_due(&self.engine)) {
                self.checkpoint()?;
            }
        };
        self.progress.clear();
        self.catch_up()?;
        if self.state.is_some() {
            self.checkpoint()?;
            if code == INTERRUPTED {
                return Ok(code);
            }
            return self.finish_kept();
        }
        self.waited_for = summary::waited_for(&self.engine.stats());
        self.engine.finish()?;
        self.write()?;
        self.flush()?;
        self.tell_ended()?;
        Ok(code)
    }

    /// Whether there is nothing to read on for: all queries have the rows of their LIMITs.
    fn has_all(&self) -> bool {
        !self.wants_all && self.engine.events() > 0 && self.engine.is_done()
    }

    /// Tells of statements that have ended. Where none is left, there is nothing to go on for.
    fn tell_ended(&mut self) -> Result<(), Stop> {
        let ended = self.engine.ended();
        for ended in ended.iter().skip(self.ended) {
            self.progress.clear();
            tell(&format!("betide: {ended}"));
        }
        if self.ended == ended.len() || !self.engine.is_over() {
            self.ended = ended.len();
            return Ok(());
        }
        self.ended = ended.len();
        let code = self.code_of_ended().unwrap_or(DEFECT);
        Err(Stop::Failed(Failure { code, message: "betide: every statement has ended, so no row can come any more".to_owned() }))
    }

    fn code_of_ended(&self) -> Option<u8> {
        code_of_ended(&self.engine)
    }

    /// Has what was written last reach the files.
    fn close(&mut self) -> Result<(), Failure> {
        self.settle_bad_events()?;
        if let Some(dead_letters) = &mut self.dead_letters {
            dead_letters.flush()?;
        }
        self.state.as_mut().map_or(Ok(()), State::sync)
    }

    /// Has all that was read and written so far survive a crash.
    fn checkpoint(&mut self) -> Result<(), Stop> {
        self.catch_up()?;
        self.flush()?;
        if let Some(state) = &mut self.state {
            state.checkpoint(&mut self.engine)?;
        }
        Ok(())
    }

    /// The end of a run that is kept: the checkpoint before it stays the one to go on from, should the inputs grow.
    fn finish_kept(&mut self) -> Result<u8, Stop> {
        if self.state.as_ref().is_some_and(State::is_nothing_new) {
            tell("betide: nothing new has come since the last run came to the end of its inputs");
            return Ok(0);
        }
        let before = self.engine.snapshot()?;
        self.waited_for = summary::waited_for(&self.engine.stats());
        self.engine.finish()?;
        self.settle_bad_events()?;
        self.write()?;
        self.flush()?;
        self.tell_ended()?;
        if let Some(state) = self.state.as_mut().filter(|state| !state.has_output_file()) {
            state.close(before)?;
        }
        Ok(0)
    }

    /// What has been read and is still being decoded is done, and what comes of it written.
    fn catch_up(&mut self) -> Result<(), Stop> {
        let done = self.engine.catch_up().map_err(|error| self.failure(error));
        self.settle_bad_events()?;
        self.write()?;
        Ok(done?)
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

    /// The input pauses: what is certain leaves, and the arrival clock goes on, so that silent streams become idle.
    fn wait(&mut self, inputs: &mut Inputs) -> Result<Message, Stop> {
        self.catch_up()?;
        self.flush()?;
        let mut paused = Duration::ZERO;
        loop {
            if let Some(message) = inputs.within(LOOK_EVERY) {
                return Ok(message);
            }
            paused += LOOK_EVERY;
            self.reload_changed_tables();
            self.engine.tick()?;
            self.write()?;
            self.flush()?;
            if paused >= PAUSE
                && !self.has_told_pause
                && let Some(hint) = summary::pause(&self.engine.stats())
            {
                self.has_told_pause = true;
                tell(&hint);
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
        self.put_out(|run| run.out.write(&mut run.engine))?;
        self.hand_over()
    }

    /// Rows that are gathered for a file which can be cut off go there.
    fn hand_over(&mut self) -> Result<(), Stop> {
        if let Some(state) = self.state.as_mut().filter(|state| state.has_output_file()) {
            let text = self.out.take_gathered();
            if !text.is_empty() {
                state.append_rows(&text)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stop> {
        self.put_out(|run| run.out.flush())
    }

    /// Whoever reads the output may let it wait; meanwhile nothing is read, and no stream is silent.
    fn put_out(&mut self, put: impl FnOnce(&mut Self) -> io::Result<()>) -> Result<(), Stop> {
        let begun = Elapsed::start();
        if self.out.is_seen() {
            self.progress.clear();
        }
        let put = put(self);
        self.engine.excuse(begun.as_pause());
        put.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => Stop::OutputClosed,
            _ => Stop::Failed(self.out.failure(&error)),
        })
    }

    /// Bad events go to the dead-letter file; without one, the first few are told.
    fn settle_bad_events(&mut self) -> Result<(), Failure> {
        for bad in self.engine.take_bad_events() {
            let header = self.header.as_deref();
            if let Some(state) = self.state.as_mut().filter(|state| state.has_dead_letters()) {
                state.append_letters(&DeadLetters::letter(&self.input, header, &bad))?;
                continue;
            }
            if let Some(dead_letters) = &mut self.dead_letters {
                dead_letters.write(&self.input, header, &bad)?;
                continue;
            }
            if self.is_strict {
                continue;
            }
            self.told += 1;
            self.progress.clear();
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

/// What a run ends with in which statements have ended before it.
pub(crate) fn code_of_ended(engine: &Engine) -> Option<u8> {
    let ended = engine.ended();
    let is_defect = ended.iter().any(|ended| ended.cause.is_defect());
    (!ended.is_empty()).then_some(if is_defect { DEFECT } else { 65 })
}

pub(crate) fn told(input: &str, bad: &BadEvent) -> String {
    format!("{input}, line {}: bad event ({}): {}", bad.line, bad.cause, bad.detail)
}
