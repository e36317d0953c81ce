//! What names mean in FROM PATTERN: `v.col`, bare columns, FIRST, LAST, PREV and aggregates, each a slot of the table.
//!
//! While a term is read, the variables that it names are noted: they decide where it is checked. Inside a navigation or an aggregate all
//! columns must be of one variable; an aggregate's arguments read the columns of that variable's input, not slots.

use std::collections::BTreeSet;

use super::aggregate;
use super::codes;
use super::slots::Slots;
use super::variables::Variables;
use crate::data::{DataType, Field};
use crate::expr::{Expr, TypeError};
use crate::semantics::call::is_aggregate;
use crate::semantics::context::{Context, Reported};
use crate::semantics::infer::{fields, infer};
use crate::semantics::refusal::{as_text, refused};
use crate::semantics::scope::{self, Names};
use crate::semantics::select::aliased;
use crate::spec::{NavigationBase, SlotKind, VariableId, VariableKind};
use crate::syntax::ast::{self, Name};
use crate::text::{Diagnostic, Span, nearest};

/// Where an expression of a pattern stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In WHERE.
    Where,
    /// In the brackets of this variable's step, or in its `UNTIL (…)`.
    Inline(VariableId),
    /// In HAVING, on the finished match.
    Having,
    /// In SELECT.
    Select,
}

/// What surrounds the name that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Nothing,
    First(u32),
    Last(u32),
    Prev(u32),
    Aggregate,
}

/// The columns that can be named without a variable although several variables have them.
#[derive(Debug, Default)]
pub(super) struct SharedColumns {
    /// Columns that the pattern is partitioned by, in every stream.
    pub(super) partition: BTreeSet<String>,
    /// A step that always takes an event, which has them.
    pub(super) holder: Option<VariableId>,
}

/// The names of a pattern at a place.
#[derive(Debug)]
pub(super) struct PatternNames<'v, 'a> {
    /// The variables.
    pub(super) variables: &'v Variables<'a>,
    /// The slots so far.
    pub(super) slots: &'v mut Slots,
    /// The partition columns.
    pub(super) shared: &'v SharedColumns,
    /// Where the expression stands.
    pub(super) place: Place,
    /// The variables that were named since this was last emptied.
    pub(super) named: BTreeSet<VariableId>,
    /// Those of which PREV was named.
    pub(super) with_prev: BTreeSet<VariableId>,
    /// Whether an aggregate was named.
    pub(super) with_aggregate: bool,
    inside: Inside,
    /// Where its select items can be named.
    items_of: Option<&'v ast::Query>,
    /// The variable of the navigation or aggregate that is being read, and where it was first named.
    only: Option<(VariableId, Span)>,
}

/// A column that a path names.
struct Column {
    variable: VariableId,
    index: usize,
    field: Field,
    /// How many parts of the path say so.
    used: usize,
}

impl<'v, 'a> PatternNames<'v, 'a> {
    /// The names at a place.
    pub(super) fn new(variables: &'v Variables<'a>, slots: &'v mut Slots, shared: &'v SharedColumns, place: Place) -> Self {
        Self {
            variables,
            slots,
            shared,
            place,
            named: BTreeSet::new(),
            with_prev: BTreeSet::new(),
            with_aggregate: false,
            inside: Inside::Nothing,
            items_of: None,
            only: None,
        }
    }

    /// The same, and the aliases of the select list: a bare name that is no column is the item of that alias.
    pub(super) fn with_items_of(self, query: &'v ast::Query) -> Self {
        Self { items_of: Some(query), ..self }
    }

