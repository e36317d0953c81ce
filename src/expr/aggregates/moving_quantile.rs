//! A quantile of rows that come at one end and go at the other: two sorted halves that meet where the quantile lies.
//!
//! The lower half holds the values up to the quantile's lower neighbour. A row more or less moves that place by one value at most, so that
//! pushing and popping cost O(log n) and asking nothing, however many rows there are. The value is the one that [`super::Quantile`] gives
//! over the same rows.

use std::collections::{BTreeMap, VecDeque};

use super::quantile::{Neighbours, decimal_between, length_between, neighbours, number_between, units};
use crate::data::{DataType, Duration, Saved, StateError, StateReader, StateWriter, Value};
use crate::expr::cast::to_float;

/// A quantile of a queue of rows.
#[derive(Debug)]
pub struct MovingQuantile {
    share: f64,
    values: Values,
}

/// Floats stand as integers of the same order, decimals as units of their last digit.
#[derive(Debug)]
enum Values {
    Numbers(Halves<i64>),
    Durations(Halves<i64>),
    Decimals(Halves<i128>, u8),
}

#[derive(Debug)]
struct Halves<V> {
    /// The value of each row; nothing where it does not count.
    rows: VecDeque<Option<V>>,
    low: Half<V>,
    high: Half<V>,
}

/// Values with how often they are there.
#[derive(Debug)]
struct Half<V> {
    values: BTreeMap<V, usize>,
    len: usize,
}

crate::saved!(MovingQuantile { share, values });
crate::saved!(enum Values { 0 => Numbers(halves), 1 => Durations(halves), 2 => Decimals(halves, scale) });

impl MovingQuantile {
    /// Of no rows; nothing for a share that is none.
    pub fn new(data_type: &DataType, share: f64) -> Option<Self> {
        let values = match data_type {
            DataType::Duration => Values::Durations(Halves::new()),
            DataType::Decimal { scale, .. } => Values::Decimals(Halves::new(), *scale),
            _ => Values::Numbers(Halves::new()),
        };
        (0.0..=1.0).contains(&share).then_some(Self { share, values })
    }

    /// A row comes.
    pub fn push(&mut self, value: &Value<'_>) {
        let share = self.share;
        match (&mut self.values, value) {
            (Values::Numbers(halves), number) => halves.push(to_float(number).map(ordered_bits), share),
            (Values::Durations(halves), Value::Duration(length)) => halves.push(Some(length.0), share),
            (Values::Decimals(halves, scale), Value::Decimal(number)) => halves.push(Some(units(*number, *scale)), share),
            (Values::Durations(halves), _) => halves.push(None, share),
            (Values::Decimals(halves, _), _) => halves.push(None, share),
        }
    }

    /// The oldest row goes.
    pub fn pop(&mut self) {
        match &mut self.values {
            Values::Numbers(halves) | Values::Durations(halves) => halves.pop(self.share),
            Values::Decimals(halves, _) => halves.pop(self.share),
        }
    }

    /// The quantile; NULL of no values, and where its type does not hold it.
    pub fn value(&self) -> Value<'static> {
        let value = match &self.values {
            Values::Numbers(halves) => {
                halves.around(self.share).map(|(a, b, part)| Value::Float(number_between(float_of(a), float_of(b), part)))
            }
            Values::Durations(halves) => {
                halves.around(self.share).map(|(a, b, part)| Value::Duration(Duration(length_between(a, b, part))))
            }
            Values::Decimals(halves, scale) => halves.around(self.share).and_then(|(a, b, part)| decimal_between(a, b, part, *scale)),
        };
        value.unwrap_or_default()
    }

    /// About how many bytes are held.
    pub fn bytes(&self) -> usize {
        match &self.values {
            Values::Numbers(halves) | Values::Durations(halves) => halves.bytes(),
            Values::Decimals(halves, _) => halves.bytes(),
        }
    }
}

impl<V: Ord + Copy> Halves<V> {
    fn new() -> Self {
        let half = || Half { values: BTreeMap::new(), len: 0 };
        Self { rows: VecDeque::new(), low: half(), high: half() }
    }

    fn push(&mut self, value: Option<V>, share: f64) {
        self.rows.push_back(value);
        let Some(value) = value else { return };
        if self.low.last().is_some_and(|last| value <= last) {
            self.low.add(value);
        } else {
            self.high.add(value);
        }
        self.balance(share);
    }

    fn pop(&mut self, share: f64) {
        let Some(Some(value)) = self.rows.pop_front() else { return };
        if !self.low.remove(value) {
            self.high.remove(value);
        }
        self.balance(share);
    }

    /// The neighbours of the quantile, and how far it is from the one to the other; nothing of no values.
    fn around(&self, share: f64) -> Option<(V, V, f64)> {
        let below = self.low.last()?;
        let Neighbours { part, .. } = neighbours(share, self.low.len + self.high.len);
        Some((below, self.high.first().unwrap_or(below), part))
    }

    fn bytes(&self) -> usize {
        let entries = self.low.values.len() + self.high.values.len();
        self.rows.capacity() * size_of::<Option<V>>() + entries * 2 * size_of::<(V, usize)>()
    }

    /// The lower half ends with the lower neighbour.
    fn balance(&mut self, share: f64) {
        let len = self.low.len + self.high.len;
        let wanted = if len == 0 { 0 } else { neighbours(share, len).below + 1 };
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

impl<V: Saved + Ord> Saved for Halves<V> {
    fn save(&self, to: &mut StateWriter) {
        let Self { rows, low, high } = self;
        to.put(rows);
        for Half { values, len } in [low, high] {
            to.put(values);
            to.put(len);
        }
    }

    fn load(from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let rows = from.take()?;
        let mut half = || Ok(Half { values: from.take()?, len: from.take()? });
        Ok(Self { rows, low: half()?, high: half()? })
    }
}

impl<V: Ord + Copy> Half<V> {
    fn first(&self) -> Option<V> {
        self.values.first_key_value().map(|(value, _)| *value)
    }

    fn last(&self) -> Option<V> {
        self.values.last_key_value().map(|(value, _)| *value)
    }

    fn add(&mut self, value: V) {
        *self.values.entry(value).or_default() += 1;
        self.len += 1;
    }

    /// Whether the value was there.
    fn remove(&mut self, value: V) -> bool {
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
        let decimal = DataType::Decimal { precision: 10, scale: 2 };
        for (data_type, share) in [
            (DataType::Float, 0.5),
            (DataType::Duration, 0.9),
            (DataType::Int, 0.0),
            (DataType::Float, 1.0),
            (DataType::Float, 0.31),
            (decimal.clone(), 0.5),
            (decimal, 0.31),
        ] {
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
                        (_, DataType::Decimal { .. }) => Value::Decimal(rust_decimal::Decimal::new(number, 1)),
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
