//! What has been seen of a stream, as the statement that declares it.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::shape::{Fields, Kind, Shape};
use super::times::{Track, Written};
use crate::data::{Duration, TimeUnit};
use crate::syntax::{quoted_name, quoted_text};

/// Names of event times, in lower case without signs between, the likelier first.
const TIME_NAMES: [&str; 22] = [
    "at",
    "utctime",
    "eventtime",
    "eventtimestamp",
    "eventts",
    "eventat",
    "timestamp",
    "ts",
    "time",
    "datetime",
    "occurredat",
    "createdat",
    "timecreated",
    "systemtime",
    "date",
    "timegenerated",
    "timestampms",
    "timems",
    "loggedat",
    "receivedat",
    "when",
    "t",
];
/// Parts of names by which a whole number may be a time.
const TIME_ENDS: [&str; 10] = ["at", "ts", "time", "timestamp", "date", "epoch", "ms", "t", "when", "created"];
/// The shortest DELAY that covers what was seen is taken from these.
const DELAYS: [i64; 22] =
    [1, 2, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000];

/// Which columns a declaration is to have.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'w> {
    /// All that were seen.
    All,
    /// Those whose name is one of these words (an object that is one becomes a STRUCT), and the event time.
    Words(&'w BTreeSet<String>),
}

/// Where the event time stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeChoice {
    /// In this column.
    Column(String),
    /// In none: nothing looks like a time.
    Nowhere,
    /// In one of these, and nothing says in which.
    OneOf(Vec<String>),
}

/// A stream as it was seen.
#[derive(Debug)]
pub struct Declaration {
    name: String,
    /// The type field and its value, where one says which events are the stream's.
    route: Option<(String, String)>,
    events: u64,
    shape: Shape,
}

/// A column of it.
struct Column<'s> {
    name: String,
    path: Vec<&'s str>,
    shape: &'s Shape,
    kind: Kind,
}

impl Declaration {
    pub(super) fn new(whole: &str, route: Option<(&[String], &str)>, events: u64, shape: &Shape, taken: &[String]) -> Self {
        let name = route.map_or_else(|| whole.to_owned(), |(field, value)| stream_name(field, value));
        let mut unique = name.clone();
        for number in 2.. {
            if !taken.contains(&unique) {
                break;
            }
            unique = format!("{name}_{number}");
        }
        let route = route.map(|(field, value)| (field.join("."), value.to_owned()));
        Self { name: unique, route, events, shape: shape.clone() }
    }

    /// The stream's name: its type, as a name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the stream another name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// The value of the type field, if the stream has one.
    pub fn type_value(&self) -> Option<&str> {
        self.route.as_ref().map(|(_, value)| value.as_str())
    }

