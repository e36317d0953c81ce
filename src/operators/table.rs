//! What lookups read: the rows of a reference table, each with the time for which it holds, and the place from which a reload reaches them.
//!
//! Contents never change; a reload puts new ones in the place of the old. Lookups look at the place when they begin with a batch, so that one
//! batch is looked up in one load, and all lookups in a table see the new one from the same batch on.

use std::sync::{Arc, PoisonError, RwLock};

use crate::data::{KeyBuffer, KeyRef, KeyTable, StateError, StateReader, StateWriter, Timestamp, Value};
use crate::operators::evaluate::KeptRow;

/// One row of a table, and when it holds.
#[derive(Debug, Clone)]
pub struct TableRow {
    /// One value a column.
    pub values: Arc<[Value<'static>]>,
    /// From then on (inclusive); nothing: since ever.
    pub from: Option<Timestamp>,
    /// Up to then (exclusive): its next version holds; nothing: for ever.
    pub until: Option<Timestamp>,
    /// Where it stands in its file, from 1.
    pub line: u64,
}

/// The rows of a table. A key has one row at a time.
#[derive(Debug, Default)]
pub struct TableContents {
    rows: Vec<TableRow>,
    keys: KeyTable,
    /// The rows of each key, by `from`.
    versions: Vec<Vec<u32>>,
    /// The number of each row's key; empty where the table has none.
    key_of_row: Vec<u32>,
}

/// Two rows of one key (and one time), by their lines.
#[derive(Debug, Clone, PartialEq)]
pub struct DuplicateKey {
    /// The line of the one that stands first.
    pub first: u64,
    /// The line of the other.
    pub second: u64,
    /// The values of their key.
    pub key: Vec<Value<'static>>,
}

/// Where the newest load of a table is found. Clones are one and the same place.
#[derive(Debug, Clone, Default)]
pub struct SharedTable(Arc<RwLock<Arc<TableContents>>>);

impl TableRow {
    /// Whether it holds at this time.
    pub fn holds_at(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.until.is_none_or(|until| time < until)
    }
}

impl TableContents {
    /// Rows in the order of the file: values, the time from which each holds where the table has such a column, and its line. `key` are the
    /// columns of the primary key; without any, no rows belong together.
    pub fn new(
        rows: impl IntoIterator<Item = (Arc<[Value<'static>]>, Option<Timestamp>, u64)>,
        key: &[usize],
    ) -> Result<Self, Box<DuplicateKey>> {
        let rows = rows.into_iter().map(|(values, from, line)| TableRow { values, from, until: None, line });
        let mut contents = Self { rows: rows.collect(), ..Self::default() };
        if key.is_empty() {
            return Ok(contents);
        }
        let mut buffer = KeyBuffer::new();
        for (number, row) in (0u32..).zip(&contents.rows) {
            let id = contents.keys.intern(buffer.encode(key.iter().map(|&column| row.values[column].borrowed())));
            if contents.versions.len() <= id as usize {
                contents.versions.push(Vec::new());
            }
            contents.versions[id as usize].push(number);
            contents.key_of_row.push(id);
        }
        let mut duplicate: Option<DuplicateKey> = None;
        for versions in &mut contents.versions {
            versions.sort_by_key(|&row| contents.rows[row as usize].from);
            for pair in versions.windows(2) {
                let (a, b) = (&contents.rows[pair[0] as usize], &contents.rows[pair[1] as usize]);
                if a.from == b.from && duplicate.as_ref().is_none_or(|found| b.line < found.second) {
                    let key = key.iter().map(|&column| a.values[column].clone()).collect();
                    duplicate = Some(DuplicateKey { first: a.line, second: b.line, key });
                }
                contents.rows[pair[0] as usize].until = contents.rows[pair[1] as usize].from;
            }
        }
        duplicate.map_or(Ok(contents), |found| Err(Box::new(found)))
    }

    /// All rows, in the order of the file.
    pub fn rows(&self) -> &[TableRow] {
        &self.rows
    }

    /// The row of a primary key at a time.
    pub fn get(&self, key: KeyRef<'_>, time: Timestamp) -> Option<&TableRow> {
        self.version(&self.versions[self.keys.get(key)? as usize], time)
    }

    /// Of versions of one key, by `from`, the one that holds at a time.
    pub(super) fn version(&self, versions: &[u32], time: Timestamp) -> Option<&TableRow> {
        let row = |number: u32| &self.rows[number as usize];
        let later = versions.partition_point(|&number| row(number).from.is_none_or(|from| from <= time));
        versions[..later].last().map(|&number| row(number)).filter(|row| row.holds_at(time))
    }

    /// Puts the numbers of rows in the order of their times, where they are all versions of one key. Whether they are.
    pub(super) fn order_versions(&self, rows: &mut [u32]) -> bool {
        let key = |number: &u32| self.key_of_row.get(*number as usize);
        let is_one_key = rows.iter().all(|row| key(row).is_some() && key(row) == key(&rows[0]));
        if is_one_key {
            rows.sort_by_key(|&row| self.rows[row as usize].from);
        }
        is_one_key
    }
}

impl SharedTable {
    /// The newest load.
    pub fn newest(&self) -> Arc<TableContents> {
        // A lock that was poisoned still has whole contents: they are put in by one assignment.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a new load in the place of the one before.
    pub fn put(&self, contents: TableContents) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(contents);
    }
}

/// The newest row of each key of a view, each found by its key.
#[derive(Debug, Default)]
pub struct NewestRows {
    key: Vec<usize>,
    keys: KeyTable,
    rows: Vec<Option<KeptRow>>,
    buffer: KeyBuffer,
}

impl NewestRows {
    /// No row; the key has these columns.
    pub fn new(key: Vec<usize>) -> Self {
        Self { key, ..Self::default() }
    }

    /// Puts a row in the place of the one of its key, or takes that away. The number of the key, and the row that was there.
    pub fn put(&mut self, values: KeptRow, is_there: bool) -> (u32, Option<KeptRow>) {
        let (id, _) = self.keys.insert(self.buffer.encode(self.key.iter().map(|&column| values[column].borrowed())));
        let at = id as usize;
        if self.rows.len() <= at {
            self.rows.resize(at + 1, None);
        }
        if is_there {
            return (id, self.rows[at].replace(values));
        }
        self.keys.remove(id);
        let before = self.rows[at].take();
        self.keys.fit(&mut self.rows);
        (id, before)
    }

    /// The row of a key.
    pub fn get(&self, key: KeyRef<'_>) -> Option<&KeptRow> {
        self.of(self.keys.get(key)?)
    }

    /// The row of the key of this number.
    pub fn of(&self, id: u32) -> Option<&KeptRow> {
        self.rows.get(id as usize)?.as_ref()
    }

    /// Writes the rows of the keys that are asked for.
    pub fn save(&self, to: &mut StateWriter) {
        let kept = to.keys(&self.keys);
        kept.ids().for_each(|id| to.put(&self.rows[id as usize]));
    }

    /// Takes rows in, of keys that it has not.
    pub fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let ids = from.keys(&mut self.keys)?;
        self.rows.resize(self.keys.capacity(), None);
        for (_, id) in ids.pairs() {
            self.rows[id as usize] = from.take()?;
        }
        Ok(())
    }

    /// The numbers of the keys that have a row, rising.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(&self.rows).filter(|(_, row)| row.is_some()).map(|(id, _)| id)
    }

