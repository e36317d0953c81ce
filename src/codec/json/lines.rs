//! Rows of one batch to lines, many of them: what a column is is looked at once a batch, and whether there is room once a row.

use std::cell::Cell;

use arrow_array::Array;

use super::encode::{Before, quoted, write_cell};
use super::numeral::{put, put_float, put_int};
use crate::data::{Column, DataType, Dictionary, MinuteText, Timestamp, Written};

/// No plain value takes more bytes than this, with what is put too far behind it.
const VALUE: usize = 64;
/// More room than this is not kept.
const MOST_SPARE: usize = 1 << 20;

/// Lines in the making: bytes that are made already, and behind them room for the next ones.
#[derive(Debug)]
pub struct Text {
    bytes: Vec<u8>,
    length: usize,
    minutes: Minutes,
    /// For values that are not plain.
    value: Vec<u8>,
}

thread_local! {
    /// One that is not used: room costs as much to make as to fill.
    static SPARE: Cell<Option<Box<Text>>> = const { Cell::new(None) };
}

impl Text {
    /// Nothing yet; to be given back ([`Self::give_back`]) when it is not needed any more.
    pub fn take() -> Box<Self> {
        let spare = SPARE.take();
        spare.unwrap_or_else(|| Box::new(Self { bytes: Vec::new(), length: 0, minutes: Minutes::new(), value: Vec::new() }))
    }

    /// Keeps the room for the next one, unless it is much.
    pub fn give_back(mut self: Box<Self>) {
        if self.bytes.len().max(self.value.capacity()) <= MOST_SPARE {
            self.clear();
            SPARE.set(Some(self));
        }
    }

    /// What has been made.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// How many bytes that are.
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Forgets what has been made.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// Puts bytes between others.
    pub fn insert(&mut self, at: usize, bytes: &[u8]) {
        room(&mut self.bytes, self.length, bytes.len());
        self.bytes.copy_within(at..self.length, at + bytes.len());
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }
}

/// The texts of the minutes that times were of.
#[derive(Debug)]
struct Minutes {
    /// The times of one row mostly lie some minutes apart.
    kept: [MinuteText; 16],
    last: usize,
}

impl Minutes {
    const fn new() -> Self {
        Self { kept: [const { MinuteText::new() }; 16], last: 0 }
    }

    #[inline]
    fn of(&mut self, time: Timestamp) -> &mut MinuteText {
        // Whoever writes a time looks whether it is of the minute: a slot need only be mostly right.
        let mut slot = self.last & 15;
        if !self.kept[slot].has(time) {
            slot = (time.0.cast_unsigned() / 60_000_000_000 % 16) as usize;
            self.last = slot;
        }
        &mut self.kept[slot]
    }
}

/// Writes rows of one batch.
#[derive(Debug)]
pub struct BatchWriter<'b> {
    cells: Vec<Cells<'b>>,
    end: &'b Before,
    /// A row takes no more room, but for values that are not plain.
    room: usize,
}

#[derive(Debug)]
struct Cells<'b> {
    before: &'b Before,
    values: Values<'b>,
    column: &'b Column,
    data_type: &'b DataType,
}

