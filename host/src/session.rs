//! A session: one instance of a guest, and the calls to it.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};
use wasmtime_wasi::I32Exit;

use crate::bindings;
use crate::bindings::types::{Message, Target};
use crate::clock::Alarm;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::manifest::Assembly;
use crate::runtime::{Runtime, ticks};
use crate::state::{Outcome, Reply, State};
use crate::value::{self, DotNetObject};

/// A running guest. Clones are the same session, which ends with the last of them.
///
/// Calls may come from any thread, one after the other: a guest has one thread of its own. Its code runs on the thread
/// that calls; timers that it sets fire by themselves. After a trap every call fails with
/// [`ErrorKind::GuestTrapped`]; [`Guest::session`](crate::Guest::session) starts the guest anew.
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

struct Shared {
    core: Mutex<Core>,
    next_call: AtomicU64,
    config: Arc<Config>,
}

impl Session {
    pub(crate) fn new(core: Core, config: Arc<Config>) -> Self {
        let shared = Shared { core: Mutex::new(core), next_call: AtomicU64::new(1), config };
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
        value::result(method, &result)
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
            Err(error) => Invocation { state: InvocationState::Ended(Some(Err(error))) },
        };
        Call { invocation, method: method.to_owned(), result: PhantomData }
    }

    /// [`invoke`](Self::invoke) with a message that is ready to be sent: a JSON array, and the byte arrays that it names.
    ///
    /// # Errors
    ///
    /// As for [`invoke`](Self::invoke).
    pub fn invoke_message(&self, target: &Target, method: &str, args: &Message) -> Result<Message, Error> {
        self.shared.visit(|core| core.invoke(target, method, args))
    }

    /// [`invoke_async`](Self::invoke_async) with a message that is ready to be sent.
    pub fn invoke_message_async(&self, target: &Target, method: &str, args: &Message) -> Invocation {
        let call = self.shared.next_call.fetch_add(1, Ordering::Relaxed);
        let max_pending = self.shared.config.max_pending_calls;
        let state = match self.shared.visit(|core| core.begin(call, target, method, args, max_pending)) {
            Ok(Begun::Ended(outcome)) => InvocationState::Ended(Some(outcome)),
            Ok(Begun::Waiting(outcome)) => InvocationState::Waiting { outcome, call, shared: Arc::clone(&self.shared) },
            Err(error) => InvocationState::Ended(Some(Err(error))),
        };
        Invocation { state }
    }

    /// Gives up a reference to an object of the guest. Doing so twice is harmless.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`].
    pub fn dispose(&self, object: &DotNetObject) -> Result<(), Error> {
        let id = object.id();
        self.shared.visit(|core| core.enter(|guest, store| guest.dotwit_interop_references().call_release(store, id)))
    }

    /// How many objects of the guest can be named: handed out, and not disposed of.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`].
    pub fn live_references(&self) -> Result<u32, Error> {
        self.shared.visit(|core| core.enter(|guest, store| guest.dotwit_interop_references().call_live(store)))
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

/// A call that is under way: a future of its outcome. Dropping it cancels the call.
#[must_use = "dropping an invocation cancels it"]
#[derive(Debug)]
pub struct Invocation {
    state: InvocationState,
}

enum InvocationState {
    Ended(Option<Outcome>),
    Waiting { outcome: oneshot::Receiver<Outcome>, call: u64, shared: Arc<Shared> },
}

impl std::fmt::Debug for InvocationState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ended(_) => f.write_str("Ended"),
            Self::Waiting { call, .. } => write!(f, "Waiting({call})"),
        }
    }
}

impl Future for Invocation {
    type Output = Result<Message, Error>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.state {
            InvocationState::Ended(outcome) => outcome.take().expect("an invocation is not polled after it was ready"),
            InvocationState::Waiting { outcome, .. } => match Pin::new(outcome).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(outcome)) => outcome,
                // Only a guest that broke the contract forgets a call without a trap.
                Poll::Ready(Err(_)) => Err(Error::new(ErrorKind::Protocol, "The guest forgot the call.")),
            },
        };
        self.state = InvocationState::Ended(None);
        Poll::Ready(outcome)
    }
}

