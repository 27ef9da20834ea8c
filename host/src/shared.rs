//! What the clones of a session share: the guest behind its lock, and what waits on either side of it.
//!
//! Two queues keep the order. **Jobs** are what the guest must be told: ends of what it began, and calls that were made while
//! it was on the stack. They are delivered whenever the guest is free, by whichever thread finds it so. **Errands** are what
//! the guest has asked of its page. They are run without the guest's lock, one after the other, so that a function of the page
//! may call the session; what it answers is a job again.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::oneshot;

use crate::bindings::types::{Message, Target};
use crate::clock;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::executor;
use crate::instance::Instance;
use crate::js_object::Table;
use crate::json::{self, Named};
use crate::page::{Completion, Page, Request};
use crate::result::ResultMessage;
use crate::session::Session;
use crate::state::{Ended, Outcome, PageOutcome, ReadOutcome};

/// How many jobs or errands a thread does for others before it goes on with its own work, and leaves the rest to a thread of
/// the host's: far more than calls need that come to an end.
const MAX_TURNS: usize = 1_000;

/// What the guest must be told.
pub(crate) enum Job {
    Begin { call: u64, target: Target, method: String, args: Message, waiting: oneshot::Sender<Outcome> },
    Cancel(u64),
    EndCall { call: u64, id: u64, outcome: PageOutcome },
    EndPiece { call: u64, id: u64, outcome: ReadOutcome },
    Cancelled(u64),
    Release(u64),
    Forget(u64, u32),
    Read { call: u64, stream: u64, max: u32, waiting: oneshot::Sender<ReadOutcome> },
    Close(u64),
}

/// What the guest asks of its page. `call` is what the guest names it by, `id` what the page does.
pub(crate) enum Errand {
    Begin {
        call: u64,
        id: u64,
        request: Request,
        names: Vec<i64>,
    },
    Cancel(u64),
    Read {
        call: u64,
        id: u64,
        object: i64,
        offset: u64,
        length: u32,
    },
    /// The guest is gone, and the page with it.
    Gone,
}

/// How something began that may take its time.
pub(crate) enum Begun<T> {
    Ended(Result<T, Error>),
    Waiting(oneshot::Receiver<Result<T, Error>>),
}

pub(crate) struct Shared {
    instance: Mutex<Instance>,
    /// The thread that has the guest on its stack, or 0.
    guest_on: AtomicUsize,
    /// The thread that runs an errand, or 0.
    page_on: AtomicUsize,
    queues: Mutex<Queues>,
    /// How many jobs and how many errands wait.
    jobs: AtomicUsize,
    errands: AtomicUsize,
    /// Who waits inside of an errand for what only other errands may bring about.
    helper: Mutex<Option<Waker>>,
    page: Mutex<Option<Arc<dyn Page>>>,
    /// The objects of the page that the guest holds, where the page is a native one.
    pub(crate) table: Option<Arc<Table>>,
    pub(crate) config: Arc<Config>,
    /// How large the arguments of a call may be, in bytes.
    pub(crate) max_message: usize,
    pub(crate) open_streams: AtomicUsize,
    next_call: AtomicU64,
}

#[derive(Default)]
struct Queues {
    jobs: VecDeque<Job>,
    errands: VecDeque<Errand>,
    /// How many of the jobs begin calls.
    beginning: usize,
    /// The bytes of the errands' arguments.
    bytes: usize,
    /// The page's objects that errands and unread results name, which cannot be released before.
    named: HashMap<i64, Kept>,
    /// The page of a guest that is gone, kept for what is named.
    kept_page: Option<Arc<dyn Page>>,
}

#[derive(Default)]
struct Kept {
    /// How many errands and unread results name the object.
    names: usize,
    releases: usize,
}

/// A session as something else knows it that may outlive it, or must not keep it alive.
#[derive(Clone)]
pub(crate) struct Hold {
    session: Weak<Shared>,
    _keep: Option<Arc<Shared>>,
}

impl Hold {
    /// Keeps the session.
    pub(crate) fn strong(session: &Arc<Shared>) -> Self {
        Self { session: Arc::downgrade(session), _keep: Some(Arc::clone(session)) }
    }

    /// Leaves the session to others.
    pub(crate) fn weak(session: Weak<Shared>) -> Self {
        Self { session, _keep: None }
    }

