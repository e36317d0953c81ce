//! Draws each kind of window and join as an SVG into `docs/img/`: `cargo run --example drawings`.
//!
//! Nothing is drawn by hand: each picture shows what the engine gives for a handful of events, so that a picture cannot say what the engine
//! does not do. `tests/drawings.rs` looks that the files are up to date.

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use betide::{Engine, OutputRow};
use serde_json::Value as Json;

/// Pixels a second, and where second 0 stands.
const SECOND: f64 = 10.0;
const LEFT: f64 = 60.0;
const WIDTH: f64 = 720.0;

const STYLE: &str = "<style>text{font:13px sans-serif;fill:#222}.small{font-size:11px;fill:#666}.code{font:12px monospace}\
    .bar{fill:#cfe3ff;stroke:#3a6fb7}.event{fill:#222}.lost{fill:#fff;stroke:#222;stroke-width:1.5}.pair{stroke:#3a6fb7;stroke-width:2}\
    .alone{fill:none;stroke:#c2410c;stroke-width:2}.axis{stroke:#999}</style>";

/// What is drawn of windows: the name of the file, and the clause.
const WINDOWS: [(&str, &str); 6] = [
    ("tumbling", "WINDOW TUMBLING 15s"),
    ("hopping", "WINDOW HOPPING 20s EVERY 10s"),
    ("sliding", "WINDOW SLIDING 10s"),
    ("session", "WINDOW SESSION 6s"),
    ("rows", "WINDOW ROWS 3"),
    ("last_rows", "WINDOW LAST 3 ROWS"),
];

/// Seconds of the events that the windows are drawn over.
const EVENTS: [i64; 9] = [2, 6, 11, 14, 24, 27, 33, 47, 50];

const JOINS: [(&str, &str); 8] = [
    ("join", "JOIN B b ON a.k = b.k WITHIN 6s"),
    ("left_join", "LEFT JOIN B b ON a.k = b.k WITHIN 6s"),
    ("right_join", "RIGHT JOIN B b ON a.k = b.k WITHIN 6s"),
    ("full_join", "FULL JOIN B b ON a.k = b.k WITHIN 6s"),
    ("semi_join", "SEMI JOIN B b ON a.k = b.k WITHIN 6s"),
    ("anti_join", "ANTI JOIN B b ON a.k = b.k WITHIN 6s"),
    ("asof_join", "ASOF JOIN B b ON a.k = b.k TOLERANCE 10s"),
    ("left_asof_join", "LEFT ASOF JOIN B b ON a.k = b.k TOLERANCE 10s"),
];

/// Names and seconds of the events on either side of the joins; all have one key.
const A: [(&str, i64); 5] = [("a1", 3), ("a2", 12), ("a3", 26), ("a4", 40), ("a5", 57)];
const B: [(&str, i64); 5] = [("b1", 8), ("b2", 15), ("b3", 33), ("b4", 43), ("b5", 51)];

#[allow(dead_code, reason = "the test that looks whether the files are up to date takes only the drawings")]
fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/img");
    std::fs::create_dir_all(&folder)?;
    for (name, svg) in drawings()? {
        std::fs::write(folder.join(name), svg)?;
    }
    Ok(())
}

/// Names of files and their content.
pub(crate) fn drawings() -> Result<Vec<(String, String)>, Box<dyn Error>> {
    let windows = WINDOWS.iter().map(|(name, clause)| Ok((format!("{name}.svg"), window(clause)?)));
    let joins = JOINS.iter().map(|(name, clause)| Ok((format!("{name}.svg"), join(clause)?)));
    windows.chain(joins).collect()
}

/// What a program gives for these events: stream, name and second of each.
fn rows(query: &str, events: &[(&str, String, i64)]) -> Result<Vec<Json>, Box<dyn Error>> {
    let source = |name: &str| format!("CREATE STREAM {name} (id STRING, k STRING, at TIMESTAMP(s)) TIMESTAMP BY at;\n");
    let mut engine = Engine::with_options(&format!("{}{}{query}", source("A"), source("B")), &betide::Options::default())?;
    for (stream, name, second) in events {
        engine.push_json(format!("{{\"type\":\"{stream}\",\"id\":\"{name}\",\"k\":\"x\",\"at\":{second}}}\n").as_bytes())?;
    }
    engine.finish()?;
    engine.take_rows().iter().map(|row: &OutputRow| Ok(serde_json::from_str(&row.to_json())?)).collect()
}

fn x(second: f64) -> f64 {
    LEFT + second * SECOND
}

/// A picture of this height with a title; `body` draws below 40.
fn svg(title: &str, height: f64, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\">\n{STYLE}\n\
        <rect width=\"{WIDTH}\" height=\"{height}\" rx=\"6\" fill=\"#fff\"/>\n<text class=\"code\" x=\"16\" y=\"22\">{title}</text>\n{body}</svg>\n"
    )
}

