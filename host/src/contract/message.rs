//! The types of `dotwit:interop/types`.

use dotwit_wire::json::{self, ReferenceKind};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::error;

/// A JSON text and the byte arrays that stand beside it.
///
/// In [`json`](Self::json), the object `{"__byte[]": i}` stands for `bytes[i]`. References are the placeholders of Blazor's
/// wire format: `{"__dotNetObject": id}` for an object of the guest, `{"__jsObjectId": id}` for one of the page and
/// `{"__dotNetStream": id}` for a stream of the guest. The arguments of a call are one JSON array, and its result is one JSON
/// value.
#[derive(Clone, Debug, Default, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Message {
    /// The text.
    pub json: String,
    /// The byte arrays that the text names by their index.
    pub bytes: Vec<Vec<u8>>,
}

impl Message {
    /// Returns a message without byte arrays. `json` is not checked: a call with a text that is not JSON fails.
    #[must_use]
    pub fn from_json(json: impl Into<String>) -> Self {
        Self { json: json.into(), bytes: Vec::new() }
    }

    /// Returns the objects of the page that the text names, once for each placeholder.
    pub(crate) fn page_objects(&self) -> impl Iterator<Item = i64> + use<> {
        // A placeholder of no object has the id −1, and 0 is the page itself.
        let references = json::references(&self.json).into_iter();
        references
            .filter(|reference| reference.kind == ReferenceKind::JsObject && reference.id > 0)
            .map(|reference| reference.id)
    }

    /// The size of the text and the byte arrays, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.json.len() + self.bytes.iter().map(Vec::len).sum::<usize>()
    }
}

/// The target of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Target {
    /// A static method of the assembly with this name.
    #[component(name = "assembly")]
    Assembly(String),
    /// A method of the object that the guest handed out under this id.
    #[component(name = "object")]
    Object(u64),
}

impl From<&str> for Target {
    fn from(assembly: &str) -> Self {
        Self::Assembly(assembly.to_owned())
    }
}

/// A failed call, as it crosses.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub struct CallError {
    pub kind: ErrorKind,
    pub message: String,
    pub detail: Option<String>,
}

impl From<CallError> for error::Error {
    fn from(error: CallError) -> Self {
        let CallError { kind, message, detail } = error;
        let error = Self::new(kind.into(), message);
        match detail {
            Some(detail) => error.with_detail(detail),
            None => error,
        }
    }
}

impl From<error::Error> for CallError {
    fn from(error: error::Error) -> Self {
        let detail = error.detail().map(str::to_owned);
        Self { kind: error.kind().into(), message: error.message().to_owned(), detail }
    }
}

/// The `error-kind` of the contract.
#[derive(Clone, Copy, Debug, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum ErrorKind {
    #[component(name = "no-such-assembly")]
    NoSuchAssembly,
    #[component(name = "no-such-method")]
    NoSuchMethod,
    #[component(name = "no-such-object")]
    NoSuchObject,
    #[component(name = "bad-arguments")]
    BadArguments,
    #[component(name = "failed")]
    Failed,
    #[component(name = "guest-trapped")]
    GuestTrapped,
    #[component(name = "cancelled")]
    Cancelled,
    #[component(name = "timed-out")]
    TimedOut,
    #[component(name = "too-large")]
    TooLarge,
    #[component(name = "too-many")]
    TooMany,
    #[component(name = "disconnected")]
    Disconnected,
    #[component(name = "unsupported")]
    Unsupported,
    #[component(name = "reentrant")]
    Reentrant,
    #[component(name = "js-failed")]
    JsFailed,
    #[component(name = "protocol")]
    Protocol,
}

dotwit_wire::error_kind_conversions!(ErrorKind);
