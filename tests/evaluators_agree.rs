//! The faster evaluators of patterns against the general one: the same programs over the same random streams, byte for byte.
//! In: seeds (`BETIDE_PAIRS` says how many; `BETIDE_SEED` runs one). A failure prints the seed, the program and how the rows differ.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use serde_json::{Value as Json, json};
use support::cuts::{self, Ran};
use support::random::{self, Random};

/// A run by the evaluator that is asked for: the general one, or another.
fn run(program: &str, lines: &str, cut: usize, general: bool) -> Ran {
    let ran = cuts::run(program, lines, cut, general);
    assert_eq!(ran.plan.contains("ordered threads"), general, "{program}");
    ran
}

/// A random sequence of `->>` with unary terms: streams in any number and order (the same one several times too), terms, keys, outputs.
fn program(random: &mut Random) -> String {
    let longest = if random.chance(20) { 8 } else { 4 };
    let steps = 1 + random.below(longest);
    let named: Vec<(String, &str)> = (0..steps).map(|step| (format!("s{step}"), random.pick(&["A", "B", "B", "AorB", "C"]))).collect();
    let elements: Vec<String> = named.iter().map(|(alias, stream)| format!("{stream} {alias}")).collect();
    let pattern = match steps {
        3 if random.chance(30) => format!("{} ->> ({} ->> {})", elements[0], elements[1], elements[2]),
        _ => elements.join(" ->> "),
    };
    let terms: Vec<String> = named
        .iter()
        .filter_map(|(alias, _)| {
            Some(match random.below(7) {
                0 => format!("{alias}.x > {}", random.below(5)),
                1 => format!("{alias}.x / {alias}.x = 1 AND {alias}.id % 2 = 0"),
                2 => format!("{alias}.k = 'u'"),
                _ => return None,
            })
        })
        .collect();
    let mut columns: Vec<String> = Vec::new();
    for (alias, _) in &named {
        for column in ["id", "k", "x", "at", "ok"] {
            if random.chance(25) {
                columns.push(format!("{alias}.{column} AS {alias}_{column}"));
            }
        }
    }
    let first = &named[0].0;
    if columns.is_empty() || random.chance(10) {
        columns.push(format!("{first}.id AS begin"));
    }
    if random.chance(15) {
        columns.push(format!("{first}.x / {first}.x + {}.id AS made", named[steps - 1].0));
    }
    if random.chance(10) {
        columns.push(format!("ARRAY_AGG({}.id) AS all_ids", named[steps - 1].0));
    }
    let mut text = format!("SELECT ALL MATCHES {}\nFROM PATTERN ({pattern})\n", columns.join(", "));
    if !terms.is_empty() {
        text += &format!("WHERE {}\n", terms.join(" AND "));
    }
    text += random.pick(&["", "", "PARTITION BY k\n", "PARTITION BY k, ok\n"]);
    if !random.chance(20) {
        text += &format!("WITHIN {} ms\n", [0, 500, 2000, 4000, 9000][random.below(5)]);
    }
    if random.chance(15) {
        text += &format!("HAVING {first}.id + {}.id > {}\n", named[steps - 1].0, random.below(30));
    }
    if random.chance(35) {
        text += "AFTER MATCH RESTART\n";
    }
    sources(random) + &text + ";\n"
}

fn sources(random: &mut Random) -> String {
    let delay = random.pick(&["", " DELAY 2s"]);
    let stream = |name: &str, when: &str| {
        format!(
            "CREATE STREAM {name} (id INT, k STRING, x FLOAT, n INT, d DECIMAL(8,2), ok BOOL, type STRING, at TIMESTAMP) TIMESTAMP BY at{delay}{when};\n"
        )
    };
    [stream("A", ""), stream("B", ""), stream("C", ""), stream("AorB", " WHEN type = 'A' OR type = 'B'")].concat()
}

/// Ties, gaps, NULLs, several keys, and events that come late by up to two seconds.
fn lines(random: &mut Random) -> String {
    let count = 5 + random.below(60);
    lines_of(random, count, "D")
}

fn lines_of(random: &mut Random, count: usize, often: &str) -> String {
    let mut at = 5000_i64;
    let mut text = String::new();
    for id in 0..count {
        at += [0, 0, 1, 500, 1000, 3000][random.below(6)];
        let late = if random.chance(20) { 1000 } else { 0 };
        let mut event = json!({"type": random.pick(&["A", "B", "C", often]), "id": id, "at": at - late});
        if !random.chance(8) {
            event["k"] = json!(random.pick(&["u", "v", "w"]));
        }
        if !random.chance(8) {
            event["x"] = json!(random.below(6) as f64);
        }
        if !random.chance(8) {
            event["n"] = if random.chance(8) { json!(i64::MAX) } else { json!(random.below(5)) };
        }
        if !random.chance(8) {
            event["d"] = json!(random.below(5) as f64 / 4.0);
        }
        if !random.chance(50) {
            event["ok"] = Json::Bool(random.chance(50));
        }
        text += &format!("{event}\n");
    }
    text
}

