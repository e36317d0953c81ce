//! The codes of this stage: what each means, a program that has the mistake, and one that has not.
//!
//! A test checks each: the wrong program gives its code first, the right one none. Codes without programs are about values from outside.
//! Patterns have tables of their own.

use crate::syntax::CodeEntry;
use crate::text::Code;

macro_rules! codes {
    ($($name:ident = $code:literal, $meaning:literal, $wrong:literal, $right:literal;)*) => {
        $(#[doc = $meaning] pub(crate) const $name: Code = Code($code);)*
        /// All codes of this stage but those of patterns, in order.
        pub const CODES: &[CodeEntry] = &[$(CodeEntry { code: $name, meaning: $meaning, wrong: $wrong, right: $right }),*];
    };
}

codes! {
    UNKNOWN_STREAM = "E0201", "A stream that nothing defines.",
        "SELECT x FROM S; CREATE STREAM T (x INT);",
        "SELECT x FROM S; CREATE STREAM S (x INT);";
    UNKNOWN_COLUMN = "E0202", "A column that no stream of the query has.",
        "CREATE STREAM S (amount INT); SELECT amout FROM S;",
        "CREATE STREAM S (amount INT); SELECT amount FROM S;";
    AMBIGUOUS_COLUMN = "E0203", "A column that several streams of the query have.",
        "CREATE STREAM S (id INT); CREATE STREAM T (id INT); SELECT id FROM S JOIN T ON S.id = T.id WITHIN 1m;",
        "CREATE STREAM S (id INT); CREATE STREAM T (id INT); SELECT S.id FROM S JOIN T ON S.id = T.id WITHIN 1m;";
    UNKNOWN_QUALIFIER = "E0204", "A name before a dot that is no stream of the query.",
        "CREATE STREAM S (x INT); SELECT S.x FROM S a;",
        "CREATE STREAM S (x INT); SELECT a.x FROM S a;";
    UNKNOWN_FUNCTION = "E0205", "A function that does not exist.",
        "CREATE STREAM S (x INT); SELECT COALESC(x, 0) AS y FROM S;",
        "CREATE STREAM S (x INT); SELECT COALESCE(x, 0) AS y FROM S;";
    WRONG_ARITY = "E0206", "A function with too few or too many arguments.",
        "CREATE STREAM S (x INT); SELECT NULLIF(x) AS y FROM S;",
        "CREATE STREAM S (x INT); SELECT NULLIF(x, 0) AS y FROM S;";
    WRONG_TYPE = "E0207", "An operand or argument of the wrong type.",
        "CREATE STREAM S (x STRING); SELECT x FROM S WHERE x = 5;",
        "CREATE STREAM S (x STRING); SELECT x FROM S WHERE x = '5';";
    NOT_A_CONDITION = "E0208", "A condition that is not BOOL.",
        "CREATE STREAM S (x INT); SELECT x FROM S WHERE x;",
        "CREATE STREAM S (x INT); SELECT x FROM S WHERE x > 0;";
    MISPLACED_AGGREGATE = "E0209", "An aggregate where none may stand.",
        "CREATE STREAM S (x INT); SELECT x FROM S WHERE COUNT(*) > 3;",
        "CREATE STREAM S (x INT); SELECT x, COUNT(*) AS n FROM S GROUP BY x HAVING COUNT(*) > 3;";
    UNKNOWN_PARAMETER = "E0210", "A parameter without a value.",
        "CREATE STREAM S (x INT); SELECT x FROM S WHERE x > $least;",
        "SET least = 5; CREATE STREAM S (x INT); SELECT x FROM S WHERE x > $least;";
    BAD_PARAMETER = "E0211", "A value of a parameter, given from outside, that does not fit its type.",
        "",
        "";
    UNKNOWN_TYPE = "E0212", "A type that does not exist.",
        "CREATE STREAM S (x STRNG);",
        "CREATE STREAM S (x STRING);";
    DEFINED_TWICE = "E0213", "A name that is defined twice.",
        "CREATE STREAM S (x INT, x STRING);",
        "CREATE STREAM S (x INT, y STRING);";
    DUPLICATE_OUTPUT = "E0214", "Two output columns of one name.",
        "CREATE STREAM S (x INT, y INT); SELECT x, y AS x FROM S;",
        "CREATE STREAM S (x INT, y INT); SELECT x, y FROM S;";
    NOT_CONSTANT = "E0215", "Something that must be constant and is not.",
        "CREATE STREAM S (x INT); SELECT COUNT(*) AS n FROM S WINDOW ROWS x;",
        "CREATE STREAM S (x INT); SELECT COUNT(*) AS n FROM S WINDOW ROWS 5;";
    OUT_OF_RANGE = "E0216", "A constant out of its range.",
        "CREATE STREAM S (x INT); SELECT COUNT(*) AS n FROM S WINDOW TUMBLING 0s;",
        "CREATE STREAM S (x INT); SELECT COUNT(*) AS n FROM S WINDOW TUMBLING 1s;";
    BAD_TIME_COLUMN = "E0217", "A TIMESTAMP BY column that cannot be one.",
        "CREATE STREAM S (at INT) TIMESTAMP BY at;",
        "CREATE STREAM S (at TIMESTAMP(ms)) TIMESTAMP BY at;";
    BAD_OPTION = "E0218", "An option that does not exist, or has a wrong value.",
        "CREATE STREAM S (x INT) WITH (typ = 's');",
        "CREATE STREAM S (x INT) WITH (type = 's');";
    UNKNOWN_ZONE = "E0219", "A time zone that does not exist.",
        "CREATE STREAM S (x INT); SELECT COUNT(*) AS n FROM S WINDOW TUMBLING 1d IN 'Europe/Berln';",
        "CREATE STREAM S (x INT); SELECT COUNT(*) AS n FROM S WINDOW TUMBLING 1d IN 'Europe/Berlin';";
    CYCLE = "E0220", "Streams that are made of each other.",
        "CREATE STREAM A AS SELECT x FROM B; CREATE STREAM B AS SELECT x FROM A;",
        "CREATE STREAM A (x INT); CREATE STREAM B AS SELECT x FROM A;";
    DIFFERENT_COLUMNS = "E0221", "Statements with different columns that feed one stream.",
        "CREATE STREAM S (x INT, y INT); INSERT INTO A SELECT x FROM S; INSERT INTO A SELECT y FROM S;",
        "CREATE STREAM S (x INT, y INT); INSERT INTO A SELECT x FROM S; INSERT INTO A SELECT y AS x FROM S;";
    NOT_GROUPED = "E0222", "A column beside an aggregate that is not grouped by.",
        "CREATE STREAM S (x INT, y INT); SELECT x, SUM(y) AS total FROM S;",
        "CREATE STREAM S (x INT, y INT); SELECT x, SUM(y) AS total FROM S GROUP BY x;";
    NO_FROM = "E0223", "A query without FROM.",
        "SELECT 1 AS one;",
        "CREATE STREAM S (x INT); SELECT 1 AS one FROM S;";
    SELECT_DISTINCT = "E0224", "SELECT DISTINCT.",
        "CREATE STREAM S (x INT); SELECT DISTINCT x FROM S;",
        "CREATE STREAM S (x INT); SELECT x FROM S WINDOW TUMBLING 1h GROUP BY x;";
    BARE_LIMIT = "E0225", "A bare LIMIT on a windowed query.",
        "CREATE STREAM S (x INT); SELECT x, COUNT(*) AS n FROM S WINDOW TUMBLING 1h GROUP BY x LIMIT 3;",
        "CREATE STREAM S (x INT); SELECT x, COUNT(*) AS n FROM S WINDOW TUMBLING 1h GROUP BY x ORDER BY n DESC LIMIT 3;";
    CLAUSE_WITHOUT_MEANING = "E0226", "A clause that has no meaning in its query.",
        "CREATE STREAM S (x INT); SELECT x FROM S HAVING x > 5;",
        "CREATE STREAM S (x INT); SELECT x FROM S WHERE x > 5;";
    UNBOUNDED_JOIN = "E0227", "A join of streams without a bound in time.",
        "CREATE STREAM S (x INT); CREATE STREAM T (y INT); SELECT x FROM S JOIN T ON x = y;",
        "CREATE STREAM S (x INT); CREATE STREAM T (y INT); SELECT x FROM S JOIN T ON x = y WITHIN 1h;";
    BAD_JOIN = "E0228", "A join that is not well formed.",
        "CREATE STREAM S (x INT); SELECT x FROM S JOIN S ON TRUE WITHIN 1h;",
        "CREATE STREAM S (x INT); SELECT a.x FROM S a JOIN S b ON TRUE WITHIN 1h;";
    BAD_LITERAL = "E0229", "A literal that is no value.",
        "CREATE STREAM S (at TIMESTAMP); SELECT at FROM S WHERE at > TIMESTAMP 'noon';",
        "CREATE STREAM S (at TIMESTAMP); SELECT at FROM S WHERE at > TIMESTAMP '2026-03-01T12:00:00Z';";
    NO_BOUNDS = "E0230", "START_TIME or END_TIME without a window or match.",
        "CREATE STREAM S (x INT); SELECT COUNT(*) AS n, START_TIME FROM S;",
        "CREATE STREAM S (x INT); SELECT COUNT(*) AS n, START_TIME FROM S WINDOW TUMBLING 1h;";
    BAD_CALL = "E0231", "A form of a call that does not exist.",
        "CREATE STREAM S (x INT); SELECT SUM(*) AS n FROM S;",
        "CREATE STREAM S (x INT); SELECT COUNT(*) AS n FROM S;";
    UNKNOWN_FIELD = "E0232", "A field that a struct does not have.",
        "CREATE STREAM S (device STRUCT<os STRING>); SELECT device.so FROM S;",
        "CREATE STREAM S (device STRUCT<os STRING>); SELECT device.os FROM S;";
    BAD_WINDOW = "E0233", "A window that cannot do what is asked of it.",
        "CREATE STREAM S (x INT); SELECT x FROM S WINDOW SLIDING 1h;",
        "CREATE STREAM S (x INT); SELECT x FROM S WINDOW TUMBLING 1h;";
    TABLE_AS_STREAM = "E0240", "A table where a stream has to stand.",
        "CREATE TABLE T (k INT PRIMARY KEY) WITH (path = 't.csv'); SELECT k FROM T;",
        "CREATE STREAM S (k INT); CREATE TABLE T (k INT PRIMARY KEY) WITH (path = 't.csv'); SELECT S.k FROM S JOIN T ON S.k = T.k;";
    BAD_TABLE = "E0241", "A table that does not say where its rows are, or which belong together.",
        "CREATE TABLE T (k INT PRIMARY KEY);",
        "CREATE TABLE T (k INT PRIMARY KEY) WITH (path = 't.csv');";
    BAD_VIEW = "E0242", "A query that cannot be kept as a table.",
        "CREATE STREAM S (k INT, x INT); CREATE TABLE T AS SELECT k, x FROM S;",
        "CREATE STREAM S (k INT, x INT); CREATE TABLE T AS SELECT k, LAST(x) AS x FROM S GROUP BY k;";
    NOT_SUPPORTED = "E0299", "Part of the language, but not of this engine yet.",
        "CREATE STREAM S (x INT); CREATE STREAM T (x INT); INSERT INTO T SELECT x FROM S;",
        "CREATE STREAM S (x INT); INSERT INTO T SELECT x FROM S;";
    UNUSED_PARAMETER = "W0201", "A value from outside for a parameter that the program does not have.",
        "",
        "";
    COMPARED_WITH_NULL = "W0202", "A comparison with NULL, which is never true (a warning).",
        "CREATE STREAM S (x INT); SELECT x FROM S WHERE x = NULL;",
        "CREATE STREAM S (x INT); SELECT x FROM S WHERE x IS NULL;";
}
