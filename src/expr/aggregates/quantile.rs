//! Quantiles and the median: all values are kept, and sorted when asked. Between two neighbours the value is interpolated, as in SQL's
//! PERCENTILE_CONT. Lengths of time stay whole nanoseconds.

use crate::data::{DataType, Duration, Value};
use crate::expr::cast::to_float;

/// The values so far and the share asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantile {
    samples: Samples,
    share: Option<f64>,
}

#[derive(Debug, Clone, PartialEq)]
enum Samples {
    Numbers(Vec<f64>),
    Durations(Vec<i64>),
}

crate::saved!(Quantile { samples, share });
crate::saved!(enum Samples { 0 => Numbers(values), 1 => Durations(values) });

/// Where a quantile lies among sorted values: the numbers of its neighbours, and how far it is from the one to the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbours {
    pub(super) below: usize,
    pub(super) above: usize,
    pub(super) part: f64,
}

/// The neighbours of a share among so many values, at least one.
pub(super) fn neighbours(share: f64, len: usize) -> Neighbours {
    let at = share * (len - 1) as f64;
    let below = at.floor() as usize;
    Neighbours { below, above: (below + 1).min(len - 1), part: at - at.floor() }
}

/// So far from `a` to `b`.
pub(super) fn number_between(a: f64, b: f64, part: f64) -> f64 {
    if part == 0.0 { a } else { a + (b - a) * part }
}

/// The same for whole lengths. The distance may need 65 bits; its share of it never leads beyond the neighbour.
pub(super) fn length_between(a: i64, b: i64, part: f64) -> i64 {
    let distance = (i128::from(b) - i128::from(a)) as f64;
    let value = i128::from(a) + (distance * part).round() as i128;
    i64::try_from(value).unwrap_or(b)
}

impl Quantile {
    /// Nothing yet of this type; the median asks for the share 0.5, a quantile takes it from its rows.
    pub(super) fn new(data_type: &DataType, share: Option<f64>) -> Self {
        let samples = if *data_type == DataType::Duration { Samples::Durations(Vec::new()) } else { Samples::Numbers(Vec::new()) };
        Self { samples, share }
    }

    pub(super) fn add(&mut self, args: &[Value<'_>]) {
        if let Some(share) = args.get(1).and_then(to_float) {
            self.share = Some(share);
        }
        match (&mut self.samples, &args[0]) {
            (_, Value::Null) => {}
            (Samples::Durations(samples), Value::Duration(v)) => samples.push(v.0),
            (Samples::Durations(_), other) => unreachable!("the checker has seen to it that no {} comes here", other.type_of()),
            (Samples::Numbers(samples), value) => samples.extend(to_float(value)),
        }
    }

    pub(super) fn merge(&mut self, later: &Self) {
        match (&mut self.samples, &later.samples) {
            (Samples::Numbers(a), Samples::Numbers(b)) => a.extend(b),
            (Samples::Durations(a), Samples::Durations(b)) => a.extend(b),
            _ => unreachable!("states of one aggregate are of one type"),
        }
        self.share = later.share.or(self.share);
    }

    /// NULL for no values; `None` for a share that is none.
    pub(super) fn value(&self) -> Option<Value<'static>> {
        let (len, Some(share)) = (self.len(), self.share) else { return Some(Value::Null) };
        if len == 0 {
            return Some(Value::Null);
        }
        if !(0.0..=1.0).contains(&share) {
            return None;
        }
        let Neighbours { below, above, part } = neighbours(share, len);
        Some(match &self.samples {
            Samples::Numbers(samples) => {
                let mut sorted = samples.clone();
                sorted.sort_by(f64::total_cmp);
                let (a, b) = (sorted[below], sorted[above]);
                Value::Float(number_between(a, b, part))
            }
            Samples::Durations(samples) => {
                let mut sorted = samples.clone();
                sorted.sort_unstable();
                let (a, b) = (sorted[below], sorted[above]);
                Value::Duration(Duration(length_between(a, b, part)))
            }
        })
    }

    fn len(&self) -> usize {
        match &self.samples {
            Samples::Numbers(samples) => samples.len(),
            Samples::Durations(samples) => samples.len(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match &self.samples {
            Samples::Numbers(samples) => samples.capacity() * size_of::<f64>(),
            Samples::Durations(samples) => samples.capacity() * size_of::<i64>(),
        }
    }
}
