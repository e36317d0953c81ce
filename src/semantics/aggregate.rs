//! SELECT over groups and windows: keys, aggregates, HAVING, the window's bounds, and the best rows of each window.
//!
//! Expressions behind the window read its output columns (see `WindowSpec`). How many aggregates there are is known only when all of them have
//! been met, so the bounds get numbers of their own first, which are replaced at the end.

use super::call;
use super::codes;
use super::constant::count;
use super::context::{Context, Relation, Reported};
use super::infer::{condition, fields, infer};
use super::refusal::{as_text, listed};
use super::scope::{Names, Rows, Scope, column, is_window_bound, misplaced_aggregate};
use super::select::{Outputs, aliased, outputs, projected};
use super::tree::has_aggregate;
use super::typed::{OrderKey, Stage};
use super::window;
use crate::data::DataType;
use crate::expr::{Expr, SlotId};
use crate::spec::{AggregateCall, WindowKind, WindowOutput, WindowSpec};
use crate::syntax::ast::{self, ExprKind, Name, SelectItem};
use crate::text::{Diagnostic, Span, nearest};

/// Stand for the window's bounds until their columns are known.
const START: u32 = u32::MAX;
const END: u32 = u32::MAX - 1;

/// Whether a SELECT goes through groups or a window.
pub(crate) fn is_aggregated(cx: &Context<'_>, query: &ast::Query) -> bool {
    query.window.is_some() || !query.group_by.is_empty() || uses_aggregates(cx, query)
}

fn uses_aggregates(cx: &Context<'_>, query: &ast::Query) -> bool {
    let items = query.items.iter().filter_map(|item| match item {
        SelectItem::Expr { expr, .. } => Some(expr),
        SelectItem::All(_) | SelectItem::AllOf(_) => None,
    });
    items.chain(&query.having).chain(query.order_by.iter().map(|item| &item.expr)).any(|tree| has_aggregate(cx, tree))
}

/// Checks a SELECT over groups or a window.
pub(crate) fn select(
    cx: &mut Context<'_>,
    query: &ast::Query,
    relation: Result<Relation, Reported>,
    scope: &Scope,
    filter: Result<Option<Expr>, Reported>,
) -> Result<Relation, Reported> {
    let kind = query.window.as_ref().map_or(Ok(WindowKind::Running), |w| window::window(cx, w));
    let emit_every = match (&query.emit_every, &kind) {
        (Some(tree), Ok(kind)) => window::emit_every(cx, tree, Some(kind)).map(Some),
        (Some(_), Err(reported)) => Err(*reported),
        (None, _) => Ok(None),
    };
    let limit = limit(cx, query);
    let is_rows = query.group_by.is_empty() && !uses_aggregates(cx, query);
    let behind = if is_rows { rows(cx, query, scope, kind.as_ref().ok()) } else { groups(cx, query, scope, kind.as_ref().ok()) };
    let mut input = relation?.query;
    input.stages.extend(filter?.map(Stage::Filter));
    let mut behind = behind?;
    let emit_every = emit_every?;
    if let Some(tree) = &query.emit_every {
        behind.outputs.push_final(cx, column(behind.bounds.1 + 1, DataType::Bool), tree.span)?;
    }
    let spec = WindowSpec {
        kind: kind?,
        keys: behind.keys,
        output: behind.output,
        emit_every,
        is_ranked: query.limit.is_some() && !behind.order.is_empty(),
    };
    input.stages.push(Stage::Window(Box::new(spec)));
    input.stages.extend(behind.having.map(Stage::Filter));
    let limit = limit?;
    if !behind.order.is_empty() {
        input.stages.push(Stage::TopOfWindow { order: behind.order, limit, bounds: behind.bounds });
    }
    Ok(Relation::timeless(projected(input, behind.outputs)))
}

/// What stands behind the window.
struct Behind {
    keys: Vec<Expr>,
    output: WindowOutput,
    having: Option<Expr>,
    order: Vec<OrderKey>,
    bounds: (usize, usize),
    outputs: Outputs,
}

