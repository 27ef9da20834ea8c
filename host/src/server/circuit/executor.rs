//! Where guests run that would delay others, and where they start.
//!
//! The threads of the *slow runtime* have a low priority: they get what the quick visits, which run in their circuits' own tasks, leave. Nothing
//! runs there but visits, which yield with each tick, so its threads are all the seats that there are.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::engine::access::SystemAccess;
use crate::engine::fiber::{FiberGuest, FiberInstance};
use crate::engine::meter::Meter;
use crate::error::{Error, ErrorKind};

/// How much lower the priority of slow visits is: low enough for quick ones to be on time, and not the lowest, so that slow ones get on
/// beside other work of the machine. At the same priority, the slowest of a hundred quick calls take twenty times as long.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// The guests that start at once, for each processor. A start is work for one of them, and the rest of those that come back after an outage
/// wait here without an instance.
const STARTING_PER_CORE: usize = 2;

/// The threads that wait for files, for slow guests. wasmtime's WASI has one thread wait for each operation on a file, and the others
/// are queued.
const FILE_THREADS: usize = 16;

/// Starts guests and runs the slow ones. There is one for all circuits of a server.
pub(crate) struct Executor {
    /// None only while it is dropped.
    slow: Option<Runtime>,
    starting: Semaphore,
    slow_visits: Arc<AtomicUsize>,
}

impl Executor {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`], where the system has none left.
    pub(crate) fn new() -> Result<Arc<Self>, Error> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let slow = start_threads(cores).map_err(|error| {
            let what = format!("The host cannot start the threads for slow guests: {error}.");
            Error::new(ErrorKind::Unsupported, what).with_source(error)
        })?;
        Ok(Arc::new(Self {
            slow: Some(slow),
            starting: Semaphore::new(cores * STARTING_PER_CORE),
            slow_visits: Arc::default(),
        }))
    }

    /// Starts a guest, on the slow runtime. It waits while many others are starting. To drop the future gives the start up.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMany`] where there are as many circuits as [`Config::max_circuits`](crate::Config::max_circuits) allows, or no memory
    /// for one more, [`ErrorKind::GuestTrapped`] where it traps at once, and [`ErrorKind::Failed`] where a folder of `access` cannot be
    /// opened.
    pub(super) async fn start(
        &self,
        guest: &FiberGuest,
        access: &Arc<SystemAccess>,
    ) -> Result<Box<FiberInstance>, Error> {
        let permit = guest.runtime().circuit_permit().await?;
        // It is never closed.
        let _starting = self.starting.acquire().await;
        let meter = Arc::new(Meter::new(guest.runtime().config.cpu_limit, guest.runtime().clock.tick));
        meter.begin_visit(true);
        let (guest, access) = (guest.clone(), Arc::clone(access));
        let starting = self.spawn(async move { FiberInstance::start(&guest, &access, meter, permit).await });
        match starting.await {
            Ok(started) => started.map(Box::new),
            Err(error) => Err(gone(&error)),
        }
    }

    /// Returns how many visits are on the slow runtime now, or wait for their turn there.
    pub(crate) fn slow_visits(&self) -> usize {
        self.slow_visits.load(Ordering::Relaxed)
    }

    /// Runs a visit on the slow runtime.
    pub(super) fn spawn<T: Send + 'static>(&self, visit: impl Future<Output = T> + Send + 'static) -> Away<T> {
        let counted = Counted::new(&self.slow_visits);
        let task = self.slow().spawn(async move {
            let _counted = counted;
            visit.await
        });
        Away { task }
    }

    /// Drops a guest on the slow runtime: the system takes its time to take back the memory of a large one.
    pub(super) fn dispose(&self, guest: Box<FiberInstance>) {
        self.slow().spawn(async move { drop(guest) });
    }

    fn slow(&self) -> &Runtime {
        self.slow.as_ref().unwrap_or_else(|| unreachable!("it is taken where nothing refers to it any more"))
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        // Not to be waited for: this may be a thread that polls futures. Visits give up their threads with their next tick, and are dropped.
        if let Some(slow) = self.slow.take() {
            slow.shutdown_background();
        }
    }
}

/// A visit on the slow runtime. Dropping it drops the visit.
pub(super) struct Away<T> {
    pub(super) task: JoinHandle<T>,
}

impl<T> Future for Away<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.task).poll(cx)
    }
}

impl<T> Drop for Away<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Returns the error of a guest whose visit has ended without an outcome.
pub(super) fn gone(error: &tokio::task::JoinError) -> Error {
    let what = if error.is_panic() { "a function of the host panicked" } else { "the host is stopping" };
    Error::new(ErrorKind::GuestTrapped, format!("The guest was stopped: {what}."))
}

/// Counts while it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn start_threads(cores: usize) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(cores)
        .max_blocking_threads(FILE_THREADS)
        .thread_name("dotwit-slow")
        .on_thread_start(lower_priority)
        .enable_time()
        .build()
}

/// Lowers the priority of this thread. It needs no privilege.
#[cfg(target_os = "linux")]
fn lower_priority() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    if let Err(error) = rustix::process::nice(NICE) {
        ONCE.call_once(|| {
            tracing::warn!("the threads for slow guests have no lower priority, and may delay the others: {error}");
        });
    }
}

/// Elsewhere, a priority is that of the whole process.
#[cfg(not(target_os = "linux"))]
fn lower_priority() {}
