//! All windows against plain loops over random rows, cut into inboxes in many ways.

use std::sync::Arc;

use super::*;
use crate::data::{DataType, Duration, Field, Phase, Place, Schema, Timestamp, Value};
use crate::expr::aggregates::lookup;
use crate::expr::{Accumulator, CompareOp, Expr};
use crate::operators::test_support::{InputRow, OutputRow, Random, int, random_rows, run, slot};
use crate::spec::AggregateCall;

const RANK: u32 = 7;

fn call(name: &str, column: Option<u32>, distinct: bool) -> AggregateCall {
    let function = lookup(name).unwrap();
    let args: Vec<Expr> = column.map(slot).into_iter().collect();
    let types: Vec<DataType> = args.iter().map(|a| a.data_type().clone()).collect();
    AggregateCall { function: function.into(), args, distinct, filter: None, data_type: function.resolve(&types, distinct).unwrap() }
}

/// Some aggregates; with `are_small` those whose state stays small, or is tallied where rows go one by one.
fn calls(are_small: bool) -> Vec<AggregateCall> {
    let mut filtered = call("SUM", Some(1), false);
    filtered.filter = Some(Expr::compare(CompareOp::Greater, slot(2), int(4)).unwrap());
    let mut calls =
        vec![call("COUNT", None, false), call("SUM", Some(1), false), call("FIRST", Some(1), false), call("LAST", Some(2), false)];
    calls.extend([call("MIN", Some(2), false), call("AVG", Some(1), false), filtered]);
    calls.insert(3, call("COUNT", Some(2), true));
    if !are_small {
        calls.extend([call("ARRAY_AGG", Some(1), false), call("COUNT", Some(2), true), call("MEDIAN", Some(2), false)]);
    }
    calls
}

fn spec(kind: WindowKind, is_grouped: bool, output: WindowOutput, emit_every: Option<i64>) -> WindowSpec {
    let keys = if is_grouped { vec![slot(0)] } else { vec![] };
    WindowSpec { kind, keys, output, emit_every: emit_every.map(Duration), is_ranked: false }
}

fn schema(spec: &WindowSpec) -> Arc<Schema> {
    let types: Vec<DataType> = match &spec.output {
        WindowOutput::Aggregates(calls) => {
            spec.keys.iter().map(|_| DataType::Int).chain(calls.iter().map(|c| c.data_type.clone())).collect()
        }
        WindowOutput::Rows => vec![DataType::Int; 3],
    };
    let types = types.into_iter().chain([DataType::Timestamp, DataType::Timestamp, DataType::Bool]);
    Arc::new(Schema::new(types.enumerate().map(|(i, t)| Field::new(format!("o{i}"), t)).collect()))
}

/// What one window of one group gives: which rows, and where.
#[derive(Debug)]
struct Given {
    /// Moment, then what decides among those of one moment.
    order: (Place, bool, i64, usize),
    place: Place,
    members: Vec<usize>,
    bounds: (i64, i64),
}

/// The row numbers of each group.
fn groups(spec: &WindowSpec, rows: &[InputRow]) -> Vec<Vec<usize>> {
    let mut groups: Vec<(Option<Option<i64>>, Vec<usize>)> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let key = (!spec.keys.is_empty()).then_some(row.values[0]);
        match groups.iter_mut().find(|g| g.0 == key) {
            Some(group) => group.1.push(i),
            None => groups.push((key, vec![i])),
        }
    }
    groups.into_iter().map(|g| g.1).collect()
}

fn before(time: i64) -> Place {
    Place::bound(Timestamp(time), Phase::Before)
}

fn after(time: i64) -> Place {
    Place::bound(Timestamp(time), Phase::After)
}

