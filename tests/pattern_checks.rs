//! What the checker says of patterns: the code tables, and every program of the shared cases, accepted or refused as they
//! expect; and what the specs of patterns say: where terms are checked, what slots read.

#![allow(clippy::print_stdout, reason = "a test says what it skips and which refusals it met")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use betide::semantics::{CheckOptions, Input, PATTERN_CODES, ROW_PATTERN_CODES, check};
use betide::spec::{Mode, NavigationBase, PatternSpec, RowOutput, SlotKind, VariableId, VariableKind};
use betide::syntax::{CodeEntry, parse};
use betide::text::{Diagnostics, Severity, Source};

fn checked(program: &str, endless: bool) -> Diagnostics {
    let (file, mut diagnostics) = parse(&Source::new("program.tide", program));
    if !diagnostics.has_errors() {
        diagnostics.extend(check(&file, &CheckOptions { endless, ..CheckOptions::default() }).1);
    }
    diagnostics
}

fn said(diagnostics: &Diagnostics) -> String {
    diagnostics.iter().map(|d| format!("{} {}", d.code, d.message)).collect::<Vec<_>>().join("; ")
}

fn check_table(table: &[CodeEntry]) {
    let mut wrong = Vec::new();
    for entry in table {
        let of_wrong = checked(entry.wrong, false);
        if of_wrong.iter().next().map(|d| d.code) != Some(entry.code) {
            wrong.push(format!("{}: the wrong program gives [{}]", entry.code, said(&of_wrong)));
        }
        let of_right = checked(entry.right, false);
        if of_right.has_errors() || of_right.iter().any(|d| d.code == entry.code) {
            wrong.push(format!("{}: the right program gives [{}]", entry.code, said(&of_right)));
        }
        for diagnostic in of_wrong.iter() {
            assert!(diagnostic.primary.span.start < diagnostic.primary.span.end, "{} points nowhere", diagnostic.code);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_code_of_from_pattern_has_a_wrong_and_a_right_program() {
    check_table(PATTERN_CODES);
}

#[test]
fn each_code_of_match_recognize_has_a_wrong_and_a_right_program() {
    check_table(ROW_PATTERN_CODES);
}

#[test]
fn codes_are_unique() {
    let mut codes: Vec<_> = PATTERN_CODES.iter().chain(ROW_PATTERN_CODES).map(|entry| entry.code).collect();
    codes.sort();
    let all = codes.len();
    codes.dedup();
    assert_eq!(codes.len(), all);
}

/// The shared cases of a file: their ids, programs and the category of the refusal that is expected, if one is.
fn cases(file: &str) -> Option<Vec<(String, String, Option<String>)>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let path = std::env::var_os("BETIDE_SHARED").map_or(beside, PathBuf::from).join("conformance").join(file);
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not here", path.display());
        return None;
    };
    let case = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        (text(&value["id"]).expect("a case has an id"), text(&value["program"]).expect("and a program"), text(&value["expect"]["error"]))
    };
    Some(text.lines().map(case).collect())
}

fn check_cases(file: &str) {
    let Some(cases) = cases(file) else { return };
    let mut mismatches = Vec::new();
    let all = cases.len();
    for (id, program, refusal) in cases {
        let diagnostics = checked(&program, false);
        let errors: Vec<String> =
            diagnostics.iter().filter(|d| d.severity == Severity::Error).map(|d| format!("{} {}", d.code, d.message)).collect();
        match (&refusal, errors.is_empty()) {
            (Some(category), true) => mismatches.push(format!("{id}: accepted, expected {category}")),
            (None, false) => mismatches.push(format!("{id}: {}", errors.join("; "))),
            (Some(category), false) => println!("{file} {id}: {category}: {}", errors.join("; ")),
            (None, true) => {}
        }
    }
    assert!(mismatches.is_empty(), "{file}: {} of {all}\n{}", mismatches.len(), mismatches.join("\n"));
}

#[test]
fn the_language_page_checks() {
    check_cases("spec.jsonl");
}

