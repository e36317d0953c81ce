//! Why: a program is run with operators that take notes, and what they have noted is the answer.

use std::borrow::Cow;
use std::sync::Arc;

use super::compile::{self, Planned, assembled};
use super::{Error, Options};
use crate::codec::Format;
use crate::plan::OperatorGraph;
use crate::runtime::Running;
use crate::semantics::Program;
use crate::text::{Diagnostics, Source};
use crate::why::{Answer, Intake, Question, SourceSeen, WatchedProgram, Watching};

/// Asks why a program gives what it gives over some events: it runs the program, slowly, and follows every run of every pattern.
///
/// ```
/// use betide::why::Question;
/// use betide::{Inquiry, Options};
///
/// let program = "CREATE STREAM Payment (card STRING, amount FLOAT);
///     SELECT a.card FROM PATTERN (Payment a -> Payment b) PARTITION BY card WHERE a.amount < 2 AND b.amount > 500;";
/// let mut inquiry = Inquiry::new(program, &Options::default(), Question::default())?;
/// inquiry.push_json(b"{\"card\":\"x\",\"amount\":1}\n{\"card\":\"x\",\"amount\":499}\n")?;
/// let answer = inquiry.finish()?;
///
/// let miss = &answer.statements[0].misses[0];
/// assert_eq!(miss.waited_for, ["b"]);
/// assert_eq!(miss.reason.cause, "wrong_value");
/// assert_eq!(miss.reason.terms[0].text, "b.amount > 500");
/// assert_eq!(miss.reason.terms[0].values, [("b.amount".to_owned(), "499.0".to_owned())]);
/// # Ok::<(), betide::Error>(())
/// ```
#[derive(Debug)]
pub struct Inquiry {
    source: Source,
    program: Program,
    graph: OperatorGraph,
    running: Running,
    warnings: Diagnostics,
    watching: Watching,
    intake: Intake,
    type_field: Vec<String>,
    /// The beginning of a line whose end has not come.
    open: Vec<u8>,
    format: Format,
}

impl Inquiry {
    /// Compiles a program to be asked about.
    pub fn new(text: &str, options: &Options, question: Question) -> Result<Self, Error> {
        let source = Source::new(options.name.clone(), text);
        let options = Options { general_evaluators: true, batch_size: 1, strict: false, endless: false, ..options.clone() };
        let compiled = compile::planned_noting(&source, &options, |_| compile::outputs(&options), true);
        let compiled = compiled.map_err(|diagnostics| Error::Query { diagnostics, source: source.clone() })?;
        let Planned { program, mut graph, warnings } = compiled;
        graph.need_all_columns();
        let mut running = assembled(&graph, &options);
        let mut watching = Watching::new(&graph, question, options.limits.pattern_threads);
        running.watch(&mut watching);
        let order = watching.order(&graph);
        running.show(order);
        let type_field = options.type_field.split('.').map(str::to_owned).collect();
        let (intake, open) = (Intake::default(), Vec::new());
        Ok(Self { source, program, graph, running, warnings, watching, intake, type_field, open, format: Format::JsonLines })
    }

    /// What may not be meant so in the program.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// The program's text, for showing the warnings in it.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The names of the streams that its statements make; an unnamed one is called `statement 2`.
    pub fn statements(&self) -> Vec<String> {
        let name = |(number, statement): (usize, &Arc<crate::semantics::Statement>)| match statement.output {
            crate::semantics::Output::Stream(id) => self.program.streams[id.0 as usize].name.to_string(),
            crate::semantics::Output::Unnamed => format!("statement {}", number + 1),
        };
        self.program.statements.iter().enumerate().map(name).collect()
    }

    /// The columns that a key can be asked for by: those of all streams, each once, in the order of the text.
    pub fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = Vec::new();
        for field in self.program.streams.iter().flat_map(|stream| stream.schema.fields()) {
            if !columns.iter().any(|known| *known == *field.name) {
                columns.push(field.name.to_string());
            }
        }
        columns
    }

    /// The next input begins: answers name it where there are several.
    pub fn begin_input(&mut self, name: &str) {
        self.watching.lines(|lines| lines.begin(name));
    }

    /// Takes bytes of JSON lines, cut anywhere.
    pub fn push_json(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.push(bytes, Format::JsonLines)
    }

    /// Takes bytes of comma-separated values, cut anywhere.
    pub fn push_csv(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.push(bytes, Format::Csv)
    }

    fn push(&mut self, bytes: &[u8], format: Format) -> Result<(), Error> {
        self.format = format;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if !piece.ends_with(b"\n") {
                self.open.extend_from_slice(piece);
                continue;
            }
            let line: Cow<'_, [u8]> = if self.open.is_empty() {
                Cow::Borrowed(piece)
            } else {
                let mut line = std::mem::take(&mut self.open);
                line.extend_from_slice(piece);
                Cow::Owned(line)
            };
            self.line(&line)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        let (events, number) = self.running.read();
        self.watching.lines(|lines| lines.next(number));
        match self.format {
            Format::JsonLines => self.running.push_bytes(line)?,
            Format::Csv => self.running.push_csv(line)?,
        }
        self.settle(line, (events, number));
        Ok(())
    }

    /// What became of a line.
    fn settle(&mut self, line: &[u8], (events, number): (u64, u64)) {
        let at = self.watching.lines(|lines| lines.last());
        let bad = self.running.take_bad();
        let (events_now, number_now) = self.running.read();
        if let Some(bad) = bad.into_iter().next() {
            self.intake.lose(at, line, &self.type_field, Some(bad.detail));
        } else if events_now > events && number_now == number {
            self.intake.lose(at, line, &self.type_field, None);
        }
        // Rows that nobody asked for are let go.
        self.running.take_departures();
    }

    /// The end of one input of several.
    pub fn end_input(&mut self) -> Result<(), Error> {
        if !self.open.is_empty() {
            let mut line = std::mem::take(&mut self.open);
            line.push(b'\n');
            self.line(&line)?;
        }
        let before = self.running.read();
        self.running.end_input()?;
        self.settle(b"", before);
        Ok(())
    }

    /// The end of input, and the answer.
    pub fn finish(mut self) -> Result<Answer, Error> {
        self.end_input()?;
        self.running.finish()?;
        let metrics = self.running.metrics();
        let counts: Vec<(u64, u64)> =
            metrics.operators.iter().map(|operator| (operator.counts.rows_in, operator.counts.rows_out)).collect();
        let seen = |source: &crate::runtime::SourceMetrics| SourceSeen {
            name: source.name.to_string(),
            events: source.stats.events,
            late: source.stats.late,
        };
        let sources: Vec<SourceSeen> = metrics.sources.iter().map(seen).collect();
        let Self { source, program, graph, watching, intake, type_field, .. } = self;
        let watched = WatchedProgram { graph: &graph, checked: &program, source: &source, type_field: &type_field };
        Ok(watching.answer(&watched, &counts, &sources, &intake))
    }
}
