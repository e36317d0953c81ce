//! Pairs of statements to trees: SET, CREATE, INSERT, with the columns, types and clauses of a source.
//!
//! Clauses come in any order; one that comes twice is told with both places, and the first is kept.

use crate::text::{Diagnostic, Span, Spanned};

use super::ast::{ColumnDef, CreateSource, Expr, Name, Statement, StatementKind, TypeKind, TypeName};
use super::codes;
use super::literal;
use super::parse_grammar::{Pair, Read, Reader, Rule, all, find, has, only, parts, the};

/// Remembers where each clause stood, to tell of a second one.
#[derive(Default)]
pub(super) struct Once {
    seen: Vec<(Rule, Span)>,
}

impl Once {
    /// Whether this is the first clause of its kind; a second one is told.
    pub(super) fn first(&mut self, reader: &mut Reader, rule: Rule, span: Span, what: &str) -> bool {
        match self.seen.iter().find(|(seen, _)| *seen == rule) {
            None => {
                self.seen.push((rule, span));
                true
            }
            Some((_, first)) => {
                let twice = Diagnostic::error(codes::TWICE, span, format!("{what} is given twice"));
                reader.tell(twice.label("the second").related(*first, "the first").hint("keep one of them"));
                false
            }
        }
    }
}

impl Reader {
    /// The tree of a `statement` pair.
    pub(super) fn statement(&mut self, pair: &Pair<'_>) -> Read<Statement> {
        let inner = only(pair);
        let kind = match inner.as_rule() {
            Rule::set_parameter => StatementKind::Set { name: self.first_name(&inner), value: self.expr(&the(&inner, Rule::expr))? },
            Rule::create_stream => self.create_stream(&inner)?,
            Rule::create_table => self.create_table(&inner)?,
            Rule::insert => StatementKind::Insert { into: self.first_name(&inner), query: self.query(&the(&inner, Rule::query))? },
            _ => StatementKind::Query(self.query(&inner)?),
        };
        Ok(Statement { kind, span: self.span(&inner) })
    }

    /// The name that is the pair's first direct name.
    pub(super) fn first_name(&self, pair: &Pair<'_>) -> Name {
        self.name(&the(pair, Rule::ident))
    }

    /// All direct names.
    pub(super) fn names(&self, pair: &Pair<'_>) -> Vec<Name> {
        all(pair, Rule::ident).map(|part| self.name(&part)).collect()
    }

    fn create_stream(&mut self, pair: &Pair<'_>) -> Read<StatementKind> {
        let name = self.first_name(pair);
        if let Some(query) = find(pair, Rule::query) {
            return Ok(StatementKind::CreateStream { name, query: self.query(&query)? });
        }
        let mut source = CreateSource {
            name,
            columns: self.columns(&the(pair, Rule::columns))?,
            time_by: None,
            delay: None,
            idle_after: None,
            late_into: None,
            ahead: None,
            when: None,
            options: Vec::new(),
        };
        let mut once = Once::default();
        for clause in all(pair, Rule::source_clause) {
            self.source_clause(&mut source, &only(&clause), &mut once)?;
        }
        Ok(StatementKind::CreateSource(source))
    }

    fn source_clause(&mut self, source: &mut CreateSource, clause: &Pair<'_>, once: &mut Once) -> Read<()> {
        let what = match clause.as_rule() {
            Rule::time_by => "`TIMESTAMP BY`",
            Rule::delay => "`DELAY`",
            Rule::idle_after => "`IDLE AFTER`",
            Rule::late_into => "`LATE INTO`",
            Rule::ahead => "`AHEAD`",
            Rule::when_clause => "`WHEN`",
            _ => "`WITH`",
        };
        let span = self.span(clause);
        if !once.first(self, clause.as_rule(), span, what) {
            return Ok(());
        }
        match clause.as_rule() {
            Rule::time_by => source.time_by = Some(self.names(clause)),
            Rule::delay => source.delay = Some(self.inner_expr(clause)?),
            Rule::idle_after => source.idle_after = Some(self.inner_expr(clause)?),
            Rule::late_into => source.late_into = Some(self.first_name(clause)),
            Rule::ahead => source.ahead = Some(self.inner_expr(clause)?),
            Rule::when_clause => source.when = Some(self.inner_expr(clause)?),
            _ => source.options = self.options(clause)?,
        }
        Ok(())
    }

