//! Typed columns with validity: Arrow arrays behind one enum, so that a type is looked up once a column and not once a value.
//!
//! Nested values (`LIST`, `STRUCT`) are kept as values and become Arrow lists and structs at the edge of the library (`to_arrow`,
//! `from_arrow` in `codec`): queries read them whole, so columnar nesting would only cost.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

use arrow_array::{Array, BooleanArray, Decimal128Array, Float64Array, Int64Array, StringArray, UInt32Array};
use arrow_buffer::{Buffer, MutableBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use rust_decimal::Decimal;

use super::lists::ListColumn;
use super::{CodedText, ColumnBuilder, DataType, Dictionary, Duration, Timestamp, Value};

/// A column of one type. Cloning shares the buffers.
#[derive(Debug, Clone)]
pub enum Column {
    /// A column of `NULL`s without a type of their own.
    Null(usize),
    /// `BOOL`
    Bool(BooleanArray),
    /// `INT`
    Int(Int64Array),
    /// `FLOAT`
    Float(Float64Array),
    /// `DECIMAL`; the array carries precision and scale.
    Decimal(Decimal128Array),
    /// `STRING`
    String(StringArray),
    /// `STRING` again, as codes into a dictionary: what the decoder makes of texts that repeat.
    Coded(CodedText),
    /// `TIMESTAMP`: nanoseconds.
    Timestamp(Int64Array),
    /// `DURATION`: nanoseconds.
    Duration(Int64Array),
    /// `LIST` or `STRUCT`
    Nested(DataType, Arc<[Value<'static>]>),
    /// `LIST` of words, many of them.
    Lists(ListColumn),
    /// `JSON`: text
    Json(StringArray),
}

impl Column {
    /// How many rows the column has.
    pub fn len(&self) -> usize {
        match self {
            Self::Null(len) => *len,
            Self::Bool(a) => a.len(),
            Self::Int(a) | Self::Timestamp(a) | Self::Duration(a) => a.len(),
            Self::Float(a) => a.len(),
            Self::Decimal(a) => a.len(),
            Self::String(a) | Self::Json(a) => a.len(),
            Self::Coded(a) => a.len(),
            Self::Nested(_, values) => values.len(),
            Self::Lists(lists) => lists.len(),
        }
    }

    /// Whether the column has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the column.
    pub fn data_type(&self) -> DataType {
        match self {
            Self::Null(_) => DataType::Null,
            Self::Bool(_) => DataType::Bool,
            Self::Int(_) => DataType::Int,
            Self::Float(_) => DataType::Float,
            Self::Decimal(a) => DataType::Decimal { precision: a.precision(), scale: a.scale().unsigned_abs() },
            Self::String(_) | Self::Coded(_) => DataType::String,
            Self::Timestamp(_) => DataType::Timestamp,
            Self::Duration(_) => DataType::Duration,
            Self::Nested(data_type, _) => data_type.clone(),
            Self::Lists(lists) => DataType::List(Arc::new(lists.item().clone())),
            Self::Json(_) => DataType::Json,
        }
    }

    /// Whether the value of this row is NULL.
    pub fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null(_) => true,
            Self::Bool(a) => a.is_null(row),
            Self::Int(a) | Self::Timestamp(a) | Self::Duration(a) => a.is_null(row),
            Self::Float(a) => a.is_null(row),
            Self::Decimal(a) => a.is_null(row),
            Self::String(a) | Self::Json(a) => a.is_null(row),
            Self::Coded(a) => a.is_null(row),
            Self::Nested(_, values) => values[row].is_null(),
            Self::Lists(lists) => lists.is_null(row),
        }
    }

    /// Whether any row is NULL.
    pub fn has_nulls(&self) -> bool {
        match self {
            Self::Null(len) => *len > 0,
            Self::Bool(a) => a.null_count() > 0,
            Self::Int(a) | Self::Timestamp(a) | Self::Duration(a) => a.null_count() > 0,
            Self::Float(a) => a.null_count() > 0,
            Self::Decimal(a) => a.null_count() > 0,
            Self::String(a) | Self::Json(a) => a.null_count() > 0,
            Self::Coded(a) => a.nulls().is_some_and(|nulls| nulls.null_count() > 0),
            Self::Nested(_, values) => values.iter().any(Value::is_null),
            Self::Lists(lists) => lists.nulls().is_some_and(|nulls| nulls.null_count() > 0),
        }
    }

    /// The value of a row.
    pub fn value(&self, row: usize) -> Value<'_> {
        if self.is_null(row) {
            return Value::Null;
        }
        match self {
            Self::Null(_) => Value::Null,
            Self::Bool(a) => Value::Bool(a.value(row)),
            Self::Int(a) => Value::Int(a.value(row)),
            Self::Float(a) => Value::Float(a.value(row)),
            Self::Decimal(a) => Value::Decimal(Decimal::from_i128_with_scale(a.value(row), u32::from(a.scale().unsigned_abs()))),
            Self::String(a) => Value::String(Cow::Borrowed(a.value(row))),
            Self::Coded(a) => Value::String(Cow::Borrowed(a.value(row))),
            Self::Timestamp(a) => Value::Timestamp(Timestamp(a.value(row))),
            Self::Duration(a) => Value::Duration(Duration(a.value(row))),
            Self::Nested(_, values) => values[row].clone(),
            Self::Lists(lists) => lists.value(row),
            Self::Json(a) => Value::Json(Cow::Borrowed(a.value(row))),
        }
    }

    /// The eight bytes of a value of an `INT`, `TIMESTAMP`, `DURATION` or `FLOAT` column; nothing where it is NULL.
    #[inline]
    pub fn word(&self, row: usize) -> Option<i64> {
        match self {
            Self::Int(a) | Self::Timestamp(a) | Self::Duration(a) => a.is_valid(row).then(|| a.value(row)),
            Self::Float(a) => a.is_valid(row).then(|| a.value(row).to_bits().cast_signed()),
            Self::Null(_) => None,
            Self::Bool(_) | Self::Decimal(_) | Self::String(_) | Self::Coded(_) | Self::Nested(..) | Self::Lists(_) | Self::Json(_) => {
                panic!("values of {} are no words", self.data_type())
            }
        }
    }

    /// The eight bytes of every value, as [`Self::word`] gives them, where none is NULL.
    pub fn words(&self) -> Option<&[i64]> {
        match self {
            Self::Int(a) | Self::Timestamp(a) | Self::Duration(a) if a.null_count() == 0 => Some(a.values()),
            Self::Float(a) if a.null_count() == 0 => Some(a.values().inner().typed_data()),
            _ => None,
        }
    }

    /// A column of NULLs of this type.
    pub fn nulls(data_type: &DataType, len: usize) -> Self {
        match data_type {
            DataType::Int => Self::Int(null_words(len)),
            DataType::Timestamp => Self::Timestamp(null_words(len)),
            DataType::Duration => Self::Duration(null_words(len)),
            DataType::Float => Self::Float(null_words(len)),
            DataType::Bool => Self::Bool(BooleanArray::new_null(len)),
            DataType::String => Self::String(StringArray::new_null(len)),
            DataType::Json => Self::Json(StringArray::new_null(len)),
            DataType::Null | DataType::Decimal { .. } | DataType::List(_) | DataType::Struct(_) => {
                Self::repeat(data_type, &Value::Null, len)
            }
        }
    }

    /// Whether every value is NULL, if that is known without looking at each.
    fn is_all_null(&self) -> bool {
        match self {
            Self::Null(_) => true,
            Self::Bool(a) => a.null_count() == a.len(),
            Self::Int(a) | Self::Timestamp(a) | Self::Duration(a) => a.null_count() == a.len(),
            Self::Float(a) => a.null_count() == a.len(),
            Self::Decimal(a) => a.null_count() == a.len(),
            Self::String(a) | Self::Json(a) => a.null_count() == a.len(),
            Self::Coded(a) => a.codes().null_count() == a.len(),
            Self::Nested(_, values) => values.is_empty(),
            Self::Lists(lists) => lists.is_empty(),
        }
    }

    /// A column of one value, `len` times.
    pub fn repeat(data_type: &DataType, value: &Value<'_>, len: usize) -> Self {
        let mut builder = ColumnBuilder::new(data_type, len);
        builder.push_times(value, len);
        builder.finish()
    }

    /// A column of these values.
    pub fn from_values<'v>(data_type: &DataType, values: impl IntoIterator<Item = Value<'v>>) -> Self {
        let values = values.into_iter();
        let mut builder = ColumnBuilder::new(data_type, values.size_hint().0);
        for value in values {
            builder.push(value);
        }
        builder.finish()
    }

    /// The rows of these indexes, in that order.
    #[must_use]
    pub fn gather(&self, rows: &[u32]) -> Self {
        if self.is_all_null() {
            return Self::nulls(&self.data_type(), rows.len());
        }
        let at = rows.iter().map(|&r| r as usize);
        match self {
            Self::Null(_) => Self::Null(rows.len()),
            Self::Bool(a) => Self::Bool(at.map(|r| a.is_valid(r).then(|| a.value(r))).collect()),
            Self::Int(a) => Self::Int(gather_primitive(a, rows)),
            Self::Timestamp(a) => Self::Timestamp(gather_primitive(a, rows)),
            Self::Duration(a) => Self::Duration(gather_primitive(a, rows)),
            Self::Float(a) => Self::Float(gather_primitive(a, rows)),
            Self::Decimal(a) => Self::Decimal(gather_primitive(a, rows).with_data_type(a.data_type().clone())),
            Self::String(a) => Self::String(gather_text(a, rows)),
            Self::Coded(a) => Self::Coded(CodedText::new(gather_primitive(a.codes(), rows), a.dictionary().clone())),
            Self::Nested(data_type, values) => Self::Nested(data_type.clone(), at.map(|r| values[r].clone()).collect()),
            Self::Lists(lists) => Self::Nested(self.data_type(), at.map(|r| lists.value(r)).collect()),
            Self::Json(a) => Self::Json(gather_text(a, rows)),
        }
    }

    /// These rows. Where values are of one size they are shared, not copied.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        let (from, len) = (rows.start, rows.len());
        match self {
            Self::Null(_) => Self::Null(len),
            Self::Int(a) => Self::Int(a.slice(from, len)),
            Self::Timestamp(a) => Self::Timestamp(a.slice(from, len)),
            Self::Duration(a) => Self::Duration(a.slice(from, len)),
            Self::Float(a) => Self::Float(a.slice(from, len)),
            Self::Coded(a) => Self::Coded(CodedText::new(a.codes().slice(from, len), a.dictionary().clone())),
            Self::Bool(_) | Self::Decimal(_) | Self::String(_) | Self::Nested(..) | Self::Lists(_) | Self::Json(_) => {
                let row = |row| u32::try_from(row).expect("a batch has fewer than 2^32 rows");
                self.gather(&rows.map(row).collect::<Vec<_>>())
            }
        }
    }

    /// The rows of these (column, row) pairs, in that order. The columns are of one type, which `data_type` names.
    pub fn interleave(data_type: &DataType, columns: &[&Column], at: &[(u32, u32)]) -> Self {
        // Columns that nobody reads are such.
        if columns.iter().all(|column| column.is_all_null()) {
            return Self::nulls(data_type, at.len());
        }
        // Flat types by array; a part of another kind (a column of bare NULLs) sends all of it the slow way.
        let flat = match data_type {
            DataType::Int => interleave_primitive(columns, at, |c| if let Self::Int(a) = c { Some(a) } else { None }).map(Self::Int),
            DataType::Timestamp => {
                interleave_primitive(columns, at, |c| if let Self::Timestamp(a) = c { Some(a) } else { None }).map(Self::Timestamp)
            }
            DataType::Duration => {
                interleave_primitive(columns, at, |c| if let Self::Duration(a) = c { Some(a) } else { None }).map(Self::Duration)
            }
            DataType::Float => interleave_primitive(columns, at, |c| if let Self::Float(a) = c { Some(a) } else { None }).map(Self::Float),
            DataType::String => interleave_coded(columns, at)
                .map(Self::Coded)
                .or_else(|| interleave_text(columns, at, |c| if let Self::String(a) = c { Some(a) } else { None }).map(Self::String)),
            DataType::Json => interleave_text(columns, at, |c| if let Self::Json(a) = c { Some(a) } else { None }).map(Self::Json),
            DataType::Null | DataType::Bool | DataType::Decimal { .. } | DataType::List(_) | DataType::Struct(_) => None,
        };
        flat.unwrap_or_else(|| Self::from_values(data_type, at.iter().map(|&(c, r)| columns[c as usize].value(r as usize))))
    }
}

