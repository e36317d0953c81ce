//! Names in view at a place of the program, and how a place gives them meaning.
//!
//! The expression checker asks a [`Names`] for each path and for each call; what stands behind it (the rows of a join, the groups of a
//! window, the variables of a pattern) is that place's own business.

use std::sync::Arc;

use super::call::is_aggregate;
use super::codes;
use super::context::{Context, Reported};
use super::infer::fields;
use super::refusal::{as_text, listed};
use crate::data::{DataType, Field, Schema};
use crate::expr::{Expr, SlotId};
use crate::syntax::ast::{self, Name};
use crate::text::{Diagnostic, Span, nearest};

/// How a place of the program gives names their meaning.
pub(crate) trait Names {
    /// What a path (`a`, `a.b`, `a.b.c`) stands for. For the fields of a struct behind a column there is [`fields`].
    fn path(&mut self, cx: &mut Context<'_>, path: &[Name], span: Span) -> Result<Expr, Reported>;

    /// A call that is more than a scalar function here: an aggregate, a navigation. `None`: it is none of these.
    fn call(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Option<Result<Expr, Reported>>;

    /// A whole expression that has a meaning of its own here, like one that is grouped by. `None`: it is taken apart.
    fn whole(&mut self, cx: &mut Context<'_>, expr: &ast::Expr) -> Option<Result<Expr, Reported>> {
        let _ = (cx, expr);
        None
    }
}

/// The relations whose columns can be named, side by side in one row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    members: Vec<Member>,
    width: usize,
}

/// One relation of a scope.
#[derive(Debug, Clone)]
struct Member {
    /// The name it goes by: its alias, else the stream's name; none for a subquery without alias.
    name: Option<String>,
    /// The stream's own name, where an alias hides it.
    hidden: Option<String>,
    /// Its columns; `None` where they are not known because of a mistake.
    schema: Option<Arc<Schema>>,
    /// So many of them, the first, are its own; those behind are the bounds of a match, which only their names give.
    shown: usize,
    /// Number of its first column in the row.
    offset: usize,
}

impl Member {
    fn shown_fields(&self) -> &[Field] {
        self.schema.as_ref().map_or(&[], |schema| &schema.fields()[..self.shown])
    }
}

impl Scope {
    /// A scope of one relation.
    pub(crate) fn of(name: Option<&str>, hidden: Option<&str>, schema: Option<Arc<Schema>>) -> Self {
        let width = schema.as_ref().map_or(0, |s| s.len());
        let member = Member { name: name.map(str::to_owned), hidden: hidden.map(str::to_owned), schema, shown: width, offset: 0 };
        Self { members: vec![member], width }
    }

    /// The scope of one relation whose last columns are the bounds of a match: they can be named, and are not part of `*`.
    pub(crate) fn with_bounds(mut self, bounds: usize) -> Self {
        for member in &mut self.members {
            member.shown = member.shown.saturating_sub(bounds);
        }
        self
    }

    /// The name of the first relation, where it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        self.members.first().and_then(|m| m.name.as_deref())
    }

    /// The column of a match's bound, START_TIME or END_TIME in any case.
    fn bound(&self, name: &str) -> Option<(usize, &Field)> {
        let bounds = self.members.iter().flat_map(|m| {
            m.schema.iter().flat_map(move |s| s.fields().iter().enumerate().skip(m.shown).map(move |(i, f)| (m.offset + i, f)))
        });
        bounds.into_iter().find(|(_, field)| field.name.eq_ignore_ascii_case(name))
    }

    /// This scope's columns, then the other's. The name that both use, where there is one, is the error.
    pub(crate) fn beside(mut self, other: Self) -> Result<Self, String> {
        for mut member in other.members {
            if let Some(name) = &member.name
                && self.members.iter().any(|m| m.name.as_ref() == Some(name))
            {
                return Err(name.clone());
            }
            member.offset += self.width;
            self.members.push(member);
        }
        self.width += other.width;
        Ok(self)
    }

    /// How many columns a row has.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Whether a relation of it is not known because of a mistake.
    pub(crate) fn is_poisoned(&self) -> bool {
        self.members.iter().any(|m| m.schema.is_none())
    }

    /// Whether a bare name is a column, of one relation or more.
    pub(crate) fn has_column(&self, name: &str) -> bool {
        !self.holders(name).is_empty()
    }

