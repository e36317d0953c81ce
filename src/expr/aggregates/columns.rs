//! Many rows at once into many states of one aggregate: a loop over the column where its type has one, the same as row by row.

use arrow_array::{Array, ArrowPrimitiveType, PrimitiveArray};

use super::Accumulator;
use crate::data::{Column, Place, Value};

/// The states of one aggregate, by their slots.
pub trait States {
    /// The state at a slot.
    fn at(&mut self, slot: u32) -> &mut Accumulator;
}

/// Rows to take in.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'r> {
    /// The aggregate's arguments.
    pub args: &'r [Column],
    /// Rows of which it is not TRUE do not count.
    pub filter: Option<&'r Column>,
    /// The first row in these columns.
    pub first: usize,
    /// Where each row stands, from the first.
    pub places: &'r [Place],
}

impl Rows<'_> {
    #[inline]
    fn counts(&self, index: usize) -> bool {
        self.filter.is_none_or(|filter| filter.value(self.first + index).is_true())
    }
}

/// Takes rows in, each by the state at its slot, in their order.
pub fn update_rows(states: &mut impl States, slots: &[u32], rows: &Rows<'_>) {
    match rows.args {
        [] => {
            for (index, &slot) in slots.iter().enumerate().filter(|(index, _)| rows.counts(*index)) {
                states.at(slot).update(&[], rows.places[index]);
            }
        }
        [Column::Float(array)] => each(states, slots, rows, array, Accumulator::update_float, Value::Float),
        [Column::Int(array)] => each(states, slots, rows, array, Accumulator::update_int, Value::Int),
        [column] => {
            for (index, &slot) in slots.iter().enumerate().filter(|(index, _)| rows.counts(*index)) {
                states.at(slot).update(&[column.value(rows.first + index)], rows.places[index]);
            }
        }
        columns => {
            let mut values = Vec::with_capacity(columns.len());
            for (index, &slot) in slots.iter().enumerate().filter(|(index, _)| rows.counts(*index)) {
                values.clear();
                values.extend(columns.iter().map(|column| column.value(rows.first + index)));
                states.at(slot).update(&values, rows.places[index]);
            }
        }
    }
}

/// One column of words: `fast` takes what it can, and says so.
fn each<T: ArrowPrimitiveType>(
    states: &mut impl States,
    slots: &[u32],
    rows: &Rows<'_>,
    array: &PrimitiveArray<T>,
    fast: impl Fn(&mut Accumulator, T::Native) -> bool,
    value: impl Fn(T::Native) -> Value<'static>,
) {
    let values = &array.values()[rows.first..][..slots.len()];
    let counts_all = rows.filter.is_none() && array.null_count() == 0;
    for (index, (&slot, &native)) in slots.iter().zip(values).enumerate() {
        if !counts_all && !rows.counts(index) {
            continue;
        }
        let state = states.at(slot);
        if !counts_all && array.is_null(rows.first + index) {
            state.update(&[Value::Null], rows.places[index]);
        } else if !fast(state, native) {
            state.update(&[value(native)], rows.places[index]);
        }
    }
}

impl Accumulator {
    /// Takes a FLOAT, where that is worth a way of its own; says whether it did.
    #[inline]
    fn update_float(&mut self, value: f64) -> bool {
        match self {
            Self::Sum(sum) | Self::Avg(sum) => return sum.add_float(value),
            Self::CountValues(count) => *count += 1,
            Self::Extreme(Value::Float(best), wins) => {
                // The order of values: NaN above all and equal to itself.
                let (low, high) = if wins.is_lt() { (value, *best) } else { (*best, value) };
                if low < high || (!low.is_nan() && high.is_nan()) {
                    *best = value;
                }
            }
            _ => return false,
        }
        true
    }

    /// The same with an INT.
    #[inline]
    fn update_int(&mut self, value: i64) -> bool {
        match self {
            Self::Sum(sum) | Self::Avg(sum) => return sum.add_int(value),
            Self::CountValues(count) => *count += 1,
            Self::Extreme(Value::Int(best), wins) => {
                if value.cmp(best) == *wins {
                    *best = value;
                }
            }
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataType, Timestamp};
    use crate::expr::aggregates::{AggregateKind as K, all};

    struct Own(Vec<Accumulator>);

    impl States for Own {
        fn at(&mut self, slot: u32) -> &mut Accumulator {
            &mut self.0[slot as usize]
        }
    }

    /// NULLs, NaN, both zeros, large and small.
    fn column(data_type: &DataType, noise: &mut impl FnMut(u64) -> u64) -> Column {
        let floats = [f64::NAN, -0.0, 0.0, 1e300, -1e300, 0.1, 2.5, -7.25, f64::INFINITY];
        let value = |n: u64| match data_type {
            DataType::Int => Value::Int(i64::try_from(n).unwrap() - 4),
            DataType::Float => Value::Float(floats[usize::try_from(n).unwrap()]),
            DataType::Bool => Value::Bool(n > 4),
            _ => Value::string(n.to_string()),
        };
        Column::from_values(data_type, (0..200).map(|_| noise(10)).map(|n| if n == 9 { Value::Null } else { value(n) }))
    }

    #[test]
    fn rows_together_are_as_rows_one_by_one() {
        let mut state = 99u64;
        let mut noise = |bound: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) % bound
        };
        let places: Vec<Place> = (1..=200).map(|position| Place::event(Timestamp(0), position)).collect();
        let mut tried = 0;
        for aggregate in all() {
            let two = matches!(aggregate.kind, K::Quantile | K::ArgMin | K::ArgMax);
            for data_type in [DataType::Int, DataType::Float, DataType::Bool, DataType::String] {
                let types = if two { vec![data_type.clone(), DataType::Float] } else { vec![data_type.clone()] };
                for (distinct, is_filtered) in [(false, false), (false, true), (true, false)] {
                    if aggregate.resolve(&types, distinct).is_err() {
                        continue;
                    }
                    let args: Vec<Column> = types.iter().map(|data_type| column(data_type, &mut noise)).collect();
                    let filter = is_filtered.then(|| column(&DataType::Bool, &mut noise));
                    let slots: Vec<u32> = (0..150).map(|_| u32::try_from(noise(5)).unwrap()).collect();
                    let fresh = || Accumulator::new(aggregate, &types, distinct);
                    let (mut together, mut apart) = (Own((0..5).map(|_| fresh()).collect()), Own((0..5).map(|_| fresh()).collect()));
                    update_rows(&mut together, &slots, &Rows { args: &args, filter: filter.as_ref(), first: 30, places: &places[30..180] });
                    for (index, &slot) in slots.iter().enumerate() {
                        if filter.as_ref().is_none_or(|filter| filter.value(30 + index).is_true()) {
                            let values: Vec<Value<'_>> = args.iter().map(|column| column.value(30 + index)).collect();
                            apart.at(slot).update(&values, places[30 + index]);
                        }
                    }
                    assert_eq!(format!("{:?}", together.0), format!("{:?}", apart.0), "{} of {data_type}", aggregate.name);
                    tried += 1;
                }
            }
        }
        assert!(tried > 60, "{tried}");
    }
}
