//! Windows by plain loops: every window of a group is found by looking at all of its events each time, and keeps no state.
//! In: random numbers, events in their order. Out: a query, and its rows with the moments at which they are certain.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::expr::time_text;
use super::random::Random;

/// An event, read plainly.
#[derive(Debug, Clone)]
pub struct Event {
    pub stream: String,
    /// Its place in the total order.
    pub id: i64,
    pub k: Option<String>,
    pub x: Option<f64>,
    /// Milliseconds.
    pub at: i64,
}

pub fn read(json: &Json) -> Event {
    Event {
        stream: json["type"].as_str().unwrap().to_owned(),
        id: json["id"].as_i64().unwrap(),
        k: json["k"].as_str().map(str::to_owned),
        x: json["x"].as_f64(),
        at: json["at"].as_i64().unwrap(),
    }
}

/// When a row is certain: the time in milliseconds, whether it is a deadline (after the events of that time), the event.
pub type Moment = (i64, bool, i64);

/// A row of the result with what orders it.
pub type Timed = (Moment, Json);

/// The aggregates, each as text and as a plain computation.
type Aggregate = (&'static str, fn(&[&Event]) -> Json);

const AGGREGATES: [Aggregate; 36] = [
    ("COUNT(*)", |rows| json!(rows.len())),
    ("COUNT(x)", |rows| json!(xs(rows).len())),
    ("COUNT(DISTINCT x)", |rows| json!(distinct(rows).len())),
    ("COUNT(DISTINCT k)", |rows| json!(rows.iter().filter_map(|e| e.k.as_ref()).collect::<BTreeSet<_>>().len())),
    ("COUNT(*) FILTER (WHERE x > 2)", |rows| json!(xs(rows).iter().filter(|x| **x > 2.0).count())),
    ("SUM(x)", |rows| unless_empty(&xs(rows), |xs| xs.iter().sum())),
    ("SUM(id)", |rows| json!(rows.iter().map(|e| e.id).sum::<i64>())),
    ("SUM(DISTINCT x)", |rows| unless_empty(&distinct(rows), |xs| xs.iter().sum())),
    ("SUM(id) FILTER (WHERE k = 'u')", |rows| {
        let ids: Vec<i64> = rows.iter().filter(|e| e.k.as_deref() == Some("u")).map(|e| e.id).collect();
        if ids.is_empty() { Json::Null } else { json!(ids.iter().sum::<i64>()) }
    }),
    ("AVG(x)", |rows| unless_empty(&xs(rows), mean)),
    ("AVG(id)", |rows| json!(rows.iter().map(|e| e.id).sum::<i64>() as f64 / rows.len() as f64)),
    ("AVG(DISTINCT x)", |rows| unless_empty(&distinct(rows), mean)),
    ("MIN(x)", |rows| unless_empty(&xs(rows), |xs| xs.iter().copied().fold(f64::INFINITY, f64::min))),
    ("MAX(x)", |rows| unless_empty(&xs(rows), |xs| xs.iter().copied().fold(f64::NEG_INFINITY, f64::max))),
    ("MIN(k)", |rows| json!(rows.iter().filter_map(|e| e.k.as_ref()).min())),
    ("MAX(k)", |rows| json!(rows.iter().filter_map(|e| e.k.as_ref()).max())),
    ("FIRST(id)", |rows| json!(rows[0].id)),
    ("FIRST(x)", |rows| json!(rows[0].x)),
    ("LAST(id)", |rows| json!(rows[rows.len() - 1].id)),
    ("LAST(x)", |rows| json!(rows[rows.len() - 1].x)),
    ("MEDIAN(x)", |rows| unless_empty(&xs(rows), |xs| quantile(xs, 0.5))),
    ("QUANTILE(x, 0.25)", |rows| unless_empty(&xs(rows), |xs| quantile(xs, 0.25))),
    ("QUANTILE(x, 0.9)", |rows| unless_empty(&xs(rows), |xs| quantile(xs, 0.9))),
    ("STDDEV(x)", |rows| spread(&xs(rows), 1).map_or(Json::Null, |v| json!(v.sqrt()))),
    ("VARIANCE(x)", |rows| spread(&xs(rows), 1).map_or(Json::Null, |v| json!(v))),
    ("STDDEV_POP(x)", |rows| spread(&xs(rows), 0).map_or(Json::Null, |v| json!(v.sqrt()))),
    ("VAR_POP(x)", |rows| spread(&xs(rows), 0).map_or(Json::Null, |v| json!(v))),
    ("ARRAY_AGG(id)", |rows| json!(rows.iter().map(|e| e.id).collect::<Vec<_>>())),
    ("ARRAY_AGG(x)", |rows| json!(rows.iter().map(|e| e.x).collect::<Vec<_>>())),
    ("ARG_MIN(id, x)", |rows| json!(best(rows, |new, old| new < old))),
    ("ARG_MAX(id, x)", |rows| json!(best(rows, |new, old| new > old))),
    ("ARG_MAX(x, id)", |rows| json!(rows.iter().max_by_key(|e| e.id).unwrap().x)),
    ("ARG_MIN(k, id)", |rows| json!(rows.iter().min_by_key(|e| e.id).unwrap().k)),
    ("BOOL_OR(x > 3)", |rows| if xs(rows).is_empty() { Json::Null } else { json!(xs(rows).iter().any(|x| *x > 3.0)) }),
    ("BOOL_AND(x > 3)", |rows| if xs(rows).is_empty() { Json::Null } else { json!(xs(rows).iter().all(|x| *x > 3.0)) }),
    ("MAX(x) - MIN(x)", |rows| unless_empty(&xs(rows), |xs| quantile(xs, 1.0) - quantile(xs, 0.0))),
];

fn xs(rows: &[&Event]) -> Vec<f64> {
    rows.iter().filter_map(|e| e.x).collect()
}

fn distinct(rows: &[&Event]) -> Vec<f64> {
    let bits: BTreeSet<u64> = xs(rows).iter().map(|x| x.to_bits()).collect();
    bits.into_iter().map(f64::from_bits).collect()
}

fn unless_empty(xs: &[f64], of: impl Fn(&[f64]) -> f64) -> Json {
    if xs.is_empty() { Json::Null } else { json!(of(xs)) }
}

fn mean(xs: &[f64]) -> f64 {
    xs.iter().sum::<f64>() / xs.len() as f64
}

/// Between the two neighbours of the place q·(n−1), by the distance from them.
pub fn quantile(xs: &[f64], q: f64) -> f64 {
    let mut sorted = xs.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * (at - at.floor())
}

/// Variance with `n - less` below the line; nothing where that is 0.
pub fn spread(xs: &[f64], less: usize) -> Option<f64> {
    let below = xs.len().checked_sub(less).filter(|n| *n > 0)?;
    let mean = mean(xs);
    Some(xs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / below as f64)
}

/// The id of the first row with the best x.
fn best(rows: &[&Event], is_better: fn(f64, f64) -> bool) -> Option<i64> {
    let mut found: Option<(f64, i64)> = None;
    for e in rows {
        if let Some(x) = e.x.filter(|x| found.is_none_or(|(old, _)| is_better(*x, old))) {
            found = Some((x, e.id));
        }
    }
    found.map(|(_, id)| id)
}

#[derive(Debug, Clone, Copy)]
pub enum Window {
    Tumbling { size: i64, offset: i64 },
    Hopping { size: i64, every: i64, offset: i64 },
    Sliding(i64),
    Session { gap: i64, max: Option<i64> },
    Rows(usize),
    LastRows(usize),
    Running,
}

impl Window {
    /// Whether it closes, and so can give early rows.
    fn closes(self) -> bool {
        matches!(self, Window::Tumbling { .. } | Window::Hopping { .. } | Window::Session { .. } | Window::Rows(_))
    }
}

/// The rows of one window, its START_TIME and END_TIME, and when it is certain.
pub struct Pane<'a> {
    pub rows: Vec<&'a Event>,
    pub bounds: (i64, i64),
    pub moment: Moment,
}

