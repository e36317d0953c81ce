//! Joins bounded in time: two inputs in the total order (0: left, 1: right), pairs and unmatched rows out.
//!
//! Keys that hold a NULL pair with nothing. State goes as time passes: each row is kept while a partner can still come.

mod asof;
mod blocks;
mod interval;
mod side;
#[cfg(test)]
mod tests;

pub use asof::AsOfJoin;
pub use interval::IntervalJoin;

use crate::data::Schema;
use crate::operators::Operator;
use crate::spec::{JoinKind, JoinSpec};

/// The operator of a join of rows of these columns. Its one port has the columns that [`JoinSpec`] says.
pub fn new(spec: JoinSpec, left: &Schema, right: &Schema) -> Box<dyn Operator> {
    match spec.kind {
        JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full | JoinKind::Semi | JoinKind::Anti => {
            Box::new(IntervalJoin::new(spec, left, right))
        }
        JoinKind::AsOf | JoinKind::LeftAsOf => Box::new(AsOfJoin::new(spec, right)),
    }
}
