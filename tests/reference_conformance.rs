//! The references judged before they judge: they must give what the conformance cases expect.
//! In: the files of the conformance folder. Out: agreement, file by file; cases outside its subset are counted, not hidden.

#![allow(clippy::print_stdout, reason = "what is skipped or judged is told")]

mod support;

use serde_json::Value as Json;
use support::cases::{self, Case};
use support::mr_program::RowQuery;
use support::mr_reference;
use support::program::Program;
use support::reference;

enum Verdict {
    Agrees,
    Unknown(String),
    Differs(String),
}

/// Rows where the order over partitions is not judged by the reference.
fn as_bag(expect: &Json) -> Json {
    let mut expect = expect.clone();
    expect["ordered"] = Json::Bool(false);
    expect
}

fn judge_rows(case: &Case) -> Verdict {
    if case.expect.get("error").is_some() {
        return Verdict::Unknown("a refusal".into());
    }
    let query = match RowQuery::parse(&case.program) {
        Ok(query) => query,
        Err(why) => return Verdict::Unknown(why),
    };
    let events = match cases::events(&query.streams, &case.input) {
        Ok(events) => events,
        Err(why) => return Verdict::Unknown(why),
    };
    let expect = if query.partition.is_empty() { case.expect.clone() } else { as_bag(&case.expect) };
    let Some(rows) = mr_reference::run(&query, &events) else { return Verdict::Unknown("too long for backtracking".into()) };
    match cases::difference(&expect, &rows) {
        None => Verdict::Agrees,
        Some(difference) => Verdict::Differs(difference),
    }
}

fn judge(case: &Case) -> Verdict {
    if case.expect.get("error").is_some() {
        return Verdict::Unknown("a refusal".into());
    }
    let program = match Program::parse(&case.program) {
        Ok(program) => program,
        Err(why) => return Verdict::Unknown(why),
    };
    let events = match cases::events(&program.streams, &case.input) {
        Ok(events) => events,
        Err(why) => return Verdict::Unknown(why),
    };
    match cases::difference(&case.expect, &reference::run(&program, &events)) {
        None => Verdict::Agrees,
        Some(difference) => Verdict::Differs(difference),
    }
}

/// Cases where the reference is known to differ, each with the reason.
const KNOWN: &[(&str, &str)] = &[];

fn file(name: &str, judge: fn(&Case) -> Verdict, least_judged: usize) {
    let cases = cases::read(name);
    if cases.is_empty() {
        println!("{name} is not there: skipped");
        return;
    }
    let (mut agree, mut unknown, mut wrong) = (0, vec![], vec![]);
    for case in &cases {
        match judge(case) {
            Verdict::Agrees => agree += 1,
            Verdict::Unknown(why) => unknown.push(format!("{}: {why}", case.id)),
            Verdict::Differs(_) if KNOWN.iter().any(|(id, _)| *id == case.id) => {}
            Verdict::Differs(how) => wrong.push(format!("{}\n    {}\n    {how}", case.id, case.program)),
        }
    }
    println!("{name}: {agree} agree, {} differ, {} outside the subset", wrong.len(), unknown.len());
    unknown.iter().for_each(|u| println!("  outside: {u}"));
    assert!(wrong.is_empty(), "{name}: {} differ\n{}", wrong.len(), wrong.join("\n"));
    assert!(agree >= least_judged, "{name}: only {agree} cases judged");
}

#[test]
fn the_language_page() {
    file("spec.jsonl", judge, 107);
}

#[test]
fn flink_patterns() {
    file("flink_cep.dev.jsonl", judge, 94);
}

#[test]
fn siddhi_patterns() {
    file("siddhi_pattern.dev.jsonl", judge, 267);
}

#[test]
fn trino_row_patterns() {
    file("trino.dev.jsonl", judge_rows, 79);
}

#[test]
fn flink_row_patterns() {
    file("flink_mr.dev.jsonl", judge_rows, 58);
}

#[test]
fn row_patterns_by_hand() {
    file("mr_spec.dev.jsonl", judge_rows, 71);
}

#[test]
fn row_patterns_generated() {
    file("mr_random.dev.jsonl", judge_rows, 120);
}
