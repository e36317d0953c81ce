//! `betide dead-letters replay`: events that were bad, once more.
//!
//! Alone, the letters' events are one input of which all is there at once: they wait for its end and go on in order of event time, so that
//! none is late. Among their inputs each stands where its line stood, and the run is like any other.

use std::path::PathBuf;

use betide::connect::{DeadLetters, Input, Letter, Letters, Mended, Placed, one_line};
use betide::{DataError, Engine, Error, Options};

use super::{Causes, Unread, letters};
use crate::cli::flags::{ReplayFlags, RunFlags};
use crate::cli::output::{Output, Target};
use crate::cli::summary::{self, Elapsed, grouped};
use crate::cli::{Failure, program, run, tell};

/// Bad events told on standard error where they go to no file.
const BAD_EVENTS_TOLD: u64 = 10;

pub(super) fn replay(flags: &ReplayFlags) -> Result<u8, Failure> {
    if flags.run.state.is_some() {
        return Err(Failure::usage("a replay is a run of its own: --state goes with betide run"));
    }
    let causes = Causes::new(&flags.cause)?;
    let (file, inputs) = run::split_paths(&flags.run);
    if flags.run.text.query.is_none() && file.is_none() {
        return Err(Failure::usage("which program? Give it behind the letters: betide dead-letters replay LETTERS PROGRAM"));
    }
    if inputs.is_empty() { alone(flags, &causes, file) } else { among_inputs(flags, causes) }
}

/// The run over the inputs, with the letters in their places.
fn among_inputs(flags: &ReplayFlags, causes: Causes) -> Result<u8, Failure> {
    let mut mended = None;
    let mut causes = Some(causes);
    let name = flags.letters.as_str();
    let code = run::run_prepared(&flags.run, &[name], &mut |inputs| {
        let causes = causes.take();
        let wants = move |letter: &Letter| causes.as_ref().is_none_or(|causes| causes.wants(letter));
        let (queue, inputs) = Mended::new(Input::open(name)?, wants, inputs);
        mended = Some(queue);
        Ok(inputs)
    })?;
    let Some(mended) = mended else { return Ok(code) };
    let placed = mended.finish().map_err(Failure::outside)?;
    let mut unread = Unread::default();
    for (line, why) in &placed.unread.1 {
        unread.add(name, *line, why);
    }
    unread.lines = placed.unread.0;
    tell_placed(name, &placed);
    let is_torn = placed.out_of_order.0 > 0;
    Ok(match (code, unread.code(name)) {
        (0, 0) if is_torn => 65,
        (0, unread) => unread,
        (code, _) => code,
    })
}

fn tell_placed(name: &str, placed: &Placed) {
    tell(&format!("betide: {} of {name} put back", letters(placed.put_back)));
    let (elsewhere, first) = &placed.elsewhere;
    let first = first.as_ref().map_or(String::new(), |first| format!("; the first is of {first}"));
    let left_out = [
        (placed.unwanted, "another cause".to_owned()),
        (*elsewhere, format!("these inputs have no such line{first}")),
        (
            placed.heads,
            "only the head of the line is there, and the input's own line was read; --max-line says how long one may be".to_owned(),
        ),
        (placed.records, "comma-separated values: replay them alone, or mend the file itself".to_owned()),
        (
            placed.out_of_order.0,
            format!("not in the order of the inputs, from line {} of {name} on", placed.out_of_order.1.unwrap_or_default()),
        ),
    ];
    tell_left_out(&left_out);
}

fn tell_left_out(left_out: &[(u64, String)]) {
    for (count, what) in left_out.iter().filter(|(count, _)| *count > 0) {
        tell(&format!("betide: left out: {} ({what})", letters(*count)));
    }
}

