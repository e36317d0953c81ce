//! Quantiles and the median: all values are kept, and sorted when asked. Between two neighbours the value is interpolated, as in SQL's
//! PERCENTILE_CONT. Lengths of time stay whole nanoseconds, and decimals are decimals.

use rust_decimal::Decimal;

use super::sum::decimal;
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
    /// In units of the last digit, with how many digits there are behind the point.
    Decimals(Vec<i128>, u8),
}

crate::saved!(Quantile { samples, share });
crate::saved!(enum Samples { 0 => Numbers(values), 1 => Durations(values), 2 => Decimals(values, scale) });

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

/// How many digits behind the point a quantile of decimals has: what lies in the middle of two has one more than they.
pub(super) fn quantile_scale(scale: u8) -> u8 {
    (scale + 1).clamp(6, 28)
}

/// The same for decimals of so many digits behind the point; nothing where the type does not hold it.
pub(super) fn decimal_between(a: i128, b: i128, part: f64, scale: u8) -> Option<Value<'static>> {
    /// The part is a whole number of these.
    const PARTS: i128 = 1 << 53;
    let digits = quantile_scale(scale);
    let unit = 10i128.pow(u32::from(digits.saturating_sub(scale)));
    let (a, b) = (a.checked_mul(unit)?, b.checked_mul(unit)?);
    let (distance, part) = (b.checked_sub(a)?, (part * PARTS as f64) as i128);
    let rest = distance % PARTS * part;
    let below = a.checked_add((distance / PARTS).checked_mul(part)?)?.checked_add(rest.div_euclid(PARTS))?;
    // Half a unit goes away from zero.
    let is_up = match (rest.rem_euclid(PARTS) * 2).cmp(&PARTS) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => below >= 0,
        std::cmp::Ordering::Greater => true,
    };
    decimal(below + i128::from(is_up), digits).map(Value::Decimal)
}

/// A decimal in units of its last digit but so many.
pub(super) fn units(mut value: Decimal, scale: u8) -> i128 {
    value.rescale(u32::from(scale));
    value.mantissa()
}

impl Quantile {
    /// Nothing yet of this type; the median asks for the share 0.5, a quantile takes it from its rows.
    pub(super) fn new(data_type: &DataType, share: Option<f64>) -> Self {
        let samples = match data_type {
            DataType::Duration => Samples::Durations(Vec::new()),
            DataType::Decimal { scale, .. } => Samples::Decimals(Vec::new(), *scale),
            _ => Samples::Numbers(Vec::new()),
        };
        Self { samples, share }
    }

    pub(super) fn add(&mut self, args: &[Value<'_>]) {
        if let Some(share) = args.get(1).and_then(to_float) {
            self.share = Some(share);
        }
        match (&mut self.samples, &args[0]) {
            (_, Value::Null) => {}
            (Samples::Durations(samples), Value::Duration(v)) => samples.push(v.0),
            (Samples::Decimals(samples, scale), Value::Decimal(v)) => samples.push(units(*v, *scale)),
            (Samples::Durations(_) | Samples::Decimals(..), other) => {
                unreachable!("the checker has seen to it that no {} comes here", other.type_of())
            }
            (Samples::Numbers(samples), value) => samples.extend(to_float(value)),
        }
    }

    pub(super) fn merge(&mut self, later: &Self) {
        match (&mut self.samples, &later.samples) {
            (Samples::Numbers(a), Samples::Numbers(b)) => a.extend(b),
            (Samples::Durations(a), Samples::Durations(b)) => a.extend(b),
            (Samples::Decimals(a, _), Samples::Decimals(b, _)) => a.extend(b),
            _ => unreachable!("states of one aggregate are of one type"),
        }
        self.share = later.share.or(self.share);
    }

    /// NULL for no values; `None` for a share that is none, or a decimal that its type does not hold.
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
            Samples::Decimals(samples, scale) => {
                let mut sorted = samples.clone();
                sorted.sort_unstable();
                decimal_between(sorted[below], sorted[above], part, *scale)?
            }
        })
    }

    fn len(&self) -> usize {
        match &self.samples {
            Samples::Numbers(samples) => samples.len(),
            Samples::Durations(samples) => samples.len(),
            Samples::Decimals(samples, _) => samples.len(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match &self.samples {
            Samples::Numbers(samples) => samples.capacity() * size_of::<f64>(),
            Samples::Durations(samples) => samples.capacity() * size_of::<i64>(),
            Samples::Decimals(samples, _) => samples.capacity() * size_of::<i128>(),
        }
    }
}
