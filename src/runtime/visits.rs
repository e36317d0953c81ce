//! Which stages a round visits, worked out once: those that always are, and what stands behind those that are visited only where they have
//! rows.

use super::pipeline::{Exit, Feed, Stage, Work};

/// See the module.
#[derive(Debug)]
pub(super) struct Visits {
    /// Stages that are visited in every round before rows are selected, in order.
    pub(super) front: Vec<usize>,
    /// Those that are visited in every round behind that, in order.
    pub(super) always: Vec<usize>,
    /// By stage, those that are visited where it has given rows.
    pub(super) below: Vec<Vec<usize>>,
    /// Stages that keep a view.
    pub(super) views: Vec<usize>,
    /// By stage, the numbers of the exits through which its rows leave.
    pub(super) exits_of: Vec<Vec<usize>>,
    /// Exits of sources.
    pub(super) exits_of_sources: Vec<usize>,
}

impl Visits {
    pub(super) fn new(stages: &[Stage], exits: &[Exit]) -> Self {
        let mut exits_of: Vec<Vec<usize>> = vec![Vec::new(); stages.len()];
        let mut exits_of_sources = Vec::new();
        for (number, exit) in exits.iter().enumerate() {
            match exit.feed {
                Feed::Port { stage, .. } => exits_of[stage].push(number),
                Feed::Source(_) | Feed::Late(_) => exits_of_sources.push(number),
            }
        }
        // A transform behind a stage that is not always visited is visited with it.
        let mut is_below = vec![false; stages.len()];
        let mut below: Vec<Vec<usize>> = vec![Vec::new(); stages.len()];
        let mut reads_sources = vec![false; stages.len()];
        let (mut front, mut always, mut views) = (Vec::new(), Vec::new(), Vec::new());
        for (index, stage) in stages.iter().enumerate() {
            let parent = match (&stage.work, stage.feeds.as_slice()) {
                (Work::Transform(..), [Feed::Port { stage, .. }]) => Some(*stage),
                _ => None,
            };
            match &stage.work {
                Work::Selective(selective) if selective.is_lazy() => is_below[index] = true,
                Work::Transform(..) if parent.is_some_and(|parent| is_below[parent]) => {
                    is_below[index] = true;
                    below[parent.unwrap_or_default()].push(index);
                }
                Work::Transform(..) if stage.feeds.len() == 1 && parent.is_none_or(|parent| reads_sources[parent]) => {
                    reads_sources[index] = true;
                    front.push(index);
                }
                Work::Transform(..) | Work::Operator(_) | Work::Union(..) | Work::Selective(_) | Work::Ended => always.push(index),
                Work::View(_) => {
                    views.push(index);
                    always.push(index);
                }
            }
        }
        Self { front, always, below, views, exits_of, exits_of_sources }
    }
}
