//! The reference's own little expression language: values, trees, evaluation.
//! In: a tree and a scope (events, which variable took which event). Out: a value, by SQL's three-valued logic.
//! Shares no line with the engine, so that the two cannot be wrong in the same place; nothing here is fast.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Number, Value as Json};

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// Nanoseconds since the epoch.
    Time(i64),
    Duration(i64),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

/// One event: its stream, event time and columns; `order` is its place among all events of the run.
#[derive(Debug, Clone)]
pub struct Event {
    pub stream: String,
    pub time: i64,
    pub columns: BTreeMap<String, Value>,
    /// Column names as declared, for `SELECT *`.
    pub names: Vec<String>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    Const(Value),
    /// `variable.column` or a bare column.
    Column(Option<String>, String),
    /// `v.*`
    AllOf(String),
    Star,
    Call(String, Vec<Expr>),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Binary(String, Box<Expr>, Box<Expr>),
    IsNull(Box<Expr>, bool),
    In(Box<Expr>, Vec<Expr>, bool),
    Between(Box<Expr>, Box<Expr>, Box<Expr>, bool),
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
}

/// What an expression sees.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub events: &'a [Event],
    /// Which variable took which event, in the order of taking.
    pub taken: &'a [(String, usize)],
    /// The event whose columns are bare names.
    pub bare: Option<usize>,
    /// First and last event time, where a match is finished.
    pub bounds: Option<(i64, i64)>,
}

const AGGREGATES: [&str; 9] = ["COUNT", "SUM", "AVG", "MIN", "MAX", "FIRST", "LAST", "PREV", "ARRAY_AGG"];

impl Expr {
    /// The variables that the expression names, each once, in no particular order.
    pub fn variables(&self, known: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        self.walk(&mut |expr| {
            let name = match expr {
                Expr::Column(Some(variable), _) | Expr::AllOf(variable) => variable,
                Expr::Column(None, name) if known.contains(name) => name,
                _ => return,
            };
            if !found.contains(name) {
                found.push(name.clone());
            }
        });
        found
    }

    /// Whether `PREV(variable.…)` stands in it.
    pub fn has_prev_of(&self, variable: &str) -> bool {
        let mut found = false;
        self.walk(&mut |expr| {
            if let Expr::Call(name, args) = expr {
                found |= name == "PREV" && matches!(&args[0], Expr::Column(Some(v), _) if v == variable);
            }
        });
        found
    }

    fn walk(&self, visit: &mut impl FnMut(&Expr)) {
        visit(self);
        match self {
            Expr::Const(_) | Expr::Column(..) | Expr::AllOf(_) | Expr::Star => {}
            Expr::Call(_, args) | Expr::And(args) | Expr::Or(args) => args.iter().for_each(|arg| arg.walk(visit)),
            Expr::Not(inner) | Expr::Minus(inner) | Expr::IsNull(inner, _) => inner.walk(visit),
            Expr::Binary(_, left, right) => {
                left.walk(visit);
                right.walk(visit);
            }
            Expr::In(inner, list, _) => {
                inner.walk(visit);
                list.iter().for_each(|item| item.walk(visit));
            }
            Expr::Between(inner, low, high, _) => [inner, low, high].iter().for_each(|part| part.walk(visit)),
            Expr::Case(branches, otherwise) => {
                for (condition, result) in branches {
                    condition.walk(visit);
                    result.walk(visit);
                }
                if let Some(otherwise) = otherwise {
                    otherwise.walk(visit);
                }
            }
        }
    }
}