/// Plain loops over one group.
fn given(spec: &WindowSpec, rows: &[InputRow], group: &[usize]) -> Vec<Given> {
    let time = |i: usize| rows[i].time();
    let moving = |at: usize, members: Vec<usize>, start: i64| {
        let place = rows[group[at]].place;
        Given { order: (place, true, 0, 0), place, members, bounds: (start, time(group[at])) }
    };
    match spec.kind {
        WindowKind::Running => (0..group.len()).map(|at| moving(at, group[..=at].to_vec(), time(group[0]))).collect(),
        WindowKind::Sliding(size) => {
            let window = |at: usize| group[..=at].iter().copied().filter(|&i| time(i) >= time(group[at]) - size.0).collect();
            (0..group.len()).map(|at| moving(at, window(at), time(group[at]) - size.0)).collect()
        }
        WindowKind::LastRows(n) => {
            let window = |at: usize| group[(at + 1).saturating_sub(n as usize)..=at].to_vec();
            (0..group.len()).map(|at| moving(at, window(at), time(window(at)[0]))).collect()
        }
        WindowKind::Rows(n) => {
            let n = n as usize;
            let whole = (0..group.len() / n).map(|k| moving(k * n + n - 1, group[k * n..][..n].to_vec(), time(group[k * n]))).collect();
            with_early(spec, whole, group.chunks(n).map(|c| (c.to_vec(), None)), time)
        }
        WindowKind::Hopping { size, every, offset, zone: None } => {
            let last = rows.last().map_or(0, InputRow::time);
            let windows: Vec<_> = (-300..300).map(|k| offset.0 + k * every.0).filter(|start| *start <= last).collect();
            let members = |start: i64| group.iter().copied().filter(|&i| start <= time(i) && time(i) < start + size.0).collect::<Vec<_>>();
            let whole = windows.iter().map(|&start| (start, members(start))).filter(|(_, m)| !m.is_empty()).map(|(start, members)| {
                let place = before(start + size.0);
                Given { order: (place, false, start, members[0]), place, members, bounds: (start, start + size.0) }
            });
            let all = windows.iter().map(|&start| (members(start), Some((start, start + size.0))));
            with_early(spec, whole.collect(), all, time)
        }
        WindowKind::Session { gap, max } => {
            let mut sessions: Vec<Vec<usize>> = Vec::new();
            for &i in group {
                match sessions.last_mut() {
                    Some(s) if time(i) - time(s[s.len() - 1]) <= gap.0 && max.is_none_or(|m| time(i) - time(s[0]) <= m.0) => s.push(i),
                    _ => sessions.push(vec![i]),
                }
            }
            let whole = sessions.iter().map(|s| {
                let (first, last) = (s[0], s[s.len() - 1]);
                let certain = max.map_or(i64::MAX, |m| time(first) + m.0).min(time(last) + gap.0);
                let order = (after(certain), false, last as i64, 0);
                Given { order, place: rows[last].place, members: s.clone(), bounds: (time(first), time(last)) }
            });
            let whole: Vec<_> = whole.collect();
            let open = sessions.clone().into_iter().map(|s| (s, None));
            let mut all = with_early(spec, whole, open, time);
            // Early rows come out of sessions that are still open.
            all.retain(|g| {
                let (t, first, last) = (g.order.0.time().0, g.members[0], g.members[g.members.len() - 1]);
                !g.order.1 || time(last) + gap.0 >= t && max.is_none_or(|m| time(first) + m.0 >= t)
            });
            all
        }
        WindowKind::Hopping { .. } => unreachable!("zones are tested with the alignment"),
    }
}

/// Adds the early rows of windows with these members.
fn with_early(
    spec: &WindowSpec,
    mut whole: Vec<Given>,
    windows: impl Iterator<Item = (Vec<usize>, Option<(i64, i64)>)>,
    time: impl Fn(usize) -> i64,
) -> Vec<Given> {
    let Some(every) = spec.emit_every.map(|d| d.0) else { return whole };
    let is_rows = matches!(spec.kind, WindowKind::Rows(_));
    for (members, bounds) in windows.filter(|w| !w.0.is_empty()) {
        for k in -300..300 {
            let t = k * every;
            let so_far: Vec<usize> = members.iter().copied().filter(|&i| time(i) < t).collect();
            let is_changed = so_far.iter().any(|&i| time(i) >= t - every);
            let is_full = is_rows && matches!(spec.kind, WindowKind::Rows(n) if so_far.len() as u64 == n);
            if !is_changed || is_full || bounds.is_some_and(|b| b.1 <= t) {
                continue;
            }
            let start = bounds.map_or(0, |b| b.0);
            let bounds = bounds.unwrap_or((time(so_far[0]), time(so_far[so_far.len() - 1])));
            whole.push(Given { order: (before(t), true, start, so_far[0]), place: before(t), members: so_far, bounds });
        }
    }
    whole
}

