//! The public face: compile a program, push events, take rows. It owns no thread unless it is asked to decode on
//! several, and no global state; the only clock is the one it is given.

mod ended;
mod error;
mod estimate;
mod functions;
mod options;
pub mod reference;
mod rows;
mod stats;

mod analysis;
mod batches;
mod changes;
mod compile;
mod inquiry;
mod next;
mod snapshot;
mod sources;
#[cfg(feature = "tokio")]
mod stream;
mod table;
mod undeclared;

pub use analysis::Analysis;
pub use changes::{RunningStatement, StatementId};
pub use ended::{EndCause, EndedStatement};
pub use error::{ChangeError, DataError, Error};
pub use estimate::{Estimate, Load, OperatorState, ProgramState, StatementState};
pub use inquiry::Inquiry;
pub use options::Options;
pub use rows::{Lines, OutputRow};
pub use sources::{SourceStream, StepCount};
pub use stats::{EndedStats, OperatorStats, SharedStats, SourceStats, Stats};
#[cfg(feature = "tokio")]
pub use stream::RowStream;
pub use table::{TableRow, TableView};
pub use undeclared::Undeclared;

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use arrow_array::RecordBatch;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::BadEvent;
use crate::data::{Duration, Schema, Timestamp, Value};
use crate::plan::{Fingerprint, Fingerprints, OperatorGraph, Outputs, Threads, fingerprints};
use crate::runtime::Running;
use crate::semantics::Program;
use crate::text::{Diagnostics, Source};
use changes::Changing;
use rows::Output;

/// What a picture is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PictureLanguage {
    /// The language of Graphviz.
    Dot,
    /// The language of Mermaid, which many sites draw where they show Markdown.
    Mermaid,
    /// Drawn already: SVG, which browsers show.
    Svg,
}

/// A compiled program and its state.
///
/// Events go in by any of the `push_…` methods, in any mixture; rows that have become certain come out by any of the `take_…` methods or
/// [`Engine::write_rows`], each row once. Rows that are not taken are kept. After [`Engine::finish`] all rows are certain.
///
/// A panic inside of a statement, or a bound of it that is reached, ends that statement alone, and the calls go on to give `Ok`: look at
/// [`Engine::ended`].
#[derive(Debug)]
pub struct Engine {
    source: Source,
    program: Program,
    graph: OperatorGraph,
    running: Running,
    warnings: Diagnostics,
    outputs: Arc<[Output]>,
    /// Known once somebody asks: of thousands of statements they cost as much as planning them.
    fingerprints: OnceLock<Fingerprints>,
    options: Options,
    changing: Changing,
}

impl Engine {
    /// Compiles a program with the default options.
    ///
    /// # Errors
    /// All mistakes of the program at once. [`Engine::with_options`] gives them with the text, and shows them in it.
    ///
    /// ```
    /// use betide::Engine;
    ///
    /// let engine = Engine::compile("CREATE STREAM Door (open BOOL); SELECT COUNT(*) AS n FROM Door WHERE open;")?;
    /// assert_eq!(engine.outputs().collect::<Vec<_>>(), [None]);
    /// let mistakes = Engine::compile("CREATE STREAM Door (open BOOL); SELECT opne FROM Door;").unwrap_err();
    /// assert!(mistakes.to_string().starts_with("error[E0202]: unknown column `opne` (did you mean `open`?"));
    /// # Ok::<(), betide::Error>(())
    /// ```
    pub fn compile(text: &str) -> Result<Self, Diagnostics> {
        Self::compile_source(&Source::new(Options::default().name, text), &Options::default())
    }

    /// Compiles a program.
    ///
    /// # Errors
    /// [`Error::Query`] with all mistakes of the program; `Display` shows each in its line, with what would mend it.
    ///
    /// ```
    /// use betide::{Engine, Options};
    ///
    /// let options = Options { set: [("least".to_owned(), "3".to_owned())].into(), ..Options::default() };
    /// let program = "CREATE STREAM Door (open BOOL); SELECT COUNT(*) AS n FROM Door WHERE open WINDOW ROWS $least;";
    /// let mut engine = Engine::with_options(program, &options)?;
    /// engine.push_json(b"{\"open\":true}\n{\"open\":true}\n{\"open\":false}\n{\"open\":true}\n")?;
    /// assert_eq!(engine.take_rows()[0].to_json(), r#"{"n":3}"#);
    /// # Ok::<(), betide::Error>(())
    /// ```
    pub fn with_options(text: &str, options: &Options) -> Result<Self, Error> {
        let source = Source::new(options.name.clone(), text);
        Self::compile_source(&source, options).map_err(|diagnostics| Error::Query { diagnostics, source })
    }

