//! Rows made into text and written on a thread of their own, while the next events are read.
//!
//! The channel holds a few portions at most, so a run whose output is slow waits for it, as it does without the thread. What was handed over
//! has been written when [`Writer::flush`] comes back. After an error nothing more is written.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use betide::Lines;

/// Portions on the way at most.
const PORTIONS_AHEAD: usize = 2;

/// See the module.
#[derive(Debug)]
pub(crate) struct Writer {
    orders: SyncSender<Order>,
    /// Nothing once it has been asked how it ended.
    thread: Option<JoinHandle<io::Result<()>>>,
}

#[derive(Debug)]
enum Order {
    Write(Lines),
    /// All that came before is to reach whoever reads it; then this is told.
    Flush(SyncSender<()>),
}

impl Writer {
    /// Begins to write there.
    pub(crate) fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let (orders, to_do) = sync_channel(PORTIONS_AHEAD);
        let thread = std::thread::Builder::new().name("betide writer".to_owned()).spawn(move || work(to, &to_do))?;
        Ok(Self { orders, thread: Some(thread) })
    }

    /// Hands rows over.
    pub(crate) fn write(&mut self, lines: Lines) -> io::Result<()> {
        if lines.is_empty() { Ok(()) } else { self.order(Order::Write(lines)) }
    }

    /// Has all rows reach whoever reads them.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let (done, told) = sync_channel(1);
        self.order(Order::Flush(done))?;
        told.recv().or_else(|_| self.ended())
    }

    fn order(&mut self, order: Order) -> io::Result<()> {
        self.orders.send(order).or_else(|_| self.ended())
    }

    /// Why the thread has ended: it does so only where writing fails.
    fn ended(&mut self) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "nothing is written behind an error");
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => Err(error),
            Some(Err(_)) => Err(io::Error::other("the thread that writes rows panicked: a defect of betide")),
            Some(Ok(Ok(()))) | None => Err(gone()),
        }
    }
}

/// Writes until nobody hands rows over any more, or writing fails.
fn work(mut to: impl Write, orders: &Receiver<Order>) -> io::Result<()> {
    for order in orders {
        match order {
            Order::Write(lines) => {
                lines.write(&mut to)?;
            }
            Order::Flush(done) => {
                to.flush()?;
                // Whoever asked waits for it.
                let _ = done.send(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use betide::Engine;

    use super::*;

    /// Takes so many bytes, and then fails.
    struct Narrow {
        room: usize,
        text: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(io::Error::new(io::ErrorKind::StorageFull, "full"));
            }
            let count = bytes.len().min(self.room);
            self.room -= count;
            self.text.lock().unwrap().extend(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn rows(engine: &mut Engine, number: usize) -> Lines {
        engine.push_json(format!("{{\"n\":{number}}}\n").as_bytes()).unwrap();
        engine.take_lines()
    }

    #[test]
    fn rows_come_in_their_order_and_an_error_is_told() {
        let mut engine = Engine::compile("CREATE STREAM S (n INT); SELECT n FROM S;").unwrap();
        let text = Arc::new(Mutex::new(Vec::new()));
        let mut writer = Writer::start(Narrow { room: usize::MAX, text: text.clone() }).unwrap();
        for number in 0..100 {
            writer.write(rows(&mut engine, number)).unwrap();
        }
        writer.flush().unwrap();
        let expected: String = (0..100).map(|n| format!("{{\"n\":{n}}}\n")).collect();
        assert_eq!(String::from_utf8(text.lock().unwrap().clone()).unwrap(), expected);

        let mut writer = Writer::start(Narrow { room: 10, text }).unwrap();
        let failed = (0..100).find_map(|number| writer.write(rows(&mut engine, number)).and_then(|()| writer.flush()).err());
        assert_eq!(failed.map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
        assert_eq!(writer.flush().unwrap_err().kind(), io::ErrorKind::BrokenPipe, "and nothing is written behind it");
    }
}