    pub(crate) fn get(&self) -> Result<Arc<Shared>, Error> {
        self.session.upgrade().ok_or_else(|| Error::new(ErrorKind::Disconnected, "The session has ended."))
    }

    pub(crate) fn upgrade(&self) -> Option<Arc<Shared>> {
        self.session.upgrade()
    }

    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Weak::clone(&self.session)
    }
}

/// The guest, while this thread may have it on its stack.
struct Entered<'a> {
    instance: MutexGuard<'a, Instance>,
    shared: &'a Shared,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.shared.guest_on.store(0, Ordering::Relaxed);
    }
}

/// A number for this thread that no other has meanwhile.
fn this_thread() -> usize {
    thread_local! {
        static PLACE: u8 = const { 0 };
    }
    PLACE.with(|place| std::ptr::from_ref(place) as usize)
}

impl Shared {
    pub(crate) fn new(
        instance: Instance,
        config: Arc<Config>,
        page: Arc<dyn Page>,
        table: Option<Arc<Table>>,
    ) -> Arc<Self> {
        let shared = Arc::new(Self {
            max_message: instance.max_message(),
            instance: Mutex::new(instance),
            guest_on: AtomicUsize::new(0),
            page_on: AtomicUsize::new(0),
            queues: Mutex::default(),
            jobs: AtomicUsize::new(0),
            errands: AtomicUsize::new(0),
            helper: Mutex::new(None),
            page: Mutex::new(Some(page)),
            table,
            config,
            open_streams: AtomicUsize::new(0),
            next_call: AtomicU64::new(1),
        });
        shared.instance.lock().attach(Arc::downgrade(&shared));
        shared
    }

    /// Whether this thread has the guest on its stack.
    pub(crate) fn is_on_stack(&self) -> bool {
        self.guest_on.load(Ordering::Relaxed) == this_thread()
    }

    /// # Errors
    ///
    /// [`ErrorKind::Reentrant`], where this thread has the guest on its stack.
    pub(crate) fn check_off_stack(&self, what: &str) -> Result<(), Error> {
        if self.is_on_stack() { Err(reentrant(what)) } else { Ok(()) }
    }

    fn is_in_errand(&self) -> bool {
        self.page_on.load(Ordering::Relaxed) == this_thread()
    }

    /// The page, while there is a guest that calls it.
    pub(crate) fn page(&self) -> Option<Arc<dyn Page>> {
        self.page.lock().clone()
    }

    fn entered<'a>(&'a self, instance: MutexGuard<'a, Instance>) -> Entered<'a> {
        self.guest_on.store(this_thread(), Ordering::Relaxed);
        Entered { instance, shared: self }
    }

    /// Lets `visit` call the guest, then does what was asked for meanwhile. Waits for other threads that are calling it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Reentrant`], where this thread has the guest on its stack.
    pub(crate) fn visit<T>(
        self: &Arc<Self>,
        what: &str,
        visit: impl FnOnce(&mut Instance) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.check_off_stack(what)?;
        let mut entered = self.entered(self.instance.lock());
        // What was to be told before comes first.
        let late = self.deliver(&mut entered.instance);
        entered.instance.begin_visit();
        let result = visit(&mut entered.instance);
        self.leave(entered, late);
        self.settle();
        result
    }

    /// Tells the guest something, as soon as it is free: now, unless somebody is calling it, who then does so.
    pub(crate) fn post(self: &Arc<Self>, job: Job) {
        self.push_jobs([job]);
        self.settle();
    }

    fn push_jobs(&self, jobs: impl IntoIterator<Item = Job>) {
        let queues = &mut *self.queues.lock();
        for job in jobs {
            queues.beginning += usize::from(matches!(job, Job::Begin { .. }));
            queues.jobs.push_back(job);
        }
        self.jobs.store(queues.jobs.len(), Ordering::Release);
    }

    fn next_job(&self) -> Option<Job> {
        let queues = &mut *self.queues.lock();
        let job = queues.jobs.pop_front()?;
        queues.beginning -= usize::from(matches!(job, Job::Begin { .. }));
        self.jobs.store(queues.jobs.len(), Ordering::Release);
        Some(job)
    }

