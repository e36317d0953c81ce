//! A statement to its words, each with what the grammar says of it.

use std::collections::BTreeMap;

use pest::Parser as _;

use crate::syntax::parse_grammar::{Grammar, Rule};
use crate::syntax::scan::scan;

/// A word, sign or comment.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) kind: Kind,
    /// A blank stands before it, if it does not begin its line.
    pub(super) spaced: bool,
    /// In the text a line began between it and the token before.
    pub(super) on_new_line: bool,
    /// The groups that it stands in, the outermost first, by their numbers.
    pub(super) groups: Vec<usize>,
    /// It may begin a line: the number of the group that says so, and what it begins there.
    pub(super) break_at: Option<(usize, Break)>,
    /// The clause of a query that begins here: the query's group, and the place of the clause in canonical order.
    pub(super) clause: Option<(usize, usize)>,
    /// The name of a column in a list of them: the types behind stand in one line.
    pub(super) is_column_name: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// `-- …`: nothing can follow on its line.
    LineComment,
    BlockComment,
}

/// What begins at a place where a line may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    /// A clause of a query, at its margin.
    Clause,
    /// A clause of a source, only where the line is too long.
    SourceClause,
    /// An item of a list in brackets, further in.
    Item,
    /// The bracket that closes it.
    Close,
    /// AND or OR, a little further in.
    Term,
    /// A join, a little further in.
    Join,
    /// An output column: their list is filled line by line, under the first one.
    Fill,
    /// A step of a pattern, likewise.
    Step,
}

/// How long a comment at the beginning of a text is, with its end of line if it has one; 0 where there is none.
pub(super) fn comment_length(text: &str) -> usize {
    if text.starts_with("--") {
        return text.find('\n').unwrap_or(text.len());
    }
    if !text.starts_with("/*") {
        return 0;
    }
    // `/*/` only begins one.
    text[2..].find("*/").map_or(text.len(), |end| end + 4)
}

/// Words with a bracket right behind them that are no calls by the grammar.
const TIGHT_WORDS: [&str; 12] =
    ["CAST", "TRY_CAST", "EXTRACT", "TRIM", "PERMUTE", "DECIMAL", "NUMERIC", "DEC", "VARCHAR", "CHARACTER", "CHAR", "TIMESTAMP"];

/// What the grammar says of the places of a statement.
struct Marks {
    /// Rules by the byte at which they begin, the outermost first, each with its end.
    starts: BTreeMap<usize, Vec<(Rule, usize)>>,
}

impl Marks {
    fn new(blanked: &str, start: usize, end: usize) -> Self {
        let mut starts: BTreeMap<usize, Vec<(Rule, usize)>> = BTreeMap::new();
        let pairs = Grammar::parse(Rule::statement, &blanked[start..end])
            .into_iter()
            .flatten()
            .flat_map(|pair| std::iter::once(pair.clone()).chain(pair.into_inner().flatten()));
        for pair in pairs {
            let span = pair.as_span();
            let length = span.as_str().trim_end().len();
            starts.entry(start + span.start()).or_default().push((pair.as_rule(), start + span.start() + length));
        }
        Self { starts }
    }

    fn at(&self, at: usize) -> &[(Rule, usize)] {
        self.starts.get(&at).map_or(&[], Vec::as_slice)
    }

    fn has(&self, at: usize, wanted: &[Rule]) -> bool {
        self.at(at).iter().any(|(rule, _)| wanted.contains(rule))
    }
}

/// Something of the group with this number.
type Of<T> = (usize, T);

/// A group of tokens that is broken as a whole.
struct Open {
    number: usize,
    rule: Rule,
    end: usize,
}

/// Reads the tokens of a statement that parses.
pub(super) fn read(text: &str, start: usize, end: usize) -> Vec<Token> {
    let blanked = scan(text).text;
    let marks = Marks::new(&blanked, start, end);
    let mut reader = Reader { text, marks, open: Vec::new(), groups: 0, tokens: Vec::new(), tight: true };
    let mut at = start;
    while at < end {
        let rest = &text[at..end];
        let blanks = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').len();
        let on_new_line = rest[..blanks].contains('\n');
        at += blanks;
        if at < end {
            at += reader.token(at, end, on_new_line);
        }
    }
    reader.tokens
}

