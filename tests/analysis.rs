//! `explain --analyze`: the figures of small programs, worked out by hand, are those that are told, however the input is cut.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fs;
use std::path::Path;

use betide::analysis::{Analyzed, Figures, OperatorFigures};
use betide::{Analysis, Options};

/// Two streams whose events are numbers, a second apart: `A1 B3` is an A with x = 1 at 0 s, and a B with x = 3 at 1 s; `A-` has NULL.
const STREAMS: &str = "CREATE STREAM A (x INT, y INT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM B (x INT, y INT, at TIMESTAMP) TIMESTAMP BY at;
";

fn events(text: &str) -> String {
    let event = |(second, word): (usize, &str)| {
        let (stream, numbers) = word.split_at(1);
        let (x, y) = numbers.split_once('/').unwrap_or((numbers, "0"));
        let number = |text: &str| if text == "-" { "null".to_owned() } else { text.to_owned() };
        format!("{{\"type\":\"{stream}\",\"x\":{},\"y\":{},\"at\":\"2026-03-01T10:00:{second:02}Z\"}}\n", number(x), number(y))
    };
    text.split_whitespace().enumerate().map(event).collect()
}

/// Runs a program over the same bytes in batches and pieces of several sizes: all must give the same figures, but for what was seen to be
/// held at most.
fn analyzed(program: &str, input: &str) -> Analyzed {
    let mut first: Option<Analyzed> = None;
    for (batch_size, piece) in [(4096, usize::MAX), (1, usize::MAX), (2, 7), (3, 64)] {
        let options = Options { batch_size, ..Options::default() };
        let mut analysis = Analysis::new(program, &options).unwrap_or_else(|error| panic!("{program}\n{error}"));
        for bytes in input.as_bytes().chunks(piece.min(input.len().max(1))) {
            analysis.push_json(bytes).unwrap();
        }
        let now = analysis.finish().unwrap().without_times();
        match &first {
            None => first = Some(now),
            Some(first) => assert_eq!(without_most(first.figures()), without_most(now.figures()), "batches of {batch_size}: {program}"),
        }
    }
    first.unwrap()
}

fn without_most(figures: &Figures) -> Figures {
    let mut figures = figures.clone();
    figures.operators.iter_mut().for_each(|operator| operator.most = operator.held);
    figures
}

/// The first operator of a query over the two streams, and the whole text.
fn first(query: &str, input: &str) -> (OperatorFigures, String) {
    let analyzed = analyzed(&format!("{STREAMS}{query}"), &events(input));
    (analyzed.figures().operators[0].clone(), analyzed.to_text())
}

/// Each term as `text asked/true`, each step as `name events/fit/taken/runs`.
fn terms(operator: &OperatorFigures) -> Vec<String> {
    operator.terms.iter().map(|term| format!("{} {}/{}", term.text, term.asked, term.held)).collect()
}

fn steps(operator: &OperatorFigures) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let step = |step: &betide::analysis::StepFigures| {
        format!("{} {}/{}/{}/{}", step.name, step.events, step.fit, number(step.taken), number(step.runs))
    };
    operator.steps.iter().map(step).collect()
}

fn rows(operator: &OperatorFigures) -> (u64, u64) {
    (operator.rows_in, operator.rows_out)
}

#[test]
fn conditions_are_asked_from_left_to_right_up_to_the_first_that_is_false() {
    // NULL is not FALSE: the second term is asked of the third row, too.
    let (filter, text) = first("SELECT x FROM A WHERE x > 1 AND y < 5 AND x <> 7;", "A1/1 A2/9 A-/1 A3/1 A7/2");
    assert_eq!(rows(&filter), (5, 1));
    assert_eq!(terms(&filter), ["x > 1 5/3", "y < 5 4/3", "x <> 7 3/1"]);
    assert!(text.contains("    rows   5 in, 1 out (20.0 %)\n"), "{text}");
    assert!(text.contains("    terms  term    asked  true\n           x > 1       5     3  60.0 %\n"), "{text}");
    assert!(text.ends_with("    1 row\nrun\n    5 events in, 1 row out\n"), "{text}");
}

#[test]
fn rows_of_a_join_and_of_what_on_asks_besides_its_keys() {
    let (join, text) = first("SELECT a.x FROM A a JOIN B b ON a.x = b.x AND a.y < b.y WITHIN 1h;", "A1/1 A2/5 B1/0 B1/2 B2/9 B3/1");
    assert_eq!(rows(&join), (6, 2));
    assert_eq!(terms(&join), ["a.y < b.y 3/2"]);
    // No A comes behind the second, so the Bs wait in front of the join until the input ends.
    assert_eq!((join.held.keys, join.held.rows), (2, 2));
    assert!(text.contains("    4 events, 4 of them waited for the end of input\n"), "{text}");
}