#[test]
fn flink_cep_checks() {
    check_cases("flink_cep.dev.jsonl");
}

#[test]
fn siddhi_checks() {
    check_cases("siddhi_pattern.dev.jsonl");
}

#[test]
fn siddhi_refusals_are_refused() {
    check_cases("siddhi_invalid.dev.jsonl");
}

#[test]
fn row_patterns_check() {
    for file in ["trino.dev.jsonl", "mr_spec.dev.jsonl", "mr_random.dev.jsonl", "flink_mr.dev.jsonl"] {
        check_cases(file);
    }
}

#[test]
fn static_row_patterns_are_refused_as_the_page_says() {
    check_cases("mr_static.dev.jsonl");
}

const STREAMS: &str = "CREATE STREAM A (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM B (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM C (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM D (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
";

fn spec_of(query: &str) -> PatternSpec {
    let program = format!("{STREAMS}{query};");
    let (file, diagnostics) = parse(&Source::new("program.tide", program));
    assert!(!diagnostics.has_errors(), "{query}: {}", said(&diagnostics));
    let (program, diagnostics) = check(&file, &CheckOptions::default());
    assert!(!diagnostics.has_errors(), "{query}: {}", said(&diagnostics));
    let mut input = &program.statements.last().expect("the query").query.input;
    while let Input::Query(inner) = input {
        input = &inner.input;
    }
    match input {
        Input::Pattern { spec, .. } => (**spec).clone(),
        other => panic!("a pattern, not {other:?}"),
    }
}

/// The number of checks of each variable, by name.
fn checks(spec: &PatternSpec) -> Vec<(Arc<str>, usize, usize)> {
    spec.variables.iter().map(|v| (v.name.clone(), v.checks.len(), v.checks_after_first.len())).collect()
}

fn named(list: &[(&str, usize, usize)]) -> Vec<(Arc<str>, usize, usize)> {
    list.iter().map(|(name, checks, after)| (Arc::from(*name), *checks, *after)).collect()
}

#[test]
fn a_term_belongs_to_the_last_variable_that_it_names() {
    let spec = spec_of("SELECT A.id FROM PATTERN (A -> B -> C) WHERE A.x > 1 AND (B.x > A.x OR A.x = 0) AND C.k = A.k AND TRUE WITHIN 1m");
    // `TRUE` names nothing and stands at each step.
    assert_eq!(checks(&spec), named(&[("A", 2, 0), ("B", 2, 0), ("C", 2, 0)]));
    assert!(spec.late_checks.is_empty());
}

#[test]
fn cheap_terms_stand_first() {
    let spec = spec_of("SELECT A.id FROM PATTERN (A+ -> B) WHERE B.x > AVG(A.x) AND B.x > A.x AND B.x > 1 WITHIN 1m");
    let slots: Vec<usize> = spec.variables[1].checks.iter().map(|check| check.slots().len()).collect();
    assert_eq!(slots, [1, 2, 2]);
    let aggregates = |check: usize| {
        spec.variables[1].checks[check].slots().iter().any(|slot| matches!(spec.slots[slot.0 as usize].kind, SlotKind::Aggregate { .. }))
    };
    assert!(!aggregates(1) && aggregates(2));
}

#[test]
fn a_term_with_prev_waits_for_the_second_event_of_its_own_loop() {
    let spec = spec_of("SELECT r.id FROM PATTERN (A r{2,5} -> B) WHERE r.x > PREV(r.x) AND B.x > PREV(r.x) AND r.x > 0 WITHIN 1m");
    assert_eq!(checks(&spec), named(&[("r", 1, 1), ("B", 1, 0)]));
    assert!(spec.variables[0].looped && !spec.variables[1].looped);
}

