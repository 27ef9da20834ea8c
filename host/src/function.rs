//! Functions of a native page: closures over Rust types, called with messages.

use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use serde::de::value::UnitDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Serialize, forward_to_deserialize_any};

use crate::bindings::types::Message;
use crate::error::{Error, ErrorKind};
use crate::executor::Work;
use crate::js_object::{JsObject, Table, js_failed};
use crate::js_stream::JsStream;
use crate::js_value::JsValue;
use crate::page::Want;
use crate::scope::{self, Objects};
use crate::shared::{Hold, Shared};

/// What a function of a page fails with: any error, which becomes the guest's `js-failed` with the same message.
pub type FunctionError = Box<dyn std::error::Error + Send + Sync>;

/// Where a function is called.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) session: Weak<Shared>,
    pub(crate) table: Arc<Table>,
}

/// What comes of a call.
pub(crate) enum Answer {
    Now(Message),
    Later(Work<Message>),
}

/// A function of a page.
#[derive(Clone)]
pub(crate) struct Function(Arc<Body>);

type Body = dyn Fn(&Scene, &str, Message, Want) -> Result<Answer, Error> + Send + Sync;

impl Function {
    pub(crate) fn new<A, R>(function: impl Fn(A) -> Result<R, FunctionError> + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
    {
        Self(Arc::new(move |scene, name, args, want| {
            let args = scene.read(name, args)?;
            let result = scene.guard(name, || function(args))?.map_err(|error| thrown(&*error))?;
            scene.reply(&result, want).map(Answer::Now)
        }))
    }

    pub(crate) fn new_async<A, R, F>(function: impl Fn(A) -> F + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
        F: Future<Output = Result<R, FunctionError>> + Send + 'static,
    {
        Self(Arc::new(move |scene, name, args, want| {
            let args = scene.read(name, args)?;
            let future = Box::pin(scene.guard(name, || function(args))?);
            let scene = scene.clone();
            let result = Guarded { future, name: name.to_owned(), scene: scene.clone() };
            Ok(Answer::Later(Box::pin(async move {
                let result = result.await?.map_err(|error| thrown(&*error))?;
                scene.reply(&result, want)
            })))
        }))
    }

    pub(crate) fn call(&self, scene: &Scene, name: &str, args: Message, want: Want) -> Result<Answer, Error> {
        (self.0)(scene, name, args, want)
    }

    /// Calls a function that needs no arguments, for the page itself.
    pub(crate) fn compute(&self, name: &str) -> Result<Arc<JsValue>, Error> {
        let scene = Scene { session: Weak::new(), table: Arc::new(Table::new(JsObject::new())) };
        let Answer::Now(message) = self.call(&scene, name, Message::from("[]"), Want::Json)? else {
            unreachable!("getters are not asynchronous")
        };
        let args = Message { json: format!("[{}]", message.json), bytes: message.bytes };
        scene.read::<(JsValue,)>(name, args).map(|(value,)| Arc::new(value))
    }
}

impl Scene {
    /// Reads the arguments of a call.
    pub(crate) fn read<A: DeserializeOwned>(&self, name: &str, args: Message) -> Result<A, Error> {
        let objects = Objects::from(&self.table);
        let read = |json: &str| {
            let mut json = serde_json::Deserializer::from_str(json);
            let args = A::deserialize(Arguments(&mut json))?;
            json.end().map(|()| args)
        };
        scope::read(&args.json, args.bytes, objects, Hold::weak(self.session.clone()), read, |error| {
            let what = format!("The arguments of the call to '{name}' do not fit: {error}.");
            Error::new(ErrorKind::BadArguments, what)
        })
    }

    /// Writes the result of a call as it is wanted.
    pub(crate) fn reply<R: Serialize + ?Sized>(&self, result: &R, want: Want) -> Result<Message, Error> {
        match want {
            Want::Nothing => Ok(Message::from("null")),
            Want::Json => self.write(result),
            Want::Object => match JsValue::new(result)?.into_object()? {
                Some(object) => self.write(&object),
                None => Ok(Message::from(r#"{"__jsObjectId":-1}"#)),
            },
            Want::Stream => {
                let object = JsValue::new(result)?.into_object()?;
                let stream = object.filter(|object| object.source().is_some());
                let stream = stream.ok_or_else(|| js_failed("Supplied value is not a typed array or blob."))?;
                self.write(&JsStream::of(&stream))
            }
        }
    }

    fn write<R: Serialize + ?Sized>(&self, result: &R) -> Result<Message, Error> {
        let bad = |error| js_failed(format!("The result cannot be serialised to JSON: {error}."));
        scope::write(result, Objects::from(&self.table), self.session.as_ptr(), bad).map(|(message, _)| message)
    }

    /// Runs a function, or polls it, and makes an error of its panic.
    fn guard<T>(&self, name: &str, run: impl FnOnce() -> T) -> Result<T, Error> {
        let outer = SESSION.replace(Weak::clone(&self.session));
        let result = catch_unwind(AssertUnwindSafe(run));
        SESSION.set(outer);
        result.map_err(|panic| js_failed(format!("The function '{name}' panicked: {}", text(&*panic))))
    }

    pub(crate) fn object(&self, id: i64) -> Result<JsObject, Error> {
        self.table.get(id)
    }
}

/// The error of a function as the guest sees it.
fn thrown(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    let mut detail = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        detail.push(error.to_string());
        cause = error.source();
    }
    if let Some(error) = error.downcast_ref::<Error>() {
        detail.extend(error.detail().map(str::to_owned));
    }
    let thrown = js_failed(error.to_string());
    if detail.is_empty() { thrown } else { thrown.with_detail(detail.join("\n")) }
}

thread_local! {
    static SESSION: RefCell<Weak<Shared>> = const { RefCell::new(Weak::new()) };
}

/// The session that called the function which this thread runs.
pub(crate) fn session() -> Option<Arc<Shared>> {
    SESSION.with_borrow(Weak::upgrade)
}

/// What a panic says.
pub(crate) fn text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

/// A future whose panic is an error.
struct Guarded<F> {
    future: Pin<Box<F>>,
    name: String,
    scene: Scene,
}

impl<F: Future> Future for Guarded<F> {
    type Output = Result<F::Output, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match this.scene.guard(&this.name, || this.future.as_mut().poll(cx)) {
            Ok(poll) => poll.map(Ok),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

/// The arguments of a call, which a tuple may take fewer or more of, as functions of scripts do: those that are missing are
/// null, and more are ignored.
struct Arguments<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Arguments<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_seq(Taken { visitor, wanted: None })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_seq(IgnoredAny)?;
        visitor.visit_unit()
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, wanted: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_seq(Taken { visitor, wanted: Some(wanted) })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        wanted: usize,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_tuple(wanted, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        newtype_struct seq map struct enum identifier ignored_any
    }
}

/// Visits as many elements of an array as are wanted, or all.
struct Taken<V> {
    visitor: V,
    wanted: Option<usize>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Taken<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the array of the arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<V::Value, A::Error> {
        let elements = Elements { array: &mut array, wanted: self.wanted, taken: 0 };
        let value = self.visitor.visit_seq(elements)?;
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }
}

struct Elements<'a, A> {
    array: &'a mut A,
    wanted: Option<usize>,
    taken: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, A::Error> {
        if self.wanted.is_some_and(|wanted| self.taken >= wanted) {
            return Ok(None);
        }
        self.taken += 1;
        let mut seed = Some(seed);
        let read = self.array.next_element_seed(Once(&mut seed));
        let value = match (read, seed) {
            (Ok(None), Some(seed)) if self.wanted.is_some() => {
                seed.deserialize(UnitDeserializer::<A::Error>::new()).map(Some)
            }
            (read, _) => read,
        };
        value.map_err(|error| de::Error::custom(format_args!("argument {}: {error}", self.taken)))
    }
}

/// A seed that can be had back where there was nothing to read.
struct Once<'a, T>(&'a mut Option<T>);

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Once<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        let seed = self.0.take().ok_or_else(|| de::Error::custom("an element is read once"))?;
        seed.deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn args<A: DeserializeOwned>(json: &str) -> Result<A, String> {
        let scene = Scene { session: Weak::new(), table: Arc::new(Table::new(JsObject::new())) };
        scene.read("f", Message::from(json)).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn arguments_may_be_missing_or_more() {
        assert_eq!(args("[1,2]"), Ok((1, 2)));
        assert_eq!(args("[1,2,[3]]"), Ok((1, 2)));
        assert_eq!(args("[1]"), Ok((1, None::<i32>)));
        assert_eq!(args("[]"), Ok(()));
        assert_eq!(args("[1,2]"), Ok(()));
        assert_eq!(args("[1,\"2\"]"), Ok(vec![json!(1), json!("2")]));
        assert_eq!(args("[]"), Ok(Vec::<Value>::new()));
    }

    #[test]
    fn arguments_that_do_not_fit_are_named() {
        for (error, parts) in [
            (args::<(i32, i32)>("[1]").unwrap_err(), ["argument 2", "null"]),
            (args::<(i32, i32)>("[1,\"2\"]").unwrap_err(), ["argument 2", "string"]),
            (args::<(i32,)>("{}").unwrap_err(), ["'f'", "the array of the arguments"]),
            (args::<(i32,)>("[1").unwrap_err(), ["'f'", "EOF"]),
            (args::<(i32,)>("[1] 2").unwrap_err(), ["'f'", "trailing"]),
        ] {
            for part in parts {
                assert!(error.contains(part), "{part:?} is not in {error:?}");
            }
        }
    }
}