    fn item(&self, path: &[Name]) -> Option<&'v ast::Expr> {
        let ([name], Inside::Nothing) = (path, &self.inside) else { return None };
        let has_it = |(id, _)| !matches!(self.field(id, &name.node), Ok(None));
        if self.variables.steps().any(has_it) { None } else { aliased(self.items_of?, &name.node) }
    }

    fn own(&self) -> Option<VariableId> {
        match self.place {
            Place::Inline(own) => Some(own),
            Place::Where | Place::Having | Place::Select => None,
        }
    }

    /// The field of this name of a variable's input; nothing is known of an input that is wrong.
    fn field(&self, variable: VariableId, name: &str) -> Result<Option<(usize, Field)>, Reported> {
        let Some(input) = self.variables.get(variable).input else { return Err(Reported::elsewhere()) };
        let schema = self.variables.inputs[input].relation.schema();
        Ok(schema.index_of(name).map(|index| (index, schema.fields()[index].clone())))
    }

    fn resolve(&self, cx: &mut Context<'_>, path: &[Name]) -> Result<Column, Reported> {
        let [first, rest @ ..] = path else { return Err(Reported::elsewhere()) };
        if let (Some(second), Some(variable)) = (rest.first(), self.variables.find(&first.node)) {
            return match self.field(variable, &second.node)? {
                Some((index, field)) => Ok(Column { variable: self.standing_for(variable), index, field, used: 2 }),
                None => Err(self.unknown_column(cx, second, &[variable], &[])),
            };
        }
        if let Some(own) = self.own() {
            return match self.field(own, &first.node)? {
                Some((index, field)) => Ok(Column { variable: own, index, field, used: 1 }),
                None if rest.is_empty() => Err(self.unknown_column(cx, first, &[own], &[])),
                None => Err(self.unknown_variable(cx, first)),
            };
        }
        self.bare(cx, first, !rest.is_empty())
    }

    /// In `UNTIL (cond)` of a loop over one variable, that variable's plain columns are those of the event at hand.
    fn standing_for(&self, variable: VariableId) -> VariableId {
        match self.own() {
            Some(own) if self.inside == Inside::Nothing && self.variables.get(own).stands_for == Some(variable) => own,
            _ => variable,
        }
    }

    fn bare(&self, cx: &mut Context<'_>, name: &Name, is_qualifier: bool) -> Result<Column, Reported> {
        let in_view = |kind| kind == VariableKind::Step || self.place == Place::Where;
        let mut holders = Vec::new();
        let mut poisoned = false;
        for (id, variable) in self.variables.numbered().filter(|(_, variable)| variable.named && in_view(variable.kind)) {
            match self.field(id, &name.node) {
                Ok(Some((index, field))) => holders.push((id, variable, index, field)),
                Ok(None) => {}
                Err(_) => poisoned = true,
            }
        }
        let shared = self
            .shared
            .holder
            .filter(|_| self.shared.partition.contains(&name.node) && matches!(self.place, Place::Select | Place::Having));
        if let Some((variable, _, index, field)) = holders.iter().find(|(id, ..)| shared == Some(*id)) {
            return Ok(Column { variable: *variable, index: *index, field: field.clone(), used: 1 });
        }
        match holders.as_slice() {
            [(variable, _, index, field)] if !poisoned => Ok(Column { variable: *variable, index: *index, field: field.clone(), used: 1 }),
            _ if poisoned => Err(Reported::elsewhere()),
            [] if is_qualifier => Err(self.unknown_variable(cx, name)),
            [] => {
                let (among, aliases): (Vec<VariableId>, Vec<&str>) = self.variables.steps().map(|(id, step)| (id, &*step.name)).unzip();
                Err(self.unknown_column(cx, name, &among, &aliases))
            }
            several => {
                let ways: Vec<String> = several.iter().map(|(_, variable, ..)| format!("`{}.{}`", variable.name, name.node)).collect();
                let text = format!("several variables have a column `{}`", name.node);
                let diagnostic = Diagnostic::error(codes::AMBIGUOUS_COLUMN, name.span, text);
                Err(cx.error(diagnostic.hint(format!("write {}", ways.join(" or ")))))
            }
        }
    }

    /// Tells a name that is no column of these variables; `also` are other names that may have been meant.
    fn unknown_column(&self, cx: &mut Context<'_>, name: &Name, among: &[VariableId], also: &[&str]) -> Reported {
        let mut diagnostic = as_text(Diagnostic::error(codes::UNKNOWN_COLUMN, name.span, format!("unknown column `{}`", name.node)), name);
        let mut inputs: Vec<usize> = among.iter().filter_map(|id| self.variables.get(*id).input).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let schemas = || inputs.iter().map(|input| &self.variables.inputs[*input]);
        let known = schemas().flat_map(|input| input.relation.schema().fields()).map(|field| &*field.name).chain(also.iter().copied());
        if self.variables.find(&name.node).is_some() {
            diagnostic = diagnostic.hint(format!("`{0}` is a variable; write `{0}.column`", name.node));
        }
        diagnostic = diagnostic.did_you_mean(&nearest(&name.node, known));
        for input in schemas() {
            let columns: Vec<&str> = input.relation.schema().fields().iter().map(|field| &*field.name).collect();
            diagnostic = diagnostic.hint(format!("columns of `{}`: {}", input.name, columns.join(", ")));
        }
        cx.error(diagnostic)
    }

    fn unknown_variable(&self, cx: &mut Context<'_>, name: &Name) -> Reported {
        let diagnostic = Diagnostic::error(codes::UNKNOWN_VARIABLE, name.span, format!("`{}` is no variable of this pattern", name.node));
        let named = || self.variables.numbered().filter(|(_, variable)| variable.named);
        let of_stream = self.variables.inputs.iter().position(|input| input.name == name.node);
        let aliases: Vec<String> =
            named().filter(|(_, v)| of_stream.is_some() && v.input == of_stream).map(|(_, v)| format!("`{}`", v.name)).collect();
        if !aliases.is_empty() {
            return cx.error(diagnostic.hint(format!("the stream `{}` is called {} here", name.node, aliases.join(" and "))));
        }
        let mut diagnostic = diagnostic.did_you_mean(&nearest(&name.node, named().map(|(_, variable)| &*variable.name)));
        if diagnostic.hints.is_empty() {
            let all: Vec<&str> = named().map(|(_, variable)| &*variable.name).collect();
            diagnostic = diagnostic.hint(format!("variables: {}", all.join(", ")));
        }
        cx.error(diagnostic)
    }

    /// Tells a variable that takes no event where one is needed.
    fn check_kind(&self, cx: &mut Context<'_>, id: VariableId, span: Span) -> Result<(), Reported> {
        let variable = self.variables.get(id);
        let what = match variable.kind {
            VariableKind::Step => return Ok(()),
            VariableKind::Negated => "stands for events that must not come",
            VariableKind::Until => "only ends a loop",
        };
        let hint = match self.place {
            Place::Select | Place::Having => "columns of the match are those of its steps; a condition on it stands in WHERE",
            Place::Where | Place::Inline(_) if self.inside == Inside::Nothing => return Ok(()),
            Place::Where | Place::Inline(_) => "name its column as it is: there is just the one event at hand",
        };
        let text = format!("`{}` {what}, so it has no events to read", variable.name);
        Err(cx.error(Diagnostic::error(codes::NO_EVENT_TO_READ, span, text).hint(hint)))
    }

    /// Notes the variable of a navigation or aggregate, and tells a second one.
    fn note_only(&mut self, cx: &mut Context<'_>, id: VariableId, span: Span) -> Result<(), Reported> {
        match self.only {
            Some((only, first)) if only != id => {
                let names = (&self.variables.get(only).name, &self.variables.get(id).name);
                let text = format!(
                    "all columns inside one navigation or aggregate must be of one variable, and these are of `{}` and `{}`",
                    names.0, names.1
                );
                Err(cx.error(Diagnostic::error(codes::MIXED_VARIABLES, span, text).related(first, format!("of `{}`", names.0))))
            }
            _ => {
                self.only = Some((id, span));
                Ok(())
            }
        }
    }

    fn navigate(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Result<Expr, Reported> {
        let name = call.name.node.to_uppercase();
        if name == "NEXT" || name == "CLASSIFIER" || name == "MATCH_NUMBER" {
            let text = format!("{name} is part of MATCH_RECOGNIZE, and not of FROM PATTERN");
            return Err(cx.error(Diagnostic::error(codes::ROW_PATTERN_ONLY, call.name.span, text)));
        }
        if self.inside != Inside::Nothing {
            return Err(self.nested(cx, &name, span));
        }
        let refuse = |cx: &mut Context<'_>, text: String| {
            let hint = format!("write `{name}(v.column)` or `{name}(v.column, n)`");
            Err(cx.error(Diagnostic::error(codes::BAD_NAVIGATION, span, text).hint(hint)))
        };
        if call.distinct.is_some() || call.filter.is_some() || call.order_by.is_some() || call.over.is_some() {
            return refuse(cx, format!("{name} is a navigation here: it takes a column and a number, nothing else"));
        }
        let (argument, offset) = match call.args.as_slice() {
            [argument] => (argument, None),
            [argument, offset] => (argument, Some(offset)),
            _ => return refuse(cx, format!("{name} takes a column and perhaps a number")),
        };
        let least = u32::from(name == "PREV");
        let offset = match offset {
            None => least,
            Some(offset) => aggregate::offset(cx, offset, least, codes::BAD_NAVIGATION)?,
        };
        self.inside = match name.as_str() {
            "FIRST" => Inside::First(offset),
            "LAST" => Inside::Last(offset),
            _ => Inside::Prev(offset),
        };
        let inner = infer(cx, self, argument);
        self.inside = Inside::Nothing;
        let only = self.only.take();
        let inner = inner?;
        if only.is_none() {
            return refuse(cx, format!("{name} needs a column of a variable"));
        }
        Ok(inner)
    }

    fn nested(&self, cx: &mut Context<'_>, name: &str, span: Span) -> Reported {
        let outer = if self.inside == Inside::Aggregate { "an aggregate" } else { "FIRST, LAST or PREV" };
        cx.error(Diagnostic::error(codes::NESTED, span, format!("{name} cannot stand inside {outer}")).hint("take one of the two away"))
    }

    fn aggregate(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Result<Expr, Reported> {
        if self.inside != Inside::Nothing {
            return Err(self.nested(cx, &call.name.node.to_uppercase(), span));
        }
        self.with_aggregate = true;
        let counted = self.counted(cx, call)?;
        self.inside = Inside::Aggregate;
        let built = aggregate::build(cx, self, call, counted.is_some(), span);
        self.inside = Inside::Nothing;
        let only = self.only.take();
        let built = built?;
        // COUNT(*) and aggregates of constants are over all events of the match.
        let variables = match (counted.flatten(), only) {
            (Some(one), _) | (None, Some((one, _))) => vec![one],
            (None, None) => self.variables.steps().map(|(id, _)| id).collect(),
        };
        self.named.extend(&variables);
        let data_type = built.data_type.clone();
        Ok(self.slots.read(SlotKind::Aggregate { variables, call: built, is_final: false }, data_type))
    }

    /// Whether the call counts whole events: `COUNT(*)`, `COUNT(v)`, `COUNT(v.*)`, and of which variable.
    fn counted(&mut self, cx: &mut Context<'_>, call: &ast::Call) -> Result<Option<Option<VariableId>>, Reported> {
        if !call.name.node.eq_ignore_ascii_case("COUNT") || call.distinct.is_some() {
            return Ok(None);
        }
        let name = match call.args.as_slice() {
            [ast::Expr { kind: ast::ExprKind::Star, .. }] => return Ok(Some(None)),
            [ast::Expr { kind: ast::ExprKind::AllOf(name), .. }] => name,
            [ast::Expr { kind: ast::ExprKind::Path(path), .. }] => match path.as_slice() {
                [name] if self.variables.find(&name.node).is_some() => name,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        let Some(variable) = self.variables.find(&name.node) else { return Err(self.unknown_variable(cx, name)) };
        self.inside = Inside::Aggregate;
        let checked = self.check_kind(cx, variable, name.span);
        self.inside = Inside::Nothing;
        checked?;
        self.only = Some((variable, name.span));
        Ok(Some(Some(variable)))
    }

    /// A partition column where no step always takes an event: that of any step, since all events of a match have the same.
    fn key_of_any(&mut self, path: &[Name]) -> Option<Result<Expr, TypeError>> {
        let name = &path.first()?.node;
        let is_key = self.shared.holder.is_none() && self.shared.partition.contains(name) && self.variables.find(name).is_none();
        if !is_key || self.inside != Inside::Nothing || !matches!(self.place, Place::Select | Place::Having) {
            return None;
        }
        let mut parts = Vec::new();
        for (id, _) in self.variables.steps() {
            let (column, field) = self.field(id, name).ok()??;
            let kind = SlotKind::Column { variables: vec![id], column, base: NavigationBase::Last(0), physical: 0, is_final: false };
            parts.push(self.slots.read(kind, field.data_type));
        }
        Some(Expr::coalesce(parts))
    }

    /// The bound of the match that a bare name means, where no column has it.
    fn bound(&mut self, cx: &mut Context<'_>, name: &Name) -> Option<Result<Expr, Reported>> {
        if !scope::is_window_bound(&name.node) || self.variables.steps().any(|(id, _)| matches!(self.field(id, &name.node), Ok(Some(_)))) {
            return None;
        }
        if matches!(self.place, Place::Where | Place::Inline(_)) {
            let text = format!("`{}` is known when the match is finished, and terms are checked before that", name.node);
            return Some(Err(cx.error(Diagnostic::error(codes::BOUNDS_IN_WHERE, name.span, text).hint("write the condition in HAVING"))));
        }
        let kind = if name.node.eq_ignore_ascii_case("START_TIME") { SlotKind::StartTime } else { SlotKind::EndTime };
        Some(Ok(self.slots.read(kind, DataType::Timestamp)))
    }
}

impl Names for PatternNames<'_, '_> {
    fn path(&mut self, cx: &mut Context<'_>, path: &[Name], span: Span) -> Result<Expr, Reported> {
        if let [name] = path
            && let Some(bound) = self.bound(cx, name)
        {
            return bound;
        }
        if let Some(key) = self.key_of_any(path) {
            return key.map_err(|error| refused(cx, &error, span, &[])).and_then(|key| fields(cx, key, &path[1..]));
        }
        if let Some(item) = self.item(path) {
            let query = self.items_of.take();
            let value = infer(cx, self, item);
            self.items_of = query;
            return value;
        }
        let Column { variable, index, field, used } = self.resolve(cx, path)?;
        self.check_kind(cx, variable, span)?;
        self.named.insert(variable);
        let data_type = field.data_type;
        let base = match self.inside {
            Inside::Nothing => NavigationBase::Last(0),
            Inside::First(offset) => NavigationBase::First(offset),
            Inside::Last(offset) => NavigationBase::Last(offset),
            Inside::Aggregate => {
                self.note_only(cx, variable, span)?;
                return fields(cx, scope::column(index, data_type), &path[used..]);
            }
            Inside::Prev(back) => {
                self.note_only(cx, variable, span)?;
                self.check_loop(cx, variable, span)?;
                self.with_prev.insert(variable);
                let slot = SlotKind::PreviousInLoop { variable, column: index, back };
                let read = self.slots.read(slot, data_type);
                return fields(cx, read, &path[used..]);
            }
        };
        if self.inside != Inside::Nothing {
            self.note_only(cx, variable, span)?;
        }
        let slot = SlotKind::Column { variables: vec![variable], column: index, base, physical: 0, is_final: false };
        let read = self.slots.read(slot, data_type);
        fields(cx, read, &path[used..])
    }

    fn call(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Option<Result<Expr, Reported>> {
        if call.quoted {
            return None;
        }
        if let Some(mode) = call.mode {
            let text = "RUNNING and FINAL are part of MATCH_RECOGNIZE, and not of FROM PATTERN";
            let hint = "terms see the events taken so far, HAVING and SELECT the whole match";
            return Some(Err(cx.error(Diagnostic::error(codes::ROW_PATTERN_ONLY, mode.span, text).hint(hint))));
        }
        match call.name.node.to_uppercase().as_str() {
            "FIRST" | "LAST" | "PREV" | "NEXT" | "CLASSIFIER" | "MATCH_NUMBER" => Some(self.navigate(cx, call, span)),
            _ if is_aggregate(cx, call) => Some(self.aggregate(cx, call, span)),
            _ => None,
        }
    }
}

impl PatternNames<'_, '_> {
    fn check_loop(&self, cx: &mut Context<'_>, id: VariableId, span: Span) -> Result<(), Reported> {
        let variable = self.variables.get(id);
        if variable.looped {
            return Ok(());
        }
        let text = format!("PREV is the event before in the same loop, and `{}` takes one event only", variable.name);
        let hint = "name the step before by its own variable, or give this one a quantifier";
        Err(cx.error(Diagnostic::error(codes::NOT_A_LOOP, span, text).hint(hint)))
    }
}
