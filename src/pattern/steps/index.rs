//! Places of records by one of their words: the words in order, each with the places that have it.
//!
//! One structure answers `=`, `<` and `>` alike: a candidate asks for a stretch of words.

use std::collections::BTreeSet;

use super::word::Bounds;

/// An ordered index.
#[derive(Debug)]
pub(super) struct Index {
    places: BTreeSet<(i64, u32)>,
    /// Places that go, of one question.
    gone: Vec<(i64, u32)>,
}

crate::saved!(Index { places, gone });

impl Index {
    pub(super) fn new(places: Vec<(i64, u32)>) -> Self {
        Self { places: places.into_iter().collect(), gone: Vec::new() }
    }

    pub(super) fn insert(&mut self, word: i64, place: u32) {
        self.places.insert((word, place));
    }

    /// Calls `goes` for each place whose word lies between the bounds, and removes those for which it says so, to `free`.
    pub(super) fn take(&mut self, bounds: Bounds, mut goes: impl FnMut(u32) -> bool, free: &mut Vec<u32>) {
        debug_assert!(!bounds.negated, "`<>` is not looked up");
        if bounds.low > bounds.high {
            return;
        }
        let stretch = self.places.range((bounds.low, 0)..=(bounds.high, u32::MAX));
        self.gone.extend(stretch.filter(|(_, place)| goes(*place)));
        for entry in self.gone.drain(..) {
            self.places.remove(&entry);
            free.push(entry.1);
        }
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        self.places.len() * 2 * size_of::<(i64, u32)>() + self.gone.capacity() * size_of::<(i64, u32)>()
    }
}
