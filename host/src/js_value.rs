//! Values of a native page: JSON, with the byte arrays and the objects that stand in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use serde::de::DeserializeOwned;
use serde::ser::{SerializeMap as _, SerializeSeq as _, Serializer};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::js_object::{JsObject, Member, js_failed};
use crate::js_stream::{JsStream, Source};
use crate::json::key;
use crate::numbers;
use crate::scope::{self, Lists, Objects};
use crate::shared::Hold;
use crate::value::DotNetObject;

/// Any value of a page: JSON, and the [`Bytes`](crate::Bytes), numbers, [`JsObject`]s and [`JsStream`]s that stand in it, where a
/// [`serde_json::Value`] would have no more than their placeholders. It is for functions that hand on what they get:
///
/// ```
/// use dotwit_host::{JsObject, JsValue};
///
/// let window = JsObject::new().function("echo", |(value,): (JsValue,)| Ok(value));
/// # let _ = window;
/// ```
#[derive(Clone)]
pub struct JsValue {
    /// The placeholders in it count what is beside it.
    value: Value,
    beside: Arc<Beside>,
}

#[derive(Default)]
struct Beside {
    bytes: Vec<Vec<u8>>,
    objects: Lists,
}

/// What a value is where it is no plain JSON.
enum Special<'a> {
    /// Bytes, and what they are where they are numbers.
    Bytes(&'a Vec<u8>, &'a str),
    Object(&'a JsObject),
    Stream(&'a JsObject),
    DotNetObject(&'a DotNetObject),
}

impl Beside {
    fn special<'a>(&'a self, fields: &'a Map<String, Value>) -> Option<Special<'a>> {
        let index = |key| fields.get(key).and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
        if let Some(bytes) = index(key::BYTES).and_then(|index| self.bytes.get(index)) {
            return Some(Special::Bytes(
                bytes,
                fields.get(dotwit_wire::numbers::AS).and_then(Value::as_str).unwrap_or(dotwit_wire::numbers::PLAIN),
            ));
        }
        if let Some(object) = index(key::DOT_NET_OBJECT).and_then(|index| self.objects.dot_net.get(index)) {
            return Some(Special::DotNetObject(object));
        }
        let object = index(key::JS_OBJECT).and_then(|index| self.objects.js.get(index))?;
        Some(if fields.contains_key(key::JS_STREAM_LENGTH) { Special::Stream(object) } else { Special::Object(object) })
    }
}

impl JsValue {
    /// The value that `value` is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadArguments`] where it cannot be serialised to JSON.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let bad =
            |error| Error::new(ErrorKind::BadArguments, format!("The value cannot be serialised to JSON: {error}."));
        let (message, objects) = scope::write(value, Objects::List(Lists::default()), std::ptr::null(), bad)?;
        let Objects::List(objects) = objects else { unreachable!("lists stay lists") };
        let value = serde_json::from_str(&message.json).map_err(bad)?;
        Ok(Self { value, beside: Arc::new(Beside { bytes: message.bytes, objects }) })
    }

    fn part(&self, value: Value) -> Self {
        Self { value, beside: Arc::clone(&self.beside) }
    }

    /// The value as a member: an object, if it is one.
    pub(crate) fn into_member(mut self) -> Member {
        match self.value.take() {
            Value::Object(fields) => match self.beside.special(&fields) {
                Some(Special::Object(object) | Special::Stream(object)) => Member::Object(object.clone()),
                None if !fields.contains_key(key::DOT_NET_STREAM) => {
                    let members = fields.into_iter().map(|(name, value)| (name, self.part(value).into_member()));
                    Member::Object(JsObject::from_members(members.collect()))
                }
                _ => Member::Value(Arc::new(self.part(Value::Object(fields)))),
            },
            value => Member::Value(Arc::new(self.part(value))),
        }
    }

    /// The value under a name of a text or an array, which has its length and its elements.
    pub(crate) fn member(&self, name: &str) -> Option<Self> {
        let length = |length: usize| (name == "length").then(|| Value::from(length));
        let index = || name.parse::<usize>().ok();
        let value = match &self.value {
            Value::String(text) => length(text.encode_utf16().count()),
            Value::Array(items) => index().and_then(|index| items.get(index).cloned()).or_else(|| length(items.len())),
            _ => None,
        };
        value.map(|value| self.part(value))
    }

    /// The value as an object that a guest can refer to, or none where it is null.
    pub(crate) fn into_object(self) -> Result<Option<JsObject>, Error> {
        let value = match self.into_member() {
            Member::Object(object) => return Ok(Some(object)),
            Member::Value(value) => value,
            Member::Accessor(_) => unreachable!("a value has no functions"),
        };
        match &value.value {
            Value::Null => Ok(None),
            Value::Array(items) => {
                let members: BTreeMap<_, _> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| (index.to_string(), value.part(item.clone()).into_member()))
                    .chain([("length".to_owned(), value.part(Value::from(items.len())).into_member())])
                    .collect();
                Ok(Some(JsObject::from_members(members)))
            }
            Value::Object(fields) if let Some(Special::Bytes(bytes, _)) = value.beside.special(fields) => {
                Ok(Some(JsObject::from_source(Source::from_bytes(bytes.clone()))))
            }
            Value::String(text) => Err(no_object(text)),
            other => Err(no_object(&other.to_string())),
        }
    }

    /// Reads the value as a `T`. `name` stands for it in errors.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let misfit = |error| {
            let wanted = std::any::type_name::<T>();
            Error::new(ErrorKind::BadArguments, format!("The value '{name}' is no {wanted}: {error}."))
        };
        let (message, objects) = scope::write(self, Objects::List(Lists::default()), std::ptr::null(), misfit)?;
        let nowhere = Hold::weak(Weak::new());
        scope::read(&message.json, message.bytes, objects, nowhere, |json| scope::from_json(json), misfit)
    }
}

