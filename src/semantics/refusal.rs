//! Refusals of `expr` as diagnostics: the operand that does not fit gets the caret, in the user's words.

use std::fmt;

use super::codes;
use super::context::{Context, Reported};
use super::elsewhere::written_here;
use crate::data::DataType;
use crate::expr::TypeError;
use crate::syntax::ast::{self, ExprKind, Name};
use crate::text::{Diagnostic, Span};

/// An operand as messages name it: its type, and its name where it has one.
#[derive(Debug)]
pub(crate) struct Operand<'t> {
    tree: &'t ast::Expr,
    data_type: &'t DataType,
}

impl<'t> Operand<'t> {
    /// The operand of this tree and type.
    pub(crate) fn of(tree: &'t ast::Expr, data_type: &'t DataType) -> Self {
        Self { tree, data_type }
    }
}

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.data_type)?;
        match &self.tree.kind {
            ExprKind::Path(path) => {
                let parts: Vec<&str> = path.iter().map(|n| n.node.as_str()).collect();
                write!(f, " `{}`", parts.join("."))
            }
            ExprKind::Parameter(name) => write!(f, " `${name}`"),
            ExprKind::Int(value) => write!(f, " `{value}`"),
            ExprKind::Float(_, text) => write!(f, " `{text}`"),
            ExprKind::String(text) if text.chars().count() <= 40 => write!(f, " `'{text}'`"),
            _ => Ok(()),
        }
    }
}

/// Names in a row for a hint; of many only the first.
pub(crate) fn listed(names: &[&str]) -> String {
    const MOST: usize = 20;
    let (shown, rest) = names.split_at(names.len().min(MOST));
    let more = if rest.is_empty() { String::new() } else { format!(", and {} more", rest.len()) };
    format!("{}{more}", shown.join(", "))
}

/// Says how a text is written, where a name that nothing has stands in double quotes, as texts do in other languages; and why there is no
/// clock, where it is one elsewhere.
pub(crate) fn as_text(diagnostic: Diagnostic, name: &Name) -> Diagnostic {
    let length = usize::try_from(name.span.end.saturating_sub(name.span.start)).unwrap_or(usize::MAX);
    let is_quoted = length > name.node.len();
    if !is_quoted {
        let is_clock = name.node.to_ascii_uppercase().starts_with("CURRENT_");
        return match written_here(&name.node).filter(|_| is_clock) {
            Some(here) => diagnostic.hint(here),
            None => diagnostic,
        };
    }
    let text = if name.node.chars().count() <= 40 { name.node.replace('\'', "''") } else { String::from("…") };
    diagnostic.hint(format!("double quotes are for names; a text stands in single ones: '{text}'"))
}

/// Tells that operands or arguments do not fit. `trees` are all of them in order, `span` is the operator or the whole call.
pub(crate) fn refused(cx: &mut Context<'_>, error: &TypeError, span: Span, trees: &[&ast::Expr]) -> Reported {
    let (what, expected) = (&error.what, &error.expected);
    let meant = error.argument.and_then(|i| trees.get(i).map(|tree| (i, *tree)));
    let (place, found) = match meant {
        // A value and one of those that it is compared with.
        Some((_, tree))
            if matches!(what.as_str(), "IN" | "BETWEEN" | "CASE") && error.found.len() == 2 && !expected.ends_with("as before") =>
        {
            (tree.span, vec![Operand::of(trees[0], &error.found[0]).to_string(), Operand::of(tree, &error.found[1]).to_string()])
        }
        Some((i, tree)) => {
            let found = error.found.get(i).or(error.found.first());
            (tree.span, found.map(|found| Operand::of(tree, found).to_string()).into_iter().collect())
        }
        None if error.found.len() == trees.len() => {
            (span, trees.iter().zip(&error.found).map(|(tree, t)| Operand::of(tree, t).to_string()).collect())
        }
        None => (span, error.found.iter().map(DataType::to_string).collect::<Vec<_>>()),
    };
    let found = if found.is_empty() { String::from("nothing") } else { found.join(" and ") };
    cx.error(advice(Diagnostic::error(codes::WRONG_TYPE, place, format!("`{what}` takes {expected}, found {found}")), error))
}

/// What to write instead, where one thing is likely.
fn advice(diagnostic: Diagnostic, error: &TypeError) -> Diagnostic {
    let is_comparison = matches!(error.what.as_str(), "=" | "<>" | "<" | "<=" | ">" | ">=" | "IN" | "BETWEEN");
    let asks_for = |what: DataType| {
        let name = what.to_string();
        let expected = error.expected.strip_prefix("a ").unwrap_or(&error.expected);
        error.found.contains(&what) || expected == name || expected.starts_with(&format!("{name} as "))
    };
    if error.found.contains(&DataType::String) && !error.expected.contains(" such as '") {
        let a_time = "a time is written `TIMESTAMP '2026-03-01T10:00:00Z'`, and read from a text by `TO_TIMESTAMP(text)`";
        let a_length = "a length of time is written `1h 30m`, and read from a text by `CAST(text AS DURATION)`";
        match (asks_for(DataType::Timestamp), error.what.as_str()) {
            (true, "+") => return diagnostic.hint(a_length),
            (true, "-") => return diagnostic.hint(a_time).hint(a_length),
            (true, _) => return diagnostic.hint(a_time),
            (false, _) if asks_for(DataType::Duration) => return diagnostic.hint(a_length),
            (false, _) => {}
        }
    }
    match error.found.as_slice() {
        [DataType::Timestamp, number] | [number, DataType::Timestamp] if is_comparison && number.is_numeric() => {
            diagnostic.hint("a number is made a time by `TO_TIMESTAMP(n)`, of milliseconds since 1970")
        }
        [DataType::String, number] if is_comparison && number.is_numeric() => {
            diagnostic.hint(format!("quote the number, or convert the text: CAST(… AS {number})"))
        }
        [number, DataType::String] if is_comparison && number.is_numeric() => {
            diagnostic.hint(format!("leave the quotes away, or convert the text: CAST(… AS {number})"))
        }
        [DataType::String, _] | [_, DataType::String] if error.what == "+" => diagnostic.hint("texts are joined by `||`"),
        [DataType::Timestamp, number] | [DataType::Duration, number] if number.is_numeric() => {
            diagnostic.hint("a length of time has a unit: 10 seconds, 250 ms")
        }
        _ => diagnostic,
    }
}