    /// The columns of the key.
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// All rows, ordered by nothing that means anything.
    pub fn rows(&self) -> impl Iterator<Item = &KeptRow> {
        self.rows.iter().flatten()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        let rows: usize = self.rows().map(|row| crate::operators::evaluate::bytes_of(row)).sum();
        rows + self.keys.bytes() + self.rows.capacity() * size_of::<Option<KeptRow>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(rows: &[(i64, Option<i64>, i64)]) -> Result<TableContents, Box<DuplicateKey>> {
        let rows = rows.iter().zip(2..).map(|(&(key, from, value), line)| {
            let values: Arc<[Value<'static>]> = vec![Value::Int(key), Value::Int(value)].into();
            (values, from.map(Timestamp), line)
        });
        TableContents::new(rows, &[0])
    }

    fn value(contents: &TableContents, key: i64, time: i64) -> Option<Value<'static>> {
        let mut buffer = KeyBuffer::new();
        let key = buffer.encode([Value::Int(key)].into_iter());
        contents.get(key, Timestamp(time)).map(|row| row.values[1].clone())
    }

    #[test]
    fn a_version_holds_from_its_time_until_the_next() {
        let contents = contents(&[(1, Some(20), 200), (2, Some(5), 50), (1, Some(10), 100)]).unwrap();
        assert_eq!(value(&contents, 1, 9), None);
        assert_eq!(value(&contents, 1, 10), Some(Value::Int(100)));
        assert_eq!(value(&contents, 1, 19), Some(Value::Int(100)));
        assert_eq!(value(&contents, 1, 20), Some(Value::Int(200)));
        assert_eq!(value(&contents, 2, i64::MAX), Some(Value::Int(50)));
        assert_eq!(value(&contents, 3, 10), None);
    }

    #[test]
    fn two_rows_of_one_key_and_time_are_told_by_their_lines() {
        let found = contents(&[(1, None, 1), (2, None, 2), (3, None, 3), (2, None, 4), (1, None, 5)]).unwrap_err();
        assert_eq!(*found, DuplicateKey { first: 3, second: 5, key: vec![Value::Int(2)] });
        assert!(contents(&[(1, Some(1), 1), (1, Some(1), 2)]).is_err());
    }

    #[test]
    fn rows_that_leave_give_their_keys_back() {
        let mut newest = NewestRows::new(vec![0]);
        let row = |key: i64, value: i64| -> KeptRow { vec![Value::Int(key), Value::Int(value)].into() };
        for key in 0..100 {
            newest.put(row(key, 1), true);
            newest.put(row(key, 2), true);
            newest.put(row(key, 3), false);
        }
        assert!(newest.is_empty() && newest.rows().next().is_none());
        assert!(newest.rows.is_empty(), "numbers of keys are given out again, and none is left");
    }
}
