//! Pairs of expressions to trees: operands, and the operators between them by precedence.
//!
//! A pair holds operands and operators side by side; two stacks order them, so that operators cost no recursion. What nests in the
//! tree is counted on the way up, and an expression deeper than [`DEPTH_MAX`] is refused, so that whoever walks the tree may recurse.
//! From loose to tight: OR, AND, NOT, IS, comparisons, IN BETWEEN LIKE, `||`, `+ -`, `* / %`, AT TIME ZONE, signs, `[ ]`, `.`.

use crate::text::{Diagnostic, Span, Spanned};

use super::ast::{BinaryOp, Call, Expr, ExprKind, RunningOrFinal, UnaryOp};
use super::codes;
use super::literal::{self, BadLiteral};
use super::parse_grammar::{Built, Pair, Read, Reader, Rule, Stop, all, find, has, inside_out, only, parts, start, the};
use super::scan::DEPTH_MAX;

/// An operator that waits for its right side.
struct Waiting {
    operator: Operator,
    binding: u8,
    span: Span,
}

/// What waits; the chains know how many operands they have so far.
enum Operator {
    Or(usize),
    And(usize),
    Concat(usize),
    Not,
    Binary(BinaryOp),
}

const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const IS: u8 = 4;
const COMPARISON: u8 = 5;
const PREDICATE: u8 = 6;
const CONCAT: u8 = 7;
const SUM: u8 = 8;
const PRODUCT: u8 = 9;

/// The two stacks.
#[derive(Default)]
struct Climb {
    done: Vec<Built>,
    waiting: Vec<Waiting>,
}

impl Reader {
    /// The tree of an `expr` or `bound` pair.
    pub(super) fn expr(&mut self, pair: &Pair<'_>) -> Read<Expr> {
        self.built(pair).map(|built| built.expr)
    }

    /// The trees of the direct parts that are expressions.
    pub(super) fn exprs(&mut self, pair: &Pair<'_>) -> Read<Vec<Expr>> {
        all(pair, Rule::expr).map(|part| self.expr(&part)).collect()
    }

    /// The tree of the direct part that is an expression or bound.
    pub(super) fn inner_expr(&mut self, pair: &Pair<'_>) -> Read<Expr> {
        self.expr(&only(pair))
    }

    /// The trees of the direct parts that are bounds.
    pub(super) fn bounds(&mut self, pair: &Pair<'_>) -> Read<Vec<Expr>> {
        all(pair, Rule::bound).map(|part| self.expr(&part)).collect()
    }

    /// Reads the expressions inside first, then the one around them.
    fn built(&mut self, pair: &Pair<'_>) -> Read<Built> {
        if let Some(done) = self.done_exprs.remove(&start(pair)) {
            return Ok(done);
        }
        for inner in inside_out(pair, &[Rule::expr, Rule::bound], Rule::query) {
            let built = self.climb(&inner)?;
            self.done_exprs.insert(start(&inner), built);
        }
        self.climb(pair)
    }

    /// Orders the operands and operators of one pair.
    fn climb(&mut self, pair: &Pair<'_>) -> Read<Built> {
        let mut climb = Climb::default();
        for part in pair.clone().into_inner() {
            match part.as_rule() {
                Rule::operand => {
                    let operand = self.operand(&part)?;
                    climb.done.push(operand);
                }
                Rule::kw_not => climb.waiting.push(Waiting { operator: Operator::Not, binding: NOT, span: self.span(&part) }),
                Rule::is_test | Rule::predicate => self.postfix(&mut climb, &part)?,
                _ => self.infix(&mut climb, &part)?,
            }
        }
        self.reduce(&mut climb, 0)?;
        Ok(climb.done.pop().expect("an expression has an operand"))
    }

    /// Puts an infix operator behind what binds tighter.
    fn infix(&mut self, climb: &mut Climb, part: &Pair<'_>) -> Read<()> {
        let (operator, binding) = operator(part);
        // Chains of one kind grow; other operators of the same strength lean left.
        let is_chain = !matches!(operator, Operator::Binary(_));
        self.reduce(climb, if is_chain { binding + 1 } else { binding })?;
        if let Some(Waiting { operator: Operator::Or(n) | Operator::And(n) | Operator::Concat(n), binding: top, .. }) =
            climb.waiting.last_mut()
            && *top == binding
        {
            *n += 1;
            return Ok(());
        }
        climb.waiting.push(Waiting { operator, binding, span: self.span(part) });
        Ok(())
    }

