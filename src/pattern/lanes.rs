//! What is known of a set of ways through a part of a pattern, without the ways: how many there are, and for each trait of a match that is
//! asked for, its sum and its extremes over them. This is the semiring of GRETA and COGRA, with what carries values over.
//!
//! A *cell* stands for a set of ways from one state to another. Cells of the same two states are added ([`Lanes::add`]: both sets); a way is
//! made longer by an event ([`Lanes::take`]) or by a set of ways behind it ([`Lanes::then`]). A cell is a run of numbers without sign, the
//! lanes, and one extreme for each MIN and MAX:
//!
//! | lane | of a set of ways |
//! |---|---|
//! | 0 | how many |
//! | for each trait: kept | how many leave the value as it was before them |
//! | for each trait: values | how many end with a value (not NULL) of their own |
//! | for each trait: above, below | the sum of these values, positive and negative ones apart |
//!
//! Numbers are exact in 128 bits. One that gets to `u128::MAX` stays there and says that it is not known: additions and products of numbers
//! without sign never come back from it but by a factor of 0. So that nothing is lost by signs, sums are kept in two parts.

use rust_decimal::Decimal;

use crate::data::{DataType, Duration, Timestamp, Value};
use crate::spec::{CountSpec, MatchCall, MatchTrait, VariableId};

/// How many lanes a trait has.
const OF_TRAIT: usize = 4;
const KEPT: usize = 0;
const VALUES: usize = 1;
const ABOVE: usize = 2;
const BELOW: usize = 3;

/// What cells hold, and how they are reckoned with.
#[derive(Debug)]
pub(super) struct Lanes {
    traits: Vec<Trait>,
    extremes: Vec<Extreme>,
}

#[derive(Debug)]
struct Trait {
    variable: VariableId,
    /// A column of the variable's last event; without one the trait is how many events it took.
    column: Option<usize>,
    input: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extreme {
    of: usize,
    greatest: bool,
}

/// The least or greatest value of the ways of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Best {
    /// Some way leaves the value as it was.
    kept: bool,
    value: Option<i128>,
}

crate::saved!(Best { kept, value });
crate::saved!(Cells { wide, best });
crate::saved!(Totals { cell });

/// Cells of equal lanes, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cells {
    wide: Vec<u128>,
    best: Vec<Best>,
}

/// What an event gives the traits of its variable.
pub(super) type Given = [Option<i128>];

impl Lanes {
    pub(super) fn new(spec: &CountSpec) -> Self {
        let of_trait = |of: &MatchTrait| match of {
            MatchTrait::Column { variable, column, .. } => (*variable, Some(*column)),
            MatchTrait::Events(variable) => (*variable, None),
        };
        let traits = spec.traits.iter().map(of_trait).map(|(variable, column)| Trait {
            variable,
            column,
            input: spec.pattern.variables[variable.0 as usize].input,
        });
        let mut extremes: Vec<Extreme> = Vec::new();
        for call in &spec.calls {
            let extreme = match *call {
                MatchCall::Min(of) => Extreme { of, greatest: false },
                MatchCall::Max(of) => Extreme { of, greatest: true },
                MatchCall::Matches | MatchCall::Values(_) | MatchCall::Sum(_) | MatchCall::Avg(_) => continue,
            };
            if !extremes.contains(&extreme) {
                extremes.push(extreme);
            }
        }
        Self { traits: traits.collect(), extremes }
    }

    /// How many numbers a cell has.
    pub(super) fn width(&self) -> usize {
        1 + OF_TRAIT * self.traits.len()
    }

    /// How many traits there are.
    pub(super) fn traits(&self) -> usize {
        self.traits.len()
    }

    /// The variable, input and column of each trait that is a column.
    pub(super) fn columns(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        self.traits.iter().enumerate().filter_map(|(at, of)| Some((at, of.input, of.column?)))
    }

