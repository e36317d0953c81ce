//! Finished matches to output rows, a column at a time: what an output reads stands in the record of the thread.

use std::ops::Deref;

use super::log::Log;
use super::machine::{Machine, Source, View};
use super::table::NONE;
use crate::data::{ColumnBuilder, Place, Value};
use crate::expr::{EvalContext, Expr, SlotId};
use crate::spec::{AfterMatch, PatternSpec};

/// A match, or a run that timed out, that comes out.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) port: usize,
    /// Where it begins: rows that are certain at one moment come out in that order.
    pub(crate) start: Place,
    /// Where it ends, which is where its row stands.
    pub(crate) end: Place,
    /// The number of its first event.
    first: u32,
    /// MATCH_NUMBER()
    pub(super) number: u64,
    record: Record,
}

/// The record of a thread, which is mostly short.
#[derive(Debug)]
enum Record {
    Few(u8, [u32; Self::FEW]),
    Many(Box<[u32]>),
}

impl Record {
    const FEW: usize = 12;
}

impl From<&[u32]> for Record {
    #[inline]
    fn from(words: &[u32]) -> Self {
        let mut few = [NONE; Self::FEW];
        match few.get_mut(..words.len()) {
            Some(there) => {
                there.copy_from_slice(words);
                Self::Few(words.len() as u8, few)
            }
            None => Self::Many(words.into()),
        }
    }
}

impl Deref for Record {
    type Target = [u32];

    #[inline]
    fn deref(&self) -> &[u32] {
        match self {
            Self::Few(count, words) => &words[..usize::from(*count)],
            Self::Many(words) => words,
        }
    }
}

/// Makes rows.
#[derive(Debug)]
pub(super) struct Results {
    outputs: Vec<Output>,
    having: Option<Expr>,
    context: EvalContext,
}

#[derive(Debug)]
enum Output {
    /// Words of a column of an event that the record names.
    Words(SlotId),
    /// Any slot.
    Slot(SlotId),
    Computed(Expr),
}

impl Found {
    /// SKIP: where in the log the first start lies that this match does not cover, if it covers any.
    pub(super) fn next_start(&self, machine: &Machine, log: &Log, skips_failed: &mut u64) -> Option<usize> {
        let last = self.record[1];
        match &machine.spec.after_match {
            AfterMatch::SkipPastLast => Some(log.index(last) + 1),
            AfterMatch::SkipToLastEvent => Some(log.index(last)),
            AfterMatch::SkipToFirst(_) | AfterMatch::SkipToLast(_) => {
                let event = machine.skip_to.map(|at| self.record[at]).filter(|event| *event != NONE);
                let target = event.unwrap_or(self.first);
                *skips_failed += u64::from(target == self.first);
                Some(log.index(target))
            }
            AfterMatch::SkipToNext | AfterMatch::Everything | AfterMatch::Restart | AfterMatch::Consume => None,
        }
    }
}

impl Results {
    pub(super) fn new(spec: &PatternSpec, machine: &Machine) -> Self {
        let output = |expr: &Expr| match expr.as_slot() {
            Some(slot) => match machine.results[slot.0 as usize] {
                Source::Candidate { column } | Source::Remembered { column, .. } if Log::is_word(&machine.layout, column) => {
                    Output::Words(slot)
                }
                _ => Output::Slot(slot),
            },
            None => Output::Computed(expr.clone()),
        };
        Self { outputs: spec.outputs.iter().map(output).collect(), having: spec.having.clone(), context: EvalContext::new() }
    }

    pub(super) fn context(&self) -> &EvalContext {
        &self.context
    }

    pub(super) fn has_having(&self) -> bool {
        self.having.is_some()
    }

    /// The match of a record.
    pub(super) fn found(&self, machine: &Machine, log: &Log, first: u32, record: &[u32]) -> Found {
        let (start, end) = (log.place(&machine.layout, first), log.place(&machine.layout, record[1]));
        Found { port: 0, start, end, first, number: 0, record: record.into() }
    }

    /// The run of a record, which was over at `end`.
    pub(super) fn timed_out(&self, machine: &Machine, log: &Log, first: u32, record: &[u32], end: Place) -> Found {
        Found { port: 1, start: log.place(&machine.layout, first), end, first, number: 0, record: record.into() }
    }

    /// Whether a match is one (HAVING).
    pub(super) fn accepts(&self, machine: &Machine, log: &Log, found: &Found) -> bool {
        self.having.as_ref().is_none_or(|having| having.is_true(&view(machine, log, found, None), &self.context))
    }

    /// Appends the row of a match, or of a run that timed out, an output column a builder.
    pub(super) fn write(&self, machine: &Machine, log: &Log, found: &Found, builders: &mut [ColumnBuilder]) {
        use crate::expr::{Row, Words};
        let is_timeout = found.port == 1;
        let waiting = is_timeout.then(|| awaited(machine, found)).flatten();
        let view = view(machine, log, found, waiting);
        for (output, builder) in self.outputs.iter().zip(&mut *builders) {
            match output {
                Output::Words(slot) => builder.push_word_or_null(view.word(*slot)),
                Output::Slot(slot) => builder.push(view.slot(*slot)),
                Output::Computed(expr) => builder.push(expr.eval(&view, &self.context)),
            }
        }
        if is_timeout {
            builders[self.outputs.len()].push(waiting.map_or(Value::Null, Value::string));
        }
    }
}

/// The name of what a run waited for.
fn awaited<'m>(machine: &'m Machine, found: &Found) -> Option<&'m str> {
    let row = machine.table.rows.get(found.record[0] as usize)?;
    row.ways.first().map(|way| &*machine.spec.variables[way.variable as usize].name)
}

fn view<'a>(machine: &'a Machine, log: &'a Log, found: &'a Found, waiting: Option<&'a str>) -> View<'a> {
    View {
        log,
        layout: &machine.layout,
        record: &found.record,
        sources: &machine.results,
        quick: &machine.quick_results,
        candidate: found.record[1],
        start: found.first,
        match_number: found.number,
        end: Some(found.end),
        waiting,
    }
}
