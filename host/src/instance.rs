//! One instance of a guest: the way into it, and its end.

use std::sync::{Arc, Weak};

use tokio::sync::oneshot;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap};
use wasmtime_wasi::I32Exit;

use crate::bindings::types::{CallError, Message, Target};
use crate::bindings::{self, types};
use crate::clock::Alarm;
use crate::error::{Error, ErrorKind};
use crate::manifest::Assembly;
use crate::runtime::{Runtime, Slot};
use crate::session::Shared;
use crate::state::{Ended, Outcome, Reply, State};

/// How a call began.
pub(crate) enum Begun {
    Ended(Outcome),
    Waiting(oneshot::Receiver<Outcome>),
}

/// A guest's instance, and the host's side of it. It is entered in visits: [`begin_visit`](Self::begin_visit), calls,
/// [`end_visit`](Self::end_visit).
pub(crate) struct Instance {
    store: Store<State>,
    guest: bindings::Guest,
    /// What all calls fail with once the guest is gone.
    trapped: Option<Error>,
    alarm: Alarm,
    /// Held until the store is gone.
    _slot: Option<Slot>,
}

impl Instance {
    /// Starts a guest. `slot` is its place among the sessions, if it is one.
    pub(crate) fn new(runtime: &Runtime, pre: &bindings::GuestPre<State>, slot: Option<Slot>) -> Result<Self, Error> {
        let mut store = Store::new(&runtime.engine, State::new(runtime));
        store.limiter(|state| state);
        // What crosses to the host at once is copied, and a guest can send no more than it has.
        store.set_hostcall_fuel(runtime.config.max_memory);
        let ticks = store.data_mut().begin_visit();
        store.set_epoch_deadline(ticks);
        let guest = pre.instantiate(&mut store).map_err(|error| why(&mut store, &error))?;
        Ok(Self { store, guest, trapped: None, alarm: Alarm::default(), _slot: slot })
    }

    /// Asks the guest what can be called.
    pub(crate) fn describe(&mut self) -> Result<Vec<Assembly>, Error> {
        let assemblies = self.enter(|guest, store| guest.dotwit_interop_manifest().call_describe(store))??;
        Ok(assemblies.into_iter().map(Into::into).collect())
    }

    /// Gives the guest its time.
    pub(crate) fn begin_visit(&mut self) {
        let ticks = self.store.data_mut().begin_visit();
        self.store.set_epoch_deadline(ticks);
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
            self.store.data_mut().end_all(&error);
            self.trapped = Some(error.clone());
            error
        })
    }

    pub(crate) fn invoke(&mut self, target: &Target, method: &str, args: &Message) -> Outcome {
        let outcome =
            self.enter(|guest, store| guest.dotwit_interop_invocation().call_invoke(store, target, method, args))?;
        outcome.map_err(Error::from)
    }

    pub(crate) fn begin(
        &mut self,
        call: u64,
        target: &Target,
        method: &str,
        args: &Message,
        max_pending: usize,
    ) -> Result<Begun, Error> {
        let state = self.store.data_mut();
        if state.pending.len() >= max_pending {
            return Err(Error::new(
                ErrorKind::TooMany,
                format!(
                    "The call to '{method}' is refused: {max_pending} calls are under way, and {max_pending} is the limit."
                ),
            ));
        }
        // Before the guest runs: it may end the call from within.
        let (waiting, outcome) = oneshot::channel();
        state.pending.insert(call, waiting);
        let begun = self.enter(|guest, store| {
            guest.dotwit_interop_invocation().call_begin_invoke(store, call, target, method, args)
        });
        match begun {
            Ok(None) => Ok(Begun::Waiting(outcome)),
            Ok(Some(ended)) => {
                self.store.data_mut().pending.remove(&call);
                Ok(Begun::Ended(ended.map_err(Error::from)))
            }
            Err(error) => {
                self.store.data_mut().pending.remove(&call);
                Err(error)
            }
        }
    }

    /// Cancels a call, if it has not ended.
    pub(crate) fn cancel(&mut self, call: u64) -> Result<(), Error> {
        if self.store.data_mut().pending.remove(&call).is_none() {
            return Ok(());
        }
        self.enter(|guest, store| guest.dotwit_interop_invocation().call_cancel_invoke(store, call))
    }

    pub(crate) fn run_ready(&mut self) -> Result<(), Error> {
        self.enter(|guest, store| guest.dotwit_interop_invocation().call_run_ready(store))
    }

    pub(crate) fn release(&mut self, object: u64) -> Result<(), Error> {
        self.enter(|guest, store| guest.dotwit_interop_references().call_release(store, object))
    }

    pub(crate) fn live(&mut self) -> Result<u32, Error> {
        self.enter(|guest, store| guest.dotwit_interop_references().call_live(store))
    }

    /// Does what the guest asked for during the visit.
    pub(crate) fn end_visit(&mut self, session: &Arc<Shared>) {
        self.answer();
        if let Some(at) = self.store.data_mut().alarm.take()
            && self.trapped.is_none()
        {
            self.alarm.set(at, wake(Arc::downgrade(session)));
        }
    }

    /// The calls that have ended during the visit, and those who wait for them.
    pub(crate) fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.store.data_mut().ended)
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
                let error = no_page();
                let ended = match reply {
                    Reply::Invoke(call) => self.enter(|guest, store| {
                        guest.dotwit_interop_invocation().call_end_invoke_js(store, call, Err(&error))
                    }),
                    Reply::Read(call) => self.enter(|guest, store| {
                        guest.dotwit_interop_streams().call_end_read_js(store, call, Err(&error))
                    }),
                };
                if ended.is_err() {
                    return;
                }
            }
        }
    }
}

/// Why this host refuses what would reach a page.
pub(crate) fn no_page() -> CallError {
    CallError {
        kind: types::ErrorKind::Unsupported,
        message: "This version of the native host has no page whose functions a guest could call.".to_owned(),
        detail: None,
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

/// Why a guest is gone, or cannot be started.
fn why(store: &mut Store<State>, error: &wasmtime::Error) -> Error {
    let trap = error.downcast_ref::<Trap>().copied();
    let exit = error.downcast_ref::<I32Exit>().map(|exit| exit.0);
    let state = store.data_mut();
    let message = match (state.panic.take(), trap, exit, state.refused_memory) {
        _ if error.is::<PoolConcurrencyLimitError>() => {
            let message = format!("The host has no room for another instance: {error}.");
            return Error::new(ErrorKind::TooMany, message).with_detail(format!("{error:?}"));
        }
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
        (_, None, ..) => format!("The guest was stopped: {}.", error.root_cause()),
    };
    Error::new(ErrorKind::GuestTrapped, message).with_detail(format!("{error:?}"))
}
