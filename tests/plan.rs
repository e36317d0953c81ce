//! The operator graph as users see it: `explain`, the columns that are decoded, and what is told of state without bound.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

use betide::text::render;
use betide::{Engine, Options};

const PAYMENT: &str = "CREATE STREAM Payment (card STRING, amount FLOAT, country STRING, at TIMESTAMP) TIMESTAMP BY at DELAY 5 seconds;\n";

fn engine(program: &str) -> Engine {
    Engine::with_options(&format!("{PAYMENT}{program}"), &Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn explain_says_what_feeds_what() {
    let engine = engine(
        "CREATE STREAM Big AS SELECT card, amount * (1 + 1) AS twice, country FROM Payment WHERE amount > 500;
        SELECT card, COUNT(*) AS n FROM Big WHERE twice < 5000 WINDOW TUMBLING 1 minute GROUP BY card;
        SELECT a.card, b.twice FROM Payment a LEFT JOIN Big b ON a.card = b.card WITHIN 5 minutes;",
    );
    let expected = "\
source Payment
    every event
    time at, delay 5s
    decodes card STRING, amount FLOAT
1 filter ← Payment
    amount > 500.0
    state O(1)
2 project ← 1
    card, amount * 2.0 AS twice, NULL AS country
    state O(1)
3 filter ← 2
    twice < 5000.0
    state O(1)
4 window ← 3
    for each (card): windows of 1m; rows come out when the watermark passes the end
    COUNT(*)
    state O(window)
5 project ← 4
    card, COUNT(*) AS n
    state O(1)
6 join ← Payment, 2
    pairs, and left rows without a partner
    with left card = right card
    at most 5m apart
    rows come out when the watermark says that nothing changes them any more
    state O(window)
7 project ← 6
    card, twice
    state O(1)
output statement 2 ← 5
output statement 3 ← 7
";
    assert_eq!(engine.explain(), expected);
}

#[test]
fn filters_that_follow_each_other_become_one_and_true_ones_go() {
    let engine = engine("SELECT card FROM (SELECT card, amount FROM Payment WHERE 1 < 2) p WHERE amount > 5;");
    let explained = engine.explain();
    assert_eq!(explained.matches("filter").count(), 1, "{explained}");
}

#[test]
fn state_that_grows_for_ever_is_told_and_refused_where_input_never_ends() {
    let program = format!("{PAYMENT}SELECT card, ARRAY_AGG(amount) AS amounts FROM Payment GROUP BY card;");
    let engine = Engine::with_options(&program, &Options::default()).unwrap();
    let told = render(engine.warnings(), engine.source(), false);
    assert!(told.starts_with("warning[E0503]: this aggregate keeps every value for ever"), "{told}");
    let endless = Options { endless: true, ..Options::default() };
    let error = Engine::with_options(&program, &endless).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("error[E0503]: this aggregate keeps every value for ever, and the input never ends"), "{error}");
    let bounded = program.replace("GROUP BY", "WINDOW TUMBLING 1 minute GROUP BY");
    assert!(Engine::with_options(&bounded, &endless).unwrap().warnings().is_empty());
}

#[test]
fn an_output_that_does_not_exist_is_told_with_its_neighbours() {
    let options = Options { outputs: vec!["Paymen".to_owned()], ..Options::default() };
    let error = Engine::with_options(&format!("{PAYMENT}SELECT card FROM Payment;"), &options).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("no stream `Paymen` to write") && error.contains("`Payment`"), "{error}");
}
