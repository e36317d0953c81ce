//! The program of a command line: its text, its parameters, and telling its warnings.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use betide::text::render;
use betide::{Engine, Options};

use super::flags::TextFlags;
use super::{Failure, tell, terminal};

/// Environment variables of this beginning give parameters their values.
const SET_PREFIX: &str = "BETIDE_SET_";

/// What is added to the options of every program.
static MORE: OnceLock<fn(&mut Options)> = OnceLock::new();

/// Has this added to the options of every program, once for a process.
pub(crate) fn add_to_options(more: fn(&mut Options)) {
    MORE.get_or_init(|| more);
}

/// Reads and compiles the program, and tells its warnings.
pub(crate) fn compile(file: Option<&str>, flags: &TextFlags, options: Options) -> Result<Engine, Failure> {
    let (text, options) = read(file, flags, options)?;
    let engine = Engine::with_options(&text, &options)?;
    if !engine.warnings().is_empty() {
        tell(render(engine.warnings(), engine.source(), terminal::has_colour(&std::io::stderr())).trim_end());
    }
    Ok(engine)
}

/// Reads the program: its text, and the options that the command line says.
pub(crate) fn read(file: Option<&str>, flags: &TextFlags, options: Options) -> Result<(String, Options), Failure> {
    let (name, text) = match (&flags.query, file) {
        (Some(_), Some(file)) => return Err(Failure::usage(format!("which program? Both -q and the file {file} give one"))),
        (Some(query), None) => ("<query>".to_owned(), query.clone()),
        (None, Some("-")) => return Err(Failure::usage("a program is read from a file or given by -q, not from standard input")),
        (None, Some(file)) => {
            let bytes = std::fs::read(file).map_err(|error| Failure::outside(format!("cannot read the program {file}: {error}")))?;
            let text =
                String::from_utf8(bytes).map_err(|_| Failure::outside(format!("cannot read the program {file}: it is not UTF-8")))?;
            if text.trim_start().starts_with('{') {
                let text = format!("{file} holds events, and the program stands first: betide run PROGRAM {file}");
                return Err(Failure::usage(text));
            }
            (file.to_owned(), text)
        }
        (None, None) => return Err(Failure::usage("which program? Give a query file, or the query itself with -q '…'")),
    };
    let text = with_declarations(text, &flags.stream);
    let folder = file.and_then(|file| Path::new(file).parent()).map(Path::to_path_buf);
    let mut options = Options {
        folder,
        name,
        set: parameters(&flags.set, &text)?,
        type_field: flags.type_field.clone(),
        outputs: flags.output.clone(),
        ..options
    };
    if let Some(more) = MORE.get() {
        more(&mut options);
    }
    Ok((text, options))
}

/// The text with the declared streams behind it: messages show the text's own lines, and the end of an unfinished statement where it is.
pub(crate) fn with_declarations(mut text: String, streams: &[String]) -> String {
    if streams.is_empty() {
        return text;
    }
    text.truncate(text.trim_end().len());
    // A comment would swallow what stands behind it.
    let ends_with_comment = text.lines().next_back().is_some_and(|line| line.contains("--"));
    text.push_str(if ends_with_comment { "\n;" } else { ";" });
    for stream in streams {
        text.push_str(&format!("\nCREATE STREAM {};", stream.trim().trim_end_matches(';')));
    }
    text
}

/// `--set name=value`, and behind it `BETIDE_SET_name=value` for the names that the program writes: the environment serves many programs.
fn parameters(set: &[String], program: &str) -> Result<BTreeMap<String, String>, Failure> {
    let from_environment = std::env::vars().filter_map(|(key, value)| Some((key.strip_prefix(SET_PREFIX)?.to_owned(), value)));
    let from_environment = from_environment.filter(|(name, _)| program.contains(name.as_str()));
    let mut all: BTreeMap<String, String> = from_environment.collect();
    for setting in set {
        let Some((name, value)) = setting.split_once('=') else {
            return Err(Failure::usage(format!("--set takes NAME=VALUE, found `{setting}`")));
        };
        all.insert(name.trim().trim_start_matches('$').to_owned(), value.to_owned());
    }
    Ok(all)
}
