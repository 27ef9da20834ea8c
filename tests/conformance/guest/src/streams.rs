//! Streams both ways. Each carries the pattern of which byte `i` is `(7 i + ⌊i / 256⌋) mod 256`.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use dotwit::prelude::*;
use dotwit::{Error, ErrorKind, js};
use futures_core::Stream;
use futures_io::AsyncRead;
use futures_util::future::join;
use futures_util::{AsyncReadExt, StreamExt};
use serde::{Deserialize, Serialize};

use crate::calls::CountsDrop;

fn pattern_at(index: u64) -> u8 {
    (7 * index + (index >> 8)) as u8
}

fn check(bytes: &[u8], begin: u64) -> Result<(), Error> {
    let wrong = (begin..).zip(bytes).find(|(index, byte)| **byte != pattern_at(*index));
    match wrong {
        Some((index, byte)) => Err(Error::new(ErrorKind::Failed, format!("Byte {index} of the stream is {byte}."))),
        None => Ok(()),
    }
}

/// Reads a stream chunk by chunk, and returns its length.
async fn check_stream(stream: &JsStreamReference, max: u64) -> Result<u64, Error> {
    let mut pieces = stream.open_read_stream(max)?;
    let mut length = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        check(&piece, length)?;
        length += piece.len() as u64;
    }
    if length == stream.length() {
        Ok(length)
    } else {
        Err(Error::new(ErrorKind::Failed, "The stream has another length."))
    }
}

/// Reads a stream to its end.
#[js_invokable("CheckStream")]
pub async fn check_argument(stream: JsStreamReference) -> Result<u64, Error> {
    check_stream(&stream, dotwit::DEFAULT_MAX_ALLOWED_SIZE).await
}

/// Reads a stream that may have so many bytes.
#[js_invokable]
pub async fn check_stream_up_to(stream: JsStreamReference, max: u64) -> Result<u64, Error> {
    check_stream(&stream, max).await
}

/// A stream of the page inside a value.
#[derive(Deserialize)]
pub struct Nested {
    data: JsStreamReference,
}

/// Reads a stream inside an argument.
#[js_invokable]
pub async fn check_nested(value: Nested) -> Result<u64, Error> {
    check_argument(value.data).await
}

/// Reads two streams, with the chunks of one between those of the other.
#[js_invokable]
pub async fn check_two(first: JsStreamReference, second: JsStreamReference) -> Result<(u64, u64), Error> {
    let (first, second) = join(check_argument(first), check_argument(second)).await;
    Ok((first?, second?))
}

/// Reads what a function of the page returns.
#[js_invokable]
pub async fn check_stream_of(function: String, length: u64) -> Result<u64, Error> {
    check_argument(js::invoke(&function, (length,)).await?).await
}

/// Reads what is inside the result of a function of the page.
#[js_invokable]
pub async fn check_nested_stream_of(function: String, length: u64) -> Result<u64, Error> {
    check_nested(js::invoke(&function, (length,)).await?).await
}

/// Reads the first bytes, as a reader, and leaves the rest.
#[js_invokable]
pub async fn read_some(stream: JsStreamReference, count: usize) -> Result<usize, Error> {
    let mut reader = stream.open_read_stream(stream.length())?;
    let mut bytes = vec![0; count];
    reader.read_exact(&mut bytes).await.map_err(|error| Error::new(ErrorKind::Failed, error.to_string()))?;
    check(&bytes, 0)?;
    Ok(count)
}

/// Reads the pattern, to an end or an error.
struct Pattern {
    at: u64,
    end: u64,
    fails: bool,
    _counted: Option<CountsDrop>,
}

impl Pattern {
    fn new(end: u64) -> Self {
        Self { at: 0, end, fails: false, _counted: None }
    }
}

impl Read for Pattern {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        if count == 0 && self.fails {
            return Err(io::Error::other("the stream ran dry"));
        }
        for (index, byte) in (self.at..).zip(&mut buffer[..count]) {
            *byte = pattern_at(index);
        }
        self.at += count as u64;
        Ok(count)
    }
}

/// Reads the pattern and waits before each chunk.
struct Waiting(Pattern, Option<Pin<Box<task::Sleep>>>);

impl Waiting {
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let turn = self.1.get_or_insert_with(|| Box::pin(task::yield_now()));
        std::task::ready!(turn.as_mut().poll(cx));
        self.1 = None;
        Poll::Ready(())
    }
}

impl AsyncRead for Waiting {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.poll_turn(cx));
        Poll::Ready(self.0.read(buffer))
    }
}

impl Stream for Waiting {
    type Item = io::Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        std::task::ready!(self.poll_turn(cx));
        let mut piece = vec![0; 10_000];
        match self.0.read(&mut piece) {
            Ok(0) => Poll::Ready(None),
            Ok(count) => {
                piece.truncate(count);
                Poll::Ready(Some(Ok(piece)))
            }
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}

/// A stream of so many bytes, from a source of that kind.
#[js_invokable]
pub fn make_stream(source: String, length: u64) -> Result<DotNetStreamReference, String> {
    Ok(match &*source {
        "bytes" => DotNetStreamReference::from_bytes((0..length).map(pattern_at).collect::<Vec<_>>()),
        "typed" => DotNetStreamReference::from_reader(Pattern::new(length)).with_content_type("image/png"),
        "reader" => DotNetStreamReference::from_reader(Pattern::new(length)),
        "async" => DotNetStreamReference::from_async_read(Waiting(Pattern::new(length), None)),
        "stream" => DotNetStreamReference::from_stream(Waiting(Pattern::new(length), None)),
        _ => return Err(format!("there is no source '{source}'")),
    })
}

/// A stream inside a value.
#[derive(Serialize)]
pub struct Labelled {
    label: String,
    data: DotNetStreamReference,
}

/// A stream inside a result.
#[js_invokable]
pub fn make_nested_stream(length: u64) -> Labelled {
    Labelled { label: "nested".to_owned(), data: DotNetStreamReference::from_reader(Pattern::new(length)) }
}

/// A stream that fails after so many bytes.
#[js_invokable]
pub fn make_failing_stream(length: u64) -> DotNetStreamReference {
    DotNetStreamReference::from_reader(Pattern { fails: true, ..Pattern::new(length) })
}

/// Passes a stream to a function of the page.
#[js_invokable]
pub async fn stream_to_page(function: String, length: u64) -> Result<serde_json::Value, Error> {
    js::invoke(&function, (DotNetStreamReference::from_reader(Pattern::new(length)), length)).await
}

/// Passes a stream without an end.
#[js_invokable]
pub async fn endless_to_page(function: String) -> Result<serde_json::Value, Error> {
    let endless = Pattern { _counted: Some(CountsDrop), ..Pattern::new(u64::MAX) };
    js::invoke(&function, (DotNetStreamReference::from_reader(endless),)).await
}
