//! A program as JSON: its parts with what `explain` says of them, what feeds what, and what was measured.

use serde_json::{Value, json};

use super::figures::Figures;
use crate::plan::{OperatorGraph, edge_text, kind_text, of_node, of_source};

/// One object, indented.
pub(crate) fn json(graph: &OperatorGraph, figures: Option<&Figures>) -> String {
    let sources = graph.sources().iter().enumerate().map(|(index, source)| {
        let part = json!({ "name": &*source.name, "is_read": source.is_read, "text": of_source(source) });
        with(part, figures.and_then(|figures| figures.sources.get(index)))
    });
    let operators = graph.nodes().iter().enumerate().map(|(index, node)| {
        let inputs: Vec<String> = node.inputs.iter().map(|&edge| edge_text(graph, edge)).collect();
        let part = json!({
            "number": index + 1,
            "kind": kind_text(&node.spec),
            "statement": node.statement + 1,
            "inputs": inputs,
            "text": of_node(graph, node),
        });
        with(part, figures.and_then(|figures| figures.operators.get(index)))
    });
    let outputs = graph.outputs().iter().enumerate().map(|(index, output)| {
        let part = json!({ "name": output.name.as_deref(), "statement": output.statement + 1, "input": edge_text(graph, output.edge) });
        with(part, figures.and_then(|figures| figures.outputs.get(index)))
    });
    let mut whole = json!({
        "sources": sources.collect::<Vec<_>>(),
        "operators": operators.collect::<Vec<_>>(),
        "outputs": outputs.collect::<Vec<_>>(),
    });
    if let (Some(figures), Some(whole)) = (figures, whole.as_object_mut()) {
        let bare = Figures { sources: Vec::new(), operators: Vec::new(), outputs: Vec::new(), ..figures.clone() };
        if let Ok(Value::Object(mut run)) = serde_json::to_value(&bare) {
            ["sources", "operators", "outputs"].iter().for_each(|part| {
                run.remove(*part);
            });
            whole.insert("run".to_owned(), Value::Object(run));
        }
    }
    serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
}

/// A part, with its figures in it; what both say is said once.
fn with<T: serde::Serialize>(mut part: Value, figures: Option<&T>) -> Value {
    let Some(Ok(Value::Object(figures))) = figures.map(serde_json::to_value) else { return part };
    if let Some(fields) = part.as_object_mut() {
        for (name, value) in figures {
            fields.entry(name).or_insert(value);
        }
    }
    part
}
