//! How far rows are known to be complete, and since when: the watermark as a function of moments.
//!
//! A *promise* `(moment, watermark)` of an edge says: every row of the edge that stands before `watermark` was out at `moment`. Along one
//! edge both never decrease. From promises alone, and never from where a round of work happened to end, follows the moment at which a row
//! that waits for another input is let go. That is what makes results independent of how events were cut into batches:
//!
//! - an edge without lag promises `(Place::MIN, w)`: its rows were certain where they stand, so nothing ever waits for it;
//! - an operator that holds rows back says when the least held place changes ([`Holds`] turns that into promises, with the hindsight that
//!   what was not held at a moment cannot appear later but from new input);
//! - what depends on several edges is promised when the last of them promises it ([`Meet`]).

use std::collections::VecDeque;

use crate::data::{Place, WatermarkStep};

/// The promises of an edge in one round: both parts never decrease.
pub(super) type Promises = Vec<WatermarkStep>;

/// The least of several edges' promises.
#[derive(Debug)]
pub(super) struct Meet {
    inputs: Vec<VecDeque<WatermarkStep>>,
    /// What has been promised by all.
    reached: Place,
}

impl Meet {
    /// Of so many edges.
    pub(super) fn new(inputs: usize) -> Self {
        Self { inputs: vec![VecDeque::new(); inputs], reached: Place::MIN }
    }

    /// Of how many edges.
    pub(super) fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// What both promise: of each edge the least of what was promised, at the latest moment.
    pub(super) fn and(self, other: Self) -> Self {
        let last = |meet: &Self, input: usize| {
            let nothing = WatermarkStep { moment: Place::MIN, watermark: meet.reached };
            meet.inputs[input].back().copied().unwrap_or(nothing)
        };
        let reached = self.reached.min(other.reached);
        let both = |input: usize| {
            let (a, b) = (last(&self, input), last(&other, input));
            let step = WatermarkStep { moment: a.moment.max(b.moment), watermark: a.watermark.min(b.watermark) };
            VecDeque::from_iter((step.watermark > reached).then_some(step))
        };
        Self { inputs: (0..self.inputs.len()).map(both).collect(), reached }
    }

    /// Takes promises of one edge.
    pub(super) fn promise(&mut self, input: usize, promises: &[WatermarkStep]) {
        let known = &mut self.inputs[input];
        for &step in promises {
            if step.watermark <= self.reached {
                continue;
            }
            match known.back_mut() {
                Some(last) if step.watermark <= last.watermark => {}
                Some(last) if step.moment <= last.moment => last.watermark = step.watermark,
                _ => known.push_back(step),
            }
        }
    }

    /// What all of them promise now beyond what they did at the last call, in steps.
    pub(super) fn advance(&mut self) -> Promises {
        let mut steps: Promises = Vec::new();
        while let Some((moment, watermark)) = self.next_step() {
            self.reached = watermark;
            match steps.last_mut() {
                Some(last) if last.moment == moment => last.watermark = watermark,
                _ => steps.push(WatermarkStep { moment, watermark }),
            }
        }
        steps
    }

    /// Up to where all of them have promised.
    pub(super) fn reached(&self) -> Place {
        self.reached
    }

    fn next_step(&mut self) -> Option<(Place, Place)> {
        let mut moment = Place::MIN;
        let mut watermark = Place::MAX;
        for known in &mut self.inputs {
            while known.front().is_some_and(|step| step.watermark <= self.reached) {
                known.pop_front();
            }
            let step = known.front()?;
            moment = moment.max(step.moment);
            watermark = watermark.min(step.watermark);
        }
        (watermark > self.reached).then_some((moment, watermark))
    }
}

/// What one port of an operator holds back, as promises.
#[derive(Debug)]
pub(super) struct Holds {
    /// The last thing that was said: since when, and the least place that is held.
    last: WatermarkStep,
}

