//! The one place of the tests that speaks to the engine.
//! In: a program, its input lines, how they are pushed. Out: the rows as text, each with the number of events pushed before it came.

use betide::{Engine, Error, Options};

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

/// Runs a program over JSON lines.
pub fn run(program: &str, lines: &[String], feed: Feed) -> Result<Output, Failure> {
    let mut options = Options::default();
    if let Feed::Whole(Some(size)) = feed {
        options.batch_size = size;
    }
    let mut engine = Engine::with_options(program, &options).map_err(|refusal| Failure::Refused(refusal.to_string()))?;
    let failed = |error: Error| Failure::Failed(error.to_string());
    let mut output = Output::default();
    match feed {
        Feed::Whole(_) => {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            engine.push_json(text.as_bytes()).map_err(failed)?;
            output.take(&mut engine, Some(lines.len()));
        }
        Feed::OneByOne => {
            for (index, line) in lines.iter().enumerate() {
                engine.push_json(format!("{line}\n").as_bytes()).map_err(failed)?;
                output.take(&mut engine, Some(index + 1));
            }
        }
    }
    engine.finish().map_err(failed)?;
    output.take(&mut engine, None);
    let stats = engine.stats();
    assert_eq!(stats.events, stats.processed + stats.late + stats.unrouted + stats.bad, "every event is accounted for");
    assert_eq!(stats.rows, output.rows.len() as u64, "every row is counted");
    Ok(output)
}

impl Output {
    fn take(&mut self, engine: &mut Engine, after: Option<usize>) {
        for row in engine.take_rows() {
            self.rows.push(row.to_json());
            self.after.push(after);
        }
    }
}

/// Whether a refusal says that the engine does not have this part of the language yet.
pub fn not_yet(message: &str) -> bool {
    message.contains("not supported yet")
}
