//! Finished matches to rows, a column at a time where every output reads columns of the events, else through the general outputs.

use super::endings::{Ended, Ending};
use super::log::Log;
use super::plan::{Output, OutputPlan, Plan};
use super::view::{Events, View};
use crate::data::{Column, ColumnBuilder, Place};
use crate::expr::EvalContext;
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

/// Finished matches.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finished<'a> {
    /// The numbers of the events of each, match behind match.
    pub(super) events: &'a [u32],
    /// How many matches there are.
    pub(super) count: usize,
    /// Of how many events the numbers of each are there.
    pub(super) width: usize,
    /// The last events, where they lie in a batch still and have no numbers.
    pub(super) last: Option<Ended<'a>>,
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

    /// Each match, with the event that ends it where that lies in a batch still.
    fn each(self, mut go: impl FnMut(&'a [u32], Option<(Ended<'a>, &'a Ending)>)) {
        match self.last {
            Some(last) => last.each().for_each(|(end, numbers)| numbers.for_each(|number| go(self.of(number), Some((last, end))))),
            None => (0..self.count).for_each(|number| go(self.of(number), None)),
        }
    }
}

fn view<'v>(plan: &'v Plan, logs: &'v [Log], events: &'v [u32], end: Option<(Ended<'v>, &Ending)>) -> View<'v> {
    View { plan, logs, events: Events::Numbers(events), candidate: end.map(|(ended, end)| ended.in_batch(end)) }
}

impl RowWriter {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { whole: plan.keeps_events().then(|| Outputs::new(plan.spec.clone())) }
    }

    /// Whether HAVING lets a match through.
    pub(super) fn accepts(&self, plan: &Plan, logs: &[Log], found: Finished<'_>, context: &EvalContext) -> bool {
        let Some(having) = &plan.spec.having else { return true };
        let mut accepts = true;
        found.each(|events, end| {
            accepts &= match &self.whole {
                Some(outputs) => {
                    let (start, found) = whole_match(plan, logs, events, end);
                    outputs.accepts(start, &found)
                }
                None => having.is_true(&view(plan, logs, events, end), context),
            };
        });
        accepts
    }

    /// Appends the rows of matches, an output column a builder.
    pub(super) fn write(&self, plan: &Plan, logs: &[Log], found: Finished<'_>, out: &mut [ColumnBuilder], context: &EvalContext) {
        match (&plan.outputs, &self.whole) {
            (OutputPlan::Columns(outputs), _) => {
                for (output, builder) in outputs.iter().zip(out) {
                    write_column(plan, logs, output, found, builder, context);
                }
            }
            (OutputPlan::WholeEvents, Some(outputs)) => found.each(|events, end| {
                let (start, found) = whole_match(plan, logs, events, end);
                let row = outputs.of_run(&Emitted::Match { start, found });
                out.iter_mut().zip(row.values).for_each(|(builder, value)| builder.push(value));
            }),
            (OutputPlan::WholeEvents, None) => unreachable!("whole events have the general outputs"),
        }
    }

    /// How many NULLs the general outputs had to make up since the last call.
    pub(super) fn take_nulls(&self) -> u64 {
        self.whole.as_ref().map_or(0, |outputs| outputs.context().take_nulls())
    }
}

fn write_column(plan: &Plan, logs: &[Log], output: &Output, found: Finished<'_>, out: &mut ColumnBuilder, context: &EvalContext) {
    let in_batch = |step: usize| found.last.filter(|last| last.step == step);
    let mut write_times = |step: usize| match in_batch(step) {
        Some(last) => last.each().for_each(|(end, matches)| out.push_word_times(end.place.time().0, true, matches.len())),
        None => logs[step].write_times(found.of_step(step), out),
    };
    match output {
        Output::Start => write_times(0),
        Output::End => write_times(plan.last()),
        Output::Column(column) => match (in_batch(column.step), column.kept) {
            (Some(last), _) => write_of_batch(&last.batch.columns()[column.column], last, out),
            (None, Some(kept)) => logs[column.step].write(kept, found.of_step(column.step), out),
            (None, None) => unreachable!("what comes out of an event is kept"),
        },
        Output::Computed(expr) => found.each(|events, end| out.push(expr.eval(&view(plan, logs, events, end), context))),
    }
}

/// Appends what a column has in the events that end matches, for each match.
fn write_of_batch(column: &Column, ended: Ended<'_>, out: &mut ColumnBuilder) {
    if let Some(words) = column.words().filter(|_| *out.data_type() == column.data_type()) {
        let each = ended.each().flat_map(|(end, matches)| std::iter::repeat_n(words[end.row], matches.len()));
        return out.push_words(&each.collect::<Vec<i64>>(), None);
    }
    for (end, matches) in ended.each() {
        out.push_from_times(column, end.row, matches.len());
    }
}

/// A match as the general outputs take it, and where it starts.
fn whole_match(plan: &Plan, logs: &[Log], numbers: &[u32], end: Option<(Ended<'_>, &Ending)>) -> (Place, Match) {
    let event_of = |step: usize| match end {
        Some((ended, Ending { event: Some(event), .. })) if ended.step == step => event,
        Some(_) | None => logs[step].event(numbers[step]),
    };
    let history = plan.steps.iter().enumerate().fold(History::default(), |history, (number, step)| {
        history.with(Taking { event: event_of(number).clone(), variable: step.variable }, true, false)
    });
    let end = event_of(plan.last()).place;
    (event_of(0).place, Match { history, end })
}
