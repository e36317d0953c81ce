//! Stretches of lines that go all as lines before went: from their bytes to a block of words, and from the block to columns.
//!
//! What is expected is what the scanner has learned (`scan`). A line is taken whole or not at all: its values are written into a row of the
//! block, and only when the last one stood where it was expected, and all are plain, does the row count. The first line that is not so ends
//! the stretch, and is left to the path for single lines. A block goes to the columns one column at a time.

use super::aside::Aside;
use super::block::{BLOCK, Block, Picked, is_null};
use super::decode::{TypeRoutes, TypeWatch};
use super::kinds::Kinds;
use super::lockstep::Lockstep;
use super::scan::{Reading, START, Step, To};
use super::sprint::{float, integer, number, plain_part, string, window};
use super::swar::{plain_float, plain_integer};
use super::template::{Read, Template, text};
use super::token::{Token, rest_of_string, rest_of_text, skip, value};
use super::typed::Layout;
use crate::codec::{Decoded, Limits, SourceSpec};
use crate::data::{TextWord, Timestamp};

/// So many lines are read side by side at first.
const FEW: usize = 16;
/// So many lines in a row that are alike, but not like the template, make another.
const IN_A_ROW: u32 = 4;

/// Reads stretches of lines.
#[derive(Debug)]
pub(super) struct Stretch {
    block: Block,
    template: Template,
    /// What the scanner had learned when a template was looked for.
    learned: u64,
    /// The steps of a line that is read, and of the last one that was not like the template; how many went like that in a row.
    path: Vec<u16>,
    other: Vec<u16>,
    others: u32,
    lockstep: Lockstep,
    /// How many lines are tried side by side; none where lines have not been all alike of late.
    side_by_side: usize,
    /// How many lines that are all alike come before it is tried again.
    patience: usize,
    kinds: Kinds,
    /// The kind of each row of the block, where there are several.
    kinds_of_rows: Vec<u32>,
    /// The rows of one stream, and the numbers of their events, while they go to its columns; of each kind whether its events are of that
    /// stream, and of any.
    rows: Vec<(u32, u64)>,
    taken: Vec<(bool, bool)>,
    aside: Aside,
    /// The slots that are read as texts.
    texts: u64,
    max_line: usize,
    /// How many lines were read side by side.
    #[cfg(test)]
    pub(super) lines_side_by_side: u64,
}

/// Where a stretch is read, and what for.
#[derive(Clone, Copy)]
pub(super) struct Within<'line> {
    pub(super) specs: &'line [SourceSpec],
    pub(super) layouts: &'line [Layout],
    pub(super) routes: &'line [TypeRoutes],
    pub(super) steps: &'line [Step],
    pub(super) text: &'line str,
    pub(super) clock: Timestamp,
}

/// Lines that were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Passed {
    pub(super) lines: usize,
    pub(super) bytes: usize,
}

/// A line that went as expected.
#[derive(Clone, Copy)]
struct Line {
    /// Behind its line end, and how many bytes that has.
    end: usize,
    ending: usize,
    /// The slots that it has.
    slots: u64,
}

impl Stretch {
    /// For these streams; none where their events cannot be told apart, or are never plain.
    pub(super) fn new(
        specs: &[SourceSpec],
        layouts: &[Layout],
        routes: &[TypeRoutes],
        readings: &[Reading],
        limits: Limits,
    ) -> Option<Self> {
        let kinds = Kinds::new(specs, layouts, routes, readings)?;
        let texts = (0..).zip(readings).filter(|(_, reading)| **reading == Reading::Text).fold(0, |bits, (slot, _)| bits | 1 << slot);
        let (block, template) = (Block::new(readings.len(), nullable(layouts)), Template::default());
        let (kinds_of_rows, rows, aside) = (Vec::new(), Vec::new(), Aside::default());
        let lockstep = Lockstep::new();
        Some(Self {
            block,
            template,
            learned: 0,
            path: Vec::new(),
            other: Vec::new(),
            others: 0,
            lockstep,
            side_by_side: 0,
            patience: FEW,
            kinds,
            kinds_of_rows,
            rows,
            taken: Vec::new(),
            aside,
            texts,
            max_line: limits.max_line,
            #[cfg(test)]
            lines_side_by_side: 0,
        })
    }

    /// While lines have no template, the first that is known will do.
    pub(super) fn learn(&mut self, steps: &[Step], learned: u64) {
        if self.learned != learned && self.template.is_empty() {
            self.template = Template::first(steps, limit_of(&self.kinds));
        }
        self.learned = learned;
    }

