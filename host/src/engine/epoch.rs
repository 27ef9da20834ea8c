//! The clock that interrupts guests.
//!
//! One thread advances the engine's epoch and a count of its ticks. An *entry*, one call from the host into a guest, has a deadline
//! in ticks. wasmtime checks the epoch as the guest runs, and what the guest waits for in the system is limited by the
//! [time that is left](EntryTime::left). The time that a page takes to answer a synchronous call is the page's own: it is added to the
//! deadline, and the engine learns of it when it interrupts the guest.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use wasmtime::Engine;

/// The time since a runtime was made, in ticks. Clones are the same clock.
#[derive(Clone)]
pub(crate) struct EpochClock {
    ticks: Arc<AtomicU64>,
    /// How long a tick is.
    pub(crate) tick: Duration,
}

impl EpochClock {
    /// Starts the thread that advances an engine's epoch with each `tick`, as long as the engine lives. Each tick costs the process one
    /// wake-up of a thread.
    ///
    /// # Errors
    ///
    /// The system's error, where it has no thread left.
    pub(crate) fn start(engine: &Engine, tick: Duration) -> io::Result<Self> {
        let engine = engine.weak();
        let clock = Self { ticks: Arc::default(), tick };
        let ticks = Arc::clone(&clock.ticks);
        let advance = move || {
            while let Some(engine) = engine.upgrade() {
                ticks.fetch_add(1, Ordering::Relaxed);
                engine.increment_epoch();
                drop(engine);
                thread::sleep(tick);
            }
        };
        thread::Builder::new().name("dotwit-epoch".to_owned()).spawn(advance)?;
        Ok(clock)
    }

    /// Returns the tick that it is.
    pub(crate) fn now(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }
}

/// The time of the entry that is under way.
pub(crate) struct EntryTime {
    clock: EpochClock,
    limit: u64,
    /// The tick at which the entry must be over.
    deadline: u64,
    /// The part of the deadline that the engine does not know yet.
    extra: u64,
}

impl EntryTime {
    pub(crate) fn new(clock: EpochClock, limit: Duration) -> Self {
        Self { limit: ticks_in(limit, clock.tick), clock, deadline: 0, extra: 0 }
    }

    /// Begins an entry, and returns the ticks that the engine may grant it.
    pub(crate) fn begin(&mut self) -> u64 {
        self.deadline = self.clock.now().saturating_add(self.limit);
        self.extra = 0;
        self.limit
    }

    /// Returns how long the guest may still run or wait in this entry.
    pub(crate) fn left(&self) -> Duration {
        let ticks = self.deadline.saturating_sub(self.clock.now());
        self.clock.tick.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    /// Runs work that does not count as the guest's time.
    pub(crate) fn exclude<T>(&mut self, run: impl FnOnce() -> T) -> T {
        let started = self.clock.now();
        let result = run();
        let taken = self.clock.now() - started;
        self.deadline = self.deadline.saturating_add(taken);
        self.extra = self.extra.saturating_add(taken);
        result
    }

    /// Returns the ticks that the engine must add to what it has granted. They are granted once.
    pub(crate) fn take_extra(&mut self) -> u64 {
        std::mem::take(&mut self.extra)
    }
}

/// Returns the ticks of a duration, rounded up, and one more for the tick that is under way. The most that the engine can count is as
/// good as forever.
fn ticks_in(duration: Duration, tick: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(tick.as_nanos())).unwrap_or(u64::MAX).min(u64::MAX / 2) + 1
}