/// A window that gives its row with its last event.
fn at_event(rows: Vec<&Event>, start: i64) -> Pane<'_> {
    let last = rows[rows.len() - 1];
    Pane { moment: (last.at, false, last.id), bounds: (start, last.at), rows }
}

/// Every window of one group.
pub fn panes(window: Window, rows: &[Event]) -> Vec<Pane<'_>> {
    let to_each = |from: &dyn Fn(usize) -> usize, start: &dyn Fn(&[Event]) -> i64| {
        let pane = |i: usize| at_event(rows[from(i)..=i].iter().collect(), start(&rows[from(i)..=i]));
        (0..rows.len()).map(pane).collect()
    };
    let first = |rows: &[Event]| rows[0].at;
    match window {
        Window::Tumbling { size, offset } => aligned(rows, size, size, offset),
        Window::Hopping { size, every, offset } => aligned(rows, size, every, offset),
        Window::Session { gap, max } => sessions(rows, gap, max),
        Window::Sliding(length) => {
            to_each(&|i| rows.iter().position(|e| rows[i].at - e.at <= length).unwrap(), &|rows| rows[rows.len() - 1].at - length)
        }
        Window::Rows(n) => rows.chunks_exact(n).map(|chunk| at_event(chunk.iter().collect(), chunk[0].at)).collect(),
        Window::LastRows(n) => to_each(&|i| (i + 1).saturating_sub(n), &first),
        Window::Running => to_each(&|_| 0, &|_| rows[0].at),
    }
}

