//! What `explain` says of the moment at which a match comes out is true: events are pushed one by one, and the row comes where the words say.

#![allow(clippy::unwrap_used, reason = "a broken case should stop the test")]

mod support;

use betide::Engine;
use support::engine::{self, Feed};

/// One source, so that the time of every event moves the time of all.
const STREAMS: &str = "CREATE STREAM E (type STRING, x INT, at TIMESTAMP(s)) TIMESTAMP BY at;
CREATE STREAM A AS SELECT x FROM E WHERE type = 'A';
CREATE STREAM B AS SELECT x FROM E WHERE type = 'B';
CREATE STREAM C AS SELECT x FROM E WHERE type = 'C';
";

/// What is said, the query, the events ("A1" is an A with x = 1; each is a second behind the one before, and `+n` lets n more pass), and
/// behind how many events the first row comes; nothing: at the end of input.
const CASES: &[(&str, &str, &str, Option<usize>)] = &[
    ("when `b` arrives.", "(A a -> B b) WITHIN 9s", "A1 C0 B2 C0", Some(3)),
    ("when `s` arrives.", "(A f{3,} -> A s) WHERE f.x = 0 AND s.x = 1 WITHIN 9s", "A0 A0 A0 A0 A1 A0", Some(5)),
    (
        "when the window closes (9s after its first event), because the last step may still grow; write `{2,}?`",
        "(A a{2,}) WHERE a.x > 0 WITHIN 9s",
        "A1 A1 A1 +8 A0 A0",
        Some(4),
    ),
    ("when the second `a` arrives", "(A a{2,}?) WITHIN 9s", "A1 A1 A1", Some(2)),
    ("when `b` has 2 events", "(A a -> B b{1,2}) WITHIN 9s", "A1 B1 B1 B1", Some(3)),
    ("or when an event comes that is not one more `b`", "(A a -> B b{1,9} STRICT) WITHIN 9s", "A1 B1 B1 A1 B1", Some(4)),
    ("when the first C ends the loop", "(A a+ UNTIL C) WITHIN 9s", "A1 A1 C0 A1", Some(3)),
    ("when the window closes (2s after its first event).", "(A a -> !B) WITHIN 2s", "A1 C0 C0 C0", Some(4)),
    ("when the 2s are over", "(A a -> !B FOR 2s) WITHIN 9s", "A1 C0 C0 C0", Some(4)),
    ("when `b` and `c` have arrived.", "(A a -> (B b & C c)) WITHIN 9s", "A1 C1 A1 B1 A1", Some(4)),
    ("when `b` arrives, or when the 2s are over.", "(A a -> (B b | !C FOR 2s)) WITHIN 9s", "A1 B1 A1", Some(2)),
    ("when `c` has arrived and the 2s are over.", "(A a -> (C c & !B FOR 2s)) WITHIN 9s", "A1 C1 A0 A0", Some(4)),
    ("when its last event arrives.", "(A a ->> B b) WITHIN 9s", "A1 C0 B1 B1", Some(3)),
    ("Comes out when it is complete; while a preferred way", "(A a+ -> A b) WITHIN 9s", "A1 A1 C0 +9 C0", Some(4)),
    ("when `b` arrives, at the latest when the window closes", "(A a -> B b?) WITHIN 9s", "A1 C0 B1 C0", Some(3)),
    ("when `a` arrives.", "(A a -> B b??) WITHIN 9s", "A1 C0 B1", Some(1)),
    ("or when the very next event is no `b`", "(A a , B b?) WITHIN 9s", "A1 C0 A1", Some(3)),
    ("when the input ends", "(A a -> B b+)", "A1 B0 B1", None),
];

/// Lines of JSON.
fn lines(events: &str) -> Vec<String> {
    let mut at = 0;
    let mut lines = Vec::new();
    for word in events.split_whitespace() {
        match word.strip_prefix('+') {
            Some(seconds) => at += seconds.parse::<i64>().unwrap(),
            None => {
                at += 1;
                lines.push(format!("{{\"type\":\"{}\",\"x\":{},\"at\":{at}}}", &word[..1], &word[1..]));
            }
        }
    }
    lines
}

#[test]
fn matches_come_out_when_the_words_say() {
    let mut wrong = String::new();
    for (words, query, events, after) in CASES {
        let first = if query.contains(" f{") { "COUNT(f)" } else { "COUNT(a)" };
        let program = format!("{STREAMS}SELECT {first} AS n FROM PATTERN {query};");
        let said = Engine::compile(&program).unwrap_or_else(|told| panic!("{program}\n{told:?}")).explain();
        if !said.contains(words) {
            wrong += &format!("{query}: `{words}` is not said in\n{said}\n");
        }
        let output = engine::run(&program, &lines(events), Feed::OneByOne).unwrap();
        // The streams that this pattern does not read leave the program.
        let first = output.rows.iter().position(|row| row.starts_with("{\"n\"")).map(|at| output.after[at]);
        if first != Some(*after) {
            wrong += &format!("{query}: the row comes behind {:?}, not {after:?}: {:?}\n", output.after, output.rows);
        }
    }
    assert!(CASES.len() >= 10);
    assert!(wrong.is_empty(), "{wrong}");
}
