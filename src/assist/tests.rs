//! What editors ask, on programs that are whole, broken and half-written.

use super::{Analysis, Kind};

const PROGRAM: &str = "SET limit = 500;
CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at DELAY 5 seconds;
CREATE STREAM Hit AS
SELECT hit.card, COUNT(probe) AS probes, hit.amount
FROM PATTERN (Payment[amount < 2] probe{3,} -> Payment hit)
PARTITION BY card
WHERE hit.amount > $limit
WITHIN 10 minutes;
SELECT h.card, UPPER(h.card) AS loud FROM Hit h JOIN Payment p ON h.card = p.card WITHIN 1m WHERE probes > 3;
";

/// Where a text stands: behind `behind`, at the `nth` time (from 0).
fn at(text: &str, what: &str, nth: usize) -> usize {
    text.match_indices(what).nth(nth).unwrap_or_else(|| panic!("{what} {nth}")).0
}

fn defined<'t>(text: &'t str, analysis: &Analysis, place: usize) -> Option<(&'t str, usize)> {
    let span = analysis.definition(place)?;
    Some((&text[span.start as usize..span.end as usize], span.start as usize))
}

#[test]
fn names_lead_to_their_definitions() {
    let analysis = Analysis::new(PROGRAM);
    assert!(analysis.diagnostics().is_empty(), "{:?}", analysis.diagnostics());
    let cases = [
        ("hit.card", 0, at(PROGRAM, "hit)", 0)),
        ("card, COUNT", 0, at(PROGRAM, "card STRING", 0)),
        ("probe)", 0, at(PROGRAM, "probe{", 0)),
        ("amount < 2", 0, at(PROGRAM, "amount FLOAT", 0)),
        ("Payment hit", 0, at(PROGRAM, "Payment (", 0)),
        ("$limit", 0, at(PROGRAM, "limit =", 0)),
        ("Hit h", 0, at(PROGRAM, "Hit AS", 0)),
        ("probes > 3", 0, at(PROGRAM, "probes,", 0)),
        ("card = p", 0, at(PROGRAM, "card, COUNT", 0)),
        ("card WITHIN", 0, at(PROGRAM, "card STRING", 0)),
        ("card\nWHERE", 0, at(PROGRAM, "card STRING", 0)),
    ];
    for (what, nth, expected) in cases {
        let found = defined(PROGRAM, &analysis, at(PROGRAM, what, nth));
        assert_eq!(found.map(|(_, start)| start), Some(expected), "{what}: {found:?}");
    }
    assert_eq!(analysis.definition(at(PROGRAM, "UPPER", 0)), None, "a function is defined nowhere in the program");
    assert_eq!(analysis.definition(at(PROGRAM, "WITHIN", 0)), None);
}

#[test]
fn words_are_described() {
    let analysis = Analysis::new(PROGRAM);
    let told = |what: &str| analysis.describe(at(PROGRAM, what, 0)).map(|found| found.markdown).unwrap_or_default();
    assert!(told("probes > 3").contains("probes INT"));
    assert!(told("Hit h").contains("Hit (card STRING, probes INT, amount FLOAT)"));
    assert!(told("hit.card").contains("Payment hit"));
    assert!(told("UPPER").contains("UPPER(") && told("COUNT").contains("COUNT"));
    assert!(told("$limit").contains("parameter"));
    assert_eq!(told("DELAY"), "");
}

#[test]
fn match_recognize_has_variables_too() {
    let text = "CREATE STREAM Trade (symbol STRING, price FLOAT, at TIMESTAMP) TIMESTAMP BY at;
SELECT m.symbol, top FROM Trade MATCH_RECOGNIZE (PARTITION BY symbol ORDER BY at MEASURES LAST(UP.price) AS top
PATTERN (DOWN UP+) WITHIN 1h DEFINE DOWN AS price < 3, UP AS UP.price > PREV(UP.price)) m;";
    let analysis = Analysis::new(text);
    assert!(analysis.diagnostics().is_empty(), "{:?}", analysis.diagnostics());
    assert_eq!(defined(text, &analysis, at(text, "top FROM", 0)), Some(("top", at(text, "top\n", 0))));
    assert_eq!(defined(text, &analysis, at(text, "price) AS", 0)), Some(("price", at(text, "price FLOAT", 0))));
    assert_eq!(defined(text, &analysis, at(text, "UP+", 0)), Some(("UP", at(text, "UP AS", 0))));
    assert_eq!(defined(text, &analysis, at(text, "m.symbol", 0)), Some(("m", at(text, "m;", 0))));
}