    /// Notes by which steps a line went that is not like the template. Where some went so in a row, the next ones are expected to.
    fn note_path(&mut self, steps: &[Step]) -> bool {
        if self.path != self.other {
            std::mem::swap(&mut self.path, &mut self.other);
            self.others = 0;
        }
        self.others += 1;
        if self.others < IN_A_ROW {
            return false;
        }
        self.others = 0;
        let template = Template::of(steps, &self.other, limit_of(&self.kinds));
        let is_one = !template.is_empty();
        if is_one {
            self.template = template;
        }
        is_one
    }

    /// Reads lines from `at` on, no more than so many, as far as they go as expected.
    pub(super) fn run(&mut self, within: Within<'_>, at: usize, most: usize, watch: Option<&TypeWatch>, out: &mut Decoded) -> Passed {
        let mut passed = Passed::default();
        // Places of texts are kept as two halves of a word.
        if i32::try_from(within.text.len()).is_err() {
            return passed;
        }
        let watch = watch.filter(|watch| !watch.has_seen_enough());
        loop {
            let block = self.fill(within, at + passed.bytes, most - passed.lines, watch);
            if block.lines > 0 {
                self.flush(within, block.lines, out);
            }
            passed = Passed { lines: passed.lines + block.lines, bytes: passed.bytes + block.bytes };
            if block.lines == 0 || passed.lines == most {
                return passed;
            }
        }
    }

    /// Reads lines into the block, no more than so many, as far as they go as expected.
    fn fill(&mut self, within: Within<'_>, begin: usize, most: usize, watch: Option<&TypeWatch>) -> Passed {
        self.kinds_of_rows.clear();
        self.block.clear();
        // Whether nothing is left to be asked of a row that is like the template.
        let is_plain = self.kinds.is_one() && self.kinds.get(0).is_some_and(|kind| kind.takes_all(self.template.slots));
        let rows = if self.side_by_side > 0 { self.read_side_by_side(within.text, begin, most) } else { 0 };
        if rows == 0 {
            self.block.clear();
            return self.fill_one_by_one(within, begin, most.min(BLOCK), is_plain, watch);
        }
        if is_plain && watch.is_none() {
            return Passed { lines: rows, bytes: self.lockstep.end(rows - 1) - begin };
        }
        if watch.is_none()
            && let Some(accepted) = self.accept_side_by_side(within, rows)
        {
            return accepted
                .checked_sub(1)
                .map_or(Passed::default(), |last| Passed { lines: accepted, bytes: self.lockstep.end(last) - begin });
        }
        let mut passed = Passed::default();
        for row in 0..rows {
            let line = Line { end: self.lockstep.end(row), ending: self.template.ending, slots: self.template.slots };
            if !self.accepts(within, row, begin + passed.bytes, line, is_plain, watch) {
                break;
            }
            passed = Passed { lines: row + 1, bytes: line.end - begin };
        }
        passed
    }

    /// Finds the kinds of rows that were read side by side, where there are several; gives how many rows are good for their streams before one
    /// that may be not. None where each has to be looked at.
    fn accept_side_by_side(&mut self, within: Within<'_>, rows: usize) -> Option<usize> {
        let Within { specs, layouts, routes, text, .. } = within;
        let slots = self.template.slots;
        if self.kinds.is_one() || !self.kinds.take_all(&self.block, rows, slots) {
            return None;
        }
        let known = self.kinds.len();
        let accepted = self.kinds.of_rows(specs, layouts, routes, (&self.block, rows), slots, text, &mut self.kinds_of_rows);
        // A kind that has come up may want more than those before.
        if known < self.kinds.len() && !self.kinds.take_all(&self.block, rows, slots) {
            self.kinds_of_rows.clear();
            return None;
        }
        Some(accepted)
    }

    /// Reads lines that are all alike; gives how many are.
    fn read_side_by_side(&mut self, text: &str, begin: usize, most: usize) -> usize {
        let wanted = most.min(self.side_by_side);
        let read = self.lockstep.read(&mut self.template, &mut self.block, text.as_bytes(), (begin, wanted), self.max_line);
        if read.is_too_long {
            self.side_by_side = 0;
            return 0;
        }
        // What it costs to find lines that are not alike is to be little of what the others cost.
        if read.rows == wanted {
            self.patience = if wanted == BLOCK { FEW } else { self.patience };
            self.side_by_side = (2 * self.side_by_side).min(BLOCK);
        } else if !read.is_at_end {
            self.side_by_side = 0;
            self.patience = (2 * self.patience).min(BLOCK);
        }
        #[cfg(test)]
        {
            self.lines_side_by_side += read.rows as u64;
        }
        read.rows
    }

