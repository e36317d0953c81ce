//! What names mean in MEASURES and DEFINE: columns of variables, navigation, CLASSIFIER, MATCH_NUMBER and aggregates, each a slot.
//!
//! A navigation of an expression is the expression over navigated columns, so that `LAST(A.x + A.y)` reads two slots. All columns inside
//! one navigation or aggregate are of one variable, or all of any row. An aggregate's arguments read the columns of the input; only where
//! they also name CLASSIFIER or MATCH_NUMBER do they read slots.

use super::codes;
use super::variables::{RowVariables, Target};
use crate::data::{DataType, Schema};
use crate::expr::Expr;
use crate::semantics::call::is_aggregate;
use crate::semantics::context::{Context, Reported};
use crate::semantics::infer::{fields, infer};
use crate::semantics::pattern::{Slots, build_aggregate, navigation_offset};
use crate::semantics::refusal::as_text;
use crate::semantics::scope::{self, Names};
use crate::semantics::tree::children;
use crate::spec::{NavigationBase, SlotKind};
use crate::syntax::ast::{self, ExprKind, Name, RunningOrFinal};
use crate::text::{Diagnostic, Span, nearest};

/// Where an expression stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In DEFINE: on the row that is being tried.
    Define,
    /// In MEASURES; final unless RUNNING is said (ONE ROW PER MATCH).
    FinalMeasure,
    /// In MEASURES; running unless FINAL is said (ALL ROWS PER MATCH).
    RunningMeasure,
}

/// What surrounds the name that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    Navigation {
        base: NavigationBase,
        physical: i64,
        is_final: bool,
    },
    /// Arguments read columns of the input.
    Aggregate,
    /// Arguments read slots, at each row of the aggregate.
    AggregateOverSlots,
}

/// The names of a row pattern at a place.
#[derive(Debug)]
pub(super) struct RowNames<'v> {
    variables: &'v RowVariables,
    schema: &'v Schema,
    slots: &'v mut Slots,
    place: Place,
    inside: Inside,
    /// What the navigation or aggregate that is being read is of, and where that was first said.
    only: Option<(Target, Span)>,
}

/// The functions that have a meaning in a row pattern only.
const NAVIGATIONS: [&str; 4] = ["FIRST", "LAST", "PREV", "NEXT"];

impl<'v> RowNames<'v> {
    /// The names at a place.
    pub(super) fn new(variables: &'v RowVariables, schema: &'v Schema, slots: &'v mut Slots, place: Place) -> Self {
        Self { variables, schema, slots, place, inside: Inside::Nothing, only: None }
    }

    fn default_is_final(&self) -> bool {
        self.place == Place::FinalMeasure
    }

    fn is_final(&self, call: &ast::Call) -> bool {
        match call.mode.map(|mode| mode.node) {
            Some(RunningOrFinal::Final) => true,
            Some(RunningOrFinal::Running) => false,
            None => self.default_is_final(),
        }
    }

    /// What a path is of, the column's number, and how many parts of the path say so.
    fn resolve(&self, cx: &mut Context<'_>, path: &[Name]) -> Result<(Target, usize, usize), Reported> {
        let [first, rest @ ..] = path else { return Err(Reported::elsewhere()) };
        let (target, column, used) = match (rest.first(), self.variables.find(&first.node)) {
            (Some(second), Some(target)) => (target, second, 2),
            _ => (Target::AllRows, first, 1),
        };
        match self.schema.index_of(&column.node) {
            Some(index) => Ok((target, index, used)),
            None => Err(self.unknown_column(cx, column, used == 1 && !rest.is_empty())),
        }
    }

    fn unknown_column(&self, cx: &mut Context<'_>, name: &Name, is_qualifier: bool) -> Reported {
        let known = || self.schema.fields().iter().map(|field| &*field.name);
        let text = if is_qualifier { "neither a variable of this pattern nor a column" } else { "no column of the input" };
        let mut diagnostic = as_text(Diagnostic::error(codes::UNKNOWN_COLUMN, name.span, format!("`{}` is {text}", name.node)), name);
        if self.variables.find(&name.node).is_some() {
            diagnostic = diagnostic.hint(format!("`{0}` is a variable; write `{0}.column`", name.node));
        } else if is_qualifier {
            let names: Vec<&str> = self.variables.primary.iter().map(|variable| &*variable.name).collect();
            diagnostic = diagnostic.did_you_mean(&nearest(&name.node, names));
            diagnostic = diagnostic.hint("the stream's own name is known in PARTITION BY and ORDER BY only; write the column alone");
        }
        diagnostic = diagnostic.did_you_mean(&nearest(&name.node, known()));
        cx.error(diagnostic.hint(format!("columns: {}", known().collect::<Vec<_>>().join(", "))))
    }