#[test]
fn groups_of_a_window_are_held_until_it_closes() {
    let query = "SELECT x, COUNT(*) AS n FROM A WINDOW TUMBLING 10s GROUP BY x HAVING COUNT(*) > 1;";
    // Events 0 to 9 are in the first window: x = 1 five times, x = 2 five times; the second has two groups of one.
    let analyzed = analyzed(&format!("{STREAMS}{query}"), &events("A1 A2 A1 A2 A1 A2 A1 A2 A1 A2 A1 A3"));
    let [window, having, ..] = &analyzed.figures().operators[..] else { panic!("a window and a filter") };
    assert_eq!((rows(window), rows(having)), ((12, 4), (4, 2)));
    assert_eq!(window.held.keys, 2);
    assert_eq!(terms(having), ["COUNT(*) > 1 4/2"]);
    assert_eq!(analyzed.figures().outputs[0].rows, 2);
}

#[test]
fn step_lists() {
    let query = "SELECT a.x, b.x AS bx FROM PATTERN (A a -> B b) WHERE b.x > a.x WITHIN 1h;";
    let (pattern, text) = first(query, "A1 A5 B3 B9 B0");
    assert!(text.contains("evaluator: step lists"), "{text}");
    assert_eq!(rows(&pattern), (5, 2));
    // B3 is shown to both runs, B9 to the second, which waits still; nobody waits for B0.
    assert_eq!(terms(&pattern), ["b.x > a.x 3/2"]);
    assert_eq!(steps(&pattern), ["a 2/2/2/2", "b 3/3/2/2"]);
}

#[test]
fn rank_columns() {
    let query = "SELECT a.x, b.x AS bx FROM PATTERN (A a ->> B b) WHERE a.x > 1 AND b.x < 5 WITHIN 1h;";
    let (pattern, text) = first(query, "A1 A5 B3 B9 B0");
    assert!(text.contains("evaluator: rank columns"), "{text}");
    assert_eq!(rows(&pattern), (5, 2));
    assert_eq!(terms(&pattern), ["a.x > 1 2/1", "b.x < 5 3/2"]);
    assert_eq!(steps(&pattern), ["a 2/1/1/1", "b 3/2/2/2"]);
}

#[test]
fn way_columns() {
    let query = "SELECT a.x, COUNT(b) AS n FROM PATTERN (A a ->> B b{1,2} ANY) WHERE a.x > 1 WITHIN 1h;";
    let (pattern, text) = first(query, "A1 A5 B3 B9 B0");
    assert!(text.contains("evaluator: way columns"), "{text}");
    // One B: three ways; two of them in order: three more.
    assert_eq!(rows(&pattern), (5, 6));
    assert_eq!(terms(&pattern), ["a.x > 1 2/1"]);
    assert_eq!(steps(&pattern), ["a 2/1/1/1", "b 3/3/6/3"]);
}

#[test]
fn flat_threads() {
    let query = "SELECT COUNT(a) AS n, b.x FROM PATTERN (A a{2,} -> B b) WHERE a.x < 5 AND b.x > a.x WITHIN 1h;";
    let (pattern, text) = first(query, "A1 A2 A9 B1 B4 A3");
    assert!(text.contains("evaluator: flat threads"), "{text}");
    // Two runs; the second has one A when the Bs come, and takes the A at the end. The first takes B4, not B1.
    assert_eq!(rows(&pattern), (6, 1));
    assert_eq!(terms(&pattern), ["a.x < 5 4/3", "b.x > a.x 2/1"]);
    assert_eq!(steps(&pattern), ["a 4/3/5/3", "b 2/2/1/1"]);
    // The A at the end waits for a later B, so when the input ends one run has begun and is open.
    assert_eq!(pattern.held.rows, 1);
    assert!(text.contains("    held   1 key, 1 run\n") && text.contains("    4 events, 1 of them waited for the end of input\n"), "{text}");
}

#[test]
fn ordered_threads() {
    let query = "SELECT a.x, SUM(b.x) AS sum FROM PATTERN (A a -> B b{2}) WHERE SUM(b.x) < 10 WITHIN 1h;";
    let (pattern, text) = first(query, "A1 A5 B3 B9 B0");
    assert!(text.contains("evaluator: ordered threads"), "{text}");
    assert_eq!(rows(&pattern), (5, 2));
    // Each of two runs asks it of each B: 3 is less than 10, 12 is not, and 3 + 0 is.
    assert_eq!(terms(&pattern), ["SUM(b.x) < 10 6/4"]);
    assert_eq!(steps(&pattern), ["a 2/2/2/2", "b 3/3/4/2"]);
}

