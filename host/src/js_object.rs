//! Objects of a native page: their members, and the table of those that a guest holds.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use serde::de::{DeserializeOwned, Deserializer};
use serde::ser::{self, SerializeMap as _, Serializer};
use serde::{Deserialize, Serialize};

use crate::bindings::types::Message;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::function::{Answer, Function, FunctionError, Scene};
use crate::js_stream::{JsStream, Source};
use crate::js_value::JsValue;
use crate::json::key;
use crate::page::{Operation, Request, Want};
use crate::scope::{self, Objects, Placeholder};

/// An object of a [`NativePage`](crate::NativePage), as a script's objects are for a browser: functions, values and other
/// objects under names. A guest reaches its members by dotted identifiers, and may hold references to it.
///
/// It is built by describing its members. A dotted name makes the objects on its way, and a later description of a member
/// replaces an earlier one. Functions take their arguments as one tuple, like a guest's methods do, and what they give may
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
    get: Option<Function>,
    set: Option<Function>,
}

impl JsObject {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// A function under this name. It may run while the guest is on the stack, if the guest calls it synchronously.
    #[must_use]
    pub fn function<A, R>(
        self,
        name: &str,
        function: impl Fn(A) -> Result<R, FunctionError> + Send + Sync + 'static,
    ) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
    {
        self.define(name, Member::Object(Self::from_function(Function::new(function))))
    }

