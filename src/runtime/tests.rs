//! An operator that fails where a test says, around one that does not; and what must hold whichever operator of a program it stands for.

use std::fmt::Write;

use super::assemble::{AssembleOptions, assemble};
use super::clock::ManualClock;
use super::ended::Cause;
use super::limits::Limits;
use super::pipeline::{Pipeline, Work};
use super::running::{RunOptions, Running};
use crate::data::{Inbox, Over, StateError, StateReader, StateWriter, Timestamp};
use crate::operators::{Held, Operator, Outbox};
use crate::plan::{Outputs, PlanOptions, plan};
use crate::semantics::{CheckOptions, check};
use crate::syntax::parse;
use crate::text::Source;

/// How it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Panic,
    Bound,
}

/// Fails when it is called for the time of this number.
#[derive(Debug)]
struct Faulty {
    inner: Box<dyn Operator>,
    calls_left: usize,
    fault: Fault,
}

impl Operator for Faulty {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        // It has done its work, and half of it may be in the outbox.
        self.inner.advance(inbox, out);
        match (self.calls_left, self.fault) {
            (0, Fault::Panic) => panic!("a fault that was asked for"),
            (0, Fault::Bound) => Over { what: "faults", limit: 0, is_of_run: false }.end(),
            _ => self.calls_left -= 1,
        }
    }

    fn held(&self) -> Held {
        self.inner.held()
    }

    fn lags(&self) -> bool {
        self.inner.lags()
    }

    fn save(&self, to: &mut StateWriter) {
        self.inner.save(to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.inner.load(from)
    }
}

impl Pipeline {
    /// Has an operator fail, if it is one with state.
    fn make_faulty(&mut self, stage: usize, calls_left: usize, fault: Fault) -> bool {
        let Work::Operator(keeper) = &mut self.stages[stage].work else { return false };
        keeper.replace_operator(|inner| Box::new(Faulty { inner, calls_left, fault }));
        true
    }
}

const SOURCES: &str = "CREATE STREAM E (k INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at DELAY 2s;";

/// Statements of which each has operators with state; one reads another, one feeds the stream of another.
const STATEMENTS: [(&str, &str); 6] = [
    ("Up", "CREATE STREAM Up AS SELECT a.k, a.x AS low, b.x AS high FROM PATTERN (E a -> E b) PARTITION BY k WHERE b.x > a.x WITHIN 5s;"),
    ("Many", "CREATE STREAM Many AS SELECT a.x, COUNT(b) AS n FROM PATTERN (E a ->> E b+) PARTITION BY k WHERE b.x > a.x WITHIN 3s;"),
    ("Sum", "CREATE STREAM Sum AS SELECT k, SUM(x) AS total FROM E WINDOW TUMBLING 4s GROUP BY k;"),
    ("OfUp", "CREATE STREAM OfUp AS SELECT k, COUNT(*) AS n FROM Up WINDOW SESSION 3s GROUP BY k;"),
    ("Pair", "CREATE STREAM Pair AS SELECT a.x, b.x AS y FROM E a LEFT JOIN E b ON a.k = b.k AND a.x < b.x WITHIN 1s;"),
    ("Quiet", "CREATE STREAM Quiet AS SELECT k, x FROM E SUPPRESS BY k FOR 2s;"),
];

fn program(without: &[&str]) -> String {
    let statements = STATEMENTS.iter().filter(|(name, _)| !without.contains(name));
    statements.fold(SOURCES.to_owned(), |text, (_, statement)| text + "\n" + statement)
}

