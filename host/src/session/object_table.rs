//! The objects of a page that a guest holds references to, by id.
//!
//! The table holds opaque handles, and recognises an object by the address of its handle.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::config::Config;
use crate::error::{Error, ErrorKind};

/// An object of a page.
pub(crate) type ObjectHandle = Arc<dyn Any + Send + Sync>;

/// The objects of a [`NativePage`](crate::NativePage) that one guest holds. A page that wraps a native one
/// [hands it on](crate::Page::object_table), and can do nothing else with it.
// Each placeholder that the guest is sent counts as one reference, and each release takes one back.
#[derive(Debug)]
pub struct ObjectTable {
    /// Object 0, which always exists.
    global: ObjectHandle,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    objects: HashMap<i64, HeldObject>,
    /// The id of each object in the table, by its address.
    ids: HashMap<usize, i64>,
    last: i64,
    streams: usize,
    max_references: usize,
    max_streams: usize,
}

#[derive(Debug)]
struct HeldObject {
    object: ObjectHandle,
    is_stream: bool,
    ref_count: u64,
}

impl ObjectTable {
    /// Returns a table of nothing but the page's global object.
    pub(crate) fn new(global: ObjectHandle) -> Self {
        let Config { max_references, max_streams, .. } = Config::default();
        let held =
            Held { objects: HashMap::new(), ids: HashMap::new(), last: 0, streams: 0, max_references, max_streams };
        Self { global, held: Mutex::new(held) }
    }

    pub(crate) fn limit(&self, config: &Config) {
        let held = &mut *self.held.lock();
        held.max_references = config.max_references;
        held.max_streams = config.max_streams;
    }

    pub(crate) fn global(&self) -> &ObjectHandle {
        &self.global
    }

    /// Adds a reference to an object, and returns the id for the guest's placeholder.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMany`], where the guest holds as many objects or streams as it may.
    pub(crate) fn add_ref(&self, object: &ObjectHandle, is_stream: bool) -> Result<i64, Error> {
        let held = &mut *self.held.lock();
        if let Some(id) = held.ids.get(&address(object)) {
            if let Some(entry) = held.objects.get_mut(id) {
                entry.ref_count += 1;
            }
            return Ok(*id);
        }
        let refuse = |what: &str, limit: usize| {
            let what = format!("The guest holds {limit} {what} of the page, and {limit} is the limit.");
            Err(Error::new(ErrorKind::TooMany, what))
        };
        if held.objects.len() >= held.max_references {
            return refuse("references to objects", held.max_references);
        }
        if is_stream && held.streams >= held.max_streams {
            return refuse("streams", held.max_streams);
        }
        held.streams += usize::from(is_stream);
        held.last += 1;
        held.ids.insert(address(object), held.last);
        held.objects.insert(held.last, HeldObject { object: Arc::clone(object), is_stream, ref_count: 1 });
        Ok(held.last)
    }

    /// # Errors
    ///
    /// [`ErrorKind::JsFailed`], where the guest holds no object with this id.
    pub(crate) fn get(&self, id: i64) -> Result<ObjectHandle, Error> {
        if id == 0 {
            return Ok(Arc::clone(&self.global));
        }
        let object = self.held.lock().objects.get(&id).map(|entry| Arc::clone(&entry.object));
        object.ok_or_else(|| {
            Error::js_failed(format!("JS object instance with ID {id} does not exist (has it been disposed?)."))
        })
    }

    /// Takes one reference back. Returns whether it was the last.
    pub(crate) fn release(&self, id: i64) -> bool {
        let mut guard = self.held.lock();
        let held = &mut *guard;
        let Some(entry) = held.objects.get_mut(&id) else { return false };
        entry.ref_count -= 1;
        if entry.ref_count > 0 {
            return false;
        }
        let entry = held.objects.remove(&id);
        if let Some(entry) = &entry {
            held.ids.remove(&address(&entry.object));
            held.streams -= usize::from(entry.is_stream);
        }
        // Dropped without the lock, since its functions may own anything.
        drop(guard);
        drop(entry);
        true
    }

    /// Takes all references back.
    pub(crate) fn clear(&self) {
        let mut held = self.held.lock();
        held.ids.clear();
        held.streams = 0;
        let objects = std::mem::take(&mut held.objects);
        drop(held);
        drop(objects);
    }

    pub(crate) fn len(&self) -> usize {
        self.held.lock().objects.len()
    }
}

fn address(object: &ObjectHandle) -> usize {
    Arc::as_ptr(object).cast::<()>() as usize
}
