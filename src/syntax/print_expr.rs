//! Expressions and patterns to canonical text, with the parentheses that the tree needs and no others.
//!
//! Recursion is as deep as the tree, and `parse` gives none deeper than its limit.

use super::ast::{
    Arrow, BinaryOp, Call, Expr, ExprKind, Inside, Name, Pattern, PatternKind, Quantifier, RowPattern, RowPatternKind, RunningOrFinal,
    Step, UnaryOp, Until,
};
use super::codes;
use super::print::Printer;

// How tight a form binds, as in `parse_expr.rs`; 10 is a sign, 11 a suffix, 12 a primary.
const LOOSEST: u8 = 1;
pub(super) const BOUND: u8 = 7;
const SIGN: u8 = 10;
const SUFFIX: u8 = 11;
const PRIMARY: u8 = 12;

fn binding(kind: &ExprKind) -> u8 {
    match kind {
        ExprKind::Or(_) => 1,
        ExprKind::And(_) => 2,
        ExprKind::Unary(UnaryOp::Not, _) => 3,
        ExprKind::IsNull { .. } | ExprKind::IsBool { .. } | ExprKind::IsDistinct { .. } => 4,
        ExprKind::In { .. } | ExprKind::Between { .. } | ExprKind::Like { .. } => 6,
        ExprKind::Concat(_) => 7,
        ExprKind::Binary(op, ..) => match op {
            BinaryOp::Eq | BinaryOp::NotEq | BinaryOp::Less | BinaryOp::LessEq | BinaryOp::Greater | BinaryOp::GreaterEq => 5,
            BinaryOp::Add | BinaryOp::Sub => 8,
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::Mod => 9,
        },
        ExprKind::Unary(UnaryOp::Minus | UnaryOp::Plus, _) => SIGN,
        ExprKind::Index { .. } | ExprKind::Field { .. } | ExprKind::AtTimeZone { .. } => SUFFIX,
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Int(_) | ExprKind::BigInt(_) | ExprKind::Float(..) | ExprKind::String(_) => PRIMARY,
        ExprKind::Timestamp(_) | ExprKind::Duration(_) | ExprKind::Parameter(_) | ExprKind::Path(_) | ExprKind::AllOf(_) => PRIMARY,
        ExprKind::Star | ExprKind::Call(_) | ExprKind::Case { .. } | ExprKind::Cast { .. } | ExprKind::Extract { .. } => PRIMARY,
        ExprKind::Subquery(_) => PRIMARY,
    }
}

fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Eq => " = ",
        BinaryOp::NotEq => " <> ",
        BinaryOp::Less => " < ",
        BinaryOp::LessEq => " <= ",
        BinaryOp::Greater => " > ",
        BinaryOp::GreaterEq => " >= ",
        BinaryOp::Add => " + ",
        BinaryOp::Sub => " - ",
        BinaryOp::Mul => " * ",
        BinaryOp::Div => " / ",
        BinaryOp::Mod => " % ",
    }
}

