//! One instance of a guest: the way into it, and its end.

use std::sync::{Arc, Weak};

use tokio::sync::oneshot;
use wasmtime::component;
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;

use crate::bindings;
use crate::bindings::types::{CallError, Message, Target};
use crate::clock::Alarm;
use crate::error::{Error, ErrorKind};
use crate::guest::Prepared;
use crate::json;
use crate::manifest::Assembly;
use crate::runtime::{Runtime, Slot};
use crate::shared::{Job, Shared, too_many_calls};
use crate::state::{Ended, Left, Outcome, ReadOutcome, State};

/// A guest's instance, and the host's side of it. It is entered in visits: [`begin_visit`](Self::begin_visit), calls,
/// [`leave`](Self::leave).
pub(crate) struct Instance {
    store: Store<State>,
    guest: bindings::Guest,
    /// All of its exports.
    #[cfg_attr(not(feature = "typed"), expect(dead_code, reason = "for what is exported beside `dotwit:interop`"))]
    exports: component::Instance,
    /// What all calls fail with once the guest is gone.
    trapped: Option<Error>,
    alarm: Alarm,
    /// Held until the store is gone.
    _slot: Option<Slot>,
}

impl Instance {
    /// Starts a guest. `slot` is its place among the sessions, if it is one.
    pub(crate) fn new(runtime: &Runtime, pre: &Prepared, slot: Option<Slot>) -> Result<Self, Error> {
        let mut store = Store::new(&runtime.engine, State::new(runtime));
        store.limiter(|state| state);
        // What crosses to the host at once is copied, and a guest can send no more than it has.
        store.set_hostcall_fuel(runtime.config.max_memory);
        store.epoch_deadline_callback(|mut store| {
            Ok(match store.data_mut().take_overtime() {
                0 => UpdateDeadline::Interrupt,
                ticks => UpdateDeadline::Continue(ticks),
            })
        });
        let ticks = store.data_mut().begin_visit();
        store.set_epoch_deadline(ticks);
        let instantiated = pre.instance.instantiate(&mut store).and_then(|exports| {
            let guest = pre.exports.load(&mut store, &exports)?;
            Ok((guest, exports))
        });
        let (guest, exports) = instantiated.map_err(|error| why(&mut store, &error))?;
        Ok(Self { store, guest, exports, trapped: None, alarm: Alarm::default(), _slot: slot })
    }

    /// How large a message to the guest may be, in bytes.
    pub(crate) fn max_message(&self) -> usize {
        self.store.data().max_message()
    }

