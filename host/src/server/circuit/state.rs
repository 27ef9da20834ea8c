//! The life of a circuit, as a state machine without a clock, a socket or a guest: [`State::on`] says for each state and event
//! what the next state is and what has to be done.
//!
//! ```text
//!                 hello          socket lost, goodbye resume
//!  (connecting) ───────▶ live ◀──────────────────────────▶ waiting
//!                        │ ▲            resume                │
//!                  drain │ └─┐ resume (takes over)            │ retention over, evicted,
//!                        ▼   │                                │ drain, trap, caps
//!                     draining ──▶ ended(End) ◀───────────────┘
//!                         idle, deadline, lost, and all that ends a live one
//! ```
//!
//! A connection before its hello is not a circuit: it has a socket and nothing else, and the handshake holds it to its few seconds.

use crate::error::ErrorKind;
use crate::server::wire::{CloseCode, Then, WireError};

/// The state of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// A socket wants a circuit, whose guest is being started.
    Connecting,
    /// It has a socket.
    Live,
    /// Its socket is lost: the guest runs on, and frames queue.
    Waiting,
    /// It has a socket, and the server stops: what is under way may end.
    Draining,
    /// It is over, for good.
    Ended(End),
}

/// Why a circuit has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum End {
    /// The page has said so.
    Goodbye,
    /// The page went away before it had its circuit.
    Abandoned,
    /// The guest has trapped.
    Trapped,
    /// The page broke the protocol.
    Protocol,
    /// The page sent a message that is larger than its limit.
    TooLarge,
    /// The page sent too much of something.
    TooMany,
    /// The page did not take what was sent to it.
    SlowConsumer,
    /// No page came back in time.
    Retention,
    /// Others that wait needed the place.
    Evicted,
    /// No call came in the time that the server gives.
    Idle,
    /// What the page had shown to be let in is no longer good.
    Expired,
    /// The server stops.
    Stopped,
}

/// What happens to a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The guest runs, after a hello.
    Started,
    /// A socket has shown the secret.
    Resumed,
    /// The socket is gone without a word: closed, silent for too long, or not writable.
    SocketLost,
    /// The page closes the socket, and will come back.
    Paused,
    /// The server begins to stop.
    Drain,
    /// While draining: nothing is under way any more.
    Quiet,
    /// It ends, for this reason.
    End(End),
}

/// What has to be done on the way from one state to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing.
    None,
    /// Send the welcome.
    Welcome,
    /// Send `resumed` on the new socket, and then again what is not acknowledged.
    Resume,
    /// The same, after the former socket is closed with [`CloseCode::TakenOver`].
    TakeOver,
    /// Let the socket go, and start the clock of the retention.
    Wait,
    /// Say goodbye if there is a socket, end what is under way, and drop the guest.
    Finish(End),
    /// Refuse the new socket: the circuit is not there for it.
    Refuse,
}

impl State {
    /// Returns the next state after an event, and what to do. Events that come too late for a state change nothing.
    #[must_use]
    #[expect(clippy::match_same_arms, reason = "state by state")]
    pub(crate) fn on(self, event: Event) -> (Self, Action) {
        match (self, event) {
            // What has ended stays so, and says so to those who ask for it.
            (Self::Ended(_) | Self::Connecting, Event::Resumed) => (self, Action::Refuse),
            (Self::Ended(_), _) => (self, Action::None),
            (_, Event::End(end)) => Self::finish(end),

            (Self::Connecting, Event::Started) => (Self::Live, Action::Welcome),
            (Self::Connecting, Event::SocketLost | Event::Paused) => Self::finish(End::Abandoned),
            (Self::Connecting | Self::Waiting, Event::Drain) => Self::finish(End::Stopped),

            (Self::Live, Event::SocketLost | Event::Paused) => (Self::Waiting, Action::Wait),
            (Self::Live, Event::Resumed) => (Self::Live, Action::TakeOver),
            (Self::Live, Event::Drain) => (Self::Draining, Action::None),

            (Self::Waiting, Event::Resumed) => (Self::Live, Action::Resume),

            // No socket is let in any more, so that the loss of this one is the end.
            (Self::Draining, Event::SocketLost | Event::Paused | Event::Quiet) => Self::finish(End::Stopped),
            (Self::Draining, Event::Resumed) => (self, Action::Refuse),

            (Self::Connecting, Event::Quiet)
            | (Self::Live, Event::Started | Event::Quiet)
            | (Self::Waiting, Event::Started | Event::SocketLost | Event::Paused | Event::Quiet)
            | (Self::Draining, Event::Started | Event::Drain) => (self, Action::None),
        }
    }

    fn finish(end: End) -> (Self, Action) {
        (Self::Ended(end), Action::Finish(end))
    }

    /// Whether the circuit has a socket.
    #[cfg(test)]
    pub(crate) fn has_socket(self) -> bool {
        matches!(self, Self::Live | Self::Draining)
    }

    /// The state's name.
    #[cfg(test)]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Waiting => "waiting",
            Self::Draining => "draining",
            Self::Ended(_) => "ended",
        }
    }
}

