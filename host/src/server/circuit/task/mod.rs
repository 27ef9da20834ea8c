//! The task of a circuit: it owns everything of it, and polls guest, socket, commands and clock in turn.
//!
//! No lock and no other task is between a message of the page and the guest that answers it. A round takes commands, receives, has the
//! guest visited, sends, and looks at the clock; the task goes on as long as anything happens, and after some rounds it lets other
//! circuits have their turn. `incoming` has what comes in, `guest` the visits and what goes out for them, and `clock` what is due.

mod clock;
mod guest;
mod incoming;

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::config::Config;
use crate::engine::upcalls::Upcalls;
use crate::error::{Error, ErrorKind};
use crate::server::auth::Subject;
use crate::server::circuit::connection::Connection;
use crate::server::circuit::handle::{Command, Ending, Handle, Place};
use crate::server::circuit::interop::Interop;
use crate::server::circuit::link::{self, Link};
use crate::server::circuit::presence::Presence;
use crate::server::circuit::rate::Rate;
use crate::server::circuit::state::{Action, End, Event, State};
use crate::server::circuit::timer::Timer;
use crate::server::circuit::upcalls::CircuitUpcalls;
use crate::server::circuit::visit::{GuestRunner, Visited};
use crate::server::metrics::{Ended, Metrics};
use crate::server::options::CircuitOptions;
use crate::server::wire::{CloseCode, ControlBody, Goodbye, Reason, Refused, Then};

/// The rounds of one turn. Each has one message of the page at most and one visit, and circuits share their threads.
const ROUNDS: usize = 8;

/// The most tasks of a visit: what the guest has no turn for comes back.
const VISIT: usize = 32;

/// How long a guest may take to clean up after its page is gone for good.
const CLEAN_UP: Duration = Duration::from_millis(100);

/// What pages are told when the server stops.
const STOPS: &str = "The server stops.";

/// What pages are told that come back while their circuit is ending.
const UNKNOWN: &str = "There is no such circuit.";

/// What a circuit is made of.
pub(crate) struct Parts {
    pub(crate) handle: Arc<Handle>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) place: Box<dyn Place>,
    pub(crate) guest: GuestRunner,
    pub(crate) config: Arc<Config>,
    pub(crate) options: Arc<CircuitOptions>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) subject: Subject,
    pub(crate) connection: Connection,
    /// The welcome, encoded.
    pub(crate) welcome: Bytes,
}

/// A circuit, in its task.
pub(crate) struct Circuit {
    handle: Arc<Handle>,
    commands: mpsc::Receiver<Command>,
    place: Box<dyn Place>,
    options: Arc<CircuitOptions>,
    metrics: Arc<Metrics>,
    guest: GuestRunner,
    upcalls: Arc<CircuitUpcalls>,
    interop: Interop,
    link: Link,
    state: State,
    /// Set once the circuit has ended.
    ending: Option<Ending>,
    /// Why the guest is gone.
    trapped: Option<Error>,
    presence: Presence,
    rate: Rate,
    timer: Timer,
    /// When the guest wants to run.
    alarm: Option<Instant>,
    /// The last call in either direction.
    active: Instant,
    /// When the socket was asked for a sign of life last.
    pinged: Option<Instant>,
    /// Since when the page is away.
    away: Option<Instant>,
    /// Whether it has been away for longer than the grace.
    counts_as_waiting: bool,
    /// When the page's permission ends.
    expires: Option<Instant>,
    /// Since when calls of the page wait, because it has not taken what was sent to it.
    held_since: Option<Instant>,
    /// From when on a quiet circuit ends, and when any does.
    drain: Option<(Instant, Instant)>,
    /// Whether the page has used the current secret.
    confirmed: bool,
    /// Whether there is a newer guest.
    is_stale: bool,
}

