//! One line after the other to the values that are needed, without a general parser.
//!
//! Lines of one kind repeat their keys in the same order. So what stood between two values of an earlier line (`","price":`, with the quotes
//! of the strings around it) is expected there again and compared as a whole, and what to do with the value is known with it: a number of a
//! column of numbers is read as such at once. What has not been seen there is read, looked up and remembered. Values that are not needed are
//! checked and passed over. A line of which anything is not plainly good (escapes in keys, a needed key twice, tabs, an error of any kind) is
//! refused here, and the strict parser has the word.

use ahash::AHashMap;

use super::projection::Projection;
use super::sprint::{WINDOW, sprint};
use super::swar::{byte, plain_float, plain_integer};
use super::token::{Token, rest_of_string, skip, spaces, string, value};

/// What is remembered of keys in all, against inputs in which they never repeat.
const MAX_STEPS: usize = 4096;
/// Longer texts are not remembered.
const MAX_LITERAL: usize = 256;
/// Steps known to follow a step, the latest first.
const FOLLOWERS: usize = 8;
/// Objects within objects that are looked into; paths are rarely deeper.
const MAX_DESCENT: u32 = 16;
/// Lines that may nest less than this are left to the strict parser.
const MAX_DEPTH: usize = 64;

/// What a value of a slot is expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Reading {
    /// A whole number of 64 bits.
    Integer,
    /// A number.
    Float,
    /// Anything: a string, or a value that is read from its text.
    #[default]
    Text,
}

/// What was found in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Found {
    /// There is no such key.
    #[default]
    Missing,
    /// `null`
    Null,
    /// A number of the kind that was expected.
    Number,
    /// A string without escapes.
    Text,
    /// Any other value: all that is known is where its text stands.
    Other,
}

/// A needed value of the line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell {
    /// What it is.
    pub(super) found: Found,
    /// Where its text begins.
    pub(super) begin: usize,
    /// Where its text ends.
    pub(super) end: usize,
    /// The integer, or the bits of the float, where the number is one that was expected.
    pub(super) word: i64,
}

impl Cell {
    /// Its text as it is written.
    pub(super) fn text<'line>(&self, text: &'line str) -> Option<&'line str> {
        if self.found == Found::Missing { None } else { Some(&text[self.begin..self.end]) }
    }

    /// What stands between the quotes of a string.
    #[inline]
    pub(super) fn content<'line>(&self, text: &'line str) -> &'line str {
        &text[self.begin + 1..self.end - 1]
    }
}

/// Where a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LineEnd {
    /// Behind its last byte but for the line end.
    pub(super) content: usize,
    /// Where the next line begins.
    pub(super) next: usize,
}

/// Scans lines; remembers their keys.
#[derive(Debug)]
pub(super) struct Scanner {
    steps: Vec<Step>,
    /// Their numbers by their texts.
    known: AHashMap<Box<[u8]>, u16>,
    /// How the value of each slot is read.
    readings: Vec<Reading>,
    /// Nodes of the projection that this line has had and that have others below them.
    entered: Vec<usize>,
    is_usable: bool,
    /// How often something was learned.
    learned: u64,
}

/// What stands between two values, and what is to be done with the second.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) literal: Literal,
    pub(super) action: Action,
    /// The same for a stretch.
    pub(super) to: To,
    /// The length of the literal.
    pub(super) length: usize,
    /// Zero where there is none.
    pub(super) followers: [u16; FOLLOWERS],
}

/// The step before a line: nothing leads to it.
pub(super) const START: usize = 0;
/// Stands for what has not been remembered: nothing is known to follow it.
const UNKNOWN: usize = 1;

#[derive(Debug, Clone, Copy)]
pub(super) enum Action {
    Skip,
    /// The rest of a string that nobody needs, up to its closing quote.
    SkipString,
    /// The value is needed, as a whole: its slot.
    Take(u32, Reading),
    /// The same, of a string: the rest of it, up to its closing quote.
    TakeString(u32, Reading),
    /// Parts of the value are needed: its node of the projection.
    Enter(u32),
    /// There is none: the line is over. So many bytes are its end.
    End(u8),
}