impl Scope<'_> {
    fn events_of(&self, variable: &str) -> Vec<usize> {
        self.taken.iter().filter(|(v, _)| v == variable).map(|(_, event)| *event).collect()
    }

    /// Whether the expression is true (not false, not unknown).
    pub fn holds(&self, expr: &Expr) -> bool {
        self.eval(expr) == Value::Bool(true)
    }

    /// The value of an expression.
    pub fn eval(&self, expr: &Expr) -> Value {
        match expr {
            Expr::Const(value) => value.clone(),
            Expr::Column(None, name) => self.bare_column(name),
            Expr::Column(Some(variable), column) => match self.events_of(variable).last() {
                Some(event) => self.column(*event, column),
                None => Value::Null,
            },
            Expr::AllOf(_) | Expr::Star => panic!("a star outside COUNT"),
            Expr::Call(name, args) => self.call(name, args),
            Expr::Not(inner) => match self.eval(inner) {
                Value::Bool(b) => Value::Bool(!b),
                _ => Value::Null,
            },
            Expr::Minus(inner) => match self.eval(inner) {
                Value::Int(n) => Value::Int(-n),
                Value::Float(x) => Value::Float(-x),
                _ => Value::Null,
            },
            Expr::And(parts) => self.logic(parts, false),
            Expr::Or(parts) => self.logic(parts, true),
            Expr::Binary(op, left, right) => binary(op, &self.eval(left), &self.eval(right)),
            Expr::IsNull(inner, negated) => Value::Bool((self.eval(inner) == Value::Null) != *negated),
            Expr::In(inner, list, negated) => {
                let wanted = self.eval(inner);
                let parts: Vec<Expr> = list.iter().map(|i| Expr::Const(binary("=", &wanted, &self.eval(i)))).collect();
                negate_if(*negated, self.logic(&parts, true))
            }
            Expr::Between(inner, low, high, negated) => {
                let value = self.eval(inner);
                let parts = [binary(">=", &value, &self.eval(low)), binary("<=", &value, &self.eval(high))].map(Expr::Const);
                negate_if(*negated, self.logic(&parts, false))
            }
            Expr::Case(branches, otherwise) => {
                for (condition, result) in branches {
                    if self.holds(condition) {
                        return self.eval(result);
                    }
                }
                otherwise.as_ref().map_or(Value::Null, |e| self.eval(e))
            }
        }
    }

    fn bare_column(&self, name: &str) -> Value {
        if let Some(event) = self.bare {
            return self.column(event, name);
        }
        match (name, self.bounds) {
            ("START_TIME", Some((first, _))) => Value::Time(first),
            ("END_TIME", Some((_, last))) => Value::Time(last),
            _ => panic!("the reference has no meaning for the bare name {name}"),
        }
    }

    fn column(&self, event: usize, name: &str) -> Value {
        self.events[event].columns.get(name).cloned().unwrap_or(Value::Null)
    }

    /// AND (`stop` false) or OR (`stop` true).
    fn logic(&self, parts: &[Expr], stop: bool) -> Value {
        let mut unknown = false;
        for part in parts {
            match self.eval(part) {
                Value::Bool(b) if b == stop => return Value::Bool(stop),
                Value::Bool(_) => {}
                _ => unknown = true,
            }
        }
        if unknown { Value::Null } else { Value::Bool(!stop) }
    }

    fn call(&self, name: &str, args: &[Expr]) -> Value {
        if AGGREGATES.contains(&name) {
            return self.aggregate(name, args);
        }
        let values: Vec<Value> = args.iter().map(|arg| self.eval(arg)).collect();
        match (name, values.as_slice()) {
            ("COALESCE", values) => values.iter().find(|v| **v != Value::Null).cloned().unwrap_or(Value::Null),
            ("CONTAINS", [Value::Text(text), Value::Text(part)]) => Value::Bool(text.contains(part.as_str())),
            ("CONTAINS", _) => Value::Null,
            ("ABS", [Value::Int(n)]) => Value::Int(n.abs()),
            ("ABS", [Value::Float(x)]) => Value::Float(x.abs()),
            ("ABS", _) => Value::Null,
            (name, _) => panic!("the reference has no function {name}"),
        }
    }

    fn aggregate(&self, name: &str, args: &[Expr]) -> Value {
        let per_event = |variable: &str, arg: &Expr| -> Vec<Value> {
            let one = |event| {
                let taken = [(variable.to_owned(), event)];
                Scope { taken: &taken, ..*self }.eval(arg)
            };
            self.events_of(variable).into_iter().map(one).collect()
        };
        match &args[0] {
            Expr::Star => return Value::Int(self.taken.len() as i64),
            Expr::AllOf(variable) | Expr::Column(None, variable) if name == "COUNT" => {
                return Value::Int(self.events_of(variable).len() as i64);
            }
            _ => {}
        }
        let variables = args[0].variables(&[]);
        assert_eq!(variables.len(), 1, "an aggregate is over one variable: {args:?}");
        let values = per_event(&variables[0], &args[0]);
        let offset = match args.get(1).map(|n| self.eval(n)) {
            Some(Value::Int(n)) => n as usize,
            _ => 0,
        };
        match name {
            "FIRST" => values.get(offset).cloned().unwrap_or(Value::Null),
            "LAST" => values.iter().rev().nth(offset).cloned().unwrap_or(Value::Null),
            "PREV" => values.iter().rev().nth(1).cloned().unwrap_or(Value::Null),
            "ARRAY_AGG" if values.is_empty() => Value::Null,
            "ARRAY_AGG" => Value::List(values),
            _ => fold(name, values),
        }
    }
}

