//! How a call to the page is made, and the future of its result.

use std::any::TypeId;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use dotwit_wire::json;
use dotwit_wire::limits::{MAX_DEPTH, MAX_PENDING_CALLS};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{IncomingMessage, KeepAlive, Reader, ToJson, deserialize_error, write_arguments};
use crate::error::{Error, ErrorKind};
use crate::message::Message;
use crate::page::current::{page, try_page};
use crate::page::{Operation, Request, ResultType};
use crate::pending::{self, PendingReply};
use crate::task;
use crate::value::js_object::JsObjectReference;
use crate::value::js_stream::JsStreamReference;

/// The arguments of a call to the page: a tuple, `(value,)` for one and `()` for none, of what implements
/// `serde::Serialize`.
///
/// A list is as many arguments as it has elements, for calls whose number of arguments is known only at run time: an array, a
/// slice, a `Vec`, or a `serde_json::Value` that is an array. So `vec![1, 2]` is two arguments, and `(vec![1, 2],)` is one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the arguments of a call to the page",
    label = "not a tuple",
    note = "arguments are a tuple: `(value,)` for one, `()` for none"
)]
pub trait Arguments: sealed::Sealed + Serialize {}

mod sealed {
    pub trait Sealed {}
}

impl<A: Arguments + ?Sized> Arguments for &A {}
impl<A: sealed::Sealed + ?Sized> sealed::Sealed for &A {}

impl<T: Serialize> Arguments for [T] {}
impl<T> sealed::Sealed for [T] {}

impl<T, const N: usize> Arguments for [T; N] where Self: Serialize {}
impl<T, const N: usize> sealed::Sealed for [T; N] {}

impl<T: Serialize> Arguments for Vec<T> {}
impl<T> sealed::Sealed for Vec<T> {}

impl Arguments for serde_json::Value {}
impl sealed::Sealed for serde_json::Value {}

impl Arguments for () {}
impl sealed::Sealed for () {}

macro_rules! tuples {
    ($($first:ident $($rest:ident)*)?) => {$(
        impl<$first: Serialize, $($rest: Serialize),*> Arguments for ($first, $($rest,)*) {}
        impl<$first, $($rest),*> sealed::Sealed for ($first, $($rest,)*) {}
        tuples!($($rest)*);
    )?};
}

// As many as serde implements `Serialize` for.
tuples!(A B C D E F G H I J K L M N O P);

/// A type that the result of a call to the page can be read as: anything that implements `serde::Deserialize` and owns its
/// data.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from what the page returns",
    label = "not deserialisable",
    note = "a result implements `serde::Deserialize` and owns its data; if it does not matter, call `invoke_void`"
)]
pub trait Returned: DeserializeOwned + 'static {}

#[diagnostic::do_not_recommend]
impl<R: DeserializeOwned + 'static> Returned for R {}

/// A call to the page that is under way, and the future of its result.
///
/// The call has begun: awaiting it only waits for its end. Dropping it cancels it: a page function that asked for its
/// `AbortSignal` is told, and its result is lost.
///
/// # Errors
///
/// - The page's error: [`ErrorKind::JsFailed`] if a function threw, with its message, and its stack as the detail.
/// - [`ErrorKind::BadArguments`] if the arguments cannot be sent, [`ErrorKind::NoSuchObject`] if the call is for a reference
///   that was disposed of, and [`ErrorKind::TooMany`] if too many calls are under way. The page is not asked then.
/// - [`ErrorKind::Failed`] if the result does not fit `R`.
/// - [`ErrorKind::TimedOut`] after its [`timeout`](Self::timeout).
///
/// # Panics
///
/// If it is polled after it has returned its result.
#[must_use = "dropping a call cancels it; `detach` lets it run"]
pub struct Call<R> {
    identifier: Box<str>,
    state: State,
    timeout: Option<(Duration, task::Sleep)>,
    result: PhantomData<fn() -> R>,
}

enum State {
    /// It could not begin.
    Refused(Error),
    Pending(PendingReply<IncomingMessage>),
    Ended,
}

impl<R: Returned> Call<R> {
    /// Begins a call.
    pub(crate) fn begin<A>(target: &JsObjectReference, identifier: &str, operation: Operation, args: A) -> Self
    where
        A: Serialize,
    {
        let state = Asked { target, identifier, operation, result_type: result_type::<R>() }.begin(&args);
        Self { identifier: identifier.into(), state, timeout: None, result: PhantomData }
    }

    /// Ends the call with [`ErrorKind::TimedOut`], and cancels it, if it takes longer than this from now on.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some((limit, task::sleep(limit)));
        self
    }

    /// Lets the call run, up to its timeout if it has one, and ignores its result or error.
    pub fn detach(mut self) {
        if self.timeout.is_some() {
            task::spawn(self);
        } else {
            self.state = State::Ended;
        }
    }
}

