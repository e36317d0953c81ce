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
    let at = |place: &Place| usize::try_from(place.position().wrapping_sub(first)).ok();
    // How many rows stand at each position; then where the next one of it goes.
    let mut next = vec![0_u32; usize::try_from(span).ok()? + 1];
    for places in &inputs {
        for place in places.iter() {
            let here = next.get_mut(at(place)?).filter(|_| place.is_source())?;
            *here = here.wrapping_add(1);
        }
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
            let next = next.get_mut(at(place)?)?;
            rows[*next as usize] = (input, row);
            *next = next.wrapping_add(1);
        }
    }
    let place_of = |&(input, row): &RowAt| inputs[input as usize][row as usize];
    let are_apart = most <= 1;
    // Of source events whose positions rise, places do where times do.
    let are_in_order = if are_apart { rows.is_sorted_by_key(|row| place_of(row).time()) } else { rows.is_sorted_by_key(place_of) };
    are_in_order.then_some(InOrder { rows, are_apart })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::{Entries, Entry, Schema, Timestamp};

    #[test]
    fn counting_gives_the_order_that_comparing_gives() {
        let mut state = 0x5eed_u64;
        let mut random = |below: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) % below
        };
        let schema = Arc::new(Schema::new(Vec::new()));
        for round in 0..300 {
            // Where events are shared, several inputs have rows of one.
            let are_shared = round % 2 == 0;
            let mut inputs = vec![Vec::new(); 3 + random(3) as usize];
            for position in 1..2 + random(40) {
                let place = Place::event(Timestamp(position as i64 / 3), position);
                let first = random(inputs.len() as u64) as usize;
                inputs[first].push(place);
                if are_shared && random(3) == 0 {
                    let other = (first + 1) % inputs.len();
                    inputs[other].push(place);
                }
            }
            let numbered = (0..).zip(&inputs).flat_map(|(input, places)| (0..).zip(places).map(move |(row, place)| (*place, (input, row))));
            let mut wanted: Vec<(Place, RowAt)> = numbered.collect();
            wanted.sort();
            let are_apart = wanted.windows(2).all(|pair| pair[0].0 != pair[1].0);
            let batches: Vec<EventBatch> =
                inputs.into_iter().map(|places| EventBatch::new(schema.clone(), Vec::new(), places.into())).collect();
            let found = by_position(&batches).expect("all are source events and near each other");
            assert_eq!(found.are_apart, are_apart, "round {round}");
            assert_eq!(found.rows, wanted.iter().map(|(_, row)| *row).collect::<Vec<RowAt>>(), "round {round}");
            let entries = Entries::of_rows(found.rows, &batches);
            let entry = |&(place, (input, row)): &(Place, RowAt)| {
                let input = u16::try_from(input).expect("few");
                Entry::Row { input, row, place, moment: place, floor: Place::MIN }
            };
            assert_eq!(entries.to_vec(), wanted.iter().map(entry).collect::<Vec<Entry>>(), "round {round}");
        }
    }

    #[test]
    fn rows_that_are_no_source_events_are_left_to_comparing() {
        let schema = Arc::new(Schema::new(Vec::new()));
        let batch = |places: Vec<Place>| EventBatch::new(schema.clone(), Vec::new(), places.into());
        let event = |position: u64| Place::event(Timestamp(0), position);
        assert!(by_position(&[batch(vec![event(1)]), batch(vec![event(2)]), batch(vec![event(3)])]).is_some());
        assert!(by_position(&[batch(vec![event(1)]), batch(vec![event(2).derived_by(1)]), batch(vec![event(3)])]).is_none());
        assert!(by_position(&[batch(vec![event(1)]), batch(vec![event(2)]), batch(vec![event(3_000)])]).is_none(), "far apart");
        assert!(by_position(&[batch(vec![event(1)]), batch(vec![event(2)])]).is_none(), "two are compared");
    }
}
