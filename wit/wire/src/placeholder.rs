//! The placeholders of Blazor's wire format: objects such as `{"__jsObjectId":1}`, for what JSON cannot hold.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Names a byte array of the message.
pub const BYTES: &str = "__byte[]";
/// Says what the bytes are, beside [`BYTES`], if they are not a `Uint8Array`.
pub const AS: &str = "__as";
/// Names an object of the guest.
pub const DOT_NET_OBJECT: &str = "__dotNetObject";
/// Names a stream of the guest.
pub const DOT_NET_STREAM: &str = "__dotNetStream";
/// The content type of a stream, beside [`DOT_NET_STREAM`].
pub const CONTENT_TYPE: &str = "__contentType";
/// Names an object of the page.
pub const JS_OBJECT: &str = "__jsObjectId";
/// The length of an object that can be read as a stream, beside [`JS_OBJECT`].
pub const JS_STREAM_LENGTH: &str = "__jsStreamReferenceLength";

/// Writes `{"key":id}`.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<S: Serializer>(serializer: S, key: &'static str, id: impl Serialize) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, &id)?;
    map.end()
}

/// Writes `{"key":id,"more":value}`.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize_with<S: Serializer>(
    serializer: S,
    (key, id): (&'static str, impl Serialize),
    (more, value): (&'static str, impl Serialize),
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry(key, &id)?;
    map.serialize_entry(more, &value)?;
    map.end()
}

/// Visits an object that must be `{"key":integer}`, perhaps with one more property of type `B`. Anything else is an error, so
/// that no value of the user's is taken for a placeholder.
#[derive(Clone, Copy, Debug)]
pub struct Placeholder<B = IgnoredAny> {
    key: &'static str,
    beside: Option<&'static str>,
    hint: &'static str,
    value: PhantomData<B>,
}

impl Placeholder {
    /// The placeholder with this key. `hint` ends the error of an object that is not one: it says how one is made, and may be
    /// empty.
    #[must_use]
    pub const fn new(key: &'static str, hint: &'static str) -> Self {
        Self { key, beside: None, hint, value: PhantomData }
    }

    /// The same with another property beside the key.
    #[must_use]
    pub const fn with<B>(self, beside: &'static str) -> Placeholder<B> {
        Placeholder { key: self.key, beside: Some(beside), hint: self.hint, value: PhantomData }
    }
}

impl<B> Placeholder<B> {
    /// The error of an object that lacks a property.
    #[must_use]
    pub fn missing<E: de::Error>(&self, key: &str) -> E {
        E::custom(format!("required property '{key}' was not found{}", self.hint()))
    }

    fn unexpected<E: de::Error>(&self, property: &str) -> E {
        let beside = self.beside.map_or_else(String::new, |beside| format!(" and '{beside}'"));
        E::custom(format!("unexpected property '{property}' beside '{}'{beside}{}", self.key, self.hint()))
    }

    fn hint(&self) -> String {
        if self.hint.is_empty() { String::new() } else { format!(": {}", self.hint) }
    }
}

impl<'de, B: Deserialize<'de>> Visitor<'de> for Placeholder<B> {
    type Value = (i64, Option<B>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a placeholder {{\"{}\": id}}", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut id, mut beside) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            let is_twice = if key == self.key {
                id.replace(map.next_value()?).is_some()
            } else if self.beside == Some(&key) {
                beside.replace(map.next_value()?).is_some()
            } else if key == AS {
                let kind = map.next_value::<String>()?;
                return Err(de::Error::custom(format!("a {kind} was received where a Uint8Array is expected")));
            } else {
                return Err(self.unexpected(&key));
            };
            if is_twice {
                return Err(de::Error::custom(format!("property '{key}' is there twice")));
            }
        }
        Ok((id.ok_or_else(|| self.missing(self.key))?, beside))
    }
}
