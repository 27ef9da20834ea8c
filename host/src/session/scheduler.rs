//! Which thread runs what, and when: the guest under its lock, and the queues on either side of it.
//!
//! A thread that has queued something and finds the guest, or the page, taken by another thread leaves it to that one, which looks at
//! the queues once more after it has let go. Each of the two writes and then reads what the other writes, so that both need a
//! sequentially consistent fence in between: without it, both could miss what the other has written.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::task::{Context, Poll};

use parking_lot::MutexGuard;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::background::{clock, executor};
use crate::engine::effects::{Effects, GuestTask, Inbox, Settled, Waiter};
use crate::engine::instance::Instance;
use crate::error::{Error, ErrorKind};
use crate::session::core::{LockedGuest, SessionCore, reentrant, this_thread};

/// How many tasks a thread runs for others before it goes on with its own work and leaves the rest to a background thread: far
/// more than calls need that come to an end.
const MAX_TURNS: usize = 1_000;

/// The guest, while this thread may have it on its stack.
struct GuestGuard<'a> {
    guest: MutexGuard<'a, LockedGuest>,
    core: &'a SessionCore,
}

impl<'a> GuestGuard<'a> {
    fn new(core: &'a SessionCore, guest: MutexGuard<'a, LockedGuest>) -> Self {
        core.guest_thread.store(this_thread(), Ordering::Relaxed);
        Self { guest, core }
    }
}

impl Drop for GuestGuard<'_> {
    fn drop(&mut self) {
        self.core.guest_thread.store(0, Ordering::Relaxed);
    }
}

impl SessionCore {
    /// Lets `run` call the guest, and then drains the queues. It blocks while other threads are calling the guest.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Reentrant`], where this thread has the guest on its stack.
    pub(crate) fn with_guest<T>(
        self: &Arc<Self>,
        what: &str,
        run: impl FnOnce(&mut Instance) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.check_off_stack(what)?;
        let mut guard = GuestGuard::new(self, self.guest.lock());
        // What was queued before comes first.
        self.deliver(&mut guard.guest.instance);
        let result = run(&mut guard.guest.instance);
        self.leave(guard);
        self.drain();
        result
    }

    /// Delivers the guest tasks that are queued now. What is queued meanwhile waits until other threads have had their turn.
    fn deliver(&self, instance: &mut Instance) {
        for _ in 0..self.queues.guest_tasks() {
            let Some(task) = self.queues.pop_guest_task() else { break };
            instance.run(task);
        }
    }

    /// Unlocks the guest, and acts upon the effects of its entries.
    fn leave(self: &Arc<Self>, mut guard: GuestGuard<'_>) {
        let Effects { settled, page, guest, undelivered, alarm } = guard.guest.instance.take_effects();
        if let Some(at) = alarm {
            let session = Arc::downgrade(self);
            guard.guest.alarm.set(at, move || {
                if let Some(session) = session.upgrade() {
                    session.post(GuestTask::RunReady);
                }
            });
        }
        // Before the lock is released, to keep the order.
        if !guest.is_empty() {
            self.queues.push_guest_tasks(guest);
        }
        if !page.is_empty() {
            self.queues.push_page_tasks(page);
        }
        drop(guard);
        undelivered.iter().for_each(|message| self.discard(message));
        for ended in settled {
            match ended {
                Settled::Call { waiter: Waiter::Caller(caller), outcome, .. } => {
                    if let Err(Ok(unread)) = caller.send(outcome) {
                        self.queue_give_back(&unread);
                    }
                }
                Settled::Read { waiter: Waiter::Caller(caller), outcome, .. } => drop(caller.send(outcome)),
                #[cfg(feature = "server")]
                Settled::Call { waiter: Waiter::Driver, .. } | Settled::Read { waiter: Waiter::Driver, .. } => {
                    unreachable!("each call of a session has a caller")
                }
            }
        }
    }

    /// Runs what is queued, unless another thread is doing so.
    pub(crate) fn drain(self: &Arc<Self>) {
        fence(Ordering::SeqCst);
        let waits = self.queues.guest_tasks() + self.queues.page_tasks() > 0;
        if !waits || self.is_on_stack() {
            return;
        }
        if std::thread::panicking() {
            // The guest is not called while a panic unwinds this thread.
            return self.drain_in_background();
        }
        // Page tasks that call the session do not run others, which would nest without end.
        self.drain_queues(!self.is_running_page_task());
    }

