//! `LIKE` and `ILIKE`: `%` is any text, `_` any character, everything else itself; no character escapes unless `ESCAPE` names one.
//!
//! A pattern is a list of literal pieces and `_` between `%`s. Matching takes each piece at its first place: linear in practice, and never
//! worse than text times pattern, so that no pattern from data can stall the stream.

use std::sync::Arc;

use super::{Category, Form, Function, Prepared};
use crate::data::{DataType, Value};
use crate::expr::{EvalContext, TypeError};

const BASE: Function = Function { arity: (2, 3), strict: true, ..Function::of(Category::Pattern) };

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "LIKE",
        signature: "text LIKE pattern [ESCAPE c]",
        doc: "Whether the whole text has the shape of the pattern: % stands for any text, _ for one character.",
        examples: &[("'Security' LIKE 'Sec%'", "true"), ("'a_b' LIKE 'a!_b' ESCAPE '!'", "true"), ("'abc' LIKE 'b'", "false")],
        form: Form::Eager(|s| s.text()?.text()?.text()?.gives(DataType::Bool, like)),
        prepare: Some(|args| prepare("LIKE", false, args)),
        ..BASE
    },
    Function {
        name: "ILIKE",
        signature: "text ILIKE pattern [ESCAPE c]",
        doc: "As LIKE, with letters of either case equal.",
        examples: &[("'Security' ILIKE 'sec%'", "true")],
        form: Form::Eager(|s| s.text()?.text()?.text()?.gives(DataType::Bool, ilike)),
        prepare: Some(|args| prepare("ILIKE", true, args)),
        ..BASE
    },
];

fn prepare(name: &str, fold: bool, args: &[Option<&Value<'static>>]) -> Result<Prepared, TypeError> {
    let escape = match args.get(2) {
        Some(None) => return Ok(Prepared::None),
        Some(Some(Value::String(text))) => Some(text.as_ref()),
        Some(Some(_)) | None => None,
    };
    if escape.is_some_and(|text| text.chars().count() != 1) {
        return Err(TypeError::new(name, vec![DataType::String], "one character behind ESCAPE").at(2));
    }
    let Some(Value::String(pattern)) = args[1] else { return Ok(Prepared::None) };
    match LikePattern::new(pattern, escape, fold) {
        Some(pattern) => Ok(Prepared::Like(Arc::new(pattern))),
        None => Err(TypeError::new(name, vec![DataType::String], "a pattern with %, _ or itself behind the character of ESCAPE").at(1)),
    }
}

fn like<'a>(args: &mut [Value<'a>], prepared: &Prepared, ctx: &EvalContext) -> Value<'a> {
    matches(args, prepared, ctx, false)
}

fn ilike<'a>(args: &mut [Value<'a>], prepared: &Prepared, ctx: &EvalContext) -> Value<'a> {
    matches(args, prepared, ctx, true)
}

fn matches<'a>(args: &[Value<'a>], prepared: &Prepared, ctx: &EvalContext, fold: bool) -> Value<'a> {
    let (Value::String(text), Value::String(pattern)) = (&args[0], &args[1]) else { return Value::Null };
    if let Prepared::Like(pattern) = prepared {
        return Value::Bool(pattern.matches(text));
    }
    let escape = args.get(2).and_then(|arg| if let Value::String(c) = arg { Some(c.as_ref()) } else { None });
    let matched = LikePattern::new(pattern, escape, fold).map(|pattern| Value::Bool(pattern.matches(text)));
    super::arithmetic::counted(matched, ctx)
}

/// A pattern between whose pieces any text may stand.
#[derive(Debug, Clone, PartialEq)]
pub struct LikePattern {
    /// The text between the `%`s; the first is tied to the begin of the text, the last to its end.
    pieces: Vec<Piece>,
    fold: bool,
}

/// Text with `_` in it.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Text(String),
    /// `None` is any one character.
    Characters(Vec<Option<char>>),
}

impl LikePattern {
    /// The pattern, unless the escape is not one character or stands before one that needs none.
    fn new(pattern: &str, escape: Option<&str>, fold: bool) -> Option<Self> {
        let escape = match escape {
            None => None,
            Some(text) => {
                let mut characters = text.chars();
                let first = characters.next()?;
                if characters.next().is_some() {
                    return None;
                }
                Some(first)
            }
        };
        let mut pieces = vec![Vec::new()];
        let mut characters = pattern.chars();
        while let Some(c) = characters.next() {
            let last = pieces.last_mut().expect("there is a first piece");
            if Some(c) == escape {
                let escaped = characters.next().filter(|c| matches!(c, '%' | '_') || Some(*c) == escape)?;
                last.push(Some(escaped));
            } else if c == '%' {
                pieces.push(Vec::new());
            } else if c == '_' {
                last.push(None);
            } else if fold {
                last.extend(c.to_lowercase().map(Some));
            } else {
                last.push(Some(c));
            }
        }
        Some(Self { pieces: pieces.into_iter().map(Piece::new).collect(), fold })
    }

