//! Streams as they arrive: in disorder, with ties, silent sources and late events, and who is late by the words of the language page.
//! In: random numbers. Out: lines with the arrival clock; which of them are in time. Ids are places in the total order.

use serde_json::{Value as Json, json};

use super::random::Random;

/// DELAY and IDLE AFTER of a source, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub name: &'static str,
    pub delay: i64,
    pub idle_after: Option<i64>,
}

/// An event on its way in: the arrival clock in milliseconds, and the event.
pub type Arrival = (i64, Json);

/// Declarations of streams with these timings.
pub fn sources(timings: &[Timing]) -> String {
    let stream = |t: &Timing| {
        let idle = t.idle_after.map_or(String::new(), |ms| format!(" IDLE AFTER {ms} ms"));
        format!("CREATE STREAM {} (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at DELAY {} ms{idle};\n", t.name, t.delay)
    };
    timings.iter().map(stream).collect()
}

/// Events in order of arrival: times go up and down by some seconds, so that some are late; each stream is silent for a while at times.
pub fn arrivals(random: &mut Random, length: usize, timings: &[Timing]) -> Vec<Arrival> {
    let (mut clock, mut now) = (0, 10_000);
    let mut only: Option<usize> = None;
    let mut found: Vec<Arrival> = Vec::new();
    for _ in 0..length {
        let step = [0, 0, 500, 1000, 1000, 1000, 3000, 5000][random.below(8)];
        (clock, now) = (clock + step, now + step);
        if random.chance(15) {
            only = if random.chance(50) { Some(random.below(timings.len())) } else { None };
        }
        let stream = only.unwrap_or_else(|| random.below(timings.len()));
        let at = now - [0, 0, 0, 500, 1000, 2000, 4000, 6000][random.below(8)];
        let mut event = json!({"type": timings[stream].name, "at": at});
        if !random.chance(6) {
            event["k"] = json!(random.pick(&["u", "v"]));
        }
        if !random.chance(6) {
            event["x"] = json!(random.below(7) as f64);
        }
        found.push((clock, event));
    }
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by_key(|&i| (found[i].1["at"].as_i64(), i));
    for (id, &i) in (1..).zip(&order) {
        found[i].1["id"] = json!(id);
    }
    found
}

/// The events in time, in the total order, and how many were late. Only the streams that are `read` hold the watermark.
///
/// An event is late before its own stream's watermark, or before the program's: the least over the live streams that are read (of no live
/// one, the largest), which never goes back. At the watermark it is not late.
pub fn in_time(arrivals: &[Arrival], timings: &[Timing], read: &[&str]) -> (Vec<Json>, usize) {
    let is_read: Vec<bool> = timings.iter().map(|t| read.contains(&t.name)).collect();
    let mut watermarks: Vec<Option<i64>> = vec![None; timings.len()];
    let mut seen: Vec<i64> = vec![arrivals.first().map_or(0, |(clock, _)| *clock); timings.len()];
    let mut idle = vec![false; timings.len()];
    let mut program = i64::MIN;
    let mut kept: Vec<Json> = Vec::new();
    for (clock, event) in arrivals {
        for (i, timing) in timings.iter().enumerate() {
            idle[i] |= timing.idle_after.is_some_and(|limit| clock - seen[i] > limit);
        }
        program = program.max(watermark(&watermarks, &idle, &is_read));
        let i = timings.iter().position(|t| event["type"] == t.name).unwrap();
        let at = event["at"].as_i64().unwrap();
        (seen[i], idle[i]) = (*clock, false);
        let is_late = watermarks[i].is_some_and(|own| at < own) || is_read[i] && at < program;
        if !is_late {
            watermarks[i] = watermarks[i].max(Some(at - timings[i].delay));
            kept.push(event.clone());
        }
        program = program.max(watermark(&watermarks, &idle, &is_read));
    }
    let late = arrivals.len() - kept.len();
    kept.sort_by_key(|event| event["id"].as_i64());
    (kept, late)
}

fn watermark(watermarks: &[Option<i64>], idle: &[bool], is_read: &[bool]) -> i64 {
    let read = || (0..idle.len()).filter(|&i| is_read[i]);
    let live = read().filter(|&i| !idle[i]).map(|i| watermarks[i].unwrap_or(i64::MIN)).min();
    live.unwrap_or_else(|| read().filter_map(|i| watermarks[i]).max().unwrap_or(i64::MIN))
}
