//! Where the bytes of a page's stream come from.

use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::Mutex;

use crate::background::executor::{self, BoxFuture};
use crate::error::Error;

/// Where the bytes of a stream come from.
pub(crate) enum Source {
    Bytes(Bytes),
    Sequential { length: u64, sequential: Arc<Mutex<Sequential>> },
}

/// A reader, and how much of it has been read. The reader is taken away once it has failed.
pub(crate) struct Sequential {
    at: u64,
    reader: Option<Reader>,
}

/// A reader of either kind.
pub(crate) enum Reader {
    Blocking(Box<dyn Read + Send>),
    Async(Pin<Box<dyn AsyncRead + Send>>),
}

/// The bytes of a read, or the future of them.
pub(crate) enum Chunk {
    Now(Vec<u8>),
    Later(BoxFuture<Vec<u8>>),
}

impl Source {
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }

    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Sequential { length, .. } => *length,
        }
    }

    /// Returns the first `length` bytes of a reader.
    pub(crate) fn from_reader(length: u64, reader: Reader) -> Self {
        let sequential = Arc::new(Mutex::new(Sequential { at: 0, reader: Some(reader) }));
        Self::Sequential { length, sequential }
    }

    /// Reads a part of the stream.
    pub(crate) fn read(&self, offset: u64, length: u32) -> Result<Chunk, Error> {
        let total = self.length();
        if offset.checked_add(length.into()).is_none_or(|end| end > total) {
            let what = format!("The stream has {total} bytes, and {length} were asked for from {offset} on.");
            return Err(Error::js_failed(what));
        }
        Ok(match self {
            Self::Bytes(bytes) => {
                let chunk = usize::try_from(offset).ok().and_then(|from| bytes.get(from..)?.get(..length as usize));
                Chunk::Now(chunk.unwrap_or_default().to_vec())
            }
            Self::Sequential { sequential, .. } => {
                Chunk::Later(Box::pin(Sequential::read(Arc::clone(sequential), offset, length, total)))
            }
        })
    }
}

impl Sequential {
    async fn read(this: Arc<Mutex<Self>>, offset: u64, length: u32, total: u64) -> Result<Vec<u8>, Error> {
        let mut this = this.lock_owned().await;
        if this.at != offset {
            let at = this.at;
            let what =
                format!("The stream can be read once and in order: {at} bytes are read, {offset} were asked for.");
            return Err(Error::js_failed(what));
        }
        // It is put back unless it fails, by an error or by a panic.
        let reader = this.reader.take().ok_or_else(|| Error::js_failed("The stream has failed before."))?;
        let limit = u64::from(length);
        let mut bytes = Vec::with_capacity(length as usize);
        let (reader, read, bytes) = match reader {
            Reader::Blocking(mut reader) => {
                let read = executor::spawn_blocking(move || {
                    let read = (&mut reader).take(limit).read_to_end(&mut bytes);
                    (Reader::Blocking(reader), read, bytes)
                });
                read.await.map_err(|error| Error::js_failed(format!("The stream's reader ended: {error}.")))?
            }
            Reader::Async(mut reader) => {
                let read = (&mut reader).take(limit).read_to_end(&mut bytes).await;
                (Reader::Async(reader), read, bytes)
            }
        };
        let read =
            read.map_err(|error: io::Error| Error::js_failed(format!("The stream cannot be read: {error}.")))? as u64;
        if read < limit {
            let end = offset + read;
            return Err(Error::js_failed(format!("The stream ended after {end} bytes, and was to have {total}.")));
        }
        this.at += read;
        this.reader = Some(reader);
        Ok(bytes)
    }
}
