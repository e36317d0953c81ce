//! Windows, aggregates and joins: the engine against plain loops over the sorted events.
//! In: random streams and queries (`BETIDE_PAIRS` says how many). Out: the same rows.
//! The loops look at every window and every pair; they keep no state that could be wrong in the way an operator's state can be.

#![allow(clippy::print_stdout, reason = "what is skipped or judged is told")]
#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use support::cases;
use support::engine::{self, Failure, Feed};
use support::expr::time_text;
use support::random::{self, Random};

/// An event, read plainly.
#[derive(Debug, Clone)]
struct Event {
    stream: String,
    id: i64,
    k: Option<String>,
    x: Option<f64>,
    /// Milliseconds.
    at: i64,
}

fn read(json: &Json) -> Event {
    Event {
        stream: json["type"].as_str().unwrap().to_owned(),
        id: json["id"].as_i64().unwrap(),
        k: json["k"].as_str().map(str::to_owned),
        x: json["x"].as_f64(),
        at: json["at"].as_i64().unwrap(),
    }
}

/// The aggregates, each as text and as a plain computation. FIRST, LAST and ARRAY_AGG of a column with NULLs, QUANTILE between two
/// values, and ties of ARG_MIN are left out: the language page does not say what they give.
type Aggregate = (&'static str, fn(&[&Event]) -> Json);

const AGGREGATES: [Aggregate; 20] = [
    ("COUNT(*)", |rows| json!(rows.len())),
    ("COUNT(x)", |rows| json!(xs(rows).len())),
    ("COUNT(DISTINCT x)", |rows| json!(xs(rows).iter().map(|x| x.to_bits()).collect::<BTreeSet<_>>().len())),
    ("COUNT(DISTINCT k)", |rows| json!(rows.iter().filter_map(|e| e.k.as_ref()).collect::<BTreeSet<_>>().len())),
    ("SUM(x)", |rows| unless_empty(&xs(rows), |xs| xs.iter().sum())),
    ("SUM(id)", |rows| json!(rows.iter().map(|e| e.id).sum::<i64>())),
    ("AVG(x)", |rows| unless_empty(&xs(rows), mean)),
    ("AVG(id)", |rows| json!(rows.iter().map(|e| e.id).sum::<i64>() as f64 / rows.len() as f64)),
    ("MIN(x)", |rows| unless_empty(&xs(rows), |xs| xs.iter().copied().fold(f64::INFINITY, f64::min))),
    ("MAX(x)", |rows| unless_empty(&xs(rows), |xs| xs.iter().copied().fold(f64::NEG_INFINITY, f64::max))),
    ("FIRST(id)", |rows| json!(rows[0].id)),
    ("LAST(id)", |rows| json!(rows[rows.len() - 1].id)),
    ("MEDIAN(x)", |rows| unless_empty(&xs(rows), median)),
    ("STDDEV(x)", |rows| spread(&xs(rows), 1).map_or(Json::Null, |v| json!(v.sqrt()))),
    ("VARIANCE(x)", |rows| spread(&xs(rows), 1).map_or(Json::Null, |v| json!(v))),
    ("STDDEV_POP(x)", |rows| spread(&xs(rows), 0).map_or(Json::Null, |v| json!(v.sqrt()))),
    ("VAR_POP(x)", |rows| spread(&xs(rows), 0).map_or(Json::Null, |v| json!(v))),
    ("ARRAY_AGG(id)", |rows| json!(rows.iter().map(|e| e.id).collect::<Vec<_>>())),
    ("ARG_MAX(x, id)", |rows| json!(rows.iter().max_by_key(|e| e.id).unwrap().x)),
    ("BOOL_OR(x > 3)", |rows| if xs(rows).is_empty() { Json::Null } else { json!(xs(rows).iter().any(|x| *x > 3.0)) }),
];

fn xs(rows: &[&Event]) -> Vec<f64> {
    rows.iter().filter_map(|e| e.x).collect()
}

fn unless_empty(xs: &[f64], of: impl Fn(&[f64]) -> f64) -> Json {
    if xs.is_empty() { Json::Null } else { json!(of(xs)) }
}

fn mean(xs: &[f64]) -> f64 {
    xs.iter().sum::<f64>() / xs.len() as f64
}

fn median(xs: &[f64]) -> f64 {
    let mut sorted = xs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// Variance with `n - less` below the line; nothing where that is 0.
fn spread(xs: &[f64], less: usize) -> Option<f64> {
    let below = xs.len().checked_sub(less).filter(|n| *n > 0)?;
    let mean = mean(xs);
    Some(xs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / below as f64)
}

#[derive(Debug, Clone, Copy)]
enum Window {
    Tumbling { size: i64, offset: i64 },
    Hopping { size: i64, every: i64 },
    Sliding(i64),
    Session(i64),
    Rows(usize),
    LastRows(usize),
    Running,
}

/// When a row is certain: the time in milliseconds, whether it is a deadline (after the events of that time), the event.
type Moment = (i64, bool, i64);

/// A row of the result with what orders it.
type Timed = (Moment, Json);

/// The rows of one window, its bounds where the page names them, and when it closes.
struct Pane<'a> {
    rows: Vec<&'a Event>,
    bounds: Option<(i64, i64)>,
    moment: Moment,
}

/// Every window of one group, by looking at all of its events each time.
fn panes(window: Window, rows: &[Event]) -> Vec<Pane<'_>> {
    let at_event = |rows: Vec<_>| {
        let last: &Event = rows[rows.len() - 1];
        Pane { moment: (last.at, false, last.id), rows, bounds: None }
    };
    let each =
        |from: &dyn Fn(usize) -> usize| -> Vec<Vec<&Event>> { (0..rows.len()).map(|i| rows[from(i)..=i].iter().collect()).collect() };
    let aligned = |size: i64, every: i64, offset: i64| {
        let covering = |e: &Event| {
            let last = (e.at - offset).div_euclid(every) * every + offset;
            let at = e.at;
            (0..).map(move |n| last - n * every).take_while(move |start| start + size > at)
        };
        let starts: BTreeSet<i64> = rows.iter().flat_map(covering).collect();
        let pane = |start: i64| Pane {
            rows: rows.iter().filter(|e| start <= e.at && e.at < start + size).collect(),
            bounds: Some((start, start + size)),
            // A window is over when its end has come: before the events of that very time.
            moment: (start + size - 1, true, 0),
        };
        starts.into_iter().map(pane).collect()
    };
    let by_event = match window {
        Window::Tumbling { size, offset } => return aligned(size, size, offset),
        Window::Hopping { size, every } => return aligned(size, every, 0),
        Window::Session(gap) => {
            let session = |session: &'_ [Event]| (session[0].at, session[session.len() - 1].at);
            return rows
                .chunk_by(|a, b| b.at - a.at <= gap)
                .map(|s| Pane { rows: s.iter().collect(), bounds: Some(session(s)), moment: (session(s).1 + gap, true, 0) })
                .collect();
        }
        Window::Sliding(length) => each(&|i| rows.iter().position(|e| rows[i].at - e.at <= length).unwrap()),
        Window::Rows(n) => rows.chunks_exact(n).map(|chunk| chunk.iter().collect()).collect(),
        Window::LastRows(n) => each(&|i| (i + 1).saturating_sub(n)),
        Window::Running => each(&|_| 0),
    };
    by_event.into_iter().map(at_event).collect()
}

