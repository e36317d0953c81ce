//! The reference evaluator of MATCH_RECOGNIZE: backtracking in the order of preference, straight from the standard.
//! In: a query of the known subset and the events of all streams, late ones left out. Out: its rows, partition by partition.
//! For each start the ways through the pattern are tried one after the other, the preferred first, until one holds.

use std::cell::Cell;
use std::cmp::Ordering;

use serde_json::Value as Json;

use super::expr::{Event, Expr, Scope, Value, fold, order};
use super::mr_program::{RowPattern, RowQuery, Rows, Skip};
use super::program::{Item, Within};

/// A row of a match: its variable, and whether it stands in `{- -}`.
type Label = (String, bool);

/// How many rows may be tried before a query is given up: backtracking is exponential where loops stand in loops.
const FUEL: u64 = 300_000;

/// Runs a query; nothing where that would take too long.
pub fn run(query: &RowQuery, events: &[Event]) -> Option<Vec<Json>> {
    let mut rows: Vec<&Event> = events.iter().filter(|e| e.stream == query.stream).collect();
    rows.sort_by(|a, b| in_order(query, a, b));
    let mut partitions: Vec<(Vec<Value>, Vec<&Event>)> = Vec::new();
    for row in rows {
        let key: Vec<Value> = query.partition.iter().map(|column| row.columns[column].clone()).collect();
        match partitions.iter_mut().find(|(k, _)| *k == key) {
            Some((_, members)) => members.push(row),
            None => partitions.push((key, vec![row])),
        }
    }
    let mut out = Vec::new();
    for (_, rows) in &partitions {
        let partition = Partition { query, rows, fuel: Cell::new(FUEL) };
        out.extend(partition.run());
        if partition.fuel.get() == 0 {
            return None;
        }
    }
    Some(out)
}

fn in_order(query: &RowQuery, a: &Event, b: &Event) -> Ordering {
    let further = query.order.iter().skip(1).map(|item| {
        let (x, y) = (&a.columns[&item.column], &b.columns[&item.column]);
        let nulls_first = item.nulls_first.unwrap_or(item.descending);
        match (*x == Value::Null, *y == Value::Null) {
            (true, true) => Ordering::Equal,
            (true, false) if nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let by_value = order(x, y).unwrap_or(Ordering::Equal);
                if item.descending { by_value.reverse() } else { by_value }
            }
        }
    });
    further.fold(a.time.cmp(&b.time), Ordering::then)
}

struct Partition<'a> {
    query: &'a RowQuery,
    rows: &'a [&'a Event],
    fuel: Cell<u64>,
}

/// What an expression sees: the match so far, the row at hand.
#[derive(Clone, Copy)]
struct Sight<'a> {
    partition: &'a Partition<'a>,
    start: usize,
    labels: &'a [Label],
    /// How many rows of the match running functions see.
    seen: usize,
    number: i64,
    is_final: bool,
}