    /// Makes it the guest of a session.
    pub(crate) fn attach(&mut self, session: Weak<Shared>) {
        self.store.data_mut().session = session;
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

    /// Lets a program call exports of its own.
    #[cfg(feature = "typed")]
    pub(crate) fn typed<T>(
        &mut self,
        call: impl FnOnce(&mut Store<State>, &component::Instance) -> wasmtime::Result<T>,
    ) -> Result<T, Error> {
        let exports = self.exports;
        self.enter(|_, store| call(store, &exports))
    }

    pub(crate) fn invoke(&mut self, target: &Target, method: &str, args: &Message) -> Outcome {
        let outcome =
            self.enter(|guest, store| guest.dotwit_interop_invocation().call_invoke(store, target, method, args))?;
        self.store.data().outcome(outcome)
    }

    /// # Errors
    ///
    /// [`ErrorKind::TooMany`], where one more call cannot be under way.
    pub(crate) fn check_pending(&self, method: &str) -> Result<(), Error> {
        let state = self.store.data();
        let limit = state.config().max_pending_calls;
        if state.pending.len() < limit { Ok(()) } else { Err(too_many_calls(method, limit)) }
    }

    /// Begins a call. Gives its outcome where it has ended already, and who waits for it.
    pub(crate) fn begin(
        &mut self,
        call: u64,
        target: &Target,
        method: &str,
        args: &Message,
        waiting: oneshot::Sender<Outcome>,
    ) -> Option<(oneshot::Sender<Outcome>, Outcome)> {
        // Before the guest runs: it may end the call from within, or trap.
        self.store.data_mut().pending.insert(call, waiting);
        let begun = self.enter(|guest, store| {
            guest.dotwit_interop_invocation().call_begin_invoke(store, call, target, method, args)
        });
        let outcome = match begun {
            Ok(ended) => self.store.data().outcome(ended?),
            Err(error) => Err(error),
        };
        Some((self.store.data_mut().pending.remove(&call)?, outcome))
    }

    /// Asks for the next bytes of a stream. Gives them where they are there already, and who waits for them.
    pub(crate) fn read(
        &mut self,
        call: u64,
        stream: u64,
        max: u32,
        waiting: oneshot::Sender<ReadOutcome>,
    ) -> Option<(oneshot::Sender<ReadOutcome>, ReadOutcome)> {
        self.store.data_mut().reading.insert(call, waiting);
        let begun = self.enter(|guest, store| guest.dotwit_interop_streams().call_read(store, call, stream, max));
        let outcome = match begun {
            Ok(ended) => ended?.map_err(Error::from),
            Err(error) => Err(error),
        };
        Some((self.store.data_mut().reading.remove(&call)?, outcome))
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

    /// Tells the guest something. Gives the message that it did not get, where nobody waits for it any more.
    pub(crate) fn run(&mut self, job: Job) -> Option<Message> {
        let told = match job {
            // Whoever has given the call up meanwhile takes it as ended.
            Job::Begin { waiting, args, .. } if waiting.is_closed() => return Some(args),
            Job::Begin { call, target, method, args, waiting } => {
                if let Err(error) = self.check_pending(&method) {
                    self.store.data_mut().left.ended.push(Ended::Call(waiting, Err(error)));
                    return Some(args);
                }
                let ended = self.begin(call, &target, &method, &args, waiting);
                let ended = ended.map(|(waiting, outcome)| Ended::Call(waiting, outcome));
                self.store.data_mut().left.ended.extend(ended);
                Ok(())
            }
            Job::Read { call, stream, max, waiting } => {
                let ended = self.read(call, stream, max, waiting);
                let ended = ended.map(|(waiting, outcome)| Ended::Read(waiting, outcome));
                self.store.data_mut().left.ended.extend(ended);
                Ok(())
            }
            Job::EndCall { call, id, outcome } => {
                let state = self.store.data_mut();
                if state.page_calls.get(&call) != Some(&id) {
                    return outcome.ok();
                }
                state.page_calls.remove(&call);
                let (outcome, unfit) = json::fit_answer(state.config(), state.max_message(), outcome);
                let outcome = outcome.map_err(CallError::from);
                // Only a guest that traps does not get it, and it has lost everything.
                let _ = self.enter(|guest, store| {
                    guest.dotwit_interop_invocation().call_end_invoke_js(store, call, outcome.as_ref())
                });
                return unfit;
            }
            Job::EndPiece { call, id, outcome } => {
                let reads = &mut self.store.data_mut().page_reads;
                if reads.get(&call) != Some(&id) {
                    return None;
                }
                reads.remove(&call);
                let outcome = outcome.map_err(CallError::from);
                self.enter(|guest, store| {
                    let outcome = outcome.as_ref().map(Vec::as_slice);
                    guest.dotwit_interop_streams().call_end_read_js(store, call, outcome)
                })
            }
            Job::Cancelled(call) => {
                let error = CallError::from(Error::new(ErrorKind::Cancelled, "The call was cancelled."));
                self.enter(|guest, store| {
                    guest.dotwit_interop_invocation().call_end_invoke_js(store, call, Err(&error))
                })
            }
            Job::Cancel(call) => self.cancel(call),
            Job::Release(object) => self.release(object),
            Job::Forget(object, times) => {
                self.enter(|guest, store| guest.dotwit_interop_references().call_forget(store, object, times))
            }
            Job::Close(stream) => self.enter(|guest, store| guest.dotwit_interop_streams().call_close(store, stream)),
        };
        // A guest that traps here fails everybody's calls; this has nobody of its own to tell.
        drop(told);
        None
    }

    /// Does what the guest asked for during the visit, and gives what others must do.
    pub(crate) fn leave(&mut self, session: &Arc<Shared>) -> Left {
        let mut left = std::mem::take(&mut self.store.data_mut().left);
        if let Some(at) = left.alarm.take()
            && self.trapped.is_none()
        {
            self.alarm.set(at, wake(Arc::downgrade(session)));
        }
        left
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
            format!("The guest was stopped: it ran for longer than {:?} without returning.", state.config().cpu_limit)
        }
        (_, Some(Trap::StackOverflow), ..) => "The guest was stopped: its stack is exhausted.".to_owned(),
        (_, Some(Trap::UnreachableCodeReached), _, Some(bytes)) => {
            format!(
                "The guest ran out of memory: it asked for {bytes} bytes, and {} is the limit.",
                state.config().max_memory
            )
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
