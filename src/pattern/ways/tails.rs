//! What goes on behind an entry is the same whatever came before it. So the rows of all matches that go on from one entry are written once in
//! the order of the walk, and where another way comes to that entry they are copied, with what that way has taken in place of what the first
//! one had. Listing a loop's ways (`A ->> B+ ANY ->> C` has one for each set of B) then takes a copy a row in place of a walk.

use std::ops::Range;

use super::columns::WayColumns;

/// For each kind, what is behind its entries.
#[derive(Debug, Default)]
pub(super) struct Tails {
    of_kind: Vec<OfKind>,
    /// How many numbers are noted with each.
    width: usize,
}

#[derive(Debug, Default)]
struct OfKind {
    /// The number of the first entry.
    first: u64,
    /// The rows behind each entry; none as long as they are not all written.
    rows: Vec<Range<usize>>,
    /// For each entry and output, how many values had been taken before it when its rows were written.
    taken: Vec<usize>,
}

impl Tails {
    /// Forgets all, for the matches of another event; with each entry so many numbers are noted.
    pub(super) fn begin(&mut self, columns: &WayColumns, width: usize) {
        self.width = width;
        self.of_kind.resize_with(columns.entries.len(), OfKind::default);
        for (of, entries) in self.of_kind.iter_mut().zip(&columns.entries) {
            of.first = entries.first();
            of.rows.clear();
            of.taken.clear();
        }
    }

    /// From here on rows of what goes on behind an entry are written, where so many values have been taken.
    #[inline]
    pub(super) fn open(&mut self, kind: usize, entry: u64, row: usize, taken: impl Iterator<Item = usize>) {
        let (of, width) = (&mut self.of_kind[kind], self.width);
        let at = of.at(entry);
        if of.rows.len() <= at {
            of.rows.resize(at + 1, 0..0);
            of.taken.resize((at + 1) * width, 0);
        }
        of.rows[at] = row..row;
        of.taken[at * width..].iter_mut().zip(taken).for_each(|(noted, taken)| *noted = taken);
    }

    /// They have been written up to here.
    #[inline]
    pub(super) fn close(&mut self, kind: usize, entry: u64, row: usize) {
        let of = &mut self.of_kind[kind];
        let at = of.at(entry);
        of.rows[at].end = row;
    }

    /// The rows behind an entry and how much had been taken before it, if they have been written.
    #[inline]
    pub(super) fn find(&self, kind: usize, entry: u64) -> Option<(Range<usize>, &[usize])> {
        let of = &self.of_kind[kind];
        let at = of.at(entry);
        let rows = of.rows.get(at).filter(|rows| !rows.is_empty())?;
        Some((rows.clone(), &of.taken[at * self.width..(at + 1) * self.width]))
    }
}

impl OfKind {
    #[inline]
    fn at(&self, entry: u64) -> usize {
        usize::try_from(entry - self.first).expect("what is in memory has an index")
    }
}