/// LIMIT of a window's rows; one without ORDER BY could mean two things.
fn limit(cx: &mut Context<'_>, query: &ast::Query) -> Result<Option<u64>, Reported> {
    let Some(limit) = query.limit.as_ref().filter(|limit| !limit.per_partition) else { return Ok(None) };
    if !query.order_by.is_empty() {
        return count(cx, "LIMIT", &limit.count, 0).map(Some);
    }
    if query.window.is_none() {
        return Ok(None);
    }
    let text = "LIMIT here could mean rows of each window, or rows in all";
    let diagnostic = Diagnostic::error(codes::BARE_LIMIT, limit.span, text);
    let diagnostic = diagnostic.hint("the first rows of each window: ORDER BY … LIMIT n");
    Err(cx.error(diagnostic.hint("to end after n rows: SELECT * FROM (SELECT … WINDOW …) LIMIT n")))
}

/// A window that gives its rows.
fn rows(cx: &mut Context<'_>, query: &ast::Query, scope: &Scope, kind: Option<&WindowKind>) -> Result<Behind, Reported> {
    let mut failed = None;
    if let (Some(window), Some(true)) = (&query.window, kind.map(window::moves_with_events)) {
        let text = "this window gives a row for each event, and without an aggregate that is the event itself";
        failed = Some(cx.error(Diagnostic::error(codes::BAD_WINDOW, window.span, text).hint("add an aggregate, or leave the WINDOW away")));
    }
    if let Some(having) = &query.having {
        let text = "HAVING is checked on groups, and there are none here";
        failed = Some(cx.error(Diagnostic::error(codes::CLAUSE_WITHOUT_MEANING, having.span, text).hint("write the condition in WHERE")));
    }
    let mut names = Behindhand::new(Inner::Rows(scope), query);
    let outputs = outputs(cx, &query.items, &mut names, scope);
    let order = order(cx, query, &mut names);
    let (mut outputs, order) = (outputs?, order?);
    if let Some(reported) = failed {
        return Err(reported);
    }
    let bounds = (scope.width(), scope.width() + 1);
    bind(&mut outputs.exprs, bounds);
    let order = bind_order(order, bounds);
    Ok(Behind { keys: Vec::new(), output: WindowOutput::Rows, having: None, order, bounds, outputs })
}

/// A window, or a running aggregate, that gives a row a group.
fn groups(cx: &mut Context<'_>, query: &ast::Query, scope: &Scope, kind: Option<&WindowKind>) -> Result<Behind, Reported> {
    let keys = keys(cx, query, scope);
    let spread = refuse_spread(cx, query);
    let groups = Groups { scope, keys: keys.as_ref().ok().cloned(), aggregates: Vec::new(), has_window: query.window.is_some() };
    let mut names = Behindhand::new(Inner::Groups(groups), query);
    let items: Vec<SelectItem> = query.items.iter().filter(|item| matches!(item, SelectItem::Expr { .. })).cloned().collect();
    let outputs = outputs(cx, &items, &mut names, scope);
    names.aliases = Aliases::AfterKeys;
    let having = query.having.as_ref().map(|tree| condition(cx, &mut names, tree, "HAVING")).transpose();
    let order = order(cx, query, &mut names);
    let moving = refuse_order_of_moving(cx, query, kind);
    let useless = refuse_useless_group(cx, query);
    let Inner::Groups(groups) = names.inner else { return Err(Reported::elsewhere()) };
    let keys = keys?;
    let start = keys.len() + groups.aggregates.len();
    let bounds = (start, start + 1);
    let (mut outputs, mut having, order) = (outputs?, having?, order?);
    spread.and(moving).and(useless)?;
    bind(&mut outputs.exprs, bounds);
    bind(having.as_mut_slice(), bounds);
    let order = bind_order(order, bounds);
    Ok(Behind { keys, output: WindowOutput::Aggregates(groups.aggregates), having, order, bounds, outputs })
}

