//! The time of an entry over a fiber: what it has used up, and when it lets others run.
//!
//! The epoch interrupts a guest that does not return soon. The first time, in a visit that began among quick ones, it stops there, and
//! marks the visit as to be moved. From then on, it lets other guests of its threads have their turn with each tick. Time in which it waits
//! for its turn is not the guest's: what it uses is measured as CPU time of the threads that run it, and what it waits for in the
//! system by the clock.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

#[cfg(unix)]
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Sleep;

/// The ticks that an entry has before it is interrupted first. With one, a quick call that merely crosses a tick would yield: 698 of
/// 280 000 did, and none with two.
pub(crate) const FIRST_TICKS: u64 = 2;

/// What the epoch's interrupt, the code that polls the guest and the driver tell each other about one guest. Only one thread at a time has to
/// do with a guest, and tasks that change threads order what they write: so the order of the accesses does not matter.
pub(crate) struct Meter {
    limit: Duration,
    tick: Duration,
    /// The guest runs where it delays no quick one.
    away: AtomicBool,
    /// The visit has used up its first ticks, and nothing wakes it where it is.
    moving: AtomicBool,
    /// The visit has used as much as twice its first ticks, wherever it began.
    slow: AtomicBool,
    /// The guest has given up its turn, and does not wait for anything else.
    yielded: AtomicBool,
    /// What the entry has used, in nanoseconds.
    used: AtomicU64,
    /// The time of the thread at which the guest's turn began, in nanoseconds.
    turn: AtomicU64,
    /// What the times below are counted from.
    epoch: Instant,
    /// When the guest went on after it had waited in the system, in nanoseconds, or 0 if it has not waited.
    resumed: AtomicU64,
    /// How long it has run since it waited first, up to its last wait, in nanoseconds.
    ran: AtomicU64,
}

/// What becomes of a guest that the epoch has interrupted.
pub(crate) enum Interrupted {
    /// It goes on: the ticks passed while it waited in the system.
    GoOn,
    /// Its time is up.
    Over,
    /// It stays as it is, and nothing wakes it, until it is polled elsewhere.
    Move,
    /// It lets others run.
    Yield,
}

impl Meter {
    pub(crate) fn new(limit: Duration, tick: Duration) -> Self {
        Self {
            limit,
            tick,
            away: AtomicBool::new(false),
            moving: AtomicBool::new(false),
            slow: AtomicBool::new(false),
            yielded: AtomicBool::new(false),
            used: AtomicU64::new(0),
            turn: AtomicU64::new(0),
            epoch: Instant::now(),
            resumed: AtomicU64::new(0),
            ran: AtomicU64::new(0),
        }
    }

    /// Begins a visit. `away` says whether it begins where it delays no quick one.
    pub(crate) fn begin_visit(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
        self.slow.store(false, Ordering::Relaxed);
    }

    /// Returns whether the visit is to be moved, and if so, takes that it is.
    pub(crate) fn take_moving(&self) -> bool {
        let moving = self.moving.swap(false, Ordering::Relaxed);
        if moving {
            self.away.store(true, Ordering::Relaxed);
        }
        moving
    }

    /// Returns whether the visit has used much more than a quick one.
    pub(crate) fn is_slow(&self) -> bool {
        self.slow.load(Ordering::Relaxed)
    }

    /// Begins an entry: it has used nothing yet.
    pub(crate) fn begin_entry(&self) {
        self.used.store(0, Ordering::Relaxed);
        self.resumed.store(0, Ordering::Relaxed);
        self.ran.store(0, Ordering::Relaxed);
        self.yielded.store(false, Ordering::Relaxed);
    }

