//! The reference of FROM PATTERN judged before it judges: it must give what the conformance cases expect.
//! In: the pattern files of the conformance folder. Out: agreement, file by file; cases outside its subset are counted, not hidden.

mod support;

use support::cases::{self, Case};
use support::program::Program;
use support::reference;

enum Verdict {
    Agrees,
    Unknown(String),
    Differs(String),
}

fn judge(case: &Case) -> Verdict {
    if case.expect.get("error").is_some() {
        return Verdict::Unknown("a refusal".into());
    }
    let program = match Program::parse(&case.program) {
        Ok(program) => program,
        Err(why) => return Verdict::Unknown(why),
    };
    let events = match cases::events(&program, &case.input) {
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

fn file(name: &str, least_judged: usize) {
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
    file("spec.jsonl", 107);
}

#[test]
fn flink_patterns() {
    file("flink_cep.dev.jsonl", 94);
}

#[test]
fn siddhi_patterns() {
    file("siddhi_pattern.dev.jsonl", 267);
}
