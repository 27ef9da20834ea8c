//! Streams of the page, which the guest reads in chunks.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use dotwit_wire::Bytes;
use dotwit_wire::limits::MAX_OPEN_STREAMS;
use dotwit_wire::placeholder::{JS_OBJECT, JS_STREAM_LENGTH, Placeholder};
use futures_core::Stream;
use futures_io::AsyncRead;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::codec::KeepAlive;
use crate::error::{Error, ErrorKind};
use crate::message::Chunk;
use crate::page::current::page;
use crate::pending::PendingReply;
use crate::value::cursor::Cursor;
use crate::value::js_object::{JsObjectReference, NULL};

const PLACEHOLDER: Placeholder<u64> =
    Placeholder::new(JS_OBJECT, "DotNet.createJSStreamReference makes a reference of what can be read as a stream")
        .with(JS_STREAM_LENGTH);

/// The limit of Blazor for [`JsStreamReference::open_read_stream`], in bytes. Without a limit a page could fill the guest's
/// memory.
pub const DEFAULT_MAX_ALLOWED_SIZE: u64 = 512_000;

/// How many bytes are asked for at once: enough that the cost of a crossing does not matter, and few enough for a processor's
/// cache.
const CHUNK: u64 = 256 * 1024;

thread_local! {
    static OPEN: Cell<usize> = const { Cell::new(0) };
}

/// A reference to an object of the page that can be read as a stream, such as a file: Blazor's `IJSStreamReference`.
///
/// It is the result of a call that asks for one, or comes inside arguments and results if the page made it with
/// `DotNet.createJSStreamReference`. It is also a [`JsObjectReference`], and to the page it is that object.
///
/// ```no_run
/// use dotwit::prelude::*;
///
/// /// Adds up the bytes of a file.
/// #[js_invokable]
/// pub async fn sum(file: JsStreamReference) -> Result<u64, dotwit::Error> {
///     let mut stream = file.open_read_stream(1 << 30)?;
///     let mut sum = 0;
///     while let Some(chunk) = stream.next_chunk().await {
///         sum += chunk?.iter().copied().map(u64::from).sum::<u64>();
///     }
///     Ok(sum)
/// }
/// # dotwit::export!("MyApp");
/// ```
#[derive(Clone, Debug)]
pub struct JsStreamReference {
    object: JsObjectReference,
    length: u64,
}

impl JsStreamReference {
    /// The number of bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Begins to read. The page sends nothing before the guest asks for it, and can be read more than once. Blazor allows
    /// [`DEFAULT_MAX_ALLOWED_SIZE`] bytes unless told otherwise.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] if there are more than `max_allowed_size` bytes, [`ErrorKind::NoSuchObject`] if the reference was
    /// disposed of, and [`ErrorKind::TooMany`] if too many streams are open.
    pub fn open_read_stream(&self, max_allowed_size: u64) -> Result<JsStream, Error> {
        self.object.id()?;
        if self.length > max_allowed_size {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("The page's stream has {} bytes, and {max_allowed_size} are allowed.", self.length),
            ));
        }
        let open = Open::new()?;
        Ok(JsStream {
            object: self.object.clone(),
            length: self.length,
            offset: 0,
            read: None,
            rest: Cursor::default(),
            failed: None,
            open: Some(open),
        })
    }
}

impl Deref for JsStreamReference {
    type Target = JsObjectReference;

    fn deref(&self) -> &JsObjectReference {
        &self.object
    }
}

impl Serialize for JsStreamReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.object.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsStreamReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StreamVisitor)
    }
}

struct StreamVisitor;

impl<'de> Visitor<'de> for StreamVisitor {
    type Value = JsStreamReference;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("something that the page passed to DotNet.createJSStreamReference")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<JsStreamReference, A::Error> {
        let (id, length) = PLACEHOLDER.visit_map(map)?;
        let object = JsObjectReference::received(id)?;
        Ok(JsStreamReference { object, length: length.ok_or_else(|| PLACEHOLDER.missing(JS_STREAM_LENGTH))? })
    }

    fn visit_unit<E: de::Error>(self) -> Result<JsStreamReference, E> {
        Err(E::custom(NULL))
    }
}

/// Counts a stream that is open.
#[derive(Debug)]
struct Open(());

impl Open {
    fn new() -> Result<Self, Error> {
        if OPEN.get() >= MAX_OPEN_STREAMS {
            return Err(Error::new(
                ErrorKind::TooMany,
                format!(
                    "The page's stream is not opened: {MAX_OPEN_STREAMS} are open, and {MAX_OPEN_STREAMS} is the limit."
                ),
            ));
        }
        OPEN.set(OPEN.get() + 1);
        Ok(Self(()))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // At the thread's end the counter may be gone already.
        let _ = OPEN.try_with(|open| open.set(open.get() - 1));
    }
}

