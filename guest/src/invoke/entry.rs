//! What surrounds every call by name.

use std::time::Instant;

use crate::codec::{self, SuspendedContexts};
use crate::task::{self, Entered};

/// How many polls a call by name may bring about before the page has its turn: far more than tasks that wait for something
/// need, and an end to those that only wake themselves.
const MAX_POLLS: usize = 10_000;

/// Does what the page calls for, and then polls tasks until none can go on, or the page should have its turn.
///
/// A page may call while it is being called. Such a nested call sees nothing of what the outer one is doing, and leaves tasks to
/// it: a task that is polled never finds another in the middle of something.
pub(crate) fn enter<T>(work: impl FnOnce() -> T) -> T {
    let entered = Entered::new();
    if entered.is_nested() {
        let _suspended = SuspendedContexts::new();
        return work();
    }
    codec::results_have_arrived();
    let done = work();
    if task::poll_ready(MAX_POLLS) || codec::results_keep_something() {
        task::wake_soon();
    }
    done
}

/// Wakes the sleepers whose time has come and polls tasks, now that the alarm has gone off.
pub(crate) fn run_ready() {
    enter(|| task::take_due().for_each(std::task::Waker::wake));
    task::set_alarm(Instant::now());
}
