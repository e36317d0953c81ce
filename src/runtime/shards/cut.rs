//! An inbox cut by the hash of keys: which rows each shard gets. The ranges of hashes are those by which state is cut.

use std::sync::Arc;

use crate::data::{Column, Dictionary, Entry, EventBatch, Inbox, KeyBuffer, KeyRange, Place};
use crate::plan;

/// Says which shard each row belongs to.
#[derive(Debug)]
pub(super) struct Cutter {
    shards: usize,
    /// For each input the columns of its key, and what is known of the codes of the only one.
    inputs: Vec<(Vec<usize>, KnownCodes)>,
    key: KeyBuffer,
}

/// The shards of the texts of a dictionary.
#[derive(Debug, Default)]
struct KnownCodes {
    /// It is held, so that no other has its name.
    dictionary: Option<Arc<Dictionary>>,
    shards: Vec<u16>,
}

/// Not known yet.
const UNKNOWN: u16 = u16::MAX;

/// The rows of an inbox that one shard gets.
#[derive(Debug, Default)]
pub(in crate::runtime) struct Share {
    /// Of a plain inbox its rows; else nothing.
    rows: Vec<u32>,
    /// Rows by the numbers that they have in the whole inbox.
    entries: Vec<Entry>,
}

impl Cutter {
    pub(super) fn new(cut: plan::Cut, shards: usize) -> Self {
        assert!(shards < usize::from(UNKNOWN), "so many threads are never asked for");
        let inputs = cut.columns.into_iter().map(|columns| (columns, KnownCodes::default())).collect();
        Self { shards, inputs, key: KeyBuffer::new() }
    }

    /// The rows of each shard. A step of the watermark goes to all.
    pub(super) fn cut(&mut self, inbox: &Inbox) -> Vec<Share> {
        let mut shares: Vec<Share> = (0..self.shards).map(|_| Share::default()).collect();
        let of_rows: Vec<Vec<u16>> = (0..inbox.inputs.len()).map(|input| self.shards_of(input, &inbox.inputs[input])).collect();
        if inbox.is_plain {
            let of_rows = of_rows.first().map_or(&[][..], |of_rows| of_rows);
            of_rows.iter().zip(0..).for_each(|(&shard, row)| shares[usize::from(shard)].rows.push(row));
            return shares;
        }
        for entry in &inbox.entries {
            match *entry {
                Entry::Row { input, row, .. } => shares[usize::from(of_rows[usize::from(input)][row as usize])].entries.push(*entry),
                Entry::Watermark(_) => shares.iter_mut().for_each(|share| share.entries.push(*entry)),
            }
        }
        shares
    }

    /// The shard of each row of an input.
    fn shards_of(&mut self, input: usize, batch: &EventBatch) -> Vec<u16> {
        let Self { shards, inputs, key } = self;
        let (columns, known) = &mut inputs[input];
        let columns: Vec<&Column> = columns.iter().map(|&column| &batch.columns()[column]).collect();
        let mut of_row = |row: usize| {
            let hash = key.encode(columns.iter().map(|column| column.value(row))).hash64();
            u16::try_from(KeyRange::part_of(hash, *shards as u64)).unwrap_or(0)
        };
        let [Column::Coded(texts)] = columns.as_slice() else { return (0..batch.len()).map(of_row).collect() };
        known.turn_to(texts.dictionary());
        let codes = texts.codes().values();
        let of_code = |row: usize| {
            if texts.is_null(row) {
                return of_row(row);
            }
            let known = &mut known.shards[codes[row] as usize];
            if *known == UNKNOWN {
                *known = of_row(row);
            }
            *known
        };
        (0..batch.len()).map(of_code).collect()
    }
}

impl KnownCodes {
    /// Codes are of this dictionary from now on.
    fn turn_to(&mut self, dictionary: &Arc<Dictionary>) {
        if !self.dictionary.as_ref().is_some_and(|known| Arc::ptr_eq(known, dictionary)) {
            *self = Self { dictionary: Some(dictionary.clone()), shards: Vec::new() };
        }
        self.shards.resize(dictionary.len(), UNKNOWN);
    }
}

impl Share {
    /// These rows and steps.
    pub(in crate::runtime) fn of_entries(entries: Vec<Entry>) -> Self {
        Self { rows: Vec::new(), entries }
    }

    /// Whether nothing of the inbox is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.entries.is_empty()
    }

    /// The inbox that has these rows, of the batches of the whole one.
    pub(in crate::runtime) fn inbox(&mut self, inputs: &[EventBatch], is_plain: bool, watermark: Place, floor: Place) -> Inbox {
        let mut entries = std::mem::take(&mut self.entries);
        if is_plain {
            let inputs = inputs.iter().map(|batch| rows_of(batch, &self.rows)).collect();
            return Inbox { inputs, entries: entries.into(), is_plain, watermark, floor };
        }
        let mut rows: Vec<Vec<u32>> = inputs.iter().map(|_| Vec::new()).collect();
        for entry in &mut entries {
            if let Entry::Row { input, row, .. } = entry {
                let rows = &mut rows[usize::from(*input)];
                rows.push(*row);
                *row = u32::try_from(rows.len() - 1).expect("a round has less than 2^32 rows");
            }
        }
        let inputs = inputs.iter().zip(&rows).map(|(batch, rows)| rows_of(batch, rows)).collect();
        Inbox { inputs, entries: entries.into(), is_plain, watermark, floor }
    }
}

fn rows_of(batch: &EventBatch, rows: &[u32]) -> EventBatch {
    match rows.len() {
        0 => EventBatch::empty(batch.schema().clone()),
        all if all == batch.len() => batch.clone(),
        _ => batch.gather(rows),
    }
}
