//! What a pattern means, in plain words: what is looked for, when a match comes out, and what the clauses behind it say.
//!
//! In: the spec of a pattern and the names of its inputs. Out: lines of whole sentences. What is said of the moment at which a match comes out must be
//! true of the evaluator for every input; where it depends on the events, the words say on what.

mod phrase;
mod rows;
mod terms;
mod when;

use std::sync::Arc;

use super::columns::list;
use crate::expr::Expr;
use crate::spec::{AfterMatch, KeysBound, Mode, PatternSpec, RowOutput, Runs, VariableId, VariableSpec, Within};

/// A pattern with what its words need.
#[derive(Debug, Clone, Copy)]
struct Said<'a> {
    spec: &'a PatternSpec,
    names: &'a [Arc<str>],
}

/// The sentences of a pattern.
pub(super) fn pattern_in_words(spec: &PatternSpec, names: &[Arc<str>]) -> Vec<String> {
    let said = Said { spec, names };
    let (what, when) = match spec.mode {
        Mode::OnePerStart | Mode::AllMatches => (said.whole_pattern(), said.when()),
        Mode::Rows => (said.whole_row_pattern(), said.when_rows()),
    };
    let mut lines = vec![capitalised(&format!("{}{what}{}.", said.for_each(), said.within()))];
    lines.push(when);
    lines.extend(said.having());
    lines.extend(said.which_matches());
    lines.extend(said.bounds());
    lines
}

/// A term of a pattern, its slots by the names that a user would write.
pub(crate) fn term_in_words(spec: &PatternSpec, term: &Expr) -> String {
    Said { spec, names: &[] }.term(term, None)
}

impl Said<'_> {
    fn variable(&self, id: VariableId) -> &VariableSpec {
        &self.spec.variables[id.0 as usize]
    }

    /// The variable's name in marks.
    fn name(&self, id: VariableId) -> String {
        format!("`{}`", self.variable(id).name)
    }

    fn for_each(&self) -> String {
        let keys: Vec<String> =
            self.spec.partition.by_input.iter().zip(&self.spec.inputs).map(|(keys, input)| list(keys, &[&**input])).collect();
        let mut distinct: Vec<&String> = Vec::new();
        for key in keys.iter().filter(|key| !key.is_empty()) {
            if !distinct.contains(&key) {
                distinct.push(key);
            }
        }
        match distinct.as_slice() {
            [] => String::new(),
            [one] if !one.contains(", ") => format!("For each {one}: "),
            several => format!("For each ({}): ", several.iter().map(|k| k.as_str()).collect::<Vec<_>>().join(" = ")),
        }
    }

    fn within(&self) -> String {
        match self.spec.within {
            Some(Within::Time(span)) => format!(", within {span}"),
            Some(Within::Events(count)) => format!(", within {count} events"),
            None => String::new(),
        }
    }

    fn having(&self) -> Option<String> {
        let having = self.spec.having.as_ref()?;
        Some(format!("Only with {}: what fails this is no match.", self.term(having, None)))
    }

    fn which_matches(&self) -> Option<String> {
        let names = |of: &[VariableId]| of.iter().map(|id| self.name(*id)).collect::<Vec<_>>().join(" or ");
        let (event, in_turn) = match self.spec.mode {
            Mode::Rows => ("row", String::new()),
            Mode::OnePerStart | Mode::AllMatches => {
                ("event", "; matches come out in the order of their starts, and one waits while an earlier start is undecided".to_owned())
            }
        };
        let text = match &self.spec.after_match {
            AfterMatch::Everything if self.spec.mode == Mode::AllMatches => "Every way to match is a match.".to_owned(),
            AfterMatch::Everything => "Every event that can start a match starts one; matches may overlap.".to_owned(),
            AfterMatch::SkipPastLast => format!("The next match starts behind this one{in_turn}."),
            AfterMatch::SkipToLastEvent => format!("The next match starts at the last {event} of this one at the earliest{in_turn}."),
            AfterMatch::SkipToNext if self.spec.mode == Mode::Rows => "The next match may start at the second row of this one.".to_owned(),
            AfterMatch::SkipToNext => format!("At most one match a start{in_turn}."),
            AfterMatch::SkipToFirst(of) => format!("The next match starts at the first {} at the earliest{in_turn}.", names(of)),
            AfterMatch::SkipToLast(of) => format!("The next match starts at the last {} at the earliest{in_turn}.", names(of)),
            AfterMatch::Restart => "All matches that one event finishes come out, then everything begins anew.".to_owned(),
            AfterMatch::Consume => "An event is in at most one match; the earlier start takes first.".to_owned(),
        };
        Some(text)
    }

    fn bounds(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match self.spec.runs {
            Runs::All => {}
            Runs::Latest => lines.push("Of the runs that wait for the same, only the one with the latest events stays.".to_owned()),
            Runs::Count(1) => lines.push("No match starts while one is undecided.".to_owned()),
            Runs::Count(count) => lines.push(format!("No match starts while {count} are undecided.")),
            Runs::DropOldest(count) => lines.push(format!("Where more than {count} are undecided, the oldest is given up.")),
            Runs::OrEnd(count) => lines.push(format!("Where more than {count} are undecided, the statement ends.")),
        }
        match self.spec.keys {
            Some(KeysBound::DropOldest(keys)) => {
                lines.push(format!("Where more than {keys} keys have something under way, the one that began first is given up."))
            }
            Some(KeysBound::OrEnd(keys)) => {
                lines.push(format!("Where more than {keys} keys have something under way, the statement ends."))
            }
            None => {}
        }
        if self.spec.timeout.is_some() {
            lines.push("What the end of the window finds unfinished gives a row among the timeouts.".to_owned());
        }
        lines.extend(self.spec.limit_per_partition.map(|limit| match self.for_each().is_empty() {
            true => format!("At most {limit} matches."),
            false => format!("At most {limit} matches for each key."),
        }));
        match self.spec.rows {
            RowOutput::OnePerMatch => {}
            RowOutput::AllRows { with_unmatched, show_empty } => {
                let rest = match (with_unmatched, show_empty) {
                    (true, _) => "; rows of no match come out too",
                    (false, true) => "; a match without a row gives one",
                    (false, false) => "",
                };
                lines.push(format!("A match gives each of its rows{rest}."));
            }
        }
        lines
    }

    /// When what limits a match is over: `(5m after its first event)`.
    fn closes(&self) -> String {
        match self.spec.within {
            Some(Within::Time(span)) => format!("when the window closes ({span} after its first event)"),
            Some(Within::Events(count)) => format!("when the window closes (it spans {count} events)"),
            None => "when the input ends".to_owned(),
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
