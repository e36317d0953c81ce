//! The live operators and how a round runs through them: released events in, rows of the program out.
//!
//! A round visits stages at most once, in topological order; each takes what its feeds carry in this round and leaves what its ports give.
//! Stages behind which nothing but the way out stands, and that are given their rows one by one (`selective`), are visited only where they
//! have rows or their time has come: nobody can tell, since without rows nothing comes out of them. All
//! rows whose moment lies before the round's watermark come out in that round and none later, so that putting the rows of a round in order
//! puts the rows of the run in order: by moment, then statement, then as the operator gave them.

use std::sync::Arc;

use super::departures::Departures;
use super::ended::{Cause, Ended, When};
use super::error::RunError;
use super::fault::{Panic, guarded};
use super::frontier::Promises;
use super::keeper::Keeper;
use super::keys::Passed;
use super::ledger::Ledger;
use super::limits::Limits;
use super::merge::{BrokenPromise, Flow, Merge, in_a_row};
use super::profile::Profile;
use super::selective::{Selective, Selector};
use super::view::View;
use super::visits::Visits;
use crate::data::{Allowance, EventBatch, Over, Place, Schema, StateError, StateReader, StateWriter, WatermarkStep};
use crate::operators::{DispatchSize, Held, NewestRows, Operator, Released, Transform};

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

impl Feed {
    /// The stage that it comes from.
    pub(super) fn stage(self) -> Option<usize> {
        match self {
            Self::Source(_) | Self::Late(_) => None,
            Self::Port { stage, .. } => Some(stage),
        }
    }
}

/// A live operator and what it reads.
#[derive(Debug)]
pub(super) struct Stage {
    /// What `stats` calls it.
    pub(super) name: String,
    /// Orders what operators derive at one place.
    pub(super) rank: u32,
    /// The statement that it belongs to.
    pub(super) statement: usize,
    /// Columns of each port.
    pub(super) ports: Vec<Arc<Schema>>,
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
    /// Gets only the rows that can matter to it.
    Selective(Box<Selective>),
    /// Nothing any more: its statement has ended.
    Ended,
}

/// A way out of the program.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exit {
    /// What leaves.
    pub(super) feed: Feed,
    /// Orders the rows of one moment.
    pub(super) statement: usize,
}

crate::saved!(Counts { rows_in, rows_out, eval_nulls });

/// The live program behind the event-time order.
#[derive(Debug)]
pub struct Pipeline {
    pub(super) stages: Vec<Stage>,
    pub(super) exits: Vec<Exit>,
    /// Statements that have ended.
    pub(super) ended: Vec<Ended>,
    visits: Visits,
    /// Finds the rows that matter, where there are many that ask.
    selector: Option<Selector>,
    /// What the stages give in a round; empty between rounds.
    pub(super) flows: Vec<Vec<Flow>>,
    max_waiting: usize,
    pub(super) ledger: Ledger,
    /// Up to where all views show what they have.
    shown: Place,
    /// What it costs where, if somebody asks.
    pub(super) profile: Option<Box<Profile>>,
}

/// What all feeds carry in one round.
pub(super) struct Round {
    sources: Vec<Flow>,
    /// Events of each source that nobody wants: they count as having come to whoever reads it.
    unwanted: Vec<u64>,
    late: Vec<Flow>,
    /// Of stages that have not been visited, nothing.
    stages: Vec<Vec<Flow>>,
    visited: Vec<usize>,
    /// Stages that have too many keys from some row on: their statements end behind the round.
    passed: Vec<(Passed, usize)>,
    when: When,
}

impl Pipeline {
    pub(super) fn new(stages: Vec<Stage>, exits: Vec<Exit>, selector: Option<Selector>, limits: &Limits) -> Self {
        let (max_waiting, ledger) = (limits.waiting_rows, Ledger::new(limits, stages.len()));
        let visits = Visits::new(&stages, &exits);
        let flows = stages.iter().map(|_| Vec::new()).collect();
        Self { stages, exits, ended: Vec::new(), visits, selector, flows, max_waiting, ledger, shown: Place::MIN, profile: None }
    }

