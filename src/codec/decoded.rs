//! What a decoder gives: rows of every source stream, and the lines that were no good.
//!
//! A [`Decoded`] is filled by any number of calls and emptied by its owner; arrival numbers go on from call to call, so that they count
//! events over all streams and all inputs that share it.

use std::fmt;

use super::SourceSpec;
use crate::data::{Arrivals, Column, ColumnBuilder, Saved, StateError, StateReader, StateWriter, Timestamp};

/// Limits of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A line of more bytes than this, its end not counted, is bad. Default: 1 MiB.
    pub max_line: usize,
    /// How many bytes of such a line are kept for the report. Default: 4 KiB.
    pub kept_of_long_line: usize,
    /// How deep arrays and objects may nest. Default: 128.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_line: 1 << 20, kept_of_long_line: 4 << 10, max_depth: 128 }
    }
}

/// Where and when a chunk of lines begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkStart {
    /// The number of the chunk's first line in its input, from 1.
    pub line: u64,
    /// The offset of the chunk's first byte in its input.
    pub offset: u64,
    /// The arrival clock: the time of events without a time of their own, and what `AHEAD` is measured from.
    pub clock: Timestamp,
}

/// Why an event is bad. The code is stable: dead letters and counters carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BadCause {
    /// The line is not one JSON value.
    NotJson,
    /// The line is JSON, but not an object.
    NotAnObject,
    /// A record of comma-separated values has more or fewer cells than the header.
    NotCsv,
    /// The line is not UTF-8.
    NotUtf8,
    /// A text that is needed has half of a surrogate pair, which is no character.
    LoneSurrogate,
    /// Arrays and objects nest too deep.
    TooDeep,
    /// The line is too long.
    LineTooLong,
    /// A value does not fit its column.
    WrongType,
    /// A `NOT NULL` column has no value.
    MissingValue,
    /// The event-time column has no value.
    NoTime,
    /// A time that 64 bits of nanoseconds do not reach.
    TimeOutOfRange,
    /// The event time is further ahead of the arrival clock than the stream allows.
    AheadOfClock,
}

impl BadCause {
    /// All causes.
    pub const ALL: [Self; 12] = [
        Self::NotJson,
        Self::NotAnObject,
        Self::NotCsv,
        Self::NotUtf8,
        Self::LoneSurrogate,
        Self::TooDeep,
        Self::LineTooLong,
        Self::WrongType,
        Self::MissingValue,
        Self::NoTime,
        Self::TimeOutOfRange,
        Self::AheadOfClock,
    ];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::NotAnObject => "not_an_object",
            Self::NotCsv => "not_csv",
            Self::NotUtf8 => "not_utf8",
            Self::LoneSurrogate => "lone_surrogate",
            Self::TooDeep => "too_deep",
            Self::LineTooLong => "line_too_long",
            Self::WrongType => "wrong_type",
            Self::MissingValue => "missing_value",
            Self::NoTime => "no_time",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::AheadOfClock => "ahead_of_clock",
        }
    }
}

impl fmt::Display for BadCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A line that is no good, as it is told and dead-lettered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadEvent {
    /// Its line number in its input, from 1.
    pub line: u64,
    /// The offset of its first byte in its input.
    pub offset: u64,
    /// Why it is bad.
    pub cause: BadCause,
    /// The same in words, with the column where one is to blame.
    pub detail: String,
    /// The line without its end; only the head of one that is too long.
    pub bytes: Vec<u8>,
}

crate::saved!(BadEvent { line, offset, cause, detail, bytes });

/// By its code, which is stable.
impl Saved for BadCause {
    fn save(&self, to: &mut StateWriter) {
        to.blob(self.code().as_bytes());
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let code: String = from.take()?;
        Self::ALL.into_iter().find(|cause| cause.code() == code).ok_or_else(|| StateError::new(format!("{code:?} is no cause")))
    }
}

impl BadEvent {
    /// A line of `length` bytes, which are too many; of its bytes only the head is kept, and no more than a line may have: of one that came in
    /// pieces there is nothing else.
    pub fn too_long(line: u64, offset: u64, length: u64, mut head: Vec<u8>, limits: Limits) -> Self {
        head.truncate(limits.kept_of_long_line.min(limits.max_line));
        // A character that the cut went through would make the whole head unreadable.
        if let Err(error) = std::str::from_utf8(&head)
            && error.error_len().is_none()
        {
            head.truncate(error.valid_up_to());
        }
        let detail = format!("the line has {length} bytes, {} are allowed", limits.max_line);
        Self { line, offset, cause: BadCause::LineTooLong, detail, bytes: head }
    }
}

/// Rows of one source stream, being decoded.
#[derive(Debug)]
pub struct SourceRows {
    /// Columns that nobody needs may have fewer values than there are rows: theirs are NULL all.
    pub(super) columns: Vec<ColumnBuilder>,
    pub(super) times: Vec<Timestamp>,
    pub(super) numbers: Vec<u64>,
}

impl SourceRows {
    fn new(spec: &SourceSpec) -> Self {
        let columns = spec.schema.fields().iter().map(|f| ColumnBuilder::interning(&f.data_type)).collect();
        Self { columns, times: Vec::new(), numbers: Vec::new() }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// The rows; none are left.
    pub fn take(&mut self) -> Arrivals {
        let rows = self.times.len();
        // The next chunk will bring about as many.
        let room = rows + rows / 8;
        let finish = |builder: &mut ColumnBuilder| {
            if builder.is_empty() {
                // Nobody needs it: nothing was ever pushed.
                return Column::nulls(builder.data_type(), rows);
            }
            builder.fill_with_nulls(rows);
            let column = builder.finish();
            builder.reserve(room);
            column
        };
        Arrivals {
            columns: self.columns.iter_mut().map(finish).collect(),
            times: std::mem::replace(&mut self.times, Vec::with_capacity(room)),
            numbers: std::mem::replace(&mut self.numbers, Vec::with_capacity(room)),
        }
    }
}

/// What has been decoded and not yet been taken.
#[derive(Debug)]
pub struct Decoded {
    /// The rows of each source stream, in the order of the specs.
    pub sources: Vec<SourceRows>,
    /// The lines that were no good, in their order.
    pub bad: Vec<BadEvent>,
    /// How many events belonged to no stream.
    pub unrouted: u64,
    /// How many lines were read that are not blank: events of some stream, bad ones and unrouted ones.
    pub events: u64,
    /// The arrival number of the next event.
    pub next_number: u64,
    /// How many NULLs the conditions of streams had to make up.
    pub eval_nulls: u64,
}

impl Decoded {
    /// Nothing decoded yet, for these streams.
    pub fn new(specs: &[SourceSpec]) -> Self {
        Self {
            sources: specs.iter().map(SourceRows::new).collect(),
            bad: Vec::new(),
            unrouted: 0,
            events: 0,
            next_number: 0,
            eval_nulls: 0,
        }
    }

    /// Counts a line that is no good.
    pub fn add_bad(&mut self, bad: BadEvent) {
        self.events += 1;
        self.bad.push(bad);
    }

    /// The rows of all streams, in the order of the specs; none are left. Counters and bad events stay.
    pub fn take_rows(&mut self) -> Vec<Arrivals> {
        self.sources.iter_mut().map(SourceRows::take).collect()
    }
}
