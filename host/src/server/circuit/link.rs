//! The numbers of a circuit's frames, and the socket that carries them as long as there is one.

use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::time::timeout;

use crate::server::circuit::connection::{Connection, Lost};
use crate::server::circuit::inbox::Inbox;
use crate::server::circuit::outbox::{Outbox, OutboxFull};
use crate::server::circuit::visit::MAX_OUTPUT;
use crate::server::options::CircuitOptions;
use crate::server::wire::{
    CloseCode, MESSAGE_OVERHEAD, PageFrame, SocketMessage, WireError, WireLimits, write_message,
};

/// The most bytes of a message of several frames: as much as the kernel takes at once, and enough for the cost of a message not to count.
const BATCH: usize = 64 << 10;

/// How much may wait to be sent before nothing more is read of the page or pulled of streams, in bytes: a few of the windows of streams.
const CONGESTED: usize = 1 << 20;

/// How many bytes a page keeps at least until they are acknowledged: what it may send while its socket is lost.
const PAGE_REPLAY: usize = 1 << 20;

/// Returns how many bytes a page keeps until they are acknowledged, which the welcome says: two of its largest messages have room, or a
/// page could not send them at all.
pub(crate) fn page_replay(options: &CircuitOptions) -> usize {
    PAGE_REPLAY.max(options.max_message.saturating_mul(2))
}

/// How long a socket has to take the last messages of its circuit.
const PARTING: Duration = Duration::from_secs(5);

/// Frames on their way in both directions.
#[derive(Debug)]
pub(crate) struct Link {
    inbox: Inbox,
    outbox: Outbox,
    limits: WireLimits,
    /// The most bytes of frames that may be unsent or unacknowledged.
    cap: usize,
    /// The most that a visit leaves to be sent.
    largest: usize,
    connection: Option<Connection>,
}

impl Link {
    pub(crate) fn new(options: &CircuitOptions) -> Self {
        Self {
            inbox: Inbox::new(page_replay(options)),
            outbox: Outbox::new(options.max_outbox),
            limits: WireLimits::of_page(options.max_message),
            cap: options.max_outbox,
            largest: options.max_message_out + MAX_OUTPUT + MESSAGE_OVERHEAD,
            connection: None,
        }
    }

    pub(crate) fn inbox(&mut self) -> &mut Inbox {
        &mut self.inbox
    }

    pub(crate) fn outbox(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    pub(crate) fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    /// Takes a socket, and says `first` on it.
    pub(crate) fn attach(&mut self, mut connection: Connection, first: &Bytes) {
        connection.send_first(self.outbox.message_beside(self.inbox.acknowledge(), Some(first)));
        self.connection = Some(connection);
    }

    /// Lets the socket go. What it was to send is sent again on the next one.
    pub(crate) fn detach(&mut self) {
        self.connection = None;
    }

    /// Says `last`, closes the socket, and lets it go. What waits for it meanwhile is another task's.
    pub(crate) fn part(&mut self, last: Option<&Bytes>, code: CloseCode) {
        let Some(mut connection) = self.connection.take() else { return };
        if let Some(last) = last {
            connection.send_first(self.outbox.message_beside(self.inbox.acknowledge(), Some(last)));
        }
        connection.close(code);
        part(connection);
    }

    /// Takes frames that are to be sent.
    pub(crate) fn push(&mut self, frames: Vec<Bytes>) -> Result<(), OutboxFull> {
        frames.into_iter().try_for_each(|frame| self.outbox.push(frame).map(drop))
    }

    /// Whether so much waits to be sent that nothing should be added.
    pub(crate) fn is_congested(&self) -> bool {
        self.outbox.unsent_bytes() > CONGESTED
    }

    /// Whether the results of one more visit have room.
    pub(crate) fn has_room(&self) -> bool {
        self.outbox.bytes() == 0 || self.outbox.bytes() + self.largest <= self.cap
    }

    /// Whether there is room for more of streams. They stop where the page has yet to acknowledge much, too: a page that is busy for a moment
    /// would lose its circuit for the streams that it has open.
    pub(crate) fn has_room_for_streams(&self) -> bool {
        !self.is_congested() && !self.outbox.is_half_full()
    }

    /// Receives the next message of the page, or none if what has come is a sign of life.
    pub(crate) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Result<Option<SocketMessage<PageFrame>>, Lost>> {
        let Some(connection) = &mut self.connection else { return Poll::Pending };
        let Some(bytes) = ready!(connection.poll_receive(cx, now))? else { return Poll::Ready(Ok(None)) };
        let message = SocketMessage::read(bytes, self.limits).and_then(|message| {
            self.outbox.acknowledge(message.ack)?;
            Ok(Some(message))
        });
        Poll::Ready(message.map_err(Lost::Broke))
    }

    /// Sends what waits, and an ack where one is due.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Result<(), Lost>> {
        let Self { inbox, outbox, connection, .. } = self;
        let Some(connection) = connection else { return Poll::Pending };
        connection.poll_send(cx, now, || {
            if outbox.has_unsent() {
                outbox.next_message(inbox.acknowledge(), BATCH)
            } else if inbox.ack_due().is_some_and(|due| due <= now) {
                Some(outbox.message_beside(inbox.acknowledge(), None))
            } else {
                None
            }
        })
    }

    /// Begins again on a new socket, whose page has received this much. Returns how many frames are sent once more.
    pub(crate) fn rewind(&mut self, received: u64) -> Result<u64, WireError> {
        self.outbox.rewind(received)
    }
}

/// Lets a connection go that has said its last words: they are on their way when this returns, unless the socket is full.
pub(crate) fn part(connection: Connection) {
    let mut parting = Box::pin(parted(connection));
    if (&mut parting).now_or_never().is_none() {
        tokio::spawn(parting);
    }
}

/// Waits until the other side of a connection that has said its last words has taken them and closed, for a while.
pub(crate) async fn parted(connection: Connection) {
    let _ = timeout(PARTING, connection.finish()).await;
}

/// Says one control frame on a socket that has no circuit, and closes it.
pub(crate) fn refuse(connection: &mut Connection, frame: &Bytes, code: CloseCode) {
    connection.send_first(write_message(0, 1, std::iter::once(frame)));
    connection.close(code);
}
