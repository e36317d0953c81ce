//! What leaves the engine: rows with names, as JSON text, as values of the user's own types, or as Arrow batches.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::RecordBatch;
use serde::de::DeserializeOwned;

use super::error::{DataError, Error};
use crate::codec::arrow::to_record_batch;
use crate::codec::json::{BatchWriter, RowWriter, Text, write_value};
use crate::data::{EventBatch, Schema, Value};
use crate::plan::{Fingerprint, OutputNode};
use crate::runtime::Departures;

/// How much text is gathered before it is written.
const WRITE_FROM: usize = 64 << 10;

/// One row that left.
#[derive(Debug, Clone)]
pub struct OutputRow {
    stream: Option<Arc<str>>,
    rows: Arc<EventBatch>,
    row: usize,
    writers: Arc<Writers>,
    id: Option<String>,
}

/// What rows are called: the output's name in ids, and the number of the next row, by outputs.
#[derive(Debug, Clone)]
pub(super) struct Ids {
    outputs: Vec<String>,
    next: Vec<u64>,
}

impl Ids {
    /// Of these outputs, of which so many rows have been taken.
    pub(super) fn new(outputs: impl Iterator<Item = Fingerprint>, taken: &[u64]) -> Self {
        let name = |output: Fingerprint| output[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { outputs: outputs.map(name).collect(), next: taken.to_vec() }
    }

    fn next(&mut self, output: usize) -> String {
        self.next[output] += 1;
        format!("{}-{}", self.outputs[output], self.next[output])
    }
}

/// An id as the first field of a JSON object, which begins so.
fn id_field(id: &str, object: &[u8]) -> Vec<u8> {
    let is_empty = object[1] == b'}';
    format!("\"$id\":\"{id}\"{}", if is_empty { "" } else { "," }).into_bytes()
}

/// Writers of one output: with the stream's name, as the command writes it, and without, for values of the user's types.
#[derive(Debug)]
struct Writers {
    named: RowWriter,
    bare: RowWriter,
}

/// A way out: its name and columns.
#[derive(Debug, Clone)]
pub(super) struct Output {
    name: Option<Arc<str>>,
    schema: Arc<Schema>,
    writers: Arc<Writers>,
    /// None while it is that of the output of the graph that has the same number.
    pub(super) fingerprint: Option<Fingerprint>,
}

impl OutputRow {
    /// The stream that it belongs to; none for an unnamed output.
    pub fn stream(&self) -> Option<&str> {
        self.stream.as_deref()
    }

    /// Names and types of its columns.
    pub fn schema(&self) -> &Schema {
        self.rows.schema()
    }

    /// The value of a column; nothing where there is no such column.
    pub fn get(&self, column: &str) -> Option<Value<'_>> {
        self.rows.schema().index_of(column).map(|index| self.rows.value(index, self.row))
    }

    /// All values, in the order of the columns.
    pub fn values(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.rows.schema().fields().iter().enumerate().map(|(index, field)| (&*field.name, self.rows.value(index, self.row)))
    }

    /// All values as text: as JSON has them, but strings without quotes. Nothing where there is no value.
    pub fn texts(&self) -> impl Iterator<Item = Option<String>> {
        let fields = self.rows.schema().fields().iter().enumerate();
        fields.map(|(index, field)| match self.rows.value(index, self.row) {
            Value::Null => None,
            Value::String(text) => Some(text.into_owned()),
            value => {
                let mut text = Vec::new();
                write_value(&value, &field.data_type, &mut text);
                let text = String::from_utf8(text).expect("the writer writes UTF-8");
                // Times and durations are strings there.
                let is_quoted = matches!(value, Value::Timestamp(_) | Value::Duration(_));
                Some(if is_quoted { text.trim_matches('"').to_owned() } else { text }).filter(|text| text != "null")
            }
        })
    }

    /// The row as one JSON object, as `betide run` writes it.
    pub fn to_json(&self) -> String {
        let text = text_of(&self.writers.named, &self.rows, self.row);
        let Some(id) = &self.id else { return text };
        let mut text = text.into_bytes();
        let field = id_field(id, &text);
        text.splice(1..1, field);
        String::from_utf8(text).expect("ids are ASCII")
    }

