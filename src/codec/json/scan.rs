//! One line after the other to the tokens of the values that are needed, without a general parser.
//!
//! Lines of one kind repeat their keys in the same order. So what stood between two values of an earlier line (`,"price":`) is expected
//! there again and compared as a whole, and whether the value is needed is known with it; what has not been seen there is read, looked up
//! and remembered. Values that are not needed are checked and passed over. A line of which anything is not plainly good (escapes in
//! keys, a needed key twice, tabs, an error of any kind) is refused here, and the strict parser has the word.

use ahash::AHashMap;

use super::projection::Projection;
use super::token::{Token, byte, skip, spaces, string, value};

/// What is remembered of keys in all, against inputs in which they never repeat.
const MAX_STEPS: usize = 1024;
/// Longer texts are not remembered.
const MAX_LITERAL: usize = 256;
/// Steps known to follow a step, the latest first.
const FOLLOWERS: usize = 4;
/// Objects within objects that are looked into; paths are rarely deeper.
const MAX_DESCENT: u32 = 16;
/// Lines that may nest less than this are left to the strict parser.
const MAX_DEPTH: usize = 64;

/// A needed value of the line.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cell {
    /// What it is.
    pub(super) token: Token,
    /// Where its text begins.
    pub(super) begin: usize,
    /// Where its text ends.
    pub(super) end: usize,
}

impl Cell {
    /// Its text as it is written.
    pub(super) fn text<'line>(&self, text: &'line str) -> Option<&'line str> {
        if self.token == Token::Missing { None } else { Some(&text[self.begin..self.end]) }
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
    /// Nodes of the projection that this line has had and that have others below them.
    entered: Vec<usize>,
    is_usable: bool,
}

/// What stands between two values, and what is to be done with the second.
#[derive(Debug)]
struct Step {
    literal: Literal,
    action: Action,
    /// Zero where there is none.
    followers: [u16; FOLLOWERS],
}

/// The step before a line: nothing leads to it.
const START: usize = 0;
/// Stands for what has not been remembered: nothing is known to follow it.
const UNKNOWN: usize = 1;

#[derive(Debug, Clone, Copy)]
enum Action {
    Skip,
    /// The value is needed, as a whole: its slot.
    Take(usize),
    /// Parts of the value are needed: its node of the projection.
    Enter(usize),
}

/// A text to be compared: its first sixteen bytes in one go.
#[derive(Debug, Default)]
struct Literal {
    head: u128,
    mask: u128,
    text: Box<[u8]>,
}

impl Literal {
    fn new(text: &[u8]) -> Self {
        let mut head = [0; 16];
        let mut mask = [0; 16];
        for (at, &byte) in text.iter().take(16).enumerate() {
            (head[at], mask[at]) = (byte, 0xff);
        }
        Self { head: u128::from_le_bytes(head), mask: u128::from_le_bytes(mask), text: text.into() }
    }

    #[inline]
    fn stands_at(&self, bytes: &[u8], at: usize) -> bool {
        match bytes.get(at..).and_then(<[u8]>::first_chunk) {
            Some(sixteen) => {
                (u128::from_le_bytes(*sixteen) ^ self.head) & self.mask == 0
                    && (self.text.len() <= 16 || bytes[at + 16..].starts_with(&self.text[16..]))
            }
            None => bytes[at..].starts_with(&self.text),
        }
    }
}

impl Scanner {
    /// A scanner for what the projection needs, of lines that nest at most so deep.
    pub(super) fn new(projection: &Projection, max_depth: usize) -> Self {
        let unseen = || Step { literal: Literal::default(), action: Action::Skip, followers: [0; FOLLOWERS] };
        // The tokens bound depth by a constant of their own; where less is allowed, the strict parser counts.
        let is_usable = max_depth >= MAX_DEPTH && projection.slot_of(0).is_none();
        Self { steps: vec![unseen(), unseen()], known: AHashMap::new(), entered: Vec::new(), is_usable }
    }

