//! One side of an interval join: its rows in order while a partner can still come, and whether each has met one.
//!
//! All rows of a side live equally long, so the first in order is the first to go. Rows are numbered over the whole run; a number minus that
//! of the first row is a position. The rows of one key are a list through these numbers.

use std::collections::VecDeque;

use crate::data::{Duration, Phase, Place};

/// The rows of one side.
#[derive(Debug)]
pub(super) struct Side {
    /// How long after a row a partner can still come.
    horizon: Duration,
    rows: VecDeque<Stored>,
    /// The number of the first row.
    first: u64,
    /// No row before this number may still come out.
    undecided: u64,
}

/// A row that waits for partners.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) place: Place,
    /// Where its values are.
    pub(super) address: u64,
    /// The number of the next row of its key; [`NONE`] for the last.
    next: u64,
    /// The number of its key.
    pub(super) key: u32,
    pub(super) is_matched: bool,
}

const NONE: u64 = u64::MAX;

impl Stored {
    /// A row that no other of its key stands behind yet.
    pub(super) fn new(place: Place, address: u64, key: u32, is_matched: bool) -> Self {
        Self { place, address, next: NONE, key, is_matched }
    }
}

/// The rows of one key on one side, in order, by number.
#[derive(Debug, Clone, Copy)]
pub(super) struct OfKey {
    first: u64,
    last: u64,
}

impl Default for OfKey {
    fn default() -> Self {
        Self { first: NONE, last: NONE }
    }
}

impl OfKey {
    pub(super) fn is_empty(self) -> bool {
        self.first == NONE
    }

    pub(super) fn first(self) -> Option<u64> {
        (self.first != NONE).then_some(self.first)
    }
}

impl Side {
    pub(super) fn new(horizon: Duration) -> Self {
        Self { horizon, rows: VecDeque::new(), first: 0, undecided: 0 }
    }

    /// How long after a row a partner can still come.
    pub(super) fn horizon(&self) -> Duration {
        self.horizon
    }

    /// From where on no partner of a row at this place can come.
    pub(super) fn deadline(&self, place: Place) -> Place {
        Place::bound(place.time().saturating_add(self.horizon), Phase::After)
    }

    /// Appends a row to the side and to those of its key.
    pub(super) fn push(&mut self, row: Stored, of_key: &mut OfKey) {
        let number = self.first + self.rows.len() as u64;
        self.rows.push_back(row);
        self.link(number, of_key);
    }

    /// Appends a row that is of no key any more.
    pub(super) fn push_decided(&mut self, row: Stored) {
        self.rows.push_back(row);
    }

    /// Takes all rows out.
    pub(super) fn take_all(&mut self) -> Vec<Stored> {
        (self.first, self.undecided) = (0, 0);
        std::mem::take(&mut self.rows).into()
    }

    fn link(&mut self, number: u64, of_key: &mut OfKey) {
        match of_key.first() {
            None => of_key.first = number,
            Some(_) => self.of(of_key.last).next = number,
        }
        of_key.last = number;
    }

    /// The row of a number.
    pub(super) fn of(&mut self, number: u64) -> &mut Stored {
        let at = usize::try_from(number - self.first).expect("rows that are held fit memory");
        &mut self.rows[at]
    }

    /// The number of the row behind one, of the same key.
    pub(super) fn next(&mut self, number: u64) -> Option<u64> {
        let next = self.of(number).next;
        (next != NONE).then_some(next)
    }

    /// Leaves of a key only the rows that have met no partner.
    pub(super) fn keep_unmatched(&mut self, of_key: &mut OfKey) {
        let mut row = of_key.first();
        *of_key = OfKey::default();
        while let Some(number) = row {
            row = self.next(number);
            if !self.of(number).is_matched {
                self.of(number).next = NONE;
                self.link(number, of_key);
            }
        }
    }

    /// The deadline of the first row, and where it stands.
    pub(super) fn next_deadline(&self) -> Option<(Place, Place)> {
        self.rows.front().map(|row| (self.deadline(row.place), row.place))
    }

    /// Takes the first row out.
    pub(super) fn pop(&mut self) -> Option<Stored> {
        let row = self.rows.pop_front()?;
        // Tighter than other queues: rows are what a join mostly consists of.
        if self.rows.capacity() > 16 + 2 * self.rows.len() {
            self.rows.shrink_to(self.rows.len() + self.rows.len() / 2);
        }
        self.first += 1;
        Some(row)
    }

    /// A row that was the first of the side, and so of its key, has gone.
    pub(super) fn unlink(row: Stored, of_key: &mut OfKey) {
        debug_assert!(!of_key.is_empty(), "the rows of a key are in order");
        *of_key = if row.next == NONE { OfKey::default() } else { OfKey { first: row.next, ..*of_key } };
    }

    /// The place of the first row that has met no partner.
    pub(super) fn first_unmatched(&mut self) -> Place {
        self.undecided = self.undecided.max(self.first);
        let mut at = usize::try_from(self.undecided - self.first).expect("rows that are held fit memory");
        while self.rows.get(at).is_some_and(|row| row.is_matched) {
            at += 1;
        }
        self.undecided = self.first + at as u64;
        self.rows.get(at).map_or(Place::MAX, |row| row.place)
    }

    /// The rows, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.rows.iter()
    }

    /// The address of the first row.
    pub(super) fn first_address(&self) -> Option<u64> {
        self.rows.front().map(|row| row.address)
    }

    /// How many rows are held.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How much memory the rows take, besides their values.
    pub(super) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Stored>()
    }
}
