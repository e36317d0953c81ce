//! Short texts with their codes: a text is its own key, as one word or three, and is found by one multiplication.

use super::TextWord;

/// Open addressing, at most half full, so that mostly the first place that is looked at is the right one.
pub(super) struct TextTable<K> {
    /// A power of two many, or none yet.
    places: Vec<(K, u32)>,
    used: usize,
    /// By chance, so that no input can be made to collide.
    seeds: [u64; 2],
}

/// What a short text is found by.
pub(super) trait TextKey: Copy + Eq {
    /// The key of no text.
    const FREE: Self;

    fn hash(self, seeds: [u64; 2]) -> u64;
}

/// A text of at most sixteen bytes: its first eight and those behind them, zeros where there are none, and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Short {
    head: u64,
    tail: u64,
    length: u32,
}

impl Short {
    #[inline]
    pub(super) fn of(text: &[u8]) -> Option<Self> {
        let length = u32::try_from(text.len()).ok().filter(|&length| length <= 16)?;
        let (head, tail) = match (text.first_chunk(), text.last_chunk()) {
            // The last eight bytes without those that are among the first.
            (Some(head), Some(tail)) => (*head, u64::from_le_bytes(*tail).checked_shr(8 * (16 - length)).unwrap_or(0)),
            _ => {
                let mut head = [0; 8];
                head[..text.len()].copy_from_slice(text);
                (head, 0)
            }
        };
        Some(Self { head: u64::from_le_bytes(head), tail, length })
    }

    /// The same of the text that a window begins with.
    #[inline]
    pub(super) fn in_window(window: &[u8; 16], length: usize) -> Option<Self> {
        let (head_mask, tail_mask) = MASKS.get(length)?;
        let (words, _) = window.as_chunks();
        let (head, tail) = (u64::from_le_bytes(words[0]) & head_mask, u64::from_le_bytes(words[1]) & tail_mask);
        Some(Self { head, tail, length: length as u32 })
    }
}

/// Which bits of two words are those of a text that has so many bytes.
const MASKS: [(u64, u64); 17] = {
    let mut masks = [(u64::MAX, u64::MAX); 17];
    let mut length = 0;
    while length < 16 {
        masks[length] = if length < 8 { ((1 << (8 * length)) - 1, 0) } else { (u64::MAX, (1 << (8 * (length - 8))) - 1) };
        length += 1;
    }
    masks
};

impl TextKey for Short {
    const FREE: Self = Self { head: 0, tail: 0, length: u32::MAX };

    /// Both halves, each with a seed of its own, multiplied and folded.
    #[inline(always)]
    fn hash(self, [first, second]: [u64; 2]) -> u64 {
        folded(self.head ^ first, self.tail ^ second ^ u64::from(self.length))
    }
}

impl TextKey for TextWord {
    // A word of more bytes than a word has.
    const FREE: Self = Self::NONE;

    #[inline(always)]
    fn hash(self, [first, second]: [u64; 2]) -> u64 {
        folded(self.bits() ^ first, second)
    }
}

#[inline(always)]
fn folded(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl<K: TextKey> TextTable<K> {
    pub(super) fn new(seeds: [u64; 2]) -> Self {
        Self { places: Vec::new(), used: 0, seeds }
    }

    #[inline(always)]
    pub(super) fn find(&self, key: K) -> Option<u32> {
        let mask = self.places.len().wrapping_sub(1);
        let mut at = key.hash(self.seeds) as usize;
        loop {
            match self.places.get(at & mask)? {
                (found, code) if *found == key => return Some(*code),
                (found, _) if *found == K::FREE => return None,
                _ => at = at.wrapping_add(1),
            }
        }
    }

    /// Adds a text that is not there.
    pub(super) fn insert(&mut self, key: K, code: u32) {
        if 2 * (self.used + 1) > self.places.len() {
            let length = (2 * self.places.len()).max(64);
            let before = std::mem::replace(&mut self.places, vec![(K::FREE, 0); length]);
            before.into_iter().filter(|(key, _)| *key != K::FREE).for_each(|(key, code)| self.place(key, code));
        }
        self.place(key, code);
        self.used += 1;
    }

    fn place(&mut self, key: K, code: u32) {
        let mask = self.places.len() - 1;
        let mut at = key.hash(self.seeds) as usize & mask;
        while self.places[at].0 != K::FREE {
            at = (at + 1) & mask;
        }
        self.places[at] = (key, code);
    }
}