fn labels(text: &str, kind: Kind) -> Vec<String> {
    let place = text.find('¦').unwrap();
    let analysis = Analysis::new(&text.replace('¦', ""));
    analysis.complete(place).into_iter().filter(|found| found.kind == kind).map(|found| found.label).collect()
}

#[test]
fn what_could_stand_next_is_offered_in_a_half_written_statement() {
    let whole = "CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nSET limit = 3;\n";
    let with = |rest: &str| format!("{whole}{rest}");
    assert_eq!(labels(&with("SELECT card FROM ¦"), Kind::Stream), ["Payment"]);
    assert_eq!(labels(&with("SELECT card FROM Pay¦"), Kind::Stream), ["Payment"]);
    assert_eq!(labels(&with("SELECT p.card FROM PATTERN (¦"), Kind::Stream), ["Payment"]);
    assert_eq!(labels(&with("SELECT p.card FROM PATTERN (Payment p -> ¦)"), Kind::Stream), ["Payment"]);
    assert_eq!(labels(&with("SELECT p.card FROM PATTERN (Payment p -> !Pa¦)"), Kind::Stream), ["Payment"]);
    assert_eq!(labels(&with("SELECT p.¦ FROM Payment p;"), Kind::Column), ["card", "amount", "at"]);
    assert_eq!(labels(&with("SELECT p.am¦ FROM PATTERN (Payment[amount > 1] p -> Payment q)"), Kind::Column), ["card", "amount", "at"]);
    assert_eq!(labels(&with("SELECT ¦ FROM Payment AS p;"), Kind::Column), ["card", "amount", "at"]);
    assert_eq!(labels(&with("SELECT ¦ FROM Payment AS p;"), Kind::Variable), ["p"]);
    assert!(labels(&with("SELECT ¦ FROM Payment;"), Kind::Function).contains(&"COUNT".to_owned()));
    assert!(labels(&with("SELECT card FROM Payment ¦"), Kind::Keyword).contains(&"WHERE".to_owned()));
    assert_eq!(labels(&with("SELECT card FROM Payment WHERE amount > $¦"), Kind::Parameter), ["$limit"]);
    assert_eq!(labels(&with("SELECT card FROM Payment WHERE amount > $li¦;"), Kind::Parameter), ["$limit"]);
    for blank in ["SELECT 'a ¦ b' FROM Payment;", "-- SELECT ¦\nSELECT card FROM Payment;", "/* ¦ */ SELECT card FROM Payment;"] {
        assert!(labels(&with(blank), Kind::Keyword).is_empty(), "{blank}");
    }
}

#[test]
fn a_wrong_statement_does_not_spoil_the_others() {
    let text =
        "CREATE STREAM Payment (card STRING, at TIMESTAMP) TIMESTAMP BY at;\nSELCT card FROM Payment;\nSELECT card, nme FROM Payment;";
    let analysis = Analysis::new(text);
    assert_eq!(analysis.diagnostics().iter().count(), 2);
    assert_eq!(defined(text, &analysis, at(text, "card, nme", 0)).map(|(_, start)| start), Some(at(text, "card STRING", 0)));
    let names: Vec<String> = analysis.symbols().into_iter().map(|symbol| symbol.name).collect();
    assert_eq!(names, ["Payment", "SELECT"]);
}

#[test]
fn every_place_of_every_cut_of_a_program_has_an_answer() {
    for end in (0..=PROGRAM.len()).step_by(9) {
        let analysis = Analysis::new(&PROGRAM[..end]);
        for place in (0..=end).step_by(7).chain([end]) {
            analysis.complete(place);
            analysis.describe(place);
            analysis.definition(place);
        }
    }
}