    /// Notes what the navigation or aggregate at hand is of, and tells where that is not the same throughout.
    fn note_only(&mut self, cx: &mut Context<'_>, target: Target, span: Span) -> Result<(), Reported> {
        if self.inside == Inside::Nothing {
            return Ok(());
        }
        match self.only {
            Some((only, first)) if only != target => {
                let names = (self.variables.show(only), self.variables.show(target));
                let text = format!(
                    "all columns inside one navigation or aggregate must be of one variable, and these are of {} and {}",
                    names.0, names.1
                );
                Err(cx.error(Diagnostic::error(codes::MIXED_VARIABLES, span, text).related(first, format!("of {}", names.0))))
            }
            _ => {
                self.only = Some((target, span));
                Ok(())
            }
        }
    }

    /// Where a column or CLASSIFIER() is read from here.
    fn reading(&self) -> (NavigationBase, i64, bool) {
        match self.inside {
            Inside::Navigation { base, physical, is_final } => (base, physical, is_final),
            Inside::Nothing => (NavigationBase::Last(0), 0, self.default_is_final()),
            Inside::Aggregate | Inside::AggregateOverSlots => (NavigationBase::Last(0), 0, false),
        }
    }

    fn arguments(cx: &mut Context<'_>, span: Span, text: String, hint: &str) -> Reported {
        cx.error(Diagnostic::error(codes::ARGUMENTS, span, text).hint(hint))
    }

    fn nested(&self, cx: &mut Context<'_>, name: &str, span: Span) -> Reported {
        let outer = match self.inside {
            Inside::Aggregate | Inside::AggregateOverSlots => "an aggregate",
            Inside::Navigation { .. } | Inside::Nothing => "a navigation",
        };
        let text = format!("{name} cannot stand inside {outer}");
        cx.error(
            Diagnostic::error(codes::NESTING, span, text)
                .hint("only PREV and NEXT can stand around something: directly around FIRST or LAST"),
        )
    }

    /// FIRST, LAST, PREV, NEXT.
    fn navigate(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Result<Expr, Reported> {
        let name = call.name.node.to_uppercase();
        if self.inside != Inside::Nothing {
            return Err(self.nested(cx, &name, span));
        }
        let (argument, offset) = self.navigation_arguments(cx, call, &name, span)?;
        let mut is_final = self.is_final(call);
        let (mut base, mut physical, mut operand) = (NavigationBase::Last(0), 0, argument);
        match name.as_str() {
            "FIRST" => base = NavigationBase::First(offset.unwrap_or(0)),
            "LAST" => base = NavigationBase::Last(offset.unwrap_or(0)),
            _ => {
                let distance = i64::from(offset.unwrap_or(1));
                physical = if name == "PREV" { -distance } else { distance };
                if let Some(inner) = directly_inside(argument) {
                    let inner_name = inner.name.node.to_uppercase();
                    let (inner_argument, offset) = self.navigation_arguments(cx, inner, &inner_name, argument.span)?;
                    let offset = offset.unwrap_or(0);
                    base = if inner_name == "FIRST" { NavigationBase::First(offset) } else { NavigationBase::Last(offset) };
                    self.check_mode(cx, inner)?;
                    is_final = self.is_final(inner);
                    operand = inner_argument;
                }
            }
        }
        self.inside = Inside::Navigation { base, physical, is_final };
        let inner = infer(cx, self, operand);
        self.inside = Inside::Nothing;
        let only = self.only.take();
        let inner = inner?;
        if only.is_none() {
            return Err(Self::arguments(
                cx,
                operand.span,
                format!("{name} needs a column, or CLASSIFIER()"),
                &format!("write `{name}(v.column)`"),
            ));
        }
        Ok(inner)
    }

    fn navigation_arguments<'c>(
        &self,
        cx: &mut Context<'_>,
        call: &'c ast::Call,
        name: &str,
        span: Span,
    ) -> Result<(&'c ast::Expr, Option<u32>), Reported> {
        self.refuse_modifiers(cx, call)?;
        match call.args.as_slice() {
            [argument] => Ok((argument, None)),
            [argument, offset] => navigation_offset(cx, offset, 0, codes::ARGUMENTS).map(|offset| (argument, Some(offset))),
            _ => {
                let hint = format!("write `{name}(v.column)` or `{name}(v.column, n)`");
                Err(Self::arguments(
                    cx,
                    span,
                    format!("{name} takes a column and perhaps a number, found {} arguments", call.args.len()),
                    &hint,
                ))
            }
        }
    }

