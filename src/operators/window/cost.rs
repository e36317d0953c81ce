//! What windows cost, counted and not timed: how many accumulators are merged for so many rows, whatever the overlap.
//!
//! A row of a window that overlaps itself a thousand times lies in a thousand windows; it is added to one accumulator, and each accumulator
//! is merged a bounded number of times. The bounds here are those of the queue of two stacks (see [`super::fifo`]).

use std::sync::Arc;

use super::contents::MERGES;
use super::new;
use crate::data::{DataType, Duration, Field, Place, Schema, Timestamp};
use crate::expr::aggregates::lookup;
use crate::operators::test_support::{InputRow, feed, slot};
use crate::spec::{AggregateCall, WindowKind, WindowOutput, WindowSpec};

const ROWS: i64 = 4000;

/// Merges and rows that come out for rows at 0, 1, 2, …
fn counted(kind: WindowKind, emit_every: Option<i64>) -> (u64, u64) {
    let call = |name: &str, distinct: bool| {
        let function = lookup(name).unwrap();
        let data_type = function.resolve(&[DataType::Int], distinct).unwrap();
        AggregateCall { function: function.into(), args: vec![slot(1)], distinct, filter: None, data_type }
    };
    let is_row_by_row = matches!(kind, WindowKind::Sliding(_) | WindowKind::LastRows(_));
    let mut calls = vec![call("MAX", false), call("SUM", false)];
    if is_row_by_row {
        calls.extend([call("COUNT", true), call("MEDIAN", false)]);
    }
    let types = calls.iter().map(|call| call.data_type.clone()).chain([DataType::Timestamp, DataType::Timestamp, DataType::Bool]);
    let schema = Arc::new(Schema::new(types.enumerate().map(|(i, t)| Field::new(format!("o{i}"), t)).collect()));
    let spec =
        WindowSpec { kind, keys: vec![], output: WindowOutput::Aggregates(calls), emit_every: emit_every.map(Duration), is_ranked: false };
    let row = |i: i64| InputRow {
        input: 0,
        place: Place::event(Timestamp(i), i.unsigned_abs() + 1),
        values: vec![Some(i % 3), Some(i % 17), Some(0)],
    };
    let rows: Vec<InputRow> = (0..ROWS).map(row).collect();
    MERGES.set(0);
    let found = feed(new(&spec).as_mut(), &schema, 1, &rows, Place::MAX);
    (MERGES.get(), found as u64)
}

#[test]
fn a_sliding_window_merges_a_few_times_a_row_whatever_its_length() {
    for length in [1, 10, 100, 1000, 100_000] {
        let (merges, rows) = counted(WindowKind::Sliding(Duration(length)), None);
        assert_eq!(rows, ROWS.unsigned_abs());
        assert!(merges <= 4 * rows, "length {length}: {merges} merges for {rows} rows");
    }
}

#[test]
fn the_last_rows_merge_a_few_times_a_row_however_many_they_are() {
    for count in [1, 10, 1000, 100_000] {
        let (merges, rows) = counted(WindowKind::LastRows(count), None);
        assert!(merges <= 4 * rows, "{count} rows: {merges} merges for {rows} rows");
    }
}

#[test]
fn a_hopping_window_merges_a_few_times_a_slice_whatever_its_overlap() {
    for overlap in [1, 10, 100, 1000] {
        let every = Duration(4);
        let kind = WindowKind::Hopping { size: Duration(4 * overlap), every, offset: Duration(0), zone: None };
        let (merges, windows) = counted(kind, None);
        assert_eq!(i64::try_from(windows).unwrap(), ROWS / 4 + overlap - 1);
        assert!(merges <= 4 * windows, "overlap {overlap}: {merges} merges for {windows} windows");
    }
}

#[test]
fn early_rows_of_overlapping_windows_cost_a_few_merges_a_row() {
    for overlap in [1, 10, 100] {
        let kind = WindowKind::Hopping { size: Duration(4 * overlap), every: Duration(4), offset: Duration(0), zone: None };
        let (merges, rows) = counted(kind, Some(100));
        assert!(merges <= 4 * rows, "overlap {overlap}: {merges} merges for {rows} rows");
    }
}
