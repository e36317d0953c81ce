//! Same events, same bytes, on however many threads operators run: rows, counters, snapshots, and when and why statements end.
//! In: the conformance cases and random programs with keys, cut anywhere, every inbox handed over. Out: what one thread gives.

#![allow(clippy::print_stdout, reason = "what is skipped or compared is told")]
#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use std::sync::Arc;

use betide::data::Timestamp;
use betide::engine::EndCause;
use betide::{DataType, Engine, ManualClock, Options, Value};
use support::cases;
use support::random::{self, Random};
use support::random_rows;

const THREADS: [usize; 3] = [2, 3, 8];

/// Everything is handed over, however little.
fn options(threads: usize, batch_size: usize) -> Options {
    Options { threads, batch_size, hand_over_from: 0, clock: Arc::new(ManualClock::new(Timestamp(0))), ..Options::default() }
}

/// All that comes of a run.
#[derive(Debug, PartialEq)]
struct Came {
    rows: String,
    stats: String,
    ended: String,
    error: Option<String>,
    /// Of its last but one part.
    snapshot: Vec<u8>,
}

/// How many operators of a program have their keys shared.
fn cut_operators(engine: &Engine) -> usize {
    engine.stats().operators.iter().filter(|operator| operator.shards > 1).count()
}

/// Runs a program over lines that come so many at a time. From now and then on the others of `ways` go on from a snapshot.
fn run(program: &str, lines: &[String], at_once: usize, ways: &[Options]) -> (Came, usize) {
    let mut engine = Engine::with_options(program, &ways[0]).unwrap();
    let cut = cut_operators(&engine);
    let (mut rows, mut error, mut snapshot, mut next) = (Vec::new(), None, Vec::new(), 0);
    let parts: Vec<&[String]> = lines.chunks(at_once).collect();
    for (number, part) in parts.iter().enumerate() {
        if error.is_none() {
            error = engine.push_json(part.concat().as_bytes()).and_then(|()| engine.catch_up()).err().map(|why| why.to_string());
            engine.write_rows(&mut rows).unwrap();
        }
        let is_half = 2 * (number + 1) == parts.len();
        if error.is_none() && (is_half || ways.len() > 1 && number % 3 == 1) {
            let state = engine.snapshot().unwrap();
            if is_half {
                snapshot = state.clone();
            }
            if ways.len() > 1 {
                next += 1;
                engine = Engine::restore(program, &ways[next % ways.len()], &state).unwrap().0;
            }
        }
    }
    if error.is_none() {
        error = engine.finish().err().map(|why| why.to_string());
        engine.write_rows(&mut rows).unwrap();
    }
    let ended: Vec<_> = engine.ended().iter().map(|ended| (ended.events, ended.between, ended.cause.to_string())).collect();
    let ended = format!("{ended:?}");
    let mut stats = engine.stats();
    assert_eq!(stats.events, stats.processed + stats.late + stats.unrouted + stats.bad, "every event is accounted for");
    // How many bytes state takes depends on how it is cut.
    stats.operators.iter_mut().for_each(|operator| (operator.bytes, operator.shards) = (0, 1));
    stats.threads = 1;
    (Came { rows: String::from_utf8(rows).unwrap(), stats: format!("{stats:?}"), ended, error, snapshot }, cut)
}

/// Compares all numbers of threads; gives what one gave, and how many operators were cut.
fn agree(program: &str, lines: &[String], random: &mut Random, change: impl Fn(&mut Options)) -> (Came, usize) {
    agree_on(&THREADS, program, lines, random, change)
}

