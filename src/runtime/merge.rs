//! The rows of an operator's inputs, put into the one total order: flows of a round in, an [`Inbox`] out.
//!
//! Where no input lags, every row of the round lies before the watermark and the merge is by place alone. Where one does, rows wait until
//! all inputs have promised (see `frontier`) that nothing stands before them; a released row's moment is that of the promise that let it
//! go, and the watermark's steps stand between the rows. So an inbox never goes back in place nor in moment, and what it holds follows from
//! rows and promises, not from rounds.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fmt;
use std::sync::Arc;

use super::by_position::{InOrder, by_position};
use super::frontier::{Meet, Promises};
use crate::data::{Column, Entries, Entry, EventBatch, Inbox, Place, Places, Schema, StateError, StateReader, StateWriter, WatermarkStep};
use crate::operators::Plain;

/// What an edge carries in one round.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    /// Its new rows.
    pub(super) rows: EventBatch,
    /// What it promises now beyond earlier rounds.
    pub(super) promises: Promises,
}

/// Which rows wait, and in which order they go.
#[derive(Debug)]
pub(super) struct Merge {
    lags: bool,
    /// Which plain inboxes are taken by whoever gets them.
    gives_plain: Plain,
    inputs: Vec<Waiting>,
    /// For each input, which edge it reads: of one that several read, each row is the same event to all of them.
    edges: Vec<usize>,
    meet: Meet,
    watermark: Place,
    floor: Place,
    last_moment: Place,
}

/// Rows of one input that wait.
#[derive(Debug)]
struct Waiting {
    schema: Arc<Schema>,
    /// Batches of which rows wait, with how many; the number of the first is `first`.
    batches: VecDeque<(EventBatch, usize)>,
    first: u64,
    /// Least place first, of one place the earliest arrival: (place, batch, row).
    order: BinaryHeap<Reverse<(Place, u64, u32)>>,
}

/// A row came out behind what its own edge had promised: a defect of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BrokenPromise {
    /// Where the row stands.
    pub(super) place: Place,
    /// What had been promised.
    pub(super) watermark: Place,
}

impl fmt::Display for BrokenPromise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} before {:?}", self.place, self.watermark)
    }
}

impl Merge {
    /// Of inputs with these schemas; `lags` says whether rows of one of them may be certain later than they stand.
    pub(super) fn new(schemas: Vec<Arc<Schema>>, lags: bool) -> Self {
        let meet = Meet::new(schemas.len());
        let edges = (0..schemas.len()).collect();
        let inputs = schemas.into_iter().map(Waiting::new).collect();
        Self { lags, gives_plain: Plain::Never, inputs, edges, meet, watermark: Place::MIN, floor: Place::MIN, last_moment: Place::MIN }
    }

    /// Of inputs without lag, all of whose rows before this place have been handed on.
    pub(super) fn reached(schemas: Vec<Arc<Schema>>, watermark: Place) -> Self {
        let mut merge = Self::new(schemas, false);
        for input in 0..merge.inputs.len() {
            merge.meet.promise(input, &[WatermarkStep { moment: Place::MIN, watermark }]);
        }
        merge.meet.advance();
        merge.watermark = merge.meet.reached();
        merge
    }

    /// The same, for someone who takes these plain inboxes.
    pub(super) fn giving_plain(self, gives_plain: Plain) -> Self {
        Self { gives_plain, ..self }
    }

    /// The same, where inputs of one number read the same edge.
    pub(super) fn of_edges(self, edges: Vec<usize>) -> Self {
        debug_assert_eq!(self.inputs.len(), edges.len(), "one edge an input");
        Self { edges, ..self }
    }

    /// The inbox of a round, and what is promised of its rows.
    pub(super) fn inbox(&mut self, flows: &[&Flow]) -> Result<(Inbox, Promises), BrokenPromise> {
        for (input, flow) in flows.iter().enumerate() {
            self.meet.promise(input, &flow.promises);
        }
        let before = self.watermark;
        let steps = self.meet.advance();
        self.watermark = self.meet.reached();
        // Rows that do not lag stand in order.
        let looked_at = if self.lags { usize::MAX } else { 1 };
        if let Some(&place) = flows.iter().flat_map(|f| f.rows.places().iter().take(looked_at)).find(|&&place| place < before) {
            return Err(BrokenPromise { place, watermark: before });
        }
        let inbox = if self.lags { self.release(flows, &steps) } else { self.merge_in_order(flows) };
        Ok((inbox, steps))
    }

