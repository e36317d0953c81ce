//! Which atoms may hold for a text: equality by a hash table, and all texts that may stand in it in one pass (Aho and Corasick, 1975).
//!
//! Texts repeat, so what was found for one is kept for the next; where they turn out not to, nothing is kept for a while.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use hashbrown::HashMap;

use super::columns::row_number;
use crate::data::{CodedText, Dictionary};

/// How many texts are remembered, and how many bytes they have; then all are forgotten.
const TEXTS_MAX: usize = 1 << 16;
const BYTES_MAX: usize = 8 << 20;
/// How many texts are looked at before it is said whether remembering pays, and how many then pass without.
const TRIAL: u32 = 8192;
const PAUSE: u32 = 1 << 17;

/// An automaton whose steps all stand in one table takes a fifth of the time, and more memory: texts of so many bytes together get one, if
/// it has no more than so many.
const TABLE_TEXTS: usize = 64 << 10;
const TABLE_BYTES: usize = 24 << 20;

/// A code of which nothing has been asked.
const UNKNOWN: (u32, u32) = (u32::MAX, 0);

/// The number of an atom.
pub(super) type AtomId = u32;

/// The atoms on one text column.
#[derive(Debug)]
pub(super) struct Texts {
    equal: HashMap<Box<str>, Vec<AtomId>, ahash::RandomState>,
    needles: Needles,
    memo: Memo,
    by_code: ByCode,
    scratch: Vec<AtomId>,
}

/// Texts that are looked for in a text, each with its atom, whatever the case of Latin letters: what is found is asked for in full later.
#[derive(Debug, Default)]
struct Needles {
    finder: Option<AhoCorasick>,
    atoms: Vec<AtomId>,
    /// Some are to stand in the text in lower case.
    any_folded: bool,
}

/// What was found for the texts so far.
#[derive(Debug)]
struct Memo {
    /// Where in `atoms` the atoms of a text stand.
    known: HashMap<Box<str>, (u32, u32), ahash::RandomState>,
    atoms: Vec<AtomId>,
    bytes: usize,
    asked: u32,
    found: u32,
    pause: u32,
}

/// What was found for the codes of a dictionary, which bounds how many there are.
#[derive(Debug, Default)]
struct ByCode {
    dictionary: Option<u64>,
    /// By code, where in `atoms` its atoms stand.
    known: Vec<(u32, u32)>,
    atoms: Vec<AtomId>,
}

fn hasher() -> ahash::RandomState {
    ahash::RandomState::with_seeds(3, 5, 7, 9)
}

impl Texts {
    /// Of texts to be equal to, and texts that may stand in it: as they are, and in lower case.
    pub(super) fn new(equal: Vec<(Box<str>, AtomId)>, exact: Vec<(Box<str>, AtomId)>, folded: Vec<(Box<str>, AtomId)>) -> Self {
        let mut by_text: HashMap<Box<str>, Vec<AtomId>, ahash::RandomState> = HashMap::with_hasher(hasher());
        for (text, atom) in equal {
            by_text.entry(text).or_default().push(atom);
        }
        let memo = Memo { known: HashMap::with_hasher(hasher()), atoms: Vec::new(), bytes: 0, asked: 0, found: 0, pause: 0 };
        Self { equal: by_text, needles: Needles::new(exact, folded), memo, by_code: ByCode::default(), scratch: Vec::new() }
    }

    /// Appends the atoms that may hold for the text of a row.
    pub(super) fn look_up(&mut self, text: &str, row: usize, found: &mut Vec<(u32, AtomId)>) {
        let at = row_number(row);
        if self.needles.atoms.is_empty() {
            found.extend(self.equal.get(text).into_iter().flatten().map(|&atom| (at, atom)));
            return;
        }
        if self.memo.pause == 0 {
            if let Some(atoms) = self.memo.recall(text) {
                found.extend(atoms.iter().map(|&atom| (at, atom)));
                return;
            }
        } else {
            self.memo.pause -= 1;
        }
        let mut atoms = std::mem::take(&mut self.scratch);
        self.find(text, &mut atoms);
        if self.memo.pause == 0 {
            self.memo.keep(text, &atoms);
        }
        found.extend(atoms.iter().map(|&atom| (at, atom)));
        self.scratch = atoms;
    }

