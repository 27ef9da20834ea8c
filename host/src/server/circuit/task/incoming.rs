//! What comes in: messages of the page, commands, and pages that come back.

use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

use super::{Circuit, STOPS, UNKNOWN, goodbye, refuse};
use crate::error::ErrorKind;
use crate::server::auth::Subject;
use crate::server::circuit::connection::{Connection, Lost};
use crate::server::circuit::handle::{Command, Resumption};
use crate::server::circuit::inbox::Accepted;
use crate::server::circuit::state::{Action, End, Event, State};
use crate::server::metrics::{self, Direction, Limit};
use crate::server::wire::{
    CloseCode, Control, ControlBody, CountedFrame, Frame, Goodbye, PageFrame, Reason, Resumed, SocketMessage, Stale,
    Then, WireError,
};

impl Circuit {
    /// Whether the page is to be read now. Otherwise it waits, in the end for TCP.
    pub(super) fn reads(&mut self, now: Instant) -> bool {
        let (tasks, bytes) = (self.options.max_mailbox_frames, self.options.max_mailbox);
        // Where calls wait for the page's acks, these have to be read.
        (self.held_since.is_some() || !self.interop.mailbox.is_full(tasks, bytes))
            && !self.link.is_congested()
            && self.rate.paused_until(now).is_none()
    }

    /// Receives one message, if the page is read. Returns whether there was one.
    pub(super) fn receive(&mut self, cx: &mut Context<'_>, reads: bool, now: Instant) -> bool {
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
    pub(super) fn message(&mut self, message: SocketMessage<PageFrame>, now: Instant) -> Result<(), WireError> {
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

    pub(super) fn control(&mut self, control: Control, now: Instant) -> Result<(), WireError> {
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
    pub(super) fn lost(&mut self, done: Result<(), Lost>, now: Instant) {
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

    pub(super) fn command(&mut self, command: Command, now: Instant) {
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
                self.is_stale = true;
                let _ = self.link.outbox().push_control(Stale {}.encode());
            }
        }
    }

    /// Takes the socket of a page that has come back.
    pub(super) fn resume(&mut self, resumption: Resumption, now: Instant) {
        let Resumption { socket, received, secret, subject } = resumption;
        let connection = Connection::new(socket, now);
        let (state, action) = self.state.on(Event::Resumed);
        if action == Action::Refuse {
            let (reason, why) =
                if state == State::Draining { (Reason::Draining, STOPS) } else { (Reason::Unknown, UNKNOWN) };
            return refuse(connection, reason, Then::Fresh, why);
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
        if self.is_stale {
            // It may have been lost with the former socket.
            let _ = self.link.outbox().push_control(Stale {}.encode());
        }
        self.presence.begin(now);
        self.place.stop_waiting();
        (self.away, self.counts_as_waiting, self.pinged, self.confirmed) = (None, false, None, false);
        // It has had no chance to take anything meanwhile.
        self.held_since = None;
        self.handle.status.set_state(self.state);
        tracing::debug!(circuit = %self.handle.id(), "resumed");
    }

    pub(super) fn admit(&mut self, subject: &Subject, now: Instant) {
        let left = subject.expiry().map(|expiry| expiry.duration_since(SystemTime::now()).unwrap_or_default());
        self.expires = left.and_then(|left| now.checked_add(left));
    }
}
