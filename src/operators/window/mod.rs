//! Windows: rows in, one row a group and window out (or the window's rows), at the place where it closes or at each event.
//!
//! A window that has ends (hopping, session, so many rows) puts out a group when it closes; one that moves with each event (running, sliding,
//! the last so many rows) puts out one row an event, at its place. No group is kept that has nothing open; running aggregates and the last
//! rows of a group never close, and their keys stay for ever.
//!
//! Within one closing, groups come in the order of their first rows in that window. With `EMIT EVERY d` windows that have ends also give
//! early rows, with FALSE in `final`, just before the events of each multiple of `d`: for each open window and group that has got rows since
//! the early rows before (an unchanged group would only repeat itself; where the rows of a window are ranked, all its groups are needed).

mod alignment;
mod contents;
#[cfg(test)]
mod cost;
mod early;
mod fifo;
mod hopping;
mod last_rows;
mod row_queue;
mod rows;
mod running;
mod session;
mod sliding;
mod slots;
#[cfg(test)]
mod tests;

pub use hopping::HoppingWindow;
pub use last_rows::LastRowsWindow;
pub use rows::RowsWindow;
pub use running::RunningWindow;
pub use session::SessionWindow;
pub use sliding::SlidingWindow;

use crate::operators::Operator;
use crate::spec::{WindowKind, WindowOutput, WindowSpec};

/// The operator of a window. Its one port has the columns that [`WindowSpec`] says; it has one input.
///
/// The checker has refused what has no meaning: lengths and counts below 1, and, for windows that move with each event, a SELECT without
/// aggregates (which rows would come out?) and `EMIT EVERY` (each event gives a row already).
pub fn new(spec: &WindowSpec) -> Box<dyn Operator> {
    debug_assert!(has_ends(&spec.kind) || matches!(spec.output, WindowOutput::Aggregates(_)), "the checker refuses rows of moving windows");
    debug_assert!(has_ends(&spec.kind) || spec.emit_every.is_none(), "the checker refuses early rows of moving windows");
    match spec.kind {
        WindowKind::Running => Box::new(RunningWindow::new(spec)),
        WindowKind::Hopping { size, every, offset, zone } => Box::new(HoppingWindow::new(spec, size, every, offset, zone)),
        WindowKind::Sliding(size) => Box::new(SlidingWindow::new(spec, size)),
        WindowKind::Session { gap, max } => Box::new(SessionWindow::new(spec, gap, max)),
        WindowKind::Rows(count) => Box::new(RowsWindow::new(spec, count)),
        WindowKind::LastRows(count) => Box::new(LastRowsWindow::new(spec, count)),
    }
}

/// Whether windows of this kind end, and do not move with each event.
pub fn has_ends(kind: &WindowKind) -> bool {
    match kind {
        WindowKind::Hopping { .. } | WindowKind::Session { .. } | WindowKind::Rows(_) => true,
        WindowKind::Running | WindowKind::Sliding(_) | WindowKind::LastRows(_) => false,
    }
}
