//! A session: one instance of a guest, and the calls to it.

use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use crate::bindings::types::{Message, Target};
use crate::config::Config;
use crate::dot_net_stream::DotNetStream;
use crate::error::{Error, ErrorKind};
use crate::function;
use crate::instance::Instance;
use crate::json;
use crate::native_page::NativePage;
use crate::page::Page;
use crate::result::ResultMessage;
use crate::scope::{self, Objects};
use crate::shared::{Begun, Hold, Job, Shared};
use crate::state::Outcome;
use crate::value::{self, DotNetObject, IntoTarget};

/// A running guest. Clones are the same session, which ends with the last of them.
///
/// Calls may come from any thread, one after the other: a guest has one thread of its own. Its code runs on the thread
/// that calls; timers that it sets fire by themselves, on a thread of the host's. After a trap every call fails with
/// [`ErrorKind::GuestTrapped`], and [`Guest::session`](crate::Guest::session) starts the guest anew. The memory and the place
/// of the one that is gone are free once the last clone is dropped.
///
/// ```no_run
/// # async fn example() -> Result<(), dotwit_host::Error> {
/// let runtime = dotwit_host::Runtime::new(Default::default())?;
/// let session = runtime.load("hello.wasm")?.session()?;
/// let sum: i32 = session.invoke("Hello", "Add", (1, 2))?;
/// let greeting: String = session.invoke_async("Hello", "GreetLater", ("Ada",)).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Order
///
/// Calls reach the guest in the order in which they are made, and the page in the order in which the guest makes them. What the
/// guest asks of its page asynchronously is done when it is off the stack and the session is free, before the call that
/// brought the guest to ask returns: on the same thread, or on the one that is at it already. If page and guest keep each
/// other busy, a thread of the host's goes on.
///
/// So a function that the guest calls asynchronously may use the session as any other code may, and begins alone: the next one
/// begins when it returns, or awaits. One that the guest calls *synchronously* runs while the guest is on the stack, ahead of
/// what was asked before, and the guest cannot be entered meanwhile. A synchronous call from there fails with
/// [`ErrorKind::Reentrant`] at once, and so does waiting there for an asynchronous one; an asynchronous call that is
/// awaited elsewhere begins as soon as the guest is off the stack. To wait there for another thread that calls
/// the session would be to wait for ever.
#[derive(Clone)]
pub struct Session {
    pub(crate) shared: Arc<Shared>,
}

impl Session {
    pub(crate) fn new(instance: Instance, config: &Arc<Config>, page: impl Page) -> Self {
        let table = (&page as &dyn Any).downcast_ref::<NativePage>().map(|page| {
            page.limit(config);
            Arc::clone(&page.table)
        });
        Self { shared: Shared::new(instance, Arc::clone(config), Arc::new(page), table) }
    }

    /// The session whose guest called the function of a [`NativePage`] that is running here: inside of the function, and of the
    /// future that it returned. A function that kept a session of its own would keep it from ending.
    ///
    /// ```
    /// use dotwit_host::{JsObject, Session};
    ///
    /// let window = JsObject::new().async_function("double", async |(number,): (i32,)| {
    ///     let session = Session::current().expect("a guest has called this");
    ///     Ok(session.invoke_async::<i32>("Hello", "Add", (number, number)).await?)
    /// });
    /// # let _ = window;
    /// ```
    pub fn current() -> Option<Self> {
        function::session().map(Self::of)
    }

    pub(crate) fn of(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// What tells this session from others.
    pub(crate) fn as_ptr(&self) -> *const Shared {
        Arc::as_ptr(&self.shared)
    }

    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Arc::downgrade(&self.shared)
    }