fn no_object(value: &str) -> Error {
    js_failed(format!("Cannot create a JSObjectReference from the value '{value}'."))
}

impl Beside {
    /// Takes what the placeholders in a value stand for out of the message that is being read.
    fn take<E: de::Error>(&mut self, value: &mut Value) -> Result<(), E> {
        let fields = match value {
            Value::Array(items) => return items.iter_mut().try_for_each(|item| self.take(item)),
            Value::Object(fields) => fields,
            _ => return Ok(()),
        };
        let (key, index) = if let Some(index) = fields.get(key::BYTES).and_then(Value::as_u64) {
            self.bytes.push(scope::with_bytes(index, |bytes| Ok(bytes.to_vec()))?);
            (key::BYTES, self.bytes.len() - 1)
        } else if let Some(id) = fields.get(key::JS_OBJECT).and_then(Value::as_i64) {
            self.objects.js.push(scope::read_object(id)?);
            (key::JS_OBJECT, self.objects.js.len() - 1)
        } else if let Some(id) = fields.get(key::DOT_NET_OBJECT).and_then(Value::as_i64) {
            self.objects.dot_net.push(scope::read_dot_net_object(id)?);
            (key::DOT_NET_OBJECT, self.objects.dot_net.len() - 1)
        } else {
            return fields.values_mut().try_for_each(|field| self.take(field));
        };
        fields.insert(key.to_owned(), Value::from(index));
        Ok(())
    }
}

impl<'de> Deserialize<'de> for JsValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(deserializer)?;
        let mut beside = Beside::default();
        beside.take(&mut value)?;
        Ok(Self { value, beside: Arc::new(beside) })
    }
}

impl fmt::Debug for JsValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsValue").field(&self.value).finish()
    }
}

impl Serialize for JsValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Part { value: &self.value, beside: &self.beside }.serialize(serializer)
    }
}

struct Part<'a> {
    value: &'a Value,
    beside: &'a Beside,
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = |value| Self { value, beside: self.beside };
        match self.value {
            Value::Array(items) => {
                let mut array = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| array.serialize_element(&part(item)))?;
                array.end()
            }
            Value::Object(fields) => match self.beside.special(fields) {
                Some(Special::Bytes(bytes, kind)) => numbers::serialize(serializer, kind, bytes.clone()),
                Some(Special::Object(object)) => object.serialize(serializer),
                Some(Special::Stream(object)) => JsStream::of(object).serialize(serializer),
                Some(Special::DotNetObject(object)) => object.serialize(serializer),
                None => {
                    let mut map = serializer.serialize_map(Some(fields.len()))?;
                    fields.iter().try_for_each(|(name, field)| map.serialize_entry(name, &part(field)))?;
                    map.end()
                }
            },
            scalar => scalar.serialize(serializer),
        }
    }
}
