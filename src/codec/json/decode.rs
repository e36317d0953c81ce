//! Lines of JSON to rows of the source streams.
//!
//! A chunk of whole lines comes in; rows, bad lines and counts go out. Each line is walked once and only what some stream needs is made a
//! value. An event that is bad for one of its streams is bad as a whole, so that every line is counted once: it is an event of its streams,
//! or bad, or unrouted. This is the strict path, in which all of a line has to be JSON.

use ahash::AHashMap;

use super::convert::{Misfit, convert, scalar_text};
use super::projection::{Cells, Projection, is_deeper_than};
use crate::codec::{BadCause, BadEvent, ChunkStart, ColumnSpec, Decoded, Limits, Route, SourceSpec};
use crate::data::{DataType, Timestamp, Value};

/// Decodes JSON lines into the rows of the source streams.
#[derive(Debug)]
pub struct JsonDecoder {
    specs: Vec<SourceSpec>,
    limits: Limits,
    projection: Projection,
    /// The slot of each column of each stream, where the column has to be looked at.
    columns: Vec<Vec<Option<usize>>>,
    routes: Vec<TypeRoutes>,
    /// Streams of every event, and streams with a condition.
    others: Vec<usize>,
    watch: Option<TypeWatch>,
}

/// The streams that are told apart by one field.
#[derive(Debug)]
struct TypeRoutes {
    field: Vec<String>,
    slot: usize,
    streams: AHashMap<String, Vec<usize>>,
}

/// Looks whether a field that routes nothing has several values.
#[derive(Debug)]
struct TypeWatch {
    slot: usize,
    first: Option<String>,
    second: Option<String>,
}

/// A row of one stream, before it is known that the event is good for all of its streams.
struct Row<'line> {
    source: usize,
    time: Timestamp,
    values: Vec<Value<'line>>,
}

impl JsonDecoder {
    /// A decoder for these streams.
    pub fn new(specs: Vec<SourceSpec>, limits: Limits) -> Self {
        let mut projection = Projection::new();
        let mut columns = Vec::new();
        let mut routes: Vec<TypeRoutes> = Vec::new();
        let mut others = Vec::new();
        for (source, spec) in specs.iter().enumerate() {
            let slots = spec.columns.iter().enumerate().map(|(index, column)| {
                let is_looked_at = spec.needed[index] || column.not_null || spec.time == Some(index);
                is_looked_at.then(|| projection.slot(&column.path))
            });
            columns.push(slots.collect());
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
        Self { specs, limits, projection, columns, routes, others, watch: None }
    }

    /// Has the decoder look whether this field has several values, see [`Self::several_types`].
    #[must_use]
    pub fn watching(mut self, field: &[String]) -> Self {
        self.watch = Some(TypeWatch { slot: self.projection.slot(field), first: None, second: None });
        self
    }

    /// The first two values of the watched field, once there are two: a program of one stream may have forgotten its `type`.
    pub fn several_types(&self) -> Option<(&str, &str)> {
        let watch = self.watch.as_ref()?;
        Some((watch.first.as_deref()?, watch.second.as_deref()?))
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
        // One check over the whole chunk is much cheaper than one a line.
        let is_utf8 = std::str::from_utf8(chunk).is_ok();
        let mut cells = self.projection.cells();
        let mut watch = self.watch.take();
        for (number, at, line) in Lines::of(chunk, start) {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if line.len() > self.limits.max_line {
                let head = &line[..self.limits.kept_of_long_line.min(line.len())];
                out.add_bad(BadEvent::too_long(number, at, line.len() as u64, head.to_vec(), self.limits));
                continue;
            }
            let decoded = self.check_line(line, is_utf8).and_then(|text| {
                self.projection.walk(text, &mut cells).map_err(|error| misread(text, &error))?;
                if let Some(watch) = &mut watch {
                    watch.see(&cells);
                }
                self.rows_of(&cells, start.clock)
            });
            match decoded {
                Ok(rows) if rows.is_empty() => {
                    out.events += 1;
                    out.unrouted += 1;
                }
                Ok(rows) => push(rows, out),
                Err(Misfit { cause, detail }) => {
                    out.add_bad(BadEvent { line: number, offset: at, cause, detail, bytes: line.to_vec() });
                }
            }
        }
        self.watch = watch;
    }

    /// The line as text, if it is worth a parser's while.
    fn check_line<'line>(&self, line: &'line [u8], is_utf8: bool) -> Result<&'line str, Misfit> {
        let misfit = |cause, detail: String| Misfit { cause, detail };
        let text = std::str::from_utf8(line).map_err(|error| {
            debug_assert!(!is_utf8, "a line of a UTF-8 chunk is UTF-8");
            misfit(BadCause::NotUtf8, format!("byte {} of the line is not UTF-8{}", error.valid_up_to() + 1, utf16_hint(line)))
        })?;
        if is_deeper_than(self.limits.max_depth, line) {
            return Err(misfit(BadCause::TooDeep, format!("arrays and objects nest more than {} deep", self.limits.max_depth)));
        }
        Ok(text)
    }

    /// The rows of the event in each of its streams; none if it belongs to no stream.
    fn rows_of<'line>(&'line self, cells: &Cells<'line>, clock: Timestamp) -> Result<Vec<Row<'line>>, Misfit> {
        let mut belongs = self.others.clone();
        for routes in &self.routes {
            let value = cells[routes.slot].and_then(scalar_text);
            belongs.extend(value.and_then(|value| routes.streams.get(&*value)).into_iter().flatten());
        }
        belongs.sort_unstable();
        let mut rows = Vec::with_capacity(belongs.len());
        for source in belongs {
            let spec = &self.specs[source];
            let (values, misfit) = self.values_of(source, cells);
            if let Route::When(holds) = &spec.route
                && !holds(&values)
            {
                continue;
            }
            if let Some(misfit) = misfit {
                return Err(misfit);
            }
            let time = self.time_of(source, cells, clock)?;
            rows.push(Row { source, time, values });
        }
        Ok(rows)
    }

    /// The values of the columns, NULL where one does not fit, and the first misfit.
    fn values_of<'line>(&'line self, source: usize, cells: &Cells<'line>) -> (Vec<Value<'line>>, Option<Misfit>) {
        let spec = &self.specs[source];
        let mut misfit = None;
        let values = spec.columns.iter().enumerate().map(|(index, column)| {
            let field = &spec.schema.fields()[index];
            let cell = self.columns[source][index].and_then(|slot| cells[slot]);
            let value = value_of(cell, column, &field.data_type, spec.needed[index]);
            value.unwrap_or_else(|found| {
                let detail = format!("column `{}`: {}", field.name, found.detail);
                misfit.get_or_insert(Misfit { detail, ..found });
                Value::Null
            })
        });
        (values.collect(), misfit)
    }

    /// The event's time in this stream.
    fn time_of(&self, source: usize, cells: &Cells<'_>, clock: Timestamp) -> Result<Timestamp, Misfit> {
        let spec = &self.specs[source];
        let Some(index) = spec.time else { return Ok(clock) };
        let (field, column) = (&spec.schema.fields()[index], &spec.columns[index]);
        let in_column = |found: Misfit| Misfit { detail: format!("column `{}`: {}", field.name, found.detail), ..found };
        let cell = self.columns[source][index].and_then(|slot| cells[slot]);
        let Value::Timestamp(time) = value_of(cell, column, &DataType::Timestamp, true).map_err(in_column)? else {
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
}

/// The value of a column. One that nobody needs is NULL, but has to be there if it is `NOT NULL`.
fn value_of<'line>(
    cell: Option<&'line str>,
    column: &'line ColumnSpec,
    data_type: &DataType,
    is_needed: bool,
) -> Result<Value<'line>, Misfit> {
    let value = match (cell, &column.default) {
        (Some(text), _) if is_needed => convert(text, data_type, &column.time_format)?,
        (Some("null"), _) | (None, None) => Value::Null,
        (Some(_), _) => return Ok(Value::Null),
        (None, Some(default)) => default.borrowed(),
    };
    if column.not_null && value.is_null() {
        return Err(Misfit { cause: BadCause::MissingValue, detail: "there is no value, and the column is NOT NULL".to_owned() });
    }
    Ok(if is_needed { value } else { Value::Null })
}

