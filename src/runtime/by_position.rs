//! The order of rows of many inputs that are all source events: found by counting, without comparing.

use super::merge::{Flow, row_entry};
use crate::data::{Entry, Place};

/// Rows of many inputs that are all source events, each put where its position says, without comparing; of one place the first input first.
/// Nothing where there are rows of another kind, or positions that lie far apart.
pub(super) fn by_position(flows: &[&Flow]) -> Option<Vec<Entry>> {
    const FEW_INPUTS: usize = 3;
    const ROOM_A_ROW: u64 = 8;
    let rows: usize = flows.iter().map(|f| f.rows.len()).sum();
    if flows.len() < FEW_INPUTS {
        return None;
    }
    let first = flows.iter().filter_map(|f| f.rows.places().first()).map(|place| place.position()).min()?;
    let last = flows.iter().filter_map(|f| f.rows.places().last()).map(|place| place.position()).max()?;
    let span = last.checked_sub(first).filter(|span| *span <= ROOM_A_ROW * rows as u64 && u32::try_from(rows).is_ok())?;
    let at = |place: &Place| place.position().checked_sub(first).filter(|at| *at <= span).and_then(|at| usize::try_from(at).ok());
    // How many rows stand before each position; then where the next one of it goes.
    let mut before = vec![0_u32; usize::try_from(span).ok()? + 2];
    for place in flows.iter().flat_map(|f| f.rows.places().iter()) {
        before[at(place).filter(|_| place.is_source())? + 1] += 1;
    }
    for position in 1..before.len() {
        before[position] += before[position - 1];
    }
    let mut sequence = vec![(0_u32, 0_u32); rows];
    for (input, flow) in (0..).zip(flows) {
        for (row, place) in (0..).zip(flow.rows.places().iter()) {
            let next = &mut before[at(place)?];
            sequence[*next as usize] = (input, row);
            *next += 1;
        }
    }
    let of_inputs: Vec<(&[Place], &[Place])> = flows.iter().map(|f| (&**f.rows.places(), &**f.rows.moments())).collect();
    let mut last = Place::MIN;
    let mut is_sorted = true;
    let entry = |&(input, row): &(u32, u32)| {
        let (input, row) = (input as usize, row as usize);
        let (places, moments) = of_inputs[input];
        is_sorted &= last <= places[row];
        last = places[row];
        row_entry(input, row, places[row], moments[row], Place::MIN)
    };
    let entries = sequence.iter().map(entry).collect();
    is_sorted.then_some(entries)
}
