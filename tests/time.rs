//! Time: delays, silent sources, late events, events of the future, the arrival clock, ties, zones, and who holds the watermark back.
//! In: programs and events, the clock put by hand. Out: rows, counters, hints. The commands at the end read a pipe that pauses.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::sync::Arc;

use betide::{BadEvent, Duration, Engine, ManualClock, Options, OutputRow, Stats, Timestamp};

/// An engine with a clock that stands where it is put.
struct Run {
    engine: Engine,
    clock: ManualClock,
}

impl Run {
    fn new(program: &str) -> Self {
        let clock = ManualClock::new(at("2026-03-01T12:00:00Z"));
        let options = Options { clock: Arc::new(clock.clone()), ..Options::default() };
        let engine = Engine::with_options(program, &options).unwrap_or_else(|error| panic!("{error}"));
        Self { engine, clock }
    }

    fn push(&mut self, line: &str) {
        self.engine.push_json(format!("{line}\n").as_bytes()).unwrap();
    }

    fn rows(&mut self) -> Vec<String> {
        self.engine.take_rows().iter().map(OutputRow::to_json).collect()
    }

    /// All rows to the end, when every event has been accounted for.
    fn end(&mut self) -> Vec<String> {
        self.engine.finish().unwrap();
        let stats = self.stats();
        assert_eq!(stats.events, stats.processed + stats.late + stats.unrouted + stats.bad);
        self.rows()
    }

