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
        let args = with_second_as_first(function, args)?;
        let resolved: Resolved = function.resolve(&types(&args))?;
        let args: Vec<Expr> = args.into_iter().zip(&resolved.args).map(|(arg, wanted)| arg.coerced(wanted)).collect();
        let constants: Vec<_> = args.iter().map(Expr::as_literal).collect();
        if let Some(check) = function.check() {
            check(&resolved.args, &constants)?;
        }
        let prepared = match function.prepare() {
            Some(prepare) => prepare(&constants)?,
            None => Prepared::None,
        };
        let call = Call { function, kernel: resolved.kernel, prepared };
        Ok(Self::new(ExprKind::Call(call), args, resolved.result))
    }

    /// A function that the user of the library brought.
    pub fn custom(function: Arc<dyn ScalarFunction>, args: Vec<Expr>) -> Result<Self, TypeError> {
        let (wanted, result) = function.resolve(&types(&args))?;
        let args = Self::cast_to(function.name(), args, &wanted)?;
        Ok(Self::new(ExprKind::Custom(function), args, result))
    }

    /// The arguments of what the user of the library brought, cast to the types that it asks for.
    pub fn cast_to(name: &str, args: Vec<Expr>, wanted: &[DataType]) -> Result<Vec<Expr>, TypeError> {
        if wanted.len() != args.len() {
            return Err(TypeError::new(name, types(&args), format!("{} arguments", wanted.len())));
        }
        let cast = |(i, (arg, wanted)): (usize, (Expr, &DataType))| match arg.data_type.common(wanted) {
            Some(common) if common == *wanted => Ok(arg.coerced(wanted)),
            _ => Err(TypeError::new(name, vec![arg.data_type.clone()], wanted.to_string()).at(i)),
        };
        args.into_iter().zip(wanted).enumerate().map(cast).collect()
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

    /// `a IS DISTINCT FROM b`
    pub fn is_distinct(a: Expr, b: Expr) -> Result<Self, TypeError> {
        let (a, b) = comparable("IS DISTINCT FROM", a, b)?;
        Ok(Self::new(ExprKind::IsDistinct, vec![a, b], DataType::Bool))
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
        // The upper bound may have made a FLOAT of a DECIMAL.
        let (expr, low) = comparable("BETWEEN", expr, low).map_err(|e| e.at(1))?;
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

/// Two operands that can be compared. An INT beside another number stays as it is (they compare exactly), a DECIMAL beside a FLOAT is made
/// one, as where they are added; but a constant takes the type of the other side where that loses nothing, so that columns compare with
/// their own kind.
fn comparable(what: &str, a: Expr, b: Expr) -> Result<(Expr, Expr), TypeError> {
    let found = || vec![a.data_type.clone(), b.data_type.clone()];
    if let Some(expected) = unreadable(&a, &b.data_type).or_else(|| unreadable(&b, &a.data_type)) {
        return Err(TypeError::new(what, found(), expected));
    }
    let (left, right) = (a.clone().adapted(&b.data_type), b.clone().adapted(&a.data_type));
    let (left, right) = match (&left.data_type, &right.data_type) {
        (DataType::Decimal { .. }, DataType::Float) => (left.coerced(&DataType::Float), right),
        (DataType::Float, DataType::Decimal { .. }) => (left, right.coerced(&DataType::Float)),
        _ => (left, right),
    };
    let fits = match (&left.data_type, &right.data_type) {
        (a, b) if a.is_numeric() && b.is_numeric() => true,
        (a @ DataType::Struct(_), b @ DataType::Struct(_)) => a == b,
        (a, b) => a.common(b).is_some(),
    };
    if fits { Ok((left, right)) } else { Err(TypeError::new(what, found(), "two values of one type")) }
}

/// A constant that is compared with the argument before it, as the same comparison by `=` would read it.
fn with_second_as_first(function: &Function, mut args: Vec<Expr>) -> Result<Vec<Expr>, TypeError> {
    if let [first, second] = args.as_slice()
        && let Some(wanted) = function.second_as(&first.data_type)
    {
        if let Some(expected) = unreadable(second, &wanted) {
            return Err(TypeError::new(function.name, types(&args), expected).at(1));
        }
        args[1] = second.clone().adapted(&wanted);
    }
    Ok(args)
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
        if let (Some(Value::Float(v)), DataType::Decimal { .. }) = (self.as_literal(), other) {
            // `price = 1.10` means the number as it is written, not the float next to it.
            return cast::decimal_as_written(*v).map_or(self, |exact| Self::literal(Value::Decimal(exact)));
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::functions::lookup;

    fn slot(data_type: DataType) -> Expr {
        Expr::slot(SlotId(0), data_type)
    }

    fn text(text: &'static str) -> Expr {
        Expr::literal(Value::string(text))
    }

    fn int(v: i64) -> Expr {
        Expr::literal(Value::Int(v))
    }

    fn constant(expr: &Expr) -> Value<'static> {
        expr.constant_value(&EvalContext::new()).unwrap()
    }

    #[test]
    fn comparisons_check_types_and_read_constants() {
        let error = Expr::compare(CompareOp::Eq, slot(DataType::String), int(1)).unwrap_err();
        assert_eq!(error.to_string(), "= expects two values of one type, found STRING, INT");
        let later = Expr::compare(CompareOp::Greater, slot(DataType::Timestamp), text("2026-03-01")).unwrap();
        assert_eq!(later.to_string(), "#0 > TIMESTAMP '2026-03-01T00:00:00Z'");
        let longer = Expr::compare(CompareOp::Greater, text("1h"), slot(DataType::Duration)).unwrap();
        assert_eq!(longer.to_string(), "1h > #0");
        assert!(Expr::compare(CompareOp::Eq, slot(DataType::Timestamp), text("soon")).unwrap_err().expected.contains("a time such as"));
        assert!(Expr::compare(CompareOp::Eq, slot(DataType::Timestamp), slot(DataType::String)).is_err());
        let float = Expr::compare(CompareOp::Less, slot(DataType::Float), int(2)).unwrap();
        assert_eq!(float.args()[1].data_type(), &DataType::Float);
        let exact =
            Expr::compare(CompareOp::Eq, slot(DataType::Decimal { precision: 10, scale: 2 }), Expr::literal(Value::Float(1.1))).unwrap();
        assert_eq!(exact.args()[1].as_literal(), Some(&Value::Decimal("1.1".parse().unwrap())));
        let unknown = Expr::compare(CompareOp::Eq, int(1), Expr::literal(Value::Null)).unwrap();
        assert_eq!(constant(&unknown), Value::Null);
    }

    #[test]
    fn logic_is_flat_and_three_valued() {
        let (yes, no, null) = (Value::Bool(true), Value::Bool(false), Value::Null);
        let of = |v: &Value<'static>| Expr::literal(v.clone());
        for (a, b, and, or) in [(&yes, &null, &null, &yes), (&no, &null, &no, &null), (&null, &no, &no, &null), (&yes, &no, &no, &yes)] {
            assert_eq!(constant(&Expr::and(vec![of(a), of(b)]).unwrap()), *and);
            assert_eq!(constant(&Expr::or(vec![of(a), of(b)]).unwrap()), *or);
        }
        let condition = || slot(DataType::Bool);
        let nested = Expr::and(vec![Expr::and(vec![condition(), condition()]).unwrap(), condition()]).unwrap();
        assert_eq!(nested.args().len(), 3);
        assert_eq!(constant(&Expr::and(Vec::new()).unwrap()), yes);
        assert_eq!(Expr::or(vec![condition(), int(1)]).unwrap_err().argument, Some(1));
        assert_eq!(Expr::and(vec![of(&yes), condition()]).unwrap().fold(), condition());
    }

    #[test]
    fn membership() {
        let among = |value: Expr, items: Vec<Expr>| constant(&Expr::in_list(value, items).unwrap());
        assert_eq!(among(int(2), vec![int(1), int(2)]), Value::Bool(true));
        assert_eq!(among(int(3), vec![int(1), Expr::literal(Value::Null)]), Value::Null);
        assert_eq!(among(int(2), vec![Expr::literal(Value::Float(2.0))]), Value::Bool(true));
        let many = Expr::in_list(slot(DataType::Int), (0..20).map(int).collect()).unwrap();
        assert!(
            matches!(many.kind(), ExprKind::In(Some(set)) if set.contains(&Value::Int(7)) == Some(true) && set.contains(&Value::Int(20)) == Some(false))
        );
        assert!(Expr::in_list(text("x"), vec![text("y"), slot(DataType::Timestamp)]).is_err());
        let between = |v| constant(&Expr::between(int(v), int(1), Expr::literal(Value::Null)).unwrap());
        assert_eq!((between(0), between(2)), (Value::Bool(false), Value::Null));
    }

    #[test]
    fn cases_fields_and_casts() {
        let case = Expr::case(Some(int(2)), vec![(int(1), int(10)), (int(2), Expr::literal(Value::Float(0.5)))], None).unwrap();
        assert_eq!((case.data_type(), constant(&case)), (&DataType::Float, Value::Float(0.5)));
        assert!(Expr::case(None, vec![(slot(DataType::Bool), int(1))], Some(text("x"))).is_err());
        let pair = DataType::Struct(vec![crate::data::Field::new("lat", DataType::Float)].into());
        assert_eq!(Expr::field(slot(pair.clone()), "lat").unwrap().to_string(), "#0.lat");
        assert!(Expr::field(slot(pair), "lon").unwrap_err().expected.contains("lat"));
        assert!(Expr::cast(slot(DataType::Timestamp), &DataType::Bool).is_err());
        assert_eq!(Expr::cast(text("7"), &DataType::Int).unwrap(), int(7));
        let failing = Expr::cast(text("x"), &DataType::Int).unwrap().fold();
        assert!(failing.as_literal().is_none(), "each row counts it");
        let sum = Expr::call(lookup("+").unwrap(), vec![slot(DataType::Int), Expr::literal(Value::Float(0.5))]).unwrap();
        assert_eq!(sum.to_string(), "CAST(#0 AS FLOAT) + 0.5");
    }

    #[derive(Debug)]
    struct Twice;

    impl ScalarFunction for Twice {
        fn name(&self) -> &str {
            "TWICE"
        }
        fn resolve(&self, _: &[DataType]) -> Result<(Vec<DataType>, DataType), TypeError> {
            Ok((vec![DataType::Float], DataType::Float))
        }
        fn call(&self, args: &[Value<'_>]) -> Value<'static> {
            match args[0] {
                Value::Float(v) if v < 0.0 => Value::string("not a float"),
                Value::Float(v) => Value::Float(2.0 * v),
                _ => Value::Null,
            }
        }
    }

    #[test]
    fn functions_of_the_user() {
        let twice = |arg| Expr::custom(Arc::new(Twice), vec![arg]);
        assert_eq!(constant(&twice(int(2)).unwrap()), Value::Float(4.0));
        assert_eq!(twice(text("a")).unwrap_err().argument, Some(0));
        let ctx = EvalContext::new();
        assert_eq!((twice(int(-2)).unwrap().constant_value(&ctx), ctx.nulls()), (Some(Value::Null), 1), "a value of another type");
    }
}
