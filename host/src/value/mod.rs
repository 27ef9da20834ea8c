//! Rust values as messages: what serde writes and reads, and the types that are more than JSON.
//!
//! serde carries no context, but byte arrays, references and streams need one: the arrays of their message, the table of the
//! page's objects, the session. So a value is written inside of [`write`] and read inside of [`read`]. Both put a context onto a stack
//! of the thread's, and the types that are placeholders in JSON ask the innermost one. Outside of a context they fail with a
//! message that says so. A context nests where a value is written while another is, as in a page function that is called by
//! a guest.
//!
//! The folder stands on `session`, whose calls it adds with Rust types, and knows nothing of `native`: an object of the page is an opaque
//! [`ObjectHandle`] here.

pub(crate) mod bytes;
pub(crate) mod call;
pub(crate) mod numbers;
pub(crate) mod object;
pub(crate) mod stream;
pub(crate) mod target;

use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::thread::LocalKey;

use dotwit_wire::expand::{self, Expanded};
use dotwit_wire::numbers as wire_numbers;
use serde::{Deserialize, Serialize, de, ser};

use crate::contract::message::Message;
use crate::contract::placeholders::{References, key, names_each_once};
use crate::engine::effects::{GuestTask, Inbox as _};
use crate::error::{Error, ErrorKind};
use crate::session::core::{SessionCore, SessionRef};
use crate::session::object_table::{ObjectHandle, ObjectTable};
use crate::value::object::DotNetObject;

/// Where the objects that a message names are to be found.
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

/// What a value that is being written has put beside its text.
struct WriteContext {
    bytes: Vec<Vec<u8>>,
    objects: Objects,
    /// Whose message it becomes, to be compared with.
    session: *const SessionCore,
    /// What has been named in the table.
    named: Vec<i64>,
    failure: Option<Error>,
}

