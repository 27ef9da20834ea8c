//! The engine that guests are compiled for, and the clock that interrupts them.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings::page;
use crate::clock;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::executor;
use crate::guest::Guest;
use crate::state::State;
use crate::wasi;

/// How exactly [`Config::cpu_limit`] is kept. Each tick costs the process one wake-up of a thread.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// The most core instances that one component may have: its own module, and those that adapt its imports.
const MAX_CORE_INSTANCES: u32 = 16;

/// The most tables that one component may have: its own, and those of the modules that adapt its imports.
const MAX_TABLES: u32 = 4;

/// The most sessions of one runtime: each takes more than 4 GiB of address space, and there are 128 TiB.
const MAX_SESSIONS: u32 = 20_000;

/// How many of a process's memory maps a session takes on Linux, as counted in `/proc/self/maps`: the accessible and the reserved
/// part of its memory and of its tables.
const MAPS_PER_SESSION: u64 = 4;

/// How many the engine takes for itself: 2 001 were counted, most of them for the pool's heaps of garbage-collected objects.
const MAPS_OF_ENGINE: u64 = 2_100;

/// The most memory that a 32-bit guest can have, in bytes.
const MAX_MEMORY: usize = 4 << 30;

/// The deepest JSON that is read: a little less than `serde_json`, which recurses, lets through.
const MAX_DEPTH: usize = 100;

/// The most elements of a table. A table holds the functions that are called through pointers, which large programs have
/// tens of thousands of.
pub(crate) const MAX_TABLE_ELEMENTS: usize = 200_000;

/// An engine with its limits. Make one per program and load all guests with it; clones are the same runtime.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) linker: Arc<Linker<State>>,
    pub(crate) config: Arc<Config>,
    /// The time since the runtime was made, in [`TICK`]s.
    pub(crate) clock: Arc<AtomicU64>,
    sessions: Arc<AtomicU32>,
    /// Held while a guest is asked what it offers, for which there is one instance beside the sessions.
    pub(crate) describing: Arc<Mutex<()>>,
}

/// A session's place among those that there may be. Dropping it makes room for another.
pub(crate) struct Slot(Arc<AtomicU32>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Runtime {
    /// A runtime whose guests may use what `config` says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the configuration is out of range, or the machine does not allow it.
    pub fn new(config: Config) -> Result<Self, Error> {
        check(&config)?;
        check_maps(&config)?;
        let engine = engine(&config)?;
        let clock = Arc::new(AtomicU64::new(0));
        let started = clock::start().and_then(|()| executor::start()).and_then(|()| tick(&engine, &clock));
        started.map_err(|error| {
            Error::new(ErrorKind::Unsupported, format!("The host cannot start the threads that it needs: {error}."))
        })?;
        let linker = linker(&engine).map_err(|error| {
            Error::new(ErrorKind::Unsupported, "The host's functions cannot be linked.")
                .with_detail(format!("{error:?}"))
        })?;
        Ok(Self {
            engine,
            linker: Arc::new(linker),
            config: Arc::new(config),
            clock,
            sessions: Arc::default(),
            describing: Arc::default(),
        })
    }

    /// A place for one more session.
    pub(crate) fn slot(&self) -> Result<Slot, Error> {
        let limit = self.config.max_sessions;
        let taken = self
            .sessions
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |count| (count < limit).then_some(count + 1));
        taken.map(|_| Slot(Arc::clone(&self.sessions))).map_err(|count| {
            Error::new(ErrorKind::TooMany, format!("There are {count} sessions, and {limit} is the limit."))
        })
    }

    /// Loads a guest from a file: a component that exports `dotwit:interop`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidGuest`] says what the file is instead, or what is wrong with the guest. A guest is started once to
    /// ask what it offers: [`ErrorKind::GuestTrapped`] where that ends it, [`ErrorKind::Failed`] where it says that nothing
    /// can be called.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Guest, Error> {
        self.load_with(&self.linker, path.as_ref())
    }

    /// Loads a guest that imports what `linker` has.
    pub(crate) fn load_with(&self, linker: &Linker<State>, path: &Path) -> Result<Guest, Error> {
        let name = path.display().to_string();
        let refused = |what: String| Error::new(ErrorKind::InvalidGuest, format!("The guest '{name}' {what}."));
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(_) if path.is_dir() => return Err(refused("is a folder, and a file is expected".to_owned())),
            Err(error) => return Err(refused(format!("cannot be read: {error}"))),
        };
        Guest::new(self, linker, &name, &bytes)
    }

    /// Loads a guest from the bytes of a component. `name` stands for it in messages.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Guest, Error> {
        Guest::new(self, &self.linker, name, bytes)
    }
}

