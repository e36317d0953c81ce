//! Patterns that way columns list: only rows that fit a variable are looked at, and of those only what has a start is kept.

use std::sync::Arc;

use super::partitions::Partitions;
use super::{Held, Operator, Outbox, Plain};
use crate::data::{Entry, Inbox, Place, StateError, StateReader, StateWriter};
use crate::pattern::{Masks, RowOf, WayEvaluator, WayPartition};
use crate::spec::PatternSpec;

/// Matches a pattern of `->>` with unary terms, loops and alternatives included.
#[derive(Debug)]
pub struct WaySequence {
    evaluator: WayEvaluator,
    partitions: Partitions<WayPartition>,
}

impl WaySequence {
    /// A partition holds at most so many entries; beyond it the oldest starts are dropped, and the entries lost with them are counted.
    pub fn new(spec: impl Into<Arc<PatternSpec>>, entries_max: usize) -> Self {
        let spec = spec.into();
        Self { partitions: Partitions::new(&spec), evaluator: WayEvaluator::new(spec, entries_max) }
    }

    /// An event that has rows in several inputs; each key's partition gets the rows that have it.
    fn rows(&mut self, rows: &[RowOf<'_>], masks: &[Masks], places: (Place, Place), out: &mut Outbox) {
        let mask_of = |row: &RowOf<'_>| masks[row.input][row.row];
        let all = self.evaluator.moves_of(rows.iter().fold(0, |mask, row| mask | mask_of(row)));
        let may_begin = self.evaluator.begins(all);
        let ids: Vec<Option<u32>> = rows.iter().map(|row| self.partition_of(row, may_begin)).collect();
        for (first, id) in ids.iter().enumerate() {
            let Some(id) = id.filter(|id| !ids[..first].contains(&Some(*id))) else { continue };
            let of_key: Vec<RowOf<'_>> = rows.iter().zip(&ids).filter(|(_, of)| **of == Some(id)).map(|(row, _)| *row).collect();
            let moves = self.evaluator.moves_of(of_key.iter().fold(0, |mask, row| mask | mask_of(row)));
            self.event(id, moves, &of_key, places, out);
        }
    }

    #[inline]
    fn row(&mut self, row: &RowOf<'_>, mask: u64, places: (Place, Place), out: &mut Outbox) {
        let moves = self.evaluator.moves_of(mask);
        if moves == 0 {
            return;
        }
        // Without a start there is nothing that another step could follow.
        let may_begin = self.evaluator.begins(moves);
        if let Some(id) = self.partition_of(row, may_begin) {
            self.event(id, moves, std::slice::from_ref(row), places, out);
        }
    }

    #[inline]
    fn partition_of(&mut self, row: &RowOf<'_>, may_begin: bool) -> Option<u32> {
        let evaluator = &self.evaluator;
        self.partitions.find(row, may_begin.then_some(|| evaluator.partition()))
    }

    /// An event of one partition: first what it finishes, then what may come of it.
    #[inline]
    fn event(&mut self, id: u32, moves: u32, rows: &[RowOf<'_>], (place, moment): (Place, Place), out: &mut Outbox) {
        let Some(partition) = self.partitions.get_mut(id) else { return };
        let evaluator = &mut self.evaluator;
        let mut listed = 0;
        if evaluator.finishes(partition, moves, place) {
            listed = out.rows(0, place, moment, |builders| evaluator.list(partition, moves, (rows, place), builders));
        }
        if listed > 0 && evaluator.restarts() {
            partition.clear();
        } else {
            evaluator.keep(partition, moves, (rows, place));
        }
        self.partitions.drop_if(id, WayPartition::is_empty);
    }
}

impl Operator for WaySequence {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let masks = if inbox.is_empty() { Vec::new() } else { self.evaluator.masks(&inbox.inputs) };
        self.partitions.turn_to(&inbox.inputs);
        if let (Some(batch), [masks]) = (inbox.plain(), masks.as_slice()) {
            let places = batch.places().iter().copied().zip(batch.moments().iter().copied());
            for (row, places) in places.enumerate() {
                self.row(&RowOf { input: 0, batch, row }, masks[row], places, out);
            }
        }
        let mut group: Vec<RowOf<'_>> = Vec::new();
        let mut entries = inbox.entries.iter().peekable();
        while let Some(entry) = entries.next() {
            let Entry::Row { input, row, place, moment, .. } = *entry else { continue };
            let (input, row) = (usize::from(input), row as usize);
            let goes_on = matches!(entries.peek(), Some(Entry::Row { place: next, .. }) if *next == place && place.is_source());
            if !goes_on && group.is_empty() {
                self.row(&RowOf { input, batch: &inbox.inputs[input], row }, masks[input][row], (place, moment), out);
                continue;
            }
            group.push(RowOf { input, batch: &inbox.inputs[input], row });
            if !goes_on {
                self.rows(&std::mem::take(&mut group), &masks, (place, moment), out);
            }
        }
        let earliest = self.evaluator.earliest(inbox.watermark);
        self.partitions.visit(inbox.watermark.time(), |partition| partition.expire(earliest));
    }

    fn takes_plain(&self) -> Plain {
        Plain::Apart
    }

    fn keys(&self) -> usize {
        self.partitions.len()
    }

    fn forget_idle(&mut self, at: Place) {
        let earliest = self.evaluator.earliest(at);
        self.partitions.forget_all(|partition| partition.expire(earliest));
    }

    fn held(&self) -> Held {
        let sizes = self.partitions.iter().map(WayPartition::size);
        let (rows, bytes) = sizes.fold((0, 0), |(rows, bytes), (r, b)| (rows + r, bytes + b));
        Held { keys: self.partitions.iter().count(), rows, bytes: bytes + self.partitions.bytes(), dropped: self.evaluator.dropped() }
    }

    fn save(&self, to: &mut StateWriter) {
        to.once(self.evaluator.dropped());
        self.partitions.save(to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.evaluator.add_dropped(from.take()?);
        let evaluator = &self.evaluator;
        self.partitions.load(from, |partition| evaluator.taken_up(partition)).map(|_| ())
    }

    fn take_nulls(&mut self) -> u64 {
        self.partitions.take_nulls() + self.evaluator.take_nulls()
    }
}
