//! Lines of JSON to rows of the source streams.
//!
//! A chunk of whole lines comes in; rows, bad lines and counts go out. Each line is walked once and only what some stream needs is made a
//! value. An event that is bad for one of its streams is bad as a whole, so that every line is counted once: it is an event of its streams,
//! or bad, or unrouted. All of a line has to be JSON.
//!
//! Lines are tried by the fast path (`fast`) first. It either makes rows of a line as the strict path would, or leaves the
//! line to the strict path untouched; so what a line gives, and why one is bad, is the strict path's word alone.

use std::ops::Range;

use ahash::AHashMap;

use super::convert::{Misfit, convert, scalar_text};
use super::fast::{FastPath, Streams, Work};
use super::projection::{Cells, Projection, is_deeper_than};
use crate::codec::{BadCause, BadEvent, ChunkStart, ColumnSpec, Decoded, Limits, Portion, Route, SourceSpec};
use crate::data::{DataType, Timestamp, Value};

/// Decodes JSON lines into the rows of the source streams.
#[derive(Debug)]
pub struct JsonDecoder {
    specs: Vec<SourceSpec>,
    limits: Limits,
    projection: Projection,
    /// The slot of each column of each stream.
    columns: Vec<Vec<usize>>,
    routes: Vec<TypeRoutes>,
    /// Streams of every event, and streams with a condition.
    others: Vec<usize>,
    watch: Option<TypeWatch>,
    /// Nothing where lines are to be read by the strict path alone.
    fast: Option<FastPath>,
}

/// The streams that are told apart by one field.
#[derive(Debug)]
pub(super) struct TypeRoutes {
    field: Vec<String>,
    pub(super) slot: usize,
    pub(super) streams: AHashMap<String, Vec<usize>>,
}

/// Looks whether a field that routes nothing has several values.
#[derive(Debug)]
pub(super) struct TypeWatch {
    pub(super) slot: usize,
    first: Option<String>,
    second: Option<String>,
}

/// The rows of one event in its streams, before it is known that it is good for all of them. One for all lines of a chunk.
#[derive(Default)]
struct Rows<'line> {
    /// The streams that may have the event.
    candidates: Vec<usize>,
    /// Its streams, with its time in each.
    streams: Vec<(usize, Timestamp)>,
    /// The values of all rows, one behind the other.
    values: Vec<Value<'line>>,
}

impl JsonDecoder {
    /// A decoder for these streams.
    pub fn new(mut specs: Vec<SourceSpec>, limits: Limits) -> Self {
        for spec in &mut specs {
            // That it has to be there goes without saying, and the cause is then `no_time`.
            if let Some(time) = spec.time {
                spec.columns[time].not_null = false;
            }
        }
        let mut projection = Projection::new();
        let mut columns = Vec::new();
        let mut routes: Vec<TypeRoutes> = Vec::new();
        let mut others = Vec::new();
        for (source, spec) in specs.iter().enumerate() {
            // A value that no statement reads has to fit its column all the same.
            columns.push(spec.columns.iter().map(|column| projection.slot(&column.path)).collect());
            let Route::Type { field, value } = &spec.route else {
                others.push(source);
                continue;
            };
            let at = routes.iter().position(|r| r.field == *field).unwrap_or_else(|| {
                routes.push(TypeRoutes { field: field.clone(), slot: projection.slot(field), streams: AHashMap::new() });
                routes.len() - 1
            });
            routes[at].streams.entry(value.clone()).or_default().push(source);
        }
        let mut decoder = Self { specs, limits, projection, columns, routes, others, watch: None, fast: None };
        decoder.fast = Some(decoder.fast_path());
        decoder
    }

    fn fast_path(&self) -> FastPath {
        FastPath::new(&self.specs, &self.columns, &self.projection, &self.routes, self.limits)
    }

    /// The same decoder without the fast path: its oracle.
    #[must_use]
    pub fn strict(self) -> Self {
        Self { fast: None, ..self }
    }

    /// How many lines the fast path has read one at a time.
    #[cfg(test)]
    pub(super) fn single_lines(&self) -> u64 {
        self.fast.as_ref().map_or(0, |fast| fast.singles)
    }

    /// How many lines it has read side by side.
    #[cfg(test)]
    pub(super) fn lines_side_by_side(&self) -> u64 {
        self.fast.as_ref().map_or(0, FastPath::side_by_side)
    }

    /// Has the decoder look whether this field has several values, see [`Self::several_types`].
    #[must_use]
    pub fn watching(mut self, field: &[String]) -> Self {
        self.watch = Some(TypeWatch { slot: self.projection.slot(field), first: None, second: None });
        self.fast = Some(self.fast_path());
        self
    }