impl<R: Returned> Future for Call<R> {
    type Output = Result<R, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let outcome = match std::mem::replace(&mut this.state, State::Ended) {
            State::Refused(error) => return Poll::Ready(Err(error)),
            State::Ended => panic!("the call to '{}' was polled after its end", this.identifier),
            State::Pending(mut reply) => {
                let Poll::Ready(outcome) = reply.poll(cx) else {
                    return match this.timed_out(cx) {
                        Some(error) => {
                            cancel(&reply);
                            Poll::Ready(Err(error))
                        }
                        None => {
                            this.state = State::Pending(reply);
                            Poll::Pending
                        }
                    };
                };
                // The result may name what the call kept alive, so the reply is dropped after it was read.
                outcome.and_then(|received| read(&this.identifier, received))
            }
        };
        this.timeout = None;
        Poll::Ready(outcome)
    }
}

impl<R> Call<R> {
    /// The error of the call, if its time is over.
    fn timed_out(&mut self, cx: &mut Context<'_>) -> Option<Error> {
        let (limit, sleep) = self.timeout.as_mut()?;
        let Poll::Ready(()) = Pin::new(sleep).poll(cx) else { return None };
        let limit = limit.as_millis();
        self.timeout = None;
        let text = format!("The call to '{}' timed out after {limit} ms.", self.identifier);
        Some(Error::new(ErrorKind::TimedOut, text))
    }
}

impl<R> Drop for Call<R> {
    fn drop(&mut self) {
        if let State::Pending(reply) = &self.state {
            cancel(reply);
        }
    }
}

impl<R> fmt::Debug for Call<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({:?})", self.identifier)
    }
}

fn cancel(reply: &PendingReply<IncomingMessage>) {
    if reply.give_up()
        && let Some(page) = try_page()
    {
        page.cancel_invoke_js(reply.id());
    }
}

/// Makes a call whose outcome the page returns.
pub(crate) fn invoke_now<R, A>(
    target: &JsObjectReference,
    identifier: &str,
    operation: Operation,
    args: A,
) -> Result<R, Error>
where
    R: DeserializeOwned + 'static,
    A: Serialize,
{
    let asked = Asked { target, identifier, operation, result_type: result_type::<R>() };
    read(identifier, asked.invoke(&args)?)
}

/// What is asked of the page. It knows neither the type of the arguments nor that of the result, so that it is compiled once.
struct Asked<'a> {
    target: &'a JsObjectReference,
    identifier: &'a str,
    operation: Operation,
    result_type: ResultType,
}

impl Asked<'_> {
    fn invoke(&self, args: &dyn ToJson) -> Result<IncomingMessage, Error> {
        let (request, message, keep_alive) = self.prepare(args)?;
        let outcome = page().invoke_js(request, message);
        if let Err(error) = &outcome {
            keep_alive.after_failure(error.kind());
        }
        Ok(outcome?.into())
    }

    fn begin(&self, args: &dyn ToJson) -> State {
        if pending::count::<IncomingMessage>() >= MAX_PENDING_CALLS {
            let what = format!(
                "The call to '{}' is refused: {MAX_PENDING_CALLS} calls to the page are under way, and {MAX_PENDING_CALLS} is \
                 the limit.",
                self.identifier
            );
            return State::Refused(Error::new(ErrorKind::TooMany, what));
        }
        match self.prepare(args) {
            Ok((request, message, keep_alive)) => {
                let reply = PendingReply::new(keep_alive);
                page().begin_invoke_js(reply.id(), request, message);
                State::Pending(reply)
            }
            Err(error) => State::Refused(error),
        }
    }

    /// Checks that the call can be made, and writes its arguments.
    fn prepare(&self, args: &dyn ToJson) -> Result<(Request<'_>, Message, KeepAlive), Error> {
        let Self { target, identifier, operation, result_type } = *self;
        let id = target.id()?;
        let (message, keep_alive) = write_arguments(target.handle().cloned(), identifier, args)?;
        Ok((Request { target: id, identifier, operation, result_type }, message, keep_alive))
    }
}

/// How the page is to send an `R`.
fn result_type<R: 'static>() -> ResultType {
    let result = TypeId::of::<R>();
    if result == TypeId::of::<()>() {
        ResultType::Nothing
    } else if result == TypeId::of::<JsObjectReference>() || result == TypeId::of::<Option<JsObjectReference>>() {
        ResultType::Object
    } else if result == TypeId::of::<JsStreamReference>() || result == TypeId::of::<Option<JsStreamReference>>() {
        ResultType::Stream
    } else {
        ResultType::Json
    }
}

/// Reads the result of a call.
fn read<R: DeserializeOwned + 'static>(identifier: &str, received: IncomingMessage) -> Result<R, Error> {
    let IncomingMessage { json, bytes, handles } = received;
    // A result that does not matter is not read.
    let json = if result_type::<R>() == ResultType::Nothing { "null" } else { json.trim() };
    check_depth(identifier, json)?;
    let reader = Reader::new(json, bytes, handles)?;
    reader.read(json, &|error| result_error(identifier, &deserialize_error::explain(json, error)))
}

fn check_depth(identifier: &str, json: &str) -> Result<(), Error> {
    let depth = json::depth(json);
    if depth > MAX_DEPTH {
        return Err(result_error(identifier, &format!("nests {depth} deep, and {MAX_DEPTH} is the limit")));
    }
    Ok(())
}

fn result_error(identifier: &str, what: &str) -> Error {
    Error::new(ErrorKind::Failed, format!("The result of the call to '{identifier}' {what}."))
}
