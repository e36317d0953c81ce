//! Every program that the other tests run is a program to the parser too.
//! In: random queries and the programs of the conformance folder that are not to be refused. Out: no diagnostics.

mod support;

use betide::syntax::parse;
use betide::text::Source;
use support::{cases, random, random_rows};

fn complaints(program: &str) -> Option<String> {
    let (_, diagnostics) = parse(&Source::new("test.tide", program));
    let told: Vec<String> = diagnostics.iter().map(|d| format!("{d:?}")).collect();
    diagnostics.has_errors().then(|| format!("{program}\n{}", told.join("\n")))
}

#[test]
fn random_queries_parse() {
    let wrong: Vec<String> = (0..random::pairs(400)).filter_map(|seed| complaints(&random::pair(seed).program)).collect();
    assert!(wrong.is_empty(), "{} do not parse\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
}

#[test]
fn random_row_patterns_parse() {
    let wrong: Vec<String> = (0..random::pairs(400)).filter_map(|seed| complaints(&random_rows::pair(seed).program)).collect();
    assert!(wrong.is_empty(), "{} do not parse\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
}

#[test]
fn conformance_programs_parse() {
    let files = [
        "spec.jsonl",
        "flink_cep.dev.jsonl",
        "siddhi_pattern.dev.jsonl",
        "siddhi_window_join.dev.jsonl",
        "trino.dev.jsonl",
        "mr_static.dev.jsonl",
        "flink_mr.dev.jsonl",
        "mr_spec.dev.jsonl",
        "mr_random.dev.jsonl",
    ];
    let cases = files.iter().flat_map(|file| cases::read(file)).filter(|case| case.expect.get("error").is_none());
    let wrong: Vec<String> = cases.filter_map(|case| complaints(&case.program).map(|why| format!("{}\n{why}", case.id))).collect();
    assert!(wrong.is_empty(), "{} do not parse\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
}