    /// The first two values of the watched field, once there are two: a program of one stream may have forgotten its `type`.
    pub fn several_types(&self) -> Option<(&str, &str)> {
        let watch = self.watch.as_ref()?;
        Some((watch.first.as_deref()?, watch.second.as_deref()?))
    }

    /// Sets what [`Self::several_types`] has found: the first two values that were seen.
    pub fn set_types_seen(&mut self, first: Option<String>, second: Option<String>) {
        if let Some(watch) = &mut self.watch {
            (watch.first, watch.second) = (first, second);
        }
    }

    /// The first two values of the watched field, as many as were seen.
    pub fn types_seen(&self) -> (Option<String>, Option<String>) {
        self.watch.as_ref().map(|watch| (watch.first.clone(), watch.second.clone())).unwrap_or_default()
    }

    /// The streams, in the order of [`Decoded::sources`].
    pub fn specs(&self) -> &[SourceSpec] {
        &self.specs
    }

    /// An empty [`Decoded`] for these streams.
    pub fn decoded(&self) -> Decoded {
        Decoded::new(&self.specs)
    }

    /// Decodes a chunk of whole lines (the last one may lack its end) and adds what it finds to `out`.
    ///
    /// Lines end with LF or CRLF; blank ones are passed over. A UTF-8 byte order mark before line 1 is no part of it.
    pub fn decode(&mut self, chunk: &[u8], start: ChunkStart, out: &mut Decoded) {
        self.decode_some(chunk, usize::MAX, start, out);
    }

