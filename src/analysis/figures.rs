//! What was measured, as plain data.

use serde::Serialize;

/// What a program has done with some events. All but times and bytes is the same whatever the machine, and however the input was cut into
/// pieces; what was held at most is looked at once a batch, and so depends on how large these are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Events that came in.
    pub events: u64,
    /// Late ones.
    pub late: u64,
    /// Those of no stream.
    pub unrouted: u64,
    /// Those that are no good.
    pub bad: u64,
    /// Rows that left.
    pub rows: u64,
    /// Nanoseconds that reading lines, putting events in order and all operators took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nanos: Option<u64>,
    /// Of these, the one look at each event that many operators share, where they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_nanos: Option<u64>,
    /// Each source stream.
    pub sources: Vec<SourceFigures>,
    /// Each operator, in the order of `explain`.
    pub operators: Vec<OperatorFigures>,
    /// Each output.
    pub outputs: Vec<OutputFigures>,
    /// What must be known to read the figures: statements that have ended, counts that are not complete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Of a source stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SourceFigures {
    /// Its name.
    pub name: String,
    /// Events that arrived, late ones among them.
    pub events: u64,
    /// Late ones.
    pub late: u64,
    /// Those that still waited for the watermark when the last event had come, before the end of input was told.
    pub waiting: u64,
}

/// Of an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutputFigures {
    /// Its stream; an unnamed output has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Rows that left by it.
    pub rows: u64,
}

/// Of an operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperatorFigures {
    /// Its number and kind, as in `explain`.
    pub name: String,
    /// Rows that came to it.
    pub rows_in: u64,
    /// Rows that it gave.
    pub rows_out: u64,
    /// NULLs that its expressions had to make up.
    pub eval_nulls: u64,
    /// What it had to give up at a bound.
    pub dropped: u64,
    /// What it held when the last event had come, before the end of input was told.
    pub held: Held,
    /// The most that it held, each part by itself, looked at behind each batch of events.
    pub most: Held,
    /// Nanoseconds that it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nanos: Option<u64>,
    /// The steps of its pattern, where it has one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepFigures>,
    /// The terms of its condition, or of its pattern.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<TermFigures>,
}

/// What an operator holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Held {
    /// Keys, groups or partitions.
    pub keys: u64,
    /// Rows, events or runs.
    pub rows: u64,
    /// Bytes, about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// Of a step of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepFigures {
    /// The step; `!b` for a negated one, `until b` for one that ends a loop.
    pub name: String,
    /// Events of its stream that came to the pattern.
    pub events: u64,
    /// Those for which all terms over the event alone are true.
    pub fit: u64,
    /// How often a run took an event there. A negated step takes none, and where matches are not listed it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<u64>,
    /// How often that was the first event of the step: so often a run has come so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
    /// Its number among the variables of the pattern.
    #[serde(skip)]
    pub(super) variable: usize,
}

/// Of a term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TermFigures {
    /// The step that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// As it is written.
    pub text: String,
    /// How often it was asked. A term over one event alone is asked of every event of its step's stream; one that compares events, when a
    /// run that waits for the step is shown an event for which those are true; the terms of WHERE and HAVING from left to right, up to the
    /// first that is false.
    pub asked: u64,
    /// How often it was true.
    pub held: u64,
}

impl Figures {
    /// Without times and bytes, which differ from run to run and from machine to machine.
    #[must_use]
    pub fn without_times(mut self) -> Self {
        (self.nanos, self.shared_nanos) = (None, None);
        for operator in &mut self.operators {
            operator.nanos = None;
            (operator.held.bytes, operator.most.bytes) = (None, None);
        }
        self
    }
}
