//! The aggregates of the language: one table, and the state that each keeps.
//!
//! Rows come in with their place in the total order; states of parts that follow each other merge into the state of the whole. NULLs do not
//! count, except in COUNT(*), FIRST, LAST and ARRAY_AGG, which speak of rows. Over no rows COUNT is 0 and everything else NULL.

mod accumulator;
mod columns;
mod custom;
mod moving_quantile;
mod quantile;
mod spread;
mod sum;

pub use accumulator::Accumulator;
pub use columns::{Rows, States, update_rows};
pub use custom::{AggregateFunction, AggregateState, CustomAggregate, CustomState, RegisteredAggregate, bring_calls};
pub use moving_quantile::MovingQuantile;
pub use sum::Sum;

use std::fmt;
use std::sync::Arc;

use super::TypeError;
use super::functions::division_scale;
use crate::data::DataType;

/// What an aggregate computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table says what they are")]
pub enum AggregateKind {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    First,
    Last,
    Stddev,
    Variance,
    StddevPop,
    VarPop,
    Median,
    Quantile,
    ArrayAgg,
    ArgMin,
    ArgMax,
    BoolAnd,
    BoolOr,
}

/// An aggregate of the language.
pub struct Aggregate {
    /// Its name, in upper case.
    pub name: &'static str,
    /// Other names of it.
    pub aliases: &'static [&'static str],
    /// How it is written.
    pub signature: &'static str,
    /// What it does, in one or two sentences.
    pub doc: &'static str,
    /// What it computes.
    pub kind: AggregateKind,
}

impl fmt::Debug for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What a call is of: an aggregate of the language, or one that the user of the library brought, on arguments of certain types.
#[derive(Clone)]
pub enum AnyAggregate {
    /// One of the table.
    BuiltIn(&'static Aggregate),
    /// One of the user's own.
    Custom(Arc<CustomAggregate>),
}

impl AnyAggregate {
    /// Its name, in upper case.
    pub fn name(&self) -> &str {
        match self {
            Self::BuiltIn(aggregate) => aggregate.name,
            Self::Custom(custom) => custom.name(),
        }
    }

    /// What it computes, where the language says so.
    pub fn kind(&self) -> Option<AggregateKind> {
        match self {
            Self::BuiltIn(aggregate) => Some(aggregate.kind),
            Self::Custom(_) => None,
        }
    }

    /// Whether its state becomes larger with each row.
    pub fn grows(&self) -> bool {
        match self {
            Self::BuiltIn(aggregate) => matches!(aggregate.kind, K::Median | K::Quantile | K::ArrayAgg),
            Self::Custom(custom) => custom.grows(),
        }
    }

    /// The call, where it is of an aggregate of the user's own.
    pub fn as_custom(&self) -> Option<&Arc<CustomAggregate>> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Custom(custom) => Some(custom),
        }
    }
}

impl From<&'static Aggregate> for AnyAggregate {
    fn from(aggregate: &'static Aggregate) -> Self {
        Self::BuiltIn(aggregate)
    }
}

impl PartialEq for AnyAggregate {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::BuiltIn(a), Self::BuiltIn(b)) => std::ptr::eq(*a, *b),
            (Self::Custom(a), Self::Custom(b)) => a == b,
            (Self::BuiltIn(_) | Self::Custom(_), _) => false,
        }
    }
}

impl fmt::Debug for AnyAggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(aggregate) => aggregate.fmt(f),
            Self::Custom(custom) => custom.fmt(f),
        }
    }
}

const fn aggregate(
    kind: AggregateKind,
    name: &'static str,
    aliases: &'static [&'static str],
    signature: &'static str,
    doc: &'static str,
) -> Aggregate {
    Aggregate { name, aliases, signature, doc, kind }
}

use AggregateKind as K;

/// A sum of INT, DURATION or DECIMAL values (in units of its last digit) that was found without adding them up one by one.
pub fn sum_of(data_type: &DataType, total: i128, count: u128) -> Sum {
    Sum::exact(data_type, total, count)
}

