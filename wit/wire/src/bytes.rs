//! Byte arrays as values.

use std::fmt;
use std::ops::{Deref, DerefMut};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::byte_arrays;
use crate::placeholder::{self, BYTES, Placeholder};

/// A `Vec<u8>` that is a `Uint8Array` on the page. It travels beside the JSON, not inside it, at top level and nested.
///
/// A plain `Vec<u8>` is an array of numbers to serde, and to the other side. A base-64 string is accepted in place of the
/// bytes, as Blazor does for callers that predate .NET 6.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

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

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
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
        placeholder::serialize(serializer, BYTES, byte_arrays::push(self.0.clone())?)
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
        // Text that is read as it comes has no sizes. Values that serde has buffered do, and may be read again.
        let is_once = map.size_hint().is_none();
        let (index, _) = Placeholder::new(BYTES, "a Uint8Array is sent as bytes").visit_map(map)?;
        byte_arrays::take(index, is_once).map(Bytes)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
        BASE64_STANDARD.decode(text).map(Bytes).map_err(|error| E::custom(format!("a string is not base-64: {error}")))
    }
}
