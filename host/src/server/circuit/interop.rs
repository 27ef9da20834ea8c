//! What page and guest want of each other, as frames on one side and tasks and effects on the other.
//!
//! It knows no socket, no clock and no instance: the time is an argument. What the page sends comes in by [`frame`](Interop::frame), what a visit of the guest has
//! left by [`effects`](Interop::effects), and each call ends here exactly once: in the table out of which it is taken.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::config::Config;
use crate::contract::message::Message;
use crate::engine::effects::{Effects, GuestTask, PageTask, Settled, Waiter, give_back};
use crate::error::{Error, ErrorKind};
use crate::limits;
use crate::server::circuit::mailbox::Mailbox;
use crate::server::circuit::page_calls::{Answered, Late, PageCalls};
use crate::server::circuit::reads::{self, Reads};
use crate::server::circuit::streams::Streams;
use crate::server::circuit::upcalls::Noted;
use crate::server::metrics::{Direction, Limit, Metrics};
use crate::server::options::CircuitOptions;
use crate::server::wire::{CountedFrame, MAX_INTEGER, MAX_RELEASES, PageFrame, ServerFrame, WireError, WireLimits};

/// What a piece of a stream leaves of a message for its frame: two numbers, an outcome and a length.
const PIECE_OVERHEAD: usize = 64;

/// Why a result fails although it is no larger than any may be: several at once have no room.
const NO_ROOM: &str = "Too much waits for the page already.";

/// A moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) clock: Instant,
    /// How long the page has been present until then.
    pub(crate) presence: Duration,
}

/// Both directions of one circuit.
pub(crate) struct Interop {
    config: Arc<Config>,
    options: Arc<CircuitOptions>,
    metrics: Arc<Metrics>,
    /// The limits of what is sent.
    limits: WireLimits,
    /// The largest message that the guest has room for, in bytes.
    max_message: usize,
    pub(crate) mailbox: Mailbox,
    /// The page's calls that have not ended, and when they began.
    calls: HashMap<u64, Instant>,
    page_calls: PageCalls,
    reads: Reads,
    streams: Streams,
    /// What is to be sent.
    out: Vec<Bytes>,
    /// How many bytes of it have room where it is kept until the page has it.
    room: usize,
}

impl Interop {
    pub(crate) fn new(
        config: Arc<Config>,
        options: Arc<CircuitOptions>,
        metrics: Arc<Metrics>,
        max_message: usize,
    ) -> Self {
        Self {
            limits: WireLimits::of_server(options.max_message_out),
            reads: Reads::new(options.max_message.saturating_sub(PIECE_OVERHEAD)),
            streams: Streams::new(options.max_streams, options.max_message_out.saturating_sub(PIECE_OVERHEAD)),
            config,
            options,
            metrics,
            max_message,
            mailbox: Mailbox::default(),
            calls: HashMap::new(),
            page_calls: PageCalls::default(),
            out: Vec::new(),
            room: usize::MAX,
        }
    }

    /// Sets how many bytes of frames have room.
    pub(crate) fn set_room(&mut self, bytes: usize) {
        self.room = bytes;
    }

    fn push(&mut self, frame: Bytes) {
        self.room = self.room.saturating_sub(frame.len());
        self.out.push(frame);
    }

