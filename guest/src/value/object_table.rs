//! The objects that the guest has handed out, and which side owns each.
//!
//! An object gets its id when a reference to it is first written. From then on it can be called as long as either side holds
//! it: the guest by a [`DotNetObjectReference`](crate::DotNetObjectReference), or the page, which owns what a method returned
//! to it until it releases it. Ids are never used again.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::rc::{Rc, Weak};

use dotwit_wire::limits::MAX_LIVE_REFERENCES;

use crate::codec::Attachment;
use crate::error::{Error, ErrorKind};
use crate::id_map::IdMap;
use crate::method::{InstanceMethod, Invokable};

/// One object under one id.
pub(crate) struct Entry {
    /// The id, once a reference has been written.
    id: Cell<Option<u64>>,
    is_released: Cell<bool>,
    /// How many placeholders of the object the page has received and not forgotten.
    ref_count: Cell<u64>,
    object: Rc<dyn Any>,
    type_name: &'static str,
    methods: &'static [InstanceMethod],
}

/// The side that keeps a tracked object alive.
enum Slot {
    Guest(Weak<Entry>),
    Page(Rc<Entry>),
}

struct Table {
    slots: IdMap<Slot>,
    next: u64,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::new(Table { slots: IdMap::default(), next: 1 });
}

impl Entry {
    /// An object that has no id yet.
    pub(super) fn new<T: Invokable>(object: Rc<T>) -> Rc<Self> {
        Rc::new(Self {
            id: Cell::new(None),
            is_released: Cell::new(false),
            ref_count: Cell::new(0),
            object,
            type_name: T::TYPE_NAME,
            methods: T::METHODS,
        })
    }

    pub(super) fn id(&self) -> Option<u64> {
        self.id.get()
    }

    pub(crate) fn type_name(&self) -> &'static str {
        self.type_name
    }

    pub(crate) fn methods(&self) -> &'static [InstanceMethod] {
        self.methods
    }

    pub(crate) fn object(&self) -> Rc<dyn Any> {
        Rc::clone(&self.object)
    }

    /// Gives the object its id, if it has none yet.
    pub(crate) fn track(self: &Rc<Self>) -> Result<u64, Error> {
        if self.is_released.get() {
            return Err(Error::new(
                ErrorKind::NoSuchObject,
                format!("A DotNetObjectReference<{}> cannot be sent: it was already disposed.", self.type_name),
            ));
        }
        if let Some(id) = self.id.get() {
            return Ok(id);
        }
        TABLE.with_borrow_mut(|table| {
            if table.slots.len() >= MAX_LIVE_REFERENCES {
                return Err(Error::new(
                    ErrorKind::TooMany,
                    format!(
                        "A DotNetObjectReference<{}> cannot be sent: {MAX_LIVE_REFERENCES} objects are in use, and {MAX_LIVE_REFERENCES} is \
                         the limit. Dispose those that are done with.",
                        self.type_name
                    ),
                ));
            }
            let id = table.next;
            table.next += 1;
            table.slots.insert(id, Slot::Guest(Rc::downgrade(self)));
            self.id.set(Some(id));
            Ok(id)
        })
    }

    /// Lets the page keep the object alive.
    pub(super) fn give_to_page(self: Rc<Self>) {
        if let Some(id) = self.id.get() {
            replace_slot(id, Slot::Page(self));
        }
    }

    /// Ends the reference for both sides.
    pub(super) fn dispose(&self) {
        self.is_released.set(true);
        if let Some(id) = self.id.get() {
            release(id);
        }
    }
}

impl Attachment for Entry {
    fn sent_in_arguments(&self) {
        self.ref_count.set(self.ref_count.get() + 1);
    }

    fn sent_in_result(self: Rc<Self>) {
        self.sent_in_arguments();
        self.give_to_page();
    }

    fn not_delivered(&self) {
        self.ref_count.set(self.ref_count.get().saturating_sub(1));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(id) = self.id.get() {
            // At the thread's end its table may be gone already.
            let _ = TABLE.try_with(|table| table.borrow_mut().slots.remove(&id));
        }
    }
}

/// An unused id, for a stream.
pub(crate) fn next_id() -> u64 {
    TABLE.with_borrow_mut(|table| {
        let id = table.next;
        table.next += 1;
        id
    })
}

/// Finds a tracked object.
pub(crate) fn find(id: u64) -> Result<Rc<Entry>, Error> {
    let found = TABLE.with_borrow(|table| match table.slots.get(&id)? {
        Slot::Guest(entry) => entry.upgrade(),
        Slot::Page(entry) => Some(Rc::clone(entry)),
    });
    found.ok_or_else(|| not_tracked(id))
}

/// The error of an id that names no object.
pub(super) fn not_tracked(id: impl Display) -> Error {
    Error::new(
        ErrorKind::NoSuchObject,
        format!("There is no tracked object with id '{id}': it was never handed out, or was already disposed."),
    )
}

/// Stops tracking an object.
pub(crate) fn release(id: u64) {
    // The object is dropped outside the borrow: its own drop may release others.
    match TABLE.with_borrow_mut(|table| table.slots.remove(&id)) {
        Some(Slot::Page(entry)) => entry.is_released.set(true),
        Some(Slot::Guest(entry)) => {
            if let Some(entry) = entry.upgrade() {
                entry.is_released.set(true);
            }
        }
        None => {}
    }
}

/// Takes back `times` of the references to an object that the page has received. After the last one the page no longer keeps
/// the object alive.
pub(crate) fn forget(id: u64, times: u32) {
    let Ok(entry) = find(id) else { return };
    entry.ref_count.set(entry.ref_count.get().saturating_sub(times.into()));
    if entry.ref_count.get() == 0 {
        replace_slot(id, Slot::Guest(Rc::downgrade(&entry)));
    }
}

/// Changes what keeps a tracked object alive. What is left over is dropped outside the borrow, because dropping an entry needs
/// the table.
fn replace_slot(id: u64, mut slot: Slot) {
    TABLE.with_borrow_mut(|table| {
        if let Some(place) = table.slots.get_mut(&id) {
            std::mem::swap(place, &mut slot);
        }
    });
}

/// How many objects the page can name.
pub(crate) fn live() -> usize {
    TABLE.with_borrow(|table| table.slots.len())
}
