//! Files that go on after a crash where a checkpoint says: what was written behind it is taken back, and nothing before it is lost.
//!
//! A checkpoint is one file, `checkpoint-` and its number, written under another name, synced, renamed, and the folder synced; so it is there
//! whole or not at all. Before that, the files that the run appends to are synced, and the checkpoint has their lengths. The last two are
//! kept: where the newest is damaged, the one before it is taken, and that is told.

use std::io;

use sha2::{Digest, Sha256};

use super::storage::{Storage, folder_of};
use crate::data::{StateError, StateReader, StateWriter};

/// How every checkpoint begins.
const MAGIC: &[u8; 8] = b"betide-c";
const VERSION: u32 = 1;
const HEAD: usize = 8 + 4 + 8 + 32;
const PREFIX: &str = "checkpoint-";
/// What a checkpoint is called until it is whole.
const UNFINISHED: &str = "unfinished";
/// How many are kept.
const KEPT: usize = 2;
/// How many bytes at the end of what was written are looked at, to know a file again.
const TAIL: u64 = 4096;

/// A file that the run appends to, as a checkpoint has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Written {
    path: String,
    length: u64,
    /// A digest of its last bytes.
    tail: [u8; 32],
}

crate::saved!(Written { path, length, tail });

/// A checkpoint as it is kept.
#[derive(Debug)]
struct Kept {
    files: Vec<Written>,
    /// What the run says of itself.
    state: Vec<u8>,
}

crate::saved!(Kept { files, state });

/// The checkpoints of a folder, and the files that a run appends to.
#[derive(Debug)]
pub struct Durable<S> {
    storage: S,
    folder: String,
    files: Vec<Appended>,
    /// The number that the next checkpoint gets.
    next: u64,
    /// Checkpoints that are damaged: they go when the next one is there, and do not count among those that are kept.
    damaged: Vec<String>,
    /// Something has failed: what is on the disk is not known any more, and what a failed sync gave up no later one brings back.
    has_failed: bool,
}

#[derive(Debug)]
struct Appended {
    path: String,
    length: u64,
    /// The folder knows of it.
    is_named: bool,
}

/// What was found in the folder.
#[derive(Debug, Default)]
pub struct Found {
    /// What the run said of itself at the last good checkpoint.
    pub state: Option<Vec<u8>>,
    /// What is to be told: damaged checkpoints, and what was taken back.
    pub told: Vec<String>,
}

/// Why a run cannot go on.
#[derive(Debug)]
pub enum DurableError {
    /// The storage failed.
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        error: io::Error,
    },
    /// What is there is not what the last checkpoint says: in words.
    Unlike(String),
}

