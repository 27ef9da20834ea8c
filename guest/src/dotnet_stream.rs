//! Streams of the guest, which the page reads piece by piece.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Display};
use std::future::poll_fn;
use std::io::{self, Read};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_io::AsyncRead;
use serde::de::Deserializer;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::message;
use crate::objects;
use crate::page::{Piece, page};
use crate::pending::IdMap;
use crate::placeholder;
use crate::reply::method_error;
use crate::task;

const KEY: &str = "__dotNetStream";

/// What stands beside it, if the stream has a content type.
const CONTENT_TYPE_KEY: &str = "__contentType";

/// How many streams may be with the page at once.
pub(crate) const MAX_OPEN: usize = 1_000;

/// How much is read at once from what could give more, however much the page asks for.
const MAX_PIECE: usize = 1 << 20;

/// How often in a row a stream may give nothing before others have their turn.
const MAX_EMPTY: usize = 100;

/// What a stream's bytes come from.
trait Source {
    /// The next bytes: `max` at the most, and none only at the end.
    fn poll_piece(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Piece>;
}

/// A stream that the page has, and what is being done with it.
enum Slot {
    Idle(Box<dyn Source>),
    /// It is on the stack.
    Reading,
    /// A read waits for more.
    Waiting {
        call: u64,
        task: async_task::Task<()>,
    },
}

thread_local! {
    static STREAMS: RefCell<IdMap<Slot>> = RefCell::default();
}

/// Something that the page reads as a stream: what Blazor's `DotNetStreamReference` is.
///
/// It can be a result or an argument, at top level or inside other values, once. The page reads it with `.stream()`,
/// `.arrayBuffer()` or `.blob()`, as fast as it likes: the guest is asked for each piece. When the page has read all or cancels, and
/// when reading fails, what the bytes come from is dropped.
///
/// ```
/// use dotwit::prelude::*;
///
/// /// `const response = new Response(await (await DotNet.invokeMethodAsync('MyApp', 'Numbers', 9)).stream())`
/// #[js_invokable]
/// pub fn numbers(count: u8) -> DotNetStreamReference {
///     DotNetStreamReference::from_bytes((0..count).collect::<Vec<u8>>())
/// }
/// # dotwit::export!("MyApp");
/// # fn main() {}
/// ```
pub struct DotNetStreamReference {
    outgoing: Rc<Outgoing>,
    content_type: Option<String>,
}

/// A stream that has not been sent, or no longer is here.
struct Outgoing {
    source: RefCell<Option<Box<dyn Source>>>,
    /// Whether a message has it, be that on its way or still being written.
    sent: Cell<bool>,
}

impl DotNetStreamReference {
    /// A stream of these bytes.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Rest { bytes: bytes.into(), at: 0 })
    }

    /// A stream of what a reader gives, which should not take long to give it: the page waits.
    pub fn from_reader(reader: impl Read + 'static) -> Self {
        Self::new(FromReader { reader, failed: None })
    }

    /// A stream of what an asynchronous reader gives.
    pub fn from_async_read(reader: impl AsyncRead + 'static) -> Self {
        Self::new(FromAsyncRead { reader: Box::pin(reader), piece: Vec::new(), failed: None })
    }

    /// A stream of the bytes of a stream's items. An item that is an error ends it.
    pub fn from_stream<B, E>(stream: impl Stream<Item = Result<B, E>> + 'static) -> Self
    where
        B: Into<Vec<u8>>,
        E: Display + 'static,
    {
        Self::new(FromStream { stream: Box::pin(stream), rest: Rest { bytes: Vec::new(), at: 0 } })
    }

    /// Says what the bytes are, such as `"image/png"`: the type of the `Blob` that the page's `.blob()` makes of them.
    #[must_use]
    pub fn with_content_type(self, content_type: impl Into<String>) -> Self {
        Self { content_type: Some(content_type.into()), ..self }
    }

    /// How many streams the page has, that it neither has read to their ends nor cancelled.
    pub fn live() -> usize {
        STREAMS.with_borrow(IdMap::len)
    }

    fn new(source: impl Source + 'static) -> Self {
        let source: Box<dyn Source> = Box::new(source);
        let outgoing = Rc::new(Outgoing { source: RefCell::new(Some(source)), sent: Cell::new(false) });
        Self { outgoing, content_type: None }
    }
}

impl fmt::Debug for DotNetStreamReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.outgoing.sent.get() { "sent" } else { "not sent" };
        write!(f, "DotNetStreamReference({state})")
    }
}

