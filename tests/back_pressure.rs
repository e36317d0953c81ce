//! What a run does when whoever reads its output is slow or gone, and when the disk is full: nothing is gathered without bound, and it ends
//! as it should.
#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

#[path = "support/command.rs"]
mod command;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use command::{Folder, finish};

const EACH: &str = "CREATE STREAM E (id INT, s STRING, at TIMESTAMP) TIMESTAMP BY at; SELECT id, s FROM E;";

fn event(id: u64) -> String {
    format!("{{\"id\":{id},\"s\":\"{}\",\"at\":{}}}\n", "x".repeat(60), 1000 + id)
}

/// Memory that is resident now, in kilobytes.
fn resident(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Feeds events for as long as they are taken; the count of their bytes goes on meanwhile.
fn feed(child: &mut Child) -> Arc<AtomicU64> {
    let taken = Arc::new(AtomicU64::new(0));
    let count = taken.clone();
    let mut stdin = child.stdin.take().unwrap();
    std::thread::spawn(move || {
        for id in 0.. {
            let event = event(id);
            if stdin.write_all(event.as_bytes()).is_err() {
                return;
            }
            count.fetch_add(event.len() as u64, Ordering::Relaxed);
        }
    });
    taken
}

/// Waits until the count stands still for a second, and gives it.
fn standing_still(count: &AtomicU64) -> u64 {
    let mut before = u64::MAX;
    for _ in 0..120 {
        sleep(Duration::from_secs(1));
        let now = count.load(Ordering::Relaxed);
        if now == before && now > 0 {
            return now;
        }
        before = now;
    }
    panic!("the input never stands still: {before} bytes were taken while nobody read the output");
}

/// How it ends, if it does within half a minute.
fn ended(child: &mut Child) -> Option<i32> {
    for _ in 0..600 {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.code().expect("it ends by itself"));
        }
        sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    None
}

fn said(stderr: &mut ChildStderr) -> String {
    let mut text = String::new();
    stderr.read_to_string(&mut text).unwrap();
    text
}

/// Two pipes of 64 KiB, five chunks of 256 KiB in the reader, one at work with its rows, and the writer's buffer come to 2 MB.
const ON_THE_WAY: u64 = 4 << 20;

/// On one thread, and on three, where rows are written on a thread of their own.
const WAYS: [&[&str]; 2] = [&["run", "q.tide"], &["run", "q.tide", "--threads", "3"]];

#[test]
fn a_slow_reader_slows_the_input_and_memory_stays_flat() {
    slow_reader("slow", WAYS[0], ON_THE_WAY, 64 << 10);
}

/// Six chunks are with the decoders, and the rows of four more are under way.
#[test]
fn a_slow_reader_slows_several_threads_too() {
    slow_reader("slow-threads", WAYS[1], ON_THE_WAY + (10 << 18), 128 << 10);
}

/// So many bytes may be under way, and so many kilobytes resident.
fn slow_reader(name: &str, way: &[&str], on_the_way: u64, most_resident: u64) {
    let folder = Folder::new("back-pressure", name);
    folder.put("q.tide", EACH);
    let mut child = folder.command(way).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let taken = feed(&mut child);
    let first = standing_still(&taken);
    assert!(first <= on_the_way, "{first} bytes were taken, and no row was read");
    let at_first = resident(&child);
    assert!(at_first < most_resident, "{at_first} kB");
    // What is read makes room for about as much.
    let mut read = vec![0; 6 << 20];
    let (mut last, mut resident_last) = (first, at_first);
    for round in 1..=3 {
        out.read_exact(&mut read).unwrap();
        let now = standing_still(&taken);
        assert!(now > last, "round {round}: the input goes on");
        assert!(now <= first + round * 3 * (read.len() as u64) / 2 + on_the_way, "round {round}: {now} bytes");
        (last, resident_last) = (now, resident(&child));
    }
    assert!(resident_last <= at_first + (8 << 10), "{at_first} kB at first, {resident_last} kB after 18 MB of rows");
    drop(out);
    assert_eq!((ended(&mut child), said(child.stderr.as_mut().unwrap()).as_str()), (Some(0), ""));
}

#[test]
fn a_closed_output_is_noticed_with_the_next_row() {
    WAYS.iter().for_each(|way| closed_output(way));
}

fn closed_output(way: &[&str]) {
    let folder = Folder::new("back-pressure", &format!("closed-{}", way.len()));
    folder.put("q.tide", EACH);
    let mut child = folder.command(way).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(event(1).as_bytes()).unwrap();
    out.read_line(&mut String::new()).unwrap();
    drop(out);
    // Nothing tells a run that its output is closed before it writes: without a row it waits for its input.
    sleep(Duration::from_secs(1));
    assert!(child.try_wait().unwrap().is_none(), "no row, no end");
    stdin.write_all(event(2).as_bytes()).unwrap();
    assert_eq!((ended(&mut child), said(child.stderr.as_mut().unwrap()).as_str()), (Some(0), ""), "though the input is still open");
    drop(stdin);
}

