//! What `wit-bindgen` makes of `wit/`, and the conversions between its types and those of this crate.

use crate::error::Error;
use crate::message::{Message, Outcome, Target};

#[allow(unsafe_code, missing_docs, unreachable_pub, clippy::all, rust_2018_idioms)]
pub mod generated {
    wit_bindgen::generate!({
        path: "wit",
        world: "guest",
        pub_export_macro: true,
        export_macro_name: "export_guest",
        default_bindings_module: "dotwit::bindings::generated",
    });
}

use generated::dotwit::interop::types;

/// Converts the outcome of a call.
pub(crate) fn outgoing(outcome: Outcome) -> Result<types::Message, types::CallError> {
    match outcome {
        Ok(message) => Ok(message.into()),
        Err(error) => Err(error.into()),
    }
}

impl From<types::Message> for Message {
    fn from(message: types::Message) -> Self {
        Self { json: message.json, bytes: message.bytes }
    }
}

impl From<Message> for types::Message {
    fn from(message: Message) -> Self {
        Self { json: message.json, bytes: message.bytes }
    }
}

impl From<types::Target> for Target {
    fn from(target: types::Target) -> Self {
        match target {
            types::Target::Assembly(name) => Self::Assembly(name),
            types::Target::Object(id) => Self::Object(id),
        }
    }
}

impl From<Error> for types::CallError {
    fn from(error: Error) -> Self {
        let Error { kind, message, detail } = error;
        Self { kind: kind.into(), message, detail }
    }
}

impl From<types::CallError> for Error {
    fn from(error: types::CallError) -> Self {
        Self { kind: error.kind.into(), message: error.message, detail: error.detail }
    }
}

dotwit_wire::error_kind_conversions!(types::ErrorKind);
