//! The runs of a pattern in words: what each took, where it stopped and why; and what the input as a whole has to do with it.

use std::sync::Arc;

use super::Question;
use super::answer::{Event, Miss, Reason, Step, Term};
use super::intake::{Intake, Lost};
use super::lines::Lines;
use super::said::{Program, columns, counted, event, grouped, literal, text_of, where_is};
use crate::data::{Duration, Place, Value};
use crate::pattern::trace::{Cause, Emission, Event as Taken, FalseTerm, Story, TooLateBy, Traced, columns_shown};
use crate::plan::{Edge, Node, Route, term_in_words};
use crate::spec::{AfterMatch, PatternSpec, Runs, VariableId, Within};
use crate::text::nearest;

/// What came of a source.
#[derive(Debug, Clone)]
pub(crate) struct SourceSeen {
    pub(crate) name: String,
    pub(crate) events: u64,
    pub(crate) late: u64,
}

/// The bound of a pattern.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(pub(crate) usize);

/// All that is needed to speak of a pattern.
pub(super) struct Speaker<'s> {
    pub(super) program: &'s Program<'s>,
    pub(super) node: &'s Node,
    pub(super) names: &'s [Arc<str>],
    pub(super) spec: &'s PatternSpec,
    pub(super) lines: &'s Lines,
    pub(super) sources: &'s [SourceSeen],
    pub(super) intake: &'s Intake,
    pub(super) limit: Limit,
    shown: Vec<Vec<usize>>,
}

impl<'s> Speaker<'s> {
    pub(super) fn new(
        program: &'s Program<'s>,
        (node, names): (&'s Node, &'s [Arc<str>]),
        spec: &'s PatternSpec,
        lines: &'s Lines,
        (sources, intake): (&'s [SourceSeen], &'s Intake),
        limit: Limit,
    ) -> Self {
        Self { program, node, names, spec, lines, sources, intake, limit, shown: columns_shown(spec) }
    }

    /// The runs, the closest miss first.
    pub(super) fn misses(&self, traced: &mut Traced, question: &Question) -> Vec<Miss> {
        let mut told: Vec<(Story, Option<Reason>)> = Vec::new();
        for mut story in std::mem::take(&mut traced.stories) {
            let elsewhere = self.known_elsewhere(&mut story, traced);
            told.push((story, elsewhere));
        }
        told.sort_by(|(a, _), (b, _)| crate::pattern::trace::order(a, b));
        // A run that began inside another, with nothing of its own, is no news.
        let mut kept: Vec<(Story, Option<Reason>)> = Vec::new();
        for (story, reason) in told {
            match kept.iter_mut().find(|(before, _)| is_part_of(&story, before)) {
                Some((before, _)) => before.others += 1 + story.others,
                None => kept.push((story, reason)),
            }
        }
        kept.truncate(question.limit());
        kept.into_iter().map(|(story, reason)| self.miss(story, reason)).collect()
    }

    /// Why no run began, where none did.
    pub(super) fn no_start(&self, traced: &Traced) -> Option<Reason> {
        let step = *traced.first.first()?;
        let name = self.name(step);
        let seen = &traced.steps[step.0 as usize];
        if let Some(reason) = self.lost_for(step, &[], u32::MAX).map(|(_, reason)| reason).filter(|_| seen.fitting == 0) {
            return Some(reason);
        }
        if let Some((event, time, by)) = seen.late.as_ref().filter(|_| seen.fitting == 0) {
            return Some(self.late(step, event, *time, *by));
        }
        if let Some((event, terms)) = &seen.closest {
            let count = counted(seen.rows, "event", "events");
            let text = match terms.len() {
                0 => format!("no event fits `{name}`"),
                _ => format!("no run began: none of {count} fits `{name}`, and this one came closest"),
            };
            let mut reason = Reason::new("wrong_value", text).event(self.event(event, self.input_of(step)), Some(name));
            reason.terms = self.terms(terms);
            return Some(reason);
        }
        if seen.rows == 0 {
            return Some(Reason::new("no_event", format!("no run began: no event of `{}` came to the pattern", self.stream(step))));
        }
        Some(Reason::new(
            "negated",
            format!("no run began: each of {} that fits `{name}` was forbidden", counted(seen.fitting, "event", "events")),
        ))
    }

