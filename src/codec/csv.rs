//! Records of comma-separated values to rows of the source streams: the first record of an input names the columns.
//!
//! Bytes come in, cut anywhere; an unfinished record waits for its rest. A cell is read as its column says: `STRING` takes any text, an
//! empty cell is NULL (or the column's `DEFAULT`), all other types take what JSON has for them. What stands between the cells (`,`, `;`, `|` or a
//! tab) is told by the header line. Records are counted by the line on which they begin, quoted line ends among them, so that a bad one
//! is found in the file. One that is longer than a line may be is passed over up to the next line end: an open quote costs no more.

use std::io::{self, Read};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::table::value_of_text;
use super::{BadCause, BadEvent, Decoded, Limits, Route, SourceSpec};
use crate::data::{StateError, StateReader, StateWriter, Timestamp, Value};

/// Signs that may stand between cells, the likelier first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// A header that is longer is none.
const MAX_HEADER: usize = 1 << 20;
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Decodes one input after the other.
#[derive(Debug)]
pub struct CsvDecoder {
    limits: Limits,
    /// For what stands between the cells, from the first header on: its table takes long to make, so it is kept while that stays.
    reader: Option<(u8, Reader)>,
    header: Option<Header>,
    /// The bytes of the unfinished record, as they came.
    raw: Vec<u8>,
    /// The texts of its cells, without quotes, and where each ends.
    text: Vec<u8>,
    text_len: usize,
    ends: Vec<usize>,
    ends_len: usize,
    /// Where the record at hand begins.
    line: u64,
    offset: u64,
    /// What is left of a line that was too long is passed over.
    is_skipping: bool,
}

/// Where each column stands.
#[derive(Debug)]
struct Header {
    /// The line itself.
    raw: Vec<u8>,
    cells: usize,
    names: Vec<String>,
    /// For each stream, the cell of each column.
    columns: Vec<Vec<Option<usize>>>,
    /// For each stream, the cell of its type field.
    types: Vec<Option<usize>>,
}

