//! Random patterns of `->>` and `ANY` with unary terms, and streams for them: loops, groups and alternatives of any shape.

use serde_json::{Value as Json, json};

use super::random::Random;

/// Steps with their own names, in loops, groups and alternatives.
#[derive(Debug)]
pub struct Pattern {
    pub text: String,
    /// Alias, and whether it is in a loop, and whether each match has it.
    pub steps: Vec<(String, bool, bool)>,
}

/// A pattern.
pub fn pattern(random: &mut Random) -> Pattern {
    let mut steps = Vec::new();
    let depth = 1 + random.below(2);
    let text = sequence(random, depth, &mut steps, false, true);
    Pattern { text, steps }
}

fn sequence(random: &mut Random, depth: usize, steps: &mut Vec<(String, bool, bool)>, looped: bool, always: bool) -> String {
    let elements = 1 + random.below(if always { 3 } else { 2 });
    let parts: Vec<String> = (0..elements).map(|_| element(random, depth, steps, looped, always)).collect();
    parts.join(" ->> ")
}

fn element(random: &mut Random, depth: usize, steps: &mut Vec<(String, bool, bool)>, looped: bool, always: bool) -> String {
    if depth > 0 && random.chance(25) {
        let is_choice = random.chance(50);
        let quantifier = random.pick(&["", "", "+ ANY", "{1,2} ANY", "?"]);
        let (inner_looped, inner_always) = (looped || !quantifier.is_empty(), always && quantifier != "?");
        let inner = if is_choice {
            let left = sequence(random, depth - 1, steps, inner_looped, false);
            let right = sequence(random, depth - 1, steps, inner_looped, false);
            format!("{left} | {right}")
        } else {
            sequence(random, depth - 1, steps, inner_looped, inner_always)
        };
        return format!("({inner}){quantifier}");
    }
    let quantifier = random.pick(&["", "", "", "+ ANY", "+ ANY", "* ANY", "?", "{2} ANY", "{1,3} ANY", "{2,} ANY"]);
    let alias = format!("s{}", steps.len());
    let is_optional = quantifier.starts_with('*') || quantifier == "?";
    steps.push((alias.clone(), looped || !quantifier.is_empty(), always && !is_optional));
    let condition = match random.below(8) {
        0 => format!("[x > {}]", random.below(5)),
        1 => "[x / x = 1 AND id % 2 = 0]".to_owned(),
        2 => "[k = 'u']".to_owned(),
        _ => String::new(),
    };
    format!("{}{condition} {alias}{quantifier}", random.pick(&["A", "B", "B", "AorB", "C"]))
}

/// The streams that the patterns name.
pub fn sources(random: &mut Random) -> String {
    let delay = random.pick(&["", " DELAY 2s"]);
    let columns = "id INT, k STRING, x FLOAT, n INT, d DECIMAL(9,2), ok BOOL, type STRING, at TIMESTAMP";
    let stream = |name: &str, when: &str| format!("CREATE STREAM {name} ({columns}) TIMESTAMP BY at{delay}{when};\n");
    [stream("A", ""), stream("B", ""), stream("C", ""), stream("AorB", " WHEN type = 'A' OR type = 'B'")].concat()
}

/// Ties, gaps, NULLs, several keys, and events that come late by up to two seconds.
pub fn lines(random: &mut Random, most: usize) -> String {
    let mut at = 5000_i64;
    let count = 5 + random.below(most);
    let mut text = String::new();
    for id in 0..count {
        at += [0, 0, 1, 500, 1000, 3000][random.below(6)];
        let late = if random.chance(20) { 1000 } else { 0 };
        let mut event = json!({"type": random.pick(&["A", "B", "C", "D"]), "id": id, "at": at - late});
        if !random.chance(8) {
            event["k"] = json!(random.pick(&["u", "v", "w"]));
        }
        if !random.chance(8) {
            event["x"] = json!(random.below(6) as f64);
        }
        if !random.chance(15) {
            event["n"] = json!(random.below(200) as i64 - 100);
        }
        if !random.chance(15) {
            event["d"] = json!((random.below(20_000) as f64 - 10_000.0) / 100.0);
        }
        if !random.chance(50) {
            event["ok"] = Json::Bool(random.chance(50));
        }
        text += &format!("{event}\n");
    }
    text
}
