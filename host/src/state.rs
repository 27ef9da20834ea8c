//! What a store holds: the guest's resources, and the imports of `dotwit:interop/page`.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use wasmtime::ResourceLimiter;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use crate::bindings::page;
use crate::bindings::types::{self, CallError, Message};
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::function::text;
use crate::js_object::js_failed;
use crate::json;
use crate::page::{NoPage, Request};
use crate::result::ResultMessage;
use crate::runtime::{MAX_TABLE_ELEMENTS, Runtime, TICK, ticks};
use crate::session::Session;
use crate::shared::{Errand, Job, Shared};
use crate::wasi;

/// How much of a panic's message is kept, in bytes. Each pending call gets a copy, and a guest may have gigabytes to say.
const MAX_PANIC: usize = 4 << 10;

/// How a call of the guest went.
pub(crate) type Outcome = Result<ResultMessage, Error>;

/// How a call of the page went.
pub(crate) type PageOutcome = Result<Message, Error>;

/// How a read of a stream went.
pub(crate) type ReadOutcome = Result<Vec<u8>, Error>;

/// What has ended, and who waits for it.
pub(crate) enum Ended {
    Call(oneshot::Sender<Outcome>, Outcome),
    Read(oneshot::Sender<ReadOutcome>, ReadOutcome),
}

/// What a session holds for its guest.
#[cfg_attr(not(feature = "typed"), expect(unreachable_pub, reason = "the typed interop's API has it"))]
pub struct State {
    /// What the program has put beside it, by type.
    #[cfg(feature = "typed")]
    own: HashMap<std::any::TypeId, Box<dyn std::any::Any + Send>>,
    wasi: WasiCtx,
    table: ResourceTable,
    config: Arc<Config>,
    /// Whose guest it is, once it has started.
    pub(crate) session: Weak<Shared>,
    /// The time, in [`TICK`]s.
    clock: Arc<AtomicU64>,
    /// When the visit that is under way must be over, on that clock.
    deadline: u64,
    /// How much later that is than the engine knows.
    overtime: u64,
    /// How much memory the guest began with, in bytes: for its code's data and its stack.
    initial_memory: usize,
    /// How much memory the guest asked for, in bytes, when it was last refused more.
    pub(crate) refused_memory: Option<usize>,
    /// What the guest said before it trapped.
    pub(crate) panic: Option<Panic>,
    /// Who waits for each call that has not ended.
    pub(crate) pending: HashMap<u64, oneshot::Sender<Outcome>>,
    /// Who waits for each read of a stream that has not ended.
    pub(crate) reading: HashMap<u64, oneshot::Sender<ReadOutcome>>,
    /// What the guest has begun at the page, and the page's names for it.
    pub(crate) page_calls: HashMap<u64, u64>,
    pub(crate) page_reads: HashMap<u64, u64>,
    /// The name for the next.
    next_id: u64,
    pub(crate) left: Left,
    /// How much the guest has begun at the page since it was entered.
    begun: usize,
}

/// What a visit leaves to be done when the guest is off the stack.
#[derive(Default)]
pub(crate) struct Left {
    /// What has ended, and whose callers are told once the session is free.
    pub(crate) ended: Vec<Ended>,
    /// What the page is asked for.
    pub(crate) errands: Vec<Errand>,
    /// What the guest must be told.
    pub(crate) jobs: Vec<Job>,
    /// When the guest asked to be called, where it did so since it was entered.
    pub(crate) alarm: Option<Instant>,
}

/// A panic that the guest reported.
pub(crate) struct Panic {
    pub(crate) message: String,
    pub(crate) location: String,
}

impl State {
    pub(crate) fn new(runtime: &Runtime) -> Self {
        Self {
            #[cfg(feature = "typed")]
            own: HashMap::new(),
            wasi: wasi::context(),
            table: ResourceTable::new(),
            config: Arc::clone(&runtime.config),
            session: Weak::new(),
            clock: Arc::clone(&runtime.clock),
            deadline: 0,
            overtime: 0,
            initial_memory: 0,
            refused_memory: None,
            panic: None,
            pending: HashMap::new(),
            reading: HashMap::new(),
            page_calls: HashMap::new(),
            page_reads: HashMap::new(),
            next_id: 1,
            left: Left::default(),
            begun: 0,
        }
    }

