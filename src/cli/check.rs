//! `betide check`: compiles, and says what is wrong; how the state of each statement grows, and about how much that is.

use betide::engine::{Estimate, Load, ProgramState};
use betide::{Engine, Options};

use super::flags::CheckFlags;
use super::{Failure, print, program, tell};

/// Compiles the program; its mistakes and warnings go to standard error.
pub(crate) fn check(flags: &CheckFlags) -> Result<u8, Failure> {
    let engine =
        program::compile(flags.program.file.as_deref(), &flags.program.text, Options { endless: flags.endless, ..Options::default() })?;
    let load = load(flags, &engine)?;
    let warnings = engine.warnings().iter().count();
    let with = match warnings {
        0 => String::new(),
        1 => " (1 warning)".to_owned(),
        n => format!(" ({n} warnings)"),
    };
    tell(&format!("{}: ok{with}", engine.source().name()));
    let mut text = states(&engine.state(load.as_ref()));
    if let Some(load) = &load {
        text += &assumed(load);
    }
    print(&text)?;
    Ok(0)
}

/// What `--rate` and `--keys` say.
fn load(flags: &CheckFlags, engine: &Engine) -> Result<Option<Load>, Failure> {
    let mut load = Load { keys: flags.keys.map(|keys| keys as f64), ..Load::default() };
    for text in &flags.rate {
        let (stream, number) = text.split_once('=').map_or((None, text.as_str()), |(stream, number)| (Some(stream.trim()), number));
        let rate: f64 = number.trim().parse().unwrap_or(f64::NAN);
        if !(rate.is_finite() && rate >= 0.0) {
            return Err(Failure::usage(format!("--rate takes events a second, N or STREAM=N, found `{text}`")));
        }
        match stream {
            None if load.rate.replace(rate).is_some() => return Err(Failure::usage("--rate N for all sources is given twice")),
            None => {}
            Some(name) if engine.sources().any(|source| source.name == name) => {
                load.rates.insert(name.to_owned(), rate);
            }
            Some(name) => {
                let known: Vec<String> = engine.sources().map(|source| source.name.to_owned()).collect();
                return Err(Failure::usage(format!("--rate {text}: there is no source `{name}`; there are {}", known.join(", "))));
            }
        }
    }
    Ok((!flags.rate.is_empty()).then_some(load))
}

/// A line a statement, and below it what its operators hold.
fn states(state: &ProgramState) -> String {
    let mut text = String::new();
    for statement in &state.statements {
        text += &format!("{}, line {}: state {}\n", statement.title, statement.line, statement.class);
        let held = statement.operators.iter().filter_map(|operator| Some((operator, operator.estimate.as_ref()?)));
        for (operator, estimate) in held {
            text += &format!("    {} {}: {}\n", operator.name, operator.class, told(estimate));
        }
    }
    for (name, waiting) in &state.waiting {
        text += &format!("{name}, until the watermark has passed: {}\n", told(waiting));
    }
    text
}

fn told(estimate: &Estimate) -> String {
    let keys = if estimate.keys >= 1.0 { format!(" of {} keys", rounded(estimate.keys)) } else { String::new() };
    let grows = if estimate.grows { ", after an hour, and more and more" } else { "" };
    let count = rounded(estimate.count);
    let what = if count == "1" { estimate.what.trim_end_matches('s') } else { estimate.what };
    format!("about {count} {what}{keys}, {}{grows}", size(estimate.bytes))
}

fn assumed(load: &Load) -> String {
    let keys =
        load.keys.map_or_else(|| "each event with a key of its own".to_owned(), |keys| format!("{} keys evenly spread", rounded(keys)));
    format!("Assumed: events come evenly, {keys}, every condition holds, no event is late; windows are full.\n")
}

/// A number to two digits, with commas.
fn rounded(number: f64) -> String {
    let unit = 10_f64.powf((number.max(1.0).log10() - 1.0).floor().max(0.0));
    let digits = format!("{:.0}", (number / unit).round() * unit);
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn size(bytes: f64) -> String {
    match bytes {
        bytes if bytes >= 1e9 => format!("{:.1} GB", bytes / 1e9),
        bytes if bytes >= 1e6 => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{:.0} kB", (bytes / 1e3).ceil()),
    }
}

#[cfg(test)]
mod tests {
    use super::{rounded, size};

    #[test]
    fn numbers_have_two_digits_and_commas() {
        assert_eq!([0.4, 7.6, 123.0, 9_960.0, 1_234_567.0].map(rounded), ["0", "8", "120", "10,000", "1,200,000"]);
        assert_eq!([10.0, 45_000.0, 1.25e6, 3e9].map(size), ["1 kB", "45 kB", "1.2 MB", "3.0 GB"]);
    }
}
