//! Exit codes of a run in which statements end: the whole command line, with a function of its own that panics.
//!
//! No statement of a program can be had to fail from outside, so this test is a command line itself: the same sources as `betide`, and one
//! function more. It runs itself, with the arguments in the environment.

#![allow(clippy::unwrap_used, clippy::exit, reason = "a broken test should stop; a command line exits")]

#[path = "../src/cli/mod.rs"]
mod cli;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use betide::{DataType, Options, Value};

const ARGUMENTS: &str = "BETIDE_TEST_ARGUMENTS";

fn half(options: &mut Options) {
    let half = |arguments: &[Value<'_>]| match &arguments[0] {
        Value::Int(7) => panic!("seven has no half"),
        Value::Int(n) => Value::Int(n / 2),
        _ => Value::Null,
    };
    options.register_fn("HALF", &[DataType::Int], DataType::Int, half).unwrap();
}

/// Not a test, but where the process that the others start begins.
#[test]
fn the_command_line() {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    std::process::exit(cli::main(arguments.split('\u{1f}').map(Into::into), half).into());
}

/// A folder of its own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("betide_exit_codes_{name}_{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }

    /// Runs a program over these numbers: the exit code, the rows and what was told.
    fn run(&self, program: &str, numbers: &[i64], flags: &[&str]) -> (i32, String, String) {
        let events: String = numbers.iter().map(|n| format!("{{\"n\":{n}}}\n")).collect();
        fs::write(self.path("events.jsonl"), events).unwrap();
        let (input, rows) = (self.path("events.jsonl"), self.path("rows.jsonl"));
        let program = format!("CREATE STREAM N (n INT); {program}");
        let mut arguments = vec!["betide", "run", "-q", &program, &input, "--output-file", &rows];
        arguments.extend(flags);
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["the_command_line", "--exact", "--nocapture"])
            .env(ARGUMENTS, arguments.join("\u{1f}"))
            .output()
            .unwrap();
        let rows = fs::read_to_string(rows).unwrap_or_default();
        (child.status.code().unwrap(), rows, String::from_utf8(child.stderr).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const HALF: &str = "CREATE STREAM Half AS SELECT HALF(n) AS half FROM N;";
const SAME: &str = "CREATE STREAM Same AS SELECT n FROM N;";

#[test]
fn a_statement_that_panics_ends_the_run_with_70_and_the_others_go_on() {
    let folder = Folder::new("panic");
    let (code, rows, told) = folder.run(&format!("{HALF}{SAME}"), &[2, 7, 4], &["--batch-size", "1"]);
    let expected =
        "{\"stream\":\"Half\",\"half\":1}\n{\"stream\":\"Same\",\"n\":2}\n{\"stream\":\"Same\",\"n\":7}\n{\"stream\":\"Same\",\"n\":4}\n";
    assert_eq!((code, rows.as_str()), (70, expected), "{told}");
    for part in ["`Half` (line 1) has ended after 2 events", "seven has no half", "please report it", "--batch-size 1 and --output Half"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn without_the_event_that_it_panics_at_it_ends_with_0() {
    let folder = Folder::new("calm");
    let (code, rows, told) = folder.run(&format!("{HALF}{SAME}"), &[2, 6], &[]);
    assert_eq!((code, rows.lines().count(), told.as_str()), (0, 4, ""));
}

#[test]
fn a_run_without_a_statement_left_ends_at_once_with_70() {
    let folder = Folder::new("all");
    let (code, rows, told) = folder.run(HALF, &[2, 7, 4], &["--batch-size", "1"]);
    assert_eq!((code, rows.as_str()), (70, "{\"stream\":\"Half\",\"half\":1}\n"), "{told}");
    assert!(told.contains("every statement has ended"), "{told}");
}

#[test]
fn a_run_that_goes_on_tells_it_again() {
    let folder = Folder::new("state");
    let state = folder.path("state");
    let program = format!("{HALF}{SAME}");
    let (code, ..) = folder.run(&program, &[7], &["--state", &state]);
    assert_eq!(code, 70);
    let (code, rows, told) = folder.run(&program, &[7, 8], &["--state", &state]);
    assert_eq!((code, rows.as_str()), (70, "{\"stream\":\"Same\",\"n\":7}\n{\"stream\":\"Same\",\"n\":8}\n"), "{told}");
    assert!(told.contains("seven has no half"), "{told}");
}

#[test]
fn a_defect_counts_for_more_than_a_bound() {
    let folder = Folder::new("bound");
    let keys = "CREATE STREAM Keys AS SELECT n, COUNT(*) AS c FROM N GROUP BY n;";
    let flags = ["--max-keys", "1", "--batch-size", "1"];
    let numbers: Vec<i64> = (0..500).collect();
    let (code, ..) = folder.run(&format!("{keys}{SAME}"), &numbers, &flags);
    assert_eq!(code, 65);
    let (code, ..) = folder.run(&format!("{keys}{HALF}{SAME}"), &numbers, &flags);
    assert_eq!(code, 70);
}
