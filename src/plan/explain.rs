//! The operator graph as stable text: what feeds what, keys and windows in plain words, and how much each operator can come to hold.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use super::columns::{aggregate_text, in_words, list};
use super::graph::{Edge, LookupTable, Node, OperatorGraph, OperatorSpec, SourceNode, TableNode};
use super::notes::Notes;
use super::state::class_of;
use super::words::{pattern_in_words, term_in_words};
use crate::data::{Duration, Schema};
use crate::expr::Expr;
use crate::semantics::{OrderKey, Route};
use crate::spec::{
    Arrow, ComparedTerm, Comparison, CountSpec, EvaluatorChoice, JoinKind, JoinSpec, LookupSpec, PatternSpec, VariableId, WindowKind,
    WindowOutput, WindowSpec, attention, compared_terms,
};

/// The graph as text.
pub fn explain(graph: &OperatorGraph) -> String {
    explain_with(graph, &Notes::default())
}

/// The graph as text, with what else is to be said of its parts.
pub(crate) fn explain_with(graph: &OperatorGraph, notes: &Notes) -> String {
    let mut out = String::new();
    for (index, source) in graph.sources().iter().enumerate() {
        let _ = writeln!(out, "source {}", source.name);
        for line in of_source(source).iter().chain(notes.source(index)) {
            let _ = writeln!(out, "    {line}");
        }
    }
    for table in graph.tables() {
        let _ = writeln!(out, "table {}\n    {}", table.name, of_table(table));
    }
    out.extend(shared_text(graph));
    for (index, node) in graph.nodes().iter().enumerate() {
        let inputs: Vec<String> = node.inputs.iter().map(|&edge| edge_text(graph, edge)).collect();
        let _ = writeln!(out, "{} {} ← {}", index + 1, kind_text(&node.spec), inputs.join(", "));
        let more = notes.node(index).map_or(&[][..], |notes| &notes.lines);
        for line in of_node(graph, node).iter().chain(more) {
            let _ = writeln!(out, "    {line}");
        }
    }
    for (index, output) in graph.outputs().iter().enumerate() {
        let name = output.name.as_deref().map_or_else(|| format!("statement {}", output.statement + 1), str::to_owned);
        let _ = writeln!(out, "output {name} ← {}", edge_text(graph, output.edge));
        for line in notes.output(index) {
            let _ = writeln!(out, "    {line}");
        }
    }
    for line in &notes.end {
        let _ = writeln!(out, "{line}");
    }
    out
}

/// How many operators share one look at each event, if any do.
fn shared_text(graph: &OperatorGraph) -> Option<String> {
    let sharing = graph.nodes().iter().filter(|node| node.sharing.is_some());
    let mut terms: BTreeSet<String> = BTreeSet::new();
    let mut operators = 0;
    for node in sharing {
        operators += 1;
        let inputs: Vec<&Schema> = node.inputs.iter().map(|&edge| &**graph.schema(edge)).collect();
        match &node.spec {
            OperatorSpec::Pattern { spec, .. } => {
                let wanted = attention(spec).into_iter().flat_map(|attention| attention.wanted);
                terms.extend(wanted.flat_map(|wanted| {
                    let columns = [inputs[wanted.input]];
                    wanted.terms.into_iter().map(move |term| in_words(&term, &columns))
                }));
            }
            OperatorSpec::Filter(condition) => terms.extend([in_words(condition, &inputs)]),
            _ => {}
        }
    }
    (operators > 0)
        .then(|| format!("shared\n    one look at each event finds the rows of {operators} operators, by {} terms\n", terms.len()))
}

pub(crate) fn edge_text(graph: &OperatorGraph, edge: Edge) -> String {
    match edge {
        Edge::Source(id) => graph.sources()[id.0 as usize].name.to_string(),
        Edge::Late(id) => format!("late events of {}", graph.sources()[id.0 as usize].name),
        Edge::Node(id, 0) => (id.0 + 1).to_string(),
        Edge::Node(id, _) => format!("{} (timeouts)", id.0 + 1),
    }
}

