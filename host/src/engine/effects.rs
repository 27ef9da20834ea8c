//! What goes into an [`Instance`](super::instance::Instance) and comes out of it, beside return values.
//!
//! The driver runs [`GuestTask`]s. While the guest is on the stack, what follows from them is collected as [`Effects`], on which the
//! driver acts when the guest has returned. Only what cannot wait so long goes through [`Upcalls`](super::upcalls::Upcalls).

use std::collections::BTreeMap;
use std::time::Instant;

use dotwit_wire::json::{self, Reference, ReferenceKind};
use tokio::sync::oneshot;

use crate::contract::message::{Message, Target};
use crate::contract::request::Request;
use crate::engine::result::ResultMessage;
use crate::engine::upcalls::PageOutcome;
use crate::error::Error;

/// The outcome of a call of the guest.
pub(crate) type Outcome = Result<ResultMessage, Error>;

/// The outcome of a read of a stream.
pub(crate) type ReadOutcome = Result<Vec<u8>, Error>;

/// What waits for an outcome.
pub(crate) enum Waiter<T> {
    /// A caller of its own.
    Caller(oneshot::Sender<Result<T, Error>>),
    /// The driver, which goes by the number of the call.
    #[cfg(feature = "server")]
    Driver,
}

impl<T> Waiter<T> {
    /// Returns whether nothing waits any more.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Caller(caller) => caller.is_closed(),
            #[cfg(feature = "server")]
            Self::Driver => false,
        }
    }
}

/// What the guest must be told.
pub(crate) enum GuestTask {
    BeginCall {
        call: u64,
        target: Target,
        method: String,
        args: Message,
        /// Taken when the call begins.
        waiter: Option<Waiter<ResultMessage>>,
    },
    CancelCall(u64),
    EndPageCall {
        call: u64,
        id: u64,
        outcome: PageOutcome,
    },
    EndPageRead {
        call: u64,
        id: u64,
        outcome: ReadOutcome,
    },
    /// Ends a call of the page that the guest has cancelled.
    PageCallCancelled(u64),
    Release(u64),
    Forget(u64, u32),
    Read {
        call: u64,
        stream: u64,
        max: u32,
        /// Taken when the read begins.
        waiter: Option<Waiter<Vec<u8>>>,
    },
    Close(u64),
    RunReady,
}

/// What the guest asks of its page, to be done in order when the guest is off the stack. `call` is the guest's number of a
/// call, which it may use again, and `id` is the page's, which is unique.
pub(crate) enum PageTask {
    Begin {
        call: u64,
        id: u64,
        request: Request,
        /// The page's objects that the request names, which are held until the task has run.
        holds: Vec<i64>,
    },
    Cancel(u64),
    Read {
        call: u64,
        id: u64,
        object: i64,
        offset: u64,
        length: u32,
    },
    /// Drops the page of a guest that has trapped.
    Drop,
}

/// An outcome, with the number of what has ended and what waits for it.
#[cfg_attr(not(feature = "server"), expect(dead_code, reason = "a caller of its own needs no number"))]
pub(crate) enum Settled {
    Call { call: u64, waiter: Waiter<ResultMessage>, outcome: Outcome },
    Read { call: u64, waiter: Waiter<Vec<u8>>, outcome: ReadOutcome },
}

/// What an entry leaves to be done when the guest is off the stack.
#[derive(Default)]
pub(crate) struct Effects {
    /// Outcomes for callers, to be sent when the instance is unlocked: a caller may call it at once.
    pub(crate) settled: Vec<Settled>,
    pub(crate) page: Vec<PageTask>,
    pub(crate) guest: Vec<GuestTask>,
    /// Messages that the guest did not get. The page's objects in them are to be released.
    pub(crate) undelivered: Vec<Message>,
    /// The time at which the guest wants to run next, if it has asked for one.
    pub(crate) alarm: Option<Instant>,
}

#[cfg(feature = "server")]
impl Effects {
    /// The size of the messages for the page, in bytes.
    pub(crate) fn size(&self) -> usize {
        let settled = self.settled.iter().map(|settled| match settled {
            Settled::Call { outcome, .. } => outcome.as_ref().map_or(0, |result| result.size()),
            Settled::Read { outcome, .. } => outcome.as_ref().map_or(0, Vec::len),
        });
        let page = self.page.iter().map(|task| match task {
            PageTask::Begin { request, .. } => request.args.size(),
            PageTask::Cancel(_) | PageTask::Read { .. } | PageTask::Drop => 0,
        });
        settled.chain(page).sum()
    }
}

/// The receiver of a page's answers.
pub(crate) trait Inbox: Send + Sync {
    /// Runs a task as soon as the guest is off the stack.
    fn post(&self, task: GuestTask);
}

/// Returns the tasks that give back the guest's objects and streams in a message that is not delivered.
pub(crate) fn give_back(message: &Message) -> impl Iterator<Item = GuestTask> + use<> {
    let (mut forgotten, mut closed) = (BTreeMap::<u64, u32>::new(), Vec::new());
    for Reference { kind, id } in json::references(&message.json) {
        let Ok(id) = u64::try_from(id) else { continue };
        match kind {
            ReferenceKind::DotNetObject => *forgotten.entry(id).or_default() += 1,
            ReferenceKind::DotNetStream => closed.push(GuestTask::Close(id)),
            ReferenceKind::JsObject => {}
        }
    }
    forgotten.into_iter().map(|(object, times)| GuestTask::Forget(object, times)).chain(closed)
}