    fn drain_in_background(self: &Arc<Self>) {
        let session = Arc::downgrade(self);
        clock::spawn_blocking(move || {
            if let Some(session) = session.upgrade() {
                session.drain();
            }
        });
    }

    fn drain_queues(self: &Arc<Self>, with_page_tasks: bool) {
        for _ in 0..MAX_TURNS {
            fence(Ordering::SeqCst);
            let delivered = self.try_deliver();
            let ran = with_page_tasks && self.run_next_page_task();
            if !delivered && !ran {
                self.wake_blocked_waiter();
                return;
            }
        }
        self.drain_in_background();
    }

    /// Delivers guest tasks, unless another thread is calling the guest: that thread drains the queues afterwards.
    fn try_deliver(self: &Arc<Self>) -> bool {
        if self.queues.guest_tasks() == 0 {
            return false;
        }
        let Some(guest) = self.guest.try_lock() else { return false };
        let mut guard = GuestGuard::new(self, guest);
        self.deliver(&mut guard.guest.instance);
        self.leave(guard);
        true
    }

    fn run_next_page_task(self: &Arc<Self>) -> bool {
        if self.queues.page_tasks() == 0 {
            return false;
        }
        let me = this_thread();
        let entered = self.page_thread.compare_exchange(0, me, Ordering::AcqRel, Ordering::Acquire);
        // Another thread that runs page tasks looks again afterwards. This thread may be inside a task that blocks.
        if entered.is_err_and(|thread| thread != me) {
            return false;
        }
        let task = self.queues.pop_page_task();
        let ran = task.is_some();
        if let Some(task) = task {
            self.run_page_task(task);
        }
        if entered.is_ok() {
            self.page_thread.store(0, Ordering::Release);
        }
        ran
    }

    fn is_running_page_task(&self) -> bool {
        self.page_thread.load(Ordering::Relaxed) == this_thread()
    }

    /// Polls for the end of a call or a read.
    ///
    /// If this thread has the guest on its stack, nothing can end before the caller returns: waiting would last forever, and is an
    /// error. If it runs a page task, it runs others meanwhile.
    pub(crate) fn poll_end<T>(
        self: &Arc<Self>,
        outcome: &mut oneshot::Receiver<Result<T, Error>>,
        cx: &mut Context<'_>,
        what: &str,
    ) -> Poll<Result<T, Error>> {
        let polled = poll_receiver(outcome, cx, what);
        if polled.is_ready() {
            return polled;
        }
        if self.is_on_stack() {
            return Poll::Ready(Err(reentrant(what)));
        }
        // A page function that is polled is polled again when it can go on. Any other one that waits here blocks the page.
        if !self.is_running_page_task() || executor::is_polling() {
            return polled;
        }
        self.drain_queues(true);
        // Set last, since a function that blocked meanwhile has set its own waker. Page tasks that other threads have queued before
        // have not woken this one.
        let waiter = cx.waker().clone();
        let before = self.blocked_waiter.lock().replace(waiter);
        drop(before);
        if self.queues.page_tasks() > 0 {
            cx.waker().wake_by_ref();
        }
        poll_receiver(outcome, cx, what)
    }

    /// Wakes a blocked page function if there are page tasks, which only its thread can run.
    fn wake_blocked_waiter(&self) {
        if self.queues.page_tasks() > 0 && !self.is_running_page_task() {
            let waiter = self.blocked_waiter.lock().take();
            if let Some(waiter) = waiter {
                waiter.wake();
            }
        }
    }
}

impl Inbox for SessionCore {
    /// Queues a task and delivers it at once, unless another thread is calling the guest: that thread delivers it.
    fn post(&self, task: GuestTask) {
        self.queues.push_guest_tasks([task]);
        // Without a session, the queues are gone as well.
        if let Some(session) = self.upgrade() {
            session.drain();
        }
    }
}

fn poll_receiver<T>(
    outcome: &mut oneshot::Receiver<Result<T, Error>>,
    cx: &mut Context<'_>,
    what: &str,
) -> Poll<Result<T, Error>> {
    // Only a guest that broke the contract forgets a call without a trap.
    let forgotten = || Err(Error::new(ErrorKind::Protocol, format!("The guest forgot the {what}.")));
    match outcome.try_recv() {
        Ok(outcome) => Poll::Ready(outcome),
        Err(TryRecvError::Closed) => Poll::Ready(forgotten()),
        Err(TryRecvError::Empty) => Pin::new(outcome).poll(cx).map(|ended| ended.unwrap_or_else(|_| forgotten())),
    }
}
