//! Finished matches to rows, a column at a time where every output reads columns of the events, else through the general outputs.

use std::sync::Arc;

use super::log::Log;
use super::plan::{Output, OutputPlan, Plan};
use super::view::{Events, InBatch, View};
use crate::data::{ColumnBuilder, Place};
use crate::expr::EvalContext;
use crate::pattern::event::Event;
use crate::pattern::outputs::Outputs;
use crate::pattern::registers::Taking;
use crate::pattern::runs::{Emitted, Having};
use crate::pattern::thread::{History, Match};

/// Writes the rows of matches.
#[derive(Debug)]
pub(super) struct RowWriter {
    /// Where whole events are kept.
    whole: Option<Outputs>,
}

/// Finished matches that end with one event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finished<'a> {
    /// The numbers of the events of each, match behind match.
    pub(super) events: &'a [u32],
    /// How many matches there are.
    pub(super) count: usize,
    /// Of how many events the numbers of each are there.
    pub(super) width: usize,
    /// The last event, where it lies in a batch still and has no number.
    pub(super) last: Option<Last<'a>>,
}

/// The last event of a match, in its batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last<'a> {
    pub(super) place: Place,
    pub(super) row: InBatch<'a>,
    /// The whole event, where whole events are kept.
    pub(super) event: Option<&'a Arc<Event>>,
}

impl<'a> Finished<'a> {
    fn of(&self, number: usize) -> &'a [u32] {
        &self.events[number * self.width..(number + 1) * self.width]
    }

    /// The event that each has taken for a step.
    fn of_step(&self, step: usize) -> impl ExactSizeIterator<Item = u32> + use<'a> {
        let (width, events) = (self.width, self.events);
        (0..self.count).map(move |number| events[number * width + step])
    }

    fn view<'v>(&self, plan: &'v Plan, logs: &'v [Log], number: usize) -> View<'v>
    where
        'a: 'v,
    {
        View { plan, logs, events: Events::Numbers(self.of(number)), candidate: self.last.map(|last| last.row) }
    }
}

impl RowWriter {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { whole: plan.keeps_events().then(|| Outputs::new(plan.spec.clone())) }
    }

    /// Whether HAVING lets a match through.
    pub(super) fn accepts(&self, plan: &Plan, logs: &[Log], found: Finished<'_>, context: &EvalContext) -> bool {
        let Some(having) = &plan.spec.having else { return true };
        match &self.whole {
            Some(outputs) => {
                let (start, found) = whole_match(plan, logs, found, 0);
                outputs.accepts(start, &found)
            }
            None => having.is_true(&found.view(plan, logs, 0), context),
        }
    }

    /// Appends the rows of matches, an output column a builder.
    pub(super) fn write(&self, plan: &Plan, logs: &[Log], found: Finished<'_>, out: &mut [ColumnBuilder], context: &EvalContext) {
        match (&plan.outputs, &self.whole) {
            (OutputPlan::Columns(outputs), _) => {
                for (output, builder) in outputs.iter().zip(out) {
                    write_column(plan, logs, output, found, builder, context);
                }
            }
            (OutputPlan::WholeEvents, Some(outputs)) => {
                for number in 0..found.count {
                    let (start, found) = whole_match(plan, logs, found, number);
                    let row = outputs.of_run(&Emitted::Match { start, found });
                    out.iter_mut().zip(row.values).for_each(|(builder, value)| builder.push(value));
                }
            }
            (OutputPlan::WholeEvents, None) => unreachable!("whole events have the general outputs"),
        }
    }

    /// How many NULLs the general outputs had to make up since the last call.
    pub(super) fn take_nulls(&self) -> u64 {
        self.whole.as_ref().map_or(0, |outputs| outputs.context().take_nulls())
    }
}

fn write_column(plan: &Plan, logs: &[Log], output: &Output, found: Finished<'_>, out: &mut ColumnBuilder, context: &EvalContext) {
    let in_batch = |step: usize| found.last.filter(|last| last.row.step == step);
    let mut write_times = |step: usize| match in_batch(step) {
        Some(last) => out.push_word_times(last.place.time().0, true, found.count),
        None => logs[step].write_times(found.of_step(step), out),
    };
    match output {
        Output::Start => write_times(0),
        Output::End => write_times(plan.last()),
        Output::Column(column) => match (in_batch(column.step), column.kept) {
            (Some(last), _) => out.push_from_times(&last.row.batch.columns()[column.column], last.row.row, found.count),
            (None, Some(kept)) => logs[column.step].write(kept, found.of_step(column.step), out),
            (None, None) => unreachable!("what comes out of an event is kept"),
        },
        Output::Computed(expr) => {
            for number in 0..found.count {
                let view = found.view(plan, logs, number);
                out.push(expr.eval(&view, context));
            }
        }
    }
}

/// A match as the general outputs take it, and where it starts.
fn whole_match(plan: &Plan, logs: &[Log], found: Finished<'_>, number: usize) -> (Place, Match) {
    let numbers = found.of(number);
    let event_of = |step: usize| match found.last {
        Some(Last { row, event: Some(event), .. }) if row.step == step => event,
        Some(_) | None => logs[step].event(numbers[step]),
    };
    let history = plan.steps.iter().enumerate().fold(History::default(), |history, (number, step)| {
        history.with(Taking { event: event_of(number).clone(), variable: step.variable }, true, false)
    });
    let end = event_of(plan.last()).place;
    (event_of(0).place, Match { history, end })
}
