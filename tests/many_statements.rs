//! Programs of many statements, which share one look at each event, against the same programs without sharing, and their statements alone.
//! In: seeds (`BETIDE_PAIRS` says how many; `BETIDE_SEED` runs one). Out: the same bytes, and the same counters of every operator.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use betide::engine::{Engine, OperatorStats, Options};
use serde_json::{Value as Json, json};
use support::cuts;
use support::random::{self, Random};

/// What comes out: rows as text, and of each operator name, rows in and out, and NULLs.
type Found = (String, Vec<(String, u64, u64, u64)>);

fn run(program: &str, lines: &str, cut: usize, general: bool) -> Found {
    let ran = cuts::run(program, lines, cut, general);
    (ran.found.0, counters(ran.operators))
}

fn counters(operators: Vec<OperatorStats>) -> Vec<(String, u64, u64, u64)> {
    operators.into_iter().map(|of| (of.name, of.rows_in, of.rows_out, of.eval_nulls)).collect()
}

fn sources(delay: &str) -> String {
    let stream = |name: &str, when: &str| {
        format!(
            "CREATE STREAM {name} (id INT, k STRING, x FLOAT, t STRING, n INT, type STRING, at TIMESTAMP) TIMESTAMP BY at{delay}{when};\n"
        )
    };
    [stream("A", ""), stream("B", ""), stream("C", ""), stream("D", ""), stream("AorB", " WHEN type = 'A' OR type = 'B'")].concat()
}

/// A term on single events of a step, of all kinds that are looked up, and of some that are not.
fn term(random: &mut Random, v: &str) -> String {
    let word = random.pick(&["cmd", "Cmd", "run", "x", "é", "ad"]);
    let number = random.below(6);
    match random.below(18) {
        0 => format!("{v}.n = {number}"),
        1 => format!("{v}.n > {number}"),
        2 => format!("{v}.n <= {number}"),
        3 => format!("{number} < {v}.x"),
        4 => format!("{v}.n IN ({number}, {}, NULL)", number + 1),
        5 => format!("{v}.t = 'run {word}'"),
        6 => format!("{v}.t LIKE '%{word}%'"),
        7 => format!("{v}.t ILIKE '%{word}%n_'"),
        8 => format!("STARTS_WITH({v}.t, '{word}')"),
        9 => format!("ENDS_WITH({v}.t, '{word}')"),
        10 => format!("CONTAINS({v}.t, '{word}')"),
        11 => format!("NOT {v}.t LIKE '{word}%'"),
        12 => format!("({v}.t LIKE '%{word}' OR {v}.n = {number})"),
        13 => format!("({v}.n = {number} OR {v}.x <> {number})"),
        14 => format!("{v}.n / {v}.x > 0.5"),
        15 => format!("{v}.x BETWEEN {number} AND {}", number + 1),
        16 => format!("{v}.t IN ('run cmd', '{word}')"),
        _ => format!("{v}.x IS NULL"),
    }
}

fn terms(random: &mut Random, v: &str) -> Vec<String> {
    (0..random.below(3)).map(|_| term(random, v)).collect()
}