    /// Applies all waiting operators that bind at least so tight.
    fn reduce(&mut self, climb: &mut Climb, least: u8) -> Read<()> {
        while climb.waiting.last().is_some_and(|waiting| waiting.binding >= least) {
            let Some(Waiting { operator, span, .. }) = climb.waiting.pop() else { break };
            let count = match operator {
                Operator::Or(n) | Operator::And(n) | Operator::Concat(n) => n,
                Operator::Not => 1,
                Operator::Binary(_) => 2,
            };
            let operands = climb.done.split_off(climb.done.len() - count);
            let depth = operands.iter().map(|b| b.depth).max().unwrap_or(0);
            let whole = operands.iter().fold(span, |whole, b| whole.to(b.expr.span));
            let mut exprs: Vec<Expr> = operands.into_iter().map(|b| b.expr).collect();
            let kind = match operator {
                Operator::Or(_) => ExprKind::Or(exprs),
                Operator::And(_) => ExprKind::And(exprs),
                Operator::Concat(_) => ExprKind::Concat(exprs),
                Operator::Not => ExprKind::Unary(UnaryOp::Not, pop(&mut exprs)),
                Operator::Binary(op) => {
                    let right = pop(&mut exprs);
                    ExprKind::Binary(op, Spanned::new((), span), pop(&mut exprs), right)
                }
            };
            let built = self.deeper(kind, whole, depth)?;
            climb.done.push(built);
        }
        Ok(())
    }

    /// A node over others of this depth.
    fn deeper(&mut self, kind: ExprKind, span: Span, below: u32) -> Read<Built> {
        let depth = below + 1;
        if depth > DEPTH_MAX {
            self.tell(codes::too_deep(span));
            return Err(Stop);
        }
        Ok(Built { expr: Expr { kind, span }, depth })
    }

    /// `IS …`, `IN …`, `BETWEEN …`, `LIKE …` behind its operand.
    fn postfix(&mut self, climb: &mut Climb, part: &Pair<'_>) -> Read<()> {
        self.reduce(climb, if part.as_rule() == Rule::is_test { IS } else { PREDICATE })?;
        let operand = climb.done.pop().expect("the grammar has an operand before a test");
        let span = operand.expr.span.to(self.span(part));
        let negated = has(part, Rule::kw_not);
        let expr = Box::new(operand.expr);
        let (kind, depth) = if part.as_rule() == Rule::is_test {
            if has(part, Rule::kw_null) {
                (ExprKind::IsNull { expr, negated }, 0)
            } else if has(part, Rule::kw_distinct) {
                let from = self.built(&the(part, Rule::bound))?;
                (ExprKind::IsDistinct { expr, from: Box::new(from.expr), negated }, from.depth)
            } else {
                (ExprKind::IsBool { expr, value: has(part, Rule::kw_true), negated }, 0)
            }
        } else {
            self.predicate(expr, negated, &only(part))?
        };
        let built = self.deeper(kind, span, depth.max(operand.depth))?;
        climb.done.push(built);
        Ok(())
    }

    /// The tests with operands of their own, and how deep those are.
    fn predicate(&mut self, expr: Box<Expr>, negated: bool, part: &Pair<'_>) -> Read<(ExprKind, u32)> {
        let mut operands = parts(part).map(|p| self.item(&p)).collect::<Read<Vec<Built>>>()?;
        let depth = operands.iter().map(|b| b.depth).max().unwrap_or(0);
        let mut next = || operands.pop().map(|b| Box::new(b.expr));
        let kind = match part.as_rule() {
            Rule::between => {
                let high = next().expect("BETWEEN has a high end");
                ExprKind::Between { expr, low: next().expect("BETWEEN has a low end"), high, negated }
            }
            Rule::like => {
                let escape = if has(part, Rule::kw_escape) { next() } else { None };
                let pattern = next().expect("LIKE has a pattern");
                ExprKind::Like { expr, pattern, escape, case_insensitive: has(part, Rule::kw_ilike), negated }
            }
            _ => ExprKind::In { expr, list: operands.into_iter().map(|b| b.expr).collect(), negated },
        };
        Ok((kind, depth))
    }

