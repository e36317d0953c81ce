//! Batches of rows in the total order, and what an operator receives of them.

use std::ops::Range;
use std::sync::Arc;

use super::{Column, Entries, Place, Places, Schema, Timestamp, Value};

/// Rows of one stream: columns of equal length, with two places a row.
///
/// `moments` say when each row became certain, which orders the output of the program; they never decrease. `places` say where a row
/// stands in the order that operators see (its event time is the place's time). For most rows both are the same; a match that had to wait
/// for a better one stands at its own end and is certain later, so places may go back in what such an operator puts out, until a merge has
/// put the rows in order before the next operator with state.
#[derive(Debug, Clone)]
pub struct EventBatch {
    schema: Arc<Schema>,
    columns: Vec<Column>,
    places: Places,
    moments: Places,
}

impl EventBatch {
    /// A batch whose rows were certain where they stand.
    pub fn new(schema: Arc<Schema>, columns: Vec<Column>, places: Places) -> Self {
        Self::with_moments(schema, columns, places.clone(), places)
    }

    /// A batch with moments of their own.
    pub fn with_moments(schema: Arc<Schema>, columns: Vec<Column>, places: Places, moments: Places) -> Self {
        assert_eq!(schema.len(), columns.len(), "one column a field");
        assert!(columns.iter().all(|c| c.len() == places.len()), "columns of equal length");
        assert_eq!(places.len(), moments.len(), "one moment a row");
        Self { schema, columns, places, moments }
    }

    /// A batch of no rows.
    pub fn empty(schema: Arc<Schema>) -> Self {
        let columns = schema.fields().iter().map(|f| Column::nulls(&f.data_type, 0)).collect();
        Self::new(schema, columns, Places::default())
    }

    /// Names and types of the columns.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The columns in the order of the schema.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where each row stands.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// When each row became certain.
    pub fn moments(&self) -> &Places {
        &self.moments
    }

    /// Event time of a row.
    pub fn time(&self, row: usize) -> Timestamp {
        self.places[row].time()
    }

    /// One value.
    pub fn value(&self, column: usize, row: usize) -> Value<'_> {
        self.columns[column].value(row)
    }

    /// The rows of these indexes, in that order.
    #[must_use]
    pub fn gather(&self, rows: &[u32]) -> Self {
        let columns = self.columns.iter().map(|c| c.gather(rows)).collect();
        let pick = |of: &[Place]| rows.iter().map(|&r| of[r as usize]).collect::<Places>();
        let places = pick(&self.places);
        let moments = if self.places.are_shared_with(&self.moments) { places.clone() } else { pick(&self.moments) };
        Self::with_moments(self.schema.clone(), columns, places, moments)
    }

    /// These rows, in a row.
    #[must_use]
    pub fn slice(&self, rows: Range<usize>) -> Self {
        if rows == (0..self.len()) {
            return self.clone();
        }
        let columns = self.columns.iter().map(|c| c.slice(rows.clone())).collect();
        let pick = |of: &[Place]| of[rows.clone()].iter().copied().collect::<Places>();
        let places = pick(&self.places);
        let moments = if self.places.are_shared_with(&self.moments) { places.clone() } else { pick(&self.moments) };
        Self::with_moments(self.schema.clone(), columns, places, moments)
    }

    /// The rows of several batches of one schema, one batch behind the other; there is one at least.
    pub fn joined(batches: &[Self]) -> Self {
        let number = |at: usize| u32::try_from(at).expect("fewer than 2^32 rows");
        let rows_of = |(batch, rows): (usize, &Self)| (0..rows.len()).map(move |row| (number(batch), number(row)));
        let at: Vec<(u32, u32)> = batches.iter().enumerate().flat_map(rows_of).collect();
        let schema = batches[0].schema.clone();
        let columns = schema.fields().iter().enumerate().map(|(column, field)| {
            let columns: Vec<&Column> = batches.iter().map(|batch| &batch.columns[column]).collect();
            Column::interleave(&field.data_type, &columns, &at)
        });
        let columns = columns.collect();
        let all = |of: fn(&Self) -> &Places| batches.iter().flat_map(|batch| of(batch).iter().copied()).collect::<Places>();
        Self::with_moments(schema, columns, all(Self::places), all(Self::moments))
    }

    /// The same rows with other columns (a projection keeps places and moments).
    #[must_use]
    pub fn with_columns(&self, schema: Arc<Schema>, columns: Vec<Column>) -> Self {
        Self::with_moments(schema, columns, self.places.clone(), self.moments.clone())
    }
}

/// A step of the watermark of a stream whose rows may become certain later than they stand: from `moment` on, every row of the stream that
/// is still to come stands at or behind `watermark`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatermarkStep {
    /// When this became certain.
    pub moment: Place,
    /// What it promises.
    pub watermark: Place,
}

/// What an operator receives in one go: rows of its inputs, merged into the total order, and where the watermark stands then.
#[derive(Debug, Clone)]
pub struct Inbox {
    /// One batch an input.
    pub inputs: Vec<EventBatch>,
    /// Rows and watermark steps in the order in which they are to be handled; none where the inbox is plain.
    pub entries: Entries,
    /// The only input's rows follow each other as they stand in its batch, with nothing between them: no entry is written down for that.
    pub is_plain: bool,
    /// Every row still to come stands at or behind this place.
    pub watermark: Place,
    /// No timer that `watermark` lets fire, and that no entry before let fire, was certain before this moment ([`Place::MIN`] where the
    /// timer's own place says when it was certain).
    pub floor: Place,
}

impl Inbox {
    /// The rows of a plain one.
    pub fn plain(&self) -> Option<&EventBatch> {
        self.inputs.first().filter(|_| self.is_plain)
    }

    /// Whether there is neither a row nor a step of the watermark.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.plain().is_none_or(EventBatch::is_empty)
    }
}

/// One thing to handle. Before it, timers that stand before its place fire; they were certain at the later of their own place and `floor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A row. Rows of several inputs that are one and the same source event follow each other, at one place.
    Row {
        /// Which input.
        input: u16,
        /// Which row of that input's batch.
        row: u32,
        /// Where it stands.
        place: Place,
        /// When it became certain; what it makes certain was certain then.
        moment: Place,
        /// Least moment of timers that fire before it ([`Place::MIN`]: their own).
        floor: Place,
    },
    /// The watermark moves between rows.
    Watermark(WatermarkStep),
}