/// Two or three steps, sometimes with a negation, as rules are.
fn rule(random: &mut Random) -> String {
    let streams = ["A", "A", "B", "AorB", "C"];
    let mut conditions = terms(random, "a");
    conditions.extend(terms(random, "b"));
    let (a, b) = (random.pick(&streams), random.pick(&streams));
    let all = random.chance(30);
    let arrow = if all { "->>" } else { "->" };
    let mut columns = "a.id AS a, b.id AS b, b.t".to_owned();
    let pattern = match random.below(6) {
        0 => {
            conditions.extend(terms(random, "c"));
            columns += ", c.id AS c";
            format!("{a} a {arrow} {b} b {arrow} {} c", random.pick(&streams))
        }
        1 if !all => {
            conditions.extend(terms(random, "n"));
            format!("{a} a -> !{} n -> {b} b", random.pick(&streams))
        }
        2 if !all => {
            conditions.extend(terms(random, "n"));
            format!("{a} a -> {b} b -> !{} n", random.pick(&streams))
        }
        3 if !all => {
            conditions.extend(terms(random, "n"));
            format!("!{} n -> {a} a -> {b} b", random.pick(&streams))
        }
        _ => format!("{a} a {arrow} {b} b"),
    };
    if random.chance(20) {
        conditions.push("a.x < b.x".to_owned());
    }
    let needs_within = pattern.starts_with('!') || pattern.contains(" !") && !pattern.contains("-> b") || random.chance(85);
    let partition = random.pick(&["PARTITION BY k ", "PARTITION BY k ", "PARTITION BY k, n ", "PARTITION BY LOWER(k) ", ""]);
    let filter = if conditions.is_empty() { String::new() } else { format!("WHERE {} ", conditions.join(" AND ")) };
    let within = if needs_within || pattern.contains('!') { format!("WITHIN {}s ", 1 + random.below(9)) } else { String::new() };
    let limit = random.pick(&["", "", "", "LIMIT 2", "LIMIT 1 PER PARTITION"]);
    format!("SELECT {}{columns} FROM PATTERN ({pattern}) {partition}{filter}{within}{limit}", if all { "ALL MATCHES " } else { "" })
}

fn filter(random: &mut Random) -> String {
    let stream = random.pick(&["A", "B", "AorB"]);
    let mut conditions = terms(random, stream);
    conditions.push(term(random, stream));
    let limit = random.pick(&["", "", " LIMIT 3"]);
    format!("SELECT id, t, n + 1 AS m FROM {stream} WHERE {}{limit}", conditions.join(" AND "))
}

/// Statements of all kinds; some read what others give.
fn statements(random: &mut Random) -> Vec<String> {
    let count = 9 + random.below(8);
    let mut statements: Vec<String> = Vec::new();
    for number in 0..count {
        let query = match random.below(10) {
            0..=5 => rule(random),
            6 | 7 => filter(random),
            8 if number > 0 => {
                statements.push(format!("CREATE STREAM F{number} AS SELECT id, k, x, n, at FROM A WHERE {}", term(random, "A")));
                format!("SELECT f.id AS f, b.id AS b FROM PATTERN (F{number} f -> B b) PARTITION BY k WITHIN 5s")
            }
            _ => {
                statements.push(format!("CREATE STREAM P{number} AS {}", rule(random)));
                format!("SELECT p.a AS p, c.id AS c FROM PATTERN (P{number} p -> C c) WHERE c.n > 1 WITHIN 4s")
            }
        };
        statements.push(if random.chance(70) { format!("CREATE STREAM Q{number} AS {query}") } else { query });
    }
    // Queries of all shapes, contiguity and counted events among them.
    for number in 0..3 {
        let pair = random::pair(random.next() % 100_000);
        let body = &pair.program[random::sources("").len()..];
        statements.push(format!("CREATE STREAM R{number} AS {}", body.trim().trim_end_matches(';')));
    }
    statements
}

fn lines(random: &mut Random, late: usize) -> String {
    let length = 20 + random.below(60);
    let texts = ["cmd", "run cmd", "CMD /x", "x run", "né", "", "run x", "add adnx", "cmdrun"];
    let mut text = String::new();
    for event in random::stream(random, length, &["A", "A", "A", "B", "B", "C", "D"]) {
        let mut event: Json = event;
        if !random.chance(10) {
            event["t"] = json!(random.pick(&texts));
        }
        if !random.chance(10) {
            event["n"] = json!(random.below(7));
        }
        let at = event["at"].as_i64().unwrap() - if random.chance(20) { late as i64 } else { 0 };
        event["at"] = json!(at);
        text += &format!("{event}\n");
    }
    text
}