    /// Calls a method that answers at once. `target` is an assembly's name or a [`DotNetObject`]; `args` is what
    /// serialises to a JSON array, such as a tuple, or `()`. [`Bytes`](crate::Bytes), [`JsObject`](crate::JsObject) and
    /// [`JsStream`](crate::JsStream) may stand anywhere in them, and [`DotNetStream`] in the result.
    ///
    /// # Errors
    ///
    /// What the call fails with; [`ErrorKind::NoSuchObject`] for an object of another session, as the target or an argument;
    /// [`ErrorKind::Unsupported`] for a method that is asynchronous, [`ErrorKind::BadArguments`]
    /// also where the result is no `R`, and [`ErrorKind::Reentrant`] where this thread has the guest on its stack.
    pub fn invoke<R: DeserializeOwned>(
        &self,
        target: impl IntoTarget,
        method: &str,
        args: impl Serialize,
    ) -> Result<R, Error> {
        let target = target.into_target(self)?;
        let args = value::arguments(method, &args, self.shared.objects(), self.as_ptr())?;
        let checked = json::check_arguments(&self.shared.config, self.shared.max_message, method, &args);
        // What has not been sent is named to nobody.
        checked.and_then(|()| self.shared.check_off_stack(method)).inspect_err(|_| self.shared.discard(&args))?;
        let result = self.shared.visit(method, |instance| instance.invoke(&target, method, &args))?;
        self.shared.read(method, result, Hold::strong(&self.shared))
    }

    /// Calls a method, and gives a future of its result. The call begins before this function returns, so calls reach the
    /// guest in the order in which they are made. Dropping the future cancels the call.
    ///
    /// # Errors
    ///
    /// As for [`invoke`](Self::invoke); [`ErrorKind::TooMany`] where
    /// [`Config::max_pending_calls`](crate::Config::max_pending_calls) are under way.
    pub fn invoke_async<R: DeserializeOwned>(
        &self,
        target: impl IntoTarget,
        method: &str,
        args: impl Serialize,
    ) -> Call<R> {
        Call::begin(Hold::strong(&self.shared), target.into_target(self), method, &args)
    }

    /// [`invoke`](Self::invoke) with a message that is ready to be sent: a JSON array, and the byte arrays that it names.
    /// The guest's objects that the result names are the caller's to release.
    ///
    /// # Errors
    ///
    /// As for [`invoke`](Self::invoke).
    pub fn invoke_message(&self, target: &Target, method: &str, args: &Message) -> Result<ResultMessage, Error> {
        json::check_arguments(&self.shared.config, self.shared.max_message, method, args)?;
        self.shared.visit(method, |instance| instance.invoke(target, method, args))
    }

    /// [`invoke_async`](Self::invoke_async) with a message that is ready to be sent.
    pub fn invoke_message_async(&self, target: &Target, method: &str, args: &Message) -> Invocation {
        match Invocation::begin(&Hold::strong(&self.shared), target, method, args) {
            Ok(invocation) => invocation,
            Err(error) => Invocation::ended(Hold::strong(&self.shared), error),
        }
    }

    /// Opens a stream of the guest that a message has named: `{"__dotNetStream": id}`. In typed arguments and results a
    /// [`DotNetStream`] is open already.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMany`] where [`Config::max_streams`](crate::Config::max_streams) are open.
    pub fn open_stream(&self, id: u64) -> Result<DotNetStream, Error> {
        DotNetStream::open(Hold::strong(&self.shared), id)
    }

    /// Gives up a reference to an object of the guest. Doing so twice is harmless.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`]; [`ErrorKind::NoSuchObject`] where the object belongs to another session.
    pub fn dispose(&self, object: &DotNetObject) -> Result<(), Error> {
        self.shared.release(object.id_in(self.as_ptr())?)
    }

    /// How many objects of the guest can be named: handed out, and not disposed of.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`], [`ErrorKind::Reentrant`].
    pub fn live_references(&self) -> Result<u32, Error> {
        self.shared.visit("live references", Instance::live)
    }