    /// How many events were seen.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The column of the event time: by its name, or because it alone looks like one. Only what nine of ten events have can be it.
    pub fn time(&self) -> TimeChoice {
        let columns = self.columns(Wanted::All);
        let times: Vec<&Column<'_>> = columns.iter().filter(|column| column.can_be_event_time(self.events)).collect();
        let rank = |column: &Column<'_>| {
            let full = TIME_NAMES.iter().position(|name| *name == plain_word(&column.name));
            full.or_else(|| TIME_NAMES.iter().position(|name| *name == plain_word(column.path.last().unwrap_or(&""))))
        };
        let by_name = times.iter().filter_map(|column| Some((rank(column)?, column))).min_by_key(|(rank, _)| *rank);
        match (by_name, times.as_slice()) {
            (Some((_, column)), _) => TimeChoice::Column(column.name.clone()),
            (None, []) => TimeChoice::Nowhere,
            (None, [only]) => TimeChoice::Column(only.name.clone()),
            (None, several) => TimeChoice::OneOf(several.iter().map(|column| column.name.clone()).collect()),
        }
    }

    /// The column that somebody names as the event time, by its name or its path, if its values can be times.
    pub fn time_named(&self, name: &str) -> Option<String> {
        let columns = self.columns(Wanted::All);
        let found = columns.iter().find(|column| column.name == name || column.path.join(".") == name)?;
        found.shape.times.found().map(|_| found.name.clone())
    }

    /// Of several columns that may be the event time, the one that came best in order.
    pub fn most_ordered<'n>(&self, names: &'n [String]) -> Option<&'n str> {
        let columns = self.columns(Wanted::All);
        let disorder = |name: &String| columns.iter().find(|c| c.name == *name)?.shape.times.found().map(|(_, track)| track.disorder());
        names.iter().min_by_key(|name| disorder(name)).map(String::as_str)
    }

    /// The names of all columns.
    pub fn column_names(&self) -> Vec<String> {
        self.columns(Wanted::All).into_iter().map(|column| column.name).collect()
    }

    /// What was seen, as comments to stand before the statement.
    pub fn comment(&self, time: Option<&str>) -> String {
        let of_type = self.route.as_ref().map_or(String::new(), |(field, value)| format!(" with {field} = {}", quoted_text(value)));
        let mut text = format!("-- {} event{}{of_type}", self.events, if self.events == 1 { "" } else { "s" });
        let columns = self.columns(Wanted::All);
        let column = time.and_then(|name| columns.iter().find(|column| column.name == name));
        if let Some((written, track)) = column.and_then(|column| column.shape.times.found()) {
            text += &seen_times(&track);
            if let Some(other) = column.and_then(|column| column.shape.times.other_form(written)) {
                let _ = write!(text, "\n-- The times would also fit {}.", quoted_text(other));
            }
        }
        text
    }

    /// The statement, with its event time in this column; without one, in the order of arrival.
    pub fn statement(&self, wanted: Wanted<'_>, time: Option<&str>) -> String {
        let all = self.columns(Wanted::All);
        let mut columns = self.columns(wanted);
        let time = time.and_then(|name| all.iter().find(|column| column.name == name));
        if let Some(time) = time
            && !columns.iter().any(|column| column.name == time.name)
        {
            columns.push(Column { name: time.name.clone(), path: time.path.clone(), shape: time.shape, kind: time.kind.clone() });
        }
        if columns.is_empty() {
            // A stream without columns cannot be written; any one will do, as for COUNT(*).
            columns.extend(all.into_iter().next());
            return self.put_together(&columns, None);
        }
        self.put_together(&columns, time)
    }

    fn put_together(&self, columns: &[Column<'_>], time: Option<&Column<'_>>) -> String {
        let names: Vec<String> = columns.iter().map(|column| quoted_name(&column.name)).collect();
        let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(40);
        let mut text = format!("CREATE STREAM {} (\n", quoted_name(&self.name));
        for (index, (column, name)) in columns.iter().zip(&names).enumerate() {
            let is_time = time.is_some_and(|time| time.name == column.name);
            let comma = if index + 1 < columns.len() { "," } else { "" };
            let _ = writeln!(text, "    {name:width$} {}{}{comma}{}", column.type_text(is_time), column.path_text(), column.remark());
        }
        text.push(')');
        if let Some((time, (_, track))) = time.and_then(|time| Some((time, time.shape.times.found()?))) {
            let _ = write!(text, " TIMESTAMP BY {}", quoted_name(&time.name));
            if let Some(delay) = delay_for(&track) {
                let _ = write!(text, " DELAY {delay}");
            }
        }
        if let Some((field, value)) = &self.route {
            let of_field = if field == "type" { String::new() } else { format!(", type_field = {}", quoted_text(field)) };
            let _ = write!(text, " WITH (type = {}{of_field})", quoted_text(value));
        }
        text.push(';');
        text
    }

    fn columns(&self, wanted: Wanted<'_>) -> Vec<Column<'_>> {
        let mut columns = Vec::new();
        collect(&self.shape.fields, &mut Vec::new(), wanted, &mut columns);
        if let Wanted::Words(words) = wanted {
            columns.retain(|column| words.contains(&column.name));
        }
        columns
    }
}

/// Columns of everything that is inside, objects among them taken apart.
// Recursion: one level an object, and shapes are cut off at their depth.
fn collect<'s>(fields: &'s Fields, path: &mut Vec<&'s str>, wanted: Wanted<'_>, columns: &mut Vec<Column<'s>>) {
    for (key, shape) in fields.iter() {
        // Such a key cannot be written, neither as a name nor in a path.
        if key.is_empty() || (!path.is_empty() && key.contains('.')) {
            continue;
        }
        let mut kind = shape.kind();
        let is_asked_for = matches!(wanted, Wanted::Words(words) if path.is_empty() && words.contains(key));
        if kind == Kind::Object && !is_asked_for {
            if !key.contains('.') && shape.fields.iter().all(|(key, _)| !key.is_empty() && !key.contains('.')) {
                path.push(key);
                collect(&shape.fields, path, wanted, columns);
                path.pop();
                continue;
            }
            kind = Kind::Json;
        }
        path.push(key);
        let joined = path.join("_");
        let is_taken = |name: &str| columns.iter().any(|column| column.name == name);
        let name = if path.len() == 1 || !is_taken(&joined) { joined } else { format!("{joined}_{}", columns.len()) };
        columns.push(Column { name, path: path.clone(), shape, kind });
        path.pop();
    }
}