/// Adds an event to its streams, under one number.
fn push(rows: Vec<Row<'_>>, out: &mut Decoded) {
    for row in rows {
        let source = &mut out.sources[row.source];
        for (builder, value) in source.columns.iter_mut().zip(row.values) {
            builder.push(value);
        }
        source.times.push(row.time);
        source.numbers.push(out.next_number);
    }
    out.events += 1;
    out.next_number += 1;
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
    fn see(&mut self, cells: &Cells<'_>) {
        if self.second.is_some() {
            return;
        }
        let Some(value) = cells[self.slot].and_then(scalar_text) else { return };
        match &self.first {
            None => self.first = Some(value.into_owned()),
            Some(first) if *first != value => self.second = Some(value.into_owned()),
            Some(_) => {}
        }
    }
}

/// The lines of a chunk without their ends, each with its number and offset.
struct Lines<'chunk> {
    rest: &'chunk [u8],
    line: u64,
    offset: u64,
}

impl<'chunk> Lines<'chunk> {
    fn of(chunk: &'chunk [u8], start: ChunkStart) -> Self {
        let mark: &[u8] = if start.line == 1 { b"\xef\xbb\xbf" } else { b"" };
        let (rest, skipped) = match chunk.strip_prefix(mark) {
            Some(rest) => (rest, mark.len() as u64),
            None => (chunk, 0),
        };
        Self { rest, line: start.line, offset: start.offset + skipped }
    }
}

impl<'chunk> Iterator for Lines<'chunk> {
    type Item = (u64, u64, &'chunk [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', self.rest);
        let (line, rest) = match end {
            Some(end) => (&self.rest[..end], &self.rest[end + 1..]),
            None => (self.rest, &[][..]),
        };
        let item = (self.line, self.offset, line.strip_suffix(b"\r").unwrap_or(line));
        self.offset += (self.rest.len() - rest.len()) as u64;
        self.line += 1;
        self.rest = rest;
        Some(item)
    }
}