/// A random sequence of single steps: any arrows, terms that name earlier steps, AFTER MATCH; sometimes others read what it gives.
fn step_program(random: &mut Random) -> String {
    let steps = 1 + random.below(4);
    let named: Vec<(String, &str)> = (0..steps).map(|step| (format!("s{step}"), random.pick(&["A", "B", "B", "AorB", "C"]))).collect();
    let arrows = random.pick(&["->", "->>", ",", "mixed", "mixed", "mixed"]);
    let mut pattern = format!("{} s0", named[0].1);
    for (alias, stream) in &named[1..] {
        let arrow = if arrows == "mixed" { random.pick(&["->", "->>", ","]) } else { arrows };
        pattern += &format!(" {arrow} {stream} {alias}");
    }
    let mut terms: Vec<String> = Vec::new();
    for (at, (alias, _)) in named.iter().enumerate() {
        if random.chance(30) {
            terms.push(random.pick(&["#.x > 1", "#.x / #.x = 1", "#.k = 'u'", "#.n <> 2", "#.x < 5"]).replace('#', alias));
        }
        for _ in 0..random.below(3) {
            if at > 0 {
                terms.push(correlated_term(random, alias, &named[..at]));
            }
        }
    }
    let last = &named[steps - 1].0;
    let mut columns: Vec<String> = named.iter().map(|(alias, _)| format!("{alias}.id AS {alias}_id")).collect();
    for (alias, _) in &named {
        for column in ["k", "x", "n", "d", "at", "ok"] {
            if random.chance(20) {
                columns.push(format!("{alias}.{column} AS {alias}_{column}"));
            }
        }
    }
    for (chance, column) in [
        (20, "START_TIME AS began, END_TIME AS ended".to_owned()),
        (15, format!("s0.x / s0.x + {last}.id AS made")),
        (8, format!("ARRAY_AGG({last}.id) AS all_ids")),
    ] {
        if random.chance(chance) {
            columns.push(column);
        }
    }
    let all = if random.chance(30) { "ALL MATCHES " } else { "" };
    let mut text = format!("SELECT {all}{}\nFROM PATTERN ({pattern})\n", columns.join(", "));
    text += &match random.below(6) {
        0 | 1 => "PARTITION BY k\n".to_owned(),
        2 => "PARTITION BY k, ok\n".to_owned(),
        3 if steps > 1 => format!("PARTITION BY {}\n", named.iter().map(|(a, _)| format!("{a}.k")).collect::<Vec<_>>().join(" = ")),
        _ => String::new(),
    };
    if !terms.is_empty() {
        text += &format!("WHERE {}\n", terms.join(" AND "));
    }
    if !random.chance(20) {
        text += &format!("WITHIN {} ms\n", [0, 500, 2000, 4000, 9000][random.below(5)]);
    }
    if random.chance(15) {
        text += &format!("HAVING s0.id + {last}.id > {}\n", random.below(30));
    }
    let variable = &named[random.below(steps)].0;
    text += &match random.below(12) {
        0 => "AFTER MATCH RESTART\n".to_owned(),
        1 | 2 => "AFTER MATCH SKIP PAST LAST EVENT\n".to_owned(),
        3 => "AFTER MATCH SKIP TO LAST EVENT\n".to_owned(),
        4 => "AFTER MATCH SKIP TO NEXT EVENT\n".to_owned(),
        5 => format!("AFTER MATCH SKIP TO FIRST {variable}\n"),
        6 => format!("AFTER MATCH SKIP TO LAST {variable}\n"),
        _ => String::new(),
    };
    let read_again = random.chance(30);
    let text = if read_again {
        format!(
            "CREATE STREAM Found AS {text};\nSELECT f.s0_id AS found, b.id AS id FROM PATTERN (Found f {} B b) WITHIN 2s;\n\
             SELECT id AS plain FROM A;\nSELECT COUNT(*) AS n FROM Found WINDOW TUMBLING 2s",
            random.pick(&["->", "->>", ","])
        )
    } else {
        text
    };
    sources(random) + &text + ";\n"
}

/// A term of a step that names one or two earlier ones: comparisons that are stored as words, and such that are not.
fn correlated_term(random: &mut Random, own: &str, before: &[(String, &str)]) -> String {
    let earlier = &before[random.below(before.len())].0;
    let other = &before[random.below(before.len())].0;
    let op = random.pick(&["<", "<=", ">", ">=", "=", "<>"]);
    let form = random.pick(&[
        "#.x OP @.x",
        "#.x OP @.x",
        "@.x OP #.x",
        "#.x OP 2 * @.x",
        "#.x + 1 OP @.x",
        "#.n OP @.n",
        "#.n = @.n + 1",
        "#.n + 1 OP @.n",
        "#.k = @.k",
        "#.k OP @.k",
        "#.x BETWEEN @.x - 1 AND @.x + 2",
        "#.at - @.at < 3s",
        "#.at OP @.at",
        "#.n OP @.x",
        "#.d OP @.d",
        "#.x / @.x > 1",
        "(#.x OP @.x OR #.k = @.k)",
        "(@.x IS NULL OR #.x OP @.x)",
        "#.x OP @.x / (@.x - 1)",
        "#.x OP @.x + %.x",
        "#.x * 1e308 * 10 - #.x * 1e308 * 10 OP @.x",
        "#.x OP @.x * 1e308 * 10 - @.x * 1e308 * 10",
        "#.ok = @.ok",
        "#.n / @.n = 1",
    ]);
    form.replace("OP", op).replace('#', own).replace('@', earlier).replace('%', other)
}