impl CsvDecoder {
    /// A decoder that has read nothing.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            reader: None,
            header: None,
            raw: Vec::new(),
            text: vec![0; 1024],
            text_len: 0,
            ends: vec![0; 32],
            ends_len: 0,
            line: 1,
            offset: 0,
            is_skipping: false,
        }
    }

    /// Whether anything of the input at hand has come.
    pub fn has_begun(&self) -> bool {
        self.offset > 0 || !self.raw.is_empty()
    }

    /// The header line of the input at hand, once it has come.
    pub fn header(&self) -> Option<&[u8]> {
        self.header.as_ref().map(|header| &*header.raw)
    }

    /// Takes bytes up to the end of as many records, and says how many it took: all of them, unless there were more records.
    pub fn decode(&mut self, specs: &[SourceSpec], bytes: &[u8], most: usize, clock: Timestamp, out: &mut Decoded) -> usize {
        let (mut used, mut records) = (0, 0);
        while used < bytes.len() && records < most.max(1) {
            used += self.step(specs, &bytes[used..], clock, out, &mut records);
        }
        used
    }

    /// The end of the input: its last record may have no line end. The next input begins with a header.
    pub fn finish(&mut self, specs: &[SourceSpec], clock: Timestamp, out: &mut Decoded) {
        if !self.raw.is_empty() && !self.is_skipping {
            let mut records = 0;
            // A header that never came to its end is known to be whole only now.
            if self.header.is_none() && self.raw.last() != Some(&b'\n') {
                self.step(specs, b"\n", clock, out, &mut records);
            }
            while !self.raw.is_empty() && records == 0 && !self.is_skipping {
                self.read(specs, &[], clock, out, &mut records);
            }
        }
        *self = Self { reader: self.reader.take(), ..Self::new(self.limits) };
    }

    /// Writes the header and the unfinished record, as they came.
    pub fn save(&self, to: &mut StateWriter) {
        to.put(&self.header.as_ref().map(|header| header.raw.clone()));
        to.put(&self.raw);
        to.put(&(self.line, self.offset, self.is_skipping));
    }

    /// Takes them in: they are taken apart again.
    pub fn load(
        &mut self,
        from: &mut StateReader<'_>,
        specs: &[SourceSpec],
        clock: Timestamp,
        out: &mut Decoded,
    ) -> Result<(), StateError> {
        *self = Self { reader: self.reader.take(), ..Self::new(self.limits) };
        if let Some(header) = from.take()? {
            self.raw = header;
            self.begin(specs);
        }
        let raw: Vec<u8> = from.take()?;
        (self.line, self.offset, self.is_skipping) = from.take()?;
        if self.header.is_none() {
            self.raw = raw;
            return Ok(());
        }
        let (mut used, mut records) = (0, 0);
        while used < raw.len() && records == 0 && !self.is_skipping {
            used += self.read(specs, &raw[used..], clock, out, &mut records);
        }
        if records == 0 { Ok(()) } else { Err(StateError::new("an unfinished record that is whole")) }
    }

    /// Takes some of the bytes, at most to the end of a record.
    fn step(&mut self, specs: &[SourceSpec], bytes: &[u8], clock: Timestamp, out: &mut Decoded, records: &mut usize) -> usize {
        if self.is_skipping {
            return self.skip(bytes);
        }
        if self.header.is_some() {
            return self.read(specs, bytes, clock, out, records);
        }
        let bytes = self.as_much_as_may_come(bytes);
        // The header is gathered whole, because what stands between its cells has to be known before it is taken apart.
        let end = memchr::memchr(b'\n', bytes).map(|end| end + 1);
        self.raw.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
        if self.raw.len() > self.limits.max_line.saturating_add(2) {
            self.give_up(out);
        } else if end.is_some() {
            self.begin(specs);
        }
        end.unwrap_or(bytes.len())
    }

    /// Takes the header apart.
    fn begin(&mut self, specs: &[SourceSpec]) {
        let raw = std::mem::take(&mut self.raw);
        let line = raw.strip_prefix(MARK).unwrap_or(&raw);
        self.offset += raw.len() as u64;
        self.line += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let delimiter = delimiter_of(line);
        let (_, reader) = match self.reader.take().filter(|(known, _)| *known == delimiter) {
            Some(known) => self.reader.insert(known),
            None => self.reader.insert((delimiter, ReaderBuilder::new().delimiter(delimiter).build())),
        };
        reader.reset();
        let (mut text, mut ends) = (vec![0; line.len() + 1], vec![0; line.len() + 1]);
        let (_, _, _, count) = reader.read_record(line, &mut text, &mut ends);
        let mut begin = 0;
        let names = ends[..count].iter().map(|&end| {
            let cell = String::from_utf8_lossy(&text[begin..end]).trim().to_owned();
            begin = end;
            cell
        });
        self.header = Some(Header::new(raw.clone(), names.collect(), specs));
        self.begin_anew();
    }

    /// The next byte begins a record. A reader that has read nothing would take a byte order mark away, if it came in one piece: only the
    /// header may have one.
    fn begin_anew(&mut self) {
        if let Some((_, reader)) = &mut self.reader {
            reader.reset();
            reader.read_record(b"\n", &mut [0], &mut [0]);
        }
    }

    /// Not more than it takes to know that a record is too long: so it ends at the same byte however the input was cut.
    fn as_much_as_may_come<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let room = self.limits.max_line.saturating_add(3) - self.raw.len();
        &bytes[..room.min(bytes.len())]
    }

    fn read(&mut self, specs: &[SourceSpec], bytes: &[u8], clock: Timestamp, out: &mut Decoded, records: &mut usize) -> usize {
        let bytes = self.as_much_as_may_come(bytes);
        let (_, reader) = self.reader.as_mut().expect("records come behind the header");
        let (result, used, wrote, ended) = reader.read_record(bytes, &mut self.text[self.text_len..], &mut self.ends[self.ends_len..]);
        self.raw.extend_from_slice(&bytes[..used]);
        self.pass_over_blanks();
        self.text_len += wrote;
        self.ends_len += ended;
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
            ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            ReadRecordResult::Record => {
                self.end_record(specs, clock, out);
                *records += 1;
            }
            ReadRecordResult::End => self.pass_over(),
        }
        if self.raw.len() > self.limits.max_line.saturating_add(2) {
            self.give_up(out);
        }
        used
    }

    /// A record is whole.
    fn end_record(&mut self, specs: &[SourceSpec], clock: Timestamp, out: &mut Decoded) {
        let (line, offset) = (self.line, self.offset);
        let header = self.header.as_ref().expect("records come behind the header");
        let cells = Cells { text: &self.text[..self.text_len], ends: &self.ends[..self.ends_len] };
        let record = self.raw.strip_suffix(b"\n").unwrap_or(&self.raw);
        let record = record.strip_suffix(b"\r").unwrap_or(record);
        if record.len() > self.limits.max_line {
            out.add_bad(BadEvent::too_long(line, offset, record.len() as u64, record.to_vec(), self.limits));
        } else if let Err((cause, detail)) = header.push(specs, &cells, clock, out) {
            out.add_bad(BadEvent { line, offset, cause, detail, bytes: record.to_vec() });
        }
        self.pass_over();
    }

    /// Blank lines before a record are no part of it, whether they came with it or before.
    fn pass_over_blanks(&mut self) {
        let blank = self.raw.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.line += memchr::memchr_iter(b'\n', &self.raw[..blank]).count() as u64;
        self.offset += blank as u64;
        self.raw.drain(..blank);
    }

    /// What was gathered has had its use.
    fn pass_over(&mut self) {
        self.line += memchr::memchr_iter(b'\n', &self.raw).count() as u64;
        self.offset += self.raw.len() as u64;
        self.raw.clear();
        (self.text_len, self.ends_len) = (0, 0);
    }

    /// A record is too long: it is bad, and what follows is read from the next line end on.
    fn give_up(&mut self, out: &mut Decoded) {
        let raw = std::mem::take(&mut self.raw);
        let detail = format!("the record has more than {} bytes: a quote may be open", self.limits.max_line);
        let mut bad = BadEvent::too_long(self.line, self.offset, raw.len() as u64, raw.clone(), self.limits);
        bad.detail = detail;
        out.add_bad(bad);
        self.line += memchr::memchr_iter(b'\n', &raw).count() as u64;
        self.offset += raw.len() as u64;
        self.is_skipping = raw.last() != Some(&b'\n');
        (self.text_len, self.ends_len) = (0, 0);
        self.begin_anew();
    }

    fn skip(&mut self, bytes: &[u8]) -> usize {
        let end = memchr::memchr(b'\n', bytes);
        let used = end.map_or(bytes.len(), |end| end + 1);
        self.offset += used as u64;
        if end.is_some() {
            self.line += 1;
            self.is_skipping = false;
        }
        used
    }
}

