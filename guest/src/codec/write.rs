//! Values become messages.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use dotwit_wire::byte_arrays;
use dotwit_wire::limits::MAX_ARGUMENTS;
use serde::ser;

use crate::codec::attachment::{Attachment, KeepAlive};
use crate::codec::deserialize_error;
use crate::codec::json_writer::ToJson;
use crate::error::{Error, ErrorKind};
use crate::message::Message;
use crate::page::handle::Handle;

/// What the message that is being written has beside its text and its byte arrays. Most messages have nothing.
#[derive(Default)]
pub(super) struct WriteContext {
    attachments: Vec<Rc<dyn Attachment>>,
    failure: Option<Error>,
}

thread_local! {
    pub(super) static WRITING: RefCell<Option<Box<WriteContext>>> = const { RefCell::new(None) };
}

/// Serialises a value in a context of its own. `failed` makes an error of serde's.
fn write(
    value: &dyn ToJson,
    elements: &Cell<usize>,
    failed: impl FnOnce(serde_json::Error) -> Error,
) -> Result<(Message, Vec<Rc<dyn Attachment>>), Error> {
    let arrays = byte_arrays::Writing::open();
    let outer = WRITING.take();
    let json = value.to_json(elements);
    let context = WRITING.replace(outer);
    match json {
        Ok(json) => {
            let attachments = context.map_or_else(Vec::new, |context| context.attachments);
            Ok((Message { json, bytes: arrays.close() }, attachments))
        }
        Err(error) => {
            let failure = context.and_then(|context| context.failure);
            Err(deserialize_error::original(&error, failure).unwrap_or_else(|| failed(error)))
        }
    }
}

/// The kind of the error that a value cannot be written.
fn kind(error: &serde_json::Error, otherwise: ErrorKind) -> ErrorKind {
    if error.io_error_kind() == Some(io::ErrorKind::OutOfMemory) { ErrorKind::TooLarge } else { otherwise }
}

/// Writes the result of a call. The page owns the guest's objects in it from then on, until it releases them. If the value
/// cannot be written, nothing changes.
pub(crate) fn write_result(value: &dyn ToJson) -> Result<Message, Error> {
    let (message, attachments) = write(value, &Cell::new(0), |error| {
        Error::new(kind(&error, ErrorKind::Failed), format!("The result cannot be sent: {error}."))
    })?;
    attachments.into_iter().for_each(|attachment| attachment.sent_in_result());
    Ok(message)
}

/// Writes the arguments of a call to the page for `target`: an array, or nothing. What they name stays the guest's, and is kept
/// until the call has ended.
pub(crate) fn write_arguments(
    target: Option<Rc<Handle>>,
    identifier: &str,
    args: &dyn ToJson,
) -> Result<(Message, KeepAlive), Error> {
    let elements = Cell::new(0);
    let (mut message, attachments) = write(args, &elements, |error| {
        let what = format!("The arguments of '{identifier}' cannot be sent: {error}.");
        Error::new(kind(&error, ErrorKind::BadArguments), what)
    })?;
    let count = elements.get();
    if message.json == "null" {
        message.json.replace_range(.., "[]");
    } else if count == 0 && message.json != "[]" {
        let shown = &message.json[..message.json.floor_char_boundary(40)];
        let what = format!(
            "The arguments of '{identifier}' are a tuple: `(value,)` for one, `()` for none. `{shown}` is not a tuple."
        );
        return Err(Error::new(ErrorKind::BadArguments, what));
    }
    if count > MAX_ARGUMENTS {
        let what =
            format!("The call to '{identifier}' has {count} arguments, and {MAX_ARGUMENTS} is the limit of any call.");
        return Err(Error::new(ErrorKind::TooMany, what));
    }
    attachments.iter().for_each(|attachment| attachment.sent_in_arguments());
    Ok((message, KeepAlive::new(attachments, target)))
}

/// Attaches something to the message that is being written. `lease` returns its id, and the attachment if it has one.
pub(crate) fn attach<I, E: ser::Error>(
    lease: impl FnOnce() -> Result<(I, Option<Rc<dyn Attachment>>), Error>,
) -> Result<I, E> {
    if !byte_arrays::is_writing() {
        return Err(E::custom("a reference can only be written as part of a call"));
    }
    let leased = lease();
    WRITING.with_borrow_mut(|context| {
        let context = context.get_or_insert_default();
        match leased {
            Ok((id, attachment)) => {
                context.attachments.extend(attachment);
                Ok(id)
            }
            Err(error) => {
                let text = E::custom(error.message());
                context.failure = Some(error);
                Err(text)
            }
        }
    })
}