    fn compile_source(source: &Source, options: &Options) -> Result<Self, Diagnostics> {
        Self::compile_as(source, options, |_| compile::outputs(options))
    }

    /// Compiles a program of which these streams leave.
    fn compile_as(source: &Source, options: &Options, outputs: impl FnOnce(&Program) -> Outputs) -> Result<Self, Diagnostics> {
        let compile::Planned { program, graph, warnings } = compile::planned(source, options, outputs)?;
        let running = compile::assembled(&graph, options);
        let outputs = graph.outputs().iter().map(|output| Output::new(output, None)).collect();
        let changing = Changing::new(source.text(), &program, &graph, options.open);
        let (source, options, fingerprints) = (source.clone(), options.clone(), OnceLock::new());
        let engine = Self { source, program, graph, running, warnings, outputs, fingerprints, options, changing };
        if engine.options.open {
            // The first change is not to pay for them.
            engine.fingerprints();
        }
        Ok(engine)
    }

    /// The fingerprints of the graph.
    fn fingerprints(&self) -> &Fingerprints {
        self.fingerprints.get_or_init(|| fingerprints(&self.graph, &self.options.type_field))
    }

    /// What an output is in ids of its rows, also one that is no more.
    fn fingerprint_of(&self, output: usize) -> Fingerprint {
        self.outputs[output].fingerprint.unwrap_or_else(|| self.fingerprints().outputs[output])
    }

    /// What may not be meant so in the program: it runs nevertheless.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// The program's text, for showing the warnings in it.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The operator graph as text: what feeds what, keys and windows, and how much each operator can come to hold.
    pub fn explain(&self) -> String {
        let is_statement_bounded = self.options.limits.statement_memory.is_some();
        let threads = Threads { number: self.options.all_threads(), is_statement_bounded };
        let mut notes = threads.notes(&self.graph);
        for (node, notes) in self.graph.nodes().iter().zip(&mut notes.nodes) {
            notes.lines.extend(compile::steps_together(node, &self.options));
        }
        crate::plan::explain_with(&self.graph, &notes)
    }

    /// The same as JSON: sources, operators and outputs, what feeds what, and what is said of each.
    pub fn explain_json(&self) -> String {
        crate::analysis::json(&self.graph, None)
    }

    /// The operator graph as a picture, with the steps inside each pattern.
    pub fn picture(&self, language: PictureLanguage) -> String {
        match language {
            PictureLanguage::Dot => crate::plan::picture::dot(&self.graph),
            PictureLanguage::Mermaid => crate::plan::picture::mermaid(&self.graph),
            PictureLanguage::Svg => crate::plan::picture::svg(&self.graph),
        }
    }

    /// The names of the streams whose rows leave, in the order of the text; an unnamed output has none.
    pub fn outputs(&self) -> impl Iterator<Item = Option<&str>> {
        self.graph.outputs().iter().map(|output| output.name.as_deref())
    }

    /// The same, with their columns.
    pub fn output_schemas(&self) -> impl Iterator<Item = (Option<&str>, &Schema)> {
        self.graph.outputs().iter().map(|output| (output.name.as_deref(), &*output.schema))
    }

