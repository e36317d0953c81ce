//! Statements that have ended while others go on: because an operator of theirs panicked, because a bound of theirs was reached, or
//! because they read what such a statement makes.
//!
//! An ended statement gives nothing more from the round on in which it ended, and what it held is freed. All of its operators have ended then,
//! and so has every statement that reads it. An operator that many statements share ends all of them. Others cannot tell: nothing of theirs
//! stands behind such an operator.

use std::sync::Arc;

use super::fault::Panic;
use super::merge::Flow;
use super::pipeline::{Feed, Pipeline, Round, Stage, Work};
use crate::data::{EventBatch, Over, Schema, StateError, StateReader, StateWriter, Timestamp};

/// Why a statement has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// An operator of it panicked: a defect of betide, or of a function of the user's.
    Panic(Panic),
    /// An operator of it broke the law of calls: a defect of betide.
    Broken(String),
    /// A bound was reached whose policy is to end the statement: which.
    Full(String),
    /// It reads what the statement of this operator makes, which has ended.
    Reads(usize),
}

/// A statement that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The operator that ended it, or that reads what has ended: its index in the graph.
    pub operator: usize,
    /// Why.
    pub cause: Cause,
    /// How many events had come in.
    pub events: u64,
    /// The event times of the first and the last event of the round, where it had any.
    pub between: Option<(Timestamp, Timestamp)>,
}

crate::saved!(enum Cause { 0 => Panic(panic), 1 => Broken(what), 2 => Full(what), 3 => Reads(operator) });
crate::saved!(Ended { operator, cause, events, between });

/// When a round is: what is told of statements that end in it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct When {
    pub(super) events: u64,
    pub(super) between: Option<(Timestamp, Timestamp)>,
}

impl When {
    /// Of a round that gets these rows, after so many events.
    pub(super) fn of(events: u64, batches: &[EventBatch]) -> Self {
        let places = || batches.iter().map(EventBatch::places).filter(|places| !places.is_empty());
        let first = places().map(|places| places[0].time()).min();
        let last = places().map(|places| places[places.len() - 1].time()).max();
        Self { events, between: first.zip(last) }
    }
}

impl Stage {
    /// Whether its statement has ended.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.work, Work::Ended)
    }

    /// Whether it gives nothing any more, whatever comes.
    fn is_done(&self) -> bool {
        match &self.work {
            Work::Transform(transform, _) => transform.is_done(),
            Work::Operator(_) | Work::Union(..) | Work::View(_) | Work::Selective(_) | Work::Ended => false,
        }
    }

    /// Frees what it holds.
    fn end(&mut self) {
        self.work = Work::Ended;
    }

    /// What it gives from now on.
    fn nothing(&self) -> Vec<Flow> {
        let empty = |schema: &Arc<Schema>| EventBatch::empty(schema.clone());
        self.ports.iter().map(|schema| Flow { rows: empty(schema), promises: Vec::new() }).collect()
    }
}

impl Pipeline {
    /// Ends the statements of these operators, and all that read what they make.
    pub(super) fn end(&mut self, operators: &[usize], cause: &Cause, when: When) {
        for &operator in operators {
            if !self.stages[operator].has_ended() {
                self.end_one(operator, cause.clone(), when);
            }
        }
        self.end_readers(when);
    }

    /// Ends all that read what has ended.
    pub(super) fn end_readers(&mut self, when: When) {
        let reader = |pipeline: &Self| {
            let reads = |stage: &Stage| stage.feeds.iter().find_map(|feed| feed.stage().filter(|&fed| pipeline.stages[fed].has_ended()));
            let alive = pipeline.stages.iter().enumerate().filter(|(_, stage)| !stage.has_ended());
            alive.filter_map(|(index, stage)| reads(stage).map(|read| (index, read))).next()
        };
        while let Some((index, read)) = reader(self) {
            self.end_one(index, Cause::Reads(read), when);
        }
    }

    /// Ends all operators of a statement.
    fn end_one(&mut self, operator: usize, cause: Cause, When { events, between }: When) {
        let statement = self.stages[operator].statement;
        self.stages.iter_mut().filter(|stage| stage.statement == statement).for_each(Stage::end);
        self.ended.push(Ended { operator, cause, events, between });
    }

    /// What ended operators give: nothing, also in the round at hand.
    pub(super) fn silence(&self, round: &mut Round) {
        for (index, stage) in self.stages.iter().enumerate().filter(|(_, stage)| stage.has_ended()) {
            round.set(index, stage.nothing());
        }
    }

    /// The statements that have ended, in the order of their ends.
    pub(super) fn ended(&self) -> &[Ended] {
        &self.ended
    }

    /// The statement of an operator.
    pub(super) fn statement_of(&self, operator: usize) -> Option<usize> {
        self.stages.get(operator).map(|stage| stage.statement)
    }

    /// What `stats` calls an operator.
    pub(super) fn name_of(&self, operator: usize) -> &str {
        self.stages.get(operator).map_or("", |stage| &stage.name)
    }

    /// Whether nothing can come out any more, because all that made it has ended.
    pub(super) fn is_over(&self) -> bool {
        let is_dead = |feed: Feed| feed.stage().is_some_and(|stage| self.stages[stage].has_ended());
        !self.ended.is_empty() && self.views().next().is_none() && self.exits.iter().all(|exit| is_dead(exit.feed))
    }

    /// Whether all has come out that ever will: each output has reached its LIMIT, or its statement has ended.
    pub(super) fn is_done(&self) -> bool {
        let is_done = |feed: Feed| feed.stage().is_some_and(|stage| self.stages[stage].has_ended() || self.stages[stage].is_done());
        !self.exits.is_empty() && self.views().next().is_none() && self.exits.iter().all(|exit| is_done(exit.feed))
    }

    /// Writes which statements have ended.
    pub(super) fn save_ended(&self, to: &mut StateWriter) {
        to.put(&self.ended);
    }

    /// Takes it in, where operators have these numbers now. What is gone from the program is forgotten; what is new and reads it ends.
    pub(super) fn load_ended(&mut self, from: &mut StateReader<'_>, nodes: &[Option<usize>]) -> Result<(), StateError> {
        let ended: Vec<Ended> = from.take()?;
        self.end_again(ended, nodes)
    }

    /// Ends what has ended where operators had other numbers: `nodes` says which they have now.
    pub(super) fn end_again(&mut self, ended: Vec<Ended>, nodes: &[Option<usize>]) -> Result<(), StateError> {
        let now = |operator: usize| nodes.get(operator).copied().flatten();
        for Ended { operator, cause, events, between } in ended {
            let Some(operator) = now(operator) else { continue };
            let cause = match cause {
                Cause::Reads(read) => Cause::Reads(now(read).ok_or_else(|| StateError::new("a statement reads what is gone"))?),
                own => own,
            };
            if !self.stages[operator].has_ended() {
                self.end_one(operator, cause, When { events, between });
            }
        }
        self.end_readers(When::default());
        for (flows, stage) in self.flows.iter_mut().zip(&self.stages).filter(|(_, stage)| stage.has_ended()) {
            *flows = stage.nothing();
        }
        Ok(())
    }
}

impl From<Over> for Cause {
    fn from(over: Over) -> Self {
        Self::Full(over.to_string())
    }
}
