//! Streams both ways. What the guest sends is a pattern that a page can check: byte `i` is `i % 251`.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use dotwit::prelude::*;
use dotwit::{DEFAULT_MAX_ALLOWED_SIZE, Error, ErrorKind, JsStream};
use futures_core::Stream;
use futures_io::AsyncRead;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const PERIOD: u64 = 251;

/// Fills `bytes` with the pattern from `offset` on.
fn fill(offset: u64, bytes: &mut [u8]) {
    let first = bytes.len().min(PERIOD as usize);
    for (byte, at) in bytes[..first].iter_mut().zip(offset..) {
        *byte = (at % PERIOD) as u8;
    }
    let mut filled = first;
    while filled < bytes.len() {
        let count = filled.min(bytes.len() - filled);
        bytes.copy_within(..count, filled);
        filled += count;
    }
}

/// What a stream held.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    length: u64,
    sum: u64,
    /// FNV-1a over all bytes.
    hash: String,
    pieces: u64,
    /// Whether it was the pattern.
    is_pattern: bool,
}

/// How much is allowed when a page says nothing.
fn limit(max: Option<u64>) -> u64 {
    max.unwrap_or(DEFAULT_MAX_ALLOWED_SIZE)
}

async fn digest(mut stream: JsStream) -> Result<Digest, Error> {
    let mut digest = Digest { is_pattern: true, ..Digest::default() };
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut expected = Vec::new();
    while let Some(piece) = stream.next_chunk().await {
        let piece = piece?;
        expected.resize(piece.len(), 0);
        fill(digest.length, &mut expected);
        digest.is_pattern &= expected == **piece;
        digest.length += piece.len() as u64;
        digest.pieces += 1;
        for byte in piece.iter() {
            digest.sum += u64::from(*byte);
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    digest.hash = format!("{hash:016x}");
    Ok(digest)
}

/// What a stream of the page holds.
#[js_invokable]
pub async fn digest_stream(stream: JsStreamReference, max: Option<u64>) -> Result<Digest, Error> {
    digest(stream.open_read_stream(limit(max))?).await
}

/// The length that a stream of the page says it has.
#[js_invokable]
pub fn stream_length(stream: JsStreamReference) -> u64 {
    stream.length()
}

/// Reads a stream of the page to its end and looks at nothing. Returns its length.
#[js_invokable]
pub async fn drain_stream(stream: JsStreamReference) -> Result<u64, Error> {
    let mut stream = stream.open_read_stream(u64::MAX)?;
    let mut length = 0;
    while let Some(piece) = stream.next_chunk().await {
        length += piece?.len() as u64;
    }
    Ok(length)
}

/// All bytes of a stream of the page.
#[js_invokable]
pub async fn read_stream(stream: JsStreamReference, max: Option<u64>) -> Result<Bytes, Error> {
    stream.open_read_stream(limit(max))?.read_all().await
}

/// All bytes of a stream of the page, read through a buffer of this size.
#[js_invokable]
pub async fn read_stream_through(stream: JsStreamReference, size: usize) -> Result<Bytes, Error> {
    let mut stream = stream.open_read_stream(u64::MAX)?;
    let mut all = Vec::new();
    let mut buffer = vec![0; size];
    loop {
        let read = std::future::poll_fn(|cx| Pin::new(&mut stream).poll_read(cx, &mut buffer)).await;
        match read.map_err(|error| Error::new(ErrorKind::Failed, error.to_string()))? {
            0 => return Ok(all.into()),
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Reads some chunks of a stream of the page and drops it. Returns how many bytes that were.
#[js_invokable]
pub async fn read_pieces_and_drop(stream: JsStreamReference, pieces: u32) -> Result<u64, Error> {
    let mut stream = stream.open_read_stream(u64::MAX)?;
    let mut length = 0;
    for _ in 0..pieces {
        let Some(piece) = stream.next_chunk().await else { break };
        length += piece?.len() as u64;
    }
    Ok(length)
}

/// Begins to read a stream of the page and stops before the first chunk has come.
#[js_invokable]
pub async fn drop_stream_while_reading(stream: JsStreamReference) -> Result<bool, Error> {
    let mut stream = stream.open_read_stream(u64::MAX)?;
    let mut next = std::pin::pin!(stream.next_chunk());
    Ok(std::future::poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx).is_ready())).await)
}

/// Reads two streams of the page by turns. Returns the lengths.
#[js_invokable]
pub async fn read_two_streams(one: JsStreamReference, other: JsStreamReference) -> Result<(u64, u64), Error> {
    let mut streams = [one.open_read_stream(u64::MAX)?, other.open_read_stream(u64::MAX)?];
    let mut lengths = [0; 2];
    loop {
        let mut read = false;
        for (stream, length) in streams.iter_mut().zip(&mut lengths) {
            if let Some(piece) = stream.next_chunk().await {
                *length += piece?.len() as u64;
                read = true;
            }
        }
        if !read {
            return Ok((lengths[0], lengths[1]));
        }
    }
}

/// Opens a stream of the page this often, and returns how often that worked.
#[js_invokable]
pub fn open_often(stream: JsStreamReference, times: u32) -> Result<usize, Error> {
    let open: Vec<JsStream> = (0..times).map(|_| stream.open_read_stream(u64::MAX)).collect::<Result<_, Error>>()?;
    Ok(open.len())
}

/// What the stream holds that a function of the page returns.
#[js_invokable]
pub async fn call_page_for_stream(identifier: String, args: Value, max: Option<u64>) -> Result<Digest, Error> {
    let stream: JsStreamReference = js::invoke(&identifier, args).await?;
    digest(stream.open_read_stream(limit(max))?).await
}

/// Streams of the page inside a value.
#[derive(Deserialize)]
pub struct Upload {
    name: String,
    files: Vec<JsStreamReference>,
}

/// The digests of streams inside a value.
#[js_invokable]
pub async fn digest_upload(upload: Upload) -> Result<BTreeMap<String, Vec<Digest>>, Error> {
    let mut digests = Vec::new();
    for file in &upload.files {
        digests.push(digest(file.open_read_stream(u64::MAX)?).await?);
    }
    Ok([(upload.name, digests)].into())
}

/// The object that a stream of the page is read from.
#[js_invokable]
pub fn same_stream(stream: JsStreamReference) -> JsStreamReference {
    stream
}

thread_local! {
    static DROPPED: Cell<u32> = const { Cell::new(0) };
}

/// The pattern, up to a length, and what happens at some place in it.
struct Pattern {
    offset: u64,
    length: u64,
    /// How much is given at once.
    piece: usize,
    fails_at: Option<u64>,
    /// Whether it waits for the page's turn before each chunk.
    turn: Option<Pin<Box<task::Sleep>>>,
    _counted: CountsDrop,
}

/// Counts its end.
struct CountsDrop;

impl Drop for CountsDrop {
    fn drop(&mut self) {
        DROPPED.set(DROPPED.get() + 1);
    }
}

impl Pattern {
    fn new(length: u64) -> Self {
        Self { offset: 0, length, piece: usize::MAX, fails_at: None, turn: None, _counted: CountsDrop }
    }

    fn next(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let end = self.fails_at.unwrap_or(self.length).min(self.length);
        if self.fails_at == Some(self.offset) {
            return Err(io::Error::other(format!("The source broke at {}.", self.offset)));
        }
        let left = usize::try_from(end - self.offset).unwrap_or(usize::MAX);
        let count = bytes.len().min(self.piece).min(left);
        fill(self.offset, &mut bytes[..count]);
        self.offset += count as u64;
        Ok(count)
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(turn) = &mut self.turn {
            std::task::ready!(turn.as_mut().poll(cx));
            self.turn = Some(Box::pin(task::yield_now()));
        }
        Poll::Ready(())
    }
}

impl Read for Pattern {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.next(bytes)
    }
}

impl AsyncRead for Pattern {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_turn(cx));
        Poll::Ready(self.next(bytes))
    }
}

