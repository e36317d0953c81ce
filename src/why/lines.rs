//! Which line of which input stands at which place: noted when a line is read, found when an event is shown.

use std::collections::BTreeMap;

/// Lines whose positions are remembered; behind them events are shown by their times alone.
const LINES_KEPT: usize = 50_000_000;

/// Lines by position.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// By arrival number, those of events that have not gone out.
    waiting: BTreeMap<u64, u32>,
    /// By position, counted over all inputs from 1.
    by_position: Vec<u32>,
    /// Where each input begins, and what it is called.
    inputs: Vec<(u32, String)>,
    /// Lines read so far.
    read: u32,
}

impl Lines {
    /// The next input begins.
    pub(crate) fn begin(&mut self, name: &str) {
        match self.inputs.last_mut() {
            Some(last) if last.0 == self.read => name.clone_into(&mut last.1),
            _ => self.inputs.push((self.read, name.to_owned())),
        }
    }

    /// The next line is read; if it is an event, it has this arrival number.
    pub(crate) fn next(&mut self, number: u64) {
        self.read = self.read.saturating_add(1);
        self.waiting.insert(number, self.read);
    }

    /// The line that was read last.
    pub(crate) fn last(&self) -> u32 {
        self.read
    }

    /// These events have gone out, in this order.
    pub(crate) fn gone(&mut self, numbers: &[u64]) {
        for number in numbers {
            let line = self.waiting.remove(number).unwrap_or(0);
            if self.by_position.len() < LINES_KEPT {
                self.by_position.push(line);
            }
        }
    }

    /// The line at a position, counted over all inputs.
    pub(crate) fn at(&self, position: u64) -> Option<u32> {
        let index = usize::try_from(position.checked_sub(1)?).ok()?;
        self.by_position.get(index).copied().filter(|line| *line > 0)
    }

    /// The input of a line, where there are several, and its number there.
    pub(crate) fn of_input(&self, line: u32) -> (Option<&str>, u64) {
        let at = self.inputs.partition_point(|(before, _)| *before < line).checked_sub(1);
        let Some((before, name)) = at.map(|at| &self.inputs[at]) else { return (None, line.into()) };
        ((self.inputs.len() > 1).then_some(name.as_str()), (line - before).into())
    }
}