#[test]
fn negations_and_having() {
    let query = "SELECT a.x, c.x AS cx FROM PATTERN (A a -> !B n -> A c) WHERE n.x > 4 HAVING c.x > 4 AND a.x < 9 WITHIN 1h;";
    let (pattern, _) = first(query, "A1 B3 A5 B9 A2 A3");
    // A1 goes with A5, A2 with A3, which HAVING refuses; B9 ends the run of A5, and the input that of A3.
    assert_eq!(rows(&pattern), (6, 1));
    assert_eq!(terms(&pattern), ["n.x > 4 2/1", "c.x > 4 2/1", "a.x < 9 1/1"]);
    assert_eq!(steps(&pattern), ["a 4/4/4/4", "!n 2/1/-/-", "c 4/4/2/2"]);
}

#[test]
fn counted_matches() {
    let query = "SELECT COUNT(*) AS n FROM (SELECT a.x FROM PATTERN (A a ->> B b) WHERE a.x > 1 AND b.x < 5 WITHIN 1h) WINDOW TUMBLING 1h;";
    let (counts, text) = first(query, "A1 A5 B3 B9 B0");
    assert!(text.contains("1 count matches"), "{text}");
    assert_eq!(rows(&counts), (5, 1));
    assert_eq!(terms(&counts), ["a.x > 1 2/1", "b.x < 5 3/2"]);
    assert_eq!(steps(&counts), ["a 2/1/-/-", "b 3/2/-/-"]);
}

#[test]
fn many_rules_that_share_their_look_at_events() {
    let rules: String = (0..10).map(|rule| format!("CREATE STREAM R{rule} AS SELECT x FROM A WHERE x > {rule} AND y = 0;\n")).collect();
    let pairs = "CREATE STREAM Pair AS SELECT a.x, b.x AS bx FROM PATTERN (A a -> B b) WHERE a.x > 3 AND b.x > a.x WITHIN 1h;\n";
    let analyzed = analyzed(&format!("{STREAMS}{rules}{pairs}"), &events("A1 A2 A3 A4 A5/1 B2 B5 A6"));
    let figures = analyzed.figures();
    assert!(analyzed.to_text().contains("one look at each event finds the rows of 11 operators"));
    let filters: Vec<&OperatorFigures> = figures.operators.iter().filter(|operator| operator.name.ends_with("filter")).collect();
    assert_eq!(filters.len(), 10);
    for (rule, filter) in (0_u64..).zip(filters) {
        let above = 6_u64.saturating_sub(rule);
        assert_eq!(terms(filter), [format!("x > {rule} 6/{above}"), format!("y = 0 {above}/{}", above - u64::from(rule < 5))]);
        assert_eq!(rows(filter), (6, above - u64::from(rule < 5)));
    }
    let pattern = figures.operators.iter().find(|operator| operator.name.ends_with("pattern")).unwrap();
    assert_eq!(rows(pattern), (8, 1));
    // A4, A5 and A6 begin a run; B2 and B5 are shown to the first two, and B5 is for the first alone.
    assert_eq!(terms(pattern), ["a.x > 3 6/3", "b.x > a.x 4/1"]);
    assert_eq!(steps(pattern), ["a 6/3/3/3", "b 2/2/1/1"]);
}

#[test]
fn what_is_late_bad_or_of_no_stream_is_told() {
    let input = events("A1 C1 A2") + "nonsense\n" + &events("A3");
    let analyzed = analyzed(&format!("{STREAMS}SELECT x FROM A;"), &input);
    let figures = analyzed.figures();
    assert_eq!((figures.events, figures.late, figures.bad, figures.unrouted, figures.rows), (5, 1, 1, 1, 2));
    assert!(analyzed.to_text().ends_with("run\n    5 events in (1 late, 1 bad, 1 of no stream), 2 rows out\n"), "{}", analyzed.to_text());
}

#[test]
fn every_query_is_analyzed_alike_however_its_events_are_cut() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "tide"));
    files.sort();
    let mut seen = 0;
    for path in files {
        let Ok(input) = fs::read_to_string(path.with_extension("events.jsonl")) else { continue };
        let program = fs::read_to_string(&path).unwrap();
        // Programs that read tables find them beside themselves.
        if program.contains("path =") {
            continue;
        }
        let analyzed = analyzed(&program, &input);
        let mut engine = betide::Engine::compile(&program).unwrap();
        engine.push_json(input.as_bytes()).unwrap();
        engine.finish().unwrap();
        let stats = engine.stats();
        let plain: Vec<_> = stats.operators.iter().map(|operator| (&operator.name, operator.rows_in, operator.rows_out)).collect();
        let told: Vec<_> =
            analyzed.figures().operators.iter().map(|operator| (&operator.name, operator.rows_in, operator.rows_out)).collect();
        assert_eq!(told, plain, "{}", path.display());
        assert_eq!(analyzed.figures().rows, stats.rows, "{}", path.display());
        assert!(analyzed.figures().notes.is_empty(), "{}: {:?}", path.display(), analyzed.figures().notes);
        seen += 1;
    }
    assert!(seen > 20, "{seen} queries with events");
}