/// A line of time with a mark every 10 seconds.
fn axis(y: f64) -> String {
    let mut out = format!("<line class=\"axis\" x1=\"{LEFT}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>\n", x(62.0));
    for mark in (0..=60).step_by(10) {
        let at = x(f64::from(mark));
        let _ = writeln!(out, "<line class=\"axis\" x1=\"{at}\" y1=\"{y}\" x2=\"{at}\" y2=\"{}\"/>", y + 4.0);
        let _ = writeln!(out, "<text class=\"small\" x=\"{at}\" y=\"{}\" text-anchor=\"middle\">{mark} s</text>", y + 17.0);
    }
    out
}

fn window(clause: &str) -> Result<String, Box<dyn Error>> {
    let events: Vec<(&str, String, i64)> = (1..).zip(EVENTS).map(|(id, second)| ("A", id.to_string(), second)).collect();
    let query = format!("SELECT ARRAY_AGG(id) AS ids, SECONDS(START_TIME - $zero) AS s, SECONDS(END_TIME - $zero) AS e FROM A {clause};");
    let found = rows(&query.replace("$zero", "TIMESTAMP '1970-01-01T00:00:00Z'"), &events)?;
    let mut body = String::new();
    for (_, name, second) in &events {
        let at = x(seconds(*second));
        let _ = writeln!(body, "<circle class=\"event\" cx=\"{at}\" cy=\"62\" r=\"4\"/>");
        let _ = writeln!(body, "<text class=\"small\" x=\"{at}\" y=\"52\" text-anchor=\"middle\">{name}</text>");
    }
    let mut y = 84.0;
    for row in &found {
        let (start, end) = (row["s"].as_f64().unwrap_or(0.0), row["e"].as_f64().unwrap_or(0.0));
        // A window of one event has no length; it is drawn as a dot wide.
        let (from, to) = (x(start.max(-5.0)), x(end).max(x(start.max(-5.0)) + 8.0));
        let _ = writeln!(body, "<rect class=\"bar\" x=\"{from}\" y=\"{y}\" width=\"{}\" height=\"16\" rx=\"3\"/>", to - from);
        let ids: Vec<&str> = row["ids"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        let _ = writeln!(body, "<text class=\"small\" x=\"{}\" y=\"{}\">{}</text>", from + 5.0, y + 12.0, ids.join(" "));
        y += 21.0;
    }
    body += &axis(y + 6.0);
    Ok(svg(&format!("SELECT ARRAY_AGG(id) FROM A {clause}"), y + 34.0, &body))
}

fn join(clause: &str) -> Result<String, Box<dyn Error>> {
    let mut events: Vec<(&str, String, i64)> = Vec::new();
    events.extend(A.iter().map(|(name, second)| ("A", (*name).to_owned(), *second)));
    events.extend(B.iter().map(|(name, second)| ("B", (*name).to_owned(), *second)));
    events.sort_by_key(|(.., second)| *second);
    let is_left_only = clause.starts_with("SEMI") || clause.starts_with("ANTI");
    let columns = if is_left_only { "a.id AS a" } else { "a.id AS a, b.id AS b" };
    let found = rows(&format!("SELECT {columns} FROM A a {clause};"), &events)?;
    let at = |name: &str| events.iter().find(|(_, other, _)| other == name).map_or(0.0, |(.., second)| x(seconds(*second)));
    let lane = |name: &str| if name.starts_with('a') { 70.0 } else { 130.0 };
    let mut body = String::from("<text x=\"24\" y=\"74\">A</text>\n<text x=\"24\" y=\"134\">B</text>\n");
    let mut texts = Vec::new();
    for row in &found {
        let names: Vec<&str> = ["a", "b"].iter().filter_map(|side| row[side].as_str()).collect();
        if let [a, b] = names[..] {
            let _ = writeln!(body, "<line class=\"pair\" x1=\"{}\" y1=\"70\" x2=\"{}\" y2=\"130\"/>", at(a), at(b));
        } else if let [alone] = names[..] {
            let _ = writeln!(body, "<circle class=\"alone\" cx=\"{}\" cy=\"{}\" r=\"9\"/>", at(alone), lane(alone));
        }
        let shown = |side: &str| row.get(side).map(|value| value.as_str().unwrap_or("NULL").to_owned());
        texts.push(format!("({})", [shown("a"), shown("b")].into_iter().flatten().collect::<Vec<_>>().join(", ")));
    }
    for (_, name, _) in &events {
        let is_out = found.iter().any(|row| row["a"] == **name || row["b"] == **name);
        let class = if is_out { "event" } else { "lost" };
        let _ = writeln!(body, "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"5\"/>", at(name), lane(name));
        let above = if name.starts_with('a') { 54.0 } else { 152.0 };
        let _ = writeln!(body, "<text class=\"small\" x=\"{}\" y=\"{above}\" text-anchor=\"middle\">{name}</text>", at(name));
    }
    body += &axis(168.0);
    let _ = writeln!(body, "<text class=\"small\" x=\"16\" y=\"208\">rows, in order: {}</text>", texts.join(" "));
    Ok(svg(&format!("FROM A a {clause}"), 220.0, &body))
}

fn seconds(whole: i64) -> f64 {
    i32::try_from(whole).map_or(0.0, f64::from)
}