    /// All columns in order, each with its number.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (usize, &Field)> {
        self.members.iter().flat_map(|m| m.shown_fields().iter().enumerate().map(move |(i, f)| (m.offset + i, f)))
    }

    /// All columns in order, each with the name of its relation.
    pub(crate) fn qualified_columns(&self) -> impl Iterator<Item = (Option<&str>, &Field)> {
        self.members.iter().flat_map(|m| m.shown_fields().iter().map(move |f| (m.name.as_deref(), f)))
    }

    /// The columns of one relation, for `name.*`.
    pub(crate) fn columns_of(&self, cx: &mut Context<'_>, name: &Name) -> Result<Vec<(usize, Field)>, Reported> {
        match self.members.iter().find(|m| m.name.as_deref() == Some(name.node.as_str())) {
            Some(member @ Member { schema: Some(_), offset, .. }) => {
                Ok(member.shown_fields().iter().enumerate().map(|(i, f)| (offset + i, f.clone())).collect())
            }
            Some(Member { schema: None, .. }) => Err(Reported::elsewhere()),
            None => Err(self.unknown_qualifier(cx, name)),
        }
    }

    /// The number of the column that a path names, and how many parts of the path say so.
    pub(crate) fn resolve(&self, cx: &mut Context<'_>, path: &[Name]) -> Result<(usize, Field, usize), Reported> {
        let [first, rest @ ..] = path else { return Err(Reported::elsewhere()) };
        if let Some(second) = rest.first()
            && let Some(member) = self.members.iter().find(|m| m.name.as_deref() == Some(first.node.as_str()))
        {
            let Some(schema) = &member.schema else { return Err(Reported::elsewhere()) };
            if let Some(index) = schema.index_of(&second.node) {
                return Ok((member.offset + index, schema.fields()[index].clone(), 2));
            }
            if self.holders(&first.node).is_empty() {
                return Err(self.unknown_column(cx, second, std::slice::from_ref(member)));
            }
        }
        self.resolve_bare(cx, first, !rest.is_empty())
    }

    fn resolve_bare(&self, cx: &mut Context<'_>, name: &Name, is_qualifier: bool) -> Result<(usize, Field, usize), Reported> {
        match self.holders(&name.node).as_slice() {
            [(member, index, schema)] => Ok((member.offset + index, schema.fields()[*index].clone(), 1)),
            [] if self.is_poisoned() => Err(Reported::elsewhere()),
            [] if is_qualifier => Err(self.unknown_qualifier(cx, name)),
            [] => Err(self.unknown_column(cx, name, &self.members)),
            several => {
                let ways: Vec<String> =
                    several.iter().filter_map(|(m, ..)| m.name.as_ref()).map(|m| format!("`{m}.{}`", name.node)).collect();
                let text = format!("column `{}` is ambiguous", name.node);
                Err(cx.error(Diagnostic::error(codes::AMBIGUOUS_COLUMN, name.span, text).hint(format!("write {}", ways.join(" or ")))))
            }
        }
    }

    fn holders(&self, column: &str) -> Vec<(&Member, usize, &Arc<Schema>)> {
        let with_schema = self.members.iter().filter_map(|m| m.schema.as_ref().map(|s| (m, s)));
        with_schema.filter_map(|(m, s)| s.index_of(column).filter(|i| *i < m.shown).map(|i| (m, i, s))).collect()
    }

    fn unknown_column(&self, cx: &mut Context<'_>, name: &Name, among: &[Member]) -> Reported {
        let known: Vec<&str> = among.iter().filter_map(|m| m.schema.as_ref()).flat_map(|s| s.fields().iter().map(|f| &*f.name)).collect();
        let mut diagnostic = as_text(Diagnostic::error(codes::UNKNOWN_COLUMN, name.span, format!("unknown column `{}`", name.node)), name);
        let near = nearest(&name.node, known.iter().copied());
        if near.is_empty() && self.members.iter().any(|m| m.name.as_deref() == Some(name.node.as_str())) {
            diagnostic = diagnostic.hint(format!("`{0}` is a stream here; write `{0}.column`", name.node));
        }
        diagnostic = diagnostic.did_you_mean(&near);
        for member in among {
            let Some(schema) = &member.schema else { continue };
            let columns: Vec<&str> = schema.fields().iter().map(|f| &*f.name).collect();
            let owner = member.name.as_ref().map_or(String::from("this query"), |n| format!("`{n}`"));
            diagnostic = diagnostic.hint(format!("columns of {owner}: {}", listed(&columns)));
        }
        let elsewhere = self.holders(&name.node).into_iter().filter_map(|(member, ..)| member.name.as_ref());
        for owner in elsewhere {
            diagnostic = diagnostic.hint(format!("there is `{owner}.{}`", name.node));
        }
        cx.error(diagnostic)
    }

    fn unknown_qualifier(&self, cx: &mut Context<'_>, name: &Name) -> Reported {
        let mut diagnostic = Diagnostic::error(codes::UNKNOWN_QUALIFIER, name.span, format!("`{}` is no stream of this query", name.node));
        let hidden = self.members.iter().find(|m| m.hidden.as_deref() == Some(name.node.as_str()));
        if let Some(Member { name: Some(alias), .. }) = hidden {
            diagnostic = diagnostic.hint(format!("`{}` is called `{alias}` here", name.node));
        } else {
            let known: Vec<&str> = self.members.iter().filter_map(|m| m.name.as_deref()).collect();
            diagnostic = diagnostic.did_you_mean(&nearest(&name.node, known.iter().copied()));
            if diagnostic.hints.is_empty() && !known.is_empty() {
                diagnostic = diagnostic.hint(format!("there are: {}", listed(&known)));
            }
        }
        cx.error(diagnostic)
    }
}

