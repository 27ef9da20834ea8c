//! What guests print, as `tracing` events.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::StreamResult;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::OutputStream;

/// The guest's standard output or error. Its lines become `tracing` events with the target `dotwit::guest`.
///
/// Guests open a new one for each write, and a write may be part of a line: what has been written of the line is shared by all clones.
#[derive(Clone)]
pub(crate) struct Output {
    line: Arc<Mutex<Line>>,
}

/// Which of the two it is.
#[derive(Clone, Copy)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// How many lines a guest may print in a second: more than anyone reads, and few enough for a log that many guests share.
const MAX_LINES: u32 = 1_000;

/// The longest line, in bytes. A longer one is split, so that a guest cannot fill the host's memory.
const MAX_LINE: usize = 16 << 10;

/// The beginning of a line.
struct Line {
    stream: Stream,
    bytes: Vec<u8>,
    /// When the second began in which lines are counted, how many there were, and how many were left out.
    second: Instant,
    printed: u32,
    left_out: u64,
}

impl Output {
    pub(crate) fn new(stream: Stream) -> Self {
        Self {
            line: Arc::new(Mutex::new(Line {
                stream,
                bytes: Vec::new(),
                second: Instant::now(),
                printed: 0,
                left_out: 0,
            })),
        }
    }
}

impl Line {
    fn push(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            for part in part.chunks(MAX_LINE) {
                self.bytes.extend_from_slice(part);
                if part.ends_with(b"\n") || self.bytes.len() >= MAX_LINE {
                    self.emit();
                }
            }
        }
    }

    fn emit(&mut self) {
        if self.second.elapsed() >= Duration::from_secs(1) {
            self.report_left_out();
            (self.second, self.printed) = (Instant::now(), 0);
        }
        if self.printed < MAX_LINES {
            self.printed += 1;
            let line = String::from_utf8_lossy(&self.bytes);
            let line = line.trim_end_matches(['\r', '\n']);
            match self.stream {
                Stream::Stdout => tracing::info!(target: "dotwit::guest", "{line}"),
                Stream::Stderr => tracing::warn!(target: "dotwit::guest", "{line}"),
            }
        } else {
            self.left_out += 1;
        }
        self.bytes.clear();
    }

    fn report_left_out(&mut self) {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            tracing::warn!(target: "dotwit::guest", "{left_out} lines were left out: {MAX_LINES} in a second is the limit");
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.emit();
        }
        self.report_left_out();
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.line.lock().push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_LINE)
    }
}

impl AsyncWrite for Output {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.line.lock().push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