    /// The same of no more than so many lines; gives how many they were, blank ones among them, and how many bytes.
    pub fn decode_some(&mut self, chunk: &[u8], most: usize, start: ChunkStart, out: &mut Decoded) -> (usize, usize) {
        let mut watch = self.watch.take();
        let mut fast = self.fast.take();
        let mut cells = self.projection.cells();
        let mut rows = Rows::default();
        let mut work = Work::default();
        let mut lines = Lines::of(chunk, start.line);
        let mut known = KnownText::default();
        let known_of = Streams { specs: &self.specs, projection: &self.projection, routes: &self.routes };
        while lines.begin < chunk.len() && lines.count < most {
            if let Some(fast) = &mut fast
                && let Some((text, at)) = known.text_from(chunk, lines.begin)
            {
                let passed = fast.stretch(known_of, text, at, most - lines.count, start.clock, watch.as_ref(), out);
                lines.pass(passed.lines, passed.bytes);
                let at = at + passed.bytes;
                if at == text.len() || lines.count == most {
                    continue;
                }
                if let Some(length) = fast.line(known_of, text, at, start.clock, &mut watch, &mut work, out) {
                    lines.pass(1, length);
                    continue;
                }
            }
            let Some((number, at)) = lines.next() else { break };
            let line = &chunk[at.clone()];
            let offset = start.offset + at.start as u64;
            // Before all else: of one that came in pieces nobody knows whether it was blank.
            if line.len() > self.limits.max_line {
                let head = &line[..self.limits.kept_of_long_line.min(line.len())];
                out.add_bad(BadEvent::too_long(number, offset, line.len() as u64, head.to_vec(), self.limits));
                continue;
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let decoded = self.check_line(line).and_then(|text| {
                self.projection.walk(text, &mut cells).map_err(|error| misread(text, &error))?;
                if let Some(watch) = &mut watch {
                    watch.see(cells[watch.slot]);
                }
                self.find_rows(&cells, start.clock, &mut rows, &mut out.eval_nulls)
            });
            match decoded {
                Ok(()) => self.push(&mut rows, out),
                Err(Misfit { cause, detail }) => out.add_bad(BadEvent { line: number, offset, cause, detail, bytes: line.to_vec() }),
            }
        }
        self.watch = watch;
        self.fast = fast;
        (lines.count, lines.begin)
    }

    /// Decodes a chunk apart from all that came before it, so that the order in which decoders get their chunks does not matter; `room` is
    /// empty, and is left so. What [`Self::several_types`] says is then of the chunk alone, and the portion has it.
    pub fn decode_apart(&mut self, chunk: &[u8], start: ChunkStart, room: &mut Decoded) -> Portion {
        self.set_types_seen(None, None);
        self.decode(chunk, start, room);
        room.take_portion(self.types_seen())
    }

    /// Notes what the decoder of a portion has seen of the watched field, behind what this one has seen.
    pub fn note_types(&mut self, portion: &Portion) {
        if let Some(watch) = &mut self.watch {
            let (first, second) = &portion.types_seen;
            first.iter().chain(second).for_each(|value| watch.note(value.clone()));
        }
    }

    /// The line as text, if it is worth a parser's while.
    fn check_line<'line>(&self, line: &'line [u8]) -> Result<&'line str, Misfit> {
        let text = std::str::from_utf8(line).map_err(|error| {
            let detail = format!("byte {} of the line is not UTF-8{}", error.valid_up_to() + 1, utf16_hint(line));
            Misfit { cause: BadCause::NotUtf8, detail }
        })?;
        if is_deeper_than(self.limits.max_depth, line) {
            let detail = format!("arrays and objects nest more than {} deep", self.limits.max_depth);
            return Err(Misfit { cause: BadCause::TooDeep, detail });
        }
        Ok(text)
    }

    /// Makes the event's row in each of its streams.
    fn find_rows<'line>(
        &'line self,
        cells: &Cells<'line>,
        clock: Timestamp,
        rows: &mut Rows<'line>,
        eval_nulls: &mut u64,
    ) -> Result<(), Misfit> {
        let Rows { candidates, streams, values } = rows;
        streams.clear();
        values.clear();
        candidates.clear();
        candidates.extend(&self.others);
        for routes in &self.routes {
            let value = cells[routes.slot].and_then(scalar_text);
            candidates.extend(value.and_then(|value| routes.streams.get(&*value)).into_iter().flatten());
        }
        candidates.sort_unstable();
        for &source in &*candidates {
            let begin = values.len();
            let misfit = self.find_values(source, cells, values);
            if let Route::When(condition) = &self.specs[source].route {
                let (holds, nulls) = (condition.holds)(&values[begin..]);
                *eval_nulls += nulls;
                if !holds {
                    values.truncate(begin);
                    continue;
                }
            }
            if let Some(misfit) = misfit {
                return Err(misfit);
            }
            streams.push((source, self.time_of(source, cells, &values[begin..], clock)?));
        }
        Ok(())
    }

    /// Appends the values of the columns, NULL where one does not fit, and gives the first misfit.
    fn find_values<'line>(&'line self, source: usize, cells: &Cells<'line>, values: &mut Vec<Value<'line>>) -> Option<Misfit> {
        let spec = &self.specs[source];
        let mut misfit = None;
        for (index, column) in spec.columns.iter().enumerate() {
            let field = &spec.schema.fields()[index];
            let cell = cells[self.columns[source][index]];
            values.push(value_of(cell, column, &field.data_type, spec.needed[index]).unwrap_or_else(|found| {
                misfit.get_or_insert_with(|| found.in_column(&field.name));
                Value::Null
            }));
        }
        misfit
    }

    /// The event's time in this stream, whose row is already made.
    fn time_of(&self, source: usize, cells: &Cells<'_>, row: &[Value<'_>], clock: Timestamp) -> Result<Timestamp, Misfit> {
        let spec = &self.specs[source];
        let Some(index) = spec.time else { return Ok(clock) };
        let (field, column) = (&spec.schema.fields()[index], &spec.columns[index]);
        let value = if spec.needed[index] {
            row[index].borrowed()
        } else {
            let cell = cells[self.columns[source][index]];
            value_of(cell, column, &DataType::Timestamp, true).map_err(|found| found.in_column(&field.name))?
        };
        let Value::Timestamp(time) = value else {
            return Err(Misfit { cause: BadCause::NoTime, detail: format!("the event-time column `{}` has no value", field.name) });
        };
        match spec.ahead {
            Some(limit) if time > clock.saturating_add(limit) => Err(Misfit {
                cause: BadCause::AheadOfClock,
                detail: format!("column `{}`: {time} is more than {limit} ahead of the arrival clock, {clock}", field.name),
            }),
            _ => Ok(time),
        }
    }

    /// Adds an event to its streams, under one number.
    fn push(&self, rows: &mut Rows<'_>, out: &mut Decoded) {
        out.events += 1;
        if rows.streams.is_empty() {
            out.unrouted += 1;
            return;
        }
        let mut values = rows.values.drain(..);
        for &(stream, time) in &rows.streams {
            let source = &mut out.sources[stream];
            // The columns come first: zipped the other way round, one value too many would be taken.
            for (builder, value) in source.columns.iter_mut().zip(values.by_ref()) {
                builder.push(value);
            }
            source.times.push(time);
            source.numbers.push(out.next_number);
        }
        out.next_number += 1;
    }
}

/// The value of a column. One that nobody needs is NULL, but has to fit, and to be there if it is `NOT NULL`.
fn value_of<'line>(
    cell: Option<&'line str>,
    column: &'line ColumnSpec,
    data_type: &DataType,
    is_needed: bool,
) -> Result<Value<'line>, Misfit> {
    let value = match (cell, &column.default) {
        (Some(text), _) => convert(text, data_type, &column.time_format)?,
        (None, None) => Value::Null,
        (None, Some(default)) => default.borrowed(),
    };
    if column.not_null && value.is_null() {
        return Err(Misfit { cause: BadCause::MissingValue, detail: "there is no value, and the column is NOT NULL".to_owned() });
    }
    Ok(if is_needed { value } else { Value::Null })
}

