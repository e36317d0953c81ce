//! Snapshots: the whole state of a program as bytes, to go on from in another process, on another machine, or beside other statements.

use super::{Engine, Error, Options};
use crate::runtime::{Passport, Restored, load_snapshot, save_snapshot};
use crate::semantics::Output;

impl Engine {
    /// The whole state between two calls, as bytes with a digest: events that wait, the unfinished line, what operators hold, views, rows and
    /// bad events that were not taken yet, and all counters. An engine that [`Engine::restore`] makes of them goes on as this one would.
    ///
    /// Reference tables are not in it, but a digest of their rows is. Where the engine has failed the error is given again.
    pub fn snapshot(&mut self) -> Result<Vec<u8>, Error> {
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

    fn passport(&self) -> Passport {
        let name = |output: Output| match output {
            Output::Unnamed => None,
            Output::Stream(id) => Some(self.program.streams[id.0 as usize].name.to_string()),
        };
        let statements = self.program.statements.iter().map(|statement| name(statement.output)).collect();
        Passport::new(&self.graph, &self.fingerprints, statements)
    }
}
