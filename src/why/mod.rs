//! Why a program gave what it gave: which runs of a pattern began and where they stopped, which condition let how many rows through, which
//! keys of a join never met; and of the input, what was bad, late, or of no stream.
//!
//! In: the program's graph, whose operators are watched while they run (`Watching` puts operators that take notes in their places), and
//! what became of the lines of the input (`Intake`). Out: an [`Answer`], plain data that can be shown as text. Nothing of this is part of a
//! usual run.

mod answer;
mod intake;
mod lines;
mod pattern;
mod plain;
mod said;
mod taps;
mod text;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

pub use self::answer::{Answer, Event, Miss, Reason, StatementAnswer, Step, Term};
pub(crate) use self::intake::Intake;
pub(crate) use self::lines::Lines;
pub(crate) use self::pattern::SourceSeen;
use self::said::{Program, text_of};
use self::taps::{FilterNotes, FilterTap, JoinNotes, Looker, Notes, Tap, WindowNotes, and_terms, locked};
use crate::data::{EventBatch, Timestamp, Value};
use crate::operators::{Operator, Released, Transform, Watch, WatchOrder};
use crate::pattern::trace::{Asked, Tracer};
use crate::plan::{Edge, OperatorGraph, OperatorSpec};

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Only runs of this key, or with an event of this value in this column: name and value. Several must all hold.
    pub key: Vec<(String, String)>,
    /// Only runs that were under way at this time.
    pub at: Option<Timestamp>,
    /// Only the statement that makes this stream.
    pub statement: Option<String>,
    /// How many runs are told of, for each statement. 0 counts as the default, 5.
    pub limit: usize,
    /// How many keys of each pattern, join and window are followed. Rows of further keys are left out, which is told; a key that is asked for
    /// is followed however many there are before it. 0 counts as the default, 100,000.
    pub keys: usize,
}

impl Question {
    pub(crate) fn limit(&self) -> usize {
        if self.limit == 0 { 5 } else { self.limit }
    }

    fn keys(&self) -> usize {
        if self.keys == 0 { 100_000 } else { self.keys }
    }
}

/// What is watched of a program that runs.
#[derive(Debug)]
pub(crate) struct Watching {
    question: Question,
    threads: usize,
    specs: Vec<OperatorSpec>,
    notes: Vec<Notes>,
    lines: Arc<Mutex<Lines>>,
}

/// Is shown what leaves the event-time order: positions for the lines, and late rows for the patterns that they would have gone to.
#[derive(Debug)]
struct OrderWatch {
    lines: Arc<Mutex<Lines>>,
    /// For each source: its time column, and the patterns that read it, with the number of the input.
    readers: BTreeMap<usize, Readers>,
}

#[derive(Debug)]
struct Readers {
    time: Option<usize>,
    patterns: Vec<(taps::Shared<Option<Tracer>>, usize)>,
}

impl Watching {
    /// Watches the operators of a graph; `threads` is the bound of its patterns.
    pub(crate) fn new(graph: &OperatorGraph, question: Question, threads: usize) -> Self {
        let specs = graph.nodes().iter().map(|node| node.spec.clone()).collect();
        let notes = graph.nodes().iter().map(|_| Notes::Nothing).collect();
        Self { question, threads, specs, notes, lines: Arc::default() }
    }

    /// The lines that are read.
    pub(crate) fn lines<T>(&self, look: impl FnOnce(&mut Lines) -> T) -> T {
        locked(&self.lines, look)
    }

    /// Who is to be shown what leaves the event-time order. To be asked for when the operators are watched.
    pub(crate) fn order(&self, graph: &OperatorGraph) -> Box<dyn WatchOrder> {
        let mut readers: BTreeMap<usize, Readers> = BTreeMap::new();
        for (node, notes) in graph.nodes().iter().zip(&self.notes) {
            let Notes::Pattern(tracer) = notes else { continue };
            for (input, edge) in node.inputs.iter().enumerate() {
                let Edge::Source(source) = edge else { continue };
                let time = graph.sources()[source.0 as usize].read_as.time_column;
                let of_source = readers.entry(source.0 as usize).or_insert_with(|| Readers { time, patterns: Vec::new() });
                of_source.patterns.push((tracer.clone(), input));
            }
        }
        Box::new(OrderWatch { lines: self.lines.clone(), readers })
    }

    /// The answer: `counts` are the rows that each operator took and gave, `sources` what came of each source.
    pub(crate) fn answer(self, program: &Program<'_>, counts: &[(u64, u64)], sources: &[SourceSeen], intake: &Intake) -> Answer {
        plain::answer(self, program, counts, sources, intake)
    }
}

impl Watch for Watching {
    fn operator(&mut self, node: usize, inner: Box<dyn Operator>) -> Box<dyn Operator> {
        let (looker, notes) = match &self.specs[node] {
            OperatorSpec::Pattern { spec, .. } => {
                let asked = Asked {
                    key: self.question.key.clone(),
                    at: self.question.at,
                    most: self.question.limit().max(64),
                    keys: self.question.keys(),
                };
                let tracer = Arc::new(Mutex::new(Some(Tracer::new(spec.clone(), self.threads, asked))));
                (Looker::Pattern(tracer.clone()), Notes::Pattern(tracer))
            }
            OperatorSpec::Join(spec) => {
                let notes = Arc::new(Mutex::new(JoinNotes::new(self.question.keys())));
                (Looker::Join(spec.clone(), notes.clone()), Notes::Join(notes))
            }
            OperatorSpec::Window(spec) => {
                let notes = Arc::new(Mutex::new(WindowNotes::new(self.question.keys())));
                (Looker::Window(spec.clone(), notes.clone()), Notes::Window(notes))
            }
            _ => return inner,
        };
        self.notes[node] = notes;
        Box::new(Tap { inner, looker })
    }

    fn transform(&mut self, node: usize, inner: Box<dyn Transform>) -> Box<dyn Transform> {
        let OperatorSpec::Filter(condition) = &self.specs[node] else { return inner };
        let notes = FilterNotes { terms: and_terms(condition), asked: self.question.key.clone(), ..FilterNotes::default() };
        let notes = Arc::new(Mutex::new(notes));
        self.notes[node] = Notes::Filter(notes.clone());
        Box::new(FilterTap { inner, notes })
    }
}

impl WatchOrder for OrderWatch {
    fn released(&mut self, released: &Released, numbers: Vec<u64>) {
        locked(&self.lines, |lines| lines.gone(&numbers));
        for (source, batch) in released.late.iter().enumerate().filter(|(_, batch)| !batch.is_empty()) {
            let Some(readers) = self.readers.get(&source) else { continue };
            let times = own_times(batch, readers.time);
            for (tracer, input) in &readers.patterns {
                locked(tracer, |tracer| tracer.iter_mut().for_each(|tracer| tracer.late(*input, batch, &times)));
            }
        }
    }
}

/// The event times of late rows, which stand where the watermark was.
fn own_times(batch: &EventBatch, column: Option<usize>) -> Vec<Timestamp> {
    let own = |row: usize| match column.map(|column| batch.value(column, row)) {
        Some(Value::Timestamp(time)) => time,
        _ => batch.time(row),
    };
    (0..batch.len()).map(own).collect()
}

pub(crate) use self::said::Program as WatchedProgram;