#[test]
fn terms_on_a_negated_variable_are_its_own_or_late() {
    let spec = spec_of("SELECT A.id FROM PATTERN (A -> !B b -> C -> D) WHERE b.k = A.k AND b.x = C.x AND b.id < D.id WITHIN 1m");
    assert_eq!(checks(&spec), named(&[("A", 0, 0), ("b", 1, 0), ("C", 0, 0), ("D", 0, 0)]));
    assert_eq!(spec.variables[1].kind, VariableKind::Negated);
    let late: Vec<_> = spec.late_checks.iter().map(|late| (late.negated, late.at, late.condition.slots().len())).collect();
    assert_eq!(late, [(VariableId(1), VariableId(3), 4)], "one check at the last of them, over both terms");
}

#[test]
fn between_operands_of_and_a_term_stands_at_each_of_them_behind_a_guard() {
    let spec = spec_of("SELECT A.id FROM PATTERN ((A & B) -> C) WHERE A.x = B.x AND C.x > B.x WITHIN 1m");
    assert_eq!(checks(&spec), named(&[("A", 1, 0), ("B", 1, 0), ("C", 1, 0)]));
    let counted = |variable: usize| -> Vec<Vec<VariableId>> {
        let slots = spec.variables[variable].checks[0].slots();
        let counts = slots.iter().filter_map(|slot| match &spec.slots[slot.0 as usize].kind {
            SlotKind::Aggregate { variables, .. } => Some(variables.clone()),
            _ => None,
        });
        counts.collect()
    };
    assert_eq!(counted(0), [[VariableId(1)]], "A's term asks whether B has come");
    assert_eq!(counted(1), [[VariableId(0)]], "and B's whether A has");
    assert!(counted(2).is_empty());
}

#[test]
fn in_a_repeated_and_the_guard_compares_rounds() {
    let spec = spec_of("SELECT COUNT(A) AS n FROM PATTERN ((A & B){2}) WHERE A.x = B.x WITHIN 1m");
    let counts = |slot: &betide::expr::SlotId| matches!(spec.slots[slot.0 as usize].kind, SlotKind::Aggregate { .. });
    assert_eq!(spec.variables[0].checks[0].slots().iter().filter(|slot| counts(slot)).count(), 2);
}

#[test]
fn a_variable_of_both_branches_checks_in_whichever_order_it_comes() {
    let spec = spec_of("SELECT a.id FROM PATTERN (A a -> B b | B b -> A a) WHERE a.x = b.x WITHIN 1m");
    assert_eq!(checks(&spec), named(&[("a", 1, 0), ("b", 1, 0)]));
    assert_eq!(spec.variables.len(), 2);
}

#[test]
fn until_with_a_condition_is_a_variable_on_the_loops_own_event() {
    let spec = spec_of("SELECT COUNT(a) AS n FROM PATTERN (A a+ UNTIL (x > 5 AND a.id < 9 AND x > LAST(a.x)) -> C) WITHIN 1m");
    let until = &spec.variables[1];
    assert_eq!((until.kind, until.checks.len(), until.input), (VariableKind::Until, 3, 0));
    let of = |slot: &betide::expr::SlotId| match &spec.slots[slot.0 as usize].kind {
        SlotKind::Column { variables, .. } => variables.clone(),
        other => panic!("a column, not {other:?}"),
    };
    let read: Vec<Vec<VariableId>> = until.checks.iter().flat_map(|check| check.slots()).map(|slot| of(&slot)).collect();
    assert_eq!(read, [[VariableId(1)], [VariableId(1)], [VariableId(1)], [VariableId(0)]], "plain columns are the event at hand");
}

#[test]
fn what_asks_for_every_way_makes_all_matches() {
    for (query, mode) in [
        ("SELECT A.id FROM PATTERN (A -> B) WITHIN 1m", Mode::OnePerStart),
        ("SELECT A.id FROM PATTERN (A ->> B) WITHIN 1m", Mode::AllMatches),
        ("SELECT A.id FROM PATTERN (A -> (B+ ANY -> C)?) WITHIN 1m", Mode::AllMatches),
        ("SELECT ALL MATCHES A.id FROM PATTERN (A -> B) WITHIN 1m", Mode::AllMatches),
    ] {
        assert_eq!(spec_of(query).mode, mode, "{query}");
    }
}

