//! Columns to Arrow arrays and back: the edge of the library.
//!
//! Out, every type has one Arrow type (`TIMESTAMP` is nanoseconds in UTC, `JSON` is its text). In, a column also takes what obviously means
//! the same: other widths, units, string layouts and dictionaries. What would lose something (a number that does not fit, a text that is no
//! JSON) is refused with the column and the row; nothing is rounded.

use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, DurationMicrosecondType,
    DurationMillisecondType, DurationNanosecondType, DurationSecondType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, DurationNanosecondArray, Int64Array, ListArray, NullArray, RecordBatch, RecordBatchOptions, StructArray,
    TimestampNanosecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType as ArrowType, Field as ArrowField, TimeUnit};
use rust_decimal::Decimal;

use crate::data::{Column, DataType, Duration, EventBatch, Field, Schema, Timestamp, Value};

/// Why Arrow data does not fit a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArrowMisfit {
    /// The column is not there.
    MissingColumn {
        /// Its name.
        column: Arc<str>,
    },
    /// The array's type does not fit the column's.
    WrongType {
        /// The column, or the path of the field within it.
        column: Arc<str>,
        /// The column's type.
        wanted: DataType,
        /// The array's type.
        found: ArrowType,
    },
    /// One value does not fit.
    WrongValue {
        /// The column, or the path of the field within it.
        column: Arc<str>,
        /// The row, from 0.
        row: usize,
        /// The column's type.
        wanted: DataType,
    },
}

impl fmt::Display for ArrowMisfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingColumn { column } => write!(f, "there is no column `{column}`"),
            Self::WrongType { column, wanted, found } => {
                write!(f, "column `{column}` is {wanted}, and an Arrow array of {found} does not fit it")
            }
            Self::WrongValue { column, row, wanted } => write!(f, "column `{column}`, row {row}: the value does not fit {wanted}"),
        }
    }
}

impl std::error::Error for ArrowMisfit {}

/// The Arrow type that columns of this type go out as.
// Recursion here and below: one level a LIST or STRUCT in the type.
pub fn arrow_type(data_type: &DataType) -> ArrowType {
    match data_type {
        DataType::Null => ArrowType::Null,
        DataType::Bool => ArrowType::Boolean,
        DataType::Int => ArrowType::Int64,
        DataType::Float => ArrowType::Float64,
        DataType::Decimal { precision, scale } => ArrowType::Decimal128(*precision, scale_of(*scale)),
        DataType::String | DataType::Json => ArrowType::Utf8,
        DataType::Timestamp => ArrowType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        DataType::Duration => ArrowType::Duration(TimeUnit::Nanosecond),
        DataType::List(item) => ArrowType::List(item_field(item)),
        DataType::Struct(fields) => ArrowType::Struct(fields.iter().map(arrow_field).collect()),
    }
}

/// The Arrow schema that batches of this schema go out with.
pub fn arrow_schema(schema: &Schema) -> arrow_schema::Schema {
    arrow_schema::Schema::new(schema.fields().iter().map(arrow_field).collect::<Vec<_>>())
}

/// The type of the column that an array of this Arrow type comes in as, where there is one.
pub fn data_type_of(arrow: &ArrowType) -> Option<DataType> {
    Some(match arrow {
        ArrowType::Null => DataType::Null,
        ArrowType::Boolean => DataType::Bool,
        ArrowType::Int8
        | ArrowType::Int16
        | ArrowType::Int32
        | ArrowType::Int64
        | ArrowType::UInt8
        | ArrowType::UInt16
        | ArrowType::UInt32
        | ArrowType::UInt64 => DataType::Int,
        ArrowType::Float32 | ArrowType::Float64 => DataType::Float,
        ArrowType::Decimal32(precision, scale) | ArrowType::Decimal64(precision, scale) | ArrowType::Decimal128(precision, scale) => {
            let scale = u8::try_from(*scale).ok()?;
            (*precision <= 28 && scale <= *precision).then_some(DataType::Decimal { precision: *precision, scale })?
        }
        ArrowType::Utf8 | ArrowType::LargeUtf8 | ArrowType::Utf8View => DataType::String,
        ArrowType::Timestamp(_, _) | ArrowType::Date32 | ArrowType::Date64 => DataType::Timestamp,
        ArrowType::Duration(_) => DataType::Duration,
        ArrowType::Dictionary(_, values) => data_type_of(values)?,
        ArrowType::List(item) | ArrowType::LargeList(item) | ArrowType::FixedSizeList(item, _) => {
            DataType::List(Arc::new(data_type_of(item.data_type())?))
        }
        ArrowType::Struct(fields) => {
            let fields = fields.iter().map(|f| Some(Field::new(f.name().as_str(), data_type_of(f.data_type())?)));
            DataType::Struct(fields.collect::<Option<Vec<_>>>()?.into())
        }
        _ => return None,
    })
}