#[test]
fn a_closed_standard_error_changes_nothing() {
    let folder = Folder::new("back-pressure", "stderr");
    folder.put("q.tide", EACH);
    let input = format!("{}bad\n{}", event(1), event(2));
    let mut child = folder.command(&["run", "q.tide", "--stats"]).spawn().unwrap();
    drop(child.stderr.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.iter().filter(|byte| **byte == b'\n').count()), (Some(0), 2));
    // The same where it was never open.
    let script = format!("exec {} run q.tide --stats 2>&-", env!("CARGO_BIN_EXE_betide"));
    let mut shell = folder.command(&[]);
    let folder_of = shell.get_current_dir().unwrap().to_path_buf();
    shell = Command::new("sh");
    shell.current_dir(folder_of).args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let closed = finish(shell, input.into_bytes());
    assert_eq!((closed.code, closed.lines().len(), closed.err.as_str()), (0, 2, ""));
}

#[test]
fn a_full_disk_is_told_by_the_name_of_the_file() {
    let folder = Folder::new("back-pressure", "full");
    folder.put("q.tide", EACH);
    let input: String = (0..5000).map(event).collect();
    for way in WAYS {
        let ended = folder.betide(&[way, &["--output-file", "/dev/full"]].concat(), input.as_str());
        assert_eq!(ended.code, 74, "{}", ended.err);
        assert!(ended.err.starts_with("betide: cannot write /dev/full: No space left on device"), "{}", ended.err);
        assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
    }
}

/// To a pipe, to a file, and to one that is kept; with ids and without.
#[test]
fn rows_that_are_written_on_a_thread_of_their_own_are_the_same() {
    let folder = Folder::new("back-pressure", "same");
    folder.put("q.tide", EACH).put("e.jsonl", (0..20_000).map(event).collect::<String>());
    for ids in [&[][..], &["--ids"]] {
        let run = |threads: &str, more: &[&str]| {
            let ended = folder.betide(&[&["run", "q.tide", "e.jsonl", "--threads", threads], ids, more].concat(), "");
            assert_eq!(ended.code, 0, "{}", ended.err);
            ended.out
        };
        let expected = run("1", &[]);
        assert_eq!(expected.lines().count(), 20_000);
        assert!(run("3", &[]) == expected, "to a pipe");
        run("3", &["--output-file", "rows.jsonl"]);
        assert!(folder.read("rows.jsonl") == expected, "to a file");
        let kept = format!("kept{}", ids.len());
        run("3", &["--output-file", "kept.jsonl", "--state", &kept, "--checkpoint-every", "3000"]);
        assert!(folder.read("kept.jsonl") == expected, "to a file that is kept");
        fs::remove_file(folder.path("kept.jsonl")).unwrap();
    }
}

/// A limit on the size of files stands for a disk that is full: writing fails in the middle of the run.
#[test]
fn a_full_disk_leaves_the_last_checkpoint_to_go_on_from() {
    let folder = Folder::new("back-pressure", "kept");
    folder.put("q.tide", EACH).put("e.jsonl", (0..20_000).map(event).collect::<String>());
    let whole = folder.betide(&["run", "q.tide", "e.jsonl"], "");
    let args = "run q.tide e.jsonl --state kept --checkpoint-every 2000 --output-file rows.jsonl";
    // In blocks of 512 bytes: half a megabyte, of rows that are more than a megabyte and a half.
    let script = format!("trap '' XFSZ; ulimit -f 1000; exec {} {args}", env!("CARGO_BIN_EXE_betide"));
    let mut shell = Command::new("sh");
    shell.current_dir(folder.path(".")).args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let full = finish(shell, Vec::new());
    assert_eq!(full.code, 74, "{}", full.err);
    assert!(full.err.contains("rows.jsonl") && !full.err.contains("panicked"), "{}", full.err);
    let written = folder.read("rows.jsonl").len();
    assert!(written < whole.out.len(), "{written} bytes");
    let on = folder.betide(&args.split(' ').collect::<Vec<_>>(), "");
    assert_eq!(on.code, 0, "{}", on.err);
    assert!(on.err.contains("betide: going on from "), "from a checkpoint, not from the beginning: {}", on.err);
    assert!(folder.read("rows.jsonl") == whole.out, "nothing is lost and nothing stands twice");
}
