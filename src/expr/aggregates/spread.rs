//! Variance and standard deviation, by Welford's running mean and squared distances; parts merge as Chan et al. do.

use crate::data::Value;
use crate::expr::cast::to_float;

/// Number, mean, and sum of squared distances from it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Spread {
    count: u64,
    mean: f64,
    squares: f64,
}

crate::saved!(Spread { count, mean, squares });

impl Spread {
    pub(super) fn add(&mut self, value: &Value<'_>) {
        if value.is_null() {
            return;
        }
        let Some(x) = to_float(value) else { return };
        self.count += 1;
        let distance = x - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (x - self.mean);
    }

    pub(super) fn merge(&mut self, later: &Self) {
        if self.count == 0 {
            *self = *later;
            return;
        }
        if later.count == 0 {
            return;
        }
        let (a, b) = (self.count as f64, later.count as f64);
        let distance = later.mean - self.mean;
        self.count += later.count;
        self.mean += distance * b / (a + b);
        self.squares += later.squares + distance * distance * a * b / (a + b);
    }

    /// Divided by one less than the number of values for a sample, by their number for a population.
    pub(super) fn variance(&self, of_sample: bool) -> Option<f64> {
        let divisor = self.count.checked_sub(u64::from(of_sample))?;
        (divisor > 0).then(|| self.squares / divisor as f64)
    }
}
