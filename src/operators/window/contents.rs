//! What a window holds of a group, and how it is made, grown, merged and put out.

use std::ops::Range;

use super::row_queue::Tally;
use crate::data::{Column, DataType, EventBatch, KeyRef, Place, StateReader, Timestamp, Value};
use crate::expr::aggregates::{self, Rows, States, bring_calls, update_rows};
use crate::expr::{Accumulator, EvalContext, Expr};
use crate::operators::Outbox;
use crate::operators::evaluate::{KeptRow, bytes_of, columns, row_of, values_of};
use crate::pattern::{Total, Totals, TotalsReader, value_of_number};
use crate::spec::{AggregateCall, CountSpec, WindowOutput, WindowSpec};

/// Accumulators, or the rows themselves.
#[derive(Debug, Clone)]
pub(super) enum Contents {
    /// One a call.
    Aggregates(Vec<Accumulator>),
    /// In order.
    Rows(Vec<KeptRow>),
    /// Of matches that are counted and not listed.
    Matches(Totals),
}

crate::saved!(enum Contents { 0 => Aggregates(accumulators), 1 => Rows(rows), 2 => Matches(totals) });

/// How contents are made.
#[derive(Debug)]
pub(super) struct Recipe {
    keys: Vec<Expr>,
    output: WindowOutput,
    /// For each call, whether it is tallied beside the contents ([`Tally`]).
    is_tallied: Vec<bool>,
    keeps_totals: bool,
    /// Where the rows are matches that are counted and not listed.
    reader: Option<TotalsReader>,
    context: EvalContext,
}

#[cfg(test)]
thread_local! {
    /// How many contents were merged by this thread: what tests of the cost of windows count.
    pub(super) static MERGES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// The rows of an inbox with all that the window computes of them.
#[derive(Debug)]
pub(super) struct Incoming<'b> {
    batch: &'b EventBatch,
    keys: Vec<Column>,
    calls: Vec<(Vec<Column>, Option<Column>)>,
    tallied: Vec<(Vec<Column>, Option<Column>)>,
}

/// Where a window lies and what its row says of that.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// START_TIME
    pub(super) start: Timestamp,
    /// END_TIME
    pub(super) end: Timestamp,
    /// FALSE for early rows.
    pub(super) is_final: bool,
}

impl Recipe {
    /// For windows whose rows come and go together.
    pub(super) fn new(spec: &WindowSpec) -> Self {
        Self::with_tallies(spec, |_| false)
    }

    /// For windows whose rows go one by one ([`RowQueue`](super::row_queue::RowQueue)).
    pub(super) fn for_row_queue(spec: &WindowSpec) -> Self {
        Self::with_tallies(spec, |call| Tally::of(call).is_some())
    }

    fn with_tallies(spec: &WindowSpec, is_tallied: impl Fn(&AggregateCall) -> bool) -> Self {
        let calls = calls_of(&spec.output);
        let keeps_totals = match &spec.output {
            WindowOutput::Aggregates(calls) => calls.iter().all(|call| is_tallied(call) || is_small(call)),
            WindowOutput::Rows => false,
        };
        let is_tallied = calls.iter().map(is_tallied).collect();
        Self { keys: spec.keys.clone(), output: spec.output.clone(), is_tallied, keeps_totals, reader: None, context: EvalContext::new() }
    }

    /// For windows over matches that are counted and not listed.
    pub(super) fn of_matches(spec: &CountSpec) -> Self {
        Self { reader: Some(TotalsReader::new(spec)), keeps_totals: true, ..Self::new(&spec.window) }
    }

    /// What reads totals, where the rows are matches.
    pub(super) fn reader(&self) -> &TotalsReader {
        self.reader.as_ref().expect("totals come to windows over matches alone")
    }

    /// Adds totals of matches to contents.
    pub(super) fn merge_totals(&self, contents: &mut Contents, totals: &Totals) {
        match contents {
            Contents::Matches(own) => self.reader().merge(own, totals),
            Contents::Aggregates(_) | Contents::Rows(_) => unreachable!("contents of one recipe are of one kind"),
        }
    }

    /// The calls that are, or are not, tallied.
    fn calls(&self, is_tallied: bool) -> impl Iterator<Item = &AggregateCall> {
        calls_of(&self.output).iter().zip(&self.is_tallied).filter(move |&(_, t)| *t == is_tallied).map(|(call, _)| call)
    }

    /// An empty tally for each call that is tallied.
    pub(super) fn tallies(&self) -> Vec<Tally> {
        self.calls(true).filter_map(Tally::of).collect()
    }