impl Partition<'_> {
    fn run(&self) -> Vec<Json> {
        let mut out = Vec::new();
        let mut number = 0;
        let mut covered = 0;
        let mut start = 0;
        while start < self.rows.len() {
            let Some(labels) = self.find(start) else {
                if self.query.rows == Rows::AllUnmatched && start >= covered {
                    out.extend(self.output(None, Some(start), None));
                }
                start += 1;
                continue;
            };
            number += 1;
            self.put(&mut out, start, &labels, number);
            covered = covered.max(start + labels.len());
            start = self.next_start(start, &labels);
        }
        out
    }

    fn next_start(&self, start: usize, labels: &[Label]) -> usize {
        let rows = |variable: &String| -> Vec<bool> { labels.iter().map(|(label, _)| self.members(variable).contains(label)).collect() };
        let target = match &self.query.skip {
            _ if labels.is_empty() => None,
            Skip::ToNext => None,
            Skip::PastLast => Some(labels.len()),
            Skip::ToFirst(variable) => rows(variable).iter().position(|is| *is),
            Skip::ToLast(variable) => rows(variable).iter().rposition(|is| *is),
        };
        start + target.filter(|t| *t > 0).unwrap_or(1)
    }

    /// The labels that a variable or subset stands for.
    fn members(&self, variable: &String) -> Vec<String> {
        match self.query.subsets.iter().find(|(name, _)| name == variable) {
            Some((_, members)) => members.iter().flat_map(|m| self.members(m)).collect(),
            None => vec![variable.clone()],
        }
    }

    /// The preferred match from a start.
    fn find(&self, start: usize) -> Option<Vec<Label>> {
        let mut found = None;
        self.walk(&self.query.pattern, start, &[], &mut |labels| {
            found = Some(labels.to_vec());
            true
        });
        found
    }

    /// Tries all ways through `pattern` after `labels`, the preferred first; `go_on` says whether the rest holds.
    fn walk(&self, pattern: &RowPattern, start: usize, labels: &[Label], go_on: &mut dyn FnMut(&[Label]) -> bool) -> bool {
        let at = start + labels.len();
        match pattern {
            RowPattern::Empty => go_on(labels),
            RowPattern::Start => at == 0 && go_on(labels),
            RowPattern::End => at == self.rows.len() && go_on(labels),
            RowPattern::Variable(name) => {
                let longer = [labels, &[(name.clone(), false)]].concat();
                self.fits(start, &longer) && go_on(&longer)
            }
            RowPattern::Concat(parts) => self.walk_all(parts, start, labels, go_on),
            RowPattern::Either(parts) => parts.iter().any(|part| self.walk(part, start, labels, go_on)),
            RowPattern::Permute(parts) => permutations(parts.len()).into_iter().any(|order| {
                let parts: Vec<RowPattern> = order.into_iter().map(|i| parts[i].clone()).collect();
                self.walk_all(&parts, start, labels, go_on)
            }),
            RowPattern::Exclude(inner) => self.walk(inner, start, labels, &mut |longer| {
                let mut marked = longer.to_vec();
                marked[labels.len()..].iter_mut().for_each(|label| label.1 = true);
                go_on(&marked)
            }),
            RowPattern::Repeat { .. } => self.walk_loop(pattern, 0, start, labels, go_on),
        }
    }

    fn walk_all(&self, parts: &[RowPattern], start: usize, labels: &[Label], go_on: &mut dyn FnMut(&[Label]) -> bool) -> bool {
        match parts {
            [] => go_on(labels),
            [first, rest @ ..] => self.walk(first, start, labels, &mut |longer| self.walk_all(rest, start, longer, go_on)),
        }
    }

    fn walk_loop(&self, pattern: &RowPattern, count: u64, start: usize, labels: &[Label], go_on: &mut dyn FnMut(&[Label]) -> bool) -> bool {
        let RowPattern::Repeat { body, min, max, reluctant } = pattern else { unreachable!("a loop") };
        let may_end = count >= *min;
        if may_end && *reluctant && go_on(labels) {
            return true;
        }
        let again = max.is_none_or(|max| count < max)
            && self.walk(body, start, labels, &mut |longer| {
                // A pass without a row counts, and ends the loop unless passes are still owed: those may take rows or be as empty.
                if longer.len() == labels.len() && count + 1 >= *min {
                    return go_on(longer);
                }
                self.walk_loop(pattern, count + 1, start, longer, go_on)
            });
        again || may_end && !*reluctant && go_on(labels)
    }

    /// Whether the last of the labels may stand there.
    fn fits(&self, start: usize, labels: &[Label]) -> bool {
        let at = start + labels.len() - 1;
        self.fuel.set(self.fuel.get().saturating_sub(1));
        if at >= self.rows.len() || self.fuel.get() == 0 {
            return false;
        }
        let within = match self.query.within {
            None => true,
            Some(Within::Time(length)) => self.rows[at].time - self.rows[start].time <= length,
            Some(Within::Events(n)) => labels.len() <= n,
        };
        let name = &labels[labels.len() - 1].0;
        let define = self.query.defines.iter().find(|(variable, _)| variable == name);
        let sight = Sight { partition: self, start, labels, seen: labels.len(), number: 0, is_final: false };
        within && define.is_none_or(|(_, condition)| sight.eval(condition, None) == Value::Bool(true))
    }

    /// The rows of a match.
    fn put(&self, out: &mut Vec<Json>, start: usize, labels: &[Label], number: i64) {
        let sight = Sight { partition: self, start, labels, seen: labels.len(), number, is_final: false };
        match self.query.rows {
            Rows::One => out.extend(self.output(Some(Sight { is_final: true, ..sight }), None, Some(start))),
            Rows::AllOmitEmpty if labels.is_empty() => {}
            _ if labels.is_empty() => out.extend(self.output(Some(sight), Some(start), None)),
            Rows::AllShowEmpty | Rows::AllOmitEmpty | Rows::AllUnmatched => {
                for (index, (_, excluded)) in labels.iter().enumerate() {
                    if !excluded {
                        out.extend(self.output(Some(Sight { seen: index + 1, ..sight }), Some(start + index), None));
                    }
                }
            }
        }
    }

    /// One row of the result: the match it belongs to, the input row it shows, the row whose partition columns it shows.
    fn output(&self, sight: Option<Sight<'_>>, row: Option<usize>, partition_of: Option<usize>) -> Option<Json> {
        let query = self.query;
        let mut columns: Vec<(String, Value)> = Vec::new();
        let shown = self.rows[row.or(partition_of).expect("a row of the partition")];
        let put = |columns: &mut Vec<(String, Value)>, name: &String| {
            if !columns.iter().any(|(n, _)| n == name) {
                columns.push((name.clone(), shown.columns[name].clone()));
            }
        };
        query.partition.iter().for_each(|name| put(&mut columns, name));
        if row.is_some() {
            query.order.iter().for_each(|item| put(&mut columns, &item.column));
        }
        for (name, measure) in &query.measures {
            columns.push((name.clone(), sight.map_or(Value::Null, |s| s.eval(measure, None))));
        }
        if row.is_some() {
            shown.names.iter().for_each(|name| put(&mut columns, name));
        }
        let bounds = sight.map(|s| {
            let last = s.start + s.labels.len().saturating_sub(1);
            (self.rows[s.start].time, self.rows[last].time)
        });
        let times = [bounds.map(|b| b.0), bounds.map(|b| b.1)].map(|t| t.map_or(Value::Null, Value::Time));
        let names: Vec<String> = columns.iter().map(|(n, _)| n.clone()).collect();
        let hidden = ["START_TIME", "END_TIME"].map(str::to_owned).into_iter().zip(times);
        let event = Event { stream: String::new(), time: 0, columns: columns.into_iter().chain(hidden).collect(), names };
        project(query, &event)
    }
}

