//! Inputs with letters put back: where a line was bad, the letter's line stands, mended or not, and all others are as they were.
//!
//! Letters stand in their file in the order in which their lines were read, so one look ahead is enough and nothing is held. What cannot be
//! put back is counted: letters of inputs that are not read, those that have only the head of their line, and those out of order.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Input, Letter, Letters};

/// How much of an input is read at once.
const READ: usize = 256 << 10;

/// What has become of the letters so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placed {
    /// Letters that stand where their lines were.
    pub put_back: u64,
    /// Letters that have only the head of their line, so that the input's own line was read.
    pub heads: u64,
    /// Letters that were not wanted.
    pub unwanted: u64,
    /// Letters of inputs that are not read, the name of the first one with them.
    pub elsewhere: (u64, Option<String>),
    /// Records of comma-separated values: where one ends in its input, only its decoder knows.
    pub records: u64,
    /// Letters whose line lies behind: the file's order is not that of the inputs; and the first line of the file for which that is so.
    pub out_of_order: (u64, Option<u64>),
    /// Lines that are no letters: how many, and the first few with what is wrong.
    pub unread: (u64, Vec<(u64, String)>),
}

/// How many lines that are no letters are told one by one.
const UNREAD_TOLD: usize = 10;

/// Puts letters back into the inputs that they are of.
#[derive(Debug, Clone)]
pub struct Mended(Arc<Mutex<Queue>>);

/// Whether a letter is wanted.
type Wanted = Box<dyn Fn(&Letter) -> bool + Send>;

struct Queue {
    letters: Letters<Input>,
    wanted: Wanted,
    /// The inputs that are still to come, the one at hand first.
    inputs: Vec<Arc<str>>,
    next: Option<(u64, Letter)>,
    placed: Placed,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("inputs", &self.inputs).field("placed", &self.placed).finish_non_exhaustive()
    }
}

impl Mended {
    /// The inputs with those letters of the file put back that are wanted.
    pub fn new(letters: Input, wanted: impl Fn(&Letter) -> bool + Send + 'static, inputs: Vec<Input>) -> (Self, Vec<Input>) {
        let name = letters.name().to_string();
        let queue = Queue {
            letters: Letters::new(letters, &name),
            wanted: Box::new(wanted),
            inputs: inputs.iter().map(|input| input.name().clone()).collect(),
            next: None,
            placed: Placed::default(),
        };
        let mended = Self(Arc::new(Mutex::new(queue)));
        let through = |(number, input): (usize, Input)| {
            let queue = mended.clone();
            input.through(|bytes| Splice::new(bytes, queue, number))
        };
        let inputs = inputs.into_iter().enumerate().map(through).collect();
        (mended, inputs)
    }

    /// What became of the letters, when all inputs have been read: what is left is of lines that no input had.
    pub fn finish(&self) -> io::Result<Placed> {
        let mut queue = self.queue();
        while queue.peek()?.is_some() {
            queue.next = None;
            queue.placed.elsewhere.0 += 1;
        }
        Ok(queue.placed.clone())
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// The next letter that can be put back, if any is left.
    fn peek(&mut self) -> io::Result<Option<&(u64, Letter)>> {
        while self.next.is_none() {
            let read = self.letters.next_letter().map_err(|error| io::Error::other(error.to_string()))?;
            let Some((number, letter)) = read else { break };
            let letter = match letter {
                Ok(letter) => letter,
                Err(why) => {
                    self.placed.unread.0 += 1;
                    if self.placed.unread.1.len() < UNREAD_TOLD {
                        self.placed.unread.1.push((number, why));
                    }
                    continue;
                }
            };
            if !(self.wanted)(&letter) {
                self.placed.unwanted += 1;
            } else if !self.inputs.iter().any(|name| **name == *letter.source) {
                self.placed.elsewhere.0 += 1;
                self.placed.elsewhere.1.get_or_insert(letter.source);
            } else if letter.is_only_a_head() {
                self.placed.heads += 1;
            } else if letter.header.is_some() {
                self.placed.records += 1;
            } else {
                self.next = Some((number, letter));
            }
        }
        Ok(self.next.as_ref())
    }

    /// The next letter for the input at hand whose line is this or a later one.
    fn next_line(&mut self, input: usize, from: u64) -> io::Result<Option<u64>> {
        loop {
            let Some((number, letter)) = self.next_of(input)? else { return Ok(None) };
            if letter >= from {
                return Ok(Some(letter));
            }
            self.placed.out_of_order.0 += 1;
            self.placed.out_of_order.1.get_or_insert(number);
            self.next = None;
        }
    }

    /// The number and the line of the next letter, if it is of this input.
    fn next_of(&mut self, input: usize) -> io::Result<Option<(u64, u64)>> {
        let name = self.inputs[input].clone();
        Ok(self.peek()?.filter(|(_, letter)| *letter.source == *name).map(|(number, letter)| (*number, letter.line)))
    }

    /// The bytes of the letter that was looked at, on one line.
    fn take(&mut self) -> Vec<u8> {
        self.placed.put_back += 1;
        self.next.take().map(|(_, letter)| one_line(letter.bytes)).unwrap_or_default()
    }
}

/// An event that somebody has laid out over lines is one line again: outside of texts a tab is as good, and in them neither may stand.
pub fn one_line(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b'\t');
    bytes
}

