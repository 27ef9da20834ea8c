//! The socket of a circuit, as long as there is one.
//!
//! The circuit's task polls it in both directions; there is no other task. It knows messages of WebSocket and when each was heard or
//! said, and nothing of frames.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use futures_core::Stream;
use futures_util::Sink;
use tokio_tungstenite::tungstenite;

use crate::server::wire::{CloseCode, WireError};

/// What carries messages: axum's `WebSocket`, or what stands for it in a test.
pub(crate) trait Socket:
    Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Send
{
}

impl<S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Send> Socket for S {}

/// The socket of a circuit.
pub(crate) struct Connection {
    socket: Pin<Box<dyn Socket>>,
    /// What is sent before anything else: control frames, pings, and the close. The circuit puts one of each in at a time.
    urgent: VecDeque<Message>,
    is_flushed: bool,
    /// When something was heard last.
    heard: Instant,
    /// Since when the socket has taken nothing, although there is something to send.
    stuck: Option<Instant>,
}

/// Why a socket ended.
#[derive(Debug)]
pub(crate) enum Lost {
    /// It was closed, or broke.
    Gone,
    /// Its messages are not what they must be.
    Broke(WireError),
}

impl Connection {
    pub(crate) fn new(socket: Pin<Box<dyn Socket>>, now: Instant) -> Self {
        Self { socket, urgent: VecDeque::new(), is_flushed: true, heard: now, stuck: None }
    }

    pub(crate) fn into_socket(self) -> Pin<Box<dyn Socket>> {
        self.socket
    }

    /// When something was heard last.
    pub(crate) fn heard(&self) -> Instant {
        self.heard
    }

    /// Since when the socket has taken nothing, although there is something to send.
    pub(crate) fn stuck_since(&self) -> Option<Instant> {
        self.stuck
    }

    /// Sends a message ahead of frames that wait.
    pub(crate) fn send_first(&mut self, message: Bytes) {
        self.urgent.push_back(Message::Binary(message));
    }

    /// Asks for a sign of life. Browsers answer by themselves, also where a page sleeps.
    pub(crate) fn ping(&mut self) {
        self.urgent.push_back(Message::Ping(Bytes::new()));
    }

    /// Closes the socket after what was to be sent first.
    pub(crate) fn close(&mut self, code: CloseCode) {
        self.urgent.push_back(Message::Close(Some(CloseFrame { code: code.into(), reason: Utf8Bytes::default() })));
    }

    /// Sends what was to be sent first, and waits for the other side to close.
    pub(crate) async fn finish(mut self) {
        let sent = poll_fn(|cx| self.poll_send(cx, Instant::now(), || None)).await;
        // What the page still sends is of no interest, and its answer to the close is the end.
        while sent.is_ok() && poll_fn(|cx| self.poll_receive(cx, Instant::now())).await.is_ok() {}
    }

    /// Lets time pass in which nothing was read of the socket on purpose.
    pub(crate) fn excuse(&mut self, now: Instant) {
        self.heard = now;
    }

    /// Receives the next binary message, or none if what has come is a sign of life.
    pub(crate) fn poll_receive(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Result<Option<Bytes>, Lost>> {
        let message = match ready!(self.socket.as_mut().poll_next(cx)) {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Poll::Ready(Err(lost(error))),
            None => return Poll::Ready(Err(Lost::Gone)),
        };
        self.heard = now;
        Poll::Ready(match message {
            Message::Binary(bytes) => Ok(Some(bytes)),
            Message::Text(_) => {
                let what = "A text message has come, and dotwit.v1 has binary ones only.";
                Err(Lost::Broke(WireError::protocol(what)))
            }
            // A page that closes the socket without a goodbye may come back.
            Message::Close(_) => Err(Lost::Gone),
            Message::Ping(_) | Message::Pong(_) => Ok(None),
        })
    }

    /// Sends what waits and what `next` has, and ends when all of it is on its way.
    pub(crate) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
        mut next: impl FnMut() -> Option<Bytes>,
    ) -> Poll<Result<(), Lost>> {
        loop {
            if self.socket.as_mut().poll_ready(cx).map_err(lost)?.is_pending() {
                self.stuck.get_or_insert(now);
                return Poll::Pending;
            }
            let Some(message) = self.urgent.pop_front().or_else(|| next().map(Message::Binary)) else { break };
            self.socket.as_mut().start_send(message).map_err(lost)?;
            self.is_flushed = false;
            self.stuck = None;
        }
        if !self.is_flushed {
            if self.socket.as_mut().poll_flush(cx).map_err(lost)?.is_pending() {
                self.stuck.get_or_insert(now);
                return Poll::Pending;
            }
            self.is_flushed = true;
        }
        self.stuck = None;
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("urgent", &self.urgent.len()).finish_non_exhaustive()
    }
}

/// Tells sockets that broke from those whose messages are wrong.
fn lost(error: axum::Error) -> Lost {
    let error = error.into_inner();
    match error.downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(error)) => {
            Lost::Broke(WireError::too_large(format!("A message of the page is larger than it may be: {error}.")))
        }
        // A client that just goes away breaks the protocol of WebSocket, too, and may come back.
        Some(tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)) => {
            Lost::Gone
        }
        Some(tungstenite::Error::Protocol(error)) => {
            Lost::Broke(WireError::protocol(format!("The page broke the WebSocket protocol: {error}.")))
        }
        Some(tungstenite::Error::Utf8(error)) => Lost::Broke(WireError::protocol(format!(
            "A text message has come that is not UTF-8 ({error}), and dotwit.v1 has binary ones only."
        ))),
        _ => Lost::Gone,
    }
}
