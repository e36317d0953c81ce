//! What an inbox has its operator handle, in order.
//!
//! Mostly that is rows alone, each an event by itself. Then it is enough to say of which input the next row is: the entries themselves, which
//! say of each row all that is to be known of it, are written down when somebody looks at them.

use std::ops::Deref;
use std::sync::OnceLock;

use super::{Entry, EventBatch, Place, Places};

/// Rows and watermark steps in the order in which they are to be handled.
#[derive(Debug, Clone, Default)]
pub struct Entries {
    /// Where they are rows alone: these.
    alone: Option<Alone>,
    each: OnceLock<Vec<Entry>>,
}

/// A row: which input, and which row of that input's batch.
pub type RowAt = (u32, u32);

#[derive(Debug, Clone)]
struct Alone {
    rows: Vec<RowAt>,
    /// Places and moments of the rows of each input.
    inputs: Vec<(Places, Places)>,
}

impl Entries {
    /// Of these rows of these inputs: each stands at a place of its own, and nothing between them.
    pub fn of_rows(rows: Vec<RowAt>, inputs: &[EventBatch]) -> Self {
        let inputs = inputs.iter().map(|batch| (batch.places().clone(), batch.moments().clone())).collect();
        Self { alone: Some(Alone { rows, inputs }), each: OnceLock::new() }
    }

    /// The rows, where there is nothing else and each is an event by itself.
    pub fn rows(&self) -> Option<&[RowAt]> {
        self.alone.as_ref().map(|alone| alone.rows.as_slice())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows().map_or_else(|| self.each.get().map_or(0, Vec::len), <[_]>::len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes them these, in the room that they have.
    pub fn refill(&mut self, entries: impl Iterator<Item = Entry>) {
        let mut each = self.each.take().unwrap_or_default();
        each.clear();
        each.extend(entries);
        *self = each.into();
    }
}

impl Alone {
    fn written(&self) -> Vec<Entry> {
        let inputs: Vec<(&[Place], &[Place])> = self.inputs.iter().map(|(places, moments)| (&**places, &**moments)).collect();
        let entry = |&(input, row): &RowAt| {
            let (places, moments) = inputs[input as usize];
            let (place, moment) = (places[row as usize], moments[row as usize]);
            let input = u16::try_from(input).expect("the planner bounds the inputs of an operator");
            Entry::Row { input, row, place, moment, floor: Place::MIN }
        };
        self.rows.iter().map(entry).collect()
    }
}

impl From<Vec<Entry>> for Entries {
    fn from(entries: Vec<Entry>) -> Self {
        Self { alone: None, each: entries.into() }
    }
}

impl Deref for Entries {
    type Target = [Entry];

    fn deref(&self) -> &[Entry] {
        self.each.get_or_init(|| self.alone.as_ref().map_or_else(Vec::new, Alone::written))
    }
}

impl<'e> IntoIterator for &'e Entries {
    type Item = &'e Entry;
    type IntoIter = std::slice::Iter<'e, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
