//! Every name in a program with what it means and where that is defined, read from the tree.
//!
//! Names are resolved as the checker does, but forgivingly: a name that it would refuse has no meaning here, and the rest keeps theirs.

use super::{Analysis, Symbol};
use crate::semantics::tree_children as children;
use crate::syntax::ast::{
    AfterMatch, ColumnDef, Expr, ExprKind, From, MatchRecognize, Name, PartitionKey, Pattern, PatternKind, Query, Relation, RowPattern,
    RowPatternKind, SelectItem, Statement, StatementKind, Step, Until, WindowKind, Within,
};
use crate::text::Span;

/// A name at a place.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) span: Span,
    pub(super) meaning: Meaning,
    /// Where it is defined, if in the program.
    pub(super) defined: Option<Span>,
}

/// What a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    Stream(String),
    /// A step of a pattern or an alias of a stream.
    Variable {
        name: String,
        stream: Option<String>,
    },
    Column {
        name: String,
        stream: Option<String>,
    },
    Parameter(String),
    Function(String),
}

/// Something that a query reads, under a name.
#[derive(Debug, Clone)]
struct Member {
    name: String,
    stream: Option<String>,
    /// Names of its columns and where they are defined.
    columns: Vec<(String, Option<Span>)>,
    defined: Span,
}

/// All mentions of a program.
pub(super) fn of(analysis: &Analysis) -> Vec<Mention> {
    let mut walk = Walk { analysis, found: Vec::new(), with: Vec::new() };
    analysis.file.statements.iter().for_each(|statement| walk.statement(statement));
    walk.found
}

/// A statement in the outline.
pub(super) fn symbol(statement: &Statement) -> Symbol {
    let first_word = Span::new(statement.span.start, statement.span.start + 6);
    let (name, selection) = match &statement.kind {
        StatementKind::Set { name, .. } => (format!("${}", name.node), name.span),
        StatementKind::CreateSource(source) => (source.name.node.clone(), source.name.span),
        StatementKind::CreateStream { name, .. } | StatementKind::CreateTable { name, .. } | StatementKind::CreateView { name, .. } => {
            (name.node.clone(), name.span)
        }
        StatementKind::Insert { into, .. } => (format!("INSERT INTO {}", into.node), into.span),
        StatementKind::Query(_) => ("SELECT".to_owned(), first_word),
    };
    Symbol { name, statement: statement.span, selection }
}

struct Walk<'a> {
    analysis: &'a Analysis,
    found: Vec<Mention>,
    /// The named queries (`WITH`) in view, by their columns.
    with: Vec<Member>,
}

