//! Snapshots: the whole state of a program as bytes, to go on from in another process, on another machine, or beside other statements.

use super::{Engine, Error, Options};
use crate::data::KeyRange;
use crate::plan::statements_without_key;
use crate::runtime::{Passport, Restored, SnapshotError, load_parts, load_snapshot, save_range, save_snapshot};
use crate::semantics::Output;

impl Engine {
    /// The whole state between two calls, as bytes with a digest: events that wait, the unfinished line, what operators hold, views, rows and
    /// bad events that were not taken yet, and all counters. An engine that [`Engine::restore`] makes of them goes on as this one would.
    ///
    /// Reference tables are not in it, but a digest of their rows is. Where the engine has failed the error is given again.
    pub fn snapshot(&mut self) -> Result<Vec<u8>, Error> {
        self.running.catch_up()?;
        let passport = self.passport();
        Ok(save_snapshot(&mut self.running, &passport)?)
    }

    /// Compiles a program and takes up what a snapshot says, where the snapshot is of this program; and what there is to say of that.
    ///
    /// Statements are known by what they do and read, not by how they are written. The program may have other statements beside those of the
    /// snapshot: these begin now. Statements that it has no more are forgotten, with rows of theirs that were not taken. Where one does
    /// something else than in the snapshot, the error names it. Reference tables are loaded from their files as they are now.
    ///
    /// The options may be others, but for those that say what the program computes. The arrival clock goes on where it was: for the time since
    /// the snapshot see [`Engine::excuse`].
    pub fn restore(text: &str, options: &Options, snapshot: &[u8]) -> Result<(Self, Restored), Error> {
        let mut engine = Self::with_options(text, options)?;
        let restored = engine.take_up(snapshot)?;
        Ok((engine, restored))
    }

    /// Takes up a snapshot: see [`Engine::restore`]. For an engine that has been compiled and has had no event; after an error it is to be
    /// thrown away.
    pub fn take_up(&mut self, snapshot: &[u8]) -> Result<Restored, Error> {
        self.reload_tables()?;
        let passport = self.passport();
        Ok(load_snapshot(&mut self.running, &self.graph, &passport, snapshot)?)
    }

    /// The state of the keys of a range alone: to run a program whose statements all have the same key as several engines, each with the
    /// events of its keys ([`crate::data::Key::hash64`] of the key's values, in their order, says which range they are in).
    ///
    /// Nothing may wait: take the rows, and advance the watermark behind the events that wait ([`Engine::advance_watermark`]). What was
    /// counted is in the part of the least hash. Of a program in which some state belongs to no key (no `PARTITION BY` or `GROUP BY`, `LIMIT`,
    /// the top rows of a window, counts of matches, joins with views) the error names the statement.
    pub fn snapshot_range(&mut self, range: KeyRange) -> Result<Vec<u8>, Error> {
        if let Some(&statement) = statements_without_key(&self.graph).first() {
            let name = self.statement_names().nth(statement).flatten();
            let name = name.map_or_else(|| format!("the unnamed statement {}", statement + 1), |name| format!("`{name}`"));
            return Err(SnapshotError::Uncut(format!("{name} keeps state that cannot be cut by keys")).into());
        }
        self.running.catch_up()?;
        let passport = self.passport();
        Ok(save_range(&mut self.running, &passport, range)??)
    }

    /// Compiles a program and takes up several parts of its state: whole snapshots or ranges, of which no two have a key in common. They
    /// stand at one watermark ([`Engine::advance_watermark`]), and nothing waits in them.
    pub fn restore_parts(text: &str, options: &Options, snapshots: &[&[u8]]) -> Result<(Self, Restored), Error> {
        let mut engine = Self::with_options(text, options)?;
        if snapshots.len() > 1
            && let Some(&statement) = statements_without_key(&engine.graph).first()
        {
            return Err(SnapshotError::Uncut(format!("statement {} keeps state that cannot be cut by keys", statement + 1)).into());
        }
        engine.reload_tables()?;
        let passport = engine.passport();
        let restored = load_parts(&mut engine.running, &engine.graph, &passport, snapshots)?;
        Ok((engine, restored))
    }

    fn statement_names(&self) -> impl Iterator<Item = Option<String>> + '_ {
        self.program.statements.iter().map(|statement| match statement.output {
            Output::Unnamed => None,
            Output::Stream(id) => Some(self.program.streams[id.0 as usize].name.to_string()),
        })
    }

    fn passport(&self) -> Passport {
        let statements = self.statement_names().collect();
        Passport::new(&self.graph, &self.fingerprints, statements)
    }
}