impl Serialize for DotNetStreamReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let id = message::write_stream(self)?;
        let Some(content_type) = &self.content_type else { return placeholder::serialize(serializer, KEY, id) };
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(KEY, &id)?;
        map.serialize_entry(CONTENT_TYPE_KEY, content_type)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for DotNetStreamReference {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(message::reading_failure(Error::new(
            ErrorKind::Unsupported,
            "A DotNetStreamReference cannot be received: it is the guest's own, and the page reads it. What the page \
             sends is a JsStreamReference.",
        )))
    }
}

/// A stream's place in a message that is being written. Unless that is sent, the stream stays where it was.
pub(crate) struct Claim {
    id: u64,
    outgoing: Rc<Outgoing>,
}

impl Claim {
    /// Puts a stream into a message that has `others` already.
    pub(crate) fn new(stream: &DotNetStreamReference, others: usize) -> Result<Self, Error> {
        let outgoing = &stream.outgoing;
        if outgoing.sent.get() {
            return Err(Error::new(
                ErrorKind::Failed,
                "A DotNetStreamReference cannot be sent twice: its bytes go to the one who gets it first.",
            ));
        }
        if STREAMS.with_borrow(IdMap::len) + others >= MAX_OPEN {
            return Err(Error::new(
                ErrorKind::TooMany,
                format!("A DotNetStreamReference cannot be sent: {MAX_OPEN} are open, and {MAX_OPEN} is the limit."),
            ));
        }
        outgoing.sent.set(true);
        Ok(Self { id: objects::next_id(), outgoing: Rc::clone(outgoing) })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Hands the stream to the page.
    pub(crate) fn send(&self) {
        if let Some(source) = self.outgoing.source.take() {
            STREAMS.with_borrow_mut(|streams| streams.insert(self.id, Slot::Idle(source)));
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let gone = self.outgoing.source.borrow().is_none();
        self.outgoing.sent.set(gone);
    }
}

/// `streams.read`: the piece where it is there already, else the page's `end-read` follows.
pub(crate) fn read(call: u64, stream: u64, max: u32) -> Option<Piece> {
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    if max == 0 {
        return Some(Err(Error::new(ErrorKind::Protocol, "A read asks for one byte at least.")));
    }
    let mut source = match take(stream) {
        Ok(source) => source,
        Err(error) => return Some(Err(error)),
    };
    // Most pieces are there at once, and then no task is needed. The others are asked for again by a task, with its
    // waker.
    if let Poll::Ready(piece) = source.poll_piece(&mut Context::from_waker(Waker::noop()), max) {
        return Some(put_back(stream, source, piece));
    }
    let task = task::spawn_cancellable(async move {
        let piece = poll_fn(|cx| source.poll_piece(cx, max)).await;
        // Whoever takes the read out of the table ends it.
        if let Some(this) = take_waiting(stream) {
            this.detach();
            let piece = put_back(stream, source, piece);
            page().end_read(call, piece);
        }
    });
    let closed = STREAMS.with_borrow_mut(|streams| match streams.get_mut(&stream) {
        Some(slot) => {
            *slot = Slot::Waiting { call, task };
            None
        }
        None => Some(task),
    });
    closed.map(|_| Err(cancelled()))
}

/// How many reads wait for more.
pub(crate) fn waiting() -> usize {
    STREAMS.with_borrow(|streams| streams.values().filter(|slot| matches!(slot, Slot::Waiting { .. })).count())
}

/// `streams.close`.
pub(crate) fn close(stream: u64) {
    // What is dropped runs code of others, which needs the table.
    match STREAMS.with_borrow_mut(|streams| streams.remove(&stream)) {
        Some(Slot::Waiting { call, task }) => {
            drop(task);
            page().end_read(call, Err(cancelled()));
        }
        slot => drop(slot),
    }
}

/// Takes what a stream's bytes come from out of the table, for a read.
fn take(stream: u64) -> Result<Box<dyn Source>, Error> {
    STREAMS.with_borrow_mut(|streams| {
        let slot = streams.get_mut(&stream).ok_or_else(|| {
            Error::new(
                ErrorKind::NoSuchObject,
                format!("There is no stream with id '{stream}': it was never handed out, or has ended."),
            )
        })?;
        match std::mem::replace(slot, Slot::Reading) {
            Slot::Idle(source) => Ok(source),
            busy => {
                *slot = busy;
                Err(Error::new(ErrorKind::Protocol, format!("Stream {stream} is being read: reads follow each other.")))
            }
        }
    })
}

/// Takes the read that waits out of the table.
fn take_waiting(stream: u64) -> Option<async_task::Task<()>> {
    STREAMS.with_borrow_mut(|streams| {
        let slot = streams.get_mut(&stream)?;
        match std::mem::replace(slot, Slot::Reading) {
            Slot::Waiting { task, .. } => Some(task),
            other => {
                *slot = other;
                None
            }
        }
    })
}

/// Ends a read: the stream goes back into the table unless it has ended. The page may have closed it in the meantime.
fn put_back(stream: u64, source: Box<dyn Source>, piece: Piece) -> Piece {
    let mut source = Some(source);
    let found = STREAMS.with_borrow_mut(|streams| {
        if piece.as_ref().is_ok_and(|piece| !piece.is_empty()) {
            let slot = streams.get_mut(&stream)?;
            *slot = Slot::Idle(source.take()?);
            Some(())
        } else {
            streams.remove(&stream).map(drop)
        }
    });
    match found {
        Some(()) => piece,
        None => Err(cancelled()),
    }
}

fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "The page has closed the stream.")
}

