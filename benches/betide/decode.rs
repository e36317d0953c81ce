//! Bytes to columns and columns to bytes: the floor under everything that reads JSON and writes it.

use std::sync::Arc;

use betide::codec::json::{JsonDecoder, RowWriter, Text};
use betide::codec::{ChunkStart, Limits, SourceSpec};
use betide::data::{DataType, EventBatch, Field, Place, Schema, Timestamp};
use criterion::{Criterion, Throughput};

use crate::events;

fn spec(columns: &[(&str, DataType)]) -> SourceSpec {
    let fields = columns.iter().map(|(name, data_type)| Field::new(*name, data_type.clone())).collect();
    SourceSpec { time: Some(0), ..SourceSpec::new("Payment", Arc::new(Schema::new(fields))) }
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let lines = events::json_lines(&events::payments(events::EVENTS));
    let start = ChunkStart { line: 1, offset: 0, clock: Timestamp(0) };
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Bytes(lines.len() as u64));
    group.sample_size(20);
    let columns = [("at", DataType::Timestamp), ("card", DataType::String), ("amount", DataType::Float)];
    for (name, count) in [("1_of_7_fields", 1), ("3_of_7_fields", 3)] {
        let mut decoder = JsonDecoder::new(vec![spec(&columns[..count])], Limits::default());
        let mut decode = || {
            let mut out = decoder.decoded();
            decoder.decode(&lines, start, &mut out);
            out
        };
        let out = decode();
        assert_eq!((out.sources[0].len(), out.bad.len()), (events::EVENTS, 0));
        group.bench_function(name, |bencher| bencher.iter(&mut decode));
    }
    group.finish();
    write(criterion, &lines, spec(&columns));
}

/// The rows that were decoded, written again.
fn write(criterion: &mut Criterion, lines: &[u8], spec: SourceSpec) {
    let schema = spec.schema.clone();
    let mut decoder = JsonDecoder::new(vec![spec], Limits::default());
    let mut out = decoder.decoded();
    decoder.decode(lines, ChunkStart { line: 1, offset: 0, clock: Timestamp(0) }, &mut out);
    let rows = out.take_rows().swap_remove(0);
    let places = rows.times.iter().zip(1..).map(|(&time, position)| Place::event(time, position)).collect();
    let batch = EventBatch::new(schema.clone(), rows.columns, places);
    let writer = RowWriter::new(Some("Payment"), &schema);
    let mut text = Text::take();
    let write = |text: &mut Text| {
        text.clear();
        let rows = writer.of(&batch);
        (0..batch.len()).for_each(|row| rows.write_line(row, text));
    };
    write(&mut text);
    assert_eq!(text.as_bytes().iter().filter(|byte| **byte == b'\n').count(), events::EVENTS);
    let mut group = criterion.benchmark_group("write");
    group.throughput(Throughput::Elements(events::EVENTS as u64));
    group.sample_size(20);
    group.bench_function("3_columns", |bencher| {
        bencher.iter(|| write(&mut text));
    });
    group.finish();
}
