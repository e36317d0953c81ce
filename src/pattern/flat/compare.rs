//! Comparisons of two words where they lie in the log: the terms that patterns mostly consist of, without a tree in between.
//!
//! A side is a column of the candidate or of an event that the thread remembers, a FLOAT maybe times a constant. So no NULL is ever made up,
//! and a comparison may be left out where it is known to be true: one that cannot change any more once its variable has taken an event is
//! *settled* by the first that it takes (`FIRST(d.price) < s.price` of `s , d+`).

use std::cmp::Ordering;

use super::layout::{Layout, Word};
use super::log::Log;
use super::machine::{Offered, Source};
use super::table::NONE;
use crate::data::{DataType, Value};
use crate::expr::{CompareOp, Expr, ExprKind, scaled_slot};

/// See the module.
#[derive(Debug, PartialEq)]
pub(super) struct Comparison {
    is_float: bool,
    sides: [Side; 2],
    /// Orders of the sides that make it true, as bits: the left one less, both equal, the left one greater.
    accepts: u8,
    /// The place that an event has once the comparison is settled.
    settled_by: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Side {
    /// The place of its event; [`CANDIDATE`] where it is the candidate's.
    at: usize,
    /// It is the candidate's where nothing is there.
    or_candidate: bool,
    word: Word,
    /// 1 where it is not a FLOAT times a constant: that changes no order.
    times: f64,
}

/// No place of a record.
const CANDIDATE: usize = usize::MAX;

/// A word that is found without asking what a column is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Quick {
    Candidate(Word),
    Remembered(usize, Word),
    /// Of the event at a place, or of the candidate where nothing is there and it comes next (what has to be there before, if anything).
    RememberedOrCandidate(usize, Option<usize>, Word),
}

impl Quick {
    /// The word that a source is, if it is one of these.
    pub(super) fn of(source: Source, layout: &Layout) -> Option<Self> {
        Some(match source {
            Source::Candidate { column } => Self::Candidate(layout.word(column)?),
            Source::Remembered { at, column } => Self::Remembered(at, layout.word(column)?),
            Source::RememberedOrCandidate { at, before, column } => Self::RememberedOrCandidate(at, before, layout.word(column)?),
            _ => return None,
        })
    }

    /// The word; nothing where it is NULL.
    #[inline]
    pub(super) fn word(self, log: &Log, layout: &Layout, record: &[u32], candidate: u32) -> Option<i64> {
        let (event, word) = match self {
            Self::Candidate(word) => (candidate, word),
            Self::Remembered(at, word) => (record[at], word),
            Self::RememberedOrCandidate(at, before, word) => {
                let is_next = record[at] == NONE && before.is_none_or(|before| record[before] != NONE);
                (if is_next { candidate } else { record[at] }, word)
            }
        };
        if event == NONE { None } else { word.of(log.row(layout, event)) }
    }
}

impl Side {
    /// The side that a source is, a FLOAT maybe times a constant, if it can be one.
    fn of(source: Source, layout: &Layout, factor: Option<f64>) -> Option<Self> {
        let (at, or_candidate, word) = match Quick::of(source, layout)? {
            Quick::Candidate(word) => (CANDIDATE, true, word),
            Quick::Remembered(at, word) => (at, false, word),
            Quick::RememberedOrCandidate(at, None, word) => (at, true, word),
            Quick::RememberedOrCandidate(_, Some(_), _) => return None,
        };
        Some(Self { at, or_candidate, word, times: factor.unwrap_or(1.0) })
    }

    /// The word; nothing where it is NULL.
    #[inline(always)]
    fn word(&self, layout: &Layout, record: &[u32], offered: &Offered<'_>) -> Option<i64> {
        match record.get(self.at) {
            Some(&event) if event != NONE => self.word.of(offered.log.row(layout, event)),
            _ if self.or_candidate => self.word.of(offered.row),
            _ => None,
        }
    }

    #[inline(always)]
    fn float(self, word: i64) -> f64 {
        f64::from_bits(word.cast_unsigned()) * self.times
    }
}

/// The orders that make a comparison true, as bits.
fn accepted(op: CompareOp) -> u8 {
    [Ordering::Less, Ordering::Equal, Ordering::Greater]
        .into_iter()
        .zip(0..)
        .fold(0, |bits, (order, at)| bits | u8::from(op.holds(order)) << at)
}

/// How two sides stand, as a bit; none where a FLOAT is NaN.
#[inline(always)]
fn order<T: PartialOrd>(a: T, b: T) -> u8 {
    u8::from(a < b) | u8::from(a == b) << 1 | u8::from(a > b) << 2
}

impl Comparison {
    /// Of a term whose slots have these sources, if it is one; `settled_by` is as in the struct.
    pub(super) fn compile(term: &Expr, sources: &[Source], layout: &Layout, settled_by: Option<usize>) -> Option<Self> {
        let (ExprKind::Compare(op), [a, b]) = (term.kind(), term.args()) else { return None };
        let is_float = match (a.data_type(), b.data_type()) {
            (DataType::Float, DataType::Float) => true,
            (DataType::Int, DataType::Int) | (DataType::Timestamp, DataType::Timestamp) | (DataType::Duration, DataType::Duration) => false,
            _ => return None,
        };
        let side = |expr: &Expr| {
            let (slot, factor) =
                expr.as_slot().map(|slot| (slot, None)).or_else(|| scaled_slot(expr).map(|(slot, by)| (slot, Some(by))))?;
            Side::of(sources[slot.0 as usize], layout, factor)
        };
        Some(Self { is_float, sides: [side(a)?, side(b)?], accepts: accepted(*op), settled_by })
    }

    /// Whether it is true of a candidate and a thread.
    #[inline(always)]
    pub(super) fn holds(&self, layout: &Layout, record: &[u32], offered: &Offered<'_>) -> bool {
        if self.settled_by.is_some_and(|at| record[at] != NONE) {
            return true;
        }
        let [left, right] = &self.sides;
        let Some(a) = left.word(layout, record, offered) else { return false };
        let Some(b) = right.word(layout, record, offered) else { return false };
        self.accepts & self.stand(a, b) != 0
    }

    /// How the words of both sides stand, as a bit; none where one is NaN and nothing is known of the other.
    #[inline(always)]
    fn stand(&self, a: i64, b: i64) -> u8 {
        if !self.is_float {
            return order(a, b);
        }
        let [left, right] = &self.sides;
        let (a, b) = (left.float(a), right.float(b));
        match order(a, b) {
            0 => Value::Float(a).compare(&Value::Float(b)).map_or(0, |order| 1 << (order as i8 + 1)),
            order => order,
        }
    }

    /// Whether two compare the same.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        (self.is_float, &self.sides, self.settled_by) == (other.is_float, &other.sides, other.settled_by)
    }

    /// Of `bits`, by how the sides stand (less, equal, greater), those of a row and the one before it; none where a side is NULL.
    #[inline(always)]
    pub(super) fn of_neighbours(&self, before: &[i64], row: &[i64], bits: &[u64; 3]) -> u64 {
        let [left, right] = &self.sides;
        let of = |side: &Side| side.word.of(if side.at == CANDIDATE { row } else { before });
        let (Some(left), Some(right)) = (of(left), of(right)) else { return 0 };
        let order = self.stand(left, right);
        (0..3).fold(0, |all, at| all | u64::from(order >> at & 1).wrapping_neg() & bits[at])
    }

    /// Whether it is true of sides that stand so.
    pub(super) fn accepts(&self, order: usize) -> bool {
        self.accepts >> order & 1 == 1
    }
}
