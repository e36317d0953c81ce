//! The rows of one stream that wait: the columns as they arrived, a segment each, addressed by (segment, row).
//!
//! A segment goes when its last row has gone. One of which less than a quarter still waits is packed, so that a straggler does not keep a
//! whole chunk in memory: what is stored stays within four times what waits (and a few rows a segment).

use std::collections::VecDeque;

use crate::data::{Column, Schema};

/// Segments no larger than this are not worth packing.
const SMALL: usize = 64;

/// The rows of one stream that wait.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// The number of the first segment.
    first: u64,
    segments: VecDeque<Segment>,
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
    fn position(&self, row: u32) -> usize {
        match &self.arrived_as {
            None => row as usize,
            Some(rows) => rows.binary_search(&row).expect("a row that waits is stored"),
        }
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
    /// The number that the next segment gets.
    pub(super) fn next_segment(&self) -> u64 {
        self.first + self.segments.len() as u64
    }

    /// Stores columns of which these rows wait.
    pub(super) fn add(&mut self, columns: Vec<Column>, waits: Vec<bool>) {
        let waiting = waits.iter().filter(|waits| **waits).count();
        let columns = if waiting == 0 { Vec::new() } else { columns };
        self.segments.push_back(Segment { columns, waits, waiting, arrived_as: None });
        self.drop_empty();
    }

    /// The columns of these rows, in this order.
    pub(super) fn gather(&self, schema: &Schema, rows: &[(u64, u32)]) -> Vec<Column> {
        let mut numbers: Vec<u64> = rows.iter().map(|(segment, _)| *segment).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let segments: Vec<&Segment> = numbers.iter().map(|n| &self.segments[self.index(*n)]).collect();
        let at = rows.iter().map(|(number, row)| {
            let part = numbers.binary_search(number).expect("every segment is listed");
            (part, segments[part].position(*row))
        });
        if let [segment] = segments.as_slice() {
            let at: Vec<u32> = at.map(|(_, position)| row_number(position)).collect();
            let is_whole = at.len() == segment.waits.len() && (0..).zip(&at).all(|(i, &position)| i == position);
            return if is_whole { segment.columns.clone() } else { segment.columns.iter().map(|c| c.gather(&at)).collect() };
        }
        let at: Vec<(u32, u32)> = at.map(|(part, position)| (row_number(part), row_number(position))).collect();
        let columns = schema.fields().iter().enumerate().map(|(index, field)| {
            let parts: Vec<&Column> = segments.iter().map(|segment| &segment.columns[index]).collect();
            Column::interleave(&field.data_type, &parts, &at)
        });
        columns.collect()
    }

    /// These rows wait no longer.
    pub(super) fn remove(&mut self, rows: &[(u64, u32)]) {
        for &(number, row) in rows {
            let index = self.index(number);
            let segment = &mut self.segments[index];
            let position = segment.position(row);
            debug_assert!(segment.waits[position], "a row goes once");
            segment.waits[position] = false;
            segment.waiting -= 1;
        }
        for segment in &mut self.segments {
            if segment.waiting == 0 {
                segment.columns = Vec::new();
                segment.waits = Vec::new();
                segment.arrived_as = None;
            } else if segment.waits.len() > SMALL && segment.waiting * 4 < segment.waits.len() {
                segment.pack();
            }
        }
        self.drop_empty();
    }

    /// How many rows are stored, waiting or not.
    #[cfg(test)]
    pub(super) fn stored(&self) -> usize {
        self.segments.iter().map(|segment| segment.waits.len()).sum()
    }

    fn index(&self, number: u64) -> usize {
        usize::try_from(number - self.first).expect("segments in memory are few")
    }

    fn drop_empty(&mut self) {
        while self.segments.front().is_some_and(|segment| segment.waiting == 0) {
            self.segments.pop_front();
            self.first += 1;
        }
    }
}

fn row_number(position: usize) -> u32 {
    u32::try_from(position).expect("a batch has fewer than 2^32 rows")
}
