//! Stages that are given only the rows that can matter to them, found for all of them at once.
//!
//! A selective stage reads rows that stand in order where they are certain (sources, and transforms of them), so what it is given needs no
//! merge. One behind which only transforms and the way out stand is lazy: it comes to life with its first row, and is visited where it has
//! rows, where a timer of it is due, and at the end. Its timers stand in one queue with those of all others.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::assemble::PlannedPattern;
use super::frontier::{Holds, Meet};
use super::keys::{self, Passed};
use super::merge::{Flow, Merge};
use super::pipeline::{Counts, Feed, Round};
use crate::data::{Entries, Entry, EventBatch, Inbox, Place, Schema, StateError, StateReader, StateWriter, WatermarkStep};
use crate::operators::{Delivery, Dispatch, DispatchSize, Held, Operator, Outbox, Reader, StepTaken};

/// Finds the rows for all selective stages of a program.
#[derive(Debug)]
pub(super) struct Selector {
    dispatch: Dispatch,
    /// The streams that are looked at, and how many rows they have had.
    edges: Vec<(Feed, u64)>,
    /// By reader, its stage.
    stages: Vec<usize>,
    is_lazy: Vec<bool>,
    inboxes: Vec<SharedInbox>,
    /// When lazy stages have to be visited without rows.
    alarms: BinaryHeap<Reverse<(Place, usize)>>,
    /// Lazy stages that have come to life.
    live: Vec<usize>,
    /// Up to where rows have been looked at.
    end: Place,
}

/// The inbox of all stages that read the same streams: they share the batches, each has its own entries.
#[derive(Debug)]
struct SharedInbox {
    edges: Vec<usize>,
    inbox: Inbox,
    fits: Vec<u64>,
    is_of_round: bool,
}

/// A stage to be made selective.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) stage: usize,
    pub(super) feeds: Vec<Feed>,
    pub(super) reader: Reader,
    pub(super) is_lazy: bool,
}

/// What a selective stage does.
#[derive(Debug)]
pub(super) struct Selective {
    reader: u32,
    stage: usize,
    inbox: usize,
    work: Chosen,
    /// Where it is among the alarms.
    alarm: Place,
}

#[derive(Debug)]
enum Chosen {
    /// Its rows pass as they are.
    Filter(Arc<Schema>),
    Pattern(Box<LazyPattern>),
}

/// A pattern that comes to life with its first row.
#[derive(Debug)]
struct LazyPattern {
    planned: PlannedPattern,
    live: Option<Live>,
    is_lazy: bool,
}

#[derive(Debug)]
struct Live {
    operator: Box<dyn Operator>,
    outbox: Outbox,
    /// One a port. Where nobody reads what it promises, only what was said last is kept.
    behind: Vec<(Holds, Meet)>,
}

impl Selector {
    /// Of these stages. Gives what stands in each one's place, in the same order, once its work is known.
    pub(super) fn new(candidates: Vec<Candidate>) -> (Self, Vec<Slot>) {
        let mut edges: Vec<(Feed, u64)> = Vec::new();
        let mut numbers: std::collections::BTreeMap<(u8, usize, usize), usize> = std::collections::BTreeMap::new();
        let mut inboxes: Vec<SharedInbox> = Vec::new();
        let mut inbox_numbers: std::collections::BTreeMap<Vec<usize>, usize> = std::collections::BTreeMap::new();
        let (mut readers, mut stages, mut is_lazy, mut slots) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (reader, candidate) in (0u32..).zip(candidates) {
            let of_feed = |&feed: &Feed| {
                *numbers.entry(order_of(feed)).or_insert_with(|| {
                    edges.push((feed, 0));
                    edges.len() - 1
                })
            };
            let read: Vec<usize> = candidate.feeds.iter().map(of_feed).collect();
            let inbox = *inbox_numbers.entry(read.clone()).or_insert_with(|| {
                inboxes.push(SharedInbox::new(read.clone()));
                inboxes.len() - 1
            });
            slots.push(Slot { reader, stage: candidate.stage, inbox, is_lazy: candidate.is_lazy });
            stages.push(candidate.stage);
            is_lazy.push(candidate.is_lazy);
            readers.push(Reader { edges: read, ..candidate.reader });
        }
        let dispatch = Dispatch::new(edges.len(), &readers);
        (Self { dispatch, edges, stages, is_lazy, inboxes, alarms: BinaryHeap::new(), live: Vec::new(), end: Place::MIN }, slots)
    }

