//! Lines of JSON in, lines of JSON out: what `betide run` does without the pipe.

use betide::Engine;
use criterion::{BatchSize, Criterion, Throughput};

use crate::events;

const PROGRAM: &str = "
CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at DELAY 5 seconds;
CREATE STREAM CardTesting AS
SELECT hit.card, COUNT(probe) AS probes, hit.amount, hit.at
FROM PATTERN (Payment probe{3,} -> Payment hit)
PARTITION BY card
WHERE probe.amount < 100 AND hit.amount > 900
WITHIN 1 minute;
CREATE STREAM Spending AS
SELECT card, SUM(amount) AS total FROM Payment WINDOW TUMBLING 1 minute GROUP BY card;
";

/// How many rows the program must give, found by naive loops over the same events.
const ROWS: u64 = 16_206;

fn run(mut engine: Engine, lines: &[u8]) -> u64 {
    let mut out = Vec::new();
    let mut rows = 0;
    for chunk in lines.chunks(256 << 10) {
        engine.push_json(chunk).expect("nothing is full");
        rows += engine.write_rows(&mut out).expect("a vector takes all");
        out.clear();
    }
    engine.finish().expect("nothing is full");
    rows + engine.write_rows(&mut out).expect("a vector takes all")
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let lines = events::json_lines(&events::payments(events::EVENTS));
    let engine = || Engine::compile(PROGRAM).unwrap_or_else(|told| panic!("{told:?}"));
    assert_eq!(run(engine(), &lines), ROWS, "end_to_end gives other rows");
    let mut group = criterion.benchmark_group("end_to_end");
    group.throughput(Throughput::Elements(events::EVENTS as u64));
    group.sample_size(10);
    group.bench_function("pattern_and_window", |bencher| {
        bencher.iter_batched(engine, |engine| run(engine, &lines), BatchSize::LargeInput);
    });
    group.finish();
}
