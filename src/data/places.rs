//! Where the rows of a batch stand: many places, made once and shared by whoever has the rows.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::Place;

/// Places of rows. Cloning shares them. Where many rows follow each other at one place, as matches do that one event ends, the place is
/// written down once, until somebody looks at the places row by row.
#[derive(Debug, Clone, Default)]
pub struct Places(Arc<Kept>);

#[derive(Debug, Default)]
struct Kept {
    rows: usize,
    /// Places, and where the rows at them end; of no meaning where `each` is there from the beginning.
    runs: Vec<(Place, usize)>,
    each: OnceLock<Vec<Place>>,
}

/// Places that are being written down.
#[derive(Debug, Default)]
pub struct PlacesBuilder {
    /// Places, and where the rows at them end.
    runs: Vec<(Place, usize)>,
}

/// With fewer rows than these a run, places are written down each.
const WORTH: usize = 4;

impl Places {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.rows == 0
    }

    /// Whether both are the very same.
    pub fn are_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Kept {
    fn written(&self) -> Vec<Place> {
        let mut each = Vec::with_capacity(self.rows);
        self.runs.iter().for_each(|&(place, end)| each.resize(end, place));
        each
    }
}

impl Deref for Places {
    type Target = [Place];

    fn deref(&self) -> &[Place] {
        self.0.each.get_or_init(|| self.0.written())
    }
}

impl PartialEq for Places {
    fn eq(&self, other: &Self) -> bool {
        self.are_shared_with(other) || **self == **other
    }
}

impl Eq for Places {}

impl From<Vec<Place>> for Places {
    fn from(places: Vec<Place>) -> Self {
        Self(Arc::new(Kept { rows: places.len(), runs: Vec::new(), each: places.into() }))
    }
}

impl FromIterator<Place> for Places {
    fn from_iter<I: IntoIterator<Item = Place>>(places: I) -> Self {
        places.into_iter().collect::<Vec<Place>>().into()
    }
}

impl PlacesBuilder {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.runs.last().map_or(0, |(_, end)| *end)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many of the last rows stand at one place.
    pub fn last_run(&self) -> usize {
        match *self.runs.as_slice() {
            [] => 0,
            [(_, end)] => end,
            [.., (_, begin), (_, end)] => end - begin,
        }
    }

    /// Appends a place, of so many rows.
    #[inline]
    pub fn push(&mut self, place: Place, rows: usize) {
        match self.runs.last_mut() {
            Some((last, end)) if *last == place => *end += rows,
            last => {
                let end = last.map_or(0, |(_, end)| *end) + rows;
                if rows > 0 {
                    self.runs.push((place, end));
                }
            }
        }
    }

    /// Takes them.
    pub fn finish(&mut self) -> Places {
        let kept = Kept { rows: self.len(), runs: std::mem::take(&mut self.runs), each: OnceLock::new() };
        if kept.rows / WORTH < kept.runs.len() { kept.written().into() } else { Places(Arc::new(kept)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Timestamp;

    fn at(time: i64) -> Place {
        Place::event(Timestamp(time), 1)
    }

    #[test]
    fn places_are_the_same_however_they_were_written_down() {
        for counts in [vec![], vec![1, 1, 1], vec![5, 0, 9], vec![0], vec![100, 1], vec![3, 3, 3]] {
            let mut builder = PlacesBuilder::default();
            let mut each = Vec::new();
            for (place, &count) in (0..).map(at).zip(&counts) {
                builder.push(place, count);
                each.resize(each.len() + count, place);
                assert_eq!(builder.len(), each.len());
                assert_eq!(builder.last_run(), each.iter().rev().take_while(|last| Some(*last) == each.last()).count());
            }
            let places = builder.finish();
            assert!(builder.is_empty(), "nothing is left");
            assert_eq!((places.len(), places.is_empty()), (each.len(), each.is_empty()));
            assert_eq!(places, Places::from(each.clone()));
            assert_eq!(*places, *each);
        }
    }

    #[test]
    fn rows_at_one_place_are_one_run_whether_they_come_together_or_not() {
        let mut builder = PlacesBuilder::default();
        (0..10).for_each(|_| builder.push(at(1), 1));
        builder.push(at(2), 7);
        assert_eq!(builder.runs, [(at(1), 10), (at(2), 17)]);
        assert_eq!(builder.finish()[9..11], [at(1), at(2)]);
    }
}