/// Puts the `;` behind the last word, and gives the comments that stood behind that.
pub(super) fn end_statement(tokens: &mut Vec<Token>) -> Vec<String> {
    let last = tokens.iter().rposition(|token| token.kind == Kind::Word).map_or(0, |last| last + 1);
    let comments = tokens.drain(last..).map(|comment| comment.text).collect();
    let semicolon = Token {
        text: ";".to_owned(),
        kind: Kind::Word,
        spaced: false,
        on_new_line: false,
        groups: Vec::new(),
        break_at: None,
        clause: None,
        is_column_name: false,
    };
    tokens.push(semicolon);
    comments
}

struct Reader<'t> {
    text: &'t str,
    marks: Marks,
    open: Vec<Open>,
    groups: usize,
    tokens: Vec<Token>,
    /// No blank stands before the next token.
    tight: bool,
}

/// Rules whose tokens are laid out together.
const GROUPS: [Rule; 9] = [
    Rule::query,
    Rule::columns,
    Rule::match_recognize,
    Rule::from,
    Rule::pattern,
    Rule::expr,
    Rule::create_stream,
    Rule::create_table,
    Rule::subquery,
];

/// The clauses of a query in canonical order.
const CLAUSES: [Rule; 14] = [
    Rule::window,
    Rule::partition_by,
    Rule::where_clause,
    Rule::group_by,
    Rule::within,
    Rule::having,
    Rule::after_match,
    Rule::runs,
    Rule::keys,
    Rule::timeout_into,
    Rule::emit_every,
    Rule::suppress,
    Rule::order_by,
    Rule::limit,
];

