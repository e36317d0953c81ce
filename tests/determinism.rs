//! Same events, same bytes: batch sizes, one line a push, and disorder within the delay change nothing.
//! In: random programs (patterns, windows, joins) with a DELAY, random streams. Out: byte-identical rows.

#![allow(clippy::print_stdout, reason = "what is skipped or judged is told")]
#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use serde_json::Value as Json;
use support::engine::{self, Failure, Feed};
use support::mixed;
use support::random::{self, Random};

const DELAY: i64 = 4000;

/// The input in another order: each event displaced by less than the delay, events of one time in their order.
fn shuffled(input: &[Json], random: &mut Random) -> Vec<Json> {
    let time = |event: &Json| event["at"].as_i64().unwrap();
    let mut keyed: Vec<(i64, Json)> = Vec::new();
    for group in input.chunk_by(|a, b| time(a) == time(b)) {
        let mut keys: Vec<i64> = group.iter().map(|e| time(e) + random.below(DELAY as usize) as i64).collect();
        keys.sort_unstable();
        keyed.extend(keys.into_iter().zip(group.iter().cloned()));
    }
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, event)| event).collect()
}

#[test]
fn the_shuffle_stays_within_the_delay() {
    let mut moved = 0;
    for seed in 0..50 {
        let random = &mut Random::new(seed);
        let input = random::stream(random, 40, &["A", "B"]);
        let other = shuffled(&input, random);
        moved += usize::from(other != input);
        let mut newest = i64::MIN;
        for event in &other {
            let at = event["at"].as_i64().unwrap();
            assert!(at >= newest.saturating_sub(DELAY), "seed {seed}: {event} is late");
            newest = newest.max(at);
        }
    }
    assert!(moved > 40, "the shuffle moves something");
}

#[test]
fn bytes_do_not_depend_on_batches_or_arrival() {
    let (mut compared, mut rows) = (0, 0);
    for seed in 0..random::pairs(240) {
        let random = &mut Random::new(seed);
        let program = mixed::program(seed, 0x0077_1e5e);
        let input = random::stream(random, 40, &["A", "A", "B", "B", "C", "D"]);
        let other = shuffled(&input, random);
        let text = |events: &[Json]| events.iter().map(Json::to_string).collect::<Vec<_>>();
        let expected = match engine::run(&program, &text(&input), Feed::Whole(None)) {
            Ok(output) => output.rows,
            Err(Failure::Refused(why)) if engine::not_yet(&why) => continue,
            Err(why) => panic!("seed {seed}: {why:?}\n{program}"),
        };
        compared += 1;
        rows += expected.len();
        for events in [&input, &other] {
            for feed in [Feed::OneByOne, Feed::Whole(Some(1)), Feed::Whole(Some(7)), Feed::Whole(Some(4096))] {
                let found = engine::run(&program, &text(events), feed).unwrap_or_else(|why| panic!("seed {seed}: {why:?}")).rows;
                let order = if std::ptr::eq(events, &input) { "in order" } else { "shuffled" };
                assert!(
                    found == expected,
                    "seed {seed}, fed {feed:?}, {order}:\n{program}\n{}\n--- expected\n{}\n--- found\n{}",
                    text(events).join("\n"),
                    expected.join("\n"),
                    found.join("\n")
                );
            }
        }
    }
    println!("{compared} programs compared, {rows} rows");
    assert!(compared > 0 && rows > compared);
}
