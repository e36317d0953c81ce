//! Flat threads against the general evaluator: the same programs over the same random streams, byte for byte, however they are cut.
//! In: seeds (`BETIDE_PAIRS` says how many; `BETIDE_SEED` runs one). A failure prints the seed, the program and how the rows differ.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use betide::{Engine, Limits, Options};
use serde_json::Value as Json;
use support::cuts::{run, try_run};
use support::random::{self, Pair, Random};
use support::random_rows;

/// Compares where `explain` says so much.
fn compare(what: &str, says: &str, (normal, least): (u64, u64), make: impl Fn(u64) -> Pair) {
    let seeds = random::seeds(normal);
    let pairs = seeds.end - seeds.start;
    let (mut flat, mut with_rows) = (0, 0);
    for seed in seeds {
        let pair = make(seed);
        let cut = [1, 2, 7, 4096][Random::new(seed ^ 0x51ab).below(4)];
        let input: String = pair.input.iter().map(|event| format!("{event}\n")).collect();
        let Ok(found) = try_run(&pair.program, &input, cut, false) else { continue };
        if !found.plan.contains(says) {
            continue;
        }
        let expected = run(&pair.program, &input, 4096, true);
        if expected.operators.iter().any(|operator| operator.dropped > 0) {
            continue;
        }
        assert_eq!(found.found.0, expected.found.0, "{what}, seed {seed}, cut {cut}\n{}\n{input}", pair.program);
        flat += 1;
        with_rows += u64::from(expected.rows() > 0);
    }
    if pairs > 1 {
        assert!(flat * 100 > pairs * least && with_rows * 3 > flat, "{what}: {flat} of {pairs} are flat, {with_rows} give rows");
    }
}

/// A random pattern query whose outputs a thread can remember: steps, loops, alternatives, terms over earlier events, every clause.
fn pair(seed: u64) -> Pair {
    let random = &mut Random::new(seed);
    let mut names: Vec<String> = Vec::new();
    let pattern = sequence(random, &mut names, 0);
    let mut terms: Vec<String> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        for _ in 0..random.below(3) {
            let other = &names[random.below(at + 1)];
            let op = random.pick(&["<", "<=", ">", ">=", "<>", "="]);
            terms.push(match random.below(11) {
                0 => format!("{name}.x {op} {}", random.below(5)),
                1 | 2 => format!("{name}.x {op} PREV({name}.x)"),
                3 => format!("FIRST({name}.x) {op} {other}.x"),
                4 => format!("{name}.x {op} LAST({other}.x)"),
                5 => format!("{name}.k {op} {other}.k"),
                6 => format!("{name}.x * 2 {op} {other}.x + {}", random.below(3)),
                7 => format!("{name}.id / {other}.x {op} {other}.id - 3"),
                8 => format!("COUNT({name}) < {}", 2 + random.below(3)),
                9 => format!("({name}.x {op} FIRST({other}.x, 1) OR {name}.k = 'u')"),
                _ => format!("{name}.at - {other}.at < INTERVAL '{}' SECOND", 1 + random.below(6)),
            });
        }
    }
    let mut columns: Vec<String> = Vec::new();
    for name in &names {
        columns.push(match random.below(6) {
            0 => format!("FIRST({name}.id) AS {name}_first"),
            1 => format!("COUNT({name}) AS {name}_count"),
            2 => format!("{name}.k AS {name}_k, {name}.x AS {name}_x"),
            3 => format!("LAST({name}.id, 1) AS {name}_last"),
            4 => format!("{name}.x + {}.id AS {name}_made", names[0]),
            _ => format!("{name}.id AS {name}_id"),
        });
    }
    if random.chance(30) {
        columns.push("START_TIME AS began, END_TIME AS ended".to_owned());
    }
    let mut text = format!("SELECT {}\nFROM PATTERN ({pattern})\n", columns.join(", "));
    text += random.pick(&["", "PARTITION BY k\n", "PARTITION BY k\n"]);
    if !terms.is_empty() {
        text += &format!("WHERE {}\n", terms.join(" AND "));
    }
    let in_time = random.chance(60);
    if in_time {
        text += &format!("WITHIN {}s\n", random.below(12));
    } else if random.chance(40) {
        text += &format!("WITHIN {} EVENTS\n", 1 + random.below(7));
    }
    if random.chance(12) {
        text += &format!("HAVING {}.id > {}\n", names[0], random.below(12));
    }
    match random.below(12) {
        0 | 1 => text += "AFTER MATCH SKIP PAST LAST EVENT\n",
        2 => text += "AFTER MATCH SKIP TO LAST EVENT\n",
        3 => text += "AFTER MATCH SKIP TO NEXT EVENT\n",
        4 => text += &format!("AFTER MATCH SKIP TO FIRST {}\n", names[random.below(names.len())]),
        5 => text += &format!("AFTER MATCH SKIP TO LAST {}\n", names[random.below(names.len())]),
        6 | 7 => text += "AFTER MATCH RESTART\n",
        _ => {}
    }
    if random.chance(10) {
        text += &format!("RUNS {}\n", 1 + random.below(2));
    }
    if in_time && random.chance(20) {
        text += "TIMEOUT INTO Over\n";
    }
    let length = 10 + random.below(25);
    let input = random::stream(random, length, &["A", "A", "A", "B", "B", "C", "D"]);
    Pair { program: format!("{}{text};\n", random::sources("")), input }
}