impl Printer<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) {
        self.at_least(expr, LOOSEST);
    }

    /// The expression, in parentheses if it binds less tight than its place needs.
    pub(super) fn at_least(&mut self, expr: &Expr, least: u8) {
        if binding(&expr.kind) >= least {
            return self.bare(expr);
        }
        self.put("(");
        self.bare(expr);
        self.put(")");
    }

    pub(super) fn list(&mut self, exprs: &[Expr]) {
        self.separated(exprs, ", ", |printer, expr| printer.expr(expr));
    }

    fn chain(&mut self, exprs: &[Expr], between: &str, own: u8) {
        self.separated(exprs, between, |printer, expr| printer.at_least(expr, own + 1));
    }

    fn bare(&mut self, expr: &Expr) {
        let own = binding(&expr.kind);
        match &expr.kind {
            ExprKind::Or(all) => self.chain(all, " OR ", own),
            ExprKind::And(all) => self.chain(all, " AND ", own),
            ExprKind::Concat(all) => self.chain(all, " || ", own),
            ExprKind::Unary(op, inner) => self.unary(*op, inner, own),
            ExprKind::Binary(op, _, left, right) => {
                self.at_least(left, own);
                self.put(symbol(*op));
                self.at_least(right, own + 1);
            }
            ExprKind::IsNull { expr, negated } => {
                self.at_least(expr, own);
                self.put(if *negated { " IS NOT NULL" } else { " IS NULL" });
            }
            ExprKind::IsDistinct { expr, from, negated } => {
                self.at_least(expr, own);
                self.put(if *negated { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " });
                self.at_least(from, BOUND);
            }
            ExprKind::IsBool { expr, value, negated } => {
                self.at_least(expr, own);
                self.put(if *negated { " IS NOT " } else { " IS " });
                self.put(if *value { "TRUE" } else { "FALSE" });
            }
            ExprKind::In { .. } | ExprKind::Between { .. } | ExprKind::Like { .. } => self.predicate(&expr.kind, own),
            ExprKind::Index { expr, index } => {
                self.base(expr);
                self.put("[");
                self.expr(index);
                self.put("]");
            }
            ExprKind::Field { expr, name } => {
                self.base(expr);
                self.put(".");
                self.name(name);
            }
            ExprKind::AtTimeZone { expr, zone } => {
                self.at_least(expr, SUFFIX);
                self.put(" AT TIME ZONE ");
                self.at_least(zone, PRIMARY);
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Case { operand, branches, otherwise } => self.case(operand.as_deref(), branches, otherwise.as_deref()),
            ExprKind::Cast { expr, to } => {
                self.put("CAST(");
                self.expr(expr);
                self.put(" AS ");
                self.data_type(to);
                self.put(")");
            }
            ExprKind::Extract { part, expr } => {
                self.put("EXTRACT(");
                self.name(part);
                self.put(" FROM ");
                self.expr(expr);
                self.put(")");
            }
            ExprKind::Subquery(query) if *query == expr.span => self.source(*query),
            ExprKind::Subquery(query) => {
                self.put("(");
                self.source(*query);
                self.put(")");
            }
            kind => self.literal(kind),
        }
    }

    fn unary(&mut self, op: UnaryOp, inner: &Expr, own: u8) {
        self.put(match op {
            UnaryOp::Minus => "-",
            UnaryOp::Plus => "+",
            UnaryOp::Not => "NOT ",
        });
        // Two minus signs side by side would be a comment.
        if matches!(inner.kind, ExprKind::Unary(UnaryOp::Minus | UnaryOp::Plus, _)) {
            self.put(" ");
        }
        self.at_least(inner, own);
    }

    /// What `[ ]` or `.` is appended to: a plain path before `.` would become a longer path, a number before it another number.
    fn base(&mut self, expr: &Expr) {
        let is_plain = matches!(expr.kind, ExprKind::Index { .. } | ExprKind::Field { .. } | ExprKind::Call(_));
        if is_plain {
            return self.bare(expr);
        }
        self.put("(");
        self.bare(expr);
        self.put(")");
    }

    fn predicate(&mut self, kind: &ExprKind, own: u8) {
        let not = |negated: &bool| if *negated { " NOT" } else { "" };
        match kind {
            ExprKind::In { expr, list, negated } => {
                self.at_least(expr, own);
                self.put(not(negated));
                self.put(" IN (");
                self.list(list);
                self.put(")");
            }
            ExprKind::Between { expr, low, high, negated } => {
                self.at_least(expr, own);
                self.put(not(negated));
                self.put(" BETWEEN ");
                self.at_least(low, BOUND);
                self.put(" AND ");
                self.at_least(high, BOUND);
            }
            ExprKind::Like { expr, pattern, escape, case_insensitive, negated } => {
                self.at_least(expr, own);
                self.put(not(negated));
                self.put(if *case_insensitive { " ILIKE " } else { " LIKE " });
                self.at_least(pattern, BOUND);
                if let Some(escape) = escape {
                    self.put(" ESCAPE ");
                    self.at_least(escape, BOUND);
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &Call) {
        if let Some(mode) = &call.mode {
            self.put(match mode.node {
                RunningOrFinal::Running => "RUNNING ",
                RunningOrFinal::Final => "FINAL ",
            });
        }
        if call.quoted {
            self.quoted(&call.name.node)
        } else {
            self.put(&call.name.node)
        }
        self.put("(");
        if call.distinct.is_some() {
            self.put("DISTINCT ");
        }
        self.list(&call.args);
        if let Some(order_by) = call.order_by {
            self.put(" ");
            self.source(order_by);
        }
        self.put(")");
        if let Some(filter) = &call.filter {
            self.put(" FILTER (WHERE ");
            self.expr(filter);
            self.put(")");
        }
        if let Some(over) = call.over {
            self.put(" ");
            self.source(over);
        }
    }

    fn case(&mut self, operand: Option<&Expr>, branches: &[(Expr, Expr)], otherwise: Option<&Expr>) {
        self.put("CASE");
        if let Some(operand) = operand {
            self.put(" ");
            self.expr(operand);
        }
        for (when, then) in branches {
            self.put(" WHEN ");
            self.expr(when);
            self.put(" THEN ");
            self.expr(then);
        }
        if let Some(otherwise) = otherwise {
            self.put(" ELSE ");
            self.expr(otherwise);
        }
        self.put(" END");
    }

    fn literal(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Null => self.put("NULL"),
            ExprKind::Bool(value) => self.put(if *value { "TRUE" } else { "FALSE" }),
            ExprKind::Int(value) => self.put(&value.to_string()),
            ExprKind::BigInt(text) | ExprKind::Float(_, text) => self.put(text),
            ExprKind::String(text) => self.string(text),
            ExprKind::Timestamp(text) => {
                self.put("TIMESTAMP ");
                self.string(&text.node);
            }
            ExprKind::Duration(nanos) => self.put(&duration(*nanos)),
            ExprKind::Parameter(name) => {
                self.put("$");
                self.put(name);
            }
            ExprKind::Path(path) => self.separated(path, ".", |printer, name| printer.name(name)),
            ExprKind::AllOf(name) => {
                self.name(name);
                self.put(".*");
            }
            ExprKind::Star => self.put("*"),
            _ => {}
        }
    }

    /// A pattern; `least` is 1 in a place for all, 2 for a sequence, 3 for operands of `&`, 4 for one element.
    pub(super) fn pattern(&mut self, pattern: &Pattern, least: u8) {
        let own = match &pattern.kind {
            PatternKind::Either(_) => 1,
            PatternKind::Sequence { .. } => 2,
            PatternKind::Both(_) => 3,
            // A repeated repetition needs its parentheses.
            PatternKind::Repeat { .. } | PatternKind::Not { .. } => 4,
            PatternKind::Step(_) => 5,
        };
        if own < least {
            self.put("(");
            self.pattern(pattern, 1);
            return self.put(")");
        }
        match &pattern.kind {
            PatternKind::Step(step) => self.step(step),
            PatternKind::Not { step, for_ } => {
                self.put("!");
                self.step(step);
                self.clause(" FOR ", for_.as_ref());
            }
            PatternKind::Sequence { elements, arrows } => {
                for (index, element) in elements.iter().enumerate() {
                    if let Some(arrow) = index.checked_sub(1).and_then(|before| arrows.get(before)) {
                        self.put(match arrow.node {
                            Arrow::Next => " -> ",
                            Arrow::Any => " ->> ",
                            Arrow::Strict => " , ",
                        });
                    }
                    self.pattern(element, 3);
                }
            }
            PatternKind::Either(all) => self.separated(all, " | ", |printer, one| printer.pattern(one, 2)),
            PatternKind::Both(all) => self.separated(all, " & ", |printer, one| printer.pattern(one, 4)),
            PatternKind::Repeat { inner, quantifier, inside, until } => {
                self.pattern(inner, 5);
                self.quantifier(*quantifier);
                match inside.map(|inside| inside.node) {
                    Some(Inside::Strict) => self.put(" STRICT"),
                    Some(Inside::Any) => self.put(" ANY"),
                    None => {}
                }
                match until {
                    Some(Until::Step(step)) => {
                        self.put(" UNTIL ");
                        self.step(step);
                    }
                    Some(Until::Condition(condition)) => {
                        self.put(" UNTIL (");
                        self.expr(condition);
                        self.put(")");
                    }
                    None => {}
                }
            }
        }
    }

    fn step(&mut self, step: &Step) {
        self.name(&step.stream);
        if let Some(condition) = &step.condition {
            self.put("[");
            self.expr(condition);
            self.put("]");
        }
        if let Some(alias) = &step.alias {
            self.put(" ");
            self.name_beside(alias, &["AS", "FOR", "UNTIL"]);
        }
    }

    fn quantifier(&mut self, quantifier: Quantifier) {
        match (quantifier.min, quantifier.max) {
            (0, None) => self.put("*"),
            (1, None) => self.put("+"),
            (0, Some(1)) => self.put("?"),
            (min, None) => self.put(&format!("{{{min},}}")),
            (min, Some(max)) if min == max => self.put(&format!("{{{min}}}")),
            (min, Some(max)) => self.put(&format!("{{{min},{max}}}")),
        }
        if quantifier.reluctant {
            self.put("?");
        }
    }

    /// A row pattern; `least` is 1 in a place for all, 2 for a concatenation's place, 3 for one of its terms, 4 before a quantifier.
    pub(super) fn row_pattern(&mut self, pattern: &RowPattern, least: u8) {
        let own = match &pattern.kind {
            RowPatternKind::Either(_) => 1,
            RowPatternKind::Concat(_) => 2,
            RowPatternKind::Repeat(..) => 3,
            RowPatternKind::Variable(_) | RowPatternKind::Empty | RowPatternKind::Start | RowPatternKind::End => 4,
            RowPatternKind::Permute(_) | RowPatternKind::Exclude(_) => 4,
        };
        if own < least {
            self.put("(");
            self.row_pattern(pattern, 1);
            return self.put(")");
        }
        match &pattern.kind {
            RowPatternKind::Variable(name) => self.name_beside(name, &["PERMUTE"]),
            RowPatternKind::Empty => self.put("()"),
            RowPatternKind::Start => self.put("^"),
            RowPatternKind::End => self.put("$"),
            RowPatternKind::Concat(all) => self.separated(all, " ", |printer, one| printer.row_pattern(one, 3)),
            RowPatternKind::Either(all) => self.separated(all, " | ", |printer, one| printer.row_pattern(one, 2)),
            RowPatternKind::Permute(all) => {
                self.put("PERMUTE(");
                self.separated(all, ", ", |printer, one| printer.row_pattern(one, 1));
                self.put(")");
            }
            RowPatternKind::Exclude(inner) => {
                self.put("{- ");
                self.row_pattern(inner, 1);
                self.put(" -}");
            }
            RowPatternKind::Repeat(inner, quantifier) => {
                self.row_pattern(inner, 4);
                self.quantifier(*quantifier);
            }
        }
    }

    /// A name, quoted where it must be.
    pub(super) fn name(&mut self, name: &Name) {
        self.name_beside(name, &[]);
    }

    /// A name, quoted also where it is one of the keywords of its place.
    pub(super) fn name_beside(&mut self, name: &Name, keywords: &[&str]) {
        let text = name.node.as_str();
        if keywords.iter().any(|keyword| keyword.eq_ignore_ascii_case(text)) {
            self.quoted(text);
        } else {
            self.put(&quoted_name(text));
        }
    }
}

/// A name as it has to be written in a program: in quotes where it is no plain word, or a reserved one.
pub fn quoted_name(name: &str) -> String {
    let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_word && !codes::is_reserved(name) { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// A text as a string of the language.
pub fn quoted_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A duration in its units: `1h 30m`.
fn duration(nanos: i64) -> String {
    if nanos < 0 {
        let digits = nanos.unsigned_abs();
        return format!("INTERVAL '-{digits}' NANOSECOND");
    }
    let units: [(i64, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let mut rest = nanos;
    let mut parts = Vec::new();
    for (length, unit) in units {
        if rest >= length {
            parts.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}
