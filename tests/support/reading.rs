//! Tokens and expressions of the reference's own reading of programs, and the declarations of streams.
//! In: program text. Out: tokens, expression trees, source streams; `Err` says what the reference does not know.

use super::expr::{Expr, Value};
use super::program::{Step, StreamDef};

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Word(String),
    Quoted(String),
    Text(String),
    Number(String),
    Sign(&'static str),
    End,
}

const SIGNS: [&str; 31] = [
    "{-", "-}", "^", "$", "->>", "->", "<=", ">=", "<>", "!=", "||", "(", ")", "[", "]", "{", "}", ",", ";", ".", "*", "+", "?", "-", "/",
    "%", "=", "<", ">", "!", "|",
];

pub fn tokens(text: &str) -> Result<Vec<Token>, String> {
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

pub const CLAUSES: [&str; 11] =
    ["PARTITION", "WHERE", "WITHIN", "HAVING", "AFTER", "RUNS", "KEYS", "TIMEOUT", "SUPPRESS", "LIMIT", "UNTIL"];

pub struct Parser {
    pub tokens: Vec<Token>,
    pub at: usize,
    pub steps: Vec<Step>,
    pub nodes: usize,
}

pub type Parsed<T> = Result<T, String>;

impl Parser {
    pub fn peek(&self) -> &Token {
        &self.tokens[self.at]
    }

    pub fn peek_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(w) if w.eq_ignore_ascii_case(word))
    }

    pub fn word(&mut self, word: &str) -> bool {
        let is = self.peek_word(word);
        self.at += usize::from(is);
        is
    }

    pub fn sign(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Token::Sign(s) if *s == sign);
        self.at += usize::from(is);
        is
    }

    pub fn need(&mut self, what: &str) -> Parsed<()> {
        if self.sign(what) || self.word(what) { Ok(()) } else { Err(format!("{what} expected, {:?} found", self.peek())) }
    }

    pub fn name(&mut self) -> Parsed<String> {
        match self.peek().clone() {
            Token::Word(name) | Token::Quoted(name) => {
                self.at += 1;
                Ok(name)
            }
            other => Err(format!("a name expected, {other:?} found")),
        }
    }

    pub fn count(&mut self) -> Parsed<u64> {
        match self.peek().clone() {
            Token::Number(n) => {
                self.at += 1;
                n.parse().map_err(|_| "a count".to_owned())
            }
            other => Err(format!("a count expected, {other:?} found")),
        }
    }

    pub fn duration(&mut self) -> Parsed<i64> {
        let mut total = 0;
        while let Token::Number(n) = self.peek().clone() {
            self.at += 1;
            let unit = self.name()?;
            total += (n.parse::<f64>().map_err(|_| "a duration")? * unit_of(&unit).ok_or(format!("the unit {unit}"))? as f64) as i64;
        }
        Ok(total)
    }

    pub fn expr(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.conjunction()?];
        while self.word("OR") {
            parts.push(self.conjunction()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::Or(parts) })
    }

    pub fn conjunction(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.negation()?];
        while self.word("AND") {
            parts.push(self.negation()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expr::And(parts) })
    }

    pub fn negation(&mut self) -> Parsed<Expr> {
        if self.word("NOT") { Ok(Expr::Not(Box::new(self.negation()?))) } else { self.comparison() }
    }

    pub fn comparison(&mut self) -> Parsed<Expr> {
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

    pub fn additive(&mut self) -> Parsed<Expr> {
        let mut left = self.product()?;
        while let Token::Sign(op @ ("+" | "-")) = *self.peek() {
            self.at += 1;
            left = Expr::Binary(op.to_owned(), Box::new(left), Box::new(self.product()?));
        }
        if self.sign("||") {
            return Ok(Expr::Binary("||".to_owned(), Box::new(left), Box::new(self.additive()?)));
        }
        Ok(left)
    }

    pub fn product(&mut self) -> Parsed<Expr> {
        let mut left = self.primary()?;
        while let Token::Sign(op @ ("*" | "/" | "%")) = *self.peek() {
            self.at += 1;
            left = Expr::Binary(op.to_owned(), Box::new(left), Box::new(self.primary()?));
        }
        Ok(left)
    }

    /// The arguments up to and with the closing parenthesis.
    pub fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        let mut list = Vec::new();
        loop {
            list.push(if self.sign("*") { Expr::Star } else { self.expr()? });
            if self.sign(")") {
                return Ok(list);
            }
            self.need(",")?;
        }
    }

    pub fn primary(&mut self) -> Parsed<Expr> {
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

    pub fn word_primary(&mut self, word: &str) -> Parsed<Expr> {
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

    pub fn path(&mut self) -> Parsed<Expr> {
        let quoted = matches!(self.peek(), Token::Quoted(_));
        let name = self.name()?;
        let mode = name.to_uppercase();
        if !quoted && ["RUNNING", "FINAL"].contains(&mode.as_str()) && matches!(self.peek(), Token::Word(_)) {
            return Ok(Expr::Call(mode, vec![self.path()?]));
        }
        if !quoted && self.sign("(") {
            if self.sign(")") {
                return Ok(Expr::Call(name.to_uppercase(), vec![]));
            }
            const KNOWN: [&str; 16] = [
                "COUNT",
                "SUM",
                "AVG",
                "MIN",
                "MAX",
                "FIRST",
                "LAST",
                "PREV",
                "ARRAY_AGG",
                "COALESCE",
                "CONTAINS",
                "ABS",
                "NEXT",
                "CLASSIFIER",
                "LOWER",
                "BOOL_OR",
            ];
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
    pub fn stream(&mut self) -> Parsed<StreamDef> {
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
