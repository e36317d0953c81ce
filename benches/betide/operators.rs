//! Each kind of operator by itself: Arrow batches in, Arrow batches out, no JSON on the way.

use arrow_array::RecordBatch;
use betide::Engine;
use criterion::{BatchSize, Criterion, Throughput};

use crate::events;

const SOURCE: &str = "CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at;";

/// Group, name, query, and how many rows it must give. The numbers were found by naive loops in Python over the same events.
const QUERIES: &[(&str, &str, &str, usize)] = &[
    ("filter", "half_pass", "SELECT card, amount FROM Payment WHERE amount > 500", 50_037),
    ("filter", "few_pass", "SELECT card, amount * 1.1 AS gross FROM Payment WHERE amount > 999 AND card LIKE 'card-1%'", 6),
    (
        "window",
        "tumbling_1m_by_card",
        "SELECT card, SUM(amount) AS total, COUNT(*) AS n FROM Payment WINDOW TUMBLING 1m GROUP BY card",
        15_970,
    ),
    ("window", "hopping_1m_every_10s", "SELECT AVG(amount) AS mean FROM Payment WINDOW HOPPING 1m EVERY 10s", 101),
    (
        "window",
        "hopping_1m_every_10s_by_card",
        "SELECT card, AVG(amount) AS mean, MAX(amount) AS most FROM Payment WINDOW HOPPING 1m EVERY 10s GROUP BY card",
        98_818,
    ),
    ("window", "sliding_1m_by_card", "SELECT card, MAX(amount) AS most FROM Payment WINDOW SLIDING 1m GROUP BY card", events::EVENTS),
    ("window", "session_5s_by_card", "SELECT card, COUNT(*) AS n FROM Payment WINDOW SESSION 5s GROUP BY card", 59_244),
    (
        "join",
        "by_card_within_1s",
        "SELECT a.card, b.amount FROM Payment a JOIN Payment b ON a.card = b.card AND a.amount < b.amount WITHIN 1s",
        10_582,
    ),
    (
        "join",
        "left_by_card_2s_after",
        "WITH Large AS (SELECT card, amount FROM Payment WHERE amount > 900)
         SELECT a.card, b.amount FROM Payment a LEFT JOIN Large b ON a.card = b.card WITHIN 0s BEFORE AND 2s AFTER",
        100_211,
    ),
    (
        "join",
        "asof_by_card",
        "WITH Large AS (SELECT card, amount FROM Payment WHERE amount > 900)
         SELECT a.card, b.amount FROM Payment a ASOF JOIN Large b ON a.card = b.card",
        91_089,
    ),
    (
        "sequence",
        "two_steps_by_card",
        "SELECT a.card, b.amount FROM PATTERN (Payment a -> Payment b) PARTITION BY card
         WHERE a.amount > 990 AND b.amount < 10 WITHIN 1m",
        64,
    ),
    (
        "sequence",
        "loop_by_card",
        "SELECT c.card, COUNT(a) AS n FROM PATTERN (Payment a{3,} -> Payment c) PARTITION BY card
         WHERE a.amount < 100 AND c.amount > 900 WITHIN 1m",
        236,
    ),
    (
        "sequence",
        "absence_by_card",
        "SELECT a.card FROM PATTERN (Payment a -> !Payment b) PARTITION BY card WHERE a.amount > 990 AND b.amount < 500 WITHIN 10s",
        561,
    ),
    (
        "sequence",
        "rising_in_a_row",
        "SELECT a.card, LAST(b.amount) AS top FROM PATTERN (Payment a , Payment b{4} STRICT) PARTITION BY card
         WHERE b.amount > a.amount AND b.amount > PREV(b.amount) WITHIN 5m",
        813,
    ),
    (
        "sequence",
        "compared_next_by_card",
        "SELECT a.card, b.amount, c.at FROM PATTERN (Payment a -> Payment b -> Payment c) PARTITION BY card
         WHERE a.amount < 50 AND b.amount > 10 * a.amount AND c.amount > b.amount WITHIN 2m",
        4_125,
    ),
    (
        "sequence",
        "compared_all_by_card",
        "SELECT a.card, b.amount, c.at FROM PATTERN (Payment a ->> Payment b ->> Payment c) PARTITION BY card
         WHERE a.amount < 50 AND b.amount > 10 * a.amount AND c.amount > b.amount WITHIN 2m",
        106_083,
    ),
    (
        "sequence",
        "compared_strict_by_card",
        "SELECT a.card, b.amount, c.at FROM PATTERN (Payment a , Payment b , Payment c) PARTITION BY card
         WHERE a.amount < 200 AND b.amount > 2 * a.amount AND c.amount > b.amount WITHIN 2m
         AFTER MATCH SKIP PAST LAST EVENT",
        6_121,
    ),
    (
        "threads",
        "v_shape_by_card",
        "SELECT s.card, LAST(d.at) AS bottom, LAST(u.at) AS top
         FROM PATTERN (Payment s , Payment d+ STRICT , Payment u+ STRICT , Payment e) PARTITION BY card
         WHERE FIRST(d.amount) < s.amount AND d.amount < PREV(d.amount) AND FIRST(u.amount) > LAST(d.amount)
           AND u.amount > PREV(u.amount) AND e.amount <= LAST(u.amount)
         WITHIN 1 day AFTER MATCH SKIP TO LAST u",
        32_169,
    ),
    (
        "threads",
        "gaps_by_card",
        "SELECT card, a_at, c_at FROM Payment MATCH_RECOGNIZE (
           PARTITION BY card ORDER BY at MEASURES A.at AS a_at, C.at AS c_at
           PATTERN (A X*? B Y*? C) WITHIN 1m
           DEFINE A AS A.amount < 50, B AS B.amount > 4 * A.amount AND B.amount < 500, C AS C.amount > B.amount AND C.amount < 600)",
        2_702,
    ),
    (
        "threads",
        "greedy_loop_by_card",
        "SELECT a.card, COUNT(b) AS n, c.amount FROM PATTERN (Payment a -> Payment b+ -> Payment c) PARTITION BY card
         WHERE a.amount > 900 AND b.amount < a.amount / 4 AND c.amount > a.amount WITHIN 5m",
        5_728,
    ),
    (
        "sequence",
        "any_loop_listed",
        "SELECT ALL MATCHES a.at AS start, ARRAY_AGG(b.at) AS low, c.at AS stop FROM PATTERN (Payment a ->> Payment b+ ANY ->> Payment c)
         WHERE a.amount > 990 AND b.amount < 10 AND c.amount > 990 WITHIN 5s",
        143_378,
    ),
    (
        "sequence",
        // Of 100 billion matches; the windows' counts are sorted, and lie between the eighth and the ninth.
        "any_loop_counted",
        "SELECT COUNT(*) AS trends FROM (
             SELECT ALL MATCHES a.at FROM PATTERN (Payment a ->> Payment b+ ANY ->> Payment c)
             WHERE a.amount > 990 AND b.amount < 10 AND c.amount > 990 WITHIN 20s
         ) WINDOW TUMBLING 1m HAVING COUNT(*) > 3850240513",
        8,
    ),
];