    /// Looks at the rows of a round.
    pub(super) fn select(&mut self, round: &Round, end: Place) {
        self.end = end;
        let batches: Vec<&EventBatch> = self.edges.iter().map(|(feed, _)| &round.flow_of_visited(*feed).rows).collect();
        self.dispatch.round(&batches);
        for ((feed, rows), batch) in self.edges.iter_mut().zip(batches) {
            *rows += batch.len() as u64 + round.unwanted(*feed);
        }
        self.inboxes.iter_mut().for_each(|inbox| inbox.is_of_round = false);
    }

    /// The lazy stages that have to be visited in this round, in order.
    pub(super) fn due(&mut self, end: Place) -> Vec<usize> {
        if end == Place::MAX {
            self.alarms.clear();
            let touched = self.dispatch.touched().iter().map(|&reader| reader as usize).filter(|&reader| self.is_lazy[reader]);
            let mut due: Vec<usize> = touched.map(|reader| self.stages[reader]).chain(self.live.iter().copied()).collect();
            due.sort_unstable();
            due.dedup();
            return due;
        }
        let touched = self.dispatch.touched().iter().map(|&reader| reader as usize).filter(|&reader| self.is_lazy[reader]);
        let mut due: Vec<usize> = touched.map(|reader| self.stages[reader]).collect();
        while let Some(&Reverse((place, stage))) = self.alarms.peek()
            && place < end
        {
            self.alarms.pop();
            due.push(stage);
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    /// What it has and holds.
    pub(super) fn size(&self) -> DispatchSize {
        self.dispatch.size()
    }

    /// It stands where another one stood.
    pub(super) fn follow(&mut self, before: &Self) {
        self.end = self.end.max(before.end);
    }

    /// Adds what is counted for all stages at once.
    pub(super) fn count(&self, selective: &Selective, counts: &mut Counts) {
        counts.rows_in += self.inboxes[selective.inbox].edges.iter().map(|&edge| self.edges[edge].1).sum::<u64>();
        counts.eval_nulls += self.dispatch.nulls_of(selective.reader);
    }

    /// The rows of a reader as an inbox, and for each the variables that it fits.
    fn inbox(&mut self, selective: &Selective, round: &Round, end: Place) -> (&Inbox, &[u64]) {
        let shared = &mut self.inboxes[selective.inbox];
        if !shared.is_of_round {
            shared.is_of_round = true;
            let rows_of = |&edge: &usize| round.flow_of_visited(self.edges[edge].0).rows.clone();
            shared.inbox.inputs = shared.edges.iter().map(rows_of).collect();
            shared.inbox.watermark = end;
        }
        let rows = self.dispatch.rows_of(selective.reader);
        let Inbox { inputs, entries, .. } = &mut shared.inbox;
        entries.refill(rows.iter().map(|&Delivery { input, row, .. }| {
            let batch = &inputs[usize::from(input)];
            let (place, moment) = (batch.places()[row as usize], batch.moments()[row as usize]);
            Entry::Row { input, row, place, moment, floor: Place::MIN }
        }));
        shared.fits.clear();
        shared.fits.extend(rows.iter().map(|row| row.fits));
        (&shared.inbox, &shared.fits)
    }
}

/// Where a selective stage stands in its selector.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    reader: u32,
    /// Which stage it is.
    pub(super) stage: usize,
    inbox: usize,
    is_lazy: bool,
}

impl Selective {
    /// Rows of a stream for which a condition holds.
    pub(super) fn filter(slot: Slot, schema: Arc<Schema>) -> Self {
        Self::new(slot, Chosen::Filter(schema))
    }

    /// A pattern.
    pub(super) fn pattern(slot: Slot, planned: PlannedPattern) -> Self {
        let live = (!slot.is_lazy).then(|| Live::new(&planned));
        Self::new(slot, Chosen::Pattern(Box::new(LazyPattern { planned, live, is_lazy: slot.is_lazy })))
    }

    fn new(slot: Slot, work: Chosen) -> Self {
        Self { reader: slot.reader, stage: slot.stage, inbox: slot.inbox, work, alarm: Place::MAX }
    }