    /// All rows before this place have been handed on.
    pub(super) fn watermark(&self) -> Place {
        self.watermark
    }

    /// How many rows wait.
    pub(super) fn held(&self) -> usize {
        self.inputs.iter().map(|w| w.order.len()).sum()
    }

    /// Writes the rows that wait, and what has been promised.
    pub(super) fn save(&self, to: &mut StateWriter) {
        self.inputs.iter().for_each(|waiting| to.batch(&waiting.rows()));
        to.put(&self.meet);
        to.put(&(self.watermark, self.floor, self.last_moment));
    }

    /// Takes them in.
    pub(super) fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        for waiting in &mut self.inputs {
            let rows = from.batch(&waiting.schema)?;
            waiting.take_in(&rows);
        }
        let meet: Meet = from.take()?;
        if meet.inputs() != self.inputs.len() {
            return Err(StateError::new("promises of another number of inputs"));
        }
        self.meet = meet;
        (self.watermark, self.floor, self.last_moment) = from.take()?;
        Ok(())
    }

    /// Takes in what another one, in which no row waits, had been promised.
    pub(super) fn add(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        for waiting in &self.inputs {
            if !from.batch(&waiting.schema)?.is_empty() {
                return Err(StateError::new("rows that wait cannot be put beside others"));
            }
        }
        let meet: Meet = from.take()?;
        if meet.inputs() != self.inputs.len() {
            return Err(StateError::new("promises of another number of inputs"));
        }
        self.meet = std::mem::replace(&mut self.meet, Meet::new(0)).and(meet);
        let (watermark, floor, last_moment): (Place, Place, Place) = from.take()?;
        self.watermark = self.watermark.min(watermark);
        self.floor = self.floor.max(floor);
        self.last_moment = self.last_moment.max(last_moment);
        Ok(())
    }

    fn merge_in_order(&self, flows: &[&Flow]) -> Inbox {
        let (watermark, floor) = (self.watermark, Place::MIN);
        match flows {
            [flow] if self.gives_plain != Plain::Never => {
                let rows = if self.gives_plain == Plain::Apart { rows_apart(&flow.rows) } else { flow.rows.clone() };
                Inbox { inputs: vec![rows], entries: Entries::default(), is_plain: true, watermark, floor }
            }
            _ => {
                let inputs: Vec<EventBatch> = flows.iter().map(|f| f.rows.clone()).collect();
                let entries = match by_position(&inputs) {
                    Some(InOrder { rows, are_apart: true }) => Entries::of_rows(rows, &inputs),
                    Some(InOrder { rows, .. }) => tell_apart(Entries::of_rows(rows, &inputs).to_vec(), &self.edges),
                    None => tell_apart(self.by_place(flows), &self.edges),
                };
                Inbox { inputs, entries, is_plain: false, watermark, floor }
            }
        }
    }

    fn by_place(&self, flows: &[&Flow]) -> Vec<Entry> {
        if let [first, second] = flows {
            return of_two(&first.rows, &second.rows);
        }
        let mut entries = Vec::with_capacity(flows.iter().map(|f| f.rows.len()).sum());
        let mut next = vec![0; flows.len()];
        loop {
            // The least place; of one place the first input.
            let heads = flows.iter().zip(&next).enumerate().filter_map(|(i, (f, &row))| Some((*f.rows.places().get(row)?, i)));
            let Some((place, input)) = heads.min() else { break };
            // A run of one input ends where another input stands before it, so that one head is looked at a row, not all.
            let end = flows.iter().zip(&next).enumerate().filter(|&(i, _)| i != input);
            let end = end.filter_map(|(i, (f, &row))| Some((*f.rows.places().get(row)?, i))).min();
            let rows = &flows[input].rows;
            debug_assert!(place < self.watermark, "rows of an edge without lag stand before its watermark");
            while let Some(&place) = rows.places().get(next[input])
                && end.is_none_or(|end| (place, input) < end)
            {
                let moment = rows.moments()[next[input]];
                entries.push(row_entry(input, next[input], place, moment, Place::MIN));
                next[input] += 1;
            }
        }
        entries
    }

    fn release(&mut self, flows: &[&Flow], steps: &[WatermarkStep]) -> Inbox {
        for (waiting, flow) in self.inputs.iter_mut().zip(flows) {
            waiting.take_in(&flow.rows);
        }
        let mut entries = Vec::new();
        let mut picked: Vec<Vec<(u64, u32)>> = vec![Vec::new(); self.inputs.len()];
        for (i, step) in steps.iter().enumerate() {
            self.floor = self.floor.max(step.moment);
            while let Some((place, input)) = self.first_before(step.watermark) {
                let (batch, row) = self.inputs[input].pop();
                let own = self.inputs[input].batch(batch).moments()[row as usize];
                self.last_moment = self.last_moment.max(own).max(self.floor);
                entries.push(row_entry(input, picked[input].len(), place, self.last_moment, self.floor));
                picked[input].push((batch, row));
            }
            if i + 1 < steps.len() {
                entries.push(Entry::Watermark(*step));
            }
        }
        let mut inputs: Vec<EventBatch> = self.inputs.iter_mut().zip(&picked).map(|(waiting, rows)| waiting.give(rows)).collect();
        state_moments(&mut inputs, &entries);
        let entries = tell_apart(entries, &self.edges);
        Inbox { inputs, entries, is_plain: false, watermark: self.watermark, floor: self.floor }
    }

    fn first_before(&self, watermark: Place) -> Option<(Place, usize)> {
        let heads = self.inputs.iter().enumerate().filter_map(|(i, w)| Some((w.order.peek()?.0.0, i)));
        heads.min().filter(|&(place, _)| place < watermark)
    }
}

