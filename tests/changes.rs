//! Statements that are added to a running program and dropped from it. In: random programs and streams, changed at random moments, saved and
//! resumed between (`BETIDE_PAIRS` says how many; `BETIDE_SEED` runs one). Out: statements that stay give the bytes that they give where
//! nothing is changed; a statement that is added gives what one gives that is fed from that moment on.
#![allow(clippy::print_stdout, reason = "a measurement is told")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use betide::engine::StatementId;
use betide::{ChangeError, DataType, Engine, Error, Options, Restored, Timestamp, Value};
use serde_json::Value as Json;
use support::random::{self, Random};
use support::{joins, windows};

/// Milliseconds of DELAY, within which events arrive out of order.
const DELAY: i64 = 4000;

fn options(open: bool, batch_size: usize) -> Options {
    Options { open, batch_size, ..Options::default() }
}

fn sources() -> String {
    random::sources(" DELAY 4 seconds")
}

/// Events of four streams out of order, none of them late.
fn lines(random: &mut Random) -> Vec<(Json, i64)> {
    let mut events = random::stream(random, 60, &["A", "A", "A", "B", "B", "C", "D"]);
    events.iter_mut().for_each(|event| event["at"] = (event["at"].as_i64().unwrap() + 10_000).into());
    let mut arriving: Vec<(i64, Json)> =
        events.into_iter().map(|event| (event["at"].as_i64().unwrap() + random.below(DELAY as usize) as i64, event)).collect();
    arriving.sort_by_key(|(at, _)| *at);
    arriving.into_iter().map(|(_, event)| (event.clone(), event["at"].as_i64().unwrap())).collect()
}

/// Statements that belong together: those behind the first read the first.
type Group = Vec<String>;

/// What no `;` stands in: a single query of any kind.
fn query(random: &mut Random) -> String {
    loop {
        let text = match random.below(12) {
            0..=2 => random::pair(random.next() % 100_000).program[random::sources("").len()..].to_owned(),
            3 => windows::rows_pair(random, &[]).0,
            4 => windows::top_pair(random, &[]).0,
            5 => windows::window_pair(random, &[]).0,
            6 => joins::as_of_pair(random, &[]).0,
            7 => joins::join_pair(random, &[]).0,
            8 => format!("SELECT id, x FROM {} WHERE x > {}", random.pick(&["A", "B", "C"]), random.below(5)),
            _ => format!(
                "SELECT a.id AS a, b.id AS b FROM PATTERN ({} a -> {} b) {}WHERE a.x > {} AND b.x < {} WITHIN {}s",
                random.pick(&["A", "B"]),
                random.pick(&["B", "C", "D"]),
                random.pick(&["", "PARTITION BY k ", "PARTITION BY k "]),
                random.below(5),
                2 + random.below(5),
                2 + random.below(20),
            ),
        };
        let text = text.trim().trim_end_matches(';').to_owned();
        if !text.contains(';') {
            return text;
        }
    }
}

fn group(random: &mut Random, number: usize) -> Group {
    let first = format!("CREATE STREAM Q{number} AS {}", query(random));
    match random.below(10) {
        0 | 1 => vec![
            format!("CREATE STREAM Q{number} AS SELECT id, k, x, at FROM A WHERE x > {}", random.below(4)),
            format!("CREATE STREAM R{number} AS SELECT id, x FROM Q{number} WHERE x < 5"),
            format!("CREATE STREAM S{number} AS SELECT q.id AS q, b.id AS b FROM PATTERN (Q{number} q -> B b) PARTITION BY k WITHIN 5s"),
        ],
        2 => vec![
            format!(
                "CREATE STREAM Q{number} AS SELECT ALL MATCHES a.k AS k, b.id AS id FROM PATTERN (A a ->> B b) PARTITION BY k WITHIN 6s"
            ),
            format!("CREATE STREAM R{number} AS SELECT k, COUNT(*) AS n FROM Q{number} WINDOW TUMBLING 10s GROUP BY k"),
        ],
        3 => vec![
            format!("CREATE TABLE Q{number} AS SELECT k, COUNT(*) AS n, LAST(x) AS x FROM A WHERE k IS NOT NULL GROUP BY k"),
            format!("CREATE STREAM R{number} AS SELECT b.id, q.n, q.x FROM B b JOIN Q{number} q ON b.k = q.k"),
        ],
        4 => vec![
            format!("CREATE STREAM Q{number} AS SELECT COUNT(*) AS n, MAX(id) AS id FROM A WINDOW SESSION 3s"),
            format!("INSERT INTO T{number} SELECT n AS v FROM Q{number}"),
            format!("INSERT INTO T{number} SELECT id AS v FROM C"),
            format!("CREATE STREAM U{number} AS SELECT COUNT(*) AS n, LAST(v) AS v FROM T{number}"),
        ],
        5 => vec![format!("INSERT INTO Common SELECT {number} AS who, id FROM {}", random.pick(&["A", "B"]))],
        _ => vec![first],
    }
}

