//! Tables as the user of the library reads them: views as of the watermark, reference tables as they are loaded.

use std::sync::Arc;

use crate::codec::json::{write_string, write_value};
use crate::data::{Key, Place, Schema, Timestamp, Value};
use crate::operators::{NewestRows, TableContents};

/// A table at one moment. All tables of an engine that are read without pushing in between are as of the same place between two events.
#[derive(Debug)]
pub struct TableView<'e> {
    schema: Arc<Schema>,
    key: &'e [usize],
    rows: Rows<'e>,
    place: Place,
}

#[derive(Debug)]
enum Rows<'e> {
    View(&'e NewestRows),
    File(Arc<TableContents>),
}

/// A row of a table.
#[derive(Debug, Clone)]
pub struct TableRow {
    schema: Arc<Schema>,
    values: Arc<[Value<'static>]>,
}

impl<'e> TableView<'e> {
    pub(super) fn of_view(schema: Arc<Schema>, rows: &'e NewestRows, place: Place) -> Self {
        Self { schema, key: rows.key(), rows: Rows::View(rows), place }
    }

    pub(super) fn of_file(schema: Arc<Schema>, key: &'e [usize], contents: Arc<TableContents>, place: Place) -> Self {
        Self { schema, key, rows: Rows::File(contents), place }
    }

    /// Names and types of its columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The names of the columns of its key, in the order in which [`TableView::get`] takes their values.
    pub fn key(&self) -> impl Iterator<Item = &str> {
        self.key.iter().map(|&column| &*self.schema.fields()[column].name)
    }

    /// Every event before this time counts, of those at this very time the ones that have come, and none behind it. Nothing before the first
    /// event, and when the input has ended.
    pub fn as_of(&self) -> Option<Timestamp> {
        (self.place != Place::MIN && self.place != Place::MAX).then(|| self.place.time())
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        match &self.rows {
            Rows::View(rows) => rows.len(),
            Rows::File(contents) => contents.rows().iter().filter(|row| row.holds_at(self.place.time())).count(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All rows in the order of their keys; of a file without a primary key, in the order of the file.
    pub fn rows(&self) -> Vec<TableRow> {
        let mut values: Vec<&Arc<[Value<'static>]>> = match &self.rows {
            Rows::View(rows) => rows.rows().collect(),
            Rows::File(contents) => contents.rows().iter().filter(|row| row.holds_at(self.place.time())).map(|row| &row.values).collect(),
        };
        let in_order = |a: &Arc<[Value<'static>]>, b: &Arc<[Value<'static>]>| {
            self.key.iter().map(|&column| a[column].total_cmp(&b[column])).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        };
        values.sort_by(|a, b| in_order(a, b));
        values.into_iter().map(|values| self.row(values)).collect()
    }

    /// The row of a key: one value a column of the key, each of the column's own type. Nothing where there is no such row, or no key.
    pub fn get(&self, key: &[Value<'_>]) -> Option<TableRow> {
        if key.len() != self.key.len() {
            return None;
        }
        let key = Key::encode(key.iter().map(Value::borrowed));
        let values = match &self.rows {
            Rows::View(rows) => rows.get(key.as_ref()),
            Rows::File(contents) => contents.get(key.as_ref(), self.place.time()).map(|row| &row.values),
        };
        values.map(|values| self.row(values))
    }

    fn row(&self, values: &Arc<[Value<'static>]>) -> TableRow {
        TableRow { schema: self.schema.clone(), values: values.clone() }
    }
}

impl TableRow {
    /// The value of a column; nothing where there is no such column.
    pub fn get(&self, column: &str) -> Option<&Value<'static>> {
        self.schema.index_of(column).map(|index| &self.values[index])
    }

    /// All values, in the order of the columns.
    pub fn values(&self) -> impl Iterator<Item = (&str, &Value<'static>)> {
        self.schema.fields().iter().zip(&*self.values).map(|(field, value)| (&*field.name, value))
    }

    /// The row as one JSON object.
    pub fn to_json(&self) -> String {
        let mut text = vec![b'{'];
        for (field, value) in self.schema.fields().iter().zip(&*self.values) {
            if text.len() > 1 {
                text.push(b',');
            }
            write_string(&field.name, &mut text);
            text.push(b':');
            write_value(value, &field.data_type, &mut text);
        }
        text.push(b'}');
        String::from_utf8(text).expect("the writer writes UTF-8")
    }
}
