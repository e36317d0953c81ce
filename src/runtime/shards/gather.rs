//! What the shards of an operator give, put together as one operator gives it.

use crate::data::{Column, EventBatch, Place, WatermarkStep};
use crate::operators::Outbox;

/// What one shard has put out by one port.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) rows: EventBatch,
    /// Of each row, whose turn it was.
    pub(super) turns: Vec<Place>,
    pub(super) steps: Vec<WatermarkStep>,
    /// What the shard had told that it holds back before.
    pub(super) held_from: Place,
}

impl Given {
    /// What of it was certain before this moment.
    pub(super) fn before(mut self, moment: Place) -> Self {
        let rows = self.rows.moments().partition_point(|&of| of < moment);
        if rows < self.rows.len() {
            self.rows = self.rows.slice(0..rows);
            self.turns.truncate(rows);
        }
        self.steps.retain(|step| step.moment < moment);
        self
    }
}

/// Puts out by a port what the shards have given by it: rows by moments, of one moment by turns, and of one turn as their shard gave them.
pub(super) fn gather(given: &[Given], port: usize, out: &mut Outbox) {
    let filled: Vec<&Given> = given.iter().filter(|given| !given.rows.is_empty()).collect();
    match filled.as_slice() {
        [] => {}
        [only] => out.columns(port, only.rows.columns().to_vec(), only.rows.places().to_vec(), only.rows.moments().clone()),
        several => {
            let at = order(several);
            let of = |place_of: fn(&EventBatch, usize) -> Place| {
                at.iter().map(|&(shard, row)| place_of(&several[shard as usize].rows, row as usize)).collect::<Vec<Place>>()
            };
            let schema = several[0].rows.schema();
            let columns = schema.fields().iter().enumerate().map(|(number, field)| {
                let columns: Vec<&Column> = several.iter().map(|given| &given.rows.columns()[number]).collect();
                Column::interleave(&field.data_type, &columns, &at)
            });
            out.columns(port, columns.collect(), of(|rows, row| rows.places()[row]), of(|rows, row| rows.moments()[row]).into());
        }
    }
    tell_held(given, port, out);
}

/// The rows in order: shard, row.
fn order(given: &[&Given]) -> Vec<(u32, u32)> {
    let heads = |next: &[usize]| -> Vec<Option<(Place, Place, u32)>> {
        let head = |(shard, (given, &row)): (u32, (&&Given, &usize))| Some((*given.rows.moments().get(row)?, given.turns[row], shard));
        (0..).zip(given.iter().zip(next)).map(head).collect()
    };
    let mut next = vec![0; given.len()];
    let mut order = Vec::with_capacity(given.iter().map(|given| given.rows.len()).sum());
    loop {
        let heads = heads(&next);
        let Some((.., shard)) = heads.iter().flatten().min().copied() else { return order };
        let first = shard as usize;
        // A run of one shard ends where another stands before it, so that one head is looked at a row, not all.
        let end = heads.iter().flatten().filter(|head| head.2 != shard).min().copied();
        let Given { rows, turns, .. } = given[first];
        while let Some(&moment) = rows.moments().get(next[first])
            && end.is_none_or(|end| (moment, turns[next[first]], shard) < end)
        {
            order.push((shard, u32::try_from(next[first]).expect("a round gives less than 2^32 rows")));
            next[first] += 1;
        }
    }
}

/// Says what all shards together hold back: from each moment on the least of what they do.
fn tell_held(given: &[Given], port: usize, out: &mut Outbox) {
    let mut steps: Vec<(Place, usize, Place)> = given
        .iter()
        .enumerate()
        .flat_map(|(shard, given)| given.steps.iter().map(move |step| (step.moment, shard, step.watermark)))
        .collect();
    steps.sort_by_key(|(moment, ..)| *moment);
    let mut held: Vec<Place> = given.iter().map(|given| given.held_from).collect();
    let least = |held: &[Place]| held.iter().copied().min().unwrap_or(Place::MAX);
    let mut told = least(&held);
    for of_moment in steps.chunk_by(|a, b| a.0 == b.0) {
        of_moment.iter().for_each(|&(_, shard, watermark)| held[shard] = watermark);
        let watermark = least(&held);
        if watermark != told {
            told = watermark;
            out.watermark(port, WatermarkStep { moment: of_moment[0].0, watermark });
        }
    }
}
