//! Reading the inputs of a run on a thread of its own, so that an interrupt, or a pause, is seen while nothing comes.
//!
//! The channel holds a few chunks at most: a run that is slower than its input slows the input down. Chunks that have been used go back to
//! be filled again, because fresh memory of that size costs as much as reading into it.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::time::Duration;

use betide::codec::Format;
use betide::connect::Input;

use super::{Failure, INTERRUPTED};

/// Bytes read in one go.
pub(crate) const CHUNK: usize = 256 * 1024;
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
    /// How many of its bytes were read; the rest is of earlier ones.
    length: usize,
}

impl Chunk {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

/// The messages of a run's inputs.
#[derive(Debug)]
pub(crate) struct Inputs {
    messages: Receiver<Message>,
    used: Sender<Vec<u8>>,
}

impl Inputs {
    /// Starts reading these inputs, one after the other.
    pub(crate) fn start(inputs: Vec<Input>) -> Result<Self, Failure> {
        let (sender, receiver) = sync_channel(CHUNKS_AHEAD);
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
        let (used, to_fill) = channel();
        std::thread::spawn(move || {
            // A reader that panics must look neither like the end of input nor like a pause.
            if catch_unwind(AssertUnwindSafe(|| read_all(inputs, &sender, &to_fill))).is_err() {
                let _ = sender.send(Message::Failed("the reader of the inputs panicked: a defect of betide".to_owned()));
            }
        });
        Ok(Self { messages: receiver, used })
    }

    /// Gives a chunk back.
    pub(crate) fn give_back(&self, chunk: Chunk) {
        // Where nobody reads any more, nobody needs it.
        let _ = self.used.send(chunk.buffer);
    }

    /// The next message, if there is one now. When all have been taken, the inputs are done.
    pub(crate) fn at_once(&self) -> Option<Message> {
        match self.messages.try_recv() {
            Ok(message) => Some(message),
            Err(TryRecvError::Disconnected) => Some(Message::Done),
            Err(TryRecvError::Empty) => None,
        }
    }

    /// The next message, if it comes within this time.
    pub(crate) fn within(&self, time: Duration) -> Option<Message> {
        match self.messages.recv_timeout(time) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Disconnected) => Some(Message::Done),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }
}

/// The second Ctrl-C: whoever sends it does not want to wait for the rest.
#[allow(clippy::exit, reason = "the run may be stuck in a write that nobody reads; there is no other way to end it")]
fn end_at_once() -> ! {
    std::process::exit(i32::from(INTERRUPTED))
}

/// Reads until all is read, reading fails, or nobody listens any more.
fn read_all(inputs: Vec<Input>, to: &SyncSender<Message>, to_fill: &Receiver<Vec<u8>>) {
    for mut input in inputs {
        let name = input.name().to_string();
        if to.send(Message::Begins(name.clone(), input.format())).is_err() {
            return;
        }
        loop {
            let mut buffer = to_fill.try_recv().unwrap_or_else(|_| vec![0; CHUNK]);
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    if to.send(Message::Bytes(Chunk { buffer, length: count })).is_err() {
                        return;
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let _ = to.send(Message::Failed(format!("cannot read {name}: {error}")));
                    return;
                }
            }
        }
        if to.send(Message::Ends).is_err() {
            return;
        }
    }
    let _ = to.send(Message::Done);
}
