//! Any value that travels: JSON with what placeholders stand for.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use dotwit_host::{BigInt, Bytes, DotNetObject, DotNetStream, Element, JsObject, JsStream, TypedArray};
use serde::de::value::{MapAccessDeserializer, StringDeserializer};
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An argument or a result.
pub(crate) enum Any {
    /// A value that is not a list, an object or a placeholder.
    Plain(Value),
    List(Vec<Any>),
    Map(BTreeMap<String, Any>),
    Bytes(Bytes),
    /// A typed array: its constructor in JavaScript, and its elements as texts.
    Typed(String, Vec<String>),
    BigInt(i128),
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
            Self::Typed(kind, elements) => format!("{kind} {elements:?}"),
            Self::BigInt(integer) => format!("{integer}n"),
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
            Self::Typed(kind, elements) => write_typed(kind, elements, serializer),
            Self::BigInt(integer) => BigInt(*integer).serialize(serializer),
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
            "__byte[]" => read_bytes(Map::deserialize(all(key, fields))?).map_err(de::Error::custom),
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

/// Runs `$body` with the type of a typed array's elements in the place of `$element`.
macro_rules! with_element {
    ($kind:expr, $element:ident => $body:expr, $none:expr) => {
        with_element!(@ $kind, $element, $body, $none, [
            "Int8Array" i8, "Int16Array" i16, "Int32Array" i32, "Uint16Array" u16, "Uint32Array" u32, "BigInt64Array" i64,
            "BigUint64Array" u64, "Float32Array" f32, "Float64Array" f64
        ])
    };
    (@ $kind:expr, $element:ident, $body:expr, $none:expr, [$($name:literal $type:ty),*]) => {
        match $kind {
            $($name => {
                type $element = $type;
                $body
            })*
            _ => $none,
        }
    };
}

fn write_typed<S: Serializer>(kind: &str, elements: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    fn write<T: Element + FromStr, S: Serializer>(elements: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        let elements: Result<_, _> = elements.iter().map(|element| element.parse::<T>()).collect();
        let elements = elements.map_err(|_| S::Error::custom("an element is not a number of that type"))?;
        TypedArray(elements).serialize(serializer)
    }
    with_element!(kind, Of => write::<Of, S>(elements, serializer), Err(S::Error::custom("there is no such array here")))
}

/// Reads bytes, and what they are if they are numbers.
fn read_bytes(fields: Map<String, Value>) -> serde_json::Result<Any> {
    fn read<T: Element + fmt::Display>(fields: Value) -> serde_json::Result<Vec<String>> {
        let TypedArray(elements) = TypedArray::<T>::deserialize(fields)?;
        Ok(elements.iter().map(|element| element.to_string().replace("inf", "Infinity")).collect())
    }
    let kind = fields.get("__as").and_then(Value::as_str).map(str::to_owned);
    let fields = Value::Object(fields);
    match kind {
        None => Bytes::deserialize(fields).map(Any::Bytes),
        Some(kind) if kind == "BigInt" => BigInt::deserialize(fields).map(|BigInt(integer)| Any::BigInt(integer)),
        Some(kind) => {
            let elements = with_element!(&*kind, Of => read::<Of>(fields)?, Vec::new());
            Ok(Any::Typed(kind, elements))
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