/// Refuses limits that no guest could live with, or that cannot be kept.
fn check(config: &Config) -> Result<(), Error> {
    let refused = |what: String| Err(Error::new(ErrorKind::Unsupported, format!("The configuration's {what}.")));
    if !(1..=MAX_MEMORY).contains(&config.max_memory) {
        return refused(format!("max_memory is {} bytes, and must be from 1 to {MAX_MEMORY}", config.max_memory));
    }
    if config.max_sessions == 0 || config.max_sessions > MAX_SESSIONS {
        return refused(format!("max_sessions is {}, and must be from 1 to {MAX_SESSIONS}", config.max_sessions));
    }
    if config.cpu_limit.is_zero() {
        return refused("cpu_limit is zero, and must be longer".to_owned());
    }
    if !(1..=MAX_DEPTH).contains(&config.max_depth) {
        return refused(format!("max_depth is {}, and must be from 1 to {MAX_DEPTH}", config.max_depth));
    }
    Ok(())
}

/// Refuses more sessions than Linux has memory maps for: what needs one more aborts the process.
fn check_maps(config: &Config) -> Result<(), Error> {
    // Other systems have no such limit.
    let Ok(limit) = std::fs::read_to_string("/proc/sys/vm/max_map_count") else { return Ok(()) };
    let Ok(limit) = limit.trim().parse::<u64>() else { return Ok(()) };
    let mapped = std::fs::read("/proc/self/maps").map_or(0, |maps| maps.split(|byte| *byte == b'\n').count() as u64);
    let used = mapped + MAPS_OF_ENGINE;
    let (sessions, needed) = (config.max_sessions, u64::from(config.max_sessions) * MAPS_PER_SESSION);
    if used + needed <= limit {
        return Ok(());
    }
    let (room, enough) = (limit.saturating_sub(used) / MAPS_PER_SESSION, used + needed);
    let what = format!(
        "The configuration's max_sessions is {sessions}, which takes up to {needed} memory maps, and of the {limit} that this \
         machine allows a process {used} are needed for other things: lower it to {room}, or allow more with `sysctl -w vm.max_map_count={enough}`."
    );
    Err(Error::new(ErrorKind::Unsupported, what))
}

fn engine(config: &Config) -> Result<Engine, Error> {
    let unsupported = |error: wasmtime::Error| {
        Error::new(ErrorKind::Unsupported, "The engine cannot be made with this configuration.")
            .with_detail(format!("{error:?}"))
    };
    let mut pool = PoolingAllocationConfig::default();
    // One beside the sessions is for asking a guest what it offers.
    let instances = config.max_sessions + 1;
    pool.total_component_instances(instances)
        .total_core_instances(instances * MAX_CORE_INSTANCES)
        .total_memories(instances)
        .total_tables(instances * MAX_TABLES)
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .max_memories_per_component(1)
        .max_tables_per_component(MAX_TABLES)
        .max_memory_size(config.max_memory)
        .table_elements(MAX_TABLE_ELEMENTS);
    let mut settings = wasmtime::Config::new();
    settings
        // Halves the cost of a call. Guests of the component model 0.2 have no use for it.
        .concurrency_support(false)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&settings).or_else(|error| {
        // Some machines limit address space. Sessions then start slower, under the same limits.
        tracing::warn!(
            "no pool of memory for {} sessions can be had, and each will allocate its own: {error:#}",
            config.max_sessions
        );
        settings.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        Engine::new(&settings).map_err(unsupported)
    })
}

/// Advances the engine's epoch and the clock as long as the engine lives.
///
/// # Errors
///
/// What the system says where it has no thread left.
fn tick(engine: &Engine, clock: &Arc<AtomicU64>) -> io::Result<()> {
    let engine = engine.weak();
    let clock = Arc::clone(clock);
    let ticking = move || {
        while let Some(engine) = engine.upgrade() {
            clock.fetch_add(1, Ordering::Relaxed);
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    thread::Builder::new().name("dotwit-epoch".to_owned()).spawn(ticking).map(drop)
}

/// How many ticks make up a duration, rounded up, and one for the tick that is under way. What is longer than the engine
/// can count is as good as endless.
pub(crate) fn ticks(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX).min(u64::MAX / 2) + 1
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    page::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    crate::bindings::types::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}
