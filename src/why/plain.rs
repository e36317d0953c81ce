//! The answer, statement by statement: where the rows stopped, and what the operator there refused.

use std::sync::Arc;

use super::Watching;
use super::answer::{Answer, Reason, StatementAnswer, Term};
use super::intake::Intake;
use super::lines::Lines;
use super::pattern::{Limit, SourceSeen, Speaker};
use super::said::{Program, columns, counted, event, grouped, literal, where_is};
use super::taps::{FilterNotes, JoinNotes, Notes, WindowNotes, locked};
use crate::data::Schema;
use crate::expr::Expr;
use crate::plan::{Edge, Node, OperatorSpec, in_words};
use crate::semantics::Output;
use crate::spec::{JoinSpec, WindowKind, WindowSpec};

/// What is known of the whole run.
struct Run<'r> {
    watching: &'r Watching,
    program: &'r Program<'r>,
    counts: &'r [(u64, u64)],
    sources: &'r [SourceSeen],
    intake: &'r Intake,
    lines: &'r Lines,
    /// By statement, its operators.
    of_statement: Vec<Vec<usize>>,
}

pub(super) fn answer(watching: Watching, program: &Program<'_>, counts: &[(u64, u64)], sources: &[SourceSeen], intake: &Intake) -> Answer {
    let lines = watching.lines(std::mem::take);
    let mut of_statement = vec![Vec::new(); program.checked.statements.len()];
    for (index, node) in program.graph.nodes().iter().enumerate() {
        if let Some(nodes) = of_statement.get_mut(node.statement) {
            nodes.push(index);
        }
    }
    let run = Run { watching: &watching, program, counts, sources, intake, lines: &lines, of_statement };
    let mut statements = Vec::new();
    for number in 0..program.checked.statements.len() {
        let name = run.name_of(number);
        let is_asked = watching.question.statement.as_ref().is_none_or(|asked| *asked == name);
        if is_asked && let Some(answer) = run.statement(number, name) {
            statements.push(answer);
        }
    }
    let notes = run.notes();
    Answer { statements, notes, program: program.source.text().to_owned(), name: program.source.name().to_owned() }
}