impl Column {
    /// The rows of these columns, laid end to end, in that order. The columns are of one type, which `data_type` names.
    pub fn gather_chained(data_type: &DataType, columns: &[&Column], at: &[u32]) -> Self {
        if let [alone] = columns {
            return alone.gather(at);
        }
        if columns.iter().all(|column| column.is_all_null()) {
            return Self::nulls(data_type, at.len());
        }
        let chained = match data_type {
            DataType::Int => gather_primitives(columns, at, |c| if let Self::Int(a) = c { Some(a) } else { None }).map(Self::Int),
            DataType::Timestamp => {
                gather_primitives(columns, at, |c| if let Self::Timestamp(a) = c { Some(a) } else { None }).map(Self::Timestamp)
            }
            DataType::Float => gather_primitives(columns, at, |c| if let Self::Float(a) = c { Some(a) } else { None }).map(Self::Float),
            DataType::String => coded(columns).and_then(|(dictionary, codes_of)| {
                Some(Self::Coded(CodedText::new(gather_primitives(columns, at, codes_of)?, dictionary)))
            }),
            _ => None,
        };
        chained.unwrap_or_else(|| {
            let rows = (0u32..).zip(columns).flat_map(|(number, column)| (0u32..).take(column.len()).map(move |row| (number, row)));
            let places: Vec<(u32, u32)> = rows.collect();
            let at: Vec<(u32, u32)> = at.iter().map(|&at| places[at as usize]).collect();
            Self::interleave(data_type, columns, &at)
        })
    }
}

