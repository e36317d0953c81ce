//! Sums: exact for integers, decimals and lengths of time, compensated for floats.
//!
//! Exact sums are kept in 128 bits, so that only the result can overflow and never the order of the rows decide. Of floats the rounding errors
//! are summed beside the sum (Neumaier): the same rows in the same order give the same bits however they come in batches.

use rust_decimal::Decimal;

use crate::data::{DataType, Duration, Value};
use crate::expr::cast::fit_decimal;
use crate::expr::functions::division_scale;

/// A sum and the number of its terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Sum {
    count: u128,
    total: Total,
}

#[derive(Debug, Clone, PartialEq)]
enum Total {
    /// INT; `None` has left 128 bits.
    Int(Option<i128>),
    /// DURATION, in nanoseconds.
    Duration(Option<i128>),
    /// DECIMAL, in units of its last digit.
    Decimal(Option<i128>, u8),
    /// FLOAT: sum and the errors lost on the way.
    Float(f64, f64),
}

crate::saved!(Sum { count, total });
crate::saved!(enum Total { 0 => Int(sum), 1 => Duration(sum), 2 => Decimal(sum, scale), 3 => Float(sum, lost) });

impl Sum {
    /// The sum of nothing of this type.
    pub(super) fn new(data_type: &DataType) -> Self {
        let total = match data_type {
            DataType::Float => Total::Float(0.0, 0.0),
            DataType::Duration => Total::Duration(Some(0)),
            DataType::Decimal { scale, .. } => Total::Decimal(Some(0), *scale),
            _ => Total::Int(Some(0)),
        };
        Self { count: 0, total }
    }

    /// A sum that was found another way: of INT, DURATION or DECIMAL (in units of its last digit), of so many terms.
    pub(super) fn exact(data_type: &DataType, total: i128, count: u128) -> Self {
        let total = match data_type {
            DataType::Duration => Total::Duration(Some(total)),
            DataType::Decimal { scale, .. } => Total::Decimal(Some(total), *scale),
            _ => Total::Int(Some(total)),
        };
        Self { count, total }
    }

    pub(super) fn add(&mut self, value: &Value<'_>) {
        match (&mut self.total, value) {
            (_, Value::Null) => return,
            (Total::Int(total), Value::Int(v)) => add_exact(total, i128::from(*v)),
            (Total::Duration(total), Value::Duration(v)) => add_exact(total, i128::from(v.0)),
            (Total::Decimal(total, scale), Value::Decimal(v)) => {
                let mut v = *v;
                v.rescale(u32::from(*scale));
                add_exact(total, v.mantissa());
            }
            (Total::Float(sum, lost), Value::Float(v)) => add_float(sum, lost, *v),
            (_, other) => unreachable!("the checker has seen to it that no {} comes into this sum", other.type_of()),
        }
        self.count += 1;
    }

    /// Adds a FLOAT, if that is what is summed.
    #[inline]
    pub(super) fn add_float(&mut self, value: f64) -> bool {
        let Total::Float(sum, lost) = &mut self.total else { return false };
        add_float(sum, lost, value);
        self.count += 1;
        true
    }

    /// Adds an INT, if that is what is summed.
    #[inline]
    pub(super) fn add_int(&mut self, value: i64) -> bool {
        let Total::Int(total) = &mut self.total else { return false };
        add_exact(total, i128::from(value));
        self.count += 1;
        true
    }

    pub(super) fn merge(&mut self, later: &Self) {
        if self.count == 0 {
            *self = later.clone();
            return;
        }
        if later.count == 0 {
            return;
        }
        self.count += later.count;
        match (&mut self.total, &later.total) {
            (Total::Int(a), Total::Int(b)) | (Total::Duration(a), Total::Duration(b)) | (Total::Decimal(a, _), Total::Decimal(b, _)) => {
                match b {
                    Some(b) => add_exact(a, *b),
                    None => *a = None,
                }
            }
            (Total::Float(sum, lost), Total::Float(later_sum, later_lost)) => {
                add_float(sum, lost, *later_sum);
                *lost += later_lost;
            }
            _ => unreachable!("sums of one aggregate are of one type"),
        }
    }

    /// The sum, NULL for no terms; `None` where the type does not hold it.
    pub fn sum(&self) -> Option<Value<'static>> {
        if self.count == 0 {
            return Some(Value::Null);
        }
        Some(match &self.total {
            Total::Int(total) => Value::Int(i64::try_from((*total)?).ok()?),
            Total::Duration(total) => Value::Duration(Duration(i64::try_from((*total)?).ok()?)),
            Total::Decimal(total, scale) => Value::Decimal(decimal((*total)?, *scale)?),
            Total::Float(sum, lost) => Value::Float(float(*sum, *lost)),
        })
    }

    /// The mean, NULL for no terms; `None` where the type does not hold it.
    pub fn mean(&self) -> Option<Value<'static>> {
        if self.count == 0 {
            return Some(Value::Null);
        }
        Some(match &self.total {
            Total::Int(total) => Value::Float((*total)? as f64 / self.count as f64),
            Total::Duration(total) => {
                let mean = divide_rounded((*total)?, i128::try_from(self.count).ok()?)?;
                Value::Duration(Duration(i64::try_from(mean).ok()?))
            }
            Total::Decimal(total, scale) => {
                let digits = division_scale(*scale);
                let scaled = (*total)?.checked_mul(10i128.pow(u32::from(digits - scale)))?;
                Value::Decimal(decimal(divide_rounded(scaled, i128::try_from(self.count).ok()?)?, digits)?)
            }
            Total::Float(sum, lost) => Value::Float(float(*sum, *lost) / self.count as f64),
        })
    }
}

fn add_exact(total: &mut Option<i128>, value: i128) {
    *total = total.and_then(|total| total.checked_add(value));
}

fn add_float(sum: &mut f64, lost: &mut f64, value: f64) {
    let next = *sum + value;
    // What the larger of the two could not take of the smaller.
    *lost += if sum.abs() >= value.abs() { (*sum - next) + value } else { (value - next) + *sum };
    *sum = next;
}

/// Infinite sums have no meaningful errors.
fn float(sum: f64, lost: f64) -> f64 {
    if lost.is_finite() { sum + lost } else { sum }
}

/// So many units of the last digit, if there are not too many.
pub(super) fn decimal(units: i128, scale: u8) -> Option<Decimal> {
    fit_decimal(Decimal::try_from_i128_with_scale(units, u32::from(scale)).ok()?, 28, scale)
}

/// The nearest whole quotient, ties away from zero.
fn divide_rounded(a: i128, b: i128) -> Option<i128> {
    let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
    let away = rest.unsigned_abs() * 2 >= b.unsigned_abs();
    Some(if away { quotient + a.signum() } else { quotient })
}