    /// Its id, where ids are asked for ([`crate::Options::ids`]).
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The row as a value of a type with a field a column.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let text = text_of(&self.writers.bare, &self.rows, self.row);
        serde_json::from_str(&text).map_err(|error| DataError::Value(format!("a row does not fit the type: {error}")).into())
    }
}

fn text_of(writer: &RowWriter, rows: &EventBatch, row: usize) -> String {
    let mut text = Vec::new();
    writer.write_row(rows, row, &mut text);
    String::from_utf8(text).expect("the writer writes UTF-8")
}

impl Output {
    pub(super) fn new(node: &OutputNode, fingerprint: Option<Fingerprint>) -> Self {
        let named = RowWriter::new(node.name.as_deref(), &node.schema);
        let bare = RowWriter::new(None, &node.schema);
        Self { name: node.name.clone(), schema: node.schema.clone(), writers: Arc::new(Writers { named, bare }), fingerprint }
    }

    /// The same, whatever becomes of the graph.
    pub(super) fn known_as(&self, fingerprint: Fingerprint) -> Self {
        Self { fingerprint: Some(fingerprint), ..self.clone() }
    }

    /// The rows under the names of the output: inside the graph only positions counted.
    fn named(&self, rows: &EventBatch) -> EventBatch {
        rows.with_columns(self.schema.clone(), rows.columns().to_vec())
    }
}

/// The rows one by one.
pub(super) fn rows_of(departures: impl IntoIterator<Item = Departures>, outputs: &[Output], mut ids: Option<Ids>) -> Vec<OutputRow> {
    let mut found = Vec::new();
    for gone in departures {
        let batches: Vec<(&Output, Arc<EventBatch>)> =
            gone.batches.iter().map(|(output, rows)| (&outputs[*output], Arc::new(outputs[*output].named(rows)))).collect();
        found.extend(gone.order().map(|(batch, row)| {
            let (output, rows) = &batches[batch];
            let id = ids.as_mut().map(|ids| ids.next(gone.batches[batch].0));
            OutputRow { stream: output.name.clone(), rows: rows.clone(), row, writers: output.writers.clone(), id }
        }));
    }
    found
}

/// The rows as Arrow batches: in order within an output.
pub(super) fn batches_of(departures: impl IntoIterator<Item = Departures>, outputs: &[Output]) -> Vec<(Option<String>, RecordBatch)> {
    let batches = departures.into_iter().flat_map(|gone| gone.batches);
    batches
        .map(|(output, rows)| {
            let output = &outputs[output];
            (output.name.as_deref().map(str::to_owned), to_record_batch(&output.named(&rows)))
        })
        .collect()
}

/// Rows that have been taken, and are still to be written as lines of JSON ([`crate::Engine::take_lines`]).
#[derive(Debug)]
pub struct Lines {
    departures: VecDeque<Departures>,
    outputs: Arc<[Output]>,
    ids: Option<Ids>,
}

impl Lines {
    pub(super) fn new(departures: VecDeque<Departures>, outputs: Arc<[Output]>, ids: Option<Ids>) -> Self {
        Self { departures, outputs, ids }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.departures.is_empty()
    }

    /// Writes them, in order, and says how many there were.
    pub fn write(self, to: &mut impl Write) -> io::Result<u64> {
        write(self.departures, &self.outputs, self.ids, to)
    }
}

/// Writes the rows as lines of JSON; gives how many there were.
pub(super) fn write(
    departures: impl IntoIterator<Item = Departures>,
    outputs: &[Output],
    mut ids: Option<Ids>,
    to: &mut impl Write,
) -> io::Result<u64> {
    let mut text = Text::take();
    let mut count = 0;
    for gone in departures {
        let writers: Vec<BatchWriter<'_>> = gone.batches.iter().map(|(output, rows)| outputs[*output].writers.named.of(rows)).collect();
        // By its own loop over the rows: it runs through a chain of them part by part.
        gone.order().try_for_each(|(batch, row)| {
            let begin = text.len();
            writers[batch].write_line(row, &mut text);
            if let Some(ids) = &mut ids {
                let id = id_field(&ids.next(gone.batches[batch].0), &text.as_bytes()[begin..]);
                text.insert(begin + 1, &id);
            }
            count += 1;
            if text.len() >= WRITE_FROM {
                to.write_all(text.as_bytes())?;
                text.clear();
            }
            Ok::<(), io::Error>(())
        })?;
    }
    to.write_all(text.as_bytes())?;
    text.give_back();
    Ok(count)
}
