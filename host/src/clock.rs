//! The time that passes outside of guests: their timers, and what they wait for in the system. It is kept by threads of
//! our own, so that a session needs no runtime of its caller's, and a guest that runs long holds up nobody else's.

use std::future::Future;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use wasmtime::Trap;

static CLOCK: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("dotwit-clock")
        .enable_time()
        .build()
        .expect("a program that can run guests can start a thread")
});

/// Waits for `future` on this thread, and no longer than `limit`: then the guest that waits is interrupted, as if it had
/// run that long.
pub(crate) fn wait<T>(limit: Duration, future: impl Future<Output = T>) -> wasmtime::Result<T> {
    let _context = CLOCK.enter();
    pollster::block_on(tokio::time::timeout(limit, future)).map_err(|_| Trap::Interrupt.into())
}

/// What should happen later. Dropping it forgets all of it.
#[derive(Default)]
pub(crate) struct Timers {
    tasks: JoinSet<()>,
}

impl Timers {
    /// How many are still to come.
    pub(crate) fn len(&mut self) -> usize {
        while self.tasks.try_join_next().is_some() {}
        self.tasks.len()
    }

    /// Calls `then` at `time` or a little later, on a thread where it may block.
    pub(crate) fn at(&mut self, time: Instant, then: impl FnOnce() + Send + 'static) {
        let timer = async move {
            tokio::time::sleep_until(time.into()).await;
            // Not awaited: when the session ends meanwhile, this task may be dropped, and `then` finds nothing to do.
            tokio::task::spawn_blocking(then);
        };
        self.tasks.spawn_on(timer, CLOCK.handle());
    }
}