/// What is wrong with a line that cannot be walked as an object.
fn misread(text: &str, error: &serde_json::Error) -> Misfit {
    let misfit = |cause, detail: String| Misfit { cause, detail };
    let message = error.to_string();
    // Lines are read alone, so the parser's "at line 1" would only confuse.
    let message = message.replace(" at line 1 column ", " at column ");
    let is_other_json = error.is_data() && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if is_other_json {
        return misfit(BadCause::NotAnObject, "the line is JSON, but no object".to_owned());
    }
    // serde_json has no code for it; the wording is pinned by a test below.
    if message.contains("surrogate") || message.contains("unexpected end of hex escape") {
        return misfit(BadCause::LoneSurrogate, message);
    }
    misfit(BadCause::NotJson, format!("{message}{}", utf16_hint(text.as_bytes())))
}

fn utf16_hint(line: &[u8]) -> &'static str {
    let zeros = memchr::memchr_iter(0, line).count();
    if zeros * 3 >= line.len() { "; the line looks like UTF-16, and lines have to be UTF-8" } else { "" }
}

impl TypeWatch {
    /// Whether there is nothing left to be seen.
    pub(super) fn has_seen_enough(&self) -> bool {
        self.second.is_some()
    }

    /// Whether this text is what was seen before.
    pub(super) fn knows(&self, text: &str) -> bool {
        self.first.as_deref() == Some(text)
    }

    pub(super) fn see(&mut self, text: Option<&str>) {
        if self.second.is_some() {
            return;
        }
        let Some(value) = text.and_then(scalar_text) else { return };
        if self.first.as_ref().is_none_or(|first| *first != value) {
            self.note(value.into_owned());
        }
    }

    fn note(&mut self, value: String) {
        match &self.first {
            None => self.first = Some(value),
            Some(first) if *first != value => drop(self.second.get_or_insert(value)),
            Some(_) => {}
        }
    }
}

/// The lines of a chunk: the number of each, and where in the chunk it stands, without its end.
struct Lines<'chunk> {
    chunk: &'chunk [u8],
    begin: usize,
    first: u64,
    /// How many have been given or passed over.
    count: usize,
}

impl<'chunk> Lines<'chunk> {
    fn of(chunk: &'chunk [u8], first: u64) -> Self {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        let begin = if first == 1 && chunk.starts_with(MARK) { MARK.len() } else { 0 };
        Self { chunk, begin, first, count: 0 }
    }

    /// Passes over so many lines, whose length with their ends is known.
    fn pass(&mut self, lines: usize, length: usize) {
        self.begin += length;
        self.count += lines;
    }
}

/// A stretch of whole lines of a chunk that is known to be UTF-8: one check over all of it is much cheaper than one a line. Where it ends,
/// before a line that is not, another begins behind that line.
#[derive(Default)]
struct KnownText<'chunk> {
    text: &'chunk str,
    begin: usize,
}

impl<'chunk> KnownText<'chunk> {
    /// A text and the position in it of the line that begins at `at` of the chunk, if the text reaches that far.
    fn text_from(&mut self, chunk: &'chunk [u8], at: usize) -> Option<(&'chunk str, usize)> {
        if at >= self.begin + self.text.len() {
            let rest = &chunk[at..];
            *self = Self { text: simdutf8::basic::from_utf8(rest).unwrap_or_else(|_| whole_lines_of_text(rest)), begin: at };
        }
        (at < self.begin + self.text.len()).then_some((self.text, at - self.begin))
    }
}

/// The lines before the first one that is not UTF-8.
#[cold]
fn whole_lines_of_text(bytes: &[u8]) -> &str {
    let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let whole_lines = memchr::memrchr(b'\n', &bytes[..valid]).map_or(0, |end| end + 1);
    std::str::from_utf8(&bytes[..whole_lines]).unwrap_or_default()
}

impl Iterator for Lines<'_> {
    type Item = (u64, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let (number, begin) = (self.first + self.count as u64, self.begin);
        let rest = &self.chunk[begin..];
        if rest.is_empty() {
            return None;
        }
        let length = memchr::memchr(b'\n', rest);
        let line = &rest[..length.unwrap_or(rest.len())];
        self.begin = length.map_or(self.chunk.len(), |length| begin + length + 1);
        self.count += 1;
        Some((number, begin..begin + line.strip_suffix(b"\r").unwrap_or(line).len()))
    }
}
