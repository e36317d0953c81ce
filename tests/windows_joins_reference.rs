//! Windows, aggregates and joins: the engine against plain loops over the sorted events, in order and in disorder.
//! In: random streams and queries (`BETIDE_PAIRS` says how many). Out: the same rows, and every event accounted for.
//! The loops look at every window and every pair; they keep no state that could be wrong in the way an operator's state can be.

#![allow(clippy::print_stdout, reason = "what is skipped or judged is told")]
#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use std::sync::Arc;

use betide::{Engine, ManualClock, Options, OutputRow, Timestamp};
use serde_json::{Value as Json, json};
use support::arrivals::{self, Arrival, Timing};
use support::random::{self, Random};
use support::windows::{Event, Timed, Window, panes, quantile, read, spread};
use support::{cases, joins, windows};

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

type Make = fn(&mut Random, &[Event]) -> (String, Vec<Timed>);

/// The streams of one case as they arrive, how they are timed, and how many lines are pushed at once.
struct Given {
    timings: Vec<Timing>,
    arrivals: Vec<Arrival>,
    at_once: usize,
}

/// Events in order, all pushed at once; or in disorder, with silent and late ones, each pushed when the clock shows its arrival.
fn given(random: &mut Random) -> Given {
    let length = 5 + random.below(25);
    let mut timings = ["A", "B", "C"].map(|name| Timing { name, delay: 0, idle_after: None }).to_vec();
    if random.chance(50) {
        let input = random::stream(random, length, &["A", "A", "B", "C"]);
        return Given { timings, arrivals: input.into_iter().map(|event| (0, event)).collect(), at_once: length };
    }
    for timing in &mut timings {
        timing.delay = [0, 1000, 4000][random.below(3)];
        timing.idle_after = [None, Some(2000), Some(6000)][random.below(3)];
    }
    let arrivals = arrivals::arrivals(random, length * 2, &timings);
    Given { timings, arrivals, at_once: 1 }
}

/// Runs a program; gives its rows and how many events were late.
fn run(program: &str, given: &Given) -> (Vec<Json>, usize) {
    let clock = ManualClock::new(Timestamp(0));
    let options = Options { clock: Arc::new(clock.clone()), ..Options::default() };
    let mut engine = Engine::with_options(program, &options).unwrap_or_else(|error| panic!("{error}\n{program}"));
    for lines in given.arrivals.chunks(given.at_once) {
        clock.set(Timestamp(lines[0].0 * 1_000_000));
        let text: String = lines.iter().map(|(_, event)| format!("{event}\n")).collect();
        engine.push_json(text.as_bytes()).unwrap();
        let stats = engine.stats();
        assert_eq!(stats.events, stats.processed + stats.late + stats.unrouted + stats.bad);
    }
    engine.finish().unwrap();
    let stats = engine.stats();
    assert_eq!((stats.events, stats.unrouted, stats.bad), (given.arrivals.len() as u64, 0, 0));
    assert_eq!(stats.events, stats.processed + stats.late);
    let rows = engine.take_rows().iter().map(OutputRow::to_json).map(|row| serde_json::from_str(&row).unwrap()).collect();
    (rows, stats.late as usize)
}

fn compare(make: Make, read_streams: &[&str], normal: u64) {
    let (mut wrong, mut late_events, mut rows) = (Vec::new(), 0, 0);
    for seed in 0..random::pairs(normal) {
        let random = &mut Random::new(seed);
        let given = given(random);
        let (kept, late) = arrivals::in_time(&given.arrivals, &given.timings, read_streams);
        let events: Vec<Event> = kept.iter().map(read).collect();
        let (query, expected) = make(random, &events);
        let program = arrivals::sources(&given.timings) + &query;
        let (found, found_late) = run(&program, &given);
        (late_events, rows) = (late_events + late, rows + found.len());
        let how = if late == found_late { difference(expected, &found) } else { Some(format!("{late} late expected, {found_late} found")) };
        if let Some(how) = how {
            let lines: Vec<String> = given.arrivals.iter().map(|(clock, event)| format!("{clock} {event}")).collect();
            wrong.push(format!("seed {seed}: {program}\n    {}\n    {how}", lines.join("\n    ")));
        }
    }
    println!("{rows} rows, {late_events} late events");
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong[..wrong.len().min(3)].join("\n"));
    assert!(rows > 100 && late_events > 100, "the cases are not empty");
}