static AGGREGATES: [Aggregate; 18] = [
    aggregate(K::Count, "COUNT", &[], "COUNT(*), COUNT([DISTINCT] x)", "The number of rows, or of those in which x is not NULL."),
    aggregate(K::Sum, "SUM", &[], "SUM([DISTINCT] x)", "The sum of numbers or DURATIONs; NULL where it overflows."),
    aggregate(K::Avg, "AVG", &["MEAN"], "AVG([DISTINCT] x)", "The mean: a FLOAT for INTs, else of the kind of x."),
    aggregate(K::Min, "MIN", &[], "MIN(x)", "The smallest value."),
    aggregate(K::Max, "MAX", &[], "MAX(x)", "The largest value."),
    aggregate(K::First, "FIRST", &["FIRST_VALUE"], "FIRST(x)", "The value of the first row, be it NULL."),
    aggregate(K::Last, "LAST", &["LAST_VALUE"], "LAST(x)", "The value of the last row, be it NULL."),
    aggregate(K::Stddev, "STDDEV", &["STDDEV_SAMP"], "STDDEV(x)", "The standard deviation of the sample; NULL for less than two values."),
    aggregate(K::Variance, "VARIANCE", &["VAR", "VAR_SAMP"], "VARIANCE(x)", "The variance of the sample; NULL for less than two values."),
    aggregate(K::StddevPop, "STDDEV_POP", &[], "STDDEV_POP(x)", "The standard deviation of the population."),
    aggregate(K::VarPop, "VAR_POP", &[], "VAR_POP(x)", "The variance of the population."),
    aggregate(K::Median, "MEDIAN", &[], "MEDIAN(x)", "The value in the middle, or between the two there; of DECIMALs an exact one."),
    aggregate(
        K::Quantile,
        "QUANTILE",
        &["PERCENTILE_CONT"],
        "QUANTILE(x, q)",
        "The value below which the share q of the values lies, between neighbours by their distance.",
    ),
    aggregate(
        K::ArrayAgg,
        "ARRAY_AGG",
        &["COLLECT_LIST"],
        "ARRAY_AGG([DISTINCT] x)",
        "All values as a list in the order of the rows, NULLs among them.",
    ),
    aggregate(K::ArgMin, "ARG_MIN", &["MIN_BY"], "ARG_MIN(x, by)", "x of the first row in which `by` is smallest."),
    aggregate(K::ArgMax, "ARG_MAX", &["MAX_BY"], "ARG_MAX(x, by)", "x of the first row in which `by` is largest."),
    aggregate(K::BoolAnd, "BOOL_AND", &["EVERY"], "BOOL_AND(x)", "Whether x is true in all rows."),
    aggregate(K::BoolOr, "BOOL_OR", &["SOME"], "BOOL_OR(x)", "Whether x is true in some row."),
];

/// All aggregates.
pub fn all() -> impl Iterator<Item = &'static Aggregate> {
    AGGREGATES.iter()
}

/// The aggregate of this name, in any case.
pub fn lookup(name: &str) -> Option<&'static Aggregate> {
    all().find(|a| a.name.eq_ignore_ascii_case(name) || a.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name)))
}

impl Aggregate {
    /// The type of the result over arguments of these types; `COUNT(*)` has none.
    pub fn resolve(&self, args: &[DataType], distinct: bool) -> Result<DataType, TypeError> {
        let wrong = |expected: &str| TypeError::new(self.name, args.to_vec(), expected);
        let count = match self.kind {
            K::Quantile | K::ArgMin | K::ArgMax => 2,
            _ => 1,
        };
        if self.kind == K::Count && args.is_empty() {
            return if distinct { Err(wrong("a value behind DISTINCT")) } else { Ok(DataType::Int) };
        }
        if args.len() != count {
            return Err(wrong(if count == 1 { "1 argument" } else { "2 arguments" }));
        }
        if distinct && count == 2 {
            return Err(wrong("no DISTINCT"));
        }
        let first = &args[0];
        let fits = match self.kind {
            K::Count | K::First | K::Last | K::ArrayAgg | K::ArgMin | K::ArgMax => true,
            K::Sum | K::Avg | K::Median | K::Quantile => first.is_numeric() || *first == DataType::Duration,
            K::Stddev | K::Variance | K::StddevPop | K::VarPop => first.is_numeric(),
            K::Min | K::Max => is_ordered(first),
            K::BoolAnd | K::BoolOr => *first == DataType::Bool,
        };
        if !fits && *first != DataType::Null {
            return Err(wrong(self.expectation()).at(0));
        }
        match self.kind {
            K::Quantile if !args[1].is_numeric() => Err(wrong("a number from 0 to 1").at(1)),
            K::ArgMin | K::ArgMax if !is_ordered(&args[1]) => Err(wrong("a value that has an order").at(1)),
            _ => Ok(self.result(first)),
        }
    }

