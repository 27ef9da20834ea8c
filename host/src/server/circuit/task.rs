//! The task of a circuit: it owns everything of it, and polls guest, socket, commands and clock in turn.
//!
//! No lock and no other task is between a message of the page and the guest that answers it. A round takes commands, receives, has the
//! guest visited, sends, and looks at the clock; the task goes on as long as anything happens, and after some rounds it lets other
//! circuits have their turn.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::config::Config;
use crate::engine::effects::GuestTask;
use crate::engine::upcalls::Upcalls;
use crate::error::{Error, ErrorKind};
use crate::server::auth::Subject;
use crate::server::circuit::connection::{Connection, Lost};
use crate::server::circuit::handle::{Command, Ending, Handle, Place, Resumption};
use crate::server::circuit::inbox::Accepted;
use crate::server::circuit::interop::{Interop, Now};
use crate::server::circuit::link::Link;
use crate::server::circuit::presence::Presence;
use crate::server::circuit::rate::Rate;
use crate::server::circuit::state::{Action, End, Event, State};
use crate::server::circuit::timer::Timer;
use crate::server::circuit::upcalls::CircuitUpcalls;
use crate::server::circuit::visit::{GuestRunner, Visited};
use crate::server::metrics::{self, Direction, Ended, Limit, Metrics};
use crate::server::options::CircuitOptions;
use crate::server::wire::{
    CloseCode, Control, ControlBody, CountedFrame, Frame, Goodbye, PageFrame, Reason, Refused, Resumed, ServerFrame,
    SocketMessage, Stale, Then, WireError, WireLimits, write_message,
};

/// The rounds of one turn. Each has one message of the page at most and one visit, and circuits share their threads.
const ROUNDS: usize = 8;

/// The most tasks of a visit: what the guest has no turn for comes back.
const VISIT: usize = 32;

/// How long a socket may take nothing, although there is something to send, before it counts as lost.
const STUCK: Duration = Duration::from_secs(30);

/// How long a guest may take to clean up after its page is gone for good.
const CLEAN_UP: Duration = Duration::from_millis(100);

