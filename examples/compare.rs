//! Times the command line against what else a machine has for the same question: `cargo build --release && cargo run --release --example compare [EVENTS]`.
//! In: nothing; it makes so many events (default 1,000,000) in a folder of its own. Out: a table of CPU-seconds and ratios for DuckDB (the
//! command or the Python module), jq and a plain `serde_json` program (this one), those that are there.
//!
//! Every tool reads the same file of JSON lines and writes its rows as JSON lines to a file. Rows are counted after every run, and a tool
//! with another count than betide's ends the comparison. CPU-seconds are user and system of the whole process, the median of three runs, as
//! Linux tells them, the start of each tool (Python, too) among them; all use one thread. betide gives its rows in the order of event time, which nobody else is asked for.

#![allow(clippy::print_stdout, clippy::exit, reason = "a program for the console")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use measure::cpu_seconds_of_children;

mod measure;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RUNS: usize = 3;
const STREAM: &str =
    "CREATE STREAM Tick (type STRING, symbol STRING, price FLOAT, volume INT, ts TIMESTAMP) TIMESTAMP BY ts DELAY 2 seconds;";

/// A question, as each tool is asked it.
struct Question {
    name: &'static str,
    betide: &'static str,
    duckdb: &'static str,
    jq: Option<&'static str>,
}

const QUESTIONS: [Question; 2] = [
    Question {
        name: "filter",
        betide: "SELECT symbol, price * volume AS notional, ts FROM Tick WHERE type = 'trade' AND price > 100 AND volume >= 500;",
        duckdb: "SELECT symbol, price * volume AS notional, ts FROM ticks WHERE type = 'trade' AND price > 100 AND volume >= 500",
        jq: Some(r#"select(.type == "trade" and .price > 100 and .volume >= 500) | {symbol, notional: (.price * .volume), ts}"#),
    },
    Question {
        name: "minute",
        betide: "SELECT symbol, AVG(price) AS mean, COUNT(*) AS n, START_TIME AS start FROM Tick WINDOW TUMBLING 1 minute GROUP BY symbol;",
        duckdb: "SELECT symbol, AVG(price) AS mean, COUNT(*) AS n, ts // 60000 AS start FROM ticks GROUP BY symbol, ts // 60000",
        jq: None,
    },
];

#[derive(Deserialize)]
struct Tick<'a> {
    r#type: &'a str,
    symbol: &'a str,
    price: f64,
    volume: i64,
    ts: i64,
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serde", question, file] => answer(question, Path::new(file)),
        [] => compare(1_000_000),
        [events] => compare(events.parse()?),
        _ => Err("usage: compare [EVENTS]".into()),
    }
}

fn compare(events: usize) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("betide-compare-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let file = folder.join("ticks.jsonl");
    write_events(&file, events)?;
    println!(
        "{events} events, {} MB; medians of {RUNS} runs, one thread, CPU-seconds of the whole process",
        fs::metadata(&file)?.len() / 1_000_000
    );
    println!("{:8} {:28} {:>9} {:>8} {:>12} {:>7}", "question", "tool", "rows", "CPU s", "M events/s", "ratio");
    for question in &QUESTIONS {
        let mut ours = None;
        for (tool, command) in tools(question, &file, &folder)? {
            let (rows, seconds) = timed(&command, &folder.join("rows"))?;
            let (expected, best) = *ours.get_or_insert((rows, seconds));
            if rows != expected {
                return Err(format!("{tool} gives {rows} rows, betide {expected}").into());
            }
            let rate = events as f64 / 1e6 / seconds;
            println!("{:8} {tool:28} {rows:>9} {seconds:>8.2} {rate:>12.2} {:>7.1}", question.name, seconds / best);
        }
    }
    Ok(fs::remove_dir_all(folder)?)
}

