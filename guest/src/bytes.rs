//! Byte arrays that travel as bytes.

use std::fmt;
use std::ops::{Deref, DerefMut};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{self, Serializer};
use serde::{Deserialize, Serialize};

use crate::message::{self, Message};
use crate::placeholder::{self, Placeholder};

pub(crate) const KEY: &str = "__byte[]";

/// How the text of a placeholder begins.
pub(crate) const START: &str = "{\"__byte[]\"";

/// A `Vec<u8>` that is a `Uint8Array` on the page and travels beside the JSON, not inside it, at top level and nested.
///
/// A plain `Vec<u8>` is an array of numbers to serde, and to the page. A base-64 string is accepted in place of the bytes,
/// as Blazor does for callers that predate .NET 6.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// The message of nothing but these bytes.
    pub(crate) fn into_message(self) -> Message {
        Message { json: format!("{{\"{KEY}\":0}}"), bytes: vec![self.0] }
    }
}

impl Deref for Bytes {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Bytes {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<Bytes> for Vec<u8> {
    fn from(bytes: Bytes) -> Self {
        bytes.0
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = message::write_bytes(&self.0)
            .ok_or_else(|| ser::Error::custom("bytes can only be written as part of a call"))?;
        placeholder::serialize(serializer, KEY, index as u64)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Uint8Array, or a base-64 string")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Bytes, A::Error> {
        // Text that is read as it comes has no sizes. Values that serde has buffered have, and it may read these again.
        let once = map.size_hint().is_none();
        let index = Placeholder { key: KEY, made: "a Uint8Array is sent as bytes" }.visit_map(map)?;
        let index = i32::try_from(index)
            .map_err(|_| de::Error::custom(format!("byte array index {index} is no 32-bit integer")))?;
        let index = u64::try_from(index)
            .map_err(|_| de::Error::custom(format!("byte array {index} was not found: indices start at 0")))?;
        message::read_bytes(index, once).map(Bytes)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
        BASE64_STANDARD
            .decode(text)
            .map(Bytes)
            .map_err(|error| E::custom(format!("a string that is no base-64: {error}")))
    }
}