pub(crate) fn kind_text(spec: &OperatorSpec) -> &'static str {
    match spec {
        OperatorSpec::Filter(_) => "filter",
        OperatorSpec::Project(_) => "project",
        OperatorSpec::Window(_) => "window",
        OperatorSpec::Join(_) => "join",
        OperatorSpec::Pattern { .. } => "pattern",
        OperatorSpec::CountMatches { .. } => "count matches",
        OperatorSpec::TopOfWindow { .. } => "order each window",
        OperatorSpec::Limit(_) => "limit",
        OperatorSpec::Until(_) => "until",
        OperatorSpec::Suppress { .. } => "suppress",
        OperatorSpec::Union => "union",
        OperatorSpec::Lookup { .. } => "lookup",
        OperatorSpec::View { .. } => "view",
    }
}

pub(crate) fn of_source(source: &SourceNode) -> Vec<String> {
    let mut lines = Vec::new();
    let read_as = &source.read_as;
    let fields = source.schema.fields();
    lines.push(match &read_as.route {
        Route::All => "every event".to_owned(),
        Route::Type { field, value } => match field {
            Some(path) => format!("events with {} = '{value}'", path.join(".")),
            None => format!("events of type '{value}'"),
        },
        Route::When(condition) => format!("events with {}", in_words(condition, &[&source.schema])),
    });
    let mut time = read_as.time_column.map_or_else(|| "time of arrival".to_owned(), |c| format!("time {}", fields[c].name));
    for &tie in &read_as.tie_columns {
        let _ = write!(time, ", then {}", fields[tie].name);
    }
    let _ = write!(time, ", delay {}", read_as.delay);
    if let Some(idle) = read_as.idle_after {
        let _ = write!(time, ", idle after {idle}");
    }
    lines.push(time);
    let needed = fields.iter().zip(&source.needed).filter(|(_, needed)| **needed);
    let needed: Vec<String> = needed.map(|(field, _)| format!("{} {}", field.name, field.data_type)).collect();
    lines.push(match (source.is_read, needed.is_empty()) {
        (false, _) => "nothing reads it".to_owned(),
        (true, true) => "decodes no column".to_owned(),
        (true, false) => format!("decodes {}", needed.join(", ")),
    });
    if let Some(wanted) = &source.wanted {
        lines.push(format!("puts in order only events with {}", in_words(wanted, &[&source.schema])));
    }
    lines
}

pub(crate) fn of_node(graph: &OperatorGraph, node: &Node) -> Vec<String> {
    let inputs: Vec<&Schema> = node.inputs.iter().map(|&edge| &**graph.schema(edge)).collect();
    let mut lines = match &node.spec {
        OperatorSpec::Filter(condition) => vec![in_words(condition, &inputs)],
        OperatorSpec::Project(exprs) => vec![project_text(exprs, &inputs, &node.ports[0])],
        OperatorSpec::Window(spec) => of_window(spec, inputs[0]),
        OperatorSpec::Join(spec) => of_join(spec, &inputs),
        OperatorSpec::Pattern { spec, names, evaluator } => of_pattern(spec, names, evaluator),
        OperatorSpec::CountMatches { spec, names } => of_counts(spec, names),
        OperatorSpec::TopOfWindow { order, limit, .. } => vec![order_text(order, *limit, &inputs)],
        OperatorSpec::Limit(rows) => vec![format!("ends after {rows} rows")],
        OperatorSpec::Until(rows) => vec![format!("its first rows until {rows} have come by the second")],
        OperatorSpec::Suppress { keys, duration } => {
            vec![format!("one row for each ({}), then none for {duration}", list(keys, &inputs))]
        }
        OperatorSpec::Union => Vec::new(),
        OperatorSpec::Lookup { spec, table } => of_lookup(graph, spec, table, &inputs),
        OperatorSpec::View { name, key } => vec![match key_text(key, &node.ports[0]) {
            key if key.is_empty() => format!("keeps the newest row as the table {name}"),
            key => format!("keeps the newest row of each ({key}) as the table {name}"),
        }],
    };
    if node.sharing.is_some() {
        lines.push("its terms are shared: it is given the rows for which they hold".to_owned());
    }
    lines.push(format!("state {}", class_of(node).text()));
    lines
}

fn project_text(exprs: &[Expr], inputs: &[&Schema], schema: &Schema) -> String {
    let columns = exprs.iter().zip(schema.fields()).map(|(expr, field)| {
        let text = in_words(expr, inputs);
        if text == *field.name { text } else { format!("{text} AS {}", field.name) }
    });
    columns.collect::<Vec<_>>().join(", ")
}

