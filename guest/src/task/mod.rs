//! Asynchronous work inside the guest: [`spawn`], [`sleep`] and [`yield_now`].
//!
//! A component has one thread, and runs only while its page calls it. So tasks are polled at the end of each call by name,
//! until none can go on; and what should happen later is a timer, for which the page is asked to call again. Exports of the
//! guest's own poll no tasks: what they spawn runs in the next call by name, which the page is asked for.

mod timer;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_task::Runnable;

pub use timer::{Sleep, sleep, yield_now};
pub(crate) use timer::{set_alarm, take_due, wake_soon};

thread_local! {
    static READY: RefCell<VecDeque<Runnable>> = const { RefCell::new(VecDeque::new()) };
    /// How many calls by name are on the stack, each inside the one before.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// A task that was spawned. Awaiting it returns its output; dropping it lets the task run on; [`abort`](Self::abort) ends it.
#[derive(Debug)]
pub struct JoinHandle<T>(Option<async_task::Task<T>>);

impl<T> JoinHandle<T> {
    /// Ends the task where it awaits. Its future is dropped when it would next be polled.
    pub fn abort(mut self) {
        self.0.take();
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if let Some(task) = self.0.take() {
            task.detach();
        }
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &mut self.0 {
            Some(task) => Pin::new(task).poll(cx),
            None => Poll::Pending,
        }
    }
}

/// Starts a task. It is first polled at the end of the call by name that is running, or else in a call that the page is asked
/// for.
///
/// ```no_run
/// # async fn work() -> i32 { 1 }
/// # async fn example() {
/// let task = dotwit::task::spawn(work());
/// assert_eq!(task.await, 1);
/// # }
/// ```
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    JoinHandle(Some(spawn_cancellable(future)))
}

/// Starts a task that ends when the returned handle is dropped.
pub(crate) fn spawn_cancellable<F>(future: F) -> async_task::Task<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let (runnable, task) = async_task::spawn_local(future, schedule);
    runnable.schedule();
    task
}

/// Queues a task to be polled at the end of the call by name that is running. If none is, the page is asked for one.
fn schedule(runnable: Runnable) {
    let is_first = READY.try_with(|ready| {
        let ready = &mut *ready.borrow_mut();
        ready.push_back(runnable);
        ready.len() == 1
    });
    // At the thread's end its tasks may be gone already.
    if is_first == Ok(true) && DEPTH.get() == 0 {
        wake_soon();
    }
}

/// Polls tasks until none can go on, at most `max` times. Returns whether some can still go on.
pub(crate) fn poll_ready(max: usize) -> bool {
    for _ in 0..max {
        let Some(runnable) = READY.with_borrow_mut(VecDeque::pop_front) else { return false };
        runnable.run();
    }
    READY.with_borrow(|ready| !ready.is_empty())
}

/// A call by name that is on the stack until this is dropped.
pub(crate) struct Entered {
    outer: usize,
}

impl Entered {
    pub(crate) fn new() -> Self {
        let outer = DEPTH.get();
        DEPTH.set(outer + 1);
        Self { outer }
    }

    /// Whether the call came in while another was on the stack.
    pub(crate) fn is_nested(&self) -> bool {
        self.outer > 0
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        DEPTH.set(self.outer);
    }
}
