//! Functions of text. Positions and lengths are in characters, from 1. Parts of a text share its memory where they can.

use std::borrow::Cow;
use std::ops::Range;

use super::arithmetic::counted;
use super::{Category, Form, Function, MANY, Prepared, Resolved};
use crate::data::{DataType, Value};
use crate::expr::{EvalContext, TypeError};

const BASE: Function = Function::of(Category::Text);

/// LIMIT: a text made by LPAD, RPAD or REPLACE has at most so many bytes; a longer one is NULL and counted.
const LONGEST: usize = 16 << 20;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "LOWER",
        signature: "LOWER(text)",
        doc: "The text in small letters.",
        examples: &[("LOWER('ABC')", "abc")],
        form: Form::Eager(|s| s.text()?.gives(DataType::String, |args, _, _| of_text(args, |t| Value::string(t.to_lowercase())))),
        ..BASE
    },
    Function {
        name: "UPPER",
        signature: "UPPER(text)",
        doc: "The text in capital letters.",
        examples: &[("UPPER('abc')", "ABC")],
        form: Form::Eager(|s| s.text()?.gives(DataType::String, |args, _, _| of_text(args, |t| Value::string(t.to_uppercase())))),
        ..BASE
    },
    Function {
        name: "LENGTH",
        aliases: &["CHAR_LENGTH", "CHARACTER_LENGTH"],
        signature: "LENGTH(text)",
        doc: "How many characters the text has.",
        examples: &[("LENGTH('héé')", "3")],
        form: Form::Eager(|s| s.text()?.gives(DataType::Int, |args, _, _| of_text(args, |t| Value::Int(characters(&t))))),
        ..BASE
    },
    Function {
        name: "SUBSTRING",
        aliases: &["SUBSTR"],
        arity: (2, 3),
        signature: "SUBSTRING(text, from [, length]), SUBSTRING(text FROM from [FOR length])",
        doc: "The characters from a position on, at most so many. A negative length gives NULL.",
        examples: &[("SUBSTRING('abcdef', 2, 3)", "bcd"), ("SUBSTRING('abc', 2)", "bc"), ("SUBSTRING('abcdef' FROM 2 FOR 3)", "bcd")],
        form: Form::Eager(|s| s.text()?.int()?.int()?.gives(DataType::String, substring)),
        ..BASE
    },
    Function {
        name: "LEFT",
        arity: (2, 2),
        signature: "LEFT(text, n)",
        doc: "The first n characters; with a negative n all but the last -n.",
        examples: &[("LEFT('abc', 2)", "ab")],
        form: Form::Eager(|s| s.text()?.int()?.gives(DataType::String, left)),
        ..BASE
    },
    Function {
        name: "RIGHT",
        arity: (2, 2),
        signature: "RIGHT(text, n)",
        doc: "The last n characters; with a negative n all but the first -n.",
        examples: &[("RIGHT('abc', 2)", "bc")],
        form: Form::Eager(|s| s.text()?.int()?.gives(DataType::String, right)),
        ..BASE
    },
    Function {
        name: "TRIM",
        aliases: &["BTRIM"],
        arity: (1, 2),
        signature: "TRIM(text [, characters]), TRIM([LEADING | TRAILING | BOTH] [characters] FROM text)",
        doc: "The text without white space, or without any of the characters, at both ends.",
        examples: &[
            ("TRIM('  a ')", "a"),
            ("TRIM('xxaxx', 'x')", "a"),
            ("TRIM(LEADING '0' FROM '0070')", "70"),
            ("TRIM(BOTH FROM ' a ')", "a"),
        ],
        form: Form::Eager(|s| s.text()?.text()?.gives(DataType::String, |args, _, _| trim(args, true, true))),
        ..BASE
    },
    Function {
        name: "LTRIM",
        arity: (1, 2),
        signature: "LTRIM(text [, characters])",
        doc: "As TRIM, at the begin only.",
        examples: &[("LTRIM('  a')", "a")],
        form: Form::Eager(|s| s.text()?.text()?.gives(DataType::String, |args, _, _| trim(args, true, false))),
        ..BASE
    },
    Function {
        name: "RTRIM",
        arity: (1, 2),
        signature: "RTRIM(text [, characters])",
        doc: "As TRIM, at the end only.",
        examples: &[("RTRIM('a  ')", "a")],
        form: Form::Eager(|s| s.text()?.text()?.gives(DataType::String, |args, _, _| trim(args, false, true))),
        ..BASE
    },
    Function {
        name: "REPLACE",
        arity: (3, 3),
        signature: "REPLACE(text, what, with)",
        doc: "The text with every occurrence replaced. Where nothing is looked for, nothing is replaced.",
        examples: &[("REPLACE('banana', 'an', 'o')", "booa")],
        form: Form::Eager(|s| s.text()?.text()?.text()?.gives(DataType::String, replace)),
        ..BASE
    },
    Function {
        name: "SPLIT_PART",
        arity: (3, 3),
        signature: "SPLIT_PART(text, separator, n)",
        doc: "The n-th part between separators, from 1; from the end where n is negative. Where there is none it is the empty text.",
        examples: &[("SPLIT_PART('a,b,c', ',', 2)", "b"), ("SPLIT_PART('a,b,c', ',', -1)", "c")],
        form: Form::Eager(|s| s.text()?.text()?.int()?.gives(DataType::String, split_part)),
        ..BASE
    },
    Function {
        name: "POSITION",
        arity: (2, 2),
        signature: "POSITION(what, text), POSITION(what IN text)",
        doc: "Where it first stands in the text, from 1; 0 where it does not.",
        examples: &[("POSITION('na', 'banana')", "3"), ("POSITION('n' IN 'banana')", "3")],
        form: Form::Eager(|s| s.text()?.text()?.gives(DataType::Int, position)),
        ..BASE
    },
    Function {
        name: "CONTAINS",
        arity: (2, 2),
        signature: "CONTAINS(text, what)",
        doc: "Whether it stands somewhere in the text.",
        examples: &[("CONTAINS('banana', 'nan')", "true")],
        form: Form::Eager(|s| s.text()?.text()?.gives(DataType::Bool, |args, _, _| of_two(args, |t, w| Value::Bool(t.contains(w))))),
        ..BASE
    },
    Function {
        name: "STARTS_WITH",
        arity: (2, 2),
        signature: "STARTS_WITH(text, what)",
        doc: "Whether the text begins with it.",
        examples: &[("STARTS_WITH('banana', 'ba')", "true")],
        form: Form::Eager(|s| s.text()?.text()?.gives(DataType::Bool, |args, _, _| of_two(args, |t, w| Value::Bool(t.starts_with(w))))),
        ..BASE
    },
    Function {
        name: "ENDS_WITH",
        arity: (2, 2),
        signature: "ENDS_WITH(text, what)",
        doc: "Whether the text ends with it.",
        examples: &[("ENDS_WITH('banana', 'na')", "true")],
        form: Form::Eager(|s| s.text()?.text()?.gives(DataType::Bool, |args, _, _| of_two(args, |t, w| Value::Bool(t.ends_with(w))))),
        ..BASE
    },
    Function {
        name: "CONCAT",
        arity: (1, MANY),
        signature: "CONCAT(a, b, …)",
        doc: "All as text, one after the other; NULLs are left out.",
        examples: &[("CONCAT('a', NULL, 1)", "a1")],
        strict: false,
        form: Form::Eager(concat),
        ..BASE
    },
    Function {
        name: "LPAD",
        arity: (2, 3),
        signature: "LPAD(text, length [, fill])",
        doc: "The text at exactly this length: filled up at the begin with blanks or the given text, or cut off at the end.",
        examples: &[("LPAD('7', 3, '0')", "007")],
        form: Form::Eager(|s| s.text()?.int()?.text()?.gives(DataType::String, |args, _, ctx| pad(args, true, ctx))),
        ..BASE
    },
    Function {
        name: "RPAD",
        arity: (2, 3),
        signature: "RPAD(text, length [, fill])",
        doc: "As LPAD, filled up at the end.",
        examples: &[("RPAD('a', 3, '-')", "a--")],
        form: Form::Eager(|s| s.text()?.int()?.text()?.gives(DataType::String, |args, _, ctx| pad(args, false, ctx))),
        ..BASE
    },
    Function {
        name: "REVERSE",
        signature: "REVERSE(text)",
        doc: "The characters from the last to the first.",
        examples: &[("REVERSE('abc')", "cba")],
        form: Form::Eager(|s| {
            s.text()?.gives(DataType::String, |args, _, _| of_text(args, |t| Value::string(t.chars().rev().collect::<String>())))
        }),
        ..BASE
    },
];

