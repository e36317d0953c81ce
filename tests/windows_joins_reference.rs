//! Windows, aggregates and joins: the engine against plain loops over the sorted events, in order and in disorder.
//! In: random streams and queries (`BETIDE_PAIRS` says how many). Out: the same rows, and every event accounted for.
//! The loops look at every window and every pair; they keep no state that could be wrong in the way an operator's state can be.

#![allow(clippy::print_stdout, reason = "what is skipped or judged is told")]
#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use serde_json::json;
use support::agree_windows::{Make, judge};
use support::arrivals::{self, Timing};
use support::random::{self, Random};
use support::windows::{Event, Window, panes, quantile, spread};
use support::{joins, windows};

fn compare(make: Make, read_streams: &[&str], normal: u64) {
    let (mut wrong, mut late_events, mut rows) = (Vec::new(), 0, 0);
    for seed in 0..random::pairs(normal) {
        let (how, found, late) = judge(make, read_streams, &mut Random::new(seed));
        (late_events, rows) = (late_events + late, rows + found);
        wrong.extend(how.map(|how| format!("seed {seed}: {how}")));
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
