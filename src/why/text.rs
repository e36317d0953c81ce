//! An answer as text for people: short, aligned, the term under a caret as diagnostics show it; colours where they are asked for.

use std::fmt::Write;

use super::answer::{Answer, Event, Miss, Reason, StatementAnswer, Step, Term};
use super::said::{counted, where_is};

/// How things look.
struct Look {
    colour: bool,
}

impl Look {
    fn in_code(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn bold(&self, text: &str) -> String {
        self.in_code("1", text)
    }

    fn red(&self, text: &str) -> String {
        self.in_code("1;31", text)
    }

    fn green(&self, text: &str) -> String {
        self.in_code("32", text)
    }

    fn faint(&self, text: &str) -> String {
        self.in_code("2", text)
    }

    fn blue(&self, text: &str) -> String {
        self.in_code("1;34", text)
    }
}

impl Answer {
    /// The answer as text; `colour` adds escape codes.
    pub fn to_text(&self, colour: bool) -> String {
        let look = Look { colour };
        let mut blocks: Vec<String> = self.statements.iter().map(|statement| self.statement(statement, &look)).collect();
        if self.statements.is_empty() {
            blocks.push("no statement to speak of\n".to_owned());
        }
        if !self.notes.is_empty() {
            let notes: Vec<String> = self.notes.iter().map(|note| format!("{} {note}\n", look.faint("input:"))).collect();
            blocks.push(notes.concat());
        }
        blocks.join("\n")
    }

    /// The answer as lines of JSON: one a run that came to nothing, behind one for its statement.
    pub fn to_json_lines(&self) -> String {
        let mut out = String::new();
        for statement in &self.statements {
            let bare = StatementAnswer { misses: Vec::new(), ..statement.clone() };
            let mut object = serde_json::to_value(&bare).unwrap_or_default();
            if let Some(fields) = object.as_object_mut() {
                fields.remove("misses");
            }
            let _ = writeln!(out, "{object}");
            for (rank, miss) in statement.misses.iter().enumerate() {
                let mut object = serde_json::json!({ "statement": statement.name, "rank": rank + 1 });
                if let (Some(to), Ok(serde_json::Value::Object(fields))) = (object.as_object_mut(), serde_json::to_value(miss)) {
                    to.extend(fields);
                }
                let _ = writeln!(out, "{object}");
            }
        }
        for note in &self.notes {
            let _ = writeln!(out, "{}", serde_json::json!({ "input": note }));
        }
        out
    }

    /// The likeliest reason why a statement gave no row, in one line.
    pub fn in_one_line(&self) -> Option<String> {
        let silent = self.statements.iter().find(|statement| statement.rows == 0)?;
        let reason = silent.misses.first().map(|miss| &miss.reason).or(silent.reason.as_ref())?;
        let terms: Vec<String> = reason.terms.iter().map(|term| format!("{} ({})", term.text, said(term))).collect();
        let terms = if terms.is_empty() { String::new() } else { format!(": {}", terms.join(", ")) };
        let hint = reason.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
        Some(format!("{}: {}{terms}{hint}", silent.name, reason.text))
    }

    fn statement(&self, statement: &StatementAnswer, look: &Look) -> String {
        let mut out = String::new();
        let rows = match statement.rows {
            0 => look.red("no row"),
            rows => look.green(&counted(rows, "row", "rows")),
        };
        let _ = write!(out, "{} {}: {rows}", look.bold(&statement.name), look.faint(&format!("({}:{})", self.name, statement.line)));
        if let Some(runs) = statement.runs.filter(|_| !statement.misses.is_empty()) {
            let more = if statement.misses.len() > 1 { ", the closest miss first" } else { "" };
            let _ = write!(out, "; {} to nothing{more}", counted(runs, "run came", "runs came"));
        }
        out.push('\n');
        if let Some(reason) = &statement.reason {
            out.push('\n');
            self.reason(&mut out, reason, look, true);
        }
        for (number, miss) in statement.misses.iter().enumerate() {
            out.push('\n');
            self.miss(&mut out, number + 1, miss, look);
        }
        for note in &statement.notes {
            let _ = writeln!(out, "\n  {} {note}", look.faint("note:"));
        }
        out
    }