fn of_text<'a>(args: &mut [Value<'a>], f: impl Fn(Cow<'a, str>) -> Value<'a>) -> Value<'a> {
    match std::mem::take(&mut args[0]) {
        Value::String(text) => f(text),
        _ => Value::Null,
    }
}

fn of_two<'a>(args: &[Value<'a>], f: impl Fn(&str, &str) -> Value<'a>) -> Value<'a> {
    match (&args[0], &args[1]) {
        (Value::String(a), Value::String(b)) => f(a, b),
        _ => Value::Null,
    }
}

fn characters(text: &str) -> i64 {
    i64::try_from(text.chars().count()).expect("a text fits memory")
}

/// Part of a text by bytes, sharing its memory if it is not its own.
fn part<'a>(text: Cow<'a, str>, range: Range<usize>) -> Value<'a> {
    Value::String(match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[range]),
        Cow::Owned(text) => Cow::Owned(text[range].to_owned()),
    })
}

/// The byte at which the character of this index (from 0) begins; the end for those behind, the begin for negative ones.
fn byte_of(text: &str, character: i64) -> usize {
    match usize::try_from(character) {
        Ok(n) => text.char_indices().nth(n).map_or(text.len(), |(at, _)| at),
        Err(_) if character < 0 => 0,
        Err(_) => text.len(),
    }
}

