//! References to streams of the guest.

use std::fmt::{self, Display};
use std::io::Read;
use std::rc::Rc;

use dotwit_wire::placeholder::{self, CONTENT_TYPE, DOT_NET_STREAM};
use futures_core::Stream;
use futures_io::AsyncRead;
use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::codec::{self, Attachment};
use crate::error::{Error, ErrorKind};
use crate::value::cursor::Cursor;
use crate::value::stream_source::{FromAsyncRead, FromReader, FromStream, Source};
use crate::value::stream_table::{StreamLease, UnsentStream};

/// A stream of bytes that the page reads: Blazor's `DotNetStreamReference`.
///
/// It can be a result or an argument, at top level or inside other values, once. The page reads it with `.stream()`,
/// `.arrayBuffer()` or `.blob()`, at its own pace: it asks the guest for each chunk. The source of the bytes is dropped when the
/// page has read all of them or cancels, and when reading fails.
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
    unsent: Rc<UnsentStream>,
    content_type: Option<String>,
}

impl DotNetStreamReference {
    /// A stream of these bytes.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Cursor::new(bytes.into()))
    }

    /// A stream of the bytes of a reader. The page waits while it reads, so it should not take long.
    pub fn from_reader(reader: impl Read + 'static) -> Self {
        Self::new(FromReader::new(reader))
    }

    /// A stream of the bytes of an asynchronous reader.
    pub fn from_async_read(reader: impl AsyncRead + 'static) -> Self {
        Self::new(FromAsyncRead::new(reader))
    }

    /// A stream of the bytes of a stream's items. It ends with the first item that is an error.
    pub fn from_stream<B, E>(stream: impl Stream<Item = Result<B, E>> + 'static) -> Self
    where
        B: Into<Vec<u8>>,
        E: Display + 'static,
    {
        Self::new(FromStream::new(stream))
    }

    /// Sets the type of the bytes, such as `"image/png"`: that of the `Blob` which the page's `.blob()` makes of them.
    #[must_use]
    pub fn with_content_type(self, content_type: impl Into<String>) -> Self {
        Self { content_type: Some(content_type.into()), ..self }
    }

    fn new(source: impl Source + 'static) -> Self {
        Self { unsent: UnsentStream::new(source), content_type: None }
    }
}

impl fmt::Debug for DotNetStreamReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.unsent.is_sent() { "sent" } else { "not sent" };
        write!(f, "DotNetStreamReference({state})")
    }
}

impl Serialize for DotNetStreamReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let id = codec::attach(|| {
            let lease = StreamLease::new(&self.unsent)?;
            Ok((lease.id(), Some(Rc::new(lease) as Rc<dyn Attachment>)))
        })?;
        match &self.content_type {
            None => placeholder::serialize(serializer, DOT_NET_STREAM, id),
            Some(kind) => placeholder::serialize_with(serializer, (DOT_NET_STREAM, id), (CONTENT_TYPE, kind)),
        }
    }
}

impl<'de> Deserialize<'de> for DotNetStreamReference {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(codec::custom_error(Error::new(
            ErrorKind::Unsupported,
            "A DotNetStreamReference cannot be received: it is the guest's own, and the page reads it. What the page \
             sends is a JsStreamReference.",
        )))
    }
}