/// The tools that are there, betide first, each with its whole command.
fn tools(question: &Question, file: &Path, folder: &Path) -> Result<Vec<(String, Vec<String>)>> {
    let own = std::env::current_exe()?;
    let betide = own.parent().and_then(Path::parent).map(|release| release.join("betide")).filter(|path| path.exists());
    let betide = betide.ok_or("there is no betide beside this example: cargo build --release")?;
    let program = folder.join(format!("{}.tide", question.name));
    fs::write(&program, format!("{STREAM}\n{}\n", question.betide))?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let mut found = vec![
        (format!("betide {}", env!("CARGO_PKG_VERSION")), vec![text(&betide), "run".into(), text(&program), text(file)]),
        ("serde_json, typed, by line".to_owned(), vec![text(&own), "serde".into(), question.name.into(), text(file)]),
    ];
    let sql = format!(
        "SET threads = 1; COPY (WITH ticks AS (FROM read_json('{}', format = 'newline_delimited', columns = {{type: 'VARCHAR', symbol: 'VARCHAR', \
         price: 'DOUBLE', volume: 'BIGINT', ts: 'BIGINT'}})) {}) TO '/dev/stdout' (FORMAT json)",
        text(file),
        question.duckdb
    );
    if let Some(version) = version(&["duckdb", "--version"]) {
        found.push((format!("DuckDB {version}"), vec!["duckdb".into(), "-c".into(), sql]));
    } else if let Some(version) = version(&["python3", "-c", "import duckdb; print(duckdb.__version__)"]) {
        let script = format!("import duckdb; duckdb.sql(\"\"\"{sql}\"\"\")");
        found.push((format!("DuckDB {version} (Python)"), vec!["python3".into(), "-c".into(), script]));
    }
    if let (Some(program), Some(version)) = (question.jq, version(&["jq", "--version"])) {
        found.push((version, vec!["jq".into(), "-c".into(), program.into(), text(file)]));
    }
    Ok(found)
}

/// What a command says of its version; nothing where it is not there.
fn version(command: &[&str]) -> Option<String> {
    let output = Command::new(command[0]).args(&command[1..]).stderr(Stdio::null()).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.split_whitespace().next().unwrap_or("?").to_owned())
}

/// How many rows a command writes, and the median of its CPU-seconds.
fn timed(command: &[String], rows_file: &PathBuf) -> Result<(usize, f64)> {
    let mut seconds = Vec::new();
    let mut rows = 0;
    for _ in 0..RUNS {
        let before = cpu_seconds_of_children()?;
        let status = Command::new(&command[0]).args(&command[1..]).stdout(File::create(rows_file)?).stderr(Stdio::null()).status()?;
        if !status.success() {
            return Err(format!("{} ends with {status}", command[0]).into());
        }
        seconds.push(cpu_seconds_of_children()? - before);
        rows = BufReader::new(File::open(rows_file)?).split(b'\n').count();
    }
    seconds.sort_by(f64::total_cmp);
    Ok((rows, seconds[RUNS / 2]))
}

/// Ticks of 200 symbols, about 140 a second, out of order by less than two seconds, from a seed that never changes.
fn write_events(file: &Path, events: usize) -> Result<()> {
    let mut state = 0x00be_71de_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) % below
    };
    let mut rows: Vec<(u64, String)> = Vec::with_capacity(events);
    let mut ts = 1_700_000_000_000;
    for _ in 0..events {
        ts += 1 + random(13);
        let kind = if random(5) == 0 { "quote" } else { "trade" };
        let (symbol, quarters, volume) = (random(200), 80 + random(1920), 1 + random(1000));
        let price = quarters as f64 / 4.0;
        let line = format!(r#"{{"type":"{kind}","symbol":"S{symbol:03}","price":{price:.2},"volume":{volume},"ts":{ts}}}"#);
        rows.push((ts + random(2000), line));
    }
    rows.sort();
    let mut out = BufWriter::new(File::create(file)?);
    rows.iter().try_for_each(|(_, line)| writeln!(out, "{line}"))?;
    Ok(out.flush()?)
}

/// The plain program: a typed struct a line, rows by `serde_json` too.
fn answer(question: &str, file: &Path) -> Result<()> {
    #[derive(Serialize)]
    struct Notional<'a> {
        symbol: &'a str,
        notional: f64,
        ts: i64,
    }
    #[derive(Serialize)]
    struct Minute<'a> {
        symbol: &'a str,
        mean: f64,
        n: u64,
        start: i64,
    }
    let mut input = BufReader::with_capacity(1 << 18, File::open(file)?);
    let mut out = BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
    let mut minutes: BTreeMap<(i64, String), (f64, u64)> = BTreeMap::new();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let Tick { r#type, symbol, price, volume, ts } = serde_json::from_slice(&line)?;
        if question == "minute" {
            let (sum, n) = minutes.entry((ts / 60_000, symbol.to_owned())).or_default();
            *sum += price;
            *n += 1;
        } else if r#type == "trade" && price > 100.0 && volume >= 500 {
            serde_json::to_writer(&mut out, &Notional { symbol, notional: price * volume as f64, ts })?;
            out.write_all(b"\n")?;
        }
        line.clear();
    }
    for ((start, symbol), (sum, n)) in &minutes {
        serde_json::to_writer(&mut out, &Minute { symbol, mean: sum / *n as f64, n: *n, start: *start })?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
