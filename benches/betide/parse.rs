//! Text to tree, and text to running program.

use betide::Engine;
use betide::syntax::parse;
use betide::text::Source;
use criterion::{Criterion, Throughput};

/// So many statements of all kinds.
fn program(statements: usize) -> String {
    let mut text = String::from("CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at DELAY 5 seconds;\n");
    for number in 0..statements {
        text += &match number % 3 {
            0 => format!(
                "CREATE STREAM Large{number} AS SELECT card, amount * 1.1 AS gross FROM Payment WHERE amount > {number} AND card LIKE '4%';\n"
            ),
            1 => format!(
                "SELECT card, SUM(amount) AS total{number} FROM Payment WINDOW HOPPING 10m EVERY 1m GROUP BY card HAVING COUNT(*) > 3;\n"
            ),
            _ => format!(
                "SELECT c.card, COUNT(a) AS n{number} FROM PATTERN (Payment a{{3,}} -> (Payment b | Payment d) -> Payment c)
                 PARTITION BY card WHERE a.amount < 2 AND c.amount > 500 WITHIN 10 minutes;\n"
            ),
        };
    }
    text
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let text = program(300);
    let source = Source::new("bench.tide", text.clone());
    let (_, told) = parse(&source);
    assert!(told.is_empty(), "the program parses");
    assert_eq!(Engine::compile(&text).map(|engine| engine.outputs().count()).ok(), Some(300), "the program compiles");
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("300_statements", |bencher| bencher.iter(|| parse(&source)));
    group.sample_size(10);
    group.bench_function("300_statements_compiled", |bencher| bencher.iter(|| Engine::compile(&text)));
    group.finish();
}