    /// The longest text without `_` and `%` in it, which stands in every text that matches (in lower case, if the second is true).
    pub(crate) fn longest_piece(&self) -> Option<(String, bool)> {
        let runs = self.pieces.iter().flat_map(|piece| match piece {
            Piece::Text(text) => vec![text.clone()],
            Piece::Characters(characters) => characters.split(Option::is_none).map(|run| run.iter().copied().flatten().collect()).collect(),
        });
        runs.max_by_key(String::len).map(|text| (text, self.fold))
    }

    fn matches(&self, text: &str) -> bool {
        if self.fold { self.matches_exactly(&text.to_lowercase()) } else { self.matches_exactly(text) }
    }

    fn matches_exactly(&self, text: &str) -> bool {
        let (first, rest) = self.pieces.split_first().expect("there is a first piece");
        let Some(mut from) = first.end_at(text) else { return false };
        let Some((last, middle)) = rest.split_last() else { return from == text.len() };
        for piece in middle {
            match piece.find(&text[from..]) {
                Some(end) => from += end,
                None => return false,
            }
        }
        last.is_suffix(&text[from..])
    }
}

impl Piece {
    fn new(characters: Vec<Option<char>>) -> Self {
        match characters.iter().copied().collect::<Option<String>>() {
            Some(text) => Self::Text(text),
            None => Self::Characters(characters),
        }
    }

    /// Where the piece ends if it stands at the begin of the text.
    fn end_at(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(piece) => text.starts_with(piece).then_some(piece.len()),
            Self::Characters(piece) => {
                let mut characters = text.chars();
                for expected in piece {
                    let found = characters.next()?;
                    if expected.is_some_and(|c| c != found) {
                        return None;
                    }
                }
                Some(text.len() - characters.as_str().len())
            }
        }
    }

    /// Where the piece's first occurrence ends.
    fn find(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(piece) => text.find(piece).map(|at| at + piece.len()),
            Self::Characters(_) => text.char_indices().find_map(|(at, _)| self.end_at(&text[at..]).map(|end| at + end)),
        }
    }

    fn is_suffix(&self, text: &str) -> bool {
        match self {
            Self::Text(piece) => text.ends_with(piece),
            Self::Characters(piece) => {
                let mut characters = text.chars().rev();
                piece.iter().rev().all(|expected| characters.next().is_some_and(|found| expected.is_none_or(|c| c == found)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str, pattern: &str) -> bool {
        LikePattern::new(pattern, None, false).unwrap().matches(text)
    }

    #[test]
    fn shapes() {
        for (text, pattern, expected) in [
            ("abc", "abc", true),
            ("abc", "ab", false),
            ("abc", "a%", true),
            ("abc", "%c", true),
            ("abc", "%b%", true),
            ("abc", "a_c", true),
            ("abc", "___", true),
            ("abc", "__", false),
            ("", "%", true),
            ("", "", true),
            ("", "_", false),
            ("aXbXc", "a%b%c", true),
            ("abab", "%ab", true),
            ("aba", "ab%ba", false),
            ("añb", "a_b", true),
            ("xaybz", "%a_b%", true),
            ("a\\b", "a\\b", true),
            ("aa", "a%a%a", false),
            ("mississippi", "m%iss%ip%i", true),
            ("ab", "%_b", true),
            ("b", "%_b", false),
        ] {
            assert_eq!(like(text, pattern), expected, "{text} LIKE {pattern}");
        }
    }

    #[test]
    fn escapes_and_cases() {
        assert!(LikePattern::new("100!%", Some("!"), false).unwrap().matches("100%"));
        assert!(!LikePattern::new("100!%", Some("!"), false).unwrap().matches("1000"));
        assert!(LikePattern::new("a!!", Some("!"), false).unwrap().matches("a!"));
        assert_eq!(LikePattern::new("a!", Some("!"), false), None);
        assert_eq!(LikePattern::new("a!b", Some("!"), false), None);
        assert_eq!(LikePattern::new("a", Some("ab"), false), None);
        assert!(LikePattern::new("ÄB%", None, true).unwrap().matches("äbC"));
    }
}
