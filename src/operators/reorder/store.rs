//! The rows of one stream that wait: the columns as they arrived, a segment each, addressed by (segment, row).
//!
//! A segment goes when its last row has gone. One of which less than a quarter still waits when rows go the next time is packed, so that a
//! straggler does not keep a whole chunk in memory: what is stored stays within four times what waits (and a few rows a segment). Rows that arrive a few at a time
//! gather in a tail, which becomes a segment when it is long enough or when its first row goes.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::data::{Column, ColumnBuilder, Schema};

/// Segments of no more rows than this are not worth packing.
const SMALL: usize = 64;
/// The tail becomes a segment at this many rows.
const TAIL: usize = 1024;

/// The rows of one stream that wait.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// The number that the next segment gets.
    next: u64,
    /// Those of which some row waits.
    segments: BTreeMap<u64, Segment>,
    /// Those that have become sparse since rows went the last time.
    sparse: Vec<u64>,
    tail: Tail,
}

/// Rows that arrived a few at a time: the segment of the next number, in the making.
#[derive(Debug, Default)]
struct Tail {
    builders: Vec<ColumnBuilder>,
    waits: Vec<bool>,
}

#[derive(Debug)]
struct Segment {
    columns: Vec<Column>,
    /// Which of the stored rows still wait.
    waits: Vec<bool>,
    waiting: usize,
    /// The row numbers on arrival of the stored rows, rising, once the segment has been packed.
    arrived_as: Option<Vec<u32>>,
}

impl Segment {
    /// Finds where these rows of it are stored.
    #[inline]
    fn find(&self, rows: &[(u64, u32)], mut found: impl FnMut(u32)) {
        match &self.arrived_as {
            None => rows.iter().for_each(|(_, row)| found(*row)),
            Some(stored) => {
                let position = |row: &u32| stored.binary_search(row).expect("a row that waits is stored");
                rows.iter().for_each(|(_, row)| found(row_number(position(row))));
            }
        }
    }

    /// Whether it is worth packing.
    fn is_sparse(&self) -> bool {
        self.waits.len() > SMALL && self.waiting * 4 < self.waits.len()
    }

    fn pack(&mut self) {
        let kept: Vec<u32> = (0u32..).zip(&self.waits).filter(|(_, waits)| **waits).map(|(position, _)| position).collect();
        self.columns = self.columns.iter().map(|column| column.gather(&kept)).collect();
        self.arrived_as = Some(match &self.arrived_as {
            None => kept.clone(),
            Some(rows) => kept.iter().map(|&position| rows[position as usize]).collect(),
        });
        self.waits = vec![true; kept.len()];
    }
}

impl Store {
    /// The segment and the row in it that the first of `len` rows will have, if they are the next to be added.
    pub(super) fn address_of_next(&self, len: usize) -> (u64, u32) {
        if len < SMALL {
            return (self.next, row_number(self.tail.waits.len()));
        }
        (self.next + u64::from(!self.tail.waits.is_empty()), 0)
    }

    /// Stores columns of which these rows wait.
    pub(super) fn add(&mut self, schema: &Schema, columns: Vec<Column>, waits: Vec<bool>) {
        if !waits.contains(&true) {
            return;
        }
        if waits.len() >= SMALL {
            self.seal_tail();
            return self.insert(columns, waits);
        }
        if self.tail.waits.is_empty() {
            self.tail.builders = schema.fields().iter().map(|field| ColumnBuilder::new(&field.data_type, 0)).collect();
        }
        for (builder, column) in self.tail.builders.iter_mut().zip(&columns) {
            (0..column.len()).for_each(|row| builder.push_from(column, row));
        }
        self.tail.waits.extend(waits);
        if self.tail.waits.len() >= TAIL {
            self.seal_tail();
        }
    }

    fn insert(&mut self, columns: Vec<Column>, waits: Vec<bool>) {
        let waiting = waits.iter().filter(|waits| **waits).count();
        self.segments.insert(self.next, Segment { columns, waits, waiting, arrived_as: None });
        self.next += 1;
    }

    fn seal_tail(&mut self) {
        let Tail { mut builders, waits } = std::mem::take(&mut self.tail);
        if !waits.is_empty() {
            self.insert(builders.iter_mut().map(ColumnBuilder::finish).collect(), waits);
        }
    }

    /// Takes these rows out, and gives their columns in this order.
    pub(super) fn take(&mut self, schema: &Schema, rows: &[(u64, u32)]) -> Vec<Column> {
        let parts = of_segments(rows);
        let columns = self.gather_parts(schema, rows, &parts);
        self.remove(rows, &parts);
        columns
    }

    /// The columns of these rows, in this order.
    pub(super) fn gather(&mut self, schema: &Schema, rows: &[(u64, u32)]) -> Vec<Column> {
        self.gather_parts(schema, rows, &of_segments(rows))
    }

