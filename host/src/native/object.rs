//! Objects of a native page: how they are built and read, and how they answer requests.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use dotwit_wire::placeholder::{self, JS_OBJECT, JS_STREAM_LENGTH, Placeholder};
use serde::de::{self, DeserializeOwned, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::contract::message::Message;
use crate::contract::request::{Operation, Request, ResultType};
use crate::error::Error;
use crate::native::function::{CallContext, Function, FunctionError, Reply};
use crate::native::model::{Accessor, JsObject, JsValue, Member};
use crate::native::snapshot::Snapshot;
use crate::value::{custom_error, read_object, write_object};

impl JsObject {
    /// Adds a function. It runs while the guest is on the stack if the guest calls it synchronously.
    #[must_use]
    pub fn function<A, R>(
        self,
        name: &str,
        function: impl Fn(A) -> Result<R, FunctionError> + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
    {
        self.define(name, Member::Object(Self::from_function(Function::new(function))))
    }

    /// Adds an asynchronous function, which a guest can only call asynchronously. Its future is polled once where the function is
    /// called, and from then on by a Tokio runtime of this crate, with its timers and its I/O. It is dropped when the guest cancels
    /// the call.
    #[must_use]
    pub fn async_function<A, R, F>(self, name: &str, function: impl Fn(A) -> F + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
        F: Future<Output = Result<R, FunctionError>> + Send + 'static,
    {
        self.define(name, Member::Object(Self::from_function(Function::new_async(function))))
    }

    /// Adds a constructor, which a guest calls for new objects.
    #[must_use]
    pub fn constructor<A: DeserializeOwned>(
        self,
        name: &str,
        constructor: impl Fn(A) -> Result<Self, FunctionError> + Send + Sync + 'static,
    ) -> Self {
        self.define(name, Member::Object(Self::from_constructor(Function::new(constructor))))
    }

    /// Adds a value, which a guest may read and assign. The fields of a value that serialises to a JSON object are members as well.
    ///
    /// # Panics
    ///
    /// If the value cannot be serialised to JSON. [`set`](Self::set) returns an error instead.
    #[must_use]
    pub fn value(self, name: &str, value: impl Serialize) -> Self {
        if let Err(error) = self.set(name, value) {
            panic!("{error}");
        }
        self
    }

    /// Adds a value that is computed when a guest reads it.
    #[must_use]
    pub fn getter<R: Serialize>(
        self,
        name: &str,
        getter: impl Fn() -> Result<R, FunctionError> + Send + Sync + 'static,
    ) -> Self {
        self.accessor(name, |accessor| accessor.get = Some(Function::new(move |()| getter())))
    }

    /// Adds a function that is called with what a guest assigns to this name.
    #[must_use]
    pub fn setter<A: DeserializeOwned>(
        self,
        name: &str,
        setter: impl Fn(A) -> Result<(), FunctionError> + Send + Sync + 'static,
    ) -> Self {
        self.accessor(name, |accessor| accessor.set = Some(Function::new(move |(value,)| setter(value))))
    }

    /// Adds another object.
    #[must_use]
    pub fn object(self, name: &str, object: Self) -> Self {
        self.define(name, Member::Object(object))
    }

    /// Reads the value under a dotted name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::JsFailed`](crate::ErrorKind::JsFailed) where there is none, [`ErrorKind::BadArguments`](crate::ErrorKind::BadArguments) where it is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        if let Some(value) = self.inside(name) {
            return value?.read(name);
        }
        let (parent, last) = self.parent(name)?;
        let value = match parent.member(last) {
            Some(Member::Value(value)) => value,
            Some(Member::Object(object)) if object.call().is_some() || object.source().is_some() => {
                Arc::new(JsValue::new(&object)?)
            }
            Some(Member::Object(object)) => Arc::new(JsValue::new(&Snapshot::of(&object))?),
            Some(Member::Accessor(Accessor { get: Some(get), .. })) => get.compute(name)?,
            Some(Member::Accessor(_)) | None => return Err(not_readable(name)),
        };
        value.read(name)
    }

    /// Assigns the value under a dotted name, which need not exist yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadArguments`](crate::ErrorKind::BadArguments) if it cannot be serialised to JSON.
    pub fn set(&self, name: &str, value: impl Serialize) -> Result<(), Error> {
        let member = JsValue::new(&value)?.into_member();
        self.clone().define(name, member);
        Ok(())
    }

    /// Puts a member where a dotted name leads, and creates the objects on the way.
    fn define(self, name: &str, member: Member) -> Self {
        let mut parent = self.clone();
        let mut last = name;
        while let Some((first, rest)) = last.split_once('.') {
            let next = match parent.member(first) {
                Some(Member::Object(object)) => object,
                _ => {
                    let made = Self::new();
                    parent.insert(first, Member::Object(made.clone()));
                    made
                }
            };
            parent = next;
            last = rest;
        }
        parent.insert(last, member);
        self
    }

    fn accessor(self, name: &str, change: impl FnOnce(&mut Accessor)) -> Self {
        let found = self.parent(name).ok().and_then(|(parent, last)| parent.member(last));
        let mut accessor = match found {
            Some(Member::Accessor(accessor)) => accessor,
            _ => Accessor::default(),
        };
        change(&mut accessor);
        self.define(name, Member::Accessor(accessor))
    }

    /// Returns the object whose member a dotted identifier names, and the member's name.
    fn parent<'i>(&self, identifier: &'i str) -> Result<(Self, &'i str), Error> {
        let Some((path, last)) = identifier.rsplit_once('.') else { return Ok((self.clone(), identifier)) };
        let mut parent = self.clone();
        for segment in path.split('.') {
            let Some(Member::Object(object)) = parent.member(segment) else {
                return Err(Error::js_failed(format!("Could not find '{identifier}' ('{segment}' was undefined).")));
            };
            parent = object;
        }
        Ok((parent, last))
    }

    /// Returns the value that a dotted identifier names, if it is inside a text or an array.
    fn inside(&self, identifier: &str) -> Option<Result<JsValue, Error>> {
        let (path, last) = identifier.rsplit_once('.')?;
        let (parent, name) = self.parent(path).ok()?;
        let Some(Member::Value(value)) = parent.member(name) else { return None };
        Some(value.member(last).ok_or_else(|| not_readable(identifier)))
    }

    /// Does what a guest asks for, or returns the future of it.
    pub(crate) fn answer(&self, context: &CallContext, request: Request) -> Result<Reply, Error> {
        let Request { identifier, operation, result_type, args, .. } = request;
        if let Some(value) = self.inside(&identifier).filter(|_| operation == Operation::Get) {
            return context.reply(&value?, result_type).map(Reply::Ready);
        }
        let (parent, last) = self.parent(&identifier)?;
        let member = parent.member(last);
        match operation {
            Operation::Call | Operation::Construct => {
                let function = match &member {
                    Some(Member::Object(object)) if operation == Operation::Call => object.call(),
                    Some(Member::Object(object)) => object.construct(),
                    _ => None,
                };
                let what = || Error::js_failed(format!("The value '{identifier}' is not a function."));
                function.ok_or_else(what)?.call(context, &identifier, args, result_type)
            }
            Operation::Get => match member {
                Some(Member::Value(value)) => context.reply(&*value, result_type).map(Reply::Ready),
                Some(Member::Object(object)) if result_type == ResultType::Json => {
                    context.reply(&Snapshot::of(&object), result_type).map(Reply::Ready)
                }
                Some(Member::Object(object)) => context.reply(&object, result_type).map(Reply::Ready),
                Some(Member::Accessor(Accessor { get: Some(get), .. })) => {
                    get.call(context, &identifier, Message::from_json("[]"), result_type)
                }
                Some(Member::Accessor(_)) | None => Err(not_readable(&identifier)),
            },
            Operation::Set => match member {
                Some(Member::Accessor(Accessor { set: Some(set), .. })) => {
                    set.call(context, &identifier, args, result_type)
                }
                Some(Member::Accessor(_)) => {
                    Err(Error::js_failed(format!("The property '{identifier}' is not writable.")))
                }
                Some(Member::Value(_) | Member::Object(_)) | None => {
                    let (value,): (JsValue,) = context.read(&identifier, args)?;
                    let answer = context.reply(&value, result_type)?;
                    parent.insert(last, value.into_member());
                    Ok(Reply::Ready(answer))
                }
            },
        }
    }
}

fn not_readable(identifier: &str) -> Error {
    Error::js_failed(format!("The property '{identifier}' is not defined or is not readable."))
}

/// Returns the object with this id of the message that is being read.
pub(crate) fn read_js_object<E: de::Error>(id: i64) -> Result<JsObject, E> {
    JsObject::from_handle(read_object(id)?).map_err(custom_error)
}

impl Serialize for JsObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        placeholder::serialize(
            serializer,
            JS_OBJECT,
            write_object(self.clone().into_handle(), self.source().is_some())?,
        )
    }
}

impl<'de> Deserialize<'de> for JsObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = JsObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reference to an object of the page")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<JsObject, A::Error> {
                let (id, _) = Placeholder::new(JS_OBJECT, "").with::<u64>(JS_STREAM_LENGTH).visit_map(map)?;
                read_js_object(id)
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}