impl End {
    /// The kind that the goodbye, and each call that is under way, has.
    pub(crate) fn kind(self) -> ErrorKind {
        match self {
            Self::Goodbye
            | Self::Abandoned
            | Self::Retention
            | Self::Evicted
            | Self::Idle
            | Self::Stopped
            | Self::Expired => ErrorKind::Disconnected,
            Self::Trapped => ErrorKind::GuestTrapped,
            Self::Protocol => ErrorKind::Protocol,
            Self::TooLarge | Self::SlowConsumer => ErrorKind::TooLarge,
            Self::TooMany => ErrorKind::TooMany,
        }
    }

    /// What the page may do next.
    pub(crate) fn then(self) -> Then {
        match self {
            Self::Goodbye
            | Self::Abandoned
            | Self::Trapped
            | Self::Protocol
            | Self::TooLarge
            | Self::TooMany
            | Self::SlowConsumer
            | Self::Expired => Then::End,
            Self::Retention | Self::Evicted | Self::Idle | Self::Stopped => Then::Fresh,
        }
    }

    /// Whether the server has ended the circuit for what page or guest did, and not because it could not stay.
    pub(crate) fn is_of_the_server(self) -> bool {
        match self {
            Self::Trapped | Self::Protocol | Self::TooLarge | Self::TooMany | Self::SlowConsumer | Self::Expired => {
                true
            }
            Self::Goodbye | Self::Abandoned | Self::Retention | Self::Evicted | Self::Idle | Self::Stopped => false,
        }
    }

    /// The code that the socket is closed with, if there is one.
    pub(crate) fn close_code(self) -> CloseCode {
        match self {
            Self::Goodbye | Self::Abandoned | Self::Retention | Self::Evicted | Self::Idle => CloseCode::End,
            Self::Expired => CloseCode::Refused,
            Self::Trapped => CloseCode::Trapped,
            Self::Protocol => CloseCode::Protocol,
            Self::TooLarge => CloseCode::TooLarge,
            Self::TooMany => CloseCode::TooMany,
            Self::SlowConsumer => CloseCode::SlowConsumer,
            Self::Stopped => CloseCode::Stopping,
        }
    }

    /// The reason as metrics name it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Goodbye => "goodbye",
            Self::Abandoned => "abandoned",
            Self::Trapped => "trapped",
            Self::Protocol => "protocol",
            Self::TooLarge => "too-large",
            Self::TooMany => "too-many",
            Self::SlowConsumer => "slow-consumer",
            Self::Retention => "retention",
            Self::Evicted => "evicted",
            Self::Idle => "idle",
            Self::Expired => "expired",
            Self::Stopped => "stopped",
        }
    }
}

impl From<&WireError> for End {
    fn from(error: &WireError) -> Self {
        match error.kind() {
            ErrorKind::TooLarge => Self::TooLarge,
            ErrorKind::TooMany => Self::TooMany,
            _ => Self::Protocol,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 5] =
        [State::Connecting, State::Live, State::Waiting, State::Draining, State::Ended(End::Retention)];

    const EVENTS: [Event; 7] = [
        Event::Started,
        Event::Resumed,
        Event::SocketLost,
        Event::Paused,
        Event::Drain,
        Event::Quiet,
        Event::End(End::Trapped),
    ];

    #[test]
    fn what_has_ended_stays_so_and_everything_else_can_end() {
        for state in STATES {
            let (ended, action) = state.on(Event::End(End::Trapped));
            if let State::Ended(_) = state {
                assert!(EVENTS.iter().all(|event| state.on(*event).0 == state));
            } else {
                assert_eq!((ended, action), (State::Ended(End::Trapped), Action::Finish(End::Trapped)));
            }
        }
    }

    #[test]
    fn a_circuit_finishes_exactly_when_it_ends() {
        for (state, event) in STATES.iter().flat_map(|state| EVENTS.map(|event| (*state, event))) {
            let (next, action) = state.on(event);
            let has_ended = next != state && matches!(next, State::Ended(_));
            assert_eq!(has_ended, matches!(action, Action::Finish(_)), "{state:?} {event:?}");
        }
    }

    #[test]
    fn the_states_are_those_of_the_drawing() {
        let allowed = |state: State| -> Vec<&str> {
            let mut next: Vec<_> = EVENTS.iter().map(|event| state.on(*event).0.as_str()).collect();
            next.sort_unstable();
            next.dedup();
            next.retain(|name| *name != state.as_str());
            next
        };
        assert_eq!(
            STATES.map(allowed),
            [vec!["ended", "live"], vec!["draining", "ended", "waiting"], vec!["ended", "live"], vec!["ended"], vec![],]
        );
        assert_eq!(State::Live.on(Event::Resumed), (State::Live, Action::TakeOver));
        assert_eq!(State::Waiting.on(Event::Resumed), (State::Live, Action::Resume));
        assert_eq!(State::Draining.on(Event::Resumed), (State::Draining, Action::Refuse));
        assert_eq!(State::Draining.on(Event::SocketLost).0, State::Ended(End::Stopped));
    }
}
