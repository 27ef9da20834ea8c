//! Streams from the page to the guest.

use std::fmt;
use std::io::Read;

use dotwit_wire::placeholder::{self, JS_OBJECT, JS_STREAM_LENGTH};
use serde::ser::Serializer;
use serde::{Deserialize, Deserializer, Serialize, de};
use tokio::io::AsyncRead;

use crate::native::model::JsObject;
use crate::native::source::{Reader, Source};
use crate::value::write_object;

/// Bytes that a page offers to a guest, which reads them chunk by chunk: a guest's `JsStreamReference`. As an argument or a
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
    /// Returns a stream of bytes that are in memory. A guest may read them more than once.
    #[must_use]
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { object: JsObject::from_source(Source::from_bytes(bytes.into())) }
    }

    /// Returns a stream of the first `length` bytes of a reader. A guest can read it once. The reader may block: it runs
    /// on a thread of its own while it reads.
    #[must_use]
    pub fn from_reader(length: u64, reader: impl Read + Send + 'static) -> Self {
        Self::sequential(length, Reader::Blocking(Box::new(reader)))
    }

    /// Returns a stream of the first `length` bytes of a reader. A guest can read it once. The reader is polled like an
    /// asynchronous function of a page.
    #[must_use]
    pub fn from_async_read(length: u64, reader: impl AsyncRead + Send + 'static) -> Self {
        Self::sequential(length, Reader::Async(Box::pin(reader)))
    }

    /// The length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.object.source().map_or(0, Source::length)
    }

    fn sequential(length: u64, reader: Reader) -> Self {
        Self { object: JsObject::from_source(Source::from_reader(length, reader)) }
    }

    /// Returns an object as a stream.
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
        let id = write_object(self.object.clone().into_handle(), true)?;
        placeholder::serialize_with(serializer, (JS_STREAM_LENGTH, self.length()), (JS_OBJECT, id))
    }
}

impl<'de> Deserialize<'de> for JsStream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = JsObject::deserialize(deserializer)?;
        if object.source().is_none() {
            return Err(de::Error::custom("the object of the page is not a stream"));
        }
        Ok(Self { object })
    }
}
