//! The clauses behind a pattern: WITHIN, AFTER MATCH, RUNS, LIMIT PER PARTITION, TIMEOUT INTO.

use super::codes;
use super::variables::Variables;
use crate::data::Duration;
use crate::semantics::constant::{count, duration};
use crate::semantics::context::{Context, Reported};
use crate::spec::{AfterMatch, KeysBound, Runs, VariableId, VariableKind, Within};
use crate::syntax::ast;
use crate::text::{Diagnostic, Spanned, nearest};

/// WITHIN. Nothing apart in time is a length too: `WITHIN 0s` is events of one time.
pub(crate) fn within(cx: &mut Context<'_>, clause: Option<&ast::Within>) -> Result<Option<Within>, Reported> {
    match clause {
        None => Ok(None),
        Some(ast::Within::Time(tree)) => duration(cx, "the length of WITHIN", tree, Duration(0)).map(|length| Some(Within::Time(length))),
        Some(ast::Within::Events(tree)) => count(cx, "the number of events of WITHIN", tree, 1).map(|number| Some(Within::Events(number))),
    }
}

/// RUNS.
pub(super) fn runs(cx: &mut Context<'_>, clause: Option<&Spanned<ast::Runs>>) -> Result<Runs, Reported> {
    match clause.map(|clause| &clause.node) {
        None | Some(ast::Runs::All) => Ok(Runs::All),
        Some(ast::Runs::Latest) => Ok(Runs::Latest),
        Some(ast::Runs::Count(tree, overflow)) => count(cx, "the number of RUNS", tree, 1).map(|most| match overflow {
            ast::Overflow::Refuse => Runs::Count(most),
            ast::Overflow::DropOldest => Runs::DropOldest(most),
            ast::Overflow::Error => Runs::OrEnd(most),
        }),
    }
}

/// AFTER MATCH.
pub(super) fn after_match(
    cx: &mut Context<'_>,
    variables: &Variables<'_>,
    clause: Option<&Spanned<ast::AfterMatch>>,
) -> Result<AfterMatch, Reported> {
    Ok(match clause.map(|clause| &clause.node) {
        None => AfterMatch::Everything,
        Some(ast::AfterMatch::SkipPastLast) => AfterMatch::SkipPastLast,
        Some(ast::AfterMatch::SkipToLastEvent) => AfterMatch::SkipToLastEvent,
        Some(ast::AfterMatch::SkipToNext) => AfterMatch::SkipToNext,
        Some(ast::AfterMatch::SkipToFirst(name)) => AfterMatch::SkipToFirst(vec![skip_target(cx, variables, name)?]),
        Some(ast::AfterMatch::SkipToLast(name)) => AfterMatch::SkipToLast(vec![skip_target(cx, variables, name)?]),
        Some(ast::AfterMatch::Restart) => AfterMatch::Restart,
        Some(ast::AfterMatch::Consume) => AfterMatch::Consume,
    })
}

fn skip_target(cx: &mut Context<'_>, variables: &Variables<'_>, name: &ast::Name) -> Result<VariableId, Reported> {
    let known = variables.find(&name.node);
    if let Some(id) = known.filter(|id| variables.get(*id).kind == VariableKind::Step) {
        return Ok(id);
    }
    let steps: Vec<&str> = variables.steps().map(|(_, variable)| &*variable.name).collect();
    let text = match known {
        Some(_) => format!("`{}` takes no event that could be skipped to", name.node),
        None => format!("`{}` is no variable of this pattern", name.node),
    };
    let diagnostic = Diagnostic::error(codes::SKIP_TARGET, name.span, text).did_you_mean(&nearest(&name.node, steps.iter().copied()));
    Err(cx.error(diagnostic.hint(format!("steps: {}", steps.join(", ")))))
}

/// `LIMIT n PER PARTITION`; the other LIMIT is a stage behind the pattern.
pub(super) fn limit_per_partition(cx: &mut Context<'_>, clause: Option<&ast::Limit>) -> Result<Option<u64>, Reported> {
    match clause {
        Some(limit) if limit.per_partition => count(cx, "the number of LIMIT", &limit.count, 0).map(Some),
        Some(_) | None => Ok(None),
    }
}

/// KEYS, which bounds those of PARTITION BY.
pub(super) fn keys(cx: &mut Context<'_>, query: &ast::Query) -> Result<Option<KeysBound>, Reported> {
    let Some(clause) = &query.keys else { return Ok(None) };
    if query.partition_by.is_none() {
        let text = "KEYS bounds the keys of PARTITION BY, and there is none";
        return Err(cx.error(
            Diagnostic::error(codes::KEYS_WITHOUT_PARTITION, clause.span, text).hint("add `PARTITION BY` and the columns of the key"),
        ));
    }
    let most = count(cx, "the number of KEYS", &clause.node.count, 1)?;
    Ok(Some(match clause.node.overflow {
        ast::Overflow::DropOldest => KeysBound::DropOldest(most),
        ast::Overflow::Refuse | ast::Overflow::Error => KeysBound::OrEnd(most),
    }))
}

/// Tells a TIMEOUT INTO that could never get a row.
pub(super) fn check_timeout(cx: &mut Context<'_>, query: &ast::Query) -> Result<(), Reported> {
    if let (Some(into), None) = (&query.timeout_into, &query.within) {
        let text = "TIMEOUT INTO takes the runs that WITHIN ends, and there is no WITHIN";
        return Err(cx.error(Diagnostic::error(codes::TIMEOUT_WITHOUT_WITHIN, into.span, text).hint("add `WITHIN 10 minutes`")));
    }
    Ok(())
}