    fn fill_one_by_one(&mut self, within: Within<'_>, begin: usize, most: usize, is_plain: bool, watch: Option<&TypeWatch>) -> Passed {
        let bytes = within.text.as_bytes();
        let mut passed = Passed::default();
        let mut are_alike = true;
        for row in 0..most {
            let at = begin + passed.bytes;
            let (line, is_plain, is_other) = match self.template.read(&mut self.block, row, bytes, at) {
                Read::Line(end) => (Line { end, ending: self.template.ending, slots: self.template.slots }, is_plain, false),
                Read::Part { pieces, slots, at } => {
                    are_alike = false;
                    self.path.clear();
                    self.path.extend(self.template.path(pieces));
                    let Some(line) = rest_of_line(within.steps, (&mut self.path, slots), (&mut self.block, row), bytes, at) else { break };
                    (line, false, true)
                }
                Read::Odd => break,
            };
            if !self.accepts(within, row, at, line, is_plain, watch) {
                break;
            }
            passed = Passed { lines: row + 1, bytes: line.end - begin };
            // Whether rows are plain is to be asked again then.
            if is_other && self.note_path(within.steps) {
                break;
            }
            if are_alike && passed.lines == self.patience && self.side_by_side == 0 {
                self.side_by_side = FEW;
                break;
            }
        }
        passed
    }

    /// Whether a line that was read is good for its streams, which are noted where there are several kinds.
    #[inline]
    fn accepts(&mut self, within: Within<'_>, row: usize, at: usize, line: Line, is_plain: bool, watch: Option<&TypeWatch>) -> bool {
        let Within { specs, layouts, routes, text, clock, .. } = within;
        if line.end - line.ending - at > self.max_line {
            return false;
        }
        let has_watched = |watch: &TypeWatch| line.slots >> watch.slot & 1 == 1;
        if let Some(watch) = watch.filter(|watch| has_watched(watch)) {
            let word = TextWord::from_bits(self.block.get(watch.slot, row));
            let is_text = self.texts >> watch.slot & 1 == 1 && !self.block.is_null(watch.slot, row) && word.with_escapes().is_none();
            if !is_text || !word.with(text, |text| watch.knows(text)) {
                return false;
            }
        }
        if is_plain {
            return true;
        }
        let number = self.kinds.kind_of(specs, layouts, routes, (&self.block, row), line.slots, text);
        if !self.kinds.get(number).is_some_and(|kind| kind.takes(&mut self.block, row, line.slots, clock)) {
            return false;
        }
        if !self.kinds.is_one() {
            self.kinds_of_rows.push(number);
        }
        true
    }

    /// Appends the rows of the block to the columns of their streams.
    fn flush(&mut self, within: Within<'_>, lines: usize, out: &mut Decoded) {
        let first = out.next_number;
        out.events += lines as u64;
        if self.kinds.is_one() {
            let streams = self.kinds.get(0).map(|kind| kind.streams.as_slice()).unwrap_or_default();
            if streams.is_empty() {
                out.unrouted += lines as u64;
                return;
            }
            out.next_number += lines as u64;
            for &source in streams {
                let rows = &mut out.sources[source];
                rows.numbers.extend(first..out.next_number);
                within.layouts[source].push_block(within.text, &self.block, Picked::First(lines), within.clock, &mut self.aside, rows);
            }
            return;
        }
        for (source, layout) in within.layouts.iter().enumerate() {
            self.kinds.taken_by(source, &mut self.taken);
            self.rows.resize(lines, (0, 0));
            let (taken, rows) = (self.taken.as_slice(), self.rows.as_mut_slice());
            let (mut count, mut next) = (0usize, first);
            for (row, &kind) in self.kinds_of_rows.iter().enumerate() {
                // Written whether or not it is the stream's: that costs less than to choose.
                let (Some((is_taken, is_routed)), Some(place)) = (taken.get(kind as usize), rows.get_mut(count)) else { continue };
                *place = (row as u32, next);
                count = count.wrapping_add(usize::from(*is_taken));
                next = next.wrapping_add(u64::from(*is_routed));
            }
            self.rows.truncate(count);
            out.next_number = next;
            if !self.rows.is_empty() {
                let rows = &mut out.sources[source];
                rows.numbers.extend(self.rows.iter().map(|(_, number)| number));
                layout.push_block(within.text, &self.block, Picked::These(&self.rows), within.clock, &mut self.aside, rows);
            }
        }
        out.unrouted += lines as u64 - (out.next_number - first);
    }
}

/// The slots whose value may be NULL, whatever the event's streams are.
fn nullable(layouts: &[Layout]) -> u64 {
    layouts.iter().fold(u64::MAX, |bits, layout| bits & layout.plain_nullable())
}