fn expected(spec: &WindowSpec, rows: &[InputRow]) -> Vec<OutputRow> {
    let mut all: Vec<Given> = groups(spec, rows).iter().flat_map(|group| given(spec, rows, group)).collect();
    all.sort_by_key(|g| g.order);
    let value = |v: Option<i64>| v.map_or(Value::Null, Value::Int);
    let mut out = Vec::new();
    for g in all {
        let is_early = g.order.1 && has_ends(&spec.kind) && g.place.phase() == Phase::Before;
        let tail = [Value::Timestamp(Timestamp(g.bounds.0)), Value::Timestamp(Timestamp(g.bounds.1)), Value::Bool(!is_early)];
        let mut put = |values: Vec<Value<'static>>| {
            let values = values.into_iter().chain(tail.clone()).collect();
            out.push(OutputRow { values, place: g.place.derived_by(RANK), moment: g.order.0 });
        };
        match &spec.output {
            WindowOutput::Rows => g.members.iter().for_each(|&i| put(rows[i].values.iter().map(|v| value(*v)).collect())),
            WindowOutput::Aggregates(calls) => {
                let key = spec.keys.iter().map(|_| value(rows[g.members[0]].values[0]));
                put(key.chain(calls.iter().map(|c| aggregate(c, rows, &g.members))).collect());
            }
        }
    }
    out
}

/// In one pass over the rows.
fn aggregate(call: &AggregateCall, rows: &[InputRow], members: &[usize]) -> Value<'static> {
    let types: Vec<DataType> = call.args.iter().map(|a| a.data_type().clone()).collect();
    let mut state = Accumulator::of(&call.function, &types, call.distinct);
    for row in members.iter().map(|&i| &rows[i]) {
        if call.filter.is_some() && row.values[2].is_none_or(|v| v <= 4) {
            continue;
        }
        let args: Vec<Value<'static>> =
            call.args.iter().map(|a| row.values[a.as_slot().unwrap().0 as usize].map_or(Value::Null, Value::Int)).collect();
        state.update(&args, row.place);
    }
    state.value()
}

fn check(kind: &WindowKind, seeds: std::ops::Range<u64>, emits: &[Option<i64>]) {
    for seed in seeds {
        let mut random = Random::new(seed);
        let count = usize::try_from(random.below(60)).unwrap();
        let step = 1 + random.below(6);
        let rows = random_rows(&mut random, count, 1, step, 3, 4);
        let mut outputs = vec![WindowOutput::Aggregates(calls(true)), WindowOutput::Aggregates(calls(false))];
        outputs.extend(has_ends(kind).then_some(WindowOutput::Rows));
        for output in outputs {
            for &emit in emits {
                let spec = spec(kind.clone(), seed % 3 != 0, output.clone(), emit);
                let found = run(|| new(&spec), &schema(&spec), 1, &rows, seed);
                let expected = expected(&spec, &rows);
                for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                    assert_eq!(found, expected, "seed {seed}, row {i}, {spec:?}");
                }
                assert_eq!(found.len(), expected.len(), "seed {seed}, {spec:?}");
            }
        }
    }
}

#[test]
fn moving_windows_agree_with_plain_loops() {
    for kind in [
        WindowKind::Running,
        WindowKind::Sliding(Duration(0)),
        WindowKind::Sliding(Duration(7)),
        WindowKind::Sliding(Duration(40)),
        WindowKind::LastRows(1),
        WindowKind::LastRows(3),
        WindowKind::LastRows(11),
    ] {
        check(&kind, 0..25, &[None]);
    }
}

#[test]
fn aligned_windows_agree_with_plain_loops() {
    for (size, every, offset) in [(10, 10, 0), (10, 10, 3), (10, 5, 0), (12, 1, 0), (7, 3, 1), (3, 8, -2), (1, 1, 0)] {
        let kind = WindowKind::Hopping { size: Duration(size), every: Duration(every), offset: Duration(offset), zone: None };
        check(&kind, 0..25, &[None, Some(4), Some(30)]);
    }
}

#[test]
fn sessions_agree_with_plain_loops() {
    for (gap, max) in [(0, None), (3, None), (10, None), (4, Some(9)), (5, Some(2)), (5, Some(0))] {
        check(&WindowKind::Session { gap: Duration(gap), max: max.map(Duration) }, 0..25, &[None, Some(4)]);
    }
}

