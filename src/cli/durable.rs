//! `--state`: where a run stands in its inputs and what it has written, kept so that the next run goes on from there.
//!
//! A checkpoint has the engine's snapshot and, for each input that was begun, how many of its bytes the engine has had, with a digest: of a
//! plain file that of the last bytes before, which is looked at where it is gone on from; of a pipe or a packed file that of all of them, which
//! are read again and passed over. The files that the run appends to are those of [`Durable`].
//!
//! The last checkpoint is made where the inputs end, before the end of input is told to the engine. So a run over inputs that have grown, or
//! over more of them, goes on as if it had never ended: rows that only the end had made certain are taken back with what stands behind the
//! checkpoint, and come again where they are still right.

use std::io::Read;
use std::path::PathBuf;

use betide::Engine;
use betide::connect::storage::{Disk, Storage};
use betide::connect::{Durable, Input};
use betide::data::{StateReader, StateWriter};
use sha2::{Digest, Sha256};

use super::flags::{CheckpointEvery, RunFlags};
use super::summary::Elapsed;
use super::{Failure, tell};

/// How many bytes before a position are looked at in a plain file.
const TAIL: u64 = 4096;
/// How much is read at once of what is passed over.
const CHUNK: usize = 256 * 1024;

/// How far an input has been read.
#[derive(Debug, Clone)]
struct Position {
    name: String,
    offset: u64,
    is_plain: bool,
    digest: [u8; 32],
}

/// What is kept of a run beside its files.
#[derive(Debug)]
struct Kept {
    inputs: Vec<Position>,
    /// All rows had come out of a run that cannot take any back.
    is_over: bool,
    snapshot: Vec<u8>,
}

betide::saved!(Position { name, offset, is_plain, digest });
betide::saved!(Kept { inputs, is_over, snapshot });

/// A run whose state is kept.
pub(crate) struct State {
    durable: Durable<Disk>,
    every: CheckpointEvery,
    folder: String,
    /// All inputs of the command line, and how far those that have begun were read.
    paths: Vec<String>,
    inputs: Vec<Position>,
    /// Of all bytes of the input at hand, where it is read from the beginning.
    digest: Sha256,
    /// Rows go to a file, from which they can be taken back.
    has_output_file: bool,
    /// The number of the dead-letter file.
    dead_letters: Option<usize>,
    /// The last run came to the end of its inputs, and has written rows that stay.
    was_over: bool,
    has_begun: bool,
    events: u64,
    since: Elapsed,
}

/// The files that a run appends to, as they are written on the command line.
fn files(flags: &RunFlags) -> Vec<String> {
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    flags.output_file.iter().chain(&flags.dead_letters).map(text).collect()
}

impl State {
    /// Takes up what the last run has left, if there was one, and opens the inputs where it stood.
    pub(crate) fn open(folder: &str, flags: &RunFlags, engine: &mut Engine, paths: &[String]) -> Result<(Self, Vec<Input>), Failure> {
        let (durable, found) = Durable::open(Disk::new(), folder, &files(flags)).map_err(Failure::outside)?;
        found.told.iter().for_each(|told| tell(&format!("betide: {told}")));
        let has_output_file = flags.output_file.is_some();
        let mut state = Self {
            durable,
            every: flags.checkpoint_every,
            folder: folder.to_owned(),
            paths: paths.to_vec(),
            inputs: Vec::new(),
            digest: Sha256::new(),
            has_output_file,
            dead_letters: flags.dead_letters.as_ref().map(|_| usize::from(has_output_file)),
            was_over: false,
            has_begun: false,
            events: 0,
            since: Elapsed::start(),
        };
        let inputs = match found.state {
            Some(kept) => state.go_on(&kept, engine, paths)?,
            None => paths.iter().map(|path| Input::open(path)).collect::<Result<Vec<_>, _>>()?,
        };
        state.events = engine.events();
        Ok((state, inputs))
    }

