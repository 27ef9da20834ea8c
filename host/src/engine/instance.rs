//! One instance of a guest: the way into it, and its end.
//!
//! An instance knows no locks, threads or callers. Its driver, a [`Session`](crate::Session), runs one task after the other, and takes
//! the [`Effects`] when the guest has returned. Each task goes through three steps:
//!
//! 1. `begin` checks the task against what is under way, enters its waiter into the tables, and says which export to call.
//! 2. `enter` calls the export. `fiber` has another one of these, for drivers that await guests, and of nothing else.
//! 3. `finish` takes the export's return value, and settles what has ended.
//!
//! While the guest is on the stack, `imports` adds to the same effects. A trap ends the guest, and with it all that is under way.

use std::sync::{Arc, Weak};

use wasmtime::component::{self, Component, InstancePre, Linker};
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::WasiCtx;

use crate::contract::bindings::{self, GuestIndices};
use crate::contract::manifest::Assembly;
use crate::contract::message::{CallError, Message, Target};
use crate::engine::effects::{Effects, GuestTask, Outcome, Settled, Waiter};
use crate::engine::result::ResultMessage;
use crate::engine::store::State;
use crate::engine::trap::trap_error;
use crate::engine::upcalls::Upcalls;
use crate::engine::{Permit, Runtime, wasi};
use crate::error::{Error, ErrorKind};
use crate::limits;

/// A component that is ready to be instantiated.
pub(crate) struct PreparedGuest {
    pub(super) instance: InstancePre<State>,
    /// The indices of its exports of `dotwit:interop`.
    exports: GuestIndices,
}

impl PreparedGuest {
    pub(crate) fn new(component: &Component, linker: &Linker<State>) -> wasmtime::Result<Self> {
        let instance = linker.instantiate_pre(component)?;
        let exports = GuestIndices::new(&instance)?;
        Ok(Self { instance, exports })
    }
}

/// One instance of a guest, and the host's side of it. `G` is how its exports are called.
pub(crate) struct Instance<G = bindings::Guest> {
    pub(super) store: Store<State>,
    pub(super) guest: G,
    /// All of its exports.
    #[cfg_attr(not(feature = "typed"), expect(dead_code, reason = "for what is exported beside `dotwit:interop`"))]
    exports: component::Instance,
    /// The error of all calls once the guest is gone.
    pub(super) trapped: Option<Error>,
    /// Held until the store is gone.
    _permit: Option<Permit>,
}