/// The letters' events and nothing else.
fn alone(flags: &ReplayFlags, causes: &Causes, file: Option<&str>) -> Result<u8, Failure> {
    let elapsed = Elapsed::start();
    let options = Options { whole_input: true, ..run::options(&flags.run) };
    let mut engine = program::compile(file, &flags.run.text, options)?;
    if engine.outputs().next().is_none() {
        return Err(Failure::usage("the program has no query, so no row can come out"));
    }
    engine.reload_tables()?;
    run::refuse_overwriting(&flags.run, file.into_iter().chain([flags.letters.as_str()]))?;
    let input = Input::open(&flags.letters)?;
    let name = input.name().to_string();
    let mut replay = Replay::start(engine, &flags.run)?;
    let mut file = Letters::new(input, &name);
    let mut unread = Unread::default();
    let (mut unwanted, mut heads) = (0, 0);
    while let Some((line, letter)) = file.next_letter()? {
        match letter {
            Err(why) => unread.add(&name, line, &why),
            Ok(letter) if !causes.wants(&letter) => unwanted += 1,
            Ok(letter) if letter.is_only_a_head() => heads += 1,
            Ok(letter) => replay.push(letter)?,
        }
    }
    let is_read = replay.finish()?;
    replay.engine.ended().iter().for_each(|ended| tell(&format!("betide: {ended}")));
    let stats = replay.engine.stats();
    if is_read {
        summary::tell(&stats, None, &elapsed, flags.run.stats, &|| None);
    }
    let unrouted = if stats.unrouted > 0 { format!(", {} of no stream", grouped(stats.unrouted)) } else { String::new() };
    let went = format!("{} went through, {} bad again{unrouted}", grouped(stats.processed), grouped(stats.bad));
    tell(&format!("betide: {} of {name} replayed: {went}", letters(replay.pushed)));
    tell_left_out(&[
        (unwanted, "another cause".to_owned()),
        (heads, "only the head of the line is there: read the input again, with a longer --max-line".to_owned()),
        (replay.blank, "no event in it".to_owned()),
    ]);
    let code = unread.code(&name);
    Ok(run::code_of_ended(&replay.engine).unwrap_or(code))
}

/// A replay under way.
struct Replay {
    engine: Engine,
    out: Output,
    dead_letters: Option<DeadLetters>,
    is_strict: bool,
    pushed: u64,
    blank: u64,
    told: u64,
}

impl Replay {
    fn start(engine: Engine, flags: &RunFlags) -> Result<Self, Failure> {
        let target = flags.output_file.as_deref().map_or(Target::Stdout, Target::File);
        let out = Output::new(target, flags.format, &engine)?;
        let create = |path: &PathBuf| DeadLetters::create(&path.to_string_lossy());
        let dead_letters = flags.dead_letters.as_ref().map(create).transpose()?;
        Ok(Self { engine, out, dead_letters, is_strict: flags.strict, pushed: 0, blank: 0, told: 0 })
    }

    /// One event. A record of comma-separated values comes behind its header, and each as an input of its own: a quote that is open in one
    /// does not reach the next.
    fn push(&mut self, letter: Letter) -> Result<(), Failure> {
        if letter.bytes.trim_ascii().is_empty() {
            self.blank += 1;
            return Ok(());
        }
        self.pushed += 1;
        let pushed = match &letter.header {
            Some(header) => {
                let text = [header.as_bytes(), b"\n", &letter.bytes, b"\n"].concat();
                self.engine.push_csv(&text).and_then(|()| self.engine.end_input())
            }
            None => self.engine.push_json(&[&one_line(letter.bytes.clone())[..], b"\n"].concat()),
        };
        self.settle(&letter)?;
        pushed.map_err(|error| match error {
            Error::Data(DataError::BadEvent(bad)) => {
                let bad = betide::BadEvent { line: letter.line, offset: letter.offset, ..bad };
                Failure { code: 65, message: format!("betide: {}", run::told(&letter.source, &bad)) }
            }
            other => other.into(),
        })
    }

    /// What is bad again stands where it stood at first.
    fn settle(&mut self, letter: &Letter) -> Result<(), Failure> {
        for bad in self.engine.take_bad_events() {
            let bad = betide::BadEvent { line: letter.line, offset: letter.offset, bytes: letter.bytes.clone(), ..bad };
            if let Some(dead_letters) = &mut self.dead_letters {
                dead_letters.write(&letter.source, letter.header.as_deref().map(str::as_bytes), &bad)?;
            } else if !self.is_strict {
                self.told += 1;
                if self.told <= BAD_EVENTS_TOLD {
                    tell(&format!("betide: {}", run::told(&letter.source, &bad)));
                }
                if self.told == BAD_EVENTS_TOLD {
                    tell("betide: further bad events are only counted; --dead-letters PATH keeps them all");
                }
            }
        }
        Ok(())
    }

    /// The end: all rows come out. Says whether anybody read them.
    fn finish(&mut self) -> Result<bool, Failure> {
        self.engine.finish()?;
        if let Some(dead_letters) = &mut self.dead_letters {
            dead_letters.flush()?;
        }
        match self.out.write(&mut self.engine).and_then(|()| self.out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(self.out.failure(&error)),
        }
    }
}
