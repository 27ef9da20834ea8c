//! What is due: the guest's alarm, late answers, signs of life, and the ends that come with time.

use std::sync::Arc;
use std::time::Instant;

use super::{Circuit, STOPS};
use crate::server::circuit::interop::Now;
use crate::server::circuit::state::{End, Event};
use crate::server::metrics::Limit;

impl Circuit {
    pub(super) fn moment(&self, now: Instant) -> Now {
        Now { clock: now, presence: self.presence.at(now) }
    }

    /// Returns when something is due.
    pub(super) fn next_deadline(&mut self, now: Instant) -> Option<Instant> {
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
                Some(pinged) if pinged >= connection.heard() => options.lost_after,
                _ => options.beat,
            };
            let stuck = connection.stuck_since().and_then(|since| since.checked_add(options.lost_after));
            let held = self.held_since.and_then(|since| since.checked_add(options.lost_after));
            // An ack that is due and has not gone out waits for the socket.
            let ack = ack.filter(|due| *due > now);
            next = [next, connection.heard().checked_add(beat), stuck, held, ack].into_iter().flatten().min();
        }
        next
    }

    /// Does what is due.
    pub(super) fn clock(&mut self, now: Instant) {
        let options = Arc::clone(&self.options);
        self.interop.end_late(self.moment(now));
        self.flush(now);
        if let Some(connection) = self.link.connection() {
            let silent = now.saturating_duration_since(connection.heard());
            let is_slow =
                self.held_since.is_some_and(|since| now.saturating_duration_since(since) >= options.lost_after);
            let is_stuck = connection
                .stuck_since()
                .is_some_and(|since| now.saturating_duration_since(since) >= options.lost_after);
            if silent >= options.lost_after || is_stuck {
                self.event(Event::SocketLost, "", now);
            } else if is_slow {
                let what =
                    format!("The page has not taken what was sent to it for {} s.", options.lost_after.as_secs_f64());
                self.metrics.limit_hit(Limit::Outbox);
                self.event(Event::End(End::SlowConsumer), &what, now);
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
    pub(super) fn end_if_quiet(&mut self, now: Instant) -> bool {
        let is_time = self.drain.is_some_and(|(from, _)| from <= now);
        let is_quiet =
            is_time && self.guest.is_at_rest() && self.interop.is_quiet() && !self.link.outbox().has_unsent();
        if is_quiet {
            self.event(Event::Quiet, STOPS, now);
        }
        is_quiet
    }
}