/// A call of one of the exports whose results, if any, are outcomes of what has ended at once.
pub(super) enum Export<'t> {
    BeginInvoke { call: u64, target: &'t Target, method: &'t str, args: &'t Message },
    CancelInvoke(u64),
    EndInvokeJs { call: u64, outcome: Result<&'t Message, CallError> },
    RunReady,
    Release(u64),
    Forget(u64, u32),
    Read { call: u64, stream: u64, max: u32 },
    EndReadJs { call: u64, outcome: Result<&'t [u8], CallError> },
    Close(u64),
}

/// What an export has returned.
pub(super) enum Returned {
    Nothing,
    Call(Option<Result<Message, CallError>>),
    Read(Option<Result<Vec<u8>, CallError>>),
}

impl<G> Instance<G> {
    pub(super) fn with(store: Store<State>, guest: G, exports: component::Instance, permit: Option<Permit>) -> Self {
        Self { store, guest, exports, trapped: None, _permit: permit }
    }

    /// Returns the largest size of a message to the guest, in bytes.
    pub(crate) fn max_message(&self) -> usize {
        self.store.data().max_message()
    }

    /// Connects the guest to its driver.
    pub(crate) fn attach(&mut self, upcalls: Weak<dyn Upcalls>) {
        self.store.data_mut().upcalls = Some(upcalls);
    }

    /// Returns what follows from the tasks that have run since the effects were taken.
    #[cfg(feature = "server")]
    pub(crate) fn effects(&self) -> &Effects {
        &self.store.data().effects
    }

    /// Returns what is to be done now that the guest has returned.
    pub(crate) fn take_effects(&mut self) -> Effects {
        let mut effects = std::mem::take(&mut self.store.data_mut().effects);
        if self.trapped.is_some() {
            effects.alarm = None;
        }
        effects
    }

    /// Returns the export that a task calls, or none if the task no longer applies.
    pub(super) fn begin<'t>(&mut self, task: &'t mut GuestTask) -> Option<Export<'t>> {
        let state = self.store.data_mut();
        let (pending, effects) = (&mut state.pending, &mut state.effects);
        Some(match task {
            GuestTask::BeginCall { call, target, method, args, waiter } => {
                let waiter = waiter.take()?;
                let refused = pending.check(method).err();
                // A caller that has dropped the call meanwhile is not told of a refusal.
                if refused.is_some() || waiter.is_closed() {
                    let settled = refused.map(|error| Settled::Call { call: *call, waiter, outcome: Err(error) });
                    effects.settled.extend(settled);
                    effects.undelivered.push(std::mem::take(args));
                    return None;
                }
                // Before the guest runs: it may end the call from within, or trap.
                pending.calls.insert(*call, waiter);
                Export::BeginInvoke { call: *call, target, method, args }
            }
            GuestTask::CancelCall(call) => {
                pending.calls.remove(call)?;
                Export::CancelInvoke(*call)
            }
            GuestTask::EndPageCall { call, id, outcome } => {
                if pending.page_calls.get(call) != Some(id) {
                    effects.undelivered.extend(outcome.as_mut().ok().map(std::mem::take));
                    return None;
                }
                pending.page_calls.remove(call);
                let result = std::mem::replace(outcome, Ok(Message::default()));
                let (result, undelivered) = limits::check_result(&state.config, state.max_message(), result);
                state.effects.undelivered.extend(undelivered);
                *outcome = result;
                let outcome = outcome.as_ref().map_err(|error| error.clone().into());
                Export::EndInvokeJs { call: *call, outcome }
            }
            GuestTask::EndPageRead { call, id, outcome } => {
                if pending.page_reads.get(call) != Some(id) {
                    return None;
                }
                pending.page_reads.remove(call);
                let outcome = outcome.as_ref().map(Vec::as_slice).map_err(|error| error.clone().into());
                Export::EndReadJs { call: *call, outcome }
            }
            GuestTask::PageCallCancelled(call) => {
                let error = Error::new(ErrorKind::Cancelled, "The call was cancelled.");
                Export::EndInvokeJs { call: *call, outcome: Err(error.into()) }
            }
            GuestTask::Read { call, stream, max, waiter } => {
                pending.reads.insert(*call, waiter.take()?);
                Export::Read { call: *call, stream: *stream, max: *max }
            }
            GuestTask::Release(object) => Export::Release(*object),
            GuestTask::Forget(object, times) => Export::Forget(*object, *times),
            GuestTask::Close(stream) => Export::Close(*stream),
            GuestTask::RunReady => Export::RunReady,
        })
    }

    /// Settles what has ended. A trap has settled everything already, except what began after it.
    pub(super) fn finish(&mut self, export: &Export<'_>, returned: Result<Returned, Error>) {
        let state = self.store.data_mut();
        match *export {
            Export::BeginInvoke { call, .. } => {
                let outcome = match returned {
                    Ok(Returned::Call(Some(outcome))) => Ok(outcome),
                    Ok(_) => return,
                    Err(error) => Err(error),
                };
                if let Some(waiter) = state.pending.calls.remove(&call) {
                    let outcome = outcome.and_then(|outcome| state.outcome(&waiter, outcome));
                    state.effects.settled.push(Settled::Call { call, waiter, outcome });
                }
            }
            Export::Read { call, .. } => {
                let outcome = match returned {
                    Ok(Returned::Read(Some(outcome))) => outcome.map_err(Error::from),
                    Ok(_) => return,
                    Err(error) => Err(error),
                };
                let waiter = state.pending.reads.remove(&call);
                state.effects.settled.extend(waiter.map(|waiter| Settled::Read { call, waiter, outcome }));
            }
            // The other exports have no waiters.
            _ => {}
        }
    }

    /// Ends the guest, and with it every call that is under way.
    pub(super) fn end(&mut self, error: wasmtime::Error) -> Error {
        let state = self.store.data_mut();
        let error = trap_error(state, error);
        state.end_all(&error);
        self.trapped = Some(error.clone());
        error
    }
}

impl Instance {
    /// Starts a guest. `permit` is its place among the sessions, if it belongs to one.
    pub(crate) fn new(runtime: &Runtime, pre: &PreparedGuest, permit: Option<Permit>) -> Result<Self, Error> {
        let mut store = new_store(runtime, wasi::context());
        store.epoch_deadline_callback(|mut store| {
            Ok(match store.data_mut().time.take_extra() {
                0 => UpdateDeadline::Interrupt,
                ticks => UpdateDeadline::Continue(ticks),
            })
        });
        let ticks = store.data_mut().begin_entry();
        store.set_epoch_deadline(ticks);
        let instantiated = pre.instance.instantiate(&mut store).and_then(|exports| {
            let guest = pre.exports.load(&mut store, &exports)?;
            Ok((guest, exports))
        });
        let (guest, exports) = instantiated.map_err(|error| trap_error(store.data_mut(), error))?;
        Ok(Self::with(store, guest, exports, permit))
    }

