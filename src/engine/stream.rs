//! The engine between two async streams (feature `tokio`): events in, rows out, and nothing runs unless rows are asked for.
//!
//! The engine itself stays what it is, plain and synchronous: an event is pushed when the stream of rows is polled, so that a slow reader
//! slows the events, and nothing is buffered but the rows that one event made certain.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration as StdDuration;

use futures_core::Stream;
use serde::Serialize;
use tokio::time::{Interval, MissedTickBehavior};

use super::{Engine, Error, OutputRow};

/// How often the clock is looked at while no event comes, for streams with `IDLE AFTER`.
const TICK: StdDuration = StdDuration::from_millis(100);
/// After so many events without a row others get their turn.
const EVENTS_A_TURN: usize = 256;

/// The rows of an engine that takes its events from a stream; see [`Engine::into_stream`].
#[derive(Debug)]
pub struct RowStream<S> {
    engine: Engine,
    events: S,
    rows: VecDeque<OutputRow>,
    ticks: Interval,
    is_over: bool,
}

impl Engine {
    /// Takes all events of a stream, each a value that serialises as a JSON object, and gives the rows as they become certain. The end of
    /// the events is the end of input. An error of the engine ends the stream of rows.
    ///
    /// Must be called inside a tokio runtime with its timer on.
    pub fn into_stream<S, E>(self, events: S) -> RowStream<S>
    where
        S: Stream<Item = E> + Unpin,
        E: Serialize,
    {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        RowStream { engine: self, events, rows: VecDeque::new(), ticks, is_over: false }
    }
}

impl<S> RowStream<S> {
    /// The engine, for its counters and bad events.
    pub fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// Takes what the engine has made certain, or its error, which is the end.
    fn gather(&mut self, done: Result<(), Error>) -> Option<Error> {
        self.rows.extend(self.engine.take_rows());
        done.err().inspect(|_| self.is_over = true)
    }
}

impl<S, E> Stream for RowStream<S>
where
    S: Stream<Item = E> + Unpin,
    E: Serialize,
{
    type Item = Result<OutputRow, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        for _ in 0..EVENTS_A_TURN {
            if let Some(row) = this.rows.pop_front() {
                return Poll::Ready(Some(Ok(row)));
            }
            if this.is_over {
                return Poll::Ready(None);
            }
            let done = match Pin::new(&mut this.events).poll_next(cx) {
                Poll::Ready(Some(event)) => this.engine.push_value(&event),
                Poll::Ready(None) => {
                    this.is_over = true;
                    this.engine.finish()
                }
                Poll::Pending => match this.ticks.poll_tick(cx) {
                    Poll::Ready(_) => this.engine.tick(),
                    Poll::Pending => return Poll::Pending,
                },
            };
            if let Some(error) = this.gather(done) {
                return Poll::Ready(Some(Err(error)));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
