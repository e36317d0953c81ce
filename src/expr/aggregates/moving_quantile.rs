//! A quantile of rows that come at one end and go at the other: two sorted halves that meet where the quantile lies.
//!
//! The lower half holds the values up to the quantile's lower neighbour. A row more or less moves that place by one value at most, so that
//! pushing and popping cost O(log n) and asking nothing, however many rows there are. The value is the one that [`super::Quantile`] gives
//! over the same rows.

use std::collections::{BTreeMap, VecDeque};

use super::quantile::{Neighbours, neighbours};
use crate::data::{DataType, Duration, Value};
use crate::expr::cast::to_float;

/// A quantile of a queue of rows.
#[derive(Debug)]
pub struct MovingQuantile {
    share: f64,
    is_duration: bool,
    /// The value of each row; nothing where it does not count.
    rows: VecDeque<Option<i64>>,
    low: Half,
    high: Half,
}

/// Values with how often they are there. Floats stand as integers of the same order.
#[derive(Debug, Default)]
struct Half {
    values: BTreeMap<i64, usize>,
    len: usize,
}

crate::saved!(MovingQuantile { share, is_duration, rows, low, high });
crate::saved!(Half { values, len });

impl MovingQuantile {
    /// Of no rows; nothing for a share that is none.
    pub fn new(data_type: &DataType, share: f64) -> Option<Self> {
        let is_share = (0.0..=1.0).contains(&share);
        let halves = (Half::default(), Half::default());
        is_share.then(|| Self {
            share,
            is_duration: *data_type == DataType::Duration,
            rows: VecDeque::new(),
            low: halves.0,
            high: halves.1,
        })
    }

    /// A row comes.
    pub fn push(&mut self, value: &Value<'_>) {
        let ordered = match value {
            Value::Null => None,
            Value::Duration(length) => Some(length.0),
            number => to_float(number).map(ordered_bits),
        };
        self.rows.push_back(ordered);
        let Some(value) = ordered else { return };
        if self.low.last().is_some_and(|last| value <= last) {
            self.low.add(value)
        } else {
            self.high.add(value)
        }
        self.balance();
    }

    /// The oldest row goes.
    pub fn pop(&mut self) {
        let Some(Some(value)) = self.rows.pop_front() else { return };
        if !self.low.remove(value) {
            self.high.remove(value);
        }
        self.balance();
    }

    /// The quantile; NULL of no values.
    pub fn value(&self) -> Value<'static> {
        let (len, Some(below)) = (self.low.len + self.high.len, self.low.last()) else { return Value::Null };
        let Neighbours { part, .. } = neighbours(self.share, len);
        let above = self.high.first().unwrap_or(below);
        if self.is_duration {
            Value::Duration(Duration(super::quantile::length_between(below, above, part)))
        } else {
            Value::Float(super::quantile::number_between(float_of(below), float_of(above), part))
        }
    }

    /// About how many bytes are held.
    pub fn bytes(&self) -> usize {
        let entries = self.low.values.len() + self.high.values.len();
        self.rows.capacity() * size_of::<Option<i64>>() + entries * 2 * size_of::<(i64, usize)>()
    }

    /// The lower half ends with the lower neighbour.
    fn balance(&mut self) {
        let len = self.low.len + self.high.len;
        let wanted = if len == 0 { 0 } else { neighbours(self.share, len).below + 1 };
        while self.low.len < wanted
            && let Some(value) = self.high.first()
        {
            self.high.remove(value);
            self.low.add(value);
        }
        while self.low.len > wanted
            && let Some(value) = self.low.last()
        {
            self.low.remove(value);
            self.high.add(value);
        }
    }
}

impl Half {
    fn first(&self) -> Option<i64> {
        self.values.first_key_value().map(|(value, _)| *value)
    }

    fn last(&self) -> Option<i64> {
        self.values.last_key_value().map(|(value, _)| *value)
    }

    fn add(&mut self, value: i64) {
        *self.values.entry(value).or_default() += 1;
        self.len += 1;
    }

    /// Whether the value was there.
    fn remove(&mut self, value: i64) -> bool {
        let Some(count) = self.values.get_mut(&value) else { return false };
        *count -= 1;
        if *count == 0 {
            self.values.remove(&value);
        }
        self.len -= 1;
        true
    }
}

/// The bits of a float, turned so that integers order them as `f64::total_cmp` does.
fn ordered_bits(number: f64) -> i64 {
    turned(number.to_bits().cast_signed())
}

fn float_of(ordered: i64) -> f64 {
    f64::from_bits(turned(ordered).cast_unsigned())
}

/// Turns the order of the negative ones; twice, it is as before.
fn turned(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Place;
    use crate::expr::Accumulator;
    use crate::expr::aggregates::lookup;

    /// What the aggregate gives over all rows of the queue.
    fn plainly(data_type: &DataType, share: f64, rows: &VecDeque<Value<'static>>) -> Value<'static> {
        let mut state = Accumulator::new(lookup("QUANTILE").unwrap(), &[data_type.clone(), DataType::Float], false);
        rows.iter().for_each(|value| state.update(&[value.clone(), Value::Float(share)], Place::MIN));
        state.value()
    }

    #[test]
    fn it_is_the_quantile_of_the_rows_that_are_there() {
        let mut state = 1u64;
        let mut random = |bound: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % bound
        };
        for (data_type, share) in
            [(DataType::Float, 0.5), (DataType::Duration, 0.9), (DataType::Int, 0.0), (DataType::Float, 1.0), (DataType::Float, 0.31)]
        {
            let mut moving = MovingQuantile::new(&data_type, share).unwrap();
            let mut rows: VecDeque<Value<'static>> = VecDeque::new();
            for _ in 0..2000 {
                if random(5) < 2 {
                    rows.pop_front();
                    moving.pop();
                } else {
                    let number = i64::try_from(random(40)).unwrap() - 20;
                    let value = match (random(9), &data_type) {
                        (0, _) => Value::Null,
                        (_, DataType::Duration) => Value::Duration(Duration(number)),
                        (_, DataType::Int) => Value::Int(number),
                        (1, _) => Value::Float(-0.0),
                        _ => Value::Float(number as f64 / 7.0),
                    };
                    moving.push(&value);
                    rows.push_back(value);
                }
                assert_eq!(moving.value(), plainly(&data_type, share, &rows), "{share} of {rows:?}");
            }
        }
        assert!(MovingQuantile::new(&DataType::Int, 1.5).is_none());
    }
}