impl Column<'_> {
    fn can_be_event_time(&self, events: u64) -> bool {
        let is_there = self.shape.count * 10 >= events * 9;
        is_there && self.time(false).is_some()
    }

    /// How its values are times, if they are. Of whole numbers the name has to say it, too; dates are times only where they have to be.
    fn time(&self, has_to_be: bool) -> Option<Written> {
        let (written, _) = self.shape.times.found()?;
        let is_time = match written {
            Written::Epoch(_) => has_to_be || has_time_name(self.path.last().unwrap_or(&"")),
            Written::Plain => has_to_be || !self.shape.times.are_dates(),
            Written::Format(_) => true,
        };
        (is_time && matches!(self.kind, Kind::Int | Kind::Text)).then_some(written)
    }

    fn type_text(&self, is_event_time: bool) -> String {
        match self.time(is_event_time) {
            Some(Written::Plain) => "TIMESTAMP".to_owned(),
            Some(Written::Format(format)) => format!("TIMESTAMP FORMAT {}", quoted_text(format)),
            Some(Written::Epoch(unit)) => {
                let unit = match unit {
                    TimeUnit::Second => "s",
                    TimeUnit::Milli => "ms",
                    TimeUnit::Micro => "us",
                    TimeUnit::Nano => "ns",
                };
                format!("TIMESTAMP({unit})")
            }
            None => type_of(&self.kind, self.shape),
        }
    }

    /// Why a column of numbers is none, where a text among them made it so.
    fn remark(&self) -> String {
        match self.shape.mostly_numbers() {
            Some((numbers, text)) if self.kind == Kind::Text => {
                format!(" -- {numbers} of {} are numbers, {} is not", self.shape.count, quoted_text(text))
            }
            Some(_) | None => String::new(),
        }
    }

    fn path_text(&self) -> String {
        if self.path.len() == 1 { String::new() } else { format!(" FROM {}", quoted_text(&self.path.join("."))) }
    }
}

// Recursion: one level a list or object, and shapes are cut off at their depth.
fn type_of(kind: &Kind, shape: &Shape) -> String {
    match kind {
        Kind::Bool => "BOOL".to_owned(),
        Kind::Int => "INT".to_owned(),
        Kind::Float => "FLOAT".to_owned(),
        Kind::Nothing | Kind::Text => "STRING".to_owned(),
        Kind::Json => "JSON".to_owned(),
        Kind::List(item) => format!("LIST<{}>", type_of(item, shape)),
        Kind::Object => {
            let fields = shape.fields.iter().filter(|(key, _)| !key.is_empty());
            let fields: Vec<String> =
                fields.map(|(key, inner)| format!("{} {}", quoted_name(key), type_of(&inner.kind(), inner))).collect();
            format!("STRUCT<{}>", fields.join(", "))
        }
    }
}

/// A type as the name of a stream: `failed-login` is `FailedLogin`, and a number is told with its field.
fn stream_name(field: &[String], value: &str) -> String {
    let is_word = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && text.bytes().all(is_word_byte);
    if is_word(value) {
        return value.to_owned();
    }
    let camel = |text: &str| -> String {
        let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
        parts.map(|part| part[..1.min(part.len())].to_ascii_uppercase() + part.get(1..).unwrap_or_default()).collect()
    };
    // Letters beyond ASCII are cut at no byte of theirs.
    let text: String = value.chars().map(|c| if c.is_ascii() { c } else { '_' }).take(60).collect();
    let name = camel(&text);
    if is_word(&name) { name } else { format!("{}{name}", camel(field.last().map_or("Type", String::as_str))) }
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn plain_word(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

fn has_time_name(name: &str) -> bool {
    let snake: String = name.chars().fold(String::new(), |mut text, c| {
        if c.is_ascii_uppercase() && !text.ends_with(|c: char| c.is_ascii_uppercase()) {
            text.push('_');
        }
        text.push(c);
        text
    });
    let lower = snake.to_ascii_lowercase();
    let last = lower.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    TIME_NAMES.contains(&plain_word(name).as_str()) || TIME_ENDS.contains(&last)
}

fn seen_times(track: &Track) -> String {
    let (first, last) = track.span();
    let order = match track.out_of_order() {
        0 => "in order".to_owned(),
        count => format!("{count} of them out of order, by at most {}", track.disorder()),
    };
    format!(", {first} to {last}, {order}")
}

/// The round DELAY that covers the disorder, if there was any.
fn delay_for(track: &Track) -> Option<Duration> {
    let worst = track.disorder().0;
    let round = DELAYS.iter().map(|seconds| seconds * 1_000_000_000).find(|delay| *delay >= worst);
    (worst > 0).then(|| Duration(round.unwrap_or(worst)))
}
