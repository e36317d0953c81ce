//! Reading the inputs of a run.
//!
//! A plain file is read where its bytes are needed, into one buffer that stays in the nearest caches. So is a pipe, once it is known that
//! something can be read: an interrupt, or a pause, is seen while nothing comes, and between an event and its row no other thread is woken.
//! What has to be unpacked, or cannot be waited for, is read on a thread of its own. The channel holds a few chunks at most: a run that is
//! slower than its input slows the input down. Chunks that have been used go back to be filled again, because fresh memory of that size costs
//! as much as reading into it.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::time::Duration;

use betide::codec::Format;
use betide::connect::Input;

use super::wakeful::Wakeful;
use super::{Failure, INTERRUPTED};

/// Bytes read in one go at most.
pub(crate) const CHUNK: usize = 256 * 1024;
/// Bytes of a plain file read in one go: half of a small second-level cache.
const CHUNK_AT_HAND: usize = 128 * 1024;
/// Where bytes are read to begins at a multiple of this: of some processors (AMD's Zen 3) the kernel's copy is four times slower where it begins
/// 16 bytes behind one, as large blocks of glibc's allocator do.
const ALIGNED: usize = 64;
/// Chunks on the way at most.
const CHUNKS_AHEAD: usize = 4;

/// What the reader tells.
#[derive(Debug)]
pub(crate) enum Message {
    /// The next input begins.
    Begins(String, Format),
    /// Bytes of it.
    Bytes(Chunk),
    /// It is over.
    Ends,
    /// All are over.
    Done,
    /// Reading failed.
    Failed(String),
    /// Ctrl-C.
    Interrupted,
}

/// Bytes that have been read.
#[derive(Debug)]
pub(crate) struct Chunk {
    buffer: Vec<u8>,
    /// Which of its bytes were read; the rest is of earlier ones, or of none.
    read: Range<usize>,
}

impl Chunk {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.read.clone()]
    }
}

/// The inputs of a run, one after the other.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// Those that have not begun.
    rest: VecDeque<Input>,
    at: At,
    /// From the thread that reads, and of interrupts.
    messages: Receiver<Message>,
    sender: SyncSender<Message>,
}

/// Where the bytes of the input at hand come from.
#[derive(Debug)]
enum At {
    /// No input has begun, or the last one is over.
    Nothing,
    /// They are read when they are asked for.
    Here { input: Input, spare: Vec<u8> },
    /// The same, once there are any.
    Waited { input: Input, spare: Vec<u8>, wakeful: Wakeful },
    /// A thread reads them ahead; what has been used goes back to it.
    Ahead { used: Sender<Vec<u8>> },
}

impl Inputs {
    /// Reads these inputs, one after the other, and listens for interrupts.
    pub(crate) fn start(inputs: Vec<Input>) -> Result<Self, Failure> {
        let (sender, messages) = sync_channel(CHUNKS_AHEAD);
        let interrupts = sender.clone();
        let mut is_draining = false;
        let handler = move || {
            if std::mem::replace(&mut is_draining, true) {
                end_at_once();
            }
            // Sent by a thread of its own: while the channel is full, the next Ctrl-C must still be heard.
            let interrupts = interrupts.clone();
            std::thread::spawn(move || {
                let _ = interrupts.send(Message::Interrupted);
            });
        };
        ctrlc::set_handler(handler).map_err(|error| Failure::outside(format!("cannot listen for interrupts: {error}")))?;
        Ok(Self { rest: inputs.into(), at: At::Nothing, messages, sender })
    }

    /// Gives a chunk back.
    pub(crate) fn give_back(&mut self, chunk: Chunk) {
        match &mut self.at {
            At::Nothing => {}
            At::Here { spare, .. } | At::Waited { spare, .. } => *spare = chunk.buffer,
            // Where nobody reads any more, nobody needs it.
            At::Ahead { used } => drop(used.send(chunk.buffer)),
        }
    }

    /// The next message, if there is one now. When all have been taken, the inputs are done.
    pub(crate) fn at_once(&mut self) -> Option<Message> {
        match self.messages.try_recv() {
            Ok(message) => Some(self.noted(message)),
            Err(TryRecvError::Disconnected) => Some(Message::Done),
            Err(TryRecvError::Empty) => match &mut self.at {
                At::Ahead { .. } => None,
                At::Waited { .. } => self.read_waited(Duration::ZERO),
                At::Here { input, spare } => {
                    let message = read(input, std::mem::take(spare), CHUNK_AT_HAND);
                    Some(self.noted(message))
                }
                At::Nothing => Some(self.begin_next()),
            },
        }
    }

