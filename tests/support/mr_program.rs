//! The reference's own reading of a MATCH_RECOGNIZE query.
//! In: program text. Out: a small tree, or `Err` with what the reference does not know.

use super::expr::Expr;
use super::program::{Item, StreamDef, Within};
use super::reading::{Parsed, Parser, Token, tokens};

/// A row pattern.
#[derive(Debug, Clone)]
pub enum RowPattern {
    Variable(String),
    Empty,
    Start,
    End,
    Concat(Vec<RowPattern>),
    Either(Vec<RowPattern>),
    Permute(Vec<RowPattern>),
    Exclude(Box<RowPattern>),
    Repeat { body: Box<RowPattern>, min: u64, max: Option<u64>, reluctant: bool },
}

/// Which rows a match gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rows {
    One,
    AllShowEmpty,
    AllOmitEmpty,
    AllUnmatched,
}

/// Where the search goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Skip {
    PastLast,
    ToNext,
    ToFirst(String),
    ToLast(String),
}

/// `col [ASC|DESC] [NULLS FIRST|LAST]`
#[derive(Debug, Clone)]
pub struct Order {
    pub column: String,
    pub descending: bool,
    pub nulls_first: Option<bool>,
}

/// A query over MATCH_RECOGNIZE.
#[derive(Debug)]
pub struct RowQuery {
    pub streams: Vec<StreamDef>,
    pub items: Vec<Item>,
    pub stream: String,
    pub partition: Vec<String>,
    pub order: Vec<Order>,
    pub measures: Vec<(String, Expr)>,
    pub rows: Rows,
    pub skip: Skip,
    pub pattern: RowPattern,
    pub within: Option<Within>,
    pub subsets: Vec<(String, Vec<String>)>,
    pub defines: Vec<(String, Expr)>,
    pub filter: Option<Expr>,
}

impl RowQuery {
    /// Reads a program of source streams and one MATCH_RECOGNIZE query.
    pub fn parse(text: &str) -> Parsed<RowQuery> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, steps: Vec::new(), nodes: 0 };
        let mut streams = Vec::new();
        while parser.word("CREATE") {
            streams.push(parser.stream()?);
        }
        let query = parser.row_query(streams)?;
        if parser.peek() != &Token::End {
            return Err("more than one query".into());
        }
        Ok(query)
    }
}

impl Parser {
    fn row_query(&mut self, streams: Vec<StreamDef>) -> Parsed<RowQuery> {
        self.need("SELECT")?;
        let mut items = vec![self.item()?];
        while self.sign(",") {
            items.push(self.item()?);
        }
        self.need("FROM")?;
        let stream = self.name()?;
        if self.word("AS") || !self.peek_word("MATCH_RECOGNIZE") {
            self.name()?;
        }
        self.need("MATCH_RECOGNIZE")?;
        self.need("(")?;
        let mut query = RowQuery {
            streams,
            items,
            stream,
            partition: vec![],
            order: vec![],
            measures: vec![],
            rows: Rows::One,
            skip: Skip::PastLast,
            pattern: RowPattern::Empty,
            within: None,
            subsets: vec![],
            defines: vec![],
            filter: None,
        };
        self.row_clauses(&mut query)?;
        if self.word("AS") || matches!(self.peek(), Token::Quoted(_)) || matches!(self.peek(), Token::Word(w) if w != "WHERE") {
            self.name()?;
        }
        if self.word("WHERE") {
            query.filter = Some(self.expr()?);
        }
        self.need(";").map_err(|_| "a clause behind MATCH_RECOGNIZE".to_owned())?;
        Ok(query)
    }

    fn row_clauses(&mut self, query: &mut RowQuery) -> Parsed<()> {
        if self.word("PARTITION") {
            self.need("BY")?;
            query.partition = self.columns()?;
        }
        if self.word("ORDER") {
            self.need("BY")?;
            query.order = self.orders()?;
        }
        if self.word("MEASURES") {
            loop {
                let expr = self.expr()?;
                self.need("AS")?;
                query.measures.push((self.name()?, expr));
                if !self.sign(",") {
                    break;
                }
            }
        }
        if self.word("ONE") {
            self.row_word()?;
            self.need("PER")?;
            self.need("MATCH")?;
        } else if self.word("ALL") {
            self.all_rows(query)?;
        }
        if self.word("AFTER") {
            self.need("MATCH")?;
            self.need("SKIP")?;
            query.skip = self.row_skip()?;
        }
        self.need("PATTERN")?;
        self.need("(")?;
        query.pattern = self.row_either()?;
        self.need(")")?;
        if self.word("WITHIN") {
            let events = matches!(&self.tokens[self.at + 1], Token::Word(w) if w.eq_ignore_ascii_case("EVENTS"));
            query.within = Some(if events { Within::Events(self.count()? as usize) } else { Within::Time(self.duration()?) });
            self.at += usize::from(events);
        }
        if self.word("SUBSET") {
            loop {
                let name = self.name()?;
                self.need("=")?;
                self.need("(")?;
                query.subsets.push((name, self.columns()?));
                self.need(")")?;
                if !self.sign(",") {
                    break;
                }
            }
        }
        if self.word("DEFINE") {
            loop {
                let name = self.name()?;
                self.need("AS")?;
                query.defines.push((name, self.expr()?));
                if !self.sign(",") {
                    break;
                }
            }
        }
        self.need(")")
    }

