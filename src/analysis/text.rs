//! Figures in words: the lines below each operator in the text of `explain`, and the shorter ones in the boxes of pictures.

use super::figures::{Figures, Held, OperatorFigures, StepFigures, TermFigures};
use crate::plan::{NodeNotes, Notes, OperatorGraph, OperatorSpec, StateClass, class_of};
use crate::spec::EvaluatorChoice;
use crate::text::grouped;

/// What is said of each part of the graph.
pub(super) fn notes(graph: &OperatorGraph, figures: &Figures) -> Notes {
    let sources = figures.sources.iter().map(|source| {
        let of_them = [(source.late, "late"), (source.waiting, "waited for the end of input")];
        let of_them = of_them.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {} of them {what}", grouped(*count)));
        let of_them: String = of_them.collect();
        vec![format!("{}{of_them}", counted(source.events, "event", "events"))]
    });
    let nodes = graph.nodes().iter().zip(&figures.operators).map(|(node, operator)| {
        let has_state = class_of(node) != StateClass::Constant || operator.most != Held::default();
        let unit = has_state.then(|| unit(&node.spec));
        NodeNotes {
            lines: lines(operator, unit, figures.nanos),
            brief: brief(operator, unit, figures.nanos),
            steps: operator.steps.iter().map(|step| in_box(step, &operator.terms)).collect(),
        }
    });
    let outputs = figures.outputs.iter().map(|output| vec![counted(output.rows, "row", "rows")]);
    Notes { sources: sources.collect(), nodes: nodes.collect(), outputs: outputs.collect(), end: of_run(figures) }
}

/// What an operator holds besides keys: one, several.
type Unit = (&'static str, &'static str);

fn unit(spec: &OperatorSpec) -> Unit {
    match spec {
        OperatorSpec::Pattern { evaluator: EvaluatorChoice::RankColumns(_) | EvaluatorChoice::WayColumns, .. } => ("event", "events"),
        OperatorSpec::CountMatches { .. } => ("event", "events"),
        OperatorSpec::Pattern { .. } => ("run", "runs"),
        _ => ("row", "rows"),
    }
}

/// The lines below an operator; `unit` is what it holds, if it holds anything.
fn lines(operator: &OperatorFigures, unit: Option<Unit>, whole: Option<u64>) -> Vec<String> {
    let mut lines = vec![format!("rows   {}", rows(operator))];
    if let Some(unit) = unit {
        let (now, most) = (held(&operator.held, unit), held(&operator.most, unit));
        lines.push(if now == most { format!("held   {now}") } else { format!("held   {now} before the end of input; at most {most}") });
    }
    if operator.dropped > 0 {
        lines.push(format!("lost   {} given up at a bound: rows may be missing", counted(operator.dropped, "run", "runs")));
    }
    if operator.eval_nulls > 0 {
        lines.push(format!("nulls  {} made up (division by zero, overflow, failed casts)", grouped(operator.eval_nulls)));
    }
    lines.extend(operator.nanos.map(|nanos| format!("time   {}", time(nanos, whole))));
    lines.extend(under("steps", steps(&operator.steps)));
    lines.extend(under("terms", terms(&operator.terms)));
    lines
}

fn steps(steps: &[StepFigures]) -> Table {
    let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), grouped);
    let row = |step: &StepFigures| {
        let counts = [Some(step.events), Some(step.fit), step.taken, step.runs].map(number);
        std::iter::once(step.name.clone()).chain(counts).collect()
    };
    Table { head: &["step", "events", "fit", "taken", "runs"], texts: 1, rows: steps.iter().map(row).collect() }
}

fn terms(terms: &[TermFigures]) -> Table {
    let has_steps = terms.iter().any(|term| term.step.is_some());
    let row = |term: &TermFigures| {
        let step = has_steps.then(|| term.step.clone().unwrap_or_default());
        let counts = [term.text.clone(), grouped(term.asked), grouped(term.held), share(term.held, term.asked)];
        step.into_iter().chain(counts).collect()
    };
    let (head, texts): (&'static [&'static str], usize) =
        if has_steps { (&["step", "term", "asked", "true", ""], 2) } else { (&["term", "asked", "true", ""], 1) };
    Table { head, texts, rows: terms.iter().map(row).collect() }
}

/// What is said in the box of an operator.
fn brief(operator: &OperatorFigures, unit: Option<Unit>, whole: Option<u64>) -> Vec<String> {
    let mut lines = vec![rows(operator)];
    lines.extend(unit.map(|unit| format!("held at most {}", held(&operator.most, unit))));
    lines.extend(operator.nanos.map(|nanos| time(nanos, whole)));
    // Those of a step stand in its own box.
    lines.extend(operator.terms.iter().filter(|term| term.step.is_none()).map(truth));
    lines
}

/// What is said in the box of a step.
fn in_box(step: &StepFigures, terms: &[TermFigures]) -> Vec<String> {
    let taken = step.taken.zip(step.runs).map(|(taken, runs)| format!("{} taken by {}", grouped(taken), counted(runs, "run", "runs")));
    let of_step = terms.iter().filter(|term| term.step.as_ref() == Some(&step.name)).map(truth);
    taken.into_iter().chain(of_step).collect()
}

