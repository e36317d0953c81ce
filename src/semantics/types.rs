//! Types as written to types of values.

use std::sync::Arc;

use super::codes;
use super::context::{Context, Reported};
use crate::data::{DataType, Field};
use crate::syntax::ast::{TypeKind, TypeName};
use crate::text::{Diagnostic, Span, nearest};

const NAMES: [&str; 16] = [
    "BOOL",
    "BOOLEAN",
    "INT",
    "INTEGER",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "REAL",
    "STRING",
    "VARCHAR",
    "TEXT",
    "TIMESTAMP",
    "DURATION",
    "JSON",
    "LIST",
    "STRUCT",
];

/// The type that is written.
pub(crate) fn data_type(cx: &mut Context<'_>, written: &TypeName) -> Result<DataType, Reported> {
    match &written.kind {
        TypeKind::Plain(name) => plain(cx, name, written.span),
        // How long a text may be says something to who reads the program: no text is cut, and none is refused.
        TypeKind::Text(..) => Ok(DataType::String),
        TypeKind::Decimal(precision, scale) => decimal(cx, *precision, *scale, written.span),
        TypeKind::TimestampUnit(_) | TypeKind::TimestampFormat(_) => {
            let text = "the unit or format of a TIMESTAMP says how a column of a stream is read, and stands at such a column only";
            Err(cx.error(
                Diagnostic::error(codes::UNKNOWN_TYPE, written.span, text)
                    .hint("write TIMESTAMP; TO_TIMESTAMP reads texts of other formats"),
            ))
        }
        TypeKind::List(item) => data_type(cx, item).map(|item| DataType::List(Arc::new(item))),
        TypeKind::Struct(fields) => {
            let mut typed: Vec<Field> = Vec::with_capacity(fields.len());
            let mut failed = None;
            for (name, written) in fields {
                if typed.iter().any(|f| *f.name == *name.node) {
                    failed = Some(cx.error(Diagnostic::error(
                        codes::DEFINED_TWICE,
                        name.span,
                        format!("the field `{}` is there twice", name.node),
                    )));
                }
                match data_type(cx, written) {
                    Ok(field) => typed.push(Field::new(name.node.as_str(), field)),
                    Err(reported) => failed = Some(reported),
                }
            }
            failed.map_or_else(|| Ok(DataType::Struct(typed.into())), Err)
        }
    }
}

fn plain(cx: &mut Context<'_>, name: &str, span: Span) -> Result<DataType, Reported> {
    Ok(match name.to_ascii_uppercase().as_str() {
        "BOOL" | "BOOLEAN" => DataType::Bool,
        "INT" | "INTEGER" | "BIGINT" => DataType::Int,
        "FLOAT" | "DOUBLE" | "REAL" => DataType::Float,
        "STRING" | "VARCHAR" | "TEXT" | "CHAR" | "CHARACTER" => DataType::String,
        "TIMESTAMP" => DataType::Timestamp,
        "DURATION" => DataType::Duration,
        "JSON" => DataType::Json,
        other => return Err(unknown(cx, other, span)),
    })
}

fn unknown(cx: &mut Context<'_>, name: &str, span: Span) -> Reported {
    let diagnostic = Diagnostic::error(codes::UNKNOWN_TYPE, span, format!("unknown type `{name}`"));
    cx.error(match name {
        "DECIMAL" | "NUMERIC" => diagnostic.hint("say how many digits it has, and how many of them behind the point: DECIMAL(12, 2)"),
        "LIST" | "ARRAY" => diagnostic.hint("a list says what is in it: LIST<STRING>"),
        "STRUCT" | "MAP" | "ROW" => diagnostic.hint("a struct says its fields: STRUCT<name STRING, port INT>; any other object is JSON"),
        "DATE" | "DATETIME" | "TIME" => diagnostic.hint("points in time are of type TIMESTAMP"),
        "UUID" => diagnostic.hint("texts are of type STRING"),
        "SMALLINT" | "TINYINT" | "LONG" => diagnostic.hint("whole numbers are of type INT, of 64 bits"),
        "NUMBER" => diagnostic.hint("numbers are INT, FLOAT or DECIMAL(digits, scale)"),
        _ => match nearest(name, NAMES).as_slice() {
            [] => diagnostic.hint("types: BOOL, INT, FLOAT, DECIMAL(p, s), STRING, TIMESTAMP, DURATION, LIST<T>, STRUCT<name T, …>, JSON"),
            near => diagnostic.did_you_mean(near),
        },
    })
}

fn decimal(cx: &mut Context<'_>, precision: u32, scale: u32, span: Span) -> Result<DataType, Reported> {
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision @ 1..=28), Ok(scale)) if scale <= precision => Ok(DataType::Decimal { precision, scale }),
        _ => {
            let text = format!(
                "DECIMAL({precision}, {scale}) has no values: a DECIMAL has 1 to 28 digits, and no more behind the point than in all"
            );
            Err(cx.error(Diagnostic::error(codes::OUT_OF_RANGE, span, text)))
        }
    }
}