    /// Tells the guest what waits. Gives the results of the page that nobody waits for.
    fn deliver(&self, instance: &mut Instance) -> Vec<Message> {
        let mut late = Vec::new();
        // Those that come meanwhile have their turn when others had theirs.
        for _ in 0..self.jobs.load(Ordering::Acquire) {
            let Some(job) = self.next_job() else { break };
            instance.begin_visit();
            late.extend(instance.run(job));
        }
        late
    }

    /// Takes what the guest has asked for, and leaves it to others.
    fn leave(self: &Arc<Self>, mut entered: Entered<'_>, late: Vec<Message>) {
        let left = entered.instance.leave(self);
        if !left.jobs.is_empty() {
            self.push_jobs(left.jobs);
        }
        if !left.errands.is_empty() {
            let queues = &mut *self.queues.lock();
            queues.errands.extend(left.errands);
            self.errands.store(queues.errands.len(), Ordering::Release);
        }
        drop(entered);
        late.iter().for_each(|message| self.discard(message));
        // Whoever waits may call the session at once, and so is told when it is free.
        for ended in left.ended {
            match ended {
                Ended::Call(waiting, outcome) => {
                    if let Err(Ok(unread)) = waiting.send(outcome) {
                        self.give_back(&unread);
                    }
                }
                Ended::Read(waiting, outcome) => drop(waiting.send(outcome)),
            }
        }
    }

    /// Does what waits, as far as nobody else is at it.
    pub(crate) fn settle(self: &Arc<Self>) {
        let waits = self.jobs.load(Ordering::Acquire) + self.errands.load(Ordering::Acquire) > 0;
        if !waits || self.is_on_stack() {
            return;
        }
        if std::thread::panicking() {
            // A panic on its way through a thread is no place to call the guest from.
            return self.settle_elsewhere();
        }
        // An errand that calls the session does not begin others: they would nest without end.
        self.turns(!self.is_in_errand());
    }

    fn settle_elsewhere(self: &Arc<Self>) {
        let session = Arc::downgrade(self);
        clock::spawn_blocking(move || {
            if let Some(session) = session.upgrade() {
                session.settle();
            }
        });
    }

    fn turns(self: &Arc<Self>, with_errands: bool) {
        for _ in 0..MAX_TURNS {
            let delivered = self.deliver_now();
            let done = with_errands && self.run_errand();
            if !delivered && !done {
                self.wake_helper();
                return;
            }
        }
        self.settle_elsewhere();
    }

    fn deliver_now(self: &Arc<Self>) -> bool {
        if self.jobs.load(Ordering::Acquire) == 0 {
            return false;
        }
        // Who holds it looks again afterwards.
        let Some(instance) = self.instance.try_lock() else { return false };
        let mut entered = self.entered(instance);
        let late = self.deliver(&mut entered.instance);
        self.leave(entered, late);
        true
    }

    fn run_errand(self: &Arc<Self>) -> bool {
        if self.errands.load(Ordering::Acquire) == 0 {
            return false;
        }
        let me = this_thread();
        let entered = self.page_on.compare_exchange(0, me, Ordering::AcqRel, Ordering::Acquire);
        // Who is at it looks again afterwards. This thread may be, if it waits inside of an errand.
        if entered.is_err_and(|other| other != me) {
            return false;
        }
        let errand = {
            let queues = &mut *self.queues.lock();
            let errand = queues.errands.pop_front();
            self.errands.store(queues.errands.len(), Ordering::Release);
            errand
        };
        let some = errand.is_some();
        if let Some(errand) = errand {
            self.run(errand);
        }
        if entered.is_ok() {
            self.page_on.store(0, Ordering::Release);
        }
        some
    }

    fn run(self: &Arc<Self>, errand: Errand) {
        let Some(page) = self.page() else { return };
        let session = Arc::downgrade(self);
        let (bytes, names) = match &errand {
            Errand::Begin { request, names, .. } => (size(request), names.clone()),
            Errand::Read { object, .. } => (0, vec![*object]),
            Errand::Cancel(_) | Errand::Gone => (0, Vec::new()),
        };
        // A panic has dropped the completion, and so the guest knows. The page, which may be dropped here for good, moves inside.
        let _ = catch_unwind(AssertUnwindSafe(move || match errand {
            Errand::Begin { call, id, request, .. } => {
                let completion =
                    Completion::new(session, call, id, |call, id, outcome| Job::EndCall { call, id, outcome });
                page.begin(&Session::of(Arc::clone(self)), id, request, completion);
            }
            Errand::Read { call, id, object, offset, length } => {
                let completion =
                    Completion::new(session, call, id, |call, id, outcome| Job::EndPiece { call, id, outcome });
                page.read(object, offset, length, completion);
            }
            Errand::Cancel(id) => page.cancel(id),
            Errand::Gone => self.drop_page(),
        }));
        self.queues.lock().bytes -= bytes;
        self.release_held(&names);
    }

