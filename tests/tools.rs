//! The tools beside the engine, from outside: test, fmt, doc, watch, completions, and the reason of a run without rows.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A folder of this test alone.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("tools-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn put(&self, name: &str, content: &str) -> &Self {
        fs::write(self.0.join(name), content).unwrap();
        self
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_betide"));
        command.current_dir(&self.0).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Exit code, standard output, standard error.
    fn betide(&self, args: &[&str], input: &str) -> (i32, String, String) {
        let mut child = self.command(args).spawn().unwrap();
        // Whether anybody reads it is the command's business.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const PROGRAM: &str = "CREATE STREAM P (card STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at DELAY 5s;
CREATE STREAM Hit AS
SELECT a.card, b.x
FROM PATTERN (P a -> P b)
PARTITION BY card
WHERE a.x < 2 AND b.x > 10
WITHIN 1m;
";

#[test]
fn tests_hold_or_say_what_came() {
    let folder = Folder::new("test");
    folder.put("a.tide", PROGRAM);
    folder.put("a.test", "test one\ngiven\n  P card=1 x=1 @ +1s\n  P card=1 x=20 @ +1s\nexpect\n  Hit card=1 x=20.0\n");
    let (code, out, err) = folder.betide(&["test"], "");
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("a.test\n  ok   one\n1 test: 1 passed · "), "{out}");
    folder.put("a.test", "test one\ngiven\n  P card=1 x=1 @ +1s\n  P card=1 x=20 @ +1s\nexpect\n  Hit card=2\ntest two\nexpect nothing\n");
    let (code, out, _) = folder.betide(&["test", "a.tide", "--junit", "report.xml"], "");
    assert_eq!(code, 1);
    assert!(out.contains("FAIL one\n       a.test:6: another row came: Hit card=1 x=20.0; card is 1\n  ok   two\n"), "{out}");
    assert!(folder.read("report.xml").contains("<testsuites tests=\"2\" failures=\"1\">"));
    let (code, out, _) = folder.betide(&["test", "--name", "two"], "");
    assert!(code == 0 && out.contains("1 test: 1 passed"), "{out}");
    // What comes can be written down.
    let (code, _, err) = folder.betide(&["test", "--update"], "");
    assert_eq!((code, err.as_str()), (0, "betide: a.test has been written\n"));
    assert!(folder.read("a.test").contains("expect\n    Hit card=1 x=20.0\ntest two"), "{}", folder.read("a.test"));
    assert_eq!(folder.betide(&["test"], "").0, 0);
}

#[test]
fn time_is_moved_by_hand_and_lost_events_are_told() {
    let folder = Folder::new("time");
    folder.put("a.tide", PROGRAM);
    let text = "test waits for the delay
given
  P card=1 x=1 @ +1s
  P card=1 x=20 @ +1s
expect nothing
advance 4s
expect nothing
advance 1s
expect
  Hit card=1
test a late one
given
  P card=1 x=1 @ +1m
  P card=1 x=1 @ -30s
expect late 1
test another late one
given
  P card=1 x=1 @ +1m
  P card=1 x=1 @ -30s
expect nothing
test a bad one
given
  P card=1 x=much @ +1m
expect nothing
";
    folder.put("a.test", text);
    let (code, out, _) = folder.betide(&["test"], "");
    assert_eq!(code, 1);
    assert!(
        out.contains("ok   waits for the delay\n  ok   a late one\n  FAIL another late one\n       a.test:19: this event comes too late"),
        "{out}"
    );
    assert!(out.contains("a.test:23: this event is bad: a row for P: column `x`: `much` is no FLOAT"), "{out}");
}

#[test]
fn steps_that_no_test_reaches_are_told() {
    let folder = Folder::new("steps");
    folder.put("a.tide", PROGRAM);
    folder.put("a.test", "test one\ngiven\n  P card=1 x=1 @ +1s\nexpect nothing\n");
    let (code, out, _) = folder.betide(&["test"], "");
    assert!(code == 0 && out.contains("a.tide:2: step `b` was never reached\n"), "{out}");
    assert_eq!(folder.betide(&["test", "--all-steps"], "").0, 1);
}