/// Words that are all NULL. Columns that nobody reads are such in every batch, so those of usual length share one buffer.
fn null_words<T: arrow_array::ArrowPrimitiveType>(len: usize) -> arrow_array::PrimitiveArray<T> {
    const SHARED: usize = 1 << 16;
    static ZEROS: LazyLock<(Buffer, NullBuffer)> =
        LazyLock::new(|| (MutableBuffer::from_len_zeroed(SHARED * size_of::<u64>()).into(), NullBuffer::new_null(SHARED)));
    if len > SHARED || size_of::<T::Native>() != size_of::<u64>() {
        return arrow_array::PrimitiveArray::new_null(len);
    }
    let (zeros, nulls) = &*ZEROS;
    arrow_array::PrimitiveArray::new(ScalarBuffer::new(zeros.clone(), 0, len), Some(nulls.slice(0, len)))
}

fn interleave_primitive<'c, T: arrow_array::ArrowPrimitiveType>(
    columns: &[&'c Column],
    at: &[(u32, u32)],
    array_of: impl Fn(&'c Column) -> Option<&'c arrow_array::PrimitiveArray<T>>,
) -> Option<arrow_array::PrimitiveArray<T>> {
    let arrays: Vec<_> = columns.iter().map(|&c| array_of(c)).collect::<Option<_>>()?;
    if arrays.iter().all(|a| a.null_count() == 0) {
        let values: Vec<&[T::Native]> = arrays.iter().map(|a| a.values().as_ref()).collect();
        let values: Vec<T::Native> = at.iter().map(|&(c, r)| values[c as usize][r as usize]).collect();
        return Some(arrow_array::PrimitiveArray::new(values.into(), None));
    }
    Some(at.iter().map(|&(c, r)| (arrays[c as usize], r as usize)).map(|(a, r)| a.is_valid(r).then(|| a.value(r))).collect())
}

/// The same of columns that are laid end to end, if none has NULLs.
fn gather_primitives<'c, T: arrow_array::ArrowPrimitiveType>(
    columns: &[&'c Column],
    at: &[u32],
    array_of: impl Fn(&'c Column) -> Option<&'c arrow_array::PrimitiveArray<T>>,
) -> Option<arrow_array::PrimitiveArray<T>> {
    let mut chain: Vec<T::Native> = Vec::with_capacity(columns.iter().map(|column| column.len()).sum());
    for column in columns {
        chain.extend_from_slice(array_of(column).filter(|array| array.null_count() == 0)?.values());
    }
    let values: Vec<T::Native> = at.iter().map(|&at| chain[at as usize]).collect();
    Some(arrow_array::PrimitiveArray::new(values.into(), None))
}

/// Codes, where all columns have one dictionary.
fn interleave_coded(columns: &[&Column], at: &[(u32, u32)]) -> Option<CodedText> {
    let (dictionary, codes_of) = coded(columns)?;
    Some(CodedText::new(interleave_primitive(columns, at, codes_of)?, dictionary))
}

/// The dictionary of the first column that has one, and the codes of a column of that dictionary.
fn coded<'c>(columns: &[&'c Column]) -> Option<(Arc<Dictionary>, impl Fn(&'c Column) -> Option<&'c UInt32Array> + use<'c>)> {
    let first = columns.iter().find_map(|column| if let Column::Coded(texts) = column { Some(texts) } else { None })?;
    let codes_of = move |column: &'c Column| match column {
        Column::Coded(texts) if texts.shares_dictionary(first) => Some(texts.codes()),
        _ => None,
    };
    Some((first.dictionary().clone(), codes_of))
}

