//! Waiting: [`sleep`], [`yield_now`], and the one alarm that the page keeps for the guest.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::page::current::{page, try_page};

struct Timers {
    sleeping: BTreeMap<(Instant, u64), Waker>,
    next_id: u64,
    /// When the page will call, unless the alarm is set again.
    alarm: Option<Instant>,
}

thread_local! {
    static TIMERS: RefCell<Timers> =
        const { RefCell::new(Timers { sleeping: BTreeMap::new(), next_id: 0, alarm: None }) };
}

/// Waits. How exactly depends on the page's timers; browsers round up to milliseconds and slow down hidden pages.
pub fn sleep(duration: Duration) -> Sleep {
    // A deadline beyond the clock's range is as good as the latest one.
    let now = Instant::now();
    let deadline = now.checked_add(duration).unwrap_or_else(|| now + Duration::from_secs(u64::from(u32::MAX)));
    Sleep { deadline, id: None, yields: false }
}

/// Waits until the page and other tasks have had their turn.
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

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        // One that yields is ready when `take_due` takes its timer, whatever else it is polled for.
        let waits = match self.id {
            Some(id) if self.yields => TIMERS.with_borrow(|timers| timers.sleeping.contains_key(&(self.deadline, id))),
            None if self.yields => true,
            _ => now < self.deadline,
        };
        if !waits {
            return Poll::Ready(());
        }
        self.id = TIMERS.with_borrow_mut(|timers| {
            let id = self.id.unwrap_or(timers.next_id);
            timers.next_id = timers.next_id.max(id + 1);
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
            // At the thread's end its timers may be gone already.
            let _ = TIMERS.try_with(|timers| timers.borrow_mut().sleeping.remove(&(self.deadline, id)));
        }
    }
}

/// Takes the wakers of the sleepers whose time has come, now that the alarm has gone off.
pub(crate) fn take_due() -> impl Iterator<Item = Waker> {
    let now = Instant::now();
    let due = TIMERS.with_borrow_mut(|timers| {
        timers.alarm = None;
        let later = timers.sleeping.split_off(&(now, u64::MAX));
        std::mem::replace(&mut timers.sleeping, later)
    });
    due.into_values()
}

/// Sets the page's alarm to the earliest deadline, unless it goes off by then.
pub(crate) fn set_alarm(now: Instant) {
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

/// Asks the page to call as soon as it has had its turn. At the thread's end there is nothing left to call for.
pub(crate) fn wake_soon() {
    if TIMERS.try_with(|timers| timers.borrow_mut().alarm = Some(Instant::now())).is_ok()
        && let Some(page) = try_page()
    {
        page.wake_after(Duration::ZERO);
    }
}