    /// A function under this name that takes its time, and so can only be called asynchronously. Its future is polled where
    /// the function is called first, and then by a Tokio runtime of this crate, with its timers and its I/O. It is dropped when
    /// the guest cancels the call.
    #[must_use]
    pub fn async_function<A, R, F>(self, name: &str, function: impl Fn(A) -> F + Send + Sync + 'static) -> Self
    where
        A: DeserializeOwned,
        R: Serialize,
        F: Future<Output = Result<R, FunctionError>> + Send + 'static,
    {
        self.define(name, Member::Object(Self::from_function(Function::new_async(function))))
    }

    /// A constructor under this name: what a guest calls for new objects.
    #[must_use]
    pub fn constructor<A: DeserializeOwned>(
        self,
        name: &str,
        constructor: impl Fn(A) -> Result<JsObject, FunctionError> + Send + Sync + 'static,
    ) -> Self {
        let inner = Inner { construct: Some(Function::new(constructor)), ..Inner::default() };
        self.define(name, Member::Object(Self { inner: Arc::new(inner) }))
    }

    /// A value under this name, which a guest may read and assign. The fields of a value that serialises to a JSON object are
    /// members as well.
    ///
    /// # Panics
    ///
    /// Where the value cannot be serialised to JSON.
    #[must_use]
    pub fn value(self, name: &str, value: impl Serialize) -> Self {
        if let Err(error) = self.set(name, value) {
            panic!("{error}");
        }
        self
    }

    /// A value under this name that is computed when a guest reads it.
    #[must_use]
    pub fn getter<R: Serialize>(
        self,
        name: &str,
        getter: impl Fn() -> Result<R, FunctionError> + Send + Sync + 'static,
    ) -> Self {
        self.accessor(name, |accessor| accessor.get = Some(Function::new(move |()| getter())))
    }

    /// Takes what a guest assigns to this name.
    #[must_use]
    pub fn setter<A: DeserializeOwned>(
        self,
        name: &str,
        setter: impl Fn(A) -> Result<(), FunctionError> + Send + Sync + 'static,
    ) -> Self {
        self.accessor(name, |accessor| accessor.set = Some(Function::new(move |(value,)| setter(value))))
    }

    /// Another object under this name.
    #[must_use]
    pub fn object(self, name: &str, object: JsObject) -> Self {
        self.define(name, Member::Object(object))
    }

    /// Reads the value under a dotted name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::JsFailed`] where there is none, [`ErrorKind::BadArguments`] where it is no `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        if let Some(value) = self.inside(name) {
            return value?.read(name);
        }
        let (parent, last) = self.parent(name)?;
        let value = match parent.member(last) {
            Some(Member::Value(value)) => value,
            Some(Member::Object(object)) if object.inner.call.is_some() || object.inner.source.is_some() => {
                Arc::new(JsValue::new(&object)?)
            }
            Some(Member::Object(object)) => Arc::new(JsValue::new(&Snapshot::of(&object))?),
            Some(Member::Accessor(Accessor { get: Some(get), .. })) => get.compute(name)?,
            Some(Member::Accessor(_)) | None => return Err(not_readable(name)),
        };
        value.read(name)
    }

    /// Assigns the value under a dotted name, and makes it where there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::BadArguments`] where it cannot be serialised to JSON.
    pub fn set(&self, name: &str, value: impl Serialize) -> Result<(), Error> {
        let member = JsValue::new(&value)?.into_member();
        self.clone().define(name, member);
        Ok(())
    }

    /// Puts a member where a dotted name leads, and makes the objects on the way there.
    fn define(self, name: &str, member: Member) -> Self {
        let mut parent = self.clone();
        let mut last = name;
        while let Some((first, rest)) = last.split_once('.') {
            let next = match parent.member(first) {
                Some(Member::Object(object)) => object,
                _ => {
                    let made = Self::new();
                    parent.insert(first, Member::Object(made.clone()));
                    made
                }
            };
            parent = next;
            last = rest;
        }
        parent.insert(last, member);
        self
    }

    fn accessor(self, name: &str, change: impl FnOnce(&mut Accessor)) -> Self {
        let found = self.parent(name).ok().and_then(|(parent, last)| parent.member(last));
        let mut accessor = match found {
            Some(Member::Accessor(accessor)) => accessor,
            _ => Accessor::default(),
        };
        change(&mut accessor);
        self.define(name, Member::Accessor(accessor))
    }

    pub(crate) fn from_function(function: Function) -> Self {
        Self { inner: Arc::new(Inner { call: Some(function), ..Inner::default() }) }
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

    fn member(&self, name: &str) -> Option<Member> {
        self.inner.members.read().get(name).cloned()
    }

    fn insert(&self, name: &str, member: Member) {
        let before = self.inner.members.write().insert(name.to_owned(), member);
        // Without the lock: it may own anything.
        drop(before);
    }

    /// The object that has the member which a dotted identifier names, and the member's name.
    fn parent<'i>(&self, identifier: &'i str) -> Result<(Self, &'i str), Error> {
        let Some((path, last)) = identifier.rsplit_once('.') else { return Ok((self.clone(), identifier)) };
        let mut parent = self.clone();
        for segment in path.split('.') {
            let Some(Member::Object(object)) = parent.member(segment) else {
                return Err(js_failed(format!("Could not find '{identifier}' ('{segment}' was undefined).")));
            };
            parent = object;
        }
        Ok((parent, last))
    }

    /// The value that a dotted identifier names, where it is inside of a text or an array.
    fn inside(&self, identifier: &str) -> Option<Result<JsValue, Error>> {
        let (path, last) = identifier.rsplit_once('.')?;
        let (parent, name) = self.parent(path).ok()?;
        let Some(Member::Value(value)) = parent.member(name) else { return None };
        Some(value.member(last).ok_or_else(|| not_readable(identifier)))
    }

    /// Does what a guest asks for, or says what is to be awaited for it.
    pub(crate) fn answer(&self, scene: &Scene, request: Request) -> Result<Answer, Error> {
        let Request { identifier, operation, want, args, .. } = request;
        if let Some(value) = self.inside(&identifier).filter(|_| operation == Operation::Get) {
            return scene.reply(&value?, want).map(Answer::Now);
        }
        let (parent, last) = self.parent(&identifier)?;
        let member = parent.member(last);
        match operation {
            Operation::Call | Operation::Construct => {
                let function = match &member {
                    Some(Member::Object(object)) if operation == Operation::Call => object.inner.call.as_ref(),
                    Some(Member::Object(object)) => object.inner.construct.as_ref(),
                    _ => None,
                };
                let what = || js_failed(format!("The value '{identifier}' is not a function."));
                function.ok_or_else(what)?.call(scene, &identifier, args, want)
            }
            Operation::Get => match member {
                Some(Member::Value(value)) => scene.reply(&*value, want).map(Answer::Now),
                Some(Member::Object(object)) if want == Want::Json => {
                    scene.reply(&Snapshot::of(&object), want).map(Answer::Now)
                }
                Some(Member::Object(object)) => scene.reply(&object, want).map(Answer::Now),
                Some(Member::Accessor(Accessor { get: Some(get), .. })) => {
                    get.call(scene, &identifier, Message::from("[]"), want)
                }
                Some(Member::Accessor(_)) | None => Err(not_readable(&identifier)),
            },
            Operation::Set => match member {
                Some(Member::Accessor(Accessor { set: Some(set), .. })) => set.call(scene, &identifier, args, want),
                Some(Member::Accessor(_)) => Err(js_failed(format!("The property '{identifier}' is not writable."))),
                Some(Member::Value(_) | Member::Object(_)) | None => {
                    let (value,): (JsValue,) = scene.read(&identifier, args)?;
                    let answer = scene.reply(&value, want)?;
                    parent.insert(last, value.into_member());
                    Ok(Answer::Now(answer))
                }
            },
        }
    }
}

