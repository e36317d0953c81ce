//! One side of an interval join: its rows in order while a partner can still come, and whether each has met one.
//!
//! All rows of a side live equally long, so the first in order is the first to go. Rows are numbered over the whole run; a number minus that
//! of the first row is a position.

use std::collections::VecDeque;

use crate::data::{Duration, Phase, Place};
use crate::operators::evaluate::KeptRow;
use crate::operators::memory::fit_queue;

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
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) values: KeptRow,
    pub(super) place: Place,
    /// The number of its key.
    pub(super) key: u32,
    pub(super) is_matched: bool,
}

crate::saved!(Stored { values, place, key, is_matched });

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

    /// Appends a row; its number.
    pub(super) fn push(&mut self, row: Stored) -> u64 {
        self.rows.push_back(row);
        self.first + self.rows.len() as u64 - 1
    }

    /// The row of a number.
    pub(super) fn of(&mut self, number: u64) -> &mut Stored {
        let at = usize::try_from(number - self.first).expect("rows that are held fit memory");
        &mut self.rows[at]
    }

    /// The deadline of the first row, and where it stands.
    pub(super) fn next_deadline(&self) -> Option<(Place, Place)> {
        self.rows.front().map(|row| (self.deadline(row.place), row.place))
    }

    /// Takes the first row out, with its number.
    pub(super) fn pop(&mut self) -> Option<(u64, Stored)> {
        let row = self.rows.pop_front()?;
        fit_queue(&mut self.rows);
        self.first += 1;
        Some((self.first - 1, row))
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

    /// Adds rows of other keys where they stand, and numbers all anew.
    pub(super) fn add(&mut self, rows: Vec<Stored>) {
        self.rows.extend(rows);
        self.rows.make_contiguous().sort_by_key(|row| row.place);
        self.undecided = self.first;
    }

    /// The rows with their numbers, in order.
    pub(super) fn numbered(&self) -> impl Iterator<Item = (u64, &Stored)> {
        (self.first..).zip(&self.rows)
    }

    /// How many rows are held.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The rows, for counting alone.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.rows.iter()
    }
}