/// Whether a program of these groups is one.
fn compiles(groups: &[&Group]) -> bool {
    let text: Vec<String> = groups.iter().flat_map(|group| group.iter().cloned()).collect();
    Engine::compile(&format!("{}{};", sources(), text.join(";\n"))).is_ok()
}

fn groups(random: &mut Random, count: usize, first: usize) -> Vec<Group> {
    let mut found = Vec::new();
    while found.len() < count {
        let group = group(random, first + found.len());
        if compiles(&[&group]) {
            found.push(group);
        }
    }
    found
}

/// The group that a row is of: by the number in the name of its stream, or by what it says.
fn group_of(row: &str) -> usize {
    let row: Json = serde_json::from_str(row).unwrap();
    match row["stream"].as_str().unwrap() {
        "Common" => row["who"].as_u64().unwrap() as usize,
        "All" => 0,
        name => name[1..].parse().unwrap(),
    }
}

fn text(groups: &[Group]) -> String {
    let statements: Vec<String> = groups.iter().flatten().cloned().collect();
    // All sources are read, so that a program that may be changed has the watermark of one that may not.
    format!(
        "{}CREATE STREAM All AS SELECT COUNT(*) AS n FROM PATTERN (A -> B -> C -> D) WITHIN 3s;\n{};\n",
        sources(),
        statements.join(";\n")
    )
}

fn push(engine: &mut Engine, events: &[(Json, i64)]) {
    let text: String = events.iter().map(|(event, _)| format!("{event}\n")).collect();
    engine.push_json(text.as_bytes()).unwrap();
}

fn take(engine: &mut Engine, rows: &mut Vec<String>) {
    rows.extend(engine.take_rows().iter().map(betide::OutputRow::to_json));
}

fn run(program: &str, options: &Options, events: &[(Json, i64)]) -> Vec<String> {
    let mut engine = Engine::with_options(program, options).unwrap_or_else(|why| panic!("{why}\n{program}"));
    let mut rows = Vec::new();
    push(&mut engine, events);
    engine.finish().unwrap();
    take(&mut engine, &mut rows);
    rows
}

/// A run that is changed: what is done behind which event.
struct Changed {
    rows: Vec<String>,
    /// By group that was added, behind which event.
    added: BTreeMap<usize, usize>,
    /// Groups that were dropped before the end.
    dropped: BTreeSet<usize>,
}

fn changed(random: &mut Random, kept: &[Group], others: &[Group], events: &[(Json, i64)]) -> Changed {
    let options = options(true, 1 + random.below(9));
    // Some of those that go are there from the beginning.
    let initial = random.below(3).min(others.len());
    let mut engine = Engine::with_options(&text(&[kept, &others[..initial]].concat()), &options).unwrap();
    let mut live: BTreeMap<usize, Vec<StatementId>> = BTreeMap::new();
    let mut found = Changed { rows: Vec::new(), added: BTreeMap::new(), dropped: BTreeSet::new() };
    let ids: Vec<StatementId> = engine.statements().map(|statement| statement.id).collect();
    let mut from = 1 + kept.iter().map(Vec::len).sum::<usize>();
    for (number, group) in others[..initial].iter().enumerate() {
        live.insert(kept.len() + 1 + number, ids[from..from + group.len()].to_vec());
        from += group.len();
    }
    let mut next = initial;
    let mut at = 0;
    while at < events.len() {
        let until = (at + 1 + random.below(9)).min(events.len());
        push(&mut engine, &events[at..until]);
        at = until;
        if random.chance(50) {
            take(&mut engine, &mut found.rows);
        }
        if random.chance(25) {
            take(&mut engine, &mut found.rows);
            let snapshot = engine.snapshot().unwrap();
            let (resumed, restored) = Engine::resume(&options, &snapshot).unwrap();
            assert_eq!(restored, Restored::default(), "what was planned statement by statement is what the whole text says");
            assert_eq!(told(&resumed), told(&engine), "{}", engine.source().text());
            engine = resumed;
        }
        let number = kept.len() + 1 + next;
        let may_add = next < others.len();
        let goes = live.keys().nth(random.below(live.len().max(1))).copied();
        match (random.below(4), goes) {
            (0 | 1, _) if may_add => {
                let ids = engine.add(&others[next].join(";\n")).unwrap_or_else(|why| panic!("{why}"));
                (next, _) = (next + 1, live.insert(number, ids));
                found.added.insert(number, at);
            }
            (2, Some(group)) => {
                let ids = live.remove(&group).unwrap();
                // Readers go before what they read, one by one or together.
                if random.chance(50) {
                    ids.iter().rev().for_each(|&id| engine.drop_statement(id).unwrap());
                } else {
                    engine.replace(&ids, "").unwrap();
                }
                found.dropped.insert(group);
            }
            (3, Some(group)) if may_add => {
                let ids = live.remove(&group).unwrap();
                let ids = engine.replace(&ids, &others[next].join(";\n")).unwrap_or_else(|why| panic!("{why}"));
                (next, _) = (next + 1, live.insert(number, ids));
                found.dropped.insert(group);
                found.added.insert(number, at);
            }
            _ => {}
        }
    }
    engine.finish().unwrap();
    take(&mut engine, &mut found.rows);
    found
}

