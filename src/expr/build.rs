//! Smart constructors: types are checked here, and casts inserted, so that what exists can be evaluated.

use std::sync::Arc;

use super::cast::{self, is_castable};
use super::error::TypeError;
use super::functions::{self, Form, Function, Prepared, ScalarFunction};
use super::keyset::KeySet;
use super::tree::{Call, CompareOp, Expr, ExprKind, SlotId};
use super::{EvalContext, functions::Resolved};
use crate::data::{DataType, Duration, Timestamp, Value};

/// From so many constants on an IN list becomes a set; below it comparing one after the other is faster.
const SET_FROM: usize = 8;

impl Expr {
    pub(super) fn new(kind: ExprKind, args: Vec<Expr>, data_type: DataType) -> Self {
        Self { kind, args, data_type }
    }

    /// A constant.
    pub fn literal(value: Value<'static>) -> Self {
        let data_type = value.type_of();
        Self::new(ExprKind::Literal(value), Vec::new(), data_type)
    }

    /// A constant whose type says more than its value: a NULL of a type, a struct with names. The value is of that type or NULL.
    pub fn typed_literal(value: Value<'static>, data_type: DataType) -> Self {
        Self::new(ExprKind::Literal(value), Vec::new(), data_type)
    }

    /// A value of the row.
    pub fn slot(slot: SlotId, data_type: DataType) -> Self {
        Self::new(ExprKind::Slot(slot), Vec::new(), data_type)
    }

    /// A function or operator of the table on arguments.
    pub fn call(function: &'static Function, args: Vec<Expr>) -> Result<Self, TypeError> {
        if let Form::Lazy(build) = function.form() {
            function.check_count(&types(&args))?;
            return build(args);
        }
        let resolved: Resolved = function.resolve(&types(&args))?;
        let args: Vec<Expr> = args.into_iter().zip(&resolved.args).map(|(arg, wanted)| arg.coerced(wanted)).collect();
        let prepared = match function.prepare() {
            Some(prepare) => prepare(&args.iter().map(Expr::as_literal).collect::<Vec<_>>())?,
            None => Prepared::None,
        };
        let call = Call { function, kernel: resolved.kernel, prepared };
        Ok(Self::new(ExprKind::Call(call), args, resolved.result))
    }

