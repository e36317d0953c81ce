//! The reference's own reading of a `.tide` program: text to a small tree, by a hand-written descent over tokens.
//! In: program text of the subset that the reference knows. Out: streams and one pattern query, or `Err` with what is not known.
//! Independent of `src/syntax`, so that a wrong parse there shows as a wrong result here.

use std::rc::Rc;

use super::expr::Expr;
use super::reading::{CLAUSES, Parsed, Parser, Token, tokens};

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
    /// `RUNS n ON OVERFLOW DROP OLDEST`
    DropOldest(usize),
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
                () => {
                    let most = self.count()? as usize;
                    if self.word("ON") {
                        ["OVERFLOW", "DROP", "OLDEST"].iter().try_for_each(|word| self.need(word))?;
                        Runs::DropOldest(most)
                    } else {
                        Runs::Count(most)
                    }
                }
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

    pub fn item(&mut self) -> Parsed<Item> {
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
}
