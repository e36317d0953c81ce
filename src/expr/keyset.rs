//! The constants of a long `IN` list as a set, so that a row costs one look-up and not one comparison an item.

use crate::data::{KeyBuffer, KeyTable, Value};

/// A set of constants of one type, and whether NULL was among them.
#[derive(Debug, Clone, PartialEq)]
pub struct KeySet {
    keys: KeyTable,
    has_null: bool,
}

impl KeySet {
    /// The set of these values.
    pub fn new<'v>(values: impl Iterator<Item = Value<'v>>) -> Self {
        let mut set = Self { keys: KeyTable::new(), has_null: false };
        let mut buffer = KeyBuffer::new();
        for value in values {
            if value.is_null() {
                set.has_null = true;
            } else {
                set.keys.intern(buffer.encode(std::iter::once(value)));
            }
        }
        set
    }

    /// `value IN (set)`: unknown for NULL, and where only the NULL among the items could make it true.
    pub fn contains(&self, value: &Value<'_>) -> Option<bool> {
        if value.is_null() {
            return None;
        }
        let mut buffer = KeyBuffer::new();
        let found = self.keys.get(buffer.encode(std::iter::once(value.borrowed()))).is_some();
        if found || !self.has_null { Some(found) } else { None }
    }
}