    /// Takes an errand's arguments and the names in them into account. Gives the names.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`], where all that wait would be larger than a guest may be.
    pub(crate) fn note_errand(&self, request: &Request) -> Result<Vec<i64>, Error> {
        let mut names = Named::find(&request.args.json).js_objects;
        names.push(request.target);
        let queues = &mut *self.queues.lock();
        let (bytes, limit) = (queues.bytes + size(request), self.config.max_memory);
        if bytes > limit {
            let what = format!("The calls of the page that wait have {bytes} bytes, and {limit} is the limit.");
            return Err(Error::new(ErrorKind::TooLarge, what));
        }
        queues.bytes = bytes;
        queues.hold(&names);
        Ok(names)
    }

    /// Keeps objects of the page from being released, until as many calls of [`release_held`](Self::release_held).
    pub(crate) fn hold(&self, objects: &[i64]) {
        self.queues.lock().hold(objects);
    }

    /// Ends what [`hold`](Self::hold) began, and makes up for the releases that it held up.
    pub(crate) fn release_held(&self, objects: &[i64]) {
        let (released, page) = {
            let queues = &mut *self.queues.lock();
            let mut released = Vec::new();
            for name in objects {
                let Some(kept) = queues.named.get_mut(name) else { continue };
                kept.names -= 1;
                if kept.names == 0 {
                    released.extend(std::iter::repeat_n(*name, kept.releases));
                    queues.named.remove(name);
                }
            }
            (released, if queues.named.is_empty() { queues.kept_page.take() } else { None })
        };
        released.into_iter().for_each(|object| self.release_js(object));
        // There is nobody whom a panic would tell anything.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(page)));
    }

    /// Takes the page away from a guest that is gone. What unread results name keeps it.
    fn drop_page(&self) {
        let mut page = self.page.lock().take();
        let queues = &mut *self.queues.lock();
        if !queues.named.is_empty() {
            queues.kept_page = page.take();
        }
    }

    /// Tells the page that the guest has released a reference, once no errand that waits names the object.
    pub(crate) fn release_js(&self, object: i64) {
        if let Some(kept) = self.queues.lock().named.get_mut(&object) {
            kept.releases += 1;
            return;
        }
        if let Some(page) = self.page() {
            // There is nobody whom a panic would tell anything.
            let _ = catch_unwind(AssertUnwindSafe(|| page.release(object)));
        }
    }

    /// Releases the page's objects in a message that the guest does not get.
    pub(crate) fn discard(&self, message: &Message) {
        Named::find(&message.json).js_objects.into_iter().filter(|id| *id > 0).for_each(|id| self.release_js(id));
    }

    /// Gives up what a message of the guest's names and nobody has received.
    pub(crate) fn give_back(self: &Arc<Self>, message: &Message) {
        let named = Named::find(&message.json);
        let mut times: HashMap<u64, u32> = HashMap::new();
        named.objects.into_iter().for_each(|object| *times.entry(object).or_default() += 1);
        let forget = times.into_iter().map(|(object, times)| Job::Forget(object, times));
        self.push_jobs(forget.chain(named.streams.into_iter().map(Job::Close)));
        self.settle();
    }

    /// Begins a call of the guest: later, where it is on the stack of this thread.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMany`], where nothing has been sent.
    pub(crate) fn begin_call(
        self: &Arc<Self>,
        call: u64,
        target: &Target,
        method: &str,
        args: &Message,
    ) -> Result<Begun<ResultMessage>, Error> {
        let (waiting, outcome) = oneshot::channel();
        if !self.is_on_stack() {
            let begun = self.visit(method, |instance| {
                instance.check_pending(method)?;
                Ok(instance.begin(call, target, method, args, waiting))
            })?;
            return Ok(begun.map_or(Begun::Waiting(outcome), |(_, outcome)| Begun::Ended(outcome)));
        }
        let waits = self.queues.lock().beginning;
        if waits >= self.config.max_pending_calls {
            return Err(too_many_calls(method, waits));
        }
        let (target, method, args) = (target.clone(), method.to_owned(), args.clone());
        self.post(Job::Begin { call, target, method, args, waiting });
        Ok(Begun::Waiting(outcome))
    }