fn int(value: Option<&Value<'_>>) -> Option<i64> {
    match value {
        Some(Value::Int(v)) => Some(*v),
        _ => None,
    }
}

fn substring<'a>(args: &mut [Value<'a>], _: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let Some(from) = int(args.get(1)) else { return Value::Null };
    let until = match int(args.get(2)) {
        Some(length) if length < 0 => return counted(None, ctx),
        Some(length) => from.saturating_add(length),
        None => i64::MAX,
    };
    of_text(args, |text| {
        let start = byte_of(&text, from.saturating_sub(1));
        let end = byte_of(&text, until.saturating_sub(1)).max(start);
        part(text, start..end)
    })
}

fn left<'a>(args: &mut [Value<'a>], _: &Prepared, _: &EvalContext) -> Value<'a> {
    let Some(n) = int(args.get(1)) else { return Value::Null };
    of_text(args, |text| {
        let keep = if n < 0 { characters(&text).saturating_add(n) } else { n };
        let end = byte_of(&text, keep);
        part(text, 0..end)
    })
}

fn right<'a>(args: &mut [Value<'a>], _: &Prepared, _: &EvalContext) -> Value<'a> {
    let Some(n) = int(args.get(1)) else { return Value::Null };
    of_text(args, |text| {
        let skip = if n < 0 { n.saturating_neg() } else { characters(&text).saturating_sub(n) };
        let (start, end) = (byte_of(&text, skip), text.len());
        part(text, start..end)
    })
}