/// Bytes of which the first `at` have been read.
struct Rest {
    bytes: Vec<u8>,
    at: usize,
}

impl Rest {
    /// The next bytes, without a copy where they all fit.
    fn next(&mut self, max: usize) -> Vec<u8> {
        if self.at == 0 && self.bytes.len() <= max {
            return std::mem::take(&mut self.bytes);
        }
        let rest = &self.bytes[self.at..];
        let piece = rest[..rest.len().min(max)].to_vec();
        self.at += piece.len();
        if self.at == self.bytes.len() {
            *self = Self { bytes: Vec::new(), at: 0 };
        }
        piece
    }
}

impl Source for Rest {
    fn poll_piece(&mut self, _: &mut Context<'_>, max: usize) -> Poll<Piece> {
        Poll::Ready(Ok(self.next(max)))
    }
}

struct FromReader<R> {
    reader: R,
    /// The error that came after the last piece.
    failed: Option<io::Error>,
}

impl<R: Read> Source for FromReader<R> {
    fn poll_piece(&mut self, _: &mut Context<'_>, max: usize) -> Poll<Piece> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(method_error(&error)));
        }
        let max = max.min(MAX_PIECE);
        let mut piece = Vec::with_capacity(max);
        let result = self.reader.by_ref().take(max as u64).read_to_end(&mut piece);
        Poll::Ready(match result {
            Err(error) if piece.is_empty() => Err(method_error(&error)),
            result => {
                self.failed = result.err();
                Ok(piece)
            }
        })
    }
}

struct FromAsyncRead<R> {
    reader: Pin<Box<R>>,
    /// Where the next piece is put, kept while there is nothing to put there.
    piece: Vec<u8>,
    /// The error that came after the last piece.
    failed: Option<io::Error>,
}

impl<R: AsyncRead> Source for FromAsyncRead<R> {
    fn poll_piece(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Piece> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(method_error(&error)));
        }
        self.piece.resize(max.min(MAX_PIECE), 0);
        let mut filled = 0;
        while filled < self.piece.len() {
            match self.reader.as_mut().poll_read(cx, &mut self.piece[filled..]) {
                Poll::Ready(Ok(0)) => break,
                Poll::Ready(Ok(count)) => filled += count,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) if filled == 0 => return Poll::Ready(Err(method_error(&error))),
                Poll::Ready(Err(error)) => {
                    self.failed = Some(error);
                    break;
                }
                Poll::Pending if filled == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        self.piece.truncate(filled);
        Poll::Ready(Ok(std::mem::take(&mut self.piece)))
    }
}

struct FromStream<S> {
    stream: Pin<Box<S>>,
    rest: Rest,
}

impl<S, B, E> Source for FromStream<S>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Vec<u8>>,
    E: Display + 'static,
{
    fn poll_piece(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Piece> {
        for _ in 0..MAX_EMPTY {
            if !self.rest.bytes.is_empty() {
                return Poll::Ready(Ok(self.rest.next(max)));
            }
            match self.stream.as_mut().poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Ok(Vec::new())),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(method_error(&error))),
                Poll::Ready(Some(Ok(bytes))) => self.rest = Rest { bytes: bytes.into(), at: 0 },
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
