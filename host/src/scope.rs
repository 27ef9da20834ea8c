//! The scopes in which values are written to and read from messages.
//!
//! serde carries no context, but byte arrays, references and streams need one: the arrays of their message, the table of the
//! page's objects, the session. So a value is written inside a [`write`] and read inside a [`read`], and the types that are
//! placeholders in JSON ask the innermost of these. Outside of one they fail with a message that says so.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Weak};

use dotwit_wire::expand::{self, Expanded};
use dotwit_wire::numbers;
use serde::de::{self, MapAccess, Visitor};
use serde::ser::{self, SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use crate::bindings::types::Message;
use crate::error::{Error, ErrorKind};
use crate::js_object::{JsObject, Table};
use crate::json::{self, Named};
use crate::shared::{Hold, Shared};
use crate::value::DotNetObject;

/// Where the objects that a message names are to be found.
#[derive(Clone)]
pub(crate) enum Objects {
    /// The guest's are a session's, and the page's nowhere: the session has a page of another kind.
    None,
    /// The guest's are a session's, and the page's in the table of what the guest holds.
    Table(Arc<Table>),
    /// All are in lists of the value's own, which the placeholders count.
    List(Lists),
}

/// The objects of a value that belongs to no message.
#[derive(Clone, Default)]
pub(crate) struct Lists {
    pub(crate) js: Vec<JsObject>,
    pub(crate) dot_net: Vec<DotNetObject>,
}

/// What a value that is being written has put beside its text.
struct Writing {
    bytes: Vec<Vec<u8>>,
    objects: Objects,
    /// Whose message it becomes, to be compared with.
    session: *const Shared,
    /// What has been named in the table.
    named: Vec<i64>,
    failure: Option<Error>,
}

/// What a value that is being read finds beside its text.
struct Reading {
    bytes: Vec<Option<Vec<u8>>>,
    /// Whether the text names each array once, so that who reads it can have it and needs no copy.
    moves: bool,
    /// Which of the byte arrays have been read as numbers, where some of them are numbers.
    numbers: Vec<bool>,
    objects: Objects,
    session: Hold,
    /// The guest's streams that somebody has taken.
    streams: Vec<u64>,
    failure: Option<Error>,
}

thread_local! {
    static WRITING: RefCell<Vec<Writing>> = const { RefCell::new(Vec::new()) };
    static READING: RefCell<Vec<Reading>> = const { RefCell::new(Vec::new()) };
}

/// Takes a scope away, however it is left.
struct Scope<T: 'static>(&'static std::thread::LocalKey<RefCell<Vec<T>>>);

impl<T> Scope<T> {
    fn open(scopes: &'static std::thread::LocalKey<RefCell<Vec<T>>>, scope: T) -> Self {
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

/// Writes a value. Gives the objects as well, for a list that has grown.
///
/// # Errors
///
/// The error that a placeholder failed with, or one that `misfit` makes. Nothing is named then.
pub(crate) fn write<T: Serialize + ?Sized>(
    value: &T,
    objects: Objects,
    session: *const Shared,
    misfit: impl FnOnce(serde_json::Error) -> Error,
) -> Result<(Message, Objects), Error> {
    let scope =
        Scope::open(&WRITING, Writing { bytes: Vec::new(), objects, session, named: Vec::new(), failure: None });
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
            Err(cause(&error, written.failure).unwrap_or_else(|| misfit(error)))
        }
    }
}

/// Reads a value with `read`. The streams of the guest that `text` names and nobody has taken are closed.
///
/// # Errors
///
/// The error that a placeholder failed with, or one that `misfit` makes.
pub(crate) fn read<T>(
    text: &str,
    bytes: Vec<Vec<u8>>,
    objects: Objects,
    session: Hold,
    read: impl Fn(&str) -> serde_json::Result<T>,
    misfit: impl FnOnce(serde_json::Error) -> Error,
) -> Result<T, Error> {
    let has_numbers = !bytes.is_empty() && numbers::are_in(text);
    // Where there are numbers, a text may be read twice.
    let moves = !bytes.is_empty() && !has_numbers && json::names_each_once(text, bytes.len());
    let bytes: Vec<_> = bytes.into_iter().map(Some).collect();
    let numbers = if has_numbers { vec![false; bytes.len()] } else { Vec::new() };
    let reading = Reading { bytes, moves, numbers, objects, session, streams: Vec::new(), failure: None };
    let scope = Scope::open(&READING, reading);
    let value = if has_numbers { read_numbers(text, read) } else { read(text) };
    let reading = scope.close().unwrap_or_else(|| unreachable!("scopes are closed in the order in which they open"));
    if text.contains(json::key::DOT_NET_STREAM)
        && let Some(session) = reading.session.upgrade()
    {
        let unread = Named::find(text).streams.into_iter().filter(|stream| !reading.streams.contains(stream));
        unread.for_each(|stream| session.close_stream(stream));
    }
    value.map_err(|error| cause(&error, reading.failure).unwrap_or_else(|| misfit(error)))
}

/// Reads a value, and once more where its text has numbers that it could not read, or did not see as what they are.
fn read_numbers<T>(text: &str, read: impl Fn(&str) -> serde_json::Result<T>) -> serde_json::Result<T> {
    // A stream is read once.
    let first = if text.contains(json::key::DOT_NET_STREAM) { None } else { Some(read(text)) };
    match (first, expanded(text)) {
        (first, Some(expanded)) => expanded.read(first.and_then(Result::err), read, |_, error| error),
        (Some(first), None) => first,
        (None, None) => read(text),
    }
}

