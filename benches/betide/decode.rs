//! Bytes to columns: the floor under everything that reads JSON.

use std::sync::Arc;

use betide::codec::json::JsonDecoder;
use betide::codec::{ChunkStart, Limits, SourceSpec};
use betide::data::{DataType, Field, Schema, Timestamp};
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
}
