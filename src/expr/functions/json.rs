//! JSON_VALUE: one value out of JSON text, found without building the rest. Objects and arrays are passed over as raw text until the path leads
//! into them; nesting is bounded by the parser.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::arithmetic::counted;
use super::{Category, Form, Function, Prepared};
use crate::data::{DataType, Value};
use crate::expr::{EvalContext, TypeError};

/// A step into JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStep {
    /// To the value of a key.
    Key(String),
    /// To an item, from 0.
    Item(usize),
}

pub(super) const FUNCTIONS: &[Function] = &[Function {
    name: "JSON_VALUE",
    arity: (2, 2),
    signature: "JSON_VALUE(json, path)",
    doc: "The text of the string, number or boolean at a path ('$.a.b[0]' or 'a.b'). NULL where there is nothing, null, an object or an array.",
    examples: &[("JSON_VALUE('{\"a\":{\"b\":[1,2]}}', '$.a.b[1]')", "2")],
    form: Form::Eager(|s| {
        let s = if *s.at(0) == DataType::Json { s.any() } else { s.want(&DataType::String, "JSON or a STRING")? };
        s.text()?.gives(DataType::String, json_value)
    }),
    prepare: Some(|args| {
        let Some(Value::String(path)) = args[1] else { return Ok(Prepared::None) };
        match parse_path(path) {
            Some(steps) => Ok(Prepared::Path(steps.into())),
            None => Err(TypeError::new("JSON_VALUE", vec![DataType::String], "a path such as '$.a.b[0]'").at(1)),
        }
    }),
    ..Function::of(Category::Json)
}];

/// `$.a.b[0]`, `a.b`, `$['a key'].b`; `$` alone is the value itself.
fn parse_path(path: &str) -> Option<Vec<PathStep>> {
    let path = path.trim();
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    let mut steps = Vec::new();
    let mut needs_dot = path.starts_with('$');
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (step, behind) = parse_bracket(inside)?;
            steps.push(step);
            rest = behind;
        } else {
            let name = if needs_dot { rest.strip_prefix('.')? } else { rest };
            let end = name.find(['.', '[']).unwrap_or(name.len());
            if end == 0 {
                return None;
            }
            steps.push(PathStep::Key(name[..end].to_owned()));
            rest = &name[end..];
        }
        needs_dot = true;
    }
    (path.starts_with('$') || !steps.is_empty()).then_some(steps)
}

fn parse_bracket(inside: &str) -> Option<(PathStep, &str)> {
    for quote in ['\'', '"'] {
        if let Some(name) = inside.strip_prefix(quote) {
            let (name, behind) = name.split_once(quote)?;
            return Some((PathStep::Key(name.to_owned()), behind.strip_prefix(']')?));
        }
    }
    let (index, behind) = inside.split_once(']')?;
    Some((PathStep::Item(index.trim().parse().ok()?), behind))
}

fn json_value<'a>(args: &mut [Value<'a>], prepared: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let (Value::String(json) | Value::Json(json), Value::String(path)) = (&args[0], &args[1]) else { return Value::Null };
    let steps: Cow<'_, [PathStep]> = match prepared {
        Prepared::Path(steps) => Cow::Borrowed(steps),
        _ => match parse_path(path) {
            Some(steps) => Cow::Owned(steps),
            None => return counted(None, ctx),
        },
    };
    match find(json, &steps) {
        Ok(found) => found.map_or(Value::Null, Value::string),
        Err(_) => counted(None, ctx),
    }
}

/// The text at the path; an error where the text is no JSON.
fn find(json: &str, steps: &[PathStep]) -> Result<Option<String>, serde_json::Error> {
    let mut here: &RawValue = serde_json::from_str(json)?;
    for step in steps {
        let next = match (step, here.get().as_bytes().first()) {
            (PathStep::Key(key), Some(b'{')) => {
                serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(here.get())?.get(key.as_str()).copied()
            }
            (PathStep::Item(index), Some(b'[')) => serde_json::from_str::<Vec<&RawValue>>(here.get())?.get(*index).copied(),
            _ => None,
        };
        match next {
            Some(next) => here = next,
            None => return Ok(None),
        }
    }
    match here.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(here.get()).map(Some),
        Some(b'{' | b'[' | b'n') | None => Ok(None),
        Some(_) => Ok(Some(here.get().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::functions::test::{call, failed, refused};

    const EVENT: &str = r#" {"a":{"b":[1,{"c d":"x\"y"}],"n":null},"t":true,"big":12345678901234567890.10} "#;

    fn at(path: &'static str) -> Value<'static> {
        assert_eq!(
            call("JSON_VALUE", &[Value::string(EVENT), Value::string(path)]),
            call("JSON_VALUE", &[Value::Json(EVENT.into()), Value::string(path)])
        );
        call("JSON_VALUE", &[Value::string(EVENT), Value::string(path)])
    }

    #[test]
    fn values_at_paths() {
        assert_eq!(at("$.a.b[0]"), Value::string("1"));
        assert_eq!(at("a.b[1]['c d']"), Value::string("x\"y"));
        assert_eq!(at("t"), Value::string("true"));
        assert_eq!(at("big"), Value::string("12345678901234567890.10"));
        for nothing in ["$", "$.a", "a.b", "a.n", "a.b[7]", "a.b.c", "t.x", "zzz"] {
            assert_eq!(at(nothing), Value::Null, "{nothing}");
        }
        assert!(failed("JSON_VALUE", &[Value::string("{"), Value::string("a")]));
        for wrong in ["", "$a", "a..b", "a[", "a[x]", "$."] {
            let refused = refused("JSON_VALUE", &[Value::string("{}"), Value::string(wrong)]).argument == Some(1);
            assert!(refused, "{wrong}");
        }
    }
}