/// The largest integer that a slot may have. Where there are several kinds of events, each row is asked instead.
fn limit_of(kinds: &Kinds) -> impl Fn(u8) -> u64 {
    let kind = kinds.get(0).filter(|_| kinds.is_one());
    move |slot| kind.map_or(u64::MAX, |kind| kind.limit(slot))
}

/// Reads the rest of a line into a row, from behind the value of the last of the steps that it went by so far, if it goes as lines before went;
/// some slots it has already.
#[inline(never)]
fn rest_of_line(
    steps: &[Step],
    (path, mut slots): (&mut Vec<u16>, u64),
    (block, row): (&mut Block, usize),
    bytes: &[u8],
    mut at: usize,
) -> Option<Line> {
    let mut step = steps.get(path.last().map_or(START, |&step| usize::from(step)))?;
    loop {
        let ahead = window(bytes, at)?;
        let mut follower = step.followers[0];
        if !steps[usize::from(follower)].literal.begins(ahead) {
            let others = step.followers[1..].iter().copied();
            follower = others.into_iter().find(|&other| steps[usize::from(other)].literal.begins(ahead))?;
        }
        step = &steps[usize::from(follower)];
        path.push(follower);
        // Positions are within the text, so nothing here overflows.
        at = at.wrapping_add(step.length);
        let ahead = window(bytes, at);
        let (slot, word, length) = match step.to {
            To::Text(slot) => {
                let (bits, length) = match ahead.and_then(|ahead| text(ahead, at)) {
                    Some(found) => found,
                    None => longer_text(bytes, at)?,
                };
                (slot, bits, length)
            }
            To::Integer(slot) => match ahead.and_then(integer) {
                Some((value, length)) => (slot, value.cast_unsigned(), length),
                None if ahead.is_some_and(is_null) => (slot, take_null(block, slot, row)?, 4),
                None => other_integer(bytes, at).map(|(word, length)| (slot, word, length))?,
            },
            To::Float(slot) => match ahead.and_then(float) {
                Some((value, length)) => (slot, value.to_bits(), length),
                None if ahead.is_some_and(is_null) => (slot, take_null(block, slot, row)?, 4),
                None => other_float(bytes, at).map(|(word, length)| (slot, word, length))?,
            },
            To::Null(slot) => (slot, ahead.filter(|ahead| is_null(ahead)).and_then(|_| take_null(block, slot, row))?, 4),
            To::SkipString => {
                at = match ahead.and_then(string) {
                    Some(length) => at.wrapping_add(length),
                    None => rest_of_string(bytes, at)?.0 - 1,
                };
                continue;
            }
            To::Skip => {
                at = match ahead.and_then(number) {
                    Some(length) => at.wrapping_add(length),
                    None => skip(bytes, at, 1)?,
                };
                continue;
            }
            To::End(ending) => return Some(Line { end: at, ending: usize::from(ending), slots }),
            To::Other => return None,
        };
        let bit = 1u64.wrapping_shl(u32::from(slot));
        if slots & bit != 0 {
            return None;
        }
        slots |= bit;
        block.put(slot, row, word)?;
        at = at.wrapping_add(length);
    }
}

/// Makes a value NULL, if it may be, and gives its word.
fn take_null(block: &mut Block, slot: u8, row: usize) -> Option<u64> {
    block.put_null(slot, row).map(|()| 0)
}

/// The word of a text that is no short one, and its length as it is written.
#[inline(never)]
pub(super) fn longer_text(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let plain = window(bytes, at).map_or(0, plain_part);
    let length = if bytes.get(at + plain) == Some(&b'"') {
        plain
    } else {
        let (end, has_escapes) = rest_of_text(bytes, at + plain)?;
        let length = end - 1 - at;
        if has_escapes {
            return Some((TextWord::escaped(at, length).bits(), length));
        }
        length
    };
    // A text has one word: near the end of the chunk a short one comes here, too.
    let word = TextWord::of(bytes.get(at..)?.get(..length)?).unwrap_or(TextWord::place(at, length));
    Some((word.bits(), length))
}

/// An integer of another form.
#[cold]
pub(super) fn other_integer(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    if let Some((value, end)) = plain_integer(bytes, at) {
        return Some((value.cast_unsigned(), end - at));
    }
    let mut token = Token::Missing;
    let end = value(bytes, at, 1, &mut token)?;
    Some((token.integer()?.cast_unsigned(), end - at))
}

/// A number of another form, as the bits of a float.
#[cold]
pub(super) fn other_float(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    if let Some((value, end)) = plain_float(bytes, at) {
        return Some((value.to_bits(), end - at));
    }
    let mut token = Token::Missing;
    let end = value(bytes, at, 1, &mut token)?;
    Some((token.float()?.to_bits(), end - at))
}