/// The records of a table as they are, header first, for looking at what is there.
#[derive(Debug)]
pub struct Records<R> {
    reader: csv::Reader<io::Chain<io::Cursor<Vec<u8>>, R>>,
    record: csv::ByteRecord,
}

impl<R: Read> Records<R> {
    /// Reads up to the end of the header line.
    pub fn new(mut bytes: R) -> io::Result<Self> {
        let mut head = Vec::new();
        let mut buffer = [0; 4096];
        while memchr::memchr(b'\n', &head).is_none() && head.len() < MAX_HEADER {
            match bytes.read(&mut buffer)? {
                0 => break,
                count => head.extend_from_slice(&buffer[..count]),
            }
        }
        let header = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let delimiter = delimiter_of(header);
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(io::Cursor::new(head).chain(bytes));
        Ok(Self { reader, record: csv::ByteRecord::new() })
    }

    /// The cells of the next record; those that are not UTF-8 with signs in the place of what is not.
    pub fn next_record(&mut self) -> io::Result<Option<Vec<String>>> {
        let is_there = self.reader.read_byte_record(&mut self.record)?;
        Ok(is_there.then(|| self.record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()))
    }
}

/// The sign that stands most often in the header, outside of quotes.
fn delimiter_of(header: &[u8]) -> u8 {
    let mut counts = [0usize; DELIMITERS.len()];
    let mut is_quoted = false;
    for byte in header {
        is_quoted ^= *byte == b'"';
        if let Some(index) = DELIMITERS.iter().position(|delimiter| delimiter == byte).filter(|_| !is_quoted) {
            counts[index] += 1;
        }
    }
    let most = counts.iter().max().copied().unwrap_or(0);
    counts.iter().position(|count| *count == most).map_or(b',', |index| DELIMITERS[index])
}

/// The cells of a record.
struct Cells<'r> {
    text: &'r [u8],
    ends: &'r [usize],
}

impl<'r> Cells<'r> {
    fn get(&self, index: usize) -> &'r [u8] {
        let begin = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[begin..self.ends[index]]
    }
}

type Fault = (BadCause, String);

impl Header {
    fn new(raw: Vec<u8>, names: Vec<String>, specs: &[SourceSpec]) -> Self {
        let cell = |path: &[String]| {
            let name = path.join(".");
            names.iter().position(|found| *found == name)
        };
        let columns = specs.iter().map(|spec| spec.columns.iter().map(|column| cell(&column.path)).collect()).collect();
        let types = specs.iter().map(|spec| if let Route::Type { field, .. } = &spec.route { cell(field) } else { None }).collect();
        Self { raw, cells: names.len(), columns, types, names }
    }