/// What a stretch does with a value: the slots are below 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    Skip,
    SkipString,
    Text(u8),
    Integer(u8),
    Float(u8),
    /// A `null` where mostly a text is.
    Null(u8),
    End(u8),
    /// Nothing: the value needs a closer look.
    Other,
}

impl To {
    fn of(action: Action) -> Self {
        let small = |slot: u32| u8::try_from(slot).ok().filter(|&slot| slot < 64);
        let (to, slot): (fn(u8) -> Self, u32) = match action {
            Action::Skip => return Self::Skip,
            Action::SkipString => return Self::SkipString,
            Action::End(length) => return Self::End(length),
            Action::Take(slot, Reading::Integer) => (Self::Integer, slot),
            Action::Take(slot, Reading::Float) => (Self::Float, slot),
            Action::TakeString(slot, Reading::Text) => (Self::Text, slot),
            Action::Take(slot, Reading::Text) => (Self::Null, slot),
            Action::TakeString(..) | Action::Enter(_) => return Self::Other,
        };
        small(slot).map_or(Self::Other, to)
    }
}

impl Action {
    /// Whether the value ends before a quote that belongs to what follows.
    fn stops_before_quote(self) -> bool {
        matches!(self, Self::SkipString | Self::TakeString(..))
    }
}

/// What was read where no step was expected.
enum Learned {
    Step { step: usize, action: Action, at: usize },
    End(LineEnd),
}

/// A text to be compared: its first 32 bytes in two pieces.
#[derive(Debug)]
pub(super) struct Literal {
    head: [u128; 2],
    mask: [u128; 2],
    pub(super) text: Box<[u8]>,
}

impl Literal {
    fn new(text: &[u8]) -> Self {
        let (mut head, mut mask) = ([0; 2], [0; 2]);
        for part in 0..2 {
            let (mut bytes, mut ones) = ([0; 16], [0; 16]);
            for (at, &byte) in text.iter().skip(16 * part).take(16).enumerate() {
                (bytes[at], ones[at]) = (byte, 0xff);
            }
            (head[part], mask[part]) = (u128::from_le_bytes(bytes), u128::from_le_bytes(ones));
        }
        Self { head, mask, text: text.into() }
    }

    /// One that no text begins with: a byte of ones is in none.
    fn never() -> Self {
        Self { head: [u128::MAX; 2], mask: [u128::MAX; 2], text: Box::default() }
    }

    /// Whether a window begins with the text; never where it is longer.
    #[inline(always)]
    pub(super) fn begins(&self, window: &[u8; WINDOW]) -> bool {
        let (halves, _) = window.as_chunks::<16>();
        let differs = |part: usize| (u128::from_le_bytes(halves[part]) ^ self.head[part]) & self.mask[part] != 0;
        !differs(0) && (self.text.len() <= 16 || (!differs(1) && self.text.len() <= WINDOW))
    }

    fn stands_at(&self, bytes: &[u8], at: usize) -> bool {
        bytes.get(at..).is_some_and(|rest| rest.starts_with(&self.text))
    }
}

impl Scanner {
    /// A scanner for what the projection needs, with a reading for each slot, of lines that nest at most so deep.
    pub(super) fn new(projection: &Projection, readings: Vec<Reading>, max_depth: usize) -> Self {
        debug_assert_eq!(readings.len(), projection.slots(), "one a slot");
        let unseen = || Step { literal: Literal::never(), action: Action::Skip, to: To::Other, length: 0, followers: [0; FOLLOWERS] };
        // The tokens bound depth by a constant of their own; where less is allowed, the strict parser counts.
        let is_usable = max_depth >= MAX_DEPTH && projection.slot_of(0).is_none();
        Self { steps: vec![unseen(), unseen()], known: AHashMap::new(), readings, entered: Vec::new(), is_usable, learned: 0 }
    }

    /// What is known to follow what.
    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// A number that is another one when something has been learned since.
    pub(super) fn learned(&self) -> u64 {
        self.learned
    }