    fn expectation(&self) -> &'static str {
        match self.kind {
            K::Sum | K::Avg | K::Median | K::Quantile => "a number or a DURATION",
            K::Stddev | K::Variance | K::StddevPop | K::VarPop => "a number",
            K::BoolAnd | K::BoolOr => "a condition (BOOL)",
            K::Min | K::Max | K::Count | K::First | K::Last | K::ArrayAgg | K::ArgMin | K::ArgMax => "a value that has an order",
        }
    }

    fn result(&self, first: &DataType) -> DataType {
        match (self.kind, first) {
            (K::Count, _) => DataType::Int,
            (K::Sum, DataType::Null) => DataType::Int,
            (K::Sum, DataType::Decimal { scale, .. }) => DataType::Decimal { precision: 28, scale: *scale },
            (K::Avg, DataType::Decimal { scale, .. }) => DataType::Decimal { precision: 28, scale: division_scale(*scale) },
            (K::Median | K::Quantile, DataType::Decimal { scale, .. }) => {
                DataType::Decimal { precision: 28, scale: quantile::quantile_scale(*scale) }
            }
            (K::Avg | K::Median | K::Quantile, DataType::Duration) => DataType::Duration,
            (K::Avg | K::Median | K::Quantile | K::Stddev | K::Variance | K::StddevPop | K::VarPop, _) => DataType::Float,
            (K::ArrayAgg, item) => DataType::List(Arc::new(item.clone())),
            (K::BoolAnd | K::BoolOr, _) => DataType::Bool,
            (K::Sum | K::Min | K::Max | K::First | K::Last | K::ArgMin | K::ArgMax, same) => same.clone(),
        }
    }
}

fn is_ordered(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(_) | DataType::Struct(_) | DataType::Json => false,
        DataType::Null
        | DataType::Bool
        | DataType::Int
        | DataType::Float
        | DataType::Decimal { .. }
        | DataType::String
        | DataType::Timestamp
        | DataType::Duration => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_results() {
        let of = |name: &str, args: &[DataType]| lookup(name).unwrap().resolve(args, false);
        let decimal = |precision, scale| DataType::Decimal { precision, scale };
        assert_eq!(of("count", &[]), Ok(DataType::Int));
        assert_eq!(of("AVG", &[DataType::Int]), Ok(DataType::Float));
        assert_eq!(of("AVG", &[decimal(10, 2)]), Ok(decimal(28, 6)));
        assert_eq!(of("SUM", &[DataType::Duration]), Ok(DataType::Duration));
        assert_eq!(of("ARRAY_AGG", &[DataType::Int]), Ok(DataType::List(Arc::new(DataType::Int))));
        assert_eq!(of("EVERY", &[DataType::Bool]), Ok(DataType::Bool));
        assert_eq!(of("ARG_MAX", &[DataType::String, DataType::Int]), Ok(DataType::String));
        assert_eq!(
            of("SUM", &[DataType::String]).unwrap_err().to_string(),
            "SUM expects a number or a DURATION as argument 1, found STRING"
        );
        assert!(of("QUANTILE", &[DataType::Int]).is_err());
        assert!(lookup("COUNT").unwrap().resolve(&[], true).is_err());
        assert!(lookup("nope").is_none());
    }
}