    /// Whether contents are of bounded size, so that totals of them can be kept.
    pub(super) fn keeps_totals(&self) -> bool {
        self.keeps_totals
    }

    /// Contents of no row.
    pub(super) fn empty(&self) -> Contents {
        if let Some(reader) = &self.reader {
            return Contents::Matches(reader.none());
        }
        match &self.output {
            WindowOutput::Aggregates(_) => Contents::Aggregates(self.calls(false).map(accumulator).collect()),
            WindowOutput::Rows => Contents::Rows(Vec::new()),
        }
    }

    /// Computes keys and arguments of all rows.
    pub(super) fn incoming<'b>(&self, batch: &'b EventBatch) -> Incoming<'b> {
        let of_call = |call: &AggregateCall| {
            let filter = call.filter.as_ref().map(|f| f.eval_batch(batch, &self.context));
            (columns(&call.args, batch, &self.context), filter)
        };
        let keys = columns(&self.keys, batch, &self.context);
        Incoming { batch, keys, calls: self.calls(false).map(of_call).collect(), tallied: self.calls(true).map(of_call).collect() }
    }

    /// Appends `later` to `contents`.
    pub(super) fn merge(&self, contents: &mut Contents, later: &Contents) {
        #[cfg(test)]
        MERGES.set(MERGES.get() + 1);
        match (contents, later) {
            (Contents::Aggregates(into), Contents::Aggregates(from)) => {
                for (into, from) in into.iter_mut().zip(from) {
                    into.merge(from);
                }
            }
            (Contents::Rows(into), Contents::Rows(from)) => into.extend(from.iter().cloned()),
            (Contents::Matches(into), Contents::Matches(from)) => self.reader().merge(into, from),
            (Contents::Aggregates(_) | Contents::Rows(_) | Contents::Matches(_), _) => {
                unreachable!("contents of one recipe are of one kind")
            }
        }
    }

    /// Has a reader know what contents are made of, before it reads any.
    pub(super) fn introduce(&self, from: &mut StateReader<'_>) {
        bring_calls(from, calls_of(&self.output).iter().filter_map(|call| call.function.as_custom().cloned()));
    }

    /// How many NULLs were made up since the last call.
    pub(super) fn take_nulls(&mut self) -> u64 {
        self.context.take_nulls()
    }
}

fn calls_of(output: &WindowOutput) -> &[AggregateCall] {
    match output {
        WindowOutput::Aggregates(calls) => calls,
        WindowOutput::Rows => &[],
    }
}

fn accumulator(call: &AggregateCall) -> Accumulator {
    let types: Vec<DataType> = call.args.iter().map(|arg| arg.data_type().clone()).collect();
    Accumulator::of(&call.function, &types, call.distinct)
}

/// Whether the state of an aggregate stays small, however many rows it sees.
fn is_small(call: &AggregateCall) -> bool {
    !call.function.grows() && !call.distinct
}

impl Incoming<'_> {
    /// The values of a row's key.
    pub(super) fn key(&self, row: usize) -> impl Iterator<Item = Value<'_>> {
        values_of(&self.keys, row)
    }

    /// The values of a row that are tallied, NULL where they do not count.
    pub(super) fn tallied(&self, row: usize) -> impl Iterator<Item = Value<'_>> {
        let is_kept = move |filter: &Option<Column>| filter.as_ref().is_none_or(|f| f.value(row).is_true());
        self.tallied.iter().map(move |(args, filter)| if is_kept(filter) { args[0].value(row) } else { Value::Null })
    }

    /// The columns of the keys.
    pub(super) fn keys(&self) -> &[Column] {
        &self.keys
    }

    /// Adds rows, each to the contents at its slot: aggregate by aggregate, so that each is one loop over its column.
    pub(super) fn add_all(&self, contents: &mut [Contents], slots: &[u32], rows: Range<usize>) {
        let places = &self.batch.places()[rows.clone()];
        for (call, (args, filter)) in self.calls.iter().enumerate() {
            update_rows(&mut OfCall { contents, call }, slots, &Rows { args, filter: filter.as_ref(), first: rows.start, places });
        }
        for (row, &slot) in rows.zip(slots) {
            match &mut contents[slot as usize] {
                Contents::Aggregates(_) | Contents::Matches(_) => return,
                Contents::Rows(kept) => kept.push(row_of(self.batch, row)),
            }
        }
    }

    /// Adds a row to the contents of its window.
    pub(super) fn add_to(&self, contents: &mut Contents, row: usize, place: Place) {
        match contents {
            Contents::Aggregates(accumulators) => {
                for (accumulator, (args, filter)) in accumulators.iter_mut().zip(&self.calls) {
                    if filter.as_ref().is_none_or(|f| f.value(row).is_true()) {
                        match args.as_slice() {
                            [] => accumulator.update(&[], place),
                            [arg] => accumulator.update(&[arg.value(row)], place),
                            args => accumulator.update(&values_of(args, row).collect::<Vec<_>>(), place),
                        }
                    }
                }
            }
            Contents::Rows(rows) => rows.push(row_of(self.batch, row)),
            Contents::Matches(_) => unreachable!("matches that are counted are no rows"),
        }
    }
}

