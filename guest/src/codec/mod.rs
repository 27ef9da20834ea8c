//! Values to messages and back.
//!
//! serde carries no context, but references and byte arrays need one: what the message has beside its text. So a value is
//! serialised inside [`write_result`] or [`write_arguments`], and deserialised by a [`Reader`]. Each opens a context for as
//! long as it takes, in this module for references, and in `dotwit-wire` for byte arrays; the types that are placeholders
//! in the text use the context that is open. Contexts nest: each keeps the one that was open before it and puts it back.
//!
//! ```text
//! value --serialize--> context: attachments --> message + KeepAlive (until the call has ended)
//! message --IncomingMessage: handles--> context --deserialize--> value (keeps the handles that it took)
//! ```
//!
//! What a message names is an [`Attachment`]. It is told whether the message was sent and as what, so this module need not know
//! the kinds of things there are. It imports `message` and `page`; the types of `value` import it.

mod attachment;
pub(crate) mod deserialize_error;
mod json_writer;
mod read;
mod write;

use dotwit_wire::byte_arrays;

pub(crate) use attachment::{Attachment, KeepAlive, results_have_arrived, results_keep_something};
pub(crate) use json_writer::ToJson;
pub(crate) use read::{IncomingMessage, Reader, custom_error, note_reference, read_handle};
pub(crate) use write::{attach, write_arguments, write_result};

/// The contexts that are open, while a call that came in between uses its own. They are open again when this is dropped.
pub(crate) struct SuspendedContexts {
    writing: Option<Box<write::WriteContext>>,
    reading: Option<Box<read::ReadContext>>,
    _arrays: byte_arrays::Suspended,
}

impl SuspendedContexts {
    pub(crate) fn new() -> Self {
        Self { writing: write::WRITING.take(), reading: read::READING.take(), _arrays: byte_arrays::Suspended::new() }
    }
}

impl Drop for SuspendedContexts {
    fn drop(&mut self) {
        write::WRITING.set(self.writing.take());
        read::READING.set(self.reading.take());
    }
}
