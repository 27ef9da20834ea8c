//! The data of a native page: objects with members, and values. `object` and `value` implement what is done with them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use serde_json::Value;

use crate::error::Error;
use crate::native::function::Function;
use crate::native::source::Source;
use crate::session::object_table::ObjectHandle;
use crate::value::object::DotNetObject;

/// An object of a [`NativePage`](crate::NativePage), as a script's objects are for a browser: functions, values and other
/// objects under names. A guest reaches its members by dotted identifiers, and may hold references to it.
///
/// It is built by describing its members. A dotted name makes the objects on its way, and a later description of a member
/// replaces an earlier one. Functions take their arguments as one tuple, like a guest's methods do, and may
/// fail with any error:
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicI64, Ordering};
///
/// use dotwit_host::JsObject;
///
/// fn counter(start: i64) -> JsObject {
///     let count = Arc::new(AtomicI64::new(start));
///     let read = Arc::clone(&count);
///     JsObject::new()
///         .function("add", move |(by,): (i64,)| Ok(count.fetch_add(by, Ordering::Relaxed) + by))
///         .getter("count", move || Ok(read.load(Ordering::Relaxed)))
/// }
///
/// let window = JsObject::new()
///     .function("sayHello", |(name,): (String,)| Ok(format!("Hello, {name}!")))
///     .function("console.log", |line: Vec<serde_json::Value>| Ok(println!("{line:?}")))
///     .async_function("readText", |(path,): (String,)| async move { Ok(tokio::fs::read_to_string(path).await?) })
///     .value("document.title", "Untitled")
///     .constructor("Counter", |(start,): (i64,)| Ok(counter(start)));
/// assert_eq!(window.get::<String>("document.title").unwrap(), "Untitled");
/// ```
///
/// Functions and constructors may have members, too, and paths lead through them: `moment.tz.guess` may stand beside `moment`. A
/// text and an array have a `length`, and their elements under their indices.
///
/// Like a script, a guest may leave out arguments, which are then `null`, or give more than a function takes. A function
/// that takes a `Vec` gets them all.
///
/// Clones are the same object. As an argument or a result, alone or inside others, it becomes a reference; what a guest
/// sends back is the same object again.
#[derive(Clone, Default)]
pub struct JsObject {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    members: RwLock<BTreeMap<String, Member>>,
    call: Option<Function>,
    construct: Option<Function>,
    source: Option<Source>,
}

#[derive(Clone)]
pub(crate) enum Member {
    Value(Arc<JsValue>),
    Object(JsObject),
    Accessor(Accessor),
}

#[derive(Clone, Default)]
pub(crate) struct Accessor {
    pub(crate) get: Option<Function>,
    pub(crate) set: Option<Function>,
}

impl JsObject {
    /// Returns an object without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn from_function(function: Function) -> Self {
        Self { inner: Arc::new(Inner { call: Some(function), ..Inner::default() }) }
    }

    pub(crate) fn from_constructor(constructor: Function) -> Self {
        Self { inner: Arc::new(Inner { construct: Some(constructor), ..Inner::default() }) }
    }

    pub(crate) fn from_source(source: Source) -> Self {
        Self { inner: Arc::new(Inner { source: Some(source), ..Inner::default() }) }
    }

    pub(crate) fn from_members(members: BTreeMap<String, Member>) -> Self {
        Self { inner: Arc::new(Inner { members: RwLock::new(members), ..Inner::default() }) }
    }

    pub(crate) fn source(&self) -> Option<&Source> {
        self.inner.source.as_ref()
    }

    pub(crate) fn member(&self, name: &str) -> Option<Member> {
        self.inner.members.read().get(name).cloned()
    }

    pub(crate) fn insert(&self, name: &str, member: Member) {
        let before = self.inner.members.write().insert(name.to_owned(), member);
        // Dropped without the lock, since it may own anything.
        drop(before);
    }

    /// The function, if the object is one.
    pub(crate) fn call(&self) -> Option<&Function> {
        self.inner.call.as_ref()
    }

    /// The constructor, if the object is one.
    pub(crate) fn construct(&self) -> Option<&Function> {
        self.inner.construct.as_ref()
    }

    /// Returns a copy of the members. The object may change meanwhile.
    pub(crate) fn members(&self) -> BTreeMap<String, Member> {
        self.inner.members.read().clone()
    }

    /// Returns the object as the table of a session stores it.
    pub(crate) fn into_handle(self) -> ObjectHandle {
        self.inner
    }

    pub(crate) fn from_handle(handle: ObjectHandle) -> Result<Self, Error> {
        let inner = handle.downcast::<Inner>();
        inner.map(|inner| Self { inner }).map_err(|_| Error::js_failed("The object is not one of a NativePage."))
    }
}

impl fmt::Debug for JsObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsObject").finish_non_exhaustive()
    }
}

impl PartialEq for JsObject {
    /// Whether both are the same object.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }
}

impl Eq for JsObject {}

/// Any value of a page: JSON, and the [`Bytes`](crate::Bytes), numbers, [`JsObject`]s and [`JsStream`](crate::JsStream)s in it, of which a
/// [`serde_json::Value`] would have the placeholders only. It is for functions that pass on what they get:
///
/// ```
/// use dotwit_host::{JsObject, JsValue};
///
/// let window = JsObject::new().function("echo", |(value,): (JsValue,)| Ok(value));
/// # let _ = window;
/// ```
#[derive(Clone)]
pub struct JsValue {
    /// The placeholders in it are indices of the attachments.
    pub(crate) value: Value,
    pub(crate) attachments: Arc<Attachments>,
}

#[derive(Default)]
pub(crate) struct Attachments {
    pub(crate) bytes: Vec<Vec<u8>>,
    pub(crate) objects: Vec<JsObject>,
    pub(crate) dot_net_objects: Vec<DotNetObject>,
}
