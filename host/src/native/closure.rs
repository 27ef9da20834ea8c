//! Rust closures as functions of a page.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::contract::message::Message;
use crate::contract::request::ResultType;
use crate::error::{Error, ErrorKind, panic_message};
use crate::native::arguments::Arguments;
use crate::native::function::{CallContext, Function, FunctionError, Reply};
use crate::native::model::{JsObject, JsValue};
use crate::native::stream::JsStream;
use crate::session::core::{SessionRef, with_current};
use crate::session::object_table::ObjectTable;
use crate::value::{self, Objects};

impl Function {
    pub(crate) fn new<A, R>(function: impl Fn(A) -> Result<R, FunctionError> + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
    {
        Self::from_body(move |context, name, args, result_type| {
            let args = context.read(name, args)?;
            let result = context.guard(name, || function(args))?.map_err(|error| to_js_error(&*error))?;
            context.reply(&result, result_type).map(Reply::Ready)
        })
    }

    pub(crate) fn new_async<A, R, F>(function: impl Fn(A) -> F + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
        F: Future<Output = Result<R, FunctionError>> + Send + 'static,
    {
        Self::from_body(move |context, name, args, result_type| {
            let args = context.read(name, args)?;
            let future = Box::pin(context.guard(name, || function(args))?);
            let context = context.clone();
            let result = Guarded { future, name: name.to_owned(), context: context.clone() };
            Ok(Reply::Pending(Box::pin(async move {
                let result = result.await?.map_err(|error| to_js_error(&*error))?;
                context.reply(&result, result_type)
            })))
        })
    }

    /// Calls a getter for the program itself, without a session.
    pub(crate) fn compute(&self, name: &str) -> Result<Arc<JsValue>, Error> {
        let context =
            CallContext { session: Weak::new(), table: Arc::new(ObjectTable::new(JsObject::new().into_handle())) };
        let Reply::Ready(message) = self.call(&context, name, Message::from_json("[]"), ResultType::Json)? else {
            unreachable!("getters are not asynchronous")
        };
        let args = Message { json: format!("[{}]", message.json), bytes: message.bytes };
        context.read::<(JsValue,)>(name, args).map(|(value,)| Arc::new(value))
    }
}

impl CallContext {
    /// Reads the arguments of a call.
    pub(crate) fn read<A: DeserializeOwned>(&self, name: &str, args: Message) -> Result<A, Error> {
        let objects = Objects::from(&self.table);
        let read = |json: &str| {
            let mut json = serde_json::Deserializer::from_str(json);
            let args = A::deserialize(Arguments(&mut json))?;
            json.end().map(|()| args)
        };
        value::read(&args.json, args.bytes, objects, SessionRef::weak(self.session.clone()), read, |error| {
            let what = format!("The arguments of the call to '{name}' do not fit: {error}.");
            Error::new(ErrorKind::BadArguments, what)
        })
    }

    /// Writes the result of a call as a result type.
    pub(crate) fn reply<R: Serialize + ?Sized>(&self, result: &R, result_type: ResultType) -> Result<Message, Error> {
        match result_type {
            ResultType::Nothing => Ok(Message::from_json("null")),
            ResultType::Json => self.write(result),
            ResultType::Object => match JsValue::new(result)?.into_object()? {
                Some(object) => self.write(&object),
                None => Ok(Message::from_json(r#"{"__jsObjectId":-1}"#)),
            },
            ResultType::Stream => {
                let object = JsValue::new(result)?.into_object()?;
                let stream = object.filter(|object| object.source().is_some());
                let stream = stream.ok_or_else(|| Error::js_failed("Supplied value is not a typed array or blob."))?;
                self.write(&JsStream::of(&stream))
            }
        }
    }

    fn write<R: Serialize + ?Sized>(&self, result: &R) -> Result<Message, Error> {
        let bad = |error| Error::js_failed(format!("The result cannot be serialised to JSON: {error}."));
        value::write(result, Objects::from(&self.table), self.session.as_ptr(), bad).map(|(message, _)| message)
    }

    /// Runs a function, or polls it. A panic becomes an error.
    fn guard<T>(&self, name: &str, run: impl FnOnce() -> T) -> Result<T, Error> {
        with_current(&self.session, run)
            .map_err(|panic| Error::js_failed(format!("The function '{name}' panicked: {}", panic_message(&*panic))))
    }
}

/// Returns the error of a function as the guest sees it, with its causes as the detail.
fn to_js_error(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    let detail = match error.downcast_ref::<Error>() {
        Some(error) => error.detail().map(str::to_owned),
        None => error.source().map(|source| {
            let causes = std::iter::successors(Some(source), |cause| cause.source());
            causes.map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }),
    };
    let failed = Error::js_failed(error.to_string());
    match detail {
        Some(detail) => failed.with_detail(detail),
        None => failed,
    }
}

/// A future whose panics become errors.
struct Guarded<F> {
    future: Pin<Box<F>>,
    name: String,
    context: CallContext,
}

impl<F: Future> Future for Guarded<F> {
    type Output = Result<F::Output, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match this.context.guard(&this.name, || this.future.as_mut().poll(cx)) {
            Ok(poll) => poll.map(Ok),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn args<A: DeserializeOwned>(json: &str) -> Result<A, String> {
        let context =
            CallContext { session: Weak::new(), table: Arc::new(ObjectTable::new(JsObject::new().into_handle())) };
        context.read("f", Message::from_json(json)).map_err(|error| error.message().to_owned())
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
