//! The slots of the pattern for one match: events out of the logs, and the candidate that is looked at.

use super::log::Log;
use super::plan::Plan;
use super::waiting::Record;
use crate::data::{EventBatch, Timestamp, Value};
use crate::expr::{Row, SlotId};
use crate::spec::SlotKind;

/// A match, finished or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) plan: &'a Plan,
    pub(super) logs: &'a [Log],
    pub(super) events: Events<'a>,
    /// The step whose event lies in a batch still.
    pub(super) candidate: Option<InBatch<'a>>,
}

/// The numbers of a match's events in the logs of their steps.
#[derive(Debug, Clone, Copy)]
pub(super) enum Events<'a> {
    Record(Record<'a>),
    Numbers(&'a [u32]),
}

/// An event in a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct InBatch<'a> {
    pub(super) step: usize,
    pub(super) batch: &'a EventBatch,
    pub(super) row: usize,
    pub(super) time: Timestamp,
}

impl Events<'_> {
    pub(super) fn of_step(self, step: usize) -> u32 {
        match self {
            Self::Record(record) => record.event(step),
            Self::Numbers(numbers) => numbers[step],
        }
    }
}

impl View<'_> {
    /// The time of the event of a step.
    pub(super) fn time(&self, step: usize) -> Timestamp {
        match &self.candidate {
            Some(candidate) if candidate.step == step => candidate.time,
            Some(_) | None => self.logs[step].place(self.events.of_step(step)).time(),
        }
    }
}

impl Row for View<'_> {
    fn slot(&self, slot: SlotId) -> Value<'_> {
        let Some(column) = self.plan.columns[slot.0 as usize] else {
            return match self.plan.spec.slots[slot.0 as usize].kind {
                SlotKind::StartTime => Value::Timestamp(self.time(0)),
                SlotKind::EndTime => Value::Timestamp(self.time(self.plan.last())),
                _ => unreachable!("the planner lets through columns of steps, and START_TIME and END_TIME in outputs"),
            };
        };
        match (&self.candidate, column.kept) {
            (Some(candidate), _) if candidate.step == column.step => candidate.batch.value(column.column, candidate.row),
            (_, Some(kept)) => self.logs[column.step].value(kept, self.events.of_step(column.step)),
            (_, None) => unreachable!("what is read of an event is kept"),
        }
    }
}