    fn go_on(&mut self, kept: &[u8], engine: &mut Engine, paths: &[String]) -> Result<Vec<Input>, Failure> {
        let mut reader = StateReader::new(kept);
        let kept: Kept = reader.take().map_err(|error| Failure::outside(format!("the checkpoint in {}: {error}", self.folder)))?;
        let restored = engine.take_up(&kept.snapshot).map_err(|error| {
            let hint = format!("remove {} to begin anew, or take another folder", self.folder);
            Failure { code: 65, message: format!("betide: {error}\n  {hint}") }
        })?;
        let told = [
            ("new, and begin now", &restored.added),
            ("gone, and what they held is too", &restored.removed),
            ("tables whose rows have changed since the last run", &restored.tables_changed),
        ];
        for (what, names) in told.iter().filter(|(_, names)| !names.is_empty()) {
            tell(&format!("betide: {}: {what}", names.join(", ")));
        }
        self.was_over = kept.is_over;
        let inputs = self.open_inputs(&kept.inputs, paths)?;
        self.inputs = kept.inputs;
        let last = self.inputs.last().map_or(String::new(), |last| format!("{} at byte {}", last.name, last.offset));
        tell(&format!("betide: going on from {} events, {last}", engine.events()));
        Ok(inputs)
    }

    /// Opens the inputs from the one at hand on. Those before it have been read to their ends.
    fn open_inputs(&mut self, before: &[Position], paths: &[String]) -> Result<Vec<Input>, Failure> {
        for (number, position) in before.iter().enumerate() {
            if paths.get(number) != Some(&position.name) {
                let now = paths.get(number).map_or("is none", |path| path.as_str());
                let text = format!("input {} was {} in the last run with {}, and {now} now", number + 1, position.name, self.folder);
                return Err(Failure::usage(text));
            }
        }
        let Some((at, ended)) = before.split_last() else {
            return Ok(paths.iter().map(|path| Input::open(path)).collect::<Result<Vec<_>, _>>()?);
        };
        for position in ended.iter().filter(|position| position.is_plain) {
            let length = Disk::new().length(&position.name).ok().flatten();
            if length.is_some_and(|length| length != position.offset) {
                let text = format!(
                    "{} had {} bytes when {} was begun, and has changed since: what it has more would come too late",
                    position.name, position.offset, at.name
                );
                return Err(Failure { code: 65, message: format!("betide: {text}") });
            }
        }
        let mut inputs = vec![self.open_at(at)?];
        for path in &paths[before.len()..] {
            inputs.push(Input::open(path)?);
        }
        Ok(inputs)
    }