    /// An expression, or a query in its place, which stands for [`ExprKind::Subquery`].
    fn item(&mut self, pair: &Pair<'_>) -> Read<Built> {
        match pair.as_rule() {
            Rule::query => {
                let span = self.span(pair);
                Ok(Built { expr: Expr { kind: ExprKind::Subquery(span), span }, depth: 0 })
            }
            _ => self.built(pair),
        }
    }

    /// Signs, a primary, and what is appended to it.
    fn operand(&mut self, pair: &Pair<'_>) -> Read<Built> {
        let whole = self.span(pair);
        let mut signs = Vec::new();
        let mut built = None;
        for part in pair.clone().into_inner() {
            built = match built {
                None if part.as_rule() == Rule::sign => {
                    signs.push((if part.as_str() == "-" { UnaryOp::Minus } else { UnaryOp::Plus }, self.span(&part)));
                    None
                }
                None => Some(self.primary(&part)?),
                Some(base) => Some(self.suffix(base, &part)?),
            };
        }
        let mut built = built.expect("an operand has a primary");
        for (sign, span) in signs.into_iter().rev() {
            built = self.deeper(ExprKind::Unary(sign, Box::new(built.expr)), Span::new(span.start, whole.end), built.depth)?;
        }
        Ok(built)
    }

    /// `[1]`, `.field`, `AT TIME ZONE z`
    fn suffix(&mut self, base: Built, part: &Pair<'_>) -> Read<Built> {
        let span = base.expr.span.to(self.span(part));
        let expr = Box::new(base.expr);
        let (kind, depth) = match part.as_rule() {
            Rule::index => {
                let index = self.built(&only(part))?;
                (ExprKind::Index { expr, index: Box::new(index.expr) }, index.depth)
            }
            Rule::field => (ExprKind::Field { expr, name: self.name(&the(part, Rule::ident)) }, 0),
            _ => {
                let zone = part.clone().into_inner().nth(3).expect("AT TIME ZONE has a zone");
                let zone = self.primary(&zone)?;
                (ExprKind::AtTimeZone { expr, zone: Box::new(zone.expr) }, zone.depth)
            }
        };
        self.deeper(kind, span, depth.max(base.depth))
    }

    fn primary(&mut self, pair: &Pair<'_>) -> Read<Built> {
        match pair.as_rule() {
            Rule::group => {
                let mut built = self.item(&only(pair))?;
                built.expr.span = self.span(pair);
                Ok(built)
            }
            Rule::named => self.named(pair),
            Rule::case => self.case(pair),
            Rule::cast => {
                let inner = self.built(&the(pair, Rule::expr))?;
                let to = self.data_type(&the(pair, Rule::data_type))?;
                self.deeper(ExprKind::Cast { expr: Box::new(inner.expr), to }, self.span(pair), inner.depth)
            }
            Rule::extract => {
                let inner = self.built(&the(pair, Rule::expr))?;
                let part = self.name(&the(pair, Rule::ident));
                self.deeper(ExprKind::Extract { part, expr: Box::new(inner.expr) }, self.span(pair), inner.depth)
            }
            Rule::trim => self.trim(pair),
            _ => {
                let kind = self.constant(pair);
                Ok(Built { expr: Expr { kind, span: self.span(pair) }, depth: 0 })
            }
        }
    }

    /// Literals and parameters. One out of its range is told and read as 0, so that the rest is still checked.
    fn constant(&mut self, pair: &Pair<'_>) -> ExprKind {
        let text = pair.as_str();
        let value = match pair.as_rule() {
            Rule::string => return ExprKind::String(literal::unquote(text, '\'')),
            Rule::timestamp => return ExprKind::Timestamp(self.string(&the(pair, Rule::string))),
            Rule::parameter => return ExprKind::Parameter(text.trim_start_matches('$').to_owned()),
            Rule::kw_null => return ExprKind::Null,
            Rule::kw_true => return ExprKind::Bool(true),
            Rule::kw_false => return ExprKind::Bool(false),
            Rule::number => literal::number(text),
            Rule::interval => {
                let amount = literal::unquote(the(pair, Rule::string).as_str(), '\'');
                literal::duration(&amount, the(pair, Rule::unit).as_str()).map(ExprKind::Duration)
            }
            _ => self.duration(pair).map(ExprKind::Duration),
        };
        value.unwrap_or_else(|why| {
            self.tell(codes::bad_literal(why, self.span(pair)));
            ExprKind::Int(0)
        })
    }

