//! An operator as several of the same kind, each with the keys whose hash falls to it, on as many threads; to all others it is one operator.
//!
//! Rows are dealt out by key ([`cut`]), the shards work at the same time ([`pool`]), and what they give is put together in the order in which
//! one operator gives it ([`gather`]). Where only few rows have come, the shards work one after the other on the caller's thread. State is
//! written as one operator writes it, and so may be taken up by any number of shards. `plan::cut_of` says which operators can be cut.
//!
//! A shard that panics ends what the operator does, as if it had happened here: of several the first is told. Where a bound is reached at a
//! row, that of all shards which is first counts, and what they had given before it stays.

mod cut;
mod gather;
mod pool;

use std::any::Any;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;

use self::cut::Cutter;
pub(super) use self::cut::Share;
use self::gather::{Given, gather};
pub(super) use self::pool::Pool;
use super::fault::{Panic, guarded};
use super::keys::Passed;
use crate::data::{Allowance, EventBatch, Inbox, KeyRange, Over, Place, Schema, StateError, StateReader, StateWriter};
use crate::operators::{Held, Operator, Outbox, Plain, StepTaken};
use crate::plan;

/// What shards are made with.
#[derive(Debug, Clone)]
pub(super) struct Workers {
    pub(super) pool: Arc<Pool>,
    /// Fewer rows than these are not handed over.
    pub(super) hand_over_from: usize,
}

/// Makes one of the operators, which has seen nothing.
pub(super) type Make = Box<dyn Fn() -> Box<dyn Operator> + Send>;

/// See the module.
pub(super) struct Sharded {
    make: Make,
    cutter: Cutter,
    shards: Vec<Shard>,
    workers: Workers,
}

#[derive(Debug)]
struct Shard {
    operator: Box<dyn Operator>,
    outbox: Outbox,
}

/// What a shard has to do, and what came of it.
struct Task {
    shard: Shard,
    share: Share,
    inputs: Arc<[EventBatch]>,
    is_plain: bool,
    watermark: Place,
    floor: Place,
    failed: Option<Box<dyn Any + Send>>,
}

impl Task {
    fn run(&mut self) {
        let Self { shard, share, inputs, .. } = self;
        let (is_plain, watermark, floor) = (self.is_plain, self.watermark, self.floor);
        let work = || {
            if share.is_empty() && shard.operator.wakes_at() >= watermark && watermark != Place::MAX {
                return;
            }
            let inbox = share.inbox(inputs, is_plain, watermark, floor);
            shard.operator.advance(&inbox, &mut shard.outbox);
        };
        // What a panic says of its place is known to the thread that it happened on.
        self.failed = guarded(work).err().map(|payload| match payload.downcast::<Over>() {
            Ok(over) => over as Box<dyn Any + Send>,
            Err(payload) => Box::new(Panic::of(&*payload)),
        });
    }
}

impl Sharded {
    /// As many shards as there are threads, of operators that `make` makes, with this rank, ports and allowance.
    pub(super) fn new(make: Make, cut: plan::Cut, (rank, ports): (u32, &[Arc<Schema>]), allowance: Allowance, workers: Workers) -> Self {
        let outbox = || Outbox::new(rank, ports.to_vec()).within(allowance).noting_turns();
        let shards: Vec<Shard> = (0..workers.pool.threads()).map(|_| Shard { operator: make(), outbox: outbox() }).collect();
        Self { make, cutter: Cutter::new(cut, shards.len()), shards, workers }
    }

    /// One operator with the state of all shards.
    fn whole(&self) -> Result<Box<dyn Operator>, StateError> {
        let mut whole = (self.make)();
        for shard in &self.shards {
            let mut part = StateWriter::default();
            shard.operator.save(&mut part);
            let part = part.finish();
            let mut from = StateReader::new(&part);
            whole.load(&mut from).and_then(|()| from.end())?;
        }
        Ok(whole)
    }
}