    /// Scans the line that begins at `at`; `cells` has one cell a slot. `None` leaves the line to the strict parser.
    #[inline]
    pub(super) fn scan(&mut self, projection: &Projection, text: &str, mut at: usize, cells: &mut [Cell]) -> Option<LineEnd> {
        if !self.is_usable {
            return None;
        }
        cells.iter_mut().for_each(|cell| cell.token = Token::Missing);
        self.entered.clear();
        let bytes = text.as_bytes();
        let mut step = START;
        loop {
            let action;
            (step, action, at) = match self.expected(step, bytes, at) {
                Some(next) => (next, self.steps[next].action, at + self.steps[next].literal.text.len()),
                None => match end_of_line(bytes, at, step == START) {
                    Some(end) => return Some(end),
                    None => self.read_key(projection, text, at, step)?,
                },
            };
            at = match action {
                Action::Skip => skip(bytes, spaces(bytes, at), 1)?,
                Action::Take(slot) => take(text, spaces(bytes, at), 1, &mut cells[slot])?,
                Action::Enter(node) => self.enter(projection, text, spaces(bytes, at), node, 1, cells)?,
            };
        }
    }

    /// The step that is known to follow and does.
    #[inline]
    fn expected(&self, step: usize, bytes: &[u8], at: usize) -> Option<usize> {
        for follower in self.steps[step].followers {
            if follower == 0 {
                return None;
            }
            if self.steps[usize::from(follower)].literal.stands_at(bytes, at) {
                return Some(usize::from(follower));
            }
        }
        None
    }

    /// Reads what stands between two values of the line's object, and remembers that it came after `step`.
    #[cold]
    fn read_key(&mut self, projection: &Projection, text: &str, begin: usize, step: usize) -> Option<(usize, Action, usize)> {
        let bytes = text.as_bytes();
        let at = spaces(bytes, begin);
        let opening = if step == START { b'{' } else { b',' };
        if byte(bytes, at) != opening {
            return None;
        }
        let (key, at) = key(text, spaces(bytes, at + 1))?;
        let action = projection.child(0, key).map_or(Action::Skip, |node| action_of(projection, node));
        let literal = &bytes[begin..at];
        let next = match self.known.get(literal) {
            Some(&next) => next,
            None if self.steps.len() == MAX_STEPS || literal.len() > MAX_LITERAL => return Some((UNKNOWN, action, at)),
            None => {
                let next = u16::try_from(self.steps.len()).expect("there are at most 1024");
                self.steps.push(Step { literal: Literal::new(literal), action, followers: [0; FOLLOWERS] });
                self.known.insert(literal.into(), next);
                next
            }
        };
        if step != UNKNOWN {
            let followers = &mut self.steps[step].followers;
            followers.rotate_right(1);
            followers[0] = next;
        }
        Some((usize::from(next), action, at))
    }

    /// A value of which parts are needed, and perhaps the whole: its end.
    // Recursion: one level a key of a path, at most MAX_DESCENT.
    fn enter(&mut self, projection: &Projection, text: &str, begin: usize, node: usize, depth: u32, cells: &mut [Cell]) -> Option<usize> {
        let bytes = text.as_bytes();
        if self.entered.contains(&node) || depth > MAX_DESCENT {
            return None;
        }
        self.entered.push(node);
        let mut token = Token::Nested;
        let end = if byte(bytes, begin) == b'{' {
            self.members(projection, text, begin, node, depth + 1, cells)?
        } else {
            value(bytes, begin, depth, &mut token)?
        };
        if let Some(slot) = projection.slot_of(node) {
            cells[slot] = Cell { token, begin, end };
        }
        Some(end)
    }

    /// The members of an object within the line's object.
    fn members(&mut self, projection: &Projection, text: &str, begin: usize, node: usize, depth: u32, cells: &mut [Cell]) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut at = spaces(bytes, begin + 1);
        if byte(bytes, at) == b'}' {
            return Some(at + 1);
        }
        loop {
            let (key, value_at) = key(text, at)?;
            at = match projection.child(node, key).map_or(Action::Skip, |node| action_of(projection, node)) {
                Action::Skip => skip(bytes, value_at, depth)?,
                Action::Take(slot) => take(text, value_at, depth, &mut cells[slot])?,
                Action::Enter(node) => self.enter(projection, text, value_at, node, depth, cells)?,
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
fn action_of(projection: &Projection, node: usize) -> Action {
    match projection.slot_of(node) {
        Some(slot) if !projection.has_children(node) => Action::Take(slot),
        Some(_) | None => Action::Enter(node),
    }
}

/// A value that is needed; a second one of its key is the strict parser's business.
#[inline]
fn take(text: &str, begin: usize, depth: u32, cell: &mut Cell) -> Option<usize> {
    if cell.token != Token::Missing {
        return None;
    }
    cell.begin = begin;
    cell.end = value(text.as_bytes(), begin, depth, &mut cell.token)?;
    Some(cell.end)
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
