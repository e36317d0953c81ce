//! A text that is read, as one word: itself where it is short, else where it stands.

/// The word of a text: up to seven bytes and their number above them, or the place in a longer text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextWord(u64);

/// Set where the text is elsewhere.
const ELSEWHERE: u64 = 1 << 63;
/// Set too where it has escapes there: no place begins so far behind.
const ESCAPED: u64 = 1 << 31;

impl TextWord {
    /// The word of no text.
    pub(super) const NONE: Self = Self(u64::MAX);
    /// The most bytes that stand in the word itself.
    pub const SHORT: usize = 7;

    /// A text of so many bytes, at most [`Self::SHORT`], the first one lowest. Nothing stands in the bytes above them.
    #[inline(always)]
    pub fn short(bytes: u64, length: usize) -> Self {
        debug_assert!(length <= Self::SHORT && bytes >> (8 * length) == 0, "so many bytes and no more");
        Self(bytes | (length as u64) << 56)
    }

    /// A text that stands in another: where it begins, and its length. Both are below 2^31.
    #[inline(always)]
    pub fn place(begin: usize, length: usize) -> Self {
        Self(ELSEWHERE | begin as u64 | (length as u64) << 32)
    }

    /// A place whose text has escapes: it is no text yet, and who reads it takes them out first.
    #[inline(always)]
    pub fn escaped(begin: usize, length: usize) -> Self {
        Self(Self::place(begin, length).0 | ESCAPED)
    }

    /// Where what has escapes begins and its length, if it is that.
    #[inline(always)]
    pub fn with_escapes(self) -> Option<(usize, usize)> {
        const BOTH: u64 = ELSEWHERE | ESCAPED;
        if self.0 & BOTH == BOTH { Self(self.0 & !ESCAPED).elsewhere() } else { None }
    }

    /// The word of a text that is short enough.
    #[inline]
    pub fn of(text: &[u8]) -> Option<Self> {
        let mut bytes = [0; 8];
        bytes.get_mut(..text.len()).filter(|_| text.len() <= Self::SHORT)?.copy_from_slice(text);
        Some(Self::short(u64::from_le_bytes(bytes), text.len()))
    }

    /// The word that these bits are.
    #[inline(always)]
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits of the word.
    #[inline(always)]
    pub fn bits(self) -> u64 {
        self.0
    }

    /// Where the text begins and its length, if it stands elsewhere.
    #[inline(always)]
    pub fn elsewhere(self) -> Option<(usize, usize)> {
        let place = self.0 & !ELSEWHERE;
        (self.0 & ELSEWHERE != 0).then_some(((place & u64::from(u32::MAX)) as usize, (place >> 32) as usize))
    }

    /// Does something with the text; `whole` is what places are in.
    pub fn with<T>(self, whole: &str, work: impl FnOnce(&str) -> T) -> T {
        if let Some((begin, length)) = self.elsewhere() {
            return work(&whole[begin..begin + length]);
        }
        let bytes = self.0.to_le_bytes();
        let length = usize::from(bytes[7]).min(Self::SHORT);
        work(std::str::from_utf8(&bytes[..length]).expect("a text is put in whole"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_its_text() {
        let whole = "a text with \u{e4} and \0 in it";
        for begin in (0..whole.len()).filter(|&begin| whole.is_char_boundary(begin)) {
            for end in (begin..=whole.len()).filter(|&end| whole.is_char_boundary(end)) {
                let text = &whole[begin..end];
                let place = TextWord::place(begin, end - begin);
                assert_eq!(place.with(whole, str::to_owned), text);
                assert_eq!(place.elsewhere(), Some((begin, end - begin)));
                let short = TextWord::of(text.as_bytes());
                assert_eq!(short.is_some(), text.len() <= TextWord::SHORT);
                let escaped = TextWord::escaped(begin, end - begin);
                assert_eq!((place.with_escapes(), escaped.with_escapes()), (None, Some((begin, end - begin))));
                if let Some(short) = short {
                    assert_eq!(short.with_escapes(), None);
                    assert_eq!(short.with("", str::to_owned), text);
                    assert_eq!((short.elsewhere(), TextWord::from_bits(short.bits())), (None, short));
                }
            }
        }
    }
}
