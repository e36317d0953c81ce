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
        let at = share * (len - 1) as f64;
        let (below, part) = (at.floor() as usize, at - at.floor());
        let above = (below + 1).min(len - 1);
        Some(match &self.samples {
            Samples::Numbers(samples) => {
                let mut sorted = samples.clone();
                sorted.sort_by(f64::total_cmp);
                let (a, b) = (sorted[below], sorted[above]);
                Value::Float(if part == 0.0 { a } else { a + (b - a) * part })
            }
            Samples::Durations(samples) => {
                let mut sorted = samples.clone();
                sorted.sort_unstable();
                let (a, b) = (sorted[below], sorted[above]);
                // The distance may need 65 bits; its share of it never leads beyond the neighbour.
                let distance = (i128::from(b) - i128::from(a)) as f64;
                let value = i128::from(a) + (distance * part).round() as i128;
                Value::Duration(Duration(i64::try_from(value).unwrap_or(b)))
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
