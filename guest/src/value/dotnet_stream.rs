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
use crate::value::stream_source::{Cursor, FromAsyncRead, FromReader, FromStream, Source};
use crate::value::stream_table::{self, StreamLease, UnsentStream};

/// Something that the page reads as a stream: what Blazor's `DotNetStreamReference` is.
///
/// It can be a result or an argument, at top level or inside other values, once. The page reads it with `.stream()`,
/// `.arrayBuffer()` or `.blob()`, as fast as it likes: the guest is asked for each chunk. When the page has read all or cancels, and
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
    unsent: Rc<UnsentStream>,
    content_type: Option<String>,
}

impl DotNetStreamReference {
    /// A stream of these bytes.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(Cursor::new(bytes.into()))
    }

    /// A stream of what a reader gives, which should not take long to give it: the page waits.
    pub fn from_reader(reader: impl Read + 'static) -> Self {
        Self::new(FromReader::new(reader))
    }

    /// A stream of what an asynchronous reader gives.
    pub fn from_async_read(reader: impl AsyncRead + 'static) -> Self {
        Self::new(FromAsyncRead::new(reader))
    }

    /// A stream of the bytes of a stream's items. An item that is an error ends it.
    pub fn from_stream<B, E>(stream: impl Stream<Item = Result<B, E>> + 'static) -> Self
    where
        B: Into<Vec<u8>>,
        E: Display + 'static,
    {
        Self::new(FromStream::new(stream))
    }

    /// Says what the bytes are, such as `"image/png"`: the type of the `Blob` that the page's `.blob()` makes of them.
    #[must_use]
    pub fn with_content_type(self, content_type: impl Into<String>) -> Self {
        Self { content_type: Some(content_type.into()), ..self }
    }

    /// How many streams the page has, that it neither has read to their ends nor cancelled.
    pub fn live() -> usize {
        stream_table::live()
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
