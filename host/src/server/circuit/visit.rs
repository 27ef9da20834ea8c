//! Visits of a guest, as a circuit's task makes them.
//!
//! A *visit* is one future that owns the guest: it runs some tasks, and gives the guest back with their effects. It is polled in the
//! circuit's task, which for a quick guest costs nothing beside the call itself. When the epoch finds that it takes longer, the rest of it is
//! spawned on the slow runtime, where it delays nobody, and the circuit's task waits for it. A guest that has been moved has to prove itself:
//! for a while its visits begin there.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::executor::{Away, Executor, gone};
use crate::engine::access::SystemAccess;
use crate::engine::effects::{Effects, GuestTask};
use crate::engine::fiber::{FiberGuest, FiberInstance};
use crate::engine::meter::Meter;
use crate::engine::trap::TrapCause;
use crate::engine::upcalls::Upcalls;
use crate::error::Error;
use crate::server::metrics::Trap;

/// The most tasks of one visit: the circuit sends what came of them as one message, and then lets other circuits have their turn.
const MAX_TASKS: usize = 32;

/// How long a visit may take before its remaining tasks are left for another one, for the same reason.
const MAX_TIME: Duration = Duration::from_millis(1);

/// How much a visit may leave to be sent, in bytes, before its remaining tasks are left for another one: what the circuit has no room for, it
/// does not have made.
pub(crate) const MAX_OUTPUT: usize = 64 << 10;

/// How long the visits of a guest that was slow begin on the slow runtime, the first time. It doubles each time.
const FIRST_PROBATION: Duration = Duration::from_secs(10);

/// The longest time that it doubles to.
const MAX_PROBATION: Duration = Duration::from_secs(5 * 60);

/// The part of a processor that a guest may use among the quick ones for visits that nobody but itself has asked for: one in so many. A
/// timer that runs sixty times a second for 30 µs uses that, and a hundred guests whose tasks wake themselves without end leave four
/// fifths of one processor to the others.
const OWN_PART: u32 = 500;

/// How much of that it may use at once.
const OWN_BURST: Duration = Duration::from_millis(20);

/// What has come of a visit.
pub(crate) struct Visited {
    pub(crate) effects: Effects,
    /// The tasks that did not have their turn, in order.
    pub(crate) left_over: VecDeque<GuestTask>,
    /// Why the guest is gone, if it is: a trap, whose effects have ended all that was under way, or the end of the host.
    pub(crate) trapped: Option<Error>,
    /// The cause of the trap, if it is one.
    pub(crate) cause: Option<TrapCause>,
    /// Whether the guest used so much time on the slow runtime that its next visits begin there.
    pub(crate) slow: bool,
    /// How long the visit took by the clock, with the time in which the guest waited for its turn.
    pub(crate) duration: Duration,
}

/// A circuit's guest, and the visit that is under way. Dropping it ends both.
pub(crate) struct GuestRunner {
    executor: Arc<Executor>,
    meter: Arc<Meter>,
    place: Place,
    begun: Instant,
    /// Nobody but the guest itself has asked for the visit.
    is_own: bool,
    own_time: OwnTime,
    probation: Probation,
}

type Visit = Pin<Box<dyn Future<Output = Finished> + Send>>;

/// Where the guest is.
enum Place {
    /// At rest.
    Home(Box<FiberInstance>),
    /// In a visit that the circuit's task polls.
    Here(Visit),
    /// In a visit on the slow runtime.
    Away(Away<Finished>),
    /// Nowhere: its visit has ended without it.
    Gone,
}

/// A guest after its visit.
struct Finished {
    guest: Box<FiberInstance>,
    effects: Effects,
    left_over: VecDeque<GuestTask>,
}

impl GuestRunner {
    /// Starts a guest. It waits while many others are starting, and to drop the future gives the start up.
    ///
    /// # Errors
    ///
    /// Those of [`Executor::start`].
    pub(crate) async fn start(
        executor: &Arc<Executor>,
        guest: &FiberGuest,
        access: &Arc<SystemAccess>,
    ) -> Result<Self, Error> {
        let guest = executor.start(guest, access).await?;
        let begun = Instant::now();
        Ok(Self {
            executor: Arc::clone(executor),
            meter: Arc::clone(guest.meter()),
            place: Place::Home(guest),
            begun,
            is_own: false,
            own_time: OwnTime::new(begun),
            probation: Probation::default(),
        })
    }

    /// Connects the guest to its driver. It must be at rest.
    pub(crate) fn attach(&mut self, upcalls: Weak<dyn Upcalls>) {
        match &mut self.place {
            Place::Home(guest) => guest.attach(upcalls),
            Place::Here(_) | Place::Away(_) | Place::Gone => debug_assert!(false, "the guest is not at rest"),
        }
    }

    /// Returns the largest size of a message to the guest, in bytes, or none while the guest is not at rest.
    pub(crate) fn max_message(&self) -> Option<usize> {
        match &self.place {
            Place::Home(guest) => Some(guest.max_message()),
            Place::Here(_) | Place::Away(_) | Place::Gone => None,
        }
    }

