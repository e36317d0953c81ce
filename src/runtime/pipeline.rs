//! The live operators and how a round runs through them: released events in, rows of the program out.
//!
//! A round visits the stages once, in topological order; each takes what its feeds carry in this round and leaves what its ports give. All
//! rows whose moment lies before the round's watermark come out in that round and none later, so that putting the rows of a round in order
//! puts the rows of the run in order: by moment, then statement, then as the operator gave them.

use std::sync::Arc;

use super::error::RunError;
use super::frontier::{Holds, Meet, Promises};
use super::merge::{Flow, Merge};
use super::view::View;
use crate::data::{Column, Entry, EventBatch, Inbox, Place, Schema, StateError, StateReader, StateWriter, WatermarkStep};
use crate::operators::{Held, Operator, Outbox, Released, Transform};

/// Where a stage's rows come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feed {
    /// A source's events.
    Source(usize),
    /// A source's late events.
    Late(usize),
    /// A port of an earlier stage.
    Port {
        /// Which stage.
        stage: usize,
        /// Which of its ports.
        port: usize,
    },
}

/// A live operator and what it reads.
#[derive(Debug)]
pub(super) struct Stage {
    /// What `stats` calls it.
    pub(super) name: String,
    /// What it reads.
    pub(super) feeds: Vec<Feed>,
    /// What it does.
    pub(super) work: Work,
    /// What it has counted so far.
    pub(super) counts: Counts,
}

/// What a stage has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Rows that came to it.
    pub rows_in: u64,
    /// Rows that it gave.
    pub rows_out: u64,
    /// NULLs that its expressions had to make up.
    pub eval_nulls: u64,
}

/// What a stage does.
#[derive(Debug)]
pub(super) enum Work {
    /// Each batch gives a batch.
    Transform(Box<dyn Transform>, Arc<Schema>),
    /// An operator with state.
    Operator(Box<Keeper>),
    /// All rows, in order.
    Union(Box<Merge>, Arc<Schema>),
    /// Keeps rows to be asked for, and passes them on.
    View(Box<View>),
}

/// An operator with state, the order in front of it and what it promises behind.
#[derive(Debug)]
pub(super) struct Keeper {
    operator: Box<dyn Operator>,
    outbox: Outbox,
    merge: Merge,
    /// One a port.
    behind: Vec<(Holds, Meet)>,
}

/// A way out of the program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exit {
    /// What leaves.
    pub(super) feed: Feed,
    /// Orders the rows of one moment.
    pub(super) statement: usize,
}

/// Rows that leave, in order.
#[derive(Debug, Clone, Default)]
pub struct Departures {
    /// Batches with the number of their output.
    pub batches: Vec<(usize, EventBatch)>,
    /// The rows in order: index in `batches`, row. A single batch is in order by itself, and none is written down for it.
    order: Vec<(u32, u32)>,
}

crate::saved!(Counts { rows_in, rows_out, eval_nulls });

impl Departures {
    /// Writes them, each batch with the number of its output.
    pub(super) fn save(&self, to: &mut StateWriter) {
        to.number(self.batches.len() as u64);
        for (output, rows) in &self.batches {
            to.put(output);
            let mut batch = StateWriter::default();
            batch.batch(rows);
            to.blob(&batch.finish());
        }
        to.put(&self.order);
    }

    /// Reads them: `output` says the number of an output now and its columns, where it is still there. Rows of others are gone.
    pub(super) fn load(from: &mut StateReader<'_>, output: impl Fn(usize) -> Option<(usize, Arc<Schema>)>) -> Result<Self, StateError> {
        let mut batches: Vec<(usize, EventBatch)> = Vec::new();
        let mut kept: Vec<Option<u32>> = Vec::new();
        for _ in 0..from.length()? {
            let now = output(from.take()?);
            let mut rows = from.part()?;
            kept.push(now.as_ref().and_then(|_| u32::try_from(batches.len()).ok()));
            if let Some((number, schema)) = now {
                batches.push((number, rows.batch(&schema)?));
                rows.end()?;
            }
        }
        let order: Vec<(u32, u32)> = from.take()?;
        let kept = |(batch, row): (u32, u32)| Some((kept.get(batch as usize).copied().flatten()?, row));
        let order: Vec<(u32, u32)> = order.into_iter().filter_map(kept).collect();
        let is_there = |&(batch, row): &(u32, u32)| (row as usize) < batches[batch as usize].1.len();
        if !order.iter().all(is_there) {
            return Err(StateError::new("the order of rows that are not there"));
        }
        // A single batch has no order of its own.
        let order = if batches.len() < 2 { Vec::new() } else { order };
        Ok(Self { batches, order })
    }

    /// The rows in order: index in `batches`, row.
    pub fn order(&self) -> impl Iterator<Item = (usize, usize)> {
        let alone = match self.batches.as_slice() {
            [(_, rows)] => rows.len(),
            _ => 0,
        };
        (0..alone).map(|row| (0, row)).chain(self.order.iter().map(|&(batch, row)| (batch as usize, row as usize)))
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.batches.iter().map(|(_, rows)| rows.len()).sum()
    }

