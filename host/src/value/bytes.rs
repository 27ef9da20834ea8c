//! Byte arrays that travel as bytes.

use std::fmt;
use std::ops::{Deref, DerefMut};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::ser::{self, Serializer};
use serde::{Deserialize, Serialize};

use crate::contract::placeholders::{Placeholder, key, write_placeholder};
use crate::value::{read_bytes, write_bytes};

/// A `Vec<u8>` that travels beside the JSON, not inside it, in arguments and results, at top level and nested: the `Bytes`
/// of a guest, the `Uint8Array` of a page.
///
/// A plain `Vec<u8>` is an array of numbers to serde, and to the guest. A base-64 string is accepted in place of the bytes,
/// as in Blazor.
///
/// ```no_run
/// # fn example(session: dotwit_host::Session) -> Result<(), dotwit_host::Error> {
/// use dotwit_host::Bytes;
///
/// let echo: Bytes = session.invoke("TestGuest", "EchoBytes", (Bytes(vec![1, 2, 3]),))?;
/// assert_eq!(echo, Bytes(vec![1, 2, 3]));
/// # Ok(())
/// # }
/// ```
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

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index =
            write_bytes(&self.0).ok_or_else(|| ser::Error::custom("bytes can only be written as part of a call"))?;
        write_placeholder(serializer, key::BYTES, index as u64)
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
        f.write_str("a byte array, or a base-64 string")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Bytes, A::Error> {
        // Text that is read as it comes has no sizes. Values that serde has buffered have, and it may read these again.
        let once = map.size_hint().is_none();
        let index = Placeholder::<u64>::new(key::BYTES, None).visit_map(map)?.0;
        let index = u64::try_from(index)
            .map_err(|_| de::Error::custom(format!("byte array {index} was not found: indices start at 0")))?;
        read_bytes(index, once).map(Bytes)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Bytes, E> {
        BASE64_STANDARD
            .decode(text)
            .map(Bytes)
            .map_err(|error| E::custom(format!("a string that is not base-64: {error}")))
    }
}