impl Walk<'_> {
    fn mention(&mut self, span: Span, meaning: Meaning, defined: Option<Span>) {
        self.found.push(Mention { span, meaning, defined });
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Set { name, value } => {
                self.mention(name.span, Meaning::Parameter(name.node.clone()), Some(name.span));
                self.expr(value, &[]);
            }
            StatementKind::CreateSource(source) => {
                self.stream(&source.name);
                let member = self.columns(&source.name, &source.columns);
                let members = std::slice::from_ref(&member);
                source.time_by.iter().flatten().for_each(|name| self.column(name, members));
                source.late_into.iter().for_each(|name| self.stream(name));
                let exprs = [&source.delay, &source.idle_after, &source.ahead, &source.when].into_iter().flatten();
                exprs.for_each(|expr| self.expr(expr, members));
            }
            StatementKind::CreateTable { name, columns, time_by, .. } => {
                self.stream(name);
                let member = self.columns(name, columns);
                time_by.iter().flatten().for_each(|name| self.column(name, std::slice::from_ref(&member)));
            }
            StatementKind::CreateStream { name, query } | StatementKind::CreateView { name, query } => {
                self.stream(name);
                self.query(query);
            }
            StatementKind::Insert { into, query } => {
                self.stream(into);
                self.query(query);
            }
            StatementKind::Query(query) => {
                self.query(query);
            }
        }
    }

    fn columns(&mut self, stream: &Name, columns: &[ColumnDef]) -> Member {
        let member = self.member(stream, None);
        for column in columns {
            self.column(&column.name, std::slice::from_ref(&member));
            column.default.iter().for_each(|expr| self.expr(expr, &[]));
        }
        member
    }

    fn stream(&mut self, name: &Name) {
        let named = self.with.iter().rev().find(|member| member.name == name.node);
        let defined = match named {
            Some(member) => Some(member.defined),
            None => self.definition_of(&name.node),
        };
        self.mention(name.span, Meaning::Stream(name.node.clone()), defined);
    }

    fn definition_of(&self, stream: &str) -> Option<Span> {
        self.analysis.file.statements.iter().find_map(|statement| match &statement.kind {
            StatementKind::CreateSource(source) => (source.name.node == stream).then_some(source.name.span),
            StatementKind::CreateStream { name, .. } | StatementKind::CreateTable { name, .. } | StatementKind::CreateView { name, .. } => {
                (name.node == stream).then_some(name.span)
            }
            StatementKind::Set { .. } | StatementKind::Insert { .. } | StatementKind::Query(_) => None,
        })
    }

    /// A stream that a query reads.
    fn member(&self, stream: &Name, alias: Option<&Name>) -> Member {
        let shown = alias.unwrap_or(stream);
        if let Some(named) = self.with.iter().rev().find(|member| member.name == stream.node) {
            return Member { name: shown.node.clone(), defined: shown.span, ..named.clone() };
        }
        let known = self.analysis.schema(&stream.node).map(|schema| schema.fields().iter().map(|field| field.name.to_string()).collect());
        let places = self.column_places(&stream.node);
        let names: Vec<String> = known.unwrap_or_else(|| places.iter().map(|(name, _)| name.clone()).collect());
        let place = |name: &String| places.iter().find(|(known, _)| known == name).map(|(_, span)| *span);
        let columns = names.into_iter().map(|name| (name.clone(), place(&name))).collect();
        Member { name: shown.node.clone(), stream: Some(stream.node.clone()), columns, defined: shown.span }
    }

    /// Where the columns of a stream are defined: in its list, or in the SELECT that makes it.
    fn column_places(&self, stream: &str) -> Vec<(String, Span)> {
        let of = |statement: &Statement| match &statement.kind {
            StatementKind::CreateSource(source) if source.name.node == stream => Some(defined_columns(&source.columns)),
            StatementKind::CreateTable { name, columns, .. } if name.node == stream => Some(defined_columns(columns)),
            StatementKind::CreateStream { name, query } | StatementKind::CreateView { name, query } if name.node == stream => {
                Some(output_columns(query))
            }
            _ => None,
        };
        self.analysis.file.statements.iter().find_map(of).unwrap_or_default()
    }

    /// A query; gives the names of its columns.
    fn query(&mut self, query: &Query) -> Vec<(String, Option<Span>)> {
        let before = self.with.len();
        for (name, inner) in &query.with {
            let columns = self.query(inner);
            self.mention(name.span, Meaning::Stream(name.node.clone()), Some(name.span));
            self.with.push(Member { name: name.node.clone(), stream: None, columns, defined: name.span });
        }
        let mut members = Vec::new();
        match &query.from {
            From::Nothing(_) => {}
            From::Relation(relation) => self.relation(relation, &mut members),
            From::Pattern(pattern, _) => {
                self.variables(pattern, &mut members);
                self.conditions(pattern, &members);
            }
        }
        self.clauses(query, &members);
        self.with.truncate(before);
        output_columns(query).into_iter().map(|(name, span)| (name, Some(span))).collect()
    }

    fn clauses(&mut self, query: &Query, members: &[Member]) {
        for item in &query.items {
            match item {
                SelectItem::All(_) => {}
                SelectItem::AllOf(name) => self.variable(name, members),
                SelectItem::Expr { expr, .. } => self.expr(expr, members),
            }
        }
        // What stands behind the SELECT may name its columns too.
        let mut behind = members.to_vec();
        let columns = output_columns(query).into_iter().map(|(name, span)| (name, Some(span))).collect();
        behind.push(Member { name: String::new(), stream: None, columns, defined: query.span });
        query.filter.iter().chain(&query.group_by).for_each(|expr| self.expr(expr, members));
        query.having.iter().chain(&query.emit_every).for_each(|expr| self.expr(expr, &behind));
        query.order_by.iter().for_each(|item| self.expr(&item.expr, &behind));
        query.suppress.iter().flat_map(|s| s.by.iter().chain([&s.duration])).for_each(|expr| self.expr(expr, &behind));
        query.limit.iter().for_each(|limit| self.expr(&limit.count, &[]));
        for key in query.partition_by.iter().flat_map(|by| &by.keys) {
            match key {
                PartitionKey::Column(expr) => self.expr(expr, members),
                PartitionKey::Equal(exprs) => exprs.iter().for_each(|expr| self.expr(expr, members)),
            }
        }
        self.within(query.within.as_ref());
        if let Some(AfterMatch::SkipToFirst(name) | AfterMatch::SkipToLast(name)) = query.after_match.as_ref().map(|after| &after.node) {
            self.variable(name, members);
        }
        query.timeout_into.iter().for_each(|name| self.stream(name));
        if let Some(window) = &query.window {
            match &window.kind {
                WindowKind::Tumbling { size, offset, .. } => {
                    [Some(size), offset.as_ref()].into_iter().flatten().for_each(|e| self.expr(e, &[]))
                }
                WindowKind::Hopping { size, every, offset, .. } => {
                    [Some(size), Some(every), offset.as_ref()].into_iter().flatten().for_each(|e| self.expr(e, &[]));
                }
                WindowKind::Session { gap, max } => [Some(gap), max.as_ref()].into_iter().flatten().for_each(|e| self.expr(e, &[])),
                WindowKind::Sliding { size: expr } | WindowKind::Rows(expr) | WindowKind::LastRows(expr) => self.expr(expr, &[]),
            }
        }
    }

    fn within(&mut self, within: Option<&Within>) {
        match within {
            Some(Within::Time(expr) | Within::Events(expr)) => self.expr(expr, &[]),
            None => {}
        }
    }

    fn relation(&mut self, relation: &Relation, members: &mut Vec<Member>) {
        match relation {
            Relation::Stream { name, alias } => {
                self.stream(name);
                let member = self.member(name, alias.as_ref());
                self.alias(alias.as_ref(), &member);
                members.push(member);
            }
            Relation::Subquery { query, alias, span } => {
                let columns = self.query(query);
                let name = alias.as_ref().map_or_else(String::new, |alias| alias.node.clone());
                let member = Member { name, stream: None, columns, defined: alias.as_ref().map_or(*span, |alias| alias.span) };
                self.alias(alias.as_ref(), &member);
                members.push(member);
            }
            Relation::MatchRecognize { input, spec, alias, .. } => {
                let mut read = Vec::new();
                self.relation(input, &mut read);
                let columns = self.match_recognize(spec, &read);
                let name = alias.as_ref().map_or_else(String::new, |alias| alias.node.clone());
                members.push(Member { name, stream: None, columns, defined: alias.as_ref().map_or(spec.span, |alias| alias.span) });
            }
            Relation::Join(join) => {
                self.relation(&join.left, members);
                self.relation(&join.right, members);
                let members = &*members;
                join.on.iter().chain(&join.tolerance).for_each(|expr| self.expr(expr, members));
                join.within.iter().flat_map(|within| [&within.before, &within.after]).for_each(|expr| self.expr(expr, &[]));
            }
        }
    }

    fn alias(&mut self, alias: Option<&Name>, member: &Member) {
        if let Some(alias) = alias {
            let meaning = Meaning::Variable { name: alias.node.clone(), stream: member.stream.clone() };
            self.mention(alias.span, meaning, Some(alias.span));
        }
    }

    /// Inside MATCH_RECOGNIZE a variable has the columns of the input. Gives the columns of the result.
    fn match_recognize(&mut self, spec: &MatchRecognize, read: &[Member]) -> Vec<(String, Option<Span>)> {
        let input = read.first().cloned();
        let columns = input.as_ref().map_or_else(Vec::new, |input| input.columns.clone());
        let stream = input.and_then(|input| input.stream);
        let mut members: Vec<Member> = read.to_vec();
        let mut define = |name: &Name| {
            if !members.iter().any(|member| member.name == name.node) {
                members.push(Member { name: name.node.clone(), stream: stream.clone(), columns: columns.clone(), defined: name.span });
            }
        };
        spec.defines.iter().for_each(|(name, _)| define(name));
        spec.subsets.iter().for_each(|(name, _)| define(name));
        row_variables(&spec.pattern).into_iter().for_each(&mut define);
        for name in row_variables(&spec.pattern).into_iter().chain(spec.defines.iter().map(|(name, _)| name)) {
            self.variable(name, &members);
        }
        spec.subsets.iter().flat_map(|(name, of)| [name].into_iter().chain(of)).for_each(|name| self.variable(name, &members));
        spec.partition_by.iter().chain(spec.order_by.iter().map(|item| &item.expr)).for_each(|expr| self.expr(expr, read));
        spec.measures
            .iter()
            .map(|(expr, _)| expr)
            .chain(spec.defines.iter().map(|(_, expr)| expr))
            .for_each(|expr| self.expr(expr, &members));
        self.within(spec.within.as_ref());
        let measures = spec.measures.iter().filter_map(|(_, name)| name.as_ref().map(|name| (name.node.clone(), Some(name.span))));
        measures.chain(columns.iter().cloned()).collect()
    }

    fn variables(&mut self, pattern: &Pattern, members: &mut Vec<Member>) {
        match &pattern.kind {
            PatternKind::Step(step) | PatternKind::Not { step, .. } => self.step(step, members),
            PatternKind::Sequence { elements: all, .. } | PatternKind::Either(all) | PatternKind::Both(all) => {
                all.iter().for_each(|pattern| self.variables(pattern, members));
            }
            PatternKind::Repeat { inner, until, .. } => {
                self.variables(inner, members);
                if let Some(Until::Step(step)) = until {
                    self.step(step, members);
                }
            }
        }
    }

    fn step(&mut self, step: &Step, members: &mut Vec<Member>) {
        self.stream(&step.stream);
        let member = self.member(&step.stream, step.alias.as_ref());
        self.alias(step.alias.as_ref(), &member);
        members.push(member);
    }

    /// The conditions in brackets: bare columns are those of the step's own stream.
    fn conditions(&mut self, pattern: &Pattern, members: &[Member]) {
        match &pattern.kind {
            PatternKind::Step(step) => self.condition(step, members),
            PatternKind::Not { step, for_ } => {
                self.condition(step, members);
                for_.iter().for_each(|expr| self.expr(expr, &[]));
            }
            PatternKind::Sequence { elements: all, .. } | PatternKind::Either(all) | PatternKind::Both(all) => {
                all.iter().for_each(|pattern| self.conditions(pattern, members));
            }
            PatternKind::Repeat { inner, until, .. } => {
                self.conditions(inner, members);
                match until {
                    Some(Until::Step(step)) => self.condition(step, members),
                    Some(Until::Condition(expr)) => self.expr(expr, members),
                    None => {}
                }
            }
        }
    }

    fn condition(&mut self, step: &Step, members: &[Member]) {
        let Some(condition) = &step.condition else { return };
        let own = self.member(&step.stream, step.alias.as_ref());
        let in_view: Vec<Member> = std::iter::once(own).chain(members.iter().cloned()).collect();
        self.expr(condition, &in_view);
    }

    /// An expression; the tree is as deep as the parser lets it be.
    fn expr(&mut self, expr: &Expr, members: &[Member]) {
        match &expr.kind {
            ExprKind::Path(names) => self.path(names, members),
            ExprKind::AllOf(name) => self.variable(name, members),
            ExprKind::Call(call) => self.mention(call.name.span, Meaning::Function(call.name.node.to_ascii_uppercase()), None),
            ExprKind::Parameter(name) => {
                let set = |statement: &Statement| match &statement.kind {
                    StatementKind::Set { name: set, .. } if set.node == *name => Some(set.span),
                    _ => None,
                };
                let defined = self.analysis.file.statements.iter().find_map(set);
                self.mention(expr.span, Meaning::Parameter(name.clone()), defined);
            }
            _ => {}
        }
        children(expr).into_iter().for_each(|child| self.expr(child, members));
    }

    fn path(&mut self, names: &[Name], members: &[Member]) {
        let Some(first) = names.first() else { return };
        let variable = members.iter().position(|member| member.name == first.node);
        match (variable, names.get(1)) {
            (Some(index), Some(column)) => {
                self.variable(first, members);
                self.column(column, &members[index..=index]);
            }
            (Some(_), None) if !members.iter().any(|member| member.has(&first.node)) => self.variable(first, members),
            _ => self.column(first, members),
        }
    }

    fn variable(&mut self, name: &Name, members: &[Member]) {
        if let Some(member) = members.iter().find(|member| member.name == name.node) {
            let meaning = Meaning::Variable { name: name.node.clone(), stream: member.stream.clone() };
            self.mention(name.span, meaning, Some(member.defined));
        }
    }

    fn column(&mut self, name: &Name, members: &[Member]) {
        let holder =
            members.iter().find_map(|member| member.columns.iter().find(|(column, _)| *column == name.node).map(|found| (member, found)));
        if let Some((member, (_, defined))) = holder {
            let meaning = Meaning::Column { name: name.node.clone(), stream: member.stream.clone() };
            self.mention(name.span, meaning, *defined);
        }
    }
}