    /// Takes the frames that are to be sent.
    pub(crate) fn take_frames(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.out)
    }

    /// Whether nothing is under way in either direction.
    pub(crate) fn is_quiet(&self) -> bool {
        let pending = self.calls.len() + self.page_calls.len() + self.reads.len() + self.streams.len();
        pending == 0 && self.mailbox.is_empty()
    }

    /// The bytes that wait for the guest.
    pub(crate) fn bytes(&self) -> usize {
        self.mailbox.bytes() + self.reads.bytes()
    }

    /// Takes what the page has sent.
    ///
    /// # Errors
    ///
    /// If it breaks the contract.
    pub(crate) fn frame(&mut self, frame: PageFrame, now: Instant) -> Result<(), WireError> {
        match frame {
            PageFrame::Call { call, target, method, args } => {
                if self.calls.insert(call, now).is_some() {
                    let what = format!("A 'call' frame begins the call {call}, which is under way.");
                    return Err(WireError::protocol(what));
                }
                match self.check_call(&method, &args) {
                    Ok(()) => {
                        let waiter = Some(Waiter::Driver);
                        self.mailbox.push(GuestTask::BeginCall { call, target, method, args, waiter });
                    }
                    Err(error) => {
                        self.release_objects_in(&args);
                        self.end_call(call, Err(error), now);
                    }
                }
            }
            PageFrame::Cancel { call } => {
                // It may have ended while this was on its way.
                if let Some(begun) = self.calls.remove(&call) {
                    self.metrics.call(Direction::In, Some(ErrorKind::Cancelled), now - begun);
                    self.mailbox.push(GuestTask::CancelCall(call));
                }
            }
            PageFrame::PageEnd { id, outcome } => match self.page_calls.answer(id) {
                Answered::Call { call, begun } => {
                    self.metrics.call(Direction::Out, outcome.as_ref().err().map(Error::kind), now - begun);
                    self.mailbox.push(GuestTask::EndPageCall { call, id, outcome });
                }
                Answered::Ended => outcome.iter().for_each(|message| self.release_objects_in(message)),
                Answered::Nothing => {
                    let what = format!("A 'page-end' frame ends the call {id}, which the page was never sent.");
                    return Err(WireError::protocol(what));
                }
            },
            PageFrame::Release { object } => self.mailbox.push(GuestTask::Release(object)),
            PageFrame::Forget { objects } => {
                objects.into_iter().for_each(|(object, times)| self.mailbox.push(GuestTask::Forget(object, times)));
            }
            PageFrame::Credit { stream, bytes } => {
                if !self.streams.credit(stream, bytes) {
                    self.metrics.limit_hit(Limit::Streams);
                    let limit = self.options.max_streams;
                    let what = format!(
                        "The stream is not read: {limit} of the guest's streams are open, and {limit} is the limit."
                    );
                    self.send(&ServerFrame::DataEnd { stream, outcome: Err(Error::new(ErrorKind::TooMany, what)) });
                }
            }
            PageFrame::Close { stream } => {
                self.streams.close(stream);
                self.mailbox.push(GuestTask::Close(stream));
            }
            PageFrame::PageData { id, outcome } => {
                let outcome = outcome.as_deref().map_err(Clone::clone);
                let ended = self.reads.answer(id, outcome).map_err(|error| WireError::protocol(error.message()))?;
                self.end_read(ended);
            }
        }
        Ok(())
    }

    /// Refuses a call that the guest is not to be told.
    fn check_call(&self, method: &str, args: &Message) -> Result<(), Error> {
        let limit = self.options.max_pending_calls;
        if self.calls.len() > limit {
            self.metrics.limit_hit(Limit::PendingCalls);
            return Err(limits::too_many_calls(method, limit));
        }
        limits::check_arguments(&self.config, self.max_message, method, args)
    }

    /// Acts upon what a visit of the guest has left. Returns whether the guest is gone.
    pub(crate) fn effects(&mut self, effects: Effects, noted: Noted, now: Now) -> bool {
        let Effects { settled, page, guest, undelivered, alarm: _ } = effects;
        // A trap ends everything with one frame, except for what had ended in the same visit before.
        if page.iter().any(|task| matches!(task, PageTask::Drop)) {
            settled.into_iter().filter(has_ended_before).for_each(|settled| self.settle(settled, now.clock));
            return true;
        }
        page.into_iter().for_each(|task| self.page_task(task, now));
        settled.into_iter().for_each(|settled| self.settle(settled, now.clock));
        // After the messages of the guest that may name them.
        let mut released = noted.released;
        for object in undelivered.iter().flat_map(Message::page_objects) {
            *released.entry(object).or_default() += 1;
        }
        self.release_objects(released);
        guest.into_iter().chain(noted.given_back).for_each(|task| self.mailbox.push(task));
        false
    }

    fn page_task(&mut self, task: PageTask, now: Now) {
        match task {
            PageTask::Begin { call, id, request, .. } if self.page_calls.len() >= self.options.max_pending_calls => {
                self.metrics.limit_hit(Limit::PendingCalls);
                let error = limits::too_many_calls(&request.identifier, self.options.max_pending_calls);
                give_back(&request.args).for_each(|task| self.mailbox.push(task));
                self.mailbox.push(GuestTask::EndPageCall { call, id, outcome: Err(error) });
            }
            PageTask::Begin { call, id, request, .. } => {
                let frame = ServerFrame::PageCall { id, request };
                match frame.encode(&self.limits) {
                    Ok(frame) => {
                        let deadline = now.presence.saturating_add(self.options.page_call_limit);
                        self.page_calls.begin(id, call, now.clock, deadline);
                        self.push(frame);
                    }
                    Err(error) => {
                        if let ServerFrame::PageCall { request, .. } = &frame {
                            give_back(&request.args).for_each(|task| self.mailbox.push(task));
                        }
                        self.mailbox.push(GuestTask::EndPageCall { call, id, outcome: Err(error.into()) });
                    }
                }
            }
            PageTask::Cancel(id) => {
                if self.page_calls.cancel(id) {
                    self.send(&ServerFrame::PageCancel { id });
                }
            }
            PageTask::Read { call, id, object, offset, length } => {
                if let Err(error) = self.reads.begin(id, call, object, offset, length) {
                    self.mailbox.push(GuestTask::EndPageRead { call, id, outcome: Err(error) });
                }
            }
            PageTask::Drop => {}
        }
    }

    fn settle(&mut self, settled: Settled, now: Instant) {
        match settled {
            Settled::Call { call, outcome, .. } => {
                let outcome = outcome.map(|result| result.into_message());
                if self.calls.contains_key(&call) {
                    self.end_call(call, outcome, now);
                } else if let Ok(message) = outcome {
                    // The page has cancelled the call.
                    give_back(&message).for_each(|task| self.mailbox.push(task));
                }
            }
            Settled::Read { call, outcome, .. } => {
                let bytes = outcome.as_ref().ok().map(Vec::len).filter(|length| *length > 0);
                let Some(stream) = self.streams.end(call, bytes) else { return };
                match outcome {
                    Ok(bytes) if !bytes.is_empty() => self.send(&ServerFrame::Data { stream, bytes: bytes.into() }),
                    Ok(_) => self.send(&ServerFrame::DataEnd { stream, outcome: Ok(()) }),
                    Err(error) => self.send(&ServerFrame::DataEnd { stream, outcome: Err(self.plain(error)) }),
                }
            }
        }
    }

    /// Ends a call of the page.
    fn end_call(&mut self, call: u64, outcome: Result<Message, Error>, now: Instant) {
        let kind = outcome.as_ref().err().map(Error::kind);
        if let Some(begun) = self.calls.remove(&call) {
            self.metrics.call(Direction::In, kind, now - begun);
        }
        let frame = ServerFrame::End { call, outcome: outcome.map_err(|error| self.plain(error)) };
        match frame.encode(&self.limits) {
            Ok(bytes) if kind.is_some() || bytes.len() <= self.room => self.push(bytes),
            encoded => {
                let refused = encoded.err().unwrap_or_else(|| WireError::too_large(NO_ROOM));
                if let ServerFrame::End { outcome: Ok(message), .. } = &frame {
                    give_back(message).for_each(|task| self.mailbox.push(task));
                }
                self.metrics.limit_hit(Limit::MessageOut);
                let what = format!("The result cannot be sent: {refused} A stream carries more.");
                self.send(&ServerFrame::End { call, outcome: Err(Error::new(refused.kind(), what)) });
            }
        }
    }

    fn end_read(&mut self, ended: Option<reads::Ended>) {
        if let Some((id, call, outcome)) = ended {
            self.mailbox.push(GuestTask::EndPageRead { call, id, outcome });
        }
    }

    /// Asks guest and page for more of their streams, if `has_room` says that there is room for it.
    pub(crate) fn pull(&mut self, has_room: bool, presence: Duration) {
        if !has_room {
            return;
        }
        while let Some(read) = self.streams.next() {
            let waiter = Some(Waiter::Driver);
            self.mailbox.push(GuestTask::Read { call: read.call, stream: read.stream, max: read.max, waiter });
        }
        while let Some(read) = self.reads.next(presence.saturating_add(self.options.page_call_limit)) {
            let reads::PageRead { piece, object, offset, length } = read;
            self.send(&ServerFrame::PageRead { id: piece, object, offset, length });
        }
    }

    /// Returns the time of the page's presence at which the page is late with something.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        [self.page_calls.next_deadline(), self.reads.next_deadline()].into_iter().flatten().min()
    }

    /// Ends what the page is late with.
    pub(crate) fn end_late(&mut self, now: Now) {
        let limit = self.options.page_call_limit;
        let late = || {
            let what = format!("The page has not answered within {} s.", limit.as_secs_f64());
            Error::new(ErrorKind::TimedOut, what)
        };
        while let Some(Late { id, call, begun }) = self.page_calls.pop_late(now.presence) {
            self.metrics.limit_hit(Limit::PageCall);
            self.metrics.call(Direction::Out, Some(ErrorKind::TimedOut), now.clock - begun);
            self.mailbox.push(GuestTask::EndPageCall { call, id, outcome: Err(late()) });
            self.send(&ServerFrame::PageCancel { id });
        }
        for ended in self.reads.end_late(now.presence, late) {
            self.end_read(Some(ended));
        }
    }

    /// Ends for the guest what it has begun at the page, which is gone for good, and forgets everything else.
    pub(crate) fn disconnect(&mut self) {
        self.mailbox.clear();
        self.calls.clear();
        self.streams.clear();
        self.out.clear();
        let gone = || Error::new(ErrorKind::Disconnected, "The page is gone for good.");
        for (id, call) in self.page_calls.take_all() {
            self.mailbox.push(GuestTask::EndPageCall { call, id, outcome: Err(gone()) });
        }
        for (id, call) in self.reads.take_all() {
            self.mailbox.push(GuestTask::EndPageRead { call, id, outcome: Err(gone()) });
        }
        self.mailbox.push(GuestTask::RunReady);
    }

    /// Returns an error as the page may see it: the details are for the log, unless the server is told otherwise.
    fn plain(&self, error: Error) -> Error {
        if self.options.detailed_errors { error } else { Error::new(error.kind(), error.message()) }
    }

    /// Gives back the page's objects in a message that the guest does not get.
    fn release_objects_in(&mut self, message: &Message) {
        let mut released = BTreeMap::new();
        for object in message.page_objects() {
            *released.entry(object).or_default() += 1;
        }
        self.release_objects(released);
    }

    fn release_objects(&mut self, released: BTreeMap<i64, u32>) {
        // A page that names an object by a number that it cannot write does not get that one back.
        let known = released.into_iter().filter(|(object, _)| u64::try_from(*object).is_ok_and(|id| id <= MAX_INTEGER));
        let objects: Vec<(i64, u32)> = known.collect();
        for objects in objects.chunks(MAX_RELEASES) {
            self.send(&ServerFrame::PageRelease { objects: objects.to_vec() });
        }
    }

    /// Sends a frame that has no large parts.
    fn send(&mut self, frame: &ServerFrame) {
        match frame.encode(&self.limits) {
            Ok(bytes) => self.push(bytes),
            Err(error) => tracing::error!("a '{}' frame is not sent: {error}", frame.name()),
        }
    }
}

/// Returns whether something ended before its guest trapped.
fn has_ended_before(settled: &Settled) -> bool {
    let error = match settled {
        Settled::Call { outcome, .. } => outcome.as_ref().err(),
        Settled::Read { outcome, .. } => outcome.as_ref().err(),
    };
    error.is_none_or(|error| error.kind() != ErrorKind::GuestTrapped)
}