/// The values of a column without NULLs.
#[derive(Debug)]
enum Values<'b> {
    Ints(&'b [i64]),
    Floats(&'b [f64]),
    Times(&'b [i64]),
    Codes(&'b [u32], &'b Dictionary),
    /// Any other column.
    Other,
}

impl<'b> Values<'b> {
    fn of(column: &'b Column) -> Self {
        match column {
            Column::Int(values) if values.null_count() == 0 => Self::Ints(values.values()),
            Column::Float(values) if values.null_count() == 0 => Self::Floats(values.values()),
            Column::Timestamp(values) if values.null_count() == 0 => Self::Times(values.values()),
            Column::Coded(texts) if texts.codes().null_count() == 0 => Self::Codes(texts.codes().values(), texts.dictionary()),
            _ => Self::Other,
        }
    }
}

impl<'b> BatchWriter<'b> {
    /// Of these columns: what stands before each, and its type.
    pub(super) fn new(columns: impl Iterator<Item = (&'b Before, &'b Column, &'b DataType)>, end: &'b Before) -> Self {
        let cells: Vec<Cells<'b>> =
            columns.map(|(before, column, data_type)| Cells { before, values: Values::of(column), column, data_type }).collect();
        let room = cells.iter().map(|cell| cell.before.room() + VALUE).sum::<usize>() + end.room();
        Self { cells, end, room }
    }

    /// Appends a row as a line.
    pub fn write_line(&self, row: usize, text: &mut Text) {
        let Text { bytes, length, minutes, value } = text;
        let mut at = 0;
        let mut room = room(bytes, *length, self.room);
        for cell in &self.cells {
            at = cell.before.put(room, at);
            at = match cell.values {
                Values::Ints(values) => put_int(values[row], room, at),
                Values::Floats(values) => put_float(values[row], room, at),
                Values::Times(values) => {
                    let time = Timestamp(values[row]);
                    minutes.of(time).put_quoted(time, room, at)
                }
                Values::Codes(codes, dictionary) => match dictionary.written(codes[row], quoted) {
                    Written::Short(piece, length) => put(piece, usize::from(*length), room, at),
                    Written::Long(long) => {
                        room = self.apart(bytes, length, at, long);
                        0
                    }
                },
                Values::Other => {
                    value.clear();
                    write_cell(cell.column, row, cell.data_type, value);
                    room = self.apart(bytes, length, at, value);
                    0
                }
            };
        }
        *length += self.end.put(room, at);
    }

    /// Ends what has been put into the room so far with bytes of any number; gives the room behind them.
    #[inline(never)]
    fn apart<'t>(&self, made: &'t mut Vec<u8>, length: &mut usize, at: usize, bytes: &[u8]) -> &'t mut [u8] {
        *length += at;
        room(made, *length, bytes.len())[..bytes.len()].copy_from_slice(bytes);
        *length += bytes.len();
        room(made, *length, self.room)
    }
}

/// At least so much room behind what has been made.
#[inline]
fn room(made: &mut Vec<u8>, length: usize, least: usize) -> &mut [u8] {
    if made.len().wrapping_sub(length) < least {
        made.resize((length + least).max(2 * made.len()), 0);
    }
    &mut made[length..]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Text;
    use crate::codec::json::RowWriter;
    use crate::data::{Column, ColumnBuilder, DataType, Duration, EventBatch, Field, Place, Schema, Timestamp, Value};

    /// A value of a type: mostly a common one, now and then at an end.
    fn value(data_type: &DataType, random: u64) -> Value<'static> {
        let (kind, of) = (random % 8, random >> 3);
        match data_type {
            DataType::Int => Value::Int(if kind == 0 { of.cast_signed() << 3 } else { (of % 1_000_000).cast_signed() - 1000 }),
            DataType::Float if kind == 0 => Value::Float(f64::from_bits(of << 3)),
            DataType::Float => Value::Float((of % 10_000_000) as f64 / 100.0 - 500.0),
            DataType::Timestamp if kind == 0 => Value::Timestamp(Timestamp((of << 3).cast_signed())),
            DataType::Timestamp => Value::Timestamp(Timestamp((of % 100_000_000).cast_signed() * 1_000_000)),
            DataType::Duration => Value::Duration(Duration((of % 1_000_000).cast_signed())),
            _ => Value::string("a \"text\" of any length, which is to be escaped"[..(of % 40) as usize].to_owned()),
        }
    }

    #[test]
    fn lines_are_rows() {
        let types = [DataType::Int, DataType::Float, DataType::Timestamp, DataType::Duration, DataType::String, DataType::String];
        let long = "a name of a column that is too long for a piece of 32 bytes";
        let names = ["n", "price", "at", "lag", "text", long];
        let fields: Vec<Field> = names.iter().zip(&types).map(|(name, data_type)| Field::new(*name, data_type.clone())).collect();
        let schema = Schema::new(fields);
        let mut state = 11u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 7
        };
        for round in 0..60u64 {
            let rows = [0, 1, 700][(round % 3) as usize];
            let columns: Vec<Column> = types
                .iter()
                .enumerate()
                .map(|(number, data_type)| {
                    let mut builder = if number == 4 { ColumnBuilder::interning(data_type) } else { ColumnBuilder::new(data_type, 0) };
                    let has_nulls = random() % 3 == 0;
                    for _ in 0..rows {
                        let is_null = has_nulls && random() % 4 == 0;
                        builder.push(if is_null { Value::Null } else { value(data_type, random()) });
                    }
                    builder.finish()
                })
                .collect();
            let places: crate::data::Places = (0..rows).map(|row| Place::event(Timestamp(0), row + 1)).collect();
            let batch = EventBatch::new(Arc::new(schema.clone()), columns, places);
            let writer = RowWriter::new((round % 2 == 0).then_some("Rows"), &schema);
            let (mut text, of_batch, mut wanted) = (Text::take(), writer.of(&batch), Vec::new());
            for row in 0..batch.len() {
                of_batch.write_line(row, &mut text);
                writer.write_row(&batch, row, &mut wanted);
                wanted.push(b'\n');
            }
            assert_eq!(String::from_utf8_lossy(text.as_bytes()), String::from_utf8_lossy(&wanted));
            text.insert(0, b"before");
            assert_eq!(text.as_bytes(), [b"before", &wanted[..]].concat());
            text.give_back();
        }
    }
}