    /// Rows of codes of this dictionary are asked for next.
    pub(super) fn know(&mut self, dictionary: &Dictionary) {
        if self.by_code.dictionary != Some(dictionary.id()) {
            self.by_code = ByCode { dictionary: Some(dictionary.id()), ..ByCode::default() };
        }
        if self.by_code.known.len() < dictionary.len() {
            self.by_code.known.resize(dictionary.len(), UNKNOWN);
        }
    }

    /// As `look_up`, for a row of codes of the dictionary that is known; it is not NULL.
    #[inline]
    pub(super) fn look_up_coded(&mut self, texts: &CodedText, row: usize, found: &mut Vec<(u32, AtomId)>) {
        let code = texts.codes().value(row);
        let (mut from, mut to) = self.by_code.known[code as usize];
        if (from, to) == UNKNOWN {
            (from, to) = self.learn(texts.dictionary(), code);
        }
        if from < to {
            let at = row_number(row);
            found.extend(self.by_code.atoms[from as usize..to as usize].iter().map(|&atom| (at, atom)));
        }
    }

    fn learn(&mut self, dictionary: &Dictionary, code: u32) -> (u32, u32) {
        let mut atoms = std::mem::take(&mut self.scratch);
        self.find(dictionary.text(code), &mut atoms);
        let of_codes = &mut self.by_code;
        let begin = place(of_codes.atoms.len());
        of_codes.atoms.extend_from_slice(&atoms);
        self.scratch = atoms;
        let span = (begin, place(of_codes.atoms.len()));
        of_codes.known[code as usize] = span;
        span
    }

    fn find(&self, text: &str, found: &mut Vec<AtomId>) {
        found.clear();
        found.extend(self.equal.get(text).into_iter().flatten());
        self.needles.find(text, found);
        // Other letters may become Latin ones in lower case.
        if self.needles.any_folded && !text.is_ascii() {
            self.needles.find(&text.to_lowercase(), found);
        }
        found.sort_unstable();
        found.dedup();
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let finders = self.needles.finder.as_ref().map_or(0, AhoCorasick::memory_usage);
        let equal: usize = self.equal.keys().map(|text| text.len() + 64).sum();
        let by_code = self.by_code.known.capacity() * size_of::<(u32, u32)>() + self.by_code.atoms.capacity() * 4;
        finders + equal + by_code + self.memo.bytes + self.memo.known.allocation_size() + self.memo.atoms.capacity() * size_of::<AtomId>()
    }
}

impl Needles {
    fn new(exact: Vec<(Box<str>, AtomId)>, folded: Vec<(Box<str>, AtomId)>) -> Self {
        let any_folded = !folded.is_empty();
        let (texts, atoms): (Vec<Box<str>>, Vec<AtomId>) = exact.into_iter().chain(folded).unzip();
        if texts.is_empty() {
            return Self::default();
        }
        // Texts of events are short: to look for rare bytes first does not pay.
        let mut builder = AhoCorasick::builder();
        builder.match_kind(MatchKind::Standard).ascii_case_insensitive(true).prefilter(false);
        let is_small = texts.iter().map(|text| text.len()).sum::<usize>() <= TABLE_TEXTS;
        let table = || builder.clone().kind(Some(AhoCorasickKind::DFA)).build(texts.iter().map(|text| text.as_bytes())).ok();
        if let Some(finder) = is_small.then(table).flatten().filter(|finder| finder.memory_usage() <= TABLE_BYTES) {
            return Self { finder: Some(finder), atoms, any_folded };
        }
        let finder = builder.build(texts.iter().map(|text| text.as_bytes()));
        let finder = finder.expect("the texts of a program are short and few enough for an automaton of 2^31 states");
        Self { finder: Some(finder), atoms, any_folded }
    }

    fn find(&self, text: &str, found: &mut Vec<AtomId>) {
        if let Some(finder) = &self.finder {
            found.extend(finder.find_overlapping_iter(text).map(|hit| self.atoms[hit.pattern().as_usize()]));
        }
    }
}

impl Memo {
    fn recall(&mut self, text: &str) -> Option<&[AtomId]> {
        self.asked += 1;
        if self.asked > TRIAL {
            if self.found < self.asked / 2 {
                self.forget();
                self.pause = PAUSE;
            }
            (self.asked, self.found) = (0, 0);
        }
        let &(from, to) = self.known.get(text)?;
        self.found += 1;
        Some(&self.atoms[from as usize..to as usize])
    }