/// GROUP BY: columns and expressions over them, and aliases of the select list.
fn keys(cx: &mut Context<'_>, query: &ast::Query, scope: &Scope) -> Result<Vec<Expr>, Reported> {
    let keys: Vec<Result<Expr, Reported>> = query
        .group_by
        .iter()
        .map(|tree| {
            let alias = match &tree.kind {
                ExprKind::Path(path) if path.len() == 1 && !scope.has_column(&path[0].node) => aliased(query, &path[0].node),
                _ => None,
            };
            let key = infer(cx, &mut Rows { scope, place: "GROUP BY" }, alias.unwrap_or(tree))?;
            if key.as_literal().is_some() {
                let diagnostic = Diagnostic::error(
                    codes::CLAUSE_WITHOUT_MEANING,
                    tree.span,
                    "GROUP BY takes columns; a constant makes one group of all rows",
                );
                return Err(cx.error(diagnostic.hint("write the column's name, not its position")));
            }
            Ok(key)
        })
        .collect();
    keys.into_iter().collect()
}

fn refuse_spread(cx: &mut Context<'_>, query: &ast::Query) -> Result<(), Reported> {
    let spans = query.items.iter().filter_map(|item| match item {
        SelectItem::All(span) => Some(*span),
        SelectItem::AllOf(name) => Some(name.span),
        SelectItem::Expr { .. } => None,
    });
    let mut result = Ok(());
    for span in spans {
        let diagnostic = Diagnostic::error(codes::NOT_GROUPED, span, "all columns cannot stand beside an aggregate or GROUP BY");
        result = Err(cx.error(diagnostic.hint("name the keys of GROUP BY, and write LAST(column) for others")));
    }
    result
}

fn refuse_order_of_moving(cx: &mut Context<'_>, query: &ast::Query, kind: Option<&WindowKind>) -> Result<(), Reported> {
    match (query.order_by.first(), kind.map(window::moves_with_events)) {
        (Some(item), Some(true)) => {
            let text = "ORDER BY orders the rows of a window that closes; here each event gives a row at once";
            Err(cx.error(
                Diagnostic::error(codes::CLAUSE_WITHOUT_MEANING, item.span, text).hint("WINDOW TUMBLING, HOPPING or SESSION … ORDER BY …"),
            ))
        }
        (Some(_), Some(false) | None) | (None, _) => Ok(()),
    }
}

/// Groups without window and aggregate would give every row again.
fn refuse_useless_group(cx: &mut Context<'_>, query: &ast::Query) -> Result<(), Reported> {
    match query.group_by.first() {
        Some(tree) if query.window.is_none() && !uses_aggregates(cx, query) => {
            let text = "GROUP BY without an aggregate or a WINDOW gives every row again";
            let diagnostic = Diagnostic::error(codes::CLAUSE_WITHOUT_MEANING, tree.span, text);
            Err(cx.error(
                diagnostic
                    .hint("once in each window: WINDOW TUMBLING 1 minute")
                    .hint("not again for a while: SUPPRESS BY the columns FOR 10 minutes"),
            ))
        }
        Some(_) | None => Ok(()),
    }
}

fn order(cx: &mut Context<'_>, query: &ast::Query, names: &mut Behindhand<'_, '_>) -> Result<Vec<OrderKey>, Reported> {
    names.aliases = Aliases::BeforeColumns;
    let keys: Vec<Result<OrderKey, Reported>> = query
        .order_by
        .iter()
        .map(|item| {
            let expr = infer(cx, names, &item.expr)?;
            if expr.as_literal().is_some() {
                let diagnostic =
                    Diagnostic::error(codes::CLAUSE_WITHOUT_MEANING, item.span, "ORDER BY takes columns; a constant orders nothing");
                return Err(cx.error(diagnostic.hint("write the column's name, not its position")));
            }
            Ok(OrderKey { expr, descending: item.descending, nulls_first: item.nulls_first.unwrap_or(false) })
        })
        .collect();
    keys.into_iter().collect()
}

fn bind(exprs: &mut [Expr], (start, end): (usize, usize)) {
    let number = |index: usize| SlotId(u32::try_from(index).expect("fewer than 2^32 columns fit a program text"));
    for expr in exprs {
        *expr = expr.map_slots(&|slot| match slot.0 {
            START => number(start),
            END => number(end),
            _ => slot,
        });
    }
}

fn bind_order(mut order: Vec<OrderKey>, bounds: (usize, usize)) -> Vec<OrderKey> {
    for key in &mut order {
        bind(std::slice::from_mut(&mut key.expr), bounds);
    }
    order
}

