//! Lists: items by position (from 1), how many, whether one is in, joined as text.

use super::conditional::equals;
use super::signature::Signature;
use super::{Category, Form, Function, Prepared, Resolved};
use crate::data::{DataType, Value};
use crate::expr::text::text_of;
use crate::expr::{EvalContext, TypeError};

const BASE: Function = Function::of(Category::List);

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "[]",
        arity: (2, 2),
        signature: "list[i]",
        doc: "The item at a position, from 1. Where there is none it is NULL.",
        examples: &[("list[1]", "7"), ("list[4]", "NULL"), ("list[0]", "NULL")],
        form: Form::Eager(element_at),
        ..BASE
    },
    Function {
        name: "CARDINALITY",
        aliases: &["ARRAY_LENGTH"],
        signature: "CARDINALITY(list)",
        doc: "How many items the list has, NULLs among them.",
        examples: &[("CARDINALITY(list)", "3")],
        form: Form::Eager(|s| list(&s).and_then(|_| s.any().gives(DataType::Int, cardinality))),
        ..BASE
    },
    Function {
        name: "ARRAY_CONTAINS",
        arity: (2, 2),
        signature: "ARRAY_CONTAINS(list, x)",
        doc: "Whether an item of the list equals x.",
        examples: &[("ARRAY_CONTAINS(tags, 'red')", "true")],
        form: Form::Eager(contains),
        second_as: Some(item_of),
        ..BASE
    },
    Function {
        name: "ARRAY_JOIN",
        arity: (2, 3),
        signature: "ARRAY_JOIN(list, separator [, null_text])",
        doc: "The items as text with the separator between them. NULL items are left out, or written as the third argument.",
        examples: &[("ARRAY_JOIN(tags, ', ')", "red, blue")],
        form: Form::Eager(join),
        ..BASE
    },
];

/// The type of the items of the first argument.
fn list(s: &Signature<'_>) -> Result<DataType, TypeError> {
    match s.at(0) {
        DataType::List(item) => Ok((**item).clone()),
        DataType::Null => Ok(DataType::Null),
        _ => Err(s.wrong("a LIST")),
    }
}

fn item_of(list: &DataType) -> DataType {
    if let DataType::List(item) = list { (**item).clone() } else { DataType::Null }
}

fn element_at(s: Signature<'_>) -> Result<Resolved, TypeError> {
    let item = list(&s)?;
    s.any().int()?.gives(item, |args, _, _| {
        let (Value::List(items), Value::Int(at)) = (&args[0], &args[1]) else { return Value::Null };
        at.checked_sub(1).and_then(|at| items.get(usize::try_from(at).ok()?)).cloned().unwrap_or_default()
    })
}

fn cardinality<'a>(args: &mut [Value<'a>], _: &Prepared, _: &EvalContext) -> Value<'a> {
    match &args[0] {
        Value::List(items) => Value::Int(i64::try_from(items.len()).expect("a list fits memory")),
        _ => Value::Null,
    }
}

fn contains(s: Signature<'_>) -> Result<Resolved, TypeError> {
    let item = list(&s)?;
    let s = s.any();
    if item.common(s.at(1)).is_none() {
        return Err(s.wrong(&format!("a value like the items, {item}")));
    }
    s.any().gives(DataType::Bool, |args, _, _| match &args[0] {
        Value::List(items) => Value::Bool(items.iter().any(|item| equals(item, &args[1]))),
        _ => Value::Null,
    })
}

fn join(s: Signature<'_>) -> Result<Resolved, TypeError> {
    match list(&s)? {
        DataType::List(_) | DataType::Struct(_) => return Err(s.wrong("a LIST of plain values")),
        _ => {}
    }
    s.any().text()?.text()?.gives(DataType::String, |args, _, _| {
        let (Value::List(items), Value::String(separator)) = (&args[0], &args[1]) else { return Value::Null };
        let null_text = args.get(2).and_then(|v| if let Value::String(text) = v { Some(text.as_ref()) } else { None });
        let texts = items.iter().filter_map(|item| {
            let text = text_of(item.borrowed(), &DataType::Null);
            text.or_else(|| null_text.map(Into::into))
        });
        Value::String(texts.collect::<Vec<_>>().join(separator).into())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::expr::functions::lookup;
    use crate::expr::{Expr, SlotId};

    fn tags() -> Expr {
        let tags = vec![Value::string("red"), Value::Null, Value::string("blue")];
        Expr::typed_literal(Value::List(tags.into()), DataType::List(Arc::new(DataType::String)))
    }

    fn call(name: &str, args: Vec<Expr>) -> Value<'static> {
        let expr = Expr::call(lookup(name).unwrap(), args).unwrap();
        expr.constant_value(&EvalContext::new()).unwrap()
    }

    #[test]
    fn items_of_lists() {
        let int = |v| Expr::literal(Value::Int(v));
        let text = |v: &'static str| Expr::literal(Value::string(v));
        assert_eq!(call("[]", vec![tags(), int(1)]), Value::string("red"));
        for nowhere in [0, 2, 4, -1, i64::MIN] {
            assert_eq!(call("[]", vec![tags(), int(nowhere)]), Value::Null);
        }
        assert_eq!(call("CARDINALITY", vec![tags()]), Value::Int(3));
        assert_eq!(call("ARRAY_CONTAINS", vec![tags(), text("blue")]), Value::Bool(true));
        assert_eq!(call("ARRAY_CONTAINS", vec![tags(), text("green")]), Value::Bool(false));
        assert_eq!(call("ARRAY_JOIN", vec![tags(), text(", ")]), Value::string("red, blue"));
        assert_eq!(call("ARRAY_JOIN", vec![tags(), text(","), text("-")]), Value::string("red,-,blue"));
        assert!(Expr::call(lookup("ARRAY_CONTAINS").unwrap(), vec![tags(), int(1)]).is_err());
        assert!(Expr::index(Expr::slot(SlotId(0), DataType::Int), int(1)).is_err());
    }
}
