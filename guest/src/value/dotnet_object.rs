//! References to objects of the guest.

use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use dotwit_wire::placeholder::{self, DOT_NET_OBJECT, Placeholder};
use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::codec::{self, Attachment};
use crate::error::{Error, ErrorKind};
use crate::method::Invokable;
use crate::value::object_table::{self, Entry};

const PLACEHOLDER: Placeholder = Placeholder::new(
    DOT_NET_OBJECT,
    "a DotNetObjectReference is read from an object that this guest has given to the page",
);

/// A reference to an object of the guest that the page can call: Blazor's `DotNetObjectReference<T>`.
///
/// It can be an argument or a result, at top level or inside other values. On the page it is a `DotNetObject`, and if that
/// is passed as an argument, it is a reference to the same object again.
///
/// # Ownership
///
/// Clones share one object under one id. The object can be called until the last clone is dropped, unless a reference to it
/// was part of a method's *result*: then the page owns it too, and it lives on until the page calls `dispose()` or has
/// forgotten it. In the *arguments* of a call to the page it lives until that call has ended, or longer with
/// [`give_to_page`](Self::give_to_page). [`dispose`](Self::dispose) ends it at once for both sides; calls that are running go
/// on.
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

    /// The reference to a tracked object, if it is a `T`.
    fn tracked(id: i64) -> Result<Self, Error> {
        let entry = object_table::find(u64::try_from(id).map_err(|_| object_table::not_tracked(id))?)?;
        let object = entry.object().downcast::<T>().map_err(|_| {
            Error::new(
                ErrorKind::BadArguments,
                format!("Object '{id}' is of type '{}' where '{}' is expected.", entry.type_name(), T::TYPE_NAME),
            )
        })?;
        Ok(Self { entry, object, thread: PhantomData })
    }

    /// The object.
    #[must_use]
    pub fn value(&self) -> &T {
        &self.object
    }

    /// Lets the page keep the object alive, too, until it disposes of it. This is for an object that the page gets as an
    /// argument and needs for longer than the call, while the guest does not. The page always owns what a method returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoSuchObject`] if it was disposed of, [`ErrorKind::TooMany`] if too many objects are in use.
    pub fn give_to_page(&self) -> Result<(), Error> {
        self.entry.track()?;
        Rc::clone(&self.entry).give_to_page();
        Ok(())
    }

    /// Ends the reference for the page and for the guest: calls to it are refused with [`ErrorKind::NoSuchObject`], and so is
    /// sending it again. Disposing of it twice is harmless.
    pub fn dispose(&self) {
        self.entry.dispose();
    }
}

/// Another reference, under an id of its own: a method that takes `self: Rc<Self>` can hand out its own object.
impl<T: Invokable> From<Rc<T>> for DotNetObjectReference<T> {
    fn from(object: Rc<T>) -> Self {
        Self { entry: Entry::new(Rc::clone(&object)), object, thread: PhantomData }
    }
}

impl<T: Invokable> Clone for DotNetObjectReference<T> {
    fn clone(&self) -> Self {
        Self { entry: Rc::clone(&self.entry), object: Rc::clone(&self.object), thread: PhantomData }
    }
}

impl<T: Invokable> fmt::Debug for DotNetObjectReference<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DotNetObjectReference<{}>({:?})", T::TYPE_NAME, self.entry.id())
    }
}

impl<T: Invokable> Serialize for DotNetObjectReference<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let id = codec::attach(|| {
            let id = self.entry.track()?;
            Ok((id, Some(Rc::clone(&self.entry) as Rc<dyn Attachment>)))
        })?;
        placeholder::serialize(serializer, DOT_NET_OBJECT, id)
    }
}

impl<'de, T: Invokable> Deserialize<'de> for DotNetObjectReference<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codec::note_reference()?;
        let (id, _) = deserializer.deserialize_map(PLACEHOLDER)?;
        Self::tracked(id).map_err(codec::custom_error)
    }
}
