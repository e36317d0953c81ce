//! The generated parser, and how the rest of the parser reads its pairs.
//!
//! Pest's pairs come in with offsets into one statement; spans of the whole file go out. Pest counts blanks in front of a missing
//! optional rest as part of a rule, so every span is cut back to its last visible character here.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::text::{Diagnostic, Diagnostics, Span, Spanned};

use super::ast::{Expr, Name, Pattern, Query, RowPattern};
use super::expect::{CLAUSE_WORDS, Expected, statement_words};
use super::literal;

/// The parser that pest derives from the grammar.
#[derive(pest_derive::Parser)]
#[grammar = "../grammar/betide.pest"]
pub(super) struct Grammar;

/// Every word of the language, reserved or not, in capitals and in the order of the alphabet.
pub fn keywords() -> &'static [String] {
    static WORDS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let names = Rule::all_rules().iter().map(|rule| format!("{rule:?}"));
        let mut words: Vec<String> = names.filter_map(|name| name.strip_prefix("kw_").map(str::to_ascii_uppercase)).collect();
        words.sort_unstable();
        words
    });
    &WORDS
}

/// A piece of the text that a rule has matched.
pub(super) type Pair<'i> = pest::iterators::Pair<'i, Rule>;

/// The statement is given up; why has been told.
#[derive(Debug)]
pub(super) struct Stop;

/// What reading a pair gives.
pub(super) type Read<T> = Result<T, Stop>;

/// Reads the pairs of one statement.
pub(super) struct Reader {
    /// Where the statement's text begins in the file.
    pub(super) base: u32,
    /// What was wrong with it.
    pub(super) diagnostics: Diagnostics,
    /// Trees that are done before the pair around them is read, by their first byte: so no reading recurses. Of each kind, no two
    /// begin at one byte, for what nests stands in brackets or behind a keyword.
    pub(super) done_exprs: HashMap<usize, Built>,
    pub(super) done_patterns: HashMap<usize, Deep<Pattern>>,
    pub(super) done_rows: HashMap<usize, Deep<RowPattern>>,
    pub(super) done_queries: HashMap<usize, Query>,
}

/// An expression and how deep it nests: a name or literal is 0.
pub(super) struct Built {
    pub(super) expr: Expr,
    pub(super) depth: u32,
}

/// A pattern and how deep it nests: a step is 0.
pub(super) struct Deep<P> {
    pub(super) pattern: P,
    pub(super) depth: u32,
}

/// The pairs of some rules inside a pair, the innermost first; what stands inside a pair of a `barrier` rule is left out.
pub(super) fn inside_out<'i>(pair: &Pair<'i>, wanted: &[Rule], barrier: Rule) -> Vec<Pair<'i>> {
    let mut found = Vec::new();
    let mut barred = 0;
    for part in pair.clone().into_inner().flatten() {
        let span = part.as_span();
        if span.start() < barred {
            continue;
        }
        if part.as_rule() == barrier {
            barred = span.end();
        } else if wanted.contains(&part.as_rule()) {
            found.push(part);
        }
    }
    found.reverse();
    found
}

/// A pair's first byte in its statement.
pub(super) fn start(pair: &Pair<'_>) -> usize {
    pair.as_span().start()
}

impl Reader {
    /// A reader of the statement that begins at this byte.
    pub(super) fn new(base: u32) -> Self {
        Self {
            base,
            diagnostics: Diagnostics::default(),
            done_exprs: HashMap::new(),
            done_patterns: HashMap::new(),
            done_rows: HashMap::new(),
            done_queries: HashMap::new(),
        }
    }

    /// The pair's range in the file, without trailing blanks.
    pub(super) fn span(&self, pair: &Pair<'_>) -> Span {
        let span = pair.as_span();
        let length = visible(pair.as_str()).len();
        Span::new(self.base + offset(span.start()), self.base + offset(span.start() + length))
    }

    /// The name that an `ident` pair spells.
    pub(super) fn name(&self, pair: &Pair<'_>) -> Name {
        Spanned::new(literal::unquote(pair.as_str(), '"'), self.span(pair))
    }

    /// The text that a `string` pair spells.
    pub(super) fn string(&self, pair: &Pair<'_>) -> Spanned<String> {
        Spanned::new(literal::unquote(pair.as_str(), '\''), self.span(pair))
    }

    /// Tells a mistake and goes on.
    pub(super) fn tell(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

/// A byte offset of a statement; the entry refuses longer files.
pub(super) fn offset(byte: usize) -> u32 {
    u32::try_from(byte).expect("a program is shorter than 4 GiB: `parse` refuses longer ones")
}

/// The text without the blanks behind it.
pub(super) fn visible(text: &str) -> &str {
    text.trim_end_matches([' ', '\t', '\r', '\n', '\u{FEFF}'])
}

/// The text with runs of blanks outside quotes made one blank.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut quote = None;
    for c in visible(text).chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            Some(_) | None => {}
        }
        if quote.is_none() && c.is_whitespace() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// The parts of a pair that carry meaning: all but keywords and punctuation, which stand last in the grammar.
pub(super) fn parts<'i>(pair: &Pair<'i>) -> impl Iterator<Item = Pair<'i>> + use<'i> {
    pair.clone().into_inner().filter(|part| part.as_rule() < Rule::lparen && part.as_rule() != Rule::EOI)
}

/// Whether the pair has this keyword (or other rule) among its direct parts.
pub(super) fn has(pair: &Pair<'_>, rule: Rule) -> bool {
    pair.clone().into_inner().any(|part| part.as_rule() == rule)
}

/// The direct part of this rule, which the grammar always has here.
pub(super) fn the<'i>(pair: &Pair<'i>, rule: Rule) -> Pair<'i> {
    find(pair, rule).expect("the grammar has this part in every match of its rule")
}