    /// Runs what the event-time order has let go through all stages; so many events have come in by now.
    pub fn advance(&mut self, released: Released, events: u64) -> Result<Departures, RunError> {
        let when = When::of(events, &released.batches);
        let promises: Promises = vec![WatermarkStep { moment: Place::MIN, watermark: released.watermark }];
        let end = released.watermark;
        let flow = |rows| Flow { rows, promises: promises.clone() };
        let sources = released.batches.into_iter().map(flow).collect();
        let late = released.late.into_iter().map(flow).collect();
        let (stages, visited, passed) = (std::mem::take(&mut self.flows), Vec::new(), Vec::new());
        let mut round = Round { sources, unwanted: released.unwanted, late, stages, visited, passed, when };
        for at in 0..self.visits.front.len() {
            self.visit(self.visits.front[at], &mut round, end)?;
        }
        self.select(&mut round, end);
        for at in 0..self.visits.always.len() {
            self.visit(self.visits.always[at], &mut round, end)?;
        }
        for stage in self.selector.as_mut().map(|selector| selector.due(end)).unwrap_or_default() {
            self.visit_below(stage, &mut round, end)?;
        }
        self.show(end);
        self.profile.iter_mut().for_each(|profile| profile.look(self.stages.iter().map(|stage| stage.work.held())));
        let gone = self.depart(&round);
        self.end_passed(&mut round);
        let alive = round.visited.iter().filter(|&&stage| !self.stages[stage].has_ended());
        alive.for_each(|&stage| round.stages[stage].clear());
        self.flows = round.stages;
        Ok(gone)
    }

    /// Finds the rows for all stages that share one look at each event. Where that panics, all of their statements end.
    fn select(&mut self, round: &mut Round, end: Place) {
        let Some(selector) = &mut self.selector else { return };
        if let Err(payload) = Profile::of(&mut self.profile, None, || guarded(|| selector.select(round, end))) {
            self.selector = None;
            let sharing = |(index, stage): (usize, &Stage)| matches!(stage.work, Work::Selective(_)).then_some(index);
            let sharing: Vec<usize> = self.stages.iter().enumerate().filter_map(sharing).collect();
            self.end(&sharing, &Cause::Panic(Panic::of(&*payload)), round.when);
            self.silence(round);
        }
    }

    /// Visits a stage. What goes wrong in it ends its statement, and others go on.
    fn visit(&mut self, index: usize, round: &mut Round, end: Place) -> Result<(), RunError> {
        let stage = &mut self.stages[index];
        if stage.has_ended() {
            return Ok(());
        }
        let selector = self.selector.as_mut();
        let cause = match Profile::of(&mut self.profile, Some(index), || guarded(|| stage.run(round, end, selector))) {
            Ok(Ok((flows, passed))) => {
                if stage.work.waiting() > self.max_waiting {
                    let what = format!("rows that wait in front of operator {} ({})", index + 1, stage.name);
                    return Err(RunError::Full { what, limit: self.max_waiting });
                }
                round.visited.push(index);
                round.stages[index] = flows;
                if let Some(passed) = passed {
                    // What was certain before goes on in this round yet.
                    round.passed.push((passed, index));
                    return Ok(());
                }
                match self.ledger.look(index, &self.stages)? {
                    None => return Ok(()),
                    Some(over) => over.into(),
                }
            }
            Ok(Err(broken)) => Cause::Broken(format!("it was given a row behind what had been promised: {broken}")),
            Err(payload) => match payload.downcast::<Over>() {
                Ok(over) if over.is_of_run => return Err(self.ledger.full(&self.stages)),
                Ok(over) => (*over).into(),
                Err(payload) => Cause::Panic(Panic::of(&*payload)),
            },
        };
        self.end(&[index], &cause, round.when);
        self.silence(round);
        Ok(())
    }

    /// Ends the statements in which an operator has come to have too many keys.
    fn end_passed(&mut self, round: &mut Round) {
        if round.passed.is_empty() {
            return;
        }
        round.passed.sort_unstable();
        for (passed, index) in std::mem::take(&mut round.passed) {
            let time = passed.time();
            self.end(&[index], &passed.over().into(), When { between: Some((time, time)), ..round.when });
        }
        self.silence(round);
    }

