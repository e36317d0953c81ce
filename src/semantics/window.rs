//! `WINDOW …`: sizes, alignment, and what each kind of window can be used for.

use super::codes;
use super::constant::{SHORTEST, count, duration};
use super::context::{Context, Reported};
use super::literal;
use crate::data::Duration;
use crate::spec::WindowKind;
use crate::syntax::ast::{self, Expr};
use crate::text::{Diagnostic, Span, Spanned};

/// The windows that one event may lie in; more would make each event cost as much.
const MOST_WINDOWS_AN_EVENT: i64 = 100_000;
const DAY: i64 = 86_400_000_000_000;

/// Checks a window.
pub(crate) fn window(cx: &mut Context<'_>, window: &ast::Window) -> Result<WindowKind, Reported> {
    match &window.kind {
        ast::WindowKind::Tumbling { size, offset, zone } => {
            let length = duration(cx, "the size of a window", size, SHORTEST);
            let (offset, zone) = alignment(cx, offset.as_ref(), zone.as_ref(), length.ok(), size.span);
            let size = length?;
            Ok(WindowKind::Hopping { size, every: size, offset: offset?, zone: zone? })
        }
        ast::WindowKind::Hopping { size, every, offset, zone } => {
            let length = duration(cx, "the size of a window", size, SHORTEST);
            let step = duration(cx, "the step of a HOPPING window", every, SHORTEST);
            let (offset, zone) = alignment(cx, offset.as_ref(), zone.as_ref(), step.ok(), every.span);
            let (size, step) = (length?, step?);
            if size.0 / step.0 > MOST_WINDOWS_AN_EVENT {
                let text = format!("each event would lie in {} windows; the most are {MOST_WINDOWS_AN_EVENT}", size.0 / step.0);
                return Err(cx.error(Diagnostic::error(codes::OUT_OF_RANGE, every.span, text).hint("take longer steps, or WINDOW SLIDING")));
            }
            Ok(WindowKind::Hopping { size, every: step, offset: offset?, zone: zone? })
        }
        ast::WindowKind::Sliding { size } => Ok(WindowKind::Sliding(duration(cx, "the size of a window", size, SHORTEST)?)),
        ast::WindowKind::Session { gap, max } => {
            let gap = duration(cx, "the gap of a SESSION", gap, SHORTEST);
            let max = max.as_ref().map(|tree| duration(cx, "MAX", tree, SHORTEST)).transpose();
            Ok(WindowKind::Session { gap: gap?, max: max? })
        }
        ast::WindowKind::Rows(rows) => Ok(WindowKind::Rows(count(cx, "ROWS", rows, 1)?)),
        ast::WindowKind::LastRows(rows) => Ok(WindowKind::LastRows(count(cx, "LAST … ROWS", rows, 1)?)),
    }
}

type Alignment = (Result<Duration, Reported>, Result<Option<chrono_tz::Tz>, Reported>);

/// OFFSET, and IN where windows start whole days apart.
fn alignment(
    cx: &mut Context<'_>,
    offset: Option<&Expr>,
    zone: Option<&Spanned<String>>,
    every: Option<Duration>,
    span: Span,
) -> Alignment {
    let offset = offset.map_or(Ok(Duration(0)), |tree| duration(cx, "OFFSET", tree, Duration(i64::MIN)));
    let Some(name) = zone else { return (offset, Ok(None)) };
    let mut zone = literal::zone(cx, name).map(Some);
    if let Some(every) = every.filter(|every| every.0 % DAY != 0) {
        let text = format!("IN aligns windows of whole days to the calendar of a zone; {every} is no number of days");
        zone = Err(cx.error(Diagnostic::error(codes::BAD_WINDOW, span, text).related(name.span, "the zone").hint("leave IN away")));
    }
    (offset, zone)
}

/// Whether a window gives one row for each event instead of closing.
pub(crate) fn moves_with_events(kind: &WindowKind) -> bool {
    match kind {
        WindowKind::Running | WindowKind::Sliding(_) | WindowKind::LastRows(_) => true,
        WindowKind::Hopping { .. } | WindowKind::Session { .. } | WindowKind::Rows(_) => false,
    }
}

/// EMIT EVERY of a window, which is one that closes.
pub(crate) fn emit_every(cx: &mut Context<'_>, tree: &Expr, kind: Option<&WindowKind>) -> Result<Duration, Reported> {
    let every = duration(cx, "EMIT EVERY", tree, SHORTEST)?;
    if kind.is_none_or(moves_with_events) {
        let text = "EMIT EVERY gives early results of a window that closes, and there is none here";
        return Err(
            cx.error(Diagnostic::error(codes::CLAUSE_WITHOUT_MEANING, tree.span, text).hint("WINDOW TUMBLING, HOPPING, SESSION or ROWS"))
        );
    }
    Ok(every)
}
