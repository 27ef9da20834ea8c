//! Messages, and the scopes in which values are written to and read from them.
//!
//! serde carries no context, but byte arrays and references need one: the arrays of their message, and whether who
//! reads a reference keeps it. So a value is serialised inside a [`write`] and deserialised inside a [`Reader`], and
//! the types with placeholders ask the innermost of these. Outside of one they fail with a message that says so.

use std::cell::{Cell, RefCell};
use std::io;
use std::ops::Range;
use std::rc::Rc;

use dotwit_wire::expand::{self, Expanded};
use dotwit_wire::numbers;
use serde::Serialize;
use serde::de::{self, DeserializeOwned};
use serde::ser;

use crate::dotnet_stream::{self, Claim, DotNetStreamReference};
use crate::error::{Error, ErrorKind};
use crate::js_object::{self, Handle, JsObjectReference};
use crate::json;
use crate::misfit;
use crate::objects::Entry;

/// How many arguments a call may have. Blazor has no limit; a function with more parameters is better served by an
/// object.
pub(crate) const MAX_ARGUMENTS: usize = 64;

/// A JSON text and the byte arrays lifted out of it: the `message` of `dotwit:interop/types`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The text; `{"__byte[]": i}` in it stands for `bytes[i]`.
    pub json: String,
    /// The byte arrays.
    pub bytes: Vec<Vec<u8>>,
}

impl From<&str> for Message {
    fn from(json: &str) -> Self {
        Self { json: json.to_owned(), bytes: Vec::new() }
    }
}

/// A message that came in, with the objects of the page that it names. They are given back with it, but for those that
/// somebody who read it has taken.
pub(crate) struct Received {
    pub(crate) json: String,
    pub(crate) bytes: Vec<Vec<u8>>,
    /// In the order of their ids.
    pub(crate) handles: Vec<Rc<Handle>>,
}

impl From<Message> for Received {
    fn from(Message { json, bytes }: Message) -> Self {
        let mut ids = Vec::new();
        let mut nulls = Vec::new();
        json::integers(&json, js_object::KEY, |id, alone| match id {
            1.. => ids.push(id),
            -1 => nulls.extend(alone),
            _ => {}
        });
        let json = if nulls.is_empty() { json } else { with_nulls(&json, nulls) };
        ids.sort_unstable();
        let mut handles: Vec<Rc<Handle>> = Vec::new();
        for id in ids {
            match handles.last() {
                Some(last) if last.id() == id => last.share(),
                _ => handles.push(Handle::new(id)),
            }
        }
        Self { json, bytes, handles }
    }
}

/// A text with `null` in these places, where it has references to nothing.
fn with_nulls(json: &str, places: Vec<Range<usize>>) -> String {
    let mut changed = String::with_capacity(json.len());
    let mut at = 0;
    for place in places {
        changed.push_str(&json[at..place.start]);
        changed.push_str("null");
        at = place.end;
    }
    changed.push_str(&json[at..]);
    changed
}

/// What a message that is being written, or was sent, names beside its text.
#[derive(Default)]
struct Named {
    objects: Vec<Rc<Entry>>,
    js_objects: Vec<Rc<Handle>>,
    streams: Vec<Claim>,
}

/// What must live as long as a message that was sent may be read, and until what was asked in it has ended.
#[derive(Default)]
pub(crate) struct Kept {
    /// Most messages name nothing.
    named: Option<Box<Named>>,
    /// The object of the page that is meant.
    _target: Option<Rc<Handle>>,
}

impl Kept {
    /// Keeps the object of the page that is meant.
    pub(crate) fn target(target: &JsObjectReference) -> Self {
        Self { named: None, _target: target.handle().cloned() }
    }

    /// Takes back what a call was to give, where its failure says that there is no page any more which could give it back.
    pub(crate) fn after_failure(&self, kind: ErrorKind) {
        if let (Some(named), ErrorKind::Disconnected) = (&self.named, kind) {
            named.objects.iter().for_each(|object| object.note_forgotten());
            named.streams.iter().for_each(|stream| dotnet_stream::close(stream.id()));
        }
    }
}

/// What a value that is being written has put beside its text.
#[derive(Default)]
struct Written {
    bytes: Vec<Vec<u8>>,
    named: Option<Box<Named>>,
    failure: Option<Box<Error>>,
}

impl Written {
    fn named(&mut self) -> &mut Named {
        self.named.get_or_insert_default()
    }
}