/// A test is run again with its events shuffled within DELAY. What only the arrival orders has to stay as it is written: events of a stream
/// without a time, and events of one time. The last of many would hardly be the last three times by chance.
#[test]
fn what_the_arrival_alone_orders_is_not_shuffled() {
    let folder = Folder::new("shuffle");
    let without_time = "CREATE STREAM P (x INT);\nSELECT LAST(x) AS x, COUNT(*) AS n FROM P WINDOW ROWS 6;\n";
    let of_one_time = "CREATE STREAM P (x INT, at TIMESTAMP) TIMESTAMP BY at DELAY 1m;
        SELECT LAST(x) AS x, COUNT(*) AS n FROM P WINDOW TUMBLING 1m;\n";
    for (program, at) in [(without_time, ""), (of_one_time, " @ +1s")] {
        folder.put("a.tide", program);
        let given: String = (1..=6).map(|x| format!("  P x={x}{at}\n")).collect();
        folder.put("a.test", &format!("test one\ngiven\n{given}expect some\n  row x=6 n=6\n"));
        let (code, out, err) = folder.betide(&["test"], "");
        assert_eq!(code, 0, "{out}{err}");
    }
}

#[test]
fn mistakes_of_tests_and_programs_have_their_places() {
    let folder = Folder::new("mistakes");
    folder.put("a.tide", PROGRAM);
    folder.put("a.test", "test one\ngiven\n  Q card=1\nexpect nothing\n");
    let (code, _, err) = folder.betide(&["test"], "");
    assert_eq!((code, err.as_str()), (2, "betide: a.test:3: the program has no source stream `Q`: did you mean `P`?\n"));
    folder.put("a.test", "tesst one\n");
    let (code, _, err) = folder.betide(&["test"], "");
    assert!(code == 2 && err.starts_with("betide: a.test:1: `tesst` is not known here; did you mean `test`?"), "{err}");
    folder.put("a.test", "test one\nexpect nothing\n").put("a.tide", "SELECT x FROM S;");
    let (code, _, err) = folder.betide(&["test"], "");
    assert!(code == 2 && err.contains("error[E0201]: unknown stream `S`\n --> a.tide:1:15"), "{err}");
    assert_eq!(folder.betide(&["test", "nowhere.test"], "").0, 74);
}

#[test]
fn programs_are_laid_out_in_place() {
    let folder = Folder::new("fmt");
    let ugly = "create stream S(a int);\n-- why\nselect a from S\nwhere a>1";
    let laid_out = "CREATE STREAM S (a INT);\n-- why\nSELECT a\nFROM S\nWHERE a > 1;\n";
    folder.put("a.tide", ugly).put("wrong.tide", "SELECT FROM;").put("well.tide", laid_out);
    assert_eq!(folder.betide(&["fmt", "--check", "a.tide", "well.tide"], ""), (1, "a.tide\n".to_owned(), String::new()));
    assert_eq!(folder.read("a.tide"), ugly);
    let (code, _, err) = folder.betide(&["fmt", "."], "");
    assert!(code == 2 && err.contains("betide: ./a.tide has been laid out") && err.contains("--> ./wrong.tide:1:8"), "{err}");
    assert_eq!(folder.read("a.tide"), laid_out);
    assert_eq!(folder.betide(&["fmt", "-"], ugly), (0, laid_out.to_owned(), String::new()));
    assert_eq!(folder.betide(&["fmt", "--check", "-"], ugly).0, 1);
}

#[test]
fn the_language_is_looked_up() {
    let folder = Folder::new("doc");
    let (code, out, _) = folder.betide(&["doc", "window", "tumbling"], "");
    assert!(code == 0 && out.starts_with("WINDOW TUMBLING size") && out.contains("Example:"), "{out}");
    assert!(folder.betide(&["doc", "E0202"], "").1.contains("Wrong:\n    CREATE STREAM S (amount INT);\n    SELECT amout FROM S;"));
    assert!(folder.betide(&["doc", "split_part"], "").1.starts_with("SPLIT_PART("));
    assert!(folder.betide(&["doc"], "").1.lines().count() > 200);
    let (code, _, err) = folder.betide(&["doc", "WITHN"], "");
    assert_eq!((code, err.as_str()), (2, "betide: there is no function, clause or code `WITHN`; did you mean WITHIN or WITH?\n"));
}

#[test]
fn shells_get_their_completions() {
    let folder = Folder::new("completions");
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = folder.betide(&["completions", shell], "");
        assert!(code == 0 && out.contains("infer") && out.contains("dead-letters"), "{shell}");
    }
}

