//! Values of a native page: JSON, with the byte arrays and the objects that stand in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Weak};

use dotwit_wire::byte_arrays;
use dotwit_wire::numbers::PLAIN;
use dotwit_wire::placeholder::{AS, BYTES, DOT_NET_OBJECT, DOT_NET_STREAM, JS_OBJECT, JS_STREAM_LENGTH};
use serde::de::DeserializeOwned;
use serde::ser::{SerializeMap as _, SerializeSeq as _, Serializer};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::native::model::{Attachments, JsObject, JsValue, Member};
use crate::native::object::read_js_object;
use crate::native::source::Source;
use crate::native::stream::JsStream;
use crate::session::core::SessionRef;
use crate::value::object::DotNetObject;
use crate::value::{self, Lists, Objects};

/// What a JSON object stands for if it is a placeholder.
enum Placeholder<'a> {
    /// Bytes, and the kind of numbers in them.
    Bytes(&'a Vec<u8>, &'a str),
    Object(&'a JsObject),
    Stream(&'a JsObject),
    DotNetObject(&'a DotNetObject),
}

impl Attachments {
    fn placeholder<'a>(&'a self, fields: &'a Map<String, Value>) -> Option<Placeholder<'a>> {
        let index = |key| fields.get(key).and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
        if let Some(bytes) = index(BYTES).and_then(|index| self.bytes.get(index)) {
            return Some(Placeholder::Bytes(bytes, fields.get(AS).and_then(Value::as_str).unwrap_or(PLAIN)));
        }
        if let Some(object) = index(DOT_NET_OBJECT).and_then(|index| self.dot_net_objects.get(index)) {
            return Some(Placeholder::DotNetObject(object));
        }
        let object = index(JS_OBJECT).and_then(|index| self.objects.get(index))?;
        Some(if fields.contains_key(JS_STREAM_LENGTH) {
            Placeholder::Stream(object)
        } else {
            Placeholder::Object(object)
        })
    }
}

impl JsValue {
    /// Returns `value` as a value of a page.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadArguments`] if it cannot be serialised to JSON.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let bad =
            |error| Error::new(ErrorKind::BadArguments, format!("The value cannot be serialised to JSON: {error}."));
        let (message, objects) = value::write(value, Objects::List(Lists::default()), std::ptr::null(), bad)?;
        let Objects::List(Lists { js, dot_net }) = objects else { unreachable!("lists stay lists") };
        let value = serde_json::from_str(&message.json).map_err(bad)?;
        let objects = js.into_iter().map(JsObject::from_handle).collect::<Result<_, _>>()?;
        Ok(Self {
            value,
            attachments: Arc::new(Attachments { bytes: message.bytes, objects, dot_net_objects: dot_net }),
        })
    }

    fn part(&self, value: Value) -> Self {
        Self { value, attachments: Arc::clone(&self.attachments) }
    }

    /// Returns the value as a member: an object, if it is one.
    pub(crate) fn into_member(mut self) -> Member {
        match self.value.take() {
            Value::Object(fields) => match self.attachments.placeholder(&fields) {
                Some(Placeholder::Object(object) | Placeholder::Stream(object)) => Member::Object(object.clone()),
                None if !fields.contains_key(DOT_NET_STREAM) => {
                    let members = fields.into_iter().map(|(name, value)| (name, self.part(value).into_member()));
                    Member::Object(JsObject::from_members(members.collect()))
                }
                _ => Member::Value(Arc::new(self.part(Value::Object(fields)))),
            },
            value => Member::Value(Arc::new(self.part(value))),
        }
    }

    /// Returns a member of a text or an array: its length, or one of its elements.
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

    /// Returns the value as an object that a guest can refer to, or none if it is null.
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
            Value::Object(fields) if let Some(Placeholder::Bytes(bytes, _)) = value.attachments.placeholder(fields) => {
                Ok(Some(JsObject::from_source(Source::from_bytes(bytes.clone()))))
            }
            Value::String(text) => Err(no_object(text)),
            other => Err(no_object(&other.to_string())),
        }
    }

    /// Reads the value as a `T`. `name` stands for it in errors.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let wrong_type = |error| {
            let wanted = std::any::type_name::<T>();
            Error::new(ErrorKind::BadArguments, format!("The value '{name}' is not a {wanted}: {error}."))
        };
        let (message, objects) = value::write(self, Objects::List(Lists::default()), std::ptr::null(), wrong_type)?;
        let nowhere = SessionRef::weak(Weak::new());
        value::read(&message.json, message.bytes, objects, nowhere, |json| value::from_json(json), wrong_type)
    }
}

fn no_object(value: &str) -> Error {
    Error::js_failed(format!("Cannot create a JSObjectReference from the value '{value}'."))
}

impl Attachments {
    /// Takes what the placeholders in a value stand for out of the message that is being read, and renumbers them.
    fn take<E: de::Error>(&mut self, value: &mut Value) -> Result<(), E> {
        let fields = match value {
            Value::Array(items) => return items.iter_mut().try_for_each(|item| self.take(item)),
            Value::Object(fields) => fields,
            _ => return Ok(()),
        };
        let (key, index) = if let Some(index) = fields.get(BYTES).and_then(Value::as_i64) {
            self.bytes.push(byte_arrays::with(index, |bytes| Ok(bytes.to_vec()))?);
            (BYTES, self.bytes.len() - 1)
        } else if let Some(id) = fields.get(JS_OBJECT).and_then(Value::as_i64) {
            self.objects.push(read_js_object(id)?);
            (JS_OBJECT, self.objects.len() - 1)
        } else if let Some(id) = fields.get(DOT_NET_OBJECT).and_then(Value::as_i64) {
            self.dot_net_objects.push(value::read_dot_net_object(id)?);
            (DOT_NET_OBJECT, self.dot_net_objects.len() - 1)
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
        let mut attachments = Attachments::default();
        attachments.take(&mut value)?;
        Ok(Self { value, attachments: Arc::new(attachments) })
    }
}

impl fmt::Debug for JsValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("JsValue").field(&self.value).finish()
    }
}

impl Serialize for JsValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ValueRef { value: &self.value, attachments: &self.attachments }.serialize(serializer)
    }
}

struct ValueRef<'a> {
    value: &'a Value,
    attachments: &'a Attachments,
}

impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = |value| Self { value, attachments: self.attachments };
        match self.value {
            Value::Array(items) => {
                let mut array = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| array.serialize_element(&part(item)))?;
                array.end()
            }
            Value::Object(fields) => match self.attachments.placeholder(fields) {
                Some(Placeholder::Bytes(bytes, kind)) => byte_arrays::serialize(serializer, kind, bytes.clone()),
                Some(Placeholder::Object(object)) => object.serialize(serializer),
                Some(Placeholder::Stream(object)) => JsStream::of(object).serialize(serializer),
                Some(Placeholder::DotNetObject(object)) => object.serialize(serializer),
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