/// The rows of a scope, one at a time, where no aggregate may stand.
#[derive(Debug)]
pub(crate) struct Rows<'s> {
    /// What can be named.
    pub(crate) scope: &'s Scope,
    /// The place, for messages: `WHERE`, `ON`.
    pub(crate) place: &'static str,
}

impl Names for Rows<'_> {
    fn path(&mut self, cx: &mut Context<'_>, path: &[Name], span: Span) -> Result<Expr, Reported> {
        if let [name] = path
            && is_window_bound(&name.node)
            && self.scope.holders(&name.node).is_empty()
        {
            if let Some((index, field)) = self.scope.bound(&name.node) {
                return Ok(column(index, field.data_type.clone()));
            }
            let text = match self.place {
                "SELECT" => format!("`{}` stands for the bounds of a window or match, and this query has none", name.node),
                place => format!("`{}` stands for the bounds of a window or match, which {place} comes before", name.node),
            };
            return Err(cx.error(Diagnostic::error(codes::NO_BOUNDS, span, text)));
        }
        let (index, field, used) = self.scope.resolve(cx, path)?;
        fields(cx, column(index, field.data_type), &path[used..])
    }

    fn call(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Option<Result<Expr, Reported>> {
        is_aggregate(cx, call).then(|| Err(misplaced_aggregate(cx, call, span, self.place)))
    }
}

/// A place where only constants may stand.
#[derive(Debug)]
pub(crate) struct Constants {
    /// What must be constant, for messages: `the size of a window`.
    pub(crate) what: &'static str,
}

impl Names for Constants {
    fn path(&mut self, cx: &mut Context<'_>, path: &[Name], span: Span) -> Result<Expr, Reported> {
        let written: Vec<&str> = path.iter().map(|n| n.node.as_str()).collect();
        let text = format!("{} must be constant; `{}` is a name", self.what, written.join("."));
        let hint = format!("write a value, or a parameter: `${}` with SET {} = …", written[0], written[0]);
        Err(cx.error(Diagnostic::error(codes::NOT_CONSTANT, span, text).hint(hint)))
    }

    fn call(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Option<Result<Expr, Reported>> {
        is_aggregate(cx, call).then(|| {
            let text = format!("{} must be constant; `{}` is an aggregate", self.what, call.name.node);
            Err(cx.error(Diagnostic::error(codes::NOT_CONSTANT, span, text)))
        })
    }
}

/// The value of a column of the row.
pub(crate) fn column(index: usize, data_type: DataType) -> Expr {
    Expr::slot(SlotId(u32::try_from(index).expect("fewer than 2^32 columns fit a program text")), data_type)
}

/// Whether a bare name is START_TIME or END_TIME.
pub(crate) fn is_window_bound(name: &str) -> bool {
    name.eq_ignore_ascii_case("START_TIME") || name.eq_ignore_ascii_case("END_TIME")
}

/// Tells that an aggregate stands where none may.
pub(crate) fn misplaced_aggregate(cx: &mut Context<'_>, call: &ast::Call, span: Span, place: &str) -> Reported {
    let name = call.name.node.to_uppercase();
    let diagnostic = Diagnostic::error(codes::MISPLACED_AGGREGATE, span, format!("the aggregate `{name}` cannot stand in {place}"));
    cx.error(match place {
        "WHERE" => diagnostic.hint("WHERE is checked for each row, before there are groups; write the condition in HAVING"),
        "GROUP BY" => diagnostic.hint("GROUP BY says what the aggregates are taken over; name columns"),
        _ => diagnostic,
    })
}
