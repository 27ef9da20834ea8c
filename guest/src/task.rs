//! Asynchronous work inside the guest: [`spawn`], [`sleep`] and [`yield_now`].
//!
//! A component has one thread, and runs only while its page calls it. So tasks are polled at the end of each call into
//! the guest, until none can go on; and what should happen later is a timer, for which the page is asked to call again. So
//! it is for what an export of the guest's own leaves behind: only calls by name poll tasks.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use async_task::Runnable;

use crate::message::{self, SetAside};
use crate::page::{page, try_page};

thread_local! {
    static READY: RefCell<VecDeque<Runnable>> = const { RefCell::new(VecDeque::new()) };
    /// How many calls of the page are on the stack, each within the one before.
    static VISITS: Cell<usize> = const { Cell::new(0) };
    static TIMERS: RefCell<Timers> =
        const { RefCell::new(Timers { sleeping: BTreeMap::new(), next: 0, alarm: None }) };
}

/// A task that was spawned. Awaiting it gives its output; dropping it lets the task run on; [`abort`](Self::abort) ends
/// it.
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

/// Starts a task. It is first polled at the end of the call by name that is under way, or else once the page has had its
/// turn.
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

/// Starts a task that ends when what is returned is dropped.
pub(crate) fn spawn_cancellable<F>(future: F) -> async_task::Task<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    let (runnable, task) = async_task::spawn_local(future, schedule);
    runnable.schedule();
    task
}

/// Lets a task be polled. That is done at the end of the visit; outside of one, where an export of the guest's own is running,
/// the page is asked for one.
fn schedule(runnable: Runnable) {
    let only = READY.try_with(|ready| {
        let ready = &mut *ready.borrow_mut();
        ready.push_back(runnable);
        ready.len() == 1
    });
    // There is nothing left to do when the thread's tasks are already gone.
    if only == Ok(true)
        && VISITS.get() == 0
        && let Ok(()) = TIMERS.try_with(|timers| timers.borrow_mut().alarm = Some(Instant::now()))
        && let Some(page) = try_page()
    {
        page.wake_after(Duration::ZERO);
    }
}

/// How many polls a call into the guest may bring about before the page has its turn: far more than tasks that wait for
/// something need, and an end to those that only wake themselves.
const MAX_POLLS: usize = 10_000;

/// Does what the page calls for, and then polls tasks until none can go on, or the page should have its turn.
///
/// A page may call while it is being called. Such a visit sees nothing of what the outer one is in the middle of, and
/// leaves the tasks to it: one that is polled never finds another halfway through.
pub(crate) fn visit<T>(work: impl FnOnce() -> T) -> T {
    struct Visit;

    impl Drop for Visit {
        fn drop(&mut self) {
            VISITS.set(VISITS.get() - 1);
        }
    }

    let outer = VISITS.get();
    VISITS.set(outer + 1);
    let _visit = Visit;
    if outer > 0 {
        let _scopes = SetAside::new();
        return work();
    }
    message::results_have_arrived();
    let done = work();
    run_until_idle();
    done
}

fn run_until_idle() {
    for _ in 0..MAX_POLLS {
        let Some(runnable) = READY.with_borrow_mut(VecDeque::pop_front) else { break };
        runnable.run();
    }
    if READY.with_borrow(|ready| !ready.is_empty()) || message::results_keep_something() {
        TIMERS.with_borrow_mut(|timers| timers.alarm = Some(Instant::now()));
        page().wake_after(Duration::ZERO);
    }
}

/// Wakes the sleepers whose time has come and polls tasks, now that the alarm has gone off.
pub(crate) fn run_ready() {
    visit(|| {
        let now = Instant::now();
        let due = TIMERS.with_borrow_mut(|timers| {
            timers.alarm = None;
            let later = timers.sleeping.split_off(&(now, u64::MAX));
            std::mem::replace(&mut timers.sleeping, later)
        });
        due.into_values().for_each(Waker::wake);
    });
    set_alarm(Instant::now());
}

/// Waits. The page's timers decide how exactly; browsers round up to milliseconds and slow down hidden pages.
pub fn sleep(duration: Duration) -> Sleep {
    // A deadline beyond the clock's range is as good as the farthest one.
    let now = Instant::now();
    let deadline = now.checked_add(duration).unwrap_or_else(|| now + Duration::from_secs(u64::from(u32::MAX)));
    Sleep { deadline, id: None, yields: false }
}

/// Waits until the page has had its turn, and other tasks theirs.
pub fn yield_now() -> Sleep {
    Sleep { deadline: Instant::now(), id: None, yields: true }
}

/// The future of [`sleep`] and [`yield_now`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    deadline: Instant,
    id: Option<u64>,
    /// Whether to wait for the page's turn although the deadline is past.
    yields: bool,
}

struct Timers {
    sleeping: BTreeMap<(Instant, u64), Waker>,
    next: u64,
    /// When the page will call, unless the alarm is set anew.
    alarm: Option<Instant>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        // The turn of one that yields comes when `run_ready` takes its timer, whatever else it is polled for.
        let waits = match self.id {
            Some(id) if self.yields => TIMERS.with_borrow(|timers| timers.sleeping.contains_key(&(self.deadline, id))),
            None if self.yields => true,
            _ => now < self.deadline,
        };
        if !waits {
            return Poll::Ready(());
        }
        self.id = TIMERS.with_borrow_mut(|timers| {
            let id = self.id.unwrap_or(timers.next);
            timers.next = timers.next.max(id + 1);
            timers.sleeping.insert((self.deadline, id), cx.waker().clone());
            Some(id)
        });
        set_alarm(now);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            // The thread's timers are gone already when the thread ends.
            let _ = TIMERS.try_with(|timers| timers.borrow_mut().sleeping.remove(&(self.deadline, id)));
        }
    }
}

/// Sets the page's alarm to the earliest deadline, unless it will go off by then.
fn set_alarm(now: Instant) {
    let delay = TIMERS.with_borrow_mut(|timers| {
        let (earliest, _) = *timers.sleeping.first_key_value()?.0;
        if timers.alarm.is_some_and(|alarm| alarm <= earliest.max(now)) {
            return None;
        }
        timers.alarm = Some(earliest);
        Some(earliest.saturating_duration_since(now))
    });
    if let Some(delay) = delay {
        page().wake_after(delay);
    }
}