impl Stream for Pattern {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        std::task::ready!(self.poll_turn(cx));
        let mut bytes = vec![0; self.piece.min(1 << 16)];
        Poll::Ready(match self.next(&mut bytes) {
            Ok(0) => None,
            Ok(count) => {
                bytes.truncate(count);
                Some(Ok(bytes))
            }
            Err(error) => Some(Err(error)),
        })
    }
}

/// A stream of bytes that are there.
#[js_invokable]
pub fn stream_bytes(length: usize) -> DotNetStreamReference {
    let mut bytes = vec![0; length];
    fill(0, &mut bytes);
    DotNetStreamReference::from_bytes(bytes)
}

/// A stream of bytes that are there, with a content type.
#[js_invokable]
pub fn stream_typed(length: usize, content_type: String) -> DotNetStreamReference {
    stream_bytes(length).with_content_type(content_type)
}

/// A stream from a reader.
#[js_invokable]
pub fn stream_reader(length: u64) -> DotNetStreamReference {
    DotNetStreamReference::from_reader(Pattern::new(length))
}

/// A stream from an asynchronous reader that yields little at once, and each chunk in a turn of its own.
#[js_invokable]
pub async fn stream_async_read(length: u64, piece: usize) -> DotNetStreamReference {
    let turn = Some(Box::pin(task::yield_now()));
    DotNetStreamReference::from_async_read(Pattern { piece, turn, ..Pattern::new(length) })
}

