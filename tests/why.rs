//! `betide why` names the right reason first: constructed events that do not match, each with the reason that a person would give.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use betide::why::{Answer, Question, Reason};
use betide::{Inquiry, Limits, Options, Timestamp};

/// Two streams in one file, in order of time.
const AB: &str = "CREATE STREAM A (k STRING, x INT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM B (k STRING, x INT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM C (k STRING, x INT, at TIMESTAMP) TIMESTAMP BY at;
";
/// One stream.
const ONE: &str = "CREATE STREAM E (k STRING, x INT, at TIMESTAMP) TIMESTAMP BY at;
";

/// What must be told first.
struct Case {
    name: &'static str,
    declares: &'static str,
    query: &'static str,
    /// `A k x second`, a line each; anything else is a line of the input as it stands.
    events: &'static str,
    cause: &'static str,
    /// What the sentence, or the hint, has in it.
    says: &'static [&'static str],
    /// The false terms, with the values that they compare.
    terms: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    /// The line of the event that it is about.
    line: Option<u64>,
}

const CASES: &[Case] = &[
    Case {
        name: "wrong value of the last step",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WHERE b.x > 500;",
        events: "A one 1 0\nB one 412 5\nB one 3 6",
        cause: "wrong_value",
        says: &["closest to `b`"],
        terms: &[("b.x > 500", &[("b.x", "412")])],
        line: Some(2),
    },
    Case {
        name: "wrong value against an earlier step",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WHERE b.x > a.x * 2;",
        events: "A one 10 0\nB one 19 5",
        cause: "wrong_value",
        says: &["`b`"],
        terms: &[("b.x > a.x * 2", &[("b.x", "19"), ("a.x * 2", "20")])],
        line: Some(2),
    },
    Case {
        name: "two terms false, and the event with one comes first",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b) WHERE b.x > 500 AND b.k = 'two' AND b.x < 1000;",
        events: "A one 1 0\nB one 3 5\nB two 499 6\nB one 600 7",
        cause: "wrong_value",
        says: &["misses 1 term"],
        terms: &[("b.x > 500", &[("b.x", "499")])],
        line: Some(3),
    },
    Case {
        name: "a NULL is not true",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WHERE b.x > 5;",
        events: "A one 1 0\n{\"type\":\"B\",\"k\":\"one\",\"at\":\"2026-03-01T10:00:05Z\"}",
        cause: "wrong_value",
        says: &["NULL"],
        terms: &[("b.x > 5", &[("b.x", "NULL")])],
        line: Some(2),
    },
    Case {
        name: "a condition in brackets",
        declares: AB,
        query: "SELECT a.x FROM PATTERN (A a -> B[x BETWEEN 10 AND 20] b);",
        events: "A one 1 0\nB one 21 5",
        cause: "wrong_value",
        says: &["`b`"],
        terms: &[("x BETWEEN 10 AND 20", &[("b.x", "21")])],
        line: Some(2),
    },
    Case {
        name: "the loop has not enough",
        declares: ONE,
        query: "SELECT COUNT(f) AS n FROM PATTERN (E f{3} -> E g) PARTITION BY k WHERE f.x < 2 AND g.x > 9;",
        events: "E one 1 0\nE one 1 1\nE one 10 2",
        cause: "wrong_value",
        says: &["`f`"],
        terms: &[("f.x < 2", &[("f.x", "10")])],
        line: Some(3),
    },
    Case {
        name: "rising values that fall",
        declares: ONE,
        query: "SELECT COUNT(r) AS n FROM PATTERN (E r{3}) WHERE r.x > PREV(r.x);",
        events: "E one 5 0\nE one 6 1\nE one 4 2",
        cause: "wrong_value",
        says: &["`r`"],
        terms: &[("r.x > PREV(r.x)", &[("r.x", "4"), ("PREV(r.x)", "6")])],
        line: Some(3),
    },
    Case {
        name: "too late by little",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WHERE b.x > 500 WITHIN 10 seconds;",
        events: "A one 1 0\nB one 3 5\nB one 501 13",
        cause: "too_late",
        says: &["3s after WITHIN 10s", "WITHIN 13s would take it"],
        terms: &[],
        line: Some(3),
    },
    Case {
        name: "too late by events",
        declares: ONE,
        query: "SELECT b.x FROM PATTERN (E a -> E b) WHERE a.x = 1 AND b.x = 2 WITHIN 3 EVENTS;",
        events: "E one 1 0\nE one 5 1\nE one 5 2\nE one 2 3",
        cause: "too_late",
        says: &["1 event after WITHIN 3 EVENTS"],
        terms: &[],
        line: Some(4),
    },
    Case {
        name: "WITHIN is over and nothing came",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 10 seconds;",
        events: "A one 1 0\nC one 1 60\nB two 1 61",
        cause: "within_over",
        says: &["WITHIN 10s", "`b`"],
        terms: &[],
        line: None,
    },
    Case {
        name: "wrong key",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WHERE b.x > 500;",
        events: "A one 1 0\nB two 501 5",
        cause: "wrong_key",
        says: &["'two', not 'one'"],
        terms: &[],
        line: Some(2),
    },
    Case {
        name: "wrong key as a term",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b -> C c) WHERE a.k = b.k AND c.k = a.k AND a.x + b.x > 3;",
        events: "A one 2 0\nB one 2 5\nC two 1 6",
        cause: "wrong_value",
        says: &["`c`"],
        terms: &[("c.k = a.k", &[("c.k", "'two'"), ("a.k", "'one'")])],
        line: Some(3),
    },
    Case {
        name: "wrong order",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 1 minute;",
        events: "B one 1 0\nA one 1 5",
        cause: "wrong_order",
        says: &["before `a`"],
        terms: &[],
        line: Some(1),
    },
    Case {
        name: "wrong order in the middle",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b -> C c) PARTITION BY k WITHIN 1 minute;",
        events: "A one 1 0\nC one 1 3\nB one 1 5",
        cause: "wrong_order",
        says: &["`c`", "before `b`"],
        terms: &[],
        line: Some(2),
    },
    Case {
        name: "a negation is hit",
        declares: AB,
        query: "SELECT a.x FROM PATTERN (A a -> !C -> B b) PARTITION BY k;",
        events: "A one 1 0\nC one 9 3\nB one 1 5",
        cause: "negated",
        says: &["`!C`"],
        terms: &[],
        line: Some(2),
    },
    Case {
        name: "a negation at the end is hit",
        declares: AB,
        query: "SELECT a.x FROM PATTERN (A a -> !B b) PARTITION BY k WHERE b.x > 3 WITHIN 10 seconds;",
        events: "A one 1 0\nB one 2 2\nB one 4 3\nA two 1 60\nB two 4 61",
        cause: "negated",
        says: &["`!b`"],
        terms: &[],
        line: Some(3),
    },
    Case {
        name: "a negation before the first step",
        declares: AB,
        query: "SELECT a.x FROM PATTERN (!B b -> A a) PARTITION BY k WITHIN 10 seconds;",
        events: "B one 2 0\nA one 1 3",
        cause: "negated",
        says: &["forbidden"],
        terms: &[],
        line: None,
    },
    Case {
        name: "not the very next event",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a, B b) WHERE b.x > 0 AND a.x > 0 WITHIN 1 minute;",
        events: "A one 1 0\nA one 0 3\nB one 1 5",
        cause: "not_next",
        says: &["`b`", "`->` in place of `,`"],
        terms: &[],
        line: Some(2),
    },
    Case {
        name: "the very next event has a wrong value",
        declares: ONE,
        query: "SELECT b.x FROM PATTERN (E a, E b) PARTITION BY k WHERE a.x = 1 AND b.x = 2;",
        events: "E one 1 0\nE one 3 3\nE one 2 5",
        cause: "wrong_value",
        says: &["very next"],
        terms: &[("b.x = 2", &[("b.x", "3")])],
        line: Some(2),
    },
    Case {
        name: "UNTIL ends the loop too soon",
        declares: AB,
        query: "SELECT COUNT(a) AS n FROM PATTERN (A a{3,} UNTIL C -> B b) PARTITION BY k;",
        events: "A one 1 0\nA one 1 1\nC one 1 2\nA one 1 3\nB one 1 4",
        cause: "until",
        says: &["UNTIL `C`"],
        terms: &[],
        line: Some(3),
    },
    Case {
        name: "consumed",
        declares: AB,
        query: "SELECT a.x FROM PATTERN (A a -> B b) PARTITION BY k AFTER MATCH CONSUME;",
        events: "A one 1 0\nA one 2 1\nB one 1 2",
        cause: "consumed",
        says: &["line 1 to line 3"],
        terms: &[],
        line: None,
    },
    Case {
        name: "skipped",
        declares: AB,
        query: "SELECT a.x FROM PATTERN (A a -> B b) PARTITION BY k AFTER MATCH SKIP PAST LAST EVENT;",
        events: "A one 1 0\nA one 2 1\nB one 1 2",
        cause: "skipped",
        says: &["line 1 to line 3", "SKIP PAST LAST EVENT"],
        terms: &[],
        line: None,
    },
    Case {
        name: "RUNS lets no other begin",
        declares: AB,
        query: "SELECT a.x FROM PATTERN (A a -> B b) PARTITION BY k RUNS 1;",
        events: "A one 1 0\nA one 2 1\nB one 1 2",
        cause: "runs_full",
        says: &["RUNS 1", "line 1"],
        terms: &[],
        line: None,
    },
    Case {
        name: "LIMIT per partition",
        declares: AB,
        query: "SELECT a.x FROM PATTERN (A a -> B b) PARTITION BY k LIMIT 1 PER PARTITION;",
        events: "A one 1 0\nB one 2 1\nA one 1 2\nB one 2 3",
        cause: "limit",
        says: &["PER PARTITION"],
        terms: &[],
        line: None,
    },
    Case {
        name: "HAVING of a pattern",
        declares: AB,
        query: "SELECT a.x FROM PATTERN (A a+ -> B b) PARTITION BY k HAVING COUNT(a) >= 3;",
        events: "A one 1 0\nA one 2 1\nB one 2 2",
        cause: "having",
        says: &["HAVING"],
        terms: &[("COUNT(a) >= 3", &[("COUNT(a)", "2")])],
        line: None,
    },
    Case {
        name: "a late event",
        declares: ONE,
        query: "SELECT b.x FROM PATTERN (E a -> E b) PARTITION BY k WHERE a.x = 1 AND b.x = 2;",
        events: "E one 1 0\nE one 9 20\nE one 2 8\nE one 9 30",
        cause: "late",
        says: &["passed it by 12s", "DELAY 12s on `E`"],
        terms: &[],
        line: Some(3),
    },
    Case {
        name: "a bad event",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WHERE b.x > 5;",
        events: "A one 1 0\n{\"type\":\"B\",\"k\":\"one\",\"x\":\"many\",\"at\":\"2026-03-01T10:00:05Z\"}\nB two 3 9",
        cause: "bad_event",
        says: &["line 2", "`b`"],
        terms: &[],
        line: Some(2),
    },
    Case {
        name: "a type that is nobody's",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k;",
        events: "A one 1 0\n{\"type\":\"b\",\"k\":\"one\",\"x\":1,\"at\":\"2026-03-01T10:00:05Z\"}\nB two 3 9",
        cause: "unrouted",
        says: &["'b'", "`B`"],
        terms: &[],
        line: Some(2),
    },
    Case {
        name: "a stream that never came, and a type that did",
        declares: "CREATE STREAM Login (user STRING, at TIMESTAMP) TIMESTAMP BY at;
            CREATE STREAM Purchase (user STRING, at TIMESTAMP) TIMESTAMP BY at;\n",
        query: "SELECT l.user FROM PATTERN (Login l -> Purchase p) PARTITION BY user;",
        events: "{\"type\":\"Login\",\"user\":\"ann\",\"at\":\"2026-03-01T10:00:00Z\"}
{\"type\":\"purchase\",\"user\":\"ann\",\"at\":\"2026-03-01T10:00:05Z\"}",
        cause: "never_seen",
        says: &["`Purchase`", "'purchase'", "WITH (type = 'purchase')"],
        terms: &[],
        line: None,
    },
    Case {
        name: "under another key, behind nothing else",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WITHIN 1 hour;",
        events: "A one 1 0\nB two 1 5",
        cause: "wrong_key",
        says: &["'two', not 'one'"],
        terms: &[],
        line: Some(2),
    },
    Case {
        name: "the input ends while it waits",
        declares: AB,
        query: "SELECT b.x FROM PATTERN (A a -> B b -> C c) PARTITION BY k WHERE c.x > 0 WITHIN 1 hour;",
        events: "C two 1 0\nA one 1 1\nB one 1 5",
        cause: "input_ended",
        says: &["`c`"],
        terms: &[],
        line: None,
    },
    Case {
        name: "no event fits the first step",
        declares: ONE,
        query: "SELECT a.x FROM PATTERN (E a -> E b) WHERE a.x > 1000 AND a.k = 'one' AND b.x > 0;",
        events: "E one 400 0\nE two 2000 1\nE one 990 2",
        cause: "wrong_value",
        says: &["no run began", "none of 3 events fits `a`"],
        terms: &[("a.x > 1000", &[("a.x", "990")])],
        line: Some(3),
    },
    Case {
        name: "no event fits a later step by itself, under any key",
        declares: ONE,
        query: "SELECT a.x FROM PATTERN (E a -> E b) PARTITION BY k WHERE a.x = 1 AND b.x > 1000;",
        events: "E two 900 0\nE one 1 1",
        cause: "wrong_value",
        says: &["none of 2 events fits `b` by itself"],
        terms: &[("b.x > 1000", &[("b.x", "900")])],
        line: Some(1),
    },
    Case {
        name: "a plain filter",
        declares: ONE,
        query: "SELECT x FROM E WHERE x > 100 AND k = 'one';",
        events: "E one 1 0\nE one 99 1\nE two 300 2",
        cause: "where",
        says: &["true for none of 3 rows", "each of its terms was true for some"],
        terms: &[("x > 100", &[("x", "99")])],
        line: Some(2),
    },
    Case {
        name: "HAVING of a window",
        declares: ONE,
        query: "SELECT k, COUNT(*) AS n FROM E WINDOW TUMBLING 1m GROUP BY k HAVING COUNT(*) >= 3;",
        events: "E one 1 0\nE one 99 1\nE two 300 2",
        cause: "having",
        says: &["true for none of 2 rows"],
        terms: &[("COUNT(*) >= 3", &[("COUNT(*)", "2")])],
        line: None,
    },
    Case {
        name: "a join whose keys never meet",
        declares: AB,
        query: "SELECT a.x FROM A a JOIN B b ON a.k = b.k WITHIN 1 minute;",
        events: "A one 1 0\nB two 1 1\nA three 1 2",
        cause: "wrong_key",
        says: &["A.k is 'one', 'three'", "B.k is 'two'"],
        terms: &[],
        line: None,
    },
    Case {
        name: "a join too far apart",
        declares: AB,
        query: "SELECT a.x FROM A a JOIN B b ON a.k = b.k WITHIN 10 seconds;",
        events: "A one 1 0\nB one 1 14\nA one 1 40",
        cause: "too_late",
        says: &["line 1 and line 2", "4s further apart"],
        terms: &[],
        line: None,
    },
    Case {
        name: "MATCH_RECOGNIZE: the row that breaks it",
        declares: ONE,
        query: "SELECT * FROM E MATCH_RECOGNIZE (PARTITION BY k ORDER BY at MEASURES LAST(UP.x) AS top
            PATTERN (DOWN UP UP) DEFINE DOWN AS x < 10, UP AS x > PREV(x));",
        events: "E one 5 0\nE one 6 1\nE one 5 2",
        cause: "wrong_value",
        says: &["very next", "`UP`"],
        terms: &[("x > PREV(x)", &[("x", "5"), ("PREV(x)", "6")])],
        line: Some(3),
    },
    Case {
        name: "MATCH_RECOGNIZE: too late",
        declares: ONE,
        query: "SELECT * FROM E MATCH_RECOGNIZE (PARTITION BY k ORDER BY at MEASURES P.x AS p
            PATTERN (P Q) WITHIN 5 seconds DEFINE P AS x = 1, Q AS x = 2);",
        events: "E one 1 0\nE one 2 7",
        cause: "too_late",
        says: &["2s after WITHIN 5s"],
        terms: &[],
        line: Some(2),
    },
    Case {
        name: "MATCH_RECOGNIZE: skipped",
        declares: ONE,
        query: "SELECT * FROM E MATCH_RECOGNIZE (PARTITION BY k ORDER BY at MEASURES COUNT(P.*) AS n
            PATTERN (P P P) DEFINE P AS x = 1);",
        events: "E one 1 0\nE one 1 1\nE one 1 2\nE one 1 3",
        cause: "skipped",
        says: &["line 1 to line 3", "SKIP PAST LAST ROW"],
        terms: &[],
        line: None,
    },
    Case {
        name: "MATCH_RECOGNIZE: WHERE behind it",
        declares: ONE,
        query: "SELECT n FROM E MATCH_RECOGNIZE (PARTITION BY k ORDER BY at MEASURES COUNT(P.*) AS n
            PATTERN (P+) WITHIN 1 minute DEFINE P AS x = 1) WHERE n > 3;",
        events: "E one 1 0\nE one 1 1\nE one 7 2",
        cause: "where",
        says: &["true for none of 1 row"],
        terms: &[("n > 3", &[("n", "2")])],
        line: None,
    },
];

