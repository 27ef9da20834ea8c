//! Socket messages: a header of numbers, and frames.

use std::marker::PhantomData;

use bytes::{BufMut, Bytes, BytesMut};

use super::control::Control;
use super::error::WireError;
use super::frame::CountedFrame;
use super::read::Reader;
use super::write;
use super::{MAX_INTEGER, WireLimits};

/// The kinds below this one must be known; those from it on may be younger than this version, and are skipped.
const FIRST_OPTIONAL_KIND: u8 = 128;

/// The most bytes of a header: two varints.
pub(crate) const MAX_HEADER: usize = 16;

/// A frame that was read.
#[derive(Clone, Debug)]
pub(crate) enum Frame<F> {
    /// A counted frame.
    Counted {
        /// Its number: the first of a direction has 1.
        number: u64,
        /// Its size in bytes, with its kind and its length.
        size: usize,
        /// What it says.
        frame: F,
    },
    /// A control frame.
    Control(Control),
}

/// A socket message that is read frame by frame: each is checked when it is its turn.
#[derive(Debug)]
pub(crate) struct SocketMessage<F> {
    /// The number of the last counted frame that the sender has received.
    pub(crate) ack: u64,
    /// The frames.
    pub(crate) frames: Frames<F>,
}

impl<F: CountedFrame> SocketMessage<F> {
    /// Reads the header of a message.
    ///
    /// # Errors
    ///
    /// If the message is larger than its limit, or does not begin with two numbers.
    pub(crate) fn read(bytes: Bytes, limits: WireLimits) -> Result<Self, WireError> {
        let (size, limit) = (bytes.len(), limits.socket_message());
        if size > limit {
            let what = format!("A message of the {} has {size} bytes, and {limit} is the limit.", F::SENDER);
            return Err(WireError::too_large(what));
        }
        let mut rest = Reader::new(bytes, None);
        let ack = rest.varint("ack")?;
        let next = rest.varint("first number")?;
        Ok(Self { ack, frames: Frames { rest, next, limits, failed: false, direction: PhantomData } })
    }
}

/// The frames of a message, one after the other. After an error there are no more.
#[derive(Debug)]
pub(crate) struct Frames<F> {
    rest: Reader,
    /// The number of the next counted frame.
    next: u64,
    limits: WireLimits,
    failed: bool,
    direction: PhantomData<fn() -> F>,
}

impl<F: CountedFrame> Frames<F> {
    fn read(&mut self) -> Result<Option<Frame<F>>, WireError> {
        while !self.rest.is_empty() {
            let before = self.rest.remaining();
            let kind = self.rest.u8("kind")?;
            let body = self.rest.slice("frame")?;
            let length = body.len();
            if let Some(name) = F::name_of(kind) {
                check_size(name, length, self.limits.message)?;
                let number = self.next;
                if number == 0 || number > MAX_INTEGER {
                    let what = format!("A '{name}' frame has the number {number}, and numbers go from 1 to 2^53 - 1.");
                    return Err(WireError::protocol(what));
                }
                let mut body = Reader::new(body, Some(name));
                let frame = F::read_body(kind, &mut body)?;
                body.end()?;
                self.next += 1;
                return Ok(Some(Frame::Counted { number, size: before - self.rest.remaining(), frame }));
            }
            if let Some((name, page, server)) = Control::name_of(kind) {
                if !(if F::OF_SERVER { server } else { page }) {
                    let what = format!("A '{name}' frame came from the {}, which does not send any.", F::SENDER);
                    return Err(WireError::protocol(what));
                }
                check_size(name, length, self.limits.control)?;
                return Control::read(kind, name, &body).map(|control| Some(Frame::Control(control)));
            }
            if kind < FIRST_OPTIONAL_KIND {
                let what = format!("A frame of the {} has the kind {kind}, which it does not send.", F::SENDER);
                return Err(WireError::protocol(what));
            }
        }
        Ok(None)
    }
}

impl<F: CountedFrame> Iterator for Frames<F> {
    type Item = Result<Frame<F>, WireError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let read = self.read().transpose();
        self.failed = matches!(read, Some(Err(_)) | None);
        read
    }
}

fn check_size(name: &str, length: usize, limit: usize) -> Result<(), WireError> {
    if length <= limit {
        return Ok(());
    }
    Err(WireError::too_large(format!("A '{name}' frame has {length} bytes, and {limit} is the limit.")))
}

/// Returns a message of encoded frames, which may be none. `ack` is the number of the last counted frame that was received, and `first`
/// that of the first counted one among `frames`, or of the next that will be sent.
pub(crate) fn write_message<'a>(ack: u64, first: u64, frames: impl Iterator<Item = &'a Bytes> + Clone) -> Bytes {
    let size = MAX_HEADER + frames.clone().map(Bytes::len).sum::<usize>();
    let mut out = BytesMut::with_capacity(size);
    write::varint(&mut out, ack);
    write::varint(&mut out, first);
    for frame in frames {
        out.put_slice(frame);
    }
    out.freeze()
}