fn arrow_field(field: &Field) -> ArrowField {
    ArrowField::new(&*field.name, arrow_type(&field.data_type), true)
}

fn item_field(item: &DataType) -> Arc<ArrowField> {
    Arc::new(ArrowField::new_list_field(arrow_type(item), true))
}

fn scale_of(scale: u8) -> i8 {
    i8::try_from(scale).expect("the scale is at most 28")
}

/// The rows of a batch as an Arrow batch. Flat columns share their buffers; texts kept as codes are written out.
pub fn to_record_batch(batch: &EventBatch) -> RecordBatch {
    let fields = batch.schema().fields();
    let arrays = fields.iter().zip(batch.columns()).map(|(field, column)| to_arrow(column, &field.data_type)).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.len()));
    RecordBatch::try_new_with_options(Arc::new(arrow_schema(batch.schema())), arrays, &options)
        .expect("arrays of the schema's types and of one length")
}

/// A column as an Arrow array of [`arrow_type`].
pub fn to_arrow(column: &Column, data_type: &DataType) -> ArrayRef {
    match column {
        Column::Null(len) if *data_type == DataType::Null => Arc::new(NullArray::new(*len)),
        Column::Null(len) => to_arrow(&Column::nulls(data_type, *len), data_type),
        Column::Bool(values) => Arc::new(values.clone()),
        Column::Int(values) => Arc::new(values.clone()),
        Column::Float(values) => Arc::new(values.clone()),
        Column::Decimal(values) => Arc::new(values.clone()),
        Column::String(texts) | Column::Json(texts) => Arc::new(texts.clone()),
        Column::Coded(texts) => Arc::new(texts.to_strings()),
        Column::Timestamp(nanos) => {
            Arc::new(TimestampNanosecondArray::new(nanos.values().clone(), nanos.nulls().cloned()).with_timezone("UTC"))
        }
        Column::Duration(nanos) => Arc::new(DurationNanosecondArray::new(nanos.values().clone(), nanos.nulls().cloned())),
        Column::Lists(lists) => {
            let items = to_arrow(lists.items(), lists.item());
            Arc::new(ListArray::new(item_field(lists.item()), lists.offsets().clone(), items, lists.nulls().cloned()))
        }
        Column::Nested(DataType::List(item), values) => list_to_arrow(values, item),
        Column::Nested(DataType::Struct(fields), values) => struct_to_arrow(values, fields),
        Column::Nested(_, _) => unreachable!("nested columns are lists or structs"),
    }
}

