//! A circuit, as everything outside of its task sees it.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::server::auth::Subject;
use crate::server::circuit::connection::Socket;
use crate::server::circuit::keys::{CircuitId, Keys};
use crate::server::circuit::state::{End, State};
use crate::server::origin::Origin;
use crate::server::wire::Goodbye;

/// How many commands may wait for a circuit: one of each kind and one more. Its task takes them whenever it runs.
const MAX_COMMANDS: usize = 8;

/// How long pages are asked to wait before they come back after a drain, at most: not all at once.
const SPREAD: Duration = Duration::from_secs(5);

/// What a circuit is told.
pub(crate) enum Command {
    /// Its page is back, on a new socket.
    Resume(Box<Resumption>),
    /// The server stops: the circuit ends when nothing is under way, not before `from`, and at `by` in any case.
    Drain { from: Instant, by: Instant },
    /// It ends now.
    End(Ending),
    /// A newer guest is there.
    Stale,
}

/// A page that is back.
pub(crate) struct Resumption {
    pub(crate) socket: Pin<Box<dyn Socket>>,
    /// The number of the last frame that the page has received.
    pub(crate) received: u64,
    /// The secret of the next resume.
    pub(crate) secret: String,
    /// Who comes back, whose permission may have been renewed.
    pub(crate) subject: Subject,
}

/// The end of a circuit.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) end: End,
    /// One sentence for the page.
    pub(crate) message: String,
    /// How long the page is asked to wait before it starts anew.
    pub(crate) after: Option<Duration>,
}

impl Ending {
    pub(crate) fn new(end: End, message: impl Into<String>) -> Self {
        // The pages of a server that stops come back at different moments.
        let after = (end == End::Stopped).then(random_spread);
        Self { end, message: message.into(), after }
    }
}

/// A circuit's place among all circuits of its server. Dropping it makes room.
pub(crate) trait Place: Send {
    /// Counts the circuit among those that wait, which it has done for longer than the grace. Returns whether one of them is given up for
    /// it.
    fn count_waiting(&mut self) -> bool;

    /// The circuit's page is back.
    fn stop_waiting(&mut self);

    /// The circuit has ended, with this goodbye. A page that was away then, and comes back, is told so.
    fn end(&mut self, goodbye: Goodbye);
}

/// A circuit, as everything outside of its task sees it.
pub(crate) struct Handle {
    id: CircuitId,
    /// Where its page is from, and who it is: it is resumed only by the same.
    origin: Option<Origin>,
    subject: String,
    pub(crate) keys: Mutex<Keys>,
    commands: mpsc::Sender<Command>,
    pub(crate) status: Status,
}

/// What is known of a circuit from outside. The task writes it, and metrics read it: nothing is decided by it.
#[derive(Debug, Default)]
pub(crate) struct Status {
    phase: AtomicU8,
    /// The bytes that the server holds for it, outside of its guest.
    pub(crate) bytes: AtomicUsize,
    /// The bytes of frames that are unsent or unacknowledged.
    pub(crate) outbox: AtomicUsize,
}

impl Handle {
    /// Returns a circuit's handle, and what its task receives the commands with.
    pub(crate) fn new(
        id: CircuitId,
        keys: Keys,
        origin: Option<Origin>,
        subject: &Subject,
    ) -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(MAX_COMMANDS);
        let (keys, subject, status) = (Mutex::new(keys), subject.name().to_owned(), Status::default());
        (Self { id, origin, subject, keys, commands, status }, receiver)
    }

    pub(crate) fn id(&self) -> &CircuitId {
        &self.id
    }

    /// Returns whether a page may be this circuit's, apart from the secret.
    pub(crate) fn belongs_to(&self, origin: Option<&Origin>, subject: &Subject) -> bool {
        self.origin.as_ref() == origin && self.subject == subject.name()
    }

    /// Sends a command. It comes back where the circuit has ended, or has too many to take.
    pub(crate) fn send(&self, command: Command) -> Result<(), TrySendError<Command>> {
        self.commands.try_send(command)
    }
}

impl Status {
    pub(crate) fn set_state(&self, state: State) {
        let phase = match state {
            State::Connecting => 0,
            State::Live => 1,
            State::Waiting => 2,
            State::Draining => 3,
            State::Ended(_) => 4,
        };
        self.phase.store(phase, Ordering::Relaxed);
    }

    /// The state as metrics name it.
    pub(crate) fn state(&self) -> &'static str {
        ["connecting", "live", "waiting", "draining", "ended"][usize::from(self.phase.load(Ordering::Relaxed).min(4))]
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resume(_) => "Resume",
            Self::Drain { .. } => "Drain",
            Self::End(_) => "End",
            Self::Stale => "Stale",
        })
    }
}

/// Returns a random time within [`SPREAD`].
fn random_spread() -> Duration {
    let mut bytes = [0; 4];
    // Without random numbers all wait for as long.
    let _ = getrandom::fill(&mut bytes);
    SPREAD.mul_f64(f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX))
}