fn aligned(rows: &[Event], size: i64, every: i64, offset: i64) -> Vec<Pane<'_>> {
    let covering = |e: &Event| {
        let last = (e.at - offset).div_euclid(every) * every + offset;
        let at = e.at;
        (0..).map(move |n| last - n * every).take_while(move |start| start + size > at)
    };
    let starts: BTreeSet<i64> = rows.iter().flat_map(covering).collect();
    let pane = |start: i64| Pane {
        rows: rows.iter().filter(|e| start <= e.at && e.at < start + size).collect(),
        bounds: (start, start + size),
        // A window is over when its end has come: before the events of that very time.
        moment: (start + size - 1, true, 0),
    };
    starts.into_iter().map(pane).collect()
}

fn sessions(rows: &[Event], gap: i64, max: Option<i64>) -> Vec<Pane<'_>> {
    let mut found: Vec<Vec<&Event>> = Vec::new();
    for e in rows {
        match found.last_mut() {
            Some(s) if e.at - s[s.len() - 1].at <= gap && max.is_none_or(|max| e.at - s[0].at <= max) => s.push(e),
            _ => found.push(vec![e]),
        }
    }
    let mut panes = Vec::new();
    for rows in found {
        let bounds = (rows[0].at, rows[rows.len() - 1].at);
        let over = max.map_or(bounds.1 + gap, |max| (bounds.1 + gap).min(bounds.0 + max));
        panes.push(Pane { rows, bounds, moment: (over, true, 0) });
    }
    panes
}

/// The early rows of one group: at each multiple of `every` before which the group got rows since the multiple before, each window that has
/// rows and is not over.
fn early(window: Window, rows: &[Event], every: i64) -> Vec<Pane<'_>> {
    let mut found = Vec::new();
    for at in multiples(rows, every) {
        let so_far = &rows[..rows.partition_point(|e| e.at < at)];
        let moment = (at - 1, true, 0);
        if let Window::Rows(n) = window {
            let open = &so_far[so_far.len() / n * n..];
            // A window that was filled since has come out, and nothing is open.
            if let [first, .., last] | [first @ last] = open
                && last.at >= at - every
            {
                found.push(Pane { rows: open.iter().collect(), bounds: (first.at, last.at), moment });
            }
            continue;
        }
        found.extend(panes(window, so_far).into_iter().filter(|pane| pane.moment.0 >= at).map(|pane| Pane { moment, ..pane }));
    }
    found
}

/// The multiples that follow a row.
fn multiples(rows: &[Event], every: i64) -> BTreeSet<i64> {
    rows.iter().map(|e| (e.at.div_euclid(every) + 1) * every).collect()
}