#[test]
fn a_saved_file_is_run_again() {
    let folder = Folder::new("watch");
    folder.put("a.tide", "CREATE STREAM S (x INT);\nSELECT x FROM S;\n").put("a.jsonl", "{\"x\":1}\n");
    let mut child = folder.command(&["watch", "a.tide", "a.jsonl"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "{\"x\":1}");
    folder.put("a.tide", "CREATE STREAM S (x INT);\nSELECT x + 41 AS y FROM S;\n");
    assert_eq!(lines.next().unwrap().unwrap(), "{\"y\":42}");
    child.kill().unwrap();
    child.wait().unwrap();
    let (code, _, err) = folder.betide(&["watch", "nowhere.tide"], "");
    assert!(code == 2 && err.contains("none of these is a file"), "{err}");
}

#[test]
fn a_run_without_rows_says_why() {
    let folder = Folder::new("why");
    folder.put("a.tide", PROGRAM);
    folder.put("f.tide", "CREATE STREAM P (x FLOAT, at TIMESTAMP) TIMESTAMP BY at WITH (type = 'P');\nSELECT x FROM P WHERE x > 100;\n");
    folder.put("j.tide", "CREATE STREAM P (x INT, at TIMESTAMP) TIMESTAMP BY at;\nCREATE STREAM Q (x INT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT P.x FROM P JOIN Q ON P.x = Q.x WITHIN 1m;\n");
    folder.put(
        "w.tide",
        "CREATE STREAM P (x INT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT COUNT(*) AS n FROM P WINDOW TUMBLING 1m HAVING COUNT(*) > 5;\n",
    );
    let event = |name: &str, x: i32, second: i32| {
        format!("{{\"type\":\"{name}\",\"card\":\"c\",\"x\":{x},\"at\":\"2026-03-01T10:00:{second:02}Z\"}}\n")
    };
    let says = |program: &str, events: &str, why: &str| {
        let (code, out, err) = folder.betide(&["run", program], events);
        assert_eq!((code, out.as_str()), (0, ""), "{err}");
        assert!(err.contains(&format!("betide: no rows: {why}")), "{program}: {err}");
    };
    says("a.tide", "", "there was no event in the input");
    says("a.tide", "nonsense\n", "every event was bad");
    says("f.tide", &event("Q", 1, 1), "no event was of a stream of the program (P); betide infer tells which types there are");
    says("f.tide", &event("P", 1, 1), "a condition (WHERE or HAVING) was true for none of 1 row");
    says("a.tide", &(event("P", 1, 1) + &event("P", 2, 2)), "no match was finished over 2 rows");
    says("j.tide", &event("P", 1, 1), "the input has no event of Q");
    says("j.tide", &(event("P", 1, 1) + &event("Q", 2, 2)), "no pair was found among 2 rows");
    says("w.tide", &event("P", 1, 1), "");
    // Of a small file, read once more, it is said what came closest.
    let finds = |program: &str, events: &str, why: &str| {
        let (code, out, err) = folder.put("events.jsonl", events).betide(&["run", program, "events.jsonl"], "");
        assert_eq!((code, out.as_str()), (0, ""), "{err}");
        assert!(err.contains(&format!("betide: no rows: {why} (`betide why` tells more)\n")), "{program}: {err}");
    };
    finds("f.tide", &event("P", 1, 1), "statement 1: WHERE was true for none of 1 row: x > 100 (x is 1.0)");
    finds(
        "a.tide",
        &(event("P", 1, 1) + &event("P", 7, 2)),
        "Hit: the event that came closest to `b` misses 1 term: b.x > 10 (b.x is 7.0)",
    );
    let late = "Hit: an event that fits `b` came 1s after WITHIN 1m was over; WITHIN 1m 1s would take it";
    finds("a.tide", &(event("P", 1, 1) + &event("P", 70, 1).replace("10:00:01", "10:01:02")), late);
    finds("j.tide", &(event("P", 1, 1) + &event("Q", 2, 2)), "statement 1: no key came on both sides: P.x is 1; Q.x is 2");
}

#[test]
fn why_refuses_a_column_that_nothing_has() {
    let folder = Folder::new("why-key");
    folder.put("a.tide", PROGRAM).put("a.jsonl", "{\"card\":\"c\",\"x\":1,\"at\":\"2026-03-01T10:00:00Z\"}\n");
    let (code, out, err) = folder.betide(&["why", "a.tide", "a.jsonl", "--key", "crd=c"], "");
    let said = "betide: --key crd: no stream has a column of this name; did you mean `card`?\n  there are: card, x, at\n";
    assert_eq!((code, out.as_str(), err.as_str()), (2, "", said));
    for known in ["card=c", "a.card=c", "x=1"] {
        assert_eq!(folder.betide(&["why", "a.tide", "a.jsonl", "--key", known], "").0, 0, "{known}");
    }
}
