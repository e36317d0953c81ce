//! What waits at a step and is found by an index gives the rows of the general evaluator, in its order: ranges of two sides, distances, several
//! columns, equality with more, over values of every kind and at every end, whatever expires, and saved and restored on the way.
//! In: seeds (`BETIDE_PAIRS` says how many; `BETIDE_SEED` runs one).

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Decimal128Array, DurationNanosecondArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray,
};
use betide::{Engine, Options, Timestamp};
use support::random::{self, Random};

const SOURCE: &str = "CREATE STREAM E (id INT, side INT, k INT, n INT, m INT, x FLOAT, low FLOAT, high FLOAT, t TIMESTAMP, d DECIMAL(10, 2), u DURATION, \
     s STRING, at TIMESTAMP) TIMESTAMP BY at;\n";
const MILLISECOND: i64 = 1_000_000;

/// Terms of a candidate `#` and an earlier event `@`.
const TERMS: &[&str] = &[
    "#.x BETWEEN @.x AND @.x + 0.02",
    "#.x BETWEEN @.x AND @.x + 0.02",
    "#.x BETWEEN @.low AND @.high",
    "#.x BETWEEN @.high AND @.low",
    "#.x OP @.low AND #.x OP @.high",
    "#.x OP @.low AND #.x OP @.high AND #.n OP @.n",
    "#.x > @.x - 0.02 AND #.x < @.x + 0.02",
    "ABS(#.x - @.x) < 0.02",
    "ABS(@.x - #.x) <= 0.02",
    "ABS(#.x - @.x) <= 0",
    "0.01 >= ABS(#.low - @.high)",
    "ABS(#.x - @.low * 2) < 0.01 AND #.x OP @.high",
    "#.x - @.x < 0.02 AND #.x >= @.x",
    "@.x - #.x <= 0.02 AND #.x OP @.high",
    "#.x - @.x > 0.02 AND #.n OP @.n",
    "ABS(#.x - @.x) < 0.02 AND #.n / @.n = 1",
    "#.n / @.n = 1 AND ABS(#.x - @.x) < 0.02",
    "#.n BETWEEN @.n AND @.n + 3",
    "#.n > @.n - 2 AND #.n < @.n + 2",
    "ABS(#.n - @.n) <= 2",
    "#.n BETWEEN @.m AND @.n",
    "#.t BETWEEN @.t AND @.t + 5ms",
    "#.t >= @.t AND #.t - @.t < 5ms",
    "#.x OP @.low AND #.n OP @.m",
    "#.x OP @.high AND #.low OP @.low",
    "#.n = @.m AND #.x OP @.low",
    "#.n = @.n AND #.x BETWEEN @.low AND @.high",
    "#.x = @.x AND #.n OP @.n",
    "#.x OP @.x",
    "#.d BETWEEN @.d AND @.d + 0.02",
    "ABS(#.d - @.d) < 0.05 AND #.n OP @.n",
    "#.d OP @.d AND #.x OP @.high",
    "#.d OP @.x",
    "#.x OP @.d",
    "#.d = @.x",
    "#.x = @.d AND #.n OP @.n",
    "#.n OP @.x * 100",
    "#.x * 100 OP @.n",
    "#.x = @.n AND #.d OP @.d",
    "#.n = @.x AND #.d OP @.d",
    "#.d = @.n AND #.x OP @.high",
    "#.n = @.d",
    "#.d * 100 BETWEEN @.n AND @.n + 1.5",
    "#.u BETWEEN @.u AND @.u + 5ms",
    "ABS(#.u - @.u) <= 3ms",
    "#.u OP @.u AND #.t OP @.t",
    "#.t BETWEEN @.t AND @.t + @.u",
    "#.t - @.t BETWEEN @.u AND 1s",
    "#.s OP @.s AND #.d OP @.d",
    "#.s = @.s AND #.x BETWEEN @.low AND @.high",
    "#.s BETWEEN @.s AND '3'",
];

