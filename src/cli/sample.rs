//! The streams of a program without declarations: their columns are told by the first events.
//!
//! Each input gives its first lines, so many and not more, and has them put back in front; so a pipe loses nothing, and equal inputs give
//! equal declarations. They are told on standard error, ready to be pasted: who depends on them writes them down.

use std::io::{self, Read};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use betide::codec::{Format, Records};
use betide::connect::Input;
use betide::engine::Undeclared;
use betide::infer::{Declaration, Observer, TimeChoice, Wanted};
use betide::text::nearest;

use super::flags::{SampleFlags, TextFlags};
use super::{Failure, tell};

/// The most that is read of an input to look at it.
const BYTES_MAX: usize = 4 << 20;
/// How long a pipe may keep us waiting for its first lines before that is told.
const PATIENCE: Duration = Duration::from_secs(3);
/// Names of a stream that takes all events whatever their type.
const EVERYTHING: [&str; 5] = ["Event", "Events", "event", "events", "input"];

/// Declarations as `--stream` takes them.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    /// With the columns that the program names.
    pub(crate) needed: Vec<String>,
    /// With all columns, for saying what there is.
    pub(crate) whole: Vec<String>,
    /// What to say of it where the program compiles.
    told: Vec<String>,
}

impl Declared {
    /// Says what was declared.
    pub(crate) fn tell(&self) {
        self.told.iter().for_each(|text| tell(text));
    }
}

/// Declares what the program reads and does not declare, by the first events of the inputs, which lose nothing.
pub(crate) fn declare(text: &TextFlags, flags: &SampleFlags, inputs: Vec<Input>) -> Result<(Declared, Vec<Input>), Failure> {
    let program = super::program::with_declarations(text.query.clone().unwrap_or_default(), &text.stream);
    let undeclared = Undeclared::of(&program);
    if undeclared.streams.is_empty() {
        return Ok((Declared::default(), inputs));
    }
    let given = (text.type_field != "type").then_some(text.type_field.as_str());
    let mut observer = Observer::new(given).looking_for(&undeclared.streams);
    let mut everything = Observer::of_one_stream();
    let mut names = Vec::new();
    let mut read = Vec::new();
    for input in inputs {
        names.push(stem(input.name()));
        let (input, head) = begin(input, flags.sample)?;
        let lines = first_lines(&head, flags.sample);
        for observer in [&mut observer, &mut everything] {
            let seen = observe(lines, input.format(), observer);
            seen.map_err(|error| Failure::outside(format!("cannot read {}: {error}", input.name())))?;
        }
        read.push(input.put_back(head));
    }
    let mut declared = Declared::default();
    for stream in &undeclared.streams {
        let declaration = match find(&mut observer, &mut everything, stream, &undeclared, &names) {
            // What cannot be read is told by the compiler.
            Err(_) if undeclared.is_unreadable => continue,
            found => found?,
        };
        let time = time_of(&declaration, flags, &undeclared)?;
        let mut words = undeclared.words.clone();
        if declaration.type_value().is_none() {
            // A stream of every type that has the type as a column is meant so.
            words.insert(text.type_field.clone());
        }
        let wanted = if undeclared.takes_all_columns { Wanted::All } else { Wanted::Words(&words) };
        let needed = declaration.statement(wanted, time.as_deref());
        let events = declaration.events();
        let says = if events == 1 { "event says".to_owned() } else { format!("{events} events say") };
        declared.told.push(format!("betide: `{stream}` is not declared; its first {says}:\n{needed}"));
        declared.needed.push(behind_create(&needed));
        declared.whole.push(behind_create(&declaration.statement(Wanted::All, time.as_deref())));
    }
    Ok((declared, read))
}

/// A statement as `--stream` has it.
fn behind_create(statement: &str) -> String {
    statement.strip_prefix("CREATE STREAM ").unwrap_or(statement).trim_end_matches(';').to_owned()
}

/// The name of a file without its folder and endings.
pub(crate) fn stem(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.split('.').next().unwrap_or(file).to_owned()
}

/// Reads the first lines of an input. A pipe that lets us wait is told of.
fn begin(input: Input, lines: usize) -> Result<(Input, Vec<u8>), Failure> {
    let name = input.name().clone();
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut input = input;
        let head = head(&mut input, lines);
        // Nobody waits any more only where the command has ended.
        let _ = sender.send((input, head));
    });
    let (input, head) = match receiver.recv_timeout(PATIENCE) {
        Err(RecvTimeoutError::Timeout) => {
            tell(&format!(
                "betide: waiting for the first {lines} lines of {name}, to find the columns in them; --stream declares them, and \
                 --sample takes fewer lines"
            ));
            receiver.recv().map_err(|_| RecvTimeoutError::Disconnected)
        }
        at_once => at_once,
    }
    .map_err(|_| Failure::outside(format!("cannot read {name}: its reader has stopped")))?;
    Ok((input, head.map_err(|error| Failure::outside(format!("cannot read {name}: {error}")))?))
}

