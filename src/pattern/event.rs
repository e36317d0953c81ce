//! Events as patterns keep them, and the candidate that is being looked at.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::data::{EventBatch, Place, Timestamp, Value};

/// An event that something may still need: its rows, one for each input stream that it belongs to.
#[derive(Debug)]
pub(crate) struct Event {
    /// Where it stands.
    pub(crate) place: Place,
    /// Its number in its partition, from 0.
    pub(crate) index: u64,
    rows: Box<[(usize, Box<[Value<'static>]>)]>,
}

crate::saved!(Event { place, index, rows });

impl Event {
    /// The value of a column of the row that belongs to this input; NULL where it belongs to others only.
    pub(crate) fn value(&self, input: usize, column: usize) -> Value<'_> {
        self.row(input).map_or(Value::Null, |row| row[column].borrowed())
    }

    /// The row that belongs to this input.
    pub(crate) fn row(&self, input: usize) -> Option<&[Value<'static>]> {
        self.rows.iter().find(|(of, _)| *of == input).map(|(_, row)| &**row)
    }

    pub(crate) fn time(&self) -> Timestamp {
        self.place.time()
    }

    /// Bytes, about.
    pub(crate) fn bytes(&self) -> usize {
        let text = |value: &Value<'_>| match value {
            Value::String(text) | Value::Json(text) => text.len(),
            Value::List(items) | Value::Struct(items) => items.len() * size_of::<Value<'_>>(),
            _ => 0,
        };
        let row = |row: &[Value<'static>]| size_of_val(row) + row.iter().map(text).sum::<usize>();
        size_of::<Self>() + self.rows.iter().map(|(_, r)| row(r) + 24).sum::<usize>()
    }
}

/// The row of one input that a candidate is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowOf<'a> {
    pub(crate) input: usize,
    pub(crate) batch: &'a EventBatch,
    pub(crate) row: usize,
}

/// An event that is being looked at. Its values are read from its batch; it is copied out once something takes it.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) place: Place,
    pub(crate) index: u64,
    source: Source<'a>,
    event: OnceCell<Arc<Event>>,
}

#[derive(Debug)]
enum Source<'a> {
    Rows(&'a [RowOf<'a>]),
    Event,
}

impl<'a> Candidate<'a> {
    /// A candidate whose rows lie in batches.
    pub(crate) fn of_rows(place: Place, index: u64, rows: &'a [RowOf<'a>]) -> Self {
        Self { place, index, source: Source::Rows(rows), event: OnceCell::new() }
    }

    /// A candidate that has been copied out before.
    pub(crate) fn of_event(event: Arc<Event>) -> Self {
        Self { place: event.place, index: event.index, source: Source::Event, event: OnceCell::from(event) }
    }

    pub(crate) fn time(&self) -> Timestamp {
        self.place.time()
    }

    /// A value of its row in this input.
    pub(crate) fn value(&self, input: usize, column: usize) -> Value<'_> {
        match &self.source {
            Source::Rows(rows) => rows.iter().find(|r| r.input == input).map_or(Value::Null, |r| r.batch.value(column, r.row)),
            Source::Event => self.event().value(input, column),
        }
    }

    /// The event, copied out of its batch the first time it is asked for.
    pub(crate) fn event(&self) -> &Arc<Event> {
        self.event.get_or_init(|| {
            let Source::Rows(rows) = &self.source else { unreachable!("a candidate of an event has it") };
            let copy = |r: &RowOf<'_>| (r.input, r.batch.columns().iter().map(|c| c.value(r.row).into_owned()).collect());
            Arc::new(Event { place: self.place, index: self.index, rows: rows.iter().map(copy).collect() })
        })
    }
}
