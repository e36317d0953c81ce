//! Finding the records that a candidate may fit, by one or two of their words: by a table where a term asks for equality ([`Equal`]), else in
//! order ([`Ordered`]): `<` and `>` ask for all words up to a limit, and another such term for those that reach far enough.
//!
//! Which terms find least is not known beforehand. So some of the questions are kept, and where many records were looked at in vain, all
//! finders are tried on these.

use super::equal::Equal;
use super::ordered::{Entry, Ordered, UpTo};
use super::word::Bounds;
use crate::expr::CompareOp;

/// A way to find records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finder {
    /// By equality with this word.
    Equal(usize),
    /// By order of one word, and what another reaches.
    Ordered(Towards, Option<Towards>),
}

/// A word that is asked for from one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Towards {
    word: usize,
    /// Words from a bound on are asked for; else those up to one.
    is_from: bool,
}

/// An index.
#[derive(Debug)]
pub(super) struct Index {
    finder: Finder,
    places: Places,
    /// Records that were looked at in vain since finders were tried, beyond which they are tried again.
    in_vain: usize,
    patience: usize,
    asked: Asked,
}

#[derive(Debug)]
enum Places {
    Equal(Equal),
    Ordered(Ordered),
}

/// Some of the last questions.
#[derive(Debug, Default)]
struct Asked {
    count: usize,
    bounds: Vec<Box<[Bounds]>>,
}

impl Asked {
    const KEPT: usize = 16;
    const ONE_OF: usize = 32;

    #[inline]
    fn note(&mut self, bounds: &[Bounds]) {
        self.count = self.count.wrapping_add(1);
        if self.count.is_multiple_of(Self::ONE_OF) {
            match self.bounds.get_mut(self.count / Self::ONE_OF % Self::KEPT) {
                Some(old) => old.copy_from_slice(bounds),
                None => self.bounds.push(bounds.into()),
            }
        }
    }
}

impl Towards {
    /// If a comparison asks for words from one side.
    pub(super) fn of(word: usize, op: CompareOp) -> Option<Self> {
        match op {
            CompareOp::Less | CompareOp::LessEq => Some(Self { word, is_from: true }),
            CompareOp::Greater | CompareOp::GreaterEq => Some(Self { word, is_from: false }),
            CompareOp::Eq | CompareOp::NotEq => None,
        }
    }

    pub(super) fn is_opposite(self, other: Self) -> bool {
        self.is_from != other.is_from
    }

    /// So that what is asked for is all up to a limit.
    fn key(self, words: &[u64]) -> i64 {
        let word = words[self.word].cast_signed();
        if self.is_from { !word } else { word }
    }

    fn limit(self, bounds: &[Bounds]) -> i64 {
        let bounds = bounds[self.word];
        if self.is_from { !bounds.low } else { bounds.high }
    }

    /// So that what is asked for is all from there on.
    fn reach(self, words: &[u64]) -> i64 {
        !self.key(words)
    }

    fn least_reach(self, bounds: &[Bounds]) -> i64 {
        !self.limit(bounds)
    }
}

impl Finder {
    /// The finders over words that are compared with the same side of the candidate where these numbers are the same; the first is the one
    /// that likely looks at least.
    pub(super) fn all(words: &[(CompareOp, usize)]) -> Vec<Self> {
        let equal = (0..words.len()).filter(|word| words[*word].0 == CompareOp::Eq).map(Self::Equal);
        let sides: Vec<Towards> = words.iter().enumerate().filter_map(|(word, (op, _))| Towards::of(word, *op)).collect();
        let range_with = |one: Towards| move |other: &&Towards| one.is_opposite(**other) && words[one.word].1 == words[other.word].1;
        let mut found: Vec<Self> = equal.collect();
        let (paired, alone): (Vec<Towards>, Vec<Towards>) =
            sides.iter().partition(|one| sides.iter().any(|other| range_with(**one)(&other)));
        for one in paired.into_iter().chain(alone) {
            let other = sides.iter().find(range_with(one)).or_else(|| sides.iter().find(|other| other.word != one.word));
            found.push(Self::Ordered(one, other.copied()));
        }
        found.truncate(Self::MOST);
        found
    }

    /// More than so many are not tried.
    const MOST: usize = 8;

    fn asked(one: Towards, other: Option<Towards>, bounds: &[Bounds]) -> UpTo {
        UpTo { limit: one.limit(bounds), reach: other.map_or(i64::MIN, |other| other.least_reach(bounds)) }
    }

    fn entry(one: Towards, other: Option<Towards>, words: &[u64], place: u32) -> Entry {
        Entry { key: one.key(words), reach: other.map_or(0, |other| other.reach(words)), place }
    }
}