/// A text with the numbers of the message that nobody has read.
fn expanded(text: &str) -> Option<Expanded> {
    READING.with_borrow_mut(|scopes| {
        let Reading { bytes, numbers, failure, .. } = scopes.last_mut()?;
        let unread = |index: usize| bytes.get(index)?.as_deref().filter(|_| !numbers[index]);
        let expanded = expand::expand(text, unread)?;
        *failure = None;
        Some(expanded)
    })
}

/// The error behind the one that serde ends with. serde carries nothing but text, and a value may get over a failure, as an
/// untagged enum does when it tries its next variant.
fn cause(error: &serde_json::Error, failure: Option<Error>) -> Option<Error> {
    failure.filter(|failure| error.to_string().contains(failure.message()))
}

/// Puts a byte array beside the text that is being written and gives its index.
pub(crate) fn write_bytes(bytes: &[u8]) -> Option<usize> {
    write_owned(bytes.to_vec())
}

/// Puts bytes beside the text that is being written, which nobody else needs, and gives their index.
pub(crate) fn write_owned(bytes: Vec<u8>) -> Option<usize> {
    WRITING.with_borrow_mut(|scopes| {
        let written = scopes.last_mut()?;
        written.bytes.push(bytes);
        Some(written.bytes.len() - 1)
    })
}

/// Names an object of the page in the text that is being written.
pub(crate) fn write_object<E: ser::Error>(object: &JsObject) -> Result<u64, E> {
    WRITING.with_borrow_mut(|scopes| {
        let written = scopes.last_mut().ok_or_else(|| E::custom("a JsObject can only be written as part of a call"))?;
        let named = match &mut written.objects {
            Objects::None => Err(no_objects()),
            Objects::Table(table) => table.name(object),
            Objects::List(lists) => {
                lists.js.push(object.clone());
                return Ok(lists.js.len() as u64 - 1);
            }
        };
        let id = named.map_err(|error| written.fail(error))?;
        written.named.push(id);
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

impl Writing {
    /// Makes an error that comes out of the value which is being written as it is.
    fn fail<E: ser::Error>(&mut self, error: Error) -> E {
        let text = E::custom(error.message());
        self.failure = Some(error);
        text
    }
}

/// Gives the byte array with this index of the message that is being read. `once` says that its placeholder is not read
/// again.
pub(crate) fn read_bytes<E: de::Error>(index: u64, once: bool) -> Result<Vec<u8>, E> {
    reading(|reading| {
        let count = reading.bytes.len();
        let moves = reading.moves && once;
        let slot = usize::try_from(index).ok().and_then(|index| reading.bytes.get_mut(index));
        let bytes = slot.and_then(|slot| if moves { slot.take() } else { slot.clone() });
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

/// Gives the object of the page with this id.
pub(crate) fn read_object<E: de::Error>(id: i64) -> Result<JsObject, E> {
    reading(|reading| match &reading.objects {
        Objects::None => Err(no_objects()),
        Objects::Table(table) => table.get(id),
        Objects::List(lists) => in_list(&lists.js, id),
    })
}

/// Gives the object of the guest with this id. What is read outside of a call is nobody's.
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
pub(crate) fn take_stream<E: de::Error>(stream: u64) -> Result<Hold, E> {
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
pub(crate) fn failure<E: de::Error>(error: Error) -> E {
    let text = E::custom(error.message());
    READING.with_borrow_mut(|scopes| {
        if let Some(reading) = scopes.last_mut() {
            reading.failure = Some(error);
        }
    });
    text
}

/// Asks the innermost message that is being read.
fn reading<T, E: de::Error>(ask: impl FnOnce(&mut Reading) -> Result<T, Error>) -> Result<T, E> {
    let asked = READING.with_borrow_mut(|scopes| scopes.last_mut().map(ask));
    asked.ok_or_else(|| E::custom("it can only be read as part of a call"))?.map_err(failure)
}

fn no_objects() -> Error {
    let what = "A JsObject can only cross in a session whose page is a NativePage.";
    Error::new(ErrorKind::Unsupported, what)
}

/// Writes `{"key": id}`.
pub(crate) fn write_placeholder<S: Serializer>(serializer: S, key: &'static str, id: u64) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, &id)?;
    map.end()
}

/// Reads a placeholder strictly: an object with one key, once, that is an integer, and perhaps another `beside` it.
pub(crate) struct Placeholder<B = u64> {
    key: &'static str,
    beside: Option<&'static str>,
    value: PhantomData<B>,
}

impl<B> Placeholder<B> {
    pub(crate) fn new(key: &'static str, beside: Option<&'static str>) -> Self {
        Self { key, beside, value: PhantomData }
    }
}

impl<'de, B: Deserialize<'de>> Visitor<'de> for Placeholder<B> {
    type Value = (i64, Option<B>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a placeholder {{\"{}\": id}}", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut id, mut beside) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            let twice = if key == self.key {
                id.replace(map.next_value()?).is_some()
            } else if Some(key.as_str()) == self.beside {
                beside.replace(map.next_value()?).is_some()
            } else if key == numbers::AS {
                let kind = map.next_value::<String>()?;
                return Err(de::Error::custom(format!("a {kind} was received where bytes are expected")));
            } else {
                return Err(de::Error::custom(format!("unexpected property '{key}' beside '{}'", self.key)));
            };
            if twice {
                return Err(de::Error::custom(format!("property '{key}' is there twice")));
            }
        }
        let id = id.ok_or_else(|| de::Error::custom(format!("required property '{}' was not found", self.key)))?;
        Ok((id, beside))
    }
}

/// Reads one JSON value as a `T`.
pub(crate) fn from_json<'de, T: Deserialize<'de>>(text: &'de str) -> serde_json::Result<T> {
    serde_json::from_str(text)
}
