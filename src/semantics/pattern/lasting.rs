//! What is told of patterns that keep state for ever, or whose matches come out at the end of the input only.

use super::codes;
use super::shape;
use crate::semantics::context::{Context, Reported};
use crate::spec::{Mode, PatternNode, Runs, Within};
use crate::text::{Diagnostic, Span};

/// What decides how long state lasts.
pub(super) struct Lasting<'t> {
    pub(super) root: &'t PatternNode,
    pub(super) mode: Mode,
    pub(super) within: Option<Within>,
    pub(super) runs: Runs,
    pub(super) span: Span,
}

/// Tells lasting state: an error where the input never ends, else a warning.
pub(super) fn tell(cx: &mut Context<'_>, lasting: &Lasting<'_>) -> Result<(), Reported> {
    if lasting.within.is_some() {
        return Ok(());
    }
    if lasting.mode == Mode::OnePerStart && shape::ends_in_waiting_loop(lasting.root) {
        let text = "a match comes out at the end of the input only: the end of this pattern could always take more";
        let diagnostic = tell_as(cx, codes::WAITS_FOR_THE_END, lasting.span, text);
        let hints = ["add `WITHIN 10 minutes`", "or make the last quantifier reluctant: `+?`, `{2,}?`"];
        return told(cx, hints.into_iter().fold(diagnostic, |diagnostic, hint| diagnostic.hint(hint)));
    }
    if lasting.runs == Runs::All && shape::can_wait(lasting.root) {
        let text = "this pattern keeps state for ever: a match that has begun may wait for its next step without end";
        let diagnostic = tell_as(cx, codes::LASTING_STATE, lasting.span, text);
        return told(cx, diagnostic.hint("add `WITHIN 10 minutes`"));
    }
    Ok(())
}

fn tell_as(cx: &Context<'_>, code: crate::text::Code, span: Span, text: &str) -> Diagnostic {
    if cx.options.endless { Diagnostic::error(code, span, text) } else { Diagnostic::warning(code, span, text) }
}

fn told(cx: &mut Context<'_>, diagnostic: Diagnostic) -> Result<(), Reported> {
    if cx.options.endless {
        return Err(cx.error(diagnostic));
    }
    cx.warn(diagnostic);
    Ok(())
}