fn interleave_text<'c>(
    columns: &[&'c Column],
    at: &[(u32, u32)],
    array_of: impl Fn(&'c Column) -> Option<&'c StringArray>,
) -> Option<StringArray> {
    let arrays: Vec<_> = columns.iter().map(|&c| array_of(c)).collect::<Option<_>>()?;
    let has_nulls = arrays.iter().any(|a| a.null_count() > 0);
    Some(pick_text(at.iter().map(|&(c, r)| (arrays[c as usize], r as usize)), has_nulls))
}

/// The texts of these rows: lengths first, then the bytes in one go.
fn pick_text<'c>(rows: impl ExactSizeIterator<Item = (&'c StringArray, usize)> + Clone, has_nulls: bool) -> StringArray {
    let lengths = rows.clone().map(|(array, row)| array.value_length(row).unsigned_abs() as usize);
    let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
    let mut bytes = Vec::with_capacity(offsets[rows.len()].unsigned_abs() as usize);
    for (array, row) in rows.clone() {
        let offsets = array.value_offsets();
        let (begin, end) = (offsets[row].unsigned_abs() as usize, offsets[row + 1].unsigned_abs() as usize);
        bytes.extend_from_slice(&array.value_data()[begin..end]);
    }
    let nulls = has_nulls.then(|| rows.map(|(array, row)| array.is_valid(row)).collect::<NullBuffer>());
    StringArray::new(offsets, bytes.into(), nulls)
}