impl Holds {
    /// Nothing is held yet.
    pub(super) fn new() -> Self {
        Self { last: WatermarkStep { moment: Place::MIN, watermark: Place::MAX } }
    }

    /// What both hold back, at the latest moment.
    pub(super) fn and(self, other: Self) -> Self {
        let (a, b) = (self.last, other.last);
        Self { last: WatermarkStep { moment: a.moment.max(b.moment), watermark: a.watermark.min(b.watermark) } }
    }

    /// The same as `promises`, where nobody reads what is promised.
    pub(super) fn note(&mut self, said: &[WatermarkStep], end: Place) {
        for &step in said {
            let before = self.last.moment;
            let moment = if step.moment >= end { before } else { step.moment.max(before) };
            self.last = WatermarkStep { moment, watermark: step.watermark };
        }
    }

    /// What the operator said in a round that went up to the moment `end`, with an inbox of this watermark. Rows that the port may still put
    /// out stand at or behind the watermark or what it holds.
    pub(super) fn promises(&mut self, said: &[WatermarkStep], inbox_watermark: Place, end: Place) -> Promises {
        let mut steps = vec![self.last];
        for &step in said {
            let before = steps[steps.len() - 1].moment;
            // Nothing of the round was certain as late as its end: what is said there is said of the moment before.
            let moment = if step.moment >= end { before } else { step.moment.max(before) };
            steps.push(WatermarkStep { moment, watermark: step.watermark });
        }
        self.last = steps[steps.len() - 1];
        let mut least = inbox_watermark;
        for step in steps.iter_mut().rev() {
            least = least.min(step.watermark);
            step.watermark = least;
        }
        steps
    }
}

crate::saved!(Meet { inputs, reached });
crate::saved!(Holds { last });

#[cfg(test)]
mod tests {
    use super::{Holds, Meet};
    use crate::data::{Place, Timestamp, WatermarkStep};

    fn at(time: i64) -> Place {
        Place::start_of(Timestamp(time))
    }

    fn step(moment: Place, watermark: Place) -> WatermarkStep {
        WatermarkStep { moment, watermark }
    }

    #[test]
    fn the_meet_goes_as_far_as_the_slowest_and_as_late_as_the_latest() {
        let mut meet = Meet::new(2);
        meet.promise(0, &[step(Place::MIN, at(10))]);
        assert!(meet.advance().is_empty(), "the other has said nothing");
        meet.promise(1, &[step(at(4), at(3)), step(at(9), at(8))]);
        assert_eq!(meet.advance(), [step(at(4), at(3)), step(at(9), at(8))]);
        assert_eq!(meet.reached(), at(8));
        meet.promise(1, &[step(at(20), at(30))]);
        assert_eq!(meet.advance(), [step(at(20), at(10))]);
    }

    #[test]
    fn one_moment_is_one_step() {
        let mut meet = Meet::new(1);
        meet.promise(0, &[step(at(4), at(3)), step(at(4), at(5))]);
        meet.promise(0, &[step(at(4), at(7))]);
        assert_eq!(meet.advance(), [step(at(4), at(7))]);
    }

    #[test]
    fn what_is_not_held_is_promised_with_hindsight() {
        let mut holds = Holds::new();
        // Something is held from 5 on and decided at 9; at 12 the next one is held.
        let said = [step(at(5), at(5)), step(at(9), Place::MAX), step(at(12), at(12))];
        let promises = holds.promises(&said, at(20), at(20));
        assert_eq!(promises, [step(Place::MIN, at(5)), step(at(5), at(5)), step(at(9), at(12)), step(at(12), at(12))]);
        // The next round says nothing: still held.
        assert_eq!(holds.promises(&[], at(30), at(30)), [step(at(12), at(12))]);
        assert_eq!(holds.promises(&[step(at(31), Place::MAX)], at(40), at(40)), [step(at(12), at(12)), step(at(31), at(40))]);
        assert_eq!(holds.promises(&[], at(50), at(50)), [step(at(31), at(50))]);
    }
}
