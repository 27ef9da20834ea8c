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
    /// Whether the text names more arrays than there are, so that one of them is named twice and must be copied.
    repeats: bool,
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
    let json = serde_json::to_string(value);
    let written = WRITING.with_borrow_mut(Vec::pop).unwrap_or_default();
    let json = json.map_err(|error| {
        written.failure.unwrap_or_else(|| Error::new(ErrorKind::Failed, format!("The result cannot be sent: {error}.")))
    })?;
    let depth = json::depth(&json);
    if depth > json::MAX_DEPTH {
        return Err(Error::new(
            ErrorKind::Failed,
            format!("The result cannot be sent: it nests {depth} deep, and {} is the limit.", json::MAX_DEPTH),
        ));
    }
    for object in written.objects {
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
        let written = scopes.last_mut().ok_or_else(|| E::custom("a reference can only be written as part of a call"))?;
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
        let named = if bytes.is_empty() { 0 } else { json.matches("\"__byte[]\"").count() };
        let reading =
            Reading {
                repeats: named != bytes.len(),
                bytes: bytes.into_iter().map(Some).collect(),
                references: 0,
                failure: None,
            };
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
            READING
                .with_borrow_mut(|scopes| scopes.last_mut().and_then(|reading| reading.failure.take()))
                .unwrap_or_else(|| misfit(error))
        })
    }

    /// How many references have been read so far.
    pub(crate) fn references(&self) -> usize {
        READING.with_borrow(|scopes| scopes.last().map_or(0, |reading| reading.references))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        READING.with_borrow_mut(Vec::pop);
    }
}

/// Takes the byte array with this index out of the message that is being read.
pub(crate) fn read_bytes<E: de::Error>(index: u64) -> Result<Vec<u8>, E> {
    READING.with_borrow_mut(|scopes| {
        let reading = scopes.last_mut().ok_or_else(|| E::custom("a byte array can only be read from a message"))?;
        let count = reading.bytes.len();
        if count == 0 {
            return Err(E::custom(format!("unexpected byte array {index}: the message has none")));
        }
        let repeats = reading.repeats;
        let slot = usize::try_from(index).ok().and_then(|index| reading.bytes.get_mut(index)).ok_or_else(|| {
            E::custom(format!("byte array {index} was not found: the message has {count}, counted from 0"))
        })?;
        if repeats { slot.clone() } else { slot.take() }
            .ok_or_else(|| E::custom(format!("byte array {index} is named twice while another one is not named")))
    })
}

/// Notes that a reference is being read, and what `resolve` has against it.
pub(crate) fn read_reference<T, E: de::Error>(resolve: impl FnOnce() -> Result<T, Error>) -> Result<T, E> {
    READING.with_borrow_mut(|scopes| {
        let reading = scopes.last_mut().ok_or_else(|| E::custom("a reference can only be read from a message"))?;
        reading.references += 1;
        resolve().map_err(|error| {
            let text = E::custom(error.message());
            reading.failure = Some(error);
            text
        })
    })
}
