//! Where an operator puts its rows: builders of columns, places and moments, one set a port.

use std::ops::Range;
use std::sync::Arc;

use crate::data::{Allowance, Column, ColumnBuilder, EventBatch, Over, Place, Places, PlacesBuilder, Schema, Value, WatermarkStep};

/// The ports of an operator. Most have one; a pattern with TIMEOUT INTO has a second one for its timeouts.
#[derive(Debug)]
pub struct Outbox {
    rank: u32,
    ports: Vec<Port>,
    allowance: Allowance,
    /// Whose turn it is, where it is not that of each row's place.
    turn: Option<Place>,
    /// Whether turns are noted.
    notes_turns: bool,
    /// Place and moment of what is being done, where that has been said: a bound that is reached is reached there.
    at: Option<(Place, Place)>,
}

/// With a bound of memory it is looked at each so many rows.
const LOOK_EVERY: usize = 8;

/// Rows that have been put out by one port, and steps of its watermark.
#[derive(Debug)]
pub struct Port {
    schema: Arc<Schema>,
    columns: Vec<ColumnBuilder>,
    places: PlacesBuilder,
    moments: PlacesBuilder,
    steps: Vec<WatermarkStep>,
    /// Columns that an operator has made itself, of all rows that there are, with their places and moments.
    made: Option<(Vec<Column>, Places, Places)>,
    /// Rows that were put out before those at hand.
    sealed: Vec<EventBatch>,
    /// Of each row, whose turn it was; nothing where that is not noted.
    turns: Vec<Place>,
    /// Bytes that were left when memory was looked at last.
    room: Option<usize>,
}

impl Outbox {
    /// Ports of these schemas, for the operator of this rank (its number in topological order, from 1).
    pub fn new(rank: u32, schemas: Vec<Arc<Schema>>) -> Self {
        let ports = schemas.into_iter().map(Port::new).collect();
        Self { rank, ports, allowance: Allowance::default(), turn: None, notes_turns: false, at: None }
    }

    /// The same for an operator that may give no more than this.
    #[must_use]
    pub fn within(self, allowance: Allowance) -> Self {
        Self { allowance, ..self }
    }

    /// The same for an operator that has a part of the keys: what orders its rows among those of the others is noted.
    #[must_use]
    pub fn noting_turns(self) -> Self {
        Self { notes_turns: true, ..self }
    }

    /// Rows that are put out from now on come out in the turn of this start, not in that of the place where they stand: where several
    /// operators of one spec share the keys, rows of one moment go in the order of turns. Until [`Self::end_turn`].
    pub fn turn(&mut self, of: Place) {
        self.turn = Some(of);
    }

    /// Rows come out in the turns of their places again.
    pub fn end_turn(&mut self) {
        self.turn = None;
    }

    /// From now on it is about what stands at this place and is certain at this moment; what puts rows out says so itself.
    pub fn come_to(&mut self, place: Place, moment: Place) {
        self.at = Some((place, moment));
    }

    /// A bound has ended the operator's work: leaves the rows that were put out whole, and says at which place and moment that was, if that
    /// is known.
    pub fn cut_back(&mut self) -> Option<(Place, Place)> {
        self.ports.iter_mut().for_each(Port::cut_back);
        self.at.take()
    }

    /// What the operator may give.
    pub fn allowance(&self) -> &Allowance {
        &self.allowance
    }

