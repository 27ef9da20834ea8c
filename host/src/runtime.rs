//! The engine that guests are compiled for, and the clock that interrupts them.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use wasmtime::component::{HasSelf, Linker};
use wasmtime::{Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::bindings::page;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::guest::Guest;
use crate::state::State;
use crate::wasi;

/// How exactly [`Config::cpu_limit`] is kept. Each tick costs the process one wake-up of a thread.
const TICK: Duration = Duration::from_millis(10);

/// The most memories and tables that one component may bring: its own, and those of the adapters inside it.
const MAX_PARTS: u32 = 16;

/// The most elements of a table. A table holds the functions that are called through pointers, which large programs have
/// tens of thousands of.
const MAX_TABLE_ELEMENTS: usize = 200_000;

/// An engine with its limits. Make one per program and load all guests with it; clones are the same runtime.
#[derive(Clone)]
pub struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) linker: Arc<Linker<State>>,
    pub(crate) config: Arc<Config>,
}

impl Runtime {
    /// A runtime whose guests may use what `config` says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] where the machine or the configuration does not allow it.
    pub fn new(config: Config) -> Result<Self, Error> {
        let engine = engine(&config)?;
        tick(&engine);
        let linker = linker(&engine).map_err(|error| {
            Error::new(ErrorKind::Unsupported, "The host's functions cannot be linked.")
                .with_detail(format!("{error:?}"))
        })?;
        Ok(Self { engine, linker: Arc::new(linker), config: Arc::new(config) })
    }

    /// Loads a guest from a file: a component that exports `dotwit:interop`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidGuest`] says what the file is instead, or what is wrong with the guest.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<Guest, Error> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let refused = |what: String| Error::new(ErrorKind::InvalidGuest, format!("The guest '{name}' {what}."));
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(_) if path.is_dir() => return Err(refused("is a folder, and a file is expected".to_owned())),
            Err(error) => return Err(refused(format!("cannot be read: {error}"))),
        };
        Guest::new(self, &name, &bytes)
    }

    /// Loads a guest from the bytes of a component. `name` stands for it in messages.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn load_bytes(&self, name: &str, bytes: &[u8]) -> Result<Guest, Error> {
        Guest::new(self, name, bytes)
    }
}

fn engine(config: &Config) -> Result<Engine, Error> {
    let unsupported = |error: wasmtime::Error| {
        Error::new(ErrorKind::Unsupported, "The engine cannot be made with this configuration.")
            .with_detail(format!("{error:?}"))
    };
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(config.max_sessions)
        .total_core_instances(config.max_sessions.saturating_mul(MAX_PARTS))
        .total_memories(config.max_sessions)
        .total_tables(config.max_sessions.saturating_mul(4))
        .max_core_instances_per_component(MAX_PARTS)
        .max_memories_per_component(1)
        .max_tables_per_component(4)
        .max_memory_size(config.max_memory)
        .table_elements(MAX_TABLE_ELEMENTS);
    let mut settings = wasmtime::Config::new();
    settings
        // Halves the cost of a call. Guests of the component model 0.2 have no use for it.
        .concurrency_support(false)
        .epoch_interruption(true)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&settings).or_else(|_| {
        // Some machines limit address space. Sessions then start slower, and run the same.
        tracing::warn!("no address space for a pool of {} sessions: each will allocate its own", config.max_sessions);
        settings.allocation_strategy(InstanceAllocationStrategy::OnDemand);
        Engine::new(&settings).map_err(unsupported)
    })
}

/// Advances the engine's epoch as long as the engine lives.
fn tick(engine: &Engine) {
    let engine = engine.weak();
    thread::Builder::new()
        .name("dotwit-epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                thread::sleep(TICK);
            }
        })
        .expect("a program that can run guests can start a thread");
}

/// How many ticks make up a duration, rounded up, and one for the tick that is under way.
pub(crate) fn ticks(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX).saturating_add(1)
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    page::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    crate::bindings::types::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}
