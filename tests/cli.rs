//! The command line from outside: what goes in on files and pipes, what comes out where, and with which exit code.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value as Json;

/// A program with one source, and one row an event.
const PAYMENTS: &str = "CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at;
SELECT card, amount FROM Payment WHERE amount > 500;
";

/// How a command ended.
#[derive(Debug, PartialEq)]
struct Ended {
    code: i32,
    out: String,
    err: String,
}

impl Ended {
    fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }
}

/// A folder of this test alone, empty at first.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
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

    fn betide(&self, args: &[&str], input: impl Into<Vec<u8>>) -> Ended {
        finish(self.command(args), input.into())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn finish(mut command: Command, input: Vec<u8>) -> Ended {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Whether anybody reads it is the command's business.
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    Ended {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

fn payment(card: &str, amount: i64, second: i64) -> String {
    format!("{{\"card\":\"{card}\",\"amount\":{amount},\"at\":{}}}\n", second * 1000)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(text.as_bytes()).unwrap();
    writer.finish().unwrap()
}

const ROW_A: &str = r#"{"card":"a","amount":900.0}"#;
const ROW_B: &str = r#"{"card":"b","amount":800.0}"#;

#[test]
fn inputs_are_standard_input_files_and_gzip_one_after_the_other() {
    let folder = Folder::new("inputs");
    folder.put("q.tide", PAYMENTS).put("a.jsonl", payment("a", 900, 1)).put("b.jsonl.gz", gzip(&payment("b", 800, 2)));
    let (a, b) = (payment("a", 900, 1), payment("b", 800, 2));
    assert_eq!(folder.betide(&["run", "q.tide"], a.clone()), Ended { code: 0, out: format!("{ROW_A}\n"), err: String::new() });
    assert_eq!(folder.betide(&["run", "q.tide", "-"], a).lines(), [ROW_A]);
    assert_eq!(folder.betide(&["run", "q.tide", "b.jsonl.gz"], "").lines(), [ROW_B]);
    assert_eq!(folder.betide(&["run", "q.tide", "a.jsonl", "b.jsonl.gz"], "").lines(), [ROW_A, ROW_B]);
    assert_eq!(folder.betide(&["run", "q.tide", "a.jsonl", "-"], b).lines(), [ROW_A, ROW_B]);
    // The last line of a file may lack its end.
    folder.put("no_end.jsonl", payment("a", 900, 1).trim_end());
    assert_eq!(folder.betide(&["run", "q.tide", "no_end.jsonl", "b.jsonl.gz"], "").lines(), [ROW_A, ROW_B]);
}

#[test]
fn gzip_is_known_by_its_bytes() {
    let folder = Folder::new("gzip");
    folder.put("q.tide", PAYMENTS).put("named.jsonl", gzip(&payment("a", 900, 1))).put("plain.gz", payment("b", 800, 2));
    let piped = folder.betide(&["run", "q.tide"], gzip(&(payment("a", 900, 1) + &payment("b", 800, 2))));
    assert_eq!((piped.code, piped.lines()), (0, vec![ROW_A, ROW_B]), "{}", piped.err);
    let named = folder.betide(&["run", "q.tide", "named.jsonl", "plain.gz"], "");
    assert_eq!((named.code, named.lines()), (0, vec![ROW_A, ROW_B]), "{}", named.err);
    let cut = gzip(&payment("a", 900, 1));
    let cut = folder.betide(&["run", "q.tide"], &cut[..cut.len() - 9]);
    assert_eq!(cut.code, 74, "{}", cut.err);
    assert!(cut.err.contains("cannot read standard input: "), "{}", cut.err);
}

#[test]
fn input_that_never_ends_makes_lasting_state_an_error() {
    let folder = Folder::new("endless");
    folder.put("q.tide", "CREATE STREAM P (x INT); SELECT a.x FROM PATTERN (P a -> P b);");
    let ends = folder.betide(&["check", "q.tide"], "");
    assert!(ends.code == 0 && ends.err.starts_with("warning[E0332]: "), "{}", ends.err);
    let endless = folder.betide(&["check", "--endless", "q.tide"], "");
    assert!(endless.code == 2 && endless.err.starts_with("error[E0332]: "), "{}", endless.err);
}

#[test]
fn a_query_needs_no_file() {
    let folder = Folder::new("query");
    let stream = "Payment(card STRING, amount FLOAT)";
    let ended =
        folder.betide(&["run", "-q", "SELECT card, amount FROM Payment WHERE amount > 500", "--stream", stream], payment("a", 900, 1));
    assert_eq!((ended.code, ended.lines()), (0, vec![ROW_A]));
    folder.put("events.jsonl", payment("b", 800, 1));
    let ended = folder.betide(&["run", "events.jsonl", "--stream", stream, "-q", "SELECT card, amount FROM Payment;"], "");
    assert_eq!((ended.code, ended.lines()), (0, vec![ROW_B]));
    // Two streams; their types route the events.
    let two = ["run", "-q", "SELECT a.id FROM A a JOIN B b ON a.id = b.id WITHIN 1m", "--stream", "A(id INT)", "--stream", "B(id INT);"];
    assert_eq!(folder.betide(&two, "{\"type\":\"A\",\"id\":1}\n{\"type\":\"B\",\"id\":1}\n").lines(), [r#"{"id":1}"#]);
    // A mistake is shown in the query's own lines.
    let ended = folder.betide(&["check", "-q", "SELECT crad FROM Payment", "--stream", stream], "");
    assert_eq!(ended.code, 2);
    assert!(ended.err.contains("<query>:1:8") && ended.err.contains("did you mean `card`?"), "{}", ended.err);
    let ended = folder.betide(&["check", "-q", "SELECT card FROM Payment WHERE\n", "--stream", stream], "");
    assert!(ended.err.contains("<query>:1:31") && !ended.err.contains("CREATE"), "{}", ended.err);
    let ended = folder.betide(&["check", "-q", "SELECT card FROM Payment -- all", "--stream", stream], "");
    assert_eq!((ended.code, ended.err.as_str()), (0, "<query>: ok\n"));
}

#[test]
fn parameters_come_from_the_file_the_environment_and_the_command_line() {
    let folder = Folder::new("set");
    let program = "SET least = 500; CREATE STREAM P (card STRING, amount INT); SELECT card FROM P WHERE amount >= $least;";
    folder.put("q.tide", program);
    let events = payment("a", 100, 1) + &payment("b", 300, 1) + &payment("c", 500, 1);
    let rows = |args: &[&str], environment: Option<&str>| {
        let mut command = folder.command(args);
        command.envs(environment.map(|value| ("BETIDE_SET_least", value)));
        let ended = finish(command, events.clone().into_bytes());
        assert_eq!(ended.code, 0, "{}", ended.err);
        ended.lines().len()
    };
    assert_eq!(rows(&["run", "q.tide"], None), 1);
    assert_eq!(rows(&["run", "q.tide"], Some("300")), 2);
    assert_eq!(rows(&["run", "q.tide", "--set", "least=100"], Some("300")), 3);
    let wrong = folder.betide(&["run", "q.tide", "--set", "least"], "");
    assert_eq!((wrong.code, wrong.err.as_str()), (2, "betide: --set takes NAME=VALUE, found `least`\n"));
    let wrong = folder.betide(&["run", "q.tide", "--set", "least=many"], "");
    assert!(wrong.code == 2 && wrong.err.contains("`$least`"), "{}", wrong.err);
    let none = folder.betide(&["check", "-q", "SELECT card FROM P WHERE amount > $x", "--stream", "P(card STRING, amount INT)"], "");
    assert!(none.code == 2 && none.err.contains("`$x`") && none.err.contains("--set x=…"), "{}", none.err);
}

#[test]
fn another_field_may_tell_the_stream() {
    let folder = Folder::new("type-field");
    folder.put("q.tide", "CREATE STREAM A (id INT); CREATE STREAM B (id INT); SELECT id FROM A;");
    let input = "{\"event\":{\"kind\":\"A\"},\"id\":1}\n{\"event\":{\"kind\":\"B\"},\"id\":2}\n{\"type\":\"A\",\"id\":3}\n";
    assert_eq!(folder.betide(&["run", "q.tide", "--type-field", "event.kind"], input).lines(), [r#"{"id":1}"#]);
    assert_eq!(folder.betide(&["run", "q.tide"], input).lines(), [r#"{"id":3}"#]);
}

#[test]
fn output_chooses_streams() {
    let folder = Folder::new("output");
    folder.put("q.tide", "CREATE STREAM A (id INT); CREATE STREAM Big AS SELECT id FROM A WHERE id > 1; SELECT id + 1 AS next FROM Big;");
    let input = "{\"id\":1}\n{\"id\":2}\n";
    assert_eq!(folder.betide(&["run", "q.tide"], input).lines(), [r#"{"next":3}"#]);
    assert_eq!(folder.betide(&["run", "q.tide", "--output", "Big"], input).lines(), [r#"{"stream":"Big","id":2}"#]);
    let wrong = folder.betide(&["run", "q.tide", "--output", "Bigger"], input);
    assert!(wrong.code == 2 && wrong.err.contains("`Bigger`"), "{}", wrong.err);
}

#[test]
fn bad_events_are_told_ten_times_and_the_run_goes_on() {
    let folder = Folder::new("told");
    folder.put("q.tide", PAYMENTS);
    let ended = folder.betide(&["run", "q.tide"], "nonsense\n".repeat(25) + &payment("a", 900, 1));
    assert_eq!((ended.code, ended.lines()), (0, vec![ROW_A]));
    assert_eq!(ended.err.matches("bad event (not_json)").count(), 10, "{}", ended.err);
    assert!(ended.err.starts_with("betide: standard input, line 1: bad event (not_json): "), "{}", ended.err);
    assert!(ended.err.contains("--dead-letters PATH keeps them all"), "{}", ended.err);
}

#[test]
fn dead_letters_name_input_line_and_cause_and_keep_the_line() {
    let folder = Folder::new("letters");
    folder.put("q.tide", PAYMENTS).put("one.jsonl", payment("a", 900, 1) + "nonsense\n").put("two.jsonl", "[1]\n\n{\"amount\":\"x\"}");
    let ended = folder.betide(&["run", "q.tide", "--dead-letters", "bad.jsonl", "one.jsonl", "two.jsonl"], "");
    assert_eq!((ended.code, ended.lines(), ended.err.as_str()), (0, vec![ROW_A], ""));
    let letters: Vec<Json> = folder.read("bad.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(&str, u64, &str, &str)> = letters
        .iter()
        .map(|l| (l["source"].as_str().unwrap(), l["line"].as_u64().unwrap(), l["cause"].as_str().unwrap(), l["event"].as_str().unwrap()))
        .collect();
    let expected = [
        ("one.jsonl", 2, "not_json", "nonsense"),
        ("two.jsonl", 1, "not_an_object", "[1]"),
        ("two.jsonl", 3, "wrong_type", "{\"amount\":\"x\"}"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn strict_ends_at_the_first_bad_event_with_the_rows_before_it() {
    let folder = Folder::new("strict");
    folder.put("q.tide", PAYMENTS).put("e.jsonl", payment("a", 900, 1) + "{}\n" + &payment("b", 800, 2));
    let ended = folder.betide(&["run", "q.tide", "--strict", "e.jsonl"], "");
    assert_eq!((ended.code, ended.lines()), (65, vec![ROW_A]));
    assert!(ended.err.starts_with("betide: e.jsonl, line 2: bad event (no_time): "), "{}", ended.err);
    assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    let ended = folder.betide(&["run", "q.tide", "--strict", "--dead-letters", "bad.jsonl", "e.jsonl"], "");
    assert_eq!((ended.code, folder.read("bad.jsonl").lines().count()), (65, 1));
}

#[test]
fn max_line_bounds_a_line() {
    let folder = Folder::new("max-line");
    folder.put("q.tide", PAYMENTS);
    let long = payment(&"x".repeat(200), 900, 1);
    let input = long.clone() + &payment("a", 900, 1);
    assert_eq!(folder.betide(&["run", "q.tide"], input.clone()).lines().len(), 2);
    let ended = folder.betide(&["run", "q.tide", "--max-line", "100"], input.clone());
    assert_eq!(ended.lines(), [ROW_A]);
    assert!(ended.err.contains("line 1: bad event (line_too_long)"), "{}", ended.err);
    let exactly = (long.len() - 1).to_string();
    assert_eq!(folder.betide(&["run", "q.tide", "--max-line", &exactly], input).lines().len(), 2);
}

#[test]
fn batch_size_changes_no_byte() {
    let folder = Folder::new("batch");
    folder.put("q.tide", PAYMENTS);
    let input: String = (0..500).map(|n| payment(&n.to_string(), 400 + n, n)).collect();
    let whole = folder.betide(&["run", "q.tide"], input.clone());
    assert_eq!(whole.lines().len(), 399);
    for size in ["1", "7"] {
        assert_eq!(folder.betide(&["run", "q.tide", "--batch-size", size], input.clone()).out, whole.out);
    }
}

#[test]
fn stats_begin_with_the_summary_line() {
    let folder = Folder::new("stats");
    folder
        .put("q.tide", "CREATE STREAM P (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at WITH (type = 'P'); SELECT card FROM P;");
    let event = |second: i64| format!("{{\"type\":\"P\",\"card\":\"a\",\"at\":{}}}\n", second * 1000);
    let input: String = (0..1200).map(event).collect();
    let ended = folder.betide(&["run", "q.tide", "--stats"], input + &event(5) + "bad\n{\"type\":\"Q\"}\n");
    assert_eq!(ended.code, 0);
    let summary = ended.err.lines().find(|line| line.starts_with("read ")).unwrap();
    let form = regex::Regex::new(r"^read 1,203 · late 1 · bad 1 · unrouted 1 · rows 1,200 · \d+\.\d\d s$").unwrap();
    assert!(form.is_match(summary), "{summary}");
    let counters: Json = serde_json::from_str(&ended.err[ended.err.find("\n{").unwrap()..]).unwrap();
    assert_eq!(counters["events"], 1203);
    assert_eq!(counters["bad_by_cause"]["not_json"], 1);
    assert_eq!(counters["sources"][0]["late"], 1);
    assert!(ended.err.contains("1 events came later") || ended.err.contains("1 event came later"), "{}", ended.err);
    // Standard error is no terminal here: without the flag there is no summary.
    assert_eq!(folder.betide(&["run", "q.tide"], event(1)).err, "");
}

#[test]
fn a_run_without_rows_says_why() {
    let folder = Folder::new("nothing");
    folder.put("q.tide", "CREATE STREAM A (id INT); CREATE STREAM B (id INT); SELECT a.id FROM A a JOIN B b ON a.id = b.id WITHIN 1m;");
    let says = |input: &str, why: &str| {
        let ended = folder.betide(&["run", "q.tide"], input);
        assert!(ended.code == 0 && ended.out.is_empty() && ended.err.contains(why), "{}", ended.err);
    };
    says("{\"type\":\"C\"}\n", "no event was of a stream of the program (A, B)");
    says("{\"type\":\"A\",\"id\":1}\n", "the input has no event of B");
    says("x\n", "every event was bad");
}

#[test]
fn check_tells_all_mistakes_and_reads_nothing() {
    let folder = Folder::new("check");
    folder.put("right.tide", PAYMENTS).put("wrong.tide", "CREATE STREAM P (card STRING);\nSELECT crad FROM P;\nSELECT card FROM Q;\n");
    let right = folder.betide(&["check", "right.tide"], "");
    let state = "the unnamed statement 1, line 2: state O(1)\n".to_owned();
    assert_eq!(right, Ended { code: 0, out: state, err: "right.tide: ok\n".to_owned() });
    let wrong = folder.betide(&["check", "wrong.tide"], "");
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""));
    for part in ["wrong.tide:2:8", "did you mean `card`?", "wrong.tide:3:18", "unknown stream `Q`"] {
        assert!(wrong.err.contains(part), "{part}: {}", wrong.err);
    }
    assert_eq!(folder.betide(&["run", "wrong.tide"], payment("a", 900, 1)), wrong, "a run tells the same and nothing else");
    folder.put("warned.tide", "CREATE STREAM P (card STRING); SELECT a.card FROM PATTERN (P a -> P b);");
    let warned = folder.betide(&["check", "warned.tide"], "");
    assert_eq!(warned.code, 0);
    assert!(warned.err.contains("WITHIN") && warned.err.ends_with("warned.tide: ok (1 warning)\n"), "{}", warned.err);
}

#[test]
fn what_could_not_be_read_is_not_unknown() {
    let folder = Folder::new("followers");
    folder.put("q.tide", "CREATE STREAM P (card STRING;\nSELECT card FROM P;\nSELECT card FROM Q;\n").put("p.jsonl", payment("a", 900, 1));
    let ended = folder.betide(&["check", "q.tide"], "");
    let titles: Vec<&str> = ended.err.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(titles.len(), 2, "{}", ended.err);
    assert!(titles[0].starts_with("error[E0112]") && titles[1] == "error[E0201]: unknown stream `Q`", "{}", ended.err);
    let swapped = folder.betide(&["run", "p.jsonl", "q.tide"], "");
    assert_eq!((swapped.code, swapped.err.contains("p.jsonl holds events, and the program stands first")), (2, true), "{}", swapped.err);
}

#[test]
fn explain_shows_the_graph() {
    let folder = Folder::new("explain");
    folder.put("q.tide", PAYMENTS);
    let ended = folder.betide(&["explain", "q.tide"], "");
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    for part in ["source Payment", "filter", "output statement 1", "state O(1)"] {
        assert!(ended.out.contains(part), "{part}: {}", ended.out);
    }
    assert_eq!(folder.betide(&["explain", "-q", "SELECT a FROM Nowhere"], "").code, 2);
}

#[test]
fn a_wrong_command_line_is_told_in_words() {
    let folder = Folder::new("wrong");
    folder.put("q.tide", PAYMENTS).put("latin1.tide", b"-- caf\xe9\n").put("empty.tide", "-- nothing\n");
    let cases: &[(&[&str], i32, &str)] = &[
        (&[], 2, "Usage: betide"),
        (&["fly"], 2, "unrecognized subcommand 'fly'"),
        (&["run"], 2, "which program?"),
        (&["check"], 2, "which program?"),
        (&["run", "-"], 2, "not from standard input"),
        (&["run", "--no-such-flag"], 2, "--no-such-flag"),
        (&["run", "--max-line", "long", "q.tide"], 2, "--max-line"),
        (&["check", "q.tide", "q.tide"], 2, "unexpected argument"),
        (&["check", "-q", "SELECT 1", "q.tide"], 2, "Both -q and the file q.tide"),
        (&["run", "empty.tide"], 2, "has no query"),
        (&["run", "missing.tide"], 74, "cannot read the program missing.tide: "),
        (&["run", "latin1.tide"], 74, "it is not UTF-8"),
        (&["run", "."], 74, "cannot read the program .: "),
        (&["run", "q.tide", "missing.jsonl"], 74, "cannot open missing.jsonl: "),
        (&["run", "q.tide", "."], 74, "cannot open .: "),
        (&["run", "q.tide", "--dead-letters", "no/such/folder"], 74, "cannot create the dead-letter file no/such/folder: "),
    ];
    for (args, code, part) in cases {
        let ended = folder.betide(args, "");
        assert_eq!((ended.code, ended.out.as_str()), (*code, ""), "{args:?}: {}", ended.err);
        assert!(ended.err.contains(part), "{args:?}: {}", ended.err);
    }
    let events = payment("a", 900, 1);
    folder.put("e.jsonl", &events);
    for target in ["./e.jsonl", "q.tide"] {
        let ended = folder.betide(&["run", "q.tide", "e.jsonl", "--dead-letters", target], "");
        assert!(ended.code == 2 && ended.err.contains("--dead-letters would overwrite"), "{}", ended.err);
    }
    assert_eq!((folder.read("e.jsonl"), folder.read("q.tide").as_str()), (events, PAYMENTS), "neither is touched");
    let damaged = &gzip(&payment("a", 900, 1).repeat(100))[..40];
    let ended = folder.put("cut.jsonl.gz", damaged).betide(&["run", "q.tide", "cut.jsonl.gz"], "");
    assert!(ended.code == 74 && ended.err.contains("cannot read cut.jsonl.gz: "), "{}", ended.err);
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_fails_is_told() {
    let folder = Folder::new("full");
    folder.put("q.tide", PAYMENTS);
    for args in [&["run", "q.tide"][..], &["explain", "q.tide"]] {
        let mut command = folder.command(args);
        command.stdout(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
        let ended = finish(command, payment("a", 900, 1).into_bytes());
        assert!(ended.code == 74 && ended.err.starts_with("betide: cannot write the output: "), "{}", ended.err);
    }
    let ended = folder.betide(&["run", "q.tide", "--dead-letters", "/dev/full"], "bad\n");
    assert!(ended.code == 74 && ended.err.contains("dead-letter file /dev/full"), "{}", ended.err);
}

#[test]
fn help_and_version_succeed() {
    let folder = Folder::new("help");
    for args in [&["--help"][..], &["run", "--help"], &["check", "--help"], &["explain", "--help"], &["--version"]] {
        let ended = folder.betide(args, "");
        assert!(ended.code == 0 && ended.err.is_empty() && ended.out.contains("betide"), "{args:?}");
    }
    assert!(folder.betide(&["run", "--help"], "").out.contains("65 bad data"));
}

#[test]
fn a_closed_output_is_quiet_success() {
    let folder = Folder::new("closed");
    let input: String = (0..100_000).map(|n| payment("a", 900, n)).collect();
    folder.put("q.tide", PAYMENTS).put("many.jsonl", input);
    let mut child = folder.command(&["run", "q.tide", "many.jsonl"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!(first.trim_end(), ROW_A);
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}

/// A run whose input is held open.
struct Held {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Held {
    fn start(folder: &Folder, args: &[&str]) -> Self {
        let mut child = folder.command(args).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn write(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        stdin.flush().unwrap();
    }

    /// Waits for one row.
    fn row(&mut self) -> String {
        let mut row = String::new();
        self.out.read_line(&mut row).unwrap();
        row.trim_end().to_owned()
    }
}

#[test]
fn rows_come_out_while_the_input_pauses() {
    let folder = Folder::new("pause");
    folder.put("q.tide", PAYMENTS);
    let mut held = Held::start(&folder, &["run", "q.tide"]);
    held.write(&payment("a", 900, 1));
    assert_eq!(held.row(), ROW_A, "before the input ends");
    held.write(&(payment("c", 1, 2) + &payment("b", 800, 2)));
    assert_eq!(held.row(), ROW_B);
    drop(held.child.stdin.take());
    assert_eq!(held.row(), "");
    assert_eq!(held.child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn an_interrupt_drains_and_exits_130() {
    let folder = Folder::new("interrupt");
    folder.put(
        "q.tide",
        "CREATE STREAM P (card STRING, at TIMESTAMP) TIMESTAMP BY at; SELECT card FROM P; SELECT COUNT(*) AS n FROM P WINDOW TUMBLING 1h;",
    );
    let mut held = Held::start(&folder, &["run", "q.tide", "--stats"]);
    held.write(&(payment("a", 900, 1) + &payment("b", 800, 2)));
    assert_eq!((held.row(), held.row()), (r#"{"card":"a"}"#.to_owned(), r#"{"card":"b"}"#.to_owned()));
    let killed = Command::new("kill").args(["-INT", &held.child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    // The window is open until the end: it comes out because the run is finished properly.
    assert_eq!(held.row(), r#"{"n":2}"#);
    let input = held.child.stdin.take();
    let output = held.child.wait_with_output().unwrap();
    drop(input);
    assert_eq!(output.status.code(), Some(130));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("read 2 · late 0 · bad 0 · unrouted 0 · rows 3 · "));
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_ends_a_run_that_cannot_drain() {
    let folder = Folder::new("interrupt-twice");
    folder.put("q.tide", "CREATE STREAM P (card STRING, amount INT, at TIMESTAMP) TIMESTAMP BY at; SELECT card, amount FROM P;");
    folder.put("p.jsonl", (0..20_000).map(|i| payment("a", i, 1)).collect::<String>());
    // Nobody reads the rows, so the run stands still as soon as the pipe is full.
    let mut child = folder.command(&["run", "q.tide", "p.jsonl"]).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    // Before the run listens, the first signal would end it, by the signal and not by a code.
    let mut row = String::new();
    let mut out = BufReader::with_capacity(64, out);
    out.read_line(&mut row).unwrap();
    let ended = (0..600).find_map(|_| {
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        child.try_wait().unwrap()
    });
    if ended.is_none() {
        child.kill().unwrap();
    }
    assert_eq!(ended.expect("it ends").code(), Some(130));
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// A dead letter of this cause.
    Bad(&'static str),
    /// An event like others, if an odd one.
    Used,
    /// Nothing at all.
    Blank,
}

const HOSTILE_PROGRAM: &str = "
CREATE STREAM E (id INT NOT NULL, n INT, x FLOAT, s STRING, ok BOOL, tags LIST<STRING>, at TIMESTAMP) TIMESTAMP BY at;
SELECT id, n, x, s, ok, tags FROM E;";

/// An event with this behind its first columns.
fn with(rest: &str) -> Vec<u8> {
    format!("{{\"id\":-1,\"at\":1000,{rest}}}").into_bytes()
}

/// Bytes in a text column.
fn text(bytes: &[u8]) -> Vec<u8> {
    [b"{\"id\":-1,\"at\":1000,\"s\":\"", bytes, b"\"}"].concat()
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to_bytes).collect()
}

/// Lines that are no JSON.
fn not_json() -> Vec<(Vec<u8>, Fate)> {
    let texts = [
        "{",
        "}",
        "{\"id\":-1,\"at\":10",
        "{\"id\":-1,\"at\":1000",
        "{\"id\"}",
        "nul",
        "garbage",
        "{'id':-1}",
        "{id:-1}",
        "\0",
        "\"open",
        "{\"id\":-1,\"at\":1000}}",
        "{\"id\":-1,\"at\":1000}{\"id\":-1,\"at\":1000}",
        "{\"id\":-1,\"at\":1000} trailing",
        "<event id=\"1\"/>",
        "id,at",
        "// {\"id\":-1}",
        "\u{c}{\"id\":-1,\"at\":1000}",
    ];
    let inside = [
        "\"x\":NaN",
        "\"x\":-Infinity",
        "\"x\":.5",
        "\"x\":1.",
        "\"x\":+1",
        "\"n\":007",
        "\"n\":0x10",
        "\"n\":1_000",
        "\"s\":\"\\x41\"",
        "\"s\":\"\\u12\"",
        "\"s\":\"a\tb\"",
        "\"s\":\"a\0b\"",
        "\"n\":1,",
        "\"tags\":[\"a\",]",
        "\"tags\":[",
        "\"z\":{\"open\":1",
    ];
    let lines = texts.iter().map(|line| line.as_bytes().to_vec()).chain(inside.iter().map(|rest| with(rest)));
    lines.map(|line| (line, Fate::Bad("not_json"))).collect()
}

/// Lines that are JSON and do not fit, or are of another encoding, or too much.
fn misfits() -> Vec<(Vec<u8>, Fate)> {
    use Fate::Bad;
    let deep = "[".repeat(10_000);
    let nested = format!("\"z\":{deep}1{}", "]".repeat(10_000));
    let mut lines: Vec<(Vec<u8>, Fate)> = Vec::new();
    lines.extend(["[]", "null", "\"text\"", "42", "true"].map(|line| (line.as_bytes().to_vec(), Bad("not_an_object"))));
    let wrong =
        ["\"n\":1e400", "\"n\":9223372036854775808", "\"n\":1.5", "\"n\":\"1\"", "\"n\":[1]", "\"x\":1e999", "\"x\":\"1\"", "\"ok\":1"];
    lines.extend(wrong.map(|rest| (with(rest), Bad("wrong_type"))));
    lines.extend(["\"s\":{}", "\"tags\":\"a\"", "\"tags\":[1,{}]"].map(|rest| (with(rest), Bad("wrong_type"))));
    let times = ["9223372036854775807", "\"9999-12-31T23:59:59Z\"", "1e30", "-9223372036854775808"];
    lines.extend(times.map(|at| (format!("{{\"id\":-1,\"at\":{at}}}").into_bytes(), Bad("time_out_of_range"))));
    lines.extend(
        ["\"yesterday\"", "\"2026-02-30T00:00:00Z\"", "true"].map(|at| (format!("{{\"id\":-1,\"at\":{at}}}").into(), Bad("wrong_type"))),
    );
    lines.extend(["{\"id\":-1}", "{\"id\":-1,\"at\":null}"].map(|line| (line.into(), Bad("no_time"))));
    lines.extend(["{}", "{\"at\":1000}", "{\"id\":null,\"at\":1000}"].map(|line| (line.into(), Bad("missing_value"))));
    lines.extend([&b"\\ud800"[..], b"\\udc00\\ud800", b"\\ud800x"].map(|bytes| (text(bytes), Bad("lone_surrogate"))));
    lines.extend([&b"\xff"[..], b"\xc0\x80", b"\xe2\x82", b"\xed\xa0\x80", b"caf\xe9"].map(|bytes| (text(bytes), Bad("not_utf8"))));
    lines.push((utf16("\u{feff}{\"id\":-1}", u16::to_le_bytes), Bad("not_utf8")));
    lines.push((utf16("{\"id\":-1}", u16::to_be_bytes), Bad("not_json")));
    lines.push((with(&nested), Bad("too_deep")));
    lines.push((with(&format!("\"z\":{deep}")), Bad("too_deep")));
    lines.push((with(&format!("\"tags\":{deep}")), Bad("too_deep")));
    lines.push((text(&vec![b'y'; 2 << 20]), Bad("line_too_long")));
    lines.push((vec![b'x'; 64 << 20], Bad("line_too_long")));
    lines
}

/// Lines that look wrong and are not.
fn odd() -> Vec<(Vec<u8>, Fate)> {
    let mut lines: Vec<(Vec<u8>, Fate)> = ["", "\r", "  \t"].map(|line| (line.into(), Fate::Blank)).into();
    let used = ["\"n\":1,\"n\":2", "\"n\":3.0", "\"n\":1e3", "\"x\":1", "\"s\":17", "\"z\":[{\"deep\":{}}]", "\"s\":\"\\u0000\"", "\"\":0"];
    lines.extend(used.map(|rest| (with(rest), Fate::Used)));
    lines.push((b" {\"id\":-1,\"at\":1000} \r".to_vec(), Fate::Used));
    lines
}

#[test]
fn hostile_lines_are_dead_letters_and_no_good_event_is_lost() {
    let folder = Folder::new("hostile");
    folder.put("q.tide", HOSTILE_PROGRAM);
    let lines: Vec<(Vec<u8>, Fate)> = [not_json(), misfits(), odd()].concat();
    let bad = lines.iter().filter(|(_, fate)| matches!(fate, Fate::Bad(_))).count();
    let used = lines.iter().filter(|(_, fate)| *fate == Fate::Used).count();
    assert!(bad >= 60, "{bad}");
    let mut input = Vec::new();
    for (id, (line, _)) in lines.iter().enumerate() {
        let good = format!("{{\"id\":{id},\"n\":1,\"x\":0.5,\"s\":\"good\",\"ok\":true,\"tags\":[\"t\"],\"at\":1000}}\n");
        input.extend([good.as_bytes(), line, b"\n"].concat());
    }
    let ended = folder.betide(&["run", "q.tide", "--dead-letters", "bad.jsonl", "--stats"], input);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let ids: Vec<i64> = ended.lines().iter().map(|row| serde_json::from_str::<Json>(row).unwrap()["id"].as_i64().unwrap()).collect();
    let good: Vec<i64> = ids.iter().copied().filter(|id| *id >= 0).collect();
    assert_eq!(good, (0..lines.len()).map(|id| i64::try_from(id).unwrap()).collect::<Vec<_>>(), "every good event is used, in order");
    let letters = folder.read("bad.jsonl");
    let found: Vec<(u64, String)> = letters
        .lines()
        .map(|letter| serde_json::from_str::<Json>(letter).unwrap())
        .map(|l| (l["line"].as_u64().unwrap(), l["cause"].as_str().unwrap().to_owned()))
        .collect();
    let expected = lines.iter().enumerate().filter_map(|(index, (_, fate))| match fate {
        Fate::Bad(cause) => Some((index as u64 * 2 + 2, (*cause).to_owned())),
        Fate::Used | Fate::Blank => None,
    });
    for (expected, found) in expected.zip(&found) {
        let line = &lines[usize::try_from(expected.0).unwrap() / 2 - 1].0;
        assert_eq!(*found, expected, "{}", String::from_utf8_lossy(&line[..line.len().min(100)]));
    }
    assert_eq!(found.len(), bad, "each bad line once");
    assert_eq!(ids.len() - good.len(), used, "odd lines are events like others");
    assert!(letters.len() < 4 << 20, "of a long line only the head is kept");
    let counted = format!("read {} · late 0 · bad {bad} · ", lines.len() + bad + used);
    assert!(ended.err.contains(&counted), "{counted}: {}", ended.err.lines().next().unwrap_or_default());
}

#[cfg(target_os = "linux")]
#[test]
fn memory_stays_flat_over_a_line_of_64_megabytes() {
    let folder = Folder::new("flat");
    folder.put("q.tide", PAYMENTS);
    let mut held = Held::start(&folder, &["run", "q.tide", "--dead-letters", "bad.jsonl"]);
    held.write(&("x".repeat(64 << 20) + "\n" + &payment("a", 900, 1)));
    assert_eq!(held.row(), ROW_A);
    let status = fs::read_to_string(format!("/proc/{}/status", held.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 48 << 10, "{kilobytes} kB at its peak");
    drop(held.child.stdin.take());
    assert_eq!(held.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_run_ends_when_all_queries_have_their_rows() {
    let folder = Folder::new("limits");
    let source = "CREATE STREAM T (x INT, at TIMESTAMP) TIMESTAMP BY at; ";
    let lines: String = (0..5).map(|n| format!("{{\"x\":{n},\"at\":{n}}}\n")).collect();
    // The input is not at its end: somebody holds the pipe.
    let rows_of = |query: &str| {
        let mut child = folder.command(&["run", "-q", &format!("{source}{query}")]).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(lines.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(rows_of("SELECT x FROM T LIMIT 2;"), (Some(0), "{\"x\":0}\n{\"x\":1}\n".to_owned()));
    let two = "SELECT x FROM T LIMIT 1; SELECT a.x FROM PATTERN (T a -> T b) WITHIN 1h LIMIT 1;";
    assert_eq!(rows_of(two), (Some(0), "{\"x\":0}\n{\"x\":0}\n".to_owned()));
    // Who asks for every bad event, or keeps the run, gets all of the input.
    folder.put("bad.jsonl", format!("{lines}bad\n"));
    let limited = format!("{source}SELECT x FROM T LIMIT 1;");
    assert_eq!(folder.betide(&["run", "--strict", "-q", &limited, "bad.jsonl"], "").code, 65);
    folder.betide(&["run", "--dead-letters", "letters.jsonl", "-q", &limited, "bad.jsonl"], "");
    assert_eq!(folder.read("letters.jsonl").lines().count(), 1);
    // Where one query goes on, so does the run.
    let both = folder.betide(&["run", "-q", &format!("{limited} SELECT COUNT(*) AS n FROM T WINDOW ROWS 5;"), "bad.jsonl"], "");
    assert_eq!((both.code, both.lines()), (0, vec!["{\"x\":0}", "{\"n\":5}"]));
}
