//! Views: the newest row of each key, for those who ask between rounds.
//!
//! A view takes in the changes of a round as they come, but shows them only when its pipeline says up to which place all views have theirs.
//! So whoever asks sees all views as of one place, and that place lies between events: a change shows when all that its event causes can
//! have come. Operators do not read this state; they get the changes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::merge::{BrokenPromise, Flow, Merge};
use crate::data::{Entry, EventBatch, Place, Schema, StateError, StateReader, StateWriter, Value};
use crate::operators::{Held, NewestRows};

/// A view of a running program.
#[derive(Debug)]
pub struct View {
    name: Arc<str>,
    merge: Merge,
    waiting: VecDeque<Change>,
    /// Every change still to come stands at or behind this place.
    watermark: Place,
    shown: NewestRows,
    has_joined_late: bool,
}

#[derive(Debug)]
struct Change {
    place: Place,
    values: Arc<[Value<'static>]>,
    is_there: bool,
}

crate::saved!(Change { place, values, is_there });

impl View {
    /// A view whose changes have these columns: those of its rows, then whether the key has a row.
    pub(super) fn new(name: Arc<str>, schema: Arc<Schema>, key: Vec<usize>, lags: bool) -> Self {
        let merge = Merge::new(vec![schema], lags);
        Self { name, merge, waiting: VecDeque::new(), watermark: Place::MIN, shown: NewestRows::new(key), has_joined_late: false }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The rows as of the place that all views of the program have reached.
    pub fn rows(&self) -> &NewestRows {
        &self.shown
    }

    /// The rows that all changes handed on so far give: what whoever comes to read it has missed.
    pub(super) fn all_rows(&self) -> NewestRows {
        let mut rows = NewestRows::new(self.shown.key().to_vec());
        self.shown.rows().for_each(|row| drop(rows.put(row.clone(), true)));
        self.waiting.iter().for_each(|change| drop(rows.put(change.values.clone(), change.is_there)));
        rows
    }

    /// It has come to a program that is running: until something is promised to it, nobody waits for it.
    pub(super) fn join_late(&mut self) {
        self.has_joined_late = true;
    }

    /// Takes in the changes of a round, which go on to whoever reads them.
    pub(super) fn take_in(&mut self, flow: &Flow) -> Result<Flow, BrokenPromise> {
        let (inbox, promises) = self.merge.inbox(&[flow])?;
        let batch = &inbox.inputs[0];
        for entry in &inbox.entries {
            if let Entry::Row { row, place, .. } = *entry {
                self.waiting.push_back(change(batch, row as usize, place));
            }
        }
        self.watermark = inbox.watermark;
        self.has_joined_late &= self.watermark == Place::MIN;
        Ok(Flow { rows: batch.clone(), promises })
    }

    /// Up to which place its changes are there.
    pub(super) fn watermark(&self) -> Place {
        if self.has_joined_late { Place::MAX } else { self.watermark }
    }

    /// Shows the changes of all events that are over before this place.
    pub(super) fn show(&mut self, before: Place) {
        while self.waiting.front().is_some_and(|change| change.place.end_of_event() < before)
            && let Some(change) = self.waiting.pop_front()
        {
            self.shown.put(change.values, change.is_there);
        }
    }

    /// Writes its rows and the changes that are not shown yet.
    pub(super) fn save(&self, to: &mut StateWriter) {
        self.merge.save(to);
        to.put(&self.waiting);
        to.put(&self.watermark);
        self.shown.save(to);
    }

    /// Takes them in.
    pub(super) fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.merge.load(from)?;
        self.waiting = from.take()?;
        self.watermark = from.take()?;
        self.shown.load(from)
    }

    /// Takes in the rows of other keys.
    pub(super) fn add(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.merge.add(from)?;
        self.waiting.extend(from.take::<Vec<Change>>()?);
        self.waiting.make_contiguous().sort_by_key(|change| change.place);
        self.watermark = self.watermark.min(from.take()?);
        self.shown.load(from)
    }

    /// How many rows wait in front of it, or to be shown.
    pub(super) fn waiting(&self) -> usize {
        self.merge.held() + self.waiting.len()
    }

    pub(super) fn held(&self) -> Held {
        let waiting = self.waiting.iter().map(|change| size_of_val(&*change.values)).sum::<usize>();
        Held { keys: self.shown.len(), rows: self.waiting(), bytes: self.shown.bytes() + waiting, dropped: 0 }
    }
}

fn change(batch: &EventBatch, row: usize, place: Place) -> Change {
    let (last, columns) = batch.columns().split_last().expect("the last column says whether the key has a row");
    let values = columns.iter().map(|column| column.value(row).into_owned()).collect();
    Change { place, values, is_there: last.value(row).is_true() }
}
