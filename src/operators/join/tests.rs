//! Joins against loops over all pairs, over random rows cut into inboxes in many ways.

use std::sync::Arc;

use super::*;
use crate::data::{DataType, Duration, Field, Phase, Place, Timestamp, Value};
use crate::expr::{CompareOp, Expr, SlotId};
use crate::operators::test_support::{InputRow, OutputRow, Random, int_schema, random_rows, run, slot};

const RANK: u32 = 7;
const NONE: [Option<i64>; 3] = [None; 3];

fn spec(kind: JoinKind, before: i64, after: i64, is_keyed: bool, has_residual: bool) -> JoinSpec {
    let keys = if is_keyed { vec![slot(0)] } else { vec![] };
    // left.c1 <= right.c1
    let residual = Expr::compare(CompareOp::LessEq, slot(1), Expr::slot(SlotId(4), DataType::Int)).unwrap();
    JoinSpec {
        kind,
        left_keys: keys.clone(),
        right_keys: keys,
        before: Duration(before),
        after: Duration(after),
        residual: has_residual.then_some(residual),
    }
}

fn pairs(spec: &JoinSpec, left: &InputRow, right: &InputRow) -> bool {
    let is_near = left.time().saturating_sub(spec.before.0) <= right.time() && right.time() <= left.time().saturating_add(spec.after.0);
    let same_key = spec.left_keys.is_empty() || left.values[0].is_some() && left.values[0] == right.values[0];
    let fits = spec.residual.is_none() || left.values[1].zip(right.values[1]).is_some_and(|(l, r)| l <= r);
    is_near && same_key && fits
}

fn has_null_key(spec: &JoinSpec, row: &InputRow) -> bool {
    !spec.left_keys.is_empty() && row.values[0].is_none()
}

fn after(time: i64) -> Place {
    Place::bound(Timestamp(time), Phase::After)
}

/// A row that comes out: what decides its order, where it stands, and its values. The order: the moment, timers before rows, and then the
/// place of the row that a timer frees or that a new row meets.
type Given = ((Place, bool, Place, usize), Place, Vec<Option<i64>>);

fn wide(left: &[Option<i64>], right: &[Option<i64>]) -> Vec<Option<i64>> {
    left.iter().chain(right).copied().collect()
}

fn expected_interval(spec: &JoinSpec, rows: &[InputRow]) -> Vec<Given> {
    let side = |input: u16| rows.iter().enumerate().filter(move |(_, r)| r.input == input);
    let mut out: Vec<Given> = Vec::new();
    let is_existence = matches!(spec.kind, JoinKind::Semi | JoinKind::Anti);
    for (li, left) in side(0) {
        let mut partners: Vec<(usize, &InputRow)> = side(1).filter(|(_, right)| pairs(spec, left, right)).collect();
        partners.sort_by_key(|p| p.0);
        if spec.kind == JoinKind::Semi {
            if let Some((ri, right)) = partners.first() {
                let moment = left.place.max(right.place);
                out.push(((moment, true, left.place, li.max(*ri)), left.place, left.values.clone()));
            }
        } else if spec.kind != JoinKind::Anti {
            for (ri, right) in partners {
                let (early, late) = if (left.place, li) < (right.place, ri) { (left, right) } else { (right, left) };
                // Of two events at one place the one that is handled first comes first.
                let order = (late.place, true, early.place, li.max(ri));
                out.push((order, late.place, wide(&left.values, &right.values)));
            }
        }
    }
    for side_of in [0, 1] {
        let gives = match spec.kind {
            JoinKind::Left | JoinKind::Anti => side_of == 0,
            JoinKind::Right => side_of == 1,
            JoinKind::Full => true,
            _ => false,
        };
        for (i, row) in side(side_of).filter(|_| gives) {
            let is_paired = side(1 - side_of).any(|(_, o)| if side_of == 0 { pairs(spec, row, o) } else { pairs(spec, o, row) });
            if is_paired {
                continue;
            }
            let horizon = if side_of == 0 { spec.after.0 } else { spec.before.0 };
            let deadline = after(row.time() + horizon);
            let is_at_once = has_null_key(spec, row) || deadline < row.place;
            let order = if is_at_once { (row.place, true, row.place, i) } else { (deadline, false, row.place, usize::from(side_of)) };
            let values = match (is_existence, side_of) {
                (true, _) => row.values.clone(),
                (false, 0) => wide(&row.values, &NONE),
                (false, _) => wide(&NONE, &row.values),
            };
            out.push((order, row.place, values));
        }
    }
    out
}

fn expected_asof(spec: &JoinSpec, rows: &[InputRow]) -> Vec<Given> {
    let mut out = Vec::new();
    for (li, left) in rows.iter().enumerate().filter(|(_, r)| r.input == 0) {
        let partner = rows.iter().filter(|r| r.input == 1).filter(|right| pairs(spec, left, right)).max_by_key(|right| right.time());
        let order = (after(left.time()), false, left.place, li);
        match partner {
            Some(right) => out.push((order, left.place, wide(&left.values, &right.values))),
            None if spec.kind == JoinKind::LeftAsOf => out.push((order, left.place, wide(&left.values, &NONE))),
            None => {}
        }
    }
    out
}