fn engine(query: &str) -> Engine {
    Engine::compile(&format!("{SOURCE}\n{query};")).unwrap_or_else(|told| panic!("{query}: {told:?}"))
}

/// How many rows the query gives.
fn run(mut engine: Engine, batches: &[RecordBatch]) -> usize {
    let mut rows = 0;
    for batch in batches {
        engine.push_batch("Payment", batch).expect("the batches fit");
        rows += rows_of(&mut engine);
    }
    engine.finish().expect("nothing is full");
    rows + rows_of(&mut engine)
}

fn rows_of(engine: &mut Engine) -> usize {
    engine.take_batches().iter().map(|(_, rows)| rows.num_rows()).sum()
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let batches = events::batches(&events::payments(events::EVENTS));
    let wrong: Vec<(&str, usize, usize)> = QUERIES
        .iter()
        .map(|(_, name, query, rows)| (*name, *rows, run(engine(query), &batches)))
        .filter(|(_, expected, found)| expected != found)
        .collect();
    assert!(wrong.is_empty(), "other rows than expected (name, expected, found): {wrong:?}");
    for (kind, name, query, _) in QUERIES {
        let mut group = criterion.benchmark_group(*kind);
        group.throughput(Throughput::Elements(events::EVENTS as u64));
        group.sample_size(10);
        group
            .bench_function(*name, |bencher| bencher.iter_batched(|| engine(query), |engine| run(engine, &batches), BatchSize::LargeInput));
        group.finish();
    }
}