/// A program, and the names of its statements.
fn running(text: &str, batch_size: usize) -> (Running, Vec<String>) {
    let source = Source::new("test", text);
    let (file, told) = parse(&source);
    assert!(!told.has_errors(), "{told:?}");
    let (program, told) = check(&file, &CheckOptions::default());
    assert!(!told.has_errors(), "{told:?}");
    let names: Vec<String> = STATEMENTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    // Everything leaves, also what is read.
    let there = names.iter().filter(|name| text.contains(&format!("STREAM {name} "))).cloned().collect();
    let options = PlanOptions { outputs: Outputs::Named(there), endless: false, general_evaluators: false, open: false };
    let (graph, _) = plan(&program, &options).unwrap_or_else(|told| panic!("{told:?}"));
    let clock = std::sync::Arc::new(ManualClock::new(Timestamp(0)));
    let run = RunOptions { batch_size, max_line: 1 << 20, strict: false, limits: Limits::default(), threads: 1, hand_over_from: 0, clock };
    let outputs = graph.outputs().iter().map(|output| output.name.as_deref().unwrap_or_default().to_owned()).collect();
    (
        assemble(&graph, &AssembleOptions { type_field: vec!["type".to_owned()], endless: false, folder: None, whole_input: false }, run),
        outputs,
    )
}

fn events() -> String {
    let mut state = 11_u64;
    (0..400).fold(String::new(), |mut text, i| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (k, x, early) = (state >> 60, state >> 50 & 127, state >> 40 & 1);
        writeln!(text, "{{\"k\":{k},\"x\":{x},\"at\":{}}}", 1_000_000 + i * 100 - early * 300).expect("texts take everything");
        text
    })
}

/// The rows that come out, each with the name of its stream, but for those of these streams.
fn rows(running: &mut Running, outputs: &[String], without: &[&str]) -> Vec<String> {
    running.push_bytes(events().as_bytes()).expect("a fault in one statement is no error of the run");
    running.finish().expect("nor at its end");
    let mut rows = Vec::new();
    for gone in running.take_departures() {
        for (batch, row) in gone.order() {
            let (output, batch) = &gone.batches[batch];
            let values: Vec<String> = (0..batch.schema().len()).map(|column| format!("{:?}", batch.value(column, row))).collect();
            if !without.contains(&outputs[*output].as_str()) {
                rows.push(format!("{} {}", outputs[*output], values.join(" ")));
            }
        }
    }
    rows
}

/// What ends with a statement.
fn ends_with(name: &str) -> &'static [&'static str] {
    match name {
        "Up" => &["Up", "OfUp"],
        "Many" => &["Many"],
        "Sum" => &["Sum"],
        "OfUp" => &["OfUp"],
        "Pair" => &["Pair"],
        _ => &["Quiet"],
    }
}

#[test]
fn whichever_operator_fails_the_others_give_what_they_give_without_it() {
    let stages = running(&program(&[]), 16).0.pipeline.stages.len();
    let mut failed = 0;
    for stage in 0..stages {
        for (calls, batch, fault) in [(0, 16, Fault::Panic), (3, 1, Fault::Panic), (7, 16, Fault::Bound), (1, 4096, Fault::Panic)] {
            let (mut running, outputs) = running(&program(&[]), batch);
            if !running.pipeline.make_faulty(stage, calls, fault) {
                continue;
            }
            let statement = running.pipeline.statement_of(stage).expect("it is there");
            let gone = ends_with(STATEMENTS[statement].0);
            let (mut other, others) = self::running(&program(gone), batch);
            assert_eq!(rows(&mut running, &outputs, gone), rows(&mut other, &others, &[]), "stage {stage} after {calls} calls");
            let ended: Vec<usize> = running.ended().iter().filter_map(|ended| running.operator(ended.operator).0).collect();
            let named: Vec<&str> = ended.iter().map(|&statement| STATEMENTS[statement].0).collect();
            assert_eq!(named, gone, "stage {stage}");
            match (&running.ended()[0].cause, fault) {
                (Cause::Panic(panic), Fault::Panic) => assert_eq!(panic.message, "a fault that was asked for"),
                (Cause::Full(what), Fault::Bound) => assert_eq!(what, "more than 0 faults"),
                other => panic!("{other:?}"),
            }
            assert!(running.pipeline.stages[stage].has_ended(), "what it held is freed");
            failed += 1;
        }
    }
    assert!(failed >= 4 * STATEMENTS.len(), "each statement has an operator with state: {failed}");
}
