//! What a match does when it comes out: AFTER MATCH, HAVING, and its row.
//! In: the starts of a partition of the reference with what has finished. Out: rows; starts dropped, threads ended.

use serde_json::Value as Json;

use super::expr::{Scope, Value};
use super::program::{After, Item, Kind, Node, Query};
use super::reference::{Finished, History, Partition, Row};

impl Partition<'_> {
    /// What has become certain comes out, and AFTER MATCH does its work.
    pub fn settle(&mut self) {
        if self.query.after == After::Consume {
            self.settle_consume();
        }
        for start in &mut self.starts {
            if start.threads.is_empty() {
                start.out.extend(start.best.take());
            }
        }
        match &self.query.after {
            After::Everything => {
                for index in 0..self.starts.len() {
                    let out = std::mem::take(&mut self.starts[index].out);
                    for finished in &out {
                        self.emit(finished);
                    }
                }
            }
            After::Restart => {
                let mut any = false;
                for index in 0..self.starts.len() {
                    let out = std::mem::take(&mut self.starts[index].out);
                    for finished in &out {
                        any |= self.emit(finished);
                    }
                }
                if any {
                    self.starts.clear();
                }
            }
            After::Consume => {}
            _ => self.settle_skip(),
        }
        self.starts.retain(|s| !s.threads.is_empty() || !s.out.is_empty());
    }

    /// Matches are decided in the order of their starts; one waits while an earlier start is undecided.
    fn settle_skip(&mut self) {
        while !self.starts.is_empty() {
            let out = std::mem::take(&mut self.starts[0].out);
            let found = out.into_iter().find(|finished| self.passes(finished));
            let Some(found) = found else {
                if !self.starts[0].threads.is_empty() {
                    return;
                }
                self.starts.remove(0);
                continue;
            };
            self.emit(&found);
            let first = self.starts[0].first;
            self.starts.remove(0);
            let events = |variable: &str| found.history.taken.iter().filter(|(v, _)| v == variable).map(|(_, e)| *e).collect::<Vec<_>>();
            let last = found.history.taken.iter().map(|(_, e)| *e).max().unwrap();
            let from = match &self.query.after {
                After::PastLast => last + 1,
                After::ToLastEvent => last,
                After::ToFirst(v) => events(v).first().copied().unwrap_or(first),
                After::ToLast(v) => events(v).last().copied().unwrap_or(first),
                _ => first,
            };
            self.starts.retain(|s| s.first >= from);
        }
    }

    /// Matches in the order of the starts; each ends what has taken an event of it.
    fn settle_consume(&mut self) {
        let mut index = 0;
        while index < self.starts.len() {
            let start = &mut self.starts[index];
            if start.threads.is_empty() {
                start.out.extend(start.best.take());
            }
            let out = std::mem::take(&mut start.out);
            let Some(found) = out.into_iter().find(|finished| self.passes(finished)) else {
                index += 1;
                continue;
            };
            self.emit(&found);
            self.starts.remove(index);
            self.consumed.extend(found.history.taken.iter().map(|(_, e)| *e));
            let free = |history: &History| !history.taken.iter().any(|(_, e)| self.consumed.contains(e));
            for start in &mut self.starts {
                start.threads.retain(|t| free(&t.history));
                start.out.retain(|f| free(&f.history));
                start.best.take_if(|f| !free(&f.history));
            }
            index = 0;
        }
    }

    fn passes(&self, finished: &Finished) -> bool {
        self.query.having.as_ref().is_none_or(|having| self.scope(finished).holds(having))
    }

    fn scope<'b>(&'b self, finished: &'b Finished) -> Scope<'b> {
        let first = finished.history.taken.iter().map(|(_, e)| self.events[*e].time).min().unwrap();
        Scope { events: self.events, taken: &finished.history.taken, bare: None, bounds: Some((first, finished.end)) }
    }

    /// Writes the row of a match, if HAVING lets it.
    fn emit(&mut self, finished: &Finished) -> bool {
        if !self.passes(finished) {
            return false;
        }
        let scope = self.scope(finished);
        let mut row = serde_json::Map::new();
        for item in &self.query.items {
            match item {
                Item::Column(name, expr) => {
                    row.insert(name.clone(), scope.eval(expr).to_json());
                }
                Item::Spread(variable) => {
                    let last = finished.history.taken.iter().rfind(|(v, _)| v == variable).map(|(_, e)| *e);
                    let stream = &self.query.steps.iter().find(|s| s.variable == *variable).unwrap().stream;
                    for name in self.columns_of(stream) {
                        let value = last.and_then(|e| self.events[e].columns.get(&name).cloned()).unwrap_or(Value::Null);
                        row.insert(name, value.to_json());
                    }
                }
                Item::Star => {
                    for step in self.query.steps.iter().filter(|s| !s.negated) {
                        row.insert(step.variable.clone(), self.object(&step.variable, &finished.history));
                    }
                }
            }
        }
        let first = finished.history.taken.iter().map(|(_, e)| *e).min().unwrap();
        self.rows.push(Row { moment: self.moment, first, row: Json::Object(row) });
        true
    }

    fn columns_of(&self, stream: &str) -> Vec<String> {
        self.events.iter().find(|e| e.stream == stream).map(|e| e.names.clone()).unwrap_or_default()
    }

    /// `SELECT *`: one object a variable, a list of objects for a loop variable.
    fn object(&self, variable: &str, history: &History) -> Json {
        let of = |e: usize| {
            let event = &self.events[e];
            let value = |n: &String| (n.clone(), event.columns.get(n).unwrap_or(&Value::Null).to_json());
            Json::Object(event.names.iter().map(value).collect())
        };
        let mut events = history.taken.iter().filter(|(v, _)| v == variable).map(|(_, e)| of(*e));
        if in_loop(&self.query.pattern, self.query, variable) {
            Json::Array(events.collect())
        } else {
            events.next_back().unwrap_or(Json::Null)
        }
    }
}

fn in_loop(node: &Node, query: &Query, variable: &str) -> bool {
    match &node.kind {
        Kind::Step(_) | Kind::Not(..) => false,
        Kind::Sequence(parts, _) | Kind::Either(parts) | Kind::Both(parts) => parts.iter().any(|p| in_loop(p, query, variable)),
        Kind::Repeat { body, max, .. } => {
            let names = |node: &Node| matches!(&node.kind, Kind::Step(s) if query.steps[*s].variable == variable);
            (*max != Some(1) && contains(body, &names)) || in_loop(body, query, variable)
        }
    }
}

fn contains(node: &Node, test: &impl Fn(&Node) -> bool) -> bool {
    test(node)
        || match &node.kind {
            Kind::Step(_) | Kind::Not(..) => false,
            Kind::Sequence(parts, _) | Kind::Either(parts) | Kind::Both(parts) => parts.iter().any(|p| contains(p, test)),
            Kind::Repeat { body, .. } => contains(body, test),
        }
}
