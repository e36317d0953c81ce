//! The one place of the tests that speaks to the engine.
//! In: a program, its input lines, how they are pushed. Out: the rows as text, each with the number of events pushed before it came.

/// How the input goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// All lines in one push, with this batch size (nothing: the default).
    Whole(Option<usize>),
    /// One line a push.
    OneByOne,
}

/// What came out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Output {
    pub rows: Vec<String>,
    /// For each row, how many events had been pushed when it came; nothing: at the end of input.
    pub after: Vec<Option<usize>>,
}

/// Why nothing came out.
#[derive(Debug)]
pub enum Failure {
    /// The program was refused.
    Refused(String),
    /// The run failed.
    Failed(String),
}

/// Whether there is an engine to ask.
pub fn present() -> bool {
    false
}

/// Runs a program over JSON lines.
pub fn run(_program: &str, _lines: &[String], _feed: Feed) -> Result<Output, Failure> {
    Err(Failure::Failed("no engine yet".into()))
}

/// Whether a refusal says that the engine does not have this part of the language yet.
pub fn not_yet(message: &str) -> bool {
    message.contains("not supported yet")
}