impl Run<'_> {
    fn name_of(&self, statement: usize) -> String {
        match self.program.checked.statements[statement].output {
            Output::Stream(id) => self.program.checked.streams[id.0 as usize].name.to_string(),
            Output::Unnamed => format!("statement {}", statement + 1),
        }
    }

    /// The operators of a statement, in order.
    fn nodes(&self, statement: usize) -> impl Iterator<Item = (usize, &Node)> {
        let nodes = self.program.graph.nodes();
        self.of_statement[statement].iter().map(|&index| (index, &*nodes[index]))
    }

    fn statement(&self, number: usize, name: String) -> Option<StatementAnswer> {
        let (last, _) = self.nodes(number).last()?;
        let span = self.program.checked.statements[number].span;
        let mut answer = StatementAnswer {
            name,
            line: self.program.source.line_of(span.start),
            rows: self.counts[last].1,
            matches: None,
            runs: None,
            reason: None,
            misses: Vec::new(),
            notes: Vec::new(),
        };
        for (index, node) in self.nodes(number) {
            if let (OperatorSpec::Pattern { names, .. }, Notes::Pattern(tracer)) = (&node.spec, &self.watching.notes[index]) {
                self.tell_pattern(&mut answer, (node, names), tracer);
            }
        }
        if answer.reason.is_none() {
            answer.reason = self.blocking(number, answer.rows);
        }
        self.tell_left_out(&mut answer, number);
        // Once a condition behind the pattern has refused its matches, the runs without a match are not what is asked about.
        let is_refused_behind = answer.rows == 0 && answer.matches.is_some_and(|matches| matches > 0);
        if is_refused_behind {
            answer.notes.push("its pattern has matches: what stands behind the pattern refused them".to_owned());
        }
        Some(answer)
    }

    fn tell_pattern(
        &self,
        answer: &mut StatementAnswer,
        (node, names): (&Node, &[Arc<str>]),
        tracer: &super::taps::Shared<Option<super::Tracer>>,
    ) {
        let Some(mut traced) = locked(tracer, Option::take).map(super::Tracer::finish) else { return };
        let spec = traced.spec.clone();
        let limit = Limit(self.watching.threads);
        let speaker = Speaker::new(self.program, (node, names), &spec, self.lines, (self.sources, self.intake), limit);
        answer.matches = Some(answer.matches.unwrap_or(0) + traced.matches);
        answer.runs = Some(answer.runs.unwrap_or(0) + traced.runs);
        if traced.matches == 0 && traced.runs == 0 && !self.is_narrowed() {
            answer.reason = self.nothing_came(node).or_else(|| speaker.no_start(&traced));
        }
        answer.misses.extend(speaker.misses(&mut traced, &self.watching.question));
        if traced.not_followed > 0 {
            answer
                .notes
                .push(format!("{} were too many at once to be followed to their ends", counted(traced.not_followed, "run", "runs")));
        }
        if traced.dropped > 0 {
            answer.notes.push(format!(
                "the pattern itself gave up {} at its bound of {}",
                counted(traced.dropped, "run", "runs"),
                grouped(self.watching.threads as u64)
            ));
        }
        if traced.let_go > 0 {
            answer.notes.push(format!("of {} only the furthest were kept", counted(traced.runs, "run", "runs")));
        }
        let help = "; --key follows one of them";
        answer.notes.extend(left_out_of("the pattern", self.watching.question.keys(), traced.beyond, help));
        if traced.without_key > 0 {
            answer.notes.push(format!("{} took no part: a NULL in the key of PARTITION BY", counted(traced.without_key, "row", "rows")));
        }
    }

    /// Rows whose keys were too many to be followed.
    fn tell_left_out(&self, answer: &mut StatementAnswer, number: usize) {
        let most = self.watching.question.keys();
        for (index, _) in self.nodes(number) {
            let (what, left_out) = match &self.watching.notes[index] {
                Notes::Join(notes) => ("the join", locked(notes, |notes| notes.left_out)),
                Notes::Window(notes) => ("the window", locked(notes, |notes| notes.left_out)),
                Notes::Pattern(_) | Notes::Filter(_) | Notes::Nothing => continue,
            };
            answer.notes.extend(left_out_of(what, most, left_out, ""));
        }
    }

    fn is_narrowed(&self) -> bool {
        !self.watching.question.key.is_empty() || self.watching.question.at.is_some()
    }

    /// Why nothing comes to an operator, where nothing does.
    fn nothing_came(&self, node: &Node) -> Option<Reason> {
        if node.inputs.iter().any(|edge| self.rows_of(*edge) > 0) {
            return None;
        }
        node.inputs.first().and_then(|edge| self.why_empty(*edge))
    }

    /// Rows that came by an edge.
    fn rows_of(&self, edge: Edge) -> u64 {
        match edge {
            Edge::Source(id) => self.sources.get(id.0 as usize).map_or(0, |source| source.events.saturating_sub(source.late)),
            Edge::Late(id) => self.sources.get(id.0 as usize).map_or(0, |source| source.late),
            Edge::Node(id, _) => self.counts.get(id.0 as usize).map_or(0, |counts| counts.1),
        }
    }

    /// Why no row came by an edge.
    fn why_empty(&self, edge: Edge) -> Option<Reason> {
        match edge {
            Edge::Source(id) => {
                let seen = self.sources.get(id.0 as usize)?;
                let source = &self.program.graph.sources()[id.0 as usize];
                Some(self.why_no_event(seen, source))
            }
            Edge::Late(id) => {
                let name = &self.program.graph.sources()[id.0 as usize].name;
                Some(Reason::new("no_event", format!("no event of `{name}` was late")))
            }
            Edge::Node(id, _) => {
                let node = &self.program.graph.nodes()[id.0 as usize];
                let name = self.name_of(node.statement);
                Some(Reason::new("no_row", format!("it reads `{name}`, which gave no row")).hint(format!("betide why --statement {name}")))
            }
        }
    }

    fn why_no_event(&self, seen: &SourceSeen, source: &crate::plan::SourceNode) -> Reason {
        let name = &seen.name;
        if seen.events > 0 && seen.late == seen.events {
            let text = format!("every event of `{name}` was late: {}", grouped(seen.late));
            return Reason::new("late", text).hint(format!("a longer DELAY on `{name}` waits for them"));
        }
        if self.intake.bad > 0 && self.intake.unrouted == 0 && self.sources.iter().all(|source| source.events == 0) {
            let first = self.intake.lost.iter().find(|lost| lost.bad.is_some());
            let detail = first.and_then(|lost| lost.bad.clone()).unwrap_or_default();
            let (input, line) = self.lines.of_input(first.map_or(0, |lost| lost.line));
            let at = input.map_or_else(|| format!("line {line}"), |input| format!("{input}:{line}"));
            return Reason::new("bad_event", format!("every event was bad; the first: {at}: {detail}"));
        }
        let crate::plan::Route::Type { value, field } = &source.read_as.route else {
            return Reason::new("never_seen", format!("the input has no event of `{name}`"));
        };
        let field = field.as_deref().unwrap_or(self.program.type_field).join(".");
        let text = format!("the input has no event of `{name}`: its events have {field} = '{value}'");
        let came: Vec<String> = self.intake.types.iter().take(5).map(|(kind, count)| format!("'{kind}' ({})", grouped(*count))).collect();
        let text = if came.is_empty() { text } else { format!("{text}; of no stream are {}", came.join(", ")) };
        let reason = Reason::new("never_seen", text);
        let near = crate::text::nearest(value, self.intake.types.keys().map(String::as_str));
        let first = near.first().copied().or_else(|| self.intake.types.keys().map(String::as_str).find(|_| self.intake.types.len() == 1));
        Reason { hint: first.map(|other| format!("WITH (type = '{other}') on `{name}` takes them")), ..reason }
    }

    /// The operator that let nothing through, or, where rows came out, the condition that refused the most.
    fn blocking(&self, statement: usize, rows: u64) -> Option<Reason> {
        let nodes: Vec<(usize, &Node)> = self.nodes(statement).collect();
        if rows == 0 {
            let (index, node) = *nodes.iter().find(|(index, _)| self.counts[*index].1 == 0)?;
            if let Some(reason) = self.nothing_came(node) {
                return Some(reason);
            }
            return self.why_none_of(index, node);
        }
        let refusing = nodes
            .iter()
            .filter(|(index, node)| matches!(node.spec, OperatorSpec::Filter(_)) && self.counts[*index].1 < self.counts[*index].0);
        let (index, node) = *refusing.max_by_key(|(index, _)| self.counts[*index].0 - self.counts[*index].1)?;
        self.why_none_of(index, node)
    }

    fn why_none_of(&self, index: usize, node: &Node) -> Option<Reason> {
        let (came, gave) = self.counts[index];
        match (&self.watching.notes[index], &node.spec) {
            (Notes::Filter(notes), _) => locked(notes, |notes| Some(self.filter(notes, node))),
            (Notes::Join(notes), OperatorSpec::Join(spec)) => locked(notes, |notes| Some(self.join(notes, spec, node))),
            (Notes::Window(notes), OperatorSpec::Window(spec)) => locked(notes, |notes| Some(window(notes, spec))),
            (Notes::Pattern(_), _) => None,
            (_, OperatorSpec::Lookup { .. }) => {
                Some(Reason::new("no_partner", format!("the table has no partner for {}", counted(came, "row", "rows"))))
            }
            (_, OperatorSpec::Limit(most)) => {
                Some(Reason::new("limit", format!("LIMIT {most} let {} of {} through", grouped(gave), counted(came, "row", "rows"))))
            }
            _ => Some(Reason::new(
                "refused",
                format!("an operator gave nothing for {} ({} of betide explain)", counted(came, "row", "rows"), index + 1),
            )),
        }
    }

    fn filter(&self, notes: &FilterNotes, node: &Node) -> Reason {
        let input = node.inputs.first().copied();
        let schema = input.map(|edge| self.program.graph.schema(edge).clone()).unwrap_or_default();
        let is_having =
            matches!(input, Some(Edge::Node(id, _)) if matches!(self.program.graph.nodes()[id.0 as usize].spec, OperatorSpec::Window(_)));
        let clause = if is_having { "HAVING" } else { "WHERE" };
        let cause = if is_having { "having" } else { "where" };
        let of = counted(notes.rows, "row", "rows");
        let text = if notes.passed == 0 {
            format!("{clause} was true for none of {of}")
        } else {
            format!("{clause} was true for {} of {of}", grouped(notes.passed))
        };
        let mut reason = Reason::new(cause, text);
        let words = |expr: &Expr| in_words(expr, &[&schema]);
        if let Some(closest) = notes.refused.first() {
            let shown: Vec<usize> = columns_of(&notes.terms, &schema);
            let values = columns(&schema, &shown, |column| closest.row.value(column, 0).into_owned());
            let stream = input.map(|edge| self.stream(edge)).unwrap_or_default();
            reason = reason.event(event(self.lines, closest.place, &stream, values), None);
            let of_all = |term: &Expr| notes.terms.iter().position(|known| known == term).map(|at| (notes.true_for[at], notes.rows));
            let told =
                closest.terms.iter().map(|found| Term { true_for: of_all(&found.term), ..self.program.term(found, node.span, &words) });
            reason.terms = told.collect();
            // Each term alone may be true often, and all of them together never.
            let never: Vec<&Expr> =
                notes.terms.iter().zip(&notes.true_for).filter(|(_, count)| **count == 0).map(|(term, _)| term).collect();
            if never.is_empty() && notes.terms.len() > 1 && notes.passed == 0 {
                reason.text.push_str(", though each of its terms was true for some");
            }
        }
        reason
    }

    fn stream(&self, edge: Edge) -> String {
        match edge {
            Edge::Source(id) | Edge::Late(id) => self.program.graph.sources()[id.0 as usize].name.to_string(),
            Edge::Node(id, _) => self.name_of(self.program.graph.nodes()[id.0 as usize].statement),
        }
    }

    fn join(&self, notes: &JoinNotes, spec: &JoinSpec, node: &Node) -> Reason {
        let sides: Vec<String> = node.inputs.iter().map(|edge| self.stream(*edge)).collect();
        let schemas: Vec<Arc<Schema>> = node.inputs.iter().map(|edge| self.program.graph.schema(*edge).clone()).collect();
        let key_of = |exprs: &[Expr], side: usize| {
            let named: Vec<String> = exprs.iter().map(|expr| format!("{}.{}", sides[side], in_words(expr, &[&schemas[side]]))).collect();
            named.join(", ")
        };
        let keys = [key_of(&spec.left_keys, 0), key_of(&spec.right_keys, 1)];
        if let Some(empty) = (0..2).find(|side| notes.rows[*side] == 0) {
            return self
                .why_empty(node.inputs[empty])
                .unwrap_or_else(|| Reason::new("no_row", format!("no row of `{}` came", sides[empty])));
        }
        if notes.near > 0 {
            let mut reason = Reason::new(
                "where",
                format!("{} met by key and time, and what else ON asks was true of none", counted(notes.near, "pair", "pairs")),
            );
            if let (Some(residual), Some((left, right))) = (&spec.residual, notes.example) {
                let words = |expr: &Expr| in_words(expr, &[&schemas[0], &schemas[1]]);
                reason.text = format!("{}, as of {} and {}: {}", reason.text, self.place(left), self.place(right), words(residual));
            }
            return reason;
        }
        if let Some((by, left, right, key)) = &notes.nearest {
            let key: Vec<String> = key.decode().iter().map(literal).collect();
            let text = format!(
                "{} and {} have one key ({}) and lie {by} further apart than WITHIN allows; no pair lies nearer",
                self.place(*left),
                self.place(*right),
                key.join(", "),
            );
            return Reason::new("too_late", text).hint("a longer WITHIN lets them meet");
        }
        let values = |side: usize| {
            let of_side = notes.keys.iter().filter(|(_, rows)| !rows[side].is_empty());
            let shown: Vec<String> =
                of_side.clone().take(3).map(|(key, _)| key.decode().iter().map(literal).collect::<Vec<_>>().join(", ")).collect();
            let count = of_side.count();
            if count > shown.len() { format!("{}, … ({} values)", shown.join(", "), grouped(count as u64)) } else { shown.join(", ") }
        };
        let nulls: u64 = notes.without_key.iter().sum();
        let note = if nulls > 0 { format!("; {} have NULL in the key", counted(nulls, "row", "rows")) } else { String::new() };
        let text = format!("no key came on both sides: {} is {}; {} is {}{note}", keys[0], values(0), keys[1], values(1));
        Reason::new("wrong_key", text)
    }

    fn place(&self, place: crate::data::Place) -> String {
        where_is(&event(self.lines, place, "", Vec::new()))
    }

    /// What is to be known of the input as a whole.
    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.intake.bad > 0 {
            let first = self.intake.lost.iter().find(|lost| lost.bad.is_some());
            let first = first.map_or_else(String::new, |lost| {
                let (input, line) = self.lines.of_input(lost.line);
                let at = input.map_or_else(|| format!("line {line}"), |input| format!("{input}:{line}"));
                format!("; the first: {at}: {}", lost.bad.as_deref().unwrap_or_default())
            });
            notes.push(format!("{} bad{first}", counted(self.intake.bad, "event was", "events were")));
        }
        if self.intake.unrouted > 0 {
            let types: Vec<String> =
                self.intake.types.iter().take(5).map(|(kind, count)| format!("'{kind}' ({})", grouped(*count))).collect();
            notes.push(format!("{} of no stream: {}", counted(self.intake.unrouted, "event was", "events were"), types.join(", ")));
        }
        for source in self.sources.iter().filter(|source| source.late > 0) {
            notes.push(
                format!("{} of `{}` late", counted(source.late, "event was", "events were"), source.name)
                    .replace("was of", "of")
                    .replace("were of", "of")
                    + " and dropped",
            );
        }
        notes
    }
}

/// What is said of rows whose keys were too many.
fn left_out_of(what: &str, most: usize, rows: u64, help: &str) -> Option<String> {
    let first = grouped(most as u64);
    (rows > 0).then(|| {
        format!(
            "of {what} the first {first} keys are followed (--max-keys), and {} left out{help}",
            counted(rows, "row of another was", "rows of others were")
        )
    })
}

fn window(notes: &WindowNotes, spec: &WindowSpec) -> Reason {
    let rows = counted(notes.rows, "row", "rows");
    match spec.kind {
        WindowKind::Rows(needed) => {
            let most = notes.groups.values().max().copied().unwrap_or(0);
            Reason::new(
                "input_ended",
                format!("no group had the {} that a window needs: the fullest has {}", counted(needed, "row", "rows"), grouped(most)),
            )
        }
        _ => Reason::new("window", format!("no window that {rows} were in gave a row")),
    }
}

/// The columns that some terms read, in order.
fn columns_of(terms: &[Expr], schema: &Schema) -> Vec<usize> {
    let mut columns: Vec<usize> =
        terms.iter().flat_map(Expr::slots).map(|slot| slot.0 as usize).filter(|column| *column < schema.len()).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}
