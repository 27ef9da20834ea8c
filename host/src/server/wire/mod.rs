//! The wire `dotwit.v1`: what page and server say to each other over a WebSocket, as pure code.
//!
//! ```text
//! socket message := ack:varint  first:varint  frame*       message.rs
//! frame          := kind:u8  length:varint  body[length]   message.rs
//! counted body   := binary, fixed by the WIT               frame.rs, over read.rs and write.rs
//! control body   := JSON, or eight bytes of a ping         control.rs
//! ```
//!
//! `ack` is the number of the last counted frame that the sender has received, and `first` the number of the first counted frame
//! in the message; where it has none, the number that the sender's next one gets. Nothing here knows a socket, a clock or a circuit. `tests/circuit/vectors` has
//! frames and refused inputs, which Rust and JavaScript both read in their tests.

mod control;
mod error;
mod frame;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod message;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(crate) use control::{
    Control, ControlBody, Goodbye, Hello, Limits, Reason, Refused, Resume, Resumed, Stale, Then, Welcome,
};
pub(crate) use error::{CloseCode, WireError};
pub(crate) use frame::{CountedFrame, PageFrame, ServerFrame};
pub(crate) use message::{Frame, MAX_HEADER, SocketMessage, write_message};

/// The WebSocket subprotocol: the major version of the wire.
pub(crate) const SUBPROTOCOL: &str = "dotwit.v1";

/// What a socket message may be larger than the largest frame's body: its header of at most 16 bytes, the frame's of at most 9, and the
/// rest for control frames, of which the small ones ride along.
pub(crate) const MESSAGE_OVERHEAD: usize = 1 << 10;

/// The largest id, number or count: the largest integer that a JavaScript number holds exactly.
pub(crate) const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The most bytes of a method's or an assembly's name. The longest of the samples has 60; names are identifiers, not data.
const MAX_NAME: usize = 256;

/// The most bytes of a dotted path to a member of the page: a few names.
const MAX_IDENTIFIER: usize = 1 << 10;

/// The most bytes of an error's message: one sentence, with room for the arguments that it quotes.
const MAX_ERROR_MESSAGE: usize = 4 << 10;

/// The most bytes of an error's detail: a stack of some hundred lines.
const MAX_DETAIL: usize = 16 << 10;

/// The most byte arrays beside a text. Each costs the receiver an allocation, and what has more is better sent as one array.
const MAX_BYTE_ARRAYS: usize = 1_024;

/// The most objects that one frame releases. A sender with more writes another frame.
pub(crate) const MAX_RELEASES: usize = 1_024;

/// The most bytes of the JSON of a control frame that the server reads: the longest has a token, and 4 KiB is a long token.
pub(crate) const MAX_CONTROL: usize = 8 << 10;

/// The limits of what one side reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WireLimits {
    /// The most bytes of a counted frame's body: `limits.message` of the welcome for what the page sends, `limits.messageOut` for what
    /// the server sends.
    pub(crate) message: usize,
    /// The most bytes of a control frame's body.
    pub(crate) control: usize,
}

impl WireLimits {
    /// Returns the limits of what a page sends, whose frames may have bodies of `message` bytes.
    pub(crate) fn of_page(message: usize) -> Self {
        Self { message, control: MAX_CONTROL }
    }

    /// Returns the limits of what the server sends, whose frames may have bodies of `message` bytes. Its welcome has the guest's manifest, and may be
    /// as large as any message.
    pub(crate) fn of_server(message: usize) -> Self {
        Self { message, control: message }
    }

    /// The most bytes of a socket message.
    pub(crate) fn socket_message(self) -> usize {
        self.message.saturating_add(MESSAGE_OVERHEAD)
    }
}