fn agree_on(all_threads: &[usize], program: &str, lines: &[String], random: &mut Random, change: impl Fn(&mut Options)) -> (Came, usize) {
    let way = |threads, batch_size| {
        let mut options = options(threads, batch_size);
        change(&mut options);
        options
    };
    let at_once = [1, 3, 10, 1000][random.below(4)];
    let (expected, none) = run(program, lines, at_once, &[way(1, 4096)]);
    assert_eq!(none, 0, "one thread cuts nothing");
    let mut cut = 0;
    for &threads in all_threads {
        let batch_size = [1, 3, 70, 4096][random.below(4)];
        let (found, cut_now) = run(program, lines, at_once, &[way(threads, batch_size)]);
        cut = cut.max(cut_now);
        let told = || format!("{threads} threads, batches of {batch_size}, {at_once} lines at once\n{program}\n{}", lines.concat());
        assert_eq!(found.rows, expected.rows, "{}", told());
        assert_eq!(found.stats, expected.stats, "{}", told());
        assert_eq!((&found.ended, &found.error), (&expected.ended, &expected.error), "{}", told());
    }
    // When an operator is asked what it holds depends on when it was asked last, which a snapshot does not tell.
    if cut > 0 && expected.error.is_none() && way(1, 1).limits == Options::default().limits {
        let ways = [way(3, 5), way(1, 4096), way(8, 1), way(2, 70)];
        let (resumed, _) = run(program, lines, at_once, &ways);
        assert_eq!(resumed.rows, expected.rows, "resumed on 3, 1, 8 and 2 threads, {at_once} lines at once\n{program}\n{}", lines.concat());
        assert_eq!(resumed.ended, expected.ended, "{program}");
    }
    (expected, cut)
}