/// What pages are told when the server stops.
const STOPS: &str = "The server stops.";

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
    /// From when on a quiet circuit ends, and when any does.
    drain: Option<(Instant, Instant)>,
    /// Whether the page has used the current secret.
    confirmed: bool,
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
            drain: None,
            confirmed: true,
        };
        circuit.admit(&subject, now);
        circuit.link.attach(connection, &welcome);
        circuit.presence.begin(now);
        circuit.event(Event::Started, "", now);
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

    // What comes in.

    /// Whether the page is to be read now. Otherwise it waits, in the end for TCP.
    fn reads(&mut self, now: Instant) -> bool {
        let (tasks, bytes) = (self.options.max_mailbox_frames, self.options.max_mailbox);
        !self.interop.mailbox.is_full(tasks, bytes)
            && !self.link.is_congested()
            && self.rate.paused_until(now).is_none()
    }

    /// Receives one message, if the page is read. Returns whether there was one.
    fn receive(&mut self, cx: &mut Context<'_>, reads: bool, now: Instant) -> bool {
        if !reads {
            if let Some(connection) = self.link.connection() {
                connection.excuse(now);
            }
            return false;
        }
        match self.link.poll_receive(cx, now) {
            Poll::Pending => false,
            Poll::Ready(received) => {
                let taken = received.and_then(|message| match message {
                    Some(message) => self.message(message, now).map_err(Lost::Broke),
                    None => {
                        self.rate.count(1, now);
                        Ok(())
                    }
                });
                self.lost(taken, now);
                true
            }
        }
    }

    /// Takes a message of the page.
    fn message(&mut self, message: SocketMessage<PageFrame>, now: Instant) -> Result<(), WireError> {
        if !self.confirmed {
            self.confirmed = true;
            self.handle.keys.lock().confirm();
        }
        // A message without frames counts, too: it has to be read.
        let mut count = 1;
        for frame in message.frames {
            count += 1;
            match frame? {
                Frame::Counted { number, size, frame } => {
                    self.metrics.frame(Direction::In, frame.kind());
                    self.metrics.bytes(Direction::In, size);
                    if self.link.inbox().accept(number, size, now)? == Accepted::New {
                        self.active = now;
                        self.interop.frame(frame, now)?;
                    }
                }
                Frame::Control(control) => self.control(control, now)?,
            }
        }
        self.rate.count(count, now);
        self.flush(now);
        Ok(())
    }

    fn control(&mut self, control: Control, now: Instant) -> Result<(), WireError> {
        match control {
            Control::Ping(bytes) => {
                // Where a page has more pings under way than there is room for, it gets no answer to some.
                let _ = self.link.outbox().push_control(Control::pong(bytes));
            }
            Control::Pong(_) => {}
            Control::Goodbye(Goodbye { then: Then::Resume, .. }) => self.event(Event::Paused, "", now),
            Control::Goodbye(_) => self.event(Event::End(End::Goodbye), "The page has ended the circuit.", now),
            _ => {
                return Err(WireError::protocol(
                    "A second 'hello' or 'resume' has come on one socket, which begins with one.",
                ));
            }
        }
        Ok(())
    }

    /// Acts upon the loss of the socket.
    fn lost(&mut self, done: Result<(), Lost>, now: Instant) {
        match done {
            Ok(()) => {}
            Err(Lost::Gone) => self.event(Event::SocketLost, "", now),
            Err(Lost::Broke(error)) => {
                if error.kind() == ErrorKind::TooLarge {
                    self.metrics.limit_hit(Limit::Message);
                }
                self.event(Event::End(End::from(&error)), error.message(), now);
            }
        }
    }

    fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Resume(resumption) => self.resume(*resumption, now),
            Command::Drain { from, by } => {
                self.drain = Some((from, by));
                self.event(Event::Drain, STOPS, now);
            }
            Command::End(ending) => {
                self.ending.get_or_insert(ending);
                let end = self.ending.as_ref().map_or(End::Stopped, |ending| ending.end);
                self.event(Event::End(end), "", now);
            }
            Command::Stale => {
                let _ = self.link.outbox().push_control(Stale {}.encode());
            }
        }
    }

    /// Takes the socket of a page that has come back.
    fn resume(&mut self, resumption: Resumption, now: Instant) {
        let Resumption { socket, received, secret, subject } = resumption;
        let connection = Connection::new(socket, now);
        let (state, action) = self.state.on(Event::Resumed);
        if action == Action::Refuse {
            return refuse(connection, Reason::Draining, Then::Fresh, STOPS);
        }
        match self.link.rewind(received) {
            Ok(again) => self.metrics.replayed(again),
            Err(error) => {
                // A page that has lost count cannot go on.
                refuse(connection, Reason::Unknown, Then::Fresh, error.message());
                return self.event(Event::End(End::Protocol), error.message(), now);
            }
        }
        let is_taken = action == Action::TakeOver;
        self.metrics.resumed(if is_taken { metrics::Resume::TakenOver } else { metrics::Resume::Resumed });
        if is_taken {
            let goodbye = goodbye(End::Goodbye, "Another page has resumed the circuit.", None);
            self.link.part(Some(&goodbye.encode()), CloseCode::TakenOver);
        }
        self.state = state;
        self.admit(&subject, now);
        let resumed = Resumed { secret, received: self.link.inbox().received() };
        self.link.attach(connection, &resumed.encode());
        self.presence.begin(now);
        self.place.stop_waiting();
        (self.away, self.counts_as_waiting, self.pinged, self.confirmed) = (None, false, None, false);
        self.handle.status.set_state(self.state);
        tracing::debug!(circuit = %self.handle.id(), "resumed");
    }

    fn admit(&mut self, subject: &Subject, now: Instant) {
        let left = subject.expiry().map(|expiry| expiry.duration_since(SystemTime::now()).unwrap_or_default());
        self.expires = left.and_then(|left| now.checked_add(left));
    }

    // The guest.

    /// Has the guest visited, as long as there is something for it. Returns whether it was.
    fn visit(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        if self.ending.is_some() {
            return false;
        }
        if self.guest.is_at_rest() {
            if self.alarm.is_some_and(|alarm| alarm <= now) {
                self.alarm = None;
                self.interop.mailbox.push(GuestTask::RunReady);
            }
            self.interop.pull(self.link.is_congested(), self.presence.at(now));
            self.flush(now);
            if self.interop.mailbox.is_empty() {
                return false;
            }
            self.guest.begin(self.interop.mailbox.take(VISIT));
        }
        let Poll::Ready(visited) = self.guest.poll_visited(cx) else { return false };
        self.visited(visited, now);
        true
    }

    fn visited(&mut self, visited: Visited, now: Instant) {
        let Visited { effects, left_over, trapped, cause, slow, duration } = visited;
        self.metrics.visited(duration, slow);
        if let Some(cause) = cause {
            self.metrics.trapped(cause.into());
        }
        let room = self.options.max_outbox.saturating_sub(self.link.outbox().bytes());
        let noted = self.upcalls.take(room);
        if let Some(alarm) = effects.alarm {
            self.alarm = Some(alarm);
        }
        let is_gone = self.interop.effects(effects, noted, self.moment(now));
        if is_gone || trapped.is_some() {
            return self.trapped(trapped, now);
        }
        self.interop.mailbox.put_back(left_over);
        self.flush(now);
    }

    /// The guest is gone: one frame ends all that is under way.
    fn trapped(&mut self, error: Option<Error>, now: Instant) {
        let id = self.handle.id();
        let error = error.unwrap_or_else(|| Error::new(End::Trapped.kind(), "The guest is gone."));
        tracing::warn!(circuit = %id, detail = error.detail(), "{error}");
        let told = if self.options.detailed_errors {
            error
        } else {
            Error::new(error.kind(), format!("The guest has trapped. (circuit {id})"))
        };
        let message = told.message().to_owned();
        // What has no room for its answer gets the goodbye.
        if let Ok(frame) = (ServerFrame::Trapped { error: told.clone() }).encode(&WireLimits::of_server(usize::MAX)) {
            let _ = self.link.outbox().push(frame);
        }
        self.trapped = Some(told);
        self.event(Event::End(End::Trapped), &message, now);
    }

    // What goes out.

    /// Hands over frames to be sent.
    fn flush(&mut self, now: Instant) {
        let frames = self.interop.take_frames();
        if frames.is_empty() {
            return;
        }
        self.active = now;
        for frame in &frames {
            // The first byte is the kind.
            self.metrics.frame(Direction::Out, frame.first().copied().unwrap_or(0));
            self.metrics.bytes(Direction::Out, frame.len());
        }
        if let Err(full) = self.link.push(frames) {
            self.metrics.limit_hit(Limit::Outbox);
            self.event(Event::End(End::SlowConsumer), &full.to_string(), now);
        }
        let held = self.interop.bytes() + self.link.outbox().bytes();
        let limit = self.options.max_account;
        if held > limit {
            self.metrics.limit_hit(Limit::Account);
            let what = format!("The server holds {held} bytes for this circuit, and {limit} is the limit.");
            self.event(Event::End(End::TooLarge), &what, now);
        }
    }

    fn send(&mut self, cx: &mut Context<'_>, now: Instant) {
        if let Poll::Ready(sent) = self.link.poll_send(cx, now) {
            self.lost(sent, now);
        }
    }

    // The clock.

    fn moment(&self, now: Instant) -> Now {
        Now { clock: now, presence: self.presence.at(now) }
    }

    /// Returns when something is due.
    fn next_deadline(&mut self, now: Instant) -> Option<Instant> {
        let options = &self.options;
        let alarm = self.alarm.filter(|_| self.guest.is_at_rest());
        let page = self.interop.next_deadline().and_then(|deadline| self.presence.when(deadline));
        let waiting = self.away.and_then(|away| {
            let grace = (!self.counts_as_waiting).then_some(options.waiting_grace);
            away.checked_add(grace.map_or(options.retention, |grace| grace.min(options.retention)))
        });
        let idle = options.idle.and_then(|idle| self.active.checked_add(idle));
        let drain = self.drain.map(|(from, by)| if from > now { from } else { by });
        let paused = self.rate.paused_until(now);
        // A page at its limit is read again and again, so that the end of each pause is none of the clock.
        let overrun = self.rate.over_since().and_then(|since| since.checked_add(options.overrun));
        let mut next = [alarm, page, waiting, idle, drain, paused, overrun, self.expires].into_iter().flatten().min();
        let ack = self.link.inbox().ack_due();
        if let Some(connection) = self.link.connection() {
            let beat = match self.pinged {
                Some(pinged) if pinged >= connection.heard() => connection.heard() + options.lost_after,
                _ => connection.heard() + options.beat,
            };
            let stuck = connection.stuck_since().map(|since| since + STUCK);
            // An ack that is due and has not gone out waits for the socket.
            let ack = ack.filter(|due| *due > now);
            next = [next, Some(beat), stuck, ack].into_iter().flatten().min();
        }
        next
    }

    /// Does what is due.
    fn clock(&mut self, now: Instant) {
        let options = Arc::clone(&self.options);
        self.interop.end_late(self.moment(now));
        self.flush(now);
        if let Some(connection) = self.link.connection() {
            let silent = now.saturating_duration_since(connection.heard());
            let is_stuck = connection.stuck_since().is_some_and(|since| now >= since + STUCK);
            if silent >= options.lost_after || is_stuck {
                self.event(Event::SocketLost, "", now);
            } else if silent >= options.beat && self.pinged.is_none_or(|pinged| pinged < connection.heard()) {
                connection.ping();
                self.pinged = Some(now);
            }
        }
        if let Some(away) = self.away {
            let away = now.saturating_duration_since(away);
            if away >= options.retention {
                self.event(Event::End(End::Retention), "The page did not come back in time.", now);
            } else if away >= options.waiting_grace && !self.counts_as_waiting {
                self.counts_as_waiting = true;
                if self.place.count_waiting() {
                    self.metrics.limit_hit(Limit::Waiting);
                }
            }
        }
        if options.idle.is_some_and(|idle| now.saturating_duration_since(self.active) >= idle) {
            self.event(Event::End(End::Idle), "There was no call for too long.", now);
        }
        if self.expires.is_some_and(|expires| expires <= now) {
            self.event(Event::End(End::Expired), "The permission for this circuit has ended.", now);
        }
        if self.drain.is_some_and(|(_, by)| by <= now) {
            self.event(Event::End(End::Stopped), STOPS, now);
        }
        if self.rate.overrun(now) >= options.overrun {
            self.metrics.limit_hit(Limit::Frames);
            let (rate, time) = (options.frame_rate, options.overrun.as_secs_f64());
            let what = format!("The page has sent more than {rate} frames a second for {time} s.");
            self.event(Event::End(End::TooMany), &what, now);
        }
    }

    /// Ends a circuit that the server drains and in which nothing is under way. Returns whether it did.
    fn end_if_quiet(&mut self, now: Instant) -> bool {
        let is_time = self.drain.is_some_and(|(from, _)| from <= now);
        let is_quiet =
            is_time && self.guest.is_at_rest() && self.interop.is_quiet() && !self.link.outbox().has_unsent();
        if is_quiet {
            self.event(Event::Quiet, STOPS, now);
        }
        is_quiet
    }

    // Life.

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
        tracing::info!(circuit = %self.handle.id(), reason = end.as_str(), "the circuit has ended: {message}");
        if end == End::Trapped {
            // What was said last, the trap among it, goes out before the goodbye.
            let _ = poll_fn(|cx| Poll::Ready(self.link.poll_send(cx, Instant::now()))).await;
        }
        let goodbye = goodbye(end, &message, after);
        self.link.part((end != End::Goodbye).then(|| goodbye.encode()).as_ref(), end.close_code());
        // Whoever wants to resume from now on finds nothing.
        self.commands.close();
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Resume(resumption) = command {
                let connection = Connection::new(resumption.socket, Instant::now());
                refuse(connection, Reason::Unknown, Then::Fresh, "There is no such circuit.");
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
    connection.send_first(write_message(0, 1, std::iter::once(&refused.encode())));
    connection.close(CloseCode::Refused);
    tokio::spawn(timeout(Duration::from_secs(5), connection.finish()));
}
