//! The atoms of one stream, by column: for each row all that may hold, at a cost that does not grow with how many there are.

use arrow_array::Array;
use hashbrown::HashMap;

use super::atoms::{Atom, word};
use super::texts::{AtomId, Texts};
use crate::data::{Column, EventBatch};

/// The atoms of one stream.
#[derive(Debug)]
pub(super) struct Columns {
    words: Vec<Words>,
    texts: Vec<OfText>,
}

/// The atoms on one column of text.
#[derive(Debug)]
struct OfText {
    column: usize,
    atoms: Vec<AtomId>,
    is_asked: bool,
    texts: Texts,
}

/// The atoms on one column of words: all, and those that are asked for.
#[derive(Debug)]
struct Words {
    column: usize,
    all: Vec<(AtomId, Atom)>,
    equal: HashMap<i64, Vec<AtomId>, ahash::RandomState>,
    /// By what the word is at least, in increasing order: those in front hold.
    at_least: Vec<(i64, AtomId)>,
    /// By what it is at most: those behind hold.
    at_most: Vec<(i64, AtomId)>,
}

impl Columns {
    /// Of these atoms, of which none is asked for yet.
    pub(super) fn new<'a>(atoms: impl Iterator<Item = (AtomId, &'a Atom)>) -> Self {
        let mut words: Vec<Words> = Vec::new();
        let mut texts: Vec<TextsOf> = Vec::new();
        for (id, atom) in atoms {
            match atom {
                Atom::Word(column, _) | Atom::AtLeast(column, _) | Atom::AtMost(column, _) => {
                    words_of(&mut words, *column).all.push((id, atom.clone()));
                }
                Atom::Text(column, text) => texts_of(&mut texts, *column).equal.push((text.clone(), id)),
                Atom::Contains { column, text, folded: false } => texts_of(&mut texts, *column).exact.push((text.clone(), id)),
                Atom::Contains { column, text, folded: true } => texts_of(&mut texts, *column).folded.push((text.clone(), id)),
                Atom::Evaluated(_) | Atom::Always => {}
            }
        }
        let of_text = |of: TextsOf| {
            let atoms = of.equal.iter().chain(&of.exact).chain(&of.folded).map(|(_, id)| *id).collect();
            OfText { column: of.column, atoms, is_asked: false, texts: Texts::new(of.equal, of.exact, of.folded) }
        };
        Self { words, texts: texts.into_iter().map(of_text).collect() }
    }

    /// Asks for these atoms from now on; of a text column all are found at once, or none.
    pub(super) fn ask(&mut self, is_asked: impl Fn(AtomId) -> bool) {
        for of in &mut self.texts {
            of.is_asked = of.atoms.iter().any(|id| is_asked(*id));
        }
        for words in &mut self.words {
            words.ask(&is_asked);
        }
    }

    /// Appends the atoms that may hold for the first `rows` rows of a batch, each with its row; in order of the rows for each column.
    pub(super) fn look_up(&mut self, batch: &EventBatch, rows: usize, found: &mut Vec<(u32, AtomId)>) {
        for words in self.words.iter().filter(|words| words.is_asked()) {
            words.look_up(&batch.columns()[words.column], rows, found);
        }
        for OfText { column, texts, .. } in self.texts.iter_mut().filter(|of| of.is_asked) {
            match &batch.columns()[*column] {
                Column::Coded(coded) => {
                    texts.know(coded.dictionary());
                    for row in (0..rows).filter(|&row| !coded.is_null(row)) {
                        texts.look_up_coded(coded, row, found);
                    }
                }
                Column::String(array) => {
                    for row in (0..rows).filter(|&row| array.is_valid(row)) {
                        texts.look_up(array.value(row), row, found);
                    }
                }
                _ => {}
            }
        }
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let words = self.words.iter().map(|w| w.equal.len() * 48 + (w.at_least.capacity() + w.at_most.capacity()) * 16);
        words.sum::<usize>() + self.texts.iter().map(|of| of.texts.bytes()).sum::<usize>()
    }
}

impl Words {
    fn ask(&mut self, is_asked: impl Fn(AtomId) -> bool) {
        self.equal.clear();
        self.at_least.clear();
        self.at_most.clear();
        for (id, atom) in self.all.iter().filter(|(id, _)| is_asked(*id)) {
            match atom {
                Atom::Word(_, word) => self.equal.entry(*word).or_default().push(*id),
                Atom::AtLeast(_, word) => self.at_least.push((*word, *id)),
                Atom::AtMost(_, word) => self.at_most.push((*word, *id)),
                Atom::Text(..) | Atom::Contains { .. } | Atom::Evaluated(_) | Atom::Always => {}
            }
        }
        self.at_least.sort_unstable();
        self.at_most.sort_unstable();
    }

    fn is_asked(&self) -> bool {
        !self.equal.is_empty() || !self.at_least.is_empty() || !self.at_most.is_empty()
    }

    fn look_up(&self, column: &Column, rows: usize, found: &mut Vec<(u32, AtomId)>) {
        let least = self.at_least.first().map_or(i64::MAX, |(least, _)| *least);
        let most = self.at_most.last().map_or(i64::MIN, |(most, _)| *most);
        for row in 0..rows {
            let Some(word) = word(column, row) else { continue };
            let at = row_number(row);
            if !self.equal.is_empty() {
                found.extend(self.equal.get(&word).into_iter().flatten().map(|&atom| (at, atom)));
            }
            if word >= least {
                let end = self.at_least.partition_point(|(least, _)| *least <= word);
                found.extend(self.at_least[..end].iter().map(|&(_, atom)| (at, atom)));
            }
            if word <= most {
                let from = self.at_most.partition_point(|(most, _)| *most < word);
                found.extend(self.at_most[from..].iter().map(|&(_, atom)| (at, atom)));
            }
        }
    }
}

/// The number of a row, as it stands beside what was found for it.
pub(super) fn row_number(row: usize) -> u32 {
    u32::try_from(row).expect("a batch has less than 2^32 rows")
}

/// Texts of a column that are gathered.
struct TextsOf {
    column: usize,
    equal: Vec<(Box<str>, AtomId)>,
    exact: Vec<(Box<str>, AtomId)>,
    folded: Vec<(Box<str>, AtomId)>,
}

fn words_of(words: &mut Vec<Words>, column: usize) -> &mut Words {
    let at = words.iter().position(|w| w.column == column).unwrap_or_else(|| {
        let equal = HashMap::with_hasher(ahash::RandomState::with_seeds(2, 4, 6, 8));
        words.push(Words { column, all: Vec::new(), equal, at_least: Vec::new(), at_most: Vec::new() });
        words.len() - 1
    });
    &mut words[at]
}

fn texts_of(texts: &mut Vec<TextsOf>, column: usize) -> &mut TextsOf {
    let at = texts.iter().position(|t| t.column == column).unwrap_or_else(|| {
        texts.push(TextsOf { column, equal: Vec::new(), exact: Vec::new(), folded: Vec::new() });
        texts.len() - 1
    });
    &mut texts[at]
}