fn sequence(random: &mut Random, names: &mut Vec<String>, depth: usize) -> String {
    let length = 1 + random.below(if depth == 0 { 3 } else { 2 });
    let mut text = String::new();
    for index in 0..length {
        if index > 0 {
            text += if random.chance(35) { " , " } else { " -> " };
        }
        let loops = ["", "", "", "+", "+ STRICT", "*", "?", "{2}", "{1,3}", "+?", "{2,}? STRICT", "*?"];
        text += &match random.below(if depth < 2 { 8 } else { 6 }) {
            6 => {
                format!("({} | {}){}", sequence(random, names, depth + 1), sequence(random, names, depth + 1), random.pick(&["", "+", "?"]))
            }
            7 => format!("({}){}", sequence(random, names, depth + 1), random.pick(&loops)),
            _ => {
                let name = format!("s{}", names.len());
                names.push(name.clone());
                format!("{} {name}{}", random.pick(&["A", "A", "B", "C"]), random.pick(&loops))
            }
        };
    }
    text
}

/// A random MATCH_RECOGNIZE whose measures a thread can remember.
fn row_pair(seed: u64) -> Pair {
    let random = &mut Random::new(seed);
    let names = ["A", "B", "C"];
    let pattern = row_sequence(random, 0);
    let pattern = if random.chance(8) { format!("^ {pattern}") } else { pattern };
    let used: Vec<&str> = names.iter().copied().filter(|name| pattern.contains(name)).collect();
    let mut defines: Vec<String> = Vec::new();
    for name in &used {
        let op = random.pick(&["<", "<=", ">", ">=", "<>", "="]);
        let other = used[random.below(used.len())];
        let of = |n: usize| ["A", "B", "C"][n];
        let term = match random.below(10) {
            0 | 1 => continue,
            2 | 3 => format!("{name}.x {op} {}", random.below(6)),
            4 => format!("x {op} PREV(x)"),
            5 => format!("{name}.x {op} LAST({other}.x, 1)"),
            6 => format!("{name}.x * 2 {op} FIRST({other}.x) + 1"),
            7 => format!("COUNT({name}.*) < {}", 2 + random.below(3)),
            8 => format!("{name}.k {op} {other}.k AND MATCH_NUMBER() < {}", 3 + random.below(9)),
            _ => format!("{name}.x {op} AVG({}.x) OR PREV({name}.id, 2) > 3", of(random.below(3))),
        };
        defines.push(format!("{name} AS {term}"));
    }
    let mut measures = Vec::new();
    for name in &used {
        measures.push(match random.below(6) {
            0 => format!("FIRST({name}.id) AS {name}_first"),
            1 => format!("COUNT({name}.*) AS {name}_count"),
            2 => format!("LAST({name}.k, 1) AS {name}_k, {name}.x AS {name}_x"),
            3 => format!("FINAL LAST({name}.id) + FIRST(x) AS {name}_made"),
            4 => format!("MATCH_NUMBER() AS {name}_number"),
            _ => format!("{name}.id AS {name}_id"),
        });
    }
    measures.push("id AS last_id".to_owned());
    let within = match random.below(6) {
        0..=2 => format!(" WITHIN {}s", random.below(12)),
        3 => format!(" WITHIN {} EVENTS", 1 + random.below(7)),
        _ => String::new(),
    };
    let skip = match random.below(9) {
        0 => " AFTER MATCH SKIP TO NEXT ROW".to_owned(),
        1 => " AFTER MATCH SKIP PAST LAST ROW".to_owned(),
        2 => format!(" AFTER MATCH SKIP TO {}", used[random.below(used.len())]),
        3 => format!(" AFTER MATCH SKIP TO FIRST {}", used[random.below(used.len())]),
        _ => String::new(),
    };
    let by = random.pick(&["", "PARTITION BY k ", "PARTITION BY k "]);
    let define = if defines.is_empty() { String::new() } else { format!(" DEFINE {}", defines.join(", ")) };
    let length = 10 + random.below(25);
    let input = random::stream(random, length, &["A"]);
    let measures = measures.join(", ");
    let query = format!("SELECT * FROM A MATCH_RECOGNIZE ({by}ORDER BY at MEASURES {measures}{skip} PATTERN ({pattern}){within}{define});");
    Pair { program: format!("{}{query}\n", random::sources("")), input }
}

