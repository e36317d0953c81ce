//! The reference tables of a run: loaded from their files before the first event, and again when asked for.
//!
//! A load is all or nothing: where one file is no good, every table stays as it was. The live lookups share the place where a table is found,
//! and see a new load with their next batch.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::codec::TableSpec;
use crate::codec::json::write_value;
use crate::connect::{ConnectError, FileStamp, TableFileFormat, read_table};
use crate::data::{Schema, StateWriter, Value};
use crate::operators::{DuplicateKey, SharedTable, TableContents, TableRow};

/// A table and where its rows are.
#[derive(Debug)]
pub struct TableSource {
    pub(super) spec: TableSpec,
    pub(super) format: TableFileFormat,
    pub(super) path: PathBuf,
    pub(super) key: Vec<usize>,
    pub(super) shared: SharedTable,
}

/// All reference tables of a program.
#[derive(Debug, Default)]
pub struct Tables {
    sources: Vec<TableSource>,
    is_loaded: bool,
    /// How each file looked when it was last read, or tried to be.
    stamps: Vec<Option<FileStamp>>,
}

/// Why a table cannot be loaded.
#[derive(Debug, Clone)]
pub enum TableError {
    /// Its file cannot be read.
    Outside {
        /// The table.
        table: Arc<str>,
        /// What failed.
        error: ConnectError,
    },
    /// What is in its file is no such table.
    Wrong {
        /// The table.
        table: Arc<str>,
        /// What is wrong, with file and line.
        detail: String,
    },
}

impl fmt::Display for TableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside { table, error } => write!(f, "table `{table}`: {error}"),
            Self::Wrong { table, detail } => write!(f, "table `{table}`: {detail}"),
        }
    }
}

impl TableSource {
    /// The name of the table.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Its columns.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.spec.schema
    }

    /// The columns of its primary key.
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// Its newest load.
    pub fn contents(&self) -> Arc<TableContents> {
        self.shared.newest()
    }

    fn load(&self) -> Result<TableContents, TableError> {
        let path = self.path.to_string_lossy();
        let wrong = |detail: String| TableError::Wrong { table: self.spec.name.clone(), detail: format!("{path}, {detail}") };
        let read = read_table(&path, self.format, &self.spec);
        let read = read.map_err(|error| TableError::Outside { table: self.spec.name.clone(), error })?;
        let rows = read.map_err(|bad| wrong(bad.to_string()))?.into_iter().map(|row| {
            let from = self.spec.time.and_then(|column| match row.values[column] {
                Value::Timestamp(time) => Some(time),
                _ => None,
            });
            (row.values, from, row.line)
        });
        TableContents::new(rows, &self.key).map_err(|duplicate| wrong(self.in_words(&duplicate)))
    }

    fn in_words(&self, duplicate: &DuplicateKey) -> String {
        let values: Vec<String> =
            self.key.iter().zip(&duplicate.key).map(|(&column, value)| text_of(value, &self.spec.schema, column)).collect();
        let time = if self.spec.time.is_some() { " from the same time on" } else { "" };
        let DuplicateKey { first, second, .. } = duplicate;
        format!("line {second}: the key {} is there already{time}, in line {first}", values.join(", "))
    }
}

impl Tables {
    pub(super) fn new(sources: Vec<TableSource>) -> Self {
        let stamps = vec![None; sources.len()];
        Self { sources, is_loaded: false, stamps }
    }

    /// All of them.
    pub fn sources(&self) -> &[TableSource] {
        &self.sources
    }

    /// Loads them if that has not been done.
    pub(super) fn load_once(&mut self) -> Result<(), TableError> {
        if self.is_loaded { Ok(()) } else { self.load() }
    }

    /// Loads them all.
    pub(super) fn load(&mut self) -> Result<(), TableError> {
        // Before reading, so that a change while it is read is seen the next time.
        self.stamps = self.sources.iter().map(|source| FileStamp::of(&source.path)).collect();
        let loads = self.sources.iter().map(TableSource::load).collect::<Result<Vec<_>, _>>()?;
        for (source, contents) in self.sources.iter().zip(loads) {
            source.shared.put(contents);
        }
        self.is_loaded = true;
        Ok(())
    }

    /// The names of all tables, with digests of their rows.
    pub(super) fn digests(&self) -> BTreeMap<String, [u8; 32]> {
        self.sources.iter().map(|source| (source.name().to_owned(), digest(&source.contents()))).collect()
    }

    /// The tables whose rows were others when these digests were made.
    pub(super) fn changed_since(&self, before: &BTreeMap<String, [u8; 32]>) -> Vec<String> {
        let changed = |(name, digest): (String, [u8; 32])| before.get(&name).filter(|before| **before != digest).map(|_| name);
        self.digests().into_iter().filter_map(changed).collect()
    }

    /// Whether a file looks different from when it was read.
    pub(super) fn have_changed(&self) -> bool {
        let changed = |(source, stamp): (&TableSource, &Option<FileStamp>)| FileStamp::of(&source.path) != *stamp;
        self.sources.iter().zip(&self.stamps).any(changed)
    }
}

/// A digest of rows: their values, and from when on each holds.
fn digest(contents: &TableContents) -> [u8; 32] {
    let mut rows = StateWriter::default();
    for row in contents.rows() {
        to_row(row, &mut rows);
    }
    Sha256::digest(rows.finish()).into()
}

fn to_row(row: &TableRow, to: &mut StateWriter) {
    to.list(row.values.iter());
    to.put(&row.from);
}

/// The path of a table's file: as it is written, from the folder that relative paths start from.
pub(super) fn resolved(path: &str, folder: Option<&Path>) -> PathBuf {
    folder.map_or_else(|| PathBuf::from(path), |folder| folder.join(path))
}

/// A value of a column as JSON has it.
fn text_of(value: &Value<'_>, schema: &Schema, column: usize) -> String {
    let mut text = Vec::new();
    write_value(value, &schema.fields()[column].data_type, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
