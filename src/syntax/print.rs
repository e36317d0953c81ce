//! The tree to canonical text: `parse(print(tree))` is the tree again, but for the places.
//!
//! What the tree holds only as a place, because a later stage refuses it, is copied from the source. A column without an alias is copied
//! too, for its text is its name.

use crate::text::{Source, Span};

use super::ast::{
    AfterMatch, ColumnDef, CreateSource, Expr, File, From, Join, JoinKind, MatchRecognize, Name, OrderItem, Overflow, PartitionKey, Query,
    Relation, RowsPerMatch, Runs, SelectItem, StatementKind, TypeKind, TypeName, WindowKind, Within,
};
use super::parse_grammar::folded;
use super::print_expr::{BOUND, quoted_text};

/// The canonical text of a program that was read from `source`.
pub fn print(file: &File, source: &Source) -> String {
    let mut printer = Printer { out: String::new(), source };
    for statement in &file.statements {
        printer.statement(&statement.kind);
        printer.put(";\n");
    }
    printer.out
}

pub(super) struct Printer<'s> {
    out: String,
    source: &'s Source,
}

impl Printer<'_> {
    pub(super) fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Copies a range of the source, with its runs of blanks made one.
    pub(super) fn source(&mut self, span: Span) {
        let text = self.source.text().get(span.start as usize..span.end as usize).unwrap_or_default();
        // In one line a comment would swallow what stands behind it.
        if text.contains("--") { self.put(text) } else { self.put(&folded(text)) }
    }

    pub(super) fn string(&mut self, text: &str) {
        self.put(&quoted_text(text));
    }

    pub(super) fn quoted(&mut self, text: &str) {
        self.put(&format!("\"{}\"", text.replace('"', "\"\"")));
    }

    pub(super) fn separated<T>(&mut self, all: &[T], between: &str, each: impl Fn(&mut Self, &T)) {
        for (index, one) in all.iter().enumerate() {
            if index > 0 {
                self.put(between);
            }
            each(self, one);
        }
    }

    /// Words and a bound, if there is one.
    pub(super) fn clause(&mut self, words: &str, bound: Option<&Expr>) {
        if let Some(bound) = bound {
            self.put(words);
            self.at_least(bound, BOUND);
        }
    }

    /// Words and a condition, if there is one.
    fn condition(&mut self, words: &str, condition: Option<&Expr>) {
        if let Some(condition) = condition {
            self.put(words);
            self.expr(condition);
        }
    }

    fn named(&mut self, words: &str, name: Option<&Name>) {
        if let Some(name) = name {
            self.put(words);
            self.name(name);
        }
    }

    fn names(&mut self, names: &[Name]) {
        self.separated(names, ", ", |printer, name| printer.name(name));
    }

    fn statement(&mut self, kind: &StatementKind) {
        match kind {
            StatementKind::Set { name, value } => {
                self.named("SET ", Some(name));
                self.condition(" = ", Some(value));
            }
            StatementKind::CreateSource(source) => self.create_source(source),
            StatementKind::CreateStream { name, query } => {
                self.named("CREATE STREAM ", Some(name));
                self.put(" AS\n");
                self.query(query);
            }
            StatementKind::CreateTable { name, columns, time_by, options } => {
                self.named("CREATE TABLE ", Some(name));
                self.columns(columns);
                self.time_by(time_by.as_deref());
                self.options(options);
            }
            StatementKind::CreateView { name, query } => {
                self.named("CREATE TABLE ", Some(name));
                self.put(" AS\n");
                self.query(query);
            }
            StatementKind::Insert { into, query } => {
                self.named("INSERT INTO ", Some(into));
                self.put("\n");
                self.query(query);
            }
            StatementKind::Query(query) => self.query(query),
        }
    }

    fn create_source(&mut self, source: &CreateSource) {
        self.named("CREATE STREAM ", Some(&source.name));
        self.columns(&source.columns);
        self.time_by(source.time_by.as_deref());
        self.clause("\nDELAY ", source.delay.as_ref());
        self.clause("\nIDLE AFTER ", source.idle_after.as_ref());
        self.named("\nLATE INTO ", source.late_into.as_ref());
        self.clause("\nAHEAD ", source.ahead.as_ref());
        self.condition("\nWHEN ", source.when.as_ref());
        self.options(&source.options);
    }

    fn time_by(&mut self, names: Option<&[Name]>) {
        if let Some(names) = names {
            self.put("\nTIMESTAMP BY (");
            self.names(names);
            self.put(")");
        }
    }

    fn options(&mut self, options: &[(Name, Expr)]) {
        if !options.is_empty() {
            self.put("\nWITH (");
            self.separated(options, ", ", |printer, (name, value)| {
                printer.name(name);
                printer.clause(" = ", Some(value));
            });
            self.put(")");
        }
    }

    fn columns(&mut self, columns: &[ColumnDef]) {
        self.put(" (\n    ");
        self.separated(columns, ",\n    ", |printer, column| {
            printer.name(&column.name);
            printer.put(" ");
            printer.data_type(&column.data_type);
            if column.not_null {
                printer.put(" NOT NULL");
            }
            if column.primary_key {
                printer.put(" PRIMARY KEY");
            }
            if let Some(path) = &column.path {
                printer.put(" FROM ");
                printer.string(&path.node);
            }
            printer.condition(" DEFAULT ", column.default.as_ref());
        });
        self.put("\n)");
    }

    pub(super) fn data_type(&mut self, name: &TypeName) {
        match &name.kind {
            TypeKind::Plain(name) => self.put(name),
            TypeKind::Text(name, length) => self.put(&format!("{name}({length})")),
            TypeKind::Decimal(precision, scale) => self.put(&format!("DECIMAL({precision}, {scale})")),
            TypeKind::TimestampUnit(unit) => self.put(&format!("TIMESTAMP({})", unit.node)),
            TypeKind::TimestampFormat(format) => {
                self.put("TIMESTAMP FORMAT ");
                self.string(&format.node);
            }
            TypeKind::List(inner) => {
                self.put("LIST<");
                self.data_type(inner);
                self.put(">");
            }
            TypeKind::Struct(fields) => {
                self.put("STRUCT<");
                self.separated(fields, ", ", |printer, (name, inner)| {
                    printer.name(name);
                    printer.put(" ");
                    printer.data_type(inner);
                });
                self.put(">");
            }
        }
    }

    fn subquery(&mut self, query: &Query) {
        self.put("(");
        self.query(query);
        self.put(")");
    }

    fn query(&mut self, query: &Query) {
        if !query.with.is_empty() {
            self.put("WITH ");
            self.separated(&query.with, ", ", |printer, (name, inner)| {
                printer.name(name);
                printer.put(" AS ");
                printer.subquery(inner);
            });
            self.put("\n");
        }
        self.put("SELECT ");
        if query.all_matches.is_some() {
            self.put("ALL MATCHES ");
        }
        if query.distinct.is_some() {
            self.put("DISTINCT ");
        }
        self.separated(&query.items, ", ", |printer, item| printer.select_item(item));
        self.from(&query.from);
        self.clauses(query);
    }

    fn select_item(&mut self, item: &SelectItem) {
        match item {
            SelectItem::All(_) => self.put("*"),
            SelectItem::AllOf(name) => {
                self.name(name);
                self.put(".*");
            }
            SelectItem::Expr { text, alias: None, .. } => self.put(text),
            SelectItem::Expr { expr, alias, .. } => {
                self.expr(expr);
                self.named(" AS ", alias.as_ref());
            }
        }
    }

    fn from(&mut self, from: &From) {
        match from {
            From::Nothing(_) => {}
            From::Relation(relation) => {
                self.put("\nFROM ");
                self.relation(relation);
            }
            From::Pattern(pattern, _) => {
                self.put("\nFROM PATTERN (");
                self.pattern(pattern, 1);
                self.put(")");
            }
        }
    }

    fn relation(&mut self, relation: &Relation) {
        match relation {
            Relation::Stream { name, alias } => {
                self.name(name);
                self.named(" AS ", alias.as_ref());
            }
            Relation::Subquery { query, alias, .. } => {
                self.subquery(query);
                self.named(" AS ", alias.as_ref());
            }
            Relation::MatchRecognize { input, spec, alias, column_list } => {
                self.relation(input);
                self.match_recognize(spec);
                self.named(" AS ", alias.as_ref());
                if let Some(list) = column_list {
                    self.put(" ");
                    self.source(*list);
                }
            }
            Relation::Join(join) => self.join(join),
        }
    }

    fn join(&mut self, join: &Join) {
        self.relation(&join.left);
        self.put(match join.kind {
            JoinKind::Inner => "\nJOIN ",
            JoinKind::Left => "\nLEFT JOIN ",
            JoinKind::Right => "\nRIGHT JOIN ",
            JoinKind::Full => "\nFULL JOIN ",
            JoinKind::Semi => "\nSEMI JOIN ",
            JoinKind::Anti => "\nANTI JOIN ",
            JoinKind::AsOf => "\nASOF JOIN ",
            JoinKind::LeftAsOf => "\nLEFT ASOF JOIN ",
        });
        self.relation(&join.right);
        self.condition(" ON ", join.on.as_ref());
        if let Some(within) = &join.within {
            self.clause(" WITHIN ", Some(&within.before));
            // The symmetric form has one bound, at one place.
            if within.before != within.after {
                self.clause(" BEFORE AND ", Some(&within.after));
                self.put(" AFTER");
            }
        }
        self.clause(" TOLERANCE ", join.tolerance.as_ref());
    }

    fn overflow(&mut self, overflow: Overflow) {
        self.put(match overflow {
            Overflow::Refuse => "",
            Overflow::DropOldest => " ON OVERFLOW DROP OLDEST",
            Overflow::Error => " ON OVERFLOW ERROR",
        });
    }

    fn clauses(&mut self, query: &Query) {
        if let Some(window) = &query.window {
            self.window(&window.kind);
        }
        if let Some(partition) = &query.partition_by {
            self.put("\nPARTITION BY ");
            self.separated(&partition.keys, ", ", |printer, key| match key {
                // An equality that is one key stands in parentheses.
                PartitionKey::Column(expr) => printer.at_least(expr, BOUND),
                PartitionKey::Equal(all) => printer.separated(all, " = ", |printer, one| printer.at_least(one, BOUND)),
            });
        }
        self.condition("\nWHERE ", query.filter.as_ref());
        if !query.group_by.is_empty() {
            self.put("\nGROUP BY ");
            self.list(&query.group_by);
        }
        self.within(query.within.as_ref());
        self.condition("\nHAVING ", query.having.as_ref());
        if let Some(after) = &query.after_match {
            self.after_match(&after.node);
        }
        match query.runs.as_ref().map(|runs| &runs.node) {
            Some(Runs::All) => self.put("\nRUNS ALL"),
            Some(Runs::Latest) => self.put("\nRUNS LATEST"),
            Some(Runs::Count(count, overflow)) => {
                self.clause("\nRUNS ", Some(count));
                self.overflow(*overflow);
            }
            None => {}
        }
        if let Some(keys) = query.keys.as_ref().map(|keys| &keys.node) {
            self.clause("\nKEYS ", Some(&keys.count));
            self.overflow(keys.overflow);
        }
        self.named("\nTIMEOUT INTO ", query.timeout_into.as_ref());
        self.clause("\nEMIT EVERY ", query.emit_every.as_ref());
        if let Some(suppress) = &query.suppress {
            self.put("\nSUPPRESS BY ");
            self.list(&suppress.by);
            self.clause(" FOR ", Some(&suppress.duration));
        }
        self.order_by(&query.order_by);
        if let Some(limit) = &query.limit {
            self.clause("\nLIMIT ", Some(&limit.count));
            self.put(if limit.per_partition { " PER PARTITION" } else { "" });
        }
    }

    fn within(&mut self, within: Option<&Within>) {
        match within {
            Some(Within::Time(length)) => self.clause("\nWITHIN ", Some(length)),
            Some(Within::Events(count)) => {
                self.clause("\nWITHIN ", Some(count));
                self.put(" EVENTS");
            }
            None => {}
        }
    }

    fn order_by(&mut self, items: &[OrderItem]) {
        if items.is_empty() {
            return;
        }
        self.put("\nORDER BY ");
        self.separated(items, ", ", |printer, item| {
            printer.expr(&item.expr);
            printer.put(if item.descending { " DESC" } else { "" });
            printer.put(match item.nulls_first {
                Some(true) => " NULLS FIRST",
                Some(false) => " NULLS LAST",
                None => "",
            });
        });
    }

    fn window(&mut self, kind: &WindowKind) {
        match kind {
            WindowKind::Tumbling { size, offset, zone } | WindowKind::Hopping { size, offset, zone, .. } => {
                let step = if let WindowKind::Hopping { every, .. } = kind { Some(every) } else { None };
                self.clause(if step.is_some() { " WINDOW HOPPING " } else { " WINDOW TUMBLING " }, Some(size));
                self.clause(" EVERY ", step);
                self.clause(" OFFSET ", offset.as_ref());
                if let Some(zone) = zone {
                    self.put(" IN ");
                    self.string(&zone.node);
                }
            }
            WindowKind::Sliding { size } => self.clause(" WINDOW SLIDING ", Some(size)),
            WindowKind::Session { gap, max } => {
                self.clause(" WINDOW SESSION ", Some(gap));
                self.clause(" MAX ", max.as_ref());
            }
            WindowKind::Rows(count) => self.clause(" WINDOW ROWS ", Some(count)),
            WindowKind::LastRows(count) => {
                self.clause(" WINDOW LAST ", Some(count));
                self.put(" ROWS");
            }
        }
    }

    fn after_match(&mut self, after: &AfterMatch) {
        let (words, name) = match after {
            AfterMatch::SkipPastLast => ("SKIP PAST LAST EVENT", None),
            AfterMatch::SkipToLastEvent => ("SKIP TO LAST EVENT", None),
            AfterMatch::SkipToNext => ("SKIP TO NEXT EVENT", None),
            AfterMatch::SkipToFirst(name) => ("SKIP TO FIRST ", Some(name)),
            AfterMatch::SkipToLast(name) => ("SKIP TO LAST ", Some(name)),
            AfterMatch::Restart => ("RESTART", None),
            AfterMatch::Consume => ("CONSUME", None),
        };
        self.put("\nAFTER MATCH ");
        self.put(words);
        if let Some(name) = name {
            self.name_beside(name, &["EVENT", "ROW"]);
        }
    }

    fn match_recognize(&mut self, spec: &MatchRecognize) {
        self.put(" MATCH_RECOGNIZE (");
        if !spec.partition_by.is_empty() {
            self.put("\nPARTITION BY ");
            self.list(&spec.partition_by);
        }
        self.order_by(&spec.order_by);
        if !spec.measures.is_empty() {
            self.put("\nMEASURES ");
            self.separated(&spec.measures, ", ", |printer, (expr, name)| {
                printer.expr(expr);
                printer.named(" AS ", name.as_ref());
            });
        }
        self.put(match spec.rows {
            RowsPerMatch::One => "\nONE ROW PER MATCH",
            RowsPerMatch::AllShowEmpty => "\nALL ROWS PER MATCH",
            RowsPerMatch::AllOmitEmpty => "\nALL ROWS PER MATCH OMIT EMPTY MATCHES",
            RowsPerMatch::AllWithUnmatched => "\nALL ROWS PER MATCH WITH UNMATCHED ROWS",
        });
        if let Some(after) = &spec.after_match {
            self.after_match(&after.node);
        }
        if let Some(seek) = spec.seek {
            self.put("\n");
            self.source(seek);
        }
        self.put("\nPATTERN (");
        self.row_pattern(&spec.pattern, 1);
        self.put(")");
        self.within(spec.within.as_ref());
        if !spec.subsets.is_empty() {
            self.put("\nSUBSET ");
            self.separated(&spec.subsets, ", ", |printer, (name, members)| {
                printer.name(name);
                printer.put(" = (");
                printer.names(members);
                printer.put(")");
            });
        }
        if !spec.defines.is_empty() {
            self.put("\nDEFINE ");
            self.separated(&spec.defines, ", ", |printer, (name, condition)| {
                printer.named("", Some(name));
                printer.condition(" AS ", Some(condition));
            });
        }
        self.put("\n)");
    }
}