    /// Puts out one row by a port: its values, where it stands (the place of the event that ends it, or a bound), and when it was certain.
    pub fn row<'v>(&mut self, port: usize, values: impl IntoIterator<Item = Value<'v>>, place: Place, moment: Place) {
        self.come_to(place, moment);
        let port = &mut self.ports[port];
        let mut columns = port.columns.iter_mut();
        for value in values {
            columns.next().expect("no more values than columns").push(value);
        }
        debug_assert!(columns.next().is_none(), "one value a column");
        let place = place.derived_by(self.rank);
        port.places.push(place, 1);
        port.moments.push(moment, 1);
        if self.notes_turns {
            port.turns.push(self.turn.unwrap_or(place));
        }
        port.check(&self.allowance);
        if self.allowance.memory.is_some() && port.moments.len().is_multiple_of(LOOK_EVERY) {
            self.allowance.check_memory(0);
        }
    }

    /// Puts out rows of one place and moment: `fill` appends as many values to each column as it says. Gives how many that were.
    pub fn rows(&mut self, port: usize, place: Place, moment: Place, fill: impl FnOnce(&mut [ColumnBuilder]) -> usize) -> usize {
        self.come_to(place, moment);
        let port = &mut self.ports[port];
        port.bound(&self.allowance);
        let count = fill(&mut port.columns);
        let rows = port.places.len() + count;
        debug_assert!(port.columns.iter().all(|column| column.len() == rows), "one value a column");
        let place = place.derived_by(self.rank);
        port.places.push(place, count);
        port.moments.push(moment, count);
        if self.notes_turns {
            port.turns.resize(rows, self.turn.unwrap_or(place));
        }
        port.check(&self.allowance);
        count
    }

    /// Puts out rows of several places and moments, so many of each and in order, as [`Self::rows`] would one after the other: `fill` appends
    /// the values of the rows of some of them. Where no bound is near, that is all of them at once.
    pub fn rows_of_places(
        &mut self,
        port: usize,
        of_places: impl ExactSizeIterator<Item = (Place, Place, usize)> + Clone,
        mut fill: impl FnMut(Range<usize>, &mut [ColumnBuilder]),
    ) {
        let total = of_places.clone().map(|(.., rows)| rows).sum();
        if !self.ports[port].has_room(total, &self.allowance) {
            for (number, (place, moment, rows)) in of_places.enumerate() {
                self.rows(port, place, moment, |columns| {
                    fill(number..number + 1, columns);
                    rows
                });
            }
            return;
        }
        let port = &mut self.ports[port];
        port.bound(&self.allowance);
        fill(0..of_places.len(), &mut port.columns);
        for (place, moment, rows) in of_places {
            self.at = Some((place, moment));
            let place = place.derived_by(self.rank);
            port.places.push(place, rows);
            port.moments.push(moment, rows);
            if self.notes_turns {
                port.turns.resize(port.places.len(), self.turn.unwrap_or(place));
            }
        }
        debug_assert!(port.columns.iter().all(|column| column.len() == port.places.len()), "one value a column");
    }

    /// Puts out whole columns by a port, which has been given nothing else since it was emptied.
    pub fn columns(&mut self, port: usize, columns: Vec<Column>, mut places: Vec<Place>, moments: Places) {
        let port = &mut self.ports[port];
        assert!(port.is_empty(), "all rows of an inbox as columns, or none");
        places.iter_mut().for_each(|place| *place = place.derived_by(self.rank));
        if self.notes_turns {
            port.turns.clone_from(&places);
        }
        let beyond = first_beyond(&moments, self.allowance.rows).map(|row| (places[row], moments[row]));
        port.made = Some((columns, places.into(), moments));
        if let Some((place, moment)) = beyond {
            self.come_to(place, moment);
            self.allowance.too_many_rows().end();
        }
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

    /// Says by all ports that from `moment` on `least` is the least place held back, unless that has been `told`; and notes it there.
    pub fn hold_back(&mut self, told: &mut Place, least: Place, moment: Place) {
        if std::mem::replace(told, least) != least {
            (0..self.ports.len()).for_each(|port| self.watermark(port, WatermarkStep { moment, watermark: least }));
        }
    }

    /// Sets aside what has been put out so far: of one inbox that is given in several pieces, each piece finds the ports empty.
    pub fn seal(&mut self) {
        debug_assert!(!self.notes_turns, "whoever notes turns takes all at once");
        for port in self.ports.iter_mut().filter(|port| !port.is_empty()) {
            let rows = port.rows();
            port.sealed.push(rows);
        }
    }

    /// Takes what a port has been given, and leaves it empty.
    pub fn take(&mut self, port: usize) -> (EventBatch, Vec<WatermarkStep>) {
        self.ports[port].take()
    }

    /// Takes whose turns the rows of a port came out in, where that is noted.
    pub fn take_turns(&mut self, port: usize) -> Vec<Place> {
        std::mem::take(&mut self.ports[port].turns)
    }

    /// Takes what has been said of the watermark of a port, where it has no rows.
    pub fn take_watermarks(&mut self, port: usize) -> Vec<WatermarkStep> {
        std::mem::take(&mut self.ports[port].steps)
    }

    /// Whether a port has no rows.
    pub fn is_empty(&self, port: usize) -> bool {
        self.ports[port].is_empty() && self.ports[port].sealed.is_empty()
    }

    /// How many ports there are.
    pub fn ports(&self) -> usize {
        self.ports.len()
    }
}

impl Port {
    fn new(schema: Arc<Schema>) -> Self {
        let columns = schema.fields().iter().map(|f| ColumnBuilder::new(&f.data_type, 0)).collect();
        let (places, moments) = (PlacesBuilder::default(), PlacesBuilder::default());
        Self { schema, columns, places, moments, steps: Vec::new(), made: None, sealed: Vec::new(), turns: Vec::new(), room: None }
    }

    fn is_empty(&self) -> bool {
        self.places.is_empty() && self.made.is_none()
    }

    /// Of the last moment there are not too many rows. (Moments never go back.)
    #[inline]
    fn check(&self, allowance: &Allowance) {
        if self.moments.last_run() > allowance.rows {
            allowance.too_many_rows().end();
        }
    }