impl Reader<'_> {
    /// Takes the token at a place, and says how long it is in the text.
    fn token(&mut self, at: usize, end: usize, on_new_line: bool) -> usize {
        let rest = &self.text[at..end];
        let comment = comment_length(rest);
        if comment > 0 {
            let kind = if rest.starts_with("--") { Kind::LineComment } else { Kind::BlockComment };
            self.close(at);
            let groups = self.open.iter().map(|open| open.number).collect();
            self.tokens.push(Token {
                text: rest[..comment].trim_end().to_owned(),
                kind,
                spaced: true,
                on_new_line,
                groups,
                break_at: None,
                clause: None,
                is_column_name: false,
            });
            self.tight = false;
            return comment;
        }
        let verbatim = self.verbatim(at);
        let length = verbatim.unwrap_or_else(|| word_length(rest));
        self.close(at);
        let (break_at, clause) = self.open(at);
        let text = match verbatim {
            Some(length) if !rest[..length].contains("--") && !rest[..length].contains("/*") && !rest[..length].contains(['\'', '"']) => {
                rest[..length].split_whitespace().collect::<Vec<_>>().join(" ")
            }
            Some(length) => rest[..length].to_owned(),
            None => self.spelt(at, &rest[..length]),
        };
        // Two minus signs side by side would be a comment.
        let would_comment = text.starts_with('-') && self.tokens.last().is_some_and(|before| before.text.ends_with('-'));
        let spaced = would_comment || !self.tight && !self.is_tight_before(at, &text);
        self.tight = verbatim.is_none() && self.is_tight_after(at, &text);
        let groups: Vec<usize> = self.open.iter().map(|open| open.number).collect();
        let in_columns = self.open.last().is_some_and(|open| open.rule == Rule::columns);
        let is_column_name = in_columns && self.marks.has(at, &[Rule::column]);
        self.tokens.push(Token { text, kind: Kind::Word, spaced, on_new_line, groups, break_at, clause, is_column_name });
        length
    }

    /// The length of what has to stay as it is: an output column whose text is its name, and what is read only to be refused.
    fn verbatim(&self, at: usize) -> Option<usize> {
        // A query or an order is refused only inside of an expression.
        let is_in_expr = self.open.iter().rev().find(|open| open.end > at).is_some_and(|open| open.rule == Rule::expr);
        let is_refused = |rule: &Rule| match rule {
            Rule::over | Rule::column_list | Rule::seek => true,
            Rule::query | Rule::order_by => is_in_expr,
            _ => false,
        };
        if let Some((_, end)) = self.marks.at(at).iter().find(|(rule, _)| is_refused(rule)) {
            return Some(end - at);
        }
        let end = self.marks.at(at).iter().find(|(rule, _)| *rule == Rule::output)?.1;
        let has_alias =
            self.marks.starts.range(at..end).any(|(_, rules)| rules.iter().any(|(rule, alias)| *rule == Rule::alias && *alias == end));
        // A column's name is the same however it is laid out.
        let is_plain = self.text[at..end].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.\"".contains(&byte));
        (!has_alias && !is_plain).then_some(end - at)
    }

    /// A token as it is spelt: keywords large, units small, all else as it was written.
    fn spelt(&self, at: usize, text: &str) -> String {
        let rules = self.marks.at(at);
        let begins = |wanted: Rule| rules.iter().any(|(rule, _)| *rule == wanted);
        // There it is a name.
        if begins(Rule::step_alias) && begins(Rule::kw_not) {
            return text.to_owned();
        }
        if rules.iter().any(|(rule, _)| matches!(rule, Rule::plain_type | Rule::text_name) || std::format!("{rule:?}").starts_with("kw_")) {
            return text.to_ascii_uppercase();
        }
        if rules.iter().any(|(rule, _)| matches!(rule, Rule::unit | Rule::time_unit)) {
            return text.to_ascii_lowercase();
        }
        text.to_owned()
    }

    /// Whether there is a join in a group so far.
    fn has_join(&self, group: usize) -> bool {
        let is_join = |token: &Token| matches!(token.break_at, Some((_, Break::Join)));
        self.tokens.iter().any(|token| is_join(token) && token.groups.contains(&group))
    }

    /// Groups that end here end.
    fn close(&mut self, at: usize) {
        while self.open.last().is_some_and(|open| open.end <= at) {
            self.open.pop();
        }
    }

    /// Groups that begin here begin; gives what begins here in those around.
    fn open(&mut self, at: usize) -> (Option<Of<Break>>, Option<Of<usize>>) {
        let mut break_at = None;
        let mut clause = None;
        for &(rule, end) in self.marks.at(at).to_vec().iter() {
            let around = self.open.last().map(|open| (open.number, open.rule));
            let of = |wanted: Rule| self.open.iter().rev().find(|open| open.rule == wanted).map(|open| open.number);
            let found = match rule {
                Rule::from => of(Rule::query).map(|query| (query, Break::Clause)),
                rule if CLAUSES.contains(&rule) && around.is_some_and(|(_, rule)| rule == Rule::query) => {
                    let place = CLAUSES.iter().position(|known| *known == rule).unwrap_or(0);
                    // Right behind a join it would become that of the join.
                    let place = |query| if rule == Rule::within && self.has_join(query) { CLAUSES.len() } else { place };
                    clause = of(Rule::query).map(|query| (query, place(query)));
                    of(Rule::query).map(|query| (query, Break::Clause))
                }
                Rule::source_clause | Rule::table_clause => {
                    of(Rule::create_stream).or(of(Rule::create_table)).map(|create| (create, Break::SourceClause))
                }
                Rule::kw_select | Rule::with_list => {
                    around.filter(|(_, rule)| *rule == Rule::query).and_then(|(query, _)| self.first_of_query(query))
                }
                Rule::column => of(Rule::columns).map(|columns| (columns, Break::Item)),
                Rule::rparen => {
                    let closed = self.open.last().filter(|open| open.end == end);
                    closed.filter(|open| matches!(open.rule, Rule::columns | Rule::subquery)).map(|open| (open.number, Break::Close))
                }
                Rule::mr_end => of(Rule::match_recognize).map(|group| (group, Break::Close)),
                Rule::partition_by
                | Rule::order_by
                | Rule::measures
                | Rule::rows_per_match
                | Rule::mr_after
                | Rule::seek
                | Rule::within
                | Rule::subsets
                | Rule::defines
                | Rule::kw_pattern
                    if around.is_some_and(|(_, rule)| rule == Rule::match_recognize) =>
                {
                    of(Rule::match_recognize).map(|group| (group, Break::Item))
                }
                Rule::kw_and | Rule::kw_or if around.is_some_and(|(_, rule)| rule == Rule::expr) && self.is_term(at) => {
                    of(Rule::expr).map(|expr| (expr, Break::Term))
                }
                Rule::join => of(Rule::from).map(|from| (from, Break::Join)),
                Rule::select_item if around.is_some_and(|(_, rule)| rule == Rule::query) => {
                    self.not_first(at).and(of(Rule::query)).map(|query| (query, Break::Fill))
                }
                Rule::connector => of(Rule::pattern).map(|pattern| (pattern, Break::Step)),
                _ => None,
            };
            if break_at.is_none() {
                break_at = found;
            }
            if GROUPS.contains(&rule) && end > at {
                self.groups += 1;
                self.open.push(Open { number: self.groups, rule, end });
            }
        }
        (break_at, clause)
    }

    /// The first word of a query: in parentheses it stands further in, behind `CREATE STREAM name AS` at the margin, and behind the list of
    /// WITH as the clauses do.
    fn first_of_query(&self, query: usize) -> Option<(usize, Break)> {
        if self.tokens.iter().any(|token| token.groups.contains(&query)) {
            return Some((query, Break::Clause));
        }
        let inside = self.open.iter().position(|open| open.number == query)?;
        match inside.checked_sub(1).and_then(|index| self.open.get(index)) {
            Some(around) if around.rule == Rule::subquery => Some((around.number, Break::Item)),
            None => Some((query, Break::Clause)),
            Some(Open { rule: Rule::create_stream | Rule::create_table, .. }) => Some((query, Break::Clause)),
            Some(_) => None,
        }
    }

    /// Whether the word before is a comma: the first item of a list begins no line.
    fn not_first(&self, _at: usize) -> Option<()> {
        self.tokens.iter().rev().find(|token| token.kind == Kind::Word).filter(|token| token.text == ",").map(|_| ())
    }

    /// Whether an AND joins terms, and is not that of BETWEEN.
    fn is_term(&self, at: usize) -> bool {
        let is_between = |(start, rules): (&usize, &Vec<(Rule, usize)>)| {
            rules.iter().any(|(rule, end)| *rule == Rule::between && *start < at && *end > at)
        };
        !self.marks.starts.range(..at).rev().take(200).any(is_between)
    }

    fn is_tight_before(&self, at: usize, text: &str) -> bool {
        let rules = self.marks.at(at);
        let is = |wanted: &[Rule]| rules.iter().any(|(rule, _)| wanted.contains(rule));
        if is(&[Rule::connector]) {
            return false;
        }
        match text {
            "," | ")" | "]" | "." | ";" => true,
            "(" => {
                let is_call = is(&[Rule::arguments]);
                let is_of_type = self.tokens.last().is_some_and(|before| {
                    let name = before.text.to_ascii_uppercase();
                    TIGHT_WORDS.contains(&name.as_str()) && is(&[Rule::lparen])
                });
                is_call || is_of_type
            }
            "[" => true,
            "<" => is(&[Rule::less]),
            ">" => is(&[Rule::greater]),
            "}" => !is(&[Rule::exclude_close]),
            _ => is(&[Rule::quantifier, Rule::repeat_mark, Rule::repeat_range, Rule::reluctant]),
        }
    }

    fn is_tight_after(&self, at: usize, text: &str) -> bool {
        let is = |wanted: &[Rule]| self.marks.has(at, wanted);
        match text {
            "(" | "[" | "." => true,
            "!" => true,
            "<" => is(&[Rule::less]),
            "{" => is(&[Rule::lbrace, Rule::repeat_range]),
            "-" | "+" => is(&[Rule::sign]),
            "," => self.marks.starts.range(..at).next_back().is_some_and(|_| self.is_in_range(at)),
            _ => self.is_in_range(at) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_'),
        }
    }

    /// Whether a place lies inside of `{2,5}`.
    fn is_in_range(&self, at: usize) -> bool {
        let around = self.marks.starts.range(..=at).rev().take(8);
        around.flat_map(|(_, rules)| rules).any(|(rule, end)| *rule == Rule::repeat_range && *end > at)
    }
}