#[cfg(feature = "cli")]
#[path = "support/command.rs"]
mod support;

#[cfg(feature = "cli")]
mod command {
    use super::{STREAMS, events};

    use super::support::{Ended, Folder, gzip};

    const QUERY: &str = "SELECT a.x, b.x AS bx FROM PATTERN (A a -> B b) WHERE b.x > a.x WITHIN 1h;";

    fn folder(test: &str) -> Folder {
        let folder = Folder::new("analysis", test);
        folder
            .put("pairs.tide", format!("{STREAMS}{QUERY}"))
            .put("first.jsonl", events("A1 A5"))
            .put("both.jsonl", events("A1 A5 B3 B9 B0"));
        let csv = "type,x,y,at\nB,3,0,2026-03-01T10:00:02Z\nB,9,0,2026-03-01T10:00:03Z\nB,0,0,2026-03-01T10:00:04Z\n";
        folder.put("rest.csv", csv).put("rest.csv.gz", gzip(csv.as_bytes()));
        folder
    }

    #[test]
    fn inputs_are_those_of_run() {
        let folder = folder("inputs");
        let whole = folder.betide(&["explain", "pairs.tide", "--no-times", "--analyze", "both.jsonl"], "");
        assert_eq!((whole.code, &*whole.err), (0, ""));
        assert!(whole.out.contains("           b     b.x > a.x      3     2  66.7 %\n"), "{}", whole.out);
        let others: [(&[&str], String); 4] = [
            (&["--analyze", "first.jsonl", "rest.csv"], String::new()),
            (&["--analyze", "first.jsonl", "rest.csv.gz"], String::new()),
            (&["--analyze", "-"], events("A1 A5 B3 B9 B0")),
            (&["--analyze"], events("A1 A5 B3 B9 B0")),
        ];
        for (args, input) in others {
            let args = [&["explain", "pairs.tide", "--no-times"], args].concat();
            assert_eq!(folder.betide(&args, &*input), whole, "{args:?}");
        }
    }

    #[test]
    fn a_query_without_declarations_is_declared_by_its_events() {
        let folder = folder("query");
        let ended = folder.betide(&["explain", "-q", "SELECT x FROM A WHERE x > 1", "--no-times", "--analyze", "first.jsonl"], "");
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert!(ended.out.contains("x > 1      2     1  50.0 %"), "{}", ended.out);
        assert!(ended.err.contains("`A` is not declared"), "{}", ended.err);
    }

    #[test]
    fn times_are_told_unless_they_are_left_out() {
        let folder = folder("times");
        let told = folder.betide(&["explain", "pairs.tide", "--analyze", "both.jsonl"], "").out;
        assert!(told.contains("    time   ") && told.contains("bytes"), "{told}");
        let left_out = folder.betide(&["explain", "pairs.tide", "--no-times", "--analyze", "both.jsonl"], "").out;
        assert!(!left_out.contains("time   ") && !left_out.contains("bytes"), "{left_out}");
    }

    #[test]
    fn other_formats_have_the_figures_too() {
        let folder = folder("formats");
        let run =
            |format: &str| folder.betide(&["explain", "pairs.tide", "--no-times", "--format", format, "--analyze", "both.jsonl"], "").out;
        let json: serde_json::Value = serde_json::from_str(&run("json")).unwrap();
        assert_eq!(json["operators"][0]["rows_out"], 2);
        assert_eq!(json["operators"][0]["terms"][0]["asked"], 3);
        assert_eq!(json["operators"][0]["kind"], "pattern");
        assert_eq!(json["run"]["events"], 5);
        for picture in ["dot", "mermaid", "svg"] {
            let text = run(picture);
            assert!(text.contains("5 in, 2 out") && text.contains("2 taken by 2 runs"), "{picture}: {text}");
        }
        let plain: serde_json::Value =
            serde_json::from_str(&folder.betide(&["explain", "pairs.tide", "--format", "json"], "").out).unwrap();
        assert!(plain["operators"][0].get("rows_out").is_none() && plain.get("run").is_none());
    }

    #[test]
    fn what_is_wrong_is_told() {
        let folder = folder("wrong");
        let Ended { code, err, .. } = folder.betide(&["explain", "--analyze", "pairs.tide", "both.jsonl"], "");
        assert_eq!((code, err.contains("The query file stands before --analyze")), (2, true), "{err}");
        let Ended { code, err, .. } = folder.betide(&["explain", "pairs.tide", "--analyze", "nowhere.jsonl"], "");
        assert_eq!((code, err.contains("nowhere.jsonl")), (74, true), "{err}");
        let Ended { code, .. } = folder.betide(&["explain", "pairs.tide", "--no-times"], "");
        assert_eq!(code, 2);
    }
}
