//! Way columns (loops, groups and alternatives of `->>` with unary terms) against ordered threads: the same programs over the same random
//! streams, byte for byte. In: seeds (`BETIDE_PAIRS` says how many; `BETIDE_SEED` runs one). A failure prints the seed and the program.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use support::any_patterns::{lines, pattern, sources};
use support::cuts::{Ran, run};
use support::random::{self, Random};

/// Whether way columns ran a program.
fn by_ways(ran: &Ran) -> bool {
    ran.plan.contains("way columns")
}

fn program(random: &mut Random) -> String {
    let pattern = pattern(random);
    let mut columns: Vec<String> = Vec::new();
    // Words, lists of words and counts go by columns; anything else goes match by match.
    let plain = random.chance(60);
    for (alias, looped, _) in &pattern.steps {
        for column in ["id", "n", "x", "at"] {
            if random.chance(20) {
                columns.push(format!("{alias}.{column} AS {alias}_{column}"));
            }
        }
        if *looped || random.chance(10) {
            columns.push(match random.below(4) {
                0 => format!("COUNT({alias}) AS {alias}_count"),
                1 => format!("FIRST({alias}.n) AS {alias}_first"),
                _ => format!("ARRAY_AGG({alias}.{}) AS {alias}_all", random.pick(&["id", "n", "at", "x"])),
            });
        }
        if !plain && random.chance(30) {
            columns.push(match random.below(4) {
                0 => format!("{alias}.k AS {alias}_k"),
                1 => format!("SUM({alias}.n) AS {alias}_sum"),
                2 => format!("LAST({alias}.n, 1) AS {alias}_second"),
                _ => format!("{alias}.x / {alias}.x AS {alias}_made"),
            });
        }
    }
    if random.chance(20) || columns.is_empty() {
        columns.push("START_TIME, END_TIME".to_owned());
    }
    let mut text = format!("SELECT ALL MATCHES {}\nFROM PATTERN ({})\n", columns.join(", "), pattern.text);
    text += random.pick(&["", "", "PARTITION BY k\n", "PARTITION BY n\n", "PARTITION BY k, ok\n"]);
    if !random.chance(20) {
        text += &format!("WITHIN {} ms\n", [0, 500, 2000, 4000, 9000][random.below(5)]);
    }
    if !plain && random.chance(30) {
        let (first, last) = (&pattern.steps[0].0, &pattern.steps[pattern.steps.len() - 1].0);
        text += &format!("HAVING COALESCE({first}.id, 0) + COALESCE({last}.id, 0) > {}\n", random.below(20));
    }
    if random.chance(35) {
        text += "AFTER MATCH RESTART\n";
    }
    sources(random) + &text + ";\n"
}

#[test]
fn way_columns_give_what_threads_give() {
    let seeds = random::seeds(250);
    let (mut with_rows, mut many, mut chosen) = (0, 0, 0);
    let pairs = seeds.end - seeds.start;
    for seed in seeds {
        let random = &mut Random::new(seed);
        let program = program(random);
        let lines = lines(random, 22);
        let expected = run(&program, &lines, 4096, true);
        let cut = [1, 7, 4096][random.below(3)];
        let found = run(&program, &lines, cut, false);
        assert!(!by_ways(&expected), "{program}");
        chosen += u64::from(by_ways(&found));
        assert_eq!(found.found, expected.found, "seed {seed}, cut {cut}\n{program}\n{lines}");
        let rows = expected.rows();
        with_rows += u64::from(rows > 0);
        many += u64::from(rows > 5);
    }
    if pairs > 1 {
        assert!(chosen > pairs / 2, "only {chosen} of {pairs} programs are run by way columns");
        assert!(with_rows > pairs / 3 && many > pairs / 10, "only {with_rows} of {pairs} programs match, {many} often");
    }
}

/// Keys that are whole numbers are remembered by their words: also when they come again after their partition is over, beside many others.
#[test]
fn keys_that_are_whole_numbers_come_and_go() {
    let source = "CREATE STREAM E (side INT, k INT, at TIMESTAMP) TIMESTAMP BY at;\n";
    let programs = [
        ("rank columns", "SELECT ALL MATCHES a.k AS k, a.at AS a, b.at AS b FROM PATTERN (E[side = 0] a ->> E[side = 1] b)"),
        (
            "way columns",
            "SELECT ALL MATCHES a.k AS k, a.at AS a, c.at AS c FROM PATTERN (E[side = 0] a ->> (E[side = 1] b | E[side = 2] d) ->> E[side = 0] c)",
        ),
    ];
    let mut random = Random::new(7);
    let mut time = 0;
    let lines: String = (0..6000)
        .map(|number| {
            time += random.below(4);
            // Few at first, then thousands, then few again.
            let keys = [30, 3000, 8][number / 2000];
            let key = if random.chance(2) { "null".to_owned() } else { (random.below(keys) as i64 - 4).to_string() };
            format!("{{\"side\":{},\"k\":{key},\"at\":{time}}}\n", random.below(3))
        })
        .collect();
    for (evaluator, program) in programs {
        let program = format!("{source}{program} PARTITION BY k WITHIN 60 ms;\n");
        let fast = run(&program, &lines, 512, false);
        let general = run(&program, &lines, 512, true);
        assert!(fast.plan.contains(evaluator), "{program}");
        assert!(fast.rows() > 500, "{} rows", fast.rows());
        assert_eq!(fast.found, general.found, "{program}");
    }
}