fn window(random: &mut Random) -> (Window, String) {
    let size = 1 + random.below(6) as i64;
    match random.below(8) {
        0 => (Window::Tumbling { size: size * 1000, offset: 0 }, format!("WINDOW TUMBLING {size}s")),
        1 => (Window::Tumbling { size: size * 1000, offset: 500 }, format!("WINDOW TUMBLING {size}s OFFSET 500 ms")),
        2 => {
            let every = 1 + random.below(size as usize) as i64;
            (Window::Hopping { size: size * 1000, every: every * 1000 }, format!("WINDOW HOPPING {size}s EVERY {every}s"))
        }
        3 => (Window::Sliding(size * 1000), format!("WINDOW SLIDING {size}s")),
        4 => (Window::Session(size * 500), format!("WINDOW SESSION {} ms", size * 500)),
        5 => (Window::Rows(size as usize), format!("WINDOW ROWS {size}")),
        6 => (Window::LastRows(size as usize), format!("WINDOW LAST {size} ROWS")),
        _ => (Window::Running, String::new()),
    }
}

/// A window query and what it gives.
fn window_pair(random: &mut Random, events: &[Event]) -> (String, Vec<Timed>) {
    let (window, clause) = window(random);
    let grouped = random.chance(60);
    let chosen: Vec<Aggregate> = (0..1 + random.below(4)).map(|_| AGGREGATES[random.below(AGGREGATES.len())]).collect();
    let least = if random.chance(20) { 1 + random.below(2) } else { 0 };
    let filter = random.chance(30);
    let bounded = matches!(window, Window::Tumbling { .. } | Window::Hopping { .. } | Window::Session(_));
    let rows: Vec<Event> = events.iter().filter(|e| e.stream == "A" && (!filter || e.x.is_some_and(|x| x > 1.0))).cloned().collect();
    let mut groups: Vec<Option<String>> = vec![None];
    if grouped {
        groups = rows.iter().map(|e| e.k.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    }
    let mut out = Vec::new();
    for group in groups {
        let members: Vec<Event> = rows.iter().filter(|e| !grouped || e.k == group).cloned().collect();
        for Pane { rows: pane, bounds, moment } in panes(window, &members) {
            if pane.len() <= least {
                continue;
            }
            let mut row = serde_json::Map::new();
            if grouped {
                row.insert("k".into(), json!(group));
            }
            for (index, (_, of)) in chosen.iter().enumerate() {
                row.insert(format!("c{index}"), of(&pane));
            }
            if let (true, Some((from, to))) = (bounded, bounds) {
                row.insert("s".into(), json!(time_text(from * 1_000_000)));
                row.insert("e".into(), json!(time_text(to * 1_000_000)));
            }
            out.push((moment, Json::Object(row)));
        }
    }
    let mut columns: Vec<String> = if grouped { vec!["k".into()] } else { vec![] };
    columns.extend(chosen.iter().enumerate().map(|(index, (text, _))| format!("{text} AS c{index}")));
    if bounded {
        columns.push("START_TIME AS s, END_TIME AS e".into());
    }
    let text = format!(
        "SELECT {} FROM A{} {clause}{}{};",
        columns.join(", "),
        if filter { " WHERE x > 1" } else { "" },
        if grouped { " GROUP BY k" } else { "" },
        if least > 0 { format!(" HAVING COUNT(*) > {least}") } else { String::new() },
    );
    (text, out)
}

/// A window without an aggregate gives its rows when it closes; ORDER BY and LIMIT apply to each.
fn rows_pair(random: &mut Random, events: &[Event]) -> (String, Vec<Timed>) {
    let size = 1 + random.below(5) as i64;
    let limit = if random.chance(60) { Some(1 + random.below(3)) } else { None };
    let rows: Vec<Event> = events.iter().filter(|e| e.stream == "A").cloned().collect();
    let mut out = Vec::new();
    for (number, pane) in panes(Window::Tumbling { size: size * 1000, offset: 0 }, &rows).into_iter().enumerate() {
        let mut rows = pane.rows.clone();
        if let Some(limit) = limit {
            rows.reverse();
            rows.truncate(limit);
        }
        let row = |(index, e): (usize, &&Event)| ((pane.moment.0, true, (number * 1000 + index) as i64), json!({"id": e.id, "k": e.k}));
        out.extend(rows.iter().enumerate().map(row));
    }
    let order = limit.map_or(String::new(), |n| format!(" ORDER BY id DESC LIMIT {n}"));
    (format!("SELECT id, k FROM A WINDOW TUMBLING {size}s{order};"), out)
}

/// A join query and what it gives.
fn join_pair(random: &mut Random, events: &[Event]) -> (String, Vec<Timed>) {
    let before = random.below(5) as i64;
    let after = if random.chance(50) { before } else { random.below(5) as i64 };
    let within = if before == after { format!("WITHIN {before}s") } else { format!("WITHIN {before}s BEFORE AND {after}s AFTER") };
    let less = random.chance(40);
    let keyed = random.chance(80);
    let kind = random.pick(&["JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"]).to_owned();
    let (left, right): (Vec<&Event>, Vec<&Event>) =
        events.iter().filter(|e| e.stream == "A" || e.stream == "B").partition(|e| e.stream == "A");
    let fit = |l: &Event, r: &Event| {
        let key = !keyed || l.k.is_some() && l.k == r.k;
        let order = !less || l.x.zip(r.x).is_some_and(|(a, b)| a < b);
        key && order && r.at >= l.at - before * 1000 && r.at <= l.at + after * 1000
    };
    let later = |l: &Event, r: &Event| if l.id > r.id { (l.at, false, l.id) } else { (r.at, false, r.id) };
    // A row with a NULL key is unmatched for certain at once; others when the time for partners is over.
    let alone = |e: &Event, wait: i64| if keyed && e.k.is_none() { (e.at, false, e.id) } else { (e.at + wait * 1000, true, 0) };
    let mut out: Vec<Timed> = Vec::new();
    for l in &left {
        let partners: Vec<&&Event> = right.iter().filter(|r| fit(l, r)).collect();
        let alone = alone(l, after);
        match kind.as_str() {
            "SEMI JOIN" => out.extend(partners.iter().map(|r| (later(l, r), json!({"l": l.id}))).min_by_key(|(moment, _)| *moment)),
            "ANTI JOIN" if partners.is_empty() => out.push((alone, json!({"l": l.id}))),
            "ANTI JOIN" => {}
            _ => out.extend(partners.iter().map(|r| (later(l, r), json!({"l": l.id, "r": r.id, "x": r.x})))),
        }
        if partners.is_empty() && (kind == "LEFT JOIN" || kind == "FULL JOIN") {
            out.push((alone, json!({"l": l.id, "r": null, "x": null})));
        }
    }
    if kind == "RIGHT JOIN" || kind == "FULL JOIN" {
        let unmatched = right.iter().filter(|r| !left.iter().any(|l| fit(l, r)));
        out.extend(unmatched.map(|r| (alone(r, before), json!({"l": null, "r": r.id, "x": r.x}))));
    }
    let mut on: Vec<&str> = Vec::new();
    on.extend(keyed.then_some("a.k = b.k"));
    on.extend(less.then_some("a.x < b.x"));
    let on = if on.is_empty() { "TRUE".to_owned() } else { on.join(" AND ") };
    let columns = if kind == "SEMI JOIN" || kind == "ANTI JOIN" { "a.id AS l" } else { "a.id AS l, b.id AS r, b.x AS x" };
    (format!("SELECT {columns} FROM A a {kind} B b ON {on} {within};"), out)
}

/// How rows differ from what is expected: moment after moment, in any order within one.
fn difference(mut expected: Vec<Timed>, found: &[Json]) -> Option<String> {
    expected.sort_by_key(|(moment, _)| *moment);
    let rows: Vec<Json> = expected.iter().map(|(_, row)| row.clone()).collect();
    cases::difference(&json!({"rows": rows, "ordered": false}), found).or_else(|| {
        let mut rest = found;
        let in_order = expected.chunk_by(|a, b| a.0 == b.0).all(|group| {
            let (own, after) = rest.split_at(group.len());
            rest = after;
            cases::same_bag(&group.iter().map(|(_, row)| row.clone()).collect::<Vec<_>>(), own)
        });
        let order = cases::difference(&json!({"rows": rows, "ordered": true}), found);
        if in_order { None } else { order.map(|how| format!("only the order differs: {how}")) }
    })
}

fn compare(make: fn(&mut Random, &[Event]) -> (String, Vec<Timed>), normal: u64) {
    let mut wrong = Vec::new();
    let mut not_yet = BTreeSet::new();
    for seed in 0..random::pairs(normal) {
        let random = &mut Random::new(seed);
        let length = 5 + random.below(25);
        let input = random::stream(random, length, &["A", "A", "B"]);
        let events: Vec<Event> = input.iter().map(read).collect();
        let (query, expected) = make(random, &events);
        let program = random::sources("") + &query;
        let lines: Vec<String> = input.iter().map(Json::to_string).collect();
        let how = match engine::run(&program, &lines, Feed::Whole(None)) {
            Ok(output) => {
                let found: Vec<Json> = output.rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect();
                difference(expected, &found)
            }
            Err(Failure::Refused(why)) if engine::not_yet(&why) => {
                not_yet.insert(why);
                None
            }
            Err(why) => Some(format!("{why:?}")),
        };
        if let Some(how) = how {
            wrong.push(format!("seed {seed}: {query}\n    {}\n    {how}", lines.join("\n    ")));
        }
    }
    not_yet.iter().for_each(|why| println!("not compared: {why}"));
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
}

#[test]
fn windows_agree_with_plain_loops() {
    compare(window_pair, 1500);
}

#[test]
fn rows_of_windows_agree_with_plain_loops() {
    compare(rows_pair, 300);
}

#[test]
fn joins_agree_with_plain_loops() {
    compare(join_pair, 1000);
}

#[test]
fn the_loops_themselves_give_what_is_expected_by_hand() {
    let event = |id, at| Event { stream: "A".into(), id, k: None, x: Some(id as f64), at };
    let rows = [event(1, 0), event(2, 999), event(3, 1000), event(4, 5000)];
    let ids = |window| panes(window, &rows).iter().map(|pane| pane.rows.iter().map(|e| e.id).collect()).collect::<Vec<Vec<i64>>>();
    assert_eq!(ids(Window::Tumbling { size: 1000, offset: 0 }), [vec![1, 2], vec![3], vec![4]]);
    assert_eq!(ids(Window::Hopping { size: 2000, every: 1000 }), [vec![1, 2], vec![1, 2, 3], vec![3], vec![4], vec![4]]);
    assert_eq!(ids(Window::Sliding(1000)), [vec![1], vec![1, 2], vec![1, 2, 3], vec![4]]);
    assert_eq!(ids(Window::Session(1000)), [vec![1, 2, 3], vec![4]]);
    assert_eq!(ids(Window::Rows(3)), [vec![1, 2, 3]]);
    assert_eq!(ids(Window::LastRows(2)), [vec![1], vec![1, 2], vec![2, 3], vec![3, 4]]);
    assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), 2.5);
    assert_eq!(spread(&[2.0, 4.0], 1), Some(2.0));
}
