//! The guest's visits, and what goes out for them.

use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;

use super::{Circuit, VISIT};
use crate::engine::effects::GuestTask;
use crate::error::Error;
use crate::server::circuit::state::{End, Event};
use crate::server::circuit::visit::Visited;
use crate::server::metrics::{Direction, Limit};
use crate::server::wire::{CountedFrame, ServerFrame, WireLimits};

impl Circuit {
    /// Has the guest visited, as long as there is something for it. Returns whether it was.
    pub(super) fn visit(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        if self.ending.is_some() {
            return false;
        }
        if self.guest.is_at_rest() {
            if self.alarm.is_some_and(|alarm| alarm <= now) {
                self.alarm = None;
                // Before calls of the page, which may have to wait.
                self.interop.mailbox.put_back([GuestTask::RunReady].into());
            }
            self.interop.pull(self.link.has_room_for_streams(), self.presence.at(now));
            self.flush(now);
            if self.interop.mailbox.is_empty() || self.holds_calls(now) {
                return false;
            }
            self.guest.begin(self.interop.mailbox.take(VISIT));
        }
        let Poll::Ready(visited) = self.guest.poll_visited(cx) else { return false };
        self.visited(visited, now);
        true
    }

    /// Whether the page's next call waits until the page has taken what was sent to it. Only calls wait: their results are what the page
    /// asked for, and have to fit. What the guest wants by itself goes on, and fails where there is no room.
    fn holds_calls(&mut self, now: Instant) -> bool {
        if self.link.has_room() {
            self.held_since = None;
            return false;
        }
        // What the guest does in between is no reason to wait for longer.
        let holds = self.interop.mailbox.begins_call();
        if holds {
            self.held_since.get_or_insert(now);
        }
        holds
    }

    pub(super) fn visited(&mut self, visited: Visited, now: Instant) {
        let Visited { effects, left_over, trapped, cause, slow, duration } = visited;
        self.metrics.visited(duration, slow);
        if let Some(cause) = cause {
            self.metrics.trapped(cause.into());
        }
        let room = self.options.max_outbox.saturating_sub(self.link.outbox().bytes());
        let noted = self.upcalls.take(room);
        self.interop.set_room(room);
        if let Some(alarm) = effects.alarm {
            self.alarm = Some(alarm);
        }
        let is_gone = self.interop.effects(effects, noted, self.moment(now));
        if is_gone || trapped.is_some() {
            self.flush(now);
            return self.trapped(trapped, now);
        }
        self.interop.mailbox.put_back(left_over);
        self.flush(now);
    }

    /// The guest is gone: one frame ends all that is under way.
    pub(super) fn trapped(&mut self, error: Option<Error>, now: Instant) {
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

    /// Hands over frames to be sent, and sees to it that the circuit holds no more than it may.
    pub(super) fn flush(&mut self, now: Instant) {
        let frames = self.interop.take_frames();
        if !frames.is_empty() {
            self.hand_over(frames, now);
        }
        // Where calls wait for the page's acks, the mailbox grows with everything else that it sends.
        let held = self.interop.bytes() + self.link.outbox().bytes();
        let limit = self.options.max_account;
        if held > limit && self.ending.is_none() {
            self.metrics.limit_hit(Limit::Account);
            let what = format!("The server holds {held} bytes for this circuit, and {limit} is the limit.");
            self.event(Event::End(End::TooLarge), &what, now);
        }
    }

    fn hand_over(&mut self, frames: Vec<Bytes>, now: Instant) {
        self.active = now;
        for frame in &frames {
            // The first byte is the kind.
            let kind = frame.first().copied().unwrap_or(0);
            self.rate.allow(answers(kind));
            self.metrics.frame(Direction::Out, kind);
            self.metrics.bytes(Direction::Out, frame.len());
        }
        if let Err(full) = self.link.push(frames) {
            self.metrics.limit_hit(Limit::Outbox);
            self.event(Event::End(End::SlowConsumer), &full.to_string(), now);
        }
    }

    pub(super) fn send(&mut self, cx: &mut Context<'_>, now: Instant) {
        if let Poll::Ready(sent) = self.link.poll_send(cx, now) {
            self.lost(sent, now);
        }
    }
}

/// Returns how many frames and messages a page sends because of a frame of this kind, so that they do not count as more than it may send:
/// the answer to a call or a read in a message of its own, and the like of credit for every two pieces of a stream.
fn answers(kind: u8) -> usize {
    match kind {
        ServerFrame::PAGE_CALL | ServerFrame::PAGE_READ => 2,
        ServerFrame::DATA => 1,
        _ => 0,
    }
}