    /// Makes the record's rows: all of them, or none.
    fn push(&self, specs: &[SourceSpec], cells: &Cells<'_>, clock: Timestamp, out: &mut Decoded) -> Result<(), Fault> {
        if cells.ends.len() != self.cells {
            let detail = format!("there are {} cells, and the header has {}", cells.ends.len(), self.cells);
            return Err((BadCause::NotCsv, detail));
        }
        let mut rows: Vec<(usize, Timestamp, Vec<Value<'static>>)> = Vec::new();
        for (source, spec) in specs.iter().enumerate() {
            if let Route::Type { value, .. } = &spec.route
                && self.types[source].is_none_or(|cell| cells.get(cell) != value.as_bytes())
            {
                continue;
            }
            let (values, misfit) = self.values_of(source, spec, cells);
            if let Route::When(condition) = &spec.route {
                let (holds, nulls) = (condition.holds)(&values);
                out.eval_nulls += nulls;
                if !holds {
                    continue;
                }
            }
            if let Some(misfit) = misfit {
                return Err(misfit);
            }
            rows.push((source, self.time_of(spec, &values, clock)?, values));
        }
        out.events += 1;
        if rows.is_empty() {
            out.unrouted += 1;
            return Ok(());
        }
        for (source, time, values) in rows {
            let rows = &mut out.sources[source];
            for ((builder, value), is_needed) in rows.columns.iter_mut().zip(values).zip(&specs[source].needed) {
                builder.push(if *is_needed { value } else { Value::Null });
            }
            rows.times.push(time);
            rows.numbers.push(out.next_number);
        }
        out.next_number += 1;
        Ok(())
    }

    /// The values of a stream's columns, NULL where one does not fit, and the first misfit.
    fn values_of(&self, source: usize, spec: &SourceSpec, cells: &Cells<'_>) -> (Vec<Value<'static>>, Option<Fault>) {
        let mut misfit = None;
        let columns = spec.columns.iter().zip(spec.schema.fields()).zip(&self.columns[source]);
        let values = columns.map(|((column, field), cell)| {
            let bytes = cell.map_or(&[][..], |cell| cells.get(cell));
            let value = match std::str::from_utf8(bytes) {
                Ok(text) => value_of_text(text, field, column).map_err(|detail| (BadCause::WrongType, detail)),
                Err(_) => Err((BadCause::NotUtf8, "the cell is not UTF-8".to_owned())),
            };
            let value = value.and_then(|value| {
                let is_missing = column.not_null && value.is_null();
                if is_missing { Err((BadCause::MissingValue, self.nothing(*cell))) } else { Ok(value) }
            });
            value.unwrap_or_else(|(cause, detail)| {
                misfit.get_or_insert((cause, format!("column `{}`: {detail}", field.name)));
                Value::Null
            })
        });
        (values.collect(), misfit)
    }

    fn nothing(&self, cell: Option<usize>) -> String {
        match cell {
            Some(_) => "there is no value, and the column is NOT NULL".to_owned(),
            None => format!("it is not in the header ({})", self.names.join(", ")),
        }
    }

    fn time_of(&self, spec: &SourceSpec, values: &[Value<'_>], clock: Timestamp) -> Result<Timestamp, Fault> {
        let Some(index) = spec.time else { return Ok(clock) };
        let name = &spec.schema.fields()[index].name;
        let Value::Timestamp(time) = values[index] else {
            let is_there = self.names.contains(&spec.columns[index].path.join("."));
            let why = if is_there { String::new() } else { format!(": it is not in the header ({})", self.names.join(", ")) };
            return Err((BadCause::NoTime, format!("the event-time column `{name}` has no value{why}")));
        };
        match spec.ahead {
            Some(limit) if time > clock.saturating_add(limit) => {
                let detail = format!("column `{name}`: {time} is more than {limit} ahead of the arrival clock, {clock}");
                Err((BadCause::AheadOfClock, detail))
            }
            _ => Ok(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::{DataType, Field, Schema};

    fn specs() -> Vec<SourceSpec> {
        let columns = [("id", DataType::String), ("n", DataType::Int), ("at", DataType::Timestamp)];
        let schema = Schema::new(columns.into_iter().map(|(name, data_type)| Field::new(name, data_type)).collect());
        let mut spec = SourceSpec::new("S", Arc::new(schema));
        spec.time = Some(2);
        vec![spec]
    }

    /// Rows as text, and bad ones as `line@offset cause: detail | bytes`.
    fn decode(chunks: &[&[u8]], max_line: usize) -> Vec<String> {
        let specs = specs();
        let mut decoder = CsvDecoder::new(Limits { max_line, ..Limits::default() });
        let mut out = Decoded::new(&specs);
        for chunk in chunks {
            assert_eq!(decoder.decode(&specs, chunk, usize::MAX, Timestamp::MIN, &mut out), chunk.len());
        }
        decoder.finish(&specs, Timestamp::MIN, &mut out);
        let rows = out.sources[0].take();
        let mut found: Vec<String> = (0..rows.times.len())
            .map(|row| rows.columns.iter().map(|column| format!("{:?}", column.value(row))).collect::<Vec<_>>().join(" "))
            .collect();
        found.extend(
            out.bad
                .iter()
                .map(|bad| format!("{}@{} {}: {} | {}", bad.line, bad.offset, bad.cause, bad.detail, String::from_utf8_lossy(&bad.bytes))),
        );
        found
    }

    const TEXT: &[u8] = b"\xef\xbb\xbfid,extra,n,at\r\n\"a,\n\"\"b\",x,7,1000\n\nc,,seven,2000\nd,1,2\n007,,,3000";

    #[test]
    fn blank_lines_are_no_part_of_a_record_that_is_too_long() {
        let text = b"id,n,at\n\n\r\na,\"12345678901234567890\n\nb,1,1000\n";
        let whole = decode(&[text], 16);
        assert!(whole.iter().any(|row| row.starts_with("4@11 line_too_long")), "{whole:?}");
        (0..text.len()).for_each(|cut| assert_eq!(decode(&[&text[..cut], &text[cut..]], 16), whole, "cut at {cut}"));
    }

    #[test]
    fn a_byte_order_mark_inside_is_data_in_one_piece_or_in_several() {
        let text = b"id,n,at\n\xef\xbb\xbfa,1,1000\n";
        let whole = decode(&[text], 1 << 20);
        assert!(whole.len() == 1 && whole[0].ends_with("a\") Int(1) Timestamp(Timestamp(1000000000))"), "{whole:?}");
        assert_ne!(whole, decode(&[b"id,n,at\na,1,1000\n"], 1 << 20), "the mark is there");
        (0..text.len()).for_each(|cut| assert_eq!(decode(&[&text[..cut], &text[cut..]], 1 << 20), whole, "cut at {cut}"));
    }

    #[test]
    fn any_cut_gives_the_same_rows_and_places() {
        let whole = decode(&[TEXT], 1 << 20);
        let expected = [
            "String(\"a,\\n\\\"b\") Int(7) Timestamp(Timestamp(1000000000))",
            "String(\"007\") Null Timestamp(Timestamp(3000000000))",
            "5@37 wrong_type: column `n`: `seven` is no INT | c,,seven,2000",
            "6@51 not_csv: there are 3 cells, and the header has 4 | d,1,2",
        ];
        for (found, expected) in whole.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}\n{expected}");
        }
        assert_eq!(whole.len(), expected.len(), "{whole:?}");
        for at in 0..=TEXT.len() {
            assert_eq!(decode(&[&TEXT[..at], &TEXT[at..]], 1 << 20), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = TEXT.chunks(1).collect();
        assert_eq!(decode(&bytes, 1 << 20), whole);
    }

    #[test]
    fn an_open_quote_costs_one_record() {
        let text = [b"id,n,at\nx,1,1000\n\"open,1,".to_vec(), vec![b'y'; 100], b"\nz,3,3000\n".to_vec()].concat();
        let found = decode(&[&text], 40);
        for at in 0..=text.len() {
            assert_eq!(decode(&[&text[..at], &text[at..]], 40), found, "cut at {at}");
        }
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].starts_with("String(\"z\")"), "{found:?}");
        assert!(found[2].starts_with("3@17 line_too_long: the record has more than 40 bytes"), "{found:?}");
    }

    #[test]
    fn the_header_tells_what_stands_between_cells() {
        assert_eq!(delimiter_of(b"a;\"b,c,d\";e\n"), b';');
        assert_eq!(delimiter_of(b"a\tb\n"), b'\t');
        assert_eq!(delimiter_of(b"a\n"), b',');
        let found = decode(&[b"at;id;n\n1000;a,b;5\n"], 100);
        assert!(found[0].starts_with("String(\"a,b\") Int(5)"), "{found:?}");
        let found = decode(&[b"id,n\na,5\n"], 100);
        assert!(found[0].ends_with("`at` has no value: it is not in the header (id, n) | a,5"), "{found:?}");
    }
}
