//! `betide infer`: the declarations of the streams in a file.

use betide::connect::Input;
use betide::infer::{Declaration, Observer, TimeChoice, Wanted};

use super::flags::InferFlags;
use super::{Failure, print, sample, tell};

/// Reads the inputs to their ends and prints a declaration a stream.
pub(crate) fn infer(flags: &InferFlags) -> Result<u8, Failure> {
    let mut observer = Observer::new(flags.type_field.as_deref());
    let paths = if flags.inputs.is_empty() { vec!["-".to_owned()] } else { flags.inputs.clone() };
    for path in &paths {
        let mut input = Input::open(path)?;
        if let Some(format) = flags.input_format {
            input = input.with_format(format.into());
        }
        let (name, format) = (input.name().clone(), input.format());
        sample::observe(input, format, &mut observer).map_err(|error| Failure::outside(format!("cannot read {name}: {error}")))?;
    }
    let declarations = observer.declarations(&whole_name(&paths));
    if declarations.is_empty() {
        return Err(Failure::usage(match observer.unread() {
            0 => "there is no event, so nothing can be told".to_owned(),
            lines => format!("none of the {lines} lines is a JSON object"),
        }));
    }
    let texts: Vec<String> = declarations.iter().map(|declaration| text_of(declaration, flags)).collect::<Result<_, _>>()?;
    print(&(texts.join("\n\n") + "\n"))?;
    for (count, what) in [
        (observer.unread(), "lines that are no JSON objects"),
        (observer.untyped(), "events without a type"),
        (observer.beyond(), "events of further types"),
    ] {
        if count > 0 {
            tell(&format!("betide: passed over: {what} ({count})"));
        }
    }
    Ok(0)
}

/// The name of a stream of all events: that of the file, as a name.
fn whole_name(paths: &[String]) -> String {
    let [path] = paths else { return "Event".to_owned() };
    let stem = sample::stem(path);
    let parts = stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    let name: String = parts.map(|part| part[..1].to_ascii_uppercase() + &part[1..]).collect();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) { name } else { "Event".to_owned() }
}

fn text_of(declaration: &Declaration, flags: &InferFlags) -> Result<String, Failure> {
    let (time, note) = match (&flags.time, declaration.time()) {
        (Some(named), _) => {
            let time = declaration.time_named(named);
            let note = if time.is_none() {
                format!("\n-- `{named}` is not there, or no time; without TIMESTAMP BY, time is that of arrival.")
            } else {
                String::new()
            };
            (time, note)
        }
        (None, TimeChoice::Column(column)) => (Some(column), String::new()),
        (None, TimeChoice::Nowhere) => (None, "\n-- No column looks like the event time, so time is that of arrival.".to_owned()),
        (None, TimeChoice::OneOf(names)) => {
            let best = declaration.most_ordered(&names).map(str::to_owned);
            (best, format!("\n-- The event time may be another one of these: {}.", names.join(", ")))
        }
    };
    Ok(format!("{}{note}\n{}", declaration.comment(time.as_deref()), declaration.statement(Wanted::All, time.as_deref())))
}