fn term(random: &mut Random) -> String {
    let mut text = random.pick(TERMS).replace('#', "b").replace('@', "a");
    while text.contains("OP") {
        text = text.replacen("OP", random.pick(&["<", "<=", ">", ">=", "<", ">", "=", "<>"]), 1);
    }
    text
}

fn program(random: &mut Random) -> String {
    let arrow = random.pick(&["->", "->>"]);
    let third = random.chance(25);
    let mut terms = vec!["a.side = 0".to_owned(), "b.side = 1".to_owned(), term(random)];
    if random.chance(25) {
        terms.push(term(random));
    }
    let (pattern, columns) = if third {
        terms.push("c.side = 2 AND c.x BETWEEN b.low AND a.high".to_owned());
        (format!("E a {arrow} E b {} E c", random.pick(&["->", "->>"])), ", c.id AS c")
    } else {
        (format!("E a {arrow} E b"), "")
    };
    let within = random.pick(&["", "WITHIN 400ms", "WITHIN 800ms", "WITHIN 800ms"]);
    let after = random.pick(&["", "", "", "", "AFTER MATCH SKIP TO NEXT EVENT", "AFTER MATCH SKIP PAST LAST EVENT"]);
    let partition = if random.chance(15) { "PARTITION BY k" } else { "" };
    format!(
        "{SOURCE}SELECT a.id AS a, b.id AS b, a.x AS x, a.at AS began{columns} FROM PATTERN ({pattern}) {partition}\nWHERE {} {within} {after};\n",
        terms.join(" AND ")
    )
}

