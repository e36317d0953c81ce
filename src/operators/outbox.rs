//! Where an operator puts its rows: builders of columns, places and moments, one set a port.

use std::sync::Arc;

use crate::data::{Column, ColumnBuilder, EventBatch, Place, Schema, Value, WatermarkStep};

/// The ports of an operator. Most have one; a pattern with TIMEOUT INTO has a second one for its timeouts.
#[derive(Debug)]
pub struct Outbox {
    rank: u32,
    ports: Vec<Port>,
}

/// Rows that have been put out by one port, and steps of its watermark.
#[derive(Debug)]
pub struct Port {
    schema: Arc<Schema>,
    columns: Vec<ColumnBuilder>,
    places: Vec<Place>,
    moments: Vec<Place>,
    steps: Vec<WatermarkStep>,
    /// Columns that an operator has made itself, of all rows that there are.
    made: Option<Vec<Column>>,
}

impl Outbox {
    /// Ports of these schemas, for the operator of this rank (its number in topological order, from 1).
    pub fn new(rank: u32, schemas: Vec<Arc<Schema>>) -> Self {
        Self { rank, ports: schemas.into_iter().map(Port::new).collect() }
    }

    /// Puts out one row by a port: its values, where it stands (the place of the event that ends it, or a bound), and when it was certain.
    pub fn row<'v>(&mut self, port: usize, values: impl IntoIterator<Item = Value<'v>>, place: Place, moment: Place) {
        let port = &mut self.ports[port];
        let mut columns = port.columns.iter_mut();
        for value in values {
            columns.next().expect("no more values than columns").push(value);
        }
        debug_assert!(columns.next().is_none(), "one value a column");
        port.places.push(place.derived_by(self.rank));
        port.moments.push(moment);
    }

    /// Puts out rows of one place and moment: `fill` appends as many values to each column as it says. Gives how many that were.
    pub fn rows(&mut self, port: usize, place: Place, moment: Place, fill: impl FnOnce(&mut [ColumnBuilder]) -> usize) -> usize {
        let port = &mut self.ports[port];
        let count = fill(&mut port.columns);
        let rows = port.places.len() + count;
        debug_assert!(port.columns.iter().all(|column| column.len() == rows), "one value a column");
        port.places.resize(rows, place.derived_by(self.rank));
        port.moments.resize(rows, moment);
        count
    }

    /// Puts out whole columns by a port, which has been given nothing else since it was emptied.
    pub fn columns(&mut self, port: usize, columns: Vec<Column>, places: Vec<Place>, moments: Vec<Place>) {
        let port = &mut self.ports[port];
        assert!(port.places.is_empty() && port.made.is_none(), "all rows of an inbox as columns, or none");
        port.made = Some(columns);
        port.places = places;
        port.places.iter_mut().for_each(|place| *place = place.derived_by(self.rank));
        port.moments = moments;
    }

    /// Says that from `moment` on, what a port holds back now may still come out at or behind `watermark`: the least place of anything held,
    /// or [`Place::MAX`] where nothing is. It may go up and down. What later input will cause needs no word: that stands at or behind the
    /// watermark of the input, which the runtime adds.
    ///
    /// Only operators whose rows may be certain later than they stand need to say so. They say it when it changes, at rows and timers and
    /// with their moments, and never because an inbox ends: how inboxes are cut must not show.
    pub fn watermark(&mut self, port: usize, step: WatermarkStep) {
        let steps = &mut self.ports[port].steps;
        match steps.last_mut() {
            Some(last) if last.moment == step.moment => last.watermark = step.watermark,
            Some(last) if last.watermark == step.watermark => {}
            _ => steps.push(step),
        }
    }

    /// Takes what a port has been given, and leaves it empty.
    pub fn take(&mut self, port: usize) -> (EventBatch, Vec<WatermarkStep>) {
        self.ports[port].take()
    }

    /// Takes what has been said of the watermark of a port, where it has no rows.
    pub fn take_watermarks(&mut self, port: usize) -> Vec<WatermarkStep> {
        std::mem::take(&mut self.ports[port].steps)
    }

    /// Whether a port has no rows.
    pub fn is_empty(&self, port: usize) -> bool {
        self.ports[port].places.is_empty()
    }

    /// How many ports there are.
    pub fn ports(&self) -> usize {
        self.ports.len()
    }
}

impl Port {
    fn new(schema: Arc<Schema>) -> Self {
        let columns = schema.fields().iter().map(|f| ColumnBuilder::new(&f.data_type, 0)).collect();
        Self { schema, columns, places: Vec::new(), moments: Vec::new(), steps: Vec::new(), made: None }
    }

    fn take(&mut self) -> (EventBatch, Vec<WatermarkStep>) {
        let made = self.made.take();
        let columns = made.unwrap_or_else(|| self.columns.iter_mut().map(ColumnBuilder::finish).collect());
        let places = std::mem::take(&mut self.places).into();
        let moments = std::mem::take(&mut self.moments).into();
        (EventBatch::with_moments(self.schema.clone(), columns, places, moments), std::mem::take(&mut self.steps))
    }
}
