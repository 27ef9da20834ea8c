//! The one timer of a circuit.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep};

/// Wakes a task for the next of its deadlines.
///
/// Deadlines move with almost every message, and mostly away. The timer is set anew only for an earlier one, and where it
/// has gone off in vain: to set it costs more than to look at the clock.
#[derive(Debug)]
pub(crate) struct Timer {
    sleep: Pin<Box<Sleep>>,
    /// When it goes off, if it has not.
    armed: Option<Instant>,
}

impl Timer {
    pub(crate) fn new() -> Self {
        Self { sleep: Box::pin(sleep(Duration::ZERO)), armed: None }
    }

    /// Returns ready if the deadline has passed, and else has the task woken when it has, or earlier.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Option<Instant>, now: Instant) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        if deadline <= now {
            return Poll::Ready(());
        }
        loop {
            if self.armed.is_none_or(|armed| deadline < armed) {
                self.sleep.as_mut().reset(deadline.into());
                self.armed = Some(deadline);
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            // The clock may have gone on since `now`.
            let early = self.armed.take().is_none_or(|armed| armed < deadline);
            if !early {
                return Poll::Ready(());
            }
        }
    }
}
