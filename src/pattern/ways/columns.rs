//! What has come to a partition: for each kind its entries, and of starts those that are not over. An event in, and whether it finishes a
//! match.
//!
//! An entry is there only if a start has a way to it. It is dead as soon as the latest such start is over, and since that start never falls
//! along a column, what is left of every column is a stretch at the end. All entries of a kind before some event can go on to it: so the
//! entries that can be part of a match that an event finishes are, for each kind, a stretch too ([`WayColumns::reach`]).

use std::collections::VecDeque;

use super::entries::{Arriving, Entries};
use super::plan::{Kinds, Moves};

/// The entries of one partition.
#[derive(Debug)]
pub(super) struct WayColumns {
    pub(super) entries: Box<[Entries]>,
    /// The times of the starts that are not over, with the numbers of their events.
    starts: VecDeque<(i64, u64)>,
    /// Events kept so far.
    next: u64,
    /// For each kind, where the stretch ends that reaches the event at hand.
    pub(super) until: Box<[u64]>,
    /// The kinds that the event at hand is an entry of, with its latest start.
    reached: Vec<(usize, u64)>,
}

crate::saved!(WayColumns { entries, starts, next, until, reached });

impl WayColumns {
    pub(super) fn new(kinds: &Kinds) -> Self {
        let count = kinds.all.len();
        Self {
            entries: (0..count).map(|_| Entries::default()).collect(),
            starts: VecDeque::new(),
            next: 0,
            until: vec![0; count].into(),
            reached: Vec::new(),
        }
    }

    /// Whether it can be the state of a pattern of these kinds.
    pub(super) fn is_sound(&self, kinds: &Kinds) -> bool {
        let leads_on = |(entries, number): (&Entries, usize)| {
            let ways = kinds.all[number].ways.iter().filter_map(|way| way.kind);
            entries.lead_on(&ways.map(|kind| &self.entries[kind]).collect::<Vec<_>>())
        };
        let count = kinds.all.len();
        self.entries.len() == count && self.until.len() == count && self.entries.iter().zip(0..).all(leads_on)
    }

    /// The number that the next event gets.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Forgets starts before this time, and what has no way from a later one.
    #[inline]
    pub(super) fn expire(&mut self, earliest: i64) {
        if self.starts.front().is_some_and(|(time, _)| *time < earliest) {
            let over = self.starts.iter().take_while(|(time, _)| *time < earliest).count();
            self.starts.drain(..over);
            self.forget_dead();
        }
    }

    #[cold]
    fn forget_dead(&mut self) {
        let oldest = self.starts.front().map_or(self.next, |(_, number)| *number);
        self.entries.iter_mut().for_each(|entries| entries.forget_before(oldest));
    }

    /// Whether an event that does this finishes a match that began before it.
    #[inline]
    pub(super) fn finishes(&self, moves: &Moves) -> bool {
        moves.ends.iter().any(|(kind, _)| self.entries[*kind].len() > 0)
    }

    /// Finds, for each kind, the stretch of entries that can be part of a match that the next event finishes.
    pub(super) fn reach(&mut self, kinds: &Kinds, moves: &Moves) {
        for (until, entries) in self.until.iter_mut().zip(&self.entries) {
            *until = entries.first();
        }
        for (kind, _) in &moves.ends {
            self.until[*kind] = self.entries[*kind].end();
        }
        // From a kind's last entry in its stretch, what lies before it in the kinds before it. A stretch only grows.
        let mut open: Vec<usize> = moves.ends.iter().map(|(kind, _)| *kind).collect();
        while let Some(kind) = open.pop() {
            let entries = &self.entries[kind];
            if self.until[kind] == entries.first() {
                continue;
            }
            let last = entries.event(self.until[kind] - 1);
            for &before in kinds.before(kind) {
                let until = self.entries[before].before(last).max(self.entries[before].first());
                if until > self.until[before] {
                    self.until[before] = until;
                    if before != kind && !open.contains(&before) {
                        open.push(before);
                    }
                }
            }
        }
    }

    /// Keeps an event at the kinds that it has a way to. With more than `most` entries the oldest starts are given up; gives how many
    /// entries went for that.
    pub(super) fn keep<'a>(
        &mut self,
        kinds: &Kinds,
        moves: &Moves,
        event_of: impl Fn(usize) -> (Arriving<'a>, &'a [usize]),
        most: usize,
    ) -> u64 {
        let number = self.next;
        let mut is_start = false;
        let mut time = 0;
        // An event does not follow itself: what it has a way to is found before it is an entry of anything.
        let mut reached = std::mem::take(&mut self.reached);
        reached.clear();
        for &kind in &moves.enters {
            let own = kinds.is_start(kind).then_some(number);
            let before = kinds.before(kind).iter().filter_map(|&before| self.entries[before].last_start()).max();
            if let Some(start) = own.or(before) {
                reached.push((kind, start));
                is_start |= own.is_some();
            }
        }
        for &(kind, start) in &reached {
            let (event, reads) = event_of(kind);
            time = event.time;
            self.entries[kind].push(start, reads, &event);
        }
        for &(kind, _) in &reached {
            for way in kinds.all[kind].ways.iter().filter_map(|way| way.kind) {
                let end = self.entries[way].end();
                self.entries[kind].push_nexts(std::iter::once(end));
            }
        }
        if is_start {
            self.starts.push_back((time, number));
        }
        self.next += u64::from(!reached.is_empty());
        let may_be_too_many = reached.iter().any(|(kind, _)| self.entries[*kind].len() > most / self.entries.len());
        self.reached = reached;
        if may_be_too_many && self.rows() > most { self.give_up(most) } else { 0 }
    }

    fn give_up(&mut self, most: usize) -> u64 {
        let before = self.rows();
        while self.rows() > most && !self.starts.is_empty() {
            self.starts.pop_front();
            self.forget_dead();
        }
        (before - self.rows()) as u64
    }

    pub(super) fn clear(&mut self) {
        self.starts.clear();
        self.forget_dead();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    pub(super) fn rows(&self) -> usize {
        self.entries.iter().map(Entries::len).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.entries.iter().map(|entries| size_of::<Entries>() + entries.bytes()).sum::<usize>() + self.starts.capacity() * 16
    }
}
