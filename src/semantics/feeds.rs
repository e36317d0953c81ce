//! Several statements that feed one stream: their columns agree in number and names, and each type widens to the widest.

use std::sync::Arc;

use super::codes;
use super::context::{Context, Reported};
use super::scope::column;
use super::typed::{Query, Stage};
use crate::data::{Field, Schema};
use crate::expr::Expr;
use crate::text::{Diagnostic, Span};

/// A way by which rows come into a stream.
#[derive(Debug)]
pub(crate) struct Door {
    /// Its columns.
    pub(crate) schema: Arc<Schema>,
    /// Those that hold the event time.
    pub(crate) times: Vec<usize>,
    /// Its columns come out as they are, and cannot be widened.
    pub(crate) is_fixed: bool,
    /// Where to point.
    pub(crate) span: Span,
}

/// The columns of a stream with these doors, and those that hold its event time.
pub(crate) fn agree(cx: &mut Context<'_>, stream: &str, doors: &[Door]) -> Result<(Arc<Schema>, Vec<usize>), Reported> {
    let [first, others @ ..] = doors else { return Err(Reported::elsewhere()) };
    let mut fields: Vec<Field> = first.schema.fields().to_vec();
    let mut times = first.times.clone();
    for door in others {
        times.retain(|column| door.times.contains(column));
        let found = door.schema.fields();
        if found.len() != fields.len() {
            let text = format!("rows of `{stream}` have {} columns, found {}", fields.len(), found.len());
            return Err(differ(cx, door, first, text));
        }
        for (i, (field, found)) in fields.iter_mut().zip(found).enumerate() {
            if field.name != found.name {
                let mut text = format!("column {} of `{stream}` is `{}`, found `{}`", i + 1, field.name, found.name);
                if are_the_same_in_another_order(first.schema.fields(), door.schema.fields()) {
                    text += ": the same columns in another order, and rows are added by place and name";
                }
                return Err(differ(cx, door, first, text));
            }
            let Some(common) = field.data_type.common(&found.data_type) else {
                let text = format!("the column `{}` of `{stream}` is {}, found {}", field.name, field.data_type, found.data_type);
                return Err(differ(cx, door, first, text));
            };
            field.data_type = common;
        }
    }
    let schema = Arc::new(Schema::new(fields));
    if let Some(fixed) = doors.iter().find(|door| door.is_fixed && *door.schema != *schema) {
        let text = format!("the timeout rows for `{stream}` have other types than its other rows");
        return Err(differ(cx, fixed, first, text));
    }
    Ok((schema, times))
}

fn are_the_same_in_another_order(a: &[Field], b: &[Field]) -> bool {
    let sorted = |fields: &[Field]| {
        let mut names: Vec<_> = fields.iter().map(|field| field.name.clone()).collect();
        names.sort();
        names
    };
    sorted(a) == sorted(b)
}

fn differ(cx: &mut Context<'_>, door: &Door, first: &Door, text: String) -> Reported {
    let columns: Vec<String> = first.schema.fields().iter().map(|f| format!("{} {}", f.name, f.data_type)).collect();
    let diagnostic = Diagnostic::error(codes::DIFFERENT_COLUMNS, door.span, text).related(first.span, "its columns were said here first");
    cx.error(diagnostic.hint(format!("all statements that feed a stream give the same columns: {}", columns.join(", "))))
}

/// Makes a query give exactly these columns, to which its own widen.
pub(crate) fn widen(query: &mut Query, schema: &Arc<Schema>) {
    if query.schema == *schema {
        return;
    }
    let pairs = query.schema.fields().iter().zip(schema.fields()).enumerate();
    let exprs = pairs.map(|(i, (from, to))| {
        let value = column(i, from.data_type.clone());
        Expr::cast(value, &to.data_type).expect("a type can be cast to one that it widens to")
    });
    query.stages.push(Stage::Project { exprs: exprs.collect(), schema: schema.clone() });
    query.schema = schema.clone();
}