    /// Visits a stage, and what stands between it and the way out where it has given rows.
    fn visit_below(&mut self, index: usize, round: &mut Round, end: Place) -> Result<(), RunError> {
        let mut open = vec![index];
        while let Some(index) = open.pop() {
            self.visit(index, round, end)?;
            let has_rows = round.stages[index].iter().any(|flow| !flow.rows.is_empty());
            if has_rows {
                open.extend(&self.visits.below[index]);
            }
        }
        Ok(())
    }

    /// The rank of each stage.
    pub(super) fn ranks(&self) -> Vec<u32> {
        self.stages.iter().map(|stage| stage.rank).collect()
    }

    /// The rows of the view that a stage keeps, if it does.
    pub(super) fn rows_of_view(&self, stage: usize) -> Option<NewestRows> {
        match &self.stages[stage].work {
            Work::View(view) => Some(view.all_rows()),
            Work::Transform(..) | Work::Operator(_) | Work::Union(..) | Work::Selective(_) | Work::Ended => None,
        }
    }

    /// What belongs to no stage is as in the pipeline whose place it takes, in which these stages were not.
    pub(super) fn follow(&mut self, before: &Self, new: &[usize]) {
        self.shown = before.shown;
        self.ledger.follow(&before.ledger);
        if let (Some(selector), Some(other)) = (&mut self.selector, &before.selector) {
            selector.follow(other);
        }
        for &stage in new {
            if let Work::View(view) = &mut self.stages[stage].work {
                view.join_late();
            }
        }
    }

    /// Takes over what a stage of another pipeline, which does the same, holds and has counted; says whether that could be done without
    /// writing it down.
    pub(super) fn take_over(&mut self, index: usize, before: &mut Self, of: usize) -> bool {
        let counts = before.counts_of(&before.stages[of]);
        let (stage, other) = (&mut self.stages[index], &mut before.stages[of]);
        match (&mut stage.work, &mut other.work) {
            (Work::Transform(own, _), Work::Transform(theirs, _)) => std::mem::swap(own, theirs),
            (Work::Operator(own), Work::Operator(theirs)) => std::mem::swap(own, theirs),
            (Work::Union(own, _), Work::Union(theirs, _)) => std::mem::swap(own, theirs),
            (Work::View(own), Work::View(theirs)) => std::mem::swap(own, theirs),
            (Work::Ended, Work::Ended) => {}
            (Work::Selective(own), Work::Selective(theirs)) => {
                if !self.selector.as_mut().is_some_and(|selector| own.take_over(selector, theirs)) {
                    return false;
                }
            }
            _ => return false,
        }
        stage.counts = counts;
        true
    }

    /// How many ways out there are.
    pub(super) fn exits(&self) -> usize {
        self.exits.len()
    }

    /// Lets all views show what has come to all of them.
    fn show(&mut self, end: Place) {
        self.shown = self.shown.max(self.views().map(View::watermark).fold(end, Place::min));
        for &stage in &self.visits.views {
            if let Work::View(view) = &mut self.stages[stage].work {
                view.show(self.shown);
            }
        }
    }

    /// The views, in the order of the graph.
    pub(super) fn views(&self) -> impl Iterator<Item = &View> {
        self.visits.views.iter().filter_map(|&stage| match &self.stages[stage].work {
            Work::View(view) => Some(&**view),
            Work::Transform(..) | Work::Operator(_) | Work::Union(..) | Work::Selective(_) | Work::Ended => None,
        })
    }

    /// The place as of which all views show their rows: every event before it counts, and none behind.
    pub(super) fn shown(&self) -> Place {
        self.shown
    }

    /// What the stages that share one look at each event have in common.
    pub(super) fn shared(&self) -> Option<DispatchSize> {
        self.selector.as_ref().map(Selector::size)
    }

    /// What each stage holds and has counted, and how many operators it consists of: name, counts, state, shards.
    pub(super) fn report(&self) -> impl Iterator<Item = (&str, Counts, Held, usize)> {
        let shards = |work: &Work| if let Work::Operator(keeper) = work { keeper.operator.shards() } else { 1 };
        self.stages.iter().map(move |stage| (stage.name.as_str(), self.counts_of(stage), stage.work.held(), shards(&stage.work)))
    }

