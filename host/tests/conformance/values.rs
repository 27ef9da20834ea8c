//! Any value that travels: JSON with what placeholders stand for.

use std::collections::BTreeMap;
use std::fmt;

use dotwit_host::{Bytes, DotNetObject, DotNetStream, JsObject, JsStream};
use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An argument or a result.
pub(crate) enum Any {
    /// What is no list, no object and no placeholder.
    Plain(Value),
    List(Vec<Any>),
    Map(BTreeMap<String, Any>),
    Bytes(Bytes),
    /// An object of the guest.
    Object(DotNetObject),
    /// An object of the page.
    Page(JsObject),
    /// A stream of the page.
    Stream(JsStream),
    /// A stream of the guest.
    GuestStream(DotNetStream),
}

impl Any {
    /// The value as JSON, for messages.
    pub(crate) fn show(&self) -> String {
        match self {
            Self::Plain(value) => value.to_string(),
            Self::List(items) => format!("[{}]", items.iter().map(Self::show).collect::<Vec<_>>().join(",")),
            Self::Map(fields) => {
                let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key:?}:{}", value.show())).collect();
                format!("{{{}}}", fields.join(","))
            }
            Self::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Self::Object(object) => format!("object {} of the guest", object.id()),
            Self::Page(_) => "an object of the page".to_owned(),
            Self::Stream(_) => "a stream of the page".to_owned(),
            Self::GuestStream(_) => "a stream of the guest".to_owned(),
        }
    }
}

impl fmt::Debug for Any {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show())
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(value) => value.serialize(serializer),
            Self::List(items) => items.serialize(serializer),
            Self::Map(fields) => fields.serialize(serializer),
            Self::Bytes(bytes) => bytes.serialize(serializer),
            Self::Object(object) => object.serialize(serializer),
            Self::Page(object) => object.serialize(serializer),
            Self::Stream(stream) => stream.serialize(serializer),
            Self::GuestStream(_) => Err(S::Error::custom("a stream of the guest cannot be sent back")),
        }
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Any, E> {
        Ok(Any::Plain(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Any, E> {
        Ok(Any::Plain(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Any, E> {
        Ok(Any::Plain(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Any, E> {
        Ok(Any::Plain(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Any, E> {
        Ok(Any::Plain(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Any, E> {
        Ok(Any::Plain(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Any, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Any::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Any, A::Error> {
        let Some(key) = fields.next_key::<String>()? else { return Ok(Any::Map(BTreeMap::new())) };
        let all = |key: String, fields| MapAccessDeserializer::new(Prepended { key: Some(key), fields });
        match &*key {
            "__byte[]" => Bytes::deserialize(all(key, fields)).map(Any::Bytes),
            "__dotNetObject" => DotNetObject::deserialize(all(key, fields)).map(Any::Object),
            "__jsObjectId" => JsObject::deserialize(all(key, fields)).map(Any::Page),
            "__dotNetStream" => DotNetStream::deserialize(all(key, fields)).map(Any::GuestStream),
            _ => {
                let mut map = BTreeMap::from([(key, fields.next_value()?)]);
                while let Some((key, value)) = fields.next_entry()? {
                    map.insert(key, value);
                }
                Ok(Any::Map(map))
            }
        }
    }
}

/// The fields of an object whose first key has been read.
struct Prepended<A> {
    key: Option<String>,
    fields: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Prepended<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.key.take() {
            Some(key) => seed.deserialize(StringDeserializer::new(key)).map(Some),
            None => self.fields.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.fields.next_value_seed(seed)
    }
}

/// The first bytes of the pattern that streams carry.
pub(crate) fn pattern(length: u64) -> Vec<u8> {
    (0..length).map(|index| (7 * index + (index >> 8)).to_le_bytes()[0]).collect()
}