fn trim<'a>(args: &mut [Value<'a>], begin: bool, end: bool) -> Value<'a> {
    let set = match args.get_mut(1).map(std::mem::take) {
        Some(Value::String(set)) => Some(set),
        _ => None,
    };
    let goes = |c: char| set.as_ref().map_or(c.is_whitespace(), |set| set.contains(c));
    of_text(args, |text| {
        let kept = if end { text.trim_end_matches(goes).len() } else { text.len() };
        let start = if begin { kept - text[..kept].trim_start_matches(goes).len() } else { 0 };
        part(text, start..kept)
    })
}

fn replace<'a>(args: &mut [Value<'a>], _: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let (Value::String(text), Value::String(what), Value::String(with)) = (&args[0], &args[1], &args[2]) else { return Value::Null };
    if what.is_empty() {
        return std::mem::take(&mut args[0]);
    }
    let grown = text.matches(what.as_ref()).count().saturating_mul(with.len().saturating_sub(what.len()));
    let fits = text.len().saturating_add(grown) <= LONGEST.max(text.len());
    counted(fits.then(|| Value::string(text.replace(what.as_ref(), with))), ctx)
}

fn split_part<'a>(args: &mut [Value<'a>], _: &Prepared, ctx: &EvalContext) -> Value<'a> {
    let (Value::String(text), Value::String(separator), Value::Int(n)) = (&args[0], &args[1], &args[2]) else { return Value::Null };
    let nth = match usize::try_from(n.unsigned_abs()) {
        Ok(0) => return counted(None, ctx),
        Ok(n) => n - 1,
        Err(_) => usize::MAX,
    };
    let found = match (separator.is_empty(), *n > 0) {
        (true, _) => (nth == 0).then_some(text.as_ref()),
        (false, true) => text.split(separator.as_ref()).nth(nth),
        (false, false) => text.rsplit(separator.as_ref()).nth(nth),
    };
    let Some(found) = found else { return Value::string("") };
    // Where the part lies in the text: both are one memory.
    let start = found.as_ptr().addr() - text.as_ptr().addr();
    let range = start..start + found.len();
    of_text(args, |text| part(text, range.clone()))
}

fn position<'a>(args: &mut [Value<'a>], _: &Prepared, _: &EvalContext) -> Value<'a> {
    of_two(args, |what, text| Value::Int(text.find(what).map_or(0, |at| characters(&text[..at]) + 1)))
}

fn concat(s: super::Signature<'_>) -> Result<Resolved, TypeError> {
    let args = vec![DataType::String; s.found.len()];
    Ok(Resolved {
        args,
        result: DataType::String,
        kernel: super::Kernel::Values(|args, _, _| {
            let texts = args.iter().filter_map(|arg| if let Value::String(text) = arg { Some(text.as_ref()) } else { None });
            Value::string(texts.collect::<String>())
        }),
    })
}

