//! State cut by ranges of keys, carried to several engines, and put together again, once or twice: all rows are those of one engine.

use betide::data::{Key, KeyRange};
use betide::{Engine, Options, OutputRow, Stats, Timestamp, Value};

use super::scenario::Scenario;
use super::{Told, accounted};
use crate::support::random::Random;

const DECLARATIONS: &str = "CREATE STREAM A (k STRING, n INT, at TIMESTAMP) TIMESTAMP BY at;\n\
    CREATE STREAM B (k STRING, n INT, at TIMESTAMP) TIMESTAMP BY at;\n";

/// Statements with the key `k`, with places for a length in seconds.
const STATEMENTS: [&str; 14] = [
    "SELECT x.n AS x, y.n AS y FROM PATTERN (A x -> B y) WHERE y.n > x.n PARTITION BY k WITHIN {}s;\n",
    "SELECT x.n AS x, y.n AS y, z.n AS z FROM PATTERN (A x ->> B y ->> A z) WHERE y.n > 3 PARTITION BY k WITHIN {}s;\n",
    "SELECT COUNT(x.n) AS xs, y.n AS y FROM PATTERN (A x+ -> B y) PARTITION BY k WITHIN {}s AFTER MATCH SKIP PAST LAST EVENT;\n",
    "SELECT x.n AS x FROM PATTERN (A x -> !B y) PARTITION BY k WITHIN {}s;\n",
    "SELECT x.n AS x, z.n AS z FROM PATTERN (A x , (A y | B w)+? -> B z) PARTITION BY k WITHIN {}s AFTER MATCH CONSUME;\n",
    "SELECT k, SUM(n) AS n, COUNT(*) AS c FROM A WINDOW HOPPING {}s EVERY 1s GROUP BY k;\n",
    "SELECT k, COUNT(*) AS c, AVG(n) AS a FROM B WINDOW SESSION {}s GROUP BY k;\n",
    "SELECT k, COUNT(DISTINCT n) AS d, MEDIAN(n) AS m FROM A WINDOW SLIDING {}s GROUP BY k;\n",
    "SELECT k, ARRAY_AGG(n) AS ns FROM A WINDOW ROWS 3 GROUP BY k;\n",
    "SELECT a.k, a.n AS a, b.n AS b FROM A AS a LEFT JOIN B AS b ON a.k = b.k WITHIN {}s;\n",
    "SELECT a.k, a.n AS a, b.n AS b FROM A AS a FULL JOIN B AS b ON a.k = b.k WITHIN {}s;\n",
    "SELECT a.k, a.n AS a, b.n AS b FROM A a LEFT ASOF JOIN B b ON a.k = b.k TOLERANCE {}s;\n",
    "SELECT k, n FROM A SUPPRESS BY k FOR {}s;\n",
    "SELECT k, n + 1 AS n FROM B WHERE n % 2 = 0;\n",
];

/// One to six of them; eight patterns that share their look at each event cannot be cut.
pub fn program(random: &mut Random) -> (String, Vec<String>) {
    let mut rest = STATEMENTS.to_vec();
    let count = 1 + random.below(6);
    let mut one = || rest.remove(random.below(rest.len())).replace("{}", &(1 + random.below(12)).to_string());
    (DECLARATIONS.to_owned(), (0..count).map(|_| one()).collect())
}

pub fn lines(random: &mut Random) -> Vec<(i64, Vec<u8>)> {
    let (mut at, keys) = (10_000_i64, 1 + random.below(12));
    let count = 20 + random.below(80);
    let line = |_| {
        at += [0, 0, 200, 500, 1000, 3000][random.below(6)];
        let (stream, key, n) = (["A", "B"][random.below(2)], random.below(keys), random.below(9));
        (0, format!("{{\"type\":\"{stream}\",\"k\":\"k{key}\",\"n\":{n},\"at\":{at}}}\n").into_bytes())
    };
    (0..count).map(line).collect()
}

/// An event: its key, its time, and the line.
struct Event<'l> {
    key: String,
    at: Timestamp,
    line: &'l [u8],
}