/// The rows of two inputs, of one place the first input's first.
fn of_two(first: &EventBatch, second: &EventBatch) -> Vec<Entry> {
    let mut entries = Vec::with_capacity(first.len() + second.len());
    let entry = |input: usize, rows: &EventBatch, row: usize| row_entry(input, row, rows.places()[row], rows.moments()[row], Place::MIN);
    let mut next = 0;
    for (row, place) in first.places().iter().enumerate() {
        while second.places().get(next).is_some_and(|other| other < place) {
            entries.push(entry(1, second, next));
            next += 1;
        }
        entries.push(entry(0, first, row));
    }
    entries.extend((next..second.len()).map(|row| entry(1, second, row)));
    entries
}

/// Rows that were let go have the moment of that, in the batches as in the entries.
fn state_moments(inputs: &mut [EventBatch], entries: &[Entry]) {
    let mut moments: Vec<Vec<Place>> = inputs.iter().map(|b| Vec::with_capacity(b.len())).collect();
    for entry in entries {
        if let Entry::Row { input, moment, .. } = entry {
            moments[usize::from(*input)].push(*moment);
        }
    }
    for (batch, moments) in inputs.iter_mut().zip(moments) {
        *batch = EventBatch::with_moments(batch.schema().clone(), batch.columns().to_vec(), batch.places().clone(), moments.into());
    }
}

/// Gives each row a place of its own where several were derived at one place. Rows of several inputs at the place of a source event are that
/// event and stay together; where an input has several of them, the second ones are another event behind it, and so on. So it is with derived
/// rows of inputs that read the same edge.
fn tell_apart(mut entries: Vec<Entry>, edges: &[usize]) -> Entries {
    let place_of = |entry: &Entry| if let Entry::Row { place, .. } = entry { Some(*place) } else { None };
    let are_beside = |a: &Entry, b: &Entry| place_of(a).zip(place_of(b)).is_some_and(|(a, b)| a.is_beside(b));
    if !entries.windows(2).any(|pair| are_beside(&pair[0], &pair[1])) {
        return entries.into();
    }
    for beside in entries.chunk_by_mut(are_beside).filter(|beside| beside.len() > 1) {
        let is_source = place_of(&beside[0]).is_some_and(Place::is_source);
        // Rows of one place stand input by input: the place of the last row, and those of the rows of each edge.
        let mut last: Option<(u16, Place)> = None;
        let mut of_edge: Vec<(usize, Vec<Place>)> = Vec::new();
        let mut of_input = (u16::MAX, 0);
        for entry in &mut *beside {
            let Entry::Row { input, place, .. } = entry else { continue };
            of_input = if of_input.0 == *input { (*input, of_input.1 + 1) } else { (*input, 0) };
            if is_source {
                if let Some((_, before)) = last.filter(|(of, _)| of == input) {
                    *place = before.next_to();
                }
                last = Some((*input, *place));
                continue;
            }
            let edge = edges[usize::from(*input)];
            let known = match of_edge.iter().position(|(of, _)| *of == edge) {
                Some(known) => known,
                None => {
                    of_edge.push((edge, Vec::new()));
                    of_edge.len() - 1
                }
            };
            let places = &mut of_edge[known].1;
            match places.get(of_input.1) {
                Some(same) => *place = *same,
                None => {
                    *place = last.map_or(*place, |(_, before)| before.next_to());
                    last = Some((*input, *place));
                    places.push(*place);
                }
            }
        }
        beside.sort_by_key(place_of);
    }
    entries.into()
}