/// The first direct part of this rule.
pub(super) fn find<'i>(pair: &Pair<'i>, rule: Rule) -> Option<Pair<'i>> {
    pair.clone().into_inner().find(|part| part.as_rule() == rule)
}

/// All direct parts of this rule.
pub(super) fn all<'i>(pair: &Pair<'i>, rule: Rule) -> impl Iterator<Item = Pair<'i>> + use<'i> {
    pair.clone().into_inner().filter(move |part| part.as_rule() == rule)
}

/// The first part that carries meaning.
pub(super) fn only<'i>(pair: &Pair<'i>) -> Pair<'i> {
    parts(pair).next().expect("the grammar gives this rule a part that is no keyword")
}

/// What a rule that did not match is called in the words of the language.
pub(super) fn expected(rule: Rule) -> Expected {
    use Expected::{End, Name, OneOf, Operator, Sign, Thing, Untold, Word};
    match rule {
        Rule::EOI => End,
        Rule::statement | Rule::set_parameter | Rule::create_stream | Rule::create_table | Rule::insert => {
            OneOf("a statement", statement_words())
        }
        Rule::query => OneOf("a query", &["SELECT", "WITH"]),
        Rule::ident => Name,
        Rule::joined => Thing("a stream"),
        Rule::inside => OneOf("`STRICT`, `ANY`", &["STRICT", "ANY"]),
        Rule::rows_per_match => OneOf("`ONE ROW PER MATCH`, `ALL ROWS PER MATCH`", &["ONE", "ALL"]),
        Rule::mr_after => Word("AFTER MATCH".to_owned()),
        Rule::name_ahead
        | Rule::distinct_ahead
        | Rule::special_ahead
        | Rule::mode_ahead
        | Rule::trim_ahead
        | Rule::permute_ahead
        | Rule::clause_ahead
        | Rule::step_clause_ahead => Untold,
        Rule::of_sql | Rule::all_matches | Rule::select_distinct | Rule::distinct | Rule::mode | Rule::seek => Untold,
        Rule::lparen | Rule::subquery | Rule::arguments | Rule::pattern_group | Rule::row_group | Rule::columns | Rule::column_list => {
            Sign("(")
        }
        Rule::rparen | Rule::mr_end => Sign(")"),
        Rule::lbracket | Rule::step_condition => Sign("["),
        Rule::rbracket => Sign("]"),
        Rule::lbrace => Sign("{"),
        Rule::rbrace => Sign("}"),
        Rule::exclude_open => Sign("{-"),
        Rule::exclude_close => Sign("-}"),
        Rule::comma => Sign(","),
        Rule::star => Sign("*"),
        Rule::equals => Sign("="),
        Rule::less => Sign("<"),
        Rule::greater => Sign(">"),
        Rule::pipe => Sign("|"),
        Rule::bang => Sign("!"),
        Rule::connector => Thing("`->`"),
        Rule::quantifier | Rule::repeat_mark | Rule::repeat_range => Thing("a quantifier"),
        Rule::expr | Rule::bound | Rule::operand | Rule::output | Rule::select_item | Rule::argument | Rule::order_item | Rule::named => {
            Thing("an expression")
        }
        Rule::infix | Rule::arithmetic | Rule::is_test | Rule::predicate | Rule::at_zone | Rule::index | Rule::field | Rule::dot => {
            Operator
        }
        Rule::kw_at | Rule::kw_is => Operator,
        Rule::alias | Rule::step_alias | Rule::reluctant | Rule::sign | Rule::over | Rule::filter | Rule::kw_not => Untold,
        Rule::clause => OneOf("a clause", &CLAUSE_WORDS),
        Rule::source_clause => OneOf("a clause of the source", &["TIMESTAMP", "DELAY", "IDLE", "LATE", "AHEAD", "WHEN", "WITH"]),
        Rule::table_clause => OneOf("a clause of the table", &["TIMESTAMP", "WITH"]),
        Rule::column_mark => OneOf("`NOT NULL`, `FROM`, `DEFAULT`", &["NOT", "PRIMARY", "FROM", "DEFAULT"]),
        Rule::window_kind => OneOf(
            "`TUMBLING`, `HOPPING`, `SLIDING`, `SESSION`, `ROWS` or `LAST`",
            &["TUMBLING", "HOPPING", "SLIDING", "SESSION", "ROWS", "LAST"],
        ),
        Rule::join | Rule::join_kind => OneOf("a join", &["JOIN", "LEFT", "RIGHT", "FULL", "INNER", "SEMI", "ANTI", "ASOF"]),
        Rule::join_clause => OneOf("`ON`, `WITHIN` or `TOLERANCE`", &["ON", "WITHIN", "TOLERANCE"]),
        Rule::data_type => Thing("a type"),
        Rule::time_unit => Thing("`s`, `ms`, `us` or `ns`"),
        Rule::pattern | Rule::element | Rule::step => Thing("a step of the pattern"),
        Rule::row_pattern | Rule::row_term => Thing("a row pattern"),
        Rule::string => Thing("a string in `'`"),
        Rule::number | Rule::amount | Rule::whole => Thing("a number"),
        Rule::unit => Thing("a unit of time"),
        Rule::parameter => Thing("a parameter"),
        Rule::row_word => OneOf("`EVENT` or `ROW`", &["EVENT", "ROW"]),
        Rule::from => Word("FROM".to_owned()),
        other => {
            let name = format!("{other:?}");
            match name.strip_prefix("kw_") {
                Some(word) => Word(word.to_ascii_uppercase()),
                None => Word(name.replace('_', " ").to_ascii_uppercase()),
            }
        }
    }
}
