//! What crosses between guest and page, as plain data. The types whose values travel, the placeholders that stand for them in
//! a text, and the limits are in `dotwit-wire`, which hosts share.

use dotwit_wire::placeholder::BYTES;

use crate::error::Error;

/// A JSON text and the byte arrays lifted out of it: the `message` of `dotwit:interop/types`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The text; `{"__byte[]": i}` in it stands for `bytes[i]`.
    pub json: String,
    /// The byte arrays.
    pub bytes: Vec<Vec<u8>>,
}

impl Message {
    /// The message of a JSON text alone.
    pub fn from_json(json: impl Into<String>) -> Self {
        Self { json: json.into(), bytes: Vec::new() }
    }

    /// The message of a byte array alone.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { json: format!("{{\"{BYTES}\":0}}"), bytes: vec![bytes] }
    }
}

/// What a call is for: the `target` of `dotwit:interop/types`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A static method of the assembly with this name.
    Assembly(String),
    /// A method of the object with this id.
    Object(u64),
}

/// How a call ended.
pub type Outcome = Result<Message, Error>;

/// How a read of a stream ended: with the next bytes, which are none only at the stream's end, or an error.
pub type Chunk = Result<Vec<u8>, Error>;