/// A call that is under way: a future of its result as an `R`. Dropping it cancels the call.
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
        let outcome = ready!(Pin::new(&mut self.invocation).poll(cx));
        Poll::Ready(outcome.and_then(|message| value::result(&self.method, &message)))
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        if let InvocationState::Waiting { call, shared, .. } = &self.state {
            let call = *call;
            // A guest that traps here fails everybody else's calls; this one has nobody left to tell.
            let _ = shared.visit(|core| core.cancel(call));
        }
    }
}

impl Shared {
    /// Lets `visit` call the guest, then does what the guest asked for meanwhile.
    fn visit<T>(self: &Arc<Self>, visit: impl FnOnce(&mut Core) -> Result<T, Error>) -> Result<T, Error> {
        let core = &mut *self.core.lock();
        core.begin_visit();
        let result = visit(core);
        core.answer();
        core.set_alarm(self);
        result
    }

    /// Calls the guest because its alarm has gone off.
    fn run_ready(self: &Arc<Self>) {
        // Whoever waits for a call learns of a trap by its end.
        let _ = self.visit(|core| core.enter(|guest, store| guest.dotwit_interop_invocation().call_run_ready(store)));
    }
}

/// How a call began.
enum Begun {
    Ended(Outcome),
    Waiting(oneshot::Receiver<Outcome>),
}

/// The instance, and the way into it.
pub(crate) struct Core {
    store: Store<State>,
    guest: bindings::Guest,
    /// What all calls fail with once the guest is gone.
    trapped: Option<Error>,
    ticks: u64,
    alarm: Alarm,
}

impl Core {
    pub(crate) fn new(runtime: &Runtime, pre: &bindings::GuestPre<State>) -> Result<Self, Error> {
        let mut store = Store::new(&runtime.engine, State::new(&runtime.config));
        store.limiter(|state| state);
        let ticks = ticks(runtime.config.cpu_limit);
        store.set_epoch_deadline(ticks);
        let guest = pre.instantiate(&mut store).map_err(|error| {
            if error.is::<PoolConcurrencyLimitError>() {
                let limit = runtime.config.max_sessions;
                let message = format!("There are {limit} sessions, and {limit} is the limit.");
                Error::new(ErrorKind::TooMany, message).with_detail(format!("{error:?}"))
            } else {
                why(&mut store, &error)
            }
        })?;
        Ok(Self { store, guest, trapped: None, ticks, alarm: Alarm::default() })
    }

    /// Asks the guest what can be called.
    pub(crate) fn describe(&mut self) -> Result<Vec<Assembly>, Error> {
        let assemblies = self.enter(|guest, store| guest.dotwit_interop_manifest().call_describe(store))??;
        Ok(assemblies.into_iter().map(Into::into).collect())
    }

    /// Gives the guest its time.
    fn begin_visit(&mut self) {
        self.store.set_epoch_deadline(self.ticks);
    }

