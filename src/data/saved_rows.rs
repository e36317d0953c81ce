//! Columns, batches and arrivals as state. Their types are not written: who reads them knows the schema, and that it is the same.

use std::sync::Arc;

use super::saved::save_value;
use super::state::{StateError, StateReader, StateWriter};
use super::{Arrivals, Column, ColumnBuilder, DataType, EventBatch, Places, Schema, Value};

/// Whether a value may stand in a column of a type.
fn fits(value: &Value<'_>, data_type: &DataType) -> bool {
    match (value, data_type) {
        (Value::Null, _)
        | (Value::Bool(_), DataType::Bool)
        | (Value::Int(_), DataType::Int)
        | (Value::Float(_), DataType::Float)
        | (Value::Decimal(_), DataType::Decimal { .. })
        | (Value::String(_), DataType::String)
        | (Value::Timestamp(_), DataType::Timestamp)
        | (Value::Duration(_), DataType::Duration)
        | (Value::Json(_), DataType::Json) => true,
        (Value::List(items), DataType::List(item)) => items.iter().all(|value| fits(value, item)),
        (Value::Struct(items), DataType::Struct(fields)) => {
            items.len() == fields.len() && items.iter().zip(fields.iter()).all(|(value, field)| fits(value, &field.data_type))
        }
        _ => false,
    }
}

impl StateWriter {
    /// Writes a column; its type and length are known to who reads it.
    pub fn column(&mut self, column: &Column) {
        let is_words = matches!(column.data_type(), DataType::Int | DataType::Timestamp | DataType::Duration | DataType::Float);
        for row in 0..column.len() {
            match is_words {
                true => self.put(&column.word(row)),
                false => save_value(&column.value(row), self),
            }
        }
    }

    /// Writes rows of these columns.
    pub fn columns(&mut self, columns: &[Column], rows: usize) {
        self.number(rows as u64);
        columns.iter().for_each(|column| self.column(column));
    }

    /// Writes a batch.
    pub fn batch(&mut self, batch: &EventBatch) {
        self.columns(batch.columns(), batch.len());
        batch.places().iter().for_each(|place| self.put(place));
        let is_certain_there = batch.places().are_shared_with(batch.moments()) || batch.places() == batch.moments();
        self.put(&is_certain_there);
        if !is_certain_there {
            batch.moments().iter().for_each(|moment| self.put(moment));
        }
    }

    /// Writes rows that have arrived.
    pub fn arrivals(&mut self, arrivals: &Arrivals) {
        self.columns(&arrivals.columns, arrivals.len());
        self.put(&arrivals.times);
        self.put(&arrivals.numbers);
    }
}

impl StateReader<'_> {
    /// Reads a column of so many values.
    pub fn column(&mut self, data_type: &DataType, rows: usize) -> Result<Column, StateError> {
        let is_words = matches!(data_type, DataType::Int | DataType::Timestamp | DataType::Duration | DataType::Float);
        let mut builder = ColumnBuilder::new(data_type, rows.min(self.left()));
        for _ in 0..rows {
            if is_words {
                let word: Option<i64> = self.take()?;
                builder.push_words(&[word.unwrap_or(0)], word.is_none().then_some(&[false]));
                continue;
            }
            let value: Value<'static> = self.take()?;
            if !fits(&value, data_type) {
                return Err(StateError::new(format!("a value that is no {data_type}")));
            }
            builder.push(value);
        }
        Ok(builder.finish())
    }

    /// Reads columns of a schema, and how many rows they have. (Rows of no columns take no bytes: there can be any number of them.)
    pub fn columns(&mut self, schema: &Schema) -> Result<(Vec<Column>, usize), StateError> {
        let rows = self.length()?;
        let columns = schema.fields().iter().map(|field| self.column(&field.data_type, rows)).collect::<Result<_, _>>()?;
        Ok((columns, rows))
    }

    /// Reads a batch of a schema.
    pub fn batch(&mut self, schema: &Arc<Schema>) -> Result<EventBatch, StateError> {
        let (columns, rows) = self.columns(schema)?;
        let mut places = || (0..rows).map(|_| self.take()).collect::<Result<Places, StateError>>();
        let own = places()?;
        let moments = if self.take()? { own.clone() } else { (0..rows).map(|_| self.take()).collect::<Result<_, _>>()? };
        Ok(EventBatch::with_moments(schema.clone(), columns, own, moments))
    }

    /// Reads rows that have arrived.
    pub fn arrivals(&mut self, schema: &Schema) -> Result<Arrivals, StateError> {
        let (columns, rows) = self.columns(schema)?;
        let arrivals = Arrivals { columns, times: self.take()?, numbers: self.take()? };
        let is_whole = arrivals.times.len() == rows && arrivals.numbers.len() == rows;
        if is_whole { Ok(arrivals) } else { Err(StateError::new("rows of another number than their times")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Field, Place, Timestamp};

    #[test]
    fn batches_come_back() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("i", DataType::Int),
            Field::new("f", DataType::Float),
            Field::new("s", DataType::String),
            Field::new("d", DataType::Decimal { precision: 5, scale: 2 }),
            Field::new("n", DataType::Null),
        ]));
        let column = |index: usize, values: [Value<'static>; 2]| Column::from_values(&schema.fields()[index].data_type, values);
        let columns = vec![
            column(0, [Value::Int(1), Value::Null]),
            column(1, [Value::Null, Value::Float(2.5)]),
            column(2, [Value::string("a"), Value::Null]),
            column(3, [Value::Decimal("1.5".parse().unwrap()), Value::Null]),
            column(4, [Value::Null, Value::Null]),
        ];
        let place = |n| Place::event(Timestamp(n), 1);
        let batch = EventBatch::with_moments(schema.clone(), columns, vec![place(1), place(2)].into(), vec![place(3), place(3)].into());
        let mut writer = StateWriter::default();
        writer.batch(&batch);
        let bytes = writer.finish();
        let back = StateReader::new(&bytes).batch(&schema).unwrap();
        assert_eq!(format!("{back:?}"), format!("{batch:?}"));
        assert!((0..bytes.len()).all(|len| StateReader::new(&bytes[..len]).batch(&schema).is_err()));
        let other = Arc::new(Schema::new(vec![Field::new("s", DataType::String)]));
        assert!(StateReader::new(&bytes).batch(&other).is_err());
    }
}
