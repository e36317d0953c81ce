//! `betide fmt`: programs in canonical layout.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use betide::syntax::{FormatError, format};
use betide::text::{Source, render};

use super::flags::FmtFlags;
use super::{Failure, print, tell, terminal};

/// Lays programs out. Exit code 1 where `--check` finds one that is not, 2 where one cannot be parsed.
pub(crate) fn fmt(flags: &FmtFlags) -> Result<u8, Failure> {
    if flags.paths.iter().any(|path| path.as_os_str() == "-") {
        return standard_input(flags);
    }
    let mut code = 0;
    for path in programs(&flags.paths)? {
        let name = path.display().to_string();
        let text = fs::read_to_string(&path).map_err(|error| Failure::outside(format!("cannot read {name}: {error}")))?;
        match formatted(&name, &text) {
            Err(told) => {
                tell(&told);
                code = 2;
            }
            Ok(new) if new == text => {}
            Ok(_) if flags.check => {
                print(&format!("{name}\n"))?;
                code = code.max(1);
            }
            Ok(new) => {
                fs::write(&path, new).map_err(|error| Failure::outside(format!("cannot write {name}: {error}")))?;
                tell(&format!("betide: {name} has been laid out"));
            }
        }
    }
    Ok(code)
}

/// The program of standard input to standard output.
fn standard_input(flags: &FmtFlags) -> Result<u8, Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| Failure::outside(format!("cannot read standard input: {error}")))?;
    match formatted("<standard input>", &text) {
        Err(message) => Err(Failure { code: 2, message }),
        Ok(new) if flags.check => Ok(u8::from(new != text)),
        Ok(new) => print(&new).map(|()| 0),
    }
}

fn formatted(name: &str, text: &str) -> Result<String, String> {
    let source = Source::new(name, text);
    format(&source).map_err(|error| match error {
        FormatError::Wrong(told) => render(&told, &source, terminal::has_colour(&std::io::stderr())).trim_end().to_owned(),
        FormatError::Changed => {
            format!("betide: {name} cannot be laid out without changing what it means: this is a defect of betide, please report it")
        }
    })
}

/// The programs of the paths: files as they are given, of folders all in them and below.
fn programs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() { gather(path, &mut found)? } else { found.push(path.clone()) }
    }
    Ok(found)
}

fn gather(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let before = found.len();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| Failure::outside(format!("cannot read {}: {error}", folder.display())))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !is_hidden && !path.is_symlink() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "tide") {
                found.push(path);
            }
        }
    }
    found[before..].sort();
    Ok(())
}
