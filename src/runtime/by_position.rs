//! The order of rows of many inputs that are all source events: found by counting, without comparing.

use crate::data::{EventBatch, Place, RowAt};

/// Rows of many inputs in their order.
#[derive(Debug)]
pub(super) struct InOrder {
    pub(super) rows: Vec<RowAt>,
    /// No two of them are of one event.
    pub(super) are_apart: bool,
}

/// Rows of many inputs that are all source events, each put where its position says, without comparing; of one place the first input first.
/// Nothing where there are rows of another kind, or positions that lie far apart.
pub(super) fn by_position(inputs: &[EventBatch]) -> Option<InOrder> {
    const FEW_INPUTS: usize = 3;
    const ROOM_A_ROW: u64 = 8;
    let count: usize = inputs.iter().map(EventBatch::len).sum();
    if inputs.len() < FEW_INPUTS {
        return None;
    }
    let inputs: Vec<&[Place]> = inputs.iter().map(|rows| &**rows.places()).collect();
    let first = inputs.iter().filter_map(|places| places.first()).map(|place| place.position()).min()?;
    let last = inputs.iter().filter_map(|places| places.last()).map(|place| place.position()).max()?;
    let span = last.checked_sub(first).filter(|span| *span <= ROOM_A_ROW * count as u64 && u32::try_from(count).is_ok())?;
    let at = |place: &Place| place.position().checked_sub(first).filter(|at| *at <= span).and_then(|at| usize::try_from(at).ok());
    // How many rows stand at each position; then where the next one of it goes.
    let mut next = vec![0_u32; usize::try_from(span).ok()? + 1];
    for place in inputs.iter().flat_map(|places| places.iter()) {
        let here = &mut next[at(place).filter(|_| place.is_source())?];
        *here = here.wrapping_add(1);
    }
    let (mut before, mut most) = (0_u32, 0);
    for here in &mut next {
        most = most.max(*here);
        // There are fewer than 2^32 of them.
        before = before.wrapping_add(std::mem::replace(here, before));
    }
    let mut rows = vec![(0, 0); count];
    for (input, places) in (0..).zip(&inputs) {
        for (row, place) in (0..).zip(places.iter()) {
            let next = &mut next[at(place)?];
            rows[*next as usize] = (input, row);
            *next = next.wrapping_add(1);
        }
    }
    let place_of = |&(input, row): &RowAt| inputs[input as usize][row as usize];
    rows.is_sorted_by_key(place_of).then_some(InOrder { rows, are_apart: most <= 1 })
}