    /// Returns what can be called in the guest.
    pub(crate) fn describe(&mut self) -> Result<Vec<Assembly>, Error> {
        let assemblies = self.call(|guest, store| guest.dotwit_interop_manifest().call_describe(store))??;
        Ok(assemblies.into_iter().map(Into::into).collect())
    }

    /// Calls a synchronous method.
    pub(crate) fn invoke(&mut self, target: &Target, method: &str, args: &Message) -> Outcome {
        let outcome =
            self.call(|guest, store| guest.dotwit_interop_invocation().call_invoke(store, target, method, args))?;
        self.store.data().returned(outcome)
    }

    /// Returns how many of its objects the guest has handed out and still holds for the page.
    pub(crate) fn live(&mut self) -> Result<u32, Error> {
        self.call(|guest, store| guest.dotwit_interop_references().call_live(store))
    }

    /// Releases an object of the guest.
    pub(crate) fn release(&mut self, object: u64) -> Result<(), Error> {
        self.enter(&Export::Release(object)).map(drop)
    }

    /// Lets a program call exports of its own.
    #[cfg(feature = "typed")]
    pub(crate) fn typed<T>(
        &mut self,
        call: impl FnOnce(&mut Store<State>, &component::Instance) -> wasmtime::Result<T>,
    ) -> Result<T, Error> {
        let exports = self.exports;
        self.call(|_, store| call(store, &exports))
    }

    /// Begins a call whose outcome goes to `waiter`, like [`GuestTask::BeginCall`] but with borrowed arguments.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMany`], where nothing has begun.
    pub(crate) fn begin_call(
        &mut self,
        call: u64,
        target: &Target,
        method: &str,
        args: &Message,
        waiter: Waiter<ResultMessage>,
    ) -> Result<(), Error> {
        self.store.data().pending.check(method)?;
        self.store.data_mut().pending.calls.insert(call, waiter);
        self.cross(&Export::BeginInvoke { call, target, method, args });
        Ok(())
    }

    /// Runs a task.
    pub(crate) fn run(&mut self, mut task: GuestTask) {
        if let Some(export) = self.begin(&mut task) {
            self.cross(&export);
        }
    }

    fn cross(&mut self, export: &Export<'_>) {
        let returned = self.enter(export);
        self.finish(export, returned);
    }

    /// Calls an export.
    fn enter(&mut self, export: &Export<'_>) -> Result<Returned, Error> {
        self.call(|guest, mut store| {
            let invocation = guest.dotwit_interop_invocation();
            let references = guest.dotwit_interop_references();
            let streams = guest.dotwit_interop_streams();
            match export {
                Export::BeginInvoke { call, target, method, args } => {
                    return invocation.call_begin_invoke(store, *call, target, method, args).map(Returned::Call);
                }
                Export::Read { call, stream, max } => {
                    return streams.call_read(store, *call, *stream, *max).map(Returned::Read);
                }
                Export::CancelInvoke(call) => invocation.call_cancel_invoke(&mut store, *call),
                Export::EndInvokeJs { call, outcome } => {
                    invocation.call_end_invoke_js(&mut store, *call, outcome.as_ref().copied())
                }
                Export::RunReady => invocation.call_run_ready(&mut store),
                Export::Release(object) => references.call_release(&mut store, *object),
                Export::Forget(object, times) => references.call_forget(&mut store, *object, *times),
                Export::EndReadJs { call, outcome } => {
                    streams.call_end_read_js(&mut store, *call, outcome.as_ref().copied())
                }
                Export::Close(stream) => streams.call_close(&mut store, *stream),
            }
            .map(|()| Returned::Nothing)
        })
    }

    /// Begins an entry and calls into the guest. A trap ends it, and with it every call that is under way.
    fn call<T>(
        &mut self,
        call: impl FnOnce(&bindings::Guest, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> Result<T, Error> {
        if let Some(error) = &self.trapped {
            return Err(error.clone());
        }
        let ticks = self.store.data_mut().begin_entry();
        self.store.set_epoch_deadline(ticks);
        call(&self.guest, &mut self.store).map_err(|error| self.end(error))
    }
}

/// Returns the store of a guest that may use `wasi`.
pub(super) fn new_store(runtime: &Runtime, wasi: WasiCtx) -> Store<State> {
    let state = State::new(Arc::clone(&runtime.config), runtime.clock.clone(), &runtime.memory, wasi);
    let mut store = Store::new(&runtime.engine, state);
    store.limiter(|state| state);
    // What crosses to the host at once is copied, and a guest can send no more than it has.
    store.set_hostcall_fuel(runtime.config.max_memory);
    store
}