/// What a value that is being read finds beside its text.
struct ReadContext {
    bytes: Vec<Option<Vec<u8>>>,
    /// Whether the text names each array once, so that its reader takes it and needs no copy.
    takes_bytes: bool,
    /// Which of the byte arrays have been read as numbers, where some of them are numbers.
    numbers: Vec<bool>,
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

/// Takes a scope away, however it is left.
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

/// Writes a value. Returns the objects as well, for a list that has grown.
///
/// # Errors
///
/// The error that a placeholder failed with, or one that `deserialize_error` makes. Nothing is named then.
pub(crate) fn write<T: Serialize + ?Sized>(
    value: &T,
    objects: Objects,
    session: *const SessionCore,
    deserialize_error: impl FnOnce(serde_json::Error) -> Error,
) -> Result<(Message, Objects), Error> {
    let scope =
        Scope::open(&WRITING, WriteContext { bytes: Vec::new(), objects, session, named: Vec::new(), failure: None });
    let json = serde_json::to_string(value);
    let written = scope.close().unwrap_or_else(|| unreachable!("scopes are closed in the order in which they open"));
    match json {
        Ok(json) => Ok((Message { json, bytes: written.bytes }, written.objects)),
        Err(error) => {
            if let Objects::Table(table) = written.objects {
                for id in written.named {
                    table.release(id);
                }
            }
            Err(original_error(&error, written.failure).unwrap_or_else(|| deserialize_error(error)))
        }
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
    let has_numbers = !bytes.is_empty() && wire_numbers::are_in(text);
    // Where there are numbers, a text may be read twice.
    let takes_bytes = !bytes.is_empty() && !has_numbers && names_each_once(text, bytes.len());
    let bytes: Vec<_> = bytes.into_iter().map(Some).collect();
    let numbers = if has_numbers { vec![false; bytes.len()] } else { Vec::new() };
    let reading = ReadContext { bytes, takes_bytes, numbers, objects, session, streams: Vec::new(), failure: None };
    let scope = Scope::open(&READING, reading);
    let value = if has_numbers { read_numbers(text, read) } else { read(text) };
    let reading = scope.close().unwrap_or_else(|| unreachable!("scopes are closed in the order in which they open"));
    if text.contains(key::DOT_NET_STREAM)
        && let Some(session) = reading.session.upgrade()
    {
        let unread = References::find(text).streams.into_iter().filter(|stream| !reading.streams.contains(stream));
        unread.for_each(|stream| session.post(GuestTask::Close(stream)));
    }
    value.map_err(|error| original_error(&error, reading.failure).unwrap_or_else(|| deserialize_error(error)))
}

/// Reads a value, and once more where its text has numbers that it could not read, or did not see as what they are.
fn read_numbers<T>(text: &str, read: impl Fn(&str) -> serde_json::Result<T>) -> serde_json::Result<T> {
    // A stream is read once.
    let first = if text.contains(key::DOT_NET_STREAM) { None } else { Some(read(text)) };
    match (first, expanded(text)) {
        (first, Some(expanded)) => expanded.read(first.and_then(Result::err), read, |_, error| error),
        (Some(first), None) => first,
        (None, None) => read(text),
    }
}

/// Returns the text with those numbers of the message in it that have not been read.
fn expanded(text: &str) -> Option<Expanded> {
    READING.with_borrow_mut(|scopes| {
        let ReadContext { bytes, numbers, failure, .. } = scopes.last_mut()?;
        let unread = |index: usize| bytes.get(index)?.as_deref().filter(|_| !numbers[index]);
        let expanded = expand::expand(text, unread)?;
        *failure = None;
        Some(expanded)
    })
}

/// The error behind the one that serde ends with. serde carries nothing but text, and a value may get over a failure, as an
/// untagged enum does when it tries its next variant.
fn original_error(error: &serde_json::Error, failure: Option<Error>) -> Option<Error> {
    failure.filter(|failure| error.to_string().contains(failure.message()))
}

/// Puts a byte array beside the text that is being written, and returns its index.
pub(crate) fn write_bytes(bytes: &[u8]) -> Option<usize> {
    write_owned(bytes.to_vec())
}

/// Puts bytes beside the text that is being written without a copy, and returns their index.
pub(crate) fn write_owned(bytes: Vec<u8>) -> Option<usize> {
    WRITING.with_borrow_mut(|scopes| {
        let written = scopes.last_mut()?;
        written.bytes.push(bytes);
        Some(written.bytes.len() - 1)
    })
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
    /// Makes an error that comes out of the value which is being written as it is.
    fn fail<E: ser::Error>(&mut self, error: Error) -> E {
        let text = E::custom(error.message());
        self.failure = Some(error);
        text
    }
}

/// Returns the byte array with this index of the message that is being read. `once` says that its placeholder is not read
/// again.
pub(crate) fn read_bytes<E: de::Error>(index: u64, once: bool) -> Result<Vec<u8>, E> {
    reading(|reading| {
        let count = reading.bytes.len();
        let takes_bytes = reading.takes_bytes && once;
        let slot = usize::try_from(index).ok().and_then(|index| reading.bytes.get_mut(index));
        let bytes = slot.and_then(|slot| if takes_bytes { slot.take() } else { slot.clone() });
        bytes.ok_or_else(|| {
            let what = format!("byte array {index} was not found: the message has {count}, counted from 0");
            Error::new(ErrorKind::BadArguments, what)
        })
    })
}

/// Reads numbers out of the byte array with this index of the message that is being read.
pub(crate) fn with_bytes<T, E: de::Error>(index: u64, read: impl FnOnce(&[u8]) -> Result<T, E>) -> Result<T, E> {
    READING.with_borrow_mut(|scopes| {
        let reading = scopes.last_mut().ok_or_else(|| E::custom("numbers can only be read as part of a call"))?;
        let count = reading.bytes.len();
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let bytes = reading.bytes.get(index).and_then(Option::as_deref).ok_or_else(|| {
            E::custom(format!("byte array {index} was not found: the message has {count}, counted from 0"))
        })?;
        if let Some(read) = reading.numbers.get_mut(index) {
            *read = true;
        }
        read(bytes)
    })
}

/// Returns the object of the page with this id.
pub(crate) fn read_object<E: de::Error>(id: i64) -> Result<ObjectHandle, E> {
    reading(|reading| match &reading.objects {
        Objects::None => Err(no_objects()),
        Objects::Table(table) => table.get(id),
        Objects::List(lists) => in_list(&lists.js, id),
    })
}

/// Returns the object of the guest with this id. Outside of a call, it belongs to no session.
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

/// The session whose stream with this id is taken out of the message that is being read.
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

/// Makes an error that comes out of the value which is being read as it is.
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