    /// What the input as a whole tells of a run's last step: it weighs more than that nothing came near.
    fn known_elsewhere(&self, story: &mut Story, traced: &Traced) -> Option<Reason> {
        let step = *story.awaited.first()?;
        if let Some((weight, reason)) = self.lost_for(step, &story.key, story.clue.weight()) {
            story.clue.weighing(weight);
            return Some(reason);
        }
        let seen = &traced.steps[step.0 as usize];
        if story.clue.is_nothing() && seen.fitting == 0 && seen.rows > 0 {
            let (event, terms) = seen.closest.as_ref().filter(|(_, terms)| !terms.is_empty())?;
            let name = self.name(step);
            let text = format!("none of {} fits `{name}` by itself; this one came closest", counted(seen.rows, "event", "events"));
            let mut reason = Reason::new("wrong_value", text).event(self.event(event, self.input_of(step)), Some(name));
            reason.terms = self.terms(terms);
            story.clue.weighing(900);
            return Some(reason);
        }
        None
    }

    /// A reason why no event of a step's stream came that lies in front of the program: with its weight, if that is less than what is known.
    fn lost_for(&self, step: VariableId, key: &[Value<'static>], known: u32) -> Option<(u32, Reason)> {
        let Edge::Source(id) = self.node.inputs[self.input_of(step)] else { return None };
        let source = &self.program.graph.sources()[id.0 as usize];
        let seen = self.sources.get(id.0 as usize)?;
        let name = self.name(step);
        let keys = self.spec.partition.by_input.get(self.input_of(step)).map_or(&[][..], Vec::as_slice);
        let paths: Vec<(&[String], String)> = keys
            .iter()
            .zip(key)
            .filter_map(|(expr, value)| Some((&*source.read_as.columns[expr.as_slot()?.0 as usize].path, text_of(value))))
            .collect();
        let has_key = |lost: &&Lost| paths.iter().all(|(path, value)| lost.has(path, value));
        let (wanted, field) = match &source.read_as.route {
            Route::Type { value, field } => (Some(value.as_str()), field.as_deref().unwrap_or(self.program.type_field)),
            Route::All | Route::When(_) => (None, self.program.type_field),
        };
        if known > 12 {
            let is_its = |lost: &&Lost| wanted.is_none_or(|wanted| lost.json.is_none() || lost.kind.as_deref() == Some(wanted));
            let bad = self.intake.lost.iter().filter(|lost| lost.bad.is_some()).filter(is_its).find(has_key);
            if let Some(bad) = bad {
                let text = format!(
                    "{}, which may be the event that `{name}` waits for, is bad: {}",
                    self.line(bad.line),
                    bad.bad.as_deref().unwrap_or_default()
                );
                let reason = Reason::new("bad_event", text).event(self.lost_event(bad), Some(name));
                return Some((12, reason.hint("mend the line, or the type of the column")));
            }
        }
        let wanted = wanted?;
        if seen.events == 0 {
            let text = format!(
                "the input has no event of `{}`, which `{name}` waits for: its events have {} = '{wanted}'",
                seen.name,
                field.join(".")
            );
            let others = self.types_that_came();
            let reason = Reason::new("never_seen", if others.is_empty() { text } else { format!("{text}; there came {others}") });
            let near = nearest(wanted, self.intake.types.keys().map(String::as_str));
            let first =
                near.first().copied().or_else(|| self.intake.types.keys().map(String::as_str).find(|_| self.intake.types.len() == 1));
            let hint = first.map(|other| format!("WITH (type = '{other}') on `{}` takes them", seen.name));
            return Some((5, Reason { hint, step: Some(name), ..reason }));
        }
        if known > 24 {
            let near = nearest(wanted, self.intake.types.keys().map(String::as_str));
            let names_it =
                |lost: &&Lost| lost.kind.as_deref().is_some_and(|kind| near.contains(&kind) || kind.eq_ignore_ascii_case(&seen.name));
            let unrouted = self.intake.lost.iter().filter(|lost| lost.bad.is_none()).filter(names_it).find(has_key)?;
            let kind = unrouted.kind.as_deref().unwrap_or_default();
            let text = format!(
                "{} has {} = '{kind}' and is of no stream; `{}`, which `{name}` waits for, takes '{wanted}'",
                self.line(unrouted.line),
                field.join("."),
                seen.name
            );
            let reason = Reason::new("unrouted", text).event(self.lost_event(unrouted), Some(name));
            return Some((24, reason.hint("mend the type of the event, or WITH (type = …) of the stream")));
        }
        None
    }

    /// The types that came, with the streams that took them.
    fn types_that_came(&self) -> String {
        let mut parts: Vec<String> =
            self.intake.types.iter().take(4).map(|(kind, count)| format!("'{kind}' ({} of no stream)", grouped(*count))).collect();
        for (source, seen) in self.program.graph.sources().iter().zip(self.sources) {
            if let Route::Type { value, .. } = &source.read_as.route
                && seen.events > 0
                && parts.len() < 6
            {
                parts.push(format!("'{value}' ({} of `{}`)", grouped(seen.events), seen.name));
            }
        }
        parts.join(", ")
    }

    fn miss(&self, story: Story, elsewhere: Option<Reason>) -> Miss {
        let key_names = self.spec.partition.by_input.first().map_or(&[][..], Vec::as_slice);
        let schema = self.spec.inputs.first();
        let named = key_names.iter().map(|expr| schema.map_or_else(|| expr.to_string(), |schema| crate::plan::in_words(expr, &[schema])));
        let key = named.zip(story.key.iter().map(literal)).collect();
        let steps = story
            .taken
            .iter()
            .map(|(variable, taken)| Step { step: self.name(*variable), event: self.event(taken, self.input_of(*variable)) });
        Miss {
            key,
            began: story.start.time().to_string(),
            steps: steps.collect(),
            not_shown: story.left_out,
            waited_for: story.awaited.iter().map(|variable| self.name(*variable)).collect(),
            reason: elsewhere.unwrap_or_else(|| self.reason(&story)),
            others: story.others,
        }
    }

    fn reason(&self, story: &Story) -> Reason {
        match &story.clue.cause {
            Cause::False { variable, event, terms, is_next } => {
                let name = self.name(*variable);
                let misses = counted(terms.len() as u64, "term", "terms");
                let text = match (is_next, terms.iter().any(|term| term.is_unknown)) {
                    (true, _) => format!("the very next event had to be `{name}`, and misses {misses}"),
                    (false, true) => format!("the event that came closest to `{name}` misses {misses}: something is NULL"),
                    (false, false) => format!("the event that came closest to `{name}` misses {misses}"),
                };
                let mut reason = Reason::new("wrong_value", text).event(self.event(event, self.input_of(*variable)), Some(name));
                reason.terms = self.terms(terms);
                reason
            }
            Cause::TooLate { variable, event, by } => self.too_late(*variable, event, *by),
            Cause::OtherKey { variable, event, key } => {
                let text =
                    format!("an event that fits `{}` has another key: {}, not {}", self.name(*variable), keys(key), keys(&story.key));
                Reason::new("wrong_key", text).event(self.event(event, self.input_of(*variable)), Some(self.name(*variable)))
            }
            Cause::TooEarly { variable, event } => {
                let last = story.taken.last().map_or_else(String::new, |(step, _)| format!("`{}`", self.name(*step)));
                let text = format!("an event that fits `{}` came, but before {last} and not behind it", self.name(*variable));
                let reason =
                    Reason::new("wrong_order", text).event(self.event(event, self.input_of(*variable)), Some(self.name(*variable)));
                reason.hint("`&` in place of the arrow takes them in any order")
            }
            Cause::Negated { negated, event } => {
                let text = format!("`!{}` forbids this event here, and it came", self.name(*negated));
                Reason::new("negated", text).event(self.event(event, self.input_of(*negated)), Some(self.name(*negated)))
            }
            Cause::Ended { until, event } => {
                let text = format!("UNTIL `{}` ended the loop before it had enough", self.name(*until));
                Reason::new("until", text).event(self.event(event, self.input_of(*until)), Some(self.name(*until)))
            }
            Cause::NotNext { variable, event } => {
                let input = (0..self.spec.inputs.len()).find(|input| event.row(*input).is_some()).unwrap_or(0);
                let text = format!("`{}` had to be the very next event, and another one came between", self.name(*variable));
                let reason = Reason::new("not_next", text).event(self.event(event, input), Some(self.name(*variable)));
                reason.hint("`->` in place of `,` lets other events stand between")
            }
            Cause::Late { variable, event, time, by } => self.late(*variable, event, *time, *by),
            Cause::TakenAway { by } => self.taken_away(by.as_ref()),
            Cause::NoRoom { by } => {
                let most = if let Runs::Count(n) = self.spec.runs { n } else { 1 };
                let open = by.map_or_else(String::new, |start| format!(": the one that began at {}", self.place(start)));
                let text = format!(
                    "it matches by itself, but RUNS {most} lets no run begin while {} undecided{open}",
                    if most == 1 { "one is" } else { "so many are" }
                );
                Reason::new("runs_full", text)
            }
            Cause::Having { terms } => {
                let mut reason = Reason::new("having", "all steps were taken, but HAVING is not true of the match");
                reason.terms = self.terms(terms);
                reason
            }
            Cause::Budget if matches!(self.spec.runs, Runs::DropOldest(_)) => {
                Reason::new("budget", "more runs were undecided at once than RUNS lets be, and the oldest were given up (DROP OLDEST)")
            }
            Cause::Budget => {
                let text = format!(
                    "too many runs were under way at once (the bound is {} a partition), and the oldest were given up",
                    grouped(self.limit.0 as u64)
                );
                Reason::new("budget", text).hint("narrow the first steps, or add WITHIN, PARTITION BY or RUNS LATEST")
            }
            Cause::NotFollowed => {
                Reason::new("not_followed", "too many runs were under way at once for all of them to be followed to their ends")
            }
            Cause::Expired { variable } => {
                Reason::new("within_over", format!("{} was over before {} came", self.within(), self.awaited(*variable)))
            }
            Cause::InputEnded { variable } => {
                Reason::new("input_ended", format!("the input ended while it waited for {}", self.awaited(*variable)))
            }
        }
    }

    fn too_late(&self, variable: VariableId, event: &Taken, by: TooLateBy) -> Reason {
        let name = self.name(variable);
        let (text, hint) = match (by, self.spec.within) {
            (TooLateBy::Time(by), Some(Within::Time(within))) => {
                let needed = Duration(within.0.saturating_add(by.0));
                (format!("an event that fits `{name}` came {by} after WITHIN {within} was over"), format!("WITHIN {needed} would take it"))
            }
            (TooLateBy::Events(by), Some(Within::Events(within))) => {
                let behind = counted(by, "event", "events");
                let hint = format!("WITHIN {} EVENTS would take it", within + by);
                (format!("an event that fits `{name}` came {behind} after WITHIN {within} EVENTS was over"), hint)
            }
            _ => (format!("an event that fits `{name}` came too late"), "a longer WITHIN would take it".to_owned()),
        };
        Reason::new("too_late", text).event(self.event(event, self.input_of(variable)), Some(name)).hint(hint)
    }

    fn late(&self, variable: VariableId, event: &Taken, time: crate::data::Timestamp, by: Duration) -> Reason {
        let (name, stream) = (self.name(variable), self.stream(variable));
        let text = format!("an event that fits `{name}` arrived late: the watermark had passed it by {by}, and it was dropped");
        let delay = match self.node.inputs[self.input_of(variable)] {
            Edge::Source(id) => self.program.graph.sources()[id.0 as usize].read_as.delay,
            Edge::Late(_) | Edge::Node(..) => Duration(0),
        };
        let mut shown = self.event(event, self.input_of(variable));
        shown.time = time.to_string();
        let needed = Duration(delay.0.saturating_add(by.0));
        Reason::new("late", text).event(shown, Some(name)).hint(format!("DELAY {needed} on `{stream}` waits for it"))
    }

    fn taken_away(&self, by: Option<&Emission>) -> Reason {
        let whose = by.map_or_else(|| "another match".to_owned(), |by| format!("the match of {}", self.match_lines(by)));
        let of_rows = self.spec.mode == crate::spec::Mode::Rows;
        let (cause, text) = match &self.spec.after_match {
            AfterMatch::Consume => {
                ("consumed", format!("it matches by itself, but {whose} has consumed an event of it (AFTER MATCH CONSUME)"))
            }
            AfterMatch::Restart => {
                ("restarted", format!("it matches by itself, but {whose} ended all runs under way (AFTER MATCH RESTART)"))
            }
            AfterMatch::Everything if self.spec.runs == Runs::Latest => {
                ("replaced", "it matches by itself, but a later run waited for the same and took its place (RUNS LATEST)".to_owned())
            }
            AfterMatch::Everything if self.spec.limit_per_partition.is_some() => {
                ("limit", "it matches by itself, but LIMIT … PER PARTITION was reached".to_owned())
            }
            AfterMatch::Everything => ("taken_away", "it matches by itself, but gave no row".to_owned()),
            _ if by.is_none() && self.spec.limit_per_partition.is_some() => {
                ("limit", "it matches by itself, but LIMIT … PER PARTITION was reached".to_owned())
            }
            clause => {
                let clause = match clause {
                    AfterMatch::SkipToLastEvent => {
                        if of_rows {
                            "SKIP TO LAST ROW"
                        } else {
                            "SKIP TO LAST EVENT"
                        }
                    }
                    AfterMatch::SkipToNext => {
                        if of_rows {
                            "SKIP TO NEXT ROW"
                        } else {
                            "SKIP TO NEXT EVENT"
                        }
                    }
                    AfterMatch::SkipToFirst(_) => "SKIP TO FIRST",
                    AfterMatch::SkipToLast(_) => "SKIP TO LAST",
                    _ => {
                        if of_rows {
                            "SKIP PAST LAST ROW"
                        } else {
                            "SKIP PAST LAST EVENT"
                        }
                    }
                };
                ("skipped", format!("it matches by itself, but {whose} skips it (AFTER MATCH {clause})"))
            }
        };
        Reason::new(cause, text)
    }

    fn match_lines(&self, by: &Emission) -> String {
        let (first, last) = (self.place(by.start), by.events.first().map_or_else(|| self.place(by.end), |last| self.place(*last)));
        if first == last { first } else { format!("{first} to {last}") }
    }

    fn place(&self, place: Place) -> String {
        where_is(&event(self.lines, place, "", Vec::new()))
    }

    fn line(&self, line: u32) -> String {
        let (input, line) = self.lines.of_input(line);
        input.map_or_else(|| format!("line {line}"), |input| format!("{input}:{line}"))
    }

    fn lost_event(&self, lost: &Lost) -> Event {
        let (input, line) = self.lines.of_input(lost.line);
        let text: String = lost.text.chars().take(160).collect();
        Event {
            input: input.map(str::to_owned),
            line: Some(line),
            time: String::new(),
            stream: lost.kind.clone().unwrap_or_default(),
            values: vec![("line".to_owned(), text)],
        }
    }

    fn within(&self) -> String {
        match self.spec.within {
            Some(Within::Time(span)) => format!("WITHIN {span}"),
            Some(Within::Events(n)) => format!("WITHIN {n} EVENTS"),
            None => "the time".to_owned(),
        }
    }

    fn awaited(&self, variable: Option<VariableId>) -> String {
        variable.map_or_else(|| "the end of a time".to_owned(), |variable| format!("`{}`", self.name(variable)))
    }

    fn terms(&self, terms: &[FalseTerm]) -> Vec<Term> {
        terms.iter().map(|term| self.program.term(term, self.node.span, &|expr| term_in_words(self.spec, expr))).collect()
    }

    fn event(&self, taken: &Taken, input: usize) -> Event {
        let stream = self.names.get(input).map_or("", |name| name);
        let values = columns(&self.spec.inputs[input], &self.shown[input], |column| taken.value(input, column).into_owned());
        event(self.lines, taken.place, stream, values)
    }

    fn input_of(&self, variable: VariableId) -> usize {
        self.spec.variables[variable.0 as usize].input
    }

    fn name(&self, variable: VariableId) -> String {
        self.spec.variables[variable.0 as usize].name.to_string()
    }

    fn stream(&self, variable: VariableId) -> String {
        self.names.get(self.input_of(variable)).map_or_else(String::new, |name| name.to_string())
    }
}

fn keys(key: &[Value<'static>]) -> String {
    if key.is_empty() { "NULL".to_owned() } else { key.iter().map(literal).collect::<Vec<_>>().join(", ") }
}

/// Whether a run has taken nothing that another has not taken too.
fn is_part_of(story: &Story, of: &Story) -> bool {
    let has = |taken: &(VariableId, Arc<Taken>)| of.taken.iter().any(|(_, event)| event.place == taken.1.place);
    !story.taken.is_empty() && story.taken.len() < of.taken.len() && story.taken.iter().all(has)
}
