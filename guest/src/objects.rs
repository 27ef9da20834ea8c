//! The objects that the guest has handed out, and who owns each.
//!
//! An object gets its id when a reference to it is first written. From then on it can be called as long as somebody
//! holds it: the guest, by a [`DotNetObjectReference`], or the page, which owns what a method returned to it until it
//! releases it. Ids are never used again.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::marker::PhantomData;
use std::rc::{Rc, Weak};

use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};
use crate::message;
use crate::pending::IdMap;
use crate::placeholder::{self, Placeholder};
use crate::registry::{InstanceMethod, Invokable};

pub(crate) const KEY: &str = "__dotNetObject";

/// How many objects the page can name at once. A page that never disposes would otherwise fill the guest's memory; an
/// honest one stays far below.
pub(crate) const MAX_LIVE: usize = 100_000;

/// One object under one id.
pub(crate) struct Entry {
    id: Cell<Option<u64>>,
    released: Cell<bool>,
    /// How many placeholders for the object the page has got and not forgotten.
    named: Cell<u64>,
    object: Rc<dyn Any>,
    type_name: &'static str,
    methods: &'static [InstanceMethod],
}

/// Who keeps a tracked object alive.
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
        if self.released.get() {
            return Err(Error::new(
                ErrorKind::NoSuchObject,
                format!("A DotNetObjectReference<{}> cannot be sent: it was already disposed.", self.type_name),
            ));
        }
        if let Some(id) = self.id.get() {
            return Ok(id);
        }
        TABLE.with_borrow_mut(|table| {
            if table.slots.len() >= MAX_LIVE {
                return Err(Error::new(
                    ErrorKind::TooMany,
                    format!(
                        "A DotNetObjectReference<{}> cannot be sent: {MAX_LIVE} objects are in use, and {MAX_LIVE} is \
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

    /// Notes that a placeholder for the object is on its way to the page.
    pub(crate) fn note_named(&self) {
        self.named.set(self.named.get() + 1);
    }

    /// Notes that such a placeholder has not come to anything.
    pub(crate) fn note_forgotten(&self) {
        self.named.set(self.named.get().saturating_sub(1));
    }

    /// Lets the page keep the object alive.
    pub(crate) fn give_to_page(self: Rc<Self>) {
        let Some(id) = self.id.get() else { return };
        // `self` outlives the borrow, and so does what was in the slot: dropping an entry needs the table.
        let kept = Rc::clone(&self);
        let _before =
            TABLE.with_borrow_mut(|table| Some(std::mem::replace(table.slots.get_mut(&id)?, Slot::Page(kept))));
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(id) = self.id.get() {
            // Nothing is left to do when the thread's table is already gone.
            let _ = TABLE.try_with(|table| table.borrow_mut().slots.remove(&id));
        }
    }
}

/// An id that has not been used, for something else than an object.
pub(crate) fn next_id() -> u64 {
    TABLE.with_borrow_mut(|table| {
        let id = table.next;
        table.next += 1;
        id
    })
}

/// The tracked object with this id.
pub(crate) fn find(id: u64) -> Result<Rc<Entry>, Error> {
    let found = TABLE.with_borrow(|table| match table.slots.get(&id)? {
        Slot::Guest(entry) => entry.upgrade(),
        Slot::Page(entry) => Some(Rc::clone(entry)),
    });
    found.ok_or_else(|| not_tracked(id))
}

fn not_tracked(id: impl Display) -> Error {
    Error::new(
        ErrorKind::NoSuchObject,
        format!("There is no tracked object with id '{id}': it was never handed out, or was already disposed."),
    )
}

/// Stops tracking an object. Whether it was tracked.
pub(crate) fn release(id: u64) -> bool {
    // The object is dropped outside the borrow: its own drop may release others.
    match TABLE.with_borrow_mut(|table| table.slots.remove(&id)) {
        Some(Slot::Page(entry)) => entry.released.set(true),
        Some(Slot::Guest(entry)) => {
            if let Some(entry) = entry.upgrade() {
                entry.released.set(true);
            }
        }
        None => return false,
    }
    true
}

/// Notes that the page has forgotten `times` of the placeholders for an object. After the last one it keeps the object
/// alive no longer.
pub(crate) fn forget(id: u64, times: u32) {
    let Ok(entry) = find(id) else { return };
    entry.named.set(entry.named.get().saturating_sub(times.into()));
    if entry.named.get() > 0 {
        return;
    }
    // `entry` outlives the borrow: dropping the last handle needs the table.
    let weak = Rc::downgrade(&entry);
    let _before =
        TABLE.with_borrow_mut(|table| table.slots.get_mut(&id).map(|slot| std::mem::replace(slot, Slot::Guest(weak))));
}

/// How many objects the page can name.
pub(crate) fn live() -> usize {
    TABLE.with_borrow(|table| table.slots.len())
}

/// A reference to an object of the guest that the page can call: what Blazor's `DotNetObjectReference<T>` is.
///
/// It can be an argument or a result, at top level or inside other values. On the page it is a `DotNetObject`, and an
/// argument that is one comes back as a reference to the same object.
///
/// # Who owns it
///
/// Clones share one object under one id. The object can be called until the last clone is dropped, unless a reference
/// to it was part of a method's *result*: then the page owns it too, and it lives on until the page calls `dispose()` or
/// has lost sight of it. In the *arguments* of a call to the page it lives at least until that call has ended, and longer
/// where [`give_to_page`](Self::give_to_page) says so.
/// [`dispose`](Self::dispose) ends it at once for both sides; calls under way run on.
pub struct DotNetObjectReference<T: Invokable> {
    entry: Rc<Entry>,
    object: Rc<T>,
    // Neither `Send` nor `Sync`: the object belongs to the guest's thread.
    thread: PhantomData<*const ()>,
}

impl<T: Invokable> DotNetObjectReference<T> {
    /// Wraps an object. The page cannot name it before the reference is sent.
    pub fn new(object: T) -> Self {
        Self::from(Rc::new(object))
    }

    /// The reference to the tracked object with this id.
    fn tracked(id: i64) -> Result<Self, Error> {
        let entry = find(u64::try_from(id).map_err(|_| not_tracked(id))?)?;
        let object = entry.object().downcast::<T>().map_err(|_| {
            Error::new(
                ErrorKind::BadArguments,
                format!("Object '{id}' is of type '{}' where '{}' is expected.", entry.type_name, T::TYPE_NAME),
            )
        })?;
        Ok(Self { entry, object, thread: PhantomData })
    }

    /// The object.
    pub fn value(&self) -> &T {
        &self.object
    }

    /// Lets the page keep the object alive, too, until it disposes of it: for an object that the page gets as an
    /// argument and shall have for longer than the call, while the guest needs it no more. What a method returns is the
    /// page's anyway.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchObject`] where it was disposed of, [`ErrorKind::TooMany`] where too many objects are in use.
    pub fn give_to_page(&self) -> Result<(), Error> {
        self.entry.track()?;
        Rc::clone(&self.entry).give_to_page();
        Ok(())
    }

    /// Ends the reference for the page and for the guest: calls to it are refused with
    /// [`ErrorKind::NoSuchObject`], and so is sending it again. Doing so twice is harmless.
    pub fn dispose(&self) {
        self.entry.released.set(true);
        if let Some(id) = self.entry.id.get() {
            release(id);
        }
    }
}

/// Another reference, under an id of its own: a method that takes `self: Rc<Self>` can hand out its own object.
impl<T: Invokable> From<Rc<T>> for DotNetObjectReference<T> {
    fn from(object: Rc<T>) -> Self {
        let entry = Entry {
            id: Cell::new(None),
            released: Cell::new(false),
            named: Cell::new(0),
            object: Rc::clone(&object) as Rc<dyn Any>,
            type_name: T::TYPE_NAME,
            methods: T::METHODS,
        };
        Self { entry: Rc::new(entry), object, thread: PhantomData }
    }
}

impl<T: Invokable> Clone for DotNetObjectReference<T> {
    fn clone(&self) -> Self {
        Self { entry: Rc::clone(&self.entry), object: Rc::clone(&self.object), thread: PhantomData }
    }
}

impl<T: Invokable> std::fmt::Debug for DotNetObjectReference<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DotNetObjectReference<{}>({:?})", self.entry.type_name, self.entry.id.get())
    }
}

impl<T: Invokable> Serialize for DotNetObjectReference<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let id = message::write_object(&self.entry)?;
        placeholder::serialize(serializer, KEY, id)
    }
}

/// What the page can send as a reference.
const MADE: &str = "a DotNetObjectReference is read from an object that this guest has given to the page";

impl<'de, T: Invokable> Deserialize<'de> for DotNetObjectReference<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        message::note_reference()?;
        let id = placeholder::deserialize(deserializer, Placeholder { key: KEY, made: MADE })?;
        Self::tracked(id).map_err(message::reading_failure)
    }
}
