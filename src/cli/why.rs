//! `betide why`: which runs of a pattern began, where they stopped, and why.

use std::io::Read;

use betide::codec::Format;
use betide::connect::Input;
use betide::text::{nearest, render};
use betide::why::{Answer, Question};
use betide::{Inquiry, Options, Timestamp};

use super::flags::{WhyFlags, WhyFormat};
use super::{Failure, print, program, tell, terminal};

/// Bytes of files that are read once more to say why a run gave no row: following every run of so few events is not noticed.
const REREAD_MAX: u64 = 128 * 1024;

/// Runs the program over the inputs and tells why it gave what it gave.
pub(crate) fn why(flags: &WhyFlags) -> Result<u8, Failure> {
    let (file, inputs) = match (&flags.text.query, flags.paths.split_first()) {
        (Some(_), _) => (None, &flags.paths[..]),
        (None, Some((file, inputs))) => (Some(file.as_str()), inputs),
        (None, None) => (None, &[][..]),
    };
    let inputs = if inputs.is_empty() { vec!["-".to_owned()] } else { inputs.to_vec() };
    let (text, options) = program::read(file, &flags.text, Options { max_line: flags.max_line, ..Options::default() })?;
    // All statements are looked at, whatever is written.
    let options = Options { outputs: Vec::new(), ..options };
    let inquiry = Inquiry::new(&text, &options, question(flags)?)?;
    if !inquiry.warnings().is_empty() {
        tell(render(inquiry.warnings(), inquiry.source(), terminal::has_colour(&std::io::stderr())).trim_end());
    }
    refuse_unknown_columns(flags, &inquiry)?;
    if let Some(asked) = flags.statement.as_ref().filter(|asked| !inquiry.statements().contains(asked)) {
        return Err(Failure::usage(format!("no statement makes `{asked}`; there are: {}", inquiry.statements().join(", "))));
    }
    let format = flags.input_format.map(Format::from);
    let opened = inputs.iter().map(|path| Input::open(path)).collect::<Result<Vec<_>, _>>()?;
    let opened = opened.into_iter().map(|input| if let Some(format) = format { input.with_format(format) } else { input });
    let answer = ask(inquiry, opened.collect())?;
    print(&match flags.format {
        WhyFormat::Text => answer.to_text(terminal::has_colour(&std::io::stdout())),
        WhyFormat::Jsonl => answer.to_json_lines(),
    })?;
    Ok(0)
}

/// Columns that are told where one is not known.
const COLUMNS_TOLD: usize = 30;

/// A column that nothing has would be asked for in vain.
fn refuse_unknown_columns(flags: &WhyFlags, inquiry: &Inquiry) -> Result<(), Failure> {
    let columns = inquiry.columns();
    for (name, _) in flags.key.iter().filter_map(|pair| pair.split_once('=')) {
        let name = name.trim();
        let bare = name.rsplit_once('.').map_or(name, |(_, column)| column);
        if columns.iter().any(|column| column == name || column == bare) {
            continue;
        }
        let near = nearest(bare, columns.iter().map(String::as_str));
        let near = near.first().map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let more = if columns.len() > COLUMNS_TOLD { ", …" } else { "" };
        let all = columns.iter().take(COLUMNS_TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
        return Err(Failure::usage(format!("--key {name}: no stream has a column of this name{near}\n  there are: {all}{more}")));
    }
    Ok(())
}

/// The likeliest reason why a program gives no row over these files, in one line; nothing where the files are too large to be read again, or
/// cannot be.
pub(crate) fn likeliest(text: &str, options: &Options, paths: &[String], format: Option<Format>) -> Option<String> {
    let mut left = REREAD_MAX;
    for path in paths {
        let file = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
        left = left.checked_sub(file.len())?;
    }
    let options = Options { outputs: Vec::new(), ..options.clone() };
    let inquiry = Inquiry::new(text, &options, Question::default()).ok()?;
    let opened = paths.iter().map(|path| Input::open(path)).collect::<Result<Vec<_>, _>>().ok()?;
    let opened = opened.into_iter().map(|input| if let Some(format) = format { input.with_format(format) } else { input });
    ask(inquiry, opened.collect()).ok()?.in_one_line()
}

/// Reads all inputs.
fn ask(mut inquiry: Inquiry, inputs: Vec<Input>) -> Result<Answer, Failure> {
    let mut buffer = vec![0; 64 * 1024];
    for mut input in inputs {
        inquiry.begin_input(input.name().as_ref());
        let format = input.format();
        loop {
            let count = match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::outside(format!("cannot read {}: {error}", input.name()))),
            };
            match format {
                Format::JsonLines => inquiry.push_json(&buffer[..count])?,
                Format::Csv => inquiry.push_csv(&buffer[..count])?,
            }
        }
        inquiry.end_input()?;
    }
    Ok(inquiry.finish()?)
}

fn question(flags: &WhyFlags) -> Result<Question, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.trim().trim_matches('\'').to_owned())),
        _ => Err(Failure::usage(format!("--key takes COLUMN=VALUE, found `{text}`"))),
    };
    let key = flags.key.iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    let time = |text: &String| {
        let time =
            Timestamp::parse(text).ok_or_else(|| Failure::usage(format!("--at takes a time like 2026-03-01T10:04:11Z, found `{text}`")))?;
        Ok::<_, Failure>(time)
    };
    let at = flags.at.as_ref().map(time).transpose()?;
    Ok(Question { key, at, statement: flags.statement.clone(), limit: flags.limit, keys: flags.max_keys })
}