    fn gather_parts(&mut self, schema: &Schema, rows: &[(u64, u32)], parts: &[(u64, Range<usize>)]) -> Vec<Column> {
        let numbers = segments_of(parts);
        if numbers.last() == Some(&self.next) {
            self.seal_tail();
        }
        let segments: Vec<&Segment> = numbers.iter().map(|number| &self.segments[number]).collect();
        if let [segment] = segments.as_slice() {
            let mut at = Vec::with_capacity(rows.len());
            segment.find(rows, |position| at.push(position));
            let is_whole = at.len() == segment.waits.len() && (0..).zip(&at).all(|(i, &position)| i == position);
            return if is_whole { segment.columns.clone() } else { segment.columns.iter().map(|c| c.gather(&at)).collect() };
        }
        if let Some(at) = chained(&segments, &numbers, rows, parts) {
            let columns = schema.fields().iter().enumerate().map(|(index, field)| {
                let parts: Vec<&Column> = segments.iter().map(|segment| &segment.columns[index]).collect();
                Column::gather_chained(&field.data_type, &parts, &at)
            });
            return columns.collect();
        }
        let mut at = Vec::with_capacity(rows.len());
        for (number, part) in parts {
            let segment = numbers.binary_search(number).expect("every segment is listed");
            let (rows, number) = (&rows[part.clone()], row_number(segment));
            match segments[segment].arrived_as {
                None => at.extend(rows.iter().map(|&(_, row)| (number, row))),
                Some(_) => segments[segment].find(rows, |position| at.push((number, position))),
            }
        }
        let columns = schema.fields().iter().enumerate().map(|(index, field)| {
            let parts: Vec<&Column> = segments.iter().map(|segment| &segment.columns[index]).collect();
            Column::interleave(&field.data_type, &parts, &at)
        });
        columns.collect()
    }

    /// These rows wait no longer.
    fn remove(&mut self, rows: &[(u64, u32)], parts: &[(u64, Range<usize>)]) {
        for (number, part) in parts {
            let segment = self.segments.get_mut(number).expect("a segment stays while a row of it waits");
            segment.waiting -= part.len();
            if segment.waiting == 0 {
                self.segments.remove(number);
                continue;
            }
            let mut waits = std::mem::take(&mut segment.waits);
            segment.find(&rows[part.clone()], |position| waits[position as usize] = false);
            segment.waits = waits;
        }
        // Mostly the next rows that go are the rest of it: so a segment is packed only when others have gone and it is still there.
        let before = std::mem::replace(&mut self.sparse, segments_of(parts));
        for number in before {
            if let Some(segment) = self.segments.get_mut(&number).filter(|segment| segment.is_sparse()) {
                segment.pack();
            }
        }
        let Self { segments, sparse, .. } = self;
        sparse.retain(|number| segments.get(number).is_some_and(Segment::is_sparse));
    }

    /// How many rows are stored, waiting or not.
    #[cfg(test)]
    pub(super) fn stored(&self) -> usize {
        self.segments.values().map(|segment| segment.waits.len()).sum::<usize>() + self.tail.waits.len()
    }
}

/// Where rows stand if their segments are laid end to end, where that is worth it: where the segments hold few other rows.
fn chained(segments: &[&Segment], numbers: &[u64], rows: &[(u64, u32)], parts: &[(u64, Range<usize>)]) -> Option<Vec<u32>> {
    let stored = segments.iter().map(|segment| segment.waits.len()).sum::<usize>();
    if stored > 4 * rows.len() || u32::try_from(stored).is_err() || segments.iter().any(|segment| segment.arrived_as.is_some()) {
        return None;
    }
    let before = |number: usize| segments[..number].iter().map(|segment| segment.waits.len()).sum::<usize>();
    let mut at = Vec::with_capacity(rows.len());
    for (number, part) in parts {
        let segment = numbers.binary_search(number).expect("every segment is listed");
        let first = row_number(before(segment));
        at.extend(rows[part.clone()].iter().map(|(_, row)| first.wrapping_add(*row)));
    }
    Some(at)
}

/// The rows in parts of one segment each.
fn of_segments(rows: &[(u64, u32)]) -> Vec<(u64, Range<usize>)> {
    let mut parts = Vec::new();
    let mut begin = 0;
    while let Some(&(segment, _)) = rows.get(begin) {
        let rest = &rows[begin..];
        let end = begin + rest.iter().position(|&(other, _)| other != segment).unwrap_or(rest.len());
        parts.push((segment, begin..end));
        begin = end;
    }
    parts
}

/// The segments of these parts, each once, in order.
fn segments_of(parts: &[(u64, Range<usize>)]) -> Vec<u64> {
    let mut numbers: Vec<u64> = parts.iter().map(|(number, _)| *number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

pub(super) fn row_number(position: usize) -> u32 {
    u32::try_from(position).expect("a batch has fewer than 2^32 rows")
}