fn texts(events: &[serde_json::Value]) -> Vec<String> {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// Compares programs of a kind over random streams; at least so many in a hundred have to be cut.
fn compare(what: &str, normal: u64, least: u64, make: impl Fn(u64) -> (String, Vec<String>)) {
    let seeds = random::seeds(normal);
    let (mut tried, mut were_cut, mut with_rows) = (0, 0, 0);
    for seed in seeds {
        let (program, lines) = make(seed);
        if Engine::with_options(&program, &options(1, 1)).is_err() {
            continue;
        }
        let (came, cut) = agree(&program, &lines, &mut Random::new(seed ^ 0x5a), |_| {});
        tried += 1;
        were_cut += u64::from(cut > 0);
        with_rows += u64::from(cut > 0 && !came.rows.is_empty());
    }
    println!("{what}: {were_cut} of {tried} are cut, {with_rows} give rows");
    assert!(were_cut * 100 >= tried * least && with_rows * 3 >= were_cut, "{what}: {were_cut} of {tried} are cut, {with_rows} give rows");
}

/// Streams of types, so that no event is of two of them; keys are few or many.
const SOURCES: &str = "CREATE STREAM A (id INT, k STRING, x INT, at TIMESTAMP) TIMESTAMP BY at DELAY 3s WITH (type = 'A');
CREATE STREAM B (id INT, k STRING, x INT, at TIMESTAMP) TIMESTAMP BY at DELAY 3s WITH (type = 'B');
CREATE STREAM N (id INT, k INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at DELAY 3s WITH (type = 'N');
";

fn lines(random: &mut Random, count: usize) -> Vec<String> {
    let keys = 2 + random.below(12);
    let mut time = 0;
    let line = |id: usize| {
        time += [0, 0, 0, 500, 1000, 4000][random.below(6)];
        let at = time - [0, 0, 1000, 2500][random.below(4)];
        let (kind, x) = (random.pick(&["A", "A", "B", "B", "N", "C"]).to_owned(), random.below(6));
        let key = random.below(keys);
        let key = match (kind.as_str(), random.below(12)) {
            (_, 0) => "null".to_owned(),
            ("N", _) => key.to_string(),
            _ => format!("\"key {key}\""),
        };
        format!("{{\"type\":\"{kind}\",\"id\":{id},\"k\":{key},\"x\":{x},\"at\":{at}}}\n")
    };
    (0..count).map(line).collect()
}

/// A query whose operator may be cut, of each kind.
fn query(random: &mut Random) -> String {
    let n = 1 + random.below(9);
    let within = format!("WITHIN {}s", 1 + random.below(12));
    let skip = *["", "", "AFTER MATCH SKIP PAST LAST EVENT", "AFTER MATCH SKIP TO NEXT EVENT", "AFTER MATCH RESTART"]
        .get(random.below(5))
        .unwrap_or(&"");
    let arrow = ["->", "->>", ","][random.below(3)].to_owned();
    match random.below(20) {
        0 => format!("SELECT k, COUNT(*) AS c, SUM(x) AS s, LAST(id) AS l FROM A WINDOW SLIDING {n}s GROUP BY k;"),
        1 => format!("SELECT k, COUNT(*) AS c, AVG(x) AS s, START_TIME AS f FROM N WINDOW SESSION {n}s GROUP BY k;"),
        2 => format!("SELECT k, COUNT(*) AS c, MIN(id) AS s FROM A WINDOW SESSION {n}s MAX {}s GROUP BY k;", n + 3),
        3 => "SELECT k, x, COUNT(*) AS c, SUM(id) AS s FROM A GROUP BY k, x;".to_owned(),
        4 => format!("SELECT k, COUNT(*) AS c, SUM(id) AS s FROM N WINDOW ROWS {n} GROUP BY k;"),
        5 => format!("SELECT k, COUNT(*) AS c, MEDIAN(x) AS s FROM B WINDOW LAST {n} ROWS GROUP BY k;"),
        6 => format!("SELECT k, id FROM A WHERE x > 1 SUPPRESS BY k FOR {n}s;"),
        7 => {
            let kind = random.pick(&["", "LEFT ", "RIGHT ", "FULL ", "SEMI ", "ANTI "]).to_owned();
            let columns = if matches!(kind.as_str(), "SEMI " | "ANTI ") { "a.id" } else { "a.id, b.id AS other" };
            format!("SELECT {columns} FROM A a {kind}JOIN B b ON a.k = b.k AND a.x <= b.x WITHIN {n}s;")
        }
        8 => format!("SELECT a.id, b.id AS other FROM A a LEFT ASOF JOIN B b ON a.k = b.k TOLERANCE {n}s;"),
        9 => format!("SELECT a.id, b.id AS other FROM PATTERN (A a {arrow} B b) PARTITION BY k WHERE b.x >= a.x {within} {skip};"),
        10 => format!(
            "SELECT a.id, b.id AS other, c.id AS third FROM PATTERN (A a -> B b -> A c) PARTITION BY k WHERE b.x > a.x {within} {skip};"
        ),
        11 => format!("SELECT a.id, b.id AS other FROM PATTERN (A a ->> B b ->> A c) PARTITION BY k WHERE b.x > 1 {within};"),
        12 => format!("SELECT a.id, COUNT(b) AS c FROM PATTERN (A a -> B b+ -> A c) PARTITION BY k WHERE b.x > PREV(b.x) {within} {skip};"),
        13 => format!("SELECT a.id FROM PATTERN (A a -> !B b) PARTITION BY k {within} {skip};"),
        14 => format!("SELECT a.id FROM PATTERN (A a -> !B b FOR {n}s) PARTITION BY k {within} {skip};"),
        15 => format!("SELECT a.id, b.id AS other FROM PATTERN (A a -> B b -> A c) PARTITION BY k {within} {skip} TIMEOUT INTO Over;"),
        16 => format!("SELECT a.id, c.id AS other FROM PATTERN (A a -> (B b | A d)+ -> B c) PARTITION BY k {within} {skip};"),
        17 => format!("SELECT a.id, b.id AS other FROM PATTERN (A a & B b) WHERE a.k = b.k {within} {skip};"),
        18 => format!(
            "SELECT * FROM A MATCH_RECOGNIZE (PARTITION BY k ORDER BY at MEASURES FIRST(P.id) AS f, LAST(Q.id) AS l
            {} ROW PER MATCH AFTER MATCH {} PATTERN (P Q{} R?) DEFINE Q AS Q.x >= PREV(Q.x));",
            random.pick(&["ONE", "ONE"]),
            random.pick(&["SKIP PAST LAST ROW", "SKIP TO NEXT ROW"]),
            random.pick(&["+", "*", "+?"])
        ),
        _ => format!(
            "CREATE STREAM Found AS SELECT a.k, a.id, b.id AS other FROM PATTERN (A a {arrow} B b) PARTITION BY k {within} {skip};
            SELECT f.id, n.id AS next FROM PATTERN (Found f -> A n) PARTITION BY k WITHIN 9s;
            SELECT k, COUNT(*) AS c FROM Found WINDOW TUMBLING 5s GROUP BY k;"
        ),
    }
}

#[test]
fn operators_of_every_kind_give_the_same_on_any_number_of_threads() {
    compare("operators", 60, 85, |seed| {
        let random = &mut Random::new(seed);
        let query = query(random);
        let count = 40 + random.below(60);
        (format!("{SOURCES}{query}"), lines(random, count))
    });
}

#[test]
fn random_patterns_give_the_same_on_any_number_of_threads() {
    compare("patterns", 30, 5, |seed| {
        let pair = random::pair(seed);
        (pair.program, texts(&pair.input))
    });
    compare("row patterns", 20, 5, |seed| {
        let pair = random_rows::pair(seed);
        (pair.program, texts(&pair.input))
    });
}

#[test]
fn conformance_cases_give_the_same_on_any_number_of_threads() {
    let Some(folder) = cases::folder() else { return println!("the conformance cases are not there") };
    let (mut compared, mut were_cut) = (0, 0);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "jsonl")) {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        for case in cases::read(&file) {
            let cut = match Engine::with_options(&case.program, &options(3, 1)) {
                Ok(engine) => cut_operators(&engine),
                Err(_) => continue,
            };
            compared += 1;
            if cut > 0 {
                were_cut += 1;
                let lines: Vec<String> = case.input.iter().map(|event| format!("{event}\n")).collect();
                // All numbers of threads, over the cases.
                let threads = [THREADS[were_cut % THREADS.len()]];
                agree_on(&threads, &case.program, &lines, &mut Random::new(compared), |_| {});
            }
        }
    }
    println!("{were_cut} of {compared} cases are cut");
    assert!(were_cut > 20, "{were_cut} of {compared} cases are cut");
}

