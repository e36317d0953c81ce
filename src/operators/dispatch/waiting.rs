//! Which operators have something under way at which key: one table of keys for all operators with the same partition.
//!
//! An operator may have something under way at a key from a row that can open it until its WITHIN is over. That is known here without asking
//! it: an operator that has finished since then is given rows in which it finds nothing to do.

use crate::data::{EventBatch, KeyBuffer, KeyRef, KeyTable, Timestamp};
use crate::expr::{BatchRow, EvalContext, Expr};

/// For each stream that takes part, its number and the key over its columns.
pub(super) type Partition = Vec<(usize, Vec<Expr>)>;

/// The operators with the same partition over the same streams.
#[derive(Debug)]
pub(super) struct Waiting {
    /// For each stream that takes part, the key over its columns.
    by_edge: Partition,
    keys: KeyTable,
    buffer: KeyBuffer,
    /// By the number of the key.
    open: Vec<Vec<Open>>,
    entries: usize,
    /// Behind this time all keys are looked at, so that keys that never come again are forgotten.
    sweep_at: Timestamp,
    longest: i64,
    context: EvalContext,
}

/// An operator that may have something under way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) reader: u32,
    /// Up to and with this time.
    pub(super) until: Timestamp,
}

impl Waiting {
    /// Of this partition: for each stream that takes part the key over its columns.
    pub(super) fn new(by_edge: Partition) -> Self {
        Self {
            by_edge,
            keys: KeyTable::new(),
            buffer: KeyBuffer::new(),
            open: Vec::new(),
            entries: 0,
            sweep_at: Timestamp::MIN,
            longest: 0,
            context: EvalContext::new(),
        }
    }

    /// The streams that take part.
    pub(super) fn edges(&self) -> impl Iterator<Item = usize> {
        self.by_edge.iter().map(|(edge, _)| *edge)
    }

    /// Whether nothing is under way anywhere.
    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The operators that have something under way at the key of a row; those that are over go.
    pub(super) fn at(&mut self, edge: usize, batch: &EventBatch, row: usize) -> &[Open] {
        let time = batch.time(row);
        if time > self.sweep_at {
            self.sweep(time);
        }
        let Self { by_edge, keys, buffer, context, .. } = self;
        let Some(key) = key_of(by_edge, context, buffer, (edge, batch, row)).and_then(|key| keys.get(key)) else { return &[] };
        let open = &mut self.open[key as usize];
        let before = open.len();
        open.retain(|open| open.until >= time);
        self.entries -= before - open.len();
        open
    }

    /// A row may open an operator, which has something under way up to `until` then.
    pub(super) fn opens(&mut self, edge: usize, batch: &EventBatch, row: usize, opened: Open) {
        let Self { by_edge, keys, buffer, context, .. } = self;
        let Some(key) = key_of(by_edge, context, buffer, (edge, batch, row)) else { return };
        let key = keys.intern(key) as usize;
        if self.open.len() <= key {
            self.open.resize_with(key + 1, Vec::new);
        }
        self.longest = self.longest.max(opened.until.since(batch.time(row)).0);
        let open = &mut self.open[key];
        match open.iter_mut().find(|open| open.reader == opened.reader) {
            Some(known) => known.until = known.until.max(opened.until),
            None => {
                open.push(opened);
                self.entries += 1;
            }
        }
    }

    fn sweep(&mut self, now: Timestamp) {
        self.sweep_at = Timestamp(now.0.saturating_add(self.longest.max(1)));
        for (key, open) in self.open.iter_mut().enumerate() {
            let before = open.len();
            open.retain(|open| open.until >= now);
            self.entries -= before - open.len();
            if before > 0 && open.is_empty() {
                *open = Vec::new();
            }
            if open.is_empty() {
                self.keys.remove(u32::try_from(key).expect("numbers of keys have 32 bits"));
            }
        }
        self.keys.fit(&mut self.open);
    }

    /// How many operators have something under way, over all keys, and bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        let lists: usize = self.open.iter().map(|open| open.capacity() * size_of::<Open>()).sum();
        (self.entries, self.keys.bytes() + lists + self.open.capacity() * size_of::<Vec<Open>>())
    }
}

/// The key of a row; nothing where its stream takes no part.
fn key_of<'b>(
    by_edge: &[(usize, Vec<Expr>)],
    context: &EvalContext,
    buffer: &'b mut KeyBuffer,
    (edge, batch, row): (usize, &EventBatch, usize),
) -> Option<KeyRef<'b>> {
    let (_, exprs) = by_edge.iter().find(|(of, _)| *of == edge)?;
    let view = BatchRow { batch, row };
    Some(buffer.encode(exprs.iter().map(|expr| match expr.as_slot() {
        Some(slot) => batch.value(slot.0 as usize, row),
        None => expr.eval(&view, context),
    })))
}