    /// Whether no row leaves.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}

/// The live program behind the event-time order.
#[derive(Debug)]
pub struct Pipeline {
    stages: Vec<Stage>,
    exits: Vec<Exit>,
    max_waiting: usize,
    /// Up to where all views show what they have.
    shown: Place,
}

/// What all feeds carry in one round.
struct Round {
    sources: Vec<Flow>,
    /// Events of each source that nobody wants: they count as having come to whoever reads it.
    unwanted: Vec<u64>,
    late: Vec<Flow>,
    stages: Vec<Vec<Flow>>,
}

impl Pipeline {
    pub(super) fn new(stages: Vec<Stage>, exits: Vec<Exit>, max_waiting: usize) -> Self {
        Self { stages, exits, max_waiting, shown: Place::MIN }
    }

    /// Runs what the event-time order has let go through all stages.
    pub fn advance(&mut self, released: Released) -> Result<Departures, RunError> {
        let promises: Promises = vec![WatermarkStep { moment: Place::MIN, watermark: released.watermark }];
        let end = released.watermark;
        let flow = |rows| Flow { rows, promises: promises.clone() };
        let sources = released.batches.into_iter().map(flow).collect();
        let late = released.late.into_iter().map(flow).collect();
        let mut round = Round { sources, unwanted: released.unwanted, late, stages: Vec::with_capacity(self.stages.len()) };
        for (index, stage) in self.stages.iter_mut().enumerate() {
            let flows = stage.run(&round, end).map_err(|broken| {
                RunError::Bug(format!("operator {} ({}) was given a row behind what had been promised: {broken}", index + 1, stage.name))
            })?;
            if stage.work.waiting() > self.max_waiting {
                let what = format!("rows that wait in front of operator {} ({})", index + 1, stage.name);
                return Err(RunError::Full { what, limit: self.max_waiting });
            }
            round.stages.push(flows);
        }
        self.show(end);
        Ok(self.depart(&round))
    }

    /// How many ways out there are.
    pub(super) fn exits(&self) -> usize {
        self.exits.len()
    }

    /// Lets all views show what has come to all of them.
    fn show(&mut self, end: Place) {
        self.shown = self.views().map(View::watermark).fold(end, Place::min);
        for stage in &mut self.stages {
            if let Work::View(view) = &mut stage.work {
                view.show(self.shown);
            }
        }
    }

    /// The views, in the order of the graph.
    pub(super) fn views(&self) -> impl Iterator<Item = &View> {
        self.stages.iter().filter_map(|stage| match &stage.work {
            Work::View(view) => Some(&**view),
            Work::Transform(..) | Work::Operator(_) | Work::Union(..) => None,
        })
    }

    /// The place as of which all views show their rows: every event before it counts, and none behind.
    pub(super) fn shown(&self) -> Place {
        self.shown
    }

    /// What each stage holds and has counted: name, counts, state.
    pub(super) fn report(&self) -> impl Iterator<Item = (&str, Counts, Held)> {
        self.stages.iter().map(|s| (s.name.as_str(), s.counts, s.work.held()))
    }

    /// Writes the state of a stage: what waits in front of it, what it holds, what it has promised and counted.
    pub(super) fn save_stage(&self, index: usize, to: &mut StateWriter) {
        let stage = &self.stages[index];
        to.put(&stage.counts);
        match &stage.work {
            Work::Transform(transform, _) => transform.save(to),
            Work::Operator(keeper) => {
                keeper.merge.save(to);
                to.put(&keeper.behind);
                keeper.operator.save(to);
            }
            Work::Union(merge, _) => merge.save(to),
            Work::View(view) => view.save(to),
        }
    }

    /// Takes it in.
    pub(super) fn load_stage(&mut self, index: usize, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let stage = &mut self.stages[index];
        stage.counts = from.take()?;
        match &mut stage.work {
            Work::Transform(transform, _) => transform.load(from),
            Work::Operator(keeper) => {
                keeper.merge.load(from)?;
                let behind: Vec<(Holds, Meet)> = from.take()?;
                if behind.len() != keeper.behind.len() || behind.iter().any(|(_, meet)| meet.inputs() != 2) {
                    return Err(StateError::new("promises of another number of ports"));
                }
                keeper.behind = behind;
                keeper.operator.load(from)
            }
            Work::Union(merge, _) => merge.load(from),
            Work::View(view) => view.load(from),
        }
    }

    /// Says up to where all views show what they have: as it was saved.
    pub(super) fn set_shown(&mut self, shown: Place) {
        self.shown = shown;
    }

