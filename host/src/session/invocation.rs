//! Calls of the guest and reads of its streams that are under way.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use crate::contract::message::{Message, Target};
use crate::engine::effects::{GuestTask, Inbox, Outcome, ReadOutcome, Waiter};
use crate::engine::result::ResultMessage;
use crate::error::{Error, ErrorKind};
use crate::limits;
use crate::session::core::{SessionCore, SessionRef};

/// A call that is under way: a future of its outcome.
///
/// Dropping it cancels the call.
#[must_use = "dropping a call cancels it"]
pub struct MessageCall {
    state: CallState,
    session: SessionRef,
}

enum CallState {
    Refused(Error),
    Started { call: u64, outcome: oneshot::Receiver<Outcome> },
    Done,
}

impl MessageCall {
    /// # Errors
    ///
    /// What refuses the call before it is sent.
    pub(crate) fn begin(session: &SessionRef, target: &Target, method: &str, args: &Message) -> Result<Self, Error> {
        let core = session.get()?;
        limits::check_arguments(&core.config, core.max_message, method, args)?;
        let call = core.next_call();
        let outcome = core.begin_call(call, target, method, args)?;
        Ok(Self { state: CallState::Started { call, outcome }, session: session.clone() })
    }

    pub(crate) fn refused(session: SessionRef, error: Error) -> Self {
        Self { state: CallState::Refused(error), session }
    }

    pub(crate) fn session(&self) -> &SessionRef {
        &self.session
    }

    /// Cancels the call, or gives back its result if it has ended.
    fn cancel(&mut self) {
        let CallState::Started { call, mut outcome } = std::mem::replace(&mut self.state, CallState::Done) else {
            return;
        };
        let Some(session) = self.session.upgrade() else { return };
        let ended = outcome.try_recv().or_else(|_| {
            // From here on, the end of the call finds no waiter.
            outcome.close();
            session.post(GuestTask::CancelCall(call));
            outcome.try_recv()
        });
        if let Ok(Ok(unread)) = ended {
            session.give_back(&unread);
        }
    }
}

impl Future for MessageCall {
    type Output = Result<ResultMessage, Error>;

    /// # Panics
    ///
    /// If polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let session = self.session.get();
        if let CallState::Started { outcome, .. } = &mut self.state {
            let outcome = match session {
                Ok(session) => ready!(session.poll_end(outcome, cx, "call")),
                Err(error) => Err(error),
            };
            if outcome.as_ref().is_err_and(|error| error.kind() == ErrorKind::Reentrant) {
                // The call is still under way, and cannot be waited for here.
                self.cancel();
            }
            self.state = CallState::Done;
            return Poll::Ready(outcome);
        }
        match std::mem::replace(&mut self.state, CallState::Done) {
            CallState::Refused(error) => Poll::Ready(Err(error)),
            _ => panic!("a call was polled after it was ready"),
        }
    }
}

impl Drop for MessageCall {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl fmt::Debug for MessageCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageCall").finish_non_exhaustive()
    }
}

impl SessionCore {
    /// Begins a call of the guest, later if this thread has it on its stack.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMany`], where nothing has been sent.
    fn begin_call(
        self: &Arc<Self>,
        call: u64,
        target: &Target,
        method: &str,
        args: &Message,
    ) -> Result<oneshot::Receiver<Outcome>, Error> {
        let (caller, outcome) = oneshot::channel();
        let waiter = Waiter::Caller(caller);
        if self.is_on_stack() {
            self.queues.check_beginning(method, self.config.max_pending_calls)?;
            let (target, method, args) = (target.clone(), method.to_owned(), args.clone());
            self.post(GuestTask::BeginCall { call, target, method, args, waiter: Some(waiter) });
        } else {
            self.with_guest(method, |instance| instance.begin_call(call, target, method, args, waiter))?;
        }
        Ok(outcome)
    }

    /// Begins a read of a stream of the guest, later if this thread has the guest on its stack.
    pub(crate) fn begin_read(self: &Arc<Self>, stream: u64, max: u32) -> oneshot::Receiver<ReadOutcome> {
        let (caller, outcome) = oneshot::channel();
        let waiter = Some(Waiter::Caller(caller));
        self.post(GuestTask::Read { call: self.next_call(), stream, max, waiter });
        outcome
    }

    /// Releases an object of the guest, later if this thread has the guest on its stack.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::GuestTrapped`].
    pub(crate) fn release_object(self: &Arc<Self>, object: u64) -> Result<(), Error> {
        if self.is_on_stack() {
            self.post(GuestTask::Release(object));
            return Ok(());
        }
        self.with_guest("dispose", |instance| instance.release(object))
    }
}