impl Operator for Sharded {
    fn advance(&mut self, inbox: &Inbox, out: &mut Outbox) {
        let held: Vec<Place> = self.shards.iter().map(|shard| shard.operator.held_from()).collect();
        let shares = self.cutter.cut(inbox);
        let inputs: Arc<[EventBatch]> = inbox.inputs.as_slice().into();
        let rows: usize = inputs.iter().map(EventBatch::len).sum();
        let task = |(shard, share): (Shard, Share)| Task {
            shard,
            share,
            inputs: inputs.clone(),
            is_plain: inbox.is_plain,
            watermark: inbox.watermark,
            floor: inbox.floor,
            failed: None,
        };
        let mut tasks: Vec<Task> = self.shards.drain(..).zip(shares).map(task).collect();
        if rows > 0 && rows >= self.workers.hand_over_from {
            tasks = self.workers.pool.each(tasks, Task::run);
        } else {
            tasks.iter_mut().for_each(Task::run);
        }
        let failed: Vec<_> = tasks.iter_mut().map(|task| task.failed.take()).collect();
        self.shards = tasks.into_iter().map(|task| task.shard).collect();
        // The first row of all at which a bound was passed; whatever else unwound a shard ends all.
        let mut first = None;
        for (shard, payload) in self.shards.iter_mut().zip(failed) {
            let Some(payload) = payload else { continue };
            let passed = Passed::of(&*payload, &mut shard.outbox).unwrap_or_else(|| resume_unwind(payload));
            first = Passed::first(first, passed);
        }
        let until = first;
        for port in 0..out.ports() {
            let given = self.shards.iter_mut().zip(&held).map(|(shard, &held_from)| {
                let turns = shard.outbox.take_turns(port);
                let (rows, steps) = shard.outbox.take(port);
                let given = Given { rows, turns, steps, held_from };
                if let Some(passed) = until { given.before(passed.moment) } else { given }
            });
            let given: Vec<Given> = given.collect();
            // Each shard may have as many rows of one moment as there may be, and all together too many.
            if let Err(payload) = guarded(|| gather(&given, port, out)) {
                first = Passed::first(first, Passed::of(&*payload, out).unwrap_or_else(|| resume_unwind(payload)));
            }
        }
        if let Some(passed) = first {
            out.come_to(passed.place, passed.moment);
            passed.over().end();
        }
    }

    fn wakes_at(&self) -> Place {
        self.shards.iter().map(|shard| shard.operator.wakes_at()).min().unwrap_or(Place::MAX)
    }

    fn takes_plain(&self) -> Plain {
        self.shards.iter().map(|shard| shard.operator.takes_plain()).min().unwrap_or(Plain::Never)
    }

    fn keys(&self) -> usize {
        self.shards.iter().map(|shard| shard.operator.keys()).sum()
    }

    fn forget_idle(&mut self, at: Place) {
        self.shards.iter_mut().for_each(|shard| shard.operator.forget_idle(at));
    }

    fn held(&self) -> Held {
        self.shards.iter().map(|shard| shard.operator.held()).fold(Held::default(), |all, held| Held {
            keys: all.keys + held.keys,
            rows: all.rows + held.rows,
            bytes: all.bytes + held.bytes,
            dropped: all.dropped + held.dropped,
        })
    }

    fn shards(&self) -> usize {
        self.shards.len()
    }

    fn steps_taken(&self) -> Vec<StepTaken> {
        let mut all = self.shards.iter().map(|shard| shard.operator.steps_taken());
        let first = all.next().unwrap_or_default();
        all.fold(first, |mut sum, taken| {
            for (sum, step) in sum.iter_mut().zip(taken) {
                sum.taken += step.taken;
                sum.reached += step.reached;
            }
            sum
        })
    }

    fn lags(&self) -> bool {
        self.shards.iter().any(|shard| shard.operator.lags())
    }

    fn held_from(&self) -> Place {
        self.shards.iter().map(|shard| shard.operator.held_from()).min().unwrap_or(Place::MAX)
    }

    fn take_nulls(&mut self) -> u64 {
        self.shards.iter_mut().map(|shard| shard.operator.take_nulls()).sum()
    }

    fn save(&self, to: &mut StateWriter) {
        self.whole().expect("what a shard has written, an operator of its kind reads").save(to);
    }

    fn load(&mut self, from: &mut StateReader<'_>) -> Result<(), StateError> {
        let mut whole = (self.make)();
        whole.load(from)?;
        let of = self.shards.len() as u64;
        for (shard, number) in self.shards.iter_mut().zip(0..) {
            let mut part = StateWriter::new(KeyRange::part(number, of));
            whole.save(&mut part);
            let part = part.finish();
            let mut from = StateReader::new(&part);
            shard.operator.load(&mut from).and_then(|()| from.end())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Sharded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sharded").field("cutter", &self.cutter).field("shards", &self.shards).finish_non_exhaustive()
    }
}
