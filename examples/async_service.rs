//! betide in an async service: events from a channel, alerts as a stream. `cargo run --features tokio --example async_service`

use std::error::Error;
use std::future::poll_fn;
use std::io::{Write, stdout};
use std::pin::Pin;
use std::task::{Context, Poll};

use betide::Engine;
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{Receiver, channel};

#[derive(Serialize)]
struct Login {
    user: &'static str,
    ok: bool,
    at: i64,
}

#[derive(Deserialize)]
struct Guessed {
    user: String,
    fails: u32,
}

/// A channel's end as a stream.
struct Events(Receiver<Login>);

impl Stream for Events {
    type Item = Login;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Login>> {
        self.0.poll_recv(cx)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let program = "
        CREATE STREAM Login (user STRING, ok BOOL, at TIMESTAMP(s)) TIMESTAMP BY at;
        SELECT s.user, COUNT(fail) AS fails
        FROM PATTERN (Login[NOT ok] fail{3,} -> Login[ok] s) PARTITION BY user
        WITHIN 1 minute AFTER MATCH SKIP PAST LAST EVENT;";
    let (send, receive) = channel(16);
    tokio::spawn(async move {
        for (user, ok, at) in [("ann", false, 1), ("bob", true, 2), ("ann", false, 3), ("ann", false, 5), ("ann", true, 8)] {
            if send.send(Login { user, ok, at }).await.is_err() {
                break;
            }
        }
    });
    let mut alerts = Engine::compile(program)?.into_stream(Events(receive));
    while let Some(row) = poll_fn(|cx| Pin::new(&mut alerts).poll_next(cx)).await {
        let Guessed { user, fails } = row?.deserialize()?;
        writeln!(stdout(), "{user} got in after {fails} failures")?;
    }
    writeln!(stdout(), "{} events", alerts.engine().stats().events)?;
    Ok(())
}