#[test]
fn a_snapshot_of_three_threads_is_taken_up_by_any_number() {
    for seed in 0..24 {
        let random = &mut Random::new(seed);
        let program = format!("{SOURCES}{}", query(random));
        let lines = lines(random, 60);
        if Engine::with_options(&program, &options(1, 1)).is_err() {
            continue;
        }
        let (expected, _) = run(&program, &lines, 30, &[options(1, 7)]);
        let rest = |snapshot: &[u8], threads: usize| {
            let mut engine = Engine::restore(&program, &options(threads, 7), snapshot).unwrap().0;
            engine.push_json(lines[30..].concat().as_bytes()).unwrap();
            engine.finish().unwrap();
            let mut rows = Vec::new();
            engine.write_rows(&mut rows).unwrap();
            String::from_utf8(rows).unwrap()
        };
        let of_three = run(&program, &lines, 30, &[options(3, 7)]).0.snapshot;
        let expected_rest = rest(&expected.snapshot, 1);
        for threads in [1, 2, 3, 8] {
            assert_eq!(rest(&of_three, threads), expected_rest, "seed {seed}: from 3 threads to {threads}\n{program}");
            assert_eq!(rest(&expected.snapshot, threads), expected_rest, "seed {seed}: from 1 thread to {threads}\n{program}");
        }
    }
}

#[test]
fn state_does_not_grow_by_being_cut_and_put_together() {
    for seed in 0..20 {
        let random = &mut Random::new(seed);
        let program = format!("{SOURCES}{}", query(random));
        let Ok(mut engine) = Engine::with_options(&program, &options(8, 7)) else { continue };
        engine.push_json(lines(random, 80).concat().as_bytes()).unwrap();
        let first = engine.snapshot().unwrap();
        let mut state = first.clone();
        for round in 0..40 {
            let threads = [8, 3, 1][round % 3];
            state = Engine::restore(&program, &options(threads, 7), &state).unwrap().0.snapshot().unwrap();
        }
        assert!(state.len() <= first.len() + 64, "seed {seed}: {} bytes of {}\n{program}", state.len(), first.len());
    }
}

