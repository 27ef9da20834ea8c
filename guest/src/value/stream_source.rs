//! Where the bytes of the guest's streams come from.

use std::fmt::Display;
use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_io::AsyncRead;

use crate::error::Error;
use crate::message::Chunk;
use crate::value::cursor::Cursor;

/// How much is read at once from a source that could give more, however much the page asks for.
const MAX_CHUNK: usize = 1 << 20;

/// How many empty items in a row a stream may have before others have their turn.
const MAX_EMPTY: usize = 100;

/// What the bytes of a stream come from.
pub(super) trait Source {
    /// Returns the next bytes: `max` at most, and none only at the end.
    fn poll_chunk(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Chunk>;
}

impl Source for Cursor {
    fn poll_chunk(&mut self, _: &mut Context<'_>, max: usize) -> Poll<Chunk> {
        Poll::Ready(Ok(self.next(max)))
    }
}

/// A reader, which the page waits for.
pub(super) struct FromReader<R> {
    reader: R,
    /// The error that came after the last chunk.
    failed: Option<io::Error>,
}

impl<R> FromReader<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, failed: None }
    }
}

impl<R: Read> Source for FromReader<R> {
    fn poll_chunk(&mut self, _: &mut Context<'_>, max: usize) -> Poll<Chunk> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(Error::from_display(&error)));
        }
        let max = max.min(MAX_CHUNK);
        let mut chunk = Vec::with_capacity(max);
        let result = self.reader.by_ref().take(max as u64).read_to_end(&mut chunk);
        Poll::Ready(match result {
            Err(error) if chunk.is_empty() => Err(Error::from_display(&error)),
            result => {
                self.failed = result.err();
                Ok(chunk)
            }
        })
    }
}

/// An asynchronous reader.
pub(super) struct FromAsyncRead<R> {
    reader: Pin<Box<R>>,
    /// The buffer of the next chunk, kept while there is nothing to put there.
    chunk: Vec<u8>,
    /// The error that came after the last chunk.
    failed: Option<io::Error>,
}

impl<R> FromAsyncRead<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader: Box::pin(reader), chunk: Vec::new(), failed: None }
    }
}

impl<R: AsyncRead> Source for FromAsyncRead<R> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Chunk> {
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Err(Error::from_display(&error)));
        }
        self.chunk.resize(max.min(MAX_CHUNK), 0);
        let mut filled = 0;
        while filled < self.chunk.len() {
            match self.reader.as_mut().poll_read(cx, &mut self.chunk[filled..]) {
                Poll::Ready(Ok(0)) => break,
                Poll::Ready(Ok(count)) => filled += count,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(Err(error)) if filled == 0 => return Poll::Ready(Err(Error::from_display(&error))),
                Poll::Ready(Err(error)) => {
                    self.failed = Some(error);
                    break;
                }
                Poll::Pending if filled == 0 => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        self.chunk.truncate(filled);
        Poll::Ready(Ok(std::mem::take(&mut self.chunk)))
    }
}

/// A stream, of whose last item a rest may not have been read.
pub(super) struct FromStream<S> {
    stream: Pin<Box<S>>,
    rest: Cursor,
}

impl<S> FromStream<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream: Box::pin(stream), rest: Cursor::default() }
    }
}

impl<S, B, E> Source for FromStream<S>
where
    S: Stream<Item = Result<B, E>>,
    B: Into<Vec<u8>>,
    E: Display + 'static,
{
    fn poll_chunk(&mut self, cx: &mut Context<'_>, max: usize) -> Poll<Chunk> {
        for _ in 0..MAX_EMPTY {
            if !self.rest.is_empty() {
                return Poll::Ready(Ok(self.rest.next(max)));
            }
            match self.stream.as_mut().poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Ok(Vec::new())),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(Error::from_display(&error))),
                Poll::Ready(Some(Ok(bytes))) => self.rest = Cursor::new(bytes.into()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
