//! Which conditions are waited for at which key: one table of keys for all operators with the same partition.
//!
//! An operator may have something under way at a key from a row that can open it until its WITHIN is over. That is known here without asking
//! it: an operator that has finished since then is given rows in which it finds nothing to do.

use crate::data::{Column, EventBatch, KeyBuffer, KeyRef, KeyTable, Timestamp};
use crate::expr::{BatchRow, EvalContext, Expr};

use super::condition::ConditionId;

/// For each stream that takes part, its number and the key over its columns.
pub(super) type Partition = Vec<(usize, Vec<Expr>)>;

/// The operators with the same partition over the same streams.
#[derive(Debug)]
pub(super) struct Waiting {
    by_edge: Partition,
    keys: KeyTable,
    buffer: KeyBuffer,
    /// By the number of the key.
    open: Vec<Vec<Open>>,
    entries: usize,
    /// Behind this time all keys are looked at, so that keys that never come again are forgotten.
    sweep_at: Timestamp,
    /// Rows that were asked for since that was done last.
    asked: u32,
    /// The longest time that something was said to be under way, in nanoseconds.
    longest: i64,
    /// By code of the dictionary of this number, the number of its key.
    by_code: (Option<u64>, Vec<u32>),
    context: EvalContext,
}

/// A condition that may be waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    pub(super) condition: ConditionId,
    /// Up to and with this time.
    pub(super) until: Timestamp,
}

/// A code of which it is not known which key it is.
const UNKNOWN: u32 = u32::MAX;
/// Keys are looked through after so many rows at the earliest, so that it costs little a row however short WITHIN is.
const SWEEP_AFTER: u32 = 8192;

impl Waiting {
    /// Of this partition.
    pub(super) fn new(by_edge: Partition) -> Self {
        Self {
            by_edge,
            keys: KeyTable::new(),
            buffer: KeyBuffer::new(),
            open: Vec::new(),
            entries: 0,
            sweep_at: Timestamp::MIN,
            asked: 0,
            longest: 0,
            by_code: (None, Vec::new()),
            context: EvalContext::new(),
        }
    }

    /// The streams that take part.
    pub(super) fn edges(&self) -> impl Iterator<Item = usize> {
        self.by_edge.iter().map(|(edge, _)| *edge)
    }

    /// Whether nothing is waited for anywhere.
    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The number of the key of a row, if anything has been waited for there lately.
    pub(super) fn key_at(&mut self, edge: usize, batch: &EventBatch, row: usize) -> Option<usize> {
        let time = batch.time(row);
        self.asked = self.asked.saturating_add(1);
        if time > self.sweep_at && self.asked > SWEEP_AFTER {
            self.sweep(time);
        }
        if let Some(key) = self.key_of_code(edge, batch, row) {
            return Some(key);
        }
        let Self { by_edge, keys, buffer, context, .. } = self;
        let key = key_of(by_edge, context, buffer, (edge, batch, row))?;
        keys.get(key).map(|key| key as usize).filter(|key| *key < self.open.len())
    }

    /// What is waited for at a key; some of it may be over.
    pub(super) fn at(&self, key: usize) -> &[Open] {
        self.open.get(key).map_or(&[], |open| open)
    }

    /// Forgets what was waited for at a key up to an earlier time than this.
    pub(super) fn forget(&mut self, key: usize, now: Timestamp) {
        let open = &mut self.open[key];
        let before = open.len();
        open.retain(|open| open.until >= now);
        self.entries -= before - open.len();
    }

    /// From a row on these conditions are waited for at its key, up to and with `until`.
    pub(super) fn open(&mut self, edge: usize, batch: &EventBatch, row: usize, conditions: &[ConditionId], until: Timestamp) {
        let key = match self.key_of_code(edge, batch, row) {
            Some(key) => key,
            None => {
                let Self { by_edge, keys, buffer, context, .. } = self;
                let Some(key) = key_of(by_edge, context, buffer, (edge, batch, row)) else { return };
                keys.intern(key) as usize
            }
        };
        if self.open.len() <= key {
            self.open.resize_with(key + 1, Vec::new);
        }
        self.longest = self.longest.max(until.since(batch.time(row)).0);
        let open = &mut self.open[key];
        for &condition in conditions {
            match open.iter_mut().find(|open| open.condition == condition) {
                Some(known) => known.until = known.until.max(until),
                None => {
                    open.push(Open { condition, until });
                    self.entries += 1;
                }
            }
        }
    }

    /// The key of a row whose stream has a key of one column of codes. It has a number then, whether or not something is waited for there:
    /// there are no more of these than codes.
    fn key_of_code(&mut self, edge: usize, batch: &EventBatch, row: usize) -> Option<usize> {
        let [(of, exprs)] = self.by_edge.as_slice() else { return None };
        let ([key], true) = (exprs.as_slice(), *of == edge) else { return None };
        let Column::Coded(coded) = &batch.columns()[key.as_slot()?.0 as usize] else { return None };
        if coded.is_null(row) {
            return None;
        }
        let code = coded.codes().value(row) as usize;
        if self.by_code.0 != Some(coded.dictionary().id()) {
            self.by_code = (Some(coded.dictionary().id()), Vec::new());
        }
        if self.by_code.1.len() <= code {
            self.by_code.1.resize(code + 1, UNKNOWN);
        }
        if self.by_code.1[code] == UNKNOWN {
            let key = self.buffer.encode(std::iter::once(batch.value(key.as_slot()?.0 as usize, row)));
            self.by_code.1[code] = self.keys.intern(key);
        }
        Some(self.by_code.1[code] as usize)
    }

    fn sweep(&mut self, now: Timestamp) {
        self.sweep_at = Timestamp(now.0.saturating_add(self.longest.max(1)));
        self.asked = 0;
        self.by_code.1.clear();
        self.open.resize_with(self.keys.capacity(), Vec::new);
        for (key, open) in self.open.iter_mut().enumerate() {
            let before = open.len();
            open.retain(|open| open.until >= now);
            self.entries -= before - open.len();
            if open.is_empty() {
                *open = Vec::new();
                self.keys.remove(u32::try_from(key).expect("numbers of keys have 32 bits"));
            }
        }
        self.keys.fit(&mut self.open);
    }

    /// How many conditions are waited for, over all keys, and bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        let lists: usize = self.open.iter().map(|open| open.capacity() * size_of::<Open>()).sum();
        let codes = self.by_code.1.capacity() * size_of::<u32>();
        (self.entries, self.keys.bytes() + lists + codes + self.open.capacity() * size_of::<Vec<Open>>())
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
