//! Aggregates over matches that are counted and not listed, against listing and counting: the same programs over the same random streams,
//! byte for byte. In: seeds (`BETIDE_PAIRS` says how many; `BETIDE_SEED` runs one). A failure prints the seed, the program and the events.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use betide::Engine;
use serde_json::{Value as Json, json};
use support::any_patterns::{lines, pattern, sources};
use support::cuts::{Ran, run};
use support::random::{self, Random};

/// Whether a program was run without listing matches.
fn counts(ran: &Ran) -> bool {
    ran.plan.contains("no match is listed")
}

/// A pattern whose matches go to windows.
fn program(random: &mut Random) -> String {
    let pattern = pattern(random);
    let partition = random.pick(&["", "", "PARTITION BY k\n", "PARTITION BY k, ok\n"]);
    let mut columns: Vec<String> = Vec::new();
    for (alias, ..) in &pattern.steps {
        for column in ["n", "at", "d"] {
            columns.push(format!("{alias}.{column} AS {alias}_{column}"));
        }
        columns.push(format!("COUNT({alias}) AS {alias}_count"));
    }
    let always = pattern.steps.iter().find(|(_, _, always)| *always).map(|(alias, ..)| alias.clone());
    let mut group: Vec<&str> = Vec::new();
    if let Some(alias) = &always {
        for key in ["k", "ok"] {
            if partition.contains(key) && random.chance(60) {
                columns.push(format!("{alias}.{key} AS {key}"));
                group.push(key);
            }
        }
    }
    let mut text =
        format!("CREATE STREAM Found AS SELECT ALL MATCHES {}\nFROM PATTERN ({})\n{partition}", columns.join(", "), pattern.text);
    if !random.chance(25) {
        text += &format!("WITHIN {} ms\n", [0, 500, 2000, 4000, 9000, 30_000][random.below(6)]);
    }
    if random.chance(30) {
        text += "AFTER MATCH RESTART\n";
    }
    text += ";\n";
    let mut aggregates = vec!["COUNT(*) AS matches".to_owned()];
    for (alias, ..) in &pattern.steps {
        let aggregate = match random.below(9) {
            0 => format!("SUM({alias}_n)"),
            1 => format!("AVG({alias}_n)"),
            2 => format!("MIN({alias}_at)"),
            3 => format!("MAX({alias}_n)"),
            4 => format!("COUNT({alias}_n)"),
            5 => format!("SUM({alias}_count)"),
            6 => format!("AVG({alias}_count)"),
            7 => format!("AVG({alias}_d)"),
            _ => format!("SUM({alias}_d)"),
        };
        aggregates.push(format!("{aggregate} AS a{}", aggregates.len()));
    }
    let window =
        random.pick(&["TUMBLING 1s", "TUMBLING 4s", "TUMBLING 1m", "HOPPING 4s EVERY 1s", "HOPPING 1s EVERY 3s", "TUMBLING 3s OFFSET 1s"]);
    let keys = group.iter().map(|key| format!("{key}, ")).collect::<String>();
    let group_by = if group.is_empty() { String::new() } else { format!("\nGROUP BY {}", group.join(", ")) };
    let having = if random.chance(20) { "\nHAVING COUNT(*) > 2" } else { "" };
    let from = if random.chance(50) {
        "Found".to_owned()
    } else {
        // The same as a subquery.
        let inner = text.trim_start_matches("CREATE STREAM Found AS ").trim_end_matches(";\n").to_owned();
        text.clear();
        format!("({inner})")
    };
    let select = format!("SELECT {keys}{}, START_TIME, END_TIME FROM {from} WINDOW {window}{group_by}{having};\n", aggregates.join(", "));
    sources(random) + &text + &select
}

#[test]
fn counting_gives_what_listing_and_counting_gives() {
    let seeds = random::seeds(150);
    let (mut with_rows, mut many, mut counted) = (0, 0, 0);
    let pairs = seeds.end - seeds.start;
    for seed in seeds {
        let random = &mut Random::new(seed);
        let program = program(random);
        let lines = lines(random, 18);
        let expected = run(&program, &lines, 4096, true);
        let cut = [1, 7, 4096][random.below(3)];
        let found = run(&program, &lines, cut, false);
        assert!(!counts(&expected), "{program}");
        counted += u64::from(counts(&found));
        assert_eq!(found.found, expected.found, "seed {seed}, cut {cut}\n{program}\n{lines}");
        let rows = expected.rows();
        with_rows += u64::from(rows > 0);
        many += u64::from(rows > 3);
    }
    if pairs > 1 {
        // Patterns of very many states are listed.
        assert!(counted > pairs * 3 / 4, "only {counted} of {pairs} programs count");
        assert!(with_rows > pairs / 4 && many > pairs / 20, "only {with_rows} of {pairs} programs match, {many} often");
    }
}