fn window(random: &mut Random) -> (Window, String) {
    let size = 1 + random.below(6) as i64;
    let (offset, shift) = if random.chance(40) { (500, " OFFSET 500 ms") } else { (0, "") };
    match random.below(9) {
        0 | 1 => (Window::Tumbling { size: size * 1000, offset }, format!("WINDOW TUMBLING {size}s{shift}")),
        2 => {
            let every = 1 + random.below(size as usize) as i64;
            let text = format!("WINDOW HOPPING {size}s EVERY {every}s{shift}");
            (Window::Hopping { size: size * 1000, every: every * 1000, offset }, text)
        }
        // Windows that lie apart.
        3 => (Window::Hopping { size: 1000, every: size * 1000, offset }, format!("WINDOW HOPPING 1s EVERY {size}s{shift}")),
        4 => (Window::Sliding(size * 1000), format!("WINDOW SLIDING {size}s")),
        5 => {
            let max = if random.chance(50) { Some(size * 1000) } else { None };
            let bound = max.map_or(String::new(), |_| format!(" MAX {size}s"));
            (Window::Session { gap: size * 500, max }, format!("WINDOW SESSION {} ms{bound}", size * 500))
        }
        6 => (Window::Rows(size as usize), format!("WINDOW ROWS {size}")),
        7 => (Window::LastRows(size as usize), format!("WINDOW LAST {size} ROWS")),
        _ => (Window::Running, String::new()),
    }
}

