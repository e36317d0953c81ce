//! Functions of numbers. Those that round keep the kind of their argument; the others work on floats, and give NULL (counted) where they have
//! no finite value: `SQRT(-1)`, `LN(0)`. EXP, LN, LOG and POWER come from the platform's mathematics, and may differ in the last bit there.

use rust_decimal::{Decimal, RoundingStrategy};

use super::arithmetic::counted;
use super::signature::Signature;
use super::{Category, Form, Function, Prepared, Resolved};
use crate::data::{DataType, Duration, Value};
use crate::expr::{EvalContext, TypeError};

const BASE: Function = Function::of(Category::Math);

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "ABS",
        signature: "ABS(x)",
        doc: "The magnitude of a number or a DURATION.",
        examples: &[("ABS(-2)", "2"), ("ABS(-(5s))", "5s")],
        form: Form::Eager(abs),
        ..BASE
    },
    Function {
        name: "SIGN",
        signature: "SIGN(x)",
        doc: "-1, 0 or 1.",
        examples: &[("SIGN(-2.5)", "-1")],
        form: Form::Eager(|s| s.number()?.gives(DataType::Int, sign)),
        ..BASE
    },
    Function {
        name: "FLOOR",
        signature: "FLOOR(x)",
        doc: "The largest whole number that is not larger.",
        examples: &[("FLOOR(-1.5)", "-2.0")],
        form: Form::Eager(|s| whole(s, |args, _, _| rounded(&args[0], f64::floor, |d| d.floor()))),
        ..BASE
    },
    Function {
        name: "CEIL",
        aliases: &["CEILING"],
        signature: "CEIL(x)",
        doc: "The smallest whole number that is not smaller.",
        examples: &[("CEIL(1.2)", "2.0")],
        form: Form::Eager(|s| whole(s, |args, _, _| rounded(&args[0], f64::ceil, |d| d.ceil()))),
        ..BASE
    },
    Function {
        name: "ROUND",
        arity: (1, 2),
        signature: "ROUND(x [, digits])",
        doc: "The nearest number with so many digits behind the point (0; before it where negative), ties away from zero.",
        examples: &[("ROUND(2.5)", "3.0"), ("ROUND(3.14159, 2)", "3.14"), ("ROUND(1250, -2)", "1300")],
        form: Form::Eager(|s| digits(s, |args, _, ctx| to_digits(args, Rounding::Nearest, ctx))),
        ..BASE
    },
    Function {
        name: "TRUNC",
        aliases: &["TRUNCATE"],
        arity: (1, 2),
        signature: "TRUNC(x [, digits])",
        doc: "The number cut off behind so many digits.",
        examples: &[("TRUNC(-2.7)", "-2.0"), ("TRUNC(3.149, 2)", "3.14")],
        form: Form::Eager(|s| digits(s, |args, _, ctx| to_digits(args, Rounding::TowardZero, ctx))),
        ..BASE
    },
    Function {
        name: "SQRT",
        signature: "SQRT(x)",
        doc: "The square root; NULL of a negative number.",
        examples: &[("SQRT(9)", "3.0"), ("SQRT(-1)", "NULL")],
        form: Form::Eager(|s| s.float()?.gives(DataType::Float, |args, _, ctx| floats(args, ctx, |x| x[0].sqrt()))),
        ..BASE
    },
    Function {
        name: "POWER",
        aliases: &["POW"],
        arity: (2, 2),
        signature: "POWER(x, y)",
        doc: "x to the power of y.",
        examples: &[("POWER(2, 10)", "1024.0")],
        form: Form::Eager(|s| s.float()?.float()?.gives(DataType::Float, |args, _, ctx| floats(args, ctx, |x| x[0].powf(x[1])))),
        ..BASE
    },
    Function {
        name: "EXP",
        signature: "EXP(x)",
        doc: "e to the power of x.",
        examples: &[("EXP(0)", "1.0")],
        form: Form::Eager(|s| s.float()?.gives(DataType::Float, |args, _, ctx| floats(args, ctx, |x| x[0].exp()))),
        ..BASE
    },
    Function {
        name: "LN",
        signature: "LN(x)",
        doc: "The natural logarithm; NULL of zero and below.",
        examples: &[("LN(1)", "0.0"), ("LN(0)", "NULL")],
        form: Form::Eager(|s| s.float()?.gives(DataType::Float, |args, _, ctx| floats(args, ctx, |x| x[0].ln()))),
        ..BASE
    },
    Function {
        name: "LOG",
        arity: (1, 2),
        signature: "LOG(x), LOG(base, x)",
        doc: "The logarithm to base 10, or to the base that comes first.",
        examples: &[("LOG(1000)", "3.0"), ("LOG(2, 8)", "3.0")],
        form: Form::Eager(|s| s.float()?.float()?.gives(DataType::Float, |args, _, ctx| floats(args, ctx, log))),
        ..BASE
    },
];

