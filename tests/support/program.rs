//! The reference's own reading of a `.tide` program: text to a small tree, by a hand-written descent over tokens.
//! In: program text of the subset that the reference knows. Out: streams and one pattern query, or `Err` with what is not known.
//! Independent of `src/syntax`, so that a wrong parse there shows as a wrong result here.

use std::rc::Rc;

use super::expr::{Expr, Value};

/// A declared source stream.
#[derive(Debug, Clone)]
pub struct StreamDef {
    pub name: String,
    pub columns: Vec<(String, String)>,
    pub time: String,
    pub ties: Vec<String>,
    pub delay: i64,
    pub type_name: Option<String>,
}

/// Arrows between steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrow {
    Next,
    Any,
    Strict,
}

/// A step; the steps of a query stand in one table, in the order of the text.
#[derive(Debug, Clone)]
pub struct Step {
    pub stream: String,
    pub condition: Option<Expr>,
    pub variable: String,
    pub negated: bool,
}

/// What ends a loop.
#[derive(Debug, Clone)]
pub enum Until {
    Step(usize),
    Condition(Expr),
}

/// A pattern; two nodes are the same if they stand at the same place in the text.
pub struct Node {
    pub id: usize,
    pub kind: Kind,
}

/// Forms of patterns. Steps are indexes into the table.
pub enum Kind {
    Step(usize),
    Not(usize, Option<i64>),
    Sequence(Vec<Rc<Node>>, Vec<Arrow>),
    Either(Vec<Rc<Node>>),
    Both(Vec<Rc<Node>>),
    Repeat { body: Rc<Node>, min: u64, max: Option<u64>, reluctant: bool, inside: Arrow, until: Option<Until> },
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "n{}", self.id)
    }
}

/// `AFTER MATCH …`
#[derive(Debug, Clone, PartialEq)]
pub enum After {
    Everything,
    PastLast,
    ToLastEvent,
    ToNext,
    ToFirst(String),
    ToLast(String),
    Restart,
    Consume,
}

/// `WITHIN …`
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Within {
    Time(i64),
    Events(usize),
}

/// `RUNS …`
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Runs {
    All,
    Latest,
    Count(usize),
}

/// A column of the result.
#[derive(Debug, Clone)]
pub enum Item {
    Column(String, Expr),
    Spread(String),
    Star,
}

/// One query over a pattern.
#[derive(Debug)]
pub struct Query {
    pub all_matches: bool,
    pub items: Vec<Item>,
    pub steps: Vec<Step>,
    pub pattern: Rc<Node>,
    pub partition: Vec<Expr>,
    /// `a.x = b.y = …`: one list of column expressions an equality.
    pub partition_equal: Vec<Vec<Expr>>,
    pub terms: Vec<Expr>,
    pub within: Option<Within>,
    pub having: Option<Expr>,
    pub after: After,
    pub runs: Runs,
    /// How many rows, and whether per partition.
    pub limit: Option<(usize, bool)>,
}

/// A program of source streams and one unnamed pattern query.
#[derive(Debug)]
pub struct Program {
    pub streams: Vec<StreamDef>,
    pub query: Query,
}

impl Query {
    /// Whether every way to match is a match: asked for, or because `->>` or `ANY` stands in the pattern.
    pub fn all_matches(&self) -> bool {
        fn any(node: &Node) -> bool {
            match &node.kind {
                Kind::Step(_) | Kind::Not(..) => false,
                Kind::Sequence(parts, arrows) => arrows.contains(&Arrow::Any) || parts.iter().any(|p| any(p)),
                Kind::Either(parts) | Kind::Both(parts) => parts.iter().any(|p| any(p)),
                Kind::Repeat { body, inside, .. } => *inside == Arrow::Any || any(body),
            }
        }
        self.all_matches || any(&self.pattern)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Text(String),
    Number(String),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 27] = [
    "->>", "->", "<=", ">=", "<>", "!=", "||", "(", ")", "[", "]", "{", "}", ",", ";", ".", "*", "+", "?", "-", "/", "%", "=", "<", ">",
    "!", "|",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(first) = rest.chars().next() else { break };
        if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if first == '\'' || first == '"' {
            let mut body = String::new();
            let mut chars = rest[1..].char_indices().peekable();
            let end = loop {
                let (at, c) = chars.next().ok_or("an open quote")?;
                if c != first {
                    body.push(c);
                } else if chars.peek().is_some_and(|(_, next)| *next == first) {
                    chars.next();
                    body.push(c);
                } else {
                    break at + 2;
                }
            };
            out.push(if first == '"' { Token::Quoted(body) } else { Token::Text(body) });
            rest = &rest[end..];
        } else if first.is_ascii_digit() {
            let end = number_end(rest);
            out.push(Token::Number(rest[..end].replace('_', "")));
            rest = &rest[end..];
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            out.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if first == '&' {
            out.push(Token::Sign("&"));
            rest = &rest[1..];
        } else {
            let sign = SIGNS.iter().find(|s| rest.starts_with(**s)).ok_or_else(|| format!("the sign {first}"))?;
            out.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        }
    }
    out.push(Token::End);
    Ok(out)
}

fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |mut at: usize| {
        while at < bytes.len() && (bytes[at].is_ascii_digit() || bytes[at] == b'_') {
            at += 1;
        }
        at
    };
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if bytes.get(end) == Some(&b'e') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    end
}