    fn refuse_modifiers(&self, cx: &mut Context<'_>, call: &ast::Call) -> Result<(), Reported> {
        let filter = call.filter.as_ref().map(|filter| (filter.span, "FILTER"));
        let distinct = call.distinct.map(|span| (span, "DISTINCT"));
        let order = call.order_by.map(|span| (span, "ORDER BY"));
        let Some((span, what)) = distinct.or(filter).or(order) else { return Ok(()) };
        let text = format!("{what} has no place in a call in MATCH_RECOGNIZE");
        Err(cx.error(
            Diagnostic::error(codes::AGGREGATE_MODIFIER, span, text)
                .hint("leave it out, or take the rows of the match to a query around it"),
        ))
    }

    /// Tells RUNNING and FINAL where they have no meaning.
    fn check_mode(&self, cx: &mut Context<'_>, call: &ast::Call) -> Result<(), Reported> {
        let Some(mode) = call.mode else { return Ok(()) };
        let name = call.name.node.to_uppercase();
        if mode.node == RunningOrFinal::Final && self.place == Place::Define {
            let text = "FINAL has no meaning in DEFINE: the match is not finished while its rows are found";
            return Err(cx.error(Diagnostic::error(codes::PROCESSING_MODE, mode.span, text).hint("leave FINAL out")));
        }
        if matches!(name.as_str(), "FIRST" | "LAST") || !matches!(name.as_str(), "PREV" | "NEXT") && is_aggregate(cx, call) {
            return Ok(());
        }
        let text = format!("RUNNING and FINAL stand before FIRST, LAST and aggregates, and {name} is none of these");
        Err(cx.error(Diagnostic::error(codes::PROCESSING_MODE, mode.span, text).hint("leave the word out")))
    }