/// The lines of a case.
fn input_of(events: &str) -> String {
    let line = |line: &str| {
        let parts: Vec<&str> = line.split(' ').collect();
        match parts.as_slice() {
            _ if line.starts_with('{') => format!("{line}\n"),
            [kind, key, value, second] => {
                let second: u64 = second.parse().unwrap();
                let (minute, second) = (second / 60, second % 60);
                format!("{{\"type\":\"{kind}\",\"k\":\"{key}\",\"x\":{value},\"at\":\"2026-03-01T10:{minute:02}:{second:02}Z\"}}\n")
            }
            other => panic!("{other:?} is no event"),
        }
    };
    events.lines().map(line).collect()
}

fn answer_of(program: &str, events: &str, options: &Options, question: Question) -> Answer {
    let mut inquiry = Inquiry::new(program, options, question).unwrap_or_else(|error| panic!("{error}"));
    inquiry.push_json(input_of(events).as_bytes()).unwrap();
    inquiry.finish().unwrap()
}

/// The reason that is told first.
fn first(answer: &Answer) -> &Reason {
    let statement = &answer.statements[0];
    statement.misses.first().map(|miss| &miss.reason).or(statement.reason.as_ref()).unwrap_or_else(|| panic!("{}", answer.to_text(false)))
}