    /// Calls into the guest. A trap ends it, and with it every call that is under way.
    fn enter<T>(
        &mut self,
        call: impl FnOnce(&bindings::Guest, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Error> {
        if let Some(error) = &self.trapped {
            return Err(error.clone());
        }
        call(&self.guest, &mut self.store).map_err(|error| {
            let error = why(&mut self.store, &error);
            for (_, waiting) in self.store.data_mut().pending.drain() {
                let _ = waiting.send(Err(error.clone()));
            }
            self.trapped = Some(error.clone());
            error
        })
    }

    fn invoke(&mut self, target: &Target, method: &str, args: &Message) -> Outcome {
        let outcome =
            self.enter(|guest, store| guest.dotwit_interop_invocation().call_invoke(store, target, method, args))?;
        outcome.map_err(Error::from)
    }

    fn begin(
        &mut self,
        call: u64,
        target: &Target,
        method: &str,
        args: &Message,
        max_pending: usize,
    ) -> Result<Begun, Error> {
        let pending = &mut self.store.data_mut().pending;
        if pending.len() >= max_pending {
            return Err(Error::new(
                ErrorKind::TooMany,
                format!(
                    "The call to '{method}' is refused: {max_pending} calls are under way, and {max_pending} is the limit."
                ),
            ));
        }
        // Before the guest runs: it may end the call from within.
        let (waiting, outcome) = oneshot::channel();
        pending.insert(call, waiting);
        let begun = self.enter(|guest, store| {
            guest.dotwit_interop_invocation().call_begin_invoke(store, call, target, method, args)
        });
        if let Ok(None) = begun {
            return Ok(Begun::Waiting(outcome));
        }
        self.store.data_mut().pending.remove(&call);
        begun.map(|ended| match ended {
            Some(outcome) => Begun::Ended(outcome.map_err(Error::from)),
            None => Begun::Waiting(outcome),
        })
    }

    fn cancel(&mut self, call: u64) -> Result<(), Error> {
        if self.store.data_mut().pending.remove(&call).is_none() {
            return Ok(());
        }
        self.enter(|guest, store| guest.dotwit_interop_invocation().call_cancel_invoke(store, call))
    }

    /// Ends what the guest began, now that it is off the stack. The time of the visit goes on, so that a guest which begins
    /// anew each time is stopped like any other that does not return.
    fn answer(&mut self) {
        loop {
            let replies = std::mem::take(&mut self.store.data_mut().replies);
            if replies.is_empty() {
                return;
            }
            for reply in replies {
                let ended = match reply {
                    Reply::Invoke(call, error) => self.enter(|guest, store| {
                        guest.dotwit_interop_invocation().call_end_invoke_js(store, call, Err(&error))
                    }),
                    Reply::Read(call, error) => self.enter(|guest, store| {
                        guest.dotwit_interop_streams().call_end_read_js(store, call, Err(&error))
                    }),
                };
                if ended.is_err() {
                    return;
                }
            }
        }
    }

    /// Sets the alarm that the guest asked for.
    fn set_alarm(&mut self, session: &Arc<Shared>) {
        if let Some(at) = self.store.data_mut().alarm.take()
            && self.trapped.is_none()
        {
            self.alarm.set(at, wake(Arc::downgrade(session)));
        }
    }
}

/// What an alarm does.
fn wake(session: Weak<Shared>) -> impl FnOnce() + Send + 'static {
    move || {
        if let Some(session) = session.upgrade() {
            session.run_ready();
        }
    }
}

/// Why a guest is gone.
fn why(store: &mut Store<State>, error: &wasmtime::Error) -> Error {
    let trap = error.downcast_ref::<Trap>().copied();
    let exit = error.downcast_ref::<I32Exit>().map(|exit| exit.0);
    let state = store.data_mut();
    let message = match (state.panic.take(), trap, exit, state.refused_memory) {
        (Some(panic), ..) => format!("The guest panicked: {} (at {})", panic.message, panic.location),
        (_, Some(Trap::Interrupt), ..) => {
            format!("The guest was stopped: it ran for longer than {:?} without returning.", state.cpu_limit())
        }
        (_, Some(Trap::StackOverflow), ..) => "The guest was stopped: its stack is exhausted.".to_owned(),
        (_, Some(Trap::UnreachableCodeReached), _, Some(bytes)) => {
            format!("The guest ran out of memory: it asked for {bytes} bytes, and {} is the limit.", state.max_memory())
        }
        // A guest's own stack lies at the start of its memory and grows towards address 0, so its end is an access outside.
        (_, Some(trap @ Trap::MemoryOutOfBounds), ..) => {
            format!("The guest trapped: {trap}. Perhaps its stack is exhausted.")
        }
        (_, _, Some(status), _) => format!("The guest ended itself with exit status {status}."),
        (_, Some(trap), ..) => format!("The guest trapped: {trap}."),
        (_, None, ..) => format!("The guest trapped: {}.", error.root_cause()),
    };
    Error::new(ErrorKind::GuestTrapped, message).with_detail(format!("{error:?}"))
}