fn gather_primitive<T: arrow_array::ArrowPrimitiveType>(
    array: &arrow_array::PrimitiveArray<T>,
    rows: &[u32],
) -> arrow_array::PrimitiveArray<T> {
    if array.null_count() == 0 {
        let values: &[T::Native] = array.values();
        let values: Vec<T::Native> = rows.iter().map(|&r| values[r as usize]).collect();
        return arrow_array::PrimitiveArray::new(values.into(), None);
    }
    rows.iter().map(|&r| array.is_valid(r as usize).then(|| array.value(r as usize))).collect()
}

fn gather_text(array: &StringArray, rows: &[u32]) -> StringArray {
    pick_text(rows.iter().map(|&row| (array, row as usize)), array.null_count() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_laid_end_to_end_give_the_rows_of_pairs() {
        let values = |data_type: &DataType, from: i64, has_nulls: bool| -> Vec<Value<'static>> {
            let value = |n: i64| match data_type {
                _ if has_nulls && n % 3 == 0 => Value::Null,
                DataType::Int => Value::Int(n),
                DataType::Float => Value::Float(n as f64),
                DataType::Timestamp => Value::Timestamp(Timestamp(n)),
                DataType::Bool => Value::Bool(n % 2 == 0),
                _ => Value::string(n.to_string()),
            };
            (from..from + 5).map(value).collect()
        };
        for data_type in [DataType::Int, DataType::Float, DataType::Timestamp, DataType::Bool, DataType::String] {
            for (has_nulls, has_codes) in [(false, false), (true, false), (false, true), (true, true)] {
                let mut coding = ColumnBuilder::interning(&data_type);
                let mut column = |from: i64| {
                    let mut plain = ColumnBuilder::new(&data_type, 0);
                    let builder = if has_codes { &mut coding } else { &mut plain };
                    values(&data_type, from, has_nulls).into_iter().for_each(|value| builder.push(value));
                    builder.finish()
                };
                let (a, b) = (column(0), column(3));
                let at = [9, 0, 4, 5, 5, 2, 7];
                let pairs: Vec<(u32, u32)> = at.iter().map(|at| (at / 5, at % 5)).collect();
                let (found, wanted) =
                    (Column::gather_chained(&data_type, &[&a, &b], &at), Column::interleave(&data_type, &[&a, &b], &pairs));
                let rows = |column: &Column| (0..column.len()).map(|row| column.value(row).into_owned()).collect::<Vec<_>>();
                assert_eq!(rows(&found), rows(&wanted), "{data_type} {has_nulls} {has_codes}");
            }
        }
    }

    #[test]
    fn codes_are_interleaved_where_there_is_one_dictionary() {
        let column = |builder: &mut ColumnBuilder, texts: &[&str]| {
            texts.iter().for_each(|text| builder.push(if text.is_empty() { Value::Null } else { Value::string(*text) }));
            builder.finish()
        };
        let mut builder = ColumnBuilder::interning(&DataType::String);
        let (a, b) = (column(&mut builder, &["a", "b", ""]), column(&mut builder, &["c", "b"]));
        let other = column(&mut ColumnBuilder::interning(&DataType::String), &["b", "z"]);
        let plain = column(&mut ColumnBuilder::new(&DataType::String, 0), &["p", ""]);
        let at = [(1, 0), (0, 2), (1, 1), (0, 1), (0, 0)];
        let whole = Column::interleave(&DataType::String, &[&a, &b], &at);
        let Column::Coded(coded) = &whole else { panic!("one dictionary") };
        assert_eq!(coded.codes().value(2), coded.codes().value(3), "one text, one code");
        let values: Vec<Value<'_>> = (0..5).map(|row| whole.value(row)).collect();
        assert_eq!(values, [Value::string("c"), Value::Null, Value::string("b"), Value::string("b"), Value::string("a")]);
        for (second, expected) in [(&other, ["b", "z"]), (&plain, ["p", ""])] {
            let mixed = Column::interleave(&DataType::String, &[&a, second], &[(1, 0), (0, 1), (1, 1)]);
            assert!(matches!(mixed, Column::String(_)));
            let expected = [expected[0], "b", expected[1]].map(|text| if text.is_empty() { Value::Null } else { Value::string(text) });
            assert_eq!([0, 1, 2].map(|row| mixed.value(row)), expected);
        }
        let gathered = a.gather(&[2, 1, 1]);
        assert!(matches!(gathered, Column::Coded(_)));
        assert_eq!([0, 1, 2].map(|row| gathered.value(row)), [Value::Null, Value::string("b"), Value::string("b")]);
    }

    #[test]
    fn interleaving_takes_each_row_from_its_column() {
        let cents = DataType::Decimal { precision: 5, scale: 2 };
        let cases: Vec<(DataType, [Value<'static>; 4])> = vec![
            (DataType::Bool, [Value::Bool(true), Value::Bool(false), Value::Null, Value::Bool(true)]),
            (DataType::Int, [1, 2, 3, 4].map(Value::Int)),
            (DataType::Float, [Value::Float(1.5), Value::Null, Value::Float(2.5), Value::Float(3.5)]),
            (DataType::Timestamp, [1, 2, 3, 4].map(|n| Value::Timestamp(Timestamp(n)))),
            (DataType::Duration, [Value::Duration(Duration(1)), Value::Null, Value::Null, Value::Duration(Duration(4))]),
            (DataType::String, [Value::string("a"), Value::Null, Value::string(""), Value::string("d")]),
            (DataType::Json, ["1", "2", "3", "4"].map(|text| Value::Json(text.into()))),
            (cents, ["1.00", "2.00", "3.00", "4.00"].map(|text| Value::Decimal(text.parse().expect("a number")))),
        ];
        for (data_type, [a, b, c, d]) in cases {
            let parts = [
                Column::from_values(&data_type, [a.clone(), b.clone()]),
                Column::from_values(&data_type, [c.clone(), d.clone()]),
                Column::Null(1),
            ];
            let whole = Column::interleave(&data_type, &[&parts[0], &parts[1]], &[(1, 1), (0, 0), (1, 0), (0, 1), (0, 0)]);
            let values: Vec<Value<'_>> = (0..5).map(|row| whole.value(row)).collect();
            assert_eq!(values, [d, a.clone(), c, b, a.clone()], "{data_type}");
            assert_eq!(whole.data_type(), data_type);
            let mixed = Column::interleave(&data_type, &[&parts[0], &parts[2]], &[(1, 0), (0, 0)]);
            assert_eq!((mixed.value(0), mixed.value(1)), (Value::Null, a), "{data_type}");
        }
    }
}
