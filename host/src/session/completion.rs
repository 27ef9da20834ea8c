//! The handle that completes what a guest has begun at its page.

use std::fmt;
use std::sync::Weak;

use crate::contract::message::Message;
use crate::engine::effects::{GuestTask, Inbox};
use crate::error::Error;

/// A handle that completes what a guest has begun: a call of its page, or a read. It may be kept and sent to any thread. Dropping it
/// fails the call, so that no guest waits forever.
#[must_use = "dropping a completion fails the call"]
pub struct Completion<T = Message> {
    inbox: Weak<dyn Inbox>,
    /// The guest's number and the page's number of the call, until it has ended.
    call: Option<(u64, u64)>,
    wrap: fn(u64, u64, Result<T, Error>) -> GuestTask,
}

impl<T> Completion<T> {
    pub(crate) fn new(
        inbox: Weak<dyn Inbox>,
        call: u64,
        id: u64,
        wrap: fn(u64, u64, Result<T, Error>) -> GuestTask,
    ) -> Self {
        Self { inbox, call: Some((call, id)), wrap }
    }

    /// Ends the call. The guest is told as soon as it is off the stack, in the order in which calls are ended: on this thread, unless
    /// another thread is calling the guest.
    pub fn end(mut self, outcome: Result<T, Error>) {
        self.finish(outcome);
    }

    fn finish(&mut self, outcome: Result<T, Error>) {
        if let Some((call, id)) = self.call.take()
            && let Some(inbox) = self.inbox.upgrade()
        {
            inbox.post((self.wrap)(call, id, outcome));
        }
    }
}

impl<T> Drop for Completion<T> {
    fn drop(&mut self) {
        let how = if std::thread::panicking() { "panicked" } else { "dropped the call" };
        self.finish(Err(Error::js_failed(format!("The page {how} without an answer."))));
    }
}

impl<T> fmt::Debug for Completion<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion").finish_non_exhaustive()
    }
}