fn truth(term: &TermFigures) -> String {
    format!("{}: {} of {}", term.text, grouped(term.held), grouped(term.asked))
}

/// What is said of the run as a whole.
fn of_run(figures: &Figures) -> Vec<String> {
    let lost = [(figures.late, "late"), (figures.bad, "bad"), (figures.unrouted, "of no stream")];
    let lost: Vec<String> =
        lost.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", grouped(*count))).collect();
    let lost = if lost.is_empty() { String::new() } else { format!(" ({})", lost.join(", ")) };
    let events = counted(figures.events, "event", "events");
    let mut lines = vec!["run".to_owned(), format!("    {events} in{lost}, {} out", counted(figures.rows, "row", "rows"))];
    if let Some(whole) = figures.nanos {
        let operators: u64 = figures.operators.iter().filter_map(|operator| operator.nanos).sum();
        let shared = figures.shared_nanos.map(|nanos| format!(", the look that they share {}", share(nanos, whole)));
        let rest = whole.saturating_sub(operators + figures.shared_nanos.unwrap_or(0));
        let (operators, shared, rest) = (share(operators, whole), shared.unwrap_or_default(), share(rest, whole));
        lines.push(format!("    time   {}: operators {operators}{shared}, reading lines and putting events in order {rest}", span(whole)));
    }
    lines.extend(figures.notes.iter().map(|note| format!("    note   {note}")));
    lines
}

fn rows(operator: &OperatorFigures) -> String {
    let (came, gave) = (operator.rows_in, operator.rows_out);
    let share = if came > 0 { format!(" ({})", share(gave, came)) } else { String::new() };
    format!("{} in, {} out{share}", grouped(came), grouped(gave))
}

fn held(held: &Held, unit: Unit) -> String {
    let keys = (held.keys > 0).then(|| counted(held.keys, "key", "keys"));
    let rows = (held.rows > 0).then(|| counted(held.rows, unit.0, unit.1));
    let bytes = held.bytes.filter(|bytes| *bytes > 0).map(size);
    let parts: Vec<String> = [keys, rows, bytes].into_iter().flatten().collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

fn size(bytes: u64) -> String {
    match bytes {
        ..10_000 => format!("{} bytes", grouped(bytes)),
        10_000..10_000_000 => format!("{} kB", grouped(bytes / 1_000)),
        _ => format!("{} MB", grouped(bytes / 1_000_000)),
    }
}

fn time(nanos: u64, whole: Option<u64>) -> String {
    let share = whole.map_or_else(String::new, |whole| format!(" ({} of the run)", share(nanos, whole)));
    format!("{}{share}", span(nanos))
}

/// A length of time in the unit that suits it.
fn span(nanos: u64) -> String {
    let of = |unit: f64| nanos as f64 / unit;
    match nanos {
        ..1_000_000 => format!("{:.0} µs", of(1e3)),
        1_000_000..100_000_000 => format!("{:.1} ms", of(1e6)),
        100_000_000..1_000_000_000 => format!("{:.0} ms", of(1e6)),
        _ => format!("{:.2} s", of(1e9)),
    }
}

/// A part of a whole in per cent; nothing of nothing.
fn share(part: u64, whole: u64) -> String {
    let percent = part as f64 * 100.0 / whole as f64;
    match (part, whole) {
        (_, 0) => String::new(),
        (0, _) => "0 %".to_owned(),
        (part, whole) if part.is_multiple_of(whole) => format!("{percent:.0} %"),
        _ if percent < 0.05 => "<0.1 %".to_owned(),
        _ => format!("{percent:.1} %"),
    }
}

fn counted(count: u64, one: &str, several: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {several}", grouped(count)) }
}

/// Rows below a head, in columns.
struct Table {
    head: &'static [&'static str],
    /// So many columns are texts, which begin on the left; the others are numbers.
    texts: usize,
    rows: Vec<Vec<String>>,
}

/// A table behind its name; nothing where it has no row.
fn under(name: &str, table: Table) -> Vec<String> {
    if table.rows.is_empty() {
        return Vec::new();
    }
    let head: Vec<String> = table.head.iter().map(|name| (*name).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&head).chain(&table.rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |(number, row): (usize, &&Vec<String>)| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let room = " ".repeat(width - cell.chars().count());
            if column < table.texts { format!("{cell}{room}") } else { format!("{room}{cell}") }
        });
        let name = if number == 0 { name } else { "" };
        format!("{name:5}  {}", cells.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    all.iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::{share, size, span};

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [share(0, 0), share(0, 5), share(5, 5), share(1, 3), share(1, 100_000), share(10, 5)],
            ["", "0 %", "100 %", "33.3 %", "<0.1 %", "200 %"]
        );
        assert_eq!([span(999), span(1_500_000), span(250_000_000), span(2_500_000_000)], ["1 µs", "1.5 ms", "250 ms", "2.50 s"]);
        assert_eq!([size(9_999), size(20_500), size(25_000_000)], ["9,999 bytes", "20 kB", "25 MB"]);
    }
}