/// As [`tell_apart`], of the rows of one input.
fn rows_apart(rows: &EventBatch) -> EventBatch {
    if !rows.places().windows(2).any(|pair| pair[0].is_beside(pair[1])) {
        return rows.clone();
    }
    let mut last: Option<Place> = None;
    let own = rows.places().iter().map(|&place| {
        let own = last.filter(|before| place.is_beside(*before)).map_or(place, Place::next_to);
        last = Some(own);
        own
    });
    EventBatch::with_moments(rows.schema().clone(), rows.columns().to_vec(), own.collect(), rows.moments().clone())
}

fn row_entry(input: usize, row: usize, place: Place, moment: Place, floor: Place) -> Entry {
    let input = u16::try_from(input).expect("the planner bounds the inputs of an operator");
    let row = u32::try_from(row).expect("a round has less than 2^32 rows");
    Entry::Row { input, row, place, moment, floor }
}

impl Waiting {
    fn new(schema: Arc<Schema>) -> Self {
        Self { schema, batches: VecDeque::new(), first: 0, order: BinaryHeap::new() }
    }

    fn take_in(&mut self, rows: &EventBatch) {
        if rows.is_empty() {
            return;
        }
        let number = self.first + self.batches.len() as u64;
        for (row, &place) in rows.places().iter().enumerate() {
            let row = u32::try_from(row).expect("a round has less than 2^32 rows");
            self.order.push(Reverse((place, number, row)));
        }
        self.batches.push_back((rows.clone(), rows.len()));
    }

    /// The rows that wait, in order.
    fn rows(&self) -> EventBatch {
        if self.order.is_empty() {
            return EventBatch::empty(self.schema.clone());
        }
        let mut order: Vec<(Place, u64, u32)> = self.order.iter().map(|Reverse(at)| *at).collect();
        order.sort_unstable();
        let at: Vec<(u64, u32)> = order.into_iter().map(|(_, batch, row)| (batch, row)).collect();
        let rows = self.interleave(&at);
        let moments = at.iter().map(|&(batch, row)| self.batch(batch).moments()[row as usize]).collect();
        EventBatch::with_moments(self.schema.clone(), rows.columns().to_vec(), rows.places().clone(), moments)
    }

    fn batch(&self, number: u64) -> &EventBatch {
        &self.batches[self.position(number)].0
    }

    fn position(&self, number: u64) -> usize {
        usize::try_from(number - self.first).expect("a batch in memory has an index")
    }

    fn pop(&mut self) -> (u64, u32) {
        let Reverse((_, batch, row)) = self.order.pop().expect("the caller has seen the first");
        (batch, row)
    }

    /// These rows as one batch; batches of which no row waits any more are let go.
    fn give(&mut self, rows: &[(u64, u32)]) -> EventBatch {
        let Some(&(first, _)) = rows.first() else { return EventBatch::empty(self.schema.clone()) };
        let batch = if rows.iter().all(|&(batch, _)| batch == first) {
            let rows: Vec<u32> = rows.iter().map(|&(_, row)| row).collect();
            self.batch(first).gather(&rows)
        } else {
            self.interleave(rows)
        };
        for &(number, _) in rows {
            let position = self.position(number);
            self.batches[position].1 -= 1;
        }
        while self.batches.front().is_some_and(|(_, waiting)| *waiting == 0) {
            self.batches.pop_front();
            self.first += 1;
        }
        batch
    }

