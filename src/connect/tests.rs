//! The wire leg from end to end, over real files: bytes, lines, rows, event-time order.

use std::sync::Arc;

use super::{Input, LineReader, Piece};
use crate::codec::json::JsonDecoder;
use crate::codec::{ChunkStart, Limits, SourceSpec};
use crate::data::{DataType, Duration, Field, Schema, Timestamp, Value};
use crate::operators::{Reorder, StreamTiming};

/// The events of a file in event-time order: a checksum over a column, and how many were read and late.
fn checksum(path: &str, column: &str, time: &str, delay: Duration) -> Option<(i64, u64, u64)> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(path);
    if !path.exists() {
        println!("skipped: there is no {}", path.display());
        return None;
    }
    let schema = Arc::new(Schema::new(vec![Field::new(column, DataType::Int), Field::new(time, DataType::Timestamp)]));
    let spec = SourceSpec { time: Some(1), needed: vec![true, false], ..SourceSpec::new("Event", schema.clone()) };
    let mut decoder = JsonDecoder::new(vec![spec], Limits::default());
    let mut order = Reorder::new(vec![StreamTiming { delay, ..StreamTiming::new(schema) }], Reorder::MAX_HELD);
    let mut out = decoder.decoded();
    let input = Input::open(path.to_str().unwrap()).unwrap();
    let name = input.name().clone();
    let mut reader = LineReader::new(input, &name, Limits::default());
    let mut sum = 0i64;
    let mut add = |released: crate::operators::Released| {
        for row in 0..released.batches[0].len() {
            let Value::Int(number) = released.batches[0].value(0, row) else { panic!("the column is there") };
            sum = (sum * 31 + number) % 1_000_000_007;
        }
    };
    while let Some(piece) = reader.next_piece().unwrap() {
        let Piece::Lines(chunk) = piece else { panic!("no line is too long") };
        decoder.decode(chunk.bytes, ChunkStart { line: chunk.line, offset: chunk.offset, clock: Timestamp(0) }, &mut out);
        order.push(out.take_rows(), Timestamp(0));
        add(order.release());
    }
    add(order.finish());
    assert_eq!((out.bad.len(), out.unrouted), (0, 0));
    Some((sum, out.events, order.stats()[0].late))
}

/// The numbers are those of a few lines of Python: read the lines, drop what lies before the largest time so far less the delay, sort the
/// rest by (time, line), and fold the column by `(sum * 31 + number) % 1000000007`.
#[test]
fn real_files_come_out_in_order() {
    let windows =
        |seconds: i64| checksum("windows-lateral-movement.jsonl.gz", "RecordNumber", "EventTime", Duration(seconds * 1_000_000_000));
    for (delay, expected) in [(5i64, (26_856_846, 37_814, 22_689)), (3600, (764_906_006, 37_814, 0))] {
        if let Some(found) = windows(delay) {
            assert_eq!(found, expected, "{delay} s of delay");
        }
    }
}