/// The bytes of a [`JsStreamReference`].
///
/// It is an [`AsyncRead`] and a [`Stream`] of [`Bytes`]; [`next_chunk`](Self::next_chunk) and [`read_all`](Self::read_all) do
/// without either trait. The page sends a chunk only when it is asked for. A stream that fails has ended, and dropping a stream
/// ends it.
///
/// # Errors
///
/// Those of the page, [`ErrorKind::Protocol`] if it sends more or less than it was asked for, and
/// [`ErrorKind::NoSuchObject`] if the reference is disposed of in between.
#[derive(Debug)]
pub struct JsStream {
    object: JsObjectReference,
    length: u64,
    /// How many bytes have come.
    offset: u64,
    read: Option<PendingRead>,
    /// What a reader has left of the last chunk.
    rest: Cursor,
    failed: Option<Error>,
    open: Option<Open>,
}

/// A chunk that was asked for.
struct PendingRead {
    reply: PendingReply<Vec<u8>>,
    length: u32,
}

impl JsStream {
    /// The number of bytes in all.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The next bytes, as many as the page sends at once, or `None` at the end.
    pub async fn next_chunk(&mut self) -> Option<Result<Bytes, Error>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// All bytes that are still to come.
    ///
    /// # Errors
    ///
    /// That of the first chunk which fails, and [`ErrorKind::TooLarge`] if the guest has no memory for all bytes.
    pub async fn read_all(mut self) -> Result<Bytes, Error> {
        let mut all = match self.next_chunk().await {
            Some(first) => first?,
            None => return Ok(Bytes::default()),
        };
        let left = usize::try_from(self.length - self.offset);
        if !left.is_ok_and(|left| all.try_reserve_exact(left).is_ok()) {
            let text = format!("The page's stream has {} bytes, and the guest has no room for them.", self.length);
            return Err(Error::new(ErrorKind::TooLarge, text));
        }
        while let Some(chunk) = self.next_chunk().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all)
    }

    /// Asks for the next chunk, unless that is under way, and waits for it. Returns `None` at the end and after a failure.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Chunk>> {
        let mut read = match self.read.take() {
            Some(read) => read,
            None if self.offset == self.length || self.failed.is_some() => {
                self.open = None;
                return Poll::Ready(None);
            }
            None => match self.ask() {
                Ok(read) => read,
                Err(error) => return Poll::Ready(Some(self.fail(error))),
            },
        };
        let Poll::Ready(outcome) = read.reply.poll(cx) else {
            self.read = Some(read);
            return Poll::Pending;
        };
        Poll::Ready(Some(match outcome {
            Ok(chunk) if chunk.len() == read.length as usize => {
                self.offset += u64::from(read.length);
                Ok(chunk)
            }
            Ok(chunk) => {
                let text = format!(
                    "The page sent {} bytes of its stream, from {} on, where it was asked for {}.",
                    chunk.len(),
                    self.offset,
                    read.length
                );
                self.fail(Error::new(ErrorKind::Protocol, text))
            }
            Err(error) => self.fail(error),
        }))
    }

    fn ask(&self) -> Result<PendingRead, Error> {
        let id = self.object.id()?;
        let length = u32::try_from((self.length - self.offset).min(CHUNK)).unwrap_or(u32::MAX);
        let reply = PendingReply::new(KeepAlive::target(self.object.handle().cloned()));
        page().read_js_stream(reply.id(), id, self.offset, length);
        Ok(PendingRead { reply, length })
    }

    fn fail(&mut self, error: Error) -> Chunk {
        self.failed = Some(error.clone());
        self.open = None;
        Err(error)
    }
}

impl fmt::Debug for PendingRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PendingRead({})", self.length)
    }
}

impl Drop for PendingRead {
    fn drop(&mut self) {
        self.reply.give_up();
    }
}

impl Stream for JsStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // What a reader has left, if this is read as both.
        let rest = self.rest.next(usize::MAX);
        if !rest.is_empty() {
            return Poll::Ready(Some(Ok(Bytes(rest))));
        }
        self.poll_chunk(cx).map(|chunk| chunk.map(|chunk| chunk.map(Bytes)))
    }
}

impl AsyncRead for JsStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if self.rest.is_empty() {
            match ready!(self.poll_chunk(cx)) {
                Some(Ok(chunk)) => self.rest = Cursor::new(chunk),
                Some(Err(error)) => return Poll::Ready(Err(error.into())),
                None => return Poll::Ready(self.failed.clone().map_or(Ok(0), |error| Err(error.into()))),
            }
        }
        Poll::Ready(Ok(self.rest.read(buf)))
    }
}
