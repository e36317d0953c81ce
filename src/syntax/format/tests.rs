//! What programs look like, and that they stay what they are.

use super::format;
use crate::text::Source;

fn formatted(text: &str) -> String {
    format(&Source::new("t", text)).unwrap_or_else(|told| panic!("{text}\n{told:?}"))
}

fn gives(text: &str, expected: &str) {
    let found = formatted(text);
    assert_eq!(found, expected, "\n{found}");
    assert_eq!(formatted(&found), found, "it stays as it is");
}

#[test]
fn what_is_short_stays_on_its_line() {
    gives("select  a,b from S where a>1 and not b is null ;", "SELECT a, b FROM S WHERE a > 1 AND NOT b IS NULL;\n");
    gives(
        "create stream S(a int,b list<string>)timestamp by at delay 5 S",
        "CREATE STREAM S (a INT, b LIST<STRING>) TIMESTAMP BY at DELAY 5 s;\n",
    );
    gives("set x=-5;", "SET x = -5;\n");
    gives(
        "SELECT a.x FROM PATTERN(A a{2 , 5}?->!B[x>1]b,C c) within 5 minutes;",
        "SELECT a.x FROM PATTERN (A a{2,5}? -> !B[x > 1] b , C c) WITHIN 5 minutes;\n",
    );
    gives(
        "SELECT cast(a as decimal(10,2)) as b,f( -x ,l[1]) as c FROM S",
        "SELECT CAST(a AS DECIMAL(10, 2)) AS b, f(-x, l[1]) AS c FROM S;\n",
    );
}

#[test]
fn lists_and_clauses_have_lines_of_their_own() {
    gives(
        "create stream Payment (\n card string, amount float FROM 'a.b') timestamp by at\ndelay 5s;",
        "CREATE STREAM Payment (\n    card   STRING,\n    amount FLOAT FROM 'a.b'\n) TIMESTAMP BY at DELAY 5s;\n",
    );
    gives(
        "SELECT a FROM S\nWHERE x\n and y GROUP BY a having count(*)>1;",
        "SELECT a\nFROM S\nWHERE x\n  AND y\nGROUP BY a\nHAVING count(*) > 1;\n",
    );
}

#[test]
fn a_query_with_a_name_begins_on_the_next_line() {
    gives("create stream X as select a\nfrom S", "CREATE STREAM X AS\nSELECT a\nFROM S;\n");
    gives("create stream X as select a from S", "CREATE STREAM X AS SELECT a FROM S;\n");
    gives("create stream S (\na decimal(10,2))", "CREATE STREAM S (\n    a DECIMAL(10, 2)\n);\n");
    gives("with V as (select a from S) select a\nfrom V", "WITH V AS (SELECT a FROM S)\nSELECT a\nFROM V;\n");
    gives("select a from (\nselect a from S where b) v where a", "SELECT a\nFROM (\n    SELECT a FROM S WHERE b\n) v\nWHERE a;\n");
}

#[test]
fn clauses_are_put_in_order() {
    gives(
        "SELECT a.x FROM PATTERN (A a -> B b) WITHIN 5m WHERE a.x = 1 PARTITION BY x;",
        "SELECT a.x FROM PATTERN (A a -> B b) PARTITION BY x WHERE a.x = 1 WITHIN 5m;\n",
    );
    // There the WITHIN would become that of the join.
    gives("SELECT x FROM S JOIN t\nHAVING e WITHIN 1", "SELECT x\nFROM S JOIN t\nHAVING e\nWITHIN 1;\n");
    gives(
        "SELECT a FROM S WINDOW TUMBLING 1m WHERE x -- why\nGROUP BY a",
        "SELECT a\nFROM S WINDOW TUMBLING 1m\nWHERE x -- why\nGROUP BY a;\n",
    );
}

#[test]
fn comments_stay_where_they_are() {
    gives(
        "-- head\n\n\n-- second\nSELECT a, -- the a\n  b /* b */ FROM S; -- end\n-- last\n",
        "-- head\n\n-- second\nSELECT a, -- the a\n       b /* b */\nFROM S; -- end\n-- last\n",
    );
    gives("SELECT a FROM S -- end", "SELECT a FROM S; -- end\n");
    gives("SELECT a FROM S\n-- below\n; SELECT b FROM S", "SELECT a FROM S;\n-- below\nSELECT b FROM S;\n");
    gives("/* only */", "/* only */\n");
    gives("", "");
    gives("SELECT a FROM S;\n\n\n\nSELECT b FROM S;SELECT c FROM S;", "SELECT a FROM S;\n\nSELECT b FROM S;\nSELECT c FROM S;\n");
}

#[test]
fn the_text_of_a_nameless_column_is_its_name() {
    gives("SELECT a+b,  upper( x ) FROM S", "SELECT a+b, upper( x ) FROM S;\n");
}