impl Member {
    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|(name, _)| name == column)
    }
}

fn defined_columns(columns: &[ColumnDef]) -> Vec<(String, Span)> {
    columns.iter().map(|column| (column.name.node.clone(), column.name.span)).collect()
}

/// The columns of a SELECT that have a name in it.
fn output_columns(query: &Query) -> Vec<(String, Span)> {
    let named = |item: &SelectItem| match item {
        SelectItem::Expr { alias: Some(alias), .. } => Some((alias.node.clone(), alias.span)),
        SelectItem::Expr { expr, .. } => match &expr.kind {
            ExprKind::Path(names) => names.last().map(|name| (name.node.clone(), name.span)),
            _ => None,
        },
        SelectItem::All(_) | SelectItem::AllOf(_) => None,
    };
    query.items.iter().filter_map(named).collect()
}

/// The variables of a row pattern, as often as they stand there.
fn row_variables(pattern: &RowPattern) -> Vec<&Name> {
    match &pattern.kind {
        RowPatternKind::Variable(name) => vec![name],
        RowPatternKind::Empty | RowPatternKind::Start | RowPatternKind::End => Vec::new(),
        RowPatternKind::Concat(all) | RowPatternKind::Either(all) | RowPatternKind::Permute(all) => {
            all.iter().flat_map(row_variables).collect()
        }
        RowPatternKind::Exclude(inner) | RowPatternKind::Repeat(inner, _) => row_variables(inner),
    }
}
