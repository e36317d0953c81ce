//! PARTITION BY of FROM PATTERN: for each input the key over its columns, all of the same types.
//!
//! `PARTITION BY card` is one expression over columns that every stream has; `a.x = b.y` is one expression a stream. An event's partition is
//! known before it is known which step takes it, so two variables of one stream cannot have different keys.

use std::collections::BTreeSet;

use super::codes;
use super::names::SharedColumns;
use super::variables::Variables;
use crate::data::DataType;
use crate::expr::Expr;
use crate::semantics::call::is_aggregate;
use crate::semantics::context::{Context, Reported};
use crate::semantics::infer::{fields, infer};
use crate::semantics::refusal::refused;
use crate::semantics::scope::{self, Names, misplaced_aggregate};
use crate::spec::{PartitionKeys, VariableId};
use crate::syntax::ast::{self, ExprKind, Name, PartitionKey};
use crate::text::{Diagnostic, Span, nearest};

/// The keys of a pattern, and the columns that can be named without a variable because of them.
pub(super) fn partition(
    cx: &mut Context<'_>,
    variables: &Variables<'_>,
    always: &BTreeSet<VariableId>,
    clause: Option<&ast::PartitionBy>,
) -> Result<(PartitionKeys, SharedColumns), Reported> {
    let Some(clause) = clause else { return Ok(Default::default()) };
    let mut keys = PartitionKeys { by_input: vec![Vec::new(); variables.inputs.len()], null_takes_no_part: false };
    let mut shared = SharedColumns { partition: BTreeSet::new(), holder: always.first().copied() };
    let equalities = clause.keys.iter().filter(|key| matches!(key, PartitionKey::Equal(_))).count();
    if equalities > 0 && equalities < clause.keys.len() {
        let text = "a column that all streams have and an equality cannot stand in one PARTITION BY: NULL is a key in the first and none in the second";
        let diagnostic = Diagnostic::error(codes::KEY_BY_STEP, clause.span, text);
        return Err(cx.error(diagnostic.hint("write all keys as equalities: `PARTITION BY a.x = b.x, a.y = b.z`")));
    }
    keys.null_takes_no_part = equalities > 0;
    let mut failed = None;
    for key in &clause.keys {
        let by_input = match key {
            PartitionKey::Column(tree) => {
                if let ExprKind::Path(path) = &tree.kind
                    && let [name] = path.as_slice()
                {
                    shared.partition.insert(name.node.clone());
                }
                everywhere(cx, variables, tree)
            }
            PartitionKey::Equal(trees) => equal(cx, variables, trees, clause.span),
        };
        match by_input.and_then(|exprs| of_one_type(cx, variables, exprs, clause.span)) {
            Ok(exprs) => keys.by_input.iter_mut().zip(exprs).for_each(|(key, expr)| key.push(expr)),
            Err(reported) => failed = Some(reported),
        }
    }
    failed.map_or(Ok((keys, shared)), Err)
}

/// The expression over the columns of each input.
fn everywhere(cx: &mut Context<'_>, variables: &Variables<'_>, tree: &ast::Expr) -> Result<Vec<Expr>, Reported> {
    let mut exprs = Vec::with_capacity(variables.inputs.len());
    for input in 0..variables.inputs.len() {
        let mut names = KeyNames { variables, input: Some(input), used: None, span: tree.span };
        exprs.push(infer(cx, &mut names, tree)?);
    }
    Ok(exprs)
}

/// Each input's expression among those that are equal.
fn equal(cx: &mut Context<'_>, variables: &Variables<'_>, trees: &[ast::Expr], span: Span) -> Result<Vec<Expr>, Reported> {
    let mut found: Vec<Option<(Expr, Span)>> = vec![None; variables.inputs.len()];
    for tree in trees {
        let mut names = KeyNames { variables, input: None, used: None, span: tree.span };
        let expr = infer(cx, &mut names, tree)?;
        let Some(input) = names.used else {
            let text = "this side of the key names no column";
            return Err(
                cx.error(Diagnostic::error(codes::KEY_LEAVES_OUT, tree.span, text).hint("write `a.x = b.y`, a column of each stream"))
            );
        };
        match &found[input] {
            Some((other, first)) if *other != expr => {
                let text = format!(
                    "two different keys for the stream `{}`: an event's partition cannot depend on the step that takes it",
                    variables.inputs[input].name
                );
                let diagnostic = Diagnostic::error(codes::KEY_BY_STEP, tree.span, text).related(*first, "the other key");
                return Err(cx.error(diagnostic.hint("write the equality in WHERE")));
            }
            Some(_) => {}
            None => found[input] = Some((expr, tree.span)),
        }
    }
    if let Some(missing) = found.iter().position(Option::is_none) {
        let name = &variables.inputs[missing].name;
        let variable = variables.numbered().find(|(_, variable)| variable.input == Some(missing) && variable.named);
        let variable = variable.map_or(name.as_str(), |(_, variable)| &*variable.name);
        let text = format!("this key says nothing of the stream `{name}`, which the pattern also names");
        return Err(cx.error(Diagnostic::error(codes::KEY_LEAVES_OUT, span, text).hint(format!("add `= {variable}.column`"))));
    }
    Ok(found.into_iter().flatten().map(|(expr, _)| expr).collect())
}