    /// Whether so many rows more pass no bound, whatever moments they are of.
    fn has_room(&self, rows: usize, allowance: &Allowance) -> bool {
        allowance.memory.is_none() && self.moments.last_run().saturating_add(rows) <= allowance.rows
    }

    /// What is about to be filled in at once may be this much.
    fn bound(&mut self, allowance: &Allowance) {
        if allowance.rows == usize::MAX && allowance.memory.is_none() {
            return;
        }
        let rows = self.places.len();
        let of_event = rows.saturating_add(allowance.rows);
        let (mut most, mut over) = (of_event, allowance.too_many_rows());
        // Each row takes a word a column at least, and its place and moment.
        let a_row = 8 * self.columns.len() + 2 * size_of::<Place>();
        let looks = rows.is_multiple_of(LOOK_EVERY) || self.room.is_none();
        if let Some(limit) = allowance.memory {
            self.room = if looks { allowance.room() } else { self.room };
            // Vectors double: what they leave behind and what they take are there at once.
            let fits = self.room.map_or(usize::MAX, |room| rows.saturating_add(room / (2 * a_row)));
            if fits < most {
                (most, over) = (fits, Over { what: "bytes of memory", limit, is_of_run: true });
            }
        }
        self.columns.iter_mut().for_each(|column| column.at_most(most, &over));
    }

    /// Leaves out what has been begun of further rows.
    fn cut_back(&mut self) {
        let rows = self.places.len();
        if self.made.is_none() && self.columns.iter().any(|column| column.len() != rows) {
            let columns = self.columns.iter_mut().map(|column| column.finish().slice(0..rows)).collect();
            self.made = Some((columns, self.places.finish(), self.moments.finish()));
        }
    }

    fn take(&mut self) -> (EventBatch, Vec<WatermarkStep>) {
        let rows = self.rows();
        let rows = if self.sealed.is_empty() {
            rows
        } else {
            self.sealed.push(rows);
            EventBatch::joined(&std::mem::take(&mut self.sealed))
        };
        (rows, std::mem::take(&mut self.steps))
    }

    fn rows(&mut self) -> EventBatch {
        let (columns, places, moments) = self.made.take().unwrap_or_else(|| {
            let columns = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
            (columns, self.places.finish(), self.moments.finish())
        });
        EventBatch::with_moments(self.schema.clone(), columns, places, moments)
    }
}

/// The first row that is one too many of its moment, where there may be so many.
fn first_beyond(moments: &[Place], most: usize) -> Option<usize> {
    (most..moments.len()).find(|&row| moments[row - most] == moments[row])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataType, Field, Timestamp};

    /// Rows with their places, and place and moment of what is over, where something is.
    type PutOut = (Vec<(i64, Place)>, Option<(Place, Place)>);

    /// Rows of several places, together or one place after the other; each says how manieth it is.
    fn put_out(counts: &[usize], most: usize, are_together: bool) -> PutOut {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int)]));
        let mut out = Outbox::new(1, vec![schema]).within(Allowance { rows: most, ..Allowance::default() });
        let at = |number: usize| Place::event(Timestamp(number as i64 / 2), 1 + number as u64 / 2);
        let of_places = counts.iter().enumerate().map(|(number, rows)| (at(number), at(number), *rows));
        let fill = |range: Range<usize>, columns: &mut [ColumnBuilder]| {
            let before: usize = counts[..range.start].iter().sum();
            let rows: usize = counts[range].iter().sum();
            columns[0].extend_words((0..rows).map(|row| (before + row) as i64));
        };
        let over = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            if are_together {
                out.rows_of_places(0, of_places, fill);
            } else {
                for (number, (place, moment, rows)) in of_places.enumerate() {
                    out.rows(0, place, moment, |columns| {
                        fill(number..number + 1, columns);
                        rows
                    });
                }
            }
        }));
        let over = over.err().and_then(|_| out.cut_back());
        let rows = out.take(0).0;
        let row = |row: usize| (rows.columns()[0].word(row).unwrap(), rows.places()[row]);
        ((0..rows.len()).map(row).collect(), over)
    }

    #[test]
    fn rows_of_several_places_are_those_of_one_after_the_other() {
        for (counts, most) in [(vec![1, 2, 3], 100), (vec![2, 2, 1], 4), (vec![2, 3, 1], 4), (vec![1, 0, 9, 1], 8), (vec![], 1)] {
            let (together, apart) = (put_out(&counts, most, true), put_out(&counts, most, false));
            assert_eq!(together, apart, "{counts:?}, at most {most}");
        }
        assert!(put_out(&[2, 3, 1], 4, true).1.is_some());
    }
}