/// What a value that is being read finds beside its text.
struct Reading {
    bytes: Vec<Option<Vec<u8>>>,
    /// Whether the text names each array once, so that who reads it can have it and needs no copy.
    moves: bool,
    /// Which of the byte arrays have been read as numbers, where some of them are numbers.
    numbers: Vec<bool>,
    references: usize,
    handles: Vec<Rc<Handle>>,
    failure: Option<Box<Error>>,
}

thread_local! {
    static WRITING: RefCell<Vec<Written>> = const { RefCell::new(Vec::new()) };
    static READING: RefCell<Vec<Reading>> = const { RefCell::new(Vec::new()) };
    /// The objects of the page in the results that are on their way to it.
    static RETURNED: RefCell<Vec<Rc<Handle>>> = const { RefCell::new(Vec::new()) };
    /// Whether there are any.
    static HAS_RETURNED: Cell<bool> = const { Cell::new(false) };
}

/// The scopes that are open, while a call that came in between uses its own. They are back when this is dropped.
pub(crate) struct SetAside {
    writing: Vec<Written>,
    reading: Vec<Reading>,
}

impl SetAside {
    pub(crate) fn new() -> Self {
        Self { writing: WRITING.take(), reading: READING.take() }
    }
}

impl Drop for SetAside {
    fn drop(&mut self) {
        WRITING.set(std::mem::take(&mut self.writing));
        READING.set(std::mem::take(&mut self.reading));
    }
}

/// Lets go of what results on their way to the page were kept for. They have arrived when the page next calls.
pub(crate) fn results_have_arrived() {
    if HAS_RETURNED.replace(false) {
        drop(RETURNED.take());
    }
}

/// Whether something is kept only for results on their way to the page.
pub(crate) fn results_keep_something() -> bool {
    HAS_RETURNED.get() && RETURNED.with_borrow(|returned| returned.iter().any(|handle| Rc::strong_count(handle) == 1))
}

/// Writes a value inside a scope of its own. `elements` becomes the number of elements, where it is an array. `failed`
/// makes the error of what serde says.
fn write<T: Serialize + ?Sized>(
    value: &T,
    elements: &Cell<usize>,
    failed: impl FnOnce(serde_json::Error) -> Error,
) -> Result<(Message, Option<Box<Named>>), Error> {
    WRITING.with_borrow_mut(|scopes| scopes.push(Written::default()));
    let json = json::to_string(value, elements);
    let written = WRITING.with_borrow_mut(Vec::pop).unwrap_or_default();
    match json {
        Ok(json) => Ok((Message { json, bytes: written.bytes }, written.named)),
        Err(error) => Err(cause(&error, written.failure).unwrap_or_else(|| failed(error))),
    }
}

/// What kind of error it is that a value cannot be written.
fn kind(error: &serde_json::Error, otherwise: ErrorKind) -> ErrorKind {
    if error.io_error_kind() == Some(io::ErrorKind::OutOfMemory) { ErrorKind::TooLarge } else { otherwise }
}

/// Writes the result of a call. The guest's objects in it belong to the page from then on, until it releases them;
/// where the value cannot be written they stay what they were.
pub(crate) fn write_result<T: Serialize + ?Sized>(value: &T) -> Result<Message, Error> {
    let (message, named) = write(value, &Cell::new(0), |error| {
        Error::new(kind(&error, ErrorKind::Failed), format!("The result cannot be sent: {error}."))
    })?;
    if let Some(named) = named {
        let named = *named;
        for object in named.objects {
            object.note_named();
            object.give_to_page();
        }
        named.streams.iter().for_each(Claim::send);
        if !named.js_objects.is_empty() {
            RETURNED.with_borrow_mut(|returned| returned.extend(named.js_objects));
            HAS_RETURNED.set(true);
        }
    }
    Ok(message)
}