impl Circuit {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { handle, commands, place, mut guest, config, options, metrics, subject, connection, welcome } =
            parts;
        let now = Instant::now();
        let upcalls = Arc::new(CircuitUpcalls::new(options.max_outbox));
        let driver: std::sync::Weak<dyn Upcalls> = Arc::<CircuitUpcalls>::downgrade(&upcalls);
        guest.attach(driver);
        let max_message = guest.max_message().unwrap_or(0);
        let mut circuit = Self {
            interop: Interop::new(config, Arc::clone(&options), Arc::clone(&metrics), max_message),
            link: Link::new(&options),
            rate: Rate::new(options.frame_rate, options.frame_burst, now),
            handle,
            commands,
            place,
            options,
            metrics,
            guest,
            upcalls,
            state: State::Connecting,
            ending: None,
            trapped: None,
            presence: Presence::default(),
            timer: Timer::new(),
            alarm: None,
            active: now,
            pinged: None,
            away: None,
            counts_as_waiting: false,
            expires: None,
            held_since: None,
            drain: None,
            confirmed: true,
            is_stale: false,
        };
        circuit.admit(&subject, now);
        circuit.link.attach(connection, &welcome);
        circuit.presence.begin(now);
        circuit
    }

    /// Runs the circuit until it has ended.
    pub(crate) async fn run(mut self) -> End {
        let ending = poll_fn(|cx| self.poll(cx)).await;
        self.finish(ending).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Ending> {
        for _ in 0..ROUNDS {
            let now = Instant::now();
            let mut progress = false;
            while let Poll::Ready(command) = self.commands.poll_recv(cx) {
                let Some(command) = command else { break };
                self.command(command, now);
                progress = true;
            }
            let reads = self.reads(now);
            progress |= self.receive(cx, reads, now);
            if self.state == State::Connecting {
                // Its page was still there when the guest had started. One that was not knows no secret to come back with.
                self.event(Event::Started, "", now);
            }
            progress |= self.visit(cx, now);
            self.send(cx, now);
            // The page could not be read before something was sent, and now it can.
            progress |= !reads && self.reads(now);
            let deadline = self.next_deadline(now);
            if self.timer.poll(cx, deadline, now).is_ready() {
                self.clock(now);
                progress = true;
            }
            if let Some(ending) = self.ending.take() {
                return Poll::Ready(ending);
            }
            if !progress {
                if self.end_if_quiet(now) {
                    continue;
                }
                self.note_status();
                return Poll::Pending;
            }
        }
        self.note_status();
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Goes on to the next state. `why` is for the page, where the circuit ends.
    fn event(&mut self, event: Event, why: &str, now: Instant) {
        let (state, action) = self.state.on(event);
        self.state = state;
        self.handle.status.set_state(state);
        match action {
            Action::Wait => {
                self.link.detach();
                self.presence.end(now);
                self.away = Some(now);
                tracing::debug!(circuit = %self.handle.id(), "waits for its page");
            }
            Action::Finish(end) => {
                self.ending.get_or_insert_with(|| Ending::new(end, why));
            }
            Action::None | Action::Welcome | Action::Resume | Action::TakeOver | Action::Refuse => {}
        }
    }

    /// Ends everything: says goodbye, and lets the guest clean up.
    async fn finish(mut self, ending: Ending) -> End {
        let Ending { end, message, after } = ending;
        self.handle.status.set_state(State::Ended(end));
        // As a field it is escaped: it may quote the page.
        tracing::info!(circuit = %self.handle.id(), reason = end.as_str(), why = message, "the circuit has ended");
        if end == End::Trapped {
            // What was said last, the trap among it, goes out before the goodbye.
            let _ = poll_fn(|cx| Poll::Ready(self.link.poll_send(cx, Instant::now()))).await;
        }
        let goodbye = goodbye(end, &message, after);
        if end.is_of_the_server() {
            self.place.end(goodbye.clone());
        }
        self.link.part((end != End::Goodbye).then(|| goodbye.encode()).as_ref(), end.close_code());
        // Whoever wants to resume from now on finds nothing.
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Resume(resumption) = command {
                let connection = Connection::new(resumption.socket, Instant::now());
                refuse(connection, Reason::Unknown, Then::Fresh, UNKNOWN);
            }
        }
        if self.trapped.is_none() {
            let _ = timeout(CLEAN_UP, self.clean_up()).await;
        }
        end
    }

    /// Lets the guest know that its page is gone.
    async fn clean_up(&mut self) {
        if !self.guest.is_at_rest() {
            let _ = poll_fn(|cx| self.guest.poll_visited(cx)).await;
        }
        self.interop.disconnect();
        while !self.interop.mailbox.is_empty() {
            self.guest.begin(self.interop.mailbox.take(VISIT));
            match poll_fn(|cx| self.guest.poll_visited(cx)).await {
                Visited { left_over, trapped: None, .. } => self.interop.mailbox.put_back(left_over),
                Visited { .. } => return,
            }
        }
    }

    fn note_status(&mut self) {
        let outbox = self.link.outbox().bytes();
        self.handle.status.outbox.store(outbox, Ordering::Relaxed);
        self.handle.status.bytes.store(outbox + self.interop.bytes(), Ordering::Relaxed);
    }
}

/// The end as metrics count it.
impl From<End> for Ended {
    fn from(end: End) -> Self {
        match end {
            End::Goodbye | End::Abandoned => Self::Page,
            End::Trapped => Self::Trapped,
            End::Protocol => Self::Protocol,
            End::TooLarge => Self::TooLarge,
            End::TooMany => Self::TooMany,
            End::SlowConsumer => Self::Slow,
            End::Retention => Self::Expired,
            End::Evicted => Self::Evicted,
            End::Idle => Self::Idle,
            End::Expired => Self::Refused,
            End::Stopped => Self::Drained,
        }
    }
}

fn goodbye(end: End, message: &str, after: Option<Duration>) -> Goodbye {
    let after_ms = after.map(|after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    Goodbye { kind: end.kind().into(), message: message.to_owned(), then: end.then(), after_ms }
}

/// Refuses a socket that wanted to resume.
fn refuse(mut connection: Connection, reason: Reason, then: Then, message: &str) {
    let kind = ErrorKind::Disconnected.into();
    let refused = Refused { kind, reason, message: message.to_owned(), then, after_ms: None };
    link::refuse(&mut connection, &refused.encode(), CloseCode::Refused);
    link::part(connection);
}