/// What a page fails with on its own account, as a script's exception.
pub(crate) fn js_failed(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::JsFailed, what)
}

fn not_readable(identifier: &str) -> Error {
    js_failed(format!("The property '{identifier}' is not defined or is not readable."))
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

impl Serialize for JsObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        scope::write_placeholder(serializer, key::JS_OBJECT, scope::write_object(self)?)
    }
}

impl<'de> Deserialize<'de> for JsObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = JsObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a reference to an object of the page")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<JsObject, A::Error> {
                let beside = Some(key::JS_STREAM_LENGTH);
                let (id, _) = Placeholder::<u64>::new(key::JS_OBJECT, beside).visit_map(map)?;
                scope::read_object(id)
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// An object as JSON has it: its values and objects without its functions, as `JSON.stringify` leaves them out.
struct Snapshot<'a> {
    object: &'a JsObject,
    depth: usize,
}

impl<'a> Snapshot<'a> {
    /// The deepest that objects may be inside of each other. Those that are inside of themselves have no end.
    const MAX_DEPTH: usize = 100;

    fn of(object: &'a JsObject) -> Self {
        Self { object, depth: 0 }
    }
}

impl Serialize for Snapshot<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = &self.object.inner;
        if inner.source.is_some() {
            return JsStream::of(self.object).serialize(serializer);
        }
        if inner.call.is_some() {
            return serializer.serialize_none();
        }
        if self.depth == Self::MAX_DEPTH {
            return Err(ser::Error::custom("an object is inside of itself"));
        }
        let members = inner.members.read().clone();
        let mut map = serializer.serialize_map(None)?;
        for (name, member) in &members {
            match member {
                Member::Value(value) => map.serialize_entry(name, &**value)?,
                Member::Object(object) if object.inner.call.is_none() && object.inner.construct.is_none() => {
                    map.serialize_entry(name, &Snapshot { object, depth: self.depth + 1 })?;
                }
                Member::Object(_) | Member::Accessor(_) => {}
            }
        }
        map.end()
    }
}

/// The objects that a session's guest holds references to.
pub(crate) struct Table {
    global: JsObject,
    held: Mutex<Held>,
}

struct Held {
    objects: HashMap<i64, Entry>,
    /// The id of each object in the table, by its address.
    ids: HashMap<usize, i64>,
    last: i64,
    streams: usize,
    max_references: usize,
    max_streams: usize,
}

struct Entry {
    object: JsObject,
    /// How many placeholders the guest was sent, and has not released.
    count: u64,
}

impl Table {
    /// A table of nothing but the page's global object, which is always there.
    pub(crate) fn new(global: JsObject) -> Self {
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

    pub(crate) fn global(&self) -> &JsObject {
        &self.global
    }

    /// The id under which the guest is sent one more placeholder of an object.
    pub(crate) fn name(&self, object: &JsObject) -> Result<i64, Error> {
        let address = Arc::as_ptr(&object.inner) as usize;
        let held = &mut *self.held.lock();
        if let Some(id) = held.ids.get(&address) {
            if let Some(entry) = held.objects.get_mut(id) {
                entry.count += 1;
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
        if object.source().is_some() {
            if held.streams >= held.max_streams {
                return refuse("streams", held.max_streams);
            }
            held.streams += 1;
        }
        held.last += 1;
        held.ids.insert(address, held.last);
        held.objects.insert(held.last, Entry { object: object.clone(), count: 1 });
        Ok(held.last)
    }

    pub(crate) fn get(&self, id: i64) -> Result<JsObject, Error> {
        if id == 0 {
            return Ok(self.global.clone());
        }
        let object = self.held.lock().objects.get(&id).map(|entry| entry.object.clone());
        object.ok_or_else(|| {
            js_failed(format!("JS object instance with ID {id} does not exist (has it been disposed?)."))
        })
    }

    /// Takes one placeholder of an object back. Whether it was the last.
    pub(crate) fn release(&self, id: i64) -> bool {
        let mut guard = self.held.lock();
        let held = &mut *guard;
        let Some(entry) = held.objects.get_mut(&id) else { return false };
        entry.count -= 1;
        if entry.count > 0 {
            return false;
        }
        let entry = held.objects.remove(&id);
        if let Some(entry) = &entry {
            held.ids.remove(&(Arc::as_ptr(&entry.object.inner) as usize));
            held.streams -= usize::from(entry.object.source().is_some());
        }
        // Without the lock: its functions may own anything.
        drop(guard);
        drop(entry);
        true
    }

    /// Takes all that the guest holds back.
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

impl From<&Arc<Table>> for Objects {
    fn from(table: &Arc<Table>) -> Self {
        Self::Table(Arc::clone(table))
    }
}
