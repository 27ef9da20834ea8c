//! Calls with Rust values as arguments and results.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::contract::message::{Message, Target};
use crate::engine::result::ResultMessage;
use crate::error::{Error, ErrorKind};
use crate::limits;
use crate::session::Session;
use crate::session::core::{SessionCore, SessionRef};
use crate::session::invocation::MessageCall;
use crate::value::target::IntoTarget;
use crate::value::{Objects, from_json, read, write};

impl Session {
    /// Calls a synchronous method. `target` is an assembly's name or a [`DotNetObject`](crate::DotNetObject); `args` is what
    /// serialises to a JSON array, such as a tuple, or `()`. [`Bytes`](crate::Bytes), [`JsObject`](crate::JsObject) and
    /// [`JsStream`](crate::JsStream) may stand anywhere in them, and [`DotNetStream`](crate::DotNetStream) in the result.
    ///
    /// # Errors
    ///
    /// What the call fails with; [`ErrorKind::NoSuchObject`] for an object of another session, as the target or an argument;
    /// [`ErrorKind::Unsupported`] for a method that is asynchronous, [`ErrorKind::BadArguments`]
    /// also where the result is not an `R`, and [`ErrorKind::Reentrant`] where this thread has the guest on its stack.
    pub fn invoke<R: DeserializeOwned>(
        &self,
        target: impl IntoTarget,
        method: &str,
        args: impl Serialize,
    ) -> Result<R, Error> {
        let (core, target) = (&self.core, target.into_target(self)?);
        let args = arguments(core, method, &args)?;
        let checked = limits::check_arguments(&core.config, core.max_message, method, &args);
        // The guest does not get these references.
        checked.and_then(|()| core.check_off_stack(method)).inspect_err(|_| core.discard(&args))?;
        let result = core.with_guest(method, |instance| instance.invoke(&target, method, &args))?;
        read_result(core, method, result, SessionRef::strong(core))
    }

    /// Calls a method, and returns a future of its result. The call begins before this function returns, so calls reach the
    /// guest in the order in which they are made. Dropping the future cancels the call.
    ///
    /// # Errors
    ///
    /// The future's output is an error as for [`invoke`](Self::invoke); [`ErrorKind::TooMany`] where
    /// [`Config::max_pending_calls`](crate::Config::max_pending_calls) are under way.
    pub fn invoke_async<R: DeserializeOwned>(
        &self,
        target: impl IntoTarget,
        method: &str,
        args: impl Serialize,
    ) -> Call<R> {
        Call::begin(SessionRef::strong(&self.core), target.into_target(self), method, &args)
    }
}

/// A call that is under way: a future of its result as an `R`. Dropping it cancels the call, as with [`MessageCall`].
#[must_use = "dropping a call cancels it"]
#[derive(Debug)]
pub struct Call<R> {
    call: MessageCall,
    method: String,
    result: PhantomData<fn() -> R>,
}

impl<R> Call<R> {
    pub(crate) fn begin(
        session: SessionRef,
        target: Result<Target, Error>,
        method: &str,
        args: &impl Serialize,
    ) -> Self {
        let begun = session.get().and_then(|core| {
            let target = target?;
            let args = arguments(&core, method, args)?;
            // The guest does not get these references.
            MessageCall::begin(&session, &target, method, &args).inspect_err(|_| core.discard(&args))
        });
        let call = begun.unwrap_or_else(|error| MessageCall::refused(session, error));
        Self { call, method: method.to_owned(), result: PhantomData }
    }
}

impl<R: DeserializeOwned> Future for Call<R> {
    type Output = Result<R, Error>;

    /// # Panics
    ///
    /// If polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let message = ready!(Pin::new(&mut self.call).poll(cx))?;
        let session = self.call.session().get()?;
        Poll::Ready(read_result(&session, &self.method, message, self.call.session().clone()))
    }
}

impl SessionCore {
    /// Returns where messages find the page's objects.
    fn objects(&self) -> Objects {
        self.objects.as_ref().map_or(Objects::None, Objects::from)
    }
}

/// Reads a result, or gives back what it names.
fn read_result<R: DeserializeOwned>(
    core: &Arc<SessionCore>,
    method: &str,
    mut result: ResultMessage,
    session: SessionRef,
) -> Result<R, Error> {
    let Message { json, bytes } = result.take();
    let result =
        read(&json, bytes, core.objects(), session, |json| from_json(json), |error| result_error::<R>(method, &error));
    result.inspect_err(|_| core.give_back(&Message::from_json(json)))
}

/// Writes the arguments of a call.
fn arguments(core: &Arc<SessionCore>, method: &str, args: &impl Serialize) -> Result<Message, Error> {
    let bad =
        |what: String| Error::new(ErrorKind::BadArguments, format!("The arguments of the call to '{method}' {what}."));
    let (message, _) =
        write(args, core.objects(), Arc::as_ptr(core), |error| bad(format!("cannot be serialised: {error}")))?;
    match message.json.as_bytes().first() {
        Some(b'[') => Ok(message),
        _ if message.json == "null" => Ok(Message::from_json("[]")),
        _ => {
            core.discard(&message);
            Err(bad(format!("serialise to {}, and an array is expected: use a tuple", message.json)))
        }
    }
}

/// Returns the error for a result that does not deserialize as `R`.
fn result_error<R>(method: &str, error: &serde_json::Error) -> Error {
    let wanted = std::any::type_name::<R>();
    Error::new(ErrorKind::BadArguments, format!("The result of '{method}' is not a {wanted}: {error}."))
}