#[test]
fn what_is_read_only_to_be_refused_stays_as_it_is() {
    gives("SET M=1;SELECT(SELECT*FROM b)S", "SET M = 1;\nSELECT (SELECT*FROM b) S;\n");
    gives("SELECT(SELECT*FROM a )S", "SELECT (SELECT*FROM a) S;\n");
    gives("SELECT a FROM S WHERE a IN( SELECT  b\n from T ) and b=1", "SELECT a FROM S WHERE a IN (SELECT b from T) AND b = 1;\n");
    gives("SELECT f(select 1+1 from T) AS x FROM S", "SELECT f(select 1+1 from T) AS x FROM S;\n");
    gives("SELECT sum(x order  by y) AS x FROM S", "SELECT sum(x order by y) AS x FROM S;\n");
}

#[test]
fn a_step_may_be_called_as_a_word_of_the_language() {
    gives("SELECT o FROM PATTERN(t not->t as u)", "SELECT o FROM PATTERN (t not -> t AS u);\n");
}

#[test]
fn several_comments_may_stand_behind_a_statement() {
    gives("SELECT a FROM S; /* b */ -- end\n", "SELECT a FROM S; /* b */ -- end\n");
    gives("SELECT a FROM S; /* b */ /* c */\nSELECT b FROM S", "SELECT a FROM S; /* b */ /* c */\nSELECT b FROM S;\n");
    gives("SELECT a FROM S; /*/ b */ -- end", "SELECT a FROM S; /*/ b */ -- end\n");
    gives("SELECT a FROM S /* b */ ; -- end", "SELECT a FROM S; /* b */ -- end\n");
    gives("SELECT a FROM S /*\n*/ -- end", "SELECT a FROM S;\n/*\n*/\n-- end\n");
    gives("SELECT a FROM S /*\n*/ ; -- end", "SELECT a FROM S;\n/*\n*/\n-- end\n");
    gives("SELECT a FROM S -- b\n; SELECT b FROM S", "SELECT a FROM S; -- b\nSELECT b FROM S;\n");
    gives("SELECT a FROM S\n-- b\n; SELECT b FROM S", "SELECT a FROM S;\n-- b\nSELECT b FROM S;\n");
    let in_order = "SELECT a\nFROM S\nWHERE x = 1\nLIMIT 1;\n/*\n*/\n-- end\n";
    gives("SELECT a FROM S\nLIMIT 1 /*\n*/\nWHERE x = 1; -- end", in_order);
    gives(in_order, in_order);
    gives("SELECT a FROM S; /* b */ SELECT b FROM S", "SELECT a FROM S;\n/* b */\nSELECT b FROM S;\n");
}

#[test]
fn terms_of_steps_are_broken_with_their_pattern() {
    let step = "(B[price / 1 AND id % 2 = 0] s1 ->> B s2* ANY | A[price / 7 = 1 AND id % 2 = 0] s3+ /* c */ ANY)";
    let once = formatted(&format!("SELECT * FROM PATTERN (A s0 -> ({step} | A s4?)+ ANY) WITHIN 10 seconds"));
    assert_eq!(formatted(&once), once);
    let by_hand = "SELECT * FROM PATTERN (A a -> B[x = 1\n AND y = 2] b) WITHIN 5s";
    assert_eq!(formatted(&formatted(by_hand)), formatted(by_hand));
}

#[test]
fn a_comment_may_stand_right_behind_a_bracket() {
    gives("SELECT a FROM PATTERN(A{-- c\n1})WITHIN 1s", "SELECT a\nFROM PATTERN (A{ -- c\n    1})\nWITHIN 1s;\n");
}

#[test]
fn runs_and_their_overflow_are_one_clause() {
    gives(
        "select a.x from pattern (A a -> B b) runs 5 on overflow drop oldest within 5m",
        "SELECT a.x FROM PATTERN (A a -> B b) WITHIN 5m RUNS 5 ON OVERFLOW DROP OLDEST;\n",
    );
    gives(
        "select a.x from pattern (A a -> B b) keys 9 on overflow error runs 5 partition by k",
        "SELECT a.x FROM PATTERN (A a -> B b) PARTITION BY k RUNS 5 KEYS 9 ON OVERFLOW ERROR;\n",
    );
}

#[test]
fn calls_and_types_with_words_of_sql_stay_as_they_are_written() {
    gives(
        "select substring( s from 2 for 3 ) as a, trim( leading '0' from s ) as b from S",
        "SELECT substring(s FROM 2 FOR 3) AS a, trim(LEADING '0' FROM s) AS b FROM S;\n",
    );
    gives(
        "select position('x' in s) as c, cast(d as numeric ( 10 , 2 )) as d from S",
        "SELECT position('x' IN s) AS c, CAST(d AS NUMERIC(10, 2)) AS d FROM S;\n",
    );
    gives("create stream S (a varchar (20), b char(1))", "CREATE STREAM S (a VARCHAR(20), b CHAR(1));\n");
}

#[test]
fn long_lines_are_broken() {
    let items: Vec<String> = (0..40).map(|i| format!("column_{i}")).collect();
    let found = formatted(&format!("SELECT {} FROM S WHERE a = 1;", items.join(",")));
    assert!(found.lines().all(|line| line.len() <= 121) && found.lines().count() > 4, "{found}");
    assert!(found.lines().nth(1).unwrap().starts_with("       column_"), "{found}");
    assert_eq!(formatted(&found), found);
}

#[test]
fn what_cannot_be_parsed_is_told() {
    assert!(format(&Source::new("t", "SELECT FROM;")).is_err());
}