    /// So many cells of no ways.
    pub(super) fn none(&self, cells: usize) -> Cells {
        Cells { wide: vec![0; cells * self.width()], best: vec![Best::default(); cells * self.extremes.len()] }
    }

    /// Makes these so many cells of no ways.
    pub(super) fn reset(&self, cells: &mut Cells, many: usize) {
        cells.wide.clear();
        cells.wide.resize(many * self.width(), 0);
        cells.best.clear();
        cells.best.resize(many * self.extremes.len(), Best::default());
    }

    /// Makes a cell that of the one way that takes nothing.
    pub(super) fn set_one(&self, cells: &mut Cells, at: usize) {
        let wide = &mut cells.wide[at * self.width()..(at + 1) * self.width()];
        wide.fill(0);
        wide[0] = 1;
        (0..self.traits.len()).for_each(|of| wide[1 + of * OF_TRAIT + KEPT] = 1);
        cells.best[at * self.extremes.len()..(at + 1) * self.extremes.len()].fill(Best { kept: true, value: None });
    }

    /// Adds a cell to another.
    pub(super) fn add(&self, from: &Cells, at: usize, into: &mut Cells, to: usize) {
        let (width, extremes) = (self.width(), self.extremes.len());
        for (into, from) in into.wide[to * width..(to + 1) * width].iter_mut().zip(&from.wide[at * width..]) {
            *into = into.saturating_add(*from);
        }
        for ((into, from), extreme) in
            into.best[to * extremes..(to + 1) * extremes].iter_mut().zip(&from.best[at * extremes..]).zip(&self.extremes)
        {
            into.kept |= from.kept;
            into.value = extreme.better(into.value, from.value);
        }
    }

    /// Makes each way of a cell longer by an event taken for a variable.
    pub(super) fn take(&self, cells: &mut Cells, at: usize, variable: VariableId, given: &Given) {
        if self.traits.is_empty() {
            return;
        }
        let wide = &mut cells.wide[at * self.width()..(at + 1) * self.width()];
        let (ways, lanes) = wide.split_first_mut().expect("a cell has its first lane");
        let is_any = *ways > 0;
        for ((of, lanes), value) in self.traits.iter().zip(lanes.chunks_exact_mut(OF_TRAIT)).zip(given) {
            if of.variable != variable {
                continue;
            }
            if of.column.is_none() {
                lanes[ABOVE] = lanes[ABOVE].saturating_add(*ways);
                continue;
            }
            lanes[KEPT] = 0;
            lanes[VALUES] = if value.is_some() { *ways } else { 0 };
            let value = value.unwrap_or(0);
            lanes[ABOVE] = times(u128::try_from(value).unwrap_or(0), *ways);
            lanes[BELOW] = if value < 0 { times(value.unsigned_abs(), *ways) } else { 0 };
        }
        for (best, extreme) in cells.best[at * self.extremes.len()..].iter_mut().zip(&self.extremes) {
            if self.traits[extreme.of].variable == variable {
                *best = Best { kept: false, value: given[extreme.of].filter(|_| is_any) };
            }
        }
    }

    /// Adds to a cell the ways of `before`, each made longer by each of the ways `behind`.
    pub(super) fn then(&self, (before, at): (&Cells, usize), (behind, there): (&Cells, usize), into: &mut Cells, to: usize) {
        let (width, extremes) = (self.width(), self.extremes.len());
        let x = &before.wide[at * width..(at + 1) * width];
        let t = &behind.wide[there * width..(there + 1) * width];
        let into_wide = &mut into.wide[to * width..(to + 1) * width];
        into_wide[0] = into_wide[0].saturating_add(times(x[0], t[0]));
        for (of, lanes) in into_wide[1..].chunks_exact_mut(OF_TRAIT).enumerate() {
            let (x_of, t_of) = (&x[1 + of * OF_TRAIT..], &t[1 + of * OF_TRAIT..]);
            lanes[KEPT] = lanes[KEPT].saturating_add(times(t_of[KEPT], x_of[KEPT]));
            for lane in [VALUES, ABOVE, BELOW] {
                let longer = times(t_of[KEPT], x_of[lane]).saturating_add(times(t_of[lane], x[0]));
                lanes[lane] = lanes[lane].saturating_add(longer);
            }
        }
        let is_any = x[0] > 0;
        for (number, extreme) in self.extremes.iter().enumerate() {
            let (x, t) = (before.best[at * extremes + number], behind.best[there * extremes + number]);
            let into = &mut into.best[to * extremes + number];
            into.kept |= x.kept && t.kept;
            into.value = extreme.better(into.value, x.value.filter(|_| t.kept));
            into.value = extreme.better(into.value, t.value.filter(|_| is_any));
        }
    }
}

