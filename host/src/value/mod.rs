//! Rust values as messages: what serde writes and reads, and the types that are more than JSON.
//!
//! serde carries no context, but byte arrays, references and streams need one: the arrays of their message, the table of the
//! page's objects, the session. So a value is written inside [`write`](fn@write) and read inside [`read`]. Both push a context onto a stack
//! of the thread, and the types that are placeholders in JSON ask the innermost one. Outside a context they fail with a message that
//! says so. Contexts nest where a value is written while another one is, as in a page function that a guest calls.
//!
//! The folder imports `session`, to which it adds calls with Rust types, and not `native`: an object of the page is an opaque
//! [`ObjectHandle`] here.

pub(crate) mod call;
pub(crate) mod object;
pub(crate) mod stream;
pub(crate) mod target;

use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::thread::LocalKey;

use dotwit_wire::byte_arrays::{Reading, Writing};
use dotwit_wire::json::{self, Reference, ReferenceKind};
use dotwit_wire::placeholder::DOT_NET_STREAM;
use serde::{Deserialize, Serialize, de, ser};

use crate::contract::message::Message;
use crate::engine::effects::{GuestTask, Inbox as _};
use crate::error::{Error, ErrorKind};
use crate::session::core::{SessionCore, SessionRef};
use crate::session::object_table::{ObjectHandle, ObjectTable};
use crate::value::object::DotNetObject;

/// Where the objects that a message names are found.
#[derive(Clone)]
pub(crate) enum Objects {
    /// The guest's are a session's, and the page's nowhere: the session has a page of another kind.
    None,
    /// The guest's are a session's, and the page's in the table of what the guest holds.
    Table(Arc<ObjectTable>),
    /// All are in lists of the value's own, which the placeholders count.
    List(Lists),
}

impl From<&Arc<ObjectTable>> for Objects {
    fn from(table: &Arc<ObjectTable>) -> Self {
        Self::Table(Arc::clone(table))
    }
}

/// The objects of a value that belongs to no message.
#[derive(Clone, Default)]
pub(crate) struct Lists {
    pub(crate) js: Vec<ObjectHandle>,
    pub(crate) dot_net: Vec<DotNetObject>,
}

/// What a value that is being written puts beside its text.
struct WriteContext {
    objects: Objects,
    /// The session that it is sent to, for comparisons only.
    session: *const SessionCore,
    /// What has been named in the table, and is released if the value cannot be written.
    named: Vec<i64>,
    failure: Option<Error>,
}

impl Drop for WriteContext {
    fn drop(&mut self) {
        if let Objects::Table(table) = &self.objects {
            for id in &self.named {
                table.release(*id);
            }
        }
    }
}

/// What a value that is being read finds beside its text.
struct ReadContext {
    objects: Objects,
    session: SessionRef,
    /// The guest's streams that have been taken.
    streams: Vec<u64>,
    failure: Option<Error>,
}

thread_local! {
    static WRITING: RefCell<Vec<WriteContext>> = const { RefCell::new(Vec::new()) };
    static READING: RefCell<Vec<ReadContext>> = const { RefCell::new(Vec::new()) };
}

/// Pops a context when it is closed or dropped.
struct Scope<T: 'static>(&'static LocalKey<RefCell<Vec<T>>>);

impl<T> Scope<T> {
    fn open(scopes: &'static LocalKey<RefCell<Vec<T>>>, scope: T) -> Self {
        scopes.with_borrow_mut(|scopes| scopes.push(scope));
        Self(scopes)
    }

    fn close(self) -> Option<T> {
        let scope = self.0.with_borrow_mut(Vec::pop);
        std::mem::forget(self);
        scope
    }
}

impl<T> Drop for Scope<T> {
    fn drop(&mut self) {
        self.0.with_borrow_mut(Vec::pop);
    }
}