    fn classifier(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Result<Expr, Reported> {
        self.refuse_modifiers(cx, call)?;
        let hint = "write `CLASSIFIER()` or `CLASSIFIER(v)`";
        let target = match call.args.as_slice() {
            [] => Target::AllRows,
            [ast::Expr { kind: ExprKind::Path(path), .. }] if path.len() == 1 => match self.variables.find(&path[0].node) {
                Some(target) => target,
                None => return Err(self.variables.unknown(cx, &path[0])),
            },
            _ => return Err(Self::arguments(cx, span, "CLASSIFIER takes a variable or nothing".to_owned(), hint)),
        };
        self.note_only(cx, target, span)?;
        let (base, physical, is_final) = self.reading();
        let variables = self.variables.members(target);
        Ok(self.slots.read(SlotKind::Classifier { variables, base, physical, is_final }, DataType::String))
    }

    fn match_number(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Result<Expr, Reported> {
        self.refuse_modifiers(cx, call)?;
        if !call.args.is_empty() {
            return Err(Self::arguments(cx, span, "MATCH_NUMBER takes no arguments".to_owned(), "write `MATCH_NUMBER()`"));
        }
        Ok(self.slots.read(SlotKind::MatchNumber, DataType::Int))
    }

    fn aggregate(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Result<Expr, Reported> {
        if self.inside != Inside::Nothing {
            return Err(self.nested(cx, &call.name.node.to_uppercase(), span));
        }
        self.refuse_modifiers(cx, call)?;
        let is_final = self.is_final(call);
        let counted = self.counted(cx, call)?;
        let over_slots = counted.is_none() && call.args.iter().any(names_row_functions);
        self.inside = if over_slots { Inside::AggregateOverSlots } else { Inside::Aggregate };
        let built = build_aggregate(cx, self, call, counted.is_some(), span);
        self.inside = Inside::Nothing;
        let only = self.only.take().map(|(target, _)| target);
        let built = built?;
        let variables = self.variables.members(counted.or(only).unwrap_or(Target::AllRows));
        let data_type = built.data_type.clone();
        let slot = match over_slots {
            true => SlotKind::AggregateOverSlots { variables, call: built, is_final },
            false => SlotKind::Aggregate { variables, call: built, is_final },
        };
        Ok(self.slots.read(slot, data_type))
    }

    /// What `COUNT(*)`, `COUNT(v.*)` and `COUNT(v)` count the rows of.
    fn counted(&self, cx: &mut Context<'_>, call: &ast::Call) -> Result<Option<Target>, Reported> {
        if !call.name.node.eq_ignore_ascii_case("COUNT") {
            return Ok(None);
        }
        match call.args.as_slice() {
            [ast::Expr { kind: ExprKind::Star, .. }] => Ok(Some(Target::AllRows)),
            [ast::Expr { kind: ExprKind::AllOf(name), .. }] => match self.variables.find(&name.node) {
                Some(target) => Ok(Some(target)),
                None => Err(self.variables.unknown(cx, name)),
            },
            [ast::Expr { kind: ExprKind::Path(path), .. }] => match path.as_slice() {
                [name] if self.schema.index_of(&name.node).is_none() => Ok(self.variables.find(&name.node)),
                _ => Ok(None),
            },
            _ => Ok(None),
        }
    }
}

/// The FIRST or LAST that an argument consists of.
fn directly_inside(argument: &ast::Expr) -> Option<&ast::Call> {
    match &argument.kind {
        ExprKind::Call(call) if !call.quoted && matches!(call.name.node.to_uppercase().as_str(), "FIRST" | "LAST") => Some(call),
        _ => None,
    }
}

/// Whether an expression names CLASSIFIER or MATCH_NUMBER.
fn names_row_functions(tree: &ast::Expr) -> bool {
    let is_one = |call: &ast::Call| !call.quoted && matches!(call.name.node.to_uppercase().as_str(), "CLASSIFIER" | "MATCH_NUMBER");
    let mut open = vec![tree];
    while let Some(tree) = open.pop() {
        if matches!(&tree.kind, ExprKind::Call(call) if is_one(call)) {
            return true;
        }
        open.extend(children(tree));
    }
    false
}

impl Names for RowNames<'_> {
    fn path(&mut self, cx: &mut Context<'_>, path: &[Name], span: Span) -> Result<Expr, Reported> {
        let (target, column, used) = self.resolve(cx, path)?;
        self.note_only(cx, target, span)?;
        let data_type = self.schema.fields()[column].data_type.clone();
        let read = if self.inside == Inside::Aggregate {
            scope::column(column, data_type)
        } else {
            let (base, physical, is_final) = self.reading();
            let variables = self.variables.members(target);
            self.slots.read(SlotKind::Column { variables, column, base, physical, is_final }, data_type)
        };
        fields(cx, read, &path[used..])
    }

    fn call(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Option<Result<Expr, Reported>> {
        if call.quoted {
            return None;
        }
        match call.name.node.to_uppercase().as_str() {
            name if NAVIGATIONS.contains(&name) => Some(self.navigate(cx, call, span)),
            "CLASSIFIER" => Some(self.classifier(cx, call, span)),
            "MATCH_NUMBER" => Some(self.match_number(cx, call, span)),
            _ if is_aggregate(cx, call) => Some(self.aggregate(cx, call, span)),
            _ => None,
        }
    }

    /// Refuses what the standard has and betide has not, before anything else is said of it.
    fn whole(&mut self, cx: &mut Context<'_>, expr: &ast::Expr) -> Option<Result<Expr, Reported>> {
        let refused = match &expr.kind {
            ExprKind::Call(call) => self.refuse_forms(cx, call).err()?,
            ExprKind::Star | ExprKind::AllOf(_) => {
                Self::arguments(cx, expr.span, "`*` stands in COUNT only".to_owned(), "write `COUNT(*)`, `COUNT(v.*)`, or name a column")
            }
            ExprKind::Subquery(_) => {
                let text = "a query cannot stand inside MATCH_RECOGNIZE";
                cx.error(
                    Diagnostic::error(codes::UNSUPPORTED, expr.span, text)
                        .hint("join the streams before: `FROM (SELECT … FROM a JOIN b …) MATCH_RECOGNIZE`"),
                )
            }
            _ => return None,
        };
        Some(Err(refused))
    }
}

impl RowNames<'_> {
    fn refuse_forms(&self, cx: &mut Context<'_>, call: &ast::Call) -> Result<(), Reported> {
        if let Some(over) = call.over {
            let text = "OVER (…) is not part of betide: inside MATCH_RECOGNIZE aggregates are over the rows of the match";
            return Err(cx.error(Diagnostic::error(codes::UNSUPPORTED, over, text).hint("leave OVER out")));
        }
        if call.order_by.is_some() {
            self.refuse_modifiers(cx, call)?;
        }
        self.check_mode(cx, call)
    }
}
