//! The parser over whole programs: the conformance programs where they are present, deep ones, long ones, and broken ones.
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]
#![allow(clippy::print_stdout, reason = "a test may say what it skips")]

use std::path::{Path, PathBuf};

use betide::syntax::{self, ast};
use betide::text::{Source, render};

/// The programs of the conformance and benchmark files beside the repository (or where BETIDE_SHARED says), each with its id and whether its form is wrong.
fn shared_programs() -> Vec<(String, String, bool)> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let shared = std::env::var_os("BETIDE_SHARED").map_or(beside, PathBuf::from);
    let files = |folder: &str, ending: &str| -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(shared.join(folder)) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|found| found == ending));
        paths.sort();
        paths
    };
    let mut programs = Vec::new();
    for path in files("conformance", "jsonl") {
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let is_wrong = case["expect"]["error"] == "syntax";
            programs.push((case["id"].as_str().unwrap().to_owned(), case["program"].as_str().unwrap().to_owned(), is_wrong));
        }
    }
    for path in files("bench", "json") {
        let cases: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in cases.as_array().unwrap() {
            programs.push((case["name"].as_str().unwrap().to_owned(), case["program"].as_str().unwrap().to_owned(), false));
        }
    }
    if programs.is_empty() {
        println!("skipped: ../shared is not there");
    }
    programs
}

fn parse(text: &str) -> (ast::File, String) {
    let source = Source::new("test.tide", text);
    let (file, diagnostics) = syntax::parse(&source);
    let mut told = render(&diagnostics, &source, false);
    if !diagnostics.is_empty() && told.is_empty() {
        told = format!("{diagnostics:#?}");
    }
    (file, told)
}