    /// How many objects of the page the guest holds references to: none once the guest is gone.
    pub fn live_page_references(&self) -> usize {
        self.shared.page().map_or(0, |page| page.live_references())
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// A call that is under way: a future of its outcome.
///
/// Dropping it cancels the call.
#[must_use = "dropping an invocation cancels it"]
pub struct Invocation {
    state: InvocationState,
    session: Hold,
}

enum InvocationState {
    Ended(Option<Outcome>),
    Waiting { outcome: oneshot::Receiver<Outcome>, call: u64 },
}

impl Invocation {
    /// # Errors
    ///
    /// What refuses the call before it is sent.
    fn begin(session: &Hold, target: &Target, method: &str, args: &Message) -> Result<Self, Error> {
        let shared = session.get()?;
        json::check_arguments(&shared.config, shared.max_message, method, args)?;
        let call = shared.next_call();
        let state = match shared.begin_call(call, target, method, args)? {
            Begun::Ended(outcome) => InvocationState::Ended(Some(outcome)),
            Begun::Waiting(outcome) => InvocationState::Waiting { outcome, call },
        };
        Ok(Self { state, session: session.clone() })
    }

    fn ended(session: Hold, error: Error) -> Self {
        Self { state: InvocationState::Ended(Some(Err(error))), session }
    }

    /// Gives the call up, and what it has brought.
    fn cancel(&mut self) {
        let state = std::mem::replace(&mut self.state, InvocationState::Ended(None));
        let Some(session) = self.session.upgrade() else { return };
        let unread = match state {
            InvocationState::Ended(outcome) => outcome,
            InvocationState::Waiting { mut outcome, call } => {
                // From here on, whoever ends the call finds that nobody waits.
                outcome.close();
                session.post(Job::Cancel(call));
                outcome.try_recv().ok()
            }
        };
        if let Some(Ok(message)) = unread {
            session.give_back(&message);
        }
    }
}

impl Future for Invocation {
    type Output = Result<ResultMessage, Error>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let session = self.session.get();
        let outcome = match &mut self.state {
            InvocationState::Ended(outcome) => outcome.take().expect("an invocation is not polled after it was ready"),
            InvocationState::Waiting { outcome, .. } => match session {
                Ok(session) => ready!(session.poll_end(outcome, cx, "call")),
                Err(error) => Err(error),
            },
        };
        // A call that cannot be waited for here is under way still.
        if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Reentrant) {
            self.cancel();
        }
        self.state = InvocationState::Ended(None);
        Poll::Ready(outcome)
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl std::fmt::Debug for Invocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invocation").finish_non_exhaustive()
    }
}

/// A call that is under way: a future of its result as an `R`. Dropping it cancels the call, as with [`Invocation`].
#[must_use = "dropping a call cancels it"]
#[derive(Debug)]
pub struct Call<R> {
    invocation: Invocation,
    method: String,
    result: PhantomData<fn() -> R>,
}

impl<R> Call<R> {
    pub(crate) fn begin(session: Hold, target: Result<Target, Error>, method: &str, args: &impl Serialize) -> Self {
        let begun = session.get().and_then(|shared| {
            let target = target?;
            let args = value::arguments(method, args, shared.objects(), Arc::as_ptr(&shared))?;
            // What has not been sent is named to nobody.
            Invocation::begin(&session, &target, method, &args).inspect_err(|_| shared.discard(&args))
        });
        let invocation = begun.unwrap_or_else(|error| Invocation::ended(session, error));
        Self { invocation, method: method.to_owned(), result: PhantomData }
    }
}

impl<R: DeserializeOwned> Future for Call<R> {
    type Output = Result<R, Error>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let message = ready!(Pin::new(&mut self.invocation).poll(cx))?;
        let session = self.invocation.session.get()?;
        Poll::Ready(session.read(&self.method, message, self.invocation.session.clone()))
    }
}

impl Shared {
    /// Where the page's objects are that messages name.
    pub(crate) fn objects(&self) -> Objects {
        self.table.as_ref().map_or(Objects::None, Objects::from)
    }

    /// Reads a result, or gives back what is in it.
    fn read<R: DeserializeOwned>(
        self: &Arc<Self>,
        method: &str,
        mut result: ResultMessage,
        hold: Hold,
    ) -> Result<R, Error> {
        let Message { json, bytes } = result.take();
        let read = scope::read(
            &json,
            bytes,
            self.objects(),
            hold,
            |json| scope::from_json(json),
            |error| value::no_result::<R>(method, &error),
        );
        read.inspect_err(|_| self.give_back(&Message::from(json.as_str())))
    }

    /// Releases an object of the guest: later, where it is on the stack of this thread.
    pub(crate) fn release(self: &Arc<Self>, object: u64) -> Result<(), Error> {
        if self.is_on_stack() {
            self.post(Job::Release(object));
            return Ok(());
        }
        self.visit("dispose", |instance| instance.release(object))
    }
}
