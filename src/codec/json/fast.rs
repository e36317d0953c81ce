//! The fast path of the decoder: a line that is plainly good, from its bytes to rows of its streams without values between them.
//!
//! `scan` finds the values that are needed, here it is told whose event it is, and `typed` appends it to the columns. What is not plainly good
//! changes nothing and is left to the strict path.

use super::convert::scalar_text;
use super::decode::{TypeRoutes, TypeWatch};
use super::projection::Projection;
use super::scan::{Cell, Found, Scanner};
use super::stretch::{Passed, Stretch, Within};
use super::typed::{Layout, Staged, readings};
use crate::codec::{Decoded, Limits, Route, SourceSpec};
use crate::data::{Timestamp, Value};

/// Where lines hardly ever go as expected, so many are not tried at a time.
const LONGEST_PAUSE: u32 = 63;

/// What the fast path keeps from line to line.
#[derive(Debug)]
pub(super) struct FastPath {
    scanner: Scanner,
    stretch: Option<Stretch>,
    /// Lines that are left to the path for single ones, because those before went another way, and how many it will be the next time.
    pause: (u32, u32),
    /// One a stream.
    layouts: Vec<Layout>,
    /// One a slot.
    cells: Vec<Cell>,
    /// Streams of every event.
    takers: Vec<usize>,
    /// Streams with a condition.
    choosers: Vec<usize>,
    /// The streams of the event at hand, with its time in each.
    streams: Vec<(usize, Timestamp)>,
    max_line: usize,
    /// How many lines were no part of a stretch.
    #[cfg(test)]
    pub(super) singles: u64,
}

/// What the decoder knows of its streams.
#[derive(Clone, Copy)]
pub(super) struct Streams<'d> {
    pub(super) specs: &'d [SourceSpec],
    pub(super) projection: &'d Projection,
    pub(super) routes: &'d [TypeRoutes],
}

/// Room to work in, for the lines of one chunk.
#[derive(Debug, Default)]
pub(super) struct Work<'line> {
    staged: Staged<'line>,
    row: Vec<Value<'line>>,
}

impl FastPath {
    /// The fast path of these streams, the slots of whose columns are given.
    pub(super) fn new(
        specs: &[SourceSpec],
        columns: &[Vec<usize>],
        projection: &Projection,
        routes: &[TypeRoutes],
        limits: Limits,
    ) -> Self {
        let readings = readings(specs.iter().zip(columns), projection.slots());
        let layouts: Vec<Layout> = specs.iter().zip(columns).map(|(spec, slots)| Layout::new(spec, slots, &readings)).collect();
        let of_route = |wanted: fn(&Route) -> bool| (0..specs.len()).filter(|&source| wanted(&specs[source].route)).collect();
        Self {
            stretch: Stretch::new(specs, &layouts, routes, &readings, limits),
            pause: (0, 0),
            scanner: Scanner::new(projection, readings, limits.max_depth),
            layouts,
            cells: vec![Cell::default(); projection.slots()],
            takers: of_route(|route| matches!(route, Route::All)),
            choosers: of_route(|route| matches!(route, Route::When(_))),
            streams: Vec::new(),
            max_line: limits.max_line,
            #[cfg(test)]
            singles: 0,
        }
    }

    /// How many lines were read side by side.
    #[cfg(test)]
    pub(super) fn side_by_side(&self) -> u64 {
        self.stretch.as_ref().map_or(0, |stretch| stretch.lines_side_by_side)
    }