/// The bytes of one input, with letters in them.
struct Splice {
    bytes: Box<dyn Read + Send>,
    queue: Mended,
    input: usize,
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
    /// The line at `begin`.
    line: u64,
    /// Whether `begin` is where that line begins.
    is_at_beginning: bool,
    /// What is left to give of a letter.
    letter: io::Cursor<Vec<u8>>,
    /// The rest of the line at hand is passed over, for a letter stands in its place.
    is_skipping: bool,
}

impl Splice {
    fn new(bytes: Box<dyn Read + Send>, queue: Mended, input: usize) -> Self {
        let letter = io::Cursor::new(Vec::new());
        Self { bytes, queue, input, buffer: vec![0; READ], begin: 0, end: 0, line: 1, is_at_beginning: true, letter, is_skipping: false }
    }

    fn fill(&mut self) -> io::Result<bool> {
        if self.begin == self.end {
            (self.begin, self.end) = (0, self.bytes.read(&mut self.buffer)?);
        }
        Ok(self.begin < self.end)
    }

    /// How many bytes of the buffer stand before the line `target`, and whether that line begins behind them.
    fn before(&self, target: Option<u64>) -> usize {
        let buffer = &self.buffer[self.begin..self.end];
        let Some(lines) = target.map(|target| target - self.line) else { return buffer.len() };
        let Some(last) = usize::try_from(lines).ok().and_then(|lines| lines.checked_sub(1)) else { return buffer.len() };
        memchr::memchr_iter(b'\n', buffer).nth(last).map_or(buffer.len(), |end| end + 1)
    }

    fn pass(&mut self, count: usize) {
        let passed = &self.buffer[self.begin..self.begin + count];
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.is_at_beginning = passed.last().map_or(self.is_at_beginning, |last| *last == b'\n');
        self.begin += count;
    }
}

impl Read for Splice {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let given = self.letter.read(out)?;
            if given > 0 || out.is_empty() {
                return Ok(given);
            }
            if !self.fill()? {
                return Ok(0);
            }
            if self.is_skipping {
                let buffer = &self.buffer[self.begin..self.end];
                // The line's end stays.
                let end = memchr::memchr(b'\n', buffer);
                self.is_skipping = end.is_none();
                self.begin += end.unwrap_or(buffer.len());
                self.is_at_beginning = false;
                continue;
            }
            let from = if self.is_at_beginning { self.line } else { self.line + 1 };
            let target = self.queue.queue().next_line(self.input, from)?;
            if target == Some(self.line) {
                self.letter = io::Cursor::new(self.queue.queue().take());
                self.is_skipping = true;
                continue;
            }
            let count = self.before(target).min(out.len());
            out[..count].copy_from_slice(&self.buffer[self.begin..self.begin + count]);
            self.pass(count);
            return Ok(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(source: &str, line: u64, event: &str) -> String {
        let event = serde_json::to_string(event).unwrap();
        format!("{{\"source\":\"{source}\",\"line\":{line},\"offset\":0,\"cause\":\"not_json\",\"detail\":\"\",\"event\":{event}}}\n")
    }

    /// Gives a few bytes a read.
    struct Drip(io::Cursor<Vec<u8>>, usize);

    impl Read for Drip {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(out.len());
            self.0.read(&mut out[..most])
        }
    }

    fn mend(letters: &str, inputs: &[(&'static str, &str)], step: usize) -> (Vec<String>, Placed) {
        let drip = |text: &str| Drip(io::Cursor::new(text.as_bytes().to_vec()), step);
        let inputs = inputs.iter().map(|(name, text)| Input::new(name, drip(text))).collect();
        let (mended, inputs) = Mended::new(Input::new("bad", drip(letters)), |letter| letter.detail.is_empty(), inputs);
        let read = inputs.into_iter().map(|mut input| {
            let mut text = Vec::new();
            let mut buffer = vec![0; step];
            loop {
                match input.read(&mut buffer).unwrap() {
                    0 => break String::from_utf8(text).unwrap(),
                    count => text.extend_from_slice(&buffer[..count]),
                }
            }
        });
        (read.collect(), mended.finish().unwrap())
    }

    #[test]
    fn letters_stand_where_their_lines_were_however_bytes_come() {
        let letters = letter("a", 1, "ONE") + &letter("a", 3, "") + &letter("x", 1, "-") + &letter("b", 2, "T\nWO");
        let inputs = [("a", "one\r\ntwo\nthree\nfour\n"), ("b", "1\n2")];
        for step in [1, 2, 3, 7, 1000] {
            let (texts, placed) = mend(&letters, &inputs, step);
            assert_eq!(texts, ["ONE\ntwo\n\nfour\n", "1\nT\tWO"], "{step} bytes a read");
            assert_eq!((placed.put_back, placed.elsewhere), (3, (1, Some("x".to_owned()))));
        }
    }

    #[test]
    fn what_cannot_be_put_back_is_counted() {
        let letters = letter("a", 2, "TWO") + &letter("a", 1, "ONE") + "nonsense\n" + &letter("a", 9, "NINE");
        let (texts, placed) = mend(&letters, &[("a", "1\n2\n3\n")], 5);
        assert_eq!(texts, ["1\nTWO\n3\n"]);
        assert_eq!((placed.out_of_order, placed.elsewhere.0, placed.unread.0), ((1, Some(2)), 1, 1));
    }
}