    /// Scans the line that begins at `at`; `cells` has one cell a slot. Gives its end, and a bit for each of the first 64 slots that has what
    /// is expected of it. `None` leaves the line to the strict parser.
    #[inline]
    pub(super) fn scan(&mut self, projection: &Projection, text: &str, at: usize, cells: &mut [Cell]) -> Option<(LineEnd, u64)> {
        if !self.is_usable {
            return None;
        }
        cells.iter_mut().for_each(|cell| cell.found = Found::Missing);
        self.entered.clear();
        let mut look = Look {
            projection,
            readings: &self.readings,
            entered: std::mem::take(&mut self.entered),
            text,
            cells,
            plain: 0,
            has_learned: false,
        };
        let end = look.follow(&mut self.known, &mut self.steps, at);
        let plain = look.plain;
        self.learned += u64::from(look.has_learned);
        self.entered = look.entered;
        end.map(|end| (end, plain))
    }
}

/// Reads what stands between two values of the line's object, and remembers that it came after `step`, whose value was handled by `before`.
#[cold]
fn read_key(
    known: &mut AHashMap<Box<[u8]>, u16>,
    steps: &mut Vec<Step>,
    look: &Look<'_>,
    begin: usize,
    step: usize,
    before: Action,
) -> Option<Learned> {
    let bytes = look.text.as_bytes();
    let behind = begin + usize::from(step != START && before.stops_before_quote());
    if let Some(end) = end_of_line(bytes, behind, step == START) {
        let ending = u8::try_from(end.next - end.content).expect("a line end has two bytes at most");
        // Without its line end it would be the beginning of others.
        if ending > 0 {
            learn(known, steps, step, &bytes[begin..end.next], Action::End(ending));
        }
        return Some(Learned::End(end));
    }
    let at = spaces(bytes, behind);
    let opening = if step == START { b'{' } else { b',' };
    if byte(bytes, at) != opening {
        return None;
    }
    let (key, mut at) = key(look.text, spaces(bytes, at + 1))?;
    let mut action = look.projection.child(0, key).map_or(Action::Skip, |node| action_of(look.projection, node, look.readings));
    if byte(bytes, at) == b'"' {
        match action {
            Action::Skip => (action, at) = (Action::SkipString, at + 1),
            Action::Take(slot, reading) => (action, at) = (Action::TakeString(slot, reading), at + 1),
            _ => {}
        }
    }
    let step = learn(known, steps, step, &bytes[begin..at], action);
    Some(Learned::Step { step, action, at })
}

/// Remembers what stands between two values, and that it came after `step`; gives its own step.
fn learn(known: &mut AHashMap<Box<[u8]>, u16>, steps: &mut Vec<Step>, step: usize, literal: &[u8], action: Action) -> usize {
    let next = match known.get(literal) {
        Some(&next) => next,
        None if steps.len() == MAX_STEPS || literal.len() > MAX_LITERAL => return UNKNOWN,
        None => {
            let next = u16::try_from(steps.len()).expect("there are at most 4096");
            let to = To::of(action);
            steps.push(Step { literal: Literal::new(literal), action, to, length: literal.len(), followers: [0; FOLLOWERS] });
            known.insert(literal.into(), next);
            next
        }
    };
    if step != UNKNOWN {
        // A text that ends with a quote may begin with another that does not, and has to be tried before it.
        let followers = &mut steps[step].followers;
        let first = if literal.ends_with(b"\"") { 0 } else { followers.iter().position(|&f| f == 0).unwrap_or(FOLLOWERS - 1) };
        followers[first..].rotate_right(1);
        followers[first] = next;
    }
    usize::from(next)
}

/// The step that is known to follow and does.
fn expected(steps: &[Step], step: usize, bytes: &[u8], at: usize) -> Option<usize> {
    let followers = steps[step].followers.iter().map(|&follower| usize::from(follower)).take_while(|&follower| follower != 0);
    followers.into_iter().find(|&follower| steps[follower].literal.stands_at(bytes, at))
}

