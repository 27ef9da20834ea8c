//! How much a circuit may use, and how many there may be of what.

use super::CircuitOptions;

impl CircuitOptions {
    /// Sets how large a message of the page may be, its text and bytes together, in bytes. The default is 32 KiB, which is
    /// Blazor's: streams carry more. A page learns the limit and refuses larger messages itself; a client that sends one loses its
    /// circuit.
    #[must_use]
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// Sets how large a message of the guest may be, in bytes. The default is 4 MiB: each is copied twice. A larger one fails
    /// its call.
    #[must_use]
    pub fn max_message_out(mut self, bytes: usize) -> Self {
        self.max_message_out = bytes;
        self
    }

    /// Sets how many asynchronous calls may be under way in each direction of a circuit. The default is 1 000. One more fails. No more than
    /// [`Config::max_pending_calls`](crate::Config::max_pending_calls) are in either case.
    #[must_use]
    pub fn max_pending_calls(mut self, count: usize) -> Self {
        self.max_pending_calls = count;
        self
    }

    /// Sets how many objects each side of a circuit may hold of the other. The default is 10 000. The page is told, and keeps to it: one more
    /// fails there. A client that does not is held by its guest's memory, in which the objects lie.
    #[must_use]
    pub fn max_references(mut self, count: usize) -> Self {
        self.max_references = count;
        self
    }

    /// Sets how many streams may be open in each direction of a circuit. The default is 64, as each has a buffer of up to 256 KiB.
    /// One more fails.
    #[must_use]
    pub fn max_streams(mut self, count: usize) -> Self {
        self.max_streams = count;
        self
    }

    /// Sets how many frames a page may send, in frames a second, and how many at once. The default is 2 000 and 4 000: ten calls
    /// in each turn of an animation loop are 600. Beyond them the circuit is read more slowly, and it ends if that lasts for the
    /// time of [`overrun`](Self::overrun).
    #[must_use]
    pub fn frame_rate(mut self, a_second: u32, burst: u32) -> Self {
        (self.frame_rate, self.frame_burst) = (a_second, burst);
        self
    }

    /// Sets how much may wait to be sent to a page or acknowledged by it, in bytes. The default is 8 MiB, twice the largest message.
    /// Where no result has room, calls of the page wait until it has taken some; what the guest sends by itself fails, so that no guest
    /// waits for a slow page. A circuit that has more all the same ends.
    #[must_use]
    pub fn max_outbox(mut self, bytes: usize) -> Self {
        self.max_outbox = bytes;
        self
    }

    /// Sets how many frames of a page may wait for its guest. The default is 64, two visits of it. With more waiting, the socket is
    /// not read.
    #[must_use]
    pub fn max_mailbox_frames(mut self, count: usize) -> Self {
        self.max_mailbox_frames = count;
        self
    }

    /// Sets how large the frames of a page may be that wait for its guest, in bytes. The default is 256 KiB, eight of the largest
    /// messages. With more waiting, the socket is not read.
    #[must_use]
    pub fn max_mailbox(mut self, bytes: usize) -> Self {
        self.max_mailbox = bytes;
        self
    }

    /// Sets how much the server may hold for one circuit outside of its guest, in bytes: what waits in either direction, streams'
    /// buffers, arguments of calls of the page. The default is 16 MiB. A circuit that needs more ends.
    #[must_use]
    pub fn max_account(mut self, bytes: usize) -> Self {
        self.max_account = bytes;
        self
    }

    /// Sets how many circuits may wait for a page that is away, beyond those that have been waiting for less than
    /// [`waiting_grace`](Self::waiting_grace). The default is 100, which is Blazor's. Of more, the eldest of the address with most
    /// of them ends.
    #[must_use]
    pub fn max_waiting(mut self, count: usize) -> Self {
        self.max_waiting = count;
        self
    }

    /// Sets how many sockets may be open that have not said hello, in all and from one address (IPv4, or IPv6 /64). The defaults
    /// are 1 000 and 64. More are answered with 503 and 429. Each costs some kilobytes for [`hello_time`](Self::hello_time) at most.
    #[must_use]
    pub fn max_handshakes(mut self, count: usize, per_address: usize) -> Self {
        (self.max_handshakes, self.max_handshakes_per_address) = (count, per_address);
        self
    }

    /// Sets how many circuits one address (IPv4, or IPv6 /64) may have. There is no limit by default, since many people can share
    /// an address.
    #[must_use]
    pub fn max_circuits_per_address(mut self, count: impl Into<Option<usize>>) -> Self {
        self.max_circuits_per_address = count.into();
        self
    }

    /// Sets how many circuits one [`Subject`](super::super::Subject) may have, other than the anonymous one. There is no limit by default.
    #[must_use]
    pub fn max_circuits_per_subject(mut self, count: impl Into<Option<usize>>) -> Self {
        self.max_circuits_per_subject = count.into();
        self
    }
}