/// `RISKY(n)` is n, and panics at 13; what is told of a statement that ends is told of its round, and so rounds are alike.
fn risky(options: &mut Options) {
    options.batch_size = 16;
    let risky = |args: &[Value<'_>]| match &args[0] {
        Value::Int(13) => panic!("thirteen is not liked"),
        value => value.clone().into_owned(),
    };
    options.register_fn("RISKY", &[DataType::Int], DataType::Int, risky).unwrap();
}

#[test]
fn a_panic_in_a_shard_ends_its_statement_alone() {
    betide::record_panics();
    let lines: Vec<String> =
        (0..60).map(|n| format!("{{\"type\":\"A\",\"id\":{n},\"k\":\"key {}\",\"x\":{},\"at\":{}}}\n", n % 7, n % 14, n * 500)).collect();
    for harm in [
        "SELECT a.id FROM PATTERN (A a -> A b) PARTITION BY k WHERE RISKY(b.x) > a.x WITHIN 20s;",
        "SELECT a.id FROM PATTERN (A a -> A b+ -> A c) PARTITION BY k WHERE RISKY(b.x) > a.x WITHIN 20s;",
        "SELECT k, MAX(RISKY(x)) AS s FROM A WINDOW SLIDING 9s GROUP BY k;",
    ] {
        let program = format!("{SOURCES}CREATE STREAM Bad AS {harm} CREATE STREAM Good AS SELECT id FROM A WHERE x > 3;");
        let (came, cut) = agree(&program, &lines, &mut Random::new(3), risky);
        assert_eq!(cut, 1, "{harm}");
        assert!(came.rows.contains("Good") && came.ended.contains("thirteen is not liked"), "{came:?}");
        let mut options = options(3, 4096);
        risky(&mut options);
        let mut engine = Engine::with_options(&program, &options).unwrap();
        engine.push_json(lines.concat().as_bytes()).unwrap();
        engine.finish().unwrap();
        let [ended] = engine.ended().try_into().unwrap();
        let EndCause::Panic { location, .. } = &ended.cause else { panic!("{ended:?}") };
        assert!(location.as_ref().is_some_and(|place| place.contains("shards.rs")), "where it was is told: {location:?}");
    }
}

#[test]
fn bounds_are_reached_at_the_same_event_on_any_number_of_threads() {
    let mut reached = 0;
    for seed in 0..18 {
        let random = &mut Random::new(seed);
        let program = format!("{SOURCES}{}", query(random));
        let lines = lines(random, 150);
        if Engine::with_options(&program, &options(1, 1)).is_err() {
            continue;
        }
        // A round is looked at as a whole, so rounds are those of one line at once.
        let (keys, event_rows, runs) = (1 + random.below(2), 1, 1 + random.below(2));
        let bound = |options: &mut Options| {
            match seed % 3 {
                0 => options.limits.keys = keys,
                1 => options.limits.event_rows = event_rows,
                _ => (options.limits.pattern_threads, options.limits.pattern_events) = (runs, runs),
            }
            options.batch_size = 1;
        };
        let (came, _) = agree(&program, &lines, random, bound);
        let has_dropped = came.stats.matches("dropped: ").count() > came.stats.matches("dropped: 0").count();
        reached += usize::from(came.ended != "[]" || has_dropped);
    }
    assert!(reached >= 5, "{reached} bounds were reached");
}

#[test]
fn a_bound_of_a_statements_memory_leaves_it_on_one_thread() {
    let program = format!("{SOURCES}SELECT a.id FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 20s;");
    let mut options = options(3, 1);
    assert!(Engine::with_options(&program, &options).unwrap().explain().contains("on 3 threads: each has the keys (k)"));
    options.limits.statement_memory = Some(1 << 20);
    let engine = Engine::with_options(&program, &options).unwrap();
    assert_eq!(cut_operators(&engine), 0);
    assert!(engine.explain().contains("on one thread: the memory of statements is bounded"), "{}", engine.explain());
}