    /// What a stage has counted, with what is counted for all selective stages at once.
    fn counts_of(&self, stage: &Stage) -> Counts {
        let mut counts = stage.counts;
        if let (Work::Selective(selective), Some(selector)) = (&stage.work, &self.selector) {
            selector.count(selective, &mut counts);
        }
        counts
    }

    /// Writes the state of a stage: what waits in front of it, what it holds, what it has promised and counted.
    pub(super) fn save_stage(&self, index: usize, to: &mut StateWriter) {
        let stage = &self.stages[index];
        to.put(&if to.range().has_unkeyed() { self.counts_of(stage) } else { Counts::default() });
        to.put(&stage.has_ended());
        match &stage.work {
            Work::Ended => {}
            Work::Transform(transform, _) => transform.save(to),
            Work::Operator(keeper) => keeper.save(to),
            Work::Union(merge, _) => merge.save(to),
            Work::View(view) => view.save(to),
            Work::Selective(selective) => self.selector.iter().for_each(|selector| selective.save(selector, to)),
        }
    }

    /// Takes it in.
    pub(super) fn load_stage(&mut self, index: usize, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let stage = &mut self.stages[index];
        stage.counts = from.take()?;
        // Which statements have ended was read before, and so had all of their operators.
        if from.take::<bool>()? != stage.has_ended() {
            return Err(StateError::new("an operator that has ended without its statement"));
        }
        match &mut stage.work {
            Work::Ended => Ok(()),
            Work::Transform(transform, _) => transform.load(from),
            Work::Operator(keeper) => keeper.load(from),
            Work::Union(merge, _) => merge.load(from),
            Work::View(view) => view.load(from),
            Work::Selective(selective) => match &mut self.selector {
                Some(selector) => selective.load(selector, from),
                None => Ok(()),
            },
        }
    }

    /// Takes in the state that a stage of the same kind has of other keys.
    pub(super) fn add_stage(&mut self, index: usize, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let stage = &mut self.stages[index];
        let Counts { rows_in, rows_out, eval_nulls } = from.take()?;
        stage.counts.rows_in += rows_in;
        stage.counts.rows_out += rows_out;
        stage.counts.eval_nulls += eval_nulls;
        if from.take::<bool>()? != stage.has_ended() {
            return Err(StateError::new("a statement that has ended in one part of the state, and not in another"));
        }
        match &mut stage.work {
            Work::Ended => Ok(()),
            Work::Transform(transform, _) => transform.load(from),
            Work::Operator(keeper) => keeper.add(from),
            Work::Union(merge, _) => merge.add(from),
            Work::View(view) => view.add(from),
            // Filters: patterns among them are refused before (`plan::statements_without_key`).
            Work::Selective(_) => Ok(()),
        }
    }

    /// How many rows wait in front of all stages.
    pub(super) fn waiting(&self) -> usize {
        self.stages.iter().map(|stage| stage.work.waiting()).sum()
    }

    /// Says up to where all views show what they have: as it was saved.
    pub(super) fn set_shown(&mut self, shown: Place) {
        self.shown = shown;
    }

