//! Snapshots: the whole state of a program as bytes, to go on from in another process, on another machine, or beside other statements.

use super::{Engine, Error, Options, compile};
use crate::data::KeyRange;
use crate::plan::{Outputs, statements_without_key};
use crate::runtime::{
    Panic, Passport, Restored, SnapshotError, guarded, load_parts, load_snapshot, save_range, save_snapshot, snapshot_origin,
};
use crate::semantics::{Program, UNKNOWN_FUNCTION};
use crate::text::{Diagnostics, Source};

impl Engine {
    /// The whole state between two calls, as bytes with a digest: events that wait, the unfinished line, what operators hold, views, rows and
    /// bad events that were not taken yet, and all counters. An engine that [`Engine::restore`] makes of them goes on as this one would.
    ///
    /// Reference tables are not in it, but a digest of their rows is.
    ///
    /// # Errors
    /// Where the engine has failed, that error again; and [`Error::Bug`] where a function or an aggregate of your own panics on the way.
    ///
    /// ```
    /// use betide::{Engine, Options};
    ///
    /// let program = "CREATE STREAM Sale (price FLOAT); SELECT SUM(price) AS total FROM Sale WINDOW ROWS 2;";
    /// let mut engine = Engine::compile(program)?;
    /// engine.push_json(b"{\"price\":1.5}\n")?;
    /// let snapshot = engine.snapshot()?;
    /// let (mut other, restored) = Engine::restore(program, &Options::default(), &snapshot)?;
    /// assert!(restored.added.is_empty() && restored.removed.is_empty());
    /// other.push_json(b"{\"price\":2}\n")?;
    /// assert_eq!(other.take_rows()[0].to_json(), r#"{"total":3.5}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn snapshot(&mut self) -> Result<Vec<u8>, Error> {
        let (passport, origin) = (self.passport(), self.changing.origin(self.source.text()));
        Ok(self.running.guarded(|running| running.catch_up().and_then(|()| save_snapshot(running, &passport, &origin)))?)
    }

    /// Compiles a program and takes up what a snapshot says, where the snapshot is of this program; and what there is to say of that.
    ///
    /// Statements are known by what they do and read, not by how they are written. The program may have other statements beside those of the
    /// snapshot: these begin now. Statements that it has no more are forgotten, with rows of theirs that were not taken. Where one does
    /// something else than in the snapshot, the error names it. Reference tables are loaded from their files as they are now.
    ///
    /// The options may be others, but for those that say what the program computes. The arrival clock goes on where it was: for the time since
    /// the snapshot see [`Engine::excuse`].
    ///
    /// # Errors
    /// [`Error::Query`] where the program is wrong, [`Error::Snapshot`] where the snapshot is no good or of another program.
    pub fn restore(text: &str, options: &Options, snapshot: &[u8]) -> Result<(Self, Restored), Error> {
        let origin = snapshot_origin(snapshot)?;
        if options.open && origin.text == text {
            return Self::resume(options, snapshot);
        }
        let mut engine = Self::with_options(text, options)?;
        let restored = engine.take_up(snapshot)?;
        Ok((engine, restored))
    }

    /// Compiles the program that a snapshot is of, as it was then with all statements that had been added and without those that had been
    /// dropped, and takes the snapshot up. Statements keep their numbers, and what left goes on to leave.
    ///
    /// # Errors
    /// As [`Engine::restore`]. Functions and aggregates of your own that the program calls have to be in the options; one that is not is named.
    ///
    /// ```
    /// use betide::{Engine, Options};
    ///
    /// let options = Options { open: true, ..Options::default() };
    /// let mut engine = Engine::with_options("CREATE STREAM Reading (site STRING, heat FLOAT);", &options)?;
    /// engine.add("CREATE STREAM Heats AS SELECT LAST(site) AS site, COUNT(*) AS n FROM Reading WHERE heat > 30;")?;
    /// engine.push_json(b"{\"site\":\"a\",\"heat\":31}\n")?;
    /// let snapshot = engine.snapshot()?;
    /// let (mut engine, _) = Engine::resume(&options, &snapshot)?;
    /// engine.push_json(b"{\"site\":\"b\",\"heat\":32}\n")?;
    /// engine.finish()?;
    /// assert_eq!(engine.take_rows().last().map(|row| row.to_json()), Some(r#"{"stream":"Heats","site":"b","n":2}"#.to_owned()));
    /// # Ok::<(), betide::Error>(())
    /// ```
    pub fn resume(options: &Options, snapshot: &[u8]) -> Result<(Self, Restored), Error> {
        let origin = snapshot_origin(snapshot)?;
        let source = Source::new(options.name.clone(), origin.text.clone());
        let chosen = |_: &Program| match options.open {
            true => Outputs::Chosen(origin.leaving.clone(), options.outputs.is_empty()),
            false => compile::outputs(options),
        };
        let compiled = Self::compile_as(&source, options, chosen);
        let mut engine = compiled.map_err(|told| Error::Query { diagnostics: asking_for_functions(&told), source })?;
        engine.changing.follow(&origin);
        let restored = engine.take_up(snapshot)?;
        Ok((engine, restored))
    }

    /// Takes up a snapshot: see [`Engine::restore`]. For an engine that has been compiled and has had no event; after an error it is to be
    /// thrown away.
    pub fn take_up(&mut self, snapshot: &[u8]) -> Result<Restored, Error> {
        self.reload_tables()?;
        let passport = self.passport();
        let (running, graph) = (&mut self.running, &self.graph);
        Ok(whole(|| load_snapshot(running, graph, &passport, snapshot))?)
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
        self.catch_up()?;
        let passport = self.passport();
        let origin = self.changing.origin(self.source.text());
        Ok(self.running.guarded(|running| save_range(running, &passport, &origin, range))??)
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
        let (running, graph) = (&mut engine.running, &engine.graph);
        let restored = whole(|| load_parts(running, graph, &passport, snapshots))?;
        Ok((engine, restored))
    }

    pub(super) fn statement_names(&self) -> impl Iterator<Item = Option<String>> + '_ {
        let streams = self.program.statements.iter().map(|statement| statement.output_stream());
        streams.map(|stream| stream.map(|id| self.program.streams[id.0 as usize].name.to_string()))
    }

    fn passport(&self) -> Passport {
        let statements = self.statement_names().collect();
        Passport::new(&self.graph, self.fingerprints(), statements)
    }
}

/// Says of functions that a snapshot's program calls, and that are not there, what to do.
fn asking_for_functions(told: &Diagnostics) -> Diagnostics {
    let mut asking = Diagnostics::default();
    for diagnostic in told.iter().cloned() {
        let hint = "the program of the snapshot calls it: register it in the options, as it was where the snapshot was taken";
        let is_missing = diagnostic.code == UNKNOWN_FUNCTION;
        asking.push(if is_missing { diagnostic.hint(hint) } else { diagnostic });
    }
    asking
}

/// Bytes with the right digest may still be no state that any run has come to: what is not found when it is read, and panics, is damaged too.
fn whole<T>(load: impl FnOnce() -> Result<T, SnapshotError>) -> Result<T, SnapshotError> {
    let damaged = |panic: Panic| SnapshotError::Damaged(format!("no run comes to such a state: {panic}"));
    guarded(load).unwrap_or_else(|payload| Err(damaged(Panic::of(&*payload))))
}