    /// Returns whether no visit is under way: another may begin.
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self.place, Place::Home(_) | Place::Gone)
    }

    /// Returns whether the visit that is under way is on the slow runtime.
    #[cfg(test)]
    pub(super) fn is_away(&self) -> bool {
        matches!(self.place, Place::Away(_))
    }

    /// Begins a visit that runs `tasks` one after the other, until it has taken too long for one visit. The guest must be at rest. The visit
    /// goes on in [`poll_visited`](Self::poll_visited), which is to be called at once.
    pub(crate) fn begin(&mut self, tasks: VecDeque<GuestTask>) {
        self.begun = Instant::now();
        let guest = match std::mem::replace(&mut self.place, Place::Gone) {
            Place::Home(guest) => guest,
            other => {
                debug_assert!(matches!(other, Place::Gone), "a visit is under way");
                self.place = other;
                return;
            }
        };
        self.is_own = tasks.iter().all(|task| matches!(task, GuestTask::RunReady));
        let away = self.probation.lasts(self.begun) || (self.is_own && self.own_time.is_used_up(self.begun));
        self.meter.begin_visit(away);
        let visit = visit(guest, tasks, self.begun);
        self.place = if away { Place::Away(self.executor.spawn(visit)) } else { Place::Here(Box::pin(visit)) };
    }

    /// Polls the visit that is under way, and moves it when it is slow. It is ready once for each visit, and pending where there is none.
    pub(crate) fn poll_visited(&mut self, cx: &mut Context<'_>) -> Poll<Visited> {
        let finished = loop {
            match &mut self.place {
                Place::Home(_) | Place::Gone => return Poll::Pending,
                Place::Here(visit) => match visit.as_mut().poll(cx) {
                    Poll::Ready(finished) => break Ok(finished),
                    Poll::Pending if self.meter.take_moving() => {
                        let Place::Here(visit) = std::mem::replace(&mut self.place, Place::Gone) else { continue };
                        self.place = Place::Away(self.executor.spawn(visit));
                    }
                    Poll::Pending => return Poll::Pending,
                },
                Place::Away(visit) => match Pin::new(visit).poll(cx) {
                    Poll::Ready(finished) => break finished,
                    Poll::Pending => return Poll::Pending,
                },
            }
        };
        let now = Instant::now();
        let (slow, duration) = (self.meter.is_slow(), now - self.begun);
        if slow {
            self.probation.begin(now);
        }
        if self.is_own && matches!(self.place, Place::Here(_)) {
            self.own_time.add(duration);
        }
        Poll::Ready(match finished {
            Ok(Finished { guest, effects, left_over }) => {
                let (trapped, cause) = guest.trapped().map(|(error, cause)| (error.clone(), cause)).unzip();
                self.place = Place::Home(guest);
                Visited { effects, left_over, trapped, cause, slow, duration }
            }
            Err(error) => {
                self.place = Place::Gone;
                let (effects, left_over) = (Effects::default(), VecDeque::new());
                Visited { effects, left_over, trapped: Some(gone(&error)), cause: None, slow, duration }
            }
        })
    }

    /// Awaits the visit that is under way.
    #[cfg(test)]
    pub(super) async fn visited(&mut self) -> Visited {
        std::future::poll_fn(|cx| self.poll_visited(cx)).await
    }
}

impl Drop for GuestRunner {
    fn drop(&mut self) {
        if let Place::Home(guest) = std::mem::replace(&mut self.place, Place::Gone) {
            self.executor.dispose(guest);
        }
    }
}

/// Runs tasks, and takes their effects. At least one task runs.
async fn visit(mut guest: Box<FiberInstance>, mut tasks: VecDeque<GuestTask>, begun: Instant) -> Finished {
    for _ in 0..MAX_TASKS {
        let Some(task) = tasks.pop_front() else { break };
        guest.run_async(task).await;
        if tasks.is_empty()
            || guest.trapped().is_some()
            || begun.elapsed() >= MAX_TIME
            || guest.effects().size() >= MAX_OUTPUT
        {
            break;
        }
    }
    let effects = guest.take_effects();
    Finished { guest, effects, left_over: tasks }
}

/// The cause as metrics count it.
impl From<TrapCause> for Trap {
    fn from(cause: TrapCause) -> Self {
        match cause {
            TrapCause::Time => Self::Time,
            TrapCause::Memory => Self::Memory,
            TrapCause::Panic => Self::Panic,
            TrapCause::Other => Self::Other,
        }
    }
}

/// What a guest has used lately among the quick ones, of its own accord.
struct OwnTime {
    used: Duration,
    at: Instant,
}

impl OwnTime {
    fn new(now: Instant) -> Self {
        Self { used: Duration::ZERO, at: now }
    }

    fn is_used_up(&mut self, now: Instant) -> bool {
        self.used = self.used.saturating_sub(now.saturating_duration_since(self.at) / OWN_PART);
        self.at = now;
        self.used >= OWN_BURST
    }

    fn add(&mut self, time: Duration) {
        self.used = self.used.saturating_add(time);
    }
}

/// Whether the visits of a guest begin on the slow runtime.
#[derive(Default)]
struct Probation {
    until: Option<Instant>,
    length: Duration,
}

impl Probation {
    fn lasts(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Begins it, or begins it anew. It is longer than the last one, unless the guest has been quick for as long since then.
    fn begin(&mut self, now: Instant) {
        let forgiven = self.until.is_none_or(|until| now >= until + self.length);
        self.length = if forgiven { FIRST_PROBATION } else { (self.length * 2).min(MAX_PROBATION) };
        self.until = Some(now + self.length);
    }
}
