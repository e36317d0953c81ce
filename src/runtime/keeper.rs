//! An operator with state, the order in front of it and what it promises behind.

use std::sync::Arc;

use super::frontier::{Holds, Meet, Promises};
use super::keys::{self, Passed};
use super::merge::{BrokenPromise, Flow, Merge};
use crate::data::{Allowance, Inbox, Place, Schema, StateError, StateReader, StateWriter};
use crate::operators::{Operator, Outbox};

/// See the module.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) operator: Box<dyn Operator>,
    outbox: Outbox,
    merge: Merge,
    /// One a port.
    behind: Vec<(Holds, Meet)>,
}

impl Keeper {
    /// Of an operator of this rank, which reads inputs of these schemas from these edges, of which one may lag, and gives ports of these.
    pub(super) fn new(
        operator: Box<dyn Operator>,
        rank: u32,
        (inputs, edges, lags): (Vec<Arc<Schema>>, Vec<usize>, bool),
        ports: Vec<Arc<Schema>>,
        allowance: Allowance,
    ) -> Self {
        let behind = ports.iter().map(|_| (Holds::new(), Meet::new(2))).collect();
        let merge = Merge::new(inputs, lags).of_edges(edges).giving_plain(operator.takes_plain());
        Self { operator, outbox: Outbox::new(rank, ports).within(allowance), merge, behind }
    }

    /// Takes what its inputs carry in a round up to this moment, and gives what comes of it; up to the row at which it has too many keys.
    pub(super) fn run(&mut self, flows: &[&Flow], end: Place) -> Result<(Vec<Flow>, Option<Passed>), BrokenPromise> {
        let (inbox, promises) = self.merge.inbox(flows)?;
        Ok(self.advance(&inbox, promises, end))
    }

    fn advance(&mut self, inbox: &Inbox, mut promises: Promises, end: Place) -> (Vec<Flow>, Option<Passed>) {
        let passed = keys::advance(&mut *self.operator, inbox, None, &mut self.outbox);
        let (mut watermark, mut until) = (inbox.watermark, end);
        if let Some(passed) = passed {
            promises = passed.promises(&promises);
            (watermark, until) = (watermark.min(passed.place), end.min(passed.moment));
        }
        let mut flows = Vec::with_capacity(self.behind.len());
        for (port, (holds, meet)) in self.behind.iter_mut().enumerate() {
            let (rows, mut said) = self.outbox.take(port);
            said.retain(|step| passed.is_none_or(|passed| step.moment < passed.moment));
            meet.promise(0, &promises);
            meet.promise(1, &holds.promises(&said, watermark, until));
            let flow = Flow { rows, promises: meet.advance() };
            flows.push(match passed {
                Some(passed) => passed.rows(flow),
                None => flow,
            });
        }
        (flows, passed)
    }

    /// How many rows wait in front of it.
    pub(super) fn waiting(&self) -> usize {
        self.merge.held()
    }

    /// Writes what waits in front of it, what it has promised and what it holds.
    pub(super) fn save(&self, to: &mut StateWriter) {
        self.merge.save(to);
        to.put(&self.behind);
        self.operator.save(to);
    }

    /// Takes it in.
    pub(super) fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.merge.load(from)?;
        self.behind = self.promised(from)?;
        self.operator.load(from)
    }

    /// Takes in what one of the same kind has of other keys.
    pub(super) fn add(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        self.merge.add(from)?;
        let behind = self.promised(from)?;
        let both = std::mem::take(&mut self.behind).into_iter().zip(behind);
        self.behind = both.map(|((holds, meet), (other_holds, other))| (holds.and(other_holds), meet.and(other))).collect();
        self.operator.load(from)
    }

    fn promised(&self, from: &mut StateReader<'_>) -> Result<Vec<(Holds, Meet)>, StateError> {
        let behind: Vec<(Holds, Meet)> = from.take()?;
        if behind.len() != self.behind.len() || behind.iter().any(|(_, meet)| meet.inputs() != 2) {
            return Err(StateError::new("promises of another number of ports"));
        }
        Ok(behind)
    }

    #[cfg(test)]
    pub(super) fn replace_operator(&mut self, replace: impl FnOnce(Box<dyn Operator>) -> Box<dyn Operator>) {
        let nothing: Box<dyn Operator> = Box::new(crate::operators::Suppress::new(Vec::new(), crate::data::Duration(0)));
        self.operator = replace(std::mem::replace(&mut self.operator, nothing));
    }
}