/// SELECT and WHERE over the result.
fn project(query: &RowQuery, event: &Event) -> Option<Json> {
    let events = [event.clone()];
    let scope = Scope { events: &events, taken: &[], bare: Some(0), bounds: None };
    if query.filter.as_ref().is_some_and(|filter| !scope.holds(&bare(filter))) {
        return None;
    }
    let mut out = serde_json::Map::new();
    for item in &query.items {
        match item {
            Item::Column(name, expr) => {
                out.insert(name.clone(), scope.eval(&bare(expr)).to_json());
            }
            Item::Star | Item::Spread(_) => {
                for name in &event.names {
                    out.insert(name.clone(), event.columns[name].to_json());
                }
            }
        }
    }
    Some(Json::Object(out))
}

/// The expression with `m.name` as `name`.
fn bare(expr: &Expr) -> Expr {
    match expr {
        Expr::Column(_, name) => Expr::Column(None, name.clone()),
        other => rebuild(other, &mut |part| bare(part)),
    }
}

/// The expression with its direct parts put through `of`.
fn rebuild(expr: &Expr, of: &mut dyn FnMut(&Expr) -> Expr) -> Expr {
    let mut all = |parts: &[Expr]| parts.iter().map(&mut *of).collect::<Vec<_>>();
    match expr {
        Expr::Const(_) | Expr::Column(..) | Expr::AllOf(_) | Expr::Star => expr.clone(),
        Expr::Call(name, args) => Expr::Call(name.clone(), all(args)),
        Expr::And(parts) => Expr::And(all(parts)),
        Expr::Or(parts) => Expr::Or(all(parts)),
        Expr::Not(inner) => Expr::Not(Box::new(of(inner))),
        Expr::Minus(inner) => Expr::Minus(Box::new(of(inner))),
        Expr::Binary(op, left, right) => Expr::Binary(op.clone(), Box::new(of(left)), Box::new(of(right))),
        Expr::IsNull(inner, negated) => Expr::IsNull(Box::new(of(inner)), *negated),
        Expr::In(inner, list, negated) => Expr::In(Box::new(of(inner)), list.iter().map(&mut *of).collect(), *negated),
        Expr::Between(inner, low, high, negated) => Expr::Between(Box::new(of(inner)), Box::new(of(low)), Box::new(of(high)), *negated),
        Expr::Case(branches, otherwise) => {
            Expr::Case(branches.iter().map(|(c, r)| (of(c), of(r))).collect(), otherwise.as_ref().map(|e| Box::new(of(e))))
        }
    }
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    let mut out = vec![vec![]];
    for _ in 0..n {
        out = out.iter().flat_map(|p: &Vec<usize>| (0..n).filter(|i| !p.contains(i)).map(|i| [p.as_slice(), &[i]].concat())).collect();
    }
    out
}