    /// The source streams, in the order of the text.
    pub fn sources(&self) -> impl Iterator<Item = SourceStream<'_>> {
        self.graph.sources().iter().map(SourceStream::of)
    }

    /// How often each step of each pattern has taken an event, in any run, finished or not. It is counted with
    /// [`Options::general_evaluators`] only; else there is nothing.
    pub fn step_counts(&self) -> Vec<StepCount> {
        let nodes = self.graph.nodes();
        let counted = self.running.steps_taken().flat_map(|(node, steps)| {
            let line = self.source.line_of(nodes[node].span.start);
            steps.into_iter().map(move |step| StepCount { line, step: step.name.to_string(), taken: step.taken })
        });
        counted.collect()
    }

    /// The columns of a stream, source or derived.
    pub fn schema_of(&self, stream: &str) -> Option<&Schema> {
        self.program.streams.iter().find(|s| *s.name == *stream).map(|s| &*s.schema)
    }

    /// Takes bytes of JSON lines, cut anywhere: an unfinished line waits for the rest of it, or for [`Engine::finish`]. A line that is no
    /// good is no error (unless the options say `strict`), see [`Engine::take_bad_events`].
    ///
    /// With several threads ([`Options::threads`]) lines may still be with the decoders when this returns, at most as many as a few calls of
    /// it bring: what comes of them, errors too, comes with a later call. Every call but this, those that take and those that look takes them
    /// up first; [`Engine::catch_up`] does nothing else.
    ///
    /// # Errors
    /// As all calls that push: a bound of the whole run that is reached, the first bad event of a strict run, or an event behind
    /// [`Engine::finish`] ([`Error::Data`]); the file of a reference table that cannot be read ([`Error::Io`]); and once the engine has failed,
    /// that error again.
    pub fn push_json(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.running.guarded(|running| running.push_bytes(bytes))?)
    }

    /// Waits until all lines that were pushed have been decoded and taken up: what they give can be taken, and is counted. With one thread
    /// there is never anything to wait for.
    pub fn catch_up(&mut self) -> Result<(), Error> {
        Ok(self.running.guarded(|running| running.catch_up())?)
    }

    /// Takes bytes of comma-separated values, cut anywhere. The first record of an input names the columns; which stream an event is of is
    /// told by its column `type` as for lines of JSON. The engine takes one format up to [`Engine::end_input`].
    ///
    /// # Errors
    /// See [`Engine::push_json`].
    ///
    /// ```
    /// use betide::Engine;
    ///
    /// let mut engine = Engine::compile("CREATE STREAM Sale (item STRING, price DECIMAL(8, 2)); SELECT SUM(price) AS total FROM Sale WINDOW ROWS 2;")?;
    /// engine.push_csv(b"item,price\nbread,2.10\nmi")?;
    /// engine.push_csv(b"lk,1.05\n")?;
    /// engine.finish()?;
    /// assert_eq!(engine.take_rows()[0].to_json(), r#"{"total":3.15}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push_csv(&mut self, bytes: &[u8]) -> Result<(), Error> {
        Ok(self.running.guarded(|running| running.push_csv(bytes))?)
    }

    /// The header line of the comma-separated values at hand, once it has come; up to [`Engine::end_input`].
    pub fn csv_header(&self) -> Option<&[u8]> {
        self.running.csv_header()
    }

    /// The end of one input of several: its last line may lack an end, and lines are counted from 1 again.
    pub fn end_input(&mut self) -> Result<(), Error> {
        Ok(self.running.guarded(|running| running.end_input())?)
    }

    /// Takes one event: a value that serialises as a JSON object. Which stream it is of is told as for lines of JSON. For an example see
    /// [`Engine::rows`].
    ///
    /// # Errors
    /// A value that cannot be written as JSON ([`DataError::Value`]); else see [`Engine::push_json`].
    pub fn push_value<T: Serialize>(&mut self, event: &T) -> Result<(), Error> {
        let json = serde_json::to_vec(event).map_err(|error| DataError::Value(format!("an event cannot be written as JSON: {error}")))?;
        Ok(self.running.guarded(|running| running.push_value(&json))?)
    }

    /// Takes rows of one source stream, in the order of their arrival. Columns are found by name; one that is missing has its default.
    ///
    /// The rows are of this stream whatever its `type` or `WHEN` says. A row without a time, or without a value in a `NOT NULL` column, is
    /// a bad event.
    ///
    /// # Errors
    /// No such stream, or a column of a type that does not fit ([`Error::Data`]); else see [`Engine::push_json`].
    pub fn push_batch(&mut self, stream: &str, batch: &RecordBatch) -> Result<(), Error> {
        let index = self.graph.sources().iter().position(|s| *s.name == *stream);
        let index = index.ok_or_else(|| DataError::UnknownStream(stream.to_owned()))?;
        let incoming = batches::read(&self.graph.sources()[index], batch)?;
        self.running.push_bad(incoming.bad)?;
        Ok(self.running.guarded(|running| running.push_columns(index, incoming.columns, incoming.times, incoming.rows))?)
    }

    /// Takes one row of a source stream: values by the names of its columns, the others have their defaults. A text for a column of another
    /// type is read as that of a cell of a table is. The row is of this stream whatever its `type` or `WHEN` says.
    ///
    /// # Errors
    /// See [`Engine::push_batch`].
    ///
    /// ```
    /// use betide::{Engine, Timestamp, Value};
    ///
    /// let program = "CREATE STREAM Heat (site STRING, degrees FLOAT, at TIMESTAMP) TIMESTAMP BY at; SELECT site FROM Heat WHERE degrees > 30;";
    /// let mut engine = Engine::compile(program)?;
    /// let noon = Timestamp::parse("2026-06-01T12:00:00Z").map_or(Value::Null, Value::Timestamp);
    /// engine.push_row("Heat", &[("site", Value::string("roof")), ("degrees", Value::Float(31.5)), ("at", noon)])?;
    /// engine.finish()?;
    /// assert_eq!(engine.take_rows()[0].to_json(), r#"{"site":"roof"}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push_row(&mut self, stream: &str, values: &[(&str, Value<'_>)]) -> Result<(), Error> {
        let index = self.graph.sources().iter().position(|s| *s.name == *stream);
        let index = index.ok_or_else(|| DataError::UnknownStream(stream.to_owned()))?;
        let incoming = sources::row(&self.graph.sources()[index], values)?;
        self.running.push_bad(incoming.bad)?;
        if incoming.rows == 0 {
            return Ok(());
        }
        Ok(self.running.guarded(|running| running.push_columns(index, incoming.columns, incoming.times, incoming.rows))?)
    }

    /// Moves the watermark to at least this time: no event before it will come, and one that does is late.
    ///
    /// # Errors
    /// See [`Engine::push_json`].
    ///
    /// ```
    /// use betide::{Engine, Timestamp};
    ///
    /// let program = "CREATE STREAM Beat (at TIMESTAMP(s)) TIMESTAMP BY at; SELECT COUNT(*) AS n FROM Beat WINDOW TUMBLING 1 minute;";
    /// let mut engine = Engine::compile(program)?;
    /// engine.push_json(b"{\"at\":10}\n{\"at\":20}\n")?;
    /// assert!(engine.take_rows().is_empty(), "the minute is not over");
    /// engine.advance_watermark(Timestamp(60_000_000_000))?;
    /// assert_eq!(engine.take_rows()[0].to_json(), r#"{"n":2}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn advance_watermark(&mut self, to: Timestamp) -> Result<(), Error> {
        Ok(self.running.guarded(|running| running.advance_watermark(to))?)
    }

    /// Looks at the clock ([`Options::clock`]) without an event: a stream that has been silent for longer than its `IDLE AFTER` stops holding
    /// the watermark. With such streams it is to be called from time to time while nothing comes.
    ///
    /// # Errors
    /// See [`Engine::push_json`].
    pub fn tick(&mut self) -> Result<(), Error> {
        Ok(self.running.guarded(|running| running.tick())?)
    }

    /// Tells that for so long nothing could be read, because the output was full or the process stood still: streams were not silent then,
    /// and do not become idle for it.
    pub fn excuse(&mut self, pause: Duration) {
        self.running.excuse(pause);
    }

    /// The end of input: the watermark moves to the end of time and all rows become certain. Calling it again changes nothing.
    ///
    /// # Errors
    /// See [`Engine::push_json`].
    pub fn finish(&mut self) -> Result<(), Error> {
        Ok(self.running.guarded(|running| running.finish())?)
    }

    /// The rows that have become certain, in order.
    #[must_use = "rows that were taken are not given again"]
    pub fn take_rows(&mut self) -> Vec<OutputRow> {
        let ids = self.ids();
        rows::rows_of(self.running.take_departures(), &self.outputs, ids)
    }

    /// The rows that have become certain, in order, as values of a type with a field a column; a row that does not fit is an error in its
    /// place. For a program of several outputs, take rows and look at [`OutputRow::stream`].
    ///
    /// ```
    /// use betide::Engine;
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize)]
    /// struct Payment { card: &'static str, amount: f64 }
    /// #[derive(Debug, PartialEq, Deserialize)]
    /// struct Large { card: String, amount: f64 }
    ///
    /// let program = "CREATE STREAM Payment (card STRING, amount FLOAT); SELECT card, amount FROM Payment WHERE amount > 500;";
    /// let mut engine = Engine::compile(program).unwrap();
    /// engine.push_value(&Payment { card: "a", amount: 900.0 })?;
    /// engine.push_value(&Payment { card: "b", amount: 9.0 })?;
    /// engine.finish()?;
    /// let rows: Vec<Large> = engine.rows().collect::<Result<_, _>>()?;
    /// assert_eq!(rows, [Large { card: "a".to_owned(), amount: 900.0 }]);
    /// # Ok::<(), betide::Error>(())
    /// ```
    #[must_use = "rows that were taken are not given again"]
    pub fn rows<T: DeserializeOwned>(&mut self) -> impl Iterator<Item = Result<T, Error>> + use<T> {
        self.take_rows().into_iter().map(|row| row.deserialize())
    }

    /// The rows that have become certain as Arrow batches with the name of their stream; in order within each stream.
    #[must_use = "rows that were taken are not given again"]
    pub fn take_batches(&mut self) -> Vec<(Option<String>, RecordBatch)> {
        rows::batches_of(self.running.take_departures(), &self.outputs)
    }

    /// Writes the rows that have become certain as lines of JSON, in order, and says how many. This is the fastest way out.
    ///
    /// # Errors
    /// What `to` fails with; the rows are gone then.
    pub fn write_rows(&mut self, to: &mut impl Write) -> io::Result<u64> {
        let ids = self.ids();
        rows::write(self.running.take_departures(), &self.outputs, ids, to)
    }

    /// Takes the rows that have become certain, to be written as lines of JSON later, on another thread, say.
    pub fn take_lines(&mut self) -> Lines {
        let ids = self.ids();
        Lines::new(self.running.take_departures(), self.outputs.clone(), ids)
    }

    /// What the rows that are taken next are called.
    fn ids(&self) -> Option<rows::Ids> {
        self.options.ids.then(|| rows::Ids::new((0..self.outputs.len()).map(|output| self.fingerprint_of(output)), self.running.taken()))
    }

    /// The bad events since the last call, in order. Beyond a cap (`limits.kept_bad_events`) they are only counted.
    ///
    /// ```
    /// use betide::Engine;
    ///
    /// let mut engine = Engine::compile("CREATE STREAM Sale (price FLOAT); SELECT price FROM Sale;")?;
    /// engine.push_json(b"{\"price\":1.5}\n{\"price\":\"free\"}\n")?;
    /// let bad = engine.take_bad_events();
    /// assert_eq!((bad.len(), bad[0].line), (1, 2));
    /// let stats = engine.stats();
    /// assert_eq!((stats.events, stats.processed, stats.bad), (2, 1, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use = "bad events that were taken are not given again"]
    pub fn take_bad_events(&mut self) -> Vec<BadEvent> {
        self.running.take_bad().into()
    }

    /// Loads the reference tables from their files. Without this call that is done before the first event; called again it takes new rows:
    /// events that are pushed from then on are looked up in them (those that still wait for the watermark too). Where a file is no good, all
    /// tables stay as they are.
    ///
    /// # Errors
    /// A file that cannot be read ([`Error::Io`]), or what in it is no such table ([`DataError::Table`]).
    pub fn reload_tables(&mut self) -> Result<(), Error> {
        Ok(self.running.guarded(|running| running.reload_tables())?)
    }

    /// Whether the file of a reference table looks different (in length or time of writing) from when it was read, or tried to be.
    pub fn tables_have_changed(&self) -> bool {
        self.running.tables_have_changed()
    }

    /// The table of this name: a view as of the watermark, or a reference table as it is loaded.
    ///
    /// A view has the rows that all events before one place between two events give; the place is the same for all views. It is the
    /// watermark, or earlier where a statement in front of a view still holds rows back.
    ///
    /// ```
    /// use betide::{Engine, Value};
    ///
    /// let program = "CREATE STREAM Sale (item STRING, price FLOAT);
    ///     CREATE TABLE Taken AS SELECT item, SUM(price) AS total FROM Sale GROUP BY item;";
    /// let mut engine = Engine::compile(program)?;
    /// engine.push_json(b"{\"item\":\"tea\",\"price\":2}\n{\"item\":\"tea\",\"price\":3}\n")?;
    /// engine.finish()?;
    /// let taken = engine.table("Taken").and_then(|table| table.get(&[Value::string("tea")]));
    /// assert_eq!(taken.map(|row| row.to_json()), Some(r#"{"item":"tea","total":5.0}"#.to_owned()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn table(&self, name: &str) -> Option<TableView<'_>> {
        let definition = self.program.streams.iter().find(|s| s.table.is_some() && *s.name == *name)?;
        let (mut views, place) = self.running.views();
        let schema = definition.schema.clone();
        if let Some(view) = views.find(|view| view.name() == name) {
            return Some(TableView::of_view(schema, view.rows(), place));
        }
        let file = self.running.tables().iter().find(|table| table.name() == name)?;
        Some(TableView::of_file(schema, file.key(), file.contents(), place))
    }

    /// How many events have come in: the same as in [`Engine::stats`], without asking every operator what it holds.
    pub fn events(&self) -> u64 {
        self.running.read().0
    }

    /// All counters.
    pub fn stats(&self) -> Stats {
        let mut stats: Stats = self.running.metrics().into();
        stats.ended = self.ended().iter().map(EndedStatement::stats).collect();
        stats
    }
}