    fn create_table(&mut self, pair: &Pair<'_>) -> Read<StatementKind> {
        let name = self.first_name(pair);
        if let Some(query) = find(pair, Rule::query) {
            return Ok(StatementKind::CreateView { name, query: self.query(&query)? });
        }
        let columns = self.columns(&the(pair, Rule::columns))?;
        let (mut time_by, mut options) = (None, Vec::new());
        let mut once = Once::default();
        for clause in all(pair, Rule::table_clause) {
            let clause = only(&clause);
            let is_time = clause.as_rule() == Rule::time_by;
            let span = self.span(&clause);
            if !once.first(self, clause.as_rule(), span, if is_time { "`TIMESTAMP BY`" } else { "`WITH`" }) {
                continue;
            }
            if is_time {
                time_by = Some(self.names(&clause));
            } else {
                options = self.options(&clause)?;
            }
        }
        Ok(StatementKind::CreateTable { name, columns, time_by, options })
    }

    fn options(&mut self, pair: &Pair<'_>) -> Read<Vec<(Name, Expr)>> {
        all(pair, Rule::option).map(|option| Ok((self.first_name(&option), self.expr(&the(&option, Rule::bound))?))).collect()
    }

    fn columns(&mut self, pair: &Pair<'_>) -> Read<Vec<ColumnDef>> {
        all(pair, Rule::column).map(|column| self.column(&column)).collect()
    }

    fn column(&mut self, pair: &Pair<'_>) -> Read<ColumnDef> {
        let mut column = ColumnDef {
            name: self.first_name(pair),
            data_type: self.data_type(&the(pair, Rule::data_type))?,
            not_null: false,
            primary_key: false,
            path: None,
            default: None,
            span: self.span(pair),
        };
        let mut once = Once::default();
        for mark in all(pair, Rule::column_mark) {
            let mark = only(&mark);
            let what = match mark.as_rule() {
                Rule::not_null => "`NOT NULL`",
                Rule::primary_key => "`PRIMARY KEY`",
                Rule::column_path => "`FROM`",
                _ => "`DEFAULT`",
            };
            let span = self.span(&mark);
            if !once.first(self, mark.as_rule(), span, what) {
                continue;
            }
            match mark.as_rule() {
                Rule::not_null => column.not_null = true,
                Rule::primary_key => column.primary_key = true,
                Rule::column_path => column.path = Some(self.string(&only(&mark))),
                _ => column.default = Some(self.inner_expr(&mark)?),
            }
        }
        Ok(column)
    }

    /// The tree of a `data_type` pair; the scanner has bounded how deep types nest.
    pub(super) fn data_type(&mut self, pair: &Pair<'_>) -> Read<TypeName> {
        let inner = only(pair);
        let kind = match inner.as_rule() {
            Rule::list_type => TypeKind::List(Box::new(self.data_type(&only(&inner))?)),
            Rule::struct_type => {
                let field = |field: Pair<'_>| Ok((self.first_name(&field), self.data_type(&the(&field, Rule::data_type))?));
                TypeKind::Struct(all(&inner, Rule::struct_field).map(field).collect::<Read<_>>()?)
            }
            Rule::timestamp_type => match parts(&inner).next() {
                None => TypeKind::Plain("TIMESTAMP".to_owned()),
                Some(format) if has(&inner, Rule::kw_format) => TypeKind::TimestampFormat(self.string(&format)),
                Some(unit) => TypeKind::TimestampUnit(Spanned::new(unit.as_str().to_ascii_lowercase(), self.span(&unit))),
            },
            Rule::decimal_type => {
                let mut numbers = all(&inner, Rule::whole).map(|part| self.whole::<u32>(&part));
                let precision = numbers.next().unwrap_or(0);
                TypeKind::Decimal(precision, numbers.next().unwrap_or(0))
            }
            Rule::text_type => {
                let length = self.whole(&the(&inner, Rule::whole));
                TypeKind::Text(the(&inner, Rule::text_name).as_str().to_ascii_uppercase(), length)
            }
            _ => TypeKind::Plain(inner.as_str().to_ascii_uppercase()),
        };
        Ok(TypeName { kind, span: self.span(pair) })
    }

    /// A whole number; one that does not fit is told, and read as 0.
    pub(super) fn whole<T: std::str::FromStr + Default>(&mut self, pair: &Pair<'_>) -> T {
        literal::whole(pair.as_str()).unwrap_or_else(|why| {
            self.tell(codes::bad_literal(why, self.span(pair)));
            T::default()
        })
    }
}
