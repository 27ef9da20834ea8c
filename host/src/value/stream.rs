//! Streams from the guest to the page.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use dotwit_wire::Bytes;
use dotwit_wire::placeholder::{CONTENT_TYPE, DOT_NET_STREAM, Placeholder};
use futures_core::Stream;
use serde::{Deserialize, Deserializer, de};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::oneshot;

use crate::engine::effects::{GuestTask, Inbox as _, ReadOutcome};
use crate::error::{Error, ErrorKind};
use crate::session::Session;
use crate::session::core::SessionRef;
use crate::value::{custom_error, take_stream};

/// How much is read at once, in bytes: enough that a crossing costs little in comparison.
const CHUNK: u32 = 64 << 10;

/// A stream of the guest: its `DotNetStreamReference` as a page sees it, in the arguments of a page function or in the result of a
/// method.
///
/// It is pulled, as a [`tokio::io::AsyncRead`] or a [`Stream`] of chunks: the guest is asked for the
/// next chunk when that is polled for, and one chunk at a time lies in the host. Dropping it closes the guest's end. A stream
/// that fails ends with its error, and nothing else fails with it.
///
/// ```
/// use dotwit_host::{DotNetStream, JsObject};
/// use tokio::io::AsyncReadExt as _;
///
/// let window = JsObject::new().async_function("save", |(mut stream,): (DotNetStream,)| async move {
///     let mut text = String::new();
///     stream.read_to_string(&mut text).await?;
///     Ok(text.len())
/// });
/// # let _ = window;
/// ```
pub struct DotNetStream {
    session: SessionRef,
    id: u64,
    state: State,
    content_type: Option<String>,
}

enum State {
    Idle,
    Reading(oneshot::Receiver<ReadOutcome>),
    /// What has been read from the guest, and how much of it by the caller.
    Read(Vec<u8>, usize),
    Ended,
}

impl DotNetStream {
    /// # Errors
    ///
    /// [`ErrorKind::TooMany`]. The stream is closed then.
    pub(crate) fn open(session: SessionRef, id: u64) -> Result<Self, Error> {
        let shared = session.get()?;
        let limit = shared.config.max_streams;
        let open = shared.open_streams.fetch_add(1, Ordering::Relaxed);
        let stream = Self { session, id, state: State::Idle, content_type: None };
        if open >= limit {
            let what = format!("{open} streams of the guest are open, and {limit} is the limit.");
            return Err(Error::new(ErrorKind::TooMany, what));
        }
        Ok(stream)
    }

    /// The type of the bytes, such as `image/png`, if the guest names one.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// Polls for the next chunk. It is none at the end.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Vec<u8>>, Error>> {
        loop {
            let outcome = match &mut self.state {
                State::Idle => match self.session.get() {
                    Ok(session) => {
                        self.state = State::Reading(session.begin_read(self.id, CHUNK));
                        continue;
                    }
                    Err(error) => Err(error),
                },
                State::Reading(outcome) => match self.session.get() {
                    Ok(session) => ready!(session.poll_end(outcome, cx, "read of a stream")),
                    Err(error) => Err(error),
                },
                State::Read(..) => match std::mem::replace(&mut self.state, State::Idle) {
                    State::Read(mut bytes, at) => {
                        bytes.drain(..at);
                        return Poll::Ready(Ok(Some(bytes)));
                    }
                    _ => unreachable!("the state has just been matched"),
                },
                State::Ended => return Poll::Ready(Ok(None)),
            };
            return Poll::Ready(match outcome {
                Ok(bytes) if bytes.is_empty() => {
                    self.end();
                    Ok(None)
                }
                Ok(bytes) if bytes.len() > CHUNK as usize => {
                    self.end();
                    let what = format!(
                        "The guest sent {} bytes of a stream, and at most {CHUNK} were asked for.",
                        bytes.len()
                    );
                    Err(Error::new(ErrorKind::Protocol, what))
                }
                Ok(bytes) => {
                    self.state = State::Idle;
                    Ok(Some(bytes))
                }
                Err(error) => {
                    self.end();
                    Err(error)
                }
            });
        }
    }

    fn end(&mut self) {
        let open = !matches!(std::mem::replace(&mut self.state, State::Ended), State::Ended);
        if let Some(session) = self.session.upgrade().filter(|_| open) {
            session.open_streams.fetch_sub(1, Ordering::Relaxed);
            session.post(GuestTask::Close(self.id));
        }
    }
}

impl Session {
    /// Opens a stream of the guest that a message has named: `{"__dotNetStream": id}`. In typed arguments and results a
    /// [`DotNetStream`] is open already.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMany`] where [`Config::max_streams`](crate::Config::max_streams) are open.
    pub fn open_stream(&self, id: u64) -> Result<DotNetStream, Error> {
        DotNetStream::open(SessionRef::strong(&self.core), id)
    }
}

impl Drop for DotNetStream {
    fn drop(&mut self) {
        self.end();
    }
}

impl Stream for DotNetStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_chunk(cx).map(|chunk| chunk.transpose().map(|chunk| chunk.map(Bytes)))
    }
}

impl AsyncRead for DotNetStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            if let State::Read(bytes, at) = &mut self.state {
                let take = buffer.remaining().min(bytes.len() - *at);
                buffer.put_slice(&bytes[*at..*at + take]);
                *at += take;
                if *at == bytes.len() {
                    self.state = State::Idle;
                }
                return Poll::Ready(Ok(()));
            }
            match ready!(self.poll_chunk(cx)) {
                Ok(Some(bytes)) => self.state = State::Read(bytes, 0),
                Ok(None) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(io::Error::other(error))),
            }
        }
    }
}

impl fmt::Debug for DotNetStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DotNetStream").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for DotNetStream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let placeholder = Placeholder::new(DOT_NET_STREAM, "").with::<String>(CONTENT_TYPE);
        let (id, content_type) = deserializer.deserialize_map(placeholder)?;
        let id = u64::try_from(id).map_err(|_| de::Error::custom(format!("{id} is not the id of a stream")))?;
        let mut stream = Self::open(take_stream(id)?, id).map_err(custom_error)?;
        stream.content_type = content_type;
        Ok(stream)
    }
}
