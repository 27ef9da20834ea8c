//! What the guest awaits of its page: calls and reads, which the page ends by their ids.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread::LocalKey;

use crate::codec::{IncomingMessage, KeepAlive};
use crate::error::Error;
use crate::id_map::IdMap;

/// One thing that is awaited.
struct Slot<T> {
    outcome: Cell<Option<Result<T, Error>>>,
    waker: Cell<Option<Waker>>,
    /// Lives until the reply is dropped.
    keep_alive: KeepAlive,
}

/// All that is awaited and brings a `T`.
pub(crate) struct Table<T> {
    slots: IdMap<Rc<Slot<T>>>,
    next_id: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { slots: IdMap::default(), next_id: 1 }
    }
}

/// What can be awaited: a call brings a message, and a read bytes. Each has ids of its own.
pub(crate) trait PendingKind: Sized + 'static {
    /// The thread's table of it.
    const TABLE: &'static LocalKey<RefCell<Table<Self>>>;
}

thread_local! {
    static CALLS: RefCell<Table<IncomingMessage>> = RefCell::default();
    static READS: RefCell<Table<Vec<u8>>> = RefCell::default();
}

impl PendingKind for IncomingMessage {
    const TABLE: &'static LocalKey<RefCell<Table<Self>>> = &CALLS;
}

impl PendingKind for Vec<u8> {
    const TABLE: &'static LocalKey<RefCell<Table<Self>>> = &READS;
}

/// How many replies that bring a `T` have not come.
pub(crate) fn count<T: PendingKind>() -> usize {
    T::TABLE.with_borrow(|table| table.slots.len())
}

/// Ends what is awaited under this id. If nothing awaits it any more, the outcome is dropped, which releases what it names.
pub(crate) fn end<T: PendingKind>(id: u64, outcome: Result<T, Error>) {
    let Some(slot) = T::TABLE.with_borrow_mut(|table| table.slots.remove(&id)) else { return };
    if let Err(error) = &outcome {
        slot.keep_alive.after_failure(error.kind());
    }
    slot.outcome.set(Some(outcome));
    if let Some(waker) = slot.waker.take() {
        waker.wake();
    }
}

/// A reply that the page owes. Dropping it leaves the call or read to itself; [`give_up`](Self::give_up) ends the wait.
pub(crate) struct PendingReply<T: PendingKind> {
    id: u64,
    slot: Rc<Slot<T>>,
}

impl<T: PendingKind> PendingReply<T> {
    /// Begins to wait under a new id.
    pub(crate) fn new(keep_alive: KeepAlive) -> Self {
        let slot = Rc::new(Slot { outcome: Cell::default(), waker: Cell::default(), keep_alive });
        let id = T::TABLE.with_borrow_mut(|table| {
            let id = table.next_id;
            table.next_id += 1;
            table.slots.insert(id, Rc::clone(&slot));
            id
        });
        Self { id, slot }
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The outcome, once, when it has come.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        if let Some(outcome) = self.slot.outcome.take() {
            return Poll::Ready(outcome);
        }
        match self.slot.waker.take() {
            Some(waker) if waker.will_wake(cx.waker()) => self.slot.waker.set(Some(waker)),
            _ => self.slot.waker.set(Some(cx.waker().clone())),
        }
        Poll::Pending
    }

    /// Stops waiting. Returns whether the reply had not come yet, so that the page should be told.
    pub(crate) fn give_up(&self) -> bool {
        // At the thread's end its tables may be gone already, and the page with them.
        let slot = T::TABLE.try_with(|table| table.borrow_mut().slots.remove(&self.id));
        matches!(slot, Ok(Some(_)))
    }
}
