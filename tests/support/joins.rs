//! Joins by plain loops over all pairs.
//! In: random numbers, events in their order. Out: a query, and its rows with the moments at which they are certain.

use serde_json::{Map, Value as Json, json};

use super::random::Random;
use super::windows::{Event, Moment, Timed};

/// How far the right row may lie from the left one, in milliseconds, and how the query says it.
struct Range {
    low: i64,
    high: i64,
    on: Option<String>,
    within: String,
}

fn range(random: &mut Random) -> Range {
    let (before, after) = (random.below(5) as i64, random.below(5) as i64);
    let said = |low: i64, high: i64, on: Option<String>, within: String| Range { low, high, on, within };
    match random.below(8) {
        0..3 => said(-before * 1000, before * 1000, None, format!(" WITHIN {before}s")),
        3 => said(-before * 1000, after * 1000, None, format!(" WITHIN {before}s BEFORE AND {after}s AFTER")),
        4 => {
            let on = format!("b.at BETWEEN a.at - {before}s AND a.at + {after}s");
            said(-before * 1000, after * 1000, Some(on), String::new())
        }
        5 => {
            let on = format!("b.at - a.at <= {after}s AND a.at - {before}s <= b.at");
            said(-before * 1000, after * 1000, Some(on), String::new())
        }
        // Strictly later, or strictly earlier.
        6 => said(1, (1 + after) * 1000, Some(format!("b.at > a.at AND b.at <= a.at + {}s", 1 + after)), String::new()),
        _ => {
            let on = format!("a.at > b.at AND b.at >= a.at - {}s", 1 + before);
            said(-(1 + before) * 1000, -1, Some(on), String::new())
        }
    }
}

const KINDS: [&str; 8] = ["JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"];

/// A join query and what it gives.
pub fn join_pair(random: &mut Random, events: &[Event]) -> (String, Vec<Timed>) {
    let range = range(random);
    let (before, after) = ((-range.low).max(0), range.high.max(0));
    let less = random.chance(40);
    let keyed = random.chance(80);
    let kind = random.pick(&KINDS).to_owned();
    let (left, right): (Vec<&Event>, Vec<&Event>) =
        events.iter().filter(|e| e.stream == "A" || e.stream == "B").partition(|e| e.stream == "A");
    let fit = |l: &Event, r: &Event| {
        let key = !keyed || l.k.is_some() && l.k == r.k;
        let order = !less || l.x.zip(r.x).is_some_and(|(a, b)| a < b);
        key && order && (range.low..=range.high).contains(&(r.at - l.at))
    };
    let later = |l: &Event, r: &Event| if l.id > r.id { (l.at, false, l.id) } else { (r.at, false, r.id) };
    // A row with a NULL key is unmatched for certain at once; others when the time for partners is over.
    let alone = |e: &Event, wait: i64| if keyed && e.k.is_none() { (e.at, false, e.id) } else { (e.at + wait, true, 0) };
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
    on.extend(range.on.as_deref());
    let on = if on.is_empty() { "TRUE".to_owned() } else { on.join(" AND ") };
    let columns = if kind == "SEMI JOIN" || kind == "ANTI JOIN" { "a.id AS l" } else { "a.id AS l, b.id AS r, b.x AS x" };
    (format!("SELECT {columns} FROM A a {kind} B b ON {on}{};", range.within), out)
}

/// An as-of join: the last right row at or before the left row's time for which all of ON is true.
pub fn as_of_pair(random: &mut Random, events: &[Event]) -> (String, Vec<Timed>) {
    let tolerance = if random.chance(60) { Some(random.below(4) as i64) } else { None };
    let (keyed, less, keeps) = (random.chance(75), random.chance(30), random.chance(50));
    let fit = |l: &Event, r: &Event| {
        let key = !keyed || l.k.is_some() && l.k == r.k;
        let order = !less || l.x.zip(r.x).is_some_and(|(a, b)| a < b);
        key && order && r.at <= l.at && tolerance.is_none_or(|seconds| l.at - r.at <= seconds * 1000)
    };
    let of = |stream: &'static str| events.iter().filter(move |e| e.stream == stream);
    let mut out: Vec<Timed> = Vec::new();
    for l in of("A") {
        let partner = of("B").filter(|r| fit(l, r)).max_by_key(|r| r.id);
        if partner.is_some() || keeps {
            // A right row of the same time may still come behind it.
            out.push(((l.at, true, l.id), json!({"l": l.id, "r": partner.map(|r| r.id), "x": partner.and_then(|r| r.x)})));
        }
    }
    let mut on: Vec<&str> = Vec::new();
    on.extend(keyed.then_some("a.k = b.k"));
    on.extend(less.then_some("a.x < b.x"));
    let on = if on.is_empty() { "TRUE".to_owned() } else { on.join(" AND ") };
    let kind = if keeps { "LEFT ASOF JOIN" } else { "ASOF JOIN" };
    let bound = tolerance.map_or(String::new(), |seconds| format!(" TOLERANCE {seconds}s"));
    (format!("SELECT a.id AS l, b.id AS r, b.x AS x FROM A a {kind} B b ON {on}{bound};"), out)
}

/// A row of a chain of joins: its values, its key, and the time at which it stands.
struct Row {
    values: Map<String, Json>,
    k: Option<String>,
    at: i64,
}

/// Three streams, joined from left to right; the row of a pair has the time of its later side. Rows come out in any order here.
pub fn chain_pair(random: &mut Random, events: &[Event]) -> (String, Vec<Timed>) {
    let (first, second) = (1 + random.below(3) as i64, 1 + random.below(3) as i64);
    let kinds = [random.pick(&["JOIN", "LEFT JOIN"]).to_owned(), random.pick(&["JOIN", "LEFT JOIN"]).to_owned()];
    let of = |stream: &'static str| events.iter().filter(move |e| e.stream == stream);
    let start = of("A").map(|e| Row { values: Map::from_iter([("a".to_owned(), json!(e.id))]), k: e.k.clone(), at: e.at });
    let mut rows: Vec<Row> = start.collect();
    for (kind, seconds, stream, name) in [(&kinds[0], first, "B", "b"), (&kinds[1], second, "C", "c")] {
        let mut joined = Vec::new();
        for row in rows {
            let with = |id: Json| {
                let mut values = row.values.clone();
                values.insert(name.to_owned(), id);
                values
            };
            let fits = |e: &&Event| row.k.is_some() && row.k == e.k && (e.at - row.at).abs() <= seconds * 1000;
            let before = joined.len();
            let pair = |e: &Event| Row { values: with(json!(e.id)), k: row.k.clone(), at: row.at.max(e.at) };
            joined.extend(of(stream).filter(fits).map(pair));
            if joined.len() == before && kind == "LEFT JOIN" {
                joined.push(Row { values: with(Json::Null), k: row.k.clone(), at: row.at });
            }
        }
        rows = joined;
    }
    let no_order: Moment = (0, false, 0);
    let text = format!(
        "SELECT a.id AS a, b.id AS b, c.id AS c FROM A a {} B b ON a.k = b.k WITHIN {first}s {} C c ON a.k = c.k WITHIN {second}s;",
        kinds[0], kinds[1]
    );
    (text, rows.into_iter().map(|row| (no_order, Json::Object(row.values))).collect())
}
