//! wasmtime: guests are compiled, linked and run here, and nowhere else.
//!
//! [`Runtime`] is the engine with its limits, and [`instance::Instance`] is one running guest without locks and threads: it takes
//! tasks and returns [`effects`]. `store` is its state in wasmtime, `imports` is what it calls, `pending` is what is under way, `wasi` and `output` are
//! its view of the machine, and `epoch` is its time. `fiber` is the asynchronous way into an instance, for circuits, and `meter` is the time of
//! that one. `memory` counts what all guests have. The folder imports `contract`, `background` and what
//! stands below them.

#[cfg(feature = "server")]
pub(crate) mod access;
pub(crate) mod effects;
pub(crate) mod epoch;
#[cfg(feature = "server")]
pub(crate) mod fiber;
mod imports;
pub(crate) mod instance;
mod memory;
#[cfg(feature = "server")]
pub(crate) mod meter;
mod output;
mod pending;
pub(crate) mod result;
pub(crate) mod store;
#[cfg(test)]
mod tests;
pub(crate) mod trap;
pub(crate) mod upcalls;
mod wasi;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(feature = "server")]
use std::time::Duration;

use parking_lot::Mutex;
#[cfg(feature = "server")]
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::background::{clock, executor};
use crate::config::Config;
use crate::contract::bindings::page;
use crate::engine::epoch::EpochClock;
use crate::engine::memory::MemoryAccount;
use crate::engine::store::{MAX_TABLE_ELEMENTS, State};
use crate::error::{Error, ErrorKind};

/// The most core instances that one component may have: its own module, and those that adapt its imports.
const MAX_CORE_INSTANCES: u32 = 16;

/// The most tables that one component may have: its own, and those of the modules that adapt its imports.
const MAX_TABLES: u32 = 4;

/// How long a circuit waits for the place of one that has ended: its instance may be dropped at low priority. A page waits that long for
/// its first answer, and the handshake has 5 s.
#[cfg(feature = "server")]
const WAIT_FOR_PLACE: Duration = Duration::from_secs(2);

/// The stack of a guest that runs on a fiber, in bytes: one half is the guest's, as on a thread, and the other is for the host's functions that
/// it calls.
#[cfg(feature = "server")]
const FIBER_STACK: usize = 1 << 20;

/// The part of it that is the guest's, in bytes. It is wasmtime's default.
#[cfg(feature = "server")]
const GUEST_STACK: usize = 512 << 10;

/// An engine with its limits. Make one per program and load all guests with it; clones are the same runtime.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) linker: Arc<Linker<State>>,
    pub(crate) config: Arc<Config>,
    pub(crate) clock: EpochClock,
    pub(crate) memory: MemoryAccount,
    sessions: Arc<AtomicU32>,
    #[cfg(feature = "server")]
    circuits: Arc<Semaphore>,
    /// Locked while a guest describes itself, for which the pool has one instance beside the sessions.
    pub(crate) describing: Arc<Mutex<()>>,
}

/// An instance's place among those that there may be. Dropping it makes room for another.
pub(crate) enum Permit {
    Session(Arc<AtomicU32>),
    #[cfg(feature = "server")]
    Circuit(#[expect(dead_code, reason = "is dropped")] OwnedSemaphorePermit),
}

impl Drop for Permit {
    fn drop(&mut self) {
        match self {
            Self::Session(sessions) => drop(sessions.fetch_sub(1, Ordering::AcqRel)),
            #[cfg(feature = "server")]
            Self::Circuit(_) => {}
        }
    }
}

impl Runtime {
    /// Returns a runtime with the limits of `config`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] if the configuration is out of range, or the machine does not allow it.
    pub fn new(config: Config) -> Result<Self, Error> {
        config.check()?;
        let engine = engine(&config)?;
        let started =
            clock::start().and_then(|()| executor::start()).and_then(|()| EpochClock::start(&engine, config.tick()));
        let clock = started.map_err(|error| {
            let what = format!("The host cannot start the threads that it needs: {error}.");
            Error::new(ErrorKind::Unsupported, what).with_source(error)
        })?;
        let linker = linker(&engine).map_err(|error| {
            Error::new(ErrorKind::Unsupported, "The host's functions cannot be linked.").with_cause(error)
        })?;
        Ok(Self {
            engine,
            linker: Arc::new(linker),
            memory: MemoryAccount::new(memory::limit(&config)),
            #[cfg(feature = "server")]
            circuits: Arc::new(Semaphore::new(config.max_circuits as usize)),
            config: Arc::new(config),
            clock,
            sessions: Arc::default(),
            describing: Arc::default(),
        })
    }

    /// Returns a place for one more session.
    pub(crate) fn permit(&self) -> Result<Permit, Error> {
        let limit = self.config.max_sessions;
        let taken = self
            .sessions
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| (count < limit).then_some(count + 1));
        taken.map(|_| Permit::Session(Arc::clone(&self.sessions))).map_err(|count| {
            Error::new(ErrorKind::TooMany, format!("There are {count} sessions, and {limit} is the limit."))
        })
    }

    /// Returns a place for one more circuit. It waits a little for one that is being dropped.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooMany`], where there is none.
    #[cfg(feature = "server")]
    pub(crate) async fn circuit_permit(&self) -> Result<Permit, Error> {
        let place = Arc::clone(&self.circuits).acquire_owned();
        match tokio::time::timeout(WAIT_FOR_PLACE, place).await {
            Ok(Ok(place)) => Ok(Permit::Circuit(place)),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => {
                let limit = self.config.max_circuits;
                Err(Error::new(ErrorKind::TooMany, format!("There are {limit} circuits, and {limit} is the limit.")))
            }
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("config", &self.config).finish_non_exhaustive()
    }
}

fn engine(config: &Config) -> Result<Engine, Error> {
    let unsupported = |error| {
        Error::new(ErrorKind::Unsupported, "The engine cannot be created with this configuration.").with_cause(error)
    };
    let mut pool = PoolingAllocationConfig::default();
    // One more is for guests that describe themselves.
    let instances = config.max_sessions + config.max_circuits + 1;
    pool.total_component_instances(instances)
        .total_core_instances(instances * MAX_CORE_INSTANCES)
        .total_memories(instances)
        .total_tables(instances * MAX_TABLES)
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .max_memories_per_component(1)
        .max_tables_per_component(MAX_TABLES)
        .max_memory_size(config.max_memory)
        .table_elements(MAX_TABLE_ELEMENTS);
    #[cfg(feature = "server")]
    pool.total_stacks(config.max_circuits.max(1));
    let mut settings = wasmtime::Config::new();
    settings
        // Halves the cost of a call. Guests of the component model 0.2 have no use for it.
        .concurrency_support(false)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    #[cfg(feature = "server")]
    settings.async_stack_size(FIBER_STACK).max_wasm_stack(GUEST_STACK);
    Engine::new(&settings).or_else(|error| {
        // Some machines limit address space. Sessions then start slower, under the same limits.
        tracing::warn!(
            "memory for {} guests cannot be pooled, and each will allocate its own: {error:#}",
            config.max_sessions + config.max_circuits
        );
        settings.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        Engine::new(&settings).map_err(unsupported)
    })
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    page::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}
