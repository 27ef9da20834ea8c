//! What a store holds: the guest's resources, and the imports of `dotwit:interop/page`.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use wasmtime::ResourceLimiter;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use crate::bindings::page;
use crate::bindings::types::{self, CallError, Message};
use crate::config::Config;
use crate::error::Error;
use crate::instance::no_page;
use crate::runtime::{MAX_TABLE_ELEMENTS, Runtime, TICK, ticks};
use crate::wasi;

/// How much of a panic's message is kept, in bytes. Each pending call gets a copy, and a guest may have gigabytes to say.
const MAX_PANIC: usize = 4 << 10;

/// How a call went.
pub(crate) type Outcome = Result<Message, Error>;

/// A call that has ended, and who waits for it.
pub(crate) type Ended = (oneshot::Sender<Outcome>, Outcome);

/// The page's side of one guest.
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    config: Arc<Config>,
    /// The time, in [`TICK`]s.
    clock: Arc<AtomicU64>,
    /// When the visit that is under way must be over, on that clock.
    deadline: u64,
    /// How much memory the guest asked for, in bytes, when it was last refused more.
    pub(crate) refused_memory: Option<usize>,
    /// What the guest said before it trapped.
    pub(crate) panic: Option<Panic>,
    /// Who waits for each call that has not ended.
    pub(crate) pending: HashMap<u64, oneshot::Sender<Outcome>>,
    /// The calls that have ended, and whose callers are told once the session is free.
    pub(crate) ended: Vec<Ended>,
    /// When the guest asked to be called, where it did so since it was entered.
    pub(crate) alarm: Option<Instant>,
    /// What must be told to the guest as soon as it is off the stack.
    pub(crate) replies: Vec<Reply>,
}

/// A panic that the guest reported.
pub(crate) struct Panic {
    pub(crate) message: String,
    pub(crate) location: String,
}

/// The end of something that the guest began.
pub(crate) enum Reply {
    /// Of a `begin-invoke-js`.
    Invoke(u64),
    /// Of a `read-js-stream`.
    Read(u64),
}

impl State {
    pub(crate) fn new(runtime: &Runtime) -> Self {
        Self {
            wasi: wasi::context(),
            table: ResourceTable::new(),
            config: Arc::clone(&runtime.config),
            clock: Arc::clone(&runtime.clock),
            deadline: 0,
            refused_memory: None,
            panic: None,
            pending: HashMap::new(),
            ended: Vec::new(),
            alarm: None,
            replies: Vec::new(),
        }
    }

    /// Gives the guest its time, and forgets what was said in the visit before. The time in [`TICK`]s.
    pub(crate) fn begin_visit(&mut self) -> u64 {
        let ticks = ticks(self.config.cpu_limit);
        self.deadline = self.clock.load(Ordering::Relaxed).saturating_add(ticks);
        self.refused_memory = None;
        self.panic = None;
        ticks
    }

    /// How long the guest may still run or wait in this visit.
    pub(crate) fn time_left(&self) -> Duration {
        let ticks = self.deadline.saturating_sub(self.clock.load(Ordering::Relaxed));
        TICK.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX))
    }

    pub(crate) fn cpu_limit(&self) -> Duration {
        self.config.cpu_limit
    }

    pub(crate) fn max_memory(&self) -> usize {
        self.config.max_memory
    }

    /// Ends every call that is under way.
    pub(crate) fn end_all(&mut self, error: &Error) {
        let waiting = self.pending.drain().map(|(_, waiting)| (waiting, Err(error.clone())));
        self.ended.extend(waiting);
    }

    /// Notes what must be told to the guest. It may not wait for more than it may be waited for.
    fn reply(&mut self, reply: Reply) -> wasmtime::Result<()> {
        let limit = self.config.max_pending_calls;
        if self.replies.len() >= limit {
            wasmtime::bail!("it began {limit} calls of the page without returning, and {limit} is the limit");
        }
        self.replies.push(reply);
        Ok(())
    }

    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
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
        _target: i64,
        _identifier: String,
        _operation: page::Operation,
        _want: page::ResultType,
        _args: Message,
    ) -> Result<Message, CallError> {
        Err(no_page())
    }

    fn begin_invoke_js(
        &mut self,
        call: u64,
        _target: i64,
        _identifier: String,
        _operation: page::Operation,
        _want: page::ResultType,
        _args: Message,
    ) -> wasmtime::Result<()> {
        self.reply(Reply::Invoke(call))
    }

    fn cancel_invoke_js(&mut self, _call: u64) {}

    fn release_js(&mut self, _object: i64) {}

    fn read_js_stream(&mut self, call: u64, _object: i64, _offset: u64, _length: u32) -> wasmtime::Result<()> {
        self.reply(Reply::Read(call))
    }

    fn end_invoke(&mut self, call: u64, outcome: Result<Message, CallError>) {
        // A call that nobody awaits any more has been cancelled, and the guest may end it all the same.
        if let Some(waiting) = self.pending.remove(&call) {
            self.ended.push((waiting, outcome.map_err(Error::from)));
        }
    }

    fn end_read(&mut self, _call: u64, _outcome: Result<Vec<u8>, CallError>) {}

    fn wake_after(&mut self, nanoseconds: u64) {
        // A time beyond the clock's range never comes.
        self.alarm = Instant::now().checked_add(Duration::from_nanos(nanoseconds));
    }

    fn report_panic(&mut self, mut message: String, mut location: String) {
        message.truncate(message.floor_char_boundary(MAX_PANIC));
        location.truncate(location.floor_char_boundary(MAX_PANIC));
        self.panic = Some(Panic { message, location });
    }
}
