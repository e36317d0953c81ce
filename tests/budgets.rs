//! Bounds of a run: the process stays within its memory whatever the program and the events, and each other bound ends what it is said to end.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a broken test should stop; what is skipped is told")]

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use betide::engine::EndCause;
use betide::{Engine, Error, Limits, Options};

/// The memory of each run: the program's own is a fifth of it.
const MEMORY: u64 = 96_000_000;
/// Of those that have to come to their bound quickly.
const LESS: u64 = 64_000_000;

const SOURCES: &str = "CREATE STREAM A (k INT, n INT, t STRING, at TIMESTAMP) TIMESTAMP BY at;
    CREATE STREAM B (k INT, n INT, t STRING, at TIMESTAMP) TIMESTAMP BY at;
    CREATE STREAM C (k INT, n INT, t STRING, at TIMESTAMP) TIMESTAMP BY at;";

/// The most memory that a process has had so far, in bytes; nothing where the system does not say, or it is gone.
fn most_of(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// Runs a program over events that are made as they are read; the exit code, the most memory, and what was told.
fn run(query: &str, flags: &[&str], mut event: impl FnMut(u64) -> String + Send + 'static, events: u64) -> (i32, u64, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_betide"))
        .args(["run", "-q", &format!("{SOURCES}{query}"), "--output", "R", "--format", "jsonl"])
        .args(flags)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || {
        let mut text = String::new();
        for i in 0..events {
            text += &event(i);
            text.push('\n');
            if text.len() > 1 << 16 || i + 1 == events {
                // Whoever has come to a bound reads no more.
                if input.write_all(text.as_bytes()).is_err() {
                    return;
                }
                text.clear();
            }
        }
    });
    let mut most = 0;
    let code = loop {
        most = most_of(&child).unwrap_or(0).max(most);
        if let Some(status) = child.try_wait().unwrap() {
            break status.code().unwrap_or(-1);
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    feeding.join().unwrap();
    let told = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
    (code, most, told)
}

fn line(stream: &str, k: u64, n: u64, text: &str, at: u64) -> String {
    format!("{{\"type\":\"{stream}\",\"k\":{k},\"n\":{n},\"t\":\"{text}\",\"at\":{at}}}")
}

/// A text of so many bytes that no other event has.
fn text(i: u64, bytes: usize) -> String {
    let word = format!("{:016x}", i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    word.repeat(bytes / 16)
}

#[test]
fn the_process_stays_within_its_memory_and_a_tenth() {
    if fs::metadata("/proc/self/status").is_err() {
        println!("skipped: this system does not tell how much memory a process has had");
        return;
    }
    let small = |stream: fn(u64) -> &'static str| move |i: u64| line(stream(i), 1, i, "x", i);
    let abc: fn(u64) -> &'static str = |i| ["A", "B", "B", "B", "C"][usize::try_from(i % 5).unwrap()];
    let ab: fn(u64) -> &'static str = |i| if i % 2 == 0 { "A" } else { "B" };
    // A few C of another key let time pass.
    let no_c: fn(u64) -> &'static str = |i| if i % 5 == 0 { "A" } else { "B" };
    let waiting: fn(u64) -> &'static str = |i| if i % 50 == 0 { "A" } else { "B" };
    let all_ways = "CREATE STREAM R AS SELECT a.n FROM PATTERN (A a ->> B b* ->> C c) PARTITION BY k WITHIN 1h;";
    type Event = Box<dyn FnMut(u64) -> String + Send>;
    let cases: Vec<(&str, &str, Event, u64)> = vec![
        (
            "one key without matches",
            all_ways,
            Box::new(move |i| if i % 10 == 9 { line("C", 2, i, "x", i) } else { line(no_c(i), 1, i, "x", i) }),
            1000,
        ),
        ("one key without matches, all at the end", all_ways, Box::new(small(waiting)), 600),
        (
            "one key with all ways",
            "CREATE STREAM R AS SELECT a.n, COUNT(b) AS m FROM PATTERN (A a ->> B b* ->> C c) PARTITION BY k WITHIN 1h;",
            Box::new(small(abc)),
            20_000,
        ),
        (
            "one key with terms between events",
            "CREATE STREAM R AS SELECT a.n, COUNT(b) AS m FROM PATTERN (A a -> B b+ -> C c) PARTITION BY k WHERE b.n > a.n AND c.n < a.n WITHIN 1h;",
            Box::new(small(abc)),
            3000,
        ),
        (
            "all pairs of pairs",
            "CREATE STREAM R AS SELECT a.n, b.n AS m, c.n AS o FROM PATTERN (A a ->> B b ->> C c) PARTITION BY k WITHIN 1h;",
            Box::new(small(abc)),
            20_000,
        ),
        (
            "a million keys in a window",
            "CREATE STREAM R AS SELECT k, SUM(n) AS s FROM A WINDOW TUMBLING 1h GROUP BY k;",
            Box::new(|i| line("A", i, i, "x", i)),
            1_000_000,
        ),
        (
            "a million keys in a pattern",
            "CREATE STREAM R AS SELECT a.n FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 1h;",
            Box::new(|i| line("A", i, i, "x", i)),
            1_000_000,
        ),
        (
            "a long window of texts",
            "CREATE STREAM R AS SELECT k, ARRAY_AGG(t) AS l FROM A WINDOW SLIDING 1h GROUP BY k;",
            Box::new(|i| line("A", i % 10, i, &text(i, 64), i)),
            20_000,
        ),
        (
            "huge texts",
            "CREATE STREAM R AS SELECT a.t, b.t AS u FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 1h;",
            Box::new(|i| line("A", i % 9, i, &text(i, 200_000), i)),
            3000,
        ),
        (
            "texts that are all different",
            "CREATE STREAM R AS SELECT a.t, b.t AS u FROM A a JOIN B b ON a.t = b.t WITHIN 1h;",
            Box::new(|i| line("A", 1, i, &text(i, 48), i)),
            600_000,
        ),
        (
            "a join of all with all",
            "CREATE STREAM R AS SELECT a.n, b.n AS m FROM A a JOIN B b ON a.k = b.k WITHIN 1h;",
            Box::new(small(ab)),
            20_000,
        ),
    ];
    let mut wrong = Vec::new();
    // All of them take minutes without optimisation: `BETIDE_BUDGETS=1`.
    let all = std::env::var_os("BETIDE_BUDGETS").is_some();
    for (number, (name, query, event, events)) in cases.into_iter().enumerate().take(if all { usize::MAX } else { 3 }) {
        // The first two have no other bound to come to.
        let (memory, runs) = if number < 2 { (LESS, "100000000") } else { (MEMORY, "100000") };
        let (code, most, told) = run(query, &["--memory", &memory.to_string(), "--max-runs", runs], event, events);
        println!("{name}: exit code {code}, {} MB of {} MB", most / 1_000_000, memory / 1_000_000);
        let is_told = (code == 0 && number >= 2) || code == 65 && told.contains("bytes of memory");
        if !is_told || most > memory + memory / 10 {
            wrong.push(format!("{name}: {} MB, exit code {code}\n{told}", most / 1_000_000));
        }
    }
    // Events that wait for the watermark, in reverse order, until the end of input lets them all go.
    let query =
        "CREATE STREAM Late (k INT, n INT, t STRING, at TIMESTAMP) TIMESTAMP BY at DELAY 9d; CREATE STREAM R AS SELECT n, t FROM Late;";
    for events in [50_000, 600_000].into_iter().take(if all { 2 } else { 0 }) {
        let reverse = move |i: u64| line("Late", 1, i, "x", 100_000_000 - i);
        let (code, most, told) = run(query, &["--memory", &MEMORY.to_string()], reverse, events);
        println!("{events} events in reverse: exit code {code}, {} MB", most / 1_000_000);
        if !(code == 0 || code == 65 && told.contains("bytes of memory")) || most > MEMORY + MEMORY / 10 {
            wrong.push(format!("{events} in reverse: {} MB, exit code {code}\n{told}", most / 1_000_000));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn memory_that_is_too_little_is_refused_before_an_event_is_read() {
    let (code, _, told) = run("CREATE STREAM R AS SELECT n FROM A;", &["--memory", "1MB"], |i| line("A", 1, i, "x", i), 1);
    if fs::metadata("/proc/self/statm").is_ok() {
        assert!(code == 2 && told.contains("--memory is too little") && told.contains("at least"), "{code}: {told}");
    }
}

/// An engine with these limits that has had these events.
fn engine(query: &str, limits: Limits, events: u64, event: impl Fn(u64) -> String) -> Engine {
    let mut engine =
        Engine::with_options(&format!("{SOURCES}{query}"), &Options { limits, ..Options::default() }).unwrap_or_else(|e| panic!("{e}"));
    (0..events).for_each(|i| engine.push_json((event(i) + "\n").as_bytes()).unwrap());
    engine.finish().unwrap();
    engine
}

const SUM: &str = "CREATE STREAM Sum AS SELECT k, SUM(n) AS s FROM A WINDOW TUMBLING 1h GROUP BY k;";
const COUNT: &str = "CREATE STREAM Count AS SELECT COUNT(*) AS c FROM A WINDOW TUMBLING 1h;";

/// The statement that has ended, and why; the other has given its row.
fn ended(mut engine: Engine) -> (String, String) {
    let ended = engine.ended();
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert!(engine.take_rows().iter().any(|row| row.stream() == Some("Count")), "the other statement goes on");
    let EndCause::Full(why) = &ended[0].cause else { panic!("{ended:?}") };
    (ended[0].title(), why.clone())
}

#[test]
fn a_statement_with_too_many_keys_ends_alone_and_one_with_as_many_as_it_may_does_not() {
    let with = |keys: usize, events: u64| {
        engine(&format!("{SUM}{COUNT}"), Limits { keys, ..Limits::default() }, events, |i| line("A", i, i, "x", i))
    };
    assert!(with(500, 500).ended().is_empty());
    assert_eq!(ended(with(500, 5000)), ("`Sum`".to_owned(), "more than 500 keys".to_owned()));
}

#[test]
fn a_statement_with_too_much_state_ends_alone() {
    let limits = Limits { statement_memory: Some(200_000), ..Limits::default() };
    let few = engine(&format!("{SUM}{COUNT}"), limits, 100, |i| line("A", i, i, "x", i));
    assert!(few.ended().is_empty());
    let (name, why) = ended(engine(&format!("{SUM}{COUNT}"), limits, 5000, |i| line("A", i, i, "x", i)));
    assert!(name == "`Sum`" && why == "more than 200000 bytes of one statement's state", "{name}: {why}");
}

#[test]
fn a_statement_that_gives_too_many_rows_for_one_event_ends_alone() {
    let queries = [
        "CREATE STREAM R AS SELECT a.n, b.n AS m FROM PATTERN (A a ->> B b ->> C c) WITHIN 1h;",
        "CREATE STREAM R AS SELECT a.n, c.n AS m FROM PATTERN (A a ->> B b* ->> C c) WITHIN 1h;",
        "CREATE STREAM R AS SELECT a.n, c.n AS m FROM A a JOIN C c ON a.t = c.t WITHIN 1h;",
    ];
    let event = |i: u64| line(if i == 49 { "C" } else { ["A", "B"][usize::try_from(i % 2).unwrap()] }, i, i, "x", i);
    for query in queries {
        let with = |event_rows: usize| engine(&format!("{query}{COUNT}"), Limits { event_rows, ..Limits::default() }, 50, event);
        assert_eq!(ended(with(20)), ("`R`".to_owned(), "more than 20 rows of one event".to_owned()), "{query}");
    }
    // 25 events of A have one C: exactly as many rows as there may be.
    let exact = engine(&format!("{}{COUNT}", queries[2]), Limits { event_rows: 25, ..Limits::default() }, 50, event);
    assert!(exact.ended().is_empty(), "{:?}", exact.ended());
}

#[test]
fn a_statement_says_what_goes_where_a_key_has_too_many_runs() {
    // Five starts of one key and two of another, then an end of each.
    let event = |i: u64| match i {
        0..5 => line("A", 1, i, "x", i),
        5 | 6 => line("A", 2, i, "x", i),
        _ => line("B", i - 6, i, "x", i),
    };
    let with = |overflow: &str| {
        let query =
            format!("CREATE STREAM R AS SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 1h RUNS 3{overflow};{COUNT}");
        engine(&query, Limits::default(), 9, event)
    };
    let rows = |engine: &mut Engine| {
        let rows = engine.take_rows().into_iter().filter(|row| row.stream() == Some("R"));
        rows.map(|row| row.to_json().split_once(',').unwrap().1.to_owned()).collect::<Vec<_>>().join(" ")
    };
    let mut refuses = with("");
    assert_eq!(rows(&mut refuses), "\"n\":0,\"m\":7} \"n\":1,\"m\":7} \"n\":2,\"m\":7} \"n\":5,\"m\":8} \"n\":6,\"m\":8}");
    let mut drops = with(" ON OVERFLOW DROP OLDEST");
    assert_eq!(rows(&mut drops), "\"n\":2,\"m\":7} \"n\":3,\"m\":7} \"n\":4,\"m\":7} \"n\":5,\"m\":8} \"n\":6,\"m\":8}");
    let dropped = |engine: &Engine| engine.stats().operators.iter().map(|operator| operator.dropped).sum::<u64>();
    assert_eq!((dropped(&refuses), dropped(&drops)), (0, 2));
    let (name, why) = ended(with(" ON OVERFLOW ERROR"));
    assert_eq!((name.as_str(), why.as_str()), ("`R`", "more than 3 unfinished runs of one key, as RUNS says"));
}

#[test]
fn rounds_that_are_made_smaller_for_a_bound_of_memory_give_the_same_rows() {
    let query = "CREATE STREAM R AS SELECT a.n, b.n AS m FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 2s; SELECT k, COUNT(*) AS c FROM A WINDOW SESSION 40ms GROUP BY k;";
    let rows = |memory: Option<usize>| {
        let options = Options { limits: Limits { memory, ..Limits::default() }, ..Options::default() };
        let sources = SOURCES.replace("BY at;", "BY at DELAY 1d;");
        let mut engine = Engine::with_options(&format!("{sources}{query}"), &options).unwrap();
        let events: String = (0..20_000)
            .map(|i| line(["A", "B"][usize::try_from(i * 7 % 3 % 2).unwrap()], i % 13, i, "x", i * 7919 % 20_000) + "\n")
            .collect();
        engine.push_json(events.as_bytes()).unwrap();
        engine.finish().unwrap();
        engine.take_rows().iter().map(betide::OutputRow::to_json).collect::<Vec<_>>()
    };
    let expected = rows(None);
    assert!(expected.len() > 1000);
    assert!(rows(Some(1 << 40)) == expected);
}

#[test]
fn the_bound_of_memory_is_an_error_of_the_run_that_stays() {
    if betide::resident_bytes().is_none() {
        println!("skipped: this system does not tell how much memory a process has");
        return;
    }
    let options = Options { limits: Limits { memory: Some(1000), ..Limits::default() }, ..Options::default() };
    let mut engine = Engine::with_options(&format!("{SOURCES}{COUNT}"), &options).unwrap();
    for _ in 0..2 {
        let told = engine.push_json((line("A", 1, 1, "x", 1) + "\n").as_bytes());
        assert!(matches!(&told, Err(Error::Data(betide::DataError::Full(what, 1000))) if what.contains("bytes of memory")), "{told:?}");
    }
}
