//! For tests: rows, inboxes cut in any way, and what comes out of an operator.

use std::sync::Arc;

use crate::data::{Column, DataType, Entry, EventBatch, Field, Inbox, Place, Schema, Timestamp, Value, WatermarkStep};
use crate::expr::{Expr, SlotId};
use crate::operators::{Operator, Outbox, Plain};

/// Columns `c0`, `c1`, … of type INT.
pub(super) fn int_schema(columns: usize) -> Arc<Schema> {
    Arc::new(Schema::new((0..columns).map(|i| Field::new(format!("c{i}"), DataType::Int)).collect()))
}

/// Rows of INTs at these times, at positions 1, 2, …
pub(super) fn ints(rows: &[(i64, Vec<i64>)]) -> EventBatch {
    let rows: Vec<_> = rows.iter().map(|(time, values)| (*time, values.iter().copied().map(Some).collect())).collect();
    nullable_ints(&rows)
}

/// The same with NULLs.
pub(super) fn nullable_ints(rows: &[(i64, Vec<Option<i64>>)]) -> EventBatch {
    let width = rows.first().map_or(3, |row| row.1.len());
    let value = |v: Option<i64>| v.map_or(Value::Null, Value::Int);
    let columns = (0..width).map(|c| Column::from_values(&DataType::Int, rows.iter().map(|row| value(row.1[c])))).collect();
    let places = (1..).zip(rows).map(|(position, row)| Place::event(Timestamp(row.0), position)).collect();
    EventBatch::new(int_schema(width), columns, places)
}

/// The values of all rows.
pub(super) fn rows_of(batch: &EventBatch) -> Vec<Vec<Value<'static>>> {
    (0..batch.len()).map(|row| batch.columns().iter().map(|c| c.value(row).into_owned()).collect()).collect()
}

/// An INT column.
pub(super) fn slot(column: u32) -> Expr {
    Expr::slot(SlotId(column), DataType::Int)
}

/// An INT constant.
pub(super) fn int(value: i64) -> Expr {
    Expr::literal(Value::Int(value))
}

/// A small generator of numbers, the same in every run.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1)
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: i64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        i64::try_from((self.0 >> 11) % u64::try_from(bound).unwrap()).unwrap()
    }

    /// NULL once in a while, else a number below `bound`.
    pub(super) fn maybe(&mut self, bound: i64) -> Option<i64> {
        if self.below(8) == 0 { None } else { Some(self.below(bound)) }
    }
}

/// A row of an input.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct InputRow {
    pub(super) input: u16,
    pub(super) place: Place,
    pub(super) values: Vec<Option<i64>>,
}

impl InputRow {
    pub(super) fn time(&self) -> i64 {
        self.place.time().0
    }
}

/// Rows at times that go forward by less than `step`, each of a random input, of values below `bound`.
pub(super) fn random_rows(random: &mut Random, count: usize, inputs: i64, step: i64, width: usize, bound: i64) -> Vec<InputRow> {
    let mut time = -20;
    let row = |position: usize| {
        time += random.below(step);
        let input = u16::try_from(random.below(inputs)).unwrap();
        let values = (0..width).map(|_| random.maybe(bound)).collect();
        InputRow { input, place: Place::event(Timestamp(time), position as u64), values }
    };
    (1..=count).map(row).collect()
}

/// All rows of one inbox, whose watermark is `watermark`.
fn inbox(rows: &[InputRow], steps: &[Option<Place>], inputs: u16, watermark: Place, takes_plain: Plain) -> Inbox {
    let width = rows.first().map_or(3, |row| row.values.len());
    let batch = |input: u16| {
        let rows: Vec<&InputRow> = rows.iter().filter(|row| row.input == input).collect();
        let value = |v: Option<i64>| v.map_or(Value::Null, Value::Int);
        let columns = (0..width).map(|c| Column::from_values(&DataType::Int, rows.iter().map(|row| value(row.values[c])))).collect();
        EventBatch::new(int_schema(width), columns, rows.iter().map(|row| row.place).collect())
    };
    let mut next = vec![0u32; usize::from(inputs)];
    let mut entries = Vec::new();
    for (row, step) in rows.iter().zip(steps) {
        if let Some(watermark) = *step {
            entries.push(Entry::Watermark(WatermarkStep { moment: Place::MIN, watermark }));
        }
        let at = &mut next[usize::from(row.input)];
        entries.push(Entry::Row { input: row.input, row: *at, place: row.place, moment: row.place, floor: Place::MIN });
        *at += 1;
    }
    let is_plain = takes_plain != Plain::Never && inputs == 1 && steps.iter().all(Option::is_none);
    if is_plain {
        entries.clear();
    }
    Inbox { inputs: (0..inputs).map(batch).collect(), entries: entries.into(), is_plain, watermark, floor: Place::MIN }
}

