//! The codes of MATCH_RECOGNIZE: what each means, a query that has the mistake, and one that has not.
//!
//! A test checks each: the wrong program gives its code, the right one does not. Functions that do not exist keep the code that they have everywhere.

use crate::semantics::pattern::code_table;
use crate::syntax::CodeEntry;
use crate::text::Code;

code_table! { ROW_PATTERN_CODES over "
CREATE STREAM T (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
":
    ORDER_BY = "E0401", "ORDER BY that does not begin with the event time, ascending.",
        "SELECT * FROM T MATCH_RECOGNIZE (ORDER BY x MEASURES A.x AS x PATTERN (A))",
        "SELECT * FROM T MATCH_RECOGNIZE (ORDER BY at, x MEASURES A.x AS x PATTERN (A))";
    PARTITION_BY = "E0402", "PARTITION BY something that is no column.",
        "SELECT * FROM T MATCH_RECOGNIZE (PARTITION BY x + 1 PATTERN (A))",
        "SELECT * FROM T MATCH_RECOGNIZE (PARTITION BY x PATTERN (A))";
    UNKNOWN_VARIABLE = "E0403", "A variable that the pattern does not have.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x PATTERN (A) DEFINE B AS B.x > 1)",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x PATTERN (A) DEFINE A AS A.x > 1)";
    UNKNOWN_COLUMN = "E0404", "A column that the input does not have.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.y AS y PATTERN (A))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS y PATTERN (A))";
    DUPLICATE_NAME = "E0405", "Two variables, definitions or result columns of one name.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS m, A.id AS m PATTERN (A))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS m, A.id AS n PATTERN (A))";
    SKIP_TARGET = "E0406", "SKIP TO a variable that can only be the first row of a match.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x AFTER MATCH SKIP TO A PATTERN (A B))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x AFTER MATCH SKIP TO B PATTERN (A B))";
    MIXED_VARIABLES = "E0407", "Columns of several variables in one navigation or aggregate.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES SUM(A.x + B.x) AS s PATTERN (A B))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES SUM(A.x) + SUM(B.x) AS s PATTERN (A B))";
    NESTING = "E0408", "A navigation or an aggregate where none may stand.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES LAST(NEXT(A.x)) AS s PATTERN (A B))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES NEXT(LAST(A.x)) AS s PATTERN (A B))";
    PROCESSING_MODE = "E0409", "RUNNING or FINAL where neither has a meaning.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES FINAL PREV(A.x) AS s PATTERN (A B))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES FINAL LAST(A.x) AS s PATTERN (A B))";
    ARGUMENTS = "E0410", "A navigation, CLASSIFIER or COUNT with the wrong arguments.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES PREV(A.x, -1) AS s PATTERN (A B))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES PREV(A.x, 1) AS s PATTERN (A B))";
    QUANTIFIER_RANGE = "E0411", "A quantifier with bounds out of range.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x PATTERN (A{3,2}))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x PATTERN (A{2,3}))";
    EXCLUSION_UNMATCHED = "E0412", "An exclusion together with WITH UNMATCHED ROWS.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS m ALL ROWS PER MATCH WITH UNMATCHED ROWS PATTERN ({- A -} B))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS m ALL ROWS PER MATCH PATTERN ({- A -} B))";
    AGGREGATE_MODIFIER = "E0413", "DISTINCT, FILTER or ORDER BY in an aggregate.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES COUNT(DISTINCT A.x) AS n PATTERN (A+ B))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES COUNT(A.x) AS n PATTERN (A B))";
    NOT_A_CONDITION = "E0414", "A DEFINE that is no condition.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x PATTERN (A) DEFINE A AS A.x)",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x PATTERN (A) DEFINE A AS A.x > 1)";
    UNSUPPORTED = "E0415", "A part of the standard that betide does not have.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES MAX(A.x) OVER () AS x PATTERN (A))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES MAX(A.x) AS x PATTERN (A))";
    UNBOUNDED = "E0416", "A match that could never be certain, on input that never ends (else a warning).",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x PATTERN (A B+))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x PATTERN (A B+?))";
    UNNAMED_MEASURE = "E0417", "A measure without a name.",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x PATTERN (A))",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x PATTERN (A))";
    NO_OUTPUT_COLUMNS = "E0418", "`*` of rows that have no columns.",
        "SELECT * FROM T MATCH_RECOGNIZE (PATTERN (A))",
        "SELECT START_TIME FROM T MATCH_RECOGNIZE (PATTERN (A))";
    MATCHES_EMPTY = "W0401", "A pattern that can match without a row (a warning).",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x PATTERN (A*) DEFINE A AS A.x > 1)",
        "SELECT * FROM T MATCH_RECOGNIZE (MEASURES A.x AS x PATTERN (A+) DEFINE A AS A.x > 1)";
    REMEMBERS_KEYS = "W0402", "`^` with PARTITION BY remembers every key (a warning).",
        "SELECT * FROM T MATCH_RECOGNIZE (PARTITION BY k PATTERN (^ A))",
        "SELECT * FROM T MATCH_RECOGNIZE (PARTITION BY k PATTERN (A))";
}