#[test]
fn each_case_has_its_reason_first() {
    assert!(CASES.len() >= 30);
    let mut wrong = Vec::new();
    for case in CASES {
        let program = format!("{}{}", case.declares, case.query);
        let answer = answer_of(&program, case.events, &Options::default(), Question::default());
        // What stands behind a pattern that has matches is asked about, not the runs that had none.
        let refused_behind = answer.statements[0].matches.is_some_and(|m| m > 0) && answer.statements[0].rows == 0;
        let reason = if refused_behind { answer.statements[0].reason.as_ref().unwrap() } else { first(&answer) };
        let terms: Vec<(&str, Vec<(&str, &str)>)> = reason
            .terms
            .iter()
            .map(|term| (term.text.as_str(), term.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()))
            .collect();
        let expected: Vec<(&str, Vec<(&str, &str)>)> = case.terms.iter().map(|(text, values)| (*text, values.to_vec())).collect();
        let said = format!("{} {}", reason.text, reason.hint.as_deref().unwrap_or_default());
        let line = reason.event.as_ref().and_then(|event| event.line);
        let is_right = reason.cause == case.cause
            && terms == expected
            && case.says.iter().all(|part| said.contains(part))
            && (case.line.is_none() || line == case.line);
        if !is_right {
            wrong.push(format!("{}: {} {terms:?} {line:?} {said}\n{}", case.name, reason.cause, answer.to_text(false)));
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong\n\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

/// Three runs of three keys.
const THREE: &str = "A one 1 0\nA two 1 1\nA three 1 2\nB one 400 3\nB two 450 4\nB three 499 5";
const THREE_QUERY: &str = "SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WHERE b.x > 500 WITHIN 10 seconds;";

fn three(question: Question) -> Answer {
    answer_of(&format!("{AB}{THREE_QUERY}"), THREE, &Options::default(), question)
}

fn keys_of(answer: &Answer) -> Vec<&str> {
    answer.statements[0].misses.iter().map(|miss| miss.key[0].1.as_str()).collect()
}

#[test]
fn the_closest_miss_is_first_and_the_limit_is_kept() {
    assert_eq!(keys_of(&three(Question::default())), ["'three'", "'two'", "'one'"]);
    let answer = three(Question { limit: 1, ..Question::default() });
    assert_eq!(keys_of(&answer), ["'three'"]);
    assert_eq!(answer.statements[0].runs, Some(3));
}

#[test]
fn a_key_or_a_time_narrows_the_runs() {
    let of_key = |name: &str, value: &str| Question { key: vec![(name.to_owned(), value.to_owned())], ..Question::default() };
    assert_eq!(keys_of(&three(of_key("k", "two"))), ["'two'"]);
    assert_eq!(keys_of(&three(of_key("k", "nobody"))), [""; 0]);
    // A column that is no key: a run that has taken an event with this value.
    assert_eq!(keys_of(&three(of_key("a.x", "1"))).len(), 3);
    let at = |second: &str| Question { at: Timestamp::parse(&format!("2026-03-01T10:00:{second}Z")), ..Question::default() };
    assert_eq!(keys_of(&three(at("00"))), ["'one'"]);
    assert_eq!(keys_of(&three(at("01"))), ["'two'", "'one'"]);
    assert_eq!(keys_of(&three(at("09"))).len(), 3);
    assert_eq!(keys_of(&three(at("12"))), ["'three'"]);
    assert_eq!(keys_of(&three(at("30"))), [""; 0]);
}

#[test]
fn matches_are_counted_and_misses_told_all_the_same() {
    let events = "A one 1 0\nB one 501 1\nA two 1 2\nB two 400 3";
    let answer = answer_of(&format!("{AB}{THREE_QUERY}"), events, &Options::default(), Question::default());
    let statement = &answer.statements[0];
    assert_eq!((statement.rows, statement.matches, statement.runs), (1, Some(1), Some(1)));
    assert_eq!(keys_of(&answer), ["'two'"]);
}

#[test]
fn runs_that_one_event_stopped_are_told_once() {
    let events = "A one 1 0\nA one 2 1\nA one 3 2\nB one 400 3";
    let answer = answer_of(&format!("{AB}{THREE_QUERY}"), events, &Options::default(), Question::default());
    assert_eq!(answer.statements[0].misses.len(), 1);
    assert_eq!(answer.statements[0].misses[0].others, 2);
}

#[test]
fn a_run_that_the_bound_has_ended_says_so() {
    let limits = Limits { pattern_threads: 2, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let events = "A one 1 0\nA one 2 1\nA one 3 2\nA one 4 3\nB one 9 4";
    let query = "SELECT a.x FROM PATTERN (A a -> B b) PARTITION BY k;";
    let answer = answer_of(&format!("{AB}{query}"), events, &options, Question::default());
    assert_eq!(first(&answer).cause, "budget");
    assert!(first(&answer).text.contains("the bound is 2 a partition"), "{}", first(&answer).text);
    assert_eq!(answer.statements[0].matches, Some(2));
}

#[test]
fn a_statement_that_reads_another_points_there() {
    let program = format!("{AB}CREATE STREAM Pair AS {THREE_QUERY}\nSELECT x FROM Pair WHERE x > 3;");
    let answer = answer_of(&program, THREE, &Options::default(), Question::default());
    let [pair, second] = answer.statements.as_slice() else { panic!("{}", answer.to_text(false)) };
    assert_eq!((pair.name.as_str(), second.name.as_str()), ("Pair", "statement 2"));
    let reason = second.reason.as_ref().unwrap();
    assert_eq!((reason.cause, reason.hint.as_deref()), ("no_row", Some("betide why --statement Pair")));
    let only = answer_of(&program, THREE, &Options::default(), Question { statement: Some("Pair".to_owned()), ..Question::default() });
    assert_eq!(only.statements.len(), 1);
}

#[test]
fn patterns_over_patterns_are_followed_too() {
    let program = format!(
        "{AB}CREATE STREAM Pair AS SELECT a.k, b.x FROM PATTERN (A a -> B b) PARTITION BY k;
        SELECT p.k FROM PATTERN (Pair p -> C c) PARTITION BY k WHERE c.x > p.x;"
    );
    let events = "A one 1 0\nB one 5 1\nC one 4 2";
    let answer = answer_of(&program, events, &Options::default(), Question::default());
    let miss = &answer.statements[1].misses[0];
    assert_eq!((miss.reason.cause, miss.reason.terms[0].text.as_str()), ("wrong_value", "c.x > p.x"));
    assert_eq!(miss.reason.terms[0].values, [("c.x".to_owned(), "4".to_owned()), ("p.x".to_owned(), "5".to_owned())]);
    // The row of the first pattern has no line of its own.
    assert_eq!((miss.steps[0].event.line, miss.reason.event.as_ref().unwrap().line), (None, Some(3)));
}

#[test]
fn the_text_shows_the_term_in_its_line() {
    let answer = three(Question { limit: 1, ..Question::default() });
    let expected = "\
statement 1 (<query>:4): no row; 3 runs came to nothing

  1. k = 'three', begun 2026-03-01T10:00:02Z, waits for `b`
     ✓ a  line 3  2026-03-01T10:00:02Z  k = 'three'
     ✗ b  line 6  2026-03-01T10:00:05Z  k = 'three', x = 499
     wrong value: the event that came closest to `b` misses 1 term
       4 | SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WHERE b.x > 500 WITHIN 10 seconds;
         |                                                           ^^^^^^^^^ b.x is 499
";
    assert_eq!(answer.to_text(false), expected);
    assert!(answer.to_text(true).contains('\u{1b}'));
}

#[test]
fn lines_of_json_have_all_of_it() {
    let lines = three(Question { limit: 1, ..Question::default() }).to_json_lines();
    let objects: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects.len(), 2);
    assert_eq!((&objects[0]["name"], &objects[0]["rows"], &objects[0]["runs"]), (&"statement 1".into(), &0.into(), &3.into()));
    let miss = &objects[1];
    assert_eq!((&miss["statement"], &miss["rank"], &miss["key"]["k"]), (&"statement 1".into(), &1.into(), &"'three'".into()));
    assert_eq!((&miss["reason"]["cause"], &miss["reason"]["terms"][0]["values"]["b.x"]), (&"wrong_value".into(), &"499".into()));
    assert_eq!(miss["steps"][0]["event"]["line"], 3);
}

#[test]
fn keys_beyond_the_bound_are_left_out_and_counted_unless_they_are_asked_for() {
    let program = format!("{AB}SELECT b.x FROM PATTERN (A a -> B b) PARTITION BY k WHERE b.x > 500;");
    let events = "A one 1 0\nA two 1 1\nA three 1 2\nB three 2 3\nA two 7 4\nA four 7 5";
    let of = |keys: usize, key: &[(&str, &str)]| {
        let key = key.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        answer_of(&program, &input_of(events), &Options::default(), Question { keys, key, ..Question::default() })
    };
    let narrow = of(2, &[]);
    assert_eq!(narrow.statements[0].runs, Some(3));
    assert_eq!(
        narrow.statements[0].notes,
        ["of the pattern the first 2 keys are followed (--max-keys), and 3 rows of others were left out; --key follows one of them"]
    );
    assert_eq!(of(4, &[]).statements[0].notes, Vec::<String>::new());
    let asked = of(2, &[("k", "three")]);
    assert_eq!(asked.statements[0].misses.len(), 1);
    assert_eq!(asked.statements[0].misses[0].reason.cause, "wrong_value");
    let join = format!("{AB}SELECT a.x FROM A a JOIN B b ON a.k = b.k WITHIN 1s;");
    let answer = answer_of(&join, &input_of(events), &Options::default(), Question { keys: 2, ..Question::default() });
    assert_eq!(answer.statements[0].notes, ["of the join the first 2 keys are followed (--max-keys), and 3 rows of others were left out"]);
}

#[test]
fn the_same_answer_however_the_input_is_cut() {
    let program = format!("{AB}{THREE_QUERY}");
    let input = input_of(THREE);
    let whole = three(Question::default()).to_json_lines();
    for size in [1, 7, 64] {
        let mut inquiry = Inquiry::new(&program, &Options::default(), Question::default()).unwrap();
        input.as_bytes().chunks(size).for_each(|piece| inquiry.push_json(piece).unwrap());
        assert_eq!(inquiry.finish().unwrap().to_json_lines(), whole, "in pieces of {size}");
    }
}

#[test]
fn csv_and_several_inputs_keep_their_lines() {
    let program = "CREATE STREAM E (k STRING, x INT, at TIMESTAMP) TIMESTAMP BY at;
        SELECT a.x FROM PATTERN (E a -> E b) PARTITION BY k WHERE a.x = 1 AND b.x = 5;";
    let mut inquiry = Inquiry::new(program, &Options::default(), Question::default()).unwrap();
    inquiry.begin_input("one.csv");
    inquiry.push_csv(b"k,x,at\n\"o\nne\",1,2026-03-01T10:00:00Z\n").unwrap();
    inquiry.end_input().unwrap();
    inquiry.begin_input("two.csv");
    inquiry.push_csv(b"k,x,at\nz,9,2026-03-01T10:00:00Z\n\"o\nne\",4,2026-03-01T10:00:01Z").unwrap();
    let answer = inquiry.finish().unwrap();
    let miss = &answer.statements[0].misses[0];
    let at = |event: &betide::why::Event| (event.input.clone().unwrap(), event.line.unwrap());
    assert_eq!(at(&miss.steps[0].event), ("one.csv".to_owned(), 3));
    assert_eq!(at(miss.reason.event.as_ref().unwrap()), ("two.csv".to_owned(), 4));
}

/// What is told must fit what comes out: over random events, as many matches as the engine gives rows, and each start that a run began with
/// is a match, a miss, or taken away.
#[test]
fn matches_agree_with_the_engine_on_random_events() {
    let patterns = [
        "PATTERN (A a -> B b) PARTITION BY k WHERE b.x > a.x WITHIN 9 seconds",
        "PATTERN (A a{2,} -> B b) PARTITION BY k WHERE b.x > 2 WITHIN 20 seconds",
        "PATTERN (A a -> !C c -> B b) PARTITION BY k WHERE c.x > 2",
        "PATTERN (A a ->> B b) WHERE a.k = b.k WITHIN 5 seconds",
        "PATTERN (A a & B b) PARTITION BY k WITHIN 5 seconds",
        "PATTERN (A a , B b) PARTITION BY k",
        "PATTERN (A a -> B b) PARTITION BY k AFTER MATCH CONSUME",
        "PATTERN (A a -> B b) PARTITION BY k WITHIN 30 seconds AFTER MATCH SKIP PAST LAST EVENT",
        "PATTERN (A a -> !B b) PARTITION BY k WITHIN 4 seconds",
        "PATTERN (A a+ -> B b) PARTITION BY k HAVING COUNT(a) > 2 AND b.x > 1 RUNS 2",
    ];
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for pattern in patterns {
        let clauses = pattern.replace(" RUNS 2", "");
        let runs = if pattern.ends_with("RUNS 2") { " RUNS 2" } else { "" };
        let program = format!("{AB}SELECT a.x FROM {clauses}{runs};");
        for _ in 0..6 {
            let mut second = 0;
            let lines: Vec<String> = (0..60)
                .map(|_| {
                    second += random(3);
                    format!("{} {} {} {second}", ["A", "B", "C"][random(3) as usize], ["one", "two"][random(2) as usize], random(6))
                })
                .collect();
            let events = lines.join("\n");
            let mut engine = betide::Engine::compile(&program).unwrap();
            engine.push_json(input_of(&events).as_bytes()).unwrap();
            engine.finish().unwrap();
            let rows = engine.take_rows().len() as u64;
            let answer = answer_of(&program, &events, &Options::default(), Question { limit: 1_000, ..Question::default() });
            let statement = &answer.statements[0];
            assert_eq!((statement.rows, statement.matches), (rows, Some(rows)), "{program}\n{events}");
            assert!(
                statement.misses.iter().all(|miss| miss.reason.cause != "not_followed" && miss.reason.cause != "taken_away"),
                "{program}\n{events}\n{}",
                answer.to_text(false)
            );
        }
    }
}
