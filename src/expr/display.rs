//! Expressions as text, for `explain` and for debugging: the language's own notation, with every nested operator in parentheses.

use std::fmt::{self, Write};

use super::text::text_of;
use super::tree::{Expr, ExprKind, SlotId};
use crate::data::Value;

impl Expr {
    /// The expression's text, with the slots named by the function.
    pub fn to_text(&self, slot_name: &dyn Fn(SlotId) -> String) -> String {
        let mut out = String::new();
        write(self, &mut out, slot_name).expect("writing to a string does not fail");
        out
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(&|slot| format!("#{}", slot.0)))
    }
}

type Names<'a> = &'a dyn Fn(SlotId) -> String;

fn write(expr: &Expr, out: &mut String, names: Names<'_>) -> fmt::Result {
    let args = &expr.args;
    match &expr.kind {
        ExprKind::Literal(value) => write_literal(expr, value, out),
        ExprKind::Slot(slot) => out.write_str(&names(*slot)),
        ExprKind::Call(call) => write_call(call.function().name, args, out, names),
        ExprKind::Custom(function) => write_list(function.name(), args, out, names),
        ExprKind::Compare(op) => write_joined(args, &format!(" {} ", op.symbol()), out, names),
        ExprKind::And => write_joined(args, " AND ", out, names),
        ExprKind::Or => write_joined(args, " OR ", out, names),
        ExprKind::Not => {
            out.write_str("NOT ")?;
            operand(&args[0], out, names)
        }
        ExprKind::IsNull => {
            operand(&args[0], out, names)?;
            out.write_str(" IS NULL")
        }
        ExprKind::IsDistinct => write_joined(args, " IS DISTINCT FROM ", out, names),
        ExprKind::IsBool(value) => {
            operand(&args[0], out, names)?;
            out.write_str(if *value { " IS TRUE" } else { " IS FALSE" })
        }
        ExprKind::In(_) => {
            operand(&args[0], out, names)?;
            write_list(" IN ", &args[1..], out, names)
        }
        ExprKind::Between => {
            operand(&args[0], out, names)?;
            out.write_str(" BETWEEN ")?;
            write_joined(&args[1..], " AND ", out, names)
        }
        ExprKind::Case => write_case(args, out, names),
        ExprKind::Coalesce => write_list("COALESCE", args, out, names),
        ExprKind::Cast => {
            out.write_str("CAST(")?;
            write(&args[0], out, names)?;
            write!(out, " AS {})", expr.data_type)
        }
        ExprKind::Field(at) => {
            operand(&args[0], out, names)?;
            match &args[0].data_type {
                crate::data::DataType::Struct(fields) => write!(out, ".{}", fields[*at].name),
                _ => write!(out, ".{}", at + 1),
            }
        }
    }
}

fn write_literal(expr: &Expr, value: &Value<'_>, out: &mut String) -> fmt::Result {
    let Some(text) = text_of(value.borrowed(), &expr.data_type) else { return out.write_str("NULL") };
    match value {
        Value::String(_) => write!(out, "'{}'", text.replace('\'', "''")),
        Value::Timestamp(_) => write!(out, "TIMESTAMP '{text}'"),
        Value::Bool(_) => out.write_str(&text.to_uppercase()),
        _ => out.write_str(&text),
    }
}

fn write_call(name: &str, args: &[Expr], out: &mut String, names: Names<'_>) -> fmt::Result {
    match (name, args) {
        ("-", [arg]) => {
            out.write_str("-")?;
            operand(arg, out, names)
        }
        ("+" | "-" | "*" | "/" | "%" | "||", _) => write_joined(args, &format!(" {name} "), out, names),
        ("LIKE" | "ILIKE", [text, pattern, escape @ ..]) => {
            operand(text, out, names)?;
            write!(out, " {name} ")?;
            operand(pattern, out, names)?;
            match escape {
                [escape, ..] => {
                    out.write_str(" ESCAPE ")?;
                    operand(escape, out, names)
                }
                [] => Ok(()),
            }
        }
        ("[]", [list, index]) => {
            operand(list, out, names)?;
            out.write_str("[")?;
            write(index, out, names)?;
            out.write_str("]")
        }
        _ => write_list(name, args, out, names),
    }
}

fn write_case(args: &[Expr], out: &mut String, names: Names<'_>) -> fmt::Result {
    out.write_str("CASE")?;
    for pair in args.chunks(2) {
        match pair {
            [when, then] => {
                out.write_str(" WHEN ")?;
                write(when, out, names)?;
                out.write_str(" THEN ")?;
                write(then, out, names)?;
            }
            otherwise => {
                out.write_str(" ELSE ")?;
                otherwise.iter().try_for_each(|e| write(e, out, names))?;
            }
        }
    }
    out.write_str(" END")
}

/// `name(a, b)`
fn write_list(name: &str, args: &[Expr], out: &mut String, names: Names<'_>) -> fmt::Result {
    write!(out, "{name}(")?;
    for (i, arg) in args.iter().enumerate() {
        out.write_str(if i > 0 { ", " } else { "" })?;
        write(arg, out, names)?;
    }
    out.write_str(")")
}

fn write_joined(args: &[Expr], between: &str, out: &mut String, names: Names<'_>) -> fmt::Result {
    for (i, arg) in args.iter().enumerate() {
        out.write_str(if i > 0 { between } else { "" })?;
        operand(arg, out, names)?;
    }
    Ok(())
}

/// An operand, in parentheses where it has operators of its own.
fn operand(expr: &Expr, out: &mut String, names: Names<'_>) -> fmt::Result {
    let plain = match &expr.kind {
        ExprKind::Literal(_)
        | ExprKind::Slot(_)
        | ExprKind::Custom(_)
        | ExprKind::Coalesce
        | ExprKind::Cast
        | ExprKind::Field(_)
        | ExprKind::Case => true,
        ExprKind::Call(call) => {
            call.function().name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '[') && !call.function().name.ends_with("LIKE")
        }
        _ => false,
    };
    if plain {
        return write(expr, out, names);
    }
    out.write_str("(")?;
    write(expr, out, names)?;
    out.write_str(")")
}