fn output_schema(kind: JoinKind) -> Arc<Schema> {
    let width = if matches!(kind, JoinKind::Semi | JoinKind::Anti) { 3 } else { 6 };
    Arc::new(Schema::new((0..width).map(|i| Field::new(format!("o{i}"), DataType::Int)).collect()))
}

fn check(spec: &JoinSpec, rows: &[InputRow], seed: u64) {
    let is_asof = matches!(spec.kind, JoinKind::AsOf | JoinKind::LeftAsOf);
    let mut given = if is_asof { expected_asof(spec, rows) } else { expected_interval(spec, rows) };
    given.sort_by_key(|g| (g.0.0, g.0.1, if g.0.1 { g.0.3 } else { 0 }, g.0.2, g.0.3));
    let value = |v: &Option<i64>| v.map_or(Value::Null, Value::Int);
    let row = |(order, place, values): &Given| OutputRow {
        values: values.iter().map(value).collect(),
        place: place.derived_by(RANK),
        moment: order.0,
    };
    let expected: Vec<OutputRow> = given.iter().map(row).collect();
    let schema = int_schema(3);
    let found = run(|| new(spec.clone(), &schema, &schema), &output_schema(spec.kind), 2, rows, seed);
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "seed {seed}, row {i}, {spec:?}");
    }
    assert_eq!(found.len(), expected.len(), "seed {seed}, {spec:?}");
}

const INTERVALS: [JoinKind; 6] = [JoinKind::Inner, JoinKind::Left, JoinKind::Right, JoinKind::Full, JoinKind::Semi, JoinKind::Anti];

#[test]
fn interval_joins_agree_with_all_pairs() {
    for kind in INTERVALS {
        for (before, after) in [(0, 0), (3, 3), (0, 6), (8, 1), (-2, 5), (6, -3), (-3, 1)] {
            for seed in 0..12 {
                let mut random = Random::new(seed);
                let step = 1 + random.below(4);
                let rows = random_rows(&mut random, 40, 2, step, 3, 3);
                check(&spec(kind, before, after, seed % 4 != 0, seed % 3 == 0), &rows, seed);
            }
        }
    }
}

#[test]
fn a_stream_joined_with_itself_pairs_each_row_with_itself() {
    for kind in INTERVALS {
        for seed in 0..10 {
            let mut random = Random::new(seed);
            let rows = random_rows(&mut random, 20, 1, 3, 3, 3);
            let both = |row: &InputRow| [InputRow { input: 0, ..row.clone() }, InputRow { input: 1, ..row.clone() }];
            let rows: Vec<InputRow> = rows.iter().flat_map(both).collect();
            check(&spec(kind, 2, 2, true, false), &rows, seed);
        }
    }
}

#[test]
fn as_of_joins_agree_with_all_pairs() {
    for kind in [JoinKind::AsOf, JoinKind::LeftAsOf] {
        for tolerance in [0, 3, 10, i64::MAX] {
            for seed in 0..25 {
                let mut random = Random::new(seed);
                let step = 1 + random.below(4);
                let rows = random_rows(&mut random, 40, 2, step, 3, 3);
                check(&spec(kind, tolerance, 0, seed % 4 != 0, seed % 3 == 0), &rows, seed);
            }
        }
    }
}

#[test]
fn rows_are_forgotten_when_no_partner_can_come() {
    for kind in INTERVALS.into_iter().chain([JoinKind::AsOf, JoinKind::LeftAsOf]) {
        for has_residual in [false, true] {
            let spec = spec(kind, 5, if matches!(kind, JoinKind::AsOf | JoinKind::LeftAsOf) { 0 } else { 5 }, true, has_residual);
            let schema = int_schema(3);
            let mut operator = new(spec, &schema, &schema);
            for part in 0..100 {
                let row = |i: i64| InputRow {
                    input: u16::try_from(i % 2).unwrap(),
                    place: Place::event(Timestamp(part * 10 + i), u64::try_from(part * 10 + i + 1).unwrap()),
                    values: vec![Some((part * 10 + i) / 3), Some(1), None],
                };
                let rows: Vec<InputRow> = (0..10).map(row).collect();
                let watermark = Place::bound(Timestamp(part * 10 + 10), Phase::Before);
                crate::operators::test_support::feed(operator.as_mut(), &output_schema(kind), 2, &rows, watermark);
                assert!(operator.held().rows <= 12 && operator.held().keys <= 12, "{kind:?}: {:?}", operator.held());
            }
            crate::operators::test_support::feed(operator.as_mut(), &output_schema(kind), 2, &[], Place::MAX);
            assert_eq!((operator.held().rows, operator.held().keys), (0, 0), "{kind:?}");
        }
    }
}

#[test]
fn without_tolerance_an_as_of_join_keeps_one_row_a_key() {
    let schema = int_schema(3);
    let mut operator = new(spec(JoinKind::AsOf, i64::MAX, 0, true, false), &schema, &schema);
    let row = |i: i64| InputRow {
        input: 1,
        place: Place::event(Timestamp(i), u64::try_from(i + 1).unwrap()),
        values: vec![Some(i % 4), None, None],
    };
    let rows: Vec<InputRow> = (0..100).map(row).collect();
    crate::operators::test_support::feed(operator.as_mut(), &output_schema(JoinKind::AsOf), 2, &rows, Place::start_of(Timestamp(1000)));
    assert_eq!((operator.held().rows, operator.held().keys), (4, 4));
}