/// Batches of events, a millisecond apart; most of them begin a match.
fn batches(random: &mut Random, count: usize) -> Vec<RecordBatch> {
    let few = random.chance(25);
    let width = random.pick(&["narrow", "wide", "any"]);
    let ends = random.chance(60);
    let float = |random: &mut Random, usual: f64| match random.below(if ends { 60 } else { 600_000 }) {
        0 => Some(f64::NAN),
        1 => Some(f64::INFINITY),
        2 => Some(f64::NEG_INFINITY),
        3 => Some(-0.0),
        4 => Some(0.0),
        5 => Some(f64::MAX),
        6 => Some(f64::MIN),
        7 | 8 => None,
        _ => Some(usual),
    };
    let int = |random: &mut Random, usual: i64| match random.below(if ends { 60 } else { 600_000 }) {
        0 => Some(i64::MAX - usual.rem_euclid(2)),
        1 => Some(i64::MIN + usual.rem_euclid(2)),
        2 | 3 => None,
        _ => Some(usual),
    };
    let (mut sides, mut ks, mut ns, mut ms, mut xs, mut lows, mut highs, mut ts) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut ds: Vec<Option<i128>> = Vec::new();
    let mut us: Vec<Option<i64>> = Vec::new();
    let mut ss: Vec<Option<String>> = Vec::new();
    for _ in 0..count {
        let unit = |random: &mut Random| random.below(1_000_000) as f64 / 1e6;
        let x = if few { random.below(8) as f64 / 100.0 } else { unit(random) * 2.0 - 1.0 };
        let high = match width {
            "narrow" => x + unit(random) * 0.01,
            "wide" => x + unit(random),
            _ => unit(random) * 2.0 - 1.0,
        };
        let n = random.below(if few { 5 } else { 3000 }) as i64;
        sides.push([0, 0, 0, 0, 0, 0, 0, 0, 1, 2][random.below(10)]);
        ks.push((!random.chance(1)).then(|| i64::from(random.chance(8))));
        ns.push(int(random, n));
        let m = n + random.below(3) as i64 - 1;
        ms.push(int(random, m));
        xs.push(float(random, x));
        lows.push(float(random, x));
        highs.push(float(random, high));
        ts.push(int(random, n * MILLISECOND));
        ds.push((!random.chance(3)).then(|| (x * 100.0).round() as i128));
        us.push(int(random, n * MILLISECOND));
        ss.push((!random.chance(3)).then(|| n.to_string()));
    }
    let batch = |from: usize, to: usize| {
        let columns: [(&str, ArrayRef); 13] = [
            ("id", Arc::new(Int64Array::from_iter_values((from..to).map(|id| id as i64)))),
            ("side", Arc::new(Int64Array::from(sides[from..to].to_vec()))),
            ("k", Arc::new(Int64Array::from(ks[from..to].to_vec()))),
            ("n", Arc::new(Int64Array::from(ns[from..to].to_vec()))),
            ("m", Arc::new(Int64Array::from(ms[from..to].to_vec()))),
            ("x", Arc::new(Float64Array::from(xs[from..to].to_vec()))),
            ("low", Arc::new(Float64Array::from(lows[from..to].to_vec()))),
            ("high", Arc::new(Float64Array::from(highs[from..to].to_vec()))),
            ("t", Arc::new(TimestampNanosecondArray::from(ts[from..to].to_vec()).with_timezone("UTC"))),
            ("d", Arc::new(Decimal128Array::from(ds[from..to].to_vec()).with_precision_and_scale(10, 2).unwrap())),
            ("u", Arc::new(DurationNanosecondArray::from(us[from..to].to_vec()))),
            ("s", Arc::new(StringArray::from(ss[from..to].to_vec()))),
            ("at", Arc::new(TimestampNanosecondArray::from_iter_values((from..to).map(time)).with_timezone("UTC"))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let size = 1 + random.below(count);
    (0..count).step_by(size).map(|from| batch(from, (from + size).min(count))).collect()
}

fn time(number: usize) -> i64 {
    (number as i64 + 1) * MILLISECOND
}

/// The rows, and how many NULLs were made up. Saved and restored before the batch of this number.
fn run(program: &str, batches: &[RecordBatch], general: bool, restored_at: Option<usize>) -> (Vec<String>, u64) {
    let options = Options { general_evaluators: general, ..Options::default() };
    let mut engine = Engine::with_options(program, &options).unwrap_or_else(|why| panic!("{why}\n{program}"));
    assert_eq!(engine.explain().contains("step lists"), !general, "{program}");
    let (mut rows, mut begin) = (Vec::new(), 0);
    for (number, batch) in batches.iter().enumerate() {
        if restored_at == Some(number) {
            let snapshot = engine.snapshot().unwrap();
            engine = Engine::restore(program, &options, &snapshot).unwrap().0;
        }
        engine.push_batch("E", batch).unwrap();
        begin += batch.num_rows();
        engine.advance_watermark(Timestamp(time(begin))).unwrap();
        rows.extend(engine.take_rows().iter().map(|row| row.to_json()));
    }
    engine.finish().unwrap();
    rows.extend(engine.take_rows().iter().map(|row| row.to_json()));
    (rows, engine.stats().eval_nulls)
}

#[test]
fn indexes_find_what_threads_find() {
    let seeds = random::seeds(40);
    let pairs = seeds.end - seeds.start;
    let (mut with_rows, mut rows) = (0, 0);
    for seed in seeds {
        let random = &mut Random::new(seed ^ 0x1d_e4e5);
        let program = program(random);
        let batches = batches(random, 800);
        let expected = run(&program, &batches, true, None);
        let found = run(&program, &batches, false, random.chance(40).then(|| random.below(batches.len())));
        if found != expected {
            let first = found.0.iter().zip(&expected.0).position(|(a, b)| a != b).unwrap_or(found.0.len().min(expected.0.len()));
            panic!(
                "seed {seed}: {} rows and {} NULLs, not {} and {}; row {first}: {:?}, not {:?}\n{program}",
                found.0.len(),
                found.1,
                expected.0.len(),
                expected.1,
                found.0.get(first),
                expected.0.get(first)
            );
        }
        with_rows += u64::from(!expected.0.is_empty());
        rows += expected.0.len();
    }
    assert!(pairs == 1 || with_rows > pairs / 2 && rows > 1000, "only {with_rows} of {pairs} programs match, {rows} rows");
}