    /// The rows that leave, by moment, then statement, then port; and of one port as they came out of it.
    fn depart(&self, round: &Round) -> Departures {
        let mut out = Departures::default();
        let mut leaving: Vec<&Exit> = Vec::new();
        for (number, exit) in self.exits.iter().enumerate() {
            let rows = &round.flow(exit.feed).rows;
            if !rows.is_empty() {
                leaving.push(exit);
                out.batches.push((number, rows.clone()));
            }
        }
        debug_assert!(out.batches.iter().all(|(_, rows)| rows.moments().is_sorted()), "moments never go back");
        if out.batches.len() < 2 {
            return out;
        }
        let mut keyed: Vec<(Place, usize, bool, u32, u32)> = Vec::new();
        for ((exit, (_, rows)), batch) in leaving.iter().zip(&out.batches).zip(0u32..) {
            let is_second_port = matches!(exit.feed, Feed::Port { port: 1.., .. });
            let moments = rows.moments().iter().zip(0u32..);
            keyed.extend(moments.map(|(&moment, row)| (moment, exit.statement, is_second_port, batch, row)));
        }
        keyed.sort_unstable();
        out.order = keyed.into_iter().map(|(_, _, _, batch, row)| (batch, row)).collect();
        out
    }
}

impl Round {
    fn flow(&self, feed: Feed) -> &Flow {
        match feed {
            Feed::Source(index) => &self.sources[index],
            Feed::Late(index) => &self.late[index],
            Feed::Port { stage, port } => &self.stages[stage][port],
        }
    }
}

impl Stage {
    fn run(&mut self, round: &Round, end: Place) -> Result<Vec<Flow>, super::merge::BrokenPromise> {
        let flows: Vec<&Flow> = self.feeds.iter().map(|&feed| round.flow(feed)).collect();
        self.counts.rows_in += flows.iter().map(|f| f.rows.len() as u64).sum::<u64>();
        self.counts.rows_in += self.feeds.iter().map(|feed| if let Feed::Source(of) = feed { round.unwanted[*of] } else { 0 }).sum::<u64>();
        let given = match &mut self.work {
            Work::Transform(transform, schema) => {
                let input = flows[0];
                let rows = if input.rows.is_empty() { EventBatch::empty(schema.clone()) } else { transform.apply(&input.rows) };
                self.counts.eval_nulls += transform.take_nulls();
                vec![Flow { rows, promises: input.promises.clone() }]
            }
            Work::Operator(keeper) => {
                let (inbox, promises) = keeper.merge.inbox(&flows)?;
                let given = keeper.advance(&inbox, &promises, end);
                self.counts.eval_nulls += keeper.operator.take_nulls();
                given
            }
            Work::Union(merge, schema) => {
                let (inbox, promises) = merge.inbox(&flows)?;
                vec![Flow { rows: in_a_row(&inbox, schema), promises }]
            }
            Work::View(view) => vec![view.take_in(flows[0])?],
        };
        self.counts.rows_out += given.iter().map(|f| f.rows.len() as u64).sum::<u64>();
        Ok(given)
    }
}

impl Work {
    /// An operator with state, reading inputs of these schemas, of which one may lag, and giving ports of these.
    pub(super) fn operator(operator: Box<dyn Operator>, rank: u32, inputs: Vec<Arc<Schema>>, lags: bool, ports: Vec<Arc<Schema>>) -> Self {
        let behind = ports.iter().map(|_| (Holds::new(), Meet::new(2))).collect();
        let merge = Merge::new(inputs, lags).giving_plain(operator.takes_plain());
        Self::Operator(Box::new(Keeper { operator, outbox: Outbox::new(rank, ports), merge, behind }))
    }

    /// A union of inputs with these schemas.
    pub(super) fn union(inputs: Vec<Arc<Schema>>, lags: bool, schema: Arc<Schema>) -> Self {
        Self::Union(Box::new(Merge::new(inputs, lags)), schema)
    }

    fn waiting(&self) -> usize {
        match self {
            Self::Transform(..) => 0,
            Self::Operator(keeper) => keeper.merge.held(),
            Self::Union(merge, _) => merge.held(),
            Self::View(view) => view.waiting(),
        }
    }

    fn held(&self) -> Held {
        let waiting = Held { rows: self.waiting(), ..Held::default() };
        match self {
            Self::Transform(..) | Self::Union(..) => waiting,
            Self::View(view) => view.held(),
            Self::Operator(keeper) => {
                let held = keeper.operator.held();
                Held { rows: held.rows + waiting.rows, ..held }
            }
        }
    }
}

impl Keeper {
    fn advance(&mut self, inbox: &Inbox, promises: &Promises, end: Place) -> Vec<Flow> {
        self.operator.advance(inbox, &mut self.outbox);
        let mut flows = Vec::with_capacity(self.behind.len());
        for (port, (holds, meet)) in self.behind.iter_mut().enumerate() {
            let (rows, said) = self.outbox.take(port);
            meet.promise(0, promises);
            meet.promise(1, &holds.promises(&said, inbox.watermark, end));
            flows.push(Flow { rows, promises: meet.advance() });
        }
        flows
    }
}

/// The rows of all inputs as one batch, in the order of the entries.
fn in_a_row(inbox: &Inbox, schema: &Arc<Schema>) -> EventBatch {
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