    /// A function that the user of the library brought.
    pub fn custom(function: Arc<dyn ScalarFunction>, args: Vec<Expr>) -> Result<Self, TypeError> {
        let (wanted, result) = function.resolve(&types(&args))?;
        if wanted.len() != args.len() {
            return Err(TypeError::new(function.name(), types(&args), format!("{} arguments", wanted.len())));
        }
        let args = args
            .into_iter()
            .zip(&wanted)
            .enumerate()
            .map(|(i, (arg, wanted))| match arg.data_type.common(wanted) {
                Some(common) if common == *wanted => Ok(arg.coerced(wanted)),
                _ => Err(TypeError::new(function.name(), vec![arg.data_type.clone()], wanted.to_string()).at(i)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(ExprKind::Custom(function), args, result))
    }

    /// `a op b`. A STRING constant beside a TIMESTAMP or a DURATION is read as one.
    pub fn compare(op: CompareOp, a: Expr, b: Expr) -> Result<Self, TypeError> {
        let (a, b) = comparable(op.symbol(), a, b)?;
        Ok(Self::new(ExprKind::Compare(op), vec![a, b], DataType::Bool))
    }

    /// `a AND b AND …`; of nothing it is TRUE.
    pub fn and(terms: Vec<Expr>) -> Result<Self, TypeError> {
        Self::chain("AND", ExprKind::And, true, terms)
    }

    /// `a OR b OR …`; of nothing it is FALSE.
    pub fn or(terms: Vec<Expr>) -> Result<Self, TypeError> {
        Self::chain("OR", ExprKind::Or, false, terms)
    }

    fn chain(what: &str, kind: ExprKind, of_nothing: bool, terms: Vec<Expr>) -> Result<Self, TypeError> {
        let mut flat = Vec::with_capacity(terms.len());
        for (i, term) in terms.into_iter().enumerate() {
            if std::mem::discriminant(&term.kind) == std::mem::discriminant(&kind) {
                flat.extend(term.args);
            } else {
                flat.push(term.condition(what, i)?);
            }
        }
        Ok(match flat.len() {
            0 => Self::literal(Value::Bool(of_nothing)),
            1 => flat.remove(0),
            _ => Self::new(kind, flat, DataType::Bool),
        })
    }

    /// `NOT a`
    #[expect(clippy::should_implement_trait, reason = "it can fail")]
    pub fn not(expr: Expr) -> Result<Self, TypeError> {
        Ok(Self::new(ExprKind::Not, vec![expr.condition("NOT", 0)?], DataType::Bool))
    }

    /// `a IS NULL`
    pub fn is_null(expr: Expr) -> Self {
        Self::new(ExprKind::IsNull, vec![expr], DataType::Bool)
    }

    /// `a IS TRUE`, `a IS FALSE`
    pub fn is_bool(expr: Expr, value: bool) -> Result<Self, TypeError> {
        Ok(Self::new(ExprKind::IsBool(value), vec![expr.condition(if value { "IS TRUE" } else { "IS FALSE" }, 0)?], DataType::Bool))
    }

    /// `a IN (items)`
    pub fn in_list(expr: Expr, items: Vec<Expr>) -> Result<Self, TypeError> {
        let mut args = vec![expr];
        for (i, item) in items.into_iter().enumerate() {
            // An item may teach a constant on the left its type, hence each is compared with what stands there then.
            let (value, item) = comparable("IN", args[0].clone(), item).map_err(|e| e.at(i + 1))?;
            args[0] = value;
            args.push(item);
        }
        for i in 1..args.len() {
            args[i] = comparable("IN", args[0].clone(), args[i].clone()).map_err(|e| e.at(i))?.1;
        }
        let data_type = args[0].data_type.clone();
        let constants: Option<Vec<_>> = args[1..].iter().map(Expr::as_literal).collect();
        let alike = |value: &&Value<'_>| value.is_null() || value.type_of() == data_type;
        let set = constants
            .filter(|items| items.len() >= SET_FROM && items.iter().all(alike))
            .map(|items| Arc::new(KeySet::new(items.into_iter().map(Value::borrowed))));
        Ok(Self::new(ExprKind::In(set), args, DataType::Bool))
    }

    /// `a BETWEEN low AND high`
    pub fn between(expr: Expr, low: Expr, high: Expr) -> Result<Self, TypeError> {
        let (expr, low) = comparable("BETWEEN", expr, low).map_err(|e| e.at(1))?;
        let (expr, high) = comparable("BETWEEN", expr, high).map_err(|e| e.at(2))?;
        Ok(Self::new(ExprKind::Between, vec![expr, low, high], DataType::Bool))
    }

    /// `a LIKE pattern ESCAPE c`, `a ILIKE …`. A constant pattern is compiled once.
    pub fn like(expr: Expr, pattern: Expr, escape: Option<Expr>, case_insensitive: bool) -> Result<Self, TypeError> {
        let function = if case_insensitive { functions::ilike() } else { functions::like() };
        let mut args = vec![expr, pattern];
        args.extend(escape);
        Self::call(function, args)
    }

    /// `CASE [operand] WHEN a THEN b … [ELSE c] END`. With an operand, each condition is compared with it.
    pub fn case(operand: Option<Expr>, branches: Vec<(Expr, Expr)>, otherwise: Option<Expr>) -> Result<Self, TypeError> {
        let otherwise = otherwise.unwrap_or_else(|| Self::literal(Value::Null));
        let mut results: Vec<Expr> = Vec::with_capacity(branches.len() + 1);
        let mut conditions = Vec::with_capacity(branches.len());
        for (i, (when, then)) in branches.into_iter().enumerate() {
            conditions.push(match &operand {
                Some(operand) => {
                    Self::compare(CompareOp::Eq, operand.clone(), when).map_err(|e| TypeError { what: "CASE".into(), ..e }.at(i))?
                }
                None => when.condition("WHEN", i)?,
            });
            results.push(then);
        }
        results.push(otherwise);
        let (results, data_type) = of_one_type("CASE", results)?;
        let mut results = results.into_iter();
        let mut args = Vec::with_capacity(results.len() + conditions.len());
        for condition in conditions {
            args.push(condition);
            args.extend(results.next());
        }
        args.extend(results.next());
        Ok(Self::new(ExprKind::Case, args, data_type))
    }

    /// `COALESCE(a, b, …)`: later ones are evaluated only where all before are NULL.
    pub fn coalesce(args: Vec<Expr>) -> Result<Self, TypeError> {
        let (args, data_type) = of_one_type("COALESCE", args)?;
        Ok(Self::new(ExprKind::Coalesce, args, data_type))
    }

    /// `CAST(a AS T)`
    pub fn cast(expr: Expr, to: &DataType) -> Result<Self, TypeError> {
        if !is_castable(&expr.data_type, to) {
            return Err(TypeError::new(format!("CAST to {to}"), vec![expr.data_type], "a type that can become one"));
        }
        Ok(expr.coerced(to))
    }

    /// `a.name`
    pub fn field(expr: Expr, name: &str) -> Result<Self, TypeError> {
        let DataType::Struct(fields) = &expr.data_type else {
            return Err(TypeError::new(format!(".{name}"), vec![expr.data_type], "a STRUCT"));
        };
        let Some(at) = fields.iter().position(|f| &*f.name == name) else {
            let names: Vec<&str> = fields.iter().map(|f| &*f.name).collect();
            let expected = format!("one of the fields {}", names.join(", "));
            return Err(TypeError::new(format!(".{name}"), vec![expr.data_type.clone()], expected));
        };
        let data_type = fields[at].data_type.clone();
        Ok(Self::new(ExprKind::Field(at), vec![expr], data_type))
    }

    /// `a[i]`, from 1
    pub fn index(list: Expr, index: Expr) -> Result<Self, TypeError> {
        Self::call(functions::element_at(), vec![list, index])
    }

    fn condition(self, what: &str, argument: usize) -> Result<Self, TypeError> {
        match self.data_type {
            DataType::Bool => Ok(self),
            DataType::Null => Ok(self.coerced(&DataType::Bool)),
            _ => Err(TypeError::new(what, vec![self.data_type], "a condition (BOOL)").at(argument)),
        }
    }

    /// The expression as another type that it can be cast to. A constant is cast here and now where that does not fail.
    pub(crate) fn coerced(self, to: &DataType) -> Self {
        if self.data_type == *to {
            return self;
        }
        if let ExprKind::Literal(value) = &self.kind {
            let ctx = EvalContext::new();
            let value = cast::cast(value.clone(), &self.data_type, to, &ctx).into_owned();
            if ctx.nulls() == 0 {
                return Self::typed_literal(value, to.clone());
            }
        }
        Self::new(ExprKind::Cast, vec![self], to.clone())
    }
}

pub(super) fn types(args: &[Expr]) -> Vec<DataType> {
    args.iter().map(|arg| arg.data_type.clone()).collect()
}

/// All as their common type.
fn of_one_type(what: &str, args: Vec<Expr>) -> Result<(Vec<Expr>, DataType), TypeError> {
    let mut common = DataType::Null;
    for (i, arg) in args.iter().enumerate() {
        common = common.common(&arg.data_type).ok_or_else(|| TypeError::new(what, types(&args), format!("{common} as before")).at(i))?;
    }
    Ok((args.into_iter().map(|arg| arg.coerced(&common)).collect(), common))
}

/// Two operands that can be compared. Numbers of different types stay as they are (they compare exactly), but a constant takes the type of
/// the other side where that loses nothing, so that columns compare with their own kind.
fn comparable(what: &str, a: Expr, b: Expr) -> Result<(Expr, Expr), TypeError> {
    let found = || vec![a.data_type.clone(), b.data_type.clone()];
    if let Some(expected) = unreadable(&a, &b.data_type).or_else(|| unreadable(&b, &a.data_type)) {
        return Err(TypeError::new(what, found(), expected));
    }
    let (left, right) = (a.clone().adapted(&b.data_type), b.clone().adapted(&a.data_type));
    let fits = match (&left.data_type, &right.data_type) {
        (a, b) if a.is_numeric() && b.is_numeric() => true,
        (a @ DataType::Struct(_), b @ DataType::Struct(_)) => a == b,
        (a, b) => a.common(b).is_some(),
    };
    if fits { Ok((left, right)) } else { Err(TypeError::new(what, found(), "two values of one type")) }
}

/// A text constant beside a time that is no time.
fn unreadable(constant: &Expr, other: &DataType) -> Option<&'static str> {
    let Some(Value::String(text)) = constant.as_literal() else { return None };
    match other {
        DataType::Timestamp if Timestamp::parse(text).is_none() => Some("a time such as '2026-03-01T10:00:00Z' beside a TIMESTAMP"),
        DataType::Duration if Duration::parse(text).is_none() => Some("a length of time such as '1h 30m' beside a DURATION"),
        _ => None,
    }
}

impl Expr {
    /// A constant as the other side's type, if it is exactly a value of it.
    fn adapted(self, other: &DataType) -> Self {
        let value = match (self.as_literal(), other) {
            (Some(Value::Int(v)), DataType::Float) if v.unsigned_abs() <= 1 << 53 => Value::Float(*v as f64),
            (Some(Value::Float(v)), DataType::Int) if v.fract() == 0.0 && v.abs() < 9e18 => Value::Int(*v as i64),
            (Some(Value::String(text)), DataType::Timestamp) => Timestamp::parse(text).map_or(Value::Null, Value::Timestamp),
            (Some(Value::String(text)), DataType::Duration) => Duration::parse(text).map_or(Value::Null, Value::Duration),
            (Some(Value::Null), other) if self.data_type == DataType::Null => return Self::typed_literal(Value::Null, other.clone()),
            _ => return self,
        };
        Self::typed_literal(value, other.clone())
    }
}