impl std::fmt::Display for DurableError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { doing, error } => write!(f, "{doing}: {error}"),
            Self::Unlike(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for DurableError {}

/// Says what was being done.
fn doing<T>(done: io::Result<T>, what: impl FnOnce() -> String) -> Result<T, DurableError> {
    done.map_err(|error| DurableError::Io { doing: what(), error })
}

impl<S: Storage> Durable<S> {
    /// Looks for the last good checkpoint of a folder, which is made where it is not there. The files are those that the run will append to;
    /// what stands in them behind the checkpoint is taken back, and without a checkpoint they are emptied.
    pub fn open(storage: S, folder: &str, files: &[String]) -> Result<(Self, Found), DurableError> {
        let mut durable = Self { storage, folder: folder.to_owned(), files: Vec::new(), next: 0, damaged: Vec::new(), has_failed: false };
        doing(durable.storage.make_folder(folder), || format!("cannot make the folder {folder}"))?;
        doing(durable.storage.sync_folder(folder_of(folder)), || format!("cannot sync the folder of {folder}"))?;
        // A checkpoint that was never finished may share its bytes with one that was, where a crash has torn a renaming apart: it must not be
        // written over.
        let unfinished = format!("{folder}/{UNFINISHED}");
        if doing(durable.storage.length(&unfinished), || format!("cannot look at {unfinished}"))?.is_some() {
            doing(durable.storage.remove(&unfinished), || format!("cannot remove {unfinished}"))?;
        }
        let mut told = Vec::new();
        let kept = durable.last_good(&mut told)?;
        for path in files {
            let written = kept.as_ref().map(|kept| kept.files.iter().find(|written| written.path == *path));
            let length = match written {
                None => 0,
                Some(None) => {
                    let what = format!("the last run with {folder} did not write to {path}: give it the same files, or another folder");
                    return Err(DurableError::Unlike(what));
                }
                Some(Some(written)) => durable.check(written)?,
            };
            durable.take_back(path, length, &mut told)?;
        }
        if let Some(written) = kept.iter().flat_map(|kept| &kept.files).find(|written| !files.contains(&written.path)) {
            let what = format!("the last run with {folder} wrote to {}: give it the same files, or another folder", written.path);
            return Err(DurableError::Unlike(what));
        }
        Ok((durable, Found { state: kept.map(|kept| kept.state), told }))
    }

    /// Does something, unless something has failed before: then the files may have parts of what was written, and go on from the last
    /// checkpoint only when they are opened again.
    fn unless_failed(&mut self, act: impl FnOnce(&mut Self) -> Result<(), DurableError>) -> Result<(), DurableError> {
        if self.has_failed {
            let error = io::Error::other("something has failed before; open it again, to go on from the last checkpoint");
            return Err(DurableError::Io { doing: format!("the run with {}", self.folder), error });
        }
        let done = act(self);
        self.has_failed = done.is_err();
        done
    }

    /// Appends to the file of a number. After an error this, [`Durable::sync`] and [`Durable::commit`] give errors.
    pub fn append(&mut self, file: usize, bytes: &[u8]) -> Result<(), DurableError> {
        self.unless_failed(|durable| {
            let file = &mut durable.files[file];
            doing(durable.storage.append(&file.path, bytes), || format!("cannot write to {}", file.path))?;
            file.length += bytes.len() as u64;
            Ok(())
        })
    }

    /// Has all that was appended so far survive a crash of the machine, though it stands behind the last checkpoint.
    pub fn sync(&mut self) -> Result<(), DurableError> {
        self.unless_failed(|durable| {
            let storage = &mut durable.storage;
            durable.files.iter().try_for_each(|file| doing(storage.sync(&file.path), || format!("cannot sync {}", file.path)))
        })
    }

    /// How long the file of a number is.
    pub fn length(&self, file: usize) -> u64 {
        self.files[file].length
    }

    /// Has all that was appended so far survive a crash, and `state` with it, from which the run goes on.
    pub fn commit(&mut self, state: Vec<u8>) -> Result<(), DurableError> {
        self.unless_failed(|durable| durable.write_checkpoint(state))
    }

    fn write_checkpoint(&mut self, state: Vec<u8>) -> Result<(), DurableError> {
        let mut files = Vec::new();
        for file in &mut self.files {
            let path = &file.path;
            doing(self.storage.sync(path), || format!("cannot sync {path}"))?;
            if !std::mem::replace(&mut file.is_named, true) {
                doing(self.storage.sync_folder(folder_of(path)), || format!("cannot sync the folder of {path}"))?;
            }
            let tail = tail(&self.storage, path, file.length)?;
            files.push(Written { path: path.clone(), length: file.length, tail });
        }
        let mut body = StateWriter::default();
        body.put(&Kept { files, state });
        let (folder, number) = (&self.folder, self.next);
        let path = format!("{folder}/{PREFIX}{number:020}");
        let unfinished = format!("{folder}/{UNFINISHED}");
        let failed = || format!("cannot write the checkpoint {path}");
        doing(self.storage.write(&unfinished, &sealed(&body.finish())), failed)?;
        doing(self.storage.sync(&unfinished), failed)?;
        doing(self.storage.rename(&unfinished, &path), failed)?;
        doing(self.storage.sync_folder(folder), failed)?;
        self.next += 1;
        self.forget_old()
    }

    /// The storage.
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// The storage, when the run is over.
    pub fn into_storage(self) -> S {
        self.storage
    }

    fn names(&self) -> Result<Vec<(u64, String)>, DurableError> {
        let names = doing(self.storage.list(&self.folder), || format!("cannot list {}", self.folder))?;
        let number = |name: String| Some((name.strip_prefix(PREFIX)?.parse().ok()?, format!("{}/{name}", self.folder)));
        let mut found: Vec<(u64, String)> = names.into_iter().filter_map(number).collect();
        found.sort_unstable();
        Ok(found)
    }

    fn last_good(&mut self, told: &mut Vec<String>) -> Result<Option<Kept>, DurableError> {
        let found = self.names()?;
        self.next = found.last().map_or(0, |(number, _)| number + 1);
        let are_there = !found.is_empty();
        for (_, path) in found.into_iter().rev() {
            match doing(self.storage.read(&path), || format!("cannot read {path}")).map(|bytes| opened(&bytes)) {
                Ok(Ok(kept)) => return Ok(Some(kept)),
                Ok(Err(error)) => {
                    told.push(format!("the checkpoint {path} is damaged ({error}): the one before it is taken"));
                    self.damaged.push(path);
                }
                Err(error) => return Err(error),
            }
        }
        if are_there {
            let what = format!("no checkpoint in {} is whole: remove the folder to begin anew", self.folder);
            return Err(DurableError::Unlike(what));
        }
        Ok(None)
    }

    /// Whether a file is what was written: not shorter, and the same at its end then. Gives its length then.
    fn check(&self, written: &Written) -> Result<u64, DurableError> {
        let path = &written.path;
        let there = doing(self.storage.length(path), || format!("cannot look at {path}"))?.unwrap_or(0);
        if there < written.length {
            let what = format!("{path} has {there} bytes, and {} had been written to it for good", written.length);
            return Err(DurableError::Unlike(what));
        }
        if tail(&self.storage, path, written.length)? != written.tail {
            return Err(DurableError::Unlike(format!("{path} is not the file that the last run wrote")));
        }
        Ok(written.length)
    }

    fn take_back(&mut self, path: &str, length: u64, told: &mut Vec<String>) -> Result<(), DurableError> {
        let there = doing(self.storage.length(path), || format!("cannot look at {path}"))?;
        if let Some(more) = there.unwrap_or(0).checked_sub(length).filter(|more| *more > 0) {
            told.push(format!("{more} bytes of {path} behind the last checkpoint are taken back"));
        }
        if there != Some(length) {
            doing(self.storage.truncate(path, length), || format!("cannot cut {path} off at {length} bytes"))?;
        }
        self.files.push(Appended { path: path.to_owned(), length, is_named: false });
        Ok(())
    }

    fn forget_old(&mut self) -> Result<(), DurableError> {
        let damaged = std::mem::take(&mut self.damaged);
        let found: Vec<String> = self.names()?.into_iter().map(|(_, path)| path).filter(|path| !damaged.contains(path)).collect();
        let old = found.len().saturating_sub(KEPT);
        for path in damaged.iter().chain(&found[..old]) {
            doing(self.storage.remove(path), || format!("cannot remove {path}"))?;
        }
        Ok(())
    }
}

/// A digest of the last bytes before a length.
fn tail(storage: &impl Storage, path: &str, length: u64) -> Result<[u8; 32], DurableError> {
    let begin = length.saturating_sub(TAIL);
    let count = usize::try_from(length - begin).unwrap_or(0);
    let bytes = if count == 0 { Vec::new() } else { doing(storage.read_at(path, begin, count), || format!("cannot read {path}"))? };
    Ok(Sha256::digest(bytes).into())
}

fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    let digest: [u8; 32] = Sha256::new().chain_update(&bytes).chain_update(body).finalize().into();
    bytes.extend_from_slice(&digest);
    bytes.extend_from_slice(body);
    bytes
}

fn opened(bytes: &[u8]) -> Result<Kept, StateError> {
    let (head, body) = bytes.split_at_checked(HEAD).ok_or_else(|| StateError::new("it is shorter than its head"))?;
    let (before, written) = head.split_at(HEAD - 32);
    let digest: [u8; 32] = Sha256::new().chain_update(before).chain_update(body).finalize().into();
    if !before.starts_with(MAGIC) || digest != *written {
        return Err(StateError::new("its digest is another"));
    }
    let version = u32::from_le_bytes([before[8], before[9], before[10], before[11]]);
    if version != VERSION {
        return Err(StateError::new(format!("it has the version {version} of the format, and this betide reads {VERSION}")));
    }
    let mut reader = StateReader::new(body);
    let kept = reader.take()?;
    reader.end()?;
    Ok(kept)
}
