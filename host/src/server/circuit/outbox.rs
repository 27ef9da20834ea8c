//! What a side sends: it numbers counted frames, keeps them until they are acknowledged, and sends them again after a resume.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;

use crate::server::wire::{MAX_HEADER, WireError, write_message};

/// The most control frames that wait to be sent. Each is an answer to a ping or a note of the server's; a page that sends more pings than it takes
/// answers gets none for those.
const MAX_CONTROLS: usize = 16;

/// The most places for frames that an empty outbox keeps, so that ten thousand idle circuits do not keep those of their busiest moment.
const IDLE_CAPACITY: usize = 16;

/// Encoded frames on their way. It outlives sockets.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// Counted frames that are not acknowledged: the first `sent - acknowledged` were sent on this connection.
    frames: VecDeque<Bytes>,
    /// Control frames for the next message.
    controls: VecDeque<Bytes>,
    acknowledged: u64,
    /// The number of the last frame that was sent on this connection, or that the other side had when it began.
    sent: u64,
    /// The number of the last frame that was sent on any connection.
    ever_sent: u64,
    /// The bytes of `frames`, and of those that were not sent on this connection.
    bytes: usize,
    unsent: usize,
    /// The most bytes of `frames`.
    cap: usize,
}

/// The other side does not take what is sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutboxFull {
    /// The bytes that are unsent or unacknowledged.
    pub(crate) held: usize,
    /// Those of the frame that has no room.
    pub(crate) more: usize,
    /// The most that may be held.
    pub(crate) cap: usize,
}

impl fmt::Display for OutboxFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held, more, cap } = self;
        write!(
            f,
            "The other side is a slow consumer: it has not acknowledged {held} bytes, a frame of {more} bytes is next, and {cap} is the limit."
        )
    }
}

impl std::error::Error for OutboxFull {}

impl Outbox {
    /// Returns an outbox that holds at most `cap` bytes of counted frames.
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            frames: VecDeque::new(),
            controls: VecDeque::new(),
            acknowledged: 0,
            sent: 0,
            ever_sent: 0,
            bytes: 0,
            unsent: 0,
            cap,
        }
    }

    /// Takes an encoded counted frame, and returns its number.
    ///
    /// # Errors
    ///
    /// If there is no room for it. Nothing is taken then.
    pub(crate) fn push(&mut self, frame: Bytes) -> Result<u64, OutboxFull> {
        let (held, more, cap) = (self.bytes, frame.len(), self.cap);
        if more > cap - held {
            return Err(OutboxFull { held, more, cap });
        }
        self.bytes += more;
        self.unsent += more;
        self.frames.push_back(frame);
        Ok(self.last())
    }

    /// Whether half of what may be held is.
    pub(crate) fn is_half_full(&self) -> bool {
        self.bytes > self.cap / 2
    }

    /// Takes an encoded control frame for the next message, where it stands before the counted ones. It is lost with the connection. Returns
    /// whether there was room.
    pub(crate) fn push_control(&mut self, frame: Bytes) -> bool {
        let room = self.controls.len() < MAX_CONTROLS;
        if room {
            self.controls.push_back(frame);
        }
        room
    }

    /// Forgets what the other side has received.
    ///
    /// # Errors
    ///
    /// If it acknowledges what was not sent to it.
    pub(crate) fn acknowledge(&mut self, ack: u64) -> Result<(), WireError> {
        let sent = self.ever_sent;
        if ack > sent {
            let what = format!("A message acknowledges frame {ack}, and {sent} is the last that was sent.");
            return Err(WireError::protocol(what));
        }
        while self.acknowledged < ack {
            self.acknowledged += 1;
            let size = self.frames.pop_front().map_or(0, |frame| frame.len());
            self.bytes -= size;
            if self.acknowledged > self.sent {
                // It arrived on a former connection, and need not be sent again.
                self.sent = self.acknowledged;
                self.unsent -= size;
            }
        }
        if self.frames.is_empty() && self.frames.capacity() > IDLE_CAPACITY {
            self.frames = VecDeque::new();
        }
        Ok(())
    }

    /// Begins a new connection, whose other side has received this much: what it has not is sent again. Returns how many frames
    /// are sent once more.
    ///
    /// # Errors
    ///
    /// If it has received what was never sent, or less than it had acknowledged.
    pub(crate) fn rewind(&mut self, received: u64) -> Result<u64, WireError> {
        let (acknowledged, sent) = (self.acknowledged, self.ever_sent);
        if received < acknowledged {
            let what =
                format!("The resume says that {received} frames were received, and {acknowledged} are acknowledged.");
            return Err(WireError::protocol(what));
        }
        if received > sent {
            let what = format!("The resume says that {received} frames were received, and {sent} were sent.");
            return Err(WireError::protocol(what));
        }
        self.acknowledge(received)?;
        self.sent = received;
        self.unsent = self.bytes;
        self.controls.clear();
        Ok(sent - received)
    }

    /// Returns the next message of whole frames, of at most `max` bytes, or `None` if all has been sent. `ack` is what
    /// [`Inbox::acknowledge`](super::inbox::Inbox::acknowledge) returns: ask it only if [`has_unsent`](Self::has_unsent). A frame that is larger goes alone;
    /// there is none where frames are encoded with their limits.
    pub(crate) fn next_message(&mut self, ack: u64, max: usize) -> Option<Bytes> {
        if !self.has_unsent() {
            return None;
        }
        let first = self.sent + 1;
        let controls = std::mem::take(&mut self.controls);
        let mut size = MAX_HEADER + controls.iter().map(Bytes::len).sum::<usize>();
        let unsent = self.frames.range(self.unacknowledged()..);
        let fitting = unsent.clone().enumerate().take_while(|(index, frame)| {
            size += frame.len();
            size <= max || (*index == 0 && controls.is_empty())
        });
        let count = fitting.count();
        let taken = unsent.take(count);
        self.unsent -= taken.clone().map(Bytes::len).sum::<usize>();
        let message = write_message(ack, first, controls.iter().chain(taken));
        self.sent += count as u64;
        self.ever_sent = self.ever_sent.max(self.sent);
        Some(message)
    }

    /// Returns a message without counted frames: a bare ack, or the control frame that begins or ends a connection. What waits in the outbox stays there.
    pub(crate) fn message_beside(&self, ack: u64, control: Option<&Bytes>) -> Bytes {
        write_message(ack, self.sent + 1, control.into_iter())
    }

    /// Whether anything waits to be sent.
    pub(crate) fn has_unsent(&self) -> bool {
        self.frames.len() > self.unacknowledged() || !self.controls.is_empty()
    }

    /// The bytes of counted frames that are unsent or unacknowledged.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bytes of counted frames that were not sent on this connection.
    pub(crate) fn unsent_bytes(&self) -> usize {
        self.unsent
    }

    /// The number of the last counted frame that was taken.
    pub(crate) fn last(&self) -> u64 {
        self.acknowledged + self.frames.len() as u64
    }

    /// How many frames were sent and are not acknowledged.
    fn unacknowledged(&self) -> usize {
        usize::try_from(self.sent - self.acknowledged).unwrap_or(usize::MAX)
    }
}
