//! A session: one instance of a guest, and the calls to it.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use crate::bindings::types::{Message, Target};
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::instance::{Begun, Instance};
use crate::state::Outcome;
use crate::value::{self, DotNetObject};

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
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

/// What the clones of a session share, and its alarm holds weakly.
pub(crate) struct Shared {
    instance: Mutex<Instance>,
    next_call: AtomicU64,
    config: Arc<Config>,
}

impl Session {
    pub(crate) fn new(instance: Instance, config: Arc<Config>) -> Self {
        let shared = Shared { instance: Mutex::new(instance), next_call: AtomicU64::new(1), config };
        Self { shared: Arc::new(shared) }
    }

    /// Calls a method that answers at once. `target` is an assembly's name or a [`DotNetObject`]; `args` is what
    /// serialises to a JSON array, such as a tuple, or `()`.
    ///
    /// # Errors
    ///
    /// What the call fails with; [`ErrorKind::Unsupported`] for a method that is asynchronous, and
    /// [`ErrorKind::BadArguments`] also where the result is no `R`.
    pub fn invoke<R: DeserializeOwned>(
        &self,
        target: impl Into<Target>,
        method: &str,
        args: impl Serialize,
    ) -> Result<R, Error> {
        let args = value::arguments(method, &args)?;
        let result = self.invoke_message(&target.into(), method, &args)?;
        self.shared.read(method, &result)
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
        target: impl Into<Target>,
        method: &str,
        args: impl Serialize,
    ) -> Call<R> {
        let invocation = match value::arguments(method, &args) {
            Ok(args) => self.invoke_message_async(&target.into(), method, &args),
            Err(error) => self.invocation(InvocationState::Ended(Some(Err(error)))),
        };
        Call { invocation, method: method.to_owned(), result: PhantomData }
    }

    /// [`invoke`](Self::invoke) with a message that is ready to be sent: a JSON array, and the byte arrays that it names.
    ///
    /// # Errors
    ///
    /// As for [`invoke`](Self::invoke).
    pub fn invoke_message(&self, target: &Target, method: &str, args: &Message) -> Result<Message, Error> {
        self.shared.visit(|instance| instance.invoke(target, method, args))
    }

    /// [`invoke_async`](Self::invoke_async) with a message that is ready to be sent.
    pub fn invoke_message_async(&self, target: &Target, method: &str, args: &Message) -> Invocation {
        let call = self.shared.next_call.fetch_add(1, Ordering::Relaxed);
        let max_pending = self.shared.config.max_pending_calls;
        let begun = self.shared.visit(|instance| instance.begin(call, target, method, args, max_pending));
        self.invocation(match begun {
            Ok(Begun::Ended(outcome)) => InvocationState::Ended(Some(outcome)),
            Ok(Begun::Waiting(outcome)) => InvocationState::Waiting { outcome, call },
            Err(error) => InvocationState::Ended(Some(Err(error))),
        })
    }

    fn invocation(&self, state: InvocationState) -> Invocation {
        Invocation { state, shared: Arc::clone(&self.shared) }
    }

    /// Gives up a reference to an object of the guest. Doing so twice is harmless.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`].
    pub fn dispose(&self, object: &DotNetObject) -> Result<(), Error> {
        self.shared.visit(|instance| instance.release(object.id()))
    }

    /// How many objects of the guest can be named: handed out, and not disposed of.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`].
    pub fn live_references(&self) -> Result<u32, Error> {
        self.shared.visit(Instance::live)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// A call that is under way: a future of its outcome.
///
/// Dropping it cancels the call. That enters the guest, and so waits for who else is calling it.
#[must_use = "dropping an invocation cancels it"]
#[derive(Debug)]
pub struct Invocation {
    state: InvocationState,
    shared: Arc<Shared>,
}

#[derive(Debug)]
enum InvocationState {
    Ended(Option<Outcome>),
    Waiting { outcome: oneshot::Receiver<Outcome>, call: u64 },
}

impl Future for Invocation {
    type Output = Result<Message, Error>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.state {
            InvocationState::Ended(outcome) => outcome.take().expect("an invocation is not polled after it was ready"),
            InvocationState::Waiting { outcome, .. } => match ready!(Pin::new(outcome).poll(cx)) {
                Ok(outcome) => outcome,
                // Only a guest that broke the contract forgets a call without a trap.
                Err(_) => Err(Error::new(ErrorKind::Protocol, "The guest forgot the call.")),
            },
        };
        self.state = InvocationState::Ended(None);
        Poll::Ready(outcome)
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        let unread = match &mut self.state {
            InvocationState::Ended(outcome) => outcome.take(),
            InvocationState::Waiting { outcome, call } => {
                let call = *call;
                outcome.close();
                // A guest that traps here fails everybody else's calls; this one has nobody left to tell.
                let _ = self.shared.visit(|instance| instance.cancel(call));
                outcome.try_recv().ok()
            }
        };
        if let Some(Ok(message)) = unread {
            self.shared.give_back(&message);
        }
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

impl<R: DeserializeOwned> Future for Call<R> {
    type Output = Result<R, Error>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let message = ready!(Pin::new(&mut self.invocation).poll(cx))?;
        Poll::Ready(self.invocation.shared.read(&self.method, &message))
    }
}

impl Shared {
    /// Lets `visit` call the guest, then does what the guest asked for meanwhile.
    fn visit<T>(self: &Arc<Self>, visit: impl FnOnce(&mut Instance) -> Result<T, Error>) -> Result<T, Error> {
        let (result, ended) = {
            let instance = &mut *self.instance.lock();
            instance.begin_visit();
            let result = visit(instance);
            instance.end_visit(self);
            (result, instance.take_ended())
        };
        // Whoever waits may call the session at once, and so is told when it is free.
        for (waiting, outcome) in ended {
            if let Err(Ok(unread)) = waiting.send(outcome) {
                self.give_back(&unread);
            }
        }
        result
    }

    /// Calls the guest because its alarm has gone off.
    pub(crate) fn run_ready(self: &Arc<Self>) {
        // Whoever waits for a call learns of a trap by its end.
        let _ = self.visit(Instance::run_ready);
    }

    /// Reads a result, or gives back what is in it.
    fn read<R: DeserializeOwned>(self: &Arc<Self>, method: &str, message: &Message) -> Result<R, Error> {
        value::result(method, message).inspect_err(|_| self.give_back(message))
    }

    /// Releases the objects in a result that nobody has received: their ids are known to nobody else.
    fn give_back(self: &Arc<Self>, message: &Message) {
        let objects = value::objects(message);
        if !objects.is_empty() {
            // A guest that is gone has no objects.
            let _ = self.visit(|instance| objects.into_iter().try_for_each(|object| instance.release(object)));
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