#[test]
fn every_shared_program_parses() {
    let mut wrong = Vec::new();
    for (id, program, is_wrong) in shared_programs() {
        let (file, told) = parse(&program);
        if !is_wrong && (!told.is_empty() || file.statements.len() != program.matches(';').count()) {
            wrong.push(format!("{id}\n{program}\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "{} programs do not parse:\n{}", wrong.len(), wrong.join("\n"));
}

/// Runs on a thread with a stack of 1 MiB.
fn on_small_stack<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap()
}

/// Programs that nest to a depth, each with a name.
fn nested(depth: usize) -> Vec<(&'static str, String)> {
    let around = |before: &str, middle: &str, after: &str| format!("{}{middle}{}", before.repeat(depth), after.repeat(depth));
    let select = |expr: String| format!("SELECT {expr} FROM S;");
    let pattern = |pattern: String| format!("SELECT a FROM PATTERN ({pattern});");
    let rows = |pattern: String| format!("SELECT a FROM S MATCH_RECOGNIZE (PATTERN ({pattern}));");
    vec![
        ("parentheses", select(around("(", "a", ")"))),
        ("operators", select(around("(1 + ", "a", ")"))),
        ("calls", select(around("f(b, ", "a", ")"))),
        ("casts", select(around("CAST(", "a", " AS INT)"))),
        ("indexes", select(around("a[", "1", "]"))),
        ("case", select(around("CASE WHEN ", "a", " THEN 1 END"))),
        ("case else", select(around("CASE WHEN a THEN b ELSE ", "a", " END"))),
        ("in", select(around("a IN (", "1", ")"))),
        ("not", select(around("NOT ", "a", ""))),
        ("minus", select(around("- ", "a", ""))),
        ("sum", select(around("a + ", "a", ""))),
        ("is null", select(around("", "a", " IS NULL"))),
        ("is distinct", select(around("a IS DISTINCT FROM (", "b", ")"))),
        ("groups", pattern(around("(", "A", ")"))),
        ("loops", pattern(around("(", "A", ")+"))),
        ("row groups", rows(around("(", "A", ")"))),
        ("row loops", rows(around("(", "A", ")+"))),
        ("exclusions", rows(around("{- ", "A", " -}"))),
        ("lists", format!("CREATE STREAM S (a {});", around("LIST<", "INT", ">"))),
        ("structs", format!("CREATE STREAM S (a {});", around("STRUCT<b ", "INT", ">"))),
        ("subqueries", around("SELECT a FROM (", "SELECT a FROM S", ")") + ";"),
        ("expression subqueries", around("SELECT (", "SELECT a FROM S", ")") + ";"),
    ]
}

#[test]
fn what_nests_up_to_the_limit_is_read_on_a_small_stack() {
    // The parentheses of PATTERN and MATCH_RECOGNIZE, and a leaf of a call, count too.
    on_small_stack(|| {
        for (name, program) in nested(120) {
            let (file, told) = parse(&program);
            assert!(told.is_empty() && file.statements.len() == 1, "{name}: {}", &told[..told.len().min(2000)]);
        }
        let (_, told) = parse(&format!("SELECT {}a{} FROM S;", "(".repeat(128), ")".repeat(128)));
        assert_eq!(told, "");
    });
}

#[test]
fn what_nests_deeper_is_told_and_never_overflows() {
    on_small_stack(|| {
        for depth in [200, 100_000] {
            for (name, program) in nested(depth) {
                let source = Source::new("deep.tide", program);
                let (_, diagnostics) = syntax::parse(&source);
                let codes: Vec<&str> = diagnostics.iter().map(|d| d.code.0).collect();
                assert_eq!(codes, ["E0104"], "{name} at {depth}");
            }
        }
    });
}

#[test]
fn every_code_has_its_examples() {
    for entry in syntax::CODES {
        let codes: Vec<&str> = syntax::parse(&Source::new("q.tide", entry.wrong)).1.iter().map(|d| d.code.0).collect();
        let (_, told) = parse(entry.right);
        assert_eq!(told, "", "{} right", entry.code);
        if entry.wrong.is_empty() {
            assert_eq!(entry.code.0, "E0113", "only a program of 4 GiB is too long to be shown");
        } else {
            assert_eq!(codes, [entry.code.0], "{}", entry.wrong);
        }
    }
}

/// A small generator of pseudo-random numbers: the same program mutations every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap()
    }
}

#[test]
fn mutated_programs_give_a_tree_or_diagnostics_with_spans_inside() {
    let mut programs: Vec<String> = shared_programs().into_iter().map(|(_, program, _)| program).collect();
    programs.extend(nested(5).into_iter().map(|(_, program)| program));
    programs.extend(syntax::CODES.iter().map(|entry| entry.right.to_owned()));
    let odd = [
        "(", ")", "'", "\"", ";", "CASE", "END", "[", "{", "->", "!", "é", "“", "/*", "--", "10", "9e999", "NOT", "\u{0}", "a.b", "LIST <",
        "$", ",",
    ];
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    programs.retain(|program| !program.is_empty());
    for program in &programs {
        for _ in 0..3 {
            let mut tokens: Vec<&str> = program.split_inclusive(|c: char| !c.is_alphanumeric()).collect();
            for _ in 0..=dice.below(3) {
                let at = dice.below(tokens.len());
                match dice.below(4) {
                    0 => drop(tokens.remove(at)),
                    1 => tokens.insert(at, tokens[at]),
                    2 => tokens[at] = odd[dice.below(odd.len())],
                    _ => tokens.truncate(at + 1),
                }
                if tokens.is_empty() {
                    tokens.push("");
                }
            }
            let text = tokens.concat();
            let source = Source::new("mutated.tide", text.as_str());
            let (file, diagnostics) = syntax::parse(&source);
            for span in diagnostics.iter().map(|d| d.primary.span).chain(file.statements.iter().map(|s| s.span)) {
                assert!(text.get(span.start as usize..span.end as usize).is_some(), "{span:?} in {text}");
            }
            assert!(diagnostics.is_empty() || !render(&diagnostics, &source, false).is_empty());
        }
    }
}

/// An expression with all its parentheses.
fn shown(expr: &ast::Expr) -> String {
    use ast::{ExprKind, UnaryOp};
    let list = |all: &[ast::Expr], between: &str| format!("({})", all.iter().map(shown).collect::<Vec<_>>().join(between));
    let not = |negated: bool| if negated { "NOT " } else { "" };
    match &expr.kind {
        ExprKind::Int(n) => n.to_string(),
        ExprKind::Path(path) => path.iter().map(|name| name.node.as_str()).collect::<Vec<_>>().join("."),
        ExprKind::Unary(UnaryOp::Minus, inner) => format!("(-{})", shown(inner)),
        ExprKind::Unary(UnaryOp::Not, inner) => format!("(NOT {})", shown(inner)),
        ExprKind::And(all) => list(all, " AND "),
        ExprKind::Or(all) => list(all, " OR "),
        ExprKind::Concat(all) => list(all, " || "),
        ExprKind::Binary(op, _, left, right) => format!("({} {op:?} {})", shown(left), shown(right)),
        ExprKind::IsDistinct { expr, from, negated } => format!("({} IS {}DISTINCT FROM {})", shown(expr), not(*negated), shown(from)),
        ExprKind::IsNull { expr, negated } => format!("({} IS {}NULL)", shown(expr), not(*negated)),
        ExprKind::Between { expr, low, high, negated } => {
            format!("({} {}BETWEEN {} AND {})", shown(expr), not(*negated), shown(low), shown(high))
        }
        ExprKind::In { expr, list: all, negated } => format!("({} {}IN {})", shown(expr), not(*negated), list(all, ", ")),
        ExprKind::Like { expr, pattern, .. } => format!("({} LIKE {})", shown(expr), shown(pattern)),
        ExprKind::Index { expr, index } => format!("{}[{}]", shown(expr), shown(index)),
        ExprKind::Field { expr, name } => format!("{}.{}", shown(expr), name.node),
        ExprKind::Duration(nanos) => format!("{nanos}ns"),
        ExprKind::Call(call) => format!("{}{}", call.name.node, list(&call.args, ", ")),
        ExprKind::Subquery(_) => "subquery".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The query of a program that is one query.
fn query(text: &str) -> ast::Query {
    let (mut file, told) = parse(text);
    assert_eq!(told, "", "{text}");
    match file.statements.pop().map(|statement| statement.kind) {
        Some(ast::StatementKind::Query(query)) => query,
        other => panic!("{other:?}"),
    }
}

#[test]
fn operators_bind_as_in_sql() {
    let cases = [
        ("a OR NOT b = c + d * 2 AND e IS NULL", "(a OR ((NOT (b Eq (c Add (d Mul 2)))) AND (e IS NULL)))"),
        ("a AND b AND (c AND d)", "(a AND b AND (c AND d))"),
        ("a - b - c", "((a Sub b) Sub c)"),
        ("- a * b", "((-a) Mul b)"),
        ("a || b || c = d", "((a || b || c) Eq d)"),
        ("a BETWEEN 1 AND 2 AND b NOT IN (1, 2)", "((a BETWEEN 1 AND 2) AND (b NOT IN (1, 2)))"),
        ("NOT NOT a.b.c[1].d LIKE x || y", "(NOT (NOT (a.b.c[1].d LIKE (x || y))))"),
        ("a == 1 and b != 2", "((a Eq 1) AND (b NotEq 2))"),
        ("1h 30m + 1.5 s", "(5400000000000ns Add 1500000000ns)"),
        ("INTERVAL '10' MINUTE", "600000000000ns"),
        ("left(a, (SELECT b FROM S)) - count", "(left(a, subquery) Sub count)"),
        ("a < b IN (1)", "(a Less (b IN (1)))"),
        ("a = b IS NOT NULL", "((a Eq b) IS NOT NULL)"),
        ("a IS DISTINCT FROM b + 1 AND c", "((a IS DISTINCT FROM (b Add 1)) AND c)"),
        ("a = b IS NOT DISTINCT FROM NULL IS NULL", "(((a Eq b) IS NOT DISTINCT FROM Null) IS NULL)"),
    ];
    for (text, expected) in cases {
        let query = query(&format!("SELECT {text} FROM S;"));
        let [ast::SelectItem::Expr { expr, .. }] = query.items.as_slice() else { panic!("{text}") };
        assert_eq!(shown(expr), expected, "{text}");
    }
}

#[test]
fn only_reserved_words_are_no_names_and_clauses_are_no_aliases() {
    let query = query(
        "SELECT count, first last, limit AS order, distinct, \"from\" FROM Type at LIMIT 5 PER PARTITION ORDER BY emit DESC NULLS LAST, all;",
    );
    let names: Vec<(String, Option<&str>)> = query
        .items
        .iter()
        .map(|item| match item {
            ast::SelectItem::Expr { expr, alias, .. } => (shown(expr), alias.as_ref().map(|name| name.node.as_str())),
            ast::SelectItem::All(_) | ast::SelectItem::AllOf(_) => panic!("{item:?}"),
        })
        .collect();
    let plain = |name: &str| (name.to_owned(), None);
    let expected =
        [plain("count"), ("first".to_owned(), Some("last")), ("limit".to_owned(), Some("order")), plain("distinct"), plain("from")];
    assert_eq!(names, expected);
    assert!(query.limit.is_some_and(|limit| limit.per_partition));
    assert_eq!(query.order_by.len(), 2);
    let ast::From::Relation(relation) = query.from else { panic!() };
    assert!(matches!(*relation, ast::Relation::Stream { alias: Some(alias), .. } if alias.node == "at"));
}

#[test]
fn a_pattern_has_its_forms_and_spans() {
    let text = "/* é */ SELECT a FROM PATTERN (A -> !B[x > 1] b FOR 5s ->> (C c | D & E){2,5}? STRICT UNTIL F) WITHIN 5 EVENTS;";
    let query = query(text);
    let ast::From::Pattern(pattern, _) = &query.from else { panic!() };
    let at = |span: betide::text::Span| &text[span.start as usize..span.end as usize];
    let ast::PatternKind::Sequence { elements, arrows } = &pattern.kind else { panic!("{pattern:?}") };
    assert_eq!(arrows.iter().map(|arrow| at(arrow.span)).collect::<Vec<_>>(), ["->", "->>"]);
    assert_eq!(at(elements[1].span), "!B[x > 1] b FOR 5s");
    let ast::PatternKind::Repeat { inner, quantifier, inside, until } = &elements[2].kind else { panic!() };
    assert_eq!((quantifier.min, quantifier.max, quantifier.reluctant, at(quantifier.span)), (2, Some(5), true, "{2,5}?"));
    assert_eq!(inside.map(|inside| inside.node), Some(ast::Inside::Strict));
    assert!(matches!(until, Some(ast::Until::Step(step)) if step.stream.node == "F"));
    let ast::PatternKind::Either(sides) = &inner.kind else { panic!() };
    assert!(matches!(&sides[1].kind, ast::PatternKind::Both(both) if both.len() == 2));
    assert_eq!(at(inner.span), "(C c | D & E)");
    assert!(matches!(query.within, Some(ast::Within::Events(_))));
}

#[test]
fn a_partition_key_may_be_a_chain_of_equals() {
    let query = query("SELECT a FROM PATTERN (A -> B -> C) PARTITION BY A.x = B.y = C.z, k, (A.x = B.y);");
    let keys = query.partition_by.unwrap().keys;
    assert!(matches!(&keys[0], ast::PartitionKey::Equal(equal) if equal.iter().map(shown).collect::<Vec<_>>() == ["A.x", "B.y", "C.z"]));
    assert!(matches!((&keys[1], &keys[2]), (ast::PartitionKey::Column(_), ast::PartitionKey::Column(_))));
}

#[test]
fn a_long_program_parses() {
    let statement = "SELECT hit.card, COUNT(probe) FROM PATTERN (P probe{3,} -> P hit) WHERE probe.amount < 2 WITHIN 10 minutes;\n";
    let (file, diagnostics) = syntax::parse(&Source::new("long.tide", statement.repeat((1 << 20) / statement.len() + 1)));
    assert!(diagnostics.is_empty());
    assert_eq!(file.statements.len(), (1 << 20) / statement.len() + 1);
    let missing = "SELECT a FROM S ".repeat(10_000);
    let (file, diagnostics) = syntax::parse(&Source::new("long.tide", missing));
    assert_eq!((file.statements.len(), diagnostics.iter().count()), (49, 50));
}

#[test]
fn all_mistakes_are_told_and_the_rest_is_read() {
    let (file, told) =
        parse("SELCT a FROM S;\nSELECT b FROM S\nSELECT c FROM PATTERN (A => B);\nSELECT d FROM S WHERE (e > 1;\nSELECT f FROM S;");
    assert_eq!(file.statements.len(), 2);
    let expected = "\
error[E0110]: expected a statement, found `SELCT`
 --> test.tide:1:1
  |
1 | SELCT a FROM S;
  | ^^^^^
  |
  = help: did you mean `SELECT`?

error[E0106]: expected `;` before `SELECT`
 --> test.tide:3:1
  |
3 | SELECT c FROM PATTERN (A => B);
  | ^^^^^^ a new statement begins here
  |
  = help: end the statement before it with `;`

error[E0101]: expected `)`, `->` or a quantifier, found `=>`
 --> test.tide:3:26
  |
3 | SELECT c FROM PATTERN (A => B);
  |                          ^^ expected `)`, `->` or a quantifier
  |
  = help: did you mean `->`?

error[E0112]: expected an operator or `)`, found `;`
 --> test.tide:4:29
  |
4 | SELECT d FROM S WHERE (e > 1;
  |                       -     ^ the statement ends here
  |                       |
  |                       this `(` is not closed
  |
  = help: close it with `)`
";
    assert_eq!(told, expected);
}

#[test]
fn a_mistake_has_its_code_its_token_and_a_way_out() {
    // Program, code, the characters under the caret, and a part of what is said.
    let cases = [
        ("SELECT a FORM S;", "E0110", "FORM", "`FROM`"),
        ("SELECT a FROM S WHRE a > 1;", "E0110", "WHRE", "`WHERE`"),
        ("SELECT a FROM PATTERN (A -> B) PARTITON BY k;", "E0110", "PARTITON", "`PARTITION`"),
        ("SELECT a FROM S WINDOW TUMBLNG 5m;", "E0110", "TUMBLNG", "`TUMBLING`"),
        ("SELECT a FROM S WHERE a > 1 && b;", "E0101", "&&", "did you mean `AND`?"),
        ("SELECT a FROM PATTERN (A || B);", "E0101", "||", "did you mean `|`?"),
        ("SELECT a FROM PATTERN (A && B);", "E0101", "&&", "did you mean `&`?"),
        ("SELECT a FROM S WHERE !a;", "E0101", "!", "did you mean `NOT`?"),
        ("SELECT a FROM S WHERE a -> b;", "E0101", "->", "FROM PATTERN"),
        ("SELECT a FROM PATTERN (!(A -> B) -> C);", "E0101", "(", "only a step can be negated"),
        ("SELECT a FROM PATTERN (A+ b -> C);", "E0101", "b", "before the quantifier"),
        ("SELECT a FROM PATTERN (A -> B WITHIN 5m;", "E0112", "WITHIN", "not closed"),
        ("SELECT a FROM S WHERE a > 1);", "E0112", ")", "closes nothing"),
        ("SELECT CASE WHEN a THEN b FROM S;", "E0112", "FROM", "close it with `END`"),
        ("SELECT a FROM S, T;", "E0101", ",", "JOIN"),
        ("SELECT a FROM S UNION ALL SELECT b FROM T;", "E0101", "UNION", "INSERT INTO"),
        ("SELECT a AS select FROM S;", "E0107", "select", "\"select\""),
        ("CREATE STREAM S (from STRING);", "E0107", "from", "quote it"),
        ("SELECT a FROM PATTERN (A -> B) WITHIN 5 mintues;", "E0108", "mintues", "`minutes`"),
        ("SELECT a FROM PATTERN (A -> B) WITHIN 5x;", "E0108", "x", "units"),
        ("SELECT a FROM PATTERN (A{99999999999999999999});", "E0109", "99999999999999999999", "too big"),
        ("SELECT a FROM S WHERE b BETWEEN 1;", "E0101", ";", "`AND`"),
        ("SELECT a FROM S WHERE a = “b”;", "E0111", "“", "strings stand in"),
        ("SELECT a FROM S JOIN T ON a WITHIN 1m TOLERANCE 1s WITHIN 2m;", "E0105", "WITHIN 2m", "twice"),
        ("SELECT a FROM S MATCH_RECOGNIZE (PATTERN (A+*));", "E0101", "*", "`)`"),
        ("SELECT f(a, FROM S;", "E0101", "FROM", "an expression"),
        ("SELECT a FROM", "E0101", "", "a stream"),
    ];
    for (text, code, token, said) in cases {
        let source = Source::new("q.tide", text);
        let (_, diagnostics) = syntax::parse(&source);
        let first = diagnostics.iter().next().unwrap_or_else(|| panic!("{text} is accepted"));
        let told = render(&diagnostics, &source, false);
        assert_eq!((first.code.0, &text[first.primary.span.start as usize..first.primary.span.end as usize]), (code, token), "{told}");
        assert!(told.contains(said), "{said} is not in\n{told}");
        assert_eq!(diagnostics.iter().count(), 1, "{told}");
    }
}

#[test]
fn printed_programs_read_back_the_same() {
    let mut programs: Vec<String> = shared_programs().into_iter().filter(|(_, _, wrong)| !wrong).map(|(_, program, _)| program).collect();
    programs.extend(nested(20).into_iter().map(|(_, program)| program));
    programs.extend(
        [
            "SET limit = -5;",
            "CREATE STREAM \"odd name\" (a DECIMAL(10, 2) NOT NULL FROM 'x.y' DEFAULT 1 + 2, b LIST<STRUCT<c INT, d TIMESTAMP(ms)>>, \"when\" \
             TIMESTAMP FORMAT '%d''%b') TIMESTAMP BY (a, b) AHEAD 1h 30m WHEN a = 1 OR b LATE INTO c IDLE AFTER 5s DELAY $d WITH (type = 'x');",
            "SELECT a = (b = c) AS x, (a AND b) AND c AS y, - -a AS z, -(a + b) * (c - (d - e)) AS w, (a.b)[1].c AS v, a IS NOT TRUE AS u FROM S;",
            "SELECT (NOT a) = b AS x, NOT (a AND b) AS y, (a || b) || c AS z, a BETWEEN (b = c) AND d AS w, (1).x AS v FROM S t LIMIT 5 PER PARTITION;",
            "SELECT a  >1, CAST(a AS INT) || 'it''s', COUNT(DISTINCT a ORDER BY b) FILTER (WHERE c) OVER (ORDER BY d) AS n, (SELECT 1) AS s FROM S;",
            "SELECT a IS NOT DISTINCT FROM (b = c) AS x, (a IS DISTINCT FROM b) = c AS y, a IS DISTINCT FROM b || (c IS NULL) AS z FROM S;",
            "SELECT INTERVAL '-1.5' SECOND AS d, a AT TIME ZONE ('x' || b) AS t, EXTRACT(\"hour\" FROM c) AS h, b LIKE 'x' ESCAPE '!' AS l FROM S;",
            "WITH x AS (SELECT * FROM S), y AS (SELECT s.* FROM x s) SELECT DISTINCT a FROM (SELECT b FROM y) z LEFT ASOF JOIN S ON a WITHIN 1s \
             BEFORE AND 1s AFTER TOLERANCE 2s FULL OUTER JOIN T ON c WITHIN 5s WHERE d GROUP BY e, f EMIT EVERY 5s SUPPRESS BY g FOR 1m;",
            "SELECT a FROM S WINDOW HOPPING 10m EVERY 1m OFFSET 5s IN 'Europe/Berlin'; SELECT a FROM S WINDOW SESSION 5s MAX 1h; SELECT a FROM \
             S WINDOW LAST 5 ROWS; SELECT a FROM S WINDOW ROWS $n; INSERT INTO x SELECT a; CREATE TABLE t (a INT PRIMARY KEY) WITH (path = 'x');",
            "SELECT a FROM PATTERN (((A | B) -> C)? , (D+){2,}? & !E \"for\" FOR 5s | (A & (B & C))+ ANY UNTIL (x > 1)) PARTITION BY (a = b), c.d = e.f \
             AFTER MATCH SKIP TO LAST \"event\" RUNS LATEST TIMEOUT INTO t WITHIN 5 EVENTS HAVING COUNT(A) > 1;",
            "SELECT a FROM S x MATCH_RECOGNIZE (PARTITION BY a ORDER BY b DESC NULLS FIRST MEASURES FINAL LAST(A.x) AS y ALL ROWS PER MATCH WITH \
             UNMATCHED ROWS AFTER MATCH SKIP TO A SEEK PATTERN (^ (A | B+?)* PERMUTE(C, D E) {- (F) -}{,3} () $ (\"permute\")) WITHIN 1m SUBSET u = (A, B) \
             DEFINE A AS x > 1) AS m (p, q);",
        ]
        .map(str::to_owned),
    );
    let places = regex::Regex::new(r#"Span \{ start: \d+, end: \d+ \}|text: "(\\.|[^"\\])*""#).unwrap();
    let without_places = |file: &ast::File| places.replace_all(&format!("{file:?}"), "_").into_owned();
    for program in programs {
        let source = Source::new("a.tide", program.as_str());
        let (first, diagnostics) = syntax::parse(&source);
        assert!(diagnostics.is_empty(), "{}", render(&diagnostics, &source, false));
        let printed = syntax::print(&first, &source);
        let again = Source::new("b.tide", printed.as_str());
        let (second, diagnostics) = syntax::parse(&again);
        assert!(diagnostics.is_empty(), "{program}\n{}", render(&diagnostics, &again, false));
        assert_eq!(without_places(&first), without_places(&second), "{program}\n{printed}");
        assert_eq!(syntax::print(&second, &again), printed);
    }
}
