//! Windows and joins: whether the engine says what plain loops over all events say.
//! In: a query, streams as they arrive. Out: the engine's rows, and how they differ.

use std::sync::Arc;

use betide::{Engine, ManualClock, Options, OutputRow, Timestamp};
use serde_json::{Value as Json, json};

use super::arrivals::{self, Arrival, Timing};
use super::cases;
use super::random::{self, Random};
use super::windows::{Event, Timed, read};

/// How rows differ from what is expected: moment after moment, in any order within one.
pub fn difference(mut expected: Vec<Timed>, found: &[Json]) -> Option<String> {
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

/// A query by random choices, and what it gives over events.
pub type Make = fn(&mut Random, &[Event]) -> (String, Vec<Timed>);

/// The streams of one case as they arrive, how they are timed, and how many lines are pushed at once.
pub struct Given {
    pub timings: Vec<Timing>,
    pub arrivals: Vec<Arrival>,
    pub at_once: usize,
}

/// Events in order, all pushed at once; or in disorder, with silent and late ones, each pushed when the clock shows its arrival.
pub fn given(random: &mut Random) -> Given {
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
pub fn run(program: &str, given: &Given) -> (Vec<Json>, usize) {
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

/// One case by random choices: how the engine differs from what is expected, and how many rows and late events it had.
pub fn judge(make: Make, read_streams: &[&str], random: &mut Random) -> (Option<String>, usize, usize) {
    let given = given(random);
    let (kept, late) = arrivals::in_time(&given.arrivals, &given.timings, read_streams);
    let events: Vec<Event> = kept.iter().map(read).collect();
    let (query, expected) = make(random, &events);
    let program = arrivals::sources(&given.timings) + &query;
    let (found, found_late) = run(&program, &given);
    let how = if late == found_late { difference(expected, &found) } else { Some(format!("{late} late expected, {found_late} found")) };
    let lines = || given.arrivals.iter().map(|(clock, event)| format!("{clock} {event}")).collect::<Vec<_>>().join("\n    ");
    (how.map(|how| format!("{program}\n    {}\n    {how}", lines())), found.len(), late)
}