/// How long the word, literal or sign at the beginning is.
fn word_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes[0] {
        quote @ (b'\'' | b'"') => {
            let mut at = 1;
            while at < bytes.len() {
                if bytes[at] == quote {
                    if bytes.get(at + 1) != Some(&quote) {
                        return at + 1;
                    }
                    at += 1;
                }
                at += 1;
            }
            text.len()
        }
        b'0'..=b'9' => number_length(text),
        b'.' if bytes.get(1).is_some_and(u8::is_ascii_digit) => number_length(text),
        b'$' => 1 + text[1..].find(|c: char| !is_word(c)).unwrap_or(text.len() - 1),
        _ if text.starts_with(is_word) => text.find(|c: char| !is_word(c)).unwrap_or(text.len()),
        _ => {
            // `{--` is a bracket with a comment behind it.
            if text.starts_with("{--") {
                return 1;
            }
            let signs = ["->>", "->", "||", "<>", "<=", ">=", "!=", "==", "{-", "-}"];
            signs
                .iter()
                .find(|sign| text.starts_with(**sign))
                .map_or_else(|| text.chars().next().map_or(1, char::len_utf8), |sign| sign.len())
        }
    }
}

/// `1_000`, `1.5`, `2e-9`, `10m`
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let is_exponent = matches!(bytes[at], b'+' | b'-')
            && at > 0
            && matches!(bytes[at - 1], b'e' | b'E')
            && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        let is_point = bytes[at] == b'.' && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        if !(bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_' || is_point || is_exponent) {
            break;
        }
        at += 1;
    }
    at
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