/// Writes the arguments of a call to the page, for `target`: an array, or nothing. What they name stays the guest's,
/// and is to be kept until the call has ended.
pub(crate) fn write_arguments<T: Serialize + ?Sized>(
    target: &JsObjectReference,
    identifier: &str,
    args: &T,
) -> Result<(Message, Kept), Error> {
    let bad = |what: String| Error::new(ErrorKind::BadArguments, format!("The arguments of '{identifier}' {what}"));
    let elements = Cell::new(0);
    let (mut message, named) = write(args, &elements, |error| {
        let what = format!("The arguments of '{identifier}' cannot be sent: {error}.");
        Error::new(kind(&error, ErrorKind::BadArguments), what)
    })?;
    let count = elements.get();
    if message.json == "null" {
        message.json.replace_range(.., "[]");
    } else if count == 0 && message.json != "[]" {
        let shown = &message.json[..message.json.floor_char_boundary(40)];
        return Err(bad(format!("are a tuple: `(value,)` for one, `()` for none. `{shown}` is none.")));
    }
    if count > MAX_ARGUMENTS {
        return Err(Error::new(
            ErrorKind::TooMany,
            format!("The call to '{identifier}' has {count} arguments, and {MAX_ARGUMENTS} is the limit of any call."),
        ));
    }
    if let Some(named) = &named {
        named.objects.iter().for_each(|object| object.note_named());
        named.streams.iter().for_each(Claim::send);
    }
    Ok((message, Kept { named, ..Kept::target(target) }))
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

/// Notes that the text that is being written names an object.
pub(crate) fn write_object<E: ser::Error>(object: &Rc<Entry>) -> Result<u64, E> {
    WRITING.with_borrow_mut(|scopes| {
        let written =
            scopes.last_mut().ok_or_else(|| E::custom("a reference can only be written as part of a call"))?;
        let id = object.track().map_err(|error| {
            let text = E::custom(error.message());
            written.failure = Some(error.into());
            text
        })?;
        written.named().objects.push(Rc::clone(object));
        Ok(id)
    })
}

/// Notes that the text that is being written names an object of the page.
pub(crate) fn write_js_object<E: ser::Error>(object: &JsObjectReference) -> Result<i64, E> {
    WRITING.with_borrow_mut(|scopes| {
        let written =
            scopes.last_mut().ok_or_else(|| E::custom("a reference can only be written as part of a call"))?;
        let id = object.id().map_err(|error| {
            let text = E::custom(error.message());
            written.failure = Some(error.into());
            text
        })?;
        written.named().js_objects.extend(object.handle().cloned());
        Ok(id)
    })
}

/// Notes that the text that is being written names a stream.
pub(crate) fn write_stream<E: ser::Error>(stream: &DotNetStreamReference) -> Result<u64, E> {
    WRITING.with_borrow_mut(|scopes| {
        let written = scopes.last_mut().ok_or_else(|| E::custom("a stream can only be written as part of a call"))?;
        let others = written.named.as_ref().map_or(0, |named| named.streams.len());
        let claim = Claim::new(stream, others).map_err(|error| {
            let text = E::custom(error.message());
            written.failure = Some(error.into());
            text
        })?;
        let id = claim.id();
        written.named().streams.push(claim);
        Ok(id)
    })
}

/// The scope in which the values of one message are read.
pub(crate) struct Reader {
    /// Whether there are numbers beside the text.
    numbers: bool,
}

impl Reader {
    /// Opens the scope of a message, whose text the caller has, and keeps.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMany`] where the message brings more references than the guest may hold.
    pub(crate) fn new(json: &str, bytes: Vec<Vec<u8>>, handles: Vec<Rc<Handle>>) -> Result<Self, Error> {
        let live = js_object::live();
        if live > js_object::MAX_LIVE && !handles.is_empty() {
            return Err(Error::new(
                ErrorKind::TooMany,
                format!(
                    "{live} references to objects of the page would be held, and {max} is the limit. Drop those that are \
                     done with.",
                    max = js_object::MAX_LIVE
                ),
            ));
        }
        let numbers = !bytes.is_empty() && numbers::are_in(json);
        // Where there are numbers, a text may be read twice.
        let moves = !bytes.is_empty() && !numbers && names_each_once(json, bytes.len());
        let bytes: Vec<_> = bytes.into_iter().map(Some).collect();
        let unread = if numbers { vec![false; bytes.len()] } else { Vec::new() };
        let reading = Reading { moves, numbers: unread, bytes, references: 0, handles, failure: None };
        READING.with_borrow_mut(|scopes| scopes.push(reading));
        Ok(Self { numbers })
    }

    /// Reads one value from a part of the message's text. `misfit` says what is wrong where the text is at fault.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        json: &str,
        misfit: impl FnOnce(serde_json::Error) -> Error,
    ) -> Result<T, Error> {
        let mut read = serde_json::from_str(json);
        if self.numbers || read.is_err() {
            read = self.read_again(json, read);
        }
        read.map_err(|error| {
            let failure =
                READING.with_borrow_mut(|scopes| scopes.last_mut().and_then(|reading| reading.failure.take()));
            cause(&error, failure).unwrap_or_else(|| misfit(error))
        })
    }

    /// Reads a value once more where its text has numbers that it could not read, or did not see as what they are.
    fn read_again<T: DeserializeOwned>(&self, json: &str, read: serde_json::Result<T>) -> serde_json::Result<T> {
        if self.numbers
            && let Some(expanded) = expanded(json)
        {
            return expanded.read(read.err(), |text| serde_json::from_str(text), misfit::without_place);
        }
        read.or_else(|error| match expand::arrays(json) {
            Some(text) => serde_json::from_str(&text).map_err(|_| error),
            None => Err(error),
        })
    }

    /// How many references the values that were read have asked for.
    pub(crate) fn references(&self) -> usize {
        READING.with_borrow(|scopes| scopes.last().map_or(0, |reading| reading.references))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // What nobody took is given back, outside of the borrow.
        let _read = READING.with_borrow_mut(Vec::pop);
    }
}