/// A line that is looked at.
struct Look<'l> {
    projection: &'l Projection,
    readings: &'l [Reading],
    entered: Vec<usize>,
    text: &'l str,
    cells: &'l mut [Cell],
    /// A bit for each of the first 64 slots that has what is expected of it.
    plain: u64,
    has_learned: bool,
}

impl Look<'_> {
    /// Follows a line to its end: as lines before went, as far as it does, and reading what is new.
    #[inline]
    fn follow(&mut self, known: &mut AHashMap<Box<[u8]>, u16>, steps: &mut Vec<Step>, mut at: usize) -> Option<LineEnd> {
        let bytes = self.text.as_bytes();
        let (mut step, mut action) = (START, Action::Skip);
        loop {
            let pause = sprint(steps, self.cells, &mut self.plain, bytes, step, at);
            if pause.step != step {
                (step, action) = (pause.step, steps[pause.step].action);
            }
            at = pause.at;
            if !pause.is_before_value {
                match expected(steps, step, bytes, at) {
                    Some(next) => (step, action, at) = (next, steps[next].action, at + steps[next].literal.text.len()),
                    None => {
                        self.has_learned = true;
                        match read_key(known, steps, self, at, step, action)? {
                            Learned::End(end) => return Some(end),
                            Learned::Step { step: next, action: of_next, at: behind } => (step, action, at) = (next, of_next, behind),
                        }
                    }
                }
            }
            if let Action::End(length) = action {
                return Some(LineEnd { content: at - usize::from(length), next: at });
            }
            at = self.act(action, at)?;
        }
    }

    /// Does with a value what is to be done with it; gives the position behind it, or of its closing quote.
    fn act(&mut self, action: Action, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        match action {
            Action::Skip => skip(bytes, spaces(bytes, at), 1),
            Action::SkipString => Some(rest_of_string(bytes, at)?.0 - 1),
            Action::Take(slot, reading) => self.take(slot as usize, at, 1, reading),
            Action::TakeString(slot, _) => self.take_string(slot as usize, at),
            Action::Enter(node) => self.enter(spaces(bytes, at), node as usize, 1),
            Action::End(_) => None,
        }
    }

    /// A value that is needed; a second one of its key is the strict parser's business.
    #[inline]
    fn take(&mut self, slot: usize, at: usize, depth: u32, reading: Reading) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let plain = match reading {
            Reading::Integer => plain_integer(bytes, at),
            Reading::Float => plain_float(bytes, at).map(|(value, end)| (value.to_bits().cast_signed(), end)),
            Reading::Text => None,
        };
        let Some((word, end)) = plain else { return self.take_any(slot, at, depth, reading) };
        let cell = &mut self.cells[slot];
        if cell.found != Found::Missing {
            return None;
        }
        *cell = Cell { found: Found::Number, begin: at, end, word };
        self.plain |= bit(slot);
        Some(end)
    }

    fn take_any(&mut self, slot: usize, at: usize, depth: u32, reading: Reading) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let begin = spaces(bytes, at);
        let mut token = Token::Missing;
        let end = value(bytes, begin, depth, &mut token)?;
        let word = match reading {
            Reading::Integer => token.integer(),
            Reading::Float => token.float().map(|value| value.to_bits().cast_signed()),
            Reading::Text => None,
        };
        let (found, is_plain) = match token {
            Token::Null => (Found::Null, false),
            Token::Text => (Found::Text, reading == Reading::Text),
            _ => (if word.is_some() { Found::Number } else { Found::Other }, word.is_some()),
        };
        let cell = &mut self.cells[slot];
        if cell.found != Found::Missing {
            return None;
        }
        *cell = Cell { found, begin, end, word: word.unwrap_or_default() };
        self.plain |= if is_plain { bit(slot) } else { 0 };
        Some(end)
    }

    /// A string that is needed, whose opening quote stands before `at`: where its closing quote stands.
    #[inline]
    fn take_string(&mut self, slot: usize, at: usize) -> Option<usize> {
        let (end, has_escapes) = rest_of_string(self.text.as_bytes(), at)?;
        let cell = &mut self.cells[slot];
        if cell.found != Found::Missing {
            return None;
        }
        cell.found = if has_escapes { Found::Other } else { Found::Text };
        (cell.begin, cell.end) = (at - 1, end);
        self.plain |= if has_escapes || self.readings[slot] != Reading::Text { 0 } else { bit(slot) };
        Some(end - 1)
    }

    /// A value of which parts are needed, and perhaps the whole: its end.
    // Recursion: one level a key of a path, at most MAX_DESCENT.
    fn enter(&mut self, begin: usize, node: usize, depth: u32) -> Option<usize> {
        let bytes = self.text.as_bytes();
        if self.entered.contains(&node) || depth > MAX_DESCENT {
            return None;
        }
        self.entered.push(node);
        let slot = self.projection.slot_of(node);
        if byte(bytes, begin) != b'{' {
            return match slot {
                Some(slot) => self.take(slot, begin, depth, self.readings[slot]),
                None => skip(bytes, begin, depth),
            };
        }
        let end = self.members(begin, node, depth + 1)?;
        if let Some(slot) = slot {
            self.cells[slot] = Cell { found: Found::Other, begin, end, word: 0 };
        }
        Some(end)
    }

    /// The members of an object within the line's object.
    fn members(&mut self, begin: usize, node: usize, depth: u32) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = spaces(bytes, begin + 1);
        if byte(bytes, at) == b'}' {
            return Some(at + 1);
        }
        loop {
            let (key, value_at) = key(self.text, at)?;
            at = match self.projection.child(node, key) {
                None => skip(bytes, value_at, depth)?,
                Some(child) => match self.projection.slot_of(child) {
                    Some(slot) if !self.projection.has_children(child) => self.take(slot, value_at, depth, self.readings[slot])?,
                    _ => self.enter(value_at, child, depth)?,
                },
            };
            at = spaces(bytes, at);
            match byte(bytes, at) {
                b',' => at = spaces(bytes, at + 1),
                b'}' => return Some(at + 1),
                _ => return None,
            }
        }
    }
}

