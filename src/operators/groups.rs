//! Groups: what an operator keeps for each key that has something open.
//!
//! Keys get small numbers, so that lists over groups (timers, rows in order) are small too and nothing looks a key up twice.

use std::ops::Range;

use super::codes::Codes;
use super::evaluate::values_of;
use crate::data::{Column, Ids, Kept, KeyBuffer, KeyRef, KeyTable, Saved, StateError, StateReader, StateWriter, Value};

/// A table from keys to what is kept of them. Numbers of groups are dense and given out again.
#[derive(Debug)]
pub(super) struct Groups<G> {
    table: KeyTable,
    groups: Vec<Option<G>>,
    buffer: KeyBuffer,
    codes: Codes,
}

impl<G> Groups<G> {
    pub(super) fn new() -> Self {
        Self { table: KeyTable::new(), groups: Vec::new(), buffer: KeyBuffer::new(), codes: Codes::default() }
    }

    /// The number of a key's group, which `fresh` makes if there is none.
    pub(super) fn find_or<'v>(&mut self, key: impl Iterator<Item = Value<'v>>, fresh: impl FnOnce() -> G) -> u32 {
        let (id, is_new) = self.table.insert(self.buffer.encode(key));
        if is_new {
            let at = id as usize;
            if self.groups.len() <= at {
                self.groups.resize_with(at + 1, || None);
            }
            self.groups[at] = Some(fresh());
        }
        id
    }

    /// The numbers of the groups of these rows, whose keys stand in these columns; those that there are not are made.
    pub(super) fn find_all(&mut self, keys: &[Column], rows: Range<usize>, fresh: impl Fn() -> G, found: &mut Vec<u32>) {
        found.clear();
        match keys {
            [] => {
                let id = self.find_or(std::iter::empty(), fresh);
                found.resize(rows.len(), id);
            }
            [Column::Coded(texts)] => {
                self.codes.turn_to(texts.dictionary());
                let codes = texts.codes().values();
                for row in rows {
                    if texts.is_null(row) {
                        found.push(self.find_or(std::iter::once(Value::Null), &fresh));
                        continue;
                    }
                    let code = codes[row];
                    let id = self.codes.group(code).unwrap_or_else(|| {
                        let id = self.find_or(std::iter::once(Value::string(texts.value(row))), &fresh);
                        self.codes.note(code, id);
                        id
                    });
                    found.push(id);
                }
            }
            _ => found.extend(rows.map(|row| self.find_or(values_of(keys, row), &fresh))),
        }
    }

    /// The number of a key's group, if there is one.
    pub(super) fn find(&self, key: KeyRef<'_>) -> Option<u32> {
        self.table.get(key)
    }

    /// The group of a number that is in use.
    pub(super) fn of(&mut self, id: u32) -> &mut G {
        self.groups[id as usize].as_mut().expect("the number is in use")
    }

    /// The group of a number, if it is in use, and its key.
    pub(super) fn get(&self, id: u32) -> Option<(KeyRef<'_>, &G)> {
        Some((self.table.key(id)?, self.groups.get(id as usize)?.as_ref()?))
    }

    /// Forgets a group.
    pub(super) fn remove(&mut self, id: u32) {
        self.table.remove(id);
        self.groups[id as usize] = None;
        self.codes.forget(id);
        self.table.fit(&mut self.groups);
        self.codes.fit(self.groups.len());
    }

    /// All groups that there are, for counting alone.
    pub(super) fn iter(&self) -> impl Iterator<Item = &G> {
        self.groups.iter().flatten()
    }

    /// All groups that there are, in no order that means anything.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut G> {
        self.groups.iter_mut().flatten()
    }

    /// Writes the groups of the keys that are asked for.
    pub(super) fn save(&self, to: &mut StateWriter) -> Kept
    where
        G: Saved,
    {
        let kept = to.keys(&self.table);
        for id in kept.ids() {
            to.put(self.groups[id as usize].as_ref().expect("every key has its group"));
        }
        kept
    }

    /// Takes groups in, of keys that it has not, each as `adapt` makes it.
    pub(super) fn load(&mut self, from: &mut StateReader<'_>, adapt: impl Fn(G) -> G) -> Result<Ids, StateError>
    where
        G: Saved,
    {
        let ids = from.keys(&mut self.table)?;
        self.groups.resize_with(self.table.capacity(), || None);
        for (_, id) in ids.pairs() {
            let group = from.take().map(&adapt)?;
            if self.groups[id as usize].replace(group).is_some() {
                return Err(StateError::new("one key in two parts"));
            }
        }
        Ok(ids)
    }

    /// The keys.
    pub(super) fn keys(&self) -> &KeyTable {
        &self.table
    }

    /// Takes keys in that it has not, each with a fresh group.
    pub(super) fn load_keys(&mut self, from: &mut StateReader<'_>, fresh: impl Fn() -> G) -> Result<Ids, StateError> {
        let ids = from.keys(&mut self.table)?;
        self.groups.resize_with(self.table.capacity(), || None);
        for (_, id) in ids.pairs() {
            self.groups[id as usize].get_or_insert_with(&fresh);
        }
        Ok(ids)
    }

    /// All numbers in use are below.
    pub(super) fn capacity(&self) -> usize {
        self.groups.len()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// About how much memory the table takes.
    pub(super) fn bytes(&self) -> usize {
        self.table.bytes() + self.groups.capacity() * size_of::<Option<G>>() + self.codes.bytes()
    }
}
