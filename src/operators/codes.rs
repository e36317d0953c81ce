//! What is known of the codes of a dictionary: which group each is the key of, so that a key that comes as a code is looked up once a text and
//! not once a row.

use std::sync::Arc;

use crate::data::Dictionary;

/// Stands for no number.
pub(super) const NONE: u32 = u32::MAX;
/// Stands for what is known to be the key of no group.
pub(super) const NO_GROUP: u32 = u32::MAX - 1;

/// Numbers of groups by code, and back.
#[derive(Debug, Default)]
pub(super) struct Codes {
    /// It is held, so that no other has its name.
    dictionary: Option<Arc<Dictionary>>,
    groups: Vec<u32>,
    /// The code of each group that has one.
    codes: Vec<u32>,
}

impl Codes {
    /// From now on codes are of this dictionary: what is known of another's is forgotten.
    pub(super) fn turn_to(&mut self, dictionary: &Arc<Dictionary>) {
        if !self.dictionary.as_ref().is_some_and(|known| Arc::ptr_eq(known, dictionary)) {
            *self = Self { dictionary: Some(dictionary.clone()), ..Self::default() };
        }
        self.groups.resize(dictionary.len(), NONE);
    }

    /// The group of a code.
    #[inline]
    pub(super) fn group(&self, code: u32) -> Option<u32> {
        self.groups.get(code as usize).copied().filter(|&group| group < NO_GROUP)
    }

    /// The same; [`NO_GROUP`] where the code is known to be the key of none, and [`NONE`] where nothing is known.
    #[inline]
    pub(super) fn group_or_none(&self, code: u32) -> u32 {
        self.groups.get(code as usize).copied().unwrap_or(NONE)
    }

    /// Whether a code is known to be the key of no group.
    #[inline]
    pub(super) fn has_no_group(&self, code: u32) -> bool {
        self.groups.get(code as usize) == Some(&NO_GROUP)
    }

    /// A code is the key of no group, until [`Codes::note`] says of which; groups must then be made of codes alone.
    pub(super) fn note_none(&mut self, code: u32) {
        self.groups[code as usize] = NO_GROUP;
    }

    /// A code is the key of this group.
    pub(super) fn note(&mut self, code: u32, group: u32) {
        self.groups[code as usize] = group;
        if self.codes.len() <= group as usize {
            self.codes.resize(group as usize + 1, NONE);
        }
        self.codes[group as usize] = code;
    }

    /// A group is no more, and its code the key of none.
    pub(super) fn forget(&mut self, group: u32) {
        if let Some(code) = self.codes.get_mut(group as usize)
            && *code != NONE
        {
            self.groups[*code as usize] = NO_GROUP;
            *code = NONE;
        }
    }

    /// No group of this number or above is in use.
    pub(super) fn fit(&mut self, groups: usize) {
        if self.codes.capacity() > 16 + 4 * groups {
            self.codes.truncate(groups);
            self.codes.shrink_to(2 * groups);
        }
    }

    /// How much memory it takes, besides the dictionary.
    pub(super) fn bytes(&self) -> usize {
        (self.groups.capacity() + self.codes.capacity()) * size_of::<u32>()
    }
}