/// What is to be done with the value of a node.
fn action_of(projection: &Projection, node: usize, readings: &[Reading]) -> Action {
    let small = |number: usize| u32::try_from(number).expect("a program has less than 2^32 columns");
    match projection.slot_of(node) {
        Some(slot) if !projection.has_children(node) => Action::Take(small(slot), readings[slot]),
        Some(_) | None => Action::Enter(small(node)),
    }
}

/// The bit of a slot; none of one beyond the 64th.
#[inline]
pub(super) fn bit(slot: usize) -> u64 {
    if slot < 64 { 1 << slot } else { 0 }
}

/// A key and where its value begins. Escapes in it are the strict parser's business.
fn key(text: &str, at: usize) -> Option<(&str, usize)> {
    let bytes = text.as_bytes();
    if byte(bytes, at) != b'"' {
        return None;
    }
    let (end, has_escapes) = string(bytes, at)?;
    let colon = spaces(bytes, end);
    (!has_escapes && byte(bytes, colon) == b':').then(|| (&text[at + 1..end - 1], spaces(bytes, colon + 1)))
}

/// The end of the object and of the line; an object without a value where the line has only begun.
#[inline]
fn end_of_line(bytes: &[u8], at: usize, is_start: bool) -> Option<LineEnd> {
    let mut at = spaces(bytes, at);
    if is_start {
        if byte(bytes, at) != b'{' {
            return None;
        }
        at = spaces(bytes, at + 1);
    }
    if byte(bytes, at) != b'}' {
        return None;
    }
    let content = spaces(bytes, at + 1);
    match &bytes[content..] {
        [] => Some(LineEnd { content, next: content }),
        [b'\n', ..] => Some(LineEnd { content, next: content + 1 }),
        [b'\r', b'\n', ..] => Some(LineEnd { content, next: content + 2 }),
        _ => None,
    }
}
