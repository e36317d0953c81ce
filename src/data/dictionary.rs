//! Texts that repeat, each kept once under a small number: what a text column is made of while its values repeat.
//!
//! An [`Interner`] reads texts and gives codes; the [`Dictionary`] behind it is shared with every column that holds such codes, on whatever
//! thread. It only ever grows, so a code means the same text as long as anyone holds the dictionary, and what was found out about a code once
//! (whether a condition holds for its text, which key it is) may be kept: [`Dictionary::id`] tells dictionaries apart.
//!
//! Bounds: a dictionary has at most [`MAX_ENTRIES`] texts of [`MAX_BYTES`] bytes together. A full one is left to its columns, and the interner
//! begins another, or gives up where texts hardly ever repeated; then the column is plain text.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use hashbrown::HashTable;

use super::TextWord;
use super::text_table::{Short, TextTable};

/// The most texts of a dictionary.
pub const MAX_ENTRIES: usize = 1 << 16;
/// The most bytes that the texts of a dictionary have together.
pub const MAX_BYTES: usize = 4 << 20;

const PAGE: usize = 256;
/// How many texts come before it is first looked whether they repeat at all.
const TRIAL: usize = 4096;

/// Distinct texts by their codes, which are dense: the first is 0.
pub struct Dictionary {
    id: u64,
    length: AtomicU32,
    /// Pages come as they are needed, and never move.
    pages: Box<[OnceLock<Box<[Entry]>>]>,
}

#[derive(Default)]
struct Entry {
    text: OnceLock<Box<str>>,
    written: OnceLock<Written>,
}

/// The text of a code as somebody writes it.
#[derive(Debug, PartialEq, Eq)]
pub enum Written {
    /// One that is short: what is behind its length means nothing.
    Short([u8; 31], u8),
    /// Any other.
    Long(Box<[u8]>),
}

impl Written {
    fn new(text: Vec<u8>) -> Self {
        let mut piece = [0; 31];
        match (piece.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(&text);
                Self::Short(piece, length)
            }
            _ => Self::Long(text.into()),
        }
    }
}

impl Dictionary {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let pages = (0..MAX_ENTRIES / PAGE).map(|_| OnceLock::new()).collect();
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), length: AtomicU32::new(0), pages }
    }

    /// A number that no other dictionary of the process has or will have. For telling them apart: nothing may depend on which it is.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How many texts there are at least: all codes of a column at hand are below.
    pub fn len(&self) -> usize {
        self.length.load(Ordering::Acquire) as usize
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn entry(&self, code: u32) -> Option<&Entry> {
        let code = code as usize;
        Some(&self.pages.get(code / PAGE)?.get()?[code % PAGE])
    }

    /// The text of a code.
    ///
    /// # Panics
    ///
    /// Where the dictionary has never given that code.
    #[inline]
    pub fn text(&self, code: u32) -> &str {
        self.entry(code).and_then(|entry| entry.text.get()).expect("a code is one that the dictionary gave")
    }

    /// The text of a code as `write` writes it. It is asked once a code; so all callers have to write the same.
    #[inline]
    pub fn written(&self, code: u32, write: impl FnOnce(&str) -> Vec<u8>) -> &Written {
        let entry = self.entry(code).expect("a code is one that the dictionary gave");
        match entry.written.get() {
            Some(written) => written,
            None => entry.written.get_or_init(|| Written::new(write(self.text(code)))),
        }
    }

    /// Appends a text; there is one interner, and so one writer.
    fn push(&self, text: &str) -> u32 {
        let code = self.length.load(Ordering::Relaxed);
        let at = code as usize;
        let page = self.pages[at / PAGE].get_or_init(|| (0..PAGE).map(|_| Entry::default()).collect());
        page[at % PAGE].text.set(text.into()).expect("a code is given once");
        self.length.store(code + 1, Ordering::Release);
        code
    }
}

impl fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dictionary").field("id", &self.id).field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Gives texts their codes.
pub struct Interner {
    dictionary: Arc<Dictionary>,
    /// Texts that are a word are their own keys, and so are other short ones.
    words: TextTable<TextWord>,
    short: TextTable<Short>,
    /// The others by their hashes.
    long: HashTable<(u64, u32)>,
    hasher: ahash::RandomState,
    /// How many texts were asked for since the dictionary is in use.
    asked: u64,
    /// How many bytes its texts have.
    bytes: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// No text more, but another dictionary may do.
    Full,
    /// Texts hardly ever repeat.
    GivenUp,
}