/// Writes a value. Returns the objects as well, since a list may have grown.
///
/// # Errors
///
/// The error that a placeholder failed with, or one that `serialize_error` makes. Nothing is named then.
pub(crate) fn write<T: Serialize + ?Sized>(
    value: &T,
    objects: Objects,
    session: *const SessionCore,
    serialize_error: impl FnOnce(serde_json::Error) -> Error,
) -> Result<(Message, Objects), Error> {
    let arrays = Writing::open();
    let scope = Scope::open(&WRITING, WriteContext { objects, session, named: Vec::new(), failure: None });
    let json = serde_json::to_string(value);
    let mut written =
        scope.close().unwrap_or_else(|| unreachable!("scopes are closed in the order in which they open"));
    let bytes = arrays.close();
    match json {
        Ok(json) => {
            written.named.clear();
            Ok((Message { json, bytes }, std::mem::replace(&mut written.objects, Objects::None)))
        }
        Err(error) => Err(original_error(&error, written.failure.take()).unwrap_or_else(|| serialize_error(error))),
    }
}

/// Reads a value with `read`. The streams of the guest that `text` names and the value has not taken are closed.
///
/// # Errors
///
/// The error that a placeholder failed with, or one that `deserialize_error` makes.
pub(crate) fn read<T>(
    text: &str,
    bytes: Vec<Vec<u8>>,
    objects: Objects,
    session: SessionRef,
    read: impl Fn(&str) -> serde_json::Result<T>,
    deserialize_error: impl FnOnce(serde_json::Error) -> Error,
) -> Result<T, Error> {
    let arrays = Reading::open(text, bytes);
    let scope = Scope::open(&READING, ReadContext { objects, session, streams: Vec::new(), failure: None });
    let value = if arrays.has_numbers() { read_numbers(&arrays, text, read) } else { read(text) };
    let reading = scope.close().unwrap_or_else(|| unreachable!("scopes are closed in the order in which they open"));
    if text.contains(DOT_NET_STREAM)
        && let Some(session) = reading.session.upgrade()
    {
        for Reference { kind, id } in json::references(text) {
            let stream = u64::try_from(id).ok().filter(|_| kind == ReferenceKind::DotNetStream);
            if let Some(stream) = stream.filter(|stream| !reading.streams.contains(stream)) {
                session.post(GuestTask::Close(stream));
            }
        }
    }
    value.map_err(|error| original_error(&error, reading.failure).unwrap_or_else(|| deserialize_error(error)))
}

/// Reads a value, and once more if its text has placeholders of numbers that the value could not read.
fn read_numbers<T>(
    arrays: &Reading,
    text: &str,
    read: impl Fn(&str) -> serde_json::Result<T>,
) -> serde_json::Result<T> {
    // A stream is read once.
    let first = if text.contains(DOT_NET_STREAM) { None } else { Some(read(text)) };
    let Some(expanded) = arrays.expand(text) else { return first.unwrap_or_else(|| read(text)) };
    READING.with_borrow_mut(|contexts| contexts.last_mut()?.failure.take());
    expanded.read(first.and_then(Result::err), read, |_, error| error)
}

/// Returns the error behind the one that serde ends with. serde carries nothing but text, and a value may recover from a failure, as
/// an untagged enum does when it tries its next variant.
fn original_error(error: &serde_json::Error, failure: Option<Error>) -> Option<Error> {
    failure.filter(|failure| error.to_string().contains(failure.message()))
}

/// Names an object of the page in the text that is being written, and returns its id there.
pub(crate) fn write_object<E: ser::Error>(object: ObjectHandle, is_stream: bool) -> Result<u64, E> {
    WRITING.with_borrow_mut(|contexts| {
        let writing =
            contexts.last_mut().ok_or_else(|| E::custom("a JsObject can only be written as part of a call"))?;
        let named = match &mut writing.objects {
            Objects::None => Err(no_objects()),
            Objects::Table(table) => table.add_ref(&object, is_stream),
            Objects::List(lists) => {
                lists.js.push(object);
                return Ok(lists.js.len() as u64 - 1);
            }
        };
        let id = named.map_err(|error| writing.fail(error))?;
        writing.named.push(id);
        Ok(id.unsigned_abs())
    })
}