    pub(crate) fn next_call(&self) -> u64 {
        self.next_call.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks for the next bytes of a stream of the guest: later, where it is on the stack of this thread.
    pub(crate) fn begin_read(self: &Arc<Self>, stream: u64, max: u32) -> Begun<Vec<u8>> {
        let (waiting, outcome) = oneshot::channel();
        let call = self.next_call();
        if self.is_on_stack() {
            self.post(Job::Read { call, stream, max, waiting });
            return Begun::Waiting(outcome);
        }
        match self.visit("stream", |instance| Ok(instance.read(call, stream, max, waiting))) {
            Ok(begun) => begun.map_or(Begun::Waiting(outcome), |(_, outcome)| Begun::Ended(outcome)),
            Err(error) => Begun::Ended(Err(error)),
        }
    }

    /// Closes a stream of the guest.
    pub(crate) fn close_stream(self: &Arc<Self>, stream: u64) {
        self.post(Job::Close(stream));
    }

    /// Polls for the end of what has begun.
    ///
    /// Where this thread has the guest on its stack, nothing can end before the one who polls returns: to wait would be for
    /// ever, and so is an error. Where it runs an errand, others are run meanwhile.
    pub(crate) fn poll_end<T>(
        self: &Arc<Self>,
        waiting: &mut oneshot::Receiver<Result<T, Error>>,
        cx: &mut Context<'_>,
        what: &str,
    ) -> Poll<Result<T, Error>> {
        let polled = poll_waiting(waiting, cx, what);
        if polled.is_ready() {
            return polled;
        }
        if self.is_on_stack() {
            return Poll::Ready(Err(reentrant(what)));
        }
        // A future is polled again when it can go on. Others that wait here block the page.
        if !self.is_in_errand() || executor::is_polling() {
            return polled;
        }
        *self.helper.lock() = Some(cx.waker().clone());
        self.turns(true);
        poll_waiting(waiting, cx, what)
    }

    /// Wakes who waits inside of an errand, if there is something to do that only it can do.
    fn wake_helper(&self) {
        if self.errands.load(Ordering::Acquire) > 0 && !self.is_in_errand() {
            let helper = self.helper.lock().take();
            if let Some(helper) = helper {
                helper.wake();
            }
        }
    }

    /// Calls the guest because its alarm has gone off.
    pub(crate) fn run_ready(self: &Arc<Self>) {
        // Whoever waits for a call learns of a trap by its end.
        let _ = self.visit("alarm", Instance::run_ready);
    }
}

impl Queues {
    fn hold(&mut self, objects: &[i64]) {
        objects.iter().for_each(|object| self.named.entry(*object).or_default().names += 1);
    }
}

fn poll_waiting<T>(
    waiting: &mut oneshot::Receiver<Result<T, Error>>,
    cx: &mut Context<'_>,
    what: &str,
) -> Poll<Result<T, Error>> {
    Pin::new(waiting).poll(cx).map(|ended| {
        // Only a guest that broke the contract forgets a call without a trap.
        ended.unwrap_or_else(|_| Err(Error::new(ErrorKind::Protocol, format!("The guest forgot the {what}."))))
    })
}

fn size(request: &Request) -> usize {
    request.identifier.len() + json::size(&request.args)
}

pub(crate) fn too_many_calls(method: &str, limit: usize) -> Error {
    let what = format!("The call to '{method}' is refused: {limit} calls are under way, and {limit} is the limit.");
    Error::new(ErrorKind::TooMany, what)
}

fn reentrant(what: &str) -> Error {
    let what = format!(
        "The guest is on the stack, in a synchronous call of its page: '{what}' cannot be called or waited for from there. \
         Call asynchronously, and wait elsewhere."
    );
    Error::new(ErrorKind::Reentrant, what)
}