    fn row_word(&mut self) -> Parsed<()> {
        if self.word("EVENT") || self.word("EVENTS") || self.word("ROWS") { Ok(()) } else { self.need("ROW") }
    }

    fn all_rows(&mut self, query: &mut RowQuery) -> Parsed<()> {
        self.row_word()?;
        self.need("PER")?;
        self.need("MATCH")?;
        query.rows = Rows::AllShowEmpty;
        if self.word("WITH") {
            self.need("UNMATCHED")?;
            self.row_word()?;
            query.rows = Rows::AllUnmatched;
        } else if self.word("OMIT") {
            query.rows = Rows::AllOmitEmpty;
            self.at += 2;
        } else if self.word("SHOW") {
            self.at += 2;
        }
        Ok(())
    }

    fn row_skip(&mut self) -> Parsed<Skip> {
        if self.word("PAST") {
            self.need("LAST")?;
            self.row_word()?;
            return Ok(Skip::PastLast);
        }
        self.need("TO")?;
        if self.word("NEXT") {
            self.row_word()?;
            return Ok(Skip::ToNext);
        }
        let first = self.word("FIRST");
        if !first {
            self.word("LAST");
        }
        let name = self.name()?;
        Ok(if first { Skip::ToFirst(name) } else { Skip::ToLast(name) })
    }

    fn columns(&mut self) -> Parsed<Vec<String>> {
        let mut out = Vec::new();
        loop {
            let name = self.name()?;
            out.push(if self.sign(".") { self.name()? } else { name });
            if !self.sign(",") {
                return Ok(out);
            }
        }
    }

    fn orders(&mut self) -> Parsed<Vec<Order>> {
        let mut out = Vec::new();
        loop {
            let name = self.name()?;
            let column = if self.sign(".") { self.name()? } else { name };
            let descending = self.word("DESC");
            if !descending {
                self.word("ASC");
            }
            let nulls_first = if self.word("NULLS") {
                let first = self.word("FIRST");
                if !first {
                    self.need("LAST")?;
                }
                Some(first)
            } else {
                None
            };
            out.push(Order { column, descending, nulls_first });
            if !self.sign(",") {
                return Ok(out);
            }
        }
    }

    fn row_either(&mut self) -> Parsed<RowPattern> {
        let mut parts = vec![self.row_concat()?];
        while self.sign("|") {
            parts.push(self.row_concat()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { RowPattern::Either(parts) })
    }

    fn row_concat(&mut self) -> Parsed<RowPattern> {
        let mut parts = Vec::new();
        while !matches!(self.peek(), Token::Sign("|" | ")" | "-}" | ",") | Token::End) {
            let element = self.row_element()?;
            parts.push(self.row_quantified(element)?);
        }
        Ok(match parts.len() {
            0 => RowPattern::Empty,
            1 => parts.remove(0),
            _ => RowPattern::Concat(parts),
        })
    }

    fn row_element(&mut self) -> Parsed<RowPattern> {
        if self.sign("^") {
            return Ok(RowPattern::Start);
        }
        if self.sign("$") {
            return Ok(RowPattern::End);
        }
        if self.sign("{-") {
            let inner = self.row_either()?;
            self.need("-}")?;
            return Ok(RowPattern::Exclude(Box::new(inner)));
        }
        if self.sign("(") {
            let inner = self.row_either()?;
            self.need(")")?;
            return Ok(inner);
        }
        let permute = self.peek_word("PERMUTE");
        let name = self.name()?;
        if permute && self.sign("(") {
            let mut parts = vec![self.row_either()?];
            while self.sign(",") {
                parts.push(self.row_either()?);
            }
            self.need(")")?;
            return Ok(RowPattern::Permute(parts));
        }
        Ok(RowPattern::Variable(name))
    }

    fn row_quantified(&mut self, body: RowPattern) -> Parsed<RowPattern> {
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
        Ok(RowPattern::Repeat { body: Box::new(body), min, max, reluctant })
    }
}
