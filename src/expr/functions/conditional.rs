//! Choices: COALESCE and IF evaluate only what they need; NULLIF, GREATEST and LEAST compare.

use super::signature::Signature;
use super::{Category, Form, Function, MANY, Resolved};
use crate::data::{DataType, Value};
use crate::expr::cast::to_float;
use crate::expr::{Expr, TypeError};

const BASE: Function = Function::of(Category::Conditional);

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "COALESCE",
        aliases: &["IFNULL", "NVL"],
        arity: (1, MANY),
        signature: "COALESCE(a, b, …)",
        doc: "The first that is not NULL.",
        examples: &[("COALESCE(NULL, 2)", "2")],
        strict: false,
        form: Form::Lazy(Expr::coalesce),
        ..BASE
    },
    Function {
        name: "IF",
        aliases: &["IIF"],
        arity: (2, 3),
        signature: "IF(condition, a [, b])",
        doc: "a where the condition is true, else b (NULL where there is none).",
        examples: &[("IF(1 < 2, 'yes', 'no')", "yes")],
        strict: false,
        form: Form::Lazy(|args| {
            let mut args = args.into_iter();
            let branch = args.next().zip(args.next());
            Expr::case(None, branch.into_iter().collect(), args.next())
        }),
        ..BASE
    },
    Function {
        name: "NULLIF",
        arity: (2, 2),
        signature: "NULLIF(a, b)",
        doc: "NULL where a = b, else a.",
        examples: &[("NULLIF(1, 1)", "NULL"), ("NULLIF(1, 2)", "1")],
        strict: false,
        form: Form::Eager(nullif),
        second_as: Some(DataType::clone),
        ..BASE
    },
    Function {
        name: "GREATEST",
        arity: (1, MANY),
        signature: "GREATEST(a, b, …)",
        doc: "The largest; NULL if one is NULL.",
        examples: &[("GREATEST(1, 3, 2)", "3")],
        form: Form::Eager(|s| extreme(s, |args, _, _| pick(args, std::cmp::Ordering::Greater))),
        ..BASE
    },
    Function {
        name: "LEAST",
        arity: (1, MANY),
        signature: "LEAST(a, b, …)",
        doc: "The smallest; NULL if one is NULL.",
        examples: &[("LEAST(1, 3, 2)", "1")],
        form: Form::Eager(|s| extreme(s, |args, _, _| pick(args, std::cmp::Ordering::Less))),
        ..BASE
    },
];

fn nullif(s: Signature<'_>) -> Result<Resolved, TypeError> {
    let s = s.any();
    if s.at(0).common(s.at(1)).is_none() {
        return Err(s.wrong(&format!("a value like the first, {}", s.at(0))));
    }
    let result = s.at(0).clone();
    s.any().gives(result, |args, _, _| if equals(&args[0], &args[1]) { Value::Null } else { std::mem::take(&mut args[0]) })
}

/// Whether the values are equal as `=` has it, which compares a DECIMAL with a FLOAT as FLOATs.
pub(super) fn equals(a: &Value<'_>, b: &Value<'_>) -> bool {
    let order = match (a, b) {
        (Value::Decimal(_), Value::Float(_)) => to_float(a).and_then(|a| Value::Float(a).compare(b)),
        (Value::Float(_), Value::Decimal(_)) => to_float(b).and_then(|b| a.compare(&Value::Float(b))),
        _ => a.compare(b),
    };
    order.is_some_and(|order| order.is_eq())
}

fn extreme(s: Signature<'_>, kernel: super::ValueKernel) -> Result<Resolved, TypeError> {
    let (s, common) = s.alike()?;
    if matches!(common, DataType::List(_) | DataType::Struct(_) | DataType::Json) {
        return Err(TypeError::new(s.name, s.found.to_vec(), "values that have an order"));
    }
    s.gives(common, kernel)
}

/// The first of those that no other beats.
fn pick<'a>(args: &mut [Value<'a>], wins: std::cmp::Ordering) -> Value<'a> {
    let mut best = 0;
    for i in 1..args.len() {
        if args[i].compare(&args[best]) == Some(wins) {
            best = i;
        }
    }
    std::mem::take(&mut args[best])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::functions::test::{call, refused};

    #[test]
    fn choices() {
        let (null, int) = (Value::Null, Value::Int);
        assert_eq!(call("COALESCE", &[null.clone(), int(2), int(3)]), int(2));
        assert_eq!(call("COALESCE", &[null.clone(), int(2), Value::Float(0.5)]), Value::Float(2.0), "of one type");
        assert_eq!(call("IF", &[null.clone(), int(1), int(2)]), int(2));
        assert_eq!(call("IF", &[Value::Bool(false), int(1)]), null);
        assert_eq!(call("NULLIF", &[int(1), Value::Float(1.0)]), null);
        assert_eq!(call("NULLIF", &[int(1), null.clone()]), int(1));
        assert_eq!(call("GREATEST", &[int(1), int(3), int(2)]), int(3));
        assert_eq!(call("LEAST", &[Value::string("b"), Value::string("a")]), Value::string("a"));
        assert_eq!(call("LEAST", &[int(1), null]), Value::Null);
        assert_eq!(refused("COALESCE", &[int(1), Value::string("a")]).argument, Some(1));
        assert!(refused("IF", &[int(1), int(1)]).expected.contains("BOOL"));
    }
}
