//! What a program reads and does not declare: for whoever can tell the columns of a stream from its events.

use std::collections::BTreeSet;

use crate::semantics::named_streams;
use crate::syntax::ast::{From, PatternKind, Query, Relation, RowsPerMatch, SelectItem, StatementKind, WindowKind};
use crate::syntax::parse;
use crate::text::Source;

/// What a program reads and does not declare.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Undeclared {
    /// Streams that are read and that no statement makes, in the order of the text.
    pub streams: Vec<String>,
    /// No source stream is declared, so that one that is not declared may take every event.
    pub is_without_sources: bool,
    /// All words of the program; the columns that it reads are among them.
    pub words: BTreeSet<String>,
    /// Some query takes all columns, whatever their names.
    pub takes_all_columns: bool,
    /// Some query means nothing without event times: a window of time, a join, a pattern.
    pub needs_time: bool,
    /// Some statement cannot be read; it may be the one that makes a stream.
    pub is_unreadable: bool,
}

impl Undeclared {
    /// Looks at the statements that can be read. Whether they are right is not asked.
    pub fn of(program: &str) -> Self {
        let (file, mistakes) = parse(&Source::new("<query>", program));
        let mut made: BTreeSet<&str> = BTreeSet::new();
        let is_unreadable = mistakes.has_errors();
        let mut found = Self { is_without_sources: true, words: words(program), is_unreadable, ..Self::default() };
        let mut queries = Vec::new();
        for statement in &file.statements {
            match &statement.kind {
                StatementKind::Set { .. } => {}
                StatementKind::CreateSource(source) => {
                    found.is_without_sources = false;
                    made.insert(&source.name.node);
                    made.extend(source.late_into.as_ref().map(|name| name.node.as_str()));
                }
                StatementKind::CreateTable { name, .. } => drop(made.insert(&name.node)),
                StatementKind::CreateStream { name, query } | StatementKind::CreateView { name, query } => {
                    made.insert(&name.node);
                    queries.push(query);
                }
                StatementKind::Insert { into, query } => {
                    made.insert(&into.node);
                    queries.push(query);
                }
                StatementKind::Query(query) => queries.push(query),
            }
        }
        made.extend(queries.iter().filter_map(|query| query.timeout_into.as_ref()).map(|name| name.node.as_str()));
        for query in queries {
            for name in named_streams(query) {
                if !made.contains(name) && !found.streams.iter().any(|known| known == name) {
                    found.streams.push(name.to_owned());
                }
            }
            found.look_at(query);
        }
        found
    }

    // Recursion: one level a subquery, whose nesting the parser bounds.
    fn look_at(&mut self, query: &Query) {
        query.with.iter().for_each(|(_, inner)| self.look_at(inner));
        self.takes_all_columns |= query.items.iter().any(|item| matches!(item, SelectItem::All(_) | SelectItem::AllOf(_)));
        self.needs_time |= query.emit_every.is_some() || query.suppress.is_some();
        if let Some(window) = &query.window {
            self.needs_time |= !matches!(window.kind, WindowKind::Rows(_) | WindowKind::LastRows(_));
        }
        match &query.from {
            From::Nothing(_) => {}
            From::Relation(relation) => self.look_at_relation(relation),
            // One step alone is a filter.
            From::Pattern(pattern, _) => self.needs_time |= !matches!(pattern.kind, PatternKind::Step(_)),
        }
    }

    fn look_at_relation(&mut self, relation: &Relation) {
        match relation {
            Relation::Stream { .. } => {}
            Relation::Subquery { query, .. } => self.look_at(query),
            Relation::MatchRecognize { input, spec, .. } => {
                self.takes_all_columns |= spec.rows != RowsPerMatch::One;
                self.needs_time = true;
                self.look_at_relation(input);
            }
            Relation::Join(join) => {
                self.needs_time = true;
                self.look_at_relation(&join.left);
                self.look_at_relation(&join.right);
            }
        }
    }
}

/// All words of a text, and what stands in double quotes.
fn words(text: &str) -> BTreeSet<String> {
    let plain = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let quoted = text.split('"').skip(1).step_by(2);
    plain.chain(quoted).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_statement_makes_is_undeclared() {
        let found =
            Undeclared::of("CREATE STREAM A (x INT); CREATE STREAM B AS SELECT x FROM A; SELECT b.x FROM PATTERN (B b -> C c -> D);");
        assert_eq!(found.streams, ["C", "D"]);
        assert!(!found.is_without_sources && found.needs_time && !found.takes_all_columns);
        let found = Undeclared::of("WITH V AS (SELECT * FROM A) SELECT \"odd name\" FROM V WHERE y > 1");
        assert_eq!(found.streams, ["A"]);
        assert!(found.is_without_sources && !found.needs_time && found.takes_all_columns);
        assert!(["odd name", "y"].iter().all(|word| found.words.contains(*word)));
        let found = Undeclared::of("SELECT COUNT(*) AS n FROM A WINDOW ROWS 5; SELECT nonsense FROM");
        assert!(!found.needs_time && !found.takes_all_columns);
    }
}