impl Extreme {
    fn better(self, a: Option<i128>, b: Option<i128>) -> Option<i128> {
        match (a, b) {
            (Some(a), Some(b)) => Some(if self.greatest { a.max(b) } else { a.min(b) }),
            (a, b) => a.or(b),
        }
    }
}

impl Cells {
    /// How many bytes are held.
    pub(super) fn bytes(&self) -> usize {
        self.wide.capacity() * size_of::<u128>() + self.best.capacity() * size_of::<Best>()
    }

    /// Makes all cells those of no ways.
    pub(super) fn clear(&mut self) {
        self.wide.fill(0);
        self.best.fill(Best::default());
    }

    /// Appends cells.
    pub(super) fn extend(&mut self, more: &Self) {
        self.wide.extend_from_slice(&more.wide);
        self.best.extend_from_slice(&more.best);
    }

    /// Shortens to so many cells of these lanes.
    pub(super) fn truncate(&mut self, cells: usize, lanes: &Lanes) {
        self.wide.truncate(cells * lanes.width());
        self.best.truncate(cells * lanes.extremes.len());
    }
}

/// A product that stays at `u128::MAX` when it gets there.
#[inline]
fn times(a: u128, b: u128) -> u128 {
    match (u64::try_from(a), u64::try_from(b)) {
        (Ok(a), Ok(b)) => u128::from(a) * u128::from(b),
        _ => a.saturating_mul(b),
    }
}

/// The number that a value of a column counts as: of a DECIMAL its digits without the point.
pub(super) fn number_of(value: &Value<'_>, data_type: &DataType) -> Option<i128> {
    match (value, data_type) {
        (Value::Int(v), _) => Some(i128::from(*v)),
        (Value::Timestamp(v), _) => Some(i128::from(v.0)),
        (Value::Duration(v), _) => Some(i128::from(v.0)),
        (Value::Decimal(v), DataType::Decimal { scale, .. }) => {
            let mut v = *v;
            v.rescale(u32::from(*scale));
            Some(v.mantissa())
        }
        _ => None,
    }
}

/// The value of a column that counts as this number ([`number_of`]).
pub(crate) fn value_of_number(number: i128, data_type: &DataType) -> Value<'static> {
    let word = || i64::try_from(number).expect("an extreme is a value of its column");
    match data_type {
        DataType::Timestamp => Value::Timestamp(Timestamp(word())),
        DataType::Duration => Value::Duration(Duration(word())),
        DataType::Decimal { scale, .. } => Value::Decimal(Decimal::from_i128_with_scale(number, u32::from(*scale))),
        _ => Value::Int(word()),
    }
}

/// What the matches of a group and window come to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    cell: Cells,
}

/// A number that aggregates have come to; `None` where it is beyond 128 bits.
pub(crate) type Exact<T> = Option<T>;

impl Lanes {
    /// Of no match.
    pub(super) fn no_totals(&self) -> Totals {
        Totals { cell: self.none(1) }
    }
}