    /// Whether it is visited only where it has rows or is due.
    pub(super) fn is_lazy(&self) -> bool {
        match &self.work {
            Chosen::Filter(_) => true,
            Chosen::Pattern(pattern) => pattern.is_lazy,
        }
    }

    /// Takes the rows of a round.
    pub(super) fn run(&mut self, selector: &mut Selector, round: &Round, end: Place) -> (Vec<Flow>, Option<Passed>) {
        if let Chosen::Filter(schema) = &self.work {
            return (vec![chosen_rows(schema, selector.inbox(self, round, end).0)], None);
        }
        let (inbox, fits) = selector.inbox(self, round, end);
        let Chosen::Pattern(pattern) = &mut self.work else { unreachable!("filters have been done") };
        let is_lazy = pattern.is_lazy;
        let is_new = pattern.live.is_none();
        let live = pattern.live.get_or_insert_with(|| Live::new(&pattern.planned));
        let passed = keys::advance(&mut *live.operator, inbox, Some(fits), &mut live.outbox);
        let flows = if is_lazy { live.rows(end) } else { live.flows(passed.map_or(end, |passed| passed.place)) };
        let flows = match passed {
            Some(passed) => flows.into_iter().map(|flow| passed.rows(flow)).collect(),
            None => flows,
        };
        if is_lazy {
            let wakes = live.operator.wakes_at();
            // An alarm that is due has been taken out; one that is still to come stays, and finds nothing to do if it is not needed.
            if self.alarm < end {
                self.alarm = Place::MAX;
            }
            if wakes < self.alarm {
                self.alarm = wakes;
                selector.alarms.push(Reverse((wakes, self.stage)));
            }
            if is_new {
                selector.live.push(self.stage);
            }
        }
        (flows, passed)
    }

    /// Writes its state, as that of an operator that gets every row is written: a program may share next time, or not.
    pub(super) fn save(&self, selector: &Selector, to: &mut StateWriter) {
        let Chosen::Pattern(pattern) = &self.work else { return };
        Merge::reached(pattern.planned.inputs(), selector.end).save(to);
        match &pattern.live {
            Some(live) => live.save(to),
            None => Live::new(&pattern.planned).save(to),
        }
    }

    /// Takes it in. What is under way then is not known of in the selector, which lets rows pass until it is over.
    pub(super) fn load(&mut self, selector: &mut Selector, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let Chosen::Pattern(pattern) = &mut self.work else { return Ok(()) };
        let mut merge = Merge::new(pattern.planned.inputs(), false);
        merge.load(from)?;
        if merge.held() > 0 {
            return Err(StateError::new("rows that wait where none can"));
        }
        let mut live = Live::new(&pattern.planned);
        live.load(from)?;
        selector.end = selector.end.max(merge.watermark());
        if pattern.is_lazy && live.saved() == Live::new(&pattern.planned).saved() {
            return Ok(());
        }
        self.resume(selector, live);
        Ok(())
    }

    /// Takes over what another one that does the same has under way; says whether both are visited alike.
    pub(super) fn take_over(&mut self, selector: &mut Selector, before: &mut Self) -> bool {
        match (&self.work, &mut before.work) {
            (Chosen::Filter(_), Chosen::Filter(_)) => true,
            (Chosen::Pattern(own), Chosen::Pattern(theirs)) if own.is_lazy == theirs.is_lazy => {
                if let Some(live) = theirs.live.take() {
                    self.resume(selector, live);
                }
                true
            }
            _ => false,
        }
    }

    /// Goes on with what has been under way elsewhere.
    fn resume(&mut self, selector: &mut Selector, live: Live) {
        let Chosen::Pattern(pattern) = &mut self.work else { return };
        selector.dispatch.resumed(self.reader);
        if pattern.is_lazy {
            self.alarm = live.operator.wakes_at();
            selector.alarms.push(Reverse((self.alarm, self.stage)));
            selector.live.push(self.stage);
        }
        pattern.live = Some(live);
    }

    pub(super) fn take_nulls(&mut self) -> u64 {
        self.live_mut().map_or(0, |live| live.operator.take_nulls())
    }

