//! A running program as bytes, and bytes as a running program again.
//!
//! A snapshot is `betide-s`, the version of the format (four bytes), the length of its body (eight), a SHA-256 digest of these and of the
//! body, and the body. So a flipped bit or a missing end is found before anything is looked at. The body says of what program it is
//! ([`Passport`]), and then has one part for what stands in front of the operators, one a source and one a stage, each with its length.
//!
//! State belongs to a part of a program with a fingerprint (`plan::fingerprints`), not to a position in it. A program that has other
//! statements beside the old ones finds the state of the old ones; one in which a statement of the same name does something else is refused.

mod front;
mod parts;
mod passport;

use std::collections::BTreeSet;
use std::fmt;

use sha2::{Digest, Sha256};

pub use self::passport::Passport;
use self::passport::{Matched, matched};
use super::error::RunError;
use super::running::Running;
use crate::data::{KeyRange, Place, Ranks, StateError, StateReader, StateWriter};
use crate::plan::OperatorGraph;

/// How every snapshot begins.
const MAGIC: &[u8; 8] = b"betide-s";
/// The version of the format. It changes whenever the state of any operator is written in another way.
const VERSION: u32 = 11;
/// Magic, version, length and digest.
const HEAD: usize = 8 + 4 + 8 + 32;

/// Why a snapshot cannot be taken up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It is not whole, or no snapshot at all: what was found.
    Damaged(String),
    /// It is of another version of the format: which.
    Version(u32),
    /// It is of another program: each difference.
    Differs(Vec<String>),
    /// The state cannot be cut by keys: why.
    Uncut(String),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(what) => write!(f, "the snapshot is damaged: {what}"),
            Self::Version(found) => write!(f, "the snapshot has the version {found} of the format, and this betide reads {VERSION}"),
            Self::Uncut(why) => write!(f, "the state cannot be cut by keys: {why}"),
            Self::Differs(what) => write!(f, "the snapshot is of another program: {}", what.join("; ")),
        }
    }
}

impl std::error::Error for SnapshotError {}

impl From<StateError> for SnapshotError {
    fn from(error: StateError) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// The program of a snapshot as its user knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its text.
    pub text: String,
    /// The numbers of its statements.
    pub statements: Vec<u64>,
    /// The number that the next statement gets.
    pub next: u64,
    /// The streams that leave.
    pub leaving: BTreeSet<String>,
}

crate::saved!(Origin { text, statements, next, leaving });

/// The program that a snapshot is of.
pub fn origin(bytes: &[u8]) -> Result<Origin, SnapshotError> {
    Ok(StateReader::new(opened(bytes)?).take()?)
}

/// What there is to say of a snapshot that was taken up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Restored {
    /// Statements that it did not have: they begin now.
    pub added: Vec<String>,
    /// Statements that it had and the program has not: what they held is gone.
    pub removed: Vec<String>,
    /// Reference tables whose rows are others than they were.
    pub tables_changed: Vec<String>,
}

/// Writes what a range of keys has, of a program all of whose state belongs to keys.
pub fn save_range(
    running: &mut Running,
    passport: &Passport,
    origin: &Origin,
    range: KeyRange,
) -> Result<Result<Vec<u8>, SnapshotError>, RunError> {
    match running.waits() {
        Some(why) => Ok(Err(SnapshotError::Uncut(why))),
        None => write(running, passport, origin, range).map(Ok),
    }
}

/// Writes all that the rest of a run depends on; between two calls of any kind.
pub fn save(running: &mut Running, passport: &Passport, origin: &Origin) -> Result<Vec<u8>, RunError> {
    write(running, passport, origin, KeyRange::ALL)
}

fn write(running: &mut Running, passport: &Passport, origin: &Origin, range: KeyRange) -> Result<Vec<u8>, RunError> {
    if let Some(error) = &running.failed {
        return Err(error.clone());
    }
    let mut body = StateWriter::new(range);
    body.put(origin);
    body.put(passport);
    body.put(&running.tables.digests());
    body.put(&running.pipeline.ranks());
    part(&mut body, |to| running.save_front(to));
    part(&mut body, |to| running.pipeline.save_ended(to));
    part(&mut body, |to| running.intake.reorder.save(to));
    for source in 0..passport.sources() {
        part(&mut body, |to| running.intake.reorder.save_stream(source, to));
    }
    for stage in 0..passport.nodes() {
        part(&mut body, |to| running.pipeline.save_stage(stage, to));
    }
    Ok(sealed(&body.finish()))
}

fn part(body: &mut StateWriter, write: impl FnOnce(&mut StateWriter)) {
    let mut part = StateWriter::new(body.range());
    write(&mut part);
    body.blob(&part.finish());
}

/// A body with its head.
fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(body.len() as u64).to_le_bytes());
    let digest = digest(&bytes, body);
    bytes.extend_from_slice(&digest);
    bytes.extend_from_slice(body);
    bytes
}