    /// Says what becomes of the guest, which the epoch has interrupted.
    pub(crate) fn interrupt(&self) -> Interrupted {
        let away = self.away.load(Ordering::Relaxed);
        let first = self.tick.saturating_mul(FIRST_TICKS as u32);
        if !away && self.ran_since_wait().is_some_and(|ran| ran < first) {
            return Interrupted::GoOn;
        }
        if !away {
            self.add(first);
        } else if thread_time().is_none() {
            self.add(self.tick);
        }
        let used = self.used() + self.turn_so_far();
        // What passed before it was moved may have been another program's time, on a busy machine: it counts towards the limit, but what
        // makes a guest slow is what it uses where that is measured.
        if away && used >= first * 2 {
            self.slow.store(true, Ordering::Relaxed);
        }
        if used > self.limit {
            return Interrupted::Over;
        }
        self.yielded.store(true, Ordering::Relaxed);
        if away {
            return Interrupted::Yield;
        }
        self.moving.store(true, Ordering::Relaxed);
        Interrupted::Move
    }

    /// Polls an entry, and measures it. It ends with `None` when it has waited in the system for longer than it may; `waiting` is where
    /// it keeps since when it waits, and must be empty at first.
    pub(crate) fn poll<F: Future>(
        &self,
        entry: Pin<&mut F>,
        waiting: &mut Option<Waiting>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<F::Output>> {
        let away = self.away.load(Ordering::Relaxed);
        if away {
            self.turn.store(thread_time().map_or(0, nanoseconds), Ordering::Relaxed);
        } else if waiting.is_some() {
            self.resumed.store(nanoseconds(self.epoch.elapsed()).max(1), Ordering::Relaxed);
        }
        let polled = entry.poll(cx);
        if let Poll::Ready(output) = polled {
            return Poll::Ready(Some(output));
        }
        if away {
            self.add(self.turn_so_far());
        } else if let Some(ran) = self.ran_since_wait() {
            self.ran.store(nanoseconds(ran), Ordering::Relaxed);
        }
        if self.yielded.swap(false, Ordering::Relaxed) {
            if let Some(waiting) = waiting.take() {
                self.add(waiting.since.elapsed());
            }
            return Poll::Pending;
        }
        let waiting = waiting.get_or_insert_with(|| Waiting::new(self.limit.saturating_sub(self.used())));
        waiting.until.as_mut().poll(cx).map(|()| None)
    }

    fn used(&self) -> Duration {
        Duration::from_nanos(self.used.load(Ordering::Relaxed))
    }

    fn add(&self, time: Duration) {
        let used = self.used.load(Ordering::Relaxed).saturating_add(nanoseconds(time));
        self.used.store(used, Ordering::Relaxed);
    }

    /// Returns how long the guest has run since it waited in the system first, if it has.
    fn ran_since_wait(&self) -> Option<Duration> {
        let resumed = Some(self.resumed.load(Ordering::Relaxed)).filter(|resumed| *resumed > 0)?;
        let now = nanoseconds(self.epoch.elapsed());
        Some(Duration::from_nanos(self.ran.load(Ordering::Relaxed) + now.saturating_sub(resumed)))
    }

    /// Returns what the guest has used of its thread's time in this turn, where that is measured.
    fn turn_so_far(&self) -> Duration {
        let Some(now) = thread_time().filter(|_| self.away.load(Ordering::Relaxed)) else { return Duration::ZERO };
        now.saturating_sub(Duration::from_nanos(self.turn.load(Ordering::Relaxed)))
    }
}

/// A guest that waits in the system: since when, and until when it may.
pub(crate) struct Waiting {
    since: Instant,
    until: Pin<Box<Sleep>>,
}

impl Waiting {
    fn new(left: Duration) -> Self {
        Self { since: Instant::now(), until: Box::pin(tokio::time::sleep(left)) }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns how long this thread has run. A thread of low priority may have waited for much longer.
#[cfg(unix)]
fn thread_time() -> Option<Duration> {
    clock_gettime(ClockId::ThreadCPUTime).try_into().ok()
}

/// There is no such clock here: ticks are counted instead.
#[cfg(not(unix))]
fn thread_time() -> Option<Duration> {
    None
}