/// Names an object of the guest in the text that is being written.
pub(crate) fn write_dot_net_object<E: ser::Error>(object: &DotNetObject) -> Result<u64, E> {
    WRITING.with_borrow_mut(|scopes| {
        let what = "a DotNetObject can only be written as part of a call";
        let written = scopes.last_mut().ok_or_else(|| E::custom(what))?;
        if let Objects::List(lists) = &mut written.objects {
            lists.dot_net.push(object.clone());
            return Ok(lists.dot_net.len() as u64 - 1);
        }
        object.id_in(written.session).map_err(|error| written.fail(error))
    })
}

impl WriteContext {
    /// Returns an error for serde that [`write`](fn@write) replaces by this one.
    fn fail<E: ser::Error>(&mut self, error: Error) -> E {
        let text = E::custom(error.message());
        self.failure = Some(error);
        text
    }
}

/// Returns the object of the page with this id.
pub(crate) fn read_object<E: de::Error>(id: i64) -> Result<ObjectHandle, E> {
    reading(|reading| match &reading.objects {
        Objects::None => Err(no_objects()),
        Objects::Table(table) => table.get(id),
        Objects::List(lists) => in_list(&lists.js, id),
    })
}

/// Returns the object of the guest with this id. Outside a call, it does not belong to a session.
pub(crate) fn read_dot_net_object<E: de::Error>(id: i64) -> Result<DotNetObject, E> {
    let object = |session| {
        let id = u64::try_from(id).map_err(|_| {
            Error::new(ErrorKind::BadArguments, format!("{id} is not the id of an object: ids are not negative"))
        });
        id.map(|id| DotNetObject::new(id, session))
    };
    if READING.with_borrow(Vec::is_empty) {
        return object(Weak::new()).map_err(E::custom);
    }
    reading(|reading| match &reading.objects {
        Objects::List(lists) => in_list(&lists.dot_net, id),
        Objects::None | Objects::Table(_) => object(reading.session.downgrade()),
    })
}

fn in_list<T: Clone>(list: &[T], id: i64) -> Result<T, Error> {
    let object = usize::try_from(id).ok().and_then(|index| list.get(index)).cloned();
    object.ok_or_else(|| Error::new(ErrorKind::NoSuchObject, format!("The value has no object {id}.")))
}

/// Takes a stream out of the message that is being read. Returns its session.
pub(crate) fn take_stream<E: de::Error>(stream: u64) -> Result<SessionRef, E> {
    reading(|reading| {
        if reading.streams.contains(&stream) {
            let what = format!("The stream {stream} is named twice, and only one can read it.");
            return Err(Error::new(ErrorKind::BadArguments, what));
        }
        reading.streams.push(stream);
        Ok(reading.session.clone())
    })
}

/// Returns an error for serde that [`read`] replaces by this one.
pub(crate) fn custom_error<E: de::Error>(error: Error) -> E {
    let text = E::custom(error.message());
    READING.with_borrow_mut(|scopes| {
        if let Some(reading) = scopes.last_mut() {
            reading.failure = Some(error);
        }
    });
    text
}

/// Asks the innermost message that is being read.
fn reading<T, E: de::Error>(ask: impl FnOnce(&mut ReadContext) -> Result<T, Error>) -> Result<T, E> {
    let asked = READING.with_borrow_mut(|scopes| scopes.last_mut().map(ask));
    asked.ok_or_else(|| E::custom("it can only be read as part of a call"))?.map_err(custom_error)
}

fn no_objects() -> Error {
    let what = "A JsObject can only cross in a session whose page is a NativePage.";
    Error::new(ErrorKind::Unsupported, what)
}

/// Reads one JSON value as a `T`.
pub(crate) fn from_json<'de, T: Deserialize<'de>>(text: &'de str) -> serde_json::Result<T> {
    serde_json::from_str(text)
}