    /// The rows that leave, by moment, then statement, then port; and of one port as they came out of it.
    fn depart(&self, round: &Round) -> Departures {
        let mut out = Departures::default();
        let mut leaving: Vec<&Exit> = Vec::new();
        let of_stages = round.visited.iter().flat_map(|&stage| &self.visits.exits_of[stage]);
        let mut numbers: Vec<usize> = self.visits.exits_of_sources.iter().chain(of_stages).copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            let exit = &self.exits[number];
            let Some(rows) = round.flow(exit.feed).map(|flow| &flow.rows).filter(|rows| !rows.is_empty()) else { continue };
            leaving.push(exit);
            out.batches.push((number, rows.clone()));
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
    /// What a feed carries; nothing where its stage has not been visited.
    pub(super) fn flow(&self, feed: Feed) -> Option<&Flow> {
        match feed {
            Feed::Source(index) => self.sources.get(index),
            Feed::Late(index) => self.late.get(index),
            Feed::Port { stage, port } => self.stages[stage].get(port),
        }
    }

    /// What a stage gives, in place of what it has given.
    pub(super) fn set(&mut self, stage: usize, flows: Vec<Flow>) {
        self.stages[stage] = flows;
    }

    /// How many events of a source were dropped because nobody wants them.
    pub(super) fn unwanted(&self, feed: Feed) -> u64 {
        match feed {
            Feed::Source(source) => self.unwanted.get(source).copied().unwrap_or_default(),
            Feed::Late(_) | Feed::Port { .. } => 0,
        }
    }

    /// What a feed carries whose stage is visited before.
    pub(super) fn flow_of_visited(&self, feed: Feed) -> &Flow {
        self.flow(feed).expect("a stage is visited behind those that it reads")
    }
}

impl Stage {
    /// What it gives in a round, and whether it has too many keys from some row on.
    fn run(&mut self, round: &Round, end: Place, selector: Option<&mut Selector>) -> Result<(Vec<Flow>, Option<Passed>), BrokenPromise> {
        if let (Work::Selective(selective), Some(selector)) = (&mut self.work, selector) {
            let (given, passed) = selective.run(selector, round, end);
            self.counts.eval_nulls += selective.take_nulls();
            self.counts.rows_out += given.iter().map(|f| f.rows.len() as u64).sum::<u64>();
            return Ok((given, passed));
        }
        let flows: Vec<&Flow> = self.feeds.iter().map(|&feed| round.flow_of_visited(feed)).collect();
        self.counts.rows_in += flows.iter().map(|f| f.rows.len() as u64).sum::<u64>();
        self.counts.rows_in += self.feeds.iter().map(|&feed| round.unwanted(feed)).sum::<u64>();
        let mut passed = None;
        let given = match &mut self.work {
            Work::Transform(transform, schema) => {
                let input = flows[0];
                flows[1..].iter().for_each(|flow| transform.look(&flow.rows));
                let rows = if input.rows.is_empty() { EventBatch::empty(schema.clone()) } else { transform.apply(&input.rows) };
                self.counts.eval_nulls += transform.take_nulls();
                vec![Flow { rows, promises: input.promises.clone() }]
            }
            Work::Operator(keeper) => {
                let (given, over) = keeper.run(&flows, end)?;
                passed = over;
                self.counts.eval_nulls += keeper.operator.take_nulls();
                given
            }
            Work::Union(merge, schema) => {
                let (inbox, promises) = merge.inbox(&flows)?;
                vec![Flow { rows: in_a_row(&inbox, schema), promises }]
            }
            Work::View(view) => vec![view.take_in(flows[0])?],
            Work::Selective(_) => unreachable!("a selective stage has a selector"),
            Work::Ended => unreachable!("a stage that has ended is not visited"),
        };
        self.counts.rows_out += given.iter().map(|f| f.rows.len() as u64).sum::<u64>();
        Ok((given, passed))
    }
}

impl Work {
    /// An operator with state, reading inputs of these schemas, of which one may lag, and giving ports of these.
    pub(super) fn operator(
        operator: Box<dyn Operator>,
        rank: u32,
        inputs: (Vec<Arc<Schema>>, Vec<usize>, bool),
        ports: Vec<Arc<Schema>>,
        allowance: Allowance,
    ) -> Self {
        Self::Operator(Box::new(Keeper::new(operator, rank, inputs, ports, allowance)))
    }

    /// A union of inputs with these schemas.
    pub(super) fn union(inputs: Vec<Arc<Schema>>, lags: bool, schema: Arc<Schema>) -> Self {
        Self::Union(Box::new(Merge::new(inputs, lags)), schema)
    }

    fn waiting(&self) -> usize {
        match self {
            Self::Transform(..) => 0,
            Self::Operator(keeper) => keeper.waiting(),
            Self::Union(merge, _) => merge.held(),
            Self::View(view) => view.waiting(),
            Self::Selective(_) | Self::Ended => 0,
        }
    }

    pub(super) fn held(&self) -> Held {
        let waiting = Held { rows: self.waiting(), ..Held::default() };
        match self {
            Self::Transform(..) | Self::Union(..) | Self::Ended => waiting,
            Self::View(view) => view.held(),
            Self::Selective(selective) => selective.held(),
            Self::Operator(keeper) => {
                let held = keeper.operator.held();
                Held { rows: held.rows + waiting.rows, ..held }
            }
        }
    }
}