const CLAUSES: [&str; 10] = ["PARTITION", "WHERE", "WITHIN", "HAVING", "AFTER", "RUNS", "TIMEOUT", "SUPPRESS", "LIMIT", "UNTIL"];

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    steps: Vec<Step>,
    nodes: usize,
}

type Parsed<T> = Result<T, String>;

impl Program {
    /// Reads a program, or says what the reference does not know.
    pub fn parse(text: &str) -> Parsed<Program> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, steps: Vec::new(), nodes: 0 };
        let mut streams = Vec::new();
        while parser.word("CREATE") {
            streams.push(parser.stream()?);
        }
        let query = parser.query()?;
        if parser.peek() != &Token::End {
            return Err("more than one query".into());
        }
        Ok(Program { streams, query })
    }
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at]
    }

    fn peek_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(w) if w.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let is = self.peek_word(word);
        self.at += usize::from(is);
        is
    }

    fn sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Token::Sign(s) if *s == sign);
        self.at += usize::from(is);
        is
    }

    fn need(&mut self, what: &str) -> Parsed<()> {
        if self.sign(what) || self.word(what) { Ok(()) } else { Err(format!("{what} expected, {:?} found", self.peek())) }
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek().clone() {
            Token::Word(name) | Token::Quoted(name) => {
                self.at += 1;
                Ok(name)
            }
            other => Err(format!("a name expected, {other:?} found")),
        }
    }

    fn stream(&mut self) -> Parsed<StreamDef> {
        self.need("STREAM")?;
        let name = self.name()?;
        if self.word("AS") {
            return Err("a derived stream".into());
        }
        let mut def = StreamDef { name, columns: vec![], time: String::new(), ties: vec![], delay: 0, type_name: None };
        self.need("(")?;
        loop {
            let column = self.name()?;
            def.columns.push((column, self.name()?.to_uppercase()));
            if self.sign(")") {
                break;
            }
            self.need(",").map_err(|_| "a column option".to_owned())?;
        }
        while !self.sign(";") {
            if self.word("TIMESTAMP") {
                self.need("BY")?;
                if self.sign("(") {
                    def.time = self.name()?;
                    while self.sign(",") {
                        def.ties.push(self.name()?);
                    }
                    self.need(")")?;
                } else {
                    def.time = self.name()?;
                }
            } else if self.word("DELAY") {
                def.delay = self.duration()?;
            } else {
                return Err(format!("a stream option {:?}", self.peek()));
            }
        }
        Ok(def)
    }

    fn query(&mut self) -> Parsed<Query> {
        self.need("SELECT")?;
        let all_matches = self.peek_word("ALL") && matches!(&self.tokens[self.at + 1], Token::Word(w) if w == "MATCHES");
        self.at += if all_matches { 2 } else { 0 };
        let mut items = vec![self.item()?];
        while self.sign(",") {
            items.push(self.item()?);
        }
        self.need("FROM")?;
        self.need("PATTERN")?;
        self.need("(")?;
        let pattern = self.either()?;
        self.need(")")?;
        let mut query = Query {
            all_matches,
            items,
            steps: std::mem::take(&mut self.steps),
            pattern,
            partition: vec![],
            partition_equal: vec![],
            terms: vec![],
            within: None,
            having: None,
            after: After::Everything,
            runs: Runs::All,
            limit: None,
        };
        while !self.sign(";") {
            self.clause(&mut query)?;
        }
        Ok(query)
    }

    fn clause(&mut self, query: &mut Query) -> Parsed<()> {
        if self.word("PARTITION") {
            self.need("BY")?;
            loop {
                let mut parts = vec![self.additive()?];
                while self.sign("=") {
                    parts.push(self.additive()?);
                }
                if parts.len() > 1 {
                    query.partition_equal.push(parts);
                } else {
                    query.partition.append(&mut parts);
                }
                if !self.sign(",") {
                    return Ok(());
                }
            }
        } else if self.word("WHERE") {
            match self.expr()? {
                Expr::And(terms) => query.terms = terms,
                other => query.terms = vec![other],
            }
        } else if self.word("WITHIN") {
            let events = matches!(&self.tokens[self.at + 1], Token::Word(w) if w.eq_ignore_ascii_case("EVENTS"));
            query.within = Some(if events {
                let count = self.count()?;
                self.at += 1;
                Within::Events(count as usize)
            } else {
                Within::Time(self.duration()?)
            });
        } else if self.word("HAVING") {
            query.having = Some(self.expr()?);
        } else if self.word("AFTER") {
            self.need("MATCH")?;
            query.after = self.after()?;
        } else if self.word("RUNS") {
            query.runs = match () {
                () if self.word("ALL") => Runs::All,
                () if self.word("LATEST") => Runs::Latest,
                () => Runs::Count(self.count()? as usize),
            };
        } else if self.word("LIMIT") {
            let count = self.count()? as usize;
            let per_partition = self.word("PER");
            if per_partition {
                self.need("PARTITION")?;
            }
            query.limit = Some((count, per_partition));
        } else {
            return Err(format!("the clause {:?}", self.peek()));
        }
        Ok(())
    }

    fn after(&mut self) -> Parsed<After> {
        if self.word("RESTART") {
            return Ok(After::Restart);
        }
        if self.word("CONSUME") {
            return Ok(After::Consume);
        }
        self.need("SKIP")?;
        if self.word("PAST") {
            self.need("LAST")?;
            self.need("EVENT")?;
            return Ok(After::PastLast);
        }
        self.need("TO")?;
        if self.word("NEXT") {
            self.need("EVENT")?;
            Ok(After::ToNext)
        } else if self.word("FIRST") {
            Ok(After::ToFirst(self.name()?))
        } else {
            self.need("LAST")?;
            Ok(if self.word("EVENT") { After::ToLastEvent } else { After::ToLast(self.name()?) })
        }
    }

    fn count(&mut self) -> Parsed<u64> {
        match self.peek().clone() {
            Token::Number(n) => {
                self.at += 1;
                n.parse().map_err(|_| "a count".to_owned())
            }
            other => Err(format!("a count expected, {other:?} found")),
        }
    }

    fn duration(&mut self) -> Parsed<i64> {
        let mut total = 0;
        while let Token::Number(n) = self.peek().clone() {
            self.at += 1;
            let unit = self.name()?;
            total += (n.parse::<f64>().map_err(|_| "a duration")? * unit_of(&unit).ok_or(format!("the unit {unit}"))? as f64) as i64;
        }
        Ok(total)
    }

    fn item(&mut self) -> Parsed<Item> {
        if self.sign("*") {
            return Ok(Item::Star);
        }
        let begin = self.at;
        let expr = self.expr()?;
        if let Expr::AllOf(variable) = expr {
            return Ok(Item::Spread(variable));
        }
        let name = match (&expr, self.word("AS")) {
            (_, true) => self.name()?,
            (Expr::Column(_, column), false) => column.clone(),
            (_, false) => return Err(format!("an item without a name at {begin}")),
        };
        Ok(Item::Column(name, expr))
    }

    fn node(&mut self, kind: Kind) -> Rc<Node> {
        self.nodes += 1;
        Rc::new(Node { id: self.nodes, kind })
    }

    fn either(&mut self) -> Parsed<Rc<Node>> {
        let mut parts = vec![self.sequence()?];
        while self.sign("|") {
            parts.push(self.sequence()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { self.node(Kind::Either(parts)) })
    }

    fn sequence(&mut self) -> Parsed<Rc<Node>> {
        let mut elements = vec![self.both()?];
        let mut arrows = Vec::new();
        loop {
            let arrow = match () {
                () if self.sign("->>") => Arrow::Any,
                () if self.sign("->") => Arrow::Next,
                () if self.sign(",") => Arrow::Strict,
                () => break,
            };
            arrows.push(arrow);
            elements.push(self.both()?);
        }
        Ok(if elements.len() == 1 && !matches!(elements[0].kind, Kind::Not(..)) {
            elements.remove(0)
        } else {
            self.node(Kind::Sequence(elements, arrows))
        })
    }

    fn both(&mut self) -> Parsed<Rc<Node>> {
        let mut parts = vec![self.element()?];
        while self.sign("&") {
            parts.push(self.element()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { self.node(Kind::Both(parts)) })
    }

    fn element(&mut self) -> Parsed<Rc<Node>> {
        if self.sign("!") {
            let step = self.step(true)?;
            let length = if self.word("FOR") { Some(self.duration()?) } else { None };
            return Ok(self.node(Kind::Not(step, length)));
        }
        let body = if self.sign("(") {
            let inner = self.either()?;
            self.need(")")?;
            inner
        } else {
            let step = self.step(false)?;
            self.node(Kind::Step(step))
        };
        self.quantified(body)
    }

    fn quantified(&mut self, body: Rc<Node>) -> Parsed<Rc<Node>> {
        let (min, max) = match () {
            () if self.sign("+") => (1, None),
            () if self.sign("*") => (0, None),
            () if self.sign("?") => (0, Some(1)),
            () if self.sign("{") => {
                let min = if self.sign(",") { None } else { Some(self.count()?) };
                let comma = min.is_none() || self.sign(",");
                let max = if matches!(self.peek(), Token::Number(_)) { Some(self.count()?) } else { None };
                self.need("}")?;
                if comma { (min.unwrap_or(0), max) } else { (min.unwrap_or(0), min) }
            }
            () => return Ok(body),
        };
        let reluctant = self.sign("?");
        let inside = match () {
            () if self.word("STRICT") => Arrow::Strict,
            () if self.word("ANY") => Arrow::Any,
            () => Arrow::Next,
        };
        let until = if !self.word("UNTIL") {
            None
        } else if self.sign("(") {
            let condition = self.expr()?;
            self.need(")")?;
            Some(Until::Condition(condition))
        } else {
            Some(Until::Step(self.step(true)?))
        };
        Ok(self.node(Kind::Repeat { body, min, max, reluctant, inside, until }))
    }

    fn step(&mut self, negated: bool) -> Parsed<usize> {
        let stream = self.name()?;
        let condition = if self.sign("[") {
            let condition = self.expr()?;
            self.need("]")?;
            Some(condition)
        } else {
            None
        };
        let alias = match self.peek() {
            Token::Quoted(_) => true,
            Token::Word(w) => !CLAUSES.contains(&w.as_str()) && !["FOR", "STRICT", "ANY"].contains(&w.as_str()),
            _ => false,
        };
        let variable = if alias { self.name()? } else { stream.clone() };
        self.steps.push(Step { stream, condition, variable, negated });
        Ok(self.steps.len() - 1)
    }

    fn expr(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.conjunction()?];
        while self.word("OR") {
            parts.push(self.conjunction()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Or(parts) })
    }

    fn conjunction(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.negation()?];
        while self.word("AND") {
            parts.push(self.negation()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) })
    }

    fn negation(&mut self) -> Parsed<Expr> {
        if self.word("NOT") { Ok(Expr::Not(Box::new(self.negation()?))) } else { self.comparison() }
    }

    fn comparison(&mut self) -> Parsed<Expr> {
        let left = self.additive()?;
        for op in ["=", "<>", "!=", "<=", ">=", "<", ">"] {
            if self.sign(op) {
                let op = if op == "!=" { "<>" } else { op };
                return Ok(Expr::Binary(op.to_owned(), Box::new(left), Box::new(self.additive()?)));
            }
        }
        if self.word("IS") {
            let negated = self.word("NOT");
            self.need("NULL")?;
            return Ok(Expr::IsNull(Box::new(left), negated));
        }
        let negated = self.word("NOT");
        if self.word("IN") {
            self.need("(")?;
            let list = self.arguments()?;
            return Ok(Expr::In(Box::new(left), list, negated));
        }
        if self.word("BETWEEN") {
            let low = self.additive()?;
            self.need("AND")?;
            return Ok(Expr::Between(Box::new(left), Box::new(low), Box::new(self.additive()?), negated));
        }
        if negated { Err("an operator after NOT".into()) } else { Ok(left) }
    }

    fn additive(&mut self) -> Parsed<Expr> {
        let mut left = self.product()?;
        while let Token::Sign(op @ ("+" | "-")) = *self.peek() {
            self.at += 1;
            left = Expr::Binary(op.to_owned(), Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.primary()?;
        while let Token::Sign(op @ ("*" | "/" | "%")) = *self.peek() {
            self.at += 1;
            left = Expr::Binary(op.to_owned(), Box::new(left), Box::new(self.primary()?));
        }
        Ok(left)
    }

    /// The arguments up to and with the closing parenthesis.
    fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        let mut list = Vec::new();
        loop {
            list.push(if self.sign("*") { Expr::Star } else { self.expr()? });
            if self.sign(")") {
                return Ok(list);
            }
            self.need(",")?;
        }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        match self.peek().clone() {
            Token::Number(n) => {
                if matches!(&self.tokens[self.at + 1], Token::Word(w) if unit_of(w).is_some()) {
                    return Ok(Expr::Const(Value::Duration(self.duration()?)));
                }
                self.at += 1;
                let whole = n.parse().ok().map(Value::Int);
                Ok(Expr::Const(whole.unwrap_or_else(|| Value::Float(n.parse().unwrap()))))
            }
            Token::Text(text) => {
                self.at += 1;
                Ok(Expr::Const(Value::Text(text)))
            }
            Token::Sign("(") => {
                self.at += 1;
                let inner = self.expr()?;
                self.need(")")?;
                Ok(inner)
            }
            Token::Sign("-") => {
                self.at += 1;
                Ok(Expr::Minus(Box::new(self.primary()?)))
            }
            Token::Word(word) => self.word_primary(&word),
            Token::Quoted(_) => self.path(),
            other => Err(format!("an expression expected, {other:?} found")),
        }
    }

    fn word_primary(&mut self, word: &str) -> Parsed<Expr> {
        let constant = match word.to_uppercase().as_str() {
            "NULL" => Some(Value::Null),
            "TRUE" => Some(Value::Bool(true)),
            "FALSE" => Some(Value::Bool(false)),
            _ => None,
        };
        if let Some(value) = constant {
            self.at += 1;
            return Ok(Expr::Const(value));
        }
        if self.word("CASE") {
            let mut branches = Vec::new();
            while self.word("WHEN") {
                let condition = self.expr()?;
                self.need("THEN")?;
                branches.push((condition, self.expr()?));
            }
            let otherwise = if self.word("ELSE") { Some(Box::new(self.expr()?)) } else { None };
            self.need("END")?;
            return Ok(Expr::Case(branches, otherwise));
        }
        self.path()
    }

    fn path(&mut self) -> Parsed<Expr> {
        let quoted = matches!(self.peek(), Token::Quoted(_));
        let name = self.name()?;
        if !quoted && self.sign("(") {
            const KNOWN: [&str; 12] =
                ["COUNT", "SUM", "AVG", "MIN", "MAX", "FIRST", "LAST", "PREV", "ARRAY_AGG", "COALESCE", "CONTAINS", "ABS"];
            let name = name.to_uppercase();
            if !KNOWN.contains(&name.as_str()) {
                return Err(format!("the function {name}"));
            }
            return Ok(Expr::Call(name, self.arguments()?));
        }
        if self.sign(".") {
            if self.sign("*") {
                return Ok(Expr::AllOf(name));
            }
            let column = self.name()?;
            return Ok(Expr::Column(Some(name), column));
        }
        Ok(Expr::Column(None, name))
    }
}

fn unit_of(unit: &str) -> Option<i64> {
    let millis = 1_000_000;
    Some(match unit.to_lowercase().as_str() {
        "ms" | "millisecond" | "milliseconds" => millis,
        "s" | "second" | "seconds" => 1000 * millis,
        "m" | "minute" | "minutes" => 60_000 * millis,
        "h" | "hour" | "hours" => 3_600_000 * millis,
        "d" | "day" | "days" => 86_400_000 * millis,
        _ => return None,
    })
}
