//! What is answered, as plain data: statements, the runs that came to nothing, reasons with their terms and events.

use serde::{Serialize, Serializer};

/// The answer to why a program gave what it gave.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Each statement that was asked about, in the order of the text.
    pub statements: Vec<StatementAnswer>,
    /// What is to be known of the input as a whole: bad, late and unrouted events.
    pub notes: Vec<String>,
    /// The text of the program, whose lines are shown, and its name.
    #[serde(skip)]
    pub(super) program: String,
    #[serde(skip)]
    pub(super) name: String,
}

/// What became of a statement.
#[derive(Debug, Clone, Serialize)]
pub struct StatementAnswer {
    /// The stream that it makes; an unnamed one is called `statement 2`.
    pub name: String,
    /// The line that it begins on.
    pub line: usize,
    /// Rows that it gave.
    pub rows: u64,
    /// Matches of its pattern, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<u64>,
    /// Runs of its pattern that came to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
    /// Why it gave nothing, or the likeliest of what held rows back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// The runs that came to nothing, the closest miss first.
    pub misses: Vec<Miss>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
}

/// A run of a pattern that came to nothing.
#[derive(Debug, Clone, Serialize)]
pub struct Miss {
    /// The key of its partition: names and values.
    #[serde(serialize_with = "as_object")]
    pub key: Vec<(String, String)>,
    /// When it began.
    pub began: String,
    /// The events that it took.
    pub steps: Vec<Step>,
    /// How many events between them are not shown.
    pub not_shown: usize,
    /// The steps that it waited for.
    pub waited_for: Vec<String>,
    /// Why they did not come.
    pub reason: Reason,
    /// Runs that the same event stopped for the same reason, or that began inside this one and took nothing else.
    pub others: u64,
}

/// An event that a run took.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// The step that took it.
    pub step: String,
    /// The event.
    pub event: Event,
}

/// Why something did not come.
#[derive(Debug, Clone, Serialize)]
pub struct Reason {
    /// A stable name of the kind of reason.
    pub cause: &'static str,
    /// The reason in a sentence.
    pub text: String,
    /// The terms that were not true.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub terms: Vec<Term>,
    /// The event that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
    /// What that event came closest to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// How to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A term that was not true.
#[derive(Debug, Clone, Serialize)]
pub struct Term {
    /// As it is written.
    pub text: String,
    /// The line of the program that it stands on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The bytes of the program that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<(u32, u32)>,
    /// What it compares, and the values.
    #[serde(serialize_with = "as_object")]
    pub values: Vec<(String, String)>,
    /// How often it was true, where that was counted: of how many rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub true_for: Option<(u64, u64)>,
}

/// An event, or a derived row.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// The input that it came from, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// The line of the input; none of a derived row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Its time.
    pub time: String,
    /// The stream that it is of.
    pub stream: String,
    /// The columns that terms and keys read.
    #[serde(serialize_with = "as_object")]
    pub values: Vec<(String, String)>,
}

impl Reason {
    pub(super) fn new(cause: &'static str, text: impl Into<String>) -> Self {
        Self { cause, text: text.into(), terms: Vec::new(), event: None, step: None, hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn event(mut self, event: Event, step: Option<String>) -> Self {
        (self.event, self.step) = (Some(event), step);
        self
    }
}

/// Names and values as an object.
fn as_object<S: Serializer>(pairs: &[(String, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}
