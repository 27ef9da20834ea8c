//! Messages, and the scopes in which values are written to and read from them.
//!
//! serde carries no context, but byte arrays and references need one: the arrays of their message, and whether who reads
//! a reference keeps it. So a value is serialised inside a [`write`] and deserialised inside a [`Reader`], and the types
//! with placeholders ask the innermost of these. Outside of one they fail with a message that says so.

use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;
use serde::de::{self, DeserializeOwned};
use serde::ser;

use crate::error::{Error, ErrorKind};
use crate::json;
use crate::objects::Entry;

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

/// What a value that is being written has put beside its text.
#[derive(Default)]
struct Written {
    bytes: Vec<Vec<u8>>,
    objects: Vec<Rc<Entry>>,
    failure: Option<Error>,
}

/// What a value that is being read finds beside its text.
struct Reading {
    bytes: Vec<Option<Vec<u8>>>,
    /// Whether the text names each array once, so that who reads it can have it and needs no copy.
    moves: bool,
    references: usize,
    failure: Option<Error>,
}

thread_local! {
    static WRITING: RefCell<Vec<Written>> = const { RefCell::new(Vec::new()) };
    static READING: RefCell<Vec<Reading>> = const { RefCell::new(Vec::new()) };
}

/// Writes the result of a call. The objects in it belong to the page from then on, until it releases them; where the
/// value cannot be written they stay what they were.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T) -> Result<Message, Error> {
    WRITING.with_borrow_mut(|scopes| scopes.push(Written::default()));
    let json = json::to_string(value);
    let written = WRITING.with_borrow_mut(Vec::pop).unwrap_or_default();
    let json = json.map_err(|error| {
        cause(&error, written.failure)
            .unwrap_or_else(|| Error::new(ErrorKind::Failed, format!("The result cannot be sent: {error}.")))
    })?;
    for object in written.objects {
        object.note_named();
        object.give_to_page();
    }
    Ok(Message { json, bytes: written.bytes })
}

/// Puts a byte array beside the text that is being written and gives its index.
pub(crate) fn write_bytes(bytes: &[u8]) -> Option<usize> {
    WRITING.with_borrow_mut(|scopes| {
        let written = scopes.last_mut()?;
        written.bytes.push(bytes.to_vec());
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
            written.failure = Some(error);
            text
        })?;
        written.objects.push(Rc::clone(object));
        Ok(id)
    })
}

/// The scope in which the values of one message are read.
pub(crate) struct Reader(());

impl Reader {
    /// Opens the scope of a message with this text and these arrays.
    pub(crate) fn new(json: &str, bytes: Vec<Vec<u8>>) -> Self {
        let moves = !bytes.is_empty() && names_each_once(json, bytes.len());
        let reading = Reading { moves, bytes: bytes.into_iter().map(Some).collect(), references: 0, failure: None };
        READING.with_borrow_mut(|scopes| scopes.push(reading));
        Self(())
    }

    /// Reads one value from a part of the message's text. `misfit` says what is wrong where the text is at fault.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        json: &str,
        misfit: impl FnOnce(serde_json::Error) -> Error,
    ) -> Result<T, Error> {
        serde_json::from_str(json).map_err(|error| {
            let failure =
                READING.with_borrow_mut(|scopes| scopes.last_mut().and_then(|reading| reading.failure.take()));
            cause(&error, failure).unwrap_or_else(|| misfit(error))
        })
    }

    /// How many references the values that were read have asked for.
    pub(crate) fn references(&self) -> usize {
        READING.with_borrow(|scopes| scopes.last().map_or(0, |reading| reading.references))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        READING.with_borrow_mut(Vec::pop);
    }
}

/// The error behind the one that serde ends with. serde carries nothing but text, and a value may get over a failure, as an
/// untagged enum does when it tries its next variant.
fn cause(error: &serde_json::Error, failure: Option<Error>) -> Option<Error> {
    failure.filter(|failure| error.to_string().starts_with(failure.message()))
}

/// Whether a text names each of `count` byte arrays once, in order, as pages do. Where it seems otherwise, because an array
/// is named twice, or because the text has the key elsewhere or may have it with escapes, the arrays are copied.
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

/// Notes that a reference is asked for, whether or not its placeholder can be read.
pub(crate) fn note_reference<E: de::Error>() -> Result<(), E> {
    READING.with_borrow_mut(|scopes| {
        let reading = scopes.last_mut().ok_or_else(|| E::custom("a reference can only be read from a message"))?;
        reading.references += 1;
        Ok(())
    })
}

/// Makes an error that serde carries out of a value which is being read, and that comes out of it as it went in.
pub(crate) fn reading_failure<E: de::Error>(error: Error) -> E {
    let text = E::custom(error.message());
    READING.with_borrow_mut(|scopes| {
        if let Some(reading) = scopes.last_mut() {
            reading.failure = Some(error);
        }
    });
    text
}
