//! `betide watch`: runs a program anew whenever a file that it reads has been saved.
//!
//! The run is a process of its own, so that one which waits for its input can be ended at any time. Files are looked at by their length and
//! time of writing, a few times a second: that works on every file system, and costs nothing.

use std::fs;
use std::io::{IsTerminal, Write};
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, UNIX_EPOCH};

use super::flags::WatchFlags;
use super::{Failure, tell};

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Runs until it is interrupted.
pub(crate) fn watch(flags: &WatchFlags) -> Result<u8, Failure> {
    let watched: Vec<&String> = flags.args.iter().filter(|arg| fs::metadata(arg).is_ok_and(|metadata| metadata.is_file())).collect();
    if watched.is_empty() {
        return Err(Failure::usage("none of these is a file that could be watched: betide watch FILE [INPUT]…"));
    }
    let command = if flags.args.first().is_some_and(|arg| arg.ends_with(".test")) { "test" } else { "run" };
    let mut seen = stamps(&watched);
    let mut child = start(command, flags)?;
    loop {
        sleep(LOOK_EVERY);
        let now = stamps(&watched);
        // A file that is just being replaced is waited for.
        if now == seen || now.iter().any(Option::is_none) {
            continue;
        }
        let changed = watched.iter().zip(seen.iter().zip(&now)).find(|(_, (before, now))| before != now).map(|(name, _)| name.as_str());
        seen = now;
        end(&mut child);
        clear();
        tell(&format!("── {} has changed ──", changed.unwrap_or("a file")));
        child = start(command, flags)?;
    }
}

/// Length and time of writing; nothing for a file that is not there.
type Stamp = Option<(u64, u128)>;

fn stamps(files: &[&String]) -> Vec<Stamp> {
    let stamp = |file: &&String| {
        let metadata = fs::metadata(file).ok()?;
        let written = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Some((metadata.len(), written.map_or(0, |since| since.as_nanos())))
    };
    files.iter().map(stamp).collect()
}

fn start(command: &str, flags: &WatchFlags) -> Result<Child, Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::outside(format!("cannot find betide itself: {error}")))?;
    Command::new(program).arg(command).args(&flags.args).spawn().map_err(|error| Failure::outside(format!("cannot start the run: {error}")))
}

fn end(child: &mut Child) {
    // One that has ended by itself cannot be ended again, and that is well.
    let _ = child.kill();
    let _ = child.wait();
}

/// An empty screen, where there is one.
fn clear() {
    let mut stdout = std::io::stdout().lock();
    if stdout.is_terminal() && !super::terminal::is_dumb() {
        let _ = stdout.write_all(b"\x1b[2J\x1b[H").and_then(|()| stdout.flush());
    }
}
