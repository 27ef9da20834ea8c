//! Messages become values.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use dotwit_wire::byte_arrays;
use dotwit_wire::expand;
use dotwit_wire::json;
use serde::de::{self, DeserializeOwned};

use crate::codec::deserialize_error;
use crate::error::Error;
use crate::message::Message;
use crate::page::handle::{self, Handle};

/// A message that came in, with the objects of the page that it names. Dropping it gives them back, except those that a value
/// which was read from it has taken.
#[derive(Debug)]
pub(crate) struct IncomingMessage {
    pub(crate) json: String,
    pub(crate) bytes: Vec<Vec<u8>>,
    /// By id.
    pub(crate) handles: Vec<Rc<Handle>>,
}

impl From<Message> for IncomingMessage {
    fn from(Message { json, bytes }: Message) -> Self {
        let mut ids = Vec::new();
        let mut nulls = Vec::new();
        json::js_objects(&json, |id, place| match id {
            1.. => ids.push(id),
            -1 => nulls.extend(place),
            _ => {}
        });
        let json = if nulls.is_empty() { json } else { with_nulls(&json, nulls) };
        ids.sort_unstable();
        let mut handles: Vec<Rc<Handle>> = Vec::new();
        for id in ids {
            match handles.last() {
                Some(last) if last.id() == id => last.add_ref(),
                _ => handles.push(Handle::new(id)),
            }
        }
        Self { json, bytes, handles }
    }
}

/// Puts `null` in these places of a text, where it has references to nothing.
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

/// What the message that is being read has beside its text and its byte arrays. Most messages have nothing.
#[derive(Debug, Default)]
pub(super) struct ReadContext {
    /// By id.
    handles: Vec<Rc<Handle>>,
    failure: Option<Error>,
}

thread_local! {
    pub(super) static READING: RefCell<Option<Box<ReadContext>>> = const { RefCell::new(None) };
    /// How many references to objects of the guest values have asked for.
    static REFERENCES: Cell<usize> = const { Cell::new(0) };
}

/// The context in which the values of one message are read.
#[derive(Debug)]
pub(crate) struct Reader {
    arrays: byte_arrays::Reading,
    outer: Option<Box<ReadContext>>,
}

impl Reader {
    /// Opens the context of a message whose text the caller keeps.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMany`](crate::ErrorKind::TooMany) if the message brings more references than the guest may hold.
    pub(crate) fn new(json: &str, bytes: Vec<Vec<u8>>, handles: Vec<Rc<Handle>>) -> Result<Self, Error> {
        let context = if handles.is_empty() {
            None
        } else {
            handle::check_limit()?;
            Some(Box::new(ReadContext { handles, failure: None }))
        };
        Ok(Self { arrays: byte_arrays::Reading::open(json, bytes), outer: READING.replace(context) })
    }

    /// Reads one value from a part of the message's text. `explain` makes an error of serde's.
    pub(crate) fn read<T: DeserializeOwned>(
        &self,
        json: &str,
        explain: &dyn Fn(&serde_json::Error) -> Error,
    ) -> Result<T, Error> {
        let mut read = serde_json::from_str(json);
        if self.arrays.has_numbers() || read.is_err() {
            read = self.read_again(json, read);
        }
        read.map_err(|error| deserialize_error::original(&error, take_failure()).unwrap_or_else(|| explain(&error)))
    }

    /// Reads a value once more if its text has numbers that it could not read, or did not see as what they are.
    fn read_again<T: DeserializeOwned>(&self, json: &str, read: serde_json::Result<T>) -> serde_json::Result<T> {
        if self.arrays.has_numbers()
            && let Some(expanded) = self.arrays.expand(json)
        {
            take_failure();
            return expanded.read(read.err(), |text| serde_json::from_str(text), deserialize_error::without_position);
        }
        read.or_else(|error| match expand::arrays(json) {
            Some(text) => serde_json::from_str(&text).map_err(|_| error),
            None => Err(error),
        })
    }

    /// How many references to objects of the guest values have asked for so far.
    pub(crate) fn references(&self) -> usize {
        REFERENCES.get()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // The handles that no value took are given back, outside the borrow.
        let _read = READING.replace(self.outer.take());
    }
}

/// Counts a reference to an object of the guest that a value asks for, whether or not its placeholder can be read.
pub(crate) fn note_reference<E: de::Error>() -> Result<(), E> {
    check_open()?;
    REFERENCES.set(REFERENCES.get() + 1);
    Ok(())
}

/// Returns the handle of an object of the page that the message names.
pub(crate) fn read_handle<E: de::Error>(id: i64) -> Result<Rc<Handle>, E> {
    check_open()?;
    READING.with_borrow(|context| {
        let handles = context.as_ref().map_or(&[][..], |context| &context.handles);
        match handles.binary_search_by_key(&id, |handle| handle.id()) {
            Ok(found) => Ok(Rc::clone(&handles[found])),
            Err(_) => Err(E::custom(format!("{id} names no object of the page"))),
        }
    })
}

fn check_open<E: de::Error>() -> Result<(), E> {
    if byte_arrays::is_reading() { Ok(()) } else { Err(E::custom("a reference can only be read as part of a call")) }
}

/// Makes serde's error of one of this crate, which [`Reader::read`] returns as it is.
pub(crate) fn custom_error<E: de::Error>(error: Error) -> E {
    let text = E::custom(error.message());
    if byte_arrays::is_reading() {
        READING.with_borrow_mut(|context| context.get_or_insert_default().failure = Some(error));
    }
    text
}

fn take_failure() -> Option<Error> {
    READING.with_borrow_mut(|context| context.as_mut()?.failure.take())
}
