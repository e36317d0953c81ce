//! The matches that an event finishes, one after the other in the order of ordered threads: by start; then, event by event, what takes an
//! event before what does not; and of one event the ways in the order of preference.
//!
//! A walk in depth over the entries that reach the event. None of them is a dead end, so the walk takes no longer than what it lists.

use super::columns::WayColumns;
use super::plan::{Kinds, Moves};
use crate::spec::VariableId;

/// What is told of the walk.
pub(super) trait Visitor {
    /// A match goes on with this entry of a kind; at a depth of 0 it begins with it.
    fn enter(&mut self, depth: usize, kind: usize, entry: u64);
    /// The walk goes back before this entry.
    fn leave(&mut self, depth: usize, kind: usize, entry: u64);
    /// So many entries taken and the event, for this variable, are a match.
    fn finish(&mut self, depth: usize, last: VariableId);
    /// Matches are to go on with this entry of a kind, at a depth of 0 to begin with it. Whether they have been told, because others went on
    /// the same way: the walk leaves them out then.
    fn repeat(&mut self, depth: usize, kind: usize, entry: u64) -> bool;
}

/// Where a walk stands; kept so that its memory is.
#[derive(Debug, Default)]
pub(super) struct Walk {
    frames: Vec<Frame>,
    cursors: Vec<Cursor>,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: usize,
    entry: u64,
    /// Its cursors are those from here on.
    cursors: usize,
}

/// What is left of the entries of a way.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    kind: usize,
    next: u64,
    until: u64,
}

impl Walk {
    /// Tells all matches that the event at hand finishes and that began before it; [`WayColumns::reach`] has been called for it.
    pub(super) fn list(&mut self, columns: &WayColumns, kinds: &Kinds, moves: &Moves, visitor: &mut impl Visitor) {
        self.frames.clear();
        self.cursors.clear();
        for kind in kinds.starts.iter().filter_map(|way| way.kind) {
            self.open(kind, columns.entries[kind].first(), columns);
        }
        loop {
            let first = self.frames.last().map_or(0, |frame| frame.cursors);
            if let Some((kind, entry)) = self.step(first, columns) {
                let depth = self.frames.len();
                let goes_on = kinds.all[kind].goes_on() > 0;
                if (goes_on || depth == 0) && visitor.repeat(depth, kind, entry) {
                    continue;
                }
                visitor.enter(depth, kind, entry);
                if !goes_on {
                    finish(moves, kind, depth + 1, visitor);
                    visitor.leave(depth, kind, entry);
                    continue;
                }
                self.go_on(kind, entry, columns, kinds);
                if self.cursors.len() > self.frames.last().map_or(0, |frame| frame.cursors) {
                    continue;
                }
            } else if self.frames.is_empty() {
                return;
            }
            // Behind all that goes on comes what is finished.
            let frame = self.frames.pop().expect("a frame was left");
            let depth = self.frames.len();
            finish(moves, frame.kind, depth + 1, visitor);
            self.cursors.truncate(frame.cursors);
            visitor.leave(depth, frame.kind, frame.entry);
        }
    }

    fn open(&mut self, kind: usize, next: u64, columns: &WayColumns) {
        let (next, until) = (next.max(columns.entries[kind].first()), columns.until[kind]);
        if next < until {
            self.cursors.push(Cursor { kind, next, until });
        }
    }

    fn go_on(&mut self, kind: usize, entry: u64, columns: &WayColumns, kinds: &Kinds) {
        self.frames.push(Frame { kind, entry, cursors: self.cursors.len() });
        let of = &kinds.all[kind];
        let nexts = columns.entries[kind].nexts(entry, of.goes_on());
        for (way, &next) in of.ways.iter().filter_map(|way| way.kind).zip(nexts) {
            self.open(way, next, columns);
        }
    }

    /// The next entry of the frame whose cursors begin here: the earliest event, and of one event the first way.
    #[inline]
    fn step(&mut self, first: usize, columns: &WayColumns) -> Option<(usize, u64)> {
        let cursors = &mut self.cursors[first..];
        let at = match cursors {
            [] => return None,
            [_] => 0,
            _ => {
                let event =
                    |cursor: &Cursor| if cursor.next < cursor.until { columns.entries[cursor.kind].event(cursor.next) } else { u64::MAX };
                let mut least = (event(&cursors[0]), 0);
                for (at, cursor) in cursors.iter().enumerate().skip(1) {
                    let event = event(cursor);
                    if event < least.0 {
                        least = (event, at);
                    }
                }
                least.1
            }
        };
        let cursor = &mut cursors[at];
        if cursor.next >= cursor.until {
            return None;
        }
        cursor.next += 1;
        Some((cursor.kind, cursor.next - 1))
    }
}

/// The matches that go no further than to an entry of this kind and the event at hand.
#[inline]
fn finish(moves: &Moves, kind: usize, depth: usize, visitor: &mut impl Visitor) {
    if let Some((_, variables)) = moves.ends.iter().find(|(of, _)| *of == kind) {
        variables.iter().for_each(|variable| visitor.finish(depth, *variable));
    }
}
