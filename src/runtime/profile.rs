//! What a run costs where: the time that each operator takes, and the most that it was seen to hold. In a usual run nobody asks.
//!
//! Time is that of the arrival clock around the work of a stage; stages run one after the other on one thread. What is held is looked at
//! behind each round, so a peak inside of a round is not seen.

use std::sync::Arc;

use super::clock::Clock;
use crate::operators::Held;

/// What operators have cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profiled {
    /// Each operator, in the order of the graph.
    pub operators: Vec<Cost>,
    /// Nanoseconds spent on the look at events that operators share.
    pub shared_nanos: u64,
}

/// What one operator has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Nanoseconds.
    pub nanos: u64,
    /// The most that it was seen to hold, each part by itself.
    pub most: Held,
}

/// Measures.
#[derive(Debug)]
pub(super) struct Profile {
    clock: Arc<dyn Clock>,
    so_far: Profiled,
}

impl Profile {
    /// Of so many stages.
    pub(super) fn new(clock: Arc<dyn Clock>, stages: usize) -> Self {
        Self { clock, so_far: Profiled { operators: vec![Cost::default(); stages], shared_nanos: 0 } }
    }

    /// Does the work of a stage, or of what many share, and measures it if somebody asks.
    #[inline]
    pub(super) fn of<T>(profile: &mut Option<Box<Self>>, stage: Option<usize>, work: impl FnOnce() -> T) -> T {
        let Some(profile) = profile else { return work() };
        let begun = profile.clock.now();
        let done = work();
        let nanos = u64::try_from(profile.clock.now().since(begun).0).unwrap_or(0);
        let to = match stage {
            Some(stage) => &mut profile.so_far.operators[stage].nanos,
            None => &mut profile.so_far.shared_nanos,
        };
        *to += nanos;
        done
    }

    /// Looks at what the stages hold.
    pub(super) fn look(&mut self, held: impl Iterator<Item = Held>) {
        for (cost, now) in self.so_far.operators.iter_mut().zip(held) {
            let most = &mut cost.most;
            most.keys = most.keys.max(now.keys);
            most.rows = most.rows.max(now.rows);
            most.bytes = most.bytes.max(now.bytes);
            most.dropped = most.dropped.max(now.dropped);
        }
    }

    /// What was measured.
    pub(super) fn so_far(&self) -> &Profiled {
        &self.so_far
    }
}
