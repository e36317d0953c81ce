//! A thousand rules over one stream: text to running program, and lines in to rows out.

use betide::Engine;
use criterion::{BatchSize, Criterion, Throughput};

use crate::rules::{self, Mix};

const RULES: usize = 1000;
const EVENTS: usize = 50_000;

fn run(mut engine: Engine, lines: &[u8]) -> u64 {
    let mut out = Vec::new();
    let mut rows = 0;
    for chunk in lines.chunks(256 << 10) {
        engine.push_json(chunk).expect("nothing is full");
        rows += engine.write_rows(&mut out).expect("a vector takes all");
        out.clear();
    }
    engine.finish().expect("nothing is full");
    rows + engine.write_rows(&mut out).expect("a vector takes all")
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let all = rules::rules(RULES);
    let program = rules::program(&all);
    let engine = || Engine::compile(&program).unwrap_or_else(|told| panic!("{told:?}"));
    let mut group = criterion.benchmark_group("many_rules");
    group.sample_size(10);
    group.throughput(Throughput::Elements(RULES as u64));
    group.bench_function("compile_1000", |bencher| bencher.iter(engine));
    group.throughput(Throughput::Elements(EVENTS as u64));
    for (name, mix) in [("quiet_1000", Mix::Quiet), ("busy_1000", Mix::Busy)] {
        let mut lines = String::new();
        rules::events(EVENTS, RULES, mix).for_each(|event| rules::json_line(&event, &mut lines));
        let expected = rules::count(&all, rules::events(EVENTS, RULES, mix));
        assert_eq!(run(engine(), lines.as_bytes()), expected, "{name} gives other rows");
        group.bench_function(name, |bencher| bencher.iter_batched(engine, |engine| run(engine, lines.as_bytes()), BatchSize::LargeInput));
    }
    group.finish();
}