/// COUNT, SUM, AVG, MIN, MAX of values; NULLs are left out.
pub fn fold(name: &str, values: Vec<Value>) -> Value {
    let values: Vec<Value> = values.into_iter().filter(|v| *v != Value::Null).collect();
    if name == "COUNT" {
        return Value::Int(values.len() as i64);
    }
    if values.is_empty() {
        return Value::Null;
    }
    let count = values.len() as f64;
    let sum = || values.iter().skip(1).fold(values[0].clone(), |sum, v| binary("+", &sum, v));
    match name {
        "SUM" => sum(),
        "AVG" => binary("/", &to_float(&sum()), &Value::Float(count)),
        "MIN" => values.iter().cloned().reduce(|a, b| if order(&b, &a) == Some(Ordering::Less) { b } else { a }).unwrap(),
        "MAX" => values.iter().cloned().reduce(|a, b| if order(&b, &a) == Some(Ordering::Greater) { b } else { a }).unwrap(),
        name => panic!("the reference has no aggregate {name}"),
    }
}

fn to_float(value: &Value) -> Value {
    match value {
        Value::Int(n) => Value::Float(*n as f64),
        other => other.clone(),
    }
}

fn negate_if(negated: bool, value: Value) -> Value {
    match value {
        Value::Bool(b) => Value::Bool(b != negated),
        other => other,
    }
}

/// How two values compare; nothing where one is NULL.
pub fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) | (Value::Time(a), Value::Time(b)) | (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            let number = |v: &Value| {
                if let Value::Int(n) = v {
                    *n as f64
                } else if let Value::Float(x) = v {
                    *x
                } else {
                    f64::NAN
                }
            };
            number(left).partial_cmp(&number(right))
        }
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// `left op right`.
pub fn binary(op: &str, left: &Value, right: &Value) -> Value {
    use Value::{Duration, Float, Int, Null, Time};
    if let "=" | "<>" | "<" | "<=" | ">" | ">=" = op {
        let Some(order) = order(left, right) else { return Null };
        return Value::Bool(match op {
            "=" => order.is_eq(),
            "<>" => order.is_ne(),
            "<" => order.is_lt(),
            "<=" => order.is_le(),
            ">" => order.is_gt(),
            _ => order.is_ge(),
        });
    }
    match (op, left, right) {
        (_, Null, _) | (_, _, Null) => Null,
        ("||", Value::Text(a), Value::Text(b)) => Value::Text(format!("{a}{b}")),
        ("+", Time(t), Duration(d)) | ("+", Duration(d), Time(t)) => Time(t + d),
        ("-", Time(t), Duration(d)) => Time(t - d),
        ("-", Time(a), Time(b)) => Duration(a - b),
        ("+", Duration(a), Duration(b)) => Duration(a + b),
        ("-", Duration(a), Duration(b)) => Duration(a - b),
        ("+", Int(a), Int(b)) => a.checked_add(*b).map_or(Null, Int),
        ("-", Int(a), Int(b)) => a.checked_sub(*b).map_or(Null, Int),
        ("*", Int(a), Int(b)) => a.checked_mul(*b).map_or(Null, Int),
        ("/", Int(a), Int(b)) => a.checked_div(*b).map_or(Null, Int),
        ("%", Int(a), Int(b)) => a.checked_rem(*b).map_or(Null, Int),
        (_, Int(_) | Float(_), Int(_) | Float(_)) => match (op, to_float(left), to_float(right)) {
            ("+", Float(a), Float(b)) => Float(a + b),
            ("-", Float(a), Float(b)) => Float(a - b),
            ("*", Float(a), Float(b)) => Float(a * b),
            ("/", Float(_), Float(0.0)) => Null,
            ("/", Float(a), Float(b)) => Float(a / b),
            _ => panic!("the reference has no operator {op}"),
        },
        _ => panic!("the reference has no {left:?} {op} {right:?}"),
    }
}

impl Value {
    /// As it stands in an output row.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Int(n) => Json::Number((*n).into()),
            Value::Float(x) => Number::from_f64(*x).map_or(Json::Null, Json::Number),
            Value::Text(text) => Json::String(text.clone()),
            Value::Time(ns) => Json::String(time_text(*ns)),
            Value::Duration(ns) => Json::String(format!("{ns}ns")),
            Value::List(items) => Json::Array(items.iter().map(Value::to_json).collect()),
            Value::Object(fields) => Json::Object(fields.iter().map(|(k, v)| (k.clone(), v.to_json())).collect()),
        }
    }
}

/// RFC 3339 in UTC, with as many fraction digits as needed.
pub fn time_text(ns: i64) -> String {
    let time = chrono::DateTime::from_timestamp_nanos(ns);
    let fraction = format!("{:09}", ns.rem_euclid(1_000_000_000));
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{}{dot}{fraction}Z", time.format("%Y-%m-%dT%H:%M:%S"))
}
