//! The codes of this stage: what each means, a program that has the mistake, and the same program mended.

use crate::text::{Code, Diagnostic, Span};

use super::literal::BadLiteral;

/// A code with what is to be known of it.
#[derive(Debug, Clone, Copy)]
pub struct CodeEntry {
    /// The code.
    pub code: Code,
    /// What it means.
    pub meaning: &'static str,
    /// A program that has the mistake.
    pub wrong: &'static str,
    /// The program without it.
    pub right: &'static str,
}

pub(super) const UNEXPECTED: Code = Code("E0101");
pub(super) const OPEN_STRING: Code = Code("E0102");
pub(super) const OPEN_COMMENT: Code = Code("E0103");
pub(super) const TOO_DEEP: Code = Code("E0104");
pub(super) const TWICE: Code = Code("E0105");
pub(super) const MISSING_SEMICOLON: Code = Code("E0106");
pub(super) const RESERVED: Code = Code("E0107");
pub(super) const UNKNOWN_UNIT: Code = Code("E0108");
pub(super) const OUT_OF_RANGE: Code = Code("E0109");
pub(super) const MISSPELT: Code = Code("E0110");
pub(super) const STRANGE_CHARACTER: Code = Code("E0111");
pub(super) const UNCLOSED: Code = Code("E0112");
pub(super) const TOO_LONG: Code = Code("E0113");
pub(super) const MISPLACED: Code = Code("E0114");

/// All codes of this stage in order.
pub const CODES: &[CodeEntry] = &[
    CodeEntry {
        code: UNEXPECTED,
        meaning: "Something stands where the language expects something else.",
        wrong: "SELECT a FROM PATTERN (A => B);",
        right: "SELECT a FROM PATTERN (A -> B);",
    },
    CodeEntry {
        code: OPEN_STRING,
        meaning: "A string or quoted name has no closing quote.",
        wrong: "SELECT a FROM S WHERE b = 'x;",
        right: "SELECT a FROM S WHERE b = 'x';",
    },
    CodeEntry {
        code: OPEN_COMMENT,
        meaning: "A comment begun with `/*` has no `*/`.",
        wrong: "SELECT a FROM S; /* later",
        right: "SELECT a FROM S; /* later */",
    },
    CodeEntry {
        code: TOO_DEEP,
        meaning: "Brackets, CASE, types or chains of operators nest deeper than 128.",
        wrong: "SELECT - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - a FROM S;",
        right: "SELECT - - a FROM S;",
    },
    CodeEntry {
        code: TWICE,
        meaning: "A clause that may stand once stands twice.",
        wrong: "SELECT a FROM S WHERE a > 1 WHERE b > 1;",
        right: "SELECT a FROM S WHERE a > 1 AND b > 1;",
    },
    CodeEntry {
        code: MISSING_SEMICOLON,
        meaning: "A new statement begins before the last one was ended by `;`.",
        wrong: "SET a = 1 SELECT b FROM S;",
        right: "SET a = 1; SELECT b FROM S;",
    },
    CodeEntry {
        code: RESERVED,
        meaning: "A reserved word is used as a name without quotes.",
        wrong: "SELECT when FROM S;",
        right: "SELECT \"when\" FROM S;",
    },
    CodeEntry {
        code: UNKNOWN_UNIT,
        meaning: "A number is followed by a word that is no unit of time.",
        wrong: "SELECT a FROM PATTERN (A -> B) WITHIN 2 fortnights;",
        right: "SELECT a FROM PATTERN (A -> B) WITHIN 4 weeks;",
    },
    CodeEntry {
        code: OUT_OF_RANGE,
        meaning: "A number or duration is too big, or finer than a nanosecond.",
        wrong: "SELECT a FROM PATTERN (A -> B) WITHIN 0.5 ns;",
        right: "SELECT a FROM PATTERN (A -> B) WITHIN 1 ns;",
    },
    CodeEntry {
        code: MISSPELT,
        meaning: "A word stands where a keyword is expected, and looks like one.",
        wrong: "SELCT a FROM S;",
        right: "SELECT a FROM S;",
    },
    CodeEntry {
        code: STRANGE_CHARACTER,
        meaning: "A character that the language does not use stands outside of quotes.",
        wrong: "SELECT a FROM S WHERE b = “x”;",
        right: "SELECT a FROM S WHERE b = 'x';",
    },
    CodeEntry {
        code: UNCLOSED,
        meaning: "A bracket or CASE is not closed, or a closing one has no partner.",
        wrong: "SELECT a FROM S WHERE (b > 1;",
        right: "SELECT a FROM S WHERE (b > 1);",
    },
    CodeEntry { code: TOO_LONG, meaning: "The program is 4 GiB or longer.", wrong: "", right: "" },
    CodeEntry {
        code: MISPLACED,
        meaning: "A form of a clause stands where it has no meaning.",
        wrong: "SELECT a FROM A JOIN B ON A.x = B.x WITHIN 10 EVENTS;",
        right: "SELECT a FROM A JOIN B ON A.x = B.x WITHIN 10 seconds;",
    },
];

/// The words that are names only in quotes.
pub(super) const RESERVED_WORDS: [&str; 29] = [
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "WINDOW",
    "JOIN",
    "ON",
    "WITHIN",
    "PARTITION",
    "AFTER",
    "AND",
    "OR",
    "NOT",
    "IN",
    "IS",
    "NULL",
    "TRUE",
    "FALSE",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "AS",
    "BETWEEN",
    "LIKE",
    "CREATE",
    "INSERT",
];

/// Whether a word is a name only in quotes.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED_WORDS.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// Something nests too deep.
pub(super) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error(TOO_DEEP, span, "this nests deeper than 128")
        .label("the limit is passed here")
        .hint("give a part of it a name: a stream of its own, with `CREATE STREAM … AS`")
}

/// A literal has no value.
pub(super) fn bad_literal(why: BadLiteral, span: Span) -> Diagnostic {
    let message = match why {
        BadLiteral::TooBig => "this number is too big",
        BadLiteral::TooFine => "this duration is no whole number of nanoseconds",
        BadLiteral::NotANumber => "this interval is not a number",
    };
    Diagnostic::error(OUT_OF_RANGE, span, message)
}

/// `BEFORE AND … AFTER` where there is no join.
pub(super) fn sides_without_join(span: Span) -> Diagnostic {
    Diagnostic::error(MISPLACED, span, "`BEFORE AND … AFTER` is for joins")
        .label("not behind a join")
        .hint("write one length of time, as in `WITHIN 10 minutes`")
}
