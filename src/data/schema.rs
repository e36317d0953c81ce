//! Names and types of the columns of a stream.

use std::sync::Arc;

use super::DataType;

/// One named column.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Field {
    /// The column's name, case-sensitive.
    pub name: Arc<str>,
    /// The column's type.
    pub data_type: DataType,
}

impl Field {
    /// A column of this name and type.
    pub fn new(name: impl Into<Arc<str>>, data_type: DataType) -> Self {
        Self { name: name.into(), data_type }
    }
}

/// The columns of a stream, in order; no two have one name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    fields: Vec<Field>,
}

impl Schema {
    /// A schema of these fields. Names are unique: the checker has refused duplicates before.
    pub fn new(fields: Vec<Field>) -> Self {
        debug_assert!(fields.iter().enumerate().all(|(i, f)| fields[..i].iter().all(|g| g.name != f.name)), "column names are unique");
        Self { fields }
    }

    /// The fields in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How many columns there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no column.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The index of the column of this name.
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| &*f.name == name)
    }
}
