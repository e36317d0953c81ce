//! Where the rows of a batch stand: many places, made once and shared by whoever has the rows.

use std::ops::Deref;
use std::sync::Arc;

use super::Place;

/// Places of rows. Cloning shares them; a vector becomes them without being copied, as matches come out by the million.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(Arc<Vec<Place>>);

impl Places {
    /// Whether both are the very same.
    pub fn are_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Places {
    type Target = [Place];

    fn deref(&self) -> &[Place] {
        &self.0
    }
}

impl From<Vec<Place>> for Places {
    fn from(places: Vec<Place>) -> Self {
        Self(Arc::new(places))
    }
}

impl FromIterator<Place> for Places {
    fn from_iter<I: IntoIterator<Item = Place>>(places: I) -> Self {
        places.into_iter().collect::<Vec<Place>>().into()
    }
}