/// A grouping: the text of its expression, and the key of an event.
type Grouping = (&'static str, fn(&Event) -> Json);

const GROUPINGS: [Grouping; 4] = [
    ("k", |e| json!(e.k)),
    ("id % 3", |e| json!(e.id % 3)),
    ("x > 2", |e| json!(e.x.map(|x| x > 2.0))),
    ("COALESCE(k, 'none')", |e| json!(e.k.as_deref().unwrap_or("none"))),
];

/// What a window reads: all events of A, or those with a large x, by a WHERE, a derived stream, a subquery or a pattern of one step.
fn from(random: &mut Random) -> (bool, &'static str, &'static str, &'static str) {
    match random.below(8) {
        0 => (true, "", "A", " WHERE x > 1"),
        1 => (true, "CREATE STREAM Large AS SELECT * FROM A WHERE x > 1;\n", "Large", ""),
        2 => (true, "", "(SELECT id, k, x FROM A WHERE x > 1)", ""),
        3 => (true, "", "(SELECT a.id, a.k, a.x FROM PATTERN (A a) WHERE a.x > 1)", ""),
        _ => (false, "", "A", ""),
    }
}

/// Events of each group, by the first event.
fn groups(rows: &[Event], grouping: Option<Grouping>) -> Vec<(Json, Vec<Event>)> {
    let mut groups: Vec<(Json, Vec<Event>)> = Vec::new();
    for e in rows {
        let key = grouping.map_or(Json::Null, |(_, key)| key(e));
        match groups.iter_mut().find(|(other, _)| *other == key) {
            Some((_, members)) => members.push(e.clone()),
            None => groups.push((key, vec![e.clone()])),
        }
    }
    groups
}

/// A window query and what it gives.
pub fn window_pair(random: &mut Random, events: &[Event]) -> (String, Vec<Timed>) {
    let (window, clause) = window(random);
    let grouping = if random.chance(60) { Some(GROUPINGS[random.below(GROUPINGS.len())]) } else { None };
    let chosen: Vec<Aggregate> = (0..1 + random.below(4)).map(|_| AGGREGATES[random.below(AGGREGATES.len())]).collect();
    let least = if random.chance(20) { 1 + random.below(2) } else { 0 };
    let (only_large, before, source, filter) = from(random);
    let emit = if window.closes() && random.chance(25) { Some(1 + random.below(3) as i64) } else { None };
    let is_kept = |e: &&Event| e.stream == "A" && (!only_large || e.x.is_some_and(|x| x > 1.0));
    let rows: Vec<Event> = events.iter().filter(is_kept).cloned().collect();
    let has_bounds = !matches!(window, Window::Running);
    let mut out = Vec::new();
    for (key, members) in groups(&rows, grouping) {
        let finals = panes(window, &members).into_iter().map(|pane| (pane, true));
        let early = emit.map_or(Vec::new(), |every| early(window, &members, every * 1000));
        for (pane, is_final) in finals.chain(early.into_iter().map(|pane| (pane, false))) {
            if pane.rows.len() <= least {
                continue;
            }
            let mut row = serde_json::Map::new();
            if grouping.is_some() {
                row.insert("g".into(), key.clone());
            }
            for (index, (_, of)) in chosen.iter().enumerate() {
                row.insert(format!("c{index}"), of(&pane.rows));
            }
            if has_bounds {
                row.insert("s".into(), json!(time_text(pane.bounds.0 * 1_000_000)));
                row.insert("e".into(), json!(time_text(pane.bounds.1 * 1_000_000)));
            }
            if emit.is_some() {
                row.insert("final".into(), json!(is_final));
            }
            out.push((pane.moment, Json::Object(row)));
        }
    }
    let mut columns: Vec<String> = grouping.map(|(text, _)| format!("{text} AS g")).into_iter().collect();
    columns.extend(chosen.iter().enumerate().map(|(index, (text, _))| format!("{text} AS c{index}")));
    columns.extend(has_bounds.then(|| "START_TIME AS s, END_TIME AS e".to_owned()));
    let text = format!(
        "{before}SELECT {} FROM {source}{filter} {clause}{}{}{};",
        columns.join(", "),
        grouping.map_or(String::new(), |(text, _)| format!(" GROUP BY {text}")),
        if least > 0 { format!(" HAVING COUNT(*) > {least}") } else { String::new() },
        emit.map_or(String::new(), |every| format!(" EMIT EVERY {every}s")),
    );
    (text, out)
}

/// A window without an aggregate gives its rows when it closes; ORDER BY and LIMIT apply to each.
pub fn rows_pair(random: &mut Random, events: &[Event]) -> (String, Vec<Timed>) {
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

/// The best groups of each window.
pub fn top_pair(random: &mut Random, events: &[Event]) -> (String, Vec<Timed>) {
    let (size, every) = (2 + random.below(4) as i64, 1 + random.below(2) as i64);
    let limit = 1 + random.below(2);
    let emit = if random.chance(40) { Some(1 + random.below(3) as i64) } else { None };
    let grouping = GROUPINGS[random.below(GROUPINGS.len())];
    let rows: Vec<Event> = events.iter().filter(|e| e.stream == "A").cloned().collect();
    let window = Window::Hopping { size: size * 1000, every: every * 1000, offset: 0 };
    let mut found: Vec<((i64, i64), i64, Json, Moment)> = Vec::new();
    for (key, members) in groups(&rows, Some(grouping)) {
        let sum = |pane: &Pane<'_>| pane.rows.iter().map(|e| e.id).sum::<i64>();
        found.extend(panes(window, &members).iter().map(|pane| (pane.bounds, sum(pane), key.clone(), pane.moment)));
        // Early rows rank all groups that have rows by then, changed or not.
        for at in emit.map_or(BTreeSet::new(), |seconds| multiples(&rows, seconds * 1000)) {
            let so_far = &members[..members.partition_point(|e| e.at < at)];
            let open = panes(window, so_far).into_iter().filter(|pane| pane.moment.0 >= at);
            found.extend(open.map(|pane| (pane.bounds, sum(&pane), key.clone(), (at - 1, true, 0))));
        }
    }
    // Sums of different ids may still be equal: the first group of the window then stands first.
    let first = |bounds: (i64, i64), key: &Json| rows.iter().position(|e| bounds.0 <= e.at && grouping.1(e) == *key);
    found.sort_by_key(|(bounds, sum, key, moment)| (*moment, *bounds, -sum, first(*bounds, key)));
    let mut out = Vec::new();
    for (number, window) in found.chunk_by(|a, b| (a.0, a.3) == (b.0, b.3)).enumerate() {
        for (index, (bounds, sum, key, moment)) in window.iter().take(limit).enumerate() {
            let mut row = json!({"g": key, "sum": sum});
            if emit.is_some() {
                row["final"] = json!(moment.0 == bounds.1 - 1);
            }
            out.push(((moment.0, true, (number * 1000 + index) as i64), row));
        }
    }
    let emit = emit.map_or(String::new(), |seconds| format!(" EMIT EVERY {seconds}s"));
    let text = format!(
        "SELECT {0} AS g, SUM(id) AS sum FROM A WINDOW HOPPING {size}s EVERY {every}s GROUP BY {0} ORDER BY sum DESC LIMIT {limit}{emit};",
        grouping.0
    );
    (text, out)
}
