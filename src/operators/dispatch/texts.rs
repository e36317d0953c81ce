//! Which atoms hold for a text: equality by a hash table, and all texts that may stand in it in one pass (Aho and Corasick, 1975).
//!
//! Texts repeat, so what was found for one is kept for the next; where they turn out not to, nothing is kept for a while.

use aho_corasick::{AhoCorasick, MatchKind};
use hashbrown::HashMap;

/// How many texts are remembered, and how many bytes they have; then all are forgotten.
const TEXTS_MAX: usize = 1 << 16;
const BYTES_MAX: usize = 8 << 20;
/// How many texts are looked at before it is said whether remembering pays, and how many then pass without.
const TRIAL: u32 = 8192;
const PAUSE: u32 = 1 << 17;

/// The number of an atom.
pub(super) type AtomId = u32;

/// The atoms on one text column.
#[derive(Debug)]
pub(super) struct Texts {
    equal: HashMap<Box<str>, Vec<AtomId>, ahash::RandomState>,
    exact: Needles,
    folded: Needles,
    memo: Memo,
}

/// Texts that are looked for in a text, each with its atom.
#[derive(Debug, Default)]
struct Needles {
    finder: Option<AhoCorasick>,
    atoms: Vec<AtomId>,
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

fn hasher() -> ahash::RandomState {
    ahash::RandomState::with_seeds(3, 5, 7, 9)
}

impl Texts {
    /// Of texts to be equal to, and texts to stand in it: as they are, and in lower case.
    pub(super) fn new(equal: Vec<(Box<str>, AtomId)>, exact: Vec<(Box<str>, AtomId)>, folded: Vec<(Box<str>, AtomId)>) -> Self {
        let mut by_text: HashMap<Box<str>, Vec<AtomId>, ahash::RandomState> = HashMap::with_hasher(hasher());
        for (text, atom) in equal {
            by_text.entry(text).or_default().push(atom);
        }
        let memo = Memo { known: HashMap::with_hasher(hasher()), atoms: Vec::new(), bytes: 0, asked: 0, found: 0, pause: 0 };
        Self { equal: by_text, exact: Needles::new(exact), folded: Needles::new(folded), memo }
    }

    /// Appends the atoms that hold for a text.
    pub(super) fn look_up(&mut self, text: &str, found: &mut Vec<AtomId>) {
        if self.exact.atoms.is_empty() && self.folded.atoms.is_empty() {
            found.extend(self.equal.get(text).into_iter().flatten());
            return;
        }
        if self.memo.pause > 0 {
            self.memo.pause -= 1;
            return self.find(text, found);
        }
        if self.memo.recall(text, found) {
            return;
        }
        let from = found.len();
        self.find(text, found);
        self.memo.keep(text, &found[from..]);
    }

    fn find(&self, text: &str, found: &mut Vec<AtomId>) {
        let from = found.len();
        found.extend(self.equal.get(text).into_iter().flatten());
        self.exact.find(text, found);
        if !self.folded.atoms.is_empty() {
            self.folded.find(&text.to_lowercase(), found);
        }
        if found.len() > from + 1 {
            found[from..].sort_unstable();
            let mut last = None;
            let mut kept = from;
            for at in from..found.len() {
                if last != Some(found[at]) {
                    last = Some(found[at]);
                    found[kept] = found[at];
                    kept += 1;
                }
            }
            found.truncate(kept);
        }
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let finders: usize = [&self.exact, &self.folded].iter().filter_map(|n| n.finder.as_ref()).map(AhoCorasick::memory_usage).sum();
        let equal: usize = self.equal.keys().map(|text| text.len() + 64).sum();
        finders + equal + self.memo.bytes + self.memo.known.allocation_size() + self.memo.atoms.capacity() * size_of::<AtomId>()
    }
}

impl Needles {
    fn new(needles: Vec<(Box<str>, AtomId)>) -> Self {
        if needles.is_empty() {
            return Self::default();
        }
        let texts = needles.iter().map(|(text, _)| text.as_bytes());
        let finder = AhoCorasick::builder().match_kind(MatchKind::Standard).build(texts);
        let finder = finder.expect("the texts of a program are short and few enough for an automaton of 2^31 states");
        Self { finder: Some(finder), atoms: needles.into_iter().map(|(_, atom)| atom).collect() }
    }

    fn find(&self, text: &str, found: &mut Vec<AtomId>) {
        if let Some(finder) = &self.finder {
            found.extend(finder.find_overlapping_iter(text).map(|hit| self.atoms[hit.pattern().as_usize()]));
        }
    }
}

impl Memo {
    fn recall(&mut self, text: &str, found: &mut Vec<AtomId>) -> bool {
        self.asked += 1;
        if self.asked > TRIAL {
            if self.found < self.asked / 2 {
                self.forget();
                self.pause = PAUSE;
            }
            (self.asked, self.found) = (0, 0);
        }
        let Some(&(from, to)) = self.known.get(text) else { return false };
        self.found += 1;
        found.extend_from_slice(&self.atoms[from as usize..to as usize]);
        true
    }

    fn keep(&mut self, text: &str, atoms: &[AtomId]) {
        if self.known.len() >= TEXTS_MAX || self.bytes + text.len() > BYTES_MAX || self.atoms.len() > BYTES_MAX / 4 {
            self.forget();
        }
        let from = self.atoms.len();
        self.atoms.extend_from_slice(atoms);
        let place = |at: usize| u32::try_from(at).expect("the bound is far below 2^32");
        self.bytes += text.len();
        self.known.insert(text.into(), (place(from), place(self.atoms.len())));
    }

    fn forget(&mut self) {
        self.known.clear();
        self.atoms.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Texts {
        let text = |text: &str, atom| (Box::from(text), atom);
        Texts::new(vec![text("ab", 1), text("x", 2)], vec![text("a", 3), text("ab", 4), text("bc", 5)], vec![text("ab", 6)])
    }

    #[test]
    fn all_atoms_of_a_text_are_found_once() {
        let mut texts = texts();
        for (text, expected) in
            [("ab", &[1, 3, 4, 6][..]), ("aabca", &[3, 4, 5, 6]), ("x", &[2]), ("AB", &[6]), ("", &[]), ("ab", &[1, 3, 4, 6])]
        {
            let mut found = vec![9];
            texts.look_up(text, &mut found);
            assert_eq!(found[1..], *expected, "{text}");
        }
    }

    #[test]
    fn texts_that_do_not_repeat_are_not_kept() {
        let mut texts = texts();
        let mut found = Vec::new();
        for number in 0..200_000 {
            found.clear();
            texts.look_up(&format!("{number} abc"), &mut found);
            assert_eq!(found, [3, 4, 5, 6]);
        }
        assert!(texts.memo.known.len() <= TRIAL as usize && texts.memo.bytes < BYTES_MAX, "{}", texts.memo.known.len());
        for _ in 0..200_000 {
            texts.look_up("again", &mut found);
        }
        assert!(texts.memo.found > 0, "it tries again");
    }
}
