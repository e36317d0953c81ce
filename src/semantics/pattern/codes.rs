//! The codes of FROM PATTERN: what each means, a query that has the mistake, and one that has not.
//!
//! The examples read the streams `A`, `B` and `C`, each with the columns `id INT, k STRING, x FLOAT, at TIMESTAMP`, and `D` with
//! `id INT, name STRING, at TIMESTAMP`. A test checks each: the wrong program gives its code, the right one does not.

use crate::syntax::CodeEntry;
use crate::text::Code;

macro_rules! codes {
    ($table:ident over $streams:literal: $($name:ident = $code:literal, $meaning:literal, $wrong:literal, $right:literal;)*) => {
        $(#[doc = $meaning] pub(crate) const $name: Code = Code($code);)*
        /// All codes of this kind of pattern, in order.
        pub const $table: &[CodeEntry] = &[$(CodeEntry {
            code: $name,
            meaning: $meaning,
            wrong: concat!($streams, $wrong, ";"),
            right: concat!($streams, $right, ";"),
        }),*];
    };
}
pub(crate) use codes;

codes! { PATTERN_CODES over "
CREATE STREAM A (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM B (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM C (id INT, k STRING, x FLOAT, at TIMESTAMP) TIMESTAMP BY at;
CREATE STREAM D (id INT, name STRING, at TIMESTAMP) TIMESTAMP BY at;
":
    NAME_TAKEN = "E0301", "Two steps of one name.",
        "SELECT A.id FROM PATTERN (A -> A) WITHIN 1m", "SELECT A.id FROM PATTERN (A -> A a2) WITHIN 1m";
    DIFFERENT_STREAMS = "E0302", "A variable of different streams in the branches of an alternative.",
        "SELECT v.id FROM PATTERN (A v | B v)", "SELECT a.id FROM PATTERN (A a | B b)";
    ENDLESS_NEGATION = "E0303", "A negation at the end without a length of time.",
        "SELECT A.id FROM PATTERN (A -> !B)", "SELECT A.id FROM PATTERN (A -> !B) WITHIN 1m";
    STRICT_BEFORE_FOR = "E0304", "`,` before a negation with FOR.",
        "SELECT A.id FROM PATTERN (A , !B FOR 1s)", "SELECT A.id FROM PATTERN (A -> !B FOR 1s)";
    ANY_BEFORE_NEGATION = "E0305", "`->>` before a negation.",
        "SELECT A.id FROM PATTERN (A ->> !B -> C) WITHIN 1m", "SELECT A.id FROM PATTERN (A -> !B ->> C) WITHIN 1m";
    NEGATION_WITHOUT_FOR = "E0306", "A negation as an operand of `&` without FOR.",
        "SELECT A.id FROM PATTERN (A & !B) WITHIN 1m", "SELECT A.id FROM PATTERN (A & !B FOR 1s) WITHIN 1m";
    ONLY_NEGATIONS = "E0307", "A pattern of negations only.",
        "SELECT 1 AS one FROM PATTERN (!B FOR 1s)", "SELECT A.id FROM PATTERN (!B FOR 1s -> A)";
    REPEATED_NEGATION = "E0308", "A loop around nothing but negations.",
        "SELECT A.id FROM PATTERN (A -> (!B -> !C)+ -> D) WITHIN 1m", "SELECT A.id FROM PATTERN (A -> !B -> !C -> D) WITHIN 1m";
    QUANTIFIER_RANGE = "E0309", "A quantifier with bounds out of range.",
        "SELECT A.id FROM PATTERN (A{3,2} -> B) WITHIN 1m", "SELECT A.id FROM PATTERN (A{2,3} -> B) WITHIN 1m";
    PREFERENCE_IN_ALL_MATCHES = "E0310", "A preference mark where every way to match is a match.",
        "SELECT ALL MATCHES A.id FROM PATTERN (A+? -> B) WITHIN 1m", "SELECT ALL MATCHES A.id FROM PATTERN (A+ -> B) WITHIN 1m";
    UNTIL_OF_SEVERAL_STREAMS = "E0311", "UNTIL (condition) on a loop over several streams.",
        "SELECT A.id FROM PATTERN ((A -> B)+ UNTIL (x > 1) -> C) WITHIN 1m",
        "SELECT A.id FROM PATTERN ((A -> B)+ UNTIL A[x > 1] a2 -> C) WITHIN 1m";
    TWO_NEGATED = "E0312", "A term that names two variables that take no event.",
        "SELECT A.id FROM PATTERN (A -> !B -> !C -> D) WHERE B.x = C.x WITHIN 1m",
        "SELECT A.id FROM PATTERN (A -> !B -> !C -> D) WHERE B.x = A.x AND C.x = A.x WITHIN 1m";
    NO_EVENT_TO_READ = "E0313", "A column of a variable that takes no event.",
        "SELECT B.id FROM PATTERN (A -> !B -> C) WITHIN 1m", "SELECT A.id FROM PATTERN (A -> !B -> C) WITHIN 1m";
    NAMES_LATER = "E0314", "A condition in brackets, or a term on UNTIL, that names a later variable.",
        "SELECT A.id FROM PATTERN (A[x > B.x] -> B) WITHIN 1m", "SELECT A.id FROM PATTERN (A -> B) WHERE A.x > B.x WITHIN 1m";
    CONDITION_IN_BRANCH = "E0315", "A condition in brackets on a variable of several branches.",
        "SELECT v.id FROM PATTERN (A -> B[x > 1] v | C -> B v) WITHIN 1m",
        "SELECT v.id FROM PATTERN (A -> B v | C -> B v) WHERE v.x > 1 WITHIN 1m";
    UNKNOWN_VARIABLE = "E0316", "A name before a dot that is no variable of the pattern.",
        "SELECT a.id FROM PATTERN (A -> B) WITHIN 1m", "SELECT A.id FROM PATTERN (A -> B) WITHIN 1m";
    UNKNOWN_COLUMN = "E0317", "A column that the variable's stream does not have.",
        "SELECT A.idd FROM PATTERN (A -> B) WITHIN 1m", "SELECT A.id FROM PATTERN (A -> B) WITHIN 1m";
    AMBIGUOUS_COLUMN = "E0318", "A bare column that several variables have.",
        "SELECT id FROM PATTERN (A -> B) WITHIN 1m", "SELECT A.id FROM PATTERN (A -> B) WITHIN 1m";
    NOT_A_LOOP = "E0319", "PREV of a variable that takes one event only.",
        "SELECT A.id FROM PATTERN (A -> B) WHERE B.x > PREV(B.x) WITHIN 1m",
        "SELECT A.id FROM PATTERN (A -> B{2,5}) WHERE B.x > PREV(B.x) WITHIN 1m";
    MIXED_VARIABLES = "E0320", "A navigation or an aggregate over columns of several variables.",
        "SELECT SUM(A.x + B.x) AS s FROM PATTERN (A -> B) WITHIN 1m", "SELECT SUM(A.x) + SUM(B.x) AS s FROM PATTERN (A -> B) WITHIN 1m";
    NESTED = "E0321", "An aggregate or a navigation inside another.",
        "SELECT SUM(FIRST(A.x)) AS s FROM PATTERN (A+ -> B) WITHIN 1m", "SELECT FIRST(A.x) AS s FROM PATTERN (A+ -> B) WITHIN 1m";
    BAD_NAVIGATION = "E0322", "A navigation with the wrong arguments.",
        "SELECT FIRST(A.x, -1) AS f FROM PATTERN (A+ -> B) WITHIN 1m", "SELECT FIRST(A.x, 1) AS f FROM PATTERN (A+ -> B) WITHIN 1m";
    ROW_PATTERN_ONLY = "E0323", "Something that only MATCH_RECOGNIZE has.",
        "SELECT NEXT(A.x) AS n FROM PATTERN (A -> B) WITHIN 1m", "SELECT B.x AS n FROM PATTERN (A -> B) WITHIN 1m";
    KEY_NOT_EVERYWHERE = "E0324", "A partition column that a stream of the pattern does not have.",
        "SELECT A.id FROM PATTERN (A -> D) PARTITION BY k WITHIN 1m", "SELECT A.id FROM PATTERN (A -> D) PARTITION BY A.k = D.name WITHIN 1m";
    KEY_LEAVES_OUT = "E0325", "A partition key that says nothing of a stream of the pattern.",
        "SELECT A.id FROM PATTERN (A -> B -> D) PARTITION BY A.k = B.k WITHIN 1m",
        "SELECT A.id FROM PATTERN (A -> B -> D) PARTITION BY A.k = B.k = D.name WITHIN 1m";
    KEY_TYPES = "E0326", "Partition keys of types that do not compare.",
        "SELECT A.id FROM PATTERN (A -> D) PARTITION BY A.id = D.name WITHIN 1m",
        "SELECT A.id FROM PATTERN (A -> D) PARTITION BY A.k = D.name WITHIN 1m";
    KEY_BY_STEP = "E0327", "A partition key that would depend on the step that takes the event, or a mix of both forms.",
        "SELECT f.id FROM PATTERN (D f -> D g) PARTITION BY f.id = g.at WITHIN 1m",
        "SELECT f.id FROM PATTERN (D f -> D g) PARTITION BY f.id = g.id WITHIN 1m";
    SKIP_TARGET = "E0328", "AFTER MATCH SKIP TO a name that is no step.",
        "SELECT A.id FROM PATTERN (A -> B) WITHIN 1m AFTER MATCH SKIP TO LAST C",
        "SELECT A.id FROM PATTERN (A -> B) WITHIN 1m AFTER MATCH SKIP TO LAST B";
    TIMEOUT_WITHOUT_WITHIN = "E0330", "TIMEOUT INTO without a WITHIN that could end a run.",
        "SELECT A.id FROM PATTERN (A -> B) TIMEOUT INTO Late", "SELECT A.id FROM PATTERN (A -> B) WITHIN 1m TIMEOUT INTO Late";
    BOUNDS_IN_WHERE = "E0331", "START_TIME or END_TIME in a term, before there is a match.",
        "SELECT A.id FROM PATTERN (A -> B) WHERE A.at > START_TIME WITHIN 1m",
        "SELECT A.id FROM PATTERN (A -> B) WITHIN 1m HAVING B.at > START_TIME";
    LASTING_STATE = "E0332", "A pattern that keeps state for ever, on input that never ends (else a warning).",
        "SELECT A.id FROM PATTERN (A -> B)", "SELECT A.id FROM PATTERN (A -> B) WITHIN 1m";
    WAITS_FOR_THE_END = "E0333", "A greedy loop at the end that could take more until the input ends (a warning).",
        "SELECT A.id FROM PATTERN (A -> B+)", "SELECT A.id FROM PATTERN (A -> B+) WITHIN 1m";
    KEYS_WITHOUT_PARTITION = "E0334", "KEYS without PARTITION BY.",
        "SELECT A.id FROM PATTERN (A -> B) WITHIN 1m KEYS 5 ON OVERFLOW ERROR",
        "SELECT A.id FROM PATTERN (A -> B) PARTITION BY k WITHIN 1m KEYS 5 ON OVERFLOW ERROR";
    NEVER_TAKEN = "W0301", "A lower bound on COUNT in WHERE, which is false on the variable's first event (a warning).",
        "SELECT B.id FROM PATTERN (A+ -> B) WHERE COUNT(A) >= 3 WITHIN 1m", "SELECT B.id FROM PATTERN (A{3,} -> B) WITHIN 1m";
}
