//! The asynchronous way into an instance, for drivers that run many guests on few threads.
//!
//! The guest runs on a fiber, a stack of its own, so that it can be left in the middle of a call: when it waits in the system, and when it has
//! run for so long that others must have their turn. What happens before and after a call of an export is `instance`'s.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use wasmtime::component::{HasSelf, InstancePre, Linker};
use wasmtime::{Trap, UpdateDeadline};

use crate::contract::bindings::asynchronous::{Guest, GuestIndices};
use crate::contract::bindings::page;
use crate::engine::access::SystemAccess;
use crate::engine::effects::GuestTask;
use crate::engine::instance::{Export, Instance, PreparedGuest, Returned, new_store};
use crate::engine::meter::{FIRST_TICKS, Interrupted, Meter};
use crate::engine::store::State;
use crate::engine::trap::{TrapCause, trap_cause, trap_error};
use crate::engine::{Permit, Runtime, wasi};
use crate::error::Error;

/// A guest whose instances are called asynchronously. Clones are the same guest.
#[derive(Clone)]
pub(crate) struct FiberGuest {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: Runtime,
    instance: InstancePre<State>,
    /// The indices of its exports of `dotwit:interop`.
    exports: GuestIndices,
}

impl FiberGuest {
    /// Links a guest once more, with what can be awaited.
    ///
    /// # Errors
    ///
    /// wasmtime's error, where the guest imports something else.
    pub(crate) fn new(runtime: &Runtime, guest: &PreparedGuest) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(&runtime.engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        page::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
        let instance = linker.instantiate_pre(guest.instance.component())?;
        let exports = GuestIndices::new(&instance)?;
        Ok(Self { inner: Arc::new(Inner { runtime: runtime.clone(), instance, exports }) })
    }

    /// Returns the runtime that the guest was loaded with.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.inner.runtime
    }
}

/// How the exports of an instance are called asynchronously.
pub(crate) struct Fiber {
    guest: Guest,
    meter: Arc<Meter>,
    /// Why the guest is gone.
    cause: Option<TrapCause>,
}

/// An instance that is called asynchronously. To drop the future of a call is the end of the guest.
pub(crate) type FiberInstance = Instance<Fiber>;

impl FiberInstance {
    /// Starts a guest. `meter` measures it, and `permit` is its place among the circuits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`](crate::ErrorKind::GuestTrapped) where it traps at once,
    /// [`ErrorKind::TooMany`](crate::ErrorKind::TooMany) where there is no memory for one more, and
    /// [`ErrorKind::Failed`](crate::ErrorKind::Failed) where a folder of `access` cannot be opened.
    pub(crate) async fn start(
        guest: &FiberGuest,
        access: &SystemAccess,
        meter: Arc<Meter>,
        permit: Permit,
    ) -> Result<Self, Error> {
        let Inner { runtime, instance, exports } = &*guest.inner;
        let mut store = new_store(runtime, wasi::context_with(access)?);
        let interrupts = Arc::clone(&meter);
        store.epoch_deadline_callback(move |_| {
            Ok(match interrupts.interrupt() {
                Interrupted::GoOn => UpdateDeadline::Continue(FIRST_TICKS),
                Interrupted::Over => UpdateDeadline::Interrupt,
                Interrupted::Move => UpdateDeadline::YieldCustom(1, Box::pin(pending_once())),
                Interrupted::Yield => UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())),
            })
        });
        store.data_mut().begin_entry();
        store.set_epoch_deadline(FIRST_TICKS);
        let started = limited(&meter, async {
            let started = instance.instantiate_async(&mut store).await?;
            let guest = exports.load(&mut store, &started)?;
            Ok((guest, started))
        });
        let (guest, exports) = started.await.map_err(|error| trap_error(store.data_mut(), error))?;
        Ok(Self::with(store, Fiber { guest, meter, cause: None }, exports, Some(permit)))
    }

    /// Returns what measures the guest.
    pub(crate) fn meter(&self) -> &Arc<Meter> {
        &self.guest.meter
    }

    /// Returns the error of all calls, and its cause, if the guest is gone.
    pub(crate) fn trapped(&self) -> Option<(&Error, TrapCause)> {
        Some((self.trapped.as_ref()?, self.guest.cause?))
    }

    /// Runs a task.
    pub(crate) async fn run_async(&mut self, mut task: GuestTask) {
        if let Some(export) = self.begin(&mut task) {
            let returned = self.enter_async(&export).await;
            self.finish(&export, returned);
        }
    }

    /// Calls an export.
    async fn enter_async(&mut self, export: &Export<'_>) -> Result<Returned, Error> {
        if let Some(error) = &self.trapped {
            return Err(error.clone());
        }
        self.store.data_mut().begin_entry();
        self.store.set_epoch_deadline(FIRST_TICKS);
        let (Fiber { guest, meter, .. }, store) = (&self.guest, &mut self.store);
        let invocation = guest.dotwit_interop_invocation();
        let references = guest.dotwit_interop_references();
        let streams = guest.dotwit_interop_streams();
        let entered = limited(meter, async {
            match export {
                Export::BeginInvoke { call, target, method, args } => {
                    return invocation.call_begin_invoke(store, *call, target, method, args).await.map(Returned::Call);
                }
                Export::Read { call, stream, max } => {
                    return streams.call_read(store, *call, *stream, *max).await.map(Returned::Read);
                }
                Export::CancelInvoke(call) => invocation.call_cancel_invoke(store, *call).await,
                Export::EndInvokeJs { call, outcome } => {
                    invocation.call_end_invoke_js(store, *call, outcome.as_ref().copied()).await
                }
                Export::RunReady => invocation.call_run_ready(store).await,
                Export::Release(object) => references.call_release(store, *object).await,
                Export::Forget(object, times) => references.call_forget(store, *object, *times).await,
                Export::EndReadJs { call, outcome } => {
                    streams.call_end_read_js(store, *call, outcome.as_ref().copied()).await
                }
                Export::Close(stream) => streams.call_close(store, *stream).await,
            }
            .map(|()| Returned::Nothing)
        });
        entered.await.map_err(|error| {
            self.guest.cause = Some(trap_cause(self.store.data(), &error));
            self.end(error)
        })
    }
}

/// Awaits an entry. One that waits in the system for longer than it may is interrupted as if it had run that long.
async fn limited<T>(meter: &Meter, entry: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    meter.begin_entry();
    let (mut entry, mut waiting) = (pin!(entry), None);
    let entered = poll_fn(|cx| meter.poll(entry.as_mut(), &mut waiting, cx)).await;
    entered.unwrap_or_else(|| Err(Trap::Interrupt.into()))
}

/// Is pending once, and wakes nobody: what polls it again is another task.
fn pending_once() -> impl Future<Output = ()> + Send {
    let mut polled = false;
    poll_fn(
        move |_: &mut Context<'_>| if std::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending },
    )
}