fn of_window(spec: &WindowSpec, input: &Schema) -> Vec<String> {
    let each = if spec.keys.is_empty() { String::new() } else { format!("for each ({}): ", list(&spec.keys, &[input])) };
    let window = match &spec.kind {
        WindowKind::Running => "all rows so far; one row comes out for each row".to_owned(),
        WindowKind::Hopping { size, every, offset, zone } => hopping_text(*size, *every, *offset, *zone),
        WindowKind::Sliding(size) => format!("the rows of the last {size}; one row comes out for each row"),
        WindowKind::Session { gap, max } => {
            let bound = max.map_or_else(String::new, |max| format!(", or by lasting {max}"));
            format!("sessions closed by a gap of more than {gap}{bound}")
        }
        WindowKind::Rows(count) => format!("each {count} rows"),
        WindowKind::LastRows(count) => format!("the last {count} rows; one row comes out for each row"),
    };
    let mut lines = vec![format!("{each}{window}")];
    match &spec.output {
        WindowOutput::Aggregates(calls) if calls.is_empty() => {}
        WindowOutput::Aggregates(calls) => {
            lines.push(calls.iter().map(|call| aggregate_text(call, input)).collect::<Vec<_>>().join(", "));
        }
        WindowOutput::Rows => lines.push("its rows, when it closes".to_owned()),
    }
    lines.extend(spec.emit_every.map(|every| format!("early rows every {every}")));
    lines
}

fn hopping_text(size: Duration, every: Duration, offset: Duration, zone: Option<chrono_tz::Tz>) -> String {
    let mut text = format!("windows of {size}");
    if every != size {
        let _ = write!(text, ", one every {every}");
    }
    if offset.0 != 0 {
        let _ = write!(text, ", shifted by {offset}");
    }
    if let Some(zone) = zone {
        let _ = write!(text, ", by the calendar of {zone}");
    }
    text + "; rows come out when the watermark passes the end"
}

fn of_join(spec: &JoinSpec, inputs: &[&Schema]) -> Vec<String> {
    let kind = match spec.kind {
        JoinKind::Inner => "pairs",
        JoinKind::Left => "pairs, and left rows without a partner",
        JoinKind::Right => "pairs, and right rows without a partner",
        JoinKind::Full => "pairs, and rows of both sides without a partner",
        JoinKind::Semi => "left rows with a partner, once each",
        JoinKind::Anti => "left rows without a partner",
        JoinKind::AsOf => "left rows with the latest right row at or before them",
        JoinKind::LeftAsOf => "left rows with the latest right row at or before them, or NULLs",
    };
    let mut lines = vec![kind.to_owned()];
    let keys = spec.left_keys.iter().zip(&spec.right_keys);
    let keys: Vec<String> =
        keys.map(|(l, r)| format!("left {} = right {}", in_words(l, &inputs[..1]), in_words(r, &inputs[1..]))).collect();
    if !keys.is_empty() {
        lines.push(format!("with {}", keys.join(" AND ")));
    }
    lines.push(match (spec.before.0, spec.after.0) {
        (i64::MAX, _) => "the right row at any time before".to_owned(),
        (before, after) if before == after => format!("at most {} apart", spec.before),
        _ => format!("the right row at most {} before or {} after", spec.before, spec.after),
    });
    lines.extend(spec.residual.iter().map(|residual| format!("and {}", in_words(residual, inputs))));
    match spec.kind {
        JoinKind::Inner => {}
        JoinKind::Left | JoinKind::Right | JoinKind::Full | JoinKind::Semi | JoinKind::Anti | JoinKind::AsOf | JoinKind::LeftAsOf => {
            lines.push("rows come out when the watermark says that nothing changes them any more".to_owned());
        }
    }
    lines
}

fn key_text(key: &[usize], schema: &Schema) -> String {
    key.iter().map(|&column| &*schema.fields()[column].name).collect::<Vec<_>>().join(", ")
}

fn of_table(table: &TableNode) -> String {
    let mut text = format!("read from {}", table.file.path);
    if !table.key.is_empty() {
        let _ = write!(text, ", key ({})", key_text(&table.key, &table.schema));
    }
    if let Some(column) = table.file.time_column {
        let _ = write!(text, ", each row from its {} on", table.schema.fields()[column].name);
    }
    text
}