#[test]
fn windows_agree_with_plain_loops() {
    compare(windows::window_pair, &["A"], 3000);
}

#[test]
fn rows_of_windows_agree_with_plain_loops() {
    compare(windows::rows_pair, &["A"], 300);
}

#[test]
fn the_best_of_each_window_agree_with_plain_loops() {
    compare(windows::top_pair, &["A"], 400);
}

#[test]
fn joins_agree_with_plain_loops() {
    compare(joins::join_pair, &["A", "B"], 2000);
}

#[test]
fn as_of_joins_agree_with_plain_loops() {
    compare(joins::as_of_pair, &["A", "B"], 800);
}

#[test]
fn joins_of_three_streams_agree_with_plain_loops() {
    compare(joins::chain_pair, &["A", "B", "C"], 600);
}

#[test]
fn the_loops_themselves_give_what_is_expected_by_hand() {
    let event = |id, at| Event { stream: "A".into(), id, k: None, x: Some(id as f64), at };
    let rows = [event(1, 0), event(2, 999), event(3, 1000), event(4, 5000)];
    let ids = |window| panes(window, &rows).iter().map(|pane| pane.rows.iter().map(|e| e.id).collect()).collect::<Vec<Vec<i64>>>();
    assert_eq!(ids(Window::Tumbling { size: 1000, offset: 0 }), [vec![1, 2], vec![3], vec![4]]);
    let hopping = Window::Hopping { size: 2000, every: 1000, offset: 0 };
    assert_eq!(ids(hopping), [vec![1, 2], vec![1, 2, 3], vec![3], vec![4], vec![4]]);
    assert_eq!(ids(Window::Sliding(1000)), [vec![1], vec![1, 2], vec![1, 2, 3], vec![4]]);
    assert_eq!(ids(Window::Session { gap: 1000, max: None }), [vec![1, 2, 3], vec![4]]);
    assert_eq!(ids(Window::Session { gap: 1000, max: Some(999) }), [vec![1, 2], vec![3], vec![4]]);
    assert_eq!(ids(Window::Rows(3)), [vec![1, 2, 3]]);
    assert_eq!(ids(Window::LastRows(2)), [vec![1], vec![1, 2], vec![2, 3], vec![3, 4]]);
    assert_eq!(quantile(&[3.0, 1.0, 2.0, 10.0], 0.5), 2.5);
    assert_eq!(quantile(&[3.0, 1.0, 2.0, 10.0], 0.25), 1.75);
    assert_eq!(spread(&[2.0, 4.0], 1), Some(2.0));
}

#[test]
fn lateness_is_as_expected_by_hand() {
    let timing = |name, delay, idle_after| Timing { name, delay, idle_after };
    let timings = [timing("A", 1000, None), timing("B", 0, Some(2000))];
    let event = |clock: i64, stream: &str, id: i64, at: i64| (clock, json!({"type": stream, "id": id, "at": at}));
    // B holds the watermark until the clock shows more than 2 s; then A alone says what is late.
    let arrivals =
        [event(0, "A", 3, 5000), event(0, "A", 1, 4000), event(1, "A", 2, 3999), event(2002, "B", 4, 3999), event(2003, "B", 5, 4000)];
    let ids = |read: &[&str]| {
        let (kept, late) = arrivals::in_time(&arrivals, &timings, read);
        (kept.iter().map(|e| e["id"].as_i64().unwrap()).collect::<Vec<_>>(), late)
    };
    assert_eq!(ids(&["A", "B"]), (vec![1, 3, 5], 2));
    assert_eq!(ids(&["A"]), (vec![1, 3, 4, 5], 1));
}