    fn stats(&self) -> Stats {
        self.engine.stats()
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn event(stream: &str, id: i64, second: i64) -> String {
    format!(r#"{{"type":"{stream}","id":{id},"at":"2026-03-01T10:{:02}:{:02}Z"}}"#, second / 60, second % 60)
}

const TWO: &str = "
CREATE STREAM Fast (id INT, at TIMESTAMP) TIMESTAMP BY at DELAY 1 second;
CREATE STREAM Slow (id INT, at TIMESTAMP) TIMESTAMP BY at DELAY 30 seconds IDLE AFTER 1 minute;
SELECT id FROM Fast; SELECT id FROM Slow;";

#[test]
fn each_source_has_its_own_delay_and_the_least_watermark_counts() {
    let mut run = Run::new(TWO);
    run.push(&event("Fast", 1, 100));
    run.push(&event("Slow", 2, 100));
    assert!(run.rows().is_empty(), "the watermark of Slow is at 70 s");
    // Late for Fast, whose watermark is at 99 s, and in time for Slow.
    run.push(&event("Fast", 3, 98));
    run.push(&event("Slow", 4, 70));
    assert_eq!(run.stats().late, 1);
    assert_eq!(run.rows(), [r#"{"id":4}"#]);
    assert_eq!(run.end(), [r#"{"id":1}"#, r#"{"id":2}"#]);
}

#[test]
fn the_counters_say_who_holds_the_watermark_back_and_since_when() {
    let mut run = Run::new(TWO);
    run.push(&event("Fast", 1, 100));
    let stats = run.stats();
    assert_eq!((stats.held_back_by.as_deref(), stats.held_back_since.as_deref()), (Some("Slow"), Some("2026-03-01T12:00:00Z")));
    assert_eq!((stats.sources[0].waiting, stats.sources[1].watermark.clone(), stats.watermark.clone()), (1, None, None));
    run.clock.set(at("2026-03-01T12:00:10Z"));
    run.push(&event("Slow", 2, 40));
    run.clock.set(at("2026-03-01T12:00:20Z"));
    // It does not move the watermark of Slow, but it is an event of it.
    run.push(&event("Slow", 3, 30));
    let stats = run.stats();
    assert_eq!((stats.held_back_by.as_deref(), stats.held_back_since.as_deref()), (Some("Slow"), Some("2026-03-01T12:00:10Z")));
    assert_eq!(stats.watermark.as_deref(), Some("2026-03-01T10:00:10Z"));
    let slow = &stats.sources[1];
    assert_eq!(slow.last_arrival.as_deref(), Some("2026-03-01T12:00:20Z"));
    assert_eq!((slow.lag_ms, slow.behind_ms), (Some(7_210_000), Some(89_000)), "behind the clock, and behind Fast");
    assert_eq!(stats.sources[0].behind_ms, Some(0));
    run.clock.set(at("2026-03-01T12:01:21Z"));
    run.engine.tick().unwrap();
    let stats = run.stats();
    assert!(stats.sources[1].idle);
    assert_eq!(stats.held_back_by.as_deref(), Some("Fast"), "the idle one holds nothing back");
}

#[test]
fn time_in_which_nothing_could_be_read_is_no_silence() {
    for (excused, rows) in [(Duration(0), 2), (Duration(3_600_000_000_000), 0)] {
        let mut run = Run::new(TWO);
        run.push(&event("Fast", 1, 100));
        run.push(&event("Fast", 2, 101));
        run.clock.set(at("2026-03-01T13:00:30Z"));
        run.engine.excuse(excused);
        run.push(&event("Fast", 3, 102));
        assert_eq!(run.rows().len(), rows, "{excused} excused");
    }
}

#[test]
fn late_events_are_a_stream_like_others() {
    let mut run = Run::new(
        "CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at DELAY 2 seconds LATE INTO LateA;
        CREATE STREAM PerMinute AS SELECT COUNT(*) AS n, ARRAY_AGG(id) AS ids, START_TIME AS minute FROM LateA WINDOW TUMBLING 1 minute;
        CREATE STREAM Twice AS SELECT a.id AS first, b.id AS second, b.at FROM PATTERN (LateA a -> LateA b) WITHIN 30s;
        SELECT id FROM A;",
    );
    for (id, second) in [(1, 10), (2, 5), (3, 8), (4, 70), (5, 11), (6, 72)] {
        run.push(&event("A", id, second));
    }
    // 2 is late when the watermark is at 8 s, 5 when it is at 68 s: there they stand, and 3 is in time.
    let rows = run.end();
    assert_eq!(run.stats().late, 2);
    let of = |stream: &str| rows.iter().filter(|row| row.contains(stream)).cloned().collect::<Vec<_>>();
    let minute = |n, ids, minute| format!(r#"{{"stream":"PerMinute","n":{n},"ids":{ids},"minute":"2026-03-01T10:{minute}:00Z"}}"#);
    assert_eq!(of("PerMinute"), [minute(1, "[2]", "00"), minute(1, "[5]", "01")]);
    assert!(of("Twice").is_empty(), "they stand 60 s apart");
    assert_eq!(rows.iter().filter(|row| !row.contains("stream")).count(), 4);
}

#[test]
fn a_pattern_over_late_events() {
    let mut run = Run::new(
        "CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at LATE INTO LateA;
        SELECT l.id AS late, a.id AS next FROM PATTERN (LateA l -> A a) WITHIN 10s;",
    );
    for (id, second) in [(1, 20), (2, 5), (3, 21), (4, 40)] {
        run.push(&event("A", id, second));
    }
    assert_eq!(run.end(), [r#"{"late":2,"next":3}"#]);
}

const AHEAD: &str = "
CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at AHEAD 5 minutes LATE INTO LateA;
SELECT id, at FROM A; SELECT COUNT(*) AS n, START_TIME FROM A WINDOW TUMBLING 1 minute;";

#[test]
fn what_was_ahead_of_the_clock_is_recorded_and_a_replay_without_it_gives_the_same() {
    let lines = [event("A", 1, 0), event("A", 2, 10), r#"{"id":3,"at":"2026-03-01T12:05:01Z"}"#.to_owned(), event("A", 4, 20)];
    let mut live = Run::new(AHEAD);
    lines.iter().for_each(|line| live.push(line));
    let rows = live.end();
    let bad = live.engine.take_bad_events();
    assert_eq!(bad.iter().map(|b| (b.line, b.cause.code())).collect::<Vec<_>>(), [(3, "ahead_of_clock")]);
    assert!(bad[0].detail.contains("2026-03-01T12:00:00Z"), "it says what the clock showed: {}", bad[0].detail);
    assert_eq!((live.stats().late, rows.len()), (0, 4), "one wrong clock makes no other event late");

    // An hour later the same event would be believed, and make the next one late.
    let replay = |lines: &mut dyn Iterator<Item = &String>| {
        let mut run = Run::new(AHEAD);
        run.clock.set(at("2026-03-01T13:00:00Z"));
        lines.for_each(|line| run.push(line));
        run.end()
    };
    assert_ne!(replay(&mut lines.iter()), rows);
    let refused = |bad: &BadEvent| bad.line;
    let recorded: Vec<u64> = bad.iter().map(refused).collect();
    let numbered = (1..).zip(&lines);
    assert_eq!(replay(&mut numbered.filter(|(line, _)| !recorded.contains(line)).map(|(_, text)| text)), rows);
}

#[test]
fn an_endless_input_has_a_bound_ahead_by_itself() {
    for (endless, bad) in [(true, 1), (false, 0)] {
        let clock = ManualClock::new(at("2026-03-01T12:00:00Z"));
        let options = Options { clock: Arc::new(clock), endless, ..Options::default() };
        let mut engine =
            Engine::with_options("CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at; SELECT id FROM A;", &options).unwrap();
        engine.push_json(b"{\"id\":1,\"at\":\"2026-03-01T12:06:00Z\"}\n{\"id\":2,\"at\":\"2026-03-01T12:05:00Z\"}\n").unwrap();
        assert_eq!(engine.stats().bad, bad);
    }
}

#[test]
fn without_an_event_time_the_time_of_arrival_counts() {
    let mut run = Run::new(
        "CREATE STREAM A (id INT); SELECT ARRAY_AGG(id) AS ids, START_TIME AS s, END_TIME AS e FROM A WINDOW SESSION 10 seconds;
        SELECT COUNT(*) AS n, START_TIME AS s FROM A WINDOW TUMBLING 1 minute;",
    );
    for (id, time) in [(1, "12:00:01"), (2, "12:00:11"), (3, "12:00:05"), (4, "12:00:50"), (5, "12:01:00")] {
        run.clock.set(at(&format!("2026-03-01T{time}Z")));
        run.push(&format!(r#"{{"id":{id}}}"#));
    }
    let session = |ids, s, e| format!(r#"{{"ids":{ids},"s":"2026-03-01T12:{s}Z","e":"2026-03-01T12:{e}Z"}}"#);
    let minute = |n, s| format!(r#"{{"n":{n},"s":"2026-03-01T12:{s}:00Z"}}"#);
    assert_eq!(run.rows(), [session("[1,2,3]", "00:01", "00:11"), minute(4, "00")], "a clock that goes back stands still");
    assert_eq!(run.end(), [session("[4,5]", "00:50", "01:00"), minute(1, "01")]);
}

#[test]
fn tie_breakers_order_events_of_one_time() {
    let lines = [(3, "c"), (1, "a"), (2, "b"), (2, "later")];
    let program = "CREATE STREAM A (seq INT, v STRING, at TIMESTAMP) TIMESTAMP BY (at, seq) DELAY 1 second;
        SELECT ARRAY_AGG(v) AS vs FROM A WINDOW TUMBLING 1 minute; SELECT a.v AS a, b.v AS b FROM PATTERN (A a , A b);";
    let run = |order: &[usize]| {
        let mut run = Run::new(program);
        for &i in order {
            run.push(&format!(r#"{{"seq":{},"v":"{}","at":1000}}"#, lines[i].0, lines[i].1));
        }
        run.end()
    };
    let rows = run(&[0, 1, 2, 3]);
    assert!(rows.contains(&r#"{"vs":["a","b","later","c"]}"#.to_owned()), "{rows:?}");
    assert!(rows.contains(&r#"{"a":"later","b":"c"}"#.to_owned()), "{rows:?}");
    // Events of one time and tie-breaker stay in the order of arrival.
    for order in [[1, 2, 3, 0], [2, 3, 1, 0], [2, 0, 3, 1]] {
        assert_eq!(run(&order), rows);
    }
}

#[test]
fn start_time_and_end_time_of_everything() {
    let source = "CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at;\n";
    let bounds = |query: &str| {
        let mut run = Run::new(&format!("{source}{query}"));
        for (id, second) in [(1, 60), (2, 62), (3, 75)] {
            run.push(&event("A", id, second));
        }
        let short = |row: String| row.replace("2026-03-01T10:", "").replace(['"', '{', '}', 'Z'], "").replace("s:", "").replace("e:", "");
        run.end().into_iter().map(short).collect::<Vec<_>>()
    };
    let of = |clause: &str| bounds(&format!("SELECT START_TIME AS s, END_TIME AS e FROM {clause};"));
    let count = |clause: &str| bounds(&format!("SELECT START_TIME AS s, END_TIME AS e FROM (SELECT COUNT(*) AS n FROM A {clause});"));
    assert_eq!(of("A WINDOW TUMBLING 10s GROUP BY id % 1"), ["01:00,01:10", "01:10,01:20"]);
    assert_eq!(
        of("A WINDOW HOPPING 10s EVERY 5s OFFSET 1s GROUP BY id % 1"),
        ["00:51,01:01", "00:56,01:06", "01:01,01:11", "01:06,01:16", "01:11,01:21"]
    );
    assert_eq!(of("A WINDOW SESSION 5s GROUP BY id % 1"), ["01:00,01:02", "01:15,01:15"]);
    assert_eq!(of("A WINDOW ROWS 2 GROUP BY id % 1"), ["01:00,01:02"]);
    let moving = |clause: &str| bounds(&format!("SELECT COUNT(*) AS n, START_TIME AS s, END_TIME AS e FROM A {clause};"));
    assert_eq!(moving("WINDOW SLIDING 5s"), ["n:1,00:55,01:00", "n:2,00:57,01:02", "n:1,01:10,01:15"]);
    assert_eq!(moving("WINDOW LAST 2 ROWS"), ["n:1,01:00,01:00", "n:2,01:00,01:02", "n:2,01:02,01:15"]);
    assert_eq!(of("PATTERN (A a -> A b) WITHIN 5s"), ["01:00,01:02"]);
    assert_eq!(of("PATTERN (A a -> !A b) WITHIN 5s"), ["01:02,01:07", "01:15,01:20"], "to the end of WITHIN, when it is certain");
    // Over derived rows: their own times are those of what made them certain.
    let derived = bounds(
        "CREATE STREAM M AS SELECT a.id FROM PATTERN (A a -> A b) WITHIN 5s;
        SELECT COUNT(*) AS n, START_TIME AS s, END_TIME AS e FROM M WINDOW SESSION 1s;",
    );
    assert_eq!(derived, ["n:1,01:02,01:02"]);
    assert!(std::panic::catch_unwind(|| count("")).is_err(), "without a window there are no bounds");
}

/// Hours before and after both changes of the clocks of Berlin in 2026, one event an hour.
fn around(first: &str) -> Vec<String> {
    let first = at(first).0;
    (0..72).map(|hour| format!(r#"{{"id":{hour},"at":"{}"}}"#, Timestamp(first + hour * 3_600_000_000_000))).collect()
}

#[test]
fn days_of_a_zone_have_23_and_25_hours_when_its_clocks_change() {
    let program = "CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at;
        SELECT COUNT(*) AS n, START_TIME AS s, END_TIME AS e FROM A WINDOW TUMBLING 1 day IN 'Europe/Berlin';
        SELECT COUNT(*) AS two, START_TIME AS s FROM A WINDOW HOPPING 2 days EVERY 1 day IN 'Europe/Berlin';
        SELECT COUNT(*) AS six, START_TIME AS s FROM A WINDOW TUMBLING 1 day OFFSET 6 hours IN 'Europe/Berlin';";
    let counts = |first: &str, what: &str| {
        let mut run = Run::new(program);
        around(first).iter().for_each(|line| run.push(line));
        let rows = run.end();
        let of = rows.iter().filter(|row| row.contains(&format!("\"{what}\":")));
        of.map(|row| row[..row.find(r#","e":"#).unwrap_or(row.len() - 1)].replace(['{', '"'], "")).collect::<Vec<_>>()
    };
    let (spring, autumn) = ("2026-03-27T23:00:00Z", "2026-10-23T22:00:00Z");
    assert_eq!(
        counts(spring, "n"),
        ["n:24,s:2026-03-27T23:00:00Z", "n:23,s:2026-03-28T23:00:00Z", "n:24,s:2026-03-29T22:00:00Z", "n:1,s:2026-03-30T22:00:00Z"]
    );
    assert_eq!(counts(autumn, "n"), ["n:24,s:2026-10-23T22:00:00Z", "n:25,s:2026-10-24T22:00:00Z", "n:23,s:2026-10-25T23:00:00Z"]);
    assert_eq!(counts(spring, "two")[1..3], ["two:47,s:2026-03-27T23:00:00Z", "two:47,s:2026-03-28T23:00:00Z"]);
    assert_eq!(counts(autumn, "two")[1..3], ["two:49,s:2026-10-23T22:00:00Z", "two:48,s:2026-10-24T22:00:00Z"]);
    // Six in the morning, by the clock on the wall.
    assert_eq!(counts(spring, "six")[1..3], ["six:23,s:2026-03-28T05:00:00Z", "six:24,s:2026-03-29T04:00:00Z"]);
    assert_eq!(counts(autumn, "six")[1..3], ["six:25,s:2026-10-24T04:00:00Z", "six:24,s:2026-10-25T05:00:00Z"]);
}

#[test]
fn functions_of_time_follow_the_zone_through_both_changes() {
    let program = "CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at;
        SELECT HOUR(at AT TIME ZONE 'Europe/Berlin') AS h, DATE_TRUNC('day', at, 'Europe/Berlin') AS day,
            FORMAT_TIMESTAMP(at, '%d %H:%M %z', 'Europe/Berlin') AS text, DATE_TRUNC('hour', at, 'Europe/Berlin') AS hour FROM A;";
    let mut run = Run::new(program);
    // The hour that is skipped, and the one that comes twice.
    for time in ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"] {
        run.push(&format!(r#"{{"id":0,"at":"{time}"}}"#));
    }
    let row = |h, day, text, hour| format!(r#"{{"h":{h},"day":"2026-{day}Z","text":"{text}","hour":"2026-{hour}Z"}}"#);
    assert_eq!(
        run.end(),
        [
            row(1, "03-28T23:00:00", "29 01:30 +0100", "03-29T00:00:00"),
            row(3, "03-28T23:00:00", "29 03:30 +0200", "03-29T01:00:00"),
            row(2, "10-24T22:00:00", "25 02:30 +0200", "10-25T00:00:00"),
            row(2, "10-24T22:00:00", "25 02:30 +0100", "10-25T01:00:00"),
        ]
    );
}

#[cfg(feature = "cli")]
mod commands {
    //! The binary on a pipe that pauses: nothing here waits for a time, only for what is said.

    use std::io::{BufRead, BufReader, Write};
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};

    /// A run of a program on a pipe that stays open.
    fn start(name: &str, program: &str, flags: &[&str]) -> Child {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("time-{name}-{}.tide", std::process::id()));
        std::fs::write(&path, program).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_betide"));
        command.arg("run").arg(&path).args(flags);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn line(from: impl std::io::Read) -> String {
        let mut line = String::new();
        BufReader::new(from).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    const TWO: &str = "
CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM B (id INT, at TIMESTAMP) TIMESTAMP BY at;
SELECT id FROM A; SELECT id FROM B;";

    #[test]
    fn a_silent_stream_becomes_idle_though_nothing_at_all_comes() {
        let program = TWO.replacen("BY at;\nSELECT", "BY at IDLE AFTER 100 ms;\nSELECT", 1);
        let mut run = start("idle", &program, &[]);
        run.stdin.as_mut().unwrap().write_all(b"{\"type\":\"A\",\"id\":1,\"at\":1000}\n").unwrap();
        assert_eq!(line(run.stdout.take().unwrap()), r#"{"id":1}"#, "while the pipe is open and nothing more comes");
        drop(run.stdin.take());
        assert!(run.wait().unwrap().success());
    }

    #[test]
    fn a_pause_in_which_events_wait_is_told_once_on_standard_error() {
        let mut run = start("pause", TWO, &[]);
        run.stdin.as_mut().unwrap().write_all(b"{\"type\":\"A\",\"id\":1,\"at\":1000}\n").unwrap();
        let hint = line(run.stderr.take().unwrap());
        assert!(hint.starts_with("betide: 1 event waits for the first event of `B` since ") && hint.contains("IDLE AFTER"), "{hint}");
        drop(run.stdin.take());
        assert_eq!(line(run.stdout.take().unwrap()), r#"{"id":1}"#);
        assert!(run.wait().unwrap().success());
    }

    #[test]
    fn the_summary_says_that_events_waited_for_a_stream_that_had_none() {
        let mut run = start("waited", TWO, &["--stats"]);
        run.stdin.take().unwrap().write_all(b"{\"type\":\"A\",\"id\":1,\"at\":1000}\n").unwrap();
        let output = run.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("1 event waited until the end of input for `B`, which had none"), "{said}");
        assert_eq!(output.stdout, b"{\"id\":1}\n");
    }

    #[test]
    fn an_event_ahead_of_the_clock_is_a_dead_letter() {
        let letters = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("time-ahead-{}.jsonl", std::process::id()));
        let program = "CREATE STREAM A (id INT, at TIMESTAMP) TIMESTAMP BY at AHEAD 1 day; SELECT id FROM A;";
        let mut run = start("ahead", program, &["--dead-letters", letters.to_str().unwrap()]);
        let input = b"{\"id\":1,\"at\":\"2200-01-01T00:00:00Z\"}\n{\"id\":2,\"at\":\"2020-01-01T00:00:00Z\"}\n";
        run.stdin.take().unwrap().write_all(input).unwrap();
        assert_eq!(run.wait_with_output().unwrap().stdout, b"{\"id\":2}\n");
        let letter: serde_json::Value = serde_json::from_str(std::fs::read_to_string(&letters).unwrap().trim_end()).unwrap();
        assert_eq!((&letter["cause"], &letter["line"]), (&"ahead_of_clock".into(), &1.into()));
        assert_eq!(letter["event"], "{\"id\":1,\"at\":\"2200-01-01T00:00:00Z\"}");
    }
}

/// Statements over T and U: what each gives is compared as text.
const AT_THE_END: [&str; 17] = [
    "SELECT COUNT(*) AS n FROM T WINDOW TUMBLING 10s",
    "SELECT k, COUNT(*) AS n, SUM(id) AS s FROM T WINDOW TUMBLING 1ns GROUP BY k",
    "SELECT COUNT(*) AS n FROM T WINDOW TUMBLING 1 day IN 'Europe/Berlin'",
    "SELECT k, COUNT(*) AS n FROM T WINDOW HOPPING 10s EVERY 5s GROUP BY k",
    "SELECT COUNT(*) AS n FROM T WINDOW HOPPING 5s EVERY 10s OFFSET 5s",
    "SELECT COUNT(*) AS n FROM T WINDOW HOPPING 10s EVERY 5s EMIT EVERY 1s",
    "SELECT k, COUNT(*) AS n FROM T WINDOW SLIDING 2ns GROUP BY k",
    "SELECT COUNT(*) AS n FROM T WINDOW SESSION 2ns",
    "SELECT COUNT(*) AS n FROM T WINDOW LAST 2 ROWS",
    "SELECT a.id, b.id AS b FROM PATTERN (T a -> U b) WITHIN 10s",
    "SELECT a.id, b.id AS b FROM PATTERN (T a ->> U b) WITHIN 2ns",
    "SELECT a.id, b.id AS b FROM PATTERN (T a , U b) PARTITION BY k WITHIN 10s",
    "SELECT a.id, COUNT(b.id) AS n FROM PATTERN (T a ->> U b+ ANY ->> T c) WITHIN 10s",
    "SELECT COUNT(*) AS n FROM (SELECT a.id FROM PATTERN (T a ->> U b+ ANY ->> T c) WITHIN 10s) WINDOW TUMBLING 10s",
    "SELECT a.id, b.id AS b FROM T a JOIN U b ON a.k = b.k WITHIN 2ns",
    "SELECT a.id, b.id AS b FROM T a LEFT JOIN U b ON a.k = b.k WITHIN 0s BEFORE AND 10m AFTER",
    "SELECT * FROM T MATCH_RECOGNIZE (PARTITION BY k ORDER BY at MEASURES A.id AS a, C.id AS c ONE ROW PER MATCH PATTERN (A B*? C) WITHIN 10s
     DEFINE C AS C.id > A.id)",
];

/// Events up to the last moment that a timestamp can say give what they give a thousand days before.
#[test]
fn the_last_moments_are_like_any_others() {
    let before = 1000 * 86_400_000_000_000;
    let rows = |statement: &str, last: i64, size: usize| {
        let sources = ["T", "U"].map(|name| format!("CREATE STREAM {name} (id INT, k STRING, at TIMESTAMP) TIMESTAMP BY at DELAY 3ns;"));
        let mut engine = Engine::compile(&format!("{}{statement};", sources.concat())).unwrap_or_else(|error| panic!("{error}"));
        let times = [6, 5, 2, 3, 1, 1, 0, 2, 0, 0, 0, 0];
        let events = (0..).zip(times).map(|(id, back)| {
            let (stream, key) = (["T", "U", "T"][id % 3], ["a", "b"][id / 3 % 2]);
            format!("{{\"type\":\"{stream}\",\"id\":{id},\"k\":\"{key}\",\"at\":\"{}\"}}\n", Timestamp(last - back))
        });
        let events: Vec<String> = events.collect();
        events.chunks(size).for_each(|events| engine.push_json(events.concat().as_bytes()).unwrap());
        engine.finish().unwrap();
        let stats = engine.stats();
        assert_eq!((stats.events, stats.processed), (12, 12));
        // What is to come early, at the next full second, has no time to come at the end.
        engine.take_rows().iter().map(OutputRow::to_json).filter(|row| !row.contains("\"final\":false")).collect::<Vec<_>>()
    };
    for statement in AT_THE_END {
        // Both ends of time lie alike in windows of ten seconds and in days of one zone.
        let (expected, last) = (rows(statement, i64::MAX - before, 12), rows(statement, i64::MAX, 12));
        assert!(!expected.is_empty(), "{statement}");
        assert_eq!(last, expected, "{statement}");
        assert_eq!(rows(statement, i64::MAX, 1), expected, "{statement}, event by event");
    }
}