/// The operators, what leaves (the streams in any order), and what is warned of.
fn told(engine: &Engine) -> (String, BTreeSet<String>, String) {
    let explained = engine.explain();
    let (operators, outputs): (Vec<&str>, Vec<&str>) = explained.lines().partition(|line| !line.starts_with("output "));
    let warned = betide::text::render(engine.warnings(), engine.source(), false);
    (operators.join("\n"), outputs.into_iter().map(str::to_owned).collect(), warned)
}

/// The rows of a group that is fed from a moment on: with the events that wait then, and those that come.
fn fed_from(group: &Group, events: &[(Json, i64)], at: usize) -> Vec<String> {
    let newest = |stream: &str| events[..at].iter().filter(|(event, _)| event["type"] == *stream).map(|(_, at)| *at).max();
    let watermark = ["A", "B", "C", "D"].map(newest).into_iter().map(|newest| newest.map_or(i64::MIN, |at| at - DELAY)).min().unwrap();
    let program = format!("{}{};\n", sources(), group.join(";\n"));
    let mut engine = Engine::with_options(&program, &options(true, 4096)).unwrap();
    if watermark > i64::MIN {
        engine.advance_watermark(Timestamp(watermark * 1_000_000)).unwrap();
    }
    let waiting: Vec<(Json, i64)> = events[..at].iter().filter(|(_, at)| *at > watermark).cloned().collect();
    push(&mut engine, &waiting);
    push(&mut engine, &events[at..]);
    engine.finish().unwrap();
    let mut rows = Vec::new();
    take(&mut engine, &mut rows);
    rows
}

#[test]
fn what_stays_is_not_touched_and_what_comes_begins_at_the_watermark() {
    let one = std::env::var("BETIDE_SEED").ok().and_then(|seed| seed.parse::<u64>().ok());
    let seeds = one.map_or(0..random::pairs(14), |seed| seed..seed + 1);
    let programs = seeds.end - seeds.start;
    let (mut kept_rows, mut added_rows, mut changes) = (0, 0, 0);
    for seed in seeds {
        let random = &mut Random::new(seed ^ 0x00c4_a26e);
        let stay = 1 + random.below(7);
        let kept = groups(random, stay, 1);
        let others = groups(random, 8, stay + 1);
        let all: Vec<&Group> = kept.iter().chain(&others).collect();
        if !compiles(&all) {
            continue;
        }
        let events = lines(random);
        let program = text(&kept);
        let alone = run(&program, &options(false, 4096), &events);
        assert_eq!(run(&program, &options(true, 7), &events), alone, "seed {seed}: a program that may be changed, and is not\n{program}");
        let changed = changed(random, &kept, &others, &events);
        let of = |group: usize| changed.rows.iter().filter(move |row| group_of(row) == group).cloned().collect::<Vec<String>>();
        let of_kept: Vec<String> = changed.rows.iter().filter(|row| group_of(row) <= stay).cloned().collect();
        assert_eq!(of_kept, alone, "seed {seed}: statements that stay\n{program}");
        for (&number, &at) in &changed.added {
            let group = &others[number - stay - 1];
            let expected = fed_from(group, &events, at);
            let found = of(number);
            let told = format!("seed {seed}: behind event {at} added\n{}", group.join(";\n"));
            if changed.dropped.contains(&number) {
                assert_eq!(found[..], expected[..found.len().min(expected.len())], "{told}");
            } else {
                assert_eq!(found, expected, "{told}");
            }
            added_rows += found.len();
        }
        kept_rows += of_kept.len();
        changes += changed.added.len() + changed.dropped.len();
    }
    if programs > 10 {
        let enough = kept_rows as u64 > 15 * programs && added_rows as u64 > 8 * programs && changes as u64 > 3 * programs;
        assert!(enough, "{kept_rows} rows kept, {added_rows} of added, {changes} changes in {programs} programs");
    }
}