fn pad<'a>(args: &mut [Value<'a>], at_begin: bool, ctx: &EvalContext) -> Value<'a> {
    let (Value::String(text), Some(length)) = (&args[0], int(args.get(1))) else { return Value::Null };
    let fill = match args.get(2) {
        Some(Value::String(fill)) => fill.as_ref(),
        _ => " ",
    };
    let missing = length.saturating_sub(characters(text));
    if missing <= 0 || fill.is_empty() {
        let end = byte_of(text, length.max(0));
        return of_text(args, |text| part(text, 0..end));
    }
    let Some(missing) = usize::try_from(missing).ok().filter(|n| n.saturating_mul(4) <= LONGEST) else { return counted(None, ctx) };
    let filling: String = fill.chars().cycle().take(missing).collect();
    Value::string(if at_begin { filling + text } else { format!("{text}{filling}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::functions::test::{call, failed};

    fn texts(name: &str, args: &[&'static str]) -> Value<'static> {
        call(name, &args.iter().map(|t| Value::string(*t)).collect::<Vec<_>>())
    }

    #[test]
    fn parts_by_characters() {
        let text = || Value::string("añb😀c");
        let int = Value::Int;
        assert_eq!(call("LENGTH", &[text()]), int(5));
        assert_eq!(call("SUBSTRING", &[text(), int(2), int(3)]), Value::string("ñb😀"));
        assert_eq!(call("SUBSTRING", &[text(), int(0), int(2)]), Value::string("a"), "position 0 stands before the first");
        assert_eq!(call("SUBSTRING", &[text(), int(-5)]), text());
        assert_eq!(call("SUBSTRING", &[text(), int(9)]), Value::string(""));
        assert_eq!(call("SUBSTRING", &[text(), int(2), int(i64::MAX)]), Value::string("ñb😀c"));
        assert!(failed("SUBSTRING", &[text(), int(1), int(-1)]));
        assert_eq!(call("LEFT", &[text(), int(2)]), Value::string("añ"));
        assert_eq!(call("LEFT", &[text(), int(-1)]), Value::string("añb😀"));
        assert_eq!(call("RIGHT", &[text(), int(2)]), Value::string("😀c"));
        assert_eq!(call("RIGHT", &[text(), int(-1)]), Value::string("ñb😀c"));
        assert_eq!(call("RIGHT", &[text(), int(99)]), text());
        assert_eq!(call("REVERSE", &[text()]), Value::string("c😀bña"));
        assert_eq!(call("POSITION", &[Value::string("😀"), text()]), int(4));
        assert_eq!(call("POSITION", &[Value::string("x"), text()]), int(0));
    }

    #[test]
    fn trims_and_pads() {
        assert_eq!(texts("TRIM", &[" \ta b\n"]), Value::string("a b"));
        assert_eq!(texts("TRIM", &["xyaxy", "xy"]), Value::string("a"));
        assert_eq!(texts("TRIM", &["xx", "x"]), Value::string(""));
        assert_eq!(texts("LTRIM", &[" a "]), Value::string("a "));
        assert_eq!(texts("RTRIM", &[" a "]), Value::string(" a"));
        let pad = |name, text, length, fill: &'static str| call(name, &[Value::string(text), Value::Int(length), Value::string(fill)]);
        assert_eq!(pad("LPAD", "7", 3, "0"), Value::string("007"));
        assert_eq!(pad("RPAD", "a", 4, "xy"), Value::string("axyx"));
        assert_eq!(pad("LPAD", "abc", 2, "0"), Value::string("ab"));
        assert_eq!(pad("LPAD", "abc", -1, "0"), Value::string(""));
        assert!(failed("LPAD", &[Value::string("a"), Value::Int(i64::MAX)]));
    }

    #[test]
    fn searches() {
        assert_eq!(texts("REPLACE", &["banana", "an", "o"]), Value::string("booa"));
        assert_eq!(texts("REPLACE", &["abc", "", "x"]), Value::string("abc"));
        let split = |n| call("SPLIT_PART", &[Value::string("a,b,,c"), Value::string(","), Value::Int(n)]);
        assert_eq!((split(1), split(2), split(3)), (Value::string("a"), Value::string("b"), Value::string("")));
        assert_eq!((split(5), split(-1), split(-4)), (Value::string(""), Value::string("c"), Value::string("a")));
        assert!(failed("SPLIT_PART", &[Value::string("a"), Value::string(","), Value::Int(0)]));
        assert_eq!(texts("CONTAINS", &["banana", "nan"]), Value::Bool(true));
        assert_eq!(texts("STARTS_WITH", &["banana", "an"]), Value::Bool(false));
        assert_eq!(texts("ENDS_WITH", &["banana", "na"]), Value::Bool(true));
        assert_eq!(call("CONCAT", &[Value::string("a"), Value::Null, Value::Int(1), Value::Float(0.5)]), Value::string("a10.5"));
        assert_eq!(call("CONCAT", &[Value::Null]), Value::string(""));
        assert_eq!(texts("UPPER", &["straße"]), Value::string("STRASSE"));
        assert_eq!(texts("LOWER", &["ÄB"]), Value::string("äb"));
        assert_eq!(call("LOWER", &[Value::Null]), Value::Null);
        assert_eq!(texts("||", &["a", "b", "c"]), Value::string("abc"));
    }
}
