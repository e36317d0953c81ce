//! What `--state` costs: `cargo build --release && cargo run --release --example cost_of_state [EVENTS]`.
//! In: nothing; it makes so many events (default 2,000,000) in a folder of its own. Out: CPU-seconds (user and system, as Linux tells them) of
//! `betide run` with an output file, with and without `--state --checkpoint-every 100000`, the best of three runs that take turns; and the
//! size of the last checkpoint. The rows of both have to be the same to the byte.

#![allow(clippy::print_stdout, reason = "a program for the console")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use measure::cpu_seconds_of_children;

mod measure;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RUNS: usize = 3;
const STREAM: &str = "CREATE STREAM Payment (card STRING, amount FLOAT, shop INT, at TIMESTAMP) TIMESTAMP BY at DELAY 2 seconds;";
const PROGRAMS: [(&str, &str); 2] = [
    (
        "a pattern and a window by card",
        "CREATE STREAM Rising AS SELECT a.card, b.amount FROM PATTERN (Payment a -> Payment b) PARTITION BY card
         WHERE a.amount < 20 AND b.amount > 24 * a.amount WITHIN 10m;
         CREATE STREAM PerHour AS SELECT card, COUNT(*) AS payments, SUM(amount) AS total FROM Payment WINDOW TUMBLING 1h GROUP BY card;",
    ),
    (
        "a join within an hour",
        "SELECT a.card, a.amount, b.amount AS again FROM Payment a JOIN Payment b ON a.card = b.card AND a.shop = b.shop
         WITHIN 0s BEFORE AND 1h AFTER;",
    ),
];

fn main() -> Result<()> {
    let events = std::env::args().nth(1).map_or(Ok(2_000_000), |text| text.parse())?;
    let betide = binary()?;
    let folder = std::env::temp_dir().join(format!("betide_cost_of_state_{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let input = folder.join("events.jsonl");
    write_events(&input, events)?;
    println!("{events} events, {} MB; CPU-seconds, the best of {RUNS}", fs::metadata(&input)?.len() / 1_000_000);
    println!("| program | without | with | ratio | a checkpoint |\n|---|---|---|---|---|");
    for (name, program) in PROGRAMS {
        let file = folder.join("program.tide");
        fs::write(&file, format!("{STREAM}\n{program}"))?;
        let mut best = [f64::MAX; 2];
        let (mut size, mut rows) = (0, [Vec::new(), Vec::new()]);
        for _ in 0..RUNS {
            for (with, best) in best.iter_mut().enumerate() {
                let (state, output) = (folder.join("state"), folder.join("rows.jsonl"));
                let mut command = Command::new(&betide);
                command.arg("run").args([&file, &input]).arg("--output-file").arg(&output).stderr(Stdio::null());
                if with == 1 {
                    command.arg("--state").arg(&state).args(["--checkpoint-every", "100000"]);
                }
                let before = cpu_seconds_of_children()?;
                if !command.status()?.success() {
                    return Err(format!("{name}: the run failed").into());
                }
                *best = best.min(cpu_seconds_of_children()? - before);
                rows[with] = fs::read(&output)?;
                if with == 1 {
                    size = largest(&state)?;
                    fs::remove_dir_all(&state)?;
                }
                fs::remove_file(&output)?;
            }
        }
        if rows[0] != rows[1] || rows[0].is_empty() {
            return Err(format!("{name}: the rows with --state are others, or there are none").into());
        }
        let [without, with] = best;
        println!("| {name} | {without:.2} s | {with:.2} s | {:.2} | {:.1} MB |", with / without, size as f64 / 1e6);
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// The release build beside this example.
fn binary() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).ok_or("this example has no folder")?;
    let betide = folder.join("betide");
    if betide.exists() { Ok(betide) } else { Err("there is no binary yet: cargo build --release".into()) }
}

fn largest(folder: &Path) -> Result<u64> {
    let mut most = 0;
    for entry in fs::read_dir(folder)? {
        most = most.max(entry?.metadata()?.len());
    }
    Ok(most)
}

/// Payments of 5,000 cards in 20 shops, about 140 a second, from a seed that never changes.
fn write_events(file: &Path, events: usize) -> Result<()> {
    let mut state = 0x00be_71de_u64;
    let mut random = move |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) % below
    };
    let mut out = BufWriter::new(File::create(file)?);
    let mut at = 1_700_000_000_000_u64;
    for _ in 0..events {
        at += 1 + random(13);
        let (card, cents, shop, early) = (random(5000), 100 + random(50_000), random(20), random(1500));
        let amount = cents as f64 / 100.0;
        writeln!(out, r#"{{"type":"Payment","card":"4929-{card:04}","amount":{amount:.2},"shop":{shop},"at":{}}}"#, at - early)?;
    }
    out.flush()?;
    Ok(())
}
