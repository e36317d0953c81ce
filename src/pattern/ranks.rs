//! Sequences of `->>` with unary terms, without unfinished matches: events per step in, all matches that an event finishes out.
//!
//! A partition keeps, for each step but the last, the events that reached it, in order. An entry knows how many entries of the step before
//! stood there when it came (`rank`), how many of the step behind (`next`: the first that can follow it), and the latest start that has a way
//! to it. An entry is dead as soon as that start is: what is left of every step is a stretch at the end. So an event costs the same however
//! many unfinished matches there are, and what it finishes is found without looking at anything that finishes nothing.
//!
//! The matches that an event finishes, in the order of the events taken, are a block; the block behind a later entry of a step is the end of
//! the block behind an earlier one. So a block is built from the last step to the first, each time by repeating its own end.

use std::ops::Range;
use std::sync::Arc;

use super::event::Event;
pub(super) use super::level::Arriving;
use super::level::{Entry, Level, as_index};
use crate::data::{ColumnBuilder, DataType};

/// What a partition holds.
#[derive(Debug)]
pub(super) struct RankColumns {
    levels: Box<[Level]>,
}

crate::saved!(RankColumns { levels });

/// Which columns of which steps come out.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Of each step, the columns of its input that are read, with their types.
    pub(super) reads: Vec<Vec<(usize, DataType)>>,
    /// Of each step, the output columns that it gives: a position in `reads`, or (nothing) the event's time.
    given: Vec<Vec<(usize, Option<usize>)>>,
    /// Of each step, the output columns that steps behind it give, but for the last step's.
    behind: Vec<Vec<usize>>,
}

/// The matches that an event finishes: of each step but the last, the stretch of entries that take part.
#[derive(Debug, Default)]
pub(super) struct Found {
    stretches: Vec<Range<u64>>,
    /// Where in a block the rows of each of its step's entries begin: of the step at hand, and of the one behind it.
    begins: Vec<usize>,
    begins_behind: Vec<usize>,
}

impl Sources {
    /// Of so many steps; nothing comes out yet.
    pub(super) fn new(steps: usize) -> Self {
        Self { reads: vec![Vec::new(); steps], given: vec![Vec::new(); steps], behind: vec![Vec::new(); steps] }
    }

    /// The next output column: a column of a step's event, or its time.
    pub(super) fn add(&mut self, output: usize, step: usize, column: Option<(usize, DataType)>) {
        let read = column.map(|(column, data_type)| {
            let reads = &mut self.reads[step];
            reads.iter().position(|(known, _)| *known == column).unwrap_or_else(|| {
                reads.push((column, data_type));
                reads.len() - 1
            })
        });
        self.given[step].push((output, read));
        if step + 1 < self.given.len() {
            self.behind[..step].iter_mut().for_each(|behind| behind.push(output));
        }
    }
}

impl RankColumns {
    /// Of so many steps, of which no event has come.
    pub(super) fn new(steps: usize) -> Self {
        Self { levels: (1..steps).map(|_| Level::default()).collect() }
    }

    /// Forgets starts before this time, and what has no way from a later one.
    pub(super) fn expire(&mut self, earliest: i64) {
        if let Some(first) = self.levels.first_mut() {
            first.forget_while(|entry| entry.time < earliest);
            self.forget_dead();
        }
    }

    fn forget_dead(&mut self) {
        let oldest = self.levels[0].first();
        self.levels[1..].iter_mut().for_each(|level| level.forget_while(|entry| entry.start < oldest));
    }

    /// Whether an event of a step has a way to it from a start at or behind `earliest`.
    #[inline]
    pub(super) fn is_reached(&self, step: usize, earliest: i64) -> bool {
        let Some(before) = step.checked_sub(1) else { return true };
        self.levels[before].last().is_some_and(|last| {
            let first = &self.levels[0];
            last.start >= first.first() && first.entry(last.start).time >= earliest
        })
    }

    /// Keeps the event of a step that is reached and not the last. With more than `most` entries the oldest starts are given up; gives how
    /// many entries went for that.
    #[inline]
    pub(super) fn keep(&mut self, step: usize, sources: &Sources, event: &Arriving<'_>, earliest: i64, most: usize) -> u64 {
        let next = self.levels.get(step + 1).map_or(0, Level::end);
        let (start, rank) = match step.checked_sub(1) {
            None => (self.levels[0].end(), 0),
            Some(before) => (self.levels[before].last().map_or(0, |last| last.start), self.levels[before].end()),
        };
        self.levels[0].forget_while(|entry| entry.time < earliest);
        let oldest = self.levels[0].first();
        let level = &mut self.levels[step];
        if step > 0 {
            level.forget_while(|entry| entry.start < oldest);
        }
        level.push(Entry { time: event.time, start, rank, next }, &sources.reads[step], event);
        let may_be_too_many = level.len().saturating_mul(self.levels.len()) > most;
        if may_be_too_many && self.rows() > most { self.give_up(most) } else { 0 }
    }