    fn open_at(&mut self, at: &Position) -> Result<Input, Failure> {
        let differs = |what: &str| {
            let text = format!("{}: {what} before byte {} than in the last run with {}", at.name, at.offset, self.folder);
            Failure { code: 65, message: format!("betide: {text}") }
        };
        if at.is_plain {
            let length = Disk::new().length(&at.name).map_err(|error| Failure::outside(format!("cannot look at {}: {error}", at.name)))?;
            if length.is_none_or(|length| length < at.offset) {
                return Err(differs("there are fewer bytes"));
            }
            if tail_of(&at.name, at.offset)? != at.digest {
                return Err(differs("there is something else"));
            }
            return Ok(Input::open_at(&at.name, at.offset)?);
        }
        let mut input = Input::open(&at.name)?;
        let mut digest = Sha256::new();
        let mut left = at.offset;
        let mut buffer = vec![0; CHUNK];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            match input.read(&mut buffer[..most]) {
                Ok(0) => return Err(differs("there are fewer bytes")),
                Ok(count) => {
                    digest.update(&buffer[..count]);
                    left -= count as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure::outside(format!("cannot read {}: {error}", at.name))),
            }
        }
        let found: [u8; 32] = digest.clone().finalize().into();
        if found != at.digest {
            return Err(differs("there is something else"));
        }
        self.digest = digest;
        Ok(input)
    }

    /// The next input begins; the first of a run that goes on is the one at which the last run stood.
    pub(crate) fn begins(&mut self) {
        if !std::mem::replace(&mut self.has_begun, true) && !self.inputs.is_empty() {
            return;
        }
        let Some(path) = self.paths.get(self.inputs.len()) else { return };
        self.digest = Sha256::new();
        self.inputs.push(Position { name: path.clone(), offset: 0, is_plain: Input::is_plain(path), digest: [0; 32] });
    }

    /// Whether the input at hand is the last one.
    pub(crate) fn is_last(&self) -> bool {
        self.inputs.len() == self.paths.len()
    }

    /// The engine has had these bytes.
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        let Some(at) = self.inputs.last_mut() else { return };
        at.offset += bytes.len() as u64;
        self.was_over = false;
        if !at.is_plain {
            self.digest.update(bytes);
        }
    }

    /// Appends rows to the output file.
    pub(crate) fn append_rows(&mut self, text: &[u8]) -> Result<(), Failure> {
        self.durable.append(0, text).map_err(Failure::outside)
    }

    /// Appends to the dead-letter file.
    pub(crate) fn append_letters(&mut self, text: &[u8]) -> Result<(), Failure> {
        match self.dead_letters {
            Some(file) => self.durable.append(file, text).map_err(Failure::outside),
            None => Ok(()),
        }
    }

    /// Whether rows go to a file.
    pub(crate) fn has_output_file(&self) -> bool {
        self.has_output_file
    }

    /// Whether dead letters are kept.
    pub(crate) fn has_dead_letters(&self) -> bool {
        self.dead_letters.is_some()
    }

    /// Whether nothing has been written to the output file yet.
    pub(crate) fn is_output_empty(&self) -> bool {
        self.has_output_file && self.durable.length(0) == 0
    }

    /// Whether it is time for a checkpoint.
    pub(crate) fn is_due(&self, engine: &Engine) -> bool {
        match self.every {
            CheckpointEvery::Events(count) => engine.events().saturating_sub(self.events) >= count,
            CheckpointEvery::Time(time) => self.since.get() >= time,
        }
    }

    /// Whether the last run had come to the end as well, nothing has come since, and its last rows are out for good.
    pub(crate) fn is_nothing_new(&self) -> bool {
        self.was_over && !self.has_output_file
    }

    /// Has all that the run has done so far survive a crash. Rows that go to standard output have been flushed.
    pub(crate) fn checkpoint(&mut self, engine: &mut Engine) -> Result<(), Failure> {
        if let Some(at) = self.inputs.last_mut() {
            at.digest = if at.is_plain { tail_of(&at.name, at.offset)? } else { self.digest.clone().finalize().into() };
        }
        let snapshot = engine.snapshot()?;
        self.commit(snapshot, false)?;
        self.events = engine.events();
        self.since = Elapsed::start();
        Ok(())
    }

    /// All rows are out for good: nothing can take them back. `snapshot` is the state before the end of input.
    pub(crate) fn close(&mut self, snapshot: Vec<u8>) -> Result<(), Failure> {
        self.commit(snapshot, true)
    }

    fn commit(&mut self, snapshot: Vec<u8>, is_over: bool) -> Result<(), Failure> {
        let mut writer = StateWriter::default();
        writer.put(&Kept { inputs: self.inputs.clone(), is_over, snapshot });
        self.durable.commit(writer.finish()).map_err(Failure::outside)
    }

    /// The rows and letters of the end, which stand behind the last checkpoint, survive a crash too.
    pub(crate) fn sync(&mut self) -> Result<(), Failure> {
        self.durable.sync().map_err(Failure::outside)
    }
}

/// A digest of the last bytes of a file before an offset.
fn tail_of(path: &str, offset: u64) -> Result<[u8; 32], Failure> {
    let begin = offset.saturating_sub(TAIL);
    let count = usize::try_from(offset - begin).unwrap_or(0);
    let bytes = Disk::new().read_at(path, begin, count).map_err(|error| Failure::outside(format!("cannot read {path}: {error}")))?;
    Ok(Sha256::digest(bytes).into())
}
