//! The rows of a batch, each partition's together: what a partition holds is then looked at once a batch and not once a row, and what has
//! become of it goes out in the order of the rows afterwards.
//!
//! That the rows of other partitions lie in between changes nothing as long as no time is over between them: the caller sees to that. What is
//! held back, and whose WITHIN is waited for, is told row by row, as if they had been taken so.

use std::cmp::Reverse;

use super::{AHEAD, FlatSequence, UNKNOWN};
use crate::data::{EventBatch, Place};
use crate::operators::Outbox;
use crate::pattern::{Found, RowOf, Stretch};

/// Where the partitions of a batch have fewer rows of it than this in the mean, they are not worth being taken one by one.
const WORTH: usize = 2;

/// Rows by their partitions; all but the room is of one batch.
#[derive(Debug, Default)]
pub(super) struct ByPartition {
    /// By partition, its rows: where the list of them begins and ends in `next`. [`UNKNOWN`]: it has none.
    chains: Vec<(u32, u32)>,
    /// Behind each row the next one of its partition.
    next: Vec<u32>,
    /// By row, its partition; [`UNKNOWN`] where it has none.
    ids: Vec<u32>,
    /// Partitions that have rows, in the order of their first ones.
    there: Vec<u32>,
    /// The rows of the partition at hand.
    rows: Vec<u32>,
    /// By row, what is known behind it.
    behind: Vec<Behind>,
    found: Vec<Option<Found>>,
}

/// What is known of a partition behind one of its rows.
#[derive(Debug, Clone, Copy)]
struct Behind {
    /// Which of what has been found it has found: from there to there.
    found: (u32, u32),
    /// The first start that is undecided.
    oldest: Option<Place>,
}

impl Behind {
    const NOTHING: Self = Self { found: (0, 0), oldest: None };
}

impl ByPartition {
    /// Notes that a row is of a partition, behind all others.
    #[inline]
    fn add(&mut self, row: u32, id: u32) {
        let chain = &mut self.chains[id as usize];
        if *chain == NONE {
            self.there.push(id);
            *chain = (row, row);
        } else {
            self.next[chain.1 as usize] = row;
            chain.1 = row;
        }
    }

    /// Puts the rows of a partition into `rows`, and forgets them.
    fn take(&mut self, id: u32) {
        self.rows.clear();
        let (mut row, last) = std::mem::replace(&mut self.chains[id as usize], NONE);
        while row != last {
            self.rows.push(row);
            row = self.next[row as usize];
        }
        self.rows.push(last);
    }
}

const NONE: (u32, u32) = (UNKNOWN, UNKNOWN);

impl FlatSequence {
    /// Takes the rows of a batch by their partitions, where that is worth it: gives whether it has. `fits` says of each row which variables
    /// it fits; no time is over before the last of them.
    pub(super) fn take_by_partition(&mut self, batch: &EventBatch, words: &[Option<&[i64]>], fits: &[u64], out: &mut Outbox) -> bool {
        let mut by = std::mem::take(&mut self.by_partition);
        let is_worth_it = self.sort_by_partition(batch, fits, &mut by);
        if is_worth_it {
            let stretch = Stretch::new(batch, words, fits);
            self.take_partitions(&stretch, &mut by);
            self.put_out_by_row(batch, &mut by, out);
            by.found.clear();
            by.there.iter().for_each(|id| self.settle(*id));
            self.forget_too_many();
        } else {
            by.there.iter().for_each(|id| by.chains[*id as usize] = NONE);
        }
        self.by_partition = by;
        is_worth_it
    }