impl Places {
    /// Over records with these words at these places. Twice as many may come.
    fn new<'w>(finder: Finder, records: impl Iterator<Item = (&'w [u64], u32)>, count: usize) -> Self {
        match finder {
            Finder::Equal(word) => {
                let mut equal = Equal::new(2 * count);
                records.for_each(|(words, place)| equal.insert(words[word].cast_signed(), place));
                Self::Equal(equal)
            }
            Finder::Ordered(one, other) => {
                let entries = records.map(|(words, place)| Finder::entry(one, other, words, place)).collect();
                Self::Ordered(Ordered::new(entries, other.is_some()))
            }
        }
    }

    fn cost(&self, finder: Finder, bounds: &[Bounds]) -> usize {
        match (self, finder) {
            (Self::Equal(equal), Finder::Equal(word)) => equal.cost(bounds[word].low),
            (Self::Ordered(ordered), Finder::Ordered(one, other)) => ordered.cost(Finder::asked(one, other, bounds)),
            _ => 0,
        }
    }
}

/// Before finders are tried again, so many records for each that there is were looked at in vain.
const PATIENCE: usize = 32;

impl Index {
    /// Over so many records with these words at these places, by the first of the finders.
    pub(super) fn new<'w>(finders: &[Finder], records: impl Iterator<Item = (&'w [u64], u32)>, count: usize) -> Option<Self> {
        let finder = *finders.first()?;
        let places = Places::new(finder, records, count);
        Some(Self { finder, places, in_vain: 0, patience: PATIENCE, asked: Asked::default() })
    }

    #[inline]
    pub(super) fn insert(&mut self, words: &[u64], place: u32) {
        match (&mut self.places, self.finder) {
            (Places::Equal(equal), Finder::Equal(word)) => equal.insert(words[word].cast_signed(), place),
            (Places::Ordered(ordered), Finder::Ordered(one, other)) => ordered.insert(Finder::entry(one, other, words, place)),
            _ => {}
        }
    }

    /// Calls `goes` for each place whose words may lie between the bounds, and removes those for which it says so, to `free`.
    #[inline]
    pub(super) fn take(&mut self, bounds: &[Bounds], mut goes: impl FnMut(u32) -> bool, free: &mut Vec<u32>) {
        let mut looked_at = 0;
        let went = free.len();
        let goes = |place: u32| {
            looked_at += 1;
            goes(place)
        };
        match (&mut self.places, self.finder) {
            (Places::Equal(equal), Finder::Equal(word)) => equal.take(bounds[word].low, goes, free),
            (Places::Ordered(ordered), Finder::Ordered(one, other)) => ordered.take(Finder::asked(one, other, bounds), goes, free),
            _ => {}
        }
        self.in_vain += looked_at - (free.len() - went);
        self.asked.note(bounds);
    }

    /// Records have got other places; those that now have these words at these places are the ones that are left.
    pub(super) fn renumber<'w>(
        &mut self,
        number: impl Fn(u32) -> Option<u32>,
        records: impl Iterator<Item = (&'w [u64], u32)>,
        count: usize,
    ) {
        match &mut self.places {
            Places::Ordered(ordered) => ordered.renumber(number),
            Places::Equal(_) => self.places = Places::new(self.finder, records, count),
        }
    }

    /// Whether other finders should be tried, where there are some.
    #[inline]
    pub(super) fn is_in_vain(&self, count: usize) -> bool {
        self.in_vain > self.patience.saturating_mul(count)
    }

    /// Tries all finders on some of the last questions, and takes the best.
    pub(super) fn try_all<'w, R: Iterator<Item = (&'w [u64], u32)>>(&mut self, finders: &[Finder], records: impl Fn() -> R, count: usize) {
        let cost = |finder: Finder, places: &Places| -> usize { self.asked.bounds.iter().map(|bounds| places.cost(finder, bounds)).sum() };
        let now = cost(self.finder, &self.places);
        let others = finders.iter().filter(|finder| **finder != self.finder).map(|finder| {
            let places = Places::new(*finder, records(), count);
            (cost(*finder, &places), *finder, places)
        });
        let best = others.min_by_key(|(cost, ..)| *cost).filter(|(cost, ..)| *cost < now / 2);
        self.in_vain = 0;
        match best {
            Some((_, finder, places)) => (self.finder, self.places) = (finder, places),
            // Trying costs as much as some looking.
            None => self.patience = self.patience.saturating_mul(2),
        }
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        let places = match &self.places {
            Places::Equal(equal) => equal.bytes(),
            Places::Ordered(ordered) => ordered.bytes(),
        };
        places + self.asked.bounds.iter().map(|bounds| size_of_val(&**bounds)).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPS: [CompareOp; 5] = [CompareOp::Eq, CompareOp::Less, CompareOp::LessEq, CompareOp::Greater, CompareOp::GreaterEq];

    fn random(seed: u64) -> impl FnMut(u64) -> u64 {
        let mut state = seed;
        move |n| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        }
    }

    /// Words of few values or of many, in the middle or at the ends.
    fn word(below: &mut impl FnMut(u64) -> u64, span: u64) -> i64 {
        match below(40) {
            0 => i64::MAX - below(2).cast_signed(),
            1 => i64::MIN + below(2).cast_signed(),
            _ => below(span).cast_signed() - 3,
        }
    }

    /// Whatever comes and goes, and whichever finder is taken: all that fits is asked about, once, and what is to go goes.
    #[test]
    fn every_finder_finds_what_fits() {
        for seed in 0..60 {
            let below = &mut random(seed);
            let span = [12, 300, 100_000][below(3) as usize];
            let ops: Vec<(CompareOp, usize)> = (0..1 + below(3)).map(|_| (OPS[below(5) as usize], below(2) as usize)).collect();
            let finders = Finder::all(&ops);
            let mut index = Index::new(&finders, std::iter::empty(), 0).unwrap();
            let mut records: Vec<Option<Vec<u64>>> = Vec::new();
            let mut free: Vec<u32> = Vec::new();
            let mut most = 0;
            for round in 0..6000 {
                let is_growing = round / 1500 % 2 == 0;
                if below(4) < if is_growing { 3 } else { 1 } {
                    let drift = if seed % 5 == 0 { round } else { 0 };
                    let words: Vec<u64> = ops.iter().map(|_| word(below, span).saturating_add(drift).cast_unsigned()).collect();
                    let place = free.pop().unwrap_or_else(|| {
                        records.push(None);
                        u32::try_from(records.len() - 1).unwrap()
                    });
                    index.insert(&words, place);
                    records[place as usize] = Some(words);
                    most = most.max(records.len() - free.len());
                } else if below(600) == 0 {
                    index.try_all(&finders, || there(&records), records.len());
                } else if below(600) == 0 {
                    records.iter_mut().for_each(|record| *record = record.take().filter(|_| below(8) > 0));
                    let mut numbers = Vec::new();
                    let mut next = 0_u32;
                    for record in &records {
                        numbers.push(record.is_some().then_some(next));
                        next += u32::from(record.is_some());
                    }
                    records.retain(Option::is_some);
                    free.clear();
                    index.renumber(|place| numbers[place as usize], there(&records), records.len());
                } else {
                    let bounds: Vec<Bounds> = ops.iter().map(|(op, _)| Bounds::of(*op, word(below, span))).collect();
                    let fits = |words: &[u64]| words.iter().zip(&bounds).all(|(word, bounds)| bounds.hold(word.cast_signed()));
                    let goes = below(3);
                    let mut found = Vec::new();
                    let expected: Vec<u32> = there(&records).filter(|(words, _)| fits(words)).map(|(_, place)| place).collect();
                    let taken = |place: u32| {
                        let fits = fits(records[place as usize].as_ref().expect("a record"));
                        found.extend(fits.then_some(place));
                        fits && u64::from(place) % 3 < goes
                    };
                    let before = free.len();
                    index.take(&bounds, taken, &mut free);
                    free[before..].iter().for_each(|place| records[*place as usize] = None);
                    found.sort_unstable();
                    assert_eq!(found, expected, "seed {seed}, round {round}, {ops:?}, {bounds:?}");
                }
            }
            assert!(most > 20, "{most}");
        }
    }

    fn there(records: &[Option<Vec<u64>>]) -> impl Iterator<Item = (&[u64], u32)> {
        records.iter().zip(0u32..).filter_map(|(record, place)| Some((record.as_deref()?, place)))
    }

    /// Of two terms that each fit half of all, the range that both make looks at few; where a third finds less, that one is taken.
    #[test]
    fn the_best_finder_is_taken() {
        let below = &mut random(3);
        let words = |low: u64, width: u64, other: u64| vec![low, low + width, other];
        let records: Vec<Vec<u64>> = (0..10_000).map(|_| words(below(1_000_000), 100, below(1_000_000))).collect();
        let all = || records.iter().map(Vec::as_slice).zip(0u32..);
        let ops = [(CompareOp::GreaterEq, 0), (CompareOp::LessEq, 0), (CompareOp::Less, 1)];
        let finders = Finder::all(&ops);
        let mut index = Index::new(&finders, all(), records.len()).unwrap();
        let (mut looked_at, mut free) = (0, Vec::new());
        let mut ask = |index: &mut Index, x: i64, y: i64| {
            looked_at = 0;
            let bounds = [Bounds::of(ops[0].0, x), Bounds::of(ops[1].0, x), Bounds::of(ops[2].0, y)];
            index.take(
                &bounds,
                |_| {
                    looked_at += 1;
                    false
                },
                &mut free,
            );
            looked_at
        };
        assert!(ask(&mut index, 500_000, 0) < 10);
        let wide: Vec<Vec<u64>> = records.iter().map(|record| words(record[0] / 4, 500_000, record[2])).collect();
        let all = || wide.iter().map(Vec::as_slice).zip(0u32..);
        let mut index = Index::new(&finders, all(), wide.len()).unwrap();
        assert!(ask(&mut index, 400_000, 999_000) > 5_000);
        for at in 0..200 {
            ask(&mut index, 400_000, 999_000 + at);
        }
        assert!(index.is_in_vain(wide.len()));
        index.try_all(&finders, all, wide.len());
        assert!(ask(&mut index, 400_000, 999_000) < 50);
    }
}