impl Sight<'_> {
    /// The value of an expression; `at`: columns are those of this row of the partition, whatever their variable.
    fn eval(&self, expr: &Expr, at: Option<usize>) -> Value {
        let constant = self.replace(expr, at);
        Scope { events: &[], taken: &[], bare: None, bounds: None }.eval(&constant)
    }

    /// The expression with all that depends on rows replaced by its value.
    fn replace(&self, expr: &Expr, at: Option<usize>) -> Expr {
        let value = match expr {
            Expr::Column(_, name) if at.is_some() => self.column(at, name),
            Expr::Column(variable, name) => self.column(self.nth(variable.as_ref(), true, 0), name),
            Expr::Call(name, args) => match self.call(name, args, at) {
                Some(value) => value,
                None => return rebuild(expr, &mut |part| self.replace(part, at)),
            },
            other => return rebuild(other, &mut |part| self.replace(part, at)),
        };
        Expr::Const(value)
    }

    fn column(&self, row: Option<usize>, name: &str) -> Value {
        row.and_then(|r| self.partition.rows.get(r)).map_or(Value::Null, |event| event.columns[name].clone())
    }

    /// The rows of a variable that are in sight.
    fn rows_of(&self, variable: Option<&String>) -> Vec<usize> {
        let seen = if self.is_final { self.labels.len() } else { self.seen };
        let members = variable.map(|v| self.partition.members(v));
        let of = |i: &usize| members.as_ref().is_none_or(|m| m.contains(&self.labels[*i].0));
        (0..seen).filter(of).map(|i| self.start + i).collect()
    }

    fn nth(&self, variable: Option<&String>, from_last: bool, n: usize) -> Option<usize> {
        let rows = self.rows_of(variable);
        if from_last { rows.iter().rev().nth(n).copied() } else { rows.get(n).copied() }
    }

    /// A function that looks at rows; nothing for an ordinary one.
    fn call(&self, name: &str, args: &[Expr], at: Option<usize>) -> Option<Value> {
        Some(match name {
            "RUNNING" => Sight { is_final: false, ..*self }.eval(&args[0], None),
            "FINAL" => Sight { is_final: true, ..*self }.eval(&args[0], None),
            "MATCH_NUMBER" => Value::Int(self.number),
            "CLASSIFIER" => {
                let variable = args.first().and_then(|a| if let Expr::Column(None, v) = a { Some(v) } else { None });
                let row = at.or_else(|| self.nth(variable, true, 0));
                let label = row.and_then(|r| r.checked_sub(self.start)).and_then(|i| self.labels.get(i));
                label.map_or(Value::Null, |(label, _)| Value::Text(label.clone()))
            }
            "FIRST" | "LAST" => {
                let row = self.navigated(name, args);
                row.map_or(Value::Null, |r| self.eval(&args[0], Some(r)))
            }
            "PREV" | "NEXT" => self.moved(name, args),
            "COUNT" | "SUM" | "AVG" | "MIN" | "MAX" | "ARRAY_AGG" | "BOOL_OR" => self.aggregate(name, &args[0]),
            "LOWER" => match self.eval(&args[0], at) {
                Value::Text(text) => Value::Text(text.to_lowercase()),
                _ => Value::Null,
            },
            _ => return None,
        })
    }

    /// The row that FIRST or LAST goes to.
    fn navigated(&self, name: &str, args: &[Expr]) -> Option<usize> {
        self.nth(self.variable_of(&args[0]).as_ref(), name == "LAST", self.offset(args, 0))
    }

    fn moved(&self, name: &str, args: &[Expr]) -> Value {
        let (inner, from, sight) = match &args[0] {
            Expr::Call(mode, inner) if mode == "RUNNING" || mode == "FINAL" => {
                let Expr::Call(f, inner) = &inner[0] else { panic!("{mode} before no function") };
                let sight = Sight { is_final: mode == "FINAL", ..*self };
                (&inner[0], sight.navigated(f, inner), sight)
            }
            Expr::Call(f, inner) if f == "FIRST" || f == "LAST" => (&inner[0], self.navigated(f, inner), *self),
            other => (other, self.nth(self.variable_of(other).as_ref(), true, 0), *self),
        };
        let offset = self.offset(args, 1) as i64;
        let moved = from.map(|row| row as i64 + if name == "PREV" { -offset } else { offset });
        let row = moved.and_then(|row| usize::try_from(row).ok()).filter(|row| *row < self.partition.rows.len());
        row.map_or(Value::Null, |row| sight.eval(inner, Some(row)))
    }

    fn offset(&self, args: &[Expr], otherwise: usize) -> usize {
        match args.get(1) {
            Some(Expr::Const(Value::Int(n))) => *n as usize,
            _ => otherwise,
        }
    }

    /// The one variable of an expression; nothing: all rows.
    fn variable_of(&self, expr: &Expr) -> Option<String> {
        if let Expr::Column(None, _) | Expr::Const(_) | Expr::Star = expr {
            return None;
        }
        if let Expr::Call(name, args) = expr
            && name == "CLASSIFIER"
        {
            return args.first().and_then(|a| if let Expr::Column(None, v) = a { Some(v.clone()) } else { None });
        }
        if let Some(variable) = expr.variables(&[]).first() {
            return Some(variable.clone());
        }
        let mut found = None;
        rebuild(expr, &mut |part| {
            found = found.take().or_else(|| self.variable_of(part));
            part.clone()
        });
        found
    }

    fn aggregate(&self, name: &str, arg: &Expr) -> Value {
        let columns = &self.partition.rows[0].columns;
        match arg {
            Expr::Star => return Value::Int(self.rows_of(None).len() as i64),
            Expr::AllOf(v) => return Value::Int(self.rows_of(Some(v)).len() as i64),
            Expr::Column(None, v) if name == "COUNT" && !columns.contains_key(v) => return Value::Int(self.rows_of(Some(v)).len() as i64),
            _ => {}
        }
        let rows = self.rows_of(self.variable_of(arg).as_ref());
        let values: Vec<Value> = rows.into_iter().map(|row| self.eval(arg, Some(row))).collect();
        match name {
            "ARRAY_AGG" if values.is_empty() => Value::Null,
            "ARRAY_AGG" => Value::List(values),
            "BOOL_OR" => values
                .into_iter()
                .filter(|v| *v != Value::Null)
                .reduce(|a, b| if a == Value::Bool(true) { a } else { b })
                .unwrap_or(Value::Null),
            "AVG" => match fold("AVG", values) {
                Value::Int(n) => Value::Float(n as f64),
                other => other,
            },
            _ => fold(name, values),
        }
    }
}
