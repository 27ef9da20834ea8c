//! What a side has received: it takes each counted frame once, in order, and knows when to say so.

use std::time::{Duration, Instant};

use crate::server::wire::WireError;

/// How many frames may be unacknowledged before an ack goes out by itself: enough for an ack to cost little, few enough for
/// what the sender keeps to stay small.
const ACK_FRAMES: usize = 32;

/// How long a frame may be unacknowledged: where both sides talk, acks ride on what they say, and a side that only listens
/// sends five a second at most.
const ACK_DELAY: Duration = Duration::from_millis(200);

/// Whether a frame is to be acted upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Accepted {
    /// It is the next one.
    New,
    /// It was received before, and sent again by a side that did not know. It is dropped.
    Repeated,
}

/// The numbers of the frames that one side has received. It outlives sockets.
#[derive(Debug)]
pub(crate) struct Inbox {
    /// The number of the last frame that was received; 0 before the first.
    received: u64,
    unacknowledged: Unacknowledged,
    /// The most unacknowledged bytes before an ack goes out by itself.
    ack_bytes: usize,
}

#[derive(Debug, Default)]
struct Unacknowledged {
    frames: usize,
    bytes: usize,
    since: Option<Instant>,
}

impl Inbox {
    /// Returns an inbox of a sender that keeps `replay` bytes: a quarter of them is acknowledged at once.
    pub(crate) fn new(replay: usize) -> Self {
        Self { received: 0, unacknowledged: Unacknowledged::default(), ack_bytes: replay / 4 }
    }

    /// Takes the frame with this number, which has `size` bytes.
    ///
    /// # Errors
    ///
    /// If frames between the last one and this one are missing.
    pub(crate) fn accept(&mut self, number: u64, size: usize, now: Instant) -> Result<Accepted, WireError> {
        let next = self.received + 1;
        if number > next {
            let what =
                format!("A frame has the number {number}, and {next} is the next: what is between them is missing.");
            return Err(WireError::protocol(what));
        }
        let unacknowledged = &mut self.unacknowledged;
        unacknowledged.since.get_or_insert(now);
        // A repeat is acknowledged like a new frame: its sender keeps it until then.
        unacknowledged.frames += 1;
        unacknowledged.bytes = unacknowledged.bytes.saturating_add(size);
        if number < next {
            return Ok(Accepted::Repeated);
        }
        self.received = number;
        Ok(Accepted::New)
    }

    /// The number of the last frame that was received: what `resumed` says.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Returns the number to acknowledge, for a message that is about to be sent.
    pub(crate) fn acknowledge(&mut self) -> u64 {
        self.unacknowledged = Unacknowledged::default();
        self.received
    }

    /// When an ack must go out although nothing else does, if frames are unacknowledged. It may have passed.
    pub(crate) fn ack_due(&self) -> Option<Instant> {
        let Unacknowledged { frames, bytes, since } = self.unacknowledged;
        let now = frames >= ACK_FRAMES || bytes >= self.ack_bytes;
        since.map(|since| if now { since } else { since + ACK_DELAY })
    }
}
