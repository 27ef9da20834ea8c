//! What is wrong with a message, and how its connection is closed for it.

use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, ErrorKind};

/// A message that is refused, in one sentence that says what was wrong and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WireError {
    kind: ErrorKind,
    message: String,
}

impl WireError {
    /// Returns a breach of the protocol.
    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Protocol, message: message.into() }
    }

    /// Returns the refusal of what is larger than its limit.
    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::TooLarge, message: message.into() }
    }

    /// Returns the refusal of what there are too many of.
    pub(crate) fn too_many(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::TooMany, message: message.into() }
    }

    /// The sentence.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns the refusal to ask something of an object that the page does not have.
    pub(super) fn no_such_object(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::NoSuchObject, message: message.into() }
    }

    /// The kind that a goodbye and the calls that end with the circuit have, or the one call that cannot be sent.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The code that the socket is closed with, if the other side sent what is refused.
    pub(crate) fn close_code(&self) -> CloseCode {
        match self.kind {
            ErrorKind::TooLarge => CloseCode::TooLarge,
            ErrorKind::TooMany => CloseCode::TooMany,
            _ => CloseCode::Protocol,
        }
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for WireError {}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        Self::new(error.kind, error.message)
    }
}

/// The codes that a socket is closed with. The frame before the close is what counts; a page that has seen none resumes, unless the code is
/// one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub(crate) enum CloseCode {
    /// The circuit has ended as it should.
    End = 1000,
    /// The server stops.
    Stopping = 1001,
    /// The other side broke the protocol.
    Protocol = 4000,
    /// Another socket has resumed the circuit.
    TakenOver = 4001,
    /// The hello or the resume was refused.
    Refused = 4002,
    /// A message was larger than its limit.
    TooLarge = 4003,
    /// There were too many frames.
    TooMany = 4004,
    /// The page did not read what was sent to it.
    SlowConsumer = 4005,
    /// The guest has trapped.
    Trapped = 4006,
    /// No hello came in time.
    HelloLate = 4007,
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code as Self
    }
}
