//! The state of one aggregate over the rows that it has seen.
//!
//! Rows come with their places; what depends on the order of rows (FIRST, LAST, ARRAY_AGG, ties of ARG_MIN) follows the places, so a row that
//! comes in late into the state, but not into the order, changes nothing. `merge` takes the state of later rows into that of earlier ones; it is
//! associative, and with an empty state on either side it is the other.

use std::cmp::Ordering;

use super::custom::CustomState;
use super::quantile::Quantile;
use super::spread::Spread;
use super::sum::Sum;
use super::{Aggregate, AggregateKind as K, AnyAggregate};
use crate::data::{DataType, Key, KeyBuffer, KeyTable, Place, Value};

/// The state of an aggregate.
#[derive(Debug, Clone, PartialEq)]
pub enum Accumulator {
    /// COUNT(*): rows.
    CountRows(u64),
    /// COUNT(x): values.
    CountValues(u64),
    /// SUM.
    Sum(Sum),
    /// AVG.
    Avg(Sum),
    /// MIN, MAX: the value, and how a new one must stand to it to replace it.
    Extreme(Value<'static>, Ordering),
    /// FIRST.
    First(Option<(Place, Value<'static>)>),
    /// LAST.
    Last(Option<(Place, Value<'static>)>),
    /// VARIANCE, STDDEV and their kin.
    Spread(Spread, SpreadKind),
    /// MEDIAN, QUANTILE.
    Quantile(Quantile),
    /// ARRAY_AGG: by place.
    List(Vec<(Place, Value<'static>)>),
    /// ARG_MIN, ARG_MAX: the best row's place, `by` and value, and how a new `by` must stand to it to replace it.
    Arg(Option<Box<(Place, Value<'static>, Value<'static>)>>, Ordering),
    /// BOOL_AND (decided by FALSE), BOOL_OR (decided by TRUE): the value so far, and what decides.
    Bool(Option<bool>, bool),
    /// DISTINCT before any of them.
    Distinct(Box<Distinct>),
    /// An aggregate of the user's own.
    Custom(Box<CustomState>),
}

crate::saved!(enum Accumulator {
    0 => CountRows(count),
    1 => CountValues(count),
    2 => Sum(sum),
    3 => Avg(sum),
    4 => Extreme(value, wins),
    5 => First(row),
    6 => Last(row),
    7 => Spread(spread, kind),
    8 => Quantile(quantile),
    9 => List(items),
    10 => Arg(best, wins),
    11 => Bool(state, decides),
    12 => Distinct(distinct),
    13 => Custom(state),
});
crate::saved!(SpreadKind { of_sample, root });
crate::saved!(Distinct { seen, places, inner });

/// Which measure of spread is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpreadKind {
    of_sample: bool,
    root: bool,
}

/// Passes on the first of equal values.
#[derive(Debug, Clone, PartialEq)]
pub struct Distinct {
    seen: KeyTable,
    /// Where each first came, by its number.
    places: Vec<Place>,
    inner: Accumulator,
}

impl Accumulator {
    /// The state of no rows. The types are those that [`Aggregate::resolve`] has accepted.
    pub fn new(aggregate: &Aggregate, args: &[DataType], distinct: bool) -> Self {
        let first = args.first().unwrap_or(&DataType::Null);
        let spread = |of_sample, root| Self::Spread(Spread::default(), SpreadKind { of_sample, root });
        let inner = match aggregate.kind {
            K::Count if args.is_empty() => Self::CountRows(0),
            K::Count => Self::CountValues(0),
            K::Sum => Self::Sum(Sum::new(first)),
            K::Avg => Self::Avg(Sum::new(first)),
            K::Min => Self::Extreme(Value::Null, Ordering::Less),
            K::Max => Self::Extreme(Value::Null, Ordering::Greater),
            K::First => Self::First(None),
            K::Last => Self::Last(None),
            K::Stddev => spread(true, true),
            K::Variance => spread(true, false),
            K::StddevPop => spread(false, true),
            K::VarPop => spread(false, false),
            K::Median => Self::Quantile(Quantile::new(first, Some(0.5))),
            K::Quantile => Self::Quantile(Quantile::new(first, None)),
            K::ArrayAgg => Self::List(Vec::new()),
            K::ArgMin => Self::Arg(None, Ordering::Less),
            K::ArgMax => Self::Arg(None, Ordering::Greater),
            K::BoolAnd => Self::Bool(None, false),
            K::BoolOr => Self::Bool(None, true),
        };
        inner.made_distinct(distinct)
    }

    /// The state of no rows of any aggregate.
    pub fn of(aggregate: &AnyAggregate, args: &[DataType], distinct: bool) -> Self {
        match aggregate {
            AnyAggregate::BuiltIn(aggregate) => Self::new(aggregate, args, distinct),
            AnyAggregate::Custom(custom) => Self::Custom(Box::new(CustomState::new(custom))).made_distinct(distinct),
        }
    }

    fn made_distinct(self, distinct: bool) -> Self {
        if distinct { Self::Distinct(Box::new(Distinct { seen: KeyTable::new(), places: Vec::new(), inner: self })) } else { self }
    }

    /// Takes a row: the values of the aggregate's arguments, and where it stands.
    pub fn update(&mut self, args: &[Value<'_>], place: Place) {
        match self {
            Self::CountRows(count) => *count += 1,
            Self::CountValues(count) => *count += u64::from(!args[0].is_null()),
            Self::Sum(sum) | Self::Avg(sum) => sum.add(&args[0]),
            Self::Extreme(best, wins) => replace_if(best, &args[0], *wins),
            Self::First(first) => {
                if first.as_ref().is_none_or(|(at, _)| place < *at) {
                    *first = Some((place, args[0].clone().into_owned()));
                }
            }
            Self::Last(last) => {
                if last.as_ref().is_none_or(|(at, _)| place >= *at) {
                    *last = Some((place, args[0].clone().into_owned()));
                }
            }
            Self::Spread(spread, _) => spread.add(&args[0]),
            Self::Quantile(quantile) => quantile.add(args),
            Self::List(items) => insert_at(items, place, args[0].clone().into_owned()),
            Self::Arg(best, wins) => {
                if is_better(best.as_deref(), &args[1], place, *wins) {
                    *best = Some(Box::new((place, args[1].clone().into_owned(), args[0].clone().into_owned())));
                }
            }
            Self::Bool(state, decides) => {
                if let Value::Bool(value) = args[0] {
                    *state = Some(combine(*state, value, *decides));
                }
            }
            Self::Distinct(distinct) => distinct.update(&args[0], place),
            Self::Custom(state) => state.update(args),
        }
    }

    /// Takes in the state of later rows.
    pub fn merge(&mut self, later: &Self) {
        match (self, later) {
            (Self::CountRows(a), Self::CountRows(b)) | (Self::CountValues(a), Self::CountValues(b)) => *a += b,
            (Self::Sum(a), Self::Sum(b)) | (Self::Avg(a), Self::Avg(b)) => a.merge(b),
            (Self::Extreme(a, wins), Self::Extreme(b, _)) => replace_if(a, b, *wins),
            (Self::First(a), Self::First(b)) => {
                if let Some((place, _)) = b
                    && a.as_ref().is_none_or(|(at, _)| place < at)
                {
                    a.clone_from(b);
                }
            }
            (Self::Last(a), Self::Last(b)) => {
                if let Some((place, _)) = b
                    && a.as_ref().is_none_or(|(at, _)| place >= at)
                {
                    a.clone_from(b);
                }
            }
            (Self::Spread(a, _), Self::Spread(b, _)) => a.merge(b),
            (Self::Quantile(a), Self::Quantile(b)) => a.merge(b),
            (Self::List(a), Self::List(b)) => b.iter().for_each(|(place, value)| insert_at(a, *place, value.clone())),
            (Self::Arg(a, wins), Self::Arg(b, _)) => {
                if let Some(candidate) = b
                    && is_better(a.as_deref(), &candidate.1, candidate.0, *wins)
                {
                    a.clone_from(b);
                }
            }
            (Self::Bool(a, decides), Self::Bool(Some(b), _)) => *a = Some(combine(*a, *b, *decides)),
            (Self::Bool(..), Self::Bool(None, _)) => {}
            (Self::Distinct(a), Self::Distinct(b)) => a.merge(b),
            (Self::Custom(a), Self::Custom(b)) => a.merge(b),
            (a, b) => unreachable!("states of one aggregate are of one kind, not {a:?} and {b:?}"),
        }
    }

    /// The aggregate's value over the rows so far. Where the type does not hold it, it is NULL and [`Accumulator::has_overflowed`] says so.
    pub fn value(&self) -> Value<'static> {
        self.checked_value().unwrap_or_default()
    }

    /// Whether the value is NULL because its type does not hold it: to be counted as one that evaluation made up.
    pub fn has_overflowed(&self) -> bool {
        self.checked_value().is_none()
    }

    fn checked_value(&self) -> Option<Value<'static>> {
        Some(match self {
            Self::CountRows(count) | Self::CountValues(count) => Value::Int(i64::try_from(*count).ok()?),
            Self::Sum(sum) => sum.sum()?,
            Self::Avg(sum) => sum.mean()?,
            Self::Extreme(value, _) => value.clone(),
            Self::First(row) | Self::Last(row) => row.as_ref().map(|(_, value)| value.clone()).unwrap_or_default(),
            Self::Spread(spread, kind) => {
                let variance = spread.variance(kind.of_sample);
                variance.map(|v| if kind.root { v.sqrt() } else { v }).map_or(Value::Null, Value::Float)
            }
            Self::Quantile(quantile) => quantile.value()?,
            Self::List(items) if items.is_empty() => Value::Null,
            Self::List(items) => Value::List(items.iter().map(|(_, value)| value.clone()).collect()),
            Self::Arg(best, _) => best.as_ref().map(|row| row.2.clone()).unwrap_or_default(),
            Self::Bool(state, _) => state.map_or(Value::Null, Value::Bool),
            Self::Distinct(distinct) => return distinct.inner.checked_value(),
            Self::Custom(state) => state.value()?,
        })
    }

    /// About how much memory the state takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::CountRows(_) | Self::CountValues(_) | Self::Sum(_) | Self::Avg(_) | Self::Spread(..) | Self::Bool(..) => 0,
                Self::Extreme(value, _) => heap_bytes(value),
                Self::First(row) | Self::Last(row) => row.as_ref().map_or(0, |(_, value)| heap_bytes(value)),
                Self::Quantile(quantile) => quantile.bytes(),
                Self::List(items) => {
                    items.capacity() * size_of::<(Place, Value<'static>)>()
                        + items.iter().map(|(_, value)| heap_bytes(value)).sum::<usize>()
                }
                Self::Arg(best, _) => best.as_ref().map_or(0, |row| size_of_val(&**row) + heap_bytes(&row.1) + heap_bytes(&row.2)),
                Self::Distinct(distinct) => {
                    distinct.seen.bytes() + distinct.places.capacity() * size_of::<Place>() + distinct.inner.bytes()
                }
                Self::Custom(state) => state.bytes(),
            }
    }
}

impl Distinct {
    fn update(&mut self, value: &Value<'_>, place: Place) {
        let mut buffer = KeyBuffer::new();
        let (id, is_new) = self.seen.insert(buffer.encode(std::iter::once(value.borrowed())));
        if is_new {
            debug_assert_eq!(id as usize, self.places.len(), "numbers are dense, as nothing is removed");
            self.places.push(place);
            self.inner.update(&[value.borrowed()], place);
        }
    }

    fn merge(&mut self, later: &Self) {
        for ((_, key), place) in later.seen.iter().zip(&later.places) {
            let values = Key::decode(&key.to_key());
            values.iter().for_each(|value| self.update(value, *place));
        }
    }
}

/// Keeps the first of equal values.
fn replace_if(best: &mut Value<'static>, value: &Value<'_>, wins: Ordering) {
    if !value.is_null() && (best.is_null() || value.compare(best) == Some(wins)) {
        *best = value.clone().into_owned();
    }
}

/// Whether a row beats the best one: by `by`, and among equals by standing earlier.
fn is_better(best: Option<&(Place, Value<'static>, Value<'static>)>, by: &Value<'_>, place: Place, wins: Ordering) -> bool {
    let Some((at, best, _)) = best else { return !by.is_null() };
    match by.compare(best) {
        Some(Ordering::Equal) => place < *at,
        order => order == Some(wins),
    }
}

fn combine(state: Option<bool>, value: bool, decides: bool) -> bool {
    match state {
        Some(state) if state == decides => state,
        _ => value,
    }
}

/// Behind all rows of the same place; mostly that is the end.
fn insert_at(items: &mut Vec<(Place, Value<'static>)>, place: Place, value: Value<'static>) {
    match items.last() {
        Some((last, _)) if *last > place => {
            let at = items.partition_point(|(p, _)| *p <= place);
            items.insert(at, (place, value));
        }
        _ => items.push((place, value)),
    }
}

/// Nesting is bounded by that of the value's type.
fn heap_bytes(value: &Value<'_>) -> usize {
    match value {
        Value::String(text) | Value::Json(text) => text.len(),
        Value::List(items) | Value::Struct(items) => size_of_val(&**items) + items.iter().map(heap_bytes).sum::<usize>(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Decimal(_) | Value::Timestamp(_) | Value::Duration(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Duration, Timestamp};
    use crate::expr::aggregates::{all, lookup};

    fn at(position: u64) -> Place {
        Place::event(Timestamp(0), position)
    }

    fn run_typed(name: &str, types: &[DataType], distinct: bool, rows: &[Vec<Value<'static>>]) -> Accumulator {
        let aggregate = lookup(name).unwrap();
        aggregate.resolve(types, distinct).unwrap();
        let mut state = Accumulator::new(aggregate, types, distinct);
        for (i, row) in rows.iter().enumerate() {
            state.update(row, at(i as u64 + 1));
        }
        state
    }

    fn run(name: &str, distinct: bool, column: &[Value<'static>]) -> Value<'static> {
        let data_type = column.iter().map(Value::type_of).find(|t| *t != DataType::Null).unwrap_or(DataType::Int);
        run_typed(name, &[data_type], distinct, &column.iter().map(|v| vec![v.clone()]).collect::<Vec<_>>()).value()
    }

    fn ints(values: &[i64]) -> Vec<Value<'static>> {
        values.iter().map(|v| Value::Int(*v)).collect()
    }

    fn floats(values: &[f64]) -> Vec<Value<'static>> {
        values.iter().map(|v| Value::Float(*v)).collect()
    }

    #[test]
    fn over_no_rows_everything_is_null_but_count() {
        for aggregate in all() {
            let types = match aggregate.kind {
                K::Quantile | K::ArgMin | K::ArgMax => vec![DataType::Int, DataType::Int],
                K::BoolAnd | K::BoolOr => vec![DataType::Bool],
                _ => vec![DataType::Int],
            };
            let expected = if aggregate.kind == K::Count { Value::Int(0) } else { Value::Null };
            assert_eq!(Accumulator::new(aggregate, &types, false).value(), expected, "{}", aggregate.name);
        }
    }

    #[test]
    fn counts_and_sums() {
        let mut with_null = ints(&[1, 2, 2]);
        with_null.push(Value::Null);
        assert_eq!(run("COUNT", false, &with_null), Value::Int(3));
        assert_eq!(run("COUNT", true, &with_null), Value::Int(2));
        assert_eq!(run_typed("COUNT", &[], false, &[vec![], vec![]]).value(), Value::Int(2));
        assert_eq!(run("SUM", false, &with_null), Value::Int(5));
        assert_eq!(run("SUM", true, &with_null), Value::Int(3));
        assert_eq!(run("AVG", false, &ints(&[1, 2])), Value::Float(1.5));
        assert_eq!(run("SUM", false, &ints(&[i64::MAX, 1, -1])), Value::Int(i64::MAX), "only the result can overflow");
        let over = run_typed("SUM", &[DataType::Int], false, &[ints(&[i64::MAX]), ints(&[1])]);
        assert_eq!((over.value(), over.has_overflowed()), (Value::Null, true));
        assert_eq!(run("SUM", false, &floats(&[1.0, 1e100, 1.0, -1e100])), Value::Float(2.0));
        assert_eq!(run("SUM", false, &floats(&[f64::INFINITY, 1.0])), Value::Float(f64::INFINITY));
        let spans = [Value::Duration(Duration(1)), Value::Duration(Duration(4))];
        assert_eq!((run("SUM", false, &spans), run("AVG", false, &spans)), (Value::Duration(Duration(5)), Value::Duration(Duration(3))));
        let prices = ["0.10", "0.20", "0.20"].map(|t| Value::Decimal(t.parse().unwrap()));
        assert_eq!(run("SUM", false, &prices), Value::Decimal("0.50".parse().unwrap()));
        assert_eq!(run("AVG", false, &prices), Value::Decimal("0.166667".parse().unwrap()));
    }

    #[test]
    fn extremes_and_order() {
        let column = [Value::Null, Value::Int(3), Value::Int(1), Value::Int(2), Value::Null];
        assert_eq!((run("MIN", false, &column), run("MAX", false, &column)), (Value::Int(1), Value::Int(3)));
        assert_eq!((run("FIRST", false, &column), run("LAST", false, &column)), (Value::Null, Value::Null));
        assert_eq!(run("LAST", false, &column[..3]), Value::Int(1));
        assert_eq!(run("ARRAY_AGG", false, &column), Value::List(column.to_vec().into()));
        let twice = ints(&[2, 1, 2]);
        assert_eq!(run("ARRAY_AGG", true, &twice), Value::List(ints(&[2, 1]).into()));
        let rows: Vec<_> = [("a", 2), ("b", 1), ("c", 1), ("d", 3)].map(|(x, by)| vec![Value::string(x), Value::Int(by)]).to_vec();
        let types = [DataType::String, DataType::Int];
        assert_eq!(run_typed("ARG_MIN", &types, false, &rows).value(), Value::string("b"));
        assert_eq!(run_typed("ARG_MAX", &types, false, &rows).value(), Value::string("d"));
        let (yes, no) = (Value::Bool(true), Value::Bool(false));
        assert_eq!(run("BOOL_AND", false, &[yes.clone(), Value::Null]), yes);
        assert_eq!(run("BOOL_AND", false, &[no.clone(), yes.clone()]), no);
        assert_eq!(run("BOOL_OR", false, &[no.clone(), yes.clone(), no.clone()]), yes);
        assert_eq!(run("BOOL_OR", false, &[no.clone(), Value::Null]), no);
    }

    #[test]
    fn statistics() {
        let column = floats(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(run("VAR_POP", false, &column), Value::Float(4.0));
        assert_eq!(run("STDDEV_POP", false, &column), Value::Float(2.0));
        assert_eq!(run("VAR", false, &column), Value::Float(32.0 / 7.0));
        assert_eq!(run("STDDEV", false, &column), Value::Float((32.0f64 / 7.0).sqrt()));
        assert_eq!(run("STDDEV", false, &column[..1]), Value::Null);
        assert_eq!(run("MEDIAN", false, &column), Value::Float(4.5));
        assert_eq!(run("MEDIAN", false, &ints(&[3, 1, 2])), Value::Float(2.0));
        let quantile = |q: f64| {
            let rows: Vec<_> = [10, 20, 30, 40, 50].map(|v| vec![Value::Int(v), Value::Float(q)]).to_vec();
            run_typed("QUANTILE", &[DataType::Int, DataType::Float], false, &rows)
        };
        assert_eq!((quantile(0.0).value(), quantile(1.0).value()), (Value::Float(10.0), Value::Float(50.0)));
        assert_eq!((quantile(0.25).value(), quantile(0.9).value()), (Value::Float(20.0), Value::Float(46.0)));
        assert!(quantile(1.5).has_overflowed());
        let decimals = |texts: &[&str]| texts.iter().map(|t| Value::Decimal(t.parse().unwrap())).collect::<Vec<_>>();
        let exact = |text: &str| Value::Decimal(text.parse().unwrap());
        assert_eq!(run("MEDIAN", false, &decimals(&["0.10", "0.40", "0.20", "0.31"])), exact("0.255"));
        assert_eq!(
            run("MEDIAN", false, &decimals(&["900719925474099.3", "900719925474099.4"])),
            exact("900719925474099.35"),
            "as no FLOAT is"
        );
        assert_eq!(run("MEDIAN", false, &decimals(&["-0.0000001", "-0.0000002"])), exact("-0.00000015"));
        assert_eq!(run("MEDIAN", false, &[Value::Duration(Duration(1)), Value::Duration(Duration(4))]), Value::Duration(Duration(3)));
    }

    #[test]
    fn parts_merge_into_the_whole() {
        let column: Vec<Value<'static>> = (0..20).map(|i| if i % 7 == 3 { Value::Null } else { Value::Int(i * 37 % 11) }).collect();
        for aggregate in all() {
            for distinct in [false, true] {
                let by = |v: &Value<'static>| v.clone();
                let (types, rows): (Vec<DataType>, Vec<Vec<Value<'static>>>) = match aggregate.kind {
                    K::Quantile => {
                        (vec![DataType::Int, DataType::Float], column.iter().map(|v| vec![v.clone(), Value::Float(0.3)]).collect())
                    }
                    K::ArgMin | K::ArgMax => (vec![DataType::Int; 2], column.iter().map(|v| vec![v.clone(), by(v)]).collect()),
                    K::BoolAnd | K::BoolOr => {
                        (vec![DataType::Bool], column.iter().map(|v| vec![Value::Bool(*v == Value::Int(4))]).collect())
                    }
                    _ => (vec![DataType::Int], column.iter().map(|v| vec![v.clone()]).collect()),
                };
                if aggregate.resolve(&types, distinct).is_err() {
                    continue;
                }
                let part = |range: std::ops::Range<usize>| {
                    let mut state = Accumulator::new(aggregate, &types, distinct);
                    for i in range {
                        state.update(&rows[i], at(i as u64 + 1));
                    }
                    state
                };
                let whole = part(0..20);
                for cut in [0, 1, 9, 20] {
                    let mut merged = part(0..cut);
                    merged.merge(&part(cut..20));
                    match (merged.value(), whole.value()) {
                        (Value::Float(a), Value::Float(b)) => assert!((a - b).abs() < 1e-12, "{} cut at {cut}", aggregate.name),
                        (a, b) => assert_eq!(a, b, "{} cut at {cut}", aggregate.name),
                    }
                    assert!(merged.bytes() >= size_of::<Accumulator>());
                }
            }
        }
    }
}