/// A text with the numbers of the message that nobody has read.
fn expanded(json: &str) -> Option<Expanded> {
    READING.with_borrow_mut(|scopes| {
        let Reading { bytes, numbers, failure, .. } = scopes.last_mut()?;
        let unread = |index: usize| bytes.get(index)?.as_deref().filter(|_| !numbers[index]);
        let expanded = expand::expand(json, unread)?;
        *failure = None;
        Some(expanded)
    })
}

/// The error behind the one that serde ends with. serde carries nothing but text, and a value may get over a failure,
/// as an untagged enum does when it tries its next variant.
fn cause(error: &serde_json::Error, failure: Option<Box<Error>>) -> Option<Error> {
    failure.map(|failure| *failure).filter(|failure| error.to_string().starts_with(failure.message()))
}

/// Whether a text names each of `count` byte arrays once, in order, as pages do. Where it seems otherwise, because an
/// array is named twice, or because the text has the key elsewhere or may have it with escapes, the arrays are copied.
fn names_each_once(json: &str, count: usize) -> bool {
    const KEY: &str = "\"__byte[]\"";
    let named = json.match_indices(KEY).map(|(at, _)| {
        let value = json[at + KEY.len()..].trim_start().strip_prefix(':')?.trim_start();
        let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
        value[..end].parse().ok()
    });
    named.eq((0..count).map(Some)) && !json.contains("\\u")
}

/// Gives the byte array with this index of the message that is being read. `once` says that its placeholder is not read
/// again.
pub(crate) fn read_bytes<E: de::Error>(index: u64, once: bool) -> Result<Vec<u8>, E> {
    READING.with_borrow_mut(|scopes| {
        let reading = scopes.last_mut().ok_or_else(|| E::custom("a byte array can only be read from a message"))?;
        let count = reading.bytes.len();
        if count == 0 {
            return Err(E::custom(format!("unexpected byte array {index}: the message has none")));
        }
        let moves = reading.moves && once;
        let slot = usize::try_from(index).ok().and_then(|index| reading.bytes.get_mut(index));
        let bytes = slot.and_then(|slot| if moves { slot.take() } else { slot.clone() });
        bytes.ok_or_else(|| {
            E::custom(format!("byte array {index} was not found: the message has {count}, counted from 0"))
        })
    })
}

/// Reads numbers out of the byte array with this index of the message that is being read.
pub(crate) fn with_bytes<T, E: de::Error>(index: u64, read: impl FnOnce(&[u8]) -> Result<T, E>) -> Result<T, E> {
    READING.with_borrow_mut(|scopes| {
        let reading = scopes.last_mut().ok_or_else(|| E::custom("numbers can only be read from a message"))?;
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

/// Notes that a reference is asked for, whether or not its placeholder can be read.
pub(crate) fn note_reference<E: de::Error>() -> Result<(), E> {
    READING.with_borrow_mut(|scopes| {
        let reading = scopes.last_mut().ok_or_else(|| E::custom("a reference can only be read from a message"))?;
        reading.references += 1;
        Ok(())
    })
}

/// Gives the handle of an object of the page that the message which is being read names.
pub(crate) fn read_handle<E: de::Error>(id: i64) -> Result<Rc<Handle>, E> {
    READING.with_borrow(|scopes| {
        let reading = scopes.last().ok_or_else(|| E::custom("a reference can only be read from a message"))?;
        let found = reading.handles.binary_search_by_key(&id, |handle| handle.id());
        let found = found.map_err(|_| E::custom(format!("{id} names no object of the page")))?;
        Ok(Rc::clone(&reading.handles[found]))
    })
}

/// Makes an error that serde carries out of a value which is being read, and that comes out of it as it went in.
pub(crate) fn reading_failure<E: de::Error>(error: Error) -> E {
    let text = E::custom(error.message());
    READING.with_borrow_mut(|scopes| {
        if let Some(reading) = scopes.last_mut() {
            reading.failure = Some(error.into());
        }
    });
    text
}
