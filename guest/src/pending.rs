//! What the guest waits for: the calls and the reads that the page ends later, each by its id.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread::LocalKey;

use crate::error::Error;
use crate::message::{Kept, Received};

/// A table by ids that the guest itself has counted up, so that nobody can choose them to collide.
pub(crate) type IdMap<V> = HashMap<u64, V, BuildHasherDefault<IdHasher>>;

/// Spreads an id over the hash's bits (Fibonacci hashing).
#[derive(Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(self.0.rotate_left(8) ^ u64::from(*byte)));
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = id.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What is waited for under an id.
struct Slot<T> {
    outcome: Cell<Option<Result<T, Error>>>,
    waker: Cell<Option<Waker>>,
    /// What must live until the end is dealt with.
    kept: Kept,
}

/// All that is waited for and brings a `T`.
pub(crate) struct Table<T> {
    slots: IdMap<Rc<Slot<T>>>,
    next: u64,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { slots: IdMap::default(), next: 1 }
    }
}

/// What can be waited for.
pub(crate) trait Awaited: Sized + 'static {
    /// The thread's table of it.
    const TABLE: &'static LocalKey<RefCell<Table<Self>>>;
}

thread_local! {
    static CALLS: RefCell<Table<Received>> = RefCell::default();
    static READS: RefCell<Table<Vec<u8>>> = RefCell::default();
}

impl Awaited for Received {
    const TABLE: &'static LocalKey<RefCell<Table<Self>>> = &CALLS;
}

impl Awaited for Vec<u8> {
    const TABLE: &'static LocalKey<RefCell<Table<Self>>> = &READS;
}

/// How much is waited for that brings a `T`.
pub(crate) fn count<T: Awaited>() -> usize {
    T::TABLE.with_borrow(|table| table.slots.len())
}

/// Ends what is waited for under this id. Where nobody waits any more, what it brings is given back by being dropped.
pub(crate) fn end<T: Awaited>(id: u64, outcome: Result<T, Error>) {
    let Some(slot) = T::TABLE.with_borrow_mut(|table| table.slots.remove(&id)) else { return };
    if let Err(error) = &outcome {
        slot.kept.after_failure(error.kind());
    }
    slot.outcome.set(Some(outcome));
    if let Some(waker) = slot.waker.take() {
        waker.wake();
    }
}

/// The one who waits. Dropping it leaves what is waited for to itself; [`give_up`](Self::give_up) ends it.
pub(crate) struct Ticket<T: Awaited> {
    id: u64,
    slot: Rc<Slot<T>>,
}

impl<T: Awaited> Ticket<T> {
    /// Begins to wait, under a new id, and keeps `kept` until the end is dealt with.
    pub(crate) fn new(kept: Kept) -> Self {
        let slot = Rc::new(Slot { outcome: Cell::default(), waker: Cell::default(), kept });
        let id = T::TABLE.with_borrow_mut(|table| {
            let id = table.next;
            table.next += 1;
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

    /// Waits no longer. Whether the end had not come yet, so that the page should know.
    pub(crate) fn give_up(&self) -> bool {
        // The thread's table is gone already when the thread ends, and the page with it.
        let slot = T::TABLE.try_with(|table| table.borrow_mut().slots.remove(&self.id));
        matches!(slot, Ok(Some(_)))
    }
}
