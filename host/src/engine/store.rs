//! The data of a guest's wasmtime store: WASI, limits, time, and what is under way.

#[cfg(feature = "typed")]
use std::any::{Any, TypeId};
#[cfg(feature = "typed")]
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use wasmtime::ResourceLimiter;
use wasmtime_wasi::{ResourceTable, WasiCtx, WasiCtxView, WasiView};

use crate::config::Config;
use crate::contract::message::{CallError, Message};
use crate::engine::effects::{Effects, Outcome, Waiter, give_back};
use crate::engine::epoch::{EntryTime, EpochClock};
use crate::engine::memory::{MemoryAccount, MemoryShare};
use crate::engine::pending::Pending;
use crate::engine::result::ResultMessage;
use crate::engine::upcalls::Upcalls;
use crate::error::Error;

/// The most elements of a table. A table holds the functions that are called through pointers: tens of thousands in large programs.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 200_000;

/// The data of a guest's store.
#[cfg_attr(not(feature = "typed"), expect(unreachable_pub, reason = "the typed interop's API has it"))]
pub struct State {
    /// The program's own data, by type.
    #[cfg(feature = "typed")]
    data: HashMap<TypeId, Box<dyn Any + Send>>,
    wasi: WasiCtx,
    table: ResourceTable,
    pub(crate) config: Arc<Config>,
    /// None while the guest has no driver.
    pub(crate) upcalls: Option<Weak<dyn Upcalls>>,
    pub(crate) time: EntryTime,
    /// The size of the memory that the guest began with, in bytes: its code's data and its stack.
    initial_memory: usize,
    memory: MemoryShare,
    pub(crate) refused_memory: Option<RefusedMemory>,
    pub(crate) panic: Option<Panic>,
    pub(crate) pending: Pending,
    pub(crate) effects: Effects,
}

/// The memory that the guest was last refused.
pub(crate) struct RefusedMemory {
    /// The size that the guest's memory would have, in bytes.
    pub(crate) bytes: usize,
    /// The limit of all guests, in bytes, if it was that one.
    pub(crate) shared_limit: Option<usize>,
    /// The guest has none yet.
    pub(crate) at_start: bool,
}

/// A panic that the guest has reported. A trap follows.
pub(crate) struct Panic {
    pub(crate) message: String,
    pub(crate) location: String,
}

impl State {
    pub(crate) fn new(config: Arc<Config>, clock: EpochClock, memory: &MemoryAccount, wasi: WasiCtx) -> Self {
        Self {
            #[cfg(feature = "typed")]
            data: HashMap::new(),
            wasi,
            table: ResourceTable::new(),
            time: EntryTime::new(clock, config.cpu_limit),
            pending: Pending::new(config.max_pending_calls),
            config,
            upcalls: None,
            initial_memory: 0,
            memory: memory.share(),
            refused_memory: None,
            panic: None,
            effects: Effects::default(),
        }
    }

    /// Begins an entry: starts its time, and forgets what the last entry reported. Returns the ticks that the engine may grant.
    pub(crate) fn begin_entry(&mut self) -> u64 {
        self.refused_memory = None;
        self.panic = None;
        self.pending.begin_entry();
        self.time.begin()
    }

    pub(crate) fn upcalls(&self) -> Option<Arc<dyn Upcalls>> {
        self.upcalls.as_ref()?.upgrade()
    }

    /// Returns the largest size of a message to the guest, in bytes: all the memory that the guest can have beside what it began with.
    pub(crate) fn max_message(&self) -> usize {
        self.config.max_memory.saturating_sub(self.initial_memory)
    }

    /// Returns the outcome of a call that leaves the guest for `waiter`. What it names is held from here on for a caller, who may read
    /// it on another thread. A driver passes on what leaves the guest in the order in which it leaves.
    pub(crate) fn outcome(&self, waiter: &Waiter<ResultMessage>, outcome: Result<Message, CallError>) -> Outcome {
        match waiter {
            Waiter::Caller(_) => self.returned(outcome),
            #[cfg(feature = "server")]
            Waiter::Driver => outcome.map(|message| ResultMessage::new(None, message)).map_err(Error::from),
        }
    }

    /// Returns the outcome of a call that has returned to the caller.
    pub(crate) fn returned(&self, outcome: Result<Message, CallError>) -> Outcome {
        outcome.map(|message| ResultMessage::new(self.upcalls.as_ref(), message)).map_err(Error::from)
    }

    /// Gives back what a refused message of the guest names.
    pub(crate) fn give_back(&mut self, message: &Message) {
        self.effects.guest.extend(give_back(message));
    }

    /// Ends everything that is under way with an error.
    pub(crate) fn end_all(&mut self, error: &Error) {
        self.pending.end_all(error, &mut self.effects);
    }

    pub(crate) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

#[cfg(feature = "typed")]
impl State {
    /// Returns the program's own data of a type, for the functions that it links. It is created with `Default` on first use, and lives
    /// as long as the session.
    pub fn data<T: Default + Send + 'static>(&mut self) -> &mut T {
        let data = self.data.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(T::default()));
        data.downcast_mut().unwrap_or_else(|| unreachable!("each type has a box of its own"))
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
        let refused = if desired > self.config.max_memory {
            None
        } else if let Err(limit) = self.memory.set(desired) {
            Some(limit)
        } else {
            return Ok(true);
        };
        self.refused_memory = Some(RefusedMemory { bytes: desired, shared_limit: refused, at_start: current == 0 });
        Ok(false)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= MAX_TABLE_ELEMENTS)
    }
}
