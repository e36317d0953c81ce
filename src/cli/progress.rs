//! The line that says how far a long run is, on a terminal.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use betide::connect::{Input, Progress as Read};

use super::summary::{Elapsed, grouped};
use super::terminal;

/// A run that is shorter than this shows nothing.
const SHOW_AFTER: Duration = Duration::from_millis(700);
/// How often the line is written anew.
const SHOW_EVERY: Duration = Duration::from_millis(200);

/// A line on standard error that is written over and over.
pub(crate) struct Progress {
    inputs: Vec<Read>,
    elapsed: Elapsed,
    next: Duration,
    is_on: bool,
    is_shown: bool,
}

impl Progress {
    /// For these inputs. A pipe has no end that could be told, and where nobody looks nothing is shown.
    pub(crate) fn new(inputs: &[Input]) -> Self {
        let inputs: Vec<Read> = inputs.iter().map(|input| input.progress().clone()).collect();
        let is_on = std::io::stderr().is_terminal() && !terminal::is_dumb() && inputs.iter().all(|input| input.total().is_some());
        Self { inputs, elapsed: Elapsed::start(), next: SHOW_AFTER, is_on, is_shown: false }
    }

    /// Whether it is time to show the line.
    pub(crate) fn is_due(&self) -> bool {
        self.is_on && self.elapsed.get() >= self.next
    }

    /// Writes the line over the one before.
    pub(crate) fn show(&mut self, events: u64) {
        let elapsed = self.elapsed.get();
        self.next = elapsed + SHOW_EVERY;
        let read: u64 = self.inputs.iter().map(Read::read).sum();
        let total: u64 = self.inputs.iter().filter_map(Read::total).sum();
        // A line that wraps could not be written over.
        let columns = terminal::columns().unwrap_or(80).saturating_sub(1);
        let line = fitting(&line(read, total, events, elapsed), columns);
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
        self.is_shown = true;
    }

    /// Takes the line away, before something else is written.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            let mut stderr = std::io::stderr().lock();
            let _ = write!(stderr, "\r\x1b[K").and_then(|()| stderr.flush());
        }
    }
}

/// As much of the line as fits, by its parts.
fn fitting(line: &str, columns: usize) -> String {
    let mut line = line;
    while terminal::width(line) > columns {
        let Some((shorter, _)) = line.rsplit_once(" · ") else { return terminal::cut(line, columns) };
        line = shorter;
    }
    line.to_owned()
}

fn line(read: u64, total: u64, events: u64, elapsed: Duration) -> String {
    let percent = (read.saturating_mul(100)).checked_div(total).unwrap_or(100).min(100);
    let rate = events as f64 / elapsed.as_secs_f64().max(0.001);
    let left = if read > 0 && read < total {
        format!(" · {:.0} s left", elapsed.as_secs_f64() * (total - read) as f64 / read as f64)
    } else {
        String::new()
    };
    format!("{percent:3} % · {} events · {} a second{left}", grouped(events), grouped(rate as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far_it_is() {
        let text = line(50, 200, 12_000, Duration::from_secs(2));
        assert_eq!(text, " 25 % · 12,000 events · 6,000 a second · 6 s left");
        assert_eq!(
            [fitting(&text, 60), fitting(&text, 48), fitting(&text, 24)],
            [&*text, " 25 % · 12,000 events · 6,000 a second", " 25 % · 12,000 events"]
        );
        assert_eq!(line(0, 0, 0, Duration::ZERO), "100 % · 0 events · 0 a second");
    }
}
