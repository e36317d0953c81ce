//! Writes the workload of many rules, and says how many rows it must give:
//! `cargo run --release --example rules_bench -- FOLDER [RULES] [EVENTS] [quiet|busy]`, then `betide run FOLDER/rules.tide < FOLDER/events.jsonl`.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use rules::{Mix, count, events, json_line, program, rules};

#[path = "../benches/betide/rules.rs"]
mod rules;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| ".".to_owned()));
    let mut number = |default: usize| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (rule_count, event_count) = (number(10_000), number(1_000_000));
    let mix = if arguments.next().as_deref() == Some("busy") { Mix::Busy } else { Mix::Quiet };
    let rules = rules(rule_count);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("rules.tide"), program(&rules))?;
    let mut file = BufWriter::new(File::create(folder.join("events.jsonl"))?);
    let mut line = String::new();
    for event in events(event_count, rule_count, mix) {
        line.clear();
        json_line(&event, &mut line);
        file.write_all(line.as_bytes())?;
    }
    file.flush()?;
    let rows = count(&rules, events(event_count, rule_count, mix));
    fs::write(folder.join("expected"), format!("{rows}\n"))?;
    writeln!(std::io::stdout(), "{rule_count} rules, {event_count} events, {mix:?}: {rows} rows")
}