    /// The steps of a pattern and how often each took an event, where that is counted.
    pub(super) fn steps_taken(&self) -> Vec<StepTaken> {
        match &self.work {
            Chosen::Filter(_) => Vec::new(),
            Chosen::Pattern(pattern) => match &pattern.live {
                Some(live) => live.operator.steps_taken(),
                None => pattern.planned.operator().steps_taken(),
            },
        }
    }

    pub(super) fn held(&self) -> Held {
        match &self.work {
            Chosen::Filter(_) => Held::default(),
            Chosen::Pattern(pattern) => pattern.live.as_ref().map_or_else(Held::default, |live| live.operator.held()),
        }
    }

    fn live_mut(&mut self) -> Option<&mut Live> {
        match &mut self.work {
            Chosen::Filter(_) => None,
            Chosen::Pattern(pattern) => pattern.live.as_mut(),
        }
    }
}

impl Live {
    fn new(planned: &PlannedPattern) -> Self {
        let behind = planned.ports.iter().map(|_| (Holds::new(), Meet::new(2))).collect();
        Self { operator: planned.operator(), outbox: Outbox::new(planned.rank, planned.ports.clone()).within(planned.allowance()), behind }
    }

    fn save(&self, to: &mut StateWriter) {
        to.put(&self.behind);
        self.operator.save(to);
    }

    /// Its state as bytes.
    fn saved(&self) -> Vec<u8> {
        let mut to = StateWriter::default();
        self.save(&mut to);
        to.finish()
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let behind: Vec<(Holds, Meet)> = from.take()?;
        if behind.len() != self.behind.len() || behind.iter().any(|(_, meet)| meet.inputs() != 2) {
            return Err(StateError::new("promises of another number of ports"));
        }
        self.behind = behind;
        self.operator.load(from)
    }

    /// The rows that have been put out, where nobody reads what is promised; nothing where there are none.
    fn rows(&mut self, end: Place) -> Vec<Flow> {
        let ports = 0..self.outbox.ports();
        if ports.clone().all(|port| self.outbox.is_empty(port)) {
            for (port, (holds, _)) in self.behind.iter_mut().enumerate() {
                holds.note(&self.outbox.take_watermarks(port), end);
            }
            return Vec::new();
        }
        let Self { outbox, behind, .. } = self;
        let flow = |(port, (holds, _)): (usize, &mut (Holds, Meet))| {
            let (rows, said) = outbox.take(port);
            holds.note(&said, end);
            Flow { rows, promises: Vec::new() }
        };
        behind.iter_mut().enumerate().map(flow).collect()
    }

    /// What has been put out, with what is promised.
    fn flows(&mut self, end: Place) -> Vec<Flow> {
        let promises = [WatermarkStep { moment: Place::MIN, watermark: end }];
        let Self { outbox, behind, .. } = self;
        let flow = |(port, (holds, meet)): (usize, &mut (Holds, Meet))| {
            let (rows, said) = outbox.take(port);
            meet.promise(0, &promises);
            meet.promise(1, &holds.promises(&said, end, end));
            Flow { rows, promises: meet.advance() }
        };
        behind.iter_mut().enumerate().map(flow).collect()
    }
}

impl SharedInbox {
    fn new(edges: Vec<usize>) -> Self {
        let inbox = Inbox { inputs: Vec::new(), entries: Entries::default(), is_plain: false, watermark: Place::MIN, floor: Place::MIN };
        Self { edges, inbox, fits: Vec::new(), is_of_round: false }
    }
}

/// The rows of an inbox of one input as a batch.
fn chosen_rows(schema: &Arc<Schema>, inbox: &Inbox) -> Flow {
    let row_of = |entry: &Entry| match entry {
        Entry::Row { row, .. } => Some(*row),
        Entry::Watermark(_) => None,
    };
    let rows: Vec<u32> = inbox.entries.iter().filter_map(row_of).collect();
    let batch = &inbox.inputs[0];
    let rows = match rows.len() {
        0 => EventBatch::empty(schema.clone()),
        all if all == batch.len() => batch.clone(),
        _ => batch.gather(&rows),
    };
    Flow { rows, promises: Vec::new() }
}

/// Feeds in an order of their own.
fn order_of(feed: Feed) -> (u8, usize, usize) {
    match feed {
        Feed::Source(source) => (0, source, 0),
        Feed::Late(source) => (1, source, 0),
        Feed::Port { stage, port } => (2, stage, port),
    }
}