impl Default for Interner {
    fn default() -> Self {
        Self::new()
    }
}

impl Interner {
    /// One that has seen nothing.
    pub fn new() -> Self {
        // By chance, so that no input can be made to collide; codes do not depend on it, they are given in the order of the texts.
        let hasher = ahash::RandomState::new();
        let seeds = [hasher.hash_one(1), hasher.hash_one(2)];
        let (words, short) = (TextTable::new(seeds), TextTable::new(seeds));
        Self {
            dictionary: Arc::new(Dictionary::new()),
            words,
            short,
            long: HashTable::new(),
            hasher,
            asked: 0,
            bytes: 0,
            state: State::Open,
        }
    }

    /// What the codes mean.
    pub fn dictionary(&self) -> &Arc<Dictionary> {
        &self.dictionary
    }

    /// Whether there is any use in asking: false once texts have turned out not to repeat.
    pub fn is_useful(&self) -> bool {
        self.state != State::GivenUp
    }

    /// The code of a text; none where the text is new and the dictionary takes no more.
    #[inline]
    pub fn intern(&mut self, text: &str) -> Option<u32> {
        self.asked += 1;
        let Self { dictionary, words, short, long, .. } = self;
        if let Some(word) = TextWord::of(text.as_bytes()) {
            return words.find(word).or_else(|| self.add_word(text, word));
        }
        if let Some(key) = Short::of(text.as_bytes()) {
            return short.find(key).or_else(|| self.add_short(text, key));
        }
        let hash = self.hasher.hash_one(text.as_bytes());
        match long.find(hash, |&(other, code)| other == hash && dictionary.text(code) == text) {
            Some(&(_, code)) => Some(code),
            None => self.add_long(text, hash),
        }
    }

    /// Counts texts that were asked for elsewhere, or in [`Self::known`], under codes that are known here.
    pub(crate) fn count_asked(&mut self, texts: usize) {
        self.asked += texts as u64;
    }

    /// The code of a text that is there, if it is short; `whole` is what places are in. What it is asked for is not counted.
    #[inline(always)]
    pub(crate) fn known(&self, word: TextWord, whole: &str) -> Option<u32> {
        match word.elsewhere() {
            None => self.words.find(word),
            Some((begin, length)) => {
                let window = whole.as_bytes().get(begin..).and_then(<[u8]>::first_chunk)?;
                self.short.find(Short::in_window(window, length)?)
            }
        }
    }

    /// The code of a text that is one word; `whole` is what places are in.
    #[inline(always)]
    pub fn intern_word(&mut self, word: TextWord, whole: &str) -> Option<u32> {
        if let Some(code) = self.known(word, whole) {
            self.asked = self.asked.wrapping_add(1);
            return Some(code);
        }
        self.intern_other(word, whole)
    }

    #[inline(never)]
    fn intern_other(&mut self, word: TextWord, whole: &str) -> Option<u32> {
        word.with(whole, |text| self.intern(text))
    }

    #[cold]
    fn add_word(&mut self, text: &str, word: TextWord) -> Option<u32> {
        let code = self.add(text)?;
        self.words.insert(word, code);
        Some(code)
    }

    #[cold]
    fn add_short(&mut self, text: &str, key: Short) -> Option<u32> {
        let code = self.add(text)?;
        self.short.insert(key, code);
        Some(code)
    }

    #[cold]
    fn add_long(&mut self, text: &str, hash: u64) -> Option<u32> {
        let code = self.add(text)?;
        self.long.insert_unique(hash, (hash, code), |&(hash, _)| hash);
        Some(code)
    }

    /// A code for a new text, while there are any.
    fn add(&mut self, text: &str) -> Option<u32> {
        let length = self.dictionary.len();
        let repeats = self.asked.saturating_sub(length as u64);
        if self.state == State::Open && length == TRIAL && repeats < (TRIAL / 64) as u64 {
            self.state = State::GivenUp;
        }
        if self.state == State::Open && (length == MAX_ENTRIES || self.bytes + text.len() > MAX_BYTES) {
            self.state = if repeats < length as u64 { State::GivenUp } else { State::Full };
        }
        if self.state != State::Open {
            return None;
        }
        self.bytes += text.len();
        Some(self.dictionary.push(text))
    }