    /// Finds the partitions of all rows. Gives whether they have enough of them.
    fn sort_by_partition(&mut self, batch: &EventBatch, fits: &[u64], by: &mut ByPartition) -> bool {
        by.there.clear();
        by.next.resize(fits.len().max(by.next.len()), UNKNOWN);
        self.rows.clear();
        self.rows.extend((0..).zip(fits).map(|(row, _)| row));
        self.keys.known_of(batch, &self.rows, &mut by.ids);
        for (row, fits) in fits.iter().enumerate() {
            let mut id = by.ids[row];
            let is_there = self.partitions.get(id as usize).is_some_and(Option::is_some);
            if !is_there {
                id = self.partition_of(&RowOf { input: 0, batch, row }, *fits).unwrap_or(UNKNOWN);
                by.ids[row] = id;
            }
            if by.chains.len() < self.partitions.len() {
                by.chains.resize(self.partitions.len(), NONE);
            }
            if id != UNKNOWN {
                by.add(row as u32, id);
            }
        }
        fits.len() >= WORTH * by.there.len()
    }

    /// Gives each partition its rows.
    fn take_partitions(&mut self, stretch: &Stretch<'_>, by: &mut ByPartition) {
        by.behind.resize(stretch.fits.len().max(by.behind.len()), Behind::NOTHING);
        let is_worth_touching = self.is_worth_touching();
        for nth in 0..by.there.len() {
            if is_worth_touching && nth.is_multiple_of(AHEAD) {
                self.ahead.clear();
                self.ahead.extend(by.there[nth..].iter().take(AHEAD));
                self.touch();
            }
            let id = by.there[nth];
            by.take(id);
            let Some(partition) = self.partitions[id as usize].as_mut() else { continue };
            partition.before = Some(self.evaluator.oldest_start(&partition.state));
            let mut begin = by.found.len() as u32;
            let (behind, all) = (&mut by.behind, begin);
            self.evaluator.events(&mut partition.state, stretch, &by.rows, |row, found, oldest| {
                let end = all + found as u32;
                behind[row as usize] = Behind { found: (begin, end), oldest };
                begin = end;
            });
            by.found.extend(self.evaluator.found().drain(..).map(Some));
        }
    }

    /// Row by row: what has been found, what is waited for, and what is held back.
    fn put_out_by_row(&mut self, batch: &EventBatch, by: &mut ByPartition, out: &mut Outbox) {
        for ((&id, &moment), behind) in by.ids.iter().zip(batch.moments().iter()).zip(&by.behind) {
            if id == UNKNOWN {
                continue;
            }
            let (begin, end) = behind.found;
            if begin < end {
                self.put_out_found(id, &mut by.found[begin as usize..end as usize], moment, out);
            }
            if self.waits {
                self.note_oldest(id, behind.oldest);
                self.report(moment, out);
            }
        }
    }

    /// Puts out what a row has finished.
    fn put_out_found(&self, id: u32, found: &mut [Option<Found>], moment: Place, out: &mut Outbox) {
        let Some(partition) = &self.partitions[id as usize] else { return };
        if found.len() > 1 {
            found.sort_by_key(|found| found.as_ref().map(|found| found.start));
        }
        for found in found.iter_mut().filter_map(Option::take) {
            out.rows(found.port, found.end, moment, |builders| {
                self.evaluator.write(&partition.state, &found, builders);
                1
            });
        }
    }

    /// Behind the row at hand, this is the oldest undecided start of its partition.
    #[inline]
    fn note_oldest(&mut self, id: u32, oldest: Option<Place>) {
        let Some(partition) = self.partitions[id as usize].as_mut() else { return };
        partition.before = Some(oldest);
        if partition.noted.is_none()
            && let Some(start) = oldest
        {
            partition.noted = oldest;
            self.starts.push(Reverse((start, id)));
            self.due = self.evaluator.deadline(start).map_or(self.due, |deadline| deadline.min(self.due));
        }
        self.may_hold_less |= self.lags && self.starts.peek().is_none_or(|Reverse((_, first))| *first == id);
    }

    /// A partition has taken its rows, and what was found in it is written.
    fn settle(&mut self, id: u32) {
        if let Some(partition) = self.partitions[id as usize].as_mut() {
            partition.before = None;
        }
        self.tidy(id);
    }
}
