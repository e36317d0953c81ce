//! Places of records by one of their words.
//!
//! Where a term asks for equality, by a hash table: each word with the first of its places, and each place with the next. Otherwise the words
//! stand in order, each with the places that have it, which answers `<` and `>` alike: a candidate asks for a stretch of words.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::word::Bounds;
use crate::data::{Saved, StateError, StateReader, StateWriter};

/// An index.
#[derive(Debug)]
pub(super) enum Index {
    Ordered(Ordered),
    Equal(Equal),
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ordered {
    places: BTreeSet<(i64, u32)>,
    /// Places that go, of one question.
    gone: Vec<(i64, u32)>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Equal {
    /// The place that came last of those with a word.
    last: HashMap<i64, u32, ahash::RandomState>,
    /// By place, the one before it with the same word.
    before: Vec<u32>,
}

crate::saved!(enum Index { 0 => Ordered(ordered), 1 => Equal(equal) });
crate::saved!(Ordered { places, gone });

/// No place.
const NONE: u32 = u32::MAX;

impl Index {
    /// Over these words and places; asked for equality alone, or for stretches.
    pub(super) fn new(places: Vec<(i64, u32)>, of_equality: bool) -> Self {
        if !of_equality {
            return Self::Ordered(Ordered { places: places.into_iter().collect(), gone: Vec::new() });
        }
        let mut equal = Equal::default();
        places.into_iter().for_each(|(word, place)| equal.insert(word, place));
        Self::Equal(equal)
    }

    pub(super) fn insert(&mut self, word: i64, place: u32) {
        match self {
            Self::Ordered(ordered) => {
                ordered.places.insert((word, place));
            }
            Self::Equal(equal) => equal.insert(word, place),
        }
    }

    /// Calls `goes` for each place whose word lies between the bounds, and removes those for which it says so, to `free`.
    pub(super) fn take(&mut self, bounds: Bounds, mut goes: impl FnMut(u32) -> bool, free: &mut Vec<u32>) {
        debug_assert!(!bounds.negated, "`<>` is not looked up");
        if bounds.low > bounds.high {
            return;
        }
        match self {
            Self::Ordered(Ordered { places, gone }) => {
                let stretch = places.range((bounds.low, 0)..=(bounds.high, u32::MAX));
                gone.extend(stretch.filter(|(_, place)| goes(*place)));
                for entry in gone.drain(..) {
                    places.remove(&entry);
                    free.push(entry.1);
                }
            }
            Self::Equal(equal) => {
                debug_assert_eq!(bounds.low, bounds.high, "equality asks for one word");
                equal.take(bounds.low, goes, free);
            }
        }
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Ordered(Ordered { places, gone }) => {
                places.len() * 2 * size_of::<(i64, u32)>() + gone.capacity() * size_of::<(i64, u32)>()
            }
            Self::Equal(Equal { last, before }) => last.allocation_size() + before.capacity() * size_of::<u32>(),
        }
    }
}

impl Default for Equal {
    fn default() -> Self {
        Self { last: HashMap::with_hasher(ahash::RandomState::with_seeds(67, 71, 73, 79)), before: Vec::new() }
    }
}

impl Equal {
    fn insert(&mut self, word: i64, place: u32) {
        let at = place as usize;
        if self.before.len() <= at {
            self.before.resize(at + 1, NONE);
        }
        self.before[at] = self.last.insert(word, place).unwrap_or(NONE);
    }

    fn take(&mut self, word: i64, mut goes: impl FnMut(u32) -> bool, free: &mut Vec<u32>) {
        let Some(last) = self.last.get_mut(&word) else { return };
        // The place that stays and whose link is to be told; at first the table's.
        let (mut stays, mut place) = (NONE, *last);
        while place != NONE {
            let next = self.before[place as usize];
            if goes(place) {
                free.push(place);
                match stays {
                    NONE => *last = next,
                    stays => self.before[stays as usize] = next,
                }
            } else {
                stays = place;
            }
            place = next;
        }
        if *last == NONE {
            self.last.remove(&word);
        }
    }
}

impl Saved for Equal {
    fn save(&self, to: &mut StateWriter) {
        let of_word = |(&word, &last): (&i64, &u32)| {
            let chain = std::iter::successors(Some(last), |place| Some(self.before[*place as usize]).filter(|place| *place != NONE));
            chain.map(move |place| (word, place))
        };
        let mut places: Vec<(i64, u32)> = self.last.iter().flat_map(of_word).collect();
        places.sort_unstable();
        to.put(&places);
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let mut equal = Self::default();
        from.take::<Vec<(i64, u32)>>()?.into_iter().for_each(|(word, place)| equal.insert(word, place));
        Ok(equal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::CompareOp;

    /// Both kinds give and take the same places for equality, whatever comes and goes.
    #[test]
    fn a_table_answers_equality_as_the_order_does() {
        let mut state = 5_u64;
        let mut below = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let mut indexes = [false, true].map(|of_equality| Index::new(vec![(3, 0), (4, 1), (3, 2)], of_equality));
        let (mut free, mut next): (Vec<u32>, u32) = (Vec::new(), 3);
        for _ in 0..4000 {
            let word = i64::try_from(below(40)).unwrap();
            if below(3) > 0 {
                let place = free.pop().unwrap_or(next);
                next = next.max(place + 1);
                indexes.iter_mut().for_each(|index| index.insert(word, place));
                continue;
            }
            let goes = below(4);
            let mut found = indexes.iter_mut().map(|index| {
                let (mut asked, mut gone) = (Vec::new(), Vec::new());
                index.take(
                    Bounds::of(CompareOp::Eq, word),
                    |place| {
                        asked.push(place);
                        u64::from(place) % 4 < goes
                    },
                    &mut gone,
                );
                asked.sort_unstable();
                gone.sort_unstable();
                (asked, gone)
            });
            let (ordered, equal) = (found.next().unwrap(), found.next().unwrap());
            assert_eq!(ordered, equal);
            free.extend(equal.1);
        }
        assert!(next > 100, "{next}");
    }
}