    fn interleave(&self, rows: &[(u64, u32)]) -> EventBatch {
        let at: Vec<(u32, u32)> = rows
            .iter()
            .map(|&(number, row)| (u32::try_from(self.position(number)).expect("waiting batches are less than 2^32"), row))
            .collect();
        let columns = self.schema.fields().iter().enumerate().map(|(c, field)| {
            let sources: Vec<&Column> = self.batches.iter().map(|(batch, _)| &batch.columns()[c]).collect();
            Column::interleave(&field.data_type, &sources, &at)
        });
        let places: Places = rows.iter().map(|&(number, row)| self.batch(number).places()[row as usize]).collect();
        EventBatch::new(self.schema.clone(), columns.collect(), places)
    }
}

/// The rows of all inputs as one batch, in the order of the entries.
pub(super) fn in_a_row(inbox: &Inbox, schema: &Arc<Schema>) -> EventBatch {
    let rows = inbox.entries.iter().filter_map(|entry| match *entry {
        Entry::Row { input, row, place, moment, .. } => Some(((u32::from(input), row), place, moment)),
        Entry::Watermark(_) => None,
    });
    let mut at = Vec::new();
    let (mut places, mut moments) = (Vec::new(), Vec::new());
    for (from, place, moment) in rows {
        at.push(from);
        places.push(place);
        moments.push(moment);
    }
    let columns = schema.fields().iter().enumerate().map(|(c, field)| {
        let columns: Vec<&Column> = inbox.inputs.iter().map(|batch| &batch.columns()[c]).collect();
        Column::interleave(&field.data_type, &columns, &at)
    });
    EventBatch::with_moments(schema.clone(), columns.collect(), places.into(), moments.into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Flow, Merge};
    use crate::data::{Column, DataType, Entry, EventBatch, Field, Inbox, Phase, Place, Places, Schema, Timestamp, Value, WatermarkStep};
    use crate::runtime::frontier::{Holds, Meet};
    use std::sync::Arc;

    /// A row of the test: where it stands, when it is certain, and its value.
    type Row = (Place, Place, i64);

    fn schema() -> Arc<Schema> {
        Arc::new(Schema::new(vec![Field::new("n", DataType::Int)]))
    }

    fn event(time: i64) -> Place {
        Place::event(Timestamp(time), time.unsigned_abs())
    }

    fn batch(rows: &[Row]) -> EventBatch {
        let column = Column::from_values(&DataType::Int, rows.iter().map(|r| Value::Int(r.2)));
        let places: Places = rows.iter().map(|r| r.0).collect();
        let moments: Places = rows.iter().map(|r| r.1).collect();
        EventBatch::with_moments(schema(), vec![column], places, moments)
    }

    fn random(state: &mut u64) -> i64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        i64::try_from(*state >> 40).expect("24 bits fit")
    }

    /// What an operator that sets a timer three later at each row would see: rows and timers with their moments.
    #[derive(Default)]
    struct Seen {
        timers: BTreeSet<(Place, i64)>,
        log: Vec<(Place, Place, i64)>,
    }

    impl Seen {
        fn fire(&mut self, before: Place, floor: Place) {
            while let Some(&(place, n)) = self.timers.first()
                && place < before
            {
                self.timers.pop_first();
                self.log.push((place, place.max(floor), -n));
            }
        }

        fn take(&mut self, inbox: &Inbox) {
            for entry in &inbox.entries {
                match *entry {
                    Entry::Row { input, row, place, moment, floor } => {
                        self.fire(place, floor);
                        let batch = &inbox.inputs[usize::from(input)];
                        assert!(batch.places()[row as usize].is_beside(place));
                        assert_eq!(batch.moments()[row as usize], moment);
                        let Value::Int(n) = batch.value(0, row as usize) else { panic!("an INT column") };
                        self.log.push((place, moment, n));
                        self.timers.insert((Place::bound(Timestamp(place.time().0 + 3), Phase::Before), n));
                    }
                    Entry::Watermark(step) => self.fire(step.watermark, step.moment),
                }
            }
            self.fire(inbox.watermark, inbox.floor);
        }
    }

    /// The log over a lagging and a plain input, cut into rounds at these times.
    fn run(plain: &[Row], lagging: &[Row], cuts: &[Place]) -> Vec<(Place, Place, i64)> {
        let mut changes: Vec<Place> = lagging.iter().flat_map(|&(place, moment, _)| [place, moment]).collect();
        changes.sort();
        changes.dedup();
        let held_at = |now: Place| lagging.iter().filter(|r| r.0 <= now && now < r.1).map(|r| r.0).min().unwrap_or(Place::MAX);
        let (mut merge, mut holds, mut meet) = (Merge::new(vec![schema(); 2], true), Holds::new(), Meet::new(2));
        let mut seen = Seen::default();
        let mut from = Place::MIN;
        for &to in cuts {
            let within = |at: Place| from <= at && at < to;
            let said: Vec<WatermarkStep> =
                changes.iter().filter(|&&m| within(m)).map(|&m| WatermarkStep { moment: m, watermark: held_at(m) }).collect();
            let source = vec![WatermarkStep { moment: Place::MIN, watermark: to }];
            meet.promise(0, &source);
            meet.promise(1, &holds.promises(&said, to, to));
            let plain: Vec<Row> = plain.iter().filter(|r| within(r.0)).copied().collect();
            let late: Vec<Row> = lagging.iter().filter(|r| within(r.1)).copied().collect();
            let flows = [Flow { rows: batch(&plain), promises: source }, Flow { rows: batch(&late), promises: meet.advance() }];
            let (inbox, _) = merge.inbox(&flows.each_ref()).expect("no promise is broken");
            seen.take(&inbox);
            from = to;
        }
        assert_eq!(merge.held(), 0, "the end of input lets everything go");
        seen.log
    }

    #[test]
    fn what_waits_and_when_it_goes_does_not_depend_on_rounds() {
        let mut state = 0x5eed_u64;
        for round in 0..300 {
            let mut plain: Vec<Row> = (0..random(&mut state) % 12).map(|n| (event(random(&mut state) % 60), Place::MIN, n + 1)).collect();
            for row in &mut plain {
                row.1 = row.0;
            }
            plain.sort();
            let mut lagging: Vec<Row> = (0..random(&mut state) % 12)
                .map(|n| {
                    let time = random(&mut state) % 60;
                    (event(time), event(time + random(&mut state) % 20), n + 101)
                })
                .collect();
            lagging.sort_by_key(|r| (r.1, r.2));
            let whole = run(&plain, &lagging, &[Place::MAX]);
            assert!(whole.windows(2).all(|w| w[0].0 <= w[1].0 && w[0].1 <= w[1].1), "in order of places and of moments: {whole:?}");
            assert_eq!(whole.iter().filter(|r| r.2 > 0).count(), plain.len() + lagging.len());
            for _ in 0..4 {
                let mut cuts: Vec<Place> =
                    (0..random(&mut state) % 10).map(|_| Place::start_of(Timestamp(random(&mut state) % 90))).collect();
                cuts.push(Place::MAX);
                cuts.sort();
                assert_eq!(run(&plain, &lagging, &cuts), whole, "round {round}, cuts {cuts:?}");
            }
        }
    }

    #[test]
    fn a_plain_merge_keeps_rows_of_one_event_together_and_inputs_in_order() {
        let mut merge = Merge::new(vec![schema(); 2], false);
        let promises = vec![WatermarkStep { moment: Place::MIN, watermark: Place::start_of(Timestamp(9)) }];
        let left = batch(&[(event(1), event(1), 1), (event(4), event(4), 2)]);
        let right = batch(&[(event(1), event(1), 11), (event(3), event(3), 12), (event(5), event(5), 13)]);
        let flows = [Flow { rows: left, promises: promises.clone() }, Flow { rows: right, promises }];
        let (inbox, _) = merge.inbox(&flows.each_ref()).expect("no promise is broken");
        let mut seen = Seen::default();
        seen.take(&inbox);
        let rows: Vec<i64> = seen.log.iter().map(|r| r.2).filter(|&n| n > 0).collect();
        assert_eq!(rows, [1, 11, 12, 2, 13]);
    }

    #[test]
    fn a_row_behind_a_promise_is_a_defect_that_is_told() {
        let mut merge = Merge::new(vec![schema()], true);
        let flow = |rows: &[Row], to: i64| Flow {
            rows: batch(rows),
            promises: vec![WatermarkStep { moment: Place::MIN, watermark: Place::start_of(Timestamp(to)) }],
        };
        assert!(merge.inbox(&[&flow(&[], 10)]).is_ok());
        let broken = merge.inbox(&[&flow(&[(event(5), event(12), 1)], 20)]).expect_err("5 lies before 10");
        assert_eq!(broken.place, event(5));
    }
}