    /// The next message, if it comes within this time. An interrupt may be seen only behind it.
    pub(crate) fn within(&mut self, time: Duration) -> Option<Message> {
        if matches!(self.at, At::Waited { .. }) {
            return self.read_waited(time).or_else(|| self.messages.try_recv().ok());
        }
        match self.messages.recv_timeout(time) {
            Ok(message) => Some(self.noted(message)),
            Err(RecvTimeoutError::Disconnected) => Some(Message::Done),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }

    /// Reads what is waited for, if there is anything within this time. Where it turns out to be compressed, a thread goes on.
    fn read_waited(&mut self, time: Duration) -> Option<Message> {
        let At::Waited { input, spare, wakeful } = &mut self.at else { return None };
        if !wakeful.wait(time, |time| is_ready(input, time)) {
            return None;
        }
        if let Err(error) = input.look() {
            return Some(failed(input, &error));
        }
        if input.source().is_some() {
            let message = read(input, std::mem::take(spare), CHUNK);
            if let Message::Bytes(chunk) = &message {
                wakeful.has_read(chunk.read.len());
            }
            return Some(self.noted(message));
        }
        if let At::Waited { input, .. } = std::mem::replace(&mut self.at, At::Nothing) {
            self.at = At::Ahead { used: self.read_ahead(input) };
        }
        None
    }

    fn noted(&mut self, message: Message) -> Message {
        if matches!(message, Message::Ends) {
            self.at = At::Nothing;
        }
        message
    }

    fn begin_next(&mut self) -> Message {
        let Some(input) = self.rest.pop_front() else { return Message::Done };
        let begins = Message::Begins(input.name().to_string(), input.format());
        self.at = match input.source() {
            _ if input.is_at_hand() => At::Here { input, spare: Vec::new() },
            Some(_) if CAN_WAIT => At::Waited { input, spare: Vec::new(), wakeful: Wakeful::new() },
            Some(_) | None => At::Ahead { used: self.read_ahead(input) },
        };
        begins
    }

    fn read_ahead(&self, input: Input) -> Sender<Vec<u8>> {
        let (used, to_fill) = channel();
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            // A reader that panics must look neither like the end of input nor like a pause.
            if catch_unwind(AssertUnwindSafe(|| read_all(input, &sender, &to_fill))).is_err() {
                let _ = sender.send(Message::Failed("the reader of the inputs panicked: a defect of betide".to_owned()));
            }
        });
        used
    }
}

/// The second Ctrl-C: whoever sends it does not want to wait for the rest.
#[allow(clippy::exit, reason = "the run may be stuck in a write that nobody reads; there is no other way to end it")]
fn end_at_once() -> ! {
    std::process::exit(i32::from(INTERRUPTED))
}

/// Reads until all is read, reading fails, or nobody listens any more.
fn read_all(mut input: Input, to: &SyncSender<Message>, to_fill: &Receiver<Vec<u8>>) {
    loop {
        let message = read(&mut input, to_fill.try_recv().unwrap_or_default(), CHUNK);
        let is_last = !matches!(message, Message::Bytes(_));
        if to.send(message).is_err() || is_last {
            return;
        }
    }
}

/// Reads once, into a buffer of this size that may have been used before.
fn read(input: &mut Input, mut buffer: Vec<u8>, size: usize) -> Message {
    buffer.resize(size + ALIGNED, 0);
    let begin = buffer.as_ptr().align_offset(ALIGNED).min(ALIGNED);
    loop {
        return match input.read(&mut buffer[begin..begin + size]) {
            Ok(0) => Message::Ends,
            Ok(length) => Message::Bytes(Chunk { buffer, read: begin..begin + length }),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => failed(input, &error),
        };
    }
}

fn failed(input: &Input, error: &std::io::Error) -> Message {
    Message::Failed(format!("cannot read {}: {error}", input.name()))
}

const CAN_WAIT: bool = cfg!(unix);

/// Whether a read of what is waited for would not wait, now or within this time.
#[cfg(unix)]
fn is_ready(input: &Input, time: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let (Some(source), Ok(time)) = (input.source(), Timespec::try_from(time)) else { return true };
    match poll(&mut [PollFd::new(source, PollFlags::IN)], Some(&time)) {
        Ok(count) => count > 0,
        // Whatever else is wrong, reading tells.
        Err(error) => error != rustix::io::Errno::INTR,
    }
}

#[cfg(not(unix))]
fn is_ready(_: &Input, _: Duration) -> bool {
    true
}
