//! A running program becomes one with other statements beside the old ones, between two calls.
//!
//! What stands in front of the operators stays as it is: the program is planned so that every source is read whole whoever reads it. An
//! operator that both programs have goes on with what it holds. It is handed over as it is; where it comes to be run in another way (one
//! look at each event is shared from so many operators on), its state is written down and read again.
//!
//! A rank stays with its operator, for places of rows that wait tell it; new operators have the ranks behind all others, and nothing old reads
//! them. So no two rows that an operator sees change their order.

use std::collections::BTreeSet;

use super::assemble::{self, Parts};
use super::error::RunError;
use super::pipeline::Pipeline;
use super::running::Running;
use crate::data::{Place, Ranks, StateReader, StateWriter};
use crate::plan::{Edge, OperatorGraph};

/// What becomes of a program.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'g> {
    /// The program that it is to be.
    pub after: &'g OperatorGraph,
    /// Of each node of that, which one of the running program it is.
    pub nodes: &'g [Option<usize>],
    /// Of each output of the running program, which one of the new it is.
    pub outputs: &'g [Option<usize>],
}

/// Exchanges the operators of a program. Outputs that are gone, and of which rows have not been taken, come behind those of the new program:
/// gives their numbers from before, in that order.
pub fn exchange(running: &mut Running, change: Exchange<'_>) -> Result<Vec<usize>, RunError> {
    if let Some(error) = &running.failed {
        return Err(error.clone());
    }
    if running.is_finished {
        return Err(RunError::Finished);
    }
    let ranks = ranks(&running.pipeline.ranks(), change.nodes);
    let mut pipeline = {
        let before = &running.pipeline;
        let views = |lookup: usize| rows_of_view(before, change, lookup);
        assemble::pipeline(&Parts {
            graph: change.after,
            ranks: &ranks,
            tables: running.tables.sources(),
            run: &running.options,
            workers: &running.workers,
            views: &views,
        })
    };
    let new: Vec<usize> = (0..ranks.len()).filter(|&node| change.nodes[node].is_none()).collect();
    pipeline.follow(&running.pipeline, &new);
    hand_over(&mut running.pipeline, &mut pipeline, change.nodes).inspect_err(|error| running.failed = Some(error.clone()))?;
    running.pipeline = pipeline;
    Ok(renumber(running, change))
}

/// The rank of each node of the new program.
fn ranks(before: &[u32], nodes: &[Option<usize>]) -> Vec<u32> {
    let kept = |node: &Option<usize>| node.map(|of| before[of]);
    let most = nodes.iter().filter_map(kept).max().unwrap_or_default() as usize;
    let number = |rank: usize| u32::try_from(rank).unwrap_or(u32::MAX);
    if most + nodes.len() >= Place::LAST_RANK as usize {
        // After very many changes all are numbered anew, and all places that wait with them.
        return (1..=nodes.len()).map(number).collect();
    }
    let mut next = most;
    let mut rank = |node: &Option<usize>| {
        kept(node).unwrap_or_else(|| {
            next += 1;
            number(next)
        })
    };
    nodes.iter().map(&mut rank).collect()
}

/// What a lookup that is new has missed of a view that is not.
fn rows_of_view(before: &Pipeline, change: Exchange<'_>, lookup: usize) -> Option<crate::operators::NewestRows> {
    if change.nodes[lookup].is_some() {
        return None;
    }
    match change.after.nodes()[lookup].inputs[1] {
        Edge::Node(view, _) => before.rows_of_view(change.nodes[view.0 as usize]?),
        Edge::Source(_) | Edge::Late(_) => None,
    }
}

fn hand_over(before: &mut Pipeline, after: &mut Pipeline, nodes: &[Option<usize>]) -> Result<(), RunError> {
    let (ranks_before, ranks_after) = (before.ranks(), after.ranks());
    let mut now: Vec<Option<u32>> = vec![None; ranks_before.iter().copied().max().unwrap_or_default() as usize];
    for (rank, node) in ranks_after.iter().zip(nodes) {
        node.iter().for_each(|&of| now[ranks_before[of] as usize - 1] = Some(*rank));
    }
    let now = Ranks::new(now);
    let mut places: Vec<Option<usize>> = vec![None; ranks_before.len()];
    nodes.iter().enumerate().for_each(|(node, of)| of.iter().for_each(|&of| places[of] = Some(node)));
    let stuck = |error: crate::data::StateError, of: usize| RunError::Bug(format!("operator {} cannot go on: {error}", of + 1));
    after.end_again(before.ended().to_vec(), &places).map_err(|error| stuck(error, 0))?;
    let kept = || nodes.iter().enumerate().filter_map(|(node, of)| Some((node, (*of)?)));
    // Where ranks are given anew, places everywhere have to be read again.
    let is_renumbered = kept().any(|(node, of)| ranks_after[node] != ranks_before[of]);
    for (node, of) in kept() {
        if !is_renumbered && after.take_over(node, before, of) {
            continue;
        }
        let mut state = StateWriter::default();
        before.save_stage(of, &mut state);
        let state = state.finish();
        let mut from = StateReader::with_ranks(&state, now.clone());
        let read = after.load_stage(node, &mut from).and_then(|()| from.end());
        read.map_err(|error| stuck(error, of))?;
    }
    Ok(())
}

fn renumber(running: &mut Running, change: Exchange<'_>) -> Vec<usize> {
    let now = |output: usize| change.outputs.get(output).copied().flatten();
    let waiting: BTreeSet<usize> = running.departures.iter().flat_map(|gone| &gone.batches).map(|(output, _)| *output).collect();
    let retired: Vec<usize> = waiting.into_iter().filter(|&output| now(output).is_none()).collect();
    let first = change.after.outputs().len();
    let number = |output: usize| now(output).or_else(|| Some(first + retired.binary_search(&output).ok()?));
    let mut taken = vec![0; first + retired.len()];
    for (output, count) in running.taken.iter().enumerate() {
        number(output).iter().for_each(|&output| taken[output] = *count);
    }
    running.taken = taken;
    for gone in &mut running.departures {
        gone.renumber(|output| number(output).expect("an output with rows has a number"));
    }
    retired
}