/// `A ->> B+ ANY ->> C` over an A, so many B and a C: 2^b - 1 matches, each with the A's number.
#[test]
fn counts_are_exact_in_128_bits_and_null_beyond_an_int() {
    let program = "
        CREATE STREAM E (kind STRING, n INT, at TIMESTAMP) TIMESTAMP BY at;
        SELECT COUNT(*) AS matches, AVG(n) AS mean, SUM(n) AS sum, MIN(last) AS least, START_TIME
        FROM (SELECT a.n, b.n AS last FROM PATTERN (E[kind = 'a'] a ->> E[kind = 'b'] b+ ANY ->> E[kind = 'c'] c) WITHIN 5 minutes)
        WINDOW TUMBLING 1 h;";
    let run = |b: i64| {
        let mut engine = Engine::compile(program).map_err(|_| "compiles").unwrap();
        assert!(engine.explain().contains("no match is listed"));
        for hour in 0..2 {
            let event =
                |kind: &str, n: i64, second: i64| format!("{}\n", json!({"kind": kind, "n": n, "at": (hour * 3600 + second) * 1000}));
            let between = if hour == 0 { b } else { 2 };
            engine.push_json(event("a", 1, 0).as_bytes()).unwrap();
            (1..=between).for_each(|second| engine.push_json(event("b", -second, second).as_bytes()).unwrap());
            engine.push_json(event("c", 0, between + 1).as_bytes()).unwrap();
        }
        engine.finish().unwrap();
        let mut out = Vec::new();
        engine.write_rows(&mut out).unwrap();
        let rows: Vec<Json> = String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), 2);
        // What was too much in one window is none in the next.
        assert_eq!((&rows[1]["matches"], &rows[1]["mean"], &rows[1]["least"]), (&json!(3), &json!(1.0), &json!(-2)));
        (
            rows[0]["matches"].as_i64(),
            rows[0]["mean"].as_f64(),
            rows[0]["sum"].as_i64(),
            rows[0]["least"].as_i64(),
            engine.stats().eval_nulls,
        )
    };
    assert_eq!(run(62), (Some((1 << 62) - 1), Some(1.0), Some((1 << 62) - 1), Some(-62), 0));
    assert_eq!(run(63), (Some(i64::MAX), Some(1.0), Some(i64::MAX), Some(-63), 0));
    // Beyond 64 bits the number is known and no INT holds it; the mean needs it all the same.
    assert_eq!(run(64), (None, Some(1.0), None, Some(-64), 2));
    assert_eq!(run(65), (None, Some(1.0), None, Some(-65), 2));
    assert_eq!(run(127), (None, Some(1.0), None, Some(-127), 2));
    // Beyond 128 bits nothing is known but extremes.
    assert_eq!(run(128), (None, None, None, Some(-128), 3));
    assert_eq!(run(200), (None, None, None, Some(-200), 3));
}

/// What is not counted is listed, and says so.
#[test]
fn what_depends_on_the_order_of_matches_is_listed() {
    let sources = "CREATE STREAM A (k STRING, n INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
        CREATE STREAM B (k STRING, n INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;\n";
    let counts = |select: &str, pattern: &str| {
        let inner = "a.k, a.n, a.x, a.at, b.n AS bn, b.n + 1 AS more, START_TIME AS begin";
        let program = format!("{sources}SELECT {select} FROM (SELECT ALL MATCHES {inner} FROM PATTERN {pattern}) WINDOW TUMBLING 1m;");
        let Ok(engine) = Engine::compile(&program) else { panic!("{program}") };
        engine.explain().contains("no match is listed")
    };
    let plain = "(A a ->> B b) PARTITION BY k WITHIN 1m";
    for select in ["COUNT(*)", "COUNT(n)", "SUM(n)", "AVG(bn)", "MIN(at)", "MAX(n)"] {
        assert!(counts(select, plain), "{select}");
    }
    for select in [
        "SUM(x)",
        "AVG(x)",
        "MIN(x)",
        "MEDIAN(n)",
        "COUNT(DISTINCT n)",
        "FIRST(n)",
        "SUM(more)",
        "MIN(begin)",
        "SUM(n) FILTER (WHERE n > 1)",
    ] {
        assert!(!counts(select, plain), "{select}");
    }
    for pattern in [
        "(A a -> B b) WITHIN 1m",
        "(A a ->> B b) WHERE b.n > a.n WITHIN 1m",
        "(A a ->> B b) WITHIN 1m HAVING a.n > 1",
        "(A a ->> B b) WITHIN 5 EVENTS",
        "(A a ->> B b+ ->> A c) WITHIN 1m",
    ] {
        assert!(!counts("COUNT(*)", pattern), "{pattern}");
    }
}
