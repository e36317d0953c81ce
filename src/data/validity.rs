//! Which rows of a column in the making have a value.

use std::ops::Range;

use arrow_buffer::{BooleanBuffer, NullBuffer};

/// Which rows have a value; nothing is kept while all have.
#[derive(Debug, Default)]
pub(super) struct Validity(Option<Vec<bool>>);

impl Validity {
    /// Notes that one row more, behind `len` others, has a value or has none.
    #[inline]
    pub(super) fn push(&mut self, len: usize, is_valid: bool) {
        match &mut self.0 {
            Some(flags) => flags.push(is_valid),
            None if is_valid => {}
            None => {
                let mut flags = vec![true; len];
                flags.push(false);
                self.0 = Some(flags);
            }
        }
    }

    pub(super) fn push_times(&mut self, len: usize, is_valid: bool, times: usize) {
        if !is_valid && times > 0 && self.0.is_none() {
            self.0 = Some(vec![true; len]);
        }
        if let Some(flags) = &mut self.0 {
            flags.resize(flags.len() + times, is_valid);
        }
    }

    pub(super) fn extend(&mut self, len: usize, more: Option<&[bool]>, rows: usize) {
        match more {
            None => self.push_times(len, true, rows),
            Some(more) => self.0.get_or_insert_with(|| vec![true; len]).extend_from_slice(more),
        }
    }

    pub(super) fn repeat_rows(&mut self, rows: Range<usize>) {
        if let Some(flags) = &mut self.0 {
            flags.extend_from_within(rows);
        }
    }

    pub(super) fn finish(&mut self) -> Option<NullBuffer> {
        self.0.take().filter(|flags| flags.contains(&false)).map(|flags| NullBuffer::new(packed(&flags)))
    }
}

/// A bit a flag, eight flags in one multiplication.
pub(super) fn packed(flags: &[bool]) -> BooleanBuffer {
    // Byte i of the word goes to bit i of its highest byte; no two products meet there.
    const TO_BITS: u64 = 0x0102_0408_1020_4080;
    let (eights, rest) = flags.as_chunks::<8>();
    let mut bytes: Vec<u8> = Vec::with_capacity(flags.len().div_ceil(8));
    bytes.extend(eights.iter().map(|eight| (u64::from_le_bytes(eight.map(u8::from)).wrapping_mul(TO_BITS) >> 56) as u8));
    if !rest.is_empty() {
        bytes.push(rest.iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(*flag)));
    }
    BooleanBuffer::new(bytes.into(), 0, flags.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_flags_are_the_flags() {
        let mut state = 0x5eed_u64;
        for count in (0..70).chain([1000]) {
            let mut flag = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state & 1 == 1
            };
            let flags: Vec<bool> = (0..count).map(|_| flag()).collect();
            assert_eq!(packed(&flags), BooleanBuffer::from(flags.clone()), "{flags:?}");
        }
    }
}