fn abs(s: Signature<'_>) -> Result<Resolved, TypeError> {
    let s = if *s.at(0) == DataType::Duration { s.any() } else { s.number()? };
    let result = s.wanted(0);
    s.gives(result, |args, _, ctx| {
        let magnitude = match &args[0] {
            Value::Int(v) => v.checked_abs().map(Value::Int),
            Value::Duration(v) => v.0.checked_abs().map(Duration).map(Value::Duration),
            Value::Float(v) => Some(Value::Float(v.abs())),
            Value::Decimal(v) => Some(Value::Decimal(v.abs())),
            _ => None,
        };
        counted(magnitude, ctx)
    })
}

fn sign<'a>(args: &mut [Value<'a>], _: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let sign = match &args[0] {
        Value::Float(v) if v.is_nan() => None,
        number => number.compare(&Value::Int(0)).map(|order| Value::Int(order as i64)),
    };
    counted(sign, ctx)
}

/// One number, to a whole one of its kind.
fn whole(s: Signature<'_>, kernel: super::ValueKernel) -> Result<Resolved, TypeError> {
    let s = s.number()?;
    let result = match s.wanted(0) {
        DataType::Decimal { precision, scale } => DataType::Decimal { precision: (precision - scale + 1).min(28), scale: 0 },
        other => other,
    };
    s.gives(result, kernel)
}

fn rounded<'a>(value: &Value<'a>, float: fn(f64) -> f64, decimal: fn(&Decimal) -> Decimal) -> Value<'a> {
    match value {
        Value::Float(v) => Value::Float(float(*v)),
        Value::Decimal(v) => Value::Decimal(decimal(v)),
        other => other.clone(),
    }
}

#[derive(Clone, Copy)]
enum Rounding {
    Nearest,
    TowardZero,
}

fn digits(s: Signature<'_>, kernel: super::ValueKernel) -> Result<Resolved, TypeError> {
    let s = s.number()?.int()?;
    let result = s.wanted(0);
    s.gives(result, kernel)
}

fn to_digits<'a>(args: &[Value<'a>], rounding: Rounding, ctx: &EvalContext) -> Value<'a> {
    let digits = match args.get(1) {
        Some(Value::Int(digits)) => (*digits).clamp(-400, 400),
        _ => 0,
    };
    let result = match &args[0] {
        Value::Int(v) => int_to_digits(*v, digits, rounding).map(Value::Int),
        Value::Float(v) => Some(Value::Float(float_to_digits(*v, digits, rounding))),
        Value::Decimal(v) => decimal_to_digits(*v, digits, rounding).map(Value::Decimal),
        _ => None,
    };
    counted(result, ctx)
}

fn int_to_digits(value: i64, digits: i64, rounding: Rounding) -> Option<i64> {
    if digits >= 0 {
        return Some(value);
    }
    if digits < -19 {
        return Some(0);
    }
    let unit = 10i128.pow(u32::try_from(-digits).expect("at most nineteen"));
    let value = i128::from(value);
    let half = match rounding {
        Rounding::Nearest => unit / 2 * value.signum(),
        Rounding::TowardZero => 0,
    };
    i64::try_from((value + half) / unit * unit).ok()
}

fn float_to_digits(value: f64, digits: i64, rounding: Rounding) -> f64 {
    let round = |x: f64| match rounding {
        Rounding::Nearest => x.round(),
        Rounding::TowardZero => x.trunc(),
    };
    // From 2^52 on a float has no digits behind the point, and more than 300 digits leave a float as it is.
    if digits == 0 || !value.is_finite() {
        return round(value);
    }
    let Ok(power) = i32::try_from(digits) else { return value };
    let unit = 10f64.powi(power.abs());
    let result = if power > 0 { round(value * unit) / unit } else { round(value / unit) * unit };
    match (result.is_finite(), power > 0) {
        (true, _) => result,
        (false, true) => value,
        (false, false) => 0.0,
    }
}

