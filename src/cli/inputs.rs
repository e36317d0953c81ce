//! Reading the inputs of a run on a thread of its own, so that an interrupt, or a pause, is seen while nothing comes.
//!
//! The channel holds a few chunks at most: a run that is slower than its input slows the input down.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use betide::connect::Input;

use super::{Failure, INTERRUPTED};

/// Bytes read in one go.
const CHUNK: usize = 256 * 1024;
/// Chunks on the way at most.
const CHUNKS_AHEAD: usize = 4;

/// What the reader tells.
#[derive(Debug)]
pub(crate) enum Message {
    /// The next input begins.
    Begins(String),
    /// Bytes of it.
    Bytes(Vec<u8>),
    /// It is over.
    Ends,
    /// All are over.
    Done,
    /// Reading failed.
    Failed(String),
    /// Ctrl-C.
    Interrupted,
}

/// The messages of a run's inputs.
#[derive(Debug)]
pub(crate) struct Inputs(Receiver<Message>);

impl Inputs {
    /// Starts reading these inputs, one after the other.
    pub(crate) fn open(paths: Vec<String>) -> Result<Self, Failure> {
        // What cannot be opened is told before anything is read.
        let inputs = paths.iter().map(|path| Input::open(path)).collect::<Result<Vec<_>, _>>()?;
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
        std::thread::spawn(move || read_all(inputs, &sender));
        Ok(Self(receiver))
    }

    /// The next message, if there is one now. When all have been taken, the inputs are done.
    pub(crate) fn at_once(&self) -> Option<Message> {
        match self.0.try_recv() {
            Ok(message) => Some(message),
            Err(TryRecvError::Disconnected) => Some(Message::Done),
            Err(TryRecvError::Empty) => None,
        }
    }

    /// The next message, if it comes within this time.
    pub(crate) fn within(&self, time: Duration) -> Option<Message> {
        match self.0.recv_timeout(time) {
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
fn read_all(inputs: Vec<Input>, to: &SyncSender<Message>) {
    for mut input in inputs {
        let name = input.name().to_string();
        if to.send(Message::Begins(name.clone())).is_err() {
            return;
        }
        let mut buffer = vec![0; CHUNK];
        loop {
            match input.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    if to.send(Message::Bytes(buffer[..count].to_vec())).is_err() {
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