#[test]
fn windows_of_rows_agree_with_plain_loops() {
    for count in [1, 2, 5] {
        check(&WindowKind::Rows(count), 0..25, &[None, Some(6)]);
    }
}

#[test]
fn nothing_is_kept_of_groups_without_an_open_window() {
    let hopping = WindowKind::Hopping { size: Duration(10), every: Duration(2), offset: Duration(0), zone: None };
    for kind in [hopping, WindowKind::Sliding(Duration(5)), WindowKind::Session { gap: Duration(5), max: None }, WindowKind::Rows(1)] {
        let spec = spec(kind, true, WindowOutput::Aggregates(calls(true)), None);
        let mut operator = new(&spec);
        let mut most = 0;
        for part in 0..50 {
            let row = |i: i64| InputRow {
                input: 0,
                place: Place::event(Timestamp(part * 20 + i), u64::try_from(part * 20 + i + 1).unwrap()),
                values: vec![Some(part * 20 + i), Some(1), None],
            };
            let rows: Vec<InputRow> = (0..20).map(row).collect();
            crate::operators::test_support::feed(operator.as_mut(), &schema(&spec), 1, &rows, before(part * 20 + 20));
            most = most.max(operator.held().keys);
        }
        assert!((1..=12).contains(&most) || matches!(spec.kind, WindowKind::Rows(_)), "{most} keys in {:?}", spec.kind);
        crate::operators::test_support::feed(operator.as_mut(), &schema(&spec), 1, &[], Place::MAX);
        assert!(operator.held().keys == 0 && operator.held().rows == 0, "{:?}", spec.kind);
    }
}

#[test]
fn timers_that_fire_late_are_certain_then() {
    use crate::data::{Entry, Inbox, WatermarkStep};
    let kind = WindowKind::Hopping { size: Duration(10), every: Duration(10), offset: Duration(0), zone: None };
    let spec = spec(kind, false, WindowOutput::Aggregates(vec![call("COUNT", None, false)]), None);
    let batch = crate::operators::test_support::ints(&[(3, vec![0, 0, 0]), (13, vec![0, 0, 0]), (23, vec![0, 0, 0])]);
    let row = |row: u32, floor: i64| {
        let place = batch.places()[row as usize];
        Entry::Row { input: 0, row, place, moment: after(floor), floor: after(floor) }
    };
    let step = Entry::Watermark(WatermarkStep { moment: after(25), watermark: before(12) });
    let entries = vec![row(0, 20), step, row(1, 26), row(2, 27)].into();
    let mut out = crate::operators::Outbox::new(RANK, vec![schema(&spec)]);
    new(&spec).advance(&Inbox { inputs: vec![batch.clone()], entries, is_plain: false, watermark: Place::MAX, floor: after(29) }, &mut out);
    let (found, _) = out.take(0);
    assert_eq!(found.moments().to_vec(), [after(25), after(27), before(30)]);
    assert_eq!(found.places().to_vec(), [10, 20, 30].map(|t| before(t).derived_by(RANK)));
}

#[test]
fn a_day_of_the_zone_closes_at_its_midnight() {
    let day = Duration(86_400_000_000_000);
    let zone = Some("Europe/Berlin".parse().unwrap());
    let kind = WindowKind::Hopping { size: day, every: day, offset: Duration(0), zone };
    let spec = spec(kind, false, WindowOutput::Aggregates(vec![call("COUNT", None, false)]), None);
    let at = |text: &str| Timestamp::parse(text).unwrap();
    // Summer time begins on the 29th: that day has 23 hours.
    let times = ["2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"];
    let row = |(i, text): (usize, &&str)| InputRow { input: 0, place: Place::event(at(text), i as u64 + 1), values: vec![None; 3] };
    let rows: Vec<InputRow> = times.iter().enumerate().map(row).collect();
    let found = run(|| new(&spec), &schema(&spec), 1, &rows, 1);
    let given: Vec<_> = found.iter().map(|row| (row.values[0].clone(), row.moment)).collect();
    let ends = ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"].map(|t| before(at(t).0));
    assert_eq!(given, [(Value::Int(1), ends[0]), (Value::Int(2), ends[1]), (Value::Int(1), ends[2])]);
}
