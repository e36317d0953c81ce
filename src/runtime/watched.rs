//! A pipeline whose operators are watched: whoever asks puts operators that take notes in the places of those that are there, and is told
//! how often steps of patterns took events.

use super::pipeline::{Pipeline, Stage, Work};
use crate::operators::{StepTaken, Watch};

impl Pipeline {
    /// Lets whoever asks put operators in the places of those that are there.
    pub(super) fn watch(&mut self, watch: &mut dyn Watch) {
        let stages = std::mem::take(&mut self.stages).into_iter().enumerate();
        self.stages = stages.map(|(index, stage)| stage.watched(index, watch)).collect();
    }

    /// The steps of the patterns and how often each took an event, with the number of their stage; where that is counted.
    pub(super) fn steps_taken(&self) -> impl Iterator<Item = (usize, Vec<StepTaken>)> {
        self.stages.iter().enumerate().filter_map(|(number, stage)| match &stage.work {
            Work::Operator(keeper) => Some((number, keeper.operator.steps_taken())),
            Work::Selective(selective) => Some((number, selective.steps_taken())),
            Work::Transform(..) | Work::Union(..) | Work::View(_) | Work::Ended => None,
        })
    }
}

impl Stage {
    /// The stage with the operator that whoever asks puts in its place.
    fn watched(self, index: usize, watch: &mut dyn Watch) -> Self {
        let work = match self.work {
            Work::Transform(transform, schema) => Work::Transform(watch.transform(index, transform), schema),
            Work::Operator(mut keeper) => {
                keeper.operator = watch.operator(index, keeper.operator);
                Work::Operator(keeper)
            }
            other => other,
        };
        Self { work, ..self }
    }
}