/// What came out of an operator.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OutputRow {
    pub(super) values: Vec<Value<'static>>,
    pub(super) place: Place,
    pub(super) moment: Place,
}

/// Runs an operator over rows in one inbox, and again with the rows cut in many ways, and checks that the same comes out: rows with their
/// places and moments, and steps. Also checks that moments never go back, and that what stands before its moment was
/// said to be held back.
pub(super) fn run(
    mut fresh: impl FnMut() -> Box<dyn Operator>,
    schema: &Arc<Schema>,
    inputs: u16,
    rows: &[InputRow],
    seed: u64,
) -> Vec<OutputRow> {
    let whole = run_cut(fresh().as_mut(), schema, inputs, rows, |_| None);
    for cut in 0..4 {
        let mut random = Random::new(seed * 10 + cut + 1);
        let chance = [1, 2, 5, 20][usize::try_from(cut).unwrap()];
        let cut = run_cut(fresh().as_mut(), schema, inputs, rows, |_| Some(random.below(chance) == 0));
        assert_eq!(cut.0, whole.0, "rows do not depend on cuts");
        assert_eq!(cut.1, whole.1, "steps do not depend on cuts");
    }
    check_promises(&whole.0, &whole.1);
    whole.0
}

fn check_promises(rows: &[OutputRow], steps: &[WatermarkStep]) {
    assert!(rows.is_sorted_by_key(|row| row.moment), "moments never go back");
    for row in rows.iter().filter(|row| row.place < row.moment) {
        let held = steps.iter().take_while(|step| step.moment < row.moment).last();
        assert!(held.is_some_and(|step| step.watermark <= row.place), "{row:?} was not said to be held back, but {held:?}");
    }
}

/// With `cuts`: at each row, whether an inbox ends before it. Before rows that are not cut off, watermarks move now and then.
fn run_cut(
    operator: &mut dyn Operator,
    schema: &Arc<Schema>,
    inputs: u16,
    rows: &[InputRow],
    mut cuts: impl FnMut(usize) -> Option<bool>,
) -> (Vec<OutputRow>, Vec<WatermarkStep>) {
    let mut out = Outbox::new(7, vec![schema.clone()]);
    let (mut found, mut found_steps) = (Vec::new(), Vec::<WatermarkStep>::new());
    let mut first = 0;
    let mut steps = vec![None; rows.len()];
    let mut feed = |part: &[InputRow], steps: &[Option<Place>], watermark: Place| {
        operator.advance(&inbox(part, steps, inputs, watermark, operator.takes_plain()), &mut out);
        let _ = operator.held();
        let (batch, steps) = out.take(0);
        for (row, values) in rows_of(&batch).into_iter().enumerate() {
            found.push(OutputRow { values, place: batch.places()[row], moment: batch.moments()[row] });
        }
        for step in steps {
            match found_steps.last_mut() {
                Some(last) if last.moment == step.moment => last.watermark = step.watermark,
                _ => found_steps.push(step),
            }
        }
    };
    for at in 1..rows.len() {
        // A place between the two rows, or at the later one.
        let between = if at % 2 == 0 { rows[at].place } else { Place::bound(rows[at].place.time(), crate::data::Phase::Before) };
        let between = between.max(rows[at - 1].place);
        match cuts(at) {
            Some(true) => {
                feed(&rows[first..at], &steps[first..at], between);
                first = at;
            }
            Some(false) => steps[at] = Some(between),
            None => {}
        }
    }
    feed(&rows[first..], &steps[first..], Place::MAX);
    (found, found_steps)
}

/// Gives an operator some rows, and forgets what comes out.
pub(super) fn feed(operator: &mut dyn Operator, schema: &Arc<Schema>, inputs: u16, rows: &[InputRow], watermark: Place) -> usize {
    let mut out = Outbox::new(7, vec![schema.clone()]);
    operator.advance(&inbox(rows, &vec![None; rows.len()], inputs, watermark, operator.takes_plain()), &mut out);
    out.take(0).0.len()
}
