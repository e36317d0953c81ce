//! The two references against each other: a pattern of `,` alone over one stream is a row pattern.
//! In: random strict patterns, written once as FROM PATTERN and once as MATCH_RECOGNIZE. Out: the same matches.
//! The one evaluator keeps ordered threads, the other backtracks; they share only values and expressions.

mod support;

use serde_json::Value as Json;
use support::mr_program::RowQuery;
use support::program::Program;
use support::random::{self, Random};
use support::{cases, mr_reference, reference};

const STREAM: &str = "CREATE STREAM S (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;\n";

#[derive(Default)]
struct Written {
    variables: Vec<String>,
    defines: Vec<String>,
}

impl Written {
    /// A pattern in both languages; it takes at least one event.
    fn pattern(&mut self, random: &mut Random, depth: usize) -> (String, String) {
        let count = 1 + random.below(3);
        let parts: Vec<(String, String)> = (0..count).map(|_| self.element(random, depth)).collect();
        let joined = |sign: &str, of: fn(&(String, String)) -> &String| parts.iter().map(|p| of(p).as_str()).collect::<Vec<_>>().join(sign);
        let (own, rows) = (joined(" , ", |p| &p.0), joined(" ", |p| &p.1));
        if depth < 2 && random.chance(25) {
            let (other_own, other_rows) = self.pattern(random, depth + 1);
            return (format!("({own} | {other_own})"), format!("({rows} | {other_rows})"));
        }
        (own, rows)
    }

    fn element(&mut self, random: &mut Random, depth: usize) -> (String, String) {
        let quantifier = random.pick(&["", "", "+", "{2}", "{1,2}", "{2,}", "+?", "{1,3}?"]);
        let strict = if quantifier.is_empty() { "" } else { " STRICT" };
        if depth < 2 && random.chance(25) {
            let (own, rows) = self.pattern(random, depth + 1);
            return (format!("({own}){quantifier}{strict}"), format!("({rows}){quantifier}"));
        }
        let name = format!("v{}", self.variables.len() + 1);
        let condition = format!("x {} {}", random.pick(&["<", ">", "<=", ">=", "<>"]), random.below(6));
        self.variables.push(name.clone());
        self.defines.push(format!("{name} AS {}", condition.replace('x', &format!("{name}.x"))));
        (format!("S[{condition}] {name}{quantifier}{strict}"), format!("{name}{quantifier}"))
    }
}

#[test]
fn strict_patterns_are_row_patterns() {
    let mut rows = 0;
    for seed in 0..random::pairs(1500) {
        let random = &mut Random::new(seed ^ 0x77);
        let mut written = Written::default();
        let (own, row_pattern) = written.pattern(random, 0);
        let (after, skip) = *random.pick(&[
            &("", "TO NEXT ROW"),
            &("AFTER MATCH SKIP PAST LAST EVENT", "PAST LAST ROW"),
            &("AFTER MATCH SKIP TO LAST v1", "TO LAST v1"),
        ]);
        let within = random.pick(&["", "", "WITHIN 3s", "WITHIN 4 EVENTS"]);
        let of = |v: &String| format!("ARRAY_AGG({v}.id) AS {v}");
        let items = written.variables.iter().map(of).collect::<Vec<_>>().join(", ");
        let one = format!("{STREAM}SELECT {items} FROM PATTERN ({own}) {within} {after};");
        let two = format!(
            "{STREAM}SELECT {} FROM S MATCH_RECOGNIZE (ORDER BY at MEASURES {items} AFTER MATCH SKIP {skip} PATTERN ({row_pattern}) {within} DEFINE {});",
            written.variables.join(", "),
            written.defines.join(", ")
        );
        let input = random::stream(random, 14, &["S"]);
        let program = Program::parse(&one).unwrap_or_else(|why| panic!("{why}: {one}"));
        let by_threads: Vec<Json> = reference::run(&program, &cases::events(&program.streams, &input).unwrap());
        let query = RowQuery::parse(&two).unwrap_or_else(|why| panic!("{why}: {two}"));
        let Some(by_backtracking) = mr_reference::run(&query, &cases::events(&query.streams, &input).unwrap()) else { continue };
        rows += by_threads.len();
        assert!(
            cases::same_bag(&by_backtracking, &by_threads),
            "seed {seed}\n{one}\n{two}\n{}\nbacktracking {}\nthreads {}",
            input.iter().map(Json::to_string).collect::<Vec<_>>().join("\n"),
            Json::Array(by_backtracking),
            Json::Array(by_threads)
        );
    }
    assert!(rows > 1000, "only {rows} matches");
}