#[test]
fn a_partition_column_needs_no_variable_in_select() {
    let spec = spec_of("SELECT k FROM PATTERN (A? -> B -> C) PARTITION BY k WITHIN 1m");
    assert!(matches!(&spec.slots[0].kind, SlotKind::Column { variables, .. } if *variables == [VariableId(1)]), "B always takes an event");
    assert_eq!(spec.partition.by_input.len(), 3);
    assert!(!spec.partition.null_takes_no_part);
    let either = spec_of("SELECT k FROM PATTERN (A | B) PARTITION BY k");
    assert_eq!(either.outputs[0].slots().len(), 2, "that of the branch that matched");
    let equal = spec_of("SELECT A.k FROM PATTERN (A -> B) PARTITION BY A.k = B.k WITHIN 1m");
    assert!(equal.partition.null_takes_no_part);
}

#[test]
fn star_is_one_object_or_list_a_step() {
    let spec = spec_of("SELECT * FROM PATTERN (A -> !B -> C{2}) WITHIN 1m");
    let columns: Vec<String> = spec.schema.fields().iter().map(|f| format!("{} {}", f.name, f.data_type)).collect();
    let object = "STRUCT<id INT, k STRING, x FLOAT, at TIMESTAMP>";
    assert_eq!(columns, [format!("A {object}"), format!("C LIST<{object}>")]);
}

#[test]
fn a_timeout_row_adds_the_step() {
    let spec = spec_of("SELECT A.id, B.x FROM PATTERN (A -> B) WITHIN 1m TIMEOUT INTO Late");
    let timeout = spec.timeout.expect("there is one");
    assert_eq!(timeout.fields().iter().map(|f| &*f.name).collect::<Vec<_>>(), ["id", "x", "step"]);
}

#[test]
fn lasting_state_is_an_error_where_the_input_never_ends() {
    for (query, code) in [
        ("SELECT A.id FROM PATTERN (A -> B)", Some("E0332")),
        ("SELECT A.id FROM PATTERN (A , B)", None),
        ("SELECT A.id FROM PATTERN (A , B+ STRICT)", None),
        ("SELECT A.id FROM PATTERN (A)", None),
        ("SELECT A.id FROM PATTERN (!B -> A)", None),
        ("SELECT A.id FROM PATTERN (A -> B) RUNS LATEST", None),
        ("SELECT A.id FROM PATTERN (A -> B) WITHIN 100 EVENTS", None),
        ("SELECT A.id FROM PATTERN (A -> B{2,})", Some("E0333")),
        ("SELECT A.id FROM PATTERN (A -> B{2,3})", Some("E0333")),
        ("SELECT A.id FROM PATTERN (A -> B{2})", Some("E0332")),
        ("SELECT A.id FROM PATTERN (A , B? -> C?)", Some("E0333")),
        ("SELECT * FROM A MATCH_RECOGNIZE (MEASURES X.x AS x PATTERN (X Y*) DEFINE Y AS Y.x > 1)", None),
        ("SELECT * FROM A MATCH_RECOGNIZE (MEASURES X.x AS x PATTERN (X Y*))", Some("E0416")),
        ("SELECT * FROM A MATCH_RECOGNIZE (MEASURES X.x AS x PATTERN (X Y*) WITHIN 1m)", None),
        ("SELECT * FROM A MATCH_RECOGNIZE (MEASURES X.x AS x PATTERN (X $))", Some("E0416")),
    ] {
        let program = format!("{STREAMS}{query};");
        let (endless, ending) = (checked(&program, true), checked(&program, false));
        let errors: Vec<&str> = endless.iter().filter(|d| d.severity == Severity::Error).map(|d| d.code.0).collect();
        assert_eq!(errors, code.into_iter().collect::<Vec<_>>(), "{query}");
        assert!(!ending.has_errors(), "{query}: {}", said(&ending));
        assert_eq!(ending.iter().any(|d| Some(d.code.0) == code), code.is_some(), "{query}: a warning where the input ends");
    }
}