    fn give_up(&mut self, most: usize) -> u64 {
        let before = self.rows();
        while self.rows() > most && self.levels[0].len() > 0 {
            self.levels[0].forget(1);
            self.forget_dead();
        }
        (before - self.rows()) as u64
    }

    /// The matches that an event of the last step finishes; it is reached.
    pub(super) fn find(&mut self, earliest: i64, found: &mut Found) {
        found.stretches.clear();
        let Some(first) = self.levels.first_mut() else { return };
        first.forget_while(|entry| entry.time < earliest);
        // Upper ends from the last step back, lower ends from the first on.
        let mut end = self.levels[self.levels.len() - 1].end();
        for level in self.levels.iter().rev() {
            found.stretches.push(0..end);
            end = level.entry(end - 1).rank;
        }
        found.stretches.reverse();
        let mut first = self.levels[0].first();
        for (level, stretch) in self.levels.iter().zip(&mut found.stretches) {
            stretch.start = first;
            first = level.entry(first).next;
        }
    }

    /// Appends the rows of the matches found, an output column a builder. Gives how many there are.
    pub(super) fn write(&self, found: &mut Found, event: &Arriving<'_>, sources: &Sources, out: &mut [ColumnBuilder]) -> usize {
        let mut rows = 1;
        for step in (0..self.levels.len()).rev() {
            rows = self.write_block(step, rows, found, sources, out);
            std::mem::swap(&mut found.begins, &mut found.begins_behind);
        }
        let last = self.levels.len();
        for &(output, read) in &sources.given[last] {
            match read {
                Some(read) => {
                    let (column, _) = sources.reads[last][read];
                    out[output].push_times(&event.columns[column].value(event.row), rows);
                }
                None => out[output].push_word_times(event.time, true, rows),
            }
        }
        rows
    }

    /// The block of a step, from that of the step behind it, of so many rows. Gives how many rows it has.
    fn write_block(&self, step: usize, rows_behind: usize, found: &mut Found, sources: &Sources, out: &mut [ColumnBuilder]) -> usize {
        let Found { stretches, begins, begins_behind } = found;
        let (level, stretch) = (&self.levels[step], &stretches[step]);
        begins.clear();
        let Some(behind) = stretches.get(step + 1) else {
            let rows = as_index(stretch.end - stretch.start);
            begins.extend(0..rows);
            sources.given[step].iter().for_each(|&(output, read)| level.write(stretch, read, &mut out[output]));
            return rows;
        };
        let entries = level.of(stretch);
        let own_begin = |entry: &Entry| begins_behind[as_index(entry.next - behind.start)];
        let mut rows = 0;
        for entry in entries {
            begins.push(rows);
            rows += rows_behind - own_begin(entry);
        }
        for &(output, read) in &sources.given[step] {
            let mut begin = 0;
            for (number, &end) in stretch.clone().zip(begins[1..].iter().chain([&rows])) {
                level.write_times(number, read, end - begin, &mut out[output]);
                begin = end;
            }
        }
        for &output in &sources.behind[step] {
            let block = out[output].len() - rows_behind;
            for entry in &entries[1..] {
                out[output].repeat_rows(block + own_begin(entry)..block + rows_behind);
            }
        }
        rows
    }

    /// Calls `f` for each match found, in order, with the events of all steps but the last. They must have been kept.
    pub(super) fn for_each(&self, found: &Found, mut f: impl FnMut(&[Arc<Event>])) {
        let stretches = &found.stretches;
        let event = |step: usize, number: u64| self.levels[step].event(number).clone();
        let mut numbers: Vec<u64> = stretches.iter().map(|stretch| stretch.start).collect();
        let mut events: Vec<Arc<Event>> = numbers.iter().enumerate().map(|(step, &number)| event(step, number)).collect();
        loop {
            f(&events);
            // The last step that can go on does, and those behind it begin anew.
            let Some(moved) = (0..stretches.len()).rev().find(|&step| numbers[step] + 1 < stretches[step].end) else { return };
            numbers[moved] += 1;
            events[moved] = event(moved, numbers[moved]);
            for step in moved + 1..stretches.len() {
                numbers[step] = self.levels[step - 1].entry(numbers[step - 1]).next;
                events[step] = event(step, numbers[step]);
            }
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.levels.iter_mut().for_each(|level| level.clear());
    }

    /// Whether nothing is kept.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.levels.first().is_none_or(|first| first.len() == 0)
    }

    /// How many entries are kept.
    pub(super) fn rows(&self) -> usize {
        self.levels.iter().map(Level::len).sum()
    }

    /// Bytes, about.
    pub(super) fn bytes(&self) -> usize {
        self.levels.iter().map(|level| size_of::<Level>() + level.bytes()).sum()
    }
}
