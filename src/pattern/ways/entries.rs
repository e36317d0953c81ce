//! The entries of one kind: events in the order of time, with what is read of them.
//!
//! Entries are numbered from 0 for ever; those at the front go, and their room is reused once it is half of all.

use std::sync::Arc;

use crate::data::Column;
use crate::pattern::event::Event;

/// Entries of one kind in one partition.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// The number of the first that is stored, and how many at the front are gone.
    base: u64,
    gone: usize,
    /// The number of each event, over all events that the partition keeps.
    events: Vec<u64>,
    times: Vec<i64>,
    /// The number of the latest start that has a way here. It never falls.
    starts: Vec<u64>,
    /// For each way on that goes on, how many entries of its kind stood there behind this event.
    nexts: Vec<u64>,
    /// The columns that are read, one behind the other for each entry.
    words: Vec<i64>,
    /// Which of the words are no NULLs, once one is.
    valid: Option<Vec<bool>>,
    kept: Vec<Arc<Event>>,
}

crate::saved!(Entries { base, gone, events, times, starts, nexts, words, valid, kept });

/// An event that arrives at a kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arriving<'a> {
    /// Its number.
    pub(super) number: u64,
    pub(super) time: i64,
    /// The columns of its batch, and its row there.
    pub(super) columns: &'a [Column],
    pub(super) row: usize,
    /// The event itself, where whole events are kept.
    pub(super) event: Option<&'a Arc<Event>>,
}

impl Entries {
    /// The number of the first entry that is left.
    pub(super) fn first(&self) -> u64 {
        self.base + self.gone as u64
    }

    /// The number that the next entry gets.
    pub(super) fn end(&self) -> u64 {
        self.base + self.events.len() as u64
    }

    pub(super) fn len(&self) -> usize {
        self.events.len() - self.gone
    }

    /// The latest start that has a way to the last entry.
    pub(super) fn last_start(&self) -> Option<u64> {
        if self.len() == 0 { None } else { self.starts.last().copied() }
    }

    #[inline]
    fn at(&self, number: u64) -> usize {
        usize::try_from(number - self.base).expect("what is in memory has an index")
    }

    /// The number of an entry's event.
    #[inline]
    pub(super) fn event(&self, number: u64) -> u64 {
        self.events[self.at(number)]
    }

    pub(super) fn time(&self, number: u64) -> i64 {
        self.times[self.at(number)]
    }

    pub(super) fn kept(&self, number: u64) -> &Arc<Event> {
        &self.kept[self.at(number)]
    }

    /// For each way on that goes on, the first entry behind this one; `ways` is how many such ways there are.
    #[inline]
    pub(super) fn nexts(&self, number: u64, ways: usize) -> &[u64] {
        let at = self.at(number) * ways;
        &self.nexts[at..at + ways]
    }

    /// A column of an entry, of so many that are read.
    #[inline]
    pub(super) fn word(&self, number: u64, read: usize, reads: usize) -> (i64, bool) {
        let at = self.at(number) * reads + read;
        (self.words[at], self.valid.as_ref().is_none_or(|valid| valid[at]))
    }

    /// How many entries have events before this one.
    pub(super) fn before(&self, event: u64) -> u64 {
        self.base + self.events.partition_point(|of| *of < event) as u64
    }

    /// Appends an entry. What follows it is told by [`Self::push_nexts`] when the whole event is in.
    pub(super) fn push(&mut self, start: u64, reads: &[usize], event: &Arriving<'_>) {
        for &column in reads {
            let word = event.columns[column].word(event.row);
            if word.is_none() && self.valid.is_none() {
                self.valid = Some(vec![true; self.words.len()]);
            }
            if let Some(valid) = &mut self.valid {
                valid.push(word.is_some());
            }
            self.words.push(word.unwrap_or(0));
        }
        self.events.push(event.number);
        self.times.push(event.time);
        self.starts.push(start);
        self.kept.extend(event.event.cloned());
    }

    pub(super) fn push_nexts(&mut self, nexts: impl Iterator<Item = u64>) {
        self.nexts.extend(nexts);
    }

    /// Lets entries at the front go to which no start has a way that is this late.
    pub(super) fn forget_before(&mut self, oldest: u64) {
        let dead = self.starts[self.gone..].iter().take_while(|start| **start < oldest).count();
        if dead == 0 {
            return;
        }
        self.gone += dead;
        if self.gone * 2 < self.events.len() || (self.gone < 16 && self.gone < self.events.len()) {
            return;
        }
        let (gone, all) = (std::mem::take(&mut self.gone), self.events.len());
        self.base += gone as u64;
        self.events.drain(..gone);
        self.times.drain(..gone);
        self.starts.drain(..gone);
        self.nexts.drain(..self.nexts.len() / all * gone);
        let words = self.words.len() / all * gone;
        self.words.drain(..words);
        if let Some(valid) = &mut self.valid {
            valid.drain(..words);
            if !valid.contains(&false) {
                self.valid = None;
            }
        }
        if !self.kept.is_empty() {
            self.kept.drain(..gone);
        }
    }

    /// Whether the ways on from each entry lead to entries of these kinds, one a way, that stand behind it: in a state that somebody has made up
    /// they may lead back, and a walk would find no end.
    pub(super) fn lead_on(&self, to: &[&Self]) -> bool {
        let is_whole = self.gone <= self.events.len() && self.nexts.len() == self.events.len() * to.len();
        let behind = |event: u64, next: u64, of: &Self| {
            let next = next.max(of.first());
            next == of.end() || (next < of.end() && of.event(next) > event)
        };
        is_whole
            && self.events.is_sorted_by(|one, next| one < next)
            && (self.first()..self.end()).all(|number| {
                let nexts = self.nexts(number, to.len()).iter().zip(to);
                nexts.into_iter().all(|(&next, of)| behind(self.event(number), next, of))
            })
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        let numbers =
            self.events.capacity() + self.times.capacity() + self.starts.capacity() + self.nexts.capacity() + self.words.capacity();
        let events: usize = self.kept.iter().map(|event| event.bytes()).sum();
        numbers * 8 + self.valid.as_ref().map_or(0, Vec::capacity) + events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(events: &[u64], nexts: &[u64]) -> Entries {
        let mut entries = Entries::default();
        for (&number, &next) in events.iter().zip(nexts) {
            entries.push(0, &[], &Arriving { number, time: 0, columns: &[], row: 0, event: None });
            entries.push_nexts(std::iter::once(next));
        }
        entries
    }

    #[test]
    fn ways_that_lead_back_are_found() {
        // A loop: behind each event stand those that came later.
        let leads_on = |events: &[u64], nexts: &[u64]| {
            let entries = entries(events, nexts);
            entries.lead_on(&[&entries])
        };
        assert!(leads_on(&[1, 4, 5], &[1, 2, 3]));
        assert!(leads_on(&[], &[]));
        assert!(!leads_on(&[1, 4, 5], &[1, 1, 3]), "to itself");
        assert!(!leads_on(&[1, 4, 5], &[1, 0, 3]), "back");
        assert!(!leads_on(&[1, 4, 5], &[1, 2, 4]), "to what is not there");
        assert!(!leads_on(&[4, 1, 5], &[1, 2, 3]), "events in no order");
        let (one, other) = (entries(&[2, 6], &[1, 2]), entries(&[1, 4], &[0, 1]));
        assert!(one.lead_on(&[&other]) && other.lead_on(&[&one]));
        assert!(!one.lead_on(&[&other, &other]), "too few ways");
    }
}
