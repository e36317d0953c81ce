//! Dead letters from outside: what was bad is shown with its place, and goes through a program again.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

#[path = "support/command.rs"]
mod command;

use command::{Folder, gzip};

const PROGRAM: &str = "CREATE STREAM P (id INT NOT NULL, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at; SELECT id, amount FROM P;";
/// The same, with what the events have.
const MENDED: &str = "CREATE STREAM P (id INT NOT NULL, amount STRING, at TIMESTAMP) TIMESTAMP BY at; SELECT id, amount FROM P;";

const EVENTS: &str = "\
{\"id\":1,\"amount\":1.0,\"at\":1000}
{\"id\":2,\"amount\":\"two\",\"at\":2000}
nonsense
{\"id\":4,\"amount\":\"four\",\"at\":1500}
{\"id\":5,\"amount\":5.0,\"at\":5000}
{\"id\":null,\"at\":5001}
";

fn recorded(test: &str) -> Folder {
    let folder = Folder::new("letters", test);
    folder.put("q.tide", PROGRAM).put("mended.tide", MENDED).put("e.jsonl", EVENTS);
    let ended = folder.betide(&["run", "q.tide", "e.jsonl", "--dead-letters", "bad.jsonl"], "");
    assert_eq!((ended.code, ended.lines().len(), folder.read("bad.jsonl").lines().count()), (0, 2, 4), "{}", ended.err);
    folder
}

#[test]
fn show_counts_by_cause_and_marks_the_place() {
    let folder = recorded("show");
    let shown = folder.betide(&["dead-letters", "show", "bad.jsonl"], "");
    let expected = "\
bad.jsonl: 4 letters

wrong_type: 2 letters
  e.jsonl, line 2, byte 32: column `amount`: the string \"two\" is no FLOAT
      {\"id\":2,\"amount\":\"two\",\"at\":2000}
                       ^^^^^
  e.jsonl, line 4, byte 75: column `amount`: the string \"four\" is no FLOAT
      {\"id\":4,\"amount\":\"four\",\"at\":1500}
                       ^^^^^^

missing_value: 1 letter
  e.jsonl, line 6, byte 142: column `id`: there is no value, and the column is NOT NULL
      {\"id\":null,\"at\":5001}
            ^^^^

not_json: 1 letter
  e.jsonl, line 3, byte 66: expected ident at column 2
      nonsense
       ^
";
    assert_eq!((shown.code, shown.out.as_str(), shown.err.as_str()), (0, expected, ""));
    let few = folder.betide(&["dead-letters", "show", "-", "--limit", "1", "--cause", "wrong_type"], folder.read("bad.jsonl"));
    assert!(few.out.contains("line 2") && !few.out.contains("line 4") && few.out.ends_with("  … and 1 more (--limit)\n"), "{}", few.out);
    let part = folder.betide(&["dead-letters", "show", "bad.jsonl", "--cause", "not_json", "--format", "jsonl"], "");
    assert_eq!(part.lines(), [folder.read("bad.jsonl").lines().nth(1).unwrap()]);
    let typo = folder.betide(&["dead-letters", "show", "bad.jsonl", "--cause", "wrong_tipe"], "");
    assert!(typo.code == 2 && typo.err.contains("did you mean `wrong_type`?"), "{}", typo.err);
}

#[test]
fn a_mended_program_takes_its_letters_in_order_of_time() {
    let folder = recorded("alone");
    let args = ["dead-letters", "replay", "bad.jsonl", "mended.tide", "--dead-letters", "again.jsonl"];
    let ended = folder.betide(&args, "");
    // The fourth is older than the second, and comes first.
    assert_eq!((ended.code, ended.lines()), (0, vec![r#"{"id":4,"amount":"four"}"#, r#"{"id":2,"amount":"two"}"#]), "{}", ended.err);
    assert_eq!(ended.err, "betide: 4 letters of bad.jsonl replayed: 2 went through, 2 bad again\n");
    // What is bad again stands where it stood at first, byte for byte.
    let of_line = |line: usize| folder.read("bad.jsonl").lines().nth(line).unwrap().to_owned();
    assert_eq!(folder.read("again.jsonl"), format!("{}\n{}\n", of_line(1), of_line(3)));
    let told = folder.betide(&["dead-letters", "replay", "bad.jsonl", "mended.tide", "--cause", "missing_value"], "");
    let expected = "betide: e.jsonl, line 6: bad event (missing_value): column `id`: there is no value, and the column is NOT NULL\n\
                    betide: no rows: every event was bad\n\
                    betide: 1 letter of bad.jsonl replayed: 0 went through, 1 bad again\n\
                    betide: left out: 3 letters (another cause)\n";
    assert_eq!((told.code, told.err.as_str()), (0, expected));
    let strict = folder.betide(&["dead-letters", "replay", "bad.jsonl", "mended.tide", "--strict"], "");
    assert!(strict.code == 65 && strict.err.starts_with("betide: e.jsonl, line 3: bad event (not_json): "), "{}", strict.err);
}

#[test]
fn mended_letters_stand_in_their_places_among_the_inputs() {
    let folder = recorded("mended");
    let mended = folder.read("bad.jsonl").replace("\\\"two\\\"", "2.5").replace("nonsense", "{\\\"id\\\":3,\\n\\\"at\\\":2500}");
    folder.put("mended.jsonl", mended).put("other.jsonl", "{\"id\":9,\"at\":9000}\n");
    let args = ["dead-letters", "replay", "mended.jsonl", "q.tide", "e.jsonl", "other.jsonl", "--dead-letters", "again.jsonl"];
    let ended = folder.betide(&args, "");
    let ids: Vec<&str> = ended.lines().iter().map(|row| &row[6..7]).collect();
    assert_eq!((ended.code, ids), (0, vec!["1", "2", "3", "5", "9"]), "{}", ended.err);
    assert_eq!(ended.err, "betide: 4 letters of mended.jsonl put back\n");
    let again: Vec<String> = folder.read("again.jsonl").lines().map(str::to_owned).collect();
    assert_eq!(again.len(), 2);
    assert!(again[0].contains("\"line\":4,") && again[1].contains("\"line\":6,"), "{again:?}");
    // An event that would have been late there is late.
    let late = folder.read("mended.jsonl").replace("\\\"four\\\"", "4.5");
    let ended = folder.put("late.jsonl", late).betide(&["dead-letters", "replay", "late.jsonl", "q.tide", "e.jsonl"], "");
    assert!(ended.err.contains("1 event came later than the DELAY"), "{}", ended.err);
    // Packed inputs and standard input as well; letters of inputs that are not read are told.
    folder.put("e.jsonl.gz", gzip(EVENTS.as_bytes()));
    for (name, input) in [("e.jsonl.gz", ""), ("-", EVENTS)] {
        let source = if name == "-" { "standard input" } else { name };
        folder.put("m.jsonl", folder.read("mended.jsonl").replace("\"e.jsonl\"", &format!("\"{source}\"")));
        let ended = folder.betide(&["dead-letters", "replay", "m.jsonl", "q.tide", name], input);
        assert_eq!((ended.code, ended.lines().len()), (0, 4), "{}", ended.err);
    }
    let ended = folder.betide(&["dead-letters", "replay", "mended.jsonl", "q.tide", "other.jsonl"], "");
    let expected = "betide: 0 letters of mended.jsonl put back\n\
                    betide: left out: 4 letters (these inputs have no such line; the first is of e.jsonl)\n";
    assert_eq!((ended.code, ended.err.as_str()), (0, expected));
}

#[test]
fn records_come_back_with_their_header() {
    let folder = recorded("csv");
    folder.put("e.csv", "at;id;amount\n1000;1;1.5\n2000;2;two\n3000;3\n4000;\"4\n;5;\"\"x\n5000;5;five");
    let ended = folder.betide(&["run", "q.tide", "e.csv", "--dead-letters", "bad.jsonl"], "");
    assert_eq!((ended.code, ended.lines().len()), (0, 1), "{}", ended.err);
    let letters = folder.read("bad.jsonl");
    assert!(letters.lines().all(|letter| letter.contains("\"header\":\"at;id;amount\"")), "{letters}");
    let ended = folder.betide(&["dead-letters", "replay", "bad.jsonl", "mended.tide", "--dead-letters", "again.jsonl"], "");
    assert_eq!(ended.lines()[0], r#"{"id":2,"amount":"two"}"#, "{}", ended.err);
    let bad = folder.read("again.jsonl").lines().count();
    assert_eq!(bad, letters.lines().count() - ended.lines().len());
    assert!(folder.read("again.jsonl").contains("there are 2 cells, and the header has 3"));
}

#[test]
fn only_the_head_of_a_long_line_is_there_and_cannot_be_replayed() {
    let folder = recorded("head");
    let long = format!("{{\"id\":7,\"at\":7000,\"z\":\"{}\"}}\n", "x".repeat(300));
    folder.put("long.jsonl", &long);
    let ended = folder.betide(&["run", "q.tide", "long.jsonl", "--max-line", "200", "--dead-letters", "bad.jsonl"], "");
    assert_eq!((ended.code, ended.out.as_str()), (0, ""));
    let alone = folder.betide(&["dead-letters", "replay", "bad.jsonl", "q.tide"], "");
    assert!(alone.out.is_empty() && alone.err.contains("left out: 1 letter (only the head of the line is there"), "{}", alone.err);
    let among = folder.betide(&["dead-letters", "replay", "bad.jsonl", "q.tide", "long.jsonl"], "");
    assert_eq!(among.lines(), [r#"{"id":7,"amount":null}"#], "the input's own line: {}", among.err);
}

#[test]
fn a_file_that_is_none_is_told_by_line_and_never_a_panic() {
    let folder = recorded("none");
    let letters = folder.read("bad.jsonl");
    let first = letters.lines().next().unwrap();
    folder.put("cut.jsonl", format!("{first}\n{}\n{}\n", &first[..30], first.replace("\"source\"", "\"version\":7,\"source\"")));
    for args in [&["dead-letters", "show", "cut.jsonl"][..], &["dead-letters", "replay", "cut.jsonl", "mended.tide"]] {
        let ended = folder.betide(args, "");
        assert_eq!(ended.code, 65, "{}", ended.err);
        assert!(ended.out.contains("two"), "what can be read is used: {}", ended.out);
        assert!(ended.err.contains("betide: cut.jsonl, line 2: no dead letter: the line is cut: "), "{}", ended.err);
        assert!(ended.err.contains("line 3: no dead letter: it is of version 7, and this betide reads version 1"), "{}", ended.err);
    }
    let wrong = folder.betide(&["dead-letters", "show", "e.jsonl"], "");
    assert!(wrong.code == 65 && wrong.err.contains("line 1: no dead letter: missing field `source`"), "{}", wrong.err);
    for bytes in [&b"\xff\xfe{\0"[..], b"\0\0\0\n\0", b"", b"\n\n", b"\x1f\x8b\x08\x00"] {
        let ended = folder.put("odd.jsonl", bytes).betide(&["dead-letters", "show", "odd.jsonl"], "");
        assert!([0, 65, 74].contains(&ended.code) && !ended.err.contains("panicked"), "{bytes:?}: {}", ended.err);
    }
    folder.put("many.jsonl", "x\n".repeat(50));
    let many = folder.betide(&["dead-letters", "replay", "many.jsonl", "q.tide"], "");
    assert_eq!((many.code, many.err.matches(", line ").count()), (65, 10), "{}", many.err);
    assert!(many.err.contains("many.jsonl: 50 lines are no dead letters"), "{}", many.err);
}

#[test]
fn what_cannot_be_done_is_refused() {
    let folder = recorded("refused");
    let cases: &[(&[&str], i32, &str)] = &[
        (&["show", "missing.jsonl"], 74, "cannot open missing.jsonl: "),
        (&["replay", "bad.jsonl"], 2, "which program?"),
        (&["replay", "missing.jsonl", "q.tide"], 74, "cannot open missing.jsonl: "),
        (&["replay", "missing.jsonl", "q.tide", "e.jsonl"], 74, "cannot open missing.jsonl: "),
        (&["replay", "bad.jsonl", "q.tide", "--state", "kept"], 2, "--state goes with betide run"),
        (&["replay", "bad.jsonl", "q.tide", "--dead-letters", "bad.jsonl"], 2, "--dead-letters would overwrite bad.jsonl"),
        (&["replay", "bad.jsonl", "q.tide", "e.jsonl", "--output-file", "bad.jsonl"], 2, "--output-file would overwrite bad.jsonl"),
    ];
    let before = folder.read("bad.jsonl");
    for (args, code, part) in cases {
        let ended = folder.betide(&[&["dead-letters"], *args].concat(), "");
        assert!(ended.code == *code && ended.err.contains(part), "{args:?}: {} {}", ended.code, ended.err);
    }
    assert_eq!(folder.read("bad.jsonl"), before);
}

/// More bad lines in one read than a caller of the library has kept for it.
#[test]
fn no_letter_is_lost_where_every_line_is_bad() {
    let folder = Folder::new("letters", "flood");
    folder.put("q.tide", PROGRAM).put("flood.jsonl", "x\n".repeat(300_000));
    let ended = folder.betide(&["run", "q.tide", "flood.jsonl", "--dead-letters", "bad.jsonl", "--stats"], "");
    assert_eq!((ended.code, folder.read("bad.jsonl").lines().count()), (0, 300_000));
    assert!(ended.err.contains("\"bad_not_kept\": 0"), "{}", ended.err);
}