#[test]
fn sharing_changes_neither_rows_nor_counters() {
    let seeds = random::seeds(40);
    let pairs = seeds.end - seeds.start;
    let (mut rows, mut shared) = (0, 0);
    for seed in seeds {
        let random = &mut Random::new(seed);
        let late = if random.chance(50) { 1500 } else { 0 };
        let statements = statements(random);
        let program = format!("{}{};\n", sources(if late > 0 { " DELAY 2s" } else { "" }), statements.join(";\n"));
        let lines = lines(random, late);
        let expected = run(&program, &lines, 4096, true);
        for cut in [1, 7, 4096] {
            let found = run(&program, &lines, cut, false);
            assert!(
                found == expected,
                "seed {seed}, cut {cut}\n{program}\n{lines}--- expected\n{}{:?}\n--- found\n{}{:?}",
                expected.0,
                expected.1,
                found.0,
                found.1
            );
        }
        rows += expected.0.lines().count() as u64;
        shared += u64::from(Engine::compile(&program).unwrap().explain().contains("shared"));
    }
    if pairs > 1 {
        assert!(rows > 20 * pairs && shared > pairs * 9 / 10, "{rows} rows in {pairs} programs, of which {shared} share");
    }
}

/// The same, stopped behind some lines and taken up again.
fn run_in_parts(program: &str, lines: &str, cuts: &[usize]) -> Found {
    let options = Options { batch_size: 7, ..Options::default() };
    let mut engine = Engine::with_options(program, &options).unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    let (mut out, mut from) = (Vec::new(), 0);
    for &cut in cuts {
        engine.push_json(lines[from..cut].iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes()).unwrap();
        from = cut;
        let snapshot = engine.snapshot().unwrap();
        (engine, _) = Engine::restore(program, &options, &snapshot).unwrap();
        assert!(engine.snapshot().unwrap() == snapshot, "what was restored is what was saved\n{program}");
        engine.write_rows(&mut out).unwrap();
    }
    engine.push_json(lines[from..].iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes()).unwrap();
    engine.finish().unwrap();
    engine.write_rows(&mut out).unwrap();
    (String::from_utf8(out).unwrap(), counters(engine.stats().operators))
}

#[test]
fn programs_that_share_go_on_where_they_stopped() {
    let mut rows = 0;
    for seed in 0..random::pairs(20) {
        let random = &mut Random::new(seed ^ 0x5a7e);
        let statements = statements(random);
        let program = format!("{}{};\n", sources(" DELAY 2s"), statements.join(";\n"));
        let lines = lines(random, 1500);
        let count = lines.lines().count();
        let mut cuts: Vec<usize> = (0..1 + random.below(3)).map(|_| random.below(count)).collect();
        cuts.sort_unstable();
        let expected = run(&program, &lines, 4096, false);
        let found = run_in_parts(&program, &lines, &cuts);
        assert!(
            found == expected,
            "seed {seed}, cuts {cuts:?}\n{program}\n{lines}--- expected\n{}{:?}\n--- found\n{}{:?}",
            expected.0,
            expected.1,
            found.0,
            found.1
        );
        rows += expected.0.lines().count();
    }
    assert!(rows > 200, "only {rows} rows");
}

#[test]
fn a_statement_among_many_gives_what_it_gives_alone() {
    let mut rows = 0;
    for seed in 0..random::pairs(10) {
        let random = &mut Random::new(seed ^ 0xa10e);
        let queries: Vec<String> = (0..12).map(|_| if random.chance(70) { rule(random) } else { filter(random) }).collect();
        let named: Vec<String> = queries.iter().enumerate().map(|(n, query)| format!("CREATE STREAM Q{n} AS {query}")).collect();
        let lines = lines(random, 0);
        let (together, _) = run(&format!("{}{};", sources(""), named.join(";\n")), &lines, 7, false);
        for (number, statement) in named.iter().enumerate() {
            let (alone, _) = run(&format!("{}{statement};", sources("")), &lines, 4096, false);
            let own: String =
                together.lines().filter(|row| row.contains(&format!("\"Q{number}\""))).map(|row| format!("{row}\n")).collect();
            assert_eq!(own, alone, "seed {seed}\n{statement}\n{lines}");
            rows += own.lines().count();
        }
    }
    assert!(rows > 100, "only {rows} rows");
}
