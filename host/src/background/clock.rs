//! The time that passes outside of guests: their alarms, and what they wait for in the system. It is kept by threads of
//! our own, so that a session needs no runtime of its caller's.

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
/// What the system says where it has no thread left.
pub(crate) fn start() -> io::Result<()> {
    CLOCK.start(Builder::new_multi_thread().worker_threads(1).thread_name("dotwit-clock").enable_time())
}

/// Waits for `future` on this thread, and no longer than `limit`: then the guest that waits is interrupted, as if it had
/// run that long.
pub(crate) fn wait<T>(limit: Duration, future: impl Future<Output = T>) -> wasmtime::Result<T> {
    let _context = CLOCK.get().enter();
    // Unconstrained: a task of the caller's may have spent its share of time, and nothing would wake what is put off here.
    let waited = tokio::task::unconstrained(tokio::time::timeout(limit, future));
    pollster::block_on(waited).map_err(|_| Trap::Interrupt.into())
}

/// Runs what may block, on a thread of our own.
pub(crate) fn spawn_blocking(run: impl FnOnce() + Send + 'static) {
    CLOCK.get().spawn_blocking(run);
}

/// What should happen later: one thing at a time. Setting it anew, or dropping it, forgets the one before.
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
            // From here on it can no longer be forgotten, and may find that there is nothing to do.
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