fn row_sequence(random: &mut Random, depth: usize) -> String {
    let loops = ["", "", "", "+", "*", "?", "{2}", "{1,3}", "+?", "*?", "{2,}?", "{,2}"];
    let parts = (0..1 + random.below(if depth == 0 { 4 } else { 2 })).map(|_| match random.below(if depth < 2 { 8 } else { 6 }) {
        6 => format!("({} | {}){}", row_sequence(random, depth + 1), row_sequence(random, depth + 1), random.pick(&["", "+", "?"])),
        7 => format!("({}){}", row_sequence(random, depth + 1), random.pick(&loops)),
        _ => format!("{}{}", random.pick(&["A", "B", "C"]), random.pick(&loops)),
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// Runs of falling and rising values, one behind the other: most runs have one thread, terms are comparisons of two words, and some of them
/// are settled by the first event of their loop.
fn shape(seed: u64) -> Pair {
    let random = &mut Random::new(seed);
    let arrow = |random: &mut Random| random.pick(&[" , ", " , ", " , ", " -> "]).to_owned();
    let is_loop = |random: &mut Random| random.pick(&["+ STRICT", "+ STRICT", "{2,4} STRICT", "+? STRICT", "+"]).to_owned();
    let (first, second) = (is_loop(random), is_loop(random));
    let pattern = format!("A s{}A d{first}{}A u{second}{}A e", arrow(random), arrow(random), arrow(random));
    let op = |random: &mut Random| random.pick(&["<", "<", "<=", ">", ">=", "<>"]).to_owned();
    let mut terms = vec![
        format!("FIRST(d.x) {} s.x", op(random)),
        format!("d.x {} PREV(d.x)", op(random)),
        format!("FIRST(u.x) {} LAST(d.x)", op(random)),
        format!("u.x {} PREV(u.x)", op(random)),
        format!("e.x {} LAST(u.x)", op(random)),
    ];
    // Unsettled, scaled, of times and of numbers.
    let more = [
        "FIRST(d.id) < u.id",
        "FIRST(u.x) * 2.0 >= s.x",
        "1.5 * d.x <> s.x",
        "FIRST(d.at) > s.at",
        "FIRST(u.id) <> LAST(u.id, 1)",
        "FIRST(u.x) > FIRST(d.x)",
    ];
    for _ in 0..random.below(3) {
        terms.push(random.pick(&more).to_owned());
    }
    let mut text = format!(
        "SELECT s.id AS s, FIRST(d.id) AS d_first, d.id AS d, FIRST(u.x) AS u_first, u.at AS u, s.k AS k\nFROM PATTERN ({pattern})\n{}WHERE {}\n",
        random.pick(&["", "PARTITION BY k\n", "PARTITION BY k\n"]),
        terms.join(" AND ")
    );
    text += random.pick(&["WITHIN 9s\n", "WITHIN 4s\n", "WITHIN 1 hour\n", "WITHIN 6 EVENTS\n", ""]);
    text += random.pick(&["", "AFTER MATCH SKIP TO LAST u\n", "AFTER MATCH SKIP PAST LAST EVENT\n", "AFTER MATCH RESTART\n"]);
    let length = 30 + random.below(50);
    let mut input = random::stream(random, length, &["A"]);
    if random.chance(50) {
        rise_and_fall(random, &mut input, 20);
    }
    Pair { program: format!("{}{text};\n", random::sources("")), input }
}

/// Gives the events values that go one way for a while, and turn so often of a hundred times: then many starts lie in one run of them, and share a thread.
fn rise_and_fall(random: &mut Random, input: &mut [Json], turns: usize) {
    let (mut x, mut step) = (10.0, -1.0);
    for event in input.iter_mut().filter(|event| !event["x"].is_null()) {
        step = if random.chance(turns) { -step } else { step };
        x += if random.chance(10) { 0.0 } else { step };
        event["x"] = Json::from(x);
    }
}

/// Every step right behind the one before, in loops, alternatives and groups, with terms over an event and the one before it, or an earlier
/// one: starts in one state are stepped together where no term looks further back.
fn strict(seed: u64) -> Pair {
    let random = &mut Random::new(seed);
    let mut names: Vec<String> = Vec::new();
    let pattern = strict_sequence(random, &mut names, 0);
    let op = |random: &mut Random| random.pick(&["<", "<", "<=", ">", ">=", "<>"]).to_owned();
    let mut terms: Vec<String> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        for _ in 0..random.below(3) {
            let before = &names[at.saturating_sub(1)];
            terms.push(match random.below(12) {
                0 => format!("{name}.x {} {}", op(random), 2 + random.below(4)),
                1..=4 => format!("{name}.x {} PREV({name}.x)", op(random)),
                5 | 6 => format!("FIRST({name}.x) {} LAST({before}.x)", op(random)),
                7 => format!("{name}.x {} {before}.x", op(random)),
                8 => format!("{name}.x * 2.0 {} PREV({name}.x) + 3", op(random)),
                9 => format!("({name}.k = PREV({name}.k) OR {name}.x > PREV({name}.x))"),
                10 if random.chance(50) => format!("{name}.x {} FIRST({}.x)", op(random), names[0]),
                _ => format!("{name}.at - PREV({name}.at) < 2s"),
            });
        }
    }
    let mut columns: Vec<String> = Vec::new();
    for name in &names {
        columns.push(match random.below(5) {
            0 => format!("FIRST({name}.id) AS {name}_first, {name}.id AS {name}_id"),
            1 => format!("COUNT({name}) AS {name}_count"),
            2 => format!("{name}.k AS {name}_k, LAST({name}.x, 1) AS {name}_x"),
            3 => format!("FIRST({name}.id, 1) AS {name}_second"),
            _ => format!("{name}.id AS {name}_id"),
        });
    }
    let (columns, first) = (columns.join(", "), &names[0]);
    let mut text = format!("SELECT {columns}, START_TIME AS began, END_TIME AS ended\nFROM PATTERN ({pattern})\n");
    text += random.pick(&["", "PARTITION BY k\n", "PARTITION BY k\n"]);
    if !terms.is_empty() {
        text += &format!("WHERE {}\n", terms.join(" AND "));
    }
    text += random.pick(&["WITHIN 9s\n", "WITHIN 3s\n", "WITHIN 1 hour\n", "WITHIN 0s\n", ""]);
    if random.chance(20) {
        text += &format!("HAVING {first}.id % 3 <> {}\n", random.below(3));
    }
    text += &match random.below(7) {
        0 => "AFTER MATCH SKIP PAST LAST EVENT\n".to_owned(),
        1 => "AFTER MATCH SKIP TO LAST EVENT\n".to_owned(),
        2 => "AFTER MATCH SKIP TO NEXT EVENT\n".to_owned(),
        3 => format!("AFTER MATCH SKIP TO FIRST {}\n", names[random.below(names.len())]),
        4 => format!("AFTER MATCH SKIP TO LAST {}\n", names[random.below(names.len())]),
        _ => String::new(),
    };
    // Some matches are too long to be looked up where they end.
    let (length, turns) = if random.chance(15) { (150 + random.below(100), 1) } else { (20 + random.below(60), 20) };
    let mut input = random::stream(random, length, &["A"]);
    if turns == 1 || random.chance(50) {
        rise_and_fall(random, &mut input, turns);
    }
    Pair { program: format!("{}{text};\n", random::sources("")), input }
}

fn strict_sequence(random: &mut Random, names: &mut Vec<String>, depth: usize) -> String {
    let loops = ["", "", "+ STRICT", "+ STRICT", "* STRICT", "?", "{2} STRICT", "{1,3} STRICT", "+? STRICT", "{2,}? STRICT", "*? STRICT"];
    let parts = (0..1 + random.below(if depth == 0 { 3 } else { 2 })).map(|_| match random.below(if depth < 1 { 9 } else { 7 }) {
        7 => {
            let (left, right) = (strict_sequence(random, names, depth + 1), strict_sequence(random, names, depth + 1));
            format!("({left} | {right}){}", random.pick(&["", "+ STRICT", "?"]))
        }
        8 => format!("({}){}", strict_sequence(random, names, depth + 1), random.pick(&loops)),
        _ => {
            names.push(format!("s{}", names.len()));
            format!("A s{}{}", names.len() - 1, random.pick(&loops))
        }
    });
    parts.collect::<Vec<_>>().join(" , ")
}

#[test]
fn strict_patterns_give_what_ordered_threads_give() {
    compare("strict patterns", "stepped together", (2_000, 30), strict);
}

/// What strict patterns hold back decides when those behind them go on: that is told row by row, also where partitions are taken one by one.
#[test]
fn what_reads_the_matches_of_strict_patterns_does_not_see_how_the_input_is_cut() {
    let (mut together, mut with_rows) = (0, 0);
    for seed in random::seeds(400) {
        let Pair { program, input } = strict(seed);
        let (sources, pattern) = program.split_at(program.find("SELECT").unwrap());
        let program = format!(
            "{sources}CREATE STREAM M AS {pattern}
             SELECT m.began AS began, m.ended AS ended, a.id AS id FROM PATTERN (M m -> A a) WITHIN 3s;
             SELECT a.id AS id, m.began AS began FROM PATTERN (A a , M m) WITHIN 5s;
             SELECT COUNT(*) AS n FROM M WINDOW TUMBLING 4s;"
        );
        let input: String = input.iter().map(|event| format!("{event}\n")).collect();
        let Ok(expected) = try_run(&program, &input, 1, false) else { continue };
        if !expected.plan.contains("stepped together") {
            continue;
        }
        let general = run(&program, &input, 4096, true);
        for found in [3, 20, 4096].map(|cut| run(&program, &input, cut, false)).iter().chain([&general]) {
            assert_eq!(found.found, expected.found, "seed {seed}\n{program}\n{input}");
        }
        together += 1;
        with_rows += u64::from(expected.rows() > 1);
    }
    assert!(together < 5 || with_rows * 3 > together, "{with_rows} of {together} give rows");
}

/// A snapshot writes each run by itself, also where several share a thread at the moment, or are in one state.
#[test]
fn runs_that_are_alike_go_on_after_a_snapshot() {
    for seed in random::seeds(160) {
        let Pair { program, input } = if seed.is_multiple_of(2) { shape(seed) } else { strict(seed) };
        if Engine::compile(&program).is_err() {
            continue;
        }
        let input: Vec<String> = input.iter().map(|event| format!("{event}\n")).collect();
        let expected = run(&program, &input.concat(), 4096, false);
        let (mut engine, mut out) = (Engine::compile(&program).unwrap(), Vec::new());
        for (number, line) in input.iter().enumerate() {
            engine.push_json(line.as_bytes()).unwrap();
            engine.write_rows(&mut out).unwrap();
            if (number as u64 + seed).is_multiple_of(5) {
                let snapshot = engine.snapshot().unwrap();
                engine = Engine::restore(&program, &Options::default(), &snapshot).unwrap().0;
                assert!(engine.snapshot().unwrap() == snapshot, "seed {seed}, event {number}\n{program}");
            }
        }
        engine.finish().unwrap();
        engine.write_rows(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected.found.0, "seed {seed}\n{program}");
    }
}

/// Where a bound drops starts that others waited for, what is saved can still be gone on with.
#[test]
fn strict_patterns_at_their_bound_go_on_after_a_snapshot() {
    let mut dropped = 0;
    for seed in random::seeds(120) {
        let Pair { mut program, input } = strict(seed);
        if seed % 3 == 0 {
            // The second way waits for what the first has found already.
            program = random::sources("")
                + "SELECT a.id AS a, b.id AS b FROM PATTERN ((A a | A b , A c+ STRICT) , A d)
                WHERE a.x > 3 AND d.x < 3 AFTER MATCH SKIP TO NEXT EVENT;";
        }
        let limits = Limits { pattern_threads: 3 + seed as usize % 6, ..Limits::default() };
        let options = Options { limits, ..Options::default() };
        let Ok(mut whole) = Engine::with_options(&program, &options) else { continue };
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        let mut engine = Engine::with_options(&program, &options).unwrap();
        for event in &input {
            for (engine, out) in [(&mut whole, &mut expected), (&mut engine, &mut found)] {
                engine.push_json(format!("{event}\n").as_bytes()).unwrap();
                engine.write_rows(out).unwrap();
            }
            engine = Engine::restore(&program, &options, &engine.snapshot().unwrap()).unwrap_or_else(|why| panic!("{why}\n{program}")).0;
        }
        for (mut engine, out) in [(whole, &mut expected), (engine, &mut found)] {
            engine.finish().unwrap();
            engine.write_rows(out).unwrap();
            dropped += engine.stats().operators.iter().map(|operator| operator.dropped).sum::<u64>();
        }
        assert_eq!(found, expected, "seed {seed}\n{program}");
    }
    assert!(dropped > 0 || random::seeds(2).count() < 2, "the bound drops something");
}

/// A batch that brings many events of a key at once leaves no more behind than they do one by one.
#[test]
fn what_strict_patterns_hold_does_not_depend_on_how_many_events_come_at_once() {
    let program = "CREATE STREAM A (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
         SELECT a.id AS a, LAST(b.id) AS b FROM PATTERN (A a , A b+ STRICT , A c) PARTITION BY k
         WHERE b.x < PREV(b.x) AND FIRST(b.x) < a.x AND c.x > LAST(b.x) WITHIN 1 hour;";
    let line = |at: usize| format!("{{\"type\":\"A\",\"id\":{at},\"k\":\"k{}\",\"x\":{}.5,\"at\":{at}}}\n", at / 60, at * 7 % 5);
    let input: String = (0..6_000).map(line).collect();
    let bytes = [1, 4096].map(|cut| {
        let mut engine = Engine::with_options(program, &Options { batch_size: cut, ..Options::default() }).unwrap();
        assert!(engine.explain().contains("stepped together"));
        engine.push_json(input.as_bytes()).unwrap();
        engine.stats().operators.iter().map(|operator| operator.bytes).sum::<u64>()
    });
    assert!(bytes[1] * 10 < bytes[0] * 13, "{} bytes together, {} one by one", bytes[1], bytes[0]);
}

#[test]
fn runs_of_values_are_found_as_ordered_threads_find_them() {
    compare("runs of values", "flat threads", (300, 90), shape);
}

/// With hundreds of keys, rows are looked at ahead.
#[test]
fn many_keys_change_nothing() {
    let program = "CREATE STREAM A (id INT, k STRING, x FLOAT, at TIMESTAMP(ms)) TIMESTAMP BY at;
         SELECT s.id AS s, LAST(d.id) AS d, s.k AS k FROM PATTERN (A s , A d+ STRICT , A e) PARTITION BY k
         WHERE d.x < PREV(d.x) AND FIRST(d.x) < s.x AND e.x > LAST(d.x) WITHIN 5s AFTER MATCH SKIP PAST LAST EVENT;
         SELECT * FROM A MATCH_RECOGNIZE (PARTITION BY k ORDER BY at MEASURES B.id AS b, C.id AS c
         AFTER MATCH SKIP PAST LAST ROW PATTERN (B X*? C) WITHIN 5s DEFINE B AS B.x < 3.0, C AS C.x > 2.0 * B.x);
         SELECT b.id AS b, c.id AS c, b.k AS k FROM PATTERN (A b -> A c) PARTITION BY k WHERE b.x < 3.0 AND c.x > b.x WITHIN 5s;
         SELECT b.id AS b, c.id AS c, b.k AS k FROM PATTERN (A b , A c) PARTITION BY k WHERE b.x < 3.0 AND c.x > b.x WITHIN 5s
         AFTER MATCH SKIP PAST LAST EVENT;";
    let random = &mut Random::new(7);
    let line = |at: usize| {
        let key = if random.chance(3) { "null".to_owned() } else { format!("\"k{}\"", random.below(1500)) };
        format!("{{\"type\":\"A\",\"id\":{at},\"k\":{key},\"x\":{}.5,\"at\":{}}}\n", random.below(9), at / 2)
    };
    let input: String = (0..12_000).map(line).collect();
    let expected = run(program, &input, 4096, true);
    assert!(expected.rows() > 1_000, "{}", expected.rows());
    for cut in [100, 4096] {
        let found = run(program, &input, cut, false);
        assert!(found.plan.contains("flat threads") && found.plan.contains("step lists"));
        assert!(found.found.0 == expected.found.0, "batches of {cut} give other rows");
    }
}

#[test]
fn flat_threads_give_what_ordered_threads_give() {
    compare("FROM PATTERN", "flat threads", (700, 60), pair);
}

#[test]
fn flat_threads_give_what_ordered_threads_give_for_match_recognize() {
    compare("MATCH_RECOGNIZE", "flat threads", (700, 30), row_pair);
    compare("MATCH_RECOGNIZE of the reference", "flat threads", (300, 1), random_rows::pair);
}

/// What the head of `src/pattern/flat` says that a run, a thread and an event take. Vectors may have twice the room that they need.
#[test]
fn memory_is_what_it_is_said_to_be() {
    const RUNS: usize = 1_000;
    let program = "CREATE STREAM A (id INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
         SELECT a.id, LAST(b.id) AS b FROM PATTERN (A a -> A b+ -> A c) WHERE b.x > a.x AND c.x < a.x WITHIN 1 day;";
    let mut engine = Engine::compile(program).unwrap();
    assert!(engine.explain().contains("flat threads"));
    let lines: String = (0..RUNS).map(|id| format!("{{\"type\":\"A\",\"id\":{id},\"x\":1.5,\"at\":{id}}}\n")).collect();
    engine.push_json(lines.as_bytes()).unwrap();
    let pattern = engine.stats().operators.into_iter().max_by_key(|operator| operator.held).unwrap();
    assert!(pattern.held as usize >= RUNS - 1, "{pattern:?}");
    // A thread remembers a and b; of events id and x are read.
    let (run, thread, event) = (40, 8 + 4 * 2, 40 + 8 * 2);
    let said = RUNS * (run + thread + event);
    assert!(pattern.bytes as usize <= 2 * said + 4096, "{} bytes, and {said} were said", pattern.bytes);
}