/// Whether names of the select list can be used. In HAVING they stand behind the keys, but hide other columns, which could not stand there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aliases {
    No,
    AfterKeys,
    BeforeColumns,
}

/// Names behind a window.
struct Behindhand<'s, 'q> {
    inner: Inner<'s>,
    query: &'q ast::Query,
    aliases: Aliases,
}

/// What a window gives.
enum Inner<'s> {
    Rows(&'s Scope),
    Groups(Groups<'s>),
}

/// Keys and aggregates.
struct Groups<'s> {
    scope: &'s Scope,
    /// `None` where they are wrong.
    keys: Option<Vec<Expr>>,
    aggregates: Vec<AggregateCall>,
    has_window: bool,
}

impl<'s, 'q> Behindhand<'s, 'q> {
    fn new(inner: Inner<'s>, query: &'q ast::Query) -> Self {
        Self { inner, query, aliases: Aliases::No }
    }

    fn scope(&self) -> &'s Scope {
        match &self.inner {
            Inner::Rows(scope) => scope,
            Inner::Groups(groups) => groups.scope,
        }
    }

    /// Whether a bare name is a column that is grouped by.
    fn is_key(&self, name: &str) -> bool {
        let Inner::Groups(Groups { keys: Some(keys), scope, .. }) = &self.inner else { return false };
        let mut columns = scope.columns().filter(|(_, field)| *field.name == *name);
        columns.any(|(index, field)| keys.contains(&column(index, field.data_type.clone())))
    }

    /// The select item that a bare name stands for here.
    fn alias(&self, path: &[Name]) -> Option<&'q ast::Expr> {
        let [name] = path else { return None };
        match self.aliases {
            Aliases::No => None,
            Aliases::AfterKeys if self.is_key(&name.node) => None,
            Aliases::AfterKeys | Aliases::BeforeColumns => aliased(self.query, &name.node),
        }
    }
}

impl Names for Behindhand<'_, '_> {
    fn path(&mut self, cx: &mut Context<'_>, path: &[Name], span: Span) -> Result<Expr, Reported> {
        if let Some(item) = self.alias(path) {
            let before = std::mem::replace(&mut self.aliases, Aliases::No);
            let value = infer(cx, self, item);
            self.aliases = before;
            return value;
        }
        let scope = self.scope();
        if let [name] = path
            && is_window_bound(&name.node)
            && !scope.has_column(&name.node)
        {
            return self.bound(cx, &name.node, span);
        }
        if self.aliases == Aliases::BeforeColumns
            && let [name] = path
            && !scope.is_poisoned()
            && !scope.has_column(&name.node)
        {
            return Err(self.unknown_order(cx, name));
        }
        match &mut self.inner {
            Inner::Rows(scope) => Rows { scope, place: "SELECT" }.path(cx, path, span),
            Inner::Groups(groups) => groups.column(cx, path, span),
        }
    }

    fn call(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Option<Result<Expr, Reported>> {
        if !call::is_aggregate(cx, call) {
            return None;
        }
        Some(match &mut self.inner {
            Inner::Rows(_) => Err(misplaced_aggregate(cx, call, span, "a window of rows")),
            Inner::Groups(groups) => groups.aggregate(cx, call, span),
        })
    }

    fn whole(&mut self, cx: &mut Context<'_>, tree: &ast::Expr) -> Option<Result<Expr, Reported>> {
        match &self.inner {
            Inner::Rows(_) => None,
            Inner::Groups(groups) => groups.key_expression(cx, tree).map(Ok),
        }
    }
}

impl Behindhand<'_, '_> {
    /// A name in ORDER BY that is neither an output column nor one that is read.
    fn unknown_order(&self, cx: &mut Context<'_>, name: &Name) -> Reported {
        let outputs: Vec<&str> = self
            .query
            .items
            .iter()
            .filter_map(|item| match item {
                SelectItem::Expr { alias: Some(alias), .. } => Some(alias.node.as_str()),
                SelectItem::Expr { expr: ast::Expr { kind: ExprKind::Path(path), .. }, .. } => path.last().map(|name| name.node.as_str()),
                SelectItem::Expr { .. } | SelectItem::All(_) | SelectItem::AllOf(_) => None,
            })
            .collect();
        let read: Vec<&str> = self.scope().columns().map(|(_, field)| &*field.name).collect();
        let text = format!("unknown column `{}`", name.node);
        let mut diagnostic = as_text(Diagnostic::error(codes::UNKNOWN_COLUMN, name.span, text), name)
            .did_you_mean(&nearest(&name.node, outputs.iter().chain(&read).copied()));
        if !outputs.is_empty() {
            diagnostic = diagnostic.hint(format!("output columns: {}", listed(&outputs)));
        }
        cx.error(diagnostic.hint(format!("columns that are read: {}", listed(&read))))
    }