#[test]
fn all_mistakes_of_a_pattern_are_told_at_once() {
    let program = format!(
        "{STREAMS}SELECT A.nope, B.id FROM PATTERN (A , !B FOR 1s) WHERE A.y > 1 AND q.x = 2 WITHIN 1m AFTER MATCH SKIP TO LAST z;"
    );
    let codes: Vec<&str> = checked(&program, false).iter().map(|d| d.code.0).collect();
    assert_eq!(codes, ["E0304"], "what depends on a wrong tree is left alone");
    let program = format!(
        "{STREAMS}SELECT A.nope, B.id FROM PATTERN (A -> !B FOR 1s) WHERE A.y > 1 AND q.x = 2 WITHIN 1m AFTER MATCH SKIP TO LAST z;"
    );
    let codes: Vec<&str> = checked(&program, false).iter().map(|d| d.code.0).collect();
    assert_eq!(codes, ["E0317", "E0313", "E0317", "E0316", "E0328"]);
}

#[test]
fn measures_are_final_for_one_row_and_running_for_all_rows() {
    let finals = |rows: &str, measure: &str| {
        let spec =
            spec_of(&format!("SELECT * FROM A MATCH_RECOGNIZE (MEASURES {measure} AS m {rows} PATTERN (X Y) DEFINE Y AS LAST(X.id) > 1)"));
        let measure = spec.schema.index_of("m").expect("the measure");
        match &spec.slots[spec.outputs[measure].slots()[0].0 as usize].kind {
            SlotKind::Column { is_final, .. } | SlotKind::Aggregate { is_final, .. } => *is_final,
            other => panic!("{other:?}"),
        }
    };
    assert!(finals("", "LAST(X.x)") && finals("", "SUM(X.x)") && !finals("", "RUNNING LAST(X.x)"));
    assert!(
        !finals("ALL ROWS PER MATCH", "X.x")
            && finals("ALL ROWS PER MATCH", "FINAL LAST(X.x)")
            && !finals("ALL ROWS PER MATCH", "SUM(X.x)")
    );
}

#[test]
fn navigation_of_an_expression_reads_each_of_its_columns_there() {
    let spec = spec_of("SELECT * FROM A MATCH_RECOGNIZE (MEASURES PREV(FIRST(X.x + X.id, 2), 3) AS m PATTERN (X+ Y))");
    let read: Vec<(usize, NavigationBase, i64)> = spec.outputs[0]
        .slots()
        .iter()
        .map(|slot| match &spec.slots[slot.0 as usize].kind {
            SlotKind::Column { column, base, physical, .. } => (*column, *base, *physical),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(read, [(2, NavigationBase::First(2), -3), (0, NavigationBase::First(2), -3)]);
}

#[test]
fn all_rows_give_partition_order_measures_and_the_rest() {
    let query = "SELECT * FROM A MATCH_RECOGNIZE (PARTITION BY k ORDER BY at MEASURES COUNT(X.id + MATCH_NUMBER()) AS n ALL ROWS PER MATCH PATTERN (X Y))";
    let spec = spec_of(query);
    let names: Vec<&str> = spec.schema.fields().iter().map(|f| &*f.name).collect();
    assert_eq!(names, ["k", "at", "n", "id", "x", "START_TIME", "END_TIME"]);
    assert_eq!(spec.rows, RowOutput::AllRows { show_empty: true, with_unmatched: false });
    assert!(spec.slots.iter().any(|slot| matches!(slot.kind, SlotKind::AggregateOverSlots { .. })));
    let current = |index: usize| matches!(spec.slots[spec.outputs[index].slots()[0].0 as usize].kind, SlotKind::CurrentRow(_));
    assert_eq!((0..7).map(current).collect::<Vec<_>>(), [true, true, false, true, true, false, false]);
    let program =
        format!("{STREAMS}SELECT n, start_time AS s, m.END_TIME FROM A MATCH_RECOGNIZE (MEASURES COUNT(*) AS n PATTERN (X Y)) m;");
    assert!(!checked(&program, false).has_errors());
}
