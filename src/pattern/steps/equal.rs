//! Places of records by one of their words, for equality: each bucket of words leads to the last of its places, and each place to the one
//! before it. The words themselves stand in the records alone, so whoever is asked about a place compares them.

/// See the module.
#[derive(Debug)]
pub(super) struct Equal {
    /// By bucket, the place that came last; as many as a power of two.
    last: Vec<u32>,
    /// By place, the one before it in its bucket.
    before: Vec<u32>,
}

/// No place.
const NONE: u32 = u32::MAX;

impl Equal {
    /// For about so many places.
    pub(super) fn new(places: usize) -> Self {
        Self { last: vec![NONE; places.next_power_of_two().max(64)], before: Vec::with_capacity(places) }
    }

    #[inline]
    fn bucket(&self, word: i64) -> usize {
        const MIX: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
        let wide = u128::from(word.cast_unsigned() ^ 0x243f_6a88_85a3_08d3).wrapping_mul(MIX);
        // The bits in the middle depend on all bits of the word.
        (wide >> 64) as usize & (self.last.len() - 1)
    }

    #[inline]
    pub(super) fn insert(&mut self, word: i64, place: u32) {
        let at = place as usize;
        if self.before.len() <= at {
            self.before.resize(at + 1, NONE);
        }
        let bucket = self.bucket(word);
        self.before[at] = std::mem::replace(&mut self.last[bucket], place);
    }

    /// Calls `goes` for each place whose word may be this one, and removes those for which it says so, to `free`.
    #[inline]
    pub(super) fn take(&mut self, word: i64, mut goes: impl FnMut(u32) -> bool, free: &mut Vec<u32>) {
        let bucket = self.bucket(word);
        // The place that stays and whose link is to be told; at first the bucket's.
        let (mut stays, mut place) = (NONE, self.last[bucket]);
        while place != NONE {
            let next = self.before[place as usize];
            if goes(place) {
                free.push(place);
                match stays {
                    NONE => self.last[bucket] = next,
                    stays => self.before[stays as usize] = next,
                }
            } else {
                stays = place;
            }
            place = next;
        }
    }

    /// How many places are looked at for a word.
    pub(super) fn cost(&self, word: i64) -> usize {
        let there = |place: u32| (place != NONE).then_some(place);
        std::iter::successors(there(self.last[self.bucket(word)]), |place| there(self.before[*place as usize])).count()
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        (self.last.capacity() + self.before.capacity()) * size_of::<u32>()
    }
}
