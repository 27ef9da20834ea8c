//! Runs the asynchronous functions of native pages.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::runtime::Builder;
use tokio::task::{AbortHandle, JoinHandle};

use crate::background::Background;
use crate::error::{Error, panic_message};

/// Separate from the clock, so that futures which block do not delay alarms.
static RUNTIME: Background = Background::new();

/// Starts what polls futures, unless it has been started before.
///
/// # Errors
///
/// The system's error, where it has no threads left.
pub(crate) fn start() -> io::Result<()> {
    RUNTIME.start(Builder::new_multi_thread().thread_name("dotwit-page").enable_all())
}

thread_local! {
    static POLLING: Cell<bool> = const { Cell::new(false) };
}

/// Says whether this thread is polling a page function, until it is dropped.
pub(crate) struct Polling {
    outer: bool,
}

impl Polling {
    fn begin() -> Self {
        Self { outer: POLLING.replace(true) }
    }

    /// Begins a function that returns when it is done, although the thread may be polling another one further up.
    pub(crate) fn suspend() -> Self {
        Self { outer: POLLING.replace(false) }
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        POLLING.set(self.outer);
    }
}

/// A future of a result. Its panics become errors.
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// Returns whether the innermost page function of this thread is one that is polled.
pub(crate) fn is_polling() -> bool {
    POLLING.get()
}

/// Polls once, so that functions begin in the order in which they are called, and those that are ready need no other thread.
pub(crate) fn begin<T>(work: &mut BoxFuture<T>) -> Option<Result<T, Error>> {
    let _runtime = RUNTIME.get().enter();
    // A future that is not ready is polled again as soon as it is spawned.
    match poll(work, &mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}

/// Goes on polling in the background, and then calls `then`, which may block.
pub(crate) fn spawn<T: Send + 'static>(
    mut work: BoxFuture<T>,
    then: impl FnOnce(Result<T, Error>) + Send + 'static,
) -> AbortHandle {
    let task = RUNTIME.get().spawn(async move {
        let result = std::future::poll_fn(|cx| poll(&mut work, cx)).await;
        tokio::task::block_in_place(|| {
            drop(work);
            then(result);
        });
    });
    task.abort_handle()
}

/// Runs what may block.
pub(crate) fn spawn_blocking<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    RUNTIME.get().spawn_blocking(run)
}

fn poll<T>(work: &mut BoxFuture<T>, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
    let _polling = Polling::begin();
    let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
    polled.unwrap_or_else(|panic| {
        Poll::Ready(Err(Error::js_failed(format!("The page panicked: {}", panic_message(&*panic)))))
    })
}
