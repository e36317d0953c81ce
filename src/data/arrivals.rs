//! Rows of one source stream as they arrived: decoded, not yet in event-time order.

use super::{Column, Timestamp};

/// Events of one source stream in the order of their arrival. All parts are of equal length.
#[derive(Debug, Clone, Default)]
pub struct Arrivals {
    /// The columns in the order of the stream's schema; none where there is no row.
    pub columns: Vec<Column>,
    /// The event time of each row.
    pub times: Vec<Timestamp>,
    /// The number of each row's event, counted over all streams in the order of arrival, strictly rising. Rows of several streams with one
    /// number are one and the same event.
    pub numbers: Vec<u64>,
}

impl Arrivals {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}