/// Reads totals: what each aggregate of a [`CountSpec`] has come to.
#[derive(Debug)]
pub(crate) struct TotalsReader {
    lanes: Lanes,
    calls: Vec<MatchCall>,
    types: Vec<DataType>,
}

/// What an aggregate has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Total {
    /// A count.
    Count(Exact<u128>),
    /// A sum and of how many values.
    Sum(Exact<i128>, Exact<u128>),
    /// The same, of which the mean is asked.
    Mean(Exact<i128>, Exact<u128>),
    /// A value of the column, if there was one.
    Value(Option<i128>),
}

impl TotalsReader {
    pub(crate) fn new(spec: &CountSpec) -> Self {
        let type_of = |of: &MatchTrait| match of {
            MatchTrait::Column { data_type, .. } => data_type.clone(),
            MatchTrait::Events(_) => DataType::Int,
        };
        Self { lanes: Lanes::new(spec), calls: spec.calls.clone(), types: spec.traits.iter().map(type_of).collect() }
    }

    /// Of no match.
    pub(crate) fn none(&self) -> Totals {
        self.lanes.no_totals()
    }

    /// Adds the matches of another part.
    pub(crate) fn merge(&self, into: &mut Totals, from: &Totals) {
        self.lanes.add(&from.cell, 0, &mut into.cell, 0);
    }

    /// What each aggregate has come to, and the type of the values that it is over.
    pub(crate) fn totals<'t>(&'t self, totals: &'t Totals) -> impl Iterator<Item = (Total, &'t DataType)> + 't {
        self.calls.iter().map(|call| match *call {
            MatchCall::Matches => (Total::Count(known(totals.cell.wide[0])), &DataType::Int),
            MatchCall::Values(of) => (Total::Count(known(self.values(totals, of))), &self.types[of]),
            MatchCall::Sum(of) => (Total::Sum(self.sum(totals, of), known(self.values(totals, of))), &self.types[of]),
            MatchCall::Avg(of) => (Total::Mean(self.sum(totals, of), known(self.values(totals, of))), &self.types[of]),
            MatchCall::Min(of) => (Total::Value(self.best(totals, of, false)), &self.types[of]),
            MatchCall::Max(of) => (Total::Value(self.best(totals, of, true)), &self.types[of]),
        })
    }

    /// Of how many matches a trait is not NULL.
    fn values(&self, totals: &Totals, of: usize) -> u128 {
        let lane = if self.lanes.traits[of].column.is_some() { 1 + of * OF_TRAIT + VALUES } else { 0 };
        totals.cell.wide[lane]
    }

    fn sum(&self, totals: &Totals, of: usize) -> Exact<i128> {
        let lanes = &totals.cell.wide[1 + of * OF_TRAIT..];
        let (above, below) = (known(lanes[ABOVE])?, known(lanes[BELOW])?);
        // Of the difference no more than 128 bits with a sign are needed.
        if above >= below { i128::try_from(above - below).ok() } else { 0_i128.checked_sub_unsigned(below - above) }
    }

    fn best(&self, totals: &Totals, of: usize, greatest: bool) -> Option<i128> {
        let number = self.lanes.extremes.iter().position(|extreme| *extreme == Extreme { of, greatest });
        totals.cell.best[number.expect("an aggregate's extreme is kept")].value
    }
}

impl Totals {
    /// How many matches there are; `None` beyond 128 bits.
    pub(crate) fn is_none(&self) -> bool {
        self.cell.wide.first().is_none_or(|count| *count == 0)
    }

    /// Makes them those of so many matches of which nothing else is asked.
    #[inline]
    pub(super) fn set_count(&mut self, count: u64) {
        self.cell.wide[0] = u128::from(count);
    }

    pub(super) fn cell_mut(&mut self) -> &mut Cells {
        &mut self.cell
    }

    /// About how much memory they take.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.cell.bytes()
    }
}

fn known(count: u128) -> Exact<u128> {
    (count != u128::MAX).then_some(count)
}