    /// Called between two columns: where the dictionary is full, another takes its place. Codes given so far are of the one before.
    pub fn renew(&mut self) {
        match self.state {
            State::Open => {}
            State::Full => *self = Self::new(),
            // Columns hold what they need of it.
            State::GivenUp if self.dictionary.is_empty() => {}
            State::GivenUp => *self = Self { state: State::GivenUp, ..Self::new() },
        }
    }
}

impl fmt::Debug for Interner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interner").field("dictionary", &self.dictionary).field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_code_and_a_code_one_text() {
        let mut interner = Interner::new();
        let texts: Vec<String> = (0..1000).map(|n| format!("text {n}")).chain([String::new(), "ä".to_owned()]).collect();
        for round in 0..2 {
            for (text, code) in texts.iter().zip(0u32..) {
                assert_eq!(interner.intern(text), Some(code), "round {round}");
                assert_eq!(interner.dictionary().text(code), text);
            }
        }
        assert_eq!(interner.dictionary().len(), texts.len());
        let quoted = |text: &str| format!("'{text}'").into_bytes();
        for _ in 0..2 {
            let Written::Short(piece, length) = interner.dictionary().written(3, quoted) else { panic!("it is short") };
            assert_eq!(&piece[..usize::from(*length)], b"'text 3'");
        }
        assert_eq!(interner.dictionary().written(4, |_| vec![b'x'; 32]), &Written::Long([b'x'; 32].into()));
        assert_eq!(interner.dictionary().written(4, |_| unreachable!("it is written once")), &Written::Long([b'x'; 32].into()));
    }

    #[test]
    fn a_word_has_the_code_of_its_text() {
        let mut interner = Interner::new();
        let text = "a text with \u{e4} and \0, of which all parts are texts, too: 0123456789";
        for begin in (0..text.len()).filter(|&begin| text.is_char_boundary(begin)) {
            for end in (begin..text.len().min(begin + 20)).filter(|&end| text.is_char_boundary(end)) {
                let part = &text[begin..end];
                let place = TextWord::place(begin, end - begin);
                let code = interner.intern_word(TextWord::of(part.as_bytes()).unwrap_or(place), text);
                assert_eq!(code.map(|code| interner.dictionary().text(code).to_owned()).as_deref(), Some(part));
                assert_eq!(interner.intern(part), code);
                assert_eq!(interner.intern_word(place, text), code, "a short text may stand elsewhere, too");
            }
        }
    }

    #[test]
    fn a_full_dictionary_is_followed_by_another_where_texts_repeat() {
        let mut interner = Interner::new();
        for n in 0..MAX_ENTRIES {
            let text = n.to_string();
            for _ in 0..2 {
                assert!(interner.intern(&text).is_some());
            }
        }
        assert_eq!(interner.intern("one more"), None);
        assert_eq!(interner.intern("17"), Some(17), "what is there stays");
        let full = interner.dictionary().clone();
        interner.renew();
        assert_eq!(interner.intern("one more"), Some(0));
        assert_ne!(interner.dictionary().id(), full.id());
        assert_eq!(full.text(17), "17");
    }

    #[test]
    fn texts_that_do_not_repeat_are_given_up() {
        let mut interner = Interner::new();
        let taken = (0..2 * TRIAL).filter(|n| interner.intern(&n.to_string()).is_some()).count();
        assert_eq!(taken, TRIAL);
        interner.renew();
        assert!(!interner.is_useful() && interner.intern("0").is_none() && interner.dictionary().is_empty());
    }

    #[test]
    fn long_texts_fill_it_by_their_bytes() {
        let mut interner = Interner::new();
        let long = |n: usize| format!("{n}{}", "x".repeat(MAX_BYTES / 8));
        let taken = (0..16).filter(|&n| interner.intern(&long(n)).is_some()).count();
        assert_eq!(taken, 7);
        assert!(!interner.is_useful());
    }
}
