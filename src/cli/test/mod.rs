//! `betide test`: tests that stand beside programs.
//!
//! `parse` reads a file of tests, `case` runs them on the program, `compare` says whether a row is the expected one, `report` tells.

mod case;
mod compare;
mod parse;
mod report;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use betide::engine::StepCount;

use super::flags::TestFlags;
use super::summary::Elapsed;
use super::{Failure, print, tell};
use case::{Broken, Setting};
use report::Outcome;

/// The ending of test files.
const ENDING: &str = "test";

/// Runs tests; exit code 0 where all hold, 1 where one does not.
pub(crate) fn test(flags: &TestFlags) -> Result<u8, Failure> {
    let elapsed = Elapsed::start();
    let files = find(&flags.paths)?;
    let mut outcomes = Vec::new();
    let mut unreached = Vec::new();
    for path in &files {
        run_file(path, flags, &mut outcomes, &mut unreached)?;
    }
    if let Some(path) = &flags.junit {
        fs::write(path, report::junit(&outcomes)).map_err(|error| Failure::outside(format!("cannot write {}: {error}", path.display())))?;
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
    if outcomes.is_empty() {
        return Err(Failure::usage("no test has this name"));
    }
    for line in &unreached {
        print(&format!("{line}\n"))?;
    }
    let passed = outcomes.len() - failed;
    let (tests, failures) =
        (if outcomes.len() == 1 { "test" } else { "tests" }, if failed == 0 { String::new() } else { format!(", {failed} failed") });
    print(&format!("{} {tests}: {passed} passed{failures} · {:.2} s\n", outcomes.len(), elapsed.seconds()))?;
    Ok(u8::from(failed > 0 || flags.all_steps && !unreached.is_empty()))
}

/// The test files of the paths: files as they are given, of folders all in them and below.
fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let here = [PathBuf::from(".")];
    for path in if paths.is_empty() { &here[..] } else { paths } {
        if path.is_dir() {
            let before = found.len();
            let mut open = vec![path.clone()];
            while let Some(folder) = open.pop() {
                let entries =
                    fs::read_dir(&folder).map_err(|error| Failure::outside(format!("cannot read {}: {error}", folder.display())))?;
                for entry in entries.flatten() {
                    let path = entry.path();
                    let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
                    if path.is_dir() && !is_hidden && !path.is_symlink() && path.file_name().is_some_and(|name| name != "target") {
                        open.push(path);
                    } else if path.extension().is_some_and(|ending| ending == ENDING) && path.with_extension("tide").is_file() {
                        found.push(path);
                    }
                }
            }
            found[before..].sort();
        } else if path.extension().is_some_and(|ending| ending == "tide") {
            found.push(path.with_extension(ENDING));
        } else {
            found.push(path.clone());
        }
    }
    if found.is_empty() {
        return Err(Failure::usage("there is no test: NAME.test beside NAME.tide has the tests of that program"));
    }
    // `./` is no part of a name that somebody wants to read.
    Ok(found.into_iter().map(|path| path.strip_prefix("./").map(Path::to_path_buf).unwrap_or(path)).collect())
}

/// Runs the tests of one file and tells how each went.
fn run_file(path: &Path, flags: &TestFlags, outcomes: &mut Vec<Outcome>, unreached: &mut Vec<String>) -> Result<(), Failure> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Failure::outside(format!("cannot read {name}: {error}")))?;
    let wrong = |line: usize, what: &str| Failure::usage(format!("{name}:{line}: {what}"));
    let file = parse::parse(&text).map_err(|mistake| wrong(mistake.line, &mistake.what))?;
    let test_folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let program = file.program.as_ref().map_or_else(|| path.with_extension("tide"), |program| test_folder.join(program));
    let program_text = fs::read_to_string(&program)
        .map_err(|error| Failure::outside(format!("cannot read {}, the program of {name}: {error}", program.display())))?;
    let setting = Setting {
        name: program.display().to_string(),
        text: program_text,
        folder: program.parent().map(Path::to_path_buf),
        test_folder,
        update: flags.update,
    };
    let set: BTreeMap<String, String> = file.set.iter().cloned().collect();
    let mut steps: Vec<StepCount> = Vec::new();
    let mut rewrites = Vec::new();
    let wanted = |name: &str| flags.name.as_deref().is_none_or(|part| name.contains(part));
    print(&format!("{name}\n"))?;
    for case in file.cases.iter().filter(|case| wanted(&case.name)) {
        let verdict = case::run(case, &set, &setting).map_err(|broken| match broken {
            Broken::Program(error) => error.into(),
            Broken::Test(line, what) => wrong(line, &what),
        })?;
        print(&format!("  {} {}\n", if verdict.failures.is_empty() { "ok  " } else { "FAIL" }, case.name))?;
        for (line, what) in &verdict.failures {
            print(&format!("       {name}:{line}: {what}\n"))?;
        }
        for path in &verdict.written {
            tell(&format!("betide: {} has been written", path.display()));
        }
        rewrites.extend(verdict.rewrites);
        add(&mut steps, verdict.steps);
        outcomes.push(Outcome { file: name.clone(), name: case.name.clone(), failures: verdict.failures });
    }
    if !rewrites.is_empty() {
        fs::write(path, rewritten(&text, rewrites)).map_err(|error| Failure::outside(format!("cannot write {name}: {error}")))?;
        tell(&format!("betide: {name} has been written"));
    }
    if flags.name.is_some() || flags.update {
        // Not all tests have had their say.
        return Ok(());
    }
    let missing = steps.iter().filter(|step| step.taken == 0);
    unreached.extend(missing.map(|step| format!("{}:{}: step `{}` was never reached", setting.name, step.line, step.step)));
    Ok(())
}

/// Adds the counts of one test to those of others of its file.
fn add(steps: &mut Vec<StepCount>, more: Vec<StepCount>) {
    if steps.is_empty() {
        *steps = more;
        return;
    }
    for (step, more) in steps.iter_mut().zip(more) {
        step.taken += more.taken;
    }
}

/// The file with other lines in some places.
fn rewritten(text: &str, mut rewrites: Vec<(usize, usize, Vec<String>)>) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    // From the end, so that the lines before keep their numbers.
    rewrites.sort_by_key(|(line, ..)| std::cmp::Reverse(*line));
    for (from, to, new) in rewrites {
        lines.splice(from - 1..to - 1, new);
    }
    lines.join("\n") + "\n"
}