/// The states of one aggregate.
struct OfCall<'c> {
    contents: &'c mut [Contents],
    call: usize,
}

impl States for OfCall<'_> {
    #[inline]
    fn at(&mut self, slot: u32) -> &mut Accumulator {
        match &mut self.contents[slot as usize] {
            Contents::Aggregates(accumulators) => &mut accumulators[self.call],
            Contents::Rows(_) | Contents::Matches(_) => unreachable!("there are calls, and so contents are aggregates"),
        }
    }
}

/// What a window gives for a group: where its row stands, and when it was certain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stand {
    pub(super) place: Place,
    pub(super) moment: Place,
}

impl Recipe {
    /// Puts out what a window gives for a group: its aggregates, or all its rows.
    pub(super) fn put_out(&self, key: KeyRef<'_>, contents: &Contents, bounds: Bounds, stand: Stand, out: &mut Outbox) {
        self.put_out_with(key, contents, &[], bounds, stand, out);
    }

    /// The same, with the calls that are tallied.
    pub(super) fn put_out_with(
        &self,
        key: KeyRef<'_>,
        contents: &Contents,
        tallies: &[Tally],
        bounds: Bounds,
        stand: Stand,
        out: &mut Outbox,
    ) {
        let tail = [Value::Timestamp(bounds.start), Value::Timestamp(bounds.end), Value::Bool(bounds.is_final)];
        match contents {
            Contents::Aggregates(accumulators) => {
                let mut accumulators = accumulators.iter().map(|a| self.value_of(a));
                let mut tallies = tallies.iter().map(Tally::value);
                let of_call = |&is_tallied: &bool| {
                    let value = if is_tallied { tallies.next() } else { accumulators.next() };
                    value.expect("each call has its accumulator or its tally")
                };
                let values = key.values().chain(self.is_tallied.iter().map(of_call)).chain(tail);
                out.row(0, values, stand.place, stand.moment);
            }
            Contents::Rows(rows) => {
                for row in rows {
                    out.row(0, row.iter().map(Value::borrowed).chain(tail.iter().cloned()), stand.place, stand.moment);
                }
            }
            Contents::Matches(totals) => {
                let totals = self.reader().totals(totals).map(|(total, data_type)| self.value_of_total(total, data_type));
                out.row(0, key.decode().into_iter().chain(totals).chain(tail), stand.place, stand.moment);
            }
        }
    }

    /// The value of an aggregate over matches; one that is beyond what its type or 128 bits hold is a NULL made up.
    fn value_of_total(&self, total: Total, data_type: &DataType) -> Value<'static> {
        let value = match total {
            Total::Count(count) => count.and_then(|count| i64::try_from(count).ok()).map(Value::Int),
            Total::Sum(_, Some(0)) | Total::Mean(_, Some(0)) | Total::Value(None) => Some(Value::Null),
            Total::Sum(sum, _) => sum.and_then(|sum| aggregates::sum_of(data_type, sum, 1).sum()),
            Total::Mean(sum, count) => sum.zip(count).and_then(|(sum, count)| aggregates::sum_of(data_type, sum, count).mean()),
            Total::Value(Some(value)) => Some(value_of_number(value, data_type)),
        };
        value.unwrap_or_else(|| {
            self.context.count_nulls(1);
            Value::Null
        })
    }

    /// The value of an aggregate; one that its type does not hold is a NULL made up.
    fn value_of(&self, accumulator: &Accumulator) -> Value<'static> {
        let value = accumulator.value();
        if value.is_null() && accumulator.has_overflowed() {
            self.context.count_nulls(1);
        }
        value
    }
}

impl Default for Contents {
    /// Nothing, while contents are elsewhere.
    fn default() -> Self {
        Self::Rows(Vec::new())
    }
}

impl Contents {
    /// About how many rows and bytes are held.
    pub(super) fn held(&self) -> (usize, usize) {
        match self {
            Self::Aggregates(accumulators) => (0, accumulators.iter().map(Accumulator::bytes).sum()),
            Self::Rows(rows) => (rows.len(), rows.iter().map(|r| bytes_of(r)).sum()),
            Self::Matches(totals) => (0, totals.bytes()),
        }
    }
}
