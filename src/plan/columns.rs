//! The columns of what operators give. Only types and positions matter inside the graph; names serve explanations, and are made different
//! where two would be one.

use std::collections::HashSet;
use std::sync::Arc;

use crate::data::{DataType, Field, Schema};
use crate::expr::{Expr, SlotId};
use crate::spec::{AggregateCall, JoinKind, WindowOutput, WindowSpec};

/// Columns of a window: keys and aggregates or the input's columns; then start, end, final.
pub(super) fn of_window(spec: &WindowSpec, input: &Schema) -> Arc<Schema> {
    let mut fields = match &spec.output {
        WindowOutput::Aggregates(calls) => {
            let keys = spec.keys.iter().enumerate().map(|(i, key)| {
                let name =
                    key.as_slot().map_or_else(|| format!("key {}", i + 1).into(), |slot| input.fields()[slot.0 as usize].name.clone());
                Field::new(name, key.data_type().clone())
            });
            let calls = calls.iter().map(|call| Field::new(aggregate_text(call, input), call.data_type.clone()));
            keys.chain(calls).collect()
        }
        WindowOutput::Rows => input.fields().to_vec(),
    };
    let bounds = [("window start", DataType::Timestamp), ("window end", DataType::Timestamp), ("final", DataType::Bool)];
    fields.extend(bounds.map(|(name, data_type)| Field::new(name, data_type)));
    unique(fields)
}

/// Columns of a join: the left's and then the right's; of a semi or anti join the left's alone.
pub(super) fn of_join(kind: JoinKind, left: &Schema, right: &Schema) -> Arc<Schema> {
    let mut fields = left.fields().to_vec();
    match kind {
        JoinKind::Semi | JoinKind::Anti => {}
        JoinKind::Inner | JoinKind::Left | JoinKind::Right | JoinKind::Full | JoinKind::AsOf | JoinKind::LeftAsOf => {
            fields.extend(right.fields().iter().cloned());
        }
    }
    unique(fields)
}

/// The input's columns, and how many rows were held back.
pub(super) fn with_suppressed(input: &Schema) -> Arc<Schema> {
    let mut fields = input.fields().to_vec();
    fields.push(Field::new("suppressed", DataType::Int));
    unique(fields)
}

/// An aggregate as it is written.
pub(super) fn aggregate_text(call: &AggregateCall, input: &Schema) -> String {
    let args = if call.args.is_empty() { "*".to_owned() } else { list(&call.args, &[input]) };
    let distinct = if call.distinct { "DISTINCT " } else { "" };
    let filter = call.filter.as_ref().map_or_else(String::new, |f| format!(" FILTER (WHERE {})", in_words(f, &[input])));
    format!("{}({distinct}{args}){filter}", call.function.name())
}

/// Expressions in words.
pub(super) fn list(exprs: &[Expr], inputs: &[&Schema]) -> String {
    exprs.iter().map(|e| in_words(e, inputs)).collect::<Vec<_>>().join(", ")
}

/// The expression with its slots named by the columns of the inputs, side by side; of two inputs with their sides.
pub(crate) fn in_words(expr: &Expr, inputs: &[&Schema]) -> String {
    expr.to_text(&|slot: SlotId| {
        let mut at = slot.0 as usize;
        for (input, side) in inputs.iter().zip(["left.", "right."]) {
            match input.fields().get(at) {
                Some(field) if inputs.len() == 2 => return format!("{side}{}", field.name),
                Some(field) => return field.name.to_string(),
                None => at -= input.len(),
            }
        }
        format!("#{}", slot.0)
    })
}

fn unique(mut fields: Vec<Field>) -> Arc<Schema> {
    let mut taken: HashSet<Arc<str>> = HashSet::new();
    for field in &mut fields {
        let mut again = 1;
        let mut name = field.name.clone();
        while !taken.insert(name.clone()) {
            again += 1;
            name = format!("{} ({again})", field.name).into();
        }
        field.name = name;
    }
    Arc::new(Schema::new(fields))
}
