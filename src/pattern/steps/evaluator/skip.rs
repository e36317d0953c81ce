//! SKIP: matches wait until it is their start's turn.

use super::{Arrival, StepEvaluator};
use crate::data::{ColumnBuilder, Place};
use crate::pattern::steps::partition::StepPartition;
use crate::pattern::steps::rows::Finished;
use crate::pattern::steps::waiting::{Fitting, Record};
use crate::spec::{AfterMatch, Arrow, VariableId};

impl StepEvaluator {
    /// Of each start the first match that is one counts; what else of it waits is over.
    pub(super) fn finish_in_turn(&mut self, partition: &mut StepPartition, arrival: &Arrival<'_>, fitting: Fitting) {
        let last = self.plan.last();
        let found = std::mem::take(&mut self.scratch.found);
        let shape = &self.shapes[last - 1];
        let mut records: Vec<Record<'_>> = found.chunks_exact(shape.stride()).map(Record).collect();
        records.sort_unstable_by(|a, b| a.cmp_events(*b, shape));
        let mut number = None;
        let mut matched: Vec<u32> = Vec::new();
        for record in records {
            let start = record.event(0);
            let mut events: Vec<u32> = record.events(last).collect();
            if matched.last() != Some(&start) && self.is_accepted(&events, arrival) {
                let event = *number.get_or_insert_with(|| self.log(last, arrival));
                events.push(event);
                partition.turns.matched(start, &events);
                matched.push(start);
            } else if fitting == Fitting::Goes {
                partition.turns.less(start);
            }
        }
        if !matched.is_empty() && self.plan.steps.iter().any(|step| step.arrow == Arrow::Any) {
            partition.keep(&self.shapes, |record| matched.binary_search(&record.event(0)).is_err());
        }
        self.scratch.found = found;
    }

    /// SKIP: the matches whose turn it is, and what they skip.
    pub(super) fn let_out(&mut self, partition: &mut StepPartition) {
        let before = self.ready.len();
        while let Some((start, events)) = partition.turns.next_match() {
            let place = |step: usize| self.logs[step].place(events[step]);
            let of = |variables: &[VariableId]| variables.iter().filter_map(|v| self.plan.step_of(*v)).collect::<Vec<usize>>();
            let target = match &self.plan.spec.after_match {
                AfterMatch::SkipPastLast => {
                    let last = place(self.plan.last());
                    partition.turns.skip_while(|start| start <= last);
                    None
                }
                AfterMatch::SkipToLastEvent => Some(place(self.plan.last())),
                AfterMatch::SkipToFirst(variables) => of(variables).into_iter().min().map(place),
                AfterMatch::SkipToLast(variables) => of(variables).into_iter().max().map(place),
                AfterMatch::SkipToNext | AfterMatch::Everything | AfterMatch::Restart | AfterMatch::Consume => None,
            };
            if let Some(target) = target {
                partition.turns.skip_while(|start| start < target);
            }
            self.ready.push((start, events));
        }
        if self.ready.len() > before {
            partition.forget_skipped(&self.shapes);
        }
    }

    /// Whether there are matches whose turn it is.
    pub(crate) fn is_any_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Hands out the matches whose turn it is, in the order of their starts: where each starts and ends, and how its row is written.
    pub(crate) fn let_ready_go(&mut self, mut go: impl FnMut(Place, Place, &dyn Fn(&mut [ColumnBuilder]))) {
        let mut ready = std::mem::take(&mut self.ready);
        ready.sort_by_key(|(start, _)| *start);
        for (start, events) in ready {
            let last = self.plan.last();
            let found = Finished { events: &events, count: 1, width: events.len(), last: None };
            go(start, self.logs[last].place(events[last]), &|out: &mut [ColumnBuilder]| {
                self.writer.write(&self.plan, &self.logs, found, out, &self.terms.context);
            });
        }
    }

    /// The time of a start is over.
    pub(crate) fn expire(&mut self, partition: &mut StepPartition, start: Place) {
        partition.turns.expire(start);
        self.let_out(partition);
    }

    /// The input is over.
    pub(crate) fn end(&mut self, partition: &mut StepPartition) {
        partition.turns.end();
        self.let_out(partition);
        partition.clear(&self.shapes);
    }
}