    /// The sum of `1h 30m`.
    fn duration(&self, pair: &Pair<'_>) -> Result<i64, BadLiteral> {
        let mut sum = 0_i64;
        let mut amount = String::new();
        for part in parts(pair) {
            if part.as_rule() == Rule::amount {
                amount = part.as_str().to_owned();
            } else {
                sum = sum.checked_add(literal::duration(&amount, part.as_str())?).ok_or(BadLiteral::TooBig)?;
            }
        }
        Ok(sum)
    }

    fn case(&mut self, pair: &Pair<'_>) -> Read<Built> {
        let mut depth = 0;
        let mut operand = None;
        let mut branches = Vec::new();
        let mut otherwise = None;
        for part in parts(pair) {
            match part.as_rule() {
                Rule::expr => operand = Some(Box::new(self.counted(&part, &mut depth)?)),
                Rule::otherwise => otherwise = Some(Box::new(self.counted(&only(&part), &mut depth)?)),
                _ => {
                    let mut two = all(&part, Rule::expr);
                    let mut next = || two.next().expect("WHEN has a condition and a result");
                    let when = self.counted(&next(), &mut depth)?;
                    branches.push((when, self.counted(&next(), &mut depth)?));
                }
            }
        }
        self.deeper(ExprKind::Case { operand, branches, otherwise }, self.span(pair), depth)
    }

    /// An expression, its depth noted.
    fn counted(&mut self, pair: &Pair<'_>, depth: &mut u32) -> Read<Expr> {
        let built = self.item(pair)?;
        *depth = built.depth.max(*depth);
        Ok(built.expr)
    }

    /// A path or a call.
    fn named(&mut self, pair: &Pair<'_>) -> Read<Built> {
        match find(pair, Rule::arguments) {
            Some(arguments) => self.call(pair, &arguments),
            None => {
                if let Some(mode) = find(pair, Rule::mode) {
                    let message = "RUNNING and FINAL stand before a call";
                    self.tell(Diagnostic::error(codes::UNEXPECTED, self.span(&mode), message).label("no call follows"));
                }
                let path = all(pair, Rule::ident).map(|part| self.name(&part)).collect();
                Ok(Built { expr: Expr { kind: ExprKind::Path(path), span: self.span(pair) }, depth: 0 })
            }
        }
    }

    fn call(&mut self, pair: &Pair<'_>, arguments: &Pair<'_>) -> Read<Built> {
        let name = the(pair, Rule::ident);
        let mut depth = 0;
        let mut call = Call {
            name: self.name(&name),
            quoted: name.as_str().starts_with('"'),
            mode: find(pair, Rule::mode).map(|mode| {
                let which = if has(&mode, Rule::kw_running) { RunningOrFinal::Running } else { RunningOrFinal::Final };
                Spanned::new(which, self.span(&mode))
            }),
            distinct: find(arguments, Rule::distinct).map(|part| self.span(&part)),
            args: Vec::new(),
            order_by: find(arguments, Rule::order_by).map(|part| self.span(&part)),
            filter: None,
            over: find(pair, Rule::over).map(|part| self.span(&part)),
        };
        for argument in all(arguments, Rule::argument) {
            call.args.push(self.argument(&argument, &mut depth)?);
        }
        match find(arguments, Rule::of_sql) {
            Some(rest) => self.words_of_sql(&mut call, &rest, &mut depth)?,
            None => position_in_brackets(&mut call),
        }
        if let Some(filter) = find(pair, Rule::filter) {
            call.filter = Some(Box::new(self.counted(&only(&filter), &mut depth)?));
        }
        self.deeper(ExprKind::Call(call), self.span(pair), depth)
    }