fn head(input: &mut Input, lines: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut found = 0;
    while found < lines && head.len() < BYTES_MAX {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                found += buffer[..count].iter().filter(|byte| **byte == b'\n').count();
                head.extend_from_slice(&buffer[..count]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

/// So many whole lines of what was read, however much that was: a last line without an end counts where all has been read.
fn first_lines(head: &[u8], lines: usize) -> &[u8] {
    let end = head
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .map(|(at, _)| at + 1)
        .take_while(|end| *end <= BYTES_MAX)
        .take(lines)
        .last();
    match end {
        Some(end) if head.len() >= BYTES_MAX || head[..end].iter().filter(|byte| **byte == b'\n').count() >= lines => &head[..end],
        Some(_) | None => head,
    }
}

/// Shows all events of some bytes to an observer.
pub(crate) fn observe(bytes: impl Read, format: Format, observer: &mut Observer) -> io::Result<()> {
    match format {
        Format::Csv => {
            let mut records = Records::new(bytes)?;
            while let Some(cells) = records.next_record()? {
                observer.push_record(cells.iter().map(String::as_str));
            }
        }
        Format::JsonLines => {
            let mut lines = betide::connect::LineReader::new(bytes, "", betide::codec::Limits::default());
            while let Some(piece) = lines.next_piece().map_err(io::Error::other)? {
                if let betide::connect::Piece::Lines(chunk) = piece {
                    chunk.bytes.split(|byte| *byte == b'\n').for_each(|line| observer.push_json(line));
                }
            }
        }
    }
    observer.end_input();
    Ok(())
}

/// What was seen of a stream.
fn find(
    observer: &mut Observer,
    everything: &mut Observer,
    stream: &str,
    undeclared: &Undeclared,
    inputs: &[String],
) -> Result<Declaration, Failure> {
    let found = observer.declarations(stream);
    let is_the_one = |declaration: &&Declaration| declaration.type_value() == Some(stream) || declaration.name() == stream;
    let is_only = undeclared.streams.len() == 1 && undeclared.is_without_sources;
    if found.iter().filter(is_the_one).any(|declaration| declaration.type_value().is_some()) {
        return found.into_iter().find(|declaration| is_the_one(&declaration)).map(|found| found.named(stream)).ok_or_else(nothing);
    }
    let means_all = EVERYTHING.contains(&stream) || inputs.iter().any(|input| input == stream);
    if is_only && (means_all || found.iter().all(|declaration| declaration.type_value().is_none())) {
        return everything.declarations(stream).pop().ok_or_else(|| no_event(stream, everything.unread()));
    }
    let Some(field) = observer.type_field() else {
        let all = undeclared.streams.join("`, `");
        let text = format!(
            "`{all}` are not declared, and no field of the events says which is which: --type-field names it, or --stream declares them"
        );
        return Err(Failure::usage(text));
    };
    let types: Vec<&str> = found.iter().filter_map(Declaration::type_value).collect();
    let near = nearest(stream, types.iter().copied());
    let hint = if near.is_empty() { String::new() } else { format!("\n  did you mean `{}`?", near.join("` or `")) };
    let mut listed: Vec<String> = types.iter().take(20).map(|name| format!("`{name}`")).collect();
    if types.len() > listed.len() {
        listed.push(format!("{} more", types.len() - listed.len()));
    }
    let everything = if is_only { "\n  FROM Event takes events of every type" } else { "" };
    let what = if listed.is_empty() { "there is no event".to_owned() } else { format!("there are {}", listed.join(", ")) };
    Err(Failure::usage(format!("`{stream}` is not declared, and no event has it as its `{field}`: {what}{hint}{everything}")))
}

fn no_event(stream: &str, unread: u64) -> Failure {
    let what = if unread == 0 {
        "there is no event to tell its columns".to_owned()
    } else {
        format!("none of the first {unread} lines is a JSON object (--input-format csv reads a table)")
    };
    Failure::usage(format!("`{stream}` is not declared, and {what}; --stream '{stream}(…)' declares it"))
}

fn nothing() -> Failure {
    Failure::usage("the stream cannot be found among the events")
}

/// The column of the event time: the one that is named, or the one that looks like it.
fn time_of(declaration: &Declaration, flags: &SampleFlags, undeclared: &Undeclared) -> Result<Option<String>, Failure> {
    let stream = declaration.name();
    if let Some(named) = &flags.time {
        return match declaration.time_named(named) {
            Some(column) => Ok(Some(column)),
            None => {
                let columns = declaration.column_names();
                let near = nearest(named, columns.iter().map(String::as_str));
                let why = if columns.contains(named) { "its values are no times that can be read" } else { "it has no such column" };
                let hint =
                    if near.is_empty() || columns.contains(named) { String::new() } else { format!("; did you mean `{}`?", near[0]) };
                Err(Failure::usage(format!("`{named}` cannot be the event time of `{stream}`: {why}{hint}")))
            }
        };
    }
    match declaration.time() {
        TimeChoice::Column(column) => Ok(Some(column)),
        TimeChoice::Nowhere | TimeChoice::OneOf(_) if !undeclared.needs_time => Ok(None),
        TimeChoice::Nowhere => Err(Failure::usage(format!(
            "the program needs event times, and no column of `{stream}` looks like one ({}): --time COLUMN names it",
            declaration.column_names().join(", ")
        ))),
        TimeChoice::OneOf(names) => {
            Err(Failure::usage(format!("which column of `{stream}` is the event time? --time {} names it", names.join(", or --time "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::first_lines;

    #[test]
    fn the_sample_does_not_depend_on_how_much_was_read() {
        assert_eq!(first_lines(b"a\nb\nc\nd\n", 2), b"a\nb\n");
        assert_eq!(first_lines(b"a\nb\nc", 2), b"a\nb\n");
        assert_eq!(first_lines(b"a\nb", 2), b"a\nb");
        assert_eq!(first_lines(b"a\n", 2), b"a\n");
        assert_eq!(first_lines(b"", 2), b"");
    }
}
