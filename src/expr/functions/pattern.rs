//! Regular expressions (of the `regex` crate: linear time, no look-around). A constant pattern is compiled with the program, and a wrong one
//! refused there; a wrong one from data gives NULL, counted.

use std::borrow::Cow;
use std::sync::Arc;

use regex::Regex;

use super::arithmetic::counted;
use super::{Category, Form, Function, Prepared};
use crate::data::{DataType, Value};
use crate::expr::{EvalContext, TypeError};

const BASE: Function = Function { prepare: Some(prepare), ..Function::of(Category::Pattern) };

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "REGEXP_LIKE",
        aliases: &["REGEXP_MATCHES"],
        arity: (2, 2),
        signature: "REGEXP_LIKE(text, pattern)",
        doc: "Whether the pattern is found somewhere in the text.",
        examples: &[("REGEXP_LIKE('abc123', '[0-9]+$')", "true")],
        form: Form::Eager(|s| s.text()?.text()?.gives(DataType::Bool, like)),
        ..BASE
    },
    Function {
        name: "REGEXP_EXTRACT",
        aliases: &["REGEXP_SUBSTR"],
        arity: (2, 3),
        signature: "REGEXP_EXTRACT(text, pattern [, group])",
        doc: "What the pattern, or its group of this number, first matches; NULL where it does not. A constant group has to be one of a constant pattern.",
        examples: &[("REGEXP_EXTRACT('id=42;', 'id=([0-9]+)', 1)", "42")],
        form: Form::Eager(|s| s.text()?.text()?.int()?.gives(DataType::String, extract)),
        prepare: Some(prepare_groups),
        ..BASE
    },
    Function {
        name: "REGEXP_REPLACE",
        arity: (3, 3),
        signature: "REGEXP_REPLACE(text, pattern, with)",
        doc: "The text with every match replaced; \\1 or $1 in the replacement is the first group.",
        examples: &[("REGEXP_REPLACE('a1b2', '[0-9]', '')", "ab"), ("REGEXP_REPLACE('ab', '(a)(b)', '\\2\\1')", "ba")],
        form: Form::Eager(|s| s.text()?.text()?.text()?.gives(DataType::String, replace)),
        ..BASE
    },
];

fn prepare(args: &[Option<&Value<'static>>]) -> Result<Prepared, TypeError> {
    let Some(Value::String(pattern)) = args[1] else { return Ok(Prepared::None) };
    match Regex::new(pattern) {
        Ok(regex) => Ok(Prepared::Regex(Arc::new(regex))),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            Err(TypeError::new("the pattern", vec![DataType::String], format!("a regular expression ({reason})")).at(1))
        }
    }
}

fn prepare_groups(args: &[Option<&Value<'static>>]) -> Result<Prepared, TypeError> {
    let prepared = prepare(args)?;
    if let (Prepared::Regex(regex), Some(Some(Value::Int(group)))) = (&prepared, args.get(2)) {
        let groups = regex.captures_len() - 1;
        if usize::try_from(*group).map_or(true, |group| group > groups) {
            let there = match groups {
                0 => "no group but 0, which is all that the pattern matches".to_owned(),
                _ => format!("a group of the pattern, from 0 to {groups}"),
            };
            return Err(TypeError::new("REGEXP_EXTRACT", vec![DataType::Int], there).at(2));
        }
    }
    Ok(prepared)
}

/// The pattern of this call, with the text that it is for.
fn with_regex<'a>(args: &[Value<'a>], prepared: &Prepared, ctx: &EvalContext, f: impl FnOnce(&Regex) -> Value<'a>) -> Value<'a> {
    if let Prepared::Regex(regex) = prepared {
        return f(regex);
    }
    let Value::String(pattern) = &args[1] else { return Value::Null };
    counted(ctx.regex(pattern).map(|regex| f(&regex)), ctx)
}

