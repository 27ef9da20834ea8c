//! What a store holds: the guest's resources, and the imports of `dotwit:interop/page`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use wasmtime::ResourceLimiter;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use crate::bindings::page;
use crate::bindings::types::{self, CallError, Message};
use crate::config::Config;
use crate::error::Error;
use crate::wasi;

/// How much of a panic's message is kept, in bytes. Each pending call gets a copy, and a guest may have gigabytes to say.
const MAX_PANIC: usize = 4 << 10;

/// How a call went.
pub(crate) type Outcome = Result<Message, Error>;

/// The page's side of one guest.
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
    cpu_limit: Duration,
    max_memory: usize,
    /// How much memory the guest asked for, in bytes, when it was last refused more.
    pub(crate) refused_memory: Option<usize>,
    /// What the guest said before it trapped.
    pub(crate) panic: Option<Panic>,
    /// Who waits for each call that has not ended.
    pub(crate) pending: HashMap<u64, oneshot::Sender<Outcome>>,
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
    Invoke(u64, CallError),
    /// Of a `read-js-stream`.
    Read(u64, CallError),
}

impl State {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            wasi: wasi::context(),
            table: ResourceTable::new(),
            cpu_limit: config.cpu_limit,
            max_memory: config.max_memory,
            refused_memory: None,
            panic: None,
            pending: HashMap::new(),
            alarm: None,
            replies: Vec::new(),
        }
    }

    pub(crate) fn cpu_limit(&self) -> Duration {
        self.cpu_limit
    }

    pub(crate) fn max_memory(&self) -> usize {
        self.max_memory
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
        let allowed = desired <= self.max_memory;
        if !allowed {
            self.refused_memory = Some(desired);
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, _current: usize, _desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // The engine's own limit on table elements holds.
        Ok(true)
    }
}

impl types::Host for State {}

/// This host has no page for the guest to call yet: what would reach one is refused, in the way in which it would end.
fn no_page() -> CallError {
    CallError {
        kind: types::ErrorKind::Unsupported,
        message: "This version of the native host has no page whose functions a guest could call.".to_owned(),
        detail: None,
    }
}

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
    ) {
        self.replies.push(Reply::Invoke(call, no_page()));
    }

    fn cancel_invoke_js(&mut self, _call: u64) {}

    fn release_js(&mut self, _object: i64) {}

    fn read_js_stream(&mut self, call: u64, _object: i64, _offset: u64, _length: u32) {
        self.replies.push(Reply::Read(call, no_page()));
    }

    fn end_invoke(&mut self, call: u64, outcome: Result<Message, CallError>) {
        // A call that nobody awaits any more has been cancelled, and the guest may end it all the same.
        if let Some(waiting) = self.pending.remove(&call) {
            let _ = waiting.send(outcome.map_err(Error::from));
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