fn of_lookup(graph: &OperatorGraph, spec: &LookupSpec, table: &LookupTable, inputs: &[&Schema]) -> Vec<String> {
    let (name, right, when) = match table {
        LookupTable::File(index) => {
            let table = &graph.tables()[*index];
            let when = if table.file.time_column.is_some() { ", as it is at the time of the row" } else { "" };
            (&table.name, &*table.schema, when)
        }
        LookupTable::View { name, .. } => (name, inputs[1], ", as it is behind the row's event"),
    };
    let kind = match spec.kind {
        JoinKind::Left => "rows with what the table has for them, or NULLs",
        JoinKind::Semi => "rows for which the table has something, once each",
        JoinKind::Anti => "rows for which the table has nothing",
        JoinKind::Inner | JoinKind::Right | JoinKind::Full | JoinKind::AsOf | JoinKind::LeftAsOf => "rows with what the table has for them",
    };
    let mut lines = vec![format!("in {name}{when}"), kind.to_owned()];
    let keys = spec.left_keys.iter().zip(&spec.right_keys);
    let keys: Vec<String> = keys.map(|(l, r)| format!("{} = table {}", in_words(l, &inputs[..1]), in_words(r, &[right]))).collect();
    if !keys.is_empty() {
        lines.push(format!("with {}", keys.join(" AND ")));
    }
    lines.extend(spec.residual.iter().map(|residual| format!("and {}", in_words(residual, &[inputs[0], right]))));
    lines
}

/// What a pattern means, and the evaluator that runs it.
fn of_pattern(spec: &PatternSpec, names: &[Arc<str>], evaluator: &EvaluatorChoice) -> Vec<String> {
    let mut lines = pattern_in_words(spec, names);
    lines.push(format!("evaluator: {}", evaluator.text()));
    if let EvaluatorChoice::StepLists(steps) = evaluator {
        lines.extend(of_indexes(spec, steps));
    }
    lines
}

/// By what those that wait for a step are found, where they are many.
fn of_indexes(spec: &PatternSpec, steps: &[(VariableId, Arrow)]) -> Vec<String> {
    let variables: Vec<VariableId> = steps.iter().map(|(variable, _)| *variable).collect();
    // What follows at once or never is never many.
    let may_be_many = (1..steps.len()).filter(|at| steps[*at].1 != Arrow::Strict);
    let of_step = |at: usize| {
        let terms = compared_terms(spec, &variables, at);
        let name = &spec.variables[variables[at].0 as usize].name;
        let is_found = |term: &&ComparedTerm| term.comparisons.iter().any(Comparison::is_found);
        let found: Vec<String> = terms.iter().filter(is_found).map(|term| term_in_words(spec, &term.term)).collect();
        match (found.is_empty(), terms.is_empty()) {
            (_, true) => None,
            (true, false) => Some(format!("what waits for `{name}` is looked at one by one: no term is for an index")),
            (false, false) => Some(format!("what waits for `{name}`, where it is much, is found by an index on {}", found.join(" or "))),
        }
    };
    may_be_many.filter_map(of_step).collect()
}

/// What a pattern means, and the window that its matches come to as numbers.
fn of_counts(spec: &CountSpec, names: &[Arc<str>]) -> Vec<String> {
    let mut lines = pattern_in_words(&spec.pattern, names);
    lines.push("evaluator: counters for each step (every `->>`, unary terms); no match is listed".to_owned());
    lines.extend(of_window(&spec.window, &spec.columns));
    lines
}

fn order_text(order: &[OrderKey], limit: Option<u64>, inputs: &[&Schema]) -> String {
    let keys = order.iter().map(|key| {
        let direction = if key.descending { " DESC" } else { "" };
        let nulls = if key.nulls_first == key.descending {
            ""
        } else if key.nulls_first {
            " NULLS FIRST"
        } else {
            " NULLS LAST"
        };
        format!("{}{direction}{nulls}", in_words(&key.expr, inputs))
    });
    let first = limit.map_or_else(String::new, |limit| format!("the first {limit} "));
    format!("{first}by {}", keys.collect::<Vec<_>>().join(", "))
}
