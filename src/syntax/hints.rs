//! How to mend what the parser could not read.
//!
//! In: a [`Failure`], the token found and the tokens before it. Out: one line that says what to write. What is expected is told already.

use crate::text::{Diagnostic, Span};

use super::codes;
use super::expect::{CLAUSE_WORDS, Expected, Failure, is_word_start, token};
use super::parse_grammar::offset;

/// Words that begin a clause only where something fits behind them, and what that is; before anything else they are read as an alias.
const HALF_WRITTEN: [(&str, &str); 8] = [
    ("LIMIT", "LIMIT 10"),
    ("SUPPRESS", "SUPPRESS BY column FOR 10 minutes"),
    ("EMIT", "EMIT EVERY 10 seconds"),
    ("ORDER", "ORDER BY column"),
    ("RUNS", "RUNS LATEST` or `RUNS 10"),
    ("KEYS", "KEYS 1000 ON OVERFLOW DROP OLDEST"),
    ("TIMEOUT", "TIMEOUT INTO name"),
    ("TOLERANCE", "TOLERANCE 5 seconds"),
];

impl Failure<'_> {
    /// `FROM PATTERN A -> B`: the parentheses are missing, and `PATTERN` was read as a stream.
    pub(super) fn bare_pattern(&self) -> Option<Diagnostic> {
        let before = self.before();
        let from = before.windows(2).rposition(|two| two[0].1.eq_ignore_ascii_case("FROM") && two[1].1.eq_ignore_ascii_case("PATTERN"))?;
        let rest = &self.text[self.at..self.end];
        let is_near = before.len() - from <= 4 && self.expected.contains(&Expected::End);
        if !is_near || !rest.contains("->") {
            return None;
        }
        let (at, found) = before.get(from + 2).copied().unwrap_or((self.at, token(rest)));
        let span = Span::new(offset(at), offset(at + found.len()));
        let message = format!("expected `(`, found `{found}`");
        Some(
            Diagnostic::error(codes::UNEXPECTED, span, message)
                .label("expected `(`")
                .hint("a pattern stands in parentheses: `PATTERN (A -> B)`"),
        )
    }

    /// How to mend it, where the tokens tell.
    pub(super) fn hint(&self, found: &str) -> Option<String> {
        let before = self.before();
        let last = before.last().map_or("", |token| token.1);
        let is = |word: &str| found.eq_ignore_ascii_case(word);
        let behind = |word: &str| last.eq_ignore_ascii_case(word);
        let special = self.window_hint(found, &before).or_else(|| self.pattern_hint(found, &before).map(str::to_owned));
        special.or_else(|| self.rows_hint(found, &before).map(str::to_owned)).or_else(|| {
            let wants_more = self.wants_thing("an expression") || self.wants_thing("a step of the pattern");
            let ends_here = found.is_empty() || matches!(found, ")" | "]") || codes::is_reserved(found) || self.begins_clause(found);
            if last == "," && ends_here {
                return Some("take the `,` before it away".to_owned());
            }
            if wants_more && behind("SELECT") {
                return Some("name the columns, or write `*` for all".to_owned());
            }
            if wants_more && ends_here && !last.is_empty() {
                return Some(format!("`{last}` wants something behind it"));
            }
            if let Some((word, form)) = HALF_WRITTEN.iter().find(|(word, _)| behind(word))
                && self.expected.contains(&Expected::End)
            {
                return Some(format!("`{word}` is read as an alias here; the clause is written `{form}`"));
            }
            let text = match found {
                "," if self.wants_one_of("a join") => "streams are combined by `JOIN … ON … WITHIN …`, or by `FROM PATTERN ( … )`",
                "," if before.len() > 2
                    && before[before.len() - 2].1.eq_ignore_ascii_case("BY")
                    && self.wants_one_of("a clause of the source") =>
                {
                    "several columns stand in parentheses: `TIMESTAMP BY (at, seq)`"
                }
                ")" | "," if self.wants_thing("a type") => "each column has a type: `id INT`, `name STRING`, `at TIMESTAMP`",
                "" if before.len() == 3 && is_create(&before) => "its columns: `(id INT, at TIMESTAMP)`; or a query: `AS SELECT …`",
                "::" => "a cast is written `CAST(x AS STRING)`",
                "&&" | "&" => "did you mean `AND`?",
                "|" => "did you mean `OR`?",
                "!" => "did you mean `NOT`?",
                ":=" | ":" if self.wants_sign("=") => "did you mean `=`?",
                ">" | "<" | "=" if matches!(last, ">" | "<" | "=") => "comparisons are `=` `<>` `<` `<=` `>` `>=`",
                _ if self.wants_sign("=") && behind_set(&before) => "a parameter is set by `SET name = value`",
                _ if found.starts_with('"') => "`\"` is for names; strings stand in `'`",
                _ if found.starts_with('\'') && self.expected.contains(&Expected::Name) => {
                    "`'` is for strings; names with odd characters stand in `\"`"
                }
                _ if is("UNION") || is("INTERSECT") || is("EXCEPT") => "to unite streams, write an `INSERT INTO name SELECT …` for each",
                _ if is("CROSS") => "a cross join is written `JOIN … ON TRUE WITHIN …`",
                _ if is("USING") => "write the equality: `ON a.key = b.key`",
                _ if is("VIEW") && behind("CREATE") => {
                    "`CREATE STREAM name AS SELECT …` names a query; `CREATE TABLE name AS SELECT … GROUP BY …` keeps its result up to date"
                }
                _ if is("SKIP") => "it stands behind AFTER MATCH: `AFTER MATCH SKIP PAST LAST EVENT`",
                _ if is("UNTIL") => "`UNTIL` stands behind a loop, such as `A+ UNTIL B`",
                _ if self.wants_word("FOR") && !self.wants_sign(")") => "how long is said at the end: `SUPPRESS BY column FOR 10 minutes`",
                _ if behind("INTERVAL") || before.len() > 1 && before[before.len() - 2].1.eq_ignore_ascii_case("INTERVAL") => {
                    "an interval is written `INTERVAL '10' MINUTE`, or just `10 minutes`"
                }
                _ if self.wants_sign(",") && found.starts_with(|c| is_word_start(c) || c == '"') && !self.begins_clause(found) => {
                    "is there a `,` missing before it?"
                }
                _ if self.wants_thing("a string in `'`") && found.starts_with(is_word_start) => "write it as a text: `'…'`",
                _ => return None,
            };
            Some(text.to_owned())
        })
    }

    /// What a window wants.
    fn window_hint(&self, found: &str, before: &[(usize, &str)]) -> Option<String> {
        let word = |back: usize| before.len().checked_sub(back).map_or("", |at| before[at].1);
        let is_number = found.starts_with(|c: char| c.is_ascii_digit());
        if word(1).eq_ignore_ascii_case("WINDOW") && is_number {
            return Some("a window says of which kind it is: `WINDOW TUMBLING 10 minutes`".to_owned());
        }
        let kinds = ["TUMBLING", "HOPPING", "SLIDING", "SESSION"];
        if let Some(kind) = kinds.into_iter().find(|kind| word(1).eq_ignore_ascii_case(kind) && word(2).eq_ignore_ascii_case("WINDOW")) {
            let every = if kind == "HOPPING" { " EVERY 1 minute" } else { "" };
            return Some(format!("its length comes behind it: `{kind} 10 minutes{every}`"));
        }
        let window = before.iter().rposition(|token| token.1.eq_ignore_ascii_case("WINDOW"))?;
        let kind = before.get(window + 1).map_or("", |token| token.1);
        if kind.eq_ignore_ascii_case("HOPPING") && self.wants_word("EVERY") {
            return Some("say how often one begins: `HOPPING 10 minutes EVERY 1 minute`".to_owned());
        }
        if kind.eq_ignore_ascii_case("LAST") && self.wants_word("ROWS") {
            return Some("a number of rows is written `LAST 10 ROWS`".to_owned());
        }
        let is_fixed = kind.eq_ignore_ascii_case("SLIDING") || kind.eq_ignore_ascii_case("TUMBLING");
        let overlaps = "windows that begin at fixed steps and overlap are `HOPPING 10 minutes EVERY 1 minute`";
        (is_fixed && found.eq_ignore_ascii_case("EVERY")).then(|| overlaps.to_owned())
    }

    /// What FROM PATTERN wants.
    fn pattern_hint(&self, found: &str, before: &[(usize, &str)]) -> Option<&'static str> {
        let in_pattern = self.expected.contains(&Expected::Thing("`->`"));
        let wants_step = self.wants_thing("a step of the pattern");
        let is = |word: &str| found.eq_ignore_ascii_case(word);
        let last = before.last().map_or("", |token| token.1);
        let is_word = found.starts_with(is_word_start);
        let hint = match found {
            "=>" | "→" => "did you mean `->`?",
            "->" | "->>" | "," if wants_step && matches!(last, "->" | "->>" | ",") => "one arrow stands between two steps",
            "->" | "->>" if wants_step => "a step comes before the arrow",
            "->" | "->>" if !in_pattern && self.text[self.at + found.len()..].trim_start().starts_with('\'') => {
                "a value inside JSON is `JSON_VALUE(json, '$.a.b')`, inside a STRUCT `struct.field`"
            }
            "->" | "->>" if !in_pattern && !self.wants_sign(")") && !self.wants_sign("}") => "arrows belong into `FROM PATTERN ( … )`",
            "(" if last == "!" => "only a step can be negated: `!Stream[condition]`",
            "=" if in_pattern => "the stream comes first, and its alias behind it: `Login a`",
            "&&" if in_pattern => "did you mean `&`?",
            "||" if in_pattern => "did you mean `|`?",
            "-" if in_pattern => "did you mean `->`?",
            "{" | "+" | "*" if last == ")" && self.wants_one_of("a clause") && self.is_behind_pattern() => {
                "a quantifier of the whole stands inside: `PATTERN ((A -> B){2})`"
            }
            _ if is("NOT") && wants_step => "a step is negated by `!`, as in `A -> !B -> C`",
            _ if in_pattern && before.iter().rev().take(2).any(|token| token.1.eq_ignore_ascii_case("EVERY")) => {
                "leave it away: every event that can start a match starts one"
            }
            _ if is("WITHIN") && in_pattern => "`WITHIN …` stands behind the `)` of the pattern",
            _ if is_word && self.wants_one_of("`STRICT`, `ANY`") => "the alias stands before the quantifier, as in `A a+`",
            _ if is_word && last.eq_ignore_ascii_case("TO") && self.wants_word("FIRST") => "say which of its events: `SKIP TO LAST v`",
            _ => return None,
        };
        Some(hint)
    }

    /// What MATCH_RECOGNIZE wants.
    fn rows_hint(&self, found: &str, before: &[(usize, &str)]) -> Option<&'static str> {
        before.iter().find(|token| token.1.eq_ignore_ascii_case("MATCH_RECOGNIZE"))?;
        let is = |words: &[&str]| words.iter().any(|word| found.eq_ignore_ascii_case(word));
        let behind = |word: &str| before.last().is_some_and(|token| token.1.eq_ignore_ascii_case(word));
        let in_pattern = self.wants_thing("a row pattern");
        let hint = match found {
            "->" | "->>" | "," if in_pattern => "rows stand one behind the other: `PATTERN (A B)`",
            "!" if in_pattern => "a row pattern has no negation: DEFINE says what a row must not be",
            "+" | "*" | "?" | "{" if in_pattern => "a part has one quantifier; another takes parentheses: `(A+){2}`",
            ")" if in_pattern => "no row is written `()`: `PATTERN (A | ())`",
            ")" if self.wants_word("MEASURES") => "the pattern is missing: `PATTERN (A B+) DEFINE B AS …`",
            _ if in_pattern && is(&["WITHIN", "DEFINE", "SUBSET"]) => "it stands behind the `)` of the pattern",
            _ if self.wants_sign("(") && behind("PATTERN") => "a row pattern stands in parentheses: `PATTERN (A B+)`",
            _ if self.wants_sign("(") && behind("=") => "the variables of a subset stand in parentheses: `SUBSET u = (A, B)`",
            _ if is(&["PARTITION", "ORDER", "MEASURES", "ONE", "ALL", "AFTER", "PATTERN", "WITHIN", "SUBSET", "DEFINE"]) => {
                "the clauses come in this order: PARTITION BY, ORDER BY, MEASURES, ONE ROW PER MATCH, AFTER MATCH SKIP, PATTERN, WITHIN, SUBSET, DEFINE"
            }
            _ if self.wants_word("AS") && found.starts_with(is_word_start) => "a name stands behind AS",
            _ => return None,
        };
        Some(hint)
    }

    /// Whether the last thing closed is the pattern of FROM PATTERN.
    fn is_behind_pattern(&self) -> bool {
        let mut open: u32 = 0;
        let before = self.before();
        let opening = before.iter().rposition(|(_, token)| {
            open = match *token {
                ")" => open + 1,
                "(" => open.saturating_sub(1),
                _ => return false,
            };
            open == 0
        });
        opening.and_then(|at| at.checked_sub(1)).is_some_and(|at| before[at].1.eq_ignore_ascii_case("PATTERN"))
    }

    /// The tokens of the statement before the failure, and where each begins.
    fn before(&self) -> Vec<(usize, &str)> {
        let mut tokens = Vec::new();
        let mut at = self.start;
        while at < self.at {
            let rest = &self.text[at..self.at];
            let blank = rest.len() - rest.trim_start().len();
            let token = token(&rest[blank..]);
            if token.is_empty() {
                break;
            }
            tokens.push((at + blank, token));
            at += blank + token.len();
        }
        tokens
    }

    fn begins_clause(&self, found: &str) -> bool {
        CLAUSE_WORDS.iter().any(|word| found.eq_ignore_ascii_case(word))
    }

    fn wants_sign(&self, sign: &str) -> bool {
        self.expected.iter().any(|e| matches!(e, Expected::Sign(s) if *s == sign))
    }

    fn wants_word(&self, word: &str) -> bool {
        self.expected.iter().any(|e| matches!(e, Expected::Word(w) if w == word))
    }

    fn wants_thing(&self, thing: &str) -> bool {
        self.expected.iter().any(|e| matches!(e, Expected::Thing(t) if *t == thing))
    }

    fn wants_one_of(&self, what: &str) -> bool {
        self.expected.iter().any(|e| matches!(e, Expected::OneOf(w, _) if *w == what))
    }
}

/// Whether the statement is one that makes a stream or table, as far as it has been read.
fn is_create(before: &[(usize, &str)]) -> bool {
    before.first().is_some_and(|token| token.1.eq_ignore_ascii_case("CREATE"))
}

/// Whether it is `SET name` and nothing more.
fn behind_set(before: &[(usize, &str)]) -> bool {
    before.len() == 2 && before[0].1.eq_ignore_ascii_case("SET")
}