fn list_to_arrow(values: &[Value<'static>], item: &DataType) -> ArrayRef {
    let items_of = |value: &Value<'static>| if let Value::List(items) = value { items.clone() } else { Arc::default() };
    let items = values.iter().flat_map(|value| items_of(value).to_vec());
    let items = to_arrow(&Column::from_values(item, items), item);
    let offsets = OffsetBuffer::from_lengths(values.iter().map(|value| items_of(value).len()));
    Arc::new(ListArray::new(item_field(item), offsets, items, Some(validity(values))))
}

fn struct_to_arrow(values: &[Value<'static>], fields: &[Field]) -> ArrayRef {
    let arrays = fields.iter().enumerate().map(|(index, field)| {
        let of_field = |value: &Value<'static>| if let Value::Struct(parts) = value { parts[index].clone() } else { Value::Null };
        to_arrow(&Column::from_values(&field.data_type, values.iter().map(of_field)), &field.data_type)
    });
    let arrays: Vec<ArrayRef> = arrays.collect();
    if arrays.is_empty() {
        return Arc::new(StructArray::new_empty_fields(values.len(), Some(validity(values))));
    }
    Arc::new(StructArray::new(fields.iter().map(arrow_field).collect(), arrays, Some(validity(values))))
}

fn validity(values: &[Value<'static>]) -> NullBuffer {
    values.iter().map(|value| !value.is_null()).collect()
}

/// The columns of a schema, found in an Arrow batch by their names. Other columns are passed over.
pub fn from_record_batch(batch: &RecordBatch, schema: &Schema) -> Result<Vec<Column>, ArrowMisfit> {
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(&field.name) {
        Some(array) => from_arrow(array, &field.data_type, &field.name),
        None => Err(ArrowMisfit::MissingColumn { column: field.name.clone() }),
    });
    columns.collect()
}

/// An Arrow array as a column of this type; `name` is for messages.
pub fn from_arrow(array: &dyn Array, data_type: &DataType, name: &str) -> Result<Column, ArrowMisfit> {
    let incoming = Incoming { array, wanted: data_type, name };
    if *array.data_type() == ArrowType::Null {
        return Ok(Column::nulls(data_type, array.len()));
    }
    if matches!(array.data_type(), ArrowType::Dictionary(_, _)) {
        return incoming.dictionary();
    }
    match data_type {
        DataType::Null => Err(incoming.wrong_type()),
        DataType::Bool => array.as_boolean_opt().cloned().map(Column::Bool).ok_or_else(|| incoming.wrong_type()),
        DataType::Int => incoming.integers().map(Column::Int),
        DataType::Float => incoming.floats(),
        DataType::Decimal { precision, scale } => incoming.decimals(*precision, *scale),
        DataType::String => incoming.texts(),
        DataType::Timestamp => incoming.timestamps().map(Column::Timestamp),
        DataType::Duration => incoming.durations().map(Column::Duration),
        DataType::List(item) => incoming.lists(item),
        DataType::Struct(fields) => incoming.structs(fields),
        DataType::Json => incoming.json(),
    }
}

/// An array on its way into a column.
struct Incoming<'array> {
    array: &'array dyn Array,
    wanted: &'array DataType,
    name: &'array str,
}

impl Incoming<'_> {
    fn wrong_type(&self) -> ArrowMisfit {
        ArrowMisfit::WrongType { column: self.name.into(), wanted: self.wanted.clone(), found: self.array.data_type().clone() }
    }

    fn wrong_value(&self, row: usize) -> ArrowMisfit {
        ArrowMisfit::WrongValue { column: self.name.into(), row, wanted: self.wanted.clone() }
    }

    /// Integers from an array of primitives, each made by `make`; those that give none do not fit.
    fn converted<T: ArrowPrimitiveType>(&self, make: impl Fn(T::Native) -> Option<i64>) -> Result<Int64Array, ArrowMisfit> {
        let array = self.array.as_primitive::<T>();
        let values = array.iter().enumerate().map(|(row, value)| match value {
            Some(value) => make(value).map(Some).ok_or_else(|| self.wrong_value(row)),
            None => Ok(None),
        });
        values.collect()
    }

    fn integers(&self) -> Result<Int64Array, ArrowMisfit> {
        match self.array.data_type() {
            ArrowType::Int64 => Ok(self.array.as_primitive::<Int64Type>().clone()),
            ArrowType::Int32 => self.converted::<Int32Type>(|v| Some(v.into())),
            ArrowType::Int16 => self.converted::<Int16Type>(|v| Some(v.into())),
            ArrowType::Int8 => self.converted::<Int8Type>(|v| Some(v.into())),
            ArrowType::UInt64 => self.converted::<UInt64Type>(|v| i64::try_from(v).ok()),
            ArrowType::UInt32 => self.converted::<UInt32Type>(|v| Some(v.into())),
            ArrowType::UInt16 => self.converted::<UInt16Type>(|v| Some(v.into())),
            ArrowType::UInt8 => self.converted::<UInt8Type>(|v| Some(v.into())),
            _ => Err(self.wrong_type()),
        }
    }

    fn floats(&self) -> Result<Column, ArrowMisfit> {
        match self.array.data_type() {
            ArrowType::Float64 => Ok(Column::Float(self.array.as_primitive::<Float64Type>().clone())),
            ArrowType::Float32 => Ok(Column::Float(self.array.as_primitive::<Float32Type>().unary(f64::from))),
            _ => {
                #[expect(clippy::cast_precision_loss, reason = "a FLOAT column takes any number, as from JSON")]
                let floats = self.integers()?.unary(|v| v as f64);
                Ok(Column::Float(floats))
            }
        }
    }

    fn decimals(&self, precision: u8, scale: u8) -> Result<Column, ArrowMisfit> {
        let (mantissas, found_scale): (Vec<Option<i128>>, i8) = match self.array.data_type() {
            ArrowType::Decimal128(_, scale) => (self.array.as_primitive::<Decimal128Type>().iter().collect(), *scale),
            ArrowType::Decimal64(_, scale) => {
                (self.array.as_primitive::<Decimal64Type>().iter().map(|v| v.map(i128::from)).collect(), *scale)
            }
            ArrowType::Decimal32(_, scale) => {
                (self.array.as_primitive::<Decimal32Type>().iter().map(|v| v.map(i128::from)).collect(), *scale)
            }
            _ => (self.integers()?.iter().map(|v| v.map(i128::from)).collect(), 0),
        };
        let shift = i32::from(scale) - i32::from(found_scale);
        let factor = 10i128.checked_pow(shift.unsigned_abs());
        let values = mantissas.into_iter().enumerate().map(|(row, mantissa)| {
            let Some(mantissa) = mantissa else { return Ok(Value::Null) };
            let rescaled = match factor {
                Some(factor) if shift >= 0 => mantissa.checked_mul(factor),
                Some(factor) => (mantissa % factor == 0).then(|| mantissa / factor),
                None => (mantissa == 0).then_some(0),
            };
            rescaled
                .filter(|m| m.unsigned_abs() < 10u128.pow(u32::from(precision)))
                .and_then(|m| Decimal::try_from_i128_with_scale(m, u32::from(scale)).ok())
                .map(Value::Decimal)
                .ok_or_else(|| self.wrong_value(row))
        });
        Ok(Column::from_values(self.wanted, values.collect::<Result<Vec<_>, _>>()?))
    }

    fn strings(&self) -> Result<arrow_array::StringArray, ArrowMisfit> {
        Ok(match self.array.data_type() {
            ArrowType::Utf8 => self.array.as_string::<i32>().clone(),
            ArrowType::LargeUtf8 => self.array.as_string::<i64>().iter().collect(),
            ArrowType::Utf8View => self.array.as_string_view().iter().collect(),
            _ => return Err(self.wrong_type()),
        })
    }

    fn texts(&self) -> Result<Column, ArrowMisfit> {
        self.strings().map(Column::String)
    }

    fn json(&self) -> Result<Column, ArrowMisfit> {
        let texts = self.strings()?;
        for (row, text) in texts.iter().enumerate() {
            if text.is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_err()) {
                return Err(self.wrong_value(row));
            }
        }
        Ok(Column::Json(texts))
    }

    fn timestamps(&self) -> Result<Int64Array, ArrowMisfit> {
        const DAY_SECONDS: i64 = 86_400;
        let nanos = |value: i64, factor: i64| value.checked_mul(factor).map(|nanos| Timestamp(nanos).0);
        match self.array.data_type() {
            ArrowType::Timestamp(TimeUnit::Nanosecond, _) => {
                let array = self.array.as_primitive::<TimestampNanosecondType>();
                Ok(Int64Array::new(array.values().clone(), array.nulls().cloned()))
            }
            ArrowType::Timestamp(TimeUnit::Microsecond, _) => self.converted::<TimestampMicrosecondType>(|v| nanos(v, 1_000)),
            ArrowType::Timestamp(TimeUnit::Millisecond, _) => self.converted::<TimestampMillisecondType>(|v| nanos(v, 1_000_000)),
            ArrowType::Timestamp(TimeUnit::Second, _) => self.converted::<TimestampSecondType>(|v| nanos(v, 1_000_000_000)),
            ArrowType::Date32 => self.converted::<Date32Type>(|days| nanos(i64::from(days) * DAY_SECONDS, 1_000_000_000)),
            ArrowType::Date64 => self.converted::<Date64Type>(|millis| nanos(millis, 1_000_000)),
            _ => Err(self.wrong_type()),
        }
    }

    fn durations(&self) -> Result<Int64Array, ArrowMisfit> {
        let nanos = |value: i64, factor: i64| value.checked_mul(factor).map(|nanos| Duration(nanos).0);
        match self.array.data_type() {
            ArrowType::Duration(TimeUnit::Nanosecond) => {
                let array = self.array.as_primitive::<DurationNanosecondType>();
                Ok(Int64Array::new(array.values().clone(), array.nulls().cloned()))
            }
            ArrowType::Duration(TimeUnit::Microsecond) => self.converted::<DurationMicrosecondType>(|v| nanos(v, 1_000)),
            ArrowType::Duration(TimeUnit::Millisecond) => self.converted::<DurationMillisecondType>(|v| nanos(v, 1_000_000)),
            ArrowType::Duration(TimeUnit::Second) => self.converted::<DurationSecondType>(|v| nanos(v, 1_000_000_000)),
            _ => Err(self.wrong_type()),
        }
    }

    /// A dictionary is its values, each looked up.
    fn dictionary(&self) -> Result<Column, ArrowMisfit> {
        let dictionary = self.array.as_any_dictionary_opt().ok_or_else(|| self.wrong_type())?;
        if dictionary.values().is_empty() {
            return Ok(Column::nulls(self.wanted, self.array.len()));
        }
        let values = from_arrow(dictionary.values(), self.wanted, self.name)?;
        let keys = dictionary.normalized_keys();
        let rows = keys.iter().enumerate().map(|(row, key)| if dictionary.keys().is_null(row) { Value::Null } else { values.value(*key) });
        Ok(Column::from_values(self.wanted, rows))
    }

    fn lists(&self, item: &DataType) -> Result<Column, ArrowMisfit> {
        let row_items = |row: usize| -> Option<ArrayRef> {
            if self.array.is_null(row) {
                return None;
            }
            match self.array.data_type() {
                ArrowType::List(_) => Some(self.array.as_list::<i32>().value(row)),
                ArrowType::LargeList(_) => Some(self.array.as_list::<i64>().value(row)),
                _ => Some(self.array.as_fixed_size_list().value(row)),
            }
        };
        if !matches!(self.array.data_type(), ArrowType::List(_) | ArrowType::LargeList(_) | ArrowType::FixedSizeList(_, _)) {
            return Err(self.wrong_type());
        }
        let name = format!("{}[]", self.name);
        let rows = (0..self.array.len()).map(|row| {
            let Some(items) = row_items(row) else { return Ok(Value::Null) };
            let items = from_arrow(&items, item, &name)?;
            Ok(Value::List((0..items.len()).map(|at| items.value(at).into_owned()).collect()))
        });
        Ok(Column::from_values(self.wanted, rows.collect::<Result<Vec<_>, ArrowMisfit>>()?))
    }

    /// Fields are found by their names; one that is not there is NULL, as in JSON.
    fn structs(&self, fields: &[Field]) -> Result<Column, ArrowMisfit> {
        let array = self.array.as_struct_opt().ok_or_else(|| self.wrong_type())?;
        let parts = fields.iter().map(|field| match array.column_by_name(&field.name) {
            Some(part) => from_arrow(part, &field.data_type, &format!("{}.{}", self.name, field.name)),
            None => Ok(Column::nulls(&field.data_type, array.len())),
        });
        let parts: Vec<Column> = parts.collect::<Result<_, _>>()?;
        let rows = (0..array.len()).map(|row| match array.is_null(row) {
            true => Value::Null,
            false => Value::Struct(parts.iter().map(|part| part.value(row).into_owned()).collect()),
        });
        Ok(Column::from_values(self.wanted, rows))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{
        Date32Array, Decimal64Array, DictionaryArray, Float32Array, Int16Array, LargeStringArray, StringArray, StringViewArray,
        TimestampMillisecondArray, TimestampSecondArray, UInt64Array,
    };

    use super::*;
    use crate::data::Place;

    fn all_types() -> Vec<(DataType, Vec<Value<'static>>)> {
        let fields: Arc<[Field]> =
            Arc::new([Field::new("x", DataType::Int), Field::new("tags", DataType::List(Arc::new(DataType::String)))]);
        let nested = DataType::Struct(fields);
        let tags = Value::List(vec![Value::string("a"), Value::Null].into());
        let point = Value::Struct(vec![Value::Int(1), tags].into());
        vec![
            (DataType::Null, vec![Value::Null]),
            (DataType::Bool, vec![Value::Bool(true)]),
            (DataType::Int, vec![Value::Int(i64::MIN)]),
            (DataType::Float, vec![Value::Float(0.1)]),
            (DataType::Decimal { precision: 10, scale: 2 }, vec![Value::Decimal("19.50".parse().unwrap())]),
            (DataType::String, vec![Value::string("é")]),
            (DataType::Timestamp, vec![Value::Timestamp(Timestamp(7))]),
            (DataType::Duration, vec![Value::Duration(Duration(-7))]),
            (DataType::Json, vec![Value::Json("{\"a\":1}".into())]),
            (nested.clone(), vec![point.clone()]),
            (DataType::List(Arc::new(nested)), vec![Value::List(vec![point, Value::Null].into()), Value::List(Vec::new().into())]),
        ]
    }

    #[test]
    fn every_type_goes_out_and_comes_back() {
        for (data_type, values) in all_types() {
            let values: Vec<Value<'static>> = [Value::Null].into_iter().chain(values).collect();
            let schema = Arc::new(Schema::new(vec![Field::new("v", data_type.clone())]));
            let places: crate::data::Places = values.iter().map(|_| Place::MIN).collect();
            let batch = EventBatch::new(schema.clone(), vec![Column::from_values(&data_type, values.clone())], places);
            let out = to_record_batch(&batch);
            assert_eq!(*out.schema().field(0).data_type(), arrow_type(&data_type));
            // JSON leaves as text: what the text means is for whoever declares the column.
            let back = if data_type == DataType::Json { DataType::String } else { data_type.clone() };
            assert_eq!(data_type_of(out.schema().field(0).data_type()), Some(back));
            for part in [out.clone(), out.slice(1, values.len() - 1)] {
                let columns = from_record_batch(&part, &schema).unwrap();
                let read: Vec<Value<'_>> = (0..columns[0].len()).map(|row| columns[0].value(row)).collect();
                assert_eq!(read, values[values.len() - read.len()..], "{data_type}");
            }
        }
    }

    #[test]
    fn obvious_variants_come_in() {
        let time = |seconds: i64| Value::Timestamp(Timestamp(seconds * 1_000_000_000));
        let words: DictionaryArray<Int8Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
        let cases: Vec<(ArrayRef, DataType, Vec<Value<'_>>)> = vec![
            (Arc::new(Int16Array::from(vec![Some(-3), None])), DataType::Int, vec![Value::Int(-3), Value::Null]),
            (Arc::new(UInt64Array::from(vec![3])), DataType::Int, vec![Value::Int(3)]),
            (Arc::new(Float32Array::from(vec![0.5])), DataType::Float, vec![Value::Float(0.5)]),
            (Arc::new(Int16Array::from(vec![2])), DataType::Float, vec![Value::Float(2.0)]),
            (Arc::new(LargeStringArray::from(vec!["a"])), DataType::String, vec![Value::string("a")]),
            (Arc::new(StringViewArray::from(vec!["a"])), DataType::String, vec![Value::string("a")]),
            (Arc::new(words), DataType::String, vec![Value::string("a"), Value::Null, Value::string("a")]),
            (Arc::new(TimestampSecondArray::from(vec![5])), DataType::Timestamp, vec![time(5)]),
            (Arc::new(TimestampMillisecondArray::from(vec![5000]).with_timezone("+01:00")), DataType::Timestamp, vec![time(5)]),
            (Arc::new(Date32Array::from(vec![-1])), DataType::Timestamp, vec![time(-86_400)]),
            (
                Arc::new(Decimal64Array::from(vec![1950]).with_precision_and_scale(10, 3).unwrap()),
                DataType::Decimal { precision: 5, scale: 2 },
                vec![Value::Decimal("1.95".parse().unwrap())],
            ),
            (
                Arc::new(Int16Array::from(vec![7])),
                DataType::Decimal { precision: 5, scale: 2 },
                vec![Value::Decimal("7.00".parse().unwrap())],
            ),
        ];
        for (array, data_type, expected) in cases {
            let column = from_arrow(&array, &data_type, "v").unwrap();
            assert_eq!((0..column.len()).map(|row| column.value(row)).collect::<Vec<_>>(), expected, "{:?}", array.data_type());
        }
    }

    #[test]
    fn misfits_name_column_and_row() {
        let misfit = |array: ArrayRef, data_type: DataType| from_arrow(&array, &data_type, "v").unwrap_err().to_string();
        let text = || Arc::new(StringArray::from(vec!["1", "{"]));
        assert_eq!(misfit(text(), DataType::Int), "column `v` is INT, and an Arrow array of Utf8 does not fit it");
        assert_eq!(misfit(text(), DataType::Json), "column `v`, row 1: the value does not fit JSON");
        assert_eq!(misfit(Arc::new(UInt64Array::from(vec![1, u64::MAX])), DataType::Int), "column `v`, row 1: the value does not fit INT");
        let far = Arc::new(TimestampSecondArray::from(vec![i64::MAX]));
        assert_eq!(misfit(far, DataType::Timestamp), "column `v`, row 0: the value does not fit TIMESTAMP");
        let schema = Schema::new(vec![Field::new("w", DataType::Int)]);
        let batch = RecordBatch::new_empty(Arc::new(arrow_schema::Schema::empty()));
        assert_eq!(from_record_batch(&batch, &schema).unwrap_err().to_string(), "there is no column `w`");
    }
}