    /// Decodes lines from `at` on, no more than so many, as long as they go all as lines before went.
    #[allow(clippy::too_many_arguments, reason = "the state of one chunk, borrowed apart")]
    #[inline]
    pub(super) fn stretch<'line>(
        &mut self,
        of: Streams<'line>,
        text: &'line str,
        at: usize,
        most: usize,
        clock: Timestamp,
        watch: Option<&TypeWatch>,
        out: &mut Decoded,
    ) -> Passed {
        let Some(stretch) = &mut self.stretch else { return Passed::default() };
        let (lines, next) = &mut self.pause;
        if *lines > 0 {
            *lines -= 1;
            return Passed::default();
        }
        let within = Within { specs: of.specs, layouts: &self.layouts, routes: of.routes, steps: self.scanner.steps(), text, clock };
        stretch.learn(self.scanner.steps(), self.scanner.learned());
        let passed = stretch.run(within, at, most, watch, out);
        *next = if passed.lines > 0 { 0 } else { (2 * *next + 1).min(LONGEST_PAUSE) };
        *lines = *next;
        passed
    }

    /// Decodes the line at `at`, if it can, and gives the line's length with its end.
    #[allow(clippy::too_many_arguments, reason = "the state of one chunk, borrowed apart")]
    #[inline]
    pub(super) fn line<'line>(
        &mut self,
        of: Streams<'line>,
        text: &'line str,
        at: usize,
        clock: Timestamp,
        watch: &mut Option<TypeWatch>,
        work: &mut Work<'line>,
        out: &mut Decoded,
    ) -> Option<usize> {
        #[cfg(test)]
        {
            self.singles += 1;
        }
        let (end, slots) = self.scanner.scan(of.projection, text, at, &mut self.cells)?;
        if end.content - at > self.max_line {
            return None;
        }
        let nulls = self.find_streams(of, text, clock, work);
        let mut is_plain = true;
        for (source, time) in &mut self.streams {
            match self.layouts[*source].plain_time(&of.specs[*source], &self.cells, slots, clock) {
                Some(of_event) => *time = of_event,
                None => is_plain = false,
            }
        }
        if !is_plain {
            self.stage(of, text, clock, &mut work.staged)?;
        }
        if let Some(watch) = watch {
            watch.see(self.cells[watch.slot].text(text));
        }
        out.events += 1;
        out.eval_nulls += nulls;
        if self.streams.is_empty() {
            out.unrouted += 1;
            return Some(end.next - at);
        }
        let mut first = 0;
        for &(source, time) in &self.streams {
            let rows = &mut out.sources[source];
            if is_plain {
                self.layouts[source].push_plain(text, &self.cells, rows);
            } else {
                first = self.layouts[source].push(text, &self.cells, &work.staged, first, rows);
            }
            rows.times.push(time);
            rows.numbers.push(out.next_number);
        }
        out.next_number += 1;
        Some(end.next - at)
    }

    /// Stages the event at hand for all of its streams: it has values that are not plain, or none.
    fn stage<'line>(&mut self, of: Streams<'line>, text: &'line str, clock: Timestamp, staged: &mut Staged<'line>) -> Option<()> {
        staged.clear();
        for (source, time) in &mut self.streams {
            *time = self.layouts[*source].stage(&of.specs[*source], text, &self.cells, clock, staged)?;
        }
        Some(())
    }

    /// Finds the streams that the event at hand is of, in their order; gives how many NULLs their conditions made up.
    #[inline]
    fn find_streams<'line>(&mut self, of: Streams<'line>, text: &'line str, clock: Timestamp, work: &mut Work<'line>) -> u64 {
        self.streams.clear();
        self.streams.extend(self.takers.iter().map(|&source| (source, clock)));
        for routes in of.routes {
            let cell = &self.cells[routes.slot];
            let found = match cell.found {
                Found::Text => routes.streams.get(cell.content(text)),
                _ => cell.text(text).and_then(scalar_text).and_then(|value| routes.streams.get(&*value)),
            };
            self.streams.extend(found.into_iter().flatten().map(|&source| (source, clock)));
        }
        let mut nulls = 0;
        for &source in &self.choosers {
            let spec = &of.specs[source];
            let Route::When(condition) = &spec.route else { continue };
            self.layouts[source].fill(&mut work.row, &condition.reads, spec, text, &self.cells);
            let (holds, made_up) = (condition.holds)(&work.row);
            nulls += made_up;
            if holds {
                self.streams.push((source, clock));
            }
        }
        if self.streams.len() > 1 {
            self.streams.sort_unstable();
        }
        nulls
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::codec::json::JsonDecoder;
    use crate::codec::{ChunkStart, Limits, SourceSpec};
    use crate::data::{DataType, Field, Schema, Timestamp};

    #[test]
    fn lines_of_one_kind_are_a_stretch() {
        let fields = vec![Field::new("s", DataType::String), Field::new("n", DataType::Int), Field::new("f", DataType::Float)];
        let decoder = JsonDecoder::new(vec![SourceSpec::new("S", Arc::new(Schema::new(fields)))], Limits::default());
        let mut decoder = decoder.watching(&["type".to_owned()]);
        let lines =
            |of: usize| -> String { (0..of).map(|n| format!("{{\"s\":\"{}\",\"x\":{n},\"n\":{n},\"f\":{n}.5}}\n", n % 7)).collect() };
        let mut out = decoder.decoded();
        for (text, most) in [(lines(1000), 3), (lines(1000), 1), (lines(1000).replace("}\n{\"s\":\"3\"", "}\n{\"s\":null"), 4)] {
            let before = decoder.single_lines();
            decoder.decode(text.as_bytes(), ChunkStart { line: 2, offset: 0, clock: Timestamp(0) }, &mut out);
            // The first line of all teaches the keys, as the first NULL does, and the last one of a chunk has no room behind it.
            let singles = decoder.single_lines() - before;
            assert!(singles <= most, "{singles} of {most}");
        }
        assert_eq!((out.events, out.next_number, out.sources[0].len()), (3000, 3000, 3000));
    }
}