    /// Arguments between words, as SQL writes some calls: the same call with commas.
    fn words_of_sql(&mut self, call: &mut Call, rest: &Pair<'_>, depth: &mut u32) -> Read<()> {
        let mut args = Vec::new();
        for part in all(rest, Rule::expr) {
            args.push(self.counted(&part, depth)?);
        }
        let first = call.args.pop();
        let name = if call.quoted { String::new() } else { call.name.node.to_ascii_uppercase() };
        match (name.as_str(), has(rest, Rule::kw_from), has(rest, Rule::kw_for)) {
            ("SUBSTRING" | "SUBSTR", true, _) => call.args.extend(first.into_iter().chain(args)),
            ("SUBSTRING" | "SUBSTR", false, true) => {
                let one = Expr { kind: ExprKind::Int(1), span: self.span(rest) };
                call.args.extend(first.into_iter().chain([one]).chain(args));
            }
            ("TRIM" | "BTRIM", true, false) => call.args.extend(args.into_iter().chain(first)),
            ("POSITION", false, false) => call.args.extend(first.into_iter().chain(args)),
            _ => {
                call.args.extend(first.into_iter().chain(args));
                let message = "arguments are separated by commas here";
                self.tell(
                    Diagnostic::error(codes::UNEXPECTED, self.span(rest), message)
                        .hint("words stand in SUBSTRING(text FROM 2 FOR 3), TRIM(LEADING '0' FROM text), POSITION('@' IN text) and EXTRACT(YEAR FROM time)"),
                );
            }
        }
        Ok(())
    }

    /// `TRIM(LEADING '0' FROM code)` is `LTRIM(code, '0')`.
    fn trim(&mut self, pair: &Pair<'_>) -> Read<Built> {
        let mut depth = 0;
        let mut args = Vec::new();
        for part in all(pair, Rule::expr) {
            args.push(self.counted(&part, &mut depth)?);
        }
        args.reverse();
        let name = match () {
            () if has(pair, Rule::kw_leading) => "LTRIM",
            () if has(pair, Rule::kw_trailing) => "RTRIM",
            () => "TRIM",
        };
        let name = Spanned::new(name.to_owned(), self.span(&the(pair, Rule::trim_name)));
        let call = Call { name, quoted: false, mode: None, distinct: None, args, order_by: None, filter: None, over: None };
        self.deeper(ExprKind::Call(call), self.span(pair), depth)
    }

    fn argument(&mut self, argument: &Pair<'_>, depth: &mut u32) -> Read<Expr> {
        if has(argument, Rule::star) {
            return Ok(Expr { kind: ExprKind::Star, span: self.span(argument) });
        }
        let inner = only(argument);
        if inner.as_rule() == Rule::all_of {
            let kind = ExprKind::AllOf(self.name(&the(&inner, Rule::ident)));
            return Ok(Expr { kind, span: self.span(&inner) });
        }
        self.counted(&inner, depth)
    }
}

/// `POSITION(x IN (y))` has been read as a list of one.
fn position_in_brackets(call: &mut Call) {
    if call.quoted || !call.name.node.eq_ignore_ascii_case("POSITION") {
        return;
    }
    match call.args.pop() {
        Some(Expr { kind: ExprKind::In { expr, mut list, negated: false }, .. }) if call.args.is_empty() && list.len() == 1 => {
            call.args.push(*expr);
            call.args.append(&mut list);
        }
        other => call.args.extend(other),
    }
}

/// The operator that a pair spells and how tight it binds.
fn operator(part: &Pair<'_>) -> (Operator, u8) {
    if part.as_rule() == Rule::kw_or {
        return (Operator::Or(2), OR);
    }
    if part.as_rule() == Rule::kw_and {
        return (Operator::And(2), AND);
    }
    let (op, binding) = match part.as_str() {
        "||" => return (Operator::Concat(2), CONCAT),
        "<>" | "!=" => (BinaryOp::NotEq, COMPARISON),
        "<" => (BinaryOp::Less, COMPARISON),
        "<=" => (BinaryOp::LessEq, COMPARISON),
        ">" => (BinaryOp::Greater, COMPARISON),
        ">=" => (BinaryOp::GreaterEq, COMPARISON),
        "+" => (BinaryOp::Add, SUM),
        "-" => (BinaryOp::Sub, SUM),
        "*" => (BinaryOp::Mul, PRODUCT),
        "/" => (BinaryOp::Div, PRODUCT),
        "%" => (BinaryOp::Mod, PRODUCT),
        _ => (BinaryOp::Eq, COMPARISON),
    };
    (Operator::Binary(op), binding)
}

fn pop(exprs: &mut Vec<Expr>) -> Box<Expr> {
    Box::new(exprs.pop().expect("an operator has its operands"))
}