fn decimal_to_digits(value: Decimal, digits: i64, rounding: Rounding) -> Option<Decimal> {
    let strategy = match rounding {
        Rounding::Nearest => RoundingStrategy::MidpointAwayFromZero,
        Rounding::TowardZero => RoundingStrategy::ToZero,
    };
    if digits >= 0 {
        return Some(value.round_dp_with_strategy(u32::try_from(digits).ok()?.min(28), strategy));
    }
    if digits < -28 {
        return Some(Decimal::ZERO);
    }
    let unit = Decimal::try_from_i128_with_scale(10i128.pow(u32::try_from(-digits).ok()?), 0).ok()?;
    value.checked_div(unit)?.round_dp_with_strategy(0, strategy).checked_mul(unit)
}

fn log(x: &[f64]) -> f64 {
    match x {
        [base, x] if *base == 2.0 => x.log2(),
        [base, x] if *base == 10.0 => x.log10(),
        [base, x] => x.ln() / base.ln(),
        _ => x[0].log10(),
    }
}

/// A function of floats; NULL and counted where finite numbers give no finite result.
fn floats<'a>(args: &[Value<'a>], ctx: &EvalContext, f: impl Fn(&[f64]) -> f64) -> Value<'a> {
    let mut numbers = [0.0; 4];
    for (number, arg) in numbers.iter_mut().zip(args) {
        let Value::Float(v) = arg else { return Value::Null };
        *number = *v;
    }
    let numbers = &numbers[..args.len()];
    let result = f(numbers);
    let sound = result.is_finite() || numbers.iter().any(|x| !x.is_finite());
    counted(sound.then_some(Value::Float(result)), ctx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::functions::test::{call, failed};

    #[test]
    fn rounding() {
        let float = Value::Float;
        let dec = |t: &str| Value::Decimal(t.parse().unwrap());
        assert_eq!(call("ROUND", &[float(2.5)]), float(3.0));
        assert_eq!(call("ROUND", &[float(-2.5)]), float(-3.0));
        assert_eq!(call("ROUND", &[float(123.456), Value::Int(2)]), float(123.46));
        assert_eq!(call("ROUND", &[float(1250.0), Value::Int(-2)]), float(1300.0));
        assert_eq!(call("ROUND", &[float(1e300), Value::Int(300)]), float(1e300));
        assert_eq!(call("ROUND", &[float(1.5), Value::Int(-400)]), float(0.0));
        assert_eq!(call("ROUND", &[Value::Int(-1250), Value::Int(-2)]), Value::Int(-1300));
        assert_eq!(call("TRUNC", &[Value::Int(1299), Value::Int(-2)]), Value::Int(1200));
        assert_eq!(call("TRUNC", &[float(-2.7)]), float(-2.0));
        assert_eq!(call("FLOOR", &[float(-1.5)]), float(-2.0));
        assert_eq!(call("CEIL", &[dec("1.20")]), dec("2"));
        assert_eq!(call("ROUND", &[dec("2.345"), Value::Int(2)]), dec("2.350"));
        assert!(failed("ROUND", &[Value::Int(i64::MAX), Value::Int(-19)]), "it does not fit");
    }

    #[test]
    fn floats_and_domains() {
        assert_eq!(call("SQRT", &[Value::Int(9)]), Value::Float(3.0));
        assert_eq!(call("LOG", &[Value::Int(1000)]), Value::Float(3.0));
        assert_eq!(call("LOG", &[Value::Int(2), Value::Int(8)]), Value::Float(3.0));
        assert_eq!(call("POWER", &[Value::Int(2), Value::Int(10)]), Value::Float(1024.0));
        assert_eq!(call("EXP", &[Value::Int(0)]), Value::Float(1.0));
        assert!(failed("SQRT", &[Value::Int(-1)]) && failed("LN", &[Value::Int(0)]) && failed("POWER", &[Value::Int(0), Value::Int(-1)]));
        assert_eq!(call("SIGN", &[Value::Float(-0.5)]), Value::Int(-1));
        assert_eq!(call("ABS", &[Value::Duration(Duration(-5))]), Value::Duration(Duration(5)));
        assert!(failed("ABS", &[Value::Int(i64::MIN)]));
    }
}
