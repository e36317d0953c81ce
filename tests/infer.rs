//! Declarations that are told by events: `betide infer` prints what compiles and takes every event, `betide run -q` needs no declaration.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use betide::infer::{Declaration, Observer, TimeChoice, Wanted};
use betide::{Engine, Options};

const LOGINS: &str = r#"{"type":"Failed","user":"ann","ip":"10.0.0.1","at":"2026-03-01T10:00:02Z"}
{"type":"Accepted","user":"bob","ip":"10.0.0.2","at":"2026-03-01T10:00:01Z"}
{"type":"Failed","user":"ann","ip":"10.0.0.1","at":"2026-03-01T10:00:05Z"}
"#;

/// Exit code, standard output, standard error.
fn betide(args: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_betide"));
    let mut child = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn file(name: &str, content: &[u8]) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("infer-{}-{name}", std::process::id()));
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

fn time_of(declaration: &Declaration) -> Option<String> {
    match declaration.time() {
        TimeChoice::Column(name) => Some(name),
        TimeChoice::Nowhere | TimeChoice::OneOf(_) => None,
    }
}

/// The declarations of a file's events compile, and take every one of them: none is bad, late or of no stream.
fn takes_every_event(name: &str, events: &[u8]) {
    let mut observer = Observer::new(None);
    events.split(|byte| *byte == b'\n').for_each(|line| observer.push_json(line));
    let declarations = observer.declarations("Event");
    let mut program = String::new();
    for declaration in &declarations {
        program += &format!("{}\n", declaration.statement(Wanted::All, time_of(declaration).as_deref()));
        program += &format!("SELECT COUNT(*) AS n FROM \"{}\" WINDOW TUMBLING 1d;\n", declaration.name());
    }
    let mut engine = Engine::with_options(&program, &Options::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    engine.push_json(events).unwrap();
    engine.finish().unwrap();
    let stats = engine.stats();
    assert!(stats.events > 0, "{name}");
    let untyped = observer.untyped();
    assert_eq!((stats.bad, stats.late, stats.unrouted), (0, 0, untyped), "{name}: {:?}\n{program}", engine.take_bad_events().first());
    let counted: u64 = declarations.iter().map(Declaration::events).sum();
    assert_eq!(counted + untyped, stats.events, "{name}");
}

#[test]
fn what_is_inferred_of_the_queries_takes_every_event() {
    let mut count = 0;
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("queries")).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().ends_with(".events.jsonl") {
            takes_every_event(path.to_str().unwrap(), &fs::read(&path).unwrap());
            count += 1;
        }
    }
    assert!(count >= 20, "{count} files");
}

#[test]
fn what_is_inferred_of_real_logs_takes_every_event() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/openssh.jsonl");
    let Ok(events) = fs::read(&path) else {
        return assert!(!path.exists(), "the shared data can be read");
    };
    takes_every_event("openssh", &events);
}

#[test]
fn a_query_needs_no_declaration() {
    let path = file("logins.jsonl", LOGINS.as_bytes());
    let query = "SELECT user, COUNT(*) AS fails FROM Failed WINDOW TUMBLING 1m GROUP BY user HAVING COUNT(*) > 1";
    let (code, out, told) = betide(&["run", "-q", query, &path], b"");
    assert_eq!((code, out.as_str()), (0, "{\"user\":\"ann\",\"fails\":2}\n"));
    let said = "betide: `Failed` is not declared; its first 2 events say:
CREATE STREAM Failed (
    user STRING,
    at   TIMESTAMP
) TIMESTAMP BY at WITH (type = 'Failed');
";
    assert_eq!(told, said);
    assert_eq!(betide(&["run", "-q", query], LOGINS.as_bytes()), (0, out, said.to_owned()), "from a pipe");
    // What was said can be pasted.
    let program = said.split_once('\n').unwrap().1.to_owned() + query;
    assert!(betide(&["check", "-q", &program], b"").2.ends_with("ok\n"));
}

#[test]
fn several_streams_are_told_apart_and_all_events_can_be_taken() {
    let pattern = "SELECT f.user FROM PATTERN (Accepted a -> Failed f) WITHIN 1m";
    let (code, out, _) = betide(&["run", "-q", pattern], LOGINS.as_bytes());
    assert_eq!((code, out.as_str()), (0, "{\"user\":\"ann\"}\n"));
    let (code, out, told) = betide(&["run", "-q", "SELECT COUNT(*) AS n FROM Event WINDOW TUMBLING 1m"], LOGINS.as_bytes());
    assert_eq!((code, out.as_str()), (0, "{\"n\":3}\n"));
    assert!(told.contains("TIMESTAMP BY at DELAY 1s;"), "{told}");
}