/// A stream from a stream whose items have this size.
#[js_invokable]
pub fn stream_items(length: u64, piece: usize) -> DotNetStreamReference {
    DotNetStreamReference::from_stream(Pattern { piece, ..Pattern::new(length) })
}

/// A stream that fails after so many bytes.
#[js_invokable]
pub fn stream_that_fails(after: u64) -> DotNetStreamReference {
    DotNetStreamReference::from_reader(Pattern { fails_at: Some(after), ..Pattern::new(u64::MAX) })
}

/// A stream without an end.
#[js_invokable]
pub fn stream_endless() -> DotNetStreamReference {
    DotNetStreamReference::from_reader(Pattern::new(u64::MAX))
}

/// A stream that never yields anything.
#[js_invokable]
pub fn stream_that_waits() -> DotNetStreamReference {
    struct Never(#[expect(dead_code, reason = "its drop is counted")] Pattern);

    impl Stream for Never {
        type Item = Result<Vec<u8>, Infallible>;

        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Pending
        }
    }

    DotNetStreamReference::from_stream(Never(Pattern::new(0)))
}

/// A stream that yields a byte every so many milliseconds.
#[js_invokable]
pub fn stream_slowly(length: u64, milliseconds: u64) -> DotNetStreamReference {
    struct Slow(Pattern, Pin<Box<task::Sleep>>, Duration);

    impl AsyncRead for Slow {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
            std::task::ready!(self.1.as_mut().poll(cx));
            self.1 = Box::pin(task::sleep(self.2));
            Poll::Ready(self.0.next(bytes))
        }
    }

    let pause = Duration::from_millis(milliseconds);
    let pattern = Pattern { piece: 1, ..Pattern::new(length) };
    DotNetStreamReference::from_async_read(Slow(pattern, Box::pin(task::sleep(pause)), pause))
}

/// Streams inside a value.
#[js_invokable]
pub fn stream_nested(length: u64) -> BTreeMap<String, Vec<DotNetStreamReference>> {
    [("streams".to_owned(), vec![stream_reader(length), stream_bytes(length as usize)])].into()
}

/// Passes a function of the page a stream, and returns what that returns.
#[js_invokable]
pub async fn call_page_with_stream(identifier: String, length: u64) -> Result<Value, Error> {
    js::invoke(&identifier, (stream_reader(length),)).await
}

/// The same, with the stream inside an argument.
#[js_invokable]
pub async fn call_page_with_nested_stream(identifier: String, length: u64) -> Result<Value, Error> {
    js::invoke(&identifier, (stream_nested(length),)).await
}

/// A stream that is in its message twice, which fails.
pub struct Twice(DotNetStreamReference);

impl Serialize for Twice {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.0, &self.0).serialize(serializer)
    }
}

/// Sends the same stream twice, which fails.
#[js_invokable]
pub fn stream_twice() -> Twice {
    Twice(stream_reader(1))
}

/// This many streams in one value.
#[js_invokable]
pub fn stream_many(count: u32) -> Vec<DotNetStreamReference> {
    (0..count).map(|_| stream_bytes(1)).collect()
}

/// The bytes of a stream of the page, turned round chunk by chunk and streamed back.
#[js_invokable]
pub fn stream_back(stream: JsStreamReference) -> Result<DotNetStreamReference, Error> {
    Ok(DotNetStreamReference::from_stream(stream.open_read_stream(u64::MAX)?))
}

/// How many of the sources of this guest's streams were dropped.
#[js_invokable]
pub fn streams_dropped() -> u32 {
    DROPPED.get()
}

/// How many streams of this guest the page has.
#[js_invokable]
pub fn live_streams() -> usize {
    dotwit::live_references().streams
}