    fn bound(&self, cx: &mut Context<'_>, name: &str, span: Span) -> Result<Expr, Reported> {
        let has_window = match &self.inner {
            Inner::Rows(_) => true,
            Inner::Groups(groups) => groups.has_window,
        };
        if !has_window {
            let text = format!("`{name}` stands for the bounds of a window, and there is none here");
            return Err(cx.error(
                Diagnostic::error(codes::NO_BOUNDS, span, text).hint("add WINDOW …; for the times of rows MIN(column), MAX(column)"),
            ));
        }
        let slot = if name.eq_ignore_ascii_case("START_TIME") { START } else { END };
        Ok(Expr::slot(SlotId(slot), DataType::Timestamp))
    }
}

impl Groups<'_> {
    /// A column, which must be grouped by.
    fn column(&mut self, cx: &mut Context<'_>, path: &[Name], span: Span) -> Result<Expr, Reported> {
        let (index, field, used) = self.scope.resolve(cx, path)?;
        let base = column(index, field.data_type);
        let whole = fields(cx, base.clone(), &path[used..])?;
        let Some(keys) = &self.keys else { return Err(Reported::elsewhere()) };
        if let Some(key) = keys.iter().position(|key| *key == whole) {
            return Ok(column(key, whole.data_type().clone()));
        }
        if let Some(key) = keys.iter().position(|key| *key == base) {
            return fields(cx, column(key, base.data_type().clone()), &path[used..]);
        }
        let written: Vec<&str> = path.iter().map(|name| name.node.as_str()).collect();
        let written = written.join(".");
        let text = format!("`{written}` is neither grouped by nor in an aggregate");
        let diagnostic = Diagnostic::error(codes::NOT_GROUPED, span, text);
        Err(cx.error(diagnostic.hint(format!("write LAST({written}) for its value in the last row, or GROUP BY {written}"))))
    }

    /// An aggregate; equal ones are computed once.
    fn aggregate(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Result<Expr, Reported> {
        let found = call::aggregate(cx, &mut Rows { scope: self.scope, place: "an aggregate" }, call, span)?;
        let Some(keys) = &self.keys else { return Err(Reported::elsewhere()) };
        let data_type = found.data_type.clone();
        let index = self.aggregates.iter().position(|known| is_same(known, &found)).unwrap_or_else(|| {
            self.aggregates.push(found);
            self.aggregates.len() - 1
        });
        Ok(column(keys.len() + index, data_type))
    }

    /// An expression that is grouped by as a whole.
    fn key_expression(&self, cx: &mut Context<'_>, tree: &ast::Expr) -> Option<Expr> {
        let keys = self.keys.as_ref()?;
        let is_leaf = matches!(&tree.kind, ExprKind::Path(_)) || super::tree::children(tree).is_empty();
        if is_leaf || has_aggregate(cx, tree) || keys.iter().all(|key| key.as_slot().is_some()) {
            return None;
        }
        let found = cx.silently(|cx| infer(cx, &mut Rows { scope: self.scope, place: "GROUP BY" }, tree)).ok()?;
        let key = keys.iter().position(|key| *key == found)?;
        Some(column(key, found.data_type().clone()))
    }
}

fn is_same(a: &AggregateCall, b: &AggregateCall) -> bool {
    a.function == b.function && a.args == b.args && a.distinct == b.distinct && a.filter == b.filter && a.data_type == b.data_type
}