fn of_one_type(cx: &mut Context<'_>, variables: &Variables<'_>, exprs: Vec<Expr>, span: Span) -> Result<Vec<Expr>, Reported> {
    let mut common = DataType::Null;
    for expr in &exprs {
        common = match common.common(expr.data_type()) {
            Some(wider) => wider,
            None => {
                let types: Vec<String> =
                    exprs.iter().zip(&variables.inputs).map(|(expr, input)| format!("{} in `{}`", expr.data_type(), input.name)).collect();
                let text = format!("the keys of a partition must be of one type, and these are {}", types.join(", "));
                return Err(
                    cx.error(Diagnostic::error(codes::KEY_TYPES, span, text).hint("convert one of them: `CAST(a.x AS STRING) = b.y`"))
                );
            }
        };
    }
    let cast = |expr: Expr| if *expr.data_type() == common { Ok(expr) } else { Expr::cast(expr, &common) };
    exprs.into_iter().map(cast).collect::<Result<Vec<_>, _>>().map_err(|error| refused(cx, &error, span, &[]))
}

/// Names in a key: columns of one input, or of the input that the first name is of.
#[derive(Debug)]
struct KeyNames<'v, 'a> {
    variables: &'v Variables<'a>,
    /// The input whose columns are read; none where the names decide.
    input: Option<usize>,
    /// The input that was named.
    used: Option<usize>,
    span: Span,
}

impl KeyNames<'_, '_> {
    fn read(&mut self, cx: &mut Context<'_>, input: usize, name: &Name, rest: &[Name]) -> Result<Expr, Reported> {
        let PatternStream { name: stream, schema } = self.stream(input);
        let Some(index) = schema.index_of(&name.node) else {
            let known: Vec<&str> = schema.fields().iter().map(|field| &*field.name).collect();
            let text = format!("the stream `{stream}` has no column `{}` to partition by", name.node);
            let mut diagnostic =
                Diagnostic::error(codes::KEY_NOT_EVERYWHERE, name.span, text).did_you_mean(&nearest(&name.node, known.iter().copied()));
            if self.input.is_some() && self.variables.inputs.len() > 1 {
                diagnostic = diagnostic.hint("where names differ write an equality: `PARTITION BY a.x = b.y`");
            }
            return Err(cx.error(diagnostic.hint(format!("columns of `{stream}`: {}", known.join(", ")))));
        };
        if let Some(used) = self.used.filter(|used| *used != input) {
            let other = &self.variables.inputs[used].name;
            let text = format!("one side of a key reads one stream, and this reads `{other}` and `{stream}`");
            return Err(cx.error(Diagnostic::error(codes::KEY_BY_STEP, self.span, text).hint("write `a.x = b.y`, a side for each stream")));
        }
        let data_type = schema.fields()[index].data_type.clone();
        self.used = Some(input);
        fields(cx, scope::column(index, data_type), rest)
    }

    fn stream(&self, input: usize) -> PatternStream {
        let input = &self.variables.inputs[input];
        PatternStream { name: input.name.clone(), schema: input.relation.schema().clone() }
    }

    fn has(&self, input: usize, column: &str) -> bool {
        self.variables.inputs[input].relation.schema().index_of(column).is_some()
    }
}

struct PatternStream {
    name: String,
    schema: std::sync::Arc<crate::data::Schema>,
}

impl Names for KeyNames<'_, '_> {
    fn path(&mut self, cx: &mut Context<'_>, path: &[Name], span: Span) -> Result<Expr, Reported> {
        let [first, rest @ ..] = path else { return Err(Reported::elsewhere()) };
        if let ([column, rest @ ..], Some(id)) = (rest, self.variables.find(&first.node)) {
            let Some(input) = self.variables.get(id).input else { return Err(Reported::elsewhere()) };
            if let Some(wanted) = self.input.filter(|wanted| *wanted != input) {
                let text =
                    format!("this key says nothing of the stream `{}`, which the pattern also names", self.variables.inputs[wanted].name);
                let hint = format!("write `{0}.{1} = other.column`, or just `{1}` where all streams have it", first.node, column.node);
                return Err(cx.error(Diagnostic::error(codes::KEY_LEAVES_OUT, span, text).hint(hint)));
            }
            return self.read(cx, input, column, rest);
        }
        if let Some(input) = self.input {
            return self.read(cx, input, first, rest);
        }
        let holders: Vec<usize> = (0..self.variables.inputs.len()).filter(|input| self.has(*input, &first.node)).collect();
        match holders.as_slice() {
            [input] => self.read(cx, *input, first, rest),
            [] => self.read(cx, 0, first, rest),
            _ => {
                let text = format!("several streams have a column `{}`", first.node);
                let hint = format!("name the variable: `v.{}`", first.node);
                Err(cx.error(Diagnostic::error(codes::AMBIGUOUS_COLUMN, first.span, text).hint(hint)))
            }
        }
    }

    fn call(&mut self, cx: &mut Context<'_>, call: &ast::Call, span: Span) -> Option<Result<Expr, Reported>> {
        is_aggregate(cx, call).then(|| Err(misplaced_aggregate(cx, call, span, "PARTITION BY")))
    }
}