const PAYMENT: &str = "CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at DELAY 10s;\n";

fn payments(engine: &mut Engine, payments: &[(&str, i64, i64)]) {
    for (card, amount, second) in payments {
        let line = format!("{{\"card\":\"{card}\",\"amount\":{amount},\"at\":{}}}\n", second * 1000);
        engine.push_json(line.as_bytes()).unwrap();
    }
}

fn refused(result: Result<impl std::fmt::Debug, Error>) -> String {
    result.unwrap_err().to_string()
}

fn rows(engine: &mut Engine) -> Vec<String> {
    let mut rows = Vec::new();
    take(engine, &mut rows);
    rows
}

#[test]
fn events_that_wait_are_seen_with_columns_that_nobody_read() {
    let mut engine = Engine::with_options(&format!("{PAYMENT}CREATE STREAM Times AS SELECT at FROM Payment;"), &options(true, 1)).unwrap();
    payments(&mut engine, &[("a", 1, 100), ("b", 2, 105), ("c", 3, 112)]);
    // The watermark stands at 102: a has passed.
    engine.add("CREATE STREAM Cards AS SELECT card FROM Payment WHERE amount > 0;").unwrap();
    payments(&mut engine, &[("d", 4, 103)]);
    engine.finish().unwrap();
    let cards: Vec<String> = rows(&mut engine).into_iter().filter(|row| row.contains("Cards")).collect();
    assert_eq!(cards, [r#"{"stream":"Cards","card":"d"}"#, r#"{"stream":"Cards","card":"b"}"#, r#"{"stream":"Cards","card":"c"}"#]);
}

#[test]
fn what_others_need_is_refused_and_nothing_has_changed() {
    let program = format!(
        "{PAYMENT}CREATE STREAM Large AS SELECT card, amount, at FROM Payment WHERE amount > 10;
        CREATE STREAM Twice AS SELECT a.card FROM PATTERN (Large a -> Large) PARTITION BY card WITHIN 1m;"
    );
    let mut fixed = Engine::compile(&program).unwrap();
    assert!(refused(fixed.add("SELECT card FROM Payment;")).contains("Options::open"));
    let mut engine = Engine::with_options(&program, &options(true, 1)).unwrap();
    let ids: Vec<StatementId> = engine.statements().map(|statement| statement.id).collect();
    let before = engine.source().text().to_owned();
    assert_eq!(refused(engine.drop_statement(ids[0])), "the stream `Large` is read by `Twice`: drop what reads it first, or with it");
    assert!(refused(engine.drop_stream("Large")).contains("read by `Twice`"));
    assert!(refused(engine.add("INSERT INTO Large SELECT card, amount, at FROM Payment;")).contains("a stream of its own"));
    assert!(refused(engine.add("SELECT 1\n;CREATE STREAM X (a INT);")).contains("line 2 declares a source stream"));
    assert!(refused(engine.add("SET limit = 3;")).contains("declares a parameter"));
    assert!(refused(engine.add(" -- nothing\n")).contains("no statement in the text"));
    assert!(refused(engine.drop_stream("Small")).contains("no statement that makes a stream `Small`"));
    // A mistake is told as it stands in the text that was given.
    let told = refused(engine.add("CREATE STREAM Small AS\nSELECT crad FROM Payment;"));
    assert!(told.contains(":2:8") && told.contains("did you mean `card`"), "{told}");
    let told = refused(engine.add("CREATE STREAM Large AS SELECT card FROM Payment;"));
    assert!(told.contains("first here") || told.contains("already"), "{told}");
    assert_eq!(engine.source().text(), before);

    engine.drop_stream("Twice").unwrap();
    assert!(engine.drop_statement(ids[1]).is_err_and(|error| matches!(error, Error::Change(ChangeError::Unknown(_)))), "it is gone");
    engine.drop_stream("Large").unwrap();
    assert_eq!(engine.statements().count(), 0);
    let again = engine.add("CREATE STREAM Large AS SELECT card FROM Payment;").unwrap();
    assert!(again[0] > ids[1], "numbers are not used again");
    engine.finish().unwrap();
    assert!(engine.add("SELECT card FROM Payment;").is_err());
}

#[test]
fn what_leaves_goes_on_to_leave_and_rows_that_are_certain_can_be_taken() {
    let mut engine = Engine::with_options(
        &format!("{PAYMENT}CREATE STREAM Small AS SELECT card, amount FROM Payment WHERE amount < 5;"),
        &options(true, 1),
    )
    .unwrap();
    payments(&mut engine, &[("a", 1, 100), ("b", 2, 120)]);
    let tiny = engine.add("-- Smaller ones.\nCREATE STREAM Tiny AS SELECT card FROM Small WHERE amount < 2").unwrap();
    assert_eq!(engine.statements().last().unwrap().text, "-- Smaller ones.\nCREATE STREAM Tiny AS SELECT card FROM Small WHERE amount < 2");
    payments(&mut engine, &[("c", 1, 130), ("d", 4, 140), ("e", 1, 150)]);
    engine.drop_statement(tiny[0]).unwrap();
    engine.add("SELECT COUNT(*) AS n FROM Payment;").unwrap();
    assert!(engine.source().text().contains("Small") && !engine.source().text().contains("Smaller"));
    assert_eq!(engine.outputs().collect::<Vec<_>>(), [None, Some("Small")]);
    let (a, b) = (r#"{"stream":"Small","card":"a","amount":1.0}"#, r#"{"stream":"Small","card":"b","amount":2.0}"#);
    let (c, tiny) = (r#"{"stream":"Small","card":"c","amount":1.0}"#, r#"{"stream":"Tiny","card":"c"}"#);
    let d = r#"{"stream":"Small","card":"d","amount":4.0}"#;
    assert_eq!(rows(&mut engine), [a, b, c, tiny, d], "rows that were certain when their statement was dropped");
    engine.finish().unwrap();
    assert_eq!(rows(&mut engine), [r#"{"stream":"Small","card":"e","amount":1.0}"#, r#"{"n":1}"#]);
}

#[test]
fn ids_of_rows_go_on() {
    let with_ids = Options { ids: true, ..options(true, 1) };
    let mut engine = Engine::with_options(&format!("{PAYMENT}CREATE STREAM Z AS SELECT card FROM Payment;"), &with_ids).unwrap();
    payments(&mut engine, &[("a", 1, 100), ("b", 2, 120)]);
    let first: Vec<String> = engine.take_rows().iter().filter_map(|row| row.id().map(str::to_owned)).collect();
    engine.add("SELECT amount FROM Payment;").unwrap();
    payments(&mut engine, &[("c", 3, 140)]);
    let second: Vec<(bool, String)> = engine.take_rows().iter().map(|row| (row.stream().is_some(), row.id().unwrap().to_owned())).collect();
    let name = first[0].split('-').next().unwrap();
    assert_eq!(second.iter().filter(|(is_z, _)| *is_z).map(|(_, id)| id.clone()).collect::<Vec<_>>(), [format!("{name}-2")]);
    assert!(second.iter().any(|(is_z, id)| !is_z && id.ends_with("-1")));
}

#[test]
fn a_view_that_is_there_is_read_as_it_stands() {
    let program = format!("{PAYMENT}CREATE TABLE Spent AS SELECT card, SUM(amount) AS total FROM Payment GROUP BY card;");
    let mut engine = Engine::with_options(&program, &options(true, 1)).unwrap();
    payments(&mut engine, &[("a", 7, 100), ("b", 1, 120), ("z", 0, 140)]);
    engine.add("CREATE STREAM Known AS SELECT p.card, s.total FROM Payment p JOIN Spent s ON p.card = s.card WHERE p.amount = 5;").unwrap();
    payments(&mut engine, &[("a", 5, 141), ("c", 5, 142)]);
    engine.finish().unwrap();
    let expected = [r#"{"stream":"Known","card":"a","total":12.0}"#, r#"{"stream":"Known","card":"c","total":5.0}"#];
    assert_eq!(rows(&mut engine), expected);
}

#[test]
fn what_has_ended_stays_ended_and_others_go_on() {
    let mut with_fault = options(true, 1);
    let fault = |args: &[Value<'_>]| if args[0] == Value::Float(13.0) { panic!("asked for") } else { Value::Bool(true) };
    with_fault.register_fn("FAULT", &[DataType::Float], DataType::Bool, fault).unwrap();
    betide::record_panics();
    let program = format!(
        "{PAYMENT}CREATE STREAM Ends AS SELECT card FROM Payment WHERE FAULT(amount);
        CREATE STREAM Stays AS SELECT COUNT(*) AS n FROM Payment;"
    );
    let mut engine = Engine::with_options(&program, &with_fault).unwrap();
    payments(&mut engine, &[("a", 1, 100), ("b", 13, 120), ("c", 3, 140)]);
    assert_eq!(engine.ended().len(), 1);
    engine.add("CREATE STREAM More AS SELECT card FROM Payment;").unwrap();
    assert!(engine.ended().len() == 1 && engine.ended()[0].name.as_deref() == Some("Ends"));
    payments(&mut engine, &[("d", 1, 160)]);
    engine.drop_stream("Ends").unwrap();
    assert!(engine.ended().is_empty());
    engine.finish().unwrap();
    let rows = rows(&mut engine);
    let of = |stream: &str| rows.iter().filter(|row| row.contains(stream)).count();
    assert_eq!((of("Ends"), of("Stays"), of("More")), (1, 4, 2), "{rows:?}");
}

#[test]
fn counters_stay_with_their_statement() {
    let mut engine = Engine::with_options(&format!("{PAYMENT}SELECT COUNT(*) AS n FROM Payment;"), &options(true, 1)).unwrap();
    payments(&mut engine, &[("a", 1, 100), ("b", 2, 120), ("c", 3, 140)]);
    let of_count = |engine: &Engine| engine.stats().operators.iter().find(|o| o.name.ends_with("window")).unwrap().rows_in;
    let before = of_count(&engine);
    for number in 0..12 {
        engine.add(&format!("CREATE STREAM P{number} AS SELECT a.card FROM PATTERN (Payment a -> Payment b) WHERE a.amount > {number} AND b.amount < 5 WITHIN 1m;")).unwrap();
        assert_eq!(of_count(&engine), before);
    }
    assert!(engine.stats().shared.is_some(), "many patterns share one look at each event");
    for number in 0..8 {
        engine.drop_stream(&format!("P{number}")).unwrap();
    }
    assert!(engine.stats().shared.is_none());
    assert_eq!(engine.stats().events, 3);
}

/// What a change costs, by how many statements there are (`BETIDE_STATEMENTS=1000` for one number); see docs/embedding.md.
/// `cargo test --release --test changes -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
#[allow(clippy::disallowed_methods, reason = "it measures, and is run by hand")]
fn what_a_change_costs() {
    let rule = |number: usize| {
        format!(
            "CREATE STREAM P{number} AS SELECT a.card FROM PATTERN (Payment a -> Payment b) PARTITION BY card
            WHERE a.amount = {number} AND b.amount = {} WITHIN 1m;",
            number + 1
        )
    };
    let one = std::env::var("BETIDE_STATEMENTS").ok().and_then(|number| number.parse::<usize>().ok());
    for statements in one.map_or(vec![1, 100, 1000, 5000], |one| vec![one]) {
        let rules: String = (0..statements).map(rule).collect();
        let began = Instant::now();
        let mut engine = Engine::with_options(&format!("{PAYMENT}{rules}"), &options(true, 4096)).unwrap();
        let compiled = began.elapsed();
        let mut times = [Duration::ZERO; 2];
        let changes = 10_i64;
        for change in 0..changes {
            for second in 0..500 {
                payments(&mut engine, &[("a", second % 1000, change * 500 + second), ("b", second % 7, change * 500 + second)]);
            }
            let began = Instant::now();
            let ids = engine.add(&rule(50_000)).unwrap();
            times[0] += began.elapsed();
            payments(&mut engine, &[("a", 1, change * 500 + 499)]);
            let began = Instant::now();
            engine.drop_statement(ids[0]).unwrap();
            times[1] += began.elapsed();
        }
        let [added, dropped] = times.map(|time| time / 10);
        println!("{statements:5} statements: compiled in {compiled:.1?}; one more in {added:.1?}, gone again in {dropped:.1?}");
    }
}