    fn keep(&mut self, text: &str, atoms: &[AtomId]) {
        if self.known.len() >= TEXTS_MAX || self.bytes + text.len() > BYTES_MAX || self.atoms.len() > BYTES_MAX / 4 {
            self.forget();
        }
        let from = self.atoms.len();
        self.atoms.extend_from_slice(atoms);
        self.bytes += text.len();
        self.known.insert(text.into(), (place(from), place(self.atoms.len())));
    }

    fn forget(&mut self) {
        self.known.clear();
        self.atoms.clear();
        self.bytes = 0;
    }
}

/// Where something stands in a list of atoms.
fn place(at: usize) -> u32 {
    u32::try_from(at).expect("the bounds are far below 2^32")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Column, ColumnBuilder, DataType, Value};

    fn texts() -> Texts {
        let text = |text: &str, atom| (Box::from(text), atom);
        Texts::new(vec![text("ab", 1), text("x", 2)], vec![text("a", 3), text("ab", 4), text("bc", 5)], vec![text("ab", 6)])
    }

    fn of(texts: &mut Texts, text: &str) -> Vec<AtomId> {
        let mut found = Vec::new();
        texts.look_up(text, 7, &mut found);
        assert!(found.iter().all(|(row, _)| *row == 7));
        found.into_iter().map(|(_, atom)| atom).collect()
    }

    #[test]
    fn all_atoms_of_a_text_are_found_once() {
        let mut texts = texts();
        for (text, expected) in
            [("ab", &[1, 3, 4, 6][..]), ("aabca", &[3, 4, 5, 6]), ("x", &[2]), ("é", &[]), ("", &[]), ("ab", &[1, 3, 4, 6])]
        {
            assert_eq!(of(&mut texts, text), *expected, "{text}");
        }
        assert!(of(&mut texts, "xAB").contains(&6));
        let mut kelvin = Texts::new(Vec::new(), Vec::new(), vec![(Box::from("k"), 1)]);
        assert_eq!(of(&mut kelvin, "\u{212a}"), [1], "the sign of the kelvin is a k in lower case");
    }

    #[test]
    fn a_table_finds_what_an_automaton_without_one_finds() {
        let needles = ["tool1", "tool", "ool12", "\u{e4}", "1", "A1"];
        let named =
            |needles: &[&str]| -> Vec<(Box<str>, AtomId)> { (0..).zip(needles).map(|(atom, text)| (Box::from(*text), atom)).collect() };
        let others = |count: usize| (0..count).map(|n| (Box::from(format!("another text of the program, number {n}")), 1000));
        let mut few = Texts::new(Vec::new(), named(&needles), named(&["OOL"]));
        let mut many = Texts::new(Vec::new(), named(&needles).into_iter().chain(others(TABLE_TEXTS / 32)).collect(), named(&["OOL"]));
        let is_table = |texts: &Texts| texts.needles.finder.as_ref().map(AhoCorasick::kind) == Some(AhoCorasickKind::DFA);
        assert!(is_table(&few) && !is_table(&many));
        for text in ["tool12", "TOOL1", "a \u{e4} 11", "", "another text", "to"] {
            assert_eq!(of(&mut few, text), of(&mut many, text), "{text}");
        }
        assert_eq!(of(&mut few, "tool12"), [0, 1, 2, 4]);
    }

    #[test]
    fn codes_give_what_texts_give() {
        let values = ["ab", "aabca", "x", "ab", "é"].map(Value::string);
        let mut builder = ColumnBuilder::interning(&DataType::String);
        values.iter().for_each(|value| builder.push(value.borrowed()));
        let Column::Coded(coded) = builder.finish() else { panic!("few texts have codes") };
        let (mut by_code, mut by_text) = (texts(), texts());
        by_code.know(coded.dictionary());
        for row in 0..values.len() {
            let mut found = Vec::new();
            by_code.look_up_coded(&coded, row, &mut found);
            assert_eq!(found.iter().map(|(_, atom)| *atom).collect::<Vec<_>>(), of(&mut by_text, coded.value(row)));
        }
    }

    #[test]
    fn texts_that_do_not_repeat_are_not_kept() {
        let mut texts = texts();
        for number in 0..200_000 {
            assert_eq!(of(&mut texts, &format!("{number} abc")), [3, 4, 5, 6]);
        }
        assert!(texts.memo.known.len() <= TRIAL as usize && texts.memo.bytes < BYTES_MAX, "{}", texts.memo.known.len());
        for _ in 0..200_000 {
            of(&mut texts, "again");
        }
        assert!(texts.memo.found > 0, "it tries again");
    }
}