#[test]
fn what_cannot_be_told_is_asked_for() {
    let ask = |args: &[&str], input: &str| {
        let (code, out, told) = betide(args, input.as_bytes());
        assert_eq!((code, out.as_str()), (2, ""), "{told}");
        told
    };
    let told = ask(&["run", "-q", "SELECT user FROM Faild"], LOGINS);
    assert!(told.contains("no event has it as its `type`: there are `Failed`, `Accepted`\n  did you mean `Failed`?"), "{told}");
    let told = ask(&["run", "-q", "SELECT usr FROM Failed"], LOGINS);
    assert!(told.contains("help: columns of `Failed`: type, user, ip, at") && !told.contains("CREATE STREAM"), "{told}");
    // The statement that makes a stream cannot be read.
    let told = ask(&["run", "-q", "CREATE VIEW V AS SELECT user FROM Failed; SELECT user FROM V"], LOGINS);
    assert!(told.starts_with("error[E0101]: expected `STREAM` or `TABLE`, found `VIEW`") && !told.contains("no event has it"), "{told}");
    let two = r#"{"began":"2026-03-01T10:00:00Z","ended":"2026-03-01T10:00:00Z"}"#;
    let window = "SELECT COUNT(*) AS n FROM Job WINDOW TUMBLING 1m";
    let told = ask(&["run", "-q", window], two);
    assert_eq!(told, "betide: which column of `Job` is the event time? --time began, or --time ended names it\n");
    assert_eq!(betide(&["run", "-q", window, "--time", "ended"], two.as_bytes()).1, "{\"n\":1}\n");
    let told = ask(&["run", "-q", window, "--time", "endd"], two);
    assert!(told.contains("it has no such column; did you mean `ended`?"), "{told}");
    let told = ask(&["run", "-q", window], r#"{"x":1}"#);
    assert!(told.contains("no column of `Job` looks like one (x): --time COLUMN names it"), "{told}");
    // Without a window the time of arrival will do.
    assert_eq!(betide(&["run", "-q", "SELECT x FROM Job"], br#"{"x":1}"#).1, "{\"x\":1}\n");
    let told = ask(&["run", "-q", "SELECT x FROM Job"], "");
    assert!(told.contains("there is no event to tell its columns; --stream 'Job(…)' declares it"), "{told}");
    let told = ask(&["run", "-q", "SELECT x FROM Job"], "x,y\n1,2\n");
    assert!(told.contains("none of the first 2 lines is a JSON object (--input-format csv reads a table)"), "{told}");
}

#[test]
fn tables_are_read_whatever_they_are_packed_in() {
    let csv = "card;amount;at\n\"a;1\";5;2026-03-01 10:00:00\nb;7.5;2026-03-01 10:00:01\n";
    let query = "SELECT card, amount FROM p WHERE amount > 1";
    let expected = "{\"card\":\"a;1\",\"amount\":5.0}\n{\"card\":\"b\",\"amount\":7.5}\n";
    let plain = file("p.csv", csv.as_bytes());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(csv.as_bytes()).unwrap();
    let gzip = file("p.csv.gz", &gzip.finish().unwrap());
    let zstd = file("p.csv.zst", &ruzstd::encoding::compress_to_vec(csv.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest));
    for path in [plain, gzip, zstd] {
        let (code, out, told) = betide(&["run", "-q", query, &path], b"");
        assert_eq!((code, out.as_str()), (0, expected), "{path}: {told}");
    }
    assert_eq!(betide(&["run", "-q", query, "--input-format", "csv"], csv.as_bytes()).1, expected);
    let out = betide(&["run", "-q", query, "--input-format", "csv", "--format", "csv"], csv.as_bytes()).1;
    assert_eq!(out, "card,amount\na;1,5.0\nb,7.5\n");
    let out = betide(&["run", "-q", query, "--input-format", "csv", "--format", "table"], csv.as_bytes()).1;
    assert_eq!(out, "card  amount\n────  ──────\na;1      5.0\nb        7.5\n");
}

#[test]
fn bad_records_are_told_with_their_lines() {
    let program = file("bad.tide", b"CREATE STREAM S (n INT); SELECT n FROM S;");
    let csv = file("bad.csv", b"n,text\n1,\"two\nlines\"\nx,\n2\n3,\n");
    let (code, out, told) = betide(&["run", &program, &csv], b"");
    assert_eq!((code, out.as_str()), (0, "{\"n\":1}\n{\"n\":3}\n"));
    assert!(told.contains("line 4: bad event (wrong_type): column `n`: `x` is no INT"), "{told}");
    assert!(told.contains("line 5: bad event (not_csv): there are 1 cells, and the header has 2"), "{told}");
    let (code, out, told) = betide(&["run", &program, &csv, "--strict"], b"");
    assert_eq!((code, out.as_str()), (65, "{\"n\":1}\n"), "{told}");
    let letters = file("letters.jsonl", b"");
    betide(&["run", &program, &csv, "--dead-letters", &letters], b"");
    let letters = fs::read_to_string(letters).unwrap();
    assert!(letters.contains(r#""line":4,"offset":21,"cause":"wrong_type""#) && letters.contains(r#""event":"x,""#), "{letters}");
}

#[test]
fn one_table_holds_one_output() {
    let program = file("two.tide", b"CREATE STREAM S (n INT); CREATE STREAM A AS SELECT n FROM S; CREATE STREAM B AS SELECT n FROM S;");
    let (code, out, told) = betide(&["run", &program, "--format", "csv"], b"{\"n\":1}\n");
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(told, "betide: csv is one table, and the program has 2 outputs (A, B): --output chooses one\n");
    assert_eq!(betide(&["run", &program, "--format", "csv", "--output", "B"], b"{\"n\":1}\n").1, "n\n1\n");
    assert_eq!(betide(&["run", &program, "--format", "table"], b"{\"n\":1}\n").1, "A\nn\n─\n1\n\nB\nn\n─\n1\n");
}
