//! Streams from the page to the guest.

use std::fmt;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use serde::ser::{SerializeMap as _, Serializer};
use serde::{Deserialize, Deserializer, Serialize, de};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::Mutex;

use crate::error::Error;
use crate::executor::{self, Work};
use crate::js_object::{JsObject, js_failed};
use crate::json::key;
use crate::scope;

/// Bytes that a page offers to a guest, which reads them piece by piece: a guest's `JsStreamReference`. As an argument or a
/// result, alone or inside others, it becomes a reference, like a [`JsObject`], and lives until the guest releases it.
///
/// ```
/// use dotwit_host::{JsObject, JsStream};
///
/// let window = JsObject::new().function("openFile", |(path,): (String,)| {
///     let file = std::fs::File::open(path)?;
///     Ok(JsStream::from_reader(file.metadata()?.len(), file))
/// });
/// # let _ = window;
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct JsStream {
    object: JsObject,
}

impl JsStream {
    /// A stream of bytes that are there already. A guest may read them more than once.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { object: JsObject::from_source(Source::from_bytes(bytes.into())) }
    }

    /// A stream of the first `length` bytes that `reader` gives. A guest can read it once. The reader may block: it has a
    /// thread of its own while it reads.
    pub fn from_reader(length: u64, reader: impl Read + Send + 'static) -> Self {
        Self::sequential(length, Reader::Blocking(Box::new(reader)))
    }

    /// A stream of the first `length` bytes that `reader` gives. A guest can read it once. The reader is polled like an
    /// asynchronous function of a page.
    pub fn from_async_read(length: u64, reader: impl AsyncRead + Send + 'static) -> Self {
        Self::sequential(length, Reader::Async(Box::pin(reader)))
    }

    /// How many bytes there are.
    pub fn length(&self) -> u64 {
        self.object.source().map_or(0, Source::length)
    }

    fn sequential(length: u64, reader: Reader) -> Self {
        let sequential = Arc::new(Mutex::new(Sequential { at: 0, reader: Some(reader) }));
        Self { object: JsObject::from_source(Source::Sequential { length, sequential }) }
    }

    /// The stream that an object is.
    pub(crate) fn of(object: &JsObject) -> Self {
        Self { object: object.clone() }
    }
}

impl fmt::Debug for JsStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsStream").field("length", &self.length()).finish_non_exhaustive()
    }
}

impl Serialize for JsStream {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let id = scope::write_object(&self.object)?;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry(key::JS_STREAM_LENGTH, &self.length())?;
        map.serialize_entry(key::JS_OBJECT, &id)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for JsStream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = JsObject::deserialize(deserializer)?;
        if object.source().is_none() {
            return Err(de::Error::custom("the object of the page is no stream"));
        }
        Ok(Self { object })
    }
}

/// Where the bytes of a stream come from.
pub(crate) enum Source {
    Bytes(Bytes),
    Sequential { length: u64, sequential: Arc<Mutex<Sequential>> },
}

/// A reader and how much of it has been read. It is gone once it has failed.
pub(crate) struct Sequential {
    at: u64,
    reader: Option<Reader>,
}

enum Reader {
    Blocking(Box<dyn Read + Send>),
    Async(Pin<Box<dyn AsyncRead + Send>>),
}

/// What comes of a read.
pub(crate) enum Piece {
    Now(Vec<u8>),
    Later(Work<Vec<u8>>),
}

impl Source {
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }

    fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Sequential { length, .. } => *length,
        }
    }

    /// Reads a part of the stream.
    pub(crate) fn read(&self, offset: u64, length: u32) -> Result<Piece, Error> {
        let total = self.length();
        if offset.checked_add(length.into()).is_none_or(|end| end > total) {
            let what = format!("The stream has {total} bytes, and {length} were asked for from {offset} on.");
            return Err(js_failed(what));
        }
        Ok(match self {
            Self::Bytes(bytes) => {
                let piece = usize::try_from(offset).ok().and_then(|from| bytes.get(from..)?.get(..length as usize));
                Piece::Now(piece.unwrap_or_default().to_vec())
            }
            Self::Sequential { sequential, .. } => {
                Piece::Later(Box::pin(Sequential::read(Arc::clone(sequential), offset, length, total)))
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
            return Err(js_failed(what));
        }
        // It is put back if it has not failed: neither by an error nor by a panic.
        let reader = this.reader.take().ok_or_else(|| js_failed("The stream has failed before."))?;
        let limit = u64::from(length);
        let mut bytes = Vec::with_capacity(length as usize);
        let (reader, read, bytes) = match reader {
            Reader::Blocking(mut reader) => {
                let read = executor::spawn_blocking(move || {
                    let read = (&mut reader).take(limit).read_to_end(&mut bytes);
                    (Reader::Blocking(reader), read, bytes)
                });
                read.await.map_err(|error| js_failed(format!("The stream's reader ended: {error}.")))?
            }
            Reader::Async(mut reader) => {
                let read = (&mut reader).take(limit).read_to_end(&mut bytes).await;
                (Reader::Async(reader), read, bytes)
            }
        };
        let read = read.map_err(|error: io::Error| js_failed(format!("The stream cannot be read: {error}.")))? as u64;
        if read < limit {
            let end = offset + read;
            return Err(js_failed(format!("The stream ended after {end} bytes, and was to have {total}.")));
        }
        this.at += read;
        this.reader = Some(reader);
        Ok(bytes)
    }
}
