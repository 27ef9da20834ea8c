//! The time that passes outside guests: their alarms, and what they wait for in the system. It has threads of its own, so that a
//! session does not need a runtime of its caller.

use std::future::Future;
use std::io;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::task::JoinHandle;
use wasmtime::Trap;

use crate::background::Background;

static CLOCK: Background = Background::new();

/// Starts the clock, unless it has been started before.
///
/// # Errors
///
/// The system's error, where it has no thread left.
pub(crate) fn start() -> io::Result<()> {
    CLOCK.start(Builder::new_multi_thread().worker_threads(1).thread_name("dotwit-clock").enable_time())
}

/// Waits for `future` on this thread, and no longer than `limit`: then the guest that waits is interrupted as if it had run that
/// long.
pub(crate) fn wait<T>(limit: Duration, future: impl Future<Output = T>) -> wasmtime::Result<T> {
    let _context = CLOCK.get().enter();
    // Unconstrained, since a task of the caller may have spent its budget, and nothing would wake what is put off here.
    let waited = tokio::task::unconstrained(tokio::time::timeout(limit, future));
    pollster::block_on(waited).map_err(|_| Trap::Interrupt.into())
}

/// Runs what may block, on a background thread.
pub(crate) fn spawn_blocking(run: impl FnOnce() + Send + 'static) {
    CLOCK.get().spawn_blocking(run);
}

/// A timer. Setting it again replaces what it was set to, and dropping it forgets that.
#[derive(Default)]
pub(crate) struct Alarm {
    task: Option<JoinHandle<()>>,
}

impl Alarm {
    /// Calls `then` at `time` or a little later, on a thread where it may block.
    pub(crate) fn set(&mut self, time: Instant, then: impl FnOnce() + Send + 'static) {
        self.forget();
        self.task = Some(CLOCK.get().spawn(async move {
            tokio::time::sleep_until(time.into()).await;
            // From here on it can no longer be forgotten, and may find nothing to do.
            tokio::task::spawn_blocking(then);
        }));
    }

    fn forget(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.forget();
    }
}