    /// Gives the guest its time, and forgets what was said in the visit before. The time in [`TICK`]s.
    pub(crate) fn begin_visit(&mut self) -> u64 {
        let ticks = ticks(self.config.cpu_limit);
        self.deadline = self.now().saturating_add(ticks);
        self.overtime = 0;
        self.refused_memory = None;
        self.panic = None;
        self.begun = 0;
        ticks
    }

    fn now(&self) -> u64 {
        self.clock.load(Ordering::Relaxed)
    }

    /// How long the guest may still run or wait in this visit.
    pub(crate) fn time_left(&self) -> Duration {
        let ticks = self.deadline.saturating_sub(self.now());
        TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    /// How much longer than the engine knows the guest may run, in [`TICK`]s. It is granted once.
    pub(crate) fn take_overtime(&mut self) -> u64 {
        std::mem::take(&mut self.overtime)
    }

    /// How large a message to the guest may be, in bytes: no larger than all the memory that it can have beside what it began with.
    pub(crate) fn max_message(&self) -> usize {
        self.config.max_memory.saturating_sub(self.initial_memory)
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// The outcome of a call that leaves the guest: what it names is held from here on.
    pub(crate) fn outcome(&self, outcome: Result<Message, CallError>) -> Outcome {
        outcome.map(|message| ResultMessage::new(&self.session, message)).map_err(Error::from)
    }

    /// Ends everything that is under way.
    pub(crate) fn end_all(&mut self, error: &Error) {
        let calls = self.pending.drain().map(|(_, waiting)| Ended::Call(waiting, Err(error.clone())));
        self.left.ended.extend(calls);
        let reads = self.reading.drain().map(|(_, waiting)| Ended::Read(waiting, Err(error.clone())));
        self.left.ended.extend(reads);
        self.page_calls.clear();
        self.page_reads.clear();
        // Beyond what it asked for before.
        self.left.errands.push(Errand::Gone);
    }

    /// Counts what the guest begins at the page, and refuses what is too much. Gives the page's name for it.
    fn begin(&mut self, what: &str) -> wasmtime::Result<(u64, Result<(), Error>)> {
        let limit = self.config.max_pending_calls;
        self.begun += 1;
        if self.begun > limit.saturating_mul(2) {
            let begun = self.begun - 1;
            wasmtime::bail!("it began {begun} calls of the page without returning, and {limit} is the limit");
        }
        let id = self.next_id;
        self.next_id += 1;
        let pending = self.page_calls.len() + self.page_reads.len();
        if pending < limit {
            return Ok((id, Ok(())));
        }
        let what = format!("The {what} is refused: {limit} calls of the page are under way, and {limit} is the limit.");
        Ok((id, Err(Error::new(ErrorKind::TooMany, what))))
    }

    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

#[cfg(feature = "typed")]
impl State {
    /// The program's own data of a type, for the functions that it links: made with `Default` when it is first asked for, and
    /// kept as long as the session.
    pub fn own<T: Default + Send + 'static>(&mut self) -> &mut T {
        let own = self.own.entry(std::any::TypeId::of::<T>()).or_insert_with(|| Box::new(T::default()));
        own.downcast_mut().unwrap_or_else(|| unreachable!("each type has a box of its own"))
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        if current == 0 {
            self.initial_memory = desired;
        }
        let allowed = desired <= self.config.max_memory;
        if !allowed {
            self.refused_memory = Some(desired);
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}

impl types::Host for State {}

impl page::Host for State {
    fn invoke_js(
        &mut self,
        target: i64,
        identifier: String,
        operation: page::Operation,
        want: page::ResultType,
        args: Message,
    ) -> Result<Message, CallError> {
        let request = Request { target, identifier, operation: operation.into(), want: want.into(), args };
        let Some(session) = self.session.upgrade() else { return Err(NoPage::refusal().into()) };
        let Some(page) = session.page() else { return Err(NoPage::refusal().into()) };
        if let Err(error) = json::check_arguments(&self.config, usize::MAX, &request.identifier, &request.args) {
            session.give_back(&request.args);
            return Err(error.into());
        }
        let began = self.now();
        let answer = catch_unwind(AssertUnwindSafe(|| page.invoke(&Session::of(Arc::clone(&session)), request)));
        // The page's time is its own.
        let taken = self.now() - began;
        self.deadline = self.deadline.saturating_add(taken);
        self.overtime = self.overtime.saturating_add(taken);
        let answer = answer.unwrap_or_else(|panic| Err(js_failed(format!("The page panicked: {}", text(&*panic)))));
        let (answer, unfit) = json::fit_answer(&self.config, self.max_message(), answer);
        if let Some(unfit) = unfit {
            session.discard(&unfit);
        }
        answer.map_err(CallError::from)
    }

    fn begin_invoke_js(
        &mut self,
        call: u64,
        target: i64,
        identifier: String,
        operation: page::Operation,
        want: page::ResultType,
        args: Message,
    ) -> wasmtime::Result<()> {
        // A guest that has not started yet is not answered.
        let Some(session) = self.session.upgrade() else { return Ok(()) };
        let request = Request { target, identifier, operation: operation.into(), want: want.into(), args };
        let (id, allowed) = self.begin(&format!("call to '{}'", request.identifier))?;
        if self.page_calls.insert(call, id).is_some() {
            wasmtime::bail!("it began the call {call} of the page, which is under way");
        }
        let noted = allowed
            .and_then(|()| json::check_arguments(&self.config, usize::MAX, &request.identifier, &request.args))
            .and_then(|()| session.note_errand(&request));
        match noted {
            Ok(names) => self.left.errands.push(Errand::Begin { call, id, request, names }),
            Err(error) => {
                session.give_back(&request.args);
                self.left.jobs.push(Job::EndCall { call, id, outcome: Err(error) });
            }
        }
        Ok(())
    }

    fn cancel_invoke_js(&mut self, call: u64) {
        if let Some(id) = self.page_calls.remove(&call) {
            self.left.errands.push(Errand::Cancel(id));
            self.left.jobs.push(Job::Cancelled(call));
        }
    }

    fn release_js(&mut self, object: i64) {
        if let Some(session) = self.session.upgrade() {
            session.release_js(object);
        }
    }

    fn read_js_stream(&mut self, call: u64, object: i64, offset: u64, length: u32) -> wasmtime::Result<()> {
        let Some(session) = self.session.upgrade() else { return Ok(()) };
        let (id, mut allowed) = self.begin("read of a stream")?;
        if self.page_reads.insert(call, id).is_some() {
            wasmtime::bail!("it began the read {call} of the page, which is under way");
        }
        let limit = self.config.max_memory;
        if length as usize > limit {
            let what = format!("{length} bytes of a stream were asked for at once, and {limit} is the limit.");
            allowed = Err(Error::new(ErrorKind::TooLarge, what));
        }
        match allowed {
            Ok(()) => {
                session.hold(&[object]);
                self.left.errands.push(Errand::Read { call, id, object, offset, length });
            }
            Err(error) => self.left.jobs.push(Job::EndPiece { call, id, outcome: Err(error) }),
        }
        Ok(())
    }

    fn end_invoke(&mut self, call: u64, outcome: Result<Message, CallError>) {
        // A call that nobody awaits any more has been cancelled, and the guest may end it all the same.
        if let Some(waiting) = self.pending.remove(&call) {
            let outcome = self.outcome(outcome);
            self.left.ended.push(Ended::Call(waiting, outcome));
        }
    }

    fn end_read(&mut self, call: u64, outcome: Result<Vec<u8>, CallError>) {
        if let Some(waiting) = self.reading.remove(&call) {
            self.left.ended.push(Ended::Read(waiting, outcome.map_err(Error::from)));
        }
    }

    fn wake_after(&mut self, nanoseconds: u64) {
        // A time beyond the clock's range never comes.
        self.left.alarm = Instant::now().checked_add(Duration::from_nanos(nanoseconds));
    }

    fn report_panic(&mut self, mut message: String, mut location: String) {
        message.truncate(message.floor_char_boundary(MAX_PANIC));
        location.truncate(location.floor_char_boundary(MAX_PANIC));
        self.panic = Some(Panic { message, location });
    }
}
