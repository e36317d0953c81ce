//! Random MATCH_RECOGNIZE queries.
//! In: a seed. Out: a program text and its input, for the engine and for the reference of row patterns alike.

use serde_json::{Value as Json, json};

use super::random::{Pair, Random};

const STREAM: &str = "CREATE STREAM Ev (id INT, k STRING, ch STRING, v INT, at TIMESTAMP) TIMESTAMP BY at;\n";

/// A random query over a random stream.
pub fn pair(seed: u64) -> Pair {
    pair_of(&mut Random::new(seed ^ 0xA5A5_0000))
}

/// The same by these choices.
pub fn pair_of(random: &mut Random) -> Pair {
    let within = match random.below(8) {
        0 => format!("WITHIN {}s", 1 + random.below(5)),
        1 => format!("WITHIN {} EVENTS", 1 + random.below(5)),
        _ => String::new(),
    };
    let partitioned = random.chance(30);
    let rows =
        ["", "ONE ROW PER MATCH", "ALL ROWS PER MATCH", "ALL ROWS PER MATCH OMIT EMPTY MATCHES", "ALL ROWS PER MATCH WITH UNMATCHED ROWS"]
            [random.below(5)];
    let exclusions = rows.starts_with("ALL") && !rows.ends_with("UNMATCHED ROWS");
    let mut pattern = alternatives(random, 0, exclusions);
    if random.chance(5) {
        pattern = format!("^ {pattern}");
    }
    if random.chance(6) {
        pattern = format!("({pattern}) $");
    }
    let used: Vec<&str> = ["A", "B", "C"].into_iter().filter(|v| pattern.contains(*v)).collect();
    if used.is_empty() {
        return pair_of(random);
    }
    let skip = match random.below(8) {
        0 | 1 => "AFTER MATCH SKIP TO NEXT ROW".to_owned(),
        2 => format!("AFTER MATCH SKIP TO LAST {}", random.pick(&used)),
        3 => format!("AFTER MATCH SKIP TO FIRST {}", random.pick(&used)),
        4 => "AFTER MATCH SKIP PAST LAST ROW".to_owned(),
        _ => String::new(),
    };
    let subset = if used.len() > 1 && random.chance(30) { format!("SUBSET U = ({})", used[..2].join(", ")) } else { String::new() };
    let mut defines: Vec<String> = Vec::new();
    for v in &used {
        if random.chance(85) {
            defines.push(format!("{v} AS {}", condition(random, v, &used)));
        }
    }
    let define = if defines.is_empty() { String::new() } else { format!("DEFINE {}", defines.join(", ")) };
    let (names, measures) = measures(random, &used, !subset.is_empty());
    let own = if rows.starts_with("ALL") { "id, " } else { "" };
    let key = if partitioned { "k, " } else { "" };
    let times = if random.chance(25) { ", START_TIME AS began, END_TIME AS ended" } else { "" };
    let program = format!(
        "{STREAM}SELECT {key}{own}{names}{times}\nFROM Ev MATCH_RECOGNIZE (\n  {} ORDER BY at\n  MEASURES {measures}\n  {rows} {skip}\n  PATTERN ({pattern}) {within}\n  {subset} {define}\n);\n",
        if partitioned { "PARTITION BY k" } else { "" }
    );
    let length = 4 + random.below(10);
    Pair { program, input: (1..=length as i64).scan(0, |at, id| Some(event(random, at, id))).collect() }
}

fn event(random: &mut Random, at: &mut i64, id: i64) -> Json {
    *at += [0, 1000, 1000, 1000, 2000, 500][random.below(6)];
    let mut event = json!({"type": "Ev", "id": id, "at": *at, "k": random.pick(&["x", "y"])});
    event["ch"] = json!(random.pick(&["a", "b", "b", "c"]));
    if !random.chance(5) {
        event["v"] = json!(random.below(5));
    }
    event
}

fn alternatives(random: &mut Random, depth: usize, exclusions: bool) -> String {
    let count = if random.chance(25) { 2 } else { 1 };
    (0..count).map(|_| sequence(random, depth, exclusions)).collect::<Vec<_>>().join(" | ")
}

fn sequence(random: &mut Random, depth: usize, exclusions: bool) -> String {
    let count = 1 + random.below(3);
    (0..count).map(|_| element(random, depth, exclusions)).collect::<Vec<_>>().join(" ")
}

fn element(random: &mut Random, depth: usize, exclusions: bool) -> String {
    let body = match random.below(20) {
        0..=2 if depth < 2 => format!("({})", alternatives(random, depth + 1, exclusions)),
        3 if depth < 2 => format!("PERMUTE({}, {})", sequence(random, 2, exclusions), sequence(random, 2, exclusions)),
        4 if exclusions => return format!("{{- {} -}}", sequence(random, 2, false)),
        5 if depth > 0 => return "()".to_owned(),
        _ => random.pick(&["A", "B", "C"]).to_owned(),
    };
    let quantifier = random.pick(&["", "", "", "", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{2,}"]);
    let reluctant = if !quantifier.is_empty() && random.chance(25) { "?" } else { "" };
    format!("{body}{quantifier}{reluctant}")
}

fn condition(random: &mut Random, v: &str, used: &[&str]) -> String {
    let n = random.below(5);
    let other = random.pick(used).to_owned();
    match random.below(12) {
        0..=2 => format!("{v}.ch = '{}'", random.pick(&["a", "b", "c"])),
        3 => format!("{v}.v <= {n}"),
        4 => format!("{v}.v > PREV({v}.v)"),
        5 => format!("COUNT({v}.*) <= {}", 1 + n),
        6 => format!("{v}.v >= FIRST(v)"),
        7 => format!("LAST({v}.v, 1) IS NULL OR {v}.v >= LAST({v}.v, 1)"),
        8 => format!("NEXT({v}.ch) = 'b'"),
        9 => format!("SUM({v}.v) < {}", 3 + 2 * n),
        10 => format!("{other}.v IS NULL OR {v}.v >= {other}.v"),
        _ => format!("{v}.ch <> 'a'"),
    }
}

fn measures(random: &mut Random, used: &[&str], subset: bool) -> (String, String) {
    let v = random.pick(used).to_owned();
    let mut menu = vec![
        "MATCH_NUMBER()".to_owned(),
        "CLASSIFIER()".to_owned(),
        "FIRST(id)".to_owned(),
        "LAST(id)".to_owned(),
        "LAST(id, 1)".to_owned(),
        "COUNT(*)".to_owned(),
        "SUM(v)".to_owned(),
        "AVG(v)".to_owned(),
        "PREV(id)".to_owned(),
        "NEXT(ch)".to_owned(),
        "PREV(LAST(id, 1), 1)".to_owned(),
        "FINAL LAST(id)".to_owned(),
        "NEXT(FINAL LAST(id))".to_owned(),
        format!("{v}.id"),
        format!("FINAL COUNT({v}.*)"),
        format!("FIRST({v}.id, 1)"),
        format!("MIN({v}.v)"),
        format!("ARRAY_AGG({v}.id)"),
    ];
    if subset {
        menu.push("CLASSIFIER(U)".to_owned());
        menu.push("SUM(U.v)".to_owned());
    }
    let chosen: Vec<String> = (0..2 + random.below(5)).map(|_| menu[random.below(menu.len())].clone()).collect();
    let names: Vec<String> = (0..chosen.len()).map(|i| format!("m{i}")).collect();
    let measures: Vec<String> = chosen.iter().zip(&names).map(|(measure, name)| format!("{measure} AS {name}")).collect();
    (names.join(", "), measures.join(", "))
}
