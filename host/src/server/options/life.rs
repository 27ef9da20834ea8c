//! How long each part of a circuit's life may last.

use std::time::Duration;

use super::CircuitOptions;

impl CircuitOptions {
    /// Sets how long a socket may be open before its page has said hello. The default is 5 s: longer is a client that holds sockets
    /// for their own sake. The time in which [`Auth`](super::super::Auth) answers counts.
    #[must_use]
    pub fn hello_time(mut self, time: Duration) -> Self {
        self.hello_time = time;
        self
    }

    /// Sets how often the server makes a sign of life on a socket that is silent. The default is 15 s, which is less than what
    /// proxies cut connections after.
    #[must_use]
    pub fn beat(mut self, time: Duration) -> Self {
        self.beat = time;
        self
    }

    /// Sets after which silence a socket counts as lost, so that its circuit waits for the page. The default is 30 s, two beats. A socket that
    /// takes nothing for as long is lost as well, and a page that is there and has not taken what fills its circuit's
    /// [`max_outbox`](Self::max_outbox) in that time loses its circuit.
    #[must_use]
    pub fn lost_after(mut self, time: Duration) -> Self {
        self.lost_after = time;
        self
    }

    /// Sets how long a circuit waits for a page that is away. The default is 3 min, which is Blazor's.
    #[must_use]
    pub fn retention(mut self, time: Duration) -> Self {
        self.retention = time;
        self
    }

    /// Sets for how long a circuit that waits does not count against [`max_waiting`](Self::max_waiting). The default is 30 s: a load
    /// balancer that stumbles parts all pages from their circuits, and almost all come back within seconds.
    #[must_use]
    pub fn waiting_grace(mut self, time: Duration) -> Self {
        self.waiting_grace = time;
        self
    }

    /// Sets how long a function of the page may take that the guest has called, counted while the page is there. The default is
    /// 60 s, which is Blazor's.
    #[must_use]
    pub fn page_call_limit(mut self, time: Duration) -> Self {
        self.page_call_limit = time;
        self
    }

    /// Sets for how long a page may keep sending more than its [`frame_rate`](Self::frame_rate) before its circuit ends. The default
    /// is 10 s.
    #[must_use]
    pub fn overrun(mut self, time: Duration) -> Self {
        self.overrun = time;
        self
    }

    /// Sets after which time without a call in either direction a circuit ends. There is no such time by default: a page that shows
    /// what its guest sends may be silent for hours. Signs of life do not count.
    #[must_use]
    pub fn idle(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.idle = time.into();
        self
    }

    /// Sets how long circuits have to end once the server stops. The default is 30 s, which is what Kubernetes gives.
    #[must_use]
    pub fn drain_time(mut self, time: Duration) -> Self {
        self.drain_time = time;
        self
    }
}