#[test]
fn step_lists_give_what_threads_give() {
    let (mut with_rows, mut many) = (0, 0);
    let seeds = random::seeds(700);
    let pairs = seeds.end - seeds.start;
    for seed in seeds {
        let random = &mut Random::new(seed ^ 0x57e9);
        let program = step_program(random);
        let lines = lines(random);
        let expected = run(&program, &lines, 4096, true);
        let cut = [1, 7, 4096][random.below(3)];
        let found = run(&program, &lines, cut, false);
        assert_eq!(found.found, expected.found, "seed {seed}, cut {cut}\n{program}\n{lines}");
        let rows = expected.rows();
        with_rows += u64::from(rows > 0);
        many += u64::from(rows > 20);
    }
    if pairs > 1 {
        assert!(with_rows > pairs / 3 && many > pairs / 40, "only {with_rows} of {pairs} programs match, {many} often");
    }
}

/// So many matches wait at once that indexes find them, in all their ways: by equality, by order, with terms left over, taken and staying,
/// over in time, dropped by SKIP, and with NULLs made up beforehand.
#[test]
fn step_lists_give_what_threads_give_when_many_wait() {
    let seeds = random::seeds(12);
    let one = seeds.end - seeds.start == 1;
    let mut rows = 0;
    for seed in seeds {
        let random = &mut Random::new(seed ^ 0x3a17);
        let named = [("s0".to_owned(), "A"), ("s1".to_owned(), "B")];
        let mut terms = vec![correlated_term(random, "s1", &named[..1])];
        if random.chance(50) {
            terms.push(correlated_term(random, "s1", &named[..1]));
        }
        // Most events wait, and few find one that does: else none would be many.
        terms.push(random.pick(&["s1.id % 11 = 3", "s1.id % 31 = 3", "s1.id % 31 = 3 AND s1.n / s1.n = 1"]).to_owned());
        let third = random.chance(40);
        let (pattern, columns) = match (random.pick(&["->", "->>"]), third) {
            (arrow, false) => (format!("A s0 {arrow} B s1"), "s0.id AS a, s1.id AS b, s0.k AS k"),
            (arrow, true) => {
                terms.push("s2.x > s1.x AND s2.id % 7 = 1".to_owned());
                (format!("A s0 {arrow} B s1 -> C s2"), "s0.id AS a, s1.id AS b, s0.k AS k, s2.id AS c")
            }
        };
        let within = random.pick(&["", "WITHIN 8m", "WITHIN 20m"]);
        let after = random.pick(&["", "", "", "AFTER MATCH RESTART", "AFTER MATCH SKIP TO NEXT EVENT", "AFTER MATCH SKIP TO LAST EVENT"]);
        let query = format!("SELECT {columns} FROM PATTERN ({pattern}) WHERE {} {within} {after};\n", terms.join(" AND "));
        let program = sources(random) + &query;
        let lines = lines_of(random, 900, "A");
        let expected = run(&program, &lines, 4096, true);
        let found = run(&program, &lines, 997, false);
        assert!(
            found.found == expected.found,
            "seed {seed}: {} rows and {} NULLs, not {} and {}\n{program}",
            found.rows(),
            found.found.1,
            expected.rows(),
            expected.found.1
        );
        rows += expected.rows();
    }
    assert!(one || rows > 1000, "only {rows} rows");
}

#[test]
fn rank_columns_give_what_threads_give() {
    let (mut with_rows, mut many) = (0, 0);
    let seeds = random::seeds(500);
    let pairs = seeds.end - seeds.start;
    for seed in seeds {
        let random = &mut Random::new(seed);
        let program = program(random);
        let lines = lines(random);
        let expected = run(&program, &lines, 4096, true);
        let cut = [1, 7, 4096][random.below(3)];
        let found = run(&program, &lines, cut, false);
        assert_eq!(found.found, expected.found, "seed {seed}, cut {cut}\n{program}\n{lines}");
        let rows = expected.rows();
        with_rows += u64::from(rows > 0);
        many += u64::from(rows > 20);
    }
    if pairs > 1 {
        assert!(with_rows > pairs / 4 && many > pairs / 25, "only {with_rows} of {pairs} programs match, {many} often");
    }
}