fn like<'a>(args: &mut [Value<'a>], prepared: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let Value::String(text) = &args[0] else { return Value::Null };
    with_regex(args, prepared, ctx, |regex| Value::Bool(regex.is_match(text)))
}

fn extract<'a>(args: &mut [Value<'a>], prepared: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let group = match args.get(2) {
        Some(Value::Int(group)) => usize::try_from(*group).unwrap_or(usize::MAX),
        _ => 0,
    };
    let Value::String(text) = &args[0] else { return Value::Null };
    with_regex(args, prepared, ctx, |regex| {
        let range =
            if group == 0 { regex.find(text).map(|m| m.range()) } else { regex.captures(text).and_then(|c| Some(c.get(group)?.range())) };
        match (range, text) {
            (None, _) => Value::Null,
            (Some(range), Cow::Borrowed(text)) => Value::String(Cow::Borrowed(&text[range])),
            (Some(range), Cow::Owned(text)) => Value::string(text[range].to_owned()),
        }
    })
}

fn replace<'a>(args: &mut [Value<'a>], prepared: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let (Value::String(text), Value::String(with)) = (&args[0], &args[2]) else { return Value::Null };
    let with = replacement(with);
    with_regex(args, prepared, ctx, |regex| match regex.replace_all(text, with.as_str()) {
        Cow::Borrowed(_) => Value::String(text.clone()),
        Cow::Owned(replaced) => Value::string(replaced),
    })
}

/// `\1` and `$1` as the library writes groups: `${1}`, so that a letter behind is none of the name. A backslash before anything else is dropped.
fn replacement(with: &str) -> String {
    let mut out = String::with_capacity(with.len());
    let mut characters = with.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, characters.peek()) {
            ('\\' | '$', Some(digit)) if digit.is_ascii_digit() => {
                out.push_str("${");
                out.push(*digit);
                out.push('}');
                characters.next();
            }
            ('\\', Some(escaped)) => {
                out.push_str(if *escaped == '$' { "$$" } else { "" });
                if *escaped != '$' {
                    out.push(*escaped);
                }
                characters.next();
            }
            ('$', Some('{')) => out.push('$'),
            ('$', _) => out.push_str("$$"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::functions::test::{call, refused};

    fn texts(name: &str, args: &[&'static str]) -> Value<'static> {
        call(name, &args.iter().map(|t| Value::string(*t)).collect::<Vec<_>>())
    }

    #[test]
    fn regular_expressions() {
        assert_eq!(texts("REGEXP_LIKE", &["abc123", "[0-9]+$"]), Value::Bool(true));
        assert_eq!(texts("REGEXP_LIKE", &["abc", "^b"]), Value::Bool(false));
        assert_eq!(texts("REGEXP_EXTRACT", &["id=42;", "[0-9]+"]), Value::string("42"));
        assert_eq!(texts("REGEXP_EXTRACT", &["none", "[0-9]+"]), Value::Null);
        let group = |n| call("REGEXP_EXTRACT", &[Value::string("k=v"), Value::string("(k)=(v)"), Value::Int(n)]);
        assert_eq!(group(2), Value::string("v"));
        let beyond = |n| refused("REGEXP_EXTRACT", &[Value::string("k=v"), Value::string("(k)=(v)"), Value::Int(n)]);
        assert!(beyond(3).argument == Some(2) && beyond(-1).expected.contains("from 0 to 2"));
        assert_eq!(texts("REGEXP_REPLACE", &["ab", "(a)(b)", "\\2x$1"]), Value::string("bxa"));
        assert_eq!(texts("REGEXP_REPLACE", &["a1b2", "[0-9]", "$"]), Value::string("a$b$"));
        assert_eq!(texts("REGEXP_REPLACE", &["ab", "(?P<n>a)", "${n}${n}"]), Value::string("aab"));
        assert!(refused("REGEXP_LIKE", &[Value::string("a"), Value::string("(")]).expected.contains("unclosed group"));
    }
}