fn event(line: &[u8]) -> Event<'_> {
    let json: serde_json::Value = serde_json::from_slice(line).unwrap();
    let at = Timestamp(json["at"].as_i64().unwrap() * 1_000_000);
    Event { key: json["k"].as_str().unwrap().to_owned(), at, line }
}

fn push(engine: &mut Engine, events: &[Event<'_>], range: KeyRange, rows: &mut Vec<String>) -> Result<(), String> {
    for event in events {
        if range.contains(Key::encode([Value::string(event.key.as_str())].into_iter()).as_ref()) {
            engine.push_json(event.line).map_err(|error| error.to_string())?;
        }
        engine.advance_watermark(event.at).map_err(|error| error.to_string())?;
        accounted(&engine.stats())?;
    }
    rows.extend(engine.take_rows().iter().map(OutputRow::to_json));
    Ok(())
}

/// The rows in any order, and the counters that belong to keys.
type Given = (Vec<String>, (u64, u64, Vec<(u64, u64)>));

fn finish(mut engine: Engine, mut rows: Vec<String>) -> Result<Given, String> {
    engine.finish().map_err(|error| error.to_string())?;
    rows.extend(engine.take_rows().iter().map(OutputRow::to_json));
    rows.sort();
    let stats: Stats = engine.stats();
    Ok((rows, (stats.events, stats.rows, stats.operators.iter().map(|o| (o.rows_in, o.rows_out)).collect())))
}

pub fn interfere(scenario: &Scenario, random: &mut Random, told: &mut Told) -> Result<(), String> {
    let options = Options { batch_size: scenario.batch_size, general_evaluators: scenario.general, ..Options::default() };
    let program = scenario.program();
    let events: Vec<Event<'_>> = scenario.lines.iter().map(|(_, line)| event(line)).collect();
    let mut alone = Engine::with_options(&program, &options).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    push(&mut alone, &events, KeyRange::ALL, &mut rows)?;
    let expected = finish(alone, rows)?;
    (told.rows, told.events) = (expected.0.len() as u64, events.len() as u64);
    // Some run their operators on several threads, and hand every row over.
    let way = |random: &mut Random| Options { threads: [1, 1, 2, 3][random.below(4)], hand_over_from: 0, ..options.clone() };
    let mut engine = Engine::with_options(&program, &way(random)).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    let mut at = 0;
    for _ in 0..1 + random.below(2) {
        let parts = 1 + random.below(5) as u64;
        let begin = at + random.below(events.len() - at + 1);
        let end = begin + random.below(events.len() - begin + 1);
        push(&mut engine, &events[at..begin], KeyRange::ALL, &mut rows)?;
        let ranges: Vec<KeyRange> = (0..parts).map(|part| KeyRange::part(part, parts)).collect();
        let mut saved = Vec::new();
        for &range in &ranges {
            let part = engine.snapshot_range(range).map_err(|error| error.to_string())?;
            let (mut other, _) = Engine::restore(&program, &way(random), &part).map_err(|error| error.to_string())?;
            push(&mut other, &events[begin..end], range, &mut rows)?;
            saved.push(other.snapshot_range(KeyRange::ALL).map_err(|error| error.to_string())?);
            told.runs += 1;
            told.count("parts of the keys");
        }
        let saved: Vec<&[u8]> = saved.iter().map(Vec::as_slice).collect();
        engine = Engine::restore_parts(&program, &way(random), &saved).map_err(|error| error.to_string())?.0;
        at = end;
    }
    push(&mut engine, &events[at..], KeyRange::ALL, &mut rows)?;
    let found = finish(engine, rows)?;
    told.runs += 1;
    if found == expected {
        return Ok(());
    }
    let only = |of: &[String], other: &[String]| of.iter().filter(|row| !other.contains(row)).cloned().collect::<Vec<_>>();
    let (more, less) = (only(&found.0, &expected.0), only(&expected.0, &found.0));
    Err(format!("{} rows instead of {}; more {more:?}, less {less:?}; {:?} and {:?}", found.0.len(), expected.0.len(), found.1, expected.1))
}
