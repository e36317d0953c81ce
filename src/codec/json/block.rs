//! Rows in the making: a word for each value, and which values are NULL.

use super::sprint::{WINDOW, word};

/// Rows of a block: few enough for their words to stay in the nearest cache.
pub(super) const BLOCK: usize = 256;

/// Rows of a slot that are NULL, a bit each.
pub(super) type Nulls = [u64; BLOCK / 64];

/// The words of rows, a column a slot: integers, the bits of floats, texts as words. The word of a NULL is zero.
#[derive(Debug)]
pub(super) struct Block {
    words: Vec<[u64; BLOCK]>,
    nulls: Vec<Nulls>,
    /// The slots that may be NULL.
    nullable: u64,
}

/// Rows of a block.
#[derive(Debug, Clone, Copy)]
pub(super) enum Picked<'p> {
    /// The first, so many.
    First(usize),
    /// These, each with the number of its event.
    These(&'p [(u32, u64)]),
}

impl Block {
    /// One of so many slots, of which some may be NULL.
    pub(super) fn new(slots: usize, nullable: u64) -> Self {
        Self { words: vec![[0; BLOCK]; slots], nulls: vec![[0; BLOCK / 64]; slots], nullable }
    }

    /// No value is NULL any more.
    pub(super) fn clear(&mut self) {
        self.nulls.fill([0; BLOCK / 64]);
    }

    /// All rows of a slot.
    #[inline]
    pub(super) fn column(&self, slot: usize) -> &[u64; BLOCK] {
        &self.words[slot]
    }

    /// The same, if there is such a slot, with its NULLs if it may have any.
    pub(super) fn column_mut(&mut self, slot: u8) -> Option<(&mut [u64; BLOCK], Option<&mut Nulls>)> {
        let nulls = self.nulls.get_mut(usize::from(slot)).filter(|_| self.nullable >> slot & 1 == 1);
        Some((self.words.get_mut(usize::from(slot))?, nulls))
    }

    #[inline]
    pub(super) fn get(&self, slot: usize, row: usize) -> u64 {
        self.words[slot][row]
    }

    /// Sets a word, if there is such a slot.
    #[inline(always)]
    pub(super) fn put(&mut self, slot: u8, row: usize, word: u64) -> Option<()> {
        self.words.get_mut(usize::from(slot))?[row & (BLOCK - 1)] = word;
        Some(())
    }

    /// Makes a value NULL, if it may be.
    pub(super) fn put_null(&mut self, slot: u8, row: usize) -> Option<()> {
        let (words, nulls) = self.column_mut(slot)?;
        words[row & (BLOCK - 1)] = 0;
        note(nulls?, row);
        Some(())
    }

    #[inline]
    pub(super) fn is_null(&self, slot: usize, row: usize) -> bool {
        self.nulls[slot][row / 64] >> (row % 64) & 1 == 1
    }

    /// Whether any row of a slot may be NULL.
    #[inline]
    pub(super) fn has_nulls(&self, slot: usize) -> bool {
        self.nulls[slot] != [0; BLOCK / 64]
    }
}

#[inline]
fn note(nulls: &mut Nulls, row: usize) {
    nulls[(row / 64) & (BLOCK / 64 - 1)] |= 1 << (row % 64);
}

/// The word and the length of a `null` that a window begins with, where a value may be that; it is noted.
#[inline]
pub(super) fn null(window: &[u8; WINDOW], nulls: Option<&mut Nulls>, row: usize) -> Option<(u64, usize)> {
    if !is_null(window) {
        return None;
    }
    note(nulls?, row);
    Some((0, 4))
}

/// Whether a window begins with `null`. (What ends it is looked at as what ends a number is.)
#[inline(always)]
pub(super) fn is_null(window: &[u8; WINDOW]) -> bool {
    word(window, 0) as u32 == u32::from_le_bytes(*b"null")
}