/// The body of a snapshot that is whole.
fn opened(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    let damaged = |what: &str| SnapshotError::Damaged(what.to_owned());
    let (head, body) = bytes.split_at_checked(HEAD).ok_or_else(|| damaged("it is shorter than its head"))?;
    let (before, written) = head.split_at(HEAD - 32);
    if !before.starts_with(MAGIC) {
        return Err(damaged("it does not begin as one"));
    }
    let mut fields = StateReader::new(&before[MAGIC.len()..]);
    let version = u32::from_le_bytes(fields.bytes()?);
    let length = u64::from_le_bytes(fields.bytes()?);
    if version != VERSION {
        // What another version's digest is of is not known here.
        return Err(SnapshotError::Version(version));
    }
    if length != body.len() as u64 {
        return Err(SnapshotError::Damaged(format!("its body has {} bytes instead of {length}", body.len())));
    }
    if digest(before, body) != *written {
        return Err(damaged("its digest is another"));
    }
    Ok(body)
}

fn digest(before: &[u8], body: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(before).chain_update(body).finalize().into()
}

/// Takes up a snapshot into a program that has just been assembled, whose tables are loaded.
pub fn load(running: &mut Running, graph: &OperatorGraph, passport: &Passport, bytes: &[u8]) -> Result<Restored, SnapshotError> {
    let mut body = StateReader::new(opened(bytes)?);
    let _: Origin = body.take()?;
    let saved: Passport = body.take()?;
    let Matched { mut restored, sources, nodes, outputs } = matched(&saved, passport).map_err(SnapshotError::Differs)?;
    restored.tables_changed = running.tables.changed_since(&body.take()?);
    let ranks = ranks_now(running, &body.take::<Vec<u32>>()?, &nodes)?;
    let mut parts = Parts { body, ranks };
    parts.read(|from| running.load_front(from, graph, &outputs))?;
    parts.read(|from| running.pipeline.load_ended(from, &nodes))?;
    parts.read(|from| running.intake.reorder.load(from))?;
    for source in &sources {
        parts.read_for(*source, |source, from| running.intake.reorder.load_stream(source, from))?;
    }
    let lacking = passport.lacking(&saved, &sources, &running.intake.reorder.stats());
    if !lacking.is_empty() {
        return Err(SnapshotError::Differs(lacking));
    }
    for node in &nodes {
        parts.read_for(*node, |node, from| running.pipeline.load_stage(node, from))?;
    }
    parts.body.end()?;
    if !running.metrics().is_accounted() {
        return Err(SnapshotError::Damaged("more events were late, unrouted or bad than came in".to_owned()));
    }
    running.intake.reorder.loaded();
    Ok(restored)
}

/// What the ranks that operators had are now; `nodes` says which operator each is.
fn ranks_now(running: &Running, before: &[u32], nodes: &[Option<usize>]) -> Result<Ranks, StateError> {
    let now = running.pipeline.ranks();
    let most = before.iter().copied().max().unwrap_or_default();
    if before.len() != nodes.len() || before.contains(&0) || most >= Place::LAST_RANK {
        return Err(StateError::new("ranks that are none"));
    }
    let mut of_each = vec![None; most as usize];
    for (rank, node) in before.iter().zip(nodes) {
        of_each[*rank as usize - 1] = node.map(|node| now[node]);
    }
    Ok(Ranks::new(of_each))
}

/// Takes up several parts of a state, of which no two have a key in common.
pub fn load_parts(
    running: &mut Running,
    graph: &OperatorGraph,
    passport: &Passport,
    snapshots: &[&[u8]],
) -> Result<Restored, SnapshotError> {
    let Some((first, others)) = snapshots.split_first() else {
        return Err(SnapshotError::Damaged("there is no part".to_owned()));
    };
    let restored = load(running, graph, passport, first)?;
    if !others.is_empty()
        && let Some(why) = running.waits()
    {
        return Err(SnapshotError::Uncut(why));
    }
    for other in others {
        parts::add(running, passport, other)?;
    }
    running.intake.reorder.loaded();
    Ok(restored)
}

/// The parts of a body, one after the other.
struct Parts<'b> {
    body: StateReader<'b>,
    ranks: Ranks,
}

impl Parts<'_> {
    /// The next part is read whole.
    fn read(&mut self, load: impl FnOnce(&mut StateReader<'_>) -> Result<(), StateError>) -> Result<(), StateError> {
        let mut part = StateReader::with_ranks(self.body.blob()?, self.ranks.clone());
        load(&mut part)?;
        part.end()
    }

    /// The next part is read whole, or passed over where it is of something that is gone.
    fn read_for(
        &mut self,
        now: Option<usize>,
        load: impl FnOnce(usize, &mut StateReader<'_>) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        match now {
            Some(index) => self.read(|from| load(index, from)),
            None => self.body.blob().map(drop),
        }
    }
}