    fn miss(&self, out: &mut String, number: usize, miss: &Miss, look: &Look) {
        let key: Vec<String> = miss.key.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let key = if key.is_empty() { String::new() } else { format!("{}, ", key.join(", ")) };
        let waits = match miss.waited_for.as_slice() {
            [] => String::new(),
            [one] if miss.steps.iter().any(|step| step.step == *one) => format!(", waits for another `{one}`"),
            [one] => format!(", waits for `{one}`"),
            several => format!(", waits for {}", several.iter().map(|step| format!("`{step}`")).collect::<Vec<_>>().join(" or ")),
        };
        let _ = writeln!(out, "  {} {key}begun {}{waits}", look.bold(&format!("{number}.")), miss.began);
        let mut table = Table::default();
        for step in &miss.steps {
            table.add("✓", step);
        }
        let is_shown = |event: &Event| !event.time.is_empty();
        if let Some(event) = miss.reason.event.as_ref().filter(|event| is_shown(event)) {
            let step = miss.reason.step.clone().unwrap_or_default();
            table.add("✗", &Step { step, event: event.clone() });
        }
        table.write(out, miss.not_shown, miss.steps.len(), look);
        self.reason(out, &miss.reason, look, false);
        if miss.others > 0 {
            let others = look.faint(&format!("({} within it, or stopped by the same)", counted(miss.others, "more run", "more runs")));
            let _ = writeln!(out, "     {others}");
        }
    }

    fn reason(&self, out: &mut String, reason: &Reason, look: &Look, with_event: bool) {
        let margin = if with_event { "  " } else { "     " };
        let _ = writeln!(out, "{margin}{} {}", look.red(&format!("{}:", reason.cause.replace('_', " "))), reason.text);
        if let Some(event) = reason.event.as_ref().filter(|_| with_event) {
            let values: Vec<String> = event.values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            let _ = writeln!(out, "{margin}  {}  {}  {}", where_is(event), event.time, values.join(", "));
        }
        let width = reason.terms.iter().filter_map(|term| term.line).max().unwrap_or(0).to_string().len();
        for term in &reason.terms {
            self.term(out, term, (margin, width), look);
        }
        if let Some(hint) = &reason.hint {
            let _ = writeln!(out, "{margin}{} {hint}", look.faint("help:"));
        }
    }

    /// The line of the program with the term, and what it compares under it.
    fn term(&self, out: &mut String, term: &Term, (margin, width): (&str, usize), look: &Look) {
        let counted = term.true_for.map_or_else(String::new, |(count, of)| format!("; true for {count} of {of}"));
        let said = format!("{}{counted}", said(term));
        let shown = term.span.and_then(|(start, end)| self.line_of(start, end));
        let (Some((line, before, length)), Some(number)) = (shown, term.line) else {
            let _ = writeln!(out, "{margin}  {}: {said}", term.text);
            return;
        };
        let bar = look.blue("|");
        let _ = writeln!(out, "{margin}  {} {bar} {line}", look.blue(&format!("{number:>width$}")));
        let carets = look.red(&"^".repeat(length));
        let _ = writeln!(out, "{margin}  {:width$} {bar} {}{carets} {}", "", " ".repeat(before), look.red(&said));
    }

    /// The line of the program that a range begins on, the characters before the range, and how many it has there.
    fn line_of(&self, start: u32, end: u32) -> Option<(String, usize, usize)> {
        let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
        let head = self.program.get(..start)?;
        let begin = head.rfind('\n').map_or(0, |at| at + 1);
        let rest = self.program.get(start..)?;
        let stop = rest.find('\n').map_or(self.program.len(), |at| start + at);
        let line = self.program.get(begin..stop)?;
        let indent = line.len() - line.trim_start().len();
        let before = self.program.get(begin + indent.min(start - begin)..start)?.chars().count();
        let length = self.program.get(start..end.min(stop))?.trim_end().chars().count().max(1);
        Some((line.trim().replace('\t', " "), before, length))
    }
}

/// What a term compares, with the values.
fn said(term: &Term) -> String {
    let values: Vec<String> = term.values.iter().map(|(name, value)| format!("{name} is {value}")).collect();
    if values.is_empty() { "not true".to_owned() } else { values.join(", ") }
}

/// Events below each other, their parts aligned.
#[derive(Default)]
struct Table {
    rows: Vec<[String; 4]>,
    values: Vec<String>,
}

impl Table {
    fn add(&mut self, mark: &str, step: &Step) {
        let event = &step.event;
        self.rows.push([mark.to_owned(), step.step.clone(), where_is(event), event.time.clone()]);
        let values: Vec<String> = event.values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        self.values.push(values.join(", "));
    }

    fn write(&self, out: &mut String, not_shown: usize, taken: usize, look: &Look) {
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths = [width(0), width(1), width(2), width(3)];
        for (at, (row, values)) in self.rows.iter().zip(&self.values).enumerate() {
            if not_shown > 0 && at == taken / 2 {
                let _ = writeln!(out, "       {}", look.faint(&format!("… {not_shown} more")));
            }
            let mark = if row[0] == "✗" { look.red(&row[0]) } else { look.green(&row[0]) };
            let line =
                format!("     {mark} {:a$}  {:b$}  {:c$}  {values}", row[1], row[2], row[3], a = widths[1], b = widths[2], c = widths[3]);
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
}
